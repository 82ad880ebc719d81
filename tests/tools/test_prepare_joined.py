#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare: ends that are not the end. Files that were joined with what is like them, or not; files that grow while
they are read; and AMR, for which there is no encoder. DH_PREPARE names the program."""
import fcntl
import os
import random
import subprocess
import unittest

import numpy as np

from prepared import PREPARE, TICKS, Case, Prepared, film, sound

RATE = 48000
BOTH = ["-c:v", "libx264", "-g", 10, "-pix_fmt", "yuv420p", "-c:a", "aac"]


def loudest(samples):
    return np.fft.rfftfreq(len(samples), 1 / RATE)[np.abs(np.fft.rfft(samples * np.hanning(len(samples)))).argmax()]


class Joined(Case):
    def part(self, name, hz, *options, picture="testsrc2=s=64x64:r=25:d=0.8", sound=True):
        """0.8 s of a picture and a tone."""
        inputs = (["-f", "lavfi", "-i", picture] if picture else []) + (["-f", "lavfi", "-i", f"sine={hz}:r={RATE}:d=0.8"] if sound else [])
        subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *map(str, options), self.path(name)], check=True)
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def codes(self, segment):
        return [note[1:note.index("]")] for note in segment.notes]

    def both_ways(self, name, data):
        yield self.run_tool(self.write(name, data))
        yield self.run_tool("-", data=data)

    def test_transport_streams(self):
        """The second part has other PIDs, other codecs, or both: all of it, picture and sound, in order."""
        first = self.part("a.ts", 500, *BOTH)
        mpeg = ["-c:v", "mpeg2video", "-c:a", "mp2"]
        for name, options in {"other PIDs": [*BOTH, "-mpegts_start_pid", 0x300], "another codec": mpeg,
                              "another table": [*BOTH, "-mpegts_pmt_start_pid", 0x200, "-mpegts_start_pid", 0x150],
                              "both": [*mpeg, "-mpegts_start_pid", 0x400], "the sound alone": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "ac3"]}.items():
            data = first + self.part("b.ts", 1250, *options)
            for segment in self.both_ways("ab.ts", data):
                with self.subTest(name):
                    samples = sound(segment)
                    self.assertAlmostEqual(segment.lengths[1] / TICKS, 1.6, delta=0.15)
                    self.assertAlmostEqual(loudest(samples[7200:31200]), 500, delta=8)
                    self.assertAlmostEqual(loudest(samples[-28800:-7200]), 1250, delta=8)
                    self.assertAlmostEqual(segment.lengths[0] / TICKS, 1.6, delta=0.15)
                    self.assertGreaterEqual(len(segment.video), 38)
                    self.assertEqual([c for c in self.codes(segment) if c not in ("time_jump", "sound_gaps")], [])
                    self.assertFalse(segment.incomplete, segment.notes)

    def test_with_a_time_in_front_of_each_packet(self):
        """M2TS, as cameras and Blu-ray have it: packets of 192 bytes."""
        both, more = [*BOTH, "-c:a", "ac3"], ["-f", "mpegts", "-mpegts_m2ts_mode", 1]
        first = self.part("a.m2ts", 500, *both, *more)
        for name, options in {"the same": both, "other PIDs": [*both, "-mpegts_start_pid", 0x300],
                              "another codec": ["-c:v", "mpeg2video", "-c:a", "mp2"]}.items():
            for segment in self.both_ways("ab.m2ts", first + self.part("b.m2ts", 1250, *options, *more)):
                with self.subTest(name):
                    self.assertAlmostEqual(segment.lengths[1] / TICKS, 1.6, delta=0.15)
                    self.assertAlmostEqual(segment.lengths[0] / TICKS, 1.6, delta=0.15)
                    self.assertAlmostEqual(loudest(sound(segment)[-28800:-7200]), 1250, delta=8)
                    self.assertGreaterEqual(len(segment.video), 38)
                    self.assertFalse(segment.incomplete, segment.notes)
        segment = self.run_tool(self.write("r.m2ts", first + random.Random(1).randbytes(20000)))
        self.assertEqual((segment.incomplete, self.codes(segment).count("left_out")), (True, 1), segment.notes)

    def test_w64(self):
        first = self.part("a.w64", 500, "-vn")
        for segment in self.both_ways("ab.w64", first + self.part("b.w64", 1250, "-vn", "-c:a", "pcm_s24le")):
            self.assertAlmostEqual(segment.lengths[1] / TICKS, 1.6, delta=0.03)
            self.assertAlmostEqual(loudest(sound(segment)[-28800:-7200]), 1250, delta=8)
            self.assertEqual((segment.notes, segment.incomplete), ([], False))
        for segment in self.both_ways("half.w64", first[:len(first) // 2]):
            self.assertAlmostEqual(segment.lengths[1] / TICKS, 0.4, delta=0.03)
            self.assertTrue(segment.incomplete, segment.notes)
        segment = self.run_tool(self.write("z.w64", first + bytes(20000)))
        self.assertAlmostEqual(segment.lengths[1] / TICKS, 0.8, delta=0.03)
        self.assertIn("left_out", self.codes(segment))

    def test_slides(self):
        """Two pictures in each part, seconds apart: those of both are seen, each for its time."""
        for more in (["-f", "lavfi", "-i", f"sine=500:r={RATE}:d=10", "-c:a", "aac"], []):
            data = b""
            for name, colour in (("a.ts", "white"), ("b.ts", "black")):
                subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"color={colour}:s=64x64:r=1/5:d=10", *more, "-c:v",
                                "libx264", "-bf", "0", "-pix_fmt", "yuv420p", self.path(name)], check=True)
                with open(self.path(name), "rb") as file:
                    data += file.read()
            for segment in self.both_ways("slides.ts", data):
                with self.subTest(sound=bool(more)):
                    shown = [(unit.pts / TICKS, picture.mean() > 128) for unit, picture in zip(segment.video, film(segment))]
                    for second in 2, 7, 12, 17:
                        self.assertEqual([is_white for pts, is_white in shown if pts <= second][-1], second < 10)
                    self.assertAlmostEqual(segment.lengths[0] / TICKS, 20, delta=0.2)

    def test_three_and_back(self):
        a, b = self.part("a.ts", 500, *BOTH), self.part("b.ts", 1250, *BOTH, "-mpegts_start_pid", 0x300)
        segment = self.run_tool(self.write("aba.ts", a + b + a))
        self.assertAlmostEqual(segment.lengths[1] / TICKS, 2.4, delta=0.2)
        self.assertGreaterEqual(len(segment.video), 57)

    def test_what_only_the_second_has(self):
        """It cannot be played, and is said."""
        for name, options, more in (("l.ts", ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"], []), ("l.mkv", ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"], []),
                                    ("l.webm", ["-c:v", "libvpx", "-c:a", "libopus"], [])):
            sound_alone = self.part("s" + name[1:], 500, *options, picture=None)
            segment = self.run_tool(self.write(name, sound_alone + self.part(name, 1250, *options)))
            with self.subTest(name):
                self.assertAlmostEqual(segment.lengths[1] / TICKS, 1.6, delta=0.15)
                self.assertEqual((self.codes(segment).count("left_out"), segment.incomplete, len(segment.video)), (1, True, 0), segment.notes)
                self.assertIn("picture", " ".join(segment.notes))

    def test_leftovers(self):
        """Something else behind the end of each container: what came before plays, and the rest is noted."""
        noise = random.Random(1).randbytes(20000)
        rest = self.part("rest.wav", 900, picture=None)
        for name, options in {"r.ts": BOTH, "r.mkv": BOTH, "r.mp4": BOTH, "r.webm": ["-c:v", "libvpx", "-c:a", "libopus"],
                              "r.flv": ["-c:v", "flv", "-c:a", "aac"], "r.avi": ["-c:v", "mpeg4", "-c:a", "libmp3lame"],
                              "r.opus": ["-vn", "-c:a", "libopus"], "r.ogg": ["-vn", "-c:a", "libvorbis"], "r.wav": ["-vn"],
                              "r.aiff": ["-vn"], "r.au": ["-vn"], "r.caf": ["-vn"]}.items():
            data = self.part(name, 500, *options)
            for kind, more in {"noise": noise, "another kind": rest if name != "r.wav" else noise}.items():
                with self.subTest(name, behind=kind):
                    segment = self.run_tool(self.write(name, data + more))
                    self.assertAlmostEqual(segment.lengths[1] / TICKS, 0.8, delta=0.08)
                    self.assertTrue(segment.incomplete, segment.notes)
                    self.assertIn("left_out", self.codes(segment))
            if name not in ("r.ts", "r.mkv", "r.flv", "r.opus"):
                continue
            with self.subTest(name, behind="a tag"):
                segment = self.run_tool(self.write(name, data + bytes(128)))
                self.assertNotIn("left_out", self.codes(segment))

    def test_ivf(self):
        data = self.part("i.ivf", 0, "-c:v", "libvpx", "-b:v", "1M", sound=False)
        for segment in self.both_ways("ii.ivf", data + data):
            self.assertEqual((len(segment.video), segment.notes, segment.incomplete), (40, [], False))
        self.assertTrue(self.run_tool(self.write("half.ivf", data[:len(data) * 2 // 3])).incomplete)


class Growing(Case):
    """Somebody still writes to the file: what came is played, and it is said."""

    def grow(self, name, first, rest):
        """Prepares the file, which grows when a part of the segment has been made: its output waits for a reader."""
        path, out = self.path(name), self.path("out.fifo")
        with open(path, "wb") as file:
            file.write(first)
        if not os.path.exists(out):
            os.mkfifo(out)
        made = []
        narrow = os.open(out, os.O_RDWR)
        fcntl.fcntl(narrow, fcntl.F_SETPIPE_SZ, 4096)
        worker = subprocess.Popen([PREPARE, path, "--kbps", "4000", "-o", out], stderr=subprocess.PIPE)
        try:
            with open(out, "rb", buffering=0) as pipe:
                made.append(pipe.read(1000))
                os.close(narrow)
                with open(path, "ab") as file:
                    file.write(rest)
                made.append(pipe.read())
            error = worker.communicate(timeout=100)[1]
        finally:
            worker.kill()
        self.assertEqual(worker.returncode, 0, error)
        with open(self.path("made.dhs"), "wb") as file:
            file.write(b"".join(made))
        segment = Prepared(self.path("made.dhs"))
        segment.check_order()
        return segment

    def test_a_file_that_grows(self):
        for name, options in {"g.nut": ["-c", "copy"], "g.ts": ["-c:v", "mpeg2video", "-q:v", 1, "-c:a", "mp2"], "g.mkv": ["-c:v", "ffv1"],
                              "g.avi": ["-c:v", "huffyuv", "-c:a", "pcm_s16le"], "g.mp4": ["-c:v", "libx264", "-qp", 1, "-g", 5, "-pix_fmt", "yuv420p", "-c:a", "aac",
                                                                                       "-movflags", "frag_keyframe+empty_moov"], "g.wav": ["-vn"]}.items():
            with open(self.make(name, *options), "rb") as file:
                data = file.read()
            at = len(data) // 2 // 188 * 188
            with self.subTest(name):
                segment = self.grow(name, data[:at], data[at:])
                self.assertTrue(segment.incomplete)
                self.assertEqual(sum(note.startswith("[changed]") for note in segment.notes), 1, segment.notes)
                # all that was there is played, and never more than there is
                longest = max(segment.lengths) / TICKS
                self.assertGreater(longest, 0.7)
                self.assertLess(longest, 2.1)

    def test_a_file_that_does_not(self):
        with open(self.make("still.ts", "-c:v", "mpeg2video", "-c:a", "mp2"), "rb") as file:
            segment = self.grow("same.ts", file.read(), b"")
        # opening a file to append to it changes nothing
        self.assertEqual((segment.notes, segment.incomplete), ([], False))


class Amr(Case):
    """FFmpeg has no encoder for it: frames of the highest rate, of bits that mean little."""

    def test_both_kinds(self):
        bits = random.Random(7)
        for name, head, frame, size in (("a.amr", b"#!AMR\n", b"\x3c", 31), ("wide.amr", b"#!AMR-WB\n", b"\x44", 60)):
            data = head + b"".join(frame + bits.randbytes(size) for _ in range(40))
            for inputs, times in ((data, 1), (data + data, 2)):
                with self.subTest(name, times=times):
                    with open(self.path(name), "wb") as file:
                        file.write(inputs)
                    segment = self.run_tool(self.path(name))
                    self.assertAlmostEqual(segment.lengths[1] / TICKS, 0.8 * times, delta=0.03)
                    self.assertEqual((segment.notes, segment.incomplete), ([], False))
                    self.assertGreater(abs(sound(segment)).max(), 0.01)


if __name__ == "__main__":
    unittest.main()
