"""Images that BoxAugmentation and Keras's own layers augment in a second of one core.

Both flip, scale, turn, move, and change brightness and contrast, with one box an image. Run with
KERAS_BACKEND=tensorflow OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1. The time is that of the
processor, so that other programs on the machine count for little.
"""

from __future__ import annotations

import argparse
import time

import keras
import numpy as np
import tensorflow as tf

import keras_bbox as kb


def box_augmentation(size: int, **options):
    a = kb.augment
    layer = kb.layers.BoxAugmentation(
        [
            a.RandomFlip(),
            a.RandomScale(0.8, 1.25),
            a.RandomRotation(10),
            a.RandomTranslation(),
            a.RandomBrightness(0.2),
            a.RandomContrast(0.2),
        ],
        image_size=(size, size),
        bounding_box_format="rel_xyxy",
        **options,
    )
    return lambda images, boxes: layer(images, boxes, training=True)


def keras_layers(size: int, with_boxes: bool):
    n = keras.layers
    boxes_are = {"bounding_box_format": "rel_xyxy"} if with_boxes else {}
    spatial = [
        n.RandomFlip("horizontal", **boxes_are),
        n.RandomZoom((-0.2, 0.25), fill_mode="constant", **boxes_are),
        n.RandomRotation(10 / 360, fill_mode="constant", **boxes_are),
        n.RandomTranslation(0.1, 0.1, fill_mode="constant", **boxes_are),
    ]
    colors = [n.RandomBrightness(0.2), n.RandomContrast(0.2)]

    def run(images, boxes):
        images = tf.cast(images, "float32")
        if not with_boxes:
            for layer in spatial + colors:
                images = layer(images, training=True)
            return images, boxes
        labels = tf.zeros(tf.shape(boxes)[:1])[:, None]
        data = {
            "images": images,
            "bounding_boxes": {"boxes": boxes[:, None], "labels": labels},
        }
        for layer in spatial:
            data = layer(data, training=True)
        images = data["images"]
        for layer in colors:
            images = layer(images, training=True)
        return images, data["bounding_boxes"]["boxes"]

    return run


def images_per_second(run, images, boxes, seconds: float) -> float:
    step = tf.function(run)
    step(images, boxes)
    rates, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.process_time()
        step(images, boxes)[0].numpy()
        rates.append(len(images) / (time.process_time() - start))
    return float(np.median(rates))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--seconds", type=float, default=5.0)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    images = tf.constant(rng.integers(0, 256, (args.batch, args.size, args.size, 3), np.uint8))
    boxes = tf.constant(np.tile(np.float32([0.3, 0.3, 0.7, 0.7]), (args.batch, 1)))
    compiled = box_augmentation(args.size)
    runs = {
        "BoxAugmentation, 10 tries": box_augmentation(args.size),
        "BoxAugmentation, weights": box_augmentation(args.size, hidden_boxes="weight"),
        "BoxAugmentation, by XLA": tf.function(compiled, jit_compile=True),
        "keras.layers, images alone": keras_layers(args.size, with_boxes=False),
        "keras.layers, with boxes": keras_layers(args.size, with_boxes=True),
    }
    for name, run in runs.items():
        print(f"{name:28s}{images_per_second(run, images, boxes, args.seconds):8.0f} images/core-s")


if __name__ == "__main__":
    main()
