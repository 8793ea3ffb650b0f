"""How well two boxes agree: IoU, and its relatives GIoU, DIoU and CIoU.

No epsilon enters any result. Everything is a ratio, and each ratio is taken in the unit in which
its denominator is 1: IoU and GIoU do not change when an axis is rescaled, so they measure in
sides of the enclosing box; the distance of DIoU measures in the longer of these sides. So no
product of small sides underflows, and `iou(b, b)` is exactly 1 for the smallest box.

The unit is a constant to the gradient (it cancels), which keeps gradients finite as well.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras

from keras_bbox._arrays import (
    Array,
    as_arrays,
    at_least_single,
    cast,
    check_boxes,
    constant,
    library_and_dtype,
)
from keras_bbox.boxes import Axis, Format, image_size, parse_format, size_of, split_axes

_SMALLEST_NORMAL = 1.1754944e-38  # of float32: one over anything smaller overflows


class _Lengths(NamedTuple):
    """What one axis tells about pairs of boxes; all but `shift` are 0 or more."""

    size1: Array
    size2: Array
    inner: Array  # of the intersection
    outer: Array  # of the enclosing box
    shift: Array  # from center to center


def iou(boxes1: Array, boxes2: Array, bounding_box_format: str = "xyxy") -> Array:
    """Return the intersection over union of boxes, one to one.

    1 for a box with itself, however small; 0 for boxes that are disjoint, merely touch, have no
    area, or are inverted (an end before its start). It is the same in pixels and in fractions of
    the image, so a `rel_` format needs no image size. Gradients are finite everywhere. Not a
    number in gives not a number out.

    Args:
        boxes1: shape (..., 4).
        boxes2: shape (..., 4), broadcast against `boxes1`: `iou(a[:, None], b[None])` gives every
            pair.
        bounding_box_format: the format of both.

    Returns:
        Values in [0, 1] of the broadcast shape without its last axis: NumPy for NumPy, a tensor
        when either argument is one. Integers become float64 (NumPy) or `floatx` (tensors);
        float16 and bfloat16 are computed, and returned, in float32.

    Raises:
        ValueError: an unknown format, a last axis that is not 4, or shapes that do not broadcast.
        TypeError: boxes that are not numbers.

    Example:
        >>> import numpy as np
        >>> import keras_bbox as kb
        >>> boxes = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6]])
        >>> kb.iou(boxes, [0, 0, 2, 1])
        array([0.5, 0.2, 0. ])
        >>> kb.iou(boxes[:, None], boxes[None]).shape
        (3, 3)
    """
    return _iou(*_measure(boxes1, boxes2, parse_format(bounding_box_format)))


def giou(boxes1: Array, boxes2: Array, bounding_box_format: str = "xyxy") -> Array:
    """Return the generalized IoU of boxes, one to one: IoU less the empty share of the hull.

    The hull is the smallest box around both. GIoU falls as boxes move apart, where IoU stays 0,
    so it says which way to go. It needs no image size. Two boxes without area give -1. An
    inverted box has no area, and the hull reaches round its corners put in order.

    Args:
        boxes1: shape (..., 4).
        boxes2: shape (..., 4), broadcast against `boxes1`.
        bounding_box_format: the format of both.

    Returns:
        Values in [-1, 1], at most the IoU; otherwise as for `iou`.

    Raises:
        ValueError: an unknown format, a last axis that is not 4, or shapes that do not broadcast.
        TypeError: boxes that are not numbers.

    Example:
        >>> import keras_bbox as kb
        >>> kb.giou([[0, 0, 1, 1]], [[0, 0, 1, 1], [1, 0, 2, 1], [3, 0, 4, 1]])
        array([ 1. ,  0. , -0.5])
    """
    # Rezatofighi et al., "Generalized Intersection over Union", CVPR 2019:
    # GIoU = IoU - (C - U) / C, with U the area of the union and C that of the enclosing box.
    xp, x, y = _measure(boxes1, boxes2, parse_format(bounding_box_format))
    intersection, union, enclosing = _areas(xp, x, y)
    # Rounding may put the union a bit above the box round it.
    filled = xp.minimum(_share(xp, union, enclosing), 1.0)
    return _share(xp, intersection, union) - (1.0 - filled)


def diou(
    boxes1: Array,
    boxes2: Array,
    bounding_box_format: str = "xyxy",
    *,
    height: object = None,
    width: object = None,
) -> Array:
    """Return the distance IoU of boxes, one to one: IoU less a squared distance of centers.

    The distance is measured in diagonals of the smallest box around both. Other than IoU and
    GIoU it changes when one axis is rescaled: `rel_` boxes are measured in fractions of the
    image, as if it were square, unless `height` and `width` are given.

    Args:
        boxes1: shape (..., 4).
        boxes2: shape (..., 4), broadcast against `boxes1`.
        bounding_box_format: the format of both.
        height: image height in pixels, to measure `rel_` boxes in pixels: a number, or an array
            that broadcasts to the result. Pixel formats do not need it and do not change by it.
        width: image width in pixels, likewise. Give both or neither.

    Returns:
        Values in [-1, 1], at most the IoU; otherwise as for `iou`.

    Raises:
        ValueError: an unknown format, a last axis that is not 4, shapes that do not broadcast, or
            one of height and width without the other.
        TypeError: boxes or sizes that are not numbers.

    Example:
        >>> import keras_bbox as kb
        >>> kb.diou([0, 0, 2, 2], [[0, 0, 2, 2], [2, 2, 4, 4]])
        array([ 1.  , -0.25])
    """
    layout = parse_format(bounding_box_format)
    xp, x, y = _measure(boxes1, boxes2, layout, height, width)
    overlap = _iou(xp, x, y)
    x, y = _in_pixels(xp, x, y, layout, height, width)
    return overlap - _squared_distance(xp, x, y)


def ciou(
    boxes1: Array,
    boxes2: Array,
    bounding_box_format: str = "xyxy",
    *,
    height: object = None,
    width: object = None,
) -> Array:
    """Return the complete IoU of boxes, one to one: DIoU less a difference of aspect ratios.

    The weight of that difference is a constant to the gradient, as in the paper. As for `diou`,
    `rel_` boxes are measured in pixels only when `height` and `width` are given.

    Args:
        boxes1: shape (..., 4).
        boxes2: shape (..., 4), broadcast against `boxes1`.
        bounding_box_format: the format of both.
        height: image height in pixels, to measure `rel_` boxes in pixels: a number, or an array
            that broadcasts to the result. Pixel formats do not need it and do not change by it.
        width: image width in pixels, likewise. Give both or neither.

    Returns:
        Values in [-2, 1], at most the DIoU; otherwise as for `iou`.

    Raises:
        ValueError: an unknown format, a last axis that is not 4, shapes that do not broadcast, or
            one of height and width without the other.
        TypeError: boxes or sizes that are not numbers.

    Example:
        >>> import keras_bbox as kb
        >>> kb.ciou([0, 0, 2, 2], [[0, 0, 2, 2], [0, 0, 4, 1]]).round(3)
        array([1.   , 0.253])
    """
    # Zheng et al., "Distance-IoU Loss", AAAI 2020: CIoU = IoU - d^2 / c^2 - a v, where
    # v = 4 / pi^2 (atan(w1 / h1) - atan(w2 / h2))^2 and a = v / (1 - IoU + v).
    layout = parse_format(bounding_box_format)
    xp, x, y = _measure(boxes1, boxes2, layout, height, width)
    overlap = _iou(xp, x, y)
    x, y = _in_pixels(xp, x, y, layout, height, width)
    turn = _aspect_angle(xp, x.size1, y.size1) - _aspect_angle(xp, x.size2, y.size2)
    aspect = (2.0 / math.pi * turn) ** 2
    weight = constant(xp, _share(xp, aspect, 1.0 - overlap + aspect))
    return overlap - _squared_distance(xp, x, y) - weight * aspect


def _measure(
    boxes1: Array, boxes2: Array, layout: Format, *sizes: object
) -> tuple[Any, _Lengths, _Lengths]:
    """Return the array library, and what the x axis and the y axis tell about the pairs."""
    boxes1, boxes2 = as_arrays(boxes1=boxes1, boxes2=boxes2)
    check_boxes(boxes1=boxes1, boxes2=boxes2)
    _check_broadcast(boxes1, boxes2)
    xp, dtype = library_and_dtype(boxes1, boxes2, sizes=sizes)
    axes1, axes2 = (
        split_axes(cast(xp, boxes, at_least_single(dtype)), layout) for boxes in (boxes1, boxes2)
    )
    x, y = (_lengths(xp, a, b, layout.kind) for a, b in zip(axes1, axes2, strict=True))
    return xp, x, y


def _check_broadcast(boxes1: Array, boxes2: Array) -> None:
    shape1, shape2 = tuple(boxes1.shape), tuple(boxes2.shape)
    pairs = zip(reversed(shape1), reversed(shape2), strict=False)
    if not all(a == b or a in (1, None) or b in (1, None) for a, b in pairs):
        raise ValueError(
            "boxes1 and boxes2 must broadcast. Pass equal shapes for one to one, or "
            "boxes1[:, None] and boxes2[None] for every pair. "
            f"Received: boxes1.shape={shape1}, boxes2.shape={shape2}"
        )


def _lengths(xp: Any, axis1: Axis, axis2: Axis, kind: str) -> _Lengths:
    """Measure one axis.

    The intersection is the least, and the hull the greatest, of four lengths: both sizes, and from
    the start of either box to the end of the other. Written so, a size that the format holds is
    used as it is, not as a difference of corners that may have swallowed it.
    """
    size1, size2 = size_of(axis1, kind), size_of(axis2, kind)
    gap1, gap2 = _end_to_start(_in_order(xp, axis1, kind), _in_order(xp, axis2, kind), kind)
    covered1, covered2 = xp.maximum(size1, -size1), xp.maximum(size2, -size2)
    size1, size2 = xp.maximum(size1, 0.0), xp.maximum(size2, 0.0)
    inner = xp.minimum(xp.minimum(size1, size2), xp.minimum(gap1, gap2))
    outer = xp.maximum(xp.maximum(covered1, covered2), xp.maximum(gap1, gap2))
    return _Lengths(size1, size2, xp.maximum(inner, 0.0), outer, (gap1 - gap2) / 2)


def _in_order(xp: Any, axis: Axis, kind: str) -> Axis:
    """Return the same stretch of the axis with its end after its start."""
    first, second = axis
    if kind == "corners":
        return xp.minimum(first, second), xp.maximum(second, first)
    start = first + xp.minimum(second, 0.0) if kind == "start" else first
    return start, xp.maximum(second, -second)


def _end_to_start(axis1: Axis, axis2: Axis, kind: str) -> tuple[Array, Array]:
    """Return (end of 1 - start of 2, end of 2 - start of 1), negative across a gap."""
    (first1, second1), (first2, second2) = axis1, axis2
    if kind == "corners":
        return second1 - first2, second2 - first1
    offset = first1 - first2
    if kind == "start":
        return second1 + offset, second2 - offset
    reach = (second1 + second2) / 2
    return reach + offset, reach - offset


def _in_pixels(
    xp: Any, x: _Lengths, y: _Lengths, layout: Format, height: object, width: object
) -> tuple[_Lengths, _Lengths]:
    if not layout.relative or (height is None and width is None):
        return x, y
    dtype = keras.backend.standardize_dtype(x.outer.dtype)
    rows, columns = image_size(xp, tuple(x.outer.shape), height, width, dtype)
    return _Lengths(*(length * columns for length in x)), _Lengths(*(length * rows for length in y))


def _iou(xp: Any, x: _Lengths, y: _Lengths) -> Array:
    intersection, union, _ = _areas(xp, x, y)
    return _share(xp, intersection, union)


def _areas(xp: Any, x: _Lengths, y: _Lengths) -> tuple[Array, Array, Array]:
    """Return the areas of intersection, union and hull, in units of the hull."""
    x, y = _in_hulls(xp, x), _in_hulls(xp, y)
    intersection = x.inner * y.inner
    union = x.size1 * y.size1 + x.size2 * y.size2 - intersection
    return intersection, union, x.outer * y.outer


def _in_hulls(xp: Any, lengths: _Lengths) -> _Lengths:
    unit = constant(xp, _not_zero(xp, lengths.outer))
    return _Lengths(*(length / unit for length in lengths))


def _squared_distance(xp: Any, x: _Lengths, y: _Lengths) -> Array:
    """Return the squared distance of the centers in squared diagonals of the hull."""
    unit = constant(xp, _not_zero(xp, xp.maximum(x.outer, y.outer)))
    distance = xp.square(x.shift / unit) + xp.square(y.shift / unit)
    diagonal = xp.square(x.outer / unit) + xp.square(y.outer / unit)
    return _share(xp, distance, diagonal)


def _aspect_angle(xp: Any, width: Array, height: Array) -> Array:
    """Return atan(width / height), from 0 to pi / 2, and 0 for 0 / 0."""
    longer = xp.maximum(width, height)
    unit = constant(xp, _not_zero(xp, longer))
    return xp.arctan2(width / unit, xp.where(longer <= 0, 1.0, height / unit))


def _not_zero(xp: Any, length: Array) -> Array:
    return xp.where(length <= 0, 1.0, length)


def _share(xp: Any, part: Array, whole: Array) -> Array:
    """Return part / whole, and 0 where the whole is 0, with a finite gradient in either case.

    The gradient of a plain division squares the denominator, which underflows early: both are
    scaled first by a constant that brings the whole near 1.
    """
    scale = constant(xp, 1.0 / xp.where(whole < _SMALLEST_NORMAL, 1.0, whole))
    empty = whole <= 0
    return xp.where(empty, 0.0, part * scale / xp.where(empty, 1.0, whole * scale))
