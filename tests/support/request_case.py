# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of requests have in common: small media, and how to ask and be refused."""
import subprocess
import unittest


def media(path, seconds, sound=True):
    """A small medium of ffmpeg's own making, in a format that needs no encoder library."""
    command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=%s" % seconds]
    if sound:
        command += ["-f", "lavfi", "-i", "sine=440:d=%s" % seconds]
    subprocess.run(command + ["-c:v", "mjpeg", "-c:a", "pcm_s16le", path], check=True)


def command_of(pid):
    """The command line of a process, "" where it is gone."""
    try:
        with open("/proc/%d/cmdline" % pid) as f:
            return f.read()
    except OSError:
        return ""


class RequestCase(unittest.TestCase):
    """`janus` is the class's server; every test has a handle of its own."""
    janus = None

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
