#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an avatar does while it does not speak: its clips, the request `state`, and what it does by itself."""
import os
import time
import unittest

import dhs
import rtp
from janus_server import WAIT_S
from pushable import PushableServer
from request_case import RequestCase, media
from viewers import Gateway

JCFG = """
general: { cache_folder = "{folder}/cache" worker = "{prepare}" segments_folder = "{folder}/segments" push_listen = "127.0.0.1:PORT" }
avatar-full: { width = 64 height = 64 idle = "{folder}/idle.avi" listening = "{folder}/listening.avi"
    thinking = "{folder}/segments/two.avi" speaking = "{folder}/missing.avi" kbps = 200 }
avatar-small: { width = 64 height = 64 idle = "{folder}/idle.avi" kbps = 200 }
generator-talker: { command = [ "{talker}", "--size", "64x64" ] }
room-one: { id = 1 avatar = "full" generator = "talker" }
room-two: { id = 2 avatar = "small" generator = "talker" }
"""


class Server(PushableServer):
    def write_configuration(self):
        super().write_configuration()
        media(self.path("listening.avi"), 3)


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
        self.ask("say", id=1, text="Good morning to all of you, and welcome.", segment="hello")
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

    def test_what_is_seen(self):
        """No key frame between the clips, and each picture is one of the clip's."""
        with Gateway(self.janus.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.video and len(v.video.packets) > 20)
            self.ask("state", id=1, state="listening")
            time.sleep(1)
            self.ask("state", id=1, state="idle")
            time.sleep(0.5)
            pictures = rtp.pictures(viewer.video)
        self.assertEqual(sum(p.key for p in pictures), 1)
        folder = self.janus.path("cache")
        clips = [[u.data for u in dhs.Segment(os.path.join(folder, name)).video] for name in os.listdir(folder)
                 if name.endswith(".dhs")]
        seen = {n for p in pictures for n, clip in enumerate(clips) if p.data in clip and not p.key}
        self.assertGreater(len(seen), 1)


if __name__ == "__main__":
    unittest.main()
