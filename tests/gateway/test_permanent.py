# SPDX-License-Identifier: GPL-3.0-or-later
"""Permanent rooms, rooms with string ids, rooms that need a token: the configuration,
its file of permanent rooms, and Janus's own tokens."""
import base64
import hashlib
import hmac
import os
import stat
import time
import unittest

from janus_server import WAIT_S
from test_rooms import AVATAR, GENERAL, JCFG, SECRET, Server

PACKAGE = "janus.plugin.digitalhuman"
FILE = "conf/%s.rooms.jcfg" % PACKAGE


class Permanent(unittest.TestCase):
    """What is permanent is there again after a restart, and nothing else is."""

    def start(self, janus, again=False):
        if again:
            janus.restart()
        handle = janus.attach()
        return lambda request, **fields: handle.request({"request": request, **fields})

    def test_rooms_survive(self):
        with Server(JCFG) as janus:
            ask = self.start(janus)
            awkward = 'a "quoted" \\ back\\slash, a # and a ; and ünïcode'
            made = ask("create", avatar="small", description=awkward, metadata={"k": ['"', "\\", "\n"]}, secret='s"\\',
                       pin="p", is_private=True, duration="longest", permanent=True)
            self.assertTrue(made["permanent"])
            room = made["id"]
            passing = ask("create", avatar="small")["id"]
            self.assertTrue(ask("rtp_forward", id=room, secret='s"\\', host="127.0.0.1", video_port=9, video_ssrc=4294967295,
                                hide_keyframes=True, permanent=True)["forwarders"][0]["permanent"])
            with open(janus.path("conf/%s.jcfg" % PACKAGE)) as f:
                operators = f.read()
            self.assertEqual(stat.S_IMODE(os.stat(janus.path(FILE)).st_mode), 0o600)
            self.assertTrue(ask("edit", id=1, new_description="Edited", permanent=True, **SECRET)["permanent"])
            ask("edit", id=1, new_description="For now", **SECRET)
            self.assertNotIn("error", ask("destroy", id=2, permanent=True))
            ask("destroy", id=3, secret="t0ken")

            ask = self.start(janus, again=True)
            info = ask("info", id=room, secret='s"\\')["info"]
            self.assertEqual((info["description"], info["metadata"], info["pin_required"], info["is_private"],
                              info["duration"], info["permanent"]),
                             (awkward, {"k": ['"', "\\", "\n"]}, True, True, "longest", True))
            self.assertEqual([(f["host"], f["port"], f["ssrc"], f["hide_keyframes"], f["permanent"]) for f in
                              ask("listforwarders", id=room, secret='s"\\')["rtp_forwarders"]],
                             [("127.0.0.1", 9, 4294967295, True, True)])
            self.assertEqual(ask("info", id=1, **SECRET)["info"]["description"], "Edited")
            self.assertEqual(ask("info", id=1)["info"]["metadata"], {"lang": "en"})
            for gone in (passing, 2):
                self.assertEqual(ask("info", id=gone)["error_code"], 455)
            self.assertEqual(ask("info", id=3)["info"]["id"], 3)
            with open(janus.path("conf/%s.jcfg" % PACKAGE)) as f:
                self.assertEqual(f.read(), operators)
            self.assertNotIn("error", ask("destroy", id=room, secret='s"\\', permanent=True))
            self.assertTrue(ask("create", id=2, avatar="small", permanent=True)["permanent"])

            ask = self.start(janus, again=True)
            self.assertEqual(ask("info", id=room)["error_code"], 455)
            self.assertFalse(ask("info", id=2)["info"]["pin_required"])
            self.assertNotIn("cannot", janus.log())

    def test_what_cannot_be_written_changes_nothing(self):
        with Server(JCFG) as janus:
            ask = self.start(janus)
            before = sorted(r["id"] for r in ask("list")["list"])
            os.rename(janus.path("conf"), janus.path("away"))   # nobody can write there, not even root
            for request, fields in (("create", {"avatar": "small"}), ("edit", {"id": 1, "new_description": "x", **SECRET}),
                                    ("destroy", {"id": 2})):
                answer = ask(request, permanent=True, **fields)
                self.assertEqual(answer.get("error_code"), 467, answer)
                self.assertIn("rooms.jcfg cannot be written", answer["error"])
            self.assertEqual(sorted(r["id"] for r in ask("list")["list"]), before)
            self.assertEqual(ask("info", id=1)["info"]["description"], "Demo")
            os.rename(janus.path("away"), janus.path("conf"))
            self.assertTrue(ask("create", avatar="small", permanent=True)["permanent"])
            left = [name for name in os.listdir(janus.path("conf")) if name.startswith(PACKAGE + ".rooms.jcfg.")]
            self.assertEqual(left, [])

    def rooms(self, ask):
        return [r["id"] for r in ask("list")["list"]]

    def await_rooms(self, ask, rooms):
        end = time.monotonic() + WAIT_S
        while not set(rooms) <= set(self.rooms(ask)) and time.monotonic() < end:
            time.sleep(0.1)
        self.assertLessEqual(set(rooms), set(self.rooms(ask)))

    def test_whatever_is_in_its_place_janus_comes_up(self):
        """Janus's own parser would crash on a folder, and wait for ever on a FIFO. Rooms come up once it is away."""
        for make in (os.mkdir, os.mkfifo):
            class Odd(Server):
                def write_configuration(self):
                    super().write_configuration()
                    make(self.path(FILE))
            with self.subTest(make.__name__), Odd(JCFG) as janus:
                ask = self.start(janus)
                self.assertEqual(self.rooms(ask), [])
                janus.wait_log("rooms.jcfg cannot be read: it is no regular file")
                answer = ask("watch", id=1)
                self.assertEqual((answer["error_code"], "rooms.jcfg cannot be read" in answer["error"]), (455, True), answer)
                answer = ask("create", avatar="small", permanent=True)
                self.assertEqual(answer["error_code"], 467, answer)
                (os.rmdir if make is os.mkdir else os.unlink)(janus.path(FILE))
                self.assertTrue(ask("create", avatar="small", permanent=True)["permanent"])
                self.await_rooms(ask, [1, 2, 3])

    def test_max_rooms_of_the_file(self):
        """Rooms that are destroyed for now stay in it."""
        with Server(JCFG.replace("general: {", "general: { max_rooms = 4")) as janus:
            ask = self.start(janus)
            for number in range(4):
                room = ask("create", avatar="small", permanent=True)
                self.assertTrue(room.get("permanent"), room)
                ask("destroy", id=room["id"])
            for request, fields in (("create", {"avatar": "small"}), ("edit", {"id": 1, **SECRET})):
                answer = ask(request, permanent=True, **fields)
                self.assertEqual((answer.get("error_code"), "max_rooms" in answer["error"]), (464, True), answer)
            self.assertNotIn("error", ask("destroy", id=2, permanent=True))

    def test_a_damaged_file_is_left_alone(self):
        for text, loaded, rooms in (("room-1: { id = ", False, []),
                                    ('room-1: { id = "9" avatar = "small" colour = "red" }', False, [1, 2, 3]),
                                    ('room-1: { id = "2" avatar = "small" colour = "red" }', False, [1, 3]),
                                    ('room-1: { id = "9" avatar = "gone" }', True, [1, 2, 3])):
            with self.subTest(text), Server(JCFG, files={FILE[5:]: text}) as janus:
                ask = self.start(janus)
                self.assertEqual(self.rooms(ask), rooms)
                answer = ask("create", avatar="small", permanent=True)
                if loaded:
                    self.assertTrue(answer["permanent"])
                    with open(janus.path(FILE)) as f:
                        self.assertIn('"gone"', f.read())
                    janus.wait_log("there is no (correct) avatar")
                else:
                    self.assertEqual(answer["error_code"], 467)
                    with open(janus.path(FILE)) as f:
                        self.assertEqual(f.read(), text)
                    janus.wait_log("is not written either, until it is repaired")
                    with open(janus.path(FILE), "w") as f:
                        f.write('room-1: { id = 9 avatar = "small" }')
                    self.assertTrue(ask("create", avatar="small", permanent=True)["permanent"])
                    janus.wait_log("rooms.jcfg has been changed, and is read again")
                    self.await_rooms(ask, [1, 2, 3, 9])
                    ask = self.start(janus, again=True)
                    self.assertEqual(ask("info", id=9)["info"]["id"], 9)


