# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Pipecat 1.0, made from its documentation: as much of frames, FrameProcessor and
BaseOutputTransport as an output transport meets. install() puts it in place where Pipecat is not installed.

What it keeps to: sound is cut into chunks and written in order with the frames around it; a task writes sound
and another one live pictures; TTSStoppedFrame flushes the rest, ends the bot's speech, and then passes; an
interruption passes downstream, cancels both tasks, forgets what they had, and ends the bot's speech.
"""
import asyncio
import enum
import importlib.util
import itertools
import sys
import types
from dataclasses import dataclass, field
from typing import Any, Optional

FRAME_IDS = itertools.count(1)


@dataclass
class Frame:
    id: int = field(init=False)
    transport_destination: Optional[str] = field(init=False, default=None)
    broadcast_sibling_id: Optional[int] = field(init=False, default=None)

    def __post_init__(self):
        self.id = next(FRAME_IDS)


class SystemFrame(Frame):
    pass


@dataclass
class OutputAudioRawFrame(Frame):
    audio: bytes
    sample_rate: int
    num_channels: int


@dataclass
class OutputImageRawFrame(Frame):
    image: bytes
    size: tuple
    format: Optional[str]


@dataclass
class ErrorFrame(SystemFrame):
    error: str
    exception: Any = None


FRAMES = {cls.__name__: cls for cls in (Frame, SystemFrame, OutputAudioRawFrame, OutputImageRawFrame, ErrorFrame)}
FRAMES["TTSAudioRawFrame"] = type("TTSAudioRawFrame", (OutputAudioRawFrame,), {})
for name in ("StartFrame", "CancelFrame", "InterruptionFrame", "BotStartedSpeakingFrame", "BotStoppedSpeakingFrame",
             "BotSpeakingFrame"):
    FRAMES[name] = type(name, (SystemFrame,), {})
for name in ("EndFrame", "LLMFullResponseStartFrame", "LLMFullResponseEndFrame", "TTSStartedFrame",
             "TTSStoppedFrame", "TextFrame"):
    FRAMES[name] = type(name, (Frame,), {})


class FrameDirection(enum.Enum):
    DOWNSTREAM = 1
    UPSTREAM = 2


class FrameProcessor:
    def __init__(self, **named):
        self._next = self._prev = None

    def link(self, processor):
        self._next, processor._prev = processor, self

    async def cleanup(self):
        pass

    async def queue_frame(self, frame, direction=FrameDirection.DOWNSTREAM):
        await self.process_frame(frame, direction)

    async def process_frame(self, frame, direction):
        pass

    async def push_frame(self, frame, direction=FrameDirection.DOWNSTREAM):
        other = self._next if direction == FrameDirection.DOWNSTREAM else self._prev
        if other:
            await other.queue_frame(frame, direction)

    async def broadcast_frame(self, frame_cls, **named):
        await self.push_frame(frame_cls(**named))
        await self.push_frame(frame_cls(**named), FrameDirection.UPSTREAM)

    async def push_error(self, error_msg, exception=None):
        await self.push_frame(ErrorFrame(error=error_msg, exception=exception), FrameDirection.UPSTREAM)


class TransportParams:
    audio_out_enabled = False
    audio_out_sample_rate = None
    audio_out_channels = 1
    audio_out_10ms_chunks = 4
    audio_out_end_silence_secs = 2
    video_out_enabled = False
    video_out_is_live = False
    video_out_width = 1024
    video_out_height = 768
    video_out_framerate = 30
    video_out_color_format = "RGB"

    def __init__(self, **named):
        for name, value in named.items():
            if not hasattr(type(self), name):
                raise TypeError(name)
            setattr(self, name, value)


class BaseOutputTransport(FrameProcessor):
    def __init__(self, params, **named):
        super().__init__(**named)
        self._params, self._buffer = params, b""
        self._speaks, self._kind, self.audio_task, self.video_task = False, None, None, None

    @property
    def sample_rate(self):
        return self._params.audio_out_sample_rate

    async def start(self, frame):
        self.chunk = self.sample_rate // 100 * self._params.audio_out_10ms_chunks * self._params.audio_out_channels * 2

    async def set_transport_ready(self, frame):
        self.create_tasks()

    def create_tasks(self):
        self.sound, self.pictures, self._buffer = asyncio.Queue(), asyncio.Queue(), b""
        self.audio_task = asyncio.ensure_future(self.write_sound())
        self.video_task = asyncio.ensure_future(self.write_pictures())

    async def cancel_tasks(self):
        tasks = [task for task in (self.audio_task, self.video_task) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self, frame):
        await self.sound.put(frame)
        await self.audio_task
        await self.cancel_tasks()

    async def cancel(self, frame):
        await self.cancel_tasks()

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        kind = type(frame).__name__
        if kind == "StartFrame":
            await self.push_frame(frame, direction)
            await self.start(frame)
        elif kind in ("EndFrame", "CancelFrame"):
            await (self.stop if kind == "EndFrame" else self.cancel)(frame)
            await self.push_frame(frame, direction)
        elif kind == "InterruptionFrame":
            await self.push_frame(frame, direction)
            await self.cancel_tasks()
            self.create_tasks()
            await self.speak(False)
        elif isinstance(frame, SystemFrame) or direction == FrameDirection.UPSTREAM:
            await self.push_frame(frame, direction)
        elif isinstance(frame, OutputAudioRawFrame):
            self._buffer, self._kind = self._buffer + frame.audio, type(frame)
            while len(self._buffer) >= self.chunk:
                self.put_chunk()
        elif isinstance(frame, OutputImageRawFrame):
            await self.pictures.put(frame)
        else:
            if kind == "TTSStoppedFrame" and self._buffer:
                self._buffer += bytes(self.chunk - len(self._buffer))
                self.put_chunk()
            await self.sound.put(frame)

    def put_chunk(self):
        self.sound.put_nowait(self._kind(self._buffer[:self.chunk], self.sample_rate, self._params.audio_out_channels))
        self._buffer = self._buffer[self.chunk:]

    async def speak(self, speaks):
        if speaks != self._speaks:
            self._speaks = speaks
            await self.broadcast_frame(FRAMES["BotStartedSpeakingFrame" if speaks else "BotStoppedSpeakingFrame"])

    async def write_sound(self):
        while True:
            frame = await self.sound.get()
            kind, passes = type(frame).__name__, True
            if kind == "EndFrame":
                return
            if kind == "TTSAudioRawFrame":
                await self.speak(True)
                await self.broadcast_frame(FRAMES["BotSpeakingFrame"])
            elif kind == "TTSStoppedFrame":
                await self.speak(False)
            if isinstance(frame, OutputAudioRawFrame):
                passes = await self.write_audio_frame(frame)
            if passes:
                await self.push_frame(frame)

    async def write_pictures(self):
        while True:
            await self.write_video_frame(await self.pictures.get())


def install():
    """True: Pipecat itself is here, and nothing was done."""
    if importlib.util.find_spec("pipecat"):
        return True
    modules = {"pipecat": {}, "pipecat.frames": {}, "pipecat.processors": {}, "pipecat.transports": {},
               "pipecat.frames.frames": FRAMES,
               "pipecat.processors.frame_processor": {
                   "FrameDirection": FrameDirection, "FrameProcessor": FrameProcessor},
               "pipecat.transports.base_output": {"BaseOutputTransport": BaseOutputTransport},
               "pipecat.transports.base_transport": {"TransportParams": TransportParams}}
    for name, contents in modules.items():
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(contents)
    return False
