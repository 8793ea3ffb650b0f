"""Which steps run: with a probability, one of several, or some of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_bbox.augment.color import (
    RandomBrightness,
    RandomColorTemperature,
    RandomContrast,
    RandomSaturation,
)
from keras_bbox.augment.pixels import (
    AutoContrast,
    Equalize,
    RandomGamma,
    RandomSharpness,
)
from keras_bbox.augment.spatial import (
    RandomRotation,
    RandomScale,
    RandomShear,
    RandomTranslation,
    check_range,
)

Step = Any
"""An object with one of the methods of ``METHODS``."""

METHODS = ("matrix", "view", "color_matrix", "filter", "choose")


def check_steps(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Returns the steps as a tuple, or raises TypeError for what is none."""
    for step in steps:
        if not any(hasattr(step, method) for method in METHODS):
            raise TypeError(
                "A step is an object of kb.augment, or any with a method matrix(rng, height, "
                "width) or color_matrix(rng). Wrap a function: kb.augment.Spatial(function) or "
                "kb.augment.Color(function); a callable (sample, rng) -> sample goes in place of "
                f"a whole pipeline. Received: step={step!r}"
            )
    return tuple(steps)


def chosen_steps(steps: Sequence[Step], rng: np.random.Generator) -> Iterator[Step]:
    """Draws the choices and gives the steps that are left to run, in order."""
    for step in steps:
        if hasattr(step, "choose"):
            yield from chosen_steps(step.choose(rng), rng)
        else:
            yield step


@dataclass(frozen=True)
class RandomApply:
    """Runs a step with a probability.

    Args:
        step: The step.
        probability: How often it runs.

    Raises:
        TypeError: If the step is none.
        ValueError: If the probability lies outside 0 to 1.

    Example:
        >>> import keras_bbox as kb
        >>> never = kb.augment.RandomApply(kb.augment.Grayscale(), probability=0.0)
        >>> never.choose(np.random.default_rng(0))
        ()
    """

    step: Step = RandomRotation()
    probability: float = 0.5

    def __post_init__(self):
        check_steps([self.step])
        check_range("probability", self.probability, 0, 1)

    def choose(self, rng: np.random.Generator) -> tuple[Step, ...]:
        return (self.step,) if rng.random() < self.probability else ()


@dataclass(frozen=True)
class OneOf:
    """Runs one of several steps, each as likely as the others.

    Args:
        steps: The steps to choose from.

    Raises:
        TypeError: If one of them is none.
        ValueError: If there are none.

    Example:
        >>> import keras_bbox as kb
        >>> either = kb.augment.OneOf([kb.augment.Grayscale(), kb.augment.RandomHue()])
        >>> either.choose(np.random.default_rng(0))
        (RandomHue(degrees=10.0),)
    """

    steps: Sequence[Step] = (RandomBrightness(), RandomContrast())

    def __post_init__(self):
        object.__setattr__(self, "steps", check_steps(self.steps))
        check_range("the number of steps", len(self.steps), 1, np.inf)

    def choose(self, rng: np.random.Generator) -> tuple[Step, ...]:
        return (self.steps[int(rng.integers(len(self.steps)))],)


@dataclass(frozen=True)
class SomeOf:
    """Runs several different steps out of more, in a random order.

    Args:
        steps: The steps to choose from.
        count: How many run.

    Raises:
        TypeError: If one of them is none.
        ValueError: If there are fewer than ``count``.

    Example:
        >>> import keras_bbox as kb
        >>> steps = [kb.augment.Grayscale(), kb.augment.RandomHue(), kb.augment.RandomBlur()]
        >>> len(kb.augment.SomeOf(steps, count=2).choose(np.random.default_rng(0)))
        2
    """

    steps: Sequence[Step] = (RandomBrightness(), RandomContrast(), RandomSaturation())
    count: int = 2

    def __post_init__(self):
        object.__setattr__(self, "steps", check_steps(self.steps))
        check_range("count", self.count, 0, len(self.steps))

    def choose(self, rng: np.random.Generator) -> tuple[Step, ...]:
        order = rng.permutation(len(self.steps))[: self.count]
        return tuple(self.steps[k] for k in order)


@dataclass(frozen=True)
class RandAugment:
    """Runs a few steps out of fourteen, all of one strength: two numbers in place of thirty.

    (After Cubuk et al., "RandAugment", NeurIPS 2020; turns, shears and moves are matrices here, so
    several of them still cost one warp.)

    Args:
        count: How many run.
        magnitude: Their strength, from 0 (nothing) to 1.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> import keras_bbox as kb
        >>> len(kb.augment.RandAugment(count=3).choose(np.random.default_rng(0)))
        3
    """

    count: int = 2
    magnitude: float = 0.5

    def __post_init__(self):
        check_range("magnitude", self.magnitude, 0, 1)
        self.as_some_of()

    def as_some_of(self) -> SomeOf:
        """The choice that it is."""
        m = self.magnitude
        steps = (
            RandomRotation(30 * m),
            RandomShear(x=17 * m),
            RandomShear(x=0, y=17 * m),
            RandomTranslation(x=0.45 * m, y=0),
            RandomTranslation(x=0, y=0.45 * m),
            RandomScale(1 / (1 + m / 2), 1 + m / 2),
            RandomBrightness(0.9 * m),
            RandomContrast(0.9 * m),
            RandomSaturation(0.9 * m),
            RandomColorTemperature(0.3 * m),
            RandomGamma(1 / (1 + m), 1 + m),
            RandomSharpness(2 * m),
            AutoContrast(),
            Equalize(),
        )
        return SomeOf(steps, self.count)

    def choose(self, rng: np.random.Generator) -> tuple[Step, ...]:
        return self.as_some_of().choose(rng)