class StringIds(unittest.TestCase):
    JCFG = "general: { string_ids = true " + GENERAL % "" + " }\n" + AVATAR + """
        room-a: { id = "room-ä" avatar = "small" } room-b: { id = 12 avatar = "small" }
        room-c: { id = "" avatar = "small" }"""

    def test_all_ids_are_texts(self):
        with Server(self.JCFG) as janus:
            handle = janus.attach()
            ask = lambda request, **fields: handle.request({"request": request, **fields})
            self.assertEqual([r["id"] for r in ask("list")["list"]], ["12", "room-ä"])
            janus.wait_log("room-c: id")
            for wrong in (12, "", "x" * 257, "a\nb", None, []):
                self.assertEqual(ask("info", id=wrong)["error_code"], 454, wrong)
            self.assertEqual(ask("info", id="13")["error_code"], 455)
            made = ask("create", avatar="small", permanent=True)["id"]
            self.assertEqual(len(made), 36)
            self.assertEqual(ask("create", id='quote"d', avatar="small", permanent=True)["id"], 'quote"d')
            self.assertEqual(ask("create", id="12", avatar="small")["error_code"], 456)
            janus.wait_for_state(handle, "12", "idle")
            watcher = janus.attach()
            self.assertEqual(watcher.request({"request": "watch", "id": "12"})["result"]["status"], "preparing")
            ask("enqueue", id="12", file="two.avi")
            self.assertEqual(watcher.events.wait(lambda e: e.get("event") == "finished")["id"], "12")
            self.assertEqual(ask("destroy", id="room-ä"), {"digitalhuman": "destroyed", "id": "room-ä",
                                                            "destroyed": "room-ä"})
            janus.restart()
            rooms = [r["id"] for r in janus.attach().request({"request": "list"})["list"]]
            self.assertEqual(sorted(rooms), sorted(["12", "room-ä", made, 'quote"d']))


