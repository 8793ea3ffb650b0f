"""The layer for batches against the pipeline for single images: same draws, same results."""

import inspect

import cv2
import keras
import numpy as np
import pytest
from painting import find_paint, paint
from replaying import Replay, alone

import keras_bbox as kb
from keras_bbox import augment, geometry, images
from keras_bbox.augment import Pipeline, Sample
from keras_bbox.augment.batch_steps import BatchGenerator
from keras_bbox.geometry import batches
from keras_bbox.layers import BoxAugmentation, filters, pixels
from keras_bbox.layers.draws import best_try, draw_steps, uniforms

# Keras gives its variables, and PyTorch's tensors, to NumPy in an old way.
pytestmark = pytest.mark.filterwarnings("ignore:.*__array__:DeprecationWarning")

BACKEND = keras.backend.backend()
SOURCE, TARGET, COUNT = (301, 400), (224, 200), 12
BOXES = np.array([[10, 20, 50, 90], [100, 100, 200, 280], [0, 0, 400, 301], [380, 3, 400, 9]])

SPATIAL = [
    augment.RandomFlip(0.5, 0.5),
    augment.RandomScale(aspect=1.3),
    augment.RandomTranslation(),
    augment.RandomRotation(170),
    augment.RandomShear(9, 7),
    augment.RandomPerspective(0.15),
    augment.RandomQuarterTurn(),
    augment.RandomTranspose(),
    augment.RandomCrop(),
    augment.RandomResizedCrop(),
    augment.RandomZoomOut(),
    augment.Letterbox(150, 90),
    augment.Resize(150, 90),
    augment.Spatial(lambda rng, height, width: geometry.translation(x=rng.uniform(-9, 9))),
    augment.RandomApply(augment.RandomRotation(30)),
    augment.OneOf([augment.Resize(90, 70), augment.Letterbox(90, 70)]),
]
TOGETHER = [
    augment.RandomQuarterTurn(),
    augment.RandomResizedCrop(),
    augment.RandomFlip(0.5, 0.5),
    augment.RandomZoomOut(),
    augment.RandomRotation(30),
    augment.Letterbox(300, 200),
]
COLORS = [
    augment.RandomBrightness(),
    augment.RandomContrast(),
    augment.RandomSaturation(),
    augment.RandomHue(99),
    augment.RandomColorTemperature(),
    augment.Grayscale(),
    augment.RandomChannelShuffle(),
]
EXACT = [augment.RandomFlip(0.5, 0.5), augment.RandomQuarterTurn(), augment.RandomTranspose()]
TURNING = [augment.RandomRotation(30), augment.RandomShear(10, 5), augment.RandomPerspective(0.15)]


def named(steps):
    return "together" if isinstance(steps, list) else type(steps).__name__


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def tensor(values):
    return keras.ops.convert_to_tensor(np.asarray(values, np.float32))


def drawn(steps, source=SOURCE, target=TARGET, count=COUNT):
    """The matrices of a batch, and the draws of the pipeline for its images."""
    matrices, changes = draw_steps(steps, Replay(range(count)), source=source, target=target)
    sample = Sample(np.zeros((*source, 3), np.uint8), np.zeros((0, 4)), np.zeros(0))
    pipeline = Pipeline([alone(step) for step in steps], hidden_boxes="drop")
    draws = [pipeline.draw(sample, np.random.default_rng(k), target) for k in range(count)]
    return matrices, filters.join_colors(changes), draws


def smooth(count, height, width):
    noise = np.random.default_rng(0).uniform(0, 255, (count, height, width, 3)).astype("float32")
    blurred = [cv2.GaussianBlur(image, (0, 0), 6) for image in noise]
    return np.stack([cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX) for image in blurred])


def layer(steps=(), image_size=(32, 32), bounding_box_format="rel_xyxy", **options):
    return BoxAugmentation(
        steps, image_size=image_size, bounding_box_format=bounding_box_format, **options
    )


