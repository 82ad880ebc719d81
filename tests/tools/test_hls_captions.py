# SPDX-License-Identifier: GPL-3.0-or-later
"""examples/restream/hls-captions: what it lets through to ffmpeg, which media time that makes of ffmpeg's, and what it
writes. tests/gateway/test_restream.py has it with a room and with ffmpeg."""
import contextlib
import http.client
import importlib.machinery
import importlib.util
import io
import os
import socket
import struct
import tempfile
import types
import unittest
from unittest import mock

from janus_server import free_ports

PATH = os.path.join(os.environ["DH_ROOT"], "examples/restream/hls-captions")
loader = importlib.machinery.SourceFileLoader("hls_captions", PATH)
tool = importlib.util.module_from_spec(importlib.util.spec_from_loader("hls_captions", loader))
loader.exec_module(tool)

HOUR_MS = 3600000
START = 4000000000


def report(media_ms):
    """A sender report of the picture at that media time."""
    return struct.pack("!BBHIQIII", 0x80, 200, 6, 7, 0, (START + round(90 * media_ms)) % (1 << 32), 0, 0)


class RelayTest(unittest.TestCase):
    KINDS = ("audio", "audio_rtcp", "video", "video_rtcp")

    def setUp(self):
        base, = free_ports(1, in_a_row=4)
        self.ports, self.ffmpeg = dict(zip(self.KINDS, range(base, base + 4))), {}
        self.captions = tool.Captions()
        self.relay = tool.Relay(base, base + 2, self.captions)
        self.addCleanup(lambda: [s.close() for pair in self.relay._ways.values() for s in pair])
        self.addCleanup(self.leave)
        self.relay.begin([{"type": "audio", "rtp_start": 1}, {"type": "video", "rtp_start": START}])
        self.captions.take({"event": "state", "media_ms": 0})

    def listen(self):
        """ffmpeg begins."""
        for kind, port in self.ports.items():
            self.ffmpeg[kind] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.ffmpeg[kind].bind(("127.0.0.1", port))
            self.ffmpeg[kind].setblocking(False)

    def leave(self):
        """It ends."""
        for taken in self.ffmpeg.values():
            taken.close()
        self.ffmpeg = {}

    def give(self, kind, data):
        self.relay._take(kind, self.relay._ways[kind][1], data)

    def give_reports(self, media_ms):
        self.give("audio_rtcp", report(0))
        self.give("video_rtcp", report(media_ms))

    def got(self, kind):
        try:
            return self.ffmpeg[kind].recv(2048)
        except BlockingIOError:
            return None

    def test_reports_come_first(self):
        self.give("video", b"1")
        self.give_reports(1000)
        self.assertIsNone(self.relay.origin_ms())
        self.listen()
        self.give("video", b"2")
        self.give_reports(3000)
        self.assertEqual(self.relay.origin_ms(), 3000)
        self.give("video", b"3")
        self.give("audio", b"4")
        self.give_reports(5000)
        self.assertEqual(self.relay.origin_ms(), 3000)
        self.assertEqual((self.got("video"), self.got("video"), self.got("audio")), (b"3", None, b"4"))
        self.assertEqual((self.got("audio_rtcp"), self.got("video_rtcp")), (report(0), report(3000)))

    def test_it_begins_again(self):
        self.listen()
        self.give_reports(2000)
        self.leave()
        self.give("video", b"1")
        self.assertIsNone(self.relay.origin_ms())
        self.listen()
        self.give("video", b"2")
        self.give_reports(8000)
        self.assertEqual((self.relay.origin_ms(), self.got("video")), (8000, None))

    def test_another_room(self):
        """Janus was killed: ffmpeg is told that this is the end."""
        self.listen()
        self.give_reports(2000)
        kinds = ("audio_rtcp", "video_rtcp")
        self.assertEqual([self.got(kind)[1] for kind in kinds], [200, 200])
        self.relay.begin([{"type": "video", "rtp_start": START}])
        self.assertEqual([self.got(kind)[9] for kind in kinds], [203, 203])     # ffmpeg wants to hear it of both
        self.assertIsNone(self.relay.origin_ms())

    def test_reports_that_come_before_the_rooms_time_is_known(self):
        """It may be of any age: ffmpeg waits for the next ones."""
        self.listen()
        self.captions.forget()
        self.give_reports(8 * HOUR_MS)
        self.captions.take({"event": "viewers"})        # which says of no moment
        self.give_reports(8 * HOUR_MS + 1000)
        self.assertEqual((self.relay.origin_ms(), self.got("audio_rtcp"), self.got("video_rtcp")), (None, None, None))
        self.captions.take({"event": "state", "media_ms": 8 * HOUR_MS + 1500})
        self.give_reports(8 * HOUR_MS + 2000)
        self.assertAlmostEqual(self.relay.origin_ms(), 8 * HOUR_MS + 2000)
        self.assertEqual(self.got("video_rtcp"), report(8 * HOUR_MS + 2000))

    def test_days(self):
        """Timestamps come round every 13 hours."""
        for hours in (13, 14, 27, 49, 24 * 30):
            with self.subTest(hours):
                self.captions.take({"media_ms": hours * HOUR_MS - 60000})
                self.assertAlmostEqual(self.relay._media_ms((START + 90 * hours * HOUR_MS) % (1 << 32)), hours * HOUR_MS)


    def test_a_quiet_room(self):
        """Its media time goes on, though nothing tells of it."""
        for hours in (7, 20, 100, 24 * 30):
            with self.subTest(hours):
                self.captions.forget()
                with mock.patch.object(tool.time, "monotonic", lambda: 5.0):
                    self.captions.take({"media_ms": 50 * HOUR_MS})
                with mock.patch.object(tool.time, "monotonic", lambda hours=hours: 5.0 + 3600 * hours):
                    self.captions.take({"event": "viewers"})    # which says of no moment
                    self.listen()
                    self.give_reports((50 + hours) * HOUR_MS)
                    self.assertAlmostEqual(self.relay.origin_ms(), (50 + hours) * HOUR_MS)
                    self.leave()
                    self.give("video", b"1")


