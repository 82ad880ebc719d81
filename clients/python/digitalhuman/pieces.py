# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of utterances that are made in parallel: which are on their way, and which wait here.

A gateway takes so many connections a room, and reads only what plays or is next. So few pieces are on their
way at a time, but the two that their utterance needs next always are: otherwise they might wait for others
that wait for them.
"""
from __future__ import annotations

import concurrent.futures
import logging
import threading
import uuid
from collections import deque
from dataclasses import dataclass
from typing import Any, Callable, Deque, Dict, List, Optional, Set

from .errors import PushError, Result, SegmentEnded
from .seams import Seams
from .segment import Segment

log = logging.getLogger("digitalhuman")
URGENT = 2              # pieces of an utterance that are always on their way
REMEMBERED = 1000       # utterances


@dataclass(frozen=True)
class Piece:
    segment: Segment
    utterance: str
    index: int
    frames: Any
    waveform: Any
    last: bool
    heard: Optional[str]    # of a piece that nobody heard: "" if it has a text


@dataclass(eq=False)
class _Waiting:
    piece: Piece
    future: concurrent.futures.Future[Result]


def push_all(piece: Piece) -> Optional[Result]:
    """Pushes a whole piece and waits for its end. The sound is small, and waits for its pictures."""
    with piece.segment as segment:
        if piece.waveform is not None:
            segment.push_audio(piece.waveform)
            segment.end_audio()
        if piece.frames is not None:
            for frame in piece.frames:
                segment.push_video(frame)
    return piece.segment.result


def unheard(piece: Piece) -> Result:
    """The end of a piece that never got to the gateway."""
    return Result("interrupted", piece.segment.id, heard_text=piece.heard)


class Pieces:
    """The pieces of a Stage. One thread for each piece that is on its way. `end_utterance`: Stage.end_utterance()."""

    def __init__(self, max_parallel: int, end_utterance: Callable[[str, bool], None]) -> None:
        self._max, self._end_utterance = max_parallel, end_utterance
        self._seams = Seams()
        self._changed = threading.Condition()
        self._waiting: List[_Waiting] = []
        self._running: List[_Waiting] = []
        self._done: Dict[str, Set[int]] = {}                # indices that ended, of the latest utterances
        self._interrupted: Deque[str] = deque(maxlen=REMEMBERED)
        self._threads: Set[threading.Thread] = set()        # those that may still run
        self._current: Optional[str] = None
        self._used: Set[int] = set()                        # indices of the current utterance
        self._last: Optional[int] = None                    # its last index, once it is known

    def utterance_of(self, given: Optional[str], index: int, last: bool) -> str:
        """The piece's utterance: the one given, or the one that goes on."""
        if given is not None:
            return given
        with self._changed:
            if self._current is None or index in self._used:
                self._current, self._used, self._last = uuid.uuid4().hex, set(), None
            utterance = self._current
            self._used.add(index)
            self._last = index if last else self._last
            if self._last is not None and self._used >= set(range(self._last + 1)):
                self._current = None        # it is complete
            return utterance

    def add(self, piece: Piece) -> concurrent.futures.Future[Result]:
        waiting = _Waiting(piece, concurrent.futures.Future())
        with self._changed:
            self._waiting.append(waiting)
            left_out = self._start()
        self._leave_out(left_out)
        return waiting.future

    def wait(self) -> None:
        """Until nothing is left of any piece, not even its thread."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._running)
            threads = list(self._threads)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join()
        self._seams.close()

    def cut(self) -> None:
        """Nothing more is sent of any piece."""
        with self._changed:
            waiting, self._waiting = self._waiting, []
            running = list(self._running)
        for one in waiting:
            one.future.cancel()
        for one in running:
            one.piece.segment.cut()

    # -- with self._changed held

    def _start(self) -> List[_Waiting]:
        """Starts what may start, the lowest index first. Returns what nobody will hear, for _leave_out()."""
        left_out = []
        for waiting in sorted(self._waiting, key=lambda w: w.piece.index):
            piece = waiting.piece
            if piece.utterance in self._interrupted:
                self._waiting.remove(waiting)
                left_out.append(waiting)
            elif len(self._running) < self._max or self._is_urgent(piece):
                self._waiting.remove(waiting)
                if waiting.future.set_running_or_notify_cancel():
                    self._running.append(waiting)
                    thread = threading.Thread(target=self._run, args=(waiting,), name="digitalhuman-piece")
                    self._threads = {t for t in self._threads if t.is_alive()} | {thread}
                    thread.start()
        self._changed.notify_all()
        return left_out

    def _is_urgent(self, piece: Piece) -> bool:
        done = self._done.get(piece.utterance, set())
        missing = (n for n in range(piece.index + 1) if n not in done)
        return piece.index in [n for _, n in zip(range(URGENT), missing)]

    # -- in a thread for each piece, without a lock: futures call whoever waits for them

    @staticmethod
    def _leave_out(left_out: List[_Waiting]) -> None:
        for waiting in left_out:
            if waiting.future.set_running_or_notify_cancel():
                waiting.future.set_result(unheard(waiting.piece))

    def _run(self, waiting: _Waiting) -> None:
        piece, failure = waiting.piece, None
        result: Optional[Result] = None
        try:
            self._join(piece)
            result = push_all(piece)
        except SegmentEnded as error:       # while it was being connected
            result = error.result
        except BaseException as error:      # for whoever asks for the result
            failure = error
        piece.segment.close_seams()
        self._seams.passed(piece.utterance, piece.index)
        with self._changed:
            self._running.remove(waiting)
            cut_with_it = self._note_end(piece, result)
            if isinstance(failure, ConnectionError) and piece.utterance in self._interrupted:
                result, failure = unheard(piece), None
            left_out = self._start()
        if cut_with_it and result:
            self._end_rest(piece.utterance, cut_with_it, is_playing=result.played_ms > 0)
        self._leave_out(left_out)
        if failure is not None:
            waiting.future.set_exception(failure)
        else:
            waiting.future.set_result(result or unheard(piece))

    def _join(self, piece: Piece) -> None:
        """A piece that has ended is not waited for."""
        if not piece.segment.may_encode or piece.waveform is None:
            return
        with self._changed:
            is_first = piece.index == 0 or piece.index - 1 in self._done.get(piece.utterance, ())
        piece.segment.join((-1 if is_first else self._seams.lead(piece.utterance, piece.index),
                            -1 if piece.last else self._seams.tail(piece.utterance, piece.index)))

    def _end_rest(self, utterance: str, others: List[_Waiting], is_playing: bool) -> None:
        """One alone may have been interrupted, and the gateway would play the others. If it has not been playing, what
        plays is in front of it, and is played to its end."""
        try:
            self._end_utterance(utterance, not is_playing)
        except (PushError, OSError) as problem:
            log.warning("utterance %s, which was interrupted: %s", utterance, problem)
            for other in others:
                other.piece.segment.cut()

    def _note_end(self, piece: Piece, result: Optional[Result]) -> List[_Waiting]:
        """With self._changed held. Returns what is to be ended with it."""
        while len(self._done) >= REMEMBERED and piece.utterance not in self._done:
            del self._done[next(iter(self._done))]
        self._done.setdefault(piece.utterance, set()).add(piece.index)
        is_cut = result is not None and (result.event == "interrupted" or result.reason == "cut")
        if not is_cut or piece.utterance in self._interrupted:
            return []
        self._interrupted.append(piece.utterance)
        others = [other for other in self._running if other.piece.utterance == piece.utterance]
        for other in others:
            if not other.piece.segment.is_known:        # by the gateway, which cannot end it
                other.piece.segment.cut()
        return others
