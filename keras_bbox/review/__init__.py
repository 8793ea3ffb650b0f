"""A trained model as a second pair of eyes on a table of boxes."""

from keras_bbox.review.errors import find_label_errors, plot_label_errors
from keras_bbox.review.rank import rank_label_errors
from keras_bbox.review.suggest import suggest_boxes

__all__ = ["find_label_errors", "plot_label_errors", "rank_label_errors", "suggest_boxes"]
