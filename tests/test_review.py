"""Disagreements of a model with the labels: planted ones come first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import keras_bbox as kb
from keras_bbox.annotations import image_paths
from keras_bbox.images import read_image, write_image

COLUMNS = ["filename", "x_min", "x_max", "y_min", "y_max", "class_name"]
BOX = (0.1, 0.5, 0.1, 0.5)
AWAY = (0.6, 0.9, 0.6, 0.9)
SHIFTED = (0.2, 0.6, 0.1, 0.5)  # IoU 0.6 with BOX


def table_of(*rows):
    return pd.DataFrame([[name, *box, label] for name, box, label in rows], columns=COLUMNS)


def predicted(*rows, score=0.9):
    return table_of(*rows).assign(score=score)


def judged(labels, predictions, **options):
    errors = kb.review.rank_label_errors(labels, predictions, **options)
    return [(e.kind, None if pd.isna(e.row) else e.row, round(e.score, 6))
            for e in errors.itertuples()]  # fmt: skip


def test_agreement_is_no_error():
    labels = table_of(("a.png", BOX, "cake"), ("b.png", (None,) * 4, None))
    assert judged(labels, predicted(("a.png", BOX, "cake"))) == []


def test_each_kind_of_disagreement():
    labels = table_of(("a.png", BOX, "cake"), ("b.png", BOX, "cake"), ("c.png", BOX, "cake"),
                      ("d.png", BOX, "cake"))  # fmt: skip
    seen = predicted(("a.png", BOX, "pie"), ("b.png", SHIFTED, "cake"), ("c.png", BOX, "cake"),
                     ("c.png", AWAY, "pie"))  # fmt: skip
    assert judged(labels, seen) == [
        ("class", 0, 0.9),
        ("missing", None, 0.9),
        ("extra", 3, 0.5),
        ("box", 1, 0.36),
    ]


def test_what_is_seen_in_a_negative_is_missing():
    labels = table_of(("a.png", (None,) * 4, None))
    assert judged(labels, predicted(("a.png", BOX, "cake"))) == [("missing", None, 0.9)]


def test_timid_predictions_are_left_out():
    labels = table_of(("a.png", BOX, "cake"))
    assert judged(labels, predicted(("a.png", BOX, "pie"), score=0.4)) == [("extra", 0, 0.5)]
    assert judged(labels, predicted(("a.png", BOX, "pie"), score=0.4), min_score=0.3) == [
        ("class", 0, 0.4)
    ]


def test_a_second_opinion_that_agrees_is_enough():
    labels = table_of(("a.png", BOX, "cake"))
    seen = predicted(("a.png", BOX, "pie"), ("a.png", BOX, "cake"))
    assert judged(labels, seen) == []


def test_one_object_an_image_judges_the_nearest_row_alone():
    labels = table_of(("a.png", AWAY, "pie"), ("a.png", BOX, "cake"))
    assert judged(labels, predicted(("a.png", BOX, "cake")), several=False) == []
    assert judged(labels, predicted(("a.png", BOX, "fig")), several=False) == [("class", 1, 0.9)]


def test_confidence_is_another_word_for_score():
    labels = table_of(("a.png", BOX, "cake"))
    seen = table_of(("a.png", BOX, "pie"))
    assert judged(labels, seen.assign(confidence=0.7)) == [("class", 0, 0.7)]
    with pytest.raises(ValueError, match="score or confidence"):
        judged(labels, seen)


@pytest.fixture(scope="module")
def snacks(tmp_path_factory):
    return kb.datasets.make_snacks(
        60, 48, directory=tmp_path_factory.mktemp("snacks"), splits={"all": 1.0}
    )


@pytest.fixture
def table(snacks):
    table = kb.annotations.read_csv(snacks / "annotations-all.csv")
    return table.drop_duplicates("image_id").reset_index(drop=True)


class Knows:
    """Remembers the true labels of pictures by their brightness, and makes no mistakes."""

    def __init__(self, truth, image_dir, sequence, seen=None):
        self.sequence, self.seen = sequence, seen
        paths = image_paths(truth, image_dir)
        self.keys = np.array([read_image(path).mean() for path in paths])
        self.ids = [sequence.class_names.index(name) for name in truth["class_name"]]
        boxes = truth[["x_min", "y_min", "x_max", "y_max"]].to_numpy()
        self.boxes = kb.convert_boxes(boxes, "rel_xyxy", sequence.bounding_box_format,
                                      height=48, width=48)  # fmt: skip

    def predict_on_batch(self, X):
        rows = [int(np.abs(self.keys - image.mean()).argmin()) for image in X]
        if self.seen is not None:
            assert not self.seen & {self.keys[row] for row in rows}
        classes = np.eye(len(self.sequence.class_names))[[self.ids[row] for row in rows]]
        return classes, self.boxes[rows]


def planted(table):
    wrong = table.copy()
    wrong.loc[7, "class_name"] = table.loc[8, "class_name"]
    wrong.loc[11, ["x_min", "x_max", "y_min", "y_max"]] = [0.0, 0.05, 0.0, 0.05]
    return wrong


@pytest.mark.parametrize("bounding_box_format", ["rel_xyxy", "xywh"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_planted_errors_are_found(table, snacks, shuffle, bounding_box_format):
    wrong = planted(table)
    sequence = kb.BoundingBoxSequence(
        wrong, snacks / "all", (48, 48), 7, shuffle=shuffle, last_batch="pad",
        bounding_box_format=bounding_box_format,
    )  # fmt: skip
    errors = kb.review.find_label_errors(Knows(table, snacks / "all", sequence), sequence)
    assert sorted(errors[["row", "kind"]].values.tolist()) == [[7, "class"], [11, "box"]]
    assert errors.loc[errors["row"] == 7, "suggested"].item() == table.loc[7, "class_name"]


def test_folds_judge_by_models_that_have_not_seen_the_row(table, snacks):
    wrong = planted(table)
    sequence = kb.BoundingBoxSequence(
        wrong, snacks / "all", (48, 48), 8, augment=[kb.augment.RandomFlip()]
    )
    sizes = []

    def fit(part):
        assert part.class_names == sequence.class_names and part.augment is sequence.augment
        sizes.append(len(part.annotations))
        means = {read_image(path).mean() for path in image_paths(part.annotations, snacks / "all")}
        return Knows(table, snacks / "all", sequence, seen=means)

    errors = kb.review.find_label_errors(None, sequence, folds=3, fit=fit)
    assert sizes == [40, 40, 40]
    assert sorted(errors[["row", "kind"]].values.tolist()) == [[7, "class"], [11, "box"]]


def test_an_augmenting_sequence_or_half_of_the_folds_is_refused(table, snacks):
    sequence = kb.BoundingBoxSequence(table, snacks / "all", augment=[kb.augment.RandomFlip()])
    with pytest.raises(ValueError, match="without augmentation"):
        kb.review.find_label_errors(None, sequence)
    with pytest.raises(ValueError, match="Received: folds=3, fit=None"):
        kb.review.find_label_errors(None, sequence, folds=3)


def test_the_gallery_shows_both_boxes(table, snacks):
    seen = planted(table).assign(score=0.9)
    errors = kb.review.rank_label_errors(table, seen)
    figure = kb.review.plot_label_errors(errors, table, snacks / "all", count=3)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert f"seen: {errors.loc[0, 'suggested']}" in texts
    with pytest.raises(ValueError, match="disagreement to draw"):
        kb.review.plot_label_errors(errors[:0], table, snacks)


class Middle:
    """Proposes the middle of the picture; the surer the brighter it is."""

    input_shape = (None, 20, 40, 3)

    def predict_on_batch(self, X):
        assert X.shape[1:] == (20, 40, 3) and X.max() <= 1
        score = X.mean(axis=(1, 2, 3))
        return np.stack([1 - score, score], axis=1), np.tile([0.25, -0.25, 0.75, 0.75], (len(X), 1))


def test_boxes_are_proposed_for_images_without_annotation(tmp_path):
    for name, level in (("a.png", 250), ("deep/b.png", 200), ("c.png", 130), ("d.png", 255)):
        write_image(tmp_path / name, np.full((50, 60, 3), level, "uint8"))
    done = table_of(("d.png", (None,) * 4, None))
    table = kb.suggest_boxes(
        Middle(), tmp_path, ["dark", "bright"], annotations=done, min_score=0.7,
        preprocess=lambda X: X / 255,
    )  # fmt: skip
    assert table["filename"].tolist() == ["a.png", "deep/b.png"]
    assert table["class_name"].tolist() == ["bright"] * 2
    box = table.loc[0, ["x_min", "x_max", "y_min", "y_max"]].tolist()
    assert box == [0.25, 0.75, 0.0, 0.75]
    kb.annotations.validate_annotations(table)


def test_unreadable_files_are_told_and_left_out(tmp_path):
    write_image(tmp_path / "a.png", np.full((50, 60, 3), 255, "uint8"))
    (tmp_path / "b.png").write_text("no picture")
    options = {"preprocess": lambda X: X / 255}
    with pytest.warns(UserWarning, match="Left out: .*b.png"):
        table = kb.suggest_boxes(Middle(), tmp_path, ["dark", "bright"], **options)
    assert table["filename"].tolist() == ["a.png"]
    assert table.loc[0, ["width", "height"]].tolist() == [60, 50]


def test_no_images_no_suggestions(tmp_path):
    kb.annotations.validate_annotations(kb.suggest_boxes(Middle(), tmp_path, ["a"]))
