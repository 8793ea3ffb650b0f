"""CVAT for images 1.1 and CVAT for video 1.1: XML with one box an element."""

from __future__ import annotations

import math
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

import pandas as pd

from keras_bbox.annotations.documents import MAX_BYTES, load_xml, write_whole
from keras_bbox.annotations.found import (
    FLAGS,
    Edges,
    FoundBox,
    FoundImage,
    Size,
    corners,
    further,
    make_table,
    stated_size,
    to_flag,
)
from keras_bbox.annotations.given import (
    GivenImage,
    further_fields,
    given_images,
    pixel_edges,
    whole,
)
from keras_bbox.annotations.markup import add, as_text, text_of
from keras_bbox.annotations.paths import inner_name
from keras_bbox.annotations.problems import Problems, Unreadable, show, to_number

CORNERS = ("xtl", "ytl", "xbr", "ybr")
# What a box states of itself, beside the attributes that a project defines.
OWN = ("z_order", "group_id", "source")
FRAME_NAME = "frame_{number:06d}.PNG"


class _Context(NamedTuple):
    """What every box of a file needs to know."""

    file: str
    root: str | PathLike[str]
    problems: Problems


def read_cvat(
    path: str | PathLike[str],
    image_dir: str | PathLike[str] | None = None,
    *,
    frame_name: str = FRAME_NAME,
    errors: str = "raise",
    max_bytes: int = MAX_BYTES,
) -> pd.DataFrame:
    """Reads the boxes of a CVAT XML file, for images 1.1 or for video 1.1.

    An image without any shape is a negative. A rotated box becomes the upright box round it, and
    a warning tells so; polygons, polylines, points and tags are left out and counted. Of a video,
    each frame in which a track is visible gives a row, with its ``track_id``.

    Args:
        path: The XML file.
        image_dir: The folder that the images lie below; ``None`` for that of the file.
        frame_name: The name of the image file of frame ``number`` of a video.
        errors: ``"raise"``, ``"warn"`` or ``"skip"`` for boxes that cannot be used, as in
            ``read_voc``.
        max_bytes: The largest size of the file.

    Returns:
        A table of boxes with ``filename``, ``width``, ``height``, ``occluded``, ``z_order``,
        ``group_id``, ``source`` and the project's own attributes as text. ``attrs`` holds
        ``skipped``, ``changed`` and ``left_out``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For a file or boxes that cannot be used, with file, object and value.

    Example:
        >>> import keras_bbox as kb, tempfile
        >>> path = tempfile.mkdtemp() + "/task.xml"
        >>> with open(path, "w") as file:
        ...     _ = file.write('<annotations><image name="a.jpg" width="10" height="20">'
        ...         '<box label="cake" xtl="1" ytl="2" xbr="5" ybr="20" occluded="1"/></image>'
        ...         '<image name="b.jpg" width="10" height="20"/></annotations>')
        >>> table = kb.annotations.read_cvat(path)
        >>> table[["filename", "x_min", "x_max", "y_min", "y_max"]].values.tolist()
        [['a.jpg', 0.1, 0.5, 0.1, 1.0], ['b.jpg', nan, nan, nan, nan]]
    """
    path = Path(path)
    root = load_xml(path, max_bytes)
    if root.tag != "annotations":
        raise Unreadable(
            path.name, f"The outermost element must be annotations. Received: {show(root.tag)}"
        )
    problems = Problems(path.name, errors)
    folder = path.parent if image_dir is None else image_dir
    context = _Context(path.name, folder, problems)
    images = [*_images(root, context), *_frames(root, frame_name, context)]
    return make_table(images, problems, folder)


def _images(root: Element, context: _Context) -> Iterator[FoundImage]:
    for element in root.iterfind("image"):
        name = element.get("name")
        with context.problems.of(context.file, f"image {show(name)}"):
            filename = inner_name(name, context.root)
            boxes = []
            for number, shape in enumerate(element, 1):
                if shape.tag == "box":
                    what = f"image {show(name)}, object {number}"
                    boxes += _box(shape, what, shape.get("label"), context)
                else:
                    context.problems.leave_out(shape.tag)
            size = stated_size(element.get("height"), element.get("width"))
            yield FoundImage(context.file, filename, size, boxes, negative=not len(element))


def _frames(root: Element, frame_name: str, context: _Context) -> list[FoundImage]:
    frames: dict[int, list[FoundBox]] = {}
    for track in root.iterfind("track"):
        for shape in track:
            if shape.tag != "box":
                context.problems.leave_out(f"{shape.tag} in tracks")
                continue
            if shape.get("outside") == "1":
                continue
            what = f"track {show(track.get('id'))}, frame {show(shape.get('frame'))}"
            with context.problems.of(context.file, what):
                number = int(to_number(shape.get("frame"), "frame"))
                boxes = frames.setdefault(number, [])
                for box in _box(shape, what, track.get("label"), context):
                    fields = {"track_id": track.get("id", ""), **box.fields}
                    boxes.append(box._replace(fields=fields))
    size = _video_size(root)
    return [
        FoundImage(context.file, inner_name(frame_name.format(number=number)), size, boxes)
        for number, boxes in sorted(frames.items())
        if boxes
    ]


