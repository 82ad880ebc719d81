# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a room that misbehaves disturb the others? Nine of ten rooms are measured while the
first one is quiet, and while it misbehaves."""
import contextlib
import gc
import os
import random
import shutil
import tempfile
import time
import unittest.mock

import numpy as np

import neighbours
import rtp
from figure import Figure
from material import open_room
from packets import first_speech
from stun_server import StunServer
from viewers import Gateway

ROOMS = 10
VIEWERS = 3           # in each of the other rooms
WINDOW_S = 12
EVENTS_AT_A_TIME = 5  # for each segment and sentence
EVENT_MS = 50
TURN_MS = 50          # of the thread that supervises workers: what waits for it then is an event's time late
TURNS_KEPT_S = 125
MEASURED, EVENTS = 2, 3  # the rooms in which segments are played, and events are timed

# The viewers who never answer are there for as long as a way is measured.
LIMITS = "max_observers_per_room = 2000 max_observers = 4000 watch_timeout_s = 300"

# The bad neighbour's generator does what its text says.
CONFIGURATION = """
generator-talker: {{ command = [ "{{talker}}", "--size", "{size}x{size}" ] }}
generator-bad: {{ command = [ "/bin/sh", "-c", "read -r what; case $what in \\
	slow) {{talker}} --size {size}x{size} 'One, two, three, four, five, six.' | while dd bs=20k count=1 2> /dev/null; do sleep 1; done;; \\
	linger) {{talker}} --size {size}x{size} 'Hello.'; exec > /dev/null; sleep 60;; \\
	orphan) {{talker}} --size {size}x{size} 'Hello.'; setsid sleep 60 & ;; \\
	flood) yes nonsense | head -c 10000000 >&2; {{talker}} --size {size}x{size} 'Hello.';; \\
	part) {{talker}} --size {size}x{size} 'Hello.' | head -c 20000;; \
	escape) {{talker}} --size {size}x{size} 'Hello.'; setsid sh -c 'setsid sleep 60 &' & ;; \
	die) kill -9 $$;; esac" ] max_s = 60 }}
room-1: {{ id = 1 avatar = "probe" generator = "bad" }}
"""
ROOM = 'room-{id}: {{ id = {id} avatar = "probe" generator = "talker" }}\n'


def configuration(size):
    text = CONFIGURATION.format(size=size).replace("\\\n\t", "")
    return text + "".join(ROOM.format(id=n) for n in range(2, ROOMS + 1))


# --------------------------------------------------------------------------- measuring

def longest_turn(gateway):
    """Of the thread that supervises workers, in ms, in the last minute or two."""
    return gateway.request({"request": "stats"})["usage"]["io_longest_turn_ms"]["used"]


def forget_turns(gateway):
    """Waits until it tells of no long turn any more: what comes then is the next neighbour's."""
    end = time.monotonic() + TURNS_KEPT_S
    while longest_turn(gateway) > TURN_MS and time.monotonic() < end:
        time.sleep(5)


def late(viewers):
    """Of all pictures since the last call, against each viewer's earliest one."""
    out = []
    for viewer in viewers:
        kept, now = viewer.take()["video"][0], rtp.Stream("video", 0, 0)
        for packet in kept:
            now.add(packet)
        if kept:
            out.append(rtp.Line(now).late_ms)
    return np.concatenate(out) if out else np.array([])


def timed_event(gateway):
    """From sending a request to the arrival of its event."""
    since = len(gateway.events)
    sent, answer = gateway.timed_request({"request": "enqueue", "id": EVENTS, "file": "known.mp4"})
    arrived, _ = gateway.wait_event("queued", since, segment=answer["segment"], timeout=20)
    gateway.request({"request": "interrupt", "id": EVENTS})
    return (arrived - sent) * 1000


def timed_speech(gateway, viewer, request, **more):
    sent, _ = gateway.timed_request({"request": request, "id": MEASURED, **more})
    heard = viewer.wait(lambda v: first_speech(v, sent), 60)
    gateway.request({"request": "interrupt", "id": MEASURED})
    time.sleep(random.uniform(0.3, 0.6))
    return (heard - sent) * 1000


def window(gateway, viewer, crowd):
    """One measurement of the other rooms."""
    values = {"enqueue": [], "say": [], "event": []}
    late(crowd)
    end = time.monotonic() + WINDOW_S
    gc.disable()
    while time.monotonic() < end:
        values["enqueue"].append(timed_speech(gateway, viewer, "enqueue", file="known.mp4"))
        values["say"].append(timed_speech(gateway, viewer, "say", text="Hello there."))
        for _ in range(EVENTS_AT_A_TIME):
            values["event"].append(timed_event(gateway))
            time.sleep(random.uniform(0, 0.05))
    gc.enable()
    values["late"] = late(crowd)
    return values


