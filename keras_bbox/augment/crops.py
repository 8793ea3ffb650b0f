"""Spatial steps that change the canvas: turns, crops, zooming out, fitting into a size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_bbox import geometry
from keras_bbox._arrays import array_module
from keras_bbox._numbers import Number, ceiling, least, most, rounded, select, take, whole
from keras_bbox.augment.spatial import Frame, View, check_ordered, check_range, log_uniform

STAY = np.eye(3)
SWAP = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def _window(x: Number, y: Number, width: Number, height: Number) -> View:
    return View(geometry.translation(-x, -y), height, width)


@dataclass(frozen=True)
class RandomQuarterTurn:
    """Turns the image by 0, 90, 180 or 270 degrees; a turned canvas swaps its sides.

    Args:
        turns: The quarter turns, clockwise, to choose from.

    Example:
        >>> import keras_bbox as kb
        >>> frame = kb.augment.Frame(height=2, width=4, boxes=np.zeros((0, 4)))
        >>> kb.augment.RandomQuarterTurn(turns=(1,)).view(np.random.default_rng(0), frame)[1:]
        (4, 2)
    """

    turns: tuple[int, ...] = (0, 1, 2, 3)

    def view(self, rng: np.random.Generator, frame: Frame) -> View:
        turn = take(np.array(self.turns), rng.integers(len(self.turns)))
        height, width = select(
            turn % 2 == 1, (frame.width, frame.height), (frame.height, frame.width)
        )
        around = geometry.about(geometry.rotation(90 * turn), frame.width / 2, frame.height / 2)
        to_center = geometry.translation((width - frame.width) / 2, (height - frame.height) / 2)
        return View(geometry.compose(around, to_center), height, width)


@dataclass(frozen=True)
class RandomTranspose:
    """Swaps rows and columns.

    Args:
        probability: How often.

    Raises:
        ValueError: If the probability lies outside 0 to 1.

    Example:
        >>> import keras_bbox as kb
        >>> frame = kb.augment.Frame(height=2, width=4, boxes=np.zeros((0, 4)))
        >>> kb.augment.RandomTranspose(1.0).view(np.random.default_rng(0), frame)[1:]
        (4, 2)
    """

    probability: float = 0.5

    def __post_init__(self):
        check_range("probability", self.probability, 0, 1)

    def view(self, rng: np.random.Generator, frame: Frame) -> View:
        swapped = (SWAP, frame.width, frame.height)
        upright = (STAY, frame.height, frame.width)
        return View(*select(rng.random() < self.probability, swapped, upright))


@dataclass(frozen=True)
class RandomCrop:
    """Cuts out a window of one size at a random place, in whole pixels.

    Args:
        height: The window's height as a fraction of the image's.
        width: The window's width as a fraction of the image's.

    Raises:
        ValueError: If a fraction lies outside 0 to 1.

    Example:
        >>> import keras_bbox as kb
        >>> frame = kb.augment.Frame(height=10, width=20, boxes=np.zeros((0, 4)))
        >>> kb.augment.RandomCrop(0.5, 0.5).view(np.random.default_rng(0), frame)[1:]
        (5, 10)
    """

    height: float = 0.8
    width: float = 0.8

    def __post_init__(self):
        check_range("height", self.height, 0, 1)
        check_range("width", self.width, 0, 1)

    def view(self, rng: np.random.Generator, frame: Frame) -> View:
        return _random_window(rng, frame, self.height * frame.height, self.width * frame.width)


def _random_window(rng: np.random.Generator, frame: Frame, height: Number, width: Number) -> View:
    rows, columns = whole(frame.height), whole(frame.width)
    height = least(most(1, rounded(height)), rows)
    width = least(most(1, rounded(width)), columns)
    x = rng.integers(0, columns - width, endpoint=True)
    y = rng.integers(0, rows - height, endpoint=True)
    return _window(x, y, width, height)


@dataclass(frozen=True)
class RandomResizedCrop:
    """Cuts out a window of random area and aspect ratio, in whole pixels.

    Args:
        low: The smallest share of the image's area.
        high: The largest share.
        aspect: How far the window's aspect ratio may differ from the image's: from ``1 / aspect``
            to ``aspect`` times.

    Raises:
        ValueError: If the shares are not positive and ordered, or ``aspect`` is below 1.

    Example:
        >>> import keras_bbox as kb
        >>> frame = kb.augment.Frame(height=10, width=10, boxes=np.zeros((0, 4)))
        >>> crop = kb.augment.RandomResizedCrop(low=0.25, high=0.25, aspect=1.0)
        >>> crop.view(np.random.default_rng(0), frame)[1:]
        (5, 5)
    """

    low: float = 0.4
    high: float = 1.0
    aspect: float = 4 / 3

    def __post_init__(self):
        check_ordered("low", self.low, "high", self.high)
        check_range("high", self.high, 0, 1)
        check_range("aspect", self.aspect, 1, np.inf)

    def view(self, rng: np.random.Generator, frame: Frame) -> View:
        side = rng.uniform(self.low, self.high) ** 0.5
        stretch = log_uniform(rng, 1 / self.aspect, self.aspect) ** 0.5
        return _random_window(
            rng, frame, side / stretch * frame.height, side * stretch * frame.width
        )


@dataclass(frozen=True)
class RandomBoxSafeCrop:
    """Cuts out a window that holds every box whole, in whole pixels.

    Args:
        erosion: How much of the room around the boxes may go: 1 may cut right at the boxes.

    Raises:
        ValueError: If ``erosion`` lies outside 0 to 1.

    Example:
        >>> import keras_bbox as kb
        >>> frame = kb.augment.Frame(height=10, width=10, boxes=np.array([[2, 3, 6, 8]]))
        >>> view = kb.augment.RandomBoxSafeCrop().view(np.random.default_rng(0), frame)
        >>> x1, y1, x2, y2 = kb.geometry.transform_boxes(frame.boxes, view.matrix)[0]
        >>> bool(0 <= x1 and 0 <= y1 and x2 <= view.width and y2 <= view.height)
        True
    """

    erosion: float = 1.0

    def __post_init__(self):
        check_range("erosion", self.erosion, 0, 1)

    def view(self, rng: np.random.Generator, frame: Frame) -> View:
        if not frame.boxes.shape[-2]:
            return RandomResizedCrop().view(rng, frame)
        xp = array_module(frame.boxes)
        low, high = xp.min(frame.boxes, axis=-2), xp.max(frame.boxes, axis=-2)
        left, right = _within(low[..., 0], high[..., 2], frame.width)
        top, bottom = _within(low[..., 1], high[..., 3], frame.height)
        u = [self.erosion * share for share in rng.random(4)]
        x1, y1 = whole(u[0] * left), whole(u[1] * top)
        x2 = frame.width - whole(u[2] * (frame.width - right))
        y2 = frame.height - whole(u[3] * (frame.height - bottom))
        return _window(x1, y1, most(x2 - x1, 1), most(y2 - y1, 1))


def _within(low: Number, high: Number, size: Number) -> tuple[Number, Number]:
    """Two sides in whole pixels, further out, but on the canvas."""
    return whole(least(most(low, 0), size)), ceiling(least(most(high, 0), size))


@dataclass(frozen=True)
class RandomIOUCrop:
    """Cuts out a window that overlaps some box by at least a drawn IoU, as SSD trains with.

    One of ``min_ious`` is drawn, or no crop at all; then windows of 0.3 to 1 of the sides are drawn
    until the IoU of one with some box reaches it and the center of some box lies inside. (Liu et
    al., "SSD: Single Shot MultiBox Detector", ECCV 2016, section 2.2.)

    Args:
        min_ious: The IoUs to choose from.
        low: The smallest side of a window, as a fraction.
        tries: Windows drawn at the most before the image is left whole.

    Example:
        >>> import keras_bbox as kb
        >>> frame = kb.augment.Frame(height=10, width=10, boxes=np.array([[2, 3, 6, 8]]))
        >>> kb.augment.RandomIOUCrop().view(np.random.default_rng(0), frame).matrix.shape
        (3, 3)
    """

    min_ious: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)
    low: float = 0.3
    tries: int = 40

    def __post_init__(self):
        check_ordered("low", self.low, "1", 1.0)

    def view(self, rng: np.random.Generator, frame: Frame) -> View:
        choice = rng.integers(len(self.min_ious) + 1)
        if choice < len(self.min_ious):
            for _ in range(self.tries):
                height, width = rng.uniform(self.low, 1, size=2) * (frame.height, frame.width)
                view = _random_window(rng, frame, height, width)
                if 0.5 <= height / width <= 2 and self._fits(view, frame, self.min_ious[choice]):
                    return view
        return View(np.eye(3), frame.height, frame.width)

    def _fits(self, view: View, frame: Frame, min_iou: float) -> bool:
        if not len(frame.boxes):
            return True
        boxes = geometry.transform_boxes(frame.boxes, view.matrix)
        centers = (boxes[:, :2] + boxes[:, 2:]) / 2
        size = np.array((view.width, view.height))
        inside = ((centers > 0) & (centers < size)).all(axis=1)
        area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        sides = np.minimum(boxes[:, 2:], size) - np.maximum(boxes[:, :2], 0)
        shared = np.prod(np.maximum(sides, 0), axis=1)
        overlaps = shared / (area + size.prod() - shared)
        return bool((inside & (overlaps >= min_iou)).any())


@dataclass(frozen=True)
class RandomZoomOut:
    """Puts the image on a larger canvas at a random place, so that its objects get small.

    Args:
        low: The smallest factor of the canvas's sides.
        high: The largest factor.

    Raises:
        ValueError: If the factors are not ordered or below 1.

    Example:
        >>> import keras_bbox as kb
        >>> frame = kb.augment.Frame(height=10, width=20, boxes=np.zeros((0, 4)))
        >>> kb.augment.RandomZoomOut(2.0, 2.0).view(np.random.default_rng(0), frame)[1:]
        (20, 40)
    """

    low: float = 1.0
    high: float = 2.0

    def __post_init__(self):
        check_ordered("low", self.low, "high", self.high)
        check_range("low", self.low, 1, np.inf)

    def view(self, rng: np.random.Generator, frame: Frame) -> View:
        factor = log_uniform(rng, self.low, self.high)
        height, width = rounded(frame.height * factor), rounded(frame.width * factor)
        x = rng.integers(0, width - whole(frame.width), endpoint=True)
        y = rng.integers(0, height - whole(frame.height), endpoint=True)
        return View(geometry.translation(x, y), height, width)


@dataclass(frozen=True)
class Resize:
    """Stretches the image to a size.

    Args:
        height: Rows of the result.
        width: Columns of the result.

    Example:
        >>> import keras_bbox as kb
        >>> frame = kb.augment.Frame(height=10, width=20, boxes=np.zeros((0, 4)))
        >>> kb.augment.Resize(5, 5).view(np.random.default_rng(0), frame).matrix[0, 0]
        np.float64(0.25)
    """

    height: int = 224
    width: int = 224

    def __post_init__(self):
        check_range("height", self.height, 1, np.inf)
        check_range("width", self.width, 1, np.inf)

    def view(self, rng: np.random.Generator, frame: Frame) -> View:
        fit = geometry.scaling(self.width / frame.width, self.height / frame.height)
        return View(fit, self.height, self.width)


@dataclass(frozen=True)
class Letterbox:
    """Scales the image evenly until it fits into a size, and centers it on that canvas.

    Args:
        height: Rows of the result.
        width: Columns of the result.

    Example:
        >>> import keras_bbox as kb
        >>> frame = kb.augment.Frame(height=10, width=20, boxes=np.array([[0, 0, 20, 10]]))
        >>> view = kb.augment.Letterbox(40, 40).view(np.random.default_rng(0), frame)
        >>> kb.geometry.transform_boxes(frame.boxes, view.matrix)
        array([[ 0., 10., 40., 30.]])
    """

    height: int = 224
    width: int = 224

    def __post_init__(self):
        check_range("height", self.height, 1, np.inf)
        check_range("width", self.width, 1, np.inf)

    def view(self, rng: np.random.Generator, frame: Frame) -> View:
        factor = least(self.width / frame.width, self.height / frame.height)
        x = (self.width - factor * frame.width) / 2
        y = (self.height - factor * frame.height) / 2
        matrix = geometry.compose(geometry.scaling(factor, factor), geometry.translation(x, y))
        return View(matrix, self.height, self.width)
