"""3x3 matrices on edge coordinates: make, compose, invert, apply to boxes.

A matrix maps column vectors ``(x, y, 1)`` in pixels, where the whole image is
``[0, 0, width, height]``. The same matrix moves the pixels (``images.warp_image``) and the boxes
(``transform_boxes``), so the two cannot drift apart. From ``translation`` to ``compose``, arrays or
tensors of shape ``(B,)`` in place of numbers make a matrix for each image, ``(B, 3, 3)``.
"""

from keras_bbox.geometry.boxes import transform_boxes, transform_points, visible_share
from keras_bbox.geometry.matrices import (
    about,
    compose,
    flip,
    invert,
    perspective,
    rotation,
    scaling,
    shearing,
    translation,
)

__all__ = [
    "about",
    "compose",
    "flip",
    "invert",
    "perspective",
    "rotation",
    "scaling",
    "shearing",
    "transform_boxes",
    "transform_points",
    "translation",
    "visible_share",
]
