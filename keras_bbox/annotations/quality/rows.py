"""What is wrong with a row by itself: its name, its class, its four coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from keras_bbox.annotations.quality.survey import Finding, Survey, places
from keras_bbox.annotations.table import COORDINATES, SNAP_TOLERANCE

OVERSHOOT = 0.02
SMALLEST_PIXELS = 3
SMALLEST_SHARE = 0.004
WHOLE = 0.99
# A fraction of the image is at most 1, however badly a box is drawn; pixels are seldom below 2.
PIXELS_FROM = 2.0

LONGEST = 20.0
FEWEST_OF_A_CLASS = 20
DEVIATIONS = 6.0
NARROWEST = 0.15
OUTLYING = 3.0


def check_names(survey: Survey) -> Iterator[Finding]:
    """Finds rows that name no image."""
    for row in places(survey.names == ""):
        yield survey.finding("missing-image-name", row, "The row names no image.")


def check_classes(survey: Survey, class_names: Sequence[str] | None) -> Iterator[Finding]:
    """Finds boxes without a class, or with one that is not in the list."""
    unnamed = survey.class_names == ""
    for row in places(unnamed & ~survey.negative):
        yield survey.finding("missing-class", row, "The box has no class.")
    if class_names is None:
        return
    for row in places(~np.isin(survey.class_names, list(class_names)) & ~unnamed):
        name = survey.class_names[row]
        message = f"The class {name!r} is not among the class_names."
        yield survey.finding("unknown-class", row, message, name)


def check_numbers(survey: Survey) -> Iterator[Finding]:
    """Finds coordinates that are missing or no numbers."""
    bad = np.isnan(survey.boxes)[:, [0, 2, 1, 3]] & ~survey.missing
    some_missing = survey.missing.any(axis=1) & ~survey.negative
    for row in places(bad.any(axis=1)):
        yield survey.finding("bad-coordinate", row, _listed(survey, row, bad[row]))
    for row in places(some_missing):
        message = _listed(survey, row, survey.missing[row])
        yield survey.finding("missing-coordinate", row, message)


def check_corners(survey: Survey) -> Iterator[Finding]:
    """Finds boxes that are reversed, empty, or leave the image, by a little or by far."""
    boxes = survey.boxes
    low, high = boxes[:, :2], boxes[:, 2:]
    pixels = (boxes > PIXELS_FROM).any(axis=1)
    overshoot = np.maximum(-boxes, boxes - 1).max(axis=1)
    masks = {
        "pixel-coordinates": pixels,
        "outside-image": (overshoot > OVERSHOOT) & ~pixels,
        "overshoot": (overshoot > SNAP_TOLERANCE) & (overshoot <= OVERSHOOT),
        "reversed-box": (low > high).any(axis=1),
        # What validation snaps to the edge can have no area any more.
        "empty-box": (_snapped(low) == _snapped(high)).any(axis=1),
    }
    for kind, mask in masks.items():
        for row in places(mask):
            yield survey.finding(kind, row, _listed(survey, row))


def _snapped(values: np.ndarray) -> np.ndarray:
    near = np.clip(values, 0.0, 1.0)
    return np.where(np.abs(near - values) <= SNAP_TOLERANCE, near, values)


def check_extent(survey: Survey) -> Iterator[Finding]:
    """Finds boxes that are tiny, or cover the whole image."""
    sides = survey.boxes[:, 2:] - survey.boxes[:, :2]
    pixels = sides * survey.row_sizes[:, ::-1]
    sized = np.all(survey.row_sizes > 0, axis=1)
    inside = survey.usable & (survey.boxes <= PIXELS_FROM).all(axis=1)
    small = np.where(
        sized, (pixels < SMALLEST_PIXELS).any(axis=1), (sides < SMALLEST_SHARE).any(axis=1)
    )
    for row in places(inside & small):
        unit = "of the image"
        width, height = sides[row]
        if sized[row]:
            (width, height), unit = pixels[row], "pixels"
        message = f"The box is {width:.3g} x {height:.3g} {unit}."
        yield survey.finding("tiny-box", row, message)
    for row in places(inside & (sides.prod(axis=1) >= WHOLE)):
        share = sides[row].prod()
        yield survey.finding("whole-image-box", row, f"The box covers {share:.1%} of the image.")


def check_aspects(survey: Survey) -> Iterator[Finding]:
    """Finds boxes of a shape that is extreme, or far from that of their class.

    Far is six times the median deviation of the logarithm of width over height from the class's
    median, and three times as wide or high as the class usually is.
    """
    aspects = log_aspects(survey)
    known = np.flatnonzero(np.isfinite(aspects))
    for name in dict.fromkeys(survey.class_names[known]):
        rows = known[survey.class_names[known] == name]
        middle = np.median(aspects[rows])
        spread = 1.4826 * np.median(np.abs(aspects[rows] - middle))
        limit = max(DEVIATIONS * max(spread, NARROWEST), np.log(OUTLYING))
        far = np.abs(aspects[rows] - middle) > limit
        if len(rows) < FEWEST_OF_A_CLASS:
            far[:] = False
        extreme = np.abs(aspects[rows]) > np.log(LONGEST)
        for row in rows[far | extreme].tolist():
            message = (
                f"The box is {np.exp(aspects[row]):.3g} times as wide as high; half of all "
                f"{name!r} are above {np.exp(middle):.3g}."
            )
            yield survey.finding("aspect-outlier", row, message)


def log_aspects(survey: Survey) -> np.ndarray:
    """The logarithm of width over height in pixels, (rows,); not a number where unknown."""
    sides = survey.boxes[:, 2:] - survey.boxes[:, :2]
    sizes = np.where((survey.row_sizes > 0).all(axis=1, keepdims=True), survey.row_sizes, 1)
    usable = survey.usable & (survey.class_names != "")
    ratio = np.divide(
        sides[:, 0] * sizes[:, 1],
        sides[:, 1] * sizes[:, 0],
        out=np.full(len(sides), np.nan),
        where=usable,
    )
    return np.log(ratio)


def _listed(survey: Survey, row: int, chosen: np.ndarray | None = None) -> str:
    places = range(4) if chosen is None else np.flatnonzero(chosen)
    values = (f"{COORDINATES[k]}={_shown(survey.given[row, k])}" for k in places)
    return ", ".join(values) + "."


def _shown(value: object) -> str:
    if isinstance(value, (int, float)):
        return f"{value:.6g}"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
