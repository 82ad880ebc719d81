# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of bad networks: what Chromium shows and plays across one, of this plugin and of the Streaming plugin."""
import os
import time

import numpy as np

import long
from browsers import freezes_of
from figure import Figure
from janus_server import free_ports
from marks import ffmpeg
from material import open_room
from probe import Probe, Server, lips
from rough import Rough
from viewers import PLUGIN

KBPS, DELAY_MS, SETTLE_S, WATCHED_S = 400, 20, 8, 20
ENTRY_MS = 500                  # between two entries, by default
CONDITIONS = {"1 % loss": {"loss": 0.01}, "3 % loss": {"loss": 0.03}, "5 % loss": {"loss": 0.05},
              "50 ms jitter": {"jitter_ms": 50}, "300 kbit/s": {"kbps": 300}}
OUTAGE_S, OUTAGES = 2, 4
CUT_S, CUTS = 0.05, 12
# Where Chromium gets its retransmissions: payload types of RTX, which Janus takes from the answer.
RTX = list(range(97, 111)) + [112, 113]


class Watched:
    """One page that watches one plugin across the path."""

    def __init__(self, rough, chromium, server, hosted, plugin):
        self.rough, self.hosted, self.plugin = rough, hosted, plugin
        self.tell()
        self.probe = Probe(chromium, server, hosted.server.ws, {"id": 1}, plugin)
        self.probe.wait_playing()
        time.sleep(SETTLE_S)

    def tell(self, **rules):
        self.rough.path.tell(delay_ms=DELAY_MS, **rules)

    def now(self):
        return self.probe.page.evaluate("performance.now()")

    def play(self, seconds, files):
        """Marks come for that long; the mountpoint always has them."""
        for i in range(int(seconds / 4) + 1 if self.plugin == PLUGIN else 0):
            self.hosted.handle.request({"request": "enqueue", "id": 1, "file": files[i % len(files)]})

    def stop(self):
        if self.plugin == PLUGIN:
            self.hosted.handle.request({"request": "interrupt", "id": 1})

    def between(self, since, until):
        """What was presented then, and what else it noted."""
        data = self.probe.take()
        data["frames"] = [f for f in data["frames"] if since <= f["presented"] <= until]
        data["beeps"] = [b for b in data["beeps"] if since <= b["rendered"] <= until]
        return data

    def condition(self, rules, files):
        """(freezes, their share of the time, lips) under it."""
        self.play(WATCHED_S + 3, files)
        time.sleep(3)
        self.tell(**rules)
        since = self.now()
        time.sleep(WATCHED_S)
        until = self.now()
        self.tell()
        self.stop()
        data = self.between(since, until)
        frozen = freezes_of([since, *(f["presented"] for f in data["frames"]), until])
        time.sleep(4)
        return len(frozen), 100 * sum(frozen) / (until - since), lips(data)["rendered"]

    def outage(self):
        """From its end to the next picture."""
        self.tell(is_cut=True)
        time.sleep(OUTAGE_S)
        self.tell()
        end = self.now()
        self.probe.page.wait(f"probe.frames.some(f => f.presented > {end})", 20)
        first = min(f["presented"] for f in self.probe.take()["frames"] if f["presented"] > end)
        time.sleep(3 + np.random.default_rng(len(self.probe.take()["frames"])).uniform(0, 1))
        return first - end

    def unrepaired(self):
        """A loss of which no packet is sent again: the longest time without a picture, and requests for key frames."""
        before = self.probe.take()
        self.tell(is_cut=True, without=RTX)
        time.sleep(CUT_S)
        self.tell(without=RTX)
        time.sleep(5)
        self.tell()
        end, after = self.now(), self.probe.take()
        times = [f["presented"] for f in after["frames"][len(before["frames"]) - 2:] if f["presented"] < end] + [end]
        time.sleep(np.random.default_rng(len(times)).uniform(0.5, 1.5))
        return float(np.diff(times).max()), after["stats"]["video"]["pliCount"] - before["stats"]["video"]["pliCount"]


class Seen:
    """What all sessions with one plugin have shown."""

    def __init__(self):
        self.conditions = {name: ([], [], []) for name in CONDITIONS}
        self.outages, self.unrepaired, self.plis = [], [], []

    def add(self, watched, files):
        for name, rules in CONDITIONS.items():
            count, share, offsets = watched.condition(rules, files)
            for values, more in zip(self.conditions[name], ([count], [share], offsets)):
                values += more
        for _ in range(OUTAGES):
            self.outages.append(watched.outage())
        for _ in range(CUTS):
            ms, plis = watched.unrepaired()
            self.unrepaired.append(ms)
            self.plis.append(plis)


def feed(material):
    """As the room's: the same bit rate, and a key frame every two seconds."""
    return material.make("feed-2s.webm", lambda path: ffmpeg(
        "-i", material.mp4(4), "-c:v", "libvpx", "-b:v", f"{KBPS}k", "-deadline", "realtime", "-g", 50, "-c:a", "libopus",
        "-ar", 48000, path))


def loss(material, runs):
    """Freezes, recovery and lips against sound in Chromium across a bad network, and the Streaming plugin in the same run."""
    paths, ports = [material.mp4(4, 1), material.mp4(4, 2)], free_ports(2)
    files, fed = [os.path.basename(path) for path in paths], feed(material)
    seen = {PLUGIN: Seen(), long.STREAMING: Seen()}
    with Rough() as rough, rough.gateway():
        hosted = open_room(material, *paths, kbps=KBPS, plugins=("libjanus_streaming.so",),
                           files={long.STREAMING + ".jcfg": long.mountpoint(ports)})
        try:
            hosted.warm(*files)
            with long.streaming_fed(material, ports, fed), Server() as server:
                for _ in range(runs):
                    for plugin in seen:
                        with rough.browser([server.port, hosted.server.ws_port]) as chromium:
                            seen[plugin].add(Watched(rough, chromium, server, hosted, plugin), files)
        finally:
            hosted.close()
    return figures(seen[PLUGIN], seen[long.STREAMING])


def figures(room, stock):
    out = [Figure("a loss that is not made up for: longest time without a picture", room.unrepaired,
                  {"max": ENTRY_MS + 150}, note="half a second between entries; no retransmission passes for 5 s"),
           Figure("requests for a key frame after it", room.plis, {"max": 0}, unit=""),
           Figure("the Streaming plugin: the same time", stock.unrepaired),
           Figure("its requests", stock.plis, unit=""),
           Figure(f"an outage of {OUTAGE_S} s: its end → picture", room.outages,
                  note="an entry that comes before its first report has come is lost for the browser, too"),
           Figure("the Streaming plugin", stock.outages)]
    for name in CONDITIONS:
        for whose, seen in (("", room), ("the Streaming plugin, ", stock)):
            freezes, shares, offsets = seen.conditions[name]
            out += [Figure(f"{whose}{name}: freezes in {WATCHED_S} s", freezes, unit=""),
                    Figure(f"{whose}{name}: share of the time", shares, unit="%"),
                    Figure(f"{whose}{name}: flash - beep", offsets, signed=True)]
    return out
