from __future__ import annotations

import keras
import numpy as np
import pytest
from oracles import gradient

from keras_bbox import overlap
from keras_bbox.boxes import FORMATS, convert_boxes
from keras_bbox.losses import (
    CIOULoss,
    DIOULoss,
    GIOULoss,
    IOULoss,
    LocalizationLoss,
    SmoothL1Loss,
)

MEASURES = {
    IOULoss: overlap.iou,
    GIOULoss: overlap.giou,
    DIOULoss: overlap.diou,
    CIOULoss: overlap.ciou,
}


def smooth_l1(y_true, y_pred, beta=0.05):
    """Of relative corners, number by number."""

    def bent(distance):
        return distance**2 / (2 * beta) if distance < beta else distance - beta / 2

    return np.vectorize(bent)(np.abs(np.float64(y_true) - y_pred)).mean(axis=-1)


LOSSES = {
    **{
        loss_class: lambda *boxes, measure=measure: 1 - measure(*boxes)
        for loss_class, measure in MEASURES.items()
    },
    SmoothL1Loss: smooth_l1,
    LocalizationLoss: lambda *boxes: 1 - overlap.giou(*boxes) + 5 * smooth_l1(*boxes),
}
every_loss = pytest.mark.parametrize("loss_class", LOSSES)
every_overlap = pytest.mark.parametrize("loss_class", MEASURES)


def random_boxes(seed, *shape):
    edges = np.random.default_rng(seed).uniform(0, 1, (*shape, 2, 2))
    return np.sort(edges, axis=-2).reshape(*shape, 4).astype("float32")


Y_TRUE, Y_PRED = random_boxes(0, 5), random_boxes(1, 5)
MANY_TRUE, MANY_PRED = random_boxes(2, 3, 3), random_boxes(3, 3, 3)


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


@every_loss
def test_a_loss_is_its_formula(loss_class):
    expected = LOSSES[loss_class](Y_TRUE, Y_PRED)
    each = loss_class(reduction="none")(Y_TRUE, Y_PRED)
    np.testing.assert_allclose(numbers(each), expected, atol=1e-6)
    assert float(loss_class()(Y_TRUE, Y_PRED)) == pytest.approx(expected.mean(), abs=1e-6)


@every_loss
def test_lists_are_arrays(loss_class):
    expected = float(loss_class()(Y_TRUE, Y_PRED))
    assert float(loss_class()(Y_TRUE.tolist(), Y_PRED.tolist())) == expected


@every_loss
def test_equal_boxes_cost_nothing(loss_class):
    assert float(loss_class()(Y_TRUE, Y_TRUE)) == 0


@every_loss
@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_each_row_has_a_weight(loss_class, shape):
    weights = np.arange(5.0)
    expected = (weights * LOSSES[loss_class](Y_TRUE, Y_PRED)).mean()
    found = loss_class()(Y_TRUE, Y_PRED, sample_weight=weights.reshape(shape))
    assert float(found) == pytest.approx(expected, abs=1e-6)


@every_loss
@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 3), (3, 3, 1)])
def test_weights_of_many_boxes_an_image(loss_class, shape):
    weights = np.arange(float(np.prod(shape))).reshape(shape)
    each = LOSSES[loss_class](MANY_TRUE, MANY_PRED)
    expected = (weights.reshape(3, -1) * each).mean()
    found = loss_class()(MANY_TRUE, MANY_PRED, sample_weight=weights)
    assert float(found) == pytest.approx(expected, abs=1e-6)


@every_loss
def test_empty_and_inverted_predictions_have_finite_gradients(loss_class):
    y_true = np.array([[0.2, 0.2, 0.6, 0.7]] * 5, "float32")
    y_pred = np.array(
        [
            [0.2, 0.2, 0.6, 0.7],
            [0.6, 0.7, 0.2, 0.2],
            [0.3, 0.3, 0.3, 0.3],
            [0.0, 0.0, 0.0, 0.0],
            [0.8, 0.8, 0.9, 0.9],
        ],
        "float32",
    )
    assert np.isfinite(gradient(lambda boxes: loss_class()(y_true, boxes), y_pred)).all()


@pytest.mark.parametrize("loss_class", [DIOULoss, CIOULoss])
def test_relative_boxes_are_measured_in_pixels_when_the_size_is_given(loss_class):
    measure = MEASURES[loss_class]
    expected = 1 - measure(Y_TRUE, Y_PRED, "rel_xyxy", height=30, width=100).mean()
    loss = loss_class(height=30, width=100)
    assert float(loss(Y_TRUE, Y_PRED)) == pytest.approx(expected, abs=1e-6)
    assert float(loss_class()(Y_TRUE, Y_PRED)) != pytest.approx(expected, abs=1e-4)


@every_overlap
def test_the_format_is_the_one_asked_for(loss_class):
    loss = loss_class("center_xywh", reduction="none")
    expected = 1 - MEASURES[loss_class](Y_TRUE, Y_PRED, "center_xywh")
    np.testing.assert_allclose(numbers(loss(Y_TRUE, Y_PRED)), expected, atol=1e-6)


@every_loss
def test_unknown_formats_are_refused(loss_class):
    with pytest.raises(ValueError, match="Received: bounding_box_format='yx'"):
        loss_class("yx")


