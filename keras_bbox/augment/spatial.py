"""Spatial steps that keep the canvas: each draws one 3x3 matrix on pixel edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from keras_bbox import geometry
from keras_bbox._numbers import Number, matrix, select, tangent


class Frame(NamedTuple):
    """What a step sees of a sample: the canvas so far, and where the boxes lie on it.

    Attributes:
        height: Rows of the canvas.
        width: Columns of the canvas.
        boxes: ``xyxy`` in pixels of the canvas, shape ``(N, 4)``.
    """

    height: float
    width: float
    boxes: np.ndarray


class View(NamedTuple):
    """What a step does: a matrix, and the canvas that it maps to.

    Attributes:
        matrix: ``(3, 3)``, from the old canvas to the new one.
        height: Rows of the new canvas.
        width: Columns of the new canvas.
    """

    matrix: np.ndarray
    height: float
    width: float


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raises ValueError for a number out of range."""
    if not low <= value <= high:
        raise ValueError(f"{name} must lie from {low} to {high}. Received: {name}={value}")


def check_ordered(low_name: str, low: float, high_name: str, high: float) -> None:
    """Raises ValueError unless both are positive and ordered."""
    if not 0 < low <= high:
        raise ValueError(
            f"{low_name} and {high_name} must be positive and ordered. "
            f"Received: {low_name}={low}, {high_name}={high}"
        )


def log_uniform(rng: np.random.Generator, low: float, high: float) -> Number:
    """Draws evenly on a logarithmic scale, so that halving is as likely as doubling."""
    return low * (high / low) ** rng.uniform()


def _centered(matrix: np.ndarray, height: Number, width: Number) -> np.ndarray:
    return geometry.about(matrix, width / 2, height / 2)


@dataclass(frozen=True)
class Spatial:
    """A step of your own: a function that returns a matrix.

    Args:
        function: ``(rng, height, width) -> matrix``, a ``(3, 3)`` array on pixel edges; see
            ``kb.geometry``.

    Example:
        >>> import keras_bbox as kb
        >>> slide = kb.augment.Spatial(
        ...     lambda rng, height, width: kb.geometry.translation(x=rng.uniform(-9, 9))
        ... )
        >>> slide.matrix(np.random.default_rng(0), 10, 10).shape
        (3, 3)
    """

    function: Callable = lambda rng, height, width: np.eye(3)

    def matrix(self, rng: np.random.Generator, height: float, width: float) -> np.ndarray:
        return self.function(rng, height, width)


@dataclass(frozen=True)
class RandomFlip:
    """Mirrors the image left to right, top to bottom, or both.

    Args:
        horizontal: Probability of mirroring left to right.
        vertical: Probability of mirroring top to bottom.

    Raises:
        ValueError: If a probability lies outside 0 to 1.

    Example:
        >>> import keras_bbox as kb
        >>> sample = kb.augment.Sample(
        ...     np.zeros((4, 8, 3), "uint8"), np.array([[0.0, 0.0, 0.25, 1.0]]), np.array([0])
        ... )
        >>> flip = kb.augment.Pipeline([kb.augment.RandomFlip(horizontal=1.0)])
        >>> flip(sample, np.random.default_rng(0)).boxes
        array([[0.75, 0.  , 1.  , 1.  ]])
    """

    horizontal: float = 0.5
    vertical: float = 0.0

    def __post_init__(self):
        check_range("horizontal", self.horizontal, 0, 1)
        check_range("vertical", self.vertical, 0, 1)

    def matrix(self, rng: np.random.Generator, height: float, width: float) -> np.ndarray:
        x, y = rng.random(2)
        # geometry.flip, where the image's own draws say whether.
        a, c = select(x < self.horizontal, (-1.0, width), (1.0, 0.0))
        e, f = select(y < self.vertical, (-1.0, height), (1.0, 0.0))
        return matrix(((a, 0.0, c), (0.0, e, f), (0.0, 0.0, 1.0)), a, e)


