"""BoundingBoxSequence: batches of images, classes and boxes for Keras."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Sequence
from os import PathLike

import keras
import numpy as np
import pandas as pd

from keras_bbox import augment as augmentation
from keras_bbox import images
from keras_bbox._rows import TARGETS, RowOrder
from keras_bbox._seeds import generators
from keras_bbox.annotations import (
    existing_paths,
    find_class_names,
    is_negative,
    validate_annotations,
)
from keras_bbox.boxes import convert_boxes, parse_format

LAST_BATCH = ("keep", "drop", "pad")
_BATCHES = 6  # whose memory is used again


class BoundingBoxSequence(keras.utils.PyDataset):
    """Serves the rows of a table of boxes as batches ``(X, (y_class, y_bbox))``.

    Every row is one sample: the row's image and that row's class and box. An image with several
    rows comes several times, each time with another answer. A network of one output cannot tell
    which is asked for; it learns better from one answer an image, which ``target`` chooses.

    - ``X``: shape ``(B, height, width, 3)``, RGB from 0 to 255 unless ``preprocess`` changes it.
    - ``y_class``: class ids, shape ``(B,)``, ``int32``.
    - ``y_bbox``: boxes in ``bounding_box_format``, shape ``(B, 4)``, ``float32``.

    With ``last_batch="pad"``, or an augmentation that weighs its boxes
    (``kb.augment.Pipeline(hidden_boxes="weight")``), a batch has a third part, the sample weights
    of the two outputs, each of shape ``(B,)``: 1, and 0 for hidden boxes and for the rows that fill
    up the last batch.

    All randomness of a sample comes from ``(seed, epoch, row)``: the batches are the same for any
    number of workers, be they threads or processes. An epoch is one pass by ``fit``, ``evaluate``
    or ``predict``; the attribute ``epoch`` tells the current one and can be set to repeat or
    resume it. (On JAX and PyTorch, Keras first draws a batch to build the model; that pass counts
    too.) Indexing and ``iter()`` stay within the current epoch.

    Keras's ``fit`` shuffles the order of whole batches on its own, from Python's global generator.
    The sequence already draws an order of rows for each epoch, so ``fit(..., shuffle=False)`` is
    the way to repeat a training exactly.

    Args:
        annotations: A table of boxes (see ``kb.annotations.read_csv``).
        image_dir: The folder that the images lie below.
        image_size: ``(height, width)`` of the images in a batch, in pixels.
        batch_size: Rows a batch.
        class_names: The classes in the order of their ids; ``None`` takes those of the table,
            sorted.
        augment: ``None``, a list of steps from ``kb.augment``, a ``kb.augment.Pipeline``, or any
            callable ``(sample, rng) -> sample``.
        shuffle: Whether each epoch has an order of its own. Otherwise the order is the table's.
        seed: A whole number of 0 or more.
        preprocess: What the network wants of its input, a function of the ``float32`` batch of
            images such as ``keras.applications.mobilenet.preprocess_input``.
        bounding_box_format: The format of ``y_bbox``; pixel formats count pixels of
            ``image_size``.
        last_batch: What becomes of the last, smaller batch: ``"keep"``, ``"drop"``, or ``"pad"``.
        dtype: The dtype of ``X``.
        cache: ``None`` decodes each image each time. ``"memory"``, or a folder, keeps images
            decoded and upright: resized to ``image_size`` if nothing is augmented, otherwise
            halved as often as they stay larger than that. A source that has changed is read again.
        cache_limit: Bytes of pixels that ``cache="memory"`` keeps at the most: an image of
            224x224 takes 150,528 bytes, and up to four times as much with augmentation, or more if
            it is far from square. Images beyond the limit are decoded each time. Worker processes
            keep caches of their own; they share a folder.
        target: What is a sample. ``"each"``: every row. The others make one sample of each image:
            its ``"largest"`` box, the ``"most_central"`` one, whose center is nearest to that of
            the image, or a ``"random"`` one in each epoch. Sizes and places are those in the
            table, before any augmentation; of equals, the first row counts.
        workers: Threads or processes in which Keras makes batches ahead; ``None`` for as many
            threads as this process has cores, from 2 to 8. They are threads of one image at a time,
            so making a sequence turns OpenCV's own threads off (``cv2.setNumThreads(0)``).
            On TensorFlow, serving batches has glibc keep up to a gigabyte of freed memory, as
            training on a CPU is much slower without.
        use_multiprocessing: Whether they are processes.
        max_queue_size: Batches made ahead at the most.

    Raises:
        ValueError: If the table or an argument is not usable; the message names rows and values.
        FileNotFoundError: If image files are missing.

    Example:
        >>> import keras_bbox as kb, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> _ = kb.datasets.make_snacks(12, image_size=64, directory=folder + "/snacks")
        >>> table = kb.annotations.read_csv(folder + "/snacks/annotations-train.csv")
        >>> sequence = kb.BoundingBoxSequence(
        ...     table, folder + "/snacks/train", image_size=(32, 32), batch_size=4)
        >>> X, (y_class, y_bbox) = sequence[0]
        >>> X.shape, y_class.shape, y_bbox.shape
        ((4, 32, 32, 3), (4,), (4, 4))
    """

    def __init__(
        self,
        annotations: pd.DataFrame,
        image_dir: str | PathLike[str],
        image_size: tuple[int, int] = (224, 224),
        batch_size: int = 32,
        class_names: Sequence[str] | None = None,
        augment: augmentation.Augmentation | Sequence | None = None,
        shuffle: bool = True,
        seed: int = 0,
        preprocess: Callable | None = None,
        bounding_box_format: str = "rel_xyxy",
        last_batch: str = "keep",
        dtype: str = "float32",
        cache: str | PathLike[str] | None = None,
        cache_limit: int = 4 * 2**30,
        target: str = "each",
        workers: int | None = None,
        use_multiprocessing: bool = False,
        max_queue_size: int = 10,
    ):
        super().__init__(
            _default_workers() if workers is None else workers, use_multiprocessing, max_queue_size
        )
        _check_choice("last_batch", last_batch, LAST_BATCH)
        _check_choice("target", target, TARGETS)
        height, width = image_size
        for name, value in (("batch_size", batch_size), ("height", height), ("width", width)):
            if value < 1:
                raise ValueError(f"{name} must be 1 or more. Received: {name}={value}")
        parse_format(bounding_box_format)
        self.annotations = _single_boxes(validate_annotations(annotations, class_names))
        self.image_dir = image_dir
        self.image_size = (height, width)
        self.batch_size = batch_size
        self.class_names = tuple(class_names or find_class_names(self.annotations))
        self.augment = _as_augmentation(augment)
        weighs_boxes = getattr(self.augment, "hidden_boxes", None) == "weight"
        self._has_weights = weighs_boxes or last_batch == "pad"
        self.shuffle = shuffle
        self.seed = seed
        self.preprocess = preprocess
        self.bounding_box_format = bounding_box_format
        self.last_batch = last_batch
        self.dtype = dtype
        self.target = target
        self.epoch = 0
        self._epoch_begun = False
        self._open = self._opener(cache, cache_limit)
        shape = (batch_size, *self.image_size, 3)
        self._batches = images.Batches(shape, self._pixel_dtype, limit=_BATCHES)
        images.use_own_threads(0)
        self._paths = existing_paths(self.annotations, image_dir)
        ids = {name: class_id for class_id, name in enumerate(self.class_names)}
        self._labels = self.annotations["class_name"].map(ids).to_numpy(np.int32)
        self._boxes = self.annotations[["x_min", "y_min", "x_max", "y_max"]].to_numpy()
        self._order = RowOrder(self._paths, self._boxes, target)
        if not len(self):
            raise ValueError(
                "A sequence needs at least one batch. Give more rows, or a smaller batch_size. "
                f"Received: rows={len(self._order)}, batch_size={batch_size}, "
                f"last_batch={last_batch!r}"
            )

    def __len__(self) -> int:
        whole, rest = divmod(len(self._order), self.batch_size)
        return whole + (rest > 0 and self.last_batch != "drop")

    def __getitem__(self, index: int):
        if not -len(self) <= index < len(self):
            raise IndexError(f"The sequence has {len(self)} batches. Received: index={index}")
        if keras.backend.backend() == "tensorflow":
            images.keep_freed_memory()
        epoch = self.epoch  # read once: another thread may begin the next epoch meanwhile
        rows = self.rows(index % len(self), epoch)
        padding = self.batch_size - len(rows) if self.last_batch == "pad" else 0
        X = self._batches.empty(len(rows) + padding)
        answers = []
        for k, sample in enumerate(self._samples(rows, epoch)):
            X[k] = sample.image
            answers.append((sample.boxes, sample.labels, _weight(sample)))
        X[len(rows) :] = X[len(rows) - 1]
        boxes, labels, weights = zip(*answers, *answers[-1:] * padding, strict=True)
        height, width = self.image_size
        y_bbox = convert_boxes(
            np.concatenate(boxes),
            "rel_xyxy",
            self.bounding_box_format,
            height=height,
            width=width,
        ).astype(np.float32)
        y_class = np.concatenate(labels)
        X = self._preprocessed(X)
        if not self._has_weights:
            return X, (y_class, y_bbox)
        weight = np.array(weights, np.float32)
        weight[len(rows) :] = 0
        return X, (y_class, y_bbox), (weight, weight.copy())

    def rows(self, index: int, epoch: int | None = None) -> np.ndarray:
        """Tells which rows of ``annotations`` a batch is made of.

        Args:
            index: The batch.
            epoch: The epoch; ``None`` for the current one.

        Returns:
            Positions (``annotations.iloc``), shape ``(B,)``, without padding.

        Example:
            >>> import keras_bbox as kb, tempfile
            >>> folder = tempfile.mkdtemp() + "/snacks"
            >>> _ = kb.datasets.make_snacks(12, image_size=64, directory=folder)
            >>> table = kb.annotations.read_csv(folder + "/annotations-train.csv")
            >>> sequence = kb.BoundingBoxSequence(
            ...     table, folder + "/train", batch_size=3, shuffle=False)
            >>> sequence.rows(1)
            array([3, 4, 5])
        """
        epoch = self.epoch if epoch is None else epoch
        chosen = slice(index * self.batch_size, (index + 1) * self.batch_size)
        return self._order.rows(chosen, self.seed, epoch, shuffle=self.shuffle)

    def draw(self, row: int, epoch: int | None = None) -> augmentation.Draw:
        """Tells what an epoch's augmentation does to a row: a record to keep, replay or invert.

        Args:
            row: Position in ``annotations``.
            epoch: The epoch; ``None`` for the current one.

        Returns:
            A ``kb.augment.Draw`` from the whole photo to an image of the batch.

        Raises:
            TypeError: If the sequence augments by a function of another kind, or not at all.

        Example:
            >>> import keras_bbox as kb, tempfile
            >>> folder = tempfile.mkdtemp() + "/snacks"
            >>> _ = kb.datasets.make_snacks(12, image_size=64, directory=folder)
            >>> table = kb.annotations.read_csv(folder + "/annotations-train.csv")
            >>> sequence = kb.BoundingBoxSequence(
            ...     table, folder + "/train", batch_size=3, augment=[kb.augment.RandomFlip()])
            >>> _, (_, y_bbox) = sequence[0]
            >>> row = sequence.rows(0)[0]
            >>> given = sequence.draw(row).invert_boxes(y_bbox[0])
            >>> np.allclose(given, table[["x_min", "y_min", "x_max", "y_max"]].iloc[row])
            True
        """
        if not isinstance(self.augment, augmentation.Pipeline):
            raise TypeError(
                "Only a kb.augment.Pipeline, or the list of steps that makes one, draws records. "
                f"Received: a sequence with augment={self.augment!r}"
            )
        epoch = self.epoch if epoch is None else epoch
        (sample,), (rng,) = self._given([row]), generators(self.seed, epoch, [row])
        return self.augment.draw(sample, rng, self.image_size)

    def unshuffled(self) -> BoundingBoxSequence:
        """Returns a sequence of all rows in the table's order, each once and not augmented.

        Example:
            >>> import keras_bbox as kb, tempfile
            >>> folder = tempfile.mkdtemp() + "/snacks"
            >>> _ = kb.datasets.make_snacks(12, image_size=64, directory=folder)
            >>> table = kb.annotations.read_csv(folder + "/annotations-train.csv")
            >>> sequence = kb.BoundingBoxSequence(table, folder + "/train", batch_size=3)
            >>> sequence.unshuffled().rows(0)
            array([0, 1, 2])
        """
        plain = copy.copy(self)
        plain.augment, plain.shuffle, plain.last_batch = None, False, "keep"
        plain.target, plain._has_weights = "each", False
        plain._order = RowOrder(self._paths, self._boxes, "each")
        return plain

    def on_epoch_begin(self) -> None:
        self._epoch_begun = True

    def on_epoch_end(self) -> None:
        # Keras also says "end" once before the first epoch, which must not count.
        self.epoch += self._epoch_begun
        self._epoch_begun = False

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        images.use_own_threads(0)

    def _opener(self, cache, limit) -> Callable[[str], images.Photo]:
        if cache is None:
            return images.KnownSizes().open
        exact = self.augment is None
        if cache == "memory":
            return images.MemoryCache(*self.image_size, exact=exact, limit=limit).open
        return images.FolderCache(cache, *self.image_size, exact=exact).open

    def _samples(self, rows: np.ndarray, epoch: int) -> Iterator[augmentation.Sample]:
        samples = self._given(rows)
        if self.augment is None:
            return (augmentation.resize(sample, self.image_size) for sample in samples)
        rngs = generators(self.seed, epoch, rows)
        if isinstance(self.augment, augmentation.Pipeline):
            return self.augment.batch(list(samples), rngs, self.image_size)
        return map(self._augmented, samples, rngs, rows)

    def _given(self, rows: Sequence[int] | np.ndarray) -> Iterator[augmentation.Sample]:
        boxes, labels = self._boxes[rows, None], self._labels[rows, None]
        photos = (self._open(self._paths[row]) for row in rows)
        return map(augmentation.Sample, photos, boxes, labels)

    def _augmented(
        self, sample: augmentation.Sample, rng: np.random.Generator, row: int
    ) -> augmentation.Sample:
        assert self.augment is not None  # for the type checker
        pixels, _ = sample.image.decode()
        # A function may draw on what it is given, but not on what a cache keeps.
        own = pixels if sample.image.pixels is None else pixels.copy()
        augmented = self._checked(self.augment(sample._replace(image=own), rng), row)
        return augmentation.resize(augmented, self.image_size)

    def _checked(self, sample: augmentation.Sample, row: int) -> augmentation.Sample:
        boxes, labels = np.shape(sample.boxes), np.shape(sample.labels)
        if boxes != (1, 4) or labels != (1,):
            raise ValueError(
                "An augmentation must keep the one box and label of a sample. Make it return "
                "boxes of shape (1, 4) and labels of shape (1,). "
                f"Received: boxes.shape={boxes}, labels.shape={labels} for row {row}"
            )
        return sample

    @property
    def _pixel_dtype(self) -> str:
        return self.dtype if self.preprocess is None else "float32"

    def _preprocessed(self, X: np.ndarray) -> np.ndarray:
        if self.preprocess is None:
            return X
        shape = X.shape
        X = np.asarray(self.preprocess(X))
        if X.shape[:1] != shape[:1]:
            raise ValueError(
                "preprocess must return one image for each that it is given. "
                f"Received: {X.shape} for {shape[0]} images"
            )
        return X.astype(self.dtype, copy=False)


def _default_workers() -> int:
    known = getattr(os, "sched_getaffinity", None)
    cores = len(known(0)) if known else os.cpu_count() or 1
    # Not one: on TensorFlow, Keras then prefetches by a tf.data that may take seconds to end.
    return min(max(cores, 2), 8)


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {choices}. Received: {name}={value!r}")


def _single_boxes(annotations: pd.DataFrame) -> pd.DataFrame:
    negative = is_negative(annotations)
    if negative.any():
        raise ValueError(
            "Each sample of a BoundingBoxSequence has one box, so images without objects cannot "
            "take part. Leave them out: annotations[~kb.annotations.is_negative(annotations)]. "
            f"Received: {int(negative.sum())} such rows, the first with index "
            f"{annotations.index[negative][0]}"
        )
    return annotations


def _as_augmentation(augment):
    if augment is None:
        return None
    pipeline = augment if callable(augment) else augmentation.Pipeline(augment)
    if getattr(pipeline, "hidden_boxes", None) == "drop":
        raise ValueError(
            "Each sample of a BoundingBoxSequence keeps its one box. Make the pipeline with "
            "hidden_boxes='resample' or 'weight'. Received: hidden_boxes='drop'"
        )
    return pipeline


def _weight(sample: augmentation.Sample) -> float:
    return float(sample.columns["weight"][0]) if "weight" in sample.columns else 1.0
