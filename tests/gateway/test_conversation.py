# SPDX-License-Identifier: GPL-3.0-or-later
"""examples/conversation: somebody speaks, is answered, coughs, interrupts; and what the model is then told was heard."""
import asyncio
import importlib.util
import json
import math
import os
import queue
import subprocess
import sys
import threading
import time
import unittest

import av
import numpy as np

from hosted_room import HostedRoom
from media_case import Case
import told_parts
from test_listen import tone

ROOT, BUILD = os.environ["DH_ROOT"], os.environ["DH_BUILD"]
EXAMPLE = os.path.join(ROOT, "examples", "conversation")
PARTS = told_parts.__file__
WAIT_S = 120
INTERRUPTED = " [interrupted]"


def setUpModule():
    Case.hosted = HostedRoom(size=64, kbps=100, general='push_socket = "{folder}/push.sock"')
    unittest.addModuleCleanup(lambda: Case.hosted.close())


def quiet(seconds):
    return np.random.default_rng(1).integers(-8, 8, int(48000 * seconds)).astype(np.int16)


def cough():
    """Noise that dies away."""
    time_s = np.arange(48000 * 6 // 10) / 48000
    noise = np.random.default_rng(2).standard_normal(len(time_s)) * 9000 * np.exp(-time_s / 0.3)
    return np.clip(noise, -32000, 32000).astype(np.int16)


def level(packet):
    """dBov of 20 ms."""
    rms = math.sqrt(float(np.mean(packet.astype(float) ** 2)))
    return max(-127, min(0, round(20 * math.log10(max(rms, 0.02) / 32768))))


def encoded(sound):
    """Packets of 20 ms, each with its level."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate = 48000, "mono", "s16", 64000
    packets = []
    for at in range(0, len(sound) - 959, 960):
        frame = av.AudioFrame.from_ndarray(sound[None, at:at + 960], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48000, at
        packets += [(level(sound[at:at + 960]), bytes(data)) for data in codec.encode(frame)]
    codec.encode(None)
    return packets


class Microphone:
    """Sends a viewer's sound, packet for packet, in its own time; quiet where nothing is said."""

    def __init__(self, viewer):
        self.viewer, self.quiet, self.sounds, self.is_over = viewer, encoded(quiet(1)), queue.Queue(), False
        self.running = asyncio.run_coroutine_threadsafe(self.run(), viewer.gateway._loop)

    async def run(self):
        loop, sent = asyncio.get_running_loop(), 0
        begun, groups, done = loop.time(), iter(()), threading.Event()
        while not self.is_over:
            group = next(groups, None)
            if group is None:
                done.set()
                group = [self.quiet[sent % len(self.quiet)]]
                if not self.sounds.empty():
                    groups, done = self.sounds.get()
            for packet in group:
                await self.viewer._say(*packet, 0, True)
            sent += len(group)
            await asyncio.sleep(max(0, begun + 0.02 * sent - loop.time()))

    def say(self, sound, at_once=False):
        """Returns once it is sent, and a second of quiet before it, in which it is learnt what is no voice. At once, as after
        a hitch of the network, it cannot be torn to pieces by a busy machine; the gateway takes up to 100 packets so."""
        done, packets = threading.Event(), encoded(sound)
        self.sounds.put((iter([[p] for p in self.quiet] + ([packets] if at_once else [[p] for p in packets])), done))
        if not done.wait(WAIT_S):
            raise TimeoutError("the microphone sends nothing")

    def close(self):
        self.is_over = True
        self.running.result(WAIT_S)


class Program:
    """The example; `lines` are what it says."""

    def __init__(self, hosted, told, **parts):
        environment = dict(os.environ, DH_TOLD=told, DH_TALKER=os.environ["DH_TALKER"])
        files = [word for name, file in parts.items() for word in (f"--{name}", file)]
        self.process = subprocess.Popen(
            [sys.executable, "-B", os.path.join(EXAMPLE, "main.py"), "--json", "--janus", hosted.server.ws, "--push",
             "unix:" + hosted.server.path("push.sock"), "--dh-listen", os.path.join(BUILD, "dh-listen"),
             "--state", os.path.join(hosted.work, "conversation.json"), *files],
            env=environment, stdout=subprocess.PIPE, text=True)
        self.lines, self.changed = [], threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(json.loads(line))
                self.changed.notify_all()

    def wait(self, event, number=1, **fields):
        """The number-th of this event with these fields."""
        def found():
            return [line for line in self.lines if line["event"] == event
                    and all(line.get(name) == value for name, value in fields.items())][number - 1:number]
        with self.changed:
            if not self.changed.wait_for(found, WAIT_S):
                raise TimeoutError(f"no {event} {number}; there were {self.lines}")
            return found()[0]

    def end(self):
        self.process.terminate()
        status = self.process.wait(WAIT_S)
        self.reader.join(WAIT_S)
        self.process.stdout.close()
        return status


class Conversing(Case):
    def setUp(self):
        super().setUp()
        self.gateway.observe({"id": 1})
        self.viewer = self.watch()
        self.viewer.listen()
        self.addCleanup(self.viewer.leave)
        self.microphone = Microphone(self.viewer)
        self.addCleanup(self.microphone.close)
        self.told = os.path.join(self.hosted.work, self.id())

    def begin(self, **parts):
        before = self.gateway.request({"request": "info", "id": 1})["info"]
        program = Program(self.hosted, self.told, **parts)
        self.addCleanup(self.end, program, before)
        program.wait("ready")
        return program

    def end(self, program, before):
        """It leaves the room as it was."""
        self.assertEqual(program.end(), 0)
        after = self.gateway.request({"request": "info", "id": 1})["info"]
        for name in ("barge_in", "barge_in_mode", "barge_in_by"):
            self.assertEqual(after[name], before[name])
        self.assertEqual(self.gateway.request({"request": "listforwarders", "id": 1})["rtp_forwarders"], [])

    def event(self, name, since=0, **fields):
        return self.gateway.wait_event(name, since, **fields)[1]

    def number_of(self, name, segment):
        self.event(name, segment=segment)
        return next(n for n, (_, e) in enumerate(self.gateway.events) if (e["event"], e.get("segment")) == (name, segment))

    def say_until(self, name, sound, segment):
        """Says it again where a busy machine has torn it to pieces; the first such event of the segment."""
        for _ in range(5):
            since = len(self.gateway.events)
            self.microphone.say(sound)
            try:
                return self.gateway.wait_event(name, since, 5, segment=segment)[1]
            except TimeoutError:
                pass
        raise TimeoutError(f"no {name} of {segment}; came: {self.gateway.events}")

    def heard_words(self, until_ms):
        """How many packets of each word's tone the viewer was sent, up to this media time."""
        number = self.viewer.started["result"]["viewer"]
        stats = self.gateway.request({"request": "stats", "id": 1, "viewer": number})
        start = stats["viewers"][0]["rtp_start"]["audio"]
        decoder, counts = av.CodecContext.create("libopus", "r"), {}
        decoder.sample_rate, decoder.layout = 48000, "mono"
        for packet in self.viewer.audio.packets:
            if (packet.ts - start) % (1 << 32) / 48 > until_ms:
                break
            for frame in decoder.decode(av.Packet(packet.payload)):
                sound = frame.to_ndarray().astype(float).reshape(-1)
                sound = sound if frame.format.name.startswith("flt") else sound / 32768
                if math.sqrt(np.mean(sound ** 2)) < 0.05:
                    continue
                spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 48000))
                word = round((np.argmax(spectrum) - told_parts.FIRST_HZ) / told_parts.STEP_HZ)
                counts[word] = counts.get(word, 0) + 1
        return counts

    def test_it_is_told_what_was_heard(self):
        """A cough changes nothing; words end the answer; the model is told the words that the viewer got, no more."""
        program = self.begin(**dict.fromkeys(("recogniser", "model", "voice", "face"), PARTS))
        self.microphone.say(tone(1, 440, -12), at_once=True)
        self.assertEqual(program.wait("said")["text"], "a tone")
        self.event("thinking")
        self.event("started")
        segment = [e["segment"] for _, e in self.gateway.events if e["event"] == "started"][-1]
        since = len(self.gateway.events)
        self.say_until("holding", cough(), segment)
        program.wait("no_words")
        self.event("resuming", since, segment=segment)
        cut = self.say_until("interrupted", tone(1, 440, -12), segment)
        self.check_heard(program, segment, cut["media_ms"])
        self.gateway.request({"request": "interrupt", "id": 1})

    def check_heard(self, program, segment, until_ms):
        """By the one who asked, by its sound, and as the model was told."""
        heard = program.wait("heard", segment=segment)
        text, whole = heard["text"], told_parts.text().split()
        self.assertEqual(heard["state"], "interrupted")
        own = [s for s in self.viewer.request({"request": "heard", "id": 1})["segments"] if s["segment"] == segment]
        self.assertEqual([s["heard_text"] for s in own], [text])
        words = text.split()
        self.assertTrue(0 < len(words) < len(whole) - 1, text)
        self.assertEqual(words, whole[:len(words)])
        program.wait("asked", 2)
        asked = self.asked_with(program, "assistant")
        self.assertEqual(asked[-2:], [{"role": "assistant", "content": text + INTERRUPTED},
                                      {"role": "user", "content": "a tone"}])
        counts, full = self.heard_words(until_ms), told_parts.TONE_MS // 20
        for number in range(len(words)):
            self.assertGreaterEqual(counts.get(number, 0), full - 2, (number, counts, text))
        for number in range(len(words), len(whole)):        # the next one may have begun
            self.assertLessEqual(counts.get(number, 0), full - 1 if number == len(words) else 0, (number, counts, text))

    def asked_with(self, program, role):
        """What the model was told when that had such a message for the first time."""
        end = time.monotonic() + WAIT_S
        while True:
            with open(self.told, encoding="utf-8") as file:
                told = [json.loads(line) for line in file.read().splitlines()]
            found = [messages for messages in told if any(m["role"] == role for m in messages)]
            if found:
                return found[0]
            self.assertLess(time.monotonic(), end, program.lines)
            time.sleep(0.05)

    def test_it_is_killed(self):
        """The next one knows how the room was before."""
        self.addCleanup(self.gateway.request, {"request": "edit", "id": 1, "new_barge_in": 0})
        self.gateway.request({"request": "edit", "id": 1, "new_barge_in": 700})
        before = self.gateway.request({"request": "info", "id": 1})["info"]
        parts = dict.fromkeys(("recogniser", "model", "voice", "face"), PARTS)
        for _ in range(2):
            killed = Program(self.hosted, self.told, **parts)
            killed.wait("ready")
            killed.process.kill()
            killed.end()
            self.assertEqual(self.gateway.request({"request": "info", "id": 1})["info"]["barge_in"], 200)
            self.assertEqual(len(self.gateway.request({"request": "listforwarders", "id": 1})["rtp_forwarders"]), 1)
        last = Program(self.hosted, self.told, **parts)
        last.wait("ready")
        self.end(last, before)

    def test_the_last_viewer_leaves(self):
        """What the avatar goes on to say nobody has heard."""
        program = self.begin(**dict.fromkeys(("recogniser", "model", "voice", "face"), PARTS))
        self.microphone.say(tone(1, 440, -12), at_once=True)
        self.event("started")
        segment = [e["segment"] for _, e in self.gateway.events if e["event"] == "started"][-1]
        self.microphone.close()
        self.viewer.leave(detach=False)
        self.event("interrupted", segment=segment)
        heard = program.wait("heard", segment=segment)
        self.assertLess(len(heard["text"].split()), len(told_parts.text().split()) - 1)

    def own(self, segment):
        """What this viewer has heard of it, by what it was sent."""
        told = self.viewer.request({"request": "heard", "id": 1})["segments"]
        return next((s["heard_text"] for s in told if s["segment"] == segment and s.get("heard_text")), "")

    def await_words(self, segment, count):
        end = time.monotonic() + WAIT_S
        while len(self.own(segment).split()) < count:
            self.assertLess(time.monotonic(), end, self.gateway.events)
            time.sleep(0.02)

    def test_its_own_parts(self):
        """Pocketsphinx, the scripted model, espeak-ng and dh-talker: the model is told what the viewer was sent of its
        answer, which is its beginning."""
        if not importlib.util.find_spec("pocketsphinx"):
            self.skipTest("there is no python3-pocketsphinx")
        sys.path.insert(0, EXAMPLE)
        self.addCleanup(sys.path.remove, EXAMPLE)
        import model
        import voice
        program = self.begin()
        self.microphone.say(self.spoken(voice, "Hello, who are you?"), at_once=True)
        answer = model.choose(program.wait("said")["text"]).split()
        self.event("started")
        segment = [e["segment"] for _, e in self.gateway.events if e["event"] == "started"][-1]
        self.await_words(segment, 3)
        self.say_until("interrupted", self.spoken(voice, "What is the weather like today?"), segment)
        heard = program.wait("heard", segment=segment)
        self.assertEqual(heard["state"], "interrupted")
        since = self.number_of("interrupted", segment)
        self.assertNotEqual(self.event("started", since)["segment"], segment)
        asked = [line["messages"] for line in program.lines if line["event"] == "asked"][-1]
        told = [m["content"] for m in asked if m["role"] == "assistant"]
        words = heard["text"].split()
        self.assertEqual(self.own(segment), heard["text"])
        self.assertTrue(3 <= len(words) < len(answer), words)
        self.assertEqual(words, answer[:len(words)])
        self.assertEqual(told[:1], [heard["text"] + INTERRUPTED])
        self.gateway.request({"request": "interrupt", "id": 1})

    @staticmethod
    def spoken(voice, text):
        """48 kHz, of what espeak-ng says."""
        sound = np.frombuffer(b"".join(samples for samples, _ in voice.speak(text)), np.int16).astype(float)
        count = len(sound) * 48000 // voice.RATE
        return np.interp(np.arange(count) * voice.RATE / 48000, np.arange(len(sound)), sound).astype(np.int16)


if __name__ == "__main__":
    unittest.main()
