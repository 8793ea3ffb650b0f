"""Labelbox exports: v2 as one JSON object a line, v1 as JSON or CSV, and the geometry of 2018."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import pandas as pd

from keras_bbox.annotations.documents import MAX_BYTES, read_text, write_whole
from keras_bbox.annotations.found import make_table
from keras_bbox.annotations.given import given_images
from keras_bbox.annotations.labelbox_v1 import find_v1_images, load_v1, v1_csv, v1_json
from keras_bbox.annotations.labelbox_v2 import find_v2_images, load_v2, v2_text
from keras_bbox.annotations.problems import Problems, Unreadable, show


def read_labelbox(
    path: str | PathLike[str],
    image_dir: str | PathLike[str] | None = None,
    *,
    y_up: bool | None = None,
    errors: str = "raise",
    max_bytes: int = MAX_BYTES,
) -> pd.DataFrame:
    """Reads the boxes of a Labelbox export; which of its forms it has is found from the content.

    Of v2 (one data row a line), the boxes of all projects and labels are taken, and one that
    several of them repeat is taken once. Of v1 (JSON or CSV), ``Label`` may hold objects or, in
    files of 2018, points by class, whose boxes are taken. A row that was skipped, or that has no
    label, has no row in the table; one whose label holds nothing is a negative. Polygons, points,
    lines and masks are left out and counted.

    Args:
        path: The export.
        image_dir: The folder that the images lie below; ``None`` for that of the file. An image
            has the name that was given as external id, or else the last part of its address. v1
            states no sizes, so those of the image files are read.
        y_up: Whether y counts from the bottom of the image; ``None`` for what files of that form
            do: only those of 2018, with points by class, count from the bottom.
        errors: ``"raise"``, ``"warn"`` or ``"skip"`` for objects that cannot be used, as in
            ``read_voc``.
        max_bytes: The largest size of the file.

    Returns:
        A table of boxes with ``filename``, ``width``, ``height`` and the answers to the questions
        asked about each box. ``attrs`` holds ``skipped``, ``changed``, ``left_out`` and ``y_up``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For a file or objects that cannot be used, with row and value.

    Example:
        >>> import json, keras_bbox as kb, tempfile
        >>> path = tempfile.mkdtemp() + "/export.ndjson"
        >>> box = {"top": 5, "left": 10, "height": 20, "width": 20}
        >>> row = {"data_row": {"id": "1", "external_id": "a.jpg"},
        ...        "media_attributes": {"width": 100, "height": 50},
        ...        "projects": {"p": {"labels": [{"annotations": {"objects": [
        ...            {"name": "dog", "bounding_box": box}]}}]}}}
        >>> with open(path, "w") as file:
        ...     print(json.dumps(row), file=file)
        >>> table = kb.annotations.read_labelbox(path)
        >>> table[["x_min", "x_max", "y_min", "y_max", "class_name"]].values.tolist()
        [[0.1, 0.3, 0.1, 0.5, 'dog']]
    """
    path = Path(path)
    root = path.parent if image_dir is None else image_dir
    problems = Problems(path.name, errors)
    text = read_text(path, max_bytes)
    if (rows := load_v2(text, problems)) is not None:
        images, from_bottom = find_v2_images(rows, root, problems), False
    elif (rows := load_v1(text, problems)) is not None:
        images, from_bottom = find_v1_images(rows, root, problems)
    else:
        raise Unreadable(
            path.name,
            "A Labelbox export is JSON lines with data_row and projects, or JSON or CSV with "
            "Label and External ID. Received: neither",
        )
    upward = from_bottom if y_up is None else y_up
    table = make_table(images, problems, root, y_up=upward)
    table.attrs["y_up"] = upward
    return table


def write_labelbox(
    annotations: pd.DataFrame,
    path: str | PathLike[str],
    *,
    version: str = "v2",
    image_dir: str | PathLike[str] | None = None,
    lossy: str = "warn",
) -> Path:
    """Writes a table in the form of a Labelbox export.

    Edges are kept to a millionth of a pixel.

    Args:
        annotations: A table of boxes.
        path: The file; an older one is replaced.
        version: ``"v2"`` for JSON lines, ``"v1"`` for JSON, ``"csv"`` for v1 as CSV.
        image_dir: Where the images lie, if the table has no ``width`` and ``height``.
        lossy: ``"warn"``, ``"raise"`` or ``"allow"`` for what the file cannot hold.

    Returns:
        The path.

    Raises:
        ValueError: If the table cannot be used, or there is no such version.

    Example:
        >>> import keras_bbox as kb, pandas as pd, tempfile
        >>> table = pd.DataFrame([dict(filename="a.jpg", x_min=0.0, x_max=0.5, y_min=0.25,
        ...     y_max=1.0, class_name="cake", width=100, height=80)])
        >>> path = kb.annotations.write_labelbox(table, tempfile.mkdtemp() + "/export.ndjson")
        >>> kb.annotations.read_labelbox(path)[["x_max", "class_name"]].values.tolist()
        [[0.5, 'cake']]
    """
    forms = {
        "v2": ("labelbox", v2_text),
        "v1": ("labelbox_v1", v1_json),
        "csv": ("labelbox_csv", v1_csv),
    }
    if version not in forms:
        raise ValueError(f"version is one of {list(forms)}. Received: version={show(version)}")
    format, as_text = forms[version]
    return write_whole(path, as_text(given_images(annotations, format, lossy, image_dir)))
