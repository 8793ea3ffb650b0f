"""The pipeline: draws from every step, warps once, and judges the boxes once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from keras_bbox import geometry, images
from keras_bbox.augment.batch_draw import Views, draw_steps
from keras_bbox.augment.choose import Step, check_steps
from keras_bbox.augment.draw import Draw
from keras_bbox.augment.sample import Sample
from keras_bbox.augment.spatial import check_range
from keras_bbox.geometry import batches

Augmentation = Callable[[Sample, np.random.Generator], Sample]

HIDDEN_BOXES = ("resample", "drop", "weight")
_NOTHING = 1e-9  # a share that only rounding has left
_LOST = -2.0  # the margin of a box of which nothing is left, under that of all others

Outside = tuple[str, tuple[int, int, int]]  # the border, and its color


class Pipeline:
    """Draws from every step and applies all of them in one warp and one color matrix.

    A step is an object of this module, or any with a method ``matrix(rng, height, width)`` that
    returns a 3x3 matrix on pixel edges, or ``color_matrix(rng)`` that returns a 3x4 matrix on RGB
    values from 0 to 255. The order of the spatial steps counts, and so does that of the others; the
    pixels are warped first.

    Boxes are judged once, after everything, against the original ones: one is *hidden* if nothing
    or less than ``min_visibility`` of it lies on the result, or if it is smaller there than
    ``min_area`` or ``min_size``. A sample without any box is never hidden.

    Args:
        steps: The steps in order.
        min_visibility: Share of the original box's area that must be left.
        min_area: Share of the result's area that a box must have.
        min_size: Pixels of the result that the shorter side of a box must have.
        hidden_boxes: What happens then. ``"resample"`` draws the spatial steps again, up to
            ``tries`` times, and then takes the draw that showed the most; where each of them
            loses a box altogether, the image is only resized. ``"drop"`` leaves the hidden boxes
            out. ``"weight"`` keeps them and adds the column ``weight``, ``float32``: 0 for hidden
            boxes and 1 for others.
        tries: How often to draw at the most.
        rotated_boxes: The upright box round a turned one: ``"hull"`` of its corners, which loses
            nothing, or of the largest ``"ellipse"`` in it, which is closer for most objects.
        border: What lies outside the photo: ``"constant"`` (the color ``fill``), ``"mean"`` (the
            image's mean color), ``"reflect"`` or ``"replicate"``.
        fill: RGB, 0 to 255.

    Raises:
        TypeError: If a step is none.
        ValueError: If a number or a choice is out of range.

    Example:
        >>> import keras_bbox as kb
        >>> pipeline = kb.augment.Pipeline([kb.augment.RandomFlip(), kb.augment.RandomScale()])
        >>> sample = kb.augment.Sample(
        ...     np.zeros((40, 60, 3), "uint8"), np.array([[0.2, 0.2, 0.4, 0.5]]), np.array([7])
        ... )
        >>> out = pipeline(sample, np.random.default_rng(1), image_size=(32, 32))
        >>> out.image.shape, out.boxes.shape, out.labels
        ((32, 32, 3), (1, 4), array([7]))
    """

    def __init__(
        self,
        steps: Sequence[Step] = (),
        *,
        min_visibility: float = 0.5,
        min_area: float = 0.0,
        min_size: float = 0.0,
        hidden_boxes: str = "resample",
        tries: int = 10,
        rotated_boxes: str = "hull",
        border: str = "constant",
        fill: tuple[int, int, int] = (128, 128, 128),
    ):
        self.steps = check_steps(steps)
        check_range("min_visibility", min_visibility, 0, 1)
        check_range("min_area", min_area, 0, 1)
        check_range("min_size", min_size, 0, np.inf)
        check_range("tries", tries, 1, np.inf)
        _check_choice("hidden_boxes", hidden_boxes, HIDDEN_BOXES)
        _check_choice("rotated_boxes", rotated_boxes, ("hull", "ellipse"))
        _check_choice("border", border, (*images.BORDERS, "mean"))
        self.min_visibility = min_visibility
        self.min_area = min_area
        self.min_size = min_size
        self.hidden_boxes = hidden_boxes
        self.tries = tries
        self.rotated_boxes = rotated_boxes
        self.border = border
        self.fill = fill

    def __call__(
        self,
        sample: Sample,
        rng: np.random.Generator,
        image_size: tuple[int, int] | None = None,
    ) -> Sample:
        (augmented,) = self.batch([sample], [rng], image_size)
        return augmented

    def batch(
        self,
        samples: Sequence[Sample],
        rngs: Sequence[np.random.Generator],
        image_size: tuple[int, int] | None = None,
    ) -> Iterator[Sample]:
        """Augments several samples, each as it would be alone, in far less time a sample.

        Args:
            samples: The samples, such as those of a batch. (Those with unequal numbers of boxes
                are drawn one by one.)
            rngs: A generator for each.
            image_size: ``(height, width)`` of the results; ``None`` for what the steps make of
                each.

        Yields:
            The new samples, in order.

        Example:
            >>> import keras_bbox as kb
            >>> boxes, labels = np.array([[0.2, 0.2, 0.4, 0.5]]), np.array([7])
            >>> samples = [kb.augment.Sample(np.zeros((40, 60, 3), "uint8"), boxes, labels)] * 3
            >>> rngs = [np.random.default_rng([0, k]) for k in range(3)]
            >>> pipeline = kb.augment.default_policy()
            >>> [out.image.shape for out in pipeline.batch(samples, rngs, (32, 32))]
            [(32, 32, 3), (32, 32, 3), (32, 32, 3)]
        """
        if len({len(sample.boxes) for sample in samples}) > 1:
            for sample, rng in zip(samples, rngs, strict=True):
                yield self(sample, rng, image_size)
            return
        drawn = self._draw(samples, rngs, image_size)
        for sample, (draw, margins, boxes) in zip(samples, drawn, strict=True):
            boxes = boxes.astype(_float_type(sample.boxes), copy=False)
            augmented = sample._replace(image=draw.move_pixels(sample.image), boxes=boxes)
            yield self._finish(augmented, margins)

    def _finish(self, augmented: Sample, margins: np.ndarray) -> Sample:
        if self.hidden_boxes == "resample":
            return augmented
        shown = margins >= 0
        if self.hidden_boxes == "drop":
            return augmented if shown.all() else augmented.take(shown)
        weights = augmented.columns.get("weight", np.ones(len(shown), np.float32)) * shown
        columns = {**augmented.columns, "weight": weights.astype(np.float32)}
        return augmented._replace(columns=columns)

    def draw(
        self,
        sample: Sample,
        rng: np.random.Generator,
        image_size: tuple[int, int] | None = None,
    ) -> Draw:
        """Draws without applying: the record of what would be done to a sample.

        Args:
            sample: The sample; the boxes are what a draw is judged by.
            rng: The generator.
            image_size: ``(height, width)`` of the result; ``None`` for what the steps make of it.

        Returns:
            A ``Draw``, to apply to this or to another sample, keep as JSON, or invert.
        """
        return self._draw([sample], [rng], image_size)[0].draw

    def _draw(
        self,
        samples: Sequence[Sample],
        rngs: Sequence[np.random.Generator],
        image_size: tuple[int, int] | None,
    ) -> list[_Drawn]:
        """Draws for each sample until its boxes are shown, or as often as it may."""
        best: list[Any] = [None] * len(samples)
        least = [-np.inf] * len(samples)
        rows = list(range(len(samples)))
        outside = self._outside(samples)
        for _ in range(self.tries if self.hidden_boxes == "resample" else 1):
            found = self._try(
                [samples[k] for k in rows],
                [rngs[k] for k in rows],
                [outside[k] for k in rows],
                image_size,
            )
            for k, margin, drawn in zip(rows, *found, strict=True):
                if best[k] is None or margin > least[k]:
                    best[k], least[k] = drawn, margin
            rows = [k for k in rows if least[k] < 0]
            if not rows:
                break
        if self.hidden_boxes == "resample":
            for k in rows:
                if least[k] == _LOST:
                    draw = _only_resized(best[k].draw)
                    moved = draw.move_boxes(samples[k].boxes).clip(0.0, 1.0)
                    best[k] = best[k]._replace(draw=draw, boxes=moved)
        return best

    def _try(
        self,
        samples: Sequence[Sample],
        rngs: Sequence[np.random.Generator],
        outside: Sequence[Outside],
        image_size: tuple[int, int] | None,
    ) -> tuple[list[float], list[_Drawn]]:
        """Draws once for each sample; tells the least margin of its boxes besides."""
        shapes = [sample.image.shape[:2] for sample in samples]
        heights, widths = np.array(shapes, np.float64).T
        boxes = np.array([sample.boxes for sample in samples]) * _corners(heights, widths)
        views = draw_steps(self.steps, rngs, heights, widths, boxes, image_size)
        moved = batches.move_boxes(boxes, views.matrices, shape=self.rotated_boxes)
        margins = self._margins(views, boxes, moved)
        rows, columns = (sizes.astype(int) for sizes in (views.heights, views.widths))
        relative = (moved / _corners(rows, columns)).clip(0.0, 1.0)
        targets = zip(rows.tolist(), columns.tolist(), strict=True)
        records = zip(views.matrices, shapes, targets, views.filters, outside, strict=True)
        draws = [
            Draw(matrix, source, target, tuple(filters), *border, self.rotated_boxes)
            for matrix, source, target, filters, border in records
        ]
        drawn = [_Drawn(*one) for one in zip(draws, margins, relative, strict=True)]
        return margins.min(axis=1, initial=1.0).tolist(), drawn

    def _outside(self, samples: Sequence[Sample]) -> list[Outside]:
        if self.border != "mean":
            return [(self.border, self.fill)] * len(samples)
        return [("constant", images.mean_color(sample.image)) for sample in samples]

    def _margins(self, views: Views, boxes: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """By how much each box is over the least of the thresholds, under 0 if it is hidden."""
        height, width = views.heights[:, None, None], views.widths[:, None, None]
        shares = batches.visible_share(boxes, views.matrices, height=height, width=width)
        has_area = _areas(boxes) > 0
        margins = np.where(has_area, shares, 0.0) - self.min_visibility
        if self.min_area or self.min_size:
            size = np.concatenate([width, height, width, height], axis=-1)
            inside = moved.clip(0.0, size)
            sides = inside[..., 2:] - inside[..., :2]
            margins = np.minimum(margins, (sides / size[..., 2:]).prod(axis=-1) - self.min_area)
            if self.min_size:
                margins = np.minimum(margins, sides.min(axis=-1) / self.min_size - 1)
        return np.where(has_area & (shares <= _NOTHING), _LOST, margins)


class _Drawn(NamedTuple):
    """A draw for one sample, by how much each box is over the thresholds, and where it lies."""

    draw: Draw
    margins: np.ndarray
    boxes: np.ndarray  # rel_xyxy of the result, cut at its edge


def _only_resized(draw: Draw) -> Draw:
    (height, width), (rows, columns) = draw.source, draw.target
    return replace(draw, matrix=geometry.scaling(columns / width, rows / height))


def _corners(heights: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """The sizes by which boxes of each image are multiplied or divided, shape ``(B, 1, 4)``."""
    return np.array([widths, heights, widths, heights]).T[:, None]


def _float_type(boxes: Any) -> np.dtype:
    dtype = np.asarray(boxes).dtype
    return dtype if dtype.kind == "f" else np.dtype(np.float64)


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}. Received: {name}={value!r}")
