# SPDX-License-Identifier: GPL-3.0-or-later
"""What real browsers show and play of a room, through janus.js: the picture moves,
flash and beep meet, two browsers see the same, nothing is undecodable.

How soon and how smoothly a browser shows it is for bench/ to measure: a busy machine
leaves pictures out.
"""
import time
import unittest

import numpy as np

import marks
from hosted_room import HostedRoom
from probe import Probe, Server, browser, lips
from viewer import WAIT_S
from viewers import Gateway

PICTURES = 100  # of a segment
hosted = None


def setUpModule():
    global hosted, chromium, server
    hosted = HostedRoom()
    unittest.addModuleCleanup(hosted.close)
    for number in range(4):
        marks.write_mp4(f"{hosted.segments}/marks-{number}.mp4", PICTURES / 25, hosted.size, head=marks.Head(hosted.size, seed=number))
    server = unittest.enterModuleContext(Server())
    chromium = unittest.enterModuleContext(browser())


class Browsers(unittest.TestCase):
    def setUp(self):
        self.gateway = self.enterContext(Gateway(hosted.server.ws))

    def open(self):
        probe = Probe(chromium, server, hosted.server.ws, {"id": 1})
        self.addCleanup(probe.close)
        probe.wait_playing()
        return probe

    def play(self, probe, files, timeout=60):
        """Enqueues one after the other, each when the room is idle again."""
        for file in files:
            segment = self.gateway.request({"request": "enqueue", "id": 1, "file": file})["segment"]
            probe.page.wait(f"probe.events.some(e => e.event === 'finished' && e.segment === '{segment}')", timeout)
            time.sleep(1)

    def assert_sound(self, probe, data):
        probe.finish()
        probe.assert_undisturbed(self, data)

    def test_two_browsers_see_and_hear_the_same(self):
        one, two = self.open(), self.open()
        self.play(one, ["marks-0.mp4", "marks-1.mp4", "marks-2.mp4"])
        seen = []
        for probe in (one, two):
            data = probe.take()
            self.assert_sound(probe, data)
            self.assertGreaterEqual(len(lips(data)["rendered"]), 3, "no flash has its beep")
            first, last = (next(e["at"] for e in data["events"] if e["event"] == "started"),
                           [e["at"] for e in data["events"] if e["event"] == "finished"][-1])
            seen.append({f["hash"] for f in data["frames"] if first + 500 < f["presented"] < last - 500})
            self.assertEqual([e["event"] for e in data["events"] if e.get("segment")].count("finished"), 3)
        # Both leave some out, not the same; together they show no more than there is.
        there = 3 * PICTURES + len(hosted.idle().video) + 1
        self.assertGreater(min(map(len, seen)), PICTURES / 4)
        self.assertLessEqual(len(seen[0] | seen[1]), there, "they see different pictures")

    def test_an_interruption_shows_and_is_silent(self):
        probe = self.open()
        for repeat in 50, 1:    # the first until it is interrupted
            self.gateway.request({"request": "enqueue", "id": 1, "file": "marks-3.mp4", "repeat": repeat})
        probe.page.wait("probe.events.some(e => e.event === 'started')")
        time.sleep(1)
        self.gateway.request({"request": "interrupt", "id": 1})
        probe.page.wait("probe.events.filter(e => e.event === 'interrupted').length === 2")
        cut = next(e["at"] for e in probe.take()["events"] if e["event"] == "interrupted")
        probe.page.wait(f"new Set(probe.frames.filter(f => f.presented > {cut}).map(f => f.hash)).size > 5")
        time.sleep(2.5)  # beeps that should not be have time to come
        data = probe.take()
        self.assert_sound(probe, data)
        played = sum(e["played_ms"] for e in data["events"] if e["event"] == "interrupted") / 1000
        sent = np.arange(marks.MARK, played, 1)
        # Where a stalled browser plays one in two parts, it counts once.
        heard = [b["rendered"] for b in data["beeps"]]
        apart = [at for before, at in zip([-1000, *heard], heard) if at - before > 600]
        self.assertLessEqual(len(apart), len(sent), "beeps after the interruption")

    def test_pictures_are_held_as_long_as_is_asked_for(self):
        """And no longer once nothing is asked for any more."""
        probe = self.open()
        for ask, condition in ("600", lambda s: s > 0.55), ("null", lambda s: s < 0.4):
            probe.page.evaluate(f"void probe.configure({{ min_delay: {ask} }})")
            end, held = time.time() + WAIT_S, []
            while not (held and held[-1] is not None and condition(held[-1])):
                self.assertLess(time.time(), end, held)
                time.sleep(0.5)
                held.append(probe.page.evaluate("probe.held()"))

    def test_what_was_there_before_is_shown_to_a_latecomer(self):
        self.gateway.request({"request": "enqueue", "id": 1, "file": "marks-3.mp4"})
        time.sleep(1)
        probe = self.open()
        data = probe.take()
        self.assert_sound(probe, data)


if __name__ == "__main__":
    unittest.main()
