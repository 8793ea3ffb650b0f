"""One draw of all steps for many images, each from a generator of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_bbox import geometry
from keras_bbox._numbers import join_colors, product
from keras_bbox.augment.batch_steps import (
    NO_COLOR,
    BatchGenerator,
    Drawn,
    add_step,
    draws_for_batches,
)
from keras_bbox.augment.choose import Step, chosen_steps
from keras_bbox.augment.spatial import Frame

_BLOCK = 32  # numbers that are drawn at once: a call takes longer than a number

Filter = dict[str, Any]


class Uniforms:
    """Numbers from 0 to 1, for each image from its own generator."""

    def __init__(self, rngs: Sequence[np.random.Generator]):
        self.rngs = rngs
        self._block = np.empty((0, len(rngs)))

    def __call__(self, size: int) -> np.ndarray:
        if len(self._block) < size:
            fresh = [rng.random(max(_BLOCK, size)) for rng in self.rngs]
            self._block = np.stack(fresh, axis=1)
        drawn, self._block = self._block[:size], self._block[size:]
        return drawn


class OwnUniforms:
    """The same numbers for a single image, as plain ones: arrays of one take many times as long."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self._block: list[float] = []

    def __call__(self, size: int) -> list[float]:
        if len(self._block) < size:
            self._block = self.rng.random(max(_BLOCK, size)).tolist()
        drawn, self._block = self._block[:size], self._block[size:]
        return drawn


class Views(NamedTuple):
    """What was drawn for many images.

    Attributes:
        matrices: From the pixels of each image to those of its result, ``(B, 3, 3)``.
        heights: Rows of the results, ``(B,)``.
        widths: Columns of the results, ``(B,)``.
        filters: The filters of each image, in order.
    """

    matrices: np.ndarray
    heights: np.ndarray
    widths: np.ndarray
    filters: list[list[Filter]]


def draw_steps(
    steps: Sequence[Step],
    rngs: Sequence[np.random.Generator],
    heights: np.ndarray,
    widths: np.ndarray,
    boxes: np.ndarray,
    image_size: tuple[int, int] | None,
) -> Views:
    """Draws all steps for all images, and the resize to a size behind them.

    Args:
        steps: The steps in order; one that cannot draw for batches draws image by image.
        rngs: A generator for each image: what is drawn for it does not depend on the others.
        heights: Rows of the images, ``(B,)``.
        widths: Columns of the images, ``(B,)``.
        boxes: ``xyxy`` in pixels, ``(B, N, 4)``.
        image_size: ``(height, width)`` of the results; ``None`` for what the steps make of them.

    Returns:
        The views.
    """
    filters: list[list[Filter]] = [[] for _ in rngs]
    if len(rngs) == 1:  # the same with plain numbers
        blank = Drawn(np.eye(3), float(heights[0]), float(widths[0]))
        drawn = _draw_one(steps, rngs[0], blank, boxes[0], filters[0])
    else:
        drawn = _draw_many(steps, rngs, Drawn(np.eye(3), heights, widths), boxes, filters)
    _append_colors(filters, np.broadcast_to(drawn.color, (len(rngs), 3, 4)))
    rows, columns = image_size or (np.trunc(drawn.height), np.trunc(drawn.width))
    fit = geometry.scaling(columns / drawn.width, rows / drawn.height)
    heights, widths = (np.broadcast_to(size, len(rngs)) for size in (rows, columns))
    matrices = np.broadcast_to(product(fit, drawn.matrix), (len(rngs), 3, 3))
    return Views(matrices, heights, widths, filters)


def _draw_one(
    steps: Sequence[Step],
    rng: np.random.Generator,
    drawn: Drawn,
    boxes: np.ndarray,
    filters: list[Filter],
) -> Drawn:
    numbers = BatchGenerator(OwnUniforms(rng))
    for step in steps:
        if draws_for_batches(step):
            drawn = add_step(step, numbers, drawn, boxes)
        else:
            drawn = _add_to_one(tuple(chosen_steps((step,), rng)), rng, drawn, boxes, filters)
    return drawn


def _draw_many(
    steps: Sequence[Step],
    rngs: Sequence[np.random.Generator],
    drawn: Drawn,
    boxes: np.ndarray,
    filters: list[list[Filter]],
) -> Drawn:
    numbers = BatchGenerator(Uniforms(rngs))
    for step in steps:
        if draws_for_batches(step):
            drawn = add_step(step, numbers, drawn, boxes)
        else:
            drawn = _add_one_by_one(step, rngs, drawn, boxes, filters)
    return drawn


def _add_one_by_one(
    step: Step,
    rngs: Sequence[np.random.Generator],
    drawn: Drawn,
    boxes: np.ndarray,
    filters: list[list[Filter]],
) -> Drawn:
    chosen = [tuple(chosen_steps((step,), rng)) for rng in rngs]
    rows = [k for k, steps in enumerate(chosen) if steps]
    if not rows:
        return drawn
    drawn = _for_each(drawn, len(rngs))
    for k in rows:
        matrix, height, width, color = (values[k] for values in drawn)
        one = Drawn(matrix, float(height), float(width), color)
        one = _add_to_one(chosen[k], rngs[k], one, boxes[k], filters[k])
        drawn.matrix[k], drawn.height[k], drawn.width[k], drawn.color[k] = one
    return drawn


def _for_each(drawn: Drawn, count: int) -> Drawn:
    shapes = ((count, 3, 3), (count,), (count,), (count, 3, 4))
    return Drawn(*(np.broadcast_to(v, s).copy() for v, s in zip(drawn, shapes, strict=True)))


def _add_to_one(
    steps: Sequence[Step],
    rng: np.random.Generator,
    drawn: Drawn,
    boxes: np.ndarray,
    filters: list[Filter],
) -> Drawn:
    if not steps:
        return drawn
    # What comes after the colors so far must not be mixed with them.
    _append_colors([filters], drawn.color[None])
    matrix, height, width, _ = drawn
    for step in steps:
        if hasattr(step, "view"):
            moved = geometry.transform_boxes(boxes, matrix)
            added, height, width = step.view(rng, Frame(height, width, moved))
            matrix = added @ matrix
        elif hasattr(step, "matrix"):
            matrix = step.matrix(rng, height, width) @ matrix
        elif hasattr(step, "color_matrix"):
            _append_colors([filters], step.color_matrix(rng)[None])
        else:
            filters.append(step.filter(rng))
    return Drawn(matrix, height, width)


def _append_colors(filters: Sequence[list[Filter]], colors: np.ndarray) -> None:
    """Appends a color matrix to each list; two that follow each other become one."""
    changes = (colors != NO_COLOR).any(axis=(1, 2)).tolist()
    for entries, is_change, matrix in zip(filters, changes, colors.tolist(), strict=True):
        if is_change and entries and entries[-1]["name"] == "color":
            matrix = join_colors(np.array(matrix), np.array(entries.pop()["matrix"])).tolist()
        if is_change:
            entries.append({"name": "color", "matrix": matrix})
