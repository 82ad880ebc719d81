# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of packets: what headless viewers receive, by the kernel's arrival times."""
import gc
import itertools
import os
import random
import time

import numpy as np

import marks
import rtp
from figure import Figure
from material import open_room
from hosted_room import is_speech
from viewers import Gateway

LISTENING = 10          # of many viewers so many decrypt, at equal distances: all that the machine can
ENTRY_MS = 500          # an avatar's entry_ms, unless it is configured


def random_pause():
    """Spreads commands over all phases of the 20 ms grid and of the idle clip."""
    time.sleep(random.uniform(0.3, 0.7))


def command(gateway, request, **more):
    return gateway.timed_request({"request": request, "id": 1, **more})


def wait_idle(gateway, timeout=30):
    end = time.monotonic() + timeout
    while gateway.request({"request": "info", "id": 1})["info"]["state"] != "idle":
        if time.monotonic() > end:
            raise TimeoutError("the room does not become idle")
        time.sleep(0.02)


def first_speech(viewer, since):
    """Arrival of the first packet of speech that came after `since`; None: not yet."""
    first = None
    for packet in reversed(viewer.audio.packets):
        if packet.arrival < since:
            break
        if is_speech(packet):
            first = packet.arrival
    return first


# ------------------------------------------------------------------ synchronisation

def join(gateway, viewers):
    """So many viewers, one after another; those of them that decrypt."""
    listening, joined, count = [], 0, min(viewers, LISTENING)
    for number in range(count):
        others = (number + 1) * viewers // count - joined - 1
        if others:
            gateway.watch_many(others, {"id": 1})
        listening.append(gateway.watch({"id": 1}))
        joined += others + 1
    return listening


def rtp_sync(material, runs, viewers=100):
    """Sound against picture as each of many receivers computes it from decoded flashes and beeps."""
    segment = material.mp4(5)
    skew, by_reports, by_arrival, worst = [], [], [], []
    hosted = open_room(material, segment)
    try:
        hosted.warm(os.path.basename(segment))      # pictures that are not ready when their sound is are another matter
        for _ in range(runs):
            with Gateway(hosted.server.ws) as gateway:
                listening = join(gateway, viewers)
                for viewer in listening:
                    viewer.wait(lambda v: v.video and v.audio and v.video.reports and v.audio.reports)
                for _ in range(4):
                    time.sleep(random.uniform(1, 1.5))
                    since = len(gateway.events)
                    name = command(gateway, "enqueue", file=os.path.basename(segment))[1]["segment"]
                    gateway.wait_event("finished", since, segment=name)
                time.sleep(1)
                for viewer in listening:
                    viewer.leave()
            for viewer in listening:
                skew += rtp.report_skew_ms(viewer.audio, viewer.video, viewer.moments["connected"] + 1.5)
                reports, arrival = marks_of(viewer)
                if not reports:
                    raise RuntimeError("a viewer saw or heard no mark")
                by_reports += reports
                by_arrival += arrival
                worst.append(max(map(abs, reports)))
    finally:
        hosted.close()
    sessions = f"{runs} sessions of {viewers} viewers, of whom {min(viewers, LISTENING)} decrypt"
    return [
        Figure("sound against picture by RTP and sender reports: flash - beep", by_reports, {"max": 5}, signed=True,
               runs=f"{sessions}, {len(by_reports)} marks"),
        Figure("the worst of each viewer that decrypts", worst, runs=sessions),
        Figure("sender reports' skew beyond arrival times", skew, {"max": 5}, signed=True,
               runs=f"{sessions}, {len(skew)} reports"),
        Figure("flash - beep by arrival of their packets", by_arrival, signed=True, runs=f"{len(by_arrival)} marks",
               note="includes how late each of the two packets was"),
    ]


def marks_of(viewer):
    """flash - beep in ms, by sender reports and by arrival."""
    def by_reports(stream):
        return lambda p: rtp.by_reports(stream, p.ts, p.arrival)
    arrival = lambda p: p.arrival
    return marks_by(viewer, (by_reports(viewer.video), by_reports(viewer.audio)), (arrival, arrival))


