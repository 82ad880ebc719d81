# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests about rooms and viewers, their answers and errors, against a real Janus. No media is received here."""
import os
import time
import unittest

from request_case import SECRET, ServerCase


class Requests(ServerCase):
    # ------------------------------------------------------------- rooms

    def test_list_shows_public_rooms(self):
        rooms = {room["id"]: room for room in self.ask("list")["list"]}
        self.assertEqual(sorted(rooms), [1, 3])
        self.assertEqual([line["mid"] for line in rooms[1].pop("media")], ["a", "v"])
        self.assertEqual(rooms[1], {
            "id": 1, "type": "live", "description": "Demo", "avatar": "small", "width": 64, "height": 64,
            "is_private": False, "pin_required": False, "has_generator": False, "voices": [], "state": "idle",
            "enabled": True, "viewers": 0, "waiting": 0})

    def test_list_with_admin_key_shows_all(self):
        rooms = [room["id"] for room in self.ask("list", admin_key="operator")["list"]]
        self.assertEqual(rooms, [1, 2, 3])
        self.refused(457, "admin_key", "list", admin_key="operato")

    def test_wrong_categories_are_named_in_the_log(self):
        for words in ("avatar-bad: width, height", "room-bad: avatar", "room-again: id", "room-wrong: color",
                      "avatar lost cannot be prepared"):
            self.janus.wait_log(words)

    def test_info(self):
        info = self.ask("info", id=2)["info"]
        self.assertTrue(info["pin_required"] and info["is_private"])
        self.assertNotIn("is_secret", info)
        info = self.ask("info", id=2, secret="other")["info"]
        self.assertEqual((info["is_secret"], info["duration"], info["watching"]), (True, "longest", 0))
        self.refused(457, "secret", "info", id=2, secret="others")
        self.refused(455, "77", "info", id=77)

    def test_info_of_a_failed_avatar_says_why(self):
        info = self.ask("info", id=3)["info"]
        self.assertEqual(info["state"], "failed")
        self.assertIn("nowhere.avi", info["error"])
        self.refused(460, "avatar", "enqueue", id=3, file="two.avi")

    def test_create_and_destroy(self):
        self.refused(457, "admin_key", "create", avatar="small")
        self.refused(457, "admin_key", "create", avatar="small", admin_key="x")
        key = {"admin_key": "operator"}
        answer = self.ask("create", avatar="small", description="Ünïcode", metadata={"a": [1]}, secret="x", **key)
        self.assertEqual((answer["digitalhuman"], answer["created"], answer["permanent"]), ("created", "Ünïcode", False))
        room = answer["id"]
        self.addCleanup(self.ask, "destroy", id=room, secret="x")
        self.assertGreater(room, 0)
        self.assertEqual(self.ask("info", id=room)["info"]["metadata"], {"a": [1]})
        self.refused(457, "secret", "destroy", id=room)
        self.refused(457, "secret", "destroy", id=room, secret="y")
        answer = self.ask("destroy", id=room, secret="x")
        self.assertEqual(answer, {"digitalhuman": "destroyed", "id": room, "destroyed": room})
        self.refused(455, str(room), "destroy", id=room, secret="x")

    def test_create_refuses(self):
        key = {"admin_key": "operator", "avatar": "small"}
        self.refused(456, "exists", "create", **key, id=1)
        self.refused(456, "nobody", "create", **{**key, "avatar": "nobody"})
        self.refused(456, "dancer", "create", **key, generator="dancer")
        self.refused(453, "avatar", "create", admin_key="operator")
        self.refused(454, "duration", "create", **key, duration="forever")
        for field, value in (("id", 0), ("id", -1), ("id", "1"), ("id", 1.5), ("id", 1 << 60), ("description", 7),
                             ("description", ""), ("description", "x" * 257), ("description", "a\nb"),
                             ("metadata", "x"), ("metadata", []), ("secret", 1), ("pin", {}), ("is_private", 1), ("permanent", 1),
                             ("signed_tokens", "no")):
            self.refused(454, field, "create", **{**key, field: value})
        self.refused(464, "max_metadata", "create", **key, metadata={"x": "y" * 200})
        self.assertEqual(len(self.ask("list", admin_key="operator")["list"]), 3)

    def test_max_rooms(self):
        made = []
        try:
            for _ in range(3):
                made.append(self.ask("create", avatar="small", admin_key="operator")["id"])
            self.refused(464, "max_rooms", "create", avatar="small", admin_key="operator")
        finally:
            for room in made:
                self.ask("destroy", id=room)

    # ----------------------------------------------------------- messages

    def test_what_is_no_request(self):
        self.refused(452, "sing", "sing")
        self.assertEqual(self.handle.request({})["error_code"], 453)
        self.assertEqual(self.handle.request({"request": 7})["error_code"], 454)
        self.assertEqual(self.handle.request({"request": "x" * 5000})["error_code"], 452)
        self.assertEqual(self.handle.request({"request": "\u20ac" * 100})["error_code"], 452)

    def test_fields(self):
        for request in ("info", "destroy", "enqueue", "queue", "skip", "remove", "interrupt", "watch"):
            with self.subTest(request):
                self.refused(453, "id", request)
                for wrong in ("1", -1, 0, 1.0, None, [], {}, True, 1 << 62):
                    self.refused(454, "id", request, id=wrong)
        self.refused(453, "file", "enqueue", id=1, **SECRET)
        self.refused(453, "segment", "remove", id=1, **SECRET)
        for request in ("enqueue", "remove"):
            more = {"file": "two.avi"} if request == "enqueue" else {}
            for wrong in ("", "x" * 65, 7, "a\x01b"):
                self.refused(454, "segment", request, id=1, segment=wrong, **SECRET, **more)

    def test_secrets(self):
        for request, more in (("enqueue", {"file": "two.avi"}), ("skip", {}), ("interrupt", {}),
                              ("remove", {"segment": "x"}), ("destroy", {})):
            with self.subTest(request):
                self.refused(457, "secret", request, id=1, **more)
                self.refused(457, "secret", request, id=1, secret="s3cre", **more)
                self.refused(457, "secret", request, id=1, secret="s3crets3cret", **more)
                self.refused(454, "secret", request, id=1, secret=1, **more)
                self.refused(455, "9", request, id=9, **SECRET, **more)
        self.refused(457, "pin", "queue", id=2)
        self.refused(457, "pin", "queue", id=2, pin="open-4321")
        self.refused(457, "pin", "watch", id=2)
        self.refused(457, "pin", "watch", id=2, pin="open-12345")
        for opens in ({"pin": "open-1234"}, {"secret": "other"}):
            self.assertEqual(self.ask("queue", id=2, **opens)["state"], "idle")
        for secret in ("s3cret", "open-1234", "operator"):
            self.assertFalse(secret in self.janus.log(), secret)

    # ------------------------------------------------------------ viewers

    def test_watch_offers(self):
        handle, message = self.watch()
        result = message["plugindata"]["data"]["result"]
        self.assertEqual((result["status"], type(result["viewer"])), ("preparing", int))
        sdp = message["jsep"]["sdp"]
        self.assertEqual(message["jsep"]["type"], "offer")
        lines = [line for line in sdp.splitlines() if line.startswith(("m=", "a=sendonly", "a=mid"))]
        self.assertEqual([line.split()[0] for line in lines],
                         ["m=audio", "a=sendonly", "a=mid:a", "m=video", "a=sendonly", "a=mid:v"])
        for line in ("a=rtpmap:111 opus/48000/2", "a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 ccm fir"):
            self.assertIn(line, sdp)
        sound, picture = sdp.split("m=video")
        for line in ("a=rtcp-fb:96 goog-remb\r\n", " http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"):
            self.assertEqual((sound.count(line), picture.count(line)), (0, 1))
        self.assertNotIn("transport-", sdp)                 # neither transport-cc nor its header extension
        self.assertEqual(handle.request({"request": "watch", "id": 1})["error_code"], 460)
        self.assertEqual(handle.request({"request": "start"})["error_code"], 461)
        self.assertEqual(handle.request({"request": "pause"})["result"]["status"], "pausing")
        self.assertEqual(handle.request({"request": "stop"})["result"]["status"], "stopping")
        handle.events.wait(lambda e: e.get("result", {}).get("status") == "stopped")
        answer = handle.request({"request": "watch", "id": 1})
        self.assertEqual(answer["result"]["status"], "preparing")

    def test_without_watch(self):
        for request in ("start", "pause"):
            self.refused(460, "watch", request)
        self.assertEqual(self.ask("stop")["result"], {"status": "idle"})

    def test_max_viewers(self):
        handles = [self.watch()[0] for _ in range(2)]
        self.refused(464, "max_viewers_per_room", "watch", id=1)
        handles.append(self.watch(2, pin="open-1234")[0])
        answer = self.ask("watch", id=2, pin="open-1234")
        self.assertEqual(answer["error_code"], 464)
        self.assertIn("max_viewers ", answer["error"])
        self.assertEqual(self.ask("info", id=1, **SECRET)["info"]["watching"], 2)
        for handle in handles:
            handle.detach()
        end = time.monotonic() + 60
        while time.monotonic() < end and self.ask("info", id=1, **SECRET)["info"]["watching"]:
            time.sleep(0.02)
        self.assertEqual(self.ask("watch", id=1)["result"]["status"], "preparing")

    def test_one_client(self):
        """All handles of one session of the Janus API belong to one client."""
        session, handles = self.janus.session(), []
        self.addCleanup(session.close)
        for room in (3, 3, 1):
            handles.append(session.attach())
            answer = handles[-1].request({"request": "observe", "id": room, **(SECRET if room == 1 else {})})
            self.assertEqual(answer["result"]["status"], "observing")
        handles.append(session.attach())
        answer = handles[-1].request({"request": "observe", "id": 3})
        self.assertEqual((answer["error_code"], "max_per_session" in answer["error"]), (464, True), answer)
        self.assertEqual(self.ask("observe", id=3)["result"]["status"], "observing")
        if not os.environ.get("DH_SANITIZE"):   # Janus 1.1.2 leaks a handle that a plugin refuses
            with self.assertRaises(RuntimeError):
                for _ in range(20):
                    session.attach()
        self.attach()
        handles[0].request({"request": "stop"})
        self.assertEqual(handles[-1].request({"request": "observe", "id": 3})["result"]["status"], "observing")

    def test_usage(self):
        self.refused(457, "admin_key", "stats")
        usage = self.ask("stats", admin_key="operator")["usage"]
        self.assertEqual(usage["rooms"]["limit"], 6)
        self.assertEqual(usage["viewers"]["limit"], 3)
        self.assertGreater(usage["memory_bytes"]["used"], 1 << 20)
        self.assertEqual([room["id"] for room in usage["each_room"]], [1, 2, 3])
        answer = self.janus.ask_plugin({"request": "stats", "admin_key": "operator"})
        self.assertEqual(set(answer["usage"]), set(usage))

    def test_destroying_a_watched_room(self):
        room = self.ask("create", avatar="small", admin_key="operator")["id"]
        self.addCleanup(self.ask, "destroy", id=room)
        watcher, _ = self.watch(room)
        segment = self.ask("enqueue", id=room, file="long.avi")["segment"]
        watcher.events.wait(lambda e: e.get("event") == "started")
        self.ask("destroy", id=room)
        event = watcher.events.wait(lambda e: e.get("event") == "interrupted")
        self.assertEqual(event["segment"], segment)
        watcher.events.wait(lambda e: e.get("event") == "destroyed")
        watcher.events.wait(lambda e: e.get("result", {}).get("status") == "stopped")
        self.assertEqual(watcher.request({"request": "pause"})["error_code"], 460)
        self.assertEqual(watcher.request({"request": "watch", "id": 1})["result"]["status"], "preparing")

    # ---------------------------------------------------------- Admin API

    def test_admin_api(self):
        rooms = self.janus.ask_plugin({"request": "list"})["list"]
        self.assertEqual([room["id"] for room in rooms], [1, 3])
        self.assertEqual(self.janus.ask_plugin({"request": "queue", "id": 1})["digitalhuman"], "queue")
        self.assertEqual(self.janus.ask_plugin({"request": "interrupt", "id": 1})["error_code"], 457)
        self.assertEqual(self.janus.ask_plugin({"request": "interrupt", "id": 1, **SECRET})["dropped"], 0)
        self.assertEqual(self.janus.ask_plugin({"request": "watch", "id": 1})["error_code"], 452)
        self.assertEqual(self.janus.ask_plugin({"request": "create", "avatar": "small"})["error_code"], 457)

    def test_query_session(self):
        handle, _ = self.watch()
        path = "/%d/%d" % (handle.session.id, handle.id)
        info = self.janus.ask_admin({"janus": "handle_info"}, path)["info"]["plugin_specific"]
        self.assertGreater(info.pop("viewer"), 0)
        self.assertEqual(sorted(info.pop("rtp_start")), ["audio", "video"])
        self.assertEqual(info, {"state": "watching", "id": 1, "answered": False, "media": False, "paused": False,
                                "audio": True, "video": True, "sent": {}})
        handle.request({"request": "pause"})
        info = self.janus.ask_admin({"janus": "handle_info"}, path)["info"]["plugin_specific"]
        self.assertTrue(info["paused"])


if __name__ == "__main__":
    unittest.main()
