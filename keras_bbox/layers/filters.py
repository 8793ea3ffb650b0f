"""Colors and filters on batches: what each does to its images, by ``keras.ops``.

The filters are those of ``keras_bbox.images`` in float32, which is not rounded between two of them.
All images of a batch are filtered; those that a choice leaves alone are put back afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_bbox import _numbers, augment
from keras_bbox._arrays import Array
from keras_bbox.augment.batch_steps import NO_COLOR
from keras_bbox.layers import jpeg, pixels
from keras_bbox.layers.draws import Change

_SAME = NO_COLOR.astype("float32")
_SHARPENED_BY = 1.0  # the standard deviation of what sharpening takes away


def change_pixels(images: Array, changes: Sequence[Change], generator: Any) -> Array:
    """Mixes colors and filters, in the order drawn for each image.

    Args:
        images: Shape ``(B, H, W, 3)``, float32, 0 to 255, with known height and width.
        changes: What the steps drew.
        generator: The ``SeedGenerator`` that noise is drawn from.

    Returns:
        Shape ``(B, H, W, 3)``.
    """
    colors = None  # those that have not been mixed yet: two without a filter between are one
    for k, change in enumerate(changes):
        step, parameters, runs = change
        if not is_filter(change):
            colors = _joined(colors, parameters["matrix"], runs)
            continue
        if colors is not None and all(map(is_filter, changes[k:])):
            images, colors = pixels.color(images, colors), None
        elif colors is not None:
            images = _where(runs, pixels.color(images, colors), images)
            colors = None if runs is None else ops.where(runs[:, None, None], _SAME, colors)
        filtered = FILTERS[type(step)](step, images, generator, **parameters)
        images = _where(runs, ops.clip(filtered, 0.0, 255.0), images)
    return images if colors is None else pixels.color(images, colors)


def is_filter(change: Change) -> bool:
    """Whether it is more than a color matrix."""
    return hasattr(change.step, "filter")


def join_colors(changes: Sequence[Change]) -> Array | None:
    """The color matrices of all color steps as one for each image, ``None`` without any."""
    colors = None
    for _, parameters, runs in changes:
        colors = _joined(colors, parameters["matrix"], runs)
    return colors


def _joined(colors: Array | None, matrix: Array, runs: Array | None) -> Array:
    if runs is not None:
        matrix = ops.where(runs[:, None, None], matrix, _SAME)
    return matrix if colors is None else _numbers.join_colors(matrix, colors)


def _where(runs: Array | None, changed: Array, images: Array) -> Array:
    return changed if runs is None else ops.where(_of_images(runs), changed, images)


def _of_images(numbers: Array) -> Array:
    return ops.reshape(numbers, (-1, 1, 1, 1))


def _gamma(step: augment.RandomGamma, images: Array, generator: Any, exponent: Array) -> Array:
    return 255.0 * (images / 255.0) ** _of_images(exponent)


def _noise(
    step: augment.RandomNoise, images: Array, generator: Any, sigma: Array, seed: Array
) -> Array:
    # The number that the noise of a single image is drawn from has no use here.
    normal = keras.random.normal(ops.shape(images), dtype="float32", seed=generator)
    return images + _of_images(sigma) * normal


def _blur(step: augment.RandomBlur, images: Array, generator: Any, sigma: Array) -> Array:
    return _blurred(images, sigma, step.high)


def _sharpen(step: augment.RandomSharpness, images: Array, generator: Any, amount: Array) -> Array:
    sigma = ops.zeros_like(amount) + _SHARPENED_BY
    return images + _of_images(amount) * (images - _blurred(images, sigma, _SHARPENED_BY))


def _blurred(images: Array, sigma: Array, largest: float) -> Array:
    reach = math.ceil(3 * largest)
    around = range(-reach, reach + 1)
    taps = [ops.exp(-((k / sigma) ** 2) / 2) for k in around]
    total = sum(taps[1:], taps[0])
    taps = [tap / total for tap in taps]
    images = _weighted(images, taps, [(k, 0) for k in around])
    return _weighted(images, taps, [(0, k) for k in around])


def _motion_blur(
    step: augment.RandomMotionBlur, images: Array, generator: Any, length: Array, degrees: Array
) -> Array:
    reach = math.ceil((step.length - 1) / 2)
    around = range(-reach, reach + 1)
    # No line reaches into the corners of the square.
    within = (step.length + 1) / 2
    places = [(y, x) for y in around for x in around if math.hypot(x, y) < within]
    y, x = (ops.convert_to_tensor(part) for part in np.array(places, np.float32).T)
    angle, half = (degrees * (math.pi / 180))[:, None], ((length - 1) / 2)[:, None]
    cos, sin = ops.cos(angle), ops.sin(angle)
    # See images.filters.motion_blur.
    beyond = ops.maximum(ops.abs(x * cos + y * sin) - half, 0.0)
    distance = ops.sqrt(beyond**2 + (y * cos - x * sin) ** 2)
    weights = ops.maximum(1.0 - distance, 0.0)
    weights = weights / ops.sum(weights, axis=1, keepdims=True)
    return _weighted(images, [weights[:, k] for k in range(len(places))], places)


def _weighted(images: Array, taps: Sequence[Array], places: Sequence[tuple[int, int]]) -> Array:
    """The sum of each image's neighbors at some places ``(y, x)``, each times its weight."""
    top, left = (max(abs(place[k]) for place in places) for k in (0, 1))
    height, width = images.shape[1:3]
    images = ops.take(images, _reflected(height, top), axis=1) if top else images
    images = ops.take(images, _reflected(width, left), axis=2) if left else images
    result = 0.0
    for (y, x), tap in zip(places, taps, strict=True):
        neighbors = images[:, top + y : top + y + height, left + x : left + x + width]
        result = result + _of_images(tap) * neighbors
    return result


