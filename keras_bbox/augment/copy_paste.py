"""CopyPaste: objects of one sample on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_bbox import geometry
from keras_bbox.augment.joining import Samples, cut_out, draw_partner, enough, join
from keras_bbox.augment.sample import Sample, resize
from keras_bbox.augment.spatial import check_ordered, check_range, log_uniform

Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class CopyPaste:
    """Pastes objects of another sample, cut out along their boxes, at drawn places and scales.

    A callable ``(sample, rng, image_size=None)``. A patch lies on whole pixels, covers what it
    lies on, and brings every box along of which it shows enough. Boxes that are partly covered are
    cut to what can still be seen of them, as boxes are at the image's edge, and dropped if that is
    less than ``min_visibility`` of them. The sample's own boxes come first. (After Ghiasi et al.,
    "Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation", CVPR 2021;
    as there are no masks, patches are boxes with the background in them.)

    The canvas is the sample stretched to ``image_size``, or in its own size. A sample that is not
    mixed is stretched to ``image_size``, or left as it is.

    Args:
        others: The samples to draw from: anything with ``len()`` and ``[k]``, such as
            ``kb.ImageSamples``. With none, the sample is its own partner.
        probability: How often.
        count: The most patches, all of them from one sample.
        low: The smallest scale of a patch, where 1 is its size if its image were fitted into the
            canvas. A patch that would be larger than the canvas is made to fit it.
        high: The largest scale.
        min_visibility: Share of the original box's area that must be left.

    Raises:
        ValueError: If a number is out of range, or samples differ in their columns.
        TypeError: If ``others`` holds anything but samples.

    Example:
        >>> import keras_bbox as kb
        >>> image, box = np.zeros((40, 60, 3), "uint8"), np.array([[0.2, 0.2, 0.4, 0.5]])
        >>> other = kb.augment.Sample(image + 200, box, np.array([3]))
        >>> paste = kb.augment.CopyPaste([other], probability=1.0, min_visibility=0.0)
        >>> paste(kb.augment.Sample(image, box, np.array([7])), np.random.default_rng(0)).labels
        array([7, 3])
    """

    others: Samples = ()
    probability: float = 0.5
    count: int = 3
    low: float = 0.5
    high: float = 1.5
    min_visibility: float = 0.3

    def __post_init__(self):
        check_range("probability", self.probability, 0, 1)
        check_range("count", self.count, 1, np.inf)
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
        size = height, width = image_size or sample.image.shape[:2]
        layers, shown = [resize(sample, size)], [np.ones(len(sample.boxes))]
        canvas = layers[0].image.copy()
        partner = draw_partner(sample, self.others, rng)
        windows = []
        for box in self._draw_boxes(rng, partner):
            matrix, window = self._place(rng, box, partner.image.shape, size)
            patch, shares = cut_out(partner, matrix, window, size, self.min_visibility)
            x1, y1, x2, y2 = window
            canvas[y1:y2, x1:x2] = patch.image
            windows.append(window)
            layers.append(patch)
            shown.append(shares)
        covers = np.array(windows, np.float64).reshape(-1, 4) / (width, height, width, height)
        seen = [
            self._uncovered(layer, share, covers[k:])
            for k, (layer, share) in enumerate(zip(layers, shown, strict=True))
        ]
        return join(seen, canvas, sample.boxes)

    def _draw_boxes(self, rng: np.random.Generator, partner: Sample) -> np.ndarray:
        """The boxes to cut out, ``xyxy`` in pixels of the partner."""
        height, width = partner.image.shape[:2]
        boxes = np.asarray(partner.boxes).clip(0, 1) * (width, height, width, height)
        boxes = boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]
        count = min(int(rng.integers(1, self.count, endpoint=True)), len(boxes))
        return boxes[rng.permutation(len(boxes))[:count]]

    def _place(
        self,
        rng: np.random.Generator,
        box: np.ndarray,
        shape: Sequence[int],
        canvas: tuple[int, int],
    ) -> tuple[np.ndarray, Window]:
        """Draws a window for a box, and the matrix that brings the box exactly there."""
        height, width = canvas
        sides = box[2:] - box[:2]
        factor = min(width / shape[1], height / shape[0]) * log_uniform(rng, self.low, self.high)
        factor = min(factor, width / sides[0], height / sides[1])
        columns, rows = np.maximum(1, (factor * sides).round()).astype(int).tolist()
        x = int(rng.integers(0, width - columns, endpoint=True))
        y = int(rng.integers(0, height - rows, endpoint=True))
        matrix = geometry.compose(
            geometry.translation(-box[0], -box[1]),
            geometry.scaling(columns / sides[0], rows / sides[1]),
            geometry.translation(x, y),
        )
        return matrix, (x, y, x + columns, y + rows)

    def _uncovered(self, sample: Sample, shown: np.ndarray, covers: np.ndarray) -> Sample:
        """Cuts boxes, of which a share is shown, to what covers leave; judges by the originals."""
        if not len(covers) or not len(sample.boxes):
            return sample
        views = [_what_is_left(box, covers) for box in np.asarray(sample.boxes, np.float64)]
        shares = shown * [share for share, _ in views]
        boxes = np.array([box for _, box in views])
        return sample._replace(boxes=boxes).take(enough(shares, self.min_visibility))


def _what_is_left(box: np.ndarray, covers: np.ndarray) -> tuple[float, np.ndarray]:
    """The share of a box that others do not cover, and the box round it.

    The edges of all of them divide the box into a grid, of which each cell is covered or not.
    """
    if not ((covers[:, :2] < box[2:]) & (covers[:, 2:] > box[:2])).all(axis=1).any():
        return 1.0, box
    inside = covers.clip(np.tile(box[:2], 2), np.tile(box[2:], 2))
    x = np.unique([*box[::2], *inside[:, ::2].ravel()])
    y = np.unique([*box[1::2], *inside[:, 1::2].ravel()])
    is_seen = np.ones((len(y) - 1, len(x) - 1), bool)
    for x1, y1, x2, y2 in inside:
        rows, columns = (y[:-1] >= y1) & (y[1:] <= y2), (x[:-1] >= x1) & (x[1:] <= x2)
        is_seen[np.ix_(rows, columns)] = False
    if not is_seen.any():
        return 0.0, box
    share = (is_seen * np.outer(np.diff(y), np.diff(x))).sum() / np.prod(box[2:] - box[:2])
    rows, columns = np.flatnonzero(is_seen.any(axis=1)), np.flatnonzero(is_seen.any(axis=0))
    return float(share), np.array([x[columns[0]], y[rows[0]], x[columns[-1] + 1], y[rows[-1] + 1]])
