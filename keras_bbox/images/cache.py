"""Photos kept decoded, in memory or in a folder, so that a later epoch need not decode again."""

from __future__ import annotations

import hashlib
import mmap
import os
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from keras_bbox.images.photo import Photo, open_photo
from keras_bbox.images.warp import warp_image

# Changes whenever the contents of a cached file would: files of another version are not found.
_VERSION = "2"
_MAPPED = 2**13  # files at the most; Linux lets a process map 65,530 pieces of memory
_HEADER = np.dtype([("whole", "<i4", 2), ("kept", "<i4", 2), ("scale", "<f8", 2)])


def keep_pixels(photo: Photo, height: int, width: int, *, exact: bool = False) -> Photo:
    """Decodes a photo at about the size that will be needed of it.

    Args:
        photo: The photo.
        height: Rows that must be left.
        width: Columns that must be left.
        exact: Whether to stretch to just this size. Otherwise the photo is halved as often as it
            stays at least this large, so that there is something left to zoom into.

    Returns:
        A ``Photo`` with ``pixels``.
    """
    factor = next(f for f in (8, 4, 2, 1) if f == 1 or _covers(photo, f, height, width))
    if exact:
        to_size = np.diag((width / photo.width, height / photo.height, 1.0))
        pixels = warp_image(photo, to_size, height=height, width=width)
        scale = (photo.height / height, photo.width / width)
    elif photo.pixels is None:
        pixels, scale = photo.decode(factor)
    else:
        rows, columns = -(-photo.height // factor), -(-photo.width // factor)
        smaller = np.diag((1 / factor, 1 / factor, 1.0))
        pixels = warp_image(photo, smaller, height=rows, width=columns, border="replicate")
        scale = (factor, factor)
    return Photo(photo.path, photo.height, photo.width, pixels=pixels, scale=scale)


def _covers(photo: Photo, factor: int, height: int, width: int) -> bool:
    return photo.height >= factor * height and photo.width >= factor * width


class MemoryCache:
    """Keeps photos in memory, as far as there is room.

    A file that changes is read again. Copied into another process, a cache starts out empty there.

    Args:
        height: Rows to keep of a photo, see ``keep_pixels``.
        width: Columns to keep.
        exact: Whether to keep just these.
        limit: Bytes of pixels at the most; photos beyond it are opened each time.
    """

    def __init__(self, height: int, width: int, *, exact: bool, limit: int):
        self.height, self.width, self.exact, self.limit = height, width, exact, limit
        self._reset()

    def _reset(self) -> None:
        self._photos: dict[str, tuple[tuple[int, int], Photo]] = {}
        self._bytes, self._is_full, self._lock = 0, False, threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("height", "width", "exact", "limit")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._reset()

    def open(self, path: str) -> Photo:
        """Returns the photo, from memory if it is there."""
        stamp = _stamp(path)
        found = self._photos.get(path)
        if found is not None and found[0] == stamp:
            return found[1]
        photo = keep_pixels(open_photo(path), self.height, self.width, exact=self.exact)
        self._keep(path, stamp, photo)
        return photo

    def _keep(self, path: str, stamp: tuple[int, int], photo: Photo) -> None:
        size = _size(photo)
        with self._lock:
            if path in self._photos:
                self._bytes -= _size(self._photos.pop(path)[1])
            if self._bytes + size <= self.limit:
                self._photos[path] = (stamp, photo)
                self._bytes += size
                return
            told, self._is_full = self._is_full, True
        if not told:
            warnings.warn(
                f"The cache is full: {len(self._photos)} photos in {self._bytes / 2**20:.0f} MiB. "
                "Further ones are decoded each time. Raise cache_limit, or use cache=DIR.",
                stacklevel=2,
            )


class FolderCache:
    """Keeps photos as files of plain pixels in a folder.

    A file is there whole or not at all. Its name tells the source's path, time and length and the
    size kept, so that a changed source is decoded anew. Several processes may share the folder.

    Files are mapped into memory, the first 8,192 for good: their pages are those in which the
    system holds the files anyway, and it drops them when it needs the room.

    Args:
        folder: Where the files go; made if need be.
        height: Rows to keep of a photo, see ``keep_pixels``.
        width: Columns to keep.
        exact: Whether to keep just these.
    """

    def __init__(self, folder: str | os.PathLike[str], height: int, width: int, *, exact: bool):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.height, self.width, self.exact = height, width, exact
        self._mapped: dict[str, tuple[tuple[int, int], Photo]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_mapped": {}}

    def open(self, path: str) -> Photo:
        """Returns the photo, from the folder if it is there."""
        stamp = _stamp(path)
        found = self._mapped.get(path)
        if found is not None and found[0] == stamp:
            return found[1]
        file = self._file(path, stamp)
        photo = _load(file, path)
        if photo is None:
            photo = keep_pixels(open_photo(path), self.height, self.width, exact=self.exact)
            _save(file, photo)
        elif path in self._mapped or len(self._mapped) < _MAPPED:
            self._mapped[path] = stamp, photo
        return photo

    def _file(self, path: str, stamp: tuple[int, int]) -> Path:
        key = (_VERSION, os.path.abspath(path), *stamp, self.height, self.width, self.exact)
        return self.folder / f"{hashlib.blake2b(repr(key).encode(), digest_size=16).hexdigest()}.px"


def _size(photo: Photo) -> int:
    return 0 if photo.pixels is None else photo.pixels.nbytes


def _stamp(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size


def _save(file: Path, photo: Photo) -> None:
    pixels, scale = photo.decode()
    header = np.zeros((), _HEADER)
    header["whole"], header["kept"], header["scale"] = photo.shape[:2], pixels.shape[:2], scale
    handle, unfinished = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as output:
            output.write(header.tobytes())
            output.write(pixels.tobytes())
        os.replace(unfinished, file)
    except BaseException:
        os.unlink(unfinished)
        raise


def _load(file: Path, path: str) -> Photo | None:
    """The photo of a cached file; ``None`` if there is none, or a damaged one to write again."""
    try:
        with open(file, "rb", buffering=0) as opened:
            # Not read but mapped: the pages of the file are the memory of the pixels.
            data = np.frombuffer(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except (FileNotFoundError, ValueError):  # an empty file cannot be mapped
        return None
    if len(data) < _HEADER.itemsize:
        return None
    header = data[: _HEADER.itemsize].view(_HEADER)[0]
    height, width = (int(side) for side in header["kept"])
    if len(data) != _HEADER.itemsize + height * width * 3:
        return None
    pixels = data[_HEADER.itemsize :].reshape(height, width, 3)
    whole_height, whole_width = header["whole"].tolist()
    y, x = header["scale"].tolist()
    return Photo(path, whole_height, whole_width, pixels=pixels, scale=(y, x))
