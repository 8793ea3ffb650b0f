"""Keras layers: augmentation of whole batches, on the accelerator."""

from keras_bbox.layers.box_augmentation import BoxAugmentation

__all__ = ["BoxAugmentation"]
