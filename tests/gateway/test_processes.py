# SPDX-License-Identifier: GPL-3.0-or-later
"""Generators that are processes which stay: when they are started, and what happens when one fails."""
import os
import shutil
import signal
import time
import unittest

from ffmpeg import ffmpeg
from service_case import Server, Services

TEXT = "This is a sentence of twelve words, which takes longer than one second."


def text_that(how):
    """One for a test of its own, see resident.py."""
    return f"{how} {TEXT[:-1]}, if nobody {how}."


class ProcessServer(Server):
    def write_configuration(self):
        super().write_configuration()
        root = os.environ["DH_ROOT"]
        shutil.copy(os.path.join(root, "tests/support/resident.py"), self.path("bin"))
        for name in ("clients/python/digitalhuman", "examples/python"):
            shutil.copytree(os.path.join(root, name), self.path(os.path.basename(name)))
        ffmpeg("-f", "lavfi", "-i", "sine=440:d=1", "-c:a", "pcm_s16le", self.path("sound.nut"))


class Processes(Services):
    server = ProcessServer
    generators = """
        generator-two: { command = ( "/usr/bin/python3", "-B", "{folder}/bin/resident.py", "{folder}" ) processes = 2
            retry = "tail" voices = ( "ada", "bob" ) }
        generator-hasty: { command = ( "/usr/bin/python3", "-B", "{folder}/bin/resident.py", "{folder}" ) processes = 2
            silence_s = 15 retry = "tail" }
        generator-one: { command = ( "/usr/bin/python3", "-B", "{folder}/bin/resident.py", "{folder}", "0.5" )
            processes = 1 cache = true }
        generator-alone: { command = ( "/usr/bin/python3", "-B", "{folder}/bin/resident.py", "{folder}" )
            processes = 1 fallback = "sound" }
        generator-example: { command = ( "/usr/bin/python3", "-B", "{folder}/python/resident.py" ) processes = 1
            environment = ( "PYTHONPATH={folder}" ) }
        generator-broken: { command = ( "/bin/sh", "-c", "echo there is no GPU >&2; exit 4" ) processes = 2
            retry = "tail" fallback = "sound" }
        generator-missing: { command = ( "/nonexistent/speak" ) processes = 1 }
        generator-deaf: { command = ( "/bin/sleep", "1000" ) processes = 1 start_s = 1 }
        generator-wrong-1: { url = "http://127.0.0.1:1/" processes = 2 }
        generator-wrong-2: { command = ( "/bin/true" ) processes = 2 at_once = ( "1", "2", "3" ) }
        generator-wrong-3: { command = ( "/bin/true" ) processes = 65 }
        generator-sound: { command = ( "/bin/sh", "-c", "cat > {folder}/said; cat {folder}/sound.nut" ) }
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        handle, end = cls.janus.attach(), time.monotonic() + 60
        while not all(p["process"] == "ready" and p["starts"] == 1 and p["asked"] == 0
                      for g in handle.request({"request": "stats", "admin_key": "operator"})["usage"]["generators"]
                      if g["generator"] in ("one", "two", "alone") for p in g["places"]):
            assert time.monotonic() < end, "they are not there before they are needed"
            time.sleep(0.05)
        handle.detach()

    def setUp(self):
        super().setUp()
        self.gate = self.janus.path("begun")
        if os.path.exists(self.gate):
            os.remove(self.gate)

    def places(self, name):
        usage = self.ask("stats", admin_key="operator")["usage"]["generators"]
        return next(g for g in usage if g["generator"] == name)["places"]

    def until(self, holds, what=None):
        end = time.monotonic() + 60
        while not holds():
            self.assertLess(time.monotonic(), end, what and what())
            time.sleep(0.02)

    def ready(self, name):
        self.until(lambda: all(p["process"] == "ready" for p in self.places(name)), lambda: self.places(name))

    def noted(self, name):
        if not os.path.exists(self.janus.path(name)):
            return []
        with open(self.janus.path(name), encoding="utf-8") as file:
            return [line.rstrip("\n").split(" ", 1) for line in file]

    def asked(self, text):
        """Who was asked for that, in order."""
        return [pid for pid, line in self.noted("asked") if line.split(" ", 1)[1] == text]

    def speak(self, events, room, text, **fields):
        return self.end_of(events, self.say(room, text, **fields))

    # ------------------------------------------------------------ their life

    def test_they_were_there_before_they_were_needed(self):
        self.assertEqual([p["at_once"] for p in self.places("two")], [1, 1])
        loaded = self.noted("loaded")
        self.assertGreaterEqual(len(loaded), 4)
        self.assertEqual({line for _, line in loaded}, {"1"})

    def test_one_says_one_after_the_other(self):
        room, events = self.speaking_room("one")
        for text in ("Grüße an alle", "Noch einmal"):
            self.assertEqual(self.speak(events, room, text)["played_ms"], 1000)
        pid, = set(self.asked("Grüße an alle") + self.asked("Noch einmal"))
        # From the cache: nobody is asked.
        self.assertEqual(self.speak(events, room, "Noch einmal")["played_ms"], 1000)
        self.assertEqual(self.asked("Noch einmal"), [pid])

    def test_the_example(self):
        """As a stranger would start it; the text is still being written."""
        room, events = self.speaking_room("example")
        segment = self.say(room, "Hello", more=True)
        self.ask("say", id=room, segment=segment, text=" you.")
        end = self.end_of(events, segment)
        self.assertEqual(end["event"], "finished")
        self.assertEqual(self.speak(events, room, "Hello you.")["played_ms"], end["played_ms"])

    def test_one_at_a_time(self):
        rooms = [self.speaking_room("one") for _ in range(2)]
        self.say(rooms[0][0], "long speech")
        self.until(lambda: self.asked("long speech"))
        segment = self.say(rooms[1][0], "who waits")
        self.until(lambda: self.generator("one")["waiting"] == 1)
        self.ask("interrupt", id=rooms[0][0])
        self.assertEqual(self.end_of(rooms[1][1], segment)["event"], "finished")
        self.assertIn([self.asked("who waits")[0], "long speech"], self.noted("left"))

    def test_what_is_urgent_gets_the_process_of_what_it_interrupts(self):
        """Which would have gone on for ever."""
        self.ready("alone")
        room, events = self.speaking_room("alone")
        long = self.say(room, "long story")
        self.event(events, long, "started")
        urgent = self.say(room, "To the exits", priority="urgent")
        self.assertEqual(self.end_of(events, urgent)["event"], "finished")
        end = self.end_of(events, long)
        self.assertTrue(end["event"] == "interrupted" or end.get("incomplete"), end)
        self.assertEqual(self.asked("long story"), self.asked("To the exits"))
        self.assertEqual(self.places("alone")[0]["failed"], 0)

    def generator(self, name):
        usage = self.ask("stats", admin_key="operator")["usage"]["generators"]
        return next(g for g in usage if g["generator"] == name)

    def test_one_that_is_killed_comes_back(self):
        room, events = self.speaking_room("alone")
        self.assertEqual(self.speak(events, room, "before")["event"], "finished")
        self.ready("alone")
        starts = self.places("alone")[0]["starts"]
        os.kill(int(self.asked("before")[-1]), signal.SIGKILL)
        self.until(lambda: self.places("alone")[0]["process"] == "starting" or self.places("alone")[0]["starts"] > starts)
        # Who comes meanwhile waits for it.
        self.assertEqual(self.speak(events, room, "after")["event"], "finished")
        self.assertNotEqual(self.asked("before"), self.asked("after"))
        self.assertEqual(self.places("alone")[0]["starts"], starts + 1)
        self.janus.wait_log("generator-alone: process 1 was ended by signal 9; it is started again in")

    def test_wrong_configurations(self):
        for words in ('generator-wrong-1: processes: a "command" is expected with it',
                      "generator-wrong-2: at_once: one number, or one for each url or process, is expected",
                      "generator-wrong-3: processes: an integer from 0 to 64 is expected"):
            self.janus.wait_log(words)

    # ------------------------------------------------- how they may fail

    def continued(self, generator, text, **fields):
        """A segment that fails once it has begun to play: its end, who says the rest, and how that ends."""
        room, events = self.speaking_room(generator)
        segment = self.say(room, text, **fields)
        self.event(events, segment, "started")
        with open(self.gate, "w", encoding="utf-8"):
            pass
        continued = events.wait(lambda e: e.get("event") == "continued" and e["segment"] == segment)
        known = [e["segment"] for e in events.data() if e.get("event") == "queued"]
        self.assertIn(continued["by"], known, "it is named before there is one")
        return self.end_of(events, segment), continued, self.end_of(events, continued["by"])

    def check_rest(self, text, end):
        """It is from a word on, about as far on as the media were, and somebody else says it."""
        rests = [(pid, line.split(" ", 1)[1]) for pid, line in self.noted("asked")
                 if text.endswith(line.split(" ", 1)[1]) and not line.endswith(text)]
        self.assertEqual(len(rests), 1, rests)
        pid, rest = rests[0]
        self.assertEqual(text[:-len(rest)][-1], " ")
        self.assertAlmostEqual(len(text) - len(rest), end["played_ms"] / 65, delta=14)
        self.assertEqual(end["heard_text"], text[:-len(rest)].rstrip())
        self.assertNotIn(pid, self.asked(text))

    def test_one_dies_in_the_middle(self):
        self.ready("two")
        end, continued, rest = self.continued("two", text_that("dies"))
        self.assertIn("broke off", end["error"])
        self.assertEqual((rest["event"], rest["played_ms"], continued["generator"]), ("finished", 1000, "two"))
        self.check_rest(text_that("dies"), end)
        self.ready("two")

    def test_one_stalls_in_the_middle(self):
        self.ready("hasty")
        starts = sum(p["starts"] for p in self.places("hasty"))
        end, _, rest = self.continued("hasty", text_that("stalls"))
        self.assertIn("sent nothing for 15 s", end["error"])
        self.assertEqual(rest["event"], "finished")
        self.check_rest(text_that("stalls"), end)
        # It is not trusted any more.
        self.until(lambda: sum(p["starts"] for p in self.places("hasty")) == starts + 1)
        self.janus.wait_log("generator-hasty: process . fell silent, and was killed", pattern=True)
        self.ready("hasty")

    def test_one_says_nothing(self):
        self.ready("hasty")
        room, events = self.speaking_room("hasty")
        self.assertEqual(self.speak(events, room, text_that("mute"))["event"], "finished")
        first, second = self.asked(text_that("mute"))
        self.assertNotEqual(first, second)
        self.ready("hasty")

    def test_one_cannot_now(self):
        self.ready("two")
        room, events = self.speaking_room("two")
        self.assertEqual(self.speak(events, room, "busy now")["event"], "finished")
        first, second = self.asked("busy now")
        self.assertNotEqual(first, second)
        self.assertTrue(os.path.exists(f"/proc/{first}"), "it is well")

    def test_one_refuses(self):
        self.ready("two")
        room, events = self.speaking_room("two")
        self.assertIn("answered 422", self.speak(events, room, "refuses it")["error"])
        self.assertEqual(self.speak(events, room, "what comes behind it")["event"], "finished")
        self.assertEqual(len(self.asked("refuses it")), 1)

    def test_pieces_of_an_utterance(self):
        """One of them fails: the rest comes in its place."""
        self.ready("two")
        room, events = self.speaking_room("two")
        ids = [self.say(room, text, utterance="u", index=index, last=index == 2)
               for index, text in enumerate(("one", "dies in " + TEXT, "three"))]
        self.event(events, ids[1], "started")
        with open(self.gate, "w", encoding="utf-8"):
            pass
        continued = events.wait(lambda e: e.get("event") == "continued" and e["segment"] == ids[1])
        self.assertEqual(self.end_of(events, ids[1])["event"], "failed")
        self.assertEqual(self.end_of(events, continued["by"])["event"], "finished")
        self.assertEqual(self.end_of(events, ids[2])["event"], "finished")
        order = [e["segment"] for e in events.data() if e.get("event") == "started"]
        self.assertEqual(order, [ids[0], ids[1], continued["by"], ids[2]])
        started = next(e for e in events.data() if e.get("event") == "started" and e["segment"] == continued["by"])
        self.assertEqual((started["utterance"], started["index"]), ("u", 1))
        self.assertEqual(len([e for e in events.data() if e.get("event") == "speaking"]), 1)

    def test_interrupted_it_is_told(self):
        self.ready("two")
        room, events = self.speaking_room("two")
        segment = self.say(room, "long winded")
        self.event(events, segment, "started")
        self.ask("interrupt", id=room)
        pid, = self.asked("long winded")
        self.until(lambda: [pid, "long winded"] in self.noted("left"))
        self.assertEqual(self.end_of(events, segment)["event"], "interrupted")
        self.assertTrue(os.path.exists(f"/proc/{pid}"))

    # ----------------------------------------------- those that do not start

    def test_the_fallback_says_what_none_can(self):
        room, events = self.speaking_room("broken")
        segment = self.say(room, TEXT)
        continued = events.wait(lambda e: e.get("event") == "continued")
        self.assertIn("ended with code 4: there is no GPU", self.end_of(events, segment)["error"])
        self.assertEqual(continued["generator"], "sound")
        self.assertEqual(self.end_of(events, continued["by"])["event"], "finished")
        with open(self.janus.path("said"), encoding="utf-8") as file:
            self.assertEqual(file.read(), TEXT)
        self.assertEqual({p["process"] for p in self.places("broken")} - {"failed", "starting"}, set())

    def test_why_it_is_not_there(self):
        for name, why in (("missing", "cannot be started: /nonexistent/speak: No such file or directory"),
                          ("deaf", "was not ready within start_s")):
            room, events = self.speaking_room(name)
            self.assertIn(why, self.speak(events, room, TEXT)["error"])


if __name__ == "__main__":
    unittest.main()
