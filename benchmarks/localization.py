"""Measures how well boxes are found, what contributed to it, and what it costs.

    python benchmarks/localization.py --data DIR --weights FILE             # everything, for hours
    python benchmarks/localization.py --data DIR --weights FILE --only chapter full --seeds 3
    python benchmarks/localization.py --only snacks                          # needs no data
    python benchmarks/localization.py --weights FILE --only costs

DIR holds annotations-{train,val}.csv and images as examples/train_localizer.py wants them, FILE the
weights of a MobileNet without its top. Every run leaves a JSON file in the output folder and is not
repeated; the tables in tables.md are made of all files there. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before Keras loads its backend

import keras
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
import keras_bbox as kb
from keras_bbox.heads import localization
from keras_bbox.heads.spatial import spatial_box_head

COORDINATES = ["x_min", "y_min", "x_max", "y_max"]
preprocess = keras.applications.mobilenet.preprocess_input

# The whole recipe, and what the rows of the ablation change about it.
RECIPE = {
    "head": "spatial",
    "augment": 1.0,
    "target": "largest",
    "batch_size": 16,
    "loss": "localization",
    "repeats": 6,
    "warm_up": 7,
    "epochs": 26,
}
FROZEN = {"epochs": 0}
ONE = FROZEN | {"head": "one branch", "repeats": 5}
RUNS = {
    "full": ("the whole recipe", {}),
    "frozen": ("frozen: the warm-up alone", FROZEN),
    "one-branch": ("frozen, one branch and five steps a batch", ONE),
    "no-second-look": ("the same without the second look", ONE | {"head": "one look"}),
    "no-finer-map": ("the same without the finer map", ONE | {"head": "last map"}),
    "neither": ("the same with neither", ONE | {"head": "one look, last map"}),
    "no-augmentation": ("the same without augmentation", ONE | {"augment": None}),
    "each-row": ("the same, every row a target", ONE | {"target": "each"}),
    "squared-error": ("the same, squared error for the loss", ONE | {"loss": "mse"}),
    "overlap-alone": ("the same, GIoU alone for the loss", ONE | {"loss": "giou"}),
    "batches-of-32": ("the same, batches of 32", ONE | {"batch_size": 32}),
    "no-repeats": ("the same, features used once", ONE | {"repeats": 1}),
}
HEADS = {  # of one branch: how many finer maps, and what else is changed
    "one branch": (1, {}),
    "one look": (1, {"looks": 1}),
    "last map": (0, {}),
    "one look, last map": (0, {"looks": 1}),
}
LOSSES = {
    "localization": kb.losses.LocalizationLoss,
    "giou": kb.losses.GIOULoss,
    "mse": lambda: keras.losses.MeanSquaredError(),
}
OTHER_RUNS = ["mean-box", "chapter", "snacks-chapter", "snacks-best", "costs"]


def main() -> None:
    options = parse_arguments()
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        for seed in range(1 if name in ("mean-box", "costs") else options.seeds):
            path = options.output / f"{name}-{seed}.json"
            if not path.exists():
                print(f"\n{name}, seed {seed}", flush=True)
                keras.utils.clear_session()
                keras.utils.set_random_seed(seed)
                result = {"name": name, "seed": seed} | measure(name, seed, options)
                path.write_text(json.dumps(result, indent=2) + "\n")
                print(json.dumps(result), flush=True)
    write_tables(options.output)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ["mean-box", "chapter", *RUNS, "snacks", "costs"]
    parser.add_argument("--data", type=Path, metavar="DIR")
    parser.add_argument("--weights", type=Path, metavar="FILE")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("localization-results"))
    options = parser.parse_args()
    if "snacks" in options.only:
        where = options.only.index("snacks")
        options.only[where : where + 1] = ["snacks-chapter", "snacks-best"]
    return options


def measure(name: str, seed: int, options: argparse.Namespace) -> dict:
    if name == "costs":
        return costs(options)
    if name.startswith("snacks"):
        return snacks(name.removeprefix("snacks-"), seed, options)
    if name == "mean-box":
        tables = [table_of(options.data, split) for split in ("train", "val")]
        mean = tables[0][COORDINATES].mean().to_numpy()
        return judge(tables[1], np.tile(mean, (len(tables[1]), 1)))
    return photos(name, seed, options)


# ---- data ----------------------------------------------------------------------------------------


def table_of(data: Path, split: str, class_names=None) -> pd.DataFrame:
    return kb.annotations.read_csv(data / f"annotations-{split}.csv", class_names=class_names)


def sequence_of(data: Path, split: str, size: int, **options) -> kb.BoundingBoxSequence:
    names = kb.annotations.find_class_names(table_of(data, "train"))
    return kb.BoundingBoxSequence(
        table_of(data, split, names),
        data / split,
        image_size=(size, size),
        class_names=names,
        preprocess=preprocess,
        **options,
    )


def judge(table: pd.DataFrame, boxes: np.ndarray, probabilities=None, names=()) -> dict:
    """Mean IoU over all rows and over images with one object, by class too, and accuracy."""
    overlaps = kb.iou(table[COORDINATES].to_numpy(), boxes)
    rows_of_image = table.groupby(["folder", "image_id"])["x_min"].transform("size").to_numpy()
    alone = rows_of_image == 1
    result = {
        "mean_iou": float(overlaps.mean()),
        "mean_iou_one_object": float(overlaps[alone].mean()),
        "iou_50": float((overlaps > 0.5).mean()),
        "iou_75": float((overlaps > 0.75).mean()),
        "by_class": table.assign(iou=overlaps).groupby("class_name")["iou"].mean().to_dict(),
    }
    if probabilities is not None:
        predicted = np.array(names)[probabilities.argmax(axis=1)]
        result["accuracy"] = float((predicted == table["class_name"].to_numpy()).mean())
    return result


def judge_model(model: keras.Model, val: kb.BoundingBoxSequence) -> dict:
    probabilities, boxes, *scores = model.predict(val, verbose=0)
    result = judge(val.annotations, boxes, probabilities, val.class_names)
    if scores:
        overlaps = kb.iou(val.annotations[COORDINATES].to_numpy(), boxes)
        ranks = pd.DataFrame({"score": scores[0], "iou": overlaps}).corr("spearman")
        result["score_rank_correlation"] = float(ranks.loc["score", "iou"])
    return result


# ---- the photos ----------------------------------------------------------------------------------


def mobilenet(weights: Path | None, size: int = 224) -> keras.Model:
    return keras.applications.MobileNet(
        weights=None if weights is None else str(weights),
        include_top=False,
        input_shape=(size, size, 3),
    )


def photos(name: str, seed: int, options: argparse.Namespace) -> dict:
    val = sequence_of(options.data, "val", 224, shuffle=False)
    clock = Clock()
    if name == "chapter":
        train = sequence_of(options.data, "train", 224, seed=seed)
        model = chapter(mobilenet(options.weights), train, epochs=(10, 5, 5), frozen=True)
    else:
        model = best(mobilenet(options.weights), RECIPE | RUNS[name][1], val, seed, options)
    return judge_model(model, val) | clock.read()


def best(backbone, settings: dict, val, seed: int, options: argparse.Namespace) -> keras.Model:
    strength = settings["augment"]
    train = sequence_of(
        options.data,
        "train",
        224,
        seed=seed,
        batch_size=settings["batch_size"],
        target=settings["target"],
        augment=None if strength is None else kb.augment.default_policy(strength),
    )
    register_heads()
    head = settings["head"]
    model = kb.add_localization_head(
        backbone, len(train.class_names), head=head, box_score=head == "spatial"
    )
    kb.fit_localizer(
        model,
        train,
        val,
        epochs=settings["epochs"],
        warm_up=settings["warm_up"],
        repeats=settings["repeats"],
        box_loss=LOSSES[settings["loss"]](),
        loss_weights=(1.0, 10.0 if settings["loss"] == "mse" else 1.0),
        verbose=2,
    )
    return model


def register_heads() -> None:
    """Makes the variants of the spatial head known that are there for comparison only."""
    for name, (finer_maps, changes) in HEADS.items():

        def maker(features, score, branches, changes=changes):
            channels = min(max(features.shape[-1] // 10, 32), 96)
            return spatial_box_head(channels, branches=1, **changes)

        localization._DESIGNS[name] = localization._Design(maker, finer_maps)


def chapter(backbone, train, epochs: tuple[int, ...], frozen: bool) -> keras.Model:
    """The chapter's heads and losses, at three learning rates in turn."""
    model = kb.add_localization_head(
        backbone,
        len(train.class_names),
        head="chapter",
        freeze_backbone=frozen,
        dropout=0.7 if frozen else 0.2,
    )
    for rate, count in zip((1e-3, 1e-4, 1e-5), epochs, strict=True):
        model.compile(
            optimizer=keras.optimizers.Adam(rate),
            loss=["sparse_categorical_crossentropy", "mse"],
            loss_weights=[1, 10],
        )
        model.fit(train, epochs=count, shuffle=False, verbose=2)
    return model


