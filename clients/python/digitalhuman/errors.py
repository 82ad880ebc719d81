# SPDX-License-Identifier: GPL-3.0-or-later
"""How a segment ends, and what is raised when it ends before its time."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

ENDS = ("finished", "interrupted", "skipped", "removed", "failed")


@dataclass(frozen=True)
class Result:
    """The end of a segment, as the gateway tells it once, after the last packet was sent.

    event       "finished", "interrupted", "skipped", "removed" or "failed"
    segment     the segment's id
    played_ms   milliseconds of it that were really sent to viewers
    heard_text  what of its text had been said by then; None without a text
    incomplete  whether the media ended in the middle of their container
    notes       what was wrong with the media, for people
    error_code, error   why it failed, or None
    reason      why it was interrupted or removed where nobody asked for that, as in docs/api.md, or None
    """
    event: str
    segment: Optional[str] = None
    played_ms: int = 0
    heard_text: Optional[str] = None
    incomplete: bool = False
    notes: Tuple[str, ...] = ()
    error_code: Optional[int] = None
    error: Optional[str] = None
    reason: Optional[str] = None

    @classmethod
    def from_event(cls, event: Dict[str, Any]) -> Result:
        return cls(event["event"], event.get("segment"), int(event.get("played_ms") or 0), event.get("heard_text"),
                   bool(event.get("incomplete")), tuple(note["text"] for note in event.get("notes") or ()), event.get("error_code"),
                   event.get("error"), event.get("reason"))

    def __str__(self) -> str:
        heard = "" if self.heard_text is None else f", heard_text={self.heard_text!r}"
        error = "" if self.error is None else f", error={self.error!r}"
        reason = "" if self.reason is None else f" ({self.reason})"
        return f"{self.event}{reason}, played_ms={self.played_ms}{heard}{error}"


class SegmentEnded(Exception):
    """The segment ended while it was being pushed: nobody wants more of it. `result` is a Result."""

    def __init__(self, result: Result) -> None:
        reason = "" if result.reason is None else f" ({result.reason})"
        why = "".join(f": {note}" for note in result.notes)
        super().__init__(f"{result.event}{reason} after {result.played_ms} ms{why}")
        self.result = result

    @property
    def played_ms(self) -> int:
        return self.result.played_ms

    @property
    def heard_text(self) -> Optional[str]:
        return self.result.heard_text


class Interrupted(SegmentEnded):
    """The room was interrupted; `played_ms` and `heard_text` say how far the segment had got."""


class PushError(Exception):
    """The gateway refused the segment, or it failed. `code` as in docs/api.md, `text` for people;
    `result` is the Result of a segment that failed, None for one that was refused."""

    def __init__(self, code: int, text: str, result: Optional[Result] = None) -> None:
        super().__init__(f"{text} ({code})")
        self.code, self.text, self.result = code, text, result


class EncodeError(Exception):
    """dh-prepare could not encode. `text` is what it said, `exit_code` its exit code (see dh-prepare --help)."""

    def __init__(self, text: str, exit_code: Optional[int] = None) -> None:
        super().__init__(text)
        self.text, self.exit_code = text, exit_code


def error_of(result: Result) -> Exception:
    """What pushing raises after this end."""
    if result.event == "interrupted":
        return Interrupted(result)
    if result.event == "failed":
        return PushError(result.error_code or 465, result.error or "the segment failed", result)
    return SegmentEnded(result)


def fresh(error: Exception) -> Exception:
    """The same to be raised elsewhere, as each collects its own trace: a PushError or an OSError."""
    return PushError(error.code, error.text, error.result) if isinstance(error, PushError) else type(error)(*error.args)
