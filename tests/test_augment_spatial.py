"""Every spatial step against the oracle: paint the box, augment, find the paint."""

import inspect
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from painting import find_paint, paint
from strategies import FORMATS

import keras_bbox as kb
from keras_bbox import augment
from keras_bbox.augment import Pipeline, Sample

UPRIGHT = [
    augment.RandomFlip(0.5, 0.5),
    augment.RandomScale(aspect=1.3),
    augment.RandomTranslation(),
    augment.RandomQuarterTurn(),
    augment.RandomTranspose(),
    augment.RandomCrop(),
    augment.RandomResizedCrop(),
    augment.RandomBoxSafeCrop(),
    augment.RandomIOUCrop(),
    augment.RandomZoomOut(),
    augment.Resize(90, 70),
    augment.Letterbox(80, 100),
]
TURNING = [
    augment.RandomRotation(30),
    augment.RandomShear(10, 5),
    augment.RandomPerspective(0.15),
]
EXACT = [
    augment.RandomFlip(0.5, 0.5),
    augment.RandomQuarterTurn(),
    augment.RandomTranspose(),
    augment.RandomCrop(),
    augment.RandomResizedCrop(),
    augment.RandomBoxSafeCrop(),
    augment.RandomIOUCrop(),
    augment.RandomZoomOut(),
]
# Together more than 10,000 scenes where CI runs them.
THOROUGH = os.environ.get("CI")
each = settings(max_examples=400 if THOROUGH else 40)
composed = settings(max_examples=1500 if THOROUGH else 200)

# One box format of each kind; what a box is does not depend on how it is written.


@st.composite
def painted(draw, least=1):
    height, width = draw(st.integers(20, 120)), draw(st.integers(20, 120))
    x1, y1 = draw(st.integers(0, width - least)), draw(st.integers(0, height - least))
    box = np.array(
        [x1, y1, draw(st.integers(x1 + least, width)), draw(st.integers(y1 + least, height))]
    )
    source = draw(st.sampled_from(FORMATS))
    written = kb.convert_boxes(box[None], "xyxy", source, height=height, width=width)
    boxes = kb.convert_boxes(written, source, "rel_xyxy", height=height, width=width)
    return Sample(paint(height, width, box), boxes, np.array([3], np.int32))


seeds = st.integers(0, 2**32)
sizes = st.none() | st.tuples(st.integers(20, 130), st.integers(20, 130))


def run(steps, sample, seed, size=None, **options):
    options = {"fill": (0, 0, 0), "min_visibility": 0.0, "hidden_boxes": "weight"} | options
    out = Pipeline(steps, **options)(sample, np.random.default_rng(seed), size)
    height, width = out.image.shape[:2]
    return out, out.boxes[0] * (width, height, width, height)


def is_white_somewhere(steps, sample, seed, size, expected):
    """Whether enough of a blurred edge is in view: what is gray throughout has no half of white."""
    draw = Pipeline(steps, hidden_boxes="weight").draw(sample, np.random.default_rng(seed), size)
    blur = np.abs(draw.matrix[:2, :2]).max() / 2
    return (expected[2:] - expected[:2]).min() >= max(2, blur + 0.5)


@pytest.mark.parametrize("step", EXACT, ids=lambda step: type(step).__name__)
@given(painted(), seeds)
@each
def test_whole_pixel_moves_are_exact(step, sample, seed):
    out, expected = run([step], sample, seed)
    if (expected[2:] - expected[:2]).min() < 0.5:
        assert np.isnan(find_paint(out.image)).all()  # the box left the image
    else:
        assert np.abs(find_paint(out.image) - expected).max() < 1e-9


@pytest.mark.parametrize("step", UPRIGHT, ids=lambda step: type(step).__name__)
@given(painted(least=6), seeds, sizes)
@each
def test_upright_boxes_are_found_to_three_quarters_of_a_pixel(step, sample, seed, size):
    out, expected = run([step], sample, seed, size)
    if is_white_somewhere([step], sample, seed, size, expected):
        assert np.abs(find_paint(out.image) - expected).max() <= 0.75


@given(painted(least=6), st.lists(st.sampled_from(UPRIGHT), min_size=2, max_size=6), seeds, sizes)
@composed
def test_composed_upright_boxes_are_found(sample, steps, seed, size):
    out, expected = run(steps, sample, seed, size)
    if is_white_somewhere(steps, sample, seed, size, expected):
        assert np.abs(find_paint(out.image) - expected).max() <= 0.75


@given(
    painted(least=6),
    st.lists(st.sampled_from(UPRIGHT + TURNING), min_size=1, max_size=6),
    seeds,
    sizes,
)
@composed
def test_a_hull_always_holds_its_paint(sample, steps, seed, size):
    out, hull = run(steps, sample, seed, size)
    found = find_paint(out.image)
    if not np.isnan(found).any():
        assert (found[:2] >= hull[:2] - 0.75).all() and (found[2:] <= hull[2:] + 0.75).all()


