# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in for models in these examples: a voice that hums the letters, and a face whose mouth follows it.

Yours would be a speech synthesis and a lip-sync model; nothing else here would change.
"""
import argparse

import numpy as np

RATE = 24000
FPS = 25
SAMPLES = RATE // FPS       # for each picture
VOWELS = {"a": (800, 1200), "e": (500, 1900), "i": (300, 2300), "o": (500, 900), "u": (320, 800), "y": (300, 1700)}


def options_of(description, text="Hello, I am made of arrays."):
    """What the command line says."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("text", nargs="?", default=text)
    parser.add_argument("--gateway", default="127.0.0.1:8189", help="host:port, tls://host:port or unix:/path")
    parser.add_argument("--room", default="1")
    parser.add_argument("--string-ids", action="store_true",
                        help="the gateway has string_ids: digits are a string, too")
    parser.add_argument("--secret", help="of the room, if it has one")
    parser.add_argument("--size", default=256, type=int, help="width and height of the pictures (256)")
    options = parser.parse_args()
    if options.room.isdecimal() and not options.string_ids:
        options.room = int(options.room)
    return options


def letter(char):
    """60 to 120 ms of sound: a vowel's two formants, a consonant's noise, a pause."""
    count = RATE * (120 if char in VOWELS else 60) // 1000
    t = np.arange(count) / RATE
    edge = np.minimum(1, np.minimum(t, t[::-1]) / 0.015)
    if char in VOWELS:
        low, high = VOWELS[char]
        tone = np.sin(2 * np.pi * 120 * t) + np.sin(2 * np.pi * low * t) + 0.5 * np.sin(2 * np.pi * high * t)
        return 0.2 * edge * tone
    noise = np.random.default_rng(ord(char)).standard_normal(count)
    return (0.04 if char.isalnum() else 0) * edge * noise


def speak(text):
    """The voice: float32 samples at 24 kHz, a whole number of pictures long."""
    sound = np.concatenate([letter(char) for char in f" {text.lower()} "])
    return np.pad(sound, (0, -len(sound) % SAMPLES)).astype(np.float32)


def openings(sound):
    """How far the mouth is open in each picture, 0 to 1."""
    return np.clip(5 * np.sqrt((sound.reshape(-1, SAMPLES) ** 2).mean(axis=1)), 0, 1)


def draw(opening, number, size=256):
    """A picture: uint8 of shape (size, size, 3), BGR."""
    y, x = np.mgrid[0:1:size * 1j, 0:1:size * 1j]
    y = y - 0.01 * np.sin(number / 9)
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = (96, 72, 48)

    def ellipse(cx, cy, rx, ry, colour):
        picture[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1] = colour
    ellipse(0.5, 0.5, 0.30, 0.38, (150, 180, 230))
    for side in (-0.11, 0.11):
        ellipse(0.5 + side, 0.42, 0.045, 0.004 if number % 90 < 3 else 0.03, (40, 30, 30))
    ellipse(0.5, 0.68, 0.10, 0.012 + 0.07 * opening, (50, 40, 120))
    return picture


def generate(text):
    """Yields (frame, samples) for each picture."""
    sound = speak(text)
    for number, opening in enumerate(openings(sound)):
        yield draw(opening, number), sound[number * SAMPLES:(number + 1) * SAMPLES]
