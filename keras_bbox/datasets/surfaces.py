"""What lies under the snacks: wood, cloth, marble and the like, as float32 planes `(3, H, W)`."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .palette import Color, darker, mix, pick, planes_of, vary
from .textures import noise

Surface = Callable[[np.random.Generator, int, int], np.ndarray]

WOODS = [
    (176, 128, 84),
    (206, 170, 126),
    (120, 82, 56),
    (222, 204, 178),
    (150, 140, 130),
    (88, 62, 48),
]
CLOTHS = [
    (196, 60, 60),
    (70, 110, 170),
    (90, 140, 100),
    (210, 160, 70),
    (110, 100, 120),
    (60, 130, 140),
]
PLAINS = [
    (226, 220, 208),
    (200, 214, 220),
    (236, 206, 200),
    (190, 206, 186),
    (214, 204, 226),
    (96, 104, 116),
    (60, 66, 74),
    (240, 226, 180),
]


def tint(share: np.ndarray, dark: Color, light: Color) -> np.ndarray:
    """Planes between two colors, by a share of shape `(H, W)` from 0 to 1."""
    low, high = planes_of(dark), planes_of(light)
    return low + share.astype(np.float32) * (high - low)


def plain(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """One color that runs into another, faintly mottled."""
    first = pick(rng, PLAINS)
    second = mix(first, pick(rng, PLAINS), rng.uniform(0.0, 0.4))
    turn = rng.uniform(0, 2 * np.pi)
    rows = np.linspace(-0.5, 0.5, height)[:, None] * np.sin(turn)
    share = 0.5 + rows + np.linspace(-0.5, 0.5, width) * np.cos(turn)
    return tint(share + 0.06 * noise(rng, height, width, 6), first, second)


def wood(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Planks with their grain along x."""
    base = pick(rng, WOODS)
    grain = noise(rng, height, width, (28, 2), octaves=3) + 0.5 * noise(
        rng, height, width, (5, 1.5)
    )
    tone = 0.5 + 0.4 * grain
    planks = int(rng.integers(3, 7))
    edges = np.linspace(0, height, planks + 1).astype(int)
    for top, bottom in zip(edges, edges[1:], strict=False):
        tone[top:bottom] += rng.uniform(-0.16, 0.16)
        tone[top : top + max(1, height // 160)] -= 0.6
    return tint(tone, darker(base, 0.72), darker(base, 1.18))


def gingham(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A checkered cloth."""
    color, cells = pick(rng, CLOTHS), rng.uniform(5, 14)
    rows = (np.arange(height) * cells / height % 1 < 0.5).astype(np.float32)
    columns = (np.arange(width) * cells / height % 1 < 0.5).astype(np.float32)
    share = 0.5 * (rows[:, None] + columns) + 0.1 * noise(rng, height, width, 60, octaves=1)
    return tint(share, (244, 240, 232), color)


def stripes(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A cloth with stripes of two widths."""
    color, cells = pick(rng, CLOTHS), rng.uniform(4, 10)
    at = np.arange(height) * cells / height % 1
    rows = ((at < 0.3) | ((at > 0.45) & (at < 0.52))).astype(np.float32)
    share = rows[:, None] * 0.85 + 0.1 * noise(rng, height, width, 50, octaves=1)
    return tint(share, pick(rng, [(242, 238, 228), (224, 214, 196)]), color)


def dotted(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A cloth with dots."""
    color, cells = pick(rng, CLOTHS), rng.uniform(7, 13)
    x, y = np.arange(width) * cells / height, np.arange(height)[:, None] * cells / height
    wave = np.sin(2 * np.pi * x) * np.sin(2 * np.pi * y)
    share = np.clip((wave - 0.6) * 6, 0, 1) + 0.08 * noise(rng, height, width, 50, octaves=1)
    return tint(share, mix(color, (250, 244, 236), rng.uniform(0.1, 0.7)), (250, 246, 238))


def marble(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Stone with veins."""
    light, dark = pick(rng, [(238, 236, 232), (226, 220, 212), (70, 72, 78)]), (150, 148, 150)
    warp = noise(rng, height, width, 3, octaves=4)
    across = np.linspace(0, rng.uniform(3, 6), width) + np.linspace(0, 3, height)[:, None]
    veins = np.abs(np.sin(across + 3.2 * warp)) ** 0.35
    return tint(veins * 0.8 + 0.2 + 0.1 * warp, dark, light)


def slate(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Rough stone or concrete."""
    base = pick(rng, [(84, 90, 96), (150, 150, 146), (186, 178, 168), (58, 60, 64)])
    rough = noise(rng, height, width, 5, octaves=5)
    return tint(0.5 + 0.5 * rough, darker(base, 0.75), darker(base, 1.2))


def tiles(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Square tiles, each of its own tone, with joints between them."""
    base, count = pick(rng, PLAINS), int(rng.integers(3, 7))
    knots = rng.uniform(0.3, 0.8, (count, count)).astype(np.float32)
    tone = cv2.resize(knots, (width, height), interpolation=cv2.INTER_NEAREST)
    joint = 0.05
    rows, columns = np.arange(height) * count / height % 1, np.arange(width) * count / width % 1
    tone[rows < joint] = -0.4
    tone[:, columns < joint] = -0.4
    tone = tone + 0.08 * noise(rng, height, width, 8)
    return tint(tone, darker(base, 0.75), vary(rng, darker(base, 1.1)))


SURFACES: tuple[Surface, ...] = (plain, wood, gingham, stripes, dotted, marble, slate, tiles)
SHARES = (0.2, 0.26, 0.12, 0.08, 0.06, 0.11, 0.11, 0.06)


def from_above(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A table top seen from above, turned at random."""
    surface = SURFACES[int(rng.choice(len(SURFACES), p=SHARES))]
    if surface in (plain, marble, slate):
        return surface(rng, height, width)
    side = int(np.ceil(np.hypot(height, width))) + 2
    square = surface(rng, side, side)
    turn = float(rng.choice([0.0, 90.0])) + rng.normal(0.0, 12.0)
    matrix = np.asarray(cv2.getRotationMatrix2D((side / 2, side / 2), turn, 1.0), np.float64)
    matrix[:, 2] -= np.array([side - width, side - height]) / 2
    return np.stack([cv2.warpAffine(plane, matrix, (width, height)) for plane in square])


def from_aside(rng: np.random.Generator, height: int, width: int, horizon: int) -> np.ndarray:
    """A table in front of a wall; `horizon` is the row where the table ends."""
    scene = from_above(rng, height, width)
    if horizon <= 0:
        return scene
    wall = _wall(rng, horizon, width)
    table = [cv2.resize(p, (width, height - horizon), interpolation=cv2.INTER_AREA) for p in scene]
    fade = np.linspace(0.82, 1.0, height - horizon, dtype=np.float32)[:, None]
    return np.concatenate([wall, np.stack(table) * fade], axis=1)


def _wall(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    # Out of focus: soft spots and bars, enlarged from a small grid.
    wall = plain(rng, height, width)
    if rng.random() < 0.5:
        spots = noise(rng, height, width, (3, 5), octaves=2)
        other = planes_of(pick(rng, PLAINS))
        wall += np.clip(spots, 0, 1) * (other - wall)
    return wall
