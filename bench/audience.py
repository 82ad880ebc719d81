# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audience is sent, judged by itself and not beside another plugin: whether anything is lost, and how late it is."""
import sys

from figure import Figure
from versus import LOOPS, measured, ours

# So many viewers: their pictures' lateness p99 on a quiet machine, in ms, where each has a thread of Janus.
LATE_MS = {100: 1.5, 200: 10}
SHORT_S = 60        # where nothing is counted that is rare


def audience(material, minutes, viewers=None, seconds=None):
    """Packets lost and lateness of a hundred viewers and, for so many minutes, of two hundred, in a room that speaks."""
    out, (few, many) = [], LATE_MS
    for count in [viewers] if viewers else LATE_MS:
        for loops in LOOPS if count >= many or viewers else ["off"]:
            lasts = seconds or (minutes * 60 if count >= many else SHORT_S)
            what = f"{count} viewers, {loops}"
            print(f"  {what}, {lasts:g} s", file=sys.stderr, flush=True)
            found = measured(ours(material, LOOPS[loops], True), count, lasts)
            limit = {"max": LATE_MS[few if count <= few else many]} if loops == "off" else None
            out.append(Figure(f"lateness p99 of pictures, {what}", [found["late"]], limit, runs=f"{lasts:g} s"))
            out.append(Figure(f"packets lost, {what}", [found["lost"]], {"max": 0}, unit="", runs=f"{lasts:g} s"))
    return out
