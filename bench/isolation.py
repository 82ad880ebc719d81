# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a room that misbehaves disturb the others? Nine of ten rooms are measured while the
first one is quiet, and while it misbehaves."""
import contextlib
import gc
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np

import rtp
from figure import Figure
from material import open_room
from packets import first_speech
from viewers import Gateway, Refused

ROOMS = 10
VIEWERS = 3           # in each of the other rooms
WINDOW_S = 12
BEGINS_S = 120        # so long may a neighbour take
MEASURED, EVENTS = 2, 3  # the rooms in which segments are played, and events are timed

# The bad neighbour's generator does what its text says.
CONFIGURATION = """
generator-talker: {{ command = [ "{{talker}}", "--size", "{size}x{size}" ] }}
generator-bad: {{ command = [ "/bin/sh", "-c", "read -r what; case $what in \\
	slow) {{talker}} --size {size}x{size} 'One, two, three, four, five, six.' | while dd bs=20k count=1 2> /dev/null; do sleep 1; done;; \\
	linger) {{talker}} --size {size}x{size} 'Hello.'; exec > /dev/null; sleep 60;; \\
	orphan) {{talker}} --size {size}x{size} 'Hello.'; setsid sleep 60 & ;; \\
	flood) yes nonsense | head -c 10000000 >&2; {{talker}} --size {size}x{size} 'Hello.';; \\
	die) kill -9 $$;; esac" ] max_s = 60 }}
