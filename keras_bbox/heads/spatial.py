"""The spatial box head: each cell of the feature map proposes a box, and attention chooses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import layers

from keras_bbox.heads.cells import BoxFromCells, MatchGrid


def spatial_box_head(channels: int, depth: int, bins: int, score: bool) -> Callable:
    """Makes a head for feature maps, the coarsest first.

    Args:
        channels: Channels of the convolutions.
        depth: How many 3 x 3 convolutions stand on the merged map.
        bins: Distances that a distribution over distances is made of.
        score: Whether to return, beside the box, how far the proposals agree.

    Returns:
        A function from one map or a list of them to a box `(B, 4)`, or to a box and a score `(B,)`.
    """

    def box_head(maps: Any) -> Any:
        x = _merged(maps if isinstance(maps, list) else [maps], channels)
        for index in range(depth):
            x = _convolved(x, channels, 3, f"box_conv_{index}")
        # All cells count alike until there is something to be told from.
        attention = _plain(1, "box_attention", kernel_initializer="zeros")(x)
        distances = _plain(4 * bins, "box_distances")(x)
        return BoxFromCells(bins, score, name="box_from_cells")([attention, distances])

    return box_head


def _merged(maps: list[Any], channels: int) -> Any:
    """Adds the maps up on the grid of the finest (Lin et al., "Feature Pyramid Networks", 2017)."""
    merged: Any = None
    for index, features in enumerate(maps):
        x = _convolved(features, channels, 1, f"box_lateral_{index}")
        if merged is not None:
            merged = MatchGrid(name=f"box_match_{index}")([merged, x])
            x = layers.Add(name=f"box_add_{index}")([x, merged])
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
