# SPDX-License-Identifier: GPL-3.0-or-later
"""How soon a viewer that speaks makes the avatar fall silent."""
import base64
import json
import os
import random
import subprocess
import threading
import time

import numpy as np

import echo_room
from cuts import high_pass, level, powers
from ffmpeg import ffmpeg
from figure import Figure
from hosted_room import HostedRoom, is_speech
from page_server import PageServer
from probe import browser
from viewers import Gateway

BARGE_IN_MS = 300
SETTLE_S = 10           # see browsers.py
PAGE_RATE = 48000
TONE_HZ, CLICK_HZ = 300, 1000
BEFORE_MS, BEHIND_MS = 300, 200     # of what Chromium renders around a cut

# A page that speaks, and hears the room, by one clock. A sample counts as sound above -40 dB of the tone's 0.3.
SPEAK = """Promise.all([import('/digitalhuman.js'), import('/ear.js')]).then(async ([{ DigitalHuman }, { hear }]) => {
    const context = new AudioContext({ sampleRate: 48000, latencyHint: 'interactive' });
    const mouth = context.createMediaStreamDestination();
    window.speaks = false; window.last = 0; window.tape = []; window.now = () => context.currentTime;
    window.dh = new DigitalHuman({ server: %s, room: 1, video: document.querySelector('video') });
    dh.on('stream', stream => hear(context, stream, 'sound', ({ at, samples }) => {
        const i = samples.findLastIndex(x => Math.abs(x) > 0.003);
        last = i < 0 ? last : at + i / 48000;
        tape.push({ at, samples });
        tape.splice(0, tape.length - 250);
    }));
    window.around = (from, to) => tape.flatMap(({ at, samples }) => samples.filter((_, i) => at + i / 48000 >= from && at + i / 48000 < to));
    window.say = async text => {
        const source = context.createBufferSource();
        const pcm = new Int16Array(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
        source.buffer = context.createBuffer(1, pcm.length, 16000);
        source.buffer.copyToChannel(Float32Array.from(pcm, x => x / 32768), 0);
        source.connect(mouth);
        const onset = context.currentTime + 0.1;
        source.start(onset);
        speaks = true;
        source.onended = () => { speaks = false; };
        return onset;
    };
    await dh.listen({ track: mouth.stream.getAudioTracks()[0] });
})"""


def quiet(frames):
    return [-65 + random.randint(-1, 1) for _ in range(frames)]


def voice(frames):
    return [-24 + random.randint(-6, 6) for _ in range(frames)]


def run_once(gateway, viewer):
    """A voice amid a segment, into a microphone that hears the room's quiet before and behind it. Returns when its packets
    left, where the first of voice is among them, how the segment ended, and when its last packet of sound came."""
    since, name = len(gateway.events), []
    ask = threading.Thread(target=lambda: name.append(
        gateway.request({"request": "enqueue", "id": 1, "file": "speech.nut"})["segment"]))
    ask.start()
    before = 90 + random.randrange(20)
    left = viewer.speak(quiet(before) + voice(40) + quiet(60))
    ask.join()
    end = gateway.wait_event(("interrupted", "finished"), since, segment=name[0])[1]["event"]
    return left, before, end, [p.arrival for p in viewer.audio.packets if is_speech(p)][-1]


def barge_in(material, runs):
    """From the beginning of a voice at the viewer to the last packet of speech that comes to it, beyond barge_in."""
    hosted = HostedRoom(room=f"barge_in = {BARGE_IN_MS}")
    silent, late, missed = [], [], 0
    try:
        subprocess.run([os.environ["DH_TALKER"], "--size", "256x256", "-o", os.path.join(hosted.segments, "speech.nut"),
                        echo_room.AVATAR], check=True)
        hosted.warm("speech.nut")
        with Gateway(hosted.server.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.audio and v.video)
            viewer.listen()
            for _ in range(runs):
                left, first, end, last = run_once(gateway, viewer)
                missed += end == "finished"
                last_counted = first + BARGE_IN_MS // 20 - 1
                begun = left[last_counted] - BARGE_IN_MS / 1000
                late.append((left[last_counted] - min(at - (n - last_counted) * 0.02 for n, at in enumerate(left))) * 1000)
                if end == "interrupted":
                    silent.append((last - begun) * 1000 - BARGE_IN_MS)
    finally:
        hosted.close()
    return [
        Figure("onset of a voice -> last packet of speech, beyond barge_in", silent, {"max": 80},
               note="the onset is so long before the packet left that completes barge_in"),
        Figure("how late that one left", late, note="the viewer's own fault, and not counted above"),
        Figure("voices that did not interrupt", [missed], {"max": 0}, unit="", runs=str(runs)),
    ]


