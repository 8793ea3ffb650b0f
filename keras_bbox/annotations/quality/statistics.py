"""Plain numbers about tables of boxes: how many, how large, where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bbox.annotations.quality.classes import count_classes
from keras_bbox.annotations.quality.survey import Survey

HEAT_CELLS = 16
SIZE_BINS = 20
MOST_BOXES = 20


def measure_statistics(surveys: Sequence[Survey]) -> dict[str, Any]:
    """Measures all tables together; everything in it can be stored as JSON.

    ``box_sizes`` are the square roots of the boxes' share of their image, in 20 bins from 0 to 1;
    ``centers`` counts box centers in 16 rows of 16 cells, from the top left of the image;
    ``boxes_per_image`` counts images with 0, 1, ... boxes, the last 20 or more.
    """
    boxes = np.concatenate([survey.boxes[_drawn(survey)] for survey in surveys])
    return {
        "splits": {survey.split: _counts(survey) for survey in surveys},
        "classes": {survey.split: dict(count_classes(survey).most_common()) for survey in surveys},
        "boxes_per_image": _boxes_per_image(surveys),
        "box_sizes": _box_sizes(boxes),
        "centers": _centers(boxes),
    }


def _drawn(survey: Survey) -> np.ndarray:
    return survey.usable & (survey.boxes >= -1).all(axis=1) & (survey.boxes <= 2).all(axis=1)


def _counts(survey: Survey) -> dict[str, int]:
    return {
        "images": len(survey.images),
        "rows": len(survey.names),
        "boxes": int((~survey.negative).sum()),
        "negatives": int(survey.negative.sum()),
        "classes": len(count_classes(survey)),
    }


def _boxes_per_image(surveys: Sequence[Survey]) -> list[int]:
    counts = [
        np.bincount(survey.image_of[(survey.image_of >= 0) & ~survey.negative],
                    minlength=len(survey.images))
        for survey in surveys
    ]  # fmt: skip
    capped = np.minimum(np.concatenate(counts), MOST_BOXES)
    return np.bincount(capped).tolist()


def _box_sizes(boxes: np.ndarray) -> list[int]:
    area = np.clip(boxes, 0, 1)
    shares = np.sqrt((area[:, 2:] - area[:, :2]).prod(axis=1))
    return np.histogram(shares, bins=SIZE_BINS, range=(0, 1))[0].tolist()


def _centers(boxes: np.ndarray) -> list[list[int]]:
    x, y = ((boxes[:, :2] + boxes[:, 2:]) / 2).T
    edges = np.linspace(0, 1, HEAT_CELLS + 1)
    return np.histogram2d(y, x, bins=[edges, edges])[0].astype(int).tolist()
