# SPDX-License-Identifier: GPL-3.0-or-later
"""A room that misbehaves, and its ways.

Each runs in a process of its own, at the lowest priority: a figure is about what the gateway lets it do to
others, not about what its client costs the machine.
"""
import contextlib
import glob
import itertools
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

import dhs
import sick_files
from viewers import Gateway, Refused

BEGINS_S = 120        # so long may a neighbour take
JOINS = HANDLES = 1000
AWAY_S = 0.3          # how long dh-prepare is away
LARGE_MB = 300
PICTURE = 4 << 20     # bytes of the largest picture
OWN = ("large-0.mp4", "large-1.mp4", "killed.mp4", "spoilt.mp4")    # the neighbour's files that play


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
    def run(gateway, place):
        def act():
            gateway.request({"request": "say", "id": 1, "text": text})
            time.sleep(pause_s)
            if interrupt:
                gateway.request({"request": "interrupt", "id": 1})
        again_and_again(act)
    return run


def interrupts(observers, file="known.mp4"):
    """A queue of a hundred, before so many observers, is interrupted again and again."""
    def run(gateway, place):
        for _ in range(observers):
            gateway.observe({"id": 1})

        def act():
            for _ in range(100):
                gateway.request({"request": "enqueue", "id": 1, "file": file})
                told.accept()       # the whole may take a machine that is busy as long as a window
            gateway.request({"request": "interrupt", "id": 1})
        again_and_again(act)
    return run


def asks(viewers=0):
    """Sixteen clients that send requests as fast as they are answered, about a room with so many viewers, who have not answered
    their offers."""
    def run(gateway, place):
        def ask():
            for request in random.sample(("stats", "queue", "info", "list"), 4):
                gateway.request({"request": request, **({} if request == "list" else {"id": 1})})
        gateway.ask_for_offers(viewers, {"id": 1}, 50, lambda: None, BEGINS_S)
        for _ in range(15):
            threading.Thread(target=again_and_again, args=(ask,), daemon=True).start()
        again_and_again(ask)
    return run


def handles(gateway, place):
    """One client whose thousand handles observe the room and go, again and again."""
    again_and_again(lambda: gateway.come_and_go(HANDLES, {"id": 1}, 50, told.accept, BEGINS_S))


def watches(gateway, place):
    """Asks for offers, and never answers them."""
    again_and_again(lambda: gateway.ask_for_offer({"id": 1}))


def files(name, interrupt=True):
    def run(gateway, place):
        def act():
            gateway.request({"request": "enqueue", "id": 1, "file": name})
            time.sleep(0.5)
            if interrupt:
                gateway.request({"request": "interrupt", "id": 1})
        again_and_again(act)
    return run


def renew(place, name):
    """Other bytes behind the media of one of the neighbour's files: to the gateway it is a new one."""
    with open(os.path.join(place["segments"], name), "r+b") as file:
        file.seek(-16, os.SEEK_END)
        file.write(os.urandom(16))


def entries(place):
    return set(glob.glob(os.path.join(place["cache"], "*.dhs")))


