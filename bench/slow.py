# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of one viewer with a slow network beside good ones: what each of them sees."""
import os
import time
import unittest.mock

from browsers import freezes_of
from figure import Figure
from material import open_room
from probe import Probe, Server
from rough import Rough
from rough_path import ADDRESSES
from viewers import Gateway

KBPS, LOWER = 800, "kbps_2 = 350 kbps_3 = 150 temporal = true"
SLOW_KBPS, DELAY_MS, VIEWERS, WATCHED_S = 300, 20, 100, 60


def watched(rough, chromium, server, hosted, files):
    """The freezes of a browser at SLOW_KBPS, in ms, and how long it was watched, while the room speaks."""
    rough.path.tell(delay_ms=DELAY_MS, kbps=SLOW_KBPS)
    for i in range(WATCHED_S // 4 + 5):
        hosted.handle.request({"request": "enqueue", "id": 1, "file": files[i % len(files)]})
    probe = Probe(chromium, server, hosted.server.ws, {"id": 1})
    probe.wait_playing()
    since = probe.page.evaluate("performance.now()")
    time.sleep(WATCHED_S)
    until = probe.page.evaluate("performance.now()")
    hosted.handle.request({"request": "interrupt", "id": 1})
    times = [f["presented"] for f in probe.take()["frames"] if since <= f["presented"] <= until]
    return freezes_of([since, *times, until]), until - since


def shown_at(viewer, until):
    """When each picture was whole, in ms, by the packet that ends it."""
    return [1000 * p.arrival for p in viewer.video.packets if p.marker and p.arrival < until]


def slow(material, runs, viewers=VIEWERS):
    """Freezes in the first minute of a browser at 300 kbit/s, and of the viewers beside it."""
    paths = [material.mp4(4, 1), material.mp4(4, 2)]
    files = [os.path.basename(path) for path in paths]
    counts, shares, beside, lost = [], [], [], []
    with Rough() as rough, rough.gateway():
        hosted = open_room(material, *paths, kbps=f"{KBPS} {LOWER}")
        try:
            hosted.warm(*files)
            with unittest.mock.patch("viewer._address", ADDRESSES[0]), Server() as server, \
                    Gateway(hosted.server.ws) as gateway:
                for _ in range(runs):
                    good = gateway.watch_many(viewers - 1, {"id": 1})
                    with rough.browser([server.port, hosted.server.ws_port]) as chromium:
                        frozen, ms = watched(rough, chromium, server, hosted, files)
                    counts.append(len(frozen))
                    shares.append(100 * sum(frozen) / ms)
                    for viewer in good:
                        end = time.time()
                        viewer.leave()
                        beside.append(len(freezes_of([*shown_at(viewer, end), 1000 * end])))
                        lost.append(viewer.video.missing()[0])
        finally:
            hosted.close()
    return [Figure(f"a browser at {SLOW_KBPS} kbit/s: freezes in {WATCHED_S} s", counts, {"max": 2}, unit=""),
            Figure("share of the time", shares, unit="%"),
            Figure(f"each of {viewers - 1} viewers beside it: freezes", beside, {"max": 0}, unit=""),
            Figure("and packets of pictures lost", lost, {"max": 0}, unit="")]
