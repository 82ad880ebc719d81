# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of segments that are pushed while they are made: underruns, interruptions, what they cost."""
import os
import random
import struct
import subprocess
import sys
import threading
import time

import rtp
from figure import Figure
from packets import marks_of
from pushes import SECONDS, Pushes, raw
from pushing import Push
from viewers import Gateway

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
TICKS = 720000


def seconds_at(data, at):
    """When the picture or sound of that record plays. A sound's time has seven bytes, and its loudness the eighth."""
    return (struct.unpack_from("<Q", data, at + 8)[0] & (1 << 56) - 1) / TICKS


# ------------------------------------------------------------------ underruns

def in_pieces(data):
    """A prepared stream's bytes in pieces of 0.8 to 1.2 s, none of which ends near a mark (marks.MARK)."""
    pieces, start, at, due = [], 0, 0, 0.8
    while at < len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind in (b"VIDE", b"AUDI"):
            pts = seconds_at(data, at)
            if pts >= due and (pts % 1 < 0.35 or pts % 1 > 0.85):
                pieces.append(data[start:at])
                start, due = at, pts + random.uniform(0.8, 1.2)
        at += length + 12
    return pieces + [data[start:]]


def underruns(material, runs):
    """Sound against picture after underruns of random length, as a receiver computes it."""
    film = material.mp4(20)
    pushes = Pushes(material)
    reports, skew, held = [], [], 0
    try:
        with open(pushes.prepared(film), "rb") as file:
            data = file.read()
        with Gateway(pushes.hosted.server.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.video and v.audio and v.video.reports and v.audio.reports)
            while held < runs:
                held += push_with_pauses(pushes, data, runs - held)
            time.sleep(6)       # a sender report of each after the last one
            viewer.leave()
        skew = rtp.report_skew_ms(viewer.audio, viewer.video, viewer.moments["connected"] + 1.5)
        reports, _ = marks_of(viewer)
    finally:
        pushes.hosted.close()
    return [Figure(f"sound against picture over {held} underruns, by RTP and sender reports", reports, {"max": 5},
                   signed=True, runs=f"{held} underruns, {len(reports)} marks"),
            Figure("sender reports' skew beyond arrival times", skew, signed=True, runs=f"{len(skew)} reports")]


def push_with_pauses(pushes, data, most):
    """How many underruns there were."""
    push = Push(pushes.address, {"room": 1, "progress_ms": 0, "preroll_ms": 100})
    pieces, seen = in_pieces(data), 0
    for number, piece in enumerate(pieces):
        push.send(piece)
        if number + 1 == len(pieces) or seen >= most:
            continue
        push.wait(lambda line: push.events().count("held") > seen, 30)
        seen += 1
        time.sleep(random.uniform(0.02, 0.6))
    push.end()
    result = push.result(90)
    push.close()
    if result["event"] != "finished":
        raise RuntimeError(f"a push ended otherwise: {result}")
    return seen


# --------------------------------------------------------------- interruptions

def halt(material, runs):
    """From a generator's request to interrupt to Interrupted, which another one raises while it pushes."""
    import numpy as np
    sys.path.insert(0, os.path.join(ROOT, "clients", "python"))
    from digitalhuman import Interrupted, Stage
    pushes, times, answers = Pushes(material), [], []
    stage = Stage("%s:%d" % pushes.address, room=1, encode=False, fps=25, sample_rate=24000)
    frames = np.random.default_rng(1).integers(0, 255, (8, 512, 512, 3), dtype=np.uint8)
    samples = np.zeros(960, np.float32)
    try:
        for _ in range(runs):
            plays, asked = threading.Event(), []

            def interrupt():
                plays.wait(30)
                time.sleep(random.uniform(0.2, 0.6))
                asked.append(time.monotonic())
                stage.interrupt()
                answers.append((time.monotonic() - asked[0]) * 1000)

            other = threading.Thread(target=interrupt)
            other.start()
            with stage.segment(on_event=lambda e: e["event"] == "progress" and plays.set()) as s:
                try:
                    for number in range(25 * 60):
                        s.push(frames[number % 8], samples)
                except Interrupted:
                    times.append((time.monotonic() - asked[0]) * 1000)
                    raise
            other.join()
    finally:
        stage.close()
        pushes.hosted.close()
    if len(times) != runs:
        raise RuntimeError(f"{runs - len(times)} of {runs} interruptions were not raised")
    return [Figure("interrupt -> Interrupted raised in Python", times, {"p95": 20}, note="512x512 raw, from before the "
                   "connection is made"),
            Figure("interrupt -> its answer", answers)]


