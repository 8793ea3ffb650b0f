"""Label errors by a localizer: a model with a class and a box for each image."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_bbox import images
from keras_bbox._outputs import named_predictions
from keras_bbox.annotations import image_paths, split
from keras_bbox.boxes import convert_boxes
from keras_bbox.plotting._gallery import plot_gallery
from keras_bbox.review.rank import CORNERS, rank_label_errors

MARKED, SEEN = "#00ffe1", "#ffb400"


def find_label_errors(
    model: Any,
    sequence: Any,
    *,
    folds: int = 0,
    fit: Callable[[Any], Any] | None = None,
    min_score: float = 0.5,
    good_iou: float = 0.7,
    seed: int = 0,
) -> pd.DataFrame:
    """Ranks the rows of a sequence by how strongly a localizer disagrees with them.

    A model agrees with what it was trained on, errors included. So judge rows that it has not
    seen: those of another split; or give ``folds`` and ``fit``, and each row is judged by a model
    that was trained on the other folds. Images are never in two folds.

    Args:
        model: A model with two outputs, class probabilities ``(B, classes)`` and boxes ``(B, 4)``
            in the format of the sequence; ``None`` with ``folds``.
        sequence: A ``BoundingBoxSequence``. Without ``folds`` it must not augment.
        folds: Into how many parts to split the images; 0 judges all by ``model``.
        fit: A function that is given a sequence of the rows to train on, and returns a model.
        min_score: Disagreements of predictions with a lower probability are left out.
        good_iou: From which IoU on a box counts as well placed.
        seed: Another seed makes other folds.

    Returns:
        The table of ``rank_label_errors``, with the kinds ``"class"`` and ``"box"``; ``row`` is a
        position in ``sequence.annotations``. Of an image with several rows only the one nearest
        to the prediction is judged.

    Raises:
        ValueError: If the sequence augments, or of ``folds`` and ``fit`` one is missing.

    Example:
        >>> import keras_bbox as kb, numpy as np, tempfile
        >>> folder = kb.datasets.make_snacks(12, image_size=64, directory=tempfile.mkdtemp())
        >>> table = kb.annotations.read_csv(folder / "annotations-train.csv")
        >>> sequence = kb.BoundingBoxSequence(table, folder / "train", (32, 32), shuffle=False)
        >>> class Whole:
        ...     def predict_on_batch(self, X):
        ...         classes = np.eye(len(sequence.class_names))[np.zeros(len(X), int)]
        ...         return classes, np.tile([0.0, 0, 1, 1], (len(X), 1))
        >>> errors = kb.find_label_errors(Whole(), sequence)
        >>> bool((errors["suggested"] == sequence.class_names[0]).all())
        True
    """
    if (folds > 0) != (fit is not None) or folds == 1:
        raise ValueError(
            "Judging out of sample takes folds of 2 or more and a function fit. Give both, or a "
            f"model alone. Received: folds={folds}, fit={fit!r}"
        )
    if not folds and sequence.augment is not None:
        raise ValueError(
            "Rows are judged as they are. Make the sequence without augmentation. "
            f"Received: augment={sequence.augment!r}"
        )
    table = sequence.annotations
    if fit is None:
        predictions = predict_rows(model, sequence)
    else:
        predictions = pd.concat(_predict_folds(fit, sequence, folds, seed))
    paths = [path.as_posix() for path in image_paths(predictions, "")]
    first = ~np.asarray(pd.Series(paths, dtype=object).duplicated())
    return rank_label_errors(
        table, predictions[first], min_score=min_score, good_iou=good_iou, several=False
    )


def _predict_folds(fit: Callable, sequence: Any, folds: int, seed: int) -> list[pd.DataFrame]:
    table = sequence.annotations
    numbered = table.set_axis(range(len(table)))
    parts = split(numbered, {str(fold): 1 / folds for fold in range(folds)}, seed=seed)
    found = []
    for part in parts.values():
        if len(part):
            model = fit(_with_rows(sequence, numbered.drop(index=part.index)))
            judged = _with_rows(sequence, part, shuffle=False, augment=None, last_batch="keep")
            found.append(predict_rows(model, judged).set_axis(part.index))
    return found


def _with_rows(sequence: Any, table: pd.DataFrame, **changes: Any) -> Any:
    """A sequence like the given one, with other rows."""
    names = inspect.signature(type(sequence).__init__).parameters
    options = {name: getattr(sequence, name) for name in names if hasattr(sequence, name)}
    return type(sequence)(**{**options, **changes, "annotations": table})


def predict_rows(model: Any, sequence: Any) -> pd.DataFrame:
    """Predicts a class and a box for each row of a sequence, in the order of its table."""
    table = sequence.annotations
    boxes, ids, scores = np.empty((len(table), 4)), np.zeros(len(table), int), np.zeros(len(table))
    height, width = sequence.image_size
    for index in range(len(sequence)):
        rows = sequence.rows(index)
        found = named_predictions(model, model.predict_on_batch(sequence[index][0]))
        ids[rows] = found.probabilities[: len(rows)].argmax(axis=1)
        scores[rows] = found.probabilities[: len(rows)].max(axis=1)
        boxes[rows] = convert_boxes(
            found.boxes[: len(rows)],
            sequence.bounding_box_format,
            "rel_xyxy",
            height=height,
            width=width,
        )
    names = [column for column in ("filename", "image_id", "folder") if column in table]
    predicted = table[names].copy()
    predicted[CORNERS] = boxes
    predicted["class_name"] = np.array(sequence.class_names, object)[ids]
    return predicted.assign(score=scores)


def plot_label_errors(
    errors: pd.DataFrame,
    annotations: pd.DataFrame,
    image_dir: str | PathLike[str],
    *,
    count: int = 16,
) -> Any:
    """Draws the strongest disagreements: what is marked, and what the model sees.

    Args:
        errors: Of ``find_label_errors`` or ``rank_label_errors``, or some of its rows.
        annotations: The table that was judged.
        image_dir: The folder of its images.
        count: How many to draw.

    Returns:
        A matplotlib figure with a picture for each, the marked box in turquoise, the predicted in
        orange.

    Raises:
        ValueError: If there is nothing to draw.

    Example:
        >>> import keras_bbox as kb, tempfile
        >>> folder = kb.datasets.make_snacks(12, image_size=64, directory=tempfile.mkdtemp())
        >>> table = kb.annotations.read_csv(folder / "annotations-train.csv")
        >>> seen = table.assign(class_name="soup", score=0.9)
        >>> errors = kb.review.rank_label_errors(table, seen)
        >>> figure = kb.review.plot_label_errors(errors, table, folder / "train", count=4)
        >>> len(figure.axes)
        4
    """
    chosen = errors.head(count)
    if chosen.empty:
        raise ValueError("There must be a disagreement to draw. Received: none")
    root = Path(image_dir)
    pictures = [images.read_image(root / name) for name in chosen["image"]]
    boxes, labels = [], []
    for _, error in chosen.iterrows():
        own, names = [error[CORNERS].to_numpy(float)], [f"seen: {error['suggested']}"]
        if not pd.isna(error["row"]):
            marked = annotations.iloc[int(error["row"])]
            own.append(marked[CORNERS].to_numpy(float))
            names.append(f"marked: {error['class_name']}")
        boxes.append(np.stack(own))
        labels.append(names)
    colors = [{names[-1]: MARKED} | {names[0]: SEEN} for names in labels]
    titles = [f"{error.kind} {error.score:.2f}" for error in chosen.itertuples()]
    return plot_gallery(pictures, boxes, labels, titles, colors)
