"""Mosaic: four samples as the quarters of one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_bbox import geometry
from keras_bbox.augment.joining import Samples, cut_out, draw_partner, join
from keras_bbox.augment.sample import Sample, resize
from keras_bbox.augment.spatial import check_ordered, check_range, log_uniform

Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class Mosaic:
    """Puts the sample and three others together round a drawn center.

    A callable ``(sample, rng, image_size=None)``. Each sample is scaled with its aspect ratio kept
    until it covers its quarter, and is warped once; what lies outside the quarter is cut off,
    boxes included. The sample's own boxes come first. (Bochkovskiy et al., "YOLOv4: Optimal Speed
    and Accuracy of Object Detection", 2020.)

    The canvas has ``image_size`` if that is given, else the sample's own size. A sample that is
    not mixed is stretched to ``image_size``, or left as it is.

    Args:
        others: The samples to draw from: anything with ``len()`` and ``[k]``, such as
            ``kb.ImageSamples``. With none, the sample is its own partner.
        probability: How often.
        margin: How far the center stays from the edges, as a fraction of the sides.
        low: The smallest scale of a sample, where 1 just covers its quarter.
        high: The largest scale.
        min_visibility: Share of the original box's area that must be left; other boxes are
            dropped.

    Raises:
        ValueError: If a number is out of range, or samples differ in their columns.
        TypeError: If ``others`` holds anything but samples.

    Example:
        >>> import keras_bbox as kb
        >>> sample = kb.augment.Sample(
        ...     np.zeros((40, 60, 3), "uint8"), np.array([[0.4, 0.4, 0.6, 0.6]]), np.array([7])
        ... )
        >>> mosaic = kb.augment.Mosaic(probability=1.0, margin=0.5, high=1.0)
        >>> mosaic(sample, np.random.default_rng(0)).boxes
        array([[0.2, 0.2, 0.3, 0.3],
               [0.7, 0.7, 0.8, 0.8],
               [0.2, 0.7, 0.3, 0.8],
               [0.7, 0.2, 0.8, 0.3]])
    """

    others: Samples = ()
    probability: float = 0.5
    margin: float = 0.3
    low: float = 1.0
    high: float = 1.25
    min_visibility: float = 0.3

    def __post_init__(self):
        check_range("probability", self.probability, 0, 1)
        check_range("margin", self.margin, 0, 0.5)
        check_range("low", self.low, 1, np.inf)
        check_ordered("low", self.low, "high", self.high)
        check_range("min_visibility", self.min_visibility, 0, 1)

    def __call__(
        self,
        sample: Sample,
        rng: np.random.Generator,
        image_size: tuple[int, int] | None = None,
    ) -> Sample:
        if rng.random() >= self.probability:
            return resize(sample, image_size) if image_size else sample
        height, width = image_size or sample.image.shape[:2]
        partners = [draw_partner(sample, self.others, rng) for _ in range(3)]
        windows = _quarters(rng, height, width, self.margin)
        canvas = np.empty((height, width, 3), np.uint8)
        pieces = []
        for one, window in zip((sample, *partners), windows, strict=True):
            matrix = self._cover(rng, one, window)
            piece, _ = cut_out(one, matrix, window, (height, width), self.min_visibility)
            x1, y1, x2, y2 = window
            canvas[y1:y2, x1:x2] = piece.image
            pieces.append(piece)
        return join(pieces, canvas, sample.boxes)

    def _cover(self, rng: np.random.Generator, sample: Sample, window: Window) -> np.ndarray:
        """Draws a matrix from the sample's pixels to the canvas that leaves no gap."""
        x1, y1, x2, y2 = window
        height, width = sample.image.shape[:2]
        factor = max((x2 - x1) / width, (y2 - y1) / height) * log_uniform(rng, self.low, self.high)
        # What is too much of the sample, negative: it is cut off left and right by chance.
        x, y = rng.random(2) * ((x2 - x1) - factor * width, (y2 - y1) - factor * height)
        return geometry.compose(
            geometry.scaling(factor, factor), geometry.translation(x1 + x, y1 + y)
        )


def _quarters(rng: np.random.Generator, height: int, width: int, margin: float) -> list[Window]:
    """Draws the center in whole pixels, and the order of the quarters."""
    u, v = rng.uniform(margin, 1 - margin, size=2)
    x, y = min(max(1, round(u * width)), width - 1), min(max(1, round(v * height)), height - 1)
    quarters = [
        (0, 0, x, y),
        (x, 0, width, y),
        (0, y, x, height),
        (x, y, width, height),
    ]
    return [quarters[k] for k in rng.permutation(4)]
