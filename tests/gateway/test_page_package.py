#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""digitalhuman.js as a package: what `npm pack` makes of html/, built by Vite, typed, and imported by a plain page. Vite and
TypeScript are downloaded; without a network the tests are skipped."""
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

import npm
from page_server import HTML, PageServer
from probe import browser
from hosted_room import HostedRoom

ROOT = os.environ["DH_ROOT"]
# The least that a page needs; Janus's own scripts come from the page, as they do in a page without a bundler.
MAIN = """
import { DigitalHuman } from 'janus-digitalhuman';
const video = document.querySelector('video');
window.dh = new DigitalHuman({ server: %s, room: 1, video, captions: true, vendor: '/vendor/' });
"""
# The same with Janus's scripts from npm.
ALL_OF_NPM = """
import adapter from 'webrtc-adapter';
import Janus from 'janus-gateway';
Object.assign(globalThis, { adapter, Janus });
""" + MAIN.replace(", vendor: '/vendor/'", "")
TYPED = """
import { DigitalHuman, type Caption } from 'janus-digitalhuman';
const dh = new DigitalHuman({ room: 'lobby', captions: true, video: document.querySelector('video') });
const stop: () => void = dh.on('captions', captions => captions.map((c: Caption) => c.text.length + c.until_ms));
dh.on('marker', ({ data, media_ms }) => { const shown: unknown = data; console.log(shown, media_ms.toFixed()); });
dh.on('status', ({ state, words }) => { if (state === 'playing') console.log(words); });
dh.on('started', ({ segment }) => console.log(segment));
dh.say('Hello', { words: [['Hello', 0, 300]], markers: [[0, { slide: 1 }]] }).then(answer => answer.segment);
dh.heard().then(({ segments }) => segments[0]?.heard[0]?.text);
dh.listen({ barge_in: 300, barge_in_mode: 'hold' }).then(async microphone => {
    const level: number = microphone.level;
    if (level > 0.5 && dh.viewer !== null) await dh.giveFloor(dh.viewer);
    await microphone.stop();
});
dh.on('microphone', ({ error }) => error?.code === 'denied');
dh.hold({ regret_ms: 300 }).then(() => dh.resume({ at: 'word' })).then(() => dh.interrupt({ mode: 'word' }));
dh.track?.addEventListener('cuechange', stop);
dh.token = 'signed';
dh.on('lost', ({ event, id, events }) => console.log(event, id ?? 'no room', events));
dh.observe(({ event }) => event === 'joined', error => error.code === 'kicked').then(end => end());
"""
WRONG = ["new DigitalHuman({ rooms: 1 });", "new DigitalHuman().on('captions', c => c.text);", "new DigitalHuman().say(1);",
         "new DigitalHuman().track = null;", "new DigitalHuman().resume({ at: 'end' });", "new DigitalHuman().listen({ barge_in: true });",
         "new DigitalHuman().video = null;", "new DigitalHuman().on('lost', event => event.id.toString());"]
PAGE = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Page</title><link rel="icon" href="data:,">
<video autoplay muted playsinline></video><script type="module" %s</script></html>"""


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("npm"):
            raise unittest.SkipTest("npm is not installed")
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="dh-package-"))
        packed = subprocess.run(["npm", "pack", "--json", "--pack-destination", cls.folder, HTML], check=True, capture_output=True,
                                text=True, stdin=subprocess.DEVNULL)
        cls.packed = json.loads(packed.stdout)[0]
        with tarfile.open(os.path.join(cls.folder, cls.packed["filename"])) as tar:
            tar.extractall(cls.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)

    def test_it_has_all_that_it_imports_and_no_more(self):
        names, wanted = {file["path"] for file in self.packed["files"]}, {"digitalhuman.js"}
        seen = set()
        while wanted - seen:
            name = (wanted - seen).pop()
            seen.add(name)
            with open(self.path("package", name)) as file:
                found = re.findall(r"(?:from|import\() ?'(\.[^']+)'", file.read())
            wanted |= {os.path.normpath(os.path.join(os.path.dirname(name), f)) for f in found}
        self.assertEqual(names - {"package.json", "digitalhuman.d.ts"}, seen)

    def test_its_version_is_the_plugins(self):
        with open(os.path.join(ROOT, "configure.ac")) as file:
            self.assertEqual(self.packed["version"], re.search(r"AC_INIT\(\[[^]]+\], \[([^]]+)\]", file.read())[1])

    def test_types(self):
        tools = npm.packages("typescript@5")
        self.write("typed/node_modules/janus-digitalhuman/package.json", "{}")
        shutil.copytree(self.path("package"), self.path("typed/node_modules/janus-digitalhuman"), dirs_exist_ok=True)
        check = ["node", os.path.join(tools, "node_modules/typescript/bin/tsc"), "--noEmit", "--strict", "--target", "es2022", "--module",
                 "esnext", "--moduleResolution", "bundler"]
        self.write("typed/right.ts", TYPED)
        done = subprocess.run([*check, "right.ts"], cwd=self.path("typed"), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        head = "import { DigitalHuman } from 'janus-digitalhuman';\n"
        self.write("typed/wrong.ts", head + "\n".join(WRONG))
        done = subprocess.run([*check, "wrong.ts"], cwd=self.path("typed"), capture_output=True, text=True)
        lines = {int(n) for n in re.findall(r"wrong\.ts\((\d+),", done.stdout)}
        self.assertEqual(lines, set(range(2, 2 + len(WRONG))), done.stdout)


class Pages(Package):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.hosted = HostedRoom()
        cls.addClassCleanup(cls.hosted.close)
        cls.chromium = cls.enterClassContext(browser(shell=True))

    test_it_has_all_that_it_imports_and_no_more = test_its_version_is_the_plugins = test_types = None

    def plays(self, files, path):
        """The page at `path` of that folder shows the room, and hears of a marker."""
        more = {}
        for folder, _, names in os.walk(files):
            for name in names:
                with open(os.path.join(folder, name)) as file:
                    more["/" + os.path.relpath(os.path.join(folder, name), files)] = file.read()
        with PageServer(more=more) as pages:
            page = self.chromium.open(pages.url + path)
            self.addCleanup(page.close)
            page.wait("window.dh?.state === 'playing'")
            page.evaluate("dh.on('marker', ({ data }) => { window.marked = data; }), dh.mark('here').then(() => 0)")
            page.wait("window.marked === 'here'")

    def built_by_vite(self, name, main, *packages):
        """The page with that script, and with what `packages` installed."""
        tools = npm.packages("vite@5", *packages)
        self.write(name + "/index.html", PAGE % 'src="/main.js">')
        self.write(name + "/main.js", main % json.dumps(self.hosted.server.ws))
        self.write(name + "/package.json", '{ "private": true, "type": "module" }')
        shutil.copytree(self.path("package"), self.path(name, "node_modules/janus-digitalhuman"), dirs_exist_ok=True)
        if packages:
            for module in ("janus-gateway", "webrtc-adapter", "sdp"):
                shutil.copytree(os.path.join(tools, "node_modules", module), self.path(name, "node_modules", module))
        done = subprocess.run(["node", os.path.join(tools, "node_modules/vite/bin/vite.js"), "build"], cwd=self.path(name),
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.plays(self.path(name, "dist"), "index.html")

    def test_vite(self):
        self.built_by_vite("app", MAIN)

    def test_vite_and_npms_janus(self):
        self.built_by_vite("all", ALL_OF_NPM, "janus-gateway@1")

    def test_the_whole_page_with_npms_janus(self):
        """What docs/operators.md says for systems without libjs-janus-gateway."""
        with open(os.path.join(ROOT, "docs", "operators.md")) as file:
            version, path = re.search(r"`npm pack janus-gateway@([\d.]+)`.*?`package/(\S+)`", file.read(), re.S).groups()
        folder = os.path.join(npm.packages("janus-gateway@" + version), "node_modules/janus-gateway")
        with open(os.path.join(folder, path)) as file:
            script = file.read()
        with PageServer({"server": self.hosted.server.ws, "room": 1}, more={"/vendor/janus.js": script}) as pages:
            page = self.chromium.open(pages.url)
            self.addCleanup(page.close)
            page.wait("window.digitalhuman?.state === 'playing'")
            self.assertEqual(page.errors, [])

    def test_a_plain_page(self):
        shutil.copytree(self.path("package"), self.path("plain/modules"), dirs_exist_ok=True)
        imports = PAGE % (">" + MAIN.replace("'janus-digitalhuman'", "'/modules/digitalhuman.js'") % json.dumps(self.hosted.server.ws))
        self.write("plain/plain.html", imports)
        self.plays(self.path("plain"), "plain.html")


if __name__ == "__main__":
    unittest.main()
