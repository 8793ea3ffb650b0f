"""The spatial box head: cells propose boxes, attention chooses, and a second look corrects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from keras_bbox.heads.branches import AverageBoxes, BoxAgreement
from keras_bbox.heads.cells import BoxFromCells, MatchGrid
from keras_bbox.heads.second_look import CropMap, JitterBox, MoveSides


def spatial_box_head(
    channels: int,
    *,
    branches: int = 1,
    depth: int = 2,
    bins: int = 16,
    looks: int = 2,
    score: bool = False,
) -> Callable:
    """Makes a head for feature maps, the coarsest first.

    Args:
        channels: Channels of the convolutions.
        branches: How many networks look for the box on their own; the mean of theirs is the box.
        depth: How many 3 x 3 convolutions stand on the merged map.
        bins: Distances that a distribution over distances is made of.
        looks: 1 to take the box as it is proposed, 2 to look again at what it holds.
        score: Whether to return, beside the box, how far the branches agree, or the proposals of
            one alone.

    Returns:
        A function from one map or a list of them to a box `(B, 4)`, or to a box and a score `(B,)`.
    """
    cells_agree = score and branches == 1

    def box_head(maps: Any) -> Any:
        maps = maps if isinstance(maps, list) else [maps]
        boxes, scores = [], []
        for index in range(branches):
            name = f"branch_{index}"
            # Keras on PyTorch finds weights by the names of their layers, so no two may be equal.
            prefix = f"{name}_" if index else ""
            inputs = [keras.Input(batch_shape=x.shape, dtype=x.dtype) for x in maps]
            found = keras.Model(inputs, branch(inputs, prefix), name=name)(maps)
            box, *cell_scores = keras.tree.flatten(found)
            boxes.append(box)
            scores += cell_scores
        box = AverageBoxes(name="box_average")(boxes)
        if not score:
            return box
        return box, scores[0] if scores else BoxAgreement(name="box_agreement")(boxes)

    def branch(maps: list[Any], prefix: str) -> list[Any]:
        x = _merged(maps, channels, prefix)
        for index in range(depth):
            x = _convolved(x, channels, 3, f"{prefix}box_conv_{index}")
        # All cells count alike until there is something to be told from.
        attention = _plain(1, f"{prefix}box_attention", kernel_initializer="zeros")(x)
        distances = _plain(4 * bins, f"{prefix}box_distances")(x)
        found = BoxFromCells(bins, cells_agree, name=f"{prefix}box_from_cells")(
            [attention, distances]
        )
        box, *scores = found if cells_agree else [found]
        if looks == 2:
            box = _looked_at_again(box, x, channels, depth, prefix)
        return [box, *scores]

    return box_head


def _looked_at_again(box: Any, features: Any, channels: int, depth: int, prefix: str) -> Any:
    """Corrects a box by the part of the map that it holds.

    After Cai and Vasconcelos, "Cascade R-CNN", CVPR 2018.
    """
    box = JitterBox(name=f"{prefix}box_jitter")(box)
    x = CropMap(name=f"{prefix}box_crop")([box, features])
    x = _convolved(x, channels, 1, f"{prefix}box_look")
    for index in range(depth):
        x = _convolved(x, channels, 3, f"{prefix}box_look_{index}")
    attention = _plain(4, f"{prefix}box_side_attention", kernel_initializer="zeros")(x)
    moves = _plain(4, f"{prefix}box_side_moves")(x)
    return MoveSides(name=f"{prefix}box_moved")([box, attention, moves])


def _merged(maps: list[Any], channels: int, prefix: str) -> Any:
    """Adds the maps up on the grid of the finest (Lin et al., "Feature Pyramid Networks", 2017)."""
    merged: Any = None
    for index, features in enumerate(maps):
        x = _convolved(features, channels, 1, f"{prefix}box_lateral_{index}")
        if merged is not None:
            merged = MatchGrid(name=f"{prefix}box_match_{index}")([merged, x])
            x = layers.Add(name=f"{prefix}box_add_{index}")([x, merged])
        merged = x
    return merged


def _convolved(x: Any, channels: int, kernel: int, name: str) -> Any:
    # The normalization has a bias of its own.
    x = _plain(channels, name, kernel, use_bias=False)(x)
    # A momentum of 0.99 would still remember the start after the few hundred steps of a small
    # data set, and validation would lag far behind.
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _plain(channels: int, name: str, kernel: int = 1, **options: Any) -> layers.Conv2D:
    return layers.Conv2D(
        channels, kernel, padding="same", data_format="channels_last", name=name, **options
    )
