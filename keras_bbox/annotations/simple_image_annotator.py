"""The CSV of Simple Image Annotator: whole pixels, often without a header, never with quotes."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path

import pandas as pd

from keras_bbox.annotations.documents import MAX_BYTES, read_text, split_lines, write_whole
from keras_bbox.annotations.found import FoundBox, FoundImage, corners, make_table
from keras_bbox.annotations.given import given_images, pixel_edges
from keras_bbox.annotations.paths import inner_name
from keras_bbox.annotations.problems import Problems, Unusable, show

HEADER = "image,id,name,xMin,xMax,yMin,yMax"
EDGES = ("xMin", "xMax", "yMin", "yMax")
CORNERS = ("xMin", "yMin", "xMax", "yMax")


def read_simple_image_annotator(
    path: str | PathLike[str],
    image_dir: str | PathLike[str] | None = None,
    *,
    errors: str = "raise",
    max_bytes: int = MAX_BYTES,
) -> pd.DataFrame:
    """Reads a CSV of Simple Image Annotator.

    A header may be there or not, and may occur again where the tool was told to append. Names are
    not quoted, so a comma in one is part of it. The file states no sizes, so those of the image
    files are read.

    Args:
        path: The CSV file.
        image_dir: The folder that the images lie below; ``None`` for that of the file.
        errors: ``"raise"``, ``"warn"`` or ``"skip"`` for lines that cannot be used, such as those
            of boxes without a name or a size, as in ``read_voc``.
        max_bytes: The largest size of the file.

    Returns:
        A table of boxes with ``filename``, ``width`` and ``height``. ``attrs`` holds ``skipped``,
        ``changed`` and ``left_out``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For a file or lines that cannot be used, with line and value.

    Example:
        >>> import keras_bbox as kb, numpy as np, tempfile
        >>> from keras_bbox.images import write_image
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_image(folder + "/a.png", np.zeros((50, 100, 3), "uint8"))
        >>> with open(folder + "/out.csv", "w") as file:
        ...     print("a.png,1,hot dog,10,30,5,25", file=file)
        >>> table = kb.annotations.read_simple_image_annotator(folder + "/out.csv")
        >>> table[["x_min", "x_max", "y_min", "y_max", "class_name"]].values.tolist()
        [[0.1, 0.3, 0.1, 0.5, 'hot dog']]
    """
    path = Path(path)
    root = path.parent if image_dir is None else image_dir
    problems = Problems(path.name, errors)
    boxes: dict[str, list[FoundBox]] = {}
    for number, line in enumerate(split_lines(read_text(path, max_bytes), path.name), 1):
        if not line.strip() or line.strip() == HEADER:
            continue
        with problems.of(path.name, f"line {number}"):
            image, name, values = _split(line)
            filename = inner_name(image, root)
            what = f"line {number} ({show(name)})"
            with problems.of(path.name, what):
                box = FoundBox(what, name, corners(values, CORNERS), {})
                boxes.setdefault(filename, []).append(box)
    images = [FoundImage(path.name, filename, None, found) for filename, found in boxes.items()]
    return make_table(images, problems, root)


def _split(line: str) -> tuple[str, str, dict[str, object]]:
    """Image, name and edges of a line; the id, a whole number, tells the first two apart."""
    fields = line.split(",")
    middle = next((k for k, field in enumerate(fields) if k and _is_whole(field)), 0)
    if not middle or middle > len(fields) - 6:
        raise Unusable(f"A line is {HEADER}. Received: {show(line)}")
    values: dict[str, object] = dict(zip(EDGES, fields[-4:], strict=True))
    return ",".join(fields[:middle]), ",".join(fields[middle + 1 : -4]), values


def _is_whole(text: str) -> bool:
    return re.fullmatch(r"\s*\d{1,9}\s*", text) is not None


def write_simple_image_annotator(
    annotations: pd.DataFrame,
    path: str | PathLike[str],
    *,
    image_dir: str | PathLike[str] | None = None,
    lossy: str = "warn",
) -> Path:
    """Writes a table as a CSV of Simple Image Annotator, with a header.

    Edges are rounded to whole pixels; a box keeps at least one. Negatives have no place in it.

    Args:
        annotations: A table of boxes.
        path: The CSV file; an older one is replaced.
        image_dir: Where the images lie, if the table has no ``width`` and ``height``.
        lossy: ``"warn"``, ``"raise"`` or ``"allow"`` for what the file cannot hold.

    Returns:
        The path.

    Raises:
        ValueError: If the table cannot be used, or a name cannot be told from what stands next
            to it.

    Example:
        >>> import keras_bbox as kb, pandas as pd, tempfile
        >>> table = pd.DataFrame([dict(filename="a.jpg", x_min=0.0, x_max=0.5, y_min=0.25,
        ...     y_max=1.0, class_name="cake", width=100, height=80)])
        >>> path = kb.annotations.write_simple_image_annotator(
        ...     table, tempfile.mkdtemp() + "/out.csv", lossy="allow")
        >>> print(path.read_text())
        image,id,name,xMin,xMax,yMin,yMax
        a.jpg,1,cake,0,50,20,80
        <BLANKLINE>
    """
    lines = [HEADER]
    for image in given_images(annotations, "simple_image_annotator", lossy, image_dir, decimals=0):
        for number, box in enumerate(image.boxes, 1):
            x1, y1, x2, y2 = pixel_edges(box, image.size, 0)
            name = box["class_name"]
            line = f"{image.filename},{number},{name},{x1},{x2},{y1},{y2}"
            if len(line.splitlines()) > 1 or _split(line)[:2] != (image.filename, name):
                raise ValueError(
                    "Simple Image Annotator does not quote: names hold no line ends, and file "
                    f"names no numbers between commas. Rename them. Received: {show(line)}"
                )
            lines.append(line)
    return write_whole(path, "\n".join(lines) + "\n")
