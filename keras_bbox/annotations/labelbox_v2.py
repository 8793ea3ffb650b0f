"""Labelbox export v2: a data row a line, with projects, their labels and the labels' objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from os import PathLike

from keras_bbox.annotations.documents import parse_json
from keras_bbox.annotations.found import FoundBox, FoundImage, further, sides, stated_size
from keras_bbox.annotations.given import GivenImage, pixel_edges
from keras_bbox.annotations.labelbox_names import image_name
from keras_bbox.annotations.problems import Problems, Unusable, show

SIDES = ("left", "top", "width", "height")
DECIMALS = 6

Rows = list[tuple[str, object]]


def load_v2(text: str, problems: Problems) -> Rows | None:
    """The data rows of an export, each with what messages call it; None for another form."""
    head = text.lstrip()
    if not head.startswith(("{", "[")) or '"data_row"' not in text:
        return None
    if head.startswith("["):
        document = parse_json(text, problems.source)
        entries = document if isinstance(document, list) else [document]
        return [(f"row {number}", entry) for number, entry in enumerate(entries, 1)]
    rows: Rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            with problems.of(problems.source, f"line {number}"):
                rows.append((f"line {number}", parse_json(line, problems.source)))
    return rows


def find_v2_images(rows: Rows, root: str | PathLike[str], problems: Problems) -> list[FoundImage]:
    """The images of the data rows that somebody has labelled."""
    images = []
    for where, row in rows:
        with problems.of(problems.source, where):
            data = _mapping(row, "row", "data_row")
            labels = list(_labels(_mapping(row, "row", "projects")))
            names = (data.get("external_id"), data.get("global_key"), data.get("row_data"))
            filename = image_name(*names, image_dir=root)
            if labels:
                media = row.get("media_attributes")  # type: ignore[attr-defined]
                media = media if isinstance(media, dict) else {}
                size = stated_size(media.get("height"), media.get("width"))
                boxes, seen = _boxes(labels, f"{where}, {filename}", problems)
                images.append(FoundImage(problems.source, filename, size, boxes, not seen))
    return images


def _mapping(parent: object, what: str, name: str) -> Mapping:
    part = parent.get(name) if isinstance(parent, dict) else None
    if not isinstance(part, dict):
        raise Unusable(f"{name} must be an object. Received: {what}={show(parent)}")
    return part


def _labels(projects: Mapping) -> Iterator[Mapping]:
    for project in projects.values():
        labels = project.get("labels") if isinstance(project, dict) else None
        for label in labels if isinstance(labels, list) else []:
            details = label.get("performance_details") if isinstance(label, dict) else None
            if not (isinstance(details, dict) and details.get("skipped")):
                yield _mapping(label, "label", "annotations")


def _boxes(labels: list[Mapping], where: str, problems: Problems) -> tuple[list[FoundBox], bool]:
    """The boxes of all labels, each once, and whether any label holds an object."""
    boxes: list[FoundBox] = []
    seen_anything = False
    for label in labels:
        objects = label.get("objects") or []
        if not isinstance(objects, list):
            raise Unusable(f"objects must be a list. Received: objects={show(objects)}")
        earlier = {(box.class_name, box.edges) for box in boxes}
        for number, entry in enumerate(objects, 1):
            seen_anything = True
            name = entry.get("name") if isinstance(entry, dict) else None
            what = f"{where}, object {number} ({show(name)})"
            with problems.of(problems.source, what):
                box = _box(entry, what, problems)
                if box and (box.class_name, box.edges) in earlier:
                    problems.leave_out("repeated box")
                elif box:
                    boxes.append(box)
    return boxes, seen_anything


def _box(entry: object, what: str, problems: Problems) -> FoundBox | None:
    if not isinstance(entry, dict):
        raise Unusable(f"An object is needed. Received: {show(entry)}")
    place = entry.get("bounding_box")
    if place is None:
        problems.leave_out(str(entry.get("annotation_kind", "object without a box")))
        return None
    if not isinstance(place, dict):
        raise Unusable(f"bounding_box must be an object. Received: {show(place)}")
    name = entry.get("name")
    if not isinstance(name, str):
        raise Unusable(f"Every box needs a class. Received: name={show(name)}")
    return FoundBox(what, name, sides(place, SIDES), further(_answers(entry)))


def _answers(entry: Mapping) -> dict[str, object]:
    """The answers to radio buttons, check lists and text fields, by the question's name."""
    answers: dict[str, object] = {}
    questions = entry.get("classifications")
    for question in questions if isinstance(questions, list) else []:
        if not isinstance(question, dict) or not isinstance(question.get("name"), str):
            continue
        one, many, text = (
            question.get(f"{kind}") for kind in ("radio_answer", "checklist_answers", "text_answer")
        )
        if isinstance(one, dict):
            answers[question["name"]] = one.get("name")
        elif isinstance(many, list):
            names = [str(answer.get("name")) for answer in many if isinstance(answer, dict)]
            answers[question["name"]] = "; ".join(names)
        elif isinstance(text, dict):
            answers[question["name"]] = text.get("content")
    return answers


def v2_text(images: list[GivenImage]) -> str:
    """An export of the images, a data row a line."""
    return "".join(
        json.dumps(_row(k, image), ensure_ascii=False) + "\n" for k, image in enumerate(images, 1)
    )


def _row(number: int, image: GivenImage) -> dict[str, object]:
    height, width = image.size
    annotations = {"objects": [_object(box, image) for box in image.boxes], "classifications": []}
    return {
        "data_row": {"id": str(number), "external_id": image.filename},
        "media_attributes": {"height": height, "width": width},
        "projects": {"keras-bbox": {"labels": [{"annotations": annotations}]}},
    }


def _object(box: Mapping, image: GivenImage) -> dict[str, object]:
    x1, y1, x2, y2 = pixel_edges(dict(box), image.size, DECIMALS)
    place = (x1, y1, round(x2 - x1, DECIMALS), round(y2 - y1, DECIMALS))
    return {
        "name": box["class_name"],
        "annotation_kind": "ImageBoundingBox",
        "bounding_box": dict(zip(SIDES, place, strict=True)),
    }
