"""Every kind of finding: how bad it is, what it means, what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

SEVERITIES = ("error", "warning", "info")


class Kind(NamedTuple):
    """A kind of finding; its name is its key in ``KINDS``."""

    severity: str
    title: str
    suggestion: str


# An error makes the table unusable, or a measurement with it wrong; a warning is most often a
# mistake; an info is worth a look. Within a severity the order is that of the report.
KINDS: Mapping[str, Kind] = {
    "missing-image-name": Kind(
        "error", "Rows that name no image", "Fill in the image's name, or drop the row."
    ),
    "path-outside": Kind(
        "error",
        "Paths that lead out of the folder",
        "Name the image by its path below image_dir. The file was not opened.",
    ),
    "missing-image": Kind(
        "error", "Images that are not there", "Restore the file, or drop its rows."
    ),
    "unreadable-image": Kind(
        "error", "Files that are no images", "Replace the file, or drop its rows."
    ),
    "truncated-image": Kind(
        "error", "Image files that are cut off", "Copy the file again, or drop its rows."
    ),
    "bad-coordinate": Kind(
        "error", "Coordinates that are no finite numbers", "Correct the value, or drop the row."
    ),
    "missing-coordinate": Kind(
        "error",
        "Boxes with some coordinates missing",
        "Fill them in; for an image without objects leave all four and the class empty.",
    ),
    "missing-class": Kind("error", "Boxes without a class", "Name the class, or drop the row."),
    "unknown-class": Kind(
        "error", "Classes that are not in the list", "Rename the class, or add it to class_names."
    ),
    "pixel-coordinates": Kind(
        "error",
        "Coordinates that look like pixels",
        "Divide x by the image's width and y by its height.",
    ),
    "outside-image": Kind(
        "error", "Boxes that leave the image", "Draw the box anew, or clip what lies outside."
    ),
    "overshoot": Kind(
        "error", "Boxes that leave the image by a little", "Clip the box at the image's edge."
    ),
    "reversed-box": Kind("error", "Boxes with reversed corners", "Swap the two corners."),
    "empty-box": Kind("error", "Boxes without area", "Draw the box anew, or drop the row."),
    "negative-with-boxes": Kind(
        "error",
        "Images said to be empty that have boxes",
        "Drop the empty row, or the boxes.",
    ),
    "leaked-image": Kind(
        "error", "The same image in two splits", "Keep it in one split only: scores look too good."
    ),
    "swapped-size": Kind(
        "error",
        "Height and width exchanged",
        "Boxes were most likely drawn before the EXIF rotation: turn them, or draw them anew.",
    ),
    "size-mismatch": Kind(
        "warning",
        "Stated sizes that the file does not have",
        "Make sure that the boxes belong to this version of the image.",
    ),
    "unannotated-image": Kind(
        "warning",
        "Images without annotation",
        "Draw boxes, add a row without a box if there is no object, or move the file away.",
    ),
    "duplicate-box": Kind("warning", "The same row twice", "Drop the later row."),
    "near-duplicate-box": Kind(
        "warning", "One object with two boxes of a class", "Keep the better of the two boxes."
    ),
    "conflicting-classes": Kind(
        "warning", "One box with two classes", "Decide for a class, and drop the other row."
    ),
    "duplicate-image": Kind(
        "warning", "The same image twice in a split", "Keep one of the files, and its rows."
    ),
    "near-leaked-image": Kind(
        "warning", "Nearly the same image in two splits", "Keep both in the same split."
    ),
    "tiny-box": Kind(
        "warning", "Boxes too small to show anything", "Draw the box anew, or drop the row."
    ),
    "lookalike-class": Kind(
        "warning", "Class names that look alike", "If they mean the same, give them one name."
    ),
    "rare-class": Kind(
        "warning",
        "Classes with very few boxes",
        "Collect more examples, weight the class, or leave it out.",
    ),
    "class-not-in-split": Kind(
        "warning",
        "Classes that a split does not have",
        "Split anew, stratified, so that each class can be learned and measured.",
    ),
    "near-duplicate-image": Kind(
        "info", "Nearly the same image twice in a split", "See that their boxes agree."
    ),
    "whole-image-box": Kind(
        "info", "Boxes that cover the whole image", "See that it is a box and no default value."
    ),
    "aspect-outlier": Kind(
        "info", "Boxes of an unusual shape", "See that the box fits its object."
    ),
    "group-box": Kind(
        "info",
        "Boxes round several objects",
        "Mark it with is_group_of, or replace it by a box for each object.",
    ),
}
