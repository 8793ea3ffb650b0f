"""One image with its boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bbox.plotting._colors import PALETTE, class_color, class_name
from keras_bbox.plotting._figures import (
    axes_size,
    fit_text,
    font_size,
    picture_grid,
    set_title,
)
from keras_bbox.plotting._pixels import to_corners, to_list, to_pixels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE_HEIGHT = 0.32
FRAME = "#c8c8c8"


def plot_image(
    image: Any,
    boxes: Any = None,
    labels: Any = None,
    *,
    scores: Any = None,
    class_names: Sequence[str] | None = None,
    bounding_box_format: str = "rel_xyxy",
    value_range: tuple[float, float] | None = None,
    title: str | None = None,
    colors: Mapping[Any, Any] | Sequence[Any] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draws an image with its boxes, class names and scores.

    Boxes are cut at the picture's border, and their texts stay inside it. A box with a NaN
    coordinate (no object) is not drawn. A class has the same color in every picture.

    Args:
        image: Array or tensor of shape ``(height, width, 3)``, ``(height, width, 1)`` or
            ``(height, width)``.
        boxes: Array or tensor of shape ``(4,)`` or ``(N, 4)`` in ``bounding_box_format``.
        labels: One class id or class name for each box.
        scores: One confidence for each box.
        class_names: Names by class id.
        bounding_box_format: Format of the boxes.
        value_range: The image values that are black and white. The default is ``(0, 255)``,
            which is what ``BoundingBoxSequence`` delivers; preprocessed images need theirs, such
            as ``(-1, 1)``.
        title: Text above the picture.
        colors: Colors to use in place of the built-in ones: by class id as a sequence, or by
            class id or name as a mapping.
        ax: Matplotlib axes to draw into.

    Returns:
        The figure: a new one, or that of ``ax``.

    Raises:
        ValueError: If a shape does not fit, numbers of boxes, labels and scores differ, a class
            id has no name, or image values lie outside ``value_range``.

    Example:
        >>> import keras_bbox as kb, numpy as np
        >>> image = np.full((60, 80, 3), 200, "uint8")
        >>> figure = kb.plot_image(image, [10, 10, 50, 40], "cake", bounding_box_format="xyxy")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['cake']
    """
    (pixels,) = to_pixels([image], value_range)
    height, width = pixels.shape[:2]
    corners = to_corners([] if boxes is None else boxes, bounding_box_format, height, width)
    labels = _one_each("labels", labels, len(corners))
    scores = _one_each("scores", scores, len(corners))
    if ax is None:
        _, (ax,) = picture_grid(1, height / width, top=TITLE_HEIGHT if title else 0.0)
    draw_pixels(ax, pixels)
    if title:
        set_title(ax, title, font_size(ax) + 1)
    draw_labelled_boxes(ax, corners, labels, scores, class_names, colors)
    return ax.figure  # type: ignore[return-value]


def _one_each(name: str, values: Any, count: int) -> list:
    if values is None:
        return [None] * count
    values = to_list(values)
    if len(values) != count:
        raise ValueError(
            f"There must be one of the {name} for each box. Pass as many {name} as boxes. "
            f"Received: {len(values)} {name}, {count} boxes"
        )
    return values


def draw_pixels(ax: Axes, pixels: np.ndarray) -> None:
    """Draws an image so that pixel column k covers [k, k + 1)."""
    height, width = pixels.shape[:2]
    ax.imshow(pixels, extent=(0, width, height, 0), origin="upper")
    ax.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    # Photos on white end nowhere on a white page without a frame.
    ax.spines[:].set(color=FRAME, linewidth=0.6)


def draw_labelled_boxes(
    ax: Axes,
    corners: np.ndarray,
    labels: Sequence[Any],
    scores: Sequence[Any],
    class_names: Sequence[str] | None = None,
    colors: Mapping[Any, Any] | Sequence[Any] | None = None,
) -> None:
    """Draws boxes, then their texts on top; boxes with NaN are left out."""
    seen = [index for index, box in enumerate(corners) if not np.isnan(box).any()]
    drawn, shades = [], []
    for index in seen:
        label = labels[index]
        shade = PALETTE[0] if label is None else class_color(label, class_names, colors)
        drawn.append(draw_box(ax, corners[index], shade))
        shades.append(shade)
    taken: list[np.ndarray] = []
    for index, box, shade in zip(seen, drawn, shades, strict=True):
        caption = _caption(labels[index], scores[index], class_names)
        if caption:
            taken.append(_draw_caption(ax, box, caption, shade, taken))


