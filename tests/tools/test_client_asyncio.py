#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python client for asyncio, against a stand-in for the gateway."""
import asyncio
import unittest

import numpy as np

from push_server import EVERYTHING, WAIT_S
from client_case import Case, check_cut, made
from digitalhuman import AsyncStage, Interrupted, PushError, Result

FORMAT = {"fps": 25, "sample_rate": 24000}
# Enough for every buffer between client and gateway to be full.
MUCH = np.zeros((1024, 1024, 3), np.uint8)
FULL = 60


class Asyncio(Case):
    def run_async(self, function, **options):
        """Runs function(server, stage) in an event loop of its own."""
        server = self.server(**options)

        async def main():
            stage = AsyncStage(server.address, server.room, server.secret, encode=False)
            return await asyncio.wait_for(function(server, stage), WAIT_S)
        return asyncio.run(main())

    def test_a_segment(self):
        async def push(server, stage):
            seen = []
            async with stage.segment(**FORMAT, text="Hello", on_event=lambda e: seen.append(e["event"])) as s:
                for frame, samples in made(10):
                    await s.push(frame, samples)
            self.assertEqual(s.result, Result("finished", "s-1", 400, "Hello"))
            self.assertEqual([e["event"] async for e in s.events], seen)
            self.assertEqual((seen[0], seen[-1]), ("queued", "finished"))
            self.assertEqual((s.id, s.progress_ms), ("s-1", 400))
        self.run_async(push, secret="demo")

    def test_many_at_once(self):
        async def one(stage, number):
            async with stage.segment(**FORMAT) as s:
                for frame, samples in made(10, seed=number):
                    await s.push_video(frame)
                    await s.push_audio(samples)
            return s.result.event

        async def push(server, stage):
            return await asyncio.gather(*(one(stage, n) for n in range(20)))
        self.assertEqual(self.run_async(push), ["finished"] * 20)

    def test_the_loop_runs_while_push_blocks_and_is_interrupted(self):
        async def push(server, stage):
            server.reads = False
            raised = None
            async with stage.segment(fps=25) as s:
                async def interrupt():
                    await asyncio.sleep(0.2)
                    server.first().interrupt()
                other = asyncio.create_task(interrupt())
                try:
                    while True:
                        await s.push_video(MUCH)
                except Interrupted as error:
                    raised = error
                    raise
                finally:
                    await other
            self.assertIs(raised.result, s.result)
            self.assertEqual(s.result.event, "interrupted")
        self.run_async(push)

    def test_cancelling_cuts_it(self):
        async def push(server, stage):
            server.reads = False
            segments = []

            async def model():
                async with stage.segment(fps=25) as s:
                    segments.append(s)
                    while True:
                        await s.push_video(MUCH)
            task = asyncio.create_task(model())
            while not segments:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertIsNone(segments[0].result)
            server.read(True)
            self.assertTrue(server.first().over.wait(WAIT_S))
        self.run_async(push)

    def test_an_exception_of_the_callers_cuts_it(self):
        async def push(server, stage):
            with self.assertRaises(ZeroDivisionError):
                async with stage.segment(**FORMAT) as s:
                    for frame, samples in made(5):
                        await s.push(frame, samples)
                    server.wait(lambda p: p and p[0].media and p[0].media.ms == 200)
                    1 / 0
            check_cut(self, server.first())
        self.run_async(push)

    def test_a_push_that_is_cancelled_before_its_turn_is_taken(self):
        async def push(server, stage):
            server.reads = False
            async with stage.segment(fps=25) as s:
                tasks = [asyncio.create_task(s.push_video(MUCH)) for _ in range(FULL)]
                await asyncio.wait(tasks, timeout=0.3)
                self.assertFalse(tasks[-2].done())
                tasks[-1].cancel()
                await asyncio.wait(tasks[-1:])
                self.assertTrue(tasks[-1].cancelled())
                server.read(True)
                await asyncio.gather(*tasks[:-1])
            self.assertEqual(s.result.played_ms, FULL * 40)
        self.run_async(push)

    def test_cancelling_what_waits_for_the_end(self):
        async def push(server, stage):
            server.allowed_ms = 0
            s = await stage.segment(**FORMAT).open()
            await s.push(*next(made(1)))
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(s.close(), 0.2)
            server.play(EVERYTHING)
            self.assertTrue(server.first().over.wait(WAIT_S))
        self.run_async(push)

    def test_wanted_and_events_while_it_plays(self):
        async def push(server, stage):
            server.allowed_ms = 0
            async with stage.segment(**FORMAT) as s:
                self.assertEqual(await s.wait_wanted(1000), 2000)
                for frame, samples in made(35):
                    await s.push(frame, samples)
                server.wait(lambda p: p and p[0].media and p[0].media.ms == 1400)
                self.assertEqual(s.wanted_ms, 600)
                server.play(EVERYTHING)
                self.assertEqual(await s.wait_wanted(5120), 2000)
                async for event in s.events:
                    if event["event"] == "progress" and event["played_ms"] == 1400:
                        break
        self.run_async(push, ahead_ms=2000)

    def test_wanted_before_anything_was_pushed(self):
        """It connects first."""
        async def push(_, stage):
            s = stage.segment(**FORMAT)
            self.assertEqual(await s.wait_wanted(1000), 2000)
            await s.push(*next(made(1)))
            self.assertEqual((await s.close()).event, "finished")
        self.run_async(push, ahead_ms=2000)

    def test_events_end_with_the_segment(self):
        """Also inside the block, and where there is no last event."""
        for end, last in (({"event": "interrupted"}, "interrupted"), (None, "want")):
            async def push(server, stage, end=end, last=last):
                s = await stage.segment(**FORMAT).open()
                server.first().stop(end)
                self.assertEqual([e["event"] async for e in s.events][-1], last)
                self.assertTrue(server.pushes[0].over.wait(WAIT_S))
                await s.abort()
            with self.subTest(end):
                self.run_async(push)

    def test_interrupting_it(self):
        """Not even what the room has read ahead is played, nor of one that waits; others go on."""
        async def push(server, stage):
            server.allowed_ms = 200
            other = await stage.segment(**FORMAT).open()
            await other.push(*next(made(1)))
            for n, (server.allowed_ms, played_ms) in enumerate(((200, 200), (0, 0)), 1):
                s = await stage.segment(**FORMAT).open()
                for frame, samples in made(25):
                    await s.push(frame, samples)
                server.wait(lambda p: len(p) > n and p[n].media and p[n].media.ms == 1000)
                result = await s.interrupt()
                self.assertEqual((result.event, result.played_ms), ("interrupted", played_ms))
                self.assertEqual(server.interruptions[n - 1:], [{"segment": s.id}])
            server.play(EVERYTHING)
            self.assertEqual((await other.close()).event, "finished")
        self.run_async(push)

    def test_interrupting_by_name(self):
        async def push(server, stage):
            server.allowed_ms = 0
            s = await stage.segment(segment="mine", **FORMAT).open()
            await s.push(*next(made(1)))
            server.first()
            self.assertEqual(await stage.interrupt(segment="mine"), 1)
            self.assertEqual(server.interruptions, [{"segment": "mine"}])
            self.assertEqual((await s.close()).event, "interrupted")
        self.run_async(push)

    def test_interrupting_what_has_ended(self):
        """The room, which may play something else by then, is left alone."""
        async def push(server, stage):
            s = await stage.segment(**FORMAT).open()
            server.first().stop({"event": "removed"})
            server.first().over.wait(WAIT_S)
            self.assertEqual((await s.interrupt()).event, "removed")
            self.assertEqual([p.requests for p in server.all if p.requests], [])
        self.run_async(push)

    def test_refusal_and_no_connection(self):
        async def push(server, stage):
            with self.assertRaises(PushError) as caught:
                async with stage.segment(**FORMAT) as s:
                    for frame, samples in made(100000):
                        await s.push(frame, samples)
            self.assertEqual(caught.exception.code, 464)
            with self.assertRaisesRegex(ConnectionError, "cannot connect to unix:/nonexistent"):
                async with AsyncStage("unix:/nonexistent").segment(**FORMAT):
                    pass
            with self.assertRaises(ZeroDivisionError):
                async with stage.segment(**FORMAT):
                    1 / 0
            return s
        self.run_async(push, refuse=(464, "too many"))

    def test_pieces(self):
        async def push(server, stage):
            async with stage:
                pieces = [stage.push_av_segment(n, *arrays(), **FORMAT) for n in (1, 0, 2)]
                return [r.played_ms for r in await asyncio.gather(*pieces)]
        self.assertEqual(self.run_async(push), [120] * 3)


def arrays(count=3):
    frames, sounds = zip(*made(count))
    return np.stack(frames), np.concatenate(sounds)


if __name__ == "__main__":
    unittest.main()
