"""Puts heads on image models: a class and a box from the feature maps of any Keras backbone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras

from keras_bbox.heads.chapter import chapter_box_head, chapter_class_head
from keras_bbox.heads.features import (
    final_activation,
    find_features,
    find_finer_maps,
    has_kernel,
)
from keras_bbox.heads.graphs import Graph, copy_graph, freeze
from keras_bbox.heads.spatial import spatial_box_head

__all__ = ["add_localization_head"]

_OUTPUTS = ("class_prediction", "bbox_prediction", "box_score")
_HEADS = ("class_head", "box_head")


def add_localization_head(
    model: keras.Model,
    num_classes: int | None = None,
    *,
    head: str = "spatial",
    class_head: Callable | None = None,
    box_head: Callable | None = None,
    box_score: bool = False,
    branches: int | None = None,
    freeze_backbone: bool = True,
    dropout: float = 0.7,
    l2: float = 0.01,
    name: str | None = None,
) -> keras.Model:
    """Makes a model of one class and one box an image from a backbone or a classifier.

    The result is a Functional model on a copy of `model`, with float32 outputs:

    - `class_prediction`, `(B, num_classes)`: probabilities.
    - `bbox_prediction`, `(B, 4)`: the box. From the spatial head it is `rel_xyxy`, inside the
      image and never inverted. From the chapter's head, and from one of your own, it is whatever
      `bounding_box_format` the targets of the training have.
    - `box_score`, `(B,)`, if asked for: from 0 to 1, how far the branches agree about the box, or
      the cells of one branch. It needs no target (`None` in the losses), and no training of its
      own.

    The box head stands on the last feature map before the global pooling or flattening, the
    spatial one also on the finer map before it. With a backbone, a new class head stands there
    too. A trained classifier keeps what follows its feature map, weights and all, and the class
    probabilities stay what they were. (It gets a softmax if it ends in logits, and a new class
    head if `num_classes` differs from its own.) Nested models are laid out flat: `get_layer`
    finds every layer of the backbone, and `class_head` and `box_head` where they are new.

    A saved model with the spatial head loads once `keras_bbox` has been imported.

    To train frozen layers later, set `layer.trainable = True` for each of `model.layers` and
    compile again. (`model.trainable = True` alone does nothing, as it is True already.)

    Args:
        model: Functional or built Sequential model with one image input, channels last, of any
            size and number of channels. It may be nested in any way and end in a feature map, a
            pooled one, or in classes. It is not changed, now or by later training.
        num_classes: Number of classes. None takes that of a classifier, or of `class_head`.
        head: Design of the box head, if none is given. "spatial": the features are merged with
            the map of twice their size from inside the backbone; after two 3 x 3 convolutions
            each cell proposes a box by the distances to its four sides, an attention over the
            cells weighs the proposals, and a second look at what the box holds moves its sides.
            "chapter": a 3 x 3 convolution with 512 filters, batch normalization, ReLU, average
            pooling and a dense layer.
        class_head: Layer, model or function from the `(B, H, W, C)` features to `(B, num_classes)`
            probabilities. It gets a softmax if it ends in a layer without activation. None makes
            one of average pooling, dropout and a dense layer where the model has no classes.
        box_head: The same, to `(B, 4)` box coordinates.
        box_score: Whether the model has the third output. Only the spatial head gives it.
        branches: How many spatial heads look for the box on their own. The mean of their boxes is
            the box. `fit_localizer` trains each of them with every image; in a plain `fit` an image
            teaches one of them, drawn at random. None makes two on a frozen backbone, and one on a
            backbone that learns along: there two learn slower.
        freeze_backbone: Whether all layers up to the features stop training; batch normalization
            among them then also keeps to the statistics it has. With False, they train or not as
            they do in `model`. Layers after the features always keep their `trainable`.
        dropout: Share of the pooled features dropped in a new class head.
        l2: Weight penalty of the dense layer in a new class head.
        name: Name of the new model. None appends "_localizer" to the name of `model`.

    Returns:
        The new model, not compiled.

    Raises:
        TypeError: If `model` is no keras.Model or has no graph (a subclassed model), has a layer
            that cannot be copied, or a head cannot be called.
        ValueError: If `model` is not built, is channels first, has several inputs or outputs, or
            no feature map; if the number of classes is missing or does not fit; if the shape that
            a head returns is wrong; if a score or branches are asked of a head without them.

    Example:
        >>> import keras
        >>> import keras_bbox as kb
        >>> backbone = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(8, 3)])
        >>> model = kb.add_localization_head(backbone, num_classes=7)
        >>> model.output_names
        ['class_prediction', 'bbox_prediction']
        >>> [output.shape for output in model.outputs]
        [(None, 7), (None, 4)]
        >>> model.compile(
        ...     optimizer="adam",
        ...     loss=["sparse_categorical_crossentropy", kb.losses.LocalizationLoss()],
        ...     metrics=[["accuracy"], [kb.MeanIOU()]],
        ... )
    """
    design = _design(head)
    _check_num_classes(num_classes)
    _check_spatial(head, box_head, box_score=box_score, branches=branches)
    graph = copy_graph(model, reserved_names=_OUTPUTS + _HEADS)
    _check_channels_last(graph)
    features = find_features(graph)
    if freeze_backbone:
        _freeze_backbone(graph, features)

    if class_head is None and _keeps_its_classes(graph, features, num_classes):
        classes, ending = graph.output, _activation_of(graph)
    else:
        class_head = class_head or chapter_class_head(num_classes, dropout, l2)
        (classes,), ending = _apply("class_head", class_head, features, num_classes)
    if box_head is None:
        count = branches or (2 if freeze_backbone else 1)
        box_head = design.box_head(features, box_score, count)
        finer = find_finer_maps(graph, features, design.finer_maps)
    else:
        finer = []
    boxes, _ = _apply("box_head", box_head, features, 4, finer)

    # Half precision is too coarse for a softmax and for coordinates.
    last = "softmax" if ending == "linear" else "linear"
    tensors = [classes, *boxes]
    outputs = [
        keras.layers.Activation(activation, dtype="float32", name=output_name)(tensor)
        for activation, output_name, tensor in zip(
            (last, "linear", "linear"), _OUTPUTS, tensors, strict=False
        )
    ]
    return keras.Model(graph.input, outputs, name=name or f"{model.name}_localizer")


class _Design(NamedTuple):
    """A maker of the box head, and how many maps it merges with the features."""

    box_head: Callable[[Any, bool, int], Callable]
    finer_maps: int = 0


def _spatial(features: Any, score: bool, branches: int) -> Callable:
    # As wide as suits the backbone, so that the head's share of the work stays the same.
    channels = min(max(features.shape[-1] // 10, 32), 96)
    return spatial_box_head(channels, branches=branches, score=score)


_DESIGNS = {
    "chapter": _Design(lambda features, score, branches: chapter_box_head),
    "spatial": _Design(_spatial, finer_maps=1),
}


def _design(head: str) -> _Design:
    if head not in _DESIGNS:
        raise ValueError(
            f"`head` must be one of {sorted(_DESIGNS)}. Give a head of your own as `class_head` or "
            f"`box_head`. Received: head={head!r}"
        )
    return _DESIGNS[head]


def _check_spatial(head: str, box_head: Callable | None, **asked: int | None) -> None:
    """Checks what only the spatial head can be asked for."""
    branches = asked["branches"]
    if branches is not None and branches < 1:
        raise ValueError(
            f"`branches` must be 1 or more. Leave it out for the default. Received: {branches=}"
        )
    for argument, value in asked.items():
        if value and (box_head is not None or head != "spatial"):
            raise ValueError(
                "Only the spatial head tells a score of its boxes and has branches. Leave out "
                f"`box_head`, with `head='spatial'`, or leave out `{argument}`. "
                f"Received: {argument}={value}, head={head!r}, box_head={box_head!r}"
            )


def _apply(
    argument: str, head: Callable, features: Any, size: int | None, finer: Sequence[Any] = ()
) -> tuple[list[Any], str]:
    """Puts a head on the features, as one nested layer: its names meet no others there."""
    if not callable(head):
        raise TypeError(
            f"`{argument}` must be a layer, a model or a function of the feature tensor. Leave it "
            f"out to get the one of `head`. Received: {argument}={head!r}"
        )
    maps = [features, *finer]
    names = ["features", *(f"finer_features_{index}" for index in range(len(finer)))]
    inputs = [
        keras.Input(batch_shape=value.shape, dtype=value.dtype, name=name)
        for name, value in zip(names, maps, strict=True)
    ]
    output = head(inputs if finer else inputs[0])
    _check_output(argument, output[0] if isinstance(output, tuple) else output, size)
    nested = keras.Model(inputs, output, name=argument)
    outputs = nested(maps if finer else features)
    return keras.tree.flatten(outputs), final_activation(nested.operations)


def _check_output(argument: str, output: Any, size: int | None) -> None:
    shape = getattr(output, "shape", None)
    if shape is None or len(shape) != 2 or shape[1] is None or size not in (None, shape[1]):
        expected = "num_classes" if size is None else size
        raise ValueError(
            f"`{argument}` must return one tensor of shape (batch, {expected}). End it with a "
            f"pooling and a dense layer of that size. Received: {argument} that returns "
            f"{output if shape is None else f'shape={tuple(shape)}'}"
        )


def _keeps_its_classes(graph: Graph, features: Any, num_classes: int | None) -> bool:
    is_classifier = has_kernel(graph.steps_after(features))
    if num_classes is None and not is_classifier:
        raise ValueError(
            "`num_classes` must be given for a model that does not end in classes. Give the number "
            f"of classes, or a trained classifier. Received: num_classes={num_classes}, and a "
            f"model with an output of shape {graph.output.shape}"
        )
    return is_classifier and num_classes in (None, graph.output.shape[-1])


def _activation_of(graph: Graph) -> str:
    ending = final_activation(step.operation for step in graph.steps)
    if ending not in ("softmax", "linear"):
        raise ValueError(
            "A classifier must end in a softmax, or in logits, to keep its classes. Give "
            "`class_head`, or the model up to its feature map and `num_classes`. "
            f"Received: a model that ends in activation={ending!r}"
        )
    return ending


def _freeze_backbone(graph: Graph, features: Any) -> None:
    for step in graph.steps_to(features):
        if isinstance(step.operation, keras.Layer):
            freeze(step.operation)


def _check_num_classes(num_classes: int | None) -> None:
    if num_classes is not None and (num_classes != int(num_classes) or num_classes < 1):
        raise ValueError(
            "`num_classes` must be a positive whole number. Leave it out to take that of a "
            f"classifier. Received: num_classes={num_classes!r}"
        )


def _check_channels_last(graph: Graph) -> None:
    for step in graph.steps:
        if getattr(step.operation, "data_format", None) == "channels_first":
            raise ValueError(
                "`model` must be channels last: images of shape (batch, height, width, channels). "
                "Build it with `data_format='channels_last'`. Received: "
                f"layer={step.operation.name!r} with data_format='channels_first'"
            )
