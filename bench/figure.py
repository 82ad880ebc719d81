# SPDX-License-Identifier: GPL-3.0-or-later
"""A measured figure: its values, its limits, and how it is printed."""
import json
import os
import platform

import numpy as np


class Figure:
    """`values` are of one `unit`; `limits` maps a statistic ("median", "p95", "p99", "max") to its limit; without
    limits the figure only informs. If `signed`, values of both signs are errors: the median keeps its sign and is
    judged by its size, percentiles are of sizes. `runs` says what was repeated, `unjudged` why what it would be compared
    with is missing: then there are no limits, and the table says so."""

    def __init__(self, what, values, limits=None, unit="ms", signed=False, runs=None, note="", unjudged=""):
        self.what, self.unit, self.signed, self.unjudged = what, unit, signed, unjudged
        self.note = "; ".join(filter(None, (note, unjudged and f"not judged: {unjudged}")))
        self.limits = not unjudged and limits or {}
        x = np.asarray([v for v in values if v is not None], dtype=float)
        self.count, self.runs = len(x), runs or str(len(x))
        self.values = [round(float(v), 3) for v in x[:20000]]
        sizes = np.abs(x) if signed else x
        self.statistics = {}
        if len(x):
            self.statistics = {"median": float(np.median(x)), "p95": float(np.percentile(sizes, 95)),
                               "p99": float(np.percentile(sizes, 99)), "min": float(x.min()), "max": float(x.max())}

    def judged(self, name):
        value = self.statistics[name]
        if self.signed and name == "max":
            return max(abs(self.statistics["min"]), abs(value))
        return abs(value) if self.signed else value

    def met(self):
        """None if there is no limit, or nothing to judge by; False if there are no values."""
        if not self.limits:
            return None
        return bool(self.statistics) and all(self.judged(k) <= v for k, v in self.limits.items())

    def row(self):
        def number(value):
            if self.unit == "" or abs(value) >= 100:
                return f"{value:.0f}"
            return f"{value:.1f}" if abs(value) >= 1 or value == 0 else f"{value:.3f}"
        limit = ", ".join((f"{k} " if k != "max" or self.unit else "") + f"{v:g} {self.unit}".rstrip()
                          for k, v in self.limits.items()) or "–"
        if not self.statistics:
            return [self.what, limit, "–", "–", "–", self.runs, "NOT JUDGED" if self.unjudged else "NO VALUES"]
        s = self.statistics
        verdict = {None: "NOT JUDGED" if self.unjudged else "", True: "met", False: "NOT MET"}[self.met()]
        return [self.what + (f" ({self.unit})" if self.unit else ""), limit, number(s["median"]),
                f"{number(s['p95'])} / {number(s['p99'])}", f"{number(s['min'])} .. {number(s['max'])}",
                self.runs, verdict]

    def document(self):
        return {"what": self.what, "unit": self.unit, "signed": self.signed, "limits": self.limits, "runs": self.runs,
                "count": self.count, "statistics": {k: round(v, 3) for k, v in self.statistics.items()},
                "met": self.met(), "unjudged": self.unjudged, "note": self.note, "values": self.values}


HEAD = ["what", "limit", "median", "p95 / p99", "min .. max", "runs", ""]


def table(figures):
    """Markdown that also reads well as it is."""
    rows = [HEAD] + [f.row() for f in figures]
    widths = [max(len(r[i]) for r in rows) for i in range(len(HEAD))]
    line = lambda row: "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths)) + " |"
    text = [line(rows[0]), "|" + "|".join("-" * (w + 2) for w in widths) + "|", *map(line, rows[1:])]
    notes = [f"  {f.what}: {f.note}" for f in figures if f.note]
    return "\n".join(text + notes)


def save(path, name, figures, machine, **more):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        json.dump({"name": name, "machine": {"cores": os.cpu_count(), "kernel": platform.release(), **machine},
                   "figures": [f.document() for f in figures], **more}, file, indent=1)
