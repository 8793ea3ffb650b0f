from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_bbox.metrics import IOUAccuracy, MeanIOU
from keras_bbox.overlap import iou

SQUARE = [0.0, 0.0, 1.0, 1.0]
HALF = [0.0, 0.0, 1.0, 0.5]
QUARTER = [0.0, 0.0, 0.5, 0.5]


def random_boxes(rows, seed, *more_axes):
    rng = np.random.default_rng(seed)
    edges = np.sort(rng.uniform(0, 1, (rows, *more_axes, 2, 2)), axis=-2)
    return edges.reshape(rows, *more_axes, 4).astype("float32")


def measured(metric, *batches):
    for batch in batches:
        metric.update_state(*batch)
    return float(metric.result())


def test_the_mean_of_the_rows():
    assert measured(MeanIOU(), ([SQUARE, SQUARE], [HALF, QUARTER])) == pytest.approx(0.375)


def test_uneven_batches_count_by_their_rows():
    mean = measured(MeanIOU(), ([SQUARE] * 3, [HALF] * 3), ([SQUARE], [SQUARE]))
    assert mean == pytest.approx((3 * 0.5 + 1) / 4)


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_each_row_has_a_weight(shape):
    weights = np.array([3.0, 1.0]).reshape(shape)
    batch = [SQUARE, SQUARE], [SQUARE, HALF], weights
    assert measured(MeanIOU(), batch) == pytest.approx(0.875)


@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 3), (2, 3, 1)])
def test_weights_of_many_boxes_an_image(shape):
    y_true, y_pred = random_boxes(2, 0, 3), random_boxes(2, 1, 3)
    weights = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    each = np.broadcast_to(weights.reshape(2, -1), (2, 3))
    expected = np.average(iou(y_true, y_pred), weights=each)
    assert measured(MeanIOU(), (y_true, y_pred, weights)) == pytest.approx(expected, abs=1e-6)


def test_many_boxes_an_image_without_weights():
    y_true, y_pred = random_boxes(4, 0, 3), random_boxes(4, 1, 3)
    expected = iou(y_true, y_pred).mean()
    assert measured(MeanIOU(), (y_true, y_pred)) == pytest.approx(expected, abs=1e-6)


def test_rows_of_weight_zero_do_not_count_whatever_they_hold():
    batch = [SQUARE, [np.nan] * 4], [HALF, SQUARE], [1, 0]
    assert measured(MeanIOU(), batch) == 0.5


@pytest.mark.parametrize("metric", [MeanIOU(), IOUAccuracy()])
def test_no_weight_at_all_gives_zero(metric):
    assert float(metric.result()) == 0
    assert measured(metric, ([SQUARE], [SQUARE], [0.0])) == 0
    assert measured(metric, (np.zeros((0, 4)), np.zeros((0, 4)))) == 0


def test_reset_forgets():
    metric = MeanIOU()
    measured(metric, ([SQUARE], [SQUARE]))
    metric.reset_state()
    assert measured(metric, ([SQUARE], [HALF])) == 0.5


def test_a_share_counts_what_is_strictly_over_the_threshold():
    batch = [SQUARE] * 4, [SQUARE, HALF, QUARTER, [0, 0, 1, 0.501]]
    assert measured(IOUAccuracy(0.5), batch) == 0.5
    assert measured(IOUAccuracy(0.25), batch) == 0.75
    assert measured(IOUAccuracy(0), batch) == 1


@pytest.mark.parametrize(
    ("threshold", "name"), [(0.5, "iou_50"), (0.55, "iou_55"), (0.955, "iou_95.5"), (0, "iou_0")]
)
def test_a_share_is_named_after_its_threshold(threshold, name):
    assert IOUAccuracy(threshold).name == name


@pytest.mark.parametrize("threshold", [-0.1, 1, 50])
def test_a_threshold_is_a_share(threshold):
    with pytest.raises(ValueError, match=rf"threshold must .* Received: threshold={threshold}"):
        IOUAccuracy(threshold)


def test_an_unknown_format_is_refused_at_once():
    with pytest.raises(ValueError, match="Received: bounding_box_format='rel'"):
        MeanIOU("rel")


def test_boxes_that_would_broadcast_are_refused():
    with pytest.raises(ValueError) as error:
        MeanIOU().update_state(np.ones((3, 4)), np.ones((3, 1, 4)))
    assert str(error.value) == (
        "y_true and y_pred must have the same shape, such as (batch, 4) or (batch, boxes, 4). "
        "Pair each box with its own counterpart. "
        "Received: y_true.shape=(3, 4), y_pred.shape=(3, 1, 4)"
    )


