"""Losses of overlap: 1 less IoU, GIoU, DIoU or CIoU."""

from __future__ import annotations

from typing import Any

import keras

from keras_bbox._arrays import Array
from keras_bbox.losses._base import BoxLoss
from keras_bbox.overlap import ciou, diou, giou, iou


@keras.saving.register_keras_serializable(package="keras_bbox")
class IOULoss(BoxLoss):
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

    def each(self, y_true: Array, y_pred: Array) -> Array:
        return 1.0 - iou(y_true, y_pred, self.bounding_box_format)


@keras.saving.register_keras_serializable(package="keras_bbox")
class GIOULoss(BoxLoss):
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

    def each(self, y_true: Array, y_pred: Array) -> Array:
        return 1.0 - giou(y_true, y_pred, self.bounding_box_format)


@keras.saving.register_keras_serializable(package="keras_bbox")
class DIOULoss(BoxLoss):
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

    def each(self, y_true: Array, y_pred: Array) -> Array:
        return 1.0 - diou(y_true, y_pred, self.bounding_box_format, **self.sizes)


@keras.saving.register_keras_serializable(package="keras_bbox")
class CIOULoss(BoxLoss):
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

    def each(self, y_true: Array, y_pred: Array) -> Array:
        return 1.0 - ciou(y_true, y_pred, self.bounding_box_format, **self.sizes)
