# SPDX-License-Identifier: GPL-3.0-or-later
"""A room of a gateway, as generators see it."""
from __future__ import annotations

import concurrent.futures
import ssl
import threading
from types import TracebackType
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Type, Union

from . import encoder, media, room as rooms
from .container import make_muxer
from .errors import EncodeError, PushError, Result, fresh
from .pieces import Piece, Pieces
from .segment import NO_SUCH_SEGMENT, OnEvent, Segment
from .token import push_token
from .wire import Address, Connection

NOT_POSSIBLE_NOW = 460      # the avatar is not ready
CONNECT_S = 10.0
MAX_MARKER_MS = 86400000
MAX_INDEX = (1 << 31) - 1
MAX_PROGRESS_MS = 10000


class _Default:
    """The Stage's own value."""

    def __repr__(self) -> str:
        return "the Stage's"


DEFAULT: Any = _Default()


class Stage:
    """A room to push segments to.

    address          "gateway:8189", "tls://gateway:8190" or "unix:/run/janus/push.sock"; ports default to
                     8189 and 8190
    room             the room's id, an integer or a string
    secret           the room's secret, if it has one; it is never sent
    fps, sample_rate, channels, pixel_format
                     defaults for segments, see segment()
    encode           "auto" (default): encode with dh-prepare where it is installed beside this program, else
                     send raw pictures (20 MB a second at 512x512); also those through or beside which the avatar's
                     picture shows, as only the gateway has it; True: always; False: never
    dh_prepare       its path; default: searched for in PATH
    cafile           certificates to verify a tls:// gateway with; default: the system's
    ssl_context      a context of your own instead
    connect_timeout  seconds to connect, and for the gateway's answers (10)
    max_parallel     how many pieces of push_av_segment() are sent at a time (4), beside the two due next

    Nothing is connected before a segment is opened. May be used from any thread. close(), or leaving it as
    a context manager, waits for pieces of push_av_segment() and forgets the avatar.
    """

    def __init__(self, address: str, room: Union[int, str] = 1, secret: Optional[str] = None, *,
                 fps: Any = None, sample_rate: Optional[int] = None, channels: int = 1, pixel_format: str = "bgr24",
                 encode: Union[bool, str] = "auto", dh_prepare: Optional[str] = None, cafile: Optional[str] = None,
                 ssl_context: Optional[ssl.SSLContext] = None, connect_timeout: float = CONNECT_S,
                 max_parallel: int = 4) -> None:
        self.address = Address.parse(address)
        if isinstance(room, bool) or not isinstance(room, (int, str)):
            raise TypeError(f"room: expected an integer or a string, got {media.describe(room)}")
        if not (secret is None or isinstance(secret, str)):
            raise TypeError(f"secret: expected a string, got {media.describe(secret)}")
        if not connect_timeout > 0:
            raise ValueError(f"connect_timeout: expected more than 0 seconds, got {connect_timeout!r}")
        self.room, self._secret, self._connect_s = room, secret, connect_timeout
        self._fps, self._sample_rate, self._channels, self._pixels = fps, sample_rate, channels, pixel_format
        self._dh_prepare, self._encode = dh_prepare, encode
        encoder.check_encode(False if encode == "auto" else encode, dh_prepare)
        if encode not in (True, False, "auto"):
            raise ValueError(f"encode: expected True, False or \"auto\", got {encode!r}")
        self._context = ssl_context
        if self.address.kind == "tls" and ssl_context is None:
            self._context = ssl.create_default_context(cafile=cafile)
        self._asking = threading.Lock()     # held while the gateway is asked for the avatar
        self._lock = threading.Lock()       # guards those below
        self._avatar: Optional[rooms.Avatar] = None
        self._forgotten = 0                 # how many times
        self._failures = 0                  # questions that failed
        self._failure: Exception = PushError(0, "")     # the last one's
        self._pieces = Pieces(media.check_int(max_parallel, "max_parallel", 1, 1000), self.end_utterance)

    # -- segments

    def segment(self, *, fps: Any = DEFAULT, sample_rate: Any = DEFAULT, channels: Any = DEFAULT,
                size: Optional[Sequence[int]] = None, pixel_format: Any = DEFAULT,
                sample_format: Optional[str] = None, text: Optional[str] = None,
                words: Optional[Sequence[Sequence[Any]]] = None, captions: Optional[Sequence[Sequence[Any]]] = None,
                markers: Optional[Sequence[Sequence[Any]]] = None, metadata: Optional[Dict[str, Any]] = None,
                segment: Optional[str] = None, utterance: Optional[str] = None, index: Optional[int] = None,
                last: Optional[bool] = None, progress_ms: Optional[int] = None,
                options: Optional[Dict[str, Any]] = None, encode: Any = DEFAULT,
                on_event: Optional[OnEvent] = None) -> Segment:
        """A segment to push; connects when it is entered.

        fps            pictures a second: 25, 29.97, 1000/33, Fraction(30000, 1001); None: no pictures
        sample_rate    samples a second, 4000 to 384000; None: no sound
        channels       1 to 16 (1)
        size           (width, height) in pixels; default: the first frame's
        pixel_format   "bgr24" (default), "rgb24", "bgra", "rgba" or "yuv420p"
        sample_format  "f32" or "s16"; default: as the first samples are
        text           what is said, for heard_text
        words          [word, from_ms, to_ms] in order: when each word sounds, which makes heard_text exact;
                       where they are not known yet, Segment.push_words()
        captions       [text, from_ms, to_ms] in order: what is shown when; default: from the words
        markers        [at_ms, data] in order, data being anything JSON can say: slides, gestures, links, which
                       reach each viewer with the sound of that moment; Segment.mark() adds some later
        metadata       a dict that is passed on with every event
        segment        an id, 1 to 64 bytes; default: the room makes one
        utterance, index, last   pieces of one utterance play in the order of their index, from 0;
                       `last` marks the one that ends it
        progress_ms    distance of progress events, 20 to 10000, 0 for none (200)
        options        further fields of the first line, as docs/push.md has them
        encode         as for Stage
        on_event       called with each event (a dict, see docs/push.md), in the reading thread: it must not
                       push to this segment, close or interrupt it
        """
        fps, sample_rate, channels, pixel_format = (mine if given is DEFAULT else given for given, mine in (
            (fps, self._fps), (sample_rate, self._sample_rate), (channels, self._channels),
            (pixel_format, self._pixels)))
        muxer = make_muxer(fps, sample_rate, channels, pixel_format, size, sample_format,
                           has_words=words is None)
        fields = {"segment": segment, "utterance": utterance,
                  "index": None if index is None else media.check_int(index, "index", 0, MAX_INDEX),
                  "last": None if last is None else bool(last), "metadata": metadata, "text": text,
                  "words": media.check_rows(words, "words"), "captions": media.check_rows(captions, "captions"),
                  "markers": media.check_rows(markers, "markers"), "progress_ms": None if progress_ms is None
                  else media.check_int(progress_ms, "progress_ms", 0, MAX_PROGRESS_MS, " ms")}
        for name in options or {}:
            if name in fields or name in ("room", "token"):
                raise ValueError(f"options: {name} is no further field, but an argument")
        fields.update(options or {})
        how = encoder.check_encode(self._encode if encode is DEFAULT else encode, self._dh_prepare)
        return Segment(self, {name: media.check_json(value, name) for name, value in fields.items()
                              if value is not None}, muxer, how or False, on_event)

    def push_av_segment(self, index: int, frames: Any, waveform: Any, *, utterance: Optional[str] = None,
                        last: bool = False, **segment: Any) -> concurrent.futures.Future[Result]:
        """Pushes one piece of an utterance that is made in pieces: whole arrays, in any order, from any thread.
        Returns at once.

        index      the piece's place in its utterance, from 0
        frames     uint8 of shape (n, height, width, 3), or a sequence of pictures; None: sound only
        waveform   float32 or int16 of shape (samples,) or (samples, channels); None: pictures only
        utterance  an id; default: the one that goes on, which ends with `last`. An index that it already has
                   begins another one
        last       whether the utterance ends with this piece; without one the room waits a while for more
        segment    further arguments of segment(), such as fps and sample_rate, where the Stage has none

        The arrays must not change until the piece has ended. The Future's result is the piece's Result; its
        exceptions are those of Segment.close(). Once a piece was interrupted, so are all others of its
        utterance: those that the room has, those on their way, and those that come later. Where it was one that
        had not begun to play, what plays in front of it is played to its end.
        """
        if frames is None:
            segment["fps"] = None
        if waveform is None:
            segment["sample_rate"] = None
        index = media.check_int(index, "index", 0, MAX_INDEX)
        if not (utterance is None or isinstance(utterance, str)):
            raise TypeError(f"utterance: expected a string, got {media.describe(utterance)}")
        made = self.segment(index=index, last=True if last else None, **segment)    # raises before the index is taken
        utterance = self._pieces.utterance_of(utterance, index, last)
        made.belong(utterance)
        heard = None if segment.get("text") is None else ""
        return self._pieces.add(Piece(made, utterance, index, frames, waveform, last, heard))

    # -- what the room is like

    def info(self) -> Dict[str, Any]:
        """How the room's avatar is encoded, as the gateway answers: width, height, kbps, audio_kbps, entry_ms,
        fps_max, ahead_ms, state; and in `scene` what it shows (docs/push.md). PushError, ConnectionError."""
        connection = self.connect()
        try:
            return rooms.ask_info(connection, self.room, self.token_fields(), self._connect_s)
        finally:
            connection.close()

    def interrupt(self, *, segment: Optional[str] = None, utterance: Optional[str] = None) -> int:
        """Ends what plays in the room, and all that waits there, at once: whoever pushes it gets Interrupted, with
        what was really heard. With `segment` or `utterance`, their ids, only what matches ends, playing or waiting,
        and the rest goes on. Returns how many segments that were, once they have ended. PushError, with the code 463
        where no such segment or utterance plays or waits; ConnectionError.

        Cutting a segment is not enough: the room has read ahead, and would play that first.
        """
        wanted = {name: value for name, value in (("segment", segment), ("utterance", utterance)) if value is not None}
        for name, value in wanted.items():
            if not isinstance(value, str):
                raise TypeError(f"{name}: expected a string, got {media.describe(value)}")
        return self._interrupt(wanted)

    def _interrupt(self, wanted: Dict[str, str]) -> int:
        connection = self.connect()
        try:
            return rooms.ask_interrupt(connection, self.room, self.token_fields(), wanted, self._connect_s)
        finally:
            connection.close()

    def mark(self, data: Any, *, segment: Optional[str] = None, at_ms: Optional[int] = None) -> Optional[int]:
        """A marker (docs/captions.md) for all who watch the room and get captions: `data` is anything JSON can say, at
        most 4096 bytes of it. It comes now; with `segment`, the id of one that plays or waits, `at_ms` milliseconds
        from its beginning, or now if that has passed. Returns when that is, in milliseconds of the room's media
        time; None: the segment still waits. PushError, ConnectionError.
        """
        marker = {"data": media.check_json(data, "data")}
        if (segment is None) != (at_ms is None):
            raise ValueError("segment and at_ms: expected both or neither")
        if segment is not None:
            marker.update(segment=segment, at_ms=media.check_int(at_ms, "at_ms", 0, MAX_MARKER_MS))
        connection = self.connect()
        try:
            return rooms.ask_mark(connection, self.room, self.token_fields(), marker, self._connect_s)
        finally:
            connection.close()

    def forget_avatar(self) -> None:
        """The room's avatar has changed: what is known of it is asked again for the next segment."""
        with self._lock:
            avatar, self._avatar = self._avatar, None
            self._forgotten += 1
        if avatar:
            avatar.drop()

    def close(self) -> None:
        """Waits for the pieces that are still being sent, and forgets the avatar."""
        self._pieces.wait()
        self.forget_avatar()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if kind is not None:
            self.cut_pieces()
        self.close()

    # -- for pieces

    def end_utterance(self, utterance: str, is_playing_kept: bool) -> None:
        """Unless it is over. What plays of it may be played to its end."""
        try:
            self._interrupt({"utterance": utterance, **({"mode": "segment"} if is_playing_kept else {})})
        except PushError as error:
            if error.code != NO_SUCH_SEGMENT:
                raise

    # -- for segments

    @property
    def connect_s(self) -> float:
        return self._connect_s

    def connect(self) -> Connection:
        return Connection(self.address, self._connect_s, self._context)

    def token_fields(self) -> Dict[str, Any]:
        """A fresh token, as a field."""
        return {} if self._secret is None else {"token": push_token(self._secret, self.room)}

    def cut_pieces(self) -> None:
        """Nothing more is sent of any piece."""
        self._pieces.cut()

    def begin(self, encode: Union[bool, str], look: Optional[encoder.Look],
              check: Callable[[], None]) -> Tuple[Connection, Dict[str, Any], Optional[rooms.Avatar]]:
        """A connection for a segment, the fields that its line needs there, and how to encode: the avatar, which the
        caller holds; None: raw pictures, also with "auto" while the avatar is not ready, and where only the gateway can
        encode what looks so (None: no pictures). `check` raises if the segment was cut while it waited.

        What is not known of the avatar is asked first, on the connection that the segment then gets. Others wait
        for the answer without one: the gateway wants to read a line soon. If there is none, it fails for them too."""
        if not encode:
            return self.connect(), self.token_fields(), None
        try:
            asked, avatar = self._find_avatar(check)
        except PushError as error:
            if encode != "auto" or error.code != NOT_POSSIBLE_NOW:
                raise
            asked = avatar = None
        why_raw = encoder.why_raw(avatar.info, look) if avatar else None
        if avatar and why_raw:
            avatar.drop()
            avatar = None
            if encode != "auto":
                if asked:
                    asked.close()
                raise EncodeError(f"dh-prepare cannot encode these pictures: {why_raw}; encode=False sends them raw")
        if asked:
            return asked, {}, avatar
        try:
            return self.connect(), self.token_fields(), avatar
        except BaseException:
            if avatar:
                avatar.drop()
            raise

    def _find_avatar(self, check: Callable[[], None]) -> Tuple[Optional[Connection], Optional[rooms.Avatar]]:
        """For the caller to hold, and the connection on which it was asked for, if it was."""
        with self._lock:
            failures = self._failures
        with self._asking:
            check()
            with self._lock:
                if self._avatar:
                    return None, self._avatar.hold()
                if failures != self._failures:
                    raise fresh(self._failure)
                forgotten = self._forgotten
            try:
                connection = self.connect()
                try:
                    avatar = self._ask_avatar(connection)
                except BaseException:
                    connection.close()
                    raise
            except (PushError, OSError) as error:
                with self._lock:
                    if forgotten == self._forgotten:
                        self._failures, self._failure = self._failures + 1, fresh(error)
                raise
            with self._lock:
                if forgotten == self._forgotten:
                    self._avatar = avatar.hold()
            return connection, avatar

    def _ask_avatar(self, connection: Connection) -> rooms.Avatar:
        info = rooms.ask_info(connection, self.room, self.token_fields(), self._connect_s)
        # the token is needed once on a connection
        return rooms.Avatar(info, rooms.ask_anchor(connection, self.room, {}, self._connect_s))

    def encode_command(self, avatar: rooms.Avatar) -> List[str]:
        return encoder.arguments(self._dh_prepare, avatar.info, avatar.path)
