# SPDX-License-Identifier: GPL-3.0-or-later
"""A viewer with a data channel: a session of its own, and data_viewer.py.

    viewer = DataViewer(janus, room=1, captions=True)
    viewer.wait(lambda e: e.get("event") == "caption")
    viewer.close()

A peer that is made before (DataViewer.start) need not start while something plays: DataViewer(janus, room=1, peer=peer).
"""
import json
import os
import threading
import time

from janus_server import WAIT_S
from peer import Peer

HERE = os.path.dirname(os.path.abspath(__file__))


class DataViewer:
    """`messages`: what came on the channel, put together; `raw` as it came; `sounds`: (time, RTP timestamp) of packets with
    sound. `events` are its handle's."""

    @staticmethod
    def start(*options):
        return Peer(["/usr/bin/python3", "-B", os.path.join(HERE, "data_viewer.py"), *options])

    def __init__(self, janus, room, *options, peer=None, offer_data=True, **fields):
        self.handle = janus.attach()
        self.messages, self.raw, self.sounds, self._parts, self._heard = [], [], [], {}, []
        self._change = threading.Condition()
        self.peer = peer or self.start(*options)
        offer = self.handle.answer({"request": "watch", "id": room, "offer_data": offer_data, **fields})
        self.result = offer["plugindata"]["data"]["result"]
        self.answer = self.peer.answer(offer["jsep"])
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.handle.request({"request": "start"}, self.answer)
        self.handle.events.wait(lambda e: e.get("result", {}).get("status") == "started", WAIT_S)

    @property
    def events(self):
        return self.handle.events.data()

    def _read(self):
        for line in self.peer._process.stdout:
            line = json.loads(line)
            with self._change:
                if "heard" in line:
                    self._heard.append(line["heard"])
                elif "sound" in line:
                    self.sounds.append((line["at"], line["sound"]))
                elif "message" in line:
                    self._take(line)
                self._change.notify_all()

    def _take(self, line):
        self.raw.append(line["message"])
        message = json.loads(line["message"])
        if "part" in message:
            parts = self._parts.setdefault(message["message"], [])
            parts.append(message["text"])
            if len(parts) < message["parts"]:
                return
            message = json.loads("".join(self._parts.pop(message["message"])))
        self.messages.append({**message, "at": line["at"]})

    def wait(self, matches, after=0, timeout=WAIT_S):
        """The first message for which `matches` is true, from number `after` on."""
        with self._change:
            end = time.monotonic() + timeout
            while True:
                for message in self.messages[after:]:
                    if matches(message):
                        return message
                if not self._change.wait(end - time.monotonic()):
                    raise AssertionError("it has not come: %s" % [m["event"] for m in self.messages[after:]])

    def wait_event(self, name, after=0, **fields):
        return self.wait(lambda m: m.get("event") == name and all(m.get(k) == v for k, v in fields.items()), after)

    def say(self, line):
        """Returns once it has heard it."""
        count = len(self._heard)
        self.peer._process.stdin.write(line + "\n")
        self.peer._process.stdin.flush()
        with self._change:
            if not self._change.wait_for(lambda: len(self._heard) > count, WAIT_S):
                raise AssertionError("it does not hear " + line)

    def close(self):
        self.handle.detach()
        self.peer.close()
