"""Augmentation inside tf.data: the one file here that knows TensorFlow, once it is called."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bbox import images
from keras_bbox.augment.chain import Chain
from keras_bbox.augment.pipeline import Pipeline
from keras_bbox.augment.sample import Sample
from keras_bbox.augment.spatial import check_range

if TYPE_CHECKING:
    import tensorflow as tf


def map_dataset(
    dataset: tf.data.Dataset,
    augmentation: Callable[..., Sample],
    image_size: tuple[int, int] | None = None,
    seed: int = 0,
) -> tf.data.Dataset:
    """Augments the elements ``(image, boxes, labels)`` of a ``tf.data.Dataset``.

    An image is ``uint8`` of shape ``(height, width, 3)``, its boxes are floating point ``rel_xyxy``
    of shape ``(N, 4)`` and its labels whole numbers of shape ``(N,)``. The elements of the new
    dataset are of the same kinds, in the same order, and as many. Map before batching.

    Element ``index`` of pass ``number`` draws from
    ``numpy.random.default_rng([seed, number, index])``. The passes over the new dataset are
    counted from 0 as they begin: each epoch of ``fit`` without ``steps_per_epoch``, each round of a
    later ``repeat()``, each ``iter()``, even for one ``take(1)``. So an epoch does not repeat the
    draws of the one before it, and a program that makes the dataset anew and goes through it in
    the same way gets the same elements, for any number of parallel calls. Passes that run at the
    same time are numbered by which of them began first. What is behind a later ``cache()`` is
    drawn once. Keras may look at a batch before ``fit`` to build a model: that is a pass too.

    Images are augmented in parallel by threads of TensorFlow, one image a thread, so OpenCV's own
    threads are turned off (``cv2.setNumThreads(0)``). As Python is called, such a dataset cannot be
    saved as a graph, and runs in the process that made it.

    Args:
        dataset: The dataset.
        augmentation: A ``Pipeline``, a mixer such as ``Mosaic``, a ``Chain``, or any callable
            ``(sample, rng) -> sample``. Further columns, such as the weights of ``MixUp``, are
            left out.
        image_size: ``(height, width)`` of the new images; ``None`` for what the augmentation makes
            of them.
        seed: A whole number of 0 or more.

    Returns:
        A dataset whose images have the static shape ``(*image_size, 3)``. The static ``N`` of boxes
        and labels is kept for a ``Pipeline`` that keeps all boxes (``hidden_boxes="resample"``);
        it is unknown for anything else.

    Raises:
        TypeError: If the elements are of another kind, or the augmentation cannot be called.
        ValueError: If the seed is negative, or the pipeline weighs boxes, as the elements have no
            place for weights.

    Example:
        >>> import keras_bbox as kb, tensorflow as tf
        >>> images = np.zeros((2, 40, 60, 3), "uint8")
        >>> boxes, labels = np.full((2, 1, 4), [0.2, 0.2, 0.4, 0.5], "float32"), [[7], [3]]
        >>> photos = tf.data.Dataset.from_tensor_slices((images, boxes, labels))
        >>> augmented = kb.augment.map_dataset(photos, kb.augment.default_policy(), (32, 32))
        >>> [tuple(spec.shape) for spec in augmented.element_spec]
        [(32, 32, 3), (1, 4), (1,)]
        >>> [labels.tolist() for _, _, labels in augmented.as_numpy_iterator()]
        [[7], [3]]
    """
    import tensorflow as tf

    chain = Chain([augmentation])
    check_range("seed", seed, 0, np.inf)
    _check_elements(dataset, tf)
    if chain.hidden_boxes == "weight":
        raise ValueError(
            "Elements (image, boxes, labels) have no place for the weights of hidden boxes. Make "
            "the pipeline with hidden_boxes='resample' or 'drop'. Received: hidden_boxes='weight'"
        )
    images.use_own_threads(0)
    _, boxes, labels = dataset.element_spec
    count = boxes.shape[:1] if isinstance(augmentation, Pipeline) else tf.TensorShape([None])
    if chain.hidden_boxes == "drop" or count.rank is None:
        count = tf.TensorShape([None])

    def augment(number, index, image, boxes, labels):
        rng = np.random.default_rng([seed, number, index])
        sample = chain(Sample(image, boxes, labels), rng, image_size)
        return (
            np.ascontiguousarray(sample.image),
            np.asarray(sample.boxes, boxes.dtype).reshape(-1, 4),
            np.asarray(sample.labels, labels.dtype),
        )

    def in_graph(number, index, element):
        types = (tf.uint8, boxes.dtype, labels.dtype)
        image, new_boxes, new_labels = tf.numpy_function(augment, (number, index, *element), types)
        height, width = image_size or (None, None)
        return (
            tf.ensure_shape(image, (height, width, 3)),
            tf.ensure_shape(new_boxes, count.concatenate([4])),
            tf.ensure_shape(new_labels, count),
        )

    numbered = tf.data.Dataset.zip((_passes(tf), tf.data.Dataset.counter(), dataset))
    parallel = numbered.map(in_graph, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    size = dataset.cardinality()
    is_known = size != tf.data.UNKNOWN_CARDINALITY
    return parallel.apply(tf.data.experimental.assert_cardinality(size)) if is_known else parallel


def _passes(tf: Any) -> tf.data.Dataset:
    """The number of the pass over it, over and over: each pass counts one up when it begins."""
    counter = itertools.count()

    def begin(_):
        return tf.ensure_shape(tf.numpy_function(lambda: next(counter), (), tf.int64), ())

    return (
        tf.data.Dataset.range(1)
        .map(begin)
        .flat_map(lambda number: tf.data.Dataset.from_tensors(number).repeat())
    )


def _check_elements(dataset: tf.data.Dataset, tf: Any) -> None:
    """Raises TypeError unless the elements are images, boxes and labels, one image each."""
    spec = dataset.element_spec
    ranks = (3, 2, 1)
    if isinstance(spec, tuple) and len(spec) == 3:
        kinds = all(isinstance(one, tf.TensorSpec) for one in spec)
        if kinds and all(one.shape.rank in (None, r) for one, r in zip(spec, ranks, strict=True)):
            image, boxes, labels = (one.dtype for one in spec)
            if image == tf.uint8 and boxes.is_floating and labels.is_integer:
                return
    raise TypeError(
        "The elements must be (image, boxes, labels): uint8 of shape (height, width, 3), floating "
        "point of shape (N, 4) and integers of shape (N,). Bring them into this form with "
        f"dataset.map, before batching. Received: element_spec={spec}"
    )
