# SPDX-License-Identifier: GPL-3.0-or-later
"""An audio output for LiveKit Agents (livekit-agents 1.3.11 or newer) that plays through a room of the gateway:

    session.output.audio = RoomAudioOutput(AsyncStage("gateway:8189", room=1, secret="demo"))

It needs segment_end.py beside it. Each segment that the agent flushes is heard before the next one begins, and is reported by exactly one
playback_finished: its position is what viewers have got, as the gateway says, not what was sent. playback_started is
told when the room starts to play it. pause() and clear_buffer() take effect at once, also for what the gateway has read
ahead, and while the segment waits in the room; what others say there goes on. resume() goes on where the sound stopped.
"""
from __future__ import annotations

import asyncio
import time
from typing import Any, List, NamedTuple, Optional

from digitalhuman import AsyncStage, SegmentEnded
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

from segment_end import LOST, end_at_once, heard_ms, log

LEAST_MS = 20           # the gateway counts in packets of 20 ms: less than that has been heard


class _Sound(NamedTuple):
    data: bytes
    rate: int
    channels: int
    ms: float


class _Speech:
    """What the agent says in one go. It is one segment of the room, or several where it was paused. `sounds` are kept
    until they have been heard, because a pause plays the rest again."""

    def __init__(self) -> None:
        self.sounds: List[_Sound] = []
        self.heard_ms = 0           # in the room's segments that have ended
        self.trimmed_ms = 0.0       # of `sounds`, forgotten at their beginning
        self.is_flushed = self.is_cleared = self.has_started = self.is_done = False

    def next(self) -> Optional[_Sound]:
        """What of the first of `sounds` has not been heard; None if all of them have."""
        while self.sounds and self.trimmed_ms + self.sounds[0].ms <= self.heard_ms:
            self.trimmed_ms += self.sounds.pop(0).ms
        ahead_ms = self.heard_ms - self.trimmed_ms
        if sum(sound.ms for sound in self.sounds) - ahead_ms < LEAST_MS:
            return None
        first = self.sounds[0]
        cut = round(ahead_ms * first.rate / 1000) * first.channels * 2
        return first._replace(data=first.data[cut:])


class RoomAudioOutput(AudioOutput):
    """`segment`: further arguments of stage.segment(), as on_event or priority. Of one event loop."""

    def __init__(self, stage: AsyncStage, *, sample_rate: Optional[int] = None, **segment: Any) -> None:
        super().__init__(label="digitalhuman", capabilities=AudioOutputCapabilities(pause=True),
                         sample_rate=sample_rate)
        self._stage, self._named = stage, segment
        self._speeches: List[_Speech] = []          # the first one is being played
        self._open: Optional[_Speech] = None        # sound is added to it until flush(); dropped once it is over
        self._is_paused = False
        self._changed = asyncio.Event()
        self._running: Optional[asyncio.Task] = None

    async def capture_frame(self, frame: Any) -> None:
        await super().capture_frame(frame)
        if self._open is None:
            self._open = _Speech()
            self._speeches.append(self._open)
        if self._open.is_done or self._open.is_cleared:
            return
        self._open.sounds.append(_Sound(bytes(frame.data), frame.sample_rate, frame.num_channels,
                                        frame.samples_per_channel * 1000 / frame.sample_rate))
        self._changed.set()
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(self._run())

    def flush(self) -> None:
        """After clear_buffer(), too, sound is dropped until this comes."""
        super().flush()
        if self._open:
            self._open.is_flushed = True
        self._open = None
        self._changed.set()

    def clear_buffer(self) -> None:
        for speech in self._speeches:
            speech.is_cleared = speech.is_flushed = True
        self._changed.set()

    def pause(self) -> None:
        super().pause()
        self._is_paused = True
        self._changed.set()

    def resume(self) -> None:
        super().resume()
        self._is_paused = False
        self._changed.set()

    async def aclose(self) -> None:
        """As clear_buffer(); returns once nothing is left."""
        self.clear_buffer()
        if self._running:
            await asyncio.wait([self._running])

    async def _change(self) -> None:
        """Nothing may be awaited between looking and this."""
        self._changed.clear()
        await self._changed.wait()

    async def _run(self) -> None:
        while self._speeches:
            speech = self._speeches[0]
            try:
                is_interrupted = await self._play(speech)
            except Exception:
                log.exception("digitalhuman: cannot play")
                is_interrupted = True
            speech.is_done = True
            speech.sounds = []
            self._speeches.pop(0)
            self.on_playback_finished(playback_position=speech.heard_ms / 1000, interrupted=is_interrupted)

    async def _play(self, speech: _Speech) -> bool:
        """Whether it was interrupted."""
        while not speech.is_cleared:
            first = None if self._is_paused else speech.next()
            if first:
                end = await self._play_from(speech, first)
                if end:
                    return end != "finished"
            elif speech.is_flushed and not self._is_paused:
                return False
            else:
                await self._change()
        return True

    async def _play_from(self, speech: _Speech, first: _Sound) -> Optional[str]:
        """One segment of the room until it has ended. Returns how; None if it was paused or cleared from here."""
        segment = self._stage.segment(sample_rate=first.rate, channels=first.channels, sample_format="s16",
                                      **self._named)
        watching = asyncio.ensure_future(self._watch(speech, segment))
        feeding = asyncio.ensure_future(self._feed(speech, segment, first, watching))
        for task in (watching, feeding):
            task.add_done_callback(lambda _: self._changed.set())
        try:
            while not feeding.done():
                if speech.is_cleared or self._is_paused:
                    await end_at_once(segment)
                    return None
                await self._change()
            return feeding.result().event
        except SegmentEnded as end:     # somebody else's doing
            return end.result.event
        except LOST as problem:
            log.warning("digitalhuman: %s", problem)
            return "failed"
        finally:
            feeding.cancel()
            await segment.abort()       # which ends the watching, too
            await asyncio.gather(feeding, watching, return_exceptions=True)
            speech.heard_ms += heard_ms(segment)

    async def _watch(self, speech: _Speech, segment: Any) -> None:
        async for event in segment.events:
            if event.get("event") == "started" and not speech.has_started:
                speech.has_started = True
                self.on_playback_started(created_at=time.time())

    async def _feed(self, speech: _Speech, segment: Any, first: _Sound, watching: asyncio.Task) -> Any:
        """`first`, and what comes behind it. Returns the segment's result, or raises why there is none."""
        await segment.push_audio(first.data)
        at = 1
        while not watching.done():
            if at < len(speech.sounds):
                sound = speech.sounds[at]
                at += 1
                if (sound.rate, sound.channels) != (first.rate, first.channels):
                    raise ValueError("the form of the sound changes within a segment")
                await segment.push_audio(sound.data)
            elif speech.is_flushed:
                break
            else:
                await self._change()
        return await segment.close()
