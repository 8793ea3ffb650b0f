"""Snacks out of the oven: cookie, doughnut, pretzel, waffle."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .palette import (
    CHOCOLATE,
    CREAM,
    DOUGH,
    ICING,
    SPRINKLES,
    darker,
    mix,
    pick,
    vary,
)
from .shapes import (
    block,
    curve,
    dots,
    ellipse,
    lumpy,
    moved,
    polar,
    rectangle,
    scattered,
)


def cookie(canvas: Canvas, rng: np.random.Generator) -> None:
    """A round biscuit with chips, cracked, sometimes bitten."""
    dough = pick(rng, [(206, 150, 86), (184, 122, 66), (222, 172, 108), (110, 70, 44)])
    chips = pick(rng, [CHOCOLATE, (60, 34, 24), (240, 226, 196)]) if dough[0] > 140 else CREAM
    body = lumpy(rng, 0, 0, 0.95, amount=0.035, lobes=8)
    canvas.fill(body, dough, to=darker(dough, 0.88), puff=0.45, grain=0.34, cells=14)
    with canvas.inside(body):
        canvas.stroke(body, 0.12, darker(dough, 0.72), closed=True, opacity=0.35)
        for x, y in scattered(rng, 7, 0.7):
            crack = np.cumsum(rng.normal(0, 0.07, (7, 2)), axis=0) + (x, y)
            canvas.stroke(crack, 0.02, darker(dough, 0.6), opacity=0.6)
        for x, y in scattered(rng, int(rng.integers(16, 40)), 0.8, gap=0.24):
            size = rng.uniform(0.06, 0.12)
            chip = moved(
                lumpy(rng, 0, 0, size, size * 0.8, amount=0.16), x, y, turn=rng.uniform(0, 180)
            )
            canvas.fill(chip, vary(rng, chips, 0.15), puff=0.9, gloss=0.35)
    if rng.random() < 0.25:
        turn = rng.uniform(0, 360)
        for at in (-14, 0, 14):
            canvas.erase(moved(ellipse(1.0, 0, 0.26), turn=turn + at))


def doughnut(canvas: Canvas, rng: np.random.Generator) -> None:
    """A ring with icing and sprinkles, or sugared."""
    dough, icing = vary(rng, DOUGH, 0.1), pick(rng, ICING)
    tilt, hole = rng.uniform(0.72, 1.0), rng.uniform(0.24, 0.36)
    drop = 0.12 * (1.0 - tilt) / 0.3
    ring = [ellipse(0, 0, 0.97, 0.97 * tilt), ellipse(0, drop, hole, hole * tilt)]
    _ring(canvas, ring[0] + (0, drop), ring[1], dough, 0.08)
    if rng.random() < 0.85:
        outer = lumpy(rng, 0, 0, 0.86, 0.86 * tilt, amount=0.05, lobes=9)
        inner = lumpy(rng, 0, 0, hole * 1.3, hole * 1.3 * tilt, amount=0.05)
        _ring(canvas, outer, inner, icing, 0.0, gloss=0.5)
        kind = rng.random()
        if kind < 0.6:
            _sprinkle(canvas, rng, tilt, hole)
        elif kind < 0.85:
            with canvas.inside(_even(outer, inner)):
                zigzag = [(x, 0.9 * (-1) ** k) for k, x in enumerate(np.linspace(-0.9, 0.9, 16))]
                canvas.stroke(
                    moved(np.array(zigzag), turn=rng.uniform(0, 180)),
                    0.06,
                    pick(rng, ICING),
                    puff=0.8,
                )
    else:
        sugar = dots(scattered(rng, 260, 0.9) * (1.0, tilt), 0.015, points=5)
        with canvas.inside(_even(*ring)):
            canvas.fill(sugar, (255, 250, 240), opacity=0.85)
    canvas.erase(ring[1])


def _even(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    # One outline that walks in along a seam and back: a ring without a hole rule.
    return np.concatenate([outer, outer[:1], inner[:1], inner[::-1], outer[:1]])


def _ring(canvas, outer, inner, color, grain: float, gloss: float = 0.15) -> None:
    canvas.fill(_even(outer, inner), color, puff=1, gloss=gloss, grain=grain)


def _sprinkle(canvas, rng, tilt: float, hole: float) -> None:
    turn = rng.uniform(0, 2 * np.pi, 70)
    reach = rng.uniform(hole * 1.4, 0.76, 70)
    color = rng.integers(0, len(SPRINKLES), 70)
    one = rng.random() < 0.2
    for k, paint in enumerate(SPRINKLES):
        chosen = (color == k) if not one else np.full(70, k == 0)
        rods = []
        for a, r in zip(turn[chosen], reach[chosen], strict=True):
            angle = rng.uniform(0, np.pi)
            middle = np.array([r * np.cos(a), r * np.sin(a) * tilt])
            half = 0.045 * np.array([np.cos(angle), np.sin(angle)])
            rods.append(np.stack([middle - half, middle + half]))
        if rods:
            canvas.stroke(rods, 0.04, paint, puff=1)


def pretzel(canvas: Canvas, rng: np.random.Generator) -> None:
    """A knotted pretzel with coarse salt."""
    crust = pick(rng, [(150, 84, 36), (168, 98, 44), (128, 68, 32), (190, 122, 60)])
    thick = rng.uniform(0.2, 0.3)
    arm = _pretzel_arm(rng)
    other = arm * (-1.0, 1.0)
    arch = _arch()
    canvas.stroke(arch, thick * 1.15, crust, puff=1, gloss=0.4, grain=0.14)
    for path in (other, arm):
        canvas.stroke(path, thick * 1.25, darker(crust, 0.45), opacity=0.35)
        canvas.stroke(path, thick, vary(rng, crust, 0.05), puff=1, gloss=0.4, grain=0.14)
    salt = []
    for path in (arch, arm, other):
        at = rng.integers(0, len(path), 16)
        for x, y in path[at] + rng.normal(0, thick * 0.2, (16, 2)):
            grain = rectangle(-0.026, -0.026, 0.026, 0.026) * rng.uniform(0.7, 1.3)
            salt.append(moved(grain, x, y, turn=rng.uniform(0, 90)))
    canvas.fill(salt, (255, 252, 244))


def _arch() -> np.ndarray:
    # The big loop: from the lower left shoulder round the sides to the lower right.
    at = np.radians(np.linspace(-222, 42, 60))
    return np.stack([0.86 * np.cos(at), 0.7 * np.sin(at) - 0.12], axis=-1)


def _pretzel_arm(rng: np.random.Generator) -> np.ndarray:
    # From the lower right shoulder over the twist in the middle to the upper left.
    sway = rng.uniform(-0.06, 0.06)
    first = curve((0.64, 0.35), (0.35, 0.85), (-0.05, 0.62), (0.02 + sway, 0.26), points=24)
    second = curve((0.02 + sway, 0.26), (0.08, -0.05), (-0.28, -0.35), (-0.5, -0.62), points=24)
    return np.concatenate([first, second[1:]])


def waffle(canvas: Canvas, rng: np.random.Generator) -> None:
    """A waffle: square, round or heart-leaved, with syrup, butter or berries."""
    dough = pick(rng, [(222, 162, 74), (206, 140, 60), (232, 180, 96)])
    kind = rng.choice(3, p=[0.4, 0.35, 0.25])
    body = _waffle_outline(int(kind))
    canvas.fill(body, dough, puff=0.2, grain=0.15, gloss=0.1)
    step, bar = 1.84 / int(rng.integers(4, 7)), rng.uniform(0.3, 0.4)
    with canvas.inside(body * 0.93):
        for x in np.arange(-0.92, 0.9, step) + step / 2:
            for y in np.arange(-0.92, 0.9, step) + step / 2:
                _pocket(canvas, rng, x, y, step * (1 - bar) / 2, dough)
    _waffle_topping(canvas, rng)


def _waffle_outline(kind: int) -> np.ndarray:
    if kind == 0:
        return rectangle(-0.95, -0.95, 0.95, 0.95, rounding=0.14)
    if kind == 1:
        return ellipse(0, 0, 0.96)
    turn = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    return polar(0.97 * (0.86 + 0.14 * np.abs(np.sin(2.5 * turn)) ** 0.6))


def _pocket(canvas, rng, x: float, y: float, half: float, dough) -> None:
    # Sunk: its wall towards the light is dark, its floor lies away from the light.
    lamp, tone = 0.22 * half * canvas.lamp, vary(rng, dough, 0.05)
    canvas.fill(block(x, y, half, half, rounding=half * 0.3), mix(dough, (255, 226, 150), 0.35))
    sides = [block(x, y, half * k, half * k, rounding=half * 0.3) for k in (0.86, 0.7)]
    canvas.fill(sides[0] + lamp, darker(tone, 0.62))
    canvas.fill(sides[1] - lamp, darker(tone, 0.8))


def _waffle_topping(canvas: Canvas, rng: np.random.Generator) -> None:
    kind = rng.choice(4, p=[0.3, 0.25, 0.25, 0.2])
    if kind == 0:
        syrup = lumpy(rng, 0, 0, 0.55, 0.5, amount=0.25, lobes=6)
        canvas.fill(syrup, (140, 70, 20), opacity=0.75, puff=0.3, gloss=0.9)
        butter = moved(rectangle(-0.2, -0.16, 0.2, 0.16, rounding=0.05), turn=rng.uniform(0, 90))
        canvas.fill(butter, (255, 232, 130), puff=0.35, gloss=0.3)
    elif kind == 1:
        for x, y in scattered(rng, 9, 0.22):
            canvas.fill(lumpy(rng, x, y, 0.2, amount=0.08), (255, 250, 240), puff=1)
        for x, y in scattered(rng, 4, 0.4, gap=0.3):
            canvas.fill(
                ellipse(x, y, 0.12), pick(rng, [(206, 30, 46), (60, 60, 130)]), puff=1, gloss=0.5
            )
    elif kind == 2:
        sugar = dots(scattered(rng, 120, 0.8), 0.018)
        canvas.fill(sugar, (255, 252, 246), opacity=0.8)
