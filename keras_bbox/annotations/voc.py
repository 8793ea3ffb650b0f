"""Pascal VOC XML, as RectLabel, LabelImg and others write it: one file an image."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple
from xml.etree.ElementTree import Element

import pandas as pd

from keras_bbox.annotations.documents import MAX_BYTES_OF_ONE_IMAGE, load_xml, write_whole
from keras_bbox.annotations.found import (
    FoundBox,
    FoundImage,
    corners,
    hull,
    make_table,
    stated_size,
    to_flag,
)
from keras_bbox.annotations.given import GivenImage, given_images, one_file_each, pixel_edges
from keras_bbox.annotations.markup import add, as_text, child, text_of
from keras_bbox.annotations.paths import IMAGE_ENDINGS, inner_name
from keras_bbox.annotations.problems import Problems, Unusable, show, to_number

CORNERS = ("xmin", "ymin", "xmax", "ymax")
FLAGS = ("truncated", "occluded", "difficult")
OUTLINES = ("polygon", "cubic_bezier")

_COORDINATE = re.compile(r"[xy](?=\d|$)")


class _File(NamedTuple):
    """One XML file, read: its name for messages, its place below the root, its elements."""

    name: str
    path: Path
    root: Element


def read_voc(
    path: str | PathLike[str],
    image_dir: str | PathLike[str] | None = None,
    *,
    origin: Literal[0, 1, "auto"] = "auto",
    errors: str = "raise",
    max_bytes: int = MAX_BYTES_OF_ONE_IMAGE,
) -> pd.DataFrame:
    """Reads Pascal VOC XML files, as RectLabel, LabelImg and CVAT write them.

    Pascal VOC and RectLabel count pixels from 1 and name the first and the last of a box:
    ``(1, 1, 100, 100)`` is the whole of an image of 100 x 100. Others write edges from 0. A
    coordinate below 1 anywhere in the files proves the latter, and ``origin="auto"`` looks for
    one. An object outlined by a ``polygon`` or a ``cubic_bezier`` in place of a ``bndbox`` gets
    the box round its points. A file without objects makes its image a negative.

    Args:
        path: An XML file, or a folder with such files, also in folders below it.
        image_dir: The folder that the images lie below; ``None`` for that of the XML files. The
            image of a file has the path of the file below ``path`` and the name it states, or
            lies in the ``folder`` it states, or directly in ``image_dir``: the first that is
            there. Its stated ``path``, which names another machine's folder, is not used.
        origin: 1 or 0 for what a coordinate of the first pixel is; ``"auto"`` to find out.
        errors: ``"raise"`` for an error that lists the objects that cannot be used, ``"warn"``
            to leave those out with a warning, ``"skip"`` to do so without.
        max_bytes: The largest size of one XML file.

    Returns:
        A table of boxes with ``filename``, ``width``, ``height``, ``truncated``, ``occluded``,
        ``difficult`` and ``pose`` as far as they are stated. Sizes that are missing or 0 are
        those of the image files. ``attrs`` holds ``skipped``, ``changed``, ``left_out`` (lists
        of what a message names) and ``origin``.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: For files and objects that cannot be used, with file, object and value.

    Example:
        >>> import keras_bbox as kb, pandas as pd, tempfile
        >>> table = pd.DataFrame([dict(filename="a.jpg", x_min=0.0, x_max=0.5, y_min=0.25,
        ...     y_max=1.0, class_name="cake", width=100, height=80)])
        >>> folder = kb.annotations.write_voc(table, tempfile.mkdtemp())
        >>> print((folder / "a.xml").read_text().split("<bndbox>")[1].split()[:2])
        ['<xmin>1</xmin>', '<ymin>21</ymin>']
        >>> kb.annotations.read_voc(folder)[["x_min", "x_max", "y_min", "y_max"]].values.tolist()
        [[0.0, 0.5, 0.25, 1.0]]
    """
    if origin not in (0, 1, "auto"):
        raise ValueError(f'origin must be 0, 1 or "auto". Received: origin={show(origin)}')
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    problems = Problems(path.name, errors)
    files = _read_files(path, folder, max_bytes, problems)
    counted_from = _find_origin(files) if origin == "auto" else int(origin)
    images = []
    for file in files:
        with problems.of(file.name, "file"):
            images.append(_image(file, folder, image_dir, counted_from, problems))
    table = make_table(images, problems, folder if image_dir is None else image_dir)
    table.attrs["origin"] = counted_from
    return table


def _read_files(path: Path, folder: Path, max_bytes: int, problems: Problems) -> list[_File]:
    paths = sorted(path.rglob("*.xml")) if path.is_dir() else [path]
    if not paths:
        raise ValueError(f"A folder of Pascal VOC holds .xml files. Received: path='{path}'")
    files = []
    for each in paths:
        name = each.relative_to(folder).as_posix()
        with problems.of(name, "file"):
            root = load_xml(each, max_bytes)
            if root.tag != "annotation":
                raise Unusable(
                    f"The outermost element must be annotation. Received: {show(root.tag)}"
                )
            files.append(_File(name, each.relative_to(folder), root))
    return files


def _find_origin(files: Sequence[_File]) -> int:
    """0 if a left or top edge lies before the first pixel's number in the other way to count."""
    for file in files:
        for element in file.root.iterfind("object/bndbox/*"):
            if element.tag in CORNERS[:2] and _is_zero(element.text):
                return 0
    return 1


