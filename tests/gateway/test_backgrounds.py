#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Avatars and segments that are partly transparent, on a colour and on a picture, against a real Janus: what is prepared is
read from the cache. And how long a segment is said to last before that is known."""
import glob
import time
import unittest

import marks
import rtp
from dhs import Segment
from janus_server import JanusServer
from request_case import RequestCase

JCFG = """
general: { segments_folder = "{folder}/segments" cache_folder = "{folder}/cache" worker = "{prepare}" }
avatar-grey: { width = 64 height = 64 portrait = "{folder}/clear.png" kbps = 400 }
avatar-coloured: { width = 64 height = 64 portrait = "{folder}/clear.png" kbps = 400 background = "#0000ff" }
avatar-pictured: { width = 64 height = 64 idle = "{folder}/clear.mov" kbps = 400 background = "{folder}/behind.png" }
avatar-wrong: { width = 64 height = 64 idle = "{folder}/clear.mov" background = "blue" }
avatar-lost: { width = 64 height = 64 idle = "{folder}/clear.mov" background = "{folder}/nothing.png" }
room-one: { id = 1 avatar = "grey" }
room-two: { id = 2 avatar = "coloured" }
room-three: { id = 3 avatar = "pictured" }
room-lost: { id = 5 avatar = "lost" }
"""


class Server(JanusServer):
    def write_configuration(self):
        super().write_configuration()
        clear = "color=white@0:size=64x64:rate=5:duration=0.4,format=rgba"
        half = "color=white@0.5:size=64x64:rate=25:duration=0.4,format=rgba"
        for source, name, options in ((clear, "clear.png", ["-frames:v", 1]), (clear, "clear.mov", ["-c:v", "png"]),
                                      (half, "segments/half.mov", ["-c:v", "png"]), ("color=black:size=200x64", "behind.png", ["-frames:v", 1]),
                                      ("color=red:size=64x64:rate=2:duration=600", "segments/long.mp4", ["-c:v", "libx264", "-pix_fmt", "yuv420p"])):
            marks.ffmpeg("-f", "lavfi", "-i", source, *options, self.path(name))


class Backgrounds(RequestCase):
    @classmethod
    def setUpClass(cls):
        cls.begin(Server(JCFG), (1, 2, 3))

    def shown(self):
        """Blue (U) and brightness in the middle of whatever is in the cache, without backgrounds."""
        values = set()
        for path in glob.glob(self.janus.path("cache/*.dhs")):
            segment = Segment(path)
            picture = rtp.decode_pictures([segment.anchor] + [unit.data for unit in segment.video])[-1]
            values.add((segment.picture, round(int(picture[32, 32]) / 4), round(int(picture[64 + 8].flat[8]) / 4)))
        return values

    def test_what_is_transparent(self):
        handles = [self.attach() for _ in range(3)]
        for room, handle in enumerate(handles, 1):
            handle.request({"request": "observe", "id": room})
            handle.request({"request": "enqueue", "id": room, "file": "half.mov"})
            handle.events.wait(lambda e: e.get("event") == "finished")
        # grey, blue, black; half white on each; by whether it is an avatar
        expected = {(True, round(201.5 / 4), 32), (True, round(41 / 4), round(240 / 4)), (True, 4, 32),
                    (False, round(218 / 4), 32), (False, round(138 / 4), round(184 / 4)), (False, round(125.5 / 4), 32)}
        end = time.monotonic() + 60
        while time.monotonic() < end:
            seen = self.shown()
            missing = [e for e in expected if not any(e[0] == s[0] and abs(e[1] - s[1]) <= 1 and abs(e[2] - s[2]) <= 1 for s in seen)]
            if not missing:
                break
            time.sleep(0.1)
        self.assertEqual(missing, [], seen)

    def test_what_is_said_of_it(self):
        for room, background in ((1, "#d8d8d8"), (2, "#0000ff"), (3, "picture")):
            self.assertEqual(self.ask("info", id=room)["info"]["background"], background)
        self.janus.wait_log('avatar-wrong: background: a colour ("#rrggbb"), the path of a picture ("/...") or "transparent" is expected')
        self.janus.wait_for_state(self.handle, 5, "failed")
        self.assertIn("nothing.png", self.ask("info", id=5)["info"]["error"])

    def test_a_stated_duration(self):
        """Of a file of ten minutes: at once, said to be stated until all of it is prepared, then no more."""
        handle = self.attach()
        handle.request({"request": "observe", "id": 1})
        segment = self.ask("enqueue", id=1, file="long.mp4")["segment"]
        ready = handle.events.wait(lambda e: e.get("event") == "ready" and e["segment"] == segment)
        self.assertEqual((ready["duration_ms"], ready.get("duration_stated", True)), (600000, True))
        end = time.monotonic() + 100
        while "duration_stated" in self.ask("progress", id=1, segment=segment) and time.monotonic() < end:
            time.sleep(0.05)
        for said in (self.ask("progress", id=1, segment=segment), self.ask("queue", id=1)["playing"]):
            self.assertEqual((said["duration_ms"], said.get("duration_stated")), (600000, None))
        self.ask("interrupt", id=1)


if __name__ == "__main__":
    unittest.main()
