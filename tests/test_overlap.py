from __future__ import annotations

import keras
import numpy as np
import pytest
from oracles import ExactPair, gradient, slope

from keras_bbox.boxes import convert_boxes
from keras_bbox.overlap import ciou, diou, giou, iou

MEASURES = {"iou": iou, "giou": giou, "diou": diou, "ciou": ciou}
every_measure = pytest.mark.parametrize("name", MEASURES)

# Pairs at which a formula for overlap may break, as (xyxy, xyxy).
HARD_PAIRS = {
    "identical": ([0.2, 0.2, 0.6, 0.7], [0.2, 0.2, 0.6, 0.7]),
    "touching at an edge": ([0.0, 0.0, 0.5, 0.5], [0.5, 0.0, 1.0, 0.5]),
    "touching at a corner": ([0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]),
    "disjoint": ([0.0, 0.0, 0.2, 0.2], [0.5, 0.6, 0.7, 0.9]),
    "one inside": ([0.0, 0.0, 1.0, 1.0], [0.4, 0.4, 0.6, 0.5]),
    "same center": ([0.2, 0.3, 0.8, 0.7], [0.3, 0.2, 0.7, 0.8]),
    "same edge": ([0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.5, 1.0]),
    "a line": ([0.2, 0.2, 0.6, 0.7], [0.3, 0.4, 0.3, 0.6]),
    "a point": ([0.2, 0.2, 0.6, 0.7], [0.3, 0.4, 0.3, 0.4]),
    "the same line": ([0.3, 0.4, 0.3, 0.6], [0.3, 0.4, 0.3, 0.6]),
    "the same point": ([0.3, 0.4, 0.3, 0.4], [0.3, 0.4, 0.3, 0.4]),
    "two points": ([0.1, 0.2, 0.1, 0.2], [0.3, 0.4, 0.3, 0.4]),
    "zeros": ([0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]),
    "inverted": ([0.2, 0.2, 0.6, 0.7], [0.5, 0.6, 0.3, 0.3]),
    "inverted on one axis": ([0.2, 0.2, 0.6, 0.7], [0.5, 0.3, 0.3, 0.6]),
    "both inverted": ([0.6, 0.7, 0.2, 0.2], [0.6, 0.7, 0.2, 0.2]),
    "tiny": ([0.0, 0.0, 1e-30, 1e-30], [0.0, 0.0, 1e-30, 1e-30]),
    "tiny and apart": ([0.0, 0.0, 1e-12, 1e-12], [0.5, 0.5, 0.5 + 1e-6, 0.5 + 1e-6]),
    "tiny in a large one": ([0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1e-30, 1e-30]),
    "long and thin": ([0.0, 0.0, 1e-20, 1e10], [0.0, 0.0, 1e-20, 1e10]),
    "a thin cross": ([0.0, 0.0, 1e-20, 1.0], [0.0, 0.0, 1.0, 1e-20]),
    "large": ([-1e18, -1e18, 1e18, 1e18], [0.0, 0.0, 3e18, 1e18]),
}
HARD1, HARD2 = (np.array(boxes, "float32") for boxes in zip(*HARD_PAIRS.values(), strict=True))


def test_values_worked_out_on_squared_paper():
    square = [0, 0, 2, 2]
    others = [[1, 0, 3, 2], [0, 0, 4, 1], [2, 2, 4, 4], [3, 0, 5, 2]]
    np.testing.assert_allclose(iou(square, others), [1 / 3, 1 / 3, 0, 0])
    np.testing.assert_allclose(giou(square, others), [1 / 3, 1 / 3 - 2 / 8, -1 / 2, -1 / 5])
    distances = [1 / 13, 1.25 / 20, 8 / 32, 9 / 29]
    np.testing.assert_allclose(diou(square, others), [1 / 3, 1 / 3, 0, 0] - np.array(distances))


def test_iou_of_every_pair_by_broadcasting():
    boxes1 = np.array([[0, 0, 2, 2], [0, 0, 1, 1], [9, 9, 10, 10]])
    boxes2 = boxes1[:2]
    pairs = iou(boxes1[:, None], boxes2[None])
    np.testing.assert_array_equal(pairs, [[1, 0.25], [0.25, 1], [0, 0]])
    np.testing.assert_array_equal(iou(boxes1[:2], boxes2), [1, 1])


