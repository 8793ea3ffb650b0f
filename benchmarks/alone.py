"""What throughput.py compares besides: augmenting decoded photos, and our own stages."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from contenders import BATCH, LARGER, SIDE, STEPS, albumentations_steps, keras_layers
from photos import Photos
from turns import Run

from keras_bbox import BoundingBoxSequence, augment, images
from keras_bbox._seeds import generators

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


class _Asked(images.Photo):
    """A file that remembers how much smaller it was decoded."""

    factor: int

    def decode(self, factor: int = 1) -> tuple[np.ndarray, tuple[float, float]]:
        object.__setattr__(self, "factor", factor)
        return super().decode(factor)


def stages(photos: Photos) -> Callable[[int], dict[str, float]]:
    """The microseconds an image that each of our stages takes, one thread."""
    rows = range(BATCH)
    paths = photos.paths[:BATCH]
    files = [_Asked(**vars(images.open_photo(path))) for path in paths]
    pipeline, rngs, size = augment.Pipeline(STEPS), _rngs(0, BATCH), (SIDE, SIDE)
    parts = list(zip(files, photos.boxes, photos.labels, strict=False))
    samples = [augment.Sample(file, box[None], label[None]) for file, box, label in parts]
    draws = [pipeline.draw(samples[k], rngs[k], image_size=size) for k in rows]
    colors = [draw.filters[0]["matrix"] for draw in draws]
    for file, draw in zip(files, draws, strict=True):
        draw.move_pixels(file)
    decoded = [
        images.Photo(file.path, file.height, file.width, pixels=pixels, scale=scale)
        for file in files
        for pixels, scale in [file.decode(file.factor)]
    ]
    samples = [sample._replace(image=decoded[k]) for k, sample in enumerate(samples)]

    def warp(k: int) -> np.ndarray:
        return images.warp_image(decoded[k], draws[k].matrix, height=SIDE, width=SIDE)

    moved = [warp(k) for k in rows]
    sequence = BoundingBoxSequence(photos.table, Path(paths[0]).parent, augment=list(STEPS))
    work: dict[str, Callable[[], object]] = {
        "read": lambda: [images.open_photo(path) for path in paths],
        "decode": lambda: [files[k].decode(files[k].factor) for k in rows],
        "draw": lambda: generators(0, 0, rows),
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
