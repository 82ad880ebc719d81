# SPDX-License-Identifier: GPL-3.0-or-later
"""`dh-prepare --worker` without a gateway. DH_PREPARE names the program."""
import array
import json
import os
import socket
import subprocess

from prepared import PREPARE


class Worker:
    """`dh-prepare --worker` as the plugin runs it."""

    def __init__(self, *options):
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.reader, writer = os.pipe()
        self.process = subprocess.Popen([PREPARE, "--worker", *options], stdin=subprocess.DEVNULL, stdout=writer,
                                        preexec_fn=lambda: os.dup2(theirs.fileno(), 3), close_fds=False)
        os.close(writer)
        theirs.close()
        self.ready = self.control.recv(100)

    def send(self, job, fds=(), raw=None):
        data = raw if raw is not None else json.dumps(job).encode()
        self.control.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
        for fd in fds:
            os.close(fd)

    def read(self, size=1 << 16):
        return os.read(self.reader, size)

    def rest(self):
        data = b"".join(iter(self.read, b""))
        return data, self.process.wait(60)

    def close(self):
        self.control.close()
        os.close(self.reader)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
