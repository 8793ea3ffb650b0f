"""Tables of boxes: read, check and write them."""

from keras_bbox.annotations.csv import read_csv, write_csv
from keras_bbox.annotations.lossy import lossy
from keras_bbox.annotations.table import (
    COLUMNS,
    find_class_names,
    image_names,
    image_paths,
    is_negative,
    validate_annotations,
)
from keras_bbox.annotations.voc import read_voc, write_voc

__all__ = [
    "COLUMNS",
    "find_class_names",
    "image_names",
    "image_paths",
    "is_negative",
    "lossy",
    "read_csv",
    "read_voc",
    "validate_annotations",
    "write_csv",
    "write_voc",
]
