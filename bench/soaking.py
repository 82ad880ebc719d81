# SPDX-License-Identifier: GPL-3.0-or-later
"""Mixed play for hours, with a line for each minute; see the command `soak`."""
import collections
import os
import re
import resource
import time

import numpy as np

import play
import usage
from figure import Figure
from follow import Clocks, Follower
from material import open_room
from viewers import Gateway

COLUMNS = ("minute", "drift ms", "late p50", "p99", "max", "lost", "memory KiB", "allocated", "descr", "threads",
           "proc", "viewers", "finished", "interr", "skipped", "removed", "failed", "held", "wrong", "log errors", "own MiB")
ERROR = re.compile(r"\[(ERR|FATAL)\]|AddressSanitizer|ThreadSanitizer|LeakSanitizer|runtime error:|CRITICAL")
VANISHED = re.compile(r"Websocket sent only -1 bytes")     # about a visitor that vanished with its connection

JUDGED = 12         # minutes: memory takes a while to reach its size


class Log:
    """The errors that Janus has logged since the last call."""

    def __init__(self, path):
        self.file = open(path, errors="replace")    # it is read once more when Janus has gone, and its folder

    def errors(self):
        return [line for line in self.file.read().splitlines() if ERROR.search(line) and not VANISHED.search(line)]


