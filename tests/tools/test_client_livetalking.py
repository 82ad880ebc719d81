#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output module for LiveTalking, against stand-ins for the gateway and for LiveTalking, made from its published
interface (BaseOutput, registry, and how BaseAvatar calls an output): it is in no package registry."""
import logging
import os
import sys
import types
import unittest
import unittest.mock

import numpy as np

from client_case import Case
from push_server import EVERYTHING

REGISTERED = {}


def register(kind, name):
    def keep(cls):
        REGISTERED[kind, name] = cls
        return cls
    return keep


class BaseOutput:
    def __init__(self, opt=None, parent=None, **named):
        self.opt, self.parent = opt, parent


for module, contents in {"registry": {"register": register}, "streamout": {}, "utils": {},
                         "streamout.base_output": {"BaseOutput": BaseOutput},
                         "utils.logger": {"logger": logging.getLogger("livetalking")}}.items():
    sys.modules[module] = types.ModuleType(module)
    vars(sys.modules[module]).update(contents)
sys.path.insert(0, os.path.join(os.environ["DH_ROOT"], "clients", "livetalking"))
import digitalhuman_output

FRAME = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)


class Avatar:
    """Calls its output as LiveTalking's BaseAvatar does: a picture, and two pieces of 20 ms."""

    def __init__(self, stage):
        self.speaking, self.notified, self.slept = False, [], []
        self.output = REGISTERED["streamout", "digitalhuman"](
            types.SimpleNamespace(fps=25), self, stage=stage, sleep=self.slept.append, clock=lambda: 0.0)
        self.output.start()

    def is_speaking(self):
        return self.speaking

    def notify(self, eventpoint):
        if eventpoint and eventpoint.get("status"):
            self.notified.append(eventpoint["status"])

    def make(self, pictures, speaking, ends=True):
        for number in range(pictures):
            self.speaking = speaking
            self.output.push_video_frame(FRAME)
            for half in range(2):
                points = {}
                if speaking and (number, half) == (0, 0):
                    points = {"status": "start"}
                elif speaking and ends and (number, half) == (pictures - 1, 1):
                    points = {"status": "end"}
                self.output.push_audio_frame(np.ones(320, np.int16), points)


class LiveTalking(Case):
    def setUp(self):
        super().setUp()
        logging.getLogger("livetalking").setLevel(logging.CRITICAL)

    def begin(self, **options):
        server = self.server(**options)
        return server, Avatar(self.stage(server))

    def test_each_speech_is_a_segment_and_silence_is_not(self):
        server, avatar = self.begin()
        for _ in range(2):
            avatar.make(5, False)
            avatar.make(10, True)
        avatar.make(1, False)
        avatar.output.stop()
        self.assertEqual([(push.end["event"], push.played_ms) for push in server.pushes], [("finished", 400)] * 2)
        for push in server.pushes:
            pictures = [unit.data for unit in push.media.units if len(unit.data) == FRAME.nbytes]
            self.assertEqual(pictures, [FRAME.tobytes()] * 10)
        self.assertEqual(avatar.notified, ["start", "end"] * 2)
        self.assertEqual(len(avatar.slept), 11)     # silence at the pace of its frames

    def test_told_to_be_silent_it_is_at_once(self):
        """Also where it waits; what others say goes on."""
        server, avatar = self.begin()
        server.allowed_ms = 0
        other = self.stage(server).segment(sample_rate=16000).open()
        other.push_audio(np.ones(1600, np.int16))
        server.wait(lambda pushes: pushes)
        for number, played_ms in ((1, 0), (2, 80)):
            server.play(played_ms)
            avatar.make(25, True, ends=False)
            server.wait(lambda pushes, n=number: len(pushes) > n and pushes[n].bytes)
            server.wait(lambda pushes, n=number, ms=played_ms: pushes[n].played_ms == ms)
            avatar.make(1, False)
            self.assertEqual((server.pushes[number].end["event"], server.pushes[number].played_ms),
                             ("interrupted", played_ms))
        server.play(EVERYTHING)
        self.assertEqual((other.close().event, other.result.played_ms), ("finished", 100))
        avatar.make(10, True)
        avatar.output.stop()
        self.assertEqual((server.pushes[-1].end["event"], server.pushes[-1].played_ms), ("finished", 400))

    def test_the_room_ends_it_and_the_next_speech_is_heard(self):
        server, avatar = self.begin()
        server.allowed_ms = 200
        avatar.make(10, True, ends=False)
        server.first().interrupt()
        self.assertTrue(server.pushes[0].over.wait(60))
        avatar.make(10, True)
        self.assertEqual(len(server.pushes), 1)
        server.play(EVERYTHING)
        avatar.make(1, False)
        avatar.make(10, True)
        avatar.output.stop()
        self.assertEqual([push.end["event"] for push in server.pushes], ["interrupted", "finished"])

    def test_the_room_of_the_environment(self):
        """Digits are a number, unless the gateway has string_ids."""
        for room, string_ids, expected in (("7", None, 7), ("7", "", 7), ("7", "0", 7), ("7", "1", "7"),
                                           ("blue", None, "blue"), ("blue", "1", "blue"), (None, None, 1),
                                           (None, "1", "1"), ("²", None, "²")):
            given = {"DIGITALHUMAN_ROOM": room, "DIGITALHUMAN_STRING_IDS": string_ids}
            given = {name: value for name, value in given.items() if value is not None}
            with self.subTest(given), unittest.mock.patch.dict(os.environ, given):
                self.assertEqual(digitalhuman_output.stage_from_environment().room, expected)

    def test_refused(self):
        server, avatar = self.begin(refuse=(464, "too many"))
        avatar.make(10, True)
        avatar.make(1, False)
        avatar.output.stop()
        self.assertEqual(server.pushes, [])


if __name__ == "__main__":
    unittest.main()
