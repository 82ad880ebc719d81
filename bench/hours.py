# SPDX-License-Identifier: GPL-3.0-or-later
"""A live generator for an hour, in one segment: what drifts, and what Janus keeps."""
import os
import subprocess
import sys
import time

import numpy as np

import marks
import usage
from figure import Figure
from follow import Clocks, Follower
from long import ends_of, moved_ms
from packets import marks_by
from pushes import Pushes
from viewers import Gateway

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
SIZE, FPS, RATE, PIECE_S = 256, 33, 24000, 0.04
MARK = 11               # the frame of each second that flashes: its time is a sample's, too
WINDOW_S = 10
WATCH_S = 15            # of marks, in the first minute, before memory is looked at, and at the end, after it was
MINUTE_S = 60           # of what has been played so much is kept: then memory grows no more
LEAST_MINUTES = 4       # in fewer there are no two minutes to compare


def frames():
    """A second of a head, whose flash begins on the frame MARK."""
    head, out = marks.Head(SIZE, marks=False), []
    for number in range(FPS):
        out.append(head.picture(number, FPS))
        if MARK <= number < MARK + round(marks.FLASH * FPS):
            out[-1][:SIZE * 5 // 16] = 255
    return out


def pieces():
    """The same second of sound, whose beep begins with that frame."""
    return np.split(marks.sound(1, RATE, MARK / FPS), round(1 / PIECE_S))


def generate(address, minutes):
    """One segment of that length: pictures at 33 a second and sound in pieces of 40 ms, each at its time. In a process of its
    own."""
    from digitalhuman import Stage
    pictures, sound = frames(), pieces()
    with Stage(address, room=1, encode=False, fps=FPS, sample_rate=RATE) as stage:
        with stage.segment(progress_ms=0) as s:
            begun, shown, said = time.monotonic(), 0, 0
            while said * PIECE_S < minutes * 60:
                time.sleep(max(0, begun + said * PIECE_S - time.monotonic()))
                s.push_audio(sound[said % len(sound)])
                said += 1
                while shown / FPS < said * PIECE_S:
                    s.push_video(pictures[shown % FPS])
                    shown += 1
        if s.result.event != "finished":
            raise RuntimeError(f"the segment ended otherwise: {s.result}")


def marked_ms(gateway):
    """flash - beep of some seconds by the room's own clock, to which `rtp_start` ties both streams, at a viewer that comes for
    them: nothing of the machine is in it."""
    viewer = gateway.watch({"id": 1})
    time.sleep(WATCH_S)
    viewer.leave()

    def at(stream):
        return lambda packet: (packet.ts - viewer.rtp_start[stream.kind]) % (1 << 32) / stream.clock
    found, = marks_by(viewer, (at(viewer.video), at(viewer.audio)))
    return found


def long(material, minutes):
    """Minutes of a live generator at 33 fps and 24 kHz, in one segment: RTP time against the clock, marks, and memory."""
    heap = usage.Heap(material.folder)
    pushes = Pushes(material, environment=heap.environment, janus_general=usage.EVENT_LOOPS)
    windows, samples, generator = [], [], None
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
            first = marked_ms(gateway)
            while generator.poll() is None and time.monotonic() - since < minutes * 60 - WATCH_S - WINDOW_S - 5:
                time.sleep(WINDOW_S)
                gateway.take_events()
                windows.append([follower.take() for follower in followers])
                samples.append((time.monotonic() - since, usage.memory_kib(pid), round(heap.allocated_kib(pid))))
            if generator.poll() is not None:
                raise RuntimeError("the generator has ended before its time")
            last = marked_ms(gateway)
            windows.append([follower.take() for follower in followers])
            if generator.wait(600):
                raise RuntimeError("the generator failed")
        held = pushes.hosted.server.attach().request({"request": "stats", "id": 1})
    finally:
        if generator:
            generator.kill()
            generator.wait()
        pushes.hosted.close()
    return figures(windows, samples, first, last, minutes, held["underruns"]["held_ms"])


def figures(windows, samples, first, last, minutes, held_ms):
    """`first` and `last`: flash - beep, in ms, in the first minute and in the last."""
    count = ends_of(windows, WINDOW_S)
    column = lambda n, kind: [w[n][kind].constant for w in windows]
    moved = {(n, kind): moved_ms(column(n, kind), count) for n in range(len(windows[0])) for kind in ("video", "audio")}
    apart = [moved[n, "video"] - moved[n, "audio"] for n in range(len(windows[0]))]
    what = f"{minutes} minutes, {len(windows[0])} viewers"
    return [
        Figure("live generator: drift of RTP time against the clock", moved.values(), {"max": 1}, signed=True, runs=what),
        Figure("live generator: drift of picture against sound", apart, {"max": 1}, signed=True, runs=what),
        Figure("live generator: flash - beep at the end, more than in the first minute",
               [ms - np.median(first) for ms in last] if first else [], {"max": 1}, signed=True, runs=f"{len(last)} marks",
               note=f"in the first minute median {np.median(first):+.2f} ms of {len(first)}" if first else "no marks in the first minute"),
        memory(samples, minutes, what),
        Figure("live generator: held for lack of media", [held_ms], runs=what),
        Figure("live generator: packets lost, double or out of order",
               [sum(w[kind].wrong for window in windows for w in window for kind in w)], unit="", runs=what),
    ]


def memory(samples, minutes, what):
    """The peak of the last minute against that of the second, when as much is kept as ever will be."""
    early = [kib for at, kib, _ in samples if MINUTE_S < at <= 2 * MINUTE_S]
    late = [kib for at, kib, _ in samples if at > samples[-1][0] - MINUTE_S]
    is_judged = minutes >= LEAST_MINUTES
    return Figure("live generator: memory more than after the first minute", [max(late) - max(early)] if early and late else [],
                  {"max": 1024} if is_judged else {}, unit="KiB", runs=what,
                  note="peaks of a minute" + ("" if is_judged else "; too short to be judged"))


if __name__ == "__main__":
    generate(sys.argv[1], float(sys.argv[2]))
