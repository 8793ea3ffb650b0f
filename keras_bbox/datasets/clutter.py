"""Things on the table that are no snack: plates, boards, napkins, cutlery, mugs, crumbs."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .palette import CHINA, STEEL, Color, darker, mix, pick
from .shapes import beaker, curve, ellipse, lumpy, moved, rectangle, ribbon, rounded, scattered

LINEN: list[Color] = [
    (230, 224, 210),
    (170, 180, 190),
    (196, 170, 150),
    (120, 136, 140),
    (216, 196, 196),
]


def plate(canvas: Canvas, rng: np.random.Generator) -> None:
    """A plate with a rim, perhaps with a ring painted on it."""
    china = pick(rng, CHINA)
    canvas.fill(ellipse(0, 0, 1.0), china, puff=0.1, gloss=0.1)
    if rng.random() < 0.4:
        canvas.stroke(ellipse(0, 0, 0.92), 0.03, pick(rng, LINEN), closed=True)
    canvas.fill(ellipse(0, 0, 0.7), darker(china, 0.86))
    canvas.fill(ellipse(0.012, 0.012, 0.685), darker(china, 0.97))


def board(canvas: Canvas, rng: np.random.Generator) -> None:
    """A wooden board with a handle."""
    wood = pick(rng, [(190, 140, 90), (160, 110, 70), (216, 180, 130)])
    canvas.fill(rectangle(-0.12, -1.0, 0.12, -0.5, rounding=0.1), wood, puff=0.1)
    canvas.fill(
        rectangle(-0.62, -0.62, 0.62, 0.98, rounding=0.12), wood, puff=0.06, grain=0.2, cells=5
    )
    canvas.fill(ellipse(0, -0.86, 0.05), darker(wood, 0.4))


def napkin(canvas: Canvas, rng: np.random.Generator) -> None:
    """A folded napkin."""
    linen = pick(rng, LINEN)
    corners = np.array([(-0.8, -0.7), (0.75, -0.8), (0.85, 0.7), (-0.7, 0.8)])
    canvas.fill(corners + rng.normal(0, 0.07, (4, 2)), linen, puff=0.05, grain=0.12, cells=4)
    fold = curve((-0.75, 0.1), (0.0, -0.06), (0.8, 0.08))
    canvas.stroke(fold, 0.03, darker(linen, 0.78), opacity=0.7)


def fork(canvas: Canvas, rng: np.random.Generator) -> None:
    """A fork, upright."""
    canvas.stroke(
        [np.array([(x, -0.98), (x, -0.6)]) for x in (-0.12, -0.04, 0.04, 0.12)],
        0.035,
        STEEL,
        puff=1,
    )
    canvas.fill(
        rounded([(-0.14, -0.66), (0.14, -0.66), (0.1, -0.4), (-0.1, -0.4)], rounds=2),
        STEEL,
        puff=0.6,
    )
    _handle(canvas, -0.45)


def spoon(canvas: Canvas, rng: np.random.Generator) -> None:
    """A spoon, upright."""
    canvas.fill(ellipse(0, -0.7, 0.2, 0.3), STEEL, puff=0.5, gloss=0.7)
    canvas.fill(ellipse(0, -0.7, 0.14, 0.23), darker(STEEL, 0.8), puff=0.8)
    _handle(canvas, -0.45)


def knife(canvas: Canvas, rng: np.random.Generator) -> None:
    """A table knife, upright."""
    blade = rounded(
        [(-0.08, -0.95), (0.06, -1.0), (0.1, -0.3), (0.08, 0.1), (-0.08, 0.1)], rounds=2
    )
    canvas.fill(blade, mix(STEEL, (255, 255, 255), 0.3), puff=0.3, gloss=0.5)
    _handle(canvas, 0.05)


def _handle(canvas: Canvas, top: float) -> None:
    t = np.linspace(0.0, 1.0, 12)
    path = np.stack([0 * t, top + (0.98 - top) * t], axis=-1)
    canvas.fill(ribbon(path, 0.07 + 0.08 * t), STEEL, puff=0.8, gloss=0.6)


def mug(canvas: Canvas, rng: np.random.Generator) -> None:
    """A mug of coffee or tea from above."""
    china = pick(rng, CHINA)
    canvas.stroke(curve((0.6, -0.15), (1.05, -0.2), (1.05, 0.2), (0.6, 0.15)), 0.16, china, puff=1)
    canvas.fill(ellipse(0, 0, 0.78), china, puff=0.2, gloss=0.2)
    drink = pick(rng, [(88, 56, 36), (150, 104, 70), (60, 38, 28)])
    canvas.fill(ellipse(0, 0, 0.66), drink, to=darker(drink, 1.3), toward=(1, 1))


def jar(canvas: Canvas, rng: np.random.Generator) -> None:
    """A plain jar or vase from the side."""
    china = pick(rng, CHINA)
    wide = rng.uniform(0.4, 0.7)
    canvas.fill(beaker(wide, wide * rng.uniform(0.6, 1.0), -0.95, 0.98), china, puff=0.8, gloss=0.4)
    canvas.fill(ellipse(0, -0.95, wide, 0.08), darker(china, 0.6))


def crumbs(canvas: Canvas, rng: np.random.Generator) -> None:
    """A few crumbs."""
    color = pick(rng, [(180, 130, 80), (220, 190, 150), (90, 80, 70)])
    for x, y in scattered(rng, 14, 0.95):
        crumb = lumpy(rng, x, y, rng.uniform(0.03, 0.09), amount=0.3)
        canvas.fill(crumb, color, puff=1)


def pebble(canvas: Canvas, rng: np.random.Generator) -> None:
    """A smooth shape of no meaning."""
    color = pick(rng, [*CHINA, *LINEN, (120, 150, 130), (170, 120, 110)])
    outline = lumpy(rng, 0, 0, 0.9, rng.uniform(0.5, 0.9), amount=0.16)
    canvas.fill(moved(outline, turn=rng.uniform(0, 180)), color, puff=0.8, gloss=0.2)
