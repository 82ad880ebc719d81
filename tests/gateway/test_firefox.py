# SPDX-License-Identifier: GPL-3.0-or-later
"""What Firefox shows and plays of a room, through janus.js, and of the page as ./run serves it: seams, an interruption,
joining in the middle, a reload; and what the room makes of somebody who speaks into a page's microphone.

How smoothly it shows it is for bench/ to measure: a busy machine leaves pictures out.
"""
import base64
import os
import time
import unittest

import marks
from echo_room import write_question
from firefox import Firefox
from hosted_room import HostedRoom
from page_server import PageServer
from probe import Probe, Server, stood_still
from viewers import Gateway
from website import Website

SEAMS, SHORT_S, LONG_S = 20, 0.8, 4
# A decoder that lacks what a picture refers to waits 3 s before it asks for a key frame; a busy machine stalls for less.
STALL_MS = 2500
hosted = None


def setUpModule():
    global hosted, firefox, server
    firefox = unittest.enterModuleContext(Firefox({
        "media.navigator.streams.fake": True, "media.navigator.permission.disabled": True}))
    hosted = HostedRoom(room="barge_in = 200")
    unittest.addModuleCleanup(hosted.close)
    for number in range(3):
        marks.write_mp4(f"{hosted.segments}/short-{number}.mp4", SHORT_S, hosted.size, head=marks.Head(hosted.size, seed=number))
    marks.write_mp4(f"{hosted.segments}/long.mp4", LONG_S, hosted.size)
    hosted.warm("short-0.mp4", "short-1.mp4", "short-2.mp4", "long.mp4")
    server = unittest.enterModuleContext(Server())


class Plays(unittest.TestCase):
    def setUp(self):
        self.gateway = self.enterContext(Gateway(hosted.server.ws))

    def open(self):
        probe = Probe(firefox, server, hosted.server.ws, {"id": 1})
        self.addCleanup(probe.close)
        probe.wait_playing()
        return probe

    def enqueue(self, file, **more):
        return self.gateway.request({"request": "enqueue", "id": 1, "file": file, **more})["segment"]

    def wait_event(self, probe, name, count=1):
        probe.page.wait(f"probe.events.filter(e => e.event === '{name}').length >= {count}")

    def wait_pictures_since(self, probe, at, count=5):
        """That many different ones have been shown since."""
        probe.page.wait(f"new Set(probe.frames.filter(f => f.presented > {at}).map(f => f.hash)).size >= {count}")

    @staticmethod
    def media_ms(data, frame):
        """The room's media time of a picture."""
        return ((frame["rtp"] - data["start"]["video"] + (1 << 31)) % (1 << 32) - (1 << 31)) / 90

    def assert_sound(self, probe):
        """Everything came, could be decoded, and was shown without a stall; the notes so far."""
        probe.finish()
        data = probe.take()
        probe.assert_undisturbed(self, data, hosted.server)
        self.assertGreater(data["stats"]["audio"]["packetsReceived"], 0)
        shown = [f["presented"] for f in data["frames"]]
        self.assertLess(max(after - before - stood_still(data, before, after) for before, after in zip(shown, shown[1:])), STALL_MS)
        self.assertEqual({f["width"] for f in data["frames"]}, {hosted.size})
        return data

    def test_twenty_seams(self):
        probe = self.open()
        for number in range(SEAMS + 1):
            self.enqueue(f"short-{number % 3}.mp4")
        self.wait_event(probe, "finished", SEAMS + 1)
        data = self.assert_sound(probe)
        frames = [(self.media_ms(data, f), f["presented"]) for f in data["frames"]]
        at = [[e["media_ms"] for e in data["events"] if e["event"] == name] for name in ("started", "finished")]
        self.assertEqual([len(media) for media in at], [SEAMS + 1] * 2)
        for start, end in zip(*at):
            if any(start <= media < end for media, _ in frames):
                continue
            before = max((presented for media, presented in frames if media < start), default=data["ticks"][0])
            after = min((presented for media, presented in frames if media >= end), default=data["ticks"][-1])
            self.assertTrue(stood_still(data, before, after), "of some segment nothing was shown")
        self.assertGreaterEqual(len(data["beeps"]), SEAMS / 2, "hardly any beep was heard")

    def test_an_interruption(self):
        probe = self.open()
        for repeat in 50, 1:    # the first until it is interrupted
            self.enqueue("long.mp4", repeat=repeat)
        self.wait_event(probe, "started")
        self.gateway.request({"request": "interrupt", "id": 1})
        self.wait_event(probe, "interrupted", 2)
        cut = next(e["at"] for e in probe.take()["events"] if e["event"] == "interrupted")
        self.wait_pictures_since(probe, cut)
        self.assert_sound(probe)

    def test_joining_in_the_middle_and_a_reload(self):
        self.gateway.observe({"id": 1})
        segment = self.enqueue("long.mp4", repeat=50)
        self.addCleanup(self.gateway.request, {"request": "interrupt", "id": 1})
        self.gateway.wait_event("started", segment=segment)
        time.sleep(0.5)
        probe = self.open()
        self.wait_pictures_since(probe, 0)
        probe.page.reload()
        probe.wait_playing()
        self.wait_pictures_since(probe, 0)
        self.assert_sound(probe)
        end = time.monotonic() + 60
        while self.gateway.request({"request": "info", "id": 1})["info"]["watching"] != 1:
            self.assertLess(time.monotonic(), end, "the viewer from before the reload stays")
            time.sleep(0.05)


