# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of requests have in common: a server with odd rooms and generators, small media, and how to ask
and be refused."""
import os
import time
import unittest

from ffmpeg import ffmpeg
from janus_server import WAIT_S, JanusServer

JCFG = """
general: {
    segments_folder = ( "{folder}/segments", "{folder}/more" )
    cache_folder = "{folder}/cache"
    worker = "{prepare}"
    admin_key = "operator"
    max_rooms = 6
    max_viewers_per_room = 2
    max_viewers = 3
    max_per_session = 3
    max_handles_per_session = 20
    max_queue = 3
    max_metadata = 200
    max_file_mb = 20
}
avatar-small: { width = 64 height = 64 idle = "{folder}/idle.avi" kbps = 200 }
avatar-lost: { width = 64 height = 64 idle = "{folder}/nowhere.avi" }
avatar-bad: { width = 63 height = 64 idle = "{folder}/idle.avi" }
generator-singer: {
    command = ( "/bin/sh", "-c", "cat > {folder}/said-$0; echo $SONG $HOME >> {folder}/said-$0; cat {folder}/two.nut", "{voice}" )
    voices = ( "alto", "bass" ) environment = ( "SONG=la la" )
}
generator-broken: { command = ( "/bin/sh", "-c", "head -c 300000 {folder}/two.nut; exit 3" ) }
generator-part: { command = ( "/bin/sh", "-c", "head -c 150000 {folder}/two.nut" ) }
generator-mute: { command = ( "/bin/false" ) }
generator-absent: { command = ( "{folder}/no-such-program" ) }
generator-slow: { command = ( "/bin/sh", "-c", "sleep 100 & sleep 100" ) max_s = 1 }
generator-slower: { command = ( "/bin/sh", "-c", "sleep 1000 & sleep 1000" ) max_s = 600 }
generator-relative: { command = ( "sh" ) }
room-demo: { id = 1 description = "Demo" avatar = "small" secret = "s3cret" }
room-hidden: { id = 2 avatar = "small" pin = "open-1234" secret = "other" is_private = true duration = "longest" }
room-lost: { id = 3 avatar = "lost" }
room-bad: { id = 4 avatar = "bad" }
room-again: { id = 1 avatar = "small" }
room-wrong: { id = 5 avatar = "small" color = "green" }
"""

SECRET = {"secret": "s3cret"}


def media(path, seconds, sound=True):
    """A small medium of ffmpeg's own making, in a format that needs no encoder library."""
    inputs = ["-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=%s" % seconds]
    if sound:
        inputs += ["-f", "lavfi", "-i", "sine=440:d=%s" % seconds]
    ffmpeg(*inputs, "-c:v", "mjpeg", "-c:a", "pcm_s16le", path)


class SmallServer(JanusServer):
    """With the idle clip of a small avatar."""

    def write_configuration(self):
        super().write_configuration()
        media(self.path("idle.avi"), 1, sound=False)


def command_of(pid):
    """The command line of a process; "" if it is gone."""
    try:
        with open("/proc/%d/cmdline" % pid) as f:
            return f.read()
    except OSError:
        return ""


class RequestCase(unittest.TestCase):
    """`janus` is the class's server; every test has a handle of its own."""
    janus = None

    @classmethod
    def begin(cls, server, rooms=(1,)):
        """Starts the class's server, and waits until these rooms idle."""
        cls.janus = server.start()
        cls.addClassCleanup(cls.janus.stop)
        for room in rooms:
            cls.janus.wait_for_state(cls.janus.attach(), room, "idle")

    def setUp(self):
        self.handle = self.attach()

    def attach(self):
        handle = self.janus.attach()
        self.addCleanup(handle.detach)
        return handle

    def ask(self, request, **fields):
        return self.handle.request({"request": request, **fields})

    def refused(self, code, word, request, **fields):
        answer = self.ask(request, **fields)
        self.assertEqual(answer.get("error_code"), code, answer)
        self.assertEqual(answer["digitalhuman"], "event")
        self.assertIn(word, answer["error"])
        return answer

    def watch(self, room=1, **fields):
        handle = self.attach()
        return handle, handle.answer({"request": "watch", "id": room, **fields})


class Server(SmallServer):
    def write_configuration(self):
        super().write_configuration()
        os.chmod(self.folder, 0o777)        # generators run as nobody and record what they were asked to say
        os.mkdir(self.path("more"))
        os.chmod(self.path("more"), 0o755)
        media(self.path("segments/two.avi"), 2)
        media(self.path("segments/long.avi"), 30)
        media(self.path("more/elsewhere.avi"), 1)
        media(self.path("outside.avi"), 1)
        media(self.path("two.nut"), 2)
        os.mkdir(self.path("segments/sub"))
        os.symlink(self.path("outside.avi"), self.path("segments/link.avi"))
        os.symlink("two.avi", self.path("segments/inside.avi"))
        os.symlink("..", self.path("segments/up"))
        os.mkfifo(self.path("segments/pipe.avi"))
        self.write("segments/text.mp4", "This is no film.\n" * 100)
        self.write("segments/empty.mp4", "")
        self.write("segments/large.avi", "")
        os.truncate(self.path("segments/large.avi"), (20 << 20) + 1)


class ServerCase(RequestCase):
    """Requests to one Server; room 1 is empty after each test."""

    @classmethod
    def setUpClass(cls):
        cls.janus = Server(JCFG).start()
        cls.addClassCleanup(cls.janus.stop)
        handle = cls.janus.attach()
        cls.janus.wait_for_state(handle, 1, "idle", "failed")
        cls.janus.wait_for_state(handle, 3, "failed")

    def setUp(self):
        super().setUp()
        self.addCleanup(self.ask, "interrupt", id=1, **SECRET)
        end = time.monotonic() + WAIT_S
        while True:             # those who watched in the test before may still be leaving
            usage = self.ask("stats", admin_key="operator")["usage"]
            if not usage["viewers"]["used"] + usage["observers"]["used"]:
                break
            self.assertLess(time.monotonic(), end, usage)
            time.sleep(0.02)
