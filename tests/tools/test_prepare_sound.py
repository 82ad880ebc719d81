#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare: sound and time, whatever the file. DH_PREPARE names the program."""
import copy
import itertools
import os
import random
import resource
import shutil
import subprocess
import unittest

import av
import numpy as np

import marks
import matrix
from ffmpeg import ffmpeg
from prepared import PREPARE, Case, TICKS, film, sound

RATE = 48000
LOW, SLOPE = 300, 400  # of the sweep, Hz and Hz/s


def sweep(seconds, rate=RATE):
    t = np.arange(int(seconds * rate)) / rate
    return (0.4 * np.sin(2 * np.pi * (LOW * t + SLOPE * t * t / 2))).astype(np.float32)


def spoilt(samples, after=lambda t: t, low=LOW, slope=SLOPE):
    """Windows of 10 ms that are no pure tone of about the frequency that the sweep has then."""
    n, starts = np.arange(480) / RATE, np.arange(2400, len(samples) - 2400, 480)
    x = samples[starts[:, None] + np.arange(480)].astype(np.float64)
    t = np.array([after(at / RATE) for at in starts])[:, None]
    phase = 2 * np.pi * ((low + slope * t) * n + slope * n * n / 2)
    basis = np.stack([np.cos(phase), np.sin(phase), np.cos(phase) * (n - 0.005) * 200, np.sin(phase) * (n - 0.005) * 200], 1)
    amounts = np.linalg.solve(basis @ basis.transpose(0, 2, 1), basis @ x[:, :, None])
    rest = x - (amounts.transpose(0, 2, 1) @ basis)[:, 0]
    return (starts[(rest ** 2).sum(1) > 0.02 * np.maximum((x ** 2).sum(1), 480 * 0.02)] / RATE).tolist()


def loudest(samples):
    return np.fft.rfftfreq(len(samples), 1 / RATE)[np.abs(np.fft.rfft(samples * np.hanning(len(samples)))).argmax()]


def level(samples):
    return np.sqrt((samples.astype(np.float64) ** 2).mean())


def like(target, stream):
    """A stream in `target` for the packets of another. (PyAV renamed the function.)"""
    if hasattr(target, "add_stream_from_template"):
        return target.add_stream_from_template(stream)
    return target.add_stream(template=stream)


class SoundCase(Case):
    def wave(self, name, samples, rate=RATE, layout=None):
        """A WAV of 32-bit floats; several rows are several channels."""
        samples = np.atleast_2d(samples)
        path = self.path(name)
        ffmpeg("-f", "f32le", "-ar", rate, "-ac", len(samples), *(["-channel_layout", layout] if layout else []),
               "-i", "-", "-c:a", "pcm_f32le", path, data=np.ascontiguousarray(samples.T, np.float32).tobytes())
        return path

    def tone(self, name, hz, seconds=0.8, *options, rate=RATE):
        """Of a tone, encoded."""
        return self.make(name, *options, source=self.wave(f"tone{hz}.wav", 0.4 * np.sin(
            2 * np.pi * hz * np.arange(int(seconds * rate)) / rate), rate))

    def seconds(self, segment):
        return segment.lengths[1] / TICKS

    def codes(self, segment):
        return [note[1:note.index("]")] for note in segment.notes]

    def remux(self, path, name, container, change):
        """The same packets at other times; `change` maps seconds to seconds."""
        with av.open(path) as source, av.open(self.path(name), "w", container,
                                              {"page_duration": "1"} if container == "ogg" else {}) as target:
            stream = like(target, source.streams[0])
            last = None
            for packet in source.demux(0):
                if packet.pts is None:
                    continue
                time = int(round(change(float(packet.pts * packet.time_base)) / packet.time_base))
                if container == "ogg" and last is None:  # whose times cannot begin any earlier
                    time = max(time, packet.pts)
                packet.pts = packet.dts = time if last is None else max(time, last + 1)
                last = packet.pts
                packet.stream = stream
                target.mux(packet)
        return self.path(name)


