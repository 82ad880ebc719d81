#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audio output for LiveKit Agents for Python, against a stand-in for the gateway, and for LiveKit Agents where that is
not installed."""
import asyncio
import logging
import os
import struct
import sys
import time
import unittest
from types import SimpleNamespace

from client_case import Case
from livekit_standin import install
from push_server import EVERYTHING, WAIT_S

install()
sys.path.insert(0, os.path.join(os.environ["DH_ROOT"], "clients", "livekit"))
from audio_output import RoomAudioOutput
from digitalhuman import AsyncStage, Stage

RATE = 24000


class Agent:
    """What an agent does with its audio output, and is told of it, in order, in `told`."""

    def __init__(self, server, **options):
        self.server, self.told, self.came, self.at = server, [], asyncio.Event(), 0
        self.output = RoomAudioOutput(AsyncStage(server.address, server.room, server.secret, encode=False), **options)
        self.output.on("playback_started", lambda event: self.tell(("started", event.created_at)))
        self.output.on("playback_finished", lambda event: self.tell((event.playback_position, event.interrupted)))

    def tell(self, what):
        self.told.append(what)
        self.came.set()

    async def say(self, ms, rate=RATE):
        """In frames of 20 ms, all in the same memory, whose samples count on."""
        memory = bytearray(rate // 50 * 2)
        for _ in range(0, ms, 20):
            struct.pack_into(f"<{rate // 50}h", memory, 0, *((self.at + n) & 0x7fff for n in range(rate // 50)))
            self.at += rate // 50
            await self.output.capture_frame(SimpleNamespace(data=memoryview(memory).cast("h"), sample_rate=rate,
                                                            num_channels=1, samples_per_channel=rate // 50))

    def starts(self):
        return [told[1] for told in self.told if told[0] == "started"]

    async def until(self, condition):
        while not condition():
            self.came.clear()
            await asyncio.wait_for(self.came.wait(), WAIT_S)

    async def started(self, count=1):
        await self.until(lambda: len(self.starts()) >= count)

    async def finished(self, count=1):
        await self.until(lambda: len(self.told) - len(self.starts()) >= count)
        return [told for told in self.told if told[0] != "started"]

    async def seen(self, condition):
        """Of the gateway's segments."""
        await asyncio.to_thread(self.server.wait, condition)

    def spoken(self):
        """By the agent."""
        return [push for push in self.server.pushes if push.line.get("segment") != "other"]

    async def arrived(self, number, ms):
        await self.seen(lambda _: len(self.spoken()) > number and self.spoken()[number].media
                        and self.spoken()[number].media.ms >= ms)

    def heard(self):
        """The samples of all segments that were heard."""
        samples = []
        for push in self.spoken():
            data = b"".join(push.media.stream("audio")[0])[:push.played_ms * RATE // 1000 * 2]
            samples += struct.unpack(f"<{len(data) // 2}h", data)
        return samples


class Output(Case):
    def setUp(self):
        super().setUp()
        logging.getLogger("digitalhuman").setLevel(logging.CRITICAL)

    def run_async(self, function, **options):
        server = self.server(secret="demo", **options)

        async def main():
            agent = Agent(server)
            try:
                await asyncio.wait_for(function(server, agent), 2 * WAIT_S)
            finally:
                await agent.output.aclose()
        asyncio.run(main())

    def speak_before(self, server):
        """What somebody else says in the room; returns that segment."""
        other = Stage(server.address, 1, "demo").segment(sample_rate=RATE, sample_format="s16", segment="other",
                                                         encode=False).open()
        self.addCleanup(other.abort)
        other.push_audio(bytes(2 * RATE))
        server.wait(lambda pushes: pushes and pushes[0].media and pushes[0].media.ms == 1000)
        return other

    def test_segments_in_turn_each_finished_once(self):
        async def run(server, agent):
            begun = time.time()
            self.assertTrue(agent.output.can_pause)
            server.allowed_ms = 0
            for ms in (400, 600):
                await agent.say(ms)
                agent.output.flush()
            await agent.arrived(0, 400)
            self.assertEqual((len(agent.spoken()), agent.told), (1, []))
            server.play(EVERYTHING)
            end = await agent.output.wait_for_playout()
            self.assertEqual((end.playback_position, end.interrupted), (0.6, False))
            self.assertEqual((await agent.finished(2), len(agent.starts())), ([(0.4, False), (0.6, False)], 2))
            self.assertTrue(begun < agent.starts()[0] <= agent.starts()[1] < time.time())
            self.assertEqual([told[0] for told in agent.told], ["started", 0.4, "started", 0.6])
            self.assertEqual(agent.heard(), list(range(RATE)))
        self.run_async(run)

    def test_it_plays_before_it_is_flushed(self):
        async def run(_, agent):
            await agent.say(200)
            await agent.started()
            await agent.say(200)
            await agent.arrived(0, 400)
            self.assertEqual(len(agent.told), 1)
            agent.output.flush()
            self.assertEqual(await agent.finished(), [(0.4, False)])
        self.run_async(run)

    def test_clear_ends_it_at_once_with_what_was_heard(self):
        async def run(server, agent):
            server.allowed_ms = 300
            await agent.say(5000)
            await agent.started()
            await agent.arrived(0, 1000)
            agent.output.clear_buffer()
            self.assertEqual(await agent.finished(), [(0.3, True)])
            await agent.say(100)            # before the flush: of what was cleared
            agent.output.flush()
            server.play(EVERYTHING)
            await agent.say(200)
            agent.output.flush()
            self.assertEqual(await agent.finished(2), [(0.3, True), (0.2, False)])
            agent.output.clear_buffer()     # nothing plays
            self.assertEqual([push.end["event"] for push in agent.spoken()], ["interrupted", "finished"])
        self.run_async(run)

    def test_clear_before_it_starts_and_of_what_waits(self):
        """At once, and nothing of it is heard; what others say goes on."""
        async def run(server, agent):
            server.allowed_ms = 0
            other = await asyncio.to_thread(self.speak_before, server)
            for _ in range(2):
                await agent.say(200)
                agent.output.flush()
            await agent.arrived(0, 200)
            agent.output.clear_buffer()
            self.assertEqual((await agent.finished(2), agent.starts()), ([(0, True)] * 2, []))
            self.assertEqual([push.end for push in agent.spoken()], [{"event": "interrupted"}])
            server.play(EVERYTHING)
            self.assertEqual(((await asyncio.to_thread(other.close)).event, other.result.played_ms), ("finished", 1000))
            self.assertEqual(agent.spoken()[0].played_ms, 0)
        self.run_async(run)

    def test_cleared_before_the_room_has_it(self):
        async def run(server, agent):
            server.allowed_ms = 0
            server.accepts.clear()
            await agent.say(200)
            await agent.seen(lambda _: any(push.line for push in server.all))
            agent.output.clear_buffer()
            await asyncio.sleep(0)
            server.accepts.set()
            self.assertEqual(await agent.finished(), [(0, True)])
            self.assertEqual([push.end for push in agent.spoken()], [{"event": "interrupted"}])
        self.run_async(run)

    def test_pause_and_resume_lose_nothing(self):
        async def run(server, agent):
            server.allowed_ms = 310         # not between two frames
            await agent.say(1000)
            agent.output.flush()
            await agent.started()
            await agent.arrived(0, 1000)
            await agent.seen(lambda pushes: pushes[0].played_ms == 310)
            agent.output.pause()
            await agent.seen(lambda pushes: pushes[0].end)
            await asyncio.to_thread(agent.spoken()[0].over.wait, WAIT_S)
            server.play(EVERYTHING)
            self.assertEqual((len(agent.told), len(agent.spoken())), (1, 1))
            agent.output.resume()
            self.assertEqual((await agent.finished(), len(agent.starts())), ([(1.0, False)], 1))
            self.assertEqual([push.played_ms for push in agent.spoken()], [310, 690])
            self.assertEqual(agent.heard(), list(range(RATE)))
        self.run_async(run)

    def test_paused_while_it_waits(self):
        async def run(server, agent):
            server.allowed_ms = 0
            other = await asyncio.to_thread(self.speak_before, server)
            await agent.say(200)
            agent.output.flush()
            await agent.arrived(0, 200)
            agent.output.pause()
            await agent.seen(lambda _: agent.spoken()[0].end)
            server.play(EVERYTHING)
            self.assertEqual((await asyncio.to_thread(other.close)).event, "finished")
            self.assertEqual((agent.told, [push.played_ms for push in agent.spoken()]), ([], [0]))
            agent.output.resume()
            self.assertEqual(await agent.finished(), [(0.2, False)])
            self.assertEqual(agent.heard(), list(range(4800)))
        self.run_async(run)

    def test_paused_when_all_that_had_come_was_heard(self):
        async def run(_, agent):
            await agent.say(200)
            await agent.started()
            await agent.seen(lambda pushes: pushes[0].played_ms == 200)
            agent.output.pause()
            await agent.seen(lambda pushes: pushes[0].end)
            agent.output.resume()
            await agent.say(200)
            agent.output.flush()
            self.assertEqual(await agent.finished(), [(0.4, False)])
            self.assertEqual([push.played_ms for push in agent.spoken()], [200, 200])
            self.assertEqual(agent.heard(), list(range(9600)))
        self.run_async(run)

    def test_paused_then_cleared(self):
        async def run(server, agent):
            server.allowed_ms = 200
            await agent.say(1000)
            agent.output.flush()
            await agent.started()
            await agent.arrived(0, 1000)
            agent.output.pause()
            agent.output.clear_buffer()
            self.assertEqual(await agent.finished(), [(0.2, True)])
            server.play(EVERYTHING)
            await agent.say(100)            # waits until it goes on
            agent.output.flush()
            self.assertEqual(len(agent.spoken()), 1)
            agent.output.resume()
            self.assertEqual((await agent.finished(2))[1], (0.1, False))
        self.run_async(run)

    def test_the_room_is_interrupted_by_others(self):
        async def run(server, agent):
            server.allowed_ms = 100
            await agent.say(1000)
            await agent.started()
            await agent.seen(lambda pushes: pushes[0].played_ms == 100)
            agent.spoken()[0].interrupt()
            self.assertEqual(await agent.finished(), [(0.1, True)])
            await agent.say(1000)           # still of the same answer
            agent.output.flush()
            server.play(EVERYTHING)
            await agent.say(40)
            agent.output.flush()
            self.assertEqual(await agent.finished(2), [(0.1, True), (0.04, False)])
            self.assertEqual(len(agent.spoken()), 2)
        self.run_async(run)

    def test_a_limit_of_the_gateway_ends_it(self):
        """Why is logged; the rest of that speech is dropped, and the next one is heard."""
        async def run(server, agent):
            server.allowed_ms = 200
            await agent.say(1000)
            await agent.seen(lambda pushes: pushes and pushes[0].played_ms == 200)
            with self.assertLogs("digitalhuman", "WARNING") as logs:
                agent.spoken()[0].stop({"event": "failed", "error_code": 465, "error": "longer than 600000 ms"})
                self.assertEqual(await agent.finished(), [(0.2, True)])
            self.assertIn("longer than 600000 ms", logs.output[0])
            await agent.say(200)
            agent.output.flush()
            server.play(EVERYTHING)
            await agent.say(200)
            agent.output.flush()
            self.assertEqual((await agent.finished(2))[1], (0.2, False))
            self.assertEqual(len(agent.spoken()), 2)
        self.run_async(run)

    def test_the_form_changes_within_a_segment(self):
        async def run(_, agent):
            await agent.say(200)
            with self.assertLogs("digitalhuman", "ERROR") as logs:
                await agent.say(200, rate=48000)
                self.assertTrue((await agent.finished())[0][1])
            self.assertIn("the form of the sound changes", logs.output[0])
            agent.output.flush()
            await agent.say(200, rate=48000)
            agent.output.flush()
            self.assertEqual((await agent.finished(2))[1], (0.2, False))
        self.run_async(run)

    def test_refused_and_nobody_there(self):
        async def run(server, agent):
            await agent.say(100)
            agent.output.flush()
            self.assertEqual(await agent.finished(), [(0, True)])
            server.stop_listening()
            await agent.say(100)
            agent.output.flush()
            self.assertEqual((await agent.finished(2), agent.starts()), ([(0, True)] * 2, []))
        self.run_async(run, refuse=(464, "too many"))


if __name__ == "__main__":
    unittest.main()
