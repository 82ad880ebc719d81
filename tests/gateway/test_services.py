# SPDX-License-Identifier: GPL-3.0-or-later
"""Generators that are HTTP services, and texts that are still being written."""
import base64
import glob
import os
import threading
import time
import unittest

import rtp
from ffmpeg import ffmpeg
from prepared import Prepared
from service_case import Services
from viewers import Gateway


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
        room, events = self.speaking_room("impatient")
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
        self.assertTrue(left.wait(60))
        self.assertEqual(self.end_of(events, segment)["event"], "interrupted")

    def test_certificates_are_verified(self):
        self.answers["secure"] = lambda asked: asked.send(self.media)
        room, events = self.speaking_room("stranger")
        self.assertIn("its certificate could not be verified", self.end_of(events, self.say(room))["error"])
        room, events = self.speaking_room("secure")
        self.assertEqual(self.end_of(events, self.say(room))["event"], "finished")


class Scene(Services):
    """What will be shown when the segment begins, while the avatar idles before a viewer."""

    @classmethod
    def more(cls, service):
        cls.generators = 'generator-scene: { url = "%s" }' % service("scene").url + """
            generator-told: { command = ( "/bin/sh", "-c",
                "echo $DH_POSITION_MS $DH_THUMBNAIL > {folder}/told; cat {folder}/short.nut" ) }"""

    def setUp(self):
        super().setUp()
        self.gateway = self.enterContext(Gateway(self.janus.ws))

    def idle(self):
        """The avatar's clip; the cache may get it a moment after it plays."""
        end = time.monotonic() + 60
        while not (paths := glob.glob(self.janus.path("cache/*.dhs"))):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        return Prepared(paths[0])

    def first_ms(self, generator):
        """How long its first media lately took."""
        generators = self.ask("stats", admin_key="operator")["usage"]["generators"]
        return next(g for g in generators if g["generator"] == generator)["places"][0]["first_ms"] or 0

    def check(self, generator, room, events, told):
        """`told(n)` waits until the generator is asked for the nth time, and says what it has been told."""
        viewer = self.gateway.watch({"id": room})
        viewer.wait(lambda v: v.video and v.audio)
        idle = self.idle()
        known = [unit.data for unit in idle.video]
        for count in range(5):
            expected_ms = self.first_ms(generator)
            viewer.wait_until(self.ask("queue", id=room)["media_ms"] + 400)     # it idles
            segment = self.say(room)
            position_ms, thumbnail = told(count)
            after_ms = self.ask("queue", id=room)["media_ms"]
            queued_ms = self.event(events, segment, "queued")["media_ms"]
            self.assertEqual(self.end_of(events, segment)["event"], "finished")
            if after_ms - queued_ms < 500:
                break                       # on a busy machine that may be longer than the clip
        self.assertEqual(base64.b64decode(thumbnail), idle.luma[int(position_ms) // 40].tobytes())
        # Where the clip was at that moment.
        shown = [((p.ts - viewer.rtp_start["video"]) % (1 << 32) / 90, p.data) for p in rtp.pictures(viewer.video)]
        at_ms, data = [s for s in shown if s[0] <= queued_ms and s[1] in known][-1]
        now_ms = queued_ms - at_ms + 40 * known.index(data)
        behind_ms = (int(position_ms) - expected_ms - now_ms + 40) % (40 * len(known)) - 40
        self.assertLessEqual(behind_ms, after_ms - queued_ms + 40)
        viewer.leave()
        return expected_ms

    def test_a_service(self):
        def answer(asked):
            asked.await_whole()
            time.sleep(0.3)
            asked.send(self.media)
        self.answers["scene"] = answer
        room, events = self.speaking_room("scene")
        for least_ms in (0, 300):           # the second time it is known how long it takes
            before = len(self.services["scene"].asked)

            def told(count, before=before):
                headers = self.services["scene"].await_asked(before + count + 1).headers
                return headers["X-Dh-Position-Ms"], headers["X-Dh-Thumbnail"]
            self.assertGreaterEqual(self.check("scene", room, events, told), least_ms)

    def test_a_command(self):
        room, events = self.speaking_room("told")

        def told(_):
            end = time.monotonic() + 60
            while not (words := self.said()):
                self.assertLess(time.monotonic(), end)
                time.sleep(0.005)
            os.remove(self.janus.path("told"))
            return words
        self.check("told", room, events, told)

    def said(self):
        try:
            with open(self.janus.path("told"), encoding="utf-8") as file:
                return file.read().split()
        except FileNotFoundError:
            return []


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


class WrittenNoMore(Services):
    more_s = 2

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
        ffmpeg("-f", "lavfi", "-i", "sine=440:d=1", self.path)

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


class Kept(Services):
    """Sentences that return."""
    @classmethod
    def more(cls, service):
        cls.generators = """avatar-coarse: { width = 64 height = 64 idle = "{folder}/idle.avi" kbps = 100 }
            generator-kept: { url = "%(url)s" voices = ( "ada", "bob" ) cache = true at_once = "1" }
            generator-likewise: { url = "%(url)s" voices = ( "ada", "bob" ) cache = true at_once = "1" }
            """ % {"url": service("kept").url}

    def setUp(self):
        super().setUp()
        self.await_entries(1)                   # the avatar's

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
        self.assertTrue(self.asked_for(*self.speaking_room("kept", avatar="coarse"), "One moment"))
        self.assertTrue(self.asked_for(*self.speaking_room("likewise"), "One moment"))

    def test_what_was_not_complete(self):
        def answer(asked):
            asked.status("200 OK\r\nContent-Length: %d" % len(self.media))
            asked.send(self.media[:len(self.media) // 2])
        self.answers["kept"] = answer
        room, events = self.speaking_room("kept")
        self.assertEqual(self.end_of(events, self.say(room, "Broken"))["event"], "failed")
        self.answers["kept"] = lambda asked: asked.send(self.media)
        count = self.entries()
        self.assertTrue(self.asked_for(room, events, "Broken"))
        self.await_entries(count + 1)           # other tests count them

    def test_what_is_kept_needs_no_place(self):
        self.answers["kept"] = lambda asked: asked.send(self.media)
        room, events = self.speaking_room("kept")
        count = self.entries()
        self.assertTrue(self.asked_for(room, events, "Please wait"))
        self.await_entries(count + 1)
        self.answers["kept"] = lambda asked: asked.await_text(b"never")
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
