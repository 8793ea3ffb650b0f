import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from painting import find_paint, paint

import keras_bbox as kb
from keras_bbox import augment, images
from keras_bbox.augment import (
    Pipeline,
    RandomBrightness,
    RandomFlip,
    RandomRotation,
    RandomScale,
    RandomTranslation,
    Sample,
    resize,
)

SPATIAL = [RandomFlip(0.5, 0.5), RandomScale(), RandomTranslation(), RandomRotation(20)]


def rel(box, height, width):
    return np.array([box], dtype=np.float64) / (width, height, width, height)


def painted_sample(height, width, box):
    return Sample(paint(height, width, box), rel(box, height, width), np.array([3], np.int32))


@st.composite
def scenes(draw, least=8):
    height, width = draw(st.integers(40, 160)), draw(st.integers(40, 160))
    x1 = draw(st.integers(0, width - least))
    y1 = draw(st.integers(0, height - least))
    x2 = draw(st.integers(x1 + least, width))
    y2 = draw(st.integers(y1 + least, height))
    return height, width, (x1, y1, x2, y2)


seeds = st.integers(0, 2**32)
sizes = st.tuples(st.integers(40, 160), st.integers(40, 160))


def test_a_pipeline_warps_once(monkeypatch):
    calls = []
    warp = images.warp_image
    monkeypatch.setattr(
        images, "warp_image", lambda *args, **kw: (calls.append(1), warp(*args, **kw))[1]
    )
    Pipeline(SPATIAL)(painted_sample(50, 70, (5, 5, 30, 40)), np.random.default_rng(0), (32, 32))
    assert len(calls) == 1


def test_steps_run_in_their_order():
    class MoveThird:
        def matrix(self, rng, height, width):
            return kb.geometry.translation(x=width / 3)

    mirror = RandomFlip(1.0)
    sample = painted_sample(30, 60, (0, 0, 10, 30))
    rng = np.random.default_rng(0)
    moved_first = Pipeline([MoveThird(), mirror])(sample, rng).boxes[0, 0]
    kept = Pipeline([mirror, MoveThird()], hidden_boxes="weight")
    mirrored_first = kept(sample, rng).boxes[0, 0]
    assert moved_first == pytest.approx(0.5) and mirrored_first == pytest.approx(1.0)


def test_the_same_generator_gives_the_same_sample():
    sample = painted_sample(50, 70, (5, 5, 30, 40))
    pipeline = Pipeline([*SPATIAL, RandomBrightness()])
    first, again, other = (pipeline(sample, np.random.default_rng(s)) for s in (7, 7, 8))
    assert np.array_equal(first.image, again.image) and np.array_equal(first.boxes, again.boxes)
    assert not np.array_equal(first.image, other.image)


def test_the_sample_is_not_changed():
    sample = painted_sample(50, 70, (5, 5, 30, 40))
    image, boxes = sample.image.copy(), sample.boxes.copy()
    Pipeline([*SPATIAL, RandomBrightness()])(sample, np.random.default_rng(0), (20, 20))
    assert np.array_equal(sample.image, image) and np.array_equal(sample.boxes, boxes)


def test_boxes_keep_their_dtype_and_stay_inside():
    sample = painted_sample(50, 70, (0, 0, 70, 50))
    sample = sample._replace(boxes=sample.boxes.astype(np.float32))
    boxes = Pipeline([RandomScale(2, 2)], min_visibility=0)(sample, np.random.default_rng(0)).boxes
    assert boxes.dtype == np.float32 and boxes.tolist() == [[0, 0, 1, 1]]


@given(scenes(), seeds)
def test_a_box_stays_visible_while_any_draw_shows_it(scene, seed):
    far = Pipeline([RandomTranslation(1.0, 1.0)], min_visibility=0.5, tries=200)
    height, width, (x1, y1, x2, y2) = scene
    boxes = far(painted_sample(*scene), np.random.default_rng(seed)).boxes[0]
    area = (boxes[2] - boxes[0]) * width * (boxes[3] - boxes[1]) * height
    assert area >= 0.5 * (x2 - x1) * (y2 - y1) - 1e-6


def test_the_draw_that_shows_the_most_is_the_last_resort():
    class Away:
        moves = iter([0.95, 0.7, 0.9])

        def matrix(self, rng, height, width):
            return kb.geometry.translation(x=next(self.moves) * width)

    sample = painted_sample(50, 100, (0, 0, 100, 50))
    boxes = Pipeline([Away()], tries=3)(sample, np.random.default_rng(0)).boxes
    assert boxes[0].tolist() == pytest.approx([0.7, 0, 1, 1])


