#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Markers of the Python client: with a segment, while it is pushed, and of the room; against a stand-in."""
import asyncio
import unittest

import numpy as np

from client_case import Case, made
from digitalhuman import AsyncStage, Interrupted, PushError

FORMAT = {"fps": 25, "sample_rate": 24000}


class Marks(Case):
    def test_with_the_segment(self):
        server = self.server()
        markers, captions = ([0, {"slide": 1}], (400, None)), [("Hello", 0, 320)]
        with self.stage(server).segment(**FORMAT, markers=markers, captions=captions) as s:
            s.push(*next(made(1)))
        line = server.first().line
        self.assertEqual((line["markers"], line["captions"]), ([[0, {"slide": 1}], [400, None]], [["Hello", 0, 320]]))

    def test_of_a_piece(self):
        server = self.server()
        with self.stage(server, fps=25, sample_rate=24000) as stage:
            stage.push_av_segment(0, None, np.zeros(960, np.float32), last=True, markers=[[20, "here"]]).result()
        self.assertEqual(server.first().line["markers"], [[20, "here"]])

    def test_while_it_is_pushed(self):
        """Where the media stand, or where it says; by the id that the room has given."""
        server = self.server(secret="demo")
        server.play(0)
        with self.stage(server).segment(**FORMAT) as s:
            self.assertEqual(s.mark("begins"), 812340)
            for frame, samples in made(10):
                s.push(frame, samples)
            s.mark({"slide": 2})
            server.mark_ms = None
            self.assertIsNone(s.mark([1, None], at_ms=900))
            server.play(400)
        self.assertEqual(server.marks, [{"data": "begins", "segment": "s-1", "at_ms": 0},
                                        {"data": {"slide": 2}, "segment": "s-1", "at_ms": 400},
                                        {"data": [1, None], "segment": "s-1", "at_ms": 900}])

    def test_behind_the_end_of_the_pictures(self):
        server = self.server()
        with self.stage(server).segment(**FORMAT) as s:
            s.push(*next(made(1)))
            s.end_video()
            s.push_audio(np.zeros(2400, np.float32))
            s.mark("only heard")
        self.assertEqual(server.marks[0]["at_ms"], 140)

    def test_of_the_room(self):
        server = self.server(secret="demo")
        stage = self.stage(server)
        self.assertEqual(stage.mark(False), 812340)
        self.assertEqual(server.marks, [{"data": False}])
        with self.assertRaises(PushError) as caught:
            stage.mark(1, segment="another", at_ms=5)
        self.assertEqual(caught.exception.code, 463)
        with self.assertRaises(PushError) as caught:
            stage = self.stage(server)
            stage._secret = "wrong"
            stage.mark(1)
        self.assertEqual(caught.exception.code, 457)

    def test_of_what_has_ended(self):
        server = self.server()
        segment = self.stage(server).segment(**FORMAT)
        with segment as s:
            s.push(*next(made(1)))
            server.first().interrupt()
            with self.assertRaises(Interrupted):
                while True:
                    s.mark("too late")
        self.assertEqual(segment.result.event, "interrupted")

    def test_refused(self):
        with self.assertRaises(PushError) as caught:
            with self.stage(self.server(refuse=(464, "Too many"))).segment(**FORMAT) as s:
                s.mark("nothing")
        self.assertEqual(caught.exception.code, 464)

    def test_what_json_cannot_say(self):
        stage = self.stage(self.server())
        for call in (lambda: stage.mark({1, 2}), lambda: stage.mark(np.int64(1)),
                     lambda: stage.mark(1, segment="s", at_ms="5"),
                     lambda: stage.segment(**FORMAT, markers=[[0, object()]])):
            with self.assertRaisesRegex(TypeError, "data|at_ms|markers"):
                call()
        for call in (lambda: stage.mark(float("nan")), lambda: stage.mark(1, segment="s", at_ms=-1),
                     lambda: stage.mark(1, at_ms=5), lambda: stage.mark(1, segment="s"),
                     lambda: stage.segment(**FORMAT, markers=[[0, float("inf")]])):
            with self.assertRaisesRegex(ValueError, "data|at_ms|markers"):
                call()

    def test_asyncio(self):
        server = self.server()

        async def main():
            stage = AsyncStage(server.address, server.room, encode=False)
            async with stage.segment(**FORMAT) as s:
                for frame, samples in made(5):
                    await s.push(frame, samples)
                self.assertEqual(await s.mark("here"), 812340)
            await stage.mark("now", segment=None)
        asyncio.run(main())
        self.assertEqual(server.marks, [{"data": "here", "segment": "s-1", "at_ms": 200}, {"data": "now"}])


if __name__ == "__main__":
    unittest.main()
