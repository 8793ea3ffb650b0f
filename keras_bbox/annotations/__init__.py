"""Tables of boxes: read, check and write them."""

from keras_bbox.annotations.coco import read_coco, write_coco
from keras_bbox.annotations.convert import read, write
from keras_bbox.annotations.csv import read_csv, write_csv
from keras_bbox.annotations.cvat import read_cvat, write_cvat
from keras_bbox.annotations.detect import find_format
from keras_bbox.annotations.labelbox import read_labelbox, write_labelbox
from keras_bbox.annotations.lossy import lossy
from keras_bbox.annotations.open_images import read_open_images, write_open_images
from keras_bbox.annotations.quality import KINDS, Report, check, clean, split
from keras_bbox.annotations.simple_image_annotator import (
    read_simple_image_annotator,
    write_simple_image_annotator,
)
from keras_bbox.annotations.sloth import read_sloth, write_sloth
from keras_bbox.annotations.table import (
    COLUMNS,
    existing_paths,
    find_class_names,
    image_names,
    image_paths,
    is_negative,
    validate_annotations,
)
from keras_bbox.annotations.voc import read_voc, write_voc
from keras_bbox.annotations.yolo import read_yolo, write_yolo

__all__ = [
    "COLUMNS",
    "KINDS",
    "Report",
    "check",
    "clean",
    "existing_paths",
    "find_class_names",
    "find_format",
    "image_names",
    "image_paths",
    "is_negative",
    "lossy",
    "read",
    "read_coco",
    "read_csv",
    "read_cvat",
    "read_labelbox",
    "read_open_images",
    "read_simple_image_annotator",
    "read_sloth",
    "read_voc",
    "read_yolo",
    "split",
    "validate_annotations",
    "write",
    "write_coco",
    "write_csv",
    "write_cvat",
    "write_labelbox",
    "write_open_images",
    "write_simple_image_annotator",
    "write_sloth",
    "write_voc",
    "write_yolo",
]
