"""The recipe for a localizer: what trains when, what is kept, and how it goes on after a stop."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers, ops
from squares import Squares, localizer, same, still, weights

import keras_bbox as kb
from keras_bbox.recipes.apart import train_apart
from keras_bbox.recipes.balance import Balanced, weights_of_classes
from keras_bbox.recipes.progress import AddEpoch, Progress
from keras_bbox.recipes.warm_up import Echoes, Store, _batches, echo_epoch, halve

pytestmark = [
    # Keras reads TensorFlow variables in a way that NumPy 2 deprecates, in saving and conversion.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions"),
]


@pytest.fixture(autouse=True)
def step_by_step(request):
    """Runs a few steps on a few squares without a graph, which takes far longer to make."""
    if keras.backend.backend() != "tensorflow" or "in_a_graph" in request.fixturenames:
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def in_a_graph():
    """Asked for by a test that trains as users do."""


def fit(model, train=None, val=None, **options):
    options = {
        "epochs": 2,
        "warm_up": 1,
        "class_weights": None,
        "verbose": 0,
        "repeats": 2,
    } | options
    return kb.fit_localizer(model, train or Squares(), val, **options)


class Witness(keras.callbacks.Callback):
    """Writes down the weights of some layers at the end of each epoch."""

    def __init__(self, *names):
        super().__init__()
        self.names, self.seen = names, []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append({name: weights(self.model.get_layer(name)) for name in self.names})


# ---- stages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("repeats", [1, 3])
def test_the_warm_up_moves_the_heads_alone(repeats):
    model, names = localizer(), ("low", "bn", "high", "box_head", "class_head")
    before = {name: weights(model.get_layer(name)) for name in names}
    history = fit(model, warm_up=2, epochs=0, repeats=repeats)
    kept = [name for name in names if same(before[name], weights(model.get_layer(name)))]
    assert kept == ["low", "bn", "high"] and history["stage"].tolist() == ["warm-up"] * 2


def test_a_step_on_held_features_is_a_step_on_the_images():
    fresh, held, train = still(localizer(spatial=True)), still(localizer(spatial=True)), Squares(1)
    trained, halves = train_apart(fresh), halve(train_apart(held))
    for model in (trained, halves.upper):
        model.compile("sgd", ["sparse_categorical_crossentropy", "mse"])
    echo_epoch(halves, train, Store(), repeats=1, seed=[0], verbose=0)
    trained.fit(Squares(1), verbose=0)
    before = localizer(spatial=True).get_layer("box_head").get_weights()
    assert not same(before, weights(held.get_layer("box_head")))
    for one, other in zip(weights(fresh), weights(held), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)  # half precision


def held_batch(value, rows=4):
    return (np.full((rows, 2, 2, 1), value, "float16"),), (np.full(rows, value), np.ones((rows, 4)))


def test_the_warm_up_takes_any_data_set_of_known_length():
    pytest.importorskip("tensorflow")
    import tensorflow as tf

    squares = Squares()
    X, labels, y = (
        np.concatenate(parts) for parts in zip(*[(X, *y) for X, y in squares], strict=True)
    )
    dataset = tf.data.Dataset.from_tensor_slices((X, (labels, y))).batch(8)
    one, other = localizer(), localizer()
    options = {"warm_up": 1, "epochs": 0, "repeats": 2}
    fit(one, squares, **options)
    fit(other, dataset, **options)
    assert same(weights(one.get_layer("box_head")), weights(other.get_layer("box_head")))


@pytest.mark.parametrize("workers", [1, 3])
def test_a_pass_has_all_batches_in_order_and_is_told_to_the_sequence(workers):
    squares = Squares()
    squares.workers = workers
    first = [y[1] for _, y in _batches(squares)]
    assert len(first) == 3 and squares.epoch == 1
    squares.epoch = 0
    assert all(np.array_equal(one, squares[k][1][1]) for k, one in enumerate(first))


def test_the_store_holds_the_latest_passes():
    store = Store(limit=100)  # a batch of 4 takes 32 bytes
    for value in range(5):
        store.add([held_batch(value)])
    assert [held[0][1][0][0] for held in store.passes] == [2, 3, 4]
    store.add([held_batch(5), *[held_batch(6)] * 9])
    assert len(store.passes) == 1, "the latest is held, however large"


def test_echoes_draw_from_all_passes_and_each_sample_once():
    store = Store()
    store.add([held_batch(0), held_batch(1)])
    store.add([held_batch(2), held_batch(3, rows=2)])
    echoes = Echoes(store, [0])
    seen = []
    for _ in range(6):
        values = [(x[0][:, 0, 0, 0], y[0]) for x, y in (echoes[k] for k in range(len(echoes)))]
        assert [len(x) for x, _ in values] == [4, 2], "as many as the latest pass has"
        assert all(np.array_equal(x, y) for x, y in values)
        seen += np.concatenate([y for _, y in values]).tolist()
        echoes.on_epoch_end()
    assert set(seen) == {0, 1, 2, 3} and echoes[0][0][0].dtype == "float32"


def test_a_model_that_trains_below_its_heads_is_not_halved():
    model = localizer()
    assert halve(model) is not None
    model.get_layer("low").trainable = True
    assert halve(model) is None
    assert halve(keras.Sequential([keras.Input((2,)), layers.Dense(1)])) is None


def test_the_last_stage_thaws_from_the_top():
    model = localizer()
    before = {name: weights(model.get_layer(name)) for name in ("low", "high")}
    fit(model, thaw=0.34)
    assert same(before["low"], weights(model.get_layer("low")))
    assert not same(before["high"], weights(model.get_layer("high")))


def test_batch_normalization_keeps_its_statistics():
    model = localizer()
    before = {name: weights(model.get_layer(name)) for name in ("low", "bn")}
    fit(model, thaw=1)
    assert same(before["bn"], weights(model.get_layer("bn")))
    assert not same(before["low"], weights(model.get_layer("low")))


def test_a_model_without_frozen_layers_has_one_stage():
    model = localizer(freeze_backbone=False)
    before = weights(model.get_layer("bn"))
    history = fit(model, warm_up=5)
    assert history["stage"].tolist() == ["train", "train"]
    assert not same(before, weights(model.get_layer("bn"))), "nothing is frozen here"


def test_the_history_is_one_table_that_can_be_drawn():
    history = fit(localizer(), val=Squares(1, seed=1), epochs=4, warm_up=2)
    assert isinstance(history, pd.DataFrame) and history["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert history["stage"].tolist() == ["warm-up"] * 2 + ["fine-tune"] * 4
    assert {"loss", "val_bbox_prediction_mean_iou", "val_class_prediction_accuracy"} < {*history}
    rates = history["learning_rate"].to_numpy()
    assert rates[1] == pytest.approx(1e-4, rel=0.05), "the warm-up ends where the rest begins"
    assert rates[0] > rates[1] and (np.diff(rates[2:]) < 0).all() and rates[-1] < 1e-5
    assert kb.plot_history(history).axes


def test_it_learns_where_the_squares_are(in_a_graph):
    train = Squares(8)
    constant = kb.iou(train.boxes, train.boxes.mean(axis=0), "rel_xyxy").mean()
    model = localizer(spatial=True, freeze_backbone=False)
    history = fit(model, train, train, epochs=20, learning_rate=0.01, average=0.9)
    # Half of the way from the best that is blind to the picture, to all squares found.
    assert history["val_bbox_prediction_mean_iou"].max() > (1 + constant) / 2
    assert history["val_class_prediction_accuracy"].max() > 0.9


def test_a_score_is_no_obstacle():
    model = localizer(spatial=True, box_score=True)
    history = fit(model, val=Squares(1))
    assert len(history) == 3 and len(model.predict(Squares(1).images, verbose=0)) == 3


@pytest.mark.parametrize("event", ["on_train_batch_end", "on_epoch_end"])
def test_callbacks_see_the_model_and_may_stop_it(event):
    model, seen = localizer(spatial=True), []

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.happened("on_train_batch_end")

        def on_epoch_end(self, epoch, logs=None):
            self.happened("on_epoch_end")

        def happened(self, now):
            seen.append(now)
            assert self.model is model
            self.model.stop_training |= now == event

    history = fit(model, epochs=4, callbacks=[Stop()])
    batches = {"on_train_batch_end": 1, "on_epoch_end": 3}[event]
    assert seen == ["on_train_batch_end"] * batches + ["on_epoch_end"]
    assert history["stage"].tolist() == ["warm-up", "fine-tune"]


def test_callbacks_look_at_the_weights_whenever_they_like():
    model, seen = localizer(spatial=True), []

    class Look(keras.callbacks.Callback):
        def look(self, batch, logs=None):
            rate = float(self.model.optimizer.learning_rate)
            seen.append((rate, weights(self.model.get_layer("high"))))

        on_train_batch_begin = on_train_batch_end = on_test_batch_begin = on_test_batch_end = look

    options = {"val": Squares(1, seed=1), "average": 0.9, "epochs": 2}
    history = fit(model, callbacks=[Look()], **options)
    assert len(seen) == 2 * (3 + 3 + 1 + 1)
    assert not same(seen[0][1], seen[1][1]), "a step lies between"
    assert same(seen[1][1], seen[2][1]) and not same(seen[5][1], seen[6][1]), (
        "judged by the average"
    )
    pd.testing.assert_frame_equal(history, fit(localizer(spatial=True), **options))
    assert model.history.history["loss"] == pytest.approx(history["loss"][1:].tolist())


def test_targets_may_be_named():
    pytest.importorskip("tensorflow")
    import tensorflow as tf

    squares = Squares()
    names = ("class_prediction", "bbox_prediction")
    batches = [(X, dict(zip(names, y, strict=True))) for X, y in squares]
    X, y = (
        keras.tree.map_structure(lambda *parts: np.concatenate(parts), *part)
        for part in zip(*batches, strict=True)
    )
    dataset = tf.data.Dataset.from_tensor_slices((X, y)).batch(8)
    one, other = still(localizer(spatial=True)), still(localizer(spatial=True))
    fit(one, squares, epochs=0)
    fit(other, dataset, epochs=0)
    assert same(weights(one.get_layer("box_head")), weights(other.get_layer("box_head")))


# ---- what is kept --------------------------------------------------------------------------------


def mean_iou(model, data):
    boxes = model.predict(data.images, verbose=0)[1]
    return kb.iou(data.boxes, boxes).mean()


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_the_best_weights_are_left_in_the_model(average):
    val, model = Squares(1, seed=1), localizer()
    history = fit(model, val=val, epochs=4, average=average, fine_tune_rate=0.05)
    best = history["val_bbox_prediction_mean_iou"].max()
    assert mean_iou(model, val) == pytest.approx(best, abs=1e-5)


def test_without_validation_the_last_average_is_kept():
    model, witness = localizer(), Witness("box_head")
    fit(model, average=0.9, callbacks=[witness])
    assert same(weights(model.get_layer("box_head")), witness.seen[-1]["box_head"])


def test_the_average_is_not_the_last_weights():
    models = [localizer(), localizer()]
    for model, average in zip(models, (0.0, 0.9), strict=True):
        fit(model, average=average, fine_tune_rate=0.01)
    first, second = (weights(model.get_layer("high")) for model in models)
    assert not same(first, second)


def test_patience_counts_from_the_best_epoch_of_the_stage():
    progress = Progress(None, {})
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    waited = []
    for stage, score in [("a", 9), ("b", 1), ("b", 3), ("b", 2), ("b", 3), ("b", 4), ("b", 0)]:
        progress.add_epoch(model, {"stage": stage}, score)
        waited.append(progress.epochs_since_best(stage))
    assert waited == [0, 0, 0, 1, 2, 0, 1]


def test_patience_ends_the_last_stage():
    model = localizer()
    stop = AddEpoch(Progress(None, {}), "fine-tune", "score", patience=2)
    stop.set_model(model)
    model.compile("sgd", "mse")
    ended = []
    for epoch, score in enumerate([0.5, 0.6, 0.4, 0.5, 0.7]):
        model.stop_training = False
        stop.on_epoch_end(epoch, {"score": score})
        ended.append(model.stop_training)
    assert ended == [False, False, False, True, False]


# ---- resuming ------------------------------------------------------------------------------------


class PowerCut(Squares):
    """Data that fail after some epochs."""

    def __init__(self, epochs):
        super().__init__()
        self.last = epochs

    def on_epoch_begin(self):
        super().on_epoch_begin()
        if self.epoch >= self.last:
            raise KeyboardInterrupt


# At the end of the warm-up, and later; the spatial head draws as it trains, and must draw on.
@pytest.mark.parametrize(("epochs", "spatial"), [(2, False), (3, True)])
def test_a_stopped_training_ends_like_one_that_was_not(tmp_path, epochs, spatial):
    options = {"val": Squares(1, seed=1), "epochs": 2, "warm_up": 2, "average": 0.9}
    whole = localizer(spatial)
    expected = fit(whole, **options)
    with pytest.raises(KeyboardInterrupt):
        fit(localizer(spatial), PowerCut(epochs), checkpoint=tmp_path, **options)
    resumed = localizer(spatial)
    found = fit(resumed, checkpoint=tmp_path, **options)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-4, check_exact=False)
    for one, other in zip(weights(whole), weights(resumed), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_a_warm_up_goes_on_too(tmp_path):
    options = {"epochs": 0, "warm_up": 3, "checkpoint": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        fit(localizer(), PowerCut(1), **options)
    first = pd.read_csv(tmp_path / "history.csv")
    history = fit(localizer(), **options)
    assert len(first) == 1 and history["epoch"].tolist() == [1, 2, 3]
    assert history["loss"][0] == pytest.approx(first["loss"][0])


def test_half_precision_resumes_with_its_scale_of_the_loss(tmp_path):
    options = {"epochs": 0, "warm_up": 2, "checkpoint": tmp_path}
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with pytest.raises(KeyboardInterrupt):
            fit(localizer(spatial=True), PowerCut(1), **options)
        model = localizer(spatial=True)
        history = fit(model, **options)  # Keras warns of a state that does not fit
    finally:
        keras.config.set_dtype_policy(before)
    assert len(history) == 2
    # Three batches, each twice, in two epochs.
    assert int(ops.convert_to_numpy(model.optimizer.step_counter)) == 12


def test_a_finished_training_is_not_repeated(tmp_path):
    val = Squares(1, seed=1)
    first, second = localizer(), localizer()
    history = fit(first, val=val, checkpoint=tmp_path)
    again = fit(second, val=val, checkpoint=tmp_path)
    pd.testing.assert_frame_equal(history, again)
    assert mean_iou(second, val) == pytest.approx(mean_iou(first, val), abs=1e-6)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"best.weights.h5", "epoch-3.weights.h5", "history.csv", "progress.json"}


class Counted(keras.losses.Loss):
    """A loss of somebody's own: each object has another name."""

    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


