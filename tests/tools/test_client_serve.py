#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""digitalhuman.serve(): what is asked, and what is answered. By hand, and with a socket from whoever starts it."""
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from client_case import await_kept_alive
from push_media import Nut

ROOT = os.environ["DH_ROOT"]
PROGRAM = """
import sys
import numpy as np
from digitalhuman import Refused, serve

def generate(request):
    if request.voice == "nobody":
        raise Refused("no such voice")
    pieces = request.pieces() if request.segment == "pieces" else iter([request.text])
    first = next(pieces)
    if first == "fail":
        raise RuntimeError("no GPU")
    if first == "alone":
        raise ConnectionRefusedError("no model")
    sound = np.zeros(960, np.float32)
    for number in range(3):
        yield np.full((16, 16, 3), number, np.uint8), sound
    print(request.metadata, request.clip, request.position_ms, first, file=sys.stderr)
    if first == "break":
        raise RuntimeError("it is gone")
    if first == "lost":
        raise ConnectionResetError("no model any more")
    if first == "late":
        raise Refused("too late")
    for piece in pieces:
        yield np.zeros((16, 16, 3), np.uint8), sound

serve(generate, listen="127.0.0.1:0", fps=25, sample_rate=24000)
"""

LONG = """
import sys, time
from digitalhuman import serve

def generate(request):
    if request.is_audio:
        print(len(request.audio), "bytes", file=sys.stderr)
    else:
        print("asked for", request.text, file=sys.stderr)
        while request.is_wanted:
            time.sleep(0.01)
        print("no more", file=sys.stderr)
    yield from ()

serve(generate, listen="127.0.0.1:0", fps=25, sample_rate=24000)
"""

PLAIN = """
import numpy as np
from digitalhuman import Refused, serve

def pictures():
    yield np.zeros((16, 16, 3), np.uint8), np.zeros(960, np.float32)

def generate(request):
    if request.text == "refuse":
        raise Refused("no such voice")
    if request.text == "fail":
        raise RuntimeError("no GPU")
    return None if request.text == "nothing" else pictures()

serve(generate, listen="127.0.0.1:0", fps=25, sample_rate=24000)
"""

MODEL = """
import numpy as np
class model:
    voices = [None]
    def generate(text):
        yield np.zeros((16, 16, 3), np.uint8), np.zeros(960, np.float32)
"""


