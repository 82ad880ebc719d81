# SPDX-License-Identifier: GPL-3.0-or-later
"""This plugin beside what a Janus user would take instead, by turns: fresh gateways, the same media, the same viewers.

The Streaming plugin relays the very packets of a room, which another Janus forwards to its mountpoint; or the same pictures,
as good as the room's, encoded with a key frame every two seconds (equal.py). Each round measures everything once, in another
order, so that what else the machine does meets all alike; what is compared is compared within a round.
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
import equal
import live
import long
import machine
from figure import Figure
from hosted_room import HostedRoom
from janus_server import JanusServer, free_ports, own_address
from later import later
from pushes import raw

HERE = os.path.dirname(os.path.abspath(__file__))
VIEWERS, SECONDS = 100, 12      # unless others are asked for
OURS, SIXTY, UNSPREAD = "this plugin", "this plugin, 60 ms of sound in a packet", "this plugin, spread_ms = 0"
RELAY, KEYED = "Streaming", "Streaming, fed with equal pictures and a key frame every 2 s"
# At most these shares of Streaming's, medians: its processor time with the same packets, and with equal pictures; idle; and
# the lateness with so many viewers at most, or with any number.
SAME = {"off": 0.7, "two event loops": 0.75}
EQUAL = {"off": 0.5, "two event loops": 0.55}
IDLE, AIORTC = 0.5, 0.02
LATE = ((100, 0.2), (float("inf"), 0.3))
STREAMING = "janus.plugin.streaming"
# It keeps the last key frame (bufferkf) or, from Janus 1.3.3 on, that and what has come since (bufferkf_ms).
MOUNTPOINT = """room-1: {{ type = "rtp" id = 1 bufferkf_ms = 2500 media = (
	{{ type = "audio" mid = "a" port = {audio} pt = 111 codec = "opus" }},
	{{ type = "video" mid = "v" port = {video} pt = {payload_type} codec = "vp8" bufferkf = true }} ) }}"""
LOOPS = {"off": "", "two event loops": "event_loops = 2"}
# Values that are further apart than this share of their median are too noisy to be trusted.
NOISY = 0.4


class Stock(JanusServer):
    """A Janus with the Streaming plugin alone. `prefix`: of another Janus than the one of the build; `payload_type`: of the
    pictures that it is fed with."""

    def __init__(self, loops, prefix=None, payload_type=96):
        self.ports = dict(zip(("audio", "video"), free_ports(2)))
        self.prefix = prefix
        super().__init__("", plugins=("libjanus_streaming.so",), janus_general=loops,
                         files={STREAMING + ".jcfg": MOUNTPOINT.format(payload_type=payload_type, **self.ports)})

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
def room(material, loops, speaks, ptime=20, general=""):
    """A gateway whose room 1 speaks, for as long as is needed, or idles."""
    segment = material.mp4(20)
    hosted = HostedRoom(material.size, idle=material.idle(), room=f"ptime = {ptime}", general=general, janus_general=loops)
    try:
        if speaks:
            os.link(segment, os.path.join(hosted.segments, "speech.mp4"))
            hosted.warm("speech.mp4")
            hosted.handle.request({"request": "enqueue", "id": 1, "file": "speech.mp4", "repeat": 1000})
        yield hosted
    finally:
        hosted.close()


@contextlib.contextmanager
def ours(material, loops, speaks, **options):
    with room(material, loops, speaks, **options) as hosted:
        yield hosted.server, "janus.plugin.digitalhuman"


@contextlib.contextmanager
def stock(material, loops, speaks, prefix=None):
    with Stock(loops, prefix) as server, room(material, "", speaks) as origin:
        origin.handle.request({"request": "rtp_forward", "id": 1, "host": "127.0.0.1", "keyframe_ms": 2000,
                               "audio_port": server.ports["audio"], "video_port": server.ports["video"]})
        yield server, STREAMING


@contextlib.contextmanager
def keyed(film, loops):
    """A mountpoint that is fed with a WebM."""
    with Stock(loops, payload_type=100) as server:
        with long.streaming_fed(None, [server.ports["audio"], server.ports["video"]], film):
            yield server, STREAMING


def relays():
    """What is compared wherever pictures are the same: name → what opens it; the later Janus's comes last, if there is one."""
    found = {OURS: ours, RELAY: stock}
    prefix, number = later()
    if prefix:
        found[f"{RELAY} of Janus {number}"] = lambda *what: stock(*what, prefix=prefix)
    return found


def peers(film):
    """The same, and what is compared besides while the room speaks; `film` is what equal.py makes."""
    return {**relays(), SIXTY: lambda *what: ours(*what, ptime=60),
            UNSPREAD: lambda *what: ours(*what, general="spread_ms = 0"),
            KEYED: lambda material, loops, speaks: keyed(film, loops)}


def measured(opened, viewers, seconds=SECONDS):
    """{what: value}, of one gateway with that many viewers."""
    with opened as (server, plugin), tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "load.json")
        subprocess.run([sys.executable, "-B", os.path.join(HERE, "load"), server.ws, plugin, '{"id":1}', "-n", str(viewers),
                        "-d", str(seconds), "--pid", str(server.process.pid), "-o", out], check=True, stdout=subprocess.DEVNULL)
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


