#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page's modules decide, in Node without a browser: tests/support/page_modules.mjs, whose janus.js, gateway
and clock do what a test says."""
import json
import os
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


if __name__ == "__main__":
    unittest.main()
