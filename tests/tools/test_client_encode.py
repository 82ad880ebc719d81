#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python client encodes with dh-prepare beside it: what arrives is a prepared stream with the room's
anchor; and what is said when it cannot."""
import os
import stat
import subprocess
import tempfile
import threading
import time
import unittest
import unittest.mock

import numpy as np

import dhs
import marks
from push_server import WAIT_S, Push
from client_case import Case, children, descriptors, made
from digitalhuman import EncodeError, Interrupted, PushError, Stage
from digitalhuman.encoder import Encoder, arguments

PREPARE = os.environ.get("DH_PREPARE", "dh-prepare")
SIZE = 128
FORMAT = {"fps": 25, "sample_rate": 24000}
INFO = {"width": SIZE, "height": SIZE, "kbps": 300, "kbps_2": 200, "kbps_3": 100, "temporal": True, "audio_kbps": 32, "entry_ms": 400, "fps_max": 60}


class Encoded(Case):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.idle = os.path.join(cls.folder, "idle.dhs")
        clip = marks.write_idle(os.path.join(cls.folder, "idle.mp4"), 1, SIZE)
        subprocess.run([PREPARE, "--quiet", "--idle", clip, "--size", f"{SIZE}x{SIZE}", "-o", cls.idle], check=True)
        with open(cls.idle, "rb") as file:
            cls.anchor = file.read()

    def server(self, **options):
        return super().server(**{"info": INFO, "anchor": self.anchor, **options})

    def stage(self, server, **options):
        stage = self.enterContext(Stage(server.address, 1, server.secret,
                                        **{"encode": True, "dh_prepare": PREPARE, **options}))
        return stage

    def script(self, text):
        """A dh-prepare of the test's own."""
        path = os.path.join(self.folder, f"prepare-{len(os.listdir(self.folder))}")
        with open(path, "w") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, stat.S_IRWXU)
        return path

    def check_leftovers(self):
        # stages are closed after the test
        self.doCleanups()
        super().check_leftovers()

    def test_what_arrives_is_prepared_for_the_room(self):
        server = self.server(secret="demo")
        stage = self.stage(server)
        for _ in range(2):
            with stage.segment(**FORMAT) as s:
                for frame, samples in made(30, size=SIZE):
                    s.push(frame, samples)
            self.assertEqual((s.result.event, s.result.played_ms), ("finished", 1200))
        self.assertEqual([p.requests for p in server.pushes], [["info", "anchor"], []])
        # the token is needed once on a connection
        self.assertEqual(["token" in p.line for p in server.pushes], [False, True])
        idle = dhs.Segment(self.idle)
        for push in server.pushes:
            records = dict(push.media.records)
            self.assertEqual(records[b"ANCH"], idle.anchor)
            self.assertEqual(len([k for k, _ in push.media.records if k == b"VIDE"]), 30)
            self.assertEqual(len([k for k, _ in push.media.records if k == b"LOWR"]), 60)
            self.assertTrue(push.media.is_ended)
            self.assertIn(b"entries every 400 ms, temporal layers", records[b"DHS1"])
        # forgotten, it is asked again
        stage.forget_avatar()
        with stage.segment(**FORMAT) as s:
            s.push(*next(made(1, size=SIZE)))
        self.assertEqual(server.pushes[-1].requests, ["info", "anchor"])

    def test_the_rooms_background(self):
        """A colour that is not the default is passed on."""
        for background, expected in (("#0000ff", ["--background", "#0000ff"]), ("#d8d8d8", []), ("picture", []),
                                     (None, [])):
            words = arguments(PREPARE, {**INFO, "background": background}, self.idle)
            at = words.index("--background") if "--background" in words else len(words)
            self.assertEqual(words[at:at + 2], expected)

    def test_what_stands_on_a_picture(self):
        """Only the gateway has it: transparent pictures go there raw, and those beside which it shows."""
        server = self.server(info={**INFO, "background": "picture"})
        clear, opaque = {"pixel_format": "bgra"}, {"pixel_format": "bgr24"}
        as_the_avatar, wide, nearly = ({"size": size} for size in ((SIZE * 2, SIZE * 2), (SIZE, SIZE // 2), (333, 332)))
        kinds = ((clear, "Nut"), ({"pixel_format": "rgba"}, "Nut"), ({**clear, **as_the_avatar}, "Nut"),
                 (opaque, "Prepared"), ({**opaque, **as_the_avatar}, "Prepared"), ({**opaque, **nearly}, "Prepared"),
                 ({**opaque, **wide}, "Nut"), ({**clear, "fps": None}, "Prepared"))
        stage, sound = self.stage(server, encode="auto"), next(made(1))[1]
        for options, kind in kinds:
            with self.subTest(options):
                width, height = options.get("size", (SIZE, SIZE))
                with stage.segment(**{**FORMAT, **options}) as s:
                    s.push(np.zeros((height, width, 4 if "a" in options["pixel_format"] else 3), np.uint8)
                           if options.get("fps", 25) else None, sound)
                self.assertEqual((s.result.event, type(server.pushes[-1].media).__name__), ("finished", kind))
        self.assertEqual([p.requests for p in server.pushes], [["info", "anchor"]] + [[]] * (len(kinds) - 1))
        for options, words in ((clear, "shows through them"), ({**opaque, **wide}, "shows beside them")):
            for stage in (self.stage(server), self.stage(server, encode="auto")):
                with self.assertRaisesRegex(EncodeError, words + ".*encode=False"):
                    stage.segment(**FORMAT, **options, encode=True).open()
        self.assertEqual(len(server.pushes), len(kinds))
        server = self.server(info={**INFO, "background": "#0000ff"})
        with self.stage(server).segment(**FORMAT, **clear) as s:
            s.push(np.zeros((SIZE, SIZE, 4), np.uint8), sound)
        self.assertEqual(type(server.pushes[-1].media).__name__, "Prepared")

    def test_it_arrives_while_it_is_made(self):
        server = self.server()
        with self.stage(server).segment(**FORMAT) as s:
            for frame, samples in made(50, size=SIZE):
                s.push(frame, samples)
            server.wait(lambda p: p and p[0].media and p[0].media.ms >= 1000)
        self.assertEqual(s.result.event, "finished")

    def test_auto(self):
        server = self.server()
        with self.stage(server, encode="auto", dh_prepare="/nonexistent/dh-prepare").segment(**FORMAT) as s:
            s.push(*next(made(1)))
        with self.stage(server, encode="auto").segment(**FORMAT) as s:
            s.push(*next(made(1)))
        with self.stage(server, encode="auto").segment(**FORMAT, encode=False) as s:
            s.push(*next(made(1)))
        self.assertEqual([type(p.media).__name__ for p in server.pushes], ["Nut", "Prepared", "Nut"])

    def test_an_avatar_that_is_not_ready(self):
        server = self.server(anchor=None)
        with self.stage(server, encode="auto").segment(**FORMAT) as s:
            s.push(*next(made(1)))
        self.assertEqual(type(server.pushes[0].media).__name__, "Nut")
        with self.assertRaisesRegex(PushError, "not ready") as caught:
            self.stage(server).segment(**FORMAT).open()
        self.assertEqual(caught.exception.code, 460)

    def test_it_is_not_installed(self):
        with self.assertRaisesRegex(EncodeError, "/nonexistent/dh-prepare is not installed"):
            Stage("gateway", encode=True, dh_prepare="/nonexistent/dh-prepare")

    def test_a_refusal(self):
        server = self.server(secret="demo")
        stage = self.enterContext(Stage(server.address, 1, "wrong", encode=True, dh_prepare=PREPARE))
        with self.assertRaisesRegex(PushError, "Unauthorized"):
            stage.segment(**FORMAT).open()
        server = self.server(refuse=(464, "too many"))
        with self.assertRaisesRegex(PushError, "too many"):
            with self.stage(server).segment(**FORMAT) as s:
                for frame, samples in made(10000, size=SIZE):
                    s.push(frame, samples)

    def test_it_fails(self):
        for text, words, code in (("echo 'dh-prepare: no such codec' >&2; exit 4", "^no such codec$", 4),
                                  ("head -c 100000 > /dev/null; exit 8", "ended with code 8", 8),
                                  ("cat > /dev/null; echo oh >&2; exit 1", "^oh$", 1)):
            with self.subTest(words):
                server = self.server()
                stage = self.stage(server, dh_prepare=self.script(text))
                with self.assertRaisesRegex(EncodeError, words) as caught:
                    with stage.segment(**FORMAT) as s:
                        for frame, samples in made(30, size=SIZE):
                            s.push(frame, samples)
                self.assertEqual(caught.exception.exit_code, code)
                self.assertTrue(server.first().over.wait(WAIT_S))

    def test_it_cannot_be_started(self):
        path = self.script("")
        with open(path, "w") as file:
            file.write("#!/nonexistent/shell\n")
        server = self.server()
        with self.assertRaisesRegex(EncodeError, "cannot be started: No such file"):
            self.stage(server, dh_prepare=path).segment(**FORMAT).open()

    def test_interrupted(self):
        """Also while dh-prepare takes nothing, and while it waits for the gateway."""
        for text in (None, "exec sleep 1000", "cat > /dev/null & exec cat /dev/zero"):
            with self.subTest(text):
                server = self.server()
                server.reads = text is None
                stage = self.stage(server, **({"dh_prepare": self.script(text)} if text else {}))
                s = stage.segment(**FORMAT).open()
                timer = threading.Timer(0.3, lambda: server.first().interrupt())
                timer.start()
                with self.assertRaises(Interrupted):
                    for frame, samples in made(1000000, size=SIZE):
                        s.push(frame, samples)
                timer.join()
                self.assertEqual(s.close().event, "interrupted")
                self.assertEqual(children(), [])

    def test_cut(self):
        server = self.server()
        with self.assertRaises(ZeroDivisionError):
            with self.stage(server).segment(**FORMAT) as s:
                s.push(*next(made(1, size=SIZE)))
                1 / 0
        self.assertEqual(children(), [])
        self.assertTrue(server.first().over.wait(WAIT_S))

    def test_the_anchor_goes_with_the_stage(self):
        server = self.server()
        stage = Stage(server.address, encode=True, dh_prepare=PREPARE)
        with stage.segment(**FORMAT) as s:
            s.push(*next(made(1, size=SIZE)))
        anchor = os.readlink(stage._avatar.path)
        self.assertIn(anchor, descriptors())
        del s
        stage.close()
        self.assertNotIn(anchor, descriptors())

    def test_the_anchor_has_no_name(self):
        """Nobody can remove it, and nothing is left of it where the program is killed."""
        server = self.server()
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.object(tempfile, "tempdir", folder):
            stage = self.stage(server)
            for _ in range(2):
                with stage.segment(**FORMAT) as s:
                    s.push(*next(made(1, size=SIZE)))
                    self.assertEqual(os.listdir(folder), [])
                self.assertEqual(s.result.event, "finished")

    def test_the_avatar_is_forgotten_while_an_encoder_starts(self):
        """The anchor is there until that has ended."""
        server = self.server()
        stage, files = self.stage(server), []
        command_of = stage.encode_command

        def meanwhile(*arguments):
            command = command_of(*arguments)
            files.append(os.readlink(command[command.index("--avatar") + 1]))
            stage.forget_avatar()
            return command
        stage.encode_command = meanwhile
        for _ in range(2):
            with stage.segment(**FORMAT) as s:
                s.push(*next(made(1, size=SIZE)))
            self.assertEqual(s.result.event, "finished")
        self.assertEqual([p.requests for p in server.pushes], [["info", "anchor"]] * 2)
        self.assertEqual(set(files) & set(descriptors()), set())

    def test_who_waits_for_the_avatar_is_not_connected(self):
        """The gateway wants a line soon."""
        server = self.server()
        answer, came = Push.answer, []

        def slowly(push, request, fields):
            if request == "anchor":
                time.sleep(0.3)                 # they would have connected
                came.append(len(server.all))
                stage.forget_avatar()           # waits for nobody
            answer(push, request, fields)
        stage = self.stage(server)

        def push():
            with stage.segment(**FORMAT) as s:
                s.push(*next(made(1, size=SIZE)))
            return s.result.event
        with unittest.mock.patch.object(Push, "answer", slowly):
            joins = [self.in_thread(push) for _ in range(3)]
            self.assertEqual([join() for join in joins], ["finished"] * 3)
        self.assertEqual(came, [1, 2, 3])       # what was forgotten meanwhile is asked again

    def test_what_cannot_be_carried_leaves_no_encoder(self):
        class Broken:
            def limit_send_buffer(self, size):
                raise OSError("no such option")
        with self.assertRaisesRegex(OSError, "no such option"):
            Encoder([self.script("exec sleep 1000")], Broken(), None, -1)
        self.assertEqual(children(), [])

    def test_what_is_asked(self):
        server = self.server(secret="demo")
        info = self.stage(server).info()
        self.assertEqual({k: info[k] for k in INFO}, INFO)


if __name__ == "__main__":
    unittest.main()
