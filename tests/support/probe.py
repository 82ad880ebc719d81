# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real browser shows and plays of a room: probe.html in headless Chromium.

    with browser() as chromium, Server() as server:
        probe = Probe(chromium, server, ws, {"id": 1})
        …
        print(lips(probe.take()))
"""
import json
import os
import subprocess
import urllib.parse

import numpy as np

from chromium import Chromium
from marks import flashes, pairs
from web_server import WebServer

HERE = os.path.dirname(os.path.abspath(__file__))
ARGUMENTS = ["--autoplay-policy=no-user-gesture-required",
             # nothing leaves the machine
             "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"]


def browser(more=(), shell=False):
    return Chromium([*ARGUMENTS, *more], shell)


def janus_js():
    """The script of the Janus that DH_JANUS names, or Debian's."""
    own = os.path.join(os.environ.get("DH_JANUS", "/nowhere"), "share/janus/html/demos/janus.js")
    return own if os.path.exists(own) else packaged("libjs-janus-gateway", "janus.js")


def packaged(package, name):
    """The path of a file of a Debian package."""
    files = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=True).stdout.split()
    return next(f for f in files if f.endswith("/" + name))


class Server(WebServer):
    """Files on 127.0.0.1: `files` maps paths of the URL to files; more may be added."""

    TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

    def __init__(self, files=None):
        self.files = files or {
            "/": os.path.join(HERE, "probe.html"),
            "/ear.js": os.path.join(HERE, "ear.js"),
            "/janus.js": janus_js(),
            "/adapter.js": packaged("libjs-webrtc-adapter", "adapter.js")}
        super().__init__()
        self.url = "http://127.0.0.1:%d/" % self.port

    def _get(self, request):
        path = self.files.get(urllib.parse.urlparse(request.path).path)
        if not path:
            return request.send_error(404)
        with open(path, "rb") as file:
            body = file.read()
        request.send_response(200)
        request.send_header("Content-Type", self.TYPES.get(os.path.splitext(path)[1], "application/octet-stream"))
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def dropped(ports):
    """How many packets to these ports the system dropped, since a browser did not take them in time."""
    count = 0
    for table in "udp", "udp6":
        with open("/proc/net/" + table) as file:
            for line in list(file)[1:]:
                fields = line.split()
                if int(fields[1].rsplit(":", 1)[1], 16) in ports:
                    count += int(fields[-1])
    return count


class Probe:
    """One page that watches one room; the JavaScript `before` runs before its own."""

    def __init__(self, chromium, server, ws, watch, plugin="janus.plugin.digitalhuman", before=None):
        query = urllib.parse.urlencode({"ws": ws, "plugin": plugin, "watch": json.dumps({"request": "watch", **watch})})
        self.page = chromium.open(f"{server.url}?{query}", before=before)

    def wait_playing(self, timeout=60, frames=3):
        self.page.wait(f"probe.error || probe.frames.length >= {frames}", timeout)
        if error := self.page.evaluate("probe.error"):
            raise AssertionError(error)

    def take(self):
        """Everything noted so far, with the current statistics."""
        data = self.page.evaluate(
            "(async () => ({...probe, stats: await probe.stats(), latency: probe.latency()}))()")
        if data["error"]:
            raise AssertionError(data["error"])
        return data

    def finish(self, timeout=60):
        """Pauses the viewer and waits until every received picture is decoded or dropped: a slow decoder gets there,
        one that cannot decode a picture never does."""
        self.page.evaluate("probe.pause()")
        self.page.wait("probe.undecoded().then(n => n <= 0)", timeout)

    def assert_undisturbed(self, case, data, janus):
        """Nothing is missing but what Janus (a JanusServer) itself or the system dropped, and if that was nothing, one key
        frame was enough."""
        video, audio = data["stats"]["video"], data["stats"]["audio"]
        lost = dropped(self.page.evaluate("probe.ports()")) + janus.discarded(self.page.evaluate("probe.handle()"))
        case.assertLessEqual(video["packetsLost"] + audio["packetsLost"], lost)
        if not lost:
            case.assertEqual((video["pliCount"], video["firCount"]), (0, 0), "the browser had to ask for a key frame")
            case.assertEqual(video.get("keyFramesDecoded", 1), 1)
        case.assertEqual(self.page.errors, [])

    def close(self):
        self.page.close()


def stood_still(data, start, end):
    """For how long, of that time, the page had no time for anything, in ms."""
    ticks = [start, *(t for t in data["ticks"] if start < t < end), end]
    return sum(max(0, after - before - 200) for before, after in zip(ticks, ticks[1:]))


def lips(data, since=0):
    """Flash minus beep in ms (+: the picture is late), from `since` (ms of the page) on:
    `shown`     picture on the display, sound at the output device; empty where that cannot be known
    `rendered`  picture handed to the compositor, sound in WebAudio: without the
                latency of an output device
    """
    frames = [f for f in data["frames"] if f["presented"] >= since]
    luma = [f["luma"] for f in frames]
    out = {}
    for name, picture, sound in (("shown", "shown", "heard"), ("rendered", "presented", "rendered")):
        heard = np.array([b[sound] for b in data["beeps"] if b[sound] is not None and b[sound] >= since])
        out[name] = (pairs(flashes([f[picture] for f in frames], luma) / 1000, heard / 1000) * 1000).tolist()
    return out
