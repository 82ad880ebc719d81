# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a digital human on stage: pushes pictures and speech to a room while they are being made.

    from digitalhuman import Stage
    stage = Stage("127.0.0.1:8189", room=1, secret="demo")
    with stage.segment(fps=25, sample_rate=24000, text="Hello") as s:
        for frame, samples in model.generate("Hello"):
            s.push(frame, samples)
    print(s.result)

AsyncStage is the same for asyncio. The protocol underneath is in docs/push.md.
"""
from .aio import AsyncSegment, AsyncStage
from .container import mux
from .errors import EncodeError, Interrupted, PushError, Result, SegmentEnded
from .segment import Segment
from .serve import Refused, Request, serve
from .stage import Stage
from .token import push_token

__all__ = ["AsyncSegment", "AsyncStage", "EncodeError", "Interrupted", "PushError", "Refused", "Request", "Result",
           "Segment", "SegmentEnded", "Stage", "mux", "push_token", "serve"]
__version__ = "0.10.0"
