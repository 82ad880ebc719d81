#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was heard of a segment, by when its words sound; and when what happened to it."""
import io
import json
import os
import re
import subprocess
import time
import unittest

import av
import numpy as np

from client_case import made
from ffmpeg import ffmpeg
from janus_server import WAIT_S
from pushable import PushableServer
from pushing import Push, anchor
from request_case import RequestCase, media
from digitalhuman import Interrupted, Stage

JCFG = """
general: { cache_folder = "{folder}/cache" worker = "{prepare}" segments_folder = "{folder}/segments"
    push_listen = "127.0.0.1:PORT" admin_key = "operator" }
avatar-small: { width = 64 height = 64 idle = "{folder}/idle.avi" kbps = 200 }
generator-talker: { command = [ "{talker}", "--size", "64x64" ] }
room-one: { id = 1 avatar = "small" generator = "talker" }
"""
SECONDS = 8
# A word every 200 ms, each as long.
WORDS = [["w%02d" % n, n * 200, n * 200 + 200] for n in range(SECONDS * 5)]


def time_text(ms):
    return "00:00:%02d,%03d" % divmod(ms, 1000)


class Server(PushableServer):
    def write_configuration(self):
        super().write_configuration()
        media(self.path("bare.avi"), SECONDS)
        self.write("words.srt", "".join("%d\n%s --> %s\n<i>%s</i>\n\n" % (n + 1, time_text(start), time_text(end), word)
                                        for n, (word, start, end) in enumerate(WORDS)))
        ffmpeg("-i", self.path("bare.avi"), "-i", self.path("words.srt"), "-c", "copy", "-c:s", "subrip",
               self.path("segments/words.mkv"))


class WordsCase(RequestCase):
    @classmethod
    def setUpClass(cls):
        cls.begin(Server(JCFG))
        cls.address = ("127.0.0.1", cls.janus.push_port)

    @classmethod
    def warm(cls):
        """From now on words.mkv comes from the cache, and so without waiting for its media."""
        handle = cls.janus.attach()
        handle.request({"request": "observe", "id": 1})
        handle.request({"request": "enqueue", "id": 1, "file": "words.mkv", "segment": "warm"})
        for event in ("started", "segment_prepared"):
            handle.events.wait(lambda e, event=event: e.get("event") == event)
        handle.request({"request": "skip", "id": 1})
        handle.events.wait(lambda e: e.get("event") == "idle")
        handle.detach()

    def setUp(self):
        super().setUp()
        self.observer = self.attach()
        self.observer.request({"request": "observe", "id": 1})

    def event(self, name, segment):
        return self.observer.events.wait(lambda e: e.get("event") == name and e.get("segment") == segment, WAIT_S)

    def interrupt_after(self, segment, ms, heard=None):
        """The event that ends it, once so much has been played; `heard`: what has been heard then, if it is not the file's
        own words."""
        self.event("started", segment)
        end = time.monotonic() + WAIT_S
        while True:
            told = self.ask("progress", id=1, segment=segment)
            if told["state"] != "playing" or told["played_ms"] >= ms or time.monotonic() > end:
                break
            time.sleep(0.02)
        self.assertEqual(told["state"], "playing")
        self.assertEqual(told["heard_text"], self.heard(told["played_ms"]) if heard is None else heard)
        self.ask("interrupt", id=1)
        return self.event("interrupted", segment)

    @staticmethod
    def heard(played_ms):
        """By rule: words that have ended."""
        return " ".join(word for word, _, end in WORDS if end <= played_ms)

    def check_interrupted(self, event):
        self.assertGreaterEqual(event["played_ms"], 600)
        self.assertLess(event["played_ms"], SECONDS * 1000)
        self.assertEqual(event["heard_text"], self.heard(event["played_ms"]))


