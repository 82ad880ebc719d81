#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare: every kind of input; --info and --export.
DH_PREPARE names the program."""
import json
import struct
import subprocess
import unittest

import av
import numpy as np

import marks
from prepared import (
    PREPARE, TICKS, SIZE, SECONDS, FORMAT, EMPTY, USAGE, Case, film, info, marks_in_medium,
    marks_in_segment, prepare, sound)


class Containers(Case):
    def check(self, path, picture=True, speech=True, limit_ms=1.0):
        segment = self.run_tool(path)
        data = info(self.path("out.dhs"))
        self.assertEqual("video" in data, picture)
        self.assertEqual("audio" in data, speech)
        if picture:
            self.assertEqual((segment.width, segment.height), (SIZE, SIZE))
            self.assertEqual(len(segment.video), SECONDS * 25)
        if speech:
            self.assertAlmostEqual(segment.lengths[1] / TICKS, SECONDS, delta=0.1)
        if picture and speech:
            flashes, beeps = marks_in_segment(segment)
            self.assertEqual((len(flashes), len(beeps)), (SECONDS, SECONDS))
            expected = np.median(marks.pairs(*marks_in_medium(path)))
            for distance in marks.pairs(flashes, beeps):
                self.assertLessEqual(abs(distance - expected) * 1000, limit_ms)
        return segment

    def test_containers_and_codecs(self):
        h264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p"]
        for name, options in {
                "wav2lip.mp4": [*h264, "-c:a", "aac"],
                "fragments.mp4": [*h264, "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"],
                "hevc.mp4": ["-c:v", "libx265", "-x265-params", "log-level=none", "-c:a", "aac"],
                "cv2.mp4": ["-c:v", "mpeg4", "-c:a", "libmp3lame"],
                "alac.mov": ["-c:v", "prores_ks", "-c:a", "alac"],
                "mjpeg.mov": ["-c:v", "mjpeg", "-q:v", 3, "-c:a", "pcm_s16le"],
                "vp8.webm": ["-c:v", "libvpx", "-b:v", "2M", "-c:a", "libopus"],
                "vp9.webm": ["-c:v", "libvpx-vp9", "-b:v", "2M", "-deadline", "realtime", "-c:a", "libvorbis"],
                "av1.mkv": ["-c:v", "libaom-av1", "-cpu-used", 8, "-usage", "realtime", "-c:a", "flac"],
                "h264.mkv": [*h264, "-bf", 3, "-c:a", "libopus"],
                "ffv1.mkv": ["-c:v", "ffv1", "-c:a", "pcm_f32le"],
                "mjpeg.avi": ["-c:v", "mjpeg", "-q:v", 3, "-c:a", "pcm_s16le"],
                "xvid.avi": ["-c:v", "mpeg4", "-c:a", "libmp3lame"],
                "h264.ts": [*h264, "-c:a", "aac"],
                "mpeg2.ts": ["-c:v", "mpeg2video", "-q:v", 3, "-c:a", "mp2"],
                "h264.flv": [*h264, "-c:a", "aac"],
                "raw.nut": ["-c:v", "rawvideo", "-pix_fmt", "yuv420p", "-c:a", "pcm_f32le"],
                }.items():
            with self.subTest(name):
                self.check(self.make(name, *options))

    def test_one_medium(self):
        for name, options in {
                "pictures.y4m": ["-an", "-pix_fmt", "yuv420p"],
                "pictures.mp4": ["-an", "-c:v", "libx264", "-pix_fmt", "yuv444p"],
                }.items():
            with self.subTest(name):
                self.check(self.make(name, *options), speech=False)
        for name, options in {
                "s.wav": ["-c:a", "pcm_s16le"], "s24.wav": ["-c:a", "pcm_s24le"], "s.mp3": [], "s.flac": [],
                "s.ogg": ["-c:a", "libvorbis"], "s.opus": ["-c:a", "libopus"], "s.aac": ["-c:a", "aac"],
                "s.m4a": ["-c:a", "aac"], "s.mka": ["-c:a", "pcm_mulaw", "-ar", 8000],
                }.items():
            with self.subTest(name):
                self.check(self.make(name, "-vn", *options), picture=False)

    def test_sound_formats(self):
        """Any rate and layout; the beep does not move."""
        for rate, channels in ((8000, 1), (16000, 1), (22050, 2), (24000, 1), (44100, 2), (48000, 6), (96000, 2)):
            with self.subTest(rate=rate, channels=channels):
                path = self.make("sound.mkv", "-c:v", "ffv1", "-c:a", "pcm_f32le", "-ar", rate, "-ac", channels)
                segment = self.check(path)
                _, beeps = marks_in_segment(segment)
                self.assertAlmostEqual(beeps[0], marks.MARK, delta=0.0005)
                self.assertEqual(segment.lengths[1], SECONDS * TICKS)
                if channels < 3:  # ffmpeg turns mono into stereo at -3 dB
                    self.assertAlmostEqual(np.percentile(abs(sound(segment)), 99.5), 0.6 / channels ** 0.5, delta=0.03)

    def test_what_codecs_add_to_sound_is_cut(self):
        """Two seconds of speech stay two seconds, so that segments follow without a pause."""
        source = marks.write_mp4(self.path("speech.mp4"), SECONDS, SIZE)
        speech = self.make("speech.wav", "-t", SECONDS, source=source)
        for name, options in {
                "end.mp4": ["-c:v", "copy", "-c:a", "aac"],
                "first.mov": ["-c:v", "copy", "-c:a", "aac", "-movflags", "faststart"],
                "fragments.mp4": ["-c:v", "copy", "-c:a", "aac", "-movflags", "frag_keyframe+delay_moov"],
                "short.mp4": ["-c:v", "copy", "-c:a", "aac", "-movflags", "delay_moov", "-frag_duration", 300000],
                "mp3.mp4": ["-c:v", "copy", "-c:a", "libmp3lame"],
                "opus.mkv": ["-ar", 48000, "-c:v", "copy", "-c:a", "libopus"],
                "sound.ogg": ["-vn", "-ar", 48000, "-c:a", "libopus"],
                "sound.mp3": ["-vn"],
                }.items():
            path = self.make(name, "-i", speech, "-map", "0:v", "-map", "1:a", *options, source=source)
            with self.subTest(name):
                segment = self.run_tool(path)
                self.assertEqual(segment.lengths[1], SECONDS * TICKS)
                if segment.video:
                    expected = np.median(marks.pairs(*marks_in_medium(path)))
                    self.assertLess(abs(marks.pairs(*marks_in_segment(segment)) - expected).max(), 0.001)
            if "moov" in str(options) or "faststart" in options:
                with open(path, "rb") as file, self.subTest(name, piped=True):
                    self.assertEqual(self.run_tool("-", data=file.read()).lengths, segment.lengths)

    def test_a_length_that_is_wrong_cuts_nothing(self):
        """An index that states one second for two seconds of sound."""
        path = self.make("lies.mp4", "-vn", "-c:a", "aac", "-use_editlist", 0)
        whole = self.run_tool(path).lengths[1]
        with open(path, "rb") as file:
            data = bytearray(file.read())
        at = data.index(b"mdhd") + 20  # version 0: version, two dates, the time base, the length
        length, = struct.unpack_from(">I", data, at)
        struct.pack_into(">I", data, at, length // 2)
        with open(path, "wb") as file:
            file.write(data)
        padding = whole - self.run_tool(path).lengths[1]
        self.assertIn(padding, range(-TICKS // 10, 0))  # the padding at its end, which was cut before

    def test_loudness(self):
        """The same in both channels is as loud as mono, whatever the sample format."""
        for name, options in (("l.wav", ["-c:a", "pcm_s16le"]), ("f.wav", ["-c:a", "pcm_f32le"]),
                              ("l.m4a", ["-c:a", "aac", "-b:a", "192k"])):
            for channels in (1, 2):
                path = self.make(name, "-vn", "-af", f"pan={channels}c|" + "|".join(f"c{n}=c0" for n in range(channels)), *options)
                with self.subTest(name, channels=channels):
                    self.assertAlmostEqual(np.percentile(abs(sound(self.run_tool(path))), 99.5), 0.6, delta=0.03)

    def test_picture_and_sound_in_two_files(self):
        video = self.make("v.mp4", "-an", "-c:v", "libx264", "-pix_fmt", "yuv420p")
        audio = self.make("a.wav", "-vn")
        segment = self.run_tool(video, audio)
        flashes, beeps = marks_in_segment(segment)
        self.assertLess(abs(marks.pairs(flashes, beeps)).max(), 0.001)
        self.refuse(EMPTY, ["a.wav", "no picture"], audio, video)
        self.refuse(EMPTY, ["v.mp4", "no sound"], video, video)

    def test_still_picture_with_speech(self):
        still = self.make("face.png", "-frames:v", 1)
        segment = self.run_tool(still, self.make("a.wav", "-vn"), "--entry-ms", 400)
        self.assertEqual(len(segment.video), 5)
        self.assertEqual(segment.entries(), list(range(5)))
        self.assertEqual(segment.lengths, (SECONDS * TICKS, SECONDS * TICKS))

    def test_arrays(self):
        """What numpy's tofile writes: 33 pictures a second are exactly that."""
        video, audio = marks.write_arrays(self.folder, SECONDS, SIZE, 33, 24000)
        for order in (0, 1):
            named = [["--raw-video", f"bgr24:{SIZE}x{SIZE}@33", video], ["--raw-audio", "f32le:24000:1", audio]]
            segment = self.run_tool(*named[order], *named[1 - order])
            self.assertEqual([u.pts for u in segment.video], [(n * TICKS + 16) // 33 for n in range(66)])
            self.assertEqual(segment.rate, (33, 1))
            flashes, beeps = marks_in_segment(segment)
            self.assertEqual(len(flashes), SECONDS)
            self.assertLess(abs(flashes[0] - beeps[0]), 0.001)
        self.refuse(FORMAT, ["frames.bgr", "whole number"], "--raw-video", f"bgr24:{SIZE}x{SIZE + 1}@33", video)
        for words in (["--raw-video", "bgr24:512@33", video], ["--raw-video", "bgr25:8x8@33", video],
                      ["--raw-audio", "f31le:24000:1", audio], [audio, "--raw-audio", "f32le:24000:1"]):
            self.refuse(USAGE, "raw-", *words)

    def test_from_a_pipe(self):
        for name, options in {
                "p.mkv": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"],
                "p.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac",
                          "-movflags", "frag_keyframe+empty_moov"],
                "first.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "faststart"],
                "p.nut": ["-c:v", "rawvideo", "-c:a", "pcm_s16le"],
                "p.ts": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"],
                "p.wav": ["-vn"],
                }.items():
            with self.subTest(name):
                path = self.make(name, *options)
                with open(path, "rb") as file:
                    data = file.read()
                piped = self.run_tool("-", data=data)
                filed = self.run_tool(path)
                self.assertEqual([u.data for u in piped.audio], [u.data for u in filed.audio])
                self.assertEqual([u.data for u in piped.video], [u.data for u in filed.video])

    def test_out_of_a_pipe(self):
        done = subprocess.run([PREPARE, self.base, "-o", "-"], capture_output=True, check=True)
        self.run_tool(self.base)
        with open(self.path("out.dhs"), "rb") as file:
            self.assertEqual(done.stdout, file.read())


class Tool(Case):
    def test_info(self):
        segment = self.run_tool(self.base)
        data = info(self.path("out.dhs"))
        self.assertEqual(data["video"]["pictures"], SECONDS * 25)
        self.assertEqual(data["video"]["entries"], len(segment.entries()))
        self.assertEqual(data["video"]["anchor"]["bytes"], len(segment.anchor))
        self.assertEqual(data["audio"]["ticks"], segment.lengths[1])
        text = subprocess.run([PREPARE, "--info", self.path("out.dhs")], capture_output=True, check=True).stdout.decode()
        for words in (f"{SIZE}x{SIZE}", "25 pictures/s", "checksums are right"):
            self.assertIn(words, text)

    def test_info_verifies(self):
        self.run_tool(self.base)
        with open(self.path("out.dhs"), "rb") as file:
            data = bytearray(file.read())
        data[len(data) // 2] ^= 1
        for bad in (data, data[:len(data) // 3], b"DHS1", b""):
            with open(self.path("bad.dhs"), "wb") as file:
                file.write(bad)
            self.assertIn("bad.dhs", prepare("--info", self.path("bad.dhs"), code=FORMAT))
            prepare("--export", self.path("bad.webm"), self.path("bad.dhs"), code=FORMAT)

    def test_export(self):
        segment = self.run_tool(self.base)
        out = self.path("out.webm")
        prepare("--export", out, self.path("out.dhs"))
        probe = json.loads(subprocess.run(["ffprobe", "-v", "error", "-show_streams", "-show_packets", "-of", "json", out],
                                          capture_output=True, check=True).stdout)
        self.assertEqual([s["codec_name"] for s in probe["streams"]], ["vp8", "opus"])
        with av.open(out) as container:
            pictures = [(f.time, f.key_frame, f.to_ndarray(format="yuv420p")) for f in container.decode(video=0)]
        self.assertEqual(len(pictures), len(segment.video) + 1)
        self.assertTrue(pictures[0][1])
        self.assertFalse(any(p[1] for p in pictures[1:]))
        for one, other in zip(film(segment), pictures[1:]):
            self.assertTrue(np.array_equal(one, other[2]))
        flashes, beeps = marks_in_medium(out)
        self.assertLess(abs(marks.pairs(flashes, beeps)).max(), 0.001)

    def test_help_and_version(self):
        text = subprocess.run([PREPARE, "--help"], capture_output=True, check=True).stdout.decode()
        for words in ("--avatar", "--raw-video", "Exit codes", "MPEG-TS"):
            self.assertIn(words, text)
        text = subprocess.run([PREPARE, "--version"], capture_output=True, check=True).stdout.decode()
        self.assertEqual(text.count("\n"), 1)
        self.assertIn("libopus", text)

    def test_same_input_same_output(self):
        one = self.run_tool(self.base)
        two = self.run_tool(self.base)
        self.assertEqual(one.anchor, two.anchor)
        self.assertEqual(one.video, two.video)
        self.assertEqual(one.audio, two.audio)


if __name__ == "__main__":
    unittest.main()
