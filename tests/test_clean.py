"""Chosen findings mended in a copy, every change logged."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

import keras_bbox as kb
from keras_bbox.annotations.quality.fixes import FIXES
from keras_bbox.images import write_image

COLUMNS = ["filename", "x_min", "x_max", "y_min", "y_max", "class_name"]
BOX = (0.25, 0.5, 0.25, 0.75)
ALL = list(FIXES)


def table_of(*rows, **columns):
    table = pd.DataFrame([[name, *box, label] for name, box, label in rows], columns=COLUMNS)
    return table.assign(**columns)


def cleaned(table, fixes=None, image_dir=None, **options):
    report = kb.annotations.check(table, image_dir, **options)
    return kb.annotations.clean(table, report, fixes)


def box_of(table, row=0):
    return table.loc[row, ["x_min", "x_max", "y_min", "y_max"]].tolist()


def test_what_is_good_stays_as_it_is():
    table = table_of(("a.png", BOX, "cake"), ("b.png", (None,) * 4, None))
    new, log = cleaned(table, ALL)
    pd.testing.assert_frame_equal(new, table)
    assert len(log) == 0


def test_reversed_corners_are_swapped_then_clipped():
    new, log = cleaned(table_of(("a.png", (1.01, 0.25, -0.005, 0.75), "cake")))
    assert box_of(new) == [0.25, 1.0, 0.0, 0.75]
    assert log["kind"].tolist() == ["reversed-box", "overshoot"]
    assert log.loc[0, "before"] == {"x_min": 1.01, "x_max": 0.25}
    assert log.loc[0, "after"] == {"x_min": 0.25, "x_max": 1.01}
    assert log.loc[1, "after"] == {"x_max": 1.0, "y_min": 0.0}


def test_the_later_of_equal_rows_is_dropped():
    new, log = cleaned(table_of(*[("a.png", BOX, "cake")] * 3, ("a.png", BOX, "pie")))
    assert new.index.tolist() == [0, 3]
    assert log[["row", "image"]].values.tolist() == [[1, "a.png"], [2, "a.png"]]
    assert log.loc[0, "before"]["class_name"] == "cake" and log.loc[0, "after"] is None


def test_only_safe_fixes_are_made_unless_others_are_named():
    table = table_of(("a.png", (0.25, 0.5, 0.25, 1.5), "cake"), ("b.png", (0.5, 0.5, 0, 1), "Cake"))
    new, log = cleaned(table)
    pd.testing.assert_frame_equal(new, table)
    new, _ = cleaned(table, ["outside-image", "empty-box", "lookalike-class"])
    assert new["class_name"].tolist() == ["Cake"] or new["class_name"].tolist() == ["cake"]
    assert box_of(new) == [0.25, 0.5, 0.25, 1.0]


def test_a_box_wholly_outside_is_not_clipped_to_a_line():
    table = table_of(("a.png", (1.1, 1.5, 0.25, 0.75), "cake"))
    new, log = cleaned(table, ["outside-image"])
    assert box_of(new) == [1.1, 1.5, 0.25, 0.75] and len(log) == 0


def test_look_alikes_get_the_more_frequent_name():
    rows = [(f"{k}.png", BOX, "Hot dog") for k in range(3)]
    table = table_of(("x.png", BOX, "hot_dog"), *rows, ("y.png", BOX, "hot_dog"))
    new, log = cleaned(table, ["lookalike-class"])
    assert set(new["class_name"]) == {"Hot dog"}
    assert log["row"].tolist() == [0, 4]
    assert log.loc[0, "before"] == {"class_name": "hot_dog"}


def test_a_chain_of_look_alikes_ends_at_one_name():
    rows = [("a.png", "cake")] * 5 + [("b.png", "cakes")] * 2 + [("c.png", "Cake")]
    boxes = [(0.1 * k, 0.1 * k + 0.05, 0.25, 0.75) for k in range(len(rows))]
    table = table_of(*((name, box, label) for (name, label), box in zip(rows, boxes, strict=True)))
    new, _ = cleaned(table, ["lookalike-class"])
    assert set(new["class_name"]) == {"cake"}


@pytest.fixture
def images(tmp_path):
    for seed, name in enumerate(("a.png", "b.png")):
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 80, 3)).astype("uint8")
        write_image(tmp_path / name, pixels)
    return tmp_path


def test_pixels_are_divided_by_the_size_of_the_file(images):
    table = table_of(("a.png", (20, 40, 10, 30), "cake"), ("b.png", BOX, "cake"))
    new, log = cleaned(table, ["pixel-coordinates"], images)
    assert box_of(new) == [0.25, 0.5, 0.25, 0.75]
    assert log.loc[0, "before"] == {"x_min": 20, "x_max": 40, "y_min": 10, "y_max": 30}


def test_rows_of_images_that_are_not_there_are_dropped(images):
    table = table_of(("a.png", BOX, "cake"), ("x.png", BOX, "cake"), ("x.png", (0, 1, 0, 1), "pie"),
                     ("b.png", BOX, "pie"))  # fmt: skip
    new, log = cleaned(table, ["missing-image"], images)
    assert new.index.tolist() == [0, 3]
    assert log["row"].tolist() == [1, 2]


def test_a_leak_is_closed_in_the_larger_split(images):
    shutil.copy(images / "a.png", images / "c.png")
    train = table_of(("a.png", BOX, "cake"), ("b.png", BOX, "cake"))
    tables = {"train": train, "val": table_of(("c.png", BOX, "cake"))}
    new, log = cleaned(tables, ["leaked-image"], images)
    assert new["train"]["filename"].tolist() == ["b.png"]
    assert new["val"]["filename"].tolist() == ["c.png"]
    assert log[["split", "row"]].values.tolist() == [["train", 0]]
    again = kb.annotations.check(new, images, duplicates=True)
    assert "leaked-image" not in again.findings["kind"].tolist()


def test_stated_sizes_are_corrected(images):
    table = table_of(("a.png", BOX, "cake"), ("b.png", BOX, "cake"), height=40, width=[80, 90])
    new, log = cleaned(table, ["size-mismatch"], images)
    assert new["width"].tolist() == [80, 80] and new["width"].dtype == table["width"].dtype
    assert log["before"].tolist() == [{"height": 40, "width": 90}]


def test_text_becomes_numbers_where_all_are_numbers():
    table = table_of(("a.png", ("0.6", "0.25", "0.1", "0.5"), "cake"),
                     ("b.png", ("0.1", "0.2", "0.1", "0.5"), "cake"))  # fmt: skip
    new, _ = cleaned(table)
    assert new["x_min"].tolist() == [0.25, 0.1] and new["x_min"].dtype == np.float64


def test_what_is_no_number_survives_the_fix_of_another_row():
    table = table_of(
        ("a.png", (0.6, 0.25, 0.1, 0.5), "cake"), ("b.png", ("wide", 0.2, 0.1, 0.5), "x")
    )
    new, _ = cleaned(table)
    assert new["x_min"].tolist() == [0.25, "wide"]


def test_findings_can_be_left_out():
    table = table_of(
        ("a.png", (0.6, 0.25, 0.1, 0.5), "cake"), ("b.png", (0.6, 0.25, 0.1, 0.5), "x")
    )
    report = kb.annotations.check(table)
    new, log = kb.annotations.clean(table, report.where(report.findings["row"] == 1))
    assert new["x_min"].tolist() == [0.6, 0.25] and log["row"].tolist() == [1]


def test_an_index_that_repeats_does_no_harm():
    table = table_of(*[("a.png", BOX, "cake")] * 2, ("b.png", (0.6, 0.25, 0.1, 0.5), "cake"))
    table.index = [7, 7, 7]
    new, log = cleaned(table)
    assert new["filename"].tolist() == ["a.png", "b.png"] and new["x_min"].tolist() == [0.25, 0.25]
    assert sorted(log["row"]) == [1, 2]


def test_after_all_fixes_validation_is_content():
    rows = [("a.png", (0.6, 0.25, 0.1, 0.5), "cake"), ("b.png", (0.1, 1.2, 0.1, 0.5), "cake"),
            ("c.png", ("x", 0.2, 0.1, 0.5), "cake"), (None, BOX, "cake"), ("d.png", BOX, None),
            ("e.png", (0.1, None, 0.1, 0.5), "cake"), ("f.png", (0.1, 0.1, 0.1, 0.5), "cake"),
            ("g.png", BOX, "cake"), ("h.png", (None,) * 4, None)]  # fmt: skip
    new, _ = cleaned(table_of(*rows), ALL)
    kb.annotations.validate_annotations(new, ["cake"])
    assert new["filename"].tolist() == ["a.png", "b.png", "g.png", "h.png"]


def test_cleaning_never_changes_its_arguments():
    table = table_of(("a.png", (0.6, 0.25, 0.1, 0.5), "cake"), ("a.png", BOX, "Cake"))
    report = kb.annotations.check(table)
    before, found = table.copy(deep=True), report.findings.copy(deep=True)
    kb.annotations.clean(table, report, ALL)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(report.findings, found)


def test_an_unknown_fix_is_named():
    table = table_of(("a.png", BOX, "cake"))
    with pytest.raises(ValueError, match="Received: 'polish'"):
        cleaned(table, ["polish"])


def test_the_report_of_another_table_is_refused():
    table = table_of(("a.png", BOX, "cake"))
    report = kb.annotations.check(table)
    with pytest.raises(ValueError, match="the very tables"):
        kb.annotations.clean(table.assign(x_min=0.1), report)
    with pytest.raises(ValueError, match="the very tables"):
        kb.annotations.clean({"train": table}, report)
    table.loc[0, "x_min"] = 0.1
    with pytest.raises(ValueError, match="the very tables"):
        kb.annotations.clean(table, report)
