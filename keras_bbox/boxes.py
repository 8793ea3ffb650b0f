"""Bounding box formats: what the four numbers of a box mean, and how to go from one to another.

A format is a layout, in pixels, or `rel_` + layout, in fractions of the image's width and height:

| layout        | the four numbers                  |
|---------------|-----------------------------------|
| `xyxy`        | x_min, y_min, x_max, y_max        |
| `yxyx`        | y_min, x_min, y_max, x_max        |
| `xxyy`        | x_min, x_max, y_min, y_max        |
| `xywh`        | x_min, y_min, width, height       |
| `center_xywh` | x_center, y_center, width, height |

Coordinates are edges: the whole image is `[0, 0, width, height]` in `xyxy`, and a width is
`x_max - x_min`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from keras_bbox._arrays import (
    Array,
    as_arrays,
    at_least_single,
    broadcasts_to,
    cast,
    check_boxes,
    is_tensor,
    library_and_dtype,
)

Axis = tuple[Array, Array]  # the two numbers that place a box along x, or along y


class Format(NamedTuple):
    """A parsed format: what the two numbers of an axis are, and in which columns they stand."""

    kind: str  # "corners": start, end; "start": start, size; "center": center, size
    x: tuple[int, int]
    y: tuple[int, int]
    relative: bool = False


_LAYOUTS = {
    "xyxy": Format("corners", x=(0, 2), y=(1, 3)),
    "yxyx": Format("corners", x=(1, 3), y=(0, 2)),
    "xxyy": Format("corners", x=(0, 1), y=(2, 3)),
    "xywh": Format("start", x=(0, 2), y=(1, 3)),
    "center_xywh": Format("center", x=(0, 2), y=(1, 3)),
}
_FORMATS = _LAYOUTS | {
    f"rel_{name}": layout._replace(relative=True) for name, layout in _LAYOUTS.items()
}
FORMATS = tuple(_FORMATS)


def parse_format(value: str, name: str = "bounding_box_format") -> Format:
    """Return the parsed format, or raise ValueError for a name that is none."""
    if not isinstance(value, str) or value not in _FORMATS:
        raise ValueError(
            f"{name} must be a known bounding box format. Use one of {', '.join(FORMATS)}. "
            f"Received: {name}={value!r}"
        )
    return _FORMATS[value]


def split_axes(boxes: Array, layout: Format) -> tuple[Axis, Axis]:
    """Return the numbers along x and the numbers along y, each of shape `boxes.shape[:-1]`."""
    x, y = ((boxes[..., first], boxes[..., second]) for first, second in (layout.x, layout.y))
    return x, y


def _join_axes(xp: Any, x: Axis, y: Axis, layout: Format) -> Array:
    columns = dict(zip(layout.x + layout.y, x + y, strict=True))
    return xp.stack([columns[column] for column in range(4)], axis=-1)


def _change_kind(axis: Axis, source: str, target: str) -> Axis:
    """Return the same stretch told in another way, without a detour that would cost a rounding."""
    if source == target:
        return axis
    if source == "corners":
        start, end = axis
        return (start if target == "start" else (start + end) / 2), end - start
    if target == "corners":
        return _corners(axis, source)
    half = axis[1] / 2
    return (axis[0] - half if target == "start" else axis[0] + half), axis[1]


def _corners(axis: Axis, source: str) -> Axis:
    first, size = axis
    return (first, first + size) if source == "start" else (first - size / 2, first + size / 2)


def image_size(
    xp: Any, shape: tuple, height: object, width: object, dtype: str
) -> tuple[Array, Array]:
    """Return (height, width) as arrays that broadcast to `shape`, or raise ValueError."""
    for name, value in (("height", height), ("width", width)):
        if value is None:
            raise ValueError(
                "Pixels and fractions of the image meet here, which takes the image's height and "
                f"width. Pass height= and width= in pixels. Received: {name}=None"
            )
        (size,) = as_arrays(**{name: value})
        if not is_tensor(size) and not np.all(size > 0):
            raise ValueError(
                f"{name} must be positive. Pass the image's size in pixels. "
                f"Received: {name}={value!r}"
            )
        if not broadcasts_to(tuple(size.shape), shape):
            raise ValueError(
                f"{name} must be a number, or broadcast to boxes[..., 0]. Use shape (B,) for "
                f"boxes (B, 4), and (B, 1) for boxes (B, N, 4). "
                f"Received: {name}.shape={tuple(size.shape)}, boxes[..., 0].shape={shape}"
            )
    return cast(xp, height, dtype), cast(xp, width, dtype)


def convert_boxes(
    boxes: Array,
    source: str,
    target: str,
    *,
    height: object = None,
    width: object = None,
) -> Array:
    """Convert boxes from one format to another.

    Float dtypes are kept; integers become float64 (NumPy) or `floatx` (tensors). The same format
    in and out gives equal numbers. Nothing is clipped, rounded or put in order.

    Args:
        boxes: shape (..., 4), in the format `source`. NumPy, nested lists, or a tensor of the
            running Keras backend.
        source: the format of `boxes`: `xyxy`, `yxyx`, `xxyy`, `xywh` or `center_xywh` in pixels,
            or one of these after `rel_`, in fractions of the image.
        target: the format of the result.
        height: image height in pixels, needed between a `rel_` format and a pixel format: a
            number, or one per image that broadcasts to `boxes[..., 0]`: shape (B,) for boxes
            (B, 4), (B, 1) for boxes (B, N, 4).
        width: image width in pixels, likewise.

    Returns:
        New boxes of the same shape in the format `target`: a tensor when any argument is one,
        else NumPy.

    Raises:
        ValueError: an unknown format, a last axis that is not 4, or an image size that is
            missing, not positive, or does not fit the boxes.
        TypeError: boxes or sizes that are not numbers.

    Example:
        >>> import keras_bbox as kb
        >>> kb.convert_boxes([[30, 20, 90, 60]], "xyxy", "rel_xywh", height=100, width=120)
        array([[0.25, 0.2 , 0.5 , 0.4 ]])
    """
    old, new = parse_format(source, "source"), parse_format(target, "target")
    (boxes,) = as_arrays(boxes=boxes)
    check_boxes(boxes=boxes)
    xp, dtype = library_and_dtype(boxes, sizes=(height, width))
    working = at_least_single(dtype)
    axes = split_axes(cast(xp, boxes, working), old)
    x, y = (_change_kind(axis, old.kind, new.kind) for axis in axes)
    if old.relative != new.relative:
        rows, columns = image_size(xp, tuple(boxes.shape)[:-1], height, width, working)
        x, y = _rescale(x, columns, new.relative), _rescale(y, rows, new.relative)
    return cast(xp, _join_axes(xp, x, y, new), dtype)


def _rescale(axis: Axis, size: Array, to_relative: bool) -> Axis:
    first, second = axis
    return (first / size, second / size) if to_relative else (first * size, second * size)


def clip_boxes(
    boxes: Array, bounding_box_format: str, *, height: object = None, width: object = None
) -> Array:
    """Clip boxes to the image.

    A box inside the image keeps its numbers. A box wholly outside ends as a box without area on
    the nearest border. Dtypes as in `convert_boxes`.

    Args:
        boxes: shape (..., 4).
        bounding_box_format: the format of `boxes`, and of the result.
        height: image height in pixels, a number or an array that broadcasts to `boxes[..., 0]`.
            Needed for pixel formats; a `rel_` format makes no use of it.
        width: image width in pixels, likewise.

    Returns:
        New boxes of the same shape and format within `[0, 0, width, height]` (`rel_`: within
        `[0, 0, 1, 1]`).

    Raises:
        ValueError: an unknown format, a last axis that is not 4, or an image size that is
            missing, not positive, or does not fit the boxes.
        TypeError: boxes or sizes that are not numbers.

    Example:
        >>> import keras_bbox as kb
        >>> kb.clip_boxes([[-10.0, 5.0, 50.0, 80.0]], "xyxy", height=60, width=100)
        array([[ 0.,  5., 50., 60.]])
    """
    layout = parse_format(bounding_box_format)
    (boxes,) = as_arrays(boxes=boxes)
    check_boxes(boxes=boxes)
    if layout.relative:
        height, width = 1, 1
    xp, dtype = library_and_dtype(boxes, sizes=(height, width))
    working = at_least_single(dtype)
    rows, columns = image_size(xp, tuple(boxes.shape)[:-1], height, width, working)
    x, y = split_axes(cast(xp, boxes, working), layout)
    x, y = _clip_axis(xp, x, columns, layout.kind), _clip_axis(xp, y, rows, layout.kind)
    return cast(xp, _join_axes(xp, x, y, layout), dtype)


def _clip_axis(xp: Any, axis: Axis, size: Array, kind: str) -> Axis:
    start, end = _change_kind(axis, kind, "corners")
    new_start, new_end = (xp.minimum(xp.maximum(edge, 0.0), size) for edge in (start, end))
    # Going to corners and back costs a rounding: a box that is not cut keeps its own numbers.
    cut = xp.logical_or(new_start != start, new_end != end)
    first, second = _change_kind((new_start, new_end), "corners", kind)
    return xp.where(cut, first, axis[0]), xp.where(cut, second, axis[1])


def box_area(boxes: Array, bounding_box_format: str = "xyxy") -> Array:
    """Return the area of each box, in the units of its format.

    That is square pixels, or the share of the image for a `rel_` format. An inverted box (an end
    before its start, or a negative size) has area 0.

    Args:
        boxes: shape (..., 4).
        bounding_box_format: the format of `boxes`.

    Returns:
        The areas, shape `boxes.shape[:-1]`. Dtypes as in `convert_boxes`, but float32 for float16
        and bfloat16, which the area of a photo in pixels may exceed.

    Raises:
        ValueError: an unknown format, or a last axis that is not 4.
        TypeError: boxes that are not numbers.

    Example:
        >>> import keras_bbox as kb
        >>> kb.box_area([[0, 0, 4, 3], [5, 5, 5, 9]])
        array([12.,  0.])
    """
    layout = parse_format(bounding_box_format)
    (boxes,) = as_arrays(boxes=boxes)
    check_boxes(boxes=boxes)
    xp, dtype = library_and_dtype(boxes)
    x, y = split_axes(cast(xp, boxes, at_least_single(dtype)), layout)
    return xp.maximum(size_of(x, layout.kind), 0.0) * xp.maximum(size_of(y, layout.kind), 0.0)


def size_of(axis: Axis, kind: str) -> Array:
    """Return the length along an axis, negative for an inverted box."""
    return axis[1] - axis[0] if kind == "corners" else axis[1]
