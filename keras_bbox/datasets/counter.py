"""Snacks from the stall: hot dog, juice, popcorn."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .palette import (
    BRIGHT,
    CHOCOLATE,
    LEAF,
    WHITE,
    Color,
    darker,
    mix,
    pick,
    vary,
)
from .shapes import (
    beaker,
    block,
    curve,
    ellipse,
    leaf,
    lumpy,
    moved,
    path_of,
    rectangle,
    ribbon,
    scattered,
)

JUICES = [
    (248, 156, 30),
    (250, 190, 50),
    (206, 40, 50),
    (226, 84, 70),
    (170, 190, 60),
    (140, 40, 90),
]
BUTTER = [(252, 240, 196), (250, 226, 150), (255, 246, 220)]
KETCHUP, MUSTARD = (204, 36, 30), (246, 196, 40)
SAUCES = [(MUSTARD,), (KETCHUP,), (KETCHUP, MUSTARD)]


def hot_dog(canvas: Canvas, rng: np.random.Generator) -> None:
    """A sausage in a bun under mustard, ketchup or both."""
    bun = pick(rng, [(220, 164, 88), (206, 144, 70), (232, 184, 112)])
    sausage = pick(rng, [(176, 66, 42), (196, 84, 54), (150, 54, 40)])
    bow, fat = rng.uniform(-0.14, 0.14), rng.uniform(0.62, 0.76)
    spine = curve((-0.95, bow), (0.0, -bow), (0.95, bow), points=40)
    half = (1.0 - np.abs(np.linspace(-1.0, 1.0, 40)) ** 5) ** 0.5
    back = ribbon(spine * (0.9, 1.0) - (0, 0.09), fat * half + 0.02)
    canvas.fill(back, darker(bun, 0.85), puff=0.9, grain=0.1)
    canvas.fill(ribbon(spine * (0.84, 1.0), 0.46 * half + 0.02), CHOCOLATE, opacity=0.5)
    if rng.random() < 0.5:
        for x in rng.uniform(-0.75, 0.75, 12):
            green = pick(rng, [(120, 176, 70), (90, 150, 60)])
            y = rng.uniform(-0.2, 0.2) + bow * x * x
            canvas.fill(lumpy(rng, x, y, 0.14, 0.09, amount=0.2), green, puff=0.6)
    meat = ribbon(spine * (1.02, 1.0) - (0, 0.02), 0.34 * half + 0.02)
    canvas.fill(meat, sausage, puff=1, gloss=0.5, grain=0.08)
    front, pale = ribbon(spine * (0.92, 1.0) + (0, 0.2), 0.36 * half + 0.02), (250, 214, 150)
    canvas.fill(front, bun, to=mix(bun, pale, 0.4), puff=0.9, gloss=0.15, grain=0.08)
    for sauce in SAUCES[int(rng.integers(len(SAUCES)))]:
        _squiggle(canvas, rng, spine, sauce)


def _squiggle(canvas, rng, spine: np.ndarray, sauce: Color) -> None:
    t = np.linspace(-1.0, 1.0, 120)
    waves, phase = rng.uniform(4.5, 7.5), rng.uniform(0, 6)
    x, y = (np.interp(t, np.linspace(-1.0, 1.0, len(spine)), spine[:, k]) for k in (0, 1))
    line = path_of(0.8 * x, y + 0.11 * np.sin(np.pi * waves * t + phase) - 0.03)
    canvas.stroke(line, 0.075, sauce, puff=1, gloss=0.6)


def juice_glass(canvas: Canvas, rng: np.random.Generator) -> None:
    """A glass of juice with a straw, ice or a slice on its rim."""
    juice = pick(rng, JUICES)
    wide, foot = rng.uniform(0.44, 0.56), rng.uniform(0.34, 0.46)
    top, level = -0.62, rng.uniform(-0.48, -0.3)
    if rng.random() < 0.75:
        bend = rng.choice([-1, 1])
        straw = np.array([(-0.16 * bend, 0.5), (0.2 * bend, -0.86), (0.42 * bend, -1.0)])
        canvas.stroke(straw, 0.09, pick(rng, BRIGHT), puff=1, gloss=0.3)
    glass = beaker(wide, foot, top, 0.98, rise=0.09, sag=0.08)
    canvas.fill(glass, (226, 236, 240), opacity=0.72, puff=0.25, gloss=0.3)
    edge = 0.93 * (wide + (foot - wide) * (level - top) / (0.94 - top))
    _liquid(canvas, rng, juice, edge, foot * 0.92, level)
    canvas.stroke(ellipse(0, top, wide, 0.09), 0.03, (250, 252, 255), closed=True, opacity=0.9)
    if rng.random() < 0.6:
        _citrus(canvas, rng, rng.choice([-1, 1]) * wide, top - 0.06)


def _liquid(canvas, rng, juice: Color, edge: float, foot: float, level: float) -> None:
    pale = mix(juice, WHITE, 0.08)
    liquid = beaker(edge, foot, level, 0.91, rise=0.08, sag=0.07)
    canvas.fill(liquid, pale, to=darker(juice, 0.85), puff=0.5, gloss=0.2, opacity=0.96)
    canvas.fill(ellipse(0, level, edge, 0.08), mix(juice, WHITE, 0.3))
    with canvas.inside(liquid):
        if rng.random() < 0.5:
            for x, y in scattered(rng, 4, 0.22, gap=0.2) * (1.0, 0.4) + (0.0, level + 0.18):
                ice = block(x, y, 0.12, 0.12, rounding=0.03, turn=rng.uniform(0, 90))
                canvas.fill(ice, mix(juice, WHITE, 0.5), opacity=0.7, puff=0.4, gloss=0.4)
        shine = rectangle(-foot * 0.78, -0.6, -foot * 0.54, 0.7, rounding=0.1)
        canvas.fill(shine, WHITE, opacity=0.35)


def _citrus(canvas, rng, x: float, y: float) -> None:
    orange, lime = ((244, 150, 30), (252, 190, 80)), ((120, 180, 60), (206, 228, 140))
    skin, pulp = orange if rng.random() < 0.5 else lime
    canvas.fill(ellipse(x, y, 0.25), skin, puff=0.2)
    canvas.fill(ellipse(x, y, 0.21), (255, 246, 214))
    for k in range(8):
        arc = ellipse(x, y, 0.185, start=45 * k + 5, stop=45 * k + 40, points=6)
        canvas.fill(np.concatenate([[(x, y)], arc]), pulp)


def juice_carton(canvas: Canvas, rng: np.random.Generator) -> None:
    """A small carton with a straw and a fruit on its label."""
    color, fruit = pick(rng, BRIGHT), pick(rng, JUICES)
    straw = np.array([(0.2, -0.4), (0.2, -0.86), (0.46, -0.98)])
    canvas.stroke(straw, 0.08, (250, 246, 240), puff=1)
    side = np.array([(0.3, -0.6), (0.58, -0.7), (0.58, 0.84), (0.3, 0.97)])
    canvas.fill(side, darker(color, 0.62))
    lid = np.array([(-0.55, -0.6), (-0.25, -0.7), (0.58, -0.7), (0.3, -0.6)])
    canvas.fill(lid, mix(color, WHITE, 0.4))
    canvas.fill(rectangle(-0.55, -0.6, 0.3, 0.97), color, to=darker(color, 0.88), puff=0.08)
    canvas.fill(rectangle(-0.55, -0.35, 0.3, 0.0), (255, 252, 246))
    letters = [np.array([(x, -0.26), (x + 0.02, -0.1)]) for x in np.linspace(-0.4, 0.14, 5)]
    canvas.stroke(letters, 0.06, darker(color, 0.8))
    canvas.fill(ellipse(-0.12, 0.45, 0.29), fruit, puff=1, gloss=0.5)
    canvas.fill(leaf((0.1, 0.04), (-0.12, 0.2), 0.14), LEAF, puff=0.6)


def popcorn(canvas: Canvas, rng: np.random.Generator) -> None:
    """Popcorn heaped in a striped carton."""
    ink = pick(rng, [(206, 36, 40), (214, 54, 44), (40, 96, 176), (228, 160, 40)])
    top, foot = rng.uniform(0.62, 0.76), rng.uniform(0.42, 0.54)
    butter = pick(rng, BUTTER)
    heap = scattered(rng, 70, 1.0, gap=0.25) * (top * 0.9, 0.44) + (0.0, -0.34)
    for x, y in sorted(heap[heap[:, 1] < -0.14], key=lambda spot: spot[1]):
        _kernel(canvas, rng, x, y, butter)
    tub = beaker(top, foot, -0.24, 0.98)
    canvas.fill(tub, (252, 248, 240), to=(214, 206, 200), toward=(1, 0.1), puff=0.06)
    with canvas.inside(tub):
        edges = np.linspace(-1, 1, int(rng.choice([8, 10, 12])))
        for left, right in zip(edges[::2], edges[1::2], strict=True):
            corners = [
                (top * left, -0.24),
                (top * right, -0.24),
                (foot * right, 0.98),
                (foot * left, 0.98),
            ]
            canvas.fill(np.array(corners), darker(ink, 1.1), to=darker(ink, 0.8), toward=(1, 0.1))
        canvas.fill(tub, (30, 10, 10), opacity=0.1, puff=0.3)
    for x in np.linspace(-0.88, 0.88, 6) * top + rng.normal(0, 0.03, 6):
        _kernel(canvas, rng, x, -0.26 + rng.normal(0, 0.03), butter)


def popcorn_bowl(canvas: Canvas, rng: np.random.Generator) -> None:
    """A bowl of popcorn, seen from above."""
    bowl = pick(rng, [*BRIGHT, (240, 236, 230), (120, 80, 52)])
    butter = pick(rng, BUTTER)
    canvas.fill(ellipse(0, 0, 0.96), bowl, puff=0.2, gloss=0.2)
    canvas.fill(ellipse(0, 0, 0.86), darker(bowl, 0.5))
    for x, y in scattered(rng, 110, 0.78, gap=0.23):
        _kernel(canvas, rng, x, y, butter)


def _kernel(canvas: Canvas, rng: np.random.Generator, x: float, y: float, butter: tuple) -> None:
    turn, size = rng.uniform(0, 360), rng.uniform(0.13, 0.17)
    lobes = [
        moved(ellipse(0.62 * size, 0, size * rng.uniform(0.6, 0.85), points=12), turn=turn + k)
        for k in (0, 95, 180, 265)
    ]
    whole = [lobe + (x, y) for lobe in lobes]
    canvas.fill(whole, vary(rng, butter, 0.05), puff=1)
    canvas.fill(lumpy(rng, x, y, size * 0.3, amount=0.2), (222, 160, 70), opacity=0.55)
