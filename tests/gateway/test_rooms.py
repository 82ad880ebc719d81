# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing rooms, and watching and observing them."""
import functools
import http.server
import json
import threading
import time
import unittest

from media_case import Case
from hosted_room import HostedRoom
from request_case import RequestCase, SmallServer, command_of, media

GENERAL = 'segments_folder = "{folder}/segments" cache_folder = "{folder}/cache" worker = "{prepare}" %s'
AVATAR = 'avatar-small: { width = 64 height = 64 idle = "{folder}/idle.avi" kbps = 200 }\n'
JCFG = "general: { " + GENERAL % "" + " max_metadata = 200 max_request = 4096 max_depth = 5 }\n" + AVATAR + """
room-demo: { id = 1 description = "Demo" avatar = "small" secret = "s3cret" metadata = "{\\"lang\\": \\"en\\"}" }
room-pin: { id = 2 avatar = "small" pin = "1234" }
generator-slow: { command = ( "/bin/sleep", "77" ) }
room-token: { id = 3 avatar = "small" secret = "t0ken" signed_tokens = true }
"""
SECRET = {"secret": "s3cret"}


class Server(SmallServer):
    def write_configuration(self):
        super().write_configuration()
        media(self.path("segments/two.avi"), 2)


class Rooms(RequestCase):
    @classmethod
    def setUpClass(cls):
        cls.begin(Server(JCFG))

    def room(self, **fields):
        """A room of this test alone."""
        room = self.ask("create", avatar="small", **fields)["id"]
        self.addCleanup(lambda: self.ask("destroy", id=room, secret=self.secret_of(room, fields)))
        return room

    def secret_of(self, room, fields):
        return getattr(self, "new_secret", fields.get("secret", "none"))

    def observe(self, room=1, **fields):
        handle = self.attach()
        return handle, handle.request({"request": "observe", "id": room, **fields})

    # --------------------------------------------------------------- edit

    def test_configured_metadata(self):
        self.assertEqual(self.ask("info", id=1)["info"]["metadata"], {"lang": "en"})

    def test_edit(self):
        room = self.room(description="Before", secret="old", pin="1")
        self.refused(457, "secret", "edit", id=room, new_description="x")
        answer = self.ask("edit", id=room, secret="old", new_description="After", new_metadata={"a": 1},
                          new_secret="new", new_pin="", new_is_private=True)
        self.new_secret = "new"
        self.assertEqual(answer, {"digitalhuman": "edited", "id": room, "permanent": False})
        self.refused(457, "secret", "info", id=room, secret="old")
        info = self.ask("info", id=room, secret="new")["info"]
        self.assertEqual((info["description"], info["metadata"], info["pin_required"], info["is_private"],
                          info["permanent"]), ("After", {"a": 1}, False, True, False))
        self.assertNotIn(room, [r["id"] for r in self.ask("list")["list"]])

    def test_edit_refuses_and_then_changes_nothing(self):
        before = self.ask("info", id=1, **SECRET)
        for field, value in (("new_description", ""), ("new_description", 1), ("new_secret", ""), ("new_pin", 7),
                             ("new_is_private", "yes"), ("new_metadata", []), ("permanent", 0), ("edited_event", 1)):
            self.refused(454, field, "edit", id=1, **SECRET, **{"new_description": "x", field: value})
        self.refused(464, "max_metadata", "edit", id=1, **SECRET, new_description="x", new_metadata={"x": "y" * 200})
        self.refused(455, "77", "edit", id=77, **SECRET)
        self.assertEqual(self.ask("info", id=1, **SECRET), before)

    def test_disclosure(self):
        room = self.room(disclosure="Made by a computer")
        self.assertEqual(self.ask("info", id=room)["info"]["disclosure"], "Made by a computer")
        self.assertEqual({r["id"]: r.get("disclosure") for r in self.ask("list")["list"]}[room], "Made by a computer")
        watcher, _ = self.watch(room)
        self.ask("edit", id=room, new_disclosure="Ein Computer", edited_event=True)
        event = watcher.events.wait(lambda e: e.get("event") == "edited")
        self.assertEqual(event["disclosure"], "Ein Computer")
        self.ask("edit", id=room, new_disclosure="")
        self.assertNotIn("disclosure", self.ask("info", id=room)["info"])
        self.refused(454, "disclosure", "create", avatar="small", disclosure="a\nb")

    def test_edited_event(self):
        room = self.room()
        watcher, _ = self.watch(room)
        self.ask("edit", id=room, new_metadata={"n": 1})
        self.ask("edit", id=room, new_pin="1", edited_event=True)            # nothing that a viewer may see
        self.ask("edit", id=room, new_metadata={"n": 2}, edited_event=True)
        event = watcher.events.wait(lambda e: e.get("event") == "edited")
        self.assertEqual((event["id"], event["metadata"]), (room, {"n": 2}))
        self.assertEqual(len([e for e in watcher.events.data() if e.get("event") == "edited"]), 1)

    def test_many_edits_at_once_lose_none(self):
        room = self.room()

        def edit(field, values):
            handle = self.janus.attach()
            for value in values:
                handle.request({"request": "edit", "id": room, field: value})
            handle.detach()
        threads = [threading.Thread(target=edit, args=a) for a in (
            ("new_description", ["d%d" % n for n in range(30)]), ("new_metadata", [{"n": n} for n in range(30)]),
            ("new_pin", [str(n) for n in range(30)]))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        info = self.ask("info", id=room)["info"]
        self.assertEqual((info["description"], info["metadata"]), ("d29", {"n": 29}))
        self.refused(457, "pin", "watch", id=room, pin="28")

    def test_enable_and_disable(self):
        self.refused(457, "secret", "disable", id=1)
        room = self.room()
        watcher, _ = self.watch(room)
        for request, enabled in (("disable", False), ("disable", False), ("enable", True)):
            self.assertEqual(self.ask(request, id=room), {"digitalhuman": "ok", "id": room})
            self.assertIs(self.ask("info", id=room)["info"]["enabled"], enabled)
        watcher.events.wait(lambda e: e.get("event") == "enabled")
        told = [e["event"] for e in watcher.events.data() if e.get("event") in ("enabled", "disabled")]
        self.assertEqual(told, ["disabled", "enabled"])

    # ------------------------------------------------------------- limits

    def test_request_size_and_depth(self):
        deep = {"a": {"b": {"c": {}}}}
        self.assertEqual(self.ask("edit", id=1, **SECRET, new_metadata=deep)["digitalhuman"], "edited")
        self.refused(464, "max_depth (5)", "edit", id=1, **SECRET, new_metadata={"a": deep})
        self.refused(464, "max_depth", "list", x=functools.reduce(lambda inner, _: [inner], range(900), []))
        self.refused(464, "max_request (4096 bytes)", "list", x="y" * 4096)
        self.ask("edit", id=1, **SECRET, new_metadata={"lang": "en"})

    def test_generators_stay_few(self):
        room = self.room(generator="slow")
        self.janus.wait_for_state(self.handle, room, "idle")
        observer, _ = self.observe(room)
        names = [self.ask("say", id=room, text="x")["segment"] for _ in range(9)]
        self.wait_sleepers(2)          # the next, and one ahead
        self.ask("remove", id=room, segment=names[1])
        self.ask("remove", id=room, segment=names[0])
        observer.events.wait(lambda e: e.get("event") == "removed" and e["segment"] == names[0])
        time.sleep(0.3)
        self.wait_sleepers(2)
        self.assertEqual(self.ask("interrupt", id=room)["dropped"], 7)
        self.wait_sleepers(0)

    def wait_sleepers(self, count):
        def sleepers():
            return len([pid for pid in self.janus.children() if command_of(pid).startswith("/bin/sleep")])
        end = time.monotonic() + 60
        while sleepers() != count:
            self.assertLess(time.monotonic(), end, "%d generators, not %d" % (sleepers(), count))
            time.sleep(0.05)

    # --------------------------------------------------- viewers, observers

    def test_observe(self):
        self.refused(457, "pin", "observe", id=2)
        self.refused(457, "secret", "observe", id=1, secret="wrong")
        handle, answer = self.observe()
        self.assertEqual(answer["result"]["status"], "observing")
        for request in ("observe", "watch"):
            self.assertEqual(handle.request({"request": request, "id": 1})["error_code"], 460)
        for request in ("start", "pause"):
            self.assertEqual(handle.request({"request": request})["error_code"], 460)
        self.ask("enqueue", id=1, file="two.avi", **SECRET)
        handle.events.wait(lambda e: e.get("event") == "finished")
        info = self.ask("info", id=1, **SECRET)["info"]
        self.assertEqual((info["viewers"], info["watching"], info["observing"]), (0, 0, 1))
        path = "/%d/%d" % (handle.session.id, handle.id)
        info = self.janus.ask_admin({"janus": "handle_info"}, path)["info"]["plugin_specific"]
        self.assertEqual(info, {"state": "observing", "id": 1, "viewer": answer["result"]["viewer"]})
        self.assertEqual(handle.request({"request": "stop"})["result"]["status"], "stopped")
        self.assertEqual(handle.request({"request": "stop"})["result"]["status"], "idle")
        self.assertEqual(handle.request({"request": "watch", "id": 1})["result"]["status"], "preparing")

    def test_observers_of_a_destroyed_room(self):
        room = self.ask("create", avatar="small")["id"]
        handle, _ = self.observe(room)
        self.ask("destroy", id=room)
        handle.events.wait(lambda e: e.get("event") == "destroyed")
        self.assertEqual(handle.request({"request": "watch", "id": 1})["result"]["status"], "preparing")

    def test_stats(self):
        self.refused(457, "secret", "stats", id=1)
        room = self.room()
        self.janus.wait_for_state(self.handle, room, "idle")
        watcher, message = self.watch(room)
        viewer = message["plugindata"]["data"]["result"]["viewer"]
        observer, answer = self.observe(room)
        self.ask("enqueue", id=room, file="two.avi")
        observer.events.wait(lambda e: e.get("event") == "finished")
        self.ask("enqueue", id=room, file="two.avi")
        self.ask("interrupt", id=room)
        observer.events.wait(lambda e: e.get("event") == "interrupted")
        stats = self.ask("stats", id=room)
        self.assertEqual((stats["digitalhuman"], stats["id"]), ("stats", room))
        self.assertIn(stats["state"], ("idle", "speaking"))         # until the next 20 ms
        segments = stats["segments"]
        self.assertGreaterEqual(segments.pop("played_ms"), 2000)
        self.assertIn(segments.pop("started"), (1, 2))
        segments.pop("held")
        self.assertEqual(segments.pop("waiting"), 0)
        self.assertEqual(segments, {"queued": 2, "finished": 1, "interrupted": 1, "skipped": 0, "removed": 0, "failed": 0})
        self.assertEqual([(v["viewer"], v["state"], v["media"]) for v in stats["viewers"]],
                         [(viewer, "watching", False), (answer["result"]["viewer"], "observing", False)])
        self.assertEqual(stats["sent"]["video_packets"], 0)
        self.assertEqual(len(self.ask("stats", id=room, viewer=viewer)["viewers"]), 1)
        self.refused(466, "999999", "stats", id=room, viewer=999999)
        self.refused(454, "viewer", "stats", id=room, viewer="1")

    def test_kick(self):
        room = self.room()
        watcher, message = self.watch(room)
        viewer = message["plugindata"]["data"]["result"]["viewer"]
        other, _ = self.watch(room)
        observer, answer = self.observe(room)
        self.refused(453, "viewer", "kick", id=room)
        self.refused(466, "77777", "kick", id=room, viewer=77777)
        self.refused(457, "secret", "kick", id=1, viewer=viewer)
        self.assertEqual(self.ask("kick", id=room, viewer=viewer),
                         {"digitalhuman": "kicked", "id": room, "viewer": viewer})
        watcher.events.wait(lambda e: e.get("result", {}).get("status") == "kicked")
        watcher.events.wait(lambda e: e.get("result", {}).get("status") == "stopped")
        event = observer.events.wait(lambda e: e.get("event") == "kicked")
        self.assertEqual(event["viewer"], viewer)
        self.assertEqual(self.ask("kick_all", id=room), {"digitalhuman": "kicked_all", "id": room, "kicked": 1})
        other.events.wait(lambda e: e.get("result", {}).get("status") == "kicked_all")
        self.assertEqual(self.ask("kick", id=room, viewer=answer["result"]["viewer"])["digitalhuman"], "kicked")
        observer.events.wait(lambda e: e.get("result", {}).get("status") == "kicked")
        self.assertEqual(self.ask("info", id=room)["info"]["watching"], 0)
        self.assertEqual(watcher.request({"request": "watch", "id": room})["result"]["status"], "preparing")

    def test_restart_needs_a_connection(self):
        handle, _ = self.watch()
        answer = handle.request({"request": "watch", "id": 1, "restart": True})
        self.assertEqual(answer["error_code"], 460)
        self.refused(460, "watch", "watch", id=1, restart=True)

    def test_tokens_that_janus_does_not_use(self):
        self.assertEqual(self.ask("watch", id=3)["result"]["status"], "preparing")

    def test_requests_of_the_admin_api(self):
        ask = self.janus.ask_plugin
        end = time.monotonic() + 60     # those who watched in other tests may still be leaving
        while (info := self.ask("info", id=1, **SECRET)["info"])["watching"] + info["observing"]:
            self.assertLess(time.monotonic(), end, info)
            time.sleep(0.02)
        self.assertEqual(ask({"request": "stats", "id": 1, **SECRET})["digitalhuman"], "stats")
        self.assertEqual(ask({"request": "kick_all", "id": 1, **SECRET})["kicked"], 0)
        self.assertEqual(ask({"request": "edit", "id": 1, "new_pin": "", **SECRET})["digitalhuman"], "edited")
        for request in ("disable", "enable"):
            self.assertEqual(ask({"request": request, "id": 1, **SECRET})["digitalhuman"], "ok")
        self.assertEqual(ask({"request": "observe", "id": 1, **SECRET})["error_code"], 452)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told += told if isinstance(told, list) else [told]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Media(Case):
    """With viewers that receive media, and what Janus's event handlers get meanwhile."""

    @classmethod
    def setUpClass(cls):
        cls.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        cls.web.told = []
        threading.Thread(target=cls.web.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.web.server_close)
        cls.addClassCleanup(cls.web.shutdown)
        Case.hosted = cls.hosted = HostedRoom(room='secret = "mine"', events=("libjanus_sampleevh.so",), files={
            "janus.eventhandler.sampleevh.jcfg":
                'general: { enabled = true events = "plugins" grouping = false backend = "http://127.0.0.1:%d" }'
                % cls.web.server_port})
        cls.addClassCleanup(cls.hosted.close)
        media(cls.hosted.segments + "/two.avi", 2)

    def setUp(self):
        super().setUp()
        self.await_viewers(0)           # those of the test before may still be leaving

    def await_viewers(self, count):
        end = time.monotonic() + 60
        while (info := self.ask("info")["info"])["watching"] + info["observing"] != count:
            self.assertLess(time.monotonic(), end, info)
            time.sleep(0.02)

    def idle(self):
        self.ask("interrupt")

    def ask(self, request, **fields):
        return self.gateway.request({"request": request, "id": 1, "secret": "mine", **fields})

    def told(self, what, **fields):
        """Waits for an event at the event handlers."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for told in list(self.web.told):
                data = told["event"].get("data", {})
                if what in (data.get("event"), data.get("status")) and all(data.get(k) == v for k, v in fields.items()):
                    return told
            time.sleep(0.05)
        raise TimeoutError("event handlers were not told %s %s: %s" % (what, fields, self.web.told))

    def test_event_handlers_are_told_of_rooms_segments_and_viewers(self):
        made = self.ask("create", id=77, avatar="probe", secret="mine")["id"]
        self.told("created", id=made)
        self.ask("edit", id=made, new_description="x")
        self.told("edited", id=made, description="x")
        viewer = self.watch()
        number = viewer.started["result"]["viewer"]
        told = self.told("joined", viewer=number)
        self.assertEqual(told["handle_id"], viewer.handle)
        self.ask("enqueue", file="two.avi", segment="mine")
        for event in ("queued", "ready", "started", "finished"):
            self.told(event, segment="mine")
        self.ask("disable")
        self.told("disabled", id=1)
        self.ask("enable")
        self.told("enabled", id=1)
        viewer.leave()
        left = self.told("left", viewer=number)
        self.assertNotIn("handle_id", left)  # else Janus may drop it
        self.assertGreater(left["event"]["data"]["sent"]["video_packets"], 0)
        self.ask("destroy", id=made)
        self.told("destroyed", id=made)

    def test_event_handlers_get_a_viewers_final_figures(self):
        viewer = self.watch()
        number = viewer.started["result"]["viewer"]
        viewer.pli()
        viewer.claims = iter([0.1])

        def figures():
            return self.ask("stats", viewer=number)["viewers"][0]

        viewer.wait(lambda v: (f := figures())["received"]["video"]["lost"] and f["sent"]["plis"] and f["join_ms"] or time.sleep(0.1))
        before = figures()
        viewer.leave()
        left = self.told("left", viewer=number)["event"]["data"]
        self.assertEqual(left["join_ms"], before["join_ms"])
        self.assertEqual(left["slow_links"], before["slow_links"])
        self.assertGreaterEqual(left["connected_ms"], before["media_ms"])
        self.assertNotIn("media_ms", left)          # it would be the room's
        for group, name in (("sent", "video_bytes"), ("sent", "plis"), ("sent", "anchors")):
            self.assertGreaterEqual(left[group][name], before[group][name])
        for kind in ("audio", "video"):
            self.assertEqual(left["received"][kind].keys(), before["received"][kind].keys())
            self.assertGreaterEqual(left["received"][kind]["lost"], before["received"][kind]["lost"])
        self.assertNotIn("quality", left)           # there is only one

    def test_a_disabled_room_relays_nothing_and_goes_on_at_an_entry(self):
        viewer = self.watch()
        self.ask("disable")
        sent = self.ask("stats")["viewers"][0]["sent"]
        viewer.wait(lambda v: (len(v.video.packets), len(v.audio.packets)) == (sent["video_packets"], sent["audio_packets"]))
        count = len(viewer.video.packets), len(viewer.audio.packets)
        late = self.gateway.watch({"id": 1})
        time.sleep(0.5)
        self.assertEqual((len(viewer.video.packets), len(viewer.audio.packets)), count)
        self.assertIsNone(late.video)
        self.ask("enable")
        viewer.wait(lambda v: len(v.video.packets) > count[0] + 20)
        late.wait(lambda v: v.video and len(v.video.packets) > 20)
        for each in (viewer, late):
            each.leave()
            self.assert_continuous(each)

    def test_kick_all_hangs_up(self):
        viewers = [self.watch() for _ in range(2)]
        self.assertEqual(self.ask("kick_all")["kicked"], 2)
        for viewer in viewers:
            viewer.wait(lambda v: v.dtls.state == "closed")
            viewer.leave()
        self.await_viewers(0)
        self.watch().leave()

    def test_stats_of_a_viewer(self):
        viewer = self.watch()
        time.sleep(0.5)
        stats = self.ask("stats")
        entry = stats["viewers"][0]
        self.assertEqual((entry["state"], entry["media"], entry["paused"], entry["slow_links"]), ("watching", True, False, 0))
        self.assertGreater(entry["sent"]["pictures"], 5)
        self.assertGreaterEqual(entry["media_ms"], 400)
        self.assertGreater(entry["join_ms"], 0)
        while not self.ask("stats")["received"]["video"]["reports"]:        # aiortc sends one a second
            time.sleep(0.05)
        received = self.ask("stats")["viewers"][0]["received"]
        self.assertEqual((received["video"]["lost"], received["video"]["lost_percent"]), (0, 0))
        self.assertGreaterEqual(received["video"]["jitter_ms"], 0)
        viewer.leave()
        self.await_viewers(0)
        after = self.ask("stats")
        self.assertEqual(after["viewers"], [])
        self.assertGreaterEqual(after["sent"]["video_packets"], entry["sent"]["video_packets"])
        self.assertGreaterEqual(after["received"]["video"]["reports"], 1)
        self.assertGreaterEqual(sum(after["joins"]["media"]["counts"]), 1)
        self.assertGreater(sum(after["lateness"]["audio"]["counts"]), 0)

    def test_trusted_observers_are_told_of_viewers(self):
        handles = [self.hosted.server.attach() for _ in range(2)]
        for handle, fields in zip(handles, ({"secret": "mine"}, {})):
            self.addCleanup(handle.detach)
            self.assertEqual(handle.request({"request": "observe", "id": 1, **fields})["result"]["status"], "observing")
        viewer = self.watch()
        joined = handles[0].events.wait(lambda e: e.get("event") == "joined")
        self.assertEqual(joined["viewers"], 1)
        viewer.leave()
        handles[0].events.wait(lambda e: e.get("event") == "left" and e["viewer"] == joined["viewer"])
        self.ask("disable")
        self.addCleanup(self.ask, "enable")
        handles[1].events.wait(lambda e: e.get("event") == "disabled")
        self.assertFalse([e for e in handles[1].events.data() if e.get("event") in ("joined", "left")])

    def test_ice_restart(self):
        viewer = self.watch()
        credentials = lambda sdp: [line for line in sdp.splitlines() if line.startswith("a=ice-ufrag")]
        origin = lambda sdp: [line for line in sdp.splitlines() if line.startswith("o=")][0].split()
        offer = self.gateway._do(self.gateway._message(
            viewer.handle, {"request": "watch", "id": 1, "restart": True}, want="jsep"))
        self.assertNotEqual(credentials(offer["sdp"]), credentials(viewer.offer))
        self.assertEqual([int(origin(s)[2]) for s in (viewer.offer, offer["sdp"])], [1, 2])
        self.assertEqual(origin(offer["sdp"])[1], origin(viewer.offer)[1])
        count = len(viewer.video.packets)
        viewer.wait(lambda v: len(v.video.packets) > count + 20)   # media go on meanwhile
        viewer.leave()
        self.assert_continuous(viewer)


if __name__ == "__main__":
    unittest.main()
