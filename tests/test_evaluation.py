"""The report on a localizer, against counts done by hand and against the metric."""

import json
from html.parser import HTMLParser

import keras
import numpy as np
import pandas as pd
import pytest

import keras_bbox as kb
from keras_bbox.evaluation import scores
from keras_bbox.images import write_image

NAMES = ("<b>apple", "cake & co", "pie")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Seven rows on five images; the picture of a row says by its color what it is."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    image_of = [0, 0, 1, 2, 3, 3, 4]
    for k in range(5):
        write_image(folder / f"{k}.png", np.full((40, 60, 3), 40 * k, np.uint8))
    low = rng.uniform(0.0, 0.4, (7, 2))
    high = low + rng.uniform(0.1, 0.6, (7, 2))
    table = pd.DataFrame(
        {
            "filename": [f"{k}.png" for k in image_of],
            "x_min": low[:, 0],
            "x_max": high[:, 0],
            "y_min": low[:, 1],
            "y_max": high[:, 1],
            "class_name": [NAMES[k % 3] for k in (0, 1, 2, 0, 1, 1, 2)],
        },
        index=[10, 11, 12, 13, 14, 15, 16],
    )
    return table, folder


def model(box_score=False):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(inputs))
    classes = keras.layers.Dense(3, activation="softmax", name="class_prediction")(x)
    corner = keras.layers.Dense(2, activation="sigmoid")(x)
    far = keras.layers.Lambda(lambda c: c + 0.3)(corner)
    box = keras.layers.Concatenate(name="bbox_prediction")([corner, far])
    outputs = [classes, box]
    if box_score:
        outputs.append(keras.layers.Dense(1, activation="sigmoid", name="box_score")(x))
    return keras.Model(inputs, outputs)


def sequence(data, **options):
    options = {"image_size": (16, 16), "batch_size": 3, "class_names": NAMES} | options
    return kb.BoundingBoxSequence(*data, **options)


def test_the_mean_iou_is_the_metrics(data):
    localizer = model()
    report = kb.evaluate_localizer(localizer, sequence(data))
    metric = kb.MeanIOU()
    for X, (_, boxes) in sequence(data, shuffle=False):
        metric.update_state(boxes, localizer.predict(X, verbose=0)[1])
    assert report.summary()["mean_iou"] == pytest.approx(float(metric.result()), abs=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"shuffle": False},
        {"shuffle": True, "seed": 4},
        {"last_batch": "drop"},
        {"last_batch": "pad"},
        {"augment": [kb.augment.RandomFlip(1.0)]},
        {"bounding_box_format": "center_xywh"},
    ],
)
def test_every_row_counts_once_whatever_the_sequence_does(data, options):
    localizer = model()
    plain = kb.evaluate_localizer(localizer, sequence(data)).rows
    if "bounding_box_format" in options:
        inputs = localizer.input
        corners = localizer.output[1] * 16
        centers = keras.layers.Lambda(
            lambda b: keras.ops.concatenate([(b[:, :2] + b[:, 2:]) / 2, b[:, 2:] - b[:, :2]], 1),
            name="bbox_prediction_",
        )(corners)
        localizer = keras.Model(
            inputs, {"class_prediction": localizer.output[0], "bbox_prediction": centers}
        )
    other = kb.evaluate_localizer(localizer, sequence(data, **options))
    pd.testing.assert_frame_equal(other.rows, plain, atol=1e-5)
    assert other.rows["row"].tolist() == [10, 11, 12, 13, 14, 15, 16]


def table_of(ious, right, images=None, **more):
    count = len(ious)
    return pd.DataFrame(
        {
            "row": range(count),
            "image": images or [f"{k}.png" for k in range(count)],
            "class_name": ["a"] * count,
            "predicted_class": ["a" if r else "b" for r in right],
            "class_id": 0,
            "predicted_id": [0 if r else 1 for r in right],
            "score": 0.9,
            "iou": ious,
            "x_min": 0.0,
            "y_min": 0.0,
            "x_max": np.linspace(0.1, 1.0, count),
            "y_max": 0.2,
            **more,
        }
    )


def test_figures_are_those_counted_by_hand():
    rows = table_of([0.9, 0.6, 0.5, 0.0], [True, False, True, True])
    found = kb.LocalizerReport(rows, ("a", "b")).summary()
    assert found["rows"] == 4
    assert found["mean_iou"] == pytest.approx(0.5)
    assert found["iou_50"] == 0.5 and found["iou_75"] == 0.25
    assert found["accuracy"] == 0.75 and found["both_right"] == 0.25
    assert found["calibration_error"] == pytest.approx(0.9 - 0.25)


def test_an_image_counts_by_the_object_that_fits_best():
    rows = table_of([0.2, 0.8, 0.7, 0.4], [True, True, False, True], ["x", "x", "y", "z"])
    frame = kb.LocalizerReport(rows, ("a", "b")).by_row_and_image()
    assert frame["rows"].tolist() == [4, 3, 2]
    assert frame["mean_iou"].tolist() == pytest.approx([2.1 / 4, 1.9 / 3, 1.1 / 2])
    assert frame["both_right"].tolist() == pytest.approx([1 / 4, 1 / 3, 0])


