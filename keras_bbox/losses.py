"""Losses for boxes: 1 less IoU, GIoU, DIoU or CIoU.

They measure the overlap itself, which a squared error does not. Alone they are slow starters,
and IoU does not move a box that is disjoint from its truth, or inverted, at all: train with the
sum of one of them and a coordinate loss (mean absolute error, Huber).

Element by element they are `1 - iou(y_true, y_pred)` and so on, from `keras_bbox.overlap`. A
saved model that holds one of these losses loads once `keras_bbox` has been imported.
"""

from __future__ import annotations

from typing import Any

import keras

from keras_bbox._arrays import Array, as_arrays, check_same_shape, row_weights
from keras_bbox.boxes import parse_format
from keras_bbox.overlap import ciou, diou, giou, iou

__all__ = ["CIOULoss", "DIOULoss", "GIOULoss", "IOULoss"]


class _OverlapLoss(keras.losses.Loss):
    """What the four losses share: the format, the weights of (B, N, 4) boxes, the config."""

    def __init__(self, bounding_box_format: str, reduction: str, name: str, dtype: Any) -> None:
        parse_format(bounding_box_format)
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.bounding_box_format = bounding_box_format

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
        return 1.0 - self.overlap(y_true, y_pred)

    def overlap(self, y_true: Array, y_pred: Array) -> Array:
        """Return what is to grow, at most 1, for each box."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        own = {"bounding_box_format": self.bounding_box_format, "dtype": self.dtype}
        return super().get_config() | own


@keras.saving.register_keras_serializable(package="keras_bbox")
class IOULoss(_OverlapLoss):
    """1 - IoU: from 0 for equal boxes to 1 for disjoint ones, where it gives no direction.

    Args:
        bounding_box_format: the format of both `y_true` and `y_pred`, of shape (B, 4) or
            (B, N, 4).
        reduction: as in every Keras loss: `"sum_over_batch_size"`, `"sum"`, `"mean"`,
            `"mean_with_sample_weight"`, or `"none"` for one loss per box.
        name: the name of the loss.
        dtype: the dtype to compute in; `floatx` by default, also under a mixed-precision policy.

    Raises:
        ValueError: an unknown format, or boxes of different shapes.

    Example:
        >>> import keras_bbox as kb
        >>> loss = kb.losses.IOULoss()
        >>> float(loss([[0, 0, 1, 1]], [[0, 0, 1, 0.5]]))
        0.5
    """

    def __init__(
        self,
        bounding_box_format: str = "rel_xyxy",
        reduction: str = "sum_over_batch_size",
        name: str = "iou_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(bounding_box_format, reduction, name, dtype)

    def overlap(self, y_true: Array, y_pred: Array) -> Array:
        return iou(y_true, y_pred, self.bounding_box_format)


@keras.saving.register_keras_serializable(package="keras_bbox")
class GIOULoss(_OverlapLoss):
    """1 - GIoU: from 0 for equal boxes up to 2, and lower the nearer disjoint boxes are.

    Args:
        bounding_box_format: the format of both `y_true` and `y_pred`, of shape (B, 4) or
            (B, N, 4).
        reduction: as in every Keras loss: `"sum_over_batch_size"`, `"sum"`, `"mean"`,
            `"mean_with_sample_weight"`, or `"none"` for one loss per box.
        name: the name of the loss.
        dtype: the dtype to compute in; `floatx` by default, also under a mixed-precision policy.

    Raises:
        ValueError: an unknown format, or boxes of different shapes.

    Example:
        >>> import keras_bbox as kb
        >>> loss = kb.losses.GIOULoss(bounding_box_format="xyxy")
        >>> float(loss([[0, 0, 1, 1]], [[1, 0, 2, 1]])), float(loss([[0, 0, 1, 1]], [[3, 0, 4, 1]]))
        (1.0, 1.5)
    """

    def __init__(
        self,
        bounding_box_format: str = "rel_xyxy",
        reduction: str = "sum_over_batch_size",
        name: str = "giou_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(bounding_box_format, reduction, name, dtype)

    def overlap(self, y_true: Array, y_pred: Array) -> Array:
        return giou(y_true, y_pred, self.bounding_box_format)


class _PixelLoss(_OverlapLoss):
    """What DIoU and CIoU add: a size of the images, in whose pixels `rel_` boxes are measured."""

    def __init__(
        self, bounding_box_format: str, reduction: str, name: str, dtype: Any, **image_size: Any
    ) -> None:
        super().__init__(bounding_box_format, reduction, name, dtype)
        self.image_size = image_size

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | self.image_size


@keras.saving.register_keras_serializable(package="keras_bbox")
class DIOULoss(_PixelLoss):
    """1 - DIoU: GIoU's aim by another way, which pulls the centers together.

    Args:
        bounding_box_format: the format of both `y_true` and `y_pred`, of shape (B, 4) or
            (B, N, 4).
        reduction: as in every Keras loss: `"sum_over_batch_size"`, `"sum"`, `"mean"`,
            `"mean_with_sample_weight"`, or `"none"` for one loss per box.
        name: the name of the loss.
        dtype: the dtype to compute in; `floatx` by default, also under a mixed-precision policy.
        height: height of the images in pixels, when they are not square and the format is
            `rel_`: distances are then measured in pixels.
        width: width of the images in pixels, likewise.

    Raises:
        ValueError: an unknown format, boxes of different shapes, or one of height and width
            without the other.

    Example:
        >>> import keras_bbox as kb
        >>> loss = kb.losses.DIOULoss(bounding_box_format="xyxy")
        >>> float(loss([[0, 0, 2, 2]], [[2, 2, 4, 4]]))
        1.25
    """

    def __init__(
        self,
        bounding_box_format: str = "rel_xyxy",
        reduction: str = "sum_over_batch_size",
        name: str = "diou_loss",
        dtype: Any = None,
        *,
        height: float | None = None,
        width: float | None = None,
    ) -> None:
        super().__init__(bounding_box_format, reduction, name, dtype, height=height, width=width)

    def overlap(self, y_true: Array, y_pred: Array) -> Array:
        return diou(y_true, y_pred, self.bounding_box_format, **self.image_size)


@keras.saving.register_keras_serializable(package="keras_bbox")
class CIOULoss(_PixelLoss):
    """1 - CIoU: DIoU's loss, and more for a wrong aspect ratio.

    Args:
        bounding_box_format: the format of both `y_true` and `y_pred`, of shape (B, 4) or
            (B, N, 4).
        reduction: as in every Keras loss: `"sum_over_batch_size"`, `"sum"`, `"mean"`,
            `"mean_with_sample_weight"`, or `"none"` for one loss per box.
        name: the name of the loss.
        dtype: the dtype to compute in; `floatx` by default, also under a mixed-precision policy.
        height: height of the images in pixels, when they are not square and the format is
            `rel_`: distances and aspect ratios are then measured in pixels.
        width: width of the images in pixels, likewise.

    Raises:
        ValueError: an unknown format, boxes of different shapes, or one of height and width
            without the other.

    Example:
        >>> import keras_bbox as kb
        >>> loss = kb.losses.CIOULoss(bounding_box_format="xyxy")
        >>> round(float(loss([[0, 0, 2, 2]], [[0, 0, 4, 1]])), 3)
        0.747
    """

    def __init__(
        self,
        bounding_box_format: str = "rel_xyxy",
        reduction: str = "sum_over_batch_size",
        name: str = "ciou_loss",
        dtype: Any = None,
        *,
        height: float | None = None,
        width: float | None = None,
    ) -> None:
        super().__init__(bounding_box_format, reduction, name, dtype, height=height, width=width)

    def overlap(self, y_true: Array, y_pred: Array) -> Array:
        return ciou(y_true, y_pred, self.bounding_box_format, **self.image_size)