# ------------------------------------------------------------------------ cost

def tree_s(pid):
    """Processor time of a process and of all that it has started, those that have ended too."""
    def of(one, ended):
        try:
            with open(f"/proc/{one}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            with open(f"/proc/{one}/task/{one}/children") as file:
                children = file.read().split()
            for task in os.listdir(f"/proc/{one}/task"):
                if task != str(one):
                    with open(f"/proc/{one}/task/{task}/children") as file:
                        children += file.read().split()
        except OSError:
            return 0
        own = sum(map(int, fields[11:15] if ended else fields[11:13]))
        return own + sum(of(child, True) for child in children)
    return of(pid, True) / os.sysconf("SC_CLK_TCK")


def per_second(pid, seconds):
    before, begun = tree_s(pid), time.monotonic()
    time.sleep(seconds)
    return (tree_s(pid) - before) / (time.monotonic() - begun) * 100


def check_whole(result, ms):
    """Half of a segment costs half, and none costs nothing."""
    if not result or result["event"] != "finished" or abs(result["played_ms"] - ms) > 100:
        raise RuntimeError(f"a push of {ms} ms ended otherwise: {result}")


def cost(material, runs):
    """Processor time of one live room with one viewer, of the Streaming plugin with the same media, and of an aiortc
    server that encodes the same."""
    pushes, used = Pushes(material), {"raw": [], "prepared": [], "idle": []}
    try:
        pid = pushes.hosted.server.process.pid
        with Gateway(pushes.hosted.server.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.video and v.audio)
            time.sleep(2)
            for _ in range(runs):
                used["idle"].append(per_second(pid, 8))
                for name in ("raw", "prepared"):
                    push = pushes.push(1, name)
                    push.event("started")
                    used[name].append(per_second(pid, 8))
                    check_whole(push.result(), SECONDS * 1000)
                    push.close()
    finally:
        pushes.hosted.close()
    stock = [streaming(material, raw(material) + ".dhs") for _ in range(runs)]
    peer = [aiortc_server(raw(material)) for _ in range(runs)]
    median = lambda values: sorted(values)[len(values) // 2]
    share = median(used["prepared"]) / median(peer)
    note = "512x512, 25 fps, 24 kHz; workers included; a room that idles before its viewer is the last line"
    return [Figure("one live room, raw pushes", used["raw"], unit="% of a core", note=note),
            Figure("one live room, prepared pushes", used["prepared"], unit="% of a core"),
            Figure("the Streaming plugin, fed with the prepared stream", stock, unit="% of a core"),
            Figure("an aiortc server that encodes the same", peer, unit="% of a core"),
            Figure("prepared, as a share of the aiortc server", [share], {"max": 0.05}, unit="x"),
            Figure("the room while it idles", used["idle"], unit="% of a core")]


def streaming(material, prepared, seconds=8):
    """Per cent of a core, of a Janus whose Streaming plugin relays the same packets to one viewer. The feed is another
    process."""
    import long
    from janus_server import JanusServer, free_ports
    ports, film = free_ports(2), prepared + ".webm"
    subprocess.run([os.environ["DH_PREPARE"], "--export", film, prepared], check=True)
    with JanusServer("", plugins=("libjanus_streaming.so",), files={long.STREAMING + ".jcfg": long.mountpoint(ports)}) as janus:
        with long.streaming_fed(material, ports, film), Gateway(janus.ws, long.STREAMING) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.video and v.audio)
            time.sleep(2)
            return per_second(janus.process.pid, seconds)


def aiortc_server(film, seconds=8):
    """Per cent of a core, while it sends the film to one viewer, which is another process."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "aiortc_server.py")
    server = subprocess.Popen([sys.executable, "-B", program, "serve", film], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    viewer = subprocess.Popen([sys.executable, "-B", program, "watch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    try:
        for here, there in ((viewer, server), (server, viewer)):     # offer, answer
            there.stdin.write(here.stdout.readline())
            there.stdin.flush()
        if viewer.stdout.readline() != "plays\n":
            raise RuntimeError("the aiortc server's viewer sees nothing")
        return per_second(server.pid, seconds)
    finally:
        for process in (viewer, server):
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


# ------------------------------------------------------------------------ lips

def generate(address, data, until, slowest=1.1, results=None):
    """Segments of a generator that makes its media at 0.9 to 1.1 times their time, with jitter, until `until()`. What became
    of each is appended to `results`: its last event, or an error."""
    while not until():
        try:
            push = Push(address, {"room": 1, "progress_ms": 0})
            due = time.monotonic()
            for piece in steps(data):
                push.send(piece)
                due += 0.12 * random.uniform(0.9, slowest)
                time.sleep(max(0, due - time.monotonic() + random.uniform(0, 0.03)))
            push.end()
            result = push.result(60)
            push.close()
        except (OSError, AssertionError) as error:
            result = error
        if results is not None:
            results.append(result)
        time.sleep(1)


def check_generated(results, ms):
    """Where nothing is said there are no lips."""
    if not results:
        raise RuntimeError("the generator has said nothing")
    for result in results:
        if isinstance(result, Exception):
            raise RuntimeError("the generator was not taken") from result
        check_whole(result, ms)


def steps(data, step=0.12):
    """A prepared stream's bytes in pieces of `step` seconds."""
    start, at, due = 0, 0, step
    while at < len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind in (b"VIDE", b"AUDI") and seconds_at(data, at) >= due:
            yield data[start:at]
            start, due = at, due + step
        at += length + 12
    yield data[start:]


def lips_live(material, runs, seconds=30):
    """Flash against beep in Chromium: a live generator of varying speed, and Streaming in the same run."""
    import long
    from browsers import SETTLE_S
    from janus_server import free_ports
    from probe import Probe, Server, browser, lips
    import numpy as np
    ports = free_ports(2)
    pushes = Pushes(material, plugins=("libjanus_streaming.so",), files={long.STREAMING + ".jcfg": long.mountpoint(ports)})
    offsets = {"a live generator": [], "Streaming": []}
    try:
        with open(pushes.prepared(material.mp4(10)), "rb") as file:
            data = file.read()
        over = threading.Event()
        results = []
        generator = threading.Thread(target=generate, args=(pushes.address, data, over.is_set), kwargs={"results": results})
        generator.start()
        with long.streaming_fed(material, ports), Server() as server:
            for _ in range(runs):
                for name, plugin in (("a live generator", "janus.plugin.digitalhuman"), ("Streaming", long.STREAMING)):
                    with browser() as chromium:
                        probe = Probe(chromium, server, pushes.hosted.server.ws, {"id": 1}, plugin)
                        probe.wait_playing()
                        time.sleep(SETTLE_S)
                        since = probe.take()["frames"][-1]["presented"]
                        time.sleep(seconds)
                        offsets[name] += lips(probe.take(), since)["rendered"]
        over.set()
        generator.join()
        check_generated(results, 10000)
    finally:
        over.set()
        pushes.hosted.close()
    stock = np.array(offsets["Streaming"])
    limits = {"median": max(20, abs(float(np.median(stock))) if len(stock) else 0),
              "p95": max(45, float(np.percentile(np.abs(stock), 95)) if len(stock) else 0)}
    return [Figure("lips in Chromium, live generator at 0.9 to 1.1 x: flash - beep", offsets["a live generator"], limits,
                   signed=True, runs=f"{runs} sessions, {len(offsets['a live generator'])} marks",
                   note="at most 20 / 45 ms, or Streaming's in the same run"),
            Figure("lips in Chromium, the Streaming plugin", offsets["Streaming"], signed=True,
                   runs=f"{runs} sessions, {len(offsets['Streaming'])} marks")]
