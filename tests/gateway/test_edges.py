# SPDX-License-Identifier: GPL-3.0-or-later
"""An origin whose room is forwarded, for good, to stock Streaming mountpoints of two other gateways, plain and as SRTP, and
viewers there: what they notice when an edge dies, and when the origin does."""
import os
import time
import unittest

import numpy as np

import marks
import rtp
from hosted_room import HostedRoom
from janus_server import JanusServer, free_ports
from media_case import Case
from probe import Server, browser
from viewers import Gateway

KEY = "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0"
SIZE, KEYFRAME_MS, ENTRY_MS = 128, 2000, 500
MOUNTPOINT = """
room-1: {{ type = "rtp" id = 1 description = "edge" {srtp}
	audio = true audioport = {audio} audiopt = 111 audiocodec = "opus"
	video = true videoport = {video} videortcpport = {rtcp} videopt = 96 videocodec = "vp8" }}
"""
FORWARD = '{{ host = "127.0.0.1" audio_port = {audio} video_port = {video} video_rtcp_port = {rtcp} keyframe_ms = %d {srtp} }}' \
    % KEYFRAME_MS
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support", "edges.html")


class Edge(JanusServer):
    """A stock Janus: it lacks the plugin."""

    def __init__(self, srtp):
        self.ports = dict(zip(("audio", "video", "rtcp"), free_ports(3)))
        lines = 'srtpsuite = 80 srtpcrypto = "%s"' % KEY if srtp else ""
        super().__init__("", plugins=("libjanus_streaming.so",),
                         files={"janus.plugin.streaming.jcfg": MOUNTPOINT.format(srtp=lines, **self.ports)})
        self.forward = FORWARD.format(srtp='srtp_suite = 80 srtp_crypto = "%s"' % KEY if srtp else "", **self.ports)

    def link_libraries(self):
        super().link_libraries()
        os.unlink(self.path("plugins/libjanus_digitalhuman.so"))


def die(server):
    """And come back, in the same folder, with the same ports."""
    server.process.kill()
    server.process.wait()
    server.launch()


