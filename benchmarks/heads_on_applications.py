"""Puts localization heads on every model of keras.applications, and prints what came out.

    python benchmarks/heads_on_applications.py [--only NAME ...] [--reload]

Each model is built with random weights and small images, as a classifier and as a backbone.
A row is right ("ok") when the classes of the classifier are kept to 1e-6, the features are those
that the backbone without a top ends in, the finer map that the head merges in has about twice
their height, and the frozen layers are all of the backbone.
"""

from __future__ import annotations

import argparse
import gc
import inspect
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from keras_bbox.heads import add_localization_head

SMALLEST = {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}
ROW = "{:<20} {:>5} {:>11} {:>11} {:>9} {:>9} {:>7} {:>6}  {}"


def applications() -> list[str]:
    """Names of the functions of keras.applications that build a model."""
    return [
        name
        for name, build in inspect.getmembers(keras.applications, inspect.isfunction)
        if "include_top" in inspect.signature(build).parameters
    ]


def spread(model: keras.Model) -> None:
    """Gives the statistics and offsets values that differ from those of a new layer."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name in ("moving_variance", "gamma"):
            weight.assign(rng.uniform(0.8, 1.2, weight.shape))
        elif weight.name in ("moving_mean", "beta", "bias"):
            weight.assign(rng.uniform(-0.1, 0.1, weight.shape))


def check_classifier(name: str, size: int, reload: bool) -> dict:
    build = getattr(keras.applications, name)
    given = build(weights=None, input_shape=(size, size, 3), classes=20)
    spread(given)
    images = np.random.default_rng(1).uniform(0, 255, (2, size, size, 3)).astype("float32")
    expected = given.predict_on_batch(images)
    started = time.perf_counter()
    model = add_localization_head(given)
    seconds = time.perf_counter() - started
    classes, boxes = model.predict_on_batch(images)
    difference = float(np.abs(classes - expected).max())
    if reload:
        difference = max(difference, difference_when_loaded(model, images, classes, boxes))
    features = tuple(model.get_layer("box_head").inputs[0].shape[1:])
    return {
        "features": features,
        "difference": difference,
        "frozen": frozen_weights(model),
        "seconds": seconds,
        "weights": given.count_params(),
    }


def difference_when_loaded(model, images, classes, boxes) -> float:
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        loaded = keras.models.load_model(Path(folder) / "model.keras")
    pairs = zip(loaded.predict_on_batch(images), (classes, boxes), strict=True)
    return max(float(np.abs(new - old).max()) for new, old in pairs)


def frozen_weights(model: keras.Model) -> int:
    return sum(layer.count_params() for layer in model.layers if not layer.trainable)


def check_backbone(name: str, size: int) -> dict:
    build = getattr(keras.applications, name)
    given = build(weights=None, input_shape=(size, size, 3), include_top=False)
    model = add_localization_head(given, num_classes=7)
    shapes = [tuple(output.shape) for output in model.outputs]
    coarse, *finer = model.get_layer("box_head").inputs
    return {
        "features": tuple(given.output_shape[1:]),
        "finer": tuple(finer[0].shape[1:]) if finer else (0, 0, 0),
        "ratio": finer[0].shape[1] / coarse.shape[1] if finer else 0.0,
        "shapes": shapes,
        "frozen": frozen_weights(model),
        "weights": given.count_params(),
    }


def check(name: str, reload: bool) -> bool:
    size = SMALLEST.get(name, 64)
    top = check_classifier(name, size, reload)
    keras.utils.clear_session()
    gc.collect()
    bare = check_backbone(name, size)
    keras.utils.clear_session()
    gc.collect()
    right = (
        top["difference"] <= 1e-6
        and top["features"] == bare["features"]
        and bare["frozen"] == bare["weights"]
        and 1.5 <= bare["ratio"] <= 3  # borders make small maps differ from a half
        and bare["shapes"] == [(None, 7), (None, 4)]
    )
    print(
        ROW.format(
            name,
            size,
            "x".join(map(str, top["features"])),
            "x".join(map(str, bare["finer"])),
            f"{top['weights'] / 1e6:.1f} M",
            f"{top['frozen'] / 1e6:.1f} M",
            f"{top['difference']:.0e}",
            f"{top['seconds']:.1f}",
            "ok" if right else f"NOT RIGHT {top} {bare}",
        ),
        flush=True,
    )
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="names in keras.applications")
    parser.add_argument("--reload", action="store_true", help="also save and load each model")
    options = parser.parse_args()
    names = options.only or applications()
    print(ROW.format("model", "px", "features", "finer map", "weights", "frozen", "diff", "s", ""))
    right = [check(name, options.reload) for name in names]
    print(f"{sum(right)} of {len(names)} ok")
    sys.exit(not all(right))


if __name__ == "__main__":
    main()
