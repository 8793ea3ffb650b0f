"""An image file whose pixels wait until it is known how many of them are needed."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np

from keras_bbox.images.files import decode, read_bytes
from keras_bbox.images.headers import read_jpeg_header
from keras_bbox.images.memory import empty

_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_HEADER = 2**18  # bytes at the start of a file among which its size is looked for


@dataclass(frozen=True, eq=False)
class Photo:
    """An upright image of known size, as a JPEG file to be decoded or as pixels of some scale.

    ``warp_image`` takes it in place of an array. A JPEG file is then decoded no larger than the
    warp needs, which for a photo far larger than the result is most of the work saved.

    Attributes:
        path: The file.
        height: Rows of the whole image.
        width: Columns of the whole image.
        data: The bytes of a JPEG file, shape ``(N,)``; ``None`` to read them when it is decoded.
        pixels: ``uint8`` RGB, or ``None``.
        scale: ``(y, x)``: pixels of the whole image for each of ``pixels``.
    """

    path: str
    height: int
    width: int
    data: np.ndarray | None = None
    pixels: np.ndarray | None = None
    scale: tuple[float, float] = (1.0, 1.0)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, 3

    def decode(self, factor: int = 1) -> tuple[np.ndarray, tuple[float, float]]:
        """Returns the pixels, and how many pixels of the whole image each of them stands for.

        Args:
            factor: 1, 2, 4 or 8: how much smaller a JPEG file may be decoded.

        Returns:
            ``uint8`` RGB of shape ``(H, W, 3)``, and ``(y, x)``.

        Raises:
            ValueError: If the file cannot be decoded.
        """
        if self.pixels is not None:
            return self.pixels, self.scale
        data = read_bytes(self.path) if self.data is None else self.data
        image = decode(data, self.path, _REDUCED.get(factor, cv2.IMREAD_COLOR_RGB))
        rows, columns, _ = image.shape
        if factor > 1:  # OpenCV swaps to RGB while it decodes only at full scale
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=empty(*image.shape))
        if (rows, columns) == (-(-self.height // factor), -(-self.width // factor)):
            return image, (float(factor), float(factor))
        # The file has been replaced by one of another size.
        return image, (self.height / rows, self.width / columns)


def open_photo(path: str | os.PathLike[str]) -> Photo:
    """Opens an image file; of a JPEG file only the header is looked at.

    Args:
        path: The file.

    Returns:
        A ``Photo``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not an image that can be decoded.

    Example:
        >>> import tempfile, numpy as np
        >>> from keras_bbox.images import open_photo, write_image
        >>> path = write_image(tempfile.mkdtemp() + "/grey.jpg", np.full((40, 60, 3), 9, "uint8"))
        >>> photo = open_photo(path)
        >>> photo.shape, photo.decode(4)[0].shape
        ((40, 60, 3), (10, 15, 3))
    """
    path = os.fspath(path)
    data = read_bytes(path)
    size = _size_of_jpeg(data)
    if size is None:
        pixels = decode(data, path)
        height, width, _ = pixels.shape
        return Photo(path, height, width, pixels=pixels)
    return Photo(path, *size, data=data)


class KnownSizes:
    """Opens photos, and looks into each JPEG file for its size only once.

    A photo of known size is read when it is decoded. The pixels of a file that has been replaced
    since by one of another size come with the scale that makes up for it.

    Example:
        >>> import tempfile, numpy as np
        >>> from keras_bbox.images import write_image
        >>> from keras_bbox.images.photo import KnownSizes
        >>> path = write_image(tempfile.mkdtemp() + "/grey.jpg", np.full((40, 60, 3), 9, "uint8"))
        >>> sizes = KnownSizes()
        >>> [sizes.open(str(path)).data is None for _ in range(2)]
        [False, True]
    """

    def __init__(self) -> None:
        self._known: dict[str, Photo] = {}

    def open(self, path: str) -> Photo:
        """Opens a photo, see ``open_photo``."""
        known = self._known.get(path)
        if known is not None:
            return known
        photo = open_photo(path)
        if photo.pixels is None:
            self._known[path] = Photo(path, photo.height, photo.width)
        return photo


def _size_of_jpeg(data: np.ndarray) -> tuple[int, int] | None:
    """The upright size of a JPEG file that can be decoded smaller; ``None`` for all other files."""
    if bytes(data[:3]) != b"\xff\xd8\xff":
        return None
    try:
        found = read_jpeg_header(BytesIO(data[:_HEADER].data))
    except struct.error:  # cut off, or a header of more than that
        return None
    if found is None or 0 in found[0]:
        return None
    (height, width), orientation = found
    if orientation == 1:
        return height, width
    # The last pixel of a reduced row stands for fewer than the others. Turning the image brings
    # it to the front, where it would shift all the others: such files are decoded whole.
    if orientation not in range(2, 9) or height % 8 or width % 8:
        return None
    return (width, height) if orientation >= 5 else (height, width)
