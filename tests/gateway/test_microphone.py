# SPDX-License-Identifier: GPL-3.0-or-later
"""Viewers that are listened to: their connection, what is reported of them, and what they do to a room."""
import asyncio
import os
import random
import re
import subprocess
import time
import unittest

import echo_room
from hosted_room import HostedRoom
from media_case import Case
import marks
from viewers import Gateway, Refused

LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
QUIET, LOUD = -70, -25
LATE_S = 10     # no packet is so late


def setUpModule():
    Case.hosted = HostedRoom(size=64, kbps=100, general="max_microphones_per_room = 3", room="barge_in = 200")
    unittest.addModuleCleanup(lambda: Case.hosted.close())


def voice(frames):
    """Levels that go up and down as speech does."""
    return [LOUD + random.randint(-5, 5) for _ in range(frames)]


def quiet(frames):
    return [QUIET + random.randint(-1, 1) for _ in range(frames)]


class Microphones(Case):
    def setUp(self):
        super().setUp()
        self.wait_microphones(0)        # those of the test before may still be leaving
        self.gateway.observe({"id": 1})
        random.seed(1)

    def line(self, sdp, kind="audio"):
        return next(part for part in sdp.split("m=") if part.startswith(kind))

    def start_segment(self):
        file = "long.mp4"
        path = f"{self.hosted.segments}/{file}"
        marks.write_mp4(path, 20, 64) if not hasattr(Microphones, "made") else None
        Microphones.made = True
        since = len(self.gateway.events)
        segment = self.enqueue(file)
        self.gateway.wait_event("started", since, segment=segment)
        return segment

    def event(self, name, since=0, **fields):
        return self.gateway.wait_event(name, since, **fields)[1]

    def test_the_offer(self):
        """It makes the line of sound sendrecv, with levels; and back again, to the same bytes."""
        viewer = self.watch()
        before = viewer.offer
        self.assertNotIn(LEVEL, before)
        self.assertIn("a=sendonly", self.line(before))
        viewer.listen()
        self.assertIn("a=sendrecv", self.line(viewer.offer))
        self.assertIn(LEVEL, self.line(viewer.offer))
        self.assertIn("a=sendonly", self.line(viewer.offer, "video"))
        viewer.listen_no_more()
        plain = lambda sdp: [l for l in sdp.split("\r\n") if not re.match(r"o=|a=candidate|a=end-of", l)]
        self.assertEqual(plain(viewer.offer), plain(before))
        self.assert_continuous(viewer)
        viewer.leave()

    def test_it_goes_on_being_watched(self):
        viewer = self.watch()
        viewer.listen()
        count = len(viewer.video.packets)
        viewer.wait(lambda v: len(v.video.packets) > count + 20)
        self.assert_continuous(viewer)
        viewer.leave()

    def test_without_sound_a_line_of_its_own(self):
        viewer = self.gateway.watch({"id": 1, "offer_audio": False})
        viewer.listen("sendonly")
        self.assertIn("a=recvonly", self.line(viewer.offer))
        viewer.speak(quiet(30) + voice(20))
        self.event("viewer_speaking")
        viewer.leave()

    def test_speaking_and_silent(self):
        viewer = self.watch()
        viewer.listen()
        since = len(self.gateway.events)
        viewer.speak(quiet(60))
        self.assertFalse([e for _, e in self.gateway.events[since:] if e["event"].startswith("viewer_")])
        viewer.speak(voice(30))
        self.event("viewer_speaking", since)
        viewer.speak(quiet(60))
        self.event("viewer_silent", since)
        viewer.leave()

    def test_packets_stop(self):
        viewer = self.watch()
        viewer.listen()
        since = len(self.gateway.events)
        viewer.speak(quiet(60) + voice(30))
        self.event("viewer_silent", since)
        viewer.leave()

    def test_it_barges_in(self):
        viewer = self.watch()
        viewer.listen()
        segment = self.start_segment()
        viewer.speak(quiet(60))
        since = len(self.gateway.events)
        viewer.speak(voice(30))
        barged = self.event("barged_in", since)
        self.event("interrupted", since, segment=segment)
        self.assertGreater(barged["viewer"], 0)
        viewer.leave()

    def talk(self):
        """The avatar speaks for long; returns the level of each of its packets."""
        subprocess.run([os.environ["DH_TALKER"], "--size", "64x64", "-o", f"{self.hosted.segments}/talk.nut", echo_room.AVATAR],
                       check=True)
        self.hosted.warm("talk.nut")
        prepared = self.hosted.prepared("talk.nut")
        since = len(self.gateway.events)
        self.gateway.wait_event("started", since, segment=self.enqueue("talk.nut"))
        return {unit.data: 1 - loudness for unit, loudness in zip(prepared.audio, prepared.loudness)}

    def echo(self, viewer, levels, gain_db, seconds, delay_s=0.2):
        """What it gets comes back from its microphone, as from a loudspeaker: 20 ms by 20 ms what was due so long ago, by the
        time of the packet that was the least late. A busy machine makes that late, but nothing else of it. Returns how much
        was speech."""
        async def run():
            loop, spoken, taken, played, least, first = asyncio.get_running_loop(), 0, 0, {}, float("inf"), None

            def take():
                nonlocal taken, least
                for packet in viewer.audio.packets[taken:]:
                    at_s = (packet.ts - viewer.rtp_start["audio"]) % (1 << 32) / 48000
                    least = min(least, packet.arrival - at_s)
                    played[round(at_s / 0.02)] = levels.get(packet.payload)
                taken = len(viewer.audio.packets)

            start = loop.time()
            for number in range(int(50 * seconds)):
                await asyncio.sleep(max(0, start + number * 0.02 - loop.time()))
                take()
                if first is None:
                    first = int((time.time() - least - delay_s) / 0.02)
                while max(played) < first + number and time.time() < least + (first + number) * 0.02 + LATE_S:
                    await asyncio.sleep(0.005)
                    take()
                level = played.get(first + number)
                spoken += level is not None and level > QUIET
                await viewer._say(QUIET if level is None else max(level + gain_db, QUIET), b"\xf8" + bytes(range(40)), 0, True)
            return spoken / 50
        return self.gateway._do(run(), 60 + seconds)

    def test_an_echo_does_not(self):
        """Who has no headphones hears the avatar, and so does the microphone: that interrupts nothing, as loud as the
        avatar or quieter. Another viewer, who really speaks, does."""
        self.gateway.request({"request": "edit", "id": 1, "new_barge_in": 300})
        self.addCleanup(lambda: self.gateway.request({"request": "edit", "id": 1, "new_barge_in": 200}))
        viewer, other = self.watch(), self.watch()
        for each in (viewer, other):
            each.listen()
        since, levels = len(self.gateway.events), self.talk()
        spoken = [self.echo(viewer, levels, gain_db, 6) for gain_db in (0, -10)]
        self.assertEqual([e for _, e in self.gateway.events[since:] if e["event"] in ("barged_in", "interrupted", "finished")], [])
        self.assertGreater(min(spoken), 3)
        other.speak(quiet(60) + voice(40))
        self.assertEqual(self.event("barged_in", since)["viewer"], other.started["result"]["viewer"])
        self.event("interrupted", since)
        for each in (viewer, other):
            each.leave()

    def test_it_holds(self):
        self.gateway.request({"request": "edit", "id": 1, "new_barge_in_mode": "hold"})
        self.addCleanup(lambda: self.gateway.request({"request": "edit", "id": 1, "new_barge_in_mode": "interrupt"}))
        viewer = self.watch()
        viewer.listen()
        segment = self.start_segment()
        since = len(self.gateway.events)
        viewer.speak(quiet(60) + voice(60))
        self.assertEqual(self.event("barged_in", since)["mode"], "hold")
        self.event("holding", since, segment=segment)
        self.gateway.request({"request": "resume", "id": 1})
        viewer.speak(quiet(60))
        barged = [e for _, e in self.gateway.events[since:] if e["event"] == "barged_in"]
        self.assertEqual(len([e for e in barged if e["handle"] == viewer.handle]), 1)
        viewer.leave()

    def test_a_click_does_not(self):
        viewer = self.watch()
        viewer.listen()
        self.start_segment()
        since = len(self.gateway.events)
        for _ in range(4):
            viewer.speak(quiet(30) + voice(2))
        viewer.speak(quiet(30))
        self.assertFalse([e for _, e in self.gateway.events[since:] if e["event"] in ("barged_in", "interrupted")])
        viewer.leave()

    def test_who_never_asked_is_not_heard(self):
        viewer = self.watch()
        viewer.sent = {"seq": 1, "ts": 1}
        since = len(self.gateway.events)
        viewer.speak(quiet(30) + voice(30))
        viewer.speak(quiet(10))
        self.assertFalse([e for _, e in self.gateway.events[since:] if e["event"].startswith("viewer_")])
        viewer.leave()

    def test_limit(self):
        viewers = [self.watch() for _ in range(4)]
        for viewer in viewers[:3]:
            viewer.listen()
        with self.assertRaisesRegex(Refused, "464.*max_microphones_per_room"):
            viewers[3].listen()
        viewers[0].leave()
        self.wait_microphones(2)
        viewers[3].listen()
        for viewer in viewers[1:]:
            viewer.leave()
        self.wait_microphones(0)

    def wait_microphones(self, count):
        end = time.monotonic() + 60
        while self.gateway.request({"request": "info", "id": 1})["info"]["microphones"] != count:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_the_floor(self):
        """First come; then the next who waits, when it is given back; the secret gives it to anyone."""
        room = {"id": 1}
        self.gateway.request({"request": "edit", **room, "new_barge_in_by": "one", "new_floor_ms": 0, "new_floor_silence_ms": 0})
        first, second = self.watch(), self.watch()
        numbers = []
        for viewer, place in ((first, "yours"), (second, "waiting")):
            viewer.listen()
            answer = viewer.request({"request": "ask_floor"})
            self.assertEqual(answer.get("floor"), place, answer)
            numbers.append(answer["viewer"])
        segment = self.start_segment()
        since = len(self.gateway.events)
        second.speak(quiet(60) + voice(40) + quiet(30))
        self.event("viewer_speaking", since, viewer=numbers[1])
        self.assertFalse([e for _, e in self.gateway.events[since:] if e["event"] == "barged_in"])
        first.request({"request": "leave_floor"})
        self.event("floor_given", since, viewer=numbers[1])
        second.speak(voice(40))
        self.event("interrupted", since, segment=segment)
        self.gateway.request({"request": "give_floor", **room, "viewer": numbers[0]})
        self.assertEqual(self.gateway.request({"request": "floor", **room})["viewer"], numbers[0])
        self.gateway.request({"request": "take_floor", **room})
        self.assertIsNone(self.gateway.request({"request": "floor", **room})["viewer"])
        with self.assertRaisesRegex(Refused, "466"):
            self.gateway.request({"request": "give_floor", **room, "viewer": 999})
        self.gateway.request({"request": "edit", **room, "new_barge_in_by": "all", "new_floor_ms": 60000, "new_floor_silence_ms": 15000})
        with self.assertRaisesRegex(Refused, "460"):
            first.request({"request": "ask_floor"})
        for viewer in (first, second):
            viewer.leave()

    def test_who_waits_and_waits_no_more(self):
        """Refused, of its own accord, gone, and since there is none any more: each has its event, and how long it waited is known."""
        room, edit = {"id": 1}, {"request": "edit", "id": 1}
        self.gateway.request({**edit, "new_barge_in_by": "named", "new_floor_silence_ms": 0, "new_floor_ms": 0})
        viewers = [self.watch() for _ in range(5)]
        numbers, since = [], len(self.gateway.events)
        for viewer in viewers:
            numbers.append(viewer.request({"request": "ask_floor"})["viewer"])
            time.sleep(0.02)
        answer = self.gateway.request({"request": "floor", **room})
        self.assertEqual((answer["viewer"], answer["waiting"], answer["speaking"]), (None, numbers, []))
        self.assertEqual(sorted(answer["waited_ms"], reverse=True), answer["waited_ms"])
        self.assertGreaterEqual(answer["waited_ms"][0], 100)
        self.assertNotIn("had_ms", answer)
        self.gateway.request({"request": "give_floor", **room, "viewer": numbers[0]})
        viewers[0].listen()
        viewers[0].speak(quiet(60) + voice(30))
        self.event("viewer_speaking", since, viewer=numbers[0])
        for reason, end in (("taken", lambda: self.gateway.request({"request": "take_floor", **room, "viewer": numbers[1]})),
                            ("given_back", lambda: viewers[2].request({"request": "leave_floor"})), ("left", viewers[3].leave)):
            end()
            self.assertTrue(self.event("floor_ended", since, reason=reason)["waited"])
        answer = self.gateway.request({"request": "floor", **room})
        self.assertEqual((answer["viewer"], answer["waiting"]), (numbers[0], numbers[4:]))
        self.assertGreater(answer["had_ms"], answer["silent_ms"])
        self.gateway.request({**edit, "new_barge_in_by": "all", "new_floor_silence_ms": 15000, "new_floor_ms": 60000})
        self.assertTrue(self.event("floor_ended", since, viewer=numbers[4], reason="edited")["waited"])
        self.assertNotIn("waited", self.event("floor_ended", since, viewer=numbers[0], reason="edited"))
        for viewer in viewers[:3] + viewers[4:]:
            viewer.leave()

    def test_a_long_speech_is_no_silence(self):
        """Who speaks without a pause for longer than `floor_silence_ms` keeps the floor until it is silent."""
        edit = {"request": "edit", "id": 1}
        self.gateway.request({**edit, "new_barge_in_by": "named", "new_floor_silence_ms": 0, "new_floor_ms": 0})
        viewer = self.watch()
        viewer.listen()
        since = len(self.gateway.events)
        viewer.speak(quiet(60) + voice(10))
        number = self.event("viewer_speaking", since)["viewer"]
        self.gateway.request({"request": "give_floor", "id": 1, "viewer": number})
        self.gateway.request({**edit, "new_floor_silence_ms": 100})
        viewer.speak(voice(100))
        self.event("floor_ended", since, reason="silence")
        names = [e["event"] for _, e in self.gateway.events[since:]]
        self.assertLess(names.index("viewer_silent"), names.index("floor_ended"), names)
        self.gateway.request({**edit, "new_barge_in_by": "all", "new_floor_silence_ms": 15000, "new_floor_ms": 60000})
        viewer.leave()

    def test_refusals(self):
        viewer = self.gateway.ask_for_offer({"id": 1})
        for body, code in (({"request": "configure", "microphone": 1}, 454),
                           ({"request": "configure", "microphone": True}, 460)):
            with self.assertRaisesRegex(Refused, str(code)):
                self.gateway._do(self.gateway._message(viewer, body))
        for fields in ({"new_barge_in": 99}, {"new_barge_in": 5001}, {"new_barge_in_by": "some"},
                       {"new_barge_in_mode": "stop"},
                       {"new_floor_ms": -1}, {"new_floor_silence_ms": 86400001}):
            with self.assertRaisesRegex(Refused, "454.*" + next(iter(fields))):
                self.gateway.request({"request": "edit", "id": 1, **fields})

    def test_noise_on_the_line(self):
        """What is no sound of the agreed kind is counted, and does nothing."""
        viewer = self.watch()
        viewer.listen()
        for payload in (b"", b"\x00", b"\xff", b"\x03\x3f" + bytes(10), bytes(1200)):
            viewer.say(LOUD, payload)
        viewer.say(LOUD, extension=False)
        viewer.speak(quiet(20))
        viewer.wait(lambda v: sum(self.microphone(v)[name] for name in ("packets", "refused")) == 26)
        microphone = self.microphone(viewer)
        self.assertEqual((microphone["refused"], microphone["without_level"], microphone["packets"]), (3, 1, 23))
        self.assertFalse(microphone["speaking"])
        viewer.leave()

    def microphone(self, viewer):
        number = viewer.started["result"]["viewer"]
        return self.gateway.request({"request": "stats", "id": 1, "viewer": number})["viewers"][0]["microphone"]


if __name__ == "__main__":
    unittest.main()
