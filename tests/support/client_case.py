# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of the Python client have in common."""
import os
import subprocess
import threading
import time
import unittest
from unittest import mock

import numpy as np

from push_server import WAIT_S, PushServer
from digitalhuman import Stage

SIZE = 64


def made(count=25, seed=1, size=SIZE):
    """Frames and 40 ms of samples for each."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        yield (random.integers(0, 256, (size, size, 3), dtype=np.uint8),
               random.uniform(-1, 1, 960).astype(np.float32))


def descriptors():
    return sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                  if os.path.exists(f"/proc/self/fd/{fd}"))


def client_threads():
    return [t.name for t in threading.enumerate() if t.name.startswith("digitalhuman")]


def children():
    out = subprocess.run(["ps", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True).stdout
    return [line for line in out.splitlines() if "dh-prepare" in line]


def check_cut(case, push):
    """The gateway sees that it has ended in the middle of the container."""
    case.assertTrue(push.over.wait(WAIT_S))
    case.assertFalse(push.media.is_ended)
    case.assertTrue(push.end.get("incomplete") if push.end else push.is_broken, push.end)


def await_kept_alive(port, peer_port):
    """Until the system would ask within half a minute whether the other end of that connection is still there."""
    end, seen = time.monotonic() + WAIT_S, []
    while time.monotonic() < end:
        with open("/proc/net/tcp", encoding="ascii") as file:
            connections = [line.split() for line in file]
        # while others come and go, the kernel may list one twice, or leave it out
        seen = [c[5].split(":") for c in connections if [c[1][-4:], c[2][-4:]] == [f"{port:04X}", f"{peer_port:04X}"]] or seen
        if any(kind == "02" and int(when, 16) <= 30 * os.sysconf("SC_CLK_TCK") for kind, when in seen):
            return
        time.sleep(0.01)
    raise AssertionError(f"timers, by kind, and when they are due, in ticks: {seen}")


class Case(unittest.TestCase):
    """After each test, nothing of the client may be left: no thread, process or descriptor."""

    def setUp(self):
        # What the client waits for does come.
        self.enterContext(mock.patch("digitalhuman.segment.REASON_S", WAIT_S))
        self.enterContext(mock.patch.dict(Stage.__init__.__kwdefaults__, connect_timeout=WAIT_S))
        self.before = len(descriptors())
        self.addCleanup(self.check_leftovers)

    def check_leftovers(self):
        self.assertEqual(client_threads(), [])
        self.assertEqual(children(), [])
        self.assertEqual(len(descriptors()), self.before, descriptors())

    def server(self, **options):
        return self.enterContext(PushServer(**options))

    def stage(self, server, **options):
        return Stage(server.address, server.room, server.secret, **{"encode": False, **options})

    def in_thread(self, function):
        """Runs it; returns a function that waits for its end, and returns or raises as it did."""
        outcome = {}

        def run():
            try:
                outcome["value"] = function()
            except BaseException as error:
                outcome["error"] = error
        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def join(timeout=WAIT_S):
            thread.join(timeout)
            assert not thread.is_alive(), "it goes on"
            if "error" in outcome:
                raise outcome["error"]
            return outcome["value"]
        join.thread = thread
        return join
