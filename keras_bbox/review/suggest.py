"""Boxes that a model proposes for images nobody has annotated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_bbox import images
from keras_bbox.annotations import image_paths
from keras_bbox.annotations.quality.files import images_below
from keras_bbox.boxes import clip_boxes, convert_boxes

COLUMNS = ("filename", "x_min", "x_max", "y_min", "y_max", "class_name", "confidence")


def suggest_boxes(
    model: Any,
    image_dir: str | PathLike[str],
    class_names: Sequence[str],
    *,
    annotations: pd.DataFrame | None = None,
    min_score: float = 0.5,
    preprocess: Callable | None = None,
    bounding_box_format: str = "rel_xyxy",
    image_size: tuple[int, int] | None = None,
    batch_size: int = 32,
) -> pd.DataFrame:
    """Proposes a box for each image without annotation, where the model is sure enough.

    The table is one of boxes like any other: write it in the format of a labeling tool, correct it
    there, and read it back. Images for which nothing is proposed have no row, so they stay
    unannotated.

    Args:
        model: A localizer, with class probabilities ``(B, classes)`` and boxes ``(B, 4)`` as
            outputs: a Keras model, or anything with ``predict_on_batch``.
        image_dir: The folder whose images are looked at, with the folders below it.
        class_names: The classes by the ids of the model.
        annotations: What is annotated already; those images are left out. Negatives count.
        min_score: The least probability of a proposal.
        preprocess: What the network wants of its input, as in ``BoundingBoxSequence``.
        bounding_box_format: The format of the model's boxes; pixels count those of
            ``image_size``.
        image_size: ``(height, width)`` of the model's input; ``None`` asks the model.
        batch_size: Images a batch.

    Returns:
        A valid table of boxes with ``filename`` and ``confidence``, the surest first.

    Raises:
        ValueError: If an image cannot be decoded, or the model does not tell its input size.

    Example:
        >>> import keras_bbox as kb, numpy as np, tempfile
        >>> folder = kb.datasets.make_snacks(12, image_size=64, directory=tempfile.mkdtemp())
        >>> class Middle:
        ...     input_shape = (None, 32, 32, 3)
        ...     def predict_on_batch(self, X):
        ...         return np.full((len(X), 1), 0.9), np.full((len(X), 4), (0.2, 0.2, 0.8, 0.8))
        >>> table = kb.suggest_boxes(Middle(), folder / "val", ["snack"])
        >>> table[["class_name", "confidence"]].values.tolist()
        [['snack', 0.9], ['snack', 0.9]]
    """
    known = set() if annotations is None else set(image_paths(annotations, ""))
    names = [name for name in images_below(Path(image_dir)) if Path(name) not in known]
    height, width = image_size or model.input_shape[1:3]
    if not height or not width:
        raise ValueError(
            "The model takes images of any size. Give image_size=(height, width). "
            f"Received: input_shape={model.input_shape}"
        )
    rows: list[tuple] = []
    for start in range(0, len(names), batch_size):
        part = names[start : start + batch_size]
        X = np.stack([_read(Path(image_dir) / name, height, width) for name in part])
        X = X.astype(np.float32)
        outputs = model.predict_on_batch(X if preprocess is None else preprocess(X))
        classes, boxes = (np.asarray(output, np.float64) for output in outputs)
        corners = convert_boxes(boxes, bounding_box_format, "rel_xyxy", height=height, width=width)
        rows += _rows(part, classes, np.asarray(corners), class_names, min_score)
    rows.sort(key=lambda row: (-row[-1], row[0]))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(COLUMNS[1:5], float))


def _read(path: Path, height: int, width: int) -> np.ndarray:
    image = images.read_image(path)
    fit = np.diag((width / image.shape[1], height / image.shape[0], 1.0))
    return images.warp_image(image, fit, height=height, width=width)


def _rows(
    names: Sequence[str],
    classes: np.ndarray,
    corners: np.ndarray,
    class_names: Sequence[str],
    min_score: float,
) -> list[tuple]:
    found = []
    inside = np.asarray(clip_boxes(corners, "rel_xyxy"))
    for name, scores, (x1, y1, x2, y2) in zip(names, classes, inside.tolist(), strict=True):
        best = int(scores.argmax())
        # A box without area cannot stand in a table; there is nothing to correct in it either.
        if scores[best] >= min_score and x1 < x2 and y1 < y2:
            found.append((name, x1, x2, y1, y2, class_names[best], float(scores[best])))
    return found
