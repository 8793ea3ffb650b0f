"""What throughput.py compares besides: augmenting decoded photos, and our own stages."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import keras
import numpy as np
from contenders import BATCH, LARGER, SIDE, STEPS, albumentations_steps, keras_layers
from photos import Photos
from turns import Run

from keras_bbox import BoundingBoxSequence, augment, images

COUNT = 2 * BATCH


def _decoded(photos: Photos) -> list[np.ndarray]:
    return [images.read_image(path) for path in photos.paths[:COUNT]]


def _samples(photos: Photos) -> list[augment.Sample]:
    parts = zip(_decoded(photos), photos.boxes, photos.labels, strict=False)
    return [augment.Sample(image, box[None], label[None]) for image, box, label in parts]


def _rngs(turn: int, count: int) -> list[np.random.Generator]:
    return [np.random.default_rng([0, turn, row]) for row in range(count)]


def ours(photos: Photos) -> Run:
    pipeline, samples = augment.Pipeline(STEPS), _samples(photos)

    def run(turn: int) -> int:
        rngs = _rngs(turn, len(samples))
        for k in range(0, len(samples), BATCH):
            batch = slice(k, k + BATCH)
            for _ in pipeline.batch(samples[batch], rngs[batch], (SIDE, SIDE)):
                pass
        return len(samples)

    return run


def ours_one_by_one(photos: Photos) -> Run:
    pipeline, samples = augment.Pipeline(STEPS), _samples(photos)

    def run(turn: int) -> int:
        for sample, rng in zip(samples, _rngs(turn, len(samples)), strict=True):
            pipeline(sample, rng, (SIDE, SIDE))
        return len(samples)

    return run


def albumentations(photos: Photos, crop_first: bool = True) -> Run:
    compose, decoded = albumentations_steps(crop_first), _decoded(photos)

    def run(turn: int) -> int:
        for row, image in enumerate(decoded):
            compose(image=image, bboxes=photos.boxes[row : row + 1], labels=[0])
        return len(decoded)

    return run


def layers(photos: Photos) -> Run:
    apply, fit = keras_layers(), keras.layers.Resizing(LARGER, LARGER)
    tensor = keras.ops.convert_to_tensor
    batch = tensor(np.stack(_decoded(photos)[:BATCH]))
    boxes = tensor((photos.boxes[:BATCH, None] * LARGER).astype(np.float32))
    labels = tensor(photos.labels[:BATCH, None])
    return lambda turn: len(apply(fit(batch), boxes, labels)[0])


def stages(photos: Photos) -> Callable[[int], dict[str, float]]:
    """The microseconds an image that each of our stages takes, one thread."""
    rows = range(BATCH)
    paths = photos.paths[:BATCH]
    samples = _samples(photos)[:BATCH]
    decoded = [sample.image for sample in samples]
    data = [np.fromfile(path, np.uint8) for path in paths]
    pipeline, rngs, size = augment.Pipeline(STEPS), _rngs(0, BATCH), (SIDE, SIDE)
    draws = [pipeline.draw(samples[k], rngs[k], image_size=size) for k in rows]
    colors = [draw.filters[0]["matrix"] for draw in draws]

    def warp(k: int) -> np.ndarray:
        return images.warp_image(decoded[k], draws[k].matrix, height=SIDE, width=SIDE)

    moved = [warp(k) for k in rows]
    sequence = BoundingBoxSequence(photos.table, Path(paths[0]).parent, augment=list(STEPS))
    work: dict[str, Callable[[], object]] = {
        "read": lambda: [np.fromfile(path, np.uint8) for path in paths],
        "decode": lambda: [cv2.imdecode(one, cv2.IMREAD_COLOR_RGB) for one in data],
        "draw": lambda: _rngs(0, BATCH),
        "augment": lambda: [None for _ in pipeline.batch(samples, rngs, size)],
        "warp": lambda: [warp(k) for k in rows],
        "color": lambda: [images.apply_filter(moved[k], "color", matrix=colors[k]) for k in rows],
        "batch": lambda: np.stack(moved).astype("float32"),
        "whole": lambda: sequence[0],
    }

    def run(turn: int) -> dict[str, float]:
        spent = {}
        for name, do in work.items():
            started = time.perf_counter()
            do()
            spent[name] = (time.perf_counter() - started) / BATCH * 1e6
        # The pipeline's own part: drawing, multiplying and checking matrices, moving boxes.
        spent["draw"] += spent.pop("augment") - spent["warp"] - spent["color"]
        return spent

    return run
