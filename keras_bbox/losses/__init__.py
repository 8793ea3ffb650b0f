"""Losses for boxes: 1 less IoU, GIoU, DIoU or CIoU, the smooth L1 distance, and their sum.

The overlap losses measure what counts, which a squared error does not. Alone they are slow
starters, and IoU does not move a box that is disjoint from its truth, or inverted, at all.
`LocalizationLoss` adds the distance of the coordinates, which does: it is the one to begin with.

Element by element the overlap losses are `1 - iou(y_true, y_pred)` and so on, from
`keras_bbox.overlap`. A saved model that holds one of these losses loads once `keras_bbox` has
been imported.
"""

from __future__ import annotations

from keras_bbox.losses.distances import LocalizationLoss, SmoothL1Loss
from keras_bbox.losses.overlaps import CIOULoss, DIOULoss, GIOULoss, IOULoss

__all__ = ["CIOULoss", "DIOULoss", "GIOULoss", "IOULoss", "LocalizationLoss", "SmoothL1Loss"]