@pytest.mark.parametrize("steps", [*SPATIAL, TOGETHER], ids=named)
def test_a_batch_draws_the_matrices_of_its_images(steps):
    steps = steps if isinstance(steps, list) else [steps]
    matrices, colors, draws = drawn(steps)
    assert colors is None and tuple(matrices.shape) == (COUNT, 3, 3)
    corners = np.array([[0, 0], [400, 0], [400, 301], [0, 301], [150, 200]])
    for matrix, draw in zip(array(matrices), draws, strict=True):
        expected = geometry.transform_points(corners, draw.matrix)
        moved = geometry.transform_points(corners, matrix.astype(np.float64))
        assert np.allclose(moved, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("steps", [*COLORS, COLORS], ids=named)
def test_a_batch_draws_the_colors_of_its_images(steps):
    _, colors, draws = drawn(steps if isinstance(steps, list) else [steps])
    # A pipeline leaves out what changes nothing.
    expected = [draw.filters[0]["matrix"] if draw.filters else np.eye(3, 4) for draw in draws]
    assert np.allclose(array(colors), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("shape", ["hull", "ellipse"])
@pytest.mark.parametrize("steps", [*SPATIAL, TOGETHER], ids=named)
def test_boxes_move_as_single_ones_do(steps, shape):
    matrices, _, draws = drawn(steps if isinstance(steps, list) else [steps])
    moved = batches.move_boxes(tensor([BOXES] * COUNT), matrices, shape=shape)
    expected = [geometry.transform_boxes(BOXES, draw.matrix, shape=shape) for draw in draws]
    assert np.allclose(array(moved), expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize("steps", [*SPATIAL, TOGETHER], ids=named)
def test_the_visible_share_is_exact(steps):
    matrices, _, draws = drawn(steps if isinstance(steps, list) else [steps])
    shares = batches.visible_share(tensor([BOXES] * COUNT), matrices, height=224, width=200)
    expected = [geometry.visible_share(BOXES, draw.matrix, height=224, width=200) for draw in draws]
    assert np.allclose(array(shares), expected, rtol=0, atol=1e-5)


def test_the_visible_share_where_much_is_cut():
    rng = np.random.default_rng(0)
    corners = rng.uniform(-50, 150, (200, 2, 2))
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1) + 1], axis=1)
    for degrees in (0, 20, 90, 45, 213):
        matrix = geometry.compose(
            geometry.about(geometry.rotation(degrees), 50, 40),
            geometry.perspective([(3, 2), (99, 5), (90, 78), (0, 80)], height=80, width=100),
        )
        shares = batches.visible_share(tensor(boxes), tensor(matrix), height=80, width=100)
        expected = geometry.visible_share(boxes, matrix, height=80, width=100)
        assert np.mean((expected > 0.05) & (expected < 0.95)) > 0.1
        assert np.allclose(array(shares), expected, rtol=0, atol=1e-4)


def test_a_crop_round_the_boxes_of_a_batch_is_that_of_its_images():
    steps = [augment.RandomScale(0.7, 1.0), augment.RandomBoxSafeCrop(), augment.RandomFlip()]
    boxes = np.array([[BOXES[0], BOXES[1]], [BOXES[1], BOXES[1]], [BOXES[3], BOXES[0]]])
    matrices, _ = draw_steps(
        steps, Replay(range(3)), source=SOURCE, target=TARGET, boxes=tensor(boxes)
    )
    pipeline = Pipeline([alone(step) for step in steps], hidden_boxes="drop")
    for k, matrix in enumerate(array(matrices)):
        shares = boxes[k] / (SOURCE[1], SOURCE[0], SOURCE[1], SOURCE[0])
        sample = Sample(np.zeros((*SOURCE, 3), np.uint8), shares, np.zeros(2))
        draw = pipeline.draw(sample, np.random.default_rng(k), TARGET)
        assert np.allclose(matrix, draw.matrix, rtol=0, atol=1e-4)


