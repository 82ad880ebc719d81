# SPDX-License-Identifier: GPL-3.0-or-later
"""What many digital humans in Python send with: one process that makes pictures and sound and encodes them for its
viewer with aiortc. Only for comparing what that costs.

    aiortc_server.py serve FILM     reads an offer, writes the answer; plays the film again and again
    aiortc_server.py watch          writes an offer, reads the answer; says "plays" once it does
"""
import asyncio
import json
import sys
import time
from fractions import Fraction

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

FPS, RATE = 25, 24000
KBPS = 800


def load(path):
    pictures, sound = [], []
    with av.open(path) as file:
        for frame in file.decode(video=0):
            pictures.append(frame.to_ndarray(format="bgr24"))
    with av.open(path) as file:
        for frame in file.decode(audio=0):
            sound.append(frame.to_ndarray().ravel())
    return pictures, (np.concatenate(sound) * 32767).astype(np.int16)


class Clocked(MediaStreamTrack):
    """Gives each frame at its time."""

    begun = None

    async def wait(self, seconds):
        Clocked.begun = Clocked.begun or time.monotonic()
        await asyncio.sleep(max(0, Clocked.begun + seconds - time.monotonic()))


class Pictures(Clocked):
    kind = "video"

    def __init__(self, pictures):
        super().__init__()
        self.pictures, self.number = pictures, 0

    async def recv(self):
        await self.wait(self.number / FPS)
        frame = av.VideoFrame.from_ndarray(self.pictures[self.number % len(self.pictures)], format="bgr24")
        frame.pts, frame.time_base = self.number * 90000 // FPS, Fraction(1, 90000)
        self.number += 1
        return frame


class Sound(Clocked):
    kind = "audio"

    def __init__(self, samples):
        super().__init__()
        self.samples, self.number = samples, 0

    async def recv(self):
        count = RATE // 50
        await self.wait(self.number / 50)
        at = self.number * count % (len(self.samples) - count)
        frame = av.AudioFrame(format="s16", layout="mono", samples=count)
        frame.planes[0].update(self.samples[at:at + count].tobytes())
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.number * count, Fraction(1, RATE)
        self.number += 1
        return frame


async def read():
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    return RTCSessionDescription(**json.loads(line))


async def write(connection):
    """Without header extensions: aiortc gives those of sound and picture the same numbers."""
    lines = [line for line in connection.localDescription.sdp.splitlines()
             if not line.startswith("a=extmap:") or line.endswith("sdes:mid")]
    print(json.dumps({"sdp": "\r\n".join(lines) + "\r\n", "type": connection.localDescription.type}), flush=True)


async def serve(path):
    from aiortc.codecs import vpx
    vpx.DEFAULT_BITRATE = vpx.MAX_BITRATE = KBPS * 1000     # it has no other way to set it
    pictures, samples = load(path)
    connection = RTCPeerConnection()
    connection.addTrack(Sound(samples))
    connection.addTrack(Pictures(pictures))
    await connection.setRemoteDescription(await read())
    await connection.setLocalDescription(await connection.createAnswer())
    await write(connection)
    await asyncio.sleep(3600)


async def watch():
    connection, seen = RTCPeerConnection(), asyncio.Event()

    async def take(track):
        for number in range(1 << 30):
            await track.recv()
            if number == 50:
                seen.set()

    connection.on("track", lambda track: track.kind == "video" and asyncio.ensure_future(take(track)))
    for kind in ("audio", "video"):
        connection.addTransceiver(kind, direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    await write(connection)
    await connection.setRemoteDescription(await read())
    await seen.wait()
    print("plays", flush=True)
    await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[2]) if sys.argv[1] == "serve" else watch())
