"""Losses of distance between the corners of boxes, alone and together with an overlap."""

from __future__ import annotations

from typing import Any

import keras

from keras_bbox._arrays import Array, library_and_dtype
from keras_bbox.boxes import convert_boxes, parse_format
from keras_bbox.losses._base import BoxLoss
from keras_bbox.overlap import ciou, diou, giou, iou

_OVERLAPS = {"ciou": ciou, "diou": diou, "giou": giou, "iou": iou}
_NEED_PIXELS = ("ciou", "diou")


@keras.saving.register_keras_serializable(package="keras_bbox")
class SmoothL1Loss(BoxLoss):
    """The distance of the four sides, squared near 0: it never loses its direction.

    The sides are compared in fractions of the image, whatever the format, and the loss is the
    mean over the four. It is `distance**2 / (2 * beta)` up to a distance of `beta`, and
    `distance - beta / 2` beyond (Girshick, "Fast R-CNN", ICCV 2015, section 2.3, with the bend at
    `beta` instead of 1).

    Args:
        bounding_box_format: the format of both `y_true` and `y_pred`, of shape (B, 4) or
            (B, N, 4).
        beta: where the parabola becomes a line, in fractions of the image; 0 for the mean
            absolute error.
        reduction: as in every Keras loss: `"sum_over_batch_size"`, `"sum"`, `"mean"`,
            `"mean_with_sample_weight"`, or `"none"` for one loss per box.
        name: the name of the loss.
        dtype: the dtype to compute in; `floatx` by default, also under a mixed-precision policy.
        height: height of the images in pixels; a format in pixels needs it.
        width: width of the images in pixels, likewise.

    Raises:
        ValueError: an unknown format, a format in pixels without the size of the images, a
            negative `beta`, or boxes of different shapes.

    Example:
        >>> import keras_bbox as kb
        >>> loss = kb.losses.SmoothL1Loss(beta=0.25)
        >>> [float(loss([[0, 0, 1, 1]], [[0, 0, 1, y2]])) for y2 in (1, 0.875, 0.5)]
        [0.0, 0.0078125, 0.09375]
    """

    def __init__(
        self,
        bounding_box_format: str = "rel_xyxy",
        beta: float = 0.05,
        reduction: str = "sum_over_batch_size",
        name: str = "smooth_l1_loss",
        dtype: Any = None,
        *,
        height: float | None = None,
        width: float | None = None,
    ) -> None:
        super().__init__(bounding_box_format, reduction, name, dtype, height=height, width=width)
        _check_distances(bounding_box_format, beta, self.sizes)
        self.beta = float(beta)

    def each(self, y_true: Array, y_pred: Array) -> Array:
        return _distance(y_true, y_pred, self.bounding_box_format, self.beta, self.sizes)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"beta": self.beta}


@keras.saving.register_keras_serializable(package="keras_bbox")
class LocalizationLoss(BoxLoss):
    """Overlap and distance in one: `1 - giou + 5 * smooth_l1`, the loss to begin with.

    The overlap is what is wanted in the end, and weighs a small box like a large one. The
    distance helps while the boxes do not touch, and tells apart what the overlap calls equal.

    Args:
        bounding_box_format: the format of both `y_true` and `y_pred`, of shape (B, 4) or
            (B, N, 4).
        overlap: `"iou"`, `"giou"`, `"diou"` or `"ciou"`.
        distance_weight: what the distance counts beside the overlap; 0 leaves it out.
        beta: the bend of the smooth L1 distance, see `SmoothL1Loss`.
        reduction: as in every Keras loss: `"sum_over_batch_size"`, `"sum"`, `"mean"`,
            `"mean_with_sample_weight"`, or `"none"` for one loss per box.
        name: the name of the loss.
        dtype: the dtype to compute in; `floatx` by default, also under a mixed-precision policy.
        height: height of the images in pixels; a format in pixels needs it, and DIoU and CIoU
            take it for images that are not square.
        width: width of the images in pixels, likewise.

    Raises:
        ValueError: an unknown format or overlap, a format in pixels without the size of the
            images, a negative weight or `beta`, or boxes of different shapes.

    Example:
        >>> import keras_bbox as kb
        >>> loss = kb.losses.LocalizationLoss(distance_weight=4, beta=0)
        >>> float(loss([[0, 0, 1, 1]], [[0, 0, 1, 0.5]]))
        1.0
    """

    def __init__(
        self,
        bounding_box_format: str = "rel_xyxy",
        overlap: str = "giou",
        distance_weight: float = 5.0,
        beta: float = 0.05,
        reduction: str = "sum_over_batch_size",
        name: str = "localization_loss",
        dtype: Any = None,
        *,
        height: float | None = None,
        width: float | None = None,
    ) -> None:
        super().__init__(bounding_box_format, reduction, name, dtype, height=height, width=width)
        _check_distances(bounding_box_format, beta, self.sizes)
        if overlap not in _OVERLAPS:
            raise ValueError(
                f"overlap must be one of {', '.join(_OVERLAPS)}. Received: overlap={overlap!r}"
            )
        if not distance_weight >= 0:
            raise ValueError(
                "distance_weight must be 0 or more. Pass 0 to train on the overlap alone. "
                f"Received: distance_weight={distance_weight!r}"
            )
        self.overlap = overlap
        self.distance_weight = float(distance_weight)
        self.beta = float(beta)

    def each(self, y_true: Array, y_pred: Array) -> Array:
        measure, layout = _OVERLAPS[self.overlap], self.bounding_box_format
        sizes = self.sizes if self.overlap in _NEED_PIXELS else {}
        distance = _distance(y_true, y_pred, layout, self.beta, self.sizes)
        return 1.0 - measure(y_true, y_pred, layout, **sizes) + self.distance_weight * distance

    def get_config(self) -> dict[str, Any]:
        own = {"overlap": self.overlap, "distance_weight": self.distance_weight, "beta": self.beta}
        return super().get_config() | own


def _distance(y_true: Array, y_pred: Array, layout: str, beta: float, sizes: dict) -> Array:
    true, predicted = (
        convert_boxes(boxes, layout, "rel_xyxy", **sizes) for boxes in (y_true, y_pred)
    )
    xp, _ = library_and_dtype(true, predicted)
    distance = xp.abs(true - predicted)
    if beta > 0:
        bent = xp.square(distance) / (2 * beta)
        distance = xp.where(distance < beta, bent, distance - beta / 2)
    return xp.mean(distance, axis=-1)


def _check_distances(bounding_box_format: str, beta: float, sizes: dict) -> None:
    if not parse_format(bounding_box_format).relative and None in sizes.values():
        raise ValueError(
            "Distances are measured in fractions of the image, so boxes in pixels need its size. "
            "Pass height= and width= in pixels, or a rel_ format. Received: "
            f"bounding_box_format={bounding_box_format!r}, height={sizes['height']}, "
            f"width={sizes['width']}"
        )
    if not beta >= 0:
        raise ValueError(f"beta must be 0 or more. Received: beta={beta!r}")
