"""Images that BoxAugmentation and Keras's own layers augment in a second, on any backend.

    KERAS_BACKEND=tensorflow OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 \
        python benchmarks/augmentation_on_batches.py                      # of one core
    KERAS_BACKEND=jax python benchmarks/augmentation_on_batches.py --clock wall --batch 256

Both flip, scale, turn, move, and change brightness and contrast, with one box an image. The images
lie on the device already. Without `--clock wall`, the time is that of the processor, so that other
programs on the machine count for little.
"""

from __future__ import annotations

import argparse
import time

import keras
import numpy as np

import keras_bbox as kb

BACKEND = keras.backend.backend()


def box_augmentation(size: int, **options) -> keras.Layer:
    a = kb.augment
    steps = [
        a.RandomFlip(),
        a.RandomScale(0.8, 1.25),
        a.RandomRotation(10),
        a.RandomTranslation(),
        a.RandomBrightness(0.2),
        a.RandomContrast(0.2),
    ]
    return kb.layers.BoxAugmentation(
        steps, image_size=(size, size), bounding_box_format="rel_xyxy", **options
    )


class KerasLayers(keras.layers.Layer):
    """What Keras has for the same, one layer after another."""

    def __init__(self, with_boxes: bool) -> None:
        super().__init__()
        n = keras.layers
        boxes_are = {"bounding_box_format": "rel_xyxy"} if with_boxes else {}
        self.spatial = [
            n.RandomFlip("horizontal", **boxes_are),
            n.RandomZoom((-0.2, 0.25), fill_mode="constant", **boxes_are),
            n.RandomRotation(10 / 360, fill_mode="constant", **boxes_are),
            n.RandomTranslation(0.1, 0.1, fill_mode="constant", **boxes_are),
        ]
        self.colors = [n.RandomBrightness(0.2), n.RandomContrast(0.2)]
        self.with_boxes = with_boxes

    def call(self, images, boxes, training=None):
        images = keras.ops.cast(images, "float32")
        if self.with_boxes:
            labels = keras.ops.zeros((keras.ops.shape(boxes)[0], 1))
            found = {"boxes": boxes[:, None], "labels": labels}
            data = {"images": images, "bounding_boxes": found}
            for layer in self.spatial:
                data = layer(data, training=training)
            images, boxes = data["images"], data["bounding_boxes"]["boxes"]
        else:
            for layer in self.spatial:
                images = layer(images, training=training)
        for layer in self.colors:
            images = layer(images, training=training)
        return images, boxes


def step_of(layer: keras.Layer, images, boxes, with_xla: bool):
    """A function that augments the batch once, compiled as the backend does in training."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        augmented = tf.function(lambda x, y: layer(x, y, training=True), jit_compile=with_xla)
        return lambda: augmented(images, boxes)
    if BACKEND == "jax":
        import jax

        layer(images, boxes, training=True)  # builds it
        state = [variable.value for variable in layer.non_trainable_variables]

        @jax.jit
        def augmented(state, images, boxes):
            return layer.stateless_call([], state, images, boxes, training=True)

        def run():
            nonlocal state
            found, state = augmented(state, images, boxes)
            return found

        return run
    return lambda: layer(images, boxes, training=True)


def images_per_second(step, count: int, seconds: float, clock) -> float:
    for _ in range(3):
        keras.ops.convert_to_numpy(step()[1])
    rates, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = clock()
        for _ in range(5):
            images, *_ = step()
        float(images[-1, 0, 0, 0])  # waits for the device
        rates.append(5 * count / (clock() - start))
    return float(np.median(rates))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clock", choices=["processor", "wall"], default="processor")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    shape = (args.batch, args.size, args.size, 3)
    images = keras.ops.convert_to_tensor(rng.integers(0, 256, shape, np.uint8))
    boxes = keras.ops.convert_to_tensor(np.tile(np.float32([0.3, 0.3, 0.7, 0.7]), (args.batch, 1)))
    contenders = {
        "BoxAugmentation, 10 tries": (box_augmentation(args.size), False),
        "BoxAugmentation, weights": (box_augmentation(args.size, hidden_boxes="weight"), False),
        "keras.layers, images alone": (KerasLayers(with_boxes=False), False),
        "keras.layers, with boxes": (KerasLayers(with_boxes=True), False),
    }
    if BACKEND == "tensorflow":
        contenders["BoxAugmentation, by XLA"] = (box_augmentation(args.size), True)
    clock = time.process_time if args.clock == "processor" else time.perf_counter
    unit = "images/core-s" if args.clock == "processor" else "images/s"
    for name, (layer, with_xla) in contenders.items():
        step = step_of(layer, images, boxes, with_xla)
        rate = images_per_second(step, args.batch, args.seconds, clock)
        print(f"{name:28s}{rate:10.0f} {unit}", flush=True)


if __name__ == "__main__":
    main()
