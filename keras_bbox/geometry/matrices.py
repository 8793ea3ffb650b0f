"""3x3 matrices on edge coordinates: make, compose, invert."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_bbox import _numbers
from keras_bbox._arrays import array_module
from keras_bbox._numbers import PLAIN, Number

# Of no, one, two and three quarter turns.
_COSINES, _SINES = np.array([1.0, 0.0, -1.0, 0.0]), np.array([0.0, 1.0, 0.0, -1.0])


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
    turns = _numbers.rounded(degrees / 90.0)
    # Sine and cosine are only ever taken of the rest: a quarter turn is then free of rounding.
    rest = degrees - 90.0 * turns
    cos, sin = _numbers.cosine(rest), _numbers.sine(rest)
    cos_turns, sin_turns = _numbers.take(_COSINES, turns % 4), _numbers.take(_SINES, turns % 4)
    cos, sin = cos_turns * cos - sin_turns * sin, sin_turns * cos + cos_turns * sin
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
    if len(matrix.shape) > 2 and array_module(matrix, x, y) is np and not matrix[..., 2, :2].any():
        c, f = c - a * x - b * y + x * i, f - d * x - e * y + y * i
        moved = np.empty((*c.shape, 3, 3))
        moved[:] = matrix
        moved[..., 0, 2], moved[..., 1, 2] = c, f
        return moved
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
