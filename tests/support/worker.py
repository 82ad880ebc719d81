# SPDX-License-Identifier: GPL-3.0-or-later
"""`dh-prepare --fork-server` and its workers, without a gateway. DH_PREPARE names the program."""
import array
import json
import os
import signal
import socket
import subprocess
import time

from prepared import PREPARE, Prepared


def send(sock, data, fds=()):
    """The descriptors travel with the message, and are closed here."""
    sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
    for fd in fds:
        os.close(fd)


class ForkServer:
    """As the plugin runs it."""

    def __init__(self, *options):
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen([PREPARE, "--fork-server", *options], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL,
                                        preexec_fn=lambda: os.dup2(theirs.fileno(), 3), close_fds=False)
        theirs.close()
        self.ready = self.control.recv(100)

    def fork(self, output, control, number=7):
        """A worker's process, this one's child."""
        send(self.control, b"fork %d" % number, [output, control])
        word, of, pid = self.control.recv(100).decode().split()
        assert (word, int(of)) == ("worker", number), (word, of)
        return int(pid)

    def close(self):
        self.control.close()
        return self.process.wait(60)


class Worker:
    """The one worker of a server of its own."""

    def __init__(self, *options):
        server = ForkServer(*options)
        self.ready = server.ready
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.reader, writer = os.pipe()
        self.pid, self.code = server.fork(writer, theirs.detach()), None
        server.close()

    def send(self, job, fds=(), raw=None):
        send(self.control, raw if raw is not None else json.dumps(job).encode(), fds)

    def read(self, size=1 << 16):
        return os.read(self.reader, size)

    def wait(self, timeout=60):
        """Its exit code; of one that was ended by a signal, the signal's negative number."""
        end = time.monotonic() + timeout
        while self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                raise TimeoutError("the worker does not end")
            else:
                time.sleep(0.005)
        return self.code

    def rest(self):
        data = b"".join(iter(self.read, b""))
        return data, self.wait()

    def close(self):
        self.control.close()
        os.close(self.reader)
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
        self.wait()


def descriptor(data):
    """A file in memory that has these bytes."""
    fd = os.memfd_create("test")
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def run_job(case, fds, **fields):
    """A job of 128x128 for a worker of its own: what it made, and its code."""
    worker = Worker("--parent", str(os.getpid()))
    case.addCleanup(worker.close)
    worker.send({"kind": "segment", "names": ["v"], "width": 128, "height": 128, **fields}, fds)
    data, code = worker.rest()
    with open(case.path("job.dhs"), "wb") as file:
        file.write(data)
    return Prepared(case.path("job.dhs")), code
