# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of pushed segments: how soon they sound, and how many rooms may speak by them."""
import os
import random
import subprocess
import threading
import time

import marks
from figure import Figure
from janus_server import free_ports
from material import open_room
from packets import first_speech
from pushing import Push, anchor
from viewers import Gateway

SECONDS = 10
ROOMS = 200             # 11 to 210, beside the one that is watched
WANTED = {"raw": 16, "prepared": 150}       # that speak at once
ROOM = 'room-{id}: {{ id = {id} avatar = "probe" }}\n'


class Pushes:
    """A gateway that takes pushes, and one medium, raw and prepared."""

    def __init__(self, material, rooms=0, **options):
        """With so many rooms from 11 on, beside the two of open_room."""
        port, = free_ports(1)
        self.address = ("127.0.0.1", port)
        self.hosted = open_room(
            material, general=f'push_listen = "127.0.0.1:{port}"\nmax_pushes = {rooms + 16}\n'
                              f"max_rooms = {rooms + 2}\nmax_live = {rooms + 16}\n",
            more="".join(ROOM.format(id=n) for n in range(11, 11 + rooms)), **options)
        self.media = {}
        for name, path in (("raw", raw(material)), ("prepared", self.prepared(raw(material)))):
            with open(path, "rb") as file:
                self.media[name] = file.read()

    def prepared(self, film):
        avatar, path = film + ".anchor", film + ".dhs"
        with open(avatar, "wb") as file:
            file.write(anchor(self.address, 1))
        subprocess.run([os.environ["DH_PREPARE"], "--quiet", "--avatar", avatar, "-o", path, film], check=True)
        return path

    def push(self, room, name):
        """Writes as fast as it is read, in a thread of its own."""
        push = Push(self.address, {"room": room, "progress_ms": 0})

        def write():
            try:
                push.send(self.media[name])
                push.end()
            except OSError:
                pass

        threading.Thread(target=write, daemon=True).start()
        return push


def raw(material):
    """What a model yields: 512x512 BGR24 at 25 fps, 24 kHz float sound."""
    film = material.mp4(SECONDS)
    return material.make(f"{SECONDS}s-raw.nut", lambda path: marks.ffmpeg(
        "-i", film, "-c:v", "rawvideo", "-pix_fmt", "bgr24", "-c:a", "pcm_f32le", "-ar", "24000", "-ac", "1",
        "-f", "nut", path))


def push(material, runs):
    """From the first byte of a pushed segment to its first packet of sound."""
    pushes = Pushes(material)
    times = {"raw": [], "prepared": []}
    try:
        with Gateway(pushes.hosted.server.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            time.sleep(2)
            for _ in range(runs):
                for name, values in times.items():
                    time.sleep(random.uniform(0.3, 0.7))
                    sent = time.time()
                    one = pushes.push(1, name)
                    values.append((viewer.wait(lambda v: first_speech(v, sent), 20) - sent) * 1000)
                    gateway.request({"request": "interrupt", "id": 1})
                    one.result()
                    one.close()
    finally:
        pushes.hosted.close()
    note = "512x512, 25 fps, written as fast as it is read, so that the preroll takes no time"
    return [Figure("pushed -> first packet, raw pictures and sound", times["raw"], {"p95": 60}, runs=f"{runs}", note=note),
            Figure("pushed -> first packet, prepared stream", times["prepared"], {"p95": 20}, runs=f"{runs}")]


# ---------------------------------------------------------------------- many at once

def speak(pushes, count, name):
    """Whether `count` rooms that begin together all speak to their ends without a hold."""
    each = [pushes.push(11 + n, name) for n in range(count)]
    results = [one.result(20 * SECONDS + count) for one in each]
    held = sum(line.get("event") == "held" for one in each for line in one.said())
    for one in each:
        one.close()
    if any(result["event"] != "finished" for result in results):
        raise RuntimeError(f"a push ended otherwise: {results}")
    return held == 0


def most(pushes, name):
    """The largest number without a hold: doubled until one holds, then halved in between, to a sixteenth. What is wanted is
    tried itself where it is in what is left."""
    good, bad, count = 0, ROOMS + 1, 8
    while bad - good > max(1, good // 16):
        if speak(pushes, count, name):
            good = count
        else:
            bad = count
        count = min(2 * good or 1, ROOMS) if bad > ROOMS else (good + bad) // 2
    if good < WANTED[name] < bad and speak(pushes, WANTED[name], name):
        good = WANTED[name]
    return good


class Shares:
    """Processor time, in cores: of the senders (this program), of Janus, of its workers."""

    def __init__(self, hosted):
        self.pid = hosted.server.process.pid
        self.begun, self.before = time.monotonic(), self.read()

    def read(self):
        with open(f"/proc/{self.pid}/stat") as file:
            fields = list(map(int, file.read().rsplit(")", 1)[1].split()[11:15]))
        tick, own = os.sysconf("SC_CLK_TCK"), os.times()
        return own.user + own.system, sum(fields[:2]) / tick, sum(fields[2:]) / tick

    def text(self):
        seconds = time.monotonic() - self.begun
        return "senders %.2f, Janus %.2f, workers that have ended %.2f cores" % tuple(
            (now - was) / seconds for was, now in zip(self.before, self.read()))


def crowd(material, runs):
    """How many rooms speak at once by pushes, without a hold."""
    pushes = Pushes(material, ROOMS)
    try:
        with Gateway(pushes.hosted.server.ws) as gateway:
            for room in range(11, 11 + ROOMS):
                while gateway.request({"request": "info", "id": room})["info"]["state"] != "idle":
                    time.sleep(0.1)
        found, shares = {}, {}
        for name in ("raw", "prepared"):
            share = Shares(pushes.hosted)
            found[name] = [most(pushes, name) for _ in range(runs)]
            shares[name] = share.text()
    finally:
        pushes.hosted.close()
    figures = [Figure(f"rooms that speak at once by {name} pushes", values, unit="",
                      note=f"512x512, 25 fps, {SECONDS} s each; at least {WANTED[name]} are wanted; in all that was tried: "
                           f"{shares[name]}") for name, values in found.items()]
    return figures + [Figure(f"{name} pushes short of what is wanted", [max(0, WANTED[name] - value) for value in values],
                             {"max": 0}, unit="") for name, values in found.items()]
