"""Points and boxes through a matrix: where they come to lie, and how much of them is shown."""

from __future__ import annotations

import numpy as np

from keras_bbox.geometry.matrices import invert


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
