# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of one utterance that are pushed in parallel and encoded apart sound like one: a sweep, cut at random
places, as a viewer decodes it. No click, no sample missing, none twice."""
import io
import random
import sys
import unittest
import wave

import numpy as np

import rtp
from pushing import Push
from test_push import PushCase, Server
from viewers import Gateway

LEVEL, LOW, HIGH = 0.5, 150, 3000
CLICK_DB = -50
JCFG = """
general: { cache_folder = "" worker = "{prepare}" push_listen = "127.0.0.1:PORT" push_socket = "{folder}/push.sock"
    max_pushes_per_room = 32 admin_key = "operator" }
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
    @classmethod
    def setUpClass(cls):
        cls.janus = Server(JCFG).start()
        cls.addClassCleanup(cls.janus.stop)
        cls.janus.wait_for_state(cls.janus.attach(), 1, "idle")
        cls.tcp = ("127.0.0.1", cls.janus.push_port)
        cls.long = cls.janus.read("8.nut")

    def hold(self):
        """Something plays until it is skipped, so that all else can be ready by then, however busy the machine."""
        push = self.push({"room": 1, "repeat": 100})
        push.send(self.long)
        push.end()
        push.event("started")

    def heard(self, viewer, since):
        """The sound's packets behind those `since`, from speech to speech, without what is sent in silence."""
        packets = viewer.audio.packets[since:]
        loud = [i for i, p in enumerate(packets) if len(p.payload) > 3]
        return packets[loud[0]:loud[-1] + 1]

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

    def play(self, rate, seed):
        chance = random.Random(seed)
        whole = sweep(6, rate)
        cuts = [0]
        while len(whole) - cuts[-1] > rate:
            cuts.append(cuts[-1] + chance.randrange(rate // 10, rate))
        pieces = [whole[a:b] for a, b in zip(cuts, cuts[1:] + [len(whole)])]
        order = list(range(len(pieces)))
        chance.shuffle(order)
        with Gateway(self.janus.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.video and v.audio)
            self.hold()
            pushes = {}
            for index in order:
                pushes[index] = self.push({"room": 1, "utterance": f"u{rate}-{seed}", "index": index,
                                           "last": index == len(pieces) - 1})
                pushes[index].event("queued")
            chance.shuffle(order)
            for index in order:
                pushes[index].send(wav(pieces[index], rate))
                pushes[index].end()
            for push in pushes.values():
                push.event("ready")
            self.ask("skip", id=1)
            pushes[0].event("started")
            results = [pushes[i].result() for i in range(len(pieces))]
            viewer.wait(lambda v: len(v.audio.packets[-1].payload) <= 3)
            packets = list(viewer.audio.packets)
        self.assertEqual({r["event"] for r in results}, {"finished"}, results)
        self.assertLess(abs(sum(r["played_ms"] for r in results) - 6000), 21)
        loud = [len(p.payload) > 3 for p in packets]
        end = len(loud) - loud[::-1].index(True)
        count = -(-6 * 48000 // 960)
        self.judge(packets[end - count:end], sweep(6, 48000), [cut * 48000 // rate for cut in cuts[1:]])

    def test_24_khz(self):
        self.play(24000, 1)

    def test_16_khz(self):
        self.play(16000, 2)


if __name__ == "__main__":
    unittest.main()
