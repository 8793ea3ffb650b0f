"""Images through a matrix, once, on edge coordinates."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from keras_bbox.images.memory import empty, scratch
from keras_bbox.images.photo import Photo

BORDERS = {
    "constant": cv2.BORDER_CONSTANT,
    "reflect": cv2.BORDER_REFLECT_101,
    "replicate": cv2.BORDER_REPLICATE,
}
_HALF = 0.5 + 1e-9
_MARGIN = 16  # pixels that halving and interpolating may reach beyond the view


Fill = tuple[int, int, int]
Scales = tuple[float, float]  # along x, along y


def warp_image(
    image: np.ndarray | Photo,
    matrix: np.ndarray,
    *,
    height: int,
    width: int,
    border: str = "constant",
    fill: tuple[int, int, int] = (128, 128, 128),
) -> np.ndarray:
    """Moves an image through a matrix, once.

    The matrix works on edge coordinates: the whole input is ``[0, 0, width, height]``. Where it
    shrinks the image by two or more, the image is first halved by area, once or more often, so
    that fine texture does not alias; a JPEG file is decoded that much smaller in the first place.

    Args:
        image: A ``uint8`` array of shape ``(H, W, 3)``, or a ``Photo``.
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
    matrix = np.asarray(matrix, np.float64)
    scales = _scales(matrix, *image.shape[:2])
    # Where nothing outside the image comes into view, its edges need no care.
    is_whole = _is_whole_resize(image, matrix, height, width)
    border = "replicate" if is_whole else border
    outside = fill if border == "constant" else None
    given = matrix
    if isinstance(image, Photo):
        image, matrix, scales = _decode(image, matrix, scales, outside)
    if min(scales) <= _HALF:
        image, matrix = _crop(image, matrix, height, width, border)
        image, matrix = _halve(_with_alpha(image), matrix, outside)
    if is_whole if matrix is given else _is_whole_resize(image, matrix, height, width):
        return _resize(_without_alpha(image), height, width)
    warp, entries = _for_opencv(matrix)
    warped = warp(
        _with_alpha(image),
        entries,
        (width, height),
        dst=scratch("warped", height, width, 4),
        flags=cv2.INTER_LINEAR,
        borderMode=BORDERS[border],
        borderValue=fill,
    )
    return _without_alpha(warped)


def mean_color(image: np.ndarray | Photo) -> tuple[int, int, int]:
    """The mean of an image in RGB, rounded; a photo is decoded small for it.

    Args:
        image: A ``uint8`` array of shape ``(H, W, 3)``, or a ``Photo``.

    Returns:
        Red, green and blue, 0 to 255.
    """
    pixels = image.decode(8)[0] if isinstance(image, Photo) else image
    red, green, blue = pixels.mean(axis=(0, 1)).round()
    return int(red), int(green), int(blue)


def use_own_threads(count: int) -> None:
    """Sets how many threads OpenCV starts of its own for one image, in the whole process.

    Args:
        count: 0 for none: where several threads work on an image each, more are in their way.
    """
    cv2.setNumThreads(count)


def _with_alpha(image: np.ndarray) -> np.ndarray:
    """Four channels: OpenCV warps and halves them in half the time of three, to the same values."""
    if image.shape[-1] == 4:
        return image
    return cv2.cvtColor(image, cv2.COLOR_RGB2RGBA, dst=scratch("source", *image.shape[:2], 4))


def _without_alpha(image: np.ndarray) -> np.ndarray:
    if image.shape[-1] == 3:
        return image
    return cv2.cvtColor(image, cv2.COLOR_RGBA2RGB, dst=empty(*image.shape[:2], 3))


def _for_opencv(matrix: np.ndarray) -> tuple[Callable, np.ndarray]:
    """The warp, and the entries that it takes for a matrix on edges.

    OpenCV counts from the center of the first pixel, and edges start half a pixel before it.
    """
    # Plain numbers: for nine of them they take a fifth of an array's time.
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    c, f, i = c + (a + b) / 2, f + (d + e) / 2, i + (g + h) / 2
    x, y = [a - g / 2, b - h / 2, c - i / 2], [d - g / 2, e - h / 2, f - i / 2]
    if g == h == 0 and i == 1:
        return cv2.warpAffine, np.array([x, y])
    return cv2.warpPerspective, np.array([x, y, [g, h, i]])


def _scales(matrix: np.ndarray, height: int, width: int) -> Scales:
    """How far a step of one pixel along x and along y moves, at the image's center."""
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    x, y = width / 2, height / 2
    depth = g * x + h * y + i
    u, v = (a * x + b * y + c) / depth, (d * x + e * y + f) / depth
    along_x = math.hypot(a - u * g, d - v * g) / abs(depth)
    along_y = math.hypot(b - u * h, e - v * h) / abs(depth)
    return along_x, along_y


