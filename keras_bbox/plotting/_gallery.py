"""Pictures of any size side by side, each with its boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bbox.plotting._figures import picture_grid, set_title
from keras_bbox.plotting.image import plot_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADER = 0.25
TITLE_SIZE = 7


def plot_gallery(
    images: Sequence[np.ndarray],
    boxes: Sequence[np.ndarray],
    labels: Sequence[Sequence[Any]],
    titles: Sequence[str],
    colors: Sequence[Any] | None = None,
    *,
    scores: Sequence[Sequence[float]] | None = None,
    columns: int | None = None,
) -> Figure:
    """Draws pictures in a grid whose cells have the middle one of their shapes.

    Args:
        images: ``uint8`` RGB, each of its own size.
        boxes: For each image an array of shape ``(N, 4)`` in ``rel_xyxy``.
        labels: For each image one label a box.
        titles: One text for each image.
        colors: For each image what ``plot_image`` takes as ``colors``.
        scores: For each image one confidence a box.
        columns: Images in a row.

    Returns:
        The figure.
    """
    aspect = float(np.median([image.shape[0] / image.shape[1] for image in images]))
    figure, axes = picture_grid(len(images), aspect, columns=columns, header=HEADER)
    for k, ax in enumerate(axes):
        own = colors[k] if colors is not None else None
        confidences = scores[k] if scores is not None else None
        plot_image(images[k], boxes[k], labels[k], scores=confidences, colors=own, ax=ax)
        set_title(ax, titles[k], TITLE_SIZE)
    return figure
