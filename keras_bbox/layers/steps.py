"""Which steps run on batches, and how steps are written into a layer's config."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import keras

from keras_bbox import augment
from keras_bbox.layers.filters import FILTERS

_DRAWING = ("matrix", "view", "color_matrix", "filter")
_CHOOSING = (augment.RandomApply, augment.OneOf, augment.SomeOf, augment.RandAugment)


def check_batch_steps(steps: Sequence[Any]) -> tuple[Any, ...]:
    """Returns the steps as a tuple, or raises for one that cannot run on a batch."""
    for step in steps:
        if type(step) in _CHOOSING:
            check_batch_steps(_steps_of(step))
        elif hasattr(step, "choose"):
            _refuse(step, "chooses for one image")
        elif hasattr(step, "filter") and type(step) not in FILTERS:
            _refuse(step, "filters one image")
        elif not any(hasattr(step, method) for method in _DRAWING):
            raise TypeError(
                "A step is an object of kb.augment. Wrap a function that draws a matrix: "
                "kb.augment.Spatial(function) or kb.augment.Color(function). "
                f"Received: step={step!r}"
            )
    return tuple(steps)


def _refuse(step: Any, reason: str) -> None:
    raise ValueError(
        f"BoxAugmentation runs the filters and choices of kb.augment, and {type(step).__name__} "
        f"{reason}. Put it into a kb.augment.Pipeline, which works image by image "
        f"(BoundingBoxSequence takes one), or leave it out. Received: step={step!r}"
    )


def _steps_of(choice: Any) -> Sequence[Any]:
    if isinstance(choice, augment.RandAugment):
        choice = choice.as_some_of()
    return (choice.step,) if isinstance(choice, augment.RandomApply) else choice.steps


def moves_pixels(steps: Sequence[Any]) -> bool:
    """Whether there is a spatial step among them."""
    return any(
        moves_pixels(_steps_of(step))
        if isinstance(step, _CHOOSING)
        else hasattr(step, "view") or hasattr(step, "matrix")
        for step in steps
    )


def step_to_config(step: Any) -> dict[str, Any]:
    """Returns a step as the name of its class and its fields.

    Args:
        step: A step of ``kb.augment``, or of a registered class with a ``get_config``.

    Returns:
        Plain numbers, strings, lists and dicts.

    Raises:
        ValueError: If the step is of another class, or holds a function.
    """
    name = type(step).__name__
    if getattr(augment, name, None) is type(step):
        fields = {field.name: getattr(step, field.name) for field in dataclasses.fields(step)}
    elif hasattr(step, "get_config"):
        name, fields = keras.saving.get_registered_name(type(step)), step.get_config()
    else:
        _refuse_to_save(step)
    values = {key: _value_to_config(value, step) for key, value in fields.items()}
    return {"class_name": name, "fields": values}


def _refuse_to_save(step: Any) -> NoReturn:
    raise ValueError(
        "A function, or a step of a class that is not registered, cannot be saved. Write a class "
        "with a method `matrix` or `color_matrix` and a `get_config`, and register it with "
        f"keras.saving.register_keras_serializable. Received: step={step!r}"
    )


def _value_to_config(value: Any, step: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_value_to_config(part, step) for part in value]
    if any(hasattr(value, method) for method in _DRAWING) or isinstance(value, _CHOOSING):
        return step_to_config(value)
    if callable(value):
        _refuse_to_save(step)
    return value


def step_from_config(config: Mapping[str, Any]) -> Any:
    """Returns the step that ``step_to_config`` wrote.

    Args:
        config: The name of its class and its fields.

    Returns:
        An equal step.

    Raises:
        ValueError: If no such class is known.
    """
    name = config["class_name"]
    cls = getattr(augment, name, None) or keras.saving.get_registered_object(name)
    if cls is None:
        raise ValueError(
            "A step's class must be known when its layer is loaded. Import the module that "
            "registers it with keras.saving.register_keras_serializable. "
            f"Received: class_name={name!r}"
        )
    return cls(**{key: _value_from_config(value) for key, value in config["fields"].items()})


def _value_from_config(value: Any) -> Any:
    if isinstance(value, Mapping):
        return step_from_config(value)
    return tuple(map(_value_from_config, value)) if isinstance(value, list | tuple) else value
