#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python client against a stand-in for the gateway: what is sent, how it waits, how it ends, and that
nothing is left of it."""
import os
import socket
import tempfile
import threading
import time
import unittest

import numpy as np

from push_server import EVERYTHING, WAIT_S
from client_case import Case, certificate, client_threads, made
from digitalhuman import Interrupted, PushError, Result, SegmentEnded, Stage, push_token

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
                           last=True) as s:
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
                                "utterance": "u", "index": 2, "last": True})
        frames, sounds = zip(*made())
        self.assertEqual(push.media.stream("video")[0], [f.tobytes() for f in frames])
        self.assertEqual(b"".join(push.media.stream("audio")[0]), b"".join(s.tobytes() for s in sounds))
        self.assertTrue(push.media.is_ended)
        kinds = [e["event"] for e in s.events]
        self.assertEqual((kinds[0], kinds[-1], kinds.count("finished")), ("queued", "finished", 1))

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
        self.assertEqual([len(p.media.streams) for p in server.pushes], [1, 1])

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

    def test_on_event_is_called_and_may_fail(self):
        server, seen = self.server(), []

        def on_event(event):
            seen.append(event["event"])
            raise RuntimeError("mine")
        with self.assertLogs("digitalhuman", "ERROR"):
            with self.stage(server).segment(**FORMAT, on_event=on_event) as s:
                s.push(*next(made(1)))
        self.assertEqual((seen[0], seen[-1]), ("queued", "finished"))

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
        cls.pem = certificate(folder.name)

    def test_a_segment(self):
        server = self.server(kind="tls", certificate=self.pem, secret="demo")
        with self.stage(server, cafile=self.pem).segment(**FORMAT) as s:
            for frame, samples in made(50):
                s.push(frame, samples)
        self.assertEqual((s.result.event, s.result.played_ms), ("finished", 2000))
        self.assertTrue(server.pushes[0].media.is_ended)

    def test_much_at_once_and_events_meanwhile(self):
        server = self.server(kind="tls", certificate=self.pem, ahead_ms=100)
        with self.stage(server, cafile=self.pem).segment(fps=25, progress_ms=20) as s:
            for _ in range(30):
                s.push_video(MUCH)
        self.assertEqual(s.result.played_ms, 1200)
        self.assertTrue(all(d == MUCH.tobytes() for d in server.pushes[0].media.stream("video")[0]))

    def test_interrupted_while_it_blocks(self):
        server = self.server(kind="tls", certificate=self.pem)
        server.reads = False
        with self.assertRaises(Interrupted):
            s = self.stage(server, cafile=self.pem).segment(fps=25).open()
            try:
                server.first()
                threading.Timer(0.2, lambda: server.pushes[0].interrupt()).start()
                while True:
                    s.push_video(MUCH)
            finally:
                s.close()

    def test_an_unknown_certificate_is_refused(self):
        server = self.server(kind="tls", certificate=self.pem)
        with self.assertRaisesRegex(ConnectionError, f"cannot connect to {server.address}: .*certificate verify failed"):
            self.stage(server).segment(**FORMAT).open()

    def test_another_name_is_refused(self):
        server = self.server(kind="tls", certificate=self.pem)
        stage = Stage(server.address.replace("127.0.0.1", "localhost"), cafile=self.pem, encode=False)
        with self.assertRaisesRegex(ConnectionError, "certificate verify failed.*localhost"):
            stage.segment(**FORMAT).open()

    def test_it_is_no_tls(self):
        server = self.server()
        with self.assertRaisesRegex(ConnectionError, "cannot connect to tls://127.0.0.1"):
            Stage("tls://" + server.address, cafile=self.pem).segment(**FORMAT).open()
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
        server = self.server(ahead_ms=1000)
        server.allowed_ms = 0
        with self.stage(server).segment(**FORMAT) as s:
            self.assertEqual(s.wait_wanted(1000, WAIT_S), 1000)
            for frame, samples in made(10):
                s.push(frame, samples)
            server.wait(lambda pushes: pushes[0].media and pushes[0].media.ms == 400)
            self.assertEqual(s.wanted_ms, 600)
            self.assertEqual(s.wait_wanted(601, 0.01), 600)
            server.play(400)
            self.assertEqual(s.wait_wanted(1000, WAIT_S), 1000)
            self.assertEqual(s.progress_ms, 400)
            server.play(EVERYTHING)

    def test_waiting_for_the_end_can_end(self):
        server = self.server()
        server.allowed_ms = 0
        s = self.stage(server).segment(**FORMAT)
        s.push(*next(made(1)))
        with self.assertRaises(TimeoutError):
            s.close(timeout=0.2)
        self.assertTrue(s.is_over)


class Ending(Case):
    def interrupt_while(self, blocked):
        """The time from the line's arrival to the exception."""
        server = self.server()
        server.reads = not blocked
        told, raised = [], []
        stage = self.stage(server)
        segment = stage.segment(**FORMAT, text="Hello there",
                                on_event=lambda e: e["event"] == "interrupted" and told.append(time.monotonic()))

        def push():
            with segment as s:
                try:
                    while True:
                        s.push(MUCH if blocked else MUCH[:SMALL, :SMALL], np.zeros(960, np.float32))
                except Interrupted as error:
                    raised.append((time.monotonic(), error))
                    raise
        SMALL = 64
        join = self.in_thread(push)
        server.first()
        join.thread.join(0.3)
        server.pushes[0].interrupt()
        join()
        at, error = raised[0]
        self.assertEqual(segment.result.event, "interrupted")
        self.assertIs(error.result, segment.result)
        self.assertEqual(error.played_ms, segment.result.played_ms)
        self.assertIsNotNone(error.heard_text)
        return abs(at - told[0])

    def test_interrupted_while_it_blocks(self):
        self.interrupt_while(True)

    def test_interrupted_while_it_makes(self):
        self.interrupt_while(False)

    def test_the_block_ends_quietly_and_the_model_stops(self):
        server = self.server()
        made_frames = []

        def model():
            for n, media in enumerate(made(1000)):
                made_frames.append(n)
                if n == 5:
                    server.wait(lambda p: p and p[0].media and p[0].media.ms >= 200)
                    server.pushes[0].interrupt()
                    server.pushes[0].over.wait(WAIT_S)
                    while "digitalhuman-reader" in client_threads():
                        time.sleep(0.001)
                yield media
        with self.stage(server).segment(**FORMAT, text="Hello") as s:
            for frame, samples in model():
                s.push(frame, samples)
        self.assertEqual((s.result.event, s.result.played_ms), ("interrupted", 200))
        self.assertEqual(len(made_frames), 6)
        with self.assertRaises(Interrupted):
            s.push(frame, samples)

    def test_other_ends(self):
        for event, error in (("skipped", SegmentEnded), ("removed", SegmentEnded), ("finished", SegmentEnded),
                             ("failed", PushError)):
            with self.subTest(event):
                server = self.server()
                s = self.stage(server).segment(**FORMAT).open()
                server.first().stop({"event": event, "error_code": 465, "error": "why"})
                with self.assertRaises(error):
                    for frame, samples in made(100000):
                        s.push(frame, samples)
                if event == "failed":
                    with self.assertRaisesRegex(PushError, "^why \\(465\\)$"):
                        s.close()
                else:
                    self.assertEqual(s.close().event, event)

    def test_ended_while_its_end_is_waited_for(self):
        server = self.server()
        server.allowed_ms = 80
        s = self.stage(server).segment(**FORMAT).open()
        for frame, samples in made(10):
            s.push(frame, samples)
        join = self.in_thread(s.close)
        server.wait(lambda p: p and p[0].played_ms == 80)
        server.pushes[0].interrupt()
        self.assertEqual((join().event, s.result.played_ms), ("interrupted", 80))

    def test_an_exception_of_the_callers_cuts_it(self):
        server = self.server()
        with self.assertRaises(ZeroDivisionError):
            with self.stage(server).segment(**FORMAT) as s:
                for frame, samples in made(5):
                    s.push(frame, samples)
                server.wait(lambda p: p and p[0].media and p[0].media.ms == 200)
                1 / 0
        self.assertIsNone(s.result)
        self.assertTrue(server.pushes[0].over.wait(WAIT_S))
        self.assertFalse(server.pushes[0].media.is_ended)
        self.assertTrue(server.pushes[0].media.is_cut, "in the middle of the container")

    def test_the_end_of_another_segment_is_an_exception_like_others(self):
        server = self.server()
        stage = self.stage(server)
        with self.assertRaises(Interrupted):
            with stage.segment(**FORMAT):
                other = stage.segment(**FORMAT, segment="other").open()
                server.wait(lambda p: [push for push in p if push.segment == "other"])[-1]
                next(p for p in server.pushes if p.segment == "other").interrupt()
                for frame, samples in made(100000):
                    other.push(frame, samples)
        other.close()

    def test_abort_from_another_thread(self):
        server = self.server()
        server.reads = False
        s = self.stage(server).segment(fps=25).open()
        join = self.in_thread(lambda: [s.push_video(MUCH) for _ in range(FULL)])
        join.thread.join(0.2)
        s.abort()
        with self.assertRaisesRegex(ConnectionError, "cut by its own side"):
            join()
        s.abort()
        with self.assertRaises(ConnectionError):
            s.close()


