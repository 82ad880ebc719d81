# SPDX-License-Identifier: GPL-3.0-or-later
"""The sound of viewers as it is handed on: as RTP, and by dh-listen as PCM on a Unix socket."""
import json
import os
import random
import re
import signal
import socket
import subprocess
import time
import unittest

import av
import numpy as np

import marks
from hosted_room import HostedRoom
from janus_server import WAIT_S, free_ports
from media_case import Case
from viewers import Refused

LISTEN = os.path.join(os.environ["DH_BUILD"], "dh-listen")


def setUpModule():
    Case.hosted = HostedRoom(size=64, kbps=100)
    unittest.addModuleCleanup(lambda: Case.hosted.close())


def udp(case=None):
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    taken.settimeout(WAIT_S)
    if case:
        case.addCleanup(taken.close)
    return taken


def opus(sound):
    """Packets of 20 ms; `sound` is 48 kHz s16, one channel."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format = 48000, "mono", "s16"
    packets = []
    for at in range(0, len(sound) - 959, 960):
        frame = av.AudioFrame.from_ndarray(sound[None, at:at + 960], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48000, at
        packets += [bytes(p) for p in codec.encode(frame)]
    return packets


def hertz(sound):
    """The strongest tone, to within 50 Hz, of 20 ms that are loud; 0 if they are not."""
    samples = np.frombuffer(sound, "<i2")
    return int(np.argmax(np.abs(np.fft.rfft(samples)))) * 50 if np.abs(samples.astype(int)).max() > 1000 else 0


def tone(seconds, hz, level):
    time_s = np.arange(int(48000 * seconds)) / 48000
    wobble = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time_s)
    return (np.sin(2 * np.pi * hz * time_s) * wobble * 32767 * 10 ** (level / 20)).astype(np.int16)


def connected(path):
    """A socket that is connected to a program which may be just about to listen."""
    end = time.monotonic() + WAIT_S
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            return connection
        except OSError:
            connection.close()
            if time.monotonic() > end:
                raise
        time.sleep(0.02)


def await_read(*ports):
    """Until whoever listens there has read all that came: what does not fit behind it would be lost."""
    end = time.monotonic() + WAIT_S
    while True:
        with open("/proc/net/udp", encoding="ascii") as file:
            waiting = {int(line[1].split(":")[1], 16): int(line[4].split(":")[1], 16) for line in map(str.split, list(file)[1:])}
        if not any(waiting[port] for port in ports):
            return
        if time.monotonic() > end:
            raise TimeoutError(f"bytes that nobody reads: {waiting}")
        time.sleep(0.02)


class Recogniser:
    """Reads what dh-listen says: `lines`, and `sound` and `reference` by viewer."""

    def __init__(self, path):
        self.socket = connected(path)
        self.socket.settimeout(WAIT_S)
        self.file = self.socket.makefile("rb")
        self.lines, self.sound, self.reference = [], b"", b""

    def read(self):
        line = json.loads(self.file.readline())
        if line["event"] == "sound":
            self.sound += self.file.read(line["bytes"])
            self.reference += self.file.read(line["reference_bytes"])
        self.lines.append(line)
        return line

    def close(self):
        self.file.close()
        self.socket.close()

    def read_until(self, event):
        while self.read()["event"] != event:
            pass


class Listening(Case):
    def setUp(self):
        super().setUp()
        random.seed(1)
        self.viewer = self.watch()
        self.viewer.listen()
        self.number, self.sent = self.viewer.started["result"]["viewer"], 0
        self.addCleanup(self.viewer.leave)

    def forward(self, **fields):
        id = self.gateway.request({"request": "forward_microphones", "id": 1, "host": "127.0.0.1", **fields})["stream_id"]
        self.addCleanup(lambda: self.stop(id))
        return id

    def stop(self, id):
        try:
            self.gateway.request({"request": "stop_rtp_forward", "id": 1, "stream_id": id})
        except Refused:
            pass

    def listen(self, *options):
        rtp, reference = free_ports(2)
        path = os.path.join(self.hosted.work, "listen.sock")
        program = subprocess.Popen([LISTEN, "--socket", path, "--rtp", str(rtp), "--reference", str(reference),
                                    *options])
        self.addCleanup(lambda: (program.terminate(), self.assertEqual(program.wait(WAIT_S), 0)))
        end = time.monotonic() + WAIT_S
        while not os.path.exists(path):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        self.forward(port=rtp, reference_port=reference)
        return path

    def recogniser(self, path):
        recogniser = Recogniser(path)
        self.addCleanup(recogniser.close)
        return recogniser

    def say(self, sound):
        """In less than its own time, even if some of it is late; and all of it arrives, because there is never more on
        its way than a busy gateway takes at once."""
        begun = time.monotonic()
        for number, packet in enumerate(opus(sound)):
            time.sleep(max(0, begun + 0.015 * number - time.monotonic()))
            self.viewer.say(-30, packet)
            self.sent += 1
            if self.sent % 25 == 0:
                self.await_taken()
        self.await_taken()

    def await_taken(self):
        end = time.monotonic() + WAIT_S
        while True:
            stats = self.gateway.request({"request": "stats", "id": 1, "viewer": self.number})["viewers"][0]
            if stats["microphone"]["packets"] == self.sent:
                return
            self.assertLess(time.monotonic(), end, (self.sent, stats))
            time.sleep(0.005)

    def test_rtp(self):
        port = udp(self)
        id = self.forward(port=port.getsockname()[1])
        payload = b"\xf8" + bytes(range(50))
        for _ in range(3):
            self.viewer.say(-30, payload)
        packets = [port.recv(2048) for _ in range(3)]
        for packet in packets:
            self.assertEqual(packet[0], 0x80)
            self.assertEqual(packet[1] & 0x7f, 111)
            self.assertEqual(int.from_bytes(packet[8:12], "big"), self.number)
            self.assertEqual(packet[12:], payload)
        steps = [int.from_bytes(b[2:4], "big") - int.from_bytes(a[2:4], "big") & 0xffff
                 for a, b in zip(packets, packets[1:])]
        self.assertEqual(steps, [1, 1])
        listed = self.gateway.request({"request": "listforwarders", "id": 1})["rtp_forwarders"]
        self.assertEqual([(f["stream_id"], f["packets"]) for f in listed], [(id, 3)])
        self.stop(id)
        self.viewer.say(-30, payload)
        port.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            port.recv(2048)

    def test_one_viewer_of_two(self):
        """A forward of one viewer has nothing of the other, whom the room hears as well."""
        other = self.watch()
        self.addCleanup(other.leave)
        other.listen()
        numbers = [self.number, other.started["result"]["viewer"]]
        one, all = udp(self), udp(self)
        # a packet goes to the first one first
        ids = [self.forward(port=one.getsockname()[1], viewer=self.number), self.forward(port=all.getsockname()[1])]
        said = [(viewer, bytes([0xf8, number, *range(50)])) for number in range(4) for viewer in (other, self.viewer)]
        for viewer, payload in said:
            viewer.say(-30, payload)
        came = [self.from_whom(all.recv(2048)) for _ in said]
        self.assertEqual(sorted(came), sorted((numbers[viewer is other], payload) for viewer, payload in said))
        one.setblocking(False)
        alone = []
        while True:
            try:
                alone.append(self.from_whom(one.recv(2048)))
            except BlockingIOError:
                break
        self.assertEqual(alone, [(self.number, payload) for viewer, payload in said if viewer is self.viewer])
        listed = self.gateway.request({"request": "listforwarders", "id": 1})["rtp_forwarders"]
        self.assertEqual([(f["stream_id"], f.get("viewer"), f["packets"]) for f in listed],
                         [(ids[0], self.number, 4), (ids[1], None, 8)])

    @staticmethod
    def from_whom(packet):
        return int.from_bytes(packet[8:12], "big"), packet[12:]

    def test_reference(self):
        """What the room sends, packet for packet, to the fade where it is interrupted."""
        port, other = udp(self), udp(self)
        self.forward(port=other.getsockname()[1], reference_port=port.getsockname()[1])
        file = os.path.join(self.hosted.segments, "spoken.mp4")
        marks.write_mp4(file, 2, 64)
        self.play("spoken.mp4")         # the viewer has got it by then
        since = len(self.gateway.events)
        segment = self.enqueue("spoken.mp4")
        self.gateway.wait_event("started", since, segment=segment)
        count = len(self.viewer.audio.packets)
        self.viewer.wait(lambda v: len([p for p in v.audio.packets[count:] if len(p.payload) > 3]) > 20)
        self.gateway.request({"request": "interrupt", "id": 1})
        ended = self.gateway.wait_event("interrupted", since, segment=segment)[1]
        self.wait_until(ended["media_ms"] + 100)
        port.setblocking(False)
        came = []
        while True:
            try:
                came.append(port.recv(2048)[12:])
            except BlockingIOError:
                break
        sent = [p.payload for p in self.viewer.audio.packets]
        self.assertGreater(len([p for p in came if len(p) > 3]), 90)
        self.assertIn(b"".join(p for p in came if len(p) > 3), b"".join(p for p in sent if len(p) > 3))

    def test_refusals(self):
        for fields, code in (({"host": "10.0.0.1", "port": 5004}, "454.*host"),
                             ({"host": "localhost", "port": 5004}, "454.*host"),
                             ({"host": "127.0.0.1", "port": 0}, "454.*port"),
                             ({"host": "127.0.0.1", "port": 65536}, "454.*port"),
                             ({"host": "127.0.0.1"}, "453.*port")):
            with self.assertRaisesRegex(Refused, code):
                self.gateway.request({"request": "forward_microphones", "id": 1, **fields})
        for number in range(8):
            self.forward(port=5004 + number)
        with self.assertRaisesRegex(Refused, "464.*8 forwards"):
            self.forward(port=6000)
        with self.assertRaisesRegex(Refused, "454.*stream_id"):
            self.gateway.request({"request": "stop_rtp_forward", "id": 1, "stream_id": 999})

    def test_pcm(self):
        """A voice comes as PCM, with a little before it, and silence does not. Where a busy machine leaves it without a
        packet for long, that is silence as well; nothing is missing for that."""
        recogniser = self.recogniser(self.listen())
        self.assertEqual(recogniser.read(), {"event": "hello", "version": 1, "rate": 16000, "channels": 1,
                                             "format": "s16le"})
        quiet = np.random.default_rng(1).integers(-8, 8, 48000).astype(np.int16)
        self.say(np.concatenate([quiet, tone(1, 440, -12), quiet, tone(0.5, 880, -12)]))
        lines, after = self.read_first(recogniser)
        events = [line["event"] for line in lines]
        self.assertEqual((events[:2], events[-1]), (["hello", "speech"], "silence"))
        self.assertEqual({line.get("viewer") for line in lines[1:]}, {self.number})
        self.check_order(events[1:])
        sound = np.frombuffer(recogniser.sound[:after], "<i2")
        self.assertTrue(1.0 < len(sound) / 16000 < 2.2, len(sound) / 16000)
        loud = sound[np.abs(sound.astype(int)) > 1000]
        self.assertTrue(0.5 < len(loud) / 16000 < 1.05)
        spectrum = np.abs(np.fft.rfft(sound[8000:16000]))
        self.assertAlmostEqual(np.argmax(spectrum) * 2, 440, delta=6)
        self.assertEqual(len(recogniser.reference), len(recogniser.sound))
        times = [line["at_ms"] for line in recogniser.lines if line["event"] == "sound"]
        self.assertLess(abs(times[0] / 1000 - time.time()), 60)

    def read_tone(self, recogniser, hz):
        """Until it has told five times of that tone, as this viewer's."""
        heard = 0
        while heard < 5:
            line = recogniser.read()
            if line["event"] == "sound" and line["viewer"] == self.number:
                heard += abs(hertz(recogniser.sound[-640:]) - hz) <= 50

    @staticmethod
    def read_first(recogniser):
        """The lines up to the second voice, which is higher, and how many bytes of sound come with them."""
        higher = 0
        while higher < 5:
            if recogniser.read()["event"] == "sound":
                higher += hertz(recogniser.sound[-640:]) > 660
        events = [line["event"] for line in recogniser.lines]
        lines = recogniser.lines[:len(events) - 1 - events[::-1].index("speech")]
        return lines, sum(line.get("bytes", 0) for line in lines)

    def check_order(self, events):
        """Sound comes between `speech` and `silence`."""
        is_open = False
        for event in events:
            self.assertEqual(event == "speech", not is_open, events)
            is_open = event != "silence"

    def test_several_recognisers(self):
        path = self.listen("--all", "--clients", "2")
        first, second = self.recogniser(path), self.recogniser(path)
        for recogniser in (first, second):
            recogniser.read()
        self.assertEqual(self.recogniser(path).file.readline(), b"")
        self.say(tone(1, 440, -12))
        for recogniser in (first, second):
            recogniser.read_until("sound")

    def test_garbage(self):
        """Whatever comes to its ports, it goes on, and hears whom it heard before."""
        recogniser = self.recogniser(self.listen("--viewers", "2"))
        recogniser.read()
        self.say(tone(1, 440, -12))
        self.read_tone(recogniser, 440)
        listed = self.gateway.request({"request": "listforwarders", "id": 1})["rtp_forwarders"]
        sender, rng = udp(self), random.Random(3)
        for _ in range(3000):
            packet = bytes(rng.randrange(256) for _ in range(rng.choice((0, 1, 11, 12, 13, 40, 400))))
            if rng.random() < 0.7:
                packet = b"\x80\x6f" + packet[2:]
            for port in (listed[-1]["port"], listed[-1]["reference_port"]):
                sender.sendto(packet, ("127.0.0.1", port))
        await_read(listed[-1]["port"], listed[-1]["reference_port"])
        time.sleep(1)       # what comes shortly after loud sound of the room may be an echo of that
        self.say(tone(1, 880, -12))
        self.read_tone(recogniser, 880)

    def test_its_socket(self):
        """It is its owner's alone; a second program does not take it away; one that was left over is replaced."""
        path = self.listen()
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        rtp, reference = map(str, free_ports(2))
        second = subprocess.run([LISTEN, "--socket", path, "--rtp", rtp, "--reference", reference],
                                capture_output=True, text=True, timeout=WAIT_S)
        self.assertEqual(second.returncode, 1)
        self.assertIn("in use", second.stderr)
        left = os.path.join(self.hosted.work, "left.sock")
        with socket.socket(socket.AF_UNIX) as old:
            old.bind(left)
        third = subprocess.Popen([LISTEN, "--socket", left, "--rtp", rtp, "--reference", reference])
        try:
            self.recogniser(left).read()
        finally:
            third.terminate()
            third.wait(WAIT_S)
        self.assertFalse(os.path.exists(left))

    def test_a_signal_that_is_ignored(self):
        """As in the background of a script."""
        rtp, reference = map(str, free_ports(2))
        path = os.path.join(self.hosted.work, "ignored.sock")
        with subprocess.Popen([LISTEN, "--socket", path, "--rtp", rtp, "--reference", reference],
                              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) as program:
            self.addCleanup(program.kill)
            self.recogniser(path).read()
            with open(f"/proc/{program.pid}/status") as file:
                ignored = int(re.search(r"SigIgn:\s*(\w+)", file.read())[1], 16)
            self.assertTrue(ignored >> signal.SIGINT - 1 & 1)
            program.terminate()
            self.assertEqual(program.wait(WAIT_S), 0)

    def test_options(self):
        for options, word in ((("--rtp", "1"), "socket"), (("--socket", "/x", "--rtp", "0"), "rtp"),
                              (("--socket", "/x", "--viewers", "257"), "viewers"),
                              (("--socket", "/x", "--clients", "0"), "clients")):
            done = subprocess.run([LISTEN, *options], capture_output=True, text=True)
            self.assertEqual((done.returncode, bool(re.search(word, done.stderr))), (2, True), options)


if __name__ == "__main__":
    unittest.main()
