# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipes between the encoders of an utterance's pieces: each gives the end of its sound to the next one, which
encodes it once more with its own beginning, so that the pieces sound like one (dh-prepare --lead-fd, --tail-fd).
"""
from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import List, Optional

# For a piece that has not been given yet. Shorter than a room waits for it (index_timeout_ms).
WAIT_S = 2.0
MAX_WAITING = 64


@dataclass(eq=False)
class _End:
    """Behind piece `index`: the end of a pipe that waits for its encoder."""
    utterance: str
    index: int
    is_tail: bool
    descriptor: int
    timer: Optional[threading.Timer] = None


class Seams:
    """May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: List[_End] = []

    def lead(self, utterance: str, index: int) -> int:
        """The end of a pipe from the piece before; a descriptor, which the caller owns. -1: none is free."""
        with self._lock:
            return self._take(utterance, index - 1, False)

    def tail(self, utterance: str, index: int) -> int:
        """The same, to the piece behind it."""
        with self._lock:
            return self._take(utterance, index, True)

    def passed(self, utterance: str, index: int) -> None:
        """That piece has ended; what it has not given to the next one will not come."""
        with self._lock:
            for end in list(self._waiting):
                if (end.utterance, end.index, end.is_tail) == (utterance, index, True):
                    self._drop(end)

    def close(self) -> None:
        with self._lock:
            while self._waiting:
                self._drop(self._waiting[0])

    def _take(self, utterance: str, index: int, is_tail: bool) -> int:
        for end in self._waiting:
            if (end.utterance, end.index, end.is_tail) == (utterance, index, is_tail):
                self._remove(end)
                return end.descriptor
        try:
            read, write = os.pipe()
        except OSError:
            return -1
        other = _End(utterance, index, not is_tail, read if is_tail else write)
        if other.is_tail:
            other.timer = threading.Timer(WAIT_S, self.passed, (utterance, index))
            other.timer.daemon = True
            other.timer.name = "digitalhuman-seam"
            other.timer.start()
        self._waiting.append(other)
        if len(self._waiting) > MAX_WAITING:
            self._drop(self._waiting[0])
        return write if is_tail else read

    def _remove(self, end: _End) -> None:
        self._waiting.remove(end)
        if end.timer:
            end.timer.cancel()

    def _drop(self, end: _End) -> None:
        self._remove(end)
        os.close(end.descriptor)
