# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that are not ours, and what they say: answers of all kinds, offers of their own, the Streaming plugin's words.
Against a real Janus, with aiortc."""
import asyncio
import os
import re
import time
import unittest

from aiortc import RTCPeerConnection, RTCSessionDescription

from answers import FINGERPRINT, MANNERS
from hosted_room import HostedRoom
from peer import Peer
from rtp import pictures
from viewers import Gateway, Refused

HERE = os.path.dirname(os.path.abspath(__file__))
hosted = None


def setUpModule():
    global hosted
    hosted = HostedRoom(more='room-full: { id = 3 avatar = "probe" secret = "s" }\n'
                             'room-pin: { id = 4 avatar = "probe" pin = "open" }')
    unittest.addModuleCleanup(hosted.close)


def await_true(condition, timeout=60):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("what must be so is not")
        time.sleep(0.05)


def section(kind, payload, codec, ufrag="abcd", direction="recvonly", port=9):
    return ("m=%s %d UDP/TLS/RTP/SAVPF %d\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=%s\r\na=rtcp-mux\r\na=ice-ufrag:%s\r\n"
            "a=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:active\r\na=rtpmap:%d %s\r\n" % (
                kind, port, payload, kind[0], direction, ufrag, ufrag * 6, FINGERPRINT, payload, codec))


def answer_of(*sections, group="a=group:BUNDLE a v\r\n"):
    return {"type": "answer", "sdp": "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" + group + "".join(sections)}


AUDIO, VIDEO = section("audio", 111, "opus/48000/2"), section("video", 96, "VP8/90000")


class Clients(unittest.TestCase):
    def setUp(self):
        await_true(lambda: self.watching() == 0)        # those of the test before may still be leaving
        self.handle = self.attach()

    def attach(self):
        handle = hosted.server.attach()
        self.addCleanup(handle.detach)
        return handle

    def ask(self, request, jsep=None, handle=None, **fields):
        return (handle or self.handle).request({"request": request, **fields}, jsep)

    def refused(self, code, word, request, jsep=None, handle=None, **fields):
        answer = self.ask(request, jsep, handle, **fields)
        self.assertEqual(answer.get("error_code"), code, answer)
        self.assertIn(word, answer["error"])

    def status(self, name, after=0, handle=None):
        """Waits for that status; the `result`."""
        return (handle or self.handle).events.wait(
            lambda e: e.get("result", {}).get("status") == name, after=after)["result"]

    def watching(self, room=1):
        return self.ask("info", handle=hosted.handle, id=room)["info"]["watching"]

    def offered(self, handle=None, **fields):
        """The kinds that an offer has."""
        message = (handle or self.handle).answer({"request": "watch", "id": 1, **fields})
        return re.findall(r"(?m)^m=(\w+)", message["jsep"]["sdp"])


class Words(Clients):
    """The Streaming plugin's vocabulary."""

    def test_list_and_info(self):
        for room in (self.ask("list")["list"][0], self.ask("info", id=1)["info"]):
            self.assertEqual((room["type"], bool(room["description"])), ("live", True))
            self.assertEqual([(m["mid"], m["type"], m["codec"], m["mindex"], m["pt"]) for m in room["media"]],
                             [("a", "audio", "opus", 0, 111), ("v", "video", "vp8", 1, 96)])
            self.assertNotIn("metadata", room)

    def test_stop_where_there_is_nothing(self):
        self.assertEqual(self.ask("stop")["result"], {"status": "idle"})
        self.offered()
        self.assertEqual(self.ask("stop")["result"]["status"], "stopping")
        self.status("stopped")
        self.assertEqual(self.ask("stop")["result"], {"status": "idle"})

    def test_no_pin(self):
        for given in ("", None):
            with self.subTest(given):
                self.assertEqual(self.ask("watch", handle=self.attach(), id=1, pin=given)["result"]["status"], "preparing")
                self.refused(457, "pin", "watch", id=4, pin=given)
                self.assertIn("list", self.ask("list", admin_key=given))
        self.refused(454, "pin", "watch", id=1, pin=7)
        self.assertEqual(self.ask("observe", id=1, secret=None, token="", pin="")["result"]["status"], "observing")

    def test_what_is_wanted(self):
        for fields, kinds in (({}, ["audio", "video"]), ({"offer_audio": False}, ["video"]), ({"offer_video": False}, ["audio"]),
                              ({"offer_audio": True, "offer_video": True, "offer_data": False}, ["audio", "video"]),
                              ({"media": ["v"]}, ["video"]), ({"media": ["v", "A", "x"]}, ["audio", "video"]),
                              ({"media": []}, ["audio", "video"]), ({"media": ["a"], "offer_audio": False}, ["audio"])):
            with self.subTest(fields):
                self.assertEqual(self.offered(self.attach(), **fields), kinds)
        for fields, word in (({"offer_audio": False, "offer_video": False}, "wanted"), ({"media": ["x"]}, "wanted"),
                             ({"media": [1]}, "media"), ({"media": "a"}, "media"), ({"offer_audio": 1}, "offer_audio")):
            self.refused(454, word, "watch", id=1, **fields)

    def test_watch_again(self):
        self.offered()
        self.refused(460, "stop", "watch", id=1)
        self.refused(460, "switch", "watch", id=2)
        observer = self.attach()
        self.ask("observe", handle=observer, id=1)
        self.refused(460, "stop", "watch", handle=observer, id=1)

    def test_configure(self):
        self.refused(460, "configure", "configure", audio=False)
        self.refused(460, "switch", "switch", id=2)
        self.offered()
        viewer = self.ask("configure", audio=False)["result"]
        self.assertEqual((viewer["event"], viewer["audio"], viewer["video"]), ("configured", False, True))
        for fields, audio, video in (({"mid": "v", "send": False}, False, False), ({"send": True}, True, True),
                                     ({"streams": [{"mid": "a", "send": False}, {"mid": "v", "substream": 2}]}, False, True),
                                     ({"substream": 1, "temporal": 2, "fallback": 250000, "data": False}, False, True)):
            with self.subTest(fields):
                result = self.ask("configure", **fields)["result"]
                self.assertEqual((result["audio"], result["video"]), (audio, video))
        for fields, word in (({"audio": 1}, "audio"), ({"mid": "x", "send": True}, "mid"), ({"streams": [1]}, "streams"),
                             ({"streams": [{"send": True}, {"mid": "a"}]}, "streams"), ({"send": 1}, "send")):
            self.refused(454, word, "configure", **fields)
        result = self.ask("configure")["result"]
        self.assertEqual((result["audio"], result["video"]), (False, True))

    def test_jsep_where_it_does_not_belong(self):
        self.offered()
        self.refused(461, "list", "list", jsep=answer_of(AUDIO, VIDEO))