def test_a_union_that_fills_the_hull_costs_giou_nothing_by_rounding():
    box1, box2 = [0, 0, 0.4, 1], [0.2, 0, 1, 1]  # in floats, the union exceeds the hull
    assert giou(box1, box2) == iou(box1, box2)


@every_measure
@pytest.mark.parametrize("pair", HARD_PAIRS)
def test_hard_pairs_are_finite_and_exact(name, pair):
    boxes1, boxes2 = np.array(HARD_PAIRS[pair])
    value = MEASURES[name](boxes1, boxes2)
    assert value == pytest.approx(float(getattr(ExactPair(boxes1, boxes2), name)()), abs=1e-12)


@every_measure
def test_hard_pairs_are_the_same_in_single_precision_tensors(name):
    values = MEASURES[name](*map(keras.ops.convert_to_tensor, (HARD1, HARD2)))
    expected = MEASURES[name](HARD1.astype("float64"), HARD2.astype("float64"))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(values), expected, atol=1e-6)


@every_measure
@pytest.mark.parametrize("layout", ["xyxy", "xywh", "center_xywh"])
def test_gradients_are_finite_everywhere(name, layout):
    function = MEASURES[name]
    boxes1, boxes2 = (convert_boxes(boxes, "xyxy", layout) for boxes in (HARD1, HARD2))
    for slopes in (
        gradient(lambda boxes: function(boxes, boxes2, layout), boxes1),
        gradient(lambda boxes: function(boxes1, boxes, layout), boxes2),
    ):
        broken = np.array(list(HARD_PAIRS))[~np.isfinite(slopes).all(axis=-1)]
        assert not broken.size, broken


@pytest.mark.parametrize("name", ["iou", "giou", "diou"])
@pytest.mark.parametrize("layout", ["xyxy", "yxyx", "xywh", "center_xywh"])
def test_the_gradient_is_the_slope(name, layout):
    function = MEASURES[name]
    truth, predicted = random_pairs(layout, seed=4)
    expected = slope(lambda boxes: function(truth, boxes, layout).sum(), predicted, step=1e-6)
    found = gradient(
        lambda boxes: function(truth.astype("float32"), boxes, layout), predicted.astype("float32")
    )
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_the_weight_of_the_aspect_ratio_is_a_constant_to_the_gradient():
    (truth,), (predicted,) = random_pairs("xyxy", seed=5, rows=1)
    pair = ExactPair(truth, predicted)
    weight = pair.aspect() / (1 - float(pair.iou()) + pair.aspect())

    def with_fixed_weight(box):
        pair = ExactPair(truth, box)
        return float(pair.diou()) - weight * pair.aspect()

    found = gradient(lambda box: ciou(truth.astype("float32"), box), predicted.astype("float32"))
    np.testing.assert_allclose(found, slope(with_fixed_weight, predicted, step=1e-6), atol=2e-4)


def random_pairs(layout, seed, rows=20):
    rng = np.random.default_rng(seed)
    boxes = np.concatenate(
        [rng.uniform(0, 1, (2, rows, 2)), rng.uniform(0.2, 1, (2, rows, 2))], axis=-1
    )
    return convert_boxes(boxes, "xywh", layout)


@pytest.mark.parametrize("name", ["giou", "diou", "ciou"])
def test_the_gradient_draws_disjoint_boxes_together(name):
    truth, predicted = HARD_PAIRS["disjoint"]
    slopes = gradient(
        lambda box: MEASURES[name](np.array(truth, "float32"), box), np.array(predicted, "float32")
    )
    assert slopes[0] + slopes[2] < 0  # to the left
    assert slopes[1] + slopes[3] < 0  # and up


@every_measure
def test_inverted_boxes_have_no_iou_and_stay_in_bounds(name):
    value = MEASURES[name]([10, -10, -10, 10], [4, 4, 6, 6])
    assert iou([10, -10, -10, 10], [4, 4, 6, 6]) == 0
    assert -2 <= value <= 0


@every_measure
@pytest.mark.parametrize("coordinate", range(4))
def test_not_a_number_in_gives_not_a_number_out(name, coordinate):
    broken = np.array([0.0, 0.0, 1.0, 1.0])
    broken[coordinate] = np.nan
    assert np.isnan(MEASURES[name](broken, [0, 0, 1, 1]))


