# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of browsers: what headless Chromium shows and plays."""
import os
import socket
import threading
import time
import urllib.parse

import numpy as np

from figure import Figure
from material import open_room
from packets import command, first_speech
from probe import Probe, Server, browser, lips
from viewers import Gateway
from website import Website

# Chromium moves the two tracks towards each other in steps after it joins; until it has
# finished, offsets say more about how it joined than about what it was sent.
SETTLE_S = 10


def play(gateway, probe, files, idle_s=1.2):
    """One segment after another, each beginning and ending in idle."""
    for file in files:
        name = gateway.request({"request": "enqueue", "id": 1, "file": file})["segment"]
        probe.page.wait(f"probe.events.some(e => e.event === 'finished' && e.segment === '{name}')", 60)
        time.sleep(idle_s)


def session(hosted, server, files, settle_s=SETTLE_S):
    """A new browser watches room 1 while `files` are played. Returns what it noted, before and after."""
    with browser() as chromium, Gateway(hosted.server.ws) as gateway:
        probe = Probe(chromium, server, hosted.server.ws, {"id": 1})
        probe.wait_playing()
        time.sleep(settle_s)
        before = probe.take()
        play(gateway, probe, files)
        return before, probe.take()


def lips_against_sound(material, runs):
    """Flash against beep in Chromium, idle -> segment -> idle."""
    files = [material.mp4(4, 1), material.arrays(4), material.mp4(4, 2)]
    names = [os.path.basename(f) for f in files] * 2
    rendered, shown, medians, webrtc, device = [], [], [], [], []
    hosted = open_room(material, *files)
    try:
        with Server() as server:
            for _ in range(runs):
                before, after = session(hosted, server, names)
                offsets = lips(after, before["frames"][-1]["presented"])
                rendered += offsets["rendered"]
                shown += offsets["shown"]
                medians.append(float(np.median(offsets["rendered"])) if offsets["rendered"] else None)
                webrtc += after["playout"][len(before["playout"]):]
                device.append(after["latency"]["output"])
    finally:
        hosted.close()
    what = f"{runs} sessions, {len(rendered)} marks"
    return [
        Figure("lips against sound in Chromium: flash - beep", rendered, {"median": 20, "p95": 40}, signed=True,
               runs=what, note=f"without the output device; from {SETTLE_S} s after joining on"),
        Figure("the sessions' medians", medians, signed=True, runs=f"{runs} sessions"),
        Figure("the same at display and output device", shown, signed=True, runs=what,
               note="contains the latency of headless Chromium's null device, which the browser does not correct"),
        Figure("that device's latency, as Chromium has it", device, runs=f"{runs} sessions"),
        Figure("WebRTC's own estimate: picture behind sound", webrtc, signed=True, runs=f"{len(webrtc)} reports"),
    ]


