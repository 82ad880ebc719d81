#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python client (clients/python) against a real Janus: what the stand-in of tests/tools/test_client.py
promises of the gateway is true."""
import asyncio
import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import numpy as np

from client_case import client_threads, made
from ffmpeg import ffmpeg
from janus_server import WAIT_S
from push_nginx import ThroughNginx, is_installed
from pushable import PushableServer
from pushing import ANY_TIME, Push
from request_case import RequestCase
from digitalhuman import AsyncStage, Interrupted, PushError, SegmentEnded, Stage

ROOT = os.environ["DH_ROOT"]
JCFG = """
general: { cache_folder = "" worker = "{prepare}" push_listen = "127.0.0.1:PORT" push_socket = "{folder}/push.sock" }
avatar-small: { width = 64 height = 64 idle = "{folder}/idle.avi" kbps = 200 }
room-closed: { id = 1 avatar = "small" secret = "demo" }
"""
FORMAT = {"fps": 25, "sample_rate": 24000}


class Model:
    def generate(self, text):
        return made(44)


class PythonCase(RequestCase):
    jcfg = JCFG

    @classmethod
    def setUpClass(cls):
        cls.begin(PushableServer(cls.jcfg))
        cls.address = f"127.0.0.1:{cls.janus.push_port}"

    def setUp(self):
        super().setUp()
        self.addCleanup(lambda: self.assertEqual(client_threads(), []))

    def stage(self, address=None, **options):
        stage = Stage(address or self.address, 1, "demo", **{"encode": False, **self.options(), **options})
        self.addCleanup(stage.close)
        return stage

    @classmethod
    def options(cls):
        return {}

    def encoding(self, **options):
        return self.stage(encode=True, dh_prepare=self.janus.prepare, **options)

    def interrupt(self):
        self.assertEqual(self.ask("interrupt", id=1, secret="demo").get("error"), None)


class PushPython(PythonCase):
    def test_the_five_lines(self):
        with open(os.path.join(ROOT, "docs/generators.md"), encoding="utf-8") as file:
            lines, = (b for b in re.findall(r"(?ms)^```python\n(.*?)^```", file.read()) if "digitalhuman import Stage" in b)
        out = io.StringIO()
        for name, value in self.options().items():
            lines = lines.replace('secret="demo")', f'secret="demo", {name}={value!r})')
        with contextlib.redirect_stdout(out):
            exec(lines.replace("127.0.0.1:8189", self.address), {"model": Model()})
        self.assertEqual(out.getvalue(), re.search(r"# (finished.*)\n", lines)[1] + "\n")

    def test_raw_and_prepared(self):
        for stage in (self.stage(), self.stage(f"unix:{self.janus.path('push.sock')}"), self.encoding()):
            for fps in (25, 1000 / 33):
                with stage.segment(fps=fps, sample_rate=24000, text="Hello", segment=f"s-{time.monotonic()}") as s:
                    for frame, _ in made(40):
                        s.push(frame, np.zeros(round(24000 / fps), np.float32))
                self.assertEqual((s.result.event, s.result.played_ms, s.result.incomplete),
                                 ("finished", round(40000 / fps), False))
                kinds = [e["event"] for e in s.events if e["event"] not in ANY_TIME]
                self.assertEqual(kinds, ["queued", "ready", "started", "finished"])
                self.assertEqual(s.progress_ms, round(40000 / fps))

    def test_interrupted_while_it_pushes(self):
        for stage in (self.stage(), self.encoding()):
            begun, raised = threading.Event(), []
            threading.Thread(target=lambda begun=begun: begun.wait(WAIT_S) and self.interrupt()).start()
            segment = stage.segment(**FORMAT, text="Hello there, " * 100,
                                    on_event=lambda e, b=begun: e["event"] == "progress" and b.set())
            with segment as s:
                try:
                    for frame, samples in made(10000):
                        s.push(frame, samples)
                except Interrupted as error:
                    raised.append(error)
                    raise
            self.assertEqual(s.result.event, "interrupted")
            self.assertGreaterEqual(raised[0].played_ms, 0)
            self.assertLess(raised[0].played_ms, 60000)

    def test_what_was_heard(self):
        with self.stage().segment(**FORMAT, text="Hello there", words=[["Hello", 0, 300], ["there", 400, 700]]) as s:
            for frame, samples in made(25):
                s.push(frame, samples)
        self.assertEqual(s.result.heard_text, "Hello there")

    def test_markers_come_where_they_belong(self):
        """Something else plays until all of it is there, so that it need not wait for its media once it plays."""
        observer = self.attach()
        observer.request({"request": "observe", "id": 1, "secret": "demo", "captions": True})
        stage = self.stage()
        before = Push(("127.0.0.1", self.janus.push_port), {"room": 1, "repeat": 1000}, "demo")
        self.addCleanup(before.close)
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            ffmpeg("-f", "lavfi", "-i", "sine=440:d=1", file.name)
            before.send(file.read())
        before.end()
        before.event("started")
        skip = lambda e: e["event"] == "segment_prepared" and self.ask("skip", id=1, secret="demo")
        with stage.segment(**FORMAT, markers=[[100, "with it"]], on_event=skip) as s:
            for number, (frame, samples) in enumerate(made(45)):
                s.push(frame, samples)
                if number == 39:
                    s.mark({"slide": 2})
        stage.mark("of the room")
        observer.events.wait(lambda event: event.get("data") == "of the room")
        begun = observer.events.wait(lambda event: event.get("event") == "started" and event["segment"] == s.id)["media_ms"]
        marks = [(e["media_ms"] - begun, e["data"], e.get("segment")) for e in observer.events.data() if e.get("event") == "marker"]
        self.assertEqual(marks[:2], [(100, "with it", s.id), (1600, {"slide": 2}, s.id)])
        self.assertEqual(marks[2][1:], ("of the room", None))

    def test_it_reads_as_far_ahead_as_it_says(self):
        """A model that makes ten seconds at once is held, and what it made is played."""
        with self.stage().segment(**FORMAT) as s:
            self.assertGreaterEqual(s.wait_wanted(1000, WAIT_S), 1000)
            for frame, samples in made(100):
                s.push(frame, samples)
        self.assertEqual((s.result.event, s.result.played_ms), ("finished", 4000))

    def test_pacing_by_want(self):
        with self.stage().segment(**FORMAT) as s:
            most = 0
            for frame, samples in made(100):
                s.wait_wanted(40, WAIT_S)
                s.push(frame, samples)
                most = max(most, s._muxer.media_ms - s.progress_ms)
        self.assertEqual(s.result.played_ms, 4000)
        self.assertLessEqual(most, 2600)

    def test_only_sound_only_pictures(self):
        with self.stage().segment(sample_rate=16000) as s:
            s.push_audio(np.zeros(16000, np.int16))
        with self.stage().segment(fps=25) as t:
            for frame, _ in made(25):
                t.push_video(frame)
        self.assertEqual((s.result.event, s.result.played_ms, t.result.event, t.result.played_ms),
                         ("finished", 1000, "finished", 1000))

    def test_refusals_and_failures(self):
        with self.assertRaises(PushError) as caught:
            with Stage(self.address, 1, "wrong", encode=False, **self.options()).segment(**FORMAT) as s:
                for frame, samples in made(10000):
                    s.push(frame, samples)
        self.assertEqual(caught.exception.code, 457)
        with self.assertRaises(PushError) as caught:
            with Stage(self.address, 9, encode=False, **self.options()).segment(**FORMAT):
                pass
        self.assertEqual(caught.exception.code, 455)
        with self.assertRaises(PushError) as caught:        # nothing in it
            with self.stage().segment(**FORMAT):
                pass
        self.assertEqual(caught.exception.result.event, "failed")

    def test_an_exception_of_the_callers_cuts_it(self):
        observer = self.attach()
        observer.request({"request": "observe", "id": 1, "secret": "demo"})
        with self.assertRaises(ZeroDivisionError):
            with self.stage().segment(**FORMAT, segment="cut") as s:
                for frame, samples in made(20):
                    s.push(frame, samples)
                for event in s.events:
                    if event["event"] == "started":
                        break
                1 / 0
        end = observer.events.wait(lambda e: e.get("segment") == "cut" and e.get("event") in
                                   ("finished", "interrupted", "failed", "skipped", "removed"))
        self.assertLessEqual(end["played_ms"], 800)
        self.assertTrue(end["incomplete"], end)

    def test_removed(self):
        stage = self.stage()
        with stage.segment(**FORMAT) as playing:
            for frame, samples in made(30):
                playing.push(frame, samples)
            with self.assertRaises(SegmentEnded) as caught:
                s = stage.segment(**FORMAT, segment="gone").open()
                for frame, samples in made(5):
                    s.push(frame, samples)
                next(e for e in s.events if e["event"] == "queued")
                self.ask("remove", id=1, segment="gone", secret="demo")
                for frame, samples in made(10000):
                    s.push(frame, samples)
            self.assertEqual(caught.exception.result.event, "removed")
            s.close()
        self.assertEqual(playing.result.event, "finished")

    def test_the_examples(self):
        for name in ("wav2lip_batch.py", "musetalk_stream.py", "answer_overlap.py"):
            with self.subTest(name):
                arguments = [f"--{option}={value}" for option, value in
                             (("gateway", f"unix:{self.janus.path('push.sock')}"), ("secret", "demo"), ("size", 128))]
                done = subprocess.run(
                    [sys.executable, "-B", os.path.join(ROOT, "examples/python", name), *arguments, "Hello."],
                    env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "clients/python")}, capture_output=True,
                    text=True, timeout=200)
                self.assertEqual(done.stderr, "")
                self.assertRegex(done.stdout, r"\Afinished, played_ms=[1-9]")

    def test_asyncio_and_pieces(self):
        async def main():
            stage = AsyncStage(self.address, 1, "demo", encode=False, **FORMAT, **self.options())
            async with stage.segment() as s:
                for frame, samples in made(10):
                    await s.push(frame, samples)
            frames, sounds = map(list, zip(*made(10)))
            pieces = [stage.push_av_segment(n, frames, np.concatenate(sounds), last=n == 3) for n in range(4)]
            results = await asyncio.gather(*pieces)
            await stage.close()
            return [s.result, *results]
        self.assertEqual([(r.event, r.played_ms) for r in asyncio.run(main())], [("finished", 400)] * 5)


    def test_a_piece_that_is_interrupted_alone(self):
        """By its id; so are the others of its utterance, which the room has already."""
        for stage in (self.stage(**FORMAT), self.encoding(**FORMAT)):
            plays, (frames, sounds) = threading.Event(), zip(*made(100))
            events = {"on_event": lambda e, p=plays: e["event"] == "progress" and p.set()}
            name = f"u-{time.monotonic()}"
            futures = [stage.push_av_segment(n, frames, np.concatenate(sounds), utterance=name, segment=f"{name}-{n}",
                                             last=n == 5, **(events if n == 0 else {})) for n in range(6)]
            self.assertTrue(plays.wait(WAIT_S))
            stage.interrupt(segment=f"{name}-0")
            results = [future.result(WAIT_S) for future in futures]
            self.assertEqual(results[0].event, "interrupted")
            self.assertLess(results[0].played_ms, 4000)
            for result in results[1:]:
                self.assertIn((result.event, result.reason), [("interrupted", None), ("removed", "cut")])
                self.assertLess(result.played_ms, 4000)     # what had its turn meanwhile


class FarAhead(PythonCase):
    """The room reads all of it at once."""
    jcfg = JCFG.replace("general: {", "general: { ahead_ms = 60000")

    def test_interrupting_from_here(self):
        """What the room has read ahead is not played."""
        for stage in (self.stage(), self.encoding()):
            plays = threading.Event()
            with stage.segment(**FORMAT, on_event=lambda e, p=plays: e["event"] == "progress" and p.set()) as s:
                for frame, samples in made(500):
                    s.push(frame, samples)
                self.assertTrue(plays.wait(WAIT_S))
                self.assertEqual(stage.interrupt(), 1)
                now_ms = self.ask("stats", id=1, secret="demo")["media_ms"]
                self.assertEqual(s.close().event, "interrupted")
            self.assertIsNone(s.result.reason)
            self.assertLess(s.result.played_ms, 20000)
            ended = self.ask("progress", id=1, secret="demo", segment=s.result.segment)["media_ms"]["ended"]
            self.assertLessEqual(ended, now_ms + 40)


class Tls(ThroughNginx):
    """The same through TLS, which nginx ends as conf/nginx-push.conf.sample has it."""

    @classmethod
    def options(cls):
        return {"cafile": cls.authority.path}


@unittest.skipUnless(is_installed(), "nginx's stream module is not installed")
class ThroughTls(Tls, PushPython):
    pass


@unittest.skipUnless(is_installed(), "nginx's stream module is not installed")
class FarAheadThroughTls(Tls, FarAhead):
    pass


if __name__ == "__main__":
    unittest.main()
