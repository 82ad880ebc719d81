# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures and samples as callers have them: what is accepted, and what is said of anything else.

Nothing here needs numpy but arrays that are not contiguous, and objects that only numpy can read.
"""
from __future__ import annotations

import json
import numbers
from fractions import Fraction
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

CHANNELS = {"bgr24": 3, "rgb24": 3, "bgra": 4, "rgba": 4}
PIXEL_FORMATS = (*CHANNELS, "yuv420p")
SAMPLE_FORMATS = {"f": "f32", "h": "s16"}
SAMPLE_BYTES = {"f32": 4, "s16": 2}
MAX_SIDE = 16384
MAX_PICTURE_S = 86400
MAX_FPS = 1000
Size = Tuple[int, int]


def describe(value: Any) -> str:
    """What somebody gave, in words."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"{value.dtype} array of shape {tuple(value.shape)}"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{type(value).__name__} of {memoryview(value).nbytes} bytes"
    if isinstance(value, (int, float, str, Fraction)):
        return repr(value)
    return type(value).__name__


def check_fps(fps: Any, name: str = "fps") -> Fraction:
    """Pictures a second as an exact number: 25, 29.97 (30000/1001 is meant), 1000/33, Fraction(30000, 1001)."""
    if isinstance(fps, bool) or not isinstance(fps, numbers.Real):
        raise TypeError(f"{name}: expected a number of pictures a second, such as 25 or 1000/33, got {describe(fps)}")
    if not 1 / MAX_PICTURE_S <= float(fps) <= MAX_FPS:
        raise ValueError(f"{name}: expected 1/{MAX_PICTURE_S} to {MAX_FPS} pictures a second, got {describe(fps)}")
    if isinstance(fps, numbers.Rational):
        return Fraction(int(fps.numerator), int(fps.denominator)).limit_denominator(1000000)
    ntsc = Fraction(round(float(fps) * 1.001) * 1000, 1001)
    if abs(float(fps) - ntsc) < min(0.001, abs(float(fps) - round(float(fps)))):     # 1.0 is no NTSC rate
        return ntsc
    if float(fps) < 1:
        return 1 / Fraction(1 / float(fps)).limit_denominator(1001)
    return Fraction(float(fps)).limit_denominator(1001)


