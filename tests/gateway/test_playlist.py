# SPDX-License-Identifier: GPL-3.0-or-later
"""A room's playlist: what plays while nothing else does, for days."""
import json
import os
import time
import unittest

import marks
from hosted_room import HostedRoom

ROOM = {"id": 1, "secret": "stage"}
PLAYLISTS = "conf/janus.plugin.digitalhuman.playlists.json"
ENDS = ("finished", "interrupted", "failed", "removed", "skipped")


class Playlist(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hosted = HostedRoom(size=64, kbps=100, room='secret = "stage" generator = "none"', more='generator-none: { command = ["/bin/true"] }')
        cls.addClassCleanup(cls.hosted.close)
        cls.folder = os.path.join(cls.hosted.segments, "shows")
        os.mkdir(cls.folder)
        for name in ("a.mp4", "b.mp4", "c.mp4"):
            marks.write_mp4(os.path.join(cls.folder, name), 1, 64)
        for name in ("long.mp4", "between.mp4"):
            marks.write_mp4(os.path.join(cls.hosted.segments, name), 8, 64)
        for name in ("news.mp4", "late.mp4"):
            marks.write_mp4(os.path.join(cls.hosted.segments, name), 1, 64)
        with open(os.path.join(cls.folder, "a.vtt"), "w") as file:
            file.write("WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n")

    def setUp(self):
        self.handle = self.hosted.server.attach()
        self.events = self.handle.events
        self.assertNotIn("error", self.handle.answer({"request": "observe", **ROOM}))
        self.since = len(self.events.data())
        self.addCleanup(self.silence)

    def silence(self):
        self.ask("playlist", items=[])
        self.ask("interrupt")
        self.hosted.server.wait_for_state(self.handle, 1, "idle")
        self.handle.detach()

    def ask(self, request, **fields):
        return self.handle.request({"request": request, **ROOM, **fields})

    def all(self, *names):
        """Events of segments since the test began: (event, file)."""
        return [d for d in self.events.data()[self.since:] if d.get("event") in names]

    def wait(self, done, what):
        end = time.monotonic() + 60
        while not done():
            self.assertLess(time.monotonic(), end, "%s; %s" % (what, self.all("started", *ENDS)))
            time.sleep(0.05)

    def started(self):
        return [os.path.basename(e["name"]) for e in self.all("started")]

    def test_files_and_folders_go_round(self):
        answer = self.ask("playlist", items=["news.mp4", "shows/"])
        self.assertEqual(("playlist", True, False), (answer["digitalhuman"], answer["playlist"]["repeat"], answer["playlist"]["shuffle"]))
        self.wait(lambda: len(self.started()) >= 6, "they go round")
        self.assertEqual(["news.mp4", "a.mp4", "b.mp4", "c.mp4", "news.mp4", "a.mp4"], self.started()[:6])
        self.assertEqual({"playlist": True}, self.all("started")[0]["metadata"])
        files, agreed = ["news.mp4", "shows/a.mp4", "shows/b.mp4", "shows/c.mp4"], {}
        self.wait(lambda: self.agree(agreed, files) or len(agreed) >= 5 and {*agreed.values()} == {*files}, "it says what plays")
        self.assertLessEqual(len(self.ask("queue")["waiting"]), 1)

    def agree(self, agreed, files):
        """Of `files` that go round it says, soon after that began, the one that plays, and never the next one. Adds the
        segment of which it says so."""
        playing = lambda: (self.ask("queue")["playing"] or {}).get("segment")
        before = self.ask("queue")["playing"]
        said = self.ask("playlist")["file"]
        if not before or playing() != before["segment"]:
            return
        at = files.index(before["name"])
        self.assertNotEqual(said, files[(at + 1) % len(files)])
        if said == files[at]:
            agreed[before["segment"]] = said

    def test_what_is_enqueued_comes_between(self):
        self.ask("playlist", items=["long.mp4"])
        self.wait(lambda: self.started() == ["long.mp4"], "it plays")
        time.sleep(1.5)
        self.ask("enqueue", file="between.mp4")     # for longer than it takes to prepare the rest
        self.wait(lambda: len(self.started()) >= 3, "it goes on")
        self.assertEqual(["long.mp4", "between.mp4", "long.mp4"], self.started()[:3])
        cut, = self.all("interrupted")
        self.assertEqual("priority", cut["reason"])
        again = self.all("started")[2]
        self.assertLessEqual(abs(again["from_ms"] - cut["played_ms"]), 500, "it goes on where it was")
        self.wait(lambda: len(self.all("finished")) >= 2, "it ends")
        self.assertEqual(8000 - again["from_ms"], self.all("finished")[1]["played_ms"], "none of it is lost")

    def test_a_patient_one_is_not_interrupted(self):
        self.ask("playlist", items=["long.mp4"], patient=True, repeat=False)
        self.wait(lambda: self.started() == ["long.mp4"], "it plays")
        self.ask("enqueue", file="news.mp4")
        self.wait(lambda: len(self.all("finished")) == 2, "both end")
        self.assertEqual([["long.mp4", "news.mp4"], []], [[e["name"] for e in self.all("finished")], self.all("interrupted")])

    def test_it_rests_after_an_interruption(self):
        self.ask("playlist", items=["long.mp4"])
        self.wait(lambda: self.started() == ["long.mp4"], "it plays")
        time.sleep(1)
        self.ask("interrupt")
        self.wait(lambda: len(self.started()) == 2, "it goes on")
        self.assertGreater(self.all("started")[1]["media_ms"] - self.all("interrupted")[0]["media_ms"], 3000)
        self.assertGreaterEqual(self.all("started")[1].get("from_ms", 0), 500)

    def test_what_cannot_be_played_is_passed_over(self):
        with open(os.path.join(self.hosted.segments, "broken.mp4"), "wb") as file:
            file.write(b"not a film" * 100)
        self.addCleanup(os.remove, file.name)
        self.ask("playlist", items=["missing.mp4", "broken.mp4", "news.mp4"])
        self.wait(lambda: self.started(), "the right one plays")
        self.assertEqual("news.mp4", self.started()[0])

    def test_at_its_time_of_day(self):
        """In this minute; or in the next one, if this one ends before the room knows."""
        now, timed = time.time(), ("news.mp4", "late.mp4")
        self.ask("playlist", items=["long.mp4", *(time.strftime("%H:%M ", time.localtime(now + 60 * n)) + file
                                                  for n, file in enumerate(timed))])
        self.wait(lambda: set(timed) & set(self.started()) and len(self.started()) >= 2, "it has its time")
        self.wait(lambda: self.started()[-1] == "long.mp4", "the rest goes on")
        self.assertEqual({1}, {self.started().count(file) for file in timed if file in self.started()})

    def test_refusals(self):
        for items in ([1], ["/etc/"], ["18:00 "], ["x"] * 501, "a.mp4", {}):
            with self.subTest(items=str(items)[:30]):
                self.assertEqual(454, self.ask("playlist", items=items)["error_code"])
        self.assertEqual(457, self.handle.request({"request": "playlist", "id": 1, "items": []})["error_code"])
        self.assertIsNone(self.ask("playlist")["playlist"])

    def test_only_files_begin_later(self):
        self.assertIn("from_ms", self.ask("say", text="Hello", from_ms=500)["error"])
        self.assertEqual(454, self.ask("enqueue", file="news.mp4", from_ms=-1)["error_code"])
        segment = self.ask("enqueue", file="news.mp4", from_ms=600)["segment"]
        self.wait(lambda: self.all("finished"), "it ends")
        self.assertEqual((segment, 520), (self.all("started")[0]["segment"], self.all("started")[0]["from_ms"]))
        self.assertEqual(480, self.all("finished")[0]["played_ms"])


class Restart(unittest.TestCase):
    def setUp(self):
        self.hosted = HostedRoom(size=64, kbps=100, more="""
            room-tv: { id = 3 avatar = "probe" playlist = [ "first.mp4", "second.mp4" ] }""")
        self.addCleanup(self.hosted.close)
        marks.write_mp4(os.path.join(self.hosted.segments, "first.mp4"), 1, 64)
        marks.write_mp4(os.path.join(self.hosted.segments, "second.mp4"), 30, 64)

    def wait_for(self, file, at_ms=0):
        end = time.monotonic() + 60
        while True:
            now = self.handle.request({"request": "playlist", "id": 3})
            if now.get("file") == file and now["at_ms"] >= at_ms:
                return now["at_ms"]
            self.assertLess(time.monotonic(), end, now)
            time.sleep(0.05)

    def test_it_goes_on_where_it_was(self):
        janus = self.hosted.server
        self.handle = janus.attach()
        self.assertIn("error", self.handle.request({"request": "enqueue", "id": 3, "file": "none.mp4"}))
        self.wait_for("second.mp4", 3000)
        janus.restart()
        with open(janus.path(PLAYLISTS)) as file:
            kept = json.load(file)["3"]
        self.assertEqual("second.mp4", kept["file"])
        self.assertGreaterEqual(kept["at_ms"], 3000)
        self.handle = janus.attach()
        self.assertGreaterEqual(self.wait_for("second.mp4"), kept["at_ms"] - 500)
        made = self.handle.request({"request": "create", "avatar": "probe", "permanent": True})["id"]
        lasting = {"items": ['a "b"\\.mp4', "c/"], "shuffle": True, "repeat": False, "patient": False}
        self.handle.request({"request": "playlist", "id": made, "permanent": True, **lasting})
        self.handle.request({"request": "playlist", "id": 3, "items": []})
        janus.restart()
        self.handle = janus.attach()
        self.assertEqual(lasting, self.handle.request({"request": "playlist", "id": made})["playlist"])
        self.assertIsNotNone(self.handle.request({"request": "playlist", "id": 3})["playlist"], "not permanently")


if __name__ == "__main__":
    unittest.main()
