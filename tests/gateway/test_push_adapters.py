#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clients for frameworks clear is not heard, against a real Janus: it waits behind what somebody else says,
which goes on."""
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy as np

from ffmpeg import ffmpeg
from janus_server import WAIT_S
from livekit_standin import END, PICTURE, Generator, Receiver, install, sound
from pipecat_rig import Rig, f
from push_nginx import ThroughNginx, is_installed
from pushable import PushableServer
from pushing import ENDS, Push
from request_case import RequestCase
from digitalhuman import AsyncStage, Stage

install()
sys.path.insert(0, os.path.join(os.environ["DH_ROOT"], "clients", "livekit"))
from audio_output import RoomAudioOutput
from room_runner import RoomRunner

ROOT = os.environ["DH_ROOT"]
SECRET = {"secret": "demo"}
JCFG = """
general: { cache_folder = "" worker = "{prepare}" push_listen = "127.0.0.1:PORT" push_socket = "{folder}/push.sock" }
avatar-small: { width = 64 height = 64 idle = "{folder}/idle.avi" kbps = 200 }
room-closed: { id = 1 avatar = "small" secret = "demo" }
"""


class Node:
    """A segment that push.mjs pushes, in a process of its own."""

    def __init__(self, case, room, ms, **fields):
        self.process = subprocess.Popen(
            ["node", os.path.join(ROOT, "tests/support/push_node.mjs"), json.dumps({"room": room, "ms": ms, "fields": fields})],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        case.addCleanup(self.end)

    def do(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def over(self):
        return [json.loads(line) for line in self.process.stdout][-1]["over"]

    def end(self):
        self.process.kill()
        self.process.wait(WAIT_S)
        self.process.stdin.close()
        self.process.stdout.close()


class AdapterCase(RequestCase):
    @classmethod
    def setUpClass(cls):
        cls.begin(PushableServer(JCFG))
        cls.address = f"127.0.0.1:{cls.janus.push_port}"
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            ffmpeg("-f", "lavfi", "-i", "sine=440:d=1", file.name)
            cls.wav = file.read()

    def setUp(self):
        super().setUp()
        self.observer = self.attach()
        self.observer.request({"request": "observe", "id": 1, **SECRET})
        self.addCleanup(lambda: self.ask("interrupt", id=1, **SECRET))
        self.other = self.speak("other", repeat=1000)
        self.other.event("started")

    def speak(self, segment, **fields):
        """What somebody else says."""
        push = Push(("127.0.0.1", self.janus.push_port), {"room": 1, "segment": segment, **fields}, "demo")
        self.addCleanup(push.close)
        push.send(self.wav)
        push.end()
        return push

    def of_adapter(self, *names):
        """The first such event of another segment than ours."""
        return self.observer.events.wait(lambda event: event.get("event") in names
                                         and event.get("segment") not in (None, "other", "after"))

    def waits(self):
        """Until what the adapter pushes could start, and has not."""
        segment = self.of_adapter("ready")["segment"]
        self.assertEqual(self.events_of(segment), ["queued", "ready"])

    def events_of(self, segment):
        return [event["event"] for event in self.observer.events.data()
                if event.get("segment") == segment and event["event"] in ("queued", "ready", "started", *ENDS)]

    def interrupt_push_mjs(self):
        """While its segment waits."""
        segment = self.node(5000)
        self.waits()
        segment.do("interrupt")
        end = segment.over()
        self.assertEqual((end["event"], end["played_ms"]), ("interrupted", 0), end)
        self.check_unheard()

    def check_unheard(self):
        """When it has been cleared."""
        end = self.of_adapter(*ENDS)
        self.assertEqual((end["event"], end["played_ms"]), ("interrupted", 0))
        self.assertEqual(set(self.other.events()) & set(ENDS), set())       # nothing has ended it
        after = self.speak("after")
        self.ask("skip", id=1, **SECRET)
        self.assertEqual((self.other.result()["event"], after.result()["event"]), ("skipped", "finished"))
        self.assertEqual(self.events_of(end["segment"]), ["queued", "ready", "interrupted"])

    def node(self, ms, **fields):
        if not shutil.which("node"):
            self.skipTest("Node is not installed")
        return Node(self, {"address": self.address, "room": 1, "secret": "demo", **self.trust()}, ms, **fields)

    def trust(self):
        return {}


class Adapters(AdapterCase):
    def async_stage(self):
        return AsyncStage(self.address, 1, "demo", encode=False)

    def test_pipecat(self):
        async def run():
            stage = self.async_stage()
            async with Rig(stage) as rig:
                await rig.speak(1000)
                await asyncio.to_thread(self.waits)
                await rig.send(f.InterruptionFrame())
                while rig.output._answer:
                    await asyncio.sleep(0.01)
                self.assertEqual((rig.bot(rig.after), rig.before.kinds(f.ErrorFrame)), ([], []))
                await asyncio.to_thread(self.check_unheard)
        asyncio.run(asyncio.wait_for(run(), 4 * WAIT_S))

    def test_room_runner(self):
        async def run():
            receiver = Receiver()
            runner = RoomRunner(self.async_stage(), audio_recv=receiver, video_gen=Generator(), fps=25,
                                convert=lambda _: PICTURE)
            await runner.start()
            for _ in range(25):
                receiver.queue.put_nowait(sound())
            receiver.queue.put_nowait(END)
            await asyncio.to_thread(self.waits)
            receiver.on_clear()
            self.assertEqual(await receiver.wait(1), [(0.0, True)])
            await asyncio.to_thread(self.check_unheard)
            await runner.aclose()
        asyncio.run(asyncio.wait_for(run(), 4 * WAIT_S))

    def test_audio_output(self):
        async def run():
            output = RoomAudioOutput(self.async_stage())
            for _ in range(25):
                await output.capture_frame(sound())
            output.flush()
            await asyncio.to_thread(self.waits)
            output.clear_buffer()
            end = await asyncio.wait_for(output.wait_for_playout(), WAIT_S)
            self.assertEqual((end.playback_position, end.interrupted), (0, True))
            await asyncio.to_thread(self.check_unheard)
            await output.aclose()
        asyncio.run(asyncio.wait_for(run(), 4 * WAIT_S))

    def test_a_segment_of_the_python_client(self):
        stage = Stage(self.address, 1, "demo", encode=False)
        segment = stage.segment(sample_rate=24000, sample_format="s16")
        segment.push_audio(bytes(48000))
        self.waits()
        self.assertEqual((segment.interrupt().event, segment.result.played_ms), ("interrupted", 0))
        self.check_unheard()

    def test_an_utterance_of_the_python_client(self):
        stage = Stage(self.address, 1, "demo", encode=False, sample_rate=24000)
        futures = [stage.push_av_segment(n, None, np.zeros(24000, np.int16), utterance="u", last=n == 1) for n in range(2)]
        self.waits()
        self.assertGreaterEqual(stage.interrupt(utterance="u"), 1)
        self.assertEqual({(future.result(WAIT_S).event, future.result().played_ms) for future in futures},
                         {("interrupted", 0)})
        self.check_unheard()
        stage.close()

    def test_push_mjs(self):
        self.interrupt_push_mjs()

    def test_push_mjs_urgent(self):
        """What plays may be urgent itself: it ends nevertheless."""
        segment = self.node(3000, priority="urgent", patient=True)
        self.of_adapter("started")
        segment.do("interrupt")
        self.assertEqual(segment.over()["event"], "interrupted")


@unittest.skipUnless(is_installed(), "nginx's stream module is not installed")
class ThroughTls(ThroughNginx, AdapterCase):
    """push.mjs through TLS, which nginx ends as conf/nginx-push.conf.sample has it."""

    def trust(self):
        return {"ca": self.authority.path}

    def test_it_waits_and_is_interrupted(self):
        self.interrupt_push_mjs()

    def test_it_plays_to_its_end(self):
        """Which the gateway sees; and its own events come behind that."""
        segment = self.node(1000)
        segment.do("close")
        self.waits()
        self.ask("skip", id=1, **SECRET)
        end = segment.over()
        self.assertEqual((end["event"], end["played_ms"], "incomplete" in end), ("finished", 1000, False))

    def test_the_certificate_is_verified(self):
        self.trust = dict
        segment = self.node(100)
        self.assertRegex(segment.over()["error"], "certificate")


if __name__ == "__main__":
    unittest.main()
