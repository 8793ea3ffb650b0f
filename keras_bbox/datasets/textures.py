"""Surfaces as float32 arrays: smooth noise and the relief that light gives to a flat outline."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

RELIEF_SIDE = 64  # shading is smooth: computed at no more than this side, then enlarged


@dataclass(frozen=True)
class Light:
    """Where the light comes from: a unit vector in image axes, z towards the viewer."""

    x: float
    y: float
    z: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Light:
        """A lamp somewhere above the scene: left, right or behind, seldom from below."""
        turn, height = rng.uniform(-160.0, -20.0), rng.uniform(0.45, 0.75)
        reach = np.sqrt(1.0 - height**2)
        return cls(reach * np.cos(np.radians(turn)), reach * np.sin(np.radians(turn)), height)


def noise(
    rng: np.random.Generator,
    height: int,
    width: int,
    cells: float | tuple[float, float],
    *,
    octaves: int = 3,
) -> np.ndarray:
    """Smooth noise of shape `(height, width)` in about [-1, 1], `cells` waves per side at first."""
    cells_y, cells_x = cells if isinstance(cells, tuple) else (cells, cells)
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        grid = (
            min(max(2, round(cells_y * 2**octave)), height),
            min(max(2, round(cells_x * 2**octave)), width),
        )
        knots = rng.random(grid, np.float32)
        wave = cv2.resize(knots, (width, height), interpolation=cv2.INTER_LINEAR)
        total += (wave - 0.5) * (1.2 / 1.7**octave)
    return total


def relief(
    mask: np.ndarray, light: Light, puff: float, gloss: float
) -> tuple[np.ndarray, np.ndarray]:
    """Light on an outline blown up like a cushion.

    Args:
        mask: uint8 `(H, W)`, nonzero inside. A margin of a few empty pixels gives soft edges.
        light: where the light comes from.
        puff: 1 for a body that is round to its middle; less for a flat one with a rounded rim.
        gloss: strength of the highlight, 0 to 1.

    Returns:
        Two float32 arrays `(H, W)`: the factor for the color, about 0.4 to 1.4, and the
        highlight to add, 0 to 1.
    """
    height, width = mask.shape
    shrink = max(1.0, max(height, width) / RELIEF_SIDE)
    size = max(4, round(width / shrink)), max(4, round(height / shrink))
    small = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    depth = cv2.distanceTransform((small > 100).astype(np.uint8), cv2.DIST_L2, 5)
    reach = max(float(depth.max()) * puff, 1.0)
    rise = np.minimum(depth / reach, 1.0)
    surface = np.sqrt(rise * (2.0 - rise)) * reach
    surface = cv2.GaussianBlur(surface, (0, 0), 0.6 + 0.12 * reach)
    slope_x = cv2.Sobel(surface, cv2.CV_32F, 1, 0, scale=1 / 8)
    slope_y = cv2.Sobel(surface, cv2.CV_32F, 0, 1, scale=1 / 8)
    upright = 1.0 / np.sqrt(1.0 + slope_x**2 + slope_y**2)
    toward = (light.z - slope_x * light.x - slope_y * light.y) * upright
    factor = 1.06 + 0.7 * (toward - light.z)
    factor *= 0.86 + 0.14 * rise
    np.clip(factor, 0.35, 1.45, out=factor)
    shine = np.zeros_like(factor)
    if gloss > 0.0:
        norm = np.sqrt(2.0 + 2.0 * light.z)
        half = ((light.z + 1.0) - slope_x * light.x - slope_y * light.y) * upright / norm
        shine = gloss * np.maximum(half, 0.0) ** 28
    if shrink > 1.0:
        factor = cv2.resize(factor, (width, height), interpolation=cv2.INTER_LINEAR)
        shine = cv2.resize(shine, (width, height), interpolation=cv2.INTER_LINEAR)
    return factor, shine
