"""Squares to find, and a localizer small enough to find them."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

import keras_bbox as kb
from keras_bbox.heads.second_look import JitterBox


class Squares(keras.utils.PyDataset):
    """Bright squares on black; every epoch has an order of its own."""

    def __init__(self, batches=3, seed=0):
        super().__init__()
        rng = np.random.default_rng(seed)
        corners = rng.uniform(0, 0.5, (8 * batches, 2))
        self.boxes = np.hstack([corners, corners + 0.5]).astype("float32")
        self.images = np.zeros((8 * batches, 16, 16, 3), "float32")
        self.labels = np.arange(8 * batches) % 2
        for image, box, label in zip(self.images, self.boxes, self.labels, strict=True):
            x1, y1, x2, y2 = (16 * box).round().astype(int)
            image[y1:y2, x1:x2, label] = 1
        self.epoch, self.begun = 0, False

    def __len__(self):
        return len(self.images) // 8

    def __getitem__(self, index):
        order = np.random.default_rng(self.epoch).permutation(len(self.images))
        rows = order[8 * index : 8 * (index + 1)]
        return self.images[rows], (self.labels[rows], self.boxes[rows])

    def on_epoch_begin(self):
        self.begun = True

    def on_epoch_end(self):
        self.epoch += self.begun
        self.begun = False


def plain_box_head(features):
    return layers.Dense(4, activation="sigmoid")(layers.Flatten()(features))


def localizer(spatial=False, **options):
    if not spatial:  # what trains when is the same for any head
        options["box_head"] = plain_box_head
    keras.utils.set_random_seed(1)
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, strides=2, padding="same", name="low")(image)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="high")(x)
    backbone = keras.Model(image, x)
    return kb.add_localization_head(backbone, 2, dropout=0.0, **options)


def still(model):
    """Takes the jitter, all that a spatial head draws when its branches are trained apart."""
    for branch in ("branch_0", "branch_1"):
        for layer in model.get_layer("box_head").get_layer(branch).layers:
            if isinstance(layer, JitterBox):
                layer.amount = 0.0
    return model


def weights(layer):
    return [np.array(value) for value in layer.get_weights()]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
