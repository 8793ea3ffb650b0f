"""Augmentation that moves the boxes: matrices drawn from a generator, composed, warped once.

A spatial step draws a 3x3 matrix, a color step a 3x4 one. A pipeline multiplies the spatial
matrices, the resize to the network's input among them, warps the pixels once and maps the boxes
with the same matrix; then it multiplies the color matrices and applies their product once. So
pixels and boxes cannot drift apart, and quality is lost once instead of once a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from keras_bbox import geometry, images

__all__ = [
    "Pipeline",
    "RandomBrightness",
    "RandomFlip",
    "RandomRotation",
    "RandomScale",
    "RandomTranslation",
    "Sample",
    "resize",
]


class Sample(NamedTuple):
    """An image with its boxes and their labels.

    Attributes:
        image: ``uint8`` RGB, shape ``(height, width, 3)``.
        boxes: ``rel_xyxy``, shape ``(N, 4)``, floating point.
        labels: Class ids, shape ``(N,)``.

    Example:
        >>> import keras_bbox as kb, numpy as np
        >>> image = np.zeros((4, 6, 3), "uint8")
        >>> kb.augment.Sample(image, np.array([[0, 0, 0.5, 1]]), np.array([3])).labels
        array([3])
    """

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class RandomFlip:
    """Mirrors the image left to right, top to bottom, or both.

    Args:
        horizontal: Probability of mirroring left to right.
        vertical: Probability of mirroring top to bottom.

    Raises:
        ValueError: If a probability lies outside 0 to 1.

    Example:
        >>> import keras_bbox as kb, numpy as np
        >>> sample = kb.augment.Sample(
        ...     np.zeros((4, 8, 3), "uint8"), np.array([[0.0, 0.0, 0.25, 1.0]]), np.array([0]))
        >>> flip = kb.augment.Pipeline([kb.augment.RandomFlip(horizontal=1.0)])
        >>> flip(sample, np.random.default_rng(0)).boxes
        array([[0.75, 0.  , 1.  , 1.  ]])
    """

    horizontal: float = 0.5
    vertical: float = 0.0

    def __post_init__(self):
        _check_range("horizontal", self.horizontal, 0, 1)
        _check_range("vertical", self.vertical, 0, 1)

    def matrix(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        mirrored_x, mirrored_y = rng.random(2) < (self.horizontal, self.vertical)
        return geometry.flip(
            width=width if mirrored_x else None, height=height if mirrored_y else None
        )


@dataclass(frozen=True)
class RandomScale:
    """Zooms in or out about the image's center, evenly on a logarithmic scale.

    Args:
        low: The smallest factor.
        high: The largest factor.

    Raises:
        ValueError: If the factors are not positive and ordered.

    Example:
        >>> import keras_bbox as kb, numpy as np
        >>> zoom = kb.augment.RandomScale(2.0, 2.0)
        >>> kb.geometry.transform_boxes(
        ...     [4.0, 4.0, 6.0, 6.0], zoom.matrix(np.random.default_rng(0), height=10, width=10))
        array([3., 3., 7., 7.])
    """

    low: float = 0.8
    high: float = 1.25

    def __post_init__(self):
        if not 0 < self.low <= self.high:
            raise ValueError(
                "The factors must be positive and ordered. "
                f"Received: low={self.low}, high={self.high}"
            )

    def matrix(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        factor = np.exp(rng.uniform(np.log(self.low), np.log(self.high)))
        return geometry.about(geometry.scaling(factor, factor), width / 2, height / 2)


@dataclass(frozen=True)
class RandomTranslation:
    """Moves the image along both axes.

    Args:
        x: The largest move to either side, as a fraction of the width.
        y: The largest move up or down, as a fraction of the height.

    Raises:
        ValueError: If a fraction lies outside 0 to 1.

    Example:
        >>> import keras_bbox as kb, numpy as np
        >>> stay = kb.augment.RandomTranslation(x=0.0, y=0.0)
        >>> np.array_equal(stay.matrix(np.random.default_rng(0), height=4, width=4), np.eye(3))
        True
    """

    x: float = 0.1
    y: float = 0.1

    def __post_init__(self):
        _check_range("x", self.x, 0, 1)
        _check_range("y", self.y, 0, 1)

    def matrix(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        x, y = rng.uniform(-1, 1, size=2) * (self.x * width, self.y * height)
        return geometry.translation(x, y)


@dataclass(frozen=True)
class RandomRotation:
    """Turns the image about its center.

    Args:
        degrees: The largest turn to either side.

    Raises:
        ValueError: If the angle lies outside 0 to 180.

    Example:
        >>> import keras_bbox as kb, numpy as np
        >>> stay = kb.augment.RandomRotation(degrees=0.0)
        >>> np.array_equal(stay.matrix(np.random.default_rng(0), height=4, width=4), np.eye(3))
        True
    """

    degrees: float = 10.0

    def __post_init__(self):
        _check_range("degrees", self.degrees, 0, 180)

    def matrix(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        turn = geometry.rotation(rng.uniform(-self.degrees, self.degrees))
        return geometry.about(turn, width / 2, height / 2)


@dataclass(frozen=True)
class RandomBrightness:
    """Multiplies all colors by one factor.

    Args:
        factor: The largest change; 0.2 draws from 0.8 to 1.2.

    Raises:
        ValueError: If the factor lies outside 0 to 1.

    Example:
        >>> import keras_bbox as kb, numpy as np
        >>> kb.augment.RandomBrightness(0.0).color_matrix(np.random.default_rng(0))
        array([[1., 0., 0., 0.],
               [0., 1., 0., 0.],
               [0., 0., 1., 0.]])
    """

    factor: float = 0.2

    def __post_init__(self):
        _check_range("factor", self.factor, 0, 1)

    def color_matrix(self, rng: np.random.Generator) -> np.ndarray:
        return np.eye(3, 4) * (1 + rng.uniform(-self.factor, self.factor))


class Pipeline:
    """Draws from every step and applies all of them in one warp and one color change.

    A step is anything with a method ``matrix(rng, height, width)`` that returns a 3x3 matrix on
    pixel edges, or ``color_matrix(rng)`` that returns a 3x4 matrix on RGB values from 0 to 255.
    A turned box becomes the upright hull of its corners, and what leaves the image is cut off.

    A draw that leaves less than ``min_visibility`` of some box's moved area inside the image is
    drawn again, up to ``tries`` times; then the draw that shows the most is taken.

    Args:
        steps: The steps in order.
        min_visibility: The share of each box that should stay inside the image.
        tries: How often to draw at the most.
        border: What lies outside the photo: ``"constant"`` (the color ``fill``), ``"reflect"`` or
            ``"replicate"``.
        fill: RGB, 0 to 255.

    Raises:
        TypeError: If a step has neither method.
        ValueError: If a number or the border is out of range.

    Example:
        >>> import keras_bbox as kb, numpy as np
        >>> pipeline = kb.augment.Pipeline([kb.augment.RandomFlip(), kb.augment.RandomScale()])
        >>> sample = kb.augment.Sample(
        ...     np.zeros((40, 60, 3), "uint8"), np.array([[0.2, 0.2, 0.4, 0.5]]), np.array([7]))
        >>> image, boxes, labels = pipeline(sample, np.random.default_rng(1), image_size=(32, 32))
        >>> image.shape, boxes.shape, labels
        ((32, 32, 3), (1, 4), array([7]))
    """

    def __init__(
        self,
        steps: Sequence,
        *,
        min_visibility: float = 0.5,
        tries: int = 10,
        border: str = "constant",
        fill: tuple[int, int, int] = (128, 128, 128),
    ):
        self.steps = tuple(steps)
        for step in self.steps:
            if not hasattr(step, "matrix") and not hasattr(step, "color_matrix"):
                raise TypeError(
                    "A step needs a method matrix(rng, height, width) or color_matrix(rng). A "
                    "callable (sample, rng) -> sample goes in place of a whole pipeline. "
                    f"Received: step={step!r}"
                )
        _check_range("min_visibility", min_visibility, 0, 1)
        _check_range("tries", tries, 1, np.inf)
        if border not in images.BORDERS:
            raise ValueError(
                f"border must be one of {sorted(images.BORDERS)}. Received: border={border!r}"
            )
        self.min_visibility = min_visibility
        self.tries = tries
        self.border = border
        self.fill = fill

    def __call__(
        self,
        sample: Sample,
        rng: np.random.Generator,
        image_size: tuple[int, int] | None = None,
    ) -> Sample:
        height, width = sample.image.shape[:2]
        out_height, out_width = image_size or (height, width)
        fit = geometry.scaling(out_width / width, out_height / height)
        boxes = np.asarray(sample.boxes) * (width, height, width, height)
        matrix = self._draw_matrix(boxes, rng, height, width)
        moved = geometry.transform_boxes(boxes, geometry.compose(matrix, fit))
        moved = np.clip(moved / (out_width, out_height, out_width, out_height), 0.0, 1.0)
        image = images.warp_image(
            sample.image,
            geometry.compose(matrix, fit),
            height=out_height,
            width=out_width,
            border=self.border,
            fill=self.fill,
        )
        colors = self._draw_colors(rng)
        if colors is not None:
            image = images.transform_colors(image, colors)
        return Sample(image, moved.astype(_float_dtype(sample.boxes)), sample.labels)

    def _draw_matrix(
        self, boxes: np.ndarray, rng: np.random.Generator, height: int, width: int
    ) -> np.ndarray:
        best, best_share = np.eye(3), -1.0
        spatial = [step for step in self.steps if hasattr(step, "matrix")]
        for _ in range(self.tries if spatial else 0):
            matrix = geometry.compose(*(step.matrix(rng, height, width) for step in spatial))
            moved = geometry.transform_boxes(boxes, matrix)
            share = geometry.visible_share(moved, height=height, width=width).min(initial=1.0)
            if share > best_share:
                best, best_share = matrix, share
            if share >= self.min_visibility:
                break
        return best

    def _draw_colors(self, rng: np.random.Generator) -> np.ndarray | None:
        steps = [step for step in self.steps if hasattr(step, "color_matrix")]
        product = np.eye(4)
        for step in steps:
            product = np.vstack([step.color_matrix(rng), (0, 0, 0, 1)]) @ product
        return product[:3] if steps else None


Augmentation = Callable[[Sample, np.random.Generator], Sample]


def resize(sample: Sample, image_size: tuple[int, int]) -> Sample:
    """Stretches a sample to a size; relative boxes do not change by it.

    Args:
        sample: The sample.
        image_size: ``(height, width)`` in pixels.

    Returns:
        A new sample; shrunk images are averaged by area.

    Example:
        >>> import keras_bbox as kb, numpy as np
        >>> sample = kb.augment.Sample(
        ...     np.zeros((4, 8, 3), "uint8"), np.array([[0.0, 0.0, 0.5, 1.0]]), np.array([0]))
        >>> kb.augment.resize(sample, (2, 2)).image.shape
        (2, 2, 3)
    """
    height, width = image_size
    fit = geometry.scaling(width / sample.image.shape[1], height / sample.image.shape[0])
    return sample._replace(image=images.warp_image(sample.image, fit, height=height, width=width))


def _float_dtype(boxes: np.ndarray) -> np.dtype:
    dtype = np.asarray(boxes).dtype
    return dtype if np.issubdtype(dtype, np.floating) else np.dtype(np.float64)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} must lie from {low} to {high}. Received: {name}={value}")
