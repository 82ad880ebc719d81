# SPDX-License-Identifier: GPL-3.0-or-later
"""What viewers receive from a real Janus: every picture, packet and timestamp.

Pictures are judged by bytes: what was prepared is read from the cache (dhs.py),
and everything a viewer gets has to be one of those units, in order, on time, and
has to decode to the same picture as in its segment alone. Times have generous
bounds: how punctual the plugin is, is for bench/ to measure.
"""
import os
import subprocess
import tempfile
import time
import unittest

import numpy as np

import dhs
import marks
import rtp
from media_case import Case
from hosted_room import AT_ONCE_S, HostedRoom, is_speech, prepare

hosted = None


def setUpModule():
    global hosted
    work = unittest.enterModuleContext(tempfile.TemporaryDirectory(prefix="dh-media-"))
    hosted = Case.hosted = HostedRoom(more="""
avatar-wide: { width = 320 height = 192 idle = "%s" }
room-wide: { id = 3 avatar = "wide" }
""" % marks.write_idle(work + "/wide.mp4", 2))
    unittest.addModuleCleanup(hosted.close)
    folder = hosted.segments
    marks.write_mp4(f"{folder}/two.mp4", 2, hosted.size)
    marks.write_mp4(f"{folder}/three.mp4", 3, hosted.size, fps=30)
    marks.write_mp4(f"{folder}/long.mp4", 12, hosted.size, fps=12)
    hosted.warm("two.mp4", "three.mp4", "long.mp4")


class Losses(Case):
    """A browser is not told what a picture refers to but by numbers in RTP, see playout/continuity.h."""

    def test_the_entry_behind_a_lost_one_does_without_it(self):
        # with time enough between its entries for a report
        prepare(f"{hosted.segments}/long.mp4", "--avatar", hosted.idle_path(), "--entry-ms", 3000, "-o", f"{hosted.segments}/rare.dhs")
        viewer, other = self.watch(), self.watch()
        viewer.report()
        lost = []

        def loses(stream, packet):
            """The next entry, as a whole."""
            if stream.kind != "video":
                return False
            descriptor = rtp.descriptor(packet.payload)[0]
            if packet.ts != lost[0].ts if lost else descriptor["tid"] or not descriptor["start"]:
                return False
            lost.append(packet)
            return True

        segment = self.enqueue("rare.dhs", repeat=10)
        self.gateway.wait_event("started", segment=segment)
        viewer.loses = loses
        viewer.wait(lambda v: lost and v.video.packets[-1].ts != lost[0].ts and v.video.lost_so_far())
        viewer.report()
        viewer.wait(lambda v: sum(p.tid == 0 for p in rtp.pictures(v.video) if p.arrival > lost[0].arrival) >= 2)
        stats = self.gateway.request({"request": "stats", "id": 1})
        for one in viewer, other:
            one.leave()
        pictures, lost_is = rtp.pictures(viewer.video), rtp.descriptor(lost[0].payload)[0]
        back = next(i for i, p in enumerate(pictures) if p.tid == 0 and p.arrival > lost[0].arrival)
        self.assertEqual(pictures[back].tl0picidx, lost_is["tl0picidx"])
        self.assertEqual([p.tl0picidx for p in pictures[back:] if p.tid == 0][1], (lost_is["tl0picidx"] + 1) % 256)
        self.assertEqual([p.key for p in pictures].count(True), 1)
        self.assertEqual(sorted(v["sent"]["repairs"] for v in stats["viewers"] if v["media"]), [0, 1])
        self.assertEqual(stats["sent"]["repairs"], 1)
        self.assert_decodes_as_prepared([p for p in pictures if p.arrival < lost[0].arrival] + pictures[back:],
                                        [hosted.idle(), dhs.Segment(f"{hosted.segments}/rare.dhs")])
        self.assert_continuous(other)


