# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures over minutes of play: what drifts, and what is used or lost."""
import collections
import contextlib
import os
import subprocess
import sys
import time

import marks
import numpy as np

import play
import usage
from figure import Figure
from follow import Clocks, Follower
from janus_server import free_ports
from material import Material, open_room
from hosted_room import HostedRoom
from viewers import Gateway

STREAMING = "janus.plugin.streaming"


# ----------------------------------------------------------------------- drift

def drift(material, minutes, window_s=10):
    """RTP time against the wall clock over minutes of mixed play."""
    files = [material.mp4(2), material.mp4(3), material.mp4(5), material.arrays(4)]
    hosted = open_room(material, *files, room='generator = "talker"', more=play.generator(material.size))
    play.write_unplayable(hosted.segments, files[0])
    tally, end = play.Tally(), time.monotonic() + minutes * 60
    windows = []
    try:
        with Gateway(hosted.server.ws) as gateway, Clocks() as clocks:
            followers = [Follower(v, clocks) for v in gateway.watch_many(2, {"id": 1})]
            time.sleep(2)
            for follower in followers:
                follower.take()
            player = play.Player(hosted.server.ws, 1, hosted.segments, map(os.path.basename, files), tally,
                                 lambda: time.monotonic() > end, can_say=True)
            player.start()
            while player.is_alive():
                time.sleep(window_s)
                gateway.take_events()
                windows.append([follower.take() for follower in followers])
            if player.error:
                raise player.error
    finally:
        hosted.close()
    return drift_figures(windows, window_s, tally, clocks)


