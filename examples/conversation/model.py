# SPDX-License-Identifier: GPL-3.0-or-later
"""The language model: a stand-in that knows a few answers by heart, and writes them word for word.

A real one has the same name (model_openai.py is one):

    answer(messages)   messages: [{"role": "user" or "assistant", "content": "…"}, …], the conversation so far, of which
                       the last is the user's. An assistant's content is what was heard of it, and ends with
                       " [interrupted]" if the user cut it off there. Yields the answer in pieces (str) of any length
                       while it is written. It is called in a thread, and closed (GeneratorExit) when nobody wants the
                       rest.
"""
import re
import time

INTERRUPTED = "[interrupted]"
WORD_S = 0.03
ANSWERS = [
    (r"\b(who|name)\b", "I am a digital human. I hear you, I think a little, and then I say what I have to say. You "
                        "may interrupt me at any time. I stop at once, and I remember how far you have heard me."),
    (r"\b(weather|rain|sun)\b", "I have no window. I only know that it is warm and dry inside this computer, and that "
                                "the fan is turning. It has been like this for as long as I can remember."),
    (r"\b(hello|hi|good)\b", "Hello! It is nice to hear you. Ask me who I am, or what the weather is like."),
    (r"\b(bye|goodbye|thank|thanks)\b", "Thank you for talking to me. Goodbye!"),
]
DEFAULT = "I heard that, but I know only a few answers by heart, because I am not a real language model. Ask me who I " \
          "am, or what the weather is like. Whoever builds on this example puts a real one in my place."


def choose(said):
    return next((text for pattern, text in ANSWERS if re.search(pattern, said.lower())), DEFAULT)


def answer(messages):
    text = choose(messages[-1]["content"])
    before = messages[-2]["content"] if len(messages) > 1 else ""
    if before.endswith(INTERRUPTED):
        heard = before[:-len(INTERRUPTED)].split()[-3:]
        text = f"You stopped me at: {' '.join(heard).rstrip('.,:!?')}. {text}"
    for word in re.findall(r"\S+\s*", text):
        time.sleep(WORD_S)
        yield word
