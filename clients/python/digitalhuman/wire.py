# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to the gateway: where it is, bytes and lines both ways, and being woken while writing.

One thread may write while another one reads; nothing else is shared.
"""
from __future__ import annotations

import os
import select
import socket
import ssl
import threading
import time
from typing import Any, Callable, Iterable, NamedTuple, Optional, Union

MAX_LINE = 1 << 20
READ_BYTES = 65536
DEFAULT_PORTS = {"tcp": 8189, "tls": 8190}
Buffer = Union[bytes, memoryview]


class Woken(Exception):
    """The connection was woken by wake() while it waited to write."""


class Address(NamedTuple):
    kind: str           # "tcp", "tls", "unix"
    host: str           # of a Unix socket: its path
    port: int
    text: str           # as it was given

    @classmethod
    def parse(cls, text: Any) -> Address:
        """"host:port", "tls://host:port" or "unix:/path"; ports default to 8189 and 8190, IPv6 is [::1]:8189."""
        if not isinstance(text, str):
            raise TypeError(f"address: expected a string such as \"gateway:8189\", got {type(text).__name__}")
        if text.startswith("unix:"):
            path = text[5:]
            path = path[2:] if path.startswith("//") else path
            if not path:
                raise ValueError(f"address: no path in {text!r}, expected \"unix:/run/push.sock\"")
            return cls("unix", path, 0, text)
        kind, rest = ("tls", text[6:]) if text.startswith("tls://") else ("tcp", text)
        rest = rest[6:] if rest.startswith("tcp://") else rest
        host, port = rest, ""
        if rest.startswith("[") and "]" in rest:
            host, _, port = rest[1:].partition("]")
            port = port[1:] if port.startswith(":") else port and "?"
        elif ":" in rest:
            host, _, port = rest.rpartition(":")
        number = int(port) if port.isdecimal() else DEFAULT_PORTS[kind] if not port else 0
        if not host or "/" in host or ":" in host and not rest.startswith("[") or not 1 <= number <= 65535:
            raise ValueError(f"address: {text!r} is none, expected \"host:port\", \"tls://host:port\" or "
                             "\"unix:/path\"")
        return cls(kind, host, number, text)


class _Plain:
    """A socket that does not block: BlockingIOError says that it would."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.setblocking(False)

    def send(self, data: memoryview) -> int:
        return self.sock.send(data)

    def flush(self) -> None:
        pass

    def recv(self) -> bytes:
        return self.sock.recv(READ_BYTES)

    def end(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)


class _Tls:
    """The same through TLS. OpenSSL's objects are not for two threads at once, hence the lock; and through
    memory, so that close_notify ends the sending side alone, while reading goes on."""

    STEP = 65536

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self.sock = sock
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_hostname=host)
        self._lock = threading.Lock()
        self._unsent = memoryview(b"")
        self._read = b""        # already, while ending the sending side
        self._handshake()
        sock.setblocking(False)

    def _handshake(self) -> None:
        while True:     # the socket still has its timeout
            try:
                self._object.do_handshake()
                self.sock.sendall(self._out.read())
                return
            except ssl.SSLWantReadError:
                self.sock.sendall(self._out.read())
                data = self.sock.recv(READ_BYTES)
                if not data:
                    raise ConnectionError("the connection ended during the TLS handshake") from None
                self._in.write(data)
            except ssl.SSLError:
                try:
                    self.sock.sendall(self._out.read())     # the alert that says why
                except OSError:
                    pass
                raise

    def _flush(self) -> None:
        while True:
            while self._unsent:
                self._unsent = self._unsent[self.sock.send(self._unsent):]
            self._unsent = memoryview(self._out.read())
            if not self._unsent:
                return

    def flush(self) -> None:
        with self._lock:
            self._flush()

    def send(self, data: memoryview) -> int:
        """Takes no more before what was taken is sent."""
        with self._lock:
            self._flush()
            taken = self._object.write(data[:self.STEP])
            try:
                self._flush()
            except BlockingIOError:
                pass
            return taken

    def recv(self) -> bytes:
        with self._lock:
            if self._read:
                read, self._read = self._read, b""
                return read
            while True:
                try:
                    return self._object.read(READ_BYTES)
                except ssl.SSLWantReadError:
                    pass
                except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                    return b""
                data = self.sock.recv(READ_BYTES)
                if data:
                    self._in.write(data)
                else:
                    self._in.write_eof()

    def end(self) -> None:
        with self._lock:
            # unwrap() also reads, for the other side's close_notify, and takes anything else for an error
            try:
                while True:
                    data = self._object.read(READ_BYTES)
                    if not data:
                        break
                    self._read += data
            except ssl.SSLError:
                pass
            try:
                self._object.unwrap()
            except ssl.SSLError:
                pass        # the other side's close_notify is still to come


def wait(read: Iterable[Any], write: Iterable[Any], timeout: Optional[float]) -> bool:
    """Until one of these descriptors is ready; whether one is."""
    if not hasattr(select, "poll"):
        ready = select.select(list(read), list(write), [], timeout)
        return bool(ready[0] or ready[1])
    poll = select.poll()
    for descriptor in read:
        poll.register(descriptor, select.POLLIN)
    for descriptor in write:
        poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(None if timeout is None else max(0, timeout) * 1000))


