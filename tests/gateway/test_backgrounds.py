#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Avatars and segments that are partly transparent, on a colour and on a picture, against a real Janus: what is prepared is
read from the cache. Disclosure marks over them, in all that a room sends. And how long a segment is said to last before that
is known."""
import glob
import os
import struct
import subprocess
import sys
import time
import unittest

import av
import numpy as np

import marks
import pushing
import rtp
from dhs import Segment
from janus_server import JanusServer
from request_case import RequestCase

sys.path.insert(0, os.path.join(os.environ["DH_ROOT"], "clients", "python"))
from digitalhuman import EncodeError, Stage

JCFG = """
general: { segments_folder = "{folder}/segments" cache_folder = "{folder}/cache" worker = "{prepare}"
    recordings_folder = "{folder}" push_socket = "{folder}/push.sock" }
avatar-grey: { width = 64 height = 64 portrait = "{folder}/clear.png" kbps = 400 }
avatar-coloured: { width = 64 height = 64 portrait = "{folder}/clear.png" kbps = 400 background = "#0000ff" }
avatar-pictured: { width = 64 height = 64 idle = "{folder}/clear.mov" kbps = 400 background = "{folder}/behind.png" }
avatar-wrong: { width = 64 height = 64 idle = "{folder}/clear.mov" background = "blue" }
avatar-lost: { width = 64 height = 64 idle = "{folder}/clear.mov" background = "{folder}/nothing.png" }
avatar-marked: { width = 64 height = 64 portrait = "{folder}/dark.png" listening = "{folder}/segments/dark.mp4" kbps = 800
    disclosure_mark = "{folder}/mark.png" }
avatar-marked-above: { width = 64 height = 64 idle = "{folder}/segments/dark.mp4" kbps = 800 disclosure_mark = "{folder}/mark.png"
    disclosure_mark_at = "top-left" }