class Answers(Clients):
    """What an answer takes, is sent, and nothing else."""

    def start(self, jsep, **fields):
        self.offered(**fields)
        return self.ask("start", jsep)

    def test_what_is_taken(self):
        h264 = section("video", 96, "H264/90000")
        for jsep, audio, video in ((answer_of(AUDIO, VIDEO), True, True),
                                   (answer_of(AUDIO, section("video", 96, "VP8/90000", port=0)), True, False),
                                   (answer_of(AUDIO, section("video", 96, "VP8/90000", direction="inactive")), True, False),
                                   (answer_of(AUDIO, h264), True, False), (answer_of(AUDIO), True, False),
                                   (answer_of(section("audio", 111, "opus/48000/2", direction="inactive"), VIDEO), False, True),
                                   (answer_of(section("audio", 111, "opus/48000/2", port=0), VIDEO), False, True),
                                   (answer_of(section("audio", 0, "PCMU/8000"), VIDEO), False, True),
                                   (answer_of(AUDIO, section("video", 120, "VP8/90000")), True, True),
                                   (answer_of(AUDIO, VIDEO, group=""), True, True)):
            with self.subTest(jsep["sdp"]):
                self.handle = self.attach()
                self.takes(jsep, audio, video)

    def takes(self, jsep, audio, video):
        result = self.start(jsep)["result"]
        self.assertEqual((result["status"], result["audio"], result["video"]), ("starting", audio, video))
        path = "/%d/%d" % (self.handle.session.id, self.handle.id)
        info = hosted.server.ask_admin({"janus": "handle_info"}, path)["info"]["plugin_specific"]
        self.assertEqual((info["audio"], info["video"]), (audio, video))

    def test_answers_of_others(self):
        for name, sdp, audio, video in MANNERS:
            with self.subTest(name):
                self.handle = self.attach()
                self.takes({"type": "answer", "sdp": sdp}, audio, video)

    def test_janus_refuses_a_closed_first_line_without_credentials(self):
        """docs/api.md says what helps: to ask for pictures alone."""
        closed = "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:a\r\na=inactive\r\n"
        self.offered()
        refused = self.handle.send({"request": "start"}, answer_of(closed, VIDEO, group="a=group:BUNDLE v\r\n"))
        self.assertEqual(refused.get("error", {}).get("code"), 465, refused)
        self.assertEqual(self.ask("stop")["result"]["status"], "stopping")
        self.status("stopped")
        self.assertEqual(self.offered(offer_audio=False), ["video"])
        self.assertEqual(self.ask("start", answer_of(VIDEO, group="a=group:BUNDLE v\r\n"))["result"]["video"], True)

    def test_what_cannot_be_used_frees_the_place(self):
        apart = answer_of(AUDIO, section("video", 96, "VP8/90000", ufrag="efgh"), group="")
        for jsep, word in ((answer_of(AUDIO.replace("opus", "PCMA"), section("video", 96, "H264/90000")), "VP8"),
                           (answer_of(section("audio", 111, "opus/48000/2", direction="inactive"),
                                      section("video", 96, "VP8/90000", port=0)), "Opus"), (apart, "bundle")):
            with self.subTest(word):
                self.handle = self.attach()
                self.offered()
                before = self.watching()
                self.refused(461, word, "start", jsep)
                self.status("stopped")
                self.assertEqual(self.watching(), before - 1)
                self.assertEqual(self.offered(), ["audio", "video"])

    def test_an_answer_with_pause(self):
        self.offered()
        self.assertEqual(self.ask("pause", answer_of(AUDIO, VIDEO))["result"]["status"], "pausing")
        self.assertEqual(self.ask("start")["result"]["status"], "starting")


