"""Trains a classifier that also says where: from a table of boxes to a model and its pictures.

    python examples/train_localizer.py                     # on drawn snacks, no download needed
    python examples/train_localizer.py --data DIR          # annotations-train.csv, train/..., ...

DIR holds ``annotations-{train,val,test}.csv`` and the images ``{split}/{folder}/{image_id}.jpg``.
The output folder then holds metrics.json, history.csv, model.keras, pictures, and a page that
judges the model for each split.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before Keras loads its backend

import keras
import numpy as np
import pandas as pd
from keras import layers
from keras.applications.mobilenet import MobileNet, preprocess_input

import keras_bbox as kb

LEARNING_RATES = (1e-3, 1e-4, 1e-5)
VALUE_RANGE = (-1, 1)  # what preprocess_input makes of 0..255


# What the recipes want of the training sequence.
RECIPES: dict[str, dict] = {
    "chapter": {},
    "best": {"augment": kb.augment.default_policy(), "target": "largest"},
}


class ClassSequence(kb.BoundingBoxSequence):
    """The same batches without the boxes, for a model that only classifies."""

    def __getitem__(self, index):
        X, (y_class, _) = super().__getitem__(index)
        return X, y_class


def main() -> None:
    options = parse_arguments()
    keras.utils.set_random_seed(options.seed)
    output = options.output
    output.mkdir(parents=True, exist_ok=True)

    say("1. The data")
    data = options.data or make_data(options)
    tables = load_tables(data)
    class_names = kb.annotations.find_class_names(tables["train"])
    sequences = {split: make_sequence(split, data, tables, options) for split in tables}
    train = make_sequence("train", data, tables, options, shuffle=True, **RECIPES[options.recipe])
    describe(tables, class_names)
    kb.plot_batch(train, value_range=VALUE_RANGE).savefig(output / "samples.png")

    recipe = train_best if options.recipe == "best" else train_chapter
    model, histories = recipe(train, data, tables, sequences, options)
    save_history(histories, output)

    say("4. The result")
    metrics = {
        split: evaluate(model, sequences[split], output / f"report-{split}.html")
        for split in ("val", "test")
        if split in sequences
    }
    (output / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    judged = sequences.get("test") or sequences.get("val") or sequences["train"]
    predictions = model.predict(judged, verbose=options.verbose)
    save_galleries(judged, predictions, output)
    model.save(output / "model.keras")
    check_saved(model, judged, output)
    summarize(metrics, tables, output)


def train_chapter(train, data, tables, sequences, options):
    """A classifier first, then a second output on it, at three learning rates in turn."""
    say("2. The classifier")
    classifier, pretrained = get_classifier(data, tables, train.class_names, options)
    say("3. The localizer")
    model = kb.add_localization_head(classifier, head="chapter", freeze_backbone=pretrained)
    check_untrained(model, classifier, sequences["train"])
    return model, train_in_stages(model, train, sequences.get("val"), options)


def train_best(train, data, tables, sequences, options):
    """Both outputs at once: the heads first, then from the top of the backbone downwards."""
    say("2. The model")
    if options.classifier:
        given, pretrained = get_classifier(data, tables, train.class_names, options)
    else:
        given, pretrained = get_backbone(options)
    model = kb.add_localization_head(
        given, len(train.class_names), freeze_backbone=pretrained, box_score=True
    )
    say("3. The training")
    checkpoint = options.output / "checkpoint"
    if not options.resume:
        shutil.rmtree(checkpoint, ignore_errors=True)
    history = kb.fit_localizer(
        model,
        train,
        sequences.get("val"),
        warm_up=options.epochs,
        epochs=(3 if pretrained else 6) * options.epochs,  # from scratch there is more to learn
        checkpoint=checkpoint,
        verbose=options.verbose,
    )
    return model, [history]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR", help="your data; without it, drawn snacks")
    add(
        "--weights",
        default="imagenet",
        metavar="imagenet|none|FILE",
        help="weights of the MobileNet backbone (default: imagenet)",
    )
    add(
        "--classifier",
        type=Path,
        metavar="FILE.keras",
        help="a trained classifier to start from; it must take MobileNet's input, -1 to 1",
    )
    add("--recipe", choices=list(RECIPES), default="chapter", help="how to train")
    add(
        "--epochs",
        type=positive,
        help="epochs at each learning rate (default: 5), or of the best recipe's warm-up (default: "
        "7); three times as many follow, or without pretrained weights six times as many alone",
    )
    add(
        "--image-size", type=positive, help="side of the network's input (default: 224; snacks: 96)"
    )
    add("--batch-size", type=positive, help="default: 32; for the best recipe 16")
    add("--output", type=Path, default=Path("localizer-output"), metavar="DIR")
    add("--seed", type=int, default=0)
    add(
        "--resume",
        action="store_true",
        help="go on where an earlier run of the best recipe with the same arguments stopped",
    )
    add(
        "--quick", action="store_true", help="a look at everything in a minute: few rows and epochs"
    )
    options = parser.parse_args()
    options.image_size = options.image_size or (224 if options.data else 96)
    options.batch_size = options.batch_size or (16 if options.recipe == "best" else 32)
    usual = 7 if options.recipe == "best" else 5
    options.epochs = options.epochs or (1 if options.quick else usual)
    options.verbose = 1 if sys.stdout.isatty() else 2
    return options


def positive(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {text}")
    return int(text)


def say(title: str) -> None:
    print(f"\n{title}\n{'-' * len(title)}", flush=True)


def make_data(options: argparse.Namespace) -> Path:
    folder = options.output / "snacks"
    n = 200 if options.quick else 1500
    print(f"No --data: drawing {n} pictures of snacks into {folder}")
    kb.datasets.make_snacks(n, image_size=128, seed=options.seed, directory=folder, verbose=True)
    return folder


def load_tables(data: Path) -> dict[str, pd.DataFrame]:
    tables: dict[str, pd.DataFrame] = {}
    for split in ("train", "val", "test"):
        path = data / f"annotations-{split}.csv"
        if path.exists() or split == "train":
            classes = kb.annotations.find_class_names(tables["train"]) if tables else None
            tables[split] = kb.annotations.read_csv(path, class_names=classes)
    return tables


def make_sequence(split, data, tables, options, shuffle=False, kind=kb.BoundingBoxSequence, **more):
    table = tables[split]
    if options.quick:
        table = table.sample(min(len(table), 4 * options.batch_size), random_state=options.seed)
    return kind(
        table,
        data / split,
        image_size=(options.image_size, options.image_size),
        batch_size=options.batch_size,
        class_names=kb.annotations.find_class_names(tables["train"]),
        shuffle=shuffle,
        seed=options.seed,
        preprocess=preprocess_input,
        **more,
    )


def describe(tables: dict[str, pd.DataFrame], class_names: tuple[str, ...]) -> None:
    for split, table in tables.items():
        images = table["folder"] + "/" + table["image_id"]
        print(f"{split:5}  {len(table):5} boxes on {images.nunique():5} images")
    print(f"{len(class_names)} classes: {', '.join(class_names)}")


def get_classifier(data, tables, class_names, options):
    """Returns a trained classifier, and whether its features are worth keeping as they are."""
    if options.classifier:
        print(f"Loading {options.classifier}")
        return keras.saving.load_model(options.classifier), True
    backbone, pretrained = get_backbone(options)
    classifier = keras.Sequential(
        [
            backbone,
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.7 if pretrained else 0.2),
            layers.Dense(len(class_names), kernel_regularizer=keras.regularizers.L2(0.01)),
            layers.Activation("softmax"),
        ],
        name="classifier",
    )
    backbone.trainable = not pretrained
    classifier.compile(
        loss="sparse_categorical_crossentropy",
        optimizer=keras.optimizers.Adam(LEARNING_RATES[0]),
        metrics=["accuracy"],
    )
    sequences = {
        split: make_sequence(split, data, tables, options, split == "train", ClassSequence)
        for split in ("train", "val")
        if split in tables
    }
    classifier.fit(
        sequences["train"],
        validation_data=sequences.get("val"),
        epochs=options.epochs,
        shuffle=False,  # the sequence shuffles its rows
        verbose=options.verbose,
    )
    return classifier, pretrained


def get_backbone(options) -> tuple[keras.Model, bool]:
    """Returns MobileNet with the weights asked for, else a small network to train from scratch."""
    shape = (options.image_size, options.image_size, 3)
    if options.weights == "none":
        return small_backbone(shape), False
    if options.weights != "imagenet" and not Path(options.weights).is_file():
        sys.exit(f"--weights must be imagenet, none or a file. There is no file {options.weights}")
    socket.setdefaulttimeout(20)  # a download that never starts must not hang
    warnings.filterwarnings("ignore", "`input_shape` is undefined")  # other sizes are fine
    try:
        return MobileNet(weights=options.weights, include_top=False, input_shape=shape), True
    except Exception as error:
        if options.weights != "imagenet":
            sys.exit(f"{options.weights} holds no weights for MobileNet without its top: {error}")
        reason = str(error).splitlines()[0]
        print(f"The ImageNet weights could not be downloaded. {reason}")
        print("Going on without them: a smaller backbone, trained from scratch.")
        print("With a downloaded file, say --weights FILE.")
        return small_backbone(shape), False


def small_backbone(shape: tuple[int, int, int]) -> keras.Model:
    """Returns a stack of convolutions with a stride of 16."""
    x = inputs = keras.Input(shape)
    for filters, strides in ((16, 2), (32, 2), (64, 2), (64, 1), (128, 2), (128, 1)):
        x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
        # The usual momentum of 0.99 is slower than a training of a few hundred steps.
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return keras.Model(inputs, x, name="small_backbone")


def check_untrained(model, classifier, sequence) -> None:
    """Makes sure that the new head left the classifier's answers alone."""
    X, _ = sequence[0]
    probabilities, boxes = model.predict(X, verbose=0)
    difference = np.abs(probabilities - classifier.predict(X, verbose=0)).max()
    print(
        f"Outputs {probabilities.shape} and {boxes.shape}; "
        f"class probabilities differ from the classifier's by {difference:.1e} at the most"
    )
    if boxes.shape != (len(X), 4) or difference > 1e-6:
        sys.exit("The localizer does not agree with its classifier.")


