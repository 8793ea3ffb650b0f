"""Images of any legal kind as 8-bit RGB, boxes and labels as plain NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_bbox.boxes import convert_boxes

USUAL_RANGES = ((0, 1), (-1, 1), (0, 255), (0, 65535))
TOLERANCE = 1e-3  # of the range: interpolation and rounding overshoot a little


def to_numpy(values: Any) -> np.ndarray:
    """Returns an array; backend tensors are fetched from their device."""
    if isinstance(values, np.ndarray | list | tuple | str | int | float | np.generic):
        return np.asarray(values)
    return np.asarray(keras.ops.convert_to_numpy(values))


def to_corners(boxes: Any, bounding_box_format: str, height: int, width: int) -> np.ndarray:
    """Returns boxes as ``(N, 4)`` pixel corners, ``float64``."""
    array = to_numpy(boxes).astype("float64")
    array = array.reshape(-1, 4) if array.size == 0 else np.atleast_2d(array)
    if array.ndim != 2 or array.shape[-1] != 4:
        raise ValueError(
            "boxes must have the shape (4,) or (N, 4). Pass the boxes of one image. "
            f"Received: boxes.shape={array.shape}"
        )
    return np.asarray(convert_boxes(array, bounding_box_format, "xyxy", height=height, width=width))


def to_list(values: Any) -> list:
    """Returns a flat list of a scalar, a list, an array or a tensor."""
    if isinstance(values, list | tuple):
        return np.asarray(values, dtype=object).reshape(-1).tolist()
    return to_numpy(values).reshape(-1).tolist()


def to_pixels(
    images: Sequence[Any], value_range: tuple[float, float] | None = None
) -> list[np.ndarray]:
    """Returns images as ``uint8`` arrays of shape ``(H, W, 3)``.

    Args:
        images: Arrays or tensors of shape ``(H, W, 3)``, ``(H, W, 1)`` or ``(H, W)``.
        value_range: The values that are black and white; one range for all the images.

    Raises:
        ValueError: If a shape is another, or a value lies outside the range.
    """
    arrays = [_with_channels(to_numpy(image)) for image in images]
    low, high = _checked_range(arrays, value_range)
    return [_scaled(array, low, high) for array in arrays]


def _with_channels(image: np.ndarray) -> np.ndarray:
    array = image[..., None] if image.ndim == 2 else image
    if array.ndim != 3 or array.shape[-1] not in (1, 3) or array.size == 0:
        raise ValueError(
            "An image must have the shape (height, width, 3), (height, width, 1) or "
            "(height, width). Put the channels last and leave an alpha channel out. "
            f"Received: image.shape={image.shape}"
        )
    return array


def _checked_range(
    arrays: list[np.ndarray], value_range: tuple[float, float] | None
) -> tuple[float, float]:
    default = (0, 1) if all(array.dtype == bool for array in arrays) else (0, 255)
    low, high = default if value_range is None else value_range
    if not low < high:
        raise ValueError(
            "value_range must be (black, white) with black < white, such as (0, 255). "
            f"Received: value_range={value_range!r}"
        )
    least = float(min(array.min() for array in arrays))
    most = float(max(array.max() for array in arrays))
    if not math.isfinite(least + most):
        raise ValueError(
            "Image values must be finite numbers. Look for a division by zero in the "
            f"preprocessing. Received: image values from {least:.4g} to {most:.4g}"
        )
    slack = TOLERANCE * (high - low)
    outside = least < low - slack or most > high + slack
    # Values of 0 to 1 are legal in 0 to 255, but would be drawn black without a word.
    too_dark = value_range is None and arrays[0].dtype.kind == "f" and 0 < most <= 1
    if outside or too_dark:
        raise ValueError(_range_message((low, high), least, most))
    return low, high


def _range_message(value_range: tuple[float, float], least: float, most: float) -> str:
    whole = (math.floor(least), math.ceil(most))
    fitting = (pair for pair in USUAL_RANGES if pair[0] <= least and most <= pair[1])
    return (
        f"Image values must fill value_range={value_range!r} (black, white). Pass "
        f"value_range={next(fitting, whole)!r}, or the range that the preprocessing made. "
        f"Received: image values from {least:.4g} to {most:.4g}"
    )


def _scaled(array: np.ndarray, low: float, high: float) -> np.ndarray:
    if array.dtype != np.uint8 or (low, high) != (0, 255):
        unit = (array.astype("float64") - low) / (high - low)
        array = np.round(255 * np.clip(unit, 0, 1)).astype("uint8")
    return np.repeat(array, 3, axis=-1) if array.shape[-1] == 1 else array
