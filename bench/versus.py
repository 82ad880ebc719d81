# SPDX-License-Identifier: GPL-3.0-or-later
"""This plugin beside what a Janus user would take instead, by turns: fresh gateways, the same media, the same viewers.

The Streaming plugin relays the very packets of a room, which another Janus forwards to its mountpoint. Each round
measures everything once, in another order, so that what else the machine does meets all alike; what is compared is compared within
a round. Environment: JANUS_14 names a Janus 1.4 whose Streaming plugin is measured, too.
"""
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time

import chart
import live
import machine
from figure import Figure
from hosted_room import HostedRoom
from janus_server import JanusServer, free_ports, own_address
from pushes import raw

HERE = os.path.dirname(os.path.abspath(__file__))
VIEWERS, SECONDS = 100, 12      # unless another number is asked for
STREAMING = "janus.plugin.streaming"
# It keeps the last key frame (bufferkf) or, from Janus 1.3.3 on, that and what has come since (bufferkf_ms).
MOUNTPOINT = """room-1: {{ type = "rtp" id = 1 bufferkf_ms = 2500 media = (
	{{ type = "audio" mid = "a" port = {audio} pt = 111 codec = "opus" }},
	{{ type = "video" mid = "v" port = {video} pt = 96 codec = "vp8" bufferkf = true }} ) }}"""
LOOPS = {"off": "", "two event loops": "event_loops = 2"}
# Values that are further apart than this share of their median are too noisy to be trusted.
NOISY = 0.4


class Stock(JanusServer):
    """A Janus with the Streaming plugin alone. `prefix`: of another Janus than the one of the build."""

    def __init__(self, loops, prefix=None):
        self.ports = dict(zip(("audio", "video"), free_ports(2)))
        self.prefix = prefix
        super().__init__("", plugins=("libjanus_streaming.so",), janus_general=loops,
                         files={STREAMING + ".jcfg": MOUNTPOINT.format(**self.ports)})

    def start(self):
        before = os.environ.get("DH_JANUS")
        try:
            if self.prefix:
                os.environ["DH_JANUS"] = self.prefix
            return super().start()
        finally:
            if self.prefix:
                os.environ.pop("DH_JANUS")
                if before:
                    os.environ["DH_JANUS"] = before

    def link_libraries(self):
        super().link_libraries()
        os.unlink(self.path("plugins/libjanus_digitalhuman.so"))


@contextlib.contextmanager
def room(material, loops, speaks, ptime=20):
    """A gateway whose room 1 speaks, for as long as is needed, or idles."""
    segment = material.mp4(20)
    hosted = HostedRoom(material.size, idle=material.idle(), room=f"ptime = {ptime}", janus_general=loops)
    try:
        if speaks:
            os.link(segment, os.path.join(hosted.segments, "speech.mp4"))
            hosted.warm("speech.mp4")
            hosted.handle.request({"request": "enqueue", "id": 1, "file": "speech.mp4", "repeat": 100})
        yield hosted
    finally:
        hosted.close()


@contextlib.contextmanager
def ours(material, loops, speaks, ptime=20):
    with room(material, loops, speaks, ptime) as hosted:
        yield hosted.server, "janus.plugin.digitalhuman"


@contextlib.contextmanager
def stock(material, loops, speaks, prefix=None):
    with Stock(loops, prefix) as server, room(material, "", speaks) as origin:
        origin.handle.request({"request": "rtp_forward", "id": 1, "host": "127.0.0.1", "keyframe_ms": 2000,
                               "audio_port": server.ports["audio"], "video_port": server.ports["video"]})
        yield server, STREAMING


def peers():
    """What is compared: name → what opens it."""
    found = {"this plugin": ours, "Streaming": stock,
             "this plugin, 60 ms of sound in a packet": lambda *what: ours(*what, ptime=60)}
    prefix = os.environ.get("JANUS_14")
    if prefix:
        found["Streaming of Janus 1.4"] = lambda *what: stock(*what, prefix=prefix)
    return found


def measured(opened, viewers):
    """{what: value}, of one gateway with that many viewers."""
    with opened as (server, plugin), tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "load.json")
        subprocess.run([sys.executable, "-B", os.path.join(HERE, "load"), server.ws, plugin, '{"id":1}', "-n", str(viewers),
                        "-d", str(SECONDS), "--pid", str(server.process.pid), "-o", out], check=True, stdout=subprocess.DEVNULL)
        with open(out) as file:
            figures = {f["what"]: f["statistics"] for f in json.load(file)["figures"]}
    return {"used": figures["processor time of the server per viewer and second"]["median"],
            "late": figures["lateness of video"]["p99"],
            "lost": figures["packets lost"]["median"],
            "packets": figures["packets per viewer and second"]["median"]}


class Floor:
    """What the packets alone cost on this machine, now: SRTP and sendto."""

    def __init__(self, folder, viewers):
        self.viewers = viewers
        self.program = os.path.join(folder, "floor")
        subprocess.run(["cc", "-O2", "-o", self.program, os.path.join(HERE, "floor.c"), "-lsrtp2"], check=True)

    def packet_ms(self):
        done = subprocess.run([self.program, str(self.viewers), "300", "900", own_address()], check=True, stdout=subprocess.PIPE)
        return int(done.stdout) / 1e6