def _video_size(root: Element) -> Size | None:
    size = root.find("meta//original_size")
    return stated_size(text_of(size, "height"), text_of(size, "width"))


def _box(shape: Element, what: str, label: str | None, context: _Context) -> list[FoundBox]:
    boxes = []
    what = f"{what} ({show(label)})"
    with context.problems.of(context.file, what):
        edges = corners(shape.attrib, CORNERS)
        degrees = to_number(shape.get("rotation", "0"), "rotation")
        if degrees % 360:
            edges = _round_rotated(edges, degrees)
            change = f"rotation={degrees:g}: the upright box round the rotated one was taken."
            context.problems.change(context.file, what, change)
        boxes.append(FoundBox(what, label, edges, _fields(shape)))
    return boxes


def _round_rotated(edges: Edges, degrees: float) -> Edges:
    x1, y1, x2, y2 = edges
    cos, sin = (abs(f(math.radians(degrees))) for f in (math.cos, math.sin))
    half_width = ((x2 - x1) * cos + (y2 - y1) * sin) / 2
    half_height = ((x2 - x1) * sin + (y2 - y1) * cos) / 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return x - half_width, y - half_height, x + half_width, y + half_height


def _fields(shape: Element) -> dict[str, object]:
    attributes = {
        part.get("name", ""): (part.text or "").strip() for part in shape.iterfind("attribute")
    }
    own = {name: shape.get(name, "") for name in OWN}
    fields = further({**attributes, **own})
    occluded = to_flag(shape.get("occluded"))
    return fields if occluded is None else {"occluded": occluded, **fields}


def write_cvat(
    annotations: pd.DataFrame,
    path: str | PathLike[str],
    *,
    image_dir: str | PathLike[str] | None = None,
    decimals: int = 2,
    lossy: str = "warn",
) -> Path:
    """Writes a table as one CVAT for images 1.1 file.

    Columns that CVAT has no place of its own for become attributes, which are text.

    Args:
        annotations: A table of boxes.
        path: The XML file; an older one is replaced.
        image_dir: Where the images lie, if the table has no ``width`` and ``height``.
        decimals: How many decimals of a pixel are kept; CVAT itself writes two.
        lossy: ``"warn"``, ``"raise"`` or ``"allow"`` for what the file cannot hold.

    Returns:
        The path.

    Raises:
        ValueError: If the table cannot be used, or ``lossy="raise"`` and something would be lost.

    Example:
        >>> import keras_bbox as kb, pandas as pd, tempfile
        >>> table = pd.DataFrame([dict(filename="a.jpg", x_min=0.0, x_max=0.5, y_min=0.25,
        ...     y_max=1.0, class_name="cake", width=100, height=80, flavor="lemon")])
        >>> path = kb.annotations.write_cvat(table, tempfile.mkdtemp() + "/task.xml")
        >>> kb.annotations.read_cvat(path)[["x_max", "flavor"]].values.tolist()
        [[0.5, 'lemon']]
    """
    images = given_images(annotations, "cvat", lossy, image_dir, decimals=decimals)
    root = Element("annotations")
    add(root, "version", "1.1")
    _add_labels(root, images)
    for number, image in enumerate(images):
        height, width = image.size
        attributes = {"id": number, "name": image.filename, "width": width, "height": height}
        element = add(root, "image", None, **attributes)
        for box in image.boxes:
            _add_box(element, box, pixel_edges(box, image.size, decimals))
    return write_whole(path, as_text(root))


def _add_labels(root: Element, images: list[GivenImage]) -> None:
    labels = add(add(add(root, "meta"), "task"), "labels")
    for name in sorted({box["class_name"] for image in images for box in image.boxes}):
        add(add(labels, "label"), "name", name)


def _add_box(parent: Element, box: dict, edges: Edges) -> None:
    fields = further_fields(box)
    attributes = {"label": box["class_name"], "occluded": int(fields.pop("occluded", 0))}  # type: ignore[call-overload]
    attributes |= dict(zip(CORNERS, edges, strict=True))
    attributes |= {name: fields.pop(name) for name in OWN if name in fields}
    element = add(parent, "box", None, **attributes)
    for name, value in fields.items():
        add(element, "attribute", _attribute_text(name, value), **{"name": name})


def _attribute_text(name: str, value: object) -> object:
    if isinstance(value, bool) or name in FLAGS:
        return "true" if value else "false"
    return whole(value) if isinstance(value, float) else value
