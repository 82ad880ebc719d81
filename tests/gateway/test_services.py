# SPDX-License-Identifier: GPL-3.0-or-later
"""Generators that are HTTP services, and texts that are still being written."""
import base64
import os
import socket
import subprocess
import threading
import time
import unittest

from service_case import Services


class Urls(Services):
    def test_it_is_asked_and_its_answer_plays(self):
        self.answers["plain"] = lambda asked: (asked.await_whole(), asked.send(self.media))
        room, events = self.speaking_room("plain")
        before = len(self.services["plain"].asked)
        segment = self.say(room, "Grüß dich!", voice="bob", segment="s\u00e9", metadata={"a": "é\n"})
        self.assertEqual(self.end_of(events, segment)["played_ms"], 1000)
        asked = self.services["plain"].asked[before]
        self.assertEqual(asked.text.decode(), "Grüß dich!")
        wanted = {"X-Dh-Room": str(room), "X-Dh-Segment": "s%C3%A9", "X-Dh-Voice": "bob",
                  "X-Dh-Metadata": '{"a":"\\u00E9\\n"}',
                  "X-Dh-Clip": self.janus.path("idle.avi")}
        self.assertEqual({k: asked.headers.get(k) for k in wanted}, wanted)
        self.assertFalse({"X-Dh-Position-Ms", "X-Dh-Thumbnail"} & asked.headers.keys())     # nobody watches

    def test_it_is_told_what_plays_before(self):
        """The last picture of a segment that is whole."""
        self.answers["plain"] = lambda asked: (asked.await_whole(), asked.send(self.media))
        room, _ = self.speaking_room("plain")
        before = len(self.services["plain"].asked)
        for count in range(1, 20):      # a busy machine may end one before the next is said
            self.say(room)
            asked = self.services["plain"].await_asked(before + count)
            self.await_whole(room)
            if "X-Dh-Thumbnail" in asked.headers:
                break
        self.assertEqual(len(base64.b64decode(asked.headers["X-Dh-Thumbnail"])), 256)
        self.assertNotIn("X-Dh-Position-Ms", asked.headers)

    def await_whole(self, room):
        end = time.monotonic() + 60
        while True:
            queue = self.ask("queue", id=room)
            if all(s is None or s["duration_ms"] is not None for s in [queue["playing"], *queue["waiting"]]):
                return
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def test_it_plays_while_it_comes(self):
        """The rest is sent once the beginning is seen to play."""
        started = threading.Event()

        def answer(asked):
            asked.send(self.media[:len(self.media) * 2 // 3])
            started.wait(60)
            asked.send(self.media[len(self.media) * 2 // 3:])
        self.answers["plain"] = answer
        room, events = self.speaking_room("plain")
        segment = self.say(room)
        self.event(events, segment, "started")
        started.set()
        self.assertEqual(self.end_of(events, segment)["event"], "finished")

    def test_what_it_says_instead(self):
        room, events = self.speaking_room("plain")
        for line, body, error in (("503 No", b"the model is loading\n", "answered 503: the model is loading"),
                                  ("400 Bad", b"\x1bno \xff", "answered 400"), ("204 No Content", b"", "without media")):
            self.answers["plain"] = lambda asked, line=line, body=body: asked.status(line, body)
            end = self.end_of(events, self.say(room))
            self.assertEqual((end["event"], end["error_code"]), ("failed", 465), end)
            self.assertIn(error, end["error"])

    def test_it_falls_silent(self):
        def answer(asked):
            asked.send(self.media[:len(self.media) // 2])
            time.sleep(30)
        self.answers["plain"] = answer
        room, events = self.speaking_room("plain")
        segment = self.say(room)
        end = self.end_of(events, segment)
        self.assertIn("sent nothing for 2 s", end["error"])
        if any(e.get("segment") == segment and e.get("event") == "started" for e in events.data()):
            self.assertGreater(end["played_ms"], 100)       # on a busy machine it may not have begun

    def test_interrupted_it_is_left(self):
        left = threading.Event()

        def answer(asked):
            asked.send(self.media[:len(self.media) // 2])
            try:
                while True:
                    asked.send(b"")
                    if asked.connection.recv(100) == b"":
                        break
            finally:
                left.set()
        self.answers["plain"] = answer
        room, events = self.speaking_room("plain")
        segment = self.say(room)
        self.event(events, segment, "started")
        self.ask("interrupt", id=room)
        self.assertTrue(left.wait(30))
        self.assertEqual(self.end_of(events, segment)["event"], "interrupted")

    def test_certificates_are_verified(self):
        self.answers["secure"] = lambda asked: asked.send(self.media)
        room, events = self.speaking_room("stranger")
        self.assertIn("its certificate could not be verified", self.end_of(events, self.say(room))["error"])
        room, events = self.speaking_room("secure")
        self.assertEqual(self.end_of(events, self.say(room))["event"], "finished")


class Written(Services):
    """Texts that are still being written."""

    def test_pieces_reach_the_service(self):
        def answer(asked):
            asked.await_whole()
            asked.send(self.media)
        self.answers["plain"] = answer
        room, events = self.speaking_room("plain")
        before = len(self.services["plain"].asked)
        segment = self.say(room, "One. ", more=True)
        asked = self.await_asked("plain", before + 1, events)
        asked.await_text(b"One. ")
        self.assertFalse(asked.is_whole)
        answer = self.ask("say", id=room, segment=segment, text="Two", more=True)
        self.assertEqual((answer["digitalhuman"], answer["segment"], answer["more"]), ("said", segment, True))
        asked.await_text(b"Two")
        self.assertEqual(self.ask("say", id=room, segment=segment, text=" three.")["more"], False)
        end = self.end_of(events, segment)
        self.assertEqual((end["event"], end["heard_text"]), ("finished", "One. Two three."))
        self.assertEqual(asked.text, b"One. Two three.")
        self.assertEqual(len(self.services["plain"].asked), before + 1)

    def test_a_command_reads_them(self):
        room, events = self.speaking_room("echo")
        segment = self.say(room, "A", more=True)
        for piece in ("B", "", "C"):
            self.ask("say", id=room, segment=segment, text=piece, more=True)
        self.ask("say", id=room, segment=segment, text="")
        self.assertEqual(self.end_of(events, segment)["event"], "finished")
        with open(self.janus.path("said"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "ABC")

    def test_limits(self):
        room, events = self.speaking_room("echo")
        segment = self.say(room, "x" * 60, more=True)
        self.refused(464, "max_text", "say", id=room, segment=segment, text="y" * 41, more=True)
        self.ask("say", id=room, segment=segment, text="y" * 40)
        self.assertEqual(self.end_of(events, segment)["event"], "finished")
        self.refused(454, "text", "say", id=room, text="")

    def test_who_writes_no_more(self):
        """The text ends by itself; what comes too late is no new segment."""
        room, events = self.speaking_room("echo")
        segment = self.say(room, "Well, ", more=True)
        end = self.end_of(events, segment)
        self.assertEqual(end["event"], "finished")
        self.assertIn("more_s (2 s)", end["notes"][0]["text"])
        self.refused(463, segment, "say", id=room, segment=segment, text="then", more=True)
        self.refused(463, segment, "say", id=room, segment=segment, text="so.")
        self.assertEqual(self.say(room, "Again", segment=segment), segment)

    def test_after_an_interruption(self):
        room, events = self.speaking_room("echo")
        segment = self.say(room, "Well, ", more=True)
        self.ask("interrupt", id=room)
        self.end_of(events, segment)
        self.refused(463, segment, "say", id=room, segment=segment, text="then", more=True)

    def test_a_text_that_is_whole_takes_no_more(self):
        self.answers["plain"] = lambda asked: time.sleep(5)
        room, _ = self.speaking_room("plain")
        segment = self.say(room, "Whole.")
        self.refused(454, "segment", "say", id=room, segment=segment, text="more", more=True)


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
        self.assertEqual(self.stats("busy")["places"][0]["busy"], 0)

    def test_who_waits_may_leave(self):
        self.answers["busy"] = lambda asked: asked.await_text(b"never", 5)
        first, _ = self.speaking_room("busy")
        second, events = self.speaking_room("busy")
        count = len(self.services["busy"].asked)
        self.say(first)
        self.services["busy"].await_asked(count + 1)
        segment = self.say(second)
        self.ask("interrupt", id=second)
        self.assertEqual(self.end_of(events, segment)["event"], "interrupted")
        self.ask("interrupt", id=first)
        end = time.monotonic() + 60
        while self.stats("busy")["waiting"] or self.stats("busy")["places"][0]["busy"]:
            self.assertLess(time.monotonic(), end, self.stats("busy"))
            time.sleep(0.02)


class Voices(Services):
    """A voice that exists already: a file instead of a text."""

    @classmethod
    def more(cls, service):
        service("voices")
        cls.generators = """generator-voices: { url = ( "http://127.0.0.1:1/", "%s" ) cache = true }
            generator-talker: { command = "{folder}/bin/dh-talker" }
            """ % cls.services["voices"].url

    def setUp(self):
        super().setUp()
        os.makedirs(self.janus.path("segments"), exist_ok=True)
        self.path = self.janus.path("segments/voice.wav")
        subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", "sine=440:d=1", self.path], check=True)

    def test_it_reaches_the_service(self):
        self.answers["voices"] = lambda asked: (asked.await_whole(), asked.send(self.media))
        room, events = self.speaking_room("voices")
        answer = self.ask("say", id=room, audio="voice.wav")
        self.assertEqual(self.end_of(events, answer["segment"])["event"], "finished")
        asked = self.services["voices"].asked[-1]
        with open(self.path, "rb") as file:
            self.assertEqual(asked.text, file.read())
        self.assertEqual(asked.headers["Content-Type"], "application/octet-stream")
        self.assertEqual(next(e for e in events.data() if e.get("segment"))["name"], "voice.wav")

    def test_the_talker_speaks_with_it(self):
        room, events = self.speaking_room("talker")
        end = self.end_of(events, self.ask("say", id=room, audio="voice.wav")["segment"])
        self.assertEqual(end["event"], "finished", end)
        self.assertAlmostEqual(end["played_ms"], 1220, delta=60)

    def test_what_is_refused(self):
        room, _ = self.speaking_room("talker")
        self.refused(462, "no such file", "say", id=room, audio="other.wav")
        self.refused(462, "audio", "say", id=room, audio="../short.nut")
        self.refused(454, "audio", "say", id=room, audio="voice.wav", text="both")
        self.refused(454, "audio", "say", id=room, audio="voice.wav", more=True)
        self.refused(453, "text", "say", id=room)
        before = self.descriptors()
        for _ in range(10):
            self.refused(454, "voice", "say", id=room, audio="voice.wav", voice="nobody")
            segment = self.ask("say", id=room, audio="voice.wav", segment="x")["segment"]
            self.refused(454, "segment", "say", id=room, audio="voice.wav", segment=segment, metadata={"another": True})
            self.ask("interrupt", id=room)
        end = time.monotonic() + 60
        while self.descriptors() > before:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)

    def descriptors(self):
        return self.ask("stats", admin_key="operator")["usage"]["media_descriptors"]["used"]


class Unfinished(Services):
    """Generators that fail in the middle of a sentence."""
    TEXT = "This is a sentence of twelve words, which takes longer than one second."

    @classmethod
    def more(cls, service):
        a, b, c = service("first"), service("second"), service("alone")
        cls.generators = """
            generator-tail: { url = ( "%s", "%s" ) retry = "tail" silence_s = 2 fallback = "sound" }
            generator-alone: { url = "%s" voices = ( "ada" ) fallback = "sound" }
            generator-given: { url = "%s" }
            generator-sound: { command = ( "/bin/sh", "-c", "cat > {folder}/said; cat {folder}/sound.nut" )
                voices = ( "eve", "ada" ) }
        """ % (a.url, b.url, c.url, c.url)

    def setUp(self):
        super().setUp()
        self.begun = threading.Event()
        if not os.path.exists(self.janus.path("sound.nut")):
            subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", "sine=440:d=1", "-c:a",
                            "pcm_s16le", self.janus.path("sound.nut")], check=True)

    def half(self, asked, then=lambda: None):
        asked.await_whole()
        asked.status("200 OK\r\nContent-Length: %d" % len(self.media))
        asked.send(self.media[:len(self.media) * 3 // 5])
        self.begun.wait(60)
        then()

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
        texts = [a.text.decode() for s in ("first", "second") for a in self.services[s].asked]
        self.check_rest(end["played_ms"], next(t for t in texts if self.TEXT.endswith(t) and t != self.TEXT))

    def test_one_that_falls_silent(self):
        def answer(asked):
            asked.await_whole()
            if asked.text.decode() == self.TEXT:
                self.half(asked, lambda: time.sleep(20))
            else:
                asked.send(self.media)
        self.answers["first"] = self.answers["second"] = answer
        end, _, rest = self.play("tail")
        self.assertIn("sent nothing for 2 s", end["error"])
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


class Kept(Services):
    """Sentences that return."""
    @classmethod
    def more(cls, service):
        cls.generators = 'generator-kept: { url = "%s" voices = ( "ada", "bob" ) cache = true at_once = "1" }' \
            % service("kept").url

    def asked_for(self, room, events, text, **fields):
        """Whether the service is asked."""
        before = len(self.services["kept"].asked)
        self.assertEqual(self.end_of(events, self.say(room, text, **fields))["played_ms"], 1000)
        return len(self.services["kept"].asked) > before

    def test_what_was_said_before(self):
        self.answers["kept"] = lambda asked: asked.send(self.media)
        room, events = self.speaking_room("kept")
        count = self.entries()
        self.assertTrue(self.asked_for(room, events, "One moment"))
        self.await_entries(count + 1)
        self.assertFalse(self.asked_for(room, events, "One moment", metadata={"other": 1}))
        self.assertTrue(self.asked_for(room, events, "One moment", voice="bob"))
        self.assertTrue(self.asked_for(room, events, "Two moments"))
        other, other_events = self.speaking_room("kept")
        self.assertFalse(self.asked_for(other, other_events, "One moment"))

    def test_what_was_not_complete(self):
        def answer(asked):
            asked.status("200 OK\r\nContent-Length: %d" % len(self.media))
            asked.send(self.media[:len(self.media) // 2])
        self.answers["kept"] = answer
        room, events = self.speaking_room("kept")
        self.assertEqual(self.end_of(events, self.say(room, "Broken"))["event"], "failed")
        self.answers["kept"] = lambda asked: asked.send(self.media)
        self.assertTrue(self.asked_for(room, events, "Broken"))

    def test_what_is_kept_needs_no_place(self):
        self.answers["kept"] = lambda asked: asked.send(self.media)
        room, events = self.speaking_room("kept")
        count = self.entries()
        self.assertTrue(self.asked_for(room, events, "Please wait"))
        self.await_entries(count + 1)
        self.answers["kept"] = lambda asked: asked.await_text(b"never", 10)
        busy, _ = self.speaking_room("kept")
        before = len(self.services["kept"].asked)
        self.say(busy, "long")
        self.services["kept"].await_asked(before + 1)
        self.assertFalse(self.asked_for(room, events, "Please wait"))

    def entries(self):
        return len([f for f in os.listdir(self.janus.path("cache")) if f.endswith(".dhs")])

    def await_entries(self, count):
        end = time.monotonic() + 60
        while self.entries() < count:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)


if __name__ == "__main__":
    unittest.main()
