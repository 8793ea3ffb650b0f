"""How good a localizer is: numbers, a table, and a page with pictures."""

from __future__ import annotations

from keras_bbox.evaluation.evaluate import evaluate_localizer
from keras_bbox.evaluation.report import LocalizerReport

__all__ = ["LocalizerReport", "evaluate_localizer"]