def marks_by(viewer, *clocks):
    """flash - beep in ms, by each of these pairs of functions, which give the seconds of a picture and of a packet of sound."""
    pictures = rtp.pictures(viewer.video)
    decoded = rtp.decode_pictures([p.data for p in pictures])
    luma = [f[:f.shape[0] * 2 // 3].mean() if f is not None else 0 for f in decoded]
    sound = rtp.decode_sound(viewer.audio.packets)
    samples = np.concatenate([x for _, x in sound])
    out = []
    for picture_time, packet_time in clocks:
        times = np.concatenate([packet_time(p) + np.arange(len(x)) / 48000 for p, x in sound])
        out.append((marks.pairs(marks.flashes([picture_time(p) for p in pictures], luma),
                                marks.beeps(times, samples)) * 1000).tolist())
    return out


# ------------------------------------------------------------------------- lateness

def lateness(material, runs, viewers=50, seconds=30):
    """First packets of frames against each viewer's own deadline: idle and speech."""
    segment = material.mp4(10)
    pooled = {"video": [], "audio": []}
    worst, median, slopes, lost = [], [], [], 0
    hosted = open_room(material, segment)
    try:
        for _ in range(runs):
            with Gateway(hosted.server.ws) as gateway:
                watching = gateway.watch_many(viewers, {"id": 1})
                time.sleep(3)
                since = time.time()
                gc.disable()
                while time.time() < since + seconds:
                    command(gateway, "enqueue", file=os.path.basename(segment))
                    time.sleep(15)
                until = time.time()
                gc.enable()
            for viewer in watching:
                for kind in pooled:
                    stream = getattr(viewer, kind)
                    line = rtp.Line(stream, since, until)
                    pooled[kind] += line.late_ms.tolist()
                    lost += stream.missing(since, until)[0]
                    if kind == "video":
                        worst.append(float(np.percentile(line.late_ms, 99)))
                        median.append(float(np.percentile(line.off_ms, 99)))
                        slopes.append(line.slope_ppm())
    finally:
        hosted.close()
    what = f"{viewers} viewers, {runs} x {seconds} s"
    note = (f"the deadline is that of the viewer's earliest frame; "
            f"lost packets: {lost}, clock {np.median(slopes):+.0f} ppm")
    return [
        Figure("lateness of pictures", pooled["video"], {"p99": 3}, runs=what, note=note),
        Figure("lateness of sound", pooled["audio"], {"p99": 3}, runs=what),
        Figure("each viewer's own 99th percentile", worst, runs=f"{len(worst)} viewers"),
        Figure("the same against the viewer's median frame", median, runs=f"{len(median)} viewers"),
    ]


# ----------------------------------------------------------------------- key frames

def recovered(pictures, since):
    """When what answers a request for a key frame was whole: the key frame, and the entry that follows it. None: not yet."""
    return next((following.last for key, following in zip(pictures, pictures[1:]) if key.key and key.arrival > since), None)


def key_frames(material, runs):
    """From a viewer's request for a key frame to a picture that it can decode, whatever it has lost."""
    segment, took, lost = material.mp4(20), [], 0
    hosted = open_room(material, segment)
    try:
        hosted.warm(os.path.basename(segment))
        with Gateway(hosted.server.ws) as gateway:
            command(gateway, "enqueue", file=os.path.basename(segment), repeat=100)
            for _ in range(runs):
                viewer = gateway.watch({"id": 1})
                viewer.wait(lambda v: v.video and any(p.key for p in rtp.pictures(v.video)))
                time.sleep(random.uniform(1.2, 2.2))      # one that asks again within a second waits
                since = viewer.pli()
                took.append(1000 * (viewer.wait(lambda v, at=since: recovered(rtp.pictures(v.video), at), 20) - since))
                viewer.leave()
                lost += viewer.video.missing()[0]
    finally:
        hosted.close()
    return [Figure("request for a key frame -> key frame and entry, whole", took, {"max": ENTRY_MS + 20},
                   note=f"limit: one distance of entries and 20 ms; packets lost: {lost}")]


# ------------------------------------------------------------------------- commands

def enqueue(material, runs):
    """From sending the request to the segment's first packet of sound."""
    segment = material.mp4(5)
    name = os.path.basename(segment)
    prepared, fresh = [], {segment: [], material.raw(88): []}
    hosted = open_room(material, segment)

    def once(gateway, viewer, file):
        random_pause()
        sent, _ = command(gateway, "enqueue", file=file)
        arrival = viewer.wait(lambda v: first_speech(v, sent), 20)
        command(gateway, "interrupt")
        wait_idle(gateway)
        return (arrival - sent) * 1000

    def cached():
        return len([f for f in os.listdir(hosted.server.path("cache")) if f.endswith(".dhs")])

    try:
        with Gateway(hosted.server.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.audio and v.video)
            for number, (source, times) in itertools.product(range(runs), fresh.items()):
                before = cached()
                other = f"fresh-{number}{os.path.splitext(source)[1]}"
                marks.write_variant(source, os.path.join(hosted.segments, other), number)
                times.append(once(gateway, viewer, other))
                end = time.monotonic() + 30
                while cached() == before and time.monotonic() < end:  # the file is still prepared to its end
                    time.sleep(0.1)
                os.unlink(os.path.join(hosted.segments, other))
            once(gateway, viewer, name)
            time.sleep(3)
            for _ in range(2 * runs):
                prepared.append(once(gateway, viewer, name))
    finally:
        hosted.close()
    mp4, raw = fresh.values()
    return [
        Figure("enqueue -> first packet, prepared", prepared, {"p95": 60}),
        Figure("enqueue -> first packet, 512x512 MP4 not yet prepared", mp4, {"p95": 400},
               note="another file each time: 5 s as Wav2Lip writes it, H.264 and AAC, index at the end"),
        Figure("enqueue -> first packet, 512x512 raw NUT not yet prepared", raw, {"p95": 400},
               note="another file each time: 69 MB of BGR24"),
    ]


def interrupt(material, runs):
    """From sending the request to the first packet of a picture of the idle clip."""
    segment = material.mp4(10)
    picture, sound = [], []
    hosted = open_room(material, segment)
    try:
        idle = {u.data for u in hosted.idle().video}
        with Gateway(hosted.server.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.audio and v.video)
            for _ in range(runs):
                random_pause()
                since = len(gateway.events)
                name = command(gateway, "enqueue", file=os.path.basename(segment))[1]["segment"]
                gateway.wait_event("started", since, segment=name)
                time.sleep(random.uniform(1, 3))
                sent, _ = command(gateway, "interrupt")
                time.sleep(0.5)
                shown = next(p for p in rtp.pictures(viewer.video) if p.arrival > sent and p.data in idle)
                picture.append((shown.arrival - sent) * 1000)
                speech = [p.arrival for p in viewer.audio.packets if is_speech(p)]
                sound.append((max(speech[-1] - sent, 0)) * 1000)
    finally:
        hosted.close()
    return [
        Figure("interrupt -> first idle picture", picture, {"p95": 60},
               note="a picture is the idle clip's when its bytes are, as prepared"),
        Figure("interrupt -> last packet of speech", sound),
    ]
