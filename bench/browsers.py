# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of browsers: what headless Chromium and Firefox show and play."""
import os
import socket
import threading
import time
import unittest
import urllib.parse

import numpy as np

import firefox
import long
from figure import Figure
from janus_server import free_ports
from material import open_room
from packets import command, first_speech
from probe import Probe, Server, browser, lips
from viewers import PLUGIN, Gateway
from website import Website

# Browsers move the two tracks towards each other in steps after they join; until that has
# finished, offsets say more about how they joined than about what they were sent.
SETTLE_S = 10
WATCHED_S = 20          # what each session of the Streaming plugin is watched for
LIMITS = {"Chromium": {"median": 20, "p95": 40}, "Firefox": {"median": 25, "p95": 50}}


def browsers():
    """[(name, a function that starts one)] of those that there are."""
    try:
        firefox.program()
    except unittest.SkipTest as reason:
        print(f"  without Firefox: {reason}", flush=True)
        return [("Chromium", browser)]
    return [("Chromium", browser), ("Firefox", firefox.Firefox)]


def play(gateway, probe, files, idle_s=1.2):
    """One segment after another, each beginning and ending in idle."""
    for file in files:
        name = gateway.request({"request": "enqueue", "id": 1, "file": file})["segment"]
        probe.page.wait(f"probe.events.some(e => e.event === 'finished' && e.segment === '{name}')", 60)
        time.sleep(idle_s)


def session(start, hosted, server, files, settle_s=SETTLE_S):
    """A new browser watches room 1 while `files` are played; without any, it watches the Streaming plugin. Returns what it
    noted, before and after."""
    with start() as it, Gateway(hosted.server.ws) as gateway:
        probe = Probe(it, server, hosted.server.ws, {"id": 1}, PLUGIN if files else long.STREAMING)
        probe.wait_playing()
        time.sleep(settle_s)
        before = probe.take()
        if files:
            play(gateway, probe, files)
        else:
            time.sleep(WATCHED_S)
        return before, probe.take()


class Lips:
    """What sessions of one browser with one plugin have shown."""

    def __init__(self):
        self.sessions, self.rendered, self.shown, self.medians, self.webrtc, self.device = 0, [], [], [], [], []

    def add(self, before, after):
        offsets = lips(after, before["frames"][-1]["presented"])
        self.sessions += 1
        self.rendered += offsets["rendered"]
        self.shown += offsets["shown"]
        self.medians.append(float(np.median(offsets["rendered"])) if offsets["rendered"] else None)
        # where only one track has had a sender report, Firefox subtracts times of different clocks
        self.webrtc += [ms for ms in after["playout"][len(before["playout"]):] if abs(ms) < 10000]
        self.device.append(after["latency"]["output"])

    def what(self):
        return f"{self.sessions} sessions, {len(self.rendered)} marks"


def lips_against_sound(material, runs):
    """Flash against beep in Chromium and Firefox, idle -> segment -> idle, and of the Streaming plugin in the same run."""
    files = [material.mp4(4, 1), material.arrays(4), material.mp4(4, 2)]
    names, ports = [os.path.basename(f) for f in files] * 2, free_ports(2)
    there = browsers()
    room, stock = ({name: Lips() for name, _ in there} for _ in range(2))
    hosted = open_room(material, *files, plugins=("libjanus_streaming.so",),
                       files={long.STREAMING + ".jcfg": long.mountpoint(ports)})
    try:
        with long.streaming_fed(material, ports), Server() as server:
            for _ in range(runs):
                for name, start in there:
                    room[name].add(*session(start, hosted, server, names))
                    stock[name].add(*session(start, hosted, server, []))
    finally:
        hosted.close()
    return [figure for name, _ in there for figure in lips_figures(name, room[name], stock[name])]


def lips_figures(name, room, stock):
    other = np.array(stock.rendered or [0])
    limits = {"median": max(LIMITS[name]["median"], round(abs(float(np.median(other))), 1)),
              "p95": max(LIMITS[name]["p95"], round(float(np.percentile(np.abs(other), 95)), 1))}
    return [
        Figure(f"lips against sound in {name}: flash - beep", room.rendered, limits, signed=True, runs=room.what(),
               note=f"without the output device; from {SETTLE_S} s after joining on; limits, or Streaming's in the same run"),
        Figure(f"the Streaming plugin in {name}", stock.rendered, signed=True, runs=stock.what()),
        Figure("the sessions' medians", room.medians, signed=True, runs=f"{room.sessions} sessions"),
        Figure("those of the Streaming plugin", stock.medians, signed=True, runs=f"{stock.sessions} sessions"),
        *([Figure("at display and output device", room.shown, signed=True, runs=room.what(),
                  note="contains the latency of a device that plays nothing, which browsers do not correct"),
           Figure("that device's latency, as the browser has it", room.device, runs=f"{room.sessions} sessions")]
          if room.shown else []),
        Figure("WebRTC's own estimate: picture behind sound", room.webrtc, signed=True, runs=f"{len(room.webrtc)} reports"),
    ]


# --------------------------------------------------------------------- freezes

def freezes_of(times, window=30):
    """How long each freeze was, in ms, as the statistics of WebRTC define one: an interval of at least three times the
    mean of the last 30, and of at least 150 ms more than it; the first one, of at least 150 ms. A picture that stops for good
    is one only if the last of `times` is the end of the observation."""
    steps = np.diff(times)
    means = [np.mean(steps[max(0, i - window):i]) if i else 0 for i in range(len(steps))]
    return [float(step) for step, mean in zip(steps, means) if step >= max(3 * mean, mean + 150)]


def freezes(material, runs, seams=20):
    """Freezes over that many seams, in Chromium and Firefox."""
    files = [material.mp4(2, 1), material.mp4(2, 2)]
    names = [os.path.basename(f) for f in files] * (seams // 4)
    out = []
    hosted = open_room(material, *files)
    try:
        with Server() as server:
            for name, start in browsers():
                taken = [session(start, hosted, server, names, settle_s=5) for _ in range(runs)]
                out += freeze_figures(name, taken, seams)
    finally:
        hosted.close()
    return out


def freeze_figures(name, taken, seams):
    count, seen, gaps, dropped = [], [], [], []
    for before, after in taken:
        a, b = before["stats"]["video"], after["stats"]["video"]
        since = before["frames"][-1]["presented"]
        shown = [since, *(f["presented"] for f in after["frames"] if f["presented"] > since)]
        times = [*shown, max(shown[-1], after["ticks"][-1])]
        seen.append(len(freezes_of(times)))
        # getStats counts one when it ends
        lasting = seen[-1] - len(freezes_of(shown))
        count.append(b["freezeCount"] - a["freezeCount"] + lasting if "freezeCount" in b else seen[-1])
        gaps.append(float(np.diff(times).max()))
        dropped.append(b.get("framesDropped", 0) - a.get("framesDropped", 0))
    what = f"{len(taken)} x {seams} seams"
    how = "as getStats counts them, and one that lasts at the end" if "freezeCount" in taken[0][1]["stats"]["video"] else "getStats counts none here: as presented"
    return [
        Figure(f"freezes in {name} over {seams} seams", count, {"max": 0}, unit="", runs=what, note=how),
        Figure("freezes, from when pictures were presented", seen, unit="", runs=what),
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
