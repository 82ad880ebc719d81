# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for what LiveKit Agents for Python documents of AudioReceiver and VideoGenerator, and frames of theirs."""
import asyncio
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
