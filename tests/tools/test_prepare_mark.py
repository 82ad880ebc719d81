#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare --disclosure-mark: a small picture over a corner of every picture. DH_PREPARE names the program."""
import struct
import subprocess
import tempfile
import unittest
import zlib

import numpy as np

import marks
from mattes import Parts, yuv
from prepared import EMPTY, FORMAT, INPUT, PREPARE, USAGE, Case, Prepared, decode_pictures, film, info, prepare
from worker import descriptor, run_job

ORANGE, GREY, GREEN = (230, 120, 30), (90, 90, 90), (0, 255, 0)
SHARP = ("--kbps", 4000, "--portrait-ms", 80)
CLEAR = ("--background", "transparent")
CORNERS = ("bottom-right", "bottom-left", "top-right", "top-left")


def margin(width, height):
    return max(min(width, height) // 32 // 2 * 2, 2)


def place(size, mark, at="bottom-right"):
    """Left, top, right, bottom of a mark of that size, scaled down where it must be."""
    (width, height), (w, h) = size, mark
    factor = min(1, width // 3 / w, height // 4 / h)
    w, h = max(round(w * factor), 1), max(round(h * factor), 1)
    x = margin(*size) if "left" in at else width - margin(*size) - w
    y = margin(*size) if "top" in at else height - margin(*size) - h
    return x, y, x + w, y + h


def planes(picture):
    """Of a picture without a matte: luma, and chroma as large as it."""
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    chroma = picture[height:].reshape(2, height // 2, width // 2).repeat(2, axis=1).repeat(2, axis=2)
    return np.stack([picture[:height], *chroma]).astype(float)


def write_png(path, picture):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", picture.shape[1], picture.shape[0], 8, 6, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


class Marks(Case):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        cls.folder = cls.temp.name

    def rgba(self, name, picture, *options, rate=10):
        height, width, _ = picture.shape
        if not options:
            write_png(self.path(name), picture.astype(np.uint8))
            return self.path(name)
        marks.ffmpeg("-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{width}x{height}", "-r", rate, "-i", "-", *options, self.path(name),
                     data=picture.astype(np.uint8).tobytes())
        return self.path(name)

    def flat(self, name, size, rgb=ORANGE, alpha=255, *options):
        picture = np.full((size[1], size[0], 4), (*rgb, alpha))
        return self.rgba(name, picture, *options)

    def face(self, size):
        return self.flat("face.png", size, GREY)

    def check_shown(self, picture, box, rgb=ORANGE, under=GREY, alpha=1.0, tolerance=8):
        """The mark is in its box, with its colour, and nothing of it beside that."""
        x0, y0, x1, y1 = box
        shown = planes(picture)
        expected = yuv(rgb) * alpha + yuv(under) * (1 - alpha)
        # of what is a few pixels wide, chroma of half the size is mixed with what is beside it
        inside, all_of = (shown[:, y0 + 2:y1 - 2, x0 + 2:x1 - 2], 3) if min(x1 - x0, y1 - y0) > 5 else (shown[:, y0:y1, x0:x1], 1)
        self.assertLess(abs(inside - expected[:, None, None]).mean(axis=(1, 2))[:all_of].max(), tolerance, (box, inside.mean(axis=(1, 2)), expected))
        outside = np.ones(shown.shape[1:], dtype=bool)
        outside[max(y0 - 3, 0):y1 + 3, max(x0 - 3, 0):x1 + 3] = False
        self.assertLess(abs(shown - yuv(under)[:, None, None])[:, outside].max(), tolerance * 2)
        # half of its height is reached at its edges, to a pixel
        luma = abs(shown[0] - yuv(under)[0]) > abs(expected[0] - yuv(under)[0]) / 2
        rows, columns = np.flatnonzero(luma.any(axis=1)), np.flatnonzero(luma.any(axis=0))
        for edge, found in zip(box, (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)):
            self.assertLessEqual(abs(edge - found), 1, (box, columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))

    def test_places_and_sizes(self):
        """Each corner; its own size, or a third and a quarter at most; odd sides; pictures of many shapes."""
        rows = [((128, 128), (24, 16), at) for at in CORNERS]
        rows += [((128, 128), mark, "bottom-right") for mark in ((42, 32), (43, 32), (400, 80), (60, 600), (33, 17), (5, 3))]
        rows += [(size, (60, 60), at) for size, at in zip(((96, 74), (66, 130), (640, 64), (16, 16)), CORNERS)]
        for size, mark, at in rows:
            with self.subTest(size=size, mark=mark, at=at):
                segment = self.run_tool("--portrait", self.face(size), "--size", "%dx%d" % size, "--disclosure-mark", self.flat("m.png", mark),
                                        "--disclosure-mark-at", at, *SHARP)
                self.assertTrue(segment.is_marked)
                for picture in decode_pictures([segment.anchor]) + film(segment):
                    self.check_shown(picture, place(size, mark, at))

    def test_what_it_is_read_from(self):
        """Any still: grey, with a palette, JPEG; the first picture of a film; turned as its EXIF says."""
        size, white = (128, 128), (235, 235, 235)
        for name, mark, options in (("m.jpg", (24, 16), ["-frames:v", 1, "-pix_fmt", "yuvj444p", "-q:v", 1]),
                                    ("m.gif", (24, 16), ["-frames:v", 1]), ("m.mov", (24, 16), ["-c:v", "png"]),
                                    ("grey.png", (24, 16), ["-frames:v", 1, "-pix_fmt", "gray"])):
            with self.subTest(name):
                grey = name == "grey.png"
                path = self.flat(name, mark, white if grey else ORANGE, 255, *options)
                segment = self.run_tool("--portrait", self.face(size), "--size", "128x128", "--disclosure-mark", path, *SHARP)
                self.check_shown(film(segment)[-1], place(size, mark), white if grey else ORANGE, tolerance=10)
        exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 274, 3, 1, 6) + bytes(4)
        with open(self.path("m.jpg"), "rb") as file:
            jpeg = file.read()
        with open(self.path("turned.jpg"), "wb") as file:
            file.write(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:])
        segment = self.run_tool("--portrait", self.face(size), "--size", "128x128", "--disclosure-mark", self.path("turned.jpg"), *SHARP)
        self.check_shown(film(segment)[-1], place(size, (16, 24)), tolerance=10)

    def test_edges(self):
        """Half transparent it shows half of what is behind; what is not there at all would be green, and is not seen."""
        size, mark = (128, 128), (40, 30)
        for alpha in (128, 40, 255):
            picture = np.full((mark[1], mark[0], 4), (*GREEN, 0))
            picture[8:24, 8:32] = (*ORANGE, alpha)
            x0, y0, _, _ = place(size, mark)
            segment = self.run_tool("--portrait", self.face(size), "--size", "128x128", "--disclosure-mark", self.rgba("m.png", picture), *SHARP)
            self.check_shown(film(segment)[-1], (x0 + 8, y0 + 8, x0 + 32, y0 + 24), alpha=alpha / 255)

    def test_transparent_avatars(self):
        """Where nothing is behind it the picture becomes as opaque as the mark, in the mark's colours."""
        size, mark = (128, 128), (40, 30)
        picture = np.full((mark[1], mark[0], 4), (*GREEN, 0))
        picture[4:26, 4:20] = (*ORANGE, 255)
        picture[4:26, 20:36] = (*ORANGE, 128)
        path = self.rgba("m.png", picture)
        nothing, solid = self.flat("nothing.png", size, GREEN, 0), self.face(size)
        for face, behind, half in ((nothing, 0, 128 / 255), (solid, 1, 1)):
            for at in CORNERS if behind == 0 else CORNERS[1:2]:
                segment = self.run_tool("--portrait", face, "--size", "128x128", *CLEAR, "--disclosure-mark", path, "--disclosure-mark-at", at, *SHARP)
                for coded in decode_pictures([segment.anchor]) + film(segment)[-1:]:
                    parts = Parts(segment, coded, 128)
                    x, y, _, _ = place(size, mark, at)
                    self.assertEqual(parts.alpha[y + 8:y + 22, x + 8:x + 17].min(), 1)
                    self.assertAlmostEqual(parts.alpha[y + 8:y + 22, x + 24:x + 32].mean(), half, delta=0.03)
                    outside = np.ones(size, dtype=bool)
                    outside[y:y + mark[1], x:x + mark[0]] = False
                    self.assertEqual((parts.alpha[outside].min(), parts.alpha[outside].max()), (behind, behind))
                    self.assertLess(abs(parts.luma[y + 8:y + 22, x + 8:x + 17] - yuv(ORANGE)[0]).mean(), 4)
                    for i in range(2):
                        plane = parts.chroma[i, (y + 8) // 2:(y + 22) // 2, (x + 8) // 2:(x + 17) // 2]
                        self.assertLess(abs(plane - yuv(ORANGE)[i + 1]).mean(), 6)

    def test_avatars_and_their_segments(self):
        """An avatar's clip holds its mark: what is made for it has it in every picture, whatever it is made of, and the thumbnails show it."""
        size, mark = (128, 128), (32, 32)
        box = place(size, mark)
        y, x = box[1] + 8, box[0] + 8
        idle, path = self.path("idle.dhs"), self.flat("m.png", mark, (255, 255, 255))
        clip = self.flat("clip.mov", size, (0, 0, 0), 255, "-c:v", "png", "-vf", "loop=6:1")
        for clear in ((), CLEAR):
            prepare("--idle", clip, "--size", "128x128", "--disclosure-mark", path, "--kbps", 2000, *clear, "-o", idle)
            avatar = Prepared(idle)
            self.assertGreater(avatar.i420[y * 128 + x], 220)
            for pictures in film(avatar), [np.frombuffer(avatar.i420, np.uint8).reshape(-1, 128)]:
                self.assertEqual([p for p in pictures if p[y, x] < 200], [])
            self.assertEqual([luma for luma in avatar.luma if luma[13, 13] < 150 or luma[2, 2] > 60 + 160 * bool(clear)], [])
            # arrays of its size, and of another; transparent; with bars beside it
            array = np.zeros((3, 128, 128, 3), np.uint8).tobytes()
            with open(self.path("array.bgr"), "wb") as file:
                file.write(array)
            sources = [["--raw-video", "bgr24:128x128@10", self.path("array.bgr")], [self.flat("wide.mov", (200, 64), GREY, 255, "-c:v", "png")],
                       [self.flat("half.mov", size, GREEN, 60, "-c:v", "png")]]
            for source in sources if not clear else sources[1:]:
                with self.subTest(source=source, clear=bool(clear)):
                    segment = self.run_tool(*source, "--avatar", idle, "--kbps", 2000)
                    self.assertEqual(segment.anchor, avatar.anchor)
                    self.assertEqual([p for p in film(segment) if p[y, x] < 200], [])
                    self.assertTrue(segment.is_marked)
        # another one in its place, and another corner
        segment = self.run_tool(clip, "--avatar", idle, "--disclosure-mark", path, "--disclosure-mark-at", "top-left", "--kbps", 2000)
        x, y, _, _ = place(size, mark, "top-left")
        self.assertGreater(film(segment)[-1][y + 8, x + 8], 200)
        self.assertIn("mark: ", subprocess.run([PREPARE, "--info", idle], capture_output=True, text=True, check=True).stdout)

    def test_what_is_refused(self):
        face, mark = self.face((128, 128)), self.flat("m.png", (24, 16))
        with open(self.path("words.png"), "wb") as file:
            file.write(b"not a picture " * 100)
        nothing, plain, idle = self.flat("nothing.png", (24, 16), ORANGE, 0), self.path("plain.dhs"), self.path("idle.dhs")
        prepare("--portrait", face, "-o", plain)
        sized = ("--portrait", face, "--size", "128x128", "--disclosure-mark")
        for code, words, args in ((INPUT, ["--disclosure-mark: ", "lost.png"], (*sized, self.path("lost.png"))),
                                  (FORMAT, ["--disclosure-mark: ", "words.png"], (*sized, self.path("words.png"))),
                                  (EMPTY, ["--disclosure-mark: ", "nothing.png is transparent everywhere"], (*sized, nothing)),
                                  (USAGE, ["--disclosure-mark-at is middle", "bottom-right"], (*sized, mark, "--disclosure-mark-at", "middle")),
                                  (USAGE, ["--disclosure-mark needs"], ("--portrait", face, "--disclosure-mark", mark)),
                                  (USAGE, ["--disclosure-mark-at needs"], ("--portrait", face, "--disclosure-mark-at", "top-left")),
                                  (USAGE, ["plain.dhs was made without --disclosure-mark"], (face, "--avatar", plain, "--disclosure-mark", mark))):
            with self.subTest(words=words):
                self.refuse(code, words, *args)
        done = subprocess.run([PREPARE, *sized, mark, "-o", mark], capture_output=True, text=True)
        self.assertEqual((done.returncode, "input" in done.stderr), (USAGE, True), done)
        # a clip that says it has one, and does not hold it
        prepare(*sized, mark, "-o", idle)
        with open(idle, "rb") as file:
            data, kept, at = file.read(), b"", 0
        while at < len(data):
            end = at + 12 + struct.unpack_from("<I", data, at + 4)[0]
            kept += data[at:end] if data[at:at + 4] != b"MARK" else b""
            at = end
        with open(idle, "wb") as file:
            file.write(kept)
        self.assertEqual(info(idle)["video"]["disclosure_mark"], True)
        self.refuse(USAGE, "does not hold it", face, "--avatar", idle)
        self.run_tool(face, "--avatar", idle, "--disclosure-mark", mark)

    def test_a_head_that_lies(self):
        """The mark's flag without a picture, in an older version; a mark of another size, in no corner, twice, or without the flag."""
        prepare("--portrait", self.face((128, 128)), "--size", "128x128", "--disclosure-mark", self.flat("m.png", (24, 16)), "-o", self.path("good.dhs"))
        with open(self.path("good.dhs"), "rb") as file:
            data = file.read()
        records, at = [], 0
        while at < len(data):
            size, = struct.unpack_from("<I", data, at + 4)
            records.append((data[at:at + 4], data[at + 8:at + 8 + size]))
            at += 12 + size
        head, mark = records[0][1], next(body for kind, body in records if kind == b"MARK")
        where = [kind for kind, _ in records].index(b"MARK")
        for name, change in {"sound alone": [(0, b"DHS1", head[:2] + b"\x0a\0" + head[4:])], "version 3": [(0, b"DHS1", b"\3\0" + head[2:])],
                             "no flag": [(0, b"DHS1", head[:2] + b"\1\0" + head[4:])], "short": [(where, b"MARK", mark[:-1])],
                             "no corner": [(where, b"MARK", b"\4" + mark[1:])], "twice": [(where + 1, b"MARK", mark)]}.items():
            wrong = list(records)
            for at, kind, body in change:
                wrong[at] = kind, body
            with open(self.path("bad.dhs"), "wb") as file:
                for kind, body in wrong:
                    record = kind + struct.pack("<I", len(body)) + body
                    file.write(record + struct.pack("<I", zlib.crc32(record)))
            with self.subTest(name):
                done = subprocess.run([PREPARE, "--info", self.path("bad.dhs")], capture_output=True, text=True)
                self.assertEqual(done.returncode, FORMAT, done)

    def job(self, fds, **fields):
        return run_job(self, fds, **{"kbps": 2000, **fields})

    def test_jobs(self):
        """What the gateway asks for: the mark, once; an avatar and a segment with it. And what it must not ask for."""
        size, mark_size = (128, 128), (24, 16)
        with open(self.face(size), "rb") as face, open(self.flat("m.png", mark_size), "rb") as mark:
            face, mark = face.read(), mark.read()
        for at in ("bottom-right", "top-left"):
            corner, code = self.job([descriptor(mark)], kind="mark", mark=at, portrait_ms=40)
            self.assertEqual((code, corner.width, corner.picture), (0, 46, True))
            avatar, code = self.job([descriptor(face), descriptor(corner.i420)], kind="portrait", mark=at, portrait_ms=80)
            self.assertEqual(code, 0)
            self.check_shown(decode_pictures([avatar.anchor])[0], place(size, mark_size, at))
            segment, code = self.job([descriptor(face), descriptor(avatar.i420), descriptor(corner.i420)], anchor=True, mark=at)
            self.assertEqual((code, segment.anchor), (0, avatar.anchor))
            self.check_shown(film(segment)[-1], place(size, mark_size, at))
            with open(self.path("job.dhs"), "rb") as file:
                stream = file.read()
            if at != "top-left":
                continue
            bridge, code = self.job([descriptor(stream), descriptor(stream), descriptor(avatar.i420)], kind="bridge", names=["a", "b"],
                                    anchor=True)
            self.assertEqual((code, bridge.anchor), (0, avatar.anchor))
            self.check_shown(film(bridge)[-1], place(size, mark_size, at))
        tall, code = self.job([descriptor(mark)], kind="mark", mark="top-left", width=64, height=2304, portrait_ms=40)
        self.assertEqual((code, tall.width, tall.height), (0, 24, 1178))
        for fds, fields, word in (([face, corner.i420[:-1]], {"mark": "top-left"}, "mark"), ([face, corner.i420 + b"1"], {"mark": "top-left"}, "mark"),
                                  ([face, corner.i420], {"mark": "middle"}, "bottom-right"), ([face, corner.i420], {"mark": 1}, "bottom-right"),
                                  ([face], {"mark": "top-left"}, "descriptors"), ([mark], {"kind": "background", "mark": "top-left"}, "mark"),
                                  ([mark], {"kind": "mark", "mark": "top-left", "background": "#ffffff"}, "background"),
                                  ([mark, avatar.i420], {"kind": "mark", "mark": "top-left", "anchor": True}, "anchor")):
            failed, code = self.job([descriptor(data) for data in fds], **fields)
            self.assertNotEqual(code, 0, fields)
            self.assertIn(word, failed.failure[1])


if __name__ == "__main__":
    unittest.main()
