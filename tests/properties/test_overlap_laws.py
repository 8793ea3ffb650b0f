from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import ExactPair, giou_by_counting, iou_by_counting, pixels
from strategies import any_boxes, image_sizes, integer_boxes, layouts, relative_boxes, sized_boxes

from keras_bbox.boxes import box_area, convert_boxes
from keras_bbox.overlap import ciou, diou, giou, iou

MEASURES = {"iou": iou, "giou": giou, "diou": diou, "ciou": ciou}


def every_pair(function, boxes1, boxes2, *args, **kwargs):
    return function(boxes1[:, None], boxes2[None], *args, **kwargs)


@given(integer_boxes(), integer_boxes())
def test_iou_is_what_counting_pixels_gives(boxes1, boxes2):
    expected = [[iou_by_counting(a, b) for b in boxes2] for a in boxes1]
    np.testing.assert_allclose(every_pair(iou, boxes1, boxes2), expected, rtol=1e-14)


@given(integer_boxes(), integer_boxes())
def test_giou_is_what_counting_pixels_gives(boxes1, boxes2):
    values = every_pair(giou, boxes1, boxes2)
    for value, (a, b) in zip(values.ravel(), [(a, b) for a in boxes1 for b in boxes2], strict=True):
        if pixels(a) and pixels(b):
            assert value == pytest.approx(giou_by_counting(a, b), abs=1e-14)
        elif not pixels(a) and not pixels(b):
            assert value == -1


@pytest.mark.parametrize("name", MEASURES)
@given(boxes1=any_boxes(3, largest=5), boxes2=any_boxes(3, largest=5), layout=layouts)
def test_any_numbers_give_what_exact_arithmetic_gives(name, boxes1, boxes2, layout):
    values = every_pair(MEASURES[name], boxes1, boxes2, layout)
    exact = [[getattr(ExactPair(a, b, layout), name)() for b in boxes2] for a in boxes1]
    # A side that is all rounding error says nothing about overlap, only that it is small.
    np.testing.assert_allclose(values, np.array(exact, float), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", MEASURES)
@given(boxes1=any_boxes(), boxes2=any_boxes(), layout=layouts)
def test_the_order_of_the_arguments_is_no_matter(name, boxes1, boxes2, layout):
    there = every_pair(MEASURES[name], boxes1, boxes2, layout)
    back = every_pair(MEASURES[name], boxes2, boxes1, layout)
    np.testing.assert_array_equal(there, back.T)


@given(any_boxes(largest=1e30), any_boxes(largest=1e30), layouts)
def test_values_keep_their_bounds_and_their_order(boxes1, boxes2, layout):
    ious, gious, dious, cious = (
        every_pair(function, boxes1, boxes2, layout) for function in MEASURES.values()
    )
    assert (ious >= 0).all() and (ious <= 1).all()
    assert (gious >= -1).all() and (gious <= ious).all()
    assert (dious >= -1 - 1e-12).all() and (dious <= ious).all()
    assert (cious >= -2 - 1e-12).all() and (cious <= dious).all()


@given(relative_boxes(), relative_boxes())
def test_giou_of_boxes_with_area_is_over_minus_one(boxes1, boxes2):
    assert (every_pair(giou, boxes1, boxes2) > -1).all()


@given(any_boxes(), any_boxes(), layouts)
def test_a_box_without_area_has_iou_zero(boxes1, boxes2, layout):
    values = every_pair(iou, boxes1, boxes2, layout)
    assert (values[box_area(boxes1, layout) == 0] == 0).all()


@pytest.mark.parametrize("name", MEASURES)
@given(box=sized_boxes(), layout=st.sampled_from(["xywh", "center_xywh"]))
def test_a_box_agrees_with_itself_exactly_however_small(name, box, layout):
    assert MEASURES[name](box, box, layout) == 1
    # From the origin, corners too hold a side of any size.
    at_origin = np.concatenate([np.zeros_like(box[:, 2:]), box[:, 2:]], axis=-1)
    assert MEASURES[name](at_origin, at_origin, "xyxy") == 1


@settings(max_examples=10)
@given(box=sized_boxes())
def test_a_tensor_box_agrees_with_itself_exactly_however_small(box):
    tensor = keras.ops.convert_to_tensor(box)
    for function in MEASURES.values():
        assert keras.ops.convert_to_numpy(function(tensor, tensor, "xywh")) == 1


@pytest.mark.parametrize("function", [iou, giou])
@given(
    boxes1=any_boxes(),
    boxes2=any_boxes(),
    powers=st.tuples(st.integers(-60, 60), st.integers(-60, 60)),
)
def test_iou_and_giou_do_not_change_with_the_unit_of_an_axis(function, boxes1, boxes2, powers):
    unit = np.exp2(np.tile(powers, 2))  # powers of two, so that the boxes scale without rounding
    np.testing.assert_array_equal(
        every_pair(function, boxes1, boxes2), every_pair(function, boxes1 * unit, boxes2 * unit)
    )


@pytest.mark.parametrize("name", MEASURES)
@given(
    boxes1=integer_boxes(),
    boxes2=integer_boxes(),
    move=st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)),
)
def test_moving_both_boxes_changes_nothing(name, boxes1, boxes2, move):
    moved1, moved2 = boxes1 + np.tile(move, 2), boxes2 + np.tile(move, 2)
    np.testing.assert_array_equal(
        every_pair(MEASURES[name], boxes1, boxes2), every_pair(MEASURES[name], moved1, moved2)
    )


@pytest.mark.parametrize("name", MEASURES)
@given(boxes1=relative_boxes(), boxes2=relative_boxes(), layout=layouts, size=image_sizes())
def test_the_format_is_no_matter(name, boxes1, boxes2, layout, size):
    height, width = size
    function = MEASURES[name]
    sizes = {} if name in ("iou", "giou") else {"height": height, "width": width}
    pixels1, pixels2 = (
        convert_boxes(boxes, "rel_xyxy", layout, height=height, width=width)
        for boxes in (boxes1, boxes2)
    )
    np.testing.assert_allclose(
        every_pair(function, pixels1, pixels2, layout),
        every_pair(function, boxes1, boxes2, "rel_xyxy", **sizes),
        rtol=0,
        atol=1e-10,
    )


@settings(max_examples=10)
@given(any_boxes(4, dtype="float32"), any_boxes(4, dtype="float32"), layouts)
def test_a_tensor_gets_the_numbers_that_numpy_gets(boxes1, boxes2, layout):
    tensor1 = keras.ops.convert_to_tensor(boxes1)
    for function in MEASURES.values():
        values = every_pair(function, tensor1, boxes2, layout)
        assert keras.ops.is_tensor(values)
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(values),
            every_pair(function, boxes1, boxes2, layout),
            rtol=0,
            atol=2e-6,
        )


@given(any_boxes(), any_boxes())
def test_arguments_are_left_as_they_were(boxes1, boxes2):
    before = boxes1.copy(), boxes2.copy()
    for function in MEASURES.values():
        every_pair(function, boxes1, boxes2)
    np.testing.assert_array_equal(boxes1, before[0])
    np.testing.assert_array_equal(boxes2, before[1])