def _is_zero(text: str | None) -> bool:
    try:
        return 0 <= to_number(text, "edge") < 1
    except Unusable:
        return False


def _image(
    file: _File,
    folder: Path,
    image_dir: str | PathLike[str] | None,
    origin: int,
    problems: Problems,
) -> FoundImage:
    filename = _filename(file, Path(folder if image_dir is None else image_dir))
    objects = file.root.findall("object")
    boxes: list[FoundBox] = []
    for number, element in enumerate(objects, 1):
        what = f"object {number} ({show(text_of(element, 'name'))})"
        with problems.of(file.name, what):
            boxes += _box(element, what, file.name, origin, problems)
    size = child(file.root, "size")
    stated = stated_size(text_of(size, "height"), text_of(size, "width"))
    return FoundImage(file.name, filename, stated, boxes, negative=not objects)


def _filename(file: _File, root: Path) -> str:
    """The first place at which the image is found, or else the one beside the XML file."""
    stated = text_of(file.root, "filename") or file.path.stem
    name = inner_name(stated, root)
    beside, folder = file.path.parent.as_posix(), text_of(file.root, "folder")
    places = [f"{beside}/{name}", f"{folder}/{name}" if folder else name, name]
    candidates = [place for place in map(_inner_or_none, places) if place]
    if PurePosixPath(name).suffix.lower() not in IMAGE_ENDINGS:
        candidates = [place + ending for place in candidates for ending in IMAGE_ENDINGS]
    found = (place for place in candidates if os.path.isfile(root / place))
    return next(found, candidates[0])


def _inner_or_none(name: str) -> str | None:
    try:
        return inner_name(name)
    except Unusable:
        return None


def _box(
    element: Element, what: str, file: str, origin: int, problems: Problems
) -> Iterator[FoundBox]:
    box = child(element, "bndbox")
    if box is not None:
        edges = corners({part.tag: part.text for part in box}, CORNERS, origin)
    else:
        outline = next((o for o in OUTLINES if child(element, o) is not None), None)
        if outline is None:
            shapes = [part.tag for part in element if len(part)]
            problems.leave_out(shapes[0] if shapes else "object without a box")
            return
        x1, y1, x2, y2 = hull(_points(child(element, outline)))
        edges = (x1 - origin, y1 - origin, x2, y2)
        problems.change(file, what, f"the box round its {outline} was taken.")
    yield FoundBox(what, text_of(element, "name"), edges, _fields(element))


