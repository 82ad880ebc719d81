# SPDX-License-Identifier: GPL-3.0-or-later
"""A person speaks into a page's microphone, in Chromium: `listen()` of digitalhuman.js, what the room makes of the voice,
and what a cut sounds like to who hears it."""
import json
import os
import time
import unittest

import numpy as np

import marks
from echo_room import RATE, write_question
from ffmpeg import ffmpeg
from hearing import TAP, samples
from hosted_room import HostedRoom
from page_server import PageServer
from probe import browser
from viewers import Gateway

MICROPHONE = "navigator.mediaDevices.getUserMedia"

# dh, its events with the page's time, and those about the microphone.
WATCH = """import('/digitalhuman.js').then(({ DigitalHuman }) => {
    window.events = []; window.changes = [];
    window.dh = new DigitalHuman({ server: %s, room: %d, video: document.querySelector('video') });
    dh.on('event', e => events.push({ ...e, at: performance.now() }));
    dh.on('microphone', ({ microphone, error }) => changes.push([microphone === dh.microphone, microphone !== null, error?.code ?? null]));
    window.happened = name => events.filter(e => e.event === name).length;
})"""


def write_tone(path):
    """A steady sound and a few pictures: where it is cut, nothing but the cut is heard."""
    tone = 0.3 * np.sin(2 * np.pi * 300 * np.arange(20 * RATE) / RATE)
    ffmpeg("-f", "s16le", "-ar", RATE, "-ac", 1, "-i", "-", "-f", "lavfi", "-i", "color=c=gray:s=64x64:r=25:d=20", "-pix_fmt", "yuv420p",
           path, data=(tone * 32767).astype("<i2").tobytes())


def cut(sound):
    """Where the tone ends: what is left of it 25 ms later, and the loudest click from 100 ms before to 100 ms after, in dB
    against the tone before. A click is what is above 4 kHz, in 2 ms."""
    end = np.flatnonzero(np.abs(sound) > 0.02)[-1]
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(len(sound), 1 / 48000) < 4000] = 0
    sharp = np.fft.irfft(spectrum, len(sound))[end - 4800:end + 4800].reshape(-1, 96)
    before = (sound[end - 9600:end - 4800] ** 2).mean()
    return [10 * np.log10(power / before + 1e-12) for power in
            ((sound[end + 1200:end + 4800] ** 2).mean(), (sharp ** 2).mean(axis=1).max())]


def setUpModule():
    global hosted, pages, chromium
    hosted = HostedRoom(size=64, kbps=100, general="max_microphones_per_room = 1", room="barge_in = 200")
    unittest.addModuleCleanup(hosted.close)
    marks.write_mp4(f"{hosted.segments}/long.mp4", 20, 64)
    write_tone(f"{hosted.segments}/tone.mp4")
    hosted.warm("long.mp4", "tone.mp4")
    voice = os.path.join(hosted.work, "voice.wav")
    write_question(voice)
    pages = unittest.enterModuleContext(PageServer({"server": hosted.server.ws, "room": 1}))
    chromium = unittest.enterModuleContext(browser([
        "--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={voice}"]))


class Page(unittest.TestCase):
    def setUp(self):
        self.gateway = self.enterContext(Gateway(hosted.server.ws))
        self.addCleanup(self.set, barge_in=200, barge_in_mode="interrupt", barge_in_by="all", floor_ms=60000, floor_silence_ms=15000)
        self.addCleanup(self.gateway.request, {"request": "interrupt", "id": 1})
        for room in 1, 2:
            self.microphones(0, room)   # that of an earlier test's page, which has gone, may still have the place

    def set(self, **fields):
        self.gateway.request({"request": "edit", "id": 1, **{"new_" + name: value for name, value in fields.items()}})

    def open(self, path="blank.html", microphone="granted", before=None):
        """`microphone`: what the person, or the browser, answers to who asks for it."""
        page = chromium.open(pages.url + path, before=before)
        self.addCleanup(page.close)
        page.permit("microphone", microphone)
        page.wait("document.querySelector('video')")
        return page

    def watch(self, room=1, **options):
        page = self.open(**options)
        page.evaluate(WATCH % (json.dumps(hosted.server.ws), room))
        page.wait("window.dh?.state === 'playing'")
        return page

    def start(self, page, file="long.mp4"):
        """It plays so often that a busy machine is not through with it before something else happens."""
        segment = self.gateway.request({"request": "enqueue", "id": 1, "file": file, "repeat": 50})["segment"]
        page.wait(f"events.some(e => e.event === 'started' && e.segment === '{segment}')")
        return segment

    def microphones(self, count, room=1):
        end = time.monotonic() + 60
        while self.gateway.request({"request": "info", "id": room})["info"]["microphones"] != count:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)


