"""Drawing for batches and image by image from the same generators, to compare the two."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np

from keras_bbox.augment.choose import METHODS


class Replay:
    """Image ``k`` draws from ``default_rng(seeds[k])``."""

    def __init__(self, seeds):
        self.rngs = [np.random.default_rng(seed) for seed in seeds]

    def _draw(self, draw, size=None):
        drawn = np.array([draw(rng) for rng in self.rngs], np.float32)
        if size is None:
            return keras.ops.convert_to_tensor(drawn)
        return [keras.ops.convert_to_tensor(drawn[:, k].copy()) for k in range(size)]

    def random(self, size=None):
        return self._draw(lambda rng: rng.random(size), size)

    def uniform(self, low=0.0, high=1.0, size=None):
        return self._draw(lambda rng: rng.uniform(low, high, size), size)

    def integers(self, low, high=None, *, endpoint=False):
        low, high = (0, low) if high is None else (low, high)
        high = keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(high))
        highs = iter(np.broadcast_to(high, len(self.rngs)))
        return self._draw(lambda rng: rng.integers(low, int(next(highs)), endpoint=endpoint))

    def permutation(self, count):
        drawn = np.array([rng.permutation(count) for rng in self.rngs], np.int32)
        return keras.ops.convert_to_tensor(drawn)


def alone(step):
    """The same step as one of a user's own, which a pipeline asks image by image."""
    return SimpleNamespace(**{name: getattr(step, name) for name in METHODS if hasattr(step, name)})
