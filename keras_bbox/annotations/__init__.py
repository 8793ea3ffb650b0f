"""Tables of boxes: read, check and write them."""

from keras_bbox.annotations.csv import read_csv, write_csv
from keras_bbox.annotations.quality import KINDS, Report, check, clean, split
from keras_bbox.annotations.table import (
    COLUMNS,
    find_class_names,
    image_paths,
    is_negative,
    validate_annotations,
)

__all__ = [
    "COLUMNS",
    "KINDS",
    "Report",
    "check",
    "clean",
    "find_class_names",
    "image_paths",
    "is_negative",
    "read_csv",
    "split",
    "validate_annotations",
    "write_csv",
]
