# SPDX-License-Identifier: GPL-3.0-or-later
"""Generators that are several HTTP services: which one is asked, and what is left to say when one fails."""
import os
import socket
import threading
import time
import unittest

from ffmpeg import ffmpeg
from service_case import Services


class Pools(Services):
    @classmethod
    def more(cls, service):
        a, b, busy = service("a"), service("b"), service("busy")
        silent = socket.socket()        # bound, and not listening: nobody else gets the port
        silent.bind(("127.0.0.1", 0))
        cls.addClassCleanup(silent.close)
        nobody = "http://127.0.0.1:%d/" % silent.getsockname()[1]
        cls.generators = """
            generator-two: { url = ( "%s", "%s" ) }
            generator-pair: { url = ( "%s", "%s" ) }
            generator-half: { url = ( "%s", "%s" ) }
            generator-nobody: { url = ( "%s", "%s" ) }
            generator-busy: { url = "%s" at_once = "1" }
        """ % (a.url, b.url, a.url, b.url, nobody, b.url, nobody, nobody + "2", busy.url)

    def stats(self, name):
        usage = self.ask("stats", admin_key="operator")["usage"]["generators"]
        return next(g for g in usage if g["generator"] == name)

    def test_another_one_is_asked(self):
        """One cannot, before it has sent anything: the text goes to the other, from its beginning."""
        self.answers["a"] = lambda asked: (asked.await_whole(), asked.status("503 Loading", b"later"))
        self.answers["b"] = lambda asked: (asked.await_whole(), asked.send(self.media))
        room, events = self.speaking_room("pair")
        segment = self.say(room, "All of ", more=True)
        self.ask("say", id=room, segment=segment, text="it.")
        self.assertEqual(self.end_of(events, segment)["event"], "finished")
        self.assertEqual(self.services["b"].asked[-1].text, b"All of it.")
        a, b = self.stats("pair")["places"]
        self.assertEqual((a["failed"], b["failed"], b["asked"]), (1, 0, 1))
        self.assertGreater(b["first_ms"], 0)

    def test_one_is_gone(self):
        self.answers["b"] = lambda asked: asked.send(self.media)
        room, events = self.speaking_room("half")
        for _ in range(3):
            self.assertEqual(self.end_of(events, self.say(room))["event"], "finished")

    def test_all_are_gone(self):
        room, events = self.speaking_room("nobody")
        end = self.end_of(events, self.say(room))
        self.assertIn("connection refused", end["error"])
        self.assertEqual([p["asked"] for p in self.stats("nobody")["places"]], [1, 1])
        # Asked again rather than not at all.
        self.assertIn("connection refused", self.end_of(events, self.say(room))["error"])

    def test_a_wrong_request_is_not_tried_again(self):
        self.answers["a"] = self.answers["b"] = lambda asked: asked.status("422 No", b"no such word")
        before = len(self.services["a"].asked) + len(self.services["b"].asked)
        room, events = self.speaking_room("two")
        self.assertIn("no such word", self.end_of(events, self.say(room))["error"])
        self.assertEqual(len(self.services["a"].asked) + len(self.services["b"].asked), before + 1)

    def test_one_at_a_time(self):
        """Two rooms: the second is asked once the first is done."""
        free = threading.Event()

        def answer(asked):
            free.wait(60)
            asked.send(self.media)
        self.answers["busy"] = answer
        first, first_events = self.speaking_room("busy")
        second, second_events = self.speaking_room("busy")
        one = self.say(first)
        self.services["busy"].await_asked(1)
        two = self.say(second)
        end = time.monotonic() + 60
        while self.stats("busy")["waiting"] != 1:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        self.assertEqual(len(self.services["busy"].asked), 1)
        free.set()
        self.assertEqual(self.end_of(first_events, one)["event"], "finished")
        self.assertEqual(self.end_of(second_events, two)["event"], "finished")
        self.await_free()

    def await_free(self):
        """Nobody is asked, and nobody waits."""
        end = time.monotonic() + 60
        while self.stats("busy")["waiting"] or self.stats("busy")["places"][0]["busy"]:
            self.assertLess(time.monotonic(), end, self.stats("busy"))
            time.sleep(0.02)

    def test_who_waits_may_leave(self):
        self.answers["busy"] = lambda asked: asked.await_text(b"never")
        first, _ = self.speaking_room("busy")
        second, events = self.speaking_room("busy")
        count = len(self.services["busy"].asked)
        self.say(first)
        self.services["busy"].await_asked(count + 1)
        segment = self.say(second)
        self.ask("interrupt", id=second)
        self.assertEqual(self.end_of(events, segment)["event"], "interrupted")
        self.ask("interrupt", id=first)
        self.await_free()


