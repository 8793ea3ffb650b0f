"""Chosen findings mended: a new table, and a log of every change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from keras_bbox.annotations.quality.fixes import EDITS, FIXES, ROWS_DROPPED, SAFE_FIXES
from keras_bbox.annotations.quality.report import Report
from keras_bbox.annotations.quality.survey import Survey, Tables
from keras_bbox.annotations.table import COORDINATES

LOG_COLUMNS = ("split", "row", "image", "kind", "before", "after")


def clean(
    annotations: Tables, report: Report, fixes: Sequence[str] | None = None
) -> tuple[Any, pd.DataFrame]:
    """Mends chosen kinds of findings in a copy of the tables, and logs every change.

    Nothing is edited in place. Corners are put in order before they are clipped, and rows are
    dropped last. An image that loses its last row is unannotated from then on: nobody has said
    that it holds nothing.

    The fixes, by the kind of finding they mend:

    - ``reversed-box``, ``overshoot``, ``duplicate-box`` are safe, and made unless others are named:
      corners are swapped, boxes clipped at the edge of the image, the later of equal rows dropped.
    - ``outside-image`` clips as well; ``pixel-coordinates`` divides by the size of the image file.
    - ``lookalike-class`` renames the rarer name; ``size-mismatch`` and ``swapped-size`` put
      the file's size in the columns and leave the boxes alone.
    - ``near-duplicate-box``, ``conflicting-classes``, ``bad-coordinate``, ``missing-coordinate``,
      ``missing-class``, ``unknown-class``, ``missing-image-name``, ``negative-with-boxes``,
      ``empty-box``, ``tiny-box``, ``whole-image-box``, ``aspect-outlier`` and ``group-box`` drop
      the row.
    - ``missing-image``, ``unreadable-image``, ``truncated-image``, ``path-outside``,
      ``duplicate-image``, ``near-duplicate-image``, ``leaked-image``, ``near-leaked-image`` drop
      all rows of the image.

    Args:
        annotations: What the report was made of: a table, or one for each split.
        report: Of ``check``; ``report.where(...)`` leaves out findings that shall stay.
        fixes: The kinds of findings to mend; ``None`` for the safe ones.

    Returns:
        ``(new, log)``. ``new`` is a table, or a dict of them, whose rows keep their index. ``log``
        is a DataFrame, a row for each change: ``split``, ``row`` (position in the given table),
        ``image``, ``kind``, and the changed values as dicts, ``before`` and ``after`` (``None``
        where the row was dropped).

    Raises:
        ValueError: If a fix is unknown, or the report is of other tables.

    Example:
        >>> import keras_bbox as kb, pandas as pd
        >>> row = dict(filename="a.jpg", x_min=0.9, x_max=0.1, y_min=0.0, y_max=0.5)
        >>> table = pd.DataFrame([row | {"class_name": "cake"}])
        >>> new, log = kb.annotations.clean(table, kb.annotations.check(table))
        >>> new.loc[0, ["x_min", "x_max"]].tolist(), log.loc[0, "before"]
        ([0.1, 0.9], {'x_min': 0.9, 'x_max': 0.1})
    """
    chosen = _check_fixes(SAFE_FIXES if fixes is None else fixes)
    tables = annotations if isinstance(annotations, Mapping) else {"": annotations}
    _check_tables(tables, report)
    log: list[tuple] = []
    cleaned = {
        split: _clean_table(survey, report.findings, chosen, log)
        for split, survey in zip(tables, report.surveys, strict=True)
    }
    changes = pd.DataFrame(log, columns=LOG_COLUMNS)
    return (cleaned if isinstance(annotations, Mapping) else cleaned[""]), changes


def _check_fixes(fixes: Iterable[str]) -> set[str]:
    chosen = {fixes} if isinstance(fixes, str) else set(fixes)
    unknown = sorted(chosen - set(FIXES))
    if unknown:
        raise ValueError(
            f"A fix is named by the kind of finding it mends. Choose from {', '.join(FIXES)}. "
            f"Received: {', '.join(map(repr, unknown))}"
        )
    return chosen


def _check_tables(tables: Mapping[str, pd.DataFrame], report: Report) -> None:
    splits = [survey.split for survey in report.surveys]
    same = [str(split) for split in tables] == splits and all(
        survey.table.equals(table)
        for survey, table in zip(report.surveys, tables.values(), strict=True)
    )
    if not same:
        raise ValueError(
            "The report must be of the very tables that are cleaned. Check them again. "
            f"Received: tables {[str(split) for split in tables]}, a report of {splits}"
        )


def _clean_table(
    survey: Survey, findings: pd.DataFrame, chosen: set[str], log: list[tuple]
) -> pd.DataFrame:
    own = findings[findings["split"].isin(["", survey.split])]
    by_kind = {str(kind): rows for kind, rows in own.groupby("kind") if kind in chosen}
    values = {name: survey.given[:, k].copy() for k, name in enumerate(COORDINATES)}
    values["class_name"] = survey.table["class_name"].to_numpy(dtype=object).copy()
    values |= {
        side: survey.table[side].to_numpy(dtype=object).copy()
        for side in ("height", "width")
        if side in survey.table
    }
    touched: set[str] = set()
    for kind, edit in EDITS.items():
        for found in by_kind.get(kind, own[:0]).itertuples(index=False):
            for row, after in edit(survey, found, values):
                before = {name: values[name][row] for name in after}
                if before != after:
                    touched.update(after)
                    _put(values, row, after)
                    log.append((survey.split, row, survey.names[row], kind, before, after))
    kept = _drop(survey, by_kind, log)
    table = survey.table.copy()
    for name in touched:
        table[name] = _column(values[name], survey.table[name])
    return table[kept]


def _put(values: dict[str, np.ndarray], row: int, after: Mapping[str, Any]) -> None:
    for name, value in after.items():
        values[name][row] = value


def _column(values: np.ndarray, old: pd.Series) -> pd.Series:
    column = pd.Series(values, index=old.index, dtype=object)
    if old.name not in COORDINATES:
        return column.astype(old.dtype)
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    # What is no number stays as it is, for another fix or another look.
    return numbers if (numbers.isna() == (column.isna() | (column == ""))).all() else column


def _drop(survey: Survey, by_kind: Mapping[str, pd.DataFrame], log: list[tuple]) -> np.ndarray:
    kept = np.ones(len(survey.names), bool)
    for kind in (kind for kind in FIXES if kind in by_kind and kind not in EDITS):
        found = by_kind[kind]
        if kind in ROWS_DROPPED:
            rows = found["row"].dropna().astype(int).to_numpy()
        else:
            rows = np.flatnonzero(np.isin(survey.names, found["image"].to_numpy()))
        for row in rows[kept[rows]]:
            before = survey.table.iloc[row].to_dict()
            log.append((survey.split, int(row), survey.names[row], kind, before, None))
        kept[rows] = False
    return kept
