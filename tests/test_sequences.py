import itertools
import json
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import keras
import numpy as np
import pandas as pd
import pytest
from painting import find_paint, paint
from strategies import FORMATS

import keras_bbox as kb
from keras_bbox.images import read_image, write_image

ROWS = 11
CLASSES = ("cake", "juice", "waffle")
AUGMENT = [kb.augment.RandomFlip(), kb.augment.RandomRotation(), kb.augment.RandomBrightness()]


@pytest.fixture(scope="module")
def image_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for k in range(ROWS):
        noise = rng.integers(0, 256, (20 + k, 30 - k, 3), dtype=np.uint8)
        write_image(folder / CLASSES[k % 3] / f"{k:04}.jpg", noise)
    return folder


@pytest.fixture
def table():
    rng = np.random.default_rng(1)
    low, high = rng.uniform(0, 0.5, (ROWS, 2)), rng.uniform(0.6, 1, (ROWS, 2))
    names = [CLASSES[k % 3] for k in range(ROWS)]
    return pd.DataFrame({
        "image_id": [f"{k:04}" for k in range(ROWS)], "x_min": low[:, 0], "x_max": high[:, 0],
        "y_min": low[:, 1], "y_max": high[:, 1], "class_name": names, "folder": names,
    })  # fmt: skip


@pytest.fixture
def make(table, image_dir):
    def make(**options):
        options = {"image_size": (16, 24), "batch_size": 4} | options
        return kb.BoundingBoxSequence(table, image_dir, **options)

    return make


def flat(batches):
    return [np.asarray(array) for batch in batches for array in keras.tree.flatten(batch)]


def assert_same(batches, others):
    batches, others = flat(batches), flat(others)
    assert len(batches) == len(others)
    assert all(np.array_equal(a, b) for a, b in zip(batches, others, strict=True))


def test_a_batch_holds_images_classes_and_boxes(make):
    X, (y_class, y_bbox) = make()[0]
    assert X.shape == (4, 16, 24, 3) and X.dtype == np.float32
    assert y_class.shape == (4,) and y_class.dtype == np.int32
    assert y_bbox.shape == (4, 4) and y_bbox.dtype == np.float32
    assert X.min() >= 0 and 200 < X.max() <= 255


def test_the_chapters_numbers(table, image_dir):
    big = pd.concat([table] * 640, ignore_index=True)
    sequence = kb.BoundingBoxSequence(big, image_dir)
    X, (y_class, y_bbox) = sequence[219]
    assert len(big) == 7040 and len(sequence) == 220
    assert (X.shape, y_class.shape, y_bbox.shape) == ((32, 224, 224, 3), (32,), (32, 4))


def test_unshuffled_rows_come_in_the_tables_order(make, table):
    batches = list(make(shuffle=False, bounding_box_format="rel_xxyy"))
    boxes = np.concatenate([y_bbox for _, (_, y_bbox) in batches])
    labels = np.concatenate([y_class for _, (y_class, _) in batches])
    assert np.allclose(boxes, table[["x_min", "x_max", "y_min", "y_max"]], atol=1e-7)
    assert labels.tolist() == [CLASSES.index(name) for name in table["class_name"]]
    assert [len(y_class) for _, (y_class, _) in batches] == [4, 4, 3]


def test_images_belong_to_their_rows(make, image_dir):
    sequence = make(shuffle=True, seed=3)
    for k, (X, _) in enumerate(sequence):
        for image, row in zip(X, sequence.rows(k), strict=True):
            original = read_image(image_dir / CLASSES[row % 3] / f"{row:04}.jpg")
            assert np.abs(image.mean(axis=(0, 1)) - original.mean(axis=(0, 1))).max() < 6
            expected = kb.images.warp_image(
                original,
                np.diag((24 / original.shape[1], 16 / original.shape[0], 1.0)),
                height=16,
                width=24,
            )
            assert np.array_equal(image, expected)


def test_pixel_formats_count_pixels_of_the_batch(make):
    _, (_, pixels) = make(shuffle=False, bounding_box_format="xyxy")[0]
    _, (_, relative) = make(shuffle=False)[0]
    assert np.allclose(pixels, relative * (24, 16, 24, 16), atol=1e-5)


