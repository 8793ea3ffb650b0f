"""The sizes of many image files, read in parallel, with a bar for those who watch."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from os import PathLike

from keras_bbox.images.headers import Size, image_size

THREADS = 8
BAR_FROM = 1000
BAR_WIDTH = 30
PORTION = 250


def image_sizes(paths: Iterable[str | PathLike[str]]) -> list[Size | Exception]:
    """Tells the sizes of many image files; each file is opened once, headers only.

    For 1,000 files or more a progress bar is drawn on a terminal.

    Args:
        paths: The files; those that occur again are not read again.

    Returns:
        For each path ``(height, width)`` as ``image_size`` tells it, or the exception that says
        why it cannot.

    Example:
        >>> import tempfile, numpy as np
        >>> from keras_bbox.images import image_sizes, write_image
        >>> path = write_image(tempfile.mkdtemp() + "/grey.png", np.full((2, 3, 3), 128, "uint8"))
        >>> image_sizes([path, path])
        [(2, 3), (2, 3)]
    """
    paths = list(paths)
    unique = list(dict.fromkeys(paths))
    sizes: list[Size | Exception] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(unique), PORTION):
            sizes += pool.map(_size_or_reason, unique[start : start + PORTION])
            _draw_bar(len(sizes), len(unique))
    known = dict(zip(unique, sizes, strict=True))
    return [known[path] for path in paths]


def _size_or_reason(path: str | PathLike[str]) -> Size | Exception:
    try:
        return image_size(path)
    except (OSError, ValueError) as error:
        return error


def _draw_bar(done: int, total: int) -> None:
    if total < BAR_FROM or not sys.stderr.isatty():
        return
    filled = BAR_WIDTH * done // total
    bar = "#" * filled + "." * (BAR_WIDTH - filled)
    print(f"\rimage headers [{bar}] {done:,}/{total:,}", end="", file=sys.stderr, flush=True)
    if done == total:
        print(file=sys.stderr)
