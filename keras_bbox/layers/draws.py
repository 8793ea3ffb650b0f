"""What the steps draw for a batch: one spatial and one color matrix for each image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_bbox import geometry
from keras_bbox._arrays import Array
from keras_bbox._numbers import Number, product, select
from keras_bbox.augment import Frame, OneOf, RandomApply

NO_BOXES = np.zeros((0, 4))


class BatchGenerator:
    """Draws for many images at once; the methods are those of a NumPy generator that steps use.

    What is one number there is a float32 tensor of shape ``(count,)`` here, and what is an array of
    so many numbers is a list of such tensors.
    """

    def __init__(self, seed: Any, count: Any):
        self._seed = seed
        self._count = count

    def random(self, size: int | None = None) -> Any:
        drawn = keras.random.uniform((size or 1, self._count), seed=self._seed, dtype="float32")
        return drawn[0] if size is None else [drawn[k] for k in range(size)]

    def uniform(self, low: float = 0.0, high: float = 1.0, size: int | None = None) -> Any:
        drawn = self.random(size)
        return [low + (high - low) * u for u in drawn] if size else low + (high - low) * drawn

    def integers(self, low: Number, high: Number | None = None, *, endpoint: bool = False) -> Array:
        low, high = (0, low) if high is None else (low, high)
        count = high - low + endpoint
        # In single width the largest draw times the count may round up to the count.
        return low + ops.minimum(ops.floor(self.random() * count), count - 1)

    def permutation(self, count: int) -> Array:
        return ops.argsort(ops.stack(self.random(count), axis=-1), axis=-1)


class Drawn(NamedTuple):
    """The steps so far: constant while no step has drawn, and then one for each image.

    Attributes:
        matrix: From the original pixels to the canvas, ``(3, 3)`` or ``(B, 3, 3)``.
        height: Rows of the canvas.
        width: Columns of the canvas.
        color: ``(3, 4)`` or ``(B, 3, 4)``.
    """

    matrix: Array
    height: Number
    width: Number
    color: Array


def draw_steps(
    steps: Sequence[Any], rng: Any, *, source: tuple[int, int], target: tuple[int, int]
) -> tuple[Array, Array]:
    """Draws all steps for all images, the resize to the target behind them.

    Args:
        steps: The steps in order.
        rng: A ``BatchGenerator``.
        source: ``(height, width)`` of the images.
        target: ``(height, width)`` of the result.

    Returns:
        The matrices from source to target, shape ``(B, 3, 3)``, and the color matrices,
        ``(B, 3, 4)``, or ``None`` where there is no color step; float32 tensors.
    """
    drawn = Drawn(np.eye(3), *source, np.eye(3, 4))
    for step in steps:
        drawn = _add(step, rng, drawn)
    fit = geometry.scaling(target[1] / drawn.width, target[0] / drawn.height)
    has_color = not isinstance(drawn.color, np.ndarray)
    # One matrix for each image, also where no step has drawn any.
    zeros = ops.zeros_like(rng.random())[:, None, None]
    matrix = ops.convert_to_tensor(product(fit, drawn.matrix), dtype="float32")
    return matrix + zeros, drawn.color + zeros if has_color else None


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


def _add(step: Any, rng: Any, drawn: Drawn) -> Drawn:
    if isinstance(step, RandomApply):
        runs = rng.random() < step.probability
        return select(runs, _add(step.step, rng, drawn), drawn)
    if isinstance(step, OneOf):
        return _add_one_of(step, rng, drawn)
    if hasattr(step, "view"):
        matrix, height, width = step.view(rng, Frame(drawn.height, drawn.width, NO_BOXES))
        return drawn._replace(matrix=product(matrix, drawn.matrix), height=height, width=width)
    if hasattr(step, "matrix"):
        matrix = step.matrix(rng, drawn.height, drawn.width)
        return drawn._replace(matrix=product(matrix, drawn.matrix))
    return drawn._replace(color=_join_colors(step.color_matrix(rng), drawn.color))


def _add_one_of(step: OneOf, rng: Any, drawn: Drawn) -> Drawn:
    choice, result = rng.integers(len(step.steps)), drawn
    for index, candidate in enumerate(step.steps):
        result = select(choice == index, _add(candidate, rng, drawn), result)
    return result


def _join_colors(second: Array, first: Array) -> Array:
    second = ops.convert_to_tensor(second, dtype="float32")
    joined = product(second[..., :3], first)
    return ops.concatenate([joined[..., :3], joined[..., 3:] + second[..., 3:]], axis=-1)