@pytest.mark.parametrize("layout", FORMATS)
def test_augmented_boxes_lie_on_their_pixels_in_every_format(tmp_path, layout):
    height, width = 61, 90
    corners = np.array([[5 + 3 * k, 10 + 2 * k, 40 + 4 * k, 30 + 3 * k] for k in range(8)])
    fractions = corners / (width, height, width, height)
    table = pd.DataFrame(fractions, columns=["x_min", "y_min", "x_max", "y_max"])
    table = table.assign(filename=[f"{k}.png" for k in range(8)], class_name="white")
    for name, box in zip(table["filename"], corners, strict=True):
        write_image(tmp_path / name, paint(height, width, box))
    steps = [
        kb.augment.RandomFlip(0.5, 0.5),
        kb.augment.RandomScale(0.8, 1.25),
        kb.augment.RandomTranslation(0.1, 0.1),
    ]
    pipeline = kb.augment.Pipeline(steps, min_visibility=0.9, fill=(0, 0, 0))
    sequence = kb.BoundingBoxSequence(
        table, tmp_path, image_size=(64, 80), augment=pipeline, bounding_box_format=layout, seed=3
    )
    X, (_, boxes) = sequence[0]
    moved = kb.convert_boxes(boxes, layout, "xyxy", height=64, width=80)
    for image, box in zip(X, moved, strict=True):
        assert np.abs(find_paint(image) - box).max() <= 0.75