def freezes(material, runs, seams=20):
    """Freezes over that many seams, as getStats counts them."""
    files = [material.mp4(2, 1), material.mp4(2, 2)]
    names = [os.path.basename(f) for f in files] * (seams // 4)
    count, duration, gaps, dropped = [], [], [], []
    hosted = open_room(material, *files)
    try:
        with Server() as server:
            for _ in range(runs):
                before, after = session(hosted, server, names, settle_s=5)
                a, b = before["stats"]["video"], after["stats"]["video"]
                count.append(b["freezeCount"] - a["freezeCount"])
                duration.append((b["totalFreezesDuration"] - a["totalFreezesDuration"]) * 1000)
                dropped.append(b["framesDropped"] - a["framesDropped"])
                since = before["frames"][-1]["presented"]
                gaps.append(float(np.diff([f["presented"] for f in after["frames"] if f["presented"] >= since]).max()))
    finally:
        hosted.close()
    what = f"{runs} x {seams} seams"
    return [
        Figure(f"freezes in Chromium over {seams} seams", count, {"max": 0}, unit="", runs=what),
        Figure("their duration", duration, runs=what),
        Figure("longest time between two pictures", gaps, runs=what),
        Figure("pictures that the browser dropped", dropped, unit="", runs=what),
    ]


# --------------------------------------------------------------------- the page

# Notes when each picture was presented (ms of the epoch), from before the page's own scripts.
WATCH_FRAMES = """
window.shownFrames = [];
(() => {
    const seen = new WeakSet();
    const watch = video => {
        seen.add(video);
        const note = (now, meta) => {
            shownFrames.push([performance.timeOrigin + meta.presentationTime, meta.rtpTimestamp]);
            video.requestVideoFrameCallback(note);
        };
        video.requestVideoFrameCallback(note);
    };
    new MutationObserver(() => document.querySelectorAll('video').forEach(v => seen.has(v) || watch(v)))
        .observe(document, { childList: true, subtree: true });
})();
"""


def open_page(chromium, url):
    page = chromium.open("about:blank")
    page.command("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH_FRAMES})
    page.navigate(url)
    return page


def moving_since(page, since, timeout=30):
    """When the second new picture after `since` (ms of the epoch) was presented: the picture moves."""
    # a picture of a new connection has an RTP timestamp of its own
    frames = page.wait(f"(f => f.length >= 2 && f)(shownFrames.filter(f => f[0] > {since}))", timeout, every=0.02)
    return frames[1][0]


def page_opened(material, runs):
    """From opening the page to a moving picture."""
    moving, bytes_received = [], []
    with Website() as site, browser() as chromium:
        moving_since(open_page(chromium, site.url), 0)  # a browser that has just started is busy with other things
        time.sleep(5)
        for _ in range(runs):
            page = open_page(chromium, site.url)
            begun = page.evaluate("performance.timeOrigin")
            moving.append(moving_since(page, begun) - begun)
            bytes_received.append(page.received / 1000)
            page.close()
            time.sleep(1)
    return [Figure("page opened -> picture moving", moving, {"p95": 1500},
                   note="in a browser that runs already; each time with storage and cache of its own, empty"),
            Figure("page without video, transferred", bytes_received, {"max": 300}, unit="KB")]


def restart(material, runs):
    """From the moment when a new Janus listens to a moving picture."""
    moving = []
    with Website() as site, browser() as chromium:
        page = open_page(chromium, site.url)
        moving_since(page, 0)
        port = urllib.parse.urlparse(site.ws).port
        for _ in range(runs):
            time.sleep(2)
            site.down()
            time.sleep(3)
            listens = []
            watcher = threading.Thread(target=lambda: listens.append(when_listening(port)))
            watcher.start()
            site.up()
            watcher.join()
            moving.append(moving_since(page, listens[0] * 1000) - listens[0] * 1000)
    return [Figure("Janus back after a restart -> picture moving", moving, {"p95": 5000},
                   note="from when its WebSocket port accepts, 3 s after it was killed")]


def when_listening(port, timeout=60):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return time.time()
        except OSError:
            time.sleep(0.005)
    raise TimeoutError(f"nobody listens on port {port}")


SENTENCES = ["Hello, and welcome to the show.", "What a pleasant surprise to see you here.",
             "Let me think about it for a moment.", "The quick brown fox jumps over the lazy dog.",
             "Nobody knows what tomorrow brings.", "Thank you, that is all for today."]


def say(material, runs):
    """From sending the request to the first packet of speech, one sentence."""
    heard = []
    with Website() as site, Gateway(site.ws) as gateway:
        viewer = gateway.watch({"id": 1})
        viewer.wait(lambda v: v.audio and v.video)
        for number in range(runs):
            time.sleep(1 + np.random.random())
            since = len(gateway.events)
            sent, answer = command(gateway, "say", secret="demo", text=SENTENCES[number % len(SENTENCES)])
            heard.append((viewer.wait(lambda v: first_speech(v, sent), 20) - sent) * 1000)
            gateway.wait_event("finished", since, segment=answer["segment"])
    return [Figure("say -> first packet of speech", heard, {"p95": 300}, note="one sentence, by dh-talker")]
