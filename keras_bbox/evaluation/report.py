"""The report on a localizer: one table of rows, and everything that follows from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_bbox.evaluation import scores
from keras_bbox.evaluation.page import report_page

THRESHOLDS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class LocalizerReport:
    """What a localizer got right and wrong, row by row and summed up.

    Made by ``kb.evaluate_localizer``. A row is *both right* if its class is right and the IoU is
    over 0.5, as the ILSVRC localization task counts (Russakovsky et al. 2015). A model with one box
    an image can at the best find one of several objects, so every figure is also given for images:
    there one row counts, of those that are both right the one with the highest IoU, or if there is
    none, of all.

    Attributes:
        rows: One row for each row of the annotations: ``row`` (its index), ``image`` (the path),
            ``class_name``, ``predicted_class``, ``class_id``, ``predicted_id``, ``score`` (the
            probability of the predicted class), ``iou``, perhaps ``box_score``, and the true and
            predicted corners ``x_min``, ``predicted_x_min`` and so on, in fractions of the image.
        class_names: The classes by id.

    Example:
        >>> import keras_bbox as kb, pandas as pd
        >>> rows = pd.DataFrame({
        ...     "row": [0], "image": ["a.jpg"], "class_name": ["cake"], "predicted_class": ["cake"],
        ...     "class_id": [0], "predicted_id": [0], "score": [0.9], "iou": [0.8],
        ...     "x_min": [0.1], "y_min": [0.1], "x_max": [0.5], "y_max": [0.5]})
        >>> print(kb.LocalizerReport(rows, ("cake",)).summary()["both_right"])
        1.0
    """

    rows: pd.DataFrame
    class_names: tuple[str, ...]

    def summary(self) -> dict[str, float]:
        """Returns the figures over all rows, and the calibration of the score.

        Returns:
            ``rows``, ``mean_iou``, ``iou_50`` and ``iou_75`` (shares over 0.5 and 0.75),
            ``accuracy``, ``both_right``; ``calibration_error`` of the class's probability as the
            probability of being both right, and of ``box_score`` as the IoU, where there is one.
        """
        found = _figures(self.rows)
        found["calibration_error"] = scores.calibration_error(self.calibration())
        if "box_score" in self.rows:
            found["box_score_error"] = scores.calibration_error(self.calibration("box_score"))
        return found

    def by_row_and_image(self) -> pd.DataFrame:
        """Returns the figures over all rows, over images, and over images with one object."""
        best = self.images()
        counts = self.rows["image"].map(self.rows["image"].value_counts())
        groups = {
            "rows": self.rows,
            "images": best,
            "images with one object": self.rows[counts == 1],
        }
        return _table(groups)

    def images(self) -> pd.DataFrame:
        """Returns the row of each image that counts: the best of those both right, else of all."""
        right = (self.rows["class_id"] == self.rows["predicted_id"]) & (self.rows["iou"] > 0.5)
        order = self.rows.assign(_right=right).sort_values(
            ["_right", "iou"], ascending=False, kind="stable"
        )
        return order.drop_duplicates("image").drop(columns="_right").sort_index()

    def by_class(self) -> pd.DataFrame:
        """Returns the figures for the rows of each class."""
        return _table(
            {
                name: self.rows[self.rows["class_id"] == class_id]
                for class_id, name in enumerate(self.class_names)
            }
        )

    def by_size(self) -> pd.DataFrame:
        """Returns the figures for small (below 3% of the image), medium and large (25%) boxes."""
        sizes = scores.size_of(self.rows[["x_min", "y_min", "x_max", "y_max"]].to_numpy())
        return _table({name: self.rows[sizes == name] for name in scores.SIZES})

    def curve(self) -> pd.DataFrame:
        """Returns the share of rows with an IoU over each threshold from 0 to 1."""
        shares = scores.success_curve(self.rows["iou"].to_numpy(), THRESHOLDS)
        return pd.DataFrame({"threshold": THRESHOLDS, "success": shares})

    def calibration(self, score: str = "score", bins: int = 10) -> pd.DataFrame:
        """Returns what became of predictions of each confidence, see ``scores.calibration``.

        Args:
            score: ``"score"``, judged by being both right; or ``"box_score"``, by the IoU.
            bins: How many equal parts of [0, 1].
        """
        outcome = self.rows["iou"] if score == "box_score" else _both_right(self.rows)
        return scores.calibration(self.rows[score].to_numpy(), outcome.to_numpy(float), bins)

    def confusion(self) -> pd.DataFrame:
        """Returns counts: a row for each true class, a column for each predicted one."""
        counts = scores.confusion(
            self.rows["class_id"].to_numpy(),
            self.rows["predicted_id"].to_numpy(),
            len(self.class_names),
        )
        names = list(self.class_names)
        return pd.DataFrame(counts, index=names, columns=names)

    def worst(self, count: int | None = None) -> pd.DataFrame:
        """Returns the rows by their IoU, the lowest first; wrong classes first among equals."""
        right = self.rows["class_id"] == self.rows["predicted_id"]
        order = self.rows.assign(_right=right).sort_values(["iou", "_right"], kind="stable")
        return order.drop(columns="_right").head(len(order) if count is None else count)

    def to_dict(self) -> dict[str, Any]:
        """Returns all figures as plain numbers, lists and strings; without the single rows."""
        known = [name for name in ("score", "box_score") if name in self.rows]
        return {
            "summary": self.summary(),
            "by_row_and_image": self.by_row_and_image().to_dict("index"),
            "by_class": self.by_class().to_dict("index"),
            "by_size": self.by_size().to_dict("index"),
            "curve": self.curve().to_dict("list"),
            "calibration": {name: self.calibration(name).to_dict("list") for name in known},
            "confusion": self.confusion().to_numpy().tolist(),
            "class_names": list(self.class_names),
        }

    def to_json(self, path: str | PathLike[str]) -> Path:
        """Writes ``to_dict`` as JSON, figures over nothing as null, and returns the path."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(_without_nan(self.to_dict()), indent=1), encoding="utf-8")
        return path

    def write_html(
        self, path: str | PathLike[str], *, title: str = "Localizer", pictures: int = 24
    ) -> Path:
        """Writes one page with the figures, curves and pictures, which needs no other file.

        Args:
            path: The file; missing folders above it are made.
            title: The page's title.
            pictures: How many of the worst images, and half as many of the best, are shown; each
                with all of its objects, judged by the one that counts.

        Returns:
            The path.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(report_page(self, title, pictures), encoding="utf-8")
        return path

    def __str__(self) -> str:
        parts = [self.by_row_and_image(), self.by_class(), self.by_size()]
        return "\n\n".join(part.to_string(float_format="{:.3f}".format) for part in parts)


def _both_right(rows: pd.DataFrame) -> pd.Series:
    return (rows["class_id"] == rows["predicted_id"]) & (rows["iou"] > 0.5)


def _figures(rows: pd.DataFrame) -> dict[str, float]:
    ious = rows["iou"].astype(float)
    return {
        "rows": len(rows),
        "mean_iou": float(ious.mean()),
        "iou_50": _share(ious > 0.5),
        "iou_75": _share(ious > 0.75),
        "accuracy": _share(rows["class_id"] == rows["predicted_id"]),
        "both_right": _share(_both_right(rows)),
    }


def _share(hits: pd.Series) -> float:
    return float(hits.mean()) if len(hits) else float("nan")


def _table(groups: dict[str, pd.DataFrame]) -> pd.DataFrame:
    frame = pd.DataFrame({name: _figures(rows) for name, rows in groups.items()}).T
    return frame.astype({"rows": int})


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_nan(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and np.isnan(value) else value
