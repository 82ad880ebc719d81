#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""RoomRunner, against stand-ins for the gateway and for what LiveKit Agents for Python documents of AudioReceiver and
VideoGenerator."""
import asyncio
import logging
import os
import sys
import unittest
from types import SimpleNamespace
from unittest import mock

from client_case import Case
from livekit_standin import END, PICTURE, Generator, Receiver, sound
from push_server import EVERYTHING, WAIT_S

sys.path.insert(0, os.path.join(os.environ["DH_ROOT"], "clients", "livekit"))
from digitalhuman import AsyncStage
from digitalhuman.muxer import Muxer
from room_runner import RoomRunner


class Runner(Case):
    def setUp(self):
        super().setUp()
        logging.getLogger("digitalhuman").setLevel(logging.CRITICAL)

    def run_async(self, function, generator=None, convert=lambda _: PICTURE, fps=25, **options):
        server = self.server(**options)

        async def main():
            stage = AsyncStage(server.address, server.room, server.secret, encode=False)
            receiver, video = Receiver(), generator or Generator()
            self.runner = runner = RoomRunner(stage, audio_recv=receiver, video_gen=video, fps=fps, convert=convert)
            await runner.start()
            try:
                await asyncio.wait_for(function(server, receiver, video), WAIT_S)
            finally:
                await runner.aclose()
        asyncio.run(main())

    def test_each_segment_is_finished_once_when_it_was_heard(self):
        async def run(server, receiver, _):
            server.allowed_ms = 0
            for _ in range(2):
                for _ in range(10):
                    receiver.queue.put_nowait(sound())
                receiver.queue.put_nowait(END)
            while not (server.pushes and server.pushes[0].media and server.pushes[0].media.ms == 400):
                await asyncio.sleep(0.01)
            self.assertEqual((receiver.told, len(server.pushes)), ([], 1))
            server.play(EVERYTHING)
            self.assertEqual(await receiver.wait(4), ["started", (0.4, False)] * 2)
            for push in server.pushes:
                pictures = [unit for unit in push.media.units if len(unit.data) == len(PICTURE)]
                self.assertEqual(len(pictures), 10)
        self.run_async(run)

    def test_clear_ends_it_at_once(self):
        async def run(server, receiver, generator):
            server.allowed_ms = 200
            for _ in range(100):
                receiver.queue.put_nowait(sound())
            await receiver.wait(1)
            while server.pushes[0].media.ms < 1000:
                await asyncio.sleep(0.01)
            receiver.on_clear()
            self.assertEqual(await receiver.wait(2), ["started", (0.2, True)])
            self.assertEqual((generator.cleared, server.pushes[0].end["event"]), (1, "interrupted"))
            server.play(EVERYTHING)
            for _ in range(5):
                receiver.queue.put_nowait(sound())
            receiver.queue.put_nowait(END)
            self.assertEqual((await receiver.wait(4))[2:], ["started", (0.2, False)])
        self.run_async(run)

    def test_clear_before_it_starts(self):
        """At once, and nothing of it is heard; what others say goes on."""
        async def run(server, receiver, _):
            server.allowed_ms = 0
            other = await AsyncStage(server.address, encode=False).segment(sample_rate=24000, sample_format="s16").open()
            await other.push_audio(b"\1\0" * 2400)
            while not server.pushes:
                await asyncio.sleep(0.01)
            for _ in range(10):
                receiver.queue.put_nowait(sound())
            while not (len(server.pushes) > 1 and server.pushes[1].media and server.pushes[1].media.ms >= 400):
                await asyncio.sleep(0.01)
            receiver.on_clear()
            self.assertEqual(await receiver.wait(1), [(0.0, True)])
            self.assertEqual((server.pushes[1].end, server.pushes[1].played_ms), ({"event": "interrupted"}, 0))
            server.play(EVERYTHING)
            self.assertEqual((await other.close()).played_ms, 100)
        self.run_async(run)

    def test_what_was_made_before_a_clear_is_not_heard_after_it(self):
        async def run(server, receiver, generator):
            server.allowed_ms = 200
            for _ in range(10):
                receiver.queue.put_nowait(sound())
            await receiver.wait(1)
            while server.pushes[0].media.ms < 400:
                await asyncio.sleep(0.01)
            clear = generator.clear_buffer

            def clear_late():
                clear()
                generator.queue.put_nowait(sound(80))       # the runner has it while it clears
            generator.clear_buffer = clear_late
            receiver.on_clear()
            receiver.queue.put_nowait(sound())
            receiver.queue.put_nowait(END)
            self.assertEqual(await receiver.wait(4), ["started", (0.2, True), "started", (0.04, False)])
        self.run_async(run)

    async def end_it(self, server, receiver, count):
        """So many pieces of sound, of which 200 ms are played; then the room ends it, and whoever pushes finds out."""
        server.allowed_ms = 200
        for _ in range(count):
            receiver.queue.put_nowait(sound())
        await receiver.wait(1)
        while server.pushes[0].played_ms < 200:
            await asyncio.sleep(0.01)
        server.pushes[0].interrupt()
        while len(receiver.told) < 2:
            receiver.queue.put_nowait(sound())
            await asyncio.sleep(0.01)
        self.assertEqual(receiver.told, ["started", (0.2, True)])

    def test_the_room_ends_it(self):
        async def run(server, receiver, _):
            await self.end_it(server, receiver, 100)
            receiver.queue.put_nowait(END)
            server.allowed_ms = EVERYTHING
            receiver.queue.put_nowait(sound())
            receiver.queue.put_nowait(END)
            self.assertEqual((await receiver.wait(4))[2:], ["started", (0.04, False)])
        self.run_async(run)

    def test_cleared_after_the_room_has_ended_it(self):
        async def run(server, receiver, _):
            await self.end_it(server, receiver, 10)
            receiver.on_clear()
            receiver.queue.put_nowait(sound())
            receiver.queue.put_nowait(END)
            self.assertEqual((await receiver.wait(4))[2:], ["started", (0.04, False)])
        self.run_async(run)

    def test_what_fails_at_its_end_and_the_next_one_is_heard(self):
        async def run(server, receiver, _):
            server.allowed_ms = 0
            for number in range(2):
                receiver.queue.put_nowait(sound())
                receiver.queue.put_nowait(END)
                while not (len(server.pushes) > number and server.pushes[number].media
                           and server.pushes[number].media.is_ended):
                    await asyncio.sleep(0.01)
                if not number:
                    server.pushes[0].stop({"event": "failed", "error_code": 465, "error": "why"})
                    self.assertEqual(await receiver.wait(1), [(0.0, True)])
                server.play(EVERYTHING)
            self.assertEqual((await receiver.wait(3))[1:], ["started", (0.04, False)])
        self.run_async(run)

    def test_what_the_callers_own_parts_fail_at(self):
        """clear_buffer() of the generator does not keep the room from being interrupted; nothing is hidden."""
        async def run(server, receiver, generator):
            def fail(*_):
                raise RuntimeError("of its own")
            generator.clear_buffer = receiver.notify_playback_started = fail
            server.allowed_ms = 200
            for _ in range(10):
                receiver.queue.put_nowait(sound())
            while not (server.pushes and server.pushes[0].played_ms == 200):
                await asyncio.sleep(0.01)
            while not (self.runner._starting and self.runner._starting.done()):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0)          # it is logged then
            with self.assertLogs("digitalhuman", "ERROR") as logs:
                receiver.on_clear()
                self.assertEqual(await receiver.wait(1), [(0.2, True)])
            self.assertIn("clear_buffer() failed", logs.output[0])
            self.assertIn("of its own", logs.output[0])
        with self.assertLogs("digitalhuman", "ERROR") as logs:
            self.run_async(run)
        self.assertIn("notify_playback_started() failed", logs.output[0])

    def test_a_limit_of_the_gateway_ends_it(self):
        """What was heard is reported, why is logged, and the next one is heard."""
        async def run(server, receiver, _):
            server.allowed_ms = 200
            for _ in range(10):
                receiver.queue.put_nowait(sound())
            await receiver.wait(1)
            while server.pushes[0].played_ms < 200:
                await asyncio.sleep(0.01)
            with self.assertLogs("digitalhuman", "WARNING") as logs:
                server.pushes[0].stop({"event": "failed", "error_code": 465, "error": "longer than 600000 ms"})
                while len(receiver.told) < 2:
                    receiver.queue.put_nowait(sound())
                    await asyncio.sleep(0.01)
            self.assertIn("longer than 600000 ms", logs.output[0])
            receiver.queue.put_nowait(END)
            server.allowed_ms = EVERYTHING
            receiver.queue.put_nowait(sound())
            receiver.queue.put_nowait(END)
            self.assertEqual(await receiver.wait(4), ["started", (0.2, True), "started", (0.04, False)])
        self.run_async(run)

    async def say_twice(self, server, receiver):
        """Each of 400 ms, which must be heard whole. Returns the pictures of each, and what was logged."""
        with self.assertLogs("digitalhuman", "WARNING") as logs:
            logging.getLogger("digitalhuman").warning("none before")
            for _ in range(2):
                for _ in range(10):
                    receiver.queue.put_nowait(sound())
                receiver.queue.put_nowait(END)
            self.assertEqual(await receiver.wait(4), ["started", (0.4, False)] * 2)
        return [[len(unit.data) for unit in push.media.units if unit.stream == 0 and len(unit.data) >= len(PICTURE)]
                for push in server.pushes], logs.output[1:]

    def test_pictures_that_do_not_fit_are_dropped(self):
        """Those of another size than the one that came before the first sound, which stays, and the sound goes on. Said
        once for each segment."""
        async def run(server, receiver, _):
            pictures, logged = await self.say_twice(server, receiver)
            self.assertEqual(pictures, [[128 * 72 * 3] * 11, [len(PICTURE)] * 10])
            self.assertEqual(len(logged), 1, logged)
            self.assertIn("frame: expected 128x72 like the segment's others", logged[0])
        self.run_async(run, Generator(idle=(128, 72), is_sound_first=True),
                       lambda frame: bytes(frame.width * frame.height * 3))

    def test_pictures_that_cannot_be_read_are_dropped(self):
        """And the sound does not wait for them."""
        async def run(server, receiver, _):
            for _ in range(5):
                receiver.queue.put_nowait(sound())
            self.assertEqual(await receiver.wait(1), ["started"])
            while server.pushes[0].played_ms < 200:
                await asyncio.sleep(0.01)
            receiver.queue.put_nowait(END)
            self.assertEqual((await receiver.wait(2))[1], (0.2, False))
            receiver.told.clear()
            server.pushes.clear()
            pictures, logged = await self.say_twice(server, receiver)
            self.assertEqual(pictures, [[], []])
            self.assertEqual(len(logged), 2, logged)
        self.run_async(run, convert=lambda _: PICTURE[1:])

    def test_pictures_that_go_on_while_the_speech_stalls(self):
        """Those for which there is no memory are dropped; what is said after it is heard."""
        async def run(server, receiver, generator):
            with self.assertLogs("digitalhuman", "WARNING") as logs:
                for _ in range(5):
                    receiver.queue.put_nowait(sound())
                self.assertEqual(await receiver.wait(1), ["started"])
                while server.pushes[0].played_ms < 200:
                    await asyncio.sleep(0.01)
                for _ in range(100):
                    generator.queue.put_nowait(SimpleNamespace(width=64, height=64))
                while not generator.queue.empty():
                    await asyncio.sleep(0.01)
                for _ in range(5):
                    receiver.queue.put_nowait(sound())
                receiver.queue.put_nowait(END)
                self.assertEqual(await receiver.wait(2), ["started", (0.4, False)])
            self.assertEqual(len(logs.output), 1, logs.output)
            self.assertIn("MB wait for sound", logs.output[0])
        with mock.patch.dict(Muxer.__init__.__kwdefaults__, max_held_bytes=40 * len(PICTURE) + 5000):
            self.run_async(run)

    def test_a_segment_that_cannot_be_made(self):
        """The agent does not wait for it."""
        async def run(server, receiver, _):
            with self.assertLogs("digitalhuman", "WARNING") as logs:
                for _ in range(5):
                    receiver.queue.put_nowait(sound())
                receiver.queue.put_nowait(END)
                self.assertEqual(await receiver.wait(1), [(0.0, False)])
            self.assertEqual([line for line in logs.output if "fps: expected" not in line], [])
            self.assertEqual((len(logs.output), server.pushes), (1, []))
        self.run_async(run, fps=5000)

    def test_sound_before_its_picture(self):
        async def run(server, receiver, _):
            pictures, logged = await self.say_twice(server, receiver)
            self.assertEqual((pictures, logged), ([[len(PICTURE)] * 10] * 2, []))
        self.run_async(run, Generator(idle=None, is_sound_first=True))

    def test_refused(self):
        async def run(server, receiver, _):
            for _ in range(3):
                receiver.queue.put_nowait(sound())
            receiver.queue.put_nowait(END)
            self.assertEqual(await receiver.wait(1), [(0.0, True)])
        self.run_async(run, refuse=(464, "too many"))


if __name__ == "__main__":
    unittest.main()
