"""Bounding boxes for Keras 3: from a table of boxes to a model that says what and where."""

from keras_bbox import (
    annotations,
    augment,
    datasets,
    geometry,
    layers,
    losses,
    metrics,
    plotting,
    review,
)
from keras_bbox.boxes import box_area, clip_boxes, convert_boxes
from keras_bbox.evaluation import LocalizerReport, evaluate_localizer
from keras_bbox.heads import add_localization_head
from keras_bbox.inference import predict_boxes
from keras_bbox.metrics import IOUAccuracy, MeanIOU
from keras_bbox.overlap import ciou, diou, giou, iou
from keras_bbox.plotting import (
    plot_batch,
    plot_boxes,
    plot_history,
    plot_image,
    plot_prediction,
)
from keras_bbox.recipes import fit_localizer
from keras_bbox.review import find_label_errors, suggest_boxes
from keras_bbox.samples import ImageSamples
from keras_bbox.sequences import BoundingBoxSequence

__version__ = "0.1.0.dev0"

__all__ = [
    "BoundingBoxSequence",
    "IOUAccuracy",
    "ImageSamples",
    "LocalizerReport",
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
    "evaluate_localizer",
    "fit_localizer",
    "find_label_errors",
    "geometry",
    "giou",
    "iou",
    "layers",
    "losses",
    "metrics",
    "plot_batch",
    "plot_boxes",
    "plot_history",
    "plot_image",
    "plot_prediction",
    "plotting",
    "predict_boxes",
    "review",
    "suggest_boxes",
]
