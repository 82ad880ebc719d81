# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a room is forwarded to: what comes, as rtp.py reads it, in a thread of its own.

    with Target() as target:
        handle.request({"request": "rtp_forward", "id": 1, **target.fields})
        target.wait(lambda: target.video and target.video.packets)
"""
import select
import socket
import struct
import threading

from janus_server import WAIT_S
from rtp import NTP_EPOCH, Packet, Report, Stream

MEDIA = ("audio", "video")
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35     # when it came, by the kernel: what waits in two sockets keeps its order
SR, BYE = 200, 203


class Target:
    def __init__(self):
        self.streams, self.byes, self.reporters = {}, set(), {}
        self._sockets = {}
        self._changed = threading.Condition()
        self._ended = threading.Event()

    def __enter__(self):
        for kind in MEDIA:
            for name in (kind, kind + "_rtcp"):
                taken = self._sockets[name] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                try:
                    taken.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
                except PermissionError:
                    taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
                taken.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                taken.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        for taken in self._sockets.values():
            taken.close()

    @property
    def fields(self):
        """Of rtp_forward."""
        return {"host": "127.0.0.1", **{name + "_port": s.getsockname()[1] for name, s in self._sockets.items()}}

    @property
    def audio(self):
        return self.streams.get("audio")

    @property
    def video(self):
        return self.streams.get("video")

    def _read(self):
        names = {s: name for name, s in self._sockets.items()}
        while not self._ended.is_set():
            # media first: BYE comes after all of them, on a socket of its own
            for ready in sorted(select.select(list(names), [], [], 0.1)[0], key=lambda s: names[s].endswith("_rtcp")):
                data, [(_, _, stamp)], _, address = ready.recvmsg(2048, 64)
                seconds, ns = struct.unpack("@qq", stamp)
                with self._changed:
                    self._take(names[ready], seconds + ns / 1e9, data, address)
                    self._changed.notify_all()

    def _take(self, name, now, data, address):
        kind = name.split("_")[0]
        if name.endswith("_rtcp"):
            self.reporters[kind] = address
            self._control(kind, now, data)
            return
        first, second, seq, ts, ssrc = struct.unpack_from("!BBHII", data)
        assert first == 0x80, first
        stream = self.streams.setdefault(kind, Stream(kind, ssrc, None))
        stream.payload_type = stream.payload_type or second & 0x7f      # a report has come before it
        assert (ssrc, second & 0x7f) == (stream.ssrc, stream.payload_type)
        stream.add(Packet(now, seq, ts, second >> 7, len(data), data[12:]))

    def _control(self, kind, now, data):
        while data:
            size = 4 * struct.unpack_from("!H", data, 2)[0] + 4
            if data[1] == SR:
                ssrc, ntp, ts = struct.unpack_from("!IQI", data, 4)
                stream = self.streams.setdefault(kind, Stream(kind, ssrc, None))
                stream.reports.append(Report(now, ntp / 2 ** 32 - NTP_EPOCH, ts, ntp >> 16 & 0xffffffff))
            elif data[1] == BYE:
                self.byes.add(kind)
            data = data[size:]

    def pli(self):
        """Asks for a key frame, from where reports come."""
        packet = struct.pack("!BBHII", 0x81, 206, 2, 1, self.video.ssrc)
        self._sockets["video_rtcp"].sendto(packet, self.reporters["video"])

    def wait(self, condition, timeout=WAIT_S):
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise TimeoutError("not so: %s" % {k: len(s.packets) for k, s in self.streams.items()})

    def wait_for_pictures(self, count):
        """So many more."""
        timestamps = lambda: len({p.ts for p in self.video.packets}) if self.video else 0
        before = timestamps()
        self.wait(lambda: timestamps() >= before + count)
