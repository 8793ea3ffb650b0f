"""Images from files to arrays, through a matrix, and through filters: what knows OpenCV.

An image is a ``uint8`` array of shape ``(height, width, 3)`` in RGB order, upright; a ``Photo`` is
one that has not been decoded yet.
"""

from keras_bbox.images.blend import blend_images
from keras_bbox.images.cache import FolderCache, MemoryCache, keep_pixels
from keras_bbox.images.files import read_image, write_image
from keras_bbox.images.filters import FILTERS, apply_filter
from keras_bbox.images.headers import image_size
from keras_bbox.images.memory import Batches, keep_freed_memory
from keras_bbox.images.photo import KnownSizes, Photo, open_photo
from keras_bbox.images.sizes import image_sizes
from keras_bbox.images.warp import BORDERS, mean_color, use_own_threads, warp_image

__all__ = [
    "BORDERS",
    "Batches",
    "FILTERS",
    "FolderCache",
    "KnownSizes",
    "MemoryCache",
    "Photo",
    "apply_filter",
    "blend_images",
    "image_size",
    "image_sizes",
    "keep_freed_memory",
    "keep_pixels",
    "mean_color",
    "open_photo",
    "read_image",
    "use_own_threads",
    "warp_image",
    "write_image",
]
