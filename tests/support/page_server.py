# SPDX-License-Identifier: GPL-3.0-or-later
"""The page, or digitalhuman.js alone, from a web server of a test's own, for any gateway.

    with PageServer({"server": janus.ws, "room": 1}) as pages:
        chromium.open(pages.url)                 # index.html with these settings
        chromium.open(pages.url + "blank.html")  # a <video id="video">, and digitalhuman.js for who imports it

Forwarder is what lies between a page and its gateway: it can go away, or say nothing any more.
"""
import contextlib
import json
import os
import socket
import threading
import urllib.parse

from probe import janus_js, packaged
from web_server import WebServer

HTML = os.environ.get("DH_HTML") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../html")
BLANK = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Blank</title><link rel="icon" href="data:,">
<video id="video" autoplay muted playsinline></video>
<script type="module">import '/digitalhuman.js';</script></html>"""
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class PageServer(WebServer):
    """`settings`: what settings.js exports. `more`: further paths and their texts. Serves on `address`. What is put into
    `missing` is not there when it is asked for next."""

    def __init__(self, settings=None, more=None, address="127.0.0.1"):
        self.texts, self.missing = {"/blank.html": BLANK, **(more or {})}, set()
        self.set(settings or {})
        self._files = {"/vendor/janus.js": janus_js(), "/vendor/adapter.js": packaged("libjs-webrtc-adapter", "adapter.js"),
                       "/ear.js": os.path.join(os.path.dirname(os.path.abspath(__file__)), "ear.js")}
        super().__init__(address)
        self.url = f"http://127.0.0.1:{self.port}/"

    def set(self, settings):
        self.texts["/settings.js"] = "export default " + json.dumps(settings) + ";"

    def _find(self, path):
        if path in self.missing:
            self.missing.discard(path)
            return None
        if path in self.texts:
            return self.texts[path].encode()
        file = self._files.get(path) or os.path.join(HTML, path.lstrip("/") or "index.html")
        if ".." in path or not os.path.isfile(file):
            return None
        with open(file, "rb") as opened:
            return opened.read()

    def _get(self, request):
        path = urllib.parse.urlparse(request.path).path
        body = self._find(path)
        request.send_response(404 if body is None else 200)
        request.send_header("Content-Type", TYPES.get(os.path.splitext(path)[1], "text/html"))
        request.send_header("Content-Length", str(len(body or b"")))
        request.end_headers()
        with contextlib.suppress(OSError):
            request.wfile.write(body or b"")


class Forwarder:
    """Passes TCP connections to `port` of this machine on. While `mute` nothing passes, and nobody is told; after close()
    connections are cut and refused. `listener` may be a socket of another network's."""

    def __init__(self, port, address="127.0.0.1", listener=None):
        self._to, self._open, self.mute, self.accepted = port, True, False, 0
        self._sockets = set()
        self._listener = listener or socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]
        self.ws = f"ws://127.0.0.1:{self.port}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                return
            self.accepted += 1
            self._sockets |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if not self.mute:
                    other.sendall(data)
        if not self.mute:
            for side in (one, other):
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for side in self._sockets:
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()
