# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything at once and at random: viewers that join and leave, segments, rooms that come and go.

Nothing may crash, hang, leak or report (see janus_server), every segment ends
exactly once, and at the end Janus goes down with all of it under way.
DH_STRESS_SECONDS says how long (default 10), DH_STRESS_SEED repeats a run.
"""
import collections
import os
import random
import threading
import time
import unittest

from ffmpeg import ffmpeg
from janus_server import JanusServer
from viewer import Dismissed
from viewers import Gateway, Refused

SECONDS = float(os.environ.get("DH_STRESS_SECONDS", "10"))
SEED = int(os.environ.get("DH_STRESS_SEED", random.randrange(1000000)))
ENDS = ("finished", "interrupted", "skipped", "removed", "failed")
MAY_FAIL = (455, 460, 463, 464, 466)     # the room, segment or viewer just does not exist

JCFG = """
general: {
    segments_folder = "{folder}/segments"
    cache_folder = "{folder}/cache"
    worker = "{prepare}"
    max_rooms = 8
    max_queue = 5
    max_per_session = 200
    watch_timeout_s = 3600
    worker_memory_mb = 0
}
generator-cat: { command = ( "/bin/cat", "{folder}/clip.nut" ) }
generator-slow: { command = ( "/bin/sleep", "100" ) }
avatar-clip: { width = 96 height = 96 idle = "{folder}/clip.nut" kbps = 200 }
avatar-still: { width = 64 height = 64 portrait = "{folder}/still.png" kbps = 200 }
room-1: { id = 1 avatar = "clip" generator = "cat" }
room-2: { id = 2 avatar = "still" generator = "slow" }
"""


class Server(JanusServer):
    def write_configuration(self):
        super().write_configuration()
        picture = ["-f", "lavfi", "-i", "testsrc2=s=96x96:r=25:d=1"]
        ffmpeg(*picture, "-f", "lavfi", "-i", "sine=440:d=1", "-c:v", "rawvideo", "-pix_fmt", "yuv420p",
               "-c:a", "pcm_s16le", self.path("clip.nut"))
        ffmpeg(*picture, "-frames:v", "1", self.path("still.png"))
        os.link(self.path("clip.nut"), self.path("segments/clip.nut"))
        self.write("segments/nonsense.mp4", "nonsense" * 1000)


class Actor(threading.Thread):
    """Does something at random until the time is over."""

    def __init__(self, stress, number):
        super().__init__()
        self.stress, self.random = stress, random.Random(SEED * 100 + number)
        self.error = None

    def run(self):
        try:
            self.act()
        except Exception as error:      # the test reports it
            self.error = error


class Commander(Actor):
    REQUESTS = ("enqueue", "enqueue", "enqueue", "nonsense", "say", "say", "interrupt", "skip", "remove",
                "queue", "list", "info", "create", "destroy", "watch", "stop", "hangup", "detach",
                "edit", "enable", "disable", "enable", "kick", "stats", "observe")

    def act(self):
        session = self.stress.janus.session()
        self.handle, self.rooms = session.attach(), []
        while time.monotonic() < self.stress.end:
            self.do(session, self.random.choice(self.REQUESTS))
            time.sleep(self.random.random() * 0.05)

    def do(self, session, request):
        room = self.random.choice([1, 2, 99] + self.rooms)
        body = {"request": request, "id": room}
        if request == "detach":
            self.handle.detach()
            self.handle = session.attach()
            return
        if request == "hangup":
            self.handle.hangup()
            return
        if request in ("enqueue", "nonsense"):
            body.update(request="enqueue", file="clip.nut" if request == "enqueue" else "nonsense.mp4")
        elif request == "say":
            body["text"] = "Hello"
        elif request == "remove":
            body["segment"] = "s-%d" % self.random.randint(1, 50)
        elif request == "create":
            body = {"request": "create", "avatar": self.random.choice(["clip", "still"]), "generator": "cat"}
        elif request == "kick":
            body["viewer"] = self.somebody(room)
        elif request == "edit":
            body.update(new_description="edit %d" % self.random.randint(1, 99), edited_event=True)
        elif request == "destroy":
            body["id"] = self.random.choice(self.rooms or [99])
        answer = self.handle.request(body)
        self.stress.count(request, answer)
        if request == "create" and "id" in answer:
            self.rooms.append(answer["id"])
        if "destroyed" in answer:
            self.rooms.remove(answer["destroyed"])

    def somebody(self, room):
        """A viewer whose connection is up; one kicked before that would wait in vain."""
        viewers = self.handle.request({"request": "stats", "id": room}).get("viewers", [])
        return self.random.choice([v["viewer"] for v in viewers if v["media"]] or [1 << 30])


class Watcher(Actor):
    def act(self):
        with Gateway(self.stress.janus.ws) as gateway:
            while time.monotonic() < self.stress.end:
                try:
                    self.watch(gateway)
                except (Refused, Dismissed):            # it was kicked meanwhile
                    self.stress.counts["kicked"] += 1

    def watch(self, gateway):
        viewer = gateway.watch({"id": self.random.choice([1, 2])})
        time.sleep(self.random.random() * 2)
        for request in ("pause", "start"):
            if self.random.random() < 0.3:
                viewer.request({"request": request})
        viewer.leave(detach=self.random.random() < 0.7)
        self.stress.counts["viewers"] += 1


class Stress(unittest.TestCase):
    def count(self, request, answer):
        code = answer.get("error_code")
        self.counts[(request, code)] += 1
        if code not in (None,) + MAY_FAIL:
            self.fail("%s: %s" % (request, answer))

    def test_everything_at_once(self):
        self.counts = collections.Counter()
        with Server(JCFG) as self.janus:
            observer = self.janus.attach()
            for room in (1, 2):
                self.janus.wait_for_state(observer, room, "idle")
            observers = [self.janus.attach() for _ in range(2)]
            for room, handle in enumerate(observers, 1):
                handle.request({"request": "observe", "id": room})
            self.end = time.monotonic() + SECONDS
            actors = [Commander(self, n) for n in range(4)] + [Watcher(self, n) for n in range(4, 8)]
            for actor in actors:
                actor.start()
            for actor in actors:
                actor.join(SECONDS + 120)
                self.assertFalse(actor.is_alive(), "seed %d: somebody hangs" % SEED)
                self.assertIsNone(actor.error, "seed %d: %r" % (SEED, actor.error))
            for room, handle in enumerate(observers, 1):
                self.every_segment_ends_once(room, handle)
            self.assertGreater(self.counts["viewers"], 0)
            # and down with all of it
            for n in range(3):
                for room in (1, 2):
                    observer.request({"request": "enqueue", "id": room, "file": "clip.nut"})
                    observer.request({"request": "say", "id": room, "text": "Good bye"})
            with Gateway(self.janus.ws) as gateway:
                for room in (1, 2, 1):
                    gateway.watch({"id": room})
                self.janus.stop()

    def every_segment_ends_once(self, room, handle):
        handle.request({"request": "interrupt", "id": room})
        handle.events.wait(lambda e: e.get("event") == "idle" or e.get("event") in ENDS)
        end = time.monotonic() + 60
        while True:
            events = [e for e in handle.events.data() if "segment" in e]
            queued = sorted(e["segment"] for e in events if e["event"] == "queued")
            ended = sorted(e["segment"] for e in events if e["event"] in ENDS)
            if queued == ended or time.monotonic() > end:
                break
            time.sleep(0.05)
        self.assertEqual(queued, ended, "seed %d" % SEED)
        self.assertTrue(queued)


if __name__ == "__main__":
    unittest.main()