room-1: {{ id = 1 avatar = "probe" generator = "bad" }}
"""
ROOM = 'room-{id}: {{ id = {id} avatar = "probe" generator = "talker" }}\n'


def configuration(size):
    text = CONFIGURATION.format(size=size).replace("\\\n\t", "")
    return text + "".join(ROOM.format(id=n) for n in range(2, ROOMS + 1))


# ------------------------------------------------------------------ the bad neighbour
# Each runs in a process of its own, at the lowest priority: the figure is about what
# the gateway lets it do to others, not about what its client costs the machine.

class Told:
    """What the neighbour says in the end: how often it was let do what it does, and why it was not, lately."""

    def __init__(self):
        self.accepted, self.refusal = 0, None

    def accept(self):
        self.accepted += 1
        if self.accepted == 1:
            print("begun", flush=True)

    def at_the_end(self):
        """From now on the process ends by SIGTERM, and says it."""
        def end(*_):
            print(json.dumps({"accepted": self.accepted, "refusal": self.refusal}), flush=True)
            os._exit(0)
        signal.signal(signal.SIGTERM, end)


told = Told()


def again_and_again(act):
    while True:
        try:
            act()
            told.accept()
        except (Refused, TimeoutError) as refusal:
            told.refusal = str(refusal) or type(refusal).__name__
            time.sleep(0.05)


def says(text, pause_s, interrupt=False):
    def run(gateway):
        def act():
            gateway.request({"request": "say", "id": 1, "text": text})
            time.sleep(pause_s)
            if interrupt:
                gateway.request({"request": "interrupt", "id": 1})
        again_and_again(act)
    return run


def interrupts(gateway):
    """A queue of a hundred, before fifty observers, is interrupted again and again."""
    for _ in range(50):
        gateway.observe({"id": 1})

    def act():
        for _ in range(100):
            gateway.request({"request": "enqueue", "id": 1, "file": "known.mp4"})
            told.accept()       # the whole may take a machine that is busy as long as a window
        gateway.request({"request": "interrupt", "id": 1})
    again_and_again(act)


def asks(gateway):
    """Sixteen clients that send requests as fast as they are answered."""
    def ask():
        for request in random.sample(("stats", "queue", "info", "list"), 4):
            gateway.request({"request": request, **({} if request == "list" else {"id": 1})})
    for _ in range(15):
        threading.Thread(target=again_and_again, args=(ask,), daemon=True).start()
    again_and_again(ask)


def watches(gateway):
    """Asks for offers, and never answers them."""
    again_and_again(lambda: gateway.ask_for_offer({"id": 1}))


def files(name, interrupt=True):
    def run(gateway):
        def act():
            gateway.request({"request": "enqueue", "id": 1, "file": name})
            time.sleep(0.5)
            if interrupt:
                gateway.request({"request": "interrupt", "id": 1})
        again_and_again(act)
    return run


WAYS = {
    "slow generators": says("slow", 1),
    "generators that linger": says("linger", 1, interrupt=True),
    "generators that leave a child": says("orphan", 1, interrupt=True),
    "generators that flood their log": says("flood", 1),
    "generators that die": says("die", 0.1),
    "a hundred interrupted before fifty": interrupts,
    "sixteen askers": asks,
    "watches that are never answered": watches,
    "files that cannot be decoded": files("nonsense.mp4", interrupt=False),
    "files of 300 MB": files("large.mp4"),
}


@contextlib.contextmanager
def neighbour(way, ws):
    """Makes room 1 misbehave in that `way`; None: it stays quiet."""
    if way is None:
        yield
        return
    with apart(way, os.path.abspath(__file__), ws):
        yield


@contextlib.contextmanager
def apart(way, program, *arguments):
    """A neighbour of that program's, from the first time on that something of what it does was accepted. Raises where that
    never is, where it was not again, or where it has ended: else a quiet room would be compared with a quiet one."""
    process = subprocess.Popen(["nice", "-n", "19", sys.executable, "-B", program, way, *arguments], stdout=subprocess.PIPE,
                               env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    try:
        # a busy machine takes long to start what has the lowest priority
        if select.select([process.stdout], [], [], BEGINS_S)[0]:
            time.sleep(2)
            yield
        if process.poll() is not None:
            raise RuntimeError(f"{way}: the neighbour has ended")
        process.terminate()
        *_, said = process.communicate(timeout=BEGINS_S)[0].splitlines() or ["null"]
        said = json.loads(said) or {"accepted": 0, "refusal": "it did not even begin"}
        if said["accepted"] < 2:
            raise RuntimeError(f"{way}: {said['accepted']} of what it does was accepted: {said['refusal']}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# --------------------------------------------------------------------------- measuring

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
        values["event"].append(timed_event(gateway))
    gc.enable()
    values["late"] = late(crowd)
    return values


def compare(way, quiet, bad):
    """Figures of one way to misbehave, compared with the quiet windows before and after each run."""
    def pooled(windows, name):
        return np.concatenate([np.asarray(w[name], dtype=float) for w in windows])
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
        Figure(f"{way}: events", pooled(bad, "event"), {"p95": 50}, runs=f"{len(pooled(bad, 'event'))} events"),
    ]


def write_bad(folder):
    with open(os.path.join(folder, "nonsense.mp4"), "w") as file:
        file.write("nonsense " * 2000)
    with open(os.path.join(folder, "large.mp4"), "wb") as file:
        for _ in range(300):
            file.write(os.urandom(1 << 20))


def isolation(material, runs):
    """Nine rooms beside one that misbehaves, compared with nine beside a quiet one."""
    size, known, figures = material.size, material.mp4(5), []
    hosted = open_room(material, more=configuration(size), rooms=False)
    try:
        shutil.copy(known, os.path.join(hosted.segments, "known.mp4"))
        write_bad(hosted.segments)
        with Gateway(hosted.server.ws) as gateway:
            gateway.observe({"id": EVENTS})
            viewer = gateway.watch({"id": MEASURED})
            crowd = [v for n in range(2, ROOMS + 1) for v in gateway.watch_many(VIEWERS, {"id": n})]
            timed_speech(gateway, viewer, "enqueue", file="known.mp4")
            time.sleep(5)
            window(gateway, viewer, crowd)
            for way in WAYS:
                quiet, bad = [], []
                for _ in range(runs):
                    quiet.append(window(gateway, viewer, crowd))
                    with neighbour(way, hosted.server.ws):
                        bad.append(window(gateway, viewer, crowd))
                    gateway.request({"request": "interrupt", "id": 1})
                    time.sleep(2)
                figures += compare(way, quiet, bad)
    finally:
        hosted.close(check=False)
    return figures


def misbehave(way, ws):
    told.at_the_end()
    with Gateway(ws) as gateway:
        WAYS[way](gateway)


if __name__ == "__main__":
    misbehave(*sys.argv[1:])
