#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A generator that stays: it loads its model once, and then makes one segment after the other.

The gateway starts it, as often as its configuration says, and again if it ends:

    generator-model: { command = [ "/usr/bin/python3", "/srv/resident.py" ] processes = 2 }

Started by hand it is an HTTP service on 127.0.0.1:9000.
"""
from digitalhuman import Request, serve
from standin import FPS, RATE, generate     # "loading the model"


def answer(request: Request):
    return generate(request.text)


if __name__ == "__main__":
    serve(answer, fps=FPS, sample_rate=RATE)
