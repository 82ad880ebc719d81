# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the gateway's push port, for tests of its clients: speaks docs/push.md, and does what a test
tells it. It has no clock: it plays what has come as far as play() allows, and reads `ahead_ms` further.

    with PushServer(secret="demo") as server:
        Stage(server.address, room=1, secret="demo") …
        server.pushes[0].media.units
"""
import hashlib
import hmac
import json
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time

from push_media import Nut, Prepared, Wav

sys.path.insert(0, os.path.join(os.environ["DH_ROOT"], "clients", "python"))

WAIT_S = 60
WANT_MS = 200           # of what plays, between two `want`
EVERYTHING = float("inf")


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Push:
    """One connection. `line` is what it began with, `media` what came then."""

    def __init__(self, server, sock):
        self.server, self.sock = server, sock
        self.line, self.media, self.requests, self.segment = None, None, [], None
        self.bytes, self.played_ms, self.end = 0, 0, None     # `end` is set once
        self.allowed_ms = None              # of this one; None: as the server's
        self.told, self.want_told = -1, 0
        self.is_broken = False              # reset by the client, which may discard what it had sent last
        self.buffer, self.authorized = bytearray(), False
        self.wake_read, self.wake_write = socket.socketpair()
        self.over = threading.Event()       # the connection is closed
        self.thread = threading.Thread(target=self.run, daemon=True)

    # -- what the test does

    def interrupt(self, closes=True):
        self.stop({"event": "interrupted"}, closes)

    def stop(self, end, closes=True):
        """Ends the segment with this event, unless it has ended; None: breaks off without a word. `closes`: its
        utterance, too, if it is interrupted."""
        self.settle(end or {}, closes)
        self.wake()

    def wake(self):
        if not self.over.is_set():
            try:
                self.wake_write.send(b"x")
            except OSError:
                pass        # it has just ended

    def settle(self, end, closes=True):
        with self.server.changed:
            if self.end is not None:
                return
            self.end = end
            if closes and end.get("event") == "interrupted" and "utterance" in self.line:
                self.server.cut.add(self.line["utterance"])
            self.server.changed.notify_all()

    # -- the connection

    def run(self):
        try:
            self.serve()
        except Refused as refusal:
            self.send({"error_code": refusal.code, "error": str(refusal)})
        except OSError:
            self.is_broken = True           # the client is gone
        except BaseException as error:
            self.server.problems.append(repr(error))
            raise
        finally:
            self.close()

    def serve(self):
        while True:
            line = self.read_line()
            if line is None:
                return
            fields = self.parse(line)
            self.authorize(fields)
            if "request" not in fields:
                break
            self.requests.append(fields["request"])
            self.answer(fields["request"], fields)
        with self.server.changed:
            self.line = fields
            self.server.changed.notify_all()
        self.server.accepts.wait(WAIT_S)
        if self.server.refuse:
            raise Refused(*self.server.refuse)
        with self.server.changed:
            self.segment = fields.get("segment") or f"s-{len(self.server.pushes) + 1}"
            self.server.pushes.append(self)
            if fields.get("utterance") in self.server.cut:
                self.end = {"event": "removed", "reason": "cut"}
            self.server.changed.notify_all()
        self.send_event("queued", position=0)
        if fields.get("priority") == "urgent":
            for other in self.server.pushes[:-1]:
                if other.played_ms and not other.end and other.line.get("priority") != "urgent":
                    other.stop({"event": "interrupted", "reason": "priority"})
        self.send({"event": "want", "ms": self.server.ahead_ms})
        self.receive()

    def parse(self, line):
        try:
            fields = json.loads(line)
        except ValueError:
            raise Refused(451, "Not a JSON object") from None
        if not isinstance(fields, dict):
            raise Refused(451, "Not a JSON object")
        if "room" not in fields:
            raise Refused(453, "Missing \"room\"")
        if fields["room"] != self.server.room:
            raise Refused(455, f"No such room ({fields['room']})")
        return fields

    def authorize(self, fields):
        if self.server.secret is None or self.authorized:
            return
        expiry, nonce, mac = (fields.get("token") or "..").split(".")
        made = hmac.new(self.server.secret.encode(), f"push.{expiry}.{nonce}.{self.server.room}".encode(),
                        hashlib.sha256).hexdigest()
        now = time.time()
        with self.server.changed:
            if mac != made or not now < int(expiry) <= now + 3600 or nonce in self.server.nonces:
                raise Refused(457, "Unauthorized (wrong \"token\")")
            self.server.nonces.add(nonce)
        self.authorized = True

    def answer(self, request, fields):
        if request == "info":
            self.send({"info": {"room": self.server.room, "ahead_ms": self.server.ahead_ms, "state": "idle",
                                **self.server.info}})
        elif request == "anchor":
            if self.server.anchor is None:
                raise Refused(460, "The avatar is not ready")
            self.send({"anchor": {"bytes": len(self.server.anchor)}})
            self.sock.sendall(self.server.anchor)
        elif request == "interrupt":
            wanted = {name: fields[name] for name in ("segment", "utterance") if name in fields}
            mode = {name: fields[name] for name in ("mode",) if name in fields}
            with self.server.changed:       # in the order in which they came
                running = self.server.interrupt(wanted, **mode)
                if wanted and not running:
                    raise Refused(463, f"No such segment ({', '.join(wanted.values())})")
                self.server.interruptions.append({**wanted, **mode})
            self.send({"interrupt": {"dropped": len(running)}})
        elif request == "mark":
            known = [push.segment for push in self.server.pushes if not push.end]
            if "segment" in fields and fields["segment"] not in known:
                raise Refused(463, f"No such segment ({fields['segment']})")
            self.server.marks.append({name: fields[name] for name in ("data", "segment", "at_ms") if name in fields})
            self.send({"mark": {"media_ms": self.server.mark_ms}})
        else:
            raise Refused(452, f"Unknown request ({request})")

    def read_line(self):
        while b"\n" not in self.buffer:
            data = self.sock.recv(4096)
            if not data:
                return None
            self.buffer += data
            if len(self.buffer) > 65536 and b"\n" not in self.buffer:
                raise Refused(464, "The first line is too long")
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def receive(self):
        data, at_end = None, False
        while self.end is None:
            self.take(data, at_end)
            ms = self.media.ms if self.media else 0
            if at_end and self.played_ms == ms:
                self.settle(self.last_word())
                break
            data = self.more(not at_end and self.server.reads and ms - self.played_ms < self.server.ahead_ms)
            at_end = at_end or data == b""
        if self.end:
            self.tell_end()

    def more(self, wants):
        """What comes next, first what came with the first line; b"" at the end. None: something else has changed."""
        if wants and self.buffer:
            data, self.buffer = bytes(self.buffer), bytearray()
            return data
        if not (wants and isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
            ready, _, _ = select.select([self.wake_read] + ([self.sock] if wants else []), [], [])
            if self.wake_read in ready:
                self.wake_read.recv(1000)
                return None
        return self.sock.recv(65536)

    def take(self, data, at_end):
        """Whoever is told of what has come finds what is played of it counted."""
        was_ms = self.played_ms
        with self.server.changed:
            if data:
                self.bytes += len(data)
                if self.media is None:
                    self.media = Prepared() if data[:1] == b"D" else Wav() if data[:1] == b"R" else Nut()
                self.media.feed(data)
            ms = self.media.ms if self.media else 0
            self.played_ms = min(ms, self.server.allowed_ms if self.allowed_ms is None else self.allowed_ms)
            self.server.changed.notify_all()
        if self.played_ms and not was_ms:
            self.send_event("started")
        step = self.line.get("progress_ms", 200)
        if step and self.played_ms // step != max(0, self.told) // step:
            self.told = self.played_ms
            self.send({"event": "progress", "segment": self.segment, "played_ms": self.played_ms})
        if not at_end and self.played_ms >= self.want_told + WANT_MS:
            self.want_told = self.played_ms
            self.send({"event": "want", "ms": max(0, self.server.ahead_ms - (ms - self.played_ms))})

    def last_word(self):
        if not self.media:
            return {"event": "failed", "error_code": 465, "error": "no picture and no sound"}
        return {"event": "finished", **({"incomplete": True} if self.media.is_cut else {})}

    def tell_end(self):
        end = dict(self.end, played_ms=self.played_ms)
        if "text" in self.line:
            share = self.played_ms / max(1, self.media.ms if self.media else 1)
            end["heard_text"] = self.line["text"][:round(len(self.line["text"]) * share)]
        self.send_event(**end)

    def send_event(self, event, **more):
        fields = {"digitalhuman": "event", "id": self.server.room, "event": event, "segment": self.segment, **more}
        if "metadata" in self.line:
            fields["metadata"] = self.line["metadata"]
        self.send(fields)

    def send(self, fields):
        self.sock.sendall(json.dumps(fields).encode() + b"\n")

    def linger(self):
        """Reads what still comes: a socket that is closed with bytes unread is reset, which may overtake the
        last line."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(WAIT_S)
            while self.sock.recv(65536):
                pass
        except OSError:
            pass

    def close(self):
        if self.end == {}:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.linger()
        self.sock.close()
        self.wake_read.close()
        self.over.set()


