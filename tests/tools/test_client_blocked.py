#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python client while the gateway takes nothing, or does not answer: what has a time limit keeps to it, what may be
done meanwhile is done, and who cuts a segment does not wait."""
import asyncio
import os
import select
import socket
import subprocess
import sys
import threading
import time
import unittest
from unittest import mock

import numpy as np

from push_server import EVERYTHING, WAIT_S
from client_case import Case, client_threads, made
from digitalhuman import AsyncStage, Stage

FORMAT = {"fps": 25, "sample_rate": 24000}
# Enough of them for every buffer between client and gateway to be full.
MUCH = np.zeros((1024, 1024, 3), np.uint8)
FULL = 30
SOON_S = 0.2


def until(condition):
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)


class Blocked(Case):
    """The gateway has accepted the segment, and reads none of its media."""

    def blocked(self):
        """A server, a segment, and a thread that pushes to it, and blocks."""
        server = self.server()
        server.reads = False
        s = self.stage(server).segment(fps=25).open()
        server.first()
        join = self.in_thread(lambda: [s.push_video(MUCH) for _ in range(FULL)])
        until(s._pushing.locked)
        join.thread.join(SOON_S)
        self.assertTrue(join.thread.is_alive())
        return server, s, join

    def test_closing_while_pictures_are_held_back(self):
        server = self.server()
        server.reads = False
        s = self.stage(server).segment(**FORMAT)
        s.push(MUCH[:64], np.zeros(960, np.float32))
        for _ in range(FULL * 16):
            s.push_video(MUCH[:64])     # which wait for their sound, and are written at the end
        with self.assertRaisesRegex(TimeoutError, f"not ended within {SOON_S} s"):
            self.in_thread(lambda: s.close(SOON_S))()
        self.assertTrue(s.is_over)

    def test_closing_while_another_thread_pushes(self):
        _, s, join = self.blocked()
        with self.assertRaises(TimeoutError):
            self.in_thread(lambda: s.close(SOON_S))()
        with self.assertRaisesRegex(ConnectionError, "cut by its own side"):
            join()

    def test_closing_in_time(self):
        """Errors and results are those of a close() without a limit."""
        server = self.server()
        s = self.stage(server).segment(**FORMAT)
        s.push(*next(made(1)))
        self.assertEqual((s.close(WAIT_S).event, s.close(WAIT_S).played_ms), ("finished", 40))
        server.stop_listening()
        with self.assertRaisesRegex(ConnectionError, f"^cannot connect to {server.address}"):
            self.stage(server).segment(**FORMAT).close(WAIT_S)
        with self.assertRaisesRegex(ValueError, "^text, words and metadata"):
            self.stage(self.server()).segment(**FORMAT, text="x" * 70000).close(WAIT_S)

    def test_marking_while_another_thread_pushes(self):
        server, s, join = self.blocked()
        self.assertEqual(self.in_thread(lambda: s.mark("here", at_ms=40))(), 812340)
        self.assertEqual([mark["data"] for mark in server.marks], ["here"])
        s.abort()
        with self.assertRaises(ConnectionError):
            join()


class Connecting(Case):
    """Somebody listens, and says nothing."""

    def setUp(self):
        super().setUp()
        self.listener, self.connections = socket.create_server(("127.0.0.1", 0)), []
        self.addCleanup(self.hang_up)

    def hang_up(self):
        for sock in (self.listener, *self.connections):
            sock.close()

    def has_connection(self, timeout=0):
        """That is not accepted yet."""
        return bool(select.select([self.listener], [], [], timeout)[0])

    def accept(self):
        self.assertTrue(self.has_connection(WAIT_S))
        self.connections.append(self.listener.accept()[0])

    def check_leftovers(self):
        """What still connected ends with the listener, which is closed by now."""
        until(lambda: not client_threads())
        super().check_leftovers()

    def address(self, kind=""):
        return "%s127.0.0.1:%d" % (kind, self.listener.getsockname()[1])

    def segment(self):
        """One that waits for the other side's handshake when it is opened."""
        return Stage(self.address("tls://"), encode=False, connect_timeout=10 * WAIT_S).segment(**FORMAT)

    def test_closing(self):
        s = self.segment()
        with self.assertRaises(TimeoutError):
            self.in_thread(lambda: s.close(SOON_S))()

    def test_cutting_from_another_thread(self):
        joins = []
        for end in (lambda s: s.abort(), lambda s: s.close(SOON_S)):
            s = self.segment()
            joins.append(self.in_thread(s.open))
            self.accept()
            try:
                self.in_thread(lambda: end(s))()
            except TimeoutError:
                pass
            self.assertTrue(s.is_over)
            with self.assertRaisesRegex(ConnectionError, "cut by its own side"):
                s.push(*next(made(1)))
        self.hang_up()
        for join in joins:
            with self.assertRaisesRegex(ConnectionError, "^cannot connect"):
                join()

    def test_cut_before_the_gateway_knew_of_it(self):
        """Then it is not told."""
        server = self.server()
        s = self.stage(server).segment(**FORMAT)
        connect = s._stage.connect

        def meanwhile():
            connection = connect()
            s.abort()
            return connection
        s._stage.connect = meanwhile
        with self.assertRaisesRegex(ConnectionError, "cut by its own side"):
            self.in_thread(s.open)()
        until(lambda: server.all and server.all[0].over.is_set())
        self.assertEqual(server.pushes, [])

    def test_asyncio(self):
        async def run():
            stage = AsyncStage(self.address("tls://"), encode=False, connect_timeout=10 * WAIT_S)
            s = stage.segment(**FORMAT)
            opening = asyncio.ensure_future(s.open())
            while not self.has_connection():
                await asyncio.sleep(0.005)
            with self.assertRaises(TimeoutError):
                await s.close(SOON_S)
            t = stage.segment(**FORMAT)
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(t.__aenter__(), SOON_S)
            self.listener.close()
            with self.assertRaises(ConnectionError):
                await opening
        self.in_thread(lambda: asyncio.run(run()))()

    def test_a_question_that_is_cancelled_does_not_stop_the_loop(self):
        async def run():
            stage = AsyncStage(self.address(), connect_timeout=10 * WAIT_S)
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(stage.info(), SOON_S)
        self.in_thread(lambda: asyncio.run(run()))()


    def test_what_is_cancelled_does_not_keep_the_program(self):
        """Which ends long before it would have been connected, or answered."""
        code = f"""import asyncio
from digitalhuman import AsyncStage
async def run():
    silent, quiet = (AsyncStage(address, encode=False, connect_timeout={100 * WAIT_S})
                     for address in ({self.address("tls://")!r}, {self.address()!r}))
    tasks = [asyncio.ensure_future(task) for task in (silent.segment(fps=25).__aenter__(), quiet.info(),
                                                      quiet.interrupt(), quiet.mark("here"))]
    await asyncio.to_thread(input)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
asyncio.run(run())
"""
        with subprocess.Popen([sys.executable, "-B", "-c", code], stdin=subprocess.PIPE,
                              env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))) as program:
            try:
                for _ in range(4):
                    self.accept()
                program.communicate(b"\n", WAIT_S)
            finally:
                program.kill()
        self.assertEqual(program.returncode, 0)

    def asking(self, stage, joins):
        """A segment that waits for what is asked of the room, if anything is."""
        arrived = stage._asking.arrived
        s = stage.segment(**FORMAT)
        joins.append(self.in_thread(s.open))
        until(lambda: stage._asking.arrived > arrived)
        return s

    def test_all_who_wait_for_an_answer_do_without_it(self):
        """One asks; where that fails the others do not try one after another. Who was cut neither."""
        stage, joins = Stage(self.address(), encode=True, dh_prepare="/bin/true", connect_timeout=10 * WAIT_S), []
        stage._asking = Counted()
        for _ in range(5):
            self.asking(stage, joins)
        self.asking(stage, joins).abort()
        self.accept()
        self.connections[0].close()
        for join in joins[:-1]:
            with self.assertRaisesRegex(ConnectionError, "ended without an answer|Connection reset"):
                join()
        with self.assertRaisesRegex(ConnectionError, "cut by its own side"):
            joins[-1]()
        self.assertFalse(self.has_connection())
        self.asking(stage, joins)           # the next one does try
        self.accept()
        self.hang_up()
        with self.assertRaises(ConnectionError):
            joins[-1]()

    def test_cut_while_another_one_asks(self):
        """Then it does not connect, either, once the answer is there."""
        stage, joins = Stage(self.address(), encode=True, dh_prepare="/bin/true", connect_timeout=10 * WAIT_S), []
        stage._asking = Counted()
        self.asking(stage, joins)
        self.asking(stage, joins).abort()
        self.accept()
        asker, = self.connections
        asker.sendall(b'{"info":{}}\n{"anchor":{"bytes":1}}\n.')
        with self.assertRaisesRegex(ConnectionError, "cut by its own side"):
            joins[1]()
        self.assertFalse(self.has_connection())
        stage.close()
        asker.sendall(b'{"error_code":464,"error":"no"}\n')
        try:
            joins[0]().abort()
        except Exception:
            pass