def test_a_crop_round_boxes_sees_those_there_are():
    steps, photos = [augment.RandomBoxSafeCrop()], np.zeros((400, 64, 64, 3), "uint8")
    boxes = np.zeros((400, 2, 4), "float32")
    boxes[:200, 1] = 0.5, 0.25, 0.75, 1.0  # and none in the other half
    _, moved = layer(steps, seed=0)(photos, boxes)
    moved = array(moved)
    sizes = moved[:200, 1, 2:] - moved[:200, 1, :2]
    assert (moved[:200, 1] >= -1e-6).all() and (moved[:200, 1] <= 1 + 1e-6).all()
    # Whole, in windows from nearly all of the image down to little more than the box.
    assert sizes.min() > 0.249 and sizes[:, 0].max() > 0.7
    assert (moved[200:] == 0).all() and (moved[:200, 0] == 0).all()
    pipeline = layer([*steps, augment.Letterbox(64, 64)], seed=0)
    assert array(pipeline(photos + 255)).shape == (400, 32, 32, 3)  # images alone


@pytest.mark.parametrize("border", ["constant", "reflect", "replicate"])
@pytest.mark.parametrize(
    ("source", "target"), [((60, 80), (56, 48)), ((40, 40), (40, 40)), ((25, 20), (56, 48))]
)
def test_pixels_are_those_of_a_single_warp(source, target, border):
    steps = [augment.RandomFlip(0.5, 0.5), augment.RandomScale(0.9, 1.1), *TURNING]
    matrices, _, draws = drawn(steps, source, target, count=4)
    photos = smooth(4, *source).round()
    fill = (128, 100, 20)
    fills = tensor(fill)
    warped = pixels.warp(tensor(photos), matrices, target, border=border, fill=fills)
    for image, photo, draw in zip(array(warped), photos.astype(np.uint8), draws, strict=True):
        height, width = target
        expected = images.warp_image(
            photo, draw.matrix, height=height, width=width, border=border, fill=fill
        )
        # A rounding to whole numbers, and OpenCV's of places to parts of a pixel.
        assert np.abs(image - expected).max() < 2
        assert np.abs(image - expected).mean() < 0.4


@pytest.mark.parametrize("size", [(128, 64), (90, 100), (31, 33), (32, 200)])
def test_inference_resizes_as_single_images_are(size):
    photos = smooth(2, *size).round().astype(np.uint8)
    boxes = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 1.0, 0.75]])
    resized, same = layer([augment.RandomFlip(1.0)])(photos, boxes, training=False)
    for image, photo in zip(array(resized), photos, strict=True):
        expected = augment.resize(Sample(photo, boxes, np.zeros(2)), (32, 32)).image
        inside = (slice(1, -1), slice(1, -1))
        assert np.abs(image - expected)[inside].max() < 2
    assert np.array_equal(array(same), boxes.astype(np.float32))


def test_a_strong_shrink_does_not_alias():
    stripes = np.zeros((1, 64, 64, 3), np.float32)
    stripes[:, ::2] = 255
    small = layer([augment.RandomFlip()], (16, 16), seed=0)(stripes, training=True)
    assert np.allclose(array(small), 127.5)


@pytest.mark.parametrize("step", EXACT, ids=named)
def test_flips_and_turns_are_exact_on_paint(step):
    boxes = np.array([[3, 5, 20, 30], [0, 0, 40, 1], [39, 39, 40, 40], [11, 0, 13, 40]] * 4)
    photos = np.stack([paint(40, 40, box) for box in boxes])
    augmented = layer([step], (40, 40), "xyxy", seed=1)
    out, moved = augmented(photos, boxes, training=True)
    found = np.stack([find_paint(image) for image in array(out)])
    assert np.array_equal(found, array(moved).round(4))
    assert not np.array_equal(found, boxes)
    assert set(np.unique(array(out))) == {0, 255}