@dataclass(frozen=True)
class RandomScale:
    """Zooms in or out about the center, evenly on a logarithmic scale.

    Args:
        low: The smallest factor.
        high: The largest factor.
        aspect: How far width and height may differ on top of it: 1.2 stretches one against the
            other by up to 1.2.

    Raises:
        ValueError: If the factors are not positive and ordered, or ``aspect`` is below 1.

    Example:
        >>> import keras_bbox as kb
        >>> zoom = kb.augment.RandomScale(2.0, 2.0)
        >>> kb.geometry.transform_boxes(
        ...     [4.0, 4.0, 6.0, 6.0], zoom.matrix(np.random.default_rng(0), 10, 10)
        ... )
        array([3., 3., 7., 7.])
    """

    low: float = 0.8
    high: float = 1.25
    aspect: float = 1.0

    def __post_init__(self):
        check_ordered("low", self.low, "high", self.high)
        check_range("aspect", self.aspect, 1, np.inf)

    def matrix(self, rng: np.random.Generator, height: float, width: float) -> np.ndarray:
        factor = log_uniform(rng, self.low, self.high)
        stretch = log_uniform(rng, 1 / self.aspect, self.aspect) ** 0.5
        return _centered(geometry.scaling(factor * stretch, factor / stretch), height, width)


@dataclass(frozen=True)
class RandomTranslation:
    """Moves the image along both axes.

    Args:
        x: The largest move to either side, as a fraction of the width.
        y: The largest move up or down, as a fraction of the height.

    Raises:
        ValueError: If a fraction lies outside 0 to 1.

    Example:
        >>> import keras_bbox as kb
        >>> stay = kb.augment.RandomTranslation(x=0.0, y=0.0)
        >>> np.array_equal(stay.matrix(np.random.default_rng(0), 4, 4), np.eye(3))
        True
    """

    x: float = 0.1
    y: float = 0.1

    def __post_init__(self):
        check_range("x", self.x, 0, 1)
        check_range("y", self.y, 0, 1)

    def matrix(self, rng: np.random.Generator, height: float, width: float) -> np.ndarray:
        x, y = rng.uniform(-1, 1, size=2)
        return geometry.translation(x * (self.x * width), y * (self.y * height))


@dataclass(frozen=True)
class RandomRotation:
    """Turns the image about its center.

    Args:
        degrees: The largest turn to either side.

    Raises:
        ValueError: If the angle lies outside 0 to 180.

    Example:
        >>> import keras_bbox as kb
        >>> stay = kb.augment.RandomRotation(degrees=0.0)
        >>> np.array_equal(stay.matrix(np.random.default_rng(0), 4, 4), np.eye(3))
        True
    """

    degrees: float = 10.0

    def __post_init__(self):
        check_range("degrees", self.degrees, 0, 180)

    def matrix(self, rng: np.random.Generator, height: float, width: float) -> np.ndarray:
        turn = geometry.rotation(rng.uniform(-self.degrees, self.degrees))
        return _centered(turn, height, width)


@dataclass(frozen=True)
class RandomShear:
    """Slants the image about its center.

    Args:
        x: The largest slant of upright lines to either side, in degrees.
        y: The largest slant of level lines up or down, in degrees.

    Raises:
        ValueError: If an angle lies outside 0 to 45.

    Example:
        >>> import keras_bbox as kb
        >>> stay = kb.augment.RandomShear(x=0.0, y=0.0)
        >>> np.array_equal(stay.matrix(np.random.default_rng(0), 4, 4), np.eye(3))
        True
    """

    x: float = 8.0
    y: float = 0.0

    def __post_init__(self):
        check_range("x", self.x, 0, 45)
        check_range("y", self.y, 0, 45)

    def matrix(self, rng: np.random.Generator, height: float, width: float) -> np.ndarray:
        x, y = rng.uniform(-1, 1, size=2)
        slant = geometry.shearing(tangent(x * self.x), tangent(y * self.y))
        return _centered(slant, height, width)


@dataclass(frozen=True)
class RandomPerspective:
    """Shows the image as if it were photographed from elsewhere.

    Args:
        distance: How far each corner of the view may move inwards, as a fraction of the sides.

    Raises:
        ValueError: If the distance lies outside 0 to 0.4.

    Example:
        >>> import keras_bbox as kb
        >>> tilt = kb.augment.RandomPerspective(distance=0.2)
        >>> tilt.matrix(np.random.default_rng(0), 10, 10).shape
        (3, 3)
    """

    distance: float = 0.1

    def __post_init__(self):
        check_range("distance", self.distance, 0, 0.4)

    def matrix(self, rng: np.random.Generator, height: float, width: float) -> np.ndarray:
        x0, y0, x1, y1, x2, y2, x3, y3 = rng.uniform(0, self.distance, size=8)
        corners = ((x0, y0), (1 - x1, y1), (1 - x2, 1 - y2), (x3, 1 - y3))
        points = [(x * width, y * height) for x, y in corners]
        return geometry.perspective(points, height=height, width=width)
