# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays a video generator of LiveKit Agents (livekit.agents.voice.avatar.VideoGenerator) through a room of the gateway,
in the place of AvatarRunner:

    runner = RoomRunner(AsyncStage("gateway:8189", room=1, secret="demo"), audio_recv=DataStreamAudioReceiver(room),
                        video_gen=MyGenerator(), fps=25)
    await runner.start()

It needs segment_end.py beside it. What the receiver gets goes to the generator's push_audio(); what the generator yields from the first sound to
AudioSegmentEnd is one segment, with the picture before it, if there was one. Other pictures outside of a segment are
left out: the room idles by itself. In the place of pictures of another size than the segment's first, which is logged
once for each segment, the one before them stays. Pictures that come while the sound stalls wait for it; those for
which the client has no memory (512 MB) are dropped. The sender is told of playback when viewers get it: started once,
finished once for each segment, with the position that was really heard. "clear_buffer" of the receiver clears the
generator and ends the segment at once, also while it waits in the room; what others say there goes on.
"""
from __future__ import annotations

import asyncio
import contextlib
import inspect
from typing import Any, Optional

from digitalhuman import AsyncStage

from segment_end import LOST, end_at_once, heard_ms, log


def _is_picture(frame: Any) -> bool:
    return hasattr(frame, "width")


def _is_sound(frame: Any) -> bool:
    return hasattr(frame, "samples_per_channel")


async def _call(function: Any, *arguments: Any, **named: Any) -> None:
    """The interface allows functions and coroutines."""
    result = function(*arguments, **named)
    if inspect.isawaitable(result):
        await result


class RoomRunner:
    """`convert` makes bytes of rgb24 of a picture; default: of rtc.VideoFrame, by its own convert(). Without `fps`
    the generator's pictures are left out; with it, a segment's sound waits for its first picture. Of one event loop."""

    def __init__(self, stage: AsyncStage, *, audio_recv: Any, video_gen: Any, fps: Any = None,
                 convert: Any = None, **segment: Any) -> None:
        self._stage, self._receiver, self._generator = stage, audio_recv, video_gen
        self._fps, self._convert, self._named = fps, convert or _rgb24, segment
        self._segment: Any = None
        self._last: Any = None          # the picture that goes with the first sound
        self._is_unwanted = False       # what the generator yields, until the segment's end
        self._is_misfit_told = False    # until the segment's end
        self._shown: Any = None         # the segment's newest picture, as it was pushed
        self._is_receiving = False      # within a segment of the receiver's
        self._unfinished = 0            # segments of the receiver's whose end it does not know of
        self._tasks: list = []
        self._clearing: Optional[asyncio.Task] = None
        self._starting: Optional[asyncio.Task] = None       # which nobody else holds

    async def start(self) -> None:
        await self._receiver.start()
        self._receiver.on("clear_buffer", self._on_clear)
        self._tasks = [asyncio.ensure_future(self._hear()), asyncio.ensure_future(self._show())]

    async def wait_for_complete(self) -> None:
        await asyncio.gather(*self._tasks)

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._clearing:
            await asyncio.wait([self._clearing])
        if self._segment:
            await self._segment.abort()
        await self._receiver.aclose()

    async def _hear(self) -> None:
        async for frame in self._receiver:
            if self._clearing:
                await asyncio.wait([self._clearing])
            if _is_sound(frame) and not self._is_receiving:
                self._unfinished += 1
            self._is_receiving = _is_sound(frame)
            await self._generator.push_audio(frame)

    async def _show(self) -> None:
        async for frame in self._generator:
            if self._clearing:
                await asyncio.wait([self._clearing])
                if not _is_picture(frame):
                    continue            # sound that was cleared; a picture may be all that the next segment has
            try:
                if _is_picture(frame):
                    await self._push_picture(frame)
                elif _is_sound(frame):
                    await self._push_sound(frame)
                else:
                    await self._end()
            except LOST as problem:
                await self._lost(problem)

    async def _push_picture(self, frame: Any) -> None:
        if self._fps is None or self._is_unwanted:
            return
        if self._segment is None:
            self._last = frame
        else:
            await self._write(self._segment, frame)

    async def _push_sound(self, frame: Any) -> None:
        if self._is_unwanted or not self._unfinished:
            return
        if self._segment is None:
            last, self._last = self._last, None
            try:
                self._segment = segment = self._stage.segment(
                    fps=self._fps, pixel_format="rgb24", sample_rate=frame.sample_rate, channels=frame.num_channels,
                    sample_format="s16", on_event=self._take, **self._named)
            except (TypeError, ValueError) as problem:
                self._tell_misfit(problem)
                return
            if last:
                await self._write(segment, last)
        await self._write(self._segment, frame)

    async def _write(self, segment: Any, frame: Any) -> None:
        """What does not fit is dropped; neither the sound nor later pictures must wait, or come early, for it."""
        try:
            if _is_sound(frame):
                await segment.push_audio(bytes(frame.data))
            else:
                picture = memoryview(self._convert(frame)).cast("B", (frame.height, frame.width, 3))
                await segment.push_video(picture)
                self._shown = picture
        except (TypeError, ValueError) as problem:
            self._tell_misfit(problem)
            if _is_picture(frame) and self._shown is not None:
                with contextlib.suppress(ValueError):       # too much waits for the sound already
                    await segment.push_video(self._shown)
            elif _is_picture(frame):
                await segment.end_video()

    def _tell_misfit(self, problem: Exception) -> None:
        if not self._is_misfit_told:
            self._is_misfit_told = True
            log.warning("digitalhuman: dropped: %s", problem)

    def _take(self, event: Any) -> None:
        if event.get("event") == "started":
            self._starting = asyncio.ensure_future(_call(self._receiver.notify_playback_started))
            self._starting.add_done_callback(_log_failure)

    async def _end(self) -> None:
        """AudioSegmentEnd: the next segment's frames wait in the generator until this one was heard."""
        was_unwanted, self._is_unwanted, self._is_misfit_told = self._is_unwanted, False, False
        segment = self._segment
        if segment:
            try:
                result = await segment.close()
            except LOST as problem:
                await self._lost(problem)
                self._is_unwanted = False       # nothing more comes of it
                return
            if self._segment is segment and not self._clearing and result:
                await self._finish(result.played_ms, result.event != "finished")
        elif not was_unwanted:
            await self._finish(0, False)        # the generator made nothing of it

    async def _lost(self, problem: Exception) -> None:
        """The room has ended it, or does not take it: the rest of it is dropped."""
        segment = self._segment
        if segment is None or self._clearing:
            return          # cleared from here, which tells it
        log.warning("digitalhuman: %s", problem)
        await segment.abort()
        self._is_unwanted = True
        await self._finish(heard_ms(segment), True)

    async def _finish(self, played_ms: int, is_interrupted: bool) -> None:
        """Once for each segment of the receiver's."""
        self._segment = self._shown = None
        if self._unfinished:
            self._unfinished -= 1
            await _call(self._receiver.notify_playback_finished, playback_position=played_ms / 1000,
                        interrupted=is_interrupted)

    def _on_clear(self) -> None:
        if self._clearing is None:
            self._clearing = asyncio.ensure_future(self._clear())

    async def _clear(self) -> None:
        try:
            try:
                await _call(self._generator.clear_buffer)
            except Exception:
                log.exception("clear_buffer() failed")
            played = 0 if self._segment is None else await end_at_once(self._segment)
            self._is_receiving = self._is_unwanted = self._is_misfit_told = False
            while self._unfinished:
                await self._finish(played, True)
                played = 0
        finally:
            self._clearing = None


def _log_failure(task: asyncio.Task) -> None:
    if not task.cancelled() and task.exception():
        log.error("notify_playback_started() failed", exc_info=task.exception())


def _rgb24(frame: Any) -> bytes:
    from livekit import rtc
    return bytes(frame.convert(rtc.VideoBufferType.RGB24).data)