def once(material, floor, results, case, name, opener, seconds):
    loops, speaks = case
    print(f"  {name}, {loops}{'' if speaks else ', idle'}", file=sys.stderr, flush=True)
    value = measured(opener(material, LOOPS[loops], speaks), floor.viewers, seconds)
    value["floor"] = floor.packet_ms() * value["packets"]
    results.setdefault((case, name), []).append(value)


def versus(material, runs, viewers=VIEWERS, seconds=SECONDS):
    """This plugin and the Streaming plugin with the same packets and with equal pictures, by turns, with as many viewers; an
    aiortc server."""
    floor, results, aiortc = Floor(material.folder, viewers), {}, []
    film, pictures = equal.equal(material, material.mp4(20))
    busy = machine.busy_cores()
    for number in range(runs):
        print(f"  round {number + 1} of {runs}", file=sys.stderr, flush=True)
        todo = [((loops, True), name, opener) for loops in LOOPS for name, opener in peers(film).items()]
        todo += [(("off", False), name, opener) for name, opener in relays().items()]
        for case, name, opener in random.sample(todo, len(todo)):
            once(material, floor, results, case, name, opener, seconds)
        aiortc.append(live.aiortc_server(raw(material)) * 10)      # per cent of a core: 10 ms a second
    rounds = f"{runs} rounds, {viewers} viewers"
    judged = figures(results, aiortc, rounds, viewers, told(pictures))
    report(results, aiortc, judged, f"{rounds}, {seconds:g} s each", busy, told(pictures))
    return judged


# ---------------------------------------------------------------------- what is said

def told(pictures):
    """How good the pictures are that are called equal, and what they take."""
    return "luma's SSIM and kbit/s: " + ", ".join(f"{name} {found['ssim']:.4f}, {found['kbps']:.0f}"
                                                  for name, found in pictures.items())


def values(results, case, name, what):
    return [value[what] for value in results[case, name]]


def ratios(results, case, name, what, other=RELAY):
    """Round by round."""
    return [a / b for a, b in zip(values(results, case, name, what), values(results, case, other, what))]


def figures(results, aiortc, rounds, viewers, pictures):
    def share(what, values, most=None, note=""):
        return Figure(what, values, most and {"median": most}, unit="x", runs=rounds, note=note)

    def of(loops, name, what="used", other=RELAY):
        return ratios(results, (loops, True), name, what, other)

    out = []
    for loops, most in SAME.items():
        used, packets = of(loops, OURS), of(loops, OURS, "packets")
        out.append(share(f"processor time, {loops}, as a share of Streaming's, which relays the room's packets", used, most))
        out.append(share(f"the same for each packet, {loops}", [a / b for a, b in zip(used, packets)], most,
                         "Streaming's viewers are sent key frames, too"))
    out += [share(f"processor time with 60 ms of sound in a packet, {loops}, as a share of Streaming's with equal pictures",
                  of(loops, SIXTY, other=KEYED), most, pictures) for loops, most in EQUAL.items()]
    out += [share(f"the same, as a share of that of Streaming, which relays the room's packets, {loops}", of(loops, SIXTY))
            for loops in LOOPS]
    out.append(share("processor time, idle, as a share of Streaming's", ratios(results, ("off", False), OURS, "used"), IDLE))
    out.append(share(f"lateness p99 of pictures of {viewers} viewers, off, as a share of Streaming's", of("off", OURS, "late"),
                     next(most for count, most in LATE if viewers <= count)))
    for what, name in (("processor time", "used"), ("lateness p99 of pictures", "late")):
        out += [share(f"{what}, {loops}, with the default of spread_ms, as a share of that without",
                      of(loops, OURS, name, UNSPREAD)) for loops in LOOPS]
    out += [Figure(f"packets lost, {name}", [v for case in LOOPS for v in values(results, (case, True), name, "lost")],
                   {"max": 0} if name == OURS else None, unit="", runs=rounds) for name in (OURS, RELAY)]
    out.append(share("processor time, as a share of an aiortc server's with an encoder for each viewer",
                     [mine / peer for mine, peer in zip(values(results, ("off", True), OURS, "used"), aiortc)], AIORTC))
    if not later()[0]:
        out.append(Figure("the Streaming plugin of a later Janus", [], unit="", unjudged=later()[1]))
    return out


def cell(numbers, digits=1):
    low, middle, high = min(numbers), sorted(numbers)[len(numbers) // 2], max(numbers)
    noisy = " (noisy)" if middle and (high - low) / middle > NOISY else ""
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f}){noisy}"


def verdicts(judged):
    """A table of the figures that have a limit, and of those that are missing."""
    lines = ["| what | at most | median (least to most) | |", "|---|---|---|---|"]
    for figure in judged:
        if figure.limits or figure.unjudged:
            row = figure.row()
            what = ": ".join(filter(None, (figure.what, figure.unjudged)))
            value = cell(figure.values, 0 if figure.unit == "" else 3) if figure.values else "–"
            lines.append(f"| {what} | {row[1]} | {value} | {row[-1]} |")
    return lines


def report(results, aiortc, judged, rounds, busy, pictures):
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
        f"{rounds}; {machine.describe()}; {time.strftime('%Y-%m-%d')}; others kept "
        f"{busy:.2f} cores busy at the beginning. Medians, with the least and the most. Equal pictures: {pictures}.",
        "", *lines, "", *verdicts(judged)])
