#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Qualities in a real Janus: what a viewer asks for, and what its reports bring."""
import glob
import itertools
import tempfile
import time
import unittest

import numpy as np

import marks
import rtp
from hosted_room import HostedRoom, prepare
from media_case import Case
from prepared import Prepared
from viewers import Refused

SIZE = 96
KBPS = [500, 200, 80]
OPTIONS = ("--kbps", KBPS[0], "--kbps-2", KBPS[1], "--kbps-3", KBPS[2], "--entry-ms", 200)


def setUpModule():
    global hosted
    folder = unittest.enterModuleContext(tempfile.TemporaryDirectory(prefix="dh-qualities-"))
    hosted = Case.hosted = HostedRoom(SIZE, rooms=False, more="""
avatar-layered: { width = 96 height = 96 idle = "IDLE" kbps = 500 kbps_2 = 200 kbps_3 = 80 entry_ms = 200 }
avatar-fewer: { width = 96 height = 96 idle = "IDLE" kbps = 500 kbps_2 = 200 entry_ms = 200 }
room-one: { id = 1 avatar = "layered" }
room-two: { id = 2 avatar = "layered" }
avatar-temporal: { width = 96 height = 96 idle = "IDLE" kbps = 500 temporal = true }
room-three: { id = 3 avatar = "fewer" }
room-four: { id = 4 avatar = "probe" }
room-five: { id = 5 avatar = "temporal" }
""".replace("IDLE", marks.write_idle(folder + "/idle.mp4", 2, SIZE)))
    unittest.addModuleCleanup(hosted.close)


