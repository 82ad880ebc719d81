# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Janus whose segments lie on a file system that is slow, or does not answer.

It costs those segments alone, after a limit that the error names.
"""
import contextlib
import os
import signal
import time
import unittest

import marks
import sick_files
from hosted_room import HostedRoom
from janus_server import WAIT_S
from media_case import Case
from viewers import Refused

READ_S = 45
GENERATORS = 'generator-sick: { command = ( "{folder}/sick/mute.speak" ) max_s = 5 }'
hosted = mount = None


def setUpModule():
    global hosted, mount
    reason = sick_files.why_not()
    if reason:
        raise unittest.SkipTest(reason)
    hosted = Case.hosted = HostedRoom(general=f"file_read_s = {READ_S}", room='generator = "sick"', more=GENERATORS)
    unittest.addModuleCleanup(hosted.close)
    for name, seconds in (("good.mp4", 0.6), ("other.mp4", 0.8)):
        marks.write_mp4(f"{hosted.segments}/{name}", seconds, hosted.size)
    large = f"{hosted.work}/large.mp4"
    marks.write_mp4(large, 2, hosted.size)
    with open(large, "ab") as file:
        file.write(bytes((READ_S + 20) * sick_files.BYTES_PER_S))
    mount = sick_files.Mount(f"{hosted.segments}/sick", large)
    unittest.addModuleCleanup(mount.close)


class SickFiles(Case):
    is_over = False  # there is nobody to ask any more

    def idle(self):
        for room in () if self.is_over else (1, 2):
            self.gateway.request({"request": "interrupt", "id": room})

    def setUp(self):
        super().setUp()
        self.observer = self.gateway.watch({"id": 2})
        self.viewer = self.watch()

    def test_1_slow_and_silent_files_cost_their_segments(self):
        hosted.warm("good.mp4")
        since = len(self.gateway.events)
        sick = [self.enqueue(f"sick/{name}") for name in ("slow.1.mp4", "slow.2.mp4", "hang.1.mp4", "hang.2.mp4")]
        # What the other room plays, cached or not, has ended before any of these.
        well = [self.enqueue(name, room=2) for name in ("good.mp4", "other.mp4")]
        for segment in well:
            self.gateway.wait_event("finished", since, READ_S, segment=segment)
        self.assertFalse([e for _, e in self.gateway.events[since:] if e.get("event") == "failed"])
        for segment in sick:
            failed = self.gateway.wait_event("failed", since, 8 * READ_S, segment=segment)[1]
            self.assertEqual(failed["error_code"], 465)
            self.assertRegex(failed["error"], "file_read_s|does not answer")
        self.assertTrue(any("file_read_s" in e.get("error", "") for _, e in self.gateway.events[since:]))
        self.assertTrue(hosted.alive())

    def test_2_a_file_that_cannot_be_opened_is_refused(self):
        with self.assertRaises(Refused) as refused:
            self.enqueue("sick/deaf.mp4")
        self.assertIn(refused.exception.code, (462, 464))
        self.assertRegex(str(refused.exception), "does not answer|waits for its file system")
        since = len(self.gateway.events)
        segment = self.enqueue("good.mp4", room=2)
        self.gateway.wait_event("finished", since, segment=segment)

    def test_3_many_that_cannot_be_opened_are_a_limit(self):
        codes = []
        for i in range(8):
            try:
                self.enqueue(f"sick/deaf.{i}.mp4")
            except Refused as refused:
                codes.append(refused.code)
        self.assertEqual(len(codes), 8)
        self.assertEqual(codes[-1], 464)
        since = len(self.gateway.events)
        segment = self.enqueue("other.mp4", room=2)
        self.gateway.wait_event("finished", since, segment=segment)

    def test_4_nor_those_that_cannot_be_looked_at_or_closed(self):
        for name in ("mute.mp4", "shut.mp4"):
            with self.subTest(name):
                other = sick_files.Mount(f"{hosted.segments}/{name[:4]}", f"{hosted.work}/large.mp4")
                self.addCleanup(other.close)
                with self.assertRaises(Refused) as refused:
                    self.enqueue(f"{name[:4]}/{name}")
                self.assertIn(refused.exception.code, (462, 464))
                since = len(self.gateway.events)
                segment = self.enqueue("good.mp4", room=2)
                self.gateway.wait_event("finished", since, segment=segment)

    def test_5_a_generator_there_costs_its_segment(self):
        hosted.warm("good.mp4")
        os.chmod(hosted.server.folder, 0o755)       # it runs as nobody
        other = sick_files.Mount(hosted.server.path("sick"), f"{hosted.work}/large.mp4")
        self.addCleanup(other.close)
        since = len(self.gateway.events)
        said = self.gateway.request({"request": "say", "id": 1, "text": "Hello"})["segment"]
        well = self.enqueue("good.mp4", room=2)
        self.gateway.wait_event("finished", since, 60, segment=well)
        self.assertFalse([e for _, e in self.gateway.events[since:] if e.get("event") == "failed"])
        failed = self.gateway.wait_event("failed", since, 60, segment=said)[1]
        self.assertIn("longer than 5 s", failed["error"])
        self.assertEqual(self.uninterruptible(hosted.server.process.pid), [])

    def test_9_ends_whatever_hangs(self):
        """A thread that waits in FUSE for an answer cannot be killed, nor can its process end. What hangs in one of these two
        does so for longer than anybody waits; the other has what the tests before have left. How soon they end, `bench/run ending`
        measures."""
        self.viewer.leave()
        self.observer.leave()
        own = HostedRoom(general="file_read_s = 600 worker_silence_s = 600")
        self.addCleanup(own.close)
        other = sick_files.Mount(f"{own.segments}/sick", f"{hosted.work}/large.mp4", "direct")
        self.addCleanup(other.close)
        ask = lambda name: own.handle.request({"request": "enqueue", "id": 1, "file": f"sick/{name}.mp4"})
        for i in range(2):
            self.assertIn("segment", ask(f"hang.{i}"))
        for name in ("deaf", "mute", "shut"):
            self.assertIn(ask(name).get("error_code"), (462, 464))
        type(self).is_over = True
        for process in own.server.process, hosted.server.process:
            self.assertEqual(self.uninterruptible(process.pid), [])
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(WAIT_S), 0)

    def uninterruptible(self, pid):
        """Names of the threads that cannot be killed, for a second or longer: a disk makes threads wait, too."""
        found = self.waiting(pid)
        if found:
            time.sleep(1)
        again = self.waiting(pid)
        return [name for thread, name in found.items() if thread in again]

    @staticmethod
    def waiting(pid):
        found = {}
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), \
                    open(f"/proc/{pid}/task/{thread}/stat", encoding="utf-8", errors="replace") as file:
                name, state = file.read().partition("(")[2].rpartition(") ")[::2]
                if state.startswith("D"):
                    found[thread] = name
        return found


if __name__ == "__main__":
    unittest.main()
