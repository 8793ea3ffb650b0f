"""What the steps draw for a batch of tensors, and which of several tries is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_bbox import augment, geometry
from keras_bbox._arrays import Array, is_tensor
from keras_bbox._numbers import product, select
from keras_bbox.augment.batch_steps import BatchGenerator, Drawn, add_step
from keras_bbox.boxes import clip_boxes
from keras_bbox.geometry import batches
from keras_bbox.layers.iou_crop import draw_iou_crop

# Shares are computed in single width.
ROUNDING = 1e-4
LOST = -2.0  # the margin of a box of which nothing is left, under that of all others


class Least(NamedTuple):
    """What must be left of a box, see ``Pipeline``: shares of it and of the result, and pixels."""

    visibility: float
    area: float
    size: float


def uniforms(seed: Any, count: Any) -> Callable[[int], Array]:
    """Numbers for so many images, float32, for a ``BatchGenerator``."""
    return lambda size: keras.random.uniform((size, count), seed=seed, dtype="float32")


class Change(NamedTuple):
    """A change of pixels that a step has drawn.

    Attributes:
        step: A color step or a filter.
        parameters: ``matrix``, shape ``(B, 3, 4)``, or what the filter takes, each ``(B,)``.
        runs: The images that it is drawn for, shape ``(B,)``; ``None`` for all.
    """

    step: Any
    parameters: dict[str, Any]
    runs: Array | None


def draw_steps(
    steps: Sequence[Any],
    rng: BatchGenerator,
    *,
    source: tuple[int, int],
    target: tuple[int, int],
    boxes: Array | None = None,
) -> tuple[Array, list[Change]]:
    """Draws all steps for all images, the resize to the target behind them.

    Args:
        steps: The steps in order.
        rng: The generator.
        source: ``(height, width)`` of the images.
        target: ``(height, width)`` of the result.
        boxes: For steps that look at them, ``xyxy`` in pixels, shape ``(B, N, 4)``.

    Returns:
        The matrices from source to target, float32, shape ``(B, 3, 3)``, and the changes of pixels
        in order.
    """
    drawn, changes = Drawn(np.eye(3), *source), list[Change]()
    for step in steps:
        drawn = _draw(step, rng, drawn, boxes, None, changes)
    fit = geometry.scaling(target[1] / drawn.width, target[0] / drawn.height)
    # One matrix for each image, also where no step has drawn any.
    zeros = ops.zeros_like(rng.random())[:, None, None]

    def for_each(matrix: Array) -> Array:
        return ops.convert_to_tensor(matrix, dtype="float32") + zeros

    changes = [
        change._replace(parameters={"matrix": for_each(change.parameters["matrix"])})
        if "matrix" in change.parameters
        else change
        for change in changes
    ]
    return for_each(product(fit, drawn.matrix)), changes


def _draw(
    step: Any,
    rng: BatchGenerator,
    drawn: Drawn,
    boxes: Array | None,
    runs: Array | None,
    changes: list[Change],
) -> Drawn:
    """Draws a step for all images, of which it runs on some; appends to the changes."""
    for chosen, candidate in _choices(step, rng):
        both = chosen if runs is None else ops.logical_and(runs, chosen)
        drawn = _draw(candidate, rng, drawn, boxes, both, changes)
    if hasattr(step, "choose"):
        return drawn
    if hasattr(step, "view") or hasattr(step, "matrix"):
        is_iou_crop = type(step) is augment.RandomIOUCrop
        added = (draw_iou_crop if is_iou_crop else add_step)(step, rng, drawn, boxes)
        return added if runs is None else select(runs, added, drawn)
    if hasattr(step, "color_matrix"):
        parameters = {"matrix": step.color_matrix(rng)}
    else:
        parameters = step.filter(rng)
        parameters.pop("name")
    changes.append(Change(step, parameters, runs))
    return drawn


def _choices(step: Any, rng: BatchGenerator) -> Iterator[tuple[Array, Any]]:
    """What a step may choose, with the images for which it does."""
    if isinstance(step, augment.RandAugment):
        step = step.as_some_of()
    if isinstance(step, augment.RandomApply):
        yield rng.random() < step.probability, step.step
    elif isinstance(step, augment.OneOf):
        choice = rng.integers(len(step.steps))
        for index, candidate in enumerate(step.steps):
            yield choice == index, candidate
    elif isinstance(step, augment.SomeOf) and step.count:
        order = rng.permutation(len(step.steps))
        for place in range(step.count):
            for index, candidate in enumerate(step.steps):
                yield order[:, place] == index, candidate


def margins(
    boxes: Array, matrices: Array, *, image_size: tuple[int, int], least: Least, shape: str
) -> Array:
    """By how much each box is over the least of the thresholds, under 0 if it is hidden.

    Args:
        boxes: Those of the images, ``xyxy`` in pixels, shape ``(B, N, 4)``.
        matrices: Those of each try, shape ``(B, T, 3, 3)``.
        image_size: ``(height, width)`` of the result.
        least: The thresholds.
        shape: ``"hull"`` or ``"ellipse"``.

    Returns:
        Shape ``(B, T, N)``; ``LOST`` where nothing is left.
    """
    (height, width), boxes = image_size, boxes[:, None]
    shares = batches.visible_share(boxes, matrices, height=height, width=width)
    over = shares - least.visibility
    if least.area or least.size:
        moved = batches.move_boxes(boxes, matrices, shape=shape)
        inside = clip_boxes(moved, "xyxy", height=height, width=width)
        sides = inside[..., 2:] - inside[..., :2]
        over = ops.minimum(over, ops.prod(sides, axis=-1) / (height * width) - least.area)
        if least.size:
            over = ops.minimum(over, ops.min(sides, axis=-1) / least.size - 1)
    return ops.where(shares <= ROUNDING, LOST, over + ROUNDING)


def best_try(margins: Array, exists: Array) -> Array:
    """Chooses the first try of each image that shows all its boxes, or the one that shows the most.

    Args:
        margins: By how much each box is shown, shape ``(B, T, N)``, under 0 if it is hidden.
        exists: Which boxes are judged, shape ``(B, N)``.

    Returns:
        Shape ``(B, T)``, float32: 1 for the chosen try and 0 for others.
    """
    least = ops.min(ops.where(exists[:, None], margins, 1.0), axis=-1, initial=1.0)
    chosen = ops.argmax(ops.where(least >= 0, 2.0, least), axis=-1)
    return ops.one_hot(chosen, margins.shape[1], dtype="float32")


def pick(drawn: Any, best: Array) -> Any:
    """What was drawn for the chosen tries: of arrays ``(B * T, ...)``, those of ``(B, ...)``."""

    def of_best(values: Any) -> Any:
        if not is_tensor(values):
            return values
        by_try = ops.reshape(values, (-1, best.shape[1], *values.shape[1:]))
        chosen = ops.reshape(best, (-1, best.shape[1]) + (1,) * (len(values.shape) - 1))
        picked = ops.sum(chosen * ops.cast(by_try, "float32"), axis=1)
        is_truth = keras.backend.standardize_dtype(values.dtype) == "bool"
        return ops.cast(picked, "bool") if is_truth else picked

    return keras.tree.map_structure(of_best, drawn)


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