def test_two_boxes_without_area_have_the_least_giou():
    assert giou([1, 1, 1, 1], [1, 1, 1, 1]) == -1
    assert giou([1, 1, 1, 1], [5, 1, 8, 1]) == -1


def test_relative_boxes_are_measured_in_pixels_when_the_size_is_given():
    boxes1, boxes2 = [0, 0, 0.5, 0.5], [0.25, 0, 1, 0.5]
    in_pixels = [0, 0, 100, 25], [50, 0, 200, 25]
    for function in (diou, ciou):
        of_pixels = function(*in_pixels)
        assert function(boxes1, boxes2, "rel_xyxy", height=50, width=200) == pytest.approx(
            of_pixels
        )
        assert function(boxes1, boxes2, "rel_xyxy") != pytest.approx(of_pixels)
        assert function(*in_pixels, height=7, width=3) == of_pixels


def test_each_image_has_its_own_size():
    boxes1, boxes2 = np.array([[0, 0, 0.5, 0.5]] * 2), np.array([[0.25, 0.5, 1, 0.75]] * 2)
    both = diou(boxes1, boxes2, "rel_xyxy", height=[50, 80], width=[200, 20])
    for row, (height, width) in enumerate([(50, 200), (80, 20)]):
        alone = diou(boxes1[row], boxes2[row], "rel_xyxy", height=height, width=width)
        assert both[row] == alone


@every_measure
def test_the_same_kind_comes_out_as_goes_in(name):
    function, box = MEASURES[name], [[0, 0, 1, 1]]
    tensor = keras.ops.convert_to_tensor(box)
    assert isinstance(function(box, box), np.ndarray)
    assert keras.ops.is_tensor(function(tensor, box))
    assert keras.ops.is_tensor(function(box, tensor))


@every_measure
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("int64", "float64"),
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
    ],
)
def test_dtypes_in_numpy(name, given, expected):
    assert MEASURES[name](*np.ones((2, 3, 4), given)).dtype == expected


@every_measure
@pytest.mark.parametrize("given", ["int32", "float16", "bfloat16", "float32"])
def test_dtypes_in_tensors(name, given):
    boxes = keras.ops.ones((3, 4), given)
    for other in (boxes, np.ones((3, 4), "float64")):
        result = MEASURES[name](boxes, other)
        assert keras.backend.standardize_dtype(result.dtype) == "float32"


def test_half_width_boxes_are_measured_in_single_precision():
    boxes = np.array([[0, 0, 3, 1], [0, 0, 1, 1]], "float16")
    assert iou(*boxes) == np.float32(1 / 3)


@every_measure
def test_symbolic_tensors_build_a_model(name):
    boxes1, boxes2 = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([boxes1, boxes2], MEASURES[name](boxes1, boxes2))
    values = keras.ops.convert_to_numpy(model([HARD1, HARD2]))
    np.testing.assert_allclose(values, MEASURES[name](HARD1, HARD2), atol=1e-6)


def test_shapes_must_broadcast():
    with pytest.raises(ValueError) as error:
        iou(np.ones((3, 4)), np.ones((2, 4)))
    assert str(error.value) == (
        "boxes1 and boxes2 must broadcast. Pass equal shapes for one to one, or boxes1[:, None] "
        "and boxes2[None] for every pair. Received: boxes1.shape=(3, 4), boxes2.shape=(2, 4)"
    )


@every_measure
def test_wrong_arguments_are_named(name):
    function = MEASURES[name]
    with pytest.raises(ValueError, match=r"boxes2 must have shape \(\.\.\., 4\)"):
        function([0, 0, 1, 1], [0, 0, 1])
    with pytest.raises(ValueError, match="Received: bounding_box_format='cxcywh'"):
        function([0, 0, 1, 1], [0, 0, 1, 1], "cxcywh")
    with pytest.raises(TypeError, match="boxes1 must be an array of real numbers"):
        function("0 0 1 1", [0, 0, 1, 1])


@pytest.mark.parametrize("function", [diou, ciou])
def test_half_an_image_size_is_none(function):
    with pytest.raises(ValueError, match="Received: width=None"):
        function([0, 0, 1, 1], [0, 0, 1, 1], "rel_xyxy", height=4)
