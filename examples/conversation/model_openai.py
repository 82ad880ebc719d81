# SPDX-License-Identifier: GPL-3.0-or-later
"""A language model behind HTTP that speaks as OpenAI's does (/chat/completions with a stream): vLLM, llama.cpp, Ollama
and many services do. main.py --model model_openai.py, with the environment

    OPENAI_BASE_URL   default: https://api.openai.com/v1
    OPENAI_MODEL      the model's name
    OPENAI_API_KEY    if it wants one

model.py says what answer() has to do."""
import contextlib
import json
import os
import urllib.error
import urllib.request

BASE_URL = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
MODEL, KEY = os.environ.get("OPENAI_MODEL", "gpt-4o-mini"), os.environ.get("OPENAI_API_KEY")
SILENCE_S = 30
SYSTEM = "You talk with a person. Answer in one to three short spoken sentences, without lists, markup or emoji. " \
         "Where an answer of yours ends with [interrupted], you were cut off there: the person has heard nothing of " \
         "what followed. Never write [interrupted] yourself."


def ask(messages):
    body = {"model": MODEL, "stream": True, "messages": [{"role": "system", "content": SYSTEM}, *messages]}
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {KEY}"} if KEY else {})}
    request = urllib.request.Request(BASE_URL.rstrip("/") + "/chat/completions", json.dumps(body).encode(), headers)
    try:
        return urllib.request.urlopen(request, timeout=SILENCE_S)
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{BASE_URL}: {error.code} {error.read(300).decode(errors='replace')}") from error


def answer(messages):
    with contextlib.closing(ask(messages)) as response:
        for line in response:
            data = line.decode().removeprefix("data:").strip()
            if not line.startswith(b"data:") or not data:
                continue
            if data == "[DONE]":
                return
            told = json.loads(data)
            if told.get("error"):
                raise RuntimeError(f"{BASE_URL}: {json.dumps(told['error'])}")
            choices = told.get("choices") or [{}]
            piece = choices[0].get("delta", {}).get("content")
            if piece:
                yield piece
    raise RuntimeError(f"{BASE_URL}: the answer broke off")
