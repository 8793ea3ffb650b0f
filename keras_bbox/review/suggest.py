"""Boxes that a model proposes for images nobody has annotated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from keras_bbox.annotations import image_paths
from keras_bbox.annotations.quality.files import images_below
from keras_bbox.inference import predict_boxes

CORNERS = ["x_min", "x_max", "y_min", "y_max"]
COLUMNS = ["filename", *CORNERS, "class_name", "confidence", "width", "height"]


def suggest_boxes(
    model: Any,
    image_dir: str | PathLike[str],
    class_names: Sequence[str],
    *,
    annotations: pd.DataFrame | None = None,
    min_score: float = 0.5,
    preprocess: Callable | None = None,
    batch_size: int = 32,
    errors: str = "warn",
    verbose: bool = False,
) -> pd.DataFrame:
    """Proposes a box for each image without annotation, where the model is sure enough.

    The table is one of boxes like any other: write it in the format of a labeling tool, correct it
    there, and read it back. Images for which nothing is proposed have no row, so they stay
    unannotated.

    Args:
        model: A localizer, such as ``add_localization_head`` makes.
        image_dir: The folder whose images are looked at, with the folders below it.
        class_names: The classes by the ids of the model.
        annotations: What is annotated already; those images are left out. Negatives count.
        min_score: The least probability of a proposal.
        preprocess: What the network wants of its input, as in ``BoundingBoxSequence``.
        batch_size: Images a batch.
        errors: What to do about files that cannot be read: ``"raise"``, ``"warn"`` or ``"skip"``.
        verbose: Whether to show a progress bar.

    Returns:
        A valid table of boxes with ``filename``, the image's ``width`` and ``height``, and the
        probability as ``confidence``; the surest first.

    Raises:
        ValueError: If an image cannot be read (with ``errors="raise"``), or the model is no
            localizer.

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
    root = Path(image_dir)
    known = set() if annotations is None else set(image_paths(annotations, root))
    paths = [path for path in (root / name for name in images_below(root)) if path not in known]
    found = predict_boxes(
        model,
        paths,
        class_names=class_names,
        preprocess=preprocess,
        relative=True,
        batch_size=batch_size,
        errors=errors,
        verbose=verbose,
    )
    # A box without area cannot stand in a table, and there is nothing in it to correct.
    has_area = (found["x_min"] < found["x_max"]) & (found["y_min"] < found["y_max"])
    sure = found[has_area & (found["score"] >= min_score)]
    names = [Path(image).relative_to(root).as_posix() for image in sure["image"]]
    table = sure.assign(filename=names).rename(columns={"score": "confidence"})
    ordered = table.sort_values(["confidence", "filename"], ascending=[False, True])
    return ordered[COLUMNS].astype(dict.fromkeys(CORNERS, float)).reset_index(drop=True)
