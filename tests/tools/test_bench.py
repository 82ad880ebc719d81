#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the benchmarks judge what they measure: with gateways, speakers and programs that do what a test wants."""
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import math
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import types
import unittest
from unittest import mock

import numpy as np

ROOT = os.environ["DH_ROOT"]
sys.path.insert(0, os.path.join(ROOT, "bench"))

import audience
import bad_pushes
import echo_room
import echoes
import equal
import hours
import isolation
import lag
import later
import live
import marks
import packets
import play
import pushes
import rtp
import services
import soaking
import versus
import voices


def load(name):
    """A program of bench/, whose name has no ending, as a module."""
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(ROOT, "bench", name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


class Case(unittest.TestCase):
    def patch(self, where, name, value):
        self.enterContext(mock.patch.object(where, name, value))

    def quietly(self):
        return self.enterContext(contextlib.redirect_stdout(io.StringIO()))


class Window(Case):
    """bench/load counts and judges what comes while it measures, not while its viewers leave one after another."""

    def test_what_comes_behind_it(self):
        program, out = load("load"), os.path.join(self.enterContext(tempfile.TemporaryDirectory()), "load.json")

        class Gateway:
            def __init__(self, *_):
                self.viewers = []

            def watch_many(self, count, _, mode):
                self.viewers += [types.SimpleNamespace(mode=mode) for _ in range(count)]
                return self.viewers

            def __enter__(self):
                return self

            def __exit__(self, *_):
                """A packet each 20 ms until now; then, late and with one missing, those of ten seconds."""
                now = time.time()
                for viewer in self.viewers:
                    for kind in ("video", "audio"):
                        stream = rtp.Stream(kind, 1, 96)
                        for n in range(-500, 500):
                            late = 0.5 if n > 0 else -0.001
                            stream.add(rtp.Packet(now + n / 50 + late, n + 1000 + (n > 10), (n + 1000) * stream.clock // 50, True,
                                                  100, None))
                        stream.reports = [rtp.Report(now + n, now + n, (n * 50 + 1000) * stream.clock // 50, 0) for n in (-3, 1, 2)]
                        setattr(viewer, kind, stream)

        self.patch(program, "Gateway", Gateway)
        self.patch(sys, "argv", ["load", "ws://x", "x", "{}", "-n", "2", "-d", "1", "--settle", "0", "-o", out])
        self.quietly()
        program.main()
        with open(out, encoding="utf-8") as file:
            found = {figure["what"]: figure["statistics"] for figure in json.load(file)["figures"]}
        self.assertLess(found["lateness of video"]["max"], 1)
        self.assertLess(found["lateness of audio"]["max"], 1)
        self.assertEqual(found["packets lost"]["max"], 0)
        # both media; what is lost at the window's edges is a packet or two
        self.assertAlmostEqual(found["packets per viewer and second"]["max"], 100, delta=8)
        self.assertEqual(found["sender reports' skew"], {})

    def test_a_stream_s_window(self):
        stream = rtp.Stream("audio", 1, 96)
        for n, seq in enumerate((1, 3, 4, 4, 5, 7)):
            stream.add(rtp.Packet(10 + n, seq, 960 * n, False, 100, None))
        self.assertEqual(stream.missing(), (2, 1, 0))
        self.assertEqual(stream.missing(11, 15), (0, 1, 0))
        self.assertEqual(list(rtp.Line(stream, 11, 15).arrival), [11, 12, 13, 14])


def not_met(figures):
    return [figure.what for figure in figures if figure.met() is False]


class Versus(Case):
    """`versus` judges the processor time as it is and for each packet, with equal pictures, idle, and how late pictures are; and says
    what it has not measured."""
    USED = {versus.OURS: 6.9, versus.SIXTY: 4.9, versus.UNSPREAD: 6, versus.RELAY: 10, versus.KEYED: 10}

    def figures(self, viewers=100, later_janus=("/janus", "1.4.1"), **changed):
        """Of rounds in which all limits are met, but for what is `changed`: {"off" or "two" or "idle": {peer: {what: value}}}."""
        self.patch(versus, "later", lambda: later_janus)
        results = {}
        for case, short in ((("off", True), "off"), (("two event loops", True), "two"), (("off", False), "idle")):
            for name, used in self.USED.items():
                value = {"used": 4.9 if short == "idle" and name == versus.OURS else used, "lost": 0, "packets": 100,
                         "late": 1.9 if name == versus.OURS else 10}
                results[case, name] = [{**value, **changed.get(short, {}).get(name, {})}] * 3
        return versus.figures(results, [1000] * 3, "3 rounds", viewers, "")

    def test_all_is_met(self):
        found = self.figures()
        self.assertEqual(not_met(found), [])
        self.assertEqual([f.what for f in found if f.unjudged], [])

    def test_processor_time(self):
        for short, most in (("off", 7), ("two", 7.5)):
            found = not_met(self.figures(**{short: {versus.OURS: {"used": most + 0.1}}}))
            self.assertEqual(len(found), 2, "as it is, and for each packet")
            fewer = not_met(self.figures(**{short: {versus.OURS: {"used": most - 0.1, "packets": 95}}}))
            self.assertEqual([what.startswith("the same for each packet") for what in fewer], [True])
            self.assertEqual(not_met(self.figures(**{short: {versus.OURS: {"used": most + 0.1, "packets": 110}}})), found[:1])

    def test_equal_pictures(self):
        for short, most in (("off", 5), ("two", 5.5)):
            found = not_met(self.figures(**{short: {versus.SIXTY: {"used": most + 0.1}}}))
            self.assertEqual([("60 ms" in what, "equal pictures" in what) for what in found], [(True, True)])
            # not by what relays the room's own packets
            self.assertEqual(not_met(self.figures(**{short: {versus.KEYED: {"used": 8.8}}})), found)

    def test_idle(self):
        self.assertEqual(len(not_met(self.figures(idle={versus.OURS: {"used": 5.1}}))), 1)

    def test_lateness(self):
        for viewers, late, met in ((100, 2.1, False), (200, 2.1, True), (200, 3.1, False), (50, 2.1, False)):
            found = not_met(self.figures(viewers, off={versus.OURS: {"late": late}}))
            self.assertEqual(found, [] if met else [f"lateness p99 of pictures of {viewers} viewers, off, as a share of Streaming's"])

    def test_lost_packets(self):
        self.assertEqual(not_met(self.figures(two={versus.OURS: {"lost": 1}})), ["packets lost, this plugin"])

    def test_no_later_janus(self):
        found = [f for f in self.figures(later_janus=(None, "there is none")) if f.unjudged]
        self.assertEqual([(f.row()[-1], f.met()) for f in found], [("NOT JUDGED", None)])
        self.assertIn("there is none", "\n".join(versus.verdicts(found)))

    def test_the_page_says_what_is_not_met(self):
        text = "\n".join(versus.verdicts(self.figures(off={versus.OURS: {"used": 7.1}})))
        self.assertEqual(text.count("NOT MET"), 2)
        self.assertGreater(text.count("| met |"), 5)


class Later(Case):
    """Which Janus is compared besides, and why none is."""

    def later(self, version, builder="exit 1", named=True):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        os.mkdir(os.path.join(folder, "bin"))
        for path, text in (("bin/janus", f"echo 'Janus version: 1401 ({version})'"), ("builder", builder)):
            with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\n{text}\n")
            os.chmod(os.path.join(folder, path), 0o755)
        self.patch(later, "BUILDER", os.path.join(folder, "builder"))
        self.patch(later.janus_server, "program", lambda: os.path.join(folder, "bin/janus") if version == "1.1.2" else "/bin/true")
        with mock.patch.dict(os.environ, {"JANUS_14": folder} if named else {}):
            if not named:
                os.environ.pop("JANUS_14", None)
            self.told = io.StringIO()
            with contextlib.redirect_stderr(self.told):
                return folder, later.later.__wrapped__()

    def test_named(self):
        folder, found = self.later("1.4.1")
        self.assertEqual(found, (folder, "1.4.1"))

    def test_built(self):
        folder, found = self.later("1.4.1", 'dirname "$0"', named=False)
        self.assertEqual(found, (folder, "1.4.1"))

    def test_none(self):
        self.assertIsNone(self.later("1.4.1", named=False)[1][0])
        self.assertIn("not measured", self.told.getvalue())

    def test_the_same(self):
        self.assertIsNone(self.later("1.1.2")[1][0])
        self.assertIn("not measured", self.told.getvalue())


class Equal(Case):
    """The bit rate of equal pictures."""

    def test_it_never_flatters_the_room(self):
        curve = lambda kbps: 1 - 30 / (kbps + 100)
        for wanted in (0.9, 0.95, 0.98):
            found = equal.search(wanted, curve)
            self.assertLessEqual(curve(found), wanted)
            self.assertGreater(curve(found * equal.STEP ** 2), wanted)

    def test_out_of_reach(self):
        for wanted in (0.5, 0.999):
            with self.assertRaisesRegex(RuntimeError, "is not between"):
                equal.search(wanted, lambda kbps: 1 - 30 / (kbps + 100))

    def test_it_is_made_once(self):
        folder, made = self.enterContext(tempfile.TemporaryDirectory()), []

        class Material:
            def path(self, name):
                return os.path.join(folder, name)

            def make(self, name, write):
                if not os.path.exists(self.path(name)):
                    write(self.path(name))
                return self.path(name)

        def write_equal(path, *_):
            with open(path, "w", encoding="utf-8"):
                made.append(path)
            return {"room": {"ssim": 0.9}}

        self.patch(equal, "write_equal", write_equal)
        self.enterContext(contextlib.redirect_stderr(io.StringIO()))
        for data, count in ((b"a", 1), (b"a", 1), (b"b", 2)):
            self.patch(equal, "prepared", lambda *_, data=data: data)
            film, told = equal.equal(Material(), "source")
            self.assertEqual((film, told, len(made)), (made[-1], {"room": {"ssim": 0.9}}, count))


class Lag(Case):
    """`lag` judges from `watch` on, and the age of pictures by a later Janus's alone."""

    def figures(self, later_janus=("/janus", "1.4.1"), whole=(40, 30), age=20):
        self.patch(lag, "later", lambda: later_janus)
        names = [lag.OURS, "Streaming", "Streaming of Janus 1.4.1"][:3 if later_janus[0] else 2]
        of = lambda value: {name: [value if name == lag.OURS else 100] * 5 for name in names}
        wholes = {name: [whole if name == lag.OURS else (500, 400)] * 5 for name in names}
        return lag.figures(of(age), of(70), wholes, "")

    def test_age(self):
        self.assertEqual(not_met(self.figures()), [])
        self.assertEqual(not_met(self.figures(age=26)), ["age of the first picture in Chromium, this plugin"])

    def test_no_later_janus(self):
        found = self.figures((None, "there is none"), age=26)
        self.assertEqual([(f.what, f.row()[-1]) for f in found if f.unjudged],
                         [("age of the first picture in Chromium, this plugin", "NOT JUDGED")])
        self.assertEqual(not_met(found), [])

    def test_from_watch(self):
        self.assertEqual(not_met(self.figures(whole=(50, 30))), ["watch → first whole key frame, this plugin, headless"])
        viewer = mock.MagicMock(moments={"watch": 10.0, "connected": 10.02})
        viewer.wait = lambda _: types.SimpleNamespace(last=10.05)
        found = lag.first_whole(types.SimpleNamespace(watch=lambda _: viewer))
        self.assertEqual([round(ms) for ms in found], [50, 30])


class Audience(Case):
    """`audience` wants nothing to be lost, and judges lateness by how many watch."""

    def figures(self, late, lost, minutes=10, **options):
        self.measured = []

        def measured(_, viewers, seconds):
            self.measured.append((viewers, seconds))
            return {"late": late, "lost": lost}

        self.patch(audience, "measured", measured)
        self.patch(audience, "ours", lambda *_: None)
        self.enterContext(contextlib.redirect_stderr(io.StringIO()))
        return not_met(audience.audience(None, minutes, **options))

    def test_how_long(self):
        self.assertEqual(self.figures(1.5, 0), [])
        self.assertEqual(self.measured, [(100, 60), (200, 600), (200, 600)])
        self.figures(1.5, 0, viewers=30, seconds=2)
        self.assertEqual(self.measured, [(30, 2), (30, 2)])

    def test_late(self):
        self.assertEqual(self.figures(1.6, 0), ["lateness p99 of pictures, 100 viewers, off"])
        self.assertEqual(len(self.figures(10.1, 0)), 2)

    def test_lost(self):
        self.assertEqual(self.figures(1, 1), [f"packets lost, {what}" for what in
                                              ("100 viewers, off", "200 viewers, off", "200 viewers, two event loops")])


class Synchronisation(Case):
    """`rtp-sync` has a hundred viewers, of whom some decrypt, from the first to the last; each of them is judged."""

    def test_who_decrypts(self):
        for viewers in (1, 7, 10, 11, 99, 100):
            joined = []
            gateway = types.SimpleNamespace(watch_many=lambda count, _: joined.extend(["drop"] * count),
                                            watch=lambda _: joined.append("keep") or "keep")
            self.assertEqual(len(packets.join(gateway, viewers)), min(viewers, 10))
            self.assertEqual((len(joined), joined.count("keep"), joined[-1]), (viewers, min(viewers, 10), "keep"))
            gaps = "".join("k" if mode == "keep" else "." for mode in joined).split("k")[:-1]
            self.assertLessEqual(max(map(len, gaps)) - min(map(len, gaps)), 1)

    def figures(self, errors):
        """Where each of the viewers that decrypt sees these."""
        self.patch(packets, "open_room", mock.MagicMock())
        self.patch(packets, "Gateway", mock.MagicMock())
        self.patch(packets, "command", lambda *_, **__: (0, {"segment": "s"}))
        self.patch(packets, "join", lambda _, viewers: [mock.MagicMock() for _ in range(viewers // 10)])
        self.patch(packets.rtp, "report_skew_ms", lambda *_: [0.1])
        self.patch(packets.time, "sleep", lambda _: None)
        to_come = list(errors)
        self.patch(packets, "marks_of", lambda _: ([0.5, to_come.pop(0)], [0]))
        return packets.rtp_sync(mock.MagicMock(mp4=lambda _: "a.mp4"), 1)

    def test_the_worst_viewer(self):
        self.assertEqual(not_met(self.figures([0.1] * 10)), [])
        for errors in ([0.1] * 9 + [5.1], [-5.1] + [0.1] * 9):
            self.assertEqual(len(not_met(self.figures(errors))), 1)


class KeyFrames(Case):
    """A request for a key frame is answered once the entry behind the key frame is whole."""

    def test_when(self):
        picture = lambda at, key: types.SimpleNamespace(arrival=at, last=at + 0.01, key=key)
        pictures = [picture(1, True), picture(1.1, False), picture(2.0, False), picture(2.5, True), picture(2.5, False)]
        self.assertEqual(packets.recovered(pictures, 1.8), 2.51)
        self.assertIsNone(packets.recovered(pictures[:4], 1.8))
        self.assertIsNone(packets.recovered(pictures, 2.6))


class Crowd(Case):
    """`crowd` wants so many rooms: it may not miss them by its steps."""

    def most(self, name, carried):
        self.patch(pushes, "speak", lambda _, count, __: count <= carried)
        return pushes.most(None, name)

    def test_as_many_as_are_wanted(self):
        for name, wanted in (("raw", 16), ("prepared", 150)):
            for carried in range(wanted, pushes.ROOMS + 1):
                self.assertTrue(wanted <= self.most(name, carried) <= carried, (name, carried))

    def test_fewer(self):
        for name, wanted in (("raw", 16), ("prepared", 150)):
            for carried in range(wanted):
                self.assertTrue(carried * 7 // 8 - 1 <= self.most(name, carried) <= carried, (name, carried))


class Halt(Case):
    """`halt` wants each of its interruptions to be raised."""

    def halt(self, *raised):
        """With a client that raises these."""
        sys.path.insert(0, os.path.join(ROOT, "clients", "python"))
        import digitalhuman
        to_come, told = list(raised), threading.Event()

        class Segment:
            def __init__(self, on_event):
                self.on_event, self.is_raised = on_event, to_come.pop(0)
                told.clear()

            def __enter__(self):
                return self

            def __exit__(self, kind, *_):
                return kind is digitalhuman.Interrupted

            def push(self, *_):
                self.on_event({"event": "progress"})
                if self.is_raised:
                    told.wait(60)
                    raise digitalhuman.Interrupted(mock.MagicMock())

        stage = mock.MagicMock()
        stage.segment, stage.interrupt = Segment, told.set
        self.patch(digitalhuman, "Stage", lambda *_, **__: stage)
        self.patch(live, "Pushes", lambda _: types.SimpleNamespace(address=("127.0.0.1", 9), hosted=mock.MagicMock()))
        return live.halt(None, len(raised))

    def test_all_are_raised(self):
        self.assertEqual([figure.count for figure in self.halt(True, True)], [2, 2])

    def test_one_is_lost(self):
        for raised in ((True, False), (False, True), (False,)):
            with self.assertRaisesRegex(RuntimeError, "not raised"):
                self.halt(*raised)


class Echo(Case):
    """`echo`, with voices that are noise and a `hear` that says what a test wants: `LASTING` in a line means that
    there was a voice, at that time."""

    def setUp(self):
        self.build = self.enterContext(tempfile.TemporaryDirectory())
        os.makedirs(os.path.join(self.build, "tests", "support"))
        with open(os.path.join(self.build, "noise"), "wb") as file:
            file.write(random.Random(1).randbytes(2 * 6 * echo_room.RATE))
        self.write("ffmpeg", f"cat {self.build}/noise")

    def write(self, name, command):
        path = os.path.join(self.build, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{command}\n")
        os.chmod(path, 0o755)
        return path

    def echo(self, hear):
        """Which of its seven figures that have a limit were met: three of echo, which lasts half a second here, and four of
        voices, which begin after five seconds."""
        self.write("tests/support/hear", hear.replace("LASTING", str(echo_room.LASTING)))
        environment = {"DH_BUILD": self.build, "DH_TALKER": self.write("talker", ""), "PATH": self.build + ":" + os.environ["PATH"]}
        self.enterContext(mock.patch.dict(os.environ, environment))
        return [figure.met() for figure in echoes.echo(None, 0.01, voices=3) if figure.limits]

    def test_only_viewers(self):
        self.assertEqual(self.echo("[ $(wc -l) -lt 100 ] || echo 450 LASTING"), [True] * 7)

    def test_itself(self):
        self.assertEqual(self.echo("[ $(wc -l) -lt 100 ] && echo 20 LASTING || echo 450 LASTING"), [False] * 3 + [True] * 4)

    def test_nobody(self):
        self.assertEqual(self.echo("cat > /dev/null"), [True] * 3 + [False] * 4)


class CutHeard(Case):
    """`barge-in-heard` judges what a browser renders around a cut, whose last sample is at its place."""

    def judged(self, shape):
        """A tone whose loudness falls from 1 to 0 as `shape` says of the seconds since the cut."""
        time_s = np.arange(48000) / 48000
        samples = 0.3 * np.sin(2 * np.pi * voices.TONE_HZ * time_s) * np.clip([shape(t - 0.4) for t in time_s], 0, 1)
        last = int(np.flatnonzero(np.abs(samples) > 0.003)[-1])
        around = samples[last - 48 * voices.BEFORE_MS:last + 48 * voices.BEHIND_MS]
        return [db <= -40 for db in voices.cut_heard(around.tolist())]

    def test_a_fade(self):
        self.assertEqual(self.judged(lambda t: 0.5 + 0.5 * math.cos(math.pi * min(max(t, 0) / 0.014, 1))), [True, True])

    def test_a_click(self):
        self.assertEqual(self.judged(lambda t: t < 0.0008), [True, False])

    def test_what_is_drawn_out(self):
        self.assertEqual(self.judged(lambda t: 0.5 + 0.5 * math.cos(math.pi * min(max(t, 0) / 0.07, 1))), [False, True])


class BadPushes(Case):
    """No median beside a room that is pushed to badly is more than 1.2 times that beside a quiet one."""
    QUIET = {"enqueue": [30, 31, 32], "say": [200, 210, 220], "event": [20, 21, 100]}

    def steady(self, **bad):
        return not_met(bad_pushes.steady("rubbish", [self.QUIET], [{**self.QUIET, **bad}]))

    def test_as_before(self):
        self.assertEqual(self.steady(), [])
        self.assertEqual(self.steady(enqueue=[36, 37, 38], say=[250], event=[25, 25, 300]), [])

    def test_each_is_judged(self):
        self.assertEqual(self.steady(enqueue=[38]), ["rubbish: enqueue (cached), median"])
        self.assertEqual(self.steady(say=[254]), ["rubbish: say -> sound, median"])
        self.assertEqual(self.steady(event=[26]), ["rubbish: events, median"])

    def test_a_few_milliseconds(self):
        quiet, tiny = {**self.QUIET, "event": [1]}, {**self.QUIET, "event": [2.9]}
        self.assertEqual(not_met(bad_pushes.steady("x", [quiet], [tiny])), [])
        self.assertEqual(not_met(bad_pushes.steady("x", [quiet], [{**tiny, "event": [3.2]}])), ["x: events, median"])


class Turns(Case):
    """The I/O thread's longest turn beside a bad neighbour has a limit; what it did before is not that neighbour's."""

    def test_each_is_judged(self):
        for bad, is_met in (([50, 20], True), ([20, 51], False)):
            self.assertIs(isolation.turn_figure("x", bad).met(), is_met, bad)

    def test_what_was_before_is_waited_for(self):
        told, waited = iter([80, 80, 3, 3]), []
        self.patch(isolation, "longest_turn", lambda _: next(told))
        self.patch(isolation.time, "sleep", waited.append)
        isolation.forget_turns(None)
        self.assertEqual((len(waited), list(told)), (2, [3]))


class Services(Case):
    """Medians and tails are judged, of differences and of the first sentence itself."""

    def judge(self, **times):
        usual = {"command": [100] * 20, "service": [120] * 20, "whole": [110] * 20, "written": [115] * 20}
        return not_met(services.figures(**{**usual, **times}))

    def test_usual(self):
        self.assertEqual(self.judge(), [])

    def test_a_tail(self):
        self.assertEqual(self.judge(service=[120] * 18 + [145] * 2), ["service beyond a command"])
        self.assertEqual(self.judge(written=[115] * 18 + [155] * 2), ["a text's first sentence beyond a whole text"])

    def test_late_as_a_whole(self):
        self.assertEqual(self.judge(whole=[310] * 20, written=[310] * 20), ["say, a text's first sentence -> sound"])
        self.assertEqual(self.judge(service=[141] * 20), ["service beyond a command"])
        self.assertEqual(self.judge(written=[131] * 20), ["a text's first sentence beyond a whole text"])


class Hours(Case):
    """`long` judges one segment by its first minute."""
    NAME = "live generator: "

    def judge(self, minutes=10, grows=lambda at: 0, first=(2.0, 2.1), last=(2.1, 2.0), moves=0):
        def window(n):
            stream = types.SimpleNamespace(constant=100 + moves * n / 6e4, wrong=0)
            return [{"video": stream, "audio": stream}] * 2
        at = range(20, minutes * 60 - 20, 10)
        samples = [(t, 50000 + min(t, 60) * 500 + grows(t), 0) for t in at]
        found = hours.figures([window(n) for n in range(len(at))], samples, list(first), list(last), minutes, 0)
        return [what.removeprefix(self.NAME) for what in not_met(found)]

    def test_nothing(self):
        self.assertEqual(self.judge(), [])

    def test_memory(self):
        grown = ["memory more than after the first minute"]
        self.assertEqual(self.judge(grows=lambda at: 4 * at), grown)
        self.assertEqual(self.judge(grows=lambda at: 2000 * (at > 400)), grown)
        self.assertEqual(self.judge(minutes=4, grows=lambda at: 20 * at), grown)
        self.assertEqual(self.judge(minutes=3, grows=lambda at: 20 * at), [])

    def test_marks(self):
        moved = ["flash - beep at the end, more than in the first minute"]
        self.assertEqual(self.judge(last=(2.1, 3.2)), moved)
        self.assertEqual(self.judge(last=(0.9, 2.1)), moved)
        self.assertEqual(self.judge(last=()), moved)
        self.assertEqual(self.judge(first=()), moved)

    def test_the_clock(self):
        self.assertEqual(self.judge(moves=6), ["drift of RTP time against the clock"])

    def test_the_marks_fit(self):
        """A flash and a beep each second, at the same time, across the seconds' borders."""
        luma = [picture.mean() for picture in hours.frames()] * 3
        flashes = marks.flashes([n / hours.FPS for n in range(len(luma))], luma)
        sound = [x for _ in range(3) for piece in hours.pieces() for x in piece]
        beeps = marks.beeps([n / hours.RATE for n in range(len(sound))], sound, hours.RATE)
        apart = marks.pairs(flashes, beeps)
        self.assertEqual((len(flashes), len(beeps), len(apart)), (3, 3, 3))
        self.assertLess(max(map(abs, apart)), 0.0002)


class Soak(Case):
    """What happens behind its last minute is judged, too."""
    ROW = ("drift_ms", "late_p99_ms", "late_max_ms", "memory_kib", "allocated_kib", "descriptors", "threads", "processes", "lost",
           "wrong", "log_errors")
    OTHERWISE = "what went wrong otherwise"

    def not_met(self, last=lambda soak: None, closing=lambda soak: None):
        """Runs a minute in which nothing goes wrong. `last` is what somebody does who has begun to before its end, `closing` what
        Janus does then."""
        self.quietly()
        self.log = os.path.join(self.enterContext(tempfile.TemporaryDirectory()), "log")
        self.write_log("[WARN] all is well")
        begun = threading.Event()

        class Player(play.Actor):
            def __init__(self, ws, room, folder, files, tally, over, can_say):
                super().__init__(over)

            def act(self):
                begun.set()
                while not soak.ended:
                    time.sleep(0.01)
                last(soak)

        for name in ("Gateway", "Clocks", "Follower"):
            self.patch(soaking, name, mock.MagicMock())
        hosted = mock.MagicMock(server=mock.MagicMock(log_path=self.log))
        hosted.close = lambda check: closing(soak)
        self.patch(soaking, "open_room", lambda *_, **__: hosted)
        self.patch(soaking.usage, "Heap", mock.MagicMock())
        self.patch(soaking.play, "write_unplayable", mock.MagicMock())
        self.patch(soaking.play, "Player", Player)
        self.patch(Player, "join", lambda actor, timeout: threading.Thread.join(actor, min(timeout, 2)))
        material = types.SimpleNamespace(folder="", size=64, mp4=lambda seconds: "a.mp4", arrays=lambda seconds: "a.dhs")
        soak = soaking.Soak(material, 1, 0)
        self.patch(soak, "minutes", lambda gateway: (begun.wait(60), soak.rows.append(dict.fromkeys(self.ROW, 0))))
        soak.run()
        soak.close()
        return {figure.what: figure.note for figure in soak.figures() if figure.met() is False}

    def write_log(self, line):
        with open(self.log, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def test_nothing(self):
        self.assertEqual(self.not_met(), {})

    def test_a_wrong_end(self):
        self.assertEqual(list(self.not_met(lambda soak: soak.tally.note("prepared", "failed", ("finished",)))),
                         ["segments that ended as they should not"])

    def test_somebody_who_fails(self):
        def fail(soak):
            raise ValueError("it broke")
        self.assertIn("it broke", self.not_met(fail)[self.OTHERWISE])

    def test_somebody_who_does_not_end(self):
        never = threading.Event()
        self.addCleanup(never.set)
        self.assertIn("does not end", self.not_met(lambda soak: never.wait(60))[self.OTHERWISE])

    def test_the_log(self):
        write = lambda soak: self.write_log("[ERR] something is wrong")
        self.assertEqual(list(self.not_met(write)), ["errors in the log"])
        self.assertEqual(list(self.not_met(closing=write)), ["errors in the log"])
        self.assertEqual(list(self.not_met(closing=lambda soak: (write(soak), shutil.rmtree(os.path.dirname(self.log))))),
                         ["errors in the log"])


if __name__ == "__main__":
    unittest.main()
