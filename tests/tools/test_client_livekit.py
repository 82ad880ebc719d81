#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audio output for LiveKit Agents with the real @livekit/agents of npm, against a stand-in for the gateway. It is
skipped where the package is not installed (see clients/livekit) and cannot be."""
import json
import os
import queue
import shutil
import struct
import subprocess
import tempfile
import threading
import unittest

import numpy as np

import npm
from client_case import await_kept_alive
from push_server import EVERYTHING, WAIT_S, PushServer
from digitalhuman import Stage

ROOT = os.environ["DH_ROOT"]
CLIENT = os.path.join(ROOT, "clients", "livekit")


def node_modules():
    """The folder with the package, which is installed once; SkipTest says why there is none."""
    given = os.environ.get("DH_NODE_MODULES", os.path.join(CLIENT, "node_modules"))
    if os.path.isdir(os.path.join(given, "@livekit", "agents")):
        return given
    with open(os.path.join(CLIENT, "package.json"), encoding="utf-8") as file:
        wanted = json.load(file)["dependencies"]
    if npm.node_version() < (20, 9):
        wanted["@livekit/agents"] = "~1.5.0"        # see clients/README.md
    return os.path.join(npm.packages(*(f"{name}@{version}" for name, version in wanted.items())), "node_modules")


class Agent:
    """A Node process, in which one audio output after another begins; what the last one prints, in order, in `lines`."""

    def __init__(self, folder):
        self.process = subprocess.Popen(["node", "livekit_agent.mjs"], cwd=folder, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines, self.queue = [], queue.Queue()
        self.is_idle = True     # it does nothing, and does what it is told
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def begin(self, **options):
        """A fresh output."""
        self.lines = []
        self.do("begin", options=options)
        self.lines = self.lines[-2:]
        assert self.said("canPause") == [True], self.lines

    def read(self):
        for line in self.process.stdout:
            self.queue.put(json.loads(line))
        self.queue.put(None)

    def wait(self, condition):
        """Until one of the lines from now on fits; returns it."""
        while True:
            line = self.queue.get(timeout=WAIT_S)
            assert line is not None, "the agent has ended"
            self.lines.append(line)
            if condition(line):
                return line

    def do(self, name, **fields):
        self.is_idle = False
        self.process.stdin.write(json.dumps({"do": name, **fields}) + "\n")
        self.process.stdin.flush()
        self.wait(lambda line: line.get("done") == name)
        self.is_idle = True

    def said(self, name):
        return [line[name] for line in self.lines if name in line]

    def finished(self, count=1):
        while len(self.said("finished")) < count:
            self.wait(lambda line: "finished" in line)
        return [(event["playbackPosition"], event["interrupted"]) for event in self.said("finished")]

    def started(self):
        if not self.said("started"):
            self.wait(lambda line: "started" in line)

    def kill(self):
        self.process.kill()
        self.process.wait(WAIT_S)
        self.reader.join(WAIT_S)
        self.process.stdin.close()
        self.process.stdout.close()

    def end(self):
        self.process.stdin.close()
        self.process.wait(WAIT_S)
        self.reader.join(WAIT_S)
        self.process.stdout.close()
        while True:
            line = self.queue.get_nowait()
            if line is None:
                return
            self.lines.append(line)


class LiveKit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        modules = node_modules()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        for file in ("clients/livekit/audio_output.mjs", "clients/livekit/push.mjs", "tests/support/livekit_agent.mjs"):
            shutil.copy(os.path.join(ROOT, file), cls.folder)
        os.symlink(modules, os.path.join(cls.folder, "node_modules"))
        cls.agents = []

    def begin(self, ends=False, **options):
        """`ends`: the test looks at the end of the agent's process, which no other test uses then; to start one takes
        seconds."""
        self.server = self.enterContext(PushServer(secret="demo", **options))
        if ends:
            agent = Agent(self.folder)
            self.addCleanup(agent.kill)
        else:
            agent = self.shared_agent()
        agent.begin(address=self.server.address, room=1, secret="demo")
        return agent

    @classmethod
    def shared_agent(cls):
        if not cls.agents or not cls.agents[-1].is_idle:    # a test that failed may have left it at work
            cls.agents.append(Agent(cls.folder))
            cls.addClassCleanup(cls.agents[-1].kill)
        return cls.agents[-1]

    def spoken(self):
        """By the agent."""
        return [push for push in self.server.pushes if push.line.get("segment") != "other"]

    def speak_before(self):
        """What somebody else says in the room; returns that segment."""
        other = Stage(self.server.address, 1, "demo").segment(sample_rate=24000, segment="other", encode=False).open()
        self.addCleanup(other.abort)
        other.push_audio(np.zeros(24000, np.int16))
        self.server.wait(lambda pushes: pushes and pushes[0].media and pushes[0].media.ms == 1000)
        return other

    def samples(self, push):
        """The samples that were heard, which count on from 0."""
        heard = push.media.sound[:push.played_ms * 48]
        return struct.unpack(f"<{len(heard) // 2}h", heard)

    def arrived(self, number, ms):
        self.server.wait(lambda pushes: len(self.spoken()) > number and self.spoken()[number].media
                         and self.spoken()[number].media.ms >= ms)

    def test_segments_in_turn_each_finished_once(self):
        agent = self.begin(ends=True)
        self.server.allowed_ms = 0
        for ms in (400, 600):
            agent.do("capture", ms=ms)
            agent.do("flush")
        agent.do("waitForPlayout")
        self.arrived(0, 400)
        self.assertEqual((len(self.spoken()), agent.said("started"), agent.said("finished")), (1, [], []))
        self.server.play(EVERYTHING)
        self.assertEqual(agent.finished(2), [(0.4, False), (0.6, False)])
        agent.end()
        self.assertEqual((agent.finished(2), len(agent.said("started"))), ([(0.4, False), (0.6, False)], 2))
        self.assertEqual(agent.said("playout"), [{"playbackPosition": 0.6, "interrupted": False}])
        self.assertEqual(sum((self.samples(push) for push in self.spoken()), ()), tuple(range(24000)))

    def test_nobody_is_there_any_more(self):
        """It is missed."""
        agent = self.begin()
        agent.do("capture", ms=100)
        await_kept_alive(self.server.first().sock.getpeername()[1], self.server.port)

    def test_it_plays_before_it_is_flushed(self):
        agent = self.begin()
        agent.do("capture", ms=200)
        agent.started()
        agent.do("capture", ms=200)
        self.arrived(0, 400)
        self.assertEqual(agent.said("finished"), [])
        agent.do("flush")
        self.assertEqual(agent.finished(), [(0.4, False)])

    def test_clear_ends_it_at_once_with_what_was_heard(self):
        agent = self.begin(ends=True)
        self.server.allowed_ms = 300
        agent.do("capture", ms=5000)
        agent.started()
        self.arrived(0, 1000)
        agent.do("clear")
        self.assertEqual(agent.finished(), [(0.3, True)])
        agent.do("capture", ms=100)         # before the flush: of what was cleared
        agent.do("flush")
        self.server.play(EVERYTHING)
        agent.do("capture", ms=200)
        agent.do("flush")
        self.assertEqual(agent.finished(2), [(0.3, True), (0.2, False)])
        agent.do("clear")                   # nothing plays
        agent.end()
        self.assertEqual(len(agent.said("finished")), 2)
        self.assertEqual([push.end["event"] for push in self.spoken()], ["interrupted", "finished"])

    def test_clear_before_it_starts_and_of_what_waits(self):
        """At once, and nothing of it is heard; what others say goes on."""
        agent = self.begin()
        self.server.allowed_ms = 0
        other = self.speak_before()
        for _ in range(2):
            agent.do("capture", ms=200)
            agent.do("flush")
        self.arrived(0, 200)
        agent.do("clear")
        self.assertEqual(agent.finished(2), [(0, True), (0, True)])
        self.assertEqual([push.end for push in self.spoken()], [{"event": "interrupted"}])
        self.server.play(EVERYTHING)
        self.assertEqual((other.close().event, other.result.played_ms), ("finished", 1000))
        self.assertEqual(self.spoken()[0].played_ms, 0)

    def test_cleared_before_the_room_has_it(self):
        agent = self.begin()
        self.server.allowed_ms = 0
        self.server.accepts.clear()
        agent.do("capture", ms=200)
        self.server.wait(lambda _: any(push.line for push in self.server.all))
        agent.do("clear")
        self.server.accepts.set()
        self.assertEqual(agent.finished(), [(0, True)])
        self.assertEqual([push.end for push in self.spoken()], [{"event": "interrupted"}])

    def test_paused_while_it_waits(self):
        agent = self.begin()
        self.server.allowed_ms = 0
        other = self.speak_before()
        agent.do("capture", ms=200)
        agent.do("flush")
        self.arrived(0, 200)
        agent.do("pause")
        self.server.wait(lambda pushes: self.spoken()[0].end)
        self.server.play(EVERYTHING)
        self.assertEqual(other.close().event, "finished")
        self.assertEqual((agent.said("finished"), [push.played_ms for push in self.spoken()]), ([], [0]))
        agent.do("resume")
        self.assertEqual(agent.finished(), [(0.2, False)])
        self.assertEqual(self.samples(self.spoken()[1]), tuple(range(4800)))

    def test_it_cannot_be_interrupted(self):
        """Then it is cut: nothing more comes."""
        agent = self.begin()
        self.server.allowed_ms = 200
        agent.do("capture", ms=1000)
        agent.wait(lambda line: line.get("room") == "progress")
        self.server.stop_listening()
        agent.do("clear")
        self.assertEqual(agent.finished(), [(0.2, True)])
        self.server.play(EVERYTHING)
        self.assertTrue(self.spoken()[0].over.wait(WAIT_S))

    def test_pause_and_resume_lose_nothing(self):
        agent = self.begin()
        self.server.allowed_ms = 300
        agent.do("capture", ms=1000)
        agent.do("flush")
        agent.started()
        self.arrived(0, 1000)
        self.server.wait(lambda pushes: pushes and pushes[0].played_ms == 300)
        agent.do("pause")
        self.server.wait(lambda pushes: self.spoken()[0].end)
        self.assertTrue(self.spoken()[0].over.wait(WAIT_S))
        self.server.play(EVERYTHING)
        self.assertEqual((agent.said("finished"), len(self.spoken())), ([], 1))
        agent.do("resume")
        self.assertEqual(agent.finished(), [(1.0, False)])
        self.assertEqual(len(agent.said("started")), 1)
        self.assertEqual([push.played_ms for push in self.spoken()], [300, 700])
        self.assertEqual(sum((self.samples(push) for push in self.spoken()), ()), tuple(range(24000)))

    def test_paused_when_all_that_had_come_was_heard(self):
        agent = self.begin()
        agent.do("capture", ms=200)
        agent.started()
        self.server.wait(lambda pushes: pushes and pushes[0].played_ms == 200)
        agent.do("pause")
        agent.wait(lambda line: line.get("room") in ("finished", "interrupted"))
        agent.do("resume")
        agent.do("capture", ms=200)
        agent.do("flush")
        self.assertEqual(agent.finished(), [(0.4, False)])
        self.assertEqual([push.played_ms for push in self.spoken()], [200, 200])
        self.assertEqual(sum((self.samples(push) for push in self.spoken()), ()), tuple(range(9600)))

    def test_paused_then_cleared(self):
        agent = self.begin()
        self.server.allowed_ms = 200
        agent.do("capture", ms=1000)
        agent.do("flush")
        agent.started()
        self.arrived(0, 1000)
        agent.do("pause")
        agent.do("clear")
        self.assertEqual(agent.finished(), [(0.2, True)])
        self.server.play(EVERYTHING)
        agent.do("capture", ms=100)         # waits until it goes on
        agent.do("flush")
        agent.do("resume")
        self.assertEqual(agent.finished(2)[1], (0.1, False))

    def test_the_room_is_interrupted_by_others(self):
        agent = self.begin(ends=True)
        self.server.allowed_ms = 100
        agent.do("capture", ms=1000)
        agent.started()
        self.server.wait(lambda pushes: pushes[0].played_ms == 100)
        self.spoken()[0].interrupt()
        self.assertEqual(agent.finished(), [(0.1, True)])
        agent.do("capture", ms=1000)        # still of the same answer
        agent.do("flush")
        agent.end()
        self.assertEqual((len(agent.said("finished")), len(self.spoken())), (1, 1))

    def test_a_limit_of_the_gateway_ends_it(self):
        """Why is logged; the rest of that speech is dropped, and the next one is heard."""
        agent = self.begin()
        self.server.allowed_ms = 200
        agent.do("capture", ms=1000)
        self.server.wait(lambda pushes: pushes and pushes[0].played_ms == 200)
        self.spoken()[0].stop({"event": "failed", "error_code": 465, "error": "longer than 600000 ms"})
        self.assertEqual(agent.finished(), [(0.2, True)])
        self.assertEqual(agent.said("logged"), [{"level": "warn", "error": "longer than 600000 ms"}])
        agent.do("capture", ms=200)
        agent.do("flush")
        self.server.play(EVERYTHING)
        agent.do("capture", ms=200)
        agent.do("flush")
        self.assertEqual(agent.finished(2)[1], (0.2, False))
        self.assertEqual(len(self.spoken()), 2)

    def test_the_form_changes_within_a_segment(self):
        """It ends there, also where it has not begun; the next one is heard."""
        agent = self.begin()
        agent.do("pause")
        for rate in (24000, 48000):
            agent.do("capture", ms=200, rate=rate)
        agent.do("flush")
        agent.do("resume")
        self.assertTrue(agent.finished()[0][1])
        agent.do("capture", ms=200, rate=48000)
        agent.do("flush")
        self.assertEqual(agent.finished(2)[1], (0.2, False))
        self.assertEqual([push.media.ms for push in self.spoken() if push.media and push.media.ms > 200], [])

    def test_refused_and_nobody_there(self):
        agent = self.begin(refuse=(464, "too many"))
        agent.do("capture", ms=100)
        agent.do("flush")
        self.assertEqual(agent.finished(), [(0, True)])
        self.server.stop_listening()
        agent.do("capture", ms=100)
        agent.do("flush")
        self.assertEqual(agent.finished(2), [(0, True)] * 2)
        self.assertEqual(agent.said("started"), [])


if __name__ == "__main__":
    unittest.main()