class Joins(Case):
    def test_idle_segment_idle_and_back_to_back(self):
        viewer = self.watch()
        prepared = [hosted.idle()]
        for files in (["two.mp4"], ["three.mp4", "two.mp4"]):
            since = len(self.gateway.events)
            names = [self.enqueue(f) for f in files]
            for name in names:
                self.gateway.wait_event("finished", since, segment=name)
            idle = self.gateway.wait_event("idle", since)[1]
            viewer.wait_until(idle["media_ms"] + 700)
        prepared += [hosted.prepared("two.mp4"), hosted.prepared("three.mp4")]
        viewer.wait(lambda v: min(len(v.video.reports), len(v.audio.reports)) >= 2)
        viewer.leave()
        pictures = self.assert_continuous(viewer)
        self.assertEqual([p.key for p in pictures].count(True), 1, "a seam needed a key frame")
        self.assert_decodes_as_prepared(pictures, prepared)
        for segment in prepared[1:]:
            self.assert_whole(viewer, pictures, segment)
        skew = rtp.report_skew_ms(viewer.audio, viewer.video, viewer.moments["connected"] + 2)
        self.assertLess(np.abs(skew).max(), 1000 * AT_ONCE_S, "sender reports are of another time")

    def test_seams_leave_no_gap_and_no_overlap(self):
        viewer = self.watch()
        since = len(self.gateway.events)
        # while the first plays the others are loaded
        _, *names = [self.enqueue(file) for file in ("three.mp4", "two.mp4", "two.mp4")]
        for name in names:
            ended = self.gateway.wait_event("finished", since, segment=name)[1]
        viewer.wait_until(ended["media_ms"] + 300)
        viewer.leave()
        pictures, prepared = rtp.pictures(viewer.video), hosted.prepared("two.mp4")
        at = [viewer.video.media_time(p.ts) for p in pictures if p.data == prepared.video[0].data]
        self.assertEqual(len(at), 2)
        length = -(-prepared.lengths[1] // (dhs.TICKS // 50)) / 50
        self.assertAlmostEqual(at[1] - at[0], length, delta=1 / 90000)
        started = [e["media_ms"] for _, e in self.gateway.events[since:] if e["event"] == "started" and e["segment"] in names]
        self.assertAlmostEqual(started[1] - started[0], length * 1000, delta=1)
        # The picture stands no longer than until the segment's end
        gaps = np.diff([viewer.video.media_time(p.ts) for p in pictures[1:]])
        self.assertLess(gaps.max(), max(0.04, length - prepared.video[-1].pts / dhs.TICKS) + 0.0201)

    def test_silence_between_speech(self):
        viewer = self.watch()
        self.play("two.mp4", more_ms=1500)
        viewer.leave()
        packets = viewer.audio.packets
        last = max(i for i, p in enumerate(packets) if is_speech(p))
        after = packets[last + 1:]
        step = [round((b.ts - a.ts) % (1 << 32) / 960) for a, b in zip(packets[last:], after)]
        self.assertEqual(step[:6], [1] * 6, "five packets of silence and a tiny one follow speech")
        self.assertEqual([len(p.payload) for p in after[:6]], [3] * 5 + [1])
        self.assertLessEqual(max(step), 20, "one packet of silence every 400 ms")
        speech = [i for i, p in enumerate(packets) if is_speech(p)]
        self.assertEqual([p.marker for p in packets], [i == speech[0] for i in range(len(packets))],
                         "the marker is on the first packet of speech")

    def test_segment_of_arrays_at_33_pictures_a_second(self):
        video, audio = marks.write_arrays(hosted.segments, 2, hosted.size)
        prepare("--raw-video", f"bgr24:{hosted.size}x{hosted.size}@33", video,
                "--raw-audio", "f32le:24000:1", audio, "-o", f"{hosted.segments}/arrays.dhs")
        prepared = dhs.Segment(f"{hosted.segments}/arrays.dhs")
        viewer = self.watch()
        self.play("arrays.dhs", more_ms=700)
        viewer.leave()
        pictures = self.assert_continuous(viewer)
        self.assertEqual(len(prepared.video), 66)
        self.assert_whole(viewer, pictures, prepared)
        times = np.array([u.pts for u in prepared.video]) / dhs.TICKS
        self.assertLess(np.abs(times - np.arange(66) / 33).max(), 1e-5)

    def test_marks_meet(self):
        """Decoded as received, flash and beep are where they were in the file, however long packets of sound are."""
        viewers = {20: self.watch(), 60: self.watch(ptime=60),
                   40: self.watch(ptime=60, change=lambda sdp: sdp.replace("m=video", "a=maxptime:59\r\nm=video"))}
        self.play("two.mp4")
        for ptime, viewer in viewers.items():
            viewer.leave()
            with self.subTest(ptime=ptime):
                self.assert_continuous(viewer)
                self.check_marks(viewer)
                speech = [p for p in viewer.audio.packets if len(p.payload) > 3]
                apart = [(b.ts - a.ts) % (1 << 32) / 48 for a, b in zip(speech, speech[1:])]
                self.assertEqual(max(set(apart), key=apart.count), ptime)
        sounds = [sum(len(p.payload) > 3 for p in viewer.audio.packets) for viewer in viewers.values()]
        self.assertLessEqual(sounds[1], sounds[0] / 3 + 2)

    def test_switch_to_a_room_of_another_size(self):
        """The picture goes on with a key frame in the other size, and lips, numbers and times go on."""
        self.gateway.observe({"id": 3})
        self.play("two.mp4", 3)         # so that it is prepared in this size
        viewer, switched = self.watch(), 0
        for room in (3, 1):
            answer = viewer.request({"request": "switch", "id": room})["result"]
            self.assertEqual((answer["switched"], answer["id"]), ("ok", room))
            viewer.room, sounds, switched = room, len(viewer.audio.packets), switched + 1
            viewer.wait(lambda v: sum(p.key for p in rtp.pictures(v.video)) > switched and len(v.audio.packets) > sounds + 5)
            self.play("two.mp4", room, more_ms=500)
        viewer.leave()
        pictures = rtp.pictures(viewer.video)
        for stream in (viewer.video, viewer.audio):
            self.assertEqual(stream.missing(), (0, 0, 0), stream.kind)
            self.assertTrue(np.all(np.diff(stream.media_times()) >= 0), stream.kind + " timestamps fall")
        self.assertTrue(np.all(np.diff(rtp.unwrap([p.picture_id for p in pictures], 15)) == 1), "picture IDs have gaps")
        decoded, keys = rtp.decode_pictures([p.data for p in pictures]), [i for i, p in enumerate(pictures) if p.key]
        self.assertEqual(len(keys), 3)
        parts = list(zip(keys, [*keys[1:], len(pictures)]))
        self.assertEqual([{f.shape for f in decoded[a:b]} for a, b in parts], [{(384, 256)}, {(288, 320)}, {(384, 256)}])
        shown = [flash for a, b in parts for flash in self.flashes(viewer, pictures[a:b], decoded[a:b])]
        self.check_together(viewer, shown, 4)

    @staticmethod
    def flashes(viewer, pictures, decoded):
        luma = [f[:f.shape[0] * 2 // 3].mean() for f in decoded]
        return marks.flashes([viewer.video.media_time(p.ts) for p in pictures], luma)

    def check_marks(self, viewer):
        pictures = rtp.pictures(viewer.video)
        self.check_together(viewer, self.flashes(viewer, pictures, rtp.decode_pictures([p.data for p in pictures])), 2)

    def check_together(self, viewer, shown, count):
        times, samples = [], []
        for packet, x in rtp.decode_sound(viewer.audio.packets):
            times.append(viewer.audio.media_time(packet.ts) + np.arange(len(x)) / 48000)
            samples.append(x)
        heard = marks.beeps(np.concatenate(times), np.concatenate(samples))
        self.assertEqual((len(shown), len(heard)), (count, count))
        for flash, beep in zip(shown, heard):
            self.assert_together(viewer, flash, beep, delta=0.005)


class Viewers(Case):
    def test_two_viewers_receive_the_same(self):
        one = self.watch()
        two = self.watch()
        self.play("two.mp4")
        one.leave()
        two.leave()
        prepared = hosted.prepared("two.mp4")
        for viewer in (one, two):
            self.assert_whole(viewer, self.assert_continuous(viewer), prepared)
        self.assertNotEqual(one.video.packets[0].ts, two.video.packets[0].ts)
        arrivals = [next(p.arrival for p in v.video.packets if p.payload[6:] == prepared.video[0].data[:1182]
                         or prepared.video[0].data.startswith(p.payload[6:])) for v in (one, two)]
        self.assertLess(abs(arrivals[0] - arrivals[1]), AT_ONCE_S)

    def test_a_latecomer_sees_the_running_segment(self):
        early = self.watch()
        segment = self.enqueue("long.mp4", repeat=100)
        self.gateway.wait_event("started", segment=segment)
        time.sleep(0.8)
        late = self.watch()
        self.gateway.request({"request": "skip", "id": 1})
        ended = self.gateway.wait_event("skipped", segment=segment)[1]
        self.wait_until(ended["media_ms"] + 300)
        late.leave()
        early.leave()
        pictures = self.assert_continuous(late)
        self.assert_decodes_as_prepared(pictures, [hosted.idle(), hosted.prepared("long.mp4")])
        units = [u.data for u in hosted.prepared("long.mp4").video]
        self.assertIn(pictures[1].data, units, "the key frame is not followed by the segment")
        self.assertTrue(hosted.prepared("long.mp4").video[units.index(pictures[1].data)].flags & dhs.ENTRY)
        self.assertLess(pictures[0].arrival, late.audio.packets[0].arrival, "the key frame does not come first")

    def test_a_request_for_a_key_frame_is_answered_to_that_viewer_alone(self):
        asking, other = self.watch(), self.watch()
        time.sleep(1.2)
        at = asking.pli()
        asking.wait(lambda v: [p.key for p in rtp.pictures(v.video)].count(True) > 1)
        time.sleep(1.5)
        asking.leave()
        other.leave()
        pictures = self.assert_continuous(asking)
        keys = [p for p in pictures if p.key]
        self.assertEqual(len(keys), 2, "not exactly one key frame more")
        self.assertGreater(keys[1].arrival, at)
        self.assertEqual(keys[1].data, keys[0].data)
        following = pictures[pictures.index(keys[1]) + 1]
        self.assertTrue(0 < following.ts - keys[1].ts <= 90, "the entry does not follow at once")
        self.assert_decodes_as_prepared(pictures, [hosted.idle()])
        self.assertEqual([p.key for p in self.assert_continuous(other)].count(True), 1)

    def test_many_requests_for_a_key_frame_get_few(self):
        viewer = self.watch()
        time.sleep(1.1)
        for _ in range(40):
            viewer.pli()
            time.sleep(0.1)
        viewer.leave()
        keys = [viewer.video.media_time(p.ts) for p in rtp.pictures(viewer.video) if p.key]
        self.assertGreaterEqual(len(keys), 3)
        for number, gap in enumerate(np.diff(keys[1:])):
            self.assertGreaterEqual(gap, min(2 ** number, 4) - 0.002, f"answer {number + 2} comes too soon")
        self.assert_continuous(viewer)

    def test_pause_and_start(self):
        viewer = self.watch()
        viewer.request({"request": "pause"})
        self.wait_still(viewer)
        count = len(viewer.video.packets)
        viewer.request({"request": "start"})
        viewer.wait(lambda v: len(v.video.packets) > count + 10)
        viewer.leave()
        for stream in (viewer.audio, viewer.video):
            self.assertEqual(stream.missing(), (0, 0, 0))
        self.assert_decodes_as_prepared(rtp.pictures(viewer.video), [hosted.idle()])


class Interruptions(Case):
    def test_interrupt_cuts_picture_and_sound(self):
        one, two = self.watch(), self.watch()
        playing, waiting = self.enqueue("long.mp4"), self.enqueue("two.mp4")
        self.gateway.wait_event("started", segment=playing)
        time.sleep(1.5)
        sent, answer = self.gateway.timed_request({"request": "interrupt", "id": 1})
        self.assertEqual(answer["dropped"], 2)
        event = self.gateway.wait_event("interrupted", segment=playing)[1]
        self.assertEqual(self.gateway.wait_event("interrupted", segment=waiting)[1]["played_ms"], 0)
        self.assertTrue(1000 <= event["played_ms"] <= 11900, event)
        self.wait_until(event["media_ms"] + 1000)
        self.gateway.wait_event("idle")
        one.leave()
        two.leave()
        spoken, idle = hosted.prepared("long.mp4"), hosted.idle()
        units, rest = [u.data for u in spoken.video], [u.data for u in idle.video]
        for viewer in (one, two):
            pictures = self.assert_continuous(viewer)
            self.assert_decodes_as_prepared(pictures, [idle, spoken])
            last = max(i for i, p in enumerate(pictures) if p.data in units)
            after = pictures[last + 1]
            self.assertLess(pictures[last].arrival - sent, AT_ONCE_S)
            self.assertTrue(idle.video[rest.index(after.data)].flags & dhs.ENTRY, "the idle clip resumes at no entry")
            speech = [p for p in viewer.audio.packets if is_speech(p)]
            self.assertLess(speech[-1].arrival - sent, AT_ONCE_S)
            played = self.find(pictures, spoken)
            first = viewer.video.media_time(pictures[played].ts)
            cut = viewer.video.media_time(pictures[last].ts) - first
            played_s = event["played_ms"] / 1000
            self.assertTrue(played_s - 0.1 <= cut <= played_s, "played_ms is not true")
            *speech, fade = speech
            self.assertEqual(len(speech), event["played_ms"] / 20)
            self.assertEqual(fade.payload, spoken.fades[len(speech)])

    def test_skip_goes_on_with_the_next(self):
        viewer = self.watch()
        first, second = self.enqueue("long.mp4"), self.enqueue("two.mp4")
        self.gateway.wait_event("started", segment=first)
        self.gateway.wait_event("ready", segment=second)
        time.sleep(0.7)
        self.assertEqual(self.gateway.request({"request": "skip", "id": 1})["segment"], first)
        self.gateway.wait_event("skipped", segment=first)
        self.wait_until(self.gateway.wait_event("finished", segment=second)[1]["media_ms"])
        viewer.leave()
        pictures = self.assert_continuous(viewer)
        at = self.find(pictures, hosted.prepared("two.mp4"))
        self.assertIn(pictures[at - 1].data, [u.data for u in hosted.prepared("long.mp4").video])
        self.assert_decodes_as_prepared(
            pictures, [hosted.idle(), hosted.prepared("long.mp4"), hosted.prepared("two.mp4")])

    def test_each_segment_has_one_end(self):
        self.watch()
        since = len(self.gateway.events)
        names = [self.enqueue(f) for f in ("two.mp4", "long.mp4", "two.mp4", "two.mp4")]
        self.gateway.request({"request": "remove", "id": 1, "segment": names[2]})
        self.gateway.wait_event("started", since, segment=names[1])
        self.gateway.request({"request": "skip", "id": 1})
        self.gateway.wait_event("finished", since, segment=names[3])
        time.sleep(0.2)
        ends = {name: [e["event"] for _, e in self.gateway.events[since:] if e.get("segment") == name and
                       e["event"] in ("finished", "interrupted", "skipped", "removed", "failed")] for name in names}
        self.assertEqual(list(ends.values()), [["finished"], ["skipped"], ["removed"], ["finished"]])


class Shapes(Case):
    """Segments that are not picture and sound of one length."""

    def test_sound_alone(self):
        marks.ffmpeg("-f", "f32le", "-ar", 22050, "-ac", 1, "-i", "-", f"{hosted.segments}/sound.wav",
                     data=marks.sound(1.5, 22050).tobytes())
        viewer = self.watch()
        events = self.play("sound.wav", more_ms=300)
        viewer.leave()
        self.assertEqual(events["finished"]["played_ms"], 1500)
        pictures = self.assert_continuous(viewer)
        self.assertEqual(sum(is_speech(p) for p in viewer.audio.packets), 75)
        idle = {u.data for u in hosted.idle().video}
        self.assertTrue(all(p.data in idle for p in pictures[1:]), "the idle clip does not go on")

    def test_picture_alone(self):
        marks.write_mp4(f"{hosted.segments}/picture.mp4", 1, hosted.size, speech=False)
        viewer = self.watch()
        events = self.play("picture.mp4", more_ms=300)
        viewer.leave()
        self.assertEqual(events["finished"]["played_ms"], 1000)
        self.assert_whole(viewer, self.assert_continuous(viewer), hosted.prepared("picture.mp4"))
        self.assertFalse(any(is_speech(p) for p in viewer.audio.packets))

    def different_lengths(self, picture, sound, room):
        """Plays a video file and an audio file together; (viewer, pictures, events, prepared)."""
        video, audio = f"{picture}s.mp4", f"{sound}s.wav"
        if not os.path.exists(f"{hosted.segments}/{video}"):
            marks.write_mp4(f"{hosted.segments}/{video}", picture, hosted.size, speech=False)
        if not os.path.exists(f"{hosted.segments}/{audio}"):
            marks.ffmpeg("-f", "f32le", "-ar", 16000, "-ac", 1, "-i", "-", f"{hosted.segments}/{audio}",
                         data=marks.sound(sound, 16000).tobytes())
        hosted.warm([video, audio])     # in a room that nobody watches yet
        viewer = self.watch(room)
        events = self.play([video, audio], room, more_ms=500)
        viewer.leave()
        return viewer, self.assert_continuous(viewer), events, hosted.prepared([video, audio])

    def test_longer_sound_keeps_the_last_picture(self):
        viewer, pictures, events, prepared = self.different_lengths(1, 2, 1)
        self.assertEqual(events["finished"]["played_ms"], 2000)
        self.assert_whole(viewer, pictures, prepared)
        last = self.find(pictures, prepared) + len(prepared.video) - 1
        gap = viewer.video.media_time(pictures[last + 1].ts) - viewer.video.media_time(pictures[last].ts)
        self.assertAlmostEqual(gap, 1.04, delta=0.001)

    def test_longer_picture_is_cut(self):
        viewer, pictures, events, prepared = self.different_lengths(3, 2, 1)
        self.assertEqual(events["finished"]["played_ms"], 2000)
        self.assert_whole(viewer, pictures, prepared, video=50)
        self.assertNotIn(prepared.video[50].data, [p.data for p in pictures])

    def test_a_room_may_last_as_long_as_the_picture(self):
        viewer, pictures, events, prepared = self.different_lengths(3, 2, 2)
        self.assertEqual(events["finished"]["played_ms"], 3000)
        self.assert_whole(viewer, pictures, prepared)

    def test_segment_with_an_anchor_and_a_size_of_its_own(self):
        marks.write_mp4(f"{hosted.work}/small.mp4", 2, 192)
        prepare(f"{hosted.work}/small.mp4", "-o", f"{hosted.segments}/small.dhs", "--size", "192x192")
        prepared = dhs.Segment(f"{hosted.segments}/small.dhs")
        viewer = self.watch()
        self.play("small.dhs", more_ms=800)
        viewer.leave()
        pictures = self.assert_continuous(viewer)
        keys = [p.data for p in pictures if p.key]
        self.assertEqual(keys, [hosted.idle().anchor, prepared.anchor, hosted.idle().anchor])
        self.assert_decodes_as_prepared(pictures, [hosted.idle(), prepared])
        self.assert_whole(viewer, pictures, prepared)

    def test_exported_webm_is_what_was_sent(self):
        viewer = self.watch()
        self.play("two.mp4")
        viewer.leave()
        webm = f"{hosted.work}/two.webm"
        prepare("--export", webm, hosted.prepared_path("two.mp4"))
        exported = subprocess.run(["ffmpeg", "-v", "error", "-i", webm, "-f", "rawvideo", "-fps_mode", "passthrough",
                                   "-pix_fmt", "yuv420p", "-"], capture_output=True, check=True).stdout
        frames = np.frombuffer(exported, np.uint8).reshape(-1, hosted.size * 3 // 2, hosted.size)
        pictures, prepared = rtp.pictures(viewer.video), hosted.prepared("two.mp4")
        at, count = self.find(pictures, prepared), len(prepared.video)
        sent = rtp.decode_pictures([p.data for p in pictures])[at:at + count]
        self.assertTrue(np.array_equal(frames[-count:], np.stack(sent)))


if __name__ == "__main__":
    unittest.main()
