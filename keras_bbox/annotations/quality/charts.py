"""Bars and a heat map as SVG, which a page shows without any library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

BAR_COLORS = ("#1e78d2", "#e08a00", "#2f9e6e", "#c2407a", "#7a5fd0")
ROW_HEIGHT = 20
LABEL_WIDTH = 150
BARS_WIDTH = 330
MOST_CLASSES = 60


def class_bars(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Bars of the boxes of each class, one color for each split, the most frequent class first."""
    totals: dict[str, int] = {}
    for own in counts.values():
        for name, number in own.items():
            totals[name] = totals.get(name, 0) + number
    names = sorted(totals, key=lambda name: (-totals[name], name))[:MOST_CLASSES]
    most = max(totals.values(), default=1)
    parts = []
    for place, name in enumerate(names):
        parts.append(_label(LABEL_WIDTH - 6, place * ROW_HEIGHT + 14, _short(name), "end"))
        x: float = LABEL_WIDTH
        for color, (split, own) in zip(_colors(len(counts)), counts.items(), strict=True):
            width = BARS_WIDTH * own.get(name, 0) / most
            title = f"{split} {name}: {own.get(name, 0)}".strip()
            parts.append(_rect(x, place * ROW_HEIGHT + 3, width, ROW_HEIGHT - 6, color, title))
            x += width
        parts.append(_label(x + 5, place * ROW_HEIGHT + 14, f"{totals[name]:,}", "start"))
    return _svg(LABEL_WIDTH + BARS_WIDTH + 60, ROW_HEIGHT * len(names) + 2, parts)


def legend(splits: Sequence[str]) -> str:
    """Names the colors of the splits, if there are several."""
    if len(splits) < 2:
        return ""
    marks = zip(_colors(len(splits)), splits, strict=True)
    return "<p>" + " ".join(
        f'<span style="color:{color}">&#9632;</span> {escape(split)}' for color, split in marks
    ) + "</p>"  # fmt: skip


def histogram(counts: Sequence[int], ticks: Mapping[float, str]) -> str:
    """Upright bars; ``ticks`` names some of their edges."""
    width, height = 360, 150
    most = max([*counts, 1])
    step = width / max(len(counts), 1)
    parts = []
    for place, number in enumerate(counts):
        bar = height * number / most
        parts.append(
            _rect(place * step + 0.5, height - bar, step - 1, bar, BAR_COLORS[0], f"{number:,}")
        )
    for tick, text in ticks.items():
        parts.append(_label(tick * step, height + 15, text, "middle"))
    return _svg(width, height + 20, parts, margin=20)


def heat_map(cells: Sequence[Sequence[int]]) -> str:
    """A square of cells, the more the darker, the top left of the image at the top left."""
    side = 240 / max(len(cells), 1)
    most = max([*(number for row in cells for number in row), 1])
    parts = [_rect(0, 0, 240, 240, "#1e78d2", "", opacity=0.06)]
    for y, row in enumerate(cells):
        for x, number in enumerate(row):
            if number:
                opacity = 0.1 + 0.9 * number / most
                parts.append(
                    _rect(x * side, y * side, side, side, "#0b4f96", f"{number:,}", opacity)
                )
    return _svg(240, 240, parts)


def _colors(number: int) -> list[str]:
    return [BAR_COLORS[place % len(BAR_COLORS)] for place in range(number)]


def _short(text: str, longest: int = 22) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _rect(
    x: float, y: float, width: float, height: float, color: str, title: str, opacity: float = 1.0
) -> str:
    tip = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{color}" fill-opacity="{opacity:.2f}">{tip}</rect>'
    )


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(width: float, height: float, parts: Sequence[str], margin: int = 0) -> str:
    return (
        f'<svg width="{width + 2 * margin:.0f}" height="{height:.0f}" '
        f'viewBox="{-margin} 0 {width + 2 * margin:.0f} {height:.0f}">{"".join(parts)}</svg>'
    )
