"""Draws the pictures of the README and the documentation from what the example wrote.

python examples/train_localizer.py --output chapter
python examples/train_localizer.py --output best --recipe best
python docs/make_pictures.py chapter best
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
from keras.applications.mobilenet import preprocess_input

import keras_bbox as kb

IMAGES = Path(__file__).parent / "images"
VALUE_RANGE = (-1, 1)  # what preprocess_input makes of 0..255


def main(chapter: Path, best: Path) -> None:
    IMAGES.mkdir(exist_ok=True)
    test = pictures(chapter)
    save(kb.plot_batch(test, value_range=VALUE_RANGE, columns=8), "snacks.jpg")
    save(predictions(chapter, test), "predictions.jpg")
    save(predictions(best, test), "predictions-best.jpg")


def pictures(output: Path) -> kb.BoundingBoxSequence:
    table = kb.annotations.read_csv(output / "snacks" / "annotations-test.csv")
    return kb.BoundingBoxSequence(
        table.sample(24, random_state=0),
        output / "snacks" / "test",
        image_size=(96, 96),
        batch_size=24,
        class_names=kb.datasets.SNACK_CLASSES,
        shuffle=False,
        preprocess=preprocess_input,
    )


def predictions(output: Path, test: kb.BoundingBoxSequence):
    """The first eight as they come, good and bad."""
    model = keras.saving.load_model(output / "model.keras")
    X, (labels, boxes) = test[0]
    truth = (labels[:8], boxes[:8])
    probabilities, predicted, *_ = model.predict(X[:8], verbose=0)
    return kb.plot_prediction(
        X[:8],
        truth,
        (probabilities, predicted),
        columns=4,
        class_names=test.class_names,
        value_range=VALUE_RANGE,
    )


def save(figure, name: str) -> None:
    figure.savefig(IMAGES / name, dpi=80, pil_kwargs={"quality": 85})


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