class Qualities(Case):
    def of(self, viewer, room=1):
        """What `stats` says of its quality."""
        number = viewer.started["result"]["viewer"]
        listed = self.gateway.request({"request": "stats", "id": room, "viewer": number})["viewers"]
        return listed[0]["quality"]

    def wait_sent(self, viewer, quality, room=1):
        viewer.wait(lambda v: self.of(v, room)["sent"] == quality or time.sleep(0.1))

    def configure(self, viewer, quality):
        return viewer.request({"request": "configure", "quality": quality})["result"]

    def test_what_is_said(self):
        info = self.gateway.request({"request": "info", "id": 1})["info"]
        self.assertEqual(info["qualities"], KBPS)
        self.assertNotIn("qualities", self.gateway.request({"request": "info", "id": 4})["info"])
        viewer = self.watch()
        self.assertEqual(viewer.started["result"]["quality"], "auto")
        self.assertEqual(self.of(viewer), {"asked": "auto", "sent": 0, "changes": 0, "remb_kbps": None})
        self.assertEqual(self.configure(viewer, 1)["quality"], 1)
        self.wait_sent(viewer, 1)
        self.assertEqual(self.of(viewer), {"asked": 1, "sent": 1, "changes": 1, "remb_kbps": None})
        self.assertEqual(self.configure(viewer, None)["quality"], 1)
        self.assertEqual(self.configure(viewer, "auto")["quality"], "auto")
        for wrong in (3, -1, 0.5, "best", True, [], {}):
            with self.assertRaisesRegex(Refused, '454.*"quality"'):
                self.configure(viewer, wrong)
        self.assertEqual(self.of(viewer)["asked"], "auto")
        plain = self.watch(4)
        self.assertNotIn("quality", plain.started["result"])
        self.assertNotIn("quality", self.configure(plain, 2))

    def layered_idle(self):
        """The idle clip in three qualities, which comes into the cache a moment after it is played."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for path in glob.glob(hosted.server.path("cache") + "/*.dhs"):
                prepared = Prepared(path)
                if len(prepared.kbps) == 3 and prepared.picture:
                    return path
            time.sleep(0.05)
        raise AssertionError("the idle clip is not in the cache")

    def test_each_gets_its_own(self):
        """Bit by bit what was prepared, in the quality that was asked for, with one key frame."""
        marks.write_mp4(hosted.segments + "/two.mp4", 2, SIZE)
        idle = self.layered_idle()
        prepare(hosted.segments + "/two.mp4", "--avatar", idle, *OPTIONS, "-o", hosted.work + "/two.dhs")
        speech = Prepared(hosted.work + "/two.dhs")
        viewers = [self.watch() for _ in range(3)]
        for quality, viewer in enumerate(viewers):
            self.configure(viewer, quality)
            self.wait_sent(viewer, quality)
        self.play("two.mp4", more_ms=500)
        for quality, viewer in enumerate(viewers):
            viewer.leave()
            pictures = self.assert_continuous(viewer)
            self.assertEqual(sum(p.key for p in pictures), 1)
            units = [u.data if quality == 0 else lower[quality - 1] for u, lower in zip(speech.video, speech.lower)]
            got = [p.data for p in pictures]
            at = got.index(units[0])
            self.assertEqual(got[at:at + len(units)], units, quality)

    def test_loss_and_recovery(self):
        """Reports of loss bring it down, and it alone; when they are good again it goes up."""
        viewer, other = self.watch(), self.watch()
        viewer.wait(lambda v: v.reported >= 3)
        viewer.claims = iter([0.2])     # as more were lost, it would go further down
        self.wait_sent(viewer, 1)
        self.wait_sent(viewer, 0)
        self.assertEqual(self.of(other), {"asked": "auto", "sent": 0, "changes": 0, "remb_kbps": None})
        other.leave()
        self.assertEqual(sum(p.key for p in self.assert_continuous(other)), 1)
        viewer.leave()
        self.assertEqual(viewer.video.missing(), (0, 0, 0))
        rtp.decode_pictures([p.data for p in rtp.pictures(viewer.video)])

    def test_estimates(self):
        viewer = self.watch()
        viewer.wait(lambda v: v.reported >= 3)      # they tell how much is sent
        viewer.remb(600)
        viewer.wait(lambda v: self.of(v)["remb_kbps"] == 600 or time.sleep(0.1))
        self.assertEqual(self.of(viewer)["sent"], 0)
        viewer.remb(1)
        self.wait_sent(viewer, 2)
        self.assertEqual(self.of(viewer)["remb_kbps"], 1)

    def test_what_is_said_when_a_viewer_has_left(self):
        observer = hosted.server.attach()
        self.addCleanup(observer.detach)
        observer.request({"request": "observe", "id": 1})
        viewer = self.watch()
        self.configure(viewer, 1)
        self.wait_sent(viewer, 1)
        viewer.remb(600)
        viewer.wait(lambda v: self.of(v)["remb_kbps"] == 600 or time.sleep(0.1))
        viewer.leave()
        left = observer.events.wait(lambda e: e.get("event") == "left" and e["viewer"] == viewer.started["result"]["viewer"])
        self.assertEqual(left["quality"], {"asked": 1, "sent": 1, "changes": 1, "remb_kbps": 600})

    def test_temporal_layers(self):
        """Droppable pictures can be left out by wish, or below the lowest quality."""
        self.assertTrue(self.gateway.request({"request": "info", "id": 5})["info"]["temporal"])
        whole, thin, slow = (self.watch(5) for _ in range(3))
        self.assertEqual(whole.started["result"]["temporal"], "auto")
        answer = thin.request({"request": "configure", "temporal": 0})["result"]
        self.assertEqual((answer["quality"], answer["temporal"]), ("auto", 0))
        thin.wait_until(self.gateway.request({"request": "stats", "id": 5})["media_ms"] + 500)
        since = len(thin.video.packets)
        slow.claims = itertools.repeat(0.9)
        slow.wait(lambda v: self.of(v, 5)["left_out"] > 20 or time.sleep(0.1))
        self.assertEqual(self.of(slow, 5)["temporal"], "auto")
        self.assertEqual(self.of(whole, 5)["left_out"], 0)
        for wrong in (2, -1, "best", True):
            with self.assertRaisesRegex(Refused, '454.*"temporal"'):
                thin.request({"request": "configure", "temporal": wrong})
        for viewer in (whole, thin, slow):
            viewer.leave()
            pictures = rtp.pictures(viewer.video)
            rtp.decode_pictures([p.data for p in pictures])
            ids = rtp.unwrap([p.picture_id for p in pictures], 15)
            self.assertTrue(np.all(np.diff(ids) == 1), "picture IDs have gaps")
        self.assertEqual(self.droppable(whole, since), {True, False})
        self.assertEqual(self.droppable(thin, since), {False})
        self.assertEqual(self.droppable(slow, -20), {False})

    @staticmethod
    def droppable(viewer, since):
        """What packets from there on say of whether others refer to their pictures (N)."""
        return {bool(p.payload[0] & 0x20) for p in viewer.video.packets[since:]}

    def test_into_other_rooms(self):
        viewer = self.watch()
        self.configure(viewer, 2)
        self.wait_sent(viewer, 2)
        for room, sent in ((2, 2), (3, 1)):
            answer = viewer.request({"request": "switch", "id": room})["result"]
            viewer.started["result"]["viewer"] = answer["viewer"]
            viewer.wait(lambda v: self.gateway.request({"request": "stats", "id": room})["sent"]["pictures"] or time.sleep(0.1))
            self.wait_sent(viewer, sent, room)
            self.assertEqual(self.of(viewer, room)["asked"], 2)


if __name__ == "__main__":
    unittest.main()
