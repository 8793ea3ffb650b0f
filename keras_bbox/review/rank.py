"""Where annotations and predictions disagree, the strongest disagreement first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from keras_bbox.annotations import image_paths, is_negative
from keras_bbox.overlap import iou

CORNERS = ["x_min", "y_min", "x_max", "y_max"]
SAME_PLACE = 0.5
OTHER_PLACE = 0.1
COLUMNS = (
    "score", "kind", "row", "image", "class_name", "suggested", "iou", *CORNERS, "message",
)  # fmt: skip


class _Disagreement(NamedTuple):
    score: float
    kind: str
    row: int | None
    image: str
    class_name: str | None
    suggested: str | None
    iou: float
    corners: tuple[float, ...]
    message: str


def rank_label_errors(
    annotations: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    min_score: float = 0.5,
    good_iou: float = 0.7,
    several: bool = True,
) -> pd.DataFrame:
    """Ranks rows, and boxes that have none, by how strongly predictions disagree with them.

    Kinds of disagreement, each with a score from 0 to 1:

    - ``"class"``: the prediction is in the place of the row (IoU of 0.5 or more) and has another
      class. The score is its confidence.
    - ``"box"``: the best prediction of the row's class overlaps it by less than ``good_iou``. The
      score is its confidence times 1 - IoU.
    - ``"missing"``: a prediction that overlaps no row by 0.1 or more: an object that nobody has
      marked. The score is its confidence.
    - ``"extra"``: a row that no prediction overlaps by 0.1 or more. The score is ``min_score``, as
      silence says less than a word.

    A row has at most one disagreement. Images without any prediction in ``predictions`` are not
    judged, other than by ``"extra"``.

    Args:
        annotations: A valid table of boxes.
        predictions: A table with the same columns and ``score`` (or ``confidence``), from 0 to 1.
        min_score: Predictions below are left out.
        good_iou: From which IoU on a box counts as well placed.
        several: Whether a prediction was made for every object of an image. ``False`` for models
            that see one object an image: then ``"missing"`` and ``"extra"`` are left out, and of
            an image's rows only that is judged which the prediction overlaps most.

    Returns:
        A DataFrame, a row for each disagreement, the strongest first: ``score``, ``kind``, ``row``
        (position in ``annotations``, missing for ``"missing"``), ``image``, ``class_name`` (of the
        row), ``suggested`` (class of the prediction), ``iou``, the corners of the prediction and a
        ``message``.

    Raises:
        ValueError: If the predictions have neither scores nor confidences.

    Example:
        >>> import keras_bbox as kb, pandas as pd
        >>> box = dict(filename="a.jpg", x_min=0.1, x_max=0.5, y_min=0.1, y_max=0.5)
        >>> table = pd.DataFrame([box | {"class_name": "cake"}])
        >>> predicted = pd.DataFrame([box | {"class_name": "pie", "score": 0.9}])
        >>> errors = kb.review.rank_label_errors(table, predicted)
        >>> errors.loc[0, ["kind", "class_name", "suggested", "message"]].tolist()
        ['class', 'cake', 'pie', "Marked 'cake', seen as 'pie' (0.90)."]
    """
    predicted = predictions[_scores(predictions) >= min_score]
    scores = _scores(predicted)
    of_image = defaultdict(list)
    for place, path in enumerate(image_paths(predicted, "")):
        of_image[path.as_posix()].append(place)
    rows_of: dict[str, list[int]] = defaultdict(list)
    negative = is_negative(annotations)
    for row, path in enumerate(image_paths(annotations, "")):
        rows_of[path.as_posix()] += [] if negative[row] else [row]
    found: list[_Disagreement] = []
    for image, rows in rows_of.items():
        places = of_image.get(image, [])
        pair = _Image(
            image, rows, annotations.iloc[rows], predicted.iloc[places], scores[places], min_score
        )
        found += _judge(pair, good_iou, several)
    found.sort(key=lambda error: (-error.score, error.image, error.row is None, error.row or 0))
    lines = [(*error[:-2], *error.corners, error.message) for error in found]
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype({"row": "Int64"})


class _Image(NamedTuple):
    name: str
    rows: Sequence[int]
    labels: pd.DataFrame
    predicted: pd.DataFrame
    scores: np.ndarray
    min_score: float


def _scores(predictions: pd.DataFrame) -> np.ndarray:
    for column in ("score", "confidence"):
        if column in predictions:
            return predictions[column].to_numpy(float)
    raise ValueError(
        "Predictions need a column score or confidence, from 0 to 1. "
        f"Received: columns={list(predictions.columns)}"
    )


def _judge(image: _Image, good_iou: float, several: bool) -> Iterator[_Disagreement]:
    boxes, guesses = (part[CORNERS].to_numpy(float) for part in (image.labels, image.predicted))
    overlap = np.asarray(iou(boxes[:, None], guesses[None])).reshape(len(boxes), len(guesses))
    judged = range(len(boxes))
    if not several and len(guesses):
        judged = range(*slice(int(overlap[:, 0].argmax()), None).indices(len(boxes)))[:1]
    for k in judged:
        yield from _judge_row(image, k, overlap[k], good_iou, several)
    if several:
        unseen = overlap.max(axis=0, initial=0) < OTHER_PLACE
        yield from (_missing(image, g) for g in np.flatnonzero(unseen).tolist())


def _judge_row(
    image: _Image, k: int, overlap: np.ndarray, good_iou: float, several: bool
) -> Iterator[_Disagreement]:
    name = image.labels["class_name"].iloc[k]
    same = (image.predicted["class_name"] == name).to_numpy(bool)
    own = np.where(same, overlap, -1.0)
    other = np.where(~same & (overlap >= SAME_PLACE), image.scores, -1.0)
    if own.max(initial=-1) >= good_iou:
        return
    best = int(own.argmax()) if len(own) else 0
    if other.max(initial=-1) >= 0 and own.max(initial=-1) < SAME_PLACE:
        yield _of_row(image, k, int(other.argmax()), overlap, "class")
    elif own.max(initial=-1) >= (OTHER_PLACE if several else 0):
        yield _of_row(image, k, best, overlap, "box")
    elif not several and len(overlap):
        yield _of_row(image, k, int(image.scores.argmax()), overlap, "class")
    elif several and overlap.max(initial=0) < OTHER_PLACE:
        message = f"Nothing is seen where {name!r} is marked."
        row = image.rows[k]
        nowhere = (float("nan"),) * 4
        yield _Disagreement(
            image.min_score, "extra", row, image.name, name, None, 0.0, nowhere, message
        )


def _of_row(image: _Image, k: int, guess: int, overlap: np.ndarray, kind: str) -> _Disagreement:
    name = image.labels["class_name"].iloc[k]
    suggested, confidence = image.predicted["class_name"].iloc[guess], float(image.scores[guess])
    shared = float(overlap[guess])
    score = confidence if kind == "class" else confidence * (1 - shared)
    message = (
        f"Marked {name!r}, seen as {suggested!r} ({confidence:.2f})."
        if kind == "class"
        else f"The box of {name!r} is seen elsewhere: IoU {shared:.2f} ({confidence:.2f})."
    )
    corners = tuple(image.predicted[CORNERS].iloc[guess])
    row = image.rows[k]
    return _Disagreement(score, kind, row, image.name, name, suggested, shared, corners, message)


def _missing(image: _Image, guess: int) -> _Disagreement:
    suggested, confidence = image.predicted["class_name"].iloc[guess], float(image.scores[guess])
    message = f"{suggested!r} is seen ({confidence:.2f}) and not marked."
    corners = tuple(image.predicted[CORNERS].iloc[guess])
    return _Disagreement(
        confidence, "missing", None, image.name, None, suggested, 0.0, corners, message
    )
