# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests about segments: files, the queue, speech. Against a real Janus; no media is received here."""
import re
import threading
import time
import unittest

from janus_server import WAIT_S
from request_case import SECRET, ServerCase, command_of


class Files(ServerCase):
    def wait_waiting(self, count):
        end = time.monotonic() + 60
        while self.ask("info", id=1)["info"]["waiting"] != count and time.monotonic() < end:
            time.sleep(0.02)

    def test_a_segment_from_queued_to_finished(self):
        watcher, _ = self.watch()
        self.ask("enqueue", id=1, file="two.avi", **SECRET)     # from now on it is prepared
        watcher.events.wait(lambda e: e.get("event") == "idle")
        before = len(watcher.events.data())
        answer = self.ask("enqueue", id=1, file="two.avi", segment="hello", metadata={"who": "me"}, **SECRET)
        self.assertEqual(answer, {"digitalhuman": "queued", "id": 1, "segment": "hello", "state": "preparing",
                                  "position": 0})
        watcher.events.wait(lambda e: e.get("event") == "idle", after=before)
        told = watcher.events.data()[before:]
        names = [e["event"] for e in told]
        self.assertIn(names.index("segment_prepared"), range(names.index("finished")))
        names.remove("segment_prepared")
        self.assertEqual(names, ["queued", "ready", "speaking", "started", "finished", "idle"])
        for event in told:
            self.assertEqual((event["digitalhuman"], event["id"]), ("event", 1))
            self.assertGreaterEqual(event["media_ms"], 0)
            if event["event"] not in ("speaking", "idle"):
                self.assertEqual((event["segment"], event["name"], event["metadata"]),
                                 ("hello", "two.avi", {"who": "me"}))
        told = {event["event"]: event for event in told}
        self.assertEqual((told["segment_prepared"]["duration_ms"], told["finished"]["played_ms"]), (2000, 2000))
        self.assertEqual(told["finished"]["media_ms"] - told["started"]["media_ms"], 2000)

    def test_where_a_round_stands(self):
        """In its own time, of which only what came too late for everybody is not counted as played: then once more."""
        self.watch()
        end = time.monotonic() + WAIT_S
        while (playing := self.second_round(end))["position_ms"] not in self.places(playing["played_ms"]):
            self.assertLessEqual(playing["position_ms"], 2000)
            self.assertLess(time.monotonic(), end, playing)

    def second_round(self, end):
        """What plays, in its second round."""
        self.ask("enqueue", id=1, file="two.avi", repeat=100, **SECRET)
        while ((playing := self.ask("queue", id=1)["playing"]) or {}).get("played_ms", 0) <= 3000:
            self.assertLess(time.monotonic(), end, playing)
            time.sleep(0.05)
        self.ask("interrupt", id=1, **SECRET)
        return playing

    @staticmethod
    def places(played_ms):
        """A round's end may be the beginning of the next one."""
        return (played_ms % 2000,) if played_ms % 2000 else (0, 2000)

    def test_queue_skip_remove_interrupt(self):
        watcher, _ = self.watch()
        first = self.ask("enqueue", id=1, file="long.avi", **SECRET)["segment"]
        watcher.events.wait(lambda e: e.get("event") == "started" and e["segment"] == first)
        self.refused(460, first, "remove", id=1, segment=first, **SECRET)
        for position in range(3):
            answer = self.ask("enqueue", id=1, file="long.avi", segment="w%d" % position, **SECRET)
            self.assertEqual(answer["position"], position)
        self.refused(464, "max_queue", "enqueue", id=1, file="two.avi", **SECRET)
        self.refused(454, "w1", "enqueue", id=1, file="two.avi", segment="w1", **SECRET)
        queue = self.ask("queue", id=1)
        self.assertEqual((queue["digitalhuman"], queue["state"]), ("queue", "speaking"))
        self.assertEqual(queue["playing"]["segment"], first)
        self.assertEqual(queue["playing"]["state"], "playing")
        self.assertGreaterEqual(queue["playing"]["played_ms"], 0)
        self.assertEqual([w["segment"] for w in queue["waiting"]], ["w0", "w1", "w2"])
        self.wait_waiting(3)
        self.assertEqual(self.ask("info", id=1)["info"]["waiting"], 3)
        self.assertEqual(self.ask("remove", id=1, segment="w1", **SECRET),
                         {"digitalhuman": "removed", "id": 1, "segment": "w1"})
        self.refused(463, "w1", "remove", id=1, segment="w1", **SECRET)
        self.assertEqual(self.ask("skip", id=1, **SECRET), {"digitalhuman": "skipped", "id": 1, "segment": first})
        watcher.events.wait(lambda e: e.get("event") == "started" and e["segment"] == "w0")
        self.assertEqual(self.ask("interrupt", id=1, **SECRET),
                         {"digitalhuman": "interrupted", "id": 1, "dropped": 2})
        watcher.events.wait(lambda e: e.get("event") == "interrupted" and e["segment"] == "w2")
        ends = [(e["segment"], e["event"]) for e in watcher.events.data()
                if e.get("event") in ("finished", "interrupted", "skipped", "removed", "failed")]
        self.assertEqual(sorted(ends), sorted([
            ("w1", "removed"), (first, "skipped"), ("w0", "interrupted"), ("w2", "interrupted")]))
        self.refused(460, "plays", "skip", id=1, **SECRET)
        self.assertEqual(self.ask("interrupt", id=1, **SECRET)["dropped"], 0)
        queue = self.ask("queue", id=1)
        self.assertEqual((queue["playing"], queue["waiting"]), (None, []))

    def test_files(self):
        def enqueue(file):
            return self.ask("enqueue", id=1, file=file, **SECRET)
        for good in ("two.avi", "inside.avi", "elsewhere.avi", "./two.avi", "sub/../two.avi", ["two.avi", "two.avi"]):
            self.assertEqual(enqueue(good).get("digitalhuman"), "queued", good)
            self.ask("interrupt", id=1, **SECRET)
        for bad in ("nowhere.avi", "../outside.avi", "sub/../../outside.avi", "link.avi", "up/outside.avi",
                    self.janus.path("outside.avi"), "/etc/passwd", "sub", ".", "pipe.avi", ["two.avi", "../outside.avi"],
                    ["nowhere.avi", "two.avi"], "http://127.0.0.1/x.mp4", "file:two.avi"):
            answer = enqueue(bad)
            self.assertEqual(answer.get("error_code"), 462, (bad, answer))
        for bad in ("", "x" * 1025, 7, None, {}, [], ["two.avi"], ["two.avi"] * 3, ["two.avi", 7], "a\x01b", "a\nb"):
            answer = enqueue(bad)
            self.assertEqual(answer.get("error_code"), 454, (bad, answer))
        self.assertIn("max_file_mb", self.refused(464, "file", "enqueue", id=1, file="large.avi", **SECRET)["error"])
        queue = self.ask("queue", id=1)
        self.assertEqual((queue["playing"], queue["waiting"]), (None, []))

    def test_what_is_no_medium_fails_alone(self):
        watcher, _ = self.watch()
        bad = [self.ask("enqueue", id=1, file=name, **SECRET)["segment"] for name in ("text.mp4", "empty.mp4")]
        good = self.ask("enqueue", id=1, file="two.avi", **SECRET)["segment"]
        for segment in bad:
            event = watcher.events.wait(lambda e: e.get("event") == "failed" and e["segment"] == segment)
            self.assertEqual((event["error_code"], event["played_ms"]), (465, 0))
            self.assertTrue(event["error"])
        watcher.events.wait(lambda e: e.get("event") == "finished" and e["segment"] == good)

    def test_every_segment_ends_once(self):
        """Requests from several handles at once, at random moments."""
        watcher, _ = self.watch()

        def worker(number):
            handle = self.janus.attach()
            for i in range(12):
                handle.request({"request": "enqueue", "id": 1, "file": "two.avi", "segment": "%d.%d" % (number, i), **SECRET})
                which = {"segment": "%d.%d" % (number, i)}
                more = ({"request": "skip"}, {"request": "interrupt"}, {"request": "queue"}, {"request": "remove", **which},
                        {"request": "interrupt", **which})[(number + i) % 5]
                handle.request({"id": 1, **more, **SECRET})
            handle.detach()
        threads = [threading.Thread(target=worker, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.ask("interrupt", id=1, **SECRET)
        end = time.monotonic() + 60
        while True:
            events = [e for e in watcher.events.data() if "segment" in e]
            queued = sorted(e["segment"] for e in events if e["event"] == "queued")
            ends = sorted(e["segment"] for e in events if e["event"] in
                          ("finished", "interrupted", "skipped", "removed", "failed"))
            if queued == ends or time.monotonic() > end:
                break
            time.sleep(0.05)
        self.assertGreater(len(queued), 10)
        self.assertEqual(queued, ends)



class Speech(ServerCase):
    def speaking_room(self, generator):
        room = self.ask("create", avatar="small", generator=generator, admin_key="operator")["id"]
        self.addCleanup(self.ask, "destroy", id=room)
        return room, self.watch(room)[0]

    def said(self, voice):
        with open(self.janus.path("said-" + voice)) as f:
            return f.read()

    def test_say(self):
        room, watcher = self.speaking_room("singer")
        info = self.ask("info", id=room)["info"]
        self.assertEqual((info["has_generator"], info["voices"]), (True, ["alto", "bass"]))
        text = "Größe: $(id) `id` \"quoted\"\nand a second line that makes the name of it too long."
        answer = self.ask("say", id=room, text=text, segment="first", metadata={"n": 1})
        self.assertEqual(answer, {"digitalhuman": "queued", "id": room, "segment": "first", "state": "preparing",
                                  "position": 0})
        event = watcher.events.wait(lambda e: e.get("event") == "finished")
        self.assertEqual((event["segment"], event["played_ms"], event["metadata"]), ("first", 2000, {"n": 1}))
        self.assertEqual(event["name"], text[:60].replace("\n", " ") + "\u2026")
        self.assertEqual(self.said("alto"), text + "la la /\n")
        self.ask("say", id=room, text="x", voice="bass")
        watcher.events.wait(lambda e: e.get("event") == "finished" and e["name"] == "x")
        self.assertEqual(self.said("bass"), "xla la /\n")

    def test_say_refuses(self):
        self.refused(460, "generator", "say", id=1, text="x", **SECRET)
        self.refused(457, "secret", "say", id=1, text="x")
        room, _ = self.speaking_room("singer")
        self.refused(453, "text", "say", id=room)
        self.refused(464, "max_text", "say", id=room, text="x" * 4001)
        for wrong in ("", 7, [], "a\x01b"):
            self.refused(454, "text", "say", id=room, text=wrong)
        for wrong in ("tenor", "alto ", "", 7):
            self.refused(454, "voice", "say", id=room, text="x", voice=wrong)

    def test_generators_that_fail(self):
        self.janus.wait_log("generator-relative: command: an absolute path")
        for generator, words in (("broken", "ended with code 3"), ("mute", "ended with code 1"),
                                 ("absent", "cannot be started"), ("slow", "longer than 1 s")):
            with self.subTest(generator):
                room, watcher = self.speaking_room(generator)
                self.janus.wait_for_state(self.handle, room, "idle")
                self.ask("say", id=room, text="x")
                event = watcher.events.wait(lambda e: e.get("event") == "failed")
                self.assertEqual(event["error_code"], 465)
                self.assertIn(words, event["error"])
                self.ask("destroy", id=room)

    def check_cut_short(self, watcher, segment):
        """It plays the part that is there; viewers and the log learn that it is not all."""
        event = watcher.events.wait(lambda e: e.get("event") in ("finished", "failed") and e.get("segment") == segment)
        self.assertEqual(event["event"], "finished", event)
        self.assertIs(event["incomplete"], True)
        self.assertIn(event["played_ms"], range(200, 1900))
        note, = [note["text"] for note in event["notes"] if note["code"] == "cut_short"]
        self.assertNotIn("/", note)
        prepared = watcher.events.wait(lambda e: e.get("event") == "segment_prepared" and e["segment"] == segment)
        self.assertEqual((prepared["incomplete"], prepared["notes"]), (True, event["notes"]))
        self.janus.wait_log(f"segment {segment} .* is incomplete: {re.escape(note)}", pattern=True)

    def test_a_generator_that_stops_in_the_middle_of_its_container(self):
        room, watcher = self.speaking_room("part")
        self.janus.wait_for_state(self.handle, room, "idle")
        self.ask("say", id=room, text="x", segment="part")
        self.check_cut_short(watcher, "part")

    def test_a_file_that_was_cut_short(self):
        watcher = self.watch(1)[0]
        with open(self.janus.path("segments/two.avi"), "rb") as file:
            data = file.read()
        with open(self.janus.path("segments/sub/cut.avi"), "wb") as file:
            file.write(data[:len(data) // 2])
        for segment in ("cut", "from-the-cache"):
            self.ask("enqueue", id=1, file="sub/cut.avi", segment=segment, **SECRET)
            self.check_cut_short(watcher, segment)
        self.ask("enqueue", id=1, file="two.avi", segment="whole", **SECRET)
        whole = watcher.events.wait(lambda e: e.get("event") == "finished" and e["segment"] == "whole")
        self.assertNotIn("incomplete", whole)
        self.assertNotIn("notes", whole)

    def test_interrupt_ends_the_generator(self):
        room, watcher = self.speaking_room("slower")
        self.janus.wait_for_state(self.handle, room, "idle")
        self.wait_sleepers(0)               # those of another test may just be being ended
        self.ask("say", id=room, text="x")
        self.wait_sleepers(2)
        self.assertEqual(self.ask("interrupt", id=room)["dropped"], 1)
        self.wait_sleepers(0)
        self.assertFalse([e for e in watcher.events.data() if e.get("event") == "failed"])

    def sleepers(self):
        return [pid for pid in self.janus.children() if command_of(pid).startswith("sleep")]

    def wait_sleepers(self, count):
        end = time.monotonic() + 60         # less than the generator's own time
        while len(self.sleepers()) != count:
            self.assertLess(time.monotonic(), end, "generators: %s" % self.sleepers())
            time.sleep(0.02)


if __name__ == "__main__":
    unittest.main()
