#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers of dh-prepare make bridges from a segment's last picture into the idle clip. DH_PREPARE names the program."""
import os
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

import dhs
import poses
from prepared import SIZE, FORMAT, LIMIT, USAGE, Prepared, decode_pictures, film, prepare
from worker import Worker

PICTURES_MAX = 256


def record(kind, body):
    head = kind + struct.pack("<I", len(body)) + body
    return head + struct.pack("<I", zlib.crc32(head))


def stream(anchor, units, size=SIZE):
    """A prepared stream of these pictures, from time 0."""
    at, out = 0, [record(b"DHS1", struct.pack("<HHHHIII", 2, 1, size, size, 0, 1, 0)), record(b"ANCH", anchor)]
    for unit in units:
        out.append(record(b"VIDE", struct.pack("<qII", at, unit.duration, unit.flags) + bytes(256) + unit.data))
        at += unit.duration
    return b"".join(out) + record(b"ENDS", struct.pack("<qqI", at, 0, 0))


class Bridges(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temp = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temp.cleanup)
        cls.folder = temp.name
        prepare("--idle", poses.write_idle(cls.path("idle.nut"), SIZE), "-o", cls.path("idle.dhs"))
        prepare(poses.write_speech(cls.path("speech.nut"), SIZE), "--avatar", cls.path("idle.dhs"),
                "-o", cls.path("speech.dhs"))
        cls.idle, cls.speech = Prepared(cls.path("idle.dhs")), Prepared(cls.path("speech.dhs"))

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def job(self, tail, lead, picture=None, **fields):
        """What the worker answers: a segment and its exit code."""
        worker = Worker("--parent", str(os.getpid()))
        self.addCleanup(worker.close)
        fds = []
        for data in (tail, lead, picture or self.idle.i420):
            fds.append(os.memfd_create("test"))
            os.write(fds[-1], data)
            os.lseek(fds[-1], 0, os.SEEK_SET)
        worker.send({"kind": "bridge", "names": ["end", "clip"], "anchor": True, "width": SIZE, "height": SIZE,
                     **fields}, fds)
        data, code = worker.rest()
        with open(self.path("bridge.dhs"), "wb") as file:
            file.write(data)
        return Prepared(self.path("bridge.dhs")), code

    def tail(self):
        return self.speech.video[self.speech.entries()[-1]:]

    def bridge(self, back, count):
        """From the end of the speech into the clip's picture `back`, over `count` pictures before it."""
        units = self.idle.video
        first = max(n for n in self.idle.entries() if n <= (back - count) % len(units))
        skip = (back - count) % len(units) - first
        lead = [units[(first + n) % len(units)] for n in range(skip + count)]
        bridge, code = self.job(stream(self.speech.anchor, self.tail()), stream(self.idle.anchor, lead), skip=skip)
        self.assertEqual((code, bridge.failure), (0, None))
        return bridge

    def test_seam_is_no_jump(self):
        """Decoded as a viewer's browser does: no step across the seam is much larger than those within the clip,
        where a cut is one that anybody sees."""
        count, clip = 10, self.idle.video
        for back in (self.idle.entries()[1], 0):
            bridge = self.bridge(back, count)
            bridge.check_order()
            self.assertEqual(bridge.anchor, self.idle.anchor)
            self.assertEqual(len(bridge.video), count)
            self.assertTrue(bridge.video[0].flags & dhs.ENTRY)
            self.assertEqual([u.duration for u in bridge.video],
                             [clip[(back - count + n) % len(clip)].duration for n in range(count)])
            rest = clip[back:back + 10]
            within = poses.steps(film(self.idle), SIZE)
            for decoder in ("vp8", "libvpx"):
                units = [self.speech.anchor, *(u.data for u in [*self.speech.video, *bridge.video, *rest])]
                across = poses.steps(decode_pictures(units, decoder)[len(self.speech.video):], SIZE)
                cut = poses.steps(decode_pictures([self.speech.anchor, *(u.data for u in [*self.speech.video, *rest])],
                                                  decoder)[len(self.speech.video):], SIZE)[0]
                print(f"back at {back}, {decoder}: within the clip at most {max(within):.2f}, across the bridge at most "
                      f"{max(across):.2f}, across a cut {cut:.2f}", file=sys.stderr)
                self.assertGreater(cut, 6 * max(within))
                self.assertLess(max(across), 2 * max(within))

    @unittest.skipUnless(os.environ.get("DH_TALKER"), "no dh-talker")
    def test_fine_from_its_first_picture(self):
        """Where speech ends almost as the clip goes on, the fade is not a larger step than the cut would be: the rate
        control begins with coarse pictures."""
        size = 512
        for name, arguments in {"idle": ["--idle", "2"], "speech": ["A seam is where one thing ends."]}.items():
            subprocess.run([os.environ["DH_TALKER"], "--size", f"{size}x{size}", "-o", self.path("talker.nut"), *arguments],
                           check=True, timeout=120)
            prepare(self.path("talker.nut"), *(["--idle"] if name == "idle" else ["--avatar", self.path("talker-idle.dhs")]),
                    "-o", self.path(f"talker-{name}.dhs"))
        idle, speech = Prepared(self.path("talker-idle.dhs")), Prepared(self.path("talker-speech.dhs"))
        back, tail = idle.entries()[1], speech.video[:17]       # in the middle of a word
        bridge, code = self.job(stream(speech.anchor, tail, size), stream(idle.anchor, idle.video[:back], size), idle.i420,
                                skip=back - 10, width=size, height=size, speed=12)
        self.assertEqual(code, 0)
        rest = idle.video[back:back + 5]
        across, cut = (poses.steps(decode_pictures([idle.anchor, *(u.data for u in [*tail, *units, *rest])])[len(tail):],
                                   size) for units in (bridge.video, []))
        print(f"fine: across the bridge at most {max(across):.2f}, across a cut {max(cut):.2f}", file=sys.stderr)
        self.assertLess(max(across), max(cut))

    def test_whole_clip(self):
        bridge = self.bridge(0, len(self.idle.video))
        self.assertEqual(len(bridge.video), len(self.idle.video))

    def test_own_anchor(self):
        """A segment with a key frame of its own leads to the avatar's all the same."""
        prepare(self.path("speech.nut"), "-o", self.path("own.dhs"))
        own = Prepared(self.path("own.dhs"))
        self.assertNotEqual(own.anchor, self.idle.anchor)
        bridge, code = self.job(stream(own.anchor, own.video[own.entries()[-1]:]),
                                stream(self.idle.anchor, self.idle.video[:5]))
        self.assertEqual((code, bridge.anchor, len(bridge.video)), (0, self.idle.anchor, 5))

    def test_out_of_the_clip(self):
        """The same backwards: the clip's pictures fade into that one, and the last of them is nearly it."""
        tail, lead = stream(self.speech.anchor, self.speech.video[:1]), stream(self.idle.anchor, self.idle.video[:10])
        bridge, code = self.job(tail, lead, leaves=True, skip=2)
        self.assertEqual((code, len(bridge.video)), (0, 8))
        shown = decode_pictures([bridge.anchor, *(u.data for u in bridge.video)])[1:]
        clip = decode_pictures([self.idle.anchor, *(u.data for u in self.idle.video[:10])])[3:]
        goal = decode_pictures([self.speech.anchor, self.speech.video[0].data])[1]
        for n, (picture, own) in enumerate(zip(shown, clip)):
            share = (n + 1) / 9
            mixed = own.astype(float) * (1 - share) + goal.astype(float) * share
            self.assertLess(abs(picture.astype(float) - mixed).mean(), 3, n)

    def test_refused(self):
        tail, lead = stream(self.speech.anchor, self.tail()), stream(self.idle.anchor, self.idle.video[:5])
        many = stream(self.idle.anchor, [self.idle.video[0]] * (PICTURES_MAX + 1))
        noise = self.idle.video[0]._replace(data=b"\1" * 50)
        # the header of an inter frame with eight partitions of coefficients, and no such partition
        header = self.idle.video[0]._replace(data=b"\xd1\0\0\0\x0c\0\0\x1f\xff")
        for name, code, words, inputs, fields in (
                ("no stream", FORMAT, "not a prepared stream", (b"x" * 100, lead), {}),
                ("cut short", FORMAT, "not a prepared stream", (tail, lead[:-20]), {}),
                ("nothing", FORMAT, "without picture", (stream(self.speech.anchor, []), lead), {}),
                ("another size", FORMAT, f"{SIZE}x{SIZE}", (stream(self.speech.anchor, self.tail(), 64), lead), {}),
                ("too many", LIMIT, str(PICTURES_MAX), (tail, many), {}),
                ("all skipped", USAGE, "skip", (tail, lead), {"skip": 5}),
                ("one input", USAGE, "names", (tail, lead), {"names": ["end"]}),
                ("no anchor", USAGE, "anchor", (tail, lead), {"anchor": False}),
                ("skip out of range", USAGE, "skip", (tail, lead), {"skip": PICTURES_MAX}),
                ("leaves what", USAGE, "leaves", (tail, lead), {"leaves": 1}),
                ("noise", FORMAT, "not a prepared stream: a picture is not a VP8 frame", (stream(self.speech.anchor, [noise]), lead), {}),
                ("a header", FORMAT, "cannot be decoded", (stream(self.speech.anchor, [header]), lead), {})):
            with self.subTest(name):
                bridge, got = self.job(*inputs, **fields)
                self.assertEqual(got, code, bridge.failure)
                self.assertEqual(bridge.failure[0], code)
                self.assertIn(words, bridge.failure[1])


if __name__ == "__main__":
    unittest.main()