def _points(outline: Element | None) -> list[tuple[float, float]]:
    """Points from the elements x1, y1, x2, y2, ...; the handles of curves are named x1_c1, ..."""
    values = {part.tag: part.text for part in outline} if outline is not None else {}
    points = []
    for name in values:
        if name.startswith("x") and _COORDINATE.match(name):
            partner = "y" + name[1:]
            points.append((to_number(values[name], name), to_number(values.get(partner), partner)))
    return points


def _fields(element: Element) -> dict[str, object]:
    fields: dict[str, object] = {name: to_flag(text_of(element, name)) for name in FLAGS}
    pose = text_of(element, "pose")
    fields["pose"] = None if pose == "Unspecified" else pose or None
    return {name: value for name, value in fields.items() if value is not None}


def write_voc(
    annotations: pd.DataFrame,
    path: str | PathLike[str],
    *,
    image_dir: str | PathLike[str] | None = None,
    origin: Literal[0, 1] = 1,
    decimals: int = 0,
    lossy: str = "warn",
) -> Path:
    """Writes a Pascal VOC XML file for each image of a table.

    Edges are rounded to whole pixels, as many programs expect; a box keeps at least one pixel.

    Args:
        annotations: A table of boxes.
        path: The folder; ``sub/a.jpg`` becomes ``sub/a.xml`` in it. Older files are replaced.
        image_dir: Where the images lie, if the table has no ``width`` and ``height``.
        origin: 1 for pixels counted from 1 and inclusive, as Pascal VOC and RectLabel do; 0 for
            edges counted from 0.
        decimals: How many decimals of a pixel are kept.
        lossy: ``"warn"``, ``"raise"`` or ``"allow"`` for what the files cannot hold.

    Returns:
        The folder.

    Raises:
        ValueError: If the table cannot be used, two images would share a file, or
            ``lossy="raise"`` and something would be lost.

    Example:
        >>> import keras_bbox as kb, pandas as pd, tempfile
        >>> table = pd.DataFrame([dict(filename="sub/a.jpg", x_min=0.0, x_max=0.5, y_min=0.25,
        ...     y_max=1.0, class_name="cake", width=100, height=80)])
        >>> folder = kb.annotations.write_voc(table, tempfile.mkdtemp())
        >>> (folder / "sub" / "a.xml").exists()
        True
    """
    if origin not in (0, 1):
        raise ValueError(f"origin must be 0 or 1. Received: origin={show(origin)}")
    images = given_images(annotations, "voc", lossy, image_dir, decimals=decimals)
    for name, image in one_file_each(images, ".xml").items():
        write_whole(Path(path) / name, as_text(_document(image, origin, decimals)))
    return Path(path)


def _document(image: GivenImage, origin: int, decimals: int) -> Element:
    root = Element("annotation")
    name = PurePosixPath(image.filename)
    add(root, "folder", name.parent.name)
    add(root, "filename", name.name)
    size, (height, width) = add(root, "size"), image.size
    for tag, value in (("width", width), ("height", height), ("depth", 3)):
        add(size, tag, value)
    add(root, "segmented", 0)
    for box in image.boxes:
        _add_object(root, box, pixel_edges(box, image.size, decimals), origin)
    return root


def _add_object(root: Element, box: dict, edges: Sequence[float], origin: int) -> None:
    element = add(root, "object")
    add(element, "name", box["class_name"])
    add(element, "pose", box.get("pose", "Unspecified"))
    for flag in FLAGS:
        if flag in box:
            add(element, flag, int(box[flag]))
    x1, y1, x2, y2 = edges
    bndbox = add(element, "bndbox")
    for name, edge in zip(CORNERS, (x1 + origin, y1 + origin, x2, y2), strict=True):
        add(bndbox, name, edge)
