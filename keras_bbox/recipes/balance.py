"""Sample weights that make all classes count alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


class Balanced(keras.utils.PyDataset):
    """The batches of a sequence `(X, (y_class, y_bbox)[, weights])`, weighted by their classes."""

    def __init__(self, sequence: Any, weight_of_class: np.ndarray) -> None:
        super().__init__(sequence.workers, sequence.use_multiprocessing, sequence.max_queue_size)
        self.sequence = sequence
        self.weight_of_class = weight_of_class

    @property
    def num_batches(self) -> int | None:
        return self.sequence.num_batches

    def __len__(self) -> int:
        return len(self.sequence)

    def __getitem__(self, index: int) -> tuple:
        X, (y_class, y_bbox), *given = self.sequence[index]
        weights = self.weight_of_class[np.asarray(y_class)].astype("float32")
        of_class, of_box = given[0] if given else (1.0, 1.0)
        return X, (y_class, y_bbox), (weights * of_class, weights * of_box)

    def on_epoch_begin(self) -> None:
        self.sequence.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.sequence.on_epoch_end()


def weights_of_classes(choice: str | Mapping[str, float], sequence: Any) -> np.ndarray:
    """One weight for each class id, 1 on the mean over the samples.

    Args:
        choice: "balanced", or a weight by class name.
        sequence: A `BoundingBoxSequence`.

    Returns:
        The weights, shape `(num_classes,)`.

    Raises:
        ValueError: If the choice is neither, or names a class that is none.
    """
    names = sequence.class_names
    samples = np.concatenate([sequence.rows(index) for index in range(len(sequence))])
    rows = sequence.annotations["class_name"].iloc[samples]
    counts = rows.value_counts().reindex(names, fill_value=0).to_numpy()
    if choice == "balanced":
        # The root is half way to equal shares: the few photos of a rare class are not worn out.
        weights = 1 / np.sqrt(np.maximum(counts, 1))
    elif isinstance(choice, Mapping) and set(choice) <= set(names):
        weights = np.array([choice.get(name, 1.0) for name in names], "float64")
    else:
        raise ValueError(
            "class_weights must be None, 'balanced', or a weight for each name of a class. "
            f"Use names among {', '.join(names)}. Received: class_weights={choice!r}"
        )
    return weights * counts.sum() / (weights * counts).sum()
