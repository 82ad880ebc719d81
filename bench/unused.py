# SPDX-License-Identifier: GPL-3.0-or-later
"""What conversation costs viewers that use none of it: microphones, the floor, captions, states."""
import contextlib
import os
import random
import time

import numpy as np

from cuts import behind, starts
from data_peer import DataViewer
from figure import Figure
from material import open_room
from usage import threads_ns
from viewers import Gateway

VIEWERS, SECONDS = 20, 10
OTHERS = 2              # with data channels, in the one room; in the other they only watch
USES = ('barge_in = 300 barge_in_mode = "hold" barge_in_by = "one" floor_ms = 60000 floor_silence_ms = 15000 '
        'seam_wait_ms = 200')
ROOMS = """
avatar-states: {{ width = {size} height = {size} kbps = 800 idle = "{idle}" {clips} }}
room-one: {{ id = 1 avatar = "states" {uses} }}
room-two: {{ id = 2 avatar = "states" duration = "longest" }}
"""
WORD_MS, MARKER_MS = 250, 1000
TEXTS = {"words": [[f"w{ms}", ms, ms + WORD_MS - 50] for ms in range(0, SECONDS * 1000, WORD_MS)],
         "captions": [[f"From {ms} ms on.", ms, ms + 1000] for ms in range(0, SECONDS * 1000, 1000)],
         "markers": [[ms, {"slide": ms}] for ms in range(0, SECONDS * 1000, MARKER_MS)]}


def open_with(material, segment, uses):
    """A Janus whose room has all of it, or nothing."""
    clips = " ".join(f'{name} = "{material.idle()}"' for name in ("listening", "thinking", "speaking")) if uses else ""
    rooms = ROOMS.format(size=material.size, idle=material.idle(), clips=clips, uses=USES if uses else "")
    return open_room(material, segment, rooms=False, more=rooms, general="max_microphones_per_room = 64" if uses else "")


def threads(hosted):
    """ns by thread."""
    return {tid: ns for tid, (_, ns) in threads_ns(hosted.server.process.pid).items()}


def processor_ns(hosted, others):
    """Of all threads but those that Janus has for the others."""
    return sum(ns for tid, ns in threads(hosted).items() if tid not in others)


def join_others(hosted, gateway, uses, ends):
    """Those with data channels, and Janus's threads for others, of whom it is not asked what they cost."""
    before, users = threads(hosted), []
    if uses:
        for _ in range(OTHERS):
            users.append(DataViewer(hosted.server, 1, captions=True))
            ends.callback(users[-1].close)
            users[-1].wait_event("state")
    else:
        gateway.watch_many(OTHERS, {"id": 1})
    return users, {tid for tid in threads(hosted) if tid not in before}


def check_used(viewer):
    """That what the room has was used."""
    came = [message["event"] for message in viewer.messages]
    for event, least in (("caption", len(TEXTS["captions"])), ("marker", len(TEXTS["markers"]))):
        if came.count(event) < least:
            raise RuntimeError(f"of {least} of the event {event} {came.count(event)} came on the data channel")


def bytes_of(viewer, start, from_ms, until_ms):
    """What it got of the room's media between two media times."""
    return sum(p.size for stream, kind, clock in ((viewer.audio, "audio", 48), (viewer.video, "video", 90))
               for p in stream.packets
               if behind(p.ts, start[kind], clock, from_ms) >= 0 > behind(p.ts, start[kind], clock, until_ms))


def once(hosted, file, uses):
    """(ms of processor time per viewer and second, bytes of each viewer), of one segment."""
    with contextlib.ExitStack() as ends:
        gateway = ends.enter_context(Gateway(hosted.server.ws))
        users, others = join_others(hosted, gateway, uses, ends)
        watching = gateway.watch_many(VIEWERS, {"id": 1})
        gateway.observe({"id": 1})
        time.sleep(2)
        start, since = starts(gateway), len(gateway.events)
        name = gateway.request({"request": "enqueue", "id": 1, "file": file, **(TEXTS if uses else {})})["segment"]
        begun_ms = gateway.wait_event("started", since, segment=name)[1]["media_ms"]
        used, began = processor_ns(hosted, others), time.monotonic()
        ended_ms = gateway.wait_event("finished", since, segment=name)[1]["media_ms"]
        used, took_s = processor_ns(hosted, others) - used, time.monotonic() - began
        time.sleep(0.5)
        got = [bytes_of(v, start[v.started["result"]["viewer"]], begun_ms, ended_ms) for v in watching]
        for viewer in users:
            check_used(viewer)
    return used / 1e6 / VIEWERS / took_s, got


def unused(material, runs):
    """viewers that only watch, by turns in a room without any of it, and in one that has it all, which others use"""
    segment, cases = material.mp4(SECONDS), {}
    file = os.path.basename(segment)
    used, got = {name: [] for name in ("without", "with")}, {name: [] for name in ("without", "with")}
    try:
        cases["without"] = open_with(material, segment, False)
        cases["with"] = open_with(material, segment, True)
        for hosted in cases.values():
            hosted.warm(file)
        for _ in range(runs):
            for name in random.sample(list(cases), 2):
                cost, sizes = once(cases[name], file, name == "with")
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
