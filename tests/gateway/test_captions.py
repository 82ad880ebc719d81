#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captions, markers and events on a viewer's data channel, and on handles, when they are due."""
import os
import time
import unittest
from unittest import mock

from data_peer import DataViewer
from ffmpeg import ffmpeg
from janus_server import WAIT_S
from pushing import Push
from test_words import JCFG, SECONDS, Server, WordsCase, time_text

TEXT = "Good evening, everybody; this is the first sentence. And here, at last, comes another one."


JCFG_TWO = JCFG + 'room-two: { id = 2 avatar = "small" }\n'


class CaptionsCase(WordsCase):
    server = Server

    @classmethod
    def setUpClass(cls):
        cls.begin(cls.server(JCFG_TWO), (1, 2))
        cls.address = ("127.0.0.1", cls.janus.push_port)

    def viewer(self, *options, room=1, **fields):
        viewer = DataViewer(self.janus, room, *options, **fields)
        self.addCleanup(viewer.close)
        return viewer

    def on_handle(self, handle, name, **fields):
        return handle.events.wait(lambda e: e.get("event") == name and all(e.get(k) == v for k, v in fields.items()), WAIT_S)


class Channel(CaptionsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.warm()

    def test_all_of_a_segment(self):
        viewer = self.viewer()
        state = viewer.wait_event("state")
        self.assertEqual((state["state"], state["playing"], state["captions"]), ("idle", None, []))
        self.assertEqual(state["rtp_start"], viewer.result["rtp_start"])
        self.ask("enqueue", id=1, file="words.mkv", segment="all", markers=[[0, {"slide": 1}], [1500, "x"]])
        viewer.wait_event("finished", segment="all")
        viewer.wait_event("idle")
        names = [m["event"] for m in viewer.messages if m["event"] not in ("segment_prepared", "state", "queued", "ready")]
        self.assertEqual((names[0], names[1]), ("speaking", "started"))
        shown = {}
        for message in viewer.messages:
            if message["event"] == "caption":
                shown[message["caption"]] = message["text"]
            elif message["event"] == "caption_end":
                self.assertIn(message["caption"], shown)
                self.assertNotIn("withdrawn", message)
        self.assertEqual(" ".join(shown.values()), self.heard(SECONDS * 1000))
        self.assertEqual(names.count("caption_end"), len(shown))
        begun = viewer.wait_event("started", segment="all")["media_ms"]
        marks = [(m["media_ms"] - begun, m["data"]) for m in viewer.messages if m["event"] == "marker"]
        self.assertEqual(marks, [(0, {"slide": 1}), (1500, "x")])
        # nothing of it came on the handle, once the channel was open
        self.assertEqual([e for e in viewer.events if e.get("event") in ("started", "caption", "finished")], [])

    def test_each_word_in_time(self):
        """At its time of the room's media, which the sound's timestamps have, too."""
        viewer = self.viewer("--sound")
        viewer.wait_event("state")
        captions = [["long", 0, 3400], *(["c%d" % n, 500 * n, 500 * n + 400] for n in range(6)), ["end", 4500, 4600]]
        self.ask("enqueue", id=1, file="words.mkv", segment="timed", captions=captions)
        begun = viewer.wait_event("started", segment="timed")["media_ms"]
        viewer.wait_event("caption_end", caption=viewer.wait_event("caption", text="end")["caption"])
        self.ask("interrupt", id=1)
        start = viewer.result["rtp_start"]["audio"]
        sounds, had_sound = {(stamp - start) % (1 << 32) // 48: at for at, stamp in viewer.sounds}, set()
        for text, from_ms, until_ms in captions[:-1]:
            caption = viewer.wait_event("caption", text=text)
            self.assertEqual((caption["media_ms"], caption["until_ms"]), (begun + from_ms, begun + until_ms))
            self.assertEqual(viewer.wait_event("caption_end", caption=caption["caption"])["media_ms"], begun + until_ms)
            # by rule: not before its sound has been sent, nor behind what comes a second later
            after = [at for ms, at in sounds.items() if ms > caption["media_ms"] + 1000]
            self.assertLess(caption["at"], min(after))
            for told in (caption, viewer.wait_event("caption_end", caption=caption["caption"])):
                before = [at for ms, at in sounds.items() if begun <= ms <= told["media_ms"] - 1000]
                self.assertLess(max(before, default=0), told["at"])
                had_sound.add((told["event"], bool(before)))
        self.assertLessEqual({("caption", True), ("caption_end", True)}, had_sound)

    def test_withdrawn(self):
        viewer = self.viewer()
        viewer.wait_event("state")
        self.ask("enqueue", id=1, file="words.mkv", segment="cut", captions=[["never said to its end", 0, 7000]])
        caption = viewer.wait_event("caption", segment="cut")
        self.ask("interrupt", id=1)
        told = viewer.wait_event("interrupted", segment="cut")
        end = viewer.wait_event("caption_end", caption=caption["caption"])
        self.assertEqual((end["withdrawn"], end["media_ms"]), (True, told["media_ms"]))
        self.assertLess(viewer.messages.index(end), viewer.messages.index(told))

    def test_a_marker_of_what_plays(self):
        """Now, or where its segment gets to; from a live connection, too."""
        viewer = self.viewer()
        viewer.wait_event("state")
        self.assertEqual(self.ask("mark", id=1, data=1, segment="marked", at_ms=0).get("error_code"), 463)
        self.ask("enqueue", id=1, file="words.mkv", segment="marked", markers=[[6500, "given"]])
        begun = viewer.wait_event("started", segment="marked")["media_ms"]
        self.assertEqual(self.ask("mark", id=1, data="late", segment="marked", at_ms=6300)["media_ms"], begun + 6300)
        push = Push(self.address, {"room": 1, "request": "mark", "data": "pushed", "segment": "marked", "at_ms": 6000})
        self.addCleanup(push.close)
        self.assertEqual(push.wait(lambda line: "mark" in line)["mark"]["media_ms"], begun + 6000)
        passed = self.ask("mark", id=1, data="passed", segment="marked", at_ms=0)["media_ms"]
        self.assertGreater(passed, begun)
        viewer.wait_event("marker", data="given")
        self.ask("interrupt", id=1)
        marks = [(m["data"], m["media_ms"]) for m in viewer.messages if m["event"] == "marker"]
        self.assertEqual(marks, [("passed", passed), ("pushed", begun + 6000), ("late", begun + 6300), ("given", begun + 6500)])
        for fields in ({"at_ms": 5}, {"segment": "x", "at_ms": -1}, {"segment": "x", "at_ms": 1.5}):
            self.assertEqual(self.ask("mark", id=1, data=1, **fields).get("error_code"), 454, fields)
        self.assertEqual(self.ask("mark", id=1, data=1, segment="x").get("error_code"), 453)

    def test_a_hold(self):
        """It is not said while it is on hold, and is again afterwards."""
        viewer = self.viewer()
        viewer.wait_event("state")
        self.ask("enqueue", id=1, file="words.mkv", segment="held", captions=[["on and off", 0, 7900]], markers=[[0, "once"]])
        first = viewer.wait_event("caption", segment="held")
        self.ask("hold", id=1)
        viewer.wait_event("caption_end", caption=first["caption"], withdrawn=True)
        before = len(viewer.messages)
        time.sleep(0.5)
        self.assertEqual([m for m in viewer.messages[before:] if m["event"] == "caption"], [])
        self.ask("resume", id=1)
        again = viewer.wait_event("caption", before)
        self.assertGreater(again["caption"], first["caption"])
        self.assertGreater(again["until_ms"], first["until_ms"])
        self.ask("interrupt", id=1)
        viewer.wait_event("caption_end", before, caption=again["caption"])
        self.assertEqual(len([m for m in viewer.messages if m.get("data") == "once"]), 1)

    def test_a_late_joiner(self):
        self.ask("enqueue", id=1, file="words.mkv", segment="late", repeat=100, captions=[["since the beginning", 0, 8000]],
                 markers=[[10, {"slide": 7}]])
        self.event("started", "late")
        time.sleep(0.2)
        state = self.viewer().wait_event("state")
        self.assertEqual(state["state"], "speaking")
        self.assertEqual((state["playing"]["segment"], state["marker"]["data"]), ("late", {"slide": 7}))
        self.assertEqual([c["text"] for c in state["captions"]], ["since the beginning"])
        self.assertNotIn("on_hold", state)
        self.ask("hold", id=1, regret_ms=0)
        state = self.viewer().wait_event("state")
        self.assertEqual((state["state"], state.get("on_hold")), ("listening", True))
        self.assertEqual(state["playing"]["segment"], "late")
        self.ask("interrupt", id=1)

    def test_a_pause(self):
        viewer = self.viewer()
        viewer.wait_event("state")
        viewer.handle.request({"request": "pause"})
        before = len(viewer.messages)
        self.ask("enqueue", id=1, file="words.mkv", segment="paused", captions=[["unseen", 0, 7000]])
        viewer.wait_event("started", before, segment="paused")
        time.sleep(0.3)
        self.assertEqual([m for m in viewer.messages[before:] if m["event"] == "caption"], [])
        viewer.handle.request({"request": "start"})
        self.assertEqual([c["text"] for c in viewer.wait_event("state", before)["captions"]], ["unseen"])
        self.ask("interrupt", id=1)
        viewer.wait_event("caption_end", before, withdrawn=True)

    def test_long_messages(self):
        viewer = self.viewer()
        viewer.wait_event("state")
        text = "ä\"x" * 700
        self.ask("enqueue", id=1, file="words.mkv", segment="long", metadata={"text": "y" * 4000},
                 words=[["€" * 60, n * 20, n * 20 + 20] for n in range(200)])
        self.assertEqual(self.ask("mark", id=1, data=[text, text])["error_code"], 454)
        self.ask("mark", id=1, data=text)
        self.assertEqual(viewer.wait_event("marker")["data"], text)
        end = viewer.wait_event("finished", segment="long")
        self.assertEqual(end["heard_text"], " ".join(["€" * 60] * 200))
        self.assertLessEqual(max(len(raw.encode()) for raw in viewer.raw), 16000)
        self.assertTrue(any('"part"' in raw for raw in viewer.raw))

    def test_another_room(self):
        viewer = self.viewer()
        viewer.wait_event("state")
        before = len(viewer.messages)
        viewer.handle.request({"request": "switch", "id": 2})
        state = viewer.wait_event("state", before, id=2)
        self.assertEqual(state["state"], "idle")
        before = len(viewer.messages)
        self.ask("mark", id=1, data="not here")
        self.ask("mark", id=2, data="here")
        viewer.wait_event("marker", before)
        self.assertEqual([m["data"] for m in viewer.messages[before:]], ["here"])

    def test_a_channel_that_stops(self):
        """It costs others nothing, and it is said how much was lost."""
        viewer, other = self.viewer(), self.viewer()
        for each in (viewer, other):
            each.wait_event("state")
        viewer.say("stop")
        data = "x" * 4000
        before = len(viewer.messages)
        for n in range(24):         # 64 KiB are on the way
            self.ask("mark", id=1, data=[n, data])
            other.wait(lambda m, n=n: m.get("event") == "marker" and m["data"][0] == n)
        viewer.say("go")
        state = viewer.wait(lambda m: m["event"] == "state" and "lost" in m, before)
        came = [m for m in viewer.messages[before:] if m["event"] == "marker"]
        self.assertEqual(state["lost"] + len(came), 24)
        self.assertEqual(state["marker"]["data"][0], 23)
        stats = {v["viewer"]: v for v in self.ask("stats", id=1)["viewers"]}
        told = [stats[each.result["viewer"]]["data"] for each in (viewer, other)]
        self.assertEqual([d["dropped"] for d in told], [state["lost"], 0])
        self.assertEqual([d["open"] for d in told], [True, True])
        self.assertGreater(told[1]["bytes"], 24 * 4000)
        self.ask("mark", id=1, data="after")
        viewer.wait(lambda m: m.get("data") == "after", before)

    def test_captions_again(self):
        """What was not sent meanwhile is in the state."""
        viewer = self.viewer()
        viewer.wait_event("state")
        viewer.handle.request({"request": "configure", "captions": False})
        self.ask("mark", id=1, data="unseen")
        before = len(viewer.messages)
        viewer.handle.request({"request": "configure", "captions": True})
        viewer.wait_event("state", before, marker={"media_ms": mock.ANY, "data": "unseen"})
        self.assertNotIn("unseen", [m.get("data") for m in viewer.messages])

    def test_the_end_of_the_room(self):
        """On the handle, since what is on its way on the channel is lost with it."""
        self.ask("create", id=3, avatar="small", admin_key="operator")
        viewer = self.viewer(room=3)
        viewer.wait_event("state")
        self.ask("destroy", id=3, admin_key="operator")
        self.on_handle(viewer.handle, "destroyed")
        self.assertEqual([m for m in viewer.messages if m["event"] == "destroyed"], [])


class Handles(CaptionsCase):
    def test_no_channel(self):
        """The same as events."""
        viewer = self.viewer("--deaf")
        self.on_handle(viewer.handle, "state")
        self.ask("enqueue", id=1, file="words.mkv", segment="deaf", captions=[["on the handle", 0, 7000]], markers=[[0, 1]])
        self.assertEqual(self.on_handle(viewer.handle, "caption")["text"], "on the handle")
        self.assertEqual(self.on_handle(viewer.handle, "marker")["data"], 1)
        self.on_handle(viewer.handle, "started", segment="deaf")
        self.ask("interrupt", id=1)
        self.assertTrue(self.on_handle(viewer.handle, "caption_end")["withdrawn"])
        self.assertEqual(viewer.messages, [])

    def test_the_end_of_the_room(self):
        """What is shown then ends before all else does."""
        self.ask("create", id=3, avatar="small", admin_key="operator")
        viewer = self.viewer("--deaf", room=3)
        self.ask("enqueue", id=3, file="words.mkv", captions=[["never said to its end", 0, 7000]])
        self.on_handle(viewer.handle, "caption")
        self.ask("destroy", id=3, admin_key="operator")
        self.on_handle(viewer.handle, "destroyed")
        told = [e["event"] for e in viewer.events if e.get("event") in ("interrupted", "caption_end", "destroyed")]
        self.assertEqual(told, ["interrupted", "caption_end", "destroyed"])

    def test_an_observer_and_nobody_else(self):
        watcher = self.attach()
        watcher.request({"request": "observe", "id": 1, "captions": True})
        self.on_handle(watcher, "state")
        self.ask("enqueue", id=1, file="words.mkv", segment="observed", captions=[["a", 300, 600], ["b", 900, 1200]],
                 markers=[[600, None]])
        self.assertEqual(self.on_handle(watcher, "caption", text="b")["segment"], "observed")
        self.on_handle(watcher, "marker", data=None)
        self.ask("interrupt", id=1)
        self.event("interrupted", "observed")
        told = [e.get("event") for e in self.observer.events.data()]
        self.assertEqual([e for e in told if e in ("state", "caption", "caption_end", "marker")], [])

    def test_who_did_not_ask(self):
        viewer = self.viewer("--deaf", offer_data=False)
        self.ask("enqueue", id=1, file="words.mkv", segment="plain", captions=[["a", 0, 500]], markers=[[0, 1]])
        self.on_handle(viewer.handle, "started", segment="plain")
        time.sleep(0.5)
        self.ask("interrupt", id=1)
        self.on_handle(viewer.handle, "interrupted", segment="plain")
        self.assertEqual([e for e in viewer.events if e.get("event") in ("state", "caption", "marker")], [])
        self.assertNotIn("m=application", viewer.answer["sdp"])

    def test_configure(self):
        viewer = self.viewer("--deaf", offer_data=False)
        answer = viewer.handle.request({"request": "configure", "captions": True})
        self.assertIs(answer["result"]["captions"], True)
        self.on_handle(viewer.handle, "state")
        self.ask("mark", id=1, data="seen")
        self.on_handle(viewer.handle, "marker", data="seen")
        viewer.handle.request({"request": "configure", "captions": False})
        self.ask("mark", id=1, data="unseen")
        self.ask("mark", id=1, data="unseen")
        viewer.handle.request({"request": "configure", "captions": True})
        self.on_handle(viewer.handle, "state", marker={"media_ms": mock.ANY, "data": "unseen"})
        self.assertNotIn("unseen", [e.get("data") for e in viewer.events])

    def test_refused(self):
        for fields in ({"captions": [["a"]]}, {"markers": [[1]]}, {"captions": "a"}, {"markers": [[0, "x" * 4096]]}):
            answer = self.ask("enqueue", id=1, file="words.mkv", **fields)
            self.assertEqual(answer.get("error_code"), 454, answer)
            self.assertIn('"%s"' % next(iter(fields)), answer["error"])
        self.assertEqual(self.ask("mark", id=1).get("error_code"), 453)
        self.assertEqual(self.ask("queue", id=1)["waiting"], [])


class Beside(CaptionsCase):
    def shown(self, name, **fields):
        viewer = self.viewer("--deaf", offer_data=False, captions=True)
        self.on_handle(viewer.handle, "state")
        self.ask("enqueue", id=1, file="beside.mkv", segment=name, **fields)
        text = self.on_handle(viewer.handle, "caption", segment=name)["text"]
        self.ask("interrupt", id=1)
        self.on_handle(viewer.handle, "interrupted", segment=name)
        return text

    def test_files(self):
        os.link(self.janus.path("segments/words.mkv"), self.janus.path("segments/beside.mkv"))
        self.janus.write("segments/beside.srt", "1\n00:00:00,000 --> 00:00:07,000\nof SubRip\n")
        self.assertEqual(self.shown("srt"), "of SubRip")
        self.janus.write("segments/beside.vtt", "WEBVTT\n\n00:00.000 --> 00:07.000\n<b>of</b> WebVTT\n")
        self.assertEqual(self.shown("vtt"), "of WebVTT")
        self.assertEqual(self.shown("mine", captions=[["of the request", 0, 7000]]), "of the request")
        self.assertEqual(self.shown("words", words=[["word", 0, 7000]]), "word")
        self.janus.write("segments/beside.vtt", "no cues")
        self.assertEqual(self.shown("broken"), "of SubRip")
        self.janus.wait_log("beside.vtt: there are no captions: it has no cues")


# Most of a minute.
MANY_WORDS = [["m%03d" % n, n * 200, n * 200 + 200] for n in range(295)]


class LongServer(Server):
    def write_configuration(self):
        super().write_configuration()
        self.write("many.srt", "".join("%d\n%s --> %s\n%s\n\n" % (n + 1, time_text(start), time_text(end), word)
                                       for n, (word, start, end) in enumerate(MANY_WORDS)))
        ffmpeg("-f", "lavfi", "-i", "sine=440:d=60", "-i", self.path("many.srt"), "-c:a", "pcm_s16le", "-c:s", "subrip",
               self.path("segments/many.mkv"))


class HeardByEach(CaptionsCase):
    """By rule: what was played while it was sent sound."""
    server = LongServer

    def listener(self, **options):
        """A viewer that is sent sound from now on."""
        viewer = self.viewer(*([] if "peer" in options else ["--deaf"]), offer_data=False, **options)
        end = time.monotonic() + WAIT_S
        while not self.ask("stats", id=1, viewer=viewer.result["viewer"])["viewers"][0]["media"]:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        return viewer

    def test_one_who_came_later_and_was_paused(self):
        first = self.listener()
        peer = DataViewer.start("--deaf")
        self.addCleanup(peer.close)
        self.ask("enqueue", id=1, file="many.mkv", segment="long")
        self.event("started", "long")
        self.event("segment_prepared", "long")
        second = self.listener(peer=peer)
        second.handle.request({"request": "pause"})
        time.sleep(1)
        second.handle.request({"request": "start"})
        time.sleep(1)
        self.ask("interrupt", id=1)
        end = self.event("interrupted", "long")
        whole, part = (v.handle.request({"request": "heard", "id": 1})["segments"][-1] for v in (first, second))
        self.assertEqual(sum(h["to_ms"] - h["from_ms"] for h in whole["heard"]), end["played_ms"])
        self.assertEqual((whole["segment"], whole["state"]), ("long", "interrupted"))
        ms = sum(h["to_ms"] - h["from_ms"] for h in part["heard"])
        self.assertGreater(ms, 500)
        self.assertLess(ms, end["played_ms"] - 900)
        for told in (*whole["heard"], *part["heard"]):
            # a word that is heard but for 20 ms counts, and reports are in whole milliseconds
            self.assertIn(told["text"], [
                " ".join(word for word, begin, to in MANY_WORDS if begin >= told["from_ms"] - before and to <= told["to_ms"] + behind)
                for before in (19, 20) for behind in (19, 20)])
        self.assertEqual(part["heard_text"], " … ".join(filter(None, (h["text"] for h in part["heard"]))))
        by_number = self.ask("heard", id=1, viewer=second.result["viewer"])
        self.assertEqual(by_number["segments"][-1], part)

    def test_since_when_it_is_known(self):
        """Since the viewer joined, by the room's time; pausing does not change that, as long as it is remembered."""
        first = self.listener()
        peer = DataViewer.start("--deaf")
        self.addCleanup(peer.close)
        self.ask("enqueue", id=1, file="many.mkv", segment="since")
        started = self.event("started", "since")["media_ms"]
        self.event("segment_prepared", "since")
        reached = [self.ask("queue", id=1)["playing"]["played_ms"]]
        second = self.listener(peer=peer)
        told = [self.heard(second)]
        reached.append(self.ask("queue", id=1)["playing"]["played_ms"])
        since = told[0]["since_ms"]
        self.assertTrue(started + reached[0] - 20 <= since <= started + reached[1] + 20, (started, reached, since))
        for _ in range(3):
            time.sleep(0.1)
            second.handle.request({"request": "pause"})
            second.handle.request({"request": "start"})
            told.append(self.heard(second))
        self.assertEqual([t["since_ms"] for t in told], [since] * 4)
        # it has heard all from then on: neither less nor what was before
        self.assertEqual([t["segments"][-1]["heard"][0]["media_ms"] for t in told[1:]], [since] * 3)
        self.assertLessEqual(self.heard(first)["since_ms"], started)
        self.assertEqual(self.heard(first)["segments"][-1]["heard"][0]["media_ms"], started)
        for _ in range(200):
            second.handle.request({"request": "pause"})
            second.handle.request({"request": "start"})
        later = self.heard(second)
        self.assertGreater(later["since_ms"], since)
        self.assertGreaterEqual(later["segments"][-1]["heard"][0]["media_ms"], later["since_ms"])
        self.ask("interrupt", id=1)

    def heard(self, viewer):
        return viewer.handle.request({"request": "heard", "id": 1})

    def test_one_who_heard_all_around_holds(self):
        """As the ledger tells it: what goes on where it stopped has no gap, and what is said again is there once."""
        viewer = self.listener()
        self.ask("enqueue", id=1, file="words.mkv", segment="around")
        self.event("started", "around")
        for fields, undone in (({"regret_ms": 10000}, True), ({"regret_ms": 0}, False), ({"regret_ms": 10000}, True)):
            time.sleep(0.35)
            while self.ask("hold", id=1, **fields)["position_ms"] % 200 == 0 and not undone:
                self.ask("resume", id=1, at="word")     # between two words nothing is said again
            time.sleep(0.1)
            self.assertEqual(self.ask("resume", id=1, at="word")["undone"], undone)
        time.sleep(0.35)
        self.ask("interrupt", id=1)
        end = self.event("interrupted", "around")
        told = viewer.handle.request({"request": "heard", "id": 1})["segments"][-1]
        self.assertGreater(len(told["heard"]), 1)
        self.assertEqual((told["segment"], told["heard_text"]), ("around", end["heard_text"]))

    def test_refused(self):
        self.assertEqual(self.ask("heard", id=1).get("error_code"), 460)
        self.assertEqual(self.ask("heard", id=1, viewer=9999).get("error_code"), 466)


class Talker(CaptionsCase):
    def test_words_that_come_while_they_are_said(self):
        viewer = self.viewer()
        viewer.wait_event("state")
        segment = self.ask("say", id=1, text=TEXT)["segment"]
        viewer.wait_event("finished", segment=segment)
        shown = {m["caption"]: m["text"] for m in viewer.messages if m["event"] == "caption"}
        self.assertEqual(list(shown.values()), [TEXT[:52], TEXT[53:]])


if __name__ == "__main__":
    unittest.main()
