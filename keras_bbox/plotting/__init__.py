"""Pictures of images, boxes, predictions and training.

Each function builds a ``matplotlib.figure.Figure`` and returns it. The figures stand outside
pyplot: they need no display, are freed like any object, and nothing is shown by itself. In a
notebook a figure that is the last value of a cell shows inline (elsewhere in a cell, pass it to
``display``); in a script write it with ``figure.savefig("picture.png")``. To draw into axes of
your own, pass ``ax``.
"""

from __future__ import annotations

from keras_bbox.plotting.batch import plot_batch
from keras_bbox.plotting.boxes import plot_boxes
from keras_bbox.plotting.history import plot_history
from keras_bbox.plotting.image import plot_image
from keras_bbox.plotting.prediction import plot_prediction

__all__ = ["plot_batch", "plot_boxes", "plot_history", "plot_image", "plot_prediction"]