def ends_of(windows, window_s):
    """How many windows there are in the first and the last minute, or tenth of a shorter run."""
    return max(1, min(60 // window_s, len(windows) // 5))


def moved_ms(values, count):
    """From the lowest of the first `count` windows to the lowest of the last."""
    values = [v for v in values if v is not None]
    return (min(values[-count:]) - min(values[:count])) * 1000


def drift_figures(windows, window_s, tally, clocks):
    count = ends_of(windows, window_s)
    constants = {(n, kind): [w[n][kind].constant for w in windows]
                 for n in range(len(windows[0])) for kind in ("video", "audio")}
    moved = {key: moved_ms(values, count) for key, values in constants.items()}
    spans = [np.ptp([v for v in values if v is not None]) * 1000 for values in constants.values()]
    reports = [[w[n][kind].report for w in windows] for n in range(len(windows[0])) for kind in ("video", "audio")]
    by_reports = [report_move_ms(video, audio) for video, audio in zip(reports[::2], reports[1::2])]
    wrong = sum(w[kind].wrong for window in windows for w in window for kind in w)
    late = {kind: np.concatenate([w[kind].late_ms for window in windows for w in window])
            for kind in ("video", "audio")}
    what = f"{len(windows) * window_s / 60:.1f} minutes, {len(windows[0])} viewers"
    return [
        Figure("drift of RTP time against the clock", moved.values(), {"max": 1}, signed=True, runs=what,
               note=f"from the earliest frame of the first {count * window_s} s to that of the last, picture and sound;"
                    f" the clock was set by {clocks.set_ms():+.3f} ms, slewed by {clocks.slewed_ppm():+.1f} ppm"),
        Figure("how far the earliest frames of 10 s are apart", spans, runs=what),
        Figure("drift of picture against sound", [moved[n, "video"] - moved[n, "audio"]
                                                  for n in range(len(windows[0]))], signed=True, runs=what),
        Figure("the same by sender reports", by_reports, signed=True, runs=what),
        Figure("lateness of pictures", late["video"], runs=what, note="against the earliest of their 10 s"),
        Figure("lateness of sound", late["audio"], runs=what),
        Figure("packets lost, double or out of order", [wrong], unit="", runs=what),
        Figure("segments that ended as they should not", [len(tally.wrong)], {"max": 0}, unit="",
               runs=f"{sum(tally.ends.values())} segments",
               note=f"{tally}; held {tally.held} times" + "".join("; " + text for text in tally.wrong[:5])),
    ]


def report_move_ms(video, audio):
    """How far sender reports have moved picture against sound; by the medians of the first
    and the last third, since single reports scatter."""
    skew = [v - a for v, a in zip(video, audio) if v is not None and a is not None]
    third = max(1, len(skew) // 3)
    return (np.median(skew[-third:]) - np.median(skew[:third])) * 1000 if skew else None


# ------------------------------------------------------------------------ idle

def idle(material, runs, rooms=20, seconds=60):
    """Processor time of idle rooms that nobody watches."""
    more = "\n".join(f'room-{n}: {{ id = {n} avatar = "probe" }}' for n in range(3, rooms + 1))
    by_threads, by_difference = [], []
    with contextlib.ExitStack() as opened:
        many, few = (HostedRoom(material.size, idle=material.idle(), more=text) for text in (more, ""))
        for hosted in (many, few):
            opened.callback(hosted.close)
        with Gateway(many.server.ws) as gateway:
            for n in range(1, rooms + 1):
                while gateway.request({"request": "info", "id": n})["info"]["state"] != "idle":
                    time.sleep(0.1)
        time.sleep(10)
        for _ in range(runs):
            before = [usage.threads_ns(s.server.process.pid) for s in (many, few)]
            time.sleep(seconds)
            used = [used_ns(was, usage.threads_ns(s.server.process.pid)) for was, s in zip(before, (many, few))]
            own = [ns for name, ns in used[0] if name.startswith("dh room")]
            percent = 100 / (seconds * 1e9)
            by_threads += [ns * percent for ns in own]
            whole = [sum(ns for _, ns in u) for u in used]
            by_difference.append((whole[0] - whole[1]) / (rooms - 2) * percent)
    what = f"{rooms} rooms, {runs} x {seconds} s"
    return [
        Figure("processor time of an idle room's thread, without viewers", by_threads, {"max": 0.1}, unit="% of a core",
               runs=what),
        Figure("the same, of all of Janus against one with two rooms", by_difference, {"max": 0.1}, unit="% of a core",
               signed=True, runs=what),
    ]


def used_ns(before, after):
    """[(thread's name, nanoseconds it has used)]."""
    return [(name, ns - before.get(tid, (name, 0))[1]) for tid, (name, ns) in after.items()]


# ----------------------------------------------------------------------- leaks

ROOMS = 6


def mountpoint(ports):
    """The Streaming plugin's configuration with one, for streaming_fed."""
    return (f'one: {{ type = "rtp" id = 1 audio = true audioport = {ports[0]} audiopt = 111 audiocodec = "opus" '
            f'video = true videoport = {ports[1]} videopt = 100 videocodec = "vp8" }}')


@contextlib.contextmanager
def streaming_fed(material, ports, path=None):
    """Feeds a mountpoint of the Streaming plugin with picture and sound: of a WebM, or of its own."""
    path, own = path or material.path("feed.webm"), not path
    if own and not os.path.exists(path):
        marks.ffmpeg("-i", material.mp4(4), "-c:v", "libvpx", "-b:v", "400k", "-deadline", "realtime",
                     "-c:a", "libopus", "-ar", 48000, path)
    feed = subprocess.Popen([sys.executable, os.path.join(usage.HERE, "feed_rtp.py"), path, *map(str, ports)])
    try:
        yield
    finally:
        feed.terminate()
        feed.wait()


def leaks_room(material, heap, ports):
    """Six small rooms, all but the second with a generator, and a mountpoint of the
    Streaming plugin. The cache is full after the warm-up: it remembers what it holds."""
    rooms = "\n".join(f'room-{n}: {{ id = {n} avatar = "probe" generator = "talker" }}' for n in range(3, ROOMS + 1))
    files = [material.mp4(1), material.mp4(2), material.arrays(1)]
    hosted = open_room(material, *files, room='generator = "talker"', more=rooms + play.generator(material.size),
                       general="cache_mb = 2", plugins=("libjanus_streaming.so",),
                       files={STREAMING + ".jcfg": mountpoint(ports)}, environment=heap.environment, janus_general=usage.EVENT_LOOPS)
    play.write_unplayable(hosted.segments, files[0])
    return hosted, [os.path.basename(f) for f in files]


def come_and_play(hosted, files, joins, segments, batch=24):
    """Joins and leaves, and segments at the same time; returns how many ended in which way."""
    tally = play.Tally()
    players = [play.Player(hosted.server.ws, room, hosted.segments, files, tally,
                           lambda: sum(tally.ends.values()) >= segments, can_say=room != 2)
               for room in range(1, ROOMS + 1)]
    for player in players:
        player.start()
    for number in range(0, joins, batch):
        play.visit(hosted.server.ws, list(range(1, ROOMS + 1)), min(batch, joins - number))
        tally.add(visits=min(batch, joins - number))
    for player in players:
        player.join()
        if player.error:
            raise player.error
    return tally


class Growth:
    """How much more Janus holds after each of several rounds than before it."""

    def __init__(self, hosted, heap):
        self.hosted, self.heap, self.rounds = hosted, heap, []

    @contextlib.contextmanager
    def round(self):
        before = usage.sample(self.hosted, self.heap)
        yield
        after = usage.sample(self.hosted, self.heap)
        self.rounds.append({key: after[key] - before[key] for key in after})
        print("  ", after, file=sys.stderr, flush=True)

    def total(self, key):
        return sum(r[key] for r in self.rounds)

    def note(self, key):
        return "round by round: " + ", ".join(f"{r[key]:+.0f}" for r in self.rounds)


def leaks(material, joins, rounds=4):
    """What Janus holds after many joins, leaves and segments, compared with before."""
    small = Material(material.path("small"), 128)
    heap, ports = usage.Heap(material.folder), free_ports(2)
    hosted, files = leaks_room(small, heap, ports)
    own, stock, tallies = Growth(hosted, heap), Growth(hosted, heap), []

    def join_streaming(count, batch=24):
        for number in range(0, count, batch):
            play.visit(hosted.server.ws, [1], min(batch, count - number), plugin=STREAMING)

    try:
        with streaming_fed(small, ports):
            come_and_play(hosted, files, joins // rounds, joins // 4 // rounds)
            join_streaming(joins // rounds)
            for _ in range(rounds):
                with stock.round():
                    join_streaming(joins // rounds)
                with own.round():
                    tallies.append(come_and_play(hosted, files, joins // rounds, joins // 4 // rounds))
    finally:
        hosted.close()
    return leaks_figures(own, stock, tallies, joins)


def leaks_figures(own, stock, tallies, joins):
    ends = sum((tally.ends for tally in tallies), start=collections.Counter())
    wrong = [text for tally in tallies for text in tally.wrong]
    what = f"{joins} joins, {sum(ends.values())} segments"
    both = lambda key: [own.total(key) + stock.total(key)]
    figure = lambda text, key, growth: Figure(text, [growth.total(key)], unit="KiB", runs=what if growth is own else
                                              f"{joins} joins", note=growth.note(key))
    return [
        Figure("memory left behind", both("memory_kib"), {"max": 1024}, unit="KiB", runs=what),
        Figure("of it, allocated", both("allocated_kib"), {"max": 1024}, unit="KiB", runs=what),
        *[Figure(f"{key} left behind", both(key), {"max": 0}, unit="", runs=what)
          for key in ("descriptors", "threads", "processes")],
        figure("memory more after rounds of this plugin", "memory_kib", own),
        figure("of it, allocated", "allocated_kib", own),
        figure("memory more after rounds of the Streaming plugin", "memory_kib", stock),
        figure("of it, allocated", "allocated_kib", stock),
        Figure("segments that ended as they should not", [len(wrong)], {"max": 0}, unit="", runs=what,
               note=", ".join(f"{kind} {end} {n}" for (kind, end), n in sorted(ends.items()))
               + "".join("; " + text for text in wrong[:5])),
    ]
