# SPDX-License-Identifier: GPL-3.0-or-later
"""How old the first picture is that Chromium presents of a room it joins, this plugin's and the Streaming plugin's.

A picture's age is judged by the browser alone: how much later it is presented than it would be if it were as far behind its RTP
timestamp as the pictures are some seconds later, and how long the browser holds those before it decodes them. A relay that first
repeats what it has kept since its last key frame shows old pictures, or makes the browser hold them longer.
"""
import random
import sys
import time

import numpy as np

import rtp
from figure import Figure
from later import later
from probe import Probe, Server, browser
from versus import LOOPS, OURS, relays
from viewers import Gateway

SETTLED_S = 5       # the browser has caught up, and its jitter buffer has found its length
JOINS = 6           # of one gateway
WHOLE_MS = {"median": 45, "max": 100}


def behind(frames):
    """For each picture, ms from its RTP timestamp to when it was presented, from an arbitrary origin."""
    first = frames[0]["rtp"]
    return [f["presented"] - ((f["rtp"] - first + (1 << 31)) % (1 << 32) - (1 << 31)) / 90 for f in frames]


def join(chromium, server, ws, plugin):
    """(age of the first picture, ms from `watch` to it)."""
    probe = Probe(chromium, server, ws, {"id": 1}, plugin)
    try:
        probe.wait_playing()
        time.sleep(SETTLED_S)
        probe.page.evaluate("probe.held()")
        time.sleep(1 + random.uniform(0, 2))        # so that the next one joins anywhere between two key frames
        data, held_s = probe.take(), probe.page.evaluate("probe.held()")
    finally:
        probe.close()
    late = behind(data["frames"])
    return held_s * 1000 + late[0] - float(np.median(late[-25:])), data["frames"][0]["presented"] - data["watchAt"]


def first_whole(gateway):
    """ms to the last packet of a headless viewer's first key frame: (from its `watch`, from its connection)."""
    viewer = gateway.watch({"id": 1})
    key = viewer.wait(lambda v: v.video and next((p for p in rtp.pictures(v.video) if p.key), None))
    viewer.leave()
    return tuple(1000 * (key.last - viewer.moments[name]) for name in ("watch", "connected"))


def lag(material, runs):
    """Age of the first picture in Chromium, of rooms and of mountpoints with their packets, which keep what came since the key
    frame."""
    found = relays()
    ages, waits, wholes = ({name: [] for name in found} for _ in range(3))
    with Server() as server:
        for number in range(runs):
            for name, opener in random.sample(list(found.items()), len(found)):
                print(f"  round {number + 1} of {runs}: {name}", file=sys.stderr, flush=True)
                with opener(material, LOOPS["off"], True) as (gateway, plugin), browser() as chromium:
                    for _ in range(JOINS):
                        age, wait = join(chromium, server, gateway.ws, plugin)
                        ages[name].append(age)
                        waits[name].append(wait)
                    with Gateway(gateway.ws, plugin) as headless:
                        wholes[name] += [first_whole(headless) for _ in range(JOINS)]
    return figures(ages, waits, wholes, f"{runs} x {JOINS} joins")


def figures(ages, waits, wholes, what):
    """The first is judged by the later Janus, which is the last of `ages`, if there is one."""
    prefix, why = later()
    newest = list(ages)[-1]
    limit = {"median": max(0.0, round(float(np.median(ages[newest])) / 4, 1))}
    out = [Figure(f"age of the first picture in Chromium, {OURS}", ages[OURS], limit, runs=what,
                  note=f"limit: a quarter of {newest}'s" if prefix else "", unjudged="" if prefix else why)]
    out += [Figure(f"age of the first picture in Chromium, {name}", ages[name], runs=what) for name in ages if name != OURS]
    out += [Figure(f"watch → first picture presented, {name}", waits[name], runs=what) for name in waits]
    for number, begin in enumerate(("watch", "connection")):
        out += [Figure(f"{begin} → first whole key frame, {name}, headless", [whole[number] for whole in wholes[name]],
                       WHOLE_MS if name == OURS else None, runs=what) for name in wholes]
    return out
