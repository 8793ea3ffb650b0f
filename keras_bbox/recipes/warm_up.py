"""Warming new heads up on a frozen backbone: its features are computed once and used several times.

Going through a frozen backbone costs far more than training the heads on it. To use what it gave
more than once is known as data echoing (Choi et al., "Faster Neural Network Training with Data
Echoing", 2019).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

_LIMIT = 2**30  # bytes of features that are held at a time


class Halves(NamedTuple):
    """A model in two: from the images to the features, and from these to the outputs."""

    lower: keras.Model
    upper: keras.Model


def halve(model: keras.Model) -> Halves | None:
    """Splits a localizer where its heads begin, if all that lies below is frozen.

    Args:
        model: A model from `add_localization_head`.

    Returns:
        Two models on the layers of `model`; None for a model that does not come apart so.
    """
    box_head = next((layer for layer in model.layers if layer.name == "box_head"), None)
    if box_head is None:
        return None
    # Keras has no public word for what goes into a model that is a layer.
    features = list(box_head._inbound_nodes[0].input_tensors)
    lower = keras.Model(model.inputs, features)
    if lower.trainable_weights:
        return None
    try:
        upper = keras.Model(features, model.outputs)
    except ValueError:  # an output that also looks at something below
        return None
    upper.output_names = model.output_names
    return Halves(lower, upper)


class Echoes(keras.utils.PyDataset):
    """Batches out of stored samples, in another order in each repetition."""

    def __init__(self, samples: tuple, batch_size: int, seed: list[int]) -> None:
        super().__init__()
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.repetition = 0

    def __len__(self) -> int:
        return -(-len(self.samples[0][0]) // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        rng = np.random.default_rng([*self.seed, self.repetition])
        order = rng.permutation(len(self.samples[0][0]))
        rows = order[index * self.batch_size : (index + 1) * self.batch_size]
        return keras.tree.map_structure(lambda array: _single(array[rows]), self.samples)

    def on_epoch_end(self) -> None:
        self.repetition += 1


def echo_epoch(
    halves: Halves, train: Any, repeats: int, seed: list[int], verbose: str | int
) -> dict[str, float]:
    """Trains the upper half for one pass through the data, `repeats` times on each sample.

    Args:
        halves: The halves; the upper one compiled.
        train: A `PyDataset` of batches `(X, y)` or `(X, y, sample_weight)`.
        repeats: How often each sample's features are used.
        seed: What the orders are drawn from.
        verbose: As in `fit`.

    Returns:
        The logs of the last repetition.
    """
    logs: dict[str, float] = {}
    train.on_epoch_begin()
    for part, (samples, batch_size) in enumerate(_stored(halves.lower, train)):
        echoes = Echoes(samples, batch_size, [*seed, part])
        history = halves.upper.fit(echoes, epochs=repeats, shuffle=False, verbose=verbose)
        logs = {name: values[-1] for name, values in history.history.items()}
    train.on_epoch_end()
    return logs


def _stored(lower: keras.Model, train: Any) -> Iterator[tuple[tuple, int]]:
    """Samples with features for images, as many at a time as the limit lets in; the batch size."""
    parts: list[tuple] = []
    size = 0
    for index in range(len(train)):
        X, *rest = train[index]
        features = keras.tree.flatten(lower.predict_on_batch(X))
        parts.append((tuple(_half(array) for array in features), *rest))
        size += sum(array.nbytes for array in parts[-1][0])
        if size > _LIMIT or index == len(train) - 1:
            samples = keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *parts)
            yield samples, len(parts[0][0][0])
            parts, size = [], 0


def _half(array: Any) -> np.ndarray:
    # What lies beyond half precision would come back as infinity.
    return np.clip(np.asarray(array), -65504, 65504).astype("float16")


def _single(array: np.ndarray) -> np.ndarray:
    return array.astype("float32") if array.dtype == np.float16 else array
