# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of one utterance that are pushed in parallel and encoded apart sound like one: a sweep, cut at random
places, as a viewer decodes it. No click, no sample missing, none twice."""
import io
import json
import os
import random
import subprocess
import sys
import threading
import unittest
import wave

import numpy as np

import rtp
from push_server import WAIT_S
from test_push import PushCase
from viewers import Gateway
from digitalhuman import Stage

PUSH = os.path.join(os.environ["DH_BUILD"], "dh-push")
LEVEL, LOW, HIGH, SECONDS = 0.5, 150, 3000, 4
CLICK_DB = -50
JCFG = """
general: { cache_folder = "" worker = "{prepare}" push_listen = "127.0.0.1:PORT" push_socket = "{folder}/push.sock"
    max_pushes_per_room = 32 index_timeout_ms = 15000 admin_key = "operator" }
avatar-small: { width = 64 height = 64 idle = "{folder}/idle.avi" kbps = 200 }
room-open: { id = 1 avatar = "small" }
room-closed: { id = 2 avatar = "small" secret = "whisper" }
room-other: { id = 3 avatar = "small" }
"""


def sweep(seconds, rate):
    """From LOW to HIGH Hz, loud throughout."""
    t, k = np.arange(int(seconds * rate)) / rate, np.log(HIGH / LOW) / seconds
    return LEVEL * np.sin(2 * np.pi * LOW * (np.exp(k * t) - 1) / k)


def wav(samples, rate):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((samples * 32767).round().astype("<i2").tobytes())
    return file.getvalue()


def db(x):
    return 20 * np.log10(max(x, 1e-9) / LEVEL)


def above(samples):
    """What is above 5 kHz: nothing of the sweep, but all clicks."""
    taps = np.arange(-127, 128)
    low = 2 * 5000 / 48000 * np.sinc(2 * 5000 / 48000 * taps) * np.blackman(255)
    return np.abs(samples - np.convolve(samples, low, "same"))


class Seams(PushCase):
    jcfg = JCFG

    def hold(self):
        """Something plays until it is skipped, so that all else can be prepared by then, however busy the machine."""
        push = self.push({"room": 1, "repeat": 100})
        push.send(self.long)
        push.end()
        push.event("started")

    def judge(self, packets, whole, cuts):
        """`whole` at 48 kHz, cut at these samples."""
        times = rtp.unwrap([p.ts for p in packets], 32)
        self.assertEqual(set(np.diff(times)), {960}, "packets do not follow each other")
        self.assertEqual(len(packets), -(-len(whole) // 960), "20 ms are missing, or there are more")
        got = np.concatenate([x for _, x in rtp.decode_sound(packets)])[:len(whole)]
        error, high = np.abs(got - whole), above(got)
        usual = max(error[4800:-4800][i] for i in range(0, len(error) - 9600, 1)
                    if all(abs(i + 4800 - cut) > 4800 for cut in cuts))
        near = [slice(max(cut - 4800, 128), cut + 1920) for cut in cuts]
        click = max(high[part].max() for part in near)
        worst = max(error[part].max() for part in near)
        print(f"    {len(cuts)} seams: click {db(click):.1f} dB, error {db(worst):.1f} dB, elsewhere {db(usual):.1f} dB",
              file=sys.stderr)
        self.assertLess(db(click), CLICK_DB)
        self.assertLess(worst, 2 * usual + 0.002)

    def cut(self, rate, chance):
        """The sweep at that rate, and where its pieces begin."""
        whole, cuts = sweep(SECONDS, rate), [0]
        while len(whole) - cuts[-1] > rate:
            cuts.append(cuts[-1] + chance.randrange(rate // 10, rate))
        return [whole[a:b] for a, b in zip(cuts, cuts[1:] + [len(whole)])], cuts

    def play(self, rate, seed, push_all):
        """push_all(pieces, order) returns once all are prepared; what it returns gives their results."""
        chance = random.Random(seed)
        pieces, cuts = self.cut(rate, chance)
        order = list(range(len(pieces)))
        chance.shuffle(order)
        with Gateway(self.janus.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.video and v.audio)
            self.hold()
            wait = push_all(pieces, order)
            self.ask("skip", id=1)
            results = wait()
            viewer.wait(lambda v: len(v.audio.packets[-1].payload) <= 3)
            packets = list(viewer.audio.packets)
        self.assertEqual({event for event, _ in results}, {"finished"}, results)
        self.assertLess(abs(sum(played_ms for _, played_ms in results) - 1000 * SECONDS), 21)
        loud = [len(p.payload) > 3 for p in packets]
        end = len(loud) - loud[::-1].index(True)
        count = -(-SECONDS * 48000 // 960)
        self.judge(packets[end - count:end], sweep(SECONDS, 48000), [cut * 48000 // rate for cut in cuts[1:]])

    def connections(self, rate):
        """Each piece through a connection of its own, as a WAV; their media come in another order than their lines."""
        def push_all(pieces, order):
            pushes = {}
            for index in order:
                pushes[index] = self.push({"room": 1, "utterance": f"u{rate}", "index": index,
                                           "last": index == len(pieces) - 1})
                pushes[index].event("queued")
            for index in order[3:] + order[:3]:
                pushes[index].send(wav(pieces[index], rate))
                pushes[index].end()
            for push in pushes.values():
                push.event("segment_prepared")
            return lambda: [(r["event"], r["played_ms"]) for r in (push.result() for push in pushes.values())]
        return push_all

    def arrays(self, rate, **how):
        """Pictures and sound, as arrays, by the Python client."""
        def push_all(pieces, order):
            stage = Stage("%s:%d" % self.tcp, 1, fps=25, sample_rate=rate, max_parallel=32, **how)
            self.addCleanup(stage.close)
            ready, futures = {index: threading.Event() for index in order}, []
            for index in order:
                frames = np.full((-(-len(pieces[index]) * 25 // rate), 64, 64, 3), 9 * index + 60, np.uint8)
                note = lambda event, one=ready[index]: event["event"] == "segment_prepared" and one.set()
                futures.append(stage.push_av_segment(index, frames, pieces[index].astype(np.float32),
                                                     last=index == len(pieces) - 1, on_event=note))
            for event in ready.values():
                self.assertTrue(event.wait(WAIT_S))
            return lambda: [(f.result(WAIT_S).event, f.result().played_ms) for f in futures]
        return push_all

    def programs(self, rate):
        """A dh-push for each, which encodes; pipes connect them."""
        def push_all(pieces, order):
            seams = [os.pipe() for _ in pieces[1:]]
            running = {}
            for index in order:
                ends = {"--lead-fd": seams[index - 1][0]} if index else {}
                if index < len(seams):
                    ends["--tail-fd"] = seams[index][1]
                running[index] = process = subprocess.Popen(
                    [PUSH, "--room=1", "--json", "--encode", "--utterance=p", f"--index={index}",
                     *(["--last"] if index == len(seams) else []), *(f"{option}={fd}" for option, fd in ends.items()),
                     "%s:%d" % self.tcp, self.file(f"piece-{index}.wav", wav(pieces[index], rate))],
                    pass_fds=list(ends.values()), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
                self.addCleanup(process.wait)
                self.addCleanup(process.kill)
                self.addCleanup(process.stdout.close)
                for fd in ends.values():
                    os.close(fd)
            for process in running.values():
                self.assertTrue(any(json.loads(line).get("event") == "segment_prepared" for line in process.stdout))
            return lambda: [(last["event"], last["played_ms"]) for last in (
                json.loads(process.stdout.read().splitlines()[-1]) for process in running.values())]
        return push_all

    def file(self, name, data):
        path = self.janus.path(name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def test_24_khz(self):
        self.play(24000, 1, self.connections(24000))

    def test_16_khz(self):
        self.play(16000, 2, self.connections(16000))

    def test_arrays(self):
        self.play(24000, 3, self.arrays(24000, encode=False))

    def test_arrays_that_are_encoded_beside_their_generator(self):
        self.play(16000, 4, self.arrays(16000, encode=True, dh_prepare=self.janus.prepare))

    def test_dh_push_that_encodes(self):
        self.play(24000, 5, self.programs(24000))

    def test_what_has_been_played_is_not_waited_for(self):
        """Nor what was left out: each piece comes when the one before it has ended, and the third one never."""
        for index in (0, 1, 3):
            push = self.push({"room": 1, "utterance": "slow", "index": index, "last": index == 3})
            push.send(wav(sweep(0.51, 24000), 24000))
            push.end()
            self.assertEqual(push.result()["event"], "finished", push.said())
        with Stage("%s:%d" % self.tcp, 1, sample_rate=24000, encode=True, dh_prepare=self.janus.prepare) as stage:
            for index in (0, 1):
                future = stage.push_av_segment(index, None, sweep(0.51, 24000).astype(np.float32),
                                               utterance="slow, too", last=index == 1)
                self.assertEqual(future.result(WAIT_S).event, "finished")


if __name__ == "__main__":
    unittest.main()
