"""Snacks under icing and in paper: cake and muffin."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .palette import (
    CHOCOLATE,
    ICING,
    SPRINKLES,
    WHITE,
    darker,
    mix,
    pick,
    vary,
)
from .shapes import (
    beaker,
    block,
    curve,
    dots,
    ellipse,
    leaf,
    lumpy,
    rectangle,
    rounded,
    scattered,
)

SPONGE = [(236, 200, 130), (222, 176, 106), (96, 56, 36), (170, 50, 50), (240, 216, 160)]
PAPERS = [
    (240, 236, 226),
    (120, 78, 50),
    (214, 90, 100),
    (100, 160, 180),
    (236, 196, 90),
    (150, 190, 120),
]
DOME = np.array(
    [
        (-0.84, 0.16),
        (-0.98, -0.12),
        (-0.8, -0.5),
        (-0.4, -0.86),
        (0.1, -0.96),
        (0.52, -0.84),
        (0.86, -0.46),
        (0.98, -0.1),
        (0.82, 0.16),
        (0.3, 0.24),
        (-0.3, 0.24),
    ]
)


def cake_slice(canvas: Canvas, rng: np.random.Generator) -> None:
    """A slice of layer cake, seen from the side."""
    sponge, icing = pick(rng, SPONGE), pick(rng, ICING)
    high, back = rng.uniform(0.62, 0.85), rng.uniform(0.3, 0.5)
    tip, edge = np.array((-0.97, -0.1)), np.array((0.97, -0.1))
    side = np.array([tip, edge, edge + (0, high), tip + (0, high)])
    canvas.fill(side, sponge, to=darker(sponge, 0.82), puff=0.08, grain=0.22, cells=14)
    with canvas.inside(side):
        layers = int(rng.integers(2, 4))
        for y in np.linspace(-0.1, high - 0.1, layers + 1)[1:-1]:
            wave = curve((-1.1, y), (-0.3, y + 0.06), (0.3, y - 0.04), (1.1, y + 0.02))
            canvas.stroke(wave, 0.09, mix(icing, (255, 250, 240), 0.3), puff=0.8)
        canvas.fill(rectangle(0.86, -0.2, 1.1, 1.0), icing, puff=0.3)
        drips = [
            rectangle(x, -0.3, x + 0.16, rng.uniform(0.02, 0.22), rounding=0.08)
            for x in np.arange(-1.0, 1.0, 0.17)
        ]
        canvas.fill([*drips, rectangle(-1.1, -0.3, 1.1, 0.0)], icing, puff=0.6, gloss=0.1)
    rim = curve((0.97, -0.1), (0.9, -0.1 - 0.7 * back), (0.5, -0.1 - back), points=12)
    top = np.concatenate([[tip], rim])
    canvas.fill(top, mix(icing, WHITE, 0.25), puff=0.12)
    for x, y in [(0.5, -0.12 - 0.45 * back), (-0.05, -0.12 - 0.2 * back)][
        : int(rng.integers(0, 3))
    ]:
        _rosette(canvas, rng, x, y - 0.04, icing, 0.9)


def whole_cake(canvas: Canvas, rng: np.random.Generator) -> None:
    """A round cake with dripping icing and candles or cherries."""
    body, icing = pick(rng, [*SPONGE, *ICING]), pick(rng, ICING)
    high, tilt = rng.uniform(0.6, 0.85), rng.uniform(0.2, 0.3)
    top, deep, candles = 0.9 - high, 0.93 * tilt, rng.random() < 0.6
    wall = beaker(0.93, 0.93, top, 0.9, sag=deep)
    canvas.fill(wall, darker(body, 1.15), to=darker(body, 0.55), toward=(1, 0.2), grain=0.05)
    with canvas.inside(wall):
        for y in (0.35 * top + 0.5 * 0.6, 0.7):
            layer = ellipse(0, y - 0.1, 0.94, deep, start=0, stop=180)
            canvas.stroke(layer, 0.06, icing, opacity=0.8)
    drips = []
    for x in np.arange(-0.94, 0.85, 0.17):
        rim = top + deep * np.sqrt(max(0.0, 1.0 - (x + 0.08) ** 2))
        drips.append(rectangle(x, top, x + 0.16, rim + rng.uniform(0.06, 0.3), rounding=0.08))
    canvas.fill(drips, icing, puff=0.7, gloss=0.15)
    canvas.fill(ellipse(0, top, 0.96, 0.96 * tilt), mix(icing, WHITE, 0.12), puff=0.15)
    ring = ellipse(0, top, 0.68, 0.68 * tilt, start=0, points=7)
    for x, y in sorted(ring, key=lambda spot: spot[1]):
        if candles:
            _candle(canvas, rng, x, y)
        else:
            _rosette(canvas, rng, x, y - 0.06, icing, 0.8)


def _candle(canvas: Canvas, rng: np.random.Generator, x: float, y: float) -> None:
    wax = block(x, y - 0.18, 0.035, 0.18, rounding=0.02)
    canvas.fill(wax, pick(rng, SPRINKLES), puff=1)
    canvas.fill(leaf((x, y - 0.58), (x, y - 0.36), 0.12), (250, 150, 40))
    canvas.fill(leaf((x, y - 0.5), (x, y - 0.36), 0.06), (255, 240, 160))


def _rosette(canvas, rng, x: float, y: float, icing, scale: float = 1.0) -> None:
    cream = mix(icing, (255, 252, 244), 0.6)
    canvas.fill(lumpy(rng, x, y, 0.2 * scale, 0.13 * scale, amount=0.12), cream, puff=1)
    canvas.fill(
        lumpy(rng, x, y - 0.08 * scale, 0.13 * scale, 0.1 * scale, amount=0.1), cream, puff=1
    )
    fruit = pick(rng, [(206, 28, 44), (190, 20, 50)])
    canvas.fill(ellipse(x, y - 0.2 * scale, 0.1 * scale), fruit, puff=1, gloss=0.7)


def muffin(canvas: Canvas, rng: np.random.Generator) -> None:
    """A muffin in its pleated paper, with chips or berries, or a cupcake with a swirl."""
    _cup(canvas, rng, pick(rng, PAPERS))
    if rng.random() < 0.3:
        _swirl(canvas, rng)
        return
    crust = pick(rng, [(206, 146, 80), (178, 116, 62), (98, 60, 40), (224, 180, 110)])
    berries = pick(rng, [CHOCOLATE, (52, 54, 110), (150, 30, 50), (240, 226, 200)])
    top = rounded(DOME * rng.uniform(0.96, 1.03, (len(DOME), 1)))
    canvas.fill(top, crust, to=darker(crust, 0.9), puff=0.9, grain=0.3, cells=12)
    with canvas.inside(top):
        for x, y in scattered(rng, 34, 1.0, gap=0.26) * (0.85, 0.5) + (0.0, -0.38):
            berry = lumpy(rng, x, y, rng.uniform(0.06, 0.11), amount=0.08)
            canvas.fill(berry, vary(rng, berries, 0.15), puff=1, gloss=0.4)
        for x, y in scattered(rng, 8, 0.7) * (1, 0.5) + (0, -0.35):
            crack = np.cumsum(rng.normal(0, 0.06, (6, 2)), axis=0) + (x, y)
            canvas.stroke(crack, 0.025, darker(crust, 0.65), opacity=0.5)


def _cup(canvas: Canvas, rng: np.random.Generator, paper: tuple) -> None:
    cup = beaker(0.82, 0.58, 0.0, 0.98)
    canvas.fill(cup, darker(paper, 1.08), to=darker(paper, 0.68), toward=(1, 0.1))
    with canvas.inside(cup):
        pleats = [np.array([(0.86 * x, -0.05), (0.6 * x, 1.0)]) for x in np.linspace(-1, 1, 13)]
        canvas.stroke(pleats, 0.05, darker(paper, 0.66), opacity=0.6)
        if rng.random() < 0.4:
            spots = scattered(rng, 40, 1.0, gap=0.2) * (0.8, 0.5) + (0, 0.5)
            canvas.fill(dots(spots, 0.05, points=10), pick(rng, SPRINKLES), opacity=0.8)


def _swirl(canvas: Canvas, rng: np.random.Generator) -> None:
    cream = pick(rng, ICING)
    for level, (y, half) in enumerate([(0.08, 0.95), (-0.2, 0.76), (-0.46, 0.55), (-0.7, 0.32)]):
        lean = 0.05 * (-1) ** level
        bulge = rounded(
            [(-half, y + 0.14), (-half, y - 0.12), (half, y - 0.2 - lean), (half, y + 0.1 - lean)],
            rounds=4,
        )
        canvas.fill(bulge, mix(cream, WHITE, 0.06 * level), puff=0.9, gloss=0.2)
    canvas.fill(rounded([(-0.22, -0.74), (0.02, -1.02), (0.2, -0.76)], rounds=2), cream, puff=0.9)
    rods = [
        np.array([(x, y), (x + dx, y + dy)])
        for (x, y), (dx, dy) in zip(
            scattered(rng, 24, 0.7) * (1, 0.6) + (0, -0.25),
            rng.normal(0, 0.05, (24, 2)),
            strict=True,
        )
    ]
    for k, paint in enumerate(SPRINKLES[:3]):
        canvas.stroke(rods[k::3], 0.04, paint)
