# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of interruptions: when they arrive at each of many viewers, what the ledger says was heard against what was
recorded, and what a cut sounds like."""
import math
import os
import random
import subprocess
import time

import numpy as np

import rtp
from ffmpeg import ffmpeg
from figure import Figure
from hosted_room import is_speech
from material import open_room
from packets import command, random_pause
from viewers import Gateway

RATE = 48000
WORD_MS, GAP_MS = 200, 40
WORDS = 40


def wave(path, samples):
    """Raw float samples as sound that dh-prepare takes."""
    raw = path + ".raw"
    np.asarray(samples, "<f4").tofile(raw)
    ffmpeg("-f", "f32le", "-ar", str(RATE), "-ac", "1", "-i", raw, path)
    os.remove(raw)


# ------------------------------------------------------------ at each of many viewers

def begin(gateway, file, **more):
    since = len(gateway.events)
    name = command(gateway, "enqueue", file=os.path.basename(file), **more)[1]["segment"]
    gateway.wait_event("started", since, segment=name)
    return name


def cut_media_ms(gateway, name, since):
    return gateway.wait_event("interrupted", since, segment=name)[1]["media_ms"]


def starts(gateway):
    """By viewer: its RTP timestamps of sound and picture at media time 0."""
    told = gateway.request({"request": "stats", "id": 1})["viewers"]
    return {v["viewer"]: v["rtp_start"] for v in told if "rtp_start" in v}


def behind(ts, start, clock, media_ms):
    """How many ms a packet's time is behind a media time."""
    return ((ts - start - media_ms * clock + (1 << 31)) % (1 << 32) - (1 << 31)) / clock


def arrivals(streams, start, cut_ms, sent, idle):
    """ms from the request to the last packet of speech, even if it should not have been sent any more, and to the first
    picture that is one of the idle clip's, as prepared; and how many packets of speech and other pictures there are behind
    the cut, at which the fade is."""
    speech = [p for p in streams["audio"].packets if is_speech(p)]
    if not speech:          # not even the fade
        raise RuntimeError("what was interrupted did not sound")
    shown = rtp.pictures(streams["video"])
    leaked = sum(behind(p.ts, start["audio"], 48, cut_ms) > 0 for p in speech)
    leaked += sum(p.data not in idle for p in shown if behind(p.ts, start["video"], 90, cut_ms) >= 0)
    first = next((p for p in shown if p.arrival > sent and p.data in idle), None)
    if not first:
        raise RuntimeError("no picture of the idle clip came")
    return max((speech[-1].arrival - sent) * 1000, 0), (first.arrival - sent) * 1000, leaked


def interrupt_many(material, runs, viewers=50):
    """interrupt -> last packet of speech and first idle picture, at the slowest of 50 viewers."""
    segment = material.mp4(10)
    sound, picture, spread, leaked = [], [], [], []
    hosted = open_room(material, segment)
    try:
        hosted.warm(os.path.basename(segment))      # else a busy machine may have nothing to interrupt
        idle = {u.data for u in hosted.idle().video}
        with Gateway(hosted.server.ws) as gateway:
            watching = gateway.watch_many(viewers, {"id": 1}, mode="later")
            observer = gateway.observe({"id": 1})
            time.sleep(3)
            start = starts(gateway)
            for _ in range(runs):
                random_pause()
                name = begin(gateway, segment)
                time.sleep(random.uniform(1, 3))
                for viewer in watching:
                    viewer.take()
                since = len(gateway.events)
                sent, _ = command(gateway, "interrupt")
                cut_ms = cut_media_ms(gateway, name, since)
                time.sleep(0.5)
                times = [arrivals(v.open(), start[v.started["result"]["viewer"]], cut_ms, sent, idle) for v in watching]
                sounds, pictures, leaks = zip(*times)
                sound.append(max(sounds))
                picture.append(max(pictures))
                spread.append(max(sounds) - min(sounds))
                leaked.append(sum(leaks))
        assert observer
    finally:
        hosted.close()
    what = f"{runs} interruptions at {viewers} viewers"
    return [
        Figure(f"interrupt -> last packet of speech, the slowest of {viewers} viewers", sound, {"max": 40}, runs=what,
               note="a picture is the idle clip's when its bytes are, as prepared"),
        Figure(f"interrupt -> first idle picture, the slowest of {viewers} viewers", picture, {"max": 60}, runs=what),
        Figure("packets of speech, and pictures of no idle clip, behind the cut, at all viewers", leaked, {"max": 0}, unit="", runs=what),
        Figure("between the first and the last viewer", spread),
    ]


# ---------------------------------------------------------- what was heard, by ear

