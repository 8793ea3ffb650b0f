"""The traces of JPEG compression on batches: what an encoder rounds, without the file."""

from __future__ import annotations

import math

import numpy as np
from keras import ops

from keras_bbox._arrays import Array

# ITU-T T.81, tables K.1 and K.2, for luminance and chrominance.
_LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
_CHROMINANCE = np.full((8, 8), 99, np.float32)
_CHROMINANCE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]

_FREQUENCIES = np.arange(8)[:, None]
_COSINES = np.cos((2 * np.arange(8) + 1) * _FREQUENCIES * math.pi / 16) / 2
_COSINES[0] /= math.sqrt(2)
_COSINES = _COSINES.astype(np.float32)


def compress(images: Array, quality: Array) -> Array:
    """Leaves the traces of a JPEG file (4:2:0) of each image's quality.

    Args:
        images: Shape ``(B, H, W, 3)``, float32, 0 to 255, with known height and width.
        quality: 1 to 100, shape ``(B,)``.

    Returns:
        Shape ``(B, H, W, 3)``.
    """
    height, width = images.shape[1:3]
    for axis, size in ((1, height), (2, width)):
        # Sides are filled up to whole blocks by the outermost pixels.
        images = ops.take(images, np.minimum(np.arange(-(-size // 16) * 16), size - 1), axis=axis)
    red, green, blue = (images[..., k] for k in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = ops.round(
        ops.stack([(blue - luma) * (0.5 / 0.886), (red - luma) * (0.5 / 0.701)], axis=-1)
    )
    chroma = chroma[:, ::2] + chroma[:, 1::2]
    chroma = chroma[:, :, ::2] + chroma[:, :, 1::2]
    # The mean of four, rounded up and down by turns, as libjpeg does.
    halves = 1.0 + ops.arange(chroma.shape[2], dtype="float32")[:, None] % 2
    chroma = ops.floor((chroma + halves) / 4)
    luma = _rounded(ops.round(luma) - 128.0, _LUMINANCE, quality) + 128.0
    luma = ops.clip(ops.round(luma), 0.0, 255.0)
    chroma = ops.stack([_rounded(chroma[..., k], _CHROMINANCE, quality) for k in (0, 1)], axis=-1)
    chroma = ops.image.resize(
        ops.clip(chroma, -128.0, 127.0),
        images.shape[1:3],
        "bilinear",
        antialias=False,
        data_format="channels_last",
    )
    blue, red = luma + 1.772 * chroma[..., 0], luma + 1.402 * chroma[..., 1]
    green = (luma - 0.299 * red - 0.114 * blue) / 0.587
    return ops.stack([red, green, blue], axis=-1)[:, :height, :width]


def _rounded(plane: Array, table: Array, quality: Array) -> Array:
    """Rounds the frequencies of each block to multiples of the table's entries."""
    height, width = plane.shape[1:]
    blocks = ops.reshape(plane, (-1, height // 8, 8, width // 8, 8))
    blocks = ops.transpose(blocks, (0, 1, 3, 2, 4))
    waves = ops.matmul(ops.matmul(_COSINES, blocks), _COSINES.T)
    scale = ops.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None, None]
    table = ops.convert_to_tensor(table)
    steps = ops.clip(ops.floor((table * ops.floor(scale) + 50) / 100), 1.0, 255.0)[:, None, None]
    # Halves go away from zero, as libjpeg has it; plain blocks often lie there.
    waves = ops.sign(waves) * ops.floor(ops.abs(waves) / steps + 0.5) * steps
    blocks = ops.matmul(ops.matmul(_COSINES.T, waves), _COSINES)
    return ops.reshape(ops.transpose(blocks, (0, 1, 3, 2, 4)), (-1, height, width))
