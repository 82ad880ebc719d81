#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare: files of pictures, in every format that tools write, right in colour and shape. DH_PREPARE names the program."""
import struct
import subprocess
import unittest
import zlib

import numpy as np

import marks
from prepared import FORMAT, LIMIT, TICKS, USAGE, Case, decode_pictures, film, prepare

GREY = (216, 216, 216)
ORANGE = (230, 120, 30)


def yuv(rgb):
    """BT.601, limited range."""
    r, g, b = np.asarray(rgb, dtype=float) / 255
    return np.array([16 + 65.481 * r + 128.553 * g + 24.966 * b, 128 - 37.797 * r - 74.203 * g + 112 * b,
                     128 + 112 * r - 93.786 * g - 18.214 * b])


def at(picture, x, y):
    """What a picture from film() shows at x, y (0 to 1): the mean of a small square."""
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    row, column = int(y * height) // 2 * 2, int(x * width) // 2 * 2
    chroma = picture[height:].reshape(2, height // 2, width // 2)
    return np.array([picture[row - 2:row + 2, column - 2:column + 2].mean(),
                     *chroma[:, row // 2 - 1:row // 2 + 1, column // 2 - 1:column // 2 + 1].mean(axis=(1, 2))])


def mixed(over, alpha, under=GREY):
    return tuple(np.asarray(over) * alpha + np.asarray(under) * (1 - alpha))


def exif(orientation):
    return b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 274, 3, 1, orientation) + bytes(4)


def grey_png(picture, extra=b""):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    head = struct.pack(">IIBBBBB", picture.shape[1], picture.shape[0], 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + (chunk(b"eXIf", extra) if extra else b"") + \
        chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def grey_tiff(picture, orientation):
    height, width = picture.shape
    entries = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (274, 3, orientation),
               (277, 3, 1), (278, 4, height), (279, 4, width * height)]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<I", 8 + width * height) + picture.tobytes() + directory + bytes(4)


def grey_alpha_tiff(picture, bits):
    """What `picture` has, opaque, in so many bits; nothing says what range they have."""
    height, width = picture.shape
    samples = np.dstack([picture, np.full_like(picture, 255)])
    pixels = samples.tobytes() if bits == 8 else (samples.astype("<u2") * 257).tobytes()
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 2, bits | bits << 16), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
               (277, 3, 1, 2), (278, 4, 1, height), (279, 4, 1, len(pixels)), (338, 3, 1, 2)]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels + directory + bytes(4)


class Files(Case):
    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def colour(self, name, rgb, *options, size="64x64", seconds=0.2, pixels="rgba", alpha=1.0):
        marks.ffmpeg("-f", "lavfi", "-i", f"color=0x{bytes(map(round, rgb)).hex()}@{alpha}:size={size}:rate=10:duration={seconds},format={pixels}",
                     *options, self.path(name))
        return self.path(name)

    def assert_colour(self, got, rgb, tolerance=4):
        self.assertLessEqual(abs(got - yuv(rgb)).max(), tolerance, (got, yuv(rgb)))

    # --- what tools write

    def test_stills(self):
        for name, options in {"a.png": [], "a.jpg": ["-pix_fmt", "yuvj444p", "-q:v", 1], "a.webp": ["-c:v", "libwebp", "-quality", 95],
                              "lossless.webp": ["-c:v", "libwebp", "-lossless", 1], "a.bmp": ["-pix_fmt", "bgr24"],
                              "a.tiff": ["-pix_fmt", "rgb24"], "lzw.tiff": ["-pix_fmt", "rgb24", "-compression_algo", "lzw"],
                              "one.gif": [],
                              "a.avif": ["-c:v", "libaom-av1", "-still-picture", 1, "-cpu-used", 8, "-pix_fmt", "yuv444p"]}.items():
            path = self.colour(name, ORANGE, "-frames:v", 1, *options)
            with self.subTest(name, pipe=True):
                self.assert_colour(at(film(self.run_tool("-", "--kbps", 2000, data=self.read(name)))[0], 0.5, 0.5), ORANGE, 5)
            for args in ([path], ["--portrait", path], ["--idle", path], ["--idle", self.base, "--portrait", path]):
                with self.subTest(name, args=args[0]):
                    segment = self.run_tool(*args, "--kbps", 2000)
                    if len(args) < 4:
                        self.assert_colour(at(film(segment)[0], 0.5, 0.5), ORANGE, 5)

    def test_moving_pictures(self):
        theora = subprocess.run(["ffmpeg", "-hide_banner", "-encoders"], capture_output=True, check=True, text=True).stdout
        for name, options in {
                "a.gif": [], "a.apng": ["-f", "apng"], "lossy.ivf": ["-c:v", "libvpx"], "nine.ivf": ["-c:v", "libvpx-vp9"],
                "eight.webm": ["-c:v", "libvpx"], "nine.webm": ["-c:v", "libvpx-vp9"], "ps.mpg": ["-c:v", "mpeg2video", "-r", 25],
                "old.mpg": ["-c:v", "mpeg1video", "-r", 25, "-q:v", 2], "dvd.vob": ["-f", "vob", "-r", 25, "-q:v", 2],
                "a.ogv": ["-c:v", "libtheora", "-q:v", 9], "rle.mov": ["-c:v", "qtrle", "-pix_fmt", "rgb24"],
                "png.mov": ["-c:v", "png"], "huff.avi": ["-c:v", "huffyuv", "-pix_fmt", "rgb24"], "ut.avi": ["-c:v", "utvideo", "-pix_fmt", "gbrp"],
                "ten.mov": ["-c:v", "v210", "-pix_fmt", "yuv422p10le"], "a.3gp": ["-c:v", "h263", "-s", "128x96"],
                }.items():
            if name == "a.ogv" and "libtheora" not in theora:
                continue
            path = self.colour(name, ORANGE, *(["-pix_fmt", "yuv420p"] if "-pix_fmt" not in options and "png" not in name and "gif" not in name
                                               else []), *options, seconds=0.6, pixels="rgb24")
            with self.subTest(name):
                for args in ([path], ["--idle", path], ["--portrait", path]):
                    segment = self.run_tool(*args, "--kbps", 2000)
                    self.assert_colour(at(film(segment)[0], 0.5, 0.5), ORANGE, 6)
                    if args[0] == "--portrait":
                        self.assertEqual(segment.lengths[0] / TICKS, 2)
                    elif name != "a.ogv":  # where ffmpeg leaves out what stands still
                        self.assertAlmostEqual(segment.lengths[0] / TICKS, 0.6, delta=0.05)

    def test_animations(self):
        """Their pictures are put together of parts, and shown for as long as each says. A portrait is the first."""
        box = "'if(between(X,8*N,8*N+15)*between(Y,24,39),0,255)'"
        for name, options in (("a.webp", ["-c:v", "libwebp_anim", "-lossless", 1]), ("lossy.webp", ["-c:v", "libwebp_anim", "-quality", 95]),
                              ("a.gif", []), ("a.apng", ["-f", "apng"])):
            marks.ffmpeg("-f", "lavfi", "-i", f"nullsrc=size=96x64:rate=10:duration=1,format=rgb24,geq=r={box}:g={box}:b={box}", *options,
                         self.path(name))
            for args in (["--idle", self.path(name)], [self.path(name)], ["--portrait", self.path(name)],
                         ["--idle", self.path(name), "--portrait", self.path(name)]):
                with self.subTest(name, args=args):
                    segment = self.run_tool(*args, "--kbps", 4000)
                    if args[0] != "--portrait":
                        self.assertEqual([round(unit.duration / TICKS, 3) for unit in segment.video], [0.1] * 10)
                    pictures = decode_pictures([segment.anchor]) if "--portrait" in args else film(segment)
                    for n, picture in enumerate(pictures):
                        dark = np.argwhere(picture[:64] < 125)
                        found = np.array([*dark.min(axis=0), *dark.max(axis=0)])
                        self.assertLessEqual(abs(found - [24, 8 * n, 39, 8 * n + 15]).max(), 1, found)

    # --- half of one

    def test_half_a_picture(self):
        """Which would be shown with green or grey below."""
        noise = ["-f", "lavfi", "-i", "nullsrc=size=96x96:rate=5:duration=0.2,format=rgb24,geq=r='random(1)*255':g='random(2)*255':b='X*2'"]
        for name, options in {"a.png": [], "a.jpg": ["-q:v", 3], "a.webp": ["-c:v", "libwebp"], "lossless.webp": ["-c:v", "libwebp", "-lossless", 1],
                              "a.bmp": ["-pix_fmt", "bgr24"], "a.tiff": ["-pix_fmt", "rgb24", "-compression_algo", "raw"], "a.gif": [],
                              "lzw.tiff": ["-pix_fmt", "rgb24", "-compression_algo", "lzw"]}.items():
            marks.ffmpeg(*noise, "-frames:v", 1, *options, self.path(name))
            data = self.read(name)
            self.run_tool(self.path(name))
            if name != "a.bmp" and "tiff" not in name:
                self.run_tool("--portrait", self.write(name, data + bytes(100)))
            for part in (0.5, 0.9, 0.99):
                cut = self.write(name, data[:int(len(data) * part)])
                for args in ([cut], ["--portrait", cut], ["--idle", self.base, "--portrait", cut]):
                    with self.subTest(name, part=part, args=args[0]):
                        self.refuse(FORMAT, [name, "ends in the middle of the picture"], *args)

    # --- how it was held

    def test_orientation(self):
        """A picture with a mark in a corner, turned as EXIF says, in PNG, JPEG, WebP and TIFF."""
        picture = np.zeros((64, 96), dtype=np.uint8)
        picture[:16, :24] = 255
        turned = {1: picture, 2: picture[:, ::-1], 3: picture[::-1, ::-1], 4: picture[::-1], 5: picture.T, 6: np.rot90(picture, -1),
                  7: picture[::-1, ::-1].T, 8: np.rot90(picture)}
        self.write("plain.png", grey_png(picture))
        marks.ffmpeg("-i", self.path("plain.png"), "-q:v", 1, self.path("plain.jpg"))
        marks.ffmpeg("-i", self.path("plain.png"), "-c:v", "libwebp", "-lossless", 1, self.path("plain.webp"))
        jpeg, webp = self.read("plain.jpg"), self.read("plain.webp")
        for orientation, expected in turned.items():
            app = b"Exif\0\0" + exif(orientation)
            extended = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x08\0\0\0" + struct.pack("<I", 95)[:3] + struct.pack("<I", 63)[:3] + \
                webp[12:] + b"EXIF" + struct.pack("<I", len(exif(orientation))) + exif(orientation)
            for name, data in {"a.png": grey_png(picture, exif(orientation)), "a.tiff": grey_tiff(picture, orientation),
                               "a.jpg": jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(app) + 2) + app + jpeg[2:],
                               "a.webp": b"RIFF" + struct.pack("<I", len(extended)) + extended}.items():
                with self.subTest(name, orientation=orientation):
                    segment = self.run_tool("--portrait", self.write(name, data), "--portrait-ms", 80, "--kbps", 2000)
                    self.assertEqual((segment.height, segment.width), expected.shape)
                    shown = film(segment)[0][:segment.height]
                    self.assertLess(abs(shown.astype(float) - (16 + expected * 219.0 / 255)).mean(), 4)

    def test_grey_with_alpha(self):
        """A grey TIFF with alpha, of 8 and of 16 bits, has the contrast of one without."""
        picture = np.repeat(np.repeat(np.arange(0, 256, 17, dtype=np.uint8).reshape(4, 4), 16, 0), 16, 1)
        for name, data in {"plain.tiff": grey_tiff(picture, 1), "alpha.tiff": grey_alpha_tiff(picture, 8),
                           "alpha16.tiff": grey_alpha_tiff(picture, 16)}.items():
            with self.subTest(name):
                segment = self.run_tool("--portrait", self.write(name, data), "--portrait-ms", 80, "--kbps", 2000)
                shown = film(segment)[0][:64]
                self.assertLess(abs(shown.astype(float) - (16 + picture * 219.0 / 255)).mean(), 3)

    # --- transparency

    def test_transparent_pictures(self):
        """Half transparent orange stands on a light grey, on a colour, and on a picture."""
        for name, options in {
                "prores.mov": ["-c:v", "prores_ks", "-pix_fmt", "yuva444p10le", "-alpha_bits", 16], "png.mov": ["-c:v", "png"],
                "rle.mov": ["-c:v", "qtrle", "-pix_fmt", "argb"], "nine.webm": ["-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-auto-alt-ref", 0, "-b:v", "2M"],
                "eight.webm": ["-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", 0, "-b:v", "2M"], "ffv1.mkv": ["-c:v", "ffv1", "-pix_fmt", "bgra"],
                "raw.nut": ["-c:v", "rawvideo", "-pix_fmt", "rgba"], "ut.avi": ["-c:v", "utvideo", "-pix_fmt", "gbrap"], "a.png": ["-frames:v", 1],
                "a.apng": ["-f", "apng"], "a.webp": ["-c:v", "libwebp", "-lossless", 1, "-frames:v", 1], "a.tiff": ["-frames:v", 1, "-pix_fmt", "rgba"],
                }.items():
            path = self.colour(name, ORANGE, *options, alpha=0.5)
            with self.subTest(name):
                self.assert_colour(at(film(self.run_tool(path, "--kbps", 2000))[-1], 0.5, 0.5), mixed(ORANGE, 0.5), 6)
        one = self.path("a.png")
        for args in ([one], ["--portrait", one], ["--idle", self.path("png.mov")], ["--idle", self.path("nine.webm"), "--portrait", one]):
            segment = self.run_tool(*args, "--kbps", 2000, "--background", "#0000FF")
            self.assert_colour(at(film(segment)[-1], 0.5, 0.5), mixed(ORANGE, 0.5, (0, 0, 255)), 6)

    def test_a_fourth_byte_that_means_nothing(self):
        """Uncompressed pictures in an AVI may have alpha, or leave its byte 0: then they are opaque."""
        for name, alpha, expected in (("unused.avi", 0, ORANGE), ("half.avi", 0.5, mixed(ORANGE, 0.5)), ("whole.avi", 1, ORANGE)):
            with self.subTest(name):
                path = self.colour(name, ORANGE, "-c:v", "rawvideo", "-pix_fmt", "bgra", alpha=alpha)
                self.assert_colour(at(film(self.run_tool(path, "--kbps", 2000))[0], 0.5, 0.5), expected, 6)
        # once there was alpha, what has none is transparent; and so it always is where a container says what the byte means
        shown = self.colour("seen.nut", ORANGE, "-c:v", "rawvideo", "-pix_fmt", "bgra", alpha=0.5)
        hidden = self.colour("hidden.nut", ORANGE, "-c:v", "rawvideo", "-pix_fmt", "bgra", alpha=0)
        both = self.path("both.avi")
        marks.ffmpeg("-i", shown, "-i", hidden, "-filter_complex", "concat=n=2", "-c:v", "rawvideo", "-pix_fmt", "bgra", both)
        for path in (both, hidden):
            self.assert_colour(at(film(self.run_tool(path, "--kbps", 2000))[-1], 0.5, 0.5), GREY, 6)

    def test_a_fourth_byte_in_a_picture_without_colour(self):
        """All of it is 0: it may be transparent, unless another picture has shown that the byte means nothing."""
        nothing = self.colour("nothing.nut", (0, 0, 0), "-c:v", "rawvideo", "-pix_fmt", "bgra", alpha=0)
        half = self.colour("half.nut", ORANGE, "-c:v", "rawvideo", "-pix_fmt", "bgra", alpha=0.5)
        unused = self.colour("unused.nut", ORANGE, "-c:v", "rawvideo", "-pix_fmt", "bgra", alpha=0)
        for first, second, expected in ((nothing, half, (GREY, mixed(ORANGE, 0.5))), (nothing, unused, (GREY, ORANGE)),
                                        (unused, nothing, (ORANGE, (0, 0, 0)))):
            with self.subTest(first=first, second=second):
                marks.ffmpeg("-i", first, "-i", second, "-filter_complex", "concat=n=2", "-c:v", "rawvideo", "-pix_fmt", "bgra",
                             self.path("faded.avi"))
                pictures = film(self.run_tool(self.path("faded.avi"), "--kbps", 2000))
                for picture, colour in zip((pictures[0], pictures[-1]), expected):
                    self.assert_colour(at(picture, 0.5, 0.5), colour, 6)

    def test_edges_of_transparent_pictures(self):
        """No fringe where an opaque face meets what is transparent, whatever colour that has."""
        marks.ffmpeg("-f", "lavfi", "-i", "color=green:size=256x256:rate=5:duration=0.2,format=rgba,"
                     "geq=r='if(lt(X,128),216,0)':g='if(lt(X,128),216,255)':b='if(lt(X,128),216,0)':a='if(lt(X,128),255,0)'",
                     "-frames:v", 1, self.path("edge.png"))
        picture = film(self.run_tool("--portrait", self.path("edge.png"), "--size", "100x100", "--kbps", 4000))[0]
        for x in np.arange(0.1, 0.9, 0.02):
            self.assert_colour(at(picture, x, 0.5), GREY, 3)

    def test_beside_the_picture(self):
        """Bars are black, unless a background was set, or the picture is transparent."""
        opaque, clear = self.colour("wide.png", ORANGE, "-frames:v", 1, "-pix_fmt", "rgb24", size="128x64"), \
            self.colour("clear.png", ORANGE, "-frames:v", 1, size="128x64", alpha=0.5)
        for path, options, bars in ((opaque, [], (0, 0, 0)), (opaque, ["--background", "#204060"], (32, 64, 96)),
                                    (clear, [], GREY), (clear, ["--background", "#204060"], (32, 64, 96))):
            with self.subTest(path, options=options):
                segment = self.run_tool(path, "--size", "128x128", "--kbps", 2000, *options)
                for y in (0.1, 0.9):
                    self.assert_colour(at(film(segment)[0], 0.5, y), bars)
                self.assert_colour(at(film(segment)[0], 0.5, 0.5), ORANGE if path == opaque else mixed(ORANGE, 0.5, bars), 5)

    def test_a_picture_as_background(self):
        """It covers the size; what does not fit is cut."""
        marks.ffmpeg("-f", "lavfi", "-i", "color=red:size=200x80:rate=5:duration=0.2,format=rgb24,drawbox=x=60:y=0:w=80:h=80:color=blue:t=fill",
                     "-frames:v", 1, self.path("behind.png"))
        clear = self.colour("clear.png", ORANGE, "-frames:v", 1, alpha=0)
        picture = film(self.run_tool("--portrait", clear, "--size", "80x80", "--background", self.path("behind.png"), "--kbps", 2000))[0]
        for x, y in ((0.1, 0.1), (0.9, 0.1), (0.5, 0.5), (0.1, 0.9), (0.9, 0.9)):
            self.assert_colour(at(picture, x, y), (0, 0, 255))
        idle = self.path("idle.dhs")
        prepare("--portrait", clear, "--size", "80x80", "--background", self.path("behind.png"), "-o", idle)
        picture = film(self.run_tool(self.colour("half.mov", ORANGE, "-c:v", "png", alpha=0.5), "--avatar", idle,
                                     "--background", self.path("behind.png")))[-1]
        self.assert_colour(at(picture, 0.5, 0.5), mixed(ORANGE, 0.5, (0, 0, 255)), 5)
        for wrong in ("#12345", "#1234567", "#12345g", "red"):
            self.refuse(USAGE, ["--background", wrong, "#rrggbb"], clear, "--background", wrong)
        self.refuse(3, "nothing.png", clear, "--size", "80x80", "--background", self.path("nothing.png"))
        self.refuse(FORMAT, "background.txt", clear, "--size", "80x80", "--background", self.write("background.txt", b"words" * 100))

    # --- pictures that are not as a browser shows them

    def test_interlaced(self):
        """A moving edge: no comb, and where it was in the first field. What stands keeps its lines."""
        for first, name, options in (("top", "a.mpg", ["-c:v", "mpeg2video", "-q:v", 1, "-flags", "+ilme+ildct", "-b:v", "8M"]),
                                     ("top", "a.mkv", ["-c:v", "libx264", "-qp", 4, "-flags", "+ilme+ildct", "-x264-params", "tff=1"]),
                                     ("bottom", "b.mkv", ["-c:v", "libx264", "-qp", 4, "-flags", "+ilme+ildct", "-x264-params", "bff=1"])):
            lines = "if(lt(X,64),if(mod(Y,2),200,40),if(lt(X,72+N*4),220,30))"
            marks.ffmpeg("-f", "lavfi", "-i", f"nullsrc=size=256x64:rate=50:duration=0.8,format=gray,geq=lum='{lines}'", "-vf",
                         f"tinterlace=interleave_{first},setfield={'tff' if first == 'top' else 'bff'}", "-pix_fmt", "yuv420p", *options, self.path(name))
            with self.subTest(name):
                pictures = film(self.run_tool(self.path(name), "--kbps", 8000))
                self.assertGreater(len(pictures), 15)
                for n, picture in enumerate(pictures[2:12], 2):
                    luma = picture[:64].astype(float)
                    comb = abs(2 * luma[8:-8:2, 80:] - luma[7:-9:2, 80:] - luma[9:-7:2, 80:]).max(axis=0)
                    self.assertLess(comb.max(), 40)
                    edge = (luma[:, 64:].mean(axis=0) > 125).sum()
                    self.assertAlmostEqual(edge, 8 + 8 * n, delta=2)
                    self.assertGreater(abs(np.diff(luma[16:48, 16:48], axis=0)).mean(), 60)

    def test_shape(self):
        """Pixels that are not square: a circle stays one."""
        for name, ratio in (("a.mp4", "16/11"), ("a.mkv", "4/3"), ("b.mkv", "10/11"), ("a.mpg", "16/15"), ("a.mov", "1/2")):
            marks.ffmpeg("-f", "lavfi", "-i", f"nullsrc=size=180x144:rate=25:duration=0.2,format=gray,setsar={ratio},"
                         f"geq=lum='if(lt(hypot((X-90)*{ratio},Y-72),40),230,20)'", "-pix_fmt", "yuv420p",
                         "-c:v", "mpeg2video" if name == "a.mpg" else "libx264", *(["-aspect", "4:3"] if name == "a.mpg" else []), self.path(name))
            for options in ([], ["--size", "200x200"]):
                with self.subTest(name, options=options):
                    segment = self.run_tool(self.path(name), *options, "--kbps", 2000)
                    disc = film(segment)[0][:segment.height] > 120
                    self.assertAlmostEqual(disc.any(axis=0).sum() / disc.any(axis=1).sum(), 1, delta=0.05)

    def test_range_and_depth(self):
        """Full range, 10 and 12 bits: the same orange."""
        full = ["-vf", "scale=out_range=full", "-color_range", "pc"]
        for name, options in {"full.mkv": [*full, "-pix_fmt", "yuv420p", "-c:v", "ffv1"], "full.mp4": [*full, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-qp", 1],
                              "ten.mp4": ["-pix_fmt", "yuv420p10le", "-c:v", "libx264", "-qp", 1], "full10.mkv": [*full, "-pix_fmt", "yuv420p10le", "-c:v", "ffv1"],
                              "twelve.mkv": ["-pix_fmt", "yuv444p12le", "-c:v", "ffv1"], "grey10.mkv": ["-pix_fmt", "gray10le", "-c:v", "ffv1"]}.items():
            colour = (120, 120, 120) if "grey" in name else ORANGE
            with self.subTest(name):
                path = self.colour(name, colour, *options, pixels="rgb24")
                self.assert_colour(at(film(self.run_tool(path, "--kbps", 2000))[-1], 0.5, 0.5), colour, 3)

    def test_high_dynamic_range(self):
        """Light of so many nits, in BT.2020's colours, shows as BT.2390 and BT.1886 say, with alpha, too."""
        lights = [(0.1, 0.1, 0.1), (10, 10, 10), (100, 100, 100), (203, 203, 203), (900, 900, 900), (80, 40, 20), (300, 100, 50), (5, 60, 30)]
        for trc, peak, alpha in (("smpte2084", 1000.0, None), ("arib-std-b67", 1000.0, None), ("smpte2084", 1000.0, 1), ("arib-std-b67", 1000.0, 0.5)):
            codes = np.array([pq(np.array(light) / 10000) if trc == "smpte2084" else hlg(np.array(light) / peak) for light in lights])
            y, u, v = bt2020(codes)
            planes = [np.repeat(np.tile(np.repeat(p, size)[None], (size, 1)), 1, axis=0).astype("<u2").tobytes()
                      for p, size in ((y, 32), (u, 16), (v, 16))]
            if alpha is not None:
                planes.append(np.full((32, 32 * len(lights)), round(1023 * alpha), "<u2").tobytes())
            pixels = "yuv420p10le" if alpha is None else "yuva420p10le"
            marks.ffmpeg("-f", "rawvideo", "-pix_fmt", pixels, "-s", f"{32 * len(lights)}x32", "-r", 25, "-i", "-", "-c:v", "ffv1", "-color_primaries",
                         "bt2020", "-color_trc", trc, "-colorspace", "bt2020nc", "-color_range", "tv", self.path("hdr.mkv"), data=b"".join(planes))
            picture = film(self.run_tool(self.path("hdr.mkv"), "--kbps", 8000))[0]
            for n, light in enumerate(lights):
                with self.subTest(trc, light=light, alpha=alpha):
                    seen = mixed(shown(light, peak), 1 if alpha is None else alpha)
                    self.assert_colour(at(picture, (n + 0.5) / len(lights), 0.5), seen, 4)

    def test_thirty_thousand_pixels(self):
        header = b"YUV4MPEG2 W30000 H30000 F25:1 Ip A1:1 C420jpeg\nFRAME\n" + bytes(1000)
        self.refuse(LIMIT, ["huge.y4m", "30000x30000", "4096"], self.write("huge.y4m", header))
        self.refuse(LIMIT, ["standard input", "30000x30000", "4096"], "-", data=header)
        bitmap = b"BM" + struct.pack("<IIIIiiHHIIIIII", 54, 0, 54, 40, 30000, -30000, 1, 24, 0, 0, 0, 0, 0, 0)
        webp = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + struct.pack("<I", 12000)[:3] + struct.pack("<I", 12000)[:3] + b"VP8 \x0a\0\0\0" + bytes(10)
        for name, data in {"huge.bmp": bitmap + bytes(100), "huge.gif": b"GIF89a" + struct.pack("<HH", 30000, 30000) + bytes(100),
                           "huge.webp": b"RIFF" + struct.pack("<I", len(webp)) + webp,
                           "huge.tiff": grey_tiff(np.zeros((8, 8), dtype=np.uint8), 1).replace(struct.pack("<HHII", 256, 4, 1, 8), struct.pack("<HHII", 256, 4, 1, 30000))}.items():
            with self.subTest(name):
                self.refuse(LIMIT, [name, "12001" if "webp" in name else "30000", "4096"], self.write(name, data))


# --- light and codes

def pq(light):
    p = np.maximum(light, 0) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * p) / (1 + 18.6875 * p)) ** 78.84375


