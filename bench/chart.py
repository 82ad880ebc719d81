# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts results into docs/: tables between marks in a document, and bars as SVG."""
import os
from xml.sax.saxutils import escape

DOCS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs")
WIDTH, LEFT, ROW, TOP = 900, 380, 26, 40


def replace(document, mark, lines):
    """What stands between <!-- MARK --> and <!-- /MARK --> in the document."""
    path = os.path.join(DOCS, document)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    before, rest = text.split(begin)
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + begin + "\n".join(lines) + "\n" + end + rest.split(end)[1])


def median(values):
    return sorted(values)[len(values) // 2]


def bar(number, label, values, floors, scale):
    """The median, a line from the least to the most, and what is the least possible in a darker colour."""
    y, x = TOP + number * ROW, lambda value: LEFT + value * scale
    return (f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{LEFT}" y="{y}" width="{median(values) * scale:.1f}" height="18" fill="#7aa6c2"/>'
            f'<rect x="{LEFT}" y="{y}" width="{median(floors) * scale:.1f}" height="18" fill="#33617f"/>'
            f'<path d="M{x(min(values)):.1f} {y + 9}H{x(max(values)):.1f}" stroke="#222" stroke-width="2"/>'
            f'<text x="{x(max(values)) + 6:.1f}" y="{y + 13}">{median(values):.2f}</text>')


def write(name, title, rows):
    """`rows`: (label, values, floors)."""
    scale = (WIDTH - LEFT - 60) / max(max(values) for _, values, _ in rows)
    height = TOP + len(rows) * ROW + 30
    parts = ["<!-- SPDX-License-Identifier: GPL-3.0-or-later -->",
             f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">'
             f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
             f'<text x="10" y="20" font-size="14">{escape(title)}</text>']
    parts += [bar(number, *row, scale) for number, row in enumerate(rows)]
    parts.append(f'<text x="10" y="{height - 10}">Dark: SRTP and sendto alone. Line: from the least to the most.</text></svg>')
    with open(os.path.join(DOCS, name), "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n")