def once(material, floor, results, case, name, opener):
    loops, speaks = case
    print(f"  {name}, {loops}{'' if speaks else ', idle'}", file=sys.stderr, flush=True)
    value = measured(opener(material, LOOPS[loops], speaks), floor.viewers)
    value["floor"] = floor.packet_ms() * value["packets"]
    results.setdefault((case, name), []).append(value)


def versus(material, runs, viewers=VIEWERS):
    """This plugin and the Streaming plugin with the same packets, by turns, with as many viewers; an aiortc server."""
    floor, results, aiortc = Floor(material.folder, viewers), {}, []
    busy = machine.busy_cores()
    for number in range(runs):
        print(f"  round {number + 1} of {runs}", file=sys.stderr, flush=True)
        todo = [((loops, True), name, opener) for loops in LOOPS for name, opener in peers().items()]
        todo += [(("off", False), name, opener) for name, opener in peers().items() if "60 ms" not in name and "1.4" not in name]
        for case, name, opener in random.sample(todo, len(todo)):
            once(material, floor, results, case, name, opener)
        aiortc.append(live.aiortc_server(raw(material)) * 10)      # per cent of a core: 10 ms a second
    report(results, aiortc, f"{runs} rounds, {viewers} viewers", busy)
    return figures(results, aiortc, f"{runs} rounds, {viewers} viewers")


# ---------------------------------------------------------------------- what is said

def values(results, case, name, what):
    return [value[what] for value in results[case, name]]


def ratios(results, case, name, what, other="Streaming"):
    """Round by round."""
    return [a / b for a, b in zip(values(results, case, name, what), values(results, case, other, what))]


def figures(results, aiortc, rounds):
    share = lambda *which: ratios(results, *which)
    packets = lambda loops: [used / sent for used, sent in zip(share((loops, True), "this plugin", "used"),
                                                              share((loops, True), "this plugin", "packets"))]
    limits = (("off", 0.7), ("two event loops", 0.75))
    out = [Figure(f"processor time, {loops}, as a share of Streaming's", share((loops, True), "this plugin", "used"),
                  unit="x", runs=rounds) for loops in LOOPS]
    out += [Figure(f"the same for each packet, {loops}", packets(loops), {"median": most}, unit="x", runs=rounds,
                   note="Streaming's viewers are sent key frames, too") for loops, most in limits]
    out += [Figure(f"processor time with 60 ms of sound in a packet, {loops}",
                   share((loops, True), "this plugin, 60 ms of sound in a packet", "used"), unit="x", runs=rounds)
            for loops in LOOPS]
    out.append(Figure("processor time, idle", share(("off", False), "this plugin", "used"), {"median": 0.5}, unit="x", runs=rounds))
    out.append(Figure("lateness p99 of pictures, off, as a share of Streaming's", share(("off", True), "this plugin", "late"),
                      {"median": 0.2}, unit="x", runs=rounds))
    out += [Figure(f"packets lost, {name}", [v for case in LOOPS for v in values(results, (case, True), name, "lost")],
                   {"max": 0} if name == "this plugin" else None, unit="", runs=rounds) for name in ("this plugin", "Streaming")]
    out.append(Figure("processor time, as a share of an aiortc server's with an encoder for each viewer",
                      [mine / peer for mine, peer in zip(values(results, ("off", True), "this plugin", "used"), aiortc)],
                      {"median": 0.02}, unit="x", runs=rounds))
    return out


def cell(numbers, digits=1):
    low, middle, high = min(numbers), sorted(numbers)[len(numbers) // 2], max(numbers)
    noisy = " (noisy)" if middle and (high - low) / middle > NOISY else ""
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f}){noisy}"


def report(results, aiortc, rounds, busy):
    """Writes docs/benchmarks.md and its pictures."""
    lines = ["| Janus, room | what relays | processor time, ms per viewer-second | × Streaming | lateness p99, ms | packets a second | packets lost | floor, ms |",
             "|---|---|---|---|---|---|---|---|"]
    for case, name in sorted(results, key=lambda key: (not key[0][1], key[0][0], key[1])):
        lines.append("| %s, %s | %s | %s | %s | %s | %s | %s | %s |" % (
            case[0], "speaking" if case[1] else "idle", name, cell(values(results, case, name, "used"), 2),
            cell(ratios(results, case, name, "used"), 2), cell(values(results, case, name, "late")),
            cell(values(results, case, name, "packets"), 0), cell(values(results, case, name, "lost"), 0), cell(values(results, case, name, "floor"), 2)))
    lines.append(f"| – | aiortc, an encoder for each viewer | {cell(aiortc, 0)} | – | – | – | – | – |")
    chart.write("benchmarks.svg", "Processor time of the gateway, ms per viewer and second, less is better", [
        (f"{name}, {case[0]}{'' if case[1] else ', idle'}", values(results, case, name, "used"),
         values(results, case, name, "floor")) for case, name in sorted(results, key=lambda key: (not key[0][1], key[0][0], key[1]))])
    chart.replace("benchmarks.md", "versus", [
        f"{rounds}, {SECONDS} s each; {machine.describe()}; {time.strftime('%Y-%m-%d')}; others kept "
        f"{busy:.2f} cores busy at the beginning. Medians, with the least and the most.", "", *lines])