class Clock:
    """Seconds since it was made, on the wall and of all cores."""

    def __init__(self) -> None:
        self.wall, self.cores = time.perf_counter(), time.process_time()

    def read(self) -> dict:
        return {
            "seconds": time.perf_counter() - self.wall,
            "core_seconds": time.process_time() - self.cores,
        }


# ---- the drawn snacks, from scratch --------------------------------------------------------------


def snacks(recipe: str, seed: int, options: argparse.Namespace) -> dict:
    """Trains a small network from scratch; the two recipes take about the same time."""
    folder = options.output / "snacks"
    if not folder.exists():
        kb.datasets.make_snacks(1500, image_size=128, seed=0, directory=folder)
    val = sequence_of(folder, "val", 96, shuffle=False)
    backbone = small_backbone()
    clock = Clock()
    if recipe == "chapter":
        train = sequence_of(folder, "train", 96, seed=seed)
        model = chapter(backbone, train, epochs=(10, 5, 5), frozen=False)
    else:
        augment = kb.augment.default_policy()
        train = sequence_of(folder, "train", 96, seed=seed, augment=augment, target="largest")
        model = kb.add_localization_head(
            backbone, len(train.class_names), freeze_backbone=False, dropout=0.2
        )
        kb.fit_localizer(model, train, epochs=SNACK_EPOCHS, verbose=2)
    return judge_model(model, val) | clock.read()


