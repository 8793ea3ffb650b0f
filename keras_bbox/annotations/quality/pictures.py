"""The pictures of a report: a small copy of the image, and its boxes drawn over it as SVG."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from keras_bbox import _html
from keras_bbox.annotations.quality.fixes import IMAGES_DROPPED
from keras_bbox.annotations.quality.survey import Survey, is_outside, places
from keras_bbox.images.thumbnails import make_thumbnail

ACCENT, SECOND, OTHERS = "#ff2d55", "#ffb400", "#00e0c6"
# A box that leaves the image is drawn to so many images beyond it, which the frame cuts off.
FARTHEST = 2.0
OF_IMAGES = (*IMAGES_DROPPED, "swapped-size", "size-mismatch", "negative-with-boxes")


def finding_pictures(surveys: dict[str, Survey], found: Any) -> str:
    """The image of a finding, its box marked, and the other image where the finding has one."""
    survey = surveys.get(found.split) or next(iter(surveys.values()))
    if not found.image:
        return ""
    pictures = [picture(survey, found.image, _colors(found))]
    other = _other_image(surveys, survey, found)
    if other is not None:
        pictures.append(picture(*other, {}))
    return f'<div class="pair">{"".join(pictures)}</div>'


def _colors(found: Any) -> dict[int, str]:
    if not isinstance(found.row, (int, np.integer)):
        return {}
    # For an image the row is merely the first; all its boxes are meant.
    if found.kind in OF_IMAGES:
        return {}
    colors = {int(found.row): ACCENT}
    if isinstance(found.related, (int, np.integer)):
        colors[int(found.related)] = SECOND
    return colors


def _other_image(
    surveys: dict[str, Survey], survey: Survey, found: Any
) -> tuple[Survey, str] | None:
    if "leaked" in found.kind:
        split, _, name = found.related.partition(": ")
        return surveys[split], name
    if found.kind in ("duplicate-image", "near-duplicate-image"):
        return survey, found.related
    return None


def picture(survey: Survey, name: str, colors: dict[int, str]) -> str:
    """An image with all its boxes, those of some rows in colors of their own."""
    caption = f"{survey.split} {name}".strip()
    path = _path(survey, name)
    try:
        small = make_thumbnail(path) if path else None
    except (OSError, ValueError):
        # The finding itself tells what is wrong with the file.
        small = None
    if small is None:
        return (
            f'<figure><div class="none">no picture</div>'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )
    rows = places((survey.names == name) & np.isfinite(survey.boxes).all(axis=1))
    ordered = sorted(rows, key=lambda row: row in colors)
    marks = [_mark(survey, row, colors) for row in ordered]
    return _html.picture(small.data, small.height, small.width, marks, caption)


def _path(survey: Survey, name: str) -> Path | None:
    if survey.image_dir is None or is_outside(name):
        return None
    return survey.image_dir / name


def _mark(survey: Survey, row: int, colors: dict[int, str]) -> _html.Mark:
    sides = survey.row_sizes[row][[1, 0, 1, 0]] if _in_pixels(survey, row) else 1
    x1, y1, x2, y2 = np.clip(survey.boxes[row] / sides, -FARTHEST, 1 + FARTHEST).tolist()
    color = colors.get(row, "#ffffff" if colors else OTHERS)
    ordered = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    return _html.Mark(ordered, color, title=f"row {row}: {survey.class_names[row]}")


def _in_pixels(survey: Survey, row: int) -> bool:
    return bool((survey.boxes[row] > FARTHEST).any() and (survey.row_sizes[row] > 0).all())
