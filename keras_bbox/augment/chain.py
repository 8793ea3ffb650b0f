"""One augmentation after another."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import numpy as np

from keras_bbox.augment.sample import Sample, resize


class Chain:
    """Calls one augmentation after another, such as a ``Mosaic`` and then a ``Pipeline``.

    A callable ``(sample, rng, image_size=None)``. Each augmentation warps the pixels for itself;
    steps that shall share one warp belong into one ``Pipeline``. ``image_size`` goes to the last
    one; what that returns is stretched if it does not take an ``image_size``.

    Args:
        augmentations: Pipelines, mixers, or any callables ``(sample, rng) -> sample``.

    Raises:
        TypeError: If one of them cannot be called.

    Example:
        >>> import keras_bbox as kb
        >>> sample = kb.augment.Sample(
        ...     np.zeros((40, 60, 3), "uint8"), np.array([[0.2, 0.2, 0.4, 0.5]]), np.array([7])
        ... )
        >>> chain = kb.augment.Chain([kb.augment.CopyPaste(), kb.augment.detection_policy()])
        >>> chain(sample, np.random.default_rng(0), image_size=(32, 32)).image.shape
        (32, 32, 3)
    """

    def __init__(self, augmentations: Sequence[Callable[..., Sample]] = ()):
        for augmentation in augmentations:
            if not callable(augmentation):
                raise TypeError(
                    "A chain is made of callables (sample, rng) -> sample. Put steps into a "
                    f"kb.augment.Pipeline first. Received: augmentation={augmentation!r}"
                )
        self.augmentations = tuple(augmentations)

    @property
    def hidden_boxes(self) -> str:
        """What happens to boxes in the pipelines of the chain; ``"drop"`` goes before the rest."""
        found = {getattr(one, "hidden_boxes", "resample") for one in self.augmentations}
        return next((choice for choice in ("drop", "weight") if choice in found), "resample")

    def __call__(
        self,
        sample: Sample,
        rng: np.random.Generator,
        image_size: tuple[int, int] | None = None,
    ) -> Sample:
        for augmentation in self.augmentations[:-1]:
            sample = augmentation(sample, rng)
        for last in self.augmentations[-1:]:
            is_sized = image_size is not None and _takes_image_size(last)
            sample = last(sample, rng, image_size=image_size) if is_sized else last(sample, rng)
        return sample if image_size is None else resize(sample, image_size)


def _takes_image_size(augmentation: Callable) -> bool:
    return "image_size" in inspect.signature(augmentation).parameters
