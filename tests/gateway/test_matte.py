#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A transparent avatar against a real Janus: what is said of it, what fits it, and what Chromium shows of it on a page
with a chequered background, to the edges."""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

import av
import numpy as np

import marks
import pushing
from janus_server import WAIT_S, JanusServer
from probe import HERE, Server, browser, janus_js, packaged
from request_case import RequestCase

sys.path.insert(0, os.path.join(os.environ["DH_ROOT"], "clients", "python"))
from digitalhuman import Stage  # noqa: E402

HTML = os.path.join(HERE, "../../html")
SIZE = 256
ORANGE, BLUE = (230, 120, 30), (20, 60, 200)
JCFG = """
general: { segments_folder = "{folder}/segments" cache_folder = "{folder}/cache" worker = "{prepare}" push_socket = "{folder}/push.sock" }
avatar-clear: { width = 256 height = 256 idle = "{folder}/disc.mov" kbps = 3000 background = "transparent" fade_ms = 200 }
avatar-solid: { width = 256 height = 256 idle = "{folder}/disc.mov" kbps = 3000 background = "#00ff00" }
avatar-misfit: { width = 256 height = 256 idle = "{folder}/plain.dhs" background = "transparent" }
avatar-other: { width = 256 height = 256 idle = "{folder}/clear.dhs" }
avatar-tall: { width = 256 height = 1200 idle = "{folder}/disc.mov" background = "transparent" }
room-one: { id = 1 avatar = "clear" }
room-two: { id = 2 avatar = "solid" }
room-misfit: { id = 3 avatar = "misfit" }
room-other: { id = 4 avatar = "other" }
"""
# What `list`, `info`, `started` and pushers are told.
SHAPE = {"width": 256, "height": 256, "matte": "below", "matte_top": 280, "coded_height": 536}


def disc(path, rgb, *options, seconds=1, size=SIZE):
    """Soft over four pixels; what is not there would be green."""
    y, x = np.mgrid[:size, :size] + 0.5
    alpha = (255 * (0.5 - (np.hypot(x - size / 2, y - size / 2) - size / 4) / 4)).clip(0, 255).astype(np.uint8)
    picture = np.dstack([np.where((alpha > 0)[..., None], rgb, (0, 255, 0)).astype(np.uint8), alpha])
    marks.ffmpeg("-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{size}x{size}", "-r", 10, "-i", "-", *options, path,
                 data=picture.tobytes() * (seconds * 10))


def prepare(*args):
    subprocess.run([os.environ["DH_PREPARE"], "--quiet", *args], check=True)


class Gateway(JanusServer):
    def write_configuration(self):
        super().write_configuration()
        disc(self.path("disc.mov"), ORANGE, "-c:v", "png")
        disc(self.path("segments/blue.mov"), BLUE, "-c:v", "png", seconds=2)
        marks.ffmpeg("-f", "lavfi", "-i", "color=0x143cc8:size=256x256:rate=10:duration=3", "-pix_fmt", "yuv420p", self.path("segments/opaque.mp4"))
        for name, options in {"plain.dhs": [], "clear.dhs": ["--background", "transparent"]}.items():
            prepare("--portrait", self.path("disc.mov"), "--kbps", "3000", "-o", self.path(name), *options)
        blue = self.path("segments/blue.mov")
        prepare(blue, "--avatar", self.path("clear.dhs"), "--kbps", "3000", "-o", self.path("segments/fits.dhs"))
        prepare(blue, "--size", "256x256", "-o", self.path("segments/plain.dhs"))
        prepare(blue, "--size", "128x128", "--background", "transparent", "-o", self.path("segments/small.dhs"))
        # as high as picture and matte are together, and no matte
        prepare(blue, "--size", "256x536", "-o", self.path("segments/high.dhs"))


class Mattes(RequestCase):
    @classmethod
    def setUpClass(cls):
        cls.janus = Gateway(JCFG).start()
        cls.addClassCleanup(cls.janus.stop)
        handle = cls.janus.attach()
        for room, state in ((1, "idle"), (2, "idle"), (3, "failed"), (4, "failed")):
            cls.janus.wait_for_state(handle, room, state)


class Said(Mattes):
    def test_what_is_said_of_it(self):
        listed = {room["id"]: room for room in self.ask("list")["list"]}
        info = self.ask("info", id=1)["info"]
        self.assertEqual({key: info[key] for key in SHAPE}, SHAPE)
        self.assertEqual({key: listed[1][key] for key in SHAPE}, SHAPE)
        self.assertEqual((info["background"], "matte" in listed[2]), ("transparent", False))
        offered = self.watch()[1]["plugindata"]["data"]["result"]
        self.assertEqual({key: offered[key] for key in SHAPE}, SHAPE)
        self.assertNotIn("matte", self.watch(2)[1]["plugindata"]["data"]["result"])
        self.janus.wait_log("avatar-tall: height: at most 1144 is expected where the background is transparent")

    def test_what_pushers_are_told(self):
        """The shape, and an anchor with which an encoder elsewhere makes what fits."""
        address = self.janus.path("push.sock")
        with pushing.connect(address) as sock, sock.makefile("rb") as stream:
            sock.sendall(b'{"request":"info","room":1}\n')
            info = json.loads(stream.readline())["info"]
        self.assertEqual({key: info[key] for key in SHAPE}, SHAPE)
        self.assertEqual(info["background"], "transparent")
        with open(self.janus.path("anchor.dhs"), "wb") as file:
            file.write(pushing.anchor(address, 1))
        told = json.loads(subprocess.run([os.environ["DH_PREPARE"], "--info", self.janus.path("anchor.dhs"), "--json"], capture_output=True, check=True).stdout)
        self.assertEqual({key: told["video"][key] for key in SHAPE}, SHAPE)
        for file, word in (("fits.dhs", None), ("plain.dhs", "without --background transparent")):
            with open(self.janus.path("segments/" + file), "rb") as data, pushing.connect(address) as sock, sock.makefile("rb") as stream:
                sock.sendall(b'{"room":1}\n' + data.read())
                sock.shutdown(socket.SHUT_WR)
                last = [json.loads(line) for line in stream][-1]
            self.assertEqual(last["event"], "failed" if word else "finished", last)
            self.assertIn(word or "", last.get("error", ""))

    def test_what_does_not_fit(self):
        """Streams that were prepared without a matte, or with one for something else, fail and say why."""
        self.assertIn("prepared without --background transparent", self.ask("info", id=3)["info"]["error"])
        self.assertIn("prepared with --background transparent", self.ask("info", id=4)["info"]["error"])
        for room, file, word in ((1, "plain.dhs", "without --background transparent"), (1, "high.dhs", "without --background transparent"),
                                 (1, "small.dhs", "another size"), (2, "fits.dhs", "with --background transparent"),
                                 (1, "fits.dhs", None), (1, "blue.mov", None), (2, "blue.mov", None), (2, "plain.dhs", None)):
            handle = self.attach()
            handle.request({"request": "observe", "id": room})
            segment = handle.request({"request": "enqueue", "id": room, "file": file})["segment"]
            ended = handle.events.wait(lambda e: e.get("segment") == segment and e.get("event") in ("finished", "failed"))
            with self.subTest(room=room, file=file):
                self.assertEqual(ended["event"], "failed" if word else "finished", ended)
                self.assertIn(word or "", ended.get("error", ""))


class Shown(Mattes):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        files = {"/": os.path.join(HERE, "chequers.html"), "/vendor/janus.js": janus_js(),
                 "/vendor/adapter.js": packaged("libjs-webrtc-adapter", "adapter.js"),
                 **{"/" + name: os.path.join(HTML, name) for name in ("digitalhuman.js", *("js/" + name for name in os.listdir(HTML + "/js")))}}
        cls.site = cls.enterClassContext(Server(files))
        cls.chromium = cls.enterClassContext(browser(["--enable-unsafe-swiftshader"]))

    def open(self, room=1, before=None):
        query = urllib.parse.urlencode({"ws": self.janus.ws, "room": room})
        page = self.chromium.open(f"{self.site.url}?{query}", width=600, height=400, before=before)
        self.addCleanup(page.close)
        page.wait("dh.state === 'playing'")
        return page

    def look(self, page, left=0, top=0):
        """The page's upper left, as red, green and blue."""
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            page.screenshot(file.name)
            with av.open(file.name) as container:
                picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
        return picture[top:top + SIZE, left:left + SIZE].astype(float)

    def wait_for(self, page, rgb, x=SIZE // 2, y=SIZE // 2, tolerance=24):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            seen = self.look(page)
            if abs(seen[y, x] - rgb).max() <= tolerance:
                return seen
        self.fail(f"{rgb} is not shown, but {seen[y, x]}")

    def check(self, seen, rgb):
        y, x = np.mgrid[:SIZE, :SIZE]
        # a conic gradient's first quarter is on the right, at the top
        ground = np.where(((x // 16 + y // 16) % 2 == 1)[..., None], 0.0, 255.0)
        away = np.hypot(x + 0.5 - SIZE / 2, y + 0.5 - SIZE / 2) - SIZE / 4
        self.assertLess(abs(seen - rgb)[away < -6].max(), 24)
        self.assertLessEqual(abs(seen - ground)[away > 6].max(), 2)
        share = (0.5 - away / 4).clip(0, 1)[..., None]
        edge = abs(away) < 2
        self.assertLess(abs(seen - (share * rgb + (1 - share) * ground))[edge].mean(), 16)
        # no fringe: a pixel of the edge lies between what it is a mixture of
        low, high = np.minimum(ground, rgb), np.maximum(ground, rgb)
        near = abs(away) < 6
        self.assertLess(np.maximum(low - seen, seen - high)[near].max(), 28)
        # and the edge is neither the one nor the other
        self.assertGreater(np.minimum(abs(seen - rgb), abs(seen - ground)).max(axis=2)[abs(away) < 1].mean(), 30)

    def test_a_chequered_page(self):
        """The idle clip, a transparent segment, an opaque one, and back, while the page is the background."""
        page = self.open()
        self.check(self.wait_for(page, ORANGE), ORANGE)
        # so often that a busy machine sees it
        page.evaluate("dh.enqueue('blue.mov', { repeat: 100 })")
        self.check(self.wait_for(page, BLUE), BLUE)
        page.evaluate("dh.enqueue('opaque.mp4', { repeat: 100 }).then(() => dh.skip())")
        seen = self.wait_for(page, BLUE, 4, 4)
        self.assertLess(abs(seen - BLUE).max(), 24)
        page.evaluate("dh.interrupt()")
        self.wait_for(page, (255, 255, 255), 4, 4, 2)
        self.check(self.wait_for(page, ORANGE), ORANGE)
        shape = page.evaluate("({ width: dh.canvas.width, height: dh.canvas.height, style: dh.canvas.style.width, name: dh.canvas.className,"
                              " label: dh.canvas.ariaLabel, box: document.getElementById('v').getBoundingClientRect().width })")
        self.assertEqual(shape, {"width": 256, "height": 256, "style": "256px", "name": "avatar", "label": "Anna", "box": 1})
        page.click("canvas")
        self.assertEqual(page.evaluate("clicks"), 1)
        self.assertEqual(page.errors, [])
        # and the fade into the clip was made: with its matte it is like any other
        for complaint in ("fade_ms has no effect", "it is cut, not faded"):
            self.assertNotIn(complaint, self.janus.log())

    def test_arrays_that_are_pushed(self):
        """From the Python client, raw and encoded beside the generator."""
        page = self.open()
        self.wait_for(page, ORANGE)
        y, x = np.mgrid[:SIZE, :SIZE]
        away = np.hypot(x + 0.5 - SIZE / 2, y + 0.5 - SIZE / 2) - SIZE / 4
        frame = np.zeros((SIZE, SIZE, 4), np.uint8)
        frame[..., :3] = np.where((away < 2)[..., None], BLUE[::-1], (0, 255, 0))
        frame[..., 3] = (255 * (0.5 - away / 4)).clip(0, 255)
        for encode in (False, True):
            with self.subTest(encode=encode), Stage("unix:" + self.janus.path("push.sock"), 1, encode=encode, dh_prepare=self.janus.prepare) as stage:
                with stage.segment(fps=10, pixel_format="bgra") as segment:
                    for _ in range(20):
                        segment.push(frame)
                    self.check(self.wait_for(page, BLUE), BLUE)
                self.assertEqual((segment.result.event, segment.result.incomplete), ("finished", False))
            self.wait_for(page, ORANGE)

    def test_a_lost_context(self):
        page = self.open()
        self.wait_for(page, ORANGE)
        page.evaluate("window.gl = dh.canvas.getContext('webgl').getExtension('WEBGL_lose_context'), gl.loseContext()")
        page.wait("dh.canvas.getContext('webgl').isContextLost()")
        page.evaluate("gl.restoreContext()")
        page.wait("!dh.canvas.getContext('webgl').isContextLost()")
        self.check(self.wait_for(page, ORANGE), ORANGE)

    def test_without_webgl(self):
        """The picture alone, and words."""
        page = self.open(before="HTMLCanvasElement.prototype.getContext = () => null")
        page.wait("document.querySelector('p')?.textContent.includes('WebGL')")
        self.wait_for(page, ORANGE)
        box = page.evaluate("(({ width, height }) => [width, height])(document.getElementById('v').getBoundingClientRect())")
        self.assertEqual((box, page.evaluate("dh.canvas")), ([256, 256], None))
        # the matte, which would be grey, is not seen; the disc's colour goes on
        self.assertLess(abs(self.look(page) - ORANGE).max(), 40)

    def test_another_room(self):
        """Without a matte the video itself is shown again, and the other way round."""
        page = self.open()
        self.wait_for(page, ORANGE)
        page.evaluate("dh.request({ request: 'switch', id: 2 })")
        page.wait("!dh.canvas && !document.querySelector('canvas')")
        self.wait_for(page, (0, 255, 0), 4, 4)
        page.evaluate("dh.request({ request: 'switch', id: 1 })")
        page.wait("dh.canvas")
        self.check(self.wait_for(page, ORANGE), ORANGE)
        page.evaluate("dh.close()")
        self.assertEqual(page.evaluate("[document.querySelector('canvas'), document.getElementById('v').style.cssText]"), [None, "width: 256px;"])
        self.assertEqual(page.evaluate("problems"), [])


if __name__ == "__main__":
    unittest.main()
