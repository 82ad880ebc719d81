# SPDX-License-Identifier: GPL-3.0-or-later
"""Generators that misbehave cost their own room one segment at most, and leave nothing behind."""
import contextlib
import os
import signal
import time
import unittest

from janus_server import WAIT_S
from request_case import RequestCase, SmallServer, command_of, media

SLEEPER = "sleep %d" % (7000000 + os.getpid())     # nobody else's, whatever runs beside this
JCFG = """
general: { cache_folder = "" worker = "{prepare}" max_workers = 2 warm_workers = 1 worker_silence_s = 10 watch_timeout_s = 20 }
avatar-small: { width = 64 height = 64 idle = "{folder}/idle.avi" kbps = 200 }
generator-good: { command = ( "/bin/cat", "{folder}/short.nut" ) max_s = 10 }
generator-slow: { command = ( "/bin/sh", "-c", "SLEEPER" ) }
generator-silent: { command = ( "/bin/sh", "-c", "head -c -3000 {folder}/short.nut; SLEEPER" ) }
generator-lingers: { command = ( "/bin/sh", "-c", "cat {folder}/short.nut; exec >&-; SLEEPER" ) }
generator-open: { command = ( "/bin/sh", "-c", "cat {folder}/short.nut; echo said >&2; SLEEPER" ) }
generator-fails: { command = ( "/bin/sh", "-c", "cat {folder}/short.nut; exec >&-; read x < {folder}/go; echo oh no >&2; exit 9" ) }
generator-leaves: { command = ( "/bin/sh", "-c", "cat {folder}/short.nut; SLEEPER & exit 0" ) }
generator-escapes: { command = ( "/bin/sh", "-c", "setsid setsid SLEEPER & cat {folder}/short.nut" ) }
generator-flees: { command = ( "/bin/sh", "-c", "setsid setsid SLEEPER & head -c -3000 {folder}/short.nut; SLEEPER" ) }
generator-babbles: { command = ( "/bin/sh", "-c", "yes some word or other | head -c 10000000 >&2; cat {folder}/short.nut" ) }
generator-stops: { command = ( "/bin/sh", "-c", "setsid SLEEPER & kill -STOP $$" ) }
room-other: { id = 1 avatar = "small" generator = "good" }
""".replace("SLEEPER", SLEEPER)


class Server(SmallServer):
    def write_configuration(self):
        super().write_configuration()
        media(self.path("short.nut"), 1)
        os.mkfifo(self.path("go"))


def sleepers():
    """Processes of any session, whoever their parent is."""
    return [int(pid) for pid in filter(str.isdigit, os.listdir("/proc"))
            if command_of(int(pid)).replace("\0", " ").startswith(SLEEPER)]


class Generators(RequestCase):
    @classmethod
    def setUpClass(cls):
        cls.begin(Server(JCFG))

    def speaking_room(self, generator):
        room = self.ask("create", avatar="small", generator=generator)["id"]
        self.addCleanup(self.ask, "destroy", id=room)
        observer = self.attach()
        observer.request({"request": "observe", "id": room})
        self.janus.wait_for_state(self.handle, room, "idle")
        return room, observer.events

    def say(self, room):
        return self.ask("say", id=room, text="x")["segment"]

    def end_of(self, events, segment):
        return events.wait(lambda e: e.get("segment") == segment and e.get("event") in ("finished", "failed"))

    def await_sleepers(self, count):
        end = time.monotonic() + WAIT_S
        while len(sleepers()) != count:
            self.assertLess(time.monotonic(), end, sleepers())
            time.sleep(0.02)

    def test_slow_ones_hold_up_no_other_room(self):
        slow, _ = self.speaking_room("slow")
        for _ in range(6):
            self.say(slow)
        self.await_sleepers(2)              # the next, and one ahead
        observer = self.attach()
        observer.request({"request": "observe", "id": 1})
        self.assertEqual(self.end_of(observer.events, self.say(1))["event"], "finished")
        self.await_sleepers(2)              # one that was silent too long may just be being replaced
        self.ask("interrupt", id=slow)
        self.await_sleepers(0)

    def test_the_segment_ends_with_its_media(self):
        for generator in ("lingers", "open", "leaves", "escapes"):
            with self.subTest(generator):
                room, events = self.speaking_room(generator)
                end = self.end_of(events, self.say(room))
                self.assertEqual((end["event"], end["played_ms"]), ("finished", 1000))
                self.await_sleepers(0)

    def test_what_it_says_after_its_output(self):
        """Once its media count as complete, and before it is killed."""
        room, events = self.speaking_room("fails")
        go = os.open(self.janus.path("go"), os.O_RDWR)
        self.addCleanup(os.close, go)
        segment = self.say(room)
        events.wait(lambda e: e.get("segment") == segment and e.get("event") == "segment_prepared")
        os.write(go, b"\n")
        self.assertEqual(self.end_of(events, segment)["event"], "finished")
        before = "room %s: segment %s: fails: " % (room, segment)
        self.janus.wait_log(before + "after its output: the generator ended with code 9")
        self.janus.wait_log(before + "oh no\n")

    def test_words_are_limited(self):
        size = len(self.janus.log())
        room, events = self.speaking_room("babbles")
        self.assertEqual(self.end_of(events, self.say(room))["event"], "finished")
        self.janus.wait_log(": babbles: some word or other\n")
        self.janus.wait_log(r": babbles: \d{7} bytes of its standard error are left out", pattern=True)
        self.assertLess(len(self.janus.log()) - size, 50000)

    def test_silence_is_what_the_option_says(self):
        """No less, by the clock. And not much more, which a busy machine would make it: it is over before a viewer who does
        not answer must go, twice as long after the silence has begun."""
        room, events = self.speaking_room("silent")
        begin = time.monotonic()
        segment = self.say(room)
        self.await_sleepers(1)              # all that comes has been written
        viewer = self.attach()
        viewer.request({"request": "watch", "id": 1})
        end = self.end_of(events, segment)
        took = time.monotonic() - begin
        gone = lambda data: data.get("result", {}).get("status") == "timeout"
        self.assertEqual(list(filter(gone, viewer.events.data())), [])
        self.assertEqual(end["event"], "failed")
        self.assertIn("10000 ms", end["error"])
        self.assertGreater(took, 9.9)
        viewer.events.wait(gone)
        self.await_sleepers(0)

    def test_janus_ends_whatever_they_do(self):
        """None of which ends by itself, nor, as long as anybody waits, because it has been silent for too long. How soon Janus
        ends, `bench/run ending` measures."""
        with Server(JCFG.replace("worker_silence_s = 10", "worker_silence_s = 600")) as janus:
            handle = janus.attach()
            janus.wait_for_state(handle, 1, "idle")
            for generator in ("stops", "flees", "silent", "slow"):
                room = handle.request({"request": "create", "avatar": "small", "generator": generator})["id"]
                janus.wait_for_state(handle, room, "idle")
                handle.request({"request": "say", "id": room, "text": "x"})
            self.await_sleepers(5)
            for pid in janus.children():
                with contextlib.suppress(ProcessLookupError):   # one that has just ended
                    os.kill(pid, signal.SIGSTOP)
            for session in janus.sessions:      # what is open when Janus ends, Janus leaks
                session.close()
            janus.freed_handles()
            janus.process.send_signal(signal.SIGTERM)
            janus.process.wait(WAIT_S)
        self.await_sleepers(0)


if __name__ == "__main__":
    unittest.main()
