#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare --check-idle: lips that move in silence, and loops that jump. DH_PREPARE and DH_TALKER name the programs."""
import math
import os
import subprocess
import tempfile
import unittest

import numpy as np

import marks
import poses
from prepared import PREPARE, FORMAT, USAGE, prepare

SIZE, FPS, SECONDS = 128, 25, 6
FOUND = 10
MOUTH = ("--mouth", "30,45,40x25")


class CheckIdle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temp = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temp.cleanup)
        cls.folder = temp.name

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def check(self, path, *options, code=0):
        done = subprocess.run([PREPARE, "--check-idle", path, *options], capture_output=True, timeout=120)
        self.assertEqual(done.returncode, code, done)
        self.assertEqual(done.stderr, b"")
        return dict(line.split(":", 1) for line in done.stdout.decode().splitlines())

    def write(self, name, speaks=lambda t: False, place=lambda t: poses.idle_place(t, SECONDS), grain=0):
        """A head that idles; where it `speaks`, its lips move."""
        noise = np.random.default_rng(3)
        pictures = []
        for n in range(SECONDS * FPS):
            t = n / FPS
            image = poses.picture(SIZE, *place(t), mouth=0.05 * abs(math.sin(11 * t)) if speaks(t) else 0)
            image = image.astype(int) + noise.integers(-grain, grain + 1, image.shape)
            pictures.append(image.clip(0, 255).astype(np.uint8))
        return poses.write(self.path(name), pictures, FPS)

    def test_still_lips(self):
        for name, options in {"calm": {}, "grainy": {"grain": 3},
                              "nods": {"place": lambda t: (0.5, 0.45 + 0.05 * math.sin(2 * math.pi * t))}}.items():
            with self.subTest(name):
                said = self.check(self.write("still.nut", **options), *MOUTH)
                self.assertIn("still", said["lips"])
                self.assertIn("smooth", said["loop"])

    def test_lips_for_a_while(self):
        said = self.check(self.write("while.nut", lambda t: 2 <= t < 4), *MOUTH, code=FOUND)
        self.assertIn("from second 2 to 4", said["lips"])
        self.assertIn("smooth", said["loop"])

    def test_lips_all_the_time(self):
        said = self.check(self.write("always.nut", lambda t: True), *MOUTH, code=FOUND)
        self.assertIn(f"from second 0 to {SECONDS}", said["lips"])

    def test_the_mouth_is_elsewhere(self):
        """Only what lies in its place counts."""
        path = self.write("low.nut", lambda t: 2 <= t < 4, lambda t: (0.5, 0.75))
        self.assertIn("still", self.check(path, *MOUTH)["lips"])
        self.assertIn("from second 2 to 4", self.check(path, "--mouth", "30,75,40x25", code=FOUND)["lips"])

    def test_loop(self):
        path = self.write("jumps.nut", place=lambda t: (0.4 + 0.2 * t / SECONDS, 0.45))
        said = self.check(path, *MOUTH, code=FOUND)
        self.assertIn("still", said["lips"])
        self.assertIn("it jumps", said["loop"])
        self.assertNotIn("loop", self.check(path, *MOUTH, "--pingpong"))

    def test_one_picture(self):
        marks.ffmpeg("-i", self.write("calm.nut"), "-frames:v", 1, self.path("one.png"))
        self.check(self.path("one.png"))

    @unittest.skipUnless(os.environ.get("DH_TALKER"), "no dh-talker")
    def test_talker(self):
        """Its idle clip is in order; a clip of its speech is none."""
        talker = os.environ["DH_TALKER"]
        subprocess.run([talker, "--idle", "6", "-o", self.path("idle.nut")], check=True, timeout=120)
        self.check(self.path("idle.nut"))
        subprocess.run([talker, "-o", self.path("speech.nut"), "Every word that I say moves my lips, up and down."],
                       check=True, timeout=120)
        self.assertIn("from second", self.check(self.path("speech.nut"), code=FOUND)["lips"])

    def test_refused(self):
        self.assertIn("not a media file", prepare("--check-idle", "/etc/fstab", code=FORMAT))
        self.assertIn("takes one file", prepare("--check-idle", code=USAGE))
        for wrong in ("1,2", "30,50,80x30", "30,10,40x30", "30,50,0x30", "-1,50,40x30", "30,50,40x30x",
                      "2147483647,50,2147483647x30"):
            self.assertIn("--mouth", prepare("--check-idle", "a", "--mouth", wrong, code=USAGE))


if __name__ == "__main__":
    unittest.main()
