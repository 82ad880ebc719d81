# SPDX-License-Identifier: GPL-3.0-or-later
"""rtp_forward: a room as ffmpeg and Streaming mountpoints get it, and whom it disturbs."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import av
import numpy as np

import marks
import rtp
from hosted_room import HostedRoom
from janus_server import free_ports
from media_case import Case
from rtp_target import Target
from viewers import Gateway, Refused

KEY = "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0"
SIZE = 128
MOUNTPOINT = """
room-{id}: {{ type = "rtp" id = {id} description = "edge" {srtp}
	audio = true audioport = {audio_port} audiopt = 111 audiocodec = "opus"
	video = true videoport = {video_port} videortcpport = {video_rtcp_port} videopt = 96 videocodec = "vp8" }}
"""
SRTP = 'srtpsuite = 80 srtpcrypto = "%s"' % KEY
SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=room
c=IN IP4 127.0.0.1
t=0 0
m=audio {audio_port} RTP/AVP 111
a=rtpmap:111 opus/48000/2
m=video {video_port} RTP/AVP 96
a=rtpmap:96 VP8/90000
"""
edges = {}


def setUpModule():
    text = ""
    for id, srtp in ((10, ""), (11, SRTP)):
        audio, video, rtcp_port = free_ports(3)
        edges[id] = {"host": "127.0.0.1", "audio_port": audio, "video_port": video, "video_rtcp_port": rtcp_port}
        text += MOUNTPOINT.format(id=id, srtp=srtp, **edges[id])
    Case.recordings = tempfile.mkdtemp(prefix="dh-recordings-")
    unittest.addModuleCleanup(shutil.rmtree, Case.recordings)
    Case.hosted = HostedRoom(size=SIZE, kbps=200, general='max_forwards_per_room = 3 max_forwards = 4 recordings_folder = "%s"' % Case.recordings,
                             plugins=("libjanus_streaming.so",), files={"janus.plugin.streaming.jcfg": text})
    unittest.addModuleCleanup(lambda: Case.hosted.close())
    marks.write_mp4(os.path.join(Case.hosted.segments, "marks.mp4"), 3, SIZE)


