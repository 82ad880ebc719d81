# SPDX-License-Identifier: GPL-3.0-or-later
"""Does anchored coding hold in a codec? Encodes two segments and a coarser one of the first under one anchor, and joins
them in all the ways that a room does."""
import random
import subprocess

import streams

N = 12
# options of bench/codecs/encode; the anchor is finer than the rest
VARIANTS = {
    "vp8": ["vp8", "-q", "24", "-k", "16", "-u", "-6"],
    "vp8 good": ["vp8", "-q", "24", "-k", "16", "-u", "2", "-g"],
    "vp9": ["vp9", "-q", "36", "-k", "28", "-u", "7"],
    "vp9 not resilient": ["vp9", "-q", "36", "-k", "28", "-u", "7", "-e"],
    "av1": ["av1", "-q", "36", "-k", "28", "-u", "8", "-e"],
    "av1 without adaptation": ["av1", "-q", "36", "-k", "28", "-u", "8"],
    "h264": ["h264", "-q", "30", "-k", "24"],
    "vp8 map": ["vp8", "-q", "24", "-k", "16", "-u", "-6", "-R", "roi:-6:3"],
}
DECODERS = {"vp8": ["vp8", "libvpx"], "vp9": ["vp9", "libvpx-vp9"], "av1": ["libdav1d", "libaom-av1"], "h264": ["h264"]}


class Encoder:
    def __init__(self, build, size):
        self.program, self.decoder, self.build, self.size = f"{build}/encode", f"{build}/decode", build, size

    def run(self, clip, output, codec, *options, anchored=True, n=N):
        anchor = ["-a", clip.anchor] if anchored else []
        options = [*options, "-m", ",".join(map(str, clip.mouth))]
        made = subprocess.run([self.program, "-s", f"{self.size}x{self.size}", "-n", str(n), *options, *anchor, codec,
                               clip.path, output], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if made.returncode:
            raise RuntimeError(f"{codec} {options}: {made.stderr}")
        return made.stdout

    def stream(self, clip, name, codec, *options, **more):
        path = f"{self.build}/{name}.ivf"
        self.run(clip, path, codec, *options, **more)
        return streams.read(path)


def coarser(options):
    """The same with a coarser quantizer behind the same anchor."""
    at = options.index("-q") + 1
    return [*options[:at], str(int(options[at]) + (8 if options[0] == "h264" else 16)), *options[at + 1:]]


def plans(count, seed=1):
    """What is joined: {name: [(stream, unit)]}; unit 0 is the anchor, units 1, 1 + N, … are entries."""
    def run(stream, first, last):
        return [(stream, i) for i in range(first, last)]
    some, entries = random.Random(seed), range(1, count - N, N)
    jumps = [(0, 0)]
    for i in range(30):
        first, stream = some.choice(entries), some.randrange(3)
        jumps += [(0, 0)] if i in (5, 20) else []
        jumps += run(stream, first, first + some.randrange(1, min(3 * N, count - first)))
    return {
        "A, B, A": [(0, 0)] + run(0, 1, 30) + run(1, 1, 40) + run(0, 1, count),
        "joins at an entry": [(0, 0)] + run(1, 1 + 2 * N, count),
        "between qualities": [(0, 0)] + run(0, 1, 1 + N) + run(2, 1 + N, 1 + 3 * N) + run(0, 1 + 3 * N, count),
        "loss, the next entry": [(0, 0)] + run(0, 1, 17) + run(0, 1 + 2 * N, count),
        "loss, the anchor again, the next entry": [(0, 0)] + run(0, 1, 17) + [(0, 0)] + run(0, 1 + 2 * N, count),
        "30 jumps, the anchor again in two of them": jumps,
    }


def spliced(parts, plan, renumber=False):
    """The access units of a plan; `renumber`: H.264's slices count from the last anchor on."""
    units, number = [], 0
    for stream, unit in plan:
        number = number + 1 if unit else 0
        data = parts[stream].units[unit]
        units.append(streams.renumbered(data, number) if renumber and unit else data)
    return streams.Stream(units, parts[0].fourcc, parts[0].size)


def compare(parts, plan, shown):
    """How many pictures are as they should be, of how many, in order."""
    expected = [parts[stream].sums[unit] for stream, unit in plan]
    got = [picture["sum"] for picture in shown]
    return sum(a == b for a, b in zip(expected, got)), len(expected)


def encode_parts(encoder, clips, variant):
    options = VARIANTS[variant]
    jobs = [(clips["talker_a"], options), (clips["talker_b"], options), (clips["talker_a"], coarser(options))]
    parts = [encoder.stream(clip, f"part{i}", *args) for i, (clip, args) in enumerate(jobs)]
    return parts


# What headers of frames behind the anchor may say, as far as FFmpeg traces them: of all, and of entries besides.
# (libaom leaves all slots alone at a picture in which nothing has changed.)
RULES = {
    "vp9": ({"refresh_frame_flags": ([1],), "error_resilient_mode": ([1],)},
            {f"ref_frame_idx[{i}]": ([1],) for i in range(3)}),
    "av1": ({"refresh_frame_flags": ([0], [1])},
            {"primary_ref_frame": ([7],), **{f"ref_frame_idx[{i}]": ([1],) for i in range(6)}}),
    "h264": ({"adaptive_ref_pic_marking_mode_flag": ([0],)},
             {"modification_of_pic_nums_idc": ([2, 3],), "long_term_pic_num": ([0],)}),
}


def kept(codec, path):
    """How many frames behind the anchor keep to the rules, of how many; None: there are none for the codec."""
    if codec not in RULES:
        return None
    everywhere, entries = RULES[codec]
    frames = streams.headers(path, {*everywhere, *entries})[1:]
    rules = [{**everywhere, **(entries if i % N == 0 else {})} for i in range(len(frames))]
    right = sum(all(frame.get(name) in values for name, values in rule.items()) for frame, rule in zip(frames, rules))
    return right, len(frames)


def test(encoder, clips, variant):
    """{"same anchor": bool, "kept": kept(), "decoders": {name: {plan: (right, of, complaints)}}}"""
    parts = encode_parts(encoder, clips, variant)
    codec = variant.split()[0]
    result = {"same anchor": len({part.units[0] for part in parts}) == 1, "anchor": len(parts[0].units[0]),
              "kept": kept(codec, f"{encoder.build}/part0.ivf"),
              "units": [sum(map(len, part.units[1:])) for part in parts], "decoders": {}}
    for name in DECODERS[codec]:
        for i, part in enumerate(parts):
            part.sums = [p["sum"] for p in streams.decode(encoder.decoder, f"{encoder.build}/part{i}.ivf", name=name)[0]]
        for renumber in (False, True) if codec == "h264" else (False,):
            label = name + (", renumbered" if renumber else "")
            rows = result["decoders"][label] = {}
            for plan_name, plan in plans(len(parts[0].units)).items():
                path = spliced(parts, plan, renumber).write(f"{encoder.build}/spliced.ivf")
                shown, complaints = streams.decode(encoder.decoder, path, name=name)
                rows[plan_name] = (*compare(parts, plan, shown), len(complaints))
    return result
