# SPDX-License-Identifier: GPL-3.0-or-later
"""A forward as it is hours after its beginning: passed on to other ports, with other timestamps in packets and sender reports.

    with Later(audio_port, video_port, wrap_s=10) as later:
        handle.request({"request": "rtp_forward", "id": 1, **later.fields})
        later.wait(later.has_wrapped)
"""
import struct

import rtp_target

CLOCKS = {"audio": 48000, "video": 90000}
MODULUS = 1 << 32


class Later(rtp_target.Target):
    def __init__(self, audio_port, video_port, wrap_s):
        """RTCP goes to the ports behind these. Timestamps begin anew `wrap_s` behind the first one of each medium."""
        super().__init__()
        self._to = {"audio": audio_port, "audio_rtcp": audio_port + 1, "video": video_port, "video_rtcp": video_port + 1}
        self._wrap_s = wrap_s
        self._more, self._last, self._wrapped = {}, {}, set()       # by medium

    def has_wrapped(self):
        return self._wrapped == set(CLOCKS)

    def _take(self, name, now, data, address):
        super()._take(name, now, data, address)
        kind = name.split("_")[0]
        moved = bytearray(data)
        if not name.endswith("_rtcp"):
            self._move(kind, moved, 4)
        elif data[1] == rtp_target.SR:
            self._move(kind, moved, 16)
        self._sockets[name].sendto(moved, ("127.0.0.1", self._to[name]))

    def _move(self, kind, packet, at):
        ts, = struct.unpack_from("!I", packet, at)
        more = self._more.setdefault(kind, MODULUS - self._wrap_s * CLOCKS[kind] - ts)
        later = (ts + more) % MODULUS
        if self._last.get(kind, 0) > 0.9 * MODULUS and later < 0.1 * MODULUS:
            self._wrapped.add(kind)
        self._last[kind] = later
        struct.pack_into("!I", packet, at, later)
