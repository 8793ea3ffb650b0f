"""3x3 matrices on edge coordinates: make, compose, invert, apply to boxes.

A matrix maps column vectors ``(x, y, 1)`` in pixels, where the whole image is
``[0, 0, width, height]``. The same matrix moves the pixels (``images.warp_image``) and the boxes
(``transform_boxes``), so the two cannot drift apart.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "about",
    "compose",
    "flip",
    "invert",
    "rotation",
    "scaling",
    "transform_boxes",
    "transform_points",
    "translation",
    "visible_share",
]


def translation(x: float = 0.0, y: float = 0.0) -> np.ndarray:
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
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def scaling(x: float, y: float) -> np.ndarray:
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
    return np.diag((float(x), float(y), 1.0))


def rotation(degrees: float) -> np.ndarray:
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
    quarter, rest = divmod(degrees, 90.0)
    # Sine and cosine are only ever taken of the rest: a quarter turn is then free of rounding.
    cos, sin = np.cos(np.radians(rest)), np.sin(np.radians(rest))
    for _ in range(int(quarter) % 4):
        cos, sin = -sin, cos
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def flip(*, width: float | None = None, height: float | None = None) -> np.ndarray:
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
    matrix = np.eye(3)
    if width is not None:
        matrix[0] = (-1.0, 0.0, width)
    if height is not None:
        matrix[1] = (0.0, -1.0, height)
    return matrix


def about(matrix: np.ndarray, x: float, y: float) -> np.ndarray:
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
    return translation(x, y) @ matrix @ translation(-x, -y)


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
        result = matrix @ result
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


def transform_boxes(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Moves boxes through a matrix: the upright hull of their four corners.

    Args:
        boxes: Shape ``(..., 4)``, ``xyxy`` in pixels.
        matrix: A ``(3, 3)`` matrix.

    Returns:
        Shape ``(..., 4)``, ``xyxy`` in pixels, float64, not clipped.

    Example:
        >>> from keras_bbox import geometry
        >>> eighth_turn = geometry.rotation(45)
        >>> geometry.transform_boxes([0.0, 0.0, 1.0, 1.0], eighth_turn).round(3)
        array([-0.707,  0.   ,  0.707,  1.414])
    """
    boxes = np.asarray(boxes, dtype=np.float64)
    corners = boxes[..., [[0, 1], [2, 1], [2, 3], [0, 3]]]
    moved = transform_points(corners, matrix)
    return np.concatenate([moved.min(axis=-2), moved.max(axis=-2)], axis=-1)


def visible_share(boxes: np.ndarray, *, height: float, width: float) -> np.ndarray:
    """The share of each box's area that lies inside the image.

    Args:
        boxes: Shape ``(..., 4)``, ``xyxy`` in pixels.
        height: The image's height.
        width: The image's width.

    Returns:
        Shape ``(...)``, float64, from 0 to 1; 0 for a box without area.

    Example:
        >>> from keras_bbox import geometry
        >>> float(geometry.visible_share([-5.0, 0.0, 5.0, 10.0], height=20, width=20))
        0.5
    """
    boxes = np.asarray(boxes, dtype=np.float64)
    inside = np.clip(boxes, 0.0, (width, height, width, height))
    area = np.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
    visible = np.prod(inside[..., 2:] - inside[..., :2], axis=-1)
    return np.divide(visible, area, out=np.zeros_like(area), where=area > 0)