class Speaks(unittest.TestCase):
    """On the page."""
    SAY = """fetch('/voice.txt').then(answer => answer.text()).then(async text => {
        const context = new AudioContext(), source = context.createBufferSource(), to = context.createMediaStreamDestination();
        source.buffer = await context.decodeAudioData(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
        source.connect(to);
        source.loop = true;
        source.start();
        await digitalhuman.listen({ track: to.stream.getAudioTracks()[0] });
        return true;
    })"""

    def test_it_is_heard_and_interrupts(self):
        gateway = self.enterContext(Gateway(hosted.server.ws))
        voice = os.path.join(hosted.work, "voice.wav")
        write_question(voice)
        with open(voice, "rb") as file:
            text = base64.b64encode(file.read()).decode()
        pages = self.enterContext(PageServer({"server": hosted.server.ws, "room": 1}, {"/voice.txt": text}))
        page = firefox.open(pages.url)
        self.addCleanup(page.close)
        page.wait("document.documentElement.dataset.state === 'playing'")
        # Firefox's own microphone for tests is a tone, which is no voice.
        page.click("#microphone")
        page.wait("digitalhuman.microphone?.level > 0.3 && document.getElementById('level').getAttribute('aria-valuenow') > 0")
        page.click("#microphone")
        page.wait("!digitalhuman.microphone && document.getElementById('talk-state').textContent === 'Off'")
        page.evaluate("(window.told = [], digitalhuman.on('event', e => told.push(e.event)), 0)")
        gateway.request({"request": "enqueue", "id": 1, "file": "long.mp4", "repeat": 50})
        page.wait("told.includes('started')")
        self.assertTrue(page.evaluate(self.SAY))
        page.wait("told.includes('viewer_speaking') && told.includes('barged_in') && told.includes('interrupted')")
        page.evaluate("(window.lost = digitalhuman.pc, lost.close(), window.told = [], 0)")
        page.wait("digitalhuman.pc && digitalhuman.pc !== lost && told.includes('viewer_speaking')")
        self.assertEqual(page.errors, [])


class Page(unittest.TestCase):
    def test_it_plays_and_speaks(self):
        site = self.enterContext(Website())
        page = firefox.open(site.url)
        self.addCleanup(page.close)
        page.wait("document.documentElement.dataset.state === 'playing'")
        page.evaluate("digitalhuman.secret = 'demo'")
        page.evaluate("(window.told = [], digitalhuman.on('event', e => told.push(e.event)), 0)")
        page.evaluate("digitalhuman.say('Hello.')")
        page.wait("told.includes('speaking') && told.includes('finished')")
        page.wait("document.documentElement.dataset.room === 'idle'")
        self.assertEqual(page.evaluate("[video.videoWidth, video.videoHeight]"), [512, 512])
        self.assertEqual(page.errors, [])


if __name__ == "__main__":
    unittest.main()
