"""What holds for every split of every table."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

import keras_bbox as kb

COLUMNS = ["filename", "x_min", "x_max", "y_min", "y_max", "class_name", "scene"]
FRACTIONS = st.sampled_from(
    [{"train": 0.8, "val": 0.1, "test": 0.1}, {"train": 0.7, "val": 0.3}, {"all": 1.0}]
)
ROW = st.tuples(
    st.integers(0, 30), st.sampled_from(["cake", "pie", None]), st.sampled_from([None, "a", "b"])
)


@st.composite
def tables(draw):
    rows = draw(st.lists(ROW, max_size=60))
    return pd.DataFrame([[f"{k}.png", 0, 1, 0, 1, label, scene] for k, label, scene in rows],
                        columns=COLUMNS)  # fmt: skip


def images_of(parts):
    return {name: set(part["filename"]) for name, part in parts.items()}


@given(tables(), FRACTIONS, st.integers(0, 3))
def test_every_row_is_in_one_part_and_every_image_and_group_too(table, fractions, seed):
    parts = kb.annotations.split(table, fractions, group="scene", seed=seed)
    assert list(parts) == list(fractions)
    assert sorted(row for part in parts.values() for row in part.index) == list(table.index)
    for column in ("filename", "scene"):
        found = [value for part in parts.values() for value in part[column].dropna().unique()]
        assert len(found) == len(set(found))


@given(tables(), FRACTIONS, st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(table, fractions, seed, random):
    order = list(range(len(table)))
    random.shuffle(order)
    parts = kb.annotations.split(table, fractions, group="scene", seed=seed)
    other = kb.annotations.split(table.iloc[order], fractions, group="scene", seed=seed)
    assert images_of(parts) == images_of(other)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=150), FRACTIONS, st.integers(0, 3))
def test_shares_of_each_class_are_near(labels, fractions, seed):
    rows = [[f"{k}.png", 0, 1, 0, 1, label, None] for k, label in enumerate(labels)]
    parts = kb.annotations.split(pd.DataFrame(rows, columns=COLUMNS), fractions, seed=seed)
    for name, part in parts.items():
        for label in set(labels):
            wanted = fractions[name] * labels.count(label)
            assert abs((part["class_name"] == label).sum() - wanted) < 1.5
        assert abs(len(part) - fractions[name] * len(labels)) < 2.5
