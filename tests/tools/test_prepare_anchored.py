#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare: anchored video decodes bit-exactly wherever it is cut and joined; idle clips. DH_PREPARE names the program."""
import struct
import unittest

import av
import numpy as np

import marks
from prepared import (
    TICKS, SIZE, SECONDS, INPUT, FORMAT, EMPTY, LIMIT, Case, Prepared, decode_pictures, film,
    prepare)


class Anchored(Case):
    """Joins, splices, replays and changes of anchor decode to the same pictures as
    each segment by itself."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.idle = cls.path("idle.dhs")
        marks.write_idle(cls.path("idle.mp4"), 2, SIZE)
        prepare("--idle", cls.path("idle.mp4"), "--size", f"{SIZE}x{SIZE}", "-o", cls.idle)
        marks.write_mp4(cls.path("b.mp4"), 2, SIZE, 33, head=marks.Head(SIZE, seed=5))
        cls.segments = []
        for name, source in (("a", cls.base), ("b", cls.path("b.mp4"))):
            prepare(source, "--avatar", cls.idle, "-o", cls.path(name + ".dhs"), "--entry-ms", 200)
            cls.segments.append(Prepared(cls.path(name + ".dhs")))
        cls.segments.append(Prepared(cls.idle))
        prepare(cls.path("b.mp4"), "--entry-ms", 200, "--kbps", 400, "-o", cls.path("own.dhs"))
        cls.own = Prepared(cls.path("own.dhs"))

    def test_one_anchor(self):
        a, b, idle = self.segments
        self.assertEqual(a.anchor, idle.anchor)
        self.assertEqual(b.anchor, idle.anchor)
        self.assertNotEqual(self.own.anchor, idle.anchor)
        self.assertEqual(len(idle.i420), SIZE * SIZE * 3 // 2)
        for segment in self.segments:
            self.assertGreater(len(segment.entries()), 3)
            self.assertLess(len(segment.entries()), len(segment.video) / 2)
            self.assertFalse([note for note in segment.notes])

    def check_splice(self, parts, decoder):
        """`parts`: (segment, first, last), each starting at an entry; None sends the anchor
        again."""
        units, expected, anchor = [], [], None
        for part in parts:
            if part is None:
                units.append(anchor)
                expected.append(None)
                continue
            segment, first, last = part
            if segment.anchor != anchor:
                anchor = segment.anchor
                units.append(anchor)
                expected.append(None)
            units += [u.data for u in segment.video[first:last]]
            expected += self.films[decoder, id(segment)][first:last]
        for n, (got, wanted) in enumerate(zip(decode_pictures(units, decoder), expected)):
            self.assertTrue(wanted is None or np.array_equal(got, wanted), f"picture {n} differs")

    def test_decodes_exactly(self):
        a, b, idle = self.segments
        own, end = self.own, None
        for decoder in ("vp8", "libvpx"):
            self.films = {(decoder, id(s)): film(s, decoder) for s in (a, b, idle, own)}
            with self.subTest("joins", decoder=decoder):
                for segment in (a, b, idle, own):
                    for entry in segment.entries():
                        self.check_splice([(segment, entry, end)], decoder)
            with self.subTest("splices", decoder=decoder):
                for cut in (1, 7, 23, 38):
                    for entry in b.entries()[:4]:
                        self.check_splice([(idle, 0, cut), (a, 0, cut), (b, entry, entry + cut), (a, a.entries()[2], end),
                                           (idle, idle.entries()[1], end)], decoder)
            with self.subTest("replays", decoder=decoder):
                self.check_splice([(a, 0, end), (a, 0, end), (a, a.entries()[3], end), (a, 0, 9)], decoder)
            with self.subTest("anchor again", decoder=decoder):
                self.check_splice([(a, 0, 11), None, (a, a.entries()[4], end), None, (b, 0, end)], decoder)
            with self.subTest("change of anchor", decoder=decoder):
                self.check_splice([(a, 0, 12), (own, own.entries()[1], 30), (b, b.entries()[2], end), (own, 0, end)], decoder)

    def test_pictures_refer_to_the_anchor(self):
        """The proof can fail: an entry without its anchor decodes to something else, and so
        does a picture after a cut that is not an entry."""
        a, own = self.segments[0], self.own
        entry = a.entries()[2]
        right = film(a)
        wrong = decode_pictures([own.anchor] + [u.data for u in a.video[entry:]])[1:]
        self.assertFalse(np.array_equal(right[entry], wrong[0]))
        wrong = decode_pictures([a.anchor] + [u.data for u in a.video[entry + 1:]])[1:]
        self.assertFalse(np.array_equal(right[entry + 1], wrong[0]))

    def test_anchor_does_not_depend_on_the_segment(self):
        """One anchor for all rates, lengths and entries of an avatar."""
        idle = self.segments[2]
        for options in (["--kbps", 300], ["--kbps", 5000], ["--entry-ms", 40], ["--entry-ms", 10000], ["--fps-max", 10], ["--speed", 16], ["--speed", 3]):
            segment = self.run_tool(self.path("b.mp4"), "--avatar", self.idle, *options)
            self.assertEqual(segment.anchor, idle.anchor, options)

    def test_anchor_fits(self):
        """K is at most half a second of the bit rate."""
        marks.ffmpeg("-f", "lavfi", "-i", "nullsrc=size=256x256:rate=25:duration=0.4,geq=random(1)*255:128:128", "-c:v", "ffv1",
                     self.path("noise.mkv"))
        for kbps in (100, 400, 2000):
            segment = self.run_tool(self.path("noise.mkv"), "--kbps", kbps)
            size = len(segment.anchor)
            self.assertTrue(size <= kbps * 1000 // 16 or "quantizer 56" in segment.encoder, (kbps, size, segment.encoder))

    @staticmethod
    def records(data):
        """Of a prepared stream: (type, bytes)."""
        at = 0
        while at < len(data):
            size = 12 + struct.unpack_from("<I", data, at + 4)[0]
            yield data[at:at + 4], data[at:at + size]
            at += size

    def test_another_anchor_is_told(self):
        """The avatar's anchor is used whatever the bit rate; if it cannot come out of this encoder, another one is."""
        marks.ffmpeg("-f", "lavfi", "-i", "nullsrc=size=128x128:rate=25:duration=0.4,geq=random(1)*255:128:128",
                     "-c:v", "ffv1", self.path("grain.mkv"))
        prepare("--idle", self.path("grain.mkv"), "--kbps", 4000, "-o", self.path("grain.dhs"))
        prepare("--idle", self.base, "--size", "128x128", "-o", self.path("other.dhs"))
        with open(self.path("grain.dhs"), "rb") as whole, open(self.path("other.dhs"), "rb") as other:
            other = dict(self.records(other.read()))
            odd = b"".join(other[kind] if kind == b"ANCH" else record for kind, record in self.records(whole.read()))
        with open(self.path("odd.dhs"), "wb") as file:
            file.write(odd)         # no encoder makes this anchor of the picture behind it
        for avatar, kbps, words in (("grain", 4000, ""), ("grain", 100, ""), ("odd", 4000, "anchor differs")):
            message = prepare(self.path("grain.mkv"), "--avatar", self.path(avatar + ".dhs"), "--kbps", kbps,
                              "-o", self.path("out.dhs"))
            self.assertEqual(words in message and bool(message), bool(words), (avatar, kbps, message))

    def test_quality(self):
        """Pictures look like the input, at about the requested bit rate."""
        with av.open(self.base) as container:
            source = [f.to_ndarray(format="yuv420p") for f in container.decode(video=0)]
        segment = self.run_tool(self.base, "--kbps", 500)
        errors = [((one[:SIZE].astype(float) - two[:SIZE]) ** 2).mean() for one, two in zip(film(segment), source)]
        self.assertGreater(10 * np.log10(255 ** 2 / np.mean(errors)), 30)
        self.assertLess(sum(len(u.data) for u in segment.video) * 8 / SECONDS / 1000, 700)


