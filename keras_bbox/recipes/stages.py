"""Stages of a training: stretches with one compilation each."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras

from keras_bbox.metrics import IOUAccuracy, MeanIOU
from keras_bbox.recipes.apart import train_apart
from keras_bbox.recipes.progress import AddEpoch, CallbacksOf, Progress, SaveState
from keras_bbox.recipes.warm_up import Halves, Store, echo_epoch, halve

MONITOR = "val_bbox_prediction_mean_iou"


class Stage(NamedTuple):
    """What tells one stage from another."""

    name: str
    epochs: int
    learning_rate: float
    final_rate: float
    repeats: int = 1
    average: float = 0.0


class Settings(NamedTuple):
    """What all stages share."""

    train: Any
    val: Any
    box_loss: keras.losses.Loss
    loss_weights: tuple[float, float]
    patience: int | None
    callbacks: list[keras.callbacks.Callback]
    verbose: str | int


def run(stage: Stage, model: keras.Model, settings: Settings, progress: Progress) -> None:
    """Trains the model for the epochs of a stage that are not behind it yet.

    What is trained has the layers of `model`, but may end otherwise; what is judged, kept, and
    shown to callbacks is `model`.
    """
    trained = train_apart(model)
    halves = halve(trained) if stage.repeats > 1 else None
    batches = len(settings.train) * (stage.repeats if halves else 1)
    _compile(model, _optimizer(stage, batches), settings)
    # With half precision, compiling has put a scale of the loss round the optimizer: one for all.
    for one in (trained, halves.upper) if halves else (trained,):
        _compile(one, model.optimizer, settings)
    if progress.epochs_of(stage.name):
        progress.load_state(trained)
    if halves:
        _echo(stage, model, trained, halves, settings, progress)
    else:
        _fit(stage, model, trained, settings, progress)


def _fit(
    stage: Stage, model: keras.Model, trained: keras.Model, settings: Settings, progress: Progress
) -> None:
    is_last = stage.name != "warm-up"
    # The order counts: the state is that of the trained weights, the best is that of the average.
    callbacks: list[keras.callbacks.Callback] = [SaveState(progress)]
    if stage.average:
        callbacks.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    patience = settings.patience if is_last else None
    seen = [AddEpoch(progress, stage.name, MONITOR, patience)]
    callbacks.append(CallbacksOf(model, seen + (settings.callbacks if is_last else [])))
    done = progress.epochs_of(stage.name)
    has_stopped = patience is not None and 0 < patience <= progress.epochs_since_best(stage.name)
    if done < stage.epochs and not has_stopped:
        trained.fit(
            settings.train,
            validation_data=settings.val,
            initial_epoch=done,
            epochs=stage.epochs,
            shuffle=False,  # the sequence shuffles its samples
            callbacks=callbacks,
            verbose=settings.verbose,
        )
        model.history = trained.history


def _echo(
    stage: Stage,
    model: keras.Model,
    trained: keras.Model,
    halves: Halves,
    settings: Settings,
    progress: Progress,
) -> None:
    add = AddEpoch(progress, stage.name, MONITOR, patience=None)
    add.set_model(model)
    store = Store()
    for epoch in range(progress.epochs_of(stage.name), stage.epochs):
        logs = echo_epoch(halves, settings.train, store, stage.repeats, [epoch], settings.verbose)
        if settings.val is not None:
            found = model.evaluate(settings.val, return_dict=True, verbose=settings.verbose)
            logs |= {f"val_{name}": value for name, value in found.items()}
        progress.save_state(trained)
        add.on_epoch_end(epoch, logs)


def _optimizer(stage: Stage, batches: int) -> keras.optimizers.Optimizer:
    steps = batches * stage.epochs
    rise = min(batches, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(steps - rise, 1),
        alpha=stage.final_rate / stage.learning_rate if stage.learning_rate else 0.0,
        warmup_target=stage.learning_rate,
        warmup_steps=rise,
    )
    # One extreme photo must not throw the weights about.
    return keras.optimizers.Adam(
        rate, global_clipnorm=5.0, use_ema=stage.average > 0, ema_momentum=stage.average or 0.99
    )


def _compile(model: keras.Model, optimizer: keras.optimizers.Optimizer, settings: Settings) -> None:
    # A score, the third output, learns nothing.
    rest = [None] * (len(model.outputs) - 2)
    model.compile(
        optimizer=optimizer,
        loss=["sparse_categorical_crossentropy", settings.box_loss, *rest],
        loss_weights=[*settings.loss_weights, *rest],
        metrics=[["accuracy"], [MeanIOU(), IOUAccuracy(threshold=0.5)], *rest],
    )
