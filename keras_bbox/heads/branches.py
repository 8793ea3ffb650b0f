"""Layers that make one box of those of several branches, and tell how far these agree."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import keras
from keras import ops

from keras_bbox.overlap import iou


@keras.saving.register_keras_serializable(package="keras_bbox")
class AverageBoxes(keras.layers.Layer):
    """Averages boxes; in training it takes one of them at random for each image.

    Branches that learned apart err apart, and their mean errs less than each of them. Trained on
    their mean they would learn to make up for each other instead; hence every image of a batch
    teaches one branch alone (after Lee et al., "Why M Heads are Better than One", 2015, and
    Breiman, "Bagging Predictors", 1996). `fit_localizer` reaches below this layer, and lets every
    image teach each of them.

    It takes a list of boxes, each `(B, 4)`, and returns boxes `(B, 4)`.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        # Half precision is too coarse for coordinates.
        super().__init__(**({"dtype": "float32"} | kwargs))
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, boxes: list[Any], training: bool | None = None) -> Any:
        stacked = ops.stack(boxes, axis=1)
        if not training:
            return ops.mean(stacked, axis=1)
        count = len(boxes)
        drawn = keras.random.randint((ops.shape(stacked)[0],), 0, count, seed=self.seed_generator)
        is_drawn = ops.one_hot(drawn, count, dtype=stacked.dtype)
        return ops.sum(stacked * ops.expand_dims(is_drawn, axis=-1), axis=1)

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        return shapes[0]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"seed": self.seed}


@keras.saving.register_keras_serializable(package="keras_bbox")
class BoxAgreement(keras.layers.Layer):
    """Tells how far boxes agree: the mean IoU of every pair of them.

    Branches that learned apart differ where the image leaves room for doubt (Lakshminarayanan et
    al., "Simple and Scalable Predictive Uncertainty Estimation", NeurIPS 2017).

    It takes a list of two or more boxes, each `(B, 4)`, and returns `(B,)`.
    """

    def __init__(self, **kwargs: Any) -> None:
        # Half precision is too coarse for coordinates.
        super().__init__(**({"dtype": "float32"} | kwargs))

    def call(self, boxes: list[Any]) -> Any:
        overlaps = [iou(one, other) for one, other in combinations(boxes, 2)]
        return ops.mean(ops.stack(overlaps, axis=1), axis=1)

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        return shapes[0][:1]
