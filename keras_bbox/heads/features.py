"""What a graph of layers tells about itself: where its features are and what it ends in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras

from keras_bbox.heads.graphs import Graph, Step, plain_view

_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
_GLOBAL_POOLINGS = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D)
_CANVAS_ONLY = ("Cropping2D", "Pad", "ZeroPadding2D")
_FINER = 1.5  # a map counts as finer from so many times the cells a side; strides give 2 or more
_SHAPE_ONLY = (
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.Identity,
    keras.layers.InputLayer,
    keras.layers.Reshape,
)


def find_features(graph: Graph) -> Any:
    """Finds the last feature map: what goes into the global pooling or flattening.

    Args:
        graph: A graph that ends in a feature map or in a vector for each image.

    Returns:
        The output itself if it is a `(B, H, W, C)` map; otherwise the last map with a spatial
        extent before the output. Where the images are so small that the backbone itself gets
        down to 1 x 1, the input of the first pooling or flattening after it.

    Raises:
        ValueError: If there is no such map.
    """
    if len(graph.output.shape) == 4:
        return graph.output
    features = _pooled_features(graph.chain())
    if features is None:
        maps = [value for step in graph.steps for value in step.outputs if _is_spatial(value)]
        features = maps[-1] if maps else None
    if features is None or _works_on_tokens(graph, features):
        raise ValueError(
            "`model` must end in a feature map of shape (batch, height, width, channels), or in a "
            "vector pooled or flattened from one. Give the part up to a feature map, "
            "`keras.Model(model.input, feature_map)`, and `num_classes`. "
            f"Received: an output of shape {graph.output.shape} that comes from none"
        )
    return features


def find_finer_maps(graph: Graph, features: Any, count: int) -> list[Any]:
    """Finds the maps of about 2, 4, ... times the height of `features` on the way to them.

    Of each size it is the last map that everything after it is computed from: what a stage of the
    backbone ends in, not a branch of it. Where a size has none, as in networks whose cells look
    back over two others, it is the last map of that size with the most channels. Maps that were
    only padded or cropped do not count.

    Args:
        graph: A graph with one image input.
        features: A map in it.
        count: How many maps to find at the most.

    Returns:
        The maps, the coarsest first; fewer than `count` where the graph has no more.
    """
    steps = graph.steps_to(features)
    heights = _heights(graph, [features, *(value for step in steps for value in step.outputs)])
    made = [
        value
        for step in steps[::-1]
        if type(step.operation).__name__ not in _CANVAS_ONLY
        for value in step.outputs
        if id(value) in heights
    ]
    necks = _necks(graph.input, steps)
    found: list[Any] = []
    height = heights[id(features)]
    while len(found) < count:
        finer = [value for value in made if heights[id(value)] >= _FINER * height]
        if not finer:
            break
        # Sizes of one stage may differ by a border; those of the stage before are far larger.
        limit = _FINER * min(heights[id(value)] for value in finer)
        stage = [value for value in finer if heights[id(value)] < limit]
        widest = max(value.shape[-1] for value in stage)
        chosen = next((value for value in stage if id(value) in necks), None)
        if chosen is None:
            chosen = next(value for value in stage if value.shape[-1] == widest)
        found.append(chosen)
        height = heights[id(chosen)]
    return found


def has_kernel(steps: Iterable[Step]) -> bool:
    """Whether one of the layers has a weight matrix; poolings and normalizations have none."""
    layers = [step.operation for step in steps if isinstance(step.operation, keras.Layer)]
    return any(len(weight.shape) >= 2 for layer in layers for weight in layer.weights)


def final_activation(operations: Iterable[Any]) -> str:
    """Name of the activation that operations end with; "unknown" where none is to be seen."""
    for operation in reversed(list(operations)):
        view = plain_view(operation)
        if view is not None:
            return final_activation(view.operations)
        if isinstance(operation, _SHAPE_ONLY):
            continue
        if type(operation).__name__ == "Softmax":  # the layer, and the operation of keras.ops
            return "softmax"
        name = getattr(getattr(operation, "activation", None), "__name__", "unknown")
        if not (name == "linear" and isinstance(operation, keras.layers.Activation)):
            return name
    return "unknown"


def _heights(graph: Graph, tensors: list[Any]) -> dict[int, int]:
    """The height of every map with a spatial extent, for images of 256 rows if none are set."""
    maps = [value for value in tensors if len(value.shape) == 4]
    shapes = [value.shape for value in maps]
    if any(None in shape[1:3] for shape in shapes):
        rows, columns = (size or 256 for size in graph.input.shape[1:3])
        image = keras.Input((rows, columns, graph.input.shape[3]), dtype=graph.input.dtype)
        shapes = [value.shape for value in keras.Model(graph.input, maps)(image)]
    return {id(value): shape[1] for value, shape in zip(maps, shapes, strict=True)}


def _necks(image: Any, steps: list[Step]) -> set[int]:
    """The tensors at which the graph is one line: all that comes later is computed from them."""
    last_use = {id(value): index for index, step in enumerate(steps) for value in step.inputs}
    necks, reach = set(), last_use.get(id(image), 0)
    for index, step in enumerate(steps):
        if reach <= index and len(step.outputs) == 1:
            necks.add(id(step.outputs[0]))
        reach = max([reach, *(last_use.get(id(value), index) for value in step.outputs)])
    return necks


def _pooled_features(chain: list[Step]) -> Any:
    candidate = None
    for step in chain:
        before, after = step.inputs[0], step.outputs[0]
        if _is_spatial(before):
            if not isinstance(step.operation, _CONVOLUTIONS):
                return before
            break  # a convolution got down to 1 x 1: this is still the backbone
        flattens = len(before.shape) == 4 and len(after.shape) != 4
        if flattens or isinstance(step.operation, _GLOBAL_POOLINGS):
            candidate = before
    return candidate


def _is_spatial(tensor: Any) -> bool:
    return len(tensor.shape) == 4 and tuple(tensor.shape[1:3]) != (1, 1)


def _works_on_tokens(graph: Graph, features: Any) -> bool:
    tail = graph.steps_after(features)
    return any(len(output.shape) == 3 for step in tail for output in step.outputs)