def check_json(value: Any, name: str) -> Any:
    """What JSON can say; NaN and the infinities are none of it."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: expected what JSON can say: {error}") from None
    return value


def check_rows(rows: Optional[Sequence[Sequence[Any]]], name: str) -> Optional[List[List[Any]]]:
    """Each as a list, integers of any kind as int."""
    try:
        return None if rows is None else [[int(value) if isinstance(value, numbers.Integral)
                                           and not isinstance(value, bool) else value for value in row] for row in rows]
    except TypeError:
        raise TypeError(f"{name}: expected rows such as [1200, …], got {describe(rows)}") from None


def check_int(value: Any, name: str, least: int, most: int, unit: str = "") -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name}: expected an integer, got {describe(value)}")
    number = int(value)
    if not least <= number <= most:
        raise ValueError(f"{name}: expected {least} to {most}{unit}, got {number}")
    return number


def check_size(size: Any) -> Size:
    if not isinstance(size, Sequence) or isinstance(size, str) or len(size) != 2:
        raise TypeError(f"size: expected (width, height) in pixels, got {describe(size)}")
    return (check_int(size[0], "size: width", 1, MAX_SIDE, " pixels"),
            check_int(size[1], "size: height", 1, MAX_SIDE, " pixels"))


def check_pixel_format(name: Any) -> str:
    if name not in PIXEL_FORMATS:
        raise ValueError(f"pixel_format: expected one of {', '.join(PIXEL_FORMATS)}, got {describe(name)}")
    return str(name)


def check_sample_format(name: Any) -> Optional[str]:
    formats = {None: None, "f32": "f32", "s16": "s16", "f32le": "f32", "s16le": "s16",
               "float32": "f32", "int16": "s16"}
    if not (name is None or isinstance(name, str)) or name not in formats:
        raise ValueError(f"sample_format: expected \"f32\" or \"s16\", got {describe(name)}")
    return formats[name]


class Picture(NamedTuple):
    data: memoryview    # of bytes
    size: Size


class Sound(NamedTuple):
    data: memoryview    # of bytes
    sample_format: str
    samples: int        # of each channel


def _view(value: Any, expected: str) -> Tuple[memoryview, Any]:
    """A view of what has a buffer, or of what numpy makes of it; and its owner."""
    try:
        return memoryview(value), value
    except (TypeError, ValueError, BufferError):
        pass
    if hasattr(value, "__array__"):
        import numpy
        try:
            array: Any = numpy.asarray(value)
        except Exception as error:      # a tensor that is elsewhere, or is being learnt
            raise TypeError(f"{expected}, got {describe(value)}: {error}") from error
        try:
            return memoryview(array), array
        except (TypeError, ValueError, BufferError):
            pass
    raise TypeError(f"{expected}, got {describe(value)}")


def _flat(view: memoryview, owner: Any) -> memoryview:
    if not view.c_contiguous:
        if hasattr(owner, "dtype"):
            import numpy
            array: Any = numpy.ascontiguousarray(owner)
            return memoryview(array).cast("B")
        return memoryview(view.tobytes())
    return view.cast("B")


def picture_bytes(size: Size, pixel_format: str) -> int:
    width, height = size
    if pixel_format == "yuv420p":
        return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
    return width * height * CHANNELS[pixel_format]


def picture(frame: Any, pixel_format: str, size: Optional[Size]) -> Picture:
    """A picture: uint8 of height x width x 3 (bgr24, rgb24) or 4 (bgra, rgba), or height * 3/2 x width (yuv420p),
    or its bytes row by row, where `size` is known. TypeError for another type, ValueError for another shape."""
    shape = "height * 3/2 x width" if pixel_format == "yuv420p" else f"height x width x {CHANNELS[pixel_format]}"
    expected = f"frame: expected {pixel_format} as uint8 of {shape}, or bytes"
    view, owner = _view(frame, expected)
    if view.format not in ("B", "c"):
        raise TypeError(f"{expected}, got {describe(frame)}")
    if view.ndim == 1:
        if size is None:
            raise ValueError("frame: bytes say nothing of their size; give size=(width, height). Got "
                             + describe(frame))
        if view.nbytes != picture_bytes(size, pixel_format):
            raise ValueError(f"frame: expected {picture_bytes(size, pixel_format)} bytes, which is {size[0]}x{size[1]} "
                             f"in {pixel_format}, got {describe(frame)}")
        return Picture(_flat(view, owner), size)
    found = _size_of(view.shape or (), pixel_format)
    if found is None:
        raise ValueError(f"{expected}, got {describe(frame)}")
    if size is not None and found != size:
        raise ValueError(f"frame: expected {size[0]}x{size[1]} like the segment's others, got {describe(frame)}")
    return Picture(_flat(view, owner), found)


def _size_of(shape: Tuple[int, ...], pixel_format: str) -> Optional[Size]:
    """(width, height), or None."""
    if pixel_format != "yuv420p":
        if len(shape) != 3 or shape[2] != CHANNELS[pixel_format]:
            return None
        height, width = shape[:2]
    else:
        if len(shape) != 2 or shape[0] % 3 or shape[1] % 2:
            return None
        height, width = shape[0] // 3 * 2, shape[1]
    return (width, height) if 1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE else None


def sound(samples: Any, channels: int, sample_format: Optional[str]) -> Sound:
    """Samples: float32 of -1 to 1 or int16, of shape (n,) for one channel, (n, channels) for more; or their
    bytes, where `sample_format` is known. TypeError for another type, ValueError for another shape."""
    shape = "(n,)" if channels == 1 else f"(n, {channels})"
    expected = f"samples: expected float32 (-1 to 1) or int16 of shape {shape}"
    view, owner = _view(samples, expected)
    if view.format == "B" and view.ndim == 1:
        if sample_format is None:
            raise ValueError(f"samples: bytes say nothing of their format; give sample_format=\"f32\" or \"s16\". "
                             f"Got {describe(samples)}")
        if view.nbytes % (SAMPLE_BYTES[sample_format] * channels):
            raise ValueError(f"samples: expected a multiple of {SAMPLE_BYTES[sample_format] * channels} bytes "
                             f"({sample_format}, {channels} channels), got {describe(samples)}")
        return Sound(_flat(view, owner), sample_format, view.nbytes // (SAMPLE_BYTES[sample_format] * channels))
    found = SAMPLE_FORMATS.get(view.format)
    if found is None:
        raise TypeError(f"{expected}, got {describe(samples)}")
    if sample_format is not None and found != sample_format:
        raise TypeError(f"samples: expected {sample_format} like the segment's others, got {describe(samples)}")
    dims = view.shape or ()
    is_mono = channels == 1 and (len(dims) == 1 or len(dims) == 2 and dims[0] == 1)
    if not is_mono and not (len(dims) == 2 and dims[1] == channels):
        raise ValueError(f"{expected}, got {describe(samples)}")
    count = view.nbytes // (SAMPLE_BYTES[found] * channels)
    return Sound(_flat(view, owner) if count else memoryview(b""), found, count)


class Word(NamedTuple):
    text: str
    from_ms: int
    to_ms: int


MAX_WORD_BYTES = 200
MAX_WORD_MS = 86400000


def words(value: Any, least_ms: int) -> List[Word]:
    """[word, from_ms, to_ms] in order, the first not before `least_ms`. TypeError, ValueError."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise TypeError(f"words: expected [word, from_ms, to_ms] in order, got {describe(value)}")
    found: List[Word] = []
    for number, word in enumerate(value):
        where = f"words[{number}]"
        if not isinstance(word, Sequence) or isinstance(word, str) or len(word) != 3 or not isinstance(word[0], str):
            raise TypeError(f"{where}: expected [word, from_ms, to_ms], got {repr(word)[:80]}")
        text = word[0]
        if (not 1 <= len(text.encode()) <= MAX_WORD_BYTES or not text.strip()
                or any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text)):
            raise ValueError(f"{where}: expected a word of 1 to {MAX_WORD_BYTES} bytes without control characters, "
                             f"got {repr(text)[:80]}")
        from_ms = check_int(word[1], f"{where}: from_ms", least_ms, MAX_WORD_MS, " ms (they come in order)")
        found.append(Word(text, from_ms, check_int(word[2], f"{where}: to_ms", from_ms, MAX_WORD_MS, " ms")))
        least_ms = from_ms
    return found
