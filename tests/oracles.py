"""Slow answers, too simple to be wrong.

They take one box at a time, as four plain numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import keras
import numpy as np

Box = Sequence[float]


def pixels(box: Box) -> set[tuple[int, int]]:
    """The pixels that an integer `xyxy` box covers."""
    x1, y1, x2, y2 = (int(edge) for edge in box)
    return {(x, y) for x in range(x1, x2) for y in range(y1, y2)}


def iou_by_counting(box1: Box, box2: Box) -> float:
    both, either = pixels(box1) & pixels(box2), pixels(box1) | pixels(box2)
    return len(both) / len(either) if either else 0.0


def giou_by_counting(box1: Box, box2: Box) -> float:
    """GIoU of integer boxes, at least one of which has an area."""
    either = pixels(box1) | pixels(box2)
    hull = pixels([*np.minimum(box1, box2)[:2], *np.maximum(box1, box2)[2:]])
    return iou_by_counting(box1, box2) - len(hull - either) / len(hull)


def corners(box: Box, layout: str) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """(x1, y1, x2, y2) of a box in any layout, without any rounding."""
    a, b, c, d = (Fraction(float(number)) for number in box)
    if layout == "xyxy":
        return a, b, c, d
    if layout == "yxyx":
        return b, a, d, c
    if layout == "xxyy":
        return a, c, b, d
    if layout == "xywh":
        return a, b, a + c, b + d
    assert layout == "center_xywh"
    return a - c / 2, b - d / 2, a + c / 2, b + d / 2


class ExactPair:
    """Overlap of two boxes in fractions: exact for whatever floats the corners are.

    An inverted box has no area; the hull goes round its corners.
    """

    def __init__(self, box1: Box, box2: Box, layout: str = "xyxy") -> None:
        self.a, self.b = corners(box1, layout), corners(box2, layout)

    def sides(self, box: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
        x1, y1, x2, y2 = box
        return max(x2 - x1, Fraction(0)), max(y2 - y1, Fraction(0))

    def area(self, box: Sequence[Fraction]) -> Fraction:
        return math.prod(self.sides(box))

    def intersection(self) -> Fraction:
        if not self.area(self.a) or not self.area(self.b):
            return Fraction(0)
        (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = self.a, self.b
        return self.area((max(ax1, bx1), max(ay1, by1), min(ax2, bx2), min(ay2, by2)))

    def union(self) -> Fraction:
        return self.area(self.a) + self.area(self.b) - self.intersection()

    def hull_sides(self) -> tuple[Fraction, Fraction]:
        xs, ys = self.a[::2] + self.b[::2], self.a[1::2] + self.b[1::2]
        return max(xs) - min(xs), max(ys) - min(ys)

    def iou(self) -> Fraction:
        return self.intersection() / self.union() if self.union() else Fraction(0)

    def giou(self) -> Fraction:
        hull = math.prod(self.hull_sides())
        return self.iou() - (1 - (self.union() / hull if hull else 0))

    def diou(self) -> Fraction:
        distance = [(sum(self.a[axis::2]) - sum(self.b[axis::2])) / 2 for axis in (0, 1)]
        diagonal = sum(side**2 for side in self.hull_sides())
        return self.iou() - (sum(step**2 for step in distance) / diagonal if diagonal else 0)

    def aspect(self) -> float:
        """The aspect term v of CIoU."""
        angle_a, angle_b = (math.atan2(*map(float, self.sides(box))) for box in (self.a, self.b))
        return 4 / math.pi**2 * (angle_a - angle_b) ** 2

    def ciou(self) -> float:
        aspect = self.aspect()
        weight = aspect / (1 - float(self.iou()) + aspect) if aspect else 0.0
        return float(self.diou()) - weight * aspect


def gradient(function: Callable, point: np.ndarray) -> np.ndarray:
    """Gradient of the sum of `function(tensor)`, by the running backend's own autodiff."""
    tensor = keras.ops.convert_to_tensor(point)
    return keras.ops.convert_to_numpy(_GRADIENTS[keras.backend.backend()](function, tensor))


def _tensorflow_gradient(function: Callable, tensor: Any) -> Any:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(tensor)
        total = keras.ops.sum(function(tensor))
    return tape.gradient(total, tensor)


def _jax_gradient(function: Callable, tensor: Any) -> Any:
    import jax

    return jax.grad(lambda value: keras.ops.sum(function(value)))(tensor)


def _torch_gradient(function: Callable, tensor: Any) -> Any:
    tensor.requires_grad_(True)
    keras.ops.sum(function(tensor)).backward()
    return tensor.grad


_GRADIENTS = {
    "tensorflow": _tensorflow_gradient,
    "jax": _jax_gradient,
    "torch": _torch_gradient,
}


def slope(function: Callable[[np.ndarray], float], point: np.ndarray, step: float) -> np.ndarray:
    """Gradient of a function of one array, by central differences."""
    steps = step * np.eye(point.size).reshape(point.size, *point.shape)
    return np.reshape(
        [(function(point + by) - function(point - by)) / (2 * step) for by in steps], point.shape
    )