@pytest.mark.parametrize("step", [*SPATIAL[:12], TOGETHER], ids=named)
def test_paint_lies_where_its_box_says(step):
    rng = np.random.default_rng(5)
    height, width, size = 90, 120, (100, 80)
    low = rng.integers(10, 40, (16, 2))
    boxes = np.concatenate([low, low + rng.integers(15, 45, (16, 2))], axis=1)
    photos = np.stack([paint(height, width, box) for box in boxes])
    steps = step if isinstance(step, list) else [step]
    turning = any(type(step) in map(type, TURNING) for step in steps)
    augmented = layer(steps, size, "xyxy", seed=2, fill=(0, 0, 0), min_visibility=1.0, tries=30)
    out, moved = augmented(photos, boxes, training=True)
    # Slim corners of turned boxes hold less than half a pixel of paint; any of it counts there.
    found = np.stack([find_paint(image, 0.05 if turning else 0.5) for image in array(out)])
    cut = np.any((array(moved) <= 0) | (array(moved) >= (80, 100, 80, 100)), axis=1)
    tolerance = 1.6 if turning else 0.75
    assert cut.sum() <= 8
    assert np.abs(found - array(moved))[~cut].max() <= tolerance


def test_resampling_takes_the_first_try_that_shows_all_or_the_best():
    shares = tensor(
        [
            [[0.2, 0.9], [0.6, 0.9], [1.0, 1.0]],
            [[0.1, 0.2], [0.3, 0.4], [0.45, 0.1]],
            [[0.2, 0.9], [0.1, 0.9], [0.0, 0.4]],
        ]
    )
    exists = keras.ops.convert_to_tensor(np.array([[True, True], [True, True], [False, True]]))
    best = array(best_try(shares - 0.5, exists))
    assert best.tolist() == [[0, 1, 0], [0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("rotated_boxes", ["hull", "ellipse"])
@pytest.mark.parametrize(
    "least", [{"min_visibility": 0.3}, {"min_area": 0.04}, {"min_size": 12.0}, {}], ids=str
)
def test_boxes_are_judged_as_by_a_pipeline(least, rotated_boxes):
    rng = np.random.default_rng(2)
    low = rng.uniform(0, 0.6, (40, 2))
    boxes = np.concatenate([low, low + rng.uniform(0.05, 0.4, (40, 2))], axis=1)
    photo = np.zeros((60, 80, 3), np.uint8)
    step = augment.Spatial(
        lambda rng, height, width: geometry.compose(
            geometry.about(geometry.rotation(30), x=width / 2, y=height / 2),
            geometry.translation(x=0.35 * width, y=-0.2 * height),
        )
    )
    options = {"hidden_boxes": "weight", "rotated_boxes": rotated_boxes} | (
        {"min_visibility": 0.0} | least if least else {}
    )
    weighting = layer([step], (48, 64), "rel_xyxy", **options)
    weights = array(weighting(photo[None], boxes[None], training=True)[2])[0]
    sample = augment.Sample(photo, boxes, np.zeros(40, int))
    judged = Pipeline([step], **options)(sample, rng, image_size=(48, 64))
    assert np.array_equal(weights, judged.columns["weight"])
    assert 5 < weights.sum() < 35


@pytest.mark.parametrize("least", [{"min_area": 0.05}, {"min_size": 8}])
def test_resampling_keeps_boxes_from_getting_too_small(least):
    boxes = np.tile([0.3, 0.3, 0.7, 0.7], (64, 1))
    photos = np.zeros((64, 32, 32, 3), np.uint8)
    step = augment.RandomScale(0.2, 1.0)

    def smallest(**options):
        moved = layer([step], seed=3, tries=30, **options)(photos, boxes, training=True)[1]
        return (array(moved)[:, 2] - array(moved)[:, 0]).min()

    assert smallest(**least) >= 0.05**0.5 - 1e-3
    assert smallest() < 0.12


def test_resampling_keeps_boxes_in_view():
    boxes = np.tile([0.0, 0.3, 0.3, 0.7], (64, 1))
    photos = np.zeros((64, 32, 32, 3), np.uint8)
    step = augment.RandomTranslation(0.5, 0.0)

    def narrowest(tries):
        moved = layer([step], seed=3, tries=tries, min_visibility=0.9)(photos, boxes, training=True)
        return (array(moved[1])[:, 2] - array(moved[1])[:, 0]).min()

    assert narrowest(tries=20) >= 0.9 * 0.3 - 1e-3
    assert narrowest(tries=1) < 0.1


def test_hidden_boxes_get_no_weight():
    boxes = np.tile([[0.0, 0.0, 0.2, 1.0], [0.8, 0.0, 1.0, 1.0]], (32, 1, 1))
    photos = np.zeros((32, 32, 32, 3), np.uint8)
    weighting = layer([augment.RandomTranslation(0.3, 0.0)], hidden_boxes="weight", seed=0)
    _, moved, weights = weighting(photos, boxes, training=True)
    shown = (array(moved)[..., 2] - array(moved)[..., 0]) / 0.2
    assert np.array_equal(array(weights), (shown >= 0.5).astype(np.float32))
    assert 0 < array(weights).mean() < 1
    assert array(weighting(photos, boxes, training=False)[2]).all()
    assert array(weighting(photos, boxes[:, 0], training=True)[2]).shape == (32,)


@pytest.mark.parametrize("min_visibility", [0.0, 0.5])
def test_where_every_draw_loses_a_box_the_image_is_only_resized(min_visibility):
    photos = np.random.default_rng(0).integers(0, 256, (2, 64, 48, 3)).astype(np.uint8)
    boxes = np.array([[0.1, 0.1, 0.3, 0.4]] * 2, np.float32)
    out = augment.Spatial(lambda rng, height, width: geometry.translation(x=width))
    augmented = layer([out], (64, 48), "rel_xyxy", min_visibility=min_visibility)
    made, moved = augmented(photos, boxes, training=True)
    assert np.allclose(array(moved), boxes, atol=1e-6)
    assert np.allclose(array(made), photos, atol=1e-3)
    weighting = layer(
        [out], (64, 48), "rel_xyxy", min_visibility=min_visibility, hidden_boxes="weight"
    )
    assert not array(weighting(photos, boxes, training=True)[2]).any()


@pytest.mark.parametrize("filler", [0.0, -1.0])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("bounding_box_format", ["rel_xyxy", "xywh", "center_xywh"])
def test_rows_without_area_stay_and_are_not_judged(filler, training, bounding_box_format):
    boxes = np.full((8, 3, 4), filler, np.float32)
    written = kb.convert_boxes(
        [0.2, 0.2, 0.5, 0.6], "rel_xyxy", bounding_box_format, height=64, width=48
    )
    boxes[:, 1] = written
    photos = np.zeros((8, 64, 48, 3), np.uint8)
    for hidden_boxes in ("resample", "weight"):
        augmented = layer(
            [augment.RandomTranslation(0.6, 0)],
            (32, 32),
            bounding_box_format,
            hidden_boxes=hidden_boxes,
            seed=0,
            tries=30,
        )
        _, moved, *weights = augmented(photos, boxes, training=training)
        assert np.array_equal(array(moved)[:, [0, 2]], boxes[:, [0, 2]])
        for weight in weights:
            assert not array(weight)[:, [0, 2]].any()
        if not weights:
            areas = kb.box_area(array(moved)[:, 1], bounding_box_format)
            whole = 0.12 if bounding_box_format == "rel_xyxy" else 0.12 * 32 * 32
            assert (areas >= 0.499 * whole).all()


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("bounding_box_format", ["xyxy", "yxyx", "xywh", "rel_center_xywh"])
def test_boxes_come_back_in_their_format_and_on_the_new_size(bounding_box_format, training):
    boxes = np.array([[0.2, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 0.5]])
    sizes = {"height": 64, "width": 48}
    given = kb.convert_boxes(boxes, "rel_xyxy", bounding_box_format, **sizes)
    augmented = layer([augment.RandomFlip(1.0)], (32, 40), bounding_box_format)
    _, moved = augmented(np.zeros((2, 64, 48, 3)), given, training=training)
    moved = kb.convert_boxes(array(moved), bounding_box_format, "rel_xyxy", height=32, width=40)
    flipped = np.stack([1 - boxes[:, 2], boxes[:, 1], 1 - boxes[:, 0], boxes[:, 3]], axis=1)
    assert np.allclose(moved, flipped if training else boxes, atol=1e-6)


def test_a_mean_border_has_the_color_of_each_image():
    photos = np.zeros((2, 8, 8, 3), np.uint8)
    photos[0, :4], photos[1] = (200, 100, 0), (10, 20, 30)
    step = augment.Spatial(lambda rng, height, width: geometry.translation(x=100))
    filled = layer([step], (8, 8), border="mean")(photos, training=True)
    assert np.allclose(array(filled)[0], (100, 50, 0))
    assert np.allclose(array(filled)[1], (10, 20, 30))


def test_colors_are_mixed_and_clipped_once():
    photos = smooth(4, 32, 32).round()
    _, colors, draws = drawn(COLORS, count=4)
    mixed = array(pixels.color(tensor(photos), colors))
    for image, photo, draw in zip(mixed, photos, draws, strict=True):
        expected = photo @ np.array(draw.filters[0]["matrix"]).T[:3]
        expected = expected + np.array(draw.filters[0]["matrix"])[:, 3]
        assert np.allclose(image, expected.clip(0, 255), atol=1e-3)
    brighter = layer([augment.Color(lambda rng: 9.0 * np.eye(3, 4))])
    assert array(brighter(np.full((1, 32, 32, 3), 100.0), training=True)).max() == 255


def test_a_seed_repeats_its_draws_and_every_batch_and_image_draws_anew():
    photos = smooth(4, 32, 32)
    first, second = (layer([augment.RandomRotation()], seed=7) for _ in range(2))
    one, two, again = (array(run(photos, training=True)) for run in (first, first, second))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, two)
    same = array(first(np.repeat(photos[:1], 4, axis=0), training=True))
    assert not np.array_equal(same[0], same[1])


def test_whole_numbers_are_drawn_evenly_and_within_their_range():
    rng = BatchGenerator(uniforms(keras.random.SeedGenerator(0), 4000))
    drawn = array(rng.integers(2, 5, endpoint=True))
    assert np.array_equal(np.unique(drawn), [2, 3, 4, 5])
    assert np.bincount(drawn.astype(int))[2:].min() > 900
    orders = array(rng.permutation(3))
    assert len(np.unique(orders, axis=0)) == 6 and (np.sort(orders, axis=1) == range(3)).all()


class OwnFilter:
    def filter(self, rng):
        return {"name": "gamma", "exponent": 2.0}


class OwnChoice:
    def choose(self, rng):
        return (augment.RandomFlip(),)


class OwnSomeOf(augment.SomeOf):
    def choose(self, rng):
        return self.steps


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (OwnFilter(), "OwnFilter"),
        (OwnChoice(), "OwnChoice"),
        (OwnSomeOf(), "OwnSomeOf"),
        (augment.OneOf([augment.Grayscale(), OwnFilter()]), "OwnFilter"),
        (augment.RandomApply(OwnFilter()), "OwnFilter"),
    ],
)
def test_a_step_that_cannot_run_on_batches_is_named(step, name):
    with pytest.raises(ValueError, match=f"{name} .* Put it into a kb.augment.Pipeline"):
        layer([step])


