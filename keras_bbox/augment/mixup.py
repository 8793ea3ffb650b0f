"""MixUp: two samples on top of each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_bbox import images
from keras_bbox.augment.joining import Samples, draw_partner, join, with_weight
from keras_bbox.augment.sample import Sample, resize
from keras_bbox.augment.spatial import check_range


@dataclass(frozen=True)
class MixUp:
    """Blends the sample with another one, and keeps the boxes of both.

    A callable ``(sample, rng, image_size=None)``. The image is ``lam * sample + (1 - lam) *
    other`` with ``lam`` from ``Beta(alpha, alpha)``; both are stretched to ``image_size``, or to
    the sample's own size. The sample's own boxes come first. The column ``weight``, ``float32``,
    is ``lam`` for its boxes and ``1 - lam`` for the others' (times the weight that they had), and
    1 in a sample that is not mixed, which is stretched to ``image_size``, or left as it is.
    (Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018; for boxes, with an
    ``alpha`` of 1.5, Zhang et al., "Bag of Freebies for Training Object Detection Neural
    Networks", 2019.)

    Args:
        others: The samples to draw from: anything with ``len()`` and ``[k]``, such as
            ``kb.ImageSamples``. With none, the sample is its own partner.
        probability: How often.
        alpha: More than 1 makes even shares likely, less than 1 makes them rare.

    Raises:
        ValueError: If a number is out of range, or samples differ in their columns.
        TypeError: If ``others`` holds anything but samples.

    Example:
        >>> import keras_bbox as kb
        >>> image, box = np.zeros((40, 60, 3), "uint8"), np.array([[0.2, 0.2, 0.4, 0.5]])
        >>> other = kb.augment.Sample(image + 200, box, np.array([3]))
        >>> mix = kb.augment.MixUp([other], probability=1.0)
        >>> mixed = mix(kb.augment.Sample(image, box, np.array([7])), np.random.default_rng(0))
        >>> mixed.labels, mixed.columns["weight"].sum()
        (array([7, 3]), np.float32(1.0))
    """

    others: Samples = ()
    probability: float = 0.5
    alpha: float = 1.5

    def __post_init__(self):
        check_range("probability", self.probability, 0, 1)
        check_range("alpha", self.alpha, 1e-3, np.inf)

    def __call__(
        self,
        sample: Sample,
        rng: np.random.Generator,
        image_size: tuple[int, int] | None = None,
    ) -> Sample:
        if rng.random() >= self.probability:
            return with_weight(resize(sample, image_size) if image_size else sample, 1.0)
        partner = draw_partner(sample, self.others, rng)
        share = rng.beta(self.alpha, self.alpha)
        canvas = image_size or sample.image.shape[:2]
        first, second = resize(sample, canvas), resize(partner, canvas)
        image = images.blend_images(first.image, second.image, share)
        weighed = [with_weight(first, share), with_weight(second, 1 - share)]
        return join(weighed, image, sample.boxes)
