# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway and a browser in networks of their own, with a bad path between them (rough_path.py).

    with Rough() as rough, rough.gateway():
        …                                     # Janus, web server: whatever this thread starts is on the near side
        with rough.browser(ports) as chromium:  # reaches these ports of the near side at 127.0.0.1
            rough.path.tell(loss=0.01)
"""
import contextlib
import os
import socket
import unittest.mock

from network import Network
from page_server import Forwarder
from probe import browser
from rough_path import ADDRESSES, RoughPath


class Rough:
    def __init__(self):
        self._open = contextlib.ExitStack()

    def __enter__(self):
        try:
            self.near, self.far = (self._network(name) for name in ("near", "far"))
            self.path = RoughPath(self.near, self.far)
            self._open.callback(self.path.close)
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_):
        self._open.close()

    def _network(self, name):
        network = Network(f"dh-{name}-{os.getpid()}")
        self._open.callback(network.close)
        network.ip("link", "set", "lo", "up")
        return network

    @contextlib.contextmanager
    def gateway(self):
        with self.near.entered(), unittest.mock.patch("janus_server.own_address", lambda: ADDRESSES[0]):
            yield

    @contextlib.contextmanager
    def browser(self, ports, start=browser):
        """From within gateway(): `ports` of the near side's 127.0.0.1 are those of the far side's, too. `start` makes the
        browser, Chromium or Firefox."""
        with contextlib.ExitStack() as stack:
            for port in ports:
                with self.far.entered():
                    listener = socket.create_server(("127.0.0.1", port))
                stack.callback(Forwarder(port, listener=listener).close)
            with self.far.entered():
                started = stack.enter_context(start())
            yield started
