"""Pixels of a batch: one bilinear warp by a matrix for each image, and one color matrix."""

from __future__ import annotations

import numpy as np
from keras import ops

from keras_bbox import geometry
from keras_bbox._arrays import Array
from keras_bbox._numbers import adjugate, entries, product

_TINY = 1e-9


def shrink(images: Array, image_size: tuple[int, int]) -> tuple[Array, np.ndarray]:
    """Halves images while they are at least twice as large as needed, which a warp would alias.

    Args:
        images: Shape ``(B, H, W, 3)``, float32.
        image_size: ``(height, width)`` that they are needed in.

    Returns:
        The images, and the matrix from the smaller images to the given ones.
    """
    back = np.eye(3)
    for axis, size in ((1, image_size[0]), (2, image_size[1])):
        while images.shape[axis] >= 2 * size:
            images = _halve(images, axis)
            back[2 - axis, 2 - axis] *= 2
    return images, back


def _halve(images: Array, axis: int) -> Array:
    if images.shape[axis] % 2:
        last = images[:, -1:] if axis == 1 else images[:, :, -1:]
        images = ops.concatenate([images, last], axis=axis)
    first, second = (images[:, k::2] if axis == 1 else images[:, :, k::2] for k in (0, 1))
    return (first + second) / 2


def resize(images: Array, image_size: tuple[int, int]) -> Array:
    """Stretches images to a size, as ``images.warp_image`` does with a whole photo.

    Args:
        images: Shape ``(B, H, W, 3)``, float32.
        image_size: ``(height, width)`` of the result.

    Returns:
        Shape ``(B, *image_size, 3)``.
    """
    small, back = shrink(images, image_size)
    (rows, columns), (height, width) = images.shape[1:3], image_size
    if (rows, columns) == (small.shape[1] * back[1, 1], small.shape[2] * back[0, 0]):
        return ops.image.resize(
            small, image_size, "bilinear", antialias=False, data_format="channels_last"
        )
    # Half of the last row or column of the smaller images lies outside the photo.
    fit = geometry.scaling(width / columns, height / rows) @ back
    channels = _move(small, fit[None], image_size, "replicate", ops.zeros(3))
    return ops.stack(channels, axis=-1)


def warp(
    images: Array,
    matrices: Array,
    image_size: tuple[int, int],
    *,
    border: str,
    fill: Array,
    colors: Array | None = None,
) -> Array:
    """Moves each image through its matrix, once, as ``images.warp_image`` does.

    Args:
        images: Shape ``(B, H, W, 3)``, float32.
        matrices: Shape ``(B, 3, 3)`` on pixel edges, from images to results.
        image_size: ``(height, width)`` of the results.
        border: ``"constant"``, ``"reflect"`` or ``"replicate"``.
        fill: The color of a constant border, of shape ``(3,)`` or ``(B, 1, 1, 3)``.
        colors: Matrices for ``color``, or ``None``.

    Returns:
        Shape ``(B, *image_size, 3)``.
    """
    small, back = shrink(images, image_size)
    channels = _move(small, product(matrices, back), image_size, border, fill)
    return ops.stack(channels if colors is None else _mix(channels, colors), axis=-1)


def color(images: Array, matrices: Array) -> Array:
    """Mixes the channels of each image and clips to 0 to 255.

    Args:
        images: Shape ``(B, H, W, 3)``, float32.
        matrices: Shape ``(B, 3, 4)``.

    Returns:
        Shape ``(B, H, W, 3)``.
    """
    return ops.stack(_mix(_channels(images), matrices), axis=-1)


def _mix(channels: list[Array], matrices: Array) -> list[Array]:
    # Not matmul or einsum, which accelerators compute in fewer digits.
    mixed = []
    for row in range(3):
        r, g, b, offset = (matrices[:, row, column, None, None] for column in range(4))
        value = r * channels[0] + g * channels[1] + b * channels[2] + offset
        mixed.append(ops.clip(value, 0.0, 255.0))
    return mixed


def _channels(pixels: Array) -> list[Array]:
    # Outside a compiler, planes take a tenth of the time of short last axes.
    return [pixels[..., k] for k in range(3)]


def mean_color(images: Array) -> Array:
    """The rounded mean color of each image, shape ``(B, 1, 1, 3)``."""
    return ops.round(ops.mean(images, axis=(1, 2), keepdims=True))


def _move(
    images: Array, matrices: Array, image_size: tuple[int, int], border: str, fill: Array
) -> list[Array]:
    x, y = _places(ops.convert_to_tensor(matrices, dtype="float32"), image_size)
    x = _inside(x, images.shape[2], border)
    y = _inside(y, images.shape[1], border)
    # Around the fill, a frame of zeros is a frame of the fill's color.
    framed = ops.pad(images - fill, ((0, 0), (1, 1), (1, 1), (0, 0)))
    channels = _sample(framed, x + 1, y + 1)
    return [channel + fill[..., k] for k, channel in enumerate(channels)]


def _places(matrices: Array, image_size: tuple[int, int]) -> tuple[Array, Array]:
    """For each pixel of the results, its place in the image, counted from pixel centers."""
    # OpenCV counts from the center of the first pixel too, edges half a pixel before it.
    v, u = (ops.arange(size, dtype="float32") + 0.5 for size in image_size)
    # The way back up to a factor, which the division takes out.
    x, y, w = (
        (a[:, None] * u)[:, None, :] + (b[:, None] * v + c[:, None])[..., None]
        for a, b, c in adjugate(entries(matrices))
    )
    w = ops.where(ops.abs(w) < _TINY, _TINY, w)
    return x / w - 0.5, y / w - 0.5


def _inside(place: Array, size: int, border: str) -> Array:
    """Maps places along an axis to those that hold the same color within a frame of one pixel."""
    if border == "constant":
        return ops.clip(place, -1.0, float(size))
    if border == "reflect" and size > 1:
        # About the outermost pixels' centers, so that none of them is doubled.
        return (size - 1) - ops.abs(ops.mod(place, 2.0 * (size - 1)) - (size - 1))
    return ops.clip(place, 0.0, float(size - 1))


def _sample(images: Array, x: Array, y: Array) -> list[Array]:
    """Blends the four pixels around each place; all places lie within the images."""
    height, width = images.shape[1:3]
    left = ops.clip(ops.floor(x), 0.0, width - 2.0)
    top = ops.clip(ops.floor(y), 0.0, height - 2.0)
    first = ops.arange(ops.shape(images)[0], dtype="int32")[:, None, None] * (height * width)
    index = first + ops.cast(top, "int32") * width + ops.cast(left, "int32")
    pixels = ops.reshape(images, (-1, 3))
    upper_left, upper_right, lower_left, lower_right = (
        _channels(ops.take(pixels, index + offset, axis=0)) for offset in (0, 1, width, width + 1)
    )
    upper = _blend(upper_left, upper_right, x - left)
    lower = _blend(lower_left, lower_right, x - left)
    return _blend(upper, lower, y - top)


def _blend(first: list[Array], second: list[Array], share: Array) -> list[Array]:
    return [a + share * (b - a) for a, b in zip(first, second, strict=True)]
