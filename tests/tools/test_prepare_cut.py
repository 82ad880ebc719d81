#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare: inputs that end too early. DH_PREPARE names the program."""
import struct
import subprocess
import unittest

from prepared import Case, info


class CutShort(Case):
    """An input that ends before its container said it would: what came plays, and the end says so."""

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def both_ways(self, name, data):
        """As a file, and through a pipe."""
        yield self.run_tool(self.write(name, data))
        yield self.run_tool("-", data=data)

    def check(self, name, data, is_cut):
        for segment in self.both_ways(name, data):
            self.assertEqual(segment.incomplete, is_cut, segment.notes)
            self.assertEqual(any("cut short" in note for note in segment.notes), is_cut, segment.notes)
            self.assertEqual(info(self.path("out.dhs"))["incomplete"], is_cut)

    def test_each_container(self):
        fragments = ["-movflags", "frag_keyframe+empty_moov", "-g", 10]
        h264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"]
        for name, options in {
                "first.mp4": [*h264, "-movflags", "faststart"], "fragments.mp4": [*h264, *fragments],
                "cut.mkv": h264, "cut.webm": ["-c:v", "libvpx", "-c:a", "libopus"],
                "cut.nut": ["-c:v", "mpeg4", "-c:a", "libmp3lame"], "raw.nut": ["-c", "copy"],
                "cut.avi": ["-c:v", "mpeg4", "-c:a", "libmp3lame"], "cut.flv": [],
                "cut.y4m": ["-an", "-pix_fmt", "yuv420p"], "cut.wav": ["-vn"],
                "cut.ogg": ["-vn", "-c:a", "libvorbis"], "cut.opus": ["-vn", "-c:a", "libopus"],
                "cut.aac": ["-vn", "-c:a", "aac"], "cut.ts": [*h264],
                }.items():
            with open(self.make(name, *options), "rb") as file:
                data = file.read()
            with self.subTest(name, cut=False):
                self.check(name, data, False)
            for part in (0.7, 0.93):
                # within the media's container element, and within a packet
                size = int(len(data) * part) // 188 * 188 + 47
                with self.subTest(name, part=part):
                    self.check(name, data[:size], True)

    def test_what_a_pipe_was_given(self):
        """Sizes are unknown there; clusters and fragments show the cut."""
        for container, options in {
                "matroska": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-cluster_time_limit", 300],
                "nut": ["-c", "copy"], "mpegts": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"],
                "wav": ["-vn"], "avi": ["-c:v", "mpeg4", "-c:a", "libmp3lame"], "flv": [],
                "mp4": ["-c:v", "libx264", "-g", 10, "-pix_fmt", "yuv420p", "-c:a", "aac",
                        "-movflags", "frag_keyframe+empty_moov"],
                }.items():
            data = subprocess.run(["ffmpeg", "-v", "error", "-i", self.base, *map(str, options), "-f", container, "-"],
                                  capture_output=True, check=True).stdout
            with self.subTest(container):
                self.check("whole", data, False)
            if container != "wav":  # its size is unknown, so it can end anywhere
                with self.subTest(container, cut=True):
                    self.check("cut", data[:len(data) * 2 // 3 // 188 * 188 + 47], True)

    def test_between_a_fragment_and_its_media(self):
        with open(self.make("f.mp4", "-c:v", "libx264", "-g", 10, "-pix_fmt", "yuv420p", "-c:a", "aac",
                            "-movflags", "frag_keyframe+empty_moov"), "rb") as file:
            data = file.read()
        at = data.index(b"moof", data.index(b"moof") + 4) - 4
        self.check("whole fragments.mp4", data[:at], False)  # nobody said how many there are
        size, = struct.unpack_from(">I", data, at)
        self.check("no media.mp4", data[:at + size], True)

    def test_sound_beside_a_picture(self):
        """Of two inputs, the one that was cut is named."""
        video = self.make("v.mp4", "-an", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "faststart")
        with open(self.make("a.wav", "-vn"), "rb") as file:
            data = file.read()
        segment = self.run_tool(video, self.write("cut.wav", data[:len(data) // 2]))
        self.assertTrue(segment.incomplete)
        self.assertEqual([note for note in segment.notes if "cut.wav" not in note], [])

    def test_a_track_that_is_not_wanted_may_be_longer(self):
        long = self.make("long.wav", "-vn", "-af", "apad=pad_dur=5")
        video = self.make("long.mp4", "-i", long, "-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-pix_fmt", "yuv420p")
        segment = self.run_tool(video, self.make("a.wav", "-vn"))
        self.assertEqual(segment.notes, [])
        self.assertFalse(segment.incomplete)

    def test_sizes_that_nobody_knew(self):
        """The size that espeak-ng and sox write to a pipe means nothing."""
        with open(self.make("s.wav", "-vn", "-bitexact"), "rb") as file:
            data = bytearray(file.read())
        at = data.index(b"data") + 4
        for size in (0, 0x7ffff000, 0x7fffffff, 0xffffffff):
            struct.pack_into("<I", data, 4, min(size + at, 0xffffffff))
            struct.pack_into("<I", data, at, size)
            with self.subTest(hex(size)):
                self.check("unknown.wav", bytes(data), False)

    def test_an_idle_clip(self):
        with open(self.make("i.mp4", "-c:v", "libx264", "-g", 10, "-pix_fmt", "yuv420p", "-an", "-movflags", "faststart"), "rb") as file:
            data = file.read()
        for part, is_cut in ((1, False), (2, True)):
            segment = self.run_tool("--idle", self.write("i.mp4", data[:len(data) // part]))
            self.assertEqual(segment.incomplete, is_cut)
            self.assertEqual([note for note in segment.notes if "cut short" in note] != [], is_cut, segment.notes)


if __name__ == "__main__":
    unittest.main()
