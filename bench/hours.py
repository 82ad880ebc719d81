# SPDX-License-Identifier: GPL-3.0-or-later
"""A live generator for an hour: what drifts, and what Janus keeps."""
import os
import subprocess
import sys
import time

import usage
from figure import Figure
from follow import Clocks, Follower
from long import ends_of, moved_ms
from pushes import Pushes
from viewers import Gateway

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
FPS, RATE, PIECE_S = 33, 24000, 0.04
SEGMENT_S = 240         # of one segment; the next follows at once
WINDOW_S = 10


def generate(address, minutes):
    """Pictures at 33 a second and sound in pieces of 40 ms, each at its time. In a process of its own."""
    import numpy as np
    from digitalhuman import Stage
    frames = np.random.default_rng(1).integers(0, 255, (FPS, 256, 256, 3), dtype=np.uint8)
    samples = (0.1 * np.sin(np.arange(int(RATE * PIECE_S)) * 2 * np.pi * 300 / RATE)).astype(np.float32)
    end = time.monotonic() + minutes * 60
    with Stage(address, room=1, encode=False, fps=FPS, sample_rate=RATE) as stage:
        while time.monotonic() < end:
            with stage.segment(progress_ms=0) as s:
                begun, shown, pieces = time.monotonic(), 0, 0
                length = min(SEGMENT_S, max(2, end - begun))
                while pieces * PIECE_S < length:
                    time.sleep(max(0, begun + pieces * PIECE_S - time.monotonic()))
                    s.push_audio(samples)
                    pieces += 1
                    while shown / FPS < pieces * PIECE_S:
                        s.push_video(frames[shown % FPS])
                        shown += 1
            if s.result.event != "finished":
                raise RuntimeError(f"a segment ended otherwise: {s.result}")


def long(material, minutes):
    """Minutes of a live generator at 33 fps and 24 kHz: RTP time against the clock, and memory."""
    heap = usage.Heap(material.folder)
    pushes = Pushes(material, environment=heap.environment, janus_general=usage.EVENT_LOOPS)
    windows, samples = [], []
    try:
        generator = subprocess.Popen(
            [sys.executable, "-B", os.path.abspath(__file__), "%s:%d" % pushes.address, str(minutes)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([os.path.join(ROOT, "clients", "python"), *sys.path])})
        with Gateway(pushes.hosted.server.ws) as gateway, Clocks() as clocks:
            followers = [Follower(v, clocks) for v in gateway.watch_many(2, {"id": 1})]
            time.sleep(2)
            for follower in followers:
                follower.take()
            pid, since = pushes.hosted.server.process.pid, time.monotonic()
            while generator.poll() is None:
                time.sleep(WINDOW_S)
                gateway.take_events()
                windows.append([follower.take() for follower in followers])
                samples.append((time.monotonic() - since, usage.memory_kib(pid), round(heap.allocated_kib(pid))))
            if generator.returncode:
                raise RuntimeError("the generator failed")
        held = pushes.hosted.server.attach().request({"request": "stats", "id": 1})
    finally:
        pushes.hosted.close()
    return figures(windows, samples, minutes, held["underruns"]["held_ms"])


def figures(windows, samples, minutes, held_ms):
    count = ends_of(windows, WINDOW_S)
    column = lambda n, kind: [w[n][kind].constant for w in windows]
    moved = {(n, kind): moved_ms(column(n, kind), count) for n in range(len(windows[0])) for kind in ("video", "audio")}
    apart = [moved[n, "video"] - moved[n, "audio"] for n in range(len(windows[0]))]
    # A segment's media are kept until it has ended: peaks of a segment's length are compared.
    early = [kib for at, kib, _ in samples if 60 < at <= 60 + SEGMENT_S] or [samples[0][1]]
    late = [kib for at, kib, _ in samples if at > samples[-1][0] - SEGMENT_S] or [samples[-1][1]]
    limits = {"max": 1024} if minutes * 60 >= 60 + 3 * SEGMENT_S else {}
    what = f"{minutes} minutes, {len(windows[0])} viewers"
    return [
        Figure("live generator: drift of RTP time against the clock", moved.values(), {"max": 1}, signed=True, runs=what),
        Figure("live generator: drift of picture against sound", apart, {"max": 1}, signed=True, runs=what),
        Figure("live generator: memory more than after the first minute", [max(late) - max(early)], limits, unit="KiB",
               runs=what, note="peaks of the time of one segment" + ("" if limits else "; too short to be judged")),
        Figure("live generator: held for lack of media", [held_ms], runs=what),
        Figure("live generator: packets lost, double or out of order",
               [sum(w[kind].wrong for window in windows for w in window for kind in w)], unit="", runs=what),
    ]


if __name__ == "__main__":
    generate(sys.argv[1], float(sys.argv[2]))