class Connections(Clients):
    """With media."""

    def setUp(self):
        super().setUp()
        self.gateway = self.enterContext(Gateway(hosted.server.ws))

    def stats(self, viewer, room=1):
        number = viewer.started["result"]["viewer"]
        return self.ask("stats", handle=hosted.handle, id=room, viewer=number)["viewers"][0]

    def message(self, viewer, body, **more):
        return self.gateway._do(self.gateway._message(viewer.handle, body, **more))

    def wait_status(self, viewer, name):
        async def run():
            while True:
                message = await asyncio.wait_for(self.gateway._queues[viewer.handle].get(), 60)
                result = message.get("plugindata", {}).get("data", {}).get("result", {})
                if result.get("status") == name:
                    return result
        return self.gateway._do(run())

    def test_a_rejected_picture_is_not_sent_nor_counted(self):
        viewer = self.gateway.watch({"id": 1}, change=lambda sdp: re.sub("m=video [0-9]+", "m=video 0", sdp))
        self.assertEqual(viewer.started["result"]["video"], False)
        viewer.wait(lambda v: v.audio and len(v.audio.packets) > 3)
        stats = self.stats(viewer)
        self.assertEqual((stats["audio"], stats["video"]), (True, False))
        self.assertEqual((stats["sent"]["video_packets"], stats["sent"]["pictures"]), (0, 0))
        self.assertGreater(stats["sent"]["audio_packets"], 0)
        self.assertEqual(self.ask("info", handle=hosted.handle, id=1)["info"]["without_video"], 1)
        self.assertIsNone(viewer.video)
        viewer.leave()
        await_true(lambda: self.ask("info", handle=hosted.handle, id=1)["info"]["without_video"] == 0)

    def test_renumbered_payloads_are_followed(self):
        def renumber(sdp):
            audio, video = sdp.split("m=video")
            return audio + "m=video" + re.sub(r"(?<=[ :])9[67]\b", lambda m: "120" if m[0] == "96" else "121", video)
        viewer = self.gateway.watch({"id": 1}, change=renumber)
        viewer.kinds[120] = "video"
        viewer.wait(lambda v: v.video and len(pictures(v.video)) > 50 and v.video.reports)
        self.assertEqual(viewer.video.payload_type, 120)
        report, packets = viewer.video.reports[-1], viewer.video.packets
        stamped = viewer.video.media_time(report.ts) - viewer.video.media_time(packets[0].ts)
        self.assertLess(abs(stamped - (report.arrival - packets[0].arrival)), 1)
        viewer.leave()

    def test_only_pictures(self):
        viewer = self.gateway.watch({"id": 1, "offer_audio": False})
        viewer.wait(lambda v: v.video and len(pictures(v.video)) > 20)
        self.assertIsNone(viewer.audio)
        self.assertEqual(self.stats(viewer)["sent"]["audio_packets"], 0)
        viewer.leave()

    def test_a_new_offer(self):
        viewer = self.gateway.watch({"id": 1})
        viewer.wait(lambda v: v.video and len(v.video.packets) > 20)
        for fields, status in (({}, "preparing"), ({"restart": True}, "updating")):
            async def again():
                offer = await self.gateway._message(viewer.handle, {"request": "watch", "id": 1, **fields}, want="jsep", whole=True)
                self.assertEqual(offer["plugindata"]["data"]["result"]["status"], status)
                if fields:
                    return      # aiortc cannot restart ICE: test_browser.py
                jsep = offer["jsep"]
                await viewer.pc.setRemoteDescription(RTCSessionDescription(jsep["sdp"], jsep["type"]))
                await viewer.pc.setLocalDescription(await viewer.pc.createAnswer())
                local = viewer.pc.localDescription
                started = await self.gateway._message(viewer.handle, {"request": "start"},
                                                      jsep={"type": local.type, "sdp": local.sdp})
                self.assertEqual(started["result"]["status"], "started")
            self.gateway._do(again())
            count = len(viewer.video.packets)
            viewer.wait(lambda v: len(v.video.packets) > count + 20)
        viewer.leave()

    def test_pause_with_the_answer(self):
        viewer = self.gateway.watch({"id": 1}, start={"request": "pause"})
        self.assertEqual(viewer.started["result"]["status"], "pausing")
        await_true(lambda: self.message(viewer, {"request": "start"})["result"]["status"] == "started")
        viewer.wait(lambda v: v.video and len(v.video.packets) > 20)
        viewer.leave()

    def test_configure_stops_and_goes_on(self):
        viewer = self.gateway.watch({"id": 1})
        viewer.wait(lambda v: v.video and len(v.video.packets) > 20)
        self.message(viewer, {"request": "configure", "mid": "v", "send": False})
        await_true(lambda: self.quiet(viewer, "video"))
        viewer.wait(lambda v: v.audio and len(v.audio.packets) > 5)
        self.message(viewer, {"request": "configure", "video": True, "audio": False})
        count = len(viewer.video.packets)
        viewer.wait(lambda v: len(v.video.packets) > count + 20)
        self.assertEqual(viewer.video.missing(), (0, 0, 0))
        self.assertTrue(all(p.data for p in pictures(viewer.video)))
        self.assertEqual(self.stats(viewer)["audio"], False)
        viewer.leave()

    def quiet(self, viewer, kind):
        count = len(getattr(viewer, kind).packets)
        time.sleep(0.5)
        return len(getattr(viewer, kind).packets) == count

    def test_switch(self):
        viewer = self.gateway.watch({"id": 1})
        viewer.wait(lambda v: v.video and len(pictures(v.video)) > 20)
        for room in (2, 1, 2):
            answer = self.message(viewer, {"request": "switch", "id": room})["result"]
            self.assertEqual((answer["switched"], answer["id"]), ("ok", room))
            viewer.started["result"]["viewer"] = answer["viewer"]
            count = len(pictures(viewer.video))
            viewer.wait(lambda v: len(pictures(v.video)) > count + 30)
            self.assertTrue(self.stats(viewer, room)["media"])
        seen = pictures(viewer.video)
        self.assertEqual(viewer.video.missing(), (0, 0, 0))
        self.assertEqual(viewer.audio.missing(), (0, 0, 0))
        self.assertEqual({(b.picture_id - a.picture_id) & 0x7fff for a, b in zip(seen, seen[1:])}, {1})
        self.assertEqual([p.key for p in seen].count(True), 4)
        for stream in (viewer.video, viewer.audio):
            times = stream.media_times()
            self.assertTrue((times[1:] >= times[:-1]).all(), "timestamps go back")
            late = [p.arrival - t for p, t in zip(stream.packets, times)]
            self.assertLess(max(late) - min(late), 1, "timestamps do not follow the clock")
        self.refused(455, "77", "watch", id=77)
        viewer.leave()

    def test_the_viewer_hangs_up(self):
        viewer = self.gateway.watch({"id": 1})
        number = viewer.started["result"]["viewer"]
        self.gateway._do(self.gateway._call({"janus": "hangup", "handle_id": viewer.handle}))
        self.assertEqual(self.wait_status(viewer, "stopped"), {"status": "stopped", "viewer": number})
        self.assertEqual(self.message(viewer, {"request": "stop"})["result"], {"status": "idle"})
        viewer.leave()

    # ------------------------------------------------------- offers of the viewer

    def own_offer(self, kinds, direction="recvonly", **fields):
        """An aiortc peer that makes the offer; (viewer's handle, peer, the answer's message, tracks)."""
        async def run():
            handle = await self.gateway._attach()
            pc, tracks = RTCPeerConnection(), []
            pc.on("track", tracks.append)
            for kind in kinds:
                pc.addTransceiver(kind, direction=direction)
            await pc.setLocalDescription(await pc.createOffer())
            local = pc.localDescription
            message = {"janus": "message", "handle_id": handle, "body": {"request": "watch", "id": 1, **fields},
                       "jsep": {"type": local.type, "sdp": local.sdp}}
            await self.gateway._call(message)
            while True:
                event = await asyncio.wait_for(self.gateway._queues[handle].get(), 60)
                data = event.get("plugindata", {}).get("data", {})
                if "error" in data:
                    await pc.close()
                    raise Refused(data["error_code"], data["error"])
                if "jsep" in event:
                    break
            await pc.setRemoteDescription(RTCSessionDescription(event["jsep"]["sdp"], event["jsep"]["type"]))
            return handle, pc, data["result"], tracks
        return self.gateway._do(run())

    def test_the_viewer_makes_the_offer(self):
        for kinds in (("video", "audio"), ("audio", "video"), ("video",)):
            with self.subTest(kinds):
                handle, pc, result, _ = self.own_offer(kinds)
                self.assertEqual((result["status"], result["audio"], result["video"]), ("starting", "audio" in kinds, True))
                sent = lambda: self.ask("stats", handle=hosted.handle, id=1, viewer=result["viewer"])["viewers"][0].get("sent", {})
                await_true(lambda: sent().get("pictures", 0) > 20)
                self.assertEqual(sent()["audio_packets"] > 0, "audio" in kinds)
                await_true(lambda: pc.connectionState == "connected")
                with self.assertRaisesRegex(Refused, "offers"):
                    self.gateway._do(self.gateway._message(handle, {"request": "watch", "id": 1}))
                self.gateway._do(pc.close())

    def test_an_offer_that_cannot_be_answered(self):
        before = self.watching()
        with self.assertRaisesRegex(Refused, "VP8"):
            self.own_offer(("audio",), direction="sendonly")
        with self.assertRaisesRegex(Refused, "455"):
            self.own_offer(("audio",), id=77)
        self.assertEqual(self.watching(), before)


class GStreamer(Clients):
    """webrtcbin, where it is installed: test_peers.py."""

    def test_it_does_not_bundle(self):
        peer = Peer(["/usr/bin/python3", "-B", os.path.join(HERE, "../support/webrtcbin_viewer.py"), "none"])
        self.addCleanup(peer.close)
        message = self.handle.answer({"request": "watch", "id": 1})
        self.refused(461, "bundle", "start", peer.answer(message["jsep"]))


if __name__ == "__main__":
    unittest.main()
