# SPDX-License-Identifier: GPL-3.0-or-later
"""WebRTC that others made: a client of each lists the rooms, watches one, stops, watches it again, and then another.
(janus.js is in test_browser.py and test_streaming_page.py, janode in the latter.)"""
import os
import unittest

import npm
from hosted_room import HostedRoom
from peer import Peer

HERE = os.path.dirname(os.path.abspath(__file__))
SUPPORT = os.path.join(HERE, "..", "support")
hosted = None


def setUpModule():
    global hosted
    hosted = HostedRoom()
    unittest.addModuleCleanup(hosted.close)


def python(name, *arguments):
    return ["/usr/bin/python3", "-B", os.path.join(SUPPORT, name), *arguments]


class Peers(unittest.TestCase):
    def setUp(self):
        self.handle = hosted.server.attach()
        self.addCleanup(self.handle.detach)
        self.since = 0                  # events of the handle that are known

    def ask(self, request, jsep=None, **fields):
        return self.handle.request({"request": request, **fields}, jsep)

    def status(self, name):
        """Waits for that status, behind those that have been waited for."""
        events = self.handle.events
        data = events.wait(lambda data: data.get("result", {}).get("status") == name, after=self.since)
        self.since = 1 + next(i for i, m in enumerate(events.all) if m.get("plugindata", {}).get("data") is data)
        return data["result"]

    def watch(self, command, room):
        """Returns its number in the room once it has got sound and pictures."""
        peer = Peer(command)
        self.addCleanup(peer.close)
        offer = self.handle.answer({"request": "watch", "id": room})
        self.assertNotIn("error", offer["plugindata"]["data"])
        started = self.ask("start", peer.answer(offer["jsep"]))["result"]
        if started["status"] == "starting":         # the connection is not up before the answer is handled
            started = self.status("started")
        self.assertEqual(started["status"], "started")
        self.assertEqual((started["audio"], started["video"]), (True, True))
        peer.wait(lambda received: received["audio"] and received["video"] > 20)
        self.assertEqual(hosted.handle.request({"request": "info", "id": room})["info"]["watching"], 1)
        return peer, started["viewer"]

    def go_round(self, command):
        rooms = {room["id"]: room for room in self.ask("list")["list"]}
        self.assertEqual({m["codec"] for m in rooms[1]["media"]}, {"opus", "vp8"})
        seen = []
        for room in (1, 1, 2):
            peer, number = self.watch(command, room)
            seen.append(number)
            self.assertEqual(self.ask("stop")["result"], {"status": "stopping", "viewer": number})
        self.handle.events.wait(lambda _: self.stopped() == seen)       # a `watch` right behind `stop` waits for that
        for room in (1, 2):
            self.assertEqual(self.ask("info", id=room)["info"]["watching"], 0)

    def stopped(self):
        """The viewers that have been told so."""
        return [data["result"]["viewer"] for data in self.handle.events.data()
                if data.get("result", {}).get("status") == "stopped"]

    def test_webrtcbin(self):
        """GStreamer's, where it is installed (./test does)."""
        self.go_round(python("webrtcbin_viewer.py", "max-bundle"))

    def test_aiortc(self):
        self.go_round(python("aiortc_viewer.py"))

    def test_werift(self):
        self.go_round(["node", npm.script("werift_viewer.mjs", "werift@0")])

    def test_node_datachannel(self):
        self.go_round(["node", npm.script("datachannel_viewer.mjs", "node-datachannel@0")])


if __name__ == "__main__":
    unittest.main()
