"""Labelbox export v1 as JSON or CSV, and its ancestor of 2018 with points by class."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from os import PathLike

import pandas as pd

from keras_bbox.annotations.documents import LONGEST_LINE, parse_json
from keras_bbox.annotations.found import FoundBox, FoundImage, further, hull, sides
from keras_bbox.annotations.given import GivenImage, pixel_edges
from keras_bbox.annotations.labelbox_names import image_name
from keras_bbox.annotations.problems import Problems, Unreadable, Unusable, show, to_number

SIDES = ("left", "top", "width", "height")
COLUMNS = ("ID", "DataRow ID", "Labeled Data", "Label", "External ID")
SHAPES = ("polygon", "point", "line", "instanceURI")
DECIMALS = 6

Rows = list[tuple[str, object]]
Points = list[tuple[float, float]]

# The outer ring of each polygon in well-known text.
_RING = re.compile(r"\(\(\s*([^()]+)\)")


def load_v1(text: str, problems: Problems) -> Rows | None:
    """The rows of an export, each with what messages call it; None for another form."""
    if text.lstrip().startswith("["):
        document = parse_json(text, problems.source)
        if not isinstance(document, list):
            return None
        return [(f"row {number}", entry) for number, entry in enumerate(document, 1)]
    header = text[: text.find("\n") + 1 or LONGEST_LINE + 1]
    columns = {column.strip().strip('"') for column in header[:LONGEST_LINE].split(",")}
    if len(header) > LONGEST_LINE or "Label" not in columns:
        return None
    try:
        table = pd.read_csv(
            io.StringIO(text), dtype=str, keep_default_na=False, index_col=False, low_memory=False
        )
    except ValueError as error:
        raise Unreadable(problems.source, f"The file must be CSV. Received: {error}") from None
    return [(f"row {k}", record) for k, record in enumerate(table.to_dict("records"), 1)]


def find_v1_images(
    rows: Rows, root: str | PathLike[str], problems: Problems
) -> tuple[list[FoundImage], bool]:
    """The images of the rows that somebody has labelled, and whether y counts from the bottom."""
    images, legacy = [], False
    for where, row in rows:
        with problems.of(problems.source, where):
            if not isinstance(row, dict) or "Label" not in row:
                raise Unusable(f"A row needs a Label. Received: {show(row)}")
            label = _label(row)
            if label is None:
                continue
            filename = image_name(row.get("External ID"), row.get("Labeled Data"), image_dir=root)
            what = f"{where}, {filename}"
            if "objects" in label or not _is_legacy(label):
                boxes, seen = _boxes(label, what, problems)
            else:
                legacy = True
                boxes, seen = _legacy_boxes(label, what, problems)
            images.append(FoundImage(problems.source, filename, None, boxes, negative=not seen))
    return images, legacy


def _label(row: Mapping) -> Mapping | None:
    """The label of a row; None if it was skipped or nobody has made one."""
    label = row["Label"]
    if isinstance(label, str):
        if label.strip() in ("", "Skip"):
            return None
        label = parse_json(label, "Label")
    if label is None or str(row.get("Skipped", "")).lower() == "true":
        return None
    if not isinstance(label, dict):
        raise Unusable(f'A Label is an object or "Skip". Received: Label={show(label)}')
    return label


def _is_legacy(label: Mapping) -> bool:
    return any(isinstance(value, (list, str)) and value for value in label.values())


def _boxes(label: Mapping, where: str, problems: Problems) -> tuple[list[FoundBox], bool]:
    objects = label.get("objects") or []
    if not isinstance(objects, list):
        raise Unusable(f"objects must be a list. Received: objects={show(objects)}")
    boxes = []
    for number, entry in enumerate(objects, 1):
        title = entry.get("title", entry.get("value")) if isinstance(entry, dict) else None
        what = f"{where}, object {number} ({show(title)})"
        with problems.of(problems.source, what):
            if not isinstance(entry, dict):
                raise Unusable(f"An object is needed. Received: {show(entry)}")
            place = entry.get("bbox")
            if place is None:
                kind = next((shape for shape in SHAPES if shape in entry), "object without a box")
                problems.leave_out(kind)
                continue
            if not isinstance(place, dict):
                raise Unusable(f"bbox must be an object. Received: bbox={show(place)}")
            fields = further(_answers(entry))
            boxes.append(FoundBox(what, title, sides(place, SIDES), fields))
    return boxes, bool(objects)


def _answers(entry: Mapping) -> dict[str, object]:
    """The answers to the questions asked about a box, by the question's title."""
    answers: dict[str, object] = {}
    questions = entry.get("classifications")
    for question in questions if isinstance(questions, list) else []:
        if not isinstance(question, dict) or not isinstance(question.get("title"), str):
            continue
        answer, many = question.get("answer"), question.get("answers")
        if isinstance(answer, dict):
            answer = answer.get("title")
        if isinstance(many, list):
            answer = "; ".join(str(one.get("title")) for one in many if isinstance(one, dict))
        answers[question["title"]] = answer
    return answers


def _legacy_boxes(label: Mapping, where: str, problems: Problems) -> tuple[list[FoundBox], bool]:
    boxes, seen = [], False
    for name, shapes in label.items():
        parts = _RING.findall(shapes) if isinstance(shapes, str) else shapes
        what = f"{where} ({show(name)})"
        with problems.of(problems.source, what):
            if not isinstance(parts, list) or (isinstance(shapes, str) and not parts):
                raise Unusable(f"Shapes are a list, or a MULTIPOLYGON. Received: {show(shapes)}")
            for number, part in enumerate(parts, 1):
                seen = True
                each = f"{where}, object {number} ({show(name)})"
                with problems.of(problems.source, each):
                    boxes.append(FoundBox(each, name, hull(list(_points(part))), {}))
    return boxes, seen or bool(label)


def _points(part: object) -> Iterator[tuple[float, float]]:
    if isinstance(part, str):
        for pair in part.split(","):
            x, _, y = pair.strip().partition(" ")
            yield to_number(x, "x"), to_number(y, "y")
        return
    points = part.get("geometry") if isinstance(part, dict) else part
    for point in points if isinstance(points, list) else [points]:
        if not isinstance(point, dict):
            raise Unusable(f"A geometry is a list of points. Received: {show(part)}")
        yield to_number(point.get("x"), "x"), to_number(point.get("y"), "y")


def v1_rows(images: list[GivenImage]) -> list[dict[str, object]]:
    """A row for each image."""
    rows: list[dict[str, object]] = []
    for number, image in enumerate(images, 1):
        label = {"objects": [_object(box, image) for box in image.boxes], "classifications": []}
        values = (str(number), str(number), image.filename, label, image.filename)
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def _object(box: Mapping, image: GivenImage) -> dict[str, object]:
    x1, y1, x2, y2 = pixel_edges(dict(box), image.size, DECIMALS)
    place = (x1, y1, round(x2 - x1, DECIMALS), round(y2 - y1, DECIMALS))
    name = box["class_name"]
    return {"title": name, "value": name, "bbox": dict(zip(SIDES, place, strict=True))}


def v1_json(images: list[GivenImage]) -> str:
    """An export of the images as JSON."""
    return json.dumps(v1_rows(images), ensure_ascii=False, indent=1)


def v1_csv(images: list[GivenImage]) -> str:
    """An export of the images as CSV, with JSON in its column Label."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in v1_rows(images):
        writer.writerow({**row, "Label": json.dumps(row["Label"], ensure_ascii=False)})
    return text.getvalue()
