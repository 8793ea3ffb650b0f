"""What a drawn number may be: a plain one, or an array with one number for each image of a batch.

A step writes its formula once, with operators and the functions here. From plain numbers comes a
NumPy matrix, from arrays of shape ``(B,)`` a matrix for each image, ``(B, 3, 3)``. Plain numbers
take the short way through Python's own functions: NumPy takes ten times as long for one number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bbox._arrays import Array, array_module, is_tensor

Number = Any  # an int, a float, or an array of shape (B,)

PLAIN: tuple[Any, ...] = (float, int, np.generic)
_TRUTH = (bool, np.bool_)


def cosine(degrees: Number) -> Number:
    """The cosine of an angle in degrees."""
    if isinstance(degrees, PLAIN):
        return math.cos(math.radians(degrees))
    return array_module(degrees).cos(degrees * (math.pi / 180))


def sine(degrees: Number) -> Number:
    """The sine of an angle in degrees."""
    if isinstance(degrees, PLAIN):
        return math.sin(math.radians(degrees))
    return array_module(degrees).sin(degrees * (math.pi / 180))


def tangent(degrees: Number) -> Number:
    """The tangent of an angle in degrees."""
    if isinstance(degrees, PLAIN):
        return math.tan(math.radians(degrees))
    return array_module(degrees).tan(degrees * (math.pi / 180))


def rounded(number: Number) -> Number:
    """The nearest whole number, the even one of two."""
    return round(number) if isinstance(number, PLAIN) else array_module(number).round(number)


def whole(number: Number) -> Number:
    """The whole part of a number that is not negative."""
    return int(number) if isinstance(number, PLAIN) else array_module(number).floor(number)


def ceiling(number: Number) -> Number:
    """The smallest whole number that is not less."""
    return math.ceil(number) if isinstance(number, PLAIN) else array_module(number).ceil(number)


def least(first: Number, second: Number) -> Number:
    """The smaller of two numbers."""
    if isinstance(first, PLAIN) and isinstance(second, PLAIN):
        return min(first, second)
    return array_module(first, second).minimum(first, second)


def most(first: Number, second: Number) -> Number:
    """The larger of two numbers."""
    if isinstance(first, PLAIN) and isinstance(second, PLAIN):
        return max(first, second)
    return array_module(first, second).maximum(first, second)


def select(condition: Any, yes: Any, no: Any) -> Any:
    """The one where the condition is true, the other where it is not, image by image.

    Args:
        condition: A truth value, or an array of them of shape ``(B,)``.
        yes: A number, a matrix, or a tuple of these; for arrays also ``(B,)`` or ``(B, R, C)``.
        no: Its counterpart.

    Returns:
        One of the two; a tuple keeps its class.
    """
    if isinstance(condition, _TRUTH):
        return yes if condition else no
    if isinstance(yes, tuple):
        parts = [select(condition, a, b) for a, b in zip(yes, no, strict=True)]
        return type(yes)(*parts) if hasattr(yes, "_fields") else tuple(parts)
    if yes is no:  # what a step leaves alone stays a constant
        return yes
    xp = array_module(condition, yes, no)
    yes, no = _of(xp, yes), _of(xp, no)
    is_matrix = max(len(yes.shape), len(no.shape)) > 1
    return xp.where(condition[:, None, None] if is_matrix else condition, yes, no)


def matrix(rows: Sequence[Sequence[Number]], *numbers: Number) -> Array:
    """A matrix of numbers, or one for each image where some of them are arrays.

    Args:
        rows: The entries.
        *numbers: Those on which the entries depend: what tells whether any is an array.

    Returns:
        Shape ``(R, C)`` or ``(B, R, C)``.
    """
    for like in numbers:
        if not isinstance(like, PLAIN):
            break
    else:
        return np.array(rows, dtype=np.float64)
    flat = [number for row in rows for number in row]
    xp = array_module(*flat)
    if xp is np:
        made = np.empty((*like.shape, len(rows), len(rows[0])))
        # What is the same for all images first, as each array takes a call of its own.
        made[:] = [[n if isinstance(n, PLAIN) else 0.0 for n in row] for row in rows]
        for k, number in enumerate(flat):
            if not isinstance(number, PLAIN):
                made[..., k // len(rows[0]), k % len(rows[0])] = number
        return made
    flat = [xp.ones_like(like) * n if isinstance(n, PLAIN) else n for n in flat]
    # A graph may not know how many images there are.
    return xp.reshape(xp.stack(flat, axis=-1), (-1, len(rows), len(rows[0])))


def entries(matrix: Array) -> Sequence[Sequence[Number]]:
    """The rows of a matrix as numbers, or of a matrix for each image as arrays."""
    if isinstance(matrix, np.ndarray) and matrix.ndim == 2:
        return matrix.tolist()
    height, width = matrix.shape[-2:]
    return [[matrix[..., i, j] for j in range(width)] for i in range(height)]


def adjugate(rows: Sequence[Sequence[Number]]) -> list[list[Number]]:
    """The inverse of a 3x3 matrix times its determinant, so that nothing is divided by it."""
    (a, b, c), (d, e, f), (g, h, i) = rows
    return [
        [e * i - f * h, c * h - b * i, b * f - c * e],
        [f * g - d * i, a * i - c * g, c * d - a * f],
        [d * h - e * g, b * g - a * h, a * e - b * d],
    ]


def times(number: Number, matrix: np.ndarray) -> Array:
    """A constant matrix times a number, or times the number of each image."""
    if isinstance(number, PLAIN):
        return number * matrix
    return number[..., None, None] * _of(array_module(number), matrix)


def take(values: np.ndarray, index: Number) -> Array:
    """The entry or row of a constant array at an index, or those of each image."""
    if not is_tensor(index):
        return values[index.astype(int) if isinstance(index, np.ndarray) else index]
    xp = array_module(index)
    return xp.take(_of(xp, values), xp.cast(index, "int32"), axis=0)


def product(second: Array, first: Array) -> Array:
    """The matrix product, image by image where one of the two has a matrix for each."""
    if isinstance(second, np.ndarray) and isinstance(first, np.ndarray):
        return second @ first
    xp = array_module(second, first)
    second, first = _of(xp, second), _of(xp, first)
    # Not matmul: accelerators round its factors to ten bits, which would be pixels here.
    return xp.sum(second[..., :, :, None] * first[..., None, :, :], axis=-2)


def join_colors(second: Array, first: Array) -> Array:
    """The 3x4 matrix that does what two do in turn, image by image where one has several."""
    xp = array_module(second, first)
    second = _of(xp, second)
    joined = product(second[..., :3], first)
    return xp.concatenate([joined[..., :3], joined[..., 3:] + second[..., 3:]], axis=-1)


def _of(xp: Any, value: Any) -> Array:
    """Constants as single-width tensors beside tensors, and as NumPy beside NumPy."""
    if xp is np:
        return np.asarray(value)
    return value if is_tensor(value) else xp.convert_to_tensor(value, dtype="float32")
