#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-metrics, asking a Janus with viewers: nothing that it knows of is missing."""
import subprocess
import os
import time
import unittest

import prometheus_text
from hosted_room import HostedRoom
from media_case import Case

METRICS = os.path.join(os.environ["DH_BUILD"], "dh-metrics")
WAIT_S = 60


class Metrics(Case):
    @classmethod
    def setUpClass(cls):
        cls.hosted = HostedRoom(general='admin_key = "op"')
        cls.addClassCleanup(cls.hosted.close)

    def metrics(self, code=0, admin_key="op"):
        done = subprocess.run([METRICS, "--url", self.hosted.server.admin], capture_output=True, text=True, timeout=WAIT_S,
                              env={**os.environ, "DH_ADMIN_SECRET": "janusoverlord", "DH_ADMIN_KEY": admin_key})
        self.assertEqual(done.returncode, code, done.stderr)
        return prometheus_text.parse(done.stdout), done.stderr

    def value(self, families, name, **labels):
        for family in families.values():
            value = family.samples.get((name, tuple(sorted(labels.items()))))
            if value is not None:
                return value
        raise KeyError((name, labels))

    def test_a_viewer(self):
        viewer = self.watch()
        end = time.monotonic() + WAIT_S
        while True:
            families, _ = self.metrics()
            if self.value(families, "digitalhuman_room_receiver_reports_total", room="1", media="video"):
                break
            self.assertLess(time.monotonic(), end)
        self.assertEqual(self.value(families, "digitalhuman_up"), 1)
        self.assertEqual(self.value(families, "digitalhuman_room_viewers", room="1"), 1)
        self.assertEqual(self.value(families, "digitalhuman_room_join_seconds_count", room="1", since="media"), 1)
        self.assertGreater(self.value(families, "digitalhuman_room_lateness_seconds_count", room="1", media="video"), 0)
        self.assertGreater(self.value(families, "digitalhuman_room_sent_bytes_total", room="1", media="video"), 0)
        self.assertEqual(self.value(families, "digitalhuman_room_sent_bytes_total", room="2", media="video"), 0)
        labels = {label for family in families.values() for _, pairs in family.samples for label, _ in pairs}
        self.assertLessEqual(labels, {"room", "media", "le", "state", "event", "kind", "since", "mode", "generator", "source"})
        viewer.leave()
        later, _ = self.metrics()
        for name, family in families.items():
            if family.kind == "counter":
                for sample, value in family.samples.items():
                    self.assertGreaterEqual(later[name].samples[sample], value, sample)

    def test_a_wrong_key(self):
        families, said = self.metrics(code=1, admin_key="wrong")
        self.assertEqual(self.value(families, "digitalhuman_up"), 0)
        self.assertIn("admin_key", said)


if __name__ == "__main__":
    unittest.main()
