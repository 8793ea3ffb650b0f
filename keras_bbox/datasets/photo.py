"""From painted things to a photograph: laying them down with their shadows, light and noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .textures import Light


@dataclass
class Item:
    """A painted thing and the place of its upper left pixel, which may lie outside the image.

    Args:
        planes: float32 `(4, H, W)` as from `Canvas.cut_out`.
        standing: it stands on the table and is seen from the side, else it lies, seen from above.
        y: row of its first pixel.
        x: column of its first pixel.
    """

    planes: np.ndarray
    standing: bool
    y: int = 0
    x: int = 0

    @property
    def shape(self) -> np.ndarray:
        """Height and width in pixels."""
        return np.array(self.planes.shape[1:])

    @property
    def bottom(self) -> int:
        """The row below its last pixel."""
        return self.y + self.planes.shape[1]

    def solid(self) -> np.ndarray:
        """Bool `(H, W)`: the pixels that it covers at least half."""
        return self.planes[3] >= 0.5


def overlap(item: Item, height: int, width: int, y: int = 0, x: int = 0) -> tuple:
    """Where an item meets a frame at `(y, x)`: slices into the frame and into the item."""
    y1, x1 = max(item.y, y), max(item.x, x)
    y2 = max(y1, min(item.bottom, y + height))
    x2 = max(x1, min(item.x + item.planes.shape[2], x + width))
    frame = slice(y1 - y, y2 - y), slice(x1 - x, x2 - x)
    return frame, (slice(y1 - item.y, y2 - item.y), slice(x1 - item.x, x2 - item.x))


def lay_down(planes: np.ndarray, item: Item, light: Light) -> None:
    """Lay an item on the planes `(3, H, W)` of a picture, over its own soft shadow."""
    planes *= 1.0 - _shadow(item, light, *planes.shape[1:])
    frame, part = overlap(item, *planes.shape[1:])
    target = planes[:, *frame]
    target *= 1.0 - item.planes[3][part]
    target += item.planes[:3, *part]


def _shadow(item: Item, light: Light, height: int, width: int) -> np.ndarray:
    # At half size: a shadow is soft. Lying things shift it, standing ones throw it on the table.
    tall, wide = item.shape
    size = float(max(tall, wide))
    if item.standing:
        flat, lean = 0.3, 0.7 * light.x
        matrix = np.array(
            [(1.0, lean, item.x - lean * tall), (0.0, flat, item.bottom - flat * tall)]
        )
        matrix[1, 2] += 0.04 * size
    else:
        away = 0.1 * size * np.array([-light.x, -light.y])
        matrix = np.array([(1.0, 0.0, item.x + away[0]), (0.0, 1.0, item.y + away[1])])
    half = (width + 1) // 2, (height + 1) // 2
    shade = cv2.warpAffine(item.planes[3], matrix / 2, half)
    shade = cv2.GaussianBlur(shade, (0, 0), max(0.8, 0.022 * size))
    return 0.5 * cv2.resize(shade, (width, height), interpolation=cv2.INTER_LINEAR)


def photograph(rng: np.random.Generator, planes: np.ndarray, light: Light) -> np.ndarray:
    """A picture `(3, H, W)` as a camera sees it: lit from one side, tinted, a little noisy.

    Returns:
        uint8 RGB `(H, W, 3)`.
    """
    _, height, width = planes.shape
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    lamp = 1.0 + rng.uniform(0.0, 0.14) * (x * light.x + y * light.y)
    lamp -= rng.uniform(0.0, 0.12) * (x**2 + y**2)
    gain = rng.uniform(0.9, 1.12) * rng.uniform(0.95, 1.05, 3)
    planes = planes * lamp.astype(np.float32) * gain.astype(np.float32)[:, None, None]
    if rng.random() < 0.25:
        blur = rng.uniform(0.4, 0.9) * min(height, width) / 256
        planes = np.stack([cv2.GaussianBlur(plane, (0, 0), blur) for plane in planes])
    planes += rng.standard_normal((height, width), np.float32) * np.float32(rng.uniform(0.5, 4.0))
    return cv2.merge([np.clip(plane + 0.5, 0.0, 255.0).astype(np.uint8) for plane in planes])
