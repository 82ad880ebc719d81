# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows what a viewer receives for minutes or hours, keeping only figures."""
import collections
import threading
import time

import numpy as np

import rtp


class Clocks(threading.Thread):
    """How the system's clocks move against each other, read once a second.

    Packets arrive by the realtime clock, which may be set; the plugin paces by the
    monotonic one, which may not. NTP slews both alike, so that they part only where
    the clock was set: `monotonic` takes that out again. `slewed_ppm` says how much they
    were slewed against the oscillator, which no program can be blamed for.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self._ended = threading.Event()
        self._at, self._ahead = collections.deque(maxlen=1200), collections.deque(maxlen=1200)
        self.begun = self._look()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self.join()

    def _look(self):
        """(monotonic, realtime ahead of it, monotonic ahead of raw), read close together."""
        def once():
            before = time.monotonic_ns()
            real, raw = time.time_ns(), time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
            after = time.monotonic_ns()
            middle = (before + after) // 2
            return after - before, middle / 1e9, (real - middle) / 1e9, (middle - raw) / 1e9
        _, *self.last = min(once() for _ in range(20))
        self._at.append(self.last[0] + self.last[1])
        self._ahead.append(self.last[1])
        return self.last

    def run(self):
        while not self._ended.wait(1):
            self._look()

    def monotonic(self, arrival):
        """Realtime seconds of the last minutes as monotonic ones."""
        at, ahead = np.array(self._at), np.array(self._ahead)
        return arrival - ahead[np.clip(np.searchsorted(at, arrival) - 1, 0, None)]

    def set_ms(self):
        """By how much the realtime clock has been set since the start."""
        return (self.last[1] - self.begun[1]) * 1000

    def slewed_ppm(self):
        return (self.last[2] - self.begun[2]) / (self.last[0] - self.begun[0] + 1e-9) * 1e6


class Window:
    """Frames of one stream in a stretch of time. `constant`: arrival minus RTP time of
    the earliest frame, in seconds; `late_ms` of each frame against that one; `report`: what
    the stream's sender reports say of that constant; `wrong`: packets lost, double or out of
    order. There is no frame where `constant` is None."""

    def __init__(self, offsets, report, wrong):
        self.constant = float(offsets.min()) if len(offsets) else None
        self.late_ms = (offsets - offsets.min()) * 1000 if len(offsets) else offsets
        self.report, self.wrong = report, wrong


class _Stream:
    """RTP times and sequence numbers, continued from window to window."""

    def __init__(self, clock):
        self.clock, self.last_ts, self.last_seq = clock, None, None

    @staticmethod
    def _continue(values, last, bits):
        if last is None:
            return rtp.unwrap(values, bits)
        return rtp.unwrap([last % (1 << bits), *values], bits)[1:] - last % (1 << bits) + last

    def window(self, packets, reports, clocks):
        if not packets:
            return Window(np.array([]), None, 0)
        ts = self._continue([p.ts for p in packets], self.last_ts, 32)
        seq = self._continue([p.seq for p in packets], self.last_seq, 16)
        first = np.diff(ts, prepend=ts[0] - 1 if self.last_ts is None else self.last_ts) != 0
        steps = np.diff(seq, prepend=seq[0] - 1 if self.last_seq is None else self.last_seq)
        arrival = clocks.monotonic(np.array([p.arrival for p in packets]))
        said = [r.ntp - self._continue([r.ts], int(ts[0]), 32)[0] / self.clock for r in reports]
        self.last_ts, self.last_seq = int(ts[-1]), int(seq[-1])
        return Window((arrival - ts / self.clock)[first], float(np.median(said)) if said else None,
                      int(np.abs(steps - 1).sum()))


class Follower:
    """Of one viewer: `take` makes the windows of what came since it was last called."""

    def __init__(self, viewer, clocks):
        self.viewer, self.clocks = viewer, clocks
        self._streams = {kind: _Stream(clock) for kind, clock in rtp.CLOCK.items()}
        viewer.take()

    def take(self):
        taken = self.viewer.take()
        return {kind: stream.window(*taken.get(kind, ((), ())), self.clocks) for kind, stream in self._streams.items()}