SNACK_EPOCHS = 28


def small_backbone(size: int = 96) -> keras.Model:
    layers = keras.layers
    x = inputs = keras.Input((size, size, 3))
    for filters, strides in ((16, 2), (32, 2), (64, 2), (64, 1), (128, 2), (128, 1)):
        x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return keras.Model(inputs, x, name="small_backbone")


# ---- costs ---------------------------------------------------------------------------------------


def costs(options: argparse.Namespace) -> dict:
    """Times of a batch of 32, and what they are relative to the plain model of each kind."""
    backbone = mobilenet(options.weights)
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.output)
    classifier = keras.Model(
        backbone.input, keras.layers.Dense(7, activation="softmax")(pooled), name="classifier"
    )
    models = {
        head: kb.add_localization_head(backbone, 7, head=head) for head in ("chapter", "spatial")
    }
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (32, 224, 224, 3)).astype("float32")
    corners = rng.uniform(0, 0.5, (32, 2))
    targets = (rng.integers(0, 7, 32), np.hstack([corners, corners + 0.4]).astype("float32"))

    predict = {"classifier": lambda: classifier.predict_on_batch(images)}
    predict |= {name: (lambda m=m: m.predict_on_batch(images)) for name, m in models.items()}
    inference = in_turn(predict)
    plain_head = kb.add_localization_head(backbone, 7)
    plain_head.compile("adam", ["sparse_categorical_crossentropy", "mse"])
    for name, model in models.items():
        boxes = "mse" if name == "chapter" else kb.losses.LocalizationLoss()
        metrics = [[], []] if name == "chapter" else [[], [kb.MeanIOU()]]
        model.compile("adam", ["sparse_categorical_crossentropy", boxes], metrics=metrics)
    train = {name: (lambda m=m: m.train_on_batch(images, targets)) for name, m in models.items()}
    train["spatial, mse and no metric"] = lambda: plain_head.train_on_batch(images, targets)
    steps = in_turn(train)
    return {
        "inference_seconds": inference,
        "inference_to_classifier": inference["spatial"] / inference["classifier"],
        "step_seconds": steps,
        "step_to_chapter": steps["spatial"] / steps["chapter"],
        "loss_and_metric_share": 1 - steps["spatial, mse and no metric"] / steps["spatial"],
    }


def in_turn(jobs: dict, rounds: int = 15) -> dict[str, float]:
    """The least seconds of each job; they take turns, so that a busy moment hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds + 2):
        for name, job in jobs.items():
            started = time.perf_counter()
            job()
            times[name].append(time.perf_counter() - started)
    return {name: min(values[2:]) for name, values in times.items()}


# ---- tables --------------------------------------------------------------------------------------


def write_tables(output: Path) -> None:
    results = [json.loads(path.read_text()) for path in sorted(output.glob("*-[0-9]*.json"))]
    by_name: dict[str, list[dict]] = {}
    for result in results:
        by_name.setdefault(result["name"], []).append(result)
    titles = {"mean-box": "the mean training box", "chapter": "the chapter's recipe"}
    titles |= {name: title for name, (title, _) in RUNS.items()}
    titles |= {"snacks-chapter": "snacks, the chapter's recipe", "snacks-best": "snacks, the best"}
    lines = [
        "| | seeds | mean IoU | one object | IoU > 0.5 | IoU > 0.75 | accuracy | minutes |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    columns = ["mean_iou", "mean_iou_one_object", "iou_50", "iou_75", "accuracy"]
    for name, title in titles.items():
        if name in by_name:
            runs = by_name[name]
            cells = [title, str(len(runs)), *(spread(runs, column) for column in columns)]
            cells.append(spread(runs, "seconds", scale=1 / 60, digits=1))
            lines.append(f"| {' | '.join(cells)} |")
    if "costs" in by_name:
        (cost,) = by_name["costs"]
        lines += [
            "",
            f"A batch takes {cost['inference_to_classifier']:.2f} times the plain classifier's "
            f"time, a training step {cost['step_to_chapter']:.2f} times that of the chapter's "
            f"model; the loss and MeanIOU are {cost['loss_and_metric_share']:.1%} of it.",
        ]
    text = "\n".join(lines) + "\n"
    (output / "tables.md").write_text(text)
    print(f"\n{text}")


def spread(runs: list[dict], column: str, scale: float = 1.0, digits: int = 3) -> str:
    values = [scale * run[column] for run in runs if column in run]
    if not values:
        return ""
    text = f"{np.mean(values):.{digits}f}"
    return text if len(values) == 1 else f"{text} ± {np.std(values, ddof=1):.{digits}f}"


if __name__ == "__main__":
    main()
