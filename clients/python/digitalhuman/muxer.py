# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts pictures and sound into one NUT stream, in the order of their times. Pure: no thread, no clock.

Picture n starts at sample n * rate / fps. A picture is written as soon as the sound up to its beginning is
known, sound as soon as the picture that it belongs to is written: the first frame and its sound leave at
once, and what comes early in one of them waits for the other.
"""
from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import Any, Deque, List, Optional, Union

from . import media
from .nut import Audio, NutWriter, Video

Buffer = Union[bytes, memoryview]
MAX_HELD_BYTES = 512 << 20
SMALL = 65536       # what is smaller is copied together with its header
PACKET_MS = 200     # of sound, at most
MAX_WORDS = 2000    # of a segment


class Muxer:
    """`fps` None: no pictures; `sample_rate` None: no sound. `size` and `sample_format` None: as the first
    ones are. `has_words`: words may come, too. Returned buffers may be the caller's own memory: write them before
    it is used again."""

    def __init__(self, fps: Optional[Fraction], sample_rate: Optional[int], *, channels: int = 1,
                 pixel_format: str = "bgr24", size: Optional[media.Size] = None, sample_format: Optional[str] = None,
                 max_held_bytes: int = MAX_HELD_BYTES, has_words: bool = False) -> None:
        self.fps, self.sample_rate, self.channels = fps, sample_rate, channels
        self.pixel_format, self.size, self.sample_format = pixel_format, size, sample_format
        self._max_held = max_held_bytes
        self._has_words = has_words
        self._words: List[media.Word] = []                  # not written yet
        self._words_in = self._last_word_ms = 0
        self._pictures: Deque[memoryview] = deque()
        self._sound: Deque[memoryview] = deque()
        self._held = 0                                      # bytes in both
        self._pictures_in = self._pictures_out = 0
        self._samples_in = self._samples_out = 0
        self._writer: Optional[NutWriter] = None
        self._no_more_pictures = fps is None
        self._no_more_sound = sample_rate is None

    @property
    def media_ms(self) -> int:
        """How much has been pushed so far: of picture or sound, the one that is behind and goes on."""
        pictures = self._pictures_in * 1000 / self.fps if self.fps else Fraction(0)
        sound = Fraction(self._samples_in * 1000, self.sample_rate) if self.sample_rate else Fraction(0)
        if self._no_more_pictures == self._no_more_sound:
            return int(max(pictures, sound) if self._no_more_sound else min(pictures, sound))
        return int(sound if self._no_more_pictures else pictures)

    def push(self, frame: Any = None, samples: Any = None) -> List[Buffer]:
        """Takes a picture, samples, or both, and returns what is to be written now. Raises TypeError or
        ValueError for what does not fit, and then has taken neither."""
        picture = sound = None
        if frame is not None:
            if self._no_more_pictures:
                raise ValueError("frame: the segment has no pictures; give fps" if self.fps is None
                                 else "frame: the segment's pictures have ended")
            picture = media.picture(frame, self.pixel_format, self.size)
        if samples is not None:
            if self._no_more_sound:
                raise ValueError("samples: the segment has no sound; give sample_rate" if self.sample_rate is None
                                 else "samples: the segment's sound has ended")
            sound = media.sound(samples, self.channels, self.sample_format)
        self._check_held((picture.data.nbytes if picture else 0) + (sound.data.nbytes if sound else 0))
        if picture:
            self.size = picture.size
            self._pictures.append(picture.data)
            self._pictures_in += 1
            self._held += picture.data.nbytes
        if sound and sound.samples:
            self.sample_format = sound.sample_format
            self._sound.append(sound.data)
            self._samples_in += sound.samples
            self._held += sound.data.nbytes
        out = self._write()
        if picture and self._pictures:                  # what waits is a copy
            self._pictures[-1] = memoryview(bytes(self._pictures[-1]))
        if sound and self._sound:
            self._sound[-1] = memoryview(bytes(self._sound[-1]))
        return out

    def push_words(self, words: Any) -> List[Buffer]:
        """Takes words, and returns what is to be written now. Raises TypeError or ValueError as push() does."""
        new = media.words(words, self._last_word_ms)
        if self._words_in + len(new) > MAX_WORDS:
            raise ValueError(f"words: expected at most {MAX_WORDS} in a segment, got {self._words_in + len(new)}")
        self._words += new
        self._words_in += len(new)
        if new:
            self._last_word_ms = new[-1].from_ms
        return self._write()

    def end(self) -> List[Buffer]:
        """The rest, and the end of the container. Nothing if nothing was pushed."""
        self._no_more_pictures = self._no_more_sound = True
        out = self._write()
        if self._writer:
            out.append(self._writer.end())
        return out

    def break_off(self) -> bytes:
        """The head of a packet that never comes: it shows readers that the container was cut, and has not
        ended. Nothing before the container has begun."""
        return self._writer.frame(0, self._first_pts(), 1) if self._writer else b""

    def _first_pts(self) -> int:
        """Where the first stream goes on."""
        return self._pictures_out if self._pictures_out else self._samples_out

    def end_pictures(self) -> List[Buffer]:
        """No more pictures: sound no longer waits for them."""
        self._no_more_pictures = True
        return self._write()

    def end_sound(self) -> List[Buffer]:
        """No more sound: pictures no longer wait for it."""
        self._no_more_sound = True
        return self._write()

    def _check_held(self, more: int) -> None:
        if self._held + more <= self._max_held:
            return
        ahead, behind = ("frame", "sound") if len(self._pictures) else ("samples", "pictures")
        raise ValueError(f"{ahead}: {self._held >> 20} MB wait for {behind} of the same time, of which "
                         f"{self.media_ms} ms have come; push both as they are made, or leave out "
                         f"{'sample_rate' if behind == 'sound' else 'fps'}")

    def _begin(self) -> Optional[bytes]:
        """The header, once the formats of all that comes are known."""
        if not (self._pictures_in or self._no_more_pictures and self._samples_in):
            has_all = self.size is not None and self._samples_in > 0
        else:
            has_all = bool(self._samples_in or self._no_more_sound or self.sample_format)
        if not has_all:
            return None
        video = audio = None
        if self.fps and self.size and (self._pictures_in or not self._no_more_pictures):
            video = Video(self.size[0], self.size[1], self.pixel_format, self.fps)
        if self.sample_rate and self.sample_format and (self._samples_in or not self._no_more_sound):
            audio = Audio(self.sample_rate, self.channels, self.sample_format)
        self._writer = NutWriter(video, audio, self._has_words)
        return self._writer.header()

    def _write(self) -> List[Buffer]:
        out: List[Buffer] = []
        if self._writer is None:
            header = self._begin()
            if header is None:
                return out
            out.append(header)
        self._write_words(out)
        while self._write_sound(out) or self._write_picture(out):
            pass
        return out

    def _write_words(self, out: List[Buffer]) -> None:
        assert self._writer
        words = len(self._writer.streams) - 1
        for word in self._words:
            text = word.text.encode()
            out.append(self._writer.frame(words, word.from_ms, len(text)) + text
                       + self._writer.frame(words, word.to_ms, 1) + b" ")       # which ends it
        self._words.clear()

    def _sample_of(self, picture: int) -> int:
        """The sample with which picture n begins."""
        assert self.fps and self.sample_rate
        return int(Fraction(picture * self.sample_rate) / self.fps)

    def _write_picture(self, out: List[Buffer]) -> bool:
        if not self._pictures:
            return False
        if not self._no_more_sound and self._samples_in < self._sample_of(self._pictures_out):
            return False
        self._put(out, 0, self._pictures_out, self._pictures.popleft())
        self._pictures_out += 1
        return True

    def _write_sound(self, out: List[Buffer]) -> bool:
        if not self._sound:
            return False
        assert self._writer and self.sample_rate and self.sample_format
        most = self.sample_rate * PACKET_MS // 1000
        if self._pictures or not self._no_more_pictures:
            most = min(most, self._sample_of(self._pictures_out) - self._samples_out)
        if most <= 0:
            return False
        unit = media.SAMPLE_BYTES[self.sample_format] * self.channels
        piece = self._sound.popleft()
        if piece.nbytes > most * unit:
            self._sound.appendleft(piece[most * unit:])
            piece = piece[:most * unit]
        self._put(out, self._writer.sound, self._samples_out, piece)
        self._samples_out += piece.nbytes // unit
        return True

    def _put(self, out: List[Buffer], stream: int, pts: int, data: memoryview) -> None:
        assert self._writer
        self._held -= data.nbytes
        head = self._writer.frame(stream, pts, data.nbytes)
        if data.nbytes <= SMALL:
            out.append(head + data)
        else:
            out += [head, data]
