"""Images from files to arrays, through a matrix, and through filters: what knows OpenCV.

An image is a ``uint8`` array of shape ``(height, width, 3)`` in RGB order, upright.
"""

from keras_bbox.images.files import read_image, write_image
from keras_bbox.images.filters import FILTERS, apply_filter
from keras_bbox.images.headers import image_size
from keras_bbox.images.sizes import image_sizes
from keras_bbox.images.warp import BORDERS, warp_image

__all__ = [
    "BORDERS",
    "FILTERS",
    "apply_filter",
    "image_size",
    "image_sizes",
    "read_image",
    "warp_image",
    "write_image",
]