@pytest.mark.parametrize("make", [Counted, lambda: "mse"])
def test_any_loss_resumes(tmp_path, make):
    history = fit(localizer(), checkpoint=tmp_path, epochs=1, warm_up=0, box_loss=make())
    again = fit(localizer(), checkpoint=tmp_path, epochs=1, warm_up=0, box_loss=make())
    pd.testing.assert_frame_equal(history, again)


def test_a_training_that_ended_early_is_not_gone_on_with(tmp_path):
    options = {"val": Squares(1, seed=1), "epochs": 6, "patience": 1, "checkpoint": tmp_path}
    history = fit(localizer(), learning_rate=0.0, fine_tune_rate=0.0, **options)
    assert history["stage"].value_counts()["fine-tune"] < 6
    again = fit(localizer(), learning_rate=0.0, fine_tune_rate=0.0, **options)
    pd.testing.assert_frame_equal(history, again)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"epochs": 7}, "epochs=7"),
        ({"loss_weights": (1.0, 2.0)}, r"loss_weights=\[1.0, 2.0\]"),
        ({"box_loss": kb.losses.GIOULoss()}, r"box_loss=\['GIOULoss'"),
    ],
)
def test_other_settings_do_not_resume(tmp_path, setting, told):
    fit(localizer(), checkpoint=tmp_path)
    with pytest.raises(ValueError, match=f"with the settings it began with.*Received: {told}"):
        fit(localizer(), checkpoint=tmp_path, **setting)


