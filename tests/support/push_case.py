# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of dh-push have in common: how it is run, and a gateway that does what a script says."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

PUSH = os.path.join(os.environ["DH_BUILD"], "dh-push")
PREPARE = os.environ["DH_PREPARE"]
WAIT_S = 60
# LeakSanitizer crashes where it looks at the thread-local memory of threads of GIO's TLS.
if "ASAN_OPTIONS" in os.environ:
    os.environ["ASAN_OPTIONS"] += ":intercept_tls_get_addr=0"
FINISHED = b'{"digitalhuman":"event","event":"finished","segment":"s-1","played_ms":1000}\n'


class Gateway:
    """Takes one connection; `script` is called with it and what was read of it is kept."""

    def __init__(self, script, path=None, tls=None):
        self.script, self.path, self.tls = script, path, tls
        self.error, self.data = None, b""
        self.listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.listener.bind(path or ("127.0.0.1", 0))
        self.listener.listen()
        self.listener.settimeout(WAIT_S)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @property
    def address(self):
        if self.path:
            return "unix:" + self.path
        return "%s127.0.0.1:%d" % ("tls://" if self.tls else "", self.listener.getsockname()[1])

    def run(self):
        try:
            sock, _ = self.listener.accept()
            sock.settimeout(WAIT_S)
            with sock:
                if self.tls:
                    sock = self.tls.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)
                self.sock = sock
                self.script(self)
                sock.close()
        except Exception as error:      # pylint: disable=broad-except
            self.error = error

    def line(self):
        """One, read so that nothing behind it is."""
        line = b""
        while not line.endswith(b"\n"):
            byte = self.sock.recv(1)
            if not byte:
                raise EOFError(line)
            line += byte
        return json.loads(line)

    def rest(self):
        while True:
            data = self.sock.recv(1 << 16)
            if not data:
                return self.data
            self.data += data

    def say(self, data):
        self.sock.sendall(data)

    def close(self):
        with contextlib.suppress(OSError):      # it ends the waiting for a connection
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(WAIT_S)
        self.listener.close()


def finish(gateway):
    gateway.first = gateway.line()
    gateway.rest()
    gateway.say(FINISHED)


class PushCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dh-push-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)

    def path(self, name, data=None):
        path = os.path.join(self.folder, name)
        if data is not None:
            with open(path, "wb") as file:
                file.write(data)
        return path

    def gateway(self, script=finish, **more):
        gateway = Gateway(script, **more)
        self.addCleanup(gateway.close)
        return gateway

    def push(self, address, *options, data=b"media", code=0, environment=None, **more):
        done = subprocess.run([PUSH, "--room", "1", *options, getattr(address, "address", address)],
                              env=dict(os.environ, LC_ALL="C.UTF-8", **(environment or {})),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT_S,
                              **(more if "stdin" in more else {"input": data}))
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return done.stdout.decode(), done.stderr.decode()
