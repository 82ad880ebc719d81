#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an avatar does while it does not speak: its clips, the request `state`, and what it does by itself."""
import glob
import random
import time
import unittest

import dhs
import rtp
from ffmpeg import ffmpeg
from janus_server import WAIT_S
from pushable import PushableServer
from request_case import RequestCase
from viewers import Gateway

JCFG = """
general: { cache_folder = "{folder}/cache" worker = "{prepare}" segments_folder = "{folder}/segments" push_listen = "127.0.0.1:PORT" }
avatar-full: { width = 64 height = 64 idle = "{folder}/idle.avi" listening = "{folder}/listening.avi"
    thinking = "{folder}/segments/two.avi" speaking = "{folder}/missing.avi" kbps = 200 }
avatar-small: { width = 64 height = 64 idle = "{folder}/idle.avi" kbps = 200 }
generator-talker: { command = [ "{talker}", "--size", "64x64" ] }
room-one: { id = 1 avatar = "full" generator = "talker" barge_in = 200 }
room-two: { id = 2 avatar = "small" generator = "talker" }
avatar-talks: { width = 64 height = 64 idle = "{folder}/idle.avi" speaking = "{folder}/speaking.avi" kbps = 200 }
room-three: { id = 3 avatar = "talks" }
"""


def voice(frames):
    """Levels of speech, in dBov."""
    return [-25 + random.randint(-5, 5) for _ in range(frames)]


def quiet(frames):
    return [-70 + random.randint(-1, 1) for _ in range(frames)]


class Server(PushableServer):
    def write_configuration(self):
        super().write_configuration()
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=3,negate", "-c:v", "mjpeg", self.path("listening.avi"))
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=4,hflip", "-c:v", "mjpeg", self.path("speaking.avi"))
        ffmpeg("-f", "lavfi", "-i", "sine=440:d=3", self.path("segments/sound.wav"))


