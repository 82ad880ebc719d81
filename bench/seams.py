# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of the seam from speech to idle: how much the picture jumps, cut and faded."""
import os
import shutil
import subprocess
import time

import marks
import poses
import rtp
from figure import Figure
from hosted_room import HostedRoom
from viewers import Gateway

FADE_MS = 400
CUTS_S = (0.7, 1.1, 1.6, 2.1, 2.6)      # in the middle of words
MORE = """
avatar-fading: {{ width = {size} height = {size} idle = "{idle}" fade_ms = {fade} }}
room-fading: {{ id = 3 avatar = "fading" }}
"""


def talker(*arguments):
    subprocess.run([os.environ["DH_TALKER"], *map(str, arguments)], check=True)


def films(material):
    """dh-talker's idle clip, and speech that ends with the mouth as it happens to be."""
    size = f"{material.size}x{material.size}"
    idle = material.make("talker-idle.nut", lambda path: talker("--size", size, "--idle", 9, "-o", path))
    whole = material.make("talker-speech.nut", lambda path: talker(
        "--size", size, "-o", path, "A seam is where one thing ends and another one begins, and nobody should see it."))
    return idle, [material.make(f"talker-cut-{n}.nut", lambda path, s=s: marks.ffmpeg(
        "-i", whole, "-t", s, "-c:v", "rawvideo", "-c:a", "pcm_s16le", path)) for n, s in enumerate(CUTS_S)]


def seam(gateway, hosted, known, room, file):
    """The largest step from the last picture of a segment on, and whether a bridge followed it."""
    viewer = gateway.watch({"id": room})
    viewer.wait(lambda v: v.video and len({p.ts for p in v.video.packets}) >= 10)
    since = len(gateway.events)
    segment = gateway.request({"request": "enqueue", "id": room, "file": file})["segment"]
    gateway.wait_event("finished", since, segment=segment)
    time.sleep(FADE_MS / 1000 + 0.5)
    viewer.leave()
    pictures = rtp.pictures(viewer.video)
    last = hosted.prepared(file).video[-1].data
    at = max(n for n, picture in enumerate(pictures) if picture.data == last)
    shown = rtp.decode_pictures([picture.data for picture in pictures])[at:at + FADE_MS // 40 + 5]
    return max(poses.steps(shown, hosted.size)), pictures[at + 1].data not in known


def seams(material, runs):
    """Each segment, cut and faded."""
    idle, speech = films(material)
    hosted = HostedRoom(material.size, idle=idle, more=MORE.format(size=material.size, idle=idle, fade=FADE_MS))
    times, bridges = {1: [], 3: []}, []
    try:
        hosted.server.wait_for_state(hosted.handle, 3, "idle")
        for film in speech:
            shutil.copy(film, hosted.segments)
        files = [os.path.basename(film) for film in speech]
        hosted.warm(*files)
        clip = hosted.idle()
        known = {unit.data for unit in clip.video}
        within = max(poses.steps(rtp.decode_pictures([clip.anchor, *(u.data for u in clip.video)])[1:], material.size))
        with Gateway(hosted.server.ws) as gateway:
            for n in range(runs):
                for room, values in times.items():
                    step, is_bridged = seam(gateway, hosted, known, room, files[n % len(files)])
                    values.append(step / within)
                    if room == 3:
                        bridges.append(0 if is_bridged else 1)
    finally:
        hosted.close()
    note = f"mean difference of luma between neighbouring pictures; within dh-talker's idle clip at most {within:.2f}"
    return [Figure("seam, cut: largest step / largest within the clip", times[1], unit="x", runs=f"{runs}", note=note),
            Figure(f"seam, faded over {FADE_MS} ms", times[3], {"p95": 1.5}, unit="x", runs=f"{runs}"),
            Figure("faded seams without their bridge", [sum(bridges)], {"max": 0}, unit="", runs=f"{runs}")]
