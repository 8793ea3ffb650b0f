"""How good a table of boxes is, and what can be done about it."""

from keras_bbox.annotations.quality.check import check
from keras_bbox.annotations.quality.clean import clean
from keras_bbox.annotations.quality.fixes import FIXES, SAFE_FIXES
from keras_bbox.annotations.quality.kinds import KINDS
from keras_bbox.annotations.quality.report import Report
from keras_bbox.annotations.quality.split import split

__all__ = ["FIXES", "KINDS", "SAFE_FIXES", "Report", "check", "clean", "split"]
