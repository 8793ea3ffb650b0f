"""Draws the pictures of the README from what the example wrote.

python examples/train_localizer.py && python docs/make_pictures.py localizer-output
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
from keras.applications.mobilenet import preprocess_input

import keras_bbox as kb

IMAGES = Path(__file__).parent / "images"


def main(output: Path) -> None:
    model = keras.saving.load_model(output / "model.keras")
    table = kb.annotations.read_csv(output / "snacks" / "annotations-test.csv")
    test = kb.BoundingBoxSequence(
        table.sample(24, random_state=0),
        output / "snacks" / "test",
        image_size=model.input_shape[1:3],
        batch_size=24,
        class_names=kb.datasets.SNACK_CLASSES,
        shuffle=False,
        preprocess=preprocess_input,
    )
    X, (labels, boxes) = test[0]
    look = {"class_names": test.class_names, "value_range": (-1, 1)}
    IMAGES.mkdir(exist_ok=True)
    save(kb.plot_batch(test, value_range=(-1, 1), columns=8), "snacks.jpg")
    # The first eight of the test split as they come, good and bad.
    probabilities, predicted = model.predict(X[:8], verbose=0)
    truth = (labels[:8], boxes[:8])
    save(
        kb.plot_prediction(X[:8], truth, (probabilities, predicted), columns=4, **look),
        "predictions.jpg",
    )


def save(figure, name: str) -> None:
    figure.savefig(IMAGES / name, dpi=80, pil_kwargs={"quality": 85})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
