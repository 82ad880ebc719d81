# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs dh-prepare and decodes its output: with libopus, and with two VP8 decoders. DH_PREPARE names the program."""
import ctypes
import json
import os
import struct
import subprocess
import tempfile
import unittest
import zlib

import av
import numpy as np

import dhs
import marks


PREPARE = os.environ.get("DH_PREPARE", "dh-prepare")
TICKS = dhs.TICKS
SIZE = 128
SECONDS = 2
INPUT, FORMAT, EMPTY, LIMIT, OUTPUT, SILENT = 3, 4, 5, 6, 7, 9
USAGE = 2


def prepare(*args, data=None, code=0):
    """Runs the tool; returns what it wrote to stderr."""
    done = subprocess.run([PREPARE, *map(str, args)], input=data, capture_output=True, timeout=240)
    message = done.stderr.decode()
    if done.returncode != code:
        raise AssertionError(f"dh-prepare {args}: exit {done.returncode}, expected {code}: {message}")
    if code:
        assert message.startswith("dh-prepare: ") and message.count("\n") == 1, message
    return message


def info(path, code=0):
    done = subprocess.run([PREPARE, "--info", path, "--json"], capture_output=True, timeout=60)
    assert done.returncode == code, done
    return json.loads(done.stdout)


class Prepared(dhs.Segment):
    """A prepared segment with its notes, thumbnails and the anchor's picture."""

    def __init__(self, path):
        self.notes, self.luma, self.i420, self.rate, self.encoder, self.stated = [], [], None, (0, 1), "", 0
        super().__init__(path)

    def _record(self, kind, body):
        super()._record(kind, body)
        if kind == b"DHS1":
            self.rate = struct.unpack_from("<8xII", body)
            size, = struct.unpack_from("<16xI", body)
            self.encoder = body[20:20 + size].decode()
            self.stated = struct.unpack_from("<q", body, 20 + size)[0] if len(body) > 20 + size else 0
        elif kind == b"NOTE":
            self.notes.append(body.decode())
        elif kind == b"PICT":
            self.i420 = body
        elif kind == b"VIDE":
            self.luma.append(np.frombuffer(body[16:272], dtype=np.uint8).reshape(16, 16))

    def entries(self):
        return [n for n, unit in enumerate(self.video) if unit.flags & dhs.ENTRY]

    def check_order(self):
        assert self.complete
        if self.video:
            assert self.video[0].pts == 0 and self.video[0].flags & dhs.ENTRY
            for one, two in zip(self.video, self.video[1:]):
                assert one.pts + one.duration == two.pts, (one[:3], two[:3])
            last = self.video[-1]
            assert self.lengths[0] == last.pts + last.duration
        assert [unit.pts for unit in self.audio] == [n * TICKS // 50 for n in range(len(self.audio))]
        assert len(self.audio) * TICKS // 50 - self.lengths[1] in range(TICKS // 50)


def decode_pictures(units, decoder="vp8"):
    """Decodes VP8 frames, one picture for each; luma and chroma as one array."""
    codec = av.CodecContext.create(decoder, "r")
    codec.thread_count = 1
    out = []
    for data in units:
        frames = codec.decode(av.Packet(data))
        assert len(frames) == 1, "a picture for each frame"
        out.append(frames[0].to_ndarray(format="yuv420p"))
    return out


def film(segment, decoder="vp8"):
    return decode_pictures([segment.anchor] + [u.data for u in segment.video], decoder)[1:]


_opus = ctypes.CDLL("libopus.so.0")
_opus.opus_decoder_create.restype = ctypes.c_void_p
_opus.opus_decoder_destroy.argtypes = [ctypes.c_void_p]
_opus.opus_decode_float.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int]


def sound(segment):
    """Decodes the packets with libopus; sample 0 is the segment's time 0."""
    decoder = ctypes.c_void_p(_opus.opus_decoder_create(48000, 1, None))
    out = []
    for unit in segment.audio:
        pcm = np.zeros(5760, dtype=np.float32)
        count = _opus.opus_decode_float(decoder, unit.data, len(unit.data), pcm.ctypes.data_as(ctypes.c_void_p), 5760, 0)
        assert count == 960, count
        out.append(pcm[:960])
    _opus.opus_decoder_destroy(decoder)
    return np.concatenate(out) if out else np.zeros(0, dtype=np.float32)


def marks_in_segment(segment):
    """Times of flashes and beeps, in seconds."""
    top = [picture[:segment.height // 8].mean() for picture in film(segment)]
    samples = sound(segment)
    samples *= 0.6 / max(abs(samples).max(), 1e-9)
    return (marks.flashes([u.pts / TICKS for u in segment.video], top),
            marks.beeps(np.arange(len(samples)) / 48000, samples))


def marks_in_medium(path):
    """The same by the container's times, with FFmpeg."""
    with av.open(path) as container:
        times, top = [], []
        for frame in container.decode(video=0):
            times.append(float(frame.pts * frame.time_base))
            top.append(frame.to_ndarray(format="gray")[:frame.height // 8].mean())
    at, samples, rate = [], [], 48000
    with av.open(path) as container:
        for frame in container.decode(audio=0):
            x = frame.to_ndarray().astype(np.float64)
            x = x if frame.format.is_planar else x.reshape(-1, len(frame.layout.channels)).T
            x = x[abs(x).max(axis=1).argmax()]
            x = x / {"s16": 32768, "s32": 2 ** 31}.get(frame.format.name.rstrip("p"), 1)
            rate = frame.rate
            at.append(float(frame.pts * frame.time_base) + np.arange(len(x)) / rate)
            samples.append(x)
    return marks.flashes(times, top), marks.beeps(np.concatenate(at), np.concatenate(samples), rate)


def picture_times(path):
    with av.open(path) as container:
        return [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]


def png(path, width, height):
    """A black PNG of one bit a pixel, of any size."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + (width + 7) // 8)) for _ in range(height)) + packer.flush()
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)) +
                   chunk(b"IDAT", rows) + chunk(b"IEND", b""))


class Case(unittest.TestCase):
    """A folder, and in it `base.nut`: raw pictures at 25 fps and 48 kHz sound."""

    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        cls.folder = cls.temp.name
        cls.base = cls.path("base.nut")
        head = marks.Head(SIZE)
        pictures = b"".join(head.picture(n, 25).tobytes() for n in range(SECONDS * 25))
        wave = cls.path("base.wav")
        marks.ffmpeg("-f", "f32le", "-ar", 48000, "-ac", 1, "-i", "-", "-c:a", "pcm_s16le", wave,
                     data=marks.sound(SECONDS, 48000).tobytes())
        marks.ffmpeg("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{SIZE}x{SIZE}", "-r", 25, "-i", "-", "-i", wave,
                     "-c:v", "rawvideo", "-c:a", "pcm_s16le", cls.base, data=pictures)

    @classmethod
    def tearDownClass(cls):
        cls.temp.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def make(self, name, *options, source=None):
        path = self.path(name)
        marks.ffmpeg("-i", source or self.base, *options, path)
        return path

    def run_tool(self, *args, data=None):
        out = self.path("out.dhs")
        prepare(*args, "-o", out, data=data)
        segment = Prepared(out)
        segment.check_order()
        return segment

    def refuse(self, code, words, *args, data=None):
        out = self.path("refused.dhs")
        message = prepare(*args, "-o", out, data=data, code=code)
        for word in words if isinstance(words, (list, tuple)) else [words]:
            self.assertIn(word, message)
        self.assertFalse(os.path.exists(out))
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("refused")], [])
        return message
