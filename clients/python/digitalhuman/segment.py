# SPDX-License-Identifier: GPL-3.0-or-later
"""A segment while it is being pushed: one connection, one thread that reads what comes back."""
from __future__ import annotations

import logging
import os
import threading
from types import TracebackType
from typing import Any, Callable, Dict, List, Optional, Tuple, Type, Union

from .encoder import Encoder, Look
from .errors import PushError, Result, SegmentEnded
from .muxer import Muxer
from .reports import PROGRESS_MS, Event, Reported, Reports
from .room import Avatar, Host, send_first_line
from .wire import Buffer, Connection, Woken

log = logging.getLogger("digitalhuman")
# How long after a broken connection its reader may take to find the reason in what was still received.
REASON_S = 5.0
NO_SUCH_SEGMENT = 463
OnEvent = Callable[[Event], None]


class Segment(Reported):
    """Made by Stage.segment(); a context manager. All methods may be called from any thread.

    with stage.segment(fps=25, sample_rate=24000) as s:
        s.push(frame, samples)

    Entering connects. Leaving normally ends the media and waits until the segment has ended; leaving with
    an exception cuts the connection, and the segment there. SegmentEnded and Interrupted, which push()
    raises once nobody wants more of this segment, end the block and go no further: `result` says how it
    ended. Catch them inside to do something about it.
    """

    def __init__(self, stage: Host, fields: Dict[str, Any], muxer: Muxer, encode: Union[bool, str],
                 on_event: Optional[OnEvent]) -> None:
        self._stage, self._fields, self._muxer = stage, fields, muxer
        self._encode, self._on_event = encode, on_event
        self._pushing = threading.Lock()            # held while media are muxed and written
        self._opening = threading.Lock()            # held while it is connected
        self.is_opening = self._is_left = False     # see _release()
        self._connection: Optional[Connection] = None
        self._encoder: Optional[Encoder] = None
        self._avatar: Optional[Avatar] = None       # held for the encoder
        self._reader: Optional[threading.Thread] = None
        self._reports = Reports(fields.get("segment"), fields.get("progress_ms", PROGRESS_MS),
                                lambda: muxer.media_ms)
        self._is_ended = self._is_closed = False
        self._seams: Tuple[int, ...] = ()           # until it is opened
        self.on_change: Callable[[], None] = lambda: None   # for AsyncSegment: called in any thread

    # -- pushing

    def open(self) -> Segment:
        """Connects; the first push does it as well. ConnectionError names the address."""
        if self._connection is None and not self.is_over:
            with self._opening:
                self._open()
        return self

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    def push(self, frame: Any = None, samples: Any = None) -> None:
        """Takes the next picture and the next samples; either may be None.

        frame    uint8 of shape (height, width, 3), or 4 for bgra and rgba, or (height * 3/2, width) for
                 yuv420p, or bytes where the size was given. All of one size.
        samples  float32 of -1 to 1 or int16 of shape (n,), or (n, channels), of any length, or bytes where
                 sample_format was given.

        Blocks while the gateway does not read on. Raises, at once and also while it blocks: Interrupted,
        SegmentEnded; PushError when it was refused or failed; ConnectionError; EncodeError. Raises
        TypeError or ValueError for what does not fit, and has then taken nothing.
        """
        self._push(lambda: self._muxer.push(frame, samples))

    def push_video(self, frame: Any) -> None:
        """The next picture alone; see push()."""
        if frame is None:
            raise TypeError("frame: expected a picture, got None")
        self.push(frame, None)

    def push_audio(self, samples: Any) -> None:
        """The next samples alone; see push()."""
        if samples is None:
            raise TypeError("samples: expected samples, got None")
        self.push(None, samples)

    def push_words(self, words: Any) -> None:
        """When words sound, as [word, from_ms, to_ms] from the segment's start, in order: heard_text is exact then.
        A word has 1 to 200 bytes of UTF-8, a segment at most 2000. Push them before their sound, or with it. Raises
        as push() does."""
        if "words" in self._fields:
            raise ValueError("words: the segment was given them already")
        self._push(lambda: self._muxer.push_words(words))

    def mark(self, data: Any, at_ms: Optional[int] = None) -> Optional[int]:
        """A marker of this segment (docs/captions.md): `data`, anything JSON can say, reaches viewers with what was
        pushed last, or `at_ms` milliseconds from the segment's start; now, if that has passed. Returns and raises as
        Stage.mark(), and as push()."""
        if at_ms is None:
            at_ms = self._muxer.media_ms
        self.open()
        if not self._reports.wait_known(REASON_S):
            raise ConnectionError(f"{self._stage.address.text}: the segment was not accepted within {REASON_S:g} s")
        self._reports.check()
        try:
            return self._stage.mark(data, segment=self.id, at_ms=at_ms)
        except PushError as error:
            if error.code == NO_SUCH_SEGMENT and self._reports.wait_over(REASON_S):
                self._reports.check()       # it ended meanwhile, which comes on another connection
            raise

    def end_video(self) -> None:
        """No more pictures will come: sound no longer waits for them, and the last picture stays."""
        self._push_end(self._muxer.end_pictures)

    def end_audio(self) -> None:
        """No more sound will come: pictures no longer wait for it."""
        self._push_end(self._muxer.end_sound)

    def close(self, timeout: Optional[float] = None) -> Optional[Result]:
        """Ends the media, waits for the last line, and returns `result`. Raises PushError when it was refused
        or failed, ConnectionError, EncodeError; TimeoutError after `timeout` seconds, whatever it waits for, and
        then cuts it."""
        aside = None if timeout is None else threading.Thread(target=self._end_aside, name="digitalhuman-close",
                                                              daemon=True)
        try:
            if aside:
                aside.start()
            else:
                self._end()
            if not self._reports.wait_over(timeout):
                raise TimeoutError(f"the segment has not ended within {timeout} s")
        except SegmentEnded:
            pass
        except BaseException:
            self.abort()
            raise
        finally:
            if aside and aside.ident and not self.is_opening:
                aside.join()        # it ends with the segment
        self._release()
        if self.result is None or self.result.event == "failed":
            self._reports.check()
        return self.result

    def abort(self) -> None:
        """Cuts the connection: what has arrived plays, nothing more, and the segment counts as incomplete. Does
        nothing once the segment is over. Never waits for the gateway."""
        self.cut()
        self._release()

    def cut(self) -> None:
        """As abort(), but without waiting for anything: call abort() or close() as well."""
        if self._pushing.acquire(blocking=False):       # else a write is cut in the middle, which shows as well
            try:
                if self._connection and not (self._encoder or self.is_over or self._is_ended):
                    self._connection.try_write(self._muxer.break_off())
            finally:
                self._pushing.release()
        address = self._stage.address.text
        self._finish(None, ConnectionError(f"{address}: the segment was cut by its own side"))

    def interrupt(self) -> Optional[Result]:
        """Ends it at once, whether it plays or waits, with all that the room has read ahead of it; whatever else the
        room has goes on. Returns and raises as close() does, and where the gateway does not do it within
        `connect_timeout` ConnectionError: then it is cut."""
        try:
            self.open()
            if not self._reports.wait_known(self.limit_s):
                raise self.late("accepted")
            if not self.is_over:
                self.ask_to_end()
            if not self._reports.wait_over(self.limit_s):
                raise self.late("interrupted")
        except BaseException:
            self.abort()
            raise
        return self.close()

    def ask_to_end(self) -> None:
        """See interrupt(), which waits before until the room knows it, and behind until it is over."""
        assert self.id is not None      # which would be everything in the room
        try:
            self._stage.interrupt(segment=self.id)
        except PushError as error:
            if error.code != NO_SUCH_SEGMENT:       # else it has just ended
                raise

    @property
    def is_known(self) -> bool:
        """To the room, by its id."""
        return self._reports.is_known

    @property
    def limit_s(self) -> float:
        return self._stage.connect_s

    def late(self, done: str) -> ConnectionError:
        return ConnectionError(f"{self._stage.address.text}: the segment was not {done} within {self.limit_s:g} s")

    def __enter__(self) -> Segment:
        return self.open()

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> bool:
        if kind is None:
            self.close()
            return False
        is_own_end = isinstance(error, SegmentEnded) and error.result is self.result
        self.abort()
        return is_own_end

    # -- for pieces

    @property
    def may_encode(self) -> bool:
        return bool(self._encode)

    def belong(self, utterance: str) -> None:
        """Before it is entered."""
        self._fields["utterance"] = utterance

    def join(self, seams: Tuple[int, ...]) -> None:
        """Before it is entered: (lead, tail) of Seams. The segment takes them."""
        self._seams = seams

    def close_seams(self) -> None:
        seams, self._seams = self._seams, ()
        for descriptor in seams:
            if descriptor >= 0:
                os.close(descriptor)

    # -- within: connecting, with self._opening held

    def _open(self) -> None:
        self.is_opening = True      # first: either this sees that it is over, or _release() sees this
        try:
            if self._connection is None and not self.is_over:
                self._connect()
        finally:
            self.is_opening = False
            if self._is_left:
                self._release()

    def _connect(self) -> None:
        try:
            look = Look(self._muxer.pixel_format, self._muxer.size) if self._muxer.fps else None
            connection, token, avatar = self._stage.begin(self._encode, look, self._reports.check)
            try:
                self._reports.check()           # cut meanwhile: the gateway need not know of it
                send_first_line(connection, {"room": self._stage.room, **token, **self._fields})
                if avatar:
                    self._encoder = Encoder(self._stage.encode_command(avatar), connection, self._encoding_failed,
                                            avatar.descriptor, self._seams)
            except BaseException:
                connection.close()
                if avatar:
                    avatar.drop()
                raise
        finally:
            self.close_seams()
        self._avatar, self._connection = avatar, connection
        self._reader = threading.Thread(target=self._read, name="digitalhuman-reader", daemon=True)
        self._reader.start()
        if self.is_over:        # cut meanwhile
            connection.cut()

    # -- within: writing

    def _push(self, mux: Callable[[], List[Buffer]]) -> None:
        self.open()
        with self._pushing:
            if self._is_ended:
                raise ValueError("the segment's media have ended")
            self._reports.check()
            self._write(mux())
            self._reports.check()

    def _write(self, buffers: List[Buffer]) -> None:
        """With self._pushing held. A write that was left in the middle leaves nothing to go on with."""
        assert self._connection
        try:
            (self._encoder or self._connection).write(buffers)
        except (Woken, OSError) as problem:
            self._fail(problem)
        except BaseException:
            self.cut()
            raise

    def _push_end(self, end: Callable[[], List[Buffer]]) -> None:
        self.open()
        with self._pushing:
            if self._is_ended:
                return
            self._reports.check()
            self._write(end())

    def _end(self) -> None:
        self.open()
        with self._pushing:
            if self._is_ended or self.is_over:
                return
            assert self._connection
            self._is_ended = True
            self._write(self._muxer.end())
            try:
                (self._encoder or self._connection).finish()
            except (Woken, OSError) as problem:
                self._fail(problem)

    def _end_aside(self) -> None:
        """For close(), in a thread of its own, which may wait longer than that."""
        try:
            self._end()
        except Exception as error:
            self._finish(None, error)

    def _fail(self, problem: Exception) -> None:
        """After a write failed: the reason is what the gateway, or dh-prepare, said, if anything."""
        self._reports.wait_over(REASON_S)
        self._finish(None, ConnectionError(f"{self._stage.address.text}: the connection broke: {problem}"))
        self._reports.check()

    def _encoding_failed(self, error: Exception) -> None:
        self._finish(None, error)

    # -- within: reading, in a thread of its own

    def _read(self) -> None:
        assert self._connection
        address = self._stage.address.text
        lost: Exception = ConnectionError(f"{address}: the connection ended before the segment did")
        try:
            while not self.is_over:
                line = self._connection.read_line()
                if line is None:
                    break
                self._take(line)
        except OSError as error:
            lost = ConnectionError(f"{address}: the connection broke: {error.strerror or error}")
        except Exception as error:      # whatever else came: not a gateway
            lost = ConnectionError(f"{address}: {error}")
        self._finish(None, lost)

    def _take(self, line: bytes) -> None:
        event = self._reports.take(line)
        self.on_change()
        end = self._reports.end_of(event)
        if end:
            self._finish(*end)
        if self._on_event:
            try:
                self._on_event(event)
            except BaseException:       # sys.exit() too: nobody else would read on
                log.exception("on_event failed")

    # -- within: ending

    def _finish(self, result: Optional[Result], error: Exception) -> None:
        """From any thread; see Reports.finish()."""
        self._reports.finish(result, error)
        connection, encoder = self._connection, self._encoder
        if encoder:
            encoder.kill()
        if connection and not self._is_closed:
            connection.cut()
        self.on_change()

    def _release(self) -> None:
        """Once it is over: leaves no thread, process or descriptor behind. Connecting is not waited for."""
        if threading.current_thread() is self._reader:
            return              # from on_event: the one who leaves the block does it
        self._is_left = True
        if self.is_opening:
            return              # whoever opens it does it then
        with self._pushing:
            if self._is_closed:
                return
            self._is_closed = True
            if self._connection:
                self._connection.cut()
            if self._encoder:
                self._encoder.close()
            if self._avatar:
                self._avatar.drop()
            if self._reader:
                self._reader.join()
            if self._connection:
                self._connection.close()