class Counted:
    """A lock that counts those who want it."""

    def __init__(self):
        self.lock, self.arrived = threading.Lock(), 0

    def __enter__(self):
        self.arrived += 1       # one after another does, in these tests
        self.lock.acquire()

    def __exit__(self, *_):
        self.lock.release()


class Asyncio(Case):
    def run_async(self, function, **options):
        """Runs function(server, stage) in an event loop of its own, which may not stand still."""
        server = self.server(**options)

        async def main():
            return await function(server, AsyncStage(server.address, encode=False))
        return self.in_thread(lambda: asyncio.run(main()))()

    async def blocked(self, server, stage):
        server.reads = False
        s = await stage.segment(fps=25).open()

        async def push():
            for _ in range(FULL):
                await s.push_video(MUCH)
        pushing = asyncio.ensure_future(push())
        while not s._segment._pushing.locked():
            await asyncio.sleep(0.005)
        await asyncio.sleep(SOON_S)
        return s, pushing

    def test_closing_behind_a_push(self):
        async def run(server, stage):
            s, pushing = await self.blocked(server, stage)
            with self.assertRaisesRegex(TimeoutError, f"not ended within {SOON_S} s"):
                await s.close(SOON_S)
            with self.assertRaisesRegex(ConnectionError, "cut by its own side"):
                await pushing
            self.assertEqual(client_threads(), [])
        self.run_async(run)

    def test_marking_beside_a_push(self):
        async def run(server, stage):
            s, pushing = await self.blocked(server, stage)
            self.assertEqual(await s.mark("here", at_ms=40), 812340)
            await s.abort()
            with self.assertRaises(ConnectionError):
                await pushing
        self.run_async(run)

    def test_cancelling_an_interruption_cuts_it(self):
        async def run(server, stage):
            server.accepts.clear()              # the room does not have it yet
            s = await stage.segment(**FORMAT).open()
            await s.push(*next(made(1)))
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(s.interrupt(), SOON_S)
            self.assertEqual(client_threads(), [])
        self.run_async(run)

    def test_an_interruption_that_takes_too_long_cuts_it(self):
        async def run(server, _):
            server.accepts.clear()
            s = await AsyncStage(server.address, encode=False, connect_timeout=SOON_S).segment(**FORMAT).open()
            await s.push(*next(made(1)))
            with self.assertRaisesRegex(ConnectionError, f"the segment was not accepted within {SOON_S:g} s"):
                await s.interrupt()
            self.assertEqual(client_threads(), [])
        self.run_async(run)

    def test_an_interruption_that_fails_cuts_it(self):
        async def run(server, stage):
            server.allowed_ms = 20
            s = await stage.segment(**FORMAT).open()
            await s.push(*next(made(1)))
            while not server.pushes:            # it is accepted
                await asyncio.sleep(0.005)
            server.stop_listening()
            with self.assertRaisesRegex(ConnectionError, "^cannot connect"):
                await s.interrupt()
            self.assertEqual(client_threads(), [])
            server.play(EVERYTHING)
        self.run_async(run)

    def test_cancelling_the_stages_block_cuts_its_pieces(self):
        async def run(server, stage):
            server.allowed_ms = 0
            pieces = []

            async def block():
                async with stage:
                    pieces.append(stage.push_av_segment(0, None, np.zeros(960, np.float32), sample_rate=24000))
            task = asyncio.ensure_future(block())
            while not (server.pushes and server.pushes[0].media):
                await asyncio.sleep(0.005)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            with self.assertRaisesRegex(ConnectionError, "cut by its own side"):
                await pieces[0]
            server.play(EVERYTHING)
            while client_threads():
                await asyncio.sleep(0.005)
        self.run_async(run)

    def test_cancelling_the_stages_end_does_not_leave_it_out(self):
        """Not even before its thread does anything."""
        begin, closed, run_thread = threading.Event(), threading.Event(), threading.Thread.run

        def run_late(thread):
            if thread.name.startswith("digitalhuman"):
                begin.wait()
            run_thread(thread)

        async def run(server, stage):
            stage._stage.forget_avatar = closed.set

            async def block():
                async with stage:
                    asyncio.current_task().cancel()
            with self.assertRaises(asyncio.CancelledError):
                await asyncio.ensure_future(block())
            begin.set()
            self.assertTrue(await asyncio.to_thread(closed.wait, WAIT_S))
        self.addCleanup(begin.set)
        with mock.patch.object(threading.Thread, "run", run_late):
            self.run_async(run)
        until(lambda: not client_threads())

    def test_pieces_want_a_loop_before_they_are_pushed(self):
        server = self.server()
        stage = AsyncStage(server.address, encode=False)

        def push():
            with self.assertRaisesRegex(RuntimeError, "loop"):
                stage.push_av_segment(0, None, np.zeros(960, np.float32), sample_rate=24000)
        self.in_thread(push)()
        stage._stage.close()
        self.assertEqual(server.pushes, [])


if __name__ == "__main__":
    unittest.main()
