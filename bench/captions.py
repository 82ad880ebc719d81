# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of captions: against the sound of their words, where they arrive and where they are read."""
import json
import os
import time

import numpy as np

from data_peer import DataViewer
from figure import Figure
from marks import MARK
from material import open_room
from page_server import PageServer
from probe import browser

SECONDS = 20
SETTLE_S = 10           # see browsers.py
PACKET_MS = 20
BEEPS = [round(1000 * (MARK + n)) for n in range(SECONDS - 1)]
CAPTIONS = [["beep %d" % n, ms, ms + 500] for n, ms in enumerate(BEEPS)]

# The page's library, as the page uses it; a caption is rendered in the frame that follows its text.
WATCH = """
import('/digitalhuman.js').then(async ({ DigitalHuman }) => {
    const video = document.querySelector('video'), line = document.createElement('p');
    document.body.append(line);
    video.muted = false;
    window.beeps = []; window.captions = [];
    window.dh = new DigitalHuman({ server: %s, room: 1, video, captions: true });
    dh.on('captions', list => {
        line.textContent = list.map(c => c.text).join(' ');
        if (list.length)
            requestAnimationFrame(at => captions.push({ text: line.textContent, at }));
    });
    const context = new AudioContext({ sampleRate: 48000, latencyHint: 'interactive' });
    const { hear } = await import('/ear.js');
    dh.on('stream', stream => hear(context, stream, 'beep',
        at => beeps.push(performance.now() - (context.currentTime - at) * 1000)));
})
"""


def arrived(hosted, file):
    """Caption minus the packet that has the first sample of its word, ms."""
    viewer = DataViewer(hosted.server, 1, "--sound")
    try:
        viewer.wait_event("state")
        time.sleep(1)
        segment = hosted.handle.request({"request": "enqueue", "id": 1, "file": file, "captions": CAPTIONS})["segment"]
        viewer.wait_event("finished", segment=segment)
        start = viewer.result["rtp_start"]["audio"]
        sounds = {(stamp - start) % (1 << 32) // 48: at for at, stamp in viewer.sounds}
        out = []
        for message in viewer.messages:
            if message["event"] == "caption":
                packet = next((ms for ms in sounds if ms <= message["from_ms"] < ms + PACKET_MS), None)
                if packet is not None:
                    out.append((message["at"] - sounds[packet]) * 1000)
        return out
    finally:
        viewer.close()


def rendered(hosted, file):
    """Caption minus beep, ms, in a browser of its own."""
    with PageServer() as pages, browser() as chromium:
        page = chromium.open(pages.url + "blank.html")
        page.wait("document.querySelector('video')")
        page.evaluate(WATCH % json.dumps(hosted.server.ws))
        page.wait("window.dh?.state === 'playing'")
        time.sleep(SETTLE_S)
        segment = hosted.handle.request({"request": "enqueue", "id": 1, "file": file, "captions": CAPTIONS})["segment"]
        page.evaluate("window.over = false; dh.on('finished', e => { window.over ||= e.segment === '%s'; }); 0" % segment)
        page.wait("over", 60 + SECONDS)
        time.sleep(1)
        heard, shown = page.evaluate("[beeps, captions]")
    heard = np.array(heard)
    out = [caption["at"] - heard[np.argmin(np.abs(heard - caption["at"]))] for caption in shown] if len(heard) else []
    return [ms for ms in out if abs(ms) < 500]


def captions(material, runs):
    """a caption against its word's sound: where both arrive, and rendered in Chromium"""
    file = material.mp4(SECONDS)
    hosted = open_room(material, file)
    name, network, screen = os.path.basename(file), [], []
    try:
        hosted.warm(name)
        for _ in range(runs):
            network += arrived(hosted, name)
            screen += rendered(hosted, name)
    finally:
        hosted.close()
    sessions = f"{runs} sessions, %d captions"
    return [Figure("caption − its word's packet, at the receiver", network, {"max": 20}, signed=True, runs=sessions % len(network),
                   note="a data channel of aiortc"),
            Figure("caption − its word's sound, rendered in Chromium", screen, {"max": 50}, signed=True, runs=sessions % len(screen),
                   note="the frame that shows it, the sample in WebAudio, without the latency of an output device")]
