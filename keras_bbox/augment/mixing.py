"""Augmentations that need other samples: mosaic, mix-up and copy-paste, and a chain of several."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from keras_bbox import geometry, images
from keras_bbox.augment.sample import Sample, resize
from keras_bbox.augment.spatial import check_ordered, check_range

Size = tuple[int, int] | None


@dataclass(frozen=True)
class Mosaic:
    """Joins four samples round a point of the canvas (Bochkovskiy et al. 2020, YOLOv4).

    Each sample fills its quarter, with its aspect ratio kept and one corner at the point; what is
    too much of it is cut off, and boxes of which too little is left go with it.

    Args:
        others: Where the other three come from, drawn evenly: anything with a length and
            ``others[k] -> Sample``, such as ``kb.ImageSamples``. Empty: the sample itself.
        probability: How often to do it; otherwise the sample is only resized.
        margin: The point lies at least so far from the edges, as a fraction of the sides.
        zoom: How much larger than needed a sample may be drawn.
        min_visibility: Share of a box's original area that must be left.

    Raises:
        ValueError: If a number is out of range, or the samples differ in their columns.

    Example:
        >>> import keras_bbox as kb
        >>> sample = kb.augment.Sample(
        ...     np.zeros((40, 60, 3), "uint8"), np.array([[0.2, 0.2, 0.4, 0.5]]), np.array([7]))
        >>> mosaic = kb.augment.Mosaic(others=[sample], min_visibility=0.0)
        >>> out = mosaic(sample, np.random.default_rng(0), image_size=(64, 64))
        >>> out.image.shape, set(out.labels.tolist())
        ((64, 64, 3), {7})
    """

    others: Sequence[Sample] = ()
    probability: float = 1.0
    margin: float = 0.25
    zoom: float = 1.5
    min_visibility: float = 0.3

    def __post_init__(self):
        check_range("probability", self.probability, 0, 1)
        check_range("margin", self.margin, 0, 0.5)
        check_range("zoom", self.zoom, 1, np.inf)
        check_range("min_visibility", self.min_visibility, 0, 1)

    def __call__(self, sample: Sample, rng: np.random.Generator, image_size: Size = None) -> Sample:
        height, width = image_size or sample.image.shape[:2]
        if rng.random() >= self.probability:
            return resize(sample, (height, width))
        parts = [sample, *(_partner(sample, self.others, rng) for _ in range(3))]
        x, y = np.rint(rng.uniform(self.margin, 1 - self.margin, 2) * (width, height)).astype(int)
        canvas = np.zeros((height, width, 3), np.uint8)
        tiles = [(0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)]
        placed = []
        for corner, (part, tile) in enumerate(zip(parts, tiles, strict=True)):
            x1, y1, x2, y2 = tile
            if x2 > x1 and y2 > y1:
                moved = self._fill(part, rng, corner, y2 - y1, x2 - x1)
                canvas[y1:y2, x1:x2] = moved.image
                placed.append(moved._replace(boxes=_shifted(moved.boxes, tile, height, width)))
        return _joined(canvas, sample, placed)

    def _fill(
        self, part: Sample, rng: np.random.Generator, corner: int, height: int, width: int
    ) -> Sample:
        """Draws a sample into its tile, its own corner that lies at the point kept there."""
        rows, columns = part.image.shape[:2]
        scale = max(height / rows, width / columns) * rng.uniform(1, self.zoom)
        left = width - scale * columns if corner in (0, 2) else 0.0
        top = height - scale * rows if corner in (0, 1) else 0.0
        matrix = geometry.compose(geometry.scaling(scale, scale), geometry.translation(left, top))
        image = images.warp_image(
            part.image, matrix, height=height, width=width, border="replicate"
        )
        pixels = np.asarray(part.boxes, np.float64) * (columns, rows, columns, rows)
        shares = geometry.visible_share(pixels, matrix, height=height, width=width)
        moved = geometry.transform_boxes(pixels, matrix).clip(0, (width, height, width, height))
        boxes = (moved / (width, height, width, height)).astype(np.asarray(part.boxes).dtype)
        shown = (shares >= self.min_visibility) & (shares > 0)
        return part._replace(image=image, boxes=boxes).take(shown)


@dataclass(frozen=True)
class MixUp:
    """Blends two samples and keeps the boxes of both (Zhang et al. 2018, Zhang et al. 2019).

    Each box gets the share of its image as ``weight``, a ``float32`` column, times the weight that
    it had.

    Args:
        others: Where the other sample comes from, as for ``Mosaic``.
        probability: How often to do it; otherwise the sample is only resized.
        alpha: The share is drawn from Beta(alpha, alpha): the larger, the nearer to a half.

    Raises:
        ValueError: If a number is out of range, or the samples differ in their columns.

    Example:
        >>> import keras_bbox as kb
        >>> sample = kb.augment.Sample(
        ...     np.zeros((40, 60, 3), "uint8"), np.array([[0.2, 0.2, 0.4, 0.5]]), np.array([7]))
        >>> out = kb.augment.MixUp([sample])(sample, np.random.default_rng(0))
        >>> float(out.columns["weight"].sum())
        1.0
    """

    others: Sequence[Sample] = ()
    probability: float = 1.0
    alpha: float = 8.0

    def __post_init__(self):
        check_range("probability", self.probability, 0, 1)
        check_ordered("alpha", self.alpha, "infinity", np.inf)

    def __call__(self, sample: Sample, rng: np.random.Generator, image_size: Size = None) -> Sample:
        size = image_size or sample.image.shape[:2]
        if rng.random() >= self.probability:
            return _weighted(resize(sample, size), 1.0)
        other = _partner(sample, self.others, rng)
        share = float(rng.beta(self.alpha, self.alpha))
        one, two = resize(sample, size), resize(other, size)
        image = images.blend(one.image, two.image, share)
        return _joined(image, sample, [_weighted(one, share), _weighted(two, 1 - share)])


@dataclass(frozen=True)
class CopyPaste:
    """Pastes objects of another sample, cut out along their boxes (after Ghiasi et al. 2021).

    A box that is covered too far is dropped; later objects cover earlier ones.

    Args:
        others: Where the objects come from, as for ``Mosaic``.
        probability: How often to do it; otherwise the sample is only resized.
        most: Objects pasted at the most.
        low: The smallest change of scale.
        high: The largest.
        min_visibility: Share of a box that must stay uncovered.

    Raises:
        ValueError: If a number is out of range, or the samples differ in their columns.

    Example:
        >>> import keras_bbox as kb
        >>> sample = kb.augment.Sample(
        ...     np.zeros((40, 60, 3), "uint8"), np.array([[0.2, 0.2, 0.4, 0.5]]), np.array([7]))
        >>> out = kb.augment.CopyPaste([sample], most=1)(sample, np.random.default_rng(0))
        >>> len(out.boxes)
        2
    """

    others: Sequence[Sample] = ()
    probability: float = 1.0
    most: int = 3
    low: float = 0.5
    high: float = 1.5
    min_visibility: float = 0.5

    def __post_init__(self):
        check_range("probability", self.probability, 0, 1)
        check_range("most", self.most, 1, np.inf)
        check_ordered("low", self.low, "high", self.high)
        check_range("min_visibility", self.min_visibility, 0, 1)

    def __call__(self, sample: Sample, rng: np.random.Generator, image_size: Size = None) -> Sample:
        under = resize(sample, image_size or sample.image.shape[:2])
        if rng.random() >= self.probability:
            return under
        other = _partner(sample, self.others, rng)
        count = min(len(other.boxes), int(rng.integers(1, self.most, endpoint=True)))
        chosen = rng.permutation(len(other.boxes))[:count]
        height, width = under.image.shape[:2]
        canvas, covers, boxes = under.image.copy(), [], []
        for row in chosen:
            patch, place = self._patch(other, int(row), rng, height, width)
            x1, y1, x2, y2 = place
            canvas[y1:y2, x1:x2] = patch
            covers.append(np.array(place) / (width, height, width, height))
            boxes.append(covers[-1])
        dtype = np.asarray(sample.boxes).dtype
        pasted = other.take(chosen)._replace(boxes=np.reshape(boxes, (-1, 4)).astype(dtype))
        shown = _uncovered([*under.boxes], covers) >= self.min_visibility
        # What was pasted k-th is covered by those after it.
        rest = [_uncovered([box], covers[k + 1 :])[0] for k, box in enumerate(boxes)]
        kept = np.array(rest, float) >= self.min_visibility
        return _joined(canvas, sample, [under.take(shown), pasted.take(kept)])

    def _patch(
        self, other: Sample, row: int, rng: np.random.Generator, height: int, width: int
    ) -> tuple[np.ndarray, tuple[int, int, int, int]]:
        """An object's pixels at a new scale, and the whole pixels of the canvas they go to."""
        rows, columns = other.image.shape[:2]
        x1, y1, x2, y2 = np.asarray(other.boxes[row], np.float64) * (columns, rows, columns, rows)
        scale = np.exp(rng.uniform(np.log(self.low), np.log(self.high)))
        scale *= (height * width / (rows * columns)) ** 0.5  # as large as on a canvas of its size
        wide = int(np.clip(round(scale * (x2 - x1)), 1, width))
        high = int(np.clip(round(scale * (y2 - y1)), 1, height))
        stretch = geometry.scaling(wide / max(x2 - x1, 1e-9), high / max(y2 - y1, 1e-9))
        matrix = geometry.compose(geometry.translation(-x1, -y1), stretch)
        patch = images.warp_image(other.image, matrix, height=high, width=wide, border="replicate")
        left = int(rng.integers(0, width - wide, endpoint=True))
        top = int(rng.integers(0, height - high, endpoint=True))
        return patch, (left, top, left + wide, top + high)


