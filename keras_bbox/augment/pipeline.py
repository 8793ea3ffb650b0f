"""The pipeline: draws from every step, warps once, and judges the boxes once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_bbox import geometry, images
from keras_bbox.augment.choose import Step, check_steps, chosen_steps
from keras_bbox.augment.draw import Draw
from keras_bbox.augment.sample import Sample
from keras_bbox.augment.spatial import Frame, check_range

Augmentation = Callable[[Sample, np.random.Generator], Sample]

HIDDEN_BOXES = ("resample", "drop", "weight")


class Pipeline:
    """Draws from every step and applies all of them in one warp and one color matrix.

    A step is an object of this module, or any with a method ``matrix(rng, height, width)`` that
    returns a 3x3 matrix on pixel edges, or ``color_matrix(rng)`` that returns a 3x4 matrix on RGB
    values from 0 to 255. The order of the spatial steps counts, and so does that of the others; the
    pixels are warped first.

    Boxes are judged once, after everything, against the original ones: one is *hidden* if less
    than ``min_visibility`` of it lies on the result, or if it is smaller there than ``min_area`` or
    ``min_size``. A sample without any box is never hidden.

    Args:
        steps: The steps in order.
        min_visibility: Share of the original box's area that must be left.
        min_area: Share of the result's area that a box must have.
        min_size: Pixels of the result that the shorter side of a box must have.
        hidden_boxes: What happens then. ``"resample"`` draws the spatial steps again, up to
            ``tries`` times, and then takes the draw that showed the most. ``"drop"`` leaves the
            hidden boxes out. ``"weight"`` keeps them and adds the column ``weight``, ``float32``: 0
            for hidden boxes and 1 for others.
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
        draw = self.draw(sample, rng, image_size)
        augmented = draw(sample)
        if self.hidden_boxes == "resample":
            return augmented
        shown = self._margins(draw, sample.boxes) >= 0
        if self.hidden_boxes == "drop":
            return augmented if shown.all() else augmented.take(shown)
        weights = sample.columns.get("weight", np.ones(len(shown), np.float32)) * shown
        columns = {**sample.columns, "weight": weights.astype(np.float32)}
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
        tries = self.tries if self.hidden_boxes == "resample" else 1
        is_mean = self.border == "mean"
        border = "constant" if is_mean else self.border
        fill = images.mean_color(sample.image) if is_mean else self.fill
        best, best_margin = None, -np.inf
        for _ in range(tries):
            steps = list(chosen_steps(self.steps, rng))
            view = _draw_view(sample, steps, rng, image_size)
            draw = Draw(*view, (), border, fill, self.rotated_boxes)
            margin = self._margins(draw, sample.boxes).min(initial=1.0) if tries > 1 else 1.0
            if margin > best_margin:
                best, best_margin, best_steps = draw, margin, steps
            if margin >= 0:
                break
        filters = _fused_filters(best_steps, rng)
        return Draw(**{**vars(best), "filters": filters})

    def _margins(self, draw: Draw, boxes: np.ndarray) -> np.ndarray:
        """By how much each box is over the least of the thresholds, under 0 if it is hidden."""
        (height, width), (out_height, out_width) = draw.source, draw.target
        pixels = np.asarray(boxes) * (width, height, width, height)
        shares = geometry.visible_share(pixels, draw.matrix, height=out_height, width=out_width)
        margins = shares - self.min_visibility
        if self.min_area or self.min_size:
            inside = np.clip(draw.move_boxes(boxes), 0, 1)
            sides = inside[:, 2:] - inside[:, :2]
            sizes = (sides * (out_width, out_height)).min(axis=1)
            margins = np.minimum(margins, sides.prod(axis=1) - self.min_area)
            margins = np.minimum(margins, sizes - self.min_size)
        return margins


def _draw_view(
    sample: Sample,
    steps: Sequence[Step],
    rng: np.random.Generator,
    image_size: tuple[int, int] | None,
) -> tuple[np.ndarray, tuple[int, int], tuple[int, int]]:
    """Draws and multiplies the spatial steps: the matrix, and the sizes it leads from and to."""
    source = height, width = sample.image.shape[:2]
    boxes = np.asarray(sample.boxes) * (width, height, width, height)
    total = np.eye(3)
    for step in steps:
        if hasattr(step, "view"):
            moved = geometry.transform_boxes(boxes, total)
            matrix, height, width = step.view(rng, Frame(height, width, moved))
        elif hasattr(step, "matrix"):
            matrix = step.matrix(rng, height, width)
        else:
            continue
        total = matrix @ total
    rows, columns = image_size or (int(height), int(width))
    fit = geometry.scaling(columns / width, rows / height)
    return fit @ total, source, (rows, columns)


def _fused_filters(
    steps: Sequence[Step], rng: np.random.Generator
) -> tuple[Mapping[str, Any], ...]:
    """Draws the filters; color matrices that follow each other become one."""
    filters: list[dict[str, Any]] = []
    for step in steps:
        if hasattr(step, "color_matrix"):
            matrix = step.color_matrix(rng)
            if filters and filters[-1]["name"] == "color":
                earlier = np.vstack([filters.pop()["matrix"], (0, 0, 0, 1)])
                matrix = matrix @ earlier
            filters.append({"name": "color", "matrix": matrix.tolist()})
        elif hasattr(step, "filter"):
            filters.append(step.filter(rng))
    return tuple(filters)


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}. Received: {name}={value!r}")
