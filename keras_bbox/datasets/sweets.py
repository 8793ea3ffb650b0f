"""Sweet snacks: candy and ice cream."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .palette import BRIGHT, CHOCOLATE, Color, darker, mix, pick
from .shapes import (
    curve,
    dots,
    ellipse,
    lumpy,
    moved,
    path_of,
    rectangle,
    scattered,
)

SCOOPS = [
    (248, 226, 180),
    (244, 150, 170),
    (110, 68, 46),
    (176, 214, 160),
    (250, 244, 234),
    (236, 120, 110),
    (176, 150, 210),
]


WRAPPER = np.array(
    [
        (0.36, -0.1),
        (0.7, -0.42),
        (0.8, -0.3),
        (0.96, -0.34),
        (0.9, -0.1),
        (0.99, 0.04),
        (0.9, 0.14),
        (0.94, 0.36),
        (0.78, 0.3),
        (0.7, 0.42),
        (0.36, 0.1),
    ]
)


def wrapped_candy(canvas: Canvas, rng: np.random.Generator) -> None:
    """A sweet in a twisted wrapper, striped or dotted."""
    color, other = pick(rng, BRIGHT), pick(rng, [(255, 250, 244), (250, 230, 120), (240, 240, 250)])
    size = rng.uniform(0.42, 0.5)
    for side in (-1, 1):
        canvas.fill(WRAPPER * (side, 1.0), mix(color, other, 0.25), puff=0.5, gloss=0.4)
        folds = [np.array([(side * 0.4, 0.0), (side * 0.86, y)]) for y in (-0.24, -0.08, 0.1, 0.26)]
        canvas.stroke(folds, 0.03, darker(color, 0.65), opacity=0.6)
    body = lumpy(rng, 0, 0, size * rng.uniform(1.0, 1.25), size, amount=0.02)
    canvas.fill(body, color, puff=1, gloss=0.85)
    kind = rng.random()
    with canvas.inside(body):
        if kind < 0.6:
            ends = [(x - 0.2, x + 0.16, x - 0.1) for x in np.arange(-0.7, 0.9, 0.3)]
            bands = [curve((a, -0.6), (b, 0.0), (c, 0.6)) for a, b, c in ends]
            canvas.stroke(bands, 0.1, other, opacity=0.85)
        elif kind < 0.85:
            canvas.fill(dots(scattered(rng, 20, 0.55, gap=0.2), 0.06, points=12), other)
        glint = ellipse(0, 0, 0.12, 0.07) + 0.5 * size * canvas.lamp
        canvas.fill(glint, (255, 255, 255), opacity=0.4)


def lollipop(canvas: Canvas, rng: np.random.Generator) -> None:
    """A swirl on a stick."""
    first, second = (
        pick(rng, BRIGHT),
        pick(rng, [(255, 248, 240), (255, 232, 150), (250, 214, 226)]),
    )
    canvas.stroke(np.array([(0.0, 0.1), (0.0, 0.95)]), 0.09, (244, 240, 230), puff=1)
    size = rng.uniform(0.52, 0.62)
    disc = ellipse(0, size - 0.98, size)
    canvas.fill(disc, first, puff=0.5, gloss=0.6)
    with canvas.inside(disc):
        if rng.random() < 0.5:
            turns = rng.uniform(2.5, 4.0)
            at = np.linspace(0.0, 2 * np.pi * turns, 110)
            spiral = (size * at / at[-1])[:, None] * np.stack([np.cos(at), np.sin(at)], -1)
            canvas.stroke(spiral + (0, size - 0.98), 0.5 * size / turns, second, puff=0.5)
        else:
            _pinwheel(canvas, size, int(rng.integers(4, 8)), second)
    canvas.fill(disc, first, opacity=0.2, puff=0.7, gloss=1.0)


def _pinwheel(canvas: Canvas, size: float, arms: int, color: Color) -> None:
    reach = np.linspace(0.0, size * 1.05, 18)
    for start in np.linspace(0, 2 * np.pi, arms, endpoint=False):
        sides = []
        for at in (start, start + np.pi / arms):
            bend = at + 1.6 * reach / size
            sides.append(np.stack([reach * np.cos(bend), reach * np.sin(bend)], -1))
        canvas.fill(np.concatenate([sides[0], sides[1][::-1]]) + (0, size - 0.98), color, puff=0.4)


def handful(canvas: Canvas, rng: np.random.Generator) -> None:
    """A handful of sugar-coated sweets."""
    for x, y in scattered(rng, 40, rng.uniform(0.55, 0.75), gap=0.26):
        bean = lumpy(rng, 0, 0, rng.uniform(0.21, 0.25), rng.uniform(0.17, 0.21), amount=0.03)
        bean = moved(bean, x, y, turn=rng.uniform(0, 180))
        canvas.fill(bean, pick(rng, BRIGHT), puff=1, gloss=0.9)


def ice_cream_cone(canvas: Canvas, rng: np.random.Generator) -> None:
    """One to three scoops on a wafer cone."""
    count = int(rng.integers(1, 4))
    size = {1: 0.56, 2: 0.44, 3: 0.33}[count]
    rim = -1.0 + size * (2.0 + 1.15 * (count - 1)) - 0.3 * size
    cone = np.array([(-size * 0.86, rim), (size * 0.86, rim), (0.05, 1.0), (-0.05, 1.0)])
    wafer = pick(rng, [(220, 160, 84), (200, 138, 66)])
    canvas.fill(cone, wafer, to=darker(wafer, 0.75), toward=(1, 0.2), puff=0.5)
    with canvas.inside(cone):
        lines = [
            np.array([(x, -1.0), (x + side * 0.9, 1.1)])
            for x in np.arange(-1.6, 1.6, 0.19)
            for side in (-1, 1)
        ]
        canvas.stroke(lines, 0.03, darker(wafer, 0.6), opacity=0.7)
        canvas.fill(ellipse(0, rim, size, 0.12), darker(wafer, 0.4), opacity=0.5)
    for level in range(count):
        y = rim - 0.4 * size - level * 1.15 * size
        _scoop(canvas, rng, y, size * (1.0 - 0.06 * level), pick(rng, SCOOPS))
    if rng.random() < 0.35:
        canvas.fill(
            ellipse(0.1, rim - size * (1.35 + 1.1 * (count - 1)), 0.11),
            (206, 26, 44),
            puff=1,
            gloss=0.7,
        )


def _scoop(canvas, rng, y: float, size: float, color) -> None:
    skirt = lumpy(rng, 0, y + 0.52 * size, size * 1.04, size * 0.36, amount=0.09, lobes=9)
    canvas.fill(skirt, darker(color, 0.95), puff=0.9, grain=0.12)
    canvas.fill(lumpy(rng, 0, y, size, amount=0.025), color, puff=1, gloss=0.2, grain=0.16)
    if rng.random() < 0.4:
        chips = [
            moved(rectangle(-0.035, -0.02, 0.035, 0.02), x, y + dy, turn=60 * x)
            for x, dy in scattered(rng, 12, size * 0.8)
        ]
        canvas.fill(chips, pick(rng, [CHOCOLATE, (220, 50, 80), (250, 220, 90)]))


def popsicle(canvas: Canvas, rng: np.random.Generator) -> None:
    """An ice lolly on a wooden stick."""
    color, other = pick(rng, BRIGHT), pick(rng, [*SCOOPS, *BRIGHT])
    wide = rng.uniform(0.38, 0.48)
    canvas.fill(rectangle(-0.1, 0.3, 0.1, 0.98, rounding=0.1), (226, 194, 140), puff=0.5, grain=0.1)
    dome = ellipse(0, -0.96 + wide, wide, start=180, stop=360, points=24)
    body = np.concatenate([dome, ellipse(0, 0.46, wide, 0.06, start=0, stop=180, points=24)])
    to = other if rng.random() < 0.5 else None
    canvas.fill(body, color, to=to, puff=0.7, gloss=0.5, grain=0.06)
    with canvas.inside(body):
        for x in (-0.38 * wide, 0.38 * wide):
            canvas.stroke(np.array([(x, -0.6), (x, 0.25)]), 0.1, darker(color, 0.75), opacity=0.3)
        if rng.random() < 0.4:
            across = np.linspace(-0.6, 0.6, 30)
            edge = rng.uniform(-0.6, 0.0) + 0.07 * np.sin(9 * across + rng.uniform(0, 6))
            dip = np.concatenate([path_of(across, edge), [(0.6, -1.2), (-0.6, -1.2)]])
            canvas.fill(dip, pick(rng, [CHOCOLATE, (250, 246, 238), other]), puff=0.5, gloss=0.4)
