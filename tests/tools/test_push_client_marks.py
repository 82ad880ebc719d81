#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Markers of dh-push: instead of a segment, and with one."""
import subprocess
import unittest

from push_case import PUSH, PushCase, WAIT_S


class Marks(PushCase):
    def asked(self, answer, *options, code=0, stdin=subprocess.DEVNULL):
        def script(gateway):
            gateway.question = gateway.line()
            gateway.say(answer)
            gateway.rest()

        gateway = self.gateway(script)
        said = self.push(gateway, *options, code=code, stdin=stdin)
        return gateway.question, *said

    def test_a_marker(self):
        for options, fields in ((["--mark", '{"slide":[2,"é"]}'], {"data": {"slide": [2, "é"]}}),
                                (["--mark=null"], {"data": None}),
                                (["--mark=5", "--segment=s", "--at-ms=0"], {"data": 5, "segment": "s", "at_ms": 0})):
            question, out, err = self.asked(b'{"mark":{"media_ms":812340}}\n', *options)
            self.assertEqual(question, {"request": "mark", "room": 1, **fields})
            self.assertEqual((out, err), ("marked: at 812340 ms of the room\n", ""))
        for options, said in (([], "marked: the segment waits\n"), (["--json"], '{"mark":{"media_ms":null}}\n'),
                              (["--quiet"], "")):
            _, out, err = self.asked(b'{"mark":{"media_ms":null}}\n', "--mark=1", *options)
            self.assertEqual((out, err), (said, ""))
        _, out, err = self.asked(b'{"error_code":463,"error":"No such segment (s)"}\n', "--mark=1", "--segment=s", "--at-ms=1",
                                 code=4)
        self.assertIn("refused: No such segment (s)", err)
        _, out, err = self.asked(b'{"interrupt":{"dropped":2}}\n', "--mark=1", code=1)
        self.assertIn('does not answer "mark"', err)

    def test_with_a_segment(self):
        gateway = self.gateway()
        self.push(gateway, '--markers=[[0,{"slide":1}],[900,null]]', '--captions=[["Hello!",0,900]]')
        self.assertEqual((gateway.first["markers"], gateway.first["captions"]),
                         ([[0, {"slide": 1}], [900, None]], [["Hello!", 0, 900]]))

    def test_wrong_options(self):
        for options, word in ((["--mark={"], "--mark is no JSON"), (["--mark="], "--mark is no JSON"),
                              (["--mark=1", "--interrupt"], "not possible together"),
                              (["--mark=1", "--encode"], "--mark sends no media"),
                              (["--interrupt", "--after=s"], "--interrupt says nothing about when"),
                              (["--mark=1", "--patient"], "--mark says nothing about when"),
                              (["--mark=1", "--at-ms=5"], "--at-ms needs"), (["--at-ms=5"], "--at-ms needs"),
                              (["--mark=1", "--segment=s"], "needs --at-ms"),
                              (["--mark=1", "--segment=s", "--at-ms=-1"], "--at-ms is"),
                              (["--markers={}"], "--markers is JSON, but no array"),
                              (["--captions=1"], "--captions is no JSON array"),
                              (["--mark", "1", "file"], "--mark sends no media")):
            done = subprocess.run([PUSH, "--room=1", "127.0.0.1:1", *options], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=WAIT_S, check=False)
            self.assertEqual((done.returncode, word in done.stderr), (2, True), (options, done.stderr))


if __name__ == "__main__":
    unittest.main()
