# SPDX-License-Identifier: GPL-3.0-or-later
"""A peer of aiortc's with a data channel; see peer.py. After its answer each line is one thing that came, with `at`, the
time in seconds (CLOCK_MONOTONIC): {"message": text} on the channel, or, with `--sound`, {"sound": RTP timestamp} for each
packet that is no silence. `--deaf`: it opens no data channel. It stops to read the channel when the line "stop" comes, and
goes on at "go"; {"heard": line} says that it does."""
import asyncio
import json
import socket
import sys
import time

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.rtcsctptransport import RTCSctpTransport
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtp import RtpPacket

SO_RCVBUFFORCE = 33
SILENCE = 3     # bytes of a packet of encoded silence, at most
options = set(sys.argv[1:])
stopped = []    # not empty: it does not read


def say(**what):
    print(json.dumps({"at": time.monotonic(), **what}), flush=True)


def hear_packets():
    plain = RTCDtlsTransport._handle_rtp_data

    async def handle(self, data, arrival_time_ms):
        packet = RtpPacket.parse(data, self._rtp_header_extensions_map)
        if packet.payload_type == 111 and len(packet.payload) > SILENCE:
            say(sound=packet.timestamp)
        await plain(self, data, arrival_time_ms)
    RTCDtlsTransport._handle_rtp_data = handle


def stop_reading():
    """SCTP packets that come are lost, so none of them is acknowledged."""
    plain = RTCSctpTransport._handle_data

    async def handle(self, data):
        if not stopped:
            await plain(self, data)
    RTCSctpTransport._handle_data = handle


def hold_much(peer):
    """On a busy machine much may come before it is read. What is lost of the channel would be sent again a second later."""
    of = [t.receiver for t in peer.getTransceivers()] + ([peer.sctp] if peer.sctp else [])
    for transport in {each.transport for each in of}:
        for protocol in transport.transport._connection._protocols:
            own = protocol.transport.get_extra_info("socket")
            try:
                own.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 2 << 20)
            except OSError:
                own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 << 20)


def on_channel(channel):
    channel.on("message", lambda text: say(message=text))


async def main():
    loop = asyncio.get_running_loop()
    read = lambda: loop.run_in_executor(None, sys.stdin.readline)
    if "--sound" in options:
        hear_packets()
    stop_reading()
    say(ready=True)
    offer = json.loads(await read())
    peer = RTCPeerConnection()
    peer.on("datachannel", on_channel)
    if "--deaf" not in options:
        # Who opens the channel is the peer, as janus.js does: Janus says only of an open one that it is ready.
        on_channel(peer.createDataChannel("JanusDataChannel"))
    await peer.setRemoteDescription(RTCSessionDescription(offer["sdp"], offer["type"]))
    await peer.setLocalDescription(await peer.createAnswer())
    hold_much(peer)
    print(json.dumps({"type": peer.localDescription.type, "sdp": peer.localDescription.sdp}), flush=True)
    while line := await read():
        stopped[:] = [True] if line.strip() == "stop" else []
        say(heard=line.strip())
    await peer.close()


asyncio.run(main())
