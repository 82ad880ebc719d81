# SPDX-License-Identifier: GPL-3.0-or-later
"""A room of the gateway as an output transport of Pipecat, 1.0 or newer.

    stage = AsyncStage("gateway:8189", room=1, secret="demo")
    output = DigitalHumanOutput(stage, DigitalHumanParams(video_out_width=512, video_out_height=512))
    pipeline = Pipeline([..., llm, tts, avatar, output, ...])

Sound and pictures of one answer are one segment. It begins with the answer's first sound; pictures that come
while nothing is said are left out, because the room idles by itself. It ends with LLMFullResponseEndFrame and
TTSStoppedFrame, whichever comes last, or when no sound has come for `pause_s`. The next answer begins when the
last one has been heard.

What is reported upstream and downstream is what viewers get, not what was sent to the gateway:
BotStartedSpeakingFrame when a segment starts, BotSpeakingFrame while it plays, BotStoppedSpeakingFrame once when
it has ended, and a RoomEventFrame for each event. An InterruptionFrame ends the answer at once, also while it waits
in the room; what others say there goes on. If somebody else interrupts the room, the pipeline is interrupted. A
segment that fails, or cannot be interrupted, is an ErrorFrame. So is a picture of another size or format, once for
each answer, which goes on without it.
"""
from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Optional

from pipecat.frames.frames import (BotSpeakingFrame, BotStartedSpeakingFrame, BotStoppedSpeakingFrame, CancelFrame,
                                   EndFrame, Frame, InterruptionFrame, LLMFullResponseEndFrame,
                                   LLMFullResponseStartFrame, OutputAudioRawFrame, OutputImageRawFrame, StartFrame,
                                   SystemFrame, TTSAudioRawFrame, TTSStartedFrame, TTSStoppedFrame)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams

from digitalhuman import AsyncStage, EncodeError, PushError, SegmentEnded

ENDS = ("finished", "interrupted", "skipped", "removed", "failed")
PIXELS = {"RGB": "rgb24", "BGR": "bgr24"}
# How long the room may take to end what is interrupted.
INTERRUPT_S = 10.0
# After a failure sound is dropped for so long, instead of a connection and an error for each piece of it.
RETRY_S = 1.0


@dataclass
class RoomEventFrame(SystemFrame):
    """An event of a segment, as docs/push.md describes it."""
    event: dict = field(default_factory=dict)


class DigitalHumanParams(TransportParams):
    """As TransportParams; sound and live pictures are on, and no silence follows the last answer.

    pause_s        without sound for so long, an answer is over
    segment        further arguments of Stage.segment(), such as metadata, for each segment
    """
    audio_out_enabled: bool = True
    audio_out_10ms_chunks: int = 2
    audio_out_end_silence_secs: int = 0
    video_out_enabled: bool = False
    video_out_is_live: bool = True
    video_out_framerate: int = 25
    pause_s: float = 3.0
    segment: dict = {}


class _Answer:
    """What one segment needs to know. Of the event loop."""

    def __init__(self) -> None:
        self.segment: Any = None
        self.is_ending = self.is_dropped = self.is_ended = self.is_told = self.is_misfit_told = False
        self.started, self.over = asyncio.Event(), asyncio.Event()
        self.events: asyncio.Queue = asyncio.Queue()


