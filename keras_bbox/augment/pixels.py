"""Changes of pixels that are not linear in color: each step draws the parameters of a filter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_bbox._numbers import select, whole
from keras_bbox.augment.spatial import check_ordered, check_range, log_uniform

_NOWHERE = (0.0, 0.0, 0.0, 0.0)
_SEEDS = 2**31 - 1  # as many as a 32-bit number holds


@dataclass(frozen=True)
class RandomGamma:
    """Raises brightness to a power: middle tones get darker or lighter, black and white stay.

    Args:
        low: The smallest exponent.
        high: The largest exponent.

    Raises:
        ValueError: If the exponents are not positive and ordered.

    Example:
        >>> import keras_bbox as kb
        >>> kb.augment.RandomGamma(2.0, 2.0).filter(np.random.default_rng(0))["name"]
        'gamma'
    """

    low: float = 0.7
    high: float = 1.5

    def __post_init__(self):
        check_ordered("low", self.low, "high", self.high)

    def filter(self, rng: np.random.Generator) -> dict:
        return {"name": "gamma", "exponent": log_uniform(rng, self.low, self.high)}


@dataclass(frozen=True)
class RandomNoise:
    """Adds normal noise to every pixel.

    Args:
        sigma: The largest standard deviation, on the scale of 0 to 255.

    Raises:
        ValueError: If sigma is negative.

    Example:
        >>> import keras_bbox as kb
        >>> sorted(kb.augment.RandomNoise().filter(np.random.default_rng(0)))
        ['name', 'seed', 'sigma']
    """

    sigma: float = 12.0

    def __post_init__(self):
        check_range("sigma", self.sigma, 0, np.inf)

    def filter(self, rng: np.random.Generator) -> dict:
        sigma = rng.uniform(0, self.sigma)
        return {"name": "noise", "sigma": sigma, "seed": whole(rng.integers(_SEEDS))}


@dataclass(frozen=True)
class RandomBlur:
    """Blurs evenly.

    Args:
        low: The smallest standard deviation, in pixels.
        high: The largest.

    Raises:
        ValueError: If they are not positive and ordered.

    Example:
        >>> import keras_bbox as kb
        >>> kb.augment.RandomBlur(1.0, 1.0).filter(np.random.default_rng(0))
        {'name': 'blur', 'sigma': 1.0}
    """

    low: float = 0.3
    high: float = 1.5

    def __post_init__(self):
        check_ordered("low", self.low, "high", self.high)

    def filter(self, rng: np.random.Generator) -> dict:
        return {"name": "blur", "sigma": rng.uniform(self.low, self.high)}


@dataclass(frozen=True)
class RandomMotionBlur:
    """Blurs along a line, as a moving camera does.

    Args:
        length: The longest line, in pixels.

    Raises:
        ValueError: If the length is below 1.

    Example:
        >>> import keras_bbox as kb
        >>> kb.augment.RandomMotionBlur().filter(np.random.default_rng(0))["name"]
        'motion_blur'
    """

    length: float = 9.0

    def __post_init__(self):
        check_range("length", self.length, 1, np.inf)

    def filter(self, rng: np.random.Generator) -> dict:
        length, degrees = rng.uniform(1, self.length), rng.uniform(0, 180)
        return {"name": "motion_blur", "length": length, "degrees": degrees}


@dataclass(frozen=True)
class RandomJPEG:
    """Leaves the traces of strong JPEG compression.

    Args:
        low: The lowest quality, from 1.
        high: The highest quality, to 100.

    Raises:
        ValueError: If the qualities are not ordered.

    Example:
        >>> import keras_bbox as kb
        >>> kb.augment.RandomJPEG(50, 50).filter(np.random.default_rng(0))
        {'name': 'jpeg', 'quality': 50}
    """

    low: int = 40
    high: int = 95

    def __post_init__(self):
        check_range("low", self.low, 1, self.high)
        check_range("high", self.high, self.low, 100)

    def filter(self, rng: np.random.Generator) -> dict:
        quality = whole(rng.integers(self.low, self.high, endpoint=True))
        return {"name": "jpeg", "quality": quality}


@dataclass(frozen=True)
class RandomSharpness:
    """Sharpens the image.

    Args:
        amount: The largest amount; 1 adds once what a slight blur takes away.

    Raises:
        ValueError: If the amount is negative.

    Example:
        >>> import keras_bbox as kb
        >>> kb.augment.RandomSharpness(0.0).filter(np.random.default_rng(0))
        {'name': 'sharpen', 'amount': 0.0}
    """

    amount: float = 1.0

    def __post_init__(self):
        check_range("amount", self.amount, 0, np.inf)

    def filter(self, rng: np.random.Generator) -> dict:
        return {"name": "sharpen", "amount": rng.uniform(0, self.amount)}


@dataclass(frozen=True)
class AutoContrast:
    """Stretches each channel until it reaches from 0 to 255.

    Example:
        >>> import keras_bbox as kb
        >>> kb.augment.AutoContrast().filter(np.random.default_rng(0))
        {'name': 'auto_contrast'}
    """

    def filter(self, rng: np.random.Generator) -> dict:
        return {"name": "auto_contrast"}


@dataclass(frozen=True)
class Equalize:
    """Spreads each channel until all its values are about equally frequent.

    Example:
        >>> import keras_bbox as kb
        >>> kb.augment.Equalize().filter(np.random.default_rng(0))
        {'name': 'equalize'}
    """

    def filter(self, rng: np.random.Generator) -> dict:
        return {"name": "equalize"}


@dataclass(frozen=True)
class RandomErasing:
    """Paints over a few places in one color, so that no single part of an object is relied on.

    Boxes stay as they are: the object is still there, hidden behind the paint. (Zhong et al.,
    "Random Erasing Data Augmentation", AAAI 2020.)

    Args:
        count: The most places.
        low: The smallest side of a place, as a fraction of the image's.
        high: The largest.

    Raises:
        ValueError: If the sides are not positive, ordered and at most 1.

    Example:
        >>> import keras_bbox as kb
        >>> len(kb.augment.RandomErasing(1).filter(np.random.default_rng(0))["boxes"])
        1
    """

    count: int = 2
    low: float = 0.05
    high: float = 0.2

    def __post_init__(self):
        check_range("count", self.count, 1, np.inf)
        check_ordered("low", self.low, "high", self.high)
        check_range("high", self.high, 0, 1)

    def filter(self, rng: np.random.Generator) -> dict:
        count = rng.integers(1, self.count, endpoint=True)
        boxes = []
        for k in range(int(self.count)):
            width, height = rng.uniform(self.low, self.high, size=2)
            x, y = rng.random(2)
            x, y = x * (1 - width), y * (1 - height)
            boxes.append(select(k < count, (x, y, x + width, y + height), _NOWHERE))
        fill = [whole(rng.integers(256)) for _ in range(3)]
        return {"name": "erase", "boxes": boxes, "fill": fill}
