"""Draws what the steps of augmentation do to one picture.

python docs/make_steps_picture.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import keras_bbox as kb

SIZE = (128, 192)
a = kb.augment
STEPS = [
    a.RandomFlip(horizontal=1.0),
    a.RandomRotation(25),
    a.RandomScale(0.6, 0.7),
    a.RandomTranslation(0.2, 0.2),
    a.RandomShear(20),
    a.RandomPerspective(0.2),
    a.RandomQuarterTurn(),
    a.RandomTranspose(1.0),
    a.RandomCrop(0.6, 0.6),
    a.RandomResizedCrop(0.3, 0.5),
    a.RandomBoxSafeCrop(),
    a.RandomZoomOut(2.0, 2.5),
    a.Letterbox(128, 128),
    a.RandomBrightness(0.5),
    a.RandomContrast(0.5),
    a.RandomSaturation(0.9),
    a.RandomHue(90),
    a.RandomColorTemperature(0.4),
    a.Grayscale(),
    a.RandomChannelShuffle(),
    a.RandomGamma(2.0, 2.5),
    a.AutoContrast(),
    a.Equalize(),
    a.RandomSharpness(4.0),
    a.RandomBlur(2.0, 3.0),
    a.RandomMotionBlur(15),
    a.RandomNoise(60),
    a.RandomJPEG(3, 6),
    a.RandomErasing(3),
]


def main() -> None:
    sample, names = picture()
    panels = [("the picture", sample)]
    for k, step in enumerate(STEPS):
        pipeline = a.Pipeline([step], min_visibility=0.3)
        panels.append((type(step).__name__, pipeline(sample, np.random.default_rng([7, k]))))
    for k in range(6):
        panels.append(
            (
                f"default_policy, {k + 1}",
                a.default_policy()(sample, np.random.default_rng([8, k]), SIZE),
            )
        )
    figure, axes = plt.subplots(6, 6, figsize=(12, 10.4), layout="constrained")
    for ax, (title, shown) in zip(axes.flat, panels, strict=True):
        kb.plot_image(shown.image, shown.boxes, shown.labels, class_names=names, ax=ax)
        ax.set_title(title, fontsize=9)
    place = Path(__file__).parent / "images" / "steps.jpg"
    figure.savefig(place, dpi=80, pil_kwargs={"quality": 85})


def picture() -> tuple[a.Sample, tuple[str, ...]]:
    folder = tempfile.mkdtemp() + "/snacks"
    kb.datasets.make_snacks(12, image_size=SIZE, seed=3, directory=folder)
    table = kb.annotations.read_csv(folder + "/annotations-train.csv")
    sequence = kb.BoundingBoxSequence(
        table,
        folder + "/train",
        image_size=SIZE,
        shuffle=False,
        class_names=kb.datasets.SNACK_CLASSES,
    )
    X, (labels, boxes) = sequence[0]
    return a.Sample(X[0].astype("uint8"), boxes[:1], labels[:1]), kb.datasets.SNACK_CLASSES


if __name__ == "__main__":
    main()
