# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves a generator: whoever wants to hear something POSTs a text, and gets the segment while it is being made."""
import codecs
import contextlib
import json
import os
import select
import socket
import traceback
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Tuple
from urllib.parse import unquote

from .container import mux
from .wire import keep_alive

FIRST_FD = 3        # of systemd's socket activation; the gateway does it, too
MOST_PIECE = 1 << 20
HEAD_S = 10.0       # for each part of a request's head: whoever is silent keeps the others waiting


class Refused(Exception):
    """The request is wrong, and would be so anywhere: no other process is asked."""


class Request:
    """What should be said. `voice`, `room`, `segment`, `clip`: texts, or None. `metadata`: as given to `say`, or None.
    `position_ms`: where the idle clip will probably be when the segment begins, or None. `headers`: all of them."""

    def __init__(self, headers: Message, body: Iterator[bytes],
                 is_wanted: Callable[[], bool] = lambda: True) -> None:
        def value(name: str) -> Optional[str]:
            text = headers.get("X-Dh-" + name)
            return None if text is None else unquote(text)
        self.headers = headers
        self.voice, self.room, self.segment = value("Voice"), value("Room"), value("Segment")
        self.clip = value("Clip")
        metadata, position = headers.get("X-Dh-Metadata"), value("Position-Ms")
        self.metadata = json.loads(metadata) if metadata else None
        self.position_ms = int(position) if position else None
        self.is_audio = headers.get("Content-Type", "").startswith("application/octet-stream")
        self._body, self._read, self._is_wanted = body, b"", is_wanted

    @property
    def is_wanted(self) -> bool:
        """Whether somebody still listens. What is yielded to nobody ends `generate` by itself; ask before what takes
        long."""
        return self._is_wanted()

    def pieces(self) -> Iterator[str]:
        """The text while it is being written. Once only, and not together with `text`."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for data in self._body:
            piece = decoder.decode(data)
            if piece:
                yield piece

    @property
    def audio(self) -> bytes:
        """The voice that exists already, a file, if `is_audio`."""
        self._read += b"".join(self._body)
        return self._read

    @property
    def text(self) -> str:
        """All of the text; waits until it is complete."""
        return self.audio.decode("utf-8", "replace")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    generate: Callable[[Request], Iterable[Tuple[Any, Any]]]
    form: Mapping[str, Any]
    is_gone = False         # whoever asked

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(HEAD_S)
        if self.connection.family != socket.AF_UNIX:
            keep_alive(self.connection)

    def address_string(self) -> str:
        return self.client_address[0] if self.client_address else "the gateway"

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        pass

    def do_GET(self) -> None:
        """The gateway asks whether it is ready."""
        self.answer(204, "No Content")

    def answer(self, status: int, text: str) -> None:
        self.close_connection = True
        body = b"" if status == 204 else text.encode() + b"\n"
        self.send_response(status)
        self.send_header("Connection", "close")
        if body:
            self.send_header("Content-Length", str(len(body)))
        with self.talking():
            self.end_headers()
            self.wfile.write(body)

    @contextlib.contextmanager
    def talking(self) -> Iterator[None]:
        """Tells a connection that has ended from those that `generate` has of its own."""
        try:
            yield
        except ConnectionError:
            self.is_gone = True
            raise

    def read(self, size: int = 0) -> bytes:
        """So many bytes, or a line."""
        with self.talking():
            data = self.rfile.read(size) if size else self.rfile.readline(100)
            if len(data) < size or not data:
                raise ConnectionResetError("the connection ended within the request")
        return data

    def body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            left = int(self.headers.get("Content-Length") or 0)
            while left > 0:
                yield self.read(min(left, MOST_PIECE))
                left -= MOST_PIECE
            return
        while True:
            size = int(self.read().split(b";")[0], 16)
            if size == 0:
                return
            if not 0 < size <= MOST_PIECE:
                raise Refused(f"a chunk of {size} bytes, expected at most {MOST_PIECE}")
            yield self.read(size)
            self.read()

    def is_wanted(self) -> bool:
        poll = select.poll()
        poll.register(self.connection, getattr(select, "POLLRDHUP", 0))     # an end is reported in any case
        return not poll.poll(0)

    def do_POST(self) -> None:
        self.close_connection = True
        self.connection.settimeout(None)
        try:
            self.say(Request(self.headers, self.body(), self.is_wanted))
        except ConnectionError:
            if not self.is_gone:
                raise           # else interrupted: nobody wants the rest

    def say(self, request: Request) -> None:
        try:        # `generate` may raise when it is called, or when it is asked for its first frame
            data = iter(mux(type(self).generate(request), **self.form))
            first = next(data, b"")
        except Refused as refused:
            self.answer(400, str(refused))
            return
        except Exception as error:      # another process may do better
            if self.is_gone:
                raise
            traceback.print_exc()
            self.answer(500, f"{type(error).__name__}: {error}")
            return
        self.send_response(200)
        self.send_header("Content-Type", "video/x-nut")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        with self.talking():
            self.end_headers()
        self.send(first)
        for piece in data:
            self.send(piece)
        self.write(b"0\r\n\r\n")      # without it, the gateway knows that the rest is missing

    def send(self, data: bytes) -> None:
        if data:
            self.write(b"%x\r\n%b\r\n" % (len(data), data))

    def write(self, data: bytes) -> None:
        with self.talking():
            self.wfile.write(data)


def _given_socket() -> Optional[socket.socket]:
    """LISTEN_PID may be a shell's that started this process."""
    if os.environ.get("LISTEN_FDS") != "1":
        return None
    given = socket.socket(fileno=FIRST_FD)
    if not given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        given.detach()
        return None
    return given


def serve(generate: Callable[[Request], Iterable[Tuple[Any, Any]]], *, listen: str = "127.0.0.1:9000",
          at_once: bool = False, **form: Any) -> None:
    """Serves until it is killed. `generate` gets a Request and yields (frame, samples), either of which may be None;
    `form` is their form, as for Stage.segment() (fps, sample_rate, …). Started by the gateway, or by systemd, it
    listens where those say, otherwise on `listen`. `at_once`: several requests at a time, each in a thread; without
    it, a generator of the gateway that has this as its `url` needs `at_once = [ "1" ]`."""
    handler = type("Handler", (_Handler,), {"generate": staticmethod(generate), "form": form})
    host, _, port = listen.rpartition(":")
    given = _given_socket()
    server = (ThreadingHTTPServer if at_once else HTTPServer)((host, int(port)), handler,
                                                               bind_and_activate=given is None)
    if given:
        server.socket.close()
        server.socket = given
    else:
        print(f"http://{host}:{server.server_port}/say", flush=True)
    with server:
        server.serve_forever()