def test_every_row_comes_once_an_epoch_in_a_new_order(make):
    sequence = make()
    orders = [np.concatenate([sequence.rows(k, epoch) for k in range(3)]) for epoch in range(3)]
    assert all(sorted(order) == list(range(ROWS)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    again = [np.concatenate([make().rows(k, epoch) for k in range(3)]) for epoch in range(3)]
    assert np.array_equal(orders, again)


def test_iteration_stops_and_indices_end(make):
    sequence = make()
    assert len(list(sequence)) == len(sequence) == 3
    assert_same([sequence[-1]], [sequence[2]])
    for index in (3, -4):
        with pytest.raises(IndexError, match="has 3 batches. Received: index="):
            sequence[index]


def test_the_last_batch_can_be_kept_dropped_or_padded(make):
    assert [len(batch[0]) for batch in make(last_batch="keep")] == [4, 4, 3]
    assert [len(batch[0]) for batch in make(last_batch="drop")] == [4, 4]
    batches = list(make(last_batch="pad"))
    assert [len(batch[0]) for batch in batches] == [4, 4, 4]
    weights = [[w.tolist() for w in batch[2]] for batch in batches]
    assert weights == [[[1] * 4] * 2, [[1] * 4] * 2, [[1, 1, 1, 0]] * 2]
    kept = make(last_batch="keep")[2]
    assert_same([batches[2][0][:3]], [kept[0]])


def test_the_same_seed_repeats_and_another_does_not(make):
    assert_same(make(augment=AUGMENT), make(augment=AUGMENT))
    other = make(augment=AUGMENT, seed=1)[0]
    assert not np.array_equal(make(augment=AUGMENT)[0][0], other[0])


def test_an_epoch_can_be_repeated(make):
    sequence = make(augment=AUGMENT)
    first = list(sequence)
    sequence.epoch = 1
    second = list(sequence)
    assert not np.array_equal(first[0][0], second[0][0])
    sequence.epoch = 0
    assert_same(first, sequence)


def test_a_draw_tells_what_was_done_to_a_row(make, image_dir):
    sequence = make(augment=AUGMENT, seed=3, dtype="uint8")
    sequence.epoch = 2
    X, (_, y_bbox) = sequence[1]
    for row, image, box in zip(sequence.rows(1), X, y_bbox, strict=True):
        draw = kb.augment.Draw.from_dict(json.loads(json.dumps(sequence.draw(row).to_dict())))
        given = sequence.annotations.iloc[row]
        whole = read_image(image_dir / given["folder"] / f"{given['image_id']}.jpg")
        corners = given[["x_min", "y_min", "x_max", "y_max"]].to_numpy(np.float64)
        again = draw(kb.augment.Sample(whole, corners[None], np.zeros(1, int)))
        assert np.array_equal(again.image, image)
        assert np.array_equal(again.boxes[0].astype(np.float32), box)
    assert sequence.draw(0).to_dict() != sequence.draw(0, epoch=3).to_dict()


@pytest.mark.parametrize("augment", [None, lambda sample, rng: sample])
def test_only_pipelines_draw_records(make, augment):
    with pytest.raises(TypeError, match=r"Only a kb.augment.Pipeline.*Received: .*augment="):
        make(augment=augment).draw(0)


def test_a_pickled_sequence_gives_the_same_batches(make):
    sequence = make(augment=AUGMENT)
    sequence.epoch = 2
    assert_same(sequence, pickle.loads(pickle.dumps(sequence)))


class Recorder(keras.Model):
    """Sees what Keras feeds it."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(4)
        self.seen = []

    def train_step(self, data):
        self.seen.append(keras.tree.map_structure(keras.ops.convert_to_numpy, data))
        return {"loss": 0.0}

    def test_step(self, data):
        return self.train_step(data)


def record(sequence, epochs):
    model = Recorder()
    model.compile(run_eagerly=True)
    model.fit(sequence, epochs=epochs, shuffle=False, verbose=0)
    return model.seen


@pytest.mark.parametrize(
    ("workers", "processes"),
    [(0, False), (1, False), (2, False), (8, False), (1, True), (2, True), (8, True)],
)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork")
def test_fit_sees_the_same_batches_for_any_workers(make, workers, processes):
    options = {"augment": AUGMENT, "seed": 5}
    replay = make(**options)
    expected = []
    for epoch in range(3):
        replay.epoch = epoch
        expected += list(replay)
    seen = record(make(workers=workers, use_multiprocessing=processes, **options), epochs=3)
    assert_same(seen, expected)


def test_another_process_makes_the_same_batches(make, tmp_path):
    sequence = make(augment=AUGMENT, seed=5, cache=tmp_path)
    sequence.epoch = 1
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert_same(pool.submit(list, sequence).result(), sequence)


def test_a_resumed_training_sees_what_it_would_have_seen(make):
    options = {"augment": AUGMENT, "seed": 5, "workers": 2}
    whole = record(make(**options), epochs=3)
    resumed = make(**options)
    resumed.epoch = 1
    assert_same(whole[len(whole) // 3 :], record(resumed, epochs=2))


@pytest.mark.parametrize("augment", [None, AUGMENT])
def test_cached_epochs_are_the_same_for_any_cache_and_workers(make, tmp_path, augment):
    options = {"augment": augment, "seed": 5}
    first = record(make(cache="memory", workers=0, **options), epochs=2)
    for cache, workers in (("memory", 8), (tmp_path, 2), (tmp_path, 0)):
        assert_same(first, record(make(cache=cache, workers=workers, **options), epochs=2))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork")
@pytest.mark.parametrize("cache", ["memory", "folder"])
def test_processes_share_a_cache_and_make_the_same_batches(make, tmp_path, cache):
    options = {"augment": AUGMENT, "seed": 5, "cache": tmp_path if cache == "folder" else cache}
    expected = record(make(workers=0, augment=AUGMENT, seed=5, cache="memory"), epochs=2)
    assert_same(expected, record(make(workers=2, use_multiprocessing=True, **options), epochs=2))


def test_a_cache_without_augmentation_changes_no_pixel(make, tmp_path):
    assert_same(make(), make(cache="memory"))
    assert_same(make(), make(cache=tmp_path))


def darken(sample, rng):
    sample.image[:] = sample.image // 2
    return sample


@pytest.mark.parametrize("cache", ["memory", "folder"])
def test_a_function_that_writes_on_an_image_leaves_the_cache_alone(make, tmp_path, cache):
    sequence = make(cache=tmp_path if cache == "folder" else cache, augment=darken, shuffle=False)
    first, second, third = (list(sequence) for _ in range(3))
    assert_same(first, second)
    assert_same(first, third)


def test_a_full_cache_tells_and_serves(make):
    sequence = make(cache="memory", cache_limit=3 * 16 * 24 * 3)
    with pytest.warns(UserWarning, match="The cache is full: 3 photos"):
        cached = list(sequence)
    assert_same(cached, make())


@pytest.mark.parametrize(("cores", "workers"), [(1, 2), (2, 2), (5, 5), (64, 8)])
def test_workers_are_threads_for_the_cores_unless_told(make, monkeypatch, cores, workers):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(cores)), raising=False)
    assert make().workers == workers
    assert make(workers=3).workers == 3
    assert not make().use_multiprocessing


def test_fits_go_on_with_the_next_epoch(make):
    sequence = make(augment=AUGMENT)
    record(sequence, epochs=2)
    assert sequence.epoch == 2
    resumed = make(augment=AUGMENT)
    resumed.epoch = 2
    assert_same(record(sequence, epochs=1), record(resumed, epochs=1))


def localizer():
    backbone = keras.Sequential([keras.Input((16, 24, 3)), keras.layers.Conv2D(4, 3, strides=4)])
    model = kb.add_localization_head(backbone, num_classes=3, freeze_backbone=False)
    model.compile(
        loss=["sparse_categorical_crossentropy", "mse"],
        loss_weights=[1, 10],
        metrics=[["accuracy"], [kb.MeanIOU()]],
        weighted_metrics=[[], [kb.MeanIOU(name="weighted_iou")]],
    )
    return model


def test_fit_evaluate_and_predict_run(make):
    model = localizer()
    history = model.fit(make(augment=AUGMENT), validation_data=make(shuffle=False), verbose=0)
    assert np.isfinite(history.history["val_loss"]).all()
    probabilities, boxes = model.predict(make(shuffle=False), verbose=0)
    assert probabilities.shape == (ROWS, 3) and boxes.shape == (ROWS, 4)
    inputs = np.concatenate([X for X, _ in make(shuffle=False, batch_size=ROWS)])
    assert np.allclose(boxes, model.predict(inputs, verbose=0)[1], atol=1e-5)


def test_padding_has_no_weight(make):
    model = localizer()
    padded = model.evaluate(make(last_batch="pad", shuffle=False), return_dict=True, verbose=0)
    kept = model.evaluate(make(shuffle=False), return_dict=True, verbose=0)
    assert padded["bbox_prediction_weighted_iou"] == pytest.approx(
        kept["bbox_prediction_mean_iou"], abs=1e-6
    )


def test_preprocess_works_on_the_float_batch(make):
    scaled = make(preprocess=keras.applications.mobilenet.preprocess_input)[0][0]
    assert np.allclose(scaled, make()[0][0] / 127.5 - 1, atol=1e-6)
    assert scaled.min() >= -1 and scaled.max() <= 1
    half = make(preprocess=lambda X: X / 255, dtype="float16")[0][0]
    assert half.dtype == np.float16
    with pytest.raises(ValueError, match=r"preprocess must return one image for each"):
        make(preprocess=lambda X: X[0])[0]


def test_images_can_stay_bytes(make):
    assert make(dtype="uint8")[0][0].dtype == np.uint8


def test_any_callable_can_augment(make):
    def mirror(sample, rng):
        x1, y1, x2, y2 = sample.boxes.T
        mirrored = np.stack([1 - x2, y1, 1 - x1, y2], axis=1)
        return kb.augment.Sample(sample.image[:, ::-1], mirrored, sample.labels)

    options = {"shuffle": False, "image_size": (32, 32)}
    ours = make(augment=[kb.augment.RandomFlip(1.0)], **options)[0]
    theirs = make(augment=mirror, **options)[0]
    assert np.allclose(ours[1][1], theirs[1][1])
    # A warp knows a place to 1/32 of a pixel, and mixes the outermost pixels with the border.
    difference = np.abs(ours[0] - theirs[0])[:, 2:-2, 2:-2]
    assert difference.max() <= 255 / 32 * 2 and difference.mean() < 1.5
    with pytest.raises(ValueError, match="must keep the one box.*for row 0"):
        make(augment=lambda s, rng: s._replace(boxes=s.boxes[:0]), shuffle=False)[0]


@pytest.mark.parametrize("mixer", [kb.augment.MixUp, kb.augment.Mosaic, kb.augment.CopyPaste])
def test_a_mixer_gives_a_row_more_than_its_one_box(make, mixer):
    both = mixer(probability=1.0, **({"margin": 0.5} if mixer is kb.augment.Mosaic else {}))
    with pytest.raises(ValueError, match=r"must keep the one box.*boxes.shape=\(\d, 4\).*for row"):
        list(make(augment=kb.augment.Chain([both, kb.augment.default_policy(0.0)])))


def test_class_names_can_be_given(make):
    names = ["waffle", "juice", "cake", "pretzel"]
    sequence = make(class_names=names, shuffle=False)
    assert sequence.class_names == tuple(names)
    assert sequence[0][1][0].tolist() == [2, 1, 0, 2]
    with pytest.raises(ValueError, match="class_name='juice' is not among"):
        make(class_names=["cake", "waffle"])


def test_bad_arguments_are_told(make, table, image_dir):
    with pytest.raises(ValueError, match="last_batch must be one of.*'discard'"):
        make(last_batch="discard")
    with pytest.raises(ValueError, match="batch_size must be 1 or more.*=0"):
        make(batch_size=0)
    with pytest.raises(ValueError, match="at least one batch.*rows=11, batch_size=12"):
        make(batch_size=12, last_batch="drop")
    with pytest.raises(ValueError, match="bounding_box_format"):
        make(bounding_box_format="ltrb")
    with pytest.raises(FileNotFoundError, match="11 of 11 are missing.*row 0"):
        kb.BoundingBoxSequence(table, image_dir / "elsewhere")


def test_images_without_objects_are_not_silently_dropped(table, image_dir):
    table.loc[4, ["x_min", "x_max", "y_min", "y_max", "class_name"]] = None
    with pytest.raises(ValueError, match="is_negative.*1 such rows, the first with index 4"):
        kb.BoundingBoxSequence(table, image_dir)


def test_the_table_is_not_changed(table, image_dir):
    before = table.copy(deep=True)
    list(itertools.islice(kb.BoundingBoxSequence(table, image_dir, augment=AUGMENT), 1))
    pd.testing.assert_frame_equal(table, before)


def test_hidden_boxes_have_no_weight(make):
    away = kb.augment.Spatial(
        lambda rng, height, width: kb.geometry.translation(x=rng.choice([0, width]))
    )
    pipeline = kb.augment.Pipeline([away], hidden_boxes="weight")
    _, _, (w_class, w_bbox) = make(augment=pipeline, batch_size=ROWS)[0]
    assert set(w_class) == {0, 1} and np.array_equal(w_class, w_bbox)
    with pytest.raises(ValueError, match="keeps its one box.*'drop'"):
        make(augment=kb.augment.Pipeline([away], hidden_boxes="drop"))


# ---- several boxes on one image ------------------------------------------------------------------


@pytest.fixture
def crowded(table):
    """The first image has three rows (small, central, large), the second two, the third one."""
    rows = pd.concat([table.iloc[[0, 1, 0, 2, 1, 0]]], ignore_index=True)
    boxes = [
        (0.0, 0.1, 0.0, 0.1), (0.2, 0.4, 0.1, 0.2), (0.4, 0.6, 0.4, 0.6),
        (0.0, 0.5, 0.0, 0.5), (0.1, 0.3, 0.1, 0.3), (0.3, 1.0, 0.3, 1.0),
    ]  # fmt: skip
    rows[["x_min", "x_max", "y_min", "y_max"]] = boxes
    return rows


def chosen(sequence, epoch=0):
    return np.concatenate([sequence.rows(k, epoch) for k in range(len(sequence))]).tolist()


@pytest.mark.parametrize(
    "target, rows",
    [("each", [0, 1, 2, 3, 4, 5]), ("largest", [5, 4, 3]), ("most_central", [2, 1, 3])],
)
def test_a_target_chooses_rows(crowded, image_dir, target, rows):
    sequence = kb.BoundingBoxSequence(
        crowded, image_dir, image_size=(16, 24), batch_size=2, shuffle=False, target=target
    )
    assert chosen(sequence) == rows and len(sequence) == -(-len(rows) // 2)
    boxes = np.concatenate([y_bbox for _, (_, y_bbox) in sequence])
    columns = crowded[["x_min", "y_min", "x_max", "y_max"]].to_numpy()
    assert np.allclose(boxes, columns[rows], atol=1e-6)


def test_a_random_target_changes_from_epoch_to_epoch(crowded, image_dir):
    sequence = kb.BoundingBoxSequence(
        crowded, image_dir, image_size=(16, 24), shuffle=False, seed=5, target="random"
    )
    epochs = [chosen(sequence, epoch) for epoch in range(40)]
    assert epochs == [chosen(sequence, epoch) for epoch in range(40)], "an epoch can be repeated"
    first, second, third = (set(rows) for rows in zip(*epochs, strict=True))
    assert (first, second, third) == ({0, 2, 5}, {1, 4}, {3})


def test_targets_are_shuffled_like_rows(crowded, image_dir):
    sequence = kb.BoundingBoxSequence(crowded, image_dir, image_size=(16, 24), target="largest")
    orders = {tuple(chosen(sequence, epoch)) for epoch in range(20)}
    assert len(orders) > 1 and all(sorted(order) == [3, 4, 5] for order in orders)


def test_unknown_targets_are_refused(make):
    with pytest.raises(ValueError, match="target must be one of.*Received: target='biggest'"):
        make(target="biggest")
