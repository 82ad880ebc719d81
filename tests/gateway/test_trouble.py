# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Janus in trouble: files that are not media, workers that die, viewers that vanish.

Whatever is wrong costs the one segment or the one viewer, and leaves nothing behind.
"""
import os
import unittest

import numpy as np

import marks
from media_case import Case
from hosted_room import HostedRoom
from viewers import Gateway, Refused

hosted = None


def setUpModule():
    global hosted
    hosted = Case.hosted = HostedRoom()
    unittest.addModuleCleanup(hosted.close)
    marks.write_mp4(f"{hosted.segments}/good.mp4", 0.6, hosted.size)


class Departures(Case):
    def test_comings_and_goings_leave_nothing(self):
        def detaches():
            self.watch(pictures=1).leave()

        def hangs_up():
            with Gateway(hosted.server.ws) as gateway:
                gateway.watch({"id": 1}).leave(detach=False)

        def vanishes():
            with Gateway(hosted.server.ws) as gateway:
                gateway.watch({"id": 1})
                gateway.drop()

        def round_of(count):
            for _ in range(count // 3):
                detaches()
                hangs_up()
                vanishes()

        round_of(6)  # whatever is allocated once is allocated now
        before = hosted.settled_use()
        round_of(30)
        after = hosted.settled_use(atmost=before)
        for what, count in before.items():
            self.assertLessEqual(after[what], count, f"{what}: {before} before, {after} after")
        info = self.gateway.request({"request": "info", "id": 1})["info"]
        self.assertEqual(info["viewers"], 0)


class Trouble(Case):
    """Whatever is wrong costs only its own segment; the room plays on."""

    def ends(self, file, timeout=120):
        """How an enqueued file ended: refused, failed or finished."""
        since = len(self.gateway.events)
        try:
            segment = self.enqueue(file)
        except Refused as refused:
            return "refused", refused.code
        found = self.gateway.wait_event(("failed", "finished"), since, timeout, segment=segment)[1]
        if found["event"] == "failed":
            self.assertEqual(found["error_code"], 465)
            self.assertTrue(found["error"])
        return found["event"], found.get("error")

    def write(self, name, data):
        with open(f"{hosted.segments}/{name}", "wb") as file:
            file.write(data)
        return name

    def bad_files(self):
        with open(f"{hosted.segments}/good.mp4", "rb") as file:
            good = file.read()
        yield "empty.mp4", self.write("empty.mp4", b"")
        yield "text", self.write("text.mp4", b"It was a dark and stormy night.\n" * 200)
        yield "truncated", self.write("truncated.mp4", good[:len(good) // 2])
        yield "noise", self.write("noise.mp4", np.random.default_rng(7).bytes(100000))
        yield "damaged header", self.write("damaged.mp4", b"\xff" * 64 + good[64:])
        yield "playlist", self.write("list.m3u8", b"#EXTM3U\n#EXTINF:2,\ngood.mp4\n#EXT-X-ENDLIST\n")
        yield "concat list", self.write("list.txt", b"ffconcat version 1.0\nfile 'good.mp4'\n")
        other = f"ffconcat version 1.0\nfile '{hosted.segments}/good.mp4'\n".encode()
        yield "playlist as mp4", self.write("list.mp4", other)
        yield "no frames", self.write("none.y4m", b"YUV4MPEG2 W64 H64 F25:1 Ip A1:1 C420jpeg\n")
        yield "only the word", self.write("word.dhs", b"DHS1")
        with open(hosted.prepared_path("good.mp4"), "rb") as file:
            prepared = file.read()
        half = len(prepared) // 2
        yield "prepared, cut", self.write("cut.dhs", prepared[:half + 7])
        yield "prepared, one bit wrong", self.write(
            "bit.dhs", prepared[:half] + bytes([prepared[half] ^ 4]) + prepared[half + 1:])
        marks.ffmpeg("-f", "lavfi", "-i", "color=c=red:s=20000x64:d=0.1:r=10", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p",
                     f"{hosted.segments}/wide.mkv")
        yield "20,000 pixels wide", "wide.mkv"
        marks.ffmpeg("-f", "lavfi", "-i", "color=c=red:s=64x64", "-frames:v", 0, f"{hosted.segments}/frameless.mp4")
        yield "an MP4 without a frame", "frameless.mp4"

    def test_bad_files_fail_and_the_next_plays(self):
        viewer = self.watch()
        self.play("good.mp4")
        for what, name in self.bad_files():
            with self.subTest(what):
                end, detail = self.ends(name)
                self.assertEqual(end, "failed", (what, detail))
                self.assertEqual(self.ends("good.mp4"), ("finished", None))
        viewer.leave()
        self.assert_continuous(viewer)

    def test_what_is_not_there_is_refused(self):
        self.watch()
        os.makedirs(f"{hosted.segments}/folder.mp4", exist_ok=True)
        if not os.path.lexists(f"{hosted.segments}/out.mp4"):
            os.symlink("/etc/hostname", f"{hosted.segments}/out.mp4")
        for name in ("missing.mp4", "../idle.mp4", "/etc/passwd", "folder.mp4", "out.mp4", "", "."):
            with self.subTest(name), self.assertRaises(Refused) as refused:
                self.enqueue(name)
            self.assertIn(refused.exception.code, (454, 462), name)
        self.assertEqual(self.ends("good.mp4")[0], "finished")

    def test_a_worker_that_dies_costs_its_segment(self):
        viewer = self.watch()
        marks.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d=60", "-f", "lavfi", "-i", "sine=d=60",
                     "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:v", "libx264", f"{hosted.segments}/heavy.mp4")
        since = len(self.gateway.events)
        segment = self.enqueue("heavy.mp4")
        hosted.kill_busy_worker()
        failed = self.gateway.wait_event("failed", since, segment=segment)[1]
        self.assertEqual(failed["error_code"], 465)
        self.assertEqual(self.ends("good.mp4"), ("finished", None))
        viewer.leave()
        self.assert_continuous(viewer)
        self.assertTrue(hosted.alive())


if __name__ == "__main__":
    unittest.main()
