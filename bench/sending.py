# SPDX-License-Identifier: GPL-3.0-or-later
"""What the one thread takes that hands out a room's packets: for each viewer, whom Janus's threads send to, and for each
forward, to which it sends itself."""
import base64
import os
import socket
import time

import usage
from figure import Figure
from material import open_room
from viewers import Gateway

COUNT, SECONDS = 50, 10
GENERAL = f'forward_hosts = [ "127.0.0.1" ] max_forwards = {COUNT} max_forwards_per_room = {COUNT}'
SRTP = {"srtp_suite": 80, "srtp_crypto": base64.b64encode(bytes(range(30))).decode()}


def thread_ms(hosted):
    """Milliseconds of processor time that the threads of the rooms take in a second; only one of them has anything to do."""
    def own():
        return sum(ns for name, ns in usage.threads_ns(hosted.server.process.pid).values() if name.startswith("dh room"))
    before, begun = own(), time.monotonic()
    time.sleep(SECONDS)
    return (own() - before) / 1e6 / (time.monotonic() - begun)


def with_forwards(hosted, ports, **more):
    ask = hosted.handle.request
    targets = {"audio_port": ports[0], "video_port": ports[1], "keyframe_ms": 10000}
    streams = [stream["stream_id"] for _ in range(COUNT) for stream in
               ask({"request": "rtp_forward", "id": 1, "host": "127.0.0.1", **targets, **more})["forwarders"]]
    time.sleep(1)
    used = thread_ms(hosted)
    for stream in streams:
        ask({"request": "stop_rtp_forward", "id": 1, "stream_id": stream})
    return used


def with_viewers(hosted):
    with Gateway(hosted.server.ws) as gateway:
        gateway.watch_many(COUNT, {"id": 1})
        time.sleep(3)
        return thread_ms(hosted)


def sending(material, runs):
    """Processor time of a speaking room's thread for each viewer, forward, and forward with SRTP."""
    segment, results = material.mp4(20), {"viewer": [], "forward": [], "forward with SRTP": []}
    hosted = open_room(material, segment, general=GENERAL, janus_general="event_loops = 2")
    targets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for target in targets:
        target.bind(("127.0.0.1", 0))
    ports = [target.getsockname()[1] for target in targets]
    try:
        name = os.path.basename(segment)
        hosted.warm(name)
        for _ in range(runs):
            answer = hosted.handle.request({"request": "enqueue", "id": 1, "file": name, "repeat": 100, "priority": "urgent"})
            if "segment" not in answer:
                raise RuntimeError(f"the room does not speak: {answer}")
            alone = thread_ms(hosted)
            for what, used in (("viewer", with_viewers(hosted)), ("forward", with_forwards(hosted, ports)),
                               ("forward with SRTP", with_forwards(hosted, ports, **SRTP))):
                results[what].append((used - alone) / COUNT)
    finally:
        hosted.close()
        for target in targets:
            target.close()
    return [Figure(f"a room's thread, for each second of a {what}", used, runs=f"{runs} x {SECONDS} s with {COUNT}")
            for what, used in results.items()]