class Idle(Case):
    def test_medoid_and_portrait(self):
        marks.write_idle(self.path("idle.mp4"), 2, SIZE)
        segment = self.run_tool("--idle", self.path("idle.mp4"))
        luma = np.array(segment.luma, dtype=float)
        distances = abs(luma[:, None] - luma[None]).sum(axis=(1, 2, 3))
        anchor = np.frombuffer(segment.i420, dtype=np.uint8)[:SIZE * SIZE].reshape(16, SIZE // 16, 16, SIZE // 16).mean(axis=(1, 3))
        nearest = int(np.argmin(abs(luma - anchor).sum(axis=(1, 2))))
        self.assertLessEqual(distances[nearest], np.sort(distances)[1])
        self.assertEqual(len(segment.audio), 0)
        face = self.make("face.png", "-frames:v", 1, "-vf", "negate")
        other = self.run_tool("--idle", self.path("idle.mp4"), "--portrait", face)
        self.assertNotEqual(other.anchor, segment.anchor)
        self.assertEqual(len(other.video), len(segment.video))
        self.assertGreater(np.frombuffer(other.i420, dtype=np.uint8)[:SIZE * SIZE].mean(), 120)

    def test_pingpong(self):
        marks.write_idle(self.path("idle.mp4"), 2, SIZE)
        one = self.run_tool("--idle", self.path("idle.mp4"))
        two = self.run_tool("--idle", self.path("idle.mp4"), "--pingpong")
        self.assertEqual(len(two.video), 2 * len(one.video) - 2)
        for n in range(1, len(one.video) - 1):
            self.assertTrue(np.array_equal(two.luma[n], two.luma[-n]))
        self.assertFalse(np.array_equal(two.luma[1], two.luma[20]))

    def test_long_clip_is_decoded_again(self):
        """More pictures than fit in memory give the same result."""
        size = "1024x1024"
        marks.ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x64:rate=25:duration=10", "-pix_fmt", "yuv420p", "-c:v", "libx264",
                     self.path("long.mp4"))
        segment = self.run_tool("--idle", self.path("long.mp4"), "--size", size, "--pingpong", "--kbps", 300)
        self.assertEqual(len(segment.video), 498)
        for n in range(1, 249):
            self.assertTrue(np.array_equal(segment.luma[n], segment.luma[-n]))
        with open(self.path("long.mp4"), "rb") as file:
            self.refuse(FORMAT, "moov", "--idle", "-", "--size", size, data=file.read())
        path = self.make("long.mkv", "-c", "copy", source=self.path("long.mp4"))
        with open(path, "rb") as file:
            self.refuse(INPUT, "pipe", "--idle", "-", "--size", size, data=file.read())

    def test_portrait_alone(self):
        for name in ("face.png", "face.jpg"):
            face = self.make(name, "-frames:v", 1)
            segment = self.run_tool("--portrait", face, "--size", "96x96", "--portrait-ms", 1000)
            self.assertEqual(len(segment.video), 25)
            self.assertEqual(segment.lengths, (TICKS, 0))
            self.assertEqual(len(segment.i420), 96 * 96 * 3 // 2)
            self.assertLess(sum(len(u.data) for u in segment.video), 12000)

    def test_refused(self):
        self.refuse(EMPTY, "no picture", "--idle", self.make("a.wav", "-vn"))
        marks.ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x64:rate=5:duration=61", self.path("long.mkv"))
        self.refuse(LIMIT, "60000", "--idle", self.path("long.mkv"))
        self.refuse(FORMAT, "idle clip", self.base, "--avatar", self.segment())

    def segment(self):
        prepare(self.base, "-o", self.path("segment.dhs"))
        return self.path("segment.dhs")


if __name__ == "__main__":
    unittest.main()
