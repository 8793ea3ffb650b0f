"""Every image of a batch, with its boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bbox.plotting._figures import check_columns, font_size, picture_grid
from keras_bbox.plotting._pixels import to_numpy, to_pixels
from keras_bbox.plotting.image import plot_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_batch(
    batch: Any,
    index: int = 0,
    *,
    value_range: tuple[float, float] | None = None,
    class_names: Sequence[str] | None = None,
    bounding_box_format: str | None = None,
    columns: int | None = None,
) -> Figure:
    """Draws every image of a batch with its boxes, straight from a sequence.

    Rows that only fill up the last batch (all their sample weights are 0) are shown pale, marked
    "padding"; images whose boxes are all NaN are marked "no box".

    Args:
        batch: A ``BoundingBoxSequence``, or one of its batches: ``(images, (labels, boxes))`` or
            ``(images, (labels, boxes), (label_weights, box_weights))`` with images of shape
            ``(B, H, W, 3)``, labels ``(B,)`` and boxes ``(B, 4)``, or ``(B, N)`` and
            ``(B, N, 4)``.
        index: Which batch of a sequence.
        value_range: The image values that are black and white, as in ``plot_image``.
        class_names: Names by class id; the sequence's own unless given.
        bounding_box_format: Format of the boxes; the sequence's own unless given, and
            ``"rel_xyxy"`` for a batch.
        columns: Images in a row.

    Returns:
        The figure, with one axes for each image.

    Raises:
        ValueError: If the batch is built in another way, or as in ``plot_image``.

    Example:
        >>> import keras_bbox as kb, numpy as np
        >>> images = np.zeros((7, 32, 32, 3), "uint8")
        >>> boxes = np.full((7, 4), (0.1, 0.1, 0.6, 0.9))
        >>> figure = kb.plot_batch((images, (np.arange(7), boxes)))
        >>> len(figure.axes)
        7
    """
    check_columns(columns)
    if not isinstance(batch, tuple | list):
        class_names = class_names or getattr(batch, "class_names", None)
        bounding_box_format = bounding_box_format or getattr(batch, "bounding_box_format", None)
        batch = batch[index]
    images, labels, boxes, padded = _parts(batch)
    pixels = to_pixels(list(images), value_range)
    height, width = pixels[0].shape[:2]
    figure, axes = picture_grid(len(pixels), height / width, columns=columns)
    for row, ax in enumerate(axes):
        options: dict[str, Any] = {
            "bounding_box_format": bounding_box_format or "rel_xyxy",
            "ax": ax,
        }
        if padded[row]:
            plot_image(_pale(pixels[row]), **options)
            _mark(ax, "padding")
            continue
        plot_image(
            pixels[row],
            boxes[row].reshape(-1, 4),
            labels[row].reshape(-1),
            class_names=class_names,
            **options,
        )
        if not ax.patches:
            _mark(ax, "no box")
    return figure


def _parts(batch: Sequence[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns images, labels, boxes and which rows are padding."""
    built = len(batch) in (2, 3) and isinstance(batch[1], tuple | list) and len(batch[1]) == 2
    if not built:
        raise ValueError(
            "A batch must be (images, (labels, boxes)), or have sample weights as a third part. "
            f"Pass a BoundingBoxSequence or one of its batches. Received: {_describe(batch)}"
        )
    images, labels, boxes = (to_numpy(part) for part in (batch[0], *batch[1]))
    if not 0 < len(images) == len(labels) == len(boxes):
        raise ValueError(
            "Images, labels and boxes of a batch must be equally many, and at least one. Pass "
            f"the whole batch. Received: {_describe(batch)}"
        )
    weights = [to_numpy(part) for part in batch[2]] if len(batch) == 3 else []
    weighted = [np.any(part.reshape(len(images), -1), axis=1) for part in weights]
    padded = ~np.any(weighted, axis=0) if weighted else np.zeros(len(images), bool)
    return images, labels, boxes, padded


def _describe(part: Any) -> str:
    if isinstance(part, tuple | list):
        return "(" + ", ".join(_describe(item) for item in part) + ")"
    return str(tuple(part.shape)) if hasattr(part, "shape") else type(part).__name__


def _pale(pixels: np.ndarray) -> np.ndarray:
    return (255 - (255 - pixels.astype("uint16")) // 4).astype("uint8")


def _mark(ax: Axes, words: str) -> None:
    text = ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center")
    text.set(fontsize=font_size(ax), color="#404040", style="italic")
    text.set_bbox({"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 2})
