#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare: words from subtitle tracks. DH_PREPARE names the program."""
import os
import struct
import unittest

import av

from ffmpeg import ffmpeg
from prepared import Case, Prepared, info, prepare

SRT = """1
00:00:00,000 --> 00:00:01,000
<i>Hello</i> you

2
00:00:01,000 --> 00:00:01,500
{\\an8}M\u00fcnchen

3
00:00:01,600 --> 00:00:01,900
1 & so
on
"""
# Spread over each cue in proportion to their lengths: "Hello you" has nine characters in 1000 ms.
WORDS = [["Hello", 0, 555], ["you", 666, 1000], ["M\u00fcnchen", 1000, 1500], ["1", 1600, 1633], ["&", 1666, 1700],
         ["so", 1733, 1800], ["on", 1833, 1900]]


def bitmaps(ms, is_shown):
    """From then on a subtitle of a Blu-ray disc, eight points wide and high, or none."""
    def part(kind, data):
        return b"PG" + struct.pack(">IIBH", 90 * ms, 0, kind, len(data)) + data
    parts = part(0x16, struct.pack(">HHBHBBBB", 64, 64, 16, ms, 0x80, 0, 0, is_shown) +
                 (struct.pack(">HBBHH", 0, 0, 0, 8, 8) if is_shown else b""))
    parts += part(0x17, struct.pack(">BBHHHH", 1, 0, 8, 8, 8, 8))
    if is_shown:
        rows = b"\0\x88\1\0\0" * 8
        parts += part(0x14, bytes((0, 0, 1, 235, 128, 128, 255)))
        parts += part(0x15, struct.pack(">HBB", 0, 0, 0xc0) + (len(rows) + 4).to_bytes(3, "big") + struct.pack(">HH", 8, 8) + rows)
    return parts + part(0x80, b"")