def keep_alive(sock: socket.socket) -> None:
    """Of a TCP connection: whoever is gone without a word is missed after a minute and a half, as by dh-push."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _open_socket(address: Address, timeout: float) -> socket.socket:
    if address.kind != "unix":
        sock = socket.create_connection((address.host, address.port), timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keep_alive(sock)
        return sock
    if not hasattr(socket, "AF_UNIX"):
        raise OSError("this system has no Unix sockets")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect(address.host)
    except BaseException:
        sock.close()
        raise
    return sock


class Connection:
    """Connects at once: ConnectionError, which names the address, if that fails or takes longer than
    `timeout` seconds. `context` is for TLS; None: certificates are verified with the system's."""

    def __init__(self, address: Address, timeout: float, context: Optional[ssl.SSLContext] = None) -> None:
        self.address = address
        self._buffer = bytearray()
        self._is_woken = False
        try:
            sock = _open_socket(address, timeout)
            try:
                self._transport: Union[_Plain, _Tls] = _Plain(sock) if address.kind != "tls" else \
                    _Tls(sock, context or ssl.create_default_context(), address.host)
                self._wake_read, self._wake_write = socket.socketpair()
            except BaseException:
                sock.close()
                raise
        except OSError as error:
            reason = f"no answer within {timeout:g} s" if isinstance(error, socket.timeout) else \
                error.strerror if error.strerror and not isinstance(error, ssl.SSLError) else str(error)
            raise ConnectionError(f"cannot connect to {address.text}: {reason}") from error
        self._sock = sock

    def limit_send_buffer(self, size: int) -> None:
        """How much may wait in the system, for media of which little are many seconds."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    # -- writing

    def write(self, buffers: Iterable[Buffer]) -> None:
        """Blocks until the system has taken all of it. Raises Woken, or OSError if the connection is gone."""
        for buffer in buffers:
            view = memoryview(buffer)
            while view:
                view = view[self._try(self._transport.send, view):]
        self._try(self._transport.flush)

    def try_write(self, data: bytes) -> None:
        """As much of it as can be written at once."""
        try:
            self._transport.send(memoryview(data))
            self._transport.flush()
        except OSError:
            pass

    def finish(self) -> None:
        """Ends the sending side; reading goes on."""
        self._transport.end()
        self._try(self._transport.flush)

    def _try(self, step: Callable[..., Any], *arguments: Any) -> Any:
        while True:
            if self._is_woken:
                raise Woken()
            try:
                return step(*arguments)
            except BlockingIOError:
                wait([self._wake_read], [self._sock], None)

    def wake(self) -> None:
        """From any thread: whoever writes gets Woken, now and from now on."""
        self._is_woken = True
        try:
            self._wake_write.send(b"x")
        except OSError:
            pass

    @property
    def wake_descriptor(self) -> socket.socket:
        """Readable after wake()."""
        return self._wake_read

    # -- reading

    def read_line(self, timeout: Optional[float] = None) -> Optional[bytes]:
        """The next line, without its end; None at the end of the connection."""
        end = None if timeout is None else time.monotonic() + timeout
        searched = 0
        while True:
            at = self._buffer.find(b"\n", searched)
            if at >= 0:
                line = bytes(self._buffer[:at])
                del self._buffer[:at + 1]
                return line
            searched = len(self._buffer)
            if searched > MAX_LINE:
                raise ConnectionError(f"{self.address.text}: a line of more than {MAX_LINE} bytes")
            if not self._read_more(end):
                return None

    def read_bytes(self, count: int, timeout: Optional[float] = None) -> bytes:
        end = None if timeout is None else time.monotonic() + timeout
        while len(self._buffer) < count:
            if not self._read_more(end):
                raise ConnectionError(f"{self.address.text}: the connection ended within {count} bytes")
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _read_more(self, end: Optional[float]) -> bool:
        while True:
            try:
                data = self._transport.recv()
                self._buffer += data
                return bool(data)
            except BlockingIOError:
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0 or not wait([self._sock], [], left):
                    raise ConnectionError(f"{self.address.text}: no answer in time") from None

    # -- ending

    def cut(self) -> None:
        """From any thread: ends both directions at once. Whoever reads sees the end, whoever writes is woken."""
        self.wake()
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        """Closes the descriptors; nobody may read or write any more."""
        for sock in (self._sock, self._wake_read, self._wake_write):
            sock.close()


def write_pipe(descriptor: int, buffers: Iterable[Buffer], woken: socket.socket) -> None:
    """Writes all of it to a pipe that does not block. Raises Woken once `woken` is readable."""
    for buffer in buffers:
        view = memoryview(buffer)
        while view:
            try:
                view = view[os.write(descriptor, view):]
                continue
            except BlockingIOError:
                pass
            wait([woken], [descriptor], None)
            if wait([woken], [], 0):
                raise Woken()
