#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare --fork-server and its workers: the protocol of prepare/job.h. DH_PREPARE names the program."""
import array
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

import marks
from worker import ForkServer, Worker, send
from prepared import (
    PREPARE, TICKS, SIZE, SECONDS, INPUT, FORMAT, OUTPUT, SILENT, USAGE, Case, Prepared, film)


class Workers(Case):
    def setUp(self):
        self.workers = []

    def tearDown(self):
        for worker in self.workers:
            worker.close()

    def worker(self, *options):
        worker = Worker("--parent", str(os.getpid()), *options)
        self.workers.append(worker)
        self.assertEqual(worker.ready, b"ready 12")
        return worker

    def open(self, name):
        return os.open(self.path(name) if not name.startswith("/") else name, os.O_RDONLY)

    def envelope(self, name):
        """A file as the plugin passes it on (prepare/envelope.h)."""
        fd = self.open(name)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
        ours.close()
        os.close(fd)
        return theirs.detach()

    def job(self, **fields):
        return {"kind": "segment", "names": ["speech"], "width": SIZE, "height": SIZE, **fields}

    def segment(self, data):
        with open(self.path("worker.dhs"), "wb") as file:
            file.write(data)
        return Prepared(self.path("worker.dhs"))

    def test_segment(self):
        worker = self.worker()
        worker.send(self.job(), [self.open(self.base)])
        data, code = worker.rest()
        self.assertEqual(code, 0)
        self.run_tool(self.base, "--size", f"{SIZE}x{SIZE}")
        with open(self.path("out.dhs"), "rb") as file:
            self.assertEqual(data, file.read())
        worker = self.worker()
        worker.send(self.job(), [self.envelope(self.base)])
        self.assertEqual(worker.rest(), (data, 0))

    def test_empty_envelope(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        worker = self.worker()
        worker.send(self.job(), [theirs.detach()])
        self.assertEqual(worker.rest(), (b"", USAGE))
        ours.close()

    def test_socket(self):
        """A generator's connection is no envelope, but media; it stays open behind a complete container."""
        self.make("whole.nut", "-c", "copy")
        self.run_tool(self.path("whole.nut"), "--size", f"{SIZE}x{SIZE}")
        with open(self.path("out.dhs"), "rb") as file:
            expected = self.segment(file.read())
        for family in (socket.AF_UNIX, socket.AF_INET):
            with self.subTest(family):
                ours, theirs = self.connection(family)
                worker = self.worker()
                worker.send(self.job(), [theirs.detach()])
                with open(self.path("whole.nut"), "rb") as file:
                    sender = threading.Thread(target=ours.sendall, args=[file.read()])
                sender.start()
                data, code = worker.rest()
                sender.join()
                ours.close()
                self.assertEqual(code, 0)
                segment = self.segment(data)
                self.assertEqual((segment.lengths, segment.incomplete), (expected.lengths, False))

    @staticmethod
    def connection(family):
        if family == socket.AF_UNIX:
            return socket.socketpair(family, socket.SOCK_STREAM)
        with socket.create_server(("127.0.0.1", 0)) as server:
            ours = socket.create_connection(server.getsockname())
            return ours, server.accept()[0]

    def test_anchor_and_kinds(self):
        marks.write_idle(self.path("idle.mp4"), 1, SIZE)
        self.make("face.png", "-frames:v", 1)
        self.make("a.wav", "-vn")
        worker = self.worker()
        worker.send(self.job(kind="idle", names=["idle", "face"], pingpong=True), [self.open("idle.mp4"), self.open("face.png")])
        data, code = worker.rest()
        self.assertEqual(code, 0)
        idle = self.segment(data)
        self.assertEqual(len(idle.video), 48)
        with open(self.path("anchor.i420"), "wb") as file:
            file.write(idle.i420)
        worker = self.worker()
        worker.send(self.job(anchor=True, names=["v", "a"]), [self.open(self.base), self.open("a.wav"), self.open("anchor.i420")])
        data, code = worker.rest()
        self.assertEqual(code, 0)
        self.assertEqual(self.segment(data).anchor, idle.anchor)
        self.check_known_anchor(idle)
        worker = self.worker()
        worker.send(self.job(kind="portrait"), [self.open("face.png")])
        data, code = worker.rest()
        self.assertEqual(code, 0)
        self.assertEqual(len(self.segment(data).video), 50)

    def check_known_anchor(self, idle):
        """The anchor as it was coded before spares the search; whatever else comes in its place changes nothing."""
        frames = {"frame": idle.anchor, "cut": idle.anchor[:-1], "empty": b"", "long": bytes(1 << 22)}
        for name, frame in frames.items():
            with open(self.path(name), "wb") as file:
                file.write(frame)
        found = {}
        for name in (None, *frames):
            worker = self.worker()
            worker.send(self.job(anchor=True, anchor_frame=bool(name), kbps=50),
                        [self.open(self.base), self.open("anchor.i420"), *([self.open(name)] if name else [])])
            data, code = worker.rest()
            self.assertEqual(code, 0)
            found[name] = self.segment(data).anchor
        self.assertNotEqual(found[None], idle.anchor, "another bit rate has another anchor")
        self.assertEqual(found["frame"], idle.anchor)
        self.assertEqual({found[None]}, {found["cut"], found["empty"], found["long"]})

    def test_background(self):
        """A colour, and a picture, show through; the kind makes that picture of a file."""
        marks.ffmpeg("-f", "lavfi", "-i", f"color=white@0:size={SIZE}x{SIZE}:rate=25:duration=0.2,format=rgba", "-c:v", "png", self.path("clear.mov"))
        marks.ffmpeg("-f", "lavfi", "-i", "color=black:size=64x200:rate=25:duration=0.1", "-frames:v", 1, self.path("dark.png"))
        worker = self.worker()
        worker.send(self.job(background="#ffffff"), [self.open("clear.mov")])
        self.assertAlmostEqual(film(self.segment(worker.rest()[0]))[-1][SIZE // 2, SIZE // 2], 235, delta=2)
        worker = self.worker()
        worker.send(self.job(kind="background"), [self.open("dark.png")])
        picture = self.segment(worker.rest()[0]).i420
        self.assertEqual(len(picture), SIZE * SIZE * 3 // 2)
        self.assertEqual((picture[0], picture[SIZE * SIZE - 1]), (16, 16))
        with open(self.path("behind.i420"), "wb") as file:
            file.write(picture)
        for kind, extra in (("segment", {"anchor": True}), ("portrait", {}), ("idle", {})):
            worker = self.worker()
            fds = [self.open("clear.mov")] + [self.open("behind.i420")] * (2 if extra else 1)
            if extra:
                fds[1] = self.open("behind.i420")
            worker.send(self.job(kind=kind, background="picture", **extra), fds)
            self.assertAlmostEqual(film(self.segment(worker.rest()[0]))[-1][SIZE // 2, SIZE // 2], 16, delta=2)
        with open(self.path("short"), "wb") as file:
            file.write(bytes(100))
        worker = self.worker()
        worker.send(self.job(background="picture"), [self.open("clear.mov"), self.open("short")])
        self.check_failure(worker, INPUT, "background")
        for wrong in ("#12345", "red", "", 7):
            worker = self.worker()
            worker.send(self.job(background=wrong), [self.open("clear.mov")])
            self.check_failure(worker, USAGE, "background")

    def check_failure(self, worker, code, words):
        data, status = worker.rest()
        self.assertEqual(status, code)
        failure = self.segment(data).failure
        self.assertEqual(failure[0], code)
        self.assertIn(words, failure[1])

    def test_failures(self):
        with open(self.path("words"), "wb") as file:
            file.write(b"not a medium " * 100)
        worker = self.worker()
        worker.send(self.job(names=["words.mp4"]), [self.open("words")])
        self.check_failure(worker, FORMAT, "words.mp4")
        with open(self.path("short"), "wb") as file:
            file.write(bytes(100))
        worker = self.worker()
        worker.send(self.job(anchor=True), [self.open(self.base), self.open("short")])
        self.check_failure(worker, INPUT, "anchor")

    def test_wrong_jobs(self):
        good = self.job()
        for words, job in {
                "not a JSON object": [1, 2], "kind": dict(good, kind="song"), "names": dict(good, names=[]),
                "width": {**good, "width": 15}, "height": dict(good, height="512"), "kbps": dict(good, kbps=1),
                "no_such": dict(good, no_such=1), "pingpong": dict(good, pingpong=1),
                "descriptors": dict(good, names=["a", "b"]),
                }.items():
            with self.subTest(words):
                worker = self.worker()
                worker.send(job, [self.open(self.base)])
                self.check_failure(worker, USAGE, words)
        worker = self.worker()
        worker.send(None, raw=b'{"kind":')
        self.check_failure(worker, USAGE, "JSON")
        worker = self.worker()
        worker.send(self.job(names=["a", "b"]), [self.open(self.base) for _ in range(5)])
        self.check_failure(worker, USAGE, "descriptors")

    def piece(self, lead=None, tail=False):
        """(the segment, what it leaves) of a piece whose pipe from the one before holds `lead`."""
        fds, fields = [self.open(self.base)], {}
        if lead is not None:
            reader, writer = os.pipe()
            os.write(writer, lead)
            os.close(writer)
            fds, fields = fds + [reader], {"lead": True}
        ours, theirs = os.pipe()
        worker = self.worker()
        worker.send(self.job(tail=tail, **fields), fds + ([theirs] if tail else []))
        if not tail:
            os.close(theirs)
        data, code = worker.rest()
        self.assertEqual(code, 0)
        with os.fdopen(ours, "rb") as pipe:
            return self.segment(data), pipe.read()

    def test_pieces(self):
        first, left = self.piece(tail=True)
        magic, rate, begins, lead, packets, count = struct.unpack_from("<6i", left)
        self.assertEqual((magic, packets, len(left)), (0x6c696174, len(first.audio), 24 + 4 * count))
        second, _ = self.piece(left)
        self.assertEqual(second.lead, (lead * 15, packets))
        self.assertEqual(second.video[0].pts, lead * 15)
        self.assertEqual(second.lengths[1] - first.lengths[1], lead * 15)
        self.assertLess(begins, -5000)

    def test_a_lead_that_is_none(self):
        """What comes from another worker is not trusted."""
        whole, left = self.piece(tail=True)
        wrong = [b"", b"rubbish " * 5000, left[:-1], left + b"more", left[:23]]
        for at, value in ((4, 3999), (4, 48001), (8, 2000), (8, -99999), (12, 0), (12, 1920), (16, 0), (20, 0), (20, 8193)):
            wrong.append(left[:at] + struct.pack("<i", value) + left[at + 4:])
        for lead in wrong:
            segment, _ = self.piece(lead)
            self.assertEqual((segment.lead, segment.lengths, len(segment.audio)), (None, whole.lengths, len(whole.audio)))
        self.piece(left[:24] + b"\xff" * (len(left) - 24))        # no numbers at all

    def test_no_job(self):
        worker = self.worker()
        worker.control.close()
        self.assertEqual(worker.rest(), (b"", 0))

    def test_silence(self):
        worker = self.worker()
        reader, writer = os.pipe()
        worker.send(self.job(silence_ms=300), [reader])
        self.check_failure(worker, SILENT, "300 ms")
        os.close(writer)

    def test_the_first_byte_is_told(self):
        """Of what is made while it is read: once, when it has come."""
        worker = self.worker()
        reader, writer = os.pipe()
        worker.send(self.job(), [reader])
        worker.control.setblocking(False)
        with self.assertRaises(BlockingIOError):
            worker.control.recv(100)
        worker.control.setblocking(True)
        with open(self.base, "rb") as file, os.fdopen(writer, "wb") as pipe:
            pipe.write(file.read(4096))
            pipe.flush()
            self.assertEqual(worker.control.recv(100), b"first")
        worker.rest()
        self.assertEqual(worker.control.recv(100), b"")
        worker = self.worker()
        worker.send(self.job(), [self.open(self.base)])
        worker.rest()
        self.assertEqual(worker.control.recv(100), b"")

    def test_reader_gone(self):
        worker = self.worker()
        os.close(worker.reader)
        worker.reader = os.open("/dev/null", os.O_RDONLY)
        worker.send(self.job(), [self.open(self.base)])
        self.assertEqual(worker.wait(), OUTPUT)

    def test_streams_while_it_is_written(self):
        """Units come out before the input has ended."""
        for name, options in {"live.nut": ["-c:v", "rawvideo", "-c:a", "pcm_s16le"], "live.mkv": ["-c:v", "libx264", "-tune", "zerolatency",
                              "-pix_fmt", "yuv420p", "-c:a", "libopus"]}.items():
            with open(self.make(name, *options), "rb") as file:
                data = file.read()
            reader, writer = os.pipe()
            worker = self.worker()
            worker.send(self.job(silence_ms=20000), [reader])
            half, release = len(data) // 2, threading.Event()

            def feed():
                with os.fdopen(writer, "wb") as pipe:
                    pipe.write(data[:half])
                    pipe.flush()
                    release.wait(20)
                    pipe.write(data[half:])
            feeder = threading.Thread(target=feed)
            feeder.start()
            got = b""
            while got.count(b"VIDE") < 8:
                piece = worker.read()
                self.assertTrue(piece, "ended early")
                got += piece
            self.assertFalse(release.is_set())
            release.set()
            rest, code = worker.rest()
            feeder.join()
            self.assertEqual(code, 0)
            segment = self.segment(got + rest)
            segment.check_order()
            self.assertEqual(len(segment.video), SECONDS * 25)

    def test_one_medium_ends_early(self):
        """The other input continues at once, not only when the file has been decoded to its end:
        what is overwritten in the file after two seconds is missing from the rest."""
        for name, codec in (("early.mp4", "aac"), ("early.mkv", "libopus"), ("early.nut", "pcm_s16le")):
            for short in ("audio", "video"):
                lengths = {"audio": 40, "video": 20, short: 0.5}
                marks.ffmpeg("-f", "lavfi", "-i", f"testsrc2=size=256x256:rate=25:duration={lengths['video']}",
                             "-f", "lavfi", "-i", f"anoisesrc=duration={lengths['audio']}:amplitude=0.3",
                             "-pix_fmt", "yuv420p", "-c:v", "mpeg4", "-b:v", "2M", "-c:a", codec, self.path(name))
                kind = {"audio": b"VIDE", "video": b"AUDI"}[short]
                with self.subTest(name, short=short):
                    whole, code = self.read_with_a_change(name, kind, lambda: None)
                    self.assertEqual(code, 0)
                    segment = self.segment(whole)
                    segment.check_order()
                    for length, medium in zip(segment.lengths, ("video", "audio")):
                        self.assertAlmostEqual(length / TICKS, lengths[medium], delta=0.1)
                    changed, _ = self.read_with_a_change(name, kind, lambda: self.overwrite(self.path(name)))
                    self.assertFalse(changed == whole, "all of it had been decoded")

    def read_with_a_change(self, name, kind, change):
        """What a worker makes of a file that changes once two seconds of a medium have arrived. The
        worker is not far ahead then: the pipe holds less than three seconds."""
        worker = self.worker()
        worker.send(self.job(audio_kbps=256), [self.open(name)])
        got = b""
        while got.count(kind) < {b"VIDE": 50, b"AUDI": 100}[kind]:
            piece = worker.read(4096)
            self.assertTrue(piece, "ended early")
            got += piece
        change()
        rest, code = worker.rest()
        return got + rest, code

    def overwrite(self, path):
        """The last third of the media, except an index at the very end."""
        size = os.path.getsize(path)
        with open(path, "r+b") as file:
            file.seek(size * 6 // 10)
            file.write(bytes(size * 3 // 10))

    def test_a_server_makes_many(self):
        """Each is a child of who started the server, starts within its own limits, and outlives it."""
        server = ForkServer("--parent", str(os.getpid()), "--cpu-s", "7")
        pairs, workers = [], []
        for _ in range(3):
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            reader, writer = os.pipe()
            workers.append(server.fork(writer, theirs.detach()))
            pairs.append((ours, reader))
        with open(f"/proc/{server.process.pid}/limits") as ours, open(f"/proc/{workers[0]}/limits") as theirs:
            self.assertRegex(ours.read(), r"Max cpu time +unlimited")
            self.assertRegex(theirs.read(), r"Max cpu time +7 ")
        self.assertEqual(len(os.listdir(f"/proc/{server.process.pid}/task")), 1, "a copy of a process has one thread")
        self.assertEqual(server.close(), 0)
        for pid, (control, reader) in zip(workers, pairs):
            control.close()
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
            self.assertEqual(os.read(reader, 1), b"")
            os.close(reader)

    def test_live_input_may_last(self):
        """What is made all day needs more processor time than a file may ever have."""
        for fields, limit in ({"silence_ms": 60000}, 7 * 144), ({}, 7):
            with self.subTest(fields):
                worker = self.worker("--cpu-s", "7")
                reader, writer = os.pipe()
                worker.send(self.job(**fields), [reader])
                with open(self.base, "rb") as file:
                    os.write(writer, file.read(4096))
                self.assertEqual(worker.control.recv(100), b"first")
                with open(f"/proc/{worker.pid}/limits") as limits:
                    self.assertRegex(limits.read(), rf"Max cpu time +{limit} +{limit + 2} ")
                os.close(writer)
                worker.rest()

    def test_a_server_that_is_asked_for_something_else(self):
        for data, count in ((b"fork 1", 0), (b"fork 1", 1), (b"fork 1", 3), (b"fork", 2), (b"spoon 1", 2), (b"fork 1s", 2),
                            (b"x" * 1000, 2)):
            with self.subTest(data=data[:10], count=count):
                server = ForkServer("--parent", str(os.getpid()))
                send(server.control, data, [os.open("/dev/null", os.O_RDWR) for _ in range(count)])
                self.assertEqual(server.control.recv(100), b"")
                self.assertNotEqual(server.close(), 0)

    def test_dies_with_its_parent(self):
        script = ("import os,sys\n"
                  "from worker import ForkServer, Worker\n"
                  "server=ForkServer('--parent',str(os.getpid()))\n"
                  "worker=Worker('--parent',str(os.getpid()))\n"
                  "os.set_inheritable(server.control.fileno(),True)\nos.set_inheritable(worker.control.fileno(),True)\n"
                  "print(server.process.pid,worker.pid,flush=True)\nos.kill(os.getpid(),9)\n")
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
            pids = parent.stdout.readline().split()
        end = time.monotonic() + 60
        while alive := [pid for pid in pids if is_alive(int(pid))]:
            self.assertLess(time.monotonic(), end, f"{alive} live on")
            time.sleep(0.05)

    def test_orphan_ends_at_once(self):
        done = subprocess.run([PREPARE, "--fork-server", "--parent", "1"], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, b""))


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    unittest.main()
