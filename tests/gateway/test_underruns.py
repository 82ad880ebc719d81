# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose word counts when media come late: the room's, the generator's or the segment's."""
import queue
import time
import unittest

from pushable import PushableServer
from pushing import Push
from request_case import media
from service_case import Server, Services

FIRST, SECOND = 0.2, 0.7        # of a segment of 3 s: the parts in which its media come
LATE_MS = 1500                  # a preroll that is between them
ROOM = {"underrun": "idle", "preroll_ms": LATE_MS}

# The room, its generator, what the segment asks for; what it does at last, and whether the first part is enough.
LEVELS = (
    ({}, "says-nothing", {}, "hold", True),
    (ROOM, "says-nothing", {}, "idle", False),
    ({}, "idles", {}, "idle", False),
    (ROOM, "skips", {}, "skip", True),
    (ROOM, "learns", {}, "idle", True),
    ({"underrun": "skip", "preroll_ms": 100}, "idles", {}, "idle", False),
    (ROOM, "says-nothing", {"underrun": "skip", "preroll_ms": 100}, "skip", True),
    (ROOM, "skips", {"underrun": "hold", "preroll_ms": LATE_MS}, "hold", False),
    ({}, "idles", {"underrun": "hold"}, "hold", False),
    (ROOM, "idles", {"preroll_ms": 0}, "idle", True),
)


class UnderrunServer(Server, PushableServer):
    def write_configuration(self):
        super().write_configuration()
        media(self.path("3.nut"), 3)


class Underruns(Services):
    server = UnderrunServer
    settings = 'push_listen = "127.0.0.1:PORT" ahead_ms = 4000'

    @classmethod
    def more(cls, service):
        url = service("pieces").url
        idles = 'underrun = "idle" preroll_ms = %d' % LATE_MS
        cls.generators = "".join('generator-%s: { url = "%s" %s }\n' % (name, url, options) for name, options in (
            ("says-nothing", ""), ("skips", 'underrun = "skip" preroll_ms = 100'), ("idles", idles), ("learns", "preroll_ms = 0")))
        cls.generators += 'room-configured: { id = 7 avatar = "small" generator = "says-nothing" %s }\n' % idles

    def setUp(self):
        super().setUp()
        with open(self.janus.path("3.nut"), "rb") as file:
            whole = file.read()
        ends = (0, int(FIRST * len(whole)), int(SECOND * len(whole)), len(whole))
        self.pieces = [whole[begin:end] for begin, end in zip(ends, ends[1:])]

    def said(self, room, **fields):
        """Its id, and how to send its media."""
        parts = queue.Queue()
        self.answers["pieces"] = lambda asked: [asked.send(part) for part in iter(parts.get, b"")]
        return self.say(room, **fields), parts.put

    def check(self, room, events, segment, send, expected):
        """It starts with what is enough, then has nothing more to play until the rest comes."""
        underrun, is_early = expected
        send(self.pieces[0])
        if not is_early:
            self.await_known(room, 400)
            time.sleep(0.3)             # it would have started by now
            self.assertNotIn("started", [e["event"] for e in events.data() if e.get("segment") == segment])
            send(self.pieces[1])
        self.assertEqual(self.event(events, segment, "started", "failed")["event"], "started")
        self.assertEqual(self.event(events, segment, "held", "failed", "finished").get("underrun"), underrun)
        for piece in self.pieces[1 if is_early else 2:]:
            send(piece)
        send(b"")
        self.assertEqual(self.event(events, segment, "resumed", "failed", "finished").get("underrun"), underrun)
        self.assertEqual(self.end_of(events, segment)["event"], "finished")

    def await_known(self, room, ms):
        end = time.monotonic() + 60
        while self.ask("queue", id=room)["queued_ms"] < ms:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def test_levels(self):
        for fields, generator, asked, *expected in LEVELS:
            with self.subTest(room=fields, generator=generator, segment=asked):
                room, events = self.speaking_room(generator, **fields)
                self.check(room, events, *self.said(room, **asked), expected)

    def test_a_room_of_the_configuration(self):
        observer = self.attach()
        observer.request({"request": "observe", "id": 7})
        self.janus.wait_for_state(self.handle, 7, "idle")
        self.check(7, observer.events, *self.said(7), ("idle", False))

    def test_a_push_is_not_the_generators(self):
        for fields, asked, *expected in (({}, {}, "hold", True), (ROOM, {}, "idle", False),
                                         (ROOM, {"underrun": "skip", "preroll_ms": 100}, "skip", True)):
            with self.subTest(room=fields, segment=asked):
                room, events = self.speaking_room("idles" if not fields else "skips", **fields)
                push = Push(("127.0.0.1", self.janus.push_port), {"room": room, "segment": "pushed", **asked})
                self.addCleanup(push.close)
                self.check(room, events, "pushed", lambda part, push=push: push.send(part) if part else push.end(), expected)


if __name__ == "__main__":
    unittest.main()
