"""Arrays in memory that is used again, as fresh memory costs more than what is done in it.

The first touch of each fresh 4 KiB takes the operating system about as long as a warp takes to
fill them, and TensorFlow has the C library give memory back as soon as it is free.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
import threading
from typing import Any

import numpy as np

_BUFFERS = 8  # a thread
_LARGEST = 4 * 2**20  # bytes; larger arrays are rare, and then not worth holding on to

# Of mallopt(3), by the numbers of malloc.h: bytes that are free at the end of the heap before it
# shrinks, bytes that it grows by, and the size from which an array gets pages of its own.
_KEEP = {-1: 2**30, -2: 2**26, -3: 2**25}
_CHOICES = ("GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")


def keep_freed_memory() -> None:
    """Has glibc hand freed memory out again, up to a gigabyte, and not give it back at once.

    The datasets of TensorFlow have it give back all beyond 128 KiB. Then every tensor of a training
    step on a CPU is made of fresh pages, and two fifths of the step's time go into making them. So
    this is to be called after a dataset has begun; a call takes a microsecond. Without glibc, or
    where the environment holds settings for it, this does nothing.

    Example:
        >>> from keras_bbox.images.memory import keep_freed_memory
        >>> keep_freed_memory()
    """
    if _MALLOPT is not None:
        for option, value in _KEEP.items():
            _MALLOPT(option, value)


def _find_mallopt() -> Any:
    if sys.platform != "linux" or any(name in os.environ for name in _CHOICES):
        return None
    library = ctypes.CDLL(None)
    return library.mallopt if hasattr(library, "gnu_get_libc_version") else None


_MALLOPT = _find_mallopt()


class _Pool(threading.local):
    """The buffers of one thread."""

    def __init__(self) -> None:
        self.buffers: list[np.ndarray] = []
        self.scratch: dict[str, np.ndarray] = {}


_POOL = _Pool()


def empty(*shape: int) -> np.ndarray:
    """Returns a ``uint8`` array of any contents, in memory that nothing refers to any more.

    It can be kept as long as one likes: its memory is not used again before it has gone, nor
    before all views of it have.

    Args:
        *shape: The array's shape.

    Returns:
        An array of that shape.

    Example:
        >>> from keras_bbox.images.memory import empty
        >>> empty(2, 3).shape
        (2, 3)
    """
    size = math.prod(shape)
    if size > _LARGEST:
        return np.empty(shape, np.uint8)
    buffer = _free_buffer(size)
    return np.empty(shape, np.uint8) if buffer is None else buffer[:size].reshape(shape)


def scratch(name: str, *shape: int) -> np.ndarray:
    """Returns a ``uint8`` array that this thread overwrites the next time it asks for that name.

    It is for what is needed within one function only, and quicker to have than ``empty``.

    Args:
        name: What it is for.
        *shape: The array's shape.

    Returns:
        An array of that shape, of any contents.

    Example:
        >>> from keras_bbox.images.memory import scratch
        >>> scratch("rows", 2, 3).shape
        (2, 3)
    """
    size = math.prod(shape)
    if size > _LARGEST:
        return np.empty(shape, np.uint8)
    buffer = _POOL.scratch.get(name)
    if buffer is None or buffer.size < size:
        buffer = _POOL.scratch[name] = np.empty(size, np.uint8)
    return buffer[:size].reshape(shape)


class Batches:
    """Arrays of one shape for batches, in memory that is used again once a batch has gone.

    Args:
        shape: The shape of a batch.
        dtype: Its dtype.
        limit: How many arrays are held at the most; further ones are made anew.

    Example:
        >>> from keras_bbox.images.memory import Batches
        >>> batches = Batches((2, 4, 4, 3), "float32", limit=2)
        >>> batches.empty(1).shape
        (1, 4, 4, 3)
    """

    def __init__(self, shape: tuple[int, ...], dtype: str, limit: int):
        self.shape = shape
        self.dtype = dtype
        self.limit = limit
        self._arrays: list[np.ndarray] = []
        self._lock = threading.Lock()

    def empty(self, count: int) -> np.ndarray:
        """Returns the first rows of an array of any contents that nothing refers to any more."""
        with self._lock:
            for k in range(len(self._arrays)):
                if sys.getrefcount(self._arrays[k]) == 2:  # the list's, and that of the call
                    return self._arrays[k][:count]
            array = np.empty(self.shape, self.dtype)
            if len(self._arrays) < self.limit:
                self._arrays.append(array)
            return array[:count]

    def __reduce__(self) -> tuple:
        return Batches, (self.shape, self.dtype, self.limit)


def _free_buffer(size: int) -> np.ndarray | None:
    buffers = _POOL.buffers
    free = None
    for k in range(len(buffers)):
        # Two references: the list's, and that of the call itself.
        if sys.getrefcount(buffers[k]) == 2:
            if buffers[k].size >= size:
                return buffers[k]
            free = k
    if free is None and len(buffers) == _BUFFERS:
        return None
    buffer = np.empty(size, np.uint8)
    if free is None:
        buffers.append(buffer)
    else:
        buffers[free] = buffer
    return buffer
