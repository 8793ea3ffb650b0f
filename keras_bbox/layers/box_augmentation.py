"""A layer that augments batches of images and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_bbox import geometry
from keras_bbox._arrays import Array
from keras_bbox.augment.batch_steps import BatchGenerator
from keras_bbox.augment.spatial import check_range
from keras_bbox.boxes import box_area, clip_boxes, convert_boxes, parse_format
from keras_bbox.geometry import batches
from keras_bbox.layers import filters, pixels
from keras_bbox.layers.draws import (
    LOST,
    Change,
    Least,
    best_try,
    draw_steps,
    fill_up,
    margins,
    pick,
    uniforms,
)
from keras_bbox.layers.steps import (
    check_batch_steps,
    moves_pixels,
    step_from_config,
    step_to_config,
)

_CHOICES = {
    "hidden_boxes": ("resample", "weight"),
    "rotated_boxes": ("hull", "ellipse"),
    "border": ("constant", "reflect", "replicate", "mean"),
}


@keras.saving.register_keras_serializable(package="keras_bbox")
class BoxAugmentation(keras.layers.Layer):
    """Augments batches of images and their boxes as ``kb.augment.Pipeline`` does single images.

    The steps are those of ``kb.augment`` and draw for each image of the batch. Each image is warped
    once, straight to ``image_size``, its boxes go through the same matrix, and filters follow. It
    runs where the model runs: on TensorFlow, JAX and PyTorch, compiled or not, in ``tf.data`` (with
    the TensorFlow backend) or before a model in a training step. In inference, images are only
    resized.

    Images at least twice as large as ``image_size`` are first halved by area, all alike, so a crop
    cannot gain from pixels beyond that. All is computed in float32, under any dtype policy.

    A saved model that holds this layer loads once ``keras_bbox`` has been imported.

    Args:
        steps: The steps in order. A filter takes its time for the whole batch, however few images
            it is drawn for, and a choice that of all its steps. For `RandomBoxSafeCrop` and
            `RandomIOUCrop`, an image that has rows for boxes, but none, is one box.
        image_size: ``(height, width)`` of the results.
        bounding_box_format: The format of the boxes, given and returned. In pixels they belong to
            the given images before, and to images of ``image_size`` after.
        min_visibility: Share of the original box's area that must be left.
        min_area: Share of the result's area that a box must have.
        min_size: Pixels of the result that the shorter side of a box must have.
        hidden_boxes: What happens if it is less. ``"resample"`` draws ``tries`` times for each
            image and takes the first draw that shows all its boxes, or the one that shows the most;
            where each of them loses a box altogether, the image is only resized. ``"weight"`` also
            returns weights, 0 for hidden boxes and 1 for others.
        tries: How often to draw.
        rotated_boxes: The upright box round a turned one: ``"hull"`` of its corners, or of the
            largest ``"ellipse"`` in it.
        border: What lies outside the photo: ``"constant"`` (the color ``fill``), ``"mean"`` (each
            image's mean color), ``"reflect"`` or ``"replicate"``.
        fill: RGB, 0 to 255.
        seed: An integer for the same draws in every run.
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.

    Raises:
        TypeError: If a step is none.
        ValueError: If a step cannot run on batches, or a number or a choice is out of range.

    Example:
        >>> import keras, keras_bbox as kb, numpy as np
        >>> layer = kb.layers.BoxAugmentation(
        ...     [kb.augment.RandomFlip(horizontal=1.0), kb.augment.RandomBrightness(0.2)],
        ...     image_size=(32, 48),
        ...     bounding_box_format="rel_xyxy",
        ...     seed=0,
        ... )
        >>> photos = np.zeros((2, 64, 64, 3), "uint8")
        >>> boxes = np.array([[0.0, 0.0, 0.25, 1.0], [0.5, 0.25, 1.0, 0.5]])
        >>> images, boxes = layer(photos, boxes, training=True)
        >>> tuple(images.shape)
        (2, 32, 48, 3)
        >>> keras.ops.convert_to_numpy(boxes)
        array([[0.75, 0.  , 1.  , 1.  ],
               [0.  , 0.25, 0.5 , 0.5 ]], dtype=float32)
    """

    def __init__(
        self,
        steps: Sequence[Any],
        *,
        image_size: tuple[int, int],
        bounding_box_format: str,
        min_visibility: float = 0.5,
        min_area: float = 0.0,
        min_size: float = 0.0,
        hidden_boxes: str = "resample",
        tries: int = 10,
        rotated_boxes: str = "hull",
        border: str = "constant",
        fill: Sequence[float] = (128, 128, 128),
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**{"dtype": "float32", "autocast": False} | kwargs)
        parse_format(bounding_box_format)
        check_range("min_visibility", min_visibility, 0, 1)
        check_range("min_area", min_area, 0, 1)
        check_range("min_size", min_size, 0, float("inf"))
        check_range("tries", tries, 1, float("inf"))
        height, width = image_size
        check_range("image_size", min(height, width), 1, float("inf"))
        self.steps = check_batch_steps(steps)
        self.image_size = (height, width)
        self.bounding_box_format = bounding_box_format
        self.min_visibility = min_visibility
        self.min_area = min_area
        self.min_size = min_size
        self.hidden_boxes = _check_choice("hidden_boxes", hidden_boxes)
        self.tries = tries
        self.rotated_boxes = _check_choice("rotated_boxes", rotated_boxes)
        self.border = _check_choice("border", border)
        self.fill = tuple(fill)
        self.seed = seed
        self._seed_generator = keras.random.SeedGenerator(seed)
        self.built = True  # it has a state from the start, ready for stateless calls

    def call(self, images: Array, boxes: Array | None = None, training: bool = True) -> Any:
        """Augments a batch in training, and resizes it in inference.

        Args:
            images: Shape ``(B, H, W, 3)``, RGB from 0 to 255, integers or floats; ``H`` and ``W``
                known when the layer is traced.
            boxes: Shape ``(B, 4)``, or ``(B, N, 4)`` with rows without area (zeros, or -1) where an
                image has fewer boxes: those stay as they are and are not judged. ``None`` for
                images alone.
            training: Whether to augment. Inside a model, Keras tells it: in ``fit`` it does, in
                ``evaluate`` and ``predict`` it does not.

        Returns:
            Images, float32, 0 to 255, shape ``(B, *image_size, 3)``; with boxes, a tuple of these
            and the boxes, float32, cut at the image's edge; for ``hidden_boxes="weight"`` also
            their weights, float32, shape ``boxes.shape[:-1]``.

        Raises:
            ValueError: If the images or boxes have another shape.
        """
        _check_shapes(images, boxes)
        images = ops.cast(images, "float32")
        if boxes is None:
            return self._augment(images)[0] if training else pixels.resize(images, self.image_size)
        given = ops.cast(boxes, "float32")
        rows = given if len(given.shape) == 3 else given[:, None]
        may_be_none = not rows.shape[1]
        if may_be_none:  # or an unknown number; no array is without entries then
            rows = ops.pad(rows, ((0, 0), (0, 1), (0, 0)))
        exists = box_area(rows, self.bounding_box_format) > 0
        augment = self._augment if training else self._resize
        images, moved, shown = augment(images, rows, exists)
        moved = ops.where(exists[..., None], moved, rows)
        weights = ops.cast(ops.logical_and(shown, exists), "float32")
        if may_be_none:
            moved, weights = moved[:, :-1], weights[:, :-1]
        if len(given.shape) == 2:
            moved, weights = moved[:, 0], weights[:, 0]
        return (images, moved, weights) if self.hidden_boxes == "weight" else (images, moved)

    def _resize(self, images: Array, rows: Array, exists: Array) -> tuple[Array, Array, Array]:
        (old_height, old_width), (height, width) = images.shape[1:3], self.image_size
        layout = self.bounding_box_format
        if not parse_format(layout).relative:
            relative = f"rel_{layout}"
            rows = convert_boxes(rows, layout, relative, height=old_height, width=old_width)
            rows = convert_boxes(rows, relative, layout, height=height, width=width)
        return pixels.resize(images, self.image_size), rows, exists

    def _augment(self, images: Array, rows: Any = None, exists: Any = None) -> tuple:
        """Returns the images, the boxes, and which of them are shown."""
        (height, width), layout = images.shape[1:3], self.bounding_box_format
        corners = None
        if rows is not None:
            corners = convert_boxes(rows, layout, "xyxy", height=height, width=width)
        matrices, changes, over = self._draw(images, corners, exists)
        images = self._paint(images, matrices, changes)
        if corners is None:
            return images, None, None
        height, width = self.image_size
        moved = batches.move_boxes(corners, matrices, shape=self.rotated_boxes)
        moved = clip_boxes(moved, "xyxy", height=height, width=width)
        moved = convert_boxes(moved, "xyxy", layout, height=height, width=width)
        return images, moved, over >= 0

    def _draw(self, images: Array, corners: Any, exists: Any) -> tuple[Array, list[Change], Any]:
        """Returns the matrices, the changes of pixels, and by how much each box is shown."""
        has_choice = self.hidden_boxes == "resample" and corners is not None
        tries = self.tries if has_choice else 1
        rng = BatchGenerator(uniforms(self._seed_generator, ops.shape(images)[0] * tries))
        size, target = images.shape[1:3], self.image_size
        boxes = None
        if corners is not None:
            seen = fill_up(corners, exists, height=size[0], width=size[1])
            boxes = ops.repeat(seen, tries, axis=0)
        matrices, changes = draw_steps(self.steps, rng, source=size, target=target, boxes=boxes)
        if corners is None:
            return matrices, changes, None
        by_try = ops.reshape(matrices, (-1, tries, 3, 3))
        least = Least(self.min_visibility, self.min_area, self.min_size)
        over = margins(corners, by_try, image_size=target, least=least, shape=self.rotated_boxes)
        best = best_try(over, exists)
        changes = [Change(step, *pick(drawn, best)) for step, *drawn in changes]
        matrices, over = pick(matrices, best), ops.sum(best[..., None] * over, axis=1)
        if has_choice:
            is_lost = ops.any(ops.logical_and(exists, over <= LOST), axis=1)
            resize = geometry.scaling(target[1] / size[1], target[0] / size[0])
            matrices = ops.where(is_lost[:, None, None], resize.astype("float32"), matrices)
        return matrices, changes, over

    def _paint(self, images: Array, matrices: Array, changes: list[Change]) -> Array:
        if any(map(filters.is_filter, changes)):
            warped = self._warp(images, matrices, None)
            return filters.change_pixels(warped, changes, self._seed_generator)
        return self._warp(images, matrices, filters.join_colors(changes))

    def _warp(self, images: Array, matrices: Array, colors: Array | None) -> Array:
        if not moves_pixels(self.steps):
            images = pixels.resize(images, self.image_size)
            return images if colors is None else pixels.color(images, colors)
        is_mean = self.border == "mean"
        return pixels.warp(
            images,
            matrices,
            self.image_size,
            border="constant" if is_mean else self.border,
            fill=pixels.mean_color(images)
            if is_mean
            else ops.convert_to_tensor(self.fill, dtype="float32"),
            colors=colors,
        )

    def compute_output_spec(self, images: Any, boxes: Any = None, training: Any = None) -> Any:
        out = [keras.KerasTensor((images.shape[0], *self.image_size, 3), "float32")]
        if boxes is not None:
            out.append(keras.KerasTensor(boxes.shape, "float32"))
            if self.hidden_boxes == "weight":
                out.append(keras.KerasTensor(boxes.shape[:-1], "float32"))
        return tuple(out) if boxes is not None else out[0]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "steps": [step_to_config(step) for step in self.steps],
            "image_size": list(self.image_size),
            "bounding_box_format": self.bounding_box_format,
            "min_visibility": self.min_visibility,
            "min_area": self.min_area,
            "min_size": self.min_size,
            "hidden_boxes": self.hidden_boxes,
            "tries": self.tries,
            "rotated_boxes": self.rotated_boxes,
            "border": self.border,
            "fill": list(self.fill),
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> BoxAugmentation:
        return cls(**config | {"steps": [step_from_config(step) for step in config["steps"]]})


def _check_choice(name: str, value: str) -> str:
    if value not in _CHOICES[name]:
        raise ValueError(
            f"{name} must be one of {', '.join(_CHOICES[name])}. Received: {name}={value!r}"
        )
    return value


def _check_shapes(images: Array, boxes: Array | None) -> None:
    shape = tuple(images.shape)
    if len(shape) != 4 or None in shape[1:] or shape[3] != 3:
        raise ValueError(
            "Images must have shape (B, H, W, 3), with a known height and width. Bring photos to "
            f"one size before batching, channels last. Received: images.shape={shape}"
        )
    if boxes is None:
        return
    shape = tuple(boxes.shape)
    if len(shape) not in (2, 3) or shape[-1] != 4:
        raise ValueError(
            "Boxes must have shape (B, 4), or (B, N, 4) filled up with rows of zeros or -1. "
            f"Received: boxes.shape={shape}"
        )
