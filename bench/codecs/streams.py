# SPDX-License-Identifier: GPL-3.0-or-later
"""Encoded streams as lists of access units: IVF files, splices of several streams, and what a header says."""
import json
import os
import re
import struct
import subprocess

# what decoders say of themselves
VERSION = re.compile(r"\] (libdav1d )?v?\d+\.\d+\.\d+")


class Stream:
    """`units`: bytes of each frame, the anchor first; `sums`: the checksum of each as a decoder shows it."""

    def __init__(self, units, fourcc, size, fps=25):
        self.units, self.fourcc, self.size, self.fps, self.sums = units, fourcc, size, fps, None

    def write(self, path):
        with open(path, "wb") as file:
            file.write(struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, self.fourcc, self.size, self.size, self.fps, 1,
                                   len(self.units), 0))
            for number, unit in enumerate(self.units):
                file.write(struct.pack("<IQ", len(unit), number) + unit)
        return path


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    fourcc, size, fps = data[8:12], struct.unpack_from("<H", data, 12)[0], struct.unpack_from("<I", data, 16)[0]
    at, units = 32, []
    while at + 12 <= len(data):
        length = struct.unpack_from("<I", data, at)[0]
        units.append(data[at + 12:at + 12 + length])
        at += 12 + length
    return Stream(units, fourcc, size, fps)


def decode(decoder, path, *more, name=None):
    """What bench/codecs/decode.c prints, as dictionaries, and its complaints."""
    made = subprocess.run([decoder, path, *map(str, more)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, **({"DECODER": name} if name else {})})
    complaints = [line for line in made.stderr.splitlines() if not VERSION.search(line)]
    return [json.loads(line) for line in made.stdout.splitlines()], complaints


# ------------------------------------------------------------------ H.264: two numbers in slice headers

class Bits:
    def __init__(self, data):
        self.data, self.at = bytearray(data), 0

    def u(self, count):
        value = 0
        for _ in range(count):
            value = value << 1 | self.data[self.at >> 3] >> 7 - (self.at & 7) & 1
            self.at += 1
        return value

    def ue(self):
        zeros = 0
        while not self.u(1):
            zeros += 1
        return (1 << zeros) - 1 + self.u(zeros)

    def put(self, count, value):
        for i in reversed(range(count)):
            bit, byte = 7 - (self.at & 7), self.at >> 3
            self.data[byte] = self.data[byte] & ~(1 << bit) | (value >> i & 1) << bit
            self.at += 1


def escaped(data):
    out, zeros = bytearray(), 0
    for byte in data:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def plain(data):
    out, zeros = bytearray(), 0
    for byte in data:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def nal_units(unit):
    """The NAL units of an Annex B access unit."""
    starts, at = [], unit.find(b"\0\0\1")
    while at >= 0:
        starts.append(at + 3)
        at = unit.find(b"\0\0\1", at + 3)
    return [unit[a:b - 3].rstrip(b"\0") if b else unit[a:] for a, b in zip(starts, starts[1:] + [0])]


def renumbered(unit, number, frame_num_bits=15, poc_bits=16):
    """An H.264 access unit of OpenH264's whose slices say that they are picture `number` since the IDR picture: both
    fields have a fixed length, so that nothing behind them moves."""
    out = b""
    for nal in nal_units(unit):
        if nal[0] & 31 == 1:
            bits = Bits(plain(nal[1:]))
            bits.ue(), bits.ue(), bits.ue()
            bits.put(frame_num_bits, number % (1 << frame_num_bits))
            bits.put(poc_bits, 2 * number % (1 << poc_bits))
            nal = nal[:1] + escaped(bits.data)
        out += b"\0\0\0\1" + nal
    return out


# ------------------------------------------------------------------ headers

def headers(path, fields):
    """What FFmpeg's trace_headers says of each packet: [{field: [values]}]."""
    made = subprocess.run(["ffmpeg", "-v", "trace", "-i", path, "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace").stderr
    packets = []
    for line in made.splitlines():
        if not line.startswith("[trace_headers"):
            continue
        words = line.split("]", 1)[1].split()
        if words[:1] == ["Packet:"]:
            packets.append({})
        elif packets and len(words) >= 4 and words[-2] == "=" and words[1] in fields:
            packets[-1].setdefault(words[1], []).append(int(words[-1]))
    return packets