def draw_box(ax: Axes, box: np.ndarray, color: Any, linestyle: Any = "-") -> np.ndarray:
    """Draws the part of a box that lies in the picture, and returns that part."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    width, height = ax.get_xlim()[1], ax.get_ylim()[0]
    x1, y1, x2, y2 = inside = np.clip(box, 0, [width, height, width, height])
    line = float(np.clip(0.6 * min(axes_size(ax)), 1.2, 2.2))
    rectangle = Rectangle((x1, y1), x2 - x1, y2 - y1)
    rectangle.set(facecolor="none", edgecolor=color, linewidth=line, linestyle=linestyle)
    rectangle.set_path_effects([withStroke(linewidth=line + 1.4, foreground="#000000b0")])
    ax.add_patch(rectangle)
    return inside


def _caption(label: Any, score: Any, class_names: Sequence[str] | None) -> str:
    name = [] if label is None else [class_name(label, class_names)]
    return " ".join(name + ([] if score is None else [f"{float(score):.2f}"]))


def _draw_caption(
    ax: Axes, box: np.ndarray, caption: str, color: Any, taken: list[np.ndarray]
) -> np.ndarray:
    """Writes a caption near its box, inside the picture; returns the corners it covers."""
    from matplotlib.colors import to_rgb
    from matplotlib.patheffects import withStroke

    size = font_size(ax)
    light = 1 - 0.7 * (1 - np.array(to_rgb(color)))  # thin strokes need more light than boxes
    text = ax.text(0, 0, caption, color=light, fontsize=size, va="top", clip_on=True)
    text.set(fontweight="bold", parse_math=False)
    outline = size / 4.5
    text.set_path_effects([withStroke(linewidth=outline, foreground="black")])
    picture = ax.get_window_extent()
    pad = outline / 2 * ax.figure.dpi / 72 + 1
    # Glyphs are set in whole pixels: at another resolution the same text is up to 5% wider.
    fit_text(text, 0.93 * picture.width - 2 * pad, picture.height - 2 * pad)
    extent = text.get_window_extent()
    limits = np.array([ax.get_xlim()[1], ax.get_ylim()[0]])
    unit = limits / (picture.width, picture.height)
    extents = unit * (extent.width + 2 * pad, extent.height + 2 * pad)
    place = _free_place(box, extents, limits, taken)
    pad_x, pad_y = unit * pad
    if place[0] + place[2] > limits[0]:  # held by the side that is nearer to the border
        text.set(x=place[2] - pad_x, y=place[1] + pad_y, ha="right")
    else:
        text.set(x=place[0] + pad_x, y=place[1] + pad_y)
    return place


def _free_place(
    box: np.ndarray, extents: np.ndarray, limits: np.ndarray, taken: list[np.ndarray]
) -> np.ndarray:
    """Returns where a caption goes: above its box if it can, inside or below it otherwise."""
    (x1, x2), (y1, y2) = sorted(box[::2]), sorted(box[1::2])
    width, height = extents
    rows = (y1 - height, y1, y2, y2 - height)
    wanted = [(x, y) for x in (x1, x2 - width) for y in rows]
    most = np.maximum(limits - extents, 0)
    inside = [spot for spot in wanted if 0 <= spot[1] <= most[1]] or wanted
    places = [np.concatenate([spot, spot + extents]) for spot in np.clip(inside, 0, most)]
    free = (place for place in places if not any(_overlap(place, other) for other in taken))
    return next(free, places[0])


def _overlap(place: np.ndarray, other: np.ndarray) -> bool:
    return bool((place[:2] < other[2:]).all() and (other[:2] < place[2:]).all())
