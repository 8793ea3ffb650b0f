from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import FORMATS, any_boxes, batch_sizes, formats, weights

from keras_bbox.metrics import IOUAccuracy, MeanIOU
from keras_bbox.overlap import iou

# One metric for all examples, reset before each: making one costs more than feeding it.
MEANS = {name: MeanIOU(name) for name in FORMATS}
SHARES = {name: IOUAccuracy(0.4, name) for name in FORMATS}
in_a_few_examples = settings(max_examples=15)


def fed(metric, batches):
    metric.reset_state()
    for batch in batches:
        metric.update_state(*batch)
    return float(metric.result())


def split(sizes, *arrays):
    ends = np.cumsum(sizes)[:-1]
    return list(zip(*(np.split(array, ends) for array in arrays), strict=True))


@st.composite
def splits(draw):
    """True boxes, predicted boxes near them, weights, and sizes of batches."""
    y_true = draw(any_boxes(rows=12, largest=10, dtype="float32"))
    noise = draw(st.integers(0, 2**32 - 1).map(np.random.default_rng)).uniform(
        -0.5, 0.5, y_true.shape
    )
    rows = len(y_true)
    y_pred = (y_true + noise).astype("float32")
    return y_true, y_pred, draw(weights(rows)), draw(batch_sizes(rows))


@in_a_few_examples
@given(splits(), formats)
def test_any_split_into_batches_gives_the_mean_of_the_rows(example, name):
    y_true, y_pred, _, sizes = example
    rows = iou(y_true.astype("float64"), y_pred.astype("float64"), name)
    batches = split(sizes, y_true, y_pred)
    assert fed(MEANS[name], batches) == pytest.approx(rows.mean(), abs=1e-6)


@in_a_few_examples
@given(splits(), formats)
def test_weighted_rows_give_the_weighted_mean(example, name):
    y_true, y_pred, row_weights, sizes = example
    rows = iou(y_true.astype("float64"), y_pred.astype("float64"), name)
    total = row_weights.sum(dtype="float64")
    expected = (rows * row_weights).sum() / total if total else 0
    batches = split(sizes, y_true, y_pred, row_weights)
    assert fed(MEANS[name], batches) == pytest.approx(expected, abs=1e-6)


@in_a_few_examples
@given(splits(), formats)
def test_a_share_is_the_weighted_mean_of_hits(example, name):
    y_true, y_pred, row_weights, sizes = example
    hits = iou(y_true, y_pred, name) > 0.4
    total = row_weights.sum(dtype="float64")
    expected = (hits * row_weights).sum(dtype="float64") / total if total else 0
    batches = split(sizes, y_true, y_pred, row_weights)
    assert fed(SHARES[name], batches) == pytest.approx(expected, abs=1e-6)


@in_a_few_examples
@given(splits())
def test_a_weight_of_two_is_the_row_twice(example):
    y_true, y_pred, _, _ = example
    weights_of_rows = np.arange(len(y_true)) % 3
    twice = (np.repeat(boxes, weights_of_rows, axis=0) for boxes in (y_true, y_pred))
    metric = MEANS["xyxy"]
    weighted = fed(metric, [(y_true, y_pred, weights_of_rows)])
    assert weighted == pytest.approx(fed(metric, [tuple(twice)]), abs=1e-6)
