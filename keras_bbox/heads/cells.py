"""Layers of the spatial head: maps brought onto one grid, and a box from what its cells propose."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bbox.overlap import iou

# Without it, distances would start at half the image on the mean, and the first boxes be all of it.
_NEAR = 3.0


@keras.saving.register_keras_serializable(package="keras_bbox")
class MatchGrid(keras.layers.Layer):
    """Resizes one map, bilinearly, to the grid of another: `(coarse, fine)` in, coarse out."""

    def call(self, maps: list[Any]) -> Any:
        coarse, fine = maps
        size = tuple(fine.shape[1:3])
        if None in size:
            resized = _read_like(coarse, fine)
        elif size == tuple(coarse.shape[1:3]):
            return coarse
        else:
            resized = ops.image.resize(
                coarse, size, interpolation="bilinear", data_format="channels_last"
            )
        return ops.cast(resized, self.compute_dtype)

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        coarse, fine = shapes
        return (*fine[:3], coarse[3])


@keras.saving.register_keras_serializable(package="keras_bbox")
class BoxFromCells(keras.layers.Layer):
    """Weighs the boxes that the cells of a map propose: `rel_xyxy`, always in order.

    It takes `(attention, distances)` of shapes `(B, H, W, 1)` and `(B, H, W, 4 * bins)`. A cell
    proposes the box whose left, top, right and bottom side lie so far from the cell's center, in
    fractions of the image, as the mean of a distribution over `bins` distances from 0 to 1 says
    (Li et al., "Generalized Focal Loss", NeurIPS 2020, section 3.2). A softmax over all cells
    makes weights of the attention, and the box is the weighted mean of the proposals. What
    reaches out of the image is cut off.

    With `score`, the second output, `(B,)`, tells how far the proposals agree: the mean IoU of
    the proposals with the box, by the same weights.
    """

    def __init__(self, bins: int = 16, score: bool = False, **kwargs: Any) -> None:
        # Half precision is too coarse for coordinates.
        super().__init__(**({"dtype": "float32"} | kwargs))
        self.bins = bins
        self.score = score

    def call(self, maps: list[Any]) -> Any:
        attention, distances = maps
        proposals = self.propose(distances)
        weights = ops.softmax(by_cell(attention, 1), axis=1)
        box = within_image(ops.sum(weights * proposals, axis=1))
        if not self.score:
            return box
        agreement = iou(proposals, ops.expand_dims(box, axis=1))
        return box, ops.sum(weights[..., 0] * agreement, axis=1)

    def propose(self, distances: Any) -> Any:
        """Returns the box of each cell, `(B, H * W, 4)`."""
        height, width = grid_size(distances)
        logits = ops.reshape(by_cell(distances, 4 * self.bins), (-1, height * width, 4, self.bins))
        steps = ops.linspace(0.0, 1.0, self.bins, dtype=self.compute_dtype)
        shares = ops.softmax(logits - _NEAR * steps, axis=-1)
        sides = ops.sum(shares * steps, axis=-1)
        centers = _centers(height, width, self.compute_dtype)
        first, last = centers - sides[..., :2], centers + sides[..., 2:]
        return ops.concatenate([first, last], axis=-1)

    def compute_output_shape(self, shapes: list[tuple]) -> Any:
        batch = shapes[0][0]
        return ((batch, 4), (batch,)) if self.score else (batch, 4)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"bins": self.bins, "score": self.score}


def within_image(boxes: Any) -> Any:
    """Cuts off what reaches out of the image."""
    # The gradient passes as if nothing had been cut, or a side out there would never come back.
    return boxes + ops.stop_gradient(ops.clip(boxes, 0.0, 1.0) - boxes)


def grid_size(tensor: Any) -> tuple:
    """Height and width: numbers where they are known, else tensors."""
    return tuple(ops.shape(tensor)[1:3])


def by_cell(tensor: Any, size: int) -> Any:
    """Lines the cells of a map up, row by row: `(B, H * W, size)`."""
    height, width = grid_size(tensor)
    return ops.reshape(tensor, (-1, height * width, size))


def read_bilinearly(features: Any, rows: Any, columns: Any) -> Any:
    """Reads a map at the crossings of rows and columns; past the border the outermost cells go on.

    Args:
        features: The map, `(B, H, W, C)`.
        rows: Where, in fractions of the height: `(B, R)` or `(1, R)`.
        columns: Where, in fractions of the width: `(B, K)` or `(1, K)`.

    Returns:
        What is there, `(B, R, K, C)`.
    """
    height, width = grid_size(features)
    channels = features.shape[-1]
    # A sum over rows and columns: two matrix products.
    lines = ops.reshape(features, (-1, height, width * channels))
    lines = ops.matmul(_shares(rows, height), lines)
    lines = ops.reshape(lines, (-1, ops.shape(rows)[1], width, channels))
    return ops.matmul(ops.expand_dims(_shares(columns, width), axis=1), lines)


def _shares(fractions: Any, cells: Any) -> Any:
    """What each of the cells in a line adds to what is read at the fractions, `(B, R, cells)`."""
    dtype = fractions.dtype
    count = ops.cast(cells, dtype)
    places = ops.clip(fractions * count - 0.5, 0.0, count - 1)
    index = ops.arange(cells, dtype=dtype)
    return ops.relu(1 - ops.abs(ops.expand_dims(places, axis=-1) - index))


def _read_like(coarse: Any, fine: Any) -> Any:
    """Resizes to a size that is not known yet, which `ops.image.resize` does not take."""
    rows, columns = (ops.expand_dims(_middles(size, "float32"), axis=0) for size in grid_size(fine))
    return read_bilinearly(ops.cast(coarse, "float32"), rows, columns)


def _middles(cells: Any, dtype: str) -> Any:
    return (ops.arange(cells, dtype=dtype) + 0.5) / ops.cast(cells, dtype)


def _centers(height: Any, width: Any, dtype: str) -> Any:
    """Centers of the cells, x before y, row by row: `(1, H * W, 2)`."""
    x, y = _middles(width, dtype), _middles(height, dtype)
    columns, rows = ops.meshgrid(x, y)
    return ops.reshape(ops.stack([columns, rows], axis=-1), (1, -1, 2))
