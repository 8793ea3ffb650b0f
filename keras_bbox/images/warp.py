"""Images through a matrix, once, on edge coordinates."""

from __future__ import annotations

import cv2
import numpy as np

BORDERS = {
    "constant": cv2.BORDER_CONSTANT,
    "reflect": cv2.BORDER_REFLECT_101,
    "replicate": cv2.BORDER_REPLICATE,
}


def warp_image(
    image: np.ndarray,
    matrix: np.ndarray,
    *,
    height: int,
    width: int,
    border: str = "constant",
    fill: tuple[int, int, int] = (128, 128, 128),
) -> np.ndarray:
    """Moves an image through a matrix, once.

    The matrix works on edge coordinates: the whole input is ``[0, 0, width, height]``. Where it
    shrinks the image by more than two, the image is first shrunk by area, so that fine texture
    does not alias.

    Args:
        image: A ``uint8`` array of shape ``(H, W, 3)``.
        matrix: A ``(3, 3)`` array from input pixels to output pixels, both as edges.
        height: Rows of the output.
        width: Columns of the output.
        border: What lies outside the input: ``"constant"`` (``fill``), ``"reflect"`` or
            ``"replicate"``.
        fill: The RGB color of a constant border.

    Returns:
        A ``uint8`` array of shape ``(height, width, 3)``; the input itself where there is
        nothing to do.

    Raises:
        ValueError: If the border has another name.

    Example:
        >>> import numpy as np
        >>> from keras_bbox import geometry
        >>> from keras_bbox.images import warp_image
        >>> image = np.arange(12, dtype="uint8").reshape(2, 2, 3)
        >>> warp_image(image, geometry.flip(width=2), height=2, width=2)[:, :, 0]
        array([[3, 0],
               [9, 6]], dtype=uint8)
    """
    if border not in BORDERS:
        raise ValueError(f"border must be one of {sorted(BORDERS)}. Received: border={border!r}")
    if _is_whole_resize(image, matrix, height, width):
        return _resize(image, height, width)
    image, matrix = _shrink_by_area(image, matrix)
    centers = _on_pixel_centers(matrix)
    is_affine = np.array_equal(matrix[2], (0.0, 0.0, 1.0))
    warp, entries = (cv2.warpAffine, centers[:2]) if is_affine else (cv2.warpPerspective, centers)
    return warp(
        image,
        entries,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=BORDERS[border],
        borderValue=fill,
    )


def _is_whole_resize(image: np.ndarray, matrix: np.ndarray, height: int, width: int) -> bool:
    whole = np.diag((width / image.shape[1], height / image.shape[0], 1.0))
    return np.allclose(matrix, whole, rtol=0, atol=1e-9)


def _resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    if image.shape[:2] == (height, width):
        return image
    # By area costs about nine times as much, and only a strong shrink aliases without it.
    strong = 2 * height <= image.shape[0] and 2 * width <= image.shape[1]
    method = cv2.INTER_AREA if strong else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=method)


def _shrink_by_area(image: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Takes the part of a strong shrink that a bilinear warp would alias out of the matrix."""
    height, width = image.shape[:2]
    corner = matrix @ (width / 2, height / 2, 1.0)
    # The derivative at the image's center, columns first: how far one input pixel moves.
    jacobian = (matrix[:2, :2] - np.outer(corner[:2] / corner[2], matrix[2, :2])) / corner[2]
    scale_x, scale_y = np.linalg.norm(jacobian, axis=0)
    small_width = max(1, round(width * min(1.0, 2 * scale_x)) if scale_x < 0.5 else width)
    small_height = max(1, round(height * min(1.0, 2 * scale_y)) if scale_y < 0.5 else height)
    if (small_height, small_width) == (height, width):
        return image, matrix
    undo = np.diag((width / small_width, height / small_height, 1.0))
    return _resize(image, small_height, small_width), matrix @ undo


def _on_pixel_centers(matrix: np.ndarray) -> np.ndarray:
    """OpenCV counts from the center of the first pixel, edges half a pixel before it."""
    to_edges = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    to_centers = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    return to_centers @ matrix @ to_edges
