"""Augmentation inside a tf.data pipeline."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from keras_bbox.augment import Augmentation, Pipeline, Sample, resize


def augment_dataset(
    dataset: Any,
    augmentation: Augmentation,
    image_size: tuple[int, int] | None = None,
    *,
    seed: int = 0,
) -> Any:
    """Augments the samples of a ``tf.data.Dataset``.

    The augmentation runs in NumPy and OpenCV, in parallel, in the order of the dataset. Static
    shapes are kept: the image's with an ``image_size``, and the number of boxes where the
    augmentation keeps them all.

    Each pass over the result (in ``fit``: each epoch) has draws of its own, from ``(seed, pass,
    position)``. Passes are counted from 0 from the call of this function on, so a program that is
    run again sees the same.

    Args:
        dataset: A ``tf.data.Dataset`` of ``(image, boxes, labels)``: ``uint8`` RGB of shape
            ``(H, W, 3)``, ``rel_xyxy`` floats of shape ``(N, 4)``, and integers of shape ``(N,)``.
        augmentation: A ``kb.augment.Pipeline`` or any callable ``(sample, rng) -> sample``.
        image_size: ``(height, width)`` of the resulting images; ``None`` for what comes.
        seed: A whole number of 0 or more.

    Returns:
        A ``tf.data.Dataset`` of the same three parts, in their dtypes.

    Raises:
        ValueError: If the dataset's elements are something else.
        ImportError: If TensorFlow is not installed.

    Example:
        >>> import numpy as np, tensorflow as tf, keras_bbox as kb
        >>> parts = (np.zeros((4, 40, 60, 3), "uint8"), np.full((4, 1, 4), [0.1, 0.2, 0.3, 0.4]),
        ...     np.zeros((4, 1), "int32"))
        >>> dataset = tf.data.Dataset.from_tensor_slices(parts)
        >>> flipped = kb.augment_dataset(
        ...     dataset, kb.augment.Pipeline([kb.augment.RandomFlip()]), image_size=(32, 32))
        >>> [part.shape.as_list() for part in flipped.element_spec]
        [[32, 32, 3], [1, 4], [1]]
    """
    import tensorflow as tf

    spec = dataset.element_spec
    _check_spec(spec)
    passes = itertools.count()
    dtypes = [part.dtype for part in spec]
    # A pipeline keeps boxes unless told to drop them; of other callables nothing is known.
    keeps = isinstance(augmentation, Pipeline) and augmentation.hidden_boxes != "drop"
    count = spec[1].shape[0] if keeps else None
    shapes = ([*(image_size or (None, None)), 3], [count, 4], [count])

    def run(turn, position, image, boxes, labels):
        rng = np.random.default_rng([seed, int(turn), int(position)])
        out = _augmented(Sample(image, boxes, labels), augmentation, rng, image_size)
        return [
            np.asarray(part, dtype.as_numpy_dtype) for part, dtype in zip(out, dtypes, strict=True)
        ]

    def augmented(turn, position, parts):
        out = tf.numpy_function(run, [turn, position, *parts], dtypes, stateful=False)
        for part, shape in zip(out, shapes, strict=True):
            part.set_shape(shape)
        return tuple(out)

    def one_pass(_):
        # Asked once when a pass begins, which no counter of tf.data can tell.
        turn = tf.numpy_function(lambda: np.int64(next(passes)), [], tf.int64)
        turn.set_shape(())
        return dataset.enumerate().map(
            lambda position, parts: augmented(turn, position, parts),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )

    result = tf.data.Dataset.range(1).flat_map(one_pass)
    length = dataset.cardinality()
    return result.apply(tf.data.experimental.assert_cardinality(length)) if length >= 0 else result


def _augmented(sample: Sample, augmentation, rng, image_size) -> tuple:
    if isinstance(augmentation, Pipeline):
        sample = augmentation(sample, rng, image_size=image_size)
    else:
        sample = augmentation(sample, rng)
        sample = resize(sample, image_size) if image_size else sample
    return sample.image, sample.boxes, sample.labels


def _check_spec(spec: Any) -> None:
    if isinstance(spec, tuple) and len(spec) == 3:
        image, boxes, labels = spec
        ranks = [part.shape.rank for part in spec]
        if ranks == [3, 2, 1] and image.dtype.name == "uint8" and boxes.dtype.is_floating:
            return
    raise ValueError(
        "The dataset must hold (image, boxes, labels), unbatched: uint8 (H, W, 3), floats (N, 4) "
        f"and integers (N,). Received: element_spec={spec}"
    )
