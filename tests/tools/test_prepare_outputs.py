#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare: where outputs go. DH_PREPARE names the program."""
import os
import socket
import stat
import subprocess
import threading
import unittest

import marks
from prepared import FORMAT, OUTPUT, PREPARE, USAGE, Case, Prepared, png, prepare

WEBM = b"\x1a\x45\xdf\xa3"


class Outputs(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clip = cls.path("clip.mp4")
        marks.ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x64:rate=25:duration=0.4", "-pix_fmt", "yuv420p", "-c:v", "libx264", cls.clip)
        cls.whole = cls.path("whole.dhs")
        prepare(cls.clip, "-o", cls.whole)
        with open(cls.whole, "rb") as file:
            cls.bytes = file.read()
        cls.damaged = cls.path("damaged.dhs")
        with open(cls.damaged, "wb") as file:
            file.write(cls.bytes[:-5])

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, data=b"precious"):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def both(self, out, **options):
        """Prepares and exports to `out`; yields what each begins with."""
        prepare(self.clip, "-o", out, **options)
        yield b"DHS1"
        prepare("--export", out, self.whole, **options)
        yield WEBM

    def test_links_are_followed(self):
        os.makedirs(self.path("far/away"))
        for name, target, lies in (("plain", "far/target", "far/target"), ("dangling", "far/away/new", "far/away/new"),
                                   ("whole path", self.path("far/absolute"), "far/absolute"), ("chain", "plain", "far/target"),
                                   ("far/up", "../above", "above")):
            for exists in (False, True):
                with self.subTest(name, exists=exists):
                    if not os.path.lexists(self.path(name)):
                        os.symlink(target, self.path(name))
                    for magic in self.both(self.path(name)):
                        self.assertEqual(os.readlink(self.path(name)), target)
                        self.assertTrue(stat.S_ISREG(os.lstat(self.path(lies)).st_mode))
                        self.assertEqual(self.read(lies)[:4], magic)
        os.symlink("round", self.path("round"))
        self.assertIn("round", prepare(self.clip, "-o", self.path("round"), code=OUTPUT))
        self.assertIn("round", prepare("--export", self.path("round"), self.whole, code=OUTPUT))

    def test_devices_and_pipes_are_written_to(self):
        null = self.path("null")
        try:
            os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        except PermissionError:
            null = "/dev/null"  # whose folder nobody but root may change
        os.symlink(null, self.path("to null"))
        for out in (null, self.path("to null")):
            for _ in self.both(out):
                self.assertTrue(stat.S_ISCHR(os.stat(out).st_mode))
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        got = []

        def listen():
            with open(fifo, "rb") as file:
                got.append(file.read())
        for magic, args in ((b"DHS1", [self.clip, "-o", fifo]), (WEBM, ["--export", fifo, self.whole])):
            reader = threading.Thread(target=listen)
            reader.start()
            prepare(*args)
            reader.join(20)
            self.assertEqual(got.pop()[:4], magic)
            self.assertTrue(stat.S_ISFIFO(os.lstat(fifo).st_mode))
        self.assertEqual(self.run_to("/dev/full"), OUTPUT)
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(self.path("socket"))
            prepare(self.clip, "-o", self.path("socket"), code=OUTPUT)
            self.assertTrue(stat.S_ISSOCK(os.lstat(self.path("socket")).st_mode))

    def run_to(self, out):
        codes = {subprocess.run([PREPARE, *args], capture_output=True).returncode
                 for args in ([self.clip, "-o", out], ["--export", out, self.whole])}
        self.assertEqual(len(codes), 1, codes)
        return codes.pop()

    def test_standard_output(self):
        """By any of its names; what went before stays."""
        self.assertEqual(os.listdir(self.folder).count("-"), 0)
        for name in ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
            for magic, args in ((b"DHS1", [self.clip, "-o", name]), (WEBM, ["--export", name, self.whole])):
                with self.subTest(name, magic=magic):
                    done = subprocess.run([PREPARE, *args], capture_output=True, cwd=self.folder, check=True)
                    self.assertEqual(done.stdout[:4], magic)
                    self.write("log")
                    with open(self.path("log"), "ab") as log:
                        subprocess.run([PREPARE, *args], stdout=log, cwd=self.folder, check=True)
                    self.assertEqual(self.read("log")[:12], b"precious" + magic)
        self.assertFalse(os.path.exists(self.path("-")))
        self.assertEqual(subprocess.run([PREPARE, self.clip, "-o", "-"], capture_output=True).stdout, self.bytes)

    def test_names_are_names(self):
        for name in ("a:b.dhs", "file:x", "http://host", "crypto:y.webm", "pipe:1", "md5:", "%d", "-o", "sp ace\nline"):
            with self.subTest(name):
                os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
                for args in (["-o", f"./{name}", self.clip], ["--export", f"./{name}", self.whole], ["--export", name, self.whole]):
                    if os.path.exists(self.path(name)):
                        os.unlink(self.path(name))
                    subprocess.run([PREPARE, *args], cwd=self.folder, check=True, capture_output=True)
                    self.assertTrue(os.path.isfile(self.path(name)))

    def test_an_output_is_no_input(self):
        face = self.path("face.png")
        png(face, 32, 32)
        idle = self.path("idle.dhs")
        prepare("--portrait", face, "-o", idle)
        os.symlink(self.clip, self.path("clip link"))
        os.link(self.whole, self.path("hard link"))
        os.mkfifo(self.path("through"))
        for out, args in ((self.clip, [self.clip]), (self.path("clip link"), [self.clip]), (self.clip, [self.path("clip link")]),
                          (face, ["--portrait", face]), (idle, ["--avatar", idle, self.clip]),
                          (face, ["--background", face, "--size", "32x32", self.clip]), (self.path("through"), [self.path("through")])):
            with self.subTest(out=out, args=args):
                before = self.read(out) if os.path.isfile(out) else None
                if out == self.path("through"):  # it would wait for itself
                    args = [self.clip, "--background", out, "--size", "32x32"]
                self.assertIn("input and output", prepare(*args, "-o", out, code=USAGE))
                self.assertEqual(self.read(out) if before is not None else None, before)
        for out in (self.whole, self.path("hard link")):
            self.assertIn("input and output", prepare("--export", out, self.whole, code=USAGE))
        with open(self.whole, "rb") as here, open(self.whole, "ab") as there:
            done = subprocess.run([PREPARE, "--export", "-", "-"], stdin=here, stdout=there, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, USAGE)
        self.assertEqual(self.read("whole.dhs"), self.bytes)

    def test_what_was_there_stays_until_it_is_replaced(self):
        os.chmod(self.write("kept"), 0o640)
        self.assertIn("damaged", prepare("--export", self.path("kept"), self.damaged, code=FORMAT))
        prepare(self.damaged, "-o", self.path("kept"), code=FORMAT)
        self.assertEqual(self.read("kept"), b"precious")
        prepare(self.clip, "-o", self.path("kept"))
        self.assertEqual(stat.S_IMODE(os.stat(self.path("kept")).st_mode), 0o640)
        Prepared(self.path("kept")).check_order()
        prepare("--export", self.path("kept"), self.whole)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("kept")).st_mode), 0o640)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("kept.")], [])
        prepare("--export", self.folder, self.whole, code=OUTPUT)
        prepare("--export", self.path("no/such/film.webm"), self.whole, code=OUTPUT)


if __name__ == "__main__":
    unittest.main()
