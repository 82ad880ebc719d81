#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-push against gateways that do what a script says, well and badly."""
import contextlib
import hashlib
import hmac
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from certificates import Authority
from ffmpeg import ffmpeg
from push_case import FINISHED, PREPARE, PUSH, PushCase, WAIT_S, finish


class Sending(PushCase):
    def test_the_line_then_the_media_then_the_end(self):
        for path in (None, self.path("push.sock")):
            with self.subTest(path):
                gateway = self.gateway(path=path)
                out, err = self.push(gateway, "--segment", "s-1", "--text", "Hé", "--metadata", '{"n": [1]}',
                                     "--utterance", "u", "--index", "3", "--last", "--progress-ms", "500")
                self.assertEqual(gateway.first, {
                    "room": 1, "segment": "s-1", "text": "Hé", "metadata": {"n": [1]}, "utterance": "u", "index": 3,
                    "last": True, "progress_ms": 500})
                self.assertEqual(gateway.data, b"media")
                self.assertEqual((out, err), ("finished s-1: played 1000 ms\n", ""))

    def test_when_it_plays_and_what_happens_when_media_come_late(self):
        for options, fields in (
                (["--priority=urgent", "--patient", "--ttl-ms=5000", "--repeat", "3"],
                 {"priority": "urgent", "patient": True, "ttl_ms": 5000, "repeat": 3}),
                (["--before", "é"], {"before": "é"}), (["--after=s-1"], {"after": "s-1"}),
                (["--underrun=idle", "--preroll-ms=0"], {"underrun": "idle", "preroll_ms": 0})):
            gateway = self.gateway()
            self.push(gateway, *options)
            self.assertEqual(gateway.first, {"room": 1, **fields})
        for option in ("--ttl-ms", "--repeat", "--preroll-ms"):
            _, err = self.push("127.0.0.1:1", f"{option}=1s", code=2)
            self.assertIn(f'{option} is "1s", expected a number', err)

    def test_what_an_interruption_is_of(self):
        def script(gateway):
            gateway.first = gateway.line()
            gateway.say(b'{"interrupt":{"dropped":1}}\n')
            gateway.rest()
        for options, fields in ((["--segment=s-1"], {"segment": "s-1"}),
                                (["--utterance=u", "--priority=normal"], {"utterance": "u", "priority": "normal"})):
            gateway = self.gateway(script)
            out, _ = self.push(gateway, "--interrupt", *options)
            self.assertEqual((gateway.first, out), ({"request": "interrupt", "room": 1, **fields},
                                                    "interrupted: 1 segments\n"))

    def test_a_file_instead_of_standard_input(self):
        gateway = self.gateway()
        self.push(gateway, code=2, stdin=subprocess.DEVNULL, *["too", "many"])
        subprocess.run([PUSH, "--room=1", gateway.address, self.path("media", b"of a file")], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=WAIT_S)
        self.assertEqual(gateway.data, b"of a file")

    def test_nothing_at_all(self):
        gateway = self.gateway()
        self.push(gateway, stdin=subprocess.DEVNULL)
        self.assertEqual(gateway.data, b"")

    def test_much_for_a_gateway_that_is_slow_and_talks_meanwhile(self):
        data = os.urandom(1 << 20) * 24

        def script(gateway):
            gateway.line()
            read = hashlib.sha256()
            while True:
                piece = gateway.sock.recv(30000)
                if not piece:
                    break
                read.update(piece)
                gateway.say(b'{"event":"progress","segment":"s-1","played_ms":1}\n')
            gateway.read = read.hexdigest()
            gateway.say(FINISHED)

        gateway = self.gateway(script)
        self.push(gateway, data=data)
        self.assertEqual(gateway.read, hashlib.sha256(data).hexdigest())

    def test_it_waits_for_the_gateway_and_the_generator_for_it(self):
        """What the gateway does not read, is not read from the generator."""
        go = threading.Event()

        def script(gateway):
            gateway.line()
            go.wait(WAIT_S)
            gateway.rest()
            gateway.say(FINISHED)

        gateway = self.gateway(script)
        with subprocess.Popen([PUSH, "--room=1", gateway.address], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as push:
            os.set_blocking(push.stdin.fileno(), False)
            written, stuck = 0, 0
            while stuck < 50 and written < 64 << 20:    # buffers of sockets and pipes hold a few MB
                try:
                    written += os.write(push.stdin.fileno(), bytes(1 << 16))
                    stuck = 0
                except BlockingIOError:
                    stuck += 1
                    threading.Event().wait(0.02)
            self.assertLess(written, 64 << 20)
            go.set()
            push.stdin.close()
            self.assertEqual(push.stdout.read(), b"finished s-1: played 1000 ms\n")
            self.assertEqual(push.wait(WAIT_S), 0)
        self.assertEqual(len(gateway.data), written)

    def test_it_ends_with_the_segment_while_the_generator_says_nothing(self):
        def script(gateway):
            gateway.line()
            gateway.say(b'{"event":"interrupted","segment":"s-1","played_ms":5}\n')
            gateway.rest()

        with subprocess.Popen([PUSH, "--room=1", self.gateway(script).address], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as push:
            self.assertEqual(push.wait(WAIT_S), 5)
            self.assertEqual(push.stdout.read(), b"interrupted s-1: played 5 ms\n")

    def test_signals_end_the_connection(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                ended = threading.Event()

                def script(gateway):
                    gateway.line()
                    gateway.say(b'{"event":"queued","segment":"s-1"}\n')
                    gateway.rest()
                    ended.set()

                with subprocess.Popen([PUSH, "--room=1", self.gateway(script).address], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE) as push:
                    self.assertEqual(push.stdout.readline(), b"queued s-1\n")
                    push.send_signal(number)
                    self.assertEqual(push.wait(WAIT_S), 128 + number)
                    self.assertTrue(ended.wait(WAIT_S))


    def test_signals_that_are_ignored(self):
        """As by nohup, or in the background of a script."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

        def ignore():
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)

        def script(gateway):
            gateway.line()
            gateway.say(b'{"event":"queued","segment":"s-1"}\n')
            gateway.rest()
            gateway.say(FINISHED)

        with subprocess.Popen([PUSH, "--room=1", self.gateway(script).address], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, preexec_fn=ignore) as push:
            self.assertEqual(push.stdout.readline(), b"queued s-1\n")
            with open(f"/proc/{push.pid}/status") as file:
                ignored = int(re.search(r"SigIgn:\s*(\w+)", file.read())[1], 16)
            for number in numbers:
                self.assertTrue(ignored >> number - 1 & 1, number)
                push.send_signal(number)
            push.stdin.close()
            self.assertEqual(push.wait(WAIT_S), 0)


class Input(PushCase):
    def test_what_cannot_be_read(self):
        for word, options, more in (
                ("No such file", [self.path("missing")], {}), ("folder", [self.folder], {}),
                ("standard input is closed", [], {"preexec_fn": lambda: os.close(0)})):
            with self.subTest(word):
                done = subprocess.run([PUSH, "--room=1", "127.0.0.1:1", *options], stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, timeout=WAIT_S, **more)
                self.assertEqual(done.returncode, 3)
                self.assertIn(word, done.stderr)

    def test_no_standard_stream_at_all(self):
        """The connection must not become standard input, output or error."""
        gateway = self.gateway()

        def close():
            for fd in (0, 1, 2):
                os.close(fd)

        done = subprocess.run([PUSH, "--room=1", gateway.address, self.path("media", b"media")], preexec_fn=close,
                              timeout=WAIT_S, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(gateway.data, b"media")

    def test_what_breaks_while_it_is_read(self):
        """It sends what there was, and tells that there was more."""
        gateway = self.gateway()
        with open("/proc/self/mem", "rb") as unreadable:    # nothing is at address 0
            _, err = self.push(gateway, code=3, stdin=unreadable)
        self.assertIn("standard input: ", err)
        self.assertEqual(gateway.data, b"")


class Answers(PushCase):
    def ended(self, last, code, *options):
        def script(gateway):
            gateway.line()
            gateway.say(last)
            gateway.rest()

        return self.push(self.gateway(script), *options, code=code)

    def test_exit_codes(self):
        for code, name in enumerate(("finished", None, None, None, None, "interrupted", "skipped", "removed", "failed")):
            if name:
                with self.subTest(name):
                    self.ended(b'{"event":"%s"}\n' % name.encode(), code)

    def test_errors_are_told_even_quietly(self):
        for word, code, line in (("failed: no media", 8, b'{"event":"failed","error_code":465,"error":"no media"}\n'),
                                 ("refused: no token", 4, b'{"error_code":457,"error":"no token"}\n'),
                                 (r"refused: \x1b[2J", 4, b'{"error_code":457,"error":"\\u001b[2J"}\n')):
            with self.subTest(word):
                self.assertEqual(self.ended(line, code, "--quiet"), ("", "dh-push: %s\n" % word))

    def test_a_refusal_before_anything_is_read(self):
        """The connection is then reset, and writing fails; what was said counts."""
        def script(gateway):
            gateway.say(b'{"error_code":464,"error":"full"}\n')
            gateway.sock.shutdown(socket.SHUT_WR)
            gateway.line()

        _, err = self.push(self.gateway(script), code=4, data=bytes(4 << 20))
        self.assertEqual(err, "dh-push: refused: full\n")

    def test_a_gateway_that_reads_no_more_may_still_speak(self):
        def script(gateway):
            gateway.line()
            gateway.sock.shutdown(socket.SHUT_RD)
            gateway.say(b'{"event":"started","segment":"s-1"}\n')
            threading.Event().wait(0.3)
            gateway.say(FINISHED)

        out, _ = self.push(self.gateway(script, path=self.path("deaf.sock")), data=bytes(4 << 20))
        self.assertEqual(out, "started s-1\nfinished s-1: played 1000 ms\n")

    def test_lost(self):
        for word, said in (("connection was lost", b""), ("connection was lost", b'{"event":"started"}\n'),
                           ("connection was lost", FINISHED[:-1]), ("not JSON", b"HTTP/1.1 400 Bad Request\r\n"),
                           ("not JSON", b"[]\n"), ("not JSON", b"\n"), ("not JSON", b"\xff\n"),
                           ("more than 1048576 bytes", b"x" * (2 << 20))):
            def script(gateway):
                gateway.line()
                gateway.say(said)       # pylint: disable=cell-var-from-loop
                gateway.sock.shutdown(socket.SHUT_WR)
                gateway.rest()

            with self.subTest(said[:40]):
                _, err = self.push(self.gateway(script), code=1)
                self.assertIn(word, err)

    def test_nobody_listens(self):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            for address in ("127.0.0.1:%d" % sock.getsockname()[1], "unix:" + self.path("nowhere"),
                            "no-such-host.invalid:1"):
                with self.subTest(address):
                    _, err = self.push(address, code=1)
                    self.assertTrue(err.startswith("dh-push: " + address + ": "), err)

    def test_lines_byte_by_byte(self):
        def script(gateway):
            gateway.line()
            gateway.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in b'{"event":"queued","segment":"s-1","position":2}\r\n' + FINISHED:
                gateway.say(bytes([byte]))
            gateway.rest()

        out, _ = self.push(self.gateway(script))
        self.assertEqual(out, "queued s-1: position 2\nfinished s-1: played 1000 ms\n")

    def test_json_is_passed_on_as_it_is(self):
        said = b'{ "event" : "want", "ms":800}\n{"something":"else"}\n' + FINISHED
        self.assertEqual(self.ended(said, 0, "--json"), (said.decode(), ""))
        self.assertEqual(self.ended(said, 0)[0], "finished s-1: played 1000 ms\n")

    def test_nobody_reads_what_it_prints(self):
        def script(gateway):
            gateway.line()
            for _ in range(1000):
                gateway.say(b'{"event":"progress","segment":"s-1","played_ms":1}\n')
            gateway.say(FINISHED)
            gateway.rest()

        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([PUSH, "--room=1", self.gateway(script).address], stdin=subprocess.DEVNULL,
                              stdout=writer, timeout=WAIT_S, check=False)
        os.close(writer)
        self.assertEqual(done.returncode, 0)


class Tokens(PushCase):
    def right(self, token, secret, room):
        head, mac = token.rsplit(".", 1)
        self.assertRegex(head, r"^\d+\.[0-9A-Za-z_-]{16,64}$")
        wanted = hmac.new(secret.encode(), ("push.%s.%s" % (head, room)).encode(), hashlib.sha256).hexdigest()
        self.assertEqual(mac, wanted)

    def test_the_secret_is_in_a_file_or_in_the_environment(self):
        for file, variable, secret in ((b"whisper", "", "whisper"), (b"whisper\r\nmore", "other", "whisper"),
                                       (None, "whisper", "whisper"), (None, "", None)):
            with self.subTest((file, variable)):
                gateway = self.gateway()
                options = ["--secret-file", self.path("secret", file)] if file else []
                self.push(gateway, *options, environment={"DH_PUSH_SECRET": variable})
                if secret:
                    self.right(gateway.first["token"], secret, 1)
                    self.assertNotIn(secret, json.dumps(gateway.first))
                else:
                    self.assertEqual(gateway.first, {"room": 1})

    def test_no_option_takes_it(self):
        self.push("127.0.0.1:1", "--secret=whisper", code=2)

    def test_each_connection_has_its_own(self):
        seen = set()
        for _ in range(3):
            gateway = self.gateway()
            self.push(gateway, environment={"DH_PUSH_SECRET": "whisper"})
            seen.add(gateway.first["token"])
        self.assertEqual(len(seen), 3)


class Tls(PushCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority(cls.folder)
        cls.other = Authority(cls.folder, "other")

    def context(self, *names, **more):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.authority.sign(*names, **more))
        return context

    def test_media_and_their_end(self):
        """The end arrives as close_notify, and what the gateway says is read behind it."""
        for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(newest):
                context = self.context("127.0.0.1")
                context.maximum_version = newest
                data = os.urandom(1 << 20) * 4
                gateway = self.gateway(tls=context)
                out, _ = self.push(gateway, "--ca", self.authority.path, data=data)
                self.assertIsNone(gateway.error)
                self.assertEqual(gateway.data, data)
                self.assertEqual(out, "finished s-1: played 1000 ms\n")

    def test_certificates_are_verified(self):
        for word, context, ca in (
                ("issuer is not trusted", self.context("127.0.0.1"), []),
                ("issuer is not trusted", self.context("127.0.0.1"), ["--ca", self.other.path]),
                ("another name", self.context("gateway.example"), ["--ca", self.authority.path]),
                ("another name", self.context("127.0.0.2"), ["--ca", self.authority.path]),
                ("expired", self.context("127.0.0.1", days=-1), ["--ca", self.authority.path])):
            with self.subTest(word):
                gateway = self.gateway(tls=context)
                _, err = self.push(gateway, *ca, code=1)
                self.assertRegex(err, "^dh-push: the certificate of %s is not accepted: .*%s"
                                 % (re.escape(gateway.address), word))
                self.assertEqual(gateway.data, b"")

    def test_files_that_hold_no_certificate(self):
        for name in (self.path("missing.pem"), self.path("empty.pem", b""), self.path("text.pem", b"hello\n"),
                     self.folder):
            with self.subTest(name):
                gateway = self.gateway(tls=self.context("127.0.0.1"))
                _, err = self.push(gateway, "--ca", name, code=2)
                self.assertIn("--ca " + name, err)

    def test_a_server_without_tls(self):
        gateway = self.gateway(lambda g: g.say(b"hello\n" * 10))
        _, err = self.push("tls://" + gateway.address, "--ca", self.authority.path, code=1)
        self.assertIn("no TLS", err)

    def test_a_connection_that_ends_without_a_word_of_tls(self):
        def script(gateway):
            gateway.line()
            gateway.rest()
            gateway.say(FINISHED[:-1])
            gateway.sock.unwrap = None
            socket.socket(fileno=gateway.sock.detach()).close()

        _, err = self.push(self.gateway(script, tls=self.context("127.0.0.1")), "--ca", self.authority.path, code=1)
        self.assertIn("connection was lost", err)


class Encoding(PushCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.media = os.path.join(cls.folder, "media.nut")
        ffmpeg("-f", "lavfi", "-i", "testsrc=size=96x64:rate=25", "-f", "lavfi", "-i", "sine", "-t", "1", "-c:v", "rawvideo",
               "-c:a", "pcm_s16le", cls.media)
        picture = os.path.join(cls.folder, "face.png")
        ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x64", "-frames:v", "1", picture)
        cls.avatar = os.path.join(cls.folder, "idle.dhs")
        subprocess.run([PREPARE, "--quiet", "--portrait", picture, "--size", "64x64", "--kbps", "200", "-o", cls.avatar],
                       check=True)
        with open(cls.avatar, "rb") as file:
            cls.anchor = file.read()

    def answer(self, gateway, anchor=None):
        gateway.questions = [gateway.line()]
        gateway.say(b'{"info":{"room":1,"width":64,"height":64,"kbps":200,"kbps_2":100,"temporal":true,"audio_kbps":32,"entry_ms":400,"fps_max":30,'
                    b'"background":"#0000ff"}}\n')
        if anchor is not None:
            gateway.questions.append(gateway.line())
            gateway.say(b'{"anchor":{"bytes":%d}}\n' % len(anchor) + anchor)

    def info(self, data):
        done = subprocess.run([PREPARE, "--json", "--info", self.path("sent.dhs", data)], check=True, capture_output=True)
        return json.loads(done.stdout)

    def test_it_encodes_with_the_rooms_anchor(self):
        def script(gateway):
            self.answer(gateway, self.anchor)
            finish(gateway)

        gateway = self.gateway(script)
        with open(self.media, "rb") as media:
            self.push(gateway, "--encode", "--segment", "s-1", stdin=media,
                      environment={"DH_PUSH_SECRET": "whisper"})
        self.assertIsNone(gateway.error)
        self.assertEqual([question["request"] for question in gateway.questions], ["info", "anchor"])
        self.assertIn("token", gateway.questions[0])
        self.assertEqual(gateway.first, {"room": 1, "segment": "s-1"})
        self.assertEqual(self.info(gateway.data)["video"]["width"], 64)
        subprocess.run([PREPARE, "--quiet", "--avatar", self.avatar, "--kbps", "200", "--kbps-2", "100", "--temporal", "--audio-kbps", "32", "--entry-ms",
                        "400", "--fps-max", "30", "--background", "#0000ff", "-o", self.path("own.dhs"), self.media], check=True)
        with open(self.path("own.dhs"), "rb") as file:
            self.assertEqual(gateway.data, file.read())

    def test_an_avatar_of_ones_own(self):
        def script(gateway):
            self.answer(gateway)
            finish(gateway)

        gateway = self.gateway(script)
        with open(self.media, "rb") as media:
            self.push(gateway, "--encode", "--avatar", self.avatar, stdin=media)
        self.assertEqual([question["request"] for question in gateway.questions], ["info"])
        self.assertEqual(self.info(gateway.data)["video"]["width"], 64)

    def test_a_file_whose_index_comes_last(self):
        """A file is one for dh-prepare as well, and no pipe."""
        def script(gateway):
            self.answer(gateway, self.anchor)
            finish(gateway)

        file = self.path("media.mp4")
        ffmpeg("-i", self.media, "-c:v", "mpeg4", "-c:a", "aac", file)
        gateway = self.gateway(script)
        subprocess.run([PUSH, "--room=1", "--encode", gateway.address, file], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, timeout=WAIT_S)
        self.assertEqual(self.info(gateway.data)["video"]["pictures"], 25)

    def test_errors_of_dh_prepare(self):
        def script(gateway):
            self.answer(gateway, self.anchor)
            gateway.line()
            gateway.rest()
            gateway.say(b'{"event":"failed","error_code":465,"error":"nothing came"}\n')

        _, err = self.push(self.gateway(script), "--encode", code=9, data=b"rubbish" * 1000)
        self.assertIn("dh-prepare: standard input", err)
        self.assertIn("dh-push: dh-prepare: ", err)

    def test_a_damaged_anchor(self):
        def script(gateway):
            self.answer(gateway, b"DHS1" + bytes(100))
            finish(gateway)

        _, err = self.push(self.gateway(script), "--encode", code=9)
        self.assertIn("dh-prepare: /dev/fd/3", err)

    def test_answers_that_are_none(self):
        for code, word, answers in (
                (4, "refused: no avatar", [b'{"error_code":460,"error":"no avatar"}\n']),
                (4, "refused: not ready", [b'{"info":{}}\n', b'{"error_code":460,"error":"not ready"}\n']),
                (1, "info", [b'{"info":7}\n']), (1, "info", [b"\n"]), (1, "info", [b"HTTP/1.1 400\n"]),
                (1, "too long", [b"x" * (2 << 20)]),
                (1, "does not answer", [b'{"info":']),
                (1, "size", [b'{"info":{}}\n', b'{"anchor":{"bytes":0}}\n']),
                (1, "size", [b'{"info":{}}\n', b'{"anchor":{"bytes":-1}}\n']),
                (1, "size", [b'{"info":{}}\n', b'{"anchor":{"bytes":99999999999}}\n']),
                (1, "size", [b'{"info":{}}\n', b'{"anchor":{}}\n']),
                (1, "does not answer", [b'{"info":{}}\n', b'{"anchor":{"bytes":100}}\nshort'])):
            def script(gateway):
                for answer in answers:      # pylint: disable=cell-var-from-loop
                    gateway.line()
                    gateway.say(answer)

            with self.subTest(answers):
                _, err = self.push(self.gateway(script), "--encode", code=code)
                self.assertIn(word, err)

    def test_no_dh_prepare(self):
        lonely = shutil.copy(PUSH, self.path("dh-push"))

        def script(gateway):
            self.answer(gateway, self.anchor)
            gateway.rest()

        done = subprocess.run([lonely, "--room=1", "--encode", self.gateway(script).address], input=b"",
                              env=dict(os.environ, PATH="/nowhere"), capture_output=True, timeout=WAIT_S, check=False)
        self.assertEqual(done.returncode, 9)
        self.assertIn(b"neither beside", done.stderr)

    @contextlib.contextmanager
    def encoding(self):
        """Both programs, at work."""
        begun = threading.Event()

        def script(gateway):
            self.answer(gateway, self.anchor)
            gateway.line()
            begun.set()
            gateway.rest()

        with subprocess.Popen([PUSH, "--room=1", "--encode", self.gateway(script).address], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as push:
            try:
                self.assertTrue(begun.wait(WAIT_S))
                with open(f"/proc/{push.pid}/task/{push.pid}/children") as file:
                    encoder, = map(int, file.read().split())
                yield push, encoder
            finally:
                push.kill()

    def end(self, encoder, number):
        """Returns once it has ended."""
        os.kill(encoder, number)
        end = time.monotonic() + WAIT_S
        while True:
            with open(f"/proc/{encoder}/stat") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def test_control_c_ends_both(self):
        """Whichever of the two is seen first."""
        with self.encoding() as (push, encoder):
            push.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, push.pid, os.WSTOPPED)
            self.end(encoder, signal.SIGINT)
            push.send_signal(signal.SIGINT)
            push.send_signal(signal.SIGCONT)
            self.assertEqual(push.wait(WAIT_S), 130)

    def test_dh_prepare_is_ended(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, 9)):
            with self.subTest(number), self.encoding() as (push, encoder):
                os.kill(encoder, number)
                self.assertEqual(push.wait(WAIT_S), code)
                self.assertIn(b"dh-push: dh-prepare: ", push.stderr.read())

    def test_it_ends_dh_prepare_with_the_segment(self):
        def script(gateway):
            self.answer(gateway, self.anchor)
            gateway.line()
            gateway.say(b'{"event":"interrupted","segment":"s-1"}\n')
            gateway.rest()

        with subprocess.Popen([PUSH, "--room=1", "--encode", self.gateway(script).address], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as push:
            self.assertEqual(push.wait(WAIT_S), 5)
            # standard error ends with the last who has it
            self.assertEqual(push.stderr.read(), b"")


if __name__ == "__main__":
    unittest.main()
