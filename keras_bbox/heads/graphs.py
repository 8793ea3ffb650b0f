"""Copies of Keras models, laid out as one flat graph of layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import keras


class Step(NamedTuple):
    """One call of a layer (or of a bare `keras.ops` operation) on symbolic tensors."""

    operation: Any
    inputs: list[Any]
    outputs: list[Any]


class Graph(NamedTuple):
    """A model without nesting: its steps in the order they run, its input and its output."""

    steps: list[Step]
    input: Any
    output: Any

    def steps_to(self, tensor: Any) -> list[Step]:
        """The steps that `tensor` depends on, in the order they run."""
        needed, steps = {id(tensor)}, []
        for step in reversed(self.steps):
            if any(id(output) in needed for output in step.outputs):
                needed.update(id(value) for value in step.inputs)
                steps.append(step)
        return steps[::-1]

    def steps_after(self, tensor: Any) -> list[Step]:
        """The steps that `tensor` does not depend on: what the model does with it."""
        before = {id(step) for step in self.steps_to(tensor)}
        return [step for step in self.steps if id(step) not in before]

    def chain(self) -> list[Step]:
        """The steps back from the output for as long as each has a single input tensor."""
        maker = {id(output): step for step in self.steps for output in step.outputs}
        chain, step = [], maker.get(id(self.output))
        while step is not None and len(step.inputs) == 1:
            chain.append(step)
            step = maker.get(id(step.inputs[0]))
        return chain


class _LayerCopies:
    """Hands out one copy of each layer, under a name that is free in the new graph."""

    def __init__(self, reserved_names: Iterable[str]):
        self._names = set(reserved_names)
        self._copies: dict[int, tuple[Any, Any]] = {}

    def free_name(self, name: str) -> str:
        free, count = name, 0
        while free in self._names:
            count += 1
            free = f"{name}_{count}"
        self._names.add(free)
        return free

    def of(self, layer: Any) -> Any:
        if id(layer) not in self._copies:
            copy = _copy_layer(layer)
            copy.name = self.free_name(layer.name)
            self._copies[id(layer)] = (layer, copy)
        return self._copies[id(layer)][1]

    def take_over_weights(self) -> None:
        for layer, copy in self._copies.values():
            if isinstance(layer, keras.Layer):
                _take_over_weights(layer, copy)


def copy_graph(model: keras.Model, reserved_names: Iterable[str] = ()) -> Graph:
    """Rebuilds `model` from copies of its layers, nested models laid out flat.

    The copies have the weights and the `trainable` flags of the originals, which stay as they
    are. A nested model with several inputs or outputs stays one layer.

    Args:
        model: Functional or built Sequential model, one image in, one tensor out.
        reserved_names: Names that no copy may bear. A copy gets a number instead.

    Returns:
        The new graph.

    Raises:
        TypeError: If the model has no graph, or a layer cannot be copied from its config.
        ValueError: If the model is not built, or has not one image input and one output.
    """
    view = _check_one_image_in_one_tensor_out(model)
    copies = _LayerCopies(reserved_names)
    steps: list[Step] = []
    image = view.inputs[0]
    name = next(op.name for op in view.operations if isinstance(op, keras.layers.InputLayer))
    # A Sequential that was built by a call has the size of that batch; the copy takes any.
    new_input = keras.Input(image.shape[1:], dtype=image.dtype, name=copies.free_name(name))
    output = _replay(view, new_input, copies, steps)
    copies.take_over_weights()
    return Graph(steps, new_input, output)


def plain_view(model: Any) -> Any:
    """A second, uncompiled Functional model on the same layers; None if there is no graph.

    Cloning a compiled model also revives its loss and optimizer, which fails for own functions
    that were never registered.
    """
    is_built_sequential = isinstance(model, keras.Sequential) and hasattr(model, "outputs")
    is_functional = isinstance(model, keras.Model) and isinstance(model, keras.Function)
    if not (is_built_sequential or is_functional):
        return None
    view = keras.Model(model.inputs, model.outputs)
    # A class of its own with its own `call` does something else than its graph says.
    return view if type(model).call in (keras.Sequential.call, type(view).call) else None


def freeze(layer: keras.Layer) -> None:
    """Stops `layer`, and all layers inside it, from training."""
    # With TensorFlow a flag that is set to the value it has does not reach the layers inside.
    layer.trainable = True
    layer.trainable = False


def _replay(view: Any, tensor: Any, copies: _LayerCopies, steps: list[Step]) -> Any:
    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        inner = plain_view(layer)
        if inner is not None and len(inner.inputs) == len(inner.outputs) == 1:
            return _replay(inner, keras.tree.flatten(args)[0], copies, steps)
        copy = copies.of(layer)
        outputs = copy(*args, **kwargs)
        steps.append(Step(copy, _tensors_in((args, kwargs)), _tensors_in(outputs)))
        return outputs

    count = len(steps)
    # The hook is handed the given layers themselves; only their copies are called.
    keras.models.clone_model(
        view, input_tensors=[tensor], clone_function=lambda layer: layer, call_function=call
    )
    # The one output has depth 0 in the graph, so its step is always the last to run.
    return steps[-1].outputs[0] if len(steps) > count else tensor


def _copy_layer(layer: Any) -> Any:
    if type(layer) is keras.layers.Lambda:  # its config holds code, which Keras will not load
        return keras.layers.Lambda(
            layer.function, mask=layer.mask, arguments=layer.arguments, dtype=layer.dtype_policy
        )
    try:
        return type(layer).from_config(layer.get_config())
    except (NotImplementedError, TypeError, ValueError) as error:
        raise TypeError(
            "Every layer of `model` must be rebuildable from its config, because the head goes on "
            "a copy. Give the layer's class a `get_config` with all arguments of its constructor. "
            f"Received: layer={layer.name!r} of class {type(layer).__name__}"
        ) from error


def _take_over_weights(layer: keras.Layer, copy: keras.Layer) -> None:
    if not layer.trainable:
        freeze(copy)
    for weight, new_weight in zip(layer.weights, copy.weights, strict=True):
        # JAX would share the array, and training the copy would delete it under the original.
        new_weight.assign(keras.ops.copy(weight))
        new_weight.trainable = weight.trainable
    if isinstance(copy, keras.layers.Normalization):
        copy.finalize_state()  # it computes with constants made from its weights


def _check_one_image_in_one_tensor_out(model: Any) -> Any:
    received = f"Received: model={getattr(model, 'name', model)!r} of class {type(model).__name__}"
    if isinstance(model, keras.Sequential) and not hasattr(model, "outputs"):
        raise ValueError(
            "`model` must be built. Start it with `keras.Input(shape=(height, width, channels))`, "
            f"or call it on a batch of images. {received}"
        )
    view = plain_view(model)
    if view is None:
        raise TypeError(
            "`model` must be a Functional or Sequential keras.Model: the features are found in "
            "its graph. Wrap what you have, "
            f"`keras.Model(images, model(images))`, or rebuild it functionally. {received}"
        )
    if len(view.inputs) != 1 or len(view.outputs) != 1 or len(view.inputs[0].shape) != 4:
        raise ValueError(
            "`model` must have one input, images of shape (batch, height, width, channels), and "
            "one output. Pick them with `keras.Model(images, output)`. "
            f"{received}, inputs of shape {[value.shape for value in view.inputs]}, outputs of "
            f"shape {[value.shape for value in view.outputs]}"
        )
    return view


def _tensors_in(structure: Any) -> list[Any]:
    leaves = keras.tree.flatten(structure)
    return [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]
