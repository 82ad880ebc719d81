# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server of a test's own, in a thread."""
import http.server
import threading


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128    # browsers ask for all files of a page at once


class WebServer:
    """`with` it, GET requests go to `_get(request)`, an http.server.BaseHTTPRequestHandler. Serves on `address`, at `port`."""

    def __init__(self, address="127.0.0.1"):
        handler = type("Handler", (http.server.BaseHTTPRequestHandler,),
                       {"do_GET": lambda request: self._get(request), "log_message": lambda *_: None})
        self._server = Server((address, 0), handler)
        self.port = self._server.server_address[1]

    def _get(self, request):
        raise NotImplementedError

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
