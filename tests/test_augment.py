import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from painting import find_paint, paint

import keras_bbox as kb
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
AXIS_ALIGNED = [RandomFlip(0.5, 0.5), RandomScale(), RandomTranslation()]


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


@given(scenes(), st.lists(st.sampled_from(AXIS_ALIGNED), min_size=1, max_size=6), seeds, sizes)
def test_paint_is_found_where_the_box_went(scene, steps, seed, size):
    border = "replicate" if seed % 2 else "constant"
    pipeline = Pipeline(steps, border=border, fill=(0, 0, 0), min_visibility=0.9)
    image, boxes, _ = pipeline(painted_sample(*scene), np.random.default_rng(seed), size)
    height, width = size
    found = find_paint(image)
    expected = boxes[0] * (width, height, width, height)
    if min(expected[2] - expected[0], expected[3] - expected[1]) < 2:
        return  # less than two pixels may never be half white
    if seed % 2:  # replicated borders carry paint that touches the edge beyond the box
        assert (found <= expected + 0.75)[:2].all() and (found >= expected - 0.75)[2:].all()
    else:
        assert np.abs(found - expected).max() <= 0.75


@given(scenes(least=12), seeds)
def test_the_hull_of_a_turned_box_holds_its_paint(scene, seed):
    steps = [RandomRotation(45), RandomScale(0.9, 1.1)]
    pipeline = Pipeline(steps, min_visibility=0.9, fill=(0, 0, 0))
    image, boxes, _ = pipeline(painted_sample(*scene), np.random.default_rng(seed))
    height, width = image.shape[:2]
    found = find_paint(image)
    hull = boxes[0] * (width, height, width, height)
    assert (found[:2] >= hull[:2] - 0.75).all() and (found[2:] <= hull[2:] + 0.75).all()
    if (hull > 0).all() and (hull < (width, height, width, height)).all():
        # A sharp corner's last pixel is mostly background: the hull may reach a little further.
        assert np.abs(found - hull).max() <= 2.0


@given(scenes(least=1), st.booleans(), st.booleans())
def test_flips_are_exact(scene, horizontal, vertical):
    height, width, _ = scene
    pipeline = Pipeline([RandomFlip(float(horizontal), float(vertical))])
    image, boxes, labels = pipeline(painted_sample(*scene), np.random.default_rng(0))
    expected = boxes[0] * (width, height, width, height)
    assert np.allclose(find_paint(image), expected, rtol=0, atol=1e-9)
    assert labels.tolist() == [3] and labels.dtype == np.int32


def test_a_pipeline_warps_once(monkeypatch):
    calls = []
    warp = kb.images.warp_image
    monkeypatch.setattr(
        kb.images, "warp_image", lambda *args, **kw: (calls.append(1), warp(*args, **kw))[1]
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
    mirrored_first = Pipeline([mirror, MoveThird()], min_visibility=0)(sample, rng).boxes[0, 0]
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
    with pytest.raises(TypeError, match="A step needs a method matrix.*Received: step=<function"):
        Pipeline([lambda sample, rng: sample])
    with pytest.raises(ValueError, match="border must be one of"):
        Pipeline([], border="wrap")
    with pytest.raises(ValueError, match="min_visibility must lie from 0 to 1.*=2"):
        Pipeline([], min_visibility=2)
    with pytest.raises(ValueError, match="horizontal must lie"):
        RandomFlip(1.5)
    with pytest.raises(ValueError, match="positive and ordered"):
        RandomScale(2, 1)
