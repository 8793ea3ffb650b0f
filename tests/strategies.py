"""What legal inputs are: formats, image sizes, boxes of every kind, weights.

Boxes come as NumPy arrays of shape (n, 4), float64 unless a dtype is asked for.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

LAYOUTS = ("xyxy", "yxyx", "xxyy", "xywh", "center_xywh")
FORMATS = (*LAYOUTS, *(f"rel_{layout}" for layout in LAYOUTS))

layouts = st.sampled_from(LAYOUTS)
formats = st.sampled_from(FORMATS)


def image_sizes(largest: int = 4000) -> st.SearchStrategy[tuple[int, int]]:
    """(height, width), seldom square."""
    return st.tuples(st.integers(1, largest), st.integers(1, largest))


def reals(low: float, high: float, dtype: str = "float64") -> st.SearchStrategy[float]:
    width = 32 if dtype == "float32" else 64
    low, high = float(np.dtype(dtype).type(low)), float(np.dtype(dtype).type(high))
    return st.floats(low, high, allow_subnormal=False, width=width)


def _stack(rows: list, dtype: str) -> np.ndarray:
    return np.array(rows, dtype=dtype).reshape(-1, 4)


def integer_boxes(side: int = 12, rows: int = 5) -> st.SearchStrategy[np.ndarray]:
    """Boxes in `xyxy` whose corners are whole pixels of a side x side image; some are empty."""
    edges = st.tuples(st.integers(0, side), st.integers(0, side)).map(sorted)
    box = st.tuples(edges, edges).map(lambda axes: [axes[0][0], axes[1][0], axes[0][1], axes[1][1]])
    return st.lists(box, min_size=1, max_size=rows).map(lambda boxes: _stack(boxes, "int64"))


@st.composite
def relative_boxes(draw, rows: int = 5, smallest: float = 1e-3) -> np.ndarray:
    """Boxes in `rel_xyxy` within the image, no side shorter than `smallest`."""

    def one_axis() -> tuple[float, float]:
        start = draw(reals(0, 1 - smallest))
        return start, draw(reals(min(start + smallest, 1), 1))

    boxes = []
    for _ in range(draw(st.integers(1, rows))):
        (x1, x2), (y1, y2) = one_axis(), one_axis()
        boxes.append([x1, y1, x2, y2])
    return _stack(boxes, "float64")


def any_boxes(rows: int = 5, largest: float = 1e4, dtype: str = "float64"):
    """Four finite numbers: also empty, inverted and far outside the image, and often equal."""
    number = st.one_of(st.integers(-3, 3).map(float), reals(-largest, largest, dtype))
    box = st.tuples(number, number, number, number)
    return st.lists(box, min_size=1, max_size=rows).map(lambda boxes: _stack(boxes, dtype))


def sized_boxes(dtype: str = "float32") -> st.SearchStrategy[np.ndarray]:
    """One box whose sides are anything from 1e-30 to 1e10, as (x, y, width, height)."""
    place = reals(-1e6, 1e6, dtype)
    exponent = st.floats(-30, 10)
    side = exponent.map(lambda power: float(np.dtype(dtype).type(10.0**power)))
    return st.tuples(place, place, side, side).map(lambda box: _stack([box], dtype))


def weights(rows: int) -> st.SearchStrategy[np.ndarray]:
    """Sample weights, some of them 0."""
    weight = st.one_of(st.just(0.0), reals(0.01, 10, "float32"))
    return st.lists(weight, min_size=rows, max_size=rows).map(lambda row: np.array(row, "float32"))


def batch_sizes(rows: int) -> st.SearchStrategy[list[int]]:
    """Sizes of consecutive batches, uneven, that add up to `rows`."""
    cuts = st.lists(st.integers(1, max(rows - 1, 1)), max_size=4, unique=True).map(sorted)
    return cuts.map(
        lambda inner: np.diff([0, *[cut for cut in inner if cut < rows], rows]).tolist()
    )


def _words(alphabet: st.SearchStrategy[str], longest: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=1, max_size=longest).map(str.strip).filter(bool)


# What any format can hold: no control characters, no line ends, no space at the ends.
class_names = _words(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), include_characters=" ,;'\""), 12
)


def filenames(endings: tuple[str, ...] = (".jpg", ".png")) -> st.SearchStrategy[str]:
    """Paths with up to two folders and an ending."""
    part = _words(st.sampled_from("abcxyz019 -_()äß猫"), 8)
    parts = st.lists(part, min_size=1, max_size=3).map("/".join)
    return st.tuples(parts, st.sampled_from(endings)).map("".join)


@st.composite
def tables(
    draw,
    columns: dict[str, st.SearchStrategy] | None = None,
    *,
    endings: tuple[str, ...] = (".jpg", ".png"),
    negatives: bool = True,
    images: int = 4,
) -> pd.DataFrame:
    """Legal tables of boxes with `filename`, `width`, `height` and further columns, by image."""
    names = draw(
        st.lists(
            filenames(endings),
            min_size=1,
            max_size=images,
            unique_by=lambda name: name.rsplit(".", 1)[0],
        )
    )
    rows = []
    for name in names:
        height, width = draw(image_sizes())
        image = {"filename": name, "width": width, "height": height}
        if negatives and draw(st.booleans()):
            rows.append(image | dict.fromkeys(("x_min", "x_max", "y_min", "y_max"), np.nan))
            continue
        for x1, y1, x2, y2 in draw(relative_boxes(rows=3)):
            box = {"x_min": x1, "x_max": x2, "y_min": y1, "y_max": y2}
            fields = {column: draw(values) for column, values in (columns or {}).items()}
            rows.append(image | box | {"class_name": draw(class_names)} | fields)
    order = ("filename", "x_min", "x_max", "y_min", "y_max", "class_name", "width", "height")
    return pd.DataFrame(rows, columns=[*order, *(columns or {})])
