# SPDX-License-Identifier: GPL-3.0-or-later
"""A room of the gateway as an output of LiveTalking: copy this file to its folder streamout/, add the line

    'digitalhuman': 'streamout.digitalhuman_output',

to `_output_modules` in avatars/base_avatar.py, and run it with `--transport digitalhuman`. The room comes from the
environment: DIGITALHUMAN_ADDRESS (127.0.0.1:8189), DIGITALHUMAN_ROOM (1), DIGITALHUMAN_SECRET (none); and
DIGITALHUMAN_STRING_IDS=1 where the gateway has string_ids, for digits are a string there, too.

While the avatar speaks, its pictures and its sound are one segment, from the first picture of it to the last. What
it makes in silence is left out, at the pace of its frames: the room idles by itself. If it falls silent before the
speech that it was given has ended, it was told to (flush_talk), and the segment ends at once, also while it waits in
the room; what others say there goes on.
"""
import os
import time

from registry import register
from streamout.base_output import BaseOutput
from utils.logger import logger

from digitalhuman import EncodeError, PushError, SegmentEnded, Stage

SAMPLE_RATE = 16000
END_S = 60.0


def stage_from_environment():
    room = os.environ.get("DIGITALHUMAN_ROOM", "1")
    is_number = room.isdecimal() and os.environ.get("DIGITALHUMAN_STRING_IDS", "0") in ("", "0")
    return Stage(os.environ.get("DIGITALHUMAN_ADDRESS", "127.0.0.1:8189"), int(room) if is_number else room,
                 os.environ.get("DIGITALHUMAN_SECRET"))


@register("streamout", "digitalhuman")
class DigitalHumanOutput(BaseOutput):
    """All methods are called in LiveTalking's thread of frames, which the gateway holds when it has enough."""

    def __init__(self, opt=None, parent=None, stage=None, sleep=time.sleep, clock=time.monotonic, **named):
        super().__init__(opt, parent, **named)
        self.fps = getattr(opt, "fps", 25)
        self._stage, self._sleep, self._clock = stage, sleep, clock
        self._segment, self._is_lost, self._ends_here, self._due = None, False, False, 0.0

    def start(self):
        if self._stage is None:
            self._stage = stage_from_environment()

    def push_video_frame(self, frame):
        if not self._speaks():
            self._fall_silent()
            self._wait_for_the_next_frame()
            return
        if self._segment is None and not self._is_lost:
            self._segment = self._stage.segment(fps=self.fps, sample_rate=SAMPLE_RATE, sample_format="s16")
            self._ends_here = False
        self._try(lambda segment: segment.push_video(frame))

    def push_audio_frame(self, frame, eventpoint=None):
        if self._speaks():
            self._try(lambda segment: segment.push_audio(frame))
        if eventpoint and eventpoint.get("status"):
            self._ends_here = eventpoint["status"] == "end"
        if self.parent is not None:
            self.parent.notify(eventpoint)

    def get_buffer_size(self):
        return 0        # pushing blocks instead

    def stop(self):
        self._fall_silent()
        if self._stage is not None:
            self._stage.close()

    def _speaks(self):
        return self.parent is not None and self.parent.is_speaking()

    def _try(self, push):
        """What fails, or was ended by the room, is dropped until the avatar falls silent."""
        if self._segment is None:
            return
        try:
            push(self._segment)
        except (SegmentEnded, PushError, EncodeError, OSError) as problem:
            logger.warning("digitalhuman: %s", problem)
            self._segment.abort()
            self._segment, self._is_lost = None, True

    def _fall_silent(self):
        segment, self._segment, self._is_lost = self._segment, None, False
        if segment is None:
            return
        try:
            logger.info("digitalhuman: %s", segment.close(END_S) if self._ends_here else segment.interrupt())
        except (PushError, EncodeError, OSError) as problem:
            logger.warning("digitalhuman: %s", problem)
            segment.abort()

    def _wait_for_the_next_frame(self):
        now = self._clock()
        self._due = max(self._due + 1 / self.fps, now)
        if self._due > now:
            self._sleep(self._due - now)