def test_small_weights_add_up_on_a_large_sum():
    metric = MeanIOU()
    metric.update_state([SQUARE], [SQUARE], [2.0**24])  # in float32, 2^24 + 1 is 2^24
    for _ in range(60):
        metric.update_state([SQUARE], [HALF], [1.0])
    assert exact(metric.total) == 2**24 + 30
    assert exact(metric.weight) == 2**24 + 60


def exact(variable):
    return float(variable[0]) + float(variable[1])


def one_layer_model(**compiling):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="boxes")])
    model.layers[0].set_weights([np.eye(4), np.zeros(4)])
    model.compile("sgd", "mse", **compiling)
    return model


def test_2500_batches_of_a_compiled_model_equal_the_mean_of_the_rows():
    y_true, y_pred = random_boxes(7499, 2), random_boxes(7499, 3)
    model = one_layer_model(metrics=[MeanIOU(), IOUAccuracy()])
    results = model.evaluate(y_pred, y_true, batch_size=3, verbose=0, return_dict=True)
    rows = iou(y_true.astype("float64"), y_pred.astype("float64"))
    assert results["mean_iou"] == pytest.approx(rows.mean(), abs=1e-6)
    assert results["iou_50"] == pytest.approx((rows > 0.5).mean(), abs=1e-6)


def test_sample_weights_reach_weighted_metrics():
    y_true, y_pred = random_boxes(50, 4), random_boxes(50, 5)
    weights = np.random.default_rng(6).uniform(0, 2, 50)
    model = one_layer_model(weighted_metrics=[MeanIOU()])
    results = model.evaluate(
        y_pred, y_true, sample_weight=weights, batch_size=16, verbose=0, return_dict=True
    )
    expected = np.average(iou(y_true, y_pred), weights=weights)
    assert results["mean_iou"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch.compile needs a C compiler")
def test_it_compiles_with_xla():
    y_true, y_pred = random_boxes(40, 7), random_boxes(40, 8)
    model = one_layer_model(metrics=[MeanIOU(), IOUAccuracy(0.2)], jit_compile=True)
    results = model.evaluate(y_pred, y_true, batch_size=16, verbose=0, return_dict=True)
    rows = iou(y_true, y_pred)
    assert results["mean_iou"] == pytest.approx(rows.mean(), abs=1e-6)
    assert results["iou_20"] == pytest.approx((rows > 0.2).mean(), abs=1e-6)


@pytest.mark.parametrize("given", ["float16", "bfloat16"])
def test_half_width_predictions_are_measured_in_single_precision(given):
    y_true = random_boxes(500, 9)
    y_pred = keras.ops.cast(y_true, given)
    rounded = keras.ops.convert_to_numpy(keras.ops.cast(y_pred, "float32"))
    metric = MeanIOU()
    metric.update_state(keras.ops.convert_to_tensor(y_true), y_pred)
    assert keras.backend.standardize_dtype(metric.result().dtype) == "float32"
    assert float(metric.result()) == pytest.approx(iou(y_true, rounded).mean(), abs=1e-6)


def test_a_half_width_policy_keeps_the_sums_in_single_precision():
    metric = MeanIOU(dtype="float16")
    for _ in range(3):
        metric.update_state(np.tile(SQUARE, (1000, 1)), np.tile(HALF, (1000, 1)))
    assert keras.backend.standardize_dtype(metric.total.dtype) == "float32"
    assert keras.backend.standardize_dtype(metric.result().dtype) == "float16"
    assert float(metric.result()) == 0.5


@pytest.mark.parametrize(
    "metric",
    [MeanIOU("xyxy", name="overlap", dtype="float16"), IOUAccuracy(0.75, "center_xywh")],
)
def test_serialisation_restores_every_argument(metric):
    restored = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(restored) is type(metric)
    assert restored.get_config() == metric.get_config()
    assert restored.name == metric.name


# Keras turns its variables into NumPy in a way that NumPy 2 warns of.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_saved_model_brings_its_metrics_back(tmp_path):
    y_true, y_pred = random_boxes(20, 10), random_boxes(20, 11)
    model = one_layer_model(metrics=[MeanIOU("yxyx"), IOUAccuracy(0.3, "yxyx")])
    before = model.evaluate(y_pred, y_true, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(y_pred, y_true, verbose=0, return_dict=True) == before
    assert set(before) == {"loss", "mean_iou", "iou_30"}


def test_the_docstring_opens_with_the_namesake():
    assert "keras.metrics.MeanIoU" in MeanIOU.__doc__.splitlines()[0]
