"""Outlines: small functions that return closed or open paths as arrays of shape `(points, 2)`.

The unit is the half-length of a snack: its drawing spans about [-1, 1] on both axes, y downwards.
What they share is cached, for a picture takes some hundred of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

Path = np.ndarray


def path_of(x: np.ndarray | float, y: np.ndarray | float) -> Path:
    """A path from its coordinates; one of the two may be a single number."""
    path = np.empty((max(np.size(x), np.size(y)), 2))
    path[:, 0] = x
    path[:, 1] = y
    return path


def ellipse(
    x: float,
    y: float,
    rx: float,
    ry: float | None = None,
    *,
    start: float = 0.0,
    stop: float = 360.0,
    points: int = 48,
) -> Path:
    """An ellipse, or the part of it between two angles (degrees, clockwise from 3 o'clock)."""
    path = _circle(start, stop, points) * (rx, rx if ry is None else ry)
    path += (x, y)
    return path


@lru_cache(maxsize=256)
def _circle(start: float, stop: float, points: int) -> Path:
    turn = np.radians(np.linspace(start, stop, points, endpoint=stop - start < 360.0))
    return path_of(np.cos(turn), np.sin(turn))


def dots(centers: Path, radius: float, *, points: int = 6) -> np.ndarray:
    """A small disc at each center: an array of shape `(centers, points, 2)`."""
    return np.asarray(centers)[:, None] + ellipse(0.0, 0.0, radius, points=points)


def polar(radius: np.ndarray, x: float = 0.0, y: float = 0.0) -> Path:
    """A closed outline from its radius at evenly spaced angles, the first one upwards."""
    return radius[:, None] * _circle(-90.0, 270.0, len(radius)) + (x, y)


def lumpy(
    rng: np.random.Generator,
    x: float,
    y: float,
    rx: float,
    ry: float | None = None,
    *,
    amount: float = 0.06,
    lobes: int = 5,
) -> Path:
    """An ellipse with a random, smooth unevenness of up to `lobes + 1` waves."""
    waves = _waves(lobes)
    radius = 1.0 + waves @ rng.normal(0.0, amount / np.sqrt(2 * lobes), 2 * lobes)
    path = radius[:, None] * _circle(0.0, 360.0, len(waves)) * (rx, rx if ry is None else ry)
    path += (x, y)
    return path


@lru_cache(maxsize=16)
def _waves(lobes: int) -> np.ndarray:
    turn = np.linspace(0.0, 2.0 * np.pi, 56, endpoint=False)
    angles = np.outer(turn, np.arange(2, 2 + lobes))
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)


def rectangle(x1: float, y1: float, x2: float, y2: float, *, rounding: float = 0.0) -> Path:
    """A rectangle whose corners are quarter circles of radius `rounding`."""
    r = min(rounding, (x2 - x1) / 2, (y2 - y1) / 2)
    if r <= 0.0:
        return np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], dtype=float)
    path = np.concatenate([_circle(turn, turn + 90, 8) for turn in (0, 90, 180, 270)]) * r
    path[:, 0] += np.repeat((x2 - r, x1 + r, x1 + r, x2 - r), 8)
    path[:, 1] += np.repeat((y2 - r, y2 - r, y1 + r, y1 + r), 8)
    return path


def curve(*controls: tuple[float, float], points: int = 28) -> Path:
    """The Bezier curve of three or four control points."""
    return _bernstein(len(controls), points) @ np.array(controls, dtype=float)


@lru_cache(maxsize=32)
def _bernstein(controls: int, points: int) -> np.ndarray:
    t = np.linspace(0.0, 1.0, points)[:, None]
    factors = np.array({3: (1, 2, 1), 4: (1, 3, 3, 1)}[controls])
    power = np.arange(controls)
    return factors * t**power * (1.0 - t) ** power[::-1]


def rounded(corners: Sequence[tuple[float, float]] | Path, *, rounds: int = 3) -> Path:
    """A closed outline with its corners cut `rounds` times (Chaikin's scheme)."""
    path = np.asarray(corners, dtype=float)
    for _ in range(rounds):
        after = np.concatenate([path[1:], path[:1]])
        cut = np.empty((2 * len(path), 2))
        cut[::2] = 0.75 * path + 0.25 * after
        cut[1::2] = 0.25 * path + 0.75 * after
        path = cut
    return path


def normals(path: Path) -> Path:
    """Unit vectors across a path, to the right of its direction."""
    along = np.empty_like(path)
    along[1:-1] = path[2:] - path[:-2]
    along[0], along[-1] = path[1] - path[0], path[-1] - path[-2]
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    return path_of(-along[:, 1], along[:, 0])


def ribbon(path: Path, width: float | np.ndarray) -> Path:
    """The outline of a band along a path; `width` may differ from point to point."""
    across = normals(path) * (np.asarray(width)[..., None] / 2)
    return np.concatenate([path + across, (path - across)[::-1]])


def block(
    x: float, y: float, rx: float, ry: float, *, rounding: float = 0.0, turn: float = 0.0
) -> Path:
    """A rectangle by its middle and half-sides, turned about its middle."""
    return moved(rectangle(-rx, -ry, rx, ry, rounding=rounding), x, y, turn=turn)


def beaker(
    top: float, foot: float, y1: float, y2: float, *, rise: float = 0.0, sag: float = 0.06
) -> Path:
    """A cup from the side, between its rim at `y1` and the lowest point of its foot at `y2`.

    `top` and `foot` are half-widths; `rise` and `sag` say how far rim and foot bend up and down.
    """
    rim = ellipse(0.0, y1, top, rise, start=180, stop=360, points=16)
    return np.concatenate([rim, ellipse(0.0, y2 - sag, foot, sag, start=0, stop=180, points=16)])


def leaf(tip: tuple[float, float], base: tuple[float, float], width: float) -> Path:
    """A pointed leaf from its base to its tip."""
    (x1, y1), (x2, y2) = base, tip
    dx, dy = x2 - x1, y2 - y1
    length = max(float(np.hypot(dx, dy)), 1e-9)
    along, across = _leaf().T
    aside = across * (width / length)
    return path_of(x1 + dx * along - dy * aside, y1 + dy * along + dx * aside)


@lru_cache(maxsize=1)
def _leaf() -> Path:
    t = np.linspace(0.0, 1.0, 14)
    return ribbon(path_of(t, 0.0), np.sin(np.pi * t**0.8))


def moved(
    path: Path, x: float = 0.0, y: float = 0.0, *, turn: float = 0.0, scale: float = 1.0
) -> Path:
    """A path scaled, turned clockwise by `turn` degrees about the origin, then shifted."""
    cos, sin = scale * np.cos(np.radians(turn)), scale * np.sin(np.radians(turn))
    return path @ np.array([(cos, sin), (-sin, cos)]) + (x, y)


def scattered(rng: np.random.Generator, count: int, radius: float, *, gap: float = 0.0) -> Path:
    """Up to `count` points spread evenly over a disc, no two closer than about `gap`."""
    turn = rng.uniform(0.0, 2.0 * np.pi, count)
    reach = radius * np.sqrt(rng.uniform(0.0, 1.0, count))
    points = path_of(reach * np.cos(turn), reach * np.sin(turn))
    if gap <= 0.0:
        return points
    close = np.abs(points[:, None] - points).sum(axis=-1) < gap
    kept: list[int] = []
    for k in range(count):
        if not close[k, kept].any():
            kept.append(k)
    return points[kept]
