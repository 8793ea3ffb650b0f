"""The pictures of a report: a small copy of the image, and its boxes drawn over it as SVG."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from keras_bbox.annotations.quality.survey import Survey, is_outside, places
from keras_bbox.images.thumbnails import make_thumbnail

ACCENT, SECOND, OTHERS = "#ff2d55", "#ffb400", "#00e0c6"
# A box that leaves the image is drawn to so many images beyond it, which the frame cuts off.
FARTHEST = 2.0


def finding_pictures(surveys: dict[str, Survey], found: Any) -> str:
    """The image of a finding, its box marked, and the other image where the finding has one."""
    survey = surveys.get(found.split) or next(iter(surveys.values()))
    if not found.image:
        return ""
    marks = _marks(found)
    pictures = [picture(survey, found.image, marks)]
    other = _other_image(surveys, survey, found)
    if other is not None:
        pictures.append(picture(*other, {}))
    return f'<div class="pair">{"".join(pictures)}</div>'


def _marks(found: Any) -> dict[int, str]:
    if not isinstance(found.row, (int, np.integer)):
        return {}
    # For an image the row is merely the first; all its boxes are meant.
    if found.kind.endswith(("image", "-size", "outside")) and "box" not in found.kind:
        return {}
    marks = {int(found.row): ACCENT}
    if isinstance(found.related, (int, np.integer)):
        marks[int(found.related)] = SECOND
    return marks


def _other_image(
    surveys: dict[str, Survey], survey: Survey, found: Any
) -> tuple[Survey, str] | None:
    if "leaked" in found.kind:
        split, _, name = found.related.partition(": ")
        return surveys[split], name
    if found.kind in ("duplicate-image", "near-duplicate-image"):
        return survey, found.related
    return None


def picture(survey: Survey, name: str, marks: dict[int, str]) -> str:
    """An image with all its boxes, those of the marked rows in the color of the mark."""
    caption = f"<figcaption>{escape(f'{survey.split} {name}'.strip())}</figcaption>"
    path = _path(survey, name)
    try:
        small = make_thumbnail(path) if path else None
    except (OSError, ValueError):
        # The finding itself tells what is wrong with the file.
        small = None
    if small is None:
        return f'<figure><div class="none">no picture</div>{caption}</figure>'
    data = base64.b64encode(small.data).decode()
    rows = places((survey.names == name) & np.isfinite(survey.boxes).all(axis=1))
    size = np.array([small.width, small.height] * 2)
    ordered = sorted(rows, key=lambda row: int(row) in marks)
    boxes = "".join(_box(survey, row, size, marks) for row in ordered)
    return (
        f'<figure><svg width="{small.width}" height="{small.height}" '
        f'viewBox="0 0 {small.width} {small.height}">'
        f'<image width="{small.width}" height="{small.height}" '
        f'href="data:image/jpeg;base64,{data}"/>{boxes}</svg>{caption}</figure>'
    )


def _path(survey: Survey, name: str) -> Path | None:
    if survey.image_dir is None or is_outside(name):
        return None
    return survey.image_dir / name


def _box(survey: Survey, row: int, size: np.ndarray, marks: dict[int, str]) -> str:
    sides = survey.row_sizes[row][[1, 0, 1, 0]] if _in_pixels(survey, row) else 1
    box = survey.boxes[row] / sides
    x1, y1, x2, y2 = np.clip(box, -FARTHEST, 1 + FARTHEST) * size
    x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
    color = marks.get(int(row), OTHERS if not marks else "#ffffff")
    width = 2.5 if int(row) in marks or not marks else 1
    title = escape(f"row {row}: {survey.class_names[row]}")
    return (
        f'<rect x="{x1:.1f}" y="{y1:.1f}" width="{x2 - x1:.1f}" height="{y2 - y1:.1f}" '
        f'fill="none" stroke="{color}" stroke-width="{width}"><title>{title}</title></rect>'
    )


def _in_pixels(survey: Survey, row: int) -> bool:
    return bool((survey.boxes[row] > FARTHEST).any() and (survey.row_sizes[row] > 0).all())
