"""Snacks from the garden bed: carrot, salad, strawberry, watermelon."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .palette import LEAF, darker, mix, pick, vary
from .shapes import curve, dots, ellipse, leaf, lumpy, moved, polar, ribbon, rounded, scattered


def carrot(canvas: Canvas, rng: np.random.Generator) -> None:
    """One carrot or a small bunch, with or without its greens."""
    count = int(rng.choice([1, 2, 3], p=[0.65, 0.2, 0.15]))
    top = rng.uniform(-0.62, -0.3) if rng.random() < 0.8 else -0.9
    root = pick(rng, [(238, 118, 30), (232, 104, 26), (246, 134, 44)])
    if top > -0.8:
        for _ in range(4 + 3 * count):
            _frond(canvas, rng, top, rng.normal(0, 17 + 4 * count))
    for turn in np.linspace(-13.0, 13.0, count) if count > 1 else [0.0]:
        _root(canvas, rng, top, vary(rng, root, 0.06), turn, 0.36 if count == 1 else 0.27)


def _root(canvas, rng, top: float, color, turn: float, width: float) -> None:
    t = np.linspace(0.0, 1.0, 30)
    path = np.stack([rng.uniform(-0.12, 0.12) * t**2, (0.98 - top) * t], axis=-1)
    profile = width * rng.uniform(0.85, 1.2) * (1.0 - 0.9 * t**1.25) * np.minimum(1.0, 0.62 + 6 * t)
    body = moved(rounded(ribbon(path, profile), rounds=1), 0, top, turn=-turn)
    canvas.fill(body, color, to=mix(color, (250, 160, 70), 0.3), puff=1, gloss=0.3, grain=0.08)
    with canvas.inside(body):
        rings = []
        for at in np.sort(rng.uniform(0.04, 0.92, 13)):
            x = rng.uniform(-0.16, 0.16)
            reach = rng.uniform(0.05, 0.12)
            y = at * (0.98 - top)
            rings.append(
                moved(curve((x - reach, y), (x, y + 0.025), (x + reach, y)), 0, top, turn=-turn)
            )
        canvas.stroke(rings, 0.018, darker(color, 0.62), opacity=0.7)
        cap = moved(ellipse(0, 0, 0.12, 0.05), 0, top, turn=-turn)
        canvas.fill(cap, (110, 130, 50), opacity=0.7)


def _frond(canvas, rng, top: float, turn: float) -> None:
    length = (1.0 + top) * rng.uniform(0.8, 1.25)
    green = vary(rng, LEAF, 0.16)
    stalk = curve((0, 0.05), (0, -length * 0.6), (rng.uniform(-0.15, 0.15), -length))
    canvas.stroke(moved(stalk, 0, top, turn=turn), 0.035, green)
    leaves = []
    for at in range(9, 28, 3):
        x, y = stalk[at]
        for side in (-1, 1):
            tip = (x + side * rng.uniform(0.06, 0.13), y - rng.uniform(0.04, 0.12))
            leaves.append(moved(leaf(tip, (x, y), 0.07), 0, top, turn=turn))
    canvas.fill(leaves[::2], green)
    canvas.fill(leaves[1::2], darker(green, 0.8))


def strawberry(canvas: Canvas, rng: np.random.Generator) -> None:
    """A strawberry with seeds and its green cap; some are cut in half."""
    red = pick(rng, [(214, 30, 40), (196, 22, 36), (228, 52, 48)])
    wide = rng.uniform(0.68, 0.86)
    body = _berry_outline(rng, wide)
    canvas.fill(body, red, to=darker(red, 0.85), puff=1, gloss=0.4, grain=0.05)
    with canvas.inside(body):
        if rng.random() < 0.2:
            inner = body * (0.86, 0.86) + (0, 0.02)
            canvas.fill(inner, (246, 150, 130), to=(226, 60, 60), grain=0.1)
            canvas.fill(leaf((0, 0.55), (0, -0.5), 0.4), (255, 226, 210), opacity=0.8)
        else:
            _seeds(canvas, rng, red)
    _cap(canvas, rng)


def _berry_outline(rng: np.random.Generator, wide: float) -> np.ndarray:
    half = [
        (0.0, 0.98),
        (0.3, 0.8),
        (0.7, 0.3),
        (1.0, -0.25),
        (0.9, -0.62),
        (0.45, -0.72),
        (0.0, -0.66),
    ]
    right = np.array(half) * (wide, 1.0) * rng.uniform(0.94, 1.06, (7, 1)) ** (1.0, 0.0)
    left = right[1:-1][::-1] * (-1.0, 1.0)
    return rounded(np.concatenate([right, left]))


def _seeds(canvas: Canvas, rng: np.random.Generator, red: tuple) -> None:
    pits, seeds = [], []
    for row, y in enumerate(np.arange(-0.52, 0.9, 0.2)):
        for x in np.arange(-0.88, 0.9, 0.24) + 0.12 * (row % 2):
            at = x * (1.0 - 0.25 * max(y, 0.0)) + rng.normal(0, 0.012)
            pits.append(ellipse(at, y, 0.045, 0.06, points=10))
            seeds.append(leaf((at, y - 0.05), (at, y + 0.05), 0.06))
    canvas.fill(pits, darker(red, 0.6), opacity=0.5)
    canvas.fill(seeds, (246, 212, 110))


def _cap(canvas: Canvas, rng: np.random.Generator) -> None:
    green = pick(rng, [(84, 150, 56), (104, 162, 66)])
    canvas.stroke(
        curve((0, -0.66), (0, -0.8), (rng.uniform(-0.15, 0.15), -0.98)), 0.06, green, puff=1
    )
    for turn in np.linspace(-105, 105, int(rng.integers(6, 9))) + rng.normal(0, 6):
        blade = leaf((0, rng.uniform(0.4, 0.52)), (0, -0.06), 0.2)
        blade = moved(blade, turn=turn) * (1.0, 0.62) + (0.0, -0.66)
        canvas.fill(blade, vary(rng, green, 0.12), puff=0.9)


def watermelon(canvas: Canvas, rng: np.random.Generator) -> None:
    """A wedge, a half slice, a round slice or a whole melon."""
    kind = rng.choice(4, p=[0.35, 0.3, 0.1, 0.25])
    if kind == 3:
        _melon(canvas, rng)
        return
    rind = pick(rng, [(46, 112, 48), (60, 128, 54), (38, 90, 44)])
    flesh = pick(rng, [(230, 58, 66), (238, 80, 78), (216, 44, 58)])
    if kind == 0:
        half = rng.uniform(26, 38)
        layers = [_wedge(r, half) for r in (1.0, 0.93, 0.87)]
        layers = [(layer - (0, 0.5)) * 1.75 / 1.7 for layer in layers]
    else:
        stop = 180 if kind == 1 else 360
        layers = [ellipse(0, 0, r, start=0, stop=stop) for r in (0.98, 0.92, 0.86)]
    canvas.fill(layers[0], rind, puff=0.15, grain=0.15)
    canvas.fill(layers[1], (226, 236, 184))
    canvas.fill(layers[2], flesh, puff=0.12, grain=0.14, cells=12)
    with canvas.inside(layers[2]):
        _pips(canvas, rng, layers[2])


def _wedge(radius: float, half: float) -> np.ndarray:
    arc = ellipse(0, -0.55, 1.7 * radius, start=90 - half, stop=90 + half, points=24)
    return np.concatenate([[(0.0, -0.55)], arc])


def _pips(canvas: Canvas, rng: np.random.Generator, flesh: np.ndarray) -> None:
    low, high = flesh.min(axis=0) * 0.9, flesh.max(axis=0) * 0.9
    pips: list[np.ndarray] = []
    for x, y in rng.uniform(low, high, (34, 2)):
        if all(np.hypot(*(pip[0] - (x, y))) > 0.22 for pip in pips):
            pips.append(moved(leaf((0, -0.07), (0, 0.06), 0.085), x, y, turn=rng.uniform(-40, 40)))
    canvas.fill(pips, (44, 26, 24), puff=1, gloss=0.5)


def _melon(canvas: Canvas, rng: np.random.Generator) -> None:
    light = pick(rng, [(120, 170, 84), (142, 184, 100), (96, 150, 76)])
    tall = rng.uniform(0.68, 0.95)
    body = lumpy(rng, 0, 0, 0.97, tall, amount=0.012)
    canvas.fill(body, light, puff=1, gloss=0.4, grain=0.1)
    with canvas.inside(body):
        t = np.linspace(-1.0, 1.0, 30)
        for bow in np.linspace(-0.86, 0.86, 7):
            wiggle = 0.035 * np.interp(t, np.linspace(-1, 1, 14), rng.uniform(-1, 1, 14))
            path = np.stack([t, tall * (bow * np.sqrt(1.02 - t**2) + wiggle)], axis=-1)
            band = ribbon(path, 0.15 * np.sqrt(1.04 - t**2) * rng.uniform(0.6, 1.3, 30))
            canvas.fill(band, darker(light, 0.42), opacity=0.8)
    # The stripes are flat: light them with the body once more.
    canvas.fill(body, (20, 40, 20), opacity=0.12, puff=1)
    canvas.stroke(curve((-0.95, 0), (-1.0, -0.04), (-1.03, -0.1)), 0.06, (140, 120, 70), puff=1)


def salad(canvas: Canvas, rng: np.random.Generator) -> None:
    """A bowl of leaves, tomato, cucumber, onion and corn, seen from above or aslant."""
    tilt = rng.choice([1.0, 0.62, 0.75])
    bowl = pick(
        rng, [(240, 238, 232), (150, 98, 56), (70, 110, 140), (226, 200, 150), (60, 62, 70)]
    )
    depth = 0.9 * (1.0 - tilt)
    if depth > 0:
        base = ellipse(0, 0, 0.97, 0.97 * tilt, start=0, stop=180)
        foot = ellipse(0, depth + 0.05, 0.5, 0.3 * tilt, start=0, stop=180)
        canvas.fill(np.concatenate([base, foot[::-1] * (-1, 1)]), bowl, puff=0.6, gloss=0.15)
    canvas.fill(ellipse(0, 0, 0.98) * (1, tilt), bowl, puff=0.15)
    canvas.fill(ellipse(0, 0, 0.88) * (1, tilt), darker(bowl, 0.6))
    for x, y in scattered(rng, 21, 0.72):
        _lettuce(canvas, rng, x, y * tilt, tilt)
    for x, y in scattered(rng, 16, 0.66, gap=0.3):
        _topping(canvas, rng, x, y * tilt - 0.1 * (1 - tilt), tilt)


def _lettuce(canvas: Canvas, rng: np.random.Generator, x: float, y: float, tilt: float) -> None:
    turn = np.linspace(0, 2 * np.pi, 44, endpoint=False)
    frill = (
        1 + 0.14 * np.cos(9 * turn + rng.uniform(0, 6)) + 0.1 * np.cos(4 * turn + rng.uniform(0, 6))
    )
    green = pick(rng, [(112, 168, 60), (80, 140, 52), (150, 190, 84), (62, 112, 50)], 0.1)
    outline = polar(rng.uniform(0.17, 0.28) * frill) * (1, 0.4 + 0.6 * tilt)
    canvas.fill(moved(outline, x, y, turn=rng.uniform(0, 360)), green, puff=0.5, grain=0.2, cells=4)


def _topping(canvas: Canvas, rng: np.random.Generator, x: float, y: float, tilt: float) -> None:
    kind = rng.integers(5)
    disc = ellipse(0, 0, rng.uniform(0.14, 0.19)) * (1, 0.3 + 0.7 * tilt)
    if kind == 0:
        canvas.fill(disc + (x, y), pick(rng, [(218, 48, 40), (232, 72, 44)]), puff=1, gloss=0.6)
    elif kind == 1:
        canvas.fill(disc + (x, y), (60, 118, 54), puff=0.3)
        canvas.fill(disc * 0.84 + (x, y), (206, 226, 160), puff=0.2)
        canvas.fill(dots(ellipse(x, y, 0.07, points=6), 0.018), (236, 240, 200))
    elif kind == 2:
        canvas.stroke(disc + (x, y), 0.045, (190, 110, 160), closed=True, puff=1)
    elif kind == 3:
        canvas.fill(
            dots(scattered(rng, 8, 0.14, gap=0.06) + (x, y), 0.04, points=8),
            (246, 208, 70),
            puff=1,
            gloss=0.3,
        )
    else:
        cube = moved(
            rounded([(-0.1, -0.1), (0.1, -0.1), (0.1, 0.1), (-0.1, 0.1)], rounds=2),
            x,
            y,
            turn=rng.uniform(0, 90),
        )
        canvas.fill(cube, mix((244, 240, 226), (222, 170, 100), int(rng.integers(2))), puff=0.5)
