# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the text format of Prometheus (version 0.0.4), and refuses what a server need not take, or the naming guide does
not want.

    families = parse(text)
    families["digitalhuman_viewers"].samples[("digitalhuman_viewers", ())]        # -> 3.0
"""
import collections
import math
import re

Family = collections.namedtuple("Family", "kind about samples")
NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|(?=\}))')
SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
ENDINGS = ("_bucket", "_sum", "_count")
# What a name must not have: units that are no base units, and types.
UNWANTED = re.compile(r"_(ms|milliseconds|us|minutes|kb|mb|bits|percent|gauge|counter|histogram)(_|$)")


def must(condition, *why):
    if not condition:
        raise ValueError(" ".join(map(str, why)))


def unescaped(text):
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text)


def labels_of(text):
    found, at = [], 0
    while at < len(text):
        match = LABEL.match(text + "}", at)
        must(match, "labels:", text)
        must(not match[1].startswith("__"), "a reserved label:", text)
        found.append((match[1], unescaped(match[2])))
        at = match.end()
    must(len(dict(found)) == len(found), "a label twice:", text)
    return tuple(sorted(found))


def value_of(text):
    must(re.fullmatch(r"[+-]?(\d+(\.\d*)?([eE][+-]?\d+)?|Inf|NaN)", text), "a number:", text)
    return float(text.replace("Inf", "inf").replace("NaN", "nan"))


def check_histogram(name, samples):
    """Each set of labels has ascending edges to +Inf, counts that do not fall, a sum and a count."""
    series = collections.defaultdict(list)
    for (sample, labels), value in samples.items():
        if sample == name + "_bucket":
            must("le" in dict(labels), name, "has a bucket without an edge")
            rest = tuple(pair for pair in labels if pair[0] != "le")
            series[rest].append((value_of(dict(labels)["le"]), value))
        else:
            must(sample in (name + "_sum", name + "_count"), name, "has a sample", sample)
            must("le" not in dict(labels), sample, "has an edge")
    must({labels for sample, labels in samples if sample != name + "_bucket"} == set(series), name, "lacks buckets")
    for labels, buckets in series.items():
        edges, counts = zip(*buckets)
        must(list(edges) == sorted(set(edges)) and edges[-1] == math.inf, name, labels, "edges:", edges)
        must(list(counts) == sorted(counts), name, labels, "counts:", counts)
        must(samples[name + "_count", labels] == counts[-1], name, labels, "count:", counts[-1])
        must(samples[name + "_sum", labels] >= 0, name, labels, "sum")


def check_family(name, family):
    must(not UNWANTED.search(name), "the name", name)
    must(family.samples, name, "has no samples")
    must((family.kind == "counter") == name.endswith("_total"), name, "is a", family.kind)
    must(family.about.strip() and family.about.endswith("."), name, "is not explained:", family.about)
    if family.kind == "histogram":
        check_histogram(name, family.samples)
        return
    for (sample, labels), value in family.samples.items():
        must(sample == name, name, "has a sample", sample)
        must(family.kind == "gauge" or 0 <= value < math.inf, name, labels, "is", value)


def family_of(sample, families):
    for ending in ENDINGS:
        base = sample[:-len(ending)]
        if sample.endswith(ending) and base in families and families[base].kind == "histogram":
            return base
    return sample


def parse(text):
    """Families by name. ValueError says what is wrong."""
    families, abouts, current = {}, {}, None
    must(text.endswith("\n") and "\r" not in text, "the end of the last line")
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, _, about = line[7:].partition(" ")
            must(NAME.fullmatch(name) and name not in abouts, "HELP:", line)
            must(not re.search(r"\\[^\\n]|\\$", about), "an escape:", line)
            abouts[name] = about
        elif line.startswith("# TYPE "):
            name, _, kind = line[7:].partition(" ")
            must(name in abouts and name not in families, "TYPE:", line)
            must(kind in ("gauge", "counter", "histogram"), "TYPE:", line)
            families[name], current = Family(kind, abouts[name], {}), name
        else:
            match = SAMPLE.fullmatch(line)
            must(match, "a sample:", line)
            must(family_of(match["name"], families) == current, "a sample apart from its family:", line)
            key = match["name"], labels_of(match["labels"] or "")
            must(key not in families[current].samples, "twice:", line)
            families[current].samples[key] = value_of(match["value"])
    must(set(abouts) == set(families), "HELP without TYPE")
    for name, family in families.items():
        check_family(name, family)
    return families