# ---- classes -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sequence(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rows = []
    for k in range(10):
        name = "rare" if k == 0 else "common"
        noise = np.full((12, 12, 3), 20 * k, np.uint8)
        kb.images.write_image(folder / name / f"{k}.jpg", noise)
        rows.append((f"{k}", 0.1, 0.9, 0.2, 0.8, name, name))
    columns = ["image_id", "x_min", "x_max", "y_min", "y_max", "class_name", "folder"]
    table = pd.DataFrame(rows, columns=columns)
    options = {"image_size": (16, 16), "batch_size": 4, "last_batch": "pad"}
    return kb.BoundingBoxSequence(table, folder, **options)


def test_balanced_weights_go_by_the_root(sequence):
    common, rare = weights_of_classes("balanced", sequence)
    assert rare / common == pytest.approx(3)
    assert (9 * common + rare) / 10 == pytest.approx(1)


def test_weights_by_name(sequence):
    common, rare = weights_of_classes({"rare": 5.0}, sequence)
    assert rare / common == pytest.approx(5)
    with pytest.raises(ValueError, match="class_weights must be.*Received: class_weights='equal'"):
        weights_of_classes("equal", sequence)
    with pytest.raises(ValueError, match="class_weights must be"):
        weights_of_classes({"unheard of": 2.0}, sequence)


