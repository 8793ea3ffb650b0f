"""Tables of boxes: read, check and write them."""

from keras_bbox.annotations.csv import read_csv, write_csv
from keras_bbox.annotations.table import (
    COLUMNS,
    find_class_names,
    image_paths,
    is_negative,
    validate_annotations,
)
from keras_bbox.annotations.table import existing_image_paths as existing_image_paths

__all__ = [
    "COLUMNS",
    "find_class_names",
    "image_paths",
    "is_negative",
    "read_csv",
    "validate_annotations",
    "write_csv",
]
