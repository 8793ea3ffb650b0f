"""Metrics for boxes: the mean IoU, and the share of boxes whose IoU is over a threshold.

Both are means over rows that stay exact over a whole data set: the sums are kept in two floats
each (see `_PreciseMean`), because a plain float32 total drifts within an epoch.
"""

from __future__ import annotations

from typing import Any

import keras

from keras_bbox._arrays import Array, as_arrays, cast, check_same_shape, row_weights
from keras_bbox.boxes import parse_format
from keras_bbox.overlap import iou

__all__ = ["IOUAccuracy", "MeanIOU"]


class _PreciseMean(keras.metrics.Metric):
    """A streaming weighted mean of a value per box; subclasses say which value."""

    def __init__(self, bounding_box_format: str, name: str, dtype: Any) -> None:
        parse_format(bounding_box_format)
        super().__init__(name=name, dtype=dtype)
        self.bounding_box_format = bounding_box_format
        # Half-width policies ask for half-width results; sums of thousands need more.
        self._sum_dtype = "float64" if self.dtype == "float64" else "float32"
        self.total = self._add_sum("total")
        self.weight = self._add_sum("weight")

    def _add_sum(self, name: str) -> Any:
        # [sum, rounding error of the sum]: together about twice the digits of one float.
        return self.add_variable((2,), "zeros", dtype=self._sum_dtype, name=name)

    def value(self, y_true: Array, y_pred: Array) -> Array:
        """Return what is averaged, one number per box."""
        raise NotImplementedError

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Any = None) -> None:
        """Take one batch in.

        Args:
            y_true: true boxes, shape (B, 4) or (B, N, 4).
            y_pred: predicted boxes, the same shape.
            sample_weight: shape (B,), (B, 1) or one weight per box; 1 where it is not given. A
                box of weight 0 does not count, whatever its numbers.
        """
        y_true, y_pred = as_arrays(y_true=y_true, y_pred=y_pred)
        check_same_shape(y_true=y_true, y_pred=y_pred)
        values = cast(keras.ops, self.value(y_true, y_pred), self._sum_dtype)
        weights = keras.ops.ones_like(values)
        if sample_weight is not None:
            weights *= row_weights(sample_weight, len(values.shape), self._sum_dtype)
            values = keras.ops.where(weights == 0, 0.0, values * weights)
        _add(self.total, keras.ops.sum(values))
        _add(self.weight, keras.ops.sum(weights))

    def result(self) -> Array:
        """Return the mean so far, and 0 when the weights add up to 0."""
        mean = keras.ops.divide_no_nan(keras.ops.sum(self.total), keras.ops.sum(self.weight))
        return keras.ops.cast(mean, self.dtype)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"bounding_box_format": self.bounding_box_format}


def _add(variable: Any, amount: Array) -> None:
    """Add to a sum kept as [sum, error] (Knuth's TwoSum; no branch, so it compiles)."""
    old, error = variable[0], variable[1]
    new = old + amount
    taken = new - old
    lost = (old - (new - taken)) + (amount - taken)
    variable.assign(keras.ops.stack([new, error + lost]))


@keras.saving.register_keras_serializable(package="keras_bbox")
class MeanIOU(_PreciseMean):
    """Mean IoU of *boxes*: another thing than `keras.metrics.MeanIoU`.

    That one is a segmentation metric, which compares class ids pixel by pixel, and returns
    nonsense on boxes without an error. This one is the mean of `iou(y_true, y_pred)` over all boxes
    since the last reset, weighted by the sample weights: exact over batches of unequal size, and
    to seven digits over millions of boxes. It is 0 before the first box, and where all the
    weights are 0. It compiles on every backend; half-width predictions are measured in float32.
    Keras hands sample weights only to metrics that `compile` gets as `weighted_metrics`.

    IoU is the same in pixels and in fractions of the image, so no image size is needed. A saved
    model that holds this metric loads once `keras_bbox` has been imported.

    Args:
        bounding_box_format: the format of both `y_true` and `y_pred`, of shape (B, 4) or
            (B, N, 4).
        name: the name in logs and in the training history.
        dtype: the dtype of the result; `floatx` by default.

    Raises:
        ValueError: an unknown format, or boxes of different shapes.

    Example:
        >>> import keras_bbox as kb
        >>> metric = kb.MeanIOU()
        >>> metric.update_state([[0.0, 0.0, 0.5, 0.5]], [[0.0, 0.0, 0.5, 0.25]])
        >>> metric.update_state([[0, 0, 1, 1], [0, 0, 1, 1]], [[0, 0, 1, 1], [0, 0, 1, 1]])
        >>> round(float(metric.result()), 4)
        0.8333
    """

    def __init__(
        self,
        bounding_box_format: str = "rel_xyxy",
        name: str = "mean_iou",
        dtype: Any = None,
    ) -> None:
        super().__init__(bounding_box_format, name, dtype)

    def value(self, y_true: Array, y_pred: Array) -> Array:
        return iou(y_true, y_pred, self.bounding_box_format)


@keras.saving.register_keras_serializable(package="keras_bbox")
class IOUAccuracy(_PreciseMean):
    """Share of boxes whose IoU with the truth is over a threshold.

    Strictly over: an IoU equal to the threshold does not count. Weighted by the sample weights,
    and in all else like `MeanIOU`.

    Args:
        threshold: from 0 up to, but not including, 1.
        bounding_box_format: the format of both `y_true` and `y_pred`, of shape (B, 4) or
            (B, N, 4).
        name: the name in logs and in the training history; `iou_50` for a threshold of 0.5, and
            so on.
        dtype: the dtype of the result; `floatx` by default.

    Raises:
        ValueError: a threshold outside [0, 1), an unknown format, or boxes of different shapes.

    Example:
        >>> import keras_bbox as kb
        >>> metric = kb.IOUAccuracy(threshold=0.75)
        >>> metric.name
        'iou_75'
        >>> metric.update_state([[0, 0, 1, 1], [0, 0, 1, 1]], [[0, 0, 1, 0.8], [0, 0, 1, 0.7]])
        >>> float(metric.result())
        0.5
    """

    def __init__(
        self,
        threshold: float = 0.5,
        bounding_box_format: str = "rel_xyxy",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        if not 0 <= threshold < 1:
            raise ValueError(
                "threshold must be at least 0 and under 1, since an IoU is never over 1. Pass a "
                f"share such as 0.5. Received: threshold={threshold!r}"
            )
        super().__init__(bounding_box_format, name or f"iou_{100 * threshold:g}", dtype)
        self.threshold = float(threshold)

    def value(self, y_true: Array, y_pred: Array) -> Array:
        return iou(y_true, y_pred, self.bounding_box_format) > self.threshold

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"threshold": self.threshold}