def until(condition, timeout):
    """What it returns that is true; raises TimeoutError."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise TimeoutError(condition.__doc__ or condition.__name__)


def prepares(gateway, place, name, enqueued=lambda: None):
    """Enqueues one of its files, and waits until the gateway has prepared and hashed the whole of it: its new cache entry."""
    before = entries(place)
    gateway.request({"request": "enqueue", "id": 1, "file": name})
    enqueued()

    def cached():
        return entries(place) - before
    return until(cached, 30).pop()


def hashes(gateway, place):
    """Two large files by turns, which play, and are other ones each time. Two things accepted are one that was hashed, too."""
    names = itertools.cycle(("large-0.mp4", "large-1.mp4"))

    def act():
        name = next(names)
        renew(place, name)
        prepares(gateway, place, name, told.accept)
        gateway.request({"request": "interrupt", "id": 1})
    again_and_again(act)


def spoils(gateway, place):
    """Each time it needs its cache entry, that is cut, empty, or has other bytes."""
    renew(place, "spoilt.mp4")
    entry, sizes = prepares(gateway, place, "spoilt.mp4"), itertools.cycle((1000, 0, None))
    with open(entry, "rb") as file:
        good = file.read()

    def act():
        gateway.request({"request": "interrupt", "id": 1})      # nobody has its media in memory any more
        cut = next(sizes)
        with open(entry, "r+b") as file:
            if cut is None:
                file.seek(len(good) // 2)
                file.write(bytes(16))
            else:
                file.truncate(cut)
        gateway.request({"request": "enqueue", "id": 1, "file": "spoilt.mp4"})
        told.accept()

        def replaced():
            with contextlib.suppress(FileNotFoundError), open(entry, "rb") as file:
                return file.read() == good
            return False
        until(replaced, 30)
    again_and_again(act)


def worker_of(place, name):
    """The dh-prepare that has that file open; None: there is none."""
    path = os.path.join(place["segments"], name)
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{process}/comm", encoding="utf-8") as file:
                if not file.read().startswith("dh-prepare"):
                    continue
            if any(os.readlink(fd) == path for fd in glob.glob(f"/proc/{process}/fd/*")):
                return int(process)
    return None


def kills(is_away):
    """Kills the worker of each of its segments; with `is_away` there is no dh-prepare for a while then."""
    def run(gateway, place):
        def act():
            renew(place, "killed.mp4")
            gateway.request({"request": "enqueue", "id": 1, "file": "killed.mp4"})

            def has_a_worker():
                return worker_of(place, "killed.mp4")
            worker = until(has_a_worker, 10)
            with away(place) if is_away else contextlib.nullcontext(), contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
            time.sleep(1 if is_away else 0.1)
        again_and_again(act)
    return run


@contextlib.contextmanager
def away(place):
    """Without dh-prepare, as in an upgrade."""
    os.rename(place["worker"], place["worker"] + ".away")
    yield
    time.sleep(AWAY_S)
    os.rename(place["worker"] + ".away", place["worker"])


def sick(gateway, place):
    """Files on a file system that does not answer, or slowly, from several clients: some of these requests wait, too."""
    numbers = itertools.count()

    def act():
        number = next(numbers)
        kind = ("hang", "slow", "deaf", "mute")[number % 4]
        if number % 12 == 11:
            gateway.request({"request": "interrupt", "id": 1})
        gateway.request({"request": "enqueue", "id": 1, "file": f"sick/{kind}.{number}.mp4"})
        time.sleep(0.1)
    for _ in range(3):
        threading.Thread(target=again_and_again, args=(act,), daemon=True).start()
    again_and_again(act)


def joins(gateway, place):
    """A thousand viewers ask for offers, a hundred at a time."""
    again_and_again(lambda: gateway.ask_for_offers(JOINS, {"id": 1}, 100, told.accept, 600))


def large_pictures(gateway, place):
    """They are played before a viewer."""
    gateway.watch({"id": 1}, mode="drop")
    files("pictures.dhs", interrupt=False)(gateway, place)


WAYS = {
    "slow generators": says("slow", 1),
    "generators that linger": says("linger", 1, interrupt=True),
    "generators that leave a child": says("orphan", 1, interrupt=True),
    "generators that flood their log": says("flood", 1),
    "generators that die": says("die", 0.1),
    "generators that stop within their container": says("part", 0.1),
    "generators whose children escape": says("escape", 1, interrupt=True),
    "a hundred interrupted before fifty": interrupts(50),
    "a hundred interrupted before a thousand": interrupts(1000),
    "a hundred pairs of files interrupted": interrupts(0, ["known.mp4", "known.mp4"]),
    "sixteen askers": asks(),
    "sixteen askers about five hundred viewers": asks(500),
    "a thousand handles that come and go": handles,
    "watches that are never answered": watches,
    "files that cannot be decoded": files("nonsense.mp4", interrupt=False),
    "files of 300 MB": hashes,
    "pictures of 4 MiB": large_pictures,
    "a cache that is damaged": spoils,
    "workers that are killed": kills(is_away=False),
    "a dh-prepare that is away for 0.3 s": kills(is_away=True),
    "a file system that hangs": sick,
    "joins while no STUN server answers": joins,
}


@contextlib.contextmanager
def silent_stun(place, stun):
    stun.delay_s = None
    try:
        yield
    finally:
        stun.delay_s = 0


@contextlib.contextmanager
def sick_mount(place, stun):
    mount = sick_files.Mount(os.path.join(place["segments"], "sick"), os.path.join(place["segments"], "known.mp4"))
    try:
        yield
    finally:
        mount.close()       # ends whatever hangs
        os.rmdir(mount.folder)


@contextlib.contextmanager
def restored(place, stun):
    """The neighbour may end while dh-prepare is away."""
    try:
        yield
    finally:
        if os.path.exists(place["worker"] + ".away"):
            os.rename(place["worker"] + ".away", place["worker"])


# What is so around a neighbour, and not of its own making.
AROUND = {
    "a dh-prepare that is away for 0.3 s": restored,
    "a file system that hangs": sick_mount,
    "joins while no STUN server answers": silent_stun,
}


def ways(text=""):
    """Those that have it in their names and work on this machine."""
    why_not = sick_files.why_not()
    if why_not:
        print(f"  no file system hangs: {why_not}", file=sys.stderr, flush=True)
    return [way for way in WAYS if text in way and not (why_not and AROUND.get(way) == sick_mount)]


@contextlib.contextmanager
def neighbour(way, place, stun):
    """Makes room 1 misbehave in that `way`. `place` says where things are: ws, segments, cache, worker."""
    with AROUND.get(way, lambda *_: contextlib.nullcontext())(place, stun), \
            apart(way, os.path.abspath(__file__), json.dumps(place)):
        yield


@contextlib.contextmanager
def in_the_background(program, *arguments, **options):
    """One of these programs as a process of the lowest priority."""
    process = subprocess.Popen(["nice", "-n", "19", sys.executable, "-B", os.path.abspath(program), *arguments],
                               env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def apart(way, program, *arguments):
    """A neighbour of that program's, from the first time on that something of what it does was accepted. Raises where that
    never is, where it was not again, or where it has ended: else a quiet room would be compared with a quiet one."""
    with in_the_background(program, way, *arguments, stdout=subprocess.PIPE) as process, process.stdout:
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


def large_mp4(path, source, size):
    """The same, with so many bytes behind the media, in a box that players skip."""
    shutil.copy(source, path)
    with open(path, "ab") as file:
        file.write(size.to_bytes(4, "big") + b"free")
        for _ in range(0, size - 8 >> 20):
            file.write(os.urandom(1 << 20))
        file.write(os.urandom((size - 8) % (1 << 20)))


def write_bad(hosted):
    """The neighbour's files. `known.mp4` is among the hosted room's segments."""
    folder = hosted.segments
    with open(os.path.join(folder, "nonsense.mp4"), "w", encoding="ascii") as file:
        file.write("nonsense " * 2000)
    for name in OWN:
        large_mp4(os.path.join(folder, name), os.path.join(folder, "known.mp4"), LARGE_MB << 20 if "large" in name else 1000)
    dhs.enlarge_pictures(hosted.prepared_path("known.mp4"), os.path.join(folder, "pictures.dhs"), PICTURE, every=25)


def misbehave(way, place):
    told.at_the_end()
    place = json.loads(place)
    with Gateway(place["ws"]) as gateway:
        WAYS[way](gateway, place)


if __name__ == "__main__":
    misbehave(*sys.argv[1:])
