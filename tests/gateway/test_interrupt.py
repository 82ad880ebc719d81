#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interruptions at a word, holds, and what the ledger says of them: a real Janus, a real viewer."""
import os
import threading
import time
import unittest

from ffmpeg import ffmpeg
from janus_server import WAIT_S
from pushing import Push
from request_case import command_of
from test_words import JCFG, WORDS, Server, WordsCase
from viewers import Gateway

ENTRY_MS = 500
SENTENCE_MS = 2000
# The words, in sentences of that length.
SENTENCES = " ".join(word + "." * ((end % SENTENCE_MS) == 0) for word, _, end in WORDS)
SLEEPER = "sleep %d" % (8000000 + os.getpid())     # nobody else's, whatever runs beside this


class Interruptions(WordsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.warm()

    def play(self, segment, ms, **fields):
        """A segment with words, of which so much has been played."""
        self.ask("enqueue", id=1, file="words.mkv", segment=segment, **fields)
        self.event("started", segment)
        self.played(segment, ms)

    def played(self, segment, ms):
        end = time.monotonic() + WAIT_S
        while self.ask("progress", id=1, segment=segment)["played_ms"] < ms:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def ends(self, segment):
        return [e["event"] for e in self.observer.events.data()
                if e.get("segment") == segment and e.get("event") in ("finished", "interrupted", "skipped", "removed", "failed")]

    def check_heard(self, event):
        self.assertEqual(event["heard_text"], self.heard(event["played_ms"]))
        told = self.ask("history", id=1, segment=event["segment"])["history"]
        self.assertEqual([(t["state"], t["played_ms"], t["heard_text"]) for t in told],
                         [(event["event"], event["played_ms"], event["heard_text"])])
        self.assertEqual(self.ends(event["segment"]), [event["event"]])

    def test_at_the_end_of_a_word(self):
        self.play("word", 700)
        answer = self.ask("interrupt", id=1, mode="word", word_ms=400)
        event = self.event("interrupted", "word")
        self.assertEqual(event["media_ms"], answer["cut_ms"])
        self.assertIn(event["played_ms"] % 200, (0, 20))        # words last 200 ms
        self.check_heard(event)
        self.assertEqual(event["heard_text"].split()[-1], WORDS[event["played_ms"] // 200 - 1][0])
        times = self.ask("stats", id=1)["interruptions"]
        self.assertEqual((times["asked"], sum(times["word"]["counts"])), (1, 0))    # nobody watches

    def test_only_what_is_named(self):
        self.play("one", 100, repeat=100)       # it plays as long as this takes
        for name, more in (("two", {}), ("three", {"utterance": "u"}), ("four", {"priority": "background"})):
            self.ask("enqueue", id=1, file="words.mkv", segment=name, **more)
        for fields, error in (({"segment": "none"}, "none"), ({"utterance": "none"}, "none")):
            answer = self.ask("interrupt", id=1, **fields)
            self.assertEqual((answer["error_code"], error in answer["error"]), (463, True))
        for fields in ({"mode": "later"}, {"priority": "high"}, {"word_ms": 5}, {"word_ms": -1, "mode": "word"},
                       {"word_ms": 5001, "mode": "word"}, {"segment": ""}, {"mode": 1}):
            self.assertEqual(self.ask("interrupt", id=1, **fields)["error_code"], 454, fields)
        self.assertEqual(self.ask("interrupt", id=1, segment="two")["dropped"], 1)
        self.assertEqual(self.ask("interrupt", id=1, utterance="u")["dropped"], 1)
        self.assertEqual(self.ask("interrupt", id=1, priority="background", mode="segment")["dropped"], 1)
        self.assertEqual(self.ask("queue", id=1)["waiting"], [])
        self.assertEqual(self.ask("queue", id=1)["playing"]["segment"], "one")
        self.assertEqual(self.ask("interrupt", id=1, priority="normal")["dropped"], 1)
        self.event("idle", None)

    def test_hold_and_resume(self):
        self.play("held", 900)
        self.assertEqual(self.ask("hold", id=1, regret_ms=10001)["error_code"], 454)
        held = self.ask("hold", id=1, regret_ms=0)
        self.assertEqual((held["digitalhuman"], held["segment"]), ("holding", "held"))
        self.assertEqual(self.ask("hold", id=1)["error_code"], 460)
        self.assertTrue(self.ask("queue", id=1)["on_hold"])
        self.assertTrue(self.ask("progress", id=1, segment="held")["on_hold"])
        time.sleep(0.3)
        self.assertEqual(self.ask("resume", id=1, at="there")["error_code"], 454)
        again = self.ask("resume", id=1, at="word")
        self.assertEqual(again["undone"], False)
        self.assertLessEqual(again["position_ms"], held["position_ms"] // 200 * 200)
        self.assertGreater(again["position_ms"], held["position_ms"] - ENTRY_MS - 200)
        self.assertEqual(self.event("resuming", "held")["position_ms"], again["position_ms"])
        self.assertEqual(self.ask("resume", id=1)["error_code"], 460)
        self.played("held", 1500)
        self.ask("hold", id=1, regret_ms=10000)
        undone = self.ask("resume", id=1)
        self.assertTrue(undone["undone"])
        self.played("held", 1800)
        self.ask("hold", id=1)
        before = self.ask("progress", id=1, segment="held")["played_ms"]
        self.ask("enqueue", id=1, file="words.mkv", segment="behind")
        self.assertEqual(self.ask("discard", id=1)["dropped"], 2)
        event = self.event("interrupted", "held")
        self.assertEqual(event["played_ms"], before)
        self.check_heard(event)
        self.assertEqual(self.ask("discard", id=1)["error_code"], 460)

    def test_from_the_beginning_of_the_sentence(self):
        """Its pictures from the last entry before that."""
        self.play("told", SENTENCE_MS + 900, text=SENTENCES, words=WORDS)
        held = self.ask("hold", id=1, regret_ms=0)["position_ms"]
        time.sleep(0.3)
        begins = held // SENTENCE_MS * SENTENCE_MS
        again = self.ask("resume", id=1, at="sentence")
        self.assertEqual(again["undone"], False)
        self.assertLessEqual(again["position_ms"], begins)
        self.assertGreater(again["position_ms"], begins - ENTRY_MS)
        self.assertEqual(self.event("resuming", "told")["position_ms"], again["position_ms"])
        self.played("told", held + 100)
        self.ask("interrupt", id=1)
        self.event("interrupted", "told")

    def test_both_at_once(self):
        """Whoever comes first, it ends once, and the ledger agrees."""
        for n in range(4):
            name = "race-%d" % n
            self.play(name, 200)
            self.ask("hold", id=1, regret_ms=10000)
            threads = [threading.Thread(target=self.attach().request, args=({"request": r, "id": 1},))
                       for r in ("resume", "discard", "resume", "interrupt")]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.check_heard(self.event("interrupted", name))

    def test_what_a_viewer_gets(self):
        """Speech ends with the slot of the cut, in a packet that fades; and the time that took is counted."""
        with Gateway(self.janus.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.audio and v.video)
            self.play("seen", 600)
            before = sum(self.ask("stats", id=1)["interruptions"]["now"]["counts"])
            self.ask("interrupt", id=1)
            event = self.event("interrupted", "seen")
            start = {v["viewer"]: v["rtp_start"] for v in self.ask("stats", id=1)["viewers"] if v.get("media")}
            self.assertEqual(len(start), 1)
            cut = next(iter(start.values()))["audio"] + event["media_ms"] * 48
            viewer.wait_until(event["media_ms"] + 300)
            sound = [p for p in viewer.audio.packets if (cut - p.ts) % (1 << 32) < (1 << 31) or p.ts == cut % (1 << 32)]
            self.assertEqual((sound[-1].ts - cut) % (1 << 32), 0)
            self.assertGreater(len(sound[-1].payload), 3)
            after = viewer.audio.packets[len(sound):]
            self.assertTrue(after)
            self.assertTrue(all(len(p.payload) <= 3 for p in after))
            counted = lambda: sum(self.ask("stats", id=1)["interruptions"]["now"]["counts"])
            viewer.wait(lambda _: counted() > before)
            self.assertEqual(counted(), before + 1)

    def times(self):
        """Of interruptions: how many of each kind took how long, and all of them together."""
        told = self.ask("stats", id=1)["interruptions"]
        return {kind: (told[kind]["counts"], told[kind]["sum_ms"]) for kind in ("now", "word")}

    def test_how_long_a_word_took(self):
        """With a viewer the end of a word is counted by itself, in the bucket of the time that it took."""
        with Gateway(self.janus.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.audio and v.video)
            self.play("long-word", 700, words=[["long", 0, SENTENCE_MS * 3]])
            before, (_, edges) = self.times(), ("le_ms", self.ask("stats", id=1)["interruptions"]["le_ms"])
            self.ask("interrupt", id=1, mode="word", word_ms=600)
            self.event("interrupted", "long-word")
            viewer.wait(lambda _: self.times()["word"] != before["word"])
            after = self.times()
            self.assertEqual(after["now"], before["now"])
            new = [n - old for n, old in zip(after["word"][0], before["word"][0])]
            took_ms = after["word"][1] - before["word"][1]
            self.assertEqual(sum(new), 1)
            self.assertEqual(new.index(1), sum(took_ms > edge for edge in edges))
            self.assertGreaterEqual(took_ms, 500)   # the word goes on for longer; the packet before the cut is the last one


class Forgotten(WordsCase):
    @classmethod
    def setUpClass(cls):
        cls.begin(Server(JCFG.replace("general: {", "general: { hold_s = 1")))
        cls.address = ("127.0.0.1", cls.janus.push_port)

    def test_a_hold_that_nobody_ends(self):
        self.ask("enqueue", id=1, file="words.mkv", segment="left")
        self.event("started", "left")
        held = self.ask("hold", id=1, regret_ms=0)
        event = self.event("interrupted", "left")
        self.assertGreaterEqual(event["media_ms"], held["media_ms"] + 980)
        self.assertLessEqual(event["played_ms"], held["position_ms"])
        self.assertEqual(self.ask("resume", id=1)["error_code"], 460)


class Slow(Server):
    """A file that takes long to prepare, and a generator that says nothing."""

    def write_configuration(self):
        super().write_configuration()
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x480:r=25:d=120", "-f", "lavfi", "-i", "sine=440:d=120", "-c:v", "mjpeg",
               "-c:a", "pcm_s16le", self.path("segments/large.avi"))


class EveryStage(WordsCase):
    @classmethod
    def setUpClass(cls):
        jcfg = JCFG.replace("generator-talker:", 'generator-silent: { command = [ "/bin/sh", "-c", "%s" ] }\ngenerator-talker:'
                            % SLEEPER)
        cls.begin(Slow(jcfg.replace('generator = "talker"', 'generator = "silent"')))
        cls.address = ("127.0.0.1", cls.janus.push_port)
        cls.warm()

    def running(self, command):
        return [pid for pid in self.janus.children() if command in command_of(pid).replace("\0", " ")]

    def readers(self, file):
        """Workers that have the file open."""
        found = []
        for pid in self.janus.children():
            try:
                found += [pid for fd in os.listdir(f"/proc/{pid}/fd") if os.readlink(f"/proc/{pid}/fd/{fd}").endswith(file)]
            except OSError:
                pass
        return found

    def wait_until(self, is_so):
        end = time.monotonic() + WAIT_S
        while not is_so():
            self.assertLess(time.monotonic(), end, self.ask("queue", id=1))
            time.sleep(0.02)

    def state_of(self, segment):
        return next(s["state"] for s in self.ask("queue", id=1)["waiting"] if s["segment"] == segment)

    def test_all_of_an_utterance(self):
        """One that is ready, one that a worker is still preparing, one that a generator is to say, and one of which a push
        has sent its line alone: one request drops them all, and nothing else."""
        self.ask("enqueue", id=1, file="words.mkv", segment="other", repeat=100)
        self.event("started", "other")
        answer = {"utterance": "answer"}
        self.ask("enqueue", id=1, file="words.mkv", segment="queued", **answer)
        self.ask("say", id=1, text="Never mind.", segment="said", **answer)
        push = Push(self.address, {"room": 1, "segment": "pushed", **answer})
        self.addCleanup(push.close)
        push.event("queued")
        self.ask("enqueue", id=1, file="large.avi", segment="prepared", **answer)
        self.ask("enqueue", id=1, file="words.mkv", segment="last")
        self.wait_until(lambda: self.state_of("queued") == "ready" and self.running(SLEEPER) and self.readers("large.avi"))
        self.assertEqual([self.state_of(name) for name in ("said", "pushed")], ["preparing"] * 2)
        self.assertEqual(self.ask("interrupt", id=1, **answer)["dropped"], 4)
        for segment in ("queued", "prepared", "said", "pushed"):
            self.assertEqual(self.event("interrupted", segment)["played_ms"], 0)
            self.assertEqual(self.ends(segment), ["interrupted"])
        self.assertEqual((push.result()["event"], push.result()["segment"]), ("interrupted", "pushed"))
        self.wait_until(lambda: not self.running(SLEEPER) and not self.readers("large.avi"))
        queue = self.ask("queue", id=1)
        self.assertEqual((queue["playing"]["segment"], [s["segment"] for s in queue["waiting"]]), ("other", ["last"]))
        late = self.ask("enqueue", id=1, file="words.mkv", segment="late", **answer)
        self.assertEqual(self.event("removed", "late")["reason"], "cut", late)

    def ends(self, segment):
        return [e["event"] for e in self.observer.events.data()
                if e.get("segment") == segment and e.get("event") in ("finished", "interrupted", "skipped", "removed", "failed")]


if __name__ == "__main__":
    unittest.main()
