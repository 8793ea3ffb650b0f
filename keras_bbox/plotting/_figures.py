"""Figures outside pyplot, the grid of pictures, and text that fits its place."""

from __future__ import annotations

import functools
import io
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

DPI = 150
WIDEST = 12.0  # inches
LARGEST_CELL = 4.0
ONLY_CELL = 5.0
MARGIN = 0.08
MOST_COLUMNS = 8


def new_figure(width: float, height: float) -> Figure:
    """Returns an empty figure, in inches, that pyplot does not know and notebooks show."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI)
    figure.set_layout_engine("none")  # whatever rcParams say: places are computed here
    FigureCanvasAgg(figure)
    # IPython registers its own way to show figures only once pyplot has chosen a backend.
    # A partial of a module's function, unlike a lambda, lets the figure be pickled.
    figure._repr_png_ = functools.partial(_png, figure)  # type: ignore[attr-defined]
    return figure


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def columns_for(count: int) -> int:
    """Returns the number of columns, near a square, that leaves the fewest cells empty."""
    fewest, most = math.isqrt(count), math.ceil(math.sqrt(2 * count))
    choices = range(min(fewest, MOST_COLUMNS - 2), min(most, MOST_COLUMNS) + 1)
    return min(choices, key=lambda columns: (-count % columns, -columns))


def picture_grid(
    count: int,
    aspect: float,
    *,
    columns: int | None = None,
    header: float = 0.0,
    top: float = 0.0,
    bottom: float = 0.0,
) -> tuple[Figure, list[Axes]]:
    """Returns a figure with one axes for each picture, and no others.

    Args:
        count: Number of pictures.
        aspect: Height of a picture over its width.
        columns: Pictures in a row.
        header: Inches above each picture.
        top: Inches above all of them.
        bottom: Inches below all of them.
    """
    columns = min(columns or columns_for(count), count)
    rows = math.ceil(count / columns)
    side = ONLY_CELL if count == 1 else min(LARGEST_CELL, WIDEST / columns)
    cell_width, cell_height = side / max(1.0, aspect), side * min(1.0, aspect)
    width = MARGIN + columns * (cell_width + MARGIN)
    height = MARGIN + rows * (header + cell_height + MARGIN) + top + bottom
    figure = new_figure(width, height)
    axes = []
    for row, column in (divmod(index, columns) for index in range(count)):
        x = MARGIN + column * (cell_width + MARGIN)
        y = height - top - (row + 1) * (header + cell_height + MARGIN)
        place = (x / width, y / height, cell_width / width, cell_height / height)
        axes.append(figure.add_axes(place))
    return figure, axes


def check_columns(columns: int | None) -> None:
    if columns is not None and (int(columns) != columns or columns < 1):
        raise ValueError(
            "columns must be a whole number of at least 1. Leave it out for a grid that fits. "
            f"Received: columns={columns!r}"
        )


def axes_size(ax: Axes) -> tuple[float, float]:
    """Returns width and height in inches of what the axes really covers."""
    ax.apply_aspect()
    extent = ax.get_window_extent()
    dpi = ax.figure.dpi
    return extent.width / dpi, extent.height / dpi


def font_size(ax: Axes) -> float:
    """Returns points that suit the size of a picture."""
    return float(min(max(4.5 + 1.5 * min(axes_size(ax)), 5.0), 11.0))


def fit_text(text: Text, width: float, height: float = math.inf) -> Text:
    """Makes a text smaller until it fits into a width and a height in display pixels."""
    for _ in range(3):  # glyphs scale in steps: once is nearly, not always, enough
        extent = text.get_window_extent()
        ratio = min(width / max(extent.width, 1e-6), height / max(extent.height, 1e-6))
        if ratio >= 1:
            break
        text.set_fontsize(float(text.get_fontsize()) * ratio * 0.99)
    return text


def set_title(ax: Axes, title: str, size: float, **style) -> None:
    text = ax.set_title(title, fontsize=size, pad=4, **style)
    # A narrow picture may lend its title some room on the sides, a grid cell may not.
    fit_text(text, ax.get_position(original=True).width * ax.figure.bbox.width)
