# SPDX-License-Identifier: GPL-3.0-or-later
"""Mixed play: segments of all kinds, ended in all ways, and viewers that come and go.

Whoever plays a room knows how each of its segments may end. This module checks that none ends otherwise,
twice, or not at all.
"""
import collections
import contextlib
import os
import random
import shutil
import threading
import time

import marks
from viewers import Gateway, Refused

ENDS = ("finished", "interrupted", "skipped", "removed", "failed")
SENTENCES = ("Hello there.", "What a day!", "One, two, three.", "Nobody knows.", "I see.")
LEAVING = ("detach", "hangup", "stop", "goodbye", "vanish")

# Speaks its text, or fails if the text says so.
GENERATOR = """
generator-talker: {{
	command = [ "/bin/sh", "-c",
		"read -r text; [ \\"$text\\" != fail ] && exec {{talker}} --size {size}x{size} \\"$text\\"" ]
}}
"""


def generator(size):
    """For a Janus's configuration."""
    return GENERATOR.format(size=size)


class Tally:
    """Counts how segments have ended, in all rooms. Thread-safe."""

    def __init__(self):
        self.ends = collections.Counter()    # (kind of segment, how it ended)
        self.held, self.visits = 0, 0
        self.wrong = []                      # errors, as text
        self._lock = threading.Lock()

    def note(self, kind, end, may):
        with self._lock:
            self.ends[kind, end] += 1
            if end not in may:
                self.wrong.append(f"a segment ({kind}): {end}")

    def complain(self, text):
        with self._lock:
            self.wrong.append(text)

    def add(self, held=0, visits=0):
        with self._lock:
            self.held += held
            self.visits += visits

    def ended(self):
        """How many segments ended in each way."""
        with self._lock:
            return collections.Counter({end: sum(n for (_, e), n in self.ends.items() if e == end) for end in ENDS})

    def __str__(self):
        return ", ".join(f"{n} {end}" for end, n in self.ended().items() if n) or "no segments"


class Actor(threading.Thread):
    """Does one thing after another until `over()`; it can be paused in between."""

    def __init__(self, over):
        super().__init__(daemon=True)
        self.over, self.error = over, None
        self._may, self._rests = threading.Event(), threading.Event()
        self._may.set()

    def connected(self):
        """Resources that it needs while it acts."""
        return contextlib.nullcontext()

    def act(self):
        raise NotImplementedError

    def run(self):
        try:
            with self.connected():
                while not self.over():
                    self.act_or_rest()
        except Exception as error:      # its starter reports it
            self.error = error
        finally:
            self._rests.set()

    def act_or_rest(self):
        if self._may.is_set():
            self._rests.clear()
            self.act()
        else:
            self._rests.set()
            self._may.wait(1)

    def ask_rest(self):
        self._may.clear()

    def wait_rest(self, timeout=90):
        if not self._rests.wait(timeout):
            raise TimeoutError("an actor does not come to rest")

    def resume(self):
        self._rests.clear()
        self._may.set()