def _decode(
    photo: Photo, matrix: np.ndarray, scales: Scales, outside: Fill | None
) -> tuple[np.ndarray, np.ndarray, Scales]:
    """The photo's pixels, as few as the matrix leaves of them, with the matrix that they need."""
    factor = next((f for f in (8, 4, 2) if f * max(scales) <= 1), 1)
    pixels, (y, x) = photo.decode(factor)
    if x == y == 1:
        return pixels, matrix, scales
    rows, columns = pixels.shape[:2]
    shares = photo.height / y - (rows - 1), photo.width / x - (columns - 1)
    if outside is not None and min(shares) < 1 - 1e-9:
        pixels = _fade(pixels.copy(), *shares, outside)
    return pixels, matrix * (x, y, 1.0), (scales[0] * x, scales[1] * y)


def _fade(pixels: np.ndarray, row: float, column: float, outside: Fill) -> np.ndarray:
    """Mixes the border into the last row and column, of which only these shares are the image."""
    if row < 1:
        last = pixels[-1, :, :3]
        last[:] = np.rint(last * row + np.multiply(outside, 1 - row))
    if column < 1:
        last = pixels[:, -1, :3]
        last[:] = np.rint(last * column + np.multiply(outside, 1 - column))
    return pixels


def _crop(
    image: np.ndarray, matrix: np.ndarray, height: int, width: int, border: str
) -> tuple[np.ndarray, np.ndarray]:
    """The part of an image that comes to lie on the canvas, so that no more need be halved."""
    rows, columns = image.shape[:2]
    # Plain numbers, as in _for_opencv.
    (a, b, c), (d, e, f), (g, h, i) = cv2.invert(matrix)[1].tolist()
    corners = [(x, y, g * x + h * y + i) for x in (0, width) for y in (0, height)]
    depths = [depth for _, _, depth in corners]
    if min(depths) * max(depths) <= 0:  # the horizon is in sight: the view has no corners
        return image, matrix
    xs = [(a * x + b * y + c) / depth for x, y, depth in corners]
    ys = [(d * x + e * y + f) / depth for x, y, depth in corners]
    if border == "reflect" and (min(xs) < 0 or min(ys) < 0 or max(xs) > columns or max(ys) > rows):
        return image, matrix
    # Multiples of eight, so that the same pixels are averaged with and without.
    left, top = (max(0, int(low - _MARGIN) // 8 * 8) for low in (min(xs), min(ys)))
    right, bottom = (max(0, int(high + _MARGIN) // 8 * 8 + 8) for high in (max(xs), max(ys)))
    if left >= min(right, columns) or top >= min(bottom, rows):
        return image, matrix
    back = np.array([[1.0, 0.0, left], [0.0, 1.0, top], [0.0, 0.0, 1.0]])
    return image[top:bottom, left:right], matrix @ back


def _halve(
    image: np.ndarray, matrix: np.ndarray, outside: Fill | None
) -> tuple[np.ndarray, np.ndarray]:
    """Takes the part of a strong shrink that a bilinear warp would alias out of the matrix."""
    while True:
        height, width = image.shape[:2]
        scale_x, scale_y = _scales(matrix, height, width)
        halved_x, halved_y = scale_x <= _HALF and width > 1, scale_y <= _HALF and height > 1
        if not (halved_x or halved_y):
            return image, matrix
        odd_x, odd_y = width % 2 * halved_x, height % 2 * halved_y
        if odd_x or odd_y:
            image = cv2.copyMakeBorder(image, 0, odd_y, 0, odd_x, cv2.BORDER_REPLICATE)
        size = ((width + odd_x) >> halved_x, (height + odd_y) >> halved_y)
        image = _half_size(image, size[1], size[0])
        if outside is not None and (odd_x or odd_y):
            image = _fade(image, 1 - 0.5 * odd_y, 1 - 0.5 * odd_x, outside)
        matrix = matrix * (1.0 + halved_x, 1.0 + halved_y, 1.0)


def _is_whole_resize(
    image: np.ndarray | Photo, matrix: np.ndarray, height: int, width: int
) -> bool:
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    rows, columns = image.shape[:2]
    rest = (a - width / columns, b, c, d, e - height / rows, f, g, h, i - 1)
    return max(map(abs, rest)) <= 1e-9


def _resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    if image.shape[:2] == (height, width):
        return image
    # OpenCV is quicker with 16 bits, both conversions included, and rounds better.
    wide = scratch("wide", *image.shape[:2], 6).view(np.uint16)
    resized = scratch("resized", height, width, 6).view(np.uint16)
    np.copyto(wide, image)
    cv2.resize(wide, (width, height), dst=resized, interpolation=cv2.INTER_LINEAR)
    made = empty(height, width, 3)
    np.copyto(made, resized, casting="unsafe")
    return made


def _half_size(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear at exactly half the size is the mean of two or four pixels, and vectorized."""
    return cv2.resize(
        image, (width, height), dst=empty(height, width, 4), interpolation=cv2.INTER_LINEAR
    )