class Unfinished(Services):
    """Generators that fail in the middle of a sentence."""
    TEXT = "This is a sentence of twelve words, which takes longer than one second."

    @classmethod
    def more(cls, service):
        a, b, c = service("first"), service("second"), service("alone")
        cls.generators = """
            generator-tail: { url = ( "%s", "%s" ) retry = "tail" fallback = "sound" }
            generator-hurried: { url = ( "%s", "%s" ) retry = "tail" silence_s = 10 fallback = "sound" }
            generator-pair: { url = ( "%s", "%s" ) }
            generator-alone: { url = "%s" voices = ( "ada" ) fallback = "sound" }
            generator-given: { url = "%s" }
            generator-sound: { command = ( "/bin/sh", "-c", "cat > {folder}/said; cat {folder}/sound.nut" )
                voices = ( "eve", "ada" ) }
        """ % (a.url, b.url, a.url, b.url, a.url, b.url, c.url, c.url)

    def setUp(self):
        super().setUp()
        self.begun = threading.Event()
        self.before = {place: len(self.services[place].asked) for place in ("first", "second")}
        if not os.path.exists(self.janus.path("sound.nut")):
            ffmpeg("-f", "lavfi", "-i", "sine=440:d=1", "-c:a", "pcm_s16le", self.janus.path("sound.nut"))

    def half(self, asked, then=lambda: None, media=None):
        media = media or self.media
        asked.await_whole()
        asked.status("200 OK\r\nContent-Length: %d" % len(media))
        end = len(media) * 3 // 5
        asked.send(media[:end - 300])
        for at in range(end - 300, end):        # it does not fall silent before it is heard, however long that takes
            if self.begun.wait(0.2):
                break
            asked.send(media[at:at + 1])
        then()

    def worded(self):
        """The text in words of 300 ms, of which each begins slower than the average says."""
        words = self.TEXT.split()
        with open(self.janus.path("words.srt"), "w") as file:
            for i, word in enumerate(words):
                file.write(f"{i + 1}\n00:00:{i * 0.3:06.3f} --> 00:00:{i * 0.3 + 0.3:06.3f}\n{word}\n\n".replace(".", ",", 2))
        ffmpeg("-f", "lavfi", "-i", f"sine=440:d={len(words) * 0.3:.1f}", "-i", self.janus.path("words.srt"), "-c:a",
               "pcm_s16le", "-c:s", "subrip", "-cluster_time_limit", "100", self.janus.path("worded.mkv"))
        with open(self.janus.path("worded.mkv"), "rb") as file:
            return file.read()

    def play(self, generator, begins=True):
        """What follows a segment that fails: its end, the event that says so, and how that ends."""
        room, events = self.speaking_room(generator)
        segment = self.say(room, self.TEXT, metadata={"a": 1})
        self.say(room, "The next one.", segment="next")
        if begins:
            self.event(events, segment, "started")
            self.begun.set()
        continued = events.wait(lambda e: e.get("event") == "continued" and e["segment"] == segment)
        end = self.end_of(events, segment)
        self.assertEqual(end["event"], "failed")
        rest = self.end_of(events, continued["by"])
        self.assertEqual(rest["metadata"], {"a": 1})
        self.end_of(events, "next")
        order = [e["segment"] for e in events.data() if e.get("event") == "started"]
        self.assertNotIn("next", order[:order.index(continued["by"])], "the next one waits")
        return end, continued, rest

    def asked_for(self):
        """The texts, in this test."""
        return [a.text.decode() for place, before in self.before.items() for a in self.services[place].asked[before:]]

    def check_rest(self, said, text):
        """From a word on, about as far on as the media were."""
        self.assertEqual(self.TEXT[:-len(text)][-1], " ")
        self.assertAlmostEqual(len(self.TEXT) - len(text), said / 65, delta=14)

    def test_another_one_says_the_rest(self):
        def answer(asked):
            asked.await_whole()
            if asked.text.decode() == self.TEXT:
                self.half(asked)
            else:
                asked.send(self.media)
        self.answers["first"] = self.answers["second"] = answer
        end, continued, rest = self.play("tail")
        self.assertIn("broke off", end["error"])
        self.assertGreater(end["played_ms"], 300)
        self.assertEqual((rest["event"], rest["played_ms"], continued["generator"]), ("finished", 1000, "tail"))
        texts = self.asked_for()
        self.check_rest(end["played_ms"], next(t for t in texts if self.TEXT.endswith(t) and t != self.TEXT))

    def test_the_rest_begins_behind_the_last_word(self):
        media = self.worded()

        def answer(asked):
            asked.await_whole()
            if asked.text.decode() == self.TEXT:
                self.half(asked, media=media)
            else:
                asked.send(self.media)
        self.answers["first"] = self.answers["second"] = answer
        end, _, rest = self.play("tail")
        self.assertEqual(rest["event"], "finished")
        texts = self.asked_for()
        said = next(t for t in texts if self.TEXT.endswith(t) and t != self.TEXT)
        made = len(self.TEXT[:-len(said)].split())
        self.assertEqual(made, end["played_ms"] // 300, "words that were made whole, and no other")
        self.assertEqual(end["heard_text"].split()[:made], self.TEXT.split()[:made])

    def test_a_head_alone(self):
        """Bytes have come, but nothing that could be heard: the other one is asked, which needs no `retry`."""
        tried = []

        def answer(asked):
            asked.await_whole()
            if asked.text.decode() != self.TEXT or tried:
                asked.send(self.media)
                return
            tried.append(asked)
            asked.status("200 OK\r\nContent-Length: %d" % len(self.media))
            asked.send(self.media[:200])
        self.answers["first"] = self.answers["second"] = answer
        end, continued, rest = self.play("pair", begins=False)
        self.assertEqual((end["played_ms"], continued["generator"], rest["event"]), (0, "pair", "finished"))
        self.assertEqual(rest["played_ms"], 1000)

    def test_one_that_falls_silent(self):
        def answer(asked):
            asked.await_whole()
            if asked.text.decode() == self.TEXT:
                self.half(asked, lambda: time.sleep(60))
            else:
                asked.send(self.media)
        self.answers["first"] = self.answers["second"] = answer
        end, _, rest = self.play("hurried")
        self.assertIn("sent nothing for 10 s", end["error"])
        self.assertEqual(rest["event"], "finished")

    def test_only_sound_says_the_rest(self):
        self.answers["alone"] = self.half
        end, continued, rest = self.play("alone")
        self.assertEqual((continued["generator"], rest["event"], rest["played_ms"]), ("sound", "finished", 1000))

    def test_nothing_has_come(self):
        self.answers["alone"] = lambda asked: asked.status("500 No")
        end, continued, rest = self.play("alone", begins=False)
        self.assertEqual((end["played_ms"], rest["event"]), (0, "finished"))

    def test_what_has_not_begun_is_said_as_a_whole(self):
        """It fails while another one plays, which ends after that."""
        has_failed = threading.Event()
        self.addCleanup(has_failed.set)
        self.begun.set()

        def answer(asked):
            asked.await_whole()
            if asked.text == b"fails":
                self.half(asked)
            else:
                asked.send(self.media[:len(self.media) // 2])
                has_failed.wait(60)
                asked.send(self.media[len(self.media) // 2:])
        self.answers["alone"] = answer
        room, events = self.speaking_room("alone")
        self.say(room, "plays")
        segment = self.say(room, "fails")
        continued = events.wait(lambda e: e.get("event") == "continued")
        has_failed.set()
        end = self.end_of(events, segment)
        self.assertEqual((end["event"], end["played_ms"]), ("failed", 0))
        self.assertEqual(self.end_of(events, continued["by"])["event"], "finished")
        with open(self.janus.path("said"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "fails")

    def test_it_is_given_up(self):
        self.begun.set()
        self.answers["alone"] = self.half
        room, events = self.speaking_room("given")
        self.assertEqual(self.end_of(events, self.say(room, self.TEXT))["event"], "failed")
        self.assertNotIn("continued", [e.get("event") for e in events.data()])


if __name__ == "__main__":
    unittest.main()
