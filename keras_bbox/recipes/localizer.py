"""The recipe for a localizer: the heads first, then from the top of the backbone downwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from keras_bbox.losses import LocalizationLoss
from keras_bbox.recipes.balance import Balanced, weights_of_classes
from keras_bbox.recipes.progress import Progress
from keras_bbox.recipes.stages import Settings, Stage, run


def fit_localizer(
    model: keras.Model,
    train: Any,
    val: Any = None,
    *,
    epochs: int = 26,
    warm_up: int = 7,
    repeats: int = 6,
    thaw: float = 0.5,
    learning_rate: float = 1e-3,
    fine_tune_rate: float = 1e-4,
    box_loss: keras.losses.Loss | None = None,
    loss_weights: tuple[float, float] = (1.0, 1.0),
    class_weights: str | Mapping[str, float] | None = "balanced",
    average: float = 0.98,
    patience: int | None = None,
    checkpoint: str | PathLike[str] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: str | int = "auto",
) -> pd.DataFrame:
    """Trains a model from `add_localization_head`, and leaves it with the best weights it had.

    A model with frozen layers is trained in two stages. While it *warms up*, only what is not
    frozen learns, so that new heads do not shake trained features. As the backbone stays the same,
    what it gave is used several times (Choi et al., "Faster Neural Network Training with Data
    Echoing", 2019): up to 2 GiB of features of the latest epochs are held and drawn from. (Where
    even one epoch is more, set `repeats=1`.) Then the model is *fine-tuned*: the upper layers of
    the backbone thaw, except batch normalization, which keeps its statistics. A model without
    frozen layers has one stage, `"train"`, at the full learning rate.

    The branches of a spatial head are trained apart: each learns from every image as if it were
    alone, and what is judged is the mean of their boxes.

    Within a stage the learning rate rises over the first steps and falls along a cosine (Loshchilov
    and Hutter, "SGDR", ICLR 2017). What is judged and kept of the last stage is the moving average
    of the weights. The best epoch is the one with the highest mean IoU on `val`; without
    `val` it is the last.

    Augmentation, and which of several boxes is learned, are matters of the sequence:
    `BoundingBoxSequence(..., augment=kb.augment.default_policy(), target="largest")`.

    Args:
        model: The model; outputs `class_prediction`, `bbox_prediction` and perhaps `box_score`.
            It is compiled here, and trained in place.
        train: A `BoundingBoxSequence` in the format `rel_xyxy`, or with `class_weights=None` any
            other data set of batches `(X, (y_class, y_bbox))` that knows its length.
        val: The same for validation, or None.
        epochs: Epochs of fine-tuning, or of the one stage.
        warm_up: Epochs before it, if some layers are frozen.
        repeats: Steps made for each batch that goes through the frozen backbone; 1 to train on
            fresh features only.
        thaw: Share of the frozen layers that thaw, counted from the top: 1 for all, 0 for none.
        learning_rate: Rate of Adam where layers learn from the start.
        fine_tune_rate: Highest rate once trained layers take part.
        box_loss: Loss of the boxes, `(B, 4)`, or `(B, branches, 4)` of a head that has several;
            None for `LocalizationLoss()`.
        loss_weights: What the class and the box count.
        class_weights: "balanced" lets samples of rare classes count more, by the root of how rare
            they are; a mapping gives the weight of each class name; None weighs all alike.
        average: Momentum of the moving average, from 0, no average, to under 1.
        patience: Epochs of the last stage without a new best after which it ends; None for all.
        checkpoint: A folder to keep progress in after each epoch. Called again with the same
            arguments, on a model built alike, the training goes on where it stopped. (Features that
            were held are lost; after a stop in the warm-up the end differs a little.)
        callbacks: Further callbacks, for the last stage; what was measured comes in their `logs`.
        verbose: As in `fit`.

    Returns:
        The history, one row an epoch, with the columns `epoch`, `stage`, `learning_rate` and the
        logs of `fit`; `kb.plot_history` draws it.

    Raises:
        ValueError: If an argument is out of range, a sequence has another format, or the folder
            holds a training with other epochs, rates, losses or weights.

    Example:
        >>> import keras, tempfile
        >>> import keras_bbox as kb
        >>> folder = tempfile.mkdtemp() + "/snacks"
        >>> _ = kb.datasets.make_snacks(24, image_size=48, directory=folder)
        >>> table = kb.annotations.read_csv(folder + "/annotations-train.csv")
        >>> train = kb.BoundingBoxSequence(
        ...     table, folder + "/train", image_size=(32, 32), target="largest")
        >>> backbone = keras.Sequential([
        ...     keras.Input((32, 32, 3)), keras.layers.Conv2D(8, 3, strides=8)])
        >>> model = kb.add_localization_head(backbone, len(train.class_names))
        >>> history = kb.fit_localizer(model, train, epochs=2, warm_up=1, verbose=0)
        >>> history["stage"].tolist()
        ['warm-up', 'fine-tune', 'fine-tune']
    """
    _check_range("thaw", thaw, thaw <= 1)
    _check_range("average", average, average < 1)
    for name, data in (("train", train), ("val", val)):
        _check_format(name, data)
    loss = box_loss or LocalizationLoss()
    plan = {
        "epochs": epochs,
        "warm_up": warm_up,
        "repeats": repeats,
        "thaw": thaw,
        "learning_rate": learning_rate,
        "fine_tune_rate": fine_tune_rate,
        "average": average,
        "box_loss": _described(loss),
        "loss_weights": loss_weights,
        "class_weights": class_weights,
    }
    progress = Progress(None if checkpoint is None else Path(checkpoint), plan)
    if hasattr(train, "epoch") and progress.logs:
        train.epoch = len(progress.logs)
    if class_weights is not None:
        train = Balanced(train, weights_of_classes(class_weights, train))
    settings = Settings(train, val, loss, loss_weights, patience, list(callbacks), verbose)

    frozen = [layer for layer in model.layers if layer.weights and not layer.trainable]
    warming = Stage("warm-up", warm_up, learning_rate, fine_tune_rate, repeats=repeats)
    last = Stage("fine-tune", epochs, fine_tune_rate, 0.0, average=average)
    whole = Stage("train", epochs, learning_rate, 0.0, average=average)
    stages = [warming, last] if frozen else [whole]
    for stage in stages:
        if stage.name == "fine-tune":
            _thaw(frozen, thaw)
        is_over = stage is not stages[-1] and progress.epochs_of(stages[-1].name) > 0
        if stage.epochs and not is_over:
            run(stage, model, settings, progress)
    progress.restore_best(model)
    return progress.table()


def _thaw(frozen: list[keras.layers.Layer], share: float) -> None:
    count = round(share * len(frozen))
    for layer in frozen[len(frozen) - count :]:
        if not isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = True


def _described(loss: Any) -> list:
    """What tells a loss from others; not its name, which Keras counts up within a process."""
    if not isinstance(loss, keras.losses.Loss):
        return [getattr(loss, "__name__", str(loss))]
    config = {name: value for name, value in loss.get_config().items() if name != "name"}
    return [type(loss).__name__, config]


def _check_range(name: str, value: float, is_small_enough: bool) -> None:
    if not (value >= 0 and is_small_enough):
        raise ValueError(f"{name} must be from 0 to 1. Received: {name}={value!r}")


def _check_format(name: str, data: Any) -> None:
    layout = getattr(data, "bounding_box_format", "rel_xyxy")
    if layout != "rel_xyxy":
        raise ValueError(
            "The boxes of the spatial head are rel_xyxy, so those of the sequence must be too. "
            "Build it with bounding_box_format='rel_xyxy'. "
            f"Received: {name} with bounding_box_format={layout!r}"
        )