def pq_light(code):
    p = code ** (1 / 78.84375)
    return (np.maximum(p - 0.8359375, 0) / (18.8515625 - 18.6875 * p)) ** (1 / 0.1593017578125)


def hlg(display):
    """Of light on a screen of 1,000 nits, whose gamma is 1.2."""
    luminance = display @ np.array([0.2627, 0.6780, 0.0593])
    scene = display * luminance ** (1 / 1.2 - 1)
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073)


def bt2020(codes):
    """Ten bits, limited range."""
    y = codes @ np.array([0.2627, 0.6780, 0.0593])
    return (np.round(64 + 876 * y), np.round(512 + 896 * (codes[:, 2] - y) / 1.8814), np.round(512 + 896 * (codes[:, 0] - y) / 1.4746))


def shown(light, peak):
    """The colour that a screen of 203 nits shows for it."""
    light = np.array(light, dtype=float)
    source, most, brightest = pq(peak / 10000), pq(203 / 10000) / pq(peak / 10000), light.max()
    knee, e = 1.5 * most - 0.5, pq(brightest / 10000) / source
    if e > knee:
        t = (e - knee) / (1 - knee)
        e = (2 * t ** 3 - 3 * t ** 2 + 1) * knee + (t ** 3 - 2 * t ** 2 + t) * (1 - knee) + (3 * t ** 2 - 2 * t ** 3) * most
    light *= pq_light(e * source) * 10000 / brightest / 203
    narrow = np.array([[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]) @ light
    return np.clip(narrow, 0, 1) ** (1 / 2.4) * 255


if __name__ == "__main__":
    unittest.main()
