"""The chapter's CSV: one row a box, coordinates as fractions of the image."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from os import PathLike
from pathlib import Path

import pandas as pd

from keras_bbox.annotations.documents import read_text, split_lines, write_whole
from keras_bbox.annotations.problems import Problems
from keras_bbox.annotations.table import (
    COLUMNS,
    COORDINATES,
    find_problems,
    validate_annotations,
)

TEXT_COLUMNS = ("image_id", "filename", "class_name", "folder")


def read_csv(
    path: str | PathLike[str],
    class_names: Sequence[str] | None = None,
    *,
    errors: str = "raise",
) -> pd.DataFrame:
    """Reads a table of boxes with the columns of the chapter's CSV.

    The columns are ``image_id, x_min, x_max, y_min, y_max, class_name, folder`` in any order
    (``filename`` may stand in place of ``image_id`` and ``folder``), coordinates are fractions of
    the image from 0 to 1. Identifiers stay text, so that ``0012`` keeps its zeros. Further
    columns ride along. A row in which the coordinates and the class are empty is an image known
    to hold no object.

    Args:
        path: A UTF-8 file with a header and commas.
        class_names: The classes that may occur; ``None`` for any.
        errors: ``"raise"`` for an error that lists the rows that cannot be used, ``"warn"`` to
            leave those out with a warning, ``"skip"`` to do so without.

    Returns:
        A DataFrame with one row a box; coordinates are float64. ``attrs["skipped"]`` lists the
        rows that were left out.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no such table. Bad rows are named with row (as in the returned
            table, from 0), line and value; coordinates outside the image by 1e-6 or less are
            snapped to its edge with a warning.

    Example:
        >>> import keras_bbox as kb
        >>> path = __import__("tempfile").mkdtemp() + "/annotations-train.csv"
        >>> with open(path, "w") as file:
        ...     print("image_id,x_min,x_max,y_min,y_max,class_name,folder", file=file)
        ...     print("0012,0.25,0.75,0.1,0.5,hot dog,hot dog", file=file)
        >>> table = kb.annotations.read_csv(path)
        >>> table.loc[0, "image_id"], float(table.loc[0, "x_max"])
        ('0012', 0.75)
    """
    path = Path(path)
    text = read_text(path)
    split_lines(text, path.name)
    try:
        table = pd.read_csv(
            StringIO(text),
            dtype=dict.fromkeys((*TEXT_COLUMNS, *COORDINATES), str),
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
            index_col=False,
        )
    except ValueError as error:
        raise ValueError(
            f"{path.name}: a table of boxes is a UTF-8 file with commas, a header and as many "
            f"values a line as the header names. Received: {error}"
        ) from error
    if errors == "raise":
        return validate_annotations(table, class_names, source=path.name, first_line=2)
    problems = Problems(path.name, errors)
    bad = find_problems(table, class_names, source=path.name)
    for position, problem in sorted(bad.items()):
        problems.skip(path.name, f"line {position + 2}", problem)
    usable = table.drop(index=table.index[list(bad)]).reset_index(drop=True)
    return problems.finish(validate_annotations(usable, class_names, source=path.name))


def write_csv(annotations: pd.DataFrame, path: str | PathLike[str]) -> Path:
    """Writes a table of boxes so that ``read_csv`` gives it back exactly.

    The chapter's columns come first. The file is complete or not there at all: it is written
    beside its place and then moved.

    Args:
        annotations: A table of boxes; it is checked first.
        path: The file; an older one is replaced, missing folders above it are made.

    Returns:
        The path.

    Raises:
        ValueError: If the table is no table of boxes.

    Example:
        >>> import keras_bbox as kb, pandas as pd
        >>> table = pd.DataFrame([["a1", 0.25, 0.75, 0.1, 0.5, "cake", "cake"]],
        ...                      columns=kb.annotations.COLUMNS)
        >>> path = __import__("tempfile").mkdtemp() + "/annotations-val.csv"
        >>> kb.annotations.read_csv(kb.annotations.write_csv(table, path)).equals(table)
        True
    """
    path = Path(path)
    table = validate_annotations(annotations, source="annotations")
    first = [column for column in COLUMNS if column in table]
    table = table[[*first, *(column for column in table if column not in first)]]
    return write_whole(path, table.to_csv(index=False, lineterminator="\n"))
