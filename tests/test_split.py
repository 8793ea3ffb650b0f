"""Parts of a table: whole images and groups, shares of each class, messages."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

import keras_bbox as kb
from keras_bbox.images import write_image

COLUMNS = ["filename", "x_min", "x_max", "y_min", "y_max", "class_name"]
BOX = (0.25, 0.5, 0.25, 0.75)
PARTS = {"train": 0.8, "val": 0.1, "test": 0.1}


def table_of(*pairs):
    return pd.DataFrame([[name, *BOX, label] for name, label in pairs], columns=COLUMNS)


def test_each_class_has_its_share():
    classes = ["cake"] * 100 + ["pie"] * 50 + ["fig"] * 10
    table = table_of(*((f"{k}.png", label) for k, label in enumerate(classes)))
    parts = kb.annotations.split(table, PARTS)
    counts = {name: part["class_name"].value_counts().to_dict() for name, part in parts.items()}
    assert counts["train"] == {"cake": 80, "pie": 40, "fig": 8}
    assert counts["val"] == counts["test"] == {"cake": 10, "pie": 5, "fig": 1}


def test_several_classes_in_an_image_have_their_shares():
    rng = np.random.default_rng(0)
    pairs = [(f"{k}.png", label) for k in range(1000) for label in "abcdef" if rng.random() < 0.25]
    parts = kb.annotations.split(table_of(*pairs), PARTS)
    total = table_of(*pairs)["class_name"].value_counts()
    for name, part in parts.items():
        expected = PARTS[name] * total
        assert (part["class_name"].value_counts() - expected).abs().max() <= 3


def test_rows_keep_their_order_and_index():
    table = table_of(*((f"{k}.png", "cake") for k in range(30))).iloc[::-1]
    parts = kb.annotations.split(table, PARTS)
    for part in parts.values():
        assert part.index.is_monotonic_decreasing
    joined = pd.concat(parts.values()).sort_index(ascending=False)
    pd.testing.assert_frame_equal(joined, table)


def test_negatives_are_shared_like_a_class():
    pairs = [(f"{k}.png", None if k % 4 == 0 else "cake") for k in range(100)]
    parts = kb.annotations.split(table_of(*pairs), {"train": 0.8, "val": 0.2})
    assert parts["val"]["class_name"].isna().sum() == 5


def test_another_seed_makes_other_parts():
    table = table_of(*((f"{k}.png", "cake") for k in range(50)))
    first, again, other = (kb.annotations.split(table, PARTS, seed=seed) for seed in (0, 0, 1))
    assert first["train"].equals(again["train"])
    assert not first["train"].equals(other["train"])
    assert len(first["train"]) == len(other["train"]) == 40


def test_the_order_of_rows_does_not_matter_for_groups_either():
    table = table_of(*((f"{k}.png", "cake") for k in range(90)))
    table["scene"] = [f"scene {k // 3}" for k in range(90)]
    first, other = (
        kb.annotations.split(rows, PARTS, group="scene") for rows in (table, table.iloc[::-1])
    )
    assert set(first["train"].index) == set(other["train"].index)


@pytest.mark.parametrize("by_column", [True, False])
def test_a_group_stays_together(by_column):
    table = table_of(*((f"{k}.png", "cake") for k in range(60)))
    scenes = [f"scene {k // 3}" if k < 30 else None for k in range(60)]
    table["scene"] = scenes
    group = "scene" if by_column else scenes
    parts = kb.annotations.split(table, {"train": 0.5, "val": 0.5}, group=group)
    assert not set(parts["train"]["scene"].dropna()) & set(parts["val"]["scene"].dropna())
    assert len(parts["train"]) == 30


def test_copies_stay_together_when_a_report_knows_them(tmp_path):
    for seed in range(12):
        pixels = np.random.default_rng(seed % 6).integers(0, 256, (40, 80, 3)).astype("uint8")
        write_image(tmp_path / f"{seed}.png", pixels)
    table = table_of(*((f"{k}.png", "cake") for k in range(12)))
    report = kb.annotations.check(table, tmp_path)
    parts = kb.annotations.split(table, {"train": 0.5, "val": 0.5}, report=report)
    shutil.rmtree(tmp_path)
    kinds = [{int(name[:-4]) % 6 for name in part["filename"]} for part in parts.values()]
    assert not kinds[0] & kinds[1]
    assert len(parts["train"]) == 6


def test_small_tables_leave_parts_empty():
    parts = kb.annotations.split(table_of(("a.png", "cake")), PARTS)
    assert [len(part) for part in parts.values()] == [1, 0, 0]
    assert all(len(part) == 0 for part in kb.annotations.split(table_of(), PARTS).values())


@pytest.mark.parametrize("fractions", [{}, {"a": 0.5}, {"a": 1.5, "b": -0.5}, {"a": 1.0, "b": 0.0}])
def test_fractions_add_up(fractions):
    with pytest.raises(ValueError, match="above 0 and add up to 1"):
        kb.annotations.split(table_of(("a.png", "cake")), fractions)


def test_groups_and_images_must_be_known():
    table = table_of(("a.png", "cake"))
    with pytest.raises(ValueError, match="Received: group='scene'"):
        kb.annotations.split(table, {"all": 1.0}, group="scene")
    with pytest.raises(ValueError, match="2 values for 1 rows"):
        kb.annotations.split(table, {"all": 1.0}, group=["a", "b"])
    with pytest.raises(ValueError, match="Received: row 0"):
        kb.annotations.split(table_of((None, "cake")), {"all": 1.0})
