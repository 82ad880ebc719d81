#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare --background transparent: pictures with their mattes below. DH_PREPARE names the program."""
import os
import struct
import subprocess
import unittest
import zlib

import av
import numpy as np

import marks
from mattes import Parts, rows, yuv
from prepared import FORMAT, PREPARE, USAGE, Case, Prepared, film, info, prepare
from worker import descriptor, run_job

CLEAR = ("--background", "transparent", "--kbps", 3000)
ORANGE = (230, 120, 30)


class Mattes(Case):
    def disc(self, name, *options, rgb=ORANGE, other=(0, 255, 0), seconds=0.2, size=128):
        """An orange disc, soft over four pixels; what is not there would be green."""
        y, x = np.mgrid[:size, :size] + 0.5
        alpha = (255 * (0.5 - (np.hypot(x - size / 2, y - size / 2) - size / 4) / 4)).clip(0, 255).astype(np.uint8)
        picture = np.dstack([np.where((alpha > 0)[..., None], rgb, other).astype(np.uint8), alpha])
        marks.ffmpeg("-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{size}x{size}", "-r", 10, "-i", "-", *options, self.path(name),
                     data=picture.tobytes() * max(round(seconds * 10), 1))
        return self.path(name)

    def parts(self, *args, height=128, which=-1):
        segment = self.run_tool(*args)
        return Parts(segment, film(segment)[which], height)

    def check_disc(self, parts, tolerance=6, soft=1.5):
        height, width = parts.alpha.shape
        y, x = np.mgrid[:height, :width]
        away = np.hypot(x + 0.5 - width / 2, y + 0.5 - height / 2) - width / 4
        self.assertEqual(parts.alpha[away < -6].min(), 1)
        self.assertEqual(parts.alpha[away > 6].max(), 0)
        edge = abs(away) < 2
        self.assertLess(abs(parts.alpha - (0.5 - away / 4).clip(0, 1))[edge].mean(), 0.1 * soft)
        self.assertLess(abs(parts.matte_chroma - 128).max(), 3)
        # inside, and to where nothing is left of it: no green, no black
        for place in (parts.luma - yuv(ORANGE)[0])[away < 6], (parts.chroma[0] - yuv(ORANGE)[1])[away[::2, ::2] < 6], \
                (parts.chroma[1] - yuv(ORANGE)[2])[away[::2, ::2] < 6]:
            self.assertLess(abs(place).max(), tolerance * 2.5)
            self.assertLess(abs(place).mean(), tolerance)

    def test_what_tools_write(self):
        """Each container and codec that keeps alpha; colours go on beyond the edge."""
        for name, options in {"a.png": ["-frames:v", 1], "png.mov": ["-c:v", "png"], "rle.mov": ["-c:v", "qtrle", "-pix_fmt", "argb"],
                              "prores.mov": ["-c:v", "prores_ks", "-pix_fmt", "yuva444p10le", "-alpha_bits", 16],
                              "raw.nut": ["-c:v", "rawvideo", "-pix_fmt", "bgra"], "a.webp": ["-c:v", "libwebp", "-lossless", 1, "-frames:v", 1],
                              "eight.webm": ["-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", 0, "-b:v", "3M"],
                              "nine.webm": ["-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-auto-alt-ref", 0, "-b:v", "3M"]}.items():
            # what was coded in colours of half the size has mixed them already
            is_lossy = name in ("prores.mov", "eight.webm", "nine.webm")
            path = self.disc(name, *options, other=ORANGE if is_lossy else (0, 255, 0))
            with self.subTest(name):
                self.check_disc(self.parts(path, *CLEAR), tolerance=10 if is_lossy else 6, soft=2 if is_lossy else 1.5)

    def test_how_it_is_coded(self):
        """Sizes, what --info says, the thumbnail, and other heights than multiples of 16."""
        for size in ((128, 128), (96, 74), (66, 130), (640, 16)):
            path = self.disc("s.png", "-frames:v", 1)
            with self.subTest(size=size):
                segment = self.run_tool("--portrait", path, "--size", "%dx%d" % size, *CLEAR)
                self.assertEqual((segment.width, segment.height), (size[0], rows(size[1])[1]))
                told = info(self.path("out.dhs"))["video"]
                self.assertEqual([told[key] for key in ("width", "height", "matte", "matte_top", "coded_height")],
                                 [*size, "below", *rows(size[1])])
                self.assertEqual(len(segment.i420), size[0] * rows(size[1])[1] * 3 // 2)
                parts = Parts(segment, film(segment)[-1], size[1])
                self.assertEqual((parts.alpha[0].max(), parts.alpha[size[1] // 2, size[0] // 2]), (0, 1))
        # as it looks on the default grey: 202 around, orange inside
        segment = self.run_tool("--portrait", path, "--size", "128x128", *CLEAR)
        self.assertLess(abs(segment.luma[0][[0, 0, 15, 15], [0, 15, 0, 15]].astype(int) - 202).max(), 3)
        self.assertLess(abs(segment.luma[0][7:9, 7:9].astype(int) - yuv(ORANGE)[0]).max(), 4)
        self.assertIn("matte: ", subprocess.run([PREPARE, "--info", self.path("out.dhs")], capture_output=True, text=True, check=True).stdout)

    def test_opaque_pictures(self):
        """They are all there; beside those of another shape is nothing, and their colours go on."""
        marks.ffmpeg("-f", "lavfi", "-i", "color=0x%s:size=128x64:rate=10:duration=0.2,format=rgb24" % bytes(ORANGE).hex(),
                     "-c:v", "png", self.path("wide.mov"))
        for path, bars in ((self.base, False), (self.path("wide.mov"), True), (self.make("wide.mp4", "-pix_fmt", "yuv420p", source=self.path("wide.mov")), True)):
            with self.subTest(path):
                parts = self.parts(path, "--size", "128x128", *CLEAR)
                self.assertEqual((parts.alpha[36:92].min(), parts.alpha[:28].max(), parts.alpha[100:].max()), (1, *(2 * [0 if bars else 1])))
                if bars:
                    for y in (0.02, 0.24, 0.5, 0.76, 0.98):
                        self.assertLess(abs(parts.at(0.5, y) - yuv(ORANGE)).max(), 8)

    def test_nothing_at_all(self):
        """A picture that is transparent all over, and one with a single opaque pixel."""
        marks.ffmpeg("-f", "lavfi", "-i", "color=white@0:size=64x64:rate=10:duration=0.2,format=rgba", "-c:v", "png", self.path("none.mov"))
        parts = self.parts(self.path("none.mov"), *CLEAR, height=64)
        self.assertEqual(parts.alpha.max(), 0)
        self.assertLess(abs(parts.at(0.5, 0.5) - yuv((0xd8,) * 3)).max(), 3)
        marks.ffmpeg("-f", "lavfi", "-i", "color=red@0:size=64x64:rate=10:duration=0.2,format=rgba,geq=r=0:g=0:b=255:a='if(eq(X,20)*eq(Y,20),255,0)'",
                     "-c:v", "png", self.path("one.mov"))
        parts = self.parts(self.path("one.mov"), *CLEAR, height=64)
        self.assertLess(abs(parts.at(0.9, 0.9) - yuv((0, 0, 255))).max(), 6)

    def test_semitransparent(self):
        marks.ffmpeg("-f", "lavfi", "-i", "color=0x%s@1:size=128x64:rate=10:duration=0.2,format=rgba,"
                     "geq=r=r(X\\,Y):g=g(X\\,Y):b=b(X\\,Y):a=2*X" % bytes(ORANGE).hex(), "-c:v", "png", self.path("ramp.mov"))
        parts = self.parts(self.path("ramp.mov"), *CLEAR, height=64)
        self.assertLess(abs(parts.alpha[8:56] - np.arange(128) * 2 / 255).max(), 0.03)
        for x in (0.1, 0.3, 0.6, 0.95):
            self.assertLess(abs(parts.at(x, 0.5) - yuv(ORANGE)).max(), 6)

    def test_an_avatar_and_its_segments(self):
        """--avatar says so, to everybody who encodes for it; the anchor is the same; what does not fit is refused."""
        idle, plain = self.path("idle.dhs"), self.path("plain.dhs")
        face = self.disc("face.png", "-frames:v", 1)
        prepare("--idle", self.disc("idle.mov", "-c:v", "png", seconds=1), "--portrait", face, "--pingpong", *CLEAR, "-o", idle)
        prepare("--portrait", face, "--kbps", 3000, "-o", plain)
        segment = self.run_tool(self.disc("says.mov", "-c:v", "png"), "--avatar", idle, "--kbps", 3000)
        with open(idle, "rb") as file:
            self.assertIn(segment.anchor, file.read())
        self.check_disc(Parts(segment, film(segment)[-1], 128))
        self.assertEqual(prepare(self.path("says.mov"), "--avatar", idle, *CLEAR, "-o", self.path("out.dhs")), "")
        for avatar, background, word in ((idle, "#ffffff", "was made with --background transparent"), (idle, face, "was made with"),
                                         (plain, "transparent", "was made without --background transparent")):
            self.refuse(USAGE, [word, os.path.basename(avatar)], self.path("says.mov"), "--avatar", avatar, "--background", background)
        self.refuse(USAGE, ["height", "1144", "transparent"], face, "--size", "64x1146", *CLEAR)
        self.assertEqual(self.run_tool(face, "--size", "64x1144", *CLEAR).height, 2304)

    def test_exported(self):
        """As players know transparent video; prepared again, it is what it was."""
        film_ = self.disc("sound.mov", "-c:v", "png", seconds=1.2)
        marks.ffmpeg("-i", film_, "-f", "lavfi", "-i", "sine=440:d=1.2", "-c:v", "copy", "-c:a", "pcm_s16le", self.path("both.mov"))
        prepare(self.path("both.mov"), *CLEAR, "-o", self.path("clear.dhs"))
        for out in (self.path("out.webm"), "-"):
            done = subprocess.run([PREPARE, "--export", out, self.path("clear.dhs")], check=True, stdout=subprocess.PIPE)
            if out == "-":
                with open(self.path("out.webm"), "wb") as file:
                    file.write(done.stdout)
            with av.open(self.path("out.webm")) as webm:
                stream = webm.streams.video[0]
                self.assertEqual((stream.codec_context.name, stream.width, stream.height, stream.metadata.get("alpha_mode")),
                                 ("vp8", 128, 128, "1"))
                self.assertEqual([round(float(p.pts * p.time_base) * 10) for p in webm.demux(stream) if p.size], list(range(12)))
            raw = subprocess.run(["ffmpeg", "-v", "error", "-c:v", "libvpx", "-i", self.path("out.webm"), "-an", "-pix_fmt", "rgba", "-f",
                                  "rawvideo", "-"], check=True, stdout=subprocess.PIPE).stdout
            pictures = np.frombuffer(raw, np.uint8).reshape(-1, 128, 128, 4).astype(int)
            for picture in pictures[0], pictures[-1]:
                self.assertLess(abs(picture[64, 64] - (*ORANGE, 255)).max(), 12)
                self.assertEqual([picture[y, x, 3] for y, x in ((4, 4), (4, 124), (124, 64))], [0, 0, 0])
            again = self.run_tool(self.path("out.webm"), *CLEAR)
            self.assertAlmostEqual(again.lengths[1], Prepared(self.path("clear.dhs")).lengths[1], delta=14400)
            self.check_disc(Parts(again, film(again)[-1], 128), tolerance=8)     # coded three times

    def test_a_head_that_lies(self):
        """The matte's flag without a picture, with a height that has none, or in an older version."""
        prepare("--portrait", self.disc("p.png", "-frames:v", 1), *CLEAR, "--portrait-ms", 40, "-o", self.path("good.dhs"))
        with open(self.path("good.dhs"), "rb") as file:
            good = file.read()
        size, = struct.unpack_from("<I", good, 4)
        for at, value in ((8, 2), (10, 6), (14, 270), (10, 12)):
            head = bytearray(good[:8 + size])
            struct.pack_into("<H", head, at, value)
            with open(self.path("bad.dhs"), "wb") as file:
                file.write(head + struct.pack("<I", zlib.crc32(head)) + good[12 + size:])
            done = subprocess.run([PREPARE, "--info", self.path("bad.dhs")], capture_output=True, text=True)
            self.assertEqual(done.returncode, FORMAT, (at, done))

    def test_check_idle_sees_what_viewers_see(self):
        """Whatever moves where nothing is: the loop is smooth."""
        marks.ffmpeg("-f", "lavfi", "-i", "color=black:size=64x64:rate=25:duration=2,format=rgba,geq=r='mod(N*40,255)':g='mod(N*40,255)':b=0:a=0",
                     "-c:v", "png", self.path("restless.mov"))
        for background, code in (("transparent", 0), ("#000000", 0)):
            done = subprocess.run([PREPARE, "--check-idle", self.path("restless.mov"), "--background", background], capture_output=True, text=True)
            self.assertEqual((done.returncode, "still" in done.stdout), (code, True), done)
        # and what does move is seen
        marks.ffmpeg("-f", "lavfi", "-i", "color=white:size=64x64:rate=25:duration=3,format=rgba,"
                     "geq=r=20:g=20:b=20:a='if(between(Y,36,50)*between(X,22,42)*between(T,1,2),255*mod(N,2),255)'", "-c:v", "png", self.path("lips.mov"))
        done = subprocess.run([PREPARE, "--check-idle", self.path("lips.mov"), "--background", "transparent"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 10, done)
        self.assertIn("from second 1", done.stdout)

    def job(self, fds, **fields):
        return run_job(self, fds, **{"kbps": 3000, "background": "transparent", **fields})

    def test_jobs(self):
        """What the gateway asks for: an avatar, a segment with its anchor, a bridge; and what it must not ask for."""
        with open(self.disc("clip.mov", "-c:v", "png", seconds=1), "rb") as file:
            clip = file.read()
        idle, code = self.job([descriptor(clip)], kind="idle")
        self.assertEqual((code, idle.height, len(idle.i420)), (0, rows(128)[1], 128 * rows(128)[1] * 3 // 2))
        segment, code = self.job([descriptor(clip), descriptor(idle.i420)], anchor=True)
        self.assertEqual((code, segment.anchor), (0, idle.anchor))
        with open(self.path("job.dhs"), "rb") as file:
            stream = file.read()
        bridge, code = self.job([descriptor(stream), descriptor(stream), descriptor(idle.i420)], kind="bridge", names=["a", "b"], anchor=True)
        self.assertEqual((code, bridge.anchor, bridge.height), (0, idle.anchor, rows(128)[1]))
        self.check_disc(Parts(bridge, film(bridge)[-1], 128), tolerance=10)
        plain, code = self.job([descriptor(clip)], background="#ffffff")
        self.assertEqual((code, plain.height), (0, 128))
        with open(self.path("job.dhs"), "rb") as file:
            opaque = file.read()
        for fds, fields, word in (([opaque, opaque, idle.i420], {"kind": "bridge", "names": ["a", "b"], "anchor": True}, "mattes"),
                                  ([clip, idle.i420[:128 * 128 * 3 // 2]], {"anchor": True}, "128x280"),
                                  ([clip], {"height": 1146}, "1144"), ([clip], {"kind": "background"}, "background"),
                                  ([clip], {"background": "Transparent"}, "transparent")):
            failed, code = self.job([descriptor(data) for data in fds], **fields)
            self.assertNotEqual(code, 0)
            self.assertIn(word, failed.failure[1])


if __name__ == "__main__":
    unittest.main()
