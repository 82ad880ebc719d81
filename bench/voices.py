# SPDX-License-Identifier: GPL-3.0-or-later
"""How soon a viewer that speaks makes the avatar fall silent."""
import os
import random
import subprocess

import echo_room
from figure import Figure
from hosted_room import HostedRoom, is_speech
from viewers import Gateway

BARGE_IN_MS = 300


def quiet(frames):
    return [-65 + random.randint(-1, 1) for _ in range(frames)]


def voice(frames):
    return [-24 + random.randint(-6, 6) for _ in range(frames)]


def barge_in(material, runs):
    """From the beginning of a voice at the viewer to the last packet of speech that comes to it, beyond barge_in."""
    hosted = HostedRoom(room=f"barge_in = {BARGE_IN_MS}")
    silent, missed = [], 0
    try:
        subprocess.run([os.environ["DH_TALKER"], "--size", "256x256", "-o", os.path.join(hosted.segments, "speech.nut"),
                        echo_room.AVATAR], check=True)
        hosted.warm("speech.nut")
        with Gateway(hosted.server.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.audio and v.video)
            viewer.listen()
            for _ in range(runs):
                since = len(gateway.events)
                name = gateway.request({"request": "enqueue", "id": 1, "file": "speech.nut"})["segment"]
                gateway.wait_event("started", since, segment=name)
                left = viewer.speak(quiet(60 + random.randrange(20)) + voice(40) + quiet(60))
                begun = left[-100] - 0.02
                end = gateway.wait_event(("interrupted", "finished"), since, segment=name)[1]["event"]
                missed += end == "finished"
                speech = [p.arrival for p in viewer.audio.packets if is_speech(p)]
                if end == "interrupted":
                    silent.append((speech[-1] - begun) * 1000 - BARGE_IN_MS)
    finally:
        hosted.close()
    return [
        Figure("onset of a voice -> last packet of speech, beyond barge_in", silent, {"max": 80},
               note="the onset is where the first 20 ms of voice begin, at the viewer"),
        Figure("voices that did not interrupt", [missed], {"max": 0}, unit="", runs=str(runs)),
    ]
