"""Prints how far boxes lie from their pixels after augmentation, in ours and other libraries.

    python benchmarks/box_accuracy.py [--scenes 200]

Each scene is a black image of 341x256 with a white rectangle in its middle part. A library moves
image and box; then the white is looked for, and the largest distance of the box's four sides from
it is the error, in pixels. Each operation is mild enough that the rectangle stays on the image, so
that its box is the hull of what there is to see; a scene of which something reaches the edge all
the same is drawn again. Up to 0.75 pixels are owed to interpolation, which blurs the edge that is
looked for.

The result is a table in Markdown: the median and the largest error of all scenes. Libraries that
are not installed are left out with a line that says how to get them.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
if __name__ == "__main__" and importlib.util.find_spec("torchvision"):
    importlib.import_module("torchvision")  # loaded after TensorFlow, some builds crash

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1]))
from painting import find_paint, paint

from keras_bbox import augment, convert_boxes

HEIGHT, WIDTH, SIDE = 256, 341, 224
FLIP, TURN, SCALE, SLIDE, SHEAR = "flip", "rotation", "scale", "translation", "shear"
TILT, CROP, ALL = "perspective", "crop", f"the first five, to {SIDE}x{SIDE}"
OPERATIONS = (FLIP, TURN, SCALE, SLIDE, SHEAR, TILT, CROP, ALL)
TRIES = 100

# Image, and box as xyxy in pixels -> the same after a step with a fresh draw.
Move = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def keras_bbox_moves(seed: int) -> dict[str, Move]:
    rng = np.random.default_rng(seed)
    steps = {
        FLIP: [augment.RandomFlip(1.0)],
        TURN: [augment.RandomRotation(20)],
        SCALE: [augment.RandomScale(0.8, 1.25)],
        SLIDE: [augment.RandomTranslation(0.1, 0.1)],
        SHEAR: [augment.RandomShear(10, 5)],
        TILT: [augment.RandomPerspective(0.1)],
        CROP: [augment.RandomCrop(0.8, 0.8)],
    }
    steps[ALL] = [step for name in (FLIP, TURN, SCALE, SLIDE, SHEAR) for step in steps[name]]

    def move(name: str) -> Move:
        pipeline = augment.Pipeline(steps[name], fill=(0, 0, 0), min_visibility=0.0)

        def run(image, box):
            boxes = convert_boxes(box[None], "xyxy", "rel_xyxy", height=HEIGHT, width=WIDTH)
            sample = augment.Sample(image, boxes, np.zeros(1, int))
            out = pipeline(sample, rng, (SIDE, SIDE) if name == ALL else None)
            height, width = out.image.shape[:2]
            return out.image, out.boxes[0] * (width, height, width, height)

        return run

    return {name: move(name) for name in steps}


def keras_moves(seed: int, bounding_box_format: str) -> dict[str, Move]:
    keras.utils.set_random_seed(seed)
    options = {"bounding_box_format": bounding_box_format}
    filled = options | {"fill_mode": "constant", "fill_value": 0.0}
    layers = {
        FLIP: [keras.layers.RandomFlip("horizontal", **options)],
        TURN: [keras.layers.RandomRotation(20 / 360, **filled)],
        SCALE: [keras.layers.RandomZoom((-0.2, 0.25), **filled)],
        SLIDE: [keras.layers.RandomTranslation(0.1, 0.1, **filled)],
        SHEAR: [keras.layers.RandomShear(0.17, 0.09, **filled)],
        TILT: [keras.layers.RandomPerspective(1.0, scale=0.2, fill_value=0.0, **options)],
        CROP: [keras.layers.RandomCrop(int(0.8 * HEIGHT), int(0.8 * WIDTH), **options)],
    }
    layers[ALL] = [layer for name in (FLIP, TURN, SCALE, SLIDE, SHEAR) for layer in layers[name]]
    layers[ALL] = [*layers[ALL], keras.layers.Resizing(SIDE, SIDE, **options)]

    def move(name: str) -> Move:
        def run(image, box):
            size = {"height": HEIGHT, "width": WIDTH}
            boxes = convert_boxes(box[None], "xyxy", bounding_box_format, **size)
            data = {
                "images": image[None].astype(np.float32),
                "bounding_boxes": {
                    "boxes": boxes[None].astype(np.float32),
                    "labels": np.zeros((1, 1), np.int32),
                },
            }
            for layer in layers[name]:
                data = layer(data, training=True)
            out = np.asarray(data["images"][0])
            height, width = out.shape[:2]
            boxes = np.asarray(data["bounding_boxes"]["boxes"][0], np.float64)
            size = {"height": height, "width": width}
            return out, convert_boxes(boxes, bounding_box_format, "xyxy", **size)[0]

        return run

    return {name: move(name) for name in layers}


def albumentations_moves(seed: int) -> dict[str, Move]:
    import albumentations as A

    crop = {"height": int(0.8 * HEIGHT), "width": int(0.8 * WIDTH)}
    steps = {
        FLIP: [A.HorizontalFlip(p=1)],
        TURN: [A.Affine(rotate=(-20, 20), p=1)],
        SCALE: [A.Affine(scale=(0.8, 1.25), p=1)],
        SLIDE: [A.Affine(translate_percent=(-0.1, 0.1), p=1)],
        SHEAR: [A.Affine(shear={"x": (-10, 10), "y": (-5, 5)}, p=1)],
        TILT: [A.Perspective(scale=(0.02, 0.1), p=1)],
        CROP: [A.RandomCrop(**crop, p=1)],
    }
    steps[ALL] = [step for name in (FLIP, TURN, SCALE, SLIDE, SHEAR) for step in steps[name]]
    steps[ALL] = [*steps[ALL], A.Resize(SIDE, SIDE)]

    def move(name: str) -> Move:
        parameters = A.BboxParams("pascal_voc", label_fields=["labels"])
        compose = A.Compose(steps[name], bbox_params=parameters, seed=seed)

        def run(image, box):
            out = compose(image=image, bboxes=box[None].astype(float), labels=[0])
            found = np.array(out["bboxes"], np.float64)
            return out["image"], found[0] if len(found) else np.full(4, np.nan)

        return run

    return {name: move(name) for name in steps}


def torchvision_moves(seed: int) -> dict[str, Move]:
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    torch.manual_seed(seed)
    random.seed(seed)
    mode = {"interpolation": v2.InterpolationMode.BILINEAR}
    steps = {
        FLIP: [v2.RandomHorizontalFlip(1.0)],
        TURN: [v2.RandomAffine(20, **mode)],
        SCALE: [v2.RandomAffine(0, scale=(0.8, 1.25), **mode)],
        SLIDE: [v2.RandomAffine(0, translate=(0.1, 0.1), **mode)],
        SHEAR: [v2.RandomAffine(0, shear=(-10, 10, -5, 5), **mode)],
        TILT: [v2.RandomPerspective(0.2, p=1.0, **mode)],
        CROP: [v2.RandomCrop((int(0.8 * HEIGHT), int(0.8 * WIDTH)))],
    }
    steps[ALL] = [step for name in (FLIP, TURN, SCALE, SLIDE, SHEAR) for step in steps[name]]
    steps[ALL] = [*steps[ALL], v2.Resize((SIDE, SIDE))]

    def move(name: str) -> Move:
        def run(image, box):
            pixels = tv_tensors.Image(torch.from_numpy(image.transpose(2, 0, 1).copy()))
            boxes = torch.from_numpy(box[None].astype(np.float32))
            data = tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(HEIGHT, WIDTH))
            for step in steps[name]:
                pixels, data = step(pixels, data)
            return pixels.numpy().transpose(1, 2, 0), data.numpy()[0].astype(np.float64)

        return run

    return {name: move(name) for name in steps}


def scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    middle = rng.uniform((0.4, 0.4), (0.6, 0.6)) * (WIDTH, HEIGHT)
    half = rng.uniform(0.05, 0.15, 2) * (WIDTH, HEIGHT)
    box = np.rint(np.concatenate([middle - half, middle + half]))
    return paint(HEIGHT, WIDTH, box), box


def error(move: Move, image: np.ndarray, box: np.ndarray) -> float:
    """The largest distance of a side from the paint; infinite where the box is lost."""
    for _ in range(TRIES):
        out, moved = move(image, box)
        found = find_paint(np.asarray(out))
        height, width = out.shape[:2]
        if (found > 1).all() and (found < np.array([width, height, width, height]) - 1).all():
            return float(np.nan_to_num(np.abs(found - moved), nan=np.inf).max())
    raise RuntimeError(f"{TRIES} draws in a row moved the rectangle to the edge")


def errors(move: Move, scenes: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([error(move, *scene(rng)) for _ in range(scenes)])


def libraries() -> dict[str, Callable[[int], dict[str, Move]]]:
    found: dict[str, Callable[[int], dict[str, Move]]] = {
        "keras_bbox": keras_bbox_moves,
        f"Keras {keras.__version__}, `xyxy`": lambda seed: keras_moves(seed, "xyxy"),
        f"Keras {keras.__version__}, `rel_xyxy`": lambda seed: keras_moves(seed, "rel_xyxy"),
    }
    for name, moves, label in (
        ("albumentations", albumentations_moves, "Albumentations"),
        ("torchvision", torchvision_moves, "torchvision v2"),
    ):
        if importlib.util.find_spec(name):
            found[f"{label} {version(name)}"] = moves
        else:
            print(f"{label} is left out: not installed (pip install {name})")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    contenders = {name: moves(options.seed) for name, moves in libraries().items()}
    print(f"| Pixels, median (largest) of {options.scenes} | " + " | ".join(contenders) + " |")
    print("| --- " * (len(contenders) + 1) + "|", flush=True)
    for operation in OPERATIONS:
        cells = []
        for moves in contenders.values():
            found = errors(moves[operation], options.scenes)
            cells.append(f"{np.median(found):.2f} ({found.max():.2f})")
        print(f"| {operation} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
