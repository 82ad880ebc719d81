# SPDX-License-Identifier: GPL-3.0-or-later
"""A peer of aiortc's, which decodes what comes; see peer.py."""
import asyncio
import json
import sys

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

received = {"audio": 0, "video": 0}


def say(what):
    print(json.dumps(what), flush=True)


async def count(track):
    try:
        while await track.recv():
            received[track.kind] += 1
    except MediaStreamError:
        pass


async def main():
    loop, tasks = asyncio.get_running_loop(), []
    say({"ready": True})
    offer = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    peer = RTCPeerConnection()
    peer.on("track", lambda track: tasks.append(asyncio.ensure_future(count(track))))
    await peer.setRemoteDescription(RTCSessionDescription(offer["sdp"], offer["type"]))
    await peer.setLocalDescription(await peer.createAnswer())
    say({"type": peer.localDescription.type, "sdp": peer.localDescription.sdp})
    over = loop.run_in_executor(None, sys.stdin.read)
    while not over.done():
        say(received)
        await asyncio.sleep(0.1)
    await peer.close()


asyncio.run(main())
