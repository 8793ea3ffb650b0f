"""What a graph of layers tells about itself: where its features are and what it ends in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras

from keras_bbox._graphs import Graph, Step, plain_view

_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
_GLOBAL_POOLINGS = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D)
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
