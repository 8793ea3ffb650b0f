"""Which format a file or folder has, found from its content."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from io import BytesIO
from os import PathLike
from pathlib import Path
from xml.etree.ElementTree import ParseError

import defusedxml
from defusedxml import ElementTree

from keras_bbox.annotations.documents import decode
from keras_bbox.annotations.open_images import NEEDED
from keras_bbox.annotations.simple_image_annotator import HEADER
from keras_bbox.annotations.table import COORDINATES
from keras_bbox.annotations.yolo import SPLITS, find_description

HEAD = 1_000_000

LOOKED_FOR = {
    "voc": "XML whose outermost element is annotation, or a folder with such files",
    "cvat": "XML whose outermost element is annotations",
    "coco": "a JSON object with images, annotations and categories",
    "labelbox": "JSON lines with data_row, JSON or CSV with Label and Labeled Data or External ID",
    "sloth": "a JSON list of objects with filename and annotations",
    "yolo": "YAML with names and train, val or test, or a folder with it or with classes.txt",
    "open_images": "CSV with ImageID, LabelName, XMin, ...",
    "simple_image_annotator": f"CSV with {HEADER}, with or without this header",
    "csv": "CSV with x_min, x_max, y_min, y_max and class_name",
}

_KEY = re.compile(r'"((?:[^"\\]|\\.){1,40})"\s*:')
_SIA_LINE = re.compile(r".+,\d{1,9},.*(,\s*-?[\d.]+\s*){4}")


def find_format(path: str | PathLike[str]) -> str:
    """Finds the format of annotations from their content, whatever their name is.

    Args:
        path: A file, or a folder in the case of Pascal VOC and YOLO.

    Returns:
        The name of the format, as ``lossy`` and ``write`` take it; ``"labelbox"`` for any of its
        exports.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If no format fits; the message lists what was looked for.

    Example:
        >>> import keras_bbox as kb, tempfile
        >>> path = tempfile.mkdtemp() + "/labels.txt"
        >>> with open(path, "w") as file:
        ...     print("a.jpg,1,cake,10,20,30,40", file=file)
        >>> kb.annotations.find_format(path)
        'simple_image_annotator'
    """
    path = Path(path)
    found = _format_of_folder(path) if path.is_dir() else _format_of_file(path)
    if found is None:
        wanted = "".join(f"\n  {name}: {what}" for name, what in LOOKED_FOR.items())
        raise ValueError(
            f"{path.name}: The content fits no known format. Read it by the function of its "
            f"format, such as read_coco, which says what it misses. Looked for:{wanted}"
        )
    return found


def _format_of_folder(path: Path) -> str | None:
    description = find_description(path)
    if description and _format_of_file(description) == "yolo":
        return "yolo"
    if os.path.isfile(path / "classes.txt"):
        return "yolo"
    xml = next(iter(sorted(path.rglob("*.xml"))), None)
    return "voc" if xml and _format_of_file(xml) == "voc" else None


def _format_of_file(path: Path) -> str | None:
    with open(path, "rb") as file:
        data = file.read(HEAD + 1)
    text = _head(data, path.name)
    start = text.lstrip()[:1]
    if start == "<":
        return {"annotation": "voc", "annotations": "cvat"}.get(_outermost(data))
    if start and start in "{[":
        return _format_of_json(text, start)
    return _format_of_lines(text)


def _head(data: bytes, name: str) -> str:
    """The beginning as text; bytes that are cut off or wrong are the reader's affair."""
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if data[:1] == b"<" or (len(data) <= HEAD and not wide):
        return data.decode("latin-1") if data[:1] == b"<" else decode(data, name)
    return data.decode("utf-16" if wide else "utf-8-sig", errors="replace")


def _outermost(data: bytes) -> str:
    """The tag of the outermost element, as far as the beginning of the file goes."""
    try:
        for _, element in ElementTree.iterparse(BytesIO(data), events=("start",)):
            return element.tag
    except (ParseError, ValueError, LookupError, defusedxml.DefusedXmlException):
        pass
    return ""


def _format_of_json(text: str, start: str) -> str | None:
    keys = {match[1] for match in _KEY.finditer(text[:HEAD])}
    if {"data_row", "projects"} <= keys:
        return "labelbox"
    if start == "[":
        if "Label" in keys and keys & {"ID", "External ID", "Labeled Data", "DataRow ID"}:
            return "labelbox"
        return "sloth" if {"filename", "class"} <= keys else None
    if {"images", "annotations"} <= keys or {"images", "file_name"} <= keys:
        return "coco"
    return "coco" if {"annotations", "bbox", "category_id"} <= keys else None


def _format_of_lines(text: str) -> str | None:
    lines = [line for line in text[:HEAD].splitlines() if line.strip()]
    first = lines[0].strip() if lines else ""
    columns = {column.strip().strip('"') for column in first.split(",")}
    fits: dict[str, Callable[[], bool]] = {
        "csv": lambda: {*COORDINATES, "class_name"} <= columns,
        "open_images": lambda: set(NEEDED) <= columns,
        "labelbox": lambda: "Label" in columns and bool(columns & {"Labeled Data", "External ID"}),
        "simple_image_annotator": lambda: (
            first == HEADER or bool(_SIA_LINE.fullmatch(first[:5000]))
        ),
        "yolo": lambda: _is_yaml(lines),
    }
    return next((name for name, fit in fits.items() if fit()), None)


def _is_yaml(lines: list[str]) -> bool:
    keys = {line.split(":")[0] for line in lines if ":" in line and line[0] not in " #-"}
    return "names" in keys and bool(keys & {*SPLITS, "path", "nc"})
