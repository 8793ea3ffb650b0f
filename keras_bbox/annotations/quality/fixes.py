"""What can be done about each kind of finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from keras_bbox.annotations.quality.survey import Survey

Values = Mapping[str, np.ndarray]
Edit = Iterator[tuple[int, dict[str, Any]]]

SAFE_FIXES = ("reversed-box", "overshoot", "duplicate-box")

AXES = (("x_min", "x_max"), ("y_min", "y_max"))


def divide(survey: Survey, found: Any, values: Values) -> Edit:
    """Makes fractions of pixels, where the size of the image is known."""
    height, width = survey.row_sizes[found.row]
    if height and width:
        sides = {"x_min": width, "x_max": width, "y_min": height, "y_max": height}
        numbers = _numbers(values, found.row, tuple(sides))
        yield found.row, {name: numbers[name] / int(side) for name, side in sides.items()}


def swap(survey: Survey, found: Any, values: Values) -> Edit:
    """Puts the corners of a box in order."""
    for low, high in AXES:
        numbers = _numbers(values, found.row, (low, high))
        if numbers[low] > numbers[high]:
            yield found.row, {low: numbers[high], high: numbers[low]}


def clip(survey: Survey, found: Any, values: Values) -> Edit:
    """Cuts a box at the edges of the image; one that lies wholly outside is left as it is."""
    numbers = _numbers(values, found.row, (*AXES[0], *AXES[1]))
    inside = {name: min(max(number, 0.0), 1.0) for name, number in numbers.items()}
    if all(inside[low] != inside[high] for low, high in AXES):
        yield found.row, {n: inside[n] for n in inside if inside[n] != numbers[n]}


def rename(survey: Survey, found: Any, values: Values) -> Edit:
    """Gives the rows of the rarer of two names the other one."""
    for row in np.flatnonzero(survey.class_names == found.value):
        yield int(row), {"class_name": found.related}


def restate(survey: Survey, found: Any, values: Values) -> Edit:
    """Puts the size that the file has in the columns."""
    height, width = map(int, survey.row_sizes[found.row])
    for row in np.flatnonzero(survey.names == found.image):
        yield int(row), {"height": height, "width": width}


def _numbers(values: Values, row: int, names: tuple[str, ...]) -> dict[str, float]:
    return {name: float(values[name][row]) for name in names}


# In the order in which they are made: numbers must be fractions before corners can be ordered, and
# ordered before they can be clipped.
EDITS: Mapping[str, Callable[[Survey, Any, Values], Edit]] = {
    "pixel-coordinates": divide,
    "reversed-box": swap,
    "outside-image": clip,
    "overshoot": clip,
    "lookalike-class": rename,
    "size-mismatch": restate,
    "swapped-size": restate,
}
ROWS_DROPPED = (
    "missing-image-name",
    "bad-coordinate",
    "missing-coordinate",
    "missing-class",
    "unknown-class",
    "empty-box",
    "negative-with-boxes",
    "duplicate-box",
    "near-duplicate-box",
    "conflicting-classes",
    "tiny-box",
    "whole-image-box",
    "aspect-outlier",
    "group-box",
)
IMAGES_DROPPED = (
    "path-outside",
    "missing-image",
    "unreadable-image",
    "truncated-image",
    "leaked-image",
    "near-leaked-image",
    "duplicate-image",
    "near-duplicate-image",
)
FIXES = (*EDITS, *ROWS_DROPPED, *IMAGES_DROPPED)
