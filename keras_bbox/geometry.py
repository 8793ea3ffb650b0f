"""3x3 matrices on edge coordinates: make, compose, invert, apply to boxes.

A matrix maps column vectors ``(x, y, 1)`` in pixels, where the whole image is
``[0, 0, width, height]``. The same matrix moves the pixels (``images.warp_image``) and the boxes
(``transform_boxes``), so the two cannot drift apart. From ``translation`` to ``compose``, arrays or
tensors of shape ``(B,)`` in place of numbers make a matrix for each image, ``(B, 3, 3)``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_bbox import _numbers
from keras_bbox._numbers import PLAIN, Number

__all__ = [
    "about",
    "compose",
    "flip",
    "invert",
    "perspective",
    "rotation",
    "scaling",
    "shearing",
    "transform_boxes",
    "transform_points",
    "translation",
    "visible_share",
]


def translation(x: Number = 0.0, y: Number = 0.0) -> np.ndarray:
    """Moves by ``x`` pixels to the right and ``y`` pixels down.

    Args:
        x: Pixels to the right.
        y: Pixels down.

    Returns:
        A ``(3, 3)`` float64 matrix.

    Example:
        >>> from keras_bbox import geometry
        >>> geometry.transform_boxes([0.0, 0.0, 2.0, 2.0], geometry.translation(x=3, y=1))
        array([3., 1., 5., 3.])
    """
    return _numbers.matrix(((1.0, 0.0, x), (0.0, 1.0, y), (0.0, 0.0, 1.0)), x, y)


def scaling(x: Number, y: Number) -> np.ndarray:
    """Stretches away from the top left corner.

    Args:
        x: Factor along the width.
        y: Factor along the height.

    Returns:
        A ``(3, 3)`` float64 matrix.

    Example:
        >>> from keras_bbox import geometry
        >>> geometry.transform_boxes([1.0, 1.0, 2.0, 2.0], geometry.scaling(x=2, y=3))
        array([2., 3., 4., 6.])
    """
    return _numbers.matrix(((x, 0.0, 0.0), (0.0, y, 0.0), (0.0, 0.0, 1.0)), x, y)


def rotation(degrees: Number) -> np.ndarray:
    """Turns about the top left corner, clockwise as seen on the screen.

    Args:
        degrees: The angle.

    Returns:
        A ``(3, 3)`` float64 matrix; exact at multiples of 90 degrees.

    Example:
        >>> from keras_bbox import geometry
        >>> geometry.transform_boxes([0.0, 0.0, 2.0, 1.0], geometry.rotation(90))
        array([-1.,  0.,  0.,  2.])
    """
    turns, rest = degrees // 90.0 % 4.0, degrees % 90.0
    # Sine and cosine are only ever taken of the rest: a quarter turn is then free of rounding.
    cos, sin = _numbers.cosine(rest), _numbers.sine(rest)
    for turn in (1, 2, 3):
        cos, sin = _numbers.select(turns >= turn, (-sin, cos), (cos, sin))
    return _numbers.matrix(((cos, -sin, 0.0), (sin, cos, 0.0), (0.0, 0.0, 1.0)), degrees)


def flip(*, width: Number | None = None, height: Number | None = None) -> np.ndarray:
    """Mirrors left to right (given the width) or top to bottom (given the height), or both.

    Args:
        width: The image's width; ``None`` leaves left and right.
        height: The image's height; ``None`` leaves top and bottom.

    Returns:
        A ``(3, 3)`` float64 matrix.

    Example:
        >>> from keras_bbox import geometry
        >>> geometry.transform_boxes([1.0, 2.0, 4.0, 5.0], geometry.flip(width=10))
        array([6., 2., 9., 5.])
    """
    across = (1.0, 0.0, 0.0) if width is None else (-1.0, 0.0, width)
    down = (0.0, 1.0, 0.0) if height is None else (0.0, -1.0, height)
    return _numbers.matrix((across, down, (0.0, 0.0, 1.0)), across[2], down[2])


def shearing(x: Number = 0.0, y: Number = 0.0) -> np.ndarray:
    """Slants about the top left corner.

    Args:
        x: Pixels that a point moves to the right for each pixel that it lies below the corner.
        y: Pixels that a point moves down for each pixel that it lies right of the corner.

    Returns:
        A ``(3, 3)`` float64 matrix.

    Example:
        >>> from keras_bbox import geometry
        >>> geometry.transform_boxes([0.0, 0.0, 2.0, 2.0], geometry.shearing(x=0.5))
        array([0., 0., 3., 2.])
    """
    return _numbers.matrix(((1.0, x, 0.0), (y, 1.0, 0.0), (0.0, 0.0, 1.0)), x, y)


def perspective(corners: np.ndarray | Sequence, *, height: Number, width: Number) -> np.ndarray:
    """Maps four points to the corners of the image, as if it were photographed from elsewhere.

    Args:
        corners: Shape ``(4, 2)``: the points ``x, y`` in pixels that come to lie at the top left,
            top right, bottom right and bottom left corner.
        height: The image's height.
        width: The image's width.

    Returns:
        A ``(3, 3)`` float64 matrix.

    Raises:
        ValueError: If three of the points lie on one line.

    Example:
        >>> from keras_bbox import geometry
        >>> quarter = [[0.0, 0.0], [5.0, 0.0], [5.0, 5.0], [0.0, 5.0]]
        >>> zoom = geometry.perspective(quarter, height=10, width=10)
        >>> geometry.transform_boxes([1.0, 1.0, 2.0, 2.0], zoom).round(6)
        array([2., 2., 4., 4.])
    """
    points = corners if isinstance(corners, list | tuple) else _numbers.entries(corners)
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points
    p, q, r, s = x1 - x2, y1 - y2, x3 - x2, y3 - y2
    area = p * s - q * r
    if isinstance(area, PLAIN) and not _has_area(points):
        raise ValueError(f"No three corners may lie on one line. Received: corners={corners}")
    # The map of the unit square to the four points; then back, and on to the image.
    twist_x, twist_y = x0 - x1 - r, y0 - y1 - s
    g, h = (twist_x * s - twist_y * r) / area, (p * twist_y - q * twist_x) / area
    top = (x1 - x0 + g * x1, x3 - x0 + h * x3, x0)
    middle = (y1 - y0 + g * y1, y3 - y0 + h * y3, y0)
    back = _numbers.adjugate((top, middle, (g, h, 1.0)))
    sizes = (width / back[2][2], height / back[2][2], 1 / back[2][2])
    rows = [[size * entry for entry in row] for size, row in zip(sizes, back, strict=True)]
    return _numbers.matrix(rows, *sizes)


def _has_area(points: Sequence) -> bool:
    triples = ((*points[k], *points[k - 1], *points[k - 2]) for k in range(4))
    return all((c - a) * (f - b) != (d - b) * (e - a) for a, b, c, d, e, f in triples)


def about(matrix: np.ndarray, x: Number, y: Number) -> np.ndarray:
    """Makes a matrix work about the point ``(x, y)`` in place of the top left corner.

    Args:
        matrix: A ``(3, 3)`` matrix.
        x: The point that stays where a scaling or rotation is about.
        y: Its other coordinate.

    Returns:
        A ``(3, 3)`` float64 matrix.

    Example:
        >>> from keras_bbox import geometry
        >>> half_turn = geometry.about(geometry.rotation(180), x=5, y=5)
        >>> geometry.transform_boxes([0.0, 0.0, 2.0, 2.0], half_turn)
        array([ 8.,  8., 10., 10.])
    """
    # The product of three matrices, written out: it takes a third of the time.
    (a, b, c), (d, e, f), (g, h, i) = _numbers.entries(matrix)
    c, f, i = c - a * x - b * y, f - d * x - e * y, i - g * x - h * y
    top, middle = (a + x * g, b + x * h, c + x * i), (d + y * g, e + y * h, f + y * i)
    return _numbers.matrix((top, middle, (g, h, i)), c)


def compose(*matrices: np.ndarray) -> np.ndarray:
    """Joins matrices in the order in which they are applied: the first one first.

    Args:
        *matrices: ``(3, 3)`` matrices.

    Returns:
        A ``(3, 3)`` float64 matrix; the identity for none.

    Example:
        >>> from keras_bbox import geometry
        >>> both = geometry.compose(geometry.translation(x=1), geometry.scaling(x=2, y=2))
        >>> geometry.transform_boxes([0.0, 0.0, 1.0, 1.0], both)
        array([2., 0., 4., 2.])
    """
    result = np.eye(3)
    for matrix in matrices:
        result = _numbers.product(matrix, result)
    return result


def invert(matrix: np.ndarray) -> np.ndarray:
    """The matrix that leads back.

    Args:
        matrix: A ``(3, 3)`` matrix.

    Returns:
        A ``(3, 3)`` float64 matrix.

    Raises:
        ValueError: If the matrix flattens the plane, so that there is no way back.

    Example:
        >>> from keras_bbox import geometry
        >>> matrix = geometry.scaling(x=2, y=4)
        >>> geometry.compose(matrix, geometry.invert(matrix))
        array([[1., 0., 0.],
               [0., 1., 0.],
               [0., 0., 1.]])
    """
    try:
        return np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"Only a matrix that keeps areas above 0 has an inverse. Received: matrix={matrix}"
        ) from None


def transform_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Moves points through a matrix.

    Args:
        points: Shape ``(..., 2)``, as ``x, y`` in pixels.
        matrix: A ``(3, 3)`` matrix.

    Returns:
        Shape ``(..., 2)``, float64.

    Example:
        >>> from keras_bbox import geometry
        >>> geometry.transform_points([[1.0, 2.0]], geometry.translation(x=1))
        array([[2., 2.]])
    """
    points = np.asarray(points, dtype=np.float64)
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return moved[..., :2] / moved[..., 2:]


