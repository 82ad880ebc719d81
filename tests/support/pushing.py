# SPDX-License-Identifier: GPL-3.0-or-later
"""A generator that pushes, as plain as docs/push.md describes it."""
import hashlib
import hmac
import json
import secrets
import socket
import threading
import time

ENDS = ("finished", "interrupted", "skipped", "removed", "failed")
# Events that come when they come; a busy machine prepares more slowly than a room plays.
ANY_TIME = ("want", "progress", "segment_prepared", "held", "resumed")


def token(secret, room, seconds=60, nonce=None):
    head = "%d.%s" % (int(time.time()) + seconds, nonce or secrets.token_urlsafe(18))
    return head + "." + hmac.new(secret.encode(), ("push.%s.%s" % (head, room)).encode(), hashlib.sha256).hexdigest()


def connect(address):
    """To a path, or to a (host, port)."""
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    sock.settimeout(60)
    sock.connect(address)
    return sock


def anchor(address, room, secret=None):
    """A file for `dh-prepare --avatar`."""
    question = {"request": "anchor", "room": room, **({"token": token(secret, room)} if secret else {})}
    with connect(address) as sock, sock.makefile("rb") as stream:
        sock.sendall(json.dumps(question).encode() + b"\n")
        return stream.read(json.loads(stream.readline())["anchor"]["bytes"])


class Push:
    """One connection. A thread reads its lines into `lines`, each with the time at which it came."""

    def __init__(self, address, line=None, secret=None):
        self.sock = connect(address)
        self.lines, self.changed, self.over = [], threading.Condition(), False
        self.reader = threading.Thread(target=self.read, daemon=True)
        if line is not None:
            if secret:
                line = {"token": token(secret, line["room"]), **line}
            self.say(line)
        self.reader.start()

    def say(self, line):
        self.sock.sendall(json.dumps(line).encode() + b"\n")

    def read(self):
        try:
            with self.sock.makefile("rb") as stream:
                for text in stream:
                    with self.changed:
                        self.lines.append((time.monotonic(), json.loads(text)))
                        self.changed.notify_all()
        except OSError:
            pass
        with self.changed:
            self.over = True
            self.changed.notify_all()

    def send(self, data):
        self.sock.sendall(data)

    def end(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def wait(self, matches, timeout=60):
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                for _, line in self.lines:
                    if matches(line):
                        return line
                if self.over or not self.changed.wait(max(0, end - time.monotonic())):
                    raise AssertionError("no such line; there were: %s" % self.said())

    def event(self, name):
        return self.wait(lambda line: line.get("event") == name)

    def result(self, timeout=60):
        """The last event, after the connection has ended."""
        end = time.monotonic() + timeout
        with self.changed:
            while not self.over:
                if not self.changed.wait(max(0, end - time.monotonic())):
                    raise AssertionError("the connection goes on; there were: %s" % self.said())
        return self.lines[-1][1] if self.lines else None

    def said(self):
        return [line for _, line in self.lines]

    def events(self):
        return [line["event"] for line in self.said() if line.get("digitalhuman") == "event" and "event" in line]
