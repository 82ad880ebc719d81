# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-push and a real Janus: every way in which a segment ends, and encoding for the room."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import dhs
from ffmpeg import ffmpeg
from pushing import ENDS
from test_push import JCFG, PushCase
from viewers import Gateway

PUSH = os.path.join(os.environ["DH_BUILD"], "dh-push")
WAIT_S = 60


class ClientCase(PushCase):
    elsewhere = ()      # words of a command that runs dh-push on another machine

    def setUp(self):
        super().setUp()
        self.prepared("8.nut")      # a connection that says nothing while it is made would be ended

    @property
    def address(self):
        return "%s:%d" % self.tcp

    def lasting(self):
        """The path of sound, prepared, that plays for longer than any of these tests takes."""
        if not os.path.exists(self.janus.path("50.wav")):
            ffmpeg("-f", "lavfi", "-i", "sine=440:d=50", self.janus.path("50.wav"))
        self.prepared("50.wav")
        return self.janus.path("50.wav.dhs")

    def start(self, *options, address=None, secret=None, stdin=subprocess.PIPE, file=None):
        environment = dict(os.environ, DH_PUSH_SECRET=secret or "")
        words = [*options, address or self.address, *([file] if file else [])]
        process = subprocess.Popen([*self.elsewhere, PUSH, "--json", *words],
                                   stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    @staticmethod
    def feed(process, data):
        try:
            process.stdin.write(data)
            process.stdin.flush()
        except BrokenPipeError:
            raise AssertionError("it ended: %s" % process.stderr.read().decode()) from None

    def until(self, process, event):
        """Reads its lines up to this event."""
        for line in process.stdout:
            if json.loads(line).get("event") == event:
                return json.loads(line)
        raise AssertionError("no %s; %s" % (event, process.stderr.read().decode()))

    def result(self, process, data=None, code=0):
        """Its last line, and what it says of errors."""
        out, err = process.communicate(data, timeout=WAIT_S)
        self.assertEqual(process.returncode, code, (out, err))
        last = json.loads(out.splitlines()[-1]) if out else None
        return last, err.decode()


class Client(ClientCase):
    def test_over_tcp_and_over_a_unix_socket(self):
        for address in (self.address, "unix:" + self.local):
            with self.subTest(address):
                last, _ = self.result(self.start("--room=1", "--segment=hello", "--text=Hello!", address=address),
                                      self.short)
                self.assertEqual((last["event"], last["segment"], last["played_ms"]), ("finished", "hello", 1000))
                self.assertNotIn("incomplete", last)

    def test_a_secret_room(self):
        last, _ = self.result(self.start("--room=2", secret="whisper"), self.short)
        self.assertEqual(last["event"], "finished")
        for secret in (None, "whispers"):
            last, err = self.result(self.start("--room=2", secret=secret), self.short, 4)
            self.assertEqual(last["error_code"], 457)
            self.assertIn("refused: Unauthorized", err)

    def test_a_room_that_is_none(self):
        last, err = self.result(self.start("--room=77"), self.long, 4)
        self.assertEqual(last["error_code"], 455)
        self.assertIn("No such room (77)", err)

    def test_interrupting(self):
        push = self.start("--room=2", secret="whisper", file=self.lasting())
        self.until(push, "started")
        last, err = self.result(self.start("--room=2", "--interrupt", secret="whispers"), code=4)
        self.assertIn("refused: Unauthorized", err)
        last, _ = self.result(self.start("--room=2", "--interrupt", secret="whisper"))
        self.assertEqual(last, {"interrupt": {"dropped": 1}})
        last, _ = self.result(push, code=5)
        self.assertEqual(last["event"], "interrupted")
        _, err = self.result(self.start("--room=2", "--interrupt", "--encode"), code=2)
        self.assertIn("--interrupt sends no media", err)

    def test_interrupted(self):
        push = self.start("--room=1", file=self.lasting())
        self.until(push, "started")
        self.ask("interrupt", id=1)
        last, _ = self.result(push, code=5)
        self.assertEqual(last["event"], "interrupted")

    def test_skipped(self):
        push = self.start("--room=1", file=self.lasting())
        self.until(push, "started")
        self.ask("skip", id=1)
        self.assertEqual(self.result(push, code=6)[0]["event"], "skipped")

    def test_removed(self):
        playing = self.start("--room=1", file=self.lasting())
        self.until(playing, "started")
        waiting = self.start("--room=1", "--segment=waits")
        self.feed(waiting, self.short)
        self.until(waiting, "queued")
        self.ask("remove", id=1, segment="waits")
        self.assertEqual(self.result(waiting, code=7)[0]["event"], "removed")
        self.ask("interrupt", id=1)
        self.result(playing, code=5)

    def test_failed(self):
        last, err = self.result(self.start("--room=1"), b"rubbish" * 1000, 8)
        self.assertEqual(last["event"], "failed")
        self.assertIn("dh-push: failed: ", err)

    def test_control_c_ends_the_connection(self):
        observer = self.attach()
        observer.request({"request": "observe", "id": 1})
        media = self.prepared("8.nut")[:60000]
        push = self.start("--room=1", "--segment=left")
        self.feed(push, media)
        self.until(push, "started")
        push.send_signal(signal.SIGINT)
        self.assertEqual(push.wait(WAIT_S), 130)
        end = observer.events.wait(lambda e: e.get("segment") == "left" and e.get("event") in ENDS)
        self.assertEqual((end["event"], end.get("incomplete")), ("finished", True))

class Documented(ClientCase):
    """The commands of docs/push.md as they stand there, but for the address."""

    def command(self, first_word):
        with open(os.path.join(os.environ["DH_ROOT"], "docs", "push.md"), encoding="utf-8") as file:
            text, = re.findall(rf"(?s)```sh\n({re.escape(first_word)} .*?)```", file.read())
        self.assertIn(" 127.0.0.1:8189", text)
        return text.replace("127.0.0.1:8189", self.address)

    def run_command(self, text):
        """In a shell; returns what ends of segments it prints, as (segment, what)."""
        folder = self.enterContext(tempfile.TemporaryDirectory(dir=self.janus.path("")))
        with open(os.path.join(folder, "secret.txt"), "w", encoding="ascii") as file:
            file.write("demo\n")
        for name in "ab":
            shutil.copy(self.janus.path("1.wav"), os.path.join(folder, name + ".wav"))
        path = os.path.dirname(PUSH) + os.pathsep + os.environ["PATH"]
        done = subprocess.run(["bash", "-c", f"set -e -o pipefail\n{text}\nwait"], cwd=folder, env=dict(os.environ, PATH=path),
                              capture_output=True, text=True, timeout=3 * WAIT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return re.findall(r"(?m)^finished (\S+): (.+)$", done.stdout)

    def test_from_ffmpeg(self):
        """A pipe, at the pace of the media."""
        (_, what), = self.run_command(self.command("ffmpeg"))
        self.assertEqual(what, "played 5000 ms")

    @unittest.skipUnless(shutil.which("gst-launch-1.0"), "GStreamer is not installed")
    def test_from_gstreamer(self):
        path = self.janus.path("gstreamer.mkv")
        text = self.command("gst-launch-1.0")
        self.assertIn(" |\n    dh-push ", text)
        (_, what), = self.run_command(text.replace(" |\n    dh-push ", f" | tee {path} |\n    dh-push "))
        played_ms = int(re.fullmatch("played ([0-9]+) ms", what)[1])
        # Its sources are live, and do not begin at the very same moment; on a busy machine, much later than each other.
        self.assertGreater(played_ms, 1800)
        self.assertAlmostEqual(played_ms, self.length_ms(path), delta=20)

    def length_ms(self, path):
        """As long as the sound of that medium is."""
        prepared = path + ".dhs"
        subprocess.run([self.janus.prepare, "--quiet", "--size", "64x64", path, "-o", prepared], check=True)
        return dhs.Segment(prepared).lengths[1] * 1000 / dhs.TICKS

    def test_pieces_joined_by_a_pipe(self):
        ends = self.run_command(self.command("mkfifo"))
        self.assertEqual(len({segment for segment, _ in ends}), 2, ends)
        played = [entry for entry in self.ask("history", id=1)["history"] if entry.get("utterance") == "u"]
        self.assertEqual([(entry["index"], entry["state"]) for entry in played], [(0, "finished"), (1, "finished")])
        self.assertEqual(sum(int(what.split()[1]) for _, what in ends), 2000, ends)


class FarAhead(ClientCase):
    """The room reads all of a segment while it waits."""
    jcfg = JCFG.replace("ahead_ms = 1000", "ahead_ms = 60000")

    def test_marking(self):
        """Now, and at a moment of a segment; what the room has set with the segment, too."""
        before = self.start("--room=2", secret="whisper", file=self.lasting())
        self.until(before, "started")
        push = self.start("--room=2", "--segment=long", '--markers=[[0,{"slide":1}]]', secret="whisper", file=self.lasting())
        self.until(push, "segment_prepared")    # so that it need not wait for its media once it plays
        self.ask("skip", id=2, secret="whisper")
        begun = self.until(push, "started")["media_ms"]
        last, _ = self.result(self.start("--room=2", "--mark", '{"slide":2}', "--segment=long", "--at-ms=40000",
                                         secret="whisper"))
        self.assertEqual(last, {"mark": {"media_ms": begun + 40000}})
        last, _ = self.result(self.start("--room=2", "--mark", "null", secret="whisper"))
        self.assertGreaterEqual(last["mark"]["media_ms"], begun)
        last, err = self.result(self.start("--room=2", "--mark", "1", "--segment=another", "--at-ms=0",
                                           secret="whisper"), code=4)
        self.assertIn("refused: No such segment", err)
        last, err = self.result(self.start("--room=2", "--mark", "1", secret="whispers"), code=4)
        self.assertIn("refused: Unauthorized", err)
        self.result(self.start("--room=2", "--interrupt", secret="whisper"))
        self.result(push, code=5)
        self.result(before, code=6)


class Encoding(ClientCase):
    def test_it_encodes_for_the_room(self):
        """What is sent begins with the room's anchor, so that nobody is sent a key frame."""
        with Gateway(self.janus.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.video and v.audio and len(v.video.packets) > 10)
            before = self.ask("stats", id=1)["sent"]["anchors"]
            last, _ = self.result(self.start("--room=1", "--encode"), self.short)
            self.assertEqual((last["event"], last["played_ms"]), ("finished", 1000), last)
            self.assertNotIn("notes", last)
            viewer.wait_until(last["media_ms"])
            self.assertGreater(before, 0)
            self.assertEqual(self.ask("stats", id=1)["sent"]["anchors"], before)

    def test_a_secret_room(self):
        last, _ = self.result(self.start("--room=2", "--encode", secret="whisper"), self.short)
        self.assertEqual(last["event"], "finished", last)
        last, err = self.result(self.start("--room=2", "--encode"), self.short, 4)
        self.assertIsNone(last)
        self.assertIn("refused: Unauthorized", err)

    def test_an_anchor_at_hand(self):
        self.prepared("1.nut")
        last, _ = self.result(self.start("--room=1", "--encode", "--avatar", self.janus.path("anchor.dhs")), self.short)
        self.assertEqual(last["event"], "finished", last)

    def test_media_that_are_none(self):
        _, err = self.result(self.start("--room=1", "--encode"), b"rubbish" * 1000, 9)
        self.assertIn("dh-prepare: standard input", err)

    def test_an_interruption_ends_the_encoder(self):
        push = self.start("--room=1", "--encode")
        self.feed(push, self.long[:1000000])
        self.until(push, "started")
        self.ask("interrupt", id=1)
        self.assertEqual(push.wait(WAIT_S), 5)
        self.assertEqual(push.stderr.read(), b"")     # its last holder is gone


if __name__ == "__main__":
    unittest.main()
