# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/restream.md: its commands send one room to RTMP, to HLS and to SRT at a time, with ffmpeg for the platforms. The one
that takes RTMP dies, and comes back; viewers notice nothing. And its pipeline of GStreamer's writes a room down."""
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import av
import numpy as np

import marks
import rtp
from hosted_room import HostedRoom
from janus_server import WAIT_S, free_ports
from media_case import Case
from rtp_later import Later

ROOT = os.environ["DH_ROOT"]
SIZE = 128
PICTURE = 1 / 25


def commands():
    """Those of the document, by what they send to."""
    with open(os.path.join(ROOT, "docs/restream.md")) as file:
        blocks = re.findall(r"```sh\n(examples/restream/again .*?)```", file.read(), re.S)
    return {re.search(r" -f (flv|hls|mpegts) ", block)[1]: block for block in blocks}


def pipeline():
    """GStreamer's."""
    with open(os.path.join(ROOT, "docs/restream.md")) as file:
        return re.search(r"```sh\n(gst-launch-1.0 .*?)```", file.read(), re.S)[1]


def sdp():
    with open(os.path.join(ROOT, "docs/restream.md")) as file:
        return re.search(r"```\n(v=0\n.*?)```", file.read(), re.S)[1]


def wait_until(condition, what, every=0.05):
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(every)


