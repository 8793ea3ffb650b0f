"""An image file whose pixels wait until it is known how many of them are needed."""

from __future__ import annotations

import os
from dataclasses import dataclass

import cv2
import numpy as np

from keras_bbox.images.files import decode, read_bytes
from keras_bbox.images.jpeg import read_jpeg_header
from keras_bbox.images.memory import empty

_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


@dataclass(frozen=True, eq=False)
class Photo:
    """An upright image of known size, as an undecoded JPEG file or as pixels of some scale.

    ``warp_image`` takes it in place of an array. A JPEG file is then decoded no larger than the
    warp needs, which for a photo far larger than the result is most of the work saved.

    Attributes:
        path: The file, for messages.
        height: Rows of the whole image.
        width: Columns of the whole image.
        data: The bytes of a JPEG file, shape ``(N,)``, or ``None``.
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
        assert self.data is not None  # for the type checker: one of the two is there
        if factor == 1:
            return decode(self.data, self.path), (1.0, 1.0)
        # OpenCV swaps to RGB while it decodes only at full scale.
        reduced = decode(self.data, self.path, _REDUCED[factor])
        return cv2.cvtColor(reduced, cv2.COLOR_BGR2RGB, dst=empty(*reduced.shape)), (factor, factor)


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
    header = read_jpeg_header(data.data)
    if header is None:
        return _decoded(data, path)
    # The last pixel of a reduced row stands for fewer than the others. Turning the image brings
    # it to the front, where it would shift all the others: such files are decoded whole.
    if header.is_turned and (header.height % 8 or header.width % 8):
        return _decoded(data, path)
    return Photo(path, header.height, header.width, data=data)


def _decoded(data: np.ndarray, path: str) -> Photo:
    pixels = decode(data, path)
    height, width, _ = pixels.shape
    return Photo(path, height, width, pixels=pixels)
