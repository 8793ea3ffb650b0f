"""What a writer is given: a table, image by image, in pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd

from keras_bbox.annotations.found import Edges, Size
from keras_bbox.annotations.lossy import tell
from keras_bbox.annotations.problems import Unusable
from keras_bbox.annotations.table import (
    COORDINATES,
    find_class_names,
    image_names,
    is_negative,
    validate_annotations,
)
from keras_bbox.images import image_sizes

NEEDED = frozenset(
    (*COORDINATES, "class_name", "filename", "image_id", "folder", "width", "height")
)


class GivenImage(NamedTuple):
    """An image and its boxes; each box is a row without its missing values."""

    filename: str
    size: Size
    boxes: Sequence[dict]
    split: str | None


def given_images(
    annotations: pd.DataFrame,
    format: str,
    lossy: str,
    image_dir: str | PathLike[str] | None = None,
    *,
    decimals: int | None = None,
    relative: bool = False,
) -> list[GivenImage]:
    """Checks a table, tells what the format will lose, and groups the rows by image."""
    table = validate_annotations(annotations)
    tell(table, format, lossy, decimals)
    names, negative = image_names(table), is_negative(table)
    rows: dict[str, list[dict]] = {}
    for name, record, is_empty in zip(names, table.to_dict("records"), negative, strict=True):
        boxes = rows.setdefault(name, [])
        if not is_empty:
            boxes.append({str(k): v for k, v in record.items() if not pd.isna(v)})
    splits = dict(zip(names, table["split"], strict=True)) if "split" in table else {}
    sizes = {} if relative else _sizes(table, names, image_dir)
    return [
        GivenImage(name, sizes.get(name, (1, 1)), boxes, splits.get(name))
        for name, boxes in rows.items()
    ]


def _sizes(
    table: pd.DataFrame, names: Sequence[str], image_dir: str | PathLike[str] | None
) -> dict[str, Size]:
    sizes: dict[str, Size] = {}
    if "width" in table and "height" in table:
        for name, height, width in zip(names, table["height"], table["width"], strict=True):
            if not (pd.isna(height) or pd.isna(width)):
                sizes[name] = (int(height), int(width))
    unknown = [name for name in dict.fromkeys(names) if name not in sizes]
    if unknown and image_dir is None:
        raise ValueError(
            "Boxes are written in pixels, so the sizes of the images are needed. Give them as "
            f"columns width and height, or the folder of the images as image_dir. Received: no "
            f"size for {len(unknown)} images, such as {unknown[0]!r}"
        )
    for name, size in zip(
        unknown, image_sizes([Path(image_dir or ".") / name for name in unknown]), strict=True
    ):
        if isinstance(size, Exception):
            raise size
        sizes[name] = size
    return sizes


def pixel_edges(box: dict, size: Size, decimals: int) -> Edges:
    """Edges (x1, y1, x2, y2) in pixels, rounded; whole ones are integers.

    A box that would vanish keeps a whole pixel, or its decimals.
    """
    height, width = size
    x1, x2 = _rounded(box["x_min"] * width, box["x_max"] * width, decimals, width)
    y1, y2 = _rounded(box["y_min"] * height, box["y_max"] * height, decimals, height)
    return x1, y1, x2, y2


def _rounded(low: float, high: float, decimals: int, limit: int) -> tuple[float, float]:
    start, end = round(low, decimals), round(high, decimals)
    if start >= end and decimals:
        start, end = low, high
    elif start >= end:
        start = min(math.floor(low), limit - 1)
        end = start + 1
    return whole(start), whole(end)


def whole(number: float) -> float:
    """An integer if the number is one, so that files say 12 and not 12.0."""
    return int(number) if float(number).is_integer() else float(number)


def further_fields(box: dict) -> dict[str, object]:
    """The columns of a box that no format has a place of its own for."""
    return {name: value for name, value in box.items() if name not in NEEDED}


def one_file_each(images: Sequence[GivenImage], ending: str) -> dict[str, GivenImage]:
    """Names a file for each image: its own name with another ending."""
    files: dict[str, GivenImage] = {}
    for image in images:
        name = PurePosixPath(image.filename).with_suffix(ending).as_posix()
        if name in files:
            raise Unusable(
                "Images that differ only in their ending would share a file. Rename one of them. "
                f"Received: {files[name].filename!r} and {image.filename!r}"
            )
        files[name] = image
    return files


def class_ids(
    annotations: pd.DataFrame, class_names: Sequence[str] | None, first: int
) -> dict[str, int]:
    """Numbers the classes: those given, in their order, or those of the table, sorted."""
    found = find_class_names(annotations)
    names = found if class_names is None else tuple(class_names)
    unknown = sorted(set(found) - set(names))
    if unknown or len(set(names)) < len(names):
        raise ValueError(
            "class_names must name each class of the table once. Received: "
            f"class_names={list(names)}, not among them: {unknown}"
        )
    return {name: number for number, name in enumerate(names, first)}
