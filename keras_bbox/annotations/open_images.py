"""Open Images CSV: fractions of the image, the x pair before the y pair, classes by code."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from os import PathLike
from pathlib import Path, PurePosixPath

import pandas as pd

from keras_bbox.annotations.documents import MAX_BYTES, load_csv, read_text, write_whole
from keras_bbox.annotations.found import FoundBox, FoundImage, corners, make_table, to_flag
from keras_bbox.annotations.given import given_images
from keras_bbox.annotations.paths import inner_name, with_ending
from keras_bbox.annotations.problems import Problems, Unreadable, show, to_number

CORNERS = ("XMin", "YMin", "XMax", "YMax")
EDGES = {"XMin": "x_min", "XMax": "x_max", "YMin": "y_min", "YMax": "y_max"}
FLAGS = {
    "IsOccluded": "occluded",
    "IsTruncated": "truncated",
    "IsGroupOf": "is_group_of",
    "IsDepiction": "is_depiction",
    "IsInside": "is_inside",
}
NEEDED = ("ImageID", "LabelName", *EDGES)
HEADER = ("ImageID", "Source", "LabelName", "Confidence", *EDGES, *FLAGS)
DESCRIPTIONS = "class-descriptions.csv"


def read_open_images(
    path: str | PathLike[str],
    image_dir: str | PathLike[str] | None = None,
    *,
    class_descriptions: str | PathLike[str] | Mapping[str, str] | None = None,
    errors: str = "raise",
    max_bytes: int = MAX_BYTES,
) -> pd.DataFrame:
    """Reads a CSV of boxes of Open Images.

    Args:
        path: The CSV file.
        image_dir: The folder that the images lie below; ``None`` for that of the file. An
            ``ImageID`` has no ending: it is that of the file found there, else ``.jpg``.
        class_descriptions: The names of the codes in ``LabelName``, such as ``/m/01yrx``: a CSV
            with code and name, or a mapping. ``None`` for the file ``class-descriptions*.csv``
            beside the boxes. A code without a name stays a code.
        errors: ``"raise"``, ``"warn"`` or ``"skip"`` for rows that cannot be used, as in
            ``read_voc``.
        max_bytes: The largest size of the file.

    Returns:
        A table of boxes with ``filename``, ``confidence``, ``source``, ``occluded``,
        ``truncated``, ``is_group_of``, ``is_depiction`` and ``is_inside`` as far as the file has
        them; a flag of -1, unknown, is missing. ``attrs`` holds ``skipped``, ``changed`` and
        ``left_out``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For a file or rows that cannot be used, with line and value.

    Example:
        >>> import keras_bbox as kb, tempfile
        >>> path = tempfile.mkdtemp() + "/boxes.csv"
        >>> with open(path, "w") as file:
        ...     print("ImageID,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf", file=file)
        ...     print("000a1,/m/01yrx,1,0.25,0.5,0.125,1,0", file=file)
        >>> table = kb.annotations.read_open_images(path, class_descriptions={"/m/01yrx": "Cat"})
        >>> table[["filename", "x_min", "x_max", "y_min", "y_max", "class_name"]].values.tolist()
        [['000a1.jpg', 0.25, 0.5, 0.125, 1.0, 'Cat']]
    """
    path = Path(path)
    records = load_csv(path, max_bytes)
    missing = [name for name in NEEDED if records and name not in records[0]]
    if missing:
        raise Unreadable(
            path.name, f"Open Images has the columns {NEEDED}. Received: none of {missing}"
        )
    root = path.parent if image_dir is None else image_dir
    names = _class_names(class_descriptions, path.parent)
    problems = Problems(path.name, errors)
    boxes: dict[str, list[FoundBox]] = {}
    for number, record in enumerate(records, 2):
        what = f"line {number} ({show(record['LabelName'])})"
        with problems.of(path.name, what):
            label = record["LabelName"]
            box = FoundBox(what, names.get(label, label), corners(record, CORNERS), _fields(record))
            boxes.setdefault(record["ImageID"], []).append(box)
    images = []
    for image_id, found in boxes.items():
        with problems.of(path.name, f"image {show(image_id)}"):
            filename = with_ending(inner_name(image_id, root), root)
            images.append(FoundImage(path.name, filename, None, found))
    return make_table(images, problems, root, relative=True)


def _class_names(
    given: str | PathLike[str] | Mapping[str, str] | None, folder: Path
) -> Mapping[str, str]:
    if isinstance(given, Mapping):
        return given
    paths = sorted(folder.glob("*class-descriptions*.csv")) if given is None else [Path(given)]
    names: dict[str, str] = {}
    for path in paths:
        lines = io.StringIO(read_text(path))
        try:
            rows = [row for row in csv.reader(lines) if len(row) >= 2]
        except csv.Error as error:
            raise Unreadable(path.name, f"A line is a code and a name. Received: {error}") from None
        names |= {code: name for code, name, *_ in rows if code != "LabelName"}
    return names


def _fields(record: Mapping[str, str]) -> dict[str, object]:
    fields: dict[str, object] = {
        column: to_flag(record.get(flag)) for flag, column in FLAGS.items()
    }
    fields["source"] = record.get("Source") or None
    if record.get("Confidence"):
        fields["confidence"] = to_number(record["Confidence"], "Confidence")
    return {name: value for name, value in fields.items() if value is not None}


def write_open_images(
    annotations: pd.DataFrame,
    path: str | PathLike[str],
    *,
    codes: Mapping[str, str] | None = None,
    lossy: str = "warn",
) -> Path:
    """Writes a table as a CSV of Open Images.

    Coordinates are kept to the last bit. The format has no place for negatives and for the
    endings of file names; flags that are missing are written as -1.

    Args:
        annotations: A table of boxes.
        path: The CSV file; an older one is replaced.
        codes: The code of each class for ``LabelName``, such as ``{"Cat": "/m/01yrx"}``, also
            written to ``class-descriptions.csv`` beside the file; ``None`` to write the names
            themselves.
        lossy: ``"warn"``, ``"raise"`` or ``"allow"`` for what the file cannot hold.

    Returns:
        The path.

    Raises:
        ValueError: If the table cannot be used.

    Example:
        >>> import keras_bbox as kb, pandas as pd, tempfile
        >>> table = pd.DataFrame([dict(filename="a.jpg", x_min=0.0, x_max=0.5, y_min=0.25,
        ...     y_max=1.0, class_name="cake")])
        >>> path = kb.annotations.write_open_images(table, tempfile.mkdtemp() + "/boxes.csv")
        >>> print(path.read_text().splitlines()[1])
        a,,cake,1.0,0.0,0.5,0.25,1.0,-1,-1,-1,-1,-1
    """
    path = Path(path)
    codes = codes or {}
    lines = [HEADER]
    for image in given_images(annotations, "open_images", lossy, relative=True):
        image_id = PurePosixPath(image.filename).with_suffix("").as_posix()
        for box in image.boxes:
            name = box["class_name"]
            label = (image_id, box.get("source", ""), codes.get(name, name))
            numbers = (box.get("confidence", 1.0), *(box[column] for column in EDGES.values()))
            flags = (int(box.get(column, -1)) for column in FLAGS.values())
            lines.append((*label, *map(str, numbers), *map(str, flags)))
    if codes:
        write_whole(path.with_name(DESCRIPTIONS), _csv([(c, name) for name, c in codes.items()]))
    return write_whole(path, _csv(lines))


def _csv(rows: list) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
