# SPDX-License-Identifier: GPL-3.0-or-later
"""A Janus with two rooms of one avatar, for tests and figures about media.

Room 1 lasts as long as a segment's speech, room 2 as the longest of both; their
secret-less avatar is a small head that idles. What the plugin has prepared is
found in its cache.
"""
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time

import dhs
import marks
from janus_server import JanusServer

PREPARE = os.environ.get("DH_PREPARE", "dh-prepare")
# What should happen at once may take this long on a machine busy with other
# things; bench/ measures how soon it really happens.
AT_ONCE_S = 3

JCFG = """
general: {{
	segments_folder = [ "{segments}" ]
	cache_folder = "{{folder}}/cache"
	worker = "{{prepare}}"
	max_per_session = 2000
	max_handles_per_session = 2000
	{general}
}}
avatar-probe: {{ width = {size} height = {size} idle = "{idle}" kbps = {kbps} }}
{rooms}
{more}
"""
ROOMS = """
room-one: {{ id = 1 avatar = "probe" {room} }}
room-two: {{ id = 2 avatar = "probe" duration = "longest" }}
"""


def is_speech(packet):
    """Whether it is neither encoded silence nor a packet without a frame."""
    return len(packet.payload) > 3


def prepare(*arguments):
    """Runs dh-prepare as a tool."""
    subprocess.run([PREPARE, "--quiet", *map(str, arguments)], check=True)


class HostedRoom:
    """`segments` is the folder that `enqueue` reads, `work` one for other files;
    `general`, `room` and `more` are added to the configuration; without `rooms` it
    has no others than those in `more`, of which 1 and 2 are two. `server` is for
    JanusServer."""

    def __init__(self, size=256, kbps=800, idle=None, general="", room="", more="", rooms=True, **server):
        self.size, self.kbps = size, kbps
        self.work = tempfile.mkdtemp(prefix="dh-media-")
        self.segments = os.path.join(self.work, "segments")
        os.mkdir(self.segments)
        self.server = None
        try:
            idle = idle or marks.write_idle(os.path.join(self.work, "idle.mp4"), 2, size)
            self.server = JanusServer(JCFG.format(
                segments=self.segments, size=size, kbps=kbps, idle=idle, general=general, more=more,
                rooms=ROOMS.format(room=room) if rooms else ""),
                **server)
            self.server.start()
            self.handle, self.warmed = self.server.attach(), []
            for room_id in (1, 2):
                self.server.wait_for_state(self.handle, room_id, "idle")
        except BaseException:
            self.close(check=False)
            raise

    def close(self, check=True):
        try:
            if self.server and self.server.process:
                self.server.stop(check)
        finally:
            shutil.rmtree(self.work, ignore_errors=True)

    def alive(self):
        return self.server.process.poll() is None

    # --------------------------------------------------------------- prepared
    def idle_path(self, timeout=60):
        """It is renamed into the cache a moment after it is played from memory."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for path in glob.glob(os.path.join(self.server.path("cache"), "*.dhs")):
                segment = dhs.Segment(path)
                if segment.picture and segment.width == segment.height == self.size:     # not that of another avatar
                    return path
            time.sleep(0.05)
        raise AssertionError("the idle clip is not in the cache")

    def idle(self):
        """The avatar's idle clip as the plugin prepared it."""
        return dhs.Segment(self.idle_path())

    def prepared_path(self, files):
        """A segment (a file of the segment folder, or a list of two) prepared for the avatar
        by dh-prepare as a tool: the plugin must play the same bytes."""
        files = [files] if isinstance(files, str) else files
        path = os.path.join(self.work, "+".join(files) + ".dhs")
        if not os.path.exists(path):
            prepare(*(os.path.join(self.segments, f) for f in files), "--avatar", self.idle_path(),
                    "--kbps", self.kbps, "-o", path)
        return path

    def prepared(self, files):
        return dhs.Segment(self.prepared_path(files))

    def warm(self, *files):
        """Makes the plugin prepare whole segments, in room 2: a busy machine may prepare more slowly than it plays,
        and then pictures freeze."""
        files = [f for f in files if f not in self.warmed and not str(f).endswith(".dhs")]
        for file in files:
            answer = self.handle.request({"request": "enqueue", "id": 2, "file": file})
            assert "segment" in answer, answer
        end = time.monotonic() + 100
        while not self._all_prepared():
            assert time.monotonic() < end, f"{files} are not prepared"
            time.sleep(0.02)
        if files:
            self.handle.request({"request": "interrupt", "id": 2})
        self.warmed += files

    def _all_prepared(self):
        """A segment's duration is known, and not only stated, once it is complete."""
        queue = self.handle.request({"request": "queue", "id": 2})
        return all(s is None or s["duration_ms"] is not None and "duration_stated" not in s for s in [queue["playing"], *queue["waiting"]])

    # ---------------------------------------------------------------- the process
    def use(self):
        """Janus's memory, descriptors, threads and processes."""
        folder = f"/proc/{self.server.process.pid}"
        return {"descriptors": len(os.listdir(folder + "/fd")), "threads": len(os.listdir(folder + "/task")),
                "processes": len(self.server.children())}

    def settled_use(self, atmost=None, timeout=100):
        """The same once it has settled: unchanged for 2 s, or no more than `atmost`."""
        end, since, last = time.monotonic() + timeout, time.monotonic(), self.use()
        while time.monotonic() < end:
            time.sleep(0.1)
            now = self.use()
            if now != last:
                since, last = time.monotonic(), now
            if all(now[k] <= v for k, v in atmost.items()) if atmost else time.monotonic() - since > 2:
                break
        return last

    def kill_busy_worker(self, timeout=100):
        """Kills a dh-prepare as soon as one is working."""
        begun = {}
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for pid in self.server.children():
                try:
                    with open(f"/proc/{pid}/stat") as file:
                        name, fields = file.read().split("(", 1)[1].rsplit(")", 1)
                except OSError:
                    continue
                used = sum(map(int, fields.split()[11:13]))
                # those that wait or are starting use much less
                if name.startswith("dh-prepare") and used - begun.setdefault(pid, used) >= 70:
                    os.kill(pid, signal.SIGKILL)
                    return pid
            time.sleep(0.02)
        raise TimeoutError("no worker worked")