class Heard(WordsCase):
    def test_a_subtitle_track(self):
        """Encoded; from the cache, where that takes no worker; and as a prepared file."""
        self.ask("enqueue", id=1, file="words.mkv", segment="first")
        self.check_interrupted(self.interrupt_after("first", 700))
        self.ask("enqueue", id=1, file="words.mkv", segment="whole")
        self.assertEqual(self.event("finished", "whole")["heard_text"], self.heard(SECONDS * 1000))
        self.ask("enqueue", id=1, file="words.mkv", segment="again")
        self.check_interrupted(self.interrupt_after("again", 900))
        subprocess.run([self.janus.prepare, "--quiet", self.janus.path("segments/words.mkv"), "--size", "64x64", "-o",
                        self.janus.path("segments/words.dhs")], check=True)
        self.ask("enqueue", id=1, file="words.dhs", segment="prepared")
        self.check_interrupted(self.interrupt_after("prepared", 700))

    def test_a_request_knows_better(self):
        self.ask("enqueue", id=1, file="words.mkv", segment="mine", text="Eins zwei.",
                 words=[["Eins", 0, 100], ["zwei", 7900, 8000]])
        event = self.interrupt_after("mine", 700, "Eins")
        self.assertEqual(event["heard_text"], "Eins")
        self.assertNotIn(self.heard(event["played_ms"]), ("", "Eins"))

    def test_words_that_are_refused(self):
        for words in ([["a"]], [["a", 5, 4]], [["a" * 201, 0, 1]], [["a", 0, 1]] * 2001, "a", [["a\n", 0, 1]]):
            answer = self.ask("enqueue", id=1, file="words.mkv", words=words)
            self.assertEqual(answer.get("error_code"), 454, answer)
            self.assertIn('"words"', answer["error"])
        self.assertEqual(self.ask("queue", id=1)["waiting"], [])

    def prepared(self):
        avatar, path = self.janus.path("anchor.dhs"), self.janus.path("bare.dhs")
        with open(avatar, "wb") as file:
            file.write(anchor(self.address, 1))
        subprocess.run([self.janus.prepare, "--quiet", "--avatar", avatar, self.janus.path("bare.avi"), "-o", path], check=True)
        with open(path, "rb") as file:
            return file.read()

    @staticmethod
    def with_lines(data):
        """A line with each word before the media of its time, between records."""
        words, out = list(WORDS), []
        while data:
            size = 12 + int.from_bytes(data[4:8], "little")
            kind, record, data = data[:4], data[:size], data[size:]
            ms = int.from_bytes(record[8:16], "little") / 720
            while kind == b"AUDI" and words and words[0][1] <= ms:
                out.append(json.dumps({"words": [words.pop(0)]}).encode() + b"\n")
            out.append(record)
        return b"".join(out)

    def test_lines_between_the_records_of_a_push(self):
        data = self.with_lines(self.prepared())
        push = Push(self.address, {"room": 1, "segment": "lines"})
        self.addCleanup(push.close)
        push.send(data)
        self.check_interrupted(self.interrupt_after("lines", 700))
        self.assertEqual(push.result()["heard_text"], self.event("interrupted", "lines")["heard_text"])

    def test_dh_push_sends_them_on(self):
        path = self.janus.path("lines.dhs")
        with open(path, "wb") as file:
            file.write(self.with_lines(self.prepared()))
        address = "%s:%d" % self.address
        program = os.path.join(os.environ["DH_BUILD"], "dh-push")
        for segment, arguments in (("piped", [path]), ("first-line", ["--words", json.dumps(WORDS), self.janus.path("bare.dhs")])):
            with subprocess.Popen([program, "--quiet", "--room", "1", "--segment", segment, address, *arguments]) as pushing:
                self.check_interrupted(self.interrupt_after(segment, 700))
                self.assertEqual(pushing.wait(WAIT_S), 5)

    def test_a_bad_line(self):
        data = self.prepared()
        push = Push(self.address, {"room": 1, "segment": "bad"})
        self.addCleanup(push.close)
        at = 12 + int.from_bytes(data[4:8], "little")
        at += 12 + int.from_bytes(data[at + 4:at + 8], "little")        # behind head and anchor
        push.send(data[:at] + b'{"words":[["Hello",5,4]]}\n')
        end = push.result()
        self.assertEqual((end["event"], end["error_code"]), ("failed", 465))
        self.assertIn("a line between records: an array of", end["error"])


class Python(WordsCase):
    def stage(self, **options):
        stage = Stage("%s:%d" % self.address, 1, **options)
        self.addCleanup(stage.close)
        return stage

    def interrupt_once(self, segment):
        if segment.progress_ms > 700 and not self.is_interrupted:
            self.is_interrupted = True
            self.ask("interrupt", id=1)

    def test_push_words(self):
        for encode in (False, True):
            words, self.is_interrupted = list(WORDS), False
            with self.subTest(encode=encode), self.stage(encode=encode, dh_prepare=self.janus.prepare) as stage:
                try:
                    with stage.segment(fps=25, sample_rate=24000, segment=f"python-{encode}") as s:
                        for n, (frame, _) in enumerate(made(SECONDS * 25)):
                            if n % 5 == 0:
                                s.push_words([words.pop(0)])
                            s.push(frame, np.zeros(960, np.float32))
                            self.interrupt_once(s)
                        while not s.is_over:
                            self.interrupt_once(s)
                            time.sleep(0.02)
                        s.close()
                except Interrupted:
                    pass
                self.assertEqual(s.result.event, "interrupted")
                self.assertEqual(s.result.heard_text, self.heard(s.result.played_ms))

    def test_words_that_are_refused(self):
        with self.stage(encode=False).segment(fps=None, sample_rate=24000, sample_format="s16") as s:
            s.push_words([["a", 100, 200]])
            for words, error, where in (([["b", 50, 60]], ValueError, "words[0]: from_ms"), ([["b", 100]], TypeError, "words[0]"),
                                        ([["b" * 201, 100, 200]], ValueError, "words[0]"), ("b", TypeError, "words:"),
                                        ([["b", 100, 200]] * 2000, ValueError, "at most 2000")):
                with self.assertRaises(error) as caught:
                    s.push_words(words)
                self.assertIn(where, str(caught.exception))
            s.push_audio(bytes(48000))
        self.assertEqual((s.result.event, s.result.heard_text), ("finished", "a"))


