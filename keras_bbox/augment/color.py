"""Linear changes of color: each step draws a 3x4 matrix, and a pipeline multiplies them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_bbox._numbers import cosine, sine, take, times
from keras_bbox.augment.spatial import check_range

LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
MIDDLE = 128.0

# The drawn matrices are sums of these constant ones, each times a number.
SAME = np.eye(3, 4)
GREY = np.array([(*LUMINANCE, 0.0)] * 3)
MIDDLE_GREY = np.array([(0.0, 0.0, 0.0, MIDDLE)] * 3)
WARM = np.diag((2.0, 1.0, 0.0)) @ SAME
MEAN = np.full((3, 3), 1 / 3) @ SAME
AROUND_MEAN = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) @ SAME / np.sqrt(3)


@dataclass(frozen=True)
class Color:
    """A step of your own: a function that returns a color matrix.

    Args:
        function: ``rng -> matrix``, a ``(3, 4)`` array: three weights and an offset (0 to 255) for
            each of R, G and B.

    Example:
        >>> import keras_bbox as kb
        >>> warmer = kb.augment.Color(lambda rng: np.diag([1.1, 1.0, 0.9]) @ np.eye(3, 4))
        >>> warmer.color_matrix(np.random.default_rng(0)).shape
        (3, 4)
    """

    function: Callable = lambda rng: np.eye(3, 4)

    def color_matrix(self, rng: np.random.Generator) -> np.ndarray:
        return self.function(rng)


@dataclass(frozen=True)
class RandomBrightness:
    """Multiplies all colors by one factor.

    Args:
        factor: The largest change; 0.2 draws from 0.8 to 1.2.

    Raises:
        ValueError: If the factor lies outside 0 to 1.

    Example:
        >>> import keras_bbox as kb
        >>> kb.augment.RandomBrightness(0.0).color_matrix(np.random.default_rng(0))
        array([[1., 0., 0., 0.],
               [0., 1., 0., 0.],
               [0., 0., 1., 0.]])
    """

    factor: float = 0.2

    def __post_init__(self):
        check_range("factor", self.factor, 0, 1)

    def color_matrix(self, rng: np.random.Generator) -> np.ndarray:
        return times(1 + rng.uniform(-self.factor, self.factor), SAME)


@dataclass(frozen=True)
class RandomContrast:
    """Moves all colors away from middle grey, or towards it.

    Args:
        factor: The largest change; 0.2 draws from 0.8 to 1.2.

    Raises:
        ValueError: If the factor lies outside 0 to 1.

    Example:
        >>> import keras_bbox as kb
        >>> matrix = kb.augment.RandomContrast(0.5).color_matrix(np.random.default_rng(0))
        >>> (matrix @ [128, 128, 128, 1]).round(6)
        array([128., 128., 128.])
    """

    factor: float = 0.2

    def __post_init__(self):
        check_range("factor", self.factor, 0, 1)

    def color_matrix(self, rng: np.random.Generator) -> np.ndarray:
        keep = 1 + rng.uniform(-self.factor, self.factor)
        return times(keep, SAME) + times(1 - keep, MIDDLE_GREY)


@dataclass(frozen=True)
class RandomSaturation:
    """Moves each color away from the grey of its brightness, or towards it.

    Args:
        factor: The largest change; 0.3 draws from 0.7 to 1.3.

    Raises:
        ValueError: If the factor lies outside 0 to 1.

    Example:
        >>> import keras_bbox as kb
        >>> matrix = kb.augment.RandomSaturation(0.5).color_matrix(np.random.default_rng(0))
        >>> (matrix @ [90, 90, 90, 1]).round(6)
        array([90., 90., 90.])
    """

    factor: float = 0.3

    def __post_init__(self):
        check_range("factor", self.factor, 0, 1)

    def color_matrix(self, rng: np.random.Generator) -> np.ndarray:
        keep = 1 + rng.uniform(-self.factor, self.factor)
        return times(keep, SAME) + times(1 - keep, GREY)


@dataclass(frozen=True)
class RandomHue:
    """Turns all colors round the grey axis of the RGB cube.

    Args:
        degrees: The largest turn to either side; 120 would make red green.

    Raises:
        ValueError: If the angle lies outside 0 to 180.

    Example:
        >>> import keras_bbox as kb
        >>> matrix = kb.augment.RandomHue(30).color_matrix(np.random.default_rng(0))
        >>> (matrix @ [90, 90, 90, 1]).round(6)
        array([90., 90., 90.])
    """

    degrees: float = 10.0

    def __post_init__(self):
        check_range("degrees", self.degrees, 0, 180)

    def color_matrix(self, rng: np.random.Generator) -> np.ndarray:
        # Rodrigues' formula about the axis (1, 1, 1) / sqrt(3).
        angle = rng.uniform(-self.degrees, self.degrees)
        keep = cosine(angle)
        return times(keep, SAME) + times(1 - keep, MEAN) + times(sine(angle), AROUND_MEAN)


@dataclass(frozen=True)
class RandomColorTemperature:
    """Makes the light warmer (more red, less blue) or colder.

    Args:
        factor: The largest change of red and blue against each other.

    Raises:
        ValueError: If the factor lies outside 0 to 1.

    Example:
        >>> import keras_bbox as kb
        >>> matrix = kb.augment.RandomColorTemperature().color_matrix(np.random.default_rng(0))
        >>> float((matrix[0, 0] + matrix[2, 2]).round(6))
        2.0
    """

    factor: float = 0.15

    def __post_init__(self):
        check_range("factor", self.factor, 0, 1)

    def color_matrix(self, rng: np.random.Generator) -> np.ndarray:
        shift = rng.uniform(-self.factor, self.factor)
        return times(1 - shift, SAME) + times(shift, WARM)


@dataclass(frozen=True)
class Grayscale:
    """Gives every pixel the grey of its brightness, in all three channels.

    Example:
        >>> import keras_bbox as kb
        >>> matrix = kb.augment.Grayscale().color_matrix(np.random.default_rng(0))
        >>> (matrix @ [255, 0, 0, 1]).round(3)
        array([76.245, 76.245, 76.245])
    """

    def color_matrix(self, rng: np.random.Generator) -> np.ndarray:
        return GREY.copy()


@dataclass(frozen=True)
class RandomChannelShuffle:
    """Puts red, green and blue in a random order.

    Example:
        >>> import keras_bbox as kb
        >>> matrix = kb.augment.RandomChannelShuffle().color_matrix(np.random.default_rng(1))
        >>> sorted(matrix @ [10, 20, 30, 1])
        [np.float64(10.0), np.float64(20.0), np.float64(30.0)]
    """

    def color_matrix(self, rng: np.random.Generator) -> np.ndarray:
        return take(SAME, rng.permutation(3))