class Forward(Case):
    def setUp(self):
        super().setUp()
        self.gateway.observe({"id": 1})

    def ask(self, request, room=1, **fields):
        return self.gateway.request({"request": request, "id": room, **fields})

    def forward(self, room=1, **fields):
        streams = self.ask("rtp_forward", room, **fields)["forwarders"]
        self.addCleanup(self.stop, streams, room)
        return streams

    def stop(self, streams, room=1):
        for stream in streams:
            try:
                self.ask("stop_rtp_forward", room, stream_id=stream["stream_id"])
            except Refused:
                pass

    def target(self, **fields):
        target = self.enterContext(Target())
        streams = self.forward(**target.fields, **fields)
        target.wait_for_pictures(10)
        return target, streams

    def listed(self, stream):
        return next(f for f in self.ask("listforwarders")["rtp_forwarders"] if f["stream_id"] == stream["stream_id"])

    def used(self):
        return self.gateway.request({"request": "stats"})["usage"]["forwards"]["used"]

    def test_media_and_reports(self):
        """Everything comes as viewers get it, with a key frame before an entry each second, and by the reports the
        picture and the sound that begin together are at the same time."""
        target, streams = self.target(keyframe_ms=1000, audio_ssrc=7, video_ssrc=4294967295, audio_pt=98, video_pt=100)
        self.assertEqual([(s["type"], s["ssrc"], s["pt"]) for s in streams],
                         [("audio", 7, 98), ("video", 4294967295, 100)])
        self.play("marks.mp4")
        target.wait_for_pictures(30)
        self.stop(streams)
        self.assertEqual([(s.ssrc, s.payload_type) for s in (target.audio, target.video)], [(7, 98), (4294967295, 100)])
        pictures, prepared = self.assert_continuous(target), self.hosted.prepared("marks.mp4")
        self.assert_whole(target, pictures, prepared)
        self.assert_decodes_as_prepared(pictures, [prepared, self.hosted.idle()])
        keys = [i for i, p in enumerate(pictures) if p.key]
        self.assertGreater(len(keys), 2)
        for before, key in zip(keys, keys[1:]):
            self.assertGreaterEqual((pictures[key].ts - pictures[before].ts) % (1 << 32), 89900)
        for key in keys[1:]:
            self.assertEqual((pictures[key + 1].ts - pictures[key].ts) % (1 << 32), 90)
        shown = [p for p in pictures if not p.key]
        at = self.find_run("pictures", [p.data for p in shown], prepared.video)
        first = self.find_run("sound", [p.payload for p in target.audio.packets], prepared.audio)
        apart = (rtp.by_reports(target.video, shown[at].ts, shown[at].arrival) -
                 rtp.by_reports(target.audio, target.audio.packets[first].ts, shown[at].arrival))
        self.assertLess(abs(apart), 0.001)
        self.assertLess(abs(target.video.reports[0].ntp - target.video.reports[0].arrival), 60)

    def test_a_request_for_a_key_frame(self):
        target, streams = self.target(keyframe_ms=0)
        keys = lambda: sum(p.key for p in rtp.pictures(target.video))
        target.wait_for_pictures(60)
        self.assertEqual(keys(), 1)
        target.pli()
        target.wait(lambda: keys() == 2)
        self.assert_continuous(target)
        self.assertEqual(self.listed(streams[1])["plis"], 1)

    def test_ends(self):
        """One medium is stopped, then the other; a room is destroyed: the target is told each time."""
        before = self.used()
        target, streams = self.target()
        self.ask("stop_rtp_forward", stream_id=streams[0]["stream_id"])
        target.wait(lambda: target.byes == {"audio"})
        sounds = len(target.audio.packets)
        target.wait_for_pictures(30)
        self.assertEqual(len(target.audio.packets), sounds)
        self.ask("stop_rtp_forward", stream_id=streams[1]["stream_id"])
        target.wait(lambda: target.byes == {"audio", "video"})
        self.gateway.request({"request": "create", "id": 9, "avatar": "probe"})
        other = self.enterContext(Target())
        self.ask("rtp_forward", 9, **other.fields)
        other.wait_for_pictures(5)
        self.assertEqual(self.used(), before + 1)
        self.ask("destroy", 9)
        other.wait(lambda: other.byes == {"audio", "video"})
        self.assertEqual(self.used(), before)

    def test_a_dead_target_disturbs_nobody(self):
        viewer, (target, _) = self.watch(), self.target()
        self.addCleanup(viewer.leave)
        dead = self.forward(host="127.0.0.1", audio_port=free_ports(1)[0], video_port=free_ports(1)[0])
        self.play("marks.mp4")
        prepared = self.hosted.prepared("marks.mp4")
        for receiver in (viewer, target):
            self.assert_whole(receiver, self.assert_continuous(receiver), prepared)
        counts = self.listed(dead[1])
        self.assertGreater(counts["refused"], 10)
        self.assertEqual(self.ask("info")["info"]["watching"], 1)

    def test_one_clock(self):
        """The media time of the room's events is that of a segment's first picture and first sound: at a viewer and in a
        forward by rtp_start, in a recording by its events' at_ms, and of its captions; and both senders' reports put them
        at the same wall-clock time."""
        self.gateway.observe({"id": 1, "captions": True})
        viewer, (target, streams) = self.watch(), self.target()
        self.addCleanup(viewer.leave)
        self.ask("recording", action="start", name="clock")
        since = len(self.gateway.events)
        started_ms = self.play("marks.mp4", captions=[["mark", 520, 920]])["started"]["media_ms"]
        self.ask("recording", action="stop")
        self.gateway.wait_event("recorded", since)
        self.stop(streams)
        prepared = self.hosted.prepared("marks.mp4")
        starts = {f["type"]: f["rtp_start"] for f in streams}
        walls = [self.assert_times(*at, prepared, started_ms) for at in ((viewer, viewer.rtp_start), (target, starts))]
        # Janus's reports go by when it sent something, which may be late.
        self.assertLess(np.ptp(np.array(walls), axis=0).max(), 0.2, walls)
        self.assertLess(abs(walls[1][0] - walls[1][1]), 0.001)
        caption = self.gateway.wait_event("caption", since)[1]
        self.assertEqual((caption["from_ms"], caption["until_ms"]), (started_ms + 520, started_ms + 920))
        self.assert_recorded(prepared, started_ms)

    def assert_times(self, receiver, starts, prepared, media_ms):
        """Returns when they are by reports: picture, sound."""
        shown = [p for p in rtp.pictures(receiver.video) if not p.key]
        picture = shown[self.find_run("pictures", [p.data for p in shown], prepared.video)]
        sound = receiver.audio.packets[self.find_run("sound", [p.payload for p in receiver.audio.packets], prepared.audio)]
        for stream, packet in ((receiver.video, picture), (receiver.audio, sound)):
            self.assertAlmostEqual((packet.ts - starts[stream.kind]) % (1 << 32) / stream.clock, media_ms / 1000, delta=0.0001)
        return [rtp.by_reports(stream, packet.ts, packet.arrival) for stream, packet in ((receiver.video, picture), (receiver.audio, sound))]

    def assert_recorded(self, prepared, media_ms):
        with open(os.path.join(self.recordings, "clock.jsonl")) as file:
            events = [json.loads(line) for line in file]
        started = next(e for e in events if e.get("event") == "started")
        self.assertEqual(started["media_ms"], media_ms)
        for kind, units in (("video", prepared.video), ("audio", prepared.audio)):
            with av.open(os.path.join(self.recordings, "clock.webm")) as file:
                packets = [(bytes(p), float(p.pts * p.time_base)) for p in file.demux(**{kind: 0})
                           if p.pts is not None and not (kind == "video" and p.is_keyframe)]
            at = self.find_run(kind, [data for data, _ in packets], units)
            self.assertAlmostEqual(packets[at][1], started["at_ms"] / 1000, delta=0.0011, msg=kind)   # WebM's times are whole

    # ------------------------------------------------------------- ffmpeg
    def record(self, hide):
        """What ffmpeg makes of it, by its SDP; it ends when the room says BYE."""
        fields = {"host": "127.0.0.1"}
        for kind, port in zip(("audio", "video"), free_ports(2, in_a_row=2)):
            fields |= {kind + "_port": port, kind + "_rtcp_port": port + 1}
        sdp, out = (os.path.join(self.hosted.work, name) for name in ("room.sdp", "room.mkv"))
        with open(sdp, "w") as file:
            file.write(SDP.format(**fields))
        streams = self.forward(**fields, hide_keyframes=hide, keyframe_ms=1000)
        ffmpeg = subprocess.Popen(["ffmpeg", "-nostdin", "-v", "error", "-y", "-protocol_whitelist", "file,udp,rtp",
                                   "-buffer_size", "4000000", "-i", sdp, "-c", "copy", "-flush_packets", "1", out])
        self.addCleanup(lambda: ffmpeg.poll() is None and (ffmpeg.kill(), ffmpeg.wait()))
        self.wait_for_file(out)
        self.play("marks.mp4")
        self.stop(streams)
        self.assertEqual(ffmpeg.wait(60), 0)
        return out

    def wait_for_file(self, path):
        viewer = self.watch()
        while not os.path.exists(path) or os.path.getsize(path) < 20000:
            count = len(viewer.video.packets)
            viewer.wait(lambda v: len(v.video.packets) > count)
        viewer.leave()

    def judge(self, path):
        times, luma, heard, at = [], [], [], []
        with av.open(path) as file:
            keys = [float(p.pts * p.time_base) for p in file.demux(video=0) if p.pts is not None and p.is_keyframe]
        with av.open(path) as file:
            for frame in file.decode(video=0):
                times.append(float(frame.pts * frame.time_base))
                luma.append(frame.to_ndarray(format="gray")[:SIZE // 4].mean())
        with av.open(path) as file:
            for frame in file.decode(audio=0):
                sound = frame.to_ndarray()
                heard.append(sound[0] if frame.format.is_planar else sound.reshape(-1, 2)[:, 0])
                at.append(float(frame.pts * frame.time_base) + np.arange(len(heard[-1])) / 48000)
        pairs = marks.pairs(marks.flashes(times, luma), marks.beeps(np.concatenate(at), np.concatenate(heard)))
        return np.array(times), keys, pairs

    def test_ffmpeg(self):
        """It decodes pictures and sound, whose marks are at the same time. Hidden key frames are none of the pictures."""
        for hide in (False, True):
            times, keys, pairs = self.judge(self.record(hide))
            self.assertGreater(len(keys), 1)
            self.assertGreater(len(pairs), 1)
            self.assertLess(np.abs(pairs).max(), 0.002, pairs)
            shown = [key for key in keys[1:] if np.abs(times - key).min() < 0.0004]
            self.assertEqual(len(shown), 0 if hide else len(keys) - 1)

    # ------------------------------------------------------------- edges
    def test_streaming_mountpoints(self):
        """A stock mountpoint relays it, plain and as SRTP, to a viewer who decodes all that was prepared, and its
        requests for key frames are answered."""
        for id, more in ((10, {}), (11, {"srtp_suite": 80, "srtp_crypto": KEY})):
            streams = self.forward(**edges[id], **more, keyframe_ms=0)
            self.assertEqual([s.get("srtp", False) for s in streams], [bool(more)] * 2)
            with Gateway(self.hosted.server.ws, plugin="janus.plugin.streaming") as streaming:
                viewer = streaming.watch({"id": id})
                keys = lambda v: [p for p in rtp.pictures(v.video) if p.key]
                viewer.wait(lambda v: v.video and v.audio and keys(v))
                self.play("marks.mp4")
                prepared = self.hosted.prepared("marks.mp4")
                # Its end takes longer by this way.
                viewer.wait(lambda v: prepared.audio[-1].data in [p.payload for p in v.audio.packets])
                viewer.wait(lambda v: prepared.video[-1].data in [p.data for p in rtp.pictures(v.video)])
                viewer.leave()
            pictures = rtp.pictures(viewer.video)
            begin = next(i for i, p in enumerate(pictures) if p.key)
            self.assert_decodes_as_prepared(pictures[begin:], [prepared, self.hosted.idle()])
            self.find_run("pictures", [p.data for p in pictures if not p.key], prepared.video)
            self.find_run("sound", [p.payload for p in viewer.audio.packets], prepared.audio)
            self.assertGreater(self.listed(streams[1])["plis"], 0)
            self.stop(streams)

    # ------------------------------------------------------------- refusals
    def test_refusals(self):
        good = {"host": "127.0.0.1", "video_port": 9}
        for fields, code in (({"host": "10.0.0.1"}, "454.*host"), ({"host": "localhost"}, "454.*host"),
                             ({"video_port": None}, "453.*audio_port"), ({"video_port": 65536}, "454.*video_port"),
                             ({"host_family": "ipv6"}, "454.*host_family"), ({"host_family": "x"}, "454.*host_family"),
                             ({"video_pt": 128}, "454.*video_pt"), ({"video_ssrc": 1 << 32}, "454.*video_ssrc"),
                             ({"audio_rtcp_port": 9}, "454.*audio_rtcp_port"),
                             ({"audio_ssrc": 5, "video_ssrc": 5, "audio_port": 9}, "454.*video_ssrc"),
                             ({"srtp_suite": 80}, "453.*srtp_crypto"), ({"srtp_crypto": KEY}, "453.*srtp_suite"),
                             ({"srtp_suite": 64, "srtp_crypto": KEY}, "454.*srtp_suite"),
                             ({"srtp_suite": 80, "srtp_crypto": "short"}, "454.*srtp_crypto"),
                             ({"srtp_suite": 80, "srtp_crypto": KEY, "video_ssrc": 5}, "454.*video_ssrc"),
                             ({"keyframe_ms": -1}, "454.*keyframe_ms"), ({"hide_keyframes": 1}, "454.*hide_keyframes")):
            with self.assertRaisesRegex(Refused, code, msg=fields):
                self.ask("rtp_forward", **{**good, **fields})
        before = self.used()
        for _ in range(3):
            self.forward(**good)
        with self.assertRaisesRegex(Refused, "464.*max_forwards_per_room"):
            self.forward(**good)
        self.forward(2, **good)
        with self.assertRaisesRegex(Refused, "464.*max_forwards is"):
            self.forward(2, **good)
        self.assertEqual(self.used(), before + 4)


if __name__ == "__main__":
    unittest.main()
