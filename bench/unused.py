# SPDX-License-Identifier: GPL-3.0-or-later
"""What microphones and the floor cost viewers that use neither."""
import os
import random
import time

import numpy as np

from cuts import behind, starts
from figure import Figure
from material import open_room
from usage import threads_ns
from viewers import Gateway

VIEWERS, SECONDS = 20, 10
WITH = {"general": "max_microphones_per_room = 64",
        "room": 'barge_in = 300 barge_in_mode = "hold" barge_in_by = "one" floor_ms = 60000 floor_silence_ms = 15000'}


def processor_ns(hosted):
    return sum(ns for _, ns in threads_ns(hosted.server.process.pid).values())


def bytes_of(viewer, start, from_ms, until_ms):
    """What it got of the room's media between two media times."""
    return sum(p.size for stream, kind, clock in ((viewer.audio, "audio", 48), (viewer.video, "video", 90))
               for p in stream.packets
               if behind(p.ts, start[kind], clock, from_ms) >= 0 > behind(p.ts, start[kind], clock, until_ms))


def once(hosted, file):
    """(ms of processor time per viewer and second, bytes of each viewer), of one segment."""
    with Gateway(hosted.server.ws) as gateway:
        watching = gateway.watch_many(VIEWERS, {"id": 1})
        gateway.observe({"id": 1})
        time.sleep(2)
        start, since = starts(gateway), len(gateway.events)
        name = gateway.request({"request": "enqueue", "id": 1, "file": file})["segment"]
        begun_ms = gateway.wait_event("started", since, segment=name)[1]["media_ms"]
        used, began = processor_ns(hosted), time.monotonic()
        ended_ms = gateway.wait_event("finished", since, segment=name)[1]["media_ms"]
        used, took_s = processor_ns(hosted) - used, time.monotonic() - began
        time.sleep(0.5)
        got = [bytes_of(v, start[v.started["result"]["viewer"]], begun_ms, ended_ms) for v in watching]
    return used / 1e6 / VIEWERS / took_s, got


def unused(material, runs):
    """viewers that only watch, by turns in a room without microphones and the floor, and in one that has them"""
    segment, cases = material.mp4(SECONDS), {}
    file = os.path.basename(segment)
    used, got = {name: [] for name in ("without", "with")}, {name: [] for name in ("without", "with")}
    try:
        cases["without"] = open_room(material, segment)
        cases["with"] = open_room(material, segment, **WITH)
        for hosted in cases.values():
            hosted.warm(file)
        for _ in range(runs):
            for name in random.sample(list(cases), 2):
                cost, sizes = once(cases[name], file)
                used[name].append(cost)
                got[name] += sizes
    finally:
        for hosted in cases.values():
            hosted.close()
    what, usual = f"{runs} rounds of {VIEWERS} viewers", np.median(got["without"])
    return [
        Figure("processor time of such viewers, against a room without", [np.median(used["with"]) / np.median(used["without"])],
               {"max": 1.05}, unit="×", runs=what, note="the medians of all rounds"),
        *(Figure(f"processor time per viewer and second, {name}", used[name]) for name in used),
        Figure("bytes of one segment at each viewer, beyond those in a room without", [n - usual for name in got for n in got[name]],
               {"max": 0}, unit="bytes", signed=True, runs=what, note=f"{usual:.0f} bytes there, headers and SRTP included"),
    ]
