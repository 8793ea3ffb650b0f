"""Recipes: how to train a model well, in one call."""

from keras_bbox.recipes.localizer import fit_localizer

__all__ = ["fit_localizer"]
