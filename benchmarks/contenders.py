"""What throughput.py compares: ways from JPEG files and boxes to training batches."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from photos import Photos
from turns import Run

from keras_bbox import BoundingBoxSequence, augment

SIDE, BATCH = 224, 32
LARGER = 256  # what Keras's layer crops from
STEPS = (
    augment.RandomFlip(0.5),
    augment.RandomScale(0.8, 1.25),
    augment.RandomTranslation(0.1, 0.1),
    augment.RandomRotation(10),
    augment.RandomBoxSafeCrop(),
    augment.RandomBrightness(0.2),
)


# --- ours


def ours(photos: Photos, threads: int, augmented: bool = True, cache: str | None = None) -> Run:
    image_dir = Path(photos.paths[0]).parent
    where: Any = image_dir / "cache" if cache == "folder" else cache
    steps = STEPS if augmented else None
    sequence = BoundingBoxSequence(photos.table, image_dir, augment=steps, cache=where)
    return _draw(sequence, threads)


def _draw(sequence: Any, threads: int) -> Run:
    """All batches of a sequence, by so many threads."""
    pool = ThreadPoolExecutor(threads)
    _begin_a_dataset()

    def run(turn: int) -> int:
        sequence.epoch = turn
        return sum(len(X) for X, _ in pool.map(sequence.__getitem__, range(len(sequence))))

    return run


def _begin_a_dataset() -> None:
    """What `fit` on TensorFlow does before it asks a sequence for batches: it wraps it in one."""
    import tensorflow as tf

    for _ in tf.data.Dataset.from_generator(lambda: [0], output_types="int32").prefetch(1):
        pass


# --- decoding alone


def decoding(photos: Photos, threads: int) -> Run:
    data = [np.fromfile(path, np.uint8) for path in photos.paths]
    chunks = [data[k : k + BATCH] for k in range(0, len(data), BATCH)]
    pool = ThreadPoolExecutor(threads)

    def decode(chunk: list[np.ndarray]) -> int:
        return sum(cv2.imdecode(one, cv2.IMREAD_COLOR).shape[-1] == 3 for one in chunk)

    return lambda turn: sum(pool.map(decode, chunks))


def decoding_with_simplejpeg(photos: Photos, threads: int) -> Run:
    import simplejpeg

    data = [Path(path).read_bytes() for path in photos.paths]
    chunks = [data[k : k + BATCH] for k in range(0, len(data), BATCH)]
    pool = ThreadPoolExecutor(threads)

    def decode(chunk: list[bytes]) -> int:
        return sum(simplejpeg.decode_jpeg(one, "RGB").shape[-1] == 3 for one in chunk)

    return lambda turn: sum(pool.map(decode, chunks))


# --- hand-written sequences


class Loop(keras.utils.PyDataset):
    """A hand-written sequence round one function of ``(path, box) -> (image, box)``."""

    def __init__(self, photos: Photos, load: Callable, **kwargs):
        super().__init__(**kwargs)
        self.photos = photos
        self.load = load

    def __len__(self) -> int:
        return len(self.photos.paths) // BATCH

    def __getitem__(self, index: int):
        rows = range(index * BATCH, (index + 1) * BATCH)
        X = np.empty((BATCH, SIDE, SIDE, 3), np.float32)
        boxes = np.empty((BATCH, 4), np.float32)
        for k, row in enumerate(rows):
            X[k], boxes[k] = self.load(self.photos.paths[row], self.photos.boxes[row])
        return X, (self.photos.labels[rows.start : rows.stop], boxes)


def chapter(photos: Photos, threads: int) -> Run:
    return _draw(Loop(photos, _load_as_the_chapter), threads)


def chapter_with_one_thread(photos: Photos, threads: int) -> Run:
    return chapter(photos, 1)


def _load_as_the_chapter(path: str, box: np.ndarray):
    image = keras.utils.load_img(path, target_size=(SIDE, SIDE))
    return keras.utils.img_to_array(image), box


def albumentations(photos: Photos, threads: int, crop_first: bool = True) -> Run:
    compose = albumentations_steps(crop_first)

    def load(path: str, box: np.ndarray):
        image = cv2.imread(path, cv2.IMREAD_COLOR_RGB)
        made = compose(image=image, bboxes=box[None], labels=[0])
        return made["image"], made["bboxes"][0]

    return _draw(Loop(photos, load), threads)


def albumentations_steps(crop_first: bool):
    import albumentations as A

    steps = [
        A.HorizontalFlip(p=0.5),
        A.Affine(scale=(0.8, 1.25), translate_percent=(-0.1, 0.1), rotate=(-10, 10), fill=128, p=1),
        A.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=0, p=1),
    ]
    # It crops and resizes in one step; first of all it leaves fewer pixels to the others.
    steps.insert(0 if crop_first else 2, A.RandomSizedBBoxSafeCrop(SIDE, SIDE, p=1))
    return A.Compose(steps, bbox_params=A.BboxParams("albumentations", label_fields=["labels"]))


def torchvision(photos: Photos, threads: int) -> Run:
    import torch
    from torchvision import io, tv_tensors
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    transform = v2.Compose(
        [
            v2.RandomResizedCrop((SIDE, SIDE), scale=(0.5, 1.0)),
            v2.RandomHorizontalFlip(),
            v2.RandomAffine(10, (0.1, 0.1), (0.8, 1.25), fill=128),
            v2.ColorJitter(brightness=0.2),
        ]
    )

    def load(path: str, box: np.ndarray):
        image = tv_tensors.Image(io.decode_image(io.read_file(path), "RGB"))
        size = image.shape[-2:]
        corners = torch.from_numpy(box * (size[1], size[0], size[1], size[0]))[None]
        boxes = tv_tensors.BoundingBoxes(corners, format="XYXY", canvas_size=size)
        image, boxes = transform(image, boxes)
        return image.permute(1, 2, 0).numpy(), boxes[0].numpy() / SIDE

    return _draw(Loop(photos, load), threads)


# --- Keras's layers


def layers_in_tf_data(photos: Photos, threads: int) -> Run:
    import tensorflow as tf

    apply = keras_layers()

    def load(path, box, label):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(image, (LARGER, LARGER)), box[None] * LARGER, label[None]

    options = tf.data.Options()
    options.threading.private_threadpool_size = threads
    boxes = photos.boxes.astype(np.float32)
    dataset = tf.data.Dataset.from_tensor_slices((photos.paths, boxes, photos.labels))
    dataset = dataset.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH)
    dataset = dataset.map(apply, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.prefetch(tf.data.AUTOTUNE).with_options(options)
    return lambda turn: sum(len(X) for X, _ in dataset)


def keras_layers() -> Callable:
    box = {"bounding_box_format": "xyxy"}
    layers = [
        keras.layers.RandomCrop(SIDE, SIDE, **box),
        keras.layers.RandomFlip("horizontal", **box),
        keras.layers.RandomZoom((-0.2, 0.25), fill_mode="constant", fill_value=128, **box),
        keras.layers.RandomTranslation(0.1, 0.1, fill_mode="constant", fill_value=128, **box),
        keras.layers.RandomRotation(10 / 360, fill_mode="constant", fill_value=128, **box),
        keras.layers.RandomBrightness(0.2, value_range=(0, 255), **box),
    ]

    def apply(X, boxes, labels):
        data = {"images": X, "bounding_boxes": {"boxes": boxes, "labels": labels}}
        for layer in layers:
            data = layer(data, training=True)
        return data["images"], data["bounding_boxes"]["boxes"]

    return apply
