# SPDX-License-Identifier: GPL-3.0-or-later
"""What a generator says to a room before its media, and what it asks: how the avatar is encoded, its anchor."""
from __future__ import annotations

import json
import tempfile
import threading
from typing import Any, Callable, Dict, List, Optional, Protocol, Tuple, Union

from .encoder import Look
from .errors import PushError
from .wire import Address, Connection

MAX_FIRST_LINE = 65536
MAX_ANCHOR_BYTES = 64 << 20


def send_first_line(connection: Connection, fields: Dict[str, Any]) -> None:
    """Begins a segment."""
    line = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    if len(line) > MAX_FIRST_LINE:
        raise ValueError(f"text, words and metadata: {len(line)} bytes of JSON, expected at most {MAX_FIRST_LINE}")
    try:
        connection.write([line])
    except OSError:
        pass                    # who reads finds out why


def ask(connection: Connection, fields: Dict[str, Any], timeout: float) -> Dict[str, Any]:
    """One request on a connection that carries no segment yet, and its answer. PushError where it is refused."""
    address = connection.address.text
    try:
        connection.write([json.dumps(fields, separators=(",", ":")).encode() + b"\n"])
    except OSError:
        pass                    # the answer says why
    line = connection.read_line(timeout)
    if line is None:
        raise ConnectionError(f"{address}: the connection ended without an answer")
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ConnectionError(f"{address}: expected a line of JSON, got {line[:80]!r}")
    if "error_code" in answer:
        raise PushError(int(answer["error_code"]), str(answer.get("error")))
    return answer


def ask_info(connection: Connection, room: Any, token: Dict[str, Any], timeout: float) -> Dict[str, Any]:
    info = ask(connection, {"request": "info", "room": room, **token}, timeout).get("info")
    if not isinstance(info, dict):
        raise ConnectionError(f"{connection.address.text}: the answer to info has no \"info\"")
    return info


def ask_interrupt(connection: Connection, room: Any, token: Dict[str, Any], wanted: Dict[str, Any],
                  timeout: float) -> int:
    """`wanted` may have `segment`, `utterance` and `mode`."""
    answer = ask(connection, {"request": "interrupt", "room": room, **token, **wanted}, timeout).get("interrupt")
    dropped = answer.get("dropped") if isinstance(answer, dict) else None
    if not isinstance(dropped, int):
        raise ConnectionError(f"{connection.address.text}: the answer to interrupt has no \"dropped\": {answer!r}")
    return dropped


def ask_mark(connection: Connection, room: Any, token: Dict[str, Any], marker: Dict[str, Any],
             timeout: float) -> Optional[int]:
    """`marker` has `data`, and may have `segment` and `at_ms`. When it comes, in the room's milliseconds, if known."""
    answer = ask(connection, {"request": "mark", "room": room, **token, **marker}, timeout).get("mark")
    media_ms = answer.get("media_ms") if isinstance(answer, dict) else ""
    if not (media_ms is None or isinstance(media_ms, int)):
        raise ConnectionError(f"{connection.address.text}: the answer to mark has no \"media_ms\": {answer!r}")
    return media_ms


def ask_anchor(connection: Connection, room: Any, token: Dict[str, Any], timeout: float) -> bytes:
    anchor = ask(connection, {"request": "anchor", "room": room, **token}, timeout).get("anchor")
    size = anchor.get("bytes") if isinstance(anchor, dict) else None
    if not isinstance(size, int) or not 0 < size <= MAX_ANCHOR_BYTES:
        raise ConnectionError(f"{connection.address.text}: the answer to anchor states no size of 1 to "
                              f"{MAX_ANCHOR_BYTES} bytes: {anchor!r}")
    return connection.read_bytes(size, timeout)


class Avatar:
    """A room's info and its anchor in a file without a name, which goes with the last who holds this. From any
    thread."""

    def __init__(self, info: Dict[str, Any], anchor: bytes) -> None:
        self.info = info
        self._lock, self._holders = threading.Lock(), 1
        self._file = tempfile.TemporaryFile()
        try:
            self._file.write(anchor)
            self._file.flush()
        except BaseException:
            self._file.close()
            raise

    @property
    def descriptor(self) -> int:
        return self._file.fileno()

    @property
    def path(self) -> str:
        """For who inherits the descriptor."""
        return f"/dev/fd/{self.descriptor}"

    def hold(self) -> Avatar:
        """By one who holds it already, for another."""
        with self._lock:
            self._holders += 1
        return self

    def drop(self) -> None:
        """Once by each who held it."""
        with self._lock:
            self._holders -= 1
            if not self._holders:
                self._file.close()


class Host(Protocol):
    """What a segment needs of its Stage, which says more of each."""

    address: Address
    room: Union[int, str]

    @property
    def connect_s(self) -> float:
        """How long connecting may take, and each answer."""

    def begin(self, encode: Union[bool, str], look: Optional[Look],
              check: Callable[[], None]) -> Tuple[Connection, Dict[str, Any], Optional[Avatar]]: ...

    def encode_command(self, avatar: Avatar) -> List[str]: ...

    def interrupt(self, *, segment: Optional[str] = None) -> int: ...

    def mark(self, data: Any, *, segment: Optional[str] = None, at_ms: Optional[int] = None) -> Optional[int]: ...