def words_file(path):
    """A word is a tone, with a pause behind it."""
    t = np.arange(WORD_MS * RATE // 1000) / RATE
    on = len(t) - GAP_MS * RATE // 1000
    shape = np.zeros(len(t))
    shape[:on] = np.minimum(1, np.minimum(np.arange(on), np.arange(on)[::-1]) / (0.005 * RATE))
    wave(path, np.tile(0.4 * shape * np.sin(2 * math.pi * 700 * t), WORDS))


def recorded(packets):
    """How many words sound, wholly and at all, in what a decoder makes of the packets: stretches of tone."""
    x = np.concatenate([s for _, s in rtp.decode_sound(packets)])
    step, runs, length = RATE // 200, [], 0                 # 5 ms
    for level in [float(np.sqrt(np.mean(x[i:i + step] ** 2))) for i in range(0, len(x) - step, step)] + [0]:
        if level > 0.05:
            length += 5
        elif length:
            runs, length = runs + [length], 0
    return sum(n >= WORD_MS - GAP_MS - 20 for n in runs), sum(n >= 5 for n in runs)


def heard_words(material, runs):
    """After interruptions at random: words in heard_text against words in the recorded sound."""
    folder = os.path.join(material.folder, "words-of-one-tone.wav")
    if not os.path.exists(folder):
        words_file(folder)
    words = [[f"w{n:02d}", n * WORD_MS, (n + 1) * WORD_MS - GAP_MS] for n in range(WORDS)]
    off, unheard = [], []
    hosted = open_room(material, folder)
    try:
        with Gateway(hosted.server.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.audio and v.video)
            for _ in range(runs):
                random_pause()
                viewer.take()
                name = begin(gateway, folder, words=words)
                time.sleep(random.uniform(0.2, 3))
                since = len(gateway.events)
                command(gateway, "interrupt", **random.choice([{}, {"mode": "word"}]))
                text = gateway.wait_event("interrupted", since, segment=name)[1]["heard_text"]
                time.sleep(0.3)
                whole, begun = recorded(viewer.audio.packets)
                off.append(len(text.split()) - whole)
                unheard.append(max(len(text.split()) - begun, 0))
    finally:
        hosted.close()
    return [
        Figure("words in heard_text - words wholly in the recorded sound", off, {"max": 1}, unit="words", signed=True),
        Figure("words in heard_text of which nothing sounds", unheard, {"max": 0}, unit="words"),
    ]


# ------------------------------------------------------------------ what a cut sounds like

def high_pass(x, hz, taps=193):
    k = np.arange(taps) - taps // 2
    low = np.sinc(2 * hz / RATE * k) * 2 * hz / RATE
    kernel = (-low + (k == 0)) * np.blackman(taps)
    return np.convolve(x, kernel, "same")


def level(power, reference):
    return 10 * math.log10((power + 1e-20) / (reference + 1e-20))


def powers(x, ms):
    step = RATE * ms // 1000
    return [float(np.mean(x[i:i + step] ** 2)) for i in range(0, len(x) - step + 1, step)]


def spoken(text):
    return subprocess.run([os.environ["DH_TALKER"], "--size", "64x64", text], stdin=subprocess.DEVNULL,
                          capture_output=True, check=True).stdout


def judge(packets, hz):
    """(what is left 25 ms after the last packet begins, clicks beyond the sound itself), in dB below it."""
    last = max(i for i, p in enumerate(packets) if is_speech(p))
    decoded = [x for _, x in rtp.decode_sound(packets[:last + 5])]
    x = np.concatenate(decoded[last - 3:last + 5])
    size = len(decoded[0])
    before = max(powers(x[2 * size:3 * size], 5))
    rest = max(powers(x[3 * size + 25 * RATE // 1000:], 5))
    sharp = high_pass(x, hz)
    own = 2 * max(powers(sharp[200:3 * size - 200], 2))
    click = max(powers(sharp[3 * size - 200:], 2)) - own
    return level(rest, before), level(max(click, 0), before), before


def cuts(material, runs):
    """What a receiver's decoder makes of a cut: a sustained tone, a vowel, speech."""
    t = np.arange(8 * RATE) / RATE
    vowel = sum((0.15 / n + 0.5 * math.exp(-((100 * n - 700) / 200) ** 2)) * np.sin(2 * math.pi * 100 * n * t + n * n)
                for n in range(1, 31))
    speech = os.path.join(material.folder, "speech.wav")
    made = {"a tone": (0.5 * np.sin(2 * math.pi * 220 * t), 1000), "a vowel": (0.15 * vowel, 4000)}
    files = {}
    for name, (samples, hz) in made.items():
        files[name] = (os.path.join(material.folder, name.replace(" ", "-") + ".wav"), hz)
        if not os.path.exists(files[name][0]):
            wave(files[name][0], samples)
    if not os.path.exists(speech):
        ffmpeg("-f", "nut", "-i", "-", "-vn", "-ar", RATE, speech, data=spoken("A quick brown fox jumps over a lazy dog, and then over "
               "all the others, one after another, as long as there are any."))
    files["speech"] = (speech, 6000)
    rest, clicks = {n: [] for n in files}, {n: [] for n in files}
    hosted = open_room(material, *(f for f, _ in files.values()))
    try:
        with Gateway(hosted.server.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.audio and v.video)
            for name, (file, hz) in files.items():
                for _ in range(runs):
                    random_pause()
                    viewer.take()
                    begin(gateway, file)
                    time.sleep(random.uniform(0.3, 2))
                    command(gateway, "interrupt")
                    time.sleep(0.3)
                    left, click, before = judge(viewer.audio.packets, hz)
                    if before > 1e-5:                   # not between two words
                        rest[name].append(left)
                        clicks[name].append(click)
    finally:
        hosted.close()
    return [figure for name in files for figure in (
        Figure(f"{name}, cut: what is left after 25 ms, against before", rest[name], {"max": -40}, unit="dB"),
        Figure(f"{name}, cut: clicks beyond its own, against before", clicks[name], {"max": -40}, unit="dB"))]