def test_weights_reach_both_outputs_and_padding_stays_out(sequence):
    balanced = Balanced(sequence, np.array([0.5, 2.0]))
    assert len(balanced) == len(sequence) == 3
    for (_, (y_class, _), found), (*_, given) in zip(balanced, sequence, strict=True):
        expected = np.array([0.5, 2.0])[y_class] * given[0]
        assert all(np.array_equal(part, expected.astype("float32")) for part in found)


def test_a_sequence_trains_with_class_weights(sequence):
    history = fit(localizer(), sequence, class_weights="balanced")
    assert len(history) == 3 and sequence.epoch >= 3


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [{"thaw": 1.5}, {"thaw": -1}, {"average": 1.0}], ids=str)
def test_numbers_out_of_range(arguments):
    ((name, value),) = arguments.items()
    with pytest.raises(ValueError, match=f"{name} must be from 0 to 1.*Received: {name}={value}"):
        fit(localizer(), **arguments)


def test_boxes_in_another_format(sequence):
    train = Squares()
    train.bounding_box_format = "xyxy"
    told = "must be too.*Received: {} with bounding_box_format='xyxy'"
    with pytest.raises(ValueError, match=told.format("train")):
        fit(localizer(), train)
    with pytest.raises(ValueError, match=told.format("val")):
        fit(localizer(), val=train)
