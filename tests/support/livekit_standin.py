# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for what LiveKit Agents for Python documents of AudioReceiver, VideoGenerator and AudioOutput, and frames of
theirs. install() puts AudioOutput in place where LiveKit Agents is not installed."""
import asyncio
import importlib.util
import sys
import types
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import SimpleNamespace

from push_server import WAIT_S

PICTURE = bytes(range(192)) * 64
END = object()


def sound(ms=40):
    return SimpleNamespace(data=memoryview(b"\1\0" * (24 * ms)).cast("h"), sample_rate=24000, num_channels=1,
                           samples_per_channel=24 * ms)


class Receiver:
    """Half of its callbacks are coroutines, as the interface allows."""

    def __init__(self):
        self.queue, self.told, self.came, self.on_clear = asyncio.Queue(), [], asyncio.Event(), None

    async def start(self):
        pass

    async def aclose(self):
        pass

    def on(self, event, callback):
        assert event == "clear_buffer"
        self.on_clear = callback

    def notify_playback_started(self):
        self.tell("started")

    async def notify_playback_finished(self, playback_position, interrupted):
        self.tell((playback_position, interrupted))

    def tell(self, what):
        self.told.append(what)
        self.came.set()

    async def wait(self, count):
        while len(self.told) < count:
            self.came.clear()
            await asyncio.wait_for(self.came.wait(), WAIT_S)
        return self.told

    async def __aiter__(self):
        while True:
            yield await self.queue.get()


class Generator:
    """A picture for each piece of sound, before it or behind it. `idle`: the size of the picture before all."""

    def __init__(self, idle=(64, 64), is_sound_first=False):
        self.queue, self.cleared = asyncio.Queue(), 0
        self.idle, self.is_sound_first = idle, is_sound_first

    async def push_audio(self, frame):
        made = [frame] if frame is END else [SimpleNamespace(width=64, height=64), frame]
        for one in reversed(made) if self.is_sound_first else made:
            await self.queue.put(one)

    def clear_buffer(self):
        self.cleared += 1
        while not self.queue.empty():
            self.queue.get_nowait()

    async def __aiter__(self):
        if self.idle:
            yield SimpleNamespace(width=self.idle[0], height=self.idle[1])
        while True:
            yield await self.queue.get()


@dataclass
class AudioOutputCapabilities:
    pause: bool


@dataclass
class PlaybackStartedEvent:
    created_at: float


@dataclass
class PlaybackFinishedEvent:
    playback_position: float
    interrupted: bool
    synchronized_transcript: str = None


class AudioOutput(ABC):
    """Counts segments, from the first frame to flush(), and demands that no more end than have begun."""

    def __init__(self, *, label, capabilities, next_in_chain=None, sample_rate=None):
        assert isinstance(label, str) and isinstance(capabilities, AudioOutputCapabilities) and next_in_chain is None
        self.label, self.sample_rate, self.can_pause = label, sample_rate, capabilities.pause
        self._listeners = {"playback_started": [], "playback_finished": []}
        self._is_capturing, self._begun, self._ended, self._last = False, 0, 0, PlaybackFinishedEvent(0, False)
        self._end_came = asyncio.Event()

    def on(self, event, callback):
        self._listeners[event].append(callback)

    def on_playback_started(self, *, created_at):
        for listener in self._listeners["playback_started"]:
            listener(PlaybackStartedEvent(created_at))

    def on_playback_finished(self, *, playback_position, interrupted, synchronized_transcript=None):
        assert self._ended < self._begun, "more segments have ended than have begun"
        self._ended += 1
        self._last = PlaybackFinishedEvent(playback_position, interrupted, synchronized_transcript)
        self._end_came.set()
        for listener in self._listeners["playback_finished"]:
            listener(self._last)

    async def wait_for_playout(self):
        begun = self._begun
        while self._ended < begun:
            self._end_came.clear()
            await self._end_came.wait()
        return self._last

    @abstractmethod
    async def capture_frame(self, frame):
        if not self._is_capturing:
            self._is_capturing = True
            self._begun += 1

    @abstractmethod
    def flush(self):
        self._is_capturing = False

    @abstractmethod
    def clear_buffer(self):
        pass

    def pause(self):
        pass

    def resume(self):
        pass


def install():
    """True: LiveKit Agents itself is here, and nothing was done."""
    if importlib.util.find_spec("livekit") and importlib.util.find_spec("livekit.agents"):
        return True
    for name in ("livekit", "livekit.agents", "livekit.agents.voice", "livekit.agents.voice.io"):
        sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(AudioOutput=AudioOutput, AudioOutputCapabilities=AudioOutputCapabilities)
    return False
