"""Two images as one."""

from __future__ import annotations

import cv2
import numpy as np

from keras_bbox.images.memory import empty


def blend_images(image1: np.ndarray, image2: np.ndarray, share: float) -> np.ndarray:
    """Mixes two images of one size, pixel by pixel.

    Args:
        image1: A ``uint8`` array of shape ``(H, W, 3)``.
        image2: Another one of that shape.
        share: How much of the first one there is, 0 to 1; the rest is of the second one.

    Returns:
        A ``uint8`` array of shape ``(H, W, 3)``, rounded.

    Example:
        >>> import numpy as np
        >>> from keras_bbox.images import blend_images
        >>> black, white = np.zeros((1, 1, 3), "uint8"), np.full((1, 1, 3), 255, "uint8")
        >>> blend_images(black, white, 0.8)
        array([[[51, 51, 51]]], dtype=uint8)
    """
    return cv2.addWeighted(image1, share, image2, 1 - share, 0, dst=empty(*image1.shape))
