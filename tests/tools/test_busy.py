#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/busy, in a folder whose ./test does what a test wants."""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = os.environ["DH_ROOT"]
WAIT_S = 60
# Red where it says so; remembers what it was called with, and how many loops there were then.
TEST = """#!/bin/bash
cd "$(dirname "$0")" || exit 1
echo "$*" >> called
ps -o args= --ppid $PPID | grep -c 'while :' >> loops
number=$(wc -l < called)
[ ! -e lasting ] || { echo $$ > pid; exec sleep 1000; }
if grep -qx "$number" red; then echo "1 passed, 2 failed"; exit 1; fi
echo "something else"
echo "3 passed, 0 failed"
"""


class Busy(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        for folder in ("tests", "scripts", "build"):
            os.mkdir(self.path(folder))
        shutil.copy(os.path.join(ROOT, "tests", "busy"), self.path("tests"))
        shutil.copy(os.path.join(ROOT, "scripts", "lib.sh"), self.path("scripts"))
        self.write("test", TEST)
        os.chmod(self.path("test"), 0o755)
        self.write("red", "")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def lines(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read().splitlines()

    def busy(self, *arguments):
        done = subprocess.run([self.path("tests/busy"), *arguments], check=False, text=True, capture_output=True, timeout=WAIT_S)
        return done.returncode, done.stdout.splitlines()

    def children(self, pid):
        return subprocess.run(["pgrep", "-P", str(pid)], check=False, text=True, capture_output=True).stdout.split()

    def await_ended(self, pids):
        end = time.monotonic() + WAIT_S
        while any(os.path.exists(f"/proc/{pid}") for pid in pids):
            self.assertLess(time.monotonic(), end, "something goes on")
            time.sleep(0.05)

    def end(self, pids):
        """Of what a failed test has left."""
        for pid in map(int, pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def test_green(self):
        status, said = self.busy("3", "lint/house", "plain/")
        self.assertEqual((status, said), (0, [f"run {n}: 3 passed, 0 failed" for n in (1, 2, 3)] + ["3 green, 0 red"]))
        self.assertEqual(self.lines("called"), ["lint/house plain/"] * 3)
        self.assertEqual(self.lines("loops"), [str(os.cpu_count())] * 3)

    def test_five_times_unless_told_otherwise(self):
        self.assertEqual(self.busy()[1][-1], "5 green, 0 red")
        self.assertEqual(self.lines("called"), [""] * 5)

    def test_one_is_red(self):
        for number in (1, 2):
            self.write("red", f"{number}\n")
            self.write("called", "")
            status, said = self.busy("2", "x")
            self.assertEqual((status, said[-1]), (1, "1 green, 1 red"))
            self.assertIn(f"run {number}: 1 passed, 2 failed", said[number - 1])
            self.assertEqual(self.lines(f"build/busy/{number}.log"), ["1 passed, 2 failed"])

    def ends_by(self, signal_number):
        self.write("lasting", "")
        process = subprocess.Popen([self.path("tests/busy"), "1"], stdout=subprocess.DEVNULL)
        end = time.monotonic() + WAIT_S
        while not os.path.exists(self.path("pid")):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        children = self.children(process.pid)
        self.addCleanup(self.end, children)
        self.assertEqual(len(children), os.cpu_count() + 1)
        process.send_signal(signal_number)
        self.assertNotEqual(process.wait(WAIT_S), 0)
        return children

    def test_broken_off(self):
        self.await_ended(self.ends_by(signal.SIGTERM))

    def test_killed(self):
        self.await_ended(self.ends_by(signal.SIGKILL))


if __name__ == "__main__":
    unittest.main()
