# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway says of a segment while it is pushed, and how it ended."""
from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections import deque
from typing import Any, Callable, Deque, Dict, Iterator, Optional, Tuple

from .errors import ENDS, PushError, Result, SegmentEnded, error_of

Event = Dict[str, Any]
PROGRESS_MS = 200       # the gateway's default
MAX_PACING = 500        # lines of progress and want that are kept


class Reports:
    """Of one segment. All methods may be called from any thread. `pushed_ms` tells how much media was pushed so
    far; `step_ms` is the distance of progress, 0 for none."""

    def __init__(self, segment: Optional[str], step_ms: int, pushed_ms: Callable[[], int]) -> None:
        self._step_ms, self._pushed_ms = step_ms, pushed_ms
        self._changed = threading.Condition()       # guards all below
        self._events: Dict[int, Event] = {}         # those that are kept, by their numbers, in order
        self._pacing: Deque[int] = deque()          # which of them are progress and want
        self._count = 0                             # how many have come
        self._wanted = self._pushed_then = 0
        self._ahead = 0                             # the first `want`: how far the gateway reads ahead
        self._error: Optional[Exception] = None
        self.segment, self.progress_ms = segment, 0
        self.result: Optional[Result] = None
        self.is_over = self.is_known = False

    @property
    def wanted_ms(self) -> int:
        with self._changed:
            pushed = self._pushed_ms()
            wanted = self._wanted - (pushed - self._pushed_then)
            if 0 < 4 * self._step_ms <= self._ahead:        # else it is too old
                wanted = min(wanted, self._ahead - (pushed - self.progress_ms))
            return max(0, wanted)

    def is_wanted(self, ms: int) -> bool:
        """See Reported.wait_wanted()."""
        with self._changed:
            return self.wanted_ms >= (min(ms, self._ahead // 2) if self._ahead else ms)

    @property
    def error(self) -> Optional[Exception]:
        """Why no more can be pushed; None while it lasts."""
        with self._changed:
            error = self._error if self.is_over else None
        # A fresh one each time: it collects the caller's trace.
        return error_of(error.result) if isinstance(error, SegmentEnded) else error

    def check(self) -> None:
        """Raises it."""
        error = self.error
        if error is not None:
            raise error

    # -- waiting; until it is over at the latest

    def wait_over(self, timeout: Optional[float]) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.is_over, timeout)

    def wait_known(self, timeout: float) -> bool:
        """Until the room has the segment, by its id."""
        with self._changed:
            return self._changed.wait_for(lambda: self.is_over or self.is_known, timeout)

    def wait_wanted(self, ms: int, timeout: Optional[float]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.is_over or self.is_wanted(ms), timeout)

    def event(self, number: int) -> Optional[Tuple[int, Event]]:
        """See Reported.event()."""
        with self._changed:
            while number < self._count:
                if number in self._events:
                    return number, self._events[number]
                number += 1
            return None

    def events(self) -> Iterator[Event]:
        """All of them, waiting for those that are still to come."""
        at = -1
        while True:
            with self._changed:
                self._changed.wait_for(lambda: at + 1 < self._count or self.is_over)
                found = self.event(at + 1)
            if found is None:
                return
            at, event = found
            yield event

    # -- from the one who reads

    def take(self, line: bytes) -> Event:
        """A line that came. ValueError: it is none of a gateway's."""
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise ValueError(f"expected lines of JSON, got {line[:80]!r}")
        kind = event.get("event")
        with self._changed:
            self._keep(event)
            if kind == "want":
                self._wanted, self._pushed_then = int(event["ms"]), self._pushed_ms()
                self._ahead = max(self._ahead, self._wanted)
            elif kind == "progress":
                self.progress_ms = int(event["played_ms"])
            elif self.segment is None:
                self.segment = event.get("segment")
            self.is_known = self.is_known or kind == "queued"       # last: others look without the lock
            self._changed.notify_all()
        return event

    def _keep(self, event: Event) -> None:
        self._events[self._count] = event
        if event.get("event") in ("progress", "want"):
            self._pacing.append(self._count)
            if len(self._pacing) > MAX_PACING:
                del self._events[self._pacing.popleft()]
        self._count += 1

    def end_of(self, event: Event) -> Optional[Tuple[Optional[Result], Exception]]:
        """How this event ends the segment, for finish(); None: it does not."""
        kind = event.get("event")
        if kind in ENDS and event.get("segment") == self.segment:
            result = Result.from_event(event)
            self.progress_ms = result.played_ms
            return result, error_of(result)
        if kind is None and "error_code" in event:
            return None, PushError(int(event["error_code"]), str(event.get("error")))
        return None

    def finish(self, result: Optional[Result], error: Exception) -> None:
        """The first reason counts, and whoever waits is woken."""
        with self._changed:
            if not self.is_over:
                self.is_over, self.result, self._error = True, result, error
            self._changed.notify_all()


class Reported(ABC):
    """What is known of a segment, for whoever pushes it."""

    _reports: Reports

    @abstractmethod
    def open(self) -> Reported:
        """Connects, unless it is connected: until then the gateway says nothing."""

    @property
    def id(self) -> Optional[str]:
        """The segment's id: given, or made by the room and known from its first event on."""
        return self._reports.segment

    @property
    def result(self) -> Optional[Result]:
        """How it ended; None while it lasts, and where the gateway did not say it (refused, cut)."""
        return self._reports.result

    @property
    def is_over(self) -> bool:
        """Whether it has ended, was refused or cut, or its connection is gone."""
        return self._reports.is_over

    @property
    def progress_ms(self) -> int:
        """Milliseconds of it that were really sent to viewers, as last told."""
        return self._reports.progress_ms

    @property
    def wanted_ms(self) -> int:
        """How many more milliseconds of media are worth making now: what the gateway last said, less what
        was pushed since, or was on its way then. 0 before it has said anything."""
        return self._reports.wanted_ms

    def wait_wanted(self, ms: int = 1, timeout: Optional[float] = None) -> int:
        """Waits until at least `ms` milliseconds are wanted, or half of what the gateway reads ahead if that is less;
        returns wanted_ms. Connects first, as push() does, and raises as that does once the segment is over. After
        `timeout` seconds, besides those for connecting, it returns in any case."""
        self.open()
        self._reports.wait_wanted(ms, timeout)
        self._reports.check()
        return self.wanted_ms

    def is_wanted(self, ms: int) -> bool:
        """Whether wait_wanted() would return at once."""
        return self._reports.is_wanted(ms)

    def event(self, number: int) -> Optional[Tuple[int, Event]]:
        """Event `number`, from 0, or the next one that is kept, and its number; None if it has not come."""
        return self._reports.event(number)

    @property
    def events(self) -> Iterator[Event]:
        """Each event of the segment from its first on, as dicts (docs/push.md), ending after the last; waits
        for what is still to come. Of progress and want only the newest 500 are kept for those who come late."""
        return self._reports.events()
