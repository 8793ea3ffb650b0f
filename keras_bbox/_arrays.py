"""Which array library an argument belongs to, and the shapes that boxes and weights may have.

NumPy arrays (and anything that is not a tensor of the running Keras backend) are worked on with
NumPy; tensors, Keras variables and symbolic tensors with `keras.ops`. Both libraries share the
names the callers need, so one implementation serves both.
"""

from __future__ import annotations

import reprlib
from typing import Any

import keras
import numpy as np

_NUMPY = (np.ndarray, np.generic, float, int)
_KERAS = (keras.KerasTensor, keras.Variable)

Array = Any  # a NumPy array, a tensor of the running backend, or a symbolic KerasTensor


def is_tensor(value: object) -> bool:
    """Return True for a backend tensor, a Keras variable or a symbolic tensor."""
    # Keras's own NumPy backend calls every ndarray a tensor; here NumPy is always NumPy. (To ask
    # Keras takes far longer than to ask for these types.)
    if isinstance(value, _NUMPY):
        return False
    return isinstance(value, _KERAS) or keras.ops.is_tensor(value)


def array_module(*arrays: object) -> Any:
    """Return `keras.ops` when any of the arrays is a tensor, else `numpy`."""
    for array in arrays:
        if is_tensor(array):
            return keras.ops
    return np


def as_arrays(**arrays: object) -> list[Array]:
    """Return the named arguments as arrays of numbers: tensors as they are, the rest as NumPy."""
    return [array if is_tensor(array) else _as_numpy(array, name) for name, array in arrays.items()]


def _as_numpy(value: object, name: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:  # rows of unequal length
        array = np.empty((), dtype=object)
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise TypeError(
            f"{name} must be an array of real numbers. Give every row the same count of numbers, "
            f"and no text or None. Received: {name}={reprlib.repr(value)}"
        )
    return array


def library_and_dtype(*boxes: Array, sizes: tuple = ()) -> tuple[Any, str]:
    """Return the array library for boxes and image sizes, and the float dtype of the boxes."""
    library = array_module(*boxes, *sizes)
    boxes_decide = library is np or any(is_tensor(array) for array in boxes)
    return library, float_dtype(*(boxes if boxes_decide else sizes))


def float_dtype(*arrays: Array) -> str:
    """Return the float dtype the arrays have in common.

    Tensors decide alone, and NumPy beside them follows. Integers become float64 in NumPy, where
    nothing is lost, and `floatx` in tensors.
    """
    tensors = [array for array in arrays if is_tensor(array)]
    if tensors:
        names = [keras.backend.standardize_dtype(tensor.dtype) for tensor in tensors]
        return keras.backend.result_type(*names, float)
    dtype = np.result_type(*arrays)
    return "float64" if dtype.kind in "biu" else dtype.name


def at_least_single(dtype: str) -> str:
    """Return float32 for the half-width floats, which are too coarse to compute boxes in."""
    return "float32" if dtype in ("float16", "bfloat16") else dtype


def cast(xp: Any, value: object, dtype: str) -> Array:
    """Return the value as an array of library `xp` and the given dtype."""
    if xp is np:
        return np.asarray(value, dtype=dtype)
    if is_tensor(value):
        return xp.cast(value, dtype)
    return xp.convert_to_tensor(np.asarray(value), dtype=dtype)


def constant(xp: Any, value: Array) -> Array:
    """Return the same values, through which no gradient flows."""
    return value if xp is np else xp.stop_gradient(value)


def check_boxes(**arrays: Array) -> None:
    """Raise ValueError unless each of the named arrays has shape (..., 4)."""
    for name, array in arrays.items():
        shape = tuple(array.shape)
        if not shape or shape[-1] not in (4, None):
            raise ValueError(
                f"{name} must have shape (..., 4). Put the four numbers of a box on the last "
                f"axis. Received: {name}.shape={shape}"
            )


def check_same_shape(**arrays: Array) -> None:
    """Raise ValueError unless the two named arrays have one shape, as far as it is known."""
    (name1, array1), (name2, array2) = arrays.items()
    shape1, shape2 = tuple(array1.shape), tuple(array2.shape)
    sizes_agree = (a == b or a is None or b is None for a, b in zip(shape1, shape2, strict=False))
    if len(shape1) != len(shape2) or not all(sizes_agree):
        raise ValueError(
            f"{name1} and {name2} must have the same shape, such as (batch, 4) or "
            f"(batch, boxes, 4). Pair each box with its own counterpart. "
            f"Received: {name1}.shape={shape1}, {name2}.shape={shape2}"
        )


def broadcasts_to(shape: tuple, target: tuple) -> bool:
    """Return whether an array of this shape fits the target shape without enlarging it."""
    if len(shape) > len(target):
        return False
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return all(a == 1 or a == b or a is None or b is None for a, b in pairs)


def row_weights(sample_weight: object, rank: int, dtype: str) -> Array:
    """Return sample weights as a tensor that lines up, axis by axis from the left, with rows.

    Args:
        sample_weight: shape (B,), (B, 1) or that of the rows; also with one more axis of size 1.
        rank: the number of axes of the rows: 1 for boxes (B, 4), 2 for (B, N, 4).
        dtype: the dtype of the result.

    Returns:
        A tensor with `rank` axes (or none, for a scalar weight).
    """
    weights = cast(keras.ops, sample_weight, dtype)
    if len(weights.shape) == rank + 1 and weights.shape[-1] == 1:
        return keras.ops.squeeze(weights, axis=-1)
    while 0 < len(weights.shape) < rank:
        weights = keras.ops.expand_dims(weights, axis=-1)
    return weights