def test_what_is_no_step_is_refused():
    with pytest.raises(TypeError, match="A step is an object of kb.augment"):
        layer([lambda image: image])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_boxes": "drop"}, "hidden_boxes must be one of resample, weight"),
        ({"border": "wrap"}, "border must be one of"),
        ({"rotated_boxes": "circle"}, "rotated_boxes must be one of hull, ellipse"),
        ({"min_visibility": 2}, "min_visibility must lie from 0 to 1"),
        ({"tries": 0}, "tries must lie from 1"),
        ({"image_size": (0, 3)}, "image_size must lie from 1"),
        ({"bounding_box_format": "coco"}, "must be a known bounding box format"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        layer(**options)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="Images must have shape"):
        layer()(np.zeros((2, 3, 8, 8)))
    with pytest.raises(ValueError, match="Boxes must have shape"):
        layer()(np.zeros((2, 8, 8, 3)), np.zeros((2, 5)))


class Unknown:
    def matrix(self, rng, height, width):
        return np.eye(3)


@keras.saving.register_keras_serializable(package="test_layers")
class Slide:
    def __init__(self, reach=9):
        self.reach = reach

    def matrix(self, rng, height, width):
        return geometry.translation(x=rng.uniform(0, self.reach))

    def get_config(self):
        return {"reach": self.reach}


