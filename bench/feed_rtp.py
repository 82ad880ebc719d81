#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Feeds a mountpoint of the Streaming plugin with a VP8 and Opus WebM, in a loop:
feed_rtp.py FILE [AUDIO_PORT VIDEO_PORT]

Every packet at its own presentation time (`ffmpeg -re` sends sound in bunches),
so that what is measured is the plugin and not the feed.
"""
import socket
import struct
import sys
import time

import av

PAYLOAD_MAX = 1187      # beside one byte of descriptor: packets as large as this plugin's (playout/vp8.h)
CLOCKS, TYPES, SSRCS = (48000, 90000), (111, 100), (0x1111, 0x2222)  # sound, picture


def load(path):
    """[(seconds, 0 sound or 1 picture, RTP payloads)] in sending order, and the loop's length."""
    out = []
    with av.open(path) as file:
        fps = float(file.streams.video[0].average_rate)
        for packet in file.demux():
            if packet.pts is None or not packet.size:
                continue
            at, data = float(packet.pts * packet.time_base), bytes(packet)
            if packet.stream.type == "audio":
                # WebM rounds to 1 ms: back to the grid, which begins at minus the encoder's delay
                out.append((round((at + .0065) * 50) / 50 - .0065, 0, [data]))
            else:
                pieces = [data[i:i + PAYLOAD_MAX] for i in range(0, len(data), PAYLOAD_MAX)]
                out.append((round(at * fps) / fps, 1, [(b"\0" if i else b"\x10") + p for i, p in enumerate(pieces)]))
    out.sort(key=lambda item: item[0])
    first = out[0][0]
    length = max(at + 1 / fps for at, kind, _ in out if kind) - first
    return [(at - first, kind, payloads) for at, kind, payloads in out if at - first < length], length


def main():
    items, length = load(sys.argv[1])
    ports = [int(port) for port in sys.argv[2:4]] or [5002, 5004]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sequence, start, round_number = [0, 0], time.monotonic(), 0
    while True:
        for at, kind, payloads in items:
            media = at + round_number * length
            time.sleep(max(0, start + media - time.monotonic()))
            for i, payload in enumerate(payloads):
                marker = 0x80 if kind and i == len(payloads) - 1 else 0
                header = struct.pack("!BBHII", 0x80, marker | TYPES[kind], sequence[kind] & 0xffff,
                                     round(media * CLOCKS[kind]) & 0xffffffff, SSRCS[kind])
                sock.sendto(header + payload, ("127.0.0.1", ports[kind]))
                sequence[kind] += 1
        round_number += 1


if __name__ == "__main__":
    main()