class Tokens(unittest.TestCase):
    """Janus's signed tokens, as the VideoRoom plugin uses them."""
    KEY = "a key of janus.jcfg"

    def token(self, *descriptors, seconds=3600, realm=PACKAGE):
        data = ",".join([str(int(time.time()) + seconds), realm, *descriptors])
        return data + ":" + base64.b64encode(hmac.digest(self.KEY.encode(), data.encode(), hashlib.sha1)).decode()

    def test_a_room_that_needs_them(self):
        with Server(JCFG, janus_general='token_auth = true token_auth_secret = "%s"' % self.KEY) as janus:
            janus.token = self.token(PACKAGE, realm="janus")
            ask = janus.attach().request
            janus.wait_for_state(janus.attach(), 3, "idle")
            right = self.token("room=3")
            forged = right[:-2] + ("E=" if right.endswith("A=") else "A=")
            for wrong in (None, "x", self.token("room=1"), self.token("room=3", seconds=-5),
                          self.token("room=3", realm="janus"), forged):
                for request in ("watch", "observe", "queue"):
                    answer = ask({"request": request, "id": 3, **({"token": wrong} if wrong else {})})
                    self.assertEqual((answer["error_code"], "token" in answer["error"]), (457, True), answer)
            self.assertEqual(ask({"request": "watch", "id": 3, "token": self.token("room=3")})["result"]["status"],
                             "preparing")
            self.assertEqual(janus.attach().request({"request": "watch", "id": 1})["result"]["status"], "preparing")


if __name__ == "__main__":
    unittest.main()