class DigitalHumanOutput(BaseOutputTransport):
    def __init__(self, stage: AsyncStage, params: DigitalHumanParams, **named: Any) -> None:
        if params.video_out_enabled and params.video_out_color_format not in PIXELS:
            raise ValueError(f"video_out_color_format: expected RGB or BGR, got {params.video_out_color_format!r}")
        super().__init__(params, **named)
        self._stage, self._room = stage, params
        self._answer: Optional[_Answer] = None
        self._tasks: set = set()
        self._pause: Optional[asyncio.TimerHandle] = None
        self._retry_at = 0.0
        self._is_speech = self._in_response = self._in_speech = False

    # -- what the base class asks

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def stop(self, frame: EndFrame) -> None:
        """Plays to the end what has been said."""
        await super().stop(frame)
        answer = self._answer
        if answer:
            self._end(answer)
            await answer.over.wait()

    async def cancel(self, frame: CancelFrame) -> None:
        await super().cancel(frame)
        await self._leave()

    async def cleanup(self) -> None:
        await super().cleanup()
        await self._leave()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, InterruptionFrame):
            self._in_response = self._in_speech = False
            if self._answer:
                self._drop(self._answer)
        await super().process_frame(frame, direction)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Waits while the room has enough. False: nobody wants it any more."""
        if frame.transport_destination is not None:
            return False
        is_silence = not any(frame.audio)
        if not isinstance(frame, TTSAudioRawFrame) and is_silence and not (self._answer and self._is_speech):
            return True
        answer = await self._open()
        if answer is None:
            return False
        self._disarm_pause()        # it is no pause while the room has enough
        try:
            return await self._write(answer, answer.segment.push_audio, frame.audio)
        finally:
            self._arm_pause(answer)

    async def write_video_frame(self, frame: OutputImageRawFrame) -> bool:
        answer = self._answer
        if frame.transport_destination is not None or not answer or not answer.segment or answer.is_ending:
            return False
        size, pixels = (self._room.video_out_width, self._room.video_out_height), self._room.video_out_color_format
        if tuple(frame.size) != size or frame.format not in (None, pixels):
            await self._tell_misfit(answer, f"frame: expected {pixels} of {size[0]}x{size[1]}, got {frame.format} of "
                                            f"{frame.size[0]}x{frame.size[1]}")
            return False
        return await self._write(answer, answer.segment.push_video, frame.image)

    async def push_frame(self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM) -> None:
        """The base class says that the bot speaks when it has written it. That is not yet heard."""
        if isinstance(frame, (BotStartedSpeakingFrame, BotStoppedSpeakingFrame, BotSpeakingFrame)) \
                and frame.transport_destination is None:
            self._is_speech = not isinstance(frame, BotStoppedSpeakingFrame)
            return
        await super().push_frame(frame, direction)
        if direction == FrameDirection.DOWNSTREAM:
            self._follow(frame)

    async def broadcast_frame(self, frame_cls: Any, **named: Any) -> None:
        if frame_cls is not BotSpeakingFrame:
            await super().broadcast_frame(frame_cls, **named)

    # -- answers

    def _follow(self, frame: Frame) -> None:
        """These pass in order with the sound, after it was written."""
        if isinstance(frame, LLMFullResponseStartFrame):
            self._in_response = True
        elif isinstance(frame, TTSStartedFrame):
            self._in_speech = True
        elif isinstance(frame, (LLMFullResponseEndFrame, TTSStoppedFrame)):
            if isinstance(frame, TTSStoppedFrame):
                self._in_speech = False
            else:
                self._in_response = False
            if self._answer and not self._in_response and not self._in_speech:
                self._end(self._answer)

    async def _open(self) -> Optional[_Answer]:
        """The answer that goes on, or a new one, once the last one has been heard; None so soon after one that failed."""
        while self._answer and (self._answer.is_ending or self._answer.is_dropped):
            await self._answer.over.wait()
        if self._answer:
            return self._answer
        if asyncio.get_running_loop().time() < self._retry_at:
            return None
        answer = _Answer()
        room, video = self._room, self._room.video_out_enabled
        answer.segment = self._stage.segment(**{
            "fps": room.video_out_framerate if video else None, "sample_rate": self.sample_rate,
            "channels": room.audio_out_channels, "sample_format": "s16",
            "size": (room.video_out_width, room.video_out_height) if video else None,
            "pixel_format": PIXELS.get(room.video_out_color_format, "rgb24"),
            "on_event": answer.events.put_nowait, **room.segment})
        self._answer = answer
        self._begin(self._tell(answer), "digitalhuman_events")
        return answer

    async def _write(self, answer: _Answer, push: Any, data: bytes) -> bool:
        if answer.is_dropped or answer.is_ending:
            return False
        try:
            await push(data)
            return True
        except ValueError as problem:
            await self._tell_misfit(answer, problem)
        except (SegmentEnded, PushError, EncodeError, OSError):
            self._end(answer)       # which finds out what it was, and says so
        return False

    async def _tell_misfit(self, answer: _Answer, problem: Any) -> None:
        """What does not fit is dropped, and the answer goes on."""
        if not (answer.is_misfit_told or answer.is_ending or answer.is_dropped):
            answer.is_misfit_told = True
            await self.push_error(f"digitalhuman: {problem}")

    def _arm_pause(self, answer: _Answer) -> None:
        """If it still goes on."""
        self._disarm_pause()
        if answer is self._answer and not answer.is_ending and not answer.is_dropped:
            self._pause = asyncio.get_running_loop().call_later(self._room.pause_s, self._end, answer)

    def _disarm_pause(self) -> None:
        if self._pause:
            self._pause.cancel()
        self._pause = None

    def _end(self, answer: _Answer) -> None:
        """No more is said in it; it plays to its end."""
        if answer is self._answer and not answer.is_ending and not answer.is_dropped:
            answer.is_ending = True
            self._disarm_pause()
            self._begin(self._close(answer), "digitalhuman_close")

    async def _close(self, answer: _Answer) -> None:
        error: Optional[Exception] = None
        try:
            await answer.segment.close()
        except Exception as problem:
            error = problem
        if not answer.is_dropped:
            self._over(answer, error)

    def _drop(self, answer: _Answer) -> None:
        """Nobody wants it any more: what the room has read ahead is not played either."""
        if not (answer.is_dropped or answer.is_ended):
            answer.is_dropped = True
            self._disarm_pause()
            self._begin(self._interrupt(answer), "digitalhuman_interrupt")

    async def _interrupt(self, answer: _Answer) -> None:
        error: Optional[Exception] = None
        try:
            await asyncio.wait_for(answer.segment.interrupt(), INTERRUPT_S)     # else it is cut
        except Exception as problem:
            error = problem
        finally:
            await answer.segment.abort()
            self._over(answer, error)

    def _over(self, answer: _Answer, error: Optional[Exception]) -> None:
        if not answer.is_told:
            answer.is_told = True
            answer.events.put_nowait(error)

    # -- what the room says

    async def _tell(self, answer: _Answer) -> None:
        """Frames for what happens to an answer, in order; its end is the last one."""
        while True:
            event = await answer.events.get()
            if not isinstance(event, dict):
                break
            await super().broadcast_frame(RoomEventFrame, event=event)
            if event.get("event") == "started":
                answer.started.set()
                await self._broadcast_bot(BotStartedSpeakingFrame)
            elif event.get("event") == "progress" and answer.started.is_set():
                await self._broadcast_bot(BotSpeakingFrame)
            elif event.get("event") in ENDS:
                self._end(answer)
                answer.is_ended = True
                if event["event"] in ("interrupted", "skipped", "removed") and not answer.is_dropped:
                    await self._interrupt_pipeline()
        if answer.started.is_set():
            await self._broadcast_bot(BotStoppedSpeakingFrame)
        if event is not None:
            self._retry_at = asyncio.get_running_loop().time() + RETRY_S
        if self._answer is answer:
            self._answer = None
        answer.over.set()
        if event is not None:
            await self.push_error(f"digitalhuman: {event}", exception=event)

    async def _interrupt_pipeline(self) -> None:
        """Somebody else has interrupted the room: what waits here is not wanted any more, nor what is made."""
        await self.push_frame(InterruptionFrame(), FrameDirection.UPSTREAM)
        await self.process_frame(InterruptionFrame(), FrameDirection.DOWNSTREAM)

    async def _broadcast_bot(self, kind: Any) -> None:
        """Past push_frame() above, which holds these back."""
        down, up = kind(), kind()
        down.broadcast_sibling_id, up.broadcast_sibling_id = up.id, down.id
        await super().push_frame(down, FrameDirection.DOWNSTREAM)
        await super().push_frame(up, FrameDirection.UPSTREAM)

    def _begin(self, work: Any, name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _leave(self) -> None:
        """Ends what plays, and leaves nothing behind."""
        if self._answer:
            self._drop(self._answer)
        while self._tasks:
            await asyncio.wait(set(self._tasks))
