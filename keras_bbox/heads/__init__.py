"""Heads on image models: a class and a box from the feature maps of any Keras backbone."""

from keras_bbox.heads.localization import add_localization_head

__all__ = ["add_localization_head"]
