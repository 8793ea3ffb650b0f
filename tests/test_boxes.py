from __future__ import annotations

import keras
import numpy as np
import pytest
from strategies import FORMATS

from keras_bbox.boxes import box_area, clip_boxes, convert_boxes

# One box, 30 wide and 20 high, at (10, 40) in an image 100 high and 200 wide.
SAME_BOX = {
    "xyxy": [10, 40, 40, 60],
    "yxyx": [40, 10, 60, 40],
    "xxyy": [10, 40, 40, 60],
    "xywh": [10, 40, 30, 20],
    "center_xywh": [25, 50, 30, 20],
    "rel_xyxy": [0.05, 0.4, 0.2, 0.6],
    "rel_yxyx": [0.4, 0.05, 0.6, 0.2],
    "rel_xxyy": [0.05, 0.2, 0.4, 0.6],
    "rel_xywh": [0.05, 0.4, 0.15, 0.2],
    "rel_center_xywh": [0.125, 0.5, 0.15, 0.2],
}


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_one_box_told_in_every_format(source, target):
    converted = convert_boxes(SAME_BOX[source], source, target, height=100, width=200)
    np.testing.assert_allclose(converted, SAME_BOX[target], rtol=1e-14)


def test_pixel_formats_need_no_image_size():
    np.testing.assert_array_equal(convert_boxes([1, 2, 3, 5], "xyxy", "xywh"), [1, 2, 2, 3])


def test_each_image_has_its_own_size():
    boxes = np.array([[0.5, 0.5, 1, 1], [0.5, 0.5, 1, 1]])
    converted = convert_boxes(boxes, "rel_xyxy", "xyxy", height=[10, 20], width=[40, 80])
    np.testing.assert_array_equal(converted, [[20, 5, 40, 10], [40, 10, 80, 20]])


def test_each_image_has_its_own_size_with_many_boxes():
    boxes = np.full((2, 3, 4), 0.5)
    sizes = {"height": np.array([[10], [20]]), "width": np.array([[40], [80]])}
    converted = convert_boxes(boxes, "rel_xyxy", "xyxy", **sizes)
    assert converted.shape == (2, 3, 4)
    np.testing.assert_array_equal(converted[0], np.tile([20, 5, 20, 5], (3, 1)))
    np.testing.assert_array_equal(converted[1], np.tile([40, 10, 40, 10], (3, 1)))


@pytest.mark.parametrize("shape", [(4,), (0, 4), (3, 4), (2, 3, 4), (2, 0, 4)])
def test_any_number_of_axes(shape):
    boxes = np.ones(shape)
    assert convert_boxes(boxes, "xyxy", "rel_xywh", height=2, width=2).shape == shape
    assert clip_boxes(boxes, "xyxy", height=2, width=2).shape == shape
    assert box_area(boxes).shape == shape[:-1]


@pytest.mark.parametrize("given", ["float16", "float32", "float64"])
def test_float_dtypes_are_kept(given):
    boxes = np.ones((2, 4), given)
    sizes = {"height": np.array([5.0, 7.0]), "width": 3}
    assert convert_boxes(boxes, "xyxy", "rel_xywh", **sizes).dtype == given
    assert clip_boxes(boxes, "xyxy", **sizes).dtype == given


@pytest.mark.parametrize("given", ["int32", "uint8", "int64"])
def test_integers_become_float64_in_numpy_and_floatx_in_tensors(given):
    boxes = np.array([[1, 2, 3, 5]], given)
    in_numpy = convert_boxes(boxes, "xyxy", "center_xywh")
    assert in_numpy.dtype == "float64"
    np.testing.assert_array_equal(in_numpy, [[2, 3.5, 2, 3]])
    in_tensor = convert_boxes(keras.ops.convert_to_tensor(boxes), "xyxy", "center_xywh")
    assert keras.backend.standardize_dtype(in_tensor.dtype) == keras.config.floatx()
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(in_tensor), in_numpy)


@pytest.mark.parametrize("given", ["float16", "bfloat16"])
def test_half_width_tensors_are_rounded_once(given):
    boxes = keras.ops.convert_to_tensor([[0.1, 0.2, 0.7, 0.9]], dtype=given)
    converted = convert_boxes(boxes, "rel_xyxy", "xyxy", height=70000, width=1000)
    assert keras.backend.standardize_dtype(converted.dtype) == given
    halves = np.array(keras.ops.convert_to_numpy(keras.ops.cast(boxes, "float32")))
    expected = keras.ops.cast((halves * [1000, 70000, 1000, 70000]).astype("float32"), given)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(keras.ops.cast(converted, "float32")),
        keras.ops.convert_to_numpy(keras.ops.cast(expected, "float32")),
    )


def test_the_area_of_half_width_boxes_does_not_overflow():
    area = box_area(np.array([0, 0, 1000, 1000], "float16"))
    assert area.dtype == "float32"
    assert area == 1e6


def test_a_tensor_size_makes_a_tensor():
    converted = convert_boxes(
        np.array([[1.0, 1, 2, 2]]),
        "xyxy",
        "rel_xyxy",
        height=keras.ops.convert_to_tensor([4]),
        width=4,
    )
    assert keras.ops.is_tensor(converted)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(converted), [[0.25, 0.25, 0.5, 0.5]])