def rounded(ms):
    return lambda t: t * 1000 // ms * ms / 1000


def jitter(ms):
    rng = random.Random(ms)
    return lambda t: max(t + rng.uniform(-ms, ms) / 1000, 0)


def gap(change):
    """Of 300 ms in the middle of a sweep."""
    return lambda t: change(t) if t < SWEEP / 2 else change(t + 0.3)


SWEEP = 1.6  # seconds


class Times(SoundCase):
    CODECS = {"aac": ["-c:a", "aac", "-b:a", "160k"], "opus": ["-c:a", "libopus", "-b:a", "128k"],
              "mp3": ["-c:a", "libmp3lame", "-b:a", "192k"], "vorbis": ["-c:a", "libvorbis", "-q:a", "6"],
              "mp2": ["-c:a", "mp2", "-b:a", "192k"]}
    # Those that say when sound is heard; in the others, as WAV and AVI, samples are counted.
    CONTAINERS = {"matroska": "aac", "webm": "opus", "flv": "aac", "mpegts": "aac", "mpeg": "mp2", "nut": "opus",
                  "ogg": "vorbis", "mp4": "aac", "mov": "aac"}
    CHANGES = {"none": jitter(0), "jitter of 20 ms": jitter(20), "rounded to 1 ms": rounded(1), "rounded to 10 ms": rounded(10),
               "rounded to 21 ms": rounded(21), "rounded to 40 ms": rounded(40), "gap": gap(jitter(0))}
    MORE = [("aac", "matroska", "jitter of 8 ms", jitter(8)), ("opus", "webm", "jitter of 8 ms", jitter(8)),
            ("mp3", "matroska", "jitter of 20 ms", jitter(20)), ("vorbis", "webm", "rounded to 40 ms", rounded(40)),
            ("opus", "ogg", "jitter of 20 ms", jitter(20)), ("opus", "webm", "gap, jitter of 15 ms", gap(jitter(15))),
            ("aac", "mpegts", "gap, rounded to 10 ms", gap(rounded(10)))]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        wave = cls.wave(cls, "sweep.wav", sweep(SWEEP))
        cls.coded = {codec: cls.make(cls, f"sweep-{codec}.mka", *options, source=wave)
                     for codec, options in cls.CODECS.items()}

    def check(self, path, gap=None):
        segment = self.run_tool("--audio-kbps", 160, path)
        samples = sound(segment)
        if gap:  # what is silent is the gap; around it 20 ms may be spoilt
            middle = SWEEP / 2
            after = lambda t: t if t < middle else t - gap
            bad = [t for t in spoilt(samples, after) if not middle - 0.1 < t < middle + 0.1 + gap]
        else:
            bad = spoilt(samples)
        self.assertEqual(bad, [])
        self.assertAlmostEqual(self.seconds(segment), SWEEP + (gap or 0), delta=0.065)
        self.assertEqual(self.codes(segment), ["sound_gaps"] if gap else [])

    def test_each_container(self):
        rows = [(codec, container, name, change) for container, codec in self.CONTAINERS.items()
                for name, change in self.CHANGES.items()]
        for codec, container, name, change in rows + self.MORE:
            with self.subTest(container=container, codec=codec, change=name):
                self.check(self.remux(self.coded[codec], f"c.{container}", container, change), gap=0.3 if "gap" in name else None)

    def test_as_they_are(self):
        for name, options in {"a.ogg": ["-c:a", "libvorbis", "-q:a", "6"], "a.ts": ["-c:a", "aac", "-b:a", "160k"],
                              "a.flv": ["-c:a", "aac", "-b:a", "160k", "-ar", 44100]}.items():
            with self.subTest(name):
                self.check(self.make(name, *options, source=self.path("sweep.wav")))

    def test_slow_drift(self):
        """Of 36 ms in thirty seconds: followed, and nowhere is a click. (FLAC fills no block.)"""
        tone = self.tone("drift.mka", 3000, 30, "-c:a", "flac")
        for rate in (1.0012, 0.9988):
            with self.subTest(rate):
                segment = self.run_tool("--audio-kbps", 160, self.remux(tone, "d.mka", "matroska", lambda t, rate=rate: t * rate))
                self.assertEqual(spoilt(sound(segment), low=3000, slope=0), [])
                self.assertAlmostEqual(self.seconds(segment), 30 * rate, delta=0.02)
                self.assertEqual(self.codes(segment), [])

    def test_lips_after_ten_minutes(self):
        """With times that jitter by 20 ms and drift by 60 ms. A picture flashes at each beep's time; else all is silent and
        dark, which costs little."""
        beeps = np.arange(10, 600, 10)  # seconds, by the samples
        samples = np.zeros(600 * 8000, np.int16)
        for beep in beeps:
            samples[beep * 8000:beep * 8000 + 1600] = 16000 * np.sin(2 * np.pi * 1000 * np.arange(1600) / 8000)
        exact = self.path("exact.mka")
        ffmpeg("-f", "s16le", "-ar", 8000, "-ac", 1, "-i", "-", "-c:a", "flac", "-frame_size", 576, exact, data=samples.tobytes())
        shaken = jitter(20)
        voice = self.remux(exact, "shaken.mka", "matroska", lambda t: shaken(t * 1.0001))
        drawn = np.zeros((120, 16, 16), np.uint8)
        drawn[beeps // 5] = 255
        flashing = self.path("flashing.mkv")
        ffmpeg("-f", "rawvideo", "-pix_fmt", "gray", "-s", "16x16", "-r", "2000/10001", "-i", "-", "-c:v", "ffv1", flashing,
               data=drawn.tobytes())
        both = self.path("both.mkv")
        ffmpeg("-copyts", "-i", flashing, "-i", voice, "-c", "copy", both)
        segment = self.run_tool(both)
        self.assertEqual(self.codes(segment), [])
        light = [picture[:16].mean() > 128 for picture in film(segment)]
        flashes = [unit.pts / TICKS for unit, is_lit in zip(segment.video, light) if is_lit]
        self.assertEqual(len(flashes), len(beeps))
        for flash in (flashes[0], flashes[-1]):
            heard = copy.copy(segment)
            first = round(flash * 50) - 25
            heard.audio = segment.audio[first:first + 50]
            at = marks.beeps(first / 50 + np.arange(50 * 960) / RATE, sound(heard))
            self.assertEqual(len(at), 1)
            self.assertLess(abs(at[0] - flash), 0.02)

    def test_a_later_beginning(self):
        for container in ("matroska", "mpegts", "flv", "nut"):
            with self.subTest(container):
                self.check(self.remux(self.coded["aac"], f"l.{container}", container, lambda t: t + 3600))

    def test_a_jump(self):
        for container in ("matroska", "mpegts"):
            path = self.remux(self.coded["aac"], f"h.{container}", container, lambda t: t if t < 1 else t + 3600)
            segment = self.run_tool(path)
            self.assertAlmostEqual(self.seconds(segment), SWEEP, delta=0.08)
            self.assertIn("time_jump", self.codes(segment))

    def test_pictures_keep_their_own_durations(self):
        """At a variable rate, the average says nothing about the last one."""
        flat = self.make("flat.mp4", "-an", "-frames:v", 3, "-c:v", "libx264", "-bf", 0, "-pix_fmt", "yuv420p")
        path = self.make("vfr.mp4", "-c", "copy", "-bsf:v", "setts=ts='if(eq(N,2),1/TB,PTS)'", source=flat)
        with av.open(path) as container:
            self.assertEqual([float(p.duration * p.time_base) for p in container.demux(video=0) if p.pts is not None],
                             [0.04, 0.96, 0.04])
        self.assertAlmostEqual(self.run_tool(path).lengths[0] / TICKS, 1.04, delta=0.002)


class Joined(SoundCase):
    def test_each_container(self):
        """One file behind the other, byte by byte: all of it, in order. Only in MPEG-TS and MPEG-PS do
        time stamps really start again; the others begin another file. (With B-frames, ffmpeg leaves a gap in fragments.)"""
        both = ["-c:v", "libx264", "-g", 10, "-pix_fmt", "yuv420p", "-c:a", "aac"]
        for name, options in {
                "j.opus": ["-c:a", "libopus"], "j.ogg": ["-c:a", "libvorbis"], "j.flac": [], "j.wav": [],
                "j.mp3": [], "j.aac": [], "j.aiff": [], "j.au": [], "j.caf": [], "j.ac3": [], "j.w64": [],
                "jv.ts": both, "jv.mkv": both, "jv.webm": ["-c:v", "libvpx", "-c:a", "libopus"],
                "jv.nut": ["-c:v", "mpeg4", "-c:a", "aac"], "jv.mp4": both, "jv.flv": ["-c:a", "aac"],
                "jv.avi": ["-c:v", "mpeg4", "-c:a", "libmp3lame"], "jv.mpg": ["-c:v", "mpeg2video", "-c:a", "mp2"],
                "jf.mp4": [*both, "-bf", 0, "-movflags", "frag_keyframe+empty_moov"]}.items():
            with self.subTest(name):
                data, has_video = b"", name[1] in "vf"
                for hz in (500, 1250):
                    wave = self.wave("t.wav", 0.4 * np.sin(2 * np.pi * hz * np.arange(int(0.8 * RATE)) / RATE))
                    picture = ["-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=0.8"] if has_video else []
                    ffmpeg(*picture, "-i", wave, *options, self.path(name))
                    with open(self.path(name), "rb") as file:
                        data += file.read()
                with open(self.path(name), "wb") as file:
                    file.write(data)
                runs = [([self.path(name)], None)]
                if name in ("j.opus", "jv.webm", "j.wav", "jf.mp4", "j.flac"):
                    runs.append((["-"], data))
                for inputs, pipe in runs:
                    segment = self.run_tool(*inputs, data=pipe)
                    samples = sound(segment)
                    self.assertAlmostEqual(self.seconds(segment), 1.6, delta=0.12)
                    self.assertAlmostEqual(loudest(samples[7200:31200]), 500, delta=8)
                    self.assertAlmostEqual(loudest(samples[-28800:-7200]), 1250, delta=8)
                    if has_video:
                        self.assertIn(len(segment.video), (39, 40))
                        self.assertAlmostEqual(segment.lengths[0] / TICKS, 1.6, delta=0.13)
                    self.assertEqual(self.codes(segment), ["time_jump"] if name in ("jv.ts", "jv.mpg") else [])
                    self.assertFalse(segment.incomplete, segment.notes)

    def test_what_cannot_be_read_is_said(self):
        with open(self.make("whole.wav", "-vn"), "rb") as file:
            data = file.read()
        with open(self.path("more.wav"), "wb") as file:
            file.write(data + bytes(range(256)) * 40)
        segment = self.run_tool(self.path("more.wav"))
        self.assertEqual((self.codes(segment), segment.incomplete), (["left_out"], True))
        self.assertAlmostEqual(self.seconds(segment), 2, delta=0.03)

    def test_another_rate_in_the_middle(self):
        """Every sample, whatever packets are said to last. Only a transport stream's times start again with the rate."""
        for name, options, codes in (("r.aac", ["-c:a", "aac"], []), ("r.ogg", ["-c:a", "libvorbis"], []),
                                     ("r.ts", ["-c:a", "aac"], ["time_jump"])):
            data = b""
            for rate, channels in ((48000, 2), (24000, 1)):
                wave = self.wave("r.wav", np.tile(0.4 * np.sin(2 * np.pi * 500 * np.arange(rate * 2) / rate), (channels, 1)), rate)
                with open(self.make(name, *options, source=wave), "rb") as file:
                    data += file.read()
            with self.subTest(name):
                with open(self.path(name), "wb") as file:
                    file.write(data)
                segment = self.run_tool(self.path(name))
                samples = sound(segment)
                self.assertAlmostEqual(self.seconds(segment), 4, delta=0.15)  # AAC fills its blocks
                self.assertEqual((self.codes(segment), segment.incomplete), (codes, False))
                self.assertAlmostEqual(loudest(samples[100000:180000]), 500, delta=4)
                levels = [level(samples[at:at + 480]) for at in range(4800, 187200, 480) if not 91200 <= at < 103200]
                self.assertGreater(min(levels), 0.8 * np.median(levels))


class Levels(SoundCase):
    TONE = 0.3 * np.sin(2 * np.pi * 600 * np.arange(RATE // 2) / RATE)

    def heard(self, channels, layout=None):
        segment = self.run_tool(self.wave("c.wav", np.stack(channels), layout=layout))
        return segment, level(sound(segment)[4800:-4800])

    def test_speech_in_the_centre(self):
        nothing = np.zeros_like(self.TONE)
        _, stereo = self.heard([self.TONE, self.TONE])
        for layout, names in {"3.0": "LRC", "3.1": "LRCE", "4.0": "LRCS", "5.0": "LRCSS", "5.1": "LRCESS",
                              "6.1": "LRCESSS", "7.1": "LRCESSSS"}.items():
            with self.subTest(layout):
                segment, centre = self.heard([self.TONE if c == "C" else nothing for c in names], layout)
                self.assertAlmostEqual(20 * np.log10(centre / stereo), 0, delta=1)
                self.assertEqual(segment.notes, [])

    def test_channels_without_a_name(self):
        """The same voice in each: their mean, and nothing that is compressed."""
        _, stereo = self.heard([self.TONE, self.TONE])
        for count in (9, 10, 12, 16):
            with self.subTest(count=count):
                segment, all_of_them = self.heard([self.TONE] * count)
                self.assertAlmostEqual(20 * np.log10(all_of_them / stereo), 0, delta=0.5)
                self.assertEqual(segment.notes, [])

    def test_channels_that_are_negatives(self):
        _, stereo = self.heard([self.TONE, self.TONE])
        segment, inverted = self.heard([self.TONE, -self.TONE])
        self.assertAlmostEqual(20 * np.log10(inverted / stereo), 0, delta=0.5)
        self.assertEqual(self.codes(segment), ["inverted_stereo"])

    def test_negatives_with_a_sample_that_is_none(self):
        """What one sample says is soon forgotten, whatever it is."""
        _, stereo = self.heard([self.TONE, self.TONE])
        for sample in np.nan, np.inf, 1e30:
            with self.subTest(sample):
                broken = self.TONE.copy()
                broken[100] = sample
                segment, inverted = self.heard([broken, -broken])
                self.assertAlmostEqual(20 * np.log10(inverted / stereo), 0, delta=0.5)
                self.assertEqual(self.codes(segment), ["inverted_stereo"])
                segment, inverted = self.heard([broken, -self.TONE])
                self.assertAlmostEqual(20 * np.log10(inverted / stereo), 0, delta=0.5)
                self.assertEqual(self.codes(segment), ["inverted_stereo"])
                segment, other = self.heard([broken, self.TONE])
                self.assertAlmostEqual(20 * np.log10(other / stereo), 0, delta=0.5)
                self.assertEqual(self.codes(segment), [])


class Formats(SoundCase):
    def test_what_tools_write(self):
        for name, options in {
                "f.aiff": [], "f.aifc": ["-f", "aiff", "-c:a", "pcm_s16le"], "f.caf": ["-c:a", "alac"], "pcm.caf": [],
                "f.au": [], "law.au": ["-c:a", "pcm_mulaw"], "f.ac3": [], "f.eac3": [], "ima.wav": ["-c:a", "adpcm_ima_wav"],
                "ms.wav": ["-c:a", "adpcm_ms"], "ima.mov": ["-c:a", "adpcm_ima_qt"], "ac3.mkv": ["-c:a", "ac3"]}.items():
            with self.subTest(name):
                segment = self.run_tool(self.tone(name, 700, 0.8, *options))
                self.assertAlmostEqual(self.seconds(segment), 0.8, delta=0.07)
                self.assertAlmostEqual(loudest(sound(segment)), 700, delta=5)
                self.assertEqual((segment.notes, segment.incomplete), ([], False))

    def test_a_codec_that_is_not_accepted(self):
        wave = self.wave("n.wav", sweep(1))
        other = self.make("two.mkv", "-i", wave, "-map", "0", "-map", "1", "-c:a:0", "wmav2", "-c:a:1", "aac", source=wave)
        segment = self.run_tool(other)
        self.assertAlmostEqual(self.seconds(segment), 1, delta=0.05)
        self.assertEqual((self.codes(segment), segment.incomplete), (["not_accepted"], False))
        silent = self.make("picture.mkv", "-i", wave, "-map", "0:v", "-map", "1:a", "-c:v", "mpeg4", "-c:a", "wmav2")
        segment = self.run_tool(silent)
        self.assertEqual((len(segment.video), len(segment.audio), self.codes(segment)), (50, 0, ["not_accepted"]))
        self.refuse(4, "wmav2", self.make("only.mka", "-c:a", "wmav2", source=wave))

    def test_several_programs(self):
        """Of a transport stream with a radio before the television: that one's sound goes with the picture."""
        radio = self.wave("radio.wav", 0.4 * np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE))
        speech = self.wave("speech.wav", 0.4 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE))
        for programs in (["st=0", "st=1:st=2"], ["st=1:st=2", "st=0"], ["st=0", "st=1", "st=2"]):
            with self.subTest(programs=programs):
                options = [word for program in programs for word in ("-program", f"title=x:{program}")]
                path = self.make("several.ts", "-i", radio, "-i", speech, "-map", "1:a", "-map", "0:v", "-map", "2:a", "-c:v",
                                 "mpeg2video", "-c:a", "mp2", "-t", 1, *options)
                segment = self.run_tool(path)
                # without a sound of its own, the picture gets the first
                self.assertAlmostEqual(loudest(sound(segment)), 500 if len(programs) == 3 else 1000, delta=5)
                self.assertEqual((len(segment.video), segment.notes), (25, []))

    def test_a_program_whose_sound_is_not_accepted(self):
        """Another program's sound is none of the picture's."""
        radio = self.wave("radio.wav", 0.4 * np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE))
        speech = self.wave("speech.wav", 0.4 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE))
        inputs = ["-i", radio, "-i", speech, "-map", "1:a", "-map", "0:v", "-map", "2:a", "-c:v", "mpeg2video", "-c:a:0", "mp2",
                  "-c:a:1", "aac", "-mpegts_flags", "latm", "-t", 1]
        silent = self.make("latm.ts", *inputs, "-program", "title=x:st=0", "-program", "title=y:st=1:st=2")
        segment = self.run_tool(silent)
        self.assertEqual((len(segment.video), len(segment.audio), self.codes(segment)), (25, 0, ["not_accepted"]))
        # in its own program, there may be another
        second = self.make("second.ts", *inputs, "-map", "2:a", "-c:a:2", "mp2", "-program", "title=x:st=0", "-program",
                           "title=y:st=1:st=2:st=3")
        segment = self.run_tool(second)
        self.assertAlmostEqual(loudest(sound(segment)), 1000, delta=5)
        self.assertEqual((len(segment.video), self.codes(segment)), (25, ["not_accepted"]))

    def test_guessed_lengths(self):
        """The first packets are small, so that a guess by their bit rate is much too long."""
        wave = self.wave("g.wav", np.concatenate([np.zeros(RATE * 2, np.float32),
                                                  np.random.default_rng(1).normal(0, 0.2, RATE * 4).astype(np.float32)]))
        for name, options in {"g.aac": ["-c:a", "aac", "-b:a", "256k"], "g.mp3": ["-q:a", "0", "-write_xing", 0]}.items():
            with self.subTest(name):
                segment = self.run_tool("--max-ms", 8000, self.make(name, *options, source=wave))
                self.assertAlmostEqual(self.seconds(segment), 6, delta=0.1)
                self.assertEqual((segment.notes, segment.incomplete), ([], False))


