"""The outputs of a localizer by their names, however the model returns them."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np

CLASS, BOX, SCORE = "class_prediction", "bbox_prediction", "box_score"


class Predictions(NamedTuple):
    """What a localizer says of N images.

    Attributes:
        probabilities: Of each class, shape ``(N, num_classes)``.
        boxes: ``rel_xyxy``, shape ``(N, 4)``, float64.
        box_scores: How sure the boxes are, shape ``(N,)``, or ``None``.
    """

    probabilities: np.ndarray
    boxes: np.ndarray
    box_scores: np.ndarray | None


def named_predictions(model: keras.Model, outputs: Any) -> Predictions:
    """Sorts out what ``model.predict`` returned.

    Args:
        model: A model with outputs as ``add_localization_head`` makes them.
        outputs: A dict by name, or a list in the order of the model's outputs.

    Returns:
        The predictions.

    Raises:
        ValueError: If there are no two or three outputs of fitting shapes.
    """
    if isinstance(outputs, dict):
        found = dict(outputs)
    else:
        values = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        names = list(getattr(model, "output_names", None) or ())
        if not {CLASS, BOX} <= set(names) or len(names) != len(values):
            names = [CLASS, BOX, SCORE][: len(values)]
        found = dict(zip(names, values, strict=False))
    arrays = {name: np.asarray(value) for name, value in found.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    if not {CLASS, BOX} <= set(shapes) or len(shapes[CLASS]) != 2 or shapes[BOX][1:] != (4,):
        raise ValueError(
            f"A localizer has the outputs {CLASS} of shape (N, num_classes) and {BOX} of shape "
            "(N, 4), and perhaps box_score. Make it with kb.add_localization_head. "
            f"Received: {shapes}"
        )
    scores = arrays.get(SCORE)
    return Predictions(
        arrays[CLASS].astype(np.float64),
        arrays[BOX].astype(np.float64),
        None if scores is None else scores.astype(np.float64).reshape(len(scores)),
    )
