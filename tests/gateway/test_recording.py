# SPDX-License-Identifier: GPL-3.0-or-later
"""What a room plays, recorded: WebM that any player decodes, .mjr for janus-pp-rec, and beside them what was played when."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import av
import numpy as np

import marks
from hosted_room import HostedRoom
from janus_server import WAIT_S

RECORDS = ("recording", "recorded")


class Recording(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="dh-recordings-"))
        cls.hosted = HostedRoom(general=f'recordings_folder = "{cls.folder}" max_recordings = 2',
                                room='secret = "stage" disclosure = "A digital human speaks."')
        cls.addClassCleanup(cls.hosted.close)
        marks.write_mp4(f"{cls.hosted.segments}/speech.mp4", 3, cls.hosted.size)
        cls.hosted.warm("speech.mp4")

    def setUp(self):
        self.handle = self.hosted.server.attach()
        self.addCleanup(self.handle.detach)
        self.assertNotIn("error", self.handle.answer({"request": "observe", "id": 1, "secret": "stage"}))
        self.since = len(self.handle.events.data())

    def ask(self, request, **fields):
        return self.handle.request({"request": request, "id": 1, "secret": "stage", **fields})

    def path(self, name):
        return os.path.join(self.folder, name)

    def record(self, name, seconds=0, **fields):
        """Plays a segment, and a while longer; returns the event at the end."""
        answer = self.ask("recording", action="start", name=name, **fields)
        self.assertEqual(answer["recording"]["name"], name, answer)
        segment = self.ask("enqueue", file="speech.mp4")["segment"]
        self.handle.events.wait(lambda e: e.get("event") == "finished" and e.get("segment") == segment)
        time.sleep(seconds)
        self.assertEqual(self.ask("recording", action="stop")["recording"]["is_ending"], True)
        return self.recorded(name)

    def recorded(self, name):
        return self.handle.events.wait(lambda e: e.get("event") == "recorded" and e["name"] == name)

    def lines(self, name):
        with open(self.path(name + ".jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def decode(self, path):
        """(times, brightness) of pictures, (times, samples) of sound; in seconds."""
        pictures, luma, times, samples = [], [], [], []
        with av.open(path) as media:
            for frame in media.decode(media.streams.video[0], media.streams.audio[0]):
                if isinstance(frame, av.VideoFrame):
                    pictures.append(frame.time)
                    luma.append(frame.to_ndarray(format="gray")[:frame.height // 2].mean())
                else:
                    sound = frame.to_ndarray()[0]
                    samples.append(sound)
                    times.append(frame.time + np.arange(len(sound)) / frame.rate)
        return np.array(pictures), np.array(luma), np.concatenate(times), np.concatenate(samples)

    def test_webm(self):
        told = self.record("talk", seconds=3)
        self.assertEqual((told.get("error"), told["dropped"]), (None, 0))
        self.assertEqual(sorted(n for n in os.listdir(self.folder) if n.startswith("talk.")), ["talk.jsonl", "talk.webm"])
        with av.open(self.path("talk.webm")) as media:
            self.assertEqual((media.streams.video[0].width, media.metadata["COMMENT"]), (self.hosted.size, "A digital human speaks."))
            self.assertAlmostEqual(media.duration / av.time_base, told["duration_ms"] / 1000, delta=0.1)
            keys = [p.pts * p.time_base for p in media.demux(media.streams.video[0]) if p.is_keyframe and p.pts is not None]
        pictures, luma, times, samples = self.decode(self.path("talk.webm"))
        self.assertGreater(len(keys), told["duration_ms"] / 1000 / 4)       # somebody may jump to them
        back = np.flatnonzero(np.diff(pictures) <= 0)
        self.assertEqual(len(back), 0, [pictures[max(i - 3, 0):i + 4].tolist() for i in back])
        # What was seen and heard together is so here, where the events say that it was.
        shown, heard = marks.flashes(pictures, luma), marks.beeps(times, samples)
        self.assertEqual((len(shown), len(heard)), (3, 3))
        self.assertLess(np.abs(marks.pairs(shown, heard)).max(), 0.005)
        facts, *events = self.lines("talk")
        self.assertEqual((facts["recording"], facts["disclosure"]), ("talk", "A digital human speaks."))
        started, = [e for e in events if e["event"] == "started"]
        finished, = [e for e in events if e["event"] == "finished"]
        self.assertTrue(all(started["at_ms"] / 1000 - 0.1 < t < finished["at_ms"] / 1000 + 0.1 for t in shown), (started, finished, shown))

    def test_mjr(self):
        self.assertIsNone(self.record("janus", webm=False, mjr=True).get("error"))
        self.assertEqual(sorted(n for n in os.listdir(self.folder) if n.startswith("janus")),
                         ["janus-audio.mjr", "janus-video.mjr", "janus.jsonl"])
        if not shutil.which("janus-pp-rec"):
            self.skipTest("janus-pp-rec is not installed")
        for name, kind in (("janus-audio.mjr", "opus"), ("janus-video.mjr", "webm")):
            made = self.path("made." + kind)
            done = subprocess.run(["janus-pp-rec", self.path(name), made], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            with av.open(made) as media:
                frames = sum(1 for _ in media.decode(media.streams[0]))
            self.assertGreater(frames, 60)

    def test_one_at_a_time(self):
        self.ask("recording", action="start", name="one")
        self.assertEqual(self.ask("recording")["recording"]["name"], "one")
        self.assertEqual(self.ask("recording", action="start", name="two")["error_code"], 460)
        self.assertFalse(os.path.exists(self.path("two.jsonl")))
        self.handle.request({"request": "create", "id": 9, "avatar": "probe"})
        self.addCleanup(self.handle.request, {"request": "destroy", "id": 9})
        other, third = ({"request": "recording", "id": room, "action": "start"} for room in (2, 9))
        self.assertRegex(self.handle.request(other)["recording"]["name"], r"^room-2-\d{8}T\d{6}Z$")
        self.assertEqual(self.handle.request(third)["error_code"], 464)
        self.handle.request({**other, "action": "stop"})
        self.ask("recording", action="stop")
        self.recorded("one")
        self.assertIsNone(self.ask("recording")["recording"])
        self.assertEqual(self.ask("recording", action="stop")["error_code"], 460)

    def test_names(self):
        for name in ("../up", ".hidden", "-option", "a/b", "ä", ""):
            self.assertEqual(self.ask("recording", action="start", name=name)["error_code"], 454, name)
        self.assertEqual(self.ask("recording", action="pause")["error_code"], 454)
        self.assertEqual(self.ask("recording", action="start", webm=False)["error_code"], 454)
        self.assertEqual(self.handle.request({"request": "recording", "id": 1, "action": "start"})["error_code"], 457)

    def test_a_file_that_is_there_is_kept(self):
        with open(self.path("kept.webm"), "w") as file:
            file.write("mine")
        self.ask("recording", action="start", name="kept")
        self.assertIn("kept.webm: File exists", self.recorded("kept")["error"])
        with open(self.path("kept.webm")) as file:
            self.assertEqual(file.read(), "mine")
        self.assertIsNone(self.ask("recording")["recording"])

    def test_a_process_that_dies(self):
        self.ask("recording", action="start", name="dies")
        pid, = [pid for pid in self.hosted.server.children() if b"dh-record" in command(pid)]
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(self.recorded("dies")["error"], "dh-record was ended by signal 9")
        self.assertIsNone(self.record("lives").get("error"))

    def test_signals(self):
        """The system sends them to every process of a service that is to end."""
        self.ask("recording", action="start", name="signals")
        end = time.monotonic() + WAIT_S
        while not os.path.exists(self.path("signals.jsonl")):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        pid, = [pid for pid in self.hosted.server.children() if b"signals" in command(pid)]
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)
        while self.ask("recording")["recording"]["duration_ms"] < 1000:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)
        self.ask("recording", action="stop")
        told = self.recorded("signals")
        self.assertEqual((told.get("error"), told["dropped"]), (None, 0))
        pictures, *_ = self.decode(self.path("signals.webm"))
        self.assertGreater(len(pictures), 10)

    def test_a_room_that_ends(self):
        self.handle.request({"request": "create", "id": 9, "avatar": "probe"})
        self.handle.request({"request": "recording", "id": 9, "action": "start", "name": "ends"})
        self.hosted.server.wait_for_state(self.handle, 9, "idle")
        end = time.monotonic() + WAIT_S
        while (self.handle.request({"request": "recording", "id": 9})["recording"]["duration_ms"]) < 1000:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)
        self.handle.request({"request": "destroy", "id": 9})
        while any(b"dh-record" in command(pid) for pid in self.hosted.server.children()):
            self.assertLess(time.monotonic(), end, "its process goes on")
            time.sleep(0.05)
        pictures, *_ = self.decode(self.path("ends.webm"))
        self.assertGreater(len(pictures), 10)

    def test_a_room_that_ends_before_what_goes_wrong(self):
        """Nobody can be told by then, but the log says it."""
        with open(self.path("there.webm"), "w") as file:
            file.write("mine")
        self.handle.request({"request": "create", "id": 9, "avatar": "probe"})
        self.handle.request({"request": "recording", "id": 9, "action": "start", "name": "there"})
        self.handle.request({"request": "destroy", "id": 9})
        self.hosted.server.wait_log("there.webm: File exists")
        with open(self.path("there.webm")) as file:
            self.assertEqual(file.read(), "mine")


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


class JanusEnds(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="dh-recordings-"))
        self.hosted = HostedRoom(general=f'recordings_folder = "{self.folder}"')
        self.addCleanup(self.hosted.close, check=False)
        ask = {"request": "recording", "id": 1}
        self.hosted.handle.request({**ask, "action": "start", "name": "ended"})
        end = time.monotonic() + WAIT_S
        while self.hosted.handle.request(ask)["recording"]["duration_ms"] < 1000:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)
        self.pid, = [pid for pid in self.hosted.server.children() if b"dh-record" in command(pid)]

    def check_files(self):
        end = time.monotonic() + WAIT_S
        while os.path.exists(f"/proc/{self.pid}") and b"dh-record" in command(self.pid):
            self.assertLess(time.monotonic(), end, "dh-record goes on")
            time.sleep(0.05)
        with av.open(os.path.join(self.folder, "ended.webm")) as media:
            self.assertGreater(media.duration / av.time_base, 0.8)
            self.assertGreater(sum(1 for _ in media.decode(video=0)), 10)

    def test_killed(self):
        self.hosted.server.process.kill()
        self.check_files()

    def test_before_a_slow_disk(self):
        """It waits for dh-record a while, and then leaves it to itself."""
        server = self.hosted.server
        os.kill(self.pid, signal.SIGSTOP)
        for session in server.sessions:
            session.close()
        server.freed_handles()
        server.process.terminate()
        self.assertEqual(server.process.wait(WAIT_S), 0)
        server.wait_log(f"it is still writing {self.folder}/ended")
        with contextlib.suppress(ProcessLookupError):   # the kernel lets it go on when Janus has ended, see setpgid(2)
            os.kill(self.pid, signal.SIGCONT)
        self.check_files()
        self.hosted.close()


class NoFolder(unittest.TestCase):
    def test_nothing_is_recorded(self):
        with_none = HostedRoom()
        self.addCleanup(with_none.close)
        answer = with_none.handle.request({"request": "recording", "id": 1, "action": "start"})
        self.assertEqual((answer["error_code"], answer["error"]), (462, "There is no recordings_folder"))


if __name__ == "__main__":
    unittest.main()
