"""Bounding boxes for Keras 3: from a table of boxes to a model that says what and where."""

from keras_bbox import annotations, augment, datasets, geometry, losses, metrics, plotting
from keras_bbox.boxes import box_area, clip_boxes, convert_boxes
from keras_bbox.heads import add_localization_head
from keras_bbox.metrics import IOUAccuracy, MeanIOU
from keras_bbox.overlap import ciou, diou, giou, iou
from keras_bbox.plotting import plot_batch, plot_history, plot_image, plot_prediction
from keras_bbox.samples import ImageSamples
from keras_bbox.sequences import BoundingBoxSequence

__version__ = "0.1.0.dev0"

__all__ = [
    "BoundingBoxSequence",
    "IOUAccuracy",
    "ImageSamples",
    "MeanIOU",
    "__version__",
    "add_localization_head",
    "annotations",
    "augment",
    "box_area",
    "ciou",
    "clip_boxes",
    "convert_boxes",
    "datasets",
    "diou",
    "geometry",
    "giou",
    "iou",
    "losses",
    "metrics",
    "plot_batch",
    "plot_history",
    "plot_image",
    "plot_prediction",
    "plotting",
]