def test_an_image_with_the_right_class_somewhere_is_right():
    rows = table_of([0.9, 0.6], [False, True], ["x", "x"])
    assert kb.LocalizerReport(rows, ("a", "b")).by_row_and_image().loc["images", "both_right"] == 1


def test_images_are_rows_where_each_has_one_object():
    rows = table_of([0.2, 0.8, 0.7], [True, True, False])
    frame = kb.LocalizerReport(rows, ("a", "b")).by_row_and_image()
    assert frame.loc["rows"].tolist() == frame.loc["images"].tolist()
    assert frame.loc["rows"].tolist() == frame.loc["images with one object"].tolist()


def test_the_curve_falls_and_its_area_is_the_mean_iou():
    ious = np.random.default_rng(0).uniform(0, 1, 200)
    curve = kb.LocalizerReport(table_of(ious, [True] * 200), ("a",)).curve()
    assert (curve["success"].diff().dropna() <= 0).all()
    assert np.trapezoid(curve["success"], curve["threshold"]) == pytest.approx(
        ious.mean(), abs=0.01
    )


def test_sizes_part_by_share_of_the_image():
    boxes = np.array([[0, 0, 0.1, 0.2], [0, 0, 0.2, 0.2], [0, 0, 0.5, 0.5], [0, 0, 1, 1]])
    assert scores.size_of(boxes).tolist() == ["small", "medium", "large", "large"]
    report = kb.LocalizerReport(table_of([0.1, 0.2, 0.3, 0.4], [True] * 4), ("a",))
    assert report.by_size()["rows"].sum() == 4


def test_calibration_is_perfect_for_honest_scores():
    rng = np.random.default_rng(0)
    score = rng.uniform(0, 1, 50_000)
    table = scores.calibration(score, rng.uniform(0, 1, 50_000) < score)
    assert table["count"].sum() == 50_000
    assert scores.calibration_error(table) < 0.02
    assert scores.calibration_error(scores.calibration(score, np.zeros(50_000))) > 0.4


def test_scores_of_one_are_in_the_last_bin():
    table = scores.calibration(np.array([1.0, 0.0]), np.array([1, 0]))
    assert table["low"].tolist() == [0.0, 0.9]


def test_the_confusion_matrix_counts_every_row(data):
    report = kb.evaluate_localizer(model(), sequence(data))
    counts = report.confusion()
    assert counts.to_numpy().sum() == 7
    assert counts.to_numpy().sum(axis=1).tolist() == [2, 3, 2]
    assert np.trace(counts.to_numpy()) / 7 == pytest.approx(report.summary()["accuracy"])


def test_the_worst_come_first(data):
    report = kb.evaluate_localizer(model(), sequence(data))
    assert report.worst()["iou"].is_monotonic_increasing
    assert len(report.worst(3)) == 3


def test_a_box_score_is_judged_by_the_iou(data):
    report = kb.evaluate_localizer(model(box_score=True), sequence(data))
    assert report.rows["box_score"].between(0, 1).all()
    assert 0 <= report.summary()["box_score_error"] <= 1


def test_other_classes_are_refused(data):
    with pytest.raises(ValueError, match="must have the same classes"):
        kb.evaluate_localizer(model(), sequence(data, class_names=(*NAMES, "more")))


def test_json_holds_all_figures(data, tmp_path):
    report = kb.evaluate_localizer(model(), sequence(data))
    read = json.loads(report.to_json(tmp_path / "new/report.json").read_text())
    assert read["summary"]["mean_iou"] == report.summary()["mean_iou"]
    assert read["class_names"] == list(NAMES)
    empty = kb.LocalizerReport(report.rows.head(0), NAMES)
    assert json.loads(empty.to_json(tmp_path / "empty.json").read_text())["summary"]["rows"] == 0


class Checker(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed_escaped_and_needs_nothing_else(data, tmp_path):
    report = kb.evaluate_localizer(model(box_score=True), sequence(data))
    text = report.write_html(tmp_path / "new/report.html", title="<i>mine").read_text()
    checker = Checker()
    checker.feed(text.split(">", 1)[1])
    assert not checker.open
    assert "<b>" not in text and "<i>" not in text and "&lt;b&gt;apple" in text
    count = len(report.images())
    assert sum(tag == "image" for tag, _ in checker.seen) == 2 * count
    links = [v for _, a in checker.seen for k, v in a.items() if k in ("href", "src")]
    assert all(link.startswith("data:image/jpeg;base64,") for link in links)


def test_the_report_prints_as_tables(data):
    text = str(kb.evaluate_localizer(model(), sequence(data)))
    assert "images with one object" in text and "both_right" in text and "small" in text
