# SPDX-License-Identifier: GPL-3.0-or-later
"""WHEP players of others watch a room, through examples/whep: npm's whip-whep in Chromium, aiortc, and GStreamer."""
import asyncio
import json
import os
import re
import subprocess
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from aiortc import RTCPeerConnection, RTCSessionDescription

import npm
from hosted_room import HostedRoom
from janus_server import WAIT_S
from peer import Peer
from probe import Server, browser

SUPPORT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support")
hosted = None


def ask(request, **fields):
    return hosted.handle.request({"request": request, **fields})


def setUpModule():
    global hosted, folder
    folder = npm.project("examples/whep", "whip-whep@1")
    hosted = HostedRoom(general='also_answer_as = "streaming"', more='room-pin: { id = 3 avatar = "probe" pin = "pearl" }')
    unittest.addModuleCleanup(hosted.close)


class Bridge:
    """The example as a process."""

    def __init__(self, *options):
        self._process = subprocess.Popen(["node", "server.mjs", "--janus", hosted.server.ws, "--port", "0", *options], cwd=folder,
                                         stdout=subprocess.PIPE, text=True)
        line = ""
        while not (found := re.search(r"WHEP at (http:\S+)ROOM", line)):
            line = self._process.stdout.readline()
            assert line, f"the bridge ended with {self._process.wait()}"
        self._url = found[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()

    def url(self, room):
        return self._url + str(room)


def post(url, sdp, token=None):
    """The answer, and the place of what was made."""
    headers = {"Content-Type": "application/sdp", **({"Authorization": "Bearer " + token} if token else {})}
    with urllib.request.urlopen(urllib.request.Request(url, sdp.encode(), headers), timeout=WAIT_S) as response:
        return response.status, response.headers["Location"], response.read().decode()


def end(place):
    """The status."""
    with urllib.request.urlopen(urllib.request.Request(place, method="DELETE"), timeout=WAIT_S) as response:
        return response.status


def refusal(url, token=None):
    """The answer to a player that must not watch."""
    try:
        return post(url, "v=0\r\n", token)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def wait_for_watching(room, count):
    end = time.monotonic() + WAIT_S
    while (watching := ask("info", id=room)["info"]["watching"]) != count:
        assert time.monotonic() < end, f"{watching} watch room {room}"
        time.sleep(0.05)


class Players(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bridge = cls.enterClassContext(Bridge("--pin", "3=pearl"))
        cls.server = cls.enterClassContext(Server({"/": os.path.join(SUPPORT, "whep.html"), "/whep.js": os.path.join(folder, "node_modules/whip-whep/whep.js")}))
        cls.chromium = cls.enterClassContext(browser())

    def play(self, room, token=None):
        page = self.chromium.open(self.server.url)
        self.addCleanup(page.close)
        page.wait("window.ready")
        self.play_in(page, room, token)
        return page

    def play_in(self, page, room, token=None):
        page.evaluate(f"play({json.dumps(self.bridge.url(room))}, {json.dumps(token)})")
        page.wait("document.getElementById('v').currentTime > 0.5")
        self.assertEqual(page.evaluate("document.getElementById('v').videoWidth"), hosted.size)
        page.wait("peer.getReceivers().length === 2 && peer.getReceivers().every(r => !r.track.muted)")
        wait_for_watching(room, 1)

    def test_a_browser_plays_stops_and_plays_again(self):
        page = self.play(1)
        page.evaluate("stop()")
        wait_for_watching(1, 0)
        self.play_in(page, 1)

    def test_a_pin_is_the_token(self):
        self.assertEqual([refusal(self.bridge.url(3)), refusal(self.bridge.url(3), "oyster")], [403, 403])
        self.play(3, "pearl")

    def test_rooms_that_come_and_go(self):
        self.assertEqual([refusal(self.bridge.url(room)) for room in (9, "none", "..%2F1")], [404, 404, 404])
        ask("create", id=9, avatar="probe")
        page = self.play(9)
        ask("destroy", id=9)
        page.wait("peer.connectionState !== 'connected'")
        self.assertEqual(refusal(self.bridge.url(9)), 404)
        ask("create", id=9, avatar="probe", pin="new")
        self.addCleanup(ask, "destroy", id=9)
        self.assertEqual([refusal(self.bridge.url(9)), refusal(self.bridge.url(9), "new")], [403, 403])

    def test_aiortc_plays(self):
        asyncio.run(self.by_aiortc())

    async def by_aiortc(self):
        peer = RTCPeerConnection()
        for kind in ("audio", "video"):
            peer.addTransceiver(kind, direction="recvonly")
        await peer.setLocalDescription(await peer.createOffer())
        status, _, answer = await asyncio.to_thread(post, self.bridge.url(1), peer.localDescription.sdp)
        self.assertEqual(status, 201)
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        try:
            for track in [receiver.track for receiver in peer.getReceivers()]:
                frame = await asyncio.wait_for(track.recv(), WAIT_S)
                if track.kind == "video":
                    self.assertEqual(frame.width, hosted.size)
        finally:
            await peer.close()

    def test_gstreamer_plays(self):
        """Its webrtcbin, where that is installed (./test does). In a room that browsers have not just left."""
        peer = Peer(["/usr/bin/python3", "-B", os.path.join(SUPPORT, "webrtcbin_viewer.py"), "max-bundle", "offers"])
        self.addCleanup(peer.close)
        status, place, answer = post(self.bridge.url(2), peer.offer()["sdp"])
        self.assertEqual(status, 201)
        peer.take({"type": "answer", "sdp": answer})
        peer.wait(lambda received: received["audio"] and received["video"] > 20)
        wait_for_watching(2, 1)
        self.assertEqual(end(urllib.parse.urljoin(self.bridge.url(2), place)), 200)
        wait_for_watching(2, 0)

    def test_a_gateway_that_comes_back(self):
        hosted.server.restart()
        hosted.handle = hosted.server.attach()
        hosted.server.wait_for_state(hosted.handle, 1, "idle")
        end = time.monotonic() + WAIT_S
        while refusal(self.bridge.url(1)) == 503:           # it connects again by and by
            self.assertLess(time.monotonic(), end)
            time.sleep(0.2)
        self.play(1)


if __name__ == "__main__":
    unittest.main()
