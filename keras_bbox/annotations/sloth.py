"""Sloth JSON: a list of images, each with objects that are told apart by their keys."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path, PurePosixPath

import pandas as pd

from keras_bbox.annotations.documents import MAX_BYTES, load_json, write_whole
from keras_bbox.annotations.found import FoundBox, FoundImage, further, make_table, sides
from keras_bbox.annotations.given import further_fields, given_images, pixel_edges
from keras_bbox.annotations.paths import inner_name
from keras_bbox.annotations.problems import Problems, Unreadable, Unusable, show, to_number

SIDES = ("x", "y", "width", "height")
FRAME_NAME = "{video}/frame_{number:06d}.png"
DECIMALS = 6


def read_sloth(
    path: str | PathLike[str],
    image_dir: str | PathLike[str] | None = None,
    *,
    frame_name: str = FRAME_NAME,
    errors: str = "raise",
    max_bytes: int = MAX_BYTES,
) -> pd.DataFrame:
    """Reads the boxes of a Sloth JSON file; pickled files are never loaded.

    A box is an object with the keys ``x``, ``y``, ``width`` and ``height``, which may share a
    prefix. Points and polygons are left out and counted. An image with an empty list of
    annotations is a negative, unless it is marked as ``unlabeled``. Boxes may leave the image:
    they are cut at its edge, and a warning tells so. The file states no sizes, so those of the
    image files are read.

    Args:
        path: The JSON file.
        image_dir: The folder that the images lie below; ``None`` for that of the file. Names in
            the file are relative to the file, or else to this folder.
        frame_name: The name of the image file of frame ``number`` of the video ``video`` (its
            file's name without the ending).
        errors: ``"raise"``, ``"warn"`` or ``"skip"`` for boxes that cannot be used, as in
            ``read_voc``.
        max_bytes: The largest size of the file.

    Returns:
        A table of boxes with ``filename``, ``width``, ``height`` and whatever else the objects
        state as a number or a text. ``attrs`` holds ``skipped``, ``changed`` and ``left_out``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For a file or boxes that cannot be used, with object and value.

    Example:
        >>> import json, keras_bbox as kb, numpy as np, tempfile
        >>> from keras_bbox.images import write_image
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_image(folder + "/a.png", np.zeros((50, 100, 3), "uint8"))
        >>> box = {"class": "rect", "x": 10.0, "y": 5.0, "width": 20.0, "height": 20.0}
        >>> with open(folder + "/labels.json", "w") as file:
        ...     json.dump([{"class": "image", "filename": "a.png", "annotations": [box]}], file)
        >>> table = kb.annotations.read_sloth(folder + "/labels.json")
        >>> table[["x_min", "x_max", "y_min", "y_max", "class_name"]].values.tolist()
        [[0.1, 0.3, 0.1, 0.5, 'rect']]
    """
    path = Path(path)
    document = load_json(path, max_bytes)
    if not isinstance(document, list):
        raise Unreadable(path.name, f"Sloth writes a list of images. Received: {show(document)}")
    problems = Problems(path.name, errors)
    root = path.parent if image_dir is None else Path(image_dir)
    images: list[FoundImage] = []
    for number, entry in enumerate(document, 1):
        with problems.of(path.name, f"entry {number}"):
            if not isinstance(entry, dict):
                raise Unusable(f"An object is needed. Received: {show(entry)}")
            filename = _filename(entry.get("filename"), path.parent, root)
            if "frames" in entry:
                images += _frames(entry, filename, frame_name, problems)
            else:
                images += _image(entry, filename, problems)
    return make_table(images, problems, root)


def _filename(name: object, label_dir: Path, root: Path) -> str:
    """The path below root of a name that is relative to the label file, or else to root."""
    try:
        below_root, refusal = inner_name(name, root), None
    except Unusable as error:
        below_root, refusal = "", error
    inner = _beside(name, label_dir, root)
    if inner and (refusal or not os.path.isfile(root / below_root) or os.path.isfile(root / inner)):
        return inner
    if refusal:
        raise refusal
    return below_root


def _beside(name: object, label_dir: Path, root: Path) -> str:
    """The path below root of a name that is relative to the label file; empty if it is not."""
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        return ""
    path = os.path.normpath(label_dir.absolute() / name.replace("\\", "/"))
    try:
        return inner_name(os.path.relpath(path, os.path.normpath(root.absolute())))
    except (Unusable, ValueError):  # another drive has no relative path
        return ""


def _frames(
    entry: Mapping, filename: str, frame_name: str, problems: Problems
) -> Iterator[FoundImage]:
    video = PurePosixPath(filename).with_suffix("").as_posix()
    for number, frame in enumerate(_list(entry, "frames")):
        with problems.of(problems.source, f"{filename}, frame {number}"):
            if not isinstance(frame, dict):
                raise Unusable(f"An object is needed. Received: {show(frame)}")
            counted = int(to_number(frame.get("num", number), "num"))
            name = inner_name(frame_name.format(video=video, number=counted))
            yield from _image(frame, name, problems)


def _list(entry: Mapping, name: str) -> list:
    value = entry.get(name)
    if not isinstance(value, list):
        raise Unusable(f"{name} must be a list. Received: {name}={show(value)}")
    return value


def _image(entry: Mapping, filename: str, problems: Problems) -> Iterator[FoundImage]:
    if entry.get("unlabeled") or "annotations" not in entry:
        return
    objects = _list(entry, "annotations")
    common = {"unconfirmed": True} if entry.get("unconfirmed") else {}
    boxes: list[FoundBox] = []
    for number, annotation in enumerate(objects, 1):
        name = annotation.get("class") if isinstance(annotation, dict) else None
        what = f"{filename}, object {number} ({show(name)})"
        with problems.of(problems.source, what):
            if not isinstance(annotation, dict):
                raise Unusable(f"An object is needed. Received: {show(annotation)}")
            boxes += _boxes(annotation, what, common, problems)
    yield FoundImage(problems.source, filename, None, boxes, negative=not objects)


def _boxes(
    annotation: Mapping, what: str, common: Mapping[str, object], problems: Problems
) -> list[FoundBox]:
    prefixes = [
        key.removesuffix("width")
        for key in annotation
        if key.endswith("width") and key.removesuffix("width") + "height" in annotation
    ]
    if not prefixes:
        problems.leave_out("polygon" if "xn" in annotation else "point or other shape")
    keys = {prefix + side for prefix in prefixes for side in SIDES}
    rest = {key: value for key, value in annotation.items() if key not in keys | {"class"}}
    boxes = []
    for prefix in prefixes:
        x, y, width, height = (prefix + side for side in SIDES)
        edges = sides(annotation, (x, y, width, height))
        boxes.append(FoundBox(what, annotation.get("class"), edges, {**further(rest), **common}))
    return boxes


def write_sloth(
    annotations: pd.DataFrame,
    path: str | PathLike[str],
    *,
    image_dir: str | PathLike[str] | None = None,
    lossy: str = "warn",
) -> Path:
    """Writes a table as a Sloth JSON file.

    Edges are kept to a millionth of a pixel. Columns that Sloth does not know are written as keys
    of the objects; ``width`` and ``height`` of the image are not.

    Args:
        annotations: A table of boxes.
        path: The JSON file; an older one is replaced.
        image_dir: Where the images lie; ``None`` for the folder of the file. Their sizes are
            read there, if the table has no ``width`` and ``height``.
        lossy: ``"warn"``, ``"raise"`` or ``"allow"`` for what the file cannot hold.

    Returns:
        The path.

    Raises:
        ValueError: If the table cannot be used.

    Example:
        >>> import json, keras_bbox as kb, pandas as pd, tempfile
        >>> table = pd.DataFrame([dict(filename="a.jpg", x_min=0.0, x_max=0.5, y_min=0.25,
        ...     y_max=1.0, class_name="cake", width=100, height=80)])
        >>> path = kb.annotations.write_sloth(table, tempfile.mkdtemp() + "/labels.json",
        ...                                   lossy="allow")
        >>> json.loads(path.read_text())[0]["annotations"]
        [{'class': 'cake', 'x': 0, 'y': 20, 'width': 50, 'height': 60}]
    """
    path = Path(path)
    folder = path.parent if image_dir is None else image_dir
    prefix = PurePosixPath(Path(os.path.relpath(folder, path.parent)).as_posix())
    entries = []
    for image in given_images(annotations, "sloth", lossy, folder):
        objects = []
        for box in image.boxes:
            x1, y1, x2, y2 = pixel_edges(box, image.size, DECIMALS)
            place = (x1, y1, round(x2 - x1, DECIMALS), round(y2 - y1, DECIMALS))
            sides_ = dict(zip(SIDES, place, strict=True))
            objects.append({**further_fields(box), "class": box["class_name"], **sides_})
        name = (prefix / image.filename).as_posix()
        entries.append({"class": "image", "filename": name, "annotations": objects})
    return write_whole(path, json.dumps(entries, ensure_ascii=False, indent=1))
