# SPDX-License-Identifier: GPL-3.0-or-later
"""How segments of the room end, for audio_output.py and room_runner.py beside this."""
from __future__ import annotations

import asyncio
import logging
from typing import Any

from digitalhuman import EncodeError, PushError, SegmentEnded

log = logging.getLogger("digitalhuman.livekit")
INTERRUPT_S = 10.0
LOST = (SegmentEnded, PushError, EncodeError, OSError)      # the room has ended it, or does not take it


def heard_ms(segment: Any) -> int:
    """What viewers have got of it, as far as the gateway has said."""
    return segment.result.played_ms if segment.result else segment.progress_ms


async def end_at_once(segment: Any) -> int:
    """Also while it waits in the room; what others say there goes on. Where the gateway does not do it in time, the
    segment is cut. Returns heard_ms()."""
    try:
        await asyncio.wait_for(segment.interrupt(), INTERRUPT_S)
    except Exception as problem:
        log.warning("digitalhuman: %s", problem)
    await segment.abort()
    return heard_ms(segment)
