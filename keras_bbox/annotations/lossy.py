"""What a format cannot hold of a table, said before it is dropped."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd

from keras_bbox.annotations.problems import show
from keras_bbox.annotations.table import COLUMNS, is_negative

ANSWERS = ("raise", "warn", "allow")
ROUNDING_TOLERANCE = 0.01  # of a pixel
SIZES = frozenset(("width", "height"))


class Target(NamedTuple):
    """What a format has a place for, beyond file names, boxes and classes."""

    title: str
    columns: frozenset[str] = frozenset()
    further: bool = False
    negatives: bool = True
    decimals: int | None = None


TARGETS = {
    "coco": Target("COCO", SIZES, further=True),
    "csv": Target("CSV", SIZES, further=True),
    "cvat": Target("CVAT for images", SIZES, further=True, decimals=2),
    "labelbox": Target("Labelbox v2", SIZES),
    "labelbox_csv": Target("Labelbox v1 CSV"),
    "labelbox_v1": Target("Labelbox v1"),
    "open_images": Target(
        "Open Images",
        frozenset(
            [
                "source",
                "confidence",
                "occluded",
                "truncated",
                "is_group_of",
                "is_depiction",
                "is_inside",
            ]
        ),
        negatives=False,
    ),
    "simple_image_annotator": Target("Simple Image Annotator", negatives=False, decimals=0),
    "sloth": Target("Sloth", further=True),
    "voc": Target(
        "Pascal VOC",
        SIZES | {"truncated", "occluded", "difficult", "pose"},
        decimals=0,
    ),
    "yolo": Target("YOLO", frozenset(("confidence", "split"))),
}


def lossy(annotations: pd.DataFrame, format: str, *, decimals: int | None = None) -> list[str]:
    """Tells what of a table would be lost in a format.

    Args:
        annotations: A table of boxes.
        format: ``"voc"``, ``"labelbox"`` (v2), ``"labelbox_v1"``, ``"labelbox_csv"``,
            ``"simple_image_annotator"``, ``"sloth"``, ``"cvat"``, ``"coco"``, ``"yolo"``,
            ``"open_images"`` or ``"csv"``.
        decimals: How many decimals of a pixel the writer is told to keep; ``None`` for what it
            keeps by default.

    Returns:
        One sentence for each loss; an empty list if there is none. Rounding counts from a
        hundredth of a pixel.

    Raises:
        ValueError: If there is no such format.

    Example:
        >>> import keras_bbox as kb, pandas as pd
        >>> table = pd.DataFrame([dict(filename="a.jpg", x_min=0.0, x_max=0.5, y_min=0.25,
        ...     y_max=1.0, class_name="cake", confidence=0.9)])
        >>> kb.annotations.lossy(table, "sloth")
        []
        >>> kb.annotations.lossy(table, "labelbox")
        ["Labelbox v2 has no place for the column 'confidence'."]
    """
    target = find_target(format)
    losses = _lost_columns(annotations, target) + _lost_rows(annotations, target, format)
    decimals = target.decimals if decimals is None else decimals
    return losses + ([] if decimals is None else _rounded(annotations, decimals))


def find_target(format: str) -> Target:
    """Looks a format up by its name."""
    if format not in TARGETS:
        raise ValueError(f"A format is one of {sorted(TARGETS)}. Received: format={show(format)}")
    return TARGETS[format]


def _lost_columns(annotations: pd.DataFrame, target: Target) -> list[str]:
    if target.further:
        return []
    held = {*COLUMNS, "filename", *target.columns}
    return [
        f"{target.title} has no place for the column '{name}'."
        for name in annotations
        if name not in held and annotations[name].notna().any()
    ]


def _lost_rows(annotations: pd.DataFrame, target: Target, format: str) -> list[str]:
    negative = is_negative(annotations)
    losses = []
    if negative.any() and not target.negatives:
        losses.append(
            f"{target.title} has no place for images without objects: {negative.sum()} negatives."
        )
    if format == "csv":
        return losses
    names = annotations["filename" if "filename" in annotations else "image_id"]
    if "folder" in annotations and "filename" not in annotations:
        names = annotations["folder"].fillna("") + "/" + names
    surplus = int((negative & names.isin(names[~negative]).to_numpy()).sum())
    surplus += int(names[negative & ~names.isin(names[~negative]).to_numpy()].duplicated().sum())
    if surplus:
        losses.append(
            f"An image is written once: {surplus} negatives stand beside other rows of it."
        )
    endings = names[~negative].astype(str).str.lower()
    others = 0 if "filename" not in annotations else int((~endings.str.endswith(".jpg")).sum())
    if format == "open_images" and others:
        losses.append(f"Open Images names no file endings: {others} boxes are not in .jpg files.")
    return losses


def _rounded(annotations: pd.DataFrame, decimals: int) -> list[str]:
    if 0.5 * 10.0**-decimals <= ROUNDING_TOLERANCE:
        return []
    unit = "whole pixels" if decimals == 0 else f"{10.0**-decimals:g} pixels"
    if not set(annotations) >= SIZES:
        return [f"Edges are rounded to {unit}."]
    boxes = annotations[~is_negative(annotations)]
    sizes = {"x": boxes["width"].to_numpy(float), "y": boxes["height"].to_numpy(float)}
    off = np.zeros(len(boxes))
    for name in ("x_min", "x_max", "y_min", "y_max"):
        edges = boxes[name].to_numpy(float) * sizes[name[0]]
        off = np.fmax(off, np.abs(edges - np.round(edges, decimals)))
    count = int((off > ROUNDING_TOLERANCE).sum())
    if not count:
        return []
    return [
        f"Edges are rounded to {unit}: {count} of {len(boxes)} boxes move by up to {off.max():.2g} "
        "pixels."
    ]


def tell(annotations: pd.DataFrame, format: str, answer: str, decimals: int | None = None) -> None:
    """Warns, raises or says nothing about what is lost, as asked."""
    if answer not in ANSWERS:
        raise ValueError(f"lossy must be one of {ANSWERS}. Received: lossy={show(answer)}")
    losses = [] if answer == "allow" else lossy(annotations, format, decimals=decimals)
    if not losses:
        return
    message = f"{find_target(format).title} cannot hold all of the table:\n  " + "\n  ".join(losses)
    if answer == "raise":
        raise ValueError(f'{message}\nPass lossy="allow" to write the rest.')
    warnings.warn(message, stacklevel=4)