def transform_boxes(boxes: np.ndarray, matrix: np.ndarray, *, shape: str = "hull") -> np.ndarray:
    """Moves boxes through a matrix and puts upright boxes round the result.

    Args:
        boxes: Shape ``(..., 4)``, ``xyxy`` in pixels.
        matrix: A ``(3, 3)`` matrix.
        shape: What is moved: ``"hull"``, the four corners, so that nothing of the box is lost; or
            ``"ellipse"``, the largest ellipse in the box, which fits most objects closer when they
            turn. For matrices that only stretch, move and mirror they are the same.

    Returns:
        Shape ``(..., 4)``, ``xyxy`` in pixels, float64, not clipped.

    Raises:
        ValueError: If ``shape`` has another value.

    Example:
        >>> from keras_bbox import geometry
        >>> eighth_turn = geometry.rotation(45)
        >>> geometry.transform_boxes([0.0, 0.0, 1.0, 1.0], eighth_turn).round(3)
        array([-0.707,  0.   ,  0.707,  1.414])
        >>> geometry.transform_boxes([0.0, 0.0, 1.0, 1.0], eighth_turn, shape="ellipse").round(3)
        array([-0.5  ,  0.207,  0.5  ,  1.207])
    """
    boxes = np.asarray(boxes, dtype=np.float64)
    if shape == "ellipse":
        return _transform_ellipses(boxes, matrix)
    if shape != "hull":
        raise ValueError(f"shape must be 'hull' or 'ellipse'. Received: shape={shape!r}")
    if matrix[2].tolist() == [0.0, 0.0, 1.0]:
        return boxes @ _hull_of_affine(matrix) + matrix[_TWICE, 2]
    corners = boxes[..., [[0, 1], [2, 1], [2, 3], [0, 3]]]
    moved = transform_points(corners, matrix)
    return np.concatenate([moved.min(axis=-2), moved.max(axis=-2)], axis=-1)


