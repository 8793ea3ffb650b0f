"""The report of a check: findings as a table, as text, as JSON and as a page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_bbox.annotations.quality.copies import Copies
from keras_bbox.annotations.quality.kinds import KINDS, SEVERITIES
from keras_bbox.annotations.quality.survey import Finding, Survey

FINDING_COLUMNS = (
    "severity", "kind", "split", "row", "image", "message", "suggestion", "value", "related",
)  # fmt: skip
LISTED = 3


@dataclass(frozen=True)
class Report:
    """What ``check`` found.

    ``print(report)`` gives a summary, ``len(report)`` counts the findings.

    Attributes:
        findings: A DataFrame, one row a finding, the worst first. ``severity`` is ``"error"``
            (the table cannot be used, or what is measured with it is wrong), ``"warning"`` (most
            often a mistake) or ``"info"`` (worth a look). ``kind`` names what is wrong, such as
            ``"missing-image"``; it is the name by which ``clean`` mends it. ``split`` is the table
            (empty for the only one), ``row`` the position of the row in it (missing where no row
            is meant), ``image`` the path below the folder of images; ``message`` and
            ``suggestion`` are for people. ``value`` and ``related`` hold what was found and the
            other party (the earlier row, the other image, the more frequent name) for programs.
        statistics: A dict of plain numbers: counts by split and class, histograms of box sizes
            and of boxes an image, and the heat map of box centers.

    Example:
        >>> import keras_bbox as kb, pandas as pd
        >>> row = dict(filename="a.jpg", x_min=0.9, x_max=0.1, y_min=0.0, y_max=0.5)
        >>> report = kb.annotations.check(pd.DataFrame([row | {"class_name": "cake"}]))
        >>> report.findings[["severity", "kind", "row"]].values.tolist()
        [['error', 'reversed-box', 0]]
        >>> print(report)
        1 row, 1 image, 1 box, 1 class: 1 error, 0 warnings, 0 infos.
        error    reversed-box              1  Boxes with reversed corners
                 row 0 (a.jpg): x_min=0.9, x_max=0.1, y_min=0, y_max=0.5.
    """

    findings: pd.DataFrame
    statistics: dict[str, Any]
    surveys: Sequence[Survey] = field(repr=False)
    copies: Copies = field(repr=False)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        lines = [self.headline()]
        for kind, rows in self.findings.groupby("kind", sort=False):
            severity, title, _ = KINDS[str(kind)]
            lines.append(f"{severity:<8} {kind:<22} {len(rows):>4}  {title}")
            lines += [f"         {_where(row)}{row.message}" for row in _first(rows)]
            if len(rows) > LISTED:
                lines.append(f"         and {len(rows) - LISTED} more.")
        return "\n".join(lines)

    def headline(self) -> str:
        """One line: how much there is, and how many findings of each severity."""
        splits = self.statistics["splits"].values()
        totals = [
            _count(sum(split[what] for split in splits), one, many)
            for what, one, many in (
                ("rows", "row", "rows"),
                ("images", "image", "images"),
                ("boxes", "box", "boxes"),
            )
        ]
        names = {name for classes in self.statistics["classes"].values() for name in classes}
        totals.append(_count(len(names), "class", "classes"))
        counts = self.counts()
        found = [_count(counts[severity], severity, f"{severity}s") for severity in SEVERITIES]
        return f"{', '.join(totals)}: {', '.join(found)}."

    def counts(self) -> dict[str, int]:
        """The number of findings of each severity."""
        return {name: int((self.findings["severity"] == name).sum()) for name in SEVERITIES}

    def where(self, chosen: Iterable[bool]) -> Report:
        """The report with some of its findings: those that ``clean`` shall mend.

        Args:
            chosen: One truth value for each finding.

        Returns:
            A new report of the same tables.
        """
        mask = np.asarray(list(chosen), dtype=bool)
        return replace(self, findings=self.findings[mask].reset_index(drop=True))

    def to_json(self, path: str | PathLike[str] | None = None) -> str:
        """Gives findings and statistics as JSON, and writes it to a file where one is named.

        Args:
            path: The file, or ``None``.

        Returns:
            The text: an object with ``counts``, ``findings`` (a list of objects) and
            ``statistics``.
        """
        found = [
            {name: _plain(value) for name, value in row.items()}
            for row in self.findings.to_dict("records")
        ]
        content = {"counts": self.counts(), "findings": found, "statistics": self.statistics}
        text = json.dumps(content, indent=1, ensure_ascii=False)
        if path is not None:
            Path(path).write_text(text + "\n", encoding="utf-8")
        return text

    def write_html(self, path: str | PathLike[str]) -> Path:
        """Writes one page that needs no other file: summary, pictures, tables, histograms.

        Args:
            path: The file; missing folders above it are made.

        Returns:
            The path.
        """
        from keras_bbox.annotations.quality.page import report_page

        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(report_page(self), encoding="utf-8")
        return path


def make_report(
    findings: Iterable[Finding], statistics: dict[str, Any], surveys: Sequence[Survey],
    copies: Copies,
) -> Report:  # fmt: skip
    """Sorts the findings, the worst first, and puts them in a table."""
    order = {kind: place for place, kind in enumerate(KINDS)}
    splits = {survey.split: place for place, survey in enumerate(surveys)}
    ordered = sorted(
        findings,
        key=lambda found: (
            order[found.kind],
            splits.get(found.split, -1),
            -1 if found.row is None else found.row,
            found.image or "",
        ),
    )
    return Report(_table(ordered), statistics, surveys, copies)


def _table(findings: Sequence[Finding]) -> pd.DataFrame:
    columns: dict[str, Any] = {
        name: pd.Series([getattr(found, name) for found in findings], dtype=object)
        for name in Finding._fields
    }
    columns["row"] = pd.Series([found.row for found in findings], dtype="Int64")
    columns["severity"] = [KINDS[found.kind].severity for found in findings]
    columns["suggestion"] = [KINDS[found.kind].suggestion for found in findings]
    return pd.DataFrame(columns, columns=FINDING_COLUMNS)


def _first(rows: pd.DataFrame) -> Iterable[Any]:
    return rows.head(LISTED).itertuples(index=False)


def _where(found: Any) -> str:
    split = f"{found.split}, " if found.split else ""
    image = f"({found.image})" if found.image else ""
    row = "" if pd.isna(found.row) else f"row {found.row} "
    place = (split + row + (image if row else found.image or "")).strip(", ")
    return f"{place}: " if place else ""


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return None if value is None or value is pd.NA else value
