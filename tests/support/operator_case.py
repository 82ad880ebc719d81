# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does with the Debian package, extracted or installed: Debian's own Janus plays from it, with the
packaged configuration with comment signs taken away."""
import os
import re
import subprocess

from janus_server import JanusServer

ENDS = ("finished", "interrupted", "skipped", "removed", "failed")
STOCK = ("libjanus_echotest.so", "libjanus_videoroom.so", "libjanus_audiobridge.so")


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", **more)
    if done.returncode:
        raise AssertionError("%s: exit code %d\n%s" % (" ".join(command), done.returncode, done.stdout[-6000:]))
    return done.stdout


class Operator:
    """The package's files are in `root`; `folder` is the test's own. `places()` says which paths in the configuration
    have to be others: old, new."""

    def path(self, name):
        return os.path.join(self.root, name)

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def configuration(self):
        """The packaged file, its avatar, generator and room uncommented, with these paths."""
        text = self.read("etc/janus/janus.plugin.digitalhuman.jcfg")
        text = re.sub(r"(?m)^#(?=avatar-|generator-|room-|\t|\})", "", text)
        for old, new in (('#segments_folder = [ "/srv/segments", "/srv/more-segments" ]',
                          'segments_folder = "%s/srv"' % self.folder),
                         ('\tidle = "/srv/avatars/anna.mp4"\n', ""),
                         ('#portrait = "/srv/avatars/anna.png"', 'portrait = "%s/srv/anna.png"' % self.folder),
                         ('"/usr/bin/dh-talker"', '"%s"' % self.path("usr/bin/dh-talker")),
                         ('#generator = "talker"', 'generator = "talker"'),
                         ('#secret = "adminpwd"', 'secret = "adminpwd"'),
                         *self.places()):
            self.assertIn(old, text)
            text = text.replace(old, new)
        return text

    def check_the_stock_janus_plays_from_it(self):
        talker = self.path("usr/bin/dh-talker")
        os.makedirs(os.path.join(self.folder, "srv"), exist_ok=True)
        run(talker, "--portrait", os.path.join(self.folder, "srv/anna.png"))
        run(talker, "-o", os.path.join(self.folder, "srv/hello.mkv"), "Hello.")
        plugin = "libjanus_digitalhuman.so"
        os.environ["DH_PLUGIN"], = (os.path.join(path, plugin) for path, _, names in os.walk(self.path("usr/lib"))
                                    if plugin in names)
        os.environ["DH_PREPARE"] = self.path("usr/bin/dh-prepare")
        with JanusServer(self.configuration(), plugins=STOCK) as janus:
            handle = janus.attach()
            self.assertEqual([room["id"] for room in handle.request({"request": "list"})["list"]], [1])
            info = janus.wait_for_state(handle, 1, "idle", "failed")
            self.assertEqual((info["state"], info["width"], info["has_generator"]), ("idle", 512, True))
            viewer, watcher = janus.attach(), janus.attach()
            self.assertEqual(viewer.request({"request": "watch", "id": 1})["result"]["status"], "preparing")
            viewer.detach()     # without media it would have to go after a while
            self.assertEqual(watcher.request({"request": "observe", "id": 1, "secret": "adminpwd"})["result"]["status"], "observing")
            self.play(watcher, handle, {"request": "enqueue", "file": "hello.mkv"})
            self.play(watcher, handle, {"request": "say", "text": "Good morning.", "voice": "en"})
            self.assertNotRegex(janus.log(), r"\[(WARN|ERR|FATAL)\] \[janus\.plugin\.digitalhuman\]")

    def play(self, watcher, handle, request):
        body = dict(request, id=1)
        self.assertEqual(handle.request(body)["error_code"], 457)   # the secret is missing
        segment = handle.request(dict(body, secret="adminpwd"))["segment"]
        told = watcher.events.wait(lambda e: e.get("segment") == segment and e["event"] in ENDS, timeout=60)
        self.assertEqual(told["event"], "finished", told)
        self.assertGreater(told["played_ms"], 300)
