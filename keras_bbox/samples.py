"""ImageSamples: the images of a table, each with all of its boxes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from os import PathLike

import numpy as np
import pandas as pd

from keras_bbox import augment, images
from keras_bbox.annotations import (
    COLUMNS,
    existing_paths,
    find_class_names,
    is_negative,
    validate_annotations,
)


class ImageSamples:
    """The images of a table of boxes as samples, each read when it is asked for.

    There is one sample an image, in the order in which images first appear, with all boxes of the
    image in the table's order: ``boxes`` are ``rel_xyxy``, ``float64``, of shape ``(N, 4)``,
    ``labels`` ``int32`` of shape ``(N,)``. A negative image has no boxes. Further columns of
    numbers, truth values and text become the sample's ``columns``; missing text becomes ``""``,
    a missing number NaN. Columns of other kinds are left out.

    It is what ``Mosaic``, ``MixUp`` and ``CopyPaste`` draw their partners from.

    Args:
        annotations: A table of boxes (see ``kb.annotations.read_csv``).
        image_dir: The folder that the images lie below.
        class_names: The classes in the order of their ids; ``None`` takes those of the table,
            sorted.
        decode: Whether images are arrays. Otherwise they are files that ``kb.augment`` decodes no
            larger than it needs them, which is faster for photos far larger than the result.

    Raises:
        ValueError: If the table is not usable; the message names rows and values.
        FileNotFoundError: If image files are missing.

    Example:
        >>> import keras_bbox as kb, tempfile
        >>> folder = tempfile.mkdtemp() + "/snacks"
        >>> _ = kb.datasets.make_snacks(12, image_size=64, directory=folder)
        >>> table = kb.annotations.read_csv(folder + "/annotations-train.csv")
        >>> samples = kb.ImageSamples(table, folder + "/train")
        >>> len(samples), samples[0].image.shape
        (8, (64, 64, 3))
        >>> mosaic = kb.augment.Mosaic(samples, probability=1.0)
        >>> mosaic(samples[0], np.random.default_rng(0), image_size=(96, 96)).image.shape
        (96, 96, 3)
    """

    def __init__(
        self,
        annotations: pd.DataFrame,
        image_dir: str | PathLike[str],
        class_names: Sequence[str] | None = None,
        *,
        decode: bool = True,
    ):
        table = validate_annotations(annotations, class_names)
        if not len(table):
            raise ValueError("A table of samples needs at least one row. Received: rows=0")
        self.class_names = tuple(class_names or find_class_names(table))
        self.decode = decode
        paths = existing_paths(table, image_dir)
        codes, self.paths = _numbered(paths)
        has_box = ~is_negative(table)
        _check_negatives(table, codes, has_box)
        boxed = table[has_box]
        codes = codes[has_box]
        # The rows of an image, in the table's order: a stable sort by image, cut into pieces.
        order = np.argsort(codes, kind="stable")
        self._rows = np.split(order, np.searchsorted(codes[order], range(1, len(self.paths))))
        ids = {name: class_id for class_id, name in enumerate(self.class_names)}
        self._labels = boxed["class_name"].map(ids).to_numpy(np.int32)
        self._boxes = boxed[["x_min", "y_min", "x_max", "y_max"]].to_numpy(np.float64)
        self._columns = _further_columns(boxed)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, k: int) -> augment.Sample:
        k = operator.index(k)
        if not -len(self) <= k < len(self):
            raise IndexError(f"There are {len(self)} samples. Received: k={k}")
        path, rows = self.paths[k], self._rows[k]
        image = images.read_image(path) if self.decode else images.open_photo(path)
        columns = {name: values[rows] for name, values in self._columns.items()}
        return augment.Sample(image, self._boxes[rows], self._labels[rows], columns)


def _numbered(paths: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(path, len(numbers)) for path in paths]
    return np.array(codes), tuple(numbers)


def _check_negatives(table: pd.DataFrame, codes: np.ndarray, has_box: np.ndarray) -> None:
    both = np.isin(codes, codes[has_box]) & ~has_box
    if both.any():
        raise ValueError(
            "An image either has boxes or is negative. Remove the empty rows of images with "
            f"boxes. Received: {int(both.sum())} such rows, the first with index "
            f"{table.index[both][0]}"
        )


def _further_columns(table: pd.DataFrame) -> dict[str, np.ndarray]:
    names = [name for name in table.columns if name not in (*COLUMNS, "filename")]
    columns = {str(name): _as_numpy(table[name]) for name in names}
    return {name: values for name, values in columns.items() if values is not None}


def _as_numpy(values: pd.Series) -> np.ndarray | None:
    """A column with a dtype of NumPy's own; None for what is no number, truth value or text."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    values = values.infer_objects()
    if pd.api.types.is_numeric_dtype(values):
        if values.isna().any():
            return values.to_numpy(np.float64, na_value=np.nan)
        return values.to_numpy()
    if pd.api.types.infer_dtype(values, skipna=True) in ("string", "empty"):
        return values.fillna("").to_numpy(str)
    return None
