#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole answer: while a language model still writes, its sentences are spoken and drawn, several at a time.

    python3 answer_overlap.py --gateway gateway:8189 --room 1 --secret demo "What are you?"

The pieces are done in any order and play in theirs. What was heard of the answer, the whole of it or what had
been said when somebody interrupted, is printed: that is what the language model has to be told.
"""
import concurrent.futures
import re
import time
import uuid

import numpy as np

from digitalhuman import Stage
from standin import FPS, RATE, draw, openings, options_of, speak

WORKERS = 3
ANSWER = "I am a face. I was drawn by numpy, one picture after the other. My voice hums what I say. Is that not nice?"


def tokens(question):
    """Stands in for a language model that streams."""
    for token in re.findall(r"\s*\S+", f"You asked: {question} {ANSWER}"):
        time.sleep(0.01)
        yield token


def sentences(stream):
    """Yields (sentence, whether it is the last one), each as soon as the next one begins."""
    text = ""
    for token in stream:
        if re.search(r"[.!?]$", text):
            yield text, False
            text = ""
        text += token
    yield text, True


def make(sentence, size):
    """Speech and pictures of a sentence, whole: (frames, waveform)."""
    sound = speak(sentence)
    return np.stack([draw(opening, n, size) for n, opening in enumerate(openings(sound))]), sound


def main():
    options = options_of(__doc__.splitlines()[0], "Who are you?")
    utterance, pieces = uuid.uuid4().hex, []
    with Stage(options.gateway, options.room, options.secret, fps=FPS, sample_rate=RATE) as stage, \
            concurrent.futures.ThreadPoolExecutor(WORKERS) as workers:

        def say(index, sentence, last):
            frames, sound = make(sentence, options.size)
            return stage.push_av_segment(index, frames, sound, utterance=utterance, last=last, text=sentence).result()
        for index, (sentence, last) in enumerate(sentences(tokens(options.text))):
            if any(piece.done() and piece.result().event == "interrupted" for piece in pieces):
                break       # nobody wants the rest
            pieces.append(workers.submit(say, index, sentence, last))
        results = [piece.result() for piece in pieces]
    for result in results:
        print(result)
    print("heard:", "".join(result.heard_text or "" for result in results).strip())


if __name__ == "__main__":
    main()
