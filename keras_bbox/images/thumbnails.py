"""Small copies of pictures, as bytes that a page can hold."""

from __future__ import annotations

from os import PathLike
from typing import NamedTuple

import cv2

from keras_bbox.images.files import read_image


class Thumbnail(NamedTuple):
    """A small JPEG picture."""

    data: bytes
    height: int
    width: int


def make_thumbnail(
    path: str | PathLike[str], longest: int = 280, *, quality: int = 80
) -> Thumbnail:
    """Reads an image file and makes a small upright JPEG of it.

    Args:
        path: The file.
        longest: The longer side in pixels; smaller pictures keep their size.
        quality: JPEG quality, 0 to 100.

    Returns:
        The bytes with height and width.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not an image that can be decoded.

    Example:
        >>> import tempfile, numpy as np
        >>> from keras_bbox.images import write_image
        >>> from keras_bbox.images.thumbnails import make_thumbnail
        >>> path = write_image(tempfile.mkdtemp() + "/a.png", np.zeros((100, 400, 3), "uint8"))
        >>> make_thumbnail(path, 200)[1:]
        (50, 200)
    """
    image = read_image(path)
    scale = min(1.0, longest / max(image.shape[:2]))
    height, width = (max(1, round(scale * side)) for side in image.shape[:2])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return Thumbnail(cv2.imencode(".jpg", small[..., ::-1], options)[1].tobytes(), height, width)
