"""evaluate_localizer: a model's predictions on every row of a sequence, beside the truth."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd

from keras_bbox._outputs import Predictions, named_predictions
from keras_bbox.annotations import image_paths
from keras_bbox.boxes import convert_boxes
from keras_bbox.evaluation.report import LocalizerReport
from keras_bbox.overlap import iou
from keras_bbox.sequences import BoundingBoxSequence

TRUTH = ["x_min", "y_min", "x_max", "y_max"]


def evaluate_localizer(
    model: keras.Model, sequence: BoundingBoxSequence, *, verbose: Any = 0
) -> LocalizerReport:
    """Judges a localizer by every row of a sequence, each once, not augmented.

    The order of the sequence, its augmentation and what it does with the last batch do not matter.

    Args:
        model: A localizer, such as ``add_localization_head`` makes, whose boxes are in the
            sequence's ``bounding_box_format``.
        sequence: What to judge it by; its ``preprocess`` is applied.
        verbose: As in ``model.predict``: 1 shows a progress bar.

    Returns:
        A ``LocalizerReport``: print it, or write it with ``to_json`` or ``write_html``.

    Raises:
        ValueError: If the model is no localizer, or has another number of classes.

    Example:
        >>> import keras, keras_bbox as kb, tempfile
        >>> folder = tempfile.mkdtemp() + "/snacks"
        >>> _ = kb.datasets.make_snacks(12, image_size=64, directory=folder)
        >>> table = kb.annotations.read_csv(folder + "/annotations-train.csv")
        >>> sequence = kb.BoundingBoxSequence(table, folder + "/train", image_size=(64, 64),
        ...     class_names=kb.datasets.SNACK_CLASSES)
        >>> backbone = keras.applications.MobileNet(
        ...     include_top=False, weights=None, alpha=0.25, input_shape=(64, 64, 3))
        >>> report = kb.evaluate_localizer(kb.add_localization_head(backbone, 20), sequence)
        >>> sorted(report.summary())[:3]
        ['accuracy', 'both_right', 'calibration_error']
    """
    plain = sequence.unshuffled()
    found = _in_fractions(named_predictions(model, model.predict(plain, verbose=verbose)), plain)
    table = plain.annotations
    class_count = found.probabilities.shape[1]
    if class_count != len(plain.class_names):
        raise ValueError(
            "The model and the sequence must have the same classes. Give the sequence the "
            "class_names that the model was trained with. Received: "
            f"{class_count} outputs, class_names={plain.class_names}"
        )
    return LocalizerReport(_rows(table, plain, found), tuple(plain.class_names))


def _in_fractions(found: Predictions, sequence: BoundingBoxSequence) -> Predictions:
    height, width = sequence.image_size
    boxes = convert_boxes(
        found.boxes, sequence.bounding_box_format, "rel_xyxy", height=height, width=width
    )
    return found._replace(boxes=boxes)


def _rows(table: pd.DataFrame, sequence: BoundingBoxSequence, found: Predictions) -> pd.DataFrame:
    ids = {name: class_id for class_id, name in enumerate(sequence.class_names)}
    labels = table["class_name"].map(ids).to_numpy(int)
    predicted = found.probabilities.argmax(axis=1)
    truth = table[TRUTH].to_numpy(float)
    rows = pd.DataFrame(
        {
            "row": table.index,
            "image": [str(path) for path in image_paths(table, sequence.image_dir)],
            "class_name": table["class_name"].astype(str).to_numpy(),
            "predicted_class": np.asarray(sequence.class_names, dtype=object)[predicted],
            "class_id": labels,
            "predicted_id": predicted,
            "score": found.probabilities[np.arange(len(predicted)), predicted],
            "iou": iou(truth, found.boxes, "rel_xyxy"),
        }
    )
    if found.box_scores is not None:
        rows["box_score"] = found.box_scores
    for k, name in enumerate(TRUTH):
        rows[name] = truth[:, k]
        rows[f"predicted_{name}"] = found.boxes[:, k]
    return rows
