# SPDX-License-Identifier: GPL-3.0-or-later
"""NUT, FFmpeg's container for raw media (the NUT specification). Pure: bytes come out, nothing is kept.

Every frame has all its fields and a sync point of its own, so one row describes all frame codes.
"""
from __future__ import annotations

import sys
from fractions import Fraction
from typing import List, NamedTuple, Optional, Union

MAGIC = b"nut/multimedia container\0"
MAIN = 0x4e4d7a561f5f04ad
STREAM = 0x4e5311405bf2f9db
INDEX = 0x4e58dd672f23e64e
SYNC = 0x4e4be4adeeca4569

MAX_DISTANCE = 32768
MSB_PTS_SHIFT = 14
# Flags of a frame code: key, coded pts, stream id, size, checksum.
FLAGS = 1 | 8 | 16 | 32 | 64

PICTURE_TAGS = {"bgr24": b"BGR\x18", "rgb24": b"RGB\x18", "bgra": b"BGRA", "rgba": b"RGBA", "yuv420p": b"I420"}
SAMPLE_TAGS = {"s16": b"PSD\x10", "f32": b"PFD\x20"}


class Video(NamedTuple):
    width: int
    height: int
    pixel_format: str
    fps: Fraction


class Audio(NamedTuple):
    sample_rate: int
    channels: int
    sample_format: str


class Words(NamedTuple):
    """A track of subtitles: a frame is a text, which lasts until the next one. Times are milliseconds."""


Stream = Union[Video, Audio, Words]


def _crc_table() -> List[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04c11db7 if value >> 31 else 0)) & 0xffffffff
        table.append(value)
    return table


_CRC = _crc_table()


def crc(data: bytes) -> bytes:
    """CRC-32 with the generator 0x04c11db7, neither reflected nor inverted (zlib's is both)."""
    value = 0
    for byte in data:
        value = (value << 8 & 0xffffffff) ^ _CRC[value >> 24 ^ byte]
    return value.to_bytes(4, "big")


def number(value: int) -> bytes:
    """Seven bits a byte, big-endian; all but the last have bit 7 set."""
    out = [value & 0x7f]
    while value >= 0x80:
        value >>= 7
        out.append(value & 0x7f | 0x80)
    return bytes(reversed(out))


def packet(start: int, body: bytes) -> bytes:
    """A packet with its checksum; below 4096 bytes its head has none."""
    return start.to_bytes(8, "big") + number(len(body) + 4) + body + crc(body)


def numbers(*values: int) -> bytes:
    return b"".join(map(number, values))


class NutWriter:
    """Writes the streams `video` and `audio`, one of which may be None, and perhaps words, the last one. Times
    are counted: frame n of the video at n / fps, sound in samples, words in milliseconds."""

    def __init__(self, video: Optional[Video], audio: Optional[Audio], has_words: bool = False) -> None:
        self.streams: List[Stream] = [s for s in (video, audio) if s is not None]
        self.sound = len(self.streams) - 1      # the number of the sound's stream
        if has_words:
            self.streams.append(Words())
        self._last_pts = 0      # in the first stream's base
        self._header_size = 0

    def header(self) -> bytes:
        out = MAGIC + self._main() + b"".join(self._stream(n, s) for n, s in enumerate(self.streams))
        self._header_size = len(out)
        return out

    def frame(self, stream: int, pts: int, size: int) -> bytes:
        """What stands before the `size` bytes of a frame of a stream."""
        if stream == 0:
            self._last_pts = pts
        sync = packet(SYNC, numbers(pts * len(self.streams) + stream, 0))
        head = b"\0" + numbers(stream, pts + (1 << MSB_PTS_SHIFT), size)    # pts in full, not as a delta
        return sync + head + crc(head)

    def end(self) -> bytes:
        """The end of the container: an index with one entry, for nobody seeks in a stream."""
        count = len(self.streams)
        body = numbers(self._last_pts * count, 1, self._header_size // 16) + numbers(*[1 << 2 | 1] * count)
        # the distance back to the start of the index: start code, size, body, this number, checksum
        body += (8 + 1 + len(body) + 8 + 4).to_bytes(8, "big")
        return packet(INDEX, body)

    def _main(self) -> bytes:
        bases = b"".join(numbers(s.fps.denominator, s.fps.numerator) if isinstance(s, Video)
                         else numbers(1, s.sample_rate if isinstance(s, Audio) else 1000) for s in self.streams)
        count = len(self.streams)
        # the row: flags, six fields (pts delta, size multiplier, stream, size, reserved, codes); no elision
        return packet(MAIN, numbers(3, count, MAX_DISTANCE, count) + bases + numbers(FLAGS, 6, 0, 1, 0, 0, 0, 255, 0))

    @staticmethod
    def _stream(index: int, stream: Stream) -> bytes:
        if isinstance(stream, Video):
            tag = PICTURE_TAGS[stream.pixel_format]
            # square pixels; colours unknown for RGB, else BT.601 in limited range
            rest = numbers(stream.width, stream.height, 1, 1, stream.pixel_format == "yuv420p")
        elif isinstance(stream, Words):
            tag, rest = b"UTF8", b""
        else:
            tag = SAMPLE_TAGS[stream.sample_format]
            tag = tag if sys.byteorder == "little" else tag[::-1]
            rest = numbers(stream.sample_rate, 1, stream.channels)
        kind = (Video, Audio, Words).index(type(stream))
        # time base; largest step of pts that needs no checksum, decode delay, flags, codec's own data
        head = numbers(index, kind, len(tag)) + tag + numbers(index, MSB_PTS_SHIFT, 4096, 0, 0, 0)
        return packet(STREAM, head + rest)
