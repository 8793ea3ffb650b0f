"""The chapter's heads, which average the feature map over space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers


def chapter_class_head(num_classes: int | None, dropout: float, l2: float) -> Callable:
    """Makes a class head: average pooling, dropout and a dense layer."""

    def class_head(features: Any) -> Any:
        x = layers.GlobalAveragePooling2D(data_format="channels_last", name="class_pool")(features)
        x = layers.Dropout(dropout, name="class_dropout")(x)
        penalty = keras.regularizers.L2(l2) if l2 else None
        return layers.Dense(num_classes, kernel_regularizer=penalty, name="class_logits")(x)

    return class_head


def chapter_box_head(features: Any) -> Any:
    """Convolves, normalizes and averages the features, and regresses four plain numbers."""
    last = "channels_last"
    # The normalization has a bias of its own.
    x = layers.Conv2D(512, 3, padding="same", use_bias=False, data_format=last, name="box_conv")(
        features
    )
    # A momentum of 0.99 would still remember the start after the few hundred steps of a small
    # data set, and validation would lag far behind.
    x = layers.BatchNormalization(momentum=0.9, name="box_bn")(x)
    x = layers.ReLU(name="box_relu")(x)
    x = layers.GlobalAveragePooling2D(data_format=last, name="box_pool")(x)
    return layers.Dense(4, name="box_coordinates")(x)
