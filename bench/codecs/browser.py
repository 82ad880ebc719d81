# SPDX-License-Identifier: GPL-3.0-or-later
"""What Chromium makes of spliced streams: in WebCodecs, and as a viewer of Janus' stock Streaming plugin."""
import contextlib
import os
import random
import socket
import struct
import time

from janus_server import JanusServer, free_ports
from probe import Server, browser, janus_js, packaged

HERE = os.path.dirname(os.path.abspath(__file__))
CODECS = {"vp8": "vp8", "vp9": "vp09.00.30.08", "av1": "av01.0.04M.08", "h264": "avc1.4D001F"}
FORMATS = {"h264": "profile-level-id=4d001f;packetization-mode=1;level-asymmetry-allowed=1"}
PAYLOAD_TYPE = 100


@contextlib.contextmanager
def pages(files=None):
    """A browser, and a server with watch.html and more files: {name: path}."""
    given = {"/": os.path.join(HERE, "watch.html"), "/janus.js": janus_js(),
             "/adapter.js": packaged("libjs-webrtc-adapter", "adapter.js"),
             **{"/" + name: path for name, path in (files or {}).items()}}
    with browser() as chromium, Server(given) as server:
        yield chromium, server


def webcodecs(chromium, server, name, codec, keys):
    """Decodes the server's file of that name; `keys`: numbers of its key frames."""
    page = chromium.open(f"{server.url}?keys={keys}".replace(" ", ""))
    try:
        return page.evaluate(f"decode('/{name}', '{CODECS[codec]}')", 300)
    finally:
        page.close()


def mountpoint(codec, port):
    fmtp = f' fmtp = "{FORMATS[codec]}"' if codec in FORMATS else ""
    return {"janus.plugin.streaming.jcfg": f'one: {{ type = "rtp" id = 1 media = ( {{ type = "video" mid = "v" label = "v" '
            f'port = {port} pt = {PAYLOAD_TYPE} codec = "{codec}"{fmtp} }} ) }}'}


def feed(port, packetise, units, fps=25, keys=(0,), lost=(), backs=None):
    """Sends the access units in real time, paced, but for those that are lost. `backs`: how far back the picture is to
    which one is said to refer, where it is not the one before."""
    sock, sequence, start = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0, time.monotonic()
    first = random.Random(1).randrange(1 << 15)
    for number, unit in enumerate(units):
        time.sleep(max(0, start + number / fps - time.monotonic()))
        payloads = packetise(unit, first + number & 0x7fff, number in keys, (backs or {}).get(number, 1))
        for i, payload in enumerate(payloads):
            marker = 0x80 if i == len(payloads) - 1 else 0
            head = struct.pack("!BBHII", 0x80, marker | PAYLOAD_TYPE, sequence & 0xffff, number * 90000 // fps, 0x2222)
            sequence += 1
            if number not in lost:
                sock.sendto(head + payload, ("127.0.0.1", port))


def through_janus(codec, packetise, units, **more):
    """A viewer of a mountpoint that is fed so: what it saw, and its statistics. Where the machine's networks change
    while the two connect, they do not: tries again."""
    for attempts in reversed(range(4)):
        try:
            return watched(codec, packetise, units, **more)
        except TimeoutError:
            if not attempts:
                raise


def watched(codec, packetise, units, **more):
    port = free_ports(1)[0]
    with JanusServer("", plugins=("libjanus_streaming.so",), files=mountpoint(codec, port)) as janus:
        with pages() as (chromium, server):
            page = chromium.open(server.url)
            page.evaluate(f"watch('{janus.ws}')")
            page.wait("seen.up || seen.errors.length", 20)
            time.sleep(1)
            feed(port, packetise, units, **more)
            time.sleep(1)
            seen = page.evaluate("seen")
            seen["statistics"] = page.evaluate("statistics()")
            return seen


def in_order(expected, got):
    """How many of the pictures that were shown are the expected ones, in their order; how many there were."""
    at = right = 0
    for sum_ in got:
        with contextlib.suppress(ValueError):
            at = expected.index(sum_, at) + 1
            right += 1
    return right, len(got), len(expected)
