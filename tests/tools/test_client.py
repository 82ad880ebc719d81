#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python client against a stand-in for the gateway: what is sent, and how it waits. Nothing of it is
left behind."""
import os
import sys
import tempfile
import threading
import unittest

import numpy as np

from push_server import EVERYTHING, WAIT_S
from certificates import Authority
from client_case import Case, made
from digitalhuman import Interrupted, PushError, Result, Stage

FORMAT = {"fps": 25, "sample_rate": 24000}
# Enough for every buffer between client and gateway to be full.
MUCH = np.zeros((1024, 1024, 3), np.uint8)
FULL = 60


class Pushing(Case):
    def test_a_segment(self):
        server = self.server(secret="demo")
        stage = self.stage(server)
        with stage.segment(**FORMAT, text="Hello there", metadata={"mood": 1}, segment="greeting",
                           words=[("Hello", 0, 300), ("there", 320, 900)], progress_ms=100, utterance="u", index=2,
                           last=True, options={"priority": "urgent"}) as s:
            for frame, samples in made():
                s.push(frame, samples)
        self.assertEqual(s.result, Result("finished", "greeting", 1000, "Hello there"))
        self.assertEqual(str(s.result), "finished, played_ms=1000, heard_text='Hello there'")
        self.assertEqual((s.id, s.progress_ms, s.is_over), ("greeting", 1000, True))
        push, = server.pushes
        line = dict(push.line)
        self.assertRegex(line.pop("token"), r"^\d+\.[\w-]{16,64}\.[0-9a-f]{64}$")
        self.assertEqual(line, {"room": 1, "text": "Hello there", "metadata": {"mood": 1}, "segment": "greeting",
                                "words": [["Hello", 0, 300], ["there", 320, 900]], "progress_ms": 100,
                                "utterance": "u", "index": 2, "last": True, "priority": "urgent"})
        frames, sounds = zip(*made())
        self.assertEqual(push.media.stream("video")[0], [f.tobytes() for f in frames])
        self.assertEqual(b"".join(push.media.stream("audio")[0]), b"".join(s.tobytes() for s in sounds))
        self.assertTrue(push.media.is_ended)
        kinds = [e["event"] for e in s.events]
        self.assertEqual((kinds[0], kinds[-1], kinds.count("finished")), ("queued", "finished", 1))

    def test_integers_of_numpy(self):
        server = self.server()
        n = np.int64(2)
        with self.stage(server).segment(fps=np.int32(25), sample_rate=np.int64(24000), words=np.array([["Hi", 0, 300]], object),
                                        captions=[("Hi", n, n)], markers=[(n, True)], index=n, utterance="u",
                                        last=np.bool_(True), progress_ms=100 * n) as s:
            s.push(*next(made(1)))
        line = server.first().line
        self.assertEqual([line[name] for name in ("words", "captions", "markers", "index", "last", "progress_ms")],
                         [[["Hi", 0, 300]], [["Hi", 2, 2]], [[2, True]], 2, True, 200])
        self.assertIs(line["markers"][0][1], True)

    def test_one_stage_many_segments(self):
        server = self.server(secret="demo", room="lobby")
        stage = self.stage(server)

        def push(number):
            with stage.segment(**FORMAT, segment=f"s{number}") as s:
                for frame, samples in made(5, seed=number):
                    s.push(frame, samples)
            return s.result
        results = [self.in_thread(lambda n=n: push(n)) for n in range(8)]
        self.assertEqual({join().segment for join in results}, {f"s{n}" for n in range(8)})
        self.assertEqual(len(server.nonces), 8)

    def test_picture_and_sound_from_two_threads(self):
        server = self.server()
        media = list(made(50))
        with self.stage(server).segment(**FORMAT) as s:
            voice = self.in_thread(lambda: [s.push_audio(samples) for _, samples in media])
            for frame, _ in media:
                s.push_video(frame)
            voice()
        self.assertEqual(server.pushes[0].media.stream("video")[0], [f.tobytes() for f, _ in media])
        self.assertEqual(len(b"".join(server.pushes[0].media.stream("audio")[0])), 50 * 960 * 4)

    def test_only_sound_only_pictures(self):
        server = self.server()
        with self.stage(server).segment(sample_rate=16000) as s:
            s.push_audio(np.zeros(1600, np.int16))
        with self.stage(server).segment(fps=25) as t:
            for frame, _ in made(3):
                t.push_video(frame)
        self.assertEqual((s.result.played_ms, t.result.played_ms), (100, 120))
        self.assertEqual([len(p.media.streams) for p in server.pushes], [2, 2])    # the last one has words

    def test_nothing_pushed(self):
        server = self.server()
        with self.assertRaisesRegex(PushError, "no picture and no sound") as caught:
            with self.stage(server).segment(**FORMAT):
                pass
        self.assertEqual((caught.exception.code, caught.exception.result.event), (465, "failed"))

    def test_a_wrong_argument_takes_nothing(self):
        server = self.server()
        with self.stage(server).segment(**FORMAT) as s:
            for frame, samples in made(3):
                s.push(frame, samples)
            with self.assertRaisesRegex(TypeError, "^samples: expected"):
                s.push(frame, samples.astype(np.float64))
            with self.assertRaisesRegex(TypeError, "^frame: expected a picture, got None"):
                s.push_video(None)
            s.push(frame, samples)
        self.assertEqual(s.result.played_ms, 160)

    def test_an_hour_of_progress(self):
        """Not all of it is kept, but all that happened."""
        server, many = self.server(), 5000
        with self.stage(server).segment(**FORMAT) as s:
            following = s.events
            self.assertEqual(next(following)["event"], "queued")
            s.push(*next(made(1)))
            push = server.first()
            push.send_event("ready")
            for n in range(many):
                push.send({"event": "progress", "segment": push.segment, "played_ms": 40})
                if n == many // 2:
                    push.send_event("held")
        self.assertLess({"ready", "held", "finished"}, {e["event"] for e in following})
        kinds = [e["event"] for e in s.events]
        self.assertEqual(kinds.count("progress") + kinds.count("want"), 500)
        self.assertEqual((kinds[0], kinds[-1]), ("queued", "finished"))
        number, last = s.event(many)
        self.assertEqual((last["event"], s.event(number), s.event(many + 100)), ("progress", (number, last), None))

    def test_on_event_is_called_and_may_fail(self):
        server, seen = self.server(), []

        def on_event(event):
            seen.append(event["event"])
            raise RuntimeError("mine")
        with self.assertLogs("digitalhuman", "ERROR"):
            with self.stage(server).segment(**FORMAT, on_event=on_event) as s:
                s.push(*next(made(1)))
        self.assertEqual((seen[0], seen[-1]), ("queued", "finished"))

    def test_on_event_that_exits_does_not_stop_the_reading(self):
        server = self.server()
        s = self.stage(server).segment(**FORMAT, on_event=lambda event: sys.exit())
        with self.assertLogs("digitalhuman", "ERROR"):
            s.push(*next(made(1)))
            self.assertEqual(self.in_thread(s.close)().event, "finished")

    def test_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            server = self.server(kind="unix", path=os.path.join(folder, "push.sock"))
            with self.stage(server).segment(**FORMAT) as s:
                s.push(*next(made(1)))
            self.assertEqual(s.result.event, "finished")


class Tls(Case):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name)
        cls.certificate = cls.authority.sign("127.0.0.1")

    def test_a_segment(self):
        server = self.server(kind="tls", certificate=self.certificate, secret="demo")
        with self.stage(server, cafile=self.authority.path).segment(**FORMAT) as s:
            for frame, samples in made(50):
                s.push(frame, samples)
        self.assertEqual((s.result.event, s.result.played_ms), ("finished", 2000))
        self.assertTrue(server.pushes[0].media.is_ended)

    def test_much_at_once_and_events_meanwhile(self):
        server = self.server(kind="tls", certificate=self.certificate, ahead_ms=100)
        with self.stage(server, cafile=self.authority.path).segment(fps=25, progress_ms=20) as s:
            for _ in range(30):
                s.push_video(MUCH)
        self.assertEqual(s.result.played_ms, 1200)
        self.assertTrue(all(d == MUCH.tobytes() for d in server.pushes[0].media.stream("video")[0]))

    def test_interrupted_while_it_blocks(self):
        server = self.server(kind="tls", certificate=self.certificate)
        server.reads = False
        with self.assertRaises(Interrupted):
            s = self.stage(server, cafile=self.authority.path).segment(fps=25).open()
            try:
                server.first()
                threading.Timer(0.2, lambda: server.pushes[0].interrupt()).start()
                while True:
                    s.push_video(MUCH)
            finally:
                s.close()

    def test_an_unknown_certificate_is_refused(self):
        server = self.server(kind="tls", certificate=self.certificate)
        with self.assertRaisesRegex(ConnectionError, f"connect to {server.address}: .*certificate verify failed"):
            self.stage(server).segment(**FORMAT).open()

    def test_another_name_is_refused(self):
        server = self.server(kind="tls", certificate=self.certificate)
        stage = Stage(server.address.replace("127.0.0.1", "localhost"), cafile=self.authority.path, encode=False)
        with self.assertRaisesRegex(ConnectionError, "certificate verify failed.*localhost"):
            stage.segment(**FORMAT).open()

    def test_it_is_no_tls(self):
        server = self.server()
        with self.assertRaisesRegex(ConnectionError, "cannot connect to tls://127.0.0.1"):
            Stage("tls://" + server.address, cafile=self.authority.path).segment(**FORMAT).open()
        server.problems.clear()


class Waiting(Case):
    def test_push_blocks_while_the_gateway_does_not_read(self):
        server = self.server()
        server.reads = False
        s = self.stage(server).segment(fps=25).open()
        pushed = []

        def push():
            for _ in range(FULL):
                s.push_video(MUCH)
                pushed.append(1)
            return s.close()
        join = self.in_thread(push)
        server.first()
        join.thread.join(1)
        self.assertTrue(join.thread.is_alive())
        self.assertLess(len(pushed), FULL)
        server.read(True)
        self.assertEqual(join().played_ms, FULL * 40)

    def test_it_reads_as_far_ahead_as_it_says(self):
        server = self.server(ahead_ms=400)
        server.allowed_ms = 0
        s = self.stage(server).segment(fps=25).open()
        join = self.in_thread(lambda: ([s.push_video(MUCH) for _ in range(FULL)], s.close())[1])
        server.wait(lambda pushes: pushes and pushes[0].media and pushes[0].media.ms >= 400)
        join.thread.join(0.5)
        self.assertTrue(join.thread.is_alive())
        self.assertLess(server.pushes[0].media.ms, 480)
        server.play(EVERYTHING)
        self.assertEqual(join().played_ms, FULL * 40)

    def test_wanted(self):
        server = self.server(ahead_ms=2000)
        server.allowed_ms = 0
        with self.stage(server).segment(**FORMAT) as s:
            self.assertEqual(s.wait_wanted(1000, WAIT_S), 2000)
            for frame, samples in made(35):
                s.push(frame, samples)
            server.wait(lambda pushes: pushes and pushes[0].media and pushes[0].media.ms == 1400)
            self.assertEqual(s.wanted_ms, 600)
            self.assertEqual(s.wait_wanted(601, 0.01), 600)
            server.play(400)
            self.assertEqual(s.wait_wanted(1000, WAIT_S), 1000)
            self.assertEqual(s.progress_ms, 400)
            server.play(EVERYTHING)

    def test_wanted_before_anything_was_pushed(self):
        """It connects first."""
        server = self.server(ahead_ms=2000)
        s = self.stage(server).segment(**FORMAT)
        self.assertEqual(s.wait_wanted(1000, WAIT_S), 2000)
        s.push(*next(made(1)))
        self.assertEqual(s.close().event, "finished")
        server = self.server(refuse=(464, "too many"))
        s = self.stage(server).segment(**FORMAT)
        with self.assertRaisesRegex(PushError, "too many"):
            s.wait_wanted(1000, WAIT_S)
        s.abort()

    def test_more_than_is_ever_wanted(self):
        """A model that makes many pictures at once, and one that is told nothing of its progress."""
        for progress_ms in (None, 0, 5000):
            server = self.server(ahead_ms=2000)
            with self.subTest(progress_ms), self.stage(server).segment(**FORMAT, progress_ms=progress_ms) as s:
                for _ in range(3):
                    self.assertGreaterEqual(s.wait_wanted(5120, WAIT_S), 1000)
                    for frame, samples in made(128):
                        s.push(frame, samples)

    def test_a_slow_model(self):
        """What it makes is played at once, so that the same is wanted again and again."""
        server = self.server(ahead_ms=1000)
        with self.stage(server).segment(**FORMAT, progress_ms=0) as s:
            for n, (frame, samples) in enumerate(made(60), 1):
                self.assertGreaterEqual(s.wait_wanted(500, WAIT_S), 500)
                s.push(frame, samples)
                server.wait(lambda pushes, n=n: pushes and pushes[0].played_ms == n * 40)

    def test_what_is_on_its_way_is_not_wanted_again(self):
        server = self.server(ahead_ms=1000)
        server.reads, server.allowed_ms = False, 0
        with self.stage(server).segment(**FORMAT) as s:
            s.wait_wanted(1000, WAIT_S)
            for frame, samples in made(10):
                s.push(frame, samples)
            server.pushes[0].send({"event": "want", "ms": 1000})        # before it has read them
            server.pushes[0].send_event("ready")
            self.assertTrue(any(e["event"] == "ready" for e in s.events))
            self.assertEqual(s.wanted_ms, 600)
            server.read(True)
            server.play(EVERYTHING)

    def test_waiting_for_the_end_can_end(self):
        server = self.server()
        server.allowed_ms = 0
        s = self.stage(server).segment(**FORMAT)
        s.push(*next(made(1)))
        with self.assertRaises(TimeoutError):
            s.close(timeout=0.2)
        self.assertTrue(s.is_over)


if __name__ == "__main__":
    unittest.main()
