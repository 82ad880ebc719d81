# SPDX-License-Identifier: GPL-3.0-or-later
"""A segment as bytes, for generators whose output goes elsewhere: standard output, an HTTP response."""
from __future__ import annotations

from typing import Any, Iterable, Iterator, Optional, Sequence, Tuple

from . import media
from .muxer import Muxer


def make_muxer(fps: Any, sample_rate: Any, channels: Any, pixel_format: Any, size: Any, sample_format: Any,
               has_words: bool = False) -> Muxer:
    """Checks arguments; TypeError or ValueError name the wrong one."""
    if fps is None and sample_rate is None:
        raise ValueError("fps, sample_rate: expected one of them at least: a segment has pictures or sound")
    return Muxer(
        None if fps is None else media.check_fps(fps),
        None if sample_rate is None else media.check_int(sample_rate, "sample_rate", 4000, 384000, " Hz"),
        channels=media.check_int(channels, "channels", 1, 16), pixel_format=media.check_pixel_format(pixel_format),
        size=None if size is None else media.check_size(size), sample_format=media.check_sample_format(sample_format),
        has_words=has_words)


def mux(pieces: Iterable[Tuple[Any, Any]], *, fps: Any = None, sample_rate: Optional[int] = None, channels: int = 1,
        pixel_format: str = "bgr24", size: Optional[Sequence[int]] = None,
        sample_format: Optional[str] = None) -> Iterator[bytes]:
    """Yields a NUT container, piece by piece, for `pieces` of (frame, samples); either may be None. Arguments as
    for Stage.segment(), frames and samples as for Segment.push()."""
    muxer = make_muxer(fps, sample_rate, channels, pixel_format, size, sample_format)

    def write() -> Iterator[bytes]:
        for frame, samples in pieces:
            data = b"".join(muxer.push(frame, samples))
            if data:
                yield data
        data = b"".join(muxer.end())
        if data:
            yield data
    return write()
