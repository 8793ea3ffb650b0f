"""The size of an image file from its first bytes, without decoding a pixel."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from os import PathLike
from typing import BinaryIO

from keras_bbox.images.files import read_image

Size = tuple[int, int]

# Sides that no decoder here accepts: a header that says so is broken, not large.
LONGEST_SIDE = 2**24
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_JPEG_ENDS = frozenset({0x00, 0xD9, 0xDA})
_SEGMENT = struct.Struct(">BBH")
EXIF_LIMIT = 1 << 20
CHUNKS = 10_000
ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)


def image_size(path: str | PathLike[str]) -> Size:
    """Tells the height and width of an image file, upright, as ``read_image`` would return it.

    Only the header is read: some kilobytes of a JPEG, PNG, GIF, BMP, WebP or TIFF file. Files
    whose header does not tell, and other formats, are decoded.

    Args:
        path: The file.

    Returns:
        ``(height, width)`` in pixels after the EXIF rotation.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not an image.

    Example:
        >>> import tempfile, numpy as np
        >>> from keras_bbox.images import image_size, write_image
        >>> path = write_image(tempfile.mkdtemp() + "/grey.jpg", np.full((20, 30, 3), 128, "uint8"))
        >>> image_size(path)
        (20, 30)
    """
    with open(path, "rb") as file:
        try:
            size = _size_in_header(file)
        except (struct.error, ValueError, OverflowError):
            size = None
    if size is not None and min(size) > 0 and max(size) <= LONGEST_SIDE:
        return size
    height, width, _ = read_image(path).shape
    return height, width


def _size_in_header(file: BinaryIO) -> Size | None:
    start = file.read(32)
    for offset, magic, measure in _FORMATS:
        if start.startswith(magic, offset):
            file.seek(0)
            return measure(file)
    return None


def _turn(size: Size, orientation: int) -> Size:
    height, width = size
    return (width, height) if orientation in TURNED else (height, width)


def _unpack(file: BinaryIO, layout: str) -> tuple:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _jpeg(file: BinaryIO) -> Size | None:
    found = read_jpeg_header(file)
    return found and _turn(*found)


def read_jpeg_header(file: BinaryIO) -> tuple[Size, int] | None:
    """Reads a JPEG file's size, as it is stored, and its EXIF orientation, 1 to 8 or nonsense."""
    file.seek(2)
    orientation = 1
    while (found := _next_segment(file)) is not None:
        marker, length = found
        if marker in JPEG_FRAMES:
            _, height, width = _unpack(file, ">BHH")
            return (height, width), orientation
        end = file.tell() + length - 2
        if marker == 0xE1 and orientation == 1 and file.read(6) == b"Exif\0\0":
            orientation = _orientation(file.read(max(end - file.tell(), 0)))
        file.seek(end)
    return None


def _next_segment(file: BinaryIO) -> tuple[int, int] | None:
    """Marker and length of the next segment before the pixels."""
    start = file.read(4)
    while start[:1] == b"\xff" and len(start) == 4:
        _, marker, length = _SEGMENT.unpack(start)
        if marker == 0xFF:  # any number of fill bytes may stand before a marker
            start = start[1:] + file.read(1)
        elif marker in JPEG_ALONE:
            start = start[2:] + file.read(2)
        else:
            return None if marker in _JPEG_ENDS else (marker, length)
    return None


def _png(file: BinaryIO) -> Size | None:
    file.seek(8)
    size, orientation = None, 1
    for _ in range(CHUNKS):
        header = file.read(8)
        if len(header) < 8:
            break
        length, kind = struct.unpack(">I4s", header)
        end = file.tell() + length + 4
        if kind == b"IHDR":
            width, height = _unpack(file, ">II")
            size = (height, width)
        elif kind == b"eXIf" and length <= EXIF_LIMIT:
            orientation = _orientation(file.read(length))
            break
        elif kind == b"IEND":
            break
        file.seek(end)
    return size and _turn(size, orientation)


def _gif(file: BinaryIO) -> Size:
    _, width, height = _unpack(file, "<6sHH")
    return height, width


def _bmp(file: BinaryIO) -> Size:
    file.seek(14)
    (header_size,) = _unpack(file, "<I")
    # Rows of an image of negative height are stored from the top.
    width, height = _unpack(file, "<HH" if header_size == 12 else "<ii")
    return abs(height), width


def _webp(file: BinaryIO) -> Size | None:
    file.seek(12)
    size, orientation = None, 1
    for _ in range(CHUNKS):
        header = file.read(8)
        if len(header) < 8:
            break
        kind, length = struct.unpack("<4sI", header)
        end = file.tell() + length + length % 2
        if kind == b"EXIF" and length <= EXIF_LIMIT:
            orientation = _orientation(file.read(length).removeprefix(b"Exif\0\0"))
            break
        if size is None:
            size = _webp_size(file, kind)
        if kind in (b"VP8 ", b"VP8L") and end <= 20 + length + length % 2:
            break  # a file that begins with its pixels has no other chunk
        file.seek(end)
    return size and _turn(size, orientation)


def _webp_size(file: BinaryIO, kind: bytes) -> Size | None:
    if kind == b"VP8X":
        _, *sides = _unpack(file, "<I3s3s")
        width, height = (int.from_bytes(side, "little") + 1 for side in sides)
    elif kind == b"VP8 ":
        frame, _, width, height = _unpack(file, "<3s3sHH")
        width, height = width & 0x3FFF, height & 0x3FFF
    elif kind == b"VP8L":
        _, bits = _unpack(file, "<BI")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        return None
    return height, width


def _tiff(file: BinaryIO) -> Size | None:
    tags = _tags(file, {0x0100, 0x0101, ORIENTATION})
    if 0x0100 not in tags or 0x0101 not in tags:
        return None
    return _turn((tags[0x0101], tags[0x0100]), tags.get(ORIENTATION, 1))


def _orientation(exif: bytes) -> int:
    try:
        return _tags(BytesIO(exif), {ORIENTATION}).get(ORIENTATION, 1)
    except struct.error:
        return 1


def _tags(file: BinaryIO, wanted: set[int]) -> dict[int, int]:
    """The wanted whole numbers in the first directory of a TIFF structure."""
    orders = {b"II": "<", b"MM": ">"}
    order = orders.get(file.read(2))
    if order is None or _unpack(file, order + "H") != (42,):
        return {}
    file.seek(*_unpack(file, order + "I"))
    (entries,) = _unpack(file, order + "H")
    found = {}
    for _ in range(entries):
        tag, kind, _, value = _unpack(file, order + "HHI4s")
        if tag in wanted and kind in (3, 4):
            layout = {3: "H2x", 4: "I"}[kind]
            (found[tag],) = struct.unpack(order + layout, value)
    return found


_FORMATS: tuple[tuple[int, bytes, Callable[[BinaryIO], Size | None]], ...] = (
    (0, b"\xff\xd8\xff", _jpeg),
    (0, b"\x89PNG\r\n\x1a\n", _png),
    (0, b"GIF8", _gif),
    (0, b"BM", _bmp),
    (8, b"WEBP", _webp),
    (0, b"II*\0", _tiff),
    (0, b"MM\0*", _tiff),
)