def train_in_stages(model, train, val, options) -> list[pd.DataFrame]:
    histories = []
    for learning_rate in LEARNING_RATES:
        print(f"Learning rate {learning_rate:g}")
        # A new Adam for each rate: one that remembers the gradients of the rate before hardly
        # moves at a tenth of it.
        model.compile(
            loss=["sparse_categorical_crossentropy", "mse"],
            loss_weights=[1, 10],
            optimizer=keras.optimizers.Adam(learning_rate),
            metrics=[["accuracy"], [kb.MeanIOU(), kb.IOUAccuracy(threshold=0.5)]],
        )
        history = model.fit(
            train,
            validation_data=val,
            epochs=options.epochs,
            shuffle=False,
            verbose=options.verbose,
        )
        histories.append(pd.DataFrame(history.history).assign(learning_rate=learning_rate))
    return histories


def save_history(histories: list[pd.DataFrame], output: Path) -> None:
    whole = pd.concat(histories, ignore_index=True).drop(columns="epoch", errors="ignore")
    whole.insert(0, "epoch", whole.index + 1)
    whole.to_csv(output / "history.csv", index=False)
    kb.plot_history(*histories).savefig(output / "history.png")


def evaluate(model, sequence, page: Path) -> dict[str, float]:
    """Judges every row once, writes the page with all figures, and returns the main ones."""
    report = kb.evaluate_localizer(model, sequence)
    report.write_html(page, title=page.stem)
    summary = report.summary()
    return {name: summary[name] for name in ("mean_iou", "iou_50", "accuracy")}


