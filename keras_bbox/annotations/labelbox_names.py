"""The name of an image file among the names that a Labelbox row has for it."""

from __future__ import annotations

from os import PathLike
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from keras_bbox.annotations.paths import inner_name


def image_name(*names: object, image_dir: str | PathLike[str]) -> str:
    """The first name that is given; of an address, its last part."""
    name = next((name for name in names if isinstance(name, str) and name.strip()), None)
    if isinstance(name, str) and "://" in name:
        try:
            name = PurePosixPath(unquote(urlsplit(name).path)).name
        except ValueError:
            name = None
    return inner_name(name, image_dir)
