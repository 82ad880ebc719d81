#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What packets say beside their media: how long browsers are to hold pictures (header extension playout-delay, in steps of
10 ms, of 12 bits each), and when media are due (abs-capture-time)."""
import re
import statistics
import subprocess
import time
import unittest

import rtp
from hosted_room import AT_ONCE_S, HostedRoom
from janus_server import program
from media_case import Case

DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
ID = 4
CAPTURE = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
CAPTURE_ID = 5


def setUpModule():
    hosted = Case.hosted = HostedRoom(rooms=False, more="""
room-one: { id = 1 avatar = "probe" }
room-two: { id = 2 avatar = "probe" min_delay = 5 max_delay = 25 }
""")
    unittest.addModuleCleanup(hosted.close)


def said(viewer):
    """What pictures say, in order: (at least, at most, in steps of 10 ms), or None."""
    found = []
    for packet in list(viewer.video.packets):
        data = rtp.extensions(packet).get(ID)
        if rtp.descriptor(packet.payload)[0]["start"]:
            number = data and int.from_bytes(data, "big")
            found.append(data and (number >> 12, number & 0xfff))
        elif data:
            raise AssertionError("it is not in a picture's first packet")
    return found


def runs(viewer):
    """The same, what is said again left out."""
    all_said = said(viewer)
    return all_said[:1] + [b for a, b in zip(all_said, all_said[1:]) if a != b]


class Delays(Case):
    def watch_with(self, room=1, **more):
        """aiortc does not know the extension, so its answer is taught to take it."""
        line = f"a=extmap:{ID} {DELAY}\r\n"
        viewer = self.watch(room, change=lambda sdp: sdp.replace("a=mid:v\r\n", "a=mid:v\r\n" + line), **more)
        sound, picture = viewer.offer.split("m=video")
        self.assertIn(line, picture)
        self.assertNotIn(DELAY, sound)
        return viewer

    def wait_said(self, viewer, expected):
        viewer.wait(lambda v: said(v)[-1] == expected or time.sleep(0.05))

    def wait_taken_back(self, viewer):
        """That is said for a while only."""
        viewer.wait(lambda v: runs(v)[-2:] == [(1, 1000), None] or time.sleep(0.05))

    def check_viewer(self, viewer, expected):
        viewer.leave()
        self.assertEqual(runs(viewer), expected)
        self.assertNotIn(ID, {number for p in viewer.audio.packets for number in rtp.extensions(p)})
        self.assertEqual((viewer.video.missing(), viewer.audio.missing()), ((0, 0, 0), (0, 0, 0)))

    def test_asked_for_and_taken_back(self):
        viewer, other, plain = self.watch_with(), self.watch_with(), self.watch(min_delay=10)
        result = viewer.request({"request": "configure", "min_delay": 20, "max_delay": 40})["result"]
        self.assertEqual((result["min_delay"], result["max_delay"]), (20, 40))
        self.wait_said(viewer, (20, 40))
        self.assertNotIn("min_delay", viewer.request({"request": "configure", "min_delay": None})["result"])
        self.wait_taken_back(viewer)
        self.check_viewer(viewer, [None, (20, 40), (1, 1000), None])
        self.check_viewer(other, [None])
        self.assertEqual(plain.started["result"]["min_delay"], 10)
        self.check_viewer(plain, [None])  # its answer does not take the extension

    def test_from_room_to_room(self):
        """A viewer's own goes with it; a room's is for those who have none."""
        viewer, other = self.watch_with(max_delay=30), self.watch_with()
        for one in viewer, other:
            one.request({"request": "switch", "id": 2})
        self.wait_said(other, (5, 25))
        other.request({"request": "switch", "id": 1})
        self.wait_taken_back(other)
        self.check_viewer(viewer, [(0, 30)])
        self.check_viewer(other, [None, (5, 25), (1, 1000), None])


class CaptureTimes(Case):
    def watch_with(self, **more):
        lines = f"a=extmap:{CAPTURE_ID} {CAPTURE}\r\n"
        return self.watch(change=lambda sdp: sdp.replace("a=mid:a\r\n", "a=mid:a\r\n" + lines)
                          .replace("a=mid:v\r\n", "a=mid:v\r\n" + lines), **more)

    def origins(self, viewer, stream):
        """When the room's media time was 0, as each packet says that says so; and those packets' numbers."""
        found = []
        for number, packet in enumerate(list(stream.packets)):
            data = rtp.extensions(packet).get(CAPTURE_ID)
            if data:
                due = int.from_bytes(data, "big") / (1 << 32) - rtp.NTP_EPOCH
                self.assertEqual(len(data), 8)
                self.assertLess(abs(packet.arrival - due), AT_ONCE_S)
                found.append((number, due - (packet.ts - viewer.rtp_start[stream.kind]) % (1 << 32) / stream.clock))
        return found

    def test_where_janus_can(self):
        """One clock for all viewers and media, however long packets of sound are."""
        viewers = [self.watch_with(), self.watch_with(ptime=60), self.watch()]
        said = subprocess.run([program(), "--version"], capture_output=True, text=True, check=False).stdout
        version = int(re.search(r"Janus version: (\d+)", said)[1])
        self.assertEqual(CAPTURE in viewers[0].offer, version >= 1201, said)
        if version < 1201:
            self.assertEqual([self.origins(v, s) for v in viewers for s in (v.audio, v.video)], [[]] * 6)
            self.skipTest("this Janus cannot")
        for viewer in viewers[:2]:
            viewer.wait(lambda v: min(len(self.origins(v, s)) for s in (v.audio, v.video)) >= 5 or time.sleep(0.1))
        for viewer in viewers:
            viewer.leave()
        medians = []
        for viewer in viewers[:2]:
            self.assertEqual(viewer.offer.count(CAPTURE), 2)
            for stream in viewer.audio, viewer.video:
                said = self.origins(viewer, stream)
                self.assertEqual(said[0][0], 0, "the first packet says it")
                times = [stream.media_time(stream.packets[number].ts) for number, _ in said]
                self.assertTrue(all(1 <= b - a < 2.5 for a, b in zip(times, times[1:])), times)
                medians.append(statistics.median(origin for _, origin in said))
        self.assertLess(max(medians) - min(medians), 0.005)
        self.assertEqual(self.origins(viewers[2], viewers[2].video), [], "its answer does not take it")


if __name__ == "__main__":
    unittest.main()