class States(RequestCase):
    @classmethod
    def setUpClass(cls):
        cls.begin(Server(JCFG))

    def setUp(self):
        super().setUp()
        self.observer = self.attach()
        self.observer.request({"request": "observe", "id": 1})
        self.ready(1)

    def ready(self, room):
        end = time.monotonic() + WAIT_S
        while self.ask("info", id=room)["info"]["state"] == "preparing":
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def told(self):
        return [e["event"] for e in self.observer.events.data()
                if e.get("event") in ("idle", "listening", "thinking", "speaking", "holding", "resuming")]

    def test_as_asked(self):
        for state in ("speaking", "angry", ""):
            self.assertEqual(self.ask("state", id=1, state=state)["error_code"], 454)
        self.assertEqual(self.ask("state", id=1)["error_code"], 453)
        for state in ("listening", "listening", "thinking", "idle"):
            self.assertEqual(self.ask("state", id=1, state=state), {"digitalhuman": "state", "id": 1, "state": state})
        self.observer.events.wait(lambda e: e.get("event") == "idle", WAIT_S)
        self.assertEqual(self.told(), ["listening", "thinking", "idle"])

    def test_by_itself(self):
        self.ask("say", id=1, text="Good morning to all of you, and welcome. " * 3, segment="hello")
        self.observer.events.wait(lambda e: e.get("event") == "speaking", WAIT_S)
        self.ask("hold", id=1, regret_ms=0)
        self.assertEqual(self.ask("queue", id=1)["state"], "listening")
        self.ask("resume", id=1)
        self.observer.events.wait(lambda e: e.get("event") == "idle", WAIT_S)
        self.assertEqual(self.told(), ["thinking", "speaking", "holding", "resuming", "idle"])

    def test_nothing_comes_of_it(self):
        self.ask("say", id=1, text="Never mind.", segment="gone")
        self.ask("interrupt", id=1, segment="gone")
        self.observer.events.wait(lambda e: e.get("event") == "idle", WAIT_S)
        self.assertIn(self.told(), (["thinking", "idle"], ["thinking", "speaking", "idle"]))

    def test_without_clips(self):
        """It says nothing of itself that cannot be seen."""
        self.ready(2)
        observer = self.attach()
        observer.request({"request": "observe", "id": 2})
        self.ask("say", id=2, text="Hello.")
        observer.events.wait(lambda e: e.get("event") == "idle", WAIT_S)
        self.assertNotIn("thinking", [e.get("event") for e in observer.events.data()])

    def speak(self, viewer, *levels):
        """The viewer says that, and is silent then. What comes at once, nothing can tear to pieces; the room takes a
        hundred packets each second."""
        since = len(self.observer.events.all)
        time.sleep(1)
        viewer.speak([level for part in levels for level in part], at_once=True)
        self.silent(since)

    def silent(self, since):
        self.observer.events.wait(lambda e: e.get("event") == "viewer_silent", WAIT_S, since)

    def assert_told(self, *states):
        end = time.monotonic() + WAIT_S
        while self.told() != list(states) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(self.told(), list(states))

    def talker(self, gateway):
        viewer = gateway.watch({"id": 1})
        viewer.listen()
        return viewer

    def test_a_viewer_speaks(self):
        """It listens until that one is silent; to a cough it does not."""
        random.seed(1)
        with Gateway(self.janus.ws) as gateway:
            viewer = self.talker(gateway)
            self.speak(viewer, quiet(30), voice(5), quiet(35))
            self.assert_told()
            self.speak(viewer, voice(30), quiet(35))
            self.assert_told("listening", "idle")

    def test_what_was_asked_for_is_not_lost(self):
        random.seed(2)
        self.ask("state", id=1, state="thinking")
        with Gateway(self.janus.ws) as gateway:
            viewer = self.talker(gateway)
            self.speak(viewer, quiet(30), voice(30), quiet(35))
            self.assert_told("thinking", "listening", "thinking")
        self.ask("state", id=1, state="idle")

    def test_what_is_asked_for_is_shown_at_once(self):
        """Amid a voice, which does not change it any more; a new one does. It is one voice unless seven tenths of a second
        pass in the middle of it, as on a very busy machine."""
        random.seed(3)
        with Gateway(self.janus.ws) as gateway:
            viewer = self.talker(gateway)
            viewer.speak(quiet(30) + voice(30), at_once=True)
            self.assert_told("listening")
            self.assertEqual(self.ask("state", id=1, state="idle")["state"], "idle")
            since = len(self.observer.events.all)
            viewer.speak(voice(30), at_once=True)
            self.silent(since)
            self.assert_told_of_each_voice()
            self.speak(viewer, voice(30), quiet(35))
            self.assert_told_of_each_voice()
            self.assertGreater(self.voices(), 1)

    def voices(self):
        return [e.get("event") for e in self.observer.events.data()].count("viewer_speaking")

    def assert_told_of_each_voice(self):
        end = time.monotonic() + WAIT_S
        while self.told() != ["listening", "idle"] * self.voices() and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(self.told(), ["listening", "idle"] * self.voices())

    def test_it_is_interrupted(self):
        """It listens behind that, as long as the voice goes on; and stops when the floor is everybody's no more."""
        random.seed(4)
        with Gateway(self.janus.ws) as gateway:
            viewer = self.talker(gateway)
            self.ask("say", id=1, text="Good morning to all of you, and welcome to this room, in which I say much. " * 8)
            self.observer.events.wait(lambda e: e.get("event") == "speaking", WAIT_S)
            viewer.speak(quiet(60))     # none of the speech comes back
            segment = self.ask("queue", id=1)["playing"]["segment"]
            while self.ask("queue", id=1)["state"] == "speaking":
                viewer.speak(voice(5))
            self.observer.events.wait(lambda e: e.get("event") == "interrupted" and e["segment"] == segment, WAIT_S)
            self.assert_told("thinking", "speaking", "idle", "listening", "idle")
            time.sleep(1)
            since = len(self.observer.events.all)
            viewer.speak(voice(30), at_once=True)
            self.observer.events.wait(lambda e: e.get("event") == "listening", WAIT_S, since)
            self.ask("edit", id=1, new_barge_in_by="nobody")
            self.silent(since)
            self.assert_told("thinking", "speaking", "idle", "listening", "idle", "listening", "idle")
            self.ask("edit", id=1, new_barge_in_by="all")

    def test_what_is_seen(self):
        """No key frame between the clips, and each picture is one of the clips'."""
        idle, listening = self.clip(25), self.clip(75)
        with Gateway(self.janus.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            seen = lambda v: [p.data for p in rtp.pictures(v.video) if not p.key]
            viewer.wait(lambda v: v.video and len(seen(v)) > 20)
            self.assertLessEqual({*seen(viewer)}, idle)
            self.ask("state", id=1, state="listening")
            viewer.wait(lambda v: (listening - idle) & {*seen(v)})
            self.ask("state", id=1, state="idle")
            viewer.wait(lambda v: self.last(seen(v), idle - listening) > self.last(seen(v), listening - idle))
            self.assertLessEqual({*seen(viewer)}, idle | listening)
            self.assertEqual(sum(p.key for p in rtp.pictures(viewer.video)), 1)

    def test_speech_without_pictures(self):
        """While it sounds the avatar shows its clip for that, and nothing else; its idle clip before and after."""
        self.ready(3)
        idle, speaking = self.clip(25), self.clip(100)
        with Gateway(self.janus.ws) as gateway:
            gateway.observe({"id": 3})
            viewer = gateway.watch({"id": 3})
            viewer.wait(lambda v: v.video and v.audio)
            start = viewer.rtp_start["video"]
            segment = gateway.request({"request": "enqueue", "id": 3, "file": "sound.wav"})["segment"]
            begins, ends = (gateway.wait_event(event, segment=segment)[1]["media_ms"] for event in ("started", "finished"))
            self.assertGreaterEqual(ends - begins, 3000)
            viewer.wait_until(ends + 500)
            shown = [((p.ts - start) % (1 << 32) / 90, p.data) for p in rtp.pictures(viewer.video) if not p.key]
            during = {data for ms, data in shown if begins <= ms < ends}
            self.assertGreater(len(during), 50)
            self.assertLessEqual(during, speaking)
            self.assertFalse(during & idle)
            self.assertLessEqual({data for ms, data in shown if not begins <= ms < ends}, idle)
            self.assertTrue([data for ms, data in shown if ms >= ends])
            self.assertEqual(sum(p.key for p in rtp.pictures(viewer.video)), 1)

    @staticmethod
    def last(seen, units):
        """Where the last of these is."""
        return max(number for number, data in enumerate(seen) if data in units)

    def clip(self, count):
        """The pictures of the clip that has so many, as it was prepared. It is in the cache a moment after it is played."""
        end = time.monotonic() + WAIT_S
        while True:
            clips = [dhs.Segment(path) for path in glob.glob(self.janus.path("cache/*.dhs"))]
            for clip in clips:
                if not clip.audio and len(clip.video) == count:
                    return {unit.data for unit in clip.video}
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
