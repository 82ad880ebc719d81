#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page's modules decide, in Node without a browser: tests/support/page_modules.mjs, whose janus.js, gateway
and clock do what a test says."""
import json
import os
import re
import shutil
import subprocess
import unittest

SCRIPT = os.path.join(os.environ["DH_ROOT"], "tests", "support", "page_modules.mjs")
LIMIT_S = 120


def node(*arguments):
    return subprocess.run(["node", SCRIPT, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=LIMIT_S)


class Modules(unittest.TestCase):
    def test_all(self):
        if not shutil.which("node"):
            self.skipTest("Node is not installed")
        for name in json.loads(node().stdout):
            with self.subTest(name):
                done = node(name)
                self.assertEqual(done.returncode, 0, done.stderr)


class Types(unittest.TestCase):
    def read(self, *names):
        with open(os.path.join(os.environ["DH_ROOT"], *names), encoding="utf-8") as file:
            return file.read()

    def test_events_are_those_that_there_are(self):
        types = self.read("html", "digitalhuman.d.ts")
        named = {kind: set(re.findall(r"'(\w+)'", text))
                 for kind, text in re.findall(r"^export type (\w+)EventName = ([^;]+);", types, flags=re.M)}
        rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (?:segment|room|viewer) \| (.+) \|$", self.read("docs", "api.md"), flags=re.M)
        documented = {"Room": {"lost"}, "Observer": {"recorded"}}
        for names, text in rows:
            kind = "Observer" if "For observers with the secret" in text else "Room"
            documented[kind] |= set(re.findall(r"\w+", names)) - documented["Observer"]
        self.assertGreater(len(rows), 20)
        self.assertEqual(named, documented)


if __name__ == "__main__":
    unittest.main()