class Player(Actor):
    """Plays one room: prepared and unprepared segments, alone and seam to seam, said
    where `can_say`, interrupted, skipped, removed and failing ones, and idle.

    `folder` is the room's segment folder; `files` of it are played as they are,
    MP4 ones also anew each time (as variants, which no cache knows).
    """

    def __init__(self, ws, room, folder, files, tally, over, can_say=False, seed=None):
        super().__init__(over)
        self.ws, self.room, self.folder, self.files, self.tally = ws, room, folder, list(files), tally
        self.random, self.number = random.Random(seed), 0
        self.may = {}                   # segment: (its kind, how it may end)
        self.acts = [self.prepared, self.seams, self.seams, self.fresh, self.interrupted, self.skipped,
                     self.removed, self.failing, self.idle]
        if can_say:
            self.acts += [self.said, self.said_badly]

    @contextlib.contextmanager
    def connected(self):
        with Gateway(self.ws) as self.gateway:
            self.gateway.request({"request": "observe", "id": self.room})
            yield

    def act(self):
        self.variants = []
        self.random.choice(self.acts)()
        for segment in self.may:
            self.wait(ENDS, segment)
        self.settle_accounts()
        for path in self.variants:
            os.remove(path)
        time.sleep(self.random.uniform(0, 0.5))

    def settle_accounts(self):
        """Each segment must end once, in a way that it may. Any further end is a second one."""
        for _, event in self.gateway.take_events():
            if event["event"] == "held":
                self.tally.add(held=1)
            if event["event"] not in ENDS:
                continue
            kind, may = self.may.pop(event["segment"], ("ended already", ()))
            self.tally.note(kind, event["event"], may)
        for segment, (kind, _) in self.may.items():
            self.tally.complain(f"segment {segment} ({kind}) did not end")
        self.may.clear()

    # -------------------------------------------------------------- commands
    def command(self, request, **more):
        return self.gateway.request({"request": request, "id": self.room, **more})

    def enqueue(self, file, kind, *may):
        segment = self.command("enqueue", file=file)["segment"]
        self.may[segment] = kind, may or ("finished",)
        return segment

    def enqueue_known(self, *may):
        return self.enqueue(self.random.choice(self.files), "prepared", *may)

    def enqueue_fresh(self, *may):
        """A file that has not been prepared yet."""
        source = self.random.choice([f for f in self.files if f.endswith(".mp4")])
        self.number += 1
        file = f"fresh-{self.room}-{self.number}.mp4"
        self.variants.append(os.path.join(self.folder, file))
        marks.write_variant(os.path.join(self.folder, source), self.variants[-1], self.random.getrandbits(63))
        return self.enqueue(file, "fresh", *may)

    def enqueue_any(self, *may):
        return self.random.choice((self.enqueue_known, self.enqueue_fresh))(*may)

    def wait(self, events, segment):
        """Waits for one of the events, at most a minute; segments that do not end are reported later."""
        try:
            self.gateway.wait_event(events, timeout=60, segment=segment)
        except TimeoutError:
            pass

    def wait_into(self, segment):
        """Waits until some moment within its first second."""
        self.wait(("started",) + ENDS, segment)
        time.sleep(self.random.uniform(0, 1))

    # ------------------------------------------------------------------ acts
    def prepared(self):
        self.enqueue_known()

    def fresh(self):
        self.enqueue_fresh()

    def seams(self):
        for _ in range(self.random.randint(2, 3)):
            self.enqueue_any()

    def said(self):
        self.say(self.random.choice(SENTENCES), "finished")

    def said_badly(self):
        self.say("fail", "failed")

    def say(self, text, end):
        self.may[self.command("say", text=text)["segment"]] = "said", (end,)

    def failing(self):
        self.enqueue(self.random.choice(("nonsense.mp4", "cut.mp4")), "unplayable", "failed")

    def interrupted(self):
        first = self.enqueue_any("interrupted", "finished")
        if self.random.random() < 0.5:
            self.enqueue_any("interrupted")
        if self.random.random() < 0.7:      # otherwise it is interrupted while being prepared
            self.wait_into(first)
        self.command("interrupt")

    def skipped(self):
        first = self.enqueue_any("skipped", "finished")
        self.enqueue_any("skipped", "finished")
        self.wait_into(first)
        try:
            self.command("skip")
        except Refused as refused:
            if refused.code != 460:         # nothing plays just now
                raise

    def removed(self):
        self.enqueue_any()
        self.command("remove", segment=self.enqueue_any("removed"))

    def idle(self):
        time.sleep(self.random.uniform(1, 3))


def write_unplayable(folder, source):
    """What `failing` plays: a file that is not media, and an MP4 that lacks its end with the index."""
    with open(os.path.join(folder, "nonsense.mp4"), "w") as file:
        file.write("nonsense " * 2000)
    shutil.copy(source, os.path.join(folder, "cut.mp4"))
    os.truncate(os.path.join(folder, "cut.mp4"), os.path.getsize(source) // 2)


# ------------------------------------------------------------------------ viewers

def leave(viewer, way):
    """`detach` detaches the handle, `hangup` asks Janus to close the connection, `stop` asks the plugin to,
    `goodbye` closes it as a peer. `vanish`: see `visit`."""
    if way == "hangup":
        viewer.gateway._do(viewer.gateway._call({"janus": "hangup", "handle_id": viewer.handle}))
    elif way == "stop":
        viewer.request({"request": "stop"})
    viewer.leave(detach=way == "detach")


def visit(ws, rooms, count, stay_s=0, plugin=None, apart=0.03):
    """`count` viewers of one session join one after another and leave in all possible ways. Those who vanish do
    so when the session's connection breaks. Returns how many packets they missed."""
    lost = 0
    with Gateway(ws, **({"plugin": plugin} if plugin else {})) as gateway:
        viewers = [v for n, room in enumerate(rooms)
                   for v in gateway.watch_many(len(range(n, count, len(rooms))), {"id": room}, apart=apart)]
        time.sleep(stay_s)
        for number, viewer in enumerate(viewers):
            way = LEAVING[number % len(LEAVING)] if count > 1 else random.choice(LEAVING)
            if way != "vanish":
                leave(viewer, way)
            lost += sum(stream.missing()[0] for stream in viewer.streams.values() if stream.packets)
        gateway.drop()
    return lost


class Visitors(Actor):
    """Visits one after another, each by `count` viewers of one room or several."""

    def __init__(self, ws, rooms, tally, over, count=1, stay_s=(0, 0)):
        super().__init__(over)
        self.ws, self.rooms, self.tally, self.count, self.stay_s = ws, rooms, tally, count, stay_s
        self.lost = 0

    def act(self):
        rooms = self.rooms if self.count > 1 else [random.choice(self.rooms)]
        self.lost += visit(self.ws, rooms, self.count, random.uniform(*self.stay_s))
        self.tally.add(visits=self.count)
