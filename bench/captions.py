# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of captions: against the sound of their words, where they arrive and where they are read."""
import json
import os
import time

from data_peer import DataViewer
from figure import Figure
from marks import MARK
from material import open_room
from page_server import PageServer
from probe import browser

SECONDS = 20
SETTLE_S = 10           # see browsers.py
PACKET_MS = 20
BEEPS = [round(1000 * (MARK + n)) for n in range(SECONDS)]      # all that the file has
CAPTIONS = [["beep %d" % n, ms, min(ms + 500, SECONDS * 1000)] for n, ms in enumerate(BEEPS)]

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


def by_number(captions, beeps):
    """[(when it was shown, when its beep was heard)] of captions, (text, when) each, and beeps in their order. All of them
    must have come, each once and in order: one that is missing would make its neighbour a second late, or be no figure."""
    texts = [text for text, _ in captions]
    if texts != [text for text, *_ in CAPTIONS]:
        raise RuntimeError(f"captions were not shown as they should: {texts}")
    if len(beeps) != len(BEEPS) or None in beeps:
        raise RuntimeError(f"of {len(BEEPS)} beeps {len(beeps) - list(beeps).count(None)} were heard")
    return [(at, beep) for (_, at), beep in zip(captions, beeps)]


def arrived(hosted, file):
    """Caption minus the packet that has the first sample of its word, ms."""
    viewer = DataViewer(hosted.server, 1, "--sound")
    try:
        viewer.wait_event("state")
        time.sleep(1)
        segment = hosted.handle.request({"request": "enqueue", "id": 1, "file": file, "captions": CAPTIONS})["segment"]
        started_ms = viewer.wait_event("started", segment=segment)["media_ms"]
        viewer.wait_event("finished", segment=segment)
        start = viewer.result["rtp_start"]["audio"]
        sounds = {(stamp - start) % (1 << 32) // 48: at for at, stamp in viewer.sounds}
        shown = [(m["text"], m["at"]) for m in viewer.messages if m["event"] == "caption"]
        words = [next((at for ms, at in sounds.items() if ms <= started_ms + beep < ms + PACKET_MS), None) for beep in BEEPS]
        return [(at - word) * 1000 for at, word in by_number(shown, words)]
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
    return [at - beep for at, beep in by_number([(caption["text"], caption["at"]) for caption in shown], heard)]


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
