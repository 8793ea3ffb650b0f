"""What tells copies of a picture: a hash of the file, a hash of the look, a tiny gray picture."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from typing import NamedTuple

import cv2
import numpy as np

from keras_bbox.images.bars import draw_bar

THREADS = 4
PORTION = 100
SIDE = 16
HASH_SIDE = 8

# A thumbnail needs only so many pixels, and a JPEG file is decoded at a part of its size for free.
DECODED_SIDE = 4 * SIDE
_REDUCED = (
    (8, cv2.IMREAD_REDUCED_GRAYSCALE_8),
    (4, cv2.IMREAD_REDUCED_GRAYSCALE_4),
    (2, cv2.IMREAD_REDUCED_GRAYSCALE_2),
)
# How the kinds of files end that say so, and how far from the end some writers put it.
_ENDS = ((b"\xff\xd8\xff", b"\xff\xd9"), (b"\x89PNG", b"IEND"))
TAIL = 1 << 16


class Digest(NamedTuple):
    """What is left of an image file when it is compared with others."""

    content: bytes  # of the file: equal for the same bytes
    look: int  # 64 bits, few of which change when the picture is stored anew or resized
    thumbnail: np.ndarray  # uint8, (16, 16), gray
    complete: bool  # whether the file ends as it should


def digest_image(path: str | PathLike[str], size: tuple[int, int] | None = None) -> Digest:
    """Reads an image file once and tells what it is to be compared by.

    ``look`` is the difference hash: the picture is shrunk to 8 rows of 9 gray values, and each bit
    says whether a value is smaller than the one to its right. So it does not depend on the size,
    the brightness or the contrast.

    Args:
        path: The file.
        size: Its ``(height, width)`` where it is known: large files are then decoded at a part of
            their size.

    Returns:
        The digest; it is that of the upright picture.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not an image that can be decoded.

    Example:
        >>> import tempfile, numpy as np
        >>> from keras_bbox.images import write_image
        >>> from keras_bbox.images.digests import digest_image
        >>> ramp = np.tile(np.arange(0, 256, 4, dtype="uint8")[:, None], (40, 1, 3))
        >>> path = write_image(tempfile.mkdtemp() + "/ramp.png", ramp)
        >>> hex(digest_image(path).look), digest_image(path).complete
        ('0xffffffffffffffff', True)
    """
    data = np.fromfile(path, dtype=np.uint8)
    gray = _decode_gray(path, data, size)
    small = cv2.resize(gray, (HASH_SIDE + 1, HASH_SIDE), interpolation=cv2.INTER_AREA)
    bits = np.packbits(small[:, :-1] < small[:, 1:])
    thumbnail = cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    content = hashlib.blake2b(data.data, digest_size=16).digest()
    return Digest(content, int.from_bytes(bits.tobytes(), "big"), thumbnail, _is_complete(data))


def _decode_gray(
    path: str | PathLike[str], data: np.ndarray, size: tuple[int, int] | None
) -> np.ndarray:
    shorter = min(size) if size else 0
    reduced = (flag for factor, flag in _REDUCED if shorter >= factor * DECODED_SIDE)
    reason = ""
    try:
        flag = next(reduced, cv2.IMREAD_GRAYSCALE)
        gray = cv2.imdecode(data, flag) if data.size else None
    except cv2.error as error:
        gray, reason = None, f": {error.err}"
    if gray is None:
        raise ValueError(
            "Image files must be complete. Replace the file or remove its rows. "
            f"Received: path='{path}' ({data.size} bytes{reason})"
        )
    return gray


def _is_complete(data: np.ndarray) -> bool:
    start, tail = data[:8].tobytes(), data[-TAIL:].tobytes()
    return all(end in tail for magic, end in _ENDS if start.startswith(magic))


def digest_images(
    paths: Iterable[str | PathLike[str]], sizes: Sequence[tuple[int, int] | None] | None = None
) -> list[Digest | Exception]:
    """Digests many image files, in threads, each once.

    For 1,000 files or more a progress bar is drawn on a terminal.

    Args:
        paths: The files.
        sizes: Their ``(height, width)`` where known.

    Returns:
        For each path its digest, or the exception that says why there is none.

    Example:
        >>> from keras_bbox.images.digests import digest_images
        >>> [type(digest).__name__ for digest in digest_images(["nowhere.jpg"])]
        ['FileNotFoundError']
    """
    paths = list(paths)
    sizes = list(sizes) if sizes is not None else [None] * len(paths)
    digests: list[Digest | Exception] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(paths), PORTION):
            part = slice(start, start + PORTION)
            digests += pool.map(_digest_or_reason, paths[part], sizes[part])
            draw_bar("image contents", len(digests), len(paths))
    return digests


def _digest_or_reason(
    path: str | PathLike[str], size: tuple[int, int] | None
) -> Digest | Exception:
    try:
        return digest_image(path, size)
    except (OSError, ValueError) as error:
        return error
