"""Colors, 0 to 255, and how they vary from one snack to the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Color = tuple[float, float, float]

WHITE = (255, 255, 255)
LEAF = (86, 140, 56)
BROWN = (104, 70, 42)
CREAM = (250, 240, 214)
CHOCOLATE = (76, 44, 28)
DOUGH = (214, 160, 92)
STEEL = (186, 190, 196)

BRIGHT = (
    (228, 44, 64),
    (40, 130, 214),
    (250, 196, 50),
    (76, 178, 84),
    (156, 76, 186),
    (246, 120, 160),
    (246, 136, 40),
)
ICING = (
    (244, 166, 190),
    (250, 240, 226),
    (92, 54, 36),
    (150, 206, 214),
    (206, 170, 224),
    (240, 208, 120),
)
SPRINKLES = (
    (230, 60, 80),
    (60, 140, 220),
    (250, 210, 70),
    (90, 190, 90),
    (250, 250, 250),
    (240, 140, 40),
)
CHINA = (
    (244, 242, 236),
    (214, 222, 226),
    (90, 110, 130),
    (60, 62, 68),
    (226, 206, 180),
    (190, 210, 196),
)


def pick(rng: np.random.Generator, colors: Sequence[Color], amount: float = 0.06) -> Color:
    """One of several colors, a little varied."""
    return vary(rng, colors[int(rng.integers(len(colors)))], amount)


def vary(rng: np.random.Generator, color: Color, amount: float = 0.06) -> Color:
    """A color with another brightness and a slightly other tint."""
    factor = (1.0 + amount * rng.uniform(-1.0, 1.0)) * (1.0 + amount * rng.uniform(-0.6, 0.6, 3))
    red, green, blue = np.clip(np.asarray(color) * factor, 0.0, 255.0)
    return float(red), float(green), float(blue)


def mix(first: Color, second: Color, share: float) -> Color:
    """The color `share` of the way from the first to the second."""
    red, green, blue = ((1.0 - share) * a + share * b for a, b in zip(first, second, strict=True))
    return red, green, blue


def darker(color: Color, factor: float = 0.7) -> Color:
    """The color with its brightness multiplied by a factor."""
    red, green, blue = (min(255.0, channel * factor) for channel in color)
    return red, green, blue


def planes_of(color: Color) -> np.ndarray:
    """The color as float32 `(3, 1, 1)`: it meets planes `(3, H, W)` by broadcasting."""
    return np.asarray(color, np.float32)[:, None, None]
