"""ImageSamples: a table of boxes as one sample for each image, with all its boxes."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

import numpy as np
import pandas as pd

from keras_bbox import images
from keras_bbox.annotations import (
    existing_paths,
    find_class_names,
    is_negative,
    validate_annotations,
)
from keras_bbox.augment import Sample

CORNERS = ["x_min", "y_min", "x_max", "y_max"]
OWN_COLUMNS = {"image_id", "folder", "filename", "class_name", *CORNERS}


class ImageSamples(Sequence):
    """Reads a table of boxes as samples, one for each image, when they are asked for.

    An image without objects (a negative) is a sample with no boxes. Further columns of the table
    ride along in ``sample.columns``.

    Args:
        annotations: A table of boxes (see ``kb.annotations.read_csv``).
        image_dir: The folder that the images lie below.
        class_names: The classes in the order of their ids; ``None`` takes those of the table,
            sorted.

    Raises:
        ValueError: If the table is not usable; the message names rows and values.
        FileNotFoundError: If image files are missing.

    Example:
        >>> import keras_bbox as kb, tempfile
        >>> folder = tempfile.mkdtemp() + "/snacks"
        >>> _ = kb.datasets.make_snacks(12, image_size=64, directory=folder)
        >>> table = kb.annotations.read_csv(folder + "/annotations-train.csv")
        >>> samples = kb.ImageSamples(table, folder + "/train")
        >>> len(samples) == table["image_id"].nunique(), samples[0].image.shape
        (True, (64, 64, 3))
    """

    def __init__(
        self,
        annotations: pd.DataFrame,
        image_dir: str | PathLike[str],
        class_names: Sequence[str] | None = None,
    ):
        table = validate_annotations(annotations, class_names)
        paths = existing_paths(table, image_dir)
        self.annotations = table
        self.class_names = tuple(class_names or find_class_names(table))
        ids = {name: class_id for class_id, name in enumerate(self.class_names)}
        self._labels = table["class_name"].map(ids).fillna(-1).to_numpy(np.int32)
        self._boxes = table[CORNERS].to_numpy(np.float64)
        self._columns = {
            str(name): table[name].to_numpy() for name in table.columns if name not in OWN_COLUMNS
        }
        self._is_box = ~np.asarray(is_negative(table))
        rows: dict[str, list[int]] = {}
        for row, path in enumerate(paths):
            rows.setdefault(path, []).append(row)
        self._images = list(rows.items())

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        path, rows = self._images[index]
        kept = np.array([row for row in rows if self._is_box[row]], int)
        columns = {name: values[kept] for name, values in self._columns.items()}
        return Sample(images.read_image(path), self._boxes[kept], self._labels[kept], columns)
