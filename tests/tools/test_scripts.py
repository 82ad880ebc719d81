#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""scripts/compile-commands, on the build that is being tested; examples/restream/again."""
import glob
import json
import os
import subprocess
import tempfile
import time
import unittest

ROOT, BUILD = os.environ["DH_ROOT"], os.environ["DH_BUILD"]


def dependencies():
    """What make knows of them, by file; and when the build itself was made."""
    found = {name: os.stat(os.path.join(BUILD, name)).st_mtime_ns for name in ("Makefile", "config.status", "uses")}
    for path in glob.glob(os.path.join(BUILD, "*", ".deps", "*.Po")):
        with open(path, encoding="utf-8") as file:
            found[path] = file.read()
    return found


class CompileCommands(unittest.TestCase):
    def test_it_names_every_source_and_changes_nothing(self):
        before = dependencies()
        with tempfile.TemporaryDirectory() as folder:
            output = os.path.join(folder, "compile_commands.json")
            subprocess.run([os.path.join(ROOT, "scripts", "compile-commands"), BUILD, output], check=True,
                           stdout=subprocess.DEVNULL)
            with open(output, encoding="utf-8") as file:
                named = {entry["file"] for entry in json.load(file)}
        sources = {path for folder in ("playout", "prepare", "ingest", "rooms", "plugin", "examples", "clients/dh-push", "tests/unit")
                   for path in glob.glob(os.path.join(ROOT, folder, "*.c"))}
        self.assertEqual(sources - named, set())
        after = dependencies()
        self.assertEqual([path for path in before if after.get(path) != before[path]], [])


class Again(unittest.TestCase):
    """Its pauses, with a `sleep` that only writes down how long it was to be."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.write("sleep", 'echo "pause $1" >> log')

    def write(self, name, *lines):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(["#!/bin/sh", *lines, ""]))
        os.chmod(path, 0o755)

    def run_until(self, last, *options):
        """What it has done when that is the last line of its log; then it is ended."""
        path, log = os.path.join(self.folder, "log"), ""
        with subprocess.Popen([os.path.join(ROOT, "examples/restream/again"), *options, "./command"], cwd=self.folder,
                              env={**os.environ, "PATH": self.folder + ":" + os.environ["PATH"]}, stderr=subprocess.DEVNULL) as again:
            while not log.endswith(last + "\n"):
                self.assertIsNone(again.poll())
                time.sleep(0.02)
                if os.path.exists(path):
                    with open(path, encoding="utf-8") as file:
                        log = file.read()
            again.terminate()
            self.assertEqual(again.wait(60), 143)
        return log.splitlines()

    def test_pauses_grow(self):
        self.write("command", "echo run >> log", "[ $(grep -c run log) -lt 9 ] || { echo end >> log; exec /bin/sleep 1000; }", "exit 3")
        pauses = [line for line in self.run_until("end") if line.startswith("pause")]
        self.assertEqual(pauses, ["pause %d" % s for s in (1, 2, 4, 8, 16, 32, 60, 60)])

    def test_one_that_had_worked(self):
        self.write("command", "echo run >> log", "case $(grep -c run log) in 6) /bin/sleep 9.5 ;; 8) echo end >> log; exec /bin/sleep 1000 ;; esac")
        pauses = [line for line in self.run_until("end", "-m", "8") if line.startswith("pause")]
        self.assertEqual(pauses, ["pause %d" % s for s in (1, 2, 4, 8, 8, 1, 2)])

    def test_usage(self):
        for arguments in ([], ["-m", "x", "true"], ["-x", "true"], ["-m"]):
            self.assertEqual(subprocess.run([os.path.join(ROOT, "examples/restream/again"), *arguments], stderr=subprocess.DEVNULL,
                                            check=False).returncode, 2, arguments)


if __name__ == "__main__":
    unittest.main()