class MoveOut:
    def matrix(self, rng, height, width):
        return kb.geometry.translation(x=width)


@pytest.mark.parametrize("min_visibility", [0.0, 0.5])
def test_where_every_draw_loses_the_box_the_image_is_only_resized(min_visibility):
    sample = painted_sample(50, 70, (5, 5, 30, 40))
    pipeline = Pipeline([MoveOut(), RandomBrightness(0.2)], min_visibility=min_visibility)
    out = pipeline(sample, np.random.default_rng(0), image_size=(32, 40))
    assert np.allclose(out.boxes, sample.boxes)
    draw = pipeline.draw(sample, np.random.default_rng(0), image_size=(32, 40))
    resized = resize(sample, (32, 40)).image
    assert np.array_equal(out.image, images.apply_filter(resized, **draw.filters[0]))


def test_a_single_box_is_never_lost():
    pipeline = Pipeline([RandomTranslation(1, 1), RandomScale(2, 4)], tries=2)
    samples = [painted_sample(50, 70, (5, 5, 30, 40))] * 200
    rngs = [np.random.default_rng(k) for k in range(200)]
    boxes = np.concatenate([out.boxes for out in pipeline.batch(samples, rngs, (32, 32))])
    assert (kb.box_area(boxes, "rel_xyxy") > 0).all()


def test_a_box_that_has_left_the_image_is_hidden_whatever_must_be_left():
    sample = painted_sample(50, 70, (5, 5, 30, 40))
    options = {"min_visibility": 0.0, "hidden_boxes": "drop"}
    assert len(Pipeline([MoveOut()], **options)(sample, np.random.default_rng(0)).boxes) == 0


def test_no_boxes_are_no_problem():
    sample = Sample(np.zeros((8, 9, 3), np.uint8), np.zeros((0, 4)), np.zeros(0, int))
    assert Pipeline(SPATIAL)(sample, np.random.default_rng(0), (5, 5)).boxes.shape == (0, 4)


def test_brightness_multiplies_every_pixel():
    image = np.full((4, 4, 3), 100, np.uint8)
    sample = Sample(image, np.array([[0.0, 0.0, 1.0, 1.0]]), np.array([0]))
    rng = np.random.default_rng(5)
    factor = 1 + np.random.default_rng(5).uniform(-0.5, 0.5)
    out = Pipeline([RandomBrightness(0.5)])(sample, rng).image
    assert np.abs(out - 100 * factor).max() <= 0.5


def test_resize_keeps_relative_boxes():
    sample = painted_sample(40, 80, (8, 4, 40, 20))
    small = resize(sample, (20, 20))
    assert small.boxes is sample.boxes
    assert np.array_equal(find_paint(small.image), [2, 2, 10, 10])


def test_bad_steps_and_numbers_are_told():
    with pytest.raises(
        TypeError, match="A step is an object of kb.augment.*Received: step=<function"
    ):
        Pipeline([lambda sample, rng: sample])
    with pytest.raises(ValueError, match="border must be one of"):
        Pipeline([], border="wrap")
    with pytest.raises(ValueError, match="min_visibility must lie from 0 to 1.*=2"):
        Pipeline([], min_visibility=2)
    with pytest.raises(ValueError, match="horizontal must lie"):
        RandomFlip(1.5)
    with pytest.raises(ValueError, match="positive and ordered"):
        RandomScale(2, 1)


def box_sample(*boxes, **columns):
    boxes = np.array(boxes, dtype=np.float64)
    columns = {name: np.array(values) for name, values in columns.items()}
    image = np.zeros((100, 100, 3), np.uint8)
    return Sample(image, boxes, np.arange(len(boxes), dtype=np.int16), columns)


def shifted(x, **options):
    step = augment.Spatial(lambda rng, height, width: kb.geometry.translation(x=x * width))
    return Pipeline([step], **options)


LEFT, RIGHT = (0.0, 0.0, 0.4, 0.5), (0.6, 0.0, 1.0, 0.5)


def test_hidden_boxes_can_be_dropped_with_all_that_belongs_to_them():
    sample = box_sample(LEFT, RIGHT, difficult=[True, False])
    out = shifted(-0.3, hidden_boxes="drop")(sample, np.random.default_rng(0))
    assert np.allclose(out.boxes, [[0.3, 0, 0.7, 0.5]])
    assert out.labels.tolist() == [1] and out.labels.dtype == np.int16
    assert out.columns["difficult"].tolist() == [False]
    assert out.columns["difficult"].dtype == bool


