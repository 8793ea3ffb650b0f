"""Boxes of a batch through its matrices: where they come to lie, and how much of them is shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_bbox._arrays import Array, array_module, is_tensor

# The sides of the unit square: x and y of where each starts, and how far it goes along x and y.
_SIDES = np.array([[0, 1, 1, 0], [0, 0, 1, 1], [1, 0, -1, 0], [0, 1, 0, -1]], dtype=np.float32)
# On the canvas is what lies right of its left edge, less what lies right of its right edge; and the
# same for its upper and lower edges.
_SIGNS = np.array([[1, -1], [-1, 1]], dtype=np.float32)


def move_boxes(boxes: Array, matrices: Array, *, shape: str) -> Array:
    """Moves boxes as ``geometry.transform_boxes`` does, those of each image by its own matrix.

    Args:
        boxes: Shape ``(B, N, 4)``, ``xyxy`` in pixels; NumPy arrays, or float32 tensors.
        matrices: Shape ``(B, 3, 3)``, or ``(3, 3)`` for all.
        shape: ``"hull"`` or ``"ellipse"``.

    Returns:
        Shape ``(B, N, 4)``, not clipped.
    """
    if shape == "ellipse":
        return _move_ellipses(boxes, matrices)
    x, y, w = _moved_corners(boxes, matrices)
    xp = array_module(x)
    moved = xp.stack([x / w, y / w], axis=-1)
    return xp.concatenate([xp.min(moved, axis=-2), xp.max(moved, axis=-2)], axis=-1)


def visible_share(boxes: Array, matrices: Array, *, height: Array, width: Array) -> Array:
    """The share of each box's area that lies on the canvas, as ``geometry.visible_share`` has it.

    The box is the unit square. Its part in the quadrant between two lines is bounded by pieces of
    its sides and of the lines; measured by triangles from the point where the lines cross, the
    pieces on the lines add nothing. Four quadrants make the canvas. So there is no polygon whose
    number of corners would depend on the data.

    Args:
        boxes: Shape ``(..., N, 4)``, ``xyxy`` in pixels; NumPy arrays or tensors.
        matrices: Shape ``(..., 3, 3)``, with the boxes wholly in front of the horizon.
        height: The canvas's height, or one for each image, of shape ``(B, 1, 1)``.
        width: The canvas's width, likewise.

    Returns:
        Shape ``(..., N)``, from 0 to 1; of no meaning for a box without area.
    """
    x, y, w = _moved_corners(boxes, matrices)
    xp = array_module(x)
    nearest = xp.min(xp.stack([x, width * w - x, y, height * w - y], axis=-1), axis=(-2, -1))
    if xp is np and (nearest >= 0).all():  # the usual case, and the quickest to tell
        return np.ones_like(nearest)
    # On the last axis the corners; before it which of the two upright and the two level lines.
    upright = xp.stack([x, x - width * w], axis=-2)[..., :, None, :]
    level = xp.stack([y, y - height * w], axis=-2)[..., None, :, :]
    quadrants = _area_in_quadrant(upright, level)
    share = xp.clip(xp.sum(quadrants * _constant(xp, _SIGNS), axis=(-2, -1)), 0.0, 1.0)
    return xp.where(nearest >= 0, 1.0, share)


def _moved_corners(boxes: Array, matrices: Array) -> tuple[Array, Array, Array]:
    """The homogeneous ``x``, ``y`` and ``w`` of the corners, each of shape ``(..., N, 4)``."""
    xp = array_module(boxes)
    x = xp.take(boxes, np.array([0, 2, 2, 0]), axis=-1)
    y = xp.take(boxes, np.array([1, 1, 3, 3]), axis=-1)
    return _rows_times(matrices, x, y)


def _rows_times(matrices: Array, x: Array, y: Array) -> tuple[Array, Array, Array]:
    m = _constant(array_module(x), matrices)[..., None, None]
    # All three at once, shape (..., 3, N, corners).
    moved = m[..., 0, :, :] * x[..., None, :, :] + m[..., 1, :, :] * y[..., None, :, :]
    moved = moved + m[..., 2, :, :]
    return moved[..., 0, :, :], moved[..., 1, :, :], moved[..., 2, :, :]


def _area_in_quadrant(first: Array, second: Array) -> Array:
    """The area of the unit square where two linear functions, given at its corners, are over 0."""
    xp = array_module(first)
    starts, ends = zip(_cut_sides(first), _cut_sides(second), strict=True)
    start, end = xp.maximum(*starts), xp.minimum(*ends)
    cross_x, cross_y = _crossing(first, second)
    corner_x, corner_y, along_x, along_y = (_constant(xp, row) for row in _SIDES)
    x = corner_x + start * along_x - cross_x[..., None]
    y = corner_y + start * along_y - cross_y[..., None]
    triangles = (x * along_y - y * along_x) * xp.maximum(end - start, 0.0)
    return xp.sum(triangles, axis=-1) / 2


def _cut_sides(depth: Array) -> tuple[Array, Array]:
    """From where to where each side lies inside, 0 to 1; the end before the start for none."""
    xp = array_module(depth)
    here, there = depth, xp.roll(depth, -1, axis=-1)
    crosses = (here < 0) != (there < 0)
    at = here / xp.where(crosses, here - there, 1.0)
    start = xp.where(here < 0, xp.where(crosses, at, 1.0), 0.0)
    end = xp.where(there < 0, xp.where(crosses, at, 0.0), 1.0)
    return start, end


def _crossing(first: Array, second: Array) -> tuple[Array, Array]:
    """Where two linear functions on the unit square, known at its corners, are both 0."""
    a, b, c = first[..., 1] - first[..., 0], first[..., 3] - first[..., 0], first[..., 0]
    d, e, f = second[..., 1] - second[..., 0], second[..., 3] - second[..., 0], second[..., 0]
    scale = a * e - b * d
    scale = array_module(scale).where(scale == 0, 1.0, scale)  # a box without area
    return (b * f - c * e) / scale, (c * d - a * f) / scale


def _constant(xp: Any, values: Array) -> Array:
    if xp is np or is_tensor(values):
        return values
    return xp.convert_to_tensor(values, dtype="float32")


def _move_ellipses(boxes: Array, matrices: Array) -> Array:
    center, half = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]) / 2
    x, y, w = _rows_times(matrices, center[..., :1], center[..., 1:])
    xp = array_module(x)
    middle = xp.concatenate([x / w, y / w], axis=-1)
    m = matrices[..., None, :, :]
    # How the two half axes move, seen from the moved center: nothing large cancels there.
    tilt = m[..., 2, :2] * half
    axes = (m[..., :2, :2] - middle[..., None] * m[..., 2:, :2]) * half[..., None, :]
    # See boxes._transform_ellipses for the dual form and the lines that touch it.
    scale = xp.sum(tilt**2, axis=-1, keepdims=True) - w**2
    shift = xp.sum(axes * tilt[..., None, :], axis=-1) / scale
    reach = xp.sqrt(xp.maximum(shift**2 - xp.sum(axes**2, axis=-1) / scale, 0.0))
    return xp.concatenate([middle + shift - reach, middle + shift + reach], axis=-1)