def test_the_config_is_plain_and_makes_an_equal_layer():
    steps = [
        *(step for step in SPATIAL if not isinstance(step, augment.Spatial)),
        *COLORS,
        augment.RandomQuarterTurn(turns=(1, 2)),
    ]
    options = {"hidden_boxes": "weight", "border": "mean", "seed": 4, "name": "mine"}
    given = layer(steps, (24, 32), "xywh", **options)
    restored = BoxAugmentation.from_config(given.get_config())
    assert repr(restored.steps).replace("[", "(").replace("]", ")") == (
        repr(tuple(steps)).replace("[", "(").replace("]", ")")
    )
    assert restored.get_config() == given.get_config()
    names = set(inspect.signature(BoxAugmentation).parameters) - {"kwargs"}
    assert names <= set(given.get_config())


def test_a_registered_step_of_ones_own_is_saved_by_its_config():
    given = layer([augment.RandomApply(Slide(3))])
    (restored,) = BoxAugmentation.from_config(given.get_config()).steps
    assert isinstance(restored.step, Slide) and restored.step.reach == 3


@pytest.mark.parametrize("step", [augment.Spatial(), Unknown(), augment.RandomApply(Unknown())])
def test_a_step_that_cannot_be_found_again_is_not_saved(step):
    with pytest.raises(ValueError, match="cannot be saved. Write a class"):
        layer([step]).get_config()