class PushServer:
    """`kind`: "tcp", "unix" (`path`) or "tls" (`certificate`, paths of it and of its key). `refuse`: (code, text)
    for every segment. `reads` False: media stay in the connection. `accepts` is set; while it is not, the room takes no
    segment."""

    def __init__(self, room=1, secret=None, ahead_ms=2000, kind="tcp", path=None, certificate=None, info=None,
                 anchor=None, refuse=None):
        self.room, self.secret, self.ahead_ms, self.refuse = room, secret, ahead_ms, refuse
        self.info, self.anchor = info or {}, anchor
        self.allowed_ms, self.reads, self.accepts = EVERYTHING, True, threading.Event()
        self.accepts.set()
        self.marks, self.mark_ms = [], 812340           # what was marked, and what is answered
        self.pushes, self.all, self.nonces, self.problems = [], [], set(), []
        self.interruptions = []                         # what was meant by each
        self.cut = set()                                # utterances that were interrupted
        self.changed = threading.Condition()
        self.listener = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.listener.bind(path or ("127.0.0.1", 0))
        self.listener.listen(100)
        self.context = None
        if kind == "tls":
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.port = None if kind == "unix" else self.listener.getsockname()[1]
        self.address = f"unix:{path}" if kind == "unix" else f"{'tls://' if kind == 'tls' else ''}127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.accept, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def stop_listening(self):
        if self.listener.fileno() >= 0:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.thread.join(WAIT_S)

    def __exit__(self, kind, value, trace):
        self.stop_listening()
        self.accepts.set()
        for push in self.all:
            if not push.over.is_set():
                push.stop(None)
                try:
                    push.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            push.thread.join(WAIT_S)
            push.wake_write.close()
        if kind is None and self.problems:
            raise AssertionError(self.problems)

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
                if sock.family == socket.AF_INET:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.context:
                    sock = self.context.wrap_socket(sock, server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            push = Push(self, sock)
            self.all.append(push)
            push.thread.start()

    # -- what the test does

    def play(self, ms):
        """Allows every segment to be played so far; EVERYTHING to its end."""
        self.allowed_ms = ms
        for push in list(self.pushes):
            push.wake()

    def interrupt(self, wanted=None, mode="now"):
        """What has these fields; by default all that there is; with the mode "segment" not what plays. Also of these
        utterances nothing more is heard, unless a segment is named. Returns whom it has ended."""
        with self.changed:
            running = [push for push in self.pushes if push.end is None and not (mode == "segment" and push.played_ms)
                       and all({**push.line, "segment": push.segment}.get(name) == value
                               for name, value in (wanted or {}).items())]
            for push in running:
                push.interrupt(closes="segment" not in (wanted or {}))
        return running

    def read(self, reads):
        self.reads = reads
        for push in list(self.pushes):
            push.wake()

    def wait(self, condition, timeout=WAIT_S):
        """Until condition(pushes) is true of the segments; returns them."""
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self.pushes), timeout), "it did not come"
            return list(self.pushes)

    def first(self):
        return self.wait(lambda pushes: pushes)[0]
