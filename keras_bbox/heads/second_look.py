"""Layers for a second look: cut the box out of the feature map, and move its sides."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bbox.heads.cells import by_cell, read_bilinearly, within_image

_SMALLEST = 0.05  # a side of what is cut out, in fractions of the image


@keras.saving.register_keras_serializable(package="keras_bbox")
class JitterBox(keras.layers.Layer):
    """Moves and scales boxes a little while training, as the first look will err later.

    On the photos that a network learns from, its boxes soon fit; a second look that only ever saw
    such boxes would have nothing to correct.
    """

    def __init__(self, amount: float = 0.08, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**({"dtype": "float32"} | kwargs))
        self.amount = amount
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, boxes: Any, training: bool | None = None) -> Any:
        if not training:
            return boxes
        center, size = _center_and_size(ops.stop_gradient(boxes))
        shift, stretch = (
            self.amount * keras.random.normal(ops.shape(size), seed=self.seed_generator)
            for _ in range(2)
        )
        center, half = center + size * shift, size * ops.exp(stretch) / 2
        jittered = ops.concatenate([center - half, center + half], axis=-1)
        return boxes + ops.stop_gradient(jittered - boxes)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"amount": self.amount, "seed": self.seed}


@keras.saving.register_keras_serializable(package="keras_bbox")
class CropMap(keras.layers.Layer):
    """Cuts a box and its surroundings out of a map, always as `size` x `size` cells.

    It takes `(boxes, map)` of shapes `(B, 4)`, `rel_xyxy`, and `(B, H, W, C)`. Each cell of the
    result is read off the map bilinearly at the cell's center (He et al., "Mask R-CNN", ICCV 2017,
    section 3, with one sample a cell); beyond the border the outermost cells go on.
    """

    def __init__(self, size: int = 14, margin: float = 0.15, **kwargs: Any) -> None:
        super().__init__(**({"dtype": "float32"} | kwargs))
        self.size = size
        self.margin = margin

    def call(self, inputs: list[Any]) -> Any:
        boxes, features = inputs
        center, size = _center_and_size(ops.stop_gradient(boxes))
        size = ops.maximum(size, _SMALLEST) * (1 + 2 * self.margin)
        start, step = center - size / 2, size / self.size
        cells = ops.arange(self.size, dtype=self.compute_dtype) + 0.5
        columns, rows = (
            start[:, axis : axis + 1] + step[:, axis : axis + 1] * cells for axis in (0, 1)
        )
        return read_bilinearly(features, rows, columns)

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        return (shapes[1][0], self.size, self.size, shapes[1][-1])

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"size": self.size, "margin": self.margin}


@keras.saving.register_keras_serializable(package="keras_bbox")
class MoveSides(keras.layers.Layer):
    """Moves each side of a box by what the cells round it say, weighted by an attention of its own.

    It takes `(boxes, attention, moves)` of shapes `(B, 4)`, `(B, H, W, 4)` and `(B, H, W, 4)`. A
    side moves by less than `reach` of the box's size along its axis, so boxes stay in order.
    """

    def __init__(self, reach: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**({"dtype": "float32"} | kwargs))
        self.reach = reach

    def call(self, inputs: list[Any]) -> Any:
        boxes, attention, moves = inputs
        weights = ops.softmax(by_cell(attention, 4), axis=1)
        moves = self.reach * ops.tanh(ops.sum(weights * by_cell(moves, 4), axis=1))
        _, size = _center_and_size(ops.stop_gradient(boxes))
        return within_image(boxes + moves * ops.concatenate([size, size], axis=-1))

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        return shapes[0]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"reach": self.reach}


def _center_and_size(boxes: Any) -> tuple[Any, Any]:
    first, last = boxes[:, :2], boxes[:, 2:]
    return (first + last) / 2, last - first