avatar-unmarked: { width = 64 height = 64 idle = "{folder}/plain.dhs" disclosure_mark = "{folder}/mark.png" }
avatar-mark-lost: { width = 64 height = 64 portrait = "{folder}/dark.png" disclosure_mark = "{folder}/nothing.png" }
avatar-mark-empty: { width = 64 height = 64 portrait = "{folder}/dark.png" disclosure_mark = "{folder}/clear.png" }
avatar-mark-relative: { width = 64 height = 64 portrait = "{folder}/dark.png" disclosure_mark = "mark.png" }
avatar-mark-nowhere: { width = 64 height = 64 portrait = "{folder}/dark.png" disclosure_mark_at = "middle" }
room-one: { id = 1 avatar = "grey" }
room-two: { id = 2 avatar = "coloured" }
room-three: { id = 3 avatar = "pictured" }
room-lost: { id = 5 avatar = "lost" }
room-marked: { id = 6 avatar = "marked" }
room-marked-above: { id = 7 avatar = "marked-above" }
room-unmarked: { id = 8 avatar = "unmarked" }
room-mark-lost: { id = 9 avatar = "mark-lost" }
room-mark-empty: { id = 10 avatar = "mark-empty" }
"""


class Server(JanusServer):
    def write_configuration(self):
        super().write_configuration()
        clear = "color=white@0:size=64x64:rate=5:duration=0.4,format=rgba"
        half = "color=white@0.5:size=64x64:rate=25:duration=0.4,format=rgba"
        for source, name, options in ((clear, "clear.png", ["-frames:v", 1]), (clear, "clear.mov", ["-c:v", "png"]),
                                      (half, "segments/half.mov", ["-c:v", "png"]), ("color=black:size=200x64", "behind.png", ["-frames:v", 1]),
                                      ("color=red:size=64x64:rate=5:duration=600", "segments/long.mp4", ["-c:v", "libx264", "-pix_fmt", "yuv420p"])):
            marks.ffmpeg("-f", "lavfi", "-i", source, *options, self.path(name))
        for source, name, options in (("color=white:size=12x10", "mark.png", ["-frames:v", 1]), ("color=black:size=64x64", "dark.png", ["-frames:v", 1]),
                                      ("color=black:size=64x64:rate=25:duration=0.4", "segments/dark.mp4", ["-c:v", "libx264", "-pix_fmt", "yuv420p"]),
                                      ("color=black:size=64x64:rate=25:duration=0.4", "dark.nut", ["-c:v", "rawvideo", "-pix_fmt", "bgr24"])):
            marks.ffmpeg("-f", "lavfi", "-i", source, *options, self.path(name))
        marks.ffmpeg("-f", "lavfi", "-i", "color=red:size=64x64:rate=5:duration=300", "-c:v", "libx264", "-preset", "ultrafast",
                     "-pix_fmt", "yuv420p", self.path("segments/half.mkv"))
        with open(self.path("segments/half.mkv"), "r+b") as file:
            at = file.read(4096).index(b"\x44\x89\x88") + 3  # its header's duration in ms: eight bytes of a float
            file.seek(at)
            stated, = struct.unpack(">d", file.read(8))
            assert abs(stated - 300000) < 1, stated
            file.seek(at)
            file.write(struct.pack(">d", 600000))
        self.encode("--portrait", self.path("dark.png"), "-o", self.path("plain.dhs"))
        self.encode(self.path("dark.nut"), "--avatar", self.path("plain.dhs"), "-o", self.path("segments/unmarked.dhs"))

    def encode(self, *args):
        subprocess.run([os.environ["DH_PREPARE"], "--quiet", *args], check=True)


class Backgrounds(RequestCase):
    @classmethod
    def setUpClass(cls):
        cls.begin(Server(JCFG), (1, 2, 3, 6, 7))

    def shown(self):
        """Blue (U) and brightness in the middle of whatever is in the cache, without backgrounds."""
        values = set()
        for path in glob.glob(self.janus.path("cache/*.dhs")):
            segment = Segment(path)
            if segment.width != 64:     # a mark
                continue
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

    def test_transparent_arrays(self):
        """The Python client leaves them to the gateway, which alone has the picture that they stand on."""
        handle = self.attach()
        handle.request({"request": "observe", "id": 3})
        self.ask("recording", id=3, action="start", name="arrays")
        half = np.full((64, 64, 4), (255, 255, 255, 128), np.uint8)
        with Stage(f"unix:{self.janus.path('push.sock')}", 3, dh_prepare=self.janus.prepare) as stage:
            with stage.segment(fps=25, pixel_format="bgra") as s:
                for _ in range(25):
                    s.push(half)
            self.assertEqual(s.result.event, "finished")
            with self.assertRaisesRegex(EncodeError, "encode=False"):
                stage.segment(fps=25, pixel_format="bgra", encode=True).open()
        self.ask("recording", id=3, action="stop")
        told = handle.events.wait(lambda e: e.get("event") == "recorded")
        self.assertIsNone(told.get("error"), told)
        with av.open(self.janus.path("arrays.webm")) as media:
            shown = [int(frame.to_ndarray(format="gray")[32, 32]) for frame in media.decode(video=0)]
        self.assertLessEqual(abs(max(shown) - 125), 4, shown)       # half white on black

    def test_what_is_said_of_it(self):
        for room, background in ((1, "#d8d8d8"), (2, "#0000ff"), (3, "picture")):
            self.assertEqual(self.ask("info", id=room)["info"]["background"], background)
        self.janus.wait_log('avatar-wrong: background: a colour ("#rrggbb"), the path of a picture ("/...") or "transparent" is expected')
        self.janus.wait_for_state(self.handle, 5, "failed")
        self.assertIn("nothing.png", self.ask("info", id=5)["info"]["error"])

    # --- disclosure marks

    def push(self, room, path):
        push = pushing.Push(self.janus.path("push.sock"), {"room": room, "name": os.path.basename(path)})
        with open(path, "rb") as file:
            push.send(file.read())
        push.end()
        self.addCleanup(push.close)
        return push.result()

    def play(self, room):
        """All that a room can send, recorded: its clips, files, what is pushed raw and what was encoded elsewhere."""
        handle = self.attach()
        handle.request({"request": "observe", "id": room})
        self.ask("recording", id=room, action="start", name=f"room-{room}")
        handle.request({"request": "enqueue", "id": room, "file": "dark.mp4"})
        handle.events.wait(lambda e: e.get("event") == "finished")
        self.assertEqual(self.push(room, self.janus.path("dark.nut"))["event"], "finished")
        with open(self.janus.path("anchor.dhs"), "wb") as file:
            file.write(pushing.anchor(self.janus.path("push.sock"), room))
        self.janus.encode(self.janus.path("dark.nut"), "--avatar", self.janus.path("anchor.dhs"), "-o", self.janus.path("pushed.dhs"))
        self.assertEqual(self.push(room, self.janus.path("pushed.dhs"))["event"], "finished")
        self.ask("state", id=room, state="listening")
        time.sleep(0.5)
        self.ask("recording", id=room, action="stop")
        told = handle.events.wait(lambda e: e.get("event") == "recorded")
        self.assertIsNone(told.get("error"), told)
        with av.open(self.janus.path(f"room-{room}.webm")) as media:
            return [frame.to_ndarray(format="gray") for frame in media.decode(video=0)]

    def test_marked_pictures(self):
        """In each of them, in its avatar's corner, though both rooms played the same file."""
        for room, marked, unmarked in ((6, (slice(52, 62), slice(50, 62)), (slice(0, 40), slice(0, 40))),
                                       (7, (slice(2, 12), slice(2, 14)), (slice(24, 64), slice(24, 64)))):
            pictures = self.play(room)
            self.assertGreater(len(pictures), 30)
            self.assertEqual([n for n, p in enumerate(pictures) if p[marked][2:-2, 2:-2].min() < 180 or p[unmarked].max() > 70], [])
            failed = self.push(room, self.janus.path("segments/unmarked.dhs"))
            self.assertEqual(failed["event"], "failed", failed)
            self.assertIn("without --disclosure-mark", failed["error"])

    def test_what_is_said_of_marks(self):
        self.assertEqual([self.ask("info", id=room)["info"].get("disclosure_mark") for room in (1, 6, 7)], [None, True, True])
        for room, words in ((8, "prepared without --disclosure-mark"), (9, "disclosure_mark: no such file: "),
                            (10, "disclosure_mark: ")):
            self.janus.wait_for_state(self.handle, room, "failed")
            self.assertIn(words, self.ask("info", id=room)["info"]["error"])
        self.assertIn("transparent everywhere", self.ask("info", id=10)["info"]["error"])
        self.janus.wait_log('avatar-mark-relative: disclosure_mark: the path of a picture ("/...") is expected')
        self.janus.wait_log('avatar-mark-nowhere: disclosure_mark_at: "bottom-right", "bottom-left", "top-right" or "top-left" is expected')

    def test_a_stated_duration(self):
        """Of a file whose header says ten minutes: at once, said to be stated until all of it is prepared, then no more,
        and then it is the right one."""
        handle = self.attach()
        handle.request({"request": "observe", "id": 1})
        for name, duration in (("long.mp4", 600000), ("half.mkv", 300000)):
            with self.subTest(name):
                segment = self.ask("enqueue", id=1, file=name)["segment"]
                ready = handle.events.wait(lambda e: e.get("event") == "ready" and e["segment"] == segment)
                self.assertEqual((ready["duration_ms"], ready.get("duration_stated")), (600000, True))
                end = time.monotonic() + 100
                while "duration_stated" in self.ask("progress", id=1, segment=segment) and time.monotonic() < end:
                    time.sleep(0.05)
                for said in (self.ask("progress", id=1, segment=segment), self.ask("queue", id=1)["playing"]):
                    self.assertEqual((said["duration_ms"], said.get("duration_stated")), (duration, None))
                self.ask("interrupt", id=1)


if __name__ == "__main__":
    unittest.main()
