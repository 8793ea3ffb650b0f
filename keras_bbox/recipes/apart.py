"""Training the branches of a head apart: each from every image, whatever the others find."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bbox.heads.branches import AverageBoxes

OUTPUTS = ("class_prediction", "bbox_prediction")


def train_apart(model: keras.Model) -> keras.Model:
    """A model on the layers of a localizer, whose branches learn apart.

    Branches trained on their mean learn to make up for each other. Trained apart they err apart,
    and their mean errs less (Lee et al., "Why M Heads are Better than One", 2015).

    Args:
        model: A model from `add_localization_head`.

    Returns:
        A model from the same images to the classes and to boxes `(B, branches, 4)`: in training
        those of the branches, else their mean once for each. It is trained and evaluated with one
        true box an image, as `model` is. Without branches it is `model` itself.
    """
    box_head = find_box_head(model)
    boxes = _branches(box_head)
    if box_head is None or len(boxes) < 2:
        return model
    head = keras.Model(box_head.inputs, ApartBoxes()(boxes), name="box_head")
    trained = ApartTrainer(model.inputs[0], [model.outputs[0], head(features_of(box_head))])
    trained.output_names = model.output_names[:2]
    return trained


class ApartTrainer(keras.Model):
    """Compares the boxes of all branches with the one true box of each image."""

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        y, sample_weight = _for_each_branch(y, sample_weight, y_pred)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        y, sample_weight = _for_each_branch(y, sample_weight, y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight)


class ApartBoxes(keras.layers.Layer):
    """The boxes of all branches in training, else their mean in the place of each."""

    def __init__(self) -> None:
        super().__init__(dtype="float32")

    def call(self, boxes: list[Any], training: bool | None = None) -> Any:
        stacked = ops.stack(boxes, axis=1)
        if training:
            return stacked
        return ops.repeat(ops.mean(stacked, axis=1, keepdims=True), len(boxes), axis=1)


def find_box_head(model: keras.Model) -> keras.Layer | None:
    """The box head of a localizer."""
    return next((layer for layer in model.layers if layer.name == "box_head"), None)


def features_of(box_head: keras.Layer) -> list[Any]:
    """The feature maps that the head of a localizer stands on."""
    # Keras has no public word for what goes into a model that is a layer.
    return list(box_head._inbound_nodes[0].input_tensors)


def _branches(box_head: keras.Layer | None) -> list[Any]:
    """The boxes that a head of several branches averages."""
    for layer in getattr(box_head, "layers", []):
        if isinstance(layer, AverageBoxes):
            return keras.tree.flatten(layer.input)
    return []


def _for_each_branch(y: Any, sample_weight: Any, y_pred: Any) -> tuple[Any, Any]:
    """The targets and weights of a batch, with those of the box once for every branch."""
    count = y_pred[1].shape[1]
    classes, boxes = (y[name] for name in OUTPUTS) if isinstance(y, dict) else y
    y = classes, ops.repeat(ops.expand_dims(boxes, axis=1), count, axis=1)
    if sample_weight is None:
        return y, None
    of_class, of_box = _two(sample_weight)
    return y, (of_class, ops.repeat(ops.reshape(of_box, (-1, 1)), count, axis=1))


def _two(sample_weight: Any) -> tuple[Any, Any]:
    if isinstance(sample_weight, (tuple, list)):
        of_class, of_box = sample_weight
        return of_class, of_box
    return sample_weight, sample_weight