_TWICE = np.array([0, 1, 0, 1])


def _hull_of_affine(matrix: np.ndarray) -> np.ndarray:
    """The 4x4 matrix from boxes to hulls: which corner a side touches depends on signs alone."""
    (a, b, _), (c, d, _) = matrix[:2].tolist()
    ap, bp, cp, dp = max(a, 0.0), max(b, 0.0), max(c, 0.0), max(d, 0.0)
    an, bn, cn, dn = a - ap, b - bp, c - cp, d - dp
    return np.array([[ap, cp, an, cn], [bp, dp, bn, dn], [an, cn, ap, cp], [bn, dn, bp, dp]])


def _transform_ellipses(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    # The lines l that touch an ellipse satisfy l^T D l = 0, and D moves as M D M^T; the upright
    # and level lines among them are the sides of the box round it.
    center, half = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]) / 2
    to_box = np.zeros((*boxes.shape[:-1], 3, 3))
    to_box[..., (0, 1), (0, 1)] = half
    to_box[..., :2, 2] = center
    to_box[..., 2, 2] = 1.0
    moved = matrix @ to_box
    dual = moved @ np.diag((1.0, 1.0, -1.0)) @ np.swapaxes(moved, -1, -2)
    scale = dual[..., 2, 2, None]
    middle = dual[..., :2, 2] / scale
    square = middle**2 - dual[..., (0, 1), (0, 1)] / scale
    reach = np.sqrt(np.maximum(square, 0.0))
    return np.concatenate([middle - reach, middle + reach], axis=-1)