@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("loss_class", [SmoothL1Loss, LocalizationLoss])
def test_distances_are_the_same_in_every_format(loss_class, layout):
    size = {"height": 30, "width": 100}
    y_true, y_pred = (
        convert_boxes(boxes, "rel_xyxy", layout, **size) for boxes in (MANY_TRUE, MANY_PRED)
    )
    loss = loss_class(layout, reduction="none", **size)
    expected = LOSSES[loss_class](MANY_TRUE, MANY_PRED)
    np.testing.assert_allclose(numbers(loss(y_true, y_pred)), expected, atol=1e-5)


@pytest.mark.parametrize("loss_class", [SmoothL1Loss, LocalizationLoss])
def test_distances_in_pixels_need_the_size(loss_class):
    with pytest.raises(ValueError, match="Received: bounding_box_format='xywh', height=None"):
        loss_class("xywh")
    with pytest.raises(ValueError, match="height=30, width=None"):
        loss_class("xyxy", height=30)


def test_a_bend_of_zero_is_the_mean_absolute_error():
    loss = SmoothL1Loss(beta=0, reduction="none")
    np.testing.assert_allclose(
        numbers(loss(Y_TRUE, Y_PRED)), np.abs(Y_TRUE - Y_PRED).mean(axis=-1), atol=1e-6
    )
    assert np.isfinite(gradient(lambda boxes: loss(Y_TRUE, boxes), Y_TRUE)).all()


def test_the_sum_is_made_of_what_was_asked_for():
    loss = LocalizationLoss(overlap="ciou", distance_weight=2, beta=0.3, reduction="none")
    expected = 1 - overlap.ciou(Y_TRUE, Y_PRED) + 2 * smooth_l1(Y_TRUE, Y_PRED, beta=0.3)
    np.testing.assert_allclose(numbers(loss(Y_TRUE, Y_PRED)), expected, atol=1e-6)
    alone = LocalizationLoss(overlap="iou", distance_weight=0, reduction="none")
    expected = 1 - overlap.iou(Y_TRUE, Y_PRED)
    np.testing.assert_allclose(numbers(alone(Y_TRUE, Y_PRED)), expected, atol=1e-6)


def test_the_distance_moves_a_box_that_the_overlap_leaves_alone():
    y_true = np.array([[0.1, 0.1, 0.3, 0.3]], "float32")
    y_pred = np.array([[0.9, 0.9, 0.6, 0.6]], "float32")  # inverted, and disjoint
    slope = gradient(lambda boxes: LocalizationLoss(overlap="iou")(y_true, boxes), y_pred)
    assert (slope > 0).all(), "every side is too far right or down"


@pytest.mark.parametrize(
    "arguments",
    [{"overlap": "area"}, {"distance_weight": -1}, {"beta": -0.1}, {"beta": float("nan")}],
    ids=str,
)
def test_what_the_sum_refuses(arguments):
    ((name, value),) = arguments.items()
    with pytest.raises(ValueError, match=f"Received: {name}={value!r}"):
        LocalizationLoss(**arguments)


@every_loss
def test_boxes_that_would_broadcast_are_refused(loss_class):
    with pytest.raises(ValueError, match="y_true and y_pred must have the same shape"):
        loss_class()(np.ones((3, 4)), np.ones((3, 1, 4)))


@every_loss
def test_half_width_predictions_are_measured_in_single_precision(loss_class):
    y_pred = keras.ops.cast(Y_PRED, "float16")
    loss = loss_class(reduction="none")(Y_TRUE, y_pred)
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    rounded = Y_PRED.astype("float16").astype("float32")
    np.testing.assert_allclose(numbers(loss), LOSSES[loss_class](Y_TRUE, rounded), atol=1e-6)


@every_loss
def test_serialisation_restores_every_argument(loss_class):
    sizes = {"height": 30, "width": 40} if loss_class not in (IOULoss, GIOULoss) else {}
    if loss_class in (SmoothL1Loss, LocalizationLoss):
        sizes["beta"] = 0.25
    if loss_class is LocalizationLoss:
        sizes |= {"overlap": "ciou", "distance_weight": 3.0}
    loss = loss_class("xyxy", reduction="sum", name="box", dtype="float32", **sizes)
    restored = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(restored) is loss_class
    assert restored.get_config() == loss.get_config()
    assert float(restored(Y_TRUE, Y_PRED)) == float(loss(Y_TRUE, Y_PRED))
    for name, value in sizes.items():
        assert restored.get_config()[name] == value


# Keras turns its variables into NumPy in a way that NumPy 2 warns of.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("loss_class", [GIOULoss, CIOULoss, LocalizationLoss])
def test_a_compiled_model_trains_and_comes_back_from_disk(loss_class, tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    model.layers[0].set_weights([np.eye(4), np.zeros(4)])
    model.compile("sgd", loss_class())
    before = model.evaluate(Y_PRED, Y_TRUE, verbose=0)
    model.fit(Y_PRED, Y_TRUE, epochs=3, verbose=0)
    after = model.evaluate(Y_PRED, Y_TRUE, verbose=0)
    assert after < before
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(Y_PRED, Y_TRUE, verbose=0) == pytest.approx(after)
