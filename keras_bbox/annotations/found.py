"""What a reader finds in a file, image by image, and the table made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from keras_bbox.annotations.problems import Problems, Unusable, show, to_number
from keras_bbox.annotations.table import COORDINATES, SNAP_TOLERANCE
from keras_bbox.images import image_sizes

Size = tuple[int, int]
Edges = tuple[float, float, float, float]

FLAGS = (
    "difficult", "truncated", "occluded", "is_group_of", "is_depiction", "is_inside",
)  # fmt: skip
NUMBERS = ("confidence", "area")
TAKEN = frozenset(
    ("filename", "image_id", "folder", *COORDINATES, "class_name", "width", "height", "split")
)
LONGEST_SIDE = 2**31


class FoundBox(NamedTuple):
    """One object: what messages call it, its class, its edges (x1, y1, x2, y2), further fields."""

    what: str
    class_name: object
    edges: Edges
    fields: Mapping[str, object]


class FoundImage(NamedTuple):
    """One image: the file that tells of it, its own file, its size if that is stated."""

    file: str
    filename: str
    size: Size | None
    boxes: Sequence[FoundBox]
    negative: bool = False
    split: str | None = None


def corners(
    values: Mapping[str, object], names: tuple[str, str, str, str], origin: int = 0
) -> Edges:
    """Edges from (left, top, right, bottom) by name; with origin 1 they name pixels, inclusive."""
    x1, y1, x2, y2 = (to_number(values.get(name), name) for name in names)
    x1, y1 = x1 - origin, y1 - origin
    for low, high, (a, b) in ((x1, x2, names[::2]), (y1, y2, names[1::2])):
        if low >= high:
            rule = f"{a} <= {b}" if origin else f"{a} < {b}"
            raise Unusable(
                f"{a}={show(values[a])}, {b}={show(values[b])}. Corners must be ordered, {rule}."
            )
    return x1, y1, x2, y2


def sides(values: Mapping[str, object], names: tuple[str, str, str, str]) -> Edges:
    """Edges from (left, top, width, height) by name."""
    x, y, width, height = (to_number(values.get(name), name) for name in names)
    for name, side in zip(names[2:], (width, height), strict=True):
        if side <= 0:
            raise Unusable(f"{name}={show(values[name])}. The sides of a box must be over 0.")
    return x, y, x + width, y + height


def hull(points: Sequence[tuple[float, float]]) -> Edges:
    """The upright box round points."""
    if len(points) < 2:
        raise Unusable(f"A shape needs points on two sides. Received: points={show(points)}")
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def stated_size(height: object, width: object) -> Size | None:
    """The size that a file states, or none if it states no such thing, as 0x0 does not."""
    try:
        size = to_number(height, "height"), to_number(width, "width")
    except Unusable:
        return None
    if not all(0 < side < LONGEST_SIDE and side == int(side) for side in size):
        return None
    return int(size[0]), int(size[1])


def further(fields: Mapping[str, object]) -> dict[str, object]:
    """Fields that ride along as columns, under names that the table does not need itself."""
    return {
        f"attribute_{name}" if name in TAKEN else name: value
        for name, value in fields.items()
        if isinstance(value, (str, int, float)) and value != ""
    }


def make_table(
    images: Iterable[FoundImage],
    problems: Problems,
    image_dir: str | PathLike[str],
    *,
    relative: bool = False,
    y_up: bool = False,
) -> pd.DataFrame:
    """Makes the table: sizes where they are missing, fractions, checks, negatives as empty rows."""
    images = list(images)
    sizes = [image.size for image in images] if relative else _sizes(images, Path(image_dir))
    rows: list[dict[str, object]] = []
    for image, size in zip(images, sizes, strict=True):
        if image.negative:
            rows.append(_row(image, size, None, [None] * 4, {}))
        elif not image.boxes:
            continue
        elif isinstance(size, Exception):
            problems.skip(
                image.file, f"image {show(image.filename)}", _no_size(size, len(image.boxes))
            )
        else:
            rows += _boxes(image, size, problems, relative, y_up)
    return problems.finish(_frame(rows))


def _sizes(images: Sequence[FoundImage], root: Path) -> list[Size | Exception | None]:
    unknown = [k for k, image in enumerate(images) if image.size is None]
    measured = image_sizes([root / images[k].filename for k in unknown])
    sizes: list[Size | Exception | None] = [image.size for image in images]
    for k, size in zip(unknown, measured, strict=True):
        sizes[k] = size
    return sizes


def _no_size(error: Exception, boxes: int) -> str:
    return (
        f"The size is not stated and the image file does not tell it, so {boxes} boxes in pixels "
        f"cannot be placed. Give the folder of the images as image_dir. Received: {error}"
    )


def _boxes(
    image: FoundImage, size: Size | None, problems: Problems, relative: bool, y_up: bool
) -> list[dict]:
    rows = []
    for box in image.boxes:
        with problems.of(image.file, box.what):
            if not isinstance(box.class_name, str) or not box.class_name.strip():
                raise Unusable(f"Every box needs a class. Received: {show(box.class_name)}")
            scale = (1, 1) if relative or size is None else size
            x1, y1, x2, y2 = box.edges
            edges = (x1, scale[0] - y2, x2, scale[0] - y1) if y_up else box.edges
            edges, change = _inside(edges, scale)
            if change:
                problems.change(image.file, box.what, change)
            x1, y1, x2, y2 = edges
            rows.append(_row(image, size, box.class_name, [x1, x2, y1, y2], box.fields))
    return rows


def _inside(edges: Edges, size: Size) -> tuple[Edges, str]:
    height, width = size
    box = tuple(edge / side for edge, side in zip(edges, (width, height) * 2, strict=True))
    x1, y1, x2, y2 = (min(max(edge, 0.0), 1.0) for edge in box)
    if x1 >= x2 or y1 >= y2:
        raise Unusable(
            f"The box {_listed(edges)} lies outside its image, or is empty in it. Received: "
            f"width={width}, height={height}"
        )
    overshoot = max(-min(box), max(box) - 1)
    if overshoot <= SNAP_TOLERANCE:
        return (x1, y1, x2, y2), ""
    change = (
        f"the box {_listed(edges)} left its image ({width} x {height}) and was cut at its edge."
    )
    return (x1, y1, x2, y2), change


def _listed(edges: Edges) -> str:
    return "[" + ", ".join(f"{edge:.6g}" for edge in edges) + "]"


def _row(image, size, class_name, coordinates, fields) -> dict[str, object]:
    row = {"filename": image.filename, **dict(zip(COORDINATES, coordinates, strict=True))}
    row["class_name"] = class_name
    if image.split is not None:
        row["split"] = image.split
    if isinstance(size, tuple):
        row["height"], row["width"] = size
    return {**row, **fields}


def _frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    first = ["filename", *COORDINATES, "class_name"]
    names = dict.fromkeys(name for row in rows for name in row)
    order = [*first, *(name for name in ("width", "height") if name in names)]
    order += [name for name in names if name not in order]
    return pd.DataFrame({name: _column(name, [row.get(name) for row in rows]) for name in order})


def _column(name: str, values: list) -> pd.Series:
    if name in COORDINATES:
        return pd.Series(values, dtype=np.float64)
    if name in ("width", "height"):
        return pd.Series(values, dtype="Int64" if None in values else np.int64)
    convert, dtype = {
        **dict.fromkeys(FLAGS, (to_flag, "Int64")),
        **dict.fromkeys(NUMBERS, (_to_float, "float64")),
    }.get(name, (None, None))
    if convert is not None:
        converted = [convert(value) for value in values]
        if all((new is None) == (old is None) for new, old in zip(converted, values, strict=True)):
            return pd.Series(converted, dtype=dtype)
    return pd.Series(values, dtype=None if values else object)


def _to_float(value: object) -> float | None:
    try:
        return to_number(value, "value")
    except Unusable:
        return None


def to_flag(value: object) -> int | None:
    """1 or 0 from the ways in which files say yes and no; nothing from anything else."""
    text = str(value).strip().lower()
    return {"1": 1, "true": 1, "yes": 1, "0": 0, "false": 0, "no": 0}.get(text)
