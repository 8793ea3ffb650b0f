"""What the steps draw for a batch of tensors, and which of several tries is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_bbox import geometry
from keras_bbox._arrays import Array
from keras_bbox._numbers import product
from keras_bbox.augment.batch_steps import NO_COLOR, BatchGenerator, Drawn, add_step


def uniforms(seed: Any, count: Any) -> Callable[[int], Array]:
    """Numbers for so many images, float32, for a ``BatchGenerator``."""
    return lambda size: keras.random.uniform((size, count), seed=seed, dtype="float32")


def draw_steps(
    steps: Sequence[Any],
    rng: BatchGenerator,
    *,
    source: tuple[int, int],
    target: tuple[int, int],
    boxes: Array | None = None,
) -> tuple[Array, Array]:
    """Draws all steps for all images, the resize to the target behind them.

    Args:
        steps: The steps in order.
        rng: The generator.
        source: ``(height, width)`` of the images.
        target: ``(height, width)`` of the result.
        boxes: For steps that look at them, ``xyxy`` in pixels, shape ``(B, N, 4)``.

    Returns:
        The matrices from source to target, shape ``(B, 3, 3)``, and the color matrices,
        ``(B, 3, 4)``, or ``None`` where there is no color step; float32 tensors.
    """
    drawn = Drawn(np.eye(3), *source)
    for step in steps:
        drawn = add_step(step, rng, drawn, boxes)
    fit = geometry.scaling(target[1] / drawn.width, target[0] / drawn.height)
    # One matrix for each image, also where no step has drawn any.
    zeros = ops.zeros_like(rng.random())[:, None, None]
    matrix = ops.convert_to_tensor(product(fit, drawn.matrix), dtype="float32") + zeros
    if drawn.color is NO_COLOR:
        return matrix, None
    return matrix, ops.convert_to_tensor(drawn.color, dtype="float32") + zeros


def best_try(shares: Array, exists: Array, min_visibility: float) -> Array:
    """Chooses the first try of each image that shows all its boxes, or the one that shows the most.

    Args:
        shares: The visible shares, shape ``(B, T, N)``.
        exists: Which boxes are judged, shape ``(B, N)``.
        min_visibility: The share that counts as shown.

    Returns:
        Shape ``(B, T)``, float32: 1 for the chosen try and 0 for others.
    """
    least = ops.min(ops.where(exists[:, None], shares, 1.0), axis=-1, initial=1.0)
    chosen = ops.argmax(ops.where(least >= min_visibility, 2.0, least), axis=-1)
    return ops.one_hot(chosen, shares.shape[1], dtype="float32")


def pick(matrices: Array, best: Array) -> Array:
    """The matrices of the chosen tries, ``(B, R, C)`` out of ``(B * T, R, C)``."""
    by_try = ops.reshape(matrices, (-1, best.shape[1], *matrices.shape[1:]))
    return ops.sum(best[..., None, None] * by_try, axis=1)


def fill_up(boxes: Array, exists: Array, *, height: int, width: int) -> Array:
    """Puts an image's first box in place of those it lacks, or all of it where it has none.

    Args:
        boxes: ``xyxy`` in pixels, shape ``(B, N, 4)``.
        exists: Which of them there are, shape ``(B, N)``.
        height: Rows of the images.
        width: Columns of the images.

    Returns:
        Boxes of the same shape.
    """
    first = ops.argmax(ops.cast(exists, "int32"), axis=1)[:, None, None]
    first = ops.take_along_axis(boxes, first, axis=1)
    has_any = ops.any(exists, axis=1)[:, None, None]
    image = ops.convert_to_tensor([0, 0, width, height], dtype="float32")
    return ops.where(exists[..., None], boxes, ops.where(has_any, first, image))
