#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python client's media: what its muxer writes, as FFmpeg and dh-prepare read it, and what it says of
arguments that are not media. Without a connection."""
import array
import itertools
import json
import os
import subprocess
import sys
import tempfile
import unittest
from fractions import Fraction

import numpy as np

import push_server  # the client's path
from push_media import Nut
from digitalhuman import media
from digitalhuman.muxer import Muxer

PREPARE = os.environ.get("DH_PREPARE", "dh-prepare")
RATES = ((25, 16000), (1000 / 33, 24000), (Fraction(30000, 1001), 48000), (33, 24000), (29.97, 44100))


def pictures(count, height=48, width=64, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def wave(count, seed=2, dtype=np.float32):
    samples = np.random.default_rng(seed).uniform(-1, 1, count)
    return samples.astype(np.float32) if dtype is np.float32 else (samples * 32767).astype(np.int16)


def write(muxer, buffers):
    return b"".join(bytes(b) for b in buffers)


def whole(muxer, frames, samples):
    """All of it at once: the sound first."""
    out = b"".join(map(bytes, muxer.push(None, samples)))
    out += b"".join(bytes(b) for frame in frames for b in muxer.push(frame))
    return out + b"".join(map(bytes, muxer.end()))


class Muxed(unittest.TestCase):
    def ffmpeg(self, data, *arguments):
        return subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", "-", *map(str, arguments), "-"],
                              input=data, stdout=subprocess.PIPE, check=True, timeout=100).stdout

    def probe(self, data, *arguments):
        done = subprocess.run(["ffprobe", "-v", "warning", "-of", "json", *arguments, "-"], input=data,
                              capture_output=True, check=True, timeout=100)
        self.assertEqual(done.stderr, b"")
        return json.loads(done.stdout)

    def test_ffmpeg_reads_the_same_bytes_and_times(self):
        for fps, rate in RATES:
            with self.subTest(fps=fps, rate=rate):
                exact = media.check_fps(fps)
                frames, samples = pictures(30), wave(int(30 * rate / exact))
                data = whole(Muxer(exact, rate), frames, samples)
                self.assertEqual(self.ffmpeg(data, "-map", "0:v", "-c", "copy", "-f", "rawvideo"), frames.tobytes())
                self.assertEqual(self.ffmpeg(data, "-map", "0:a", "-c", "copy", "-f", "f32le"), samples.tobytes())
                told = self.probe(data, "-show_packets", "-show_streams")
                video, audio = told["streams"]
                self.assertEqual((video["pix_fmt"], video["width"], video["height"]), ("bgr24", 64, 48))
                self.assertEqual((audio["codec_name"], audio["sample_rate"], audio["channels"]),
                                 ("pcm_f32le", str(rate), 1))
                self.assertEqual(Fraction(video["time_base"]), 1 / exact)
                packets = [p for p in told["packets"] if p["stream_index"] == 0]
                self.assertEqual([p["pts"] for p in packets], list(range(30)))
                at = 0
                for packet in (p for p in told["packets"] if p["stream_index"] == 1):
                    self.assertEqual(packet["pts"], at)
                    at += int(packet["size"]) // 4
                self.assertEqual(at, len(samples))

    def test_formats(self):
        bgr, mono = pictures(3), wave(3 * 960)
        yuv = np.random.default_rng(5).integers(0, 256, (3, 72, 64), dtype=np.uint8)
        bgra = np.random.default_rng(6).integers(0, 256, (3, 48, 64, 4), dtype=np.uint8)
        for pixels, frames, name, samples, channels in (
                ("bgra", bgra, "f32", mono, 1), ("rgba", bgra, "f32", mono, 1), ("rgb24", bgr, "f32", mono, 1), ("yuv420p", yuv, "s16", wave(3 * 960, dtype=np.int16), 1),
                ("bgr24", bgr, "s16", wave(6 * 960, dtype=np.int16).reshape(-1, 2), 2)):
            with self.subTest(pixels=pixels, name=name, channels=channels):
                data = whole(Muxer(Fraction(25), 24000, channels=channels, pixel_format=pixels), frames, samples)
                self.assertEqual(self.ffmpeg(data, "-map", "0:v", "-c", "copy", "-f", "rawvideo"), frames.tobytes())
                self.assertEqual(self.ffmpeg(data, "-map", "0:a", "-c", "copy", "-f", name + "le"), samples.tobytes())
                video, audio = self.probe(data, "-show_streams")["streams"]
                self.assertEqual(video["pix_fmt"], pixels)
                self.assertEqual((audio["codec_name"], audio["channels"]), (f"pcm_{name}le", channels))

    def test_one_of_both(self):
        frames, samples = pictures(5), wave(5 * 960)
        only = Muxer(Fraction(25), None)
        data = write(only, itertools.chain.from_iterable([*(only.push(f) for f in frames), only.end()]))
        self.assertEqual(self.ffmpeg(data, "-map", "0", "-c", "copy", "-f", "rawvideo"), frames.tobytes())
        only = Muxer(None, 24000)
        data = write(only, only.push(None, samples) + only.end())
        self.assertEqual(self.ffmpeg(data, "-map", "0", "-c", "copy", "-f", "f32le"), samples.tobytes())
        # announced, and never come
        silent = Muxer(Fraction(25), 24000)
        data = write(silent, silent.push(frames[0]) + silent.end())
        self.assertEqual(len(self.probe(data, "-show_streams")["streams"]), 1)
        self.assertEqual(Muxer(Fraction(25), 24000).end(), [])

    def test_words(self):
        """Before the media and among them; each ends, though the next one has begun."""
        muxer = Muxer(Fraction(25), None, has_words=True)
        self.assertEqual(muxer.push_words([["one", 0, 30]]), [])        # until the header is known
        out = muxer.push(np.zeros((16, 16, 3), np.uint8)) + muxer.push_words([("zw\u00f6", 30, 90), ("3", 80, 100)])
        reader = Nut()
        reader.feed(b"".join(map(bytes, out + muxer.end())))
        self.assertEqual(reader.words, [("one", 0), (" ", 30), ("zw\u00f6", 30), (" ", 90), ("3", 80), (" ", 100)])
        self.assertTrue(reader.is_ended)

    def test_dh_prepare_reads_it_to_its_last_frame(self):
        for fps, rate in RATES[:3]:
            with self.subTest(fps=fps, rate=rate), tempfile.TemporaryDirectory() as folder:
                exact = media.check_fps(fps)
                data = whole(Muxer(exact, rate), pictures(40), wave(int(40 * rate / exact)))
                out = os.path.join(folder, "out.dhs")
                subprocess.run([PREPARE, "-", "--quiet", "-o", out], input=data, check=True, timeout=100)
                told = json.loads(subprocess.run([PREPARE, "--info", out, "--json"], capture_output=True, check=True,
                                                 timeout=100).stdout)
                self.assertEqual(told["video"]["pictures"], 40)
                self.assertEqual(told["video"]["ticks"], 40 * 720000 / exact)
                self.assertLess(abs(told["audio"]["ticks"] - 40 * 720000 / exact), 720000 / 48000 * 2)
                self.assertEqual(told["notes"], [])

    def test_the_first_frame_and_its_sound_leave_at_once(self):
        muxer, reader = Muxer(Fraction(25), 24000), Nut()
        frames, samples = pictures(1), wave(960)
        reader.feed(write(muxer, muxer.push(frames[0], samples)))
        self.assertEqual([u.data for u in reader.units], [frames[0].tobytes(), samples.tobytes()])
        self.assertEqual(reader.data, b"")

    def test_any_rhythm_gives_the_same_times_in_order(self):
        frames, samples = pictures(50), wave(50 * 792)
        random = np.random.default_rng(3)
        for rhythm in range(20):
            with self.subTest(rhythm=rhythm):
                muxer, reader, n, at, most_held = Muxer(Fraction(1000, 33), 24000), Nut(), 0, 0, 0
                while n < len(frames) or at < len(samples):
                    buffers = []
                    if n < len(frames) and (at == len(samples) or random.random() < 0.5):
                        buffers = muxer.push(frames[n])
                        n += 1
                    elif at < len(samples):
                        step = int(random.integers(1, 4000))
                        buffers = muxer.push(None, samples[at:at + step])
                        at += step
                    reader.feed(write(muxer, buffers))
                reader.feed(write(muxer, muxer.end()))
                data, times = reader.stream("video")
                self.assertEqual(b"".join(data), frames.tobytes())
                self.assertEqual(times, [Fraction(33 * n, 1000) for n in range(50)])
                data, _ = reader.stream("audio")
                self.assertEqual(b"".join(data), samples.tobytes())
                begins = [u.pts * reader.streams[u.stream]["base"] for u in reader.units]
                for one, two in zip(begins, begins[1:]):
                    self.assertLess(one - two, Fraction(33, 1000), "not in the order of time")
                self.assertTrue(reader.is_ended)

    def test_what_waits_is_a_copy(self):
        muxer, reader = Muxer(Fraction(25), 24000), Nut()
        frames = pictures(3)
        for frame in frames:
            mine = frame.copy()
            reader.feed(write(muxer, muxer.push(mine)))
            mine[:] = 0
        reader.feed(write(muxer, muxer.push(None, wave(3 * 960)) + muxer.end()))
        self.assertEqual(b"".join(reader.stream("video")[0]), frames.tobytes())

    def test_the_end_of_one_frees_the_other(self):
        frames = pictures(10)
        muxer, reader = Muxer(Fraction(25), 24000), Nut()
        reader.feed(write(muxer, muxer.push(None, wave(960)) + muxer.end_sound()))
        for n, frame in enumerate(frames):
            reader.feed(write(muxer, muxer.push(frame)))
            self.assertEqual(len(reader.stream("video")[0]), n + 1)
        muxer, reader = Muxer(Fraction(25), 24000), Nut()
        reader.feed(write(muxer, muxer.push(frames[0], wave(960)) + muxer.end_pictures()))
        reader.feed(write(muxer, muxer.push(None, wave(9600))))
        self.assertEqual(sum(map(len, reader.stream("audio")[0])), 4 * 10560)
        with self.assertRaisesRegex(ValueError, "pictures have ended"):
            muxer.push(frames[0])

    def test_how_far_it_has_come(self):
        """What has ended does not count while the other one goes on."""
        for ended, goes_on in ((0, 1), (1, 0)):
            muxer = Muxer(Fraction(25), 24000)
            end = (muxer.end_pictures, muxer.end_sound)[ended]
            media = [(np.zeros((16, 16, 3), np.uint8), None), (None, np.zeros(960, np.float32))]
            for kind in (0, 1, ended):
                muxer.push(*media[kind])
            self.assertEqual(muxer.media_ms, 40)
            end()
            self.assertEqual(muxer.media_ms, 40)
            for _ in range(4):
                muxer.push(*media[goes_on])
            self.assertEqual(muxer.media_ms, 200)
            muxer.end()
            self.assertEqual(muxer.media_ms, 200)
        muxer = Muxer(Fraction(25), 24000)
        muxer.push(*media[0])
        self.assertEqual(muxer.media_ms, 0)
        muxer.end()
        self.assertEqual(muxer.media_ms, 40)

    def test_the_limit_of_what_waits(self):
        muxer = Muxer(Fraction(25), 24000, max_held_bytes=100000)
        with self.assertRaisesRegex(ValueError, "wait for sound"):
            for frame in pictures(100):
                muxer.push(frame)

    def test_times_stay_exact_for_hours(self):
        muxer = Muxer(Fraction(1000, 33), 24000)
        for n in (1, 109091, 10 ** 7):
            self.assertEqual(muxer._sample_of(n), n * 792)


class Arguments(unittest.TestCase):
    def push(self, frame=None, samples=None, **more):
        return Muxer(Fraction(25), 24000, **more).push(frame, samples)

    def test_wrong_ones_are_named(self):
        good = np.zeros((48, 64, 3), np.uint8)
        for error, words, frame, samples in (
                (TypeError, "frame: expected bgr24 as uint8.*float32 array of shape \\(48, 64, 3\\)",
                 good.astype(np.float32), None),
                (ValueError, "frame: expected.*height x width x 3.*\\(48, 64\\)", good[:, :, 0], None),
                (ValueError, "frame: .*\\(48, 64, 4\\)", np.zeros((48, 64, 4), np.uint8), None),
                (TypeError, "frame: .*got str|frame: .*got 'x'", "x", None),
                (TypeError, "frame: .*list", [1, 2], None),
                (ValueError, "frame: bytes say nothing of their size; give size", bytes(48 * 64 * 3), None),
                (TypeError, "samples: expected float32.*float64 array", None, np.zeros(10)),
                (TypeError, "samples: .*uint8 array|samples: bytes", None, np.zeros((10, 2), np.uint8)),
                (ValueError, "samples: expected.*shape \\(n,\\).*\\(10, 2\\)", None, np.zeros((10, 2), np.float32)),
                (ValueError, "samples: bytes say nothing of their format; give sample_format", None, bytes(8)),
                (TypeError, "samples: .*3.5", None, 3.5)):
            with self.subTest(words=words), self.assertRaisesRegex(error, words):
                self.push(frame, samples)

    def test_all_are_alike(self):
        muxer = Muxer(Fraction(25), 24000)
        muxer.push(np.zeros((48, 64, 3), np.uint8), np.zeros(960, np.float32))
        with self.assertRaisesRegex(ValueError, "frame: expected 64x48 like the segment's others"):
            muxer.push(np.zeros((64, 48, 3), np.uint8), None)
        with self.assertRaisesRegex(TypeError, "samples: expected f32 like the segment's others"):
            muxer.push(None, np.zeros(960, np.int16))
        # neither is taken if one does not fit
        with self.assertRaises(TypeError):
            muxer.push(np.zeros((48, 64, 3), np.uint8), np.zeros(960, np.int16))
        self.assertEqual((muxer._pictures_in, muxer._samples_in), (1, 960))

    def test_what_is_no_array(self):
        frame, samples = bytes(range(256)) * 36, array.array("h", range(960))
        reader, muxer = Nut(), Muxer(Fraction(25), 24000, size=(64, 48))
        reader.feed(write(muxer, muxer.push(memoryview(frame), samples)))
        self.assertEqual([u.data for u in reader.units], [frame, samples.tobytes()])
        with self.assertRaisesRegex(ValueError, "expected 9216 bytes, which is 64x48 in bgr24, got bytes of 5"):
            muxer.push(b"12345")
        reader, muxer = Nut(), Muxer(None, 24000, sample_format="s16", channels=2)
        reader.feed(write(muxer, muxer.push(None, bytes(8))))
        with self.assertRaisesRegex(ValueError, "multiple of 4 bytes"):
            muxer.push(None, bytes(6))

    def test_views_of_arrays(self):
        frames = pictures(1)
        reader, muxer = Nut(), Muxer(Fraction(25), 24000)
        stereo = wave(1920).reshape(-1, 2)
        reader.feed(write(muxer, muxer.push(frames[0][:, ::-1, ::-1], stereo[:, 0])))
        self.assertEqual(reader.units[0].data, frames[0][:, ::-1, ::-1].tobytes())
        self.assertEqual(reader.units[1].data, stereo[:, 0].tobytes())
        self.push(None, wave(10).reshape(1, 10))
        self.push(None, wave(10).reshape(10, 1))

        class Tensor:       # as of a library that has no buffers
            def __array__(self, *_):
                return frames[0]
        reader, muxer = Nut(), Muxer(Fraction(25), None)
        reader.feed(write(muxer, muxer.push(Tensor())))
        self.assertEqual(reader.units[0].data, frames[0].tobytes())

    def test_what_numpy_makes_no_array_of(self):
        class Tensor:
            dtype, shape = "torch.float32", (960,)

            def __array__(self, *_):
                raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        with self.assertRaisesRegex(TypeError, "^samples: expected float32.*got torch.float32.*requires grad"):
            self.push(None, Tensor())

    def test_rates(self):
        for given, exact in ((25, 25), (25.0, 25), (1000 / 33, Fraction(1000, 33)), (33, 33), ("x", TypeError),
                             (29.97, Fraction(30000, 1001)), (23.976, Fraction(24000, 1001)), (True, TypeError),
                             (Fraction(30000, 1001), Fraction(30000, 1001)), (np.float32(25), 25), (np.int64(30), 30),
                             (12.5, Fraction(25, 2)), (0, ValueError), (-1, ValueError), (1001, ValueError),
                             (0.0004, Fraction(1, 2500)), (0.3, Fraction(3, 10)), (1 / 86400, Fraction(1, 86400)),
                             (0.999, Fraction(1000, 1001)), (1e-9, ValueError), (5e-324, ValueError),
                             (Fraction(1, 10 ** 7), ValueError), (float("nan"), ValueError), (None, TypeError)):
            with self.subTest(given=given):
                if isinstance(exact, type):
                    with self.assertRaisesRegex(exact, "^fps: expected"):
                        media.check_fps(given)
                else:
                    self.assertEqual(media.check_fps(given), exact)

    def test_whole_rates_and_those_just_below_them(self):
        """A whole rate is what it says, also with the error of a float; 29.97 and the like are 1000/1001 of one."""
        for whole in range(1, 121):
            exact = Fraction(whole * 1000, 1001)
            for given in (float(whole), whole + 1e-9, whole - 1e-9, 1 / (1 / whole), np.float32(whole),
                          np.float64(whole)):
                self.assertEqual(media.check_fps(given), whole, given)
            for given in (whole * 1000 / 1001, whole / 1.001, round(whole / 1.001, 3), np.float32(whole / 1.001)):
                self.assertEqual(media.check_fps(given), exact, given)
        for given in (999.0, 1000.0):
            self.assertEqual(media.check_fps(given), given)

    def test_numpy_is_not_needed(self):
        code = ("import sys; sys.modules['numpy'] = None; sys.path.insert(0, %r)\n"
                "from fractions import Fraction\nimport array, digitalhuman\nfrom digitalhuman.muxer import Muxer\n"
                "m = Muxer(Fraction(25), 24000, size=(4, 2))\n"
                "assert m.push(bytes(24), array.array('f', [0.0] * 960)) and m.end()\n"
                "try: m.push([1])\nexcept (TypeError, ValueError): pass\n"
                % os.path.join(os.environ["DH_ROOT"], "clients", "python"))
        subprocess.run([sys.executable, "-B", "-c", code], check=True, timeout=100)


if __name__ == "__main__":
    unittest.main()
