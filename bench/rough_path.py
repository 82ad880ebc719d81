#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bad path between two networks of this machine: lines on its standard input say what it does to UDP.

    rough_path.py NEAR FAR          # names of network namespaces; needs root

It is a TUN device in each, ADDRESSES, and carries packets between them. A line is JSON, and holds for both ways until the
next one (what it does not name, the path does not do):

    {"loss": 0.03}                  that share of packets, at random, with the same seed each time
    {"delay_ms": 20}                each way
    {"jitter_ms": 50}               up to so much more, at random; packets stay in order
    {"kbps": 300, "queue_ms": 300}  a bottleneck, and how long its queue gets before packets are dropped
    {"is_cut": true}                nothing passes
    {"without": [97]}               RTP of these payload types does not pass

TCP is carried as it is. A line on standard output says how many packets of UDP have been carried and dropped, after
each line.
"""
import fcntl
import heapq
import json
import os
import random
import select
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "tests", "support"))

from network import Network

ADDRESSES = ("10.61.0.1", "10.61.0.2")      # near, far
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000
UDP = 17


class Path:
    """Both ends of the path, in this process; `networks` are near and far."""

    def __init__(self, networks):
        self.ends, self.networks = [], []
        for network, address, other in zip(networks, ADDRESSES, reversed(ADDRESSES)):
            with network.entered():
                end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
                fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", b"path", IFF_TUN | IFF_NO_PI))
            network.ip("addr", "add", address, "peer", other, "dev", "path")
            network.ip("link", "set", "path", "up")
            network.ip("route", "replace", "default", "dev", "path")
            self.ends.append(end)
        self.queue, self.order = [], 0          # (when, order, to which end, packet)
        self.last = [0.0, 0.0]                  # when the last packet of each way leaves
        self.free = [0.0, 0.0]                  # when each way's bottleneck has nothing more to send
        self.counts = {"carried": 0, "dropped": 0}
        self.told({})

    def told(self, rules):
        self.rules, self.random = rules, random.Random(4711)

    def _is_dropped(self, packet):
        rules, header = self.rules, (packet[0] & 0xf) * 4 + 8
        is_rtp = len(packet) > header + 12 and packet[header] >> 6 == 2
        return (rules.get("is_cut") or self.random.random() < rules.get("loss", 0)
                or (is_rtp and packet[header + 1] & 0x7f in rules.get("without", ())))

    def _leaves(self, to, size, now):
        """When the packet is through; None: the queue is full."""
        rules, at = self.rules, now
        if rules.get("kbps"):
            begin = max(now, self.free[to])
            if begin - now > rules.get("queue_ms", 300) / 1000:
                return None
            at = self.free[to] = begin + size * 8 / rules["kbps"] / 1000
        at += (rules.get("delay_ms", 0) + self.random.uniform(0, rules.get("jitter_ms", 0))) / 1000
        self.last[to] = max(self.last[to], at)
        return self.last[to]

    def take(self, end, packet):
        now, to = time.monotonic(), 1 - end
        if packet[0] >> 4 != 4:
            return
        at = now
        if packet[9] == UDP:
            at = None if self._is_dropped(packet) else self._leaves(to, len(packet), now)
            self.counts["dropped" if at is None else "carried"] += 1
        if at is not None:
            heapq.heappush(self.queue, (at, self.order, to, packet))
            self.order += 1

    def deliver(self):
        while self.queue and self.queue[0][0] <= time.monotonic():
            _, _, to, packet = heapq.heappop(self.queue)
            try:
                os.write(self.ends[to], packet)
            except BlockingIOError:
                self.counts["dropped"] += 1

    def run(self):
        """Until standard input ends."""
        while True:
            self.deliver()
            rest = max(0, self.queue[0][0] - time.monotonic()) if self.queue else None
            ready, _, _ = select.select([*self.ends, sys.stdin], [], [], rest)
            for end in (0, 1):
                while self.ends[end] in ready:
                    try:
                        self.take(end, os.read(self.ends[end], 65536))
                    except BlockingIOError:
                        break
            if sys.stdin in ready:
                line = sys.stdin.readline()
                if not line:
                    return
                self.told(json.loads(line))
                print(json.dumps(self.counts), flush=True)


class RoughPath:
    """Such a path, as a process of its own."""

    def __init__(self, near, far):
        self._process = subprocess.Popen([sys.executable, "-B", os.path.realpath(__file__), near.name, far.name],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.tell()

    def tell(self, **rules):
        """Returns what it has carried and dropped so far."""
        print(json.dumps(rules), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)


def main():
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))    # what it delays is what it was told to
    except OSError:
        pass
    Path([Network(name, is_there=True) for name in sys.argv[1:3]]).run()


if __name__ == "__main__":
    main()