def size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def media(path):
    """Times of pictures, of flashes and of beeps, by libav."""
    times, luma, heard, at = [], [], [], []
    with av.open(path) as file:
        for frame in file.decode(video=0):
            times.append(float(frame.pts * frame.time_base))
            luma.append(frame.to_ndarray(format="gray")[:SIZE // 4].mean())
    with av.open(path) as file:
        for frame in file.decode(audio=0):
            heard.append(frame.to_ndarray()[0])
            at.append(float(frame.pts * frame.time_base) + np.arange(len(heard[-1])) / frame.sample_rate)
    return np.array(times), marks.flashes(times, luma), marks.beeps(np.concatenate(at), np.concatenate(heard))


def judge(path):
    """(times of pictures, flash - beep for each flash)."""
    times, flashes, beeps = media(path)
    return times, marks.pairs(flashes, beeps)


def seconds_of(clock):
    hours, minutes, seconds = clock.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def vtt(path):
    """(the media time of time stamp 0, [(from, to, text)]) of a segment of WebVTT, in seconds."""
    with open(path) as file:
        text = file.read()
    pts, local = re.search(r"X-TIMESTAMP-MAP=MPEGTS:(\d+),LOCAL:(\S+)", text).groups()
    cues = re.findall(r"(\S+) --> (\S+)\n(.+)", text)
    return seconds_of(local) - int(pts) / 90000, [(seconds_of(a), seconds_of(b), c) for a, b, c in cues]


@unittest.skipIf("DH_SANITIZE" in os.environ, "what the plugin does here it does in test_forward, too")
class Restream(Case):
    @classmethod
    def setUpClass(cls):
        Case.hosted = cls.hosted = HostedRoom(size=SIZE, kbps=200, general="max_forwards_per_room = 3")
        cls.addClassCleanup(lambda: cls.hosted.close())
        marks.write_mp4(os.path.join(cls.hosted.segments, "marks.mp4"), 2, SIZE)

    def path(self, name):
        return os.path.join(self.hosted.work, name)

    def start(self, *command, **how):
        """A process with its own group, ended with the test."""
        log = open(self.path("log-%d" % time.monotonic_ns()), "w")
        self.addCleanup(log.close)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **how)
        process.log = log.name
        self.addCleanup(self.end, process)
        return process

    def end(self, process, number=signal.SIGTERM):
        if process.poll() is None:
            os.killpg(process.pid, number)
        process.wait(WAIT_S)

    def serve(self, url, name):
        """What stands for a platform: writes what comes."""
        return self.start("ffmpeg", "-nostdin", "-v", "error", "-y", *(["-listen", "1"] if url.startswith("rtmp") else []), "-i", url,
                          "-c", "copy", "-flush_packets", "1", self.path(name))

    def send(self, name, command, target=None, wrap_s=None):
        """A command of the document, and the room to it; to a folder, with hls-captions between. With `wrap_s`, as it is hours
        later: returns what is between."""
        audio, video = free_ports(2, in_a_row=2)
        folder = self.path(name)
        os.makedirs(os.path.join(folder, "hls"))
        with open(os.path.join(folder, "room.sdp"), "w") as file:
            file.write(sdp().replace("5002", str(audio)).replace("5004", str(video)))
        if target:
            command, count = re.subn(r'"?\b(rtmp|srt)://[^\s"]+"?', lambda m: f'"{target}"', command)
            self.assertEqual(count, 1)
        # so many segments that what is judged in the end is still listed, however long it took
        if not target:
            command, count = re.subn("-hls_list_size 10 ", "-hls_list_size 1000 ", command)
            self.assertEqual(count, 1)
        self.start("bash", "-c", "exec " + command.replace("examples/restream/again", os.path.join(ROOT, "examples/restream/again")),
                   cwd=folder)
        if wrap_s:
            self.wait_for_ports(audio, video)
            later = self.enterContext(Later(audio, video, wrap_s))
            answer = self.gateway.request({"request": "rtp_forward", "id": 1, **later.fields, "hide_keyframes": True})
            self.addCleanup(self.stop, answer["forwarders"])
            return later
        if target:
            self.forward(audio, video)
        else:
            self.wait_for_ports(audio, video)
            self.start(os.path.join(ROOT, "examples/restream/hls-captions"), "--janus", self.hosted.server.http, "--room", "1",
                       "--audio", str(audio), "--video", str(video), "hls/room.m3u8", cwd=folder)

    def wait_for_ports(self, audio, video):
        wait_until(lambda: all(self.is_taken(port) for port in (audio, audio + 1, video, video + 1)), "it listens")

    def forward(self, audio, video):
        """The room to what listens there; returns the answer."""
        self.wait_for_ports(audio, video)
        return self.gateway.request({"request": "rtp_forward", "id": 1, "host": "127.0.0.1", "audio_port": audio, "audio_rtcp_port": audio + 1,
                              "video_port": video, "video_rtcp_port": video + 1, "hide_keyframes": True})

    def stop(self, forwarders):
        for stream in forwarders:
            self.gateway.request({"request": "stop_rtp_forward", "id": 1, "stream_id": stream["stream_id"]})

    @staticmethod
    def is_taken(port):
        with open("/proc/net/udp") as file:
            return any(line.split()[1].endswith(":%04X" % port) for line in file.readlines()[1:])

    def assert_marks(self, path, flashes):
        times, pairs = judge(path)
        self.assertGreaterEqual(len(pairs), flashes)
        self.assertLess(np.abs(pairs).max(), 1.5 * PICTURE, pairs)
        self.assertLess(np.abs(np.diff(times) - PICTURE).max(), 0.002, "pictures are missing")

    def test_three_at_a_time(self):
        rtmp, srt = free_ports(2)
        platform, server = "rtmp://127.0.0.1:%d/app/KEY" % rtmp, "srt://127.0.0.1:%d" % srt
        first = self.serve(platform, "first.flv")
        self.serve(server + "?mode=listener", "srt.ts")
        documented = commands()
        viewer = self.watch()
        self.send("to-rtmp", documented["flv"], platform)
        self.send("to-hls", documented["hls"])
        self.send("to-srt", documented["mpegts"], server + "?mode=caller&latency=5000000&pkt_size=1316")
        playlist = self.path("to-hls/hls/room.m3u8")
        for path in (self.path("first.flv"), self.path("srt.ts"), playlist):
            wait_until(lambda: size(path) > 0, path)
        events = self.play("marks.mp4", captions=[["mark %d" % i, 520 + 1000 * i, 920 + 1000 * i] for i in range(2)])
        self.wait_for("first.flv", 2)
        self.end(first, signal.SIGKILL)
        self.serve(platform, "second.flv")
        wait_until(lambda: size(self.path("second.flv")) > 0, "it is on the platform again")
        self.play("marks.mp4")
        self.wait_for("second.flv", 2)
        self.wait_for("srt.ts", 4)
        self.assert_playlist(playlist, events["started"]["media_ms"])
        pictures, prepared = self.assert_continuous(viewer), self.hosted.prepared("marks.mp4")
        self.assert_whole(viewer, pictures, prepared)
        for name, flashes in (("first.flv", 2), ("second.flv", 2), ("srt.ts", 4)):
            self.assert_marks(self.path(name), flashes)

    def test_hours_later(self):
        """The timestamps of 32 bits begin anew."""
        port, = free_ports(1)
        platform, plays = "rtmp://127.0.0.1:%d/app/KEY" % port, 0
        self.serve(platform, "later.flv")
        later = self.send("later", commands()["flv"], platform, wrap_s=8)
        wait_until(lambda: size(self.path("later.flv")) > 0, "it is on the platform")
        self.watch()                                        # who is told of a segment's end
        while not later.has_wrapped() or plays < 2:
            self.play("marks.mp4")
            plays += 1
        self.play("marks.mp4")
        self.wait_for("later.flv", 2 * plays + 2)
        self.assert_marks(self.path("later.flv"), 2 * plays + 2)

    @unittest.skipUnless(shutil.which("gst-launch-1.0"), "GStreamer is not installed")
    def test_gstreamer(self):
        """It goes on when the forward is stopped, and completes its file at Ctrl-C."""
        audio, video = free_ports(2, in_a_row=2)
        command = pipeline()
        for documented, port in (("5002", audio), ("5003", audio + 1), ("5004", video), ("5005", video + 1)):
            self.assertEqual(command.count("port=" + documented), 1)
            command = command.replace("port=" + documented, "port=%d" % port)
        process = self.start("bash", "-c", "exec " + command, cwd=self.hosted.work)
        self.watch()                                        # who is told of the segment's end
        forwarders = self.forward(audio, video)["forwarders"]
        wait_until(lambda: size(self.path("room.webm")) > 0, "it writes")
        self.play("marks.mp4", more_ms=500)
        self.stop(forwarders)
        time.sleep(2)                                       # in which it would end
        self.assertIsNone(process.poll())
        self.end(process, signal.SIGINT)
        self.assertEqual(process.returncode, 0)
        times, pairs = judge(self.path("room.webm"))
        self.assertEqual(len(pairs), 2)
        self.assertLess(np.abs(pairs).max(), 1.5 * PICTURE, pairs)
        self.assertGreater(len(times), 50)

    def wait_for(self, name, flashes):
        def has_all():
            try:
                return len(judge(self.path(name))[1]) >= flashes
            except (av.error.FFmpegError, ValueError, IndexError):    # it is being written
                return False
        wait_until(has_all, "%s has all" % name, 1)

    def assert_playlist(self, path, started_ms):
        """Segments of two seconds to the picture, of which each begins where the one before it has ended; and what is
        seen, heard and read of the first two marks has the same media time in them as in the room."""
        lists = []
        for name in (path, path.replace("room", "captions")):
            with open(name) as file:
                text = file.read()
            self.assertNotIn("DISCONTINUITY", text[text.index("#EXTINF"):])
            self.assertEqual(int(re.search(r"#EXT-X-TARGETDURATION:(\d+)", text)[1]), 2)
            lists.append(re.findall(r"#EXTINF:([\d.]+),\n(\S+)", text))
        self.assertGreaterEqual(len(lists[0]), 3)
        self.assertEqual({float(seconds) for seconds, _ in lists[0]}, {2.0})
        begins, seen, heard, cues = [], [], [], []
        for (_, segment), (_, captions) in zip(*lists):
            origin_s, more = vtt(os.path.join(os.path.dirname(path), captions))
            times, flashes, beeps = media(os.path.join(os.path.dirname(path), segment))
            begins.append(times[0])
            seen += list(flashes + origin_s)
            heard += list(beeps + origin_s)
            if cues and more and cues[-1][1:] == (more[0][0], more[0][2]):     # one that goes on
                more[0] = (cues.pop()[0], *more[0][1:])
            cues += more
        self.assertLess(np.abs(np.diff(begins) - 2).max(), 0.001)
        wanted = started_ms / 1000 + marks.MARK + np.arange(2)
        self.assertEqual([text for _, _, text in cues], ["mark %d" % i for i in range(2)])
        for name, times, error in (("seen", seen, 1.5 * PICTURE), ("heard", heard, 1.5 * PICTURE),
                                   ("read", [begin for begin, _, _ in cues], 0.002), ("read until", [end - 0.4 for _, end, _ in cues], 0.002)):
            self.assertLess(np.abs(np.array(times)[:2] - wanted).max(), error, name)


if __name__ == "__main__":
    unittest.main()
