"""The oracle of every augmentation: paint the box, augment, find the paint."""

from __future__ import annotations

import numpy as np


def paint(height: int, width: int, box) -> np.ndarray:
    """A black image in which the pixels inside the box (xyxy, whole pixels) are white."""
    image = np.zeros((height, width, 3), np.uint8)
    x1, y1, x2, y2 = (int(value) for value in box)
    image[y1:y2, x1:x2] = 255
    return image


def find_paint(image: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """The edges (xyxy, whole pixels) of what is at least so white; NaN where nothing is."""
    rows, columns = np.nonzero(image.max(axis=2) >= 255 * threshold)
    if not rows.size:
        return np.full(4, np.nan)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], float)
