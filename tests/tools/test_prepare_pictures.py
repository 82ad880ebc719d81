#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare: times, sizes, rotation, formats and colours. DH_PREPARE names the program."""
import struct
import subprocess
import unittest

import numpy as np

import marks
from prepared import (
    TICKS, SIZE, SECONDS, Case, film, marks_in_medium, marks_in_segment, picture_times, sound)


def with_matrix(mp4, a, b, c, d, x, y):
    """An MP4 file whose one track has another display matrix. (No way of ffmpeg to write one is in all its versions.)"""
    at = mp4.index(b"tkhd") + 4
    assert mp4.count(b"tkhd") == 1 and mp4[at] == 0, "one track header, of version 0"
    matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, x << 16, y << 16, 1 << 30)
    return mp4[:at + 40] + matrix + mp4[at + 76:]


def corners(picture):
    """Which are white: top left, top right, bottom left, bottom right."""
    return [bool(picture[y, x] > 128) for y, x in ((4, 4), (4, -5), (-5, 4), (-5, -5))]


class Pictures(Case):
    def test_rates(self):
        for rate, exact in (("30000/1001", lambda n: (n * 1001 * TICKS + 15000) // 30000),
                            ("33", lambda n: (n * TICKS + 16) // 33),
                            ("12.5", lambda n: n * TICKS * 2 // 25)):
            for name in ("r.mp4", "r.mkv", "r.avi", "r.flv"):
                with self.subTest(rate=rate, name=name):
                    marks.ffmpeg("-f", "lavfi", "-i", f"testsrc=size=64x64:rate={rate}:duration=3", "-pix_fmt", "yuv420p",
                                 "-c:v", "libx264" if name != "r.avi" else "mjpeg", self.path(name))
                    segment = self.run_tool(self.path(name))
                    self.assertGreater(len(segment.video), 35)
                    for n, unit in enumerate(segment.video):
                        # FLV states the rate as a decimal number
                        self.assertLessEqual(abs(unit.pts - exact(n)), 30 if name == "r.flv" else 1)

    def test_variable_rate(self):
        path = self.make("vfr.mp4", "-an", "-vf", "select='not(mod(n\\,7)*mod(n\\,5))+lt(n\\,10)'", "-fps_mode", "vfr",
                         "-c:v", "libx264", "-pix_fmt", "yuv420p", "-video_track_timescale", 90000)
        times = picture_times(path)
        segment = self.run_tool(path)
        self.assertGreater(len(set(u.duration for u in segment.video)), 2)
        self.assertEqual(len(segment.video), len(times))
        for unit, at in zip(segment.video, times):
            self.assertAlmostEqual(unit.pts / TICKS, at - times[0], delta=2e-6)

    def test_reordered_pictures_that_last_long(self):
        """Matroska and NUT tell only when pictures are shown. At a low rate, B-frames are far from where they come."""
        for codec, rate, frames in (("libx264", 2, 3), ("libx264", 5, 3), ("libx264", 15, 8), ("libx265", 5, 4)):
            for name in ("low.mkv", "low.nut"):
                with self.subTest(codec=codec, rate=rate, name=name):
                    marks.ffmpeg("-f", "lavfi", "-i", f"testsrc=size=64x64:rate={rate}:duration=6", "-f", "lavfi", "-i",
                                 "sine=duration=6", "-c:v", codec, "-bf", frames, "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le",
                                 self.path(name))
                    segment = self.run_tool(self.path(name))
                    self.assertEqual(segment.notes, [])
                    self.assertEqual([unit.pts for unit in segment.video], [n * TICKS // rate for n in range(6 * rate)])
                    self.assertEqual(segment.lengths, (6 * TICKS, 6 * TICKS))

    def test_avi_with_reordered_pictures(self):
        """AVI tells only the order in which pictures come."""
        wave = self.make("a.wav", "-vn")
        for codec, frames in (("mpeg4", 0), ("mpeg4", 2), ("libx264", 0), ("libx264", 3)):
            with self.subTest(codec=codec, frames=frames):
                marks.ffmpeg("-i", self.base, "-i", wave, "-map", "0:v", "-map", "1:a", "-c:v", codec, "-bf", frames,
                             "-pix_fmt", "yuv420p", "-q:v", 2, "-c:a", "pcm_s16le", self.path("b.avi"))
                segment = self.run_tool(self.path("b.avi"))
                flashes, beeps = marks_in_segment(segment)
                self.assertEqual(len(segment.video), SECONDS * 25)
                distances = marks.pairs(flashes, beeps)
                self.assertEqual(len(distances), SECONDS)
                for distance in distances:
                    self.assertAlmostEqual(distance, 0, delta=0.001)

    def test_thinning(self):
        marks.ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x64:rate=60:duration=2", self.path("fast.mkv"))
        for most, expected in ((60, 120), (30, 60), (20, 40), (25, 50)):
            segment = self.run_tool(self.path("fast.mkv"), "--fps-max", most)
            self.assertAlmostEqual(len(segment.video), expected, delta=1)
            self.assertEqual(segment.lengths[0], 2 * TICKS)

    def test_offsets(self):
        """Picture and sound keep their distance; the earlier one is at time 0, and so is the
        first picture."""
        wave = self.make("a.wav", "-vn")
        video = self.make("v.mkv", "-an", "-c:v", "ffv1")
        for late in ("sound", "picture"):
            for name in ("late.mkv", "late.mp4", "late.ts", "late.nut"):
                with self.subTest(late=late, name=name):
                    inputs = [["-i", video], ["-i", wave]]
                    inputs[late == "sound"] = ["-itsoffset", "0.3", *inputs[late == "sound"]]
                    codecs = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "mp2" if name == "late.ts" else "aac"]
                    marks.ffmpeg(*inputs[0], *inputs[1], *codecs, "-copyts", self.path(name))
                    segment = self.run_tool(self.path(name))
                    flashes, beeps = marks_in_segment(segment)
                    expected = np.median(marks.pairs(*marks_in_medium(self.path(name))))
                    self.assertAlmostEqual(abs(expected), 0.3, delta=0.05)
                    for distance in marks.pairs(flashes, beeps):
                        self.assertAlmostEqual(distance, expected, delta=0.001)
                    self.assertEqual(segment.video[0].pts, 0)
                    self.assertEqual(len(segment.video), SECONDS * 25)

    def test_gap_and_overlap_in_sound(self):
        wave = self.make("a.wav", "-vn")
        for name, filters, beep in (("gap", "asetpts='PTS+if(gt(T,0.25),0.5/TB,0)'", marks.MARK + 0.5),
                                    ("overlap", "asetpts='PTS-if(gt(T,0.25),0.1/TB,0)'", marks.MARK - 0.1)):
            with self.subTest(name):
                # FFmpeg 7 reads more samples at once, and where times go back the muxer moves whole packets
                marks.ffmpeg("-i", wave, "-af", "asetnsamples=2048:p=0," + filters, "-c:a", "pcm_s16le", self.path("gap.nut"))
                segment = self.run_tool(self.path("gap.nut"))
                samples = sound(segment)
                beeps = marks.beeps(np.arange(len(samples)) / 48000, samples)
                self.assertAlmostEqual(beeps[0], beep, delta=0.0005)
                self.assertTrue(any("gap" in note for note in segment.notes), segment.notes)

    def test_rotation(self):
        """A mark in a corner turns with the display matrix."""
        marks.ffmpeg("-f", "lavfi", "-i", "color=black:size=128x64:rate=25:duration=0.2,drawbox=0:0:32:16:white:fill",
                     "-pix_fmt", "yuv420p", "-c:v", "libx264", "-qp", 1, self.path("flat.mp4"))
        with open(self.path("flat.mp4"), "rb") as file:
            flat = file.read()
        # clockwise: size, corner of the mark (of top left, top right, bottom left, bottom right), and a, b, c, d, x, y of
        # the track's matrix
        for angle, (size, corner, matrix) in {
                0: ((128, 64), 0, (1, 0, 0, 1, 0, 0)), 90: ((64, 128), 1, (0, 1, -1, 0, 64, 0)),
                180: ((128, 64), 3, (-1, 0, 0, -1, 128, 64)), 270: ((64, 128), 2, (0, -1, 1, 0, 0, 128))}.items():
            with self.subTest(angle=angle):
                path, wanted = self.path("turned.mp4"), [n == corner for n in range(4)]
                with open(path, "wb") as file:
                    file.write(with_matrix(flat, *matrix))
                # ffmpeg itself turns by the matrix when it decodes
                raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "-"],
                                     capture_output=True, check=True).stdout
                self.assertEqual(corners(np.frombuffer(raw, dtype=np.uint8).reshape(size[1], size[0])), wanted)
                segment = self.run_tool(path)
                self.assertEqual((segment.width, segment.height), size)
                self.assertEqual(corners(film(segment)[0][:size[1]]), wanted)

    def test_sizes(self):
        """Odd sizes; black bars keep the aspect ratio."""
        marks.ffmpeg("-f", "lavfi", "-i", "color=white:size=64x64:rate=25:duration=0.2,format=yuv444p,scale=101:77,setsar=1",
                     "-c:v", "ffv1", self.path("odd.mkv"))
        segment = self.run_tool(self.path("odd.mkv"))
        self.assertEqual((segment.width, segment.height), (102, 78))
        segment = self.run_tool(self.path("odd.mkv"), "--size", "128x128")
        picture = film(segment)[0][:128]
        rows = np.flatnonzero(picture[:, 64] > 128)
        self.assertAlmostEqual(len(rows), 128 * 77 / 101, delta=2)
        self.assertAlmostEqual(rows[0], (128 - len(rows)) / 2, delta=2)
        self.assertLess(abs(int(picture[2, 64]) - 16), 3)
        # pixels that are twice as wide as high
        marks.ffmpeg("-i", self.path("odd.mkv"), "-vf", "setsar=2/1", "-c:v", "ffv1", self.path("sar.mkv"))
        segment = self.run_tool(self.path("sar.mkv"), "--size", "128x128")
        rows = np.flatnonzero(film(segment)[0][:128, 64] > 128)
        self.assertAlmostEqual(len(rows), 128 * 77 / 202, delta=2)

    def test_pixel_formats_and_colours(self):
        """An orange keeps its colour, however it is stored."""
        rgb = np.array([230, 120, 30])
        y, u, v = 16 + (65.481 * 230 + 128.553 * 120 + 24.966 * 30) / 255, \
            128 + (-37.797 * 230 - 74.203 * 120 + 112 * 30) / 255, 128 + (112 * 230 - 93.786 * 120 - 18.214 * 30) / 255
        colour = "0x" + "".join(f"{c:02x}" for c in rgb)
        for name, options in {
                "rgb24.nut": ["-pix_fmt", "rgb24", "-c:v", "rawvideo"],
                "bgr0.nut": ["-pix_fmt", "bgr0", "-c:v", "rawvideo"],
                "gbrp.mkv": ["-pix_fmt", "gbrp", "-c:v", "ffv1"],
                "pal8.png": ["-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse", "-frames:v", 1],
                "rgba.png": ["-pix_fmt", "rgba", "-frames:v", 1],
                "rgb48.png": ["-pix_fmt", "rgb48be", "-frames:v", 1],
                "full.jpg": ["-pix_fmt", "yuvj420p", "-frames:v", 1, "-q:v", 1],
                "yuv422p10.mkv": ["-pix_fmt", "yuv422p10le", "-c:v", "ffv1"],
                "bt709.mkv": ["-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709", "-pix_fmt", "yuv444p", "-c:v", "ffv1"],
                "bt709full.mp4": ["-vf", "scale=out_color_matrix=bt709:out_range=full", "-colorspace", "bt709", "-color_range", "pc",
                                  "-pix_fmt", "yuv420p", "-c:v", "libx264", "-qp", 1],
                "bt601.mkv": ["-vf", "scale=out_color_matrix=bt601", "-pix_fmt", "yuv420p", "-c:v", "ffv1"],
                }.items():
            with self.subTest(name):
                marks.ffmpeg("-f", "lavfi", "-i", f"color={colour}:size=64x64:rate=25:duration=0.2,format=rgb24", *options,
                             self.path(name))
                segment = self.run_tool(self.path(name), "--kbps", 4000)
                picture = film(segment)[0]
                got = picture[32, 32], picture[64 + 8].flat[8], picture[80 + 8].flat[8]
                for one, other in zip(got, (y, u, v)):
                    self.assertLessEqual(abs(float(one) - other), 4, (got, (y, u, v)))

    def test_thumbnails(self):
        segment = self.run_tool(self.base)
        for picture, luma in list(zip(film(segment), segment.luma))[::7]:
            mean = picture[:SIZE].reshape(16, SIZE // 16, 16, SIZE // 16).mean(axis=(1, 3))
            self.assertLess(abs(mean - luma).mean(), 3)


if __name__ == "__main__":
    unittest.main()