class Serve(unittest.TestCase):
    def setUp(self):
        self.errors = tempfile.TemporaryFile()
        self.addCleanup(self.errors.close)

    def start(self, given=None, program=PROGRAM):
        command = [sys.executable, "-B", "-c", program]
        if given:
            given.set_inheritable(True)
            command = ["/bin/sh", "-c", f'exec 3<&{given.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; "$@"; exit', "sh",
                       *command]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, text=True, close_fds=not given,
                                   start_new_session=True,
                                   env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "clients", "python")})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(os.killpg, process.pid, signal.SIGKILL)
        return process

    def by_hand(self, program=PROGRAM):
        url = self.start(program=program).stdout.readline()
        self.assertRegex(url, r"^http://127\.0\.0\.1:\d+/say\n$")
        return http.client.HTTPConnection("127.0.0.1", int(url.rsplit(":", 1)[1].split("/")[0]), timeout=60)

    def ask(self, connection, body, **headers):
        connection.request("POST", "/say", body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer

    @staticmethod
    def pictures(answer):
        nut = Nut()
        nut.feed(answer.read())
        assert nut.is_ended
        return len(nut.stream("video")[0])

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode()

    def test_a_text(self):
        status, answer = self.ask(self.by_hand(), "Grüße".encode(), X_Dh_Metadata='{"a": 1}', X_Dh_Clip="a%20b",
                                  X_Dh_Position_Ms="40")
        self.assertEqual(status, 200)
        self.assertEqual(self.pictures(answer), 3)
        self.assertIn("{'a': 1} a b 40 Grüße", self.said())

    def test_a_text_that_is_still_being_written(self):
        connection = self.by_hand()

        def pieces():
            yield "Hällo".encode()[:2]      # in the middle of a character
            yield "Hällo".encode()[2:]
            yield b" you"
        connection.request("POST", "/say", pieces(), {"X-Dh-Segment": "pieces"}, encode_chunked=True)
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.pictures(answer), 5)

    def test_what_is_refused(self):
        connection = self.by_hand()
        status, answer = self.ask(connection, b"x", X_Dh_Voice="nobody")
        self.assertEqual((status, answer.read()), (400, b"no such voice\n"))
        status, answer = self.ask(connection, b"fail")
        self.assertEqual((status, answer.read()), (500, b"RuntimeError: no GPU\n"))
        status, answer = self.ask(connection, b"break")
        with self.assertRaises(http.client.IncompleteRead):
            answer.read()
        self.assertIn("it is gone", self.said())
        status, answer = self.ask(connection, b"alone")
        self.assertEqual((status, answer.read()), (500, b"ConnectionRefusedError: no model\n"))
        for text, reason in ((b"lost", "no model any more"), (b"late", "too late")):
            status, answer = self.ask(connection, text)
            with self.assertRaises(http.client.IncompleteRead) as caught:
                answer.read()
            self.assertNotIn(b"HTTP/1.1", caught.exception.partial)
            self.assertIn(reason, self.said())
        self.assertEqual(self.ask(connection, b"well")[0], 200)

    def test_a_function_that_returns_a_generator(self):
        """What it raises is answered, too."""
        connection = self.by_hand(PLAIN)
        for text, status, reason in ((b"refuse", 400, rb"no such voice\n"), (b"fail", 500, rb"RuntimeError: no GPU\n"),
                                     (b"nothing", 500, rb"TypeError: .*\n")):
            found, answer = self.ask(connection, text)
            self.assertEqual(found, status)
            self.assertRegex(answer.read(), reason)
        status, answer = self.ask(connection, b"well")
        self.assertEqual((status, self.pictures(answer)), (200, 1))

    def test_what_the_pages_show(self):
        for page in ("docs/generators.md", "clients/python/README.md"):
            with self.subTest(page), open(os.path.join(ROOT, page), encoding="utf-8") as file:
                block, = (b for b in re.findall(r"(?ms)^```python\n(.*?)^```", file.read()) if "serve(generate" in b)
                block = block.replace("serve(generate, ", 'serve(generate, listen="127.0.0.1:0", ')
                status, answer = self.ask(self.by_hand(MODEL + block), b"Hello")
                self.assertEqual((status, self.pictures(answer)), (200, 1))

    def test_a_socket_that_is_given(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        self.start(listener)
        connection = http.client.HTTPConnection(*listener.getsockname(), timeout=60)
        connection.request("GET", "/")
        self.assertEqual(connection.getresponse().status, 204)
        self.assertEqual(self.ask(connection, b"well")[0], 200)

    def test_who_hangs_up(self):
        connection = self.by_hand()
        for _ in range(3):
            connection.request("POST", "/say", b"well")
            connection.sock.close()
            connection.close()
        self.assertEqual(self.ask(connection, b"well")[0], 200)

    def test_who_hangs_up_within_the_text(self):
        """What is there of it is not said."""
        connection = self.by_hand(LONG)
        for head in (b"Content-Length: 100\r\n\r\nhalf a", b"Transfer-Encoding: chunked\r\n\r\n6\r\nhalf a\r\n",
                     b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf a"):
            with socket.create_connection((connection.host, connection.port)) as sock:
                sock.sendall(b"POST /say HTTP/1.1\r\nHost: x\r\n" + head)
        self.ask(connection, b"xyz", Content_Type="application/octet-stream")[1].read()     # one after the other
        self.await_said("3 bytes")
        self.assertEqual(self.said(), "3 bytes\n")

    def test_who_says_nothing(self):
        """Others are served; and a text may take its time, if its head has come."""
        connection = self.by_hand('import sys, digitalhuman\nsys.modules["digitalhuman.serve"].HEAD_S = 0.2\n' + PROGRAM)
        with socket.create_connection((connection.host, connection.port)) as silent, \
                socket.create_connection((connection.host, connection.port)) as half:
            half.sendall(b"POST /say HTTP/1.1\r\nHost:")

            def slow():
                time.sleep(0.5)
                yield b"well"
            status, answer = self.ask(connection, slow(), Content_Length="4")
            self.assertEqual((status, self.pictures(answer)), (200, 3))
            self.assertEqual(silent.recv(1), b"")

    def test_who_is_gone_without_a_word(self):
        connection = self.by_hand(LONG)
        connection.request("POST", "/say", b"much")
        self.await_said("asked for much")
        await_kept_alive(connection.port, connection.sock.getsockname()[1])
        connection.close()

    def test_too_large_a_chunk(self):
        """It is not taken for the end."""
        connection = self.by_hand()
        connection.putrequest("POST", "/say")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        connection.send(b"4\r\nwell\r\n100001\r\n")
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.read()), (400, b"a chunk of 1048577 bytes, expected at most 1048576\n"))

    def await_said(self, text):
        end = time.monotonic() + 60
        while text not in self.said():
            self.assertLess(time.monotonic(), end, self.said())
            time.sleep(0.01)

    def test_whether_anybody_listens(self):
        """Known before anything is written."""
        connection = self.by_hand(LONG)
        connection.request("POST", "/say", b"much")
        self.await_said("asked for much")
        self.assertNotIn("no more", self.said())
        connection.sock.close()
        connection.close()
        self.await_said("no more")

    def test_a_long_voice(self):
        status, answer = self.ask(self.by_hand(LONG), bytes(5 << 20), Content_Type="application/octet-stream")
        answer.read()
        self.assertEqual(status, 200)
        self.await_said(f"{5 << 20} bytes")


if __name__ == "__main__":
    unittest.main()
