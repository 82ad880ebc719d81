# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of a real Janus."""
import os
import unittest

from janus_server import WAIT_S, JanusServer
from request_case import media


class Configurations(unittest.TestCase):
    def refuses(self, jcfg, *words):
        with JanusServer(jcfg) as janus:
            for word in (*words, "not started"):
                janus.wait_log(word)

    def test_mistakes_in_general_refuse_the_plugin(self):
        self.refuses('general: { max_rooms = "many" warmth = 3 segments_folder = "here" }',
                     "general: max_rooms: an integer from 0 to 10000", "general: warmth: there is no such option")
        self.refuses('general: { segments_folder = "here" }', "general: segments_folder: absolute")
        self.refuses('general: { events = "perhaps" }', "general: events: true or false")
        self.refuses('general: { also_answer_as = "result" }', "general: also_answer_as: a key that answers do not have")

    @unittest.skipIf(os.geteuid(), "only root can become somebody else")
    def test_a_worker_user_that_does_not_exist(self):
        self.refuses('general: { worker_user = "nobdy" }', "general: worker_user: there is no such user (nobdy)")

    def test_an_idle_clip_that_is_put_there_later(self):
        with JanusServer('''general: { cache_folder = "" worker = "{prepare}" }
                         avatar-a: { width = 64 height = 64 idle = "{folder}/idle.avi" }
                         room-a: { id = 1 avatar = "a" }''') as janus:
            handle = janus.attach()
            self.assertIn("idle.avi", janus.wait_for_state(handle, 1, "failed")["error"])
            media(janus.path("idle.avi"), 1, sound=False)
            self.assertNotIn("error", janus.wait_for_state(handle, 1, "idle"))

    def test_how_much_may_wait(self):
        """3000 ms of segments of two seconds: what waits behind the one that plays is too much once it is four."""
        with JanusServer('''general: { cache_folder = "" worker = "{prepare}" segments_folder = "{folder}/segments"
                                    max_queue_ms = 3000 }
                         avatar-a: { width = 64 height = 64 idle = "{folder}/idle.avi" }
                         room-a: { id = 1 avatar = "a" }''') as janus:
            for name, seconds in (("idle.avi", 1), ("segments/two.avi", 2), ("segments/long.avi", 60)):
                media(janus.path(name), seconds, sound=name != "idle.avi")
            handle = janus.attach()
            janus.wait_for_state(handle, 1, "idle")
            handle.answer({"request": "observe", "id": 1})
            for file, segment, event in (("long.avi", "plays", "started"), ("two.avi", "first", "segment_prepared"),
                                         ("two.avi", "second", "segment_prepared")):
                self.assertEqual(handle.request({"request": "enqueue", "id": 1, "file": file, "segment": segment}).get("segment"), segment)
                handle.events.wait(lambda e: e.get("event") == event and e["segment"] == segment, WAIT_S)
            refused = handle.request({"request": "enqueue", "id": 1, "file": "two.avi"})
            self.assertEqual(refused.get("error_code"), 464, refused)
            self.assertIn("max_queue_ms (3000)", refused["error"])
            handle.request({"request": "remove", "id": 1, "segment": "second"})
            self.assertNotIn("error_code", handle.request({"request": "enqueue", "id": 1, "file": "two.avi"}))

    def test_no_syntax(self):
        self.refuses('general: { worker = ', "cannot be read")

    def test_empty(self):
        with JanusServer("") as janus:
            self.assertEqual(janus.attach().request({"request": "list"}), {"digitalhuman": "list", "list": []})


if __name__ == "__main__":
    unittest.main()
