"""Changes of an image's pixels that leave them in their places, each a function of plain numbers.

A filter is named by a string and its parameters are numbers and lists, so that a list of them can
be stored as JSON and applied again. All take and return ``uint8`` RGB of shape ``(H, W, 3)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from keras_bbox.images.memory import empty


def color(image: np.ndarray, matrix: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    """Mixes the channels: a 3x4 matrix, three weights and an offset for each of R, G and B."""
    return cv2.transform(image, np.asarray(matrix, dtype=np.float32), dst=empty(*image.shape))


def gamma(image: np.ndarray, exponent: float) -> np.ndarray:
    """Raises brightness from 0 to 1 to a power: above 1 darkens the middle tones."""
    table = 255 * (np.arange(256) / 255) ** exponent
    return cv2.LUT(image, np.rint(table).astype(np.uint8))


def noise(image: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    """Adds normal noise, another draw in every pixel and channel."""
    added = np.random.default_rng(seed).standard_normal(image.shape, dtype=np.float32)
    return np.clip(np.rint(image + sigma * added), 0, 255).astype(np.uint8)


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Blurs evenly, by a normal curve of so many pixels."""
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)


def motion_blur(image: np.ndarray, length: float, degrees: float) -> np.ndarray:
    """Blurs along a line of so many pixels, as a moving camera does."""
    half, angle = (length - 1) / 2, np.radians(degrees)
    reach = int(np.ceil(half))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    # A pixel counts by how near it is to the line between the two ends.
    beyond = np.maximum(np.abs(x * np.cos(angle) + y * np.sin(angle)) - half, 0)
    distance = np.hypot(beyond, y * np.cos(angle) - x * np.sin(angle))
    kernel = np.maximum(1 - distance, 0)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101)


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """Leaves the traces of a JPEG file of that quality, 0 to 100."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB))


def sharpen(image: np.ndarray, amount: float) -> np.ndarray:
    """Adds so much of what a slight blur takes away."""
    return cv2.addWeighted(image, 1 + amount, blur(image, 1.0), -amount, 0)


def auto_contrast(image: np.ndarray) -> np.ndarray:
    """Stretches each channel until it reaches from 0 to 255."""
    low, high = image.min(axis=(0, 1)).astype(float), image.max(axis=(0, 1)).astype(float)
    factor = 255 / np.where(high > low, high - low, np.inf)
    flat = high == low
    return color(image, np.column_stack([np.diag(factor + flat), np.where(flat, 0, -low * factor)]))


def equalize(image: np.ndarray) -> np.ndarray:
    """Spreads each channel until all its values are about equally frequent."""
    return np.stack([cv2.equalizeHist(channel) for channel in cv2.split(image)], axis=-1)


def erase(image: np.ndarray, boxes: Sequence[Sequence[float]], fill: Sequence[int]) -> np.ndarray:
    """Paints over boxes (``rel_xyxy``) in one color."""
    height, width = image.shape[:2]
    image = image.copy()
    for box in np.rint(np.asarray(boxes) * (width, height, width, height)).astype(int):
        image[box[1] : box[3], box[0] : box[2]] = fill
    return image


FILTERS: dict[str, Callable[..., np.ndarray]] = {
    function.__name__: function
    for function in (
        color,
        gamma,
        noise,
        blur,
        motion_blur,
        jpeg,
        sharpen,
        auto_contrast,
        equalize,
        erase,
    )
}


def apply_filter(image: np.ndarray, name: str, **parameters: Any) -> np.ndarray:
    """Applies a filter by its name.

    Args:
        image: ``uint8`` RGB of shape ``(H, W, 3)``.
        name: One of ``FILTERS``.
        **parameters: What that filter takes.

    Returns:
        A new image of the same kind.

    Raises:
        ValueError: If there is no such filter.

    Example:
        >>> import numpy as np
        >>> from keras_bbox.images import apply_filter
        >>> apply_filter(np.full((1, 1, 3), 64, "uint8"), "gamma", exponent=0.5)
        array([[[128, 128, 128]]], dtype=uint8)
    """
    if name not in FILTERS:
        raise ValueError(f"A filter is one of {sorted(FILTERS)}. Received: name={name!r}")
    return FILTERS[name](image, **parameters)
