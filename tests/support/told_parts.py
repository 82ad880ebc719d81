# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts for examples/conversation whose sound says which word it is: word n of an answer is a tone of 400 + 60 n Hz,
and the recogniser tells tones from noise. The model writes down what it is told, in $DH_TOLD."""
import array
import json
import math
import os

RATE, FPS, PIXEL_FORMAT = 16000, 25, "yuv420p"
WORDS, SENTENCE = 100, 6
TONE_MS, WORD_MS = 240, 320
FIRST_HZ, STEP_HZ = 400, 60


def hertz(number):
    return FIRST_HZ + STEP_HZ * number


def text():
    """Word0 word1 … word5. Word6 …"""
    words = []
    for n in range(WORDS):
        words.append(("Word" if n % SENTENCE == 0 else "word") + str(n) + ("." if n % SENTENCE == SENTENCE - 1 else ""))
    return " ".join(words)


# -- the model

def answer(messages):
    with open(os.environ["DH_TOLD"], "a", encoding="utf-8") as file:
        file.write(json.dumps(messages) + "\n")
    yield from (word + " " for word in text().split())


# -- the voice and the face

def speak(sentence):
    for place, word in enumerate(sentence.split()):
        tone = [round(8000 * math.sin(2 * math.pi * hertz(int(word.strip("Wword."))) * i / RATE))
                for i in range(TONE_MS * RATE // 1000)]
        silence = [0] * ((WORD_MS - TONE_MS) * RATE // 1000)
        yield array.array("h", tone + silence).tobytes(), [[word, place * WORD_MS, place * WORD_MS + TONE_MS]]


def draw(sound, rate, size):
    step = 2 * rate // FPS
    for samples in sound:
        for at in range(0, len(samples), step):
            yield bytes([128]) * (size[0] * size[1] * 3 // 2), samples[at:at + step]


# -- the recogniser

def recognise(sound, reference):
    """Tones cross zero evenly; noise does not."""
    samples = array.array("h", sound)
    loud = [s for s in samples if abs(s) > 500]
    crossings = [i for i, (a, b) in enumerate(zip(samples, samples[1:])) if a < 0 <= b and max(abs(a), abs(b)) > 100]
    steps = [b - a for a, b in zip(crossings, crossings[1:])]
    usual = sorted(steps)[len(steps) // 2] if steps else 0
    even = sum(abs(step - usual) <= 1 for step in steps)
    return "a tone" if len(loud) > 1600 and even > 0.8 * len(steps) else ""