class Words(Case):
    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def media(self, name, *options, srt=SRT):
        """Two seconds with subtitles."""
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=2", "-f", "lavfi", "-i", "sine=440:d=2",
               "-i", self.write("words.srt", srt), "-map", "0", "-map", "1", "-map", "2", *options, self.path(name))
        return self.path(name)

    def words(self, *arguments, data=None):
        prepare(*arguments, "-o", self.path("out.dhs"), data=data)
        told = info(self.path("out.dhs"))
        self.assertFalse(told["incomplete"], told["notes"])
        return told["words"]

    def close_to(self, words, expected, ms=2):
        """Containers round times to a millisecond; a few formats to a hundredth of a second."""
        self.assertEqual([word[0] for word in words], [word[0] for word in expected])
        for word, other in zip(words, expected):
            self.assertLessEqual(max(abs(word[1] - other[1]), abs(word[2] - other[2])), ms, (word, other))

    def test_each_format(self):
        mpeg4 = ["-c:v", "mpeg4", "-bf", "0", "-c:a", "flac"]
        aac = [*mpeg4, "-c:a", "aac", "-c:s", "mov_text"]
        for name, options, ms in (
                ("srt.mkv", [*mpeg4, "-c:s", "subrip"], 2), ("ass.mkv", [*mpeg4, "-c:s", "ass"], 10),
                ("vtt.mkv", [*mpeg4, "-c:s", "webvtt"], 2),
                ("vtt.webm", ["-c:v", "libvpx", "-c:a", "libopus", "-c:s", "webvtt"], 10),
                ("text.mp4", aac, 2),
                # in which a cue lasts until the next one
                ("fragments.mp4", [*aac, "-movflags", "frag_keyframe+empty_moov", "-g", "10"], 150),
                ("raw.mkv", ["-c:v", "rawvideo", "-c:a", "pcm_s16le", "-c:s", "subrip"], 2)):
            with self.subTest(name):
                path = self.media(name, *options)
                self.close_to(self.words(path), WORDS, ms)
                if name not in ("text.mp4",):       # whose index comes last
                    with open(path, "rb") as file:
                        self.close_to(self.words("-", data=file.read()), WORDS, ms)

    def test_words_beyond_the_end_are_no_cut(self):
        """A cue that outlasts picture and sound does not make them incomplete."""
        srt = "1\n00:00:00,000 --> 00:00:09,000\nHello\n"
        path = self.media("long.mkv", "-c:v", "mjpeg", "-c:a", "pcm_s16le", "-c:s", "subrip", srt=srt)
        self.assertEqual(self.words(path), [["Hello", 0, 9000]])

    def test_too_many(self):
        srt = "1\n00:00:00,000 --> 00:00:02,000\n" + "w " * 3000 + "\n"
        path = self.media("many.mkv", "-c:v", "mjpeg", "-c:a", "pcm_s16le", "-c:s", "subrip", srt=srt)
        self.assertEqual(len(self.words(path)), 2000)
        self.assertIn("[too_many_words] many.mkv: only the first 2000 of its words are used",
                      info(self.path("out.dhs"))["notes"])

    def test_a_long_word_is_cut_at_a_character(self):
        srt = "1\n00:00:00,000 --> 00:00:02,000\n" + "x" + "\u00e4" * 300 + "\n"
        path = self.media("word.mkv", "-c:v", "mjpeg", "-c:a", "pcm_s16le", "-c:s", "subrip", srt=srt)
        self.assertEqual(self.words(path), [["x" + "\u00e4" * 99, 0, 2000]])

    def test_times_are_those_of_the_segment(self):
        """Picture and sound of the source begin at one second."""
        path = self.media("late.mkv", "-c:v", "mjpeg", "-c:a", "pcm_s16le", "-c:s", "subrip")
        ffmpeg("-i", path, "-map", "0", "-c", "copy", "-output_ts_offset", "1", self.path("shifted.mkv"))
        self.close_to(self.words(self.path("shifted.mkv")), WORDS)

    def test_joined_files(self):
        """The words of the second file follow those of the first, as its pictures and sound do."""
        path = self.media("one.mkv", "-c:v", "mjpeg", "-c:a", "pcm_s16le", "-c:s", "subrip")
        with open(path, "rb") as file:
            twice = file.read() * 2
        with open(self.path("two.mkv"), "wb") as file:
            file.write(twice)
        expected = WORDS + [[word, begin + 2000, end + 2000] for word, begin, end in WORDS]
        self.close_to(self.words(self.path("two.mkv")), expected)
        self.close_to(self.words("-", data=twice), expected)

    def test_what_is_no_tag(self):
        srt = "1\n00:00:00,000 --> 00:00:01,000\n1 < 2, <b>3</b> > <3 {y:i}\n"
        path = self.media("less.mkv", "-c:v", "mjpeg", "-c:a", "pcm_s16le", "-c:s", "subrip", srt=srt)
        self.assertEqual([word[0] for word in self.words(path)][:6], ["1", "<", "2,", "3", ">", "<3"])

    def test_without_subtitles(self):
        path = self.path("bare.mkv")
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=1", "-c:v", "mjpeg", path)
        self.assertEqual(self.words(path), [])

    def test_a_picture_for_subtitles_is_left_out(self):
        """Bitmaps say nothing; the pictures play all the same, and a track of text beside them is read."""
        with open(self.path("bitmaps.sup"), "wb") as file:
            file.write(bitmaps(0, True) + bitmaps(1000, False))
        for name, more, expected in (("alone.mkv", [], []), ("beside.mkv", ["-i", self.write("words.srt", SRT)], WORDS)):
            with self.subTest(name):
                ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=2", "-i", self.path("bitmaps.sup"), *more, "-map", 0, "-map", 1,
                       *(["-map", 2] if more else []), "-c:v", "mjpeg", "-c:s", "copy", "-disposition:s", "0", self.path(name))
                with av.open(self.path(name)) as file:
                    self.assertEqual([stream.type for stream in file.streams][:2], ["video", "subtitle"])
                    self.assertEqual(file.streams[1].codec_context.name, "pgssub")
                self.close_to(self.words(self.path(name)), expected)
                self.assertEqual(len(Prepared(self.path("out.dhs")).video), 50)

    def test_other_subtitles_that_are_no_text(self):
        """An attachment."""
        path = self.path("attached.mkv")
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=1", "-c:v", "mjpeg", "-attach", os.path.abspath(__file__),
               "-metadata:s:t", "mimetype=text/plain", path)
        self.assertEqual(self.words(path), [])
        self.assertEqual(len(Prepared(self.path("out.dhs")).video), 25)


if __name__ == "__main__":
    unittest.main()
