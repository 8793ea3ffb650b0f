from __future__ import annotations

import keras
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import corners, pixels
from strategies import (
    FORMATS,
    any_boxes,
    formats,
    image_sizes,
    integer_boxes,
    layouts,
    relative_boxes,
)

from keras_bbox.boxes import box_area, clip_boxes, convert_boxes

KNOWN_TO_KERAS = [name for name in FORMATS if not name.endswith("xxyy")]


@given(any_boxes(), formats, formats, image_sizes())
def test_there_and_back_is_where_it_began(boxes, source, target, size):
    height, width = size
    there = convert_boxes(boxes, source, target, height=height, width=width)
    back = convert_boxes(there, target, source, height=height, width=width)
    np.testing.assert_allclose(back, boxes, rtol=0, atol=1e-14 * max(1, np.abs(boxes).max()))


@given(any_boxes(), formats)
def test_the_same_format_gives_equal_numbers(boxes, name):
    np.testing.assert_array_equal(convert_boxes(boxes, name, name), boxes)


@given(any_boxes(), formats, formats, formats, image_sizes())
def test_a_way_round_ends_where_the_direct_way_does(boxes, source, middle, target, size):
    height, width = size
    direct = convert_boxes(boxes, source, target, height=height, width=width)
    via = convert_boxes(boxes, source, middle, height=height, width=width)
    round_about = convert_boxes(via, middle, target, height=height, width=width)
    scale = max(1, np.abs(boxes).max(), np.abs(direct).max())
    np.testing.assert_allclose(round_about, direct, rtol=0, atol=1e-13 * scale)


@given(any_boxes(largest=100), layouts, layouts, image_sizes())
def test_corners_are_those_worked_out_by_hand(boxes, source, target, size):
    height, width = size
    converted = convert_boxes(boxes, source, f"rel_{target}", height=height, width=width)
    for box, result in zip(boxes, converted, strict=True):
        expected = np.array(corners(box, source)) / [width, height, width, height]
        found = np.array(corners(result, target))
        np.testing.assert_allclose(found.astype(float), expected.astype(float), atol=1e-11)


@settings(max_examples=15)
@given(
    relative_boxes(),
    st.sampled_from(KNOWN_TO_KERAS),
    st.sampled_from(KNOWN_TO_KERAS),
    image_sizes(largest=500),
)
def test_keras_agrees_where_it_has_the_format(boxes, source, target, size):
    height, width = size
    boxes = convert_boxes(boxes, "rel_xyxy", source, height=height, width=width).astype("float32")
    theirs = keras.utils.bounding_boxes.convert_format(
        boxes, source, target, height=height, width=width
    )
    ours = convert_boxes(boxes, source, target, height=height, width=width)
    scale = max(1, np.abs(boxes).max(), np.abs(ours).max())
    np.testing.assert_allclose(ours, keras.ops.convert_to_numpy(theirs), rtol=0, atol=2e-6 * scale)


@settings(max_examples=10)
@given(any_boxes(dtype="float32"), formats, formats, image_sizes())
def test_a_tensor_gets_the_numbers_that_numpy_gets(boxes, source, target, size):
    height, width = size
    tensor = keras.ops.convert_to_tensor(boxes)
    for function in (
        lambda any_kind: convert_boxes(any_kind, source, target, height=height, width=width),
        lambda any_kind: clip_boxes(any_kind, source, height=height, width=width),
        lambda any_kind: box_area(any_kind, source),
    ):
        result = function(tensor)
        assert keras.ops.is_tensor(result)
        expected = function(boxes)
        assert isinstance(expected, np.ndarray)
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(result), expected, rtol=2e-6, atol=1e-6
        )


@given(any_boxes(), layouts, image_sizes())
def test_clipped_boxes_are_inside(boxes, name, size):
    height, width = size
    clipped = clip_boxes(boxes, name, height=height, width=width)
    edges = convert_boxes(clipped, name, "xyxy")
    slack = 1e-12 * np.abs(boxes).max()
    assert (edges >= -slack).all()
    assert (edges <= np.array([width, height, width, height]) + slack).all()


@given(any_boxes(), layouts, image_sizes())
def test_clipping_twice_is_clipping_once(boxes, name, size):
    height, width = size
    once = clip_boxes(boxes, name, height=height, width=width)
    twice = clip_boxes(once, name, height=height, width=width)
    # A center and a size cannot hold every pair of edges to the last digit.
    slack = 1e-12 * max(height, width) if name == "center_xywh" else 0
    np.testing.assert_allclose(twice, once, rtol=0, atol=slack)


@given(relative_boxes(), formats, image_sizes())
def test_a_box_well_inside_keeps_its_numbers_when_clipped(boxes, name, size):
    height, width = size
    boxes = convert_boxes(0.1 + 0.8 * boxes, "rel_xyxy", name, height=height, width=width)
    np.testing.assert_array_equal(clip_boxes(boxes, name, height=height, width=width), boxes)


@given(any_boxes(), image_sizes(largest=50))
def test_clipping_is_the_same_in_every_format(boxes, size):
    height, width = size
    expected = clip_boxes(boxes, "xyxy", height=height, width=width)
    for name in FORMATS:
        given_boxes = convert_boxes(boxes, "xyxy", name, height=height, width=width)
        clipped = clip_boxes(given_boxes, name, height=height, width=width)
        back = convert_boxes(clipped, name, "xyxy", height=height, width=width)
        np.testing.assert_allclose(
            back, expected, rtol=0, atol=1e-14 * max(1e3, np.abs(boxes).max())
        )


@given(integer_boxes(), layouts)
def test_the_area_is_the_count_of_pixels(boxes, name):
    area = box_area(convert_boxes(boxes, "xyxy", name), name)
    np.testing.assert_array_equal(area, [len(pixels(box)) for box in boxes])


@given(any_boxes(), formats)
def test_an_area_is_never_negative(boxes, name):
    assert (box_area(boxes, name) >= 0).all()


@given(any_boxes(), layouts)
def test_arguments_are_left_as_they_were(boxes, name):
    height, width = np.full(len(boxes), 7.0), np.full(len(boxes), 5.0)
    before = boxes.copy()
    for result in (
        convert_boxes(boxes, name, f"rel_{name}", height=height, width=width),
        convert_boxes(boxes, name, name),
        clip_boxes(boxes, name, height=height, width=width),
    ):
        assert not np.shares_memory(result, boxes)
    box_area(boxes, name)
    np.testing.assert_array_equal(boxes, before)
    assert (height == 7).all() and (width == 5).all()