class Matrix(SoundCase):
    def test_a_few(self):
        """bench/matrix tries hundreds. An ffmpeg may be unable to write a few of them."""
        rows, cannot = list(itertools.islice(matrix.drawn(seed=2), 10)), []
        for row in rows:
            with self.subTest(row):
                path = matrix.make(row, self.folder)
                if path:
                    self.assertIsNone(matrix.wrong(row, path, self.path("m.dhs")))
                else:
                    cannot.append(row)
        self.assertEqual(len(rows), 10)
        self.assertLessEqual(len(cannot), 2, cannot)

    def test_so_many_are_really_tried(self):
        """bench/matrix does not count what its ffmpeg, here every other time, cannot write."""
        folder = self.path("no")
        os.mkdir(folder)
        with open(os.path.join(folder, "ffmpeg"), "w") as file:
            file.write(f"#!/bin/sh\nif rmdir {folder}/turn 2> /dev/null; then exec {shutil.which('ffmpeg')} \"$@\"; fi\n"
                       f"mkdir {folder}/turn\nexit 1\n")
        os.chmod(file.name, 0o755)
        done = subprocess.run([os.path.join(os.environ["DH_ROOT"], "bench/matrix"), "--build", os.environ["DH_BUILD"],
                               "--count", "3"], env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
                              capture_output=True, text=True, timeout=600)
        self.assertEqual("3 tried, 0 wrong, 3 that ffmpeg does not write\n", done.stdout, done.stderr)


