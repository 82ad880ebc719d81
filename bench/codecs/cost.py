# SPDX-License-Identifier: GPL-3.0-or-later
"""Bits at equal SSIM, and frames a second on one core."""
import json
import math

import streams

KEYED_N = 50    # a key frame every 2 s
# options and four quantizers on the codec's own scale
CODECS = {
    "vp8": (["vp8", "-u", "-6"], (16, 28, 40, 52), 8),
    "vp8 good": (["vp8", "-u", "2", "-g"], (16, 28, 40, 52), 8),
    "vp9": (["vp9", "-u", "7"], (24, 36, 46, 56), 8),
    "vp9 5": (["vp9", "-u", "5"], (24, 36, 46, 56), 8),
    "av1": (["av1", "-u", "8", "-e"], (24, 36, 46, 56), 8),
    "av1 10": (["av1", "-u", "10", "-e"], (24, 36, 46, 56), 8),
    "h264": (["h264"], (24, 30, 36, 42), 4),
}


def decibels(ssim):
    return -10 * math.log10(max(1e-6, 1 - ssim))


class Point:
    """One encoding: bits a second without the anchor, SSIM of the whole and of the mouth, steps of SSIM in dB."""

    def __init__(self, encoder, clip, options, anchored, n):
        path = f"{encoder.build}/cost.ivf"
        made = json.loads(encoder.run(clip, path, *options, anchored=anchored, n=n))
        skip, stream = int(anchored), streams.read(path)
        units = stream.units[skip:]
        shown, complaints = streams.decode(encoder.decoder, path, clip.path, skip, ",".join(map(str, clip.mouth)))
        shown = shown[skip:]
        if len(shown) != len(units) or complaints:
            raise RuntimeError(f"{options}: {len(shown)} of {len(units)} pictures, {complaints}")
        self.anchor = len(stream.units[0])
        self.kbps = sum(map(len, units)) * 8 / (len(units) / clip.fps) / 1000
        self.fps = made["frames"] / max(made["processor_s"], 1e-3)
        self.ssim = sum(p["ssim"] for p in shown) / len(shown)
        self.mouth = sum(p["part"] for p in shown) / len(shown)
        starts = range(0, len(units), n)
        self.entry = max(len(units[i]) for i in starts)
        self.largest = max(map(len, units))
        curve = [decibels(p["ssim"]) for p in shown]
        steps = [curve[i] - curve[i - 1] for i in starts if i]
        self.step = sum(steps) / len(steps) if steps else 0

    def row(self):
        return {name: round(value, 5) for name, value in vars(self).items()}


def useful(points, key):
    """Without those that take more bits for no more SSIM: what is left to code is noise."""
    best, out = 0, []
    for point in sorted(points, key=lambda p: p.kbps):
        if getattr(point, key) > best:
            best = getattr(point, key)
            out.append(point)
    return out


def at(points, level, key):
    """log(kbps) at that SSIM in dB, by linear interpolation."""
    curve = sorted((decibels(getattr(p, key)), math.log(p.kbps)) for p in points)
    for (x0, y0), (x1, y1) in zip(curve, curve[1:]):
        if x0 <= level <= x1:
            return y0 + (y1 - y0) * (level - x0) / (x1 - x0 or 1)
    raise ValueError


def difference(points, base, key="ssim"):
    """How many per cent more bits `points` takes than `base`, on average over the SSIMs that both have; None: none."""
    points, base = useful(points, key), useful(base, key)
    spans = [[decibels(getattr(p, key)) for p in side] for side in (points, base)]
    low, high = max(map(min, spans)), min(map(max, spans))
    if high - low < .05:
        return None
    levels = [low + (high - low) * (i + .5) / 20 for i in range(20)]
    return 100 * (math.exp(sum(at(points, x, key) - at(base, x, key) for x in levels) / 20) - 1)


def codec_points(encoder, clip, name, anchored, n=12):
    options, quantizers, finer = CODECS[name]
    return [Point(encoder, clip, [options[0], *options[1:], "-q", str(q), *(["-k", str(q - finer)] if anchored else [])],
                  anchored, n if anchored else KEYED_N) for q in quantizers]

