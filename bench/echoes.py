# SPDX-License-Identifier: GPL-3.0-or-later
"""How often an avatar's own echo interrupts it, and how often a viewer's voice is missed, in a simulated room."""
import numpy as np

import echo_room as room
from figure import Figure

SEED = 1
SNR_DB = 10


def echo(_, runs, voices=100):
    """an avatar hears its own echo, and viewers speak above noise and above its echo; no Janus, no clock"""
    avatar = np.concatenate([room.speech(voice, room.AVATAR) for voice in ("en-gb", "en-us+m3", "en-gb+f4")])
    said = [room.speech(voice, text) for voice in ("en-gb", "en-us+m3", "en-gb+f2", "en-us+f4", "en-gb+m7")
            for text in room.VIEWER]
    figures = []
    for gain in (0, -10, -20):
        count = int(room.false_interruptions(avatar, gain, 60 * runs, SEED))
        figures.append(Figure(f"false interruptions by its own echo at {gain} dB", [count], {"max": 0}, unit="", runs=f"{runs:g} minutes"))
    for gain in (None, -20, -10, 0):
        place = room.Room(SEED)
        waits = [room.barge_in(place, avatar, said[n % len(said)], gain, SNR_DB) for n in range(voices)]
        came = [wait for wait in waits if wait is not None and wait > 0]
        above = f"{SNR_DB} dB above " + ("noise" if gain is None else f"echo at {gain} dB")
        figures += [Figure(f"voices missed that are {above}", [len(waits) - len(came)], {"max": 2}, unit="", runs=f"{voices} voices"),
                    Figure(f"until one is noticed that is {above}", [wait * 1000 for wait in came])]
    return figures