@dataclass(frozen=True)
class Chain:
    """Runs several augmentations one after the other, such as a mosaic and then a pipeline.

    Args:
        augmentations: Callables ``(sample, rng) -> sample``. The last one also gets the
            ``image_size`` if it takes that; otherwise its result is resized.

    Example:
        >>> import keras_bbox as kb
        >>> sample = kb.augment.Sample(
        ...     np.zeros((40, 60, 3), "uint8"), np.array([[0.2, 0.2, 0.4, 0.5]]), np.array([7]))
        >>> both = kb.augment.Chain([kb.augment.MixUp([sample]), kb.augment.detection_policy()])
        >>> both(sample, np.random.default_rng(0), image_size=(32, 32)).image.shape
        (32, 32, 3)
    """

    augmentations: Sequence[Callable] = ()

    def __call__(self, sample: Sample, rng: np.random.Generator, image_size: Size = None) -> Sample:
        for augmentation in self.augmentations[:-1]:
            sample = augmentation(sample, rng)
        for augmentation in self.augmentations[-1:]:
            if image_size and "image_size" in inspect.signature(augmentation).parameters:
                return augmentation(sample, rng, image_size=image_size)
            sample = augmentation(sample, rng)
        return resize(sample, image_size) if image_size else sample


def _partner(sample: Sample, others: Sequence[Sample], rng: np.random.Generator) -> Sample:
    return others[int(rng.integers(len(others)))] if len(others) else sample


