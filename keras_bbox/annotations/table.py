"""The table of boxes: its columns, its classes, its image files, and what a usable row is."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from keras_bbox.annotations.paths import inner_name

COORDINATES = ("x_min", "x_max", "y_min", "y_max")
COLUMNS = ("image_id", *COORDINATES, "class_name", "folder")

SNAP_TOLERANCE = 1e-6
LISTED_PROBLEMS = 5


def validate_annotations(
    annotations: pd.DataFrame,
    class_names: Sequence[str] | None = None,
    *,
    source: str = "annotations",
    first_line: int | None = None,
) -> pd.DataFrame:
    """Checks a table of boxes and returns a clean copy of it.

    Coordinates become float64. Those that overshoot the image by up to 1e-6, as rounding in
    other tools leaves them, are snapped to it, and a warning tells how many. A row in which all
    coordinates and the class are missing is a *negative*: an image known to hold no object.
    Further columns are left as they are.

    Args:
        annotations: One row a box, with the columns ``x_min, x_max, y_min, y_max`` (fractions of
            the image, from 0 to 1), ``class_name``, and either ``image_id`` and ``folder`` or
            ``filename``.
        class_names: The classes that may occur; ``None`` for any.
        source: What to call the table in messages, such as its file.
        first_line: The line of the file that holds the first row, for messages.

    Returns:
        A new DataFrame with the same rows, columns and index.

    Raises:
        ValueError: If columns are missing, or for rows with coordinates that are no numbers, are
            out of range or reversed, and for classes that are not among ``class_names``. The
            message names the rows and values.

    Example:
        >>> import keras_bbox as kb, pandas as pd
        >>> row = dict(image_id="a", x_min=0.9, x_max=0.1, y_min=0, y_max=1, class_name="cake",
        ...            folder="cake")
        >>> kb.annotations.validate_annotations(pd.DataFrame([row]))
        Traceback (most recent call last):
        ...
        ValueError: annotations: 1 row cannot be used.
          row 0 (image 'a'): x_min=0.9, x_max=0.1. Corners must be ordered, x_min < x_max.
    """
    table, problems = _with_floats(annotations, class_names, source)
    if problems:
        raise ValueError(_report(table, problems, source, first_line))
    return _snap(table, source)


def find_problems(
    annotations: pd.DataFrame, class_names: Sequence[str] | None, *, source: str
) -> dict[int, str]:
    """What is wrong with which rows, by position, as ``validate_annotations`` would raise it."""
    return _with_floats(annotations, class_names, source)[1]


def _with_floats(
    annotations: pd.DataFrame, class_names: Sequence[str] | None, source: str
) -> tuple[pd.DataFrame, dict[int, str]]:
    _check_columns(annotations, source)
    table = annotations.copy()
    problems: dict[int, str] = {}
    for column in COORDINATES:
        table[column] = _to_floats(annotations[column], column, problems)
    _find_problems(table, class_names, problems)
    return table, problems


def _check_columns(annotations: pd.DataFrame, source: str) -> None:
    image_columns = ["filename"] if "filename" in annotations else ["image_id", "folder"]
    needed = [*image_columns, *COORDINATES, "class_name"]
    missing = [column for column in needed if column not in annotations]
    if missing:
        raise ValueError(
            f"{source}: a table of boxes has the columns {', '.join(COLUMNS)} (or filename in "
            f"place of image_id and folder). Rename or add the missing ones: "
            f"{', '.join(missing)}. Received: columns={list(map(str, annotations.columns))}"
        )


def _to_floats(values: pd.Series, column: str, problems: dict[int, str]) -> np.ndarray:
    floats = np.full(len(values), np.nan)
    for position, value in enumerate(values):
        if pd.isna(value) or value == "":
            continue
        try:
            floats[position] = float(value)
        except (TypeError, ValueError):
            message = f"{column}={value!r}. Coordinates must be numbers from 0 to 1."
            problems.setdefault(position, message)
            continue
        if not np.isfinite(floats[position]):
            problems.setdefault(position, f"{column}={value}. Coordinates must be finite.")
    return floats


def _find_problems(
    table: pd.DataFrame, class_names: Sequence[str] | None, problems: dict[int, str]
) -> None:
    def note(rows: np.ndarray, describe) -> None:
        for position in np.flatnonzero(rows):
            if position not in problems:
                problems[int(position)] = describe(table.iloc[position])

    missing = table[list(COORDINATES)].isna().to_numpy()
    unnamed = (table["class_name"].isna() | (table["class_name"] == "")).to_numpy()
    negative = missing.all(axis=1) & unnamed
    for k, column in enumerate(COORDINATES):
        note(
            missing[:, k] & ~negative,
            lambda row, c=column: (
                f"{c} is missing. Fill it in, or leave all four and the class "
                "empty for an image without objects."
            ),
        )
    note(unnamed & ~negative, lambda row: "class_name is missing. Every box needs a class.")
    for column in COORDINATES:
        values = table[column].to_numpy()
        outside = (values < -SNAP_TOLERANCE) | (values > 1 + SNAP_TOLERANCE)
        note(
            outside,
            lambda row, c=column: (
                f"{c}={row[c]}. Coordinates are fractions of the image, from 0 to 1: "
                "divide pixels by the image's size, or clip the box."
            ),
        )
    for low, high in (("x_min", "x_max"), ("y_min", "y_max")):
        # Snapped values are compared, so that a box that ends within the tolerance is empty too.
        reversed_ = table[low].clip(0, 1).to_numpy() >= table[high].clip(0, 1).to_numpy()
        note(
            reversed_,
            lambda row, a=low, b=high: (
                f"{a}={row[a]}, {b}={row[b]}. Corners must be ordered, {a} < {b}."
            ),
        )
    if class_names is not None:
        unknown = ~table["class_name"].isin(list(class_names)).to_numpy() & ~negative
        note(
            unknown,
            lambda row: f"class_name={row['class_name']!r} is not among {list(class_names)}.",
        )


def _report(
    table: pd.DataFrame, problems: dict[int, str], source: str, first_line: int | None
) -> str:
    column = "filename" if "filename" in table else "image_id"
    lines = [f"{source}: {len(problems)} row{'s'[: len(problems) > 1]} cannot be used."]
    for position in sorted(problems)[:LISTED_PROBLEMS]:
        where = "" if first_line is None else f"line {first_line + position}, "
        image = table[column].iloc[position]
        lines.append(
            f"  row {table.index[position]} ({where}image {image!r}): {problems[position]}"
        )
    if len(problems) > LISTED_PROBLEMS:
        lines.append(f"  and {len(problems) - LISTED_PROBLEMS} more rows.")
    return "\n".join(lines)


def _snap(table: pd.DataFrame, source: str) -> pd.DataFrame:
    values = table[list(COORDINATES)]
    overshoot = np.maximum(-values.min(), values.max() - 1).max()
    if overshoot > 0:
        rows = int(((values < 0) | (values > 1)).any(axis=1).sum())
        warnings.warn(
            f"{source}: the boxes of {rows} row{'s'[: rows > 1]} left the image by up to "
            f"{overshoot:.2g} of its size and were snapped to its edge.",
            stacklevel=4,
        )
        table[list(COORDINATES)] = values.clip(0.0, 1.0)
    return table


def find_class_names(annotations: pd.DataFrame) -> tuple[str, ...]:
    """Lists the classes of a table of boxes in sorted order, so that a class's id is its place.

    Args:
        annotations: A table with the column ``class_name``; missing classes are left out.

    Returns:
        The names, sorted, each once.

    Example:
        >>> import keras_bbox as kb, pandas as pd
        >>> kb.annotations.find_class_names(pd.DataFrame({"class_name": ["juice", "cake", None]}))
        ('cake', 'juice')
    """
    names = annotations["class_name"].dropna()
    return tuple(sorted(set(names) - {""}))


def is_negative(annotations: pd.DataFrame) -> np.ndarray:
    """Tells which rows stand for an image that is known to hold no object.

    Args:
        annotations: A validated table of boxes.

    Returns:
        A boolean array of shape ``(rows,)``.

    Example:
        >>> import keras_bbox as kb, pandas as pd
        >>> kb.annotations.is_negative(pd.DataFrame({"x_min": [0.2, None]}))
        array([False,  True])
    """
    return annotations["x_min"].isna().to_numpy()


def image_paths(annotations: pd.DataFrame, image_dir: str | PathLike[str]) -> list[Path]:
    """Gives the image file of each row.

    Args:
        annotations: A table of boxes with ``image_id`` and ``folder``, or with ``filename``.
        image_dir: The folder that the images lie below.

    Returns:
        ``image_dir/folder/image_id.jpg`` (or ``image_dir/filename``) for each row.

    Raises:
        ValueError: If a name is missing, or leads out of ``image_dir``.

    Example:
        >>> import keras_bbox as kb, pandas as pd
        >>> table = pd.DataFrame({"image_id": ["a1"], "folder": ["hot dog"]})
        >>> kb.annotations.image_paths(table, "train")[0].as_posix()
        'train/hot dog/a1.jpg'
    """
    root = Path(image_dir)
    return [root / name for name in image_names(annotations)]


def existing_paths(annotations: pd.DataFrame, image_dir: str | PathLike[str]) -> list[str]:
    """Gives the image file of each row, and makes sure that it is there.

    Args:
        annotations: A table of boxes with ``image_id`` and ``folder``, or with ``filename``.
        image_dir: The folder that the images lie below.

    Returns:
        Paths, as ``image_paths`` gives them, as text.

    Raises:
        FileNotFoundError: If files are missing; the message counts them and names the first.
        ValueError: If a name is missing, or leads out of ``image_dir``.

    Example:
        >>> import keras_bbox as kb, pandas as pd
        >>> kb.annotations.existing_paths(pd.DataFrame({"filename": []}), "train")
        []
    """
    paths = image_paths(annotations, image_dir)
    missing = [k for k, path in enumerate(paths) if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f"Every row needs its image file, and {len(missing)} of {len(paths)} are missing. "
            "Check image_dir, or remove the rows. Received: "
            f"row {annotations.index[missing[0]]} with path='{paths[missing[0]]}'"
        )
    return [os.fspath(path) for path in paths]


def image_names(annotations: pd.DataFrame) -> list[str]:
    """Gives the path of each row's image below the folder of the images, with slashes.

    Args:
        annotations: A table of boxes with ``image_id`` and ``folder``, or with ``filename``.

    Returns:
        ``folder/image_id.jpg`` (``image_id.jpg`` if the folder is missing) or ``filename``.

    Raises:
        ValueError: If a name is missing, or leads out of the folder.

    Example:
        >>> import keras_bbox as kb, pandas as pd
        >>> kb.annotations.image_names(pd.DataFrame({"filename": ["cake/a1.png"]}))
        ['cake/a1.png']
    """
    if "filename" in annotations:
        names = list(annotations["filename"])
    else:
        folders = annotations["folder"].fillna("").astype(str).map(lambda f: f and f"{f}/")
        names = [
            image_id if pd.isna(image_id) else f"{folder}{image_id}.jpg"
            for folder, image_id in zip(folders, annotations["image_id"], strict=True)
        ]
    inner = {name: inner_name(name) for name in dict.fromkeys(names)}
    return [inner[name] for name in names]