def test_hidden_boxes_can_be_given_no_weight():
    sample = box_sample(LEFT, RIGHT)
    out = shifted(-0.3, hidden_boxes="weight")(sample, np.random.default_rng(0))
    assert out.columns["weight"].tolist() == [0, 1] and len(out.boxes) == 2
    assert out.columns["weight"].dtype == np.float32


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"min_visibility": 0.24}, 2),  # a quarter of the left box is left
        ({"min_visibility": 0.26}, 1),
        ({"min_visibility": 0.0, "min_size": 9.9}, 2),  # it is 10 pixels wide
        ({"min_visibility": 0.0, "min_size": 10.1}, 1),
        ({"min_visibility": 0.0, "min_area": 0.049}, 2),  # of a size of 0.1 x 0.5
        ({"min_visibility": 0.0, "min_area": 0.051}, 1),
    ],
)
def test_each_threshold_hides_boxes(options, shown):
    pipeline = shifted(-0.3, hidden_boxes="drop", **options)
    assert len(pipeline(box_sample(LEFT, RIGHT), np.random.default_rng(0)).boxes) == shown


def test_a_box_that_is_far_too_small_is_still_better_than_none():
    out_of_sight, tiny = kb.geometry.translation(x=200), kb.geometry.scaling(0.1, 0.1)
    step = augment.Spatial(lambda rng, *size: out_of_sight if rng.random() < 0.5 else tiny)
    for seed in range(10):
        out = Pipeline([step], min_size=50)(box_sample(LEFT), np.random.default_rng(seed))
        np.testing.assert_allclose(out.boxes, 0.1 * np.array([LEFT]))


def test_visibility_is_judged_once_against_the_original_box():
    halves = [augment.Spatial(lambda rng, h, w: kb.geometry.translation(x=-0.15 * w))] * 2
    options = {"hidden_boxes": "drop", "min_visibility": 0.5}
    # Each step alone hides less than half of what the one before it left.
    assert len(Pipeline(halves, **options)(box_sample(LEFT), np.random.default_rng(0)).boxes) == 0
    away_and_back = [
        augment.Spatial(lambda rng, h, w: kb.geometry.translation(x=-w)),
        augment.Spatial(lambda rng, h, w: kb.geometry.translation(x=w)),
    ]
    out = Pipeline(away_and_back, **options)(box_sample(LEFT), np.random.default_rng(0))
    assert np.allclose(out.boxes, [LEFT])


def test_a_draw_survives_json_and_repeats_itself():
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    sample = Sample(image, np.array([[0.3, 0.2, 0.7, 0.8]]), np.array([0]))
    steps = [
        *SPATIAL,
        augment.RandomPerspective(),
        RandomBrightness(),
        augment.RandomHue(),
        augment.RandomNoise(),
        augment.RandomErasing(),
        augment.RandomJPEG(),
        augment.Equalize(),
    ]
    pipeline = Pipeline(steps, border="mean")
    draw = pipeline.draw(sample, np.random.default_rng(4), (50, 40))
    direct = pipeline(sample, np.random.default_rng(4), (50, 40))
    again = augment.Draw.from_dict(json.loads(json.dumps(draw.to_dict())))(sample)
    assert np.array_equal(again.image, direct.image)
    assert np.array_equal(again.boxes, direct.boxes)


def test_a_draw_moves_another_image_by_the_same_fractions():
    sample = painted_sample(60, 80, (20, 15, 60, 45))
    larger = painted_sample(120, 160, (40, 30, 120, 90))
    pipeline = Pipeline([*SPATIAL, augment.Resize(60, 80)], fill=(0, 0, 0))
    draw = pipeline.draw(sample, np.random.default_rng(3))
    assert np.allclose(draw(larger).boxes, draw(sample).boxes)
    assert np.abs(find_paint(draw(larger).image) - find_paint(draw(sample).image)).max() <= 1


def test_colors_that_follow_each_other_are_one_matrix():
    steps = [augment.RandomContrast(), augment.RandomHue(), augment.RandomSaturation()]
    sample = box_sample(LEFT)
    names = [f["name"] for f in Pipeline(steps).draw(sample, np.random.default_rng(0)).filters]
    assert names == ["color"]
    steps.insert(1, augment.RandomGamma())
    names = [f["name"] for f in Pipeline(steps).draw(sample, np.random.default_rng(0)).filters]
    assert names == ["color", "gamma", "color"]