def _shifted(boxes: np.ndarray, tile: Sequence[int], height: int, width: int) -> np.ndarray:
    """Boxes of a tile as boxes of the canvas."""
    x1, y1, x2, y2 = tile
    across, down = x2 - x1, y2 - y1
    pixels = boxes * (across, down, across, down) + (x1, y1, x1, y1)
    return (pixels / (width, height, width, height)).astype(boxes.dtype)


def _weighted(sample: Sample, share: float) -> Sample:
    weights = sample.columns.get("weight", np.ones(len(sample.boxes), np.float32))
    columns = {**sample.columns, "weight": (np.asarray(weights) * share).astype(np.float32)}
    return sample._replace(columns=columns)


def _joined(image: np.ndarray, first: Sample, parts: Sequence[Sample]) -> Sample:
    """One sample of the boxes of several; dtypes are those of the first."""
    names = [set(part.columns) for part in parts]
    if any(own != names[0] for own in names):
        raise ValueError(
            "Samples that are mixed must have the same columns. Add the missing ones, or leave "
            f"them out everywhere. Received: columns={[sorted(own) for own in names]}"
        )

    def join(arrays: list, dtype: np.dtype) -> np.ndarray:
        return np.concatenate([np.asarray(array) for array in arrays]).astype(dtype)

    columns = {
        name: join([part.columns[name] for part in parts], np.asarray(values).dtype)
        for name, values in parts[0].columns.items()
    }
    boxes = join([part.boxes for part in parts], np.asarray(parts[0].boxes).dtype)
    labels = join([part.labels for part in parts], np.asarray(first.labels).dtype)
    return Sample(image, boxes, labels, columns)


def _uncovered(boxes: Sequence[np.ndarray], covers: Sequence[np.ndarray]) -> np.ndarray:
    """The exact share of each box that no cover lies over; 0 for boxes without area."""
    return np.array([_uncovered_share(np.asarray(box, float), covers) for box in boxes])


def _uncovered_share(box: np.ndarray, covers: Sequence[np.ndarray]) -> float:
    # All edges part the box into cells, each of which is covered or not.
    edges = np.array([box, *covers])
    xs = np.unique(edges[:, [0, 2]].clip(box[0], box[2]))
    ys = np.unique(edges[:, [1, 3]].clip(box[1], box[3]))
    areas = np.diff(ys)[:, None] * np.diff(xs)
    x, y = (xs[1:] + xs[:-1]) / 2, ((ys[1:] + ys[:-1]) / 2)[:, None]
    free = np.ones(areas.shape, bool)
    for x1, y1, x2, y2 in covers:
        free &= ~((x1 <= x) & (x < x2) & (y1 <= y) & (y < y2))
    return float(areas[free].sum() / areas.sum()) if areas.sum() > 0 else 0.0
