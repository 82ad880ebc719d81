#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that streams, as MuseTalk does: the voice comes in pieces of 20 ms from one thread, pictures from
another one a little later, and neither runs further ahead than the gateway wants.

    python3 musetalk_stream.py --gateway gateway:8189 --room 1 --secret demo "Good morning."
"""
import queue
import threading

import numpy as np

from digitalhuman import EncodeError, PushError, SegmentEnded, Stage
from standin import FPS, RATE, SAMPLES, draw, openings, options_of, speak

PIECE = RATE // 50
LOOK_AHEAD = 2      # pictures: the model hears so much of what follows


def synthesise(text):
    """Stands in for a speech synthesis that streams: pieces of 20 ms."""
    sound = speak(text)
    for start in range(0, len(sound), PIECE):
        yield sound[start:start + PIECE]


def listen(text, segment, heard):
    """The voice's thread: what it says goes to the viewers, and to the model."""
    try:
        for piece in synthesise(text):
            segment.push_audio(piece)
            heard.put(piece)
        segment.end_audio()
    except (SegmentEnded, PushError, EncodeError, OSError):
        pass                # the other thread hears of it as well
    finally:
        heard.put(None)     # or that one would wait for ever


def windows(heard):
    """Sound for one picture after the other, once what follows it is known too."""
    sound, number, goes_on = np.zeros(0, np.float32), 0, True
    while goes_on or number * SAMPLES < len(sound):
        if goes_on and len(sound) < (number + 1 + LOOK_AHEAD) * SAMPLES:
            piece = heard.get()
            goes_on = piece is not None
            sound = sound if piece is None else np.concatenate([sound, piece])
            continue
        yield number, sound[number * SAMPLES:(number + 1) * SAMPLES]
        number += 1


def main():
    options = options_of(__doc__.splitlines()[0])
    stage = Stage(options.gateway, options.room, options.secret)
    heard = queue.Queue()
    with stage.segment(fps=FPS, sample_rate=RATE, text=options.text) as s:
        voice = threading.Thread(target=listen, args=(options.text, s, heard))
        voice.start()
        try:
            for number, sound in windows(heard):
                s.wait_wanted(1000 // FPS)      # do not compute what nobody may want
                s.push_video(draw(openings(sound)[0], number, options.size))
        except BaseException:
            s.cut()
            raise
        finally:
            voice.join()
    print(s.result)


if __name__ == "__main__":
    main()