def test_a_variable_counts_as_a_tensor():
    variable = keras.Variable([[0.0, 0.0, 2.0, 3.0]])
    assert keras.ops.is_tensor(convert_boxes(variable, "xyxy", "xywh"))
    assert keras.ops.is_tensor(box_area(variable))


def test_symbolic_tensors_build_a_model():
    boxes, height, width = keras.Input((3, 4)), keras.Input((1,)), keras.Input((1,))
    clipped = clip_boxes(boxes, "xyxy", height=height, width=width)
    relative = convert_boxes(clipped, "xyxy", "rel_xxyy", height=height, width=width)
    model = keras.Model([boxes, height, width], [relative, box_area(relative, "rel_xxyy")])
    numbers = np.random.default_rng(0).uniform(-5, 15, (2, 3, 4)).astype("float32")
    sizes = np.array([[10], [8]], "float32"), np.array([[7], [9]], "float32")
    outputs = model([numbers, *sizes])
    by_hand = clip_boxes(numbers, "xyxy", height=sizes[0], width=sizes[1])
    by_hand = convert_boxes(by_hand, "xyxy", "rel_xxyy", height=sizes[0], width=sizes[1])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(outputs[0]), by_hand, rtol=1e-6)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(outputs[1]), box_area(by_hand, "rel_xxyy"), rtol=1e-5
    )


def test_a_box_outside_ends_on_the_nearest_border():
    clipped = clip_boxes([[-9, 2, -5, 4], [30, 40, 50, 60]], "xyxy", height=10, width=20)
    np.testing.assert_array_equal(clipped, [[0, 2, 0, 4], [20, 10, 20, 10]])


def test_relative_boxes_are_clipped_to_the_unit_square():
    clipped = clip_boxes([-0.5, 0.25, 1.0, 1.5], "rel_xywh")
    np.testing.assert_array_equal(clipped, [0, 0.25, 0.5, 0.75])


def test_an_inverted_box_has_no_area():
    assert box_area([5, 0, 1, 4]) == 0
    assert box_area([5, 4, 1, 0]) == 0
    assert box_area([5, 5, -1, -1], "xywh") == 0


def test_not_a_number_stays_so():
    boxes = np.array([np.nan, 0, 2, 2])
    assert np.isnan(clip_boxes(boxes, "xyxy", height=9, width=9)[0])
    assert np.isnan(box_area(boxes))


def message(error) -> str:
    return str(error.value)


def test_an_unknown_format_lists_the_known_ones():
    with pytest.raises(ValueError) as error:
        convert_boxes([0, 0, 1, 1], "coco", "xyxy")
    assert message(error) == (
        "source must be a known bounding box format. Use one of xyxy, yxyx, xxyy, xywh, "
        "center_xywh, rel_xyxy, rel_yxyx, rel_xxyy, rel_xywh, rel_center_xywh. "
        "Received: source='coco'"
    )
    with pytest.raises(ValueError, match="target must .* Received: target='XYXY'"):
        convert_boxes([0, 0, 1, 1], "xyxy", "XYXY")
    with pytest.raises(ValueError, match="Received: bounding_box_format=None"):
        box_area([0, 0, 1, 1], None)


@pytest.mark.parametrize("shape", [(), (3,), (0,), (4, 5)])
def test_the_last_axis_must_be_four(shape):
    with pytest.raises(ValueError) as error:
        box_area(np.zeros(shape))
    assert message(error) == (
        "boxes must have shape (..., 4). Put the four numbers of a box on the last axis. "
        f"Received: boxes.shape={shape}"
    )


@pytest.mark.parametrize("boxes", [["a", "b", "c", "d"], [[1, 2, 3, 4], [1, 2]], None, [None] * 4])
def test_boxes_must_be_numbers(boxes):
    with pytest.raises(
        TypeError, match=r"boxes must be an array of real numbers.*Received: boxes="
    ):
        convert_boxes(boxes, "xyxy", "xywh")


@pytest.mark.parametrize("missing", ["height", "width"])
def test_a_missing_size_is_named(missing):
    sizes = {"height": 5, "width": 5} | {missing: None}
    expected = rf"Pass height= and width= in pixels\. Received: {missing}=None"
    with pytest.raises(ValueError, match=expected):
        convert_boxes([0, 0, 1, 1], "rel_xyxy", "xyxy", **sizes)
    with pytest.raises(ValueError, match=expected):
        clip_boxes([0, 0, 1, 1], "xyxy", **sizes)


@pytest.mark.parametrize("height", [0, -3, np.nan, [4, 0]])
def test_a_size_must_be_positive(height):
    with pytest.raises(ValueError, match=r"height must be positive\. .* Received: height="):
        convert_boxes(np.ones((2, 4)), "xyxy", "rel_xyxy", height=height, width=2)


@pytest.mark.parametrize("shape", [(3,), (2, 1), (2, 2)])
def test_sizes_must_fit_the_boxes(shape):
    with pytest.raises(ValueError) as error:
        convert_boxes(np.ones((2, 4)), "xyxy", "rel_xyxy", height=4, width=np.ones(shape))
    assert message(error) == (
        "width must be a number, or broadcast to boxes[..., 0]. Use shape (B,) for boxes (B, 4), "
        f"and (B, 1) for boxes (B, N, 4). Received: width.shape={shape}, boxes[..., 0].shape=(2,)"
    )