def drawl(frames):
    """A voice without a pause, whose levels are those of voice(), as the page takes it."""
    t = np.arange(frames * echo_room.FRAME) / echo_room.RATE
    hum = sum(np.sin(2 * np.pi * 140 * n * t) / n for n in range(1, 20))
    hum /= np.sqrt((hum ** 2).mean())
    gains = np.repeat(10 ** (np.array(voice(frames)) / 20), echo_room.FRAME)
    return base64.b64encode((np.clip(hum * gains, -1, 1) * 32767).astype("<i2").tobytes()).decode()


def cut_heard(samples):
    """(what is left 25 ms behind the last ms as loud as before, clicks beyond the tone's own), in dB below it, of what a
    browser renders around a cut."""
    x, ms = np.asarray(samples), PAGE_RATE // 1000
    period = powers(x, 10)[:BEFORE_MS // 20]        # three of the tone's in each
    before = float(np.median(period))
    peaks = np.abs(x[:len(x) // ms * ms]).reshape(-1, ms).max(1)
    loud = np.convolve(peaks >= 0.9 * (2 * before) ** 0.5, np.ones(4), "full")[:len(peaks)] > 0  # a period has a peak
    begins = int(np.flatnonzero(loud)[-1]) * ms
    sharp, tail = high_pass(x, CLICK_HZ), begins - 10 * ms
    own = 2 * max(powers(sharp[200:tail], 2))
    click = max(powers(sharp[tail:-200], 2)) - own
    return level(max(powers(x[begins + 25 * ms:], 5)), before), level(max(click, 0), before)


def heard(page, gateway):
    """ms from the onset to the last sample, and what is rendered around that; None: it did not interrupt."""
    page.wait("!speaks && !dh.microphone.speaking")
    since = len(gateway.events)
    name = gateway.request({"request": "enqueue", "id": 1, "file": "tone.mp4"})["segment"]
    gateway.wait_event("started", since, segment=name)
    time.sleep(1 + random.random())
    begun = page.evaluate(f"say('{drawl(60)}')")
    if gateway.wait_event(("interrupted", "finished"), since, segment=name)[1]["event"] == "finished":
        return None
    page.wait("now() > last + 0.5")
    samples = page.evaluate(f"around(last - {BEFORE_MS / 1000}, last + {BEHIND_MS / 1000})")
    return (page.evaluate("last") - begun) * 1000, samples


def barge_in_heard(material, runs):
    """the same by ear, in Chromium: from a voice's first sample to the last one of the avatar that is rendered"""
    hosted = HostedRoom(room=f"barge_in = {BARGE_IN_MS}")
    tone = 0.3 * np.sin(2 * np.pi * TONE_HZ * np.arange(8 * echo_room.RATE) / echo_room.RATE)
    silent = []
    try:
        ffmpeg("-f", "s16le", "-ar", echo_room.RATE, "-ac", 1, "-i", "-", "-f", "lavfi", "-i", "color=c=gray:s=256x256:r=25:d=8",
               "-pix_fmt", "yuv420p", os.path.join(hosted.segments, "tone.mp4"), data=(tone * 32767).astype("<i2").tobytes())
        hosted.warm("tone.mp4")
        with PageServer() as pages, browser() as chromium, Gateway(hosted.server.ws) as gateway:
            gateway.observe({"id": 1})
            page = chromium.open(pages.url + "blank.html")
            page.wait("document.querySelector('video')")
            page.evaluate(SPEAK % json.dumps(hosted.server.ws))
            page.wait("dh.state === 'playing' && dh.microphone")
            time.sleep(SETTLE_S)
            silent = [heard(page, gateway) for _ in range(runs)]
    finally:
        hosted.close()
    cut = [cut_heard(each[1]) for each in silent if each]
    return [
        Figure("onset of a voice -> last sample rendered in Chromium, beyond barge_in",
               [each[0] - BARGE_IN_MS for each in silent if each], {"max": 160},
               note="both in WebAudio's time, without the latency of an output device; a voice without pauses"),
        Figure("a tone that is cut, in Chromium: what is left after 25 ms, against before", [rest for rest, _ in cut], {"max": -40},
               unit="dB"),
        Figure("a tone that is cut, in Chromium: clicks beyond its own, against before", [click for _, click in cut], {"max": -40},
               unit="dB"),
        Figure("voices that did not interrupt, in Chromium", [silent.count(None)], {"max": 0}, unit="", runs=str(runs)),
    ]
