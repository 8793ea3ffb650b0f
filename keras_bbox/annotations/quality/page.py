"""The report as one page that needs no other file."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from keras_bbox._html import page, paragraph, table
from keras_bbox.annotations.quality.charts import class_bars, heat_map, histogram, legend
from keras_bbox.annotations.quality.kinds import KINDS
from keras_bbox.annotations.quality.pictures import finding_pictures

if TYPE_CHECKING:
    from keras_bbox.annotations.quality.report import Report

PICTURES = 6
LISTED = 100

STYLE = """
:root { --error: #d22f2f; --warning: #b97400; --info: #2a74c9; }
.error { color: var(--error); } .warning { color: var(--warning); } .info { color: var(--info); }
td { overflow-wrap: anywhere; } p.small { max-width: none; } h3 { font-size: .95rem; }
.item { border: 1px solid var(--line); border-radius: 6px; padding: .5rem; max-width: 640px; }
.item p { font-size: .8rem; opacity: .8; margin: .2rem 0; overflow-wrap: anywhere; }
.pair { display: flex; flex-wrap: wrap; gap: .5rem; }
.none { width: 140px; height: 90px; border: 1px dashed var(--line); display: grid;
  place-items: center; font-size: .8rem; opacity: .7; }
"""


def report_page(report: Report) -> str:
    """Writes the page: what was found, each kind with pictures, then the plain numbers."""
    body = [paragraph(report.headline()), _splits(report), _contents(report.findings)]
    body += [_kind(report, str(kind), rows) for kind, rows in _by_kind(report.findings)]
    body.append(_charts(report))
    return page("Check of annotations and images", body, STYLE)


def _by_kind(findings: pd.DataFrame) -> Iterable[tuple[object, pd.DataFrame]]:
    return findings.groupby("kind", sort=False)


def _splits(report: Report) -> str:
    splits = report.statistics["splits"]
    rows = [[name or "all", *own.values()] for name, own in splits.items()]
    return table(["split", *next(iter(splits.values()))], rows)


def _contents(findings: pd.DataFrame) -> str:
    if findings.empty:
        return "<p>Nothing was found that looks wrong.</p>"
    rows = []
    for kind, found in _by_kind(findings):
        severity, title, _ = KINDS[str(kind)]
        rows.append(
            f'<tr><td class="{severity}">{severity}</td><td>{len(found):,}</td>'
            f'<td><a href="#{kind}">{escape(title)}</a></td></tr>'
        )
    return f"<table>{''.join(rows)}</table>"


def _kind(report: Report, kind: str, rows: pd.DataFrame) -> str:
    severity, title, suggestion = KINDS[kind]
    surveys = {survey.split: survey for survey in report.surveys}
    items = []
    found: Any
    for found in rows.head(PICTURES).itertuples(index=False):
        pictures = finding_pictures(surveys, found)
        if pictures:
            place = "" if pd.isna(found.row) else f"row {found.row}: "
            items.append(
                f'<div class="item">{pictures}<p>{escape(f"{place}{found.message}")}</p></div>'
            )
    return (
        f'<h2 id="{kind}"><span class="{severity}">{severity}</span> {escape(title)}</h2>'
        f'<p class="small">{kind} &middot; {len(rows):,} found &middot; {escape(suggestion)}</p>'
        f'<div class="gallery">{"".join(items)}</div>{_listed(rows)}'
    )


def _listed(rows: pd.DataFrame) -> str:
    columns = ["split", "row", "image", "message"]
    shown = rows[columns].head(LISTED).astype(object)
    cells = shown.where(shown.notna(), "").astype(str).values.tolist()
    more = len(rows) - len(cells)
    rest = f'<p class="small">and {more:,} more, in report.findings.</p>' if more else ""
    is_open = " open" if len(rows) <= PICTURES and rows["image"].isna().all() else ""
    return f"<details{is_open}><summary>The list</summary>{table(columns, cells)}{rest}</details>"


def _charts(report: Report) -> str:
    numbers = report.statistics
    sizes, per_image = numbers["box_sizes"], numbers["boxes_per_image"]
    ticks: dict[float, str] = {0: "0", len(sizes) // 2: "0.5", len(sizes): "1"}
    counts = {place + 0.5: str(place) for place in range(0, len(per_image), 5)}
    charts = [
        ("Boxes of each class", legend(list(numbers["classes"])) + class_bars(numbers["classes"])),
        ("Box size: square root of its share of the image", histogram(sizes, ticks)),
        ("Boxes in an image (20: or more)", histogram(per_image, counts)),
        ("Centers of boxes in the image", heat_map(numbers["centers"])),
    ]
    blocks = "".join(f"<div><h3>{escape(title)}</h3>{chart}</div>" for title, chart in charts)
    return f'<h2>Plain numbers</h2><div class="charts">{blocks}</div>'
