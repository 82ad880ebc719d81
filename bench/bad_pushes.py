# SPDX-License-Identifier: GPL-3.0-or-later
"""Do generators that push badly disturb other rooms, and does anything of them stay? Nine of ten rooms are measured
while nobody pushes to the first one, and while somebody pushes badly."""
import contextlib
import json
import os
import random
import shutil
import socket
import sys
import time

import numpy as np

import isolation
import neighbours
from figure import Figure
from janus_server import free_ports
from material import open_room
from neighbours import told
from pushing import connect, token
from viewers import Gateway

GONE_S = 5              # what stays open longer is left open
CROWD = 1000
MAX_PUSHES = 64
TIMES = 1.2             # what figures may be of those beside a room to which nobody pushes
FLOOR_MS = 2            # or so much more: of a few milliseconds a fifth is the machine's own noise
SECRET = "whisper"

# Each gets the gateway's address and a whole segment, and goes on until it is killed.


def begin(address, **line):
    """A connection and its first line; None if it is refused at once."""
    try:
        sock = reach(address)
        sock.sendall(json.dumps({"room": 1, "token": token(SECRET, 1), "progress_ms": 0, **line}).encode() + b"\n")
        return sock
    except OSError as refusal:
        told.refusal = str(refusal)
        return None


def reach(address):
    sock = connect(address)
    told.accept()
    return sock


def breaks_off(address, data):
    """In the first line, in the media, by a reset, with the rest unread."""
    sock = begin(address)
    if sock:
        try:
            sock.sendall(data[:random.randrange(len(data))])
        except OSError:
            pass
        if random.random() < 0.5:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()
    time.sleep(0.05)


def stalls(address, data, held=[]):
    """Connections that say nothing, or stop within the line or the media."""
    kind = random.randrange(3)
    sock = reach(address) if kind == 0 else begin(address)
    if sock:
        try:
            if kind == 2:
                sock.sendall(data[:100000])
        except OSError:
            pass
        held.append(sock)
    if len(held) > 40:
        held.pop(0).close()
    time.sleep(0.1)


def lies(address, data):
    """A container of one kind that goes on as another, sizes that are not true, a prepared stream with wrong bytes."""
    data = bytearray(data)
    for _ in range(20):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    sock = begin(address, words=[["late", 0, 10 ** 9]] if random.random() < 0.3 else None)
    if sock:
        try:
            sock.sendall(random.choice((data, b"DHS1" + data, data[:5000] + b"RIFF" + data[5000:])))
            sock.close()
        except OSError:
            pass
    time.sleep(0.05)


def repeats_tokens(address, data, used=token(SECRET, 1)):
    """The same token again and again, and others that are wrong."""
    sock = begin(address, token=random.choice((used, used[:-1], token("guess", 1), token(SECRET, 2))))
    if sock:
        try:
            sock.sendall(data[:1000])
            sock.recv(1000)
        except OSError:
            pass
        sock.close()
    time.sleep(0.01)


def sends_rubbish(address, data):
    """No line, lines without an end, lines that are no JSON, and media that are none."""
    sock = begin(address) if random.random() < 0.5 else reach(address)
    if sock:
        try:
            sock.sendall(os.urandom(random.randrange(1, 200000)))
            sock.close()
        except OSError:
            pass
    time.sleep(0.02)


def comes_in_crowds(address, data):
    """A thousand connections at once, most beyond the limit."""
    socks = [begin(address) for _ in range(CROWD)]
    for sock in socks:
        if sock:
            try:
                sock.setblocking(False)
                sock.send(data[:10000])
            except OSError:
                pass
            sock.close()
    time.sleep(0.2)


WAYS = {
    "pushes that break off": breaks_off,
    "pushes that stall": stalls,
    "pushes that lie": lies,
    "tokens again": repeats_tokens,
    "rubbish": sends_rubbish,
    "a thousand at once": comes_in_crowds,
}


def queued(gateway):
    """Segments of the first room, so far."""
    return gateway.request({"request": "stats", "id": 1, "secret": SECRET})["segments"]["queued"]


@contextlib.contextmanager
def neighbour(way, gateway, port, path):
    """Pushes to room 1 in that `way`; raises if none of it was a push to the room that was taken."""
    before = queued(gateway)
    with neighbours.apart(way, os.path.abspath(__file__), str(port), path):
        yield
    if queued(gateway) == before:
        raise RuntimeError(f"{way}: no push was taken")


def left_open(hosted, before):
    """Descriptors and processes of Janus more than before, GONE_S after the last push has gone."""
    time.sleep(GONE_S)
    now = hosted.use()
    return max(0, now["descriptors"] - before["descriptors"]) + max(0, now["processes"] - before["processes"])


def steady(way, quiet, bad):
    """Medians may be TIMES what they are beside a quiet room, or FLOOR_MS more where that is more."""
    figures = []
    for name, what in (("enqueue", "enqueue (cached)"), ("say", "say -> sound"), ("event", "events")):
        before, now = (float(np.median(isolation.pooled(windows, name))) for windows in (quiet, bad))
        figures.append(Figure(f"{way}: {what}, median", [now], {"max": round(max(TIMES * before, before + FLOOR_MS), 2)},
                              runs=f"{len(bad)} x {isolation.WINDOW_S} s", note=f"median {before:.1f} -> {now:.1f} ms"))
    return figures


def bad_pushes(material, runs, ways=""):
    """Nine rooms beside one that is pushed to badly, compared with nine beside a quiet one."""
    port, = free_ports(1)
    rooms = isolation.configuration(material.size).replace('room-1: {', f'room-1: {{ secret = "{SECRET}"')
    known, figures = material.mp4(5), []
    hosted = open_room(material, rooms=False, more=rooms, general=f'push_listen = "127.0.0.1:{port}"\n'
                       f"max_pushes = {MAX_PUSHES}\nmax_pushes_per_room = {MAX_PUSHES // 2}\nworker_silence_s = 3\n")
    try:
        shutil.copy(known, os.path.join(hosted.segments, "known.mp4"))
        with Gateway(hosted.server.ws) as gateway:
            gateway.observe({"id": isolation.EVENTS})
            viewer = gateway.watch({"id": isolation.MEASURED})
            crowd = [v for n in range(2, isolation.ROOMS + 1) for v in gateway.watch_many(isolation.VIEWERS, {"id": n})]
            isolation.timed_speech(gateway, viewer, "enqueue", file="known.mp4")
            time.sleep(5)
            isolation.window(gateway, viewer, crowd)
            for way in (w for w in WAYS if ways in w):
                quiet, bad, left = [], [], []
                for _ in range(runs):
                    quiet.append(isolation.window(gateway, viewer, crowd))
                    before = hosted.settled_use()
                    with neighbour(way, gateway, port, known):
                        bad.append(isolation.window(gateway, viewer, crowd))
                    gateway.request({"request": "interrupt", "id": 1, "secret": SECRET})
                    left.append(left_open(hosted, before))
                figures += isolation.compare(way, quiet, bad) + steady(way, quiet, bad)
                figures.append(Figure(f"{way}: left open after {GONE_S} s", left, {"max": 0}, unit=""))
    finally:
        hosted.close(check=False)
    return figures


def misbehave(way, port, path):
    told.at_the_end()
    with open(path, "rb") as file:
        data = file.read()
    while True:
        try:
            WAYS[way](("127.0.0.1", int(port)), data)
        except OSError as refusal:
            told.refusal = str(refusal)
            time.sleep(0.05)


if __name__ == "__main__":
    misbehave(*sys.argv[1:])
