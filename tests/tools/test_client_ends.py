#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How segments of the Python client end, and what it raises, against a stand-in for the gateway."""
import socket
import time
import unittest
from unittest import mock

import numpy as np

from push_server import EVERYTHING, WAIT_S
from client_case import Case, await_kept_alive, check_cut, client_threads, made
from digitalhuman import Interrupted, PushError, SegmentEnded, Stage, push_token

FORMAT = {"fps": 25, "sample_rate": 24000}
# Enough for every buffer between client and gateway to be full.
MUCH = np.zeros((1024, 1024, 3), np.uint8)
FULL = 60


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

    def test_interrupting_it(self):
        """Also one that waits, and while another thread pushes; others go on."""
        for allowed_ms in (80, 0):
            with self.subTest(allowed_ms):
                server = self.server()
                server.allowed_ms = allowed_ms
                stage = self.stage(server)
                other = stage.segment(**FORMAT).open()
                s = stage.segment(**FORMAT).open()
                join = self.in_thread(lambda s=s: [s.push(*piece) for piece in made(100000)])
                # the server may take the second one first
                server.wait(lambda p, s=s, ms=allowed_ms: any(x.segment == s.id and x.bytes and x.played_ms == ms for x in p))
                self.assertEqual((s.interrupt().event, s.result.played_ms), ("interrupted", allowed_ms))
                with self.assertRaises(Interrupted):
                    join()
                server.play(EVERYTHING)
                other.push(*next(made(1)))
                self.assertEqual(other.close().event, "finished")
                self.assertEqual(s.interrupt().event, "interrupted")    # it has ended
                self.assertEqual(server.interruptions, [{"segment": s.id}])

    def test_interrupting_it_as_it_ends(self):
        """The room does not know it any more; what it said of its end comes on another connection."""
        server = self.server()
        server.allowed_ms = 40
        stage = self.stage(server)
        s = stage.segment(**FORMAT).open()
        for piece in made(5):
            s.push(*piece)
        server.wait(lambda p: p and p[0].played_ms == 40)
        interrupt = stage.interrupt

        def late(**named):
            server.first().stop({"event": "skipped"})
            return interrupt(**named)
        with mock.patch.object(stage, "interrupt", late):
            self.assertEqual(s.interrupt().event, "skipped")
        self.assertEqual(server.interruptions, [])

    def test_a_limit_of_the_gateway_ends_it(self):
        """The error names it, also while it blocks, and the result says what was heard."""
        server = self.server()
        server.allowed_ms = 80
        s = self.stage(server).segment(**FORMAT).open()
        join = self.in_thread(lambda: [s.push(*piece) for piece in made(100000)])
        server.wait(lambda p: p and p[0].played_ms == 80)
        server.first().stop({"event": "failed", "error_code": 465, "error": "longer than 600000 ms"})
        with self.assertRaisesRegex(PushError, "^longer than 600000 ms \\(465\\)$") as caught:
            join()
        self.assertEqual((caught.exception.result.event, caught.exception.result.played_ms), ("failed", 80))
        s.abort()

    def test_it_ends_early_for_a_reason(self):
        """The exception says why, where the gateway did."""
        for end, text in (({"event": "interrupted", "reason": "priority"}, "interrupted \\(priority\\) after 0 ms"),
                          ({"event": "finished", "incomplete": True, "notes": [{"code": "cut_short", "text": "why"}]},
                           "finished after 0 ms: why")):
            with self.subTest(text):
                server = self.server()
                server.allowed_ms = 0
                s = self.stage(server).segment(**FORMAT).open()
                server.first().stop(end)
                with self.assertRaisesRegex(SegmentEnded, f"^{text}$"):
                    for piece in made(100000):
                        s.push(*piece)
                s.abort()

    def test_interrupting_takes_too_long(self):
        server = self.server()
        server.accepts.clear()
        s = self.stage(server, connect_timeout=0.2).segment(**FORMAT)
        s.push(*next(made(1)))
        with self.assertRaisesRegex(ConnectionError, "the segment was not accepted within 0.2 s"):
            s.interrupt()
        with self.assertRaisesRegex(ConnectionError, "cut by its own side"):
            s.push(*next(made(1)))

    def test_interrupting_some(self):
        server = self.server()
        server.allowed_ms = 0
        stage = self.stage(server)
        segments = [stage.segment(**FORMAT, segment=f"s{n}", utterance=f"u{n // 2}").open() for n in range(4)]
        for s in segments:
            s.push(*next(made(1)))
        server.wait(lambda p: len(p) == 4)
        self.assertEqual(stage.interrupt(segment="s3"), 1)
        self.assertEqual(stage.interrupt(utterance="u0"), 2)
        with self.assertRaisesRegex(PushError, "463"):
            stage.interrupt(segment="s3")
        for wrong in ({"segment": 3}, {"utterance": b"u"}):
            with self.assertRaisesRegex(TypeError, f"{next(iter(wrong))}: expected a string"):
                stage.interrupt(**wrong)
        self.assertEqual(server.interruptions, [{"segment": "s3"}, {"utterance": "u0"}])
        server.play(EVERYTHING)
        self.assertEqual([s.close().event for s in segments], ["interrupted"] * 2 + ["finished", "interrupted"])

    def test_an_exception_of_the_callers_cuts_it(self):
        server = self.server()
        with self.assertRaises(ZeroDivisionError):
            with self.stage(server).segment(**FORMAT) as s:
                for frame, samples in made(5):
                    s.push(frame, samples)
                server.wait(lambda p: p and p[0].media and p[0].media.ms == 200)
                1 / 0
        self.assertIsNone(s.result)
        check_cut(self, server.pushes[0])

    def test_cut_shows(self):
        """Also where abort() only follows."""
        server = self.server()
        s = self.stage(server).segment(**FORMAT)
        for frame, samples in made(5):
            s.push(frame, samples)
        server.wait(lambda p: p and p[0].media and p[0].media.ms == 200)
        s.cut()
        check_cut(self, server.first())
        s.abort()

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
                ("^pixel_format: expected one", ValueError, lambda: stage.segment(fps=25, pixel_format="nv12")),
                ("^sample_format: expected", ValueError, lambda: stage.segment(fps=25, sample_format="u8")),
                ("^encode: expected", ValueError, lambda: stage.segment(fps=25, encode="yes")),
                ("^room: expected", TypeError, lambda: Stage("x", room=1.5)),
                ("^secret: expected", TypeError, lambda: Stage("x", secret=b"demo")),
                ("^connect_timeout: expected", ValueError, lambda: Stage("x", connect_timeout=0)),
                ("^address: expected a string", TypeError, lambda: Stage(8189)),
                ("^address: 'a:b:c'", ValueError, lambda: Stage("a:b:c")),
                ("^address: 'x:99999'", ValueError, lambda: Stage("x:99999")),
                ("^address: no path", ValueError, lambda: Stage("unix:")),
                ("^words: expected rows", TypeError, lambda: stage.segment(fps=25, words=[5])),
                ("^captions: expected what JSON can say", TypeError,
                 lambda: stage.segment(fps=25, captions=[["Hello", np.float32(0), 320]])),
                ("^metadata: expected what JSON can say", TypeError,
                 lambda: stage.segment(fps=25, metadata={"n": np.int64(1)})),
                ("^preroll_ms: expected what JSON can say", TypeError,
                 lambda: stage.segment(fps=25, options={"preroll_ms": np.int64(1)})),
                ("^progress_ms: expected an integer", TypeError, lambda: stage.segment(fps=25, progress_ms="no")),
                ("^index: expected 0", ValueError, lambda: stage.segment(fps=25, index=-1)),
                *((f"^options: {name} ", ValueError, lambda name=name: stage.segment(fps=25, options={name: 1}))
                  for name in ("text", "progress_ms", "room", "token")),
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

    @unittest.skipUnless(hasattr(socket, "TCP_KEEPIDLE"), "this system has its own times")
    def test_nobody_is_there_any_more(self):
        """It is missed after a minute and a half."""
        server = self.server()
        with self.stage(server).segment(**FORMAT) as s:
            await_kept_alive(s._connection._sock.getsockname()[1], server.port)
            times = [s._connection._sock.getsockopt(socket.IPPROTO_TCP, name)
                     for name in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)]
            s.push(*next(made(1)))
        self.assertEqual(times, [30, 10, 6])

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