def test_a_fused_matrix_does_what_its_steps_do_in_turn():
    image = np.random.default_rng(0).integers(90, 160, (8, 8, 3), dtype=np.uint8)
    sample = Sample(image, np.array([LEFT]), np.array([0]))
    steps = [augment.RandomContrast(0.1), augment.RandomHue(), augment.RandomColorTemperature(0.1)]
    fused = Pipeline(steps)(sample, np.random.default_rng(2)).image
    rng = np.random.default_rng(2)
    colors = image.astype(float)
    for step in steps:
        matrix = step.color_matrix(rng)
        colors = colors @ matrix[:, :3].T + matrix[:, 3]
    # Half a level of rounding, and OpenCV mixes bytes in fixed point.
    assert np.abs(fused - colors).max() <= 0.6


def test_grey_stays_grey_under_hue_and_saturation():
    grey = np.full((4, 4, 3), 90, np.uint8)
    sample = Sample(grey, np.array([LEFT]), np.array([0]))
    steps = [augment.RandomHue(180), augment.RandomSaturation(1.0), augment.Grayscale()]
    assert np.abs(Pipeline(steps)(sample, np.random.default_rng(0)).image - 90.0).max() <= 1


def test_a_third_of_a_turn_of_hue_rotates_the_channels():
    class Third(augment.RandomHue):
        pass

    matrix = Third(120.0).color_matrix(type("Rng", (), {"uniform": lambda self, a, b: b})())
    assert np.allclose(matrix @ [10, 20, 30, 1], [30, 10, 20])


def test_choices_run_as_often_as_they_say():
    rng = np.random.default_rng(0)
    sometimes = augment.RandomApply(augment.Grayscale(), 0.3)
    assert abs(sum(len(sometimes.choose(rng)) for _ in range(4000)) / 4000 - 0.3) < 0.03
    either = augment.OneOf([augment.Grayscale(), augment.RandomHue(), augment.RandomBlur()])
    drawn = [type(either.choose(rng)[0]).__name__ for _ in range(3000)]
    assert all(abs(drawn.count(name) / 3000 - 1 / 3) < 0.04 for name in set(drawn))
    some = augment.SomeOf([augment.Grayscale(), augment.RandomHue(), augment.RandomBlur()], 2)
    assert all(len({type(step) for step in some.choose(rng)}) == 2 for _ in range(50))


def test_choices_may_stand_in_choices():
    inner = augment.SomeOf([augment.RandomFlip(1.0), augment.RandomBrightness()], 2)
    pipeline = Pipeline([augment.RandomApply(augment.OneOf([inner]), 1.0)])
    draw = pipeline.draw(box_sample(LEFT), np.random.default_rng(0))
    assert draw.matrix[0, 0] == -1 and draw.filters[0]["name"] == "color"


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("policy", [augment.default_policy, augment.detection_policy])
def test_policies_run_at_every_strength(policy, strength):
    pipeline = policy(strength)
    sample = painted_sample(80, 100, (10, 10, 60, 50))
    for seed in range(20):
        out = pipeline(sample, np.random.default_rng(seed), (64, 64))
        assert out.image.shape == (64, 64, 3)
        assert len(out.boxes) == 1 or policy is augment.detection_policy
        assert ((out.boxes >= 0) & (out.boxes <= 1)).all()


def test_a_policy_without_strength_only_mirrors():
    sample = painted_sample(80, 100, (10, 10, 60, 50))
    for seed in range(10):
        image = augment.default_policy(0.0)(sample, np.random.default_rng(seed)).image
        mirrored = sample.image[:, ::-1]
        assert np.array_equal(image, sample.image) or np.array_equal(image, mirrored)


def test_the_mean_color_is_looked_for_once(monkeypatch):
    asked, mean_color = [], images.mean_color
    monkeypatch.setattr(images, "mean_color", lambda image: (asked.append(1), mean_color(image))[1])
    sample = painted_sample(50, 70, (5, 5, 30, 40))
    Pipeline([MoveOut()], border="mean")(sample, np.random.default_rng(0))
    assert len(asked) == 1


def test_the_mean_border_has_the_images_mean_color():
    image = np.zeros((10, 10, 3), np.uint8)
    image[:5] = (200, 100, 50)
    sample = Sample(image, np.array([LEFT]), np.array([0]))
    out = shifted(0.5, border="mean")(sample, np.random.default_rng(0)).image
    assert out[0, 0].tolist() == [100, 50, 25]