class Listens(Page):
    def test_what_is_said_interrupts(self):
        page = self.watch()
        frames = "dh.pc.getStats().then(all => [...all.values()].find(s => s.kind === 'video' && s.type === 'inbound-rtp').framesDecoded)"
        segment = self.start(page)
        page.evaluate(f"""(() => {{ const ask = {MICROPHONE}.bind(navigator.mediaDevices);
            {MICROPHONE} = wanted => {{ window.wanted = wanted; return ask(wanted); }}; }})()""")
        self.assertTrue(page.evaluate("dh.listen().then(m => m === dh.microphone)"))
        self.assertEqual(page.evaluate("wanted"), {"audio": {"echoCancellation": True, "noiseSuppression": True, "autoGainControl": True}})
        page.wait(f"events.some(e => e.event === 'interrupted' && e.segment === '{segment}')")
        names = page.evaluate("events.map(e => e.event)")
        self.assertLess(names.index("viewer_speaking"), names.index("barged_in"))
        self.assertEqual(page.evaluate("events.find(e => e.event === 'barged_in').viewer === dh.viewer"), True)
        page.wait("dh.microphone.speaking && dh.microphone.level > 0.3")
        page.wait("happened('viewer_silent') && !dh.microphone.speaking")
        before = page.evaluate(frames)
        page.wait(f"{frames}.then(n => n > {before} + 10)")
        page.evaluate("window.track = dh.microphone.track; dh.microphone.stop()")
        self.microphones(0)
        self.assertEqual(page.evaluate("[dh.microphone, track.readyState, changes]"), [None, "ended", [[True, True, None], [True, False, None]]])
        self.assertEqual(page.evaluate("dh.pc.getSenders().filter(s => s.track).length"), 0)
        self.assertEqual(page.errors, [])

    def test_the_cut_has_no_click(self):
        """By the packets that a viewer's browser gets. Where the machine had no time for one of them, there is another cut."""
        page = self.watch(before=TAP)
        start = page.evaluate("dh.stats().then(({ viewers }) => viewers.find(({ viewer }) => viewer === dh.viewer).rtp_start.audio)")
        for _ in range(4):
            page.evaluate("received.length = 0")
            self.start(page, "tone.mp4")
            # Half a second of it, with which the cut is compared.
            page.wait("received.filter(([data]) => data.length > 6).length > 25")
            page.evaluate("dh.listen().then(() => 0)")
            at = start + 48 * page.wait("events.find(e => e.event === 'interrupted')?.media_ms")
            page.wait(f"received.some(([, other]) => (other - {at} | 0) >= 24000)")
            page.evaluate("dh.microphone.stop(), events.length = 0")
            sound, first, there = samples(page.evaluate("received"))
            at = (at - first) % (1 << 32)
            if set(range(at - 15 * 960, at + 960, 960)) <= set(there):
                break
        else:
            self.fail("of each cut some packet was lost")
        rest, click = cut(sound)
        self.assertLess(abs(np.flatnonzero(np.abs(sound) > 0.02)[-1] - at), 2 * 960)    # where it is said to be
        self.assertLess(rest, -40)
        self.assertLess(click, -40)
        end = np.flatnonzero(np.abs(sound) > 0.02)[-1] - 4800
        sound[end - np.argmax(np.abs(sound[end:end - 200:-1])):] = 0    # as it would be without a fade
        self.assertGreater(cut(sound)[1], -40)

    def test_a_hold_is_ended_either_way(self):
        page = self.watch()
        segment = self.start(page)
        page.evaluate("dh.listen({ barge_in: 200, barge_in_mode: 'hold' }).then(() => 0)")
        page.wait("events.some(e => e.event === 'barged_in' && e.mode === 'hold') && happened('holding')")
        page.evaluate("dh.microphone.stop()")
        self.assertEqual(page.evaluate("dh.resume({ at: 'entry' }).then(a => a.segment)"), segment)
        page.wait("happened('resuming')")
        self.assertGreater(page.evaluate("dh.hold({ regret_ms: 0 }).then(a => a.position_ms)"), 0)
        self.assertEqual(page.evaluate("dh.discard().then(a => a.dropped)"), 1)
        page.wait(f"events.some(e => e.event === 'interrupted' && e.segment === '{segment}')")
        page.wait("dh.queue().then(q => q.state === 'idle')")
        for state in ("listening", "idle"):
            self.assertEqual(page.evaluate(f"dh.setState('{state}').then(a => a.state)"), state)
        segment = self.start(page)
        self.assertEqual(page.evaluate("dh.interrupt({ mode: 'segment' }).then(a => a.dropped)"), 0)
        self.assertEqual(page.evaluate("dh.interrupt({ mode: 'later' }).catch(e => e.code)"), 454)

    def test_pause_and_hold_do_not_mix(self):
        page = self.watch()
        self.start(page)
        page.evaluate("dh.hold({ regret_ms: 0 }).then(() => dh.pause()).then(() => 0)")
        page.wait("dh.state === 'paused'")
        page.evaluate("dh.resume().then(() => 0)")
        page.wait("dh.state === 'playing'")
        self.assertTrue(page.evaluate("dh.queue().then(q => q.on_hold)"))
        page.evaluate("dh.resume().then(() => 0)")
        self.assertFalse(page.evaluate("dh.queue().then(q => q.on_hold === true)"))

    def test_it_comes_back_with_the_connection(self):
        page = self.watch()
        page.evaluate("dh.listen().then(() => { window.first = dh.microphone; })")
        page.evaluate("window.lost = dh.pc, dh.pc.close()")
        page.wait("dh.pc !== lost && dh.state === 'playing' && dh.microphone === first")
        self.microphones(1)
        segment = self.start(page)
        page.wait(f"events.some(e => e.event === 'interrupted' && e.segment === '{segment}')")
        page.evaluate("dh.close()")
        self.microphones(0)
        self.assertEqual(page.evaluate("[dh.microphone, first.track.readyState]"), [None, "ended"])

    def test_a_track_of_ones_own_and_one_that_ends(self):
        page = self.watch()
        page.evaluate(f"""{MICROPHONE}({{ audio: true }}).then(async stream => {{
            window.track = stream.getAudioTracks()[0];
            await (await dh.listen({{ track }})).stop();
        }})""")
        self.assertEqual(page.evaluate("track.readyState"), "live")
        page.evaluate("dh.listen({ track }).then(() => { track.dispatchEvent(new Event('ended')); })")
        page.wait("changes.length === 4")
        self.assertEqual(page.evaluate("changes.at(-1)"), [True, False, "absent"])
        self.microphones(0)

    def test_refusals(self):
        first, second = self.watch(), self.watch()
        first.evaluate("dh.listen().then(() => 0)")
        refused = "dh.listen().catch(e => [e.code, e.message.includes('max_microphones_per_room')])"
        self.assertEqual(second.evaluate(refused), [464, True])
        self.assertEqual(second.evaluate("[dh.microphone, changes, dh.state]"), [None, [], "playing"])
        self.assertEqual(first.evaluate("dh.listen({ barge_in: 1 }).catch(e => e.code)"), 454)
        denied = self.watch(microphone="denied")
        self.assertEqual(denied.evaluate("dh.listen().catch(e => e.code)"), "denied")
        for name, code in (("NotFoundError", "absent"), ("NotReadableError", "busy")):
            denied.evaluate(f"{MICROPHONE} = () => Promise.reject(new DOMException('', '{name}'))")
            self.assertEqual(denied.evaluate("dh.listen().catch(e => e.code)"), code)
        denied.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined }), "
                        "Object.defineProperty(window, 'isSecureContext', { value: false }), 0")
        self.assertEqual(denied.evaluate("dh.listen().catch(e => e.code)"), "insecure")
        first.evaluate("dh.microphone.stop()")
        self.microphones(0)
        self.assertTrue(second.evaluate("dh.listen().then(m => m === dh.microphone)"))

    def test_a_place_that_becomes_free(self):
        """Somebody else was faster, so the answer is refused; once the place is free, who asks again is listened to."""
        other = self.gateway.watch({"id": 1})
        page = self.watch()
        page.evaluate("""(() => {
            const { createAnswer } = RTCPeerConnection.prototype;
            const released = new Promise(resolve => { window.release = resolve; });
            RTCPeerConnection.prototype.createAnswer = async function (...options) {
                window.isHeld = true;
                await released;
                return createAnswer.apply(this, options);
            };
            window.refused = dh.listen().catch(e => e.code);
        })()""")
        page.wait("window.isHeld")
        other.listen()
        page.evaluate("release()")
        self.assertEqual(page.evaluate("refused"), 464)
        self.assertEqual(page.evaluate("[dh.microphone, dh.state]"), [None, "playing"])
        other.leave()
        self.microphones(0)
        self.assertTrue(page.evaluate("dh.listen().then(m => m === dh.microphone)"))
        self.microphones(1)

    def test_it_goes_along_into_another_room(self):
        page, other = self.watch(), self.watch(room=2)
        page.evaluate("dh.listen().then(() => dh.request({ request: 'switch', id: 2 })).then(() => 0)")
        self.microphones(1, room=2)
        page.wait("happened('viewer_speaking')")
        page.evaluate("dh.request({ request: 'switch', id: 1 }).then(() => 0)")
        self.microphones(1)
        other.evaluate("dh.listen().then(() => 0)")
        page.evaluate("dh.request({ request: 'switch', id: 2 }).then(() => 0)")
        page.wait("changes.length === 2")
        self.assertEqual(page.evaluate("[changes.at(-1), dh.microphone, dh.state]"), [[True, False, 464], None, "playing"])

    def test_the_floor(self):
        self.set(barge_in_by="one", floor_ms=0, floor_silence_ms=0)
        page = self.watch()
        self.assertEqual(page.evaluate("dh.askFloor().then(a => a.floor)"), "yours")
        page.wait("happened('floor_given')")
        self.assertTrue(page.evaluate("dh.floor().then(a => a.viewer === dh.viewer)"))
        page.evaluate("dh.leaveFloor().then(() => dh.giveFloor(dh.viewer)).then(() => dh.takeFloor()).then(() => 0)")
        page.wait("happened('floor_ended') === 2")
        self.assertEqual(page.evaluate("events.filter(e => e.event === 'floor_ended').map(e => e.reason)"), ["given_back", "taken"])
        page.evaluate("dh.bargeIn({ floor_ms: 100 }).then(() => dh.askFloor()).then(() => 0)")
        page.wait("events.some(e => e.event === 'floor_ended' && e.reason === 'timeout')")