def tiny_model(augmentation):
    photos, boxes = keras.Input((24, 24, 3), dtype="uint8"), keras.Input((4,))
    seen, truth = augmentation(photos, boxes)
    x = keras.layers.Conv2D(4, 3, strides=4)(keras.layers.Rescaling(1 / 255)(seen))
    guess = keras.layers.Dense(4)(keras.layers.Flatten()(x))
    return keras.Model([photos, boxes], keras.layers.Subtract()([guess, truth]))


def test_a_model_with_it_learns_and_comes_back_from_its_file(tmp_path):
    low = np.random.default_rng(0).integers(1, 12, (32, 2))
    corners = np.concatenate([low, low + 8], axis=1)
    photos = np.stack([paint(24, 24, box) for box in corners])
    boxes = (corners / 24).astype(np.float32)
    steps = [augment.RandomFlip(), augment.RandomTranslation(0.05, 0.05), *COLORS[:2]]
    keras.utils.set_random_seed(0)
    model = tiny_model(layer(steps, (16, 16), seed=0))
    model.compile(keras.optimizers.Adam(0.01), "mse")
    history = model.fit([photos, boxes], np.zeros((32, 4)), epochs=8, batch_size=8, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0] / 2
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = model.predict([photos, boxes], verbose=0)
    assert np.allclose(loaded.predict([photos, boxes], verbose=0), expected, atol=1e-5)


