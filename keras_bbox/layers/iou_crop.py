"""RandomIOUCrop for a batch: all tries at once, and the first window that suits each image."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_bbox import augment, geometry
from keras_bbox._arrays import Array
from keras_bbox._numbers import product
from keras_bbox.augment.batch_steps import BatchGenerator, Drawn
from keras_bbox.geometry.batches import move_boxes


def draw_iou_crop(
    step: augment.RandomIOUCrop, rng: BatchGenerator, drawn: Drawn, boxes: Array | None
) -> Drawn:
    """Draws a window for each image, as ``RandomIOUCrop.view`` does for one.

    Args:
        step: The step.
        rng: The generator.
        drawn: The steps before it.
        boxes: Those of the original images, ``xyxy`` in pixels, shape ``(B, N, 4)``, or ``None``.

    Returns:
        The steps and this one.
    """
    count = len(step.min_ious)
    choice = rng.integers(count + 1)
    shares = ops.reshape(ops.stack(rng.random(4 * step.tries), axis=-1), (-1, 4, step.tries))
    height, width = (_of_tries(size) for size in (drawn.height, drawn.width))
    high, wide = (
        (step.low + (1 - step.low) * shares[:, k]) * size for k, size in ((0, height), (1, width))
    )
    rows, columns = ops.floor(height), ops.floor(width)
    tall, broad = ops.clip(ops.round(high), 1.0, rows), ops.clip(ops.round(wide), 1.0, columns)
    x, y = _place(shares[:, 2], columns - broad), _place(shares[:, 3], rows - tall)
    suits = ops.logical_and(high <= 2 * wide, wide <= 2 * high)
    if boxes is not None:
        seen = move_boxes(boxes, drawn.matrix, shape="hull")
        # The choice behind the last is no crop at all, see below.
        thresholds = ops.convert_to_tensor([*step.min_ious, 0.0], dtype="float32")
        thresholds = ops.take(thresholds, ops.cast(choice, "int32"))[:, None, None]
        suits = ops.logical_and(suits, _holds(seen, x, y, broad, tall, thresholds))
    found = ops.logical_and(ops.any(suits, axis=1), choice < count)
    first = ops.one_hot(ops.argmax(suits, axis=1), step.tries, dtype="float32")

    def of_first(by_try: Array, otherwise: Any) -> Array:
        return ops.where(found, ops.sum(first * by_try, axis=1), otherwise)

    to_corner = geometry.translation(-of_first(x, 0.0), -of_first(y, 0.0))
    return drawn._replace(
        matrix=product(to_corner, drawn.matrix),
        height=of_first(tall, drawn.height),
        width=of_first(broad, drawn.width),
    )


def _of_tries(size: Any) -> Array:
    size = ops.convert_to_tensor(size, dtype="float32")
    return size[:, None] if len(size.shape) else size


def _place(share: Array, room: Array) -> Array:
    return ops.minimum(ops.floor(share * (room + 1)), room)


def _holds(boxes: Array, x: Array, y: Array, width: Array, height: Array, min_iou: Array) -> Array:
    """Whether each window overlaps some box enough, whose center it holds, shape ``(B, T)``."""
    low = ops.stack([x, y], axis=-1)[:, :, None]
    size = ops.stack([width, height], axis=-1)[:, :, None]
    starts, ends = boxes[:, None, :, :2] - low, boxes[:, None, :, 2:] - low
    centers = (starts + ends) / 2
    inside = ops.all(ops.logical_and(centers > 0, centers < size), axis=-1)
    shared = ops.prod(ops.maximum(ops.minimum(ends, size) - ops.maximum(starts, 0.0), 0.0), axis=-1)
    whole = ops.prod(ends - starts, axis=-1) + ops.prod(size, axis=-1) - shared
    return ops.any(ops.logical_and(inside, shared >= min_iou * whole), axis=-1)
