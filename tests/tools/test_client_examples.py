#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in examples/python/ as anybody would start them, against a stand-in for the gateway."""
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from push_media import Nut
from push_server import PushServer

ROOT = os.environ["DH_ROOT"]
EXAMPLES = os.path.join(ROOT, "examples", "python")
PREPARE = os.environ.get("DH_PREPARE", "dh-prepare")
TEXT = "Hello you."


def environment():
    path = os.path.dirname(os.path.realpath(sys.executable))
    return {**os.environ, "PYTHONPATH": os.path.join(ROOT, "clients", "python"), "PATH": f"{path}:/usr/bin:/bin"}


class Examples(unittest.TestCase):
    def start_example(self, name, server, *arguments):
        return subprocess.run([sys.executable, "-B", os.path.join(EXAMPLES, name), "--gateway", server.address,
                               "--room", "1", "--secret", "demo", "--size", "128", *arguments], env=environment(),
                              capture_output=True, text=True, timeout=200)

    def run_example(self, name, server, *arguments):
        done = self.start_example(name, server, *arguments)
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        return done.stdout

    def check_media(self, push, ms):
        pictures, times = push.media.stream("video")
        self.assertEqual(len(pictures), ms // 40)
        self.assertEqual(sum(map(len, push.media.stream("audio")[0])), ms * 24 * 4)
        self.assertGreater(len(set(pictures)), 3, "the picture moves")

    def test_wav2lip_batch(self):
        self.whole("wav2lip_batch.py")

    def test_musetalk_stream(self):
        self.whole("musetalk_stream.py")

    def whole(self, name):
        with PushServer(secret="demo", ahead_ms=400) as server:
            said = self.run_example(name, server, TEXT)
            ms = server.pushes[0].media.ms
            self.assertEqual(said, f"finished, played_ms={ms}, heard_text='{TEXT}'\n")
            self.check_media(server.pushes[0], ms)

    def test_a_gateway_with_string_ids(self):
        """Where digits are a string, too."""
        for name in ("wav2lip_batch.py", "musetalk_stream.py", "answer_overlap.py"):
            with self.subTest(name), PushServer(room="1", secret="demo") as server:
                self.assertIn("finished", self.run_example(name, server, "--string-ids", "Hi."))

    def test_interrupted(self):
        for name in ("wav2lip_batch.py", "musetalk_stream.py", "answer_overlap.py"):
            with self.subTest(name), PushServer(secret="demo", ahead_ms=400) as server:
                server.allowed_ms = 200

                def interrupt(server=server):
                    server.wait(lambda pushes: pushes and pushes[0].played_ms == 200)
                    server.interrupt()
                thread = threading.Thread(target=interrupt)
                thread.start()
                said = self.run_example(name, server, TEXT * 10)
                thread.join()
                self.assertRegex(said, r"(?m)^interrupted, played_ms=200, heard_text='")
                self.assertNotIn("finished", said)

    def test_refused(self):
        for name in ("wav2lip_batch.py", "musetalk_stream.py"):
            with self.subTest(name), PushServer(secret="demo", refuse=(464, "too many")) as server:
                done = self.start_example(name, server, TEXT)
                self.assertEqual(done.stderr.splitlines()[-1], "digitalhuman.errors.PushError: too many (464)")
                self.assertEqual(done.stderr.count("Traceback"), 1, done.stderr)

    def test_answer_overlap(self):
        with PushServer(secret="demo") as server:
            said = self.run_example("answer_overlap.py", server, "Who?").splitlines()
            pieces = sorted(server.pushes, key=lambda p: p.line["index"])
            self.assertEqual([p.line["index"] for p in pieces], list(range(len(pieces))))
            self.assertGreater(len(pieces), 3)
            self.assertEqual(len({p.line["utterance"] for p in pieces}), 1)
            self.assertEqual([bool(p.line.get("last")) for p in pieces], [False] * (len(pieces) - 1) + [True])
            self.assertEqual(said[-1], "heard: " + "".join(p.line["text"] for p in pieces))
            self.assertTrue(said[-1].startswith("heard: You asked: Who? I am a face."), said)
            for push in pieces:
                self.check_media(push, push.media.ms)

    def test_http_generator(self):
        server = subprocess.Popen([sys.executable, "-B", os.path.join(EXAMPLES, "http_generator.py"), "--listen",
                                   "127.0.0.1:0"], env=environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)
        try:
            port = int(server.stdout.readline().rsplit(":", 1)[1].split("/")[0])

            def ask(body, path="/say"):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=100)
                connection.request("POST", path, body=body)
                return connection, connection.getresponse()
            connection, answer = ask(TEXT)
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "video/x-nut"))
            data = answer.read()
            connection.close()
            nut = Nut()
            nut.feed(data)
            self.assertTrue(nut.is_ended)
            self.assertEqual(len(nut.stream("video")[0]), nut.ms // 40)
            with tempfile.TemporaryDirectory() as folder:
                out = os.path.join(folder, "out.dhs")
                subprocess.run([PREPARE, "--quiet", "-", "-o", out], input=data, check=True, timeout=100)
                info = json.loads(subprocess.run([PREPARE, "--info", out, "--json"], capture_output=True, check=True,
                                                 timeout=100).stdout)
            self.assertEqual((info["video"]["pictures"], info["notes"]), (nut.ms // 40, []))
            for body, path in ((b"", "/say"), (b"x" * 5000, "/say"), (b"x", "/other"),
                               (iter([b"x" * 3000] * 2), "/say"), (iter([]), "/say")):
                connection, answer = ask(body, path)
                self.assertEqual((answer.status, answer.headers["Content-Type"]), (400, "text/plain; charset=utf-8"))
                self.assertEqual(answer.read(), b"POST 1 to 4000 bytes of text to /say\n")
                connection.close()
            # a text that is still being written, cut within a character
            text = "Häl lo".encode()
            connection, answer = ask(text)
            data_of_whole = answer.read()
            connection.close()
            connection, answer = ask(iter([text[:2], text[2:4], text[4:]]))
            self.assertEqual((answer.status, answer.read()), (200, data_of_whole))
            connection.close()
            for rest in (b"Transfer-Encoding: chunked\r\n\r\nx\r\n", b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
                         b"Transfer-Encoding: chunked\r\n\r\n5\r\nHel", b"Content-Length: -1\r\n\r\n",
                         b"Content-Length: x\r\n\r\n", b"Content-Length: 5\r\n\r\nHel"):
                with socket.create_connection(("127.0.0.1", port), timeout=100) as sock:
                    sock.sendall(b"POST /say HTTP/1.1\r\nHost: x\r\n" + rest)
                    if rest.endswith(b"Hel"):
                        sock.shutdown(socket.SHUT_WR)
                    self.assertRegex(sock.recv(100), rb"^HTTP/1\.1 400 ")
            # who hangs up in the middle leaves it ready for the next one
            connection, answer = ask(TEXT * 100)
            answer.read(100)
            answer.close()
            connection.close()
            connection, answer = ask(TEXT)
            self.assertEqual(answer.read(), data)
            connection.close()
        finally:
            server.terminate()
            server.wait(60)
            server.stdout.close()


if __name__ == "__main__":
    unittest.main()