def test_symbolic_outputs_have_the_shapes_of_real_ones():
    photos, boxes = keras.Input((24, 20, 3), dtype="uint8"), keras.Input((None, 4))
    outputs = layer(hidden_boxes="weight")(photos, boxes)
    assert [output.shape for output in outputs] == [
        (None, 32, 32, 3),
        (None, None, 4),
        (None, None),
    ]
    assert layer()(photos).shape == (None, 32, 32, 3)


def test_half_width_policies_leave_numbers_alone():
    photos, boxes = smooth(2, 48, 48), np.full((2, 4), (0.1, 0.2, 0.701, 0.9))
    full = layer([augment.RandomRotation()], seed=1)(photos, boxes, training=True)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = layer([augment.RandomRotation()], seed=1)(photos, boxes, training=True)
    finally:
        keras.config.set_dtype_policy("float32")
    for a, b in zip(full, half, strict=True):
        assert array(b).dtype == np.float32 and np.array_equal(array(a), array(b))


def every_step():
    steps = [step for step in SPATIAL if not isinstance(step, augment.Letterbox)]
    return [*steps, *COLORS, augment.RandomApply(augment.Grayscale())]


def test_it_compiles():
    photos, boxes = smooth(2, 24, 24), np.full((2, 3, 4), (0.3, 0.3, 0.7, 0.7), np.float32)
    augmented = layer(every_step(), (16, 20), seed=0)
    eager = [array(part) for part in augmented(photos, boxes, training=True)]
    again = layer(every_step(), (16, 20), seed=0)
    if BACKEND == "jax":
        import jax

        def run(state, photos, boxes):
            return again.stateless_call([], state, photos, boxes, training=True)

        state = [variable.value for variable in again.non_trainable_variables]
        out, new_state = jax.jit(run)(state, photos, boxes)
        assert not np.array_equal(array(new_state[0]), array(state[0]))
    elif BACKEND == "tensorflow":
        import tensorflow as tf

        @tf.function(
            input_signature=[tf.TensorSpec((None, 24, 24, 3)), tf.TensorSpec((None, 3, 4))]
        )
        def run(photos, boxes):
            return again(photos, boxes, training=True)

        out = run(photos, boxes)
    else:
        out = again(photos, boxes, training=True)
    assert np.allclose(array(out[1]), eager[1], atol=1e-4)
    assert np.abs(array(out[0]) - eager[0]).mean() < 0.1


@pytest.mark.skipif(BACKEND != "tensorflow", reason="tf.data traces TensorFlow alone")
def test_it_runs_in_a_data_set():
    import tensorflow as tf

    photos, boxes = np.zeros((8, 24, 24, 3), np.uint8), np.full((8, 4), (0.3, 0.3, 0.7, 0.7))
    augmented = layer(every_step(), (16, 20), seed=0)
    photos_set = tf.data.Dataset.from_tensor_slices((photos, boxes.astype(np.float32))).batch(3)
    photos_set = photos_set.map(lambda photos, boxes: augmented(photos, boxes, training=True))
    sizes = [tuple(batch.shape) for batch, _ in photos_set]
    assert sizes == [(3, 16, 20, 3), (3, 16, 20, 3), (2, 16, 20, 3)]
    first, second = (np.concatenate([b.numpy() for _, b in photos_set]) for _ in range(2))
    assert not np.allclose(first, second)


def test_it_augments_unless_it_is_told_that_this_is_inference():
    photos = np.random.default_rng(0).uniform(0, 255, (4, 16, 16, 3)).astype("float32")
    flip = layer([augment.RandomFlip(1.0)], (16, 16))
    assert np.allclose(array(flip(photos)), photos[:, :, ::-1], atol=1e-2)
    assert np.allclose(array(flip(photos, training=False)), photos, atol=1e-2)
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, flip(inputs))
    assert np.allclose(model.predict(photos, verbose=0), photos, atol=1e-2)
    assert np.allclose(array(model(photos, training=True)), photos[:, :, ::-1], atol=1e-2)
