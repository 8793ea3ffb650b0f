"""Branches trained apart: each as if it were alone; what is judged is their mean."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from squares import Squares, localizer, same, still, weights

import keras_bbox as kb
from keras_bbox.recipes.apart import ApartTrainer, features_of, find_box_head, train_apart

# Keras reads TensorFlow variables in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X, Y = Squares(1)[0]
WEIGHTS = tuple(np.linspace(0, 2, 8).astype("float32")[::step] for step in (1, -1))
COMPILED = {
    "loss": ["sparse_categorical_crossentropy", kb.losses.LocalizationLoss()],
    "metrics": [["accuracy"], [kb.MeanIOU(), kb.IOUAccuracy(threshold=0.3)]],
    "run_eagerly": True,
}


def boxes_of(model, index):
    """A model on the layers of another, whose boxes are those of one branch."""
    head = find_box_head(model)
    branch = head.get_layer(f"branch_{index}")
    (found,) = keras.tree.flatten(branch(head.inputs))
    boxes = keras.Model(head.inputs, found)(features_of(head))
    return keras.Model(model.inputs[0], [model.outputs[0], boxes])


@pytest.mark.parametrize("loss", [kb.losses.LocalizationLoss(), "mse"], ids=["ours", "keras"])
def test_each_branch_learns_from_every_image_as_if_it_were_alone(loss):
    together = still(localizer(spatial=True))
    losses = ["sparse_categorical_crossentropy", loss]
    trained = train_apart(together)
    # The mean over both branches gives each half of the gradient.
    trained.compile(keras.optimizers.SGD(0.2), losses, run_eagerly=True)
    trained.train_on_batch(X, Y, sample_weight=WEIGHTS)
    for index in range(2):
        one = still(localizer(spatial=True))
        before = weights(find_box_head(one).get_layer(f"branch_{index}"))
        alone = boxes_of(one, index)
        alone.compile(keras.optimizers.SGD(0.1), losses, run_eagerly=True)
        alone.train_on_batch(X, Y, sample_weight=WEIGHTS)
        found, expected = (
            weights(find_box_head(model).get_layer(f"branch_{index}")) for model in (together, one)
        )
        assert not same(before, expected)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize(
    "sample_weight", [None, WEIGHTS, WEIGHTS[0]], ids=["equal", "weighted", "as one"]
)
def test_what_is_judged_is_the_mean(sample_weight):
    model = localizer(spatial=True)
    trained = train_apart(model)
    assert isinstance(trained, ApartTrainer) and trained.output_names == model.output_names
    first, second = (boxes_of(model, index).predict(X, verbose=0)[1] for index in range(2))
    boxes = model.predict(X, verbose=0)[1]
    np.testing.assert_allclose(boxes, (first + second) / 2, atol=1e-6)
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_allclose(
        trained.predict(X, verbose=0)[1], np.stack([boxes, boxes], axis=1), atol=1e-6
    )
    found = []
    for one in (model, trained):
        one.compile("sgd", **COMPILED)
        options = {"sample_weight": sample_weight, "return_dict": True, "verbose": 0}
        found.append(one.evaluate(X, Y, **options))
    assert found[0] == pytest.approx(found[1], abs=1e-5) and len(found[0]) == 6


@pytest.mark.parametrize("options", [{"branches": 1, "spatial": True}, {}], ids=["one", "plain"])
def test_what_has_no_branches_is_trained_as_it_is(options):
    model = localizer(**options)
    assert train_apart(model) is model


def test_a_score_is_left_out_of_training():
    model = localizer(spatial=True, box_score=True)
    assert [output.shape for output in train_apart(model).outputs] == [(None, 2), (None, 2, 4)]
