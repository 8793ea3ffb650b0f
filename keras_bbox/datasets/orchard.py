"""Snacks that grow on trees and vines: apple, banana, grape, orange, pineapple."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .palette import BROWN, CREAM, LEAF, darker, mix, pick, vary
from .shapes import curve, dots, ellipse, leaf, lumpy, moved, normals, polar, ribbon, scattered

APPLES = [
    (196, 32, 38),
    (214, 58, 46),
    (150, 24, 40),
    (134, 178, 58),
    (176, 192, 70),
    (226, 182, 66),
]
GRAPES = [(92, 44, 106), (70, 36, 84), (150, 178, 74), (170, 190, 92), (152, 46, 70)]


def apple(canvas: Canvas, rng: np.random.Generator) -> None:
    """A whole apple, now and then bitten, or cut in half."""
    skin = pick(rng, APPLES)
    body = _apple_outline(rng)
    if rng.random() < 0.18:
        _apple_half(canvas, rng, body, skin)
        return
    blush = mix(skin, pick(rng, [(232, 190, 80), (200, 40, 40), skin]), rng.uniform(0.2, 0.8))
    canvas.fill(body, skin, to=blush, toward=(rng.uniform(-1, 1), 1), puff=1, gloss=0.55, grain=0.1)
    with canvas.inside(body):
        streaks = [
            curve((0, -0.72), (x, -0.6), (1.3 * x, 0.6), points=12)
            for x in rng.uniform(-0.8, 0.8, 14)
        ]
        canvas.stroke(streaks, 0.02, mix(skin, (255, 226, 150), 0.5), opacity=0.25)
        canvas.fill(dots(scattered(rng, 40, 0.8), 0.013), (255, 238, 190), opacity=0.4)
        if rng.random() < 0.15:
            _apple_bite(canvas, rng)
    canvas.fill(ellipse(0, -0.66, 0.24, 0.1), darker(skin, 0.4), opacity=0.55)
    _apple_stem(canvas, rng)


def _apple_outline(rng: np.random.Generator) -> np.ndarray:
    turn = np.linspace(-np.pi, np.pi, 80, endpoint=False) + np.pi
    up = np.minimum(turn, 2 * np.pi - turn)
    dimple, base = rng.uniform(0.14, 0.24), rng.uniform(0.03, 0.1)
    radius = 0.92 - dimple * np.exp(-((up / 0.36) ** 2))
    radius -= base * np.exp(-(((up - np.pi) / 0.35) ** 2))
    radius *= 1.0 + rng.uniform(0.0, 0.09) * np.cos(up)
    return polar(radius, 0.0, 0.08) * (1.0, rng.uniform(0.9, 1.0))


def _apple_stem(canvas: Canvas, rng: np.random.Generator) -> None:
    bend = rng.uniform(-0.18, 0.18)
    canvas.stroke(curve((0, -0.62), (0, -0.8), (bend, -1.0)), 0.07, BROWN, puff=1)
    if rng.random() < 0.5:
        side = 1 if rng.random() < 0.5 else -1
        tip = (side * rng.uniform(0.35, 0.55), rng.uniform(-1.05, -0.85))
        canvas.fill(leaf(tip, (0.0, -0.76), 0.24), vary(rng, LEAF), puff=0.8, grain=0.1)
        canvas.stroke(np.array([(0.0, -0.76), tip]), 0.02, darker(LEAF, 0.7), opacity=0.6)


def _apple_bite(canvas: Canvas, rng: np.random.Generator) -> None:
    y = rng.uniform(-0.1, 0.3)
    canvas.fill(lumpy(rng, 0.85, y, 0.42, amount=0.1), (246, 232, 178), grain=0.1)
    for turn in (-0.26, 0.0, 0.26):
        canvas.erase(ellipse(0.98, y + turn, 0.24))


def _apple_half(canvas: Canvas, rng: np.random.Generator, body: np.ndarray, skin: tuple) -> None:
    canvas.fill(body, skin, puff=0.3)
    canvas.fill(body * 0.94 + (0, 0.005), (250, 238, 190), puff=0.12, grain=0.06)
    canvas.fill(lumpy(rng, 0, 0.08, 0.3, 0.36), (240, 220, 150), opacity=0.7)
    canvas.stroke(ellipse(0, 0.08, 0.3, 0.38), 0.025, (214, 190, 120), closed=True, opacity=0.6)
    for side in (-1, 1):
        seed = leaf((side * 0.05, -0.06), (side * 0.13, 0.2), 0.13)
        canvas.fill(seed, (84, 46, 26), puff=1, gloss=0.4)
    canvas.stroke(curve((0, -0.6), (0.02, -0.8), (0.06, -0.94)), 0.06, BROWN, puff=1)


def banana(canvas: Canvas, rng: np.random.Generator) -> None:
    """One banana, or a hand of two or three that share their stem."""
    ripe = pick(rng, [(244, 208, 52), (238, 196, 60), (226, 206, 74), (206, 200, 70)])
    count = int(rng.choice([1, 2, 3], p=[0.6, 0.2, 0.2]))
    bend = rng.uniform(50, 75) if count == 1 else rng.uniform(42, 56)
    spots = rng.random() < 0.45
    for turn in np.linspace(-5.5 * count, 5.5 * count, count) if count > 1 else [0.0]:
        _banana(canvas, rng, vary(rng, ripe, 0.04), bend, turn, spots)
    if count > 1:
        stem = ellipse(-0.93, -0.36, 0.1, 0.13)
        canvas.fill(moved(stem, turn=0), mix(BROWN, ripe, 0.4), puff=1)


def _banana(canvas, rng, color, bend: float, turn: float, spots: bool) -> None:
    reach = 0.97 / np.sin(np.radians(bend))
    at = np.radians(np.linspace(180 - (90 - bend), 90 - bend, 46))
    path = np.stack([reach * np.cos(at), reach * (np.sin(at) - np.sin(at[0])) - 0.4], axis=-1)
    t = np.linspace(0.0, 1.0, 46)
    width = 0.46 * np.clip(np.sin(np.pi * (0.06 + 0.9 * t)), 0.0, 1.0) ** 0.55
    width = np.where(t < 0.13, 0.14 + (width - 0.14) * (t / 0.13) ** 2, width)
    path = moved(path - path[0], *path[0], turn=turn)
    body = ribbon(path, width)
    green = mix(color, (130, 160, 50), rng.uniform(0.2, 1.0))
    canvas.fill(body, color, puff=1, gloss=0.22, grain=0.06)
    with canvas.inside(body):
        for reach in (0.2, 0.28, 0.36, 0.44):
            canvas.fill(ellipse(path[0, 0], path[0, 1], reach), green, opacity=0.12)
        for offset, strength in ((0.12, 0.35), (-0.1, 0.2)):
            ridge = path + normals(path) * (width * offset * 2)[:, None]
            canvas.stroke(ridge[3:-2], 0.025, darker(color, 0.6), opacity=strength)
        if spots:
            _banana_spots(canvas, rng, path, width)
        canvas.fill(ellipse(path[0, 0], path[0, 1], 0.07), darker(BROWN, 0.8), opacity=0.8)
        canvas.fill(ellipse(path[-1, 0], path[-1, 1], 0.08), (60, 44, 30), opacity=0.85)


def _banana_spots(canvas, rng, path, width) -> None:
    at = rng.integers(6, 42, 26)
    where = path[at] + rng.uniform(-0.4, 0.4, (26, 2)) * width[at][:, None]
    spots = [lumpy(rng, x, y, rng.uniform(0.012, 0.04), amount=0.2) for x, y in where]
    canvas.fill(spots, (110, 70, 30), opacity=0.6)


def grape(canvas: Canvas, rng: np.random.Generator) -> None:
    """A bunch of grapes with its stalk, sometimes with a leaf."""
    color = pick(rng, GRAPES)
    size = rng.uniform(0.18, 0.23)
    width, length = rng.uniform(0.5, 0.72), rng.uniform(1.35, 1.6)
    stalk = curve((0, -0.5), (0.05, -0.8), (rng.uniform(-0.25, 0.25), -1.0))
    canvas.stroke(stalk, 0.07, (120, 110, 60), puff=1)
    if rng.random() < 0.5:
        _vine_leaf(canvas, rng)
    for depth in (0.5, 1.0):
        for x, y in _bunch(rng, width * (0.6 + 0.4 * depth), length, size):
            tone = darker(vary(rng, color, 0.14), 0.45 + 0.55 * depth)
            berry = ellipse(x, y, size * rng.uniform(0.92, 1.05), size * 1.06, points=24)
            canvas.fill(berry, tone, puff=1, gloss=0.75 * depth)


def _bunch(rng: np.random.Generator, width: float, length: float, size: float) -> list:
    berries = []
    for row, y in enumerate(np.arange(-0.6, -0.6 + length - size, size * 1.45)):
        share = (y + 0.6) / length
        half = width * (1.0 - share**1.5) * min(1.0, 0.6 + 2.0 * share)
        count = 1 + round(half / (0.8 * size))
        for x in np.linspace(-half, half, count) if count > 1 else [0.03 * (-1) ** row]:
            berries.append((x + rng.normal(0, 0.03), y + rng.normal(0, 0.03)))
    rng.shuffle(berries)
    return berries


def _vine_leaf(canvas: Canvas, rng: np.random.Generator) -> None:
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    outline = polar(0.42 * (0.8 + 0.2 * np.abs(np.cos(2.5 * turn)) + 0.03 * np.cos(20 * turn)))
    x = rng.choice([-0.4, 0.4])
    canvas.fill(outline + (x, -0.62), vary(rng, LEAF, 0.12), puff=0.4, grain=0.14)
    ribs = [
        np.array([(x, -0.62), (x + 0.34 * np.sin(a), -0.62 - 0.34 * np.cos(a))])
        for a in range(0, 6)
    ]
    canvas.stroke(ribs, 0.02, (180, 200, 120), opacity=0.6)


def orange(canvas: Canvas, rng: np.random.Generator) -> None:
    """A whole orange, or one cut across."""
    skin = pick(rng, [(240, 138, 26), (246, 150, 36), (232, 120, 22)])
    if rng.random() < 0.4:
        _orange_cut(canvas, rng, skin)
        return
    body = lumpy(rng, 0, 0, 0.95, rng.uniform(0.88, 0.97), amount=0.015)
    canvas.fill(
        body, skin, to=mix(skin, (250, 176, 50), 0.5), puff=1, gloss=0.3, grain=0.12, cells=16
    )
    with canvas.inside(body):
        canvas.fill(dots(scattered(rng, 130, 0.9), 0.014), darker(skin, 0.72), opacity=0.45)
    x, y = rng.uniform(-0.3, 0.3), rng.uniform(-0.75, -0.3)
    if rng.random() < 0.5:
        for turn in rng.uniform(-70, 70, int(rng.integers(1, 3))):
            green = moved(leaf((0, -0.6), (0, 0), 0.3), x, y, turn=turn)
            canvas.fill(green, vary(rng, (62, 122, 50), 0.12), puff=0.7, gloss=0.15)
    star = polar(np.tile([0.11, 0.05], 5), x, y)
    canvas.fill(star, (92, 120, 50), puff=0.6)


def _orange_cut(canvas: Canvas, rng: np.random.Generator, skin: tuple) -> None:
    canvas.fill(ellipse(0, 0, 0.96), skin, puff=0.12)
    canvas.fill(ellipse(0, 0, 0.87), (252, 232, 180))
    pulp = pick(rng, [(248, 160, 40), (244, 140, 34), (226, 84, 50)])
    count = int(rng.integers(8, 12))
    wedge = 360.0 / count
    for k in range(count):
        arc = ellipse(0, 0, 0.8, start=wedge * k + 3, stop=wedge * (k + 1) - 3, points=9)
        middle = np.radians(wedge * (k + 0.5))
        apex = 0.1 * np.array([np.cos(middle), np.sin(middle)])
        piece = np.concatenate([apex[None], arc * 0.99])
        canvas.fill(piece, vary(rng, pulp, 0.06), puff=0.5, gloss=0.25, grain=0.25, cells=5)
    canvas.fill(ellipse(0, 0, 0.07), CREAM)


def pineapple(canvas: Canvas, rng: np.random.Generator) -> None:
    """A pineapple: crown above a body of diamond eyes."""
    skin = pick(rng, [(240, 176, 58), (226, 160, 56), (206, 166, 70)])
    _crown(canvas, rng)
    half = rng.uniform(0.44, 0.54)
    body = lumpy(rng, 0, 0.34, half, 0.65, amount=0.02)
    body = (body - (0, 0.34)) * np.stack([1 + 0.08 * body[:, 1], np.ones(len(body))], -1) + (
        0,
        0.34,
    )
    canvas.fill(body, skin, to=darker(skin, 0.8), puff=1, gloss=0.1, grain=0.1)
    step = rng.uniform(0.17, 0.22)
    with canvas.inside(body):
        lines = []
        for at in np.arange(-2.0, 2.0, step):
            bow = 0.12
            lines.append(curve((at - 0.7, -0.4), (at + bow, 0.34), (at + 0.7, 1.1), points=10))
            lines.append(curve((at + 0.7, -0.4), (at - bow, 0.34), (at - 0.7, 1.1), points=10))
        canvas.stroke(lines, 0.035, darker(skin, 0.5), opacity=0.75)
        rows = np.arange(-0.4, 1.1, step)
        columns = np.arange(-0.6, 0.6, step)
        eyes = np.array([(x + k % 2 * step / 2, y) for k, y in enumerate(rows) for x in columns])
        canvas.fill(dots(eyes, 0.03), (120, 84, 34), opacity=0.7)
        canvas.fill(dots(eyes, 0.025) - (0.02, 0.03), (255, 224, 140), opacity=0.45)


def _crown(canvas: Canvas, rng: np.random.Generator) -> None:
    green = pick(rng, [(70, 118, 60), (92, 136, 74), (64, 104, 70)])
    for row, (length, spread) in enumerate([(0.72, 34), (0.6, 48), (0.42, 62), (0.28, 72)]):
        for turn in np.linspace(-spread, spread, 5 + row % 2) + rng.normal(0, 4, 5 + row % 2):
            blade = leaf((0, -length * rng.uniform(0.85, 1.1)), (0, 0.06), 0.17)
            tone = mix(vary(rng, green, 0.12), (150, 176, 110), 0.1 * row)
            canvas.fill(moved(blade, 0, -0.26, turn=turn), tone, puff=0.9)
