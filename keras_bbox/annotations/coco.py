"""COCO JSON: images, categories and annotations, tied together by ids."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

import pandas as pd

from keras_bbox.annotations.documents import MAX_BYTES, load_json, write_whole
from keras_bbox.annotations.found import (
    FoundBox,
    FoundImage,
    further,
    make_table,
    sides,
    stated_size,
    to_flag,
)
from keras_bbox.annotations.given import (
    GivenImage,
    class_ids,
    further_fields,
    given_images,
    pixel_edges,
)
from keras_bbox.annotations.paths import inner_name
from keras_bbox.annotations.problems import Problems, Unreadable, Unusable, show, to_number

SIDES = ("x", "y", "width", "height")
PARTS = ("images", "annotations", "categories")
# What is read by name, or has no place in a table.
KNOWN = frozenset(
    ("id", "image_id", "category_id", "bbox", "iscrowd", "score", "segmentation", "attributes")
)
DECIMALS = 6


def read_coco(
    path: str | PathLike[str],
    image_dir: str | PathLike[str] | None = None,
    *,
    errors: str = "raise",
    max_bytes: int = MAX_BYTES,
) -> pd.DataFrame:
    """Reads the boxes of a COCO JSON file.

    Images that no annotation refers to are negatives. ``iscrowd`` becomes ``is_group_of``,
    ``score`` becomes ``confidence``, and ``area``, which may be that of a mask, is kept for
    evaluation. Masks themselves are not read.

    Args:
        path: The JSON file.
        image_dir: The folder that the images lie below; ``None`` for that of the file.
        errors: ``"raise"``, ``"warn"`` or ``"skip"`` for annotations that cannot be used, as in
            ``read_voc``.
        max_bytes: The largest size of the file.

    Returns:
        A table of boxes with ``filename``, ``width``, ``height``, ``area``, ``is_group_of`` and
        whatever else the annotations state as a number or a text. ``attrs`` holds ``skipped``,
        ``changed``, ``left_out`` and ``class_names``, the categories in the order of their ids.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For a file or annotations that cannot be used, with object and value.

    Example:
        >>> import json, keras_bbox as kb, tempfile
        >>> path = tempfile.mkdtemp() + "/instances.json"
        >>> document = {
        ...     "images": [{"id": 7, "file_name": "a.jpg", "width": 100, "height": 50}],
        ...     "categories": [{"id": 18, "name": "dog"}],
        ...     "annotations": [{"id": 1, "image_id": 7, "category_id": 18,
        ...                      "bbox": [10, 5, 20, 20], "area": 300, "iscrowd": 0}]}
        >>> with open(path, "w") as file:
        ...     json.dump(document, file)
        >>> table = kb.annotations.read_coco(path)
        >>> table[["x_min", "x_max", "y_min", "y_max", "class_name", "area"]].values.tolist()
        [[0.1, 0.3, 0.1, 0.5, 'dog', 300.0]]
    """
    path = Path(path)
    document = load_json(path, max_bytes)
    parts = _parts(document, path.name)
    problems = Problems(path.name, errors)
    root = path.parent if image_dir is None else image_dir
    names = {key: entry.get("name") for key, entry in _by_id(parts[2], "category", problems)}
    boxes = _boxes(parts[1], names, problems)
    images = []
    for key, entry in _by_id(parts[0], "image", problems):
        with problems.of(path.name, f"image {show(key)}"):
            filename = inner_name(entry.get("file_name"), root)
            size = stated_size(entry.get("height"), entry.get("width"))
            own = boxes.pop(key, None)
            images.append(FoundImage(path.name, filename, size, own or [], negative=own is None))
    for key, strays in boxes.items():
        for box in strays:
            problems.skip(path.name, box.what, f"image_id={show(key)}. There is no such image.")
    table = make_table(images, problems, root)
    table.attrs["class_names"] = [str(names[key]) for key in sorted(names, key=_id_order)]
    return table


def _parts(document: object, file: str) -> list[list]:
    found = [document.get(part) if isinstance(document, dict) else None for part in PARTS]
    parts = [part for part in found if isinstance(part, list)]
    if len(parts) < len(PARTS):
        raise Unreadable(
            file, f"COCO is an object with the lists {PARTS}. Received: {show(document)}"
        )
    return parts


def _id_order(key: int | str) -> tuple[bool, int, str]:
    return (isinstance(key, str), 0 if isinstance(key, str) else key, str(key))


def _id(entry: Mapping, name: str) -> int | str:
    key = entry.get(name)
    if not isinstance(key, (int, str)):
        raise Unusable(f"{name}={show(key)}. Ids are numbers or texts.")
    return key


def _by_id(entries: Sequence, kind: str, problems: Problems) -> list[tuple[int | str, Mapping]]:
    found: dict[int | str, Mapping] = {}
    for number, entry in enumerate(entries, 1):
        with problems.of(problems.source, f"{kind} {number}"):
            if not isinstance(entry, dict):
                raise Unusable(f"An object is needed. Received: {show(entry)}")
            key = _id(entry, "id")
            if key in found:
                raise Unusable(f"id={show(key)} occurs twice. Ids must differ.")
            found[key] = entry
    return list(found.items())


def _boxes(
    entries: Sequence, names: Mapping[int | str, object], problems: Problems
) -> dict[int | str, list[FoundBox]]:
    """The boxes by image; an image whose annotations are all unusable has an empty list."""
    boxes: dict[int | str, list[FoundBox]] = {}
    for number, entry in enumerate(entries, 1):
        with problems.of(problems.source, f"annotation {number}"):
            if not isinstance(entry, dict):
                raise Unusable(f"An object is needed. Received: {show(entry)}")
            own = boxes.setdefault(_id(entry, "image_id"), [])
            category = _id(entry, "category_id")
            if category not in names:
                raise Unusable(f"category_id={show(category)}. There is no such category.")
            what = f"annotation {show(entry.get('id', number))} ({show(names[category])})"
            with problems.of(problems.source, what):
                own.append(FoundBox(what, names[category], _edges(entry), _fields(entry)))
    return boxes


def _edges(entry: Mapping) -> tuple[float, float, float, float]:
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        raise Unusable(f"bbox={show(box)}. A box is [x, y, width, height].")
    return sides(dict(zip(SIDES, box, strict=True)), SIDES)


def _fields(entry: Mapping) -> dict[str, object]:
    fields: dict[str, object] = {}
    if entry.get("area") is not None:
        fields["area"] = to_number(entry["area"], "area")
    if to_flag(entry.get("iscrowd")) is not None:
        fields["is_group_of"] = to_flag(entry["iscrowd"])
    if entry.get("score") is not None:
        fields["confidence"] = to_number(entry["score"], "score")
    attributes = entry.get("attributes")
    rest = {name: value for name, value in entry.items() if name not in KNOWN | set(fields)}
    return {
        **(further(attributes) if isinstance(attributes, dict) else {}),
        **further(rest),
        **fields,
    }


def write_coco(
    annotations: pd.DataFrame,
    path: str | PathLike[str],
    *,
    image_dir: str | PathLike[str] | None = None,
    class_names: Sequence[str] | None = None,
    lossy: str = "warn",
) -> Path:
    """Writes a table as a COCO JSON file.

    Edges are kept to a millionth of a pixel. Ids of images, categories and annotations count
    from 1. Where there is no ``area``, it is that of the box. Columns that COCO does not know are
    written beside those that it does.

    Args:
        annotations: A table of boxes.
        path: The JSON file; an older one is replaced.
        image_dir: Where the images lie, if the table has no ``width`` and ``height``.
        class_names: The categories in the order of their ids; ``None`` for those of the table,
            sorted.
        lossy: ``"warn"``, ``"raise"`` or ``"allow"`` for what the file cannot hold.

    Returns:
        The path.

    Raises:
        ValueError: If the table cannot be used, or has a class that is not among the names.

    Example:
        >>> import keras_bbox as kb, pandas as pd, tempfile
        >>> table = pd.DataFrame([dict(filename="a.jpg", x_min=0.0, x_max=0.5, y_min=0.25,
        ...     y_max=1.0, class_name="cake", width=100, height=80)])
        >>> path = kb.annotations.write_coco(table, tempfile.mkdtemp() + "/instances.json")
        >>> kb.annotations.read_coco(path).loc[0, ["x_max", "area"]].tolist()
        [0.5, 3000.0]
    """
    images = given_images(annotations, "coco", lossy, image_dir)
    ids = class_ids(annotations, class_names, first=1)
    document: dict[str, list] = {"images": [], "annotations": [], "categories": []}
    document["categories"] = [{"id": number, "name": name} for name, number in ids.items()]
    for number, image in enumerate(images, 1):
        height, width = image.size
        document["images"].append(
            {"id": number, "file_name": image.filename, "width": width, "height": height}
        )
        for box in image.boxes:
            entry = {"id": len(document["annotations"]) + 1, "image_id": number}
            document["annotations"].append(entry | _entry(box, image, ids))
    return write_whole(path, json.dumps(document, ensure_ascii=False))


def _entry(box: dict, image: GivenImage, ids: Mapping[str, int]) -> dict[str, object]:
    x1, y1, x2, y2 = pixel_edges(box, image.size, DECIMALS)
    width, height = round(x2 - x1, DECIMALS), round(y2 - y1, DECIMALS)
    fields = further_fields(box)
    entry: dict[str, object] = {
        "category_id": ids[box["class_name"]],
        "bbox": [x1, y1, width, height],
        "area": fields.pop("area", round(width * height, DECIMALS)),
        "iscrowd": int(fields.pop("is_group_of", 0)),  # type: ignore[call-overload]
    }
    if "confidence" in fields:
        entry["score"] = fields.pop("confidence")
    return {**fields, **entry}
