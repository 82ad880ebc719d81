# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a segment ends the avatar idles on, and where it listens it moves over, cross-faded if it asks for that: what
viewers really see."""
import base64
import math
import os
import shutil
import tempfile
import time
import unittest

import numpy as np

import dhs
import poses
import rtp
from janus_server import free_ports
from media_case import Case
from hosted_room import HostedRoom
from prepared import Prepared
from pushing import Push

SIZE, SECONDS = 128, 3
MORE = """
avatar-fading: { width = 128 height = 128 idle = "IDLE" listening = "LISTENING" kbps = 800 fade_ms = 400 }
room-fading: { id = 3 avatar = "fading" }
room-waiting: { id = 4 avatar = "fading" seam_wait_ms = 1500 }
"""
hosted = port = None


def setUpModule():
    global hosted, port
    work = tempfile.mkdtemp(prefix="dh-idle-")
    unittest.addModuleCleanup(shutil.rmtree, work)
    idle = poses.write_idle(os.path.join(work, "idle.nut"), SIZE)
    port, = free_ports(1)
    listening = poses.write(os.path.join(work, "listening.nut"),
                            [poses.picture(SIZE, 0.8 + 0.03 * math.sin(math.pi * n / 25), 0.62) for n in range(50)])
    hosted = Case.hosted = HostedRoom(SIZE, idle=idle, more=MORE.replace("IDLE", idle).replace("LISTENING", listening),
                                      general=f'push_listen = "127.0.0.1:{port}"')
    unittest.addModuleCleanup(hosted.close)
    hosted.server.wait_for_state(hosted.handle, 3, "idle")
    poses.write_speech(f"{hosted.segments}/speech.nut", SIZE, SECONDS)
    poses.write(f"{hosted.segments}/far.nut", [poses.picture(SIZE, 0.78 - n / 300, 0.6, 0.02) for n in range(25)], wave=True)
    hosted.warm("speech.nut")
    hosted.warm("far.nut")


class Seams(Case):
    def push(self, path, room):
        push = Push(("127.0.0.1", port), {"room": room})
        self.addCleanup(push.close)
        with open(path, "rb") as file:
            push.send(file.read())
        push.end()
        return push.event("queued")["segment"]

    def play(self, room, begin=None):
        """A viewer's pictures while the segment plays and for a second afterwards; where its last one is."""
        viewer = self.watch(room)
        since = len(self.gateway.events)
        segment = begin() if begin else self.enqueue("speech.nut", room)
        ended = self.gateway.wait_event("finished", since, segment=segment)[1]
        viewer.wait_until(ended["media_ms"] + 1200)
        viewer.leave()
        pictures = self.assert_continuous(viewer)
        self.assertEqual([p.key for p in pictures].count(True), 1, "a seam needed a key frame")
        known = {u.data for u in hosted.idle().video}
        first = next(i for i, p in enumerate(pictures) if not p.key and p.data not in known)
        return viewer, pictures, first + SECONDS * 25 - 1

    def steps(self, pictures, at):
        return poses.steps(rtp.decode_pictures([p.data for p in pictures])[at:], SIZE)

    def test_cut(self):
        """Without fade_ms the clip itself follows."""
        _, pictures, at = self.play(1)
        known = {u.data for u in hosted.idle().video}
        self.assertTrue(all(p.data in known for p in pictures[at + 1:]))
        within = max(poses.steps(rtp.decode_pictures([hosted.idle().anchor, *(u.data for u in hosted.idle().video)])[1:],
                                 SIZE))
        self.assertGreater(self.steps(pictures, at)[0], 6 * within)

    def test_fade(self):
        self.check_fade(*self.play_until_faded())

    def test_fade_after_what_is_pushed(self):
        """Encoded here, and encoded beside the generator: no worker of the gateway has seen that."""
        for path in (f"{hosted.segments}/speech.nut", hosted.prepared_path("speech.nut")):
            with self.subTest(path):
                self.check_fade(*self.play_until_faded(lambda: self.push(path, 3)))

    def play_until_faded(self, begin=None):
        """A bridge that is not ready in time is left out, as on a very busy machine."""
        known = {u.data for u in hosted.idle().video}
        for _ in range(4):
            viewer, pictures, at = self.play(3, begin)
            if pictures[at + 1].data not in known:
                break
        return viewer, pictures, at

    def check_fade(self, viewer, pictures, at):
        idle = hosted.idle()
        known = [u.data for u in idle.video]
        bridge = [i for i, p in enumerate(pictures) if i > at and p.data not in known]
        self.assertEqual(bridge, list(range(at + 1, at + 11)), "ten pictures lead into the clip")
        back = known.index(pictures[at + 11].data)
        self.assertIn(back, [n for n, u in enumerate(idle.video) if u.flags & 1])
        times = [viewer.video.media_time(p.ts) for p in pictures[at:at + 22]]
        self.assertLess(np.abs(np.diff(times) - 0.04).max(), 2 / 90000, "the pictures are not evenly spaced")
        within = max(poses.steps(rtp.decode_pictures([idle.anchor, *known])[1:], SIZE))
        across = self.steps(pictures, at)
        self.assertLess(max(across), 2 * within)

    def test_fade_for_whoever_comes_in_the_middle(self):
        """Nobody watched when it began. It is repeated, so that there is a middle however long coming takes."""
        known = {u.data for u in [*hosted.idle().video, *dhs.Segment(hosted.prepared_path("speech.nut")).video]}
        self.gateway.observe({"id": 3})
        for _ in range(4):
            since = len(self.gateway.events)
            segment = self.enqueue("speech.nut", 3, repeat=5)
            self.gateway.wait_event("started", since, segment=segment)
            viewer = self.watch(3)
            ended = self.gateway.wait_event("finished", since, segment=segment)[1]
            viewer.wait_until(ended["media_ms"] + 1200)
            viewer.leave()
            bridge = [p for p in self.assert_continuous(viewer) if not p.key and p.data not in known]
            if bridge:
                break
        self.assertEqual(len(bridge), 10)

    def turn(self, viewer, state):
        """The greatest step while it goes over, and how far that leads, which is the step of a cut."""
        begin = len(viewer.video.packets)
        viewer.wait(lambda v: len(v.video.packets) > begin + 60)
        self.gateway.request({"request": "state", "id": 3, "state": state})
        viewer.wait(lambda v: len(v.video.packets) > begin + 130)
        units = rtp.pictures(viewer.video)
        first = next(i for i, p in enumerate(units) if p.ts == viewer.video.packets[begin].ts)
        pictures = rtp.decode_pictures([p.data for p in units])[first:]
        steps = poses.steps(pictures, SIZE)
        return max(steps), poses.steps([pictures[0], pictures[-1]], SIZE)[0]

    def test_fade_between_states(self):
        """The first time the pictures may come too late; then it is a cut."""
        viewer = self.watch(3)
        for _ in range(4):
            turns = [self.turn(viewer, state) for state in ("listening", "idle")]
            if all(most < far / 3 for most, far in turns):
                break
        viewer.leave()
        for most, far in turns:
            self.assertGreater(far, 3, "the clips look the same")
            self.assertLess(most, far / 3)
        self.assertEqual([p.key for p in self.assert_continuous(viewer)].count(True), 1)

    def speak(self, viewer, room):
        """The greatest step into speech, and how far its first picture is from the clip."""
        since = len(self.gateway.events)
        segment = self.enqueue("far.nut", room)
        viewer.wait_until(self.gateway.wait_event("finished", since, segment=segment)[1]["media_ms"])
        first = dhs.Segment(hosted.prepared_path("far.nut")).video[0].data
        units = [p.data for p in rtp.pictures(viewer.video)]
        at = len(units) - 1 - units[::-1].index(first)
        pictures = rtp.decode_pictures(units)[at - 25:at + 5]
        steps = poses.steps(pictures, SIZE)
        return max(steps), poses.steps([pictures[0], pictures[25]], SIZE)[0]

    def test_fade_into_speech(self):
        """Where a segment may wait for its moment. The first time the pictures may come too late."""
        viewer = self.watch(4)
        viewer.wait(lambda v: v.video and len(v.video.packets) > 60)
        for _ in range(4):
            most, far = self.speak(viewer, 4)
            if most < far / 3:
                break
            time.sleep(1)
        self.assertGreater(far, 3, "it begins like the clip")
        self.assertLess(most, far / 3)
        viewer.leave()
        self.assertEqual([p.key for p in self.assert_continuous(viewer)].count(True), 1)

    def test_pushers_are_told_what_is_shown(self):
        viewer = self.watch(3)
        push = Push(("127.0.0.1", port), {"request": "info", "room": 3})
        self.addCleanup(push.close)
        scene = push.wait(lambda line: "info" in line)["info"]["scene"]
        viewer.leave()
        self.assertEqual(scene["length_ms"], 2000)
        shown = Prepared(hosted.idle_path()).luma[scene["position_ms"] // 40]
        self.assertEqual(base64.b64decode(scene["thumbnail"]), shown.tobytes())

    def test_fade_again(self):
        """The second time it comes from the cache; the same pictures."""
        _, first, at = self.play_until_faded()
        _, second, again = self.play_until_faded()
        self.assertEqual([p.data for p in first[at:at + 15]], [p.data for p in second[again:again + 15]])


if __name__ == "__main__":
    unittest.main()
