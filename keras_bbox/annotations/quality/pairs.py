"""What is wrong between the boxes of an image: copies, contradictions, boxes round boxes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from keras_bbox.annotations.quality.survey import Finding, Survey, places
from keras_bbox.overlap import iou

NEAR = 0.9
CONTAINED = 0.9
HELD_BY_A_GROUP = 4
YES = ("1", "1.0", "true", "yes")


def check_pairs(survey: Survey) -> Iterator[Finding]:
    """Finds boxes drawn twice, one box with two classes, and boxes round several others."""
    first, second = box_pairs(survey)
    boxes, classes = survey.boxes, survey.class_names
    same_class = classes[first] == classes[second]
    overlap = iou(boxes[first], boxes[second])
    exact = (boxes[first] == boxes[second]).all(axis=1)
    masks = {
        "duplicate-box": same_class & exact,
        "near-duplicate-box": same_class & ~exact & (overlap > NEAR),
        "conflicting-classes": ~same_class & (overlap > NEAR),
    }
    for kind, mask in masks.items():
        yield from _of_later_rows(survey, kind, first[mask], second[mask], overlap[mask])
    yield from _groups(survey, first[same_class], second[same_class])


def box_pairs(survey: Survey) -> tuple[np.ndarray, np.ndarray]:
    """The rows of each pair of usable boxes in one image, the earlier row first."""
    rows = np.flatnonzero(survey.usable & (survey.image_of >= 0))
    rows = rows[np.argsort(survey.image_of[rows], kind="stable")]
    image = survey.image_of[rows]
    firsts, seconds = [rows[:0]], [rows[:0]]
    for step in range(1, len(rows)):
        same = np.flatnonzero(image[:-step] == image[step:])
        if not len(same):
            break
        firsts.append(rows[same])
        seconds.append(rows[same + step])
    return np.concatenate(firsts), np.concatenate(seconds)


def _of_later_rows(
    survey: Survey, kind: str, first: np.ndarray, second: np.ndarray, overlap: np.ndarray
) -> Iterator[Finding]:
    seen = set()
    for k in np.lexsort([first, second]):
        earlier, later = int(first[k]), int(second[k])
        if later in seen:
            continue
        seen.add(later)
        names = f"{survey.class_names[earlier]!r}"
        if kind == "conflicting-classes":
            names += f" here {survey.class_names[later]!r}"
        message = f"Row {earlier} has this box (IoU {overlap[k]:.2f}), {names}."
        yield survey.finding(kind, later, message, related=earlier)


def _groups(survey: Survey, first: np.ndarray, second: np.ndarray) -> Iterator[Finding]:
    flagged = _flags(survey)
    for row in places(flagged):
        yield survey.finding("group-box", row, "The row is marked as a group.", "marked")
    held = np.bincount(_holders(survey, first, second), minlength=len(survey.names))
    for row in places((held >= HELD_BY_A_GROUP) & ~flagged):
        message = f"The box holds {held[row]} other boxes of {survey.class_names[row]!r}."
        yield survey.finding("group-box", row, message, int(held[row]))


def _holders(survey: Survey, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """For each pair in which one box lies in the other, the row of the outer one."""
    a, b = survey.boxes[first], survey.boxes[second]
    inner = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    shared = np.clip(inner, 0, None).prod(axis=1)
    area_a, area_b = ((box[:, 2:] - box[:, :2]).prod(axis=1) for box in (a, b))
    b_in_a = (shared >= CONTAINED * area_b) & (area_a > area_b)
    a_in_b = (shared >= CONTAINED * area_a) & (area_b > area_a)
    return np.concatenate([first[b_in_a], second[a_in_b]])


def _flags(survey: Survey) -> np.ndarray:
    if "is_group_of" not in survey.table:
        return np.zeros(len(survey.names), bool)
    values = survey.table["is_group_of"].astype(object)
    return np.array([not pd.isna(v) and str(v).strip().lower() in YES for v in values], bool)


def check_negatives(survey: Survey) -> Iterator[Finding]:
    """Finds images that are said to hold no object, and have boxes; or are said so twice."""
    with_boxes = set(survey.names[~survey.negative])
    seen: dict[str, int] = {}
    for row in places(survey.negative & (survey.names != "")):
        name = survey.names[row]
        if name in with_boxes:
            yield survey.finding(
                "negative-with-boxes", row, "The row says: no object. Other rows have boxes."
            )
        elif name in seen:
            message = f"Row {seen[name]} says the same of this image."
            yield survey.finding("duplicate-box", row, message, related=seen[name])
        seen.setdefault(name, int(row))
