# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of media have in common: a room to play in, and how to judge what came."""
import time
import unittest

import numpy as np

import dhs
import rtp
from hosted_room import AT_ONCE_S
from viewers import Gateway


class Case(unittest.TestCase):
    hosted = None  # the module's

    def setUp(self):
        self.gateway = Gateway(self.hosted.server.ws)
        self.enterContext(self.gateway)
        self.addCleanup(self.idle)

    def idle(self):
        """Removes whatever a test has left in the room's queue."""
        self.gateway.request({"request": "interrupt", "id": 1})

    def watch(self, room=1, pictures=10, change=None, **more):
        viewer = self.gateway.watch({"id": room, **more}, change=change)
        viewer.wait(lambda v: v.video and v.audio and len({p.ts for p in v.video.packets}) >= pictures)
        return viewer

    def enqueue(self, file, room=1, **more):
        return self.gateway.request({"request": "enqueue", "id": room, "file": file, **more})["segment"]

    def play(self, file, room=1, end="finished", timeout=60, more_ms=0, **more):
        """Plays a prepared segment to its end; returns its events by name, once each viewer of the room has got all of it,
        and so much of what follows."""
        self.hosted.warm(file)
        since = len(self.gateway.events)
        segment = self.enqueue(file, room, **more)
        ended = self.gateway.wait_event(end, since, timeout, segment=segment)[1]
        self.wait_until(ended["media_ms"] + more_ms, room)
        return {e["event"]: e for _, e in self.gateway.events[since:] if e.get("segment") == segment}

    def wait_until(self, media_ms, room=1):
        """Until each viewer of the room has got all that is sent before that media time."""
        for viewer in [v for v in self.gateway.viewers if v.room == room]:
            viewer.wait_until(media_ms)

    # ------------------------------------------------------------- judgements
    def assert_continuous(self, viewer):
        """Sequence numbers have no gaps and times no jumps, whatever has played."""
        for stream in (viewer.audio, viewer.video):
            self.assertEqual(stream.missing(), (0, 0, 0), stream.kind)
            self.assertTrue(np.all(np.diff(stream.media_times()) >= 0), stream.kind + " timestamps fall")
            line = rtp.Line(stream)
            self.assertLess(line.late_ms.max(), 1000 * AT_ONCE_S, stream.kind + " timestamps against arrival")
        pictures = rtp.pictures(viewer.video)
        self.assertNotIn(None, [p.data for p in pictures])
        self.assertTrue(pictures[0].key, "the first picture is no key frame")
        ids = rtp.unwrap([p.picture_id for p in pictures], 15)
        self.assertTrue(np.all(np.diff(ids) == 1), "picture IDs have gaps")
        # what needs the picture before it is in layer 1, and has the index of the one that it goes back to
        steps = np.diff(rtp.unwrap([p.tl0picidx for p in pictures], 8))
        self.assertTrue(np.all(steps == [p.tid == 0 for p in pictures[1:]]), "TL0PICIDX has gaps")
        self.assertEqual({p.tid for p in pictures if p.key}, {0})
        self.assertLessEqual({p.tid for p in pictures}, {0, 1})
        grid = {round((p.ts - viewer.audio.packets[0].ts) % (1 << 32)) % 960 for p in viewer.audio.packets}
        self.assertEqual(grid, {0}, "sound is off the 20 ms grid")
        return pictures

    def assert_decodes_as_prepared(self, pictures, prepared):
        """Checks that every picture decodes to the same as in its segment alone."""
        expected = {}
        for segment in prepared:
            alone = rtp.decode_pictures([segment.anchor] + [u.data for u in segment.video])
            for data, picture in zip([segment.anchor] + [u.data for u in segment.video], alone):
                expected[segment.anchor, data] = picture
        anchor, seen = None, rtp.decode_pictures([p.data for p in pictures])
        for number, (picture, frame) in enumerate(zip(pictures, seen)):
            anchor = picture.data if picture.key else anchor
            self.assertIn((anchor, picture.data), expected, f"picture {number} was never prepared")
            self.assertTrue(np.array_equal(frame, expected[anchor, picture.data]), f"picture {number} decodes wrongly")

    def find_run(self, what, got, units):
        """Where all the units' bytes are first among those received, in order and without a gap."""
        wanted = [u.data for u in units]
        begins = [i for i, data in enumerate(got) if data == wanted[0] and got[i:i + len(wanted)] == wanted]
        self.assertTrue(begins, f"{what}: not all {len(wanted)} units came in order")
        return begins[0]

    def find(self, pictures, prepared):
        """Where a prepared segment's first picture is among those received; its first
        few pictures tell it from others that begin alike."""
        return self.find_run("pictures", [p.data for p in pictures], prepared.video[:5])

    def assert_whole(self, viewer, pictures, prepared, video=None):
        """All pictures (or the first `video`) and all sound of it, in order and on its own times."""
        units = prepared.video[:video]
        if units:
            shown = [p for p in pictures if not p.key]
            at = self.find_run("pictures", [p.data for p in shown], units)
            got = shown[at:at + len(units)]
            times = np.array([viewer.video.media_time(p.ts) for p in got])
            self.assertLess(np.abs(times - times[0] - [u.pts / dhs.TICKS for u in units]).max(), 2 / 90000)
        if prepared.audio:
            first = self.find_run("sound", [p.payload for p in viewer.audio.packets], prepared.audio)
            if units:
                self.assert_together(viewer, got[0].ts, viewer.audio.packets[first].ts)

    def assert_together(self, viewer, picture, sound, delta=0.001):
        """Checks that a picture and a sound with these timestamps (or media times, if not integers) are at the same
        time in the room, to within a packet of sound."""
        least, most = rtp.offset_by_order(viewer.audio, viewer.video)
        self.assertTrue(least - 0.001 <= most <= least + 0.021, f"not sent in the order of time: {least} to {most}")
        picture, sound = (stream.media_time(t) if isinstance(t, int) else t
                          for stream, t in ((viewer.video, picture), (viewer.audio, sound)))
        self.assertTrue(least - delta <= picture - sound <= most + delta,
                        f"picture and sound are apart: {picture - sound} is not between {least} and {most}")

    def wait_still(self, *viewers, timeout=60):
        """Waits until none of them has received anything for a second; an idle room sends sound every 400 ms."""
        end = time.monotonic() + timeout
        count = lambda: sum(len(s.packets) for v in viewers for s in v.streams.values())
        while True:
            before = count()
            time.sleep(1)
            if count() == before:
                return
            self.assertLess(time.monotonic(), end, "packets go on coming")
