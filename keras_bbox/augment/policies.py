"""Ready pipelines."""

from __future__ import annotations

from keras_bbox.augment.choose import RandomApply
from keras_bbox.augment.color import (
    Grayscale,
    RandomBrightness,
    RandomColorTemperature,
    RandomContrast,
    RandomHue,
    RandomSaturation,
)
from keras_bbox.augment.crops import RandomBoxSafeCrop, RandomIOUCrop, RandomZoomOut
from keras_bbox.augment.pipeline import Pipeline
from keras_bbox.augment.pixels import RandomBlur, RandomJPEG, RandomNoise
from keras_bbox.augment.spatial import (
    RandomFlip,
    RandomRotation,
    RandomScale,
    RandomTranslation,
    check_range,
)


def default_policy(strength: float = 1.0, *, filters: bool = True) -> Pipeline:
    """Returns a pipeline for localization: one box an image, which stays in view.

    Scale and position change in half of the images each, so that some stay as they were taken.

    Args:
        strength: 0 only mirrors, 1 suits a few thousand photos, 2 is strong.
        filters: Whether a few images are blurred, noisy or compressed. Without them, the pipeline's
            ``steps`` take less time in ``layers.BoxAugmentation``, which filters whole batches.

    Returns:
        A pipeline that draws again when a box would leave the image.

    Raises:
        ValueError: If the strength lies outside 0 to 2.

    Example:
        >>> import keras_bbox as kb
        >>> policy = kb.augment.default_policy(strength=0.5, filters=False)
        >>> policy.hidden_boxes
        'resample'
        >>> layer = kb.layers.BoxAugmentation(
        ...     policy.steps, image_size=(32, 32), bounding_box_format="rel_xyxy")
    """
    check_range("strength", strength, 0, 2)
    steps = [
        RandomFlip(),
        RandomApply(RandomBoxSafeCrop(), 0.25 * strength),
        RandomApply(
            RandomScale(1 / (1 + 0.25 * strength), 1 + 0.25 * strength, aspect=1 + 0.1 * strength),
            0.5,
        ),
        # A turned object's own box can only be guessed from its old one: rarely, and a little.
        RandomApply(RandomRotation(5 * strength), 0.2),
        RandomApply(RandomTranslation(0.1 * strength, 0.1 * strength), 0.5),
        *_colors(strength),
        *(_filters(strength) if filters else []),
    ]
    return Pipeline(steps, min_visibility=0.7, rotated_boxes="ellipse")


def detection_policy(strength: float = 1.0) -> Pipeline:
    """Returns a pipeline for images with many boxes, which may lose some.

    Args:
        strength: 0 only mirrors, 1 suits most sets, 2 is strong.

    Returns:
        A pipeline that drops the boxes that leave the image.

    Raises:
        ValueError: If the strength lies outside 0 to 2.

    Example:
        >>> import keras_bbox as kb
        >>> kb.augment.detection_policy().hidden_boxes
        'drop'
    """
    check_range("strength", strength, 0, 2)
    steps = [
        RandomFlip(),
        RandomApply(RandomZoomOut(1.0, 1 + strength), 0.3 * min(strength, 1)),
        RandomApply(RandomIOUCrop(), 0.4 * strength),
        RandomApply(RandomRotation(5 * strength), 0.3),
        *_colors(strength),
        *_filters(strength),
    ]
    return Pipeline(steps, min_visibility=0.3, hidden_boxes="drop", rotated_boxes="ellipse")


def _colors(strength: float) -> list:
    return [
        RandomBrightness(0.25 * strength),
        RandomContrast(0.25 * strength),
        RandomSaturation(0.3 * strength),
        RandomHue(8 * strength),
        RandomColorTemperature(0.1 * strength),
        RandomApply(Grayscale(), 0.05 * strength),
    ]


def _filters(strength: float) -> list:
    return [
        RandomApply(RandomBlur(), 0.05 * strength),
        RandomApply(RandomNoise(), 0.05 * strength),
        RandomApply(RandomJPEG(), 0.05 * strength),
    ]
