"""What every loss for boxes shares: the format, the weights of (B, N, 4) boxes, the config."""

from __future__ import annotations

from typing import Any

import keras

from keras_bbox._arrays import Array, as_arrays, check_same_shape, row_weights
from keras_bbox.boxes import parse_format


class BoxLoss(keras.losses.Loss):
    """One number for each pair of boxes; a subclass says which in `each`."""

    def __init__(
        self, bounding_box_format: str, reduction: str, name: str, dtype: Any, **sizes: Any
    ) -> None:
        parse_format(bounding_box_format)
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.bounding_box_format = bounding_box_format
        self.sizes = sizes

    def __call__(self, y_true: Array, y_pred: Array, sample_weight: Any = None) -> Array:
        """Return the reduced loss; weights have shape (B,), (B, 1), or one weight per box."""
        # Keras takes nested lists for a structure of many outputs.
        y_true, y_pred = as_arrays(y_true=y_true, y_pred=y_pred)
        if sample_weight is not None:
            # Keras would line the weights of (B, N, 4) boxes up with N instead of B.
            sample_weight = row_weights(sample_weight, len(y_pred.shape) - 1, self.dtype)
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return one loss per box: shape (B,) for boxes (B, 4), (B, N) for (B, N, 4)."""
        check_same_shape(y_true=y_true, y_pred=y_pred)
        return self.each(y_true, y_pred)

    def each(self, y_true: Array, y_pred: Array) -> Array:
        """Return what is to shrink, at least 0, for each box."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        own = {"bounding_box_format": self.bounding_box_format, "dtype": self.dtype}
        return super().get_config() | own | self.sizes
