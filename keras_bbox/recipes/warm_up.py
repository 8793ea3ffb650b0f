"""Warming new heads up on a frozen backbone: its features are computed once and used several times.

Going through a frozen backbone costs far more than training the heads on it. To use what it gave
more than once is known as data echoing (Choi et al., "Faster Neural Network Training with Data
Echoing", 2019). The echoes of several passes are mixed, so that the heads do not learn one pass by
heart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_bbox.recipes.apart import ApartTrainer, features_of, find_box_head

LIMIT = 2 * 2**30  # bytes of features that are held


class Halves(NamedTuple):
    """A model in two: from the images to the features, and from these to the outputs."""

    lower: keras.Model
    upper: keras.Model


def halve(model: keras.Model) -> Halves | None:
    """Splits a localizer where its heads begin, if all that lies below is frozen.

    Args:
        model: A model from `add_localization_head`, or one that trains it.

    Returns:
        Two models on the layers of `model`; None for a model that does not come apart so.
    """
    box_head = find_box_head(model)
    if box_head is None:
        return None
    features = features_of(box_head)
    lower = keras.Model(model.inputs[0], features)
    if lower.trainable_weights:
        return None
    kind = ApartTrainer if isinstance(model, ApartTrainer) else keras.Model
    try:
        upper = kind(features, model.outputs)
    except ValueError:  # an output that also looks at something below
        return None
    upper.output_names = model.output_names
    return Halves(lower, upper)


class Store:
    """Features of the latest passes through the data, as many passes as a limit lets in."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.passes: list[list[tuple]] = []

    def add(self, batches: list[tuple]) -> None:
        """Takes in the batches of a pass, `(features, y)` or `(features, y, sample_weight)`."""
        self.passes.append(batches)
        while len(self.passes) > 1 and sum(map(_size, self.passes)) > self.limit:
            self.passes.pop(0)

    def samples(self) -> list[tuple[tuple, int]]:
        """Every sample held, as a batch and a row in it."""
        batches = [batch for held in self.passes for batch in held]
        return [(batch, row) for batch in batches for row in range(_length(batch))]


class Echoes(keras.utils.PyDataset):
    """Batches of stored samples; each epoch draws as many as one pass has."""

    def __init__(self, store: Store, seed: list[int]) -> None:
        # With one worker alone, Keras at times waits four seconds for the end of an epoch.
        super().__init__(workers=2)
        latest = store.passes[-1]
        self.samples = store.samples()
        self.batch_size = _length(latest[0])
        self.count = sum(map(_length, latest))
        self.seed = seed
        self.repetition = 0

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        rng = np.random.default_rng([*self.seed, self.repetition])
        drawn = rng.permutation(len(self.samples))[: self.count]
        start = index * self.batch_size
        chosen = [self.samples[k] for k in drawn[start : start + self.batch_size]]
        rows = [
            keras.tree.map_structure(lambda array, row=row: array[row], batch)
            for batch, row in chosen
        ]
        return keras.tree.map_structure(lambda *values: _single(np.stack(values)), *rows)

    def on_epoch_end(self) -> None:
        self.repetition += 1


def echo_epoch(
    halves: Halves, train: Any, store: Store, repeats: int, seed: list[int], verbose: str | int
) -> dict[str, float]:
    """Trains the upper half for one pass through the data, on each sample `repeats` times.

    Args:
        halves: The halves; the upper one compiled.
        train: A data set of batches `(X, y)` or `(X, y, sample_weight)`.
        store: Features of earlier passes, which are used again too; it takes in those of this one.
        repeats: How many steps are made for each batch.
        seed: What the orders are drawn from.
        verbose: As in `fit`.

    Returns:
        The logs of the last repetition.
    """
    store.add([_with_features(halves.lower, batch) for batch in _batches(train)])
    echoes = Echoes(store, seed)
    history = halves.upper.fit(echoes, epochs=repeats, shuffle=False, verbose=verbose)
    return {name: values[-1] for name, values in history.history.items()}


def _batches(train: Any) -> Iterator[tuple]:
    """The batches of one epoch; those of a `PyDataset` made ahead by its workers, as in `fit`."""
    if not isinstance(train, keras.utils.PyDataset):
        for batch in train:  # of another library's tensors perhaps
            yield keras.tree.map_structure(keras.ops.convert_to_numpy, batch)
        return
    train.on_epoch_begin()
    with ThreadPoolExecutor(max(train.workers, 1)) as pool:
        ahead: deque[Future] = deque()
        for index in range(len(train)):
            ahead.append(pool.submit(train.__getitem__, index))
            if len(ahead) > train.workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    train.on_epoch_end()


def _with_features(lower: keras.Model, batch: tuple) -> tuple:
    X, *rest = batch
    features = keras.tree.flatten(lower.predict_on_batch(X))
    return (tuple(_half(array) for array in features), *rest)


def _length(batch: tuple) -> int:
    return len(batch[0][0])


def _size(batches: list[tuple]) -> int:
    return sum(array.nbytes for batch in batches for array in batch[0])


def _half(array: Any) -> np.ndarray:
    # What lies beyond half precision would come back as infinity.
    return np.clip(np.asarray(array), -65504, 65504).astype("float16")


def _single(array: np.ndarray) -> np.ndarray:
    return array.astype("float32") if array.dtype == np.float16 else array