class Refusals(Case):
    def refused(self, server, stage, code, words):
        with self.assertRaisesRegex(PushError, words) as caught:
            with stage.segment(fps=25) as s:
                for _ in range(FULL):
                    s.push_video(MUCH)
        self.assertEqual(caught.exception.code, code)
        self.assertIsNone(s.result)
        self.assertEqual(server.pushes, [])

    def test_the_line_is_refused(self):
        server = self.server(secret="demo")
        for secret in ("wrong", None):
            self.refused(server, Stage(server.address, 1, secret, encode=False), 457, "Unauthorized")
        self.refused(server, Stage(server.address, 7, "demo", encode=False), 455, "No such room")
        server = self.server(refuse=(464, "max_pushes_per_room is 16"))
        self.refused(server, self.stage(server), 464, "max_pushes_per_room")

    def test_a_token_is_used_once_and_ends(self):
        server = self.server(secret="demo")
        stage = self.stage(server)
        token = push_token("demo", 1)
        stage.token_fields = lambda: {"token": token}
        for _ in range(2):
            s = stage.segment(**FORMAT)
            try:
                with s:
                    s.push(*next(made(1)))
            except PushError as error:
                self.assertEqual(error.code, 457)
        self.assertEqual(len(server.pushes), 1)
        stage.token_fields = lambda: {"token": push_token("demo", 1, -1)}
        with self.assertRaises(PushError):
            with stage.segment(**FORMAT) as s:
                s.push(*next(made(1)))

    def test_too_long_a_line_is_not_sent(self):
        server = self.server()
        with self.assertRaisesRegex(ValueError, "text, words and metadata: .* at most 65536"):
            self.stage(server).segment(**FORMAT, text="x" * 70000).open()

    def test_wrong_arguments_are_named(self):
        stage = Stage("gateway:8189")
        for words, error, call in (
                ("^fps, sample_rate: expected one", ValueError, lambda: stage.segment()),
                ("^fps: expected", ValueError, lambda: stage.segment(fps=0)),
                ("^sample_rate: expected 4000", ValueError, lambda: stage.segment(sample_rate=1)),
                ("^sample_rate: expected an integer", TypeError, lambda: stage.segment(sample_rate=24e3)),
                ("^channels: expected 1 to 16", ValueError, lambda: stage.segment(sample_rate=24000, channels=0)),
                ("^size: expected", TypeError, lambda: stage.segment(fps=25, size=512)),
                ("^size: width: expected", ValueError, lambda: stage.segment(fps=25, size=(0, 512))),
                ("^pixel_format: expected one of bgr24", ValueError, lambda: stage.segment(fps=25, pixel_format="bgra")),
                ("^sample_format: expected", ValueError, lambda: stage.segment(fps=25, sample_format="u8")),
                ("^encode: expected", ValueError, lambda: stage.segment(fps=25, encode="yes")),
                ("^room: expected", TypeError, lambda: Stage("x", room=1.5)),
                ("^secret: expected", TypeError, lambda: Stage("x", secret=b"demo")),
                ("^connect_timeout: expected", ValueError, lambda: Stage("x", connect_timeout=0)),
                ("^address: expected a string", TypeError, lambda: Stage(8189)),
                ("^address: 'a:b:c'", ValueError, lambda: Stage("a:b:c")),
                ("^address: 'x:99999'", ValueError, lambda: Stage("x:99999")),
                ("^address: no path", ValueError, lambda: Stage("unix:")),
                ("^index: expected an integer", TypeError, lambda: stage.push_av_segment("0", None, None))):
            with self.subTest(words), self.assertRaisesRegex(error, words):
                call()

    def test_addresses(self):
        for text, address in (("gateway", ("tcp", "gateway", 8189)), ("gateway:1", ("tcp", "gateway", 1)),
                              ("tls://gateway", ("tls", "gateway", 8190)), ("tls://[::1]:5", ("tls", "::1", 5)),
                              ("[::1]", ("tcp", "::1", 8189)), ("unix:/run/x", ("unix", "/run/x", 0)),
                              ("tcp://h:9", ("tcp", "h", 9))):
            self.assertEqual(Stage(text).address[:3], address)


