# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads prepared segments (playout/stream.h) independently of the project's own reader, and writes some."""
import collections
import struct
import zlib

TICKS = 720000       # a second
ENTRY = 1

Unit = collections.namedtuple("Unit", "pts duration flags data")


class Segment:
    """`video` and `audio` are lists of Unit, times in ticks; `anchor` bytes or None;
    `picture` whether the anchor's picture is there (an avatar's idle clip);
    `failure` (code, text) or None; `complete` whether it has an end,
    `incomplete` whether that end says that the source was cut short."""

    def __init__(self, path):
        self.width = self.height = 0
        self.is_marked = False    # whether it says that its pictures have a disclosure mark
        self.anchor, self.picture, self.failure, self.complete = None, False, None, False
        self.lead = None    # (ticks of the piece before it, that piece's packets)
        self.kbps = []      # by quality, if there is more than one
        self.lower = []     # of each picture: its bytes in the lower qualities
        self._lower = []
        self.fades = []     # the bytes that take the place of each unit of sound where it is cut; None: there are none
        self._fade = None
        self.loudness = []   # of each unit of sound: 0 unknown, else 1 + its level in -dBov
        self.video, self.audio, self.lengths, self.incomplete = [], [], (0, 0), False
        with open(path, "rb") as file:
            data = file.read()
        at = 0
        while at < len(data):
            kind, length = struct.unpack_from("<4sI", data, at)
            body = data[at + 8:at + 8 + length]
            if zlib.crc32(data[at:at + 8 + length]) != struct.unpack_from("<I", data, at + 8 + length)[0]:
                raise ValueError(f"{path}: wrong checksum of {kind} at {at}")
            self._record(kind, body)
            at += length + 12

    def _record(self, kind, body):
        if kind == b"DHS1":
            version, flags, self.width, self.height = struct.unpack_from("<HHHH", body)
            self.is_marked = bool(flags & 8)
            text, = struct.unpack_from("<16xI", body)
            if version == 5:
                self.kbps = [kbps for kbps, in struct.iter_unpack("<I", body[28 + text:])]
        elif kind == b"ANCH":
            self.anchor = body
        elif kind == b"PICT":
            self.picture = True
        elif kind == b"LEAD":
            self.lead = struct.unpack_from("<qI", body)
        elif kind == b"LOWR":
            self._lower.append(body)
        elif kind == b"VIDE":
            self.lower.append(self._lower)
            self._lower = []
            self.video.append(Unit(*struct.unpack_from("<qII", body), body[16 + 256:]))
        elif kind == b"FADE":
            self._fade = body
        elif kind == b"AUDI":
            pts = struct.unpack_from("<Q", body)[0]
            self.audio.append(Unit(pts & (1 << 56) - 1, TICKS // 50, 0, body[8:]))
            self.loudness.append(pts >> 56)
            self.fades.append(self._fade)
            self._fade = None
        elif kind == b"ENDS":
            *lengths, flags = struct.unpack("<qqI", body)
            self.lengths, self.incomplete, self.complete = tuple(lengths), bool(flags & 1), True
        elif kind == b"FAIL":
            self.failure = struct.unpack_from("<i", body)[0], body[4:].decode()


def enlarge_pictures(path, larger, size, every):
    """Copies a prepared segment to `larger`, each so many pictures one that has `size` bytes: what follows the
    last of a picture's data says nothing to decoders."""
    with open(path, "rb") as file, open(larger, "wb") as out:
        pictures = 0
        while head := file.read(8):
            kind, length = struct.unpack("<4sI", head)
            body = file.read(length)
            file.read(4)
            if kind == b"VIDE":
                if pictures % every == 0:
                    body += bytes(16 + 256 + size - length)
                pictures += 1
            record = struct.pack("<4sI", kind, len(body)) + body
            out.write(record + struct.pack("<I", zlib.crc32(record)))
