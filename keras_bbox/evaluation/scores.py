"""Shares, curves and tables of counts: pure functions on arrays of one value for each box."""

from __future__ import annotations

import numpy as np
import pandas as pd

# Shares of the image's area that part small, medium and large boxes: sides of about a sixth and
# a half of the image's.
SIZES = {"small": (0.0, 0.03), "medium": (0.03, 0.25), "large": (0.25, np.inf)}


def success_curve(ious: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The share of boxes with an IoU over each threshold.

    Args:
        ious: Shape ``(N,)``.
        thresholds: Shape ``(T,)``.

    Returns:
        Shape ``(T,)``; its mean over evenly spaced thresholds from 0 to 1 nears the mean IoU.

    Example:
        >>> import numpy as np
        >>> from keras_bbox.evaluation.scores import success_curve
        >>> success_curve(np.array([0.2, 0.6, 0.9]), np.array([0.0, 0.5, 0.9]))
        array([1.        , 0.66666667, 0.        ])
    """
    if not len(ious):
        return np.full(len(thresholds), np.nan)
    return (ious[:, None] > thresholds).mean(axis=0)


def calibration(scores: np.ndarray, outcomes: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """What became of predictions of each confidence.

    Args:
        scores: Confidence in [0, 1], shape ``(N,)``.
        outcomes: What the score is to foretell, shape ``(N,)``: 0 or 1, or an IoU.
        bins: How many equal parts of [0, 1].

    Returns:
        One row a bin that holds something: ``low``, ``high``, ``count``, ``score`` (the mean) and
        ``outcome`` (the mean).

    Example:
        >>> import numpy as np
        >>> from keras_bbox.evaluation.scores import calibration
        >>> calibration(np.array([0.95, 0.85, 0.92]), np.array([1, 0, 1]))[["count", "outcome"]]
           count  outcome
        0      1      0.0
        1      2      1.0
    """
    places = np.clip((scores * bins).astype(int), 0, bins - 1)
    rows = []
    for place in np.unique(places):
        here = places == place
        rows.append(
            {
                "low": place / bins,
                "high": (place + 1) / bins,
                "count": int(here.sum()),
                "score": float(scores[here].mean()),
                "outcome": float(outcomes[here].mean()),
            }
        )
    return pd.DataFrame(rows, columns=["low", "high", "count", "score", "outcome"])


def calibration_error(table: pd.DataFrame) -> float:
    """The expected calibration error (Guo et al. 2017): the mean distance, weighted by count.

    Args:
        table: From ``calibration``.

    Returns:
        From 0 to 1; NaN without predictions.

    Example:
        >>> import numpy as np
        >>> from keras_bbox.evaluation.scores import calibration, calibration_error
        >>> calibration_error(calibration(np.array([0.75, 0.75]), np.array([1, 0])))
        0.25
    """
    if table.empty:
        return float("nan")
    return float(np.average((table["score"] - table["outcome"]).abs(), weights=table["count"]))


def confusion(labels: np.ndarray, predicted: np.ndarray, class_count: int) -> np.ndarray:
    """Counts how often a class was taken for which.

    Args:
        labels: True class ids, shape ``(N,)``.
        predicted: Predicted class ids, shape ``(N,)``.
        class_count: How many classes there are.

    Returns:
        Counts, shape ``(class_count, class_count)``: a row for each true class.

    Example:
        >>> import numpy as np
        >>> from keras_bbox.evaluation.scores import confusion
        >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
        array([[1, 0],
               [1, 1]])
    """
    counts = np.zeros((class_count, class_count), int)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def size_of(boxes: np.ndarray) -> np.ndarray:
    """Names each box small, medium or large by its share of the image.

    Args:
        boxes: ``rel_xyxy``, shape ``(N, 4)``.

    Returns:
        Strings, shape ``(N,)``: small is below 3% of the image, large 25% and more.

    Example:
        >>> import numpy as np
        >>> from keras_bbox.evaluation.scores import size_of
        >>> size_of(np.array([[0, 0, 0.1, 0.1], [0, 0, 1, 1]])).tolist()
        ['small', 'large']
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    shares = sides[:, 0] * sides[:, 1]
    names = np.full(len(boxes), "small", dtype="<U6")
    for name, (low, high) in SIZES.items():
        names[(shares >= low) & (shares < high)] = name
    return names