class Broken(Case):
    def test_nobody_listens(self):
        server = self.server()
        server.stop_listening()
        for where in (server.address, "unix:/nonexistent/push.sock"):
            with self.assertRaisesRegex(ConnectionError, f"^cannot connect to {where}: "):
                Stage(where, encode=False).segment(**FORMAT).open()

    def test_it_does_not_answer(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            where = "127.0.0.1:%d" % listener.getsockname()[1]
            with self.assertRaisesRegex(ConnectionError, f"{where}: no answer in time"):
                Stage(where, connect_timeout=0.1).info()
            with self.assertRaisesRegex(ConnectionError, f"cannot connect to tls://{where}: no answer within 0.1 s"):
                Stage("tls://" + where, connect_timeout=0.1).segment(**FORMAT).open()

    def test_it_breaks_off(self):
        server = self.server()
        s = self.stage(server).segment(**FORMAT).open()
        server.first()
        server.pushes[0].stop(None)
        with self.assertRaisesRegex(ConnectionError, f"^{server.address}: the connection "):
            for frame, samples in made(100000):
                s.push(frame, samples)
        with self.assertRaises(ConnectionError):
            s.close()

    def test_it_breaks_off_while_it_blocks(self):
        server = self.server()
        server.reads = False
        s = self.stage(server).segment(fps=25).open()
        join = self.in_thread(lambda: [s.push_video(MUCH) for _ in range(FULL)])
        server.first()
        join.thread.join(0.2)
        server.pushes[0].stop(None)
        with self.assertRaisesRegex(ConnectionError, f"^{server.address}: the connection "):
            join()
        s.abort()

    def test_it_breaks_off_before_the_last_line(self):
        server = self.server()
        server.allowed_ms = 0
        s = self.stage(server).segment(**FORMAT)
        s.push(*next(made(1)))
        join = self.in_thread(s.close)
        server.first()
        server.pushes[0].stop(None)
        with self.assertRaisesRegex(ConnectionError, "connection"):
            join()

    def test_it_is_no_gateway(self):
        for answer in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"[]\n", b"{\"event\":\"want\"}\n", b"x" * (2 << 20),
                       b"{\"error_code\":{}}\n", b"\xff\n"):
            with self.subTest(answer[:20]), socket.socket() as listener:
                listener.bind(("127.0.0.1", 0))
                listener.listen(1)
                where = "127.0.0.1:%d" % listener.getsockname()[1]

                def serve():
                    sock, _ = listener.accept()
                    with sock:
                        try:
                            sock.sendall(answer)
                            while sock.recv(65536):
                                pass
                        except OSError:
                            pass
                join = self.in_thread(serve)
                with self.assertRaisesRegex(ConnectionError, where):
                    with Stage(where, encode=False).segment(fps=25) as s:
                        for _ in range(FULL):
                            s.push_video(MUCH)
                join()


if __name__ == "__main__":
    unittest.main()
