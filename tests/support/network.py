# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of a test's own, as other machines have them. They need root and iproute2. Cables lie between two of them, never
between one and this machine: browsers that other tests run at the same time drop what they are loading when the machine's
network changes."""
import contextlib
import ctypes
import os
import shutil
import subprocess
import unittest

CLONE_NEWNET = 0x40000000


class Network:
    """A network namespace called `name`, which is made unless it is there; `inside` are the words before a command that runs
    in it. Skips the test where there can be none."""

    def __init__(self, name, is_there=False):
        self.name = name
        # `ip -n` and `ip netns exec` mount things besides, which no chroot lets them.
        self.inside = ("nsenter", f"--net=/run/netns/{name}")
        if is_there:
            return
        if os.geteuid() or not shutil.which("ip"):
            raise unittest.SkipTest("network namespaces need root and iproute2")
        if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode:
            raise unittest.SkipTest("this machine makes no network namespaces")

    def ip(self, *arguments):
        run(*self.inside, "ip", *arguments)

    @contextlib.contextmanager
    def entered(self):
        """Whatever this thread starts meanwhile is in it: threads, sockets, programs."""
        with open("/proc/thread-self/ns/net") as here, open(f"/run/netns/{self.name}") as there:
            enter(there)
            try:
                yield self
            finally:
                enter(here)

    def close(self):
        run("ip", "netns", "del", self.name)


def lay_cable(near, far, name):
    """A cable called `name` at both ends, between two networks."""
    run("ip", "link", "add", name, "netns", near.name, "type", "veth", "peer", name, "netns", far.name)


def enter(namespace):
    """setns() is in Python's own library only from 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def run(*command):
    subprocess.run(command, check=True, capture_output=True, timeout=60)
