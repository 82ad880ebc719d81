#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""scripts/compile-commands, on the build that is being tested."""
import glob
import json
import os
import subprocess
import tempfile
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


if __name__ == "__main__":
    unittest.main()