class Edges(Case):
    @classmethod
    def setUpClass(cls):
        cls.edges = [cls.enterClassContext(Edge(srtp)) for srtp in (False, True)]
        Case.hosted = cls.hosted = HostedRoom(
            size=SIZE, kbps=200, room="forwards = ( %s, %s )" % tuple(edge.forward for edge in cls.edges))
        cls.addClassCleanup(lambda: cls.hosted.close())
        marks.write_mp4(os.path.join(cls.hosted.segments, "marks.mp4"), 2, SIZE)
        cls.server = cls.enterClassContext(Server({"/": PAGE}))
        cls.page = cls.enterClassContext(browser()).open(cls.server.url)
        cls.page.wait("window.ready")

    def idle(self):
        """The gateway of the beginning is gone by then."""

    def at(self, edge):
        """A viewer there who has a picture."""
        streaming = self.enterContext(Gateway(self.edges[edge].ws, plugin="janus.plugin.streaming"))
        viewer = streaming.watch({"id": 1})
        viewer.wait(lambda v: v.video and v.audio and self.keys(v))
        return viewer

    def browse(self, name, edge):
        """A browser there that shows pictures."""
        self.page.evaluate(f"watch('{name}', '{self.edges[edge].ws}', 1)")
        self.goes_on(name)

    def goes_on(self, name, frames=25):
        """It shows so many more."""
        before = self.page.evaluate(f"seen('{name}')")
        self.page.wait(f"seen('{name}').then(now => now.frames >= {before['frames'] + frames} && now.shown > {before['shown']})")

    @staticmethod
    def keys(viewer):
        return [p for p in rtp.pictures(viewer.video) if p.key]

    def more(self, *viewers, pictures=25):
        for viewer in viewers:
            count = len(viewer.video.packets)
            viewer.wait(lambda v: len({p.ts for p in v.video.packets[count:]}) > pictures)

    def assert_unbroken(self, viewer, edge):
        """Nothing is missing but what the edge's Janus itself has dropped."""
        lost = [stream.missing() for stream in (viewer.audio, viewer.video)]
        self.assertLessEqual(lost[0][0] + lost[1][0], self.edges[edge].discarded(viewer.handle))
        self.assertEqual([rest for _, *rest in lost], [[0, 0]] * 2, "twice, or out of order")
        for stream in (viewer.audio, viewer.video):
            self.assertTrue(np.all(np.diff(stream.media_times()) >= 0), stream.kind + " timestamps fall")

    def assert_decodes(self, viewer):
        pictures = rtp.pictures(viewer.video)
        begin = next(i for i, p in enumerate(pictures) if p.key)
        self.assert_decodes_as_prepared(pictures[begin:], [self.hosted.idle(), self.hosted.prepared("marks.mp4")])

    def test_deaths(self):
        own, staying = self.watch(), self.at(1)
        for name, edge in (("first", 0), ("second", 1)):
            self.browse(name, edge)
        # ------------------------------------------------------- an edge dies
        die(self.edges[0])
        again = self.at(0)
        first, key = again.video.packets[0].ts, self.keys(again)[0].ts
        self.assertLessEqual((key - first) % (1 << 32), 90 * (KEYFRAME_MS + ENTRY_MS + 100))
        self.browse("again", 0)
        self.goes_on("second")
        self.more(own, staying, again)
        self.assert_continuous(own)
        self.assert_unbroken(staying, 1)
        own.leave()
        # ----------------------------------------------------- the origin dies
        packets = {viewer: len(viewer.video.packets) for viewer in (staying, again)}
        die(self.hosted.server)
        self.gateway = self.enterContext(Gateway(self.hosted.server.ws))
        for viewer in packets:
            viewer.wait(lambda v: len(self.keys(v)) and self.keys(v)[-1].ts not in
                        {p.ts for p in v.video.packets[:packets[v]]})
        self.more(*packets)
        since = time.time()
        for name in ("second", "again"):
            self.goes_on(name)
        listed = self.gateway.request({"request": "listforwarders", "id": 1})["rtp_forwarders"]
        self.assertEqual([f["permanent"] for f in listed], [True] * 4)
        self.hosted.handle = self.hosted.server.attach()
        self.gateway.observe({"id": 1})
        self.play("marks.mp4")
        prepared = self.hosted.prepared("marks.mp4")
        for viewer in packets:
            viewer.wait(lambda v: prepared.audio[-1].data in [p.payload for p in v.audio.packets])
            viewer.wait(lambda v: prepared.video[-1].data in [p.data for p in rtp.pictures(v.video)])
            self.assert_unbroken(viewer, 1 if viewer is staying else 0)
            self.assert_decodes(viewer)
            self.assertLess(abs(self.apart(viewer, prepared, since)), 0.2)

    def apart(self, viewer, prepared, since):
        """By its reports since then, how far the first picture is behind the sound that it begins with. A mountpoint goes by
        when packets come, which a busy machine delays."""
        shown = [p for p in rtp.pictures(viewer.video) if not p.key]
        picture = shown[self.find_run("pictures", [p.data for p in shown], prepared.video)]
        sound = viewer.audio.packets[self.find_run("sound", [p.payload for p in viewer.audio.packets], prepared.audio)]
        return self.wall(viewer, viewer.video, picture.ts, since) - self.wall(viewer, viewer.audio, sound.ts, since)

    @staticmethod
    def wall(viewer, stream, ts, since):
        """Of an RTP timestamp, by the report that is the least late: it tells of the packet before it, which may have been."""
        viewer.wait(lambda v: sum(r.arrival > since for r in stream.reports) >= 5)
        return stream.media_time(ts) + min(r.ntp - stream.media_time(r.ts) for r in stream.reports if r.arrival > since)


if __name__ == "__main__":
    unittest.main()
