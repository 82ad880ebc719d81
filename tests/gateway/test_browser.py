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
from hearing import TAP, samples
from hosted_room import HostedRoom
from probe import Probe, Server, browser, lips
from viewer import WAIT_S
from viewers import Gateway

PICTURES = 100  # of a segment
# A second without sound.
SILENT = """(async () => {
    const energy = async () => (await probe.stats()).audio.totalAudioEnergy, before = await energy();
    await new Promise(done => setTimeout(done, 1000));
    return await energy() - before < 1e-5;
})()"""
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
        self.addCleanup(self.gateway.request, {"request": "interrupt", "id": 1})

    def open(self, before=None):
        probe = Probe(chromium, server, hosted.server.ws, {"id": 1}, before=before)
        self.addCleanup(probe.close)
        probe.wait_playing()
        return probe

    def enqueue(self, file, **more):
        return self.gateway.request({"request": "enqueue", "id": 1, "file": file, **more})["segment"]

    def play(self, file, *probes):
        """Up to fifty times, until all probes have shown the same two thirds of its pictures, and three flashes with their
        beeps. Which pictures a busy machine leaves out differs from time to time."""
        segment = self.enqueue(file, repeat=50)
        event = "probe.events.find(e => e.event === '%s' && e.segment === '{}')?.at".format(segment)
        sinces = [probe.page.wait(event % "started") + 500 for probe in probes]
        while True:
            taken = [probe.take() for probe in probes]
            shown = [{f["hash"] for f in data["frames"] if f["presented"] > since} for data, since in zip(taken, sinces)]
            marked = [len(lips(data, since)["rendered"]) for data, since in zip(taken, sinces)]
            if len(set.intersection(*shown)) > PICTURES * 2 / 3 and min(marked) >= 3:
                break
            self.assertFalse(any(probe.page.evaluate(event % "finished") for probe in probes),
                             f"{[*map(len, shown)]} pictures of {file}, {len(set.intersection(*shown))} of them the same; "
                             f"{marked} flashes that have their beeps")
            time.sleep(0.5)
        self.gateway.request({"request": "skip", "id": 1})
        for probe in probes:
            probe.page.wait(event % "skipped")

    def assert_sound(self, probe, data):
        probe.finish()
        probe.assert_undisturbed(self, data, hosted.server)

    def test_two_browsers_see_and_hear_the_same(self):
        one, two = self.open(), self.open()
        for file in "marks-0.mp4", "marks-1.mp4", "marks-2.mp4":
            self.play(file, one, two)
        seen = []
        for probe in (one, two):
            data = probe.take()
            self.assert_sound(probe, data)
            first, last = (next(e["at"] for e in data["events"] if e["event"] == "started"),
                           [e["at"] for e in data["events"] if e["event"] == "skipped"][-1])
            seen.append({f["hash"] for f in data["frames"] if first + 500 < f["presented"] < last - 500})
        # Both leave some out, not the same; together they show no more than there is, and most of it is seen by both.
        there = 3 * PICTURES + len(hosted.idle().video) + 1
        self.assertLessEqual(len(seen[0] | seen[1]), there, "they see different pictures")
        self.assertGreater(len(seen[0] & seen[1]), there / 2, "they see different pictures")

    def test_ice_is_restarted(self):
        """Asked for and answered as in any other offer, and media come by the new way."""
        probe = self.open("""window.chosen = async () => {
            const all = await handle.webrtcStuff.pc.getStats();
            const pair = all.get([...all.values()].find(s => s.type === 'transport').selectedCandidatePairId);
            const local = all.get(pair?.localCandidateId), remote = all.get(pair?.remoteCandidateId);
            return local && [local.usernameFragment, remote.usernameFragment]; };""")
        names = lambda: probe.page.evaluate("[handle.webrtcStuff.pc.localDescription, handle.webrtcStuff.pc.remoteDescription]"
                                            ".map(d => d.sdp.match(/a=ice-ufrag:(.*)/)[1].trim())")
        before = names()
        self.assertEqual(probe.page.evaluate("chosen()"), before)
        probe.page.evaluate("handle.send({ message: { request: 'watch', id: 1, restart: true } })")
        probe.page.wait("chosen().then(now => now && now[0] !== '%s' && now[1] !== '%s')" % tuple(before))
        self.assertEqual(probe.page.evaluate("chosen()"), names())
        count = probe.page.evaluate("probe.stats().then(s => [s.video.packetsReceived, s.audio.packetsReceived])")
        probe.page.wait("probe.stats().then(s => s.video.packetsReceived > %d + 20 && s.audio.packetsReceived > %d)" % tuple(count))
        self.assert_sound(probe, probe.take())

    def test_an_interruption_shows_and_is_silent(self):
        probe = self.open(TAP)
        for repeat in 50, 1:    # the first until it is interrupted
            self.enqueue("marks-3.mp4", repeat=repeat)
        end = time.monotonic() + WAIT_S
        while ((self.gateway.request({"request": "queue", "id": 1})["playing"] or {}).get("played_ms", 0)) < 1000:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.gateway.request({"request": "interrupt", "id": 1})
        probe.page.wait("probe.events.filter(e => e.event === 'interrupted').length === 2")
        data = probe.take()
        cut = next(e for e in data["events"] if e["event"] == "interrupted")
        probe.page.wait(f"new Set(probe.frames.filter(f => f.presented > {cut['at']}).map(f => f.hash)).size > 5")
        start = data["start"]["audio"]
        # beeps that should not be would have come by then
        probe.page.wait(f"received.some(([, at]) => (at - {start + 48 * (cut['media_ms'] + 2500)} | 0) >= 0)")
        probe.page.wait(SILENT)
        self.assert_sound(probe, probe.take())
        # What a stalled browser plays in two parts is one in the packets. The last one fades.
        sound, first, _ = samples(probe.page.evaluate("received"))
        beeps = marks.beeps((first - start) % (1 << 32) + np.arange(len(sound)), sound) / 48
        self.assertGreater(len(beeps), 0)
        self.assertLess(beeps[-1], cut["media_ms"] + 20, "a beep after the interruption")

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
        self.gateway.observe({"id": 1})
        segment = self.enqueue("marks-3.mp4", repeat=50)
        self.gateway.wait_event("started", segment=segment)
        time.sleep(1)
        probe = self.open()
        data = probe.take()
        self.assert_sound(probe, data)


if __name__ == "__main__":
    unittest.main()
