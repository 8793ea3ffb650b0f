"""Steps that draw for all images of a batch at once: one spatial and one color matrix for each.

A step writes its formula once (see ``_numbers``). With NumPy arrays it draws for
``Pipeline.batch``, with tensors for ``layers.BoxAugmentation``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from keras_bbox._arrays import Array, array_module
from keras_bbox._numbers import PLAIN, Number, join_colors, product, select
from keras_bbox.augment import color, crops, spatial
from keras_bbox.augment.choose import OneOf, RandomApply
from keras_bbox.geometry.batches import move_boxes

NO_BOXES = np.zeros((0, 4))
NO_COLOR = np.eye(3, 4)
LOOKS_AT_BOXES = {crops.RandomBoxSafeCrop}
DRAWS_FOR_BATCHES = LOOKS_AT_BOXES | {
    spatial.RandomFlip,
    spatial.RandomScale,
    spatial.RandomTranslation,
    spatial.RandomRotation,
    spatial.RandomShear,
    spatial.RandomPerspective,
    crops.RandomQuarterTurn,
    crops.RandomTranspose,
    crops.RandomCrop,
    crops.RandomResizedCrop,
    crops.RandomZoomOut,
    crops.Resize,
    crops.Letterbox,
    color.RandomBrightness,
    color.RandomContrast,
    color.RandomSaturation,
    color.RandomHue,
    color.RandomColorTemperature,
    color.Grayscale,
    color.RandomChannelShuffle,
}


def draws_for_batches(step: Any) -> bool:
    """Whether a step of this package can draw for many images at once."""
    if isinstance(step, RandomApply):
        return draws_for_batches(step.step)
    if isinstance(step, OneOf):
        return all(map(draws_for_batches, step.steps))
    return type(step) in DRAWS_FOR_BATCHES


class BatchGenerator:
    """Draws for many images at once; the methods are those of a NumPy generator that steps use.

    What is one number there is an array of shape ``(B,)`` here, and what is an array of so many
    numbers is a list of such arrays. For a single image they may be plain numbers.

    Args:
        uniforms: From a count to so many numbers from 0 to 1 for each image, ``(count, B)``, or
            a list of plain numbers.
    """

    def __init__(self, uniforms: Callable[[int], Array]):
        self._uniforms = uniforms

    def random(self, size: int | None = None) -> Any:
        drawn = self._uniforms(size or 1)
        return drawn[0] if size is None else [drawn[k] for k in range(size)]

    def uniform(self, low: float = 0.0, high: float = 1.0, size: int | None = None) -> Any:
        drawn = self.random(size)
        return [low + (high - low) * u for u in drawn] if size else low + (high - low) * drawn

    def integers(self, low: Number, high: Number | None = None, *, endpoint: bool = False) -> Array:
        low, high = (0, low) if high is None else (low, high)
        count, drawn = high - low + endpoint, self.random()
        if isinstance(drawn, PLAIN):
            return low + min(int(drawn * count), int(count) - 1)
        xp = array_module(drawn)
        # The largest draw times the count may round up to the count.
        return low + xp.minimum(xp.floor(drawn * count), count - 1)

    def permutation(self, count: int) -> Array:
        drawn = self.random(count)
        xp = array_module(drawn[0])
        return xp.argsort(xp.stack(drawn, axis=-1), axis=-1)


class Drawn(NamedTuple):
    """The steps so far: constant while no step has drawn, and then one for each image.

    Attributes:
        matrix: From the original pixels to the canvas, ``(3, 3)`` or ``(B, 3, 3)``.
        height: Rows of the canvas.
        width: Columns of the canvas.
        color: ``NO_COLOR`` itself where no step has changed it, else ``(3, 4)`` or ``(B, 3, 4)``.
    """

    matrix: Array
    height: Number
    width: Number
    color: Array = NO_COLOR


def add_step(step: Any, rng: BatchGenerator, drawn: Drawn, boxes: Array = None) -> Drawn:
    """Draws one more step for all images.

    Args:
        step: The step.
        rng: The generator.
        drawn: The steps before it.
        boxes: Those of the original images, ``xyxy`` in pixels, shape ``(B, N, 4)``, for steps that
            look at them; ``None`` for images alone.

    Returns:
        The steps and this one.
    """
    if isinstance(step, RandomApply):
        runs = rng.random() < step.probability
        return select(runs, add_step(step.step, rng, drawn, boxes), drawn)
    if isinstance(step, OneOf):
        choice, result = rng.integers(len(step.steps)), drawn
        for index, candidate in enumerate(step.steps):
            result = select(choice == index, add_step(candidate, rng, drawn, boxes), result)
        return result
    if hasattr(step, "view"):
        looks = boxes is not None and type(step) in LOOKS_AT_BOXES
        seen = move_boxes(boxes, drawn.matrix, shape="hull") if looks else NO_BOXES
        matrix, height, width = step.view(rng, spatial.Frame(drawn.height, drawn.width, seen))
        return drawn._replace(matrix=product(matrix, drawn.matrix), height=height, width=width)
    if hasattr(step, "matrix"):
        matrix = step.matrix(rng, drawn.height, drawn.width)
        return drawn._replace(matrix=product(matrix, drawn.matrix))
    return drawn._replace(color=join_colors(step.color_matrix(rng), drawn.color))
