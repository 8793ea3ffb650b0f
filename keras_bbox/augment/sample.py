"""What an augmentation works on: an image with its boxes, labels and whatever goes with them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from keras_bbox import geometry, images


class Sample(NamedTuple):
    """An image with its boxes and what belongs to each box.

    Attributes:
        image: ``uint8`` RGB, shape ``(height, width, 3)``. ``Pipeline``, ``Draw`` and ``resize``
            take a ``Photo`` too, a file that has yet to be decoded.
        boxes: ``rel_xyxy``, shape ``(N, 4)``, floating point.
        labels: Class ids, shape ``(N,)``.
        columns: Further arrays of shape ``(N, ...)`` by name, such as ``difficult``. They follow
            their boxes.

    Example:
        >>> import keras_bbox as kb, numpy as np
        >>> image = np.zeros((4, 6, 3), "uint8")
        >>> kb.augment.Sample(image, np.array([[0, 0, 0.5, 1]]), np.array([3])).labels
        array([3])
    """

    image: Any
    boxes: np.ndarray
    labels: np.ndarray
    columns: Mapping[str, np.ndarray] = MappingProxyType({})

    def take(self, rows: np.ndarray) -> Sample:
        """Returns the sample with some of its boxes.

        Args:
            rows: A boolean or index array along the boxes.

        Returns:
            A new sample; labels and columns keep their dtypes.
        """
        columns = {name: np.asarray(values)[rows] for name, values in self.columns.items()}
        return Sample(self.image, self.boxes[rows], np.asarray(self.labels)[rows], columns)


def resize(sample: Sample, image_size: tuple[int, int]) -> Sample:
    """Stretches a sample to a size; relative boxes do not change by it.

    Args:
        sample: The sample.
        image_size: ``(height, width)`` in pixels.

    Returns:
        A new sample.

    Example:
        >>> import keras_bbox as kb, numpy as np
        >>> sample = kb.augment.Sample(
        ...     np.zeros((4, 8, 3), "uint8"), np.array([[0.0, 0.0, 0.5, 1.0]]), np.array([0])
        ... )
        >>> kb.augment.resize(sample, (2, 2)).image.shape
        (2, 2, 3)
    """
    height, width = image_size
    fit = geometry.scaling(width / sample.image.shape[1], height / sample.image.shape[0])
    return sample._replace(image=images.warp_image(sample.image, fit, height=height, width=width))
