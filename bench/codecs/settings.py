# SPDX-License-Identifier: GPL-3.0-or-later
"""VP8 as dh-prepare sets it (prepare/video.c): what entries, speed, key frames and a map of the mouth cost, at bit rates
that an avatar may have."""
import functools

import cost

RATES = (100, 200, 400)
KEYED = 50   # pictures from a key frame to the next: 2 s
# name: (options, anchored, pictures from an entry to the next); the first one is what others are compared with
VARIANTS = {
    "entries every 12": (["-u", "-6"], True, 12),
    "entries every 6": (["-u", "-6"], True, 6),
    "entries every 25": (["-u", "-6"], True, 25),
    "key frame every 50": (["-u", "-6"], False, KEYED),
    "good, entries every 12": (["-u", "2", "-g"], True, 12),
    "good, entries every 6": (["-u", "2", "-g"], True, 6),
    "good, entries every 25": (["-u", "2", "-g"], True, 25),
    "good, key frame every 50": (["-u", "2", "-g"], False, KEYED),
    "speed -16, entries every 12": (["-u", "-16"], True, 12),
    "speed -4, entries every 12": (["-u", "-4"], True, 12),
    "speed -3, entries every 12": (["-u", "-3"], True, 12),
    "good at speed 4, entries every 12": (["-u", "4", "-g"], True, 12),
    "mouth finer by 4": (["-u", "-6", "-R", "roi:-4:0"], True, 12),
    "mouth finer by 10": (["-u", "-6", "-R", "roi:-10:0"], True, 12),
    "mouth finer by 6, the rest coarser by 3": (["-u", "-6", "-R", "roi:-6:3"], True, 12),
    "good, mouth finer by 6, the rest coarser by 3": (["-u", "2", "-g", "-R", "roi:-6:3"], True, 12),
    "only the mouth between entries": (["-u", "-6", "-R", "active"], True, 12),
}


@functools.lru_cache
def anchor_quantizer(encoder, clip, kbps):
    """As prepare/video.c finds it: the finest anchor of at most half a second of the rate."""
    alone = type(clip)("", clip.name, clip.size, clip.fps)
    alone.path, alone.anchor = clip.anchor, clip.anchor
    for quantizer in range(8, 57, 2):
        stream = encoder.stream(alone, "anchor", "vp8", "-u", "-6", "-q", str(quantizer))
        if len(stream.units[0]) <= kbps * 1000 / 8 / 2:
            break
    return quantizer


def options_of(encoder, clip, kbps):
    quantizer = anchor_quantizer(encoder, clip, kbps)
    finest = min(quantizer + 8, 32)
    return ["vp8", "-k", str(quantizer), "-q", str(finest), "-c", "58", "-b", str(kbps)]


def points(encoder, clip, variant):
    more, anchored, n = VARIANTS[variant]
    return [cost.Point(encoder, clip, [*options_of(encoder, clip, kbps), *more], anchored, n) for kbps in RATES]

