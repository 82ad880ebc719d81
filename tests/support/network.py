# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of a test's own, as other machines have them. They need root and iproute2."""
import os
import shutil
import subprocess
import unittest


class Network:
    """A network namespace called `name`; `inside` are the words before a command that runs in it. Skips the test
    where there can be none."""

    def __init__(self, name):
        self.name = name
        if os.geteuid() or not shutil.which("ip"):
            raise unittest.SkipTest("network namespaces need root and iproute2")
        if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode:
            raise unittest.SkipTest("this machine makes no network namespaces")
        # `ip -n` and `ip netns exec` mount things besides, which no chroot lets them.
        self.inside = ("nsenter", f"--net=/run/netns/{name}")

    def ip(self, *arguments):
        run(*self.inside, "ip", *arguments)

    def close(self):
        run("ip", "netns", "del", self.name)


def run(*command):
    subprocess.run(command, check=True, capture_output=True, timeout=60)
