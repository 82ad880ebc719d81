# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx in front of the gateway's Unix socket for pushes, with TLS."""
import os
import re
import shutil
import subprocess
import tempfile
import time

from certificates import Authority
from janus_server import WAIT_S, free_ports

SAMPLE = os.path.join(os.environ["DH_ROOT"], "conf", "nginx-push.conf.sample")
MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")


def is_installed():
    return bool(NGINX) and os.path.exists(MODULE)


class Nginx:
    """It has conf/nginx-push.conf.sample, with a certificate: its path and that of its key. `prefix` are the words of
    a command that runs it elsewhere."""

    def __init__(self, folder, address, port, local, certificate, prefix=()):
        self.folder = folder
        with open(SAMPLE, encoding="utf-8") as file:
            text = file.read()
        for old, new in (("listen 8190", "listen %s:%d" % (address, port)), (r"listen \[::\]:8190 ssl;", ""),
                         ("/etc/ssl/certs/stage.example.org.pem", certificate[0]),
                         ("/etc/ssl/private/stage.example.org.key", certificate[1]),
                         ("/run/janus/push.sock(?=;)", local)):
            text, count = re.subn(old, new, text)
            if count != 1:
                raise AssertionError("%s stands %d times in the sample" % (old, count))
        with open(self.path("nginx.conf"), "w", encoding="utf-8") as file:
            file.write("load_module %s;\n%sdaemon off;\npid %s;\nevents {}\n%s" % (
                MODULE, "user root;\n" if os.geteuid() == 0 else "", self.path("nginx.pid"), text))
        self.command = [*prefix, NGINX, "-p", folder, "-c", self.path("nginx.conf"), "-e", self.path("error.log")]
        self.process = subprocess.Popen(self.command)
        # It is written once nginx listens.
        end = time.monotonic() + WAIT_S
        while not os.path.exists(self.path("nginx.pid")):
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError("nginx does not start: " + self.log())
            time.sleep(0.02)

    def path(self, name):
        return os.path.join(self.folder, name)

    def log(self):
        with open(self.path("error.log"), encoding="utf-8") as file:
            return file.read()

    def stop(self):
        self.process.terminate()
        self.process.wait(WAIT_S)


class ThroughNginx:
    """For a test case whose class has `janus`: `address` is the gateway's through TLS, with a certificate of `authority`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.authority, (port,) = Authority(folder.name), free_ports(1)
        nginx = Nginx(folder.name, "127.0.0.1", port, cls.janus.path("push.sock"), cls.authority.sign("127.0.0.1"))
        cls.addClassCleanup(nginx.stop)
        cls.address = f"tls://127.0.0.1:{port}"
