"""Truth against prediction, for one image or a gallery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bbox.overlap import iou
from keras_bbox.plotting._colors import class_name
from keras_bbox.plotting._figures import check_columns, font_size, picture_grid, set_title
from keras_bbox.plotting._pixels import to_corners, to_numpy, to_pixels
from keras_bbox.plotting.image import draw_box, draw_pixels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRUTH, PREDICTION = "#00ffe1", "#ffb400"
STYLES: dict[str, tuple[str, Any]] = {
    "truth": (TRUTH, (0, (3, 1.6))),
    "prediction": (PREDICTION, "-"),
}
WRONG = "#d5361f"
LEGEND_HEIGHT = 0.3
LINE_HEIGHT = 0.16
SUPTITLE_HEIGHT = 0.4


def plot_prediction(
    images: Any,
    y_true: tuple[Any, Any],
    y_pred: tuple[Any, Any],
    *,
    class_names: Sequence[str] | None = None,
    bounding_box_format: str = "rel_xyxy",
    value_range: tuple[float, float] | None = None,
    title: str | None = None,
    columns: int | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draws what a model predicted against what is true, with the IoU.

    The true box is dashed, the predicted one solid. Each picture's title holds the predicted
    class, whether it is right, its probability and the IoU of the two boxes; for a wrong class
    the true one follows. A box with a NaN coordinate (no object) is not drawn.

    Args:
        images: One image, ``(H, W, 3)`` as in ``plot_image``; or a gallery: ``(B, H, W, 3)``, or a
            list of images.
        y_true: Label and box: a class id and ``(4,)``, or for a gallery ``(B,)`` and ``(B, 4)``.
        y_pred: Class probabilities and box as the model gives them: ``(num_classes,)`` and
            ``(4,)``, or for a gallery ``(B, num_classes)`` and ``(B, 4)``.
        class_names: Names by class id.
        bounding_box_format: Format of both boxes.
        value_range: The image values that are black and white, as in ``plot_image``.
        title: Text above the whole figure.
        columns: Images in a row of a gallery.
        ax: Matplotlib axes to draw into; for one image only.

    Returns:
        The figure: a new one with one axes for each image, or that of ``ax``.

    Raises:
        ValueError: If the parts are not equally many, ``ax`` is given for a gallery, or as in
            ``plot_image``.

    Example:
        >>> import keras_bbox as kb, numpy as np
        >>> image = np.full((60, 80, 3), 200, "uint8")
        >>> truth, prediction = (1, [0.1, 0.2, 0.5, 0.8]), ([0.1, 0.9], [0.1, 0.2, 0.5, 0.5])
        >>> figure = kb.plot_prediction(image, truth, prediction, class_names=["apple", "cake"])
        >>> figure.axes[0].get_title()
        'cake ✓ 0.90, IoU 0.50'
    """
    check_columns(columns)
    single = to_numpy(y_true[1]).ndim == 1
    if ax is not None and not single:
        raise ValueError(
            "ax takes one image. Leave ax out for a gallery, or call once for each image. "
            f"Received: boxes of shape {to_numpy(y_true[1]).shape}"
        )
    pixels = to_pixels([images] if single else list(images), value_range)
    labels = _rows("labels", to_numpy(y_true[0]).reshape(-1), pixels)
    scores = _rows("class probabilities", np.atleast_2d(to_numpy(y_pred[0])), pixels)
    true, pred = (_corners(y[1], pixels, bounding_box_format) for y in (y_true, y_pred))
    overlaps = iou(true, pred, bounding_box_format="xyxy")
    titles = [_title(*row, class_names) for row in zip(labels, scores, overlaps, true, strict=True)]
    axes = _gallery(pixels, titles, title, columns) if ax is None else [ax]
    for row, cell in enumerate(axes):
        draw_pixels(cell, pixels[row])
        for box, style in zip((true[row], pred[row]), STYLES.values(), strict=True):
            if not np.isnan(box).any():
                draw_box(cell, box, *style)
        _write_title(cell, *titles[row])
    _add_legend(ax or axes[0].figure, below=ax)
    return axes[0].figure  # type: ignore[return-value]


def _rows(name: str, values: np.ndarray, pixels: list[np.ndarray]) -> np.ndarray:
    if len(values) != len(pixels):
        raise ValueError(
            f"There must be one row of {name} for each image. Pass as many rows as images. "
            f"Received: {len(values)} rows of {name}, {len(pixels)} images"
        )
    return values


def _corners(boxes: Any, pixels: list[np.ndarray], bounding_box_format: str) -> np.ndarray:
    rows = _rows("boxes", np.atleast_2d(to_numpy(boxes)), pixels)
    pairs = zip(rows, pixels, strict=True)
    corners = [to_corners(row, bounding_box_format, *image.shape[:2]) for row, image in pairs]
    return np.concatenate(corners)


def _title(
    label: Any, scores: np.ndarray, overlap: float, true: np.ndarray, class_names: Any
) -> tuple[str, bool]:
    """Returns a title, and whether the class is right."""
    guess = int(scores.argmax())
    name, score = class_name(guess, class_names), float(scores[guess])
    if np.isnan(true).any():
        return f"{name} {score:.2f}, no true box", False
    if guess == label:
        return f"{name} ✓ {score:.2f}, IoU {overlap:.2f}", True
    truth = class_name(label, class_names)
    return f"{name} ✗ {score:.2f}, IoU {overlap:.2f}\ntrue: {truth}", False


def _gallery(
    pixels: list[np.ndarray], titles: list[tuple[str, bool]], title: str | None, columns: int | None
) -> list[Axes]:
    lines = max(words.count("\n") + 1 for words, _ in titles)
    aspect = float(np.median([image.shape[0] / image.shape[1] for image in pixels]))
    figure, axes = picture_grid(
        len(pixels),
        aspect,
        columns=columns,
        header=0.08 + LINE_HEIGHT * lines,
        top=SUPTITLE_HEIGHT if title else 0.0,
        bottom=LEGEND_HEIGHT,
    )
    if title:
        height = figure.get_figheight()
        place = (0.5, 1 - SUPTITLE_HEIGHT / 2 / height)
        figure.suptitle(title, x=place[0], y=place[1], va="center", fontsize=13)
    return axes


def _write_title(ax: Axes, words: str, right: bool) -> None:
    from matplotlib import rcParams

    # The marks are not in every font; DejaVu Sans comes with matplotlib and has them.
    family = [*rcParams["font.family"], "DejaVu Sans"]
    style = {} if right else {"color": WRONG}
    set_title(ax, words, font_size(ax), fontfamily=family, **style)


def _add_legend(place: Any, below: Axes | None) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import withStroke

    outline = [withStroke(linewidth=3.4, foreground="#000000b0")]
    handles = [
        Line2D([], [], color=color, linestyle=line, linewidth=2, label=label, path_effects=outline)
        for label, (color, line) in STYLES.items()
    ]
    anchor = {"loc": "lower center"} if below is None else {"loc": "upper center"}
    place.legend(
        handles=handles,
        bbox_to_anchor=(0.5, 0),
        borderaxespad=0.2,
        ncols=2,
        frameon=False,
        fontsize=9,
        handlelength=2.6,
        **anchor,
    )
