# SPDX-License-Identifier: GPL-3.0-or-later
"""Generators on other machines: conf/nginx-push.conf.sample in front of the Unix socket, with a
certificate of the test's own; and network namespaces as machines."""
import os
import socket
import ssl
import subprocess
import unittest

from certificates import Authority
from janus_server import free_ports
from network import Network, lay_cable
from push_nginx import Nginx, is_installed
from test_push_client import WAIT_S, ClientCase

# LeakSanitizer crashes where it looks at the thread-local memory of threads of GIO's TLS.
if "ASAN_OPTIONS" in os.environ:
    os.environ["ASAN_OPTIONS"] += ":intercept_tls_get_addr=0"


@unittest.skipUnless(is_installed(), "nginx's stream module is not installed")
class TlsCase(ClientCase):
    names = ("127.0.0.1",)

    @classmethod
    def setUpClass(cls):
        os.environ["PATH"] += ":/usr/sbin"
        super().setUpClass()
        cls.folder = cls.janus.path("nginx")
        os.mkdir(cls.folder)
        cls.authority = Authority(cls.folder)
        cls.certificate = cls.authority.sign(*cls.names)

    def tls(self, *options, **more):
        return self.start("--ca", self.authority.path, *options, address=self.far, **more)


class Tls(TlsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port, = free_ports(1)
        cls.far = "tls://127.0.0.1:%d" % cls.port
        cls.nginx = Nginx(cls.folder, "127.0.0.1", cls.port, cls.local, cls.certificate)
        cls.addClassCleanup(cls.nginx.stop)

    def test_the_end_of_the_media_arrives(self):
        """Also of media that have no end of their own."""
        for options in ([], ["--encode"]):
            for environment in ("", "NORMAL:-VERS-TLS1.3"):
                with self.subTest((options, environment)):
                    os.environ["G_TLS_GNUTLS_PRIORITY"] = environment or "NORMAL"
                    self.addCleanup(os.environ.pop, "G_TLS_GNUTLS_PRIORITY", None)
                    last, _ = self.result(self.tls("--room=2", *options, secret="whisper"), self.short)
                    self.assertEqual((last["event"], last["played_ms"]), ("finished", 1000), last)
                    self.assertNotIn("incomplete", last)

    def test_a_generator_that_is_faster_waits(self):
        last, _ = self.result(self.tls("--room=1"), self.long)
        self.assertEqual((last["event"], last["played_ms"]), ("finished", 8000))

    def test_an_interruption(self):
        push = self.tls("--room=1", file=self.lasting())
        self.until(push, "started")
        self.ask("interrupt", id=1)
        self.assertEqual(self.result(push, code=5)[0]["event"], "interrupted")

    def test_a_refusal(self):
        self.assertIn("refused: Unauthorized", self.result(self.tls("--room=2"), self.long, 4)[1])

    def test_nobody_trusts_another_certificate(self):
        for word, options in (("issuer is not trusted", []),
                              ("issuer is not trusted", ["--ca", Authority(self.folder, "other").path])):
            with self.subTest(options):
                _, err = self.result(self.start("--room=1", *options, address=self.far), self.short, 1)
                self.assertIn(word, err)
        _, err = self.result(self.start("--room=1", "--ca", self.authority.path,
                                        address="tls://localhost:%d" % self.port), self.short, 1)
        self.assertIn("another name", err)

    def test_python_ends_its_side_below_tls(self):
        """docs/push.md has this way; ssl's own ways lose what the gateway says afterwards."""
        context = ssl.create_default_context(cafile=self.authority.path)
        sock = context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), WAIT_S),
                                   server_hostname="127.0.0.1")
        sock.sendall(b'{"room":1}\n' + self.short)
        socket.socket.shutdown(sock, socket.SHUT_WR)
        with sock, sock.makefile("rb") as stream:
            lines = stream.read().splitlines()
        self.assertRegex(lines[-1], b'"event":"finished".*"played_ms":1000')
        self.assertNotIn(b"incomplete", lines[-1])

    def test_a_generator_that_vanishes_leaves_nothing(self):
        for _ in range(20):
            push = self.tls("--room=1")
            self.until(push, "queued")
            push.kill()
            push.wait()
            self.ask("interrupt", id=1)
        self.quiet()


class Machines(TlsCase):
    """Two machines with a cable between them. Unix sockets belong to none."""
    names = ("192.0.2.1", "stage.example.org")

    @classmethod
    def setUpClass(cls):
        cls.gateway, cls.generator = (cls.network(name) for name in ("gateway", "generator"))
        cls.connect()
        super().setUpClass()
        cls.elsewhere = cls.generator.inside
        cls.far = "tls://192.0.2.1:8190"
        nginx = Nginx(cls.folder, "192.0.2.1", 8190, cls.local, cls.certificate, cls.gateway.inside)
        cls.addClassCleanup(nginx.stop)

    @classmethod
    def network(cls, name):
        new = Network("dh-%s-%d" % (name, os.getpid()))
        cls.addClassCleanup(new.close)
        return new

    @classmethod
    def connect(cls):
        try:
            cls.lay_cable()
        except subprocess.CalledProcessError as problem:
            raise unittest.SkipTest("this machine's network namespaces get no cable: %s" % problem) from None

    @classmethod
    def lay_cable(cls):
        lay_cable(cls.gateway, cls.generator, "cable0")
        for network, address in ((cls.gateway, "192.0.2.1/24"), (cls.generator, "192.0.2.2/24")):
            network.ip("addr", "add", address, "dev", "cable0")
            network.ip("link", "set", "cable0", "up")

    def test_from_one_machine_to_the_other(self):
        for options in ([], ["--encode"]):
            with self.subTest(options):
                last, _ = self.result(self.tls("--room=2", *options, secret="whisper"), self.short)
                self.assertEqual((last["event"], last["played_ms"]), ("finished", 1000), last)
                self.assertNotIn("incomplete", last)

    def test_the_gateways_own_port_is_not_there(self):
        _, err = self.result(self.start("--room=1", address="192.0.2.1:%d" % self.tcp[1]), self.short, 1)
        self.assertIn("refused", err)

    def test_a_cable_that_is_cut_and_mended(self):
        """What was on its way arrives; TCP sends it again."""
        push = self.tls("--room=1")
        self.feed(push, self.short[:len(self.short) // 2])
        self.until(push, "queued")
        self.gateway.ip("link", "set", "cable0", "down")
        self.feed(push, self.short[len(self.short) // 2:])
        self.gateway.ip("link", "set", "cable0", "up")
        self.assertEqual(self.result(push)[0]["event"], "finished")


if __name__ == "__main__":
    unittest.main()