def pooled(windows, name):
    return np.concatenate([np.asarray(w[name], dtype=float) for w in windows])


def compare(way, quiet, bad):
    """Figures of one way to misbehave, compared with the quiet windows before and after each run."""
    p99 = [float(np.percentile(pooled(w, "late"), 99)) for w in (quiet, bad)]
    enqueue = [float(np.median(pooled(w, "enqueue"))) for w in (quiet, bad)]
    say = [float(np.median(pooled(w, "say"))) for w in (quiet, bad)]
    runs = f"{len(bad)} x {WINDOW_S} s"
    return [
        Figure(f"{way}: lateness p99, times that beside a quiet one", [p99[1] / p99[0]], {"max": 1.2}, unit="x", runs=runs,
               note=f"{p99[0]:.2f} -> {p99[1]:.2f} ms"),
        Figure(f"{way}: enqueue (cached), more than beside a quiet one", [enqueue[1] - enqueue[0]], {"max": 20}, runs=runs,
               note=f"median {enqueue[0]:.1f} -> {enqueue[1]:.1f} ms"),
        Figure(f"{way}: say -> sound, times that beside a quiet one", [say[1] / say[0]], {"max": 1.5}, unit="x", runs=runs,
               note=f"median {say[0]:.0f} -> {say[1]:.0f} ms"),
        event_figure(f"{way}: events", *(pooled(w, "event") for w in (quiet, bad))),
    ]


def event_figure(what, quiet, bad):
    """No event is more than EVENT_MS late, nor, where the machine itself makes one so late beside a quiet neighbour, later
    than that one; and of a hundred one at most is late, whatever the machine does."""
    return Figure(what, bad, {"p99": EVENT_MS, "max": max(EVENT_MS, round(float(np.max(quiet)), 1))}, runs=f"{len(bad)} events",
                  note=f"without p99 {np.percentile(quiet, 99):.1f}, max {np.max(quiet):.1f} ms")


def turn_figure(way, bad):
    """The thread that supervises workers is nowhere longer busy at a stretch than TURN_MS."""
    return Figure(f"{way}: longest turn of the I/O thread", bad, {"max": TURN_MS}, runs=f"{len(bad)} x {WINDOW_S} s")


@contextlib.contextmanager
def own_prepare():
    """A copy of dh-prepare, which may go away, with the programs beside it."""
    with tempfile.TemporaryDirectory(prefix="dh-prepare-") as folder:
        os.chmod(folder, 0o755)         # workers run as nobody
        built, name = os.path.split(os.environ["DH_PREPARE"])
        for program in (name, "dh-open", "dh-scope", "dh-fetch"):
            shutil.copy(os.path.join(built, program), folder)
        copy = os.path.join(folder, name)
        with unittest.mock.patch.dict(os.environ, DH_PREPARE=copy):
            yield copy


def isolation(material, runs, ways=""):
    """Nine rooms beside one that misbehaves, compared with nine beside a quiet one."""
    with StunServer() as stun, own_prepare() as worker:
        hosted = open_room(material, more=configuration(material.size), rooms=False, general=LIMITS, nat=stun.nat())
        try:
            shutil.copy(material.mp4(5), os.path.join(hosted.segments, "known.mp4"))
            neighbours.write_bad(hosted)
            place = {"ws": hosted.server.ws, "segments": hosted.segments, "cache": hosted.server.path("cache"), "worker": worker}
            return beside_each(place, stun, runs, ways)
        finally:
            hosted.close(check=False)


def beside_each(place, stun, runs, ways):
    figures = []
    with Gateway(place["ws"]) as gateway:
        gateway.observe({"id": EVENTS})
        viewer = gateway.watch({"id": MEASURED})
        crowd = [v for n in range(2, ROOMS + 1) for v in gateway.watch_many(VIEWERS, {"id": n})]
        timed_speech(gateway, viewer, "enqueue", file="known.mp4")
        time.sleep(5)
        window(gateway, viewer, crowd)
        for way in neighbours.ways(ways):
            quiet, bad, turns = [], [], []
            for _ in range(runs):
                quiet.append(window(gateway, viewer, crowd))
                forget_turns(gateway)
                with neighbours.neighbour(way, place, stun):
                    bad.append(window(gateway, viewer, crowd))
                    turns.append(longest_turn(gateway))
                gateway.request({"request": "interrupt", "id": 1})
                time.sleep(2)
            figures += [*compare(way, quiet, bad), turn_figure(way, turns)]
    return figures