class Written(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.captions = tool.Captions()
        self.origin_ms = 0
        self.playlist = tool.Playlist(os.path.join(self.folder, "room.m3u8"), self.captions, self)
        self.playlist._relay = type("At", (), {"origin_ms": lambda _: self.origin_ms})()

    def write_segments(self, first, count, seconds=2.0):
        """What ffmpeg has by then: a packet of a picture is enough."""
        lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:%d" % first]
        for number in range(first, first + count):
            pts = round(90000 * seconds * number) % (1 << 33)
            field = struct.pack("!BHH", 0x21 | pts >> 29 & 0xe, pts >> 14 & 0xfffe | 1, pts << 1 & 0xfffe | 1)
            with open(os.path.join(self.folder, "room%d.ts" % number), "wb") as file:
                file.write((b"G@\x00\x10" + bytes(184)) + (b"G\x41\x00\x10\0\0\1\xe0\0\0\x80\x80\5" + field).ljust(188, b"\xff"))
            lines += ["#EXTINF:%f," % seconds, "room%d.ts" % number]
        with open(os.path.join(self.folder, "room.m3u8"), "w", encoding="utf-8") as file:
            file.write("\n".join([*lines, ""]))

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def say(self, number, from_ms, until_ms, text):
        self.captions.take({"event": "caption", "media_ms": from_ms, "caption": number, "from_ms": from_ms, "until_ms": until_ms, "text": text})

    def test_segments(self):
        """Each has what is shown while it lasts, at the room's media time, which is a day ahead of ffmpeg's."""
        self.origin_ms = 30 * HOUR_MS
        self.say(1, self.origin_ms + 500, self.origin_ms + 2500, "one <b> & -->\n\ntwo")
        self.say(2, self.origin_ms + 2500, self.origin_ms + 9000, "cut")
        self.captions.take({"event": "caption_end", "media_ms": self.origin_ms + 3000, "caption": 2, "withdrawn": True})
        self.write_segments(0, 3)
        self.assertTrue(self.playlist.look())
        self.assertFalse(self.playlist.look())
        text = "one &lt;b&gt; &amp; --&gt;\ntwo\n"
        self.assertEqual(self.read("room0.vtt"), "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:30:00:00.000\n\n"
                         "30:00:00.500 --> 30:00:02.000\n" + text)
        self.assertEqual(self.read("room1.vtt"), "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:180000,LOCAL:30:00:02.000\n\n"
                         "30:00:02.000 --> 30:00:02.500\n" + text + "\n30:00:02.500 --> 30:00:03.000\ncut\n")
        self.assertEqual(self.read("room2.vtt"), "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:360000,LOCAL:30:00:04.000\n")
        self.assertEqual(self.read("captions.m3u8"), self.read("room.m3u8").replace(".ts", ".vtt"))

    def test_days(self):
        """Time stamps of MPEG come round every 26 hours."""
        for hours in (26, 27, 60):
            with self.subTest(hours):
                self.captions.take({"media_ms": hours * HOUR_MS + 1500})
                self.write_segments(hours * 1800, 1)
                self.assertTrue(self.playlist.look())
                self.assertIn(",LOCAL:%d:00:00.000\n" % hours, self.read("room%d.vtt" % (hours * 1800)))

    def test_a_quiet_room(self):
        """ffmpeg has run on, for as long as nobody has said anything."""
        with mock.patch.object(tool.time, "monotonic", lambda: 5.0):
            self.captions.take({"media_ms": 1500})
        with mock.patch.object(tool.time, "monotonic", lambda: 5.0 + 3600 * 60):
            self.write_segments(60 * 1800, 1)
            self.assertTrue(self.playlist.look())
        self.assertIn(",LOCAL:60:00:00.000\n", self.read("room%d.vtt" % (60 * 1800)))

    def test_old_ones_go(self):
        self.write_segments(0, 3)
        self.playlist.look()
        self.write_segments(2, 3)
        self.playlist.look()
        self.assertEqual(sorted(n for n in os.listdir(self.folder) if n.endswith(".vtt")), ["room2.vtt", "room3.vtt", "room4.vtt"])

    def test_old_ones_that_are_gone(self):
        self.write_segments(0, 3)
        self.playlist.look()
        os.unlink(os.path.join(self.folder, "room0.vtt"))
        self.write_segments(2, 1)
        self.assertTrue(self.playlist.look())
        self.assertEqual([n for n in os.listdir(self.folder) if n.endswith(".vtt")], ["room2.vtt"])

    def test_not_ready(self):
        """A playlist whose segment is not there yet is read again."""
        self.write_segments(0, 1)
        os.rename(os.path.join(self.folder, "room0.ts"), os.path.join(self.folder, "away"))
        self.assertFalse(self.playlist.look())
        os.rename(os.path.join(self.folder, "away"), os.path.join(self.folder, "room0.ts"))
        self.assertTrue(self.playlist.look())

    def test_index(self):
        for disclosure, line in ((None, ""), ('Not a "person"', '#EXT-X-SESSION-DATA:DATA-ID="disclosure",VALUE="Not a \'person\'"\n')):
            self.playlist.index({"disclosure": disclosure} if disclosure else {})
            text = self.read("index.m3u8")
            self.assertIn('#EXT-X-VERSION:6\n' + line + "#EXT-X-MEDIA:TYPE=SUBTITLES,", text)
            self.assertTrue(text.endswith("\nroom.m3u8\n"))


class Running(unittest.TestCase):
    def setUp(self):
        self.asked = []
        options = types.SimpleNamespace(janus="http://nowhere/janus", secret=None, pin=None, room="1", string_ids=False, audio=2, video=4,
                                        playlist="room.m3u8")
        for name, what in (("read_options", lambda: options), ("Relay", mock.Mock()), ("Playlist", mock.Mock())):
            self.enterContext(mock.patch.object(tool, name, what))
        self.enterContext(mock.patch.object(tool.time, "sleep"))
        self.enterContext(mock.patch.object(tool.signal, "signal"))
        self.enterContext(contextlib.redirect_stderr(io.StringIO()))

    def run_main(self, *errors):
        """Janus's handles, one after the other, and what comes of the listener."""
        handles = iter(errors)

        def handle(_):
            error = next(handles, None)
            if error:
                raise error
            made = mock.Mock()
            made.ask = lambda **fields: self.asked.append(fields["request"])
            return made
        self.enterContext(mock.patch.object(tool, "Handle", handle))
        made = tool.Listener

        def listener(*arguments):
            listener = made(*arguments)
            listener.streams = [7]
            return listener
        with mock.patch.object(tool, "Listener", listener):
            tool.main()

    def test_what_http_breaks_off_is_tried_again(self):
        self.run_main(http.client.IncompleteRead(b""), http.client.BadStatusLine("x"), KeyboardInterrupt)
        self.assertEqual(self.asked, ["stop_rtp_forward"])

    def test_the_forward_ends_whatever_happened(self):
        with self.assertRaises(ZeroDivisionError):
            self.run_main(ZeroDivisionError)
        self.assertEqual(self.asked, ["stop_rtp_forward"])


if __name__ == "__main__":
    unittest.main()