def save_galleries(sequence, predictions, output: Path, count: int = 16) -> None:
    """Saves the best and the worst placed boxes, truth beside prediction."""
    probabilities, boxes = predictions[:2]
    truth = [sequence[k] for k in range(len(sequence))]
    labels = np.concatenate([y_class for _, (y_class, _) in truth])
    true_boxes = np.concatenate([y_bbox for _, (_, y_bbox) in truth])
    order = np.argsort(kb.iou(true_boxes, boxes))
    X = np.concatenate([X for X, _ in truth])
    for name, rows in (("worst", order[:count]), ("best", order[::-1][:count])):
        figure = kb.plot_prediction(
            X[rows],
            (labels[rows], true_boxes[rows]),
            (probabilities[rows], boxes[rows]),
            class_names=sequence.class_names,
            value_range=VALUE_RANGE,
        )
        figure.savefig(output / f"{name}.png")


RELOAD = """
import sys, numpy, keras, keras_bbox
X, probabilities, boxes = (numpy.load(sys.argv[2])[name] for name in ("X", "p", "b"))
again = keras.saving.load_model(sys.argv[1]).predict(X, verbose=0)
print(max(abs(again[0] - probabilities).max(), abs(again[1] - boxes).max()))
"""


def check_saved(model, sequence, output: Path) -> None:
    """Loads the saved model in a fresh process and compares its predictions."""
    X, _ = sequence[0]
    probabilities, boxes = model.predict(X, verbose=0)[:2]
    batch = output / "reload.npz"
    np.savez(batch, X=X, p=probabilities, b=boxes)
    command = [sys.executable, "-c", RELOAD, str(output / "model.keras"), str(batch)]
    result = subprocess.run(command, capture_output=True, text=True)
    batch.unlink()
    if result.returncode:
        sys.exit(f"The saved model does not load:\n{result.stderr}")
    difference = float(result.stdout.split()[-1])
    print(f"Loaded in a fresh process, the model's predictions differ by {difference:.1e}")
    if difference > 1e-5:
        sys.exit("The saved model predicts something else.")


def constant_box_iou(tables: dict[str, pd.DataFrame], split: str) -> float:
    """The mean IoU of the mean training box, drawn on every image: what any model must beat."""
    columns = ["x_min", "y_min", "x_max", "y_max"]
    mean_box = tables["train"][columns].mean().to_numpy()
    return float(kb.iou(tables[split][columns].to_numpy(), mean_box).mean())


def summarize(metrics: dict, tables: dict[str, pd.DataFrame], output: Path) -> None:
    rows = {
        split: values | {"mean_iou of the mean box": constant_box_iou(tables, split)}
        for split, values in metrics.items()
    }
    if rows:
        print(pd.DataFrame(rows).T.round(3).to_string())
    print(f"\nIn {output}:")
    for path in sorted(output.iterdir()):
        print(f"  {path.name}")


if __name__ == "__main__":
    main()
