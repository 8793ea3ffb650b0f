"""A table of predicted boxes as pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bbox.images import open_photo
from keras_bbox.plotting._figures import check_columns
from keras_bbox.plotting._gallery import plot_gallery

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

COUNT = 24
SIDE = 480  # pixels that are enough of the shorter side: larger JPEG files are decoded smaller
TITLE_LENGTH = 36


def plot_boxes(
    frame: pd.DataFrame,
    images: Sequence[Any] | None = None,
    *,
    relative: bool = False,
    count: int = COUNT,
    columns: int | None = None,
) -> Figure:
    """Draws what ``predict_boxes`` found: each image with its box, class and probability.

    Args:
        frame: A table from ``predict_boxes``, or some rows of one. Rows of one image, as after
            joining several tables, come into one picture.
        images: The list of arrays that was given to ``predict_boxes``, if it was one: the table
            then holds positions in it, and no paths.
        relative: Whether the boxes are fractions of width and height.
        count: How many images to draw at the most, the first ones.
        columns: Images in a row.

    Returns:
        The figure, with one axes for each image.

    Raises:
        FileNotFoundError: If an image file is missing.
        ValueError: If there is nothing to draw, or a table of positions comes without the images.

    Example:
        >>> import keras_bbox as kb, numpy as np, pandas as pd
        >>> photo = np.full((60, 80, 3), 200, "uint8")
        >>> frame = pd.DataFrame({
        ...     "image": [0], "class_name": ["cake"], "score": [0.9], "x_min": [10.0],
        ...     "x_max": [50.0], "y_min": [10.0], "y_max": [40.0], "width": [80], "height": [60]})
        >>> figure = kb.plot_boxes(frame, [photo])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['cake 0.90']
    """
    check_columns(columns)
    chosen = list(dict.fromkeys(frame["image"]))[: max(count, 0)]
    if not chosen:
        raise ValueError(
            "There must be an image to draw. Pass a table with rows, and a count of at least 1. "
            f"Received: {len(frame)} rows, count={count}"
        )
    size = 1.0 if relative else frame[["width", "height", "width", "height"]].to_numpy(float)
    boxes = frame[["x_min", "y_min", "x_max", "y_max"]].to_numpy(float) / size
    rows = [np.flatnonzero(frame["image"] == image) for image in chosen]
    return plot_gallery(
        [_pixels(image, images) for image in chosen],
        [boxes[own] for own in rows],
        [frame["class_name"].iloc[own].tolist() for own in rows],
        [_title(image) for image in chosen],
        scores=[frame["score"].iloc[own].tolist() for own in rows],
        columns=columns,
    )


def _pixels(image: Any, images: Sequence[Any] | None) -> np.ndarray:
    if isinstance(image, (str, os.PathLike)):
        photo = open_photo(image)
        shorter = min(photo.shape[:2])
        return photo.decode(next((f for f in (8, 4, 2) if shorter >= f * SIDE), 1))[0]
    if images is None:
        raise ValueError(
            "The table holds positions in a list of images. Pass that list too: "
            f"plot_boxes(frame, images). Received: image={image!r}"
        )
    source = images[image]
    return _pixels(source, None) if isinstance(source, (str, os.PathLike)) else np.asarray(source)


def _title(image: Any) -> str:
    name = os.path.basename(image) if isinstance(image, (str, os.PathLike)) else str(image)
    return name if len(name) <= TITLE_LENGTH else f"…{name[-TITLE_LENGTH + 1 :]}"
