"""A page that needs no other file: its shell, tables, and pictures with boxes."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

STYLE = """
:root { color-scheme: light dark; --line: #8884; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1180px; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .2rem; }
table { border-collapse: collapse; font-size: .9rem; margin: .5rem 0; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; font-variant-numeric: tabular-nums; }
td.number { text-align: right; }
.gallery, .charts { display: flex; flex-wrap: wrap; gap: 1rem 2rem; margin: .6rem 0; }
.gallery { gap: 1rem; } figure { margin: 0; }
figcaption, .small { font-size: .8rem; opacity: .8; max-width: 260px; overflow-wrap: anywhere; }
svg { display: block; } svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
.matrix td { text-align: center; padding: .2rem .5rem; border: 1px solid var(--line); }
"""


class Mark(NamedTuple):
    """A box to draw over a picture.

    Attributes:
        box: ``rel_xyxy``.
        color: Of the line, in CSS.
        dashed: Whether the line is.
        title: Shown when the pointer rests on it.
    """

    box: Sequence[float]
    color: str
    dashed: bool = False
    title: str = ""


def page(title: str, sections: Iterable[str], style: str = "") -> str:
    """Joins sections of HTML into a page.

    Args:
        title: Its title, as text.
        sections: HTML.
        style: CSS besides the page's own.

    Returns:
        The page.
    """
    body = "\n".join(sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers stand at the right of their cells.

    Args:
        head: The names of the columns.
        rows: Their cells, as text or numbers.

    Returns:
        HTML.
    """
    names = "".join(f"<th>{escape(str(name))}</th>" for name in head)
    lines = ["<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows]
    return f"<table><tr>{names}</tr>{''.join(lines)}</table>"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f'<td class="number">{value:.3f}</td>'
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{escape(str(value))}</td>"


def picture(jpeg: bytes, height: int, width: int, marks: Sequence[Mark], caption: str) -> str:
    """A picture with boxes drawn over it and a line of text below.

    Args:
        jpeg: The bytes of a JPEG file.
        height: Its height in pixels.
        width: Its width in pixels.
        marks: The boxes.
        caption: The text.

    Returns:
        HTML.
    """
    data = base64.b64encode(jpeg).decode()
    boxes = "".join(_rectangle(mark, height, width) for mark in marks)
    return (
        f'<figure><svg width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<image width="{width}" height="{height}" href="data:image/jpeg;base64,{data}"/>'
        f"{boxes}</svg><figcaption>{escape(caption)}</figcaption></figure>"
    )


def _rectangle(mark: Mark, height: int, width: int) -> str:
    x1, y1, x2, y2 = (
        value * size for value, size in zip(mark.box, (width, height, width, height), strict=True)
    )
    place = (
        f'x="{x1:.1f}" y="{y1:.1f}" width="{max(x2 - x1, 0):.1f}" height="{max(y2 - y1, 0):.1f}"'
    )
    dashes = ' stroke-dasharray="6 3"' if mark.dashed else ""
    # Black under the color, to be seen on any picture.
    return (
        f'<rect {place} fill="none" stroke="#000" stroke-width="3.5" stroke-opacity=".6"/>'
        f'<rect {place} fill="none" stroke="{mark.color}" stroke-width="2"{dashes}>'
        f"<title>{escape(mark.title)}</title></rect>"
    )


def section(title: str, *parts: str) -> str:
    """A part of a page with a heading."""
    return f"<h2>{escape(title)}</h2>\n" + "\n".join(parts)


def paragraph(text: str) -> str:
    """Text, escaped."""
    return f"<p>{escape(text)}</p>"


def line_chart(
    points: Sequence[tuple[float, float]],
    x_name: str,
    y_name: str,
    *,
    counts: Sequence[int] = (),
    diagonal: bool = False,
) -> str:
    """A line from 0 to 1 on both axes.

    Args:
        points: ``x, y`` in [0, 1].
        x_name: What x is.
        y_name: What y is.
        counts: How much each point stands for: it is drawn as a disc of that area.
        diagonal: Whether to draw the line y = x for comparison.

    Returns:
        SVG.
    """
    side, left, top = 240, 40, 10
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = left + tick * side, top + (1 - tick) * side
        parts.append(f'<path d="M{left} {y}h{side}M{x} {top}v{side}" stroke="var(--line)"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{tick:g}</text>')
        parts.append(f'<text x="{x}" y="{top + side + 16}" text-anchor="middle">{tick:g}</text>')
    if diagonal:
        parts.append(
            f'<path d="M{left} {top + side}L{left + side} {top}" stroke="currentColor" '
            'stroke-opacity=".4" stroke-dasharray="4 4"/>'
        )
    places = [(left + x * side, top + (1 - y) * side) for x, y in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts.append(f'<polyline points="{line}" fill="none" stroke="#1e78d2" stroke-width="2"/>')
    for (x, y), count in zip(places, counts, strict=bool(counts)):
        radius = max(2.0, 12 * math.sqrt(count / sum(counts)))
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#1e78d2" fill-opacity=".6">'
            f"<title>{count}</title></circle>"
        )
    middle = left + side / 2
    parts.append(
        f'<text x="{middle}" y="{top + side + 34}" text-anchor="middle">{escape(x_name)}</text>'
    )
    return (
        f'<div><div class="small">{escape(y_name)}</div>'
        f'<svg width="{left + side + 20}" height="{top + side + 42}">{"".join(parts)}</svg></div>'
    )