class Soak:
    """The rooms, who acts in them, and the minutes so far."""

    def __init__(self, material, minutes, visitors):
        self.files = [material.mp4(2), material.mp4(3), material.mp4(5), material.arrays(4)]
        self.length_minutes, self.visitor_count = minutes, visitors
        self.heap = usage.Heap(material.folder)
        self.hosted = open_room(material, *self.files, room='generator = "talker"', general="cache_mb = 16",
                                more=play.generator(material.size), environment=self.heap.environment,
                                janus_general=usage.EVENT_LOOPS)
        play.write_unplayable(self.hosted.segments, self.files[0])
        self.log, self.tally = Log(self.hosted.server.log_path), play.Tally()
        self.rows, self.problems, self.constants = [], [], collections.defaultdict(list)
        self.told, self.failed, self.log_errors = collections.Counter(), [], 0

    def run(self):
        self.ended = False
        names, ws = [os.path.basename(f) for f in self.files], self.hosted.server.ws
        with Gateway(ws) as gateway, Clocks() as clocks:
            self.followers = [Follower(gateway.watch({"id": room}, mode="drop"), clocks) for room in (1, 2)]
            over = lambda: self.ended
            self.visitors = [play.Visitors(ws, [1, 2], self.tally, over, stay_s=(0, 20))
                             for _ in range(self.visitor_count)]
            self.actors = self.visitors + [
                play.Player(ws, room, self.hosted.segments, names, self.tally, over, can_say=room == 1)
                for room in (1, 2)]
            for actor in self.actors:
                actor.start()
            try:
                self.minutes(gateway)
            finally:
                self.ended = True
                self.finish()

    def finish(self):
        """Lets everybody end what they are doing, which is judged as what was before is."""
        for actor in self.actors:
            actor.resume()
        for actor in self.actors:
            actor.join(90)
            if actor.is_alive():
                self.problems.append(f"{type(actor).__name__} does not end")
        self.note_errors()
        self.show_wrong(*self.take_wrong())

    def note_errors(self):
        for actor in self.actors:
            if actor.error and actor not in self.failed:
                self.failed.append(actor)
                self.problems.append(f"{type(actor).__name__}: {actor.error!r}")

    def take_wrong(self):
        """The errors in the log, and the segments that ended as they should not, since the last time."""
        errors, wrong = self.log.errors(), self.tally.wrong[self.told["wrong"]:]
        self.log_errors += len(errors)
        self.told["wrong"] += len(wrong)
        return errors, wrong

    def show_wrong(self, errors, wrong):
        for text in errors[:5] + wrong:
            print("   ", text, flush=True)

    def minutes(self, gateway):
        end = time.monotonic() + self.length_minutes * 60
        for follower in self.followers:
            follower.take()
        while time.monotonic() < end and not self.problems:
            time.sleep(min(55, max(5, end - time.monotonic())))
            gateway.take_events()
            self.rest()
            self.row()
            for actor in self.actors:
                actor.resume()

    def rest(self):
        """Lets everybody finish what they are doing, so that minutes can be compared."""
        for actor in self.actors:
            actor.ask_rest()
        for actor in self.actors:
            actor.wait_rest()
        self.note_errors()
        if not self.hosted.alive():
            self.problems.append("Janus has ended")

    # ---------------------------------------------------------- one minute
    def row(self):
        if not self.hosted.alive():
            return
        windows = [follower.take() for follower in self.followers]
        late = np.concatenate([w.late_ms for window in windows for w in window.values()])
        errors, wrong = self.take_wrong()
        row = {"minute": len(self.rows) + 1, "drift_ms": self.drift_ms(windows),
               "late_p50_ms": round(float(np.percentile(late, 50)), 2),
               "late_p99_ms": round(float(np.percentile(late, 99)), 2), "late_max_ms": round(float(late.max()), 1),
               "lost": sum(w.wrong for window in windows for w in window.values()) + self.since("lost", sum(
                   v.lost for v in self.visitors)),
               **usage.sample(self.hosted, self.heap), "viewers": self.since("visits", self.tally.visits)}
        row.update({end: self.since(end, n) for end, n in self.tally.ended().items()})
        row.update(held=self.since("held", self.tally.held), wrong=len(wrong), log_errors=len(errors), own_mib=own_mib())
        self.rows.append(row)
        self.tell(row)
        self.show_wrong(errors, wrong)

    def since(self, name, total):
        """What has been added since the last minute."""
        new, self.told[name] = total - self.told[name], total
        return new

    def drift_ms(self, windows):
        """The largest of all streams, compared with the first minute."""
        moved = [0.0]
        for number, window in enumerate(windows):
            for kind, w in window.items():
                if w.constant is not None:
                    self.constants[number, kind].append(w.constant)
                    moved.append((w.constant - self.constants[number, kind][0]) * 1000)
        return round(max(moved, key=abs), 3)

    def tell(self, row):
        if len(self.rows) % 30 == 1:
            print(" ".join(name.rjust(max(6, len(name))) for name in COLUMNS))
        print(" ".join(f"{value:g}".rjust(max(6, len(name))) for name, value in zip(COLUMNS, shown(row))), flush=True)

    # ------------------------------------------------------------- the end
    def figures(self):
        what = f"{len(self.rows)} minutes"
        total = lambda key: [sum(r[key] for r in self.rows)]
        grown = lambda key: [growth(self.rows, key)]
        judged = {"max": 1024} if len(self.rows) >= JUDGED else {}
        return [
            Figure("drift of RTP time, after each minute", [r["drift_ms"] for r in self.rows], {"max": 1}, signed=True,
                   runs=what),
            Figure("each minute's 99th percentile of lateness", [r["late_p99_ms"] for r in self.rows], runs=what),
            Figure("each minute's greatest lateness", [r["late_max_ms"] for r in self.rows], runs=what),
            Figure("memory that Janus has more", grown("memory_kib"), judged, unit="KiB", runs=what,
                   note=f"at the end than after a warm-up; not judged below {JUDGED} minutes"),
            Figure("of it, allocated", grown("allocated_kib"), judged, unit="KiB", runs=what),
            *[Figure(key + " that it has more", grown(key), {"max": 0}, unit="", runs=what)
              for key in ("descriptors", "threads", "processes")],
            Figure("packets lost, double or out of order", total("lost"), unit="", runs=what),
            Figure("segments that ended as they should not", [len(self.tally.wrong)], {"max": 0}, unit="",
                   runs=f"{sum(self.tally.ends.values())} segments", note=str(self.tally)),
            Figure("errors in the log", [self.log_errors], {"max": 0}, unit="", runs=what),
            Figure("what went wrong otherwise", [len(self.problems)], {"max": 0}, unit="", runs=what,
                   note="; ".join(self.problems)),
        ]

    def close(self):
        try:
            self.hosted.close(check=not self.problems)
        except AssertionError as error:
            self.problems.append(str(error).splitlines()[0])
        self.show_wrong(*self.take_wrong())
        self.log.file.close()


def shown(row):
    return [round(value) if key in ("memory_kib", "allocated_kib") else value for key, value in row.items()]


def growth(rows, key):
    """From after the warm-up (a quarter of the run, but at most an hour) to the end, by
    medians of a fifth of what is left."""
    if not rows:
        return None
    rows = rows[min(len(rows) // 4, 60):]
    count = max(1, len(rows) // 5)
    return float(np.median([r[key] for r in rows[-count:]]) - np.median([r[key] for r in rows[:count]]))


def own_mib():
    """This program's own memory, so that its growth shows."""
    with open("/proc/self/statm") as file:
        return round(int(file.read().split()[1]) * resource.getpagesize() / 2 ** 20)
