"""Names of image files, as other people's files give them: none leads out of its folder."""

from __future__ import annotations

import os
import posixpath
import re
from os import PathLike
from pathlib import Path, PurePosixPath

from keras_bbox.annotations.problems import Unusable, show

LONGEST_NAME = 4096
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")

_DRIVE = re.compile(r"^[A-Za-z]:")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")


def inner_name(name: object, image_dir: str | PathLike[str] | None = None) -> str:
    """Gives the path below ``image_dir`` that a file names.

    Backslashes are taken for slashes. A path that begins at a root or a drive belongs to the
    machine it was written on: it counts if it lies in ``image_dir``, or if its end does.

    Raises:
        Unusable: If the name is none, or leads out of ``image_dir``.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
        raise Unusable(f"An image needs the name of its file. Received: filename={show(name)}")
    if "\0" in name or _SCHEME.match(name):
        raise Unusable(f"Images are files, named by a path. Received: filename={show(name)}")
    path = name.replace("\\", "/")
    if path.startswith("/") or _DRIVE.match(path):
        path = _end_inside(path, image_dir)
    inner = posixpath.normpath(path) if path else ".."
    if inner in (".", "..") or inner.startswith("../"):
        raise Unusable(
            "A path in an annotation file cannot lead outside image_dir. Name the folder that "
            f"holds the images, or correct the path. Received: filename={show(name)}"
        )
    return inner


def _end_inside(path: str, image_dir: str | PathLike[str] | None) -> str:
    if image_dir is None:
        return ""
    root = Path(image_dir).absolute()
    if PurePosixPath(path).is_relative_to(root.as_posix()):
        return PurePosixPath(path).relative_to(root.as_posix()).as_posix()
    parts = [part for part in _DRIVE.sub("", path).split("/") if part not in ("", ".")]
    if ".." in parts:
        return ""
    ends = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((end for end in ends if os.path.isfile(root / end)), "")


def with_ending(name: str, image_dir: str | PathLike[str] | None) -> str:
    """Completes a name that has no ending by that of the file in ``image_dir``, else ``.jpg``."""
    if PurePosixPath(name).suffix.lower() in IMAGE_ENDINGS:
        return name
    root = Path(image_dir or ".")
    found = (name + ending for ending in IMAGE_ENDINGS if os.path.isfile(root / (name + ending)))
    if os.path.isfile(root / name):
        return name
    return next(found, f"{name}.jpg")


def images_below(folder: Path) -> list[str]:
    """Lists the image files below a folder, sorted, as paths below it."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_ENDINGS and path.is_file()
    )
