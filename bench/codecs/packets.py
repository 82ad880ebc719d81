# SPDX-License-Identifier: GPL-3.0-or-later
"""RTP payloads of access units, as libwebrtc wants them for anchored coding: every picture is said to refer to the one
before, which a viewer has, and not to the anchor, which may be farther away than the formats can say. Where a format
can say it, an entry refers to the one `back` pictures ago: the entry before."""
import streams

MAX = 1150


def split(data, room=MAX):
    return [data[i:i + room] for i in range(0, len(data), room)]


def vp8(unit, number, is_key, back=1):
    head = bytes([0xe0, 0x80 | number >> 8 & 127, number & 255, number & 255, 0])
    return [bytes([0x80 | (0x10 if i == 0 else 0)]) + head + piece for i, piece in enumerate(split(unit))]


def vp9(unit, number, is_key, back=1, flexible=False, size=512):
    """A picture ID of 15 bits and layer indices; the picture's size with a key frame. In flexible mode, the one
    reference, otherwise TL0PICIDX, which says that it is the picture before."""
    pieces, out = split(unit), []
    mode = 0x80 | 0x20 | 1 | (0x10 if flexible else 0) | (0 if is_key else 0x40)
    for i, piece in enumerate(pieces):
        has_size = is_key and i == 0
        edges = (8 if i == 0 else 0) | (4 if i == len(pieces) - 1 else 0) | (2 if has_size else 0)
        head = bytes([mode | edges, 0x80 | number >> 8 & 127, number & 255, 0])
        if not flexible:
            head += bytes([number & 255])
        elif not is_key:
            head += bytes([back << 1])
        if has_size:
            head += bytes([0x10]) + size.to_bytes(2, "big") * 2
        out.append(head + piece)
    return out


def vp9_flexible(unit, number, is_key, back=1):
    return vp9(unit, number, is_key, back, True)


def leb128(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if not byte & 128:
            return value, at


def obus(unit):
    """The OBUs of a temporal unit without its delimiter, each without its size."""
    at, out = 0, []
    while at < len(unit):
        head, extension = unit[at], unit[at] >> 2 & 1
        size, start = leb128(unit, at + 1 + extension)
        if head >> 3 & 15 != 2:
            out.append(bytes([head & ~2]) + unit[at + 1:at + 1 + extension] + unit[start:start + size])
        at = start + size
    return out


def av1(unit, number, is_key, back=1):
    """A sequence header goes with the first piece of its frame."""
    *before, frame = obus(unit)
    lead = b"".join(bytes([len(o)]) + o for o in before)
    pieces = [frame[:MAX - len(lead)], *split(frame[MAX - len(lead):])]
    out = []
    for i, piece in enumerate(pieces):
        count = 1 + (len(before) if i == 0 else 0)
        head = (0x80 if i else 0) | (0x40 if i < len(pieces) - 1 else 0) | count << 4 | (8 if is_key and i == 0 else 0)
        out.append(bytes([head]) + (lead if i == 0 else b"") + piece)
    return out


def h264(unit, number, is_key, back=1):
    """Single NAL units and FU-A."""
    out = []
    for nal in streams.nal_units(unit):
        if len(nal) <= MAX:
            out.append(nal)
            continue
        pieces = split(nal[1:])
        for i, piece in enumerate(pieces):
            edge = (0x80 if i == 0 else 0) | (0x40 if i == len(pieces) - 1 else 0)
            out.append(bytes([nal[0] & 0x60 | 28, edge | nal[0] & 31]) + piece)
    return out


# codec: ways to make packets of it
PAYLOADS = {"vp8": [vp8], "vp9": [vp9, vp9_flexible], "av1": [av1], "h264": [h264]}