def visible_share(
    boxes: np.ndarray, matrix: np.ndarray, *, height: float, width: float
) -> np.ndarray:
    """The share of each box's area that lies on the canvas after a matrix.

    It is the share of the *original* box: its moved outline is cut at the canvas, and what is left
    is measured where it came from. So it is exact for turned and tilted boxes too.

    Args:
        boxes: Shape ``(N, 4)``, ``xyxy`` in pixels, before the matrix.
        matrix: A ``(3, 3)`` matrix.
        height: The canvas's height.
        width: The canvas's width.

    Returns:
        Shape ``(N,)``, float64, from 0 to 1; 0 for a box without area.

    Example:
        >>> from keras_bbox import geometry
        >>> half_out = geometry.translation(x=-5)
        >>> geometry.visible_share([[0.0, 0.0, 10.0, 10.0]], half_out, height=20, width=20)
        array([0.5])
    """
    boxes = np.asarray(boxes, dtype=np.float64)
    moved = transform_boxes(boxes, matrix)
    inside = moved.clip(0.0, (width, height, width, height))
    if (inside == moved).all():  # the usual case, and the quickest to tell
        return (_areas(boxes) > 0).astype(np.float64)
    if _keeps_boxes_upright(matrix):
        area, visible = _areas(moved), _areas(inside)
    else:
        back = invert(matrix)
        area = _areas(boxes)
        visible = np.array([_visible_area(box, matrix, back, height, width) for box in boxes])
    return np.divide(visible, area, out=np.zeros_like(area), where=area > 0)


def _areas(boxes: np.ndarray) -> np.ndarray:
    sides = boxes[..., 2:] - boxes[..., :2]
    return sides[..., 0] * sides[..., 1]


def _keeps_boxes_upright(matrix: np.ndarray) -> bool:
    straight = matrix[0, 1] == matrix[1, 0] == 0 or matrix[0, 0] == matrix[1, 1] == 0
    return bool(straight and matrix[2, 0] == matrix[2, 1] == 0)


def _visible_area(
    box: np.ndarray, matrix: np.ndarray, back: np.ndarray, height: float, width: float
) -> float:
    outline = transform_points(box[[[0, 1], [2, 1], [2, 3], [0, 3]]], matrix)
    for axis, size in ((0, width), (1, height)):
        outline = _cut(outline, outline[:, axis])
        outline = _cut(outline, size - outline[:, axis]) if len(outline) else outline
        if not len(outline):
            return 0.0
    x, y = transform_points(outline, back).T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _cut(outline: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Cuts a convex outline at a line; ``depth`` is each point's distance on the side to keep."""
    kept = []
    for k in range(len(outline)):
        here, there = depth[k - 1], depth[k]
        if (here < 0) != (there < 0):
            kept.append(outline[k - 1] + here / (here - there) * (outline[k] - outline[k - 1]))
        if there >= 0:
            kept.append(outline[k])
    return np.array(kept)