def _reflected(size: int, reach: int) -> np.ndarray:
    """The places of an axis and more at both ends, mirrored about the outermost pixels' centers."""
    period = max(2 * size - 2, 1)
    index = np.abs(np.arange(-reach, size + reach)) % period
    return np.minimum(index, period - index)


def _jpeg(step: augment.RandomJPEG, images: Array, generator: Any, quality: Array) -> Array:
    return jpeg.compress(images, quality)


def _auto_contrast(step: augment.AutoContrast, images: Array, generator: Any) -> Array:
    low, high = (f(images, axis=(1, 2), keepdims=True) for f in (ops.min, ops.max))
    flat = high <= low
    factor = 255.0 / ops.where(flat, 1.0, high - low)
    return ops.where(flat, images, (images - low) * factor)


def _equalize(step: augment.Equalize, images: Array, generator: Any) -> Array:
    height, width = images.shape[1:3]
    total, count = float(height * width), ops.shape(images)[0] * 3
    # Each channel of each image has a table of its own.
    channels = ops.reshape(ops.arange(count, dtype="int32"), (-1, 1, 1, 3))
    places = ops.cast(ops.round(images), "int32") + 256 * channels
    flat = ops.reshape(places, (-1,))
    counts = ops.segment_sum(ops.ones_like(flat, dtype="float32"), flat, num_segments=256 * count)
    counts = ops.reshape(counts, (-1, 256))
    upto = ops.cumsum(counts, axis=1)
    darkest = ops.min(ops.where(counts > 0, upto, total), axis=1, keepdims=True)
    tables = ops.round((upto - darkest) * (255.0 / ops.maximum(total - darkest, 1.0)))
    tables = ops.where(darkest < total, tables, ops.arange(256, dtype="float32"))
    return ops.take(ops.reshape(tables, (-1,)), places)


def _erase(
    step: augment.RandomErasing, images: Array, generator: Any, boxes: Sequence, fill: Sequence
) -> Array:
    height, width = images.shape[1:3]
    y = ops.arange(height, dtype="float32")[:, None, None]
    x = ops.arange(width, dtype="float32")[:, None]
    color = ops.stack(fill, axis=-1)[:, None, None]
    for box in boxes:
        left, top, right, bottom = (
            _of_images(ops.round(side * size))
            for side, size in zip(box, (width, height, width, height), strict=True)
        )
        inside = ops.logical_and(ops.logical_and(x >= left, x < right), y >= top)
        images = ops.where(ops.logical_and(inside, y < bottom), color, images)
    return images


FILTERS: dict[type, Callable[..., Array]] = {
    augment.RandomGamma: _gamma,
    augment.RandomNoise: _noise,
    augment.RandomBlur: _blur,
    augment.RandomMotionBlur: _motion_blur,
    augment.RandomJPEG: _jpeg,
    augment.RandomSharpness: _sharpen,
    augment.AutoContrast: _auto_contrast,
    augment.Equalize: _equalize,
    augment.RandomErasing: _erase,
}
