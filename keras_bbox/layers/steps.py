"""Which steps run on batches, and how steps are written into a layer's config."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_bbox import augment

_LOOK_AT_BOXES = (augment.RandomBoxSafeCrop, augment.RandomIOUCrop)
_CHOICES = (augment.RandomApply, augment.OneOf)
_DRAWING = ("matrix", "view", "color_matrix")


def check_batch_steps(steps: Sequence[Any]) -> tuple[Any, ...]:
    """Returns the steps as a tuple, or raises for one that cannot run on a batch."""
    for step in steps:
        if isinstance(step, _CHOICES):
            check_batch_steps(_steps_of(step))
        elif hasattr(step, "filter"):
            _refuse(step, "works on pixels with their neighbors or a table")
        elif isinstance(step, _LOOK_AT_BOXES):
            _refuse(step, "looks for a place that suits the boxes of one image")
        elif hasattr(step, "choose"):
            _refuse(step, "puts its steps in another order for each image")
        elif not any(hasattr(step, method) for method in _DRAWING):
            raise TypeError(
                "A step is an object of kb.augment that draws a matrix. Wrap a function: "
                "kb.augment.Spatial(function) or kb.augment.Color(function). "
                f"Received: step={step!r}"
            )
    return tuple(steps)


def _refuse(step: Any, reason: str) -> None:
    raise ValueError(
        f"BoxAugmentation runs steps that draw a matrix, and {type(step).__name__} {reason}. Put "
        "it into a kb.augment.Pipeline, which works image by image (BoundingBoxSequence takes "
        f"one), or leave it out. Received: step={step!r}"
    )


def _steps_of(choice: Any) -> Sequence[Any]:
    return (choice.step,) if isinstance(choice, augment.RandomApply) else choice.steps


def moves_pixels(steps: Sequence[Any]) -> bool:
    """Whether there is a spatial step among them."""
    return any(
        moves_pixels(_steps_of(step))
        if isinstance(step, _CHOICES)
        else not hasattr(step, "color_matrix")
        for step in steps
    )


def step_to_config(step: Any) -> dict[str, Any]:
    """Returns a step as the name of its class and its fields.

    Args:
        step: A dataclass.

    Returns:
        Plain numbers, strings, lists and dicts.

    Raises:
        ValueError: If a field holds a function, or the step is no dataclass.
    """
    if not dataclasses.is_dataclass(step):
        raise ValueError(
            "Only a step that is a dataclass can be saved. Decorate its class with "
            f"@dataclass(frozen=True). Received: step={step!r}"
        )
    fields = {field.name: getattr(step, field.name) for field in dataclasses.fields(step)}
    name = type(step).__name__
    if getattr(augment, name, None) is not type(step):
        name = keras.saving.get_registered_name(type(step))
    values = {key: _value_to_config(value, step) for key, value in fields.items()}
    return {"class_name": name, "fields": values}


def _value_to_config(value: Any, step: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_value_to_config(part, step) for part in value]
    if dataclasses.is_dataclass(value):
        return step_to_config(value)
    if callable(value):
        raise ValueError(
            "A step that holds a function cannot be saved. Write a class in its place: a "
            "dataclass with a method `matrix` or `color_matrix`, registered with "
            f"keras.saving.register_keras_serializable. Received: step={step!r}"
        )
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
