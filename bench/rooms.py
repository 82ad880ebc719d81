# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred rooms at once: what they need, and whether one that is watched notices the others."""
import os
import shutil
import subprocess
import time

import marks
import usage
from figure import Figure
from hosted_room import HostedRoom
from isolation import late
from packets import first_speech
from viewers import Gateway

ROOMS = 100
WATCHED = (101, 126, 151, 176, 200)
IDLE_S, QUIET_S = 10, 15
ENDS = ("finished", "interrupted", "skipped", "removed", "failed")


def idle_clip(material):
    """The demonstration avatar's, drawn by dh-talker as ./run does, made once. (What it says begins with a tenth of a second
    of silence, so it is not what rooms say here.)"""
    def draw(path):
        raw = path + ".mkv"
        subprocess.run([os.environ["DH_TALKER"], "-o", raw, "--idle", "9"], check=True, stdin=subprocess.DEVNULL)
        marks.ffmpeg("-i", raw, "-c:v", "libx264", "-preset", "veryfast", "-crf", "16", "-pix_fmt", "yuv420p", path)
        os.remove(raw)
    return material.make("rooms-idle.mp4", draw)


def use(hosted):
    return {"memory_kib": usage.memory_kib(hosted.server.process.pid), **hosted.use()}


def processor(hosted, seconds):
    """Cores that Janus uses."""
    before, begun = usage.threads_ns(hosted.server.process.pid), time.monotonic()
    time.sleep(seconds)
    after = usage.threads_ns(hosted.server.process.pid)
    used = sum(ns - before.get(tid, (name, 0))[1] for tid, (name, ns) in after.items())
    return used / 1e9 / (time.monotonic() - begun)


def create(gateway, rooms):
    """Milliseconds of each request, and from the first one until the last room idles."""
    took, begun = [], time.monotonic()
    for room in rooms:
        since = time.monotonic()
        gateway.request({"request": "create", "id": room, "avatar": "probe"})
        took.append((time.monotonic() - since) * 1000)
    for room in rooms:
        while gateway.request({"request": "info", "id": room})["info"]["state"] != "idle":
            time.sleep(0.01)
    return took, (time.monotonic() - begun) * 1000


def counts(gateway, room):
    return gateway.request({"request": "stats", "id": room})["segments"]


def play(gateway, hosted, rooms, viewers):
    """A cached segment in each room, as fast as requests are answered."""
    sent = {}
    for room in rooms:
        sent[room], _ = gateway.timed_request({"request": "enqueue", "id": room, "file": "known.mp4"})
    heard = [(viewer.wait(lambda v, s=sent[room]: first_speech(v, s)) - sent[room]) * 1000
             for room, viewer in viewers.items()]
    cores, most = processor(hosted, 3), use(hosted)
    waiting, end = set(rooms), time.monotonic() + 120
    while waiting:
        waiting = {room for room in waiting if not sum(counts(gateway, room)[how] for how in ENDS)}
        if waiting and time.monotonic() > end:
            raise TimeoutError(f"{len(waiting)} rooms do not end")
        time.sleep(0.5)
    total = {key: sum(counts(gateway, room)[key] for room in rooms) for key in ("finished", "held")}
    return heard, cores, most, total


def rooms(material, runs):
    """A hundred rooms: what they need, and whether one that is watched notices the others."""
    hosted = HostedRoom(material.size, idle=idle_clip(material), general=f"max_rooms = {ROOMS + 2}\n")
    numbers = list(range(101, 101 + ROOMS))
    took, ready, idle, few, many, begin, cores, more = [], [], [], [], [], [], [], []
    held, unfinished, per_room = [], [], []
    try:
        shutil.copy(material.mp4(7), os.path.join(hosted.segments, "known.mp4"))
        with Gateway(hosted.server.ws) as gateway:
            gateway.request({"request": "enqueue", "id": 1, "file": "known.mp4"})
            while not counts(gateway, 1)["finished"]:
                time.sleep(0.2)
            gateway.watch({"id": 1}).leave()  # the first one starts GLib's worker thread, once
            for turn in range(runs):
                before = hosted.settled_use()
                memory = use(hosted)["memory_kib"]
                each, all_of_them = create(gateway, numbers)
                took += each
                ready.append(all_of_them)
                idle.append(processor(hosted, IDLE_S) * 100)
                viewers = {room: gateway.watch({"id": room}) for room in WATCHED}
                time.sleep(3)
                late(viewers.values())
                time.sleep(QUIET_S)
                few += list(late(viewers.values()))
                heard, busy, most, total = play(gateway, hosted, numbers, viewers)
                many += list(late(viewers.values()))
                begin += heard
                cores.append(busy)
                per_room.append((most["memory_kib"] - memory) / ROOMS)
                held.append(total["held"])
                unfinished.append(ROOMS - total["finished"])
                for viewer in viewers.values():
                    viewer.leave()
                for room in numbers:
                    gateway.request({"request": "destroy", "id": room})
                after = hosted.settled_use(atmost=before)
                if turn:    # the first one makes the gateway keep more processes dh-open, up to four
                    more.append({key: after[key] - before[key] for key in before})
    finally:
        hosted.close()
    what, later = f"{runs} x {ROOMS} rooms", f"{len(more)} x {ROOMS} rooms"
    return [
        Figure("create", took, unit="ms", runs=what),
        Figure("create, until all idle", ready, unit="ms"),
        Figure("processor time, nobody watches", idle, unit="% of a core", runs=what),
        Figure(f"lateness, {len(WATCHED)} rooms are watched, all idle", few, runs=f"{len(few)} pictures"),
        Figure("lateness, all rooms play", many, {"p99": 5}, runs=f"{len(many)} pictures"),
        Figure("enqueue (cached, in all rooms at once) → first packet", begin, {"p95": 100}),
        Figure("processor time, all rooms play", cores, unit="cores", runs=what),
        Figure("memory of a room that plays", per_room, unit="KiB", runs=what),
        Figure("holds", held, {"max": 0}, unit="", runs=what),
        Figure("segments that did not finish", unfinished, {"max": 0}, unit="", runs=what),
        *[Figure(f"{key} left behind", [left[key] for left in more], {"max": 0}, unit="", runs=later) for key in before],
    ]
