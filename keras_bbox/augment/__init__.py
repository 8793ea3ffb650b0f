"""Augmentation that moves the boxes: matrices drawn from a generator, composed, warped once.

A spatial step draws a 3x3 matrix, a color step a 3x4 one. A pipeline multiplies the spatial
matrices, the resize to the network's input among them, warps the pixels once and maps the boxes
with the same matrix; then it multiplies the color matrices and applies their product once. So
pixels and boxes cannot drift apart, and quality is lost once instead of once a step.

Mosaic, MixUp and CopyPaste join samples before a pipeline runs.
"""

from keras_bbox.augment.chain import Chain
from keras_bbox.augment.choose import OneOf, RandAugment, RandomApply, SomeOf
from keras_bbox.augment.color import (
    Color,
    Grayscale,
    RandomBrightness,
    RandomChannelShuffle,
    RandomColorTemperature,
    RandomContrast,
    RandomHue,
    RandomSaturation,
)
from keras_bbox.augment.copy_paste import CopyPaste
from keras_bbox.augment.crops import (
    Letterbox,
    RandomBoxSafeCrop,
    RandomCrop,
    RandomIOUCrop,
    RandomQuarterTurn,
    RandomResizedCrop,
    RandomTranspose,
    RandomZoomOut,
    Resize,
)
from keras_bbox.augment.draw import Draw as Draw
from keras_bbox.augment.joining import Samples as Samples
from keras_bbox.augment.mixup import MixUp
from keras_bbox.augment.mosaic import Mosaic
from keras_bbox.augment.pipeline import Augmentation as Augmentation
from keras_bbox.augment.pipeline import Pipeline
from keras_bbox.augment.pixels import (
    AutoContrast,
    Equalize,
    RandomBlur,
    RandomErasing,
    RandomGamma,
    RandomJPEG,
    RandomMotionBlur,
    RandomNoise,
    RandomSharpness,
)
from keras_bbox.augment.policies import default_policy, detection_policy
from keras_bbox.augment.sample import Sample as Sample
from keras_bbox.augment.sample import resize
from keras_bbox.augment.spatial import Frame as Frame
from keras_bbox.augment.spatial import (
    RandomFlip,
    RandomPerspective,
    RandomRotation,
    RandomScale,
    RandomShear,
    RandomTranslation,
    Spatial,
)
from keras_bbox.augment.spatial import View as View
from keras_bbox.augment.tf_data import map_dataset

# Each class here can be made without arguments; Sample, Draw, Frame and View stand beside them.
__all__ = [
    "AutoContrast",
    "Chain",
    "Color",
    "CopyPaste",
    "Equalize",
    "Grayscale",
    "Letterbox",
    "MixUp",
    "Mosaic",
    "OneOf",
    "Pipeline",
    "RandAugment",
    "RandomApply",
    "RandomBlur",
    "RandomBoxSafeCrop",
    "RandomBrightness",
    "RandomChannelShuffle",
    "RandomColorTemperature",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomGamma",
    "RandomHue",
    "RandomIOUCrop",
    "RandomJPEG",
    "RandomMotionBlur",
    "RandomNoise",
    "RandomPerspective",
    "RandomQuarterTurn",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomSaturation",
    "RandomScale",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomTranspose",
    "RandomZoomOut",
    "Resize",
    "SomeOf",
    "Spatial",
    "default_policy",
    "detection_policy",
    "map_dataset",
    "resize",
]
