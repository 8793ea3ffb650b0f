"""What a training has reached: its logs, the best weights, and all that resuming needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

HISTORY, PROGRESS, BEST = "history.csv", "progress.json", "best.weights.h5"


class Progress:
    """How far a training has come, in memory and, where a folder is given, on disk."""

    def __init__(self, folder: Path | None, plan: dict[str, Any]) -> None:
        self.folder = folder
        self.plan = json.loads(json.dumps(plan, default=str))  # as it is read back
        self.logs: list[dict[str, Any]] = []
        self.scores: list[float] = []
        self._best: list[np.ndarray] | None = None
        self._seeds: list[list[int]] = []
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._read(folder / PROGRESS)

    def epochs_of(self, stage: str) -> int:
        return sum(row["stage"] == stage for row in self.logs)

    def epochs_since_best(self, stage: str) -> int:
        scores = self.scores[len(self.scores) - self.epochs_of(stage) :]
        return len(scores) - 1 - int(np.argmax(scores)) if scores else 0

    def table(self) -> pd.DataFrame:
        return pd.DataFrame(self.logs)

    def save_state(self, model: keras.Model) -> None:
        """Writes the weights and the optimizer's state at the end of an epoch."""
        self._seeds = [np.array(state.numpy()).tolist() for state in _seed_states(model)]
        if self.folder is not None:
            model.save_weights(self._state_file(len(self.logs) + 1))

    def load_state(self, model: keras.Model) -> None:
        """Reads what was written at the end of the last epoch."""
        model.optimizer.build(model.trainable_variables)
        model.load_weights(self._state_file(len(self.logs)))
        for state, value in zip(_seed_states(model), self._seeds, strict=True):
            state.assign(np.array(value, "uint32"))

    def add_epoch(self, model: keras.Model, logs: dict[str, Any], score: float) -> None:
        """Notes an epoch, and keeps the weights of `model` if it is the best so far."""
        is_best = score > max(self.scores, default=-np.inf)
        self.logs.append(logs)
        self.scores.append(score)
        if is_best:
            self._best = model.get_weights()
        if self.folder is not None:
            self._write(self.folder, model, is_best)

    def restore_best(self, model: keras.Model) -> None:
        if self._best is not None:
            model.set_weights(self._best)
        elif self.folder is not None and self.logs:
            _without_optimizer(model).load_weights(self.folder / BEST)

    def _write(self, folder: Path, model: keras.Model, is_best: bool) -> None:
        if is_best:
            _without_optimizer(model).save_weights(folder / BEST)
        self.table().to_csv(folder / HISTORY, index=False)
        state = {
            "plan": self.plan,
            "logs": self.logs,
            "scores": self.scores,
            "seeds": self._seeds,
        }
        # In one go: a stop in the middle must not leave half a file.
        unfinished = (folder / PROGRESS).with_suffix(".unfinished")
        unfinished.write_text(json.dumps(state))
        unfinished.replace(folder / PROGRESS)
        for path in folder.glob("epoch-*.weights.h5"):
            if path != self._state_file(len(self.logs)):
                path.unlink()

    def _read(self, path: Path) -> None:
        if not path.exists():
            return
        state = json.loads(path.read_text())
        changed = [name for name in self.plan if state["plan"].get(name) != self.plan[name]]
        if changed:
            name = changed[0]
            raise ValueError(
                "A training resumes with the settings it began with. Give the same, or another "
                f"folder as checkpoint. Received: {name}={self.plan[name]!r}, and "
                f"{state['plan'].get(name)!r} in '{path}'"
            )
        self.logs, self.scores, self._seeds = state["logs"], state["scores"], state["seeds"]

    def _state_file(self, epoch: int) -> Path:
        assert self.folder is not None
        return self.folder / f"epoch-{epoch}.weights.h5"


def _without_optimizer(model: keras.Model) -> keras.Model:
    return keras.Model(model.inputs, model.outputs)


def _seed_states(model: keras.Model) -> list[keras.Variable]:
    """What dropout and its like draw from next: Keras does not save it with the weights."""
    weights = {id(weight) for weight in model.weights}
    rest = [value for value in model.variables if id(value) not in weights]
    return [value for value in rest if value.name == "seed_generator_state"]


class SaveState(keras.callbacks.Callback):
    """Saves the weights that are trained, before their average takes their place."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.progress.save_state(self.model)


class AddEpoch(keras.callbacks.Callback):
    """Notes the logs and the score of each epoch, and stops when the score has not risen."""

    def __init__(self, progress: Progress, stage: str, monitor: str, patience: int | None) -> None:
        super().__init__()
        self.progress = progress
        self.stage = stage
        self.monitor = monitor
        self.patience = patience

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        row: dict[str, Any] = {"epoch": len(self.progress.logs) + 1, "stage": self.stage}
        row |= {name: float(value) for name, value in (logs or {}).items()}
        row["learning_rate"] = float(self.model.optimizer.learning_rate)
        # Without validation the last epoch is the best.
        score = row.get(self.monitor, float(row["epoch"]))
        self.progress.add_epoch(self.model, row, score)
        if self.patience is not None:
            waited = self.progress.epochs_since_best(self.stage)
            self.model.stop_training |= waited >= self.patience


class CallbacksOf(keras.callbacks.CallbackList):
    """Callbacks that see one model, and may stop it, while another on its layers is trained."""

    def __init__(self, model: keras.Model, callbacks: list[keras.callbacks.Callback]) -> None:
        self.shown = model
        self.is_watched = any(map(_looks_at_batches, callbacks))
        super().__init__(callbacks)

    def set_model(self, model: Any) -> None:
        self.trained = model
        super().set_model(self.shown)

    def on_train_begin(self, logs: Any = None) -> None:
        self.shown.stop_training = False
        super().on_train_begin(logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._fill()
        super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._fill()
        super().on_train_batch_end(batch, logs)
        self.trained.stop_training = self.shown.stop_training

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._fill()
        super().on_test_batch_begin(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._fill()
        super().on_test_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_end(epoch, logs)
        self.trained.stop_training = self.shown.stop_training

    def _fill(self) -> None:
        # Within an epoch, JAX holds the values of the variables elsewhere.
        if self.is_watched and hasattr(self.trained, "jax_state_sync"):
            self.trained.jax_state_sync()


def _looks_at_batches(callback: keras.callbacks.Callback) -> bool:
    kinds = ("batch", "train_batch", "test_batch")
    hooks = [f"on_{kind}_{when}" for kind in kinds for when in ("begin", "end")]
    own, default = type(callback), keras.callbacks.Callback
    return any(getattr(own, hook) is not getattr(default, hook) for hook in hooks)
