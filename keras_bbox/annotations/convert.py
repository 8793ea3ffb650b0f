"""Annotations of any known format to the table, and back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from os import PathLike
from pathlib import Path

import pandas as pd

from keras_bbox.annotations.coco import read_coco, write_coco
from keras_bbox.annotations.csv import read_csv, write_csv
from keras_bbox.annotations.cvat import read_cvat, write_cvat
from keras_bbox.annotations.detect import find_format
from keras_bbox.annotations.labelbox import read_labelbox, write_labelbox
from keras_bbox.annotations.lossy import find_target, tell
from keras_bbox.annotations.open_images import read_open_images, write_open_images
from keras_bbox.annotations.simple_image_annotator import (
    read_simple_image_annotator,
    write_simple_image_annotator,
)
from keras_bbox.annotations.sloth import read_sloth, write_sloth
from keras_bbox.annotations.voc import read_voc, write_voc
from keras_bbox.annotations.yolo import read_yolo, write_yolo

READERS: dict[str, Callable[..., pd.DataFrame]] = {
    "coco": read_coco,
    "cvat": read_cvat,
    "labelbox": read_labelbox,
    "open_images": read_open_images,
    "simple_image_annotator": read_simple_image_annotator,
    "sloth": read_sloth,
    "voc": read_voc,
    "yolo": read_yolo,
}
WRITERS: dict[str, Callable[..., Path]] = {
    "coco": write_coco,
    "cvat": write_cvat,
    "labelbox": write_labelbox,
    "labelbox_csv": partial(write_labelbox, version="csv"),
    "labelbox_v1": partial(write_labelbox, version="v1"),
    "open_images": write_open_images,
    "simple_image_annotator": write_simple_image_annotator,
    "sloth": write_sloth,
    "voc": write_voc,
    "yolo": write_yolo,
}


def read(
    path: str | PathLike[str],
    image_dir: str | PathLike[str] | None = None,
    *,
    errors: str = "raise",
    **options: object,
) -> pd.DataFrame:
    """Reads annotations of any known format, which is found from the content.

    Args:
        path: A file, or a folder in the case of Pascal VOC and YOLO.
        image_dir: The folder that the images lie below; ``None`` for that of the file.
        errors: ``"raise"`` for an error that lists the objects that cannot be used, ``"warn"`` to
            leave those out with a warning, ``"skip"`` to do so without.
        **options: Further arguments of the format's own reader, such as ``origin`` of
            ``read_voc``.

    Returns:
        A table of boxes. Its ``attrs`` hold the report: ``skipped``, ``changed``, ``left_out``,
        and ``format``.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If no format fits, or for objects that cannot be used.

    Example:
        >>> import keras_bbox as kb, tempfile
        >>> path = tempfile.mkdtemp() + "/task.xml"
        >>> with open(path, "w") as file:
        ...     _ = file.write('<annotations><image name="a.jpg" width="10" height="20">'
        ...         '<box label="cake" xtl="1" ytl="2" xbr="5" ybr="20"/></image></annotations>')
        >>> table = kb.annotations.read(path)
        >>> table.loc[0, ["filename", "class_name"]].tolist(), table.attrs["format"]
        (['a.jpg', 'cake'], 'cvat')
    """
    format = find_format(path)
    if format == "csv":
        table = read_csv(path, errors=errors, **options)  # type: ignore[arg-type]
    else:
        table = READERS[format](path, image_dir, errors=errors, **options)
    table.attrs["format"] = format
    return table


def write(
    annotations: pd.DataFrame,
    path: str | PathLike[str],
    format: str,
    *,
    lossy: str = "warn",
    **options: object,
) -> Path:
    """Writes a table in a format, and says before what that cannot hold.

    Args:
        annotations: A table of boxes.
        path: The file, or the folder for ``"voc"`` and ``"yolo"``.
        format: One of the names that ``lossy`` takes.
        lossy: ``"warn"``, ``"raise"`` or ``"allow"`` for what would be lost.
        **options: Further arguments of the format's own writer, such as ``image_dir``.

    Returns:
        What was written: the file, the folder of ``"voc"``, or the ``data.yaml`` of ``"yolo"``.

    Raises:
        ValueError: If the table cannot be used, there is no such format, or ``lossy="raise"`` and
            something would be lost.

    Example:
        >>> import keras_bbox as kb, pandas as pd, tempfile
        >>> table = pd.DataFrame([dict(filename="a.jpg", x_min=0.0, x_max=0.5, y_min=0.25,
        ...     y_max=1.0, class_name="cake", confidence=0.9)])
        >>> path = tempfile.mkdtemp() + "/boxes.csv"
        >>> kb.annotations.write(table, path, "simple_image_annotator", lossy="raise")
        Traceback (most recent call last):
        ...
        ValueError: Simple Image Annotator cannot hold all of the table:
          Simple Image Annotator has no place for the column 'confidence'.
          Edges are rounded to whole pixels.
        Pass lossy="allow" to write the rest.
    """
    find_target(format)
    if format == "csv":
        tell(annotations, format, lossy)
        return write_csv(annotations, path)
    return WRITERS[format](annotations, path, lossy=lossy, **options)
