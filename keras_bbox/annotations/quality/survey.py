"""A raw table, taken apart: numbers where there are numbers, and nothing refused."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from keras_bbox.annotations.table import COORDINATES, _check_columns

Tables = pd.DataFrame | Mapping[str, pd.DataFrame]
Folders = str | PathLike[str] | Mapping[str, str | PathLike[str]] | None

ONLY = ""


class Finding(NamedTuple):
    """One finding; ``row`` is a position in the table of its split."""

    kind: str
    split: str
    row: int | None
    image: str | None
    message: str
    value: Any = None
    related: Any = None


@dataclass(frozen=True)
class Survey:
    """One table of boxes as the checks see it."""

    split: str
    table: pd.DataFrame
    image_dir: Path | None
    names: np.ndarray  # of each row's image, below image_dir; "" where there is none
    given: np.ndarray  # the values of the coordinates as they stand in the table, (rows, 4)
    boxes: np.ndarray  # rel_xyxy, float64; not a number where a value is none
    missing: np.ndarray  # of the four coordinates, bool, (rows, 4)
    class_names: np.ndarray  # "" where there is none
    images: np.ndarray  # the names, sorted, each once
    image_of: np.ndarray  # place of each row's image in `images`, -1 where there is none
    sizes: np.ndarray  # (images, 2), height and width; 0 where unknown

    @cached_property
    def negative(self) -> np.ndarray:
        """Which rows say that their image holds no object."""
        return self.missing.all(axis=1) & (self.class_names == "")

    @cached_property
    def usable(self) -> np.ndarray:
        """Which rows have a box with an area."""
        x1, y1, x2, y2 = self.boxes.T
        return (x1 < x2) & (y1 < y2) & np.isfinite(self.boxes).all(axis=1)

    @cached_property
    def first_rows(self) -> dict[str, int]:
        """The first row of each image, by its name."""
        return {name: row for row, name in reversed(list(enumerate(self.names)))}

    @cached_property
    def row_sizes(self) -> np.ndarray:
        """Height and width of each row's image, (rows, 2); 0 where unknown."""
        known = np.vstack([self.sizes, np.zeros((1, 2), self.sizes.dtype)])
        return known[self.image_of]

    def finding(
        self, kind: str, row: int, message: str, value: Any = None, related: Any = None
    ) -> Finding:
        """Makes a finding of a row."""
        name = self.names[row] or None
        return Finding(kind, self.split, int(row), name, message, value, related)

    def image_finding(
        self, kind: str, image: str, message: str, value: Any = None, related: Any = None
    ) -> Finding:
        """Makes a finding of an image and the first of its rows, if it has one."""
        row = self.first_rows.get(image)
        return Finding(kind, self.split, row, image, message, value, related)


def make_surveys(annotations: Tables, image_dir: Folders) -> list[Survey]:
    """Takes one table, or one for each split, apart."""
    tables = annotations if isinstance(annotations, Mapping) else {ONLY: annotations}
    if not tables:
        raise ValueError("There must be a table to check. Received: annotations={}")
    folders = _folders(tuple(tables), image_dir)
    return [make_survey(table, folders[split], str(split)) for split, table in tables.items()]


def _folders(splits: tuple[str, ...], image_dir: Folders) -> dict[str, Path | None]:
    if image_dir is None:
        return dict.fromkeys(splits)
    if isinstance(image_dir, Mapping):
        missing = [split for split in splits if split not in image_dir]
        if missing:
            raise ValueError(
                "image_dir must name a folder for each split. Add the missing ones: "
                f"{missing}. Received: image_dir={dict(image_dir)}"
            )
        return {split: _folder(image_dir[split]) for split in splits}
    root = _folder(image_dir)
    own = {split: root / split for split in splits}
    # Either a folder for each split lies in it, or the images of all of them do.
    if splits != (ONLY,) and all(path.is_dir() for path in own.values()):
        return {**own}
    return dict.fromkeys(splits, root)


def _folder(path: str | PathLike[str]) -> Path:
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"image_dir must be a folder that holds the images. Received: image_dir='{folder}'"
        )
    return folder


def make_survey(table: pd.DataFrame, image_dir: Path | None, split: str) -> Survey:
    """Takes one table apart."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"A table of boxes is a DataFrame. Received: {type(table).__name__}")
    _check_columns(table, split or "annotations")
    given = table[list(COORDINATES)].to_numpy(dtype=object)
    missing = np.column_stack([_is_missing(table[column]) for column in COORDINATES])
    x1, x2, y1, y2 = (_numbers(table[column]) for column in COORDINATES)
    names = image_names(table)
    images, image_of = np.unique(names, return_inverse=True)
    if len(images) and images[0] == "":
        images, image_of = images[1:], image_of - 1
    return Survey(
        split,
        table.copy(),
        image_dir,
        names,
        given,
        np.column_stack([x1, y1, x2, y2]),
        missing,
        _text(table["class_name"]),
        images,
        image_of,
        np.zeros((len(images), 2), np.int64),
    )


def image_names(table: pd.DataFrame) -> np.ndarray:
    """The path of each row's image below its folder, "" where the row has none; (rows,) objects."""
    if "filename" in table:
        raw = _text(table["filename"])
    else:
        ids, folders = _text(table["image_id"]), _text(table["folder"])
        pairs = zip(folders, ids, strict=True)
        joined = [f"{folder}/{name}.jpg" if folder else f"{name}.jpg" for folder, name in pairs]
        raw = np.where(ids == "", "", np.array(joined, object))
    known = {name: posixpath.normpath(name.replace("\\", "/")) if name else "" for name in set(raw)}
    return np.array([known[name] for name in raw], object)


def is_outside(name: str) -> bool:
    """Whether a path, made normal, leads out of the folder it begins at."""
    return name == ".." or name.startswith(("../", "/")) or "\0" in name or name[1:2] == ":"


def places(mask: np.ndarray) -> list[int]:
    """The places at which a mask is true."""
    return np.flatnonzero(mask).tolist()


def _text(values: pd.Series) -> np.ndarray:
    filled = values.astype(object).where(values.notna(), "")
    return np.array([str(value) for value in filled], object)


def _is_missing(values: pd.Series) -> np.ndarray:
    return (values.isna() | (values.astype(object) == "")).to_numpy(dtype=bool)


def _numbers(values: pd.Series) -> np.ndarray:
    numbers = pd.to_numeric(values.astype(object), errors="coerce").to_numpy(dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)
