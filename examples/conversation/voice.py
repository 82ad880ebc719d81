# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech. This stands in for a synthesis of yours: espeak-ng's library, which the demonstration speaks with, too.

What replaces it has the same two names:

    RATE         samples a second, 8000 to 48000
    speak(text)  a sentence (str). Yields (samples, words) while they are made. samples: bytes, signed 16 bit in the
                 machine's order, one channel, of any length. words: [[word, from_ms, to_ms], …], when those sound that
                 begin in these samples, in order, from the sentence's first sample on; [] if that is not known: then
                 they are spread over all the sound of the sentence, which waits until it has been made. It is called
                 in a thread, once at a time, and closed (GeneratorExit) when nobody wants the rest.
"""
import array
import ctypes
import os
import re

VOICE = b"en+f3"
PAUSE_MS = 120              # before a sentence, for the mouth to open, and behind it
SYNCHRONOUS, CHARACTERS, UTF8, LIST_END, WORD = 2, 1, 1, 0, 1   # numbers of speak_lib.h
BLOCK_MS = 10
QUIET = 200                 # of 32767: what stays below behind a word does not belong to it


class Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("message", ctypes.c_uint), ("at", ctypes.c_int), ("length", ctypes.c_int),
                ("audio_ms", ctypes.c_int), ("sample", ctypes.c_int), ("user", ctypes.c_void_p),
                ("id", ctypes.c_char * 8)]


OnSound = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))
sound, starts = array.array("h"), []    # of the sentence: samples, and (character, ms) of what begins there


@OnSound
def hear(samples, count, events):
    if samples and count > 0:
        sound.frombytes(ctypes.string_at(samples, 2 * count))
    number = 0
    while events[number].type != LIST_END:
        if events[number].type == WORD and events[number].at > 0:
            starts.append((events[number].at - 1, events[number].audio_ms))
        number += 1
    return 0


# It looks for a sound server even where it plays nothing.
os.environ.update(PULSE_SERVER="unix:/dev/null", PULSE_CLIENTCONFIG="/dev/null", PULSE_COOKIE="/dev/zero")
espeak = ctypes.CDLL("libespeak-ng.so.1")
espeak.espeak_Synth.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint,
                                ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p]
RATE = espeak.espeak_Initialize(SYNCHRONOUS, 0, None, 0)
if RATE <= 0 or espeak.espeak_SetVoiceByName(VOICE):
    raise SystemExit("voice.py: espeak-ng has no voice en+f3 (Debian: espeak-ng-data)")
espeak.espeak_SetSynthCallback(hear)


def end_of(from_ms, to_ms):
    """Where the sound of a word ends."""
    while to_ms - BLOCK_MS > from_ms:
        block = sound[(to_ms - BLOCK_MS) * RATE // 1000:to_ms * RATE // 1000]
        if block and max(max(block), -min(block)) > QUIET:
            break
        to_ms -= BLOCK_MS
    return to_ms


def words_of(text):
    """As they are written, with their signs; what has no sound of its own belongs to the word before."""
    words = []
    for written in re.finditer(r"\S+", text):
        times = [ms for at, ms in starts if written.start() <= at < written.end()]
        if times:
            words.append([written[0], min(times), 0])
        elif words:
            words[-1][0] += " " + written[0]
    length_ms = len(sound) * 1000 // RATE
    for word, following in zip(words, [*words[1:], [None, length_ms]]):
        word[2] = end_of(word[1], following[1])
    return [[word, PAUSE_MS + from_ms, PAUSE_MS + to_ms] for word, from_ms, to_ms in words]


def speak(text):
    del sound[:], starts[:]
    data = text.encode().replace(b"\0", b" ")
    espeak.espeak_Synth(data, len(data) + 1, 0, CHARACTERS, 0, UTF8, None, None)
    pause = bytes(2 * (PAUSE_MS * RATE // 1000))
    yield pause + sound.tobytes() + pause, words_of(text)
