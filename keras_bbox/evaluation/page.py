"""The report on a localizer as one page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from keras_bbox import _html as html
from keras_bbox.images.thumbnails import make_thumbnail

if TYPE_CHECKING:
    from keras_bbox.evaluation.report import LocalizerReport

TRUTH, PREDICTION = "#00ffe1", "#ffb400"
CORNERS = ("x_min", "y_min", "x_max", "y_max")
LONGEST = 220
MOST_CLASSES = 40


def report_page(report: LocalizerReport, title: str, pictures: int) -> str:
    """Writes the page: figures, curves, classes, and pictures, the worst first."""
    objects = dict(iter(report.rows.groupby("image")))
    judged = report.images().sort_values("iou", kind="stable").to_dict("records")
    worst = [(found, objects[found["image"]]) for found in judged]
    sections = [
        html.section("Figures", _frame(report.by_row_and_image(), "over"), _explained()),
        html.section("Curves", f'<div class="charts">{_charts(report)}</div>'),
        html.section("Classes", _frame(report.by_class(), "class"), _confusion(report)),
        html.section("Sizes", _frame(report.by_size(), "box")),
        html.section("The worst", _legend(), _gallery(worst[:pictures])),
        html.section("The best", _gallery(worst[::-1][: pictures // 2])),
    ]
    return html.page(title, sections)


def _explained() -> str:
    return html.paragraph(
        "iou_50 and iou_75 are the shares of boxes with an IoU over 0.5 and 0.75; both_right those "
        "with the right class and an IoU over 0.5. For an image, one object counts: of those that "
        "are both right the one that the predicted box fits best, or if none is, of all."
    )


def _frame(frame: pd.DataFrame, corner: str) -> str:
    rows = [
        [str(name), *(int(v) if c == "rows" else float(v) for c, v in values.items())]
        for name, values in frame.iterrows()
    ]
    return html.table([corner, *frame.columns], rows)


def _charts(report: LocalizerReport) -> str:
    curve = report.curve()
    points = list(zip(curve["threshold"], curve["success"], strict=True))
    charts = [html.line_chart(points, "IoU threshold", "Share of boxes with an IoU over it")]
    judged = [("score", "Share that is both right, by the class's probability (discs: how many)")]
    if "box_score" in report.rows:
        judged.append(("box_score", "Mean IoU, by box_score (discs: how many)"))
    for name, caption in judged:
        table = report.calibration(name)
        points = list(zip(table["score"], table["outcome"], strict=True))
        counts = table["count"].tolist()
        charts.append(html.line_chart(points, name, caption, counts=counts, diagonal=True))
    return "".join(charts)


def _confusion(report: LocalizerReport) -> str:
    counts = report.confusion()
    if len(counts) > MOST_CLASSES:
        return html.paragraph(f"{len(counts)} classes: see report.confusion() for the table.")
    head = "".join(f"<th>{escape(name)}</th>" for name in counts.columns)
    lines = []
    for name, row in counts.iterrows():
        total = max(int(row.sum()), 1)
        cells = "".join(
            f'<td style="background: rgb(30 120 210 / {n / total:.2f})">{n or ""}</td>' for n in row
        )
        lines.append(f"<tr><th>{escape(str(name))}</th>{cells}</tr>")
    return (
        '<p class="small">A row for each true class, a column for what it was taken for.</p>'
        f'<table class="matrix"><tr><th></th>{head}</tr>{"".join(lines)}</table>'
    )


def _legend() -> str:
    return (
        f'<p class="small"><span style="color:{TRUTH}">&#9632;</span> truth, dashed &nbsp; '
        f'<span style="color:{PREDICTION}">&#9632;</span> prediction. An image with several '
        "objects is judged by the one that the box fits best.</p>"
    )


def _gallery(images: Sequence[tuple[dict, pd.DataFrame]]) -> str:
    figures = "".join(_picture(found, objects) for found, objects in images)
    return f'<div class="gallery">{figures}</div>'


def _picture(found: dict, objects: pd.DataFrame) -> str:
    """An image with all of its objects, and the row that it is judged by."""
    right = found["class_id"] == found["predicted_id"]
    said = f"{found['predicted_class']} {found['score']:.2f}"
    caption = f"{said}{'' if right else ', in truth ' + found['class_name']}"
    where = "row" if len(objects) == 1 else f"one of {len(objects)} objects, row"
    place = f"{where} {found['row']}: {Path(found['image']).name}"
    small = make_thumbnail(found["image"], LONGEST)
    marks = [
        html.Mark([row[c] for c in CORNERS], TRUTH, True, f"truth: {row['class_name']}")
        for row in objects.to_dict("records")
    ]
    predicted = [found[f"predicted_{c}"] for c in CORNERS]
    marks.append(html.Mark(predicted, PREDICTION, False, said))
    caption = f"{caption}, IoU {found['iou']:.2f} ({place})"
    return html.picture(small.data, small.height, small.width, marks, caption)
