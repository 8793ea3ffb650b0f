"""Heads on image models: a class and a box from the feature map of any Keras backbone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from keras_bbox._features import final_activation, find_features, has_kernel
from keras_bbox._graphs import Graph, copy_graph, freeze

__all__ = ["add_localization_head"]

_OUTPUTS = ("class_prediction", "bbox_prediction")
_HEADS = ("class_head", "box_head")


def add_localization_head(
    model: keras.Model,
    num_classes: int | None = None,
    *,
    head: str = "chapter",
    class_head: Callable | None = None,
    box_head: Callable | None = None,
    freeze_backbone: bool = True,
    dropout: float = 0.7,
    l2: float = 0.01,
    name: str | None = None,
) -> keras.Model:
    """Makes a model of one class and one box an image from a backbone or a classifier.

    The result is a Functional model on a copy of `model`, with two float32 outputs:
    `class_prediction`, `(B, num_classes)` probabilities, and `bbox_prediction`, `(B, 4)` plain
    numbers without an activation. They become boxes in whatever `bounding_box_format` the targets
    of the training have; a `BoundingBoxSequence` gives `rel_xyxy`.

    The box head stands on the last feature map before the global pooling or flattening. With a
    backbone, so does a new class head. A trained classifier keeps what follows its feature map,
    weights and all, and the class probabilities stay what they were. (It gets a softmax if it ends
    in logits, and a new class head if `num_classes` differs from its own.) Nested models are laid
    out flat: `get_layer` finds every layer of the backbone, and `class_head` and `box_head` where
    they are new.

    To train frozen layers later, set `layer.trainable = True` for each of `model.layers` and
    compile again. (`model.trainable = True` alone does nothing, as it is True already.)

    Args:
        model: Functional or built Sequential model with one image input, channels last, of any
            size and number of channels. It may be nested in any way and end in a feature map, a
            pooled one, or in classes. It is not changed, now or by later training.
        num_classes: Number of classes. None takes that of a classifier, or of `class_head`.
        head: Design of the heads that are not given. "chapter": for the class, average pooling,
            dropout and a dense layer; for the box, a 3 x 3 convolution with 512 filters, batch
            normalization, ReLU, average pooling and a dense layer.
        class_head: Layer, model or function from the `(B, H, W, C)` features to `(B, num_classes)`
            probabilities. It gets a softmax if it ends in a layer without activation.
        box_head: The same, to `(B, 4)` box coordinates.
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
            a head returns is wrong.

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
        ...     loss=["sparse_categorical_crossentropy", "mse"],
        ...     loss_weights=[1, 10],
        ...     metrics=[["accuracy"], [kb.MeanIOU()]],
        ... )
    """
    design = _design(head)
    _check_num_classes(num_classes)
    graph = copy_graph(model, reserved_names=_OUTPUTS + _HEADS)
    _check_channels_last(graph)
    features = find_features(graph)
    if freeze_backbone:
        _freeze_backbone(graph, features)

    if class_head is None and _keeps_its_classes(graph, features, num_classes):
        classes, ending = graph.output, _activation_of(graph)
    else:
        class_head = class_head or design.class_head(num_classes, dropout, l2)
        classes, ending = _apply("class_head", class_head, features, num_classes)
    boxes, _ = _apply("box_head", box_head or design.box_head(), features, 4)

    # Half precision is too coarse for a softmax and for coordinates.
    last = "softmax" if ending == "linear" else "linear"
    outputs = [
        keras.layers.Activation(activation, dtype="float32", name=output_name)(tensor)
        for activation, output_name, tensor in zip(
            (last, "linear"), _OUTPUTS, (classes, boxes), strict=True
        )
    ]
    return keras.Model(graph.input, outputs, name=name or f"{model.name}_localizer")


class _Design(NamedTuple):
    """Two makers of a head; a head is a function from the features to its output."""

    class_head: Callable[[Any, float, float], Callable]
    box_head: Callable[[], Callable]


def _chapter_class_head(num_classes: int, dropout: float, l2: float) -> Callable:
    def class_head(features: Any) -> Any:
        layers = keras.layers
        x = layers.GlobalAveragePooling2D(data_format="channels_last", name="class_pool")(features)
        x = layers.Dropout(dropout, name="class_dropout")(x)
        penalty = keras.regularizers.L2(l2) if l2 else None
        return layers.Dense(num_classes, kernel_regularizer=penalty, name="class_logits")(x)

    return class_head


def _chapter_box_head() -> Callable:
    def box_head(features: Any) -> Any:
        layers, last = keras.layers, "channels_last"
        # The normalization has a bias of its own.
        x = layers.Conv2D(
            512, 3, padding="same", use_bias=False, data_format=last, name="box_conv"
        )(features)
        # A momentum of 0.99 would still remember the start after the few hundred steps of a small
        # data set, and validation would lag far behind.
        x = layers.BatchNormalization(momentum=0.9, name="box_bn")(x)
        x = layers.ReLU(name="box_relu")(x)
        x = layers.GlobalAveragePooling2D(data_format=last, name="box_pool")(x)
        return layers.Dense(4, name="box_coordinates")(x)

    return box_head


_DESIGNS = {"chapter": _Design(_chapter_class_head, _chapter_box_head)}


def _design(head: str) -> _Design:
    if head not in _DESIGNS:
        raise ValueError(
            f"`head` must be one of {sorted(_DESIGNS)}. Give a head of your own as `class_head` or "
            f"`box_head`. Received: head={head!r}"
        )
    return _DESIGNS[head]


def _apply(argument: str, head: Callable, features: Any, size: int | None) -> tuple[Any, str]:
    """Puts a head on the features, as one nested layer: its names meet no others there."""
    if not callable(head):
        raise TypeError(
            f"`{argument}` must be a layer, a model or a function of the feature tensor. Leave it "
            f"out to get the one of `head`. Received: {argument}={head!r}"
        )
    inputs = keras.Input(batch_shape=features.shape, dtype=features.dtype, name="features")
    output = head(inputs)
    shape = getattr(output, "shape", None)
    if shape is None or len(shape) != 2 or shape[1] is None or size not in (None, shape[1]):
        expected = "num_classes" if size is None else size
        raise ValueError(
            f"`{argument}` must return one tensor of shape (batch, {expected}). End it with a "
            f"pooling and a dense layer of that size. Received: {argument} that returns "
            f"{output if shape is None else f'shape={tuple(shape)}'}"
        )
    nested = keras.Model(inputs, output, name=argument)
    return nested(features), final_activation(nested.operations)


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
