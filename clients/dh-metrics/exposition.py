# SPDX-License-Identifier: GPL-3.0-or-later
"""The text format of Prometheus (version 0.0.4). See main.py for how the parts come together."""
import math


class Fault(Exception):
    """Why there are no metrics, in words for the operator."""


def escaped(text):
    return str(text).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Fault("a number is expected, not %r" % (value,))
    return repr(value)


class Exposition:
    """Families of metrics in the order in which they were begun; the samples of one come together."""

    def __init__(self):
        self.families = {}

    def family(self, name, kind, about):
        return self.families.setdefault(name, (kind, about, []))[2]

    def add(self, name, kind, about, value, /, **labels):
        if value is not None:
            self.family(name, kind, about).append((name, labels, number(value)))

    def gauge(self, name, about, value, /, **labels):
        self.add(name, "gauge", about, value, **labels)

    def counter(self, name, about, value, /, **labels):
        self.add(name, "counter", about, value, **labels)

    def histogram(self, name, about, le_ms, histogram, /, **labels):
        """One of the plugin's, whose counts are of each bucket alone."""
        samples, total = self.family(name, "histogram", about), 0
        if len(histogram["counts"]) != len(le_ms) + 1:
            raise Fault("%s: one count more than edges is expected" % name)
        for count, edge in zip(histogram["counts"], [repr(ms / 1000) for ms in le_ms] + ["+Inf"]):
            total += count
            samples.append((name + "_bucket", {**labels, "le": edge}, number(total)))
        samples.append((name + "_sum", labels, number(histogram["sum_ms"] / 1000)))
        samples.append((name + "_count", labels, number(total)))

    def text(self):
        lines = []
        for name, (kind, about, samples) in self.families.items():
            lines += ["# HELP %s %s" % (name, about), "# TYPE %s %s" % (name, kind)]
            for sample, labels, value in samples:
                inner = ",".join('%s="%s"' % (label, escaped(of)) for label, of in labels.items())
                lines.append("%s%s %s" % (sample, "{%s}" % inner if inner else "", value))
        return "\n".join(lines) + "\n"