@pytest.mark.parametrize("step", TURNING, ids=lambda step: type(step).__name__)
@given(painted(least=12), seeds)
def test_the_corners_of_a_turned_box_touch_its_hull(step, sample, seed):
    draw = Pipeline([step]).draw(sample, np.random.default_rng(seed))
    height, width = draw.source
    x1, y1, x2, y2 = sample.boxes[0] * (width, height, width, height)
    corners = np.array([[x1, y1, 1], [x2, y1, 1], [x2, y2, 1], [x1, y2, 1]]) @ draw.matrix.T
    corners = corners[:, :2] / corners[:, 2:]
    hull = draw.move_boxes(sample.boxes)[0] * (width, height, width, height)
    assert np.allclose(hull, [*corners.min(axis=0), *corners.max(axis=0)])


@given(painted(least=12), st.lists(st.sampled_from(TURNING), min_size=1, max_size=3), seeds)
def test_an_ellipse_is_bounded_to_its_outline(sample, steps, seed):
    draw = Pipeline(steps, rotated_boxes="ellipse").draw(sample, np.random.default_rng(seed))
    height, width = draw.source
    x1, y1, x2, y2 = sample.boxes[0] * (width, height, width, height)
    angle = np.linspace(0, 2 * np.pi, 3601)
    rim = [
        (x1 + x2) / 2 + (x2 - x1) / 2 * np.cos(angle),
        (y1 + y2) / 2 + (y2 - y1) / 2 * np.sin(angle),
    ]
    x, y, w = draw.matrix @ np.stack([*rim, np.ones_like(angle)])
    outline = np.stack([x / w, y / w])
    box = draw.move_boxes(sample.boxes)[0] * (width, height, width, height)
    assert np.allclose(box, [*outline.min(axis=1), *outline.max(axis=1)], atol=1e-3)


@given(painted(least=4), st.lists(st.sampled_from(UPRIGHT + TURNING), max_size=4), seeds)
def test_the_visible_share_is_the_share_of_the_boxs_points_that_are_shown(sample, steps, seed):
    draw = Pipeline(steps, hidden_boxes="weight").draw(sample, np.random.default_rng(seed))
    height, width = draw.source
    box = sample.boxes[0] * (width, height, width, height)
    grid = (np.arange(60) + 0.5) / 60
    x, y = np.meshgrid(box[0] + (box[2] - box[0]) * grid, box[1] + (box[3] - box[1]) * grid)
    px, py, w = draw.matrix @ np.stack([x.ravel(), y.ravel(), np.ones(3600)])
    inside = (px / w > 0) & (px / w < draw.target[1]) & (py / w > 0) & (py / w < draw.target[0])
    share = kb.geometry.visible_share(
        box[None], draw.matrix, height=draw.target[0], width=draw.target[1]
    )
    assert share[0] == pytest.approx(inside.mean(), abs=0.04)


@given(painted(least=4), st.lists(st.sampled_from(UPRIGHT + TURNING), max_size=4), seeds, sizes)
def test_the_inverse_leads_back(sample, steps, seed, size):
    pipeline = Pipeline(steps, min_visibility=0.0)
    draw = pipeline.draw(sample, np.random.default_rng(seed), size)
    back = draw.invert_boxes(draw.move_boxes(sample.boxes))
    upright = all(step in UPRIGHT for step in steps)
    if upright:
        assert np.allclose(back, sample.boxes)
    else:  # a hull of a hull may only grow
        assert (back[:, :2] <= sample.boxes[:, :2] + 1e-9).all()
        assert (back[:, 2:] >= sample.boxes[:, 2:] - 1e-9).all()


@given(painted(), seeds)
def test_a_box_safe_crop_keeps_boxes_whole(sample, seed):
    out, _ = run([augment.RandomBoxSafeCrop()], sample, seed)
    before = sample.boxes[0, 2:] - sample.boxes[0, :2]
    (height, width), (h, w) = sample.image.shape[:2], out.image.shape[:2]
    after = (out.boxes[0, 2:] - out.boxes[0, :2]) * (w, h)
    assert np.allclose(after, before * (width, height))


def test_an_iou_crop_overlaps_some_box_enough():
    step = augment.RandomIOUCrop(min_ious=(0.5,))
    frame = augment.Frame(100, 80, np.array([[10.0, 20, 50, 70], [60, 60, 75, 90]]))
    cropped = 0
    for seed in range(200):
        view = step.view(np.random.default_rng(seed), frame)
        window = kb.geometry.transform_boxes(
            [0, 0, view.width, view.height], kb.geometry.invert(view.matrix)
        )
        if (view.height, view.width) != (100, 80):
            cropped += 1
            assert kb.iou(window, frame.boxes).max() >= 0.5
    assert cropped > 50


CLASSES = [
    getattr(augment, name) for name in augment.__all__ if inspect.isclass(getattr(augment, name))
]


@pytest.mark.parametrize("cls", CLASSES)
def test_each_class_can_be_made_without_arguments_and_run(cls):
    step = cls()
    pipeline = step if callable(step) else Pipeline([step])
    keeps_one = cls not in (augment.Mosaic, augment.MixUp, augment.CopyPaste)
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    sample = Sample(image, np.array([[0.2, 0.3, 0.6, 0.7]], np.float32), np.array([1], np.uint8))
    before = image.copy()
    for seed in range(3):
        out = pipeline(sample, np.random.default_rng(seed), image_size=(30, 30))
        assert out.image.shape == (30, 30, 3) and out.image.dtype == np.uint8
        assert out.boxes.shape == (len(out.labels), 4) and out.boxes.dtype == np.float32
        assert out.labels.dtype == np.uint8 and (len(out.labels) == 1 or not keeps_one)
    assert np.array_equal(image, before)
