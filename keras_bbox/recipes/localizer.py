"""The recipe for a localizer: the heads first, then from the top of the backbone downwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import keras
import pandas as pd

from keras_bbox.losses import LocalizationLoss
from keras_bbox.metrics import IOUAccuracy, MeanIOU
from keras_bbox.recipes.balance import Balanced, weights_of_classes
from keras_bbox.recipes.progress import AddEpoch, Progress, SaveState

MONITOR = "val_bbox_prediction_mean_iou"


class _Stage(NamedTuple):
    """A stretch of training with one compilation."""

    name: str
    epochs: int
    learning_rate: float
    averages: bool


def fit_localizer(
    model: keras.Model,
    train: Any,
    val: Any = None,
    *,
    epochs: int = 24,
    warm_up: int = 6,
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
    frozen learns, so that new heads do not shake trained features. Then it is *fine-tuned*: the
    upper layers of the backbone thaw, except batch normalization, which keeps its statistics. A
    model without frozen layers has one stage, `"train"`, at the full learning rate.

    Within the last stage the learning rate rises over the first steps and falls to 0 along a
    cosine (Loshchilov and Hutter, "SGDR", ICLR 2017), and what is judged and kept is the moving
    average of the weights. The best epoch is the one with the highest mean IoU on `val`; without
    `val` it is the last.

    Augmentation, and which of several boxes is learned, are matters of the sequence:
    `BoundingBoxSequence(..., augment=kb.augment.default_policy(), target="largest")`.

    Args:
        model: The model; outputs `class_prediction`, `bbox_prediction` and perhaps `box_score`.
            It is compiled here, and trained in place.
        train: A `BoundingBoxSequence` in the format `rel_xyxy`, or with `class_weights=None` any
            other data set of batches `(X, (y_class, y_bbox))`.
        val: The same for validation, or None.
        epochs: Epochs of fine-tuning, or of the one stage.
        warm_up: Epochs before it, if some layers are frozen.
        thaw: Share of the frozen layers that thaw, counted from the top: 1 for all, 0 for none.
        learning_rate: Rate of Adam where layers learn from the start.
        fine_tune_rate: Highest rate once trained layers take part.
        box_loss: Loss of the boxes; None for `LocalizationLoss()`.
        loss_weights: What the class and the box count.
        class_weights: "balanced" lets samples of rare classes count more, by the root of how rare
            they are; a mapping gives the weight of each class name; None weighs all alike.
        average: Momentum of the moving average, from 0, no average, to under 1.
        patience: Epochs of the last stage without a new best after which it ends; None for all.
        checkpoint: A folder to keep progress in after each epoch. Called again with the same
            arguments, on a model built alike, the training goes on where it stopped.
        callbacks: Further callbacks, for each stage.
        verbose: As in `fit`.

    Returns:
        The history, one row an epoch, with the columns `epoch`, `stage`, `learning_rate` and the
        logs of `fit`; `kb.plot_history` draws it.

    Raises:
        ValueError: If an argument is out of range, the sequence has another format, or the folder
            holds a training with other settings.

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
    _check_format(train)
    frozen = [layer for layer in model.layers if layer.weights and not layer.trainable]
    plan = {
        "epochs": epochs,
        "warm_up": warm_up,
        "thaw": thaw,
        "learning_rate": learning_rate,
        "fine_tune_rate": fine_tune_rate,
        "average": average,
    }
    progress = Progress(None if checkpoint is None else Path(checkpoint), plan)
    if hasattr(train, "epoch") and progress.logs:
        train.epoch = len(progress.logs)
    if class_weights is not None:
        train = Balanced(train, weights_of_classes(class_weights, train))

    stages = _stages(bool(frozen), epochs, warm_up, learning_rate, fine_tune_rate, average)
    for stage in stages:
        if stage.name == "fine-tune":
            _thaw(frozen, thaw)
        if stage is not stages[-1] and progress.epochs_of(stages[-1].name):
            continue
        _compile(model, _optimizer(stage, len(train), average), box_loss, loss_weights)
        _fit(model, train, val, stage, progress, patience, list(callbacks), verbose)
    progress.restore_best(model)
    return progress.table()


def _stages(
    has_frozen: bool, epochs: int, warm_up: int, rate: float, fine_rate: float, average: float
) -> list[_Stage]:
    averages = average > 0
    if not has_frozen:
        return [_Stage("train", epochs, rate, averages)]
    first = [_Stage("warm-up", warm_up, rate, False)] if warm_up else []
    last = [_Stage("fine-tune", epochs, fine_rate, averages)] if epochs else []
    return first + last


def _thaw(frozen: list[keras.layers.Layer], share: float) -> None:
    count = round(share * len(frozen))
    for layer in frozen[len(frozen) - count :]:
        if not isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = True


def _optimizer(stage: _Stage, batches: int, average: float) -> keras.optimizers.Optimizer:
    rate: Any = stage.learning_rate
    if stage.name != "warm-up":
        steps = batches * stage.epochs
        rise = min(batches, steps // 10)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(steps - rise, 1), warmup_target=stage.learning_rate, warmup_steps=rise
        )
    return keras.optimizers.Adam(
        rate, global_clipnorm=5.0, use_ema=stage.averages, ema_momentum=average or 0.99
    )


def _compile(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    box_loss: Callable | None,
    loss_weights: tuple[float, float],
) -> None:
    # A score, the third output, learns nothing.
    rest = len(model.outputs) - 2
    model.compile(
        optimizer=optimizer,
        loss=["sparse_categorical_crossentropy", box_loss or LocalizationLoss(), *[None] * rest],
        loss_weights=[*loss_weights, *[None] * rest],
        metrics=[["accuracy"], [MeanIOU(), IOUAccuracy(threshold=0.5)], *[None] * rest],
    )


def _fit(
    model: keras.Model,
    train: Any,
    val: Any,
    stage: _Stage,
    progress: Progress,
    patience: int | None,
    callbacks: list[keras.callbacks.Callback],
    verbose: str | int,
) -> None:
    done = progress.epochs_of(stage.name)
    if done:
        progress.load_state(model)
    is_last = stage.name != "warm-up"
    # The order counts: the state is that of the trained weights, the best is that of the average.
    own: list[keras.callbacks.Callback] = [SaveState(progress)]
    if stage.averages:
        own.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    own.append(AddEpoch(progress, stage.name, MONITOR, patience if is_last else None))
    if done < stage.epochs:
        model.fit(
            train,
            validation_data=val,
            initial_epoch=done,
            epochs=stage.epochs,
            shuffle=False,  # the sequence shuffles its samples
            callbacks=own + callbacks,
            verbose=verbose,
        )


def _check_range(name: str, value: float, is_small_enough: bool) -> None:
    if not (value >= 0 and is_small_enough):
        raise ValueError(f"{name} must be from 0 to 1. Received: {name}={value!r}")


def _check_format(train: Any) -> None:
    layout = getattr(train, "bounding_box_format", "rel_xyxy")
    if layout != "rel_xyxy":
        raise ValueError(
            "The boxes of the spatial head are rel_xyxy, so those of the sequence must be too. "
            "Build it with bounding_box_format='rel_xyxy'. "
            f"Received: bounding_box_format={layout!r}"
        )
