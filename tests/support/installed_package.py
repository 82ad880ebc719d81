#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stock Janus plays from the installed packages, with their own paths; for `tests/bare package`."""
import os
import shutil
import tempfile
import unittest

from operator_case import Operator


class Installed(Operator, unittest.TestCase):
    root = "/"

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dh-package-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        os.chmod(self.folder, 0o755)     # workers run as nobody

    def places(self):
        return ()

    def test_the_stock_janus_plays_from_it(self):
        self.check_the_stock_janus_plays_from_it()
        self.assertTrue(os.listdir("/var/cache/janus-digitalhuman"))


if __name__ == "__main__":
    unittest.main()