class OnThePage(Page):
    PLAYING = "document.documentElement.dataset.state === 'playing'"

    def text(self, page, name, words):
        page.wait(f"(e => e.checkVisibility() && e.innerText.includes({json.dumps(words)}))(document.getElementById('{name}'))")

    def press(self, page, name, key=" "):
        page.evaluate(f"document.getElementById('{name}').focus()")
        page.press(key)

    def test_speaking_puts_it_on_hold_and_it_goes_on(self):
        page = self.open("")
        page.wait(self.PLAYING)
        page.wait("document.getElementById('barge-in').value === 'interrupt'")
        page.evaluate("document.getElementById('barge-in').value = 'hold', document.getElementById('barge-in').dispatchEvent(new Event('change'))")
        self.gateway.request({"request": "enqueue", "id": 1, "file": "long.mp4", "repeat": 50})
        self.text(page, "activity", "Speaking")
        self.press(page, "microphone")
        page.wait("document.getElementById('microphone').getAttribute('aria-pressed') === 'true'")
        self.text(page, "talk-state", "You speak")
        page.wait("document.getElementById('level').getAttribute('aria-valuenow') >= 40")
        self.text(page, "activity", "On hold")
        self.text(page, "now-sub", "on hold")
        self.text(page, "log", "Your voice interrupts · it waits")
        self.press(page, "microphone")
        self.text(page, "talk-state", "Off")
        self.assertEqual(page.evaluate("document.getElementById('level').getAttribute('aria-valuenow')"), "0")
        self.text(page, "hold", "Resume")
        self.press(page, "hold", "Enter")
        self.text(page, "activity", "Speaking")
        self.text(page, "hold", "Hold")
        self.assertEqual(page.evaluate("document.activeElement.id"), "hold")
        self.assertEqual(page.errors, [])

    def test_states_and_the_floor(self):
        self.set(barge_in_by="one", floor_ms=0, floor_silence_ms=0)
        page = self.open("")
        page.wait(self.PLAYING)
        for state, words in (("listening", "Listening"), ("thinking", "Thinking"), ("idle", "Idle")):
            self.gateway.request({"request": "state", "id": 1, "state": state})
            self.text(page, "activity", words)
        other = self.gateway.watch({"id": 1})
        other.request({"request": "ask_floor"})
        self.press(page, "microphone")
        self.text(page, "floor-text", "Only the voice")
        self.press(page, "floor-button")
        self.text(page, "floor-text", "You wait")
        other.leave()
        self.text(page, "floor-text", "You have the floor")
        self.press(page, "floor-button")
        self.text(page, "log", "You do not have the floor any more")

    def test_what_keeps_it_away_is_said(self):
        page = self.open("", microphone="denied")
        page.wait(self.PLAYING)
        self.text(page, "talk-words", "does not let the page use the microphone")
        page.permit("microphone")
        page.wait("document.getElementById('talk-words').hidden")
        page = chromium.open(pages.url, before="Object.defineProperty(window, 'isSecureContext', { value: false })")
        self.addCleanup(page.close)
        self.text(page, "talk-words", "needs a page with HTTPS")


if __name__ == "__main__":
    unittest.main()