class Order(SoundCase):
    def late(self, seconds):
        """A file where sound lies 1.6 s behind the picture of the same time."""
        source = self.make("order.mkv", "-f", "lavfi", "-i", "sine=500", "-map", "0:v", "-map", "1:a", "-t", seconds,
                           "-c:v", "mpeg4", "-c:a", "pcm_s16le", source=self.pictures(seconds))
        with av.open(source) as container:
            packets = [p for p in container.demux() if p.dts is not None]
            packets.sort(key=lambda p: float(p.dts * p.time_base) + (1.6 if p.stream.type == "audio" else 0))
            with av.open(self.path("late.mkv"), "w", options={"max_interleave_delta": "1"}) as target:
                streams = [like(target, stream) for stream in container.streams]
                for packet in packets:
                    packet.stream = streams[packet.stream.index]
                    target.mux(packet)
        return self.path("late.mkv")

    def pictures(self, seconds):
        path = self.path("pictures.mkv")
        ffmpeg("-f", "lavfi", "-i", f"color=s=32x32:r=25:d={seconds}", "-c:v", "mpeg4", path)
        return path

    def work(self, path):
        """What preparing it takes: seconds of a processor, and bytes read."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with subprocess.Popen([PREPARE, "--quiet", path, "-o", self.path("late.dhs")]) as done:
            os.waitid(os.P_PID, done.pid, os.WEXITED | os.WNOWAIT)
            with open(f"/proc/{done.pid}/io") as file:
                read = int(file.readline().split()[1])
        self.assertEqual(done.returncode, 0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, read

    def test_sound_far_behind_the_picture(self):
        """The work does not grow with the square of the length: the file is read twice, to look ahead and to prepare it."""
        spent, read, sizes = zip(*((*self.work(late := self.late(seconds)), os.path.getsize(late)) for seconds in (20, 80)))
        self.assertLess(read[1] - read[0], 2.2 * (sizes[1] - sizes[0]))
        self.assertLess(spent[1], 8 * spent[0])


if __name__ == "__main__":
    unittest.main()
