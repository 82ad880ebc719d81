# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads NUT and prepared streams as they come, with code of its own: a second opinion on what clients push."""
import collections
import struct
import zlib
from fractions import Fraction

TICKS = 720000
Unit = collections.namedtuple("Unit", "stream pts data")


def nut_crc(data):
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04c11db7 if value & 0x80000000 else 0)) & 0xffffffff
    return value


class Short(Exception):
    """More bytes are needed."""


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Short()
        self.at += count
        return bytes(self.data[self.at - count:self.at])

    def number(self):
        value = 0
        while True:
            byte = self.take(1)[0]
            value = value << 7 | byte & 0x7f
            if not byte & 0x80:
                return value


class Nut:
    """What of a NUT stream has come. `units` in order; `streams` as dicts; `is_ended` by its index."""

    MAGIC = b"nut/multimedia container\0"

    def __init__(self):
        self.data, self.units, self.streams, self.bases = bytearray(), [], [], []
        self.is_ended = self.has_begun = False

    def feed(self, data):
        self.data += data
        while self._step():
            pass

    def _step(self):
        cursor = Cursor(self.data)
        try:
            if not self.has_begun:
                assert cursor.take(len(self.MAGIC)) == self.MAGIC, "no NUT"
                self.has_begun = True
            elif self.data[:1] == b"N":
                self._packet(cursor)
            else:
                self._frame(cursor)
        except Short:
            return False
        del self.data[:cursor.at]
        return True

    def _packet(self, cursor):
        kind, size = cursor.take(8), cursor.number()
        body = cursor.take(size)
        assert nut_crc(body[:-4]) == int.from_bytes(body[-4:], "big"), "wrong checksum"
        body = Cursor(body[:-4])
        if kind[:2] == b"NM":
            version, _, _, count = (body.number() for _ in range(4))
            assert version == 3
            self.bases = [Fraction(body.number(), body.number()) for _ in range(count)]
        elif kind[:2] == b"NS":
            index, sort = body.number(), body.number()
            tag = body.take(body.number())
            rest = [body.number() for _ in range(6)]
            names = (("width", "height"), ("rate", "one", "channels"), ())[sort]
            self.streams.append({"tag": tag, "base": self.bases[rest[0]], **{n: body.number() for n in names}})
            assert index == len(self.streams) - 1
        elif kind[:2] == b"NX":
            self.is_ended = True

    def _frame(self, cursor):
        code = cursor.take(1)
        assert code == b"\0" and not self.is_ended, "media behind the end"
        stream, pts, size = cursor.number(), cursor.number() - (1 << 14), cursor.number()
        assert nut_crc(self.data[:cursor.at]) == int.from_bytes(cursor.take(4), "big"), "wrong checksum"
        self.units.append(Unit(stream, pts, cursor.take(size)))

    def stream(self, kind):
        """The data of one stream's units, and their times in seconds."""
        mark = {"video": "width", "audio": "rate"}[kind]
        numbers = [n for n, s in enumerate(self.streams) if mark in s]
        units = [u for u in self.units if u.stream in numbers]
        return [u.data for u in units], [u.pts * self.streams[u.stream]["base"] for u in units]

    @property
    def words(self):
        """(text, ms), as they came; what ends a word is blank."""
        return [(u.data.decode(), u.pts) for u in self.units if self.streams[u.stream]["tag"] == b"UTF8"]

    @property
    def ms(self):
        """Of the stream that is behind."""
        ends = []
        for number, stream in enumerate(self.streams):
            if stream["tag"] == b"UTF8":
                continue
            last = next((u for u in reversed(self.units) if u.stream == number), None)
            length = 0 if last is None else last.pts + 1
            if last and "rate" in stream:
                length += len(last.data) // ((4 if b"F" in stream["tag"] else 2) * stream["channels"]) - 1
            ends.append(int(length * stream["base"] * 1000))
        return min(ends, default=0)

    @property
    def is_cut(self):
        return bool(self.data)


class Prepared:
    """What of a prepared stream has come (playout/stream.h)."""

    def __init__(self):
        self.data, self.records, self.is_ended, self.ends = bytearray(), [], False, [0, 0]

    def feed(self, data):
        self.data += data
        while len(self.data) >= 8:
            kind, length = struct.unpack_from("<4sI", self.data)
            if len(self.data) < length + 12:
                return
            body = bytes(self.data[8:8 + length])
            assert zlib.crc32(self.data[:8 + length]) == struct.unpack_from("<I", self.data, 8 + length)[0], kind
            del self.data[:length + 12]
            assert not self.is_ended, "media behind the end"
            self.records.append((kind, body))
            if kind == b"VIDE":
                self.ends[0] = sum(struct.unpack_from("<qI", body))
            elif kind == b"AUDI":
                self.ends[1] = (struct.unpack_from("<Q", body)[0] & (1 << 56) - 1) + TICKS // 50
            self.is_ended = kind in (b"ENDS", b"FAIL")

    @property
    def ms(self):
        return max(self.ends) * 1000 // TICKS

    @property
    def is_cut(self):
        return not self.is_ended


class Wav:
    """What of 16-bit WAV of unknown length has come: `sound`, bytes."""
    is_cut = False

    def __init__(self):
        self.header, self.sound, self.rate = b"", b"", 0

    def feed(self, data):
        want = 44 - len(self.header)
        self.header, self.sound = self.header + data[:want], self.sound + data[max(0, want):]
        if want > 0 and len(self.header) == 44:
            assert self.header[:4] + self.header[8:16] + self.header[36:40] == b"RIFFWAVEfmt data", self.header
            channels, self.rate, self.bytes = struct.unpack_from("<HII", self.header, 22)
            assert self.bytes == self.rate * channels * 2

    @property
    def ms(self):
        return len(self.sound) * 1000 // self.bytes if self.rate else 0
