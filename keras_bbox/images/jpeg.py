"""What a JPEG file says of itself before its pixels: its size and its orientation."""

from __future__ import annotations

from typing import NamedTuple

# Start of frame, all kinds of it (ITU T.81, table B.1); C4, C8 and CC are other things.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ORIENTATION = 0x0112


class JPEGHeader(NamedTuple):
    """The size of an upright JPEG image.

    Attributes:
        height: Rows, once upright.
        width: Columns, once upright.
        is_turned: Whether an EXIF orientation other than upright had to be applied.
    """

    height: int
    width: int
    is_turned: bool


def read_jpeg_header(data: memoryview | bytes) -> JPEGHeader | None:
    """Reads a JPEG file's size from its first bytes.

    Args:
        data: The file's bytes; the start up to the frame header is enough.

    Returns:
        The header; ``None`` if it is no JPEG file, or one whose header is damaged or cut off.

    Example:
        >>> from keras_bbox.images.jpeg import read_jpeg_header
        >>> read_jpeg_header(b"GIF89a") is None
        True
    """
    head = memoryview(data)
    if len(head) < 4 or head[0] != 0xFF or head[1] != 0xD8:
        return None
    position, orientation = 2, 1
    while position + 9 <= len(head) and head[position] == 0xFF:
        marker = head[position + 1]
        if marker == 0xFF:  # fill bytes before a marker
            position += 1
            continue
        length = int.from_bytes(head[position + 2 : position + 4], "big")
        if marker in _FRAMES:
            height = int.from_bytes(head[position + 5 : position + 7], "big")
            width = int.from_bytes(head[position + 7 : position + 9], "big")
            if not height or not width:
                return None
            size = (width, height) if orientation >= 5 else (height, width)
            return JPEGHeader(*size, orientation != 1)
        if marker == 0xE1 and bytes(head[position + 4 : position + 10]) == b"Exif\0\0":
            orientation = _orientation(bytes(head[position + 10 : position + 2 + length]))
        position += 2 + length
    return None


def _orientation(tiff: bytes) -> int:
    """The orientation, 1 to 8, of the first directory of an EXIF block; 1 where it tells none."""
    if tiff[:2] not in (b"II", b"MM"):
        return 1
    order = "little" if tiff[:2] == b"II" else "big"

    def number(start: int, size: int) -> int:
        return int.from_bytes(tiff[start : start + size], order)  # type: ignore[arg-type]

    directory = number(4, 4)
    for k in range(number(directory, 2)):
        entry = directory + 2 + 12 * k
        if entry + 12 > len(tiff):
            break
        if number(entry, 2) == _ORIENTATION:
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1