class Talker(WordsCase):
    # The first half of the words takes two thirds of the time, and a third of the letters.
    TEXT = "Yes. No. Oh. Well. Good. Fine. Then everybody understands extraordinary characters immediately."

    def ends(self):
        """When each word ends, in ms, as dh-talker says."""
        clip = io.BytesIO(subprocess.run([os.environ["DH_TALKER"], "--size", "64x64", self.TEXT], check=True,
                                         stdout=subprocess.PIPE).stdout)
        with av.open(clip) as container:
            words = [(bytes(p).decode(), round(p.pts * p.time_base * 1000)) for p in container.demux(subtitles=0) if p.size]
        said = [(word, end) for (word, _), (_, end) in zip(words, words[1:]) if word.strip()]
        self.assertEqual([word for word, _ in said], self.TEXT.split())
        return [end for _, end in said]

    def in_proportion(self, played_ms, duration_ms):
        """How many words that would be."""
        return sum(word.end() * duration_ms <= len(self.TEXT) * played_ms for word in re.finditer(r"\S+", self.TEXT))

    def test_dh_talker_gives_words(self):
        ends, told_at = self.ends(), []
        segment = self.ask("say", id=1, text=self.TEXT)["segment"]
        self.event("started", segment)
        while True:
            told = self.ask("progress", id=1, segment=segment)
            if told["state"] != "playing":
                break
            self.assertTrue(self.TEXT.startswith(told["heard_text"]), told)
            told_at.append((told["played_ms"], len(told["heard_text"].split())))
            time.sleep(0.05)
        finished = self.event("finished", segment)
        self.assertEqual(finished["heard_text"], self.TEXT)
        for played_ms, words in told_at:
            self.assertLessEqual(abs(words - sum(end <= played_ms for end in ends)), 1, told_at)
        # by its length now, and by what speech of that many letters takes while it is not known
        self.assertTrue(any(all(abs(words - self.in_proportion(played_ms, length)) > 1
                                for length in (finished["played_ms"], len(self.TEXT) * 1000 / 15))
                            for played_ms, words in told_at), told_at)


class Lives(WordsCase):
    @staticmethod
    def start_of(handle):
        return handle.answer({"request": "watch", "id": 1})["plugindata"]["data"]["result"]["rtp_start"]

    def test_rtp_time(self):
        """A viewer's timestamps are the ledger's plus the viewer's start."""
        handle = self.attach()
        start = self.start_of(handle)
        self.assertTrue(all(0 <= start[media] < 1 << 32 for media in ("audio", "video")), start)
        other = self.start_of(self.attach())
        self.assertNotEqual(start, other)
        self.ask("enqueue", id=1, file="words.mkv", segment="timed")
        told = self.interrupt_after("timed", 700)
        life = self.ask("progress", id=1, segment="timed")
        for when in ("started", "ended"):
            rtp, ms = life["rtp"][when], life["media_ms"][when]
            self.assertEqual((rtp["audio"] // 48, rtp["video"] // 90), (ms, ms))
        played = life["rtp"]["ended"]["audio"] - life["rtp"]["started"]["audio"]
        self.assertGreaterEqual(played, told["played_ms"] * 48)
        self.assertEqual(life["heard_text"], told["heard_text"])

    def sources(self, **fields):
        stats = self.ask("stats", **fields)
        first = stats["first_frame"]
        for source in first["sources"]:
            for histogram in (source["total"], *source["steps"].values()):
                self.assertEqual(len(histogram["counts"]), len(first["le_ms"]) + 1)
            self.assertEqual(sum(source["total"]["counts"]), source["segments"])
        return {source.get("generator", source["source"]): source for source in first["sources"]}

    def test_where_the_time_went(self):
        before = self.sources(id=1)
        said = self.ask("say", id=1, text="Hello.")["segment"]
        self.event("finished", said)
        self.ask("enqueue", id=1, file="words.mkv", segment="file")
        self.event("started", "file")
        self.ask("interrupt", id=1)
        with Stage("%s:%d" % self.address, 1, encode=False).segment(fps=None, sample_rate=24000, segment="pushed") as s:
            s.push_audio(np.zeros(24000, np.float32))
        after, usage = self.sources(id=1), self.sources(admin_key="operator")
        for name, has_byte in (("talker", True), ("files", False), ("pushes", True)):
            old = before.get(name, {"segments": 0, "steps": {"first_byte": {"counts": [0]}}})
            self.assertEqual(after[name]["segments"], old["segments"] + 1)
            self.assertEqual(usage[name], after[name])
            self.assertEqual(sum(after[name]["steps"]["first_byte"]["counts"])
                             - sum(old["steps"]["first_byte"]["counts"]), int(has_byte))
        for segment, has_byte in ((said, True), ("file", False), ("pushed", True)):
            times = self.ask("history", id=1, segment=segment)["history"][-1]["media_ms"]
            order = [times[step] for step in ("asked", "begun", "first_byte", "first_unit", "ready", "started", "ended")]
            self.assertEqual(order[2] is not None, has_byte)
            order = [ms for ms in order if ms is not None]
            self.assertEqual(order, sorted(order))


if __name__ == "__main__":
    unittest.main()
