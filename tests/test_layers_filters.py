"""Filters on batches against those on single images: same numbers, same pixels."""

import cv2
import keras
import numpy as np
import pytest
from replaying import Replay

from keras_bbox import augment, geometry, images, iou
from keras_bbox.augment import Pipeline, Sample
from keras_bbox.augment.batch_steps import BatchGenerator
from keras_bbox.layers import BoxAugmentation, filters, jpeg
from keras_bbox.layers.draws import draw_steps, uniforms

# Keras gives its variables, and PyTorch's tensors, to NumPy in an old way.
pytestmark = pytest.mark.filterwarnings("ignore:.*__array__:DeprecationWarning")

BACKEND = keras.backend.backend()
SIZES = [(61, 83), (64, 48), (5, 4), (1, 1)]
NO_BOXES = (np.zeros((0, 4)), np.zeros(0))

# With the largest difference: single images are rounded, and OpenCV blurs by weights of 8 bits.
FILTERS = [
    (augment.RandomGamma(0.3, 3.0), 0.51),
    (augment.RandomBlur(), 1.5),
    (augment.RandomBlur(0.3, 4.0), 1.5),
    (augment.RandomMotionBlur(), 0.51),
    (augment.RandomMotionBlur(2.0), 0.51),
    (augment.RandomSharpness(2.0), 2.0),
    (augment.AutoContrast(), 0.51),
    (augment.Equalize(), 0),
    (augment.RandomErasing(3), 0),
]


def photos(height, width):
    """Fields from rough to smooth, of less and less contrast, and one of a single color."""
    rng = np.random.default_rng(0)
    made = [np.full((height, width, 3), (9, 99, 199), np.uint8)]
    for k, sigma in enumerate((0.5, 1, 2, 4, 8)):
        field = cv2.GaussianBlur(rng.uniform(0, 255, (height, width, 3)), (0, 0), sigma)
        low, high = 9 * k, 255 - 12 * k
        made.append(np.rint(cv2.normalize(field, None, low, high, cv2.NORM_MINMAX)))
    return np.stack(made).astype(np.uint8)


def run(step, batch, seed=0):
    """The batch after a step, of which image ``k`` draws from ``default_rng(k)``."""
    given = keras.ops.convert_to_tensor(batch.astype(np.float32))
    size, rng = batch.shape[1:3], Replay(range(len(batch)))
    _, changes = draw_steps([step], rng, source=size, target=size)
    return array(filters.change_pixels(given, changes, keras.random.SeedGenerator(seed)))


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def single(step, batch):
    """The images one by one, each from a generator of its own."""
    drawn = [step.filter(np.random.default_rng(k)) for k in range(len(batch))]
    made = [images.apply_filter(image, **one) for image, one in zip(batch, drawn, strict=True)]
    return np.stack(made).astype(np.float32)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("step", "most"), FILTERS, ids=lambda one: type(one).__name__)
def test_a_filter_does_to_a_batch_what_it_does_to_its_images(step, most, size):
    batch = photos(*size)
    assert np.abs(run(step, batch) - single(step, batch)).max() <= most


@pytest.mark.parametrize("quality", [5, 30, 50, 80, 95, 100])
def test_jpeg_leaves_the_traces_of_a_file(quality):
    batch = photos(61, 83)
    step = augment.RandomJPEG(quality, quality)
    made, expected = run(step, batch), single(step, batch)
    # A level, for what is rounded on the way, and a little of what is lost: a frequency halfway
    # between two steps goes to either.
    difference = np.abs(made - expected).mean(axis=(1, 2, 3))
    lost = np.abs(batch - expected).mean(axis=(1, 2, 3))
    assert (difference <= 1 + 0.03 * lost).all()


def test_jpeg_has_a_quality_for_each_image():
    batch = np.repeat(photos(32, 32)[1:2], 3, axis=0).astype(np.float32)
    made = array(jpeg.compress(keras.ops.convert_to_tensor(batch), np.float32([10, 60, 100])))
    losses = np.abs(made - batch).mean(axis=(1, 2, 3))
    assert losses[0] > losses[1] > losses[2]


def test_noise_is_normal_and_new_in_every_pixel_and_image():
    batch = np.full((4, 64, 64, 3), 128, np.uint8)
    noise = run(augment.RandomNoise(20), batch) - 128
    expected = [augment.RandomNoise(20).filter(np.random.default_rng(k))["sigma"] for k in range(4)]
    assert np.allclose(noise.std(axis=(1, 2, 3)), expected, rtol=0.05)
    assert np.abs(noise.mean(axis=(1, 2, 3))).max() < 1
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.05
    assert np.array_equal(noise, run(augment.RandomNoise(20), batch) - 128)
    assert not np.array_equal(noise, run(augment.RandomNoise(20), batch, seed=1) - 128)


def test_a_choice_leaves_the_other_images_alone():
    batch = photos(24, 24)
    step = augment.RandomApply(augment.RandomGamma(2.0, 2.0), 0.5)
    runs = np.array([np.random.default_rng(k).random() < 0.5 for k in range(len(batch))])
    assert 0 < runs.sum() < len(batch)
    made = run(step, batch)
    assert np.array_equal(made[~runs], batch[~runs])
    darker = 255 * (batch[runs] / 255.0) ** 2
    assert np.allclose(made[runs], darker, atol=1e-2)


def test_one_of_several_runs():
    batch = np.tile(photos(24, 24), (3, 1, 1, 1))
    candidates = [augment.RandomGamma(2.0, 2.0), augment.Grayscale(), augment.Equalize()]
    made = run(augment.OneOf(candidates), batch)
    each = [run(step, batch) for step in candidates]
    chosen = [np.random.default_rng(k).integers(3) for k in range(len(batch))]
    assert len(set(chosen)) == 3
    expected = np.stack([each[choice][k] for k, choice in enumerate(chosen)])
    assert np.allclose(made, expected, atol=1e-3)


DARKER = augment.RandomGamma(2.0, 2.0)
BRIGHTER = augment.Color(lambda rng: 1.5 * np.eye(3, 4))
ORDERS = [
    [BRIGHTER, DARKER],
    [DARKER, BRIGHTER],
    [BRIGHTER, DARKER, BRIGHTER, augment.RandomBlur(1.0, 1.0)],
    [DARKER, augment.RandomFlip(1.0), augment.Resize(20, 30), BRIGHTER],
    [augment.OneOf([DARKER]), augment.RandomApply(augment.RandomFlip(1.0), 1.0)],
]


@pytest.mark.parametrize("steps", ORDERS, ids=range(len(ORDERS)))
def test_steps_follow_each_other_as_in_a_pipeline(steps):
    batch = photos(40, 60)[2:]
    layer = BoxAugmentation(steps, image_size=(40, 60), bounding_box_format="rel_xyxy")
    made = array(layer(batch, training=True))
    pipeline = Pipeline(steps)  # of which nothing is left to chance
    for image, result in zip(batch, made, strict=True):
        sample = Sample(image, *NO_BOXES)
        expected = pipeline(sample, np.random.default_rng(0), image_size=(40, 60)).image
        assert np.abs(result - expected).max() <= 3


@pytest.mark.parametrize("strength", [0.5, 2.0])
def test_the_ready_policies_run_on_batches(strength):
    batch = photos(48, 64)
    boxes = np.tile([0.25, 0.25, 0.75, 0.75], (len(batch), 1))
    policy = augment.default_policy(strength)
    layer = BoxAugmentation(
        policy.steps, image_size=(32, 32), bounding_box_format="rel_xyxy", seed=3
    )
    made, moved = layer(batch, boxes, training=True)
    again = BoxAugmentation.from_config(layer.get_config())
    assert again.steps == layer.steps
    for one, other in zip((made, moved), again(batch, boxes, training=True), strict=True):
        assert np.array_equal(array(one), array(other))
    assert array(made).min() >= 0 and array(made).max() <= 255
    resized, kept = layer(batch, boxes, training=False)
    assert np.allclose(array(kept), boxes) and tuple(resized.shape) == (len(batch), 32, 32, 3)


EVERY = [step for step, _ in FILTERS] + [
    augment.RandomJPEG(),
    augment.RandomNoise(),
    augment.RandomIOUCrop(tries=3),
    augment.SomeOf([augment.RandomGamma(), augment.RandomFlip(), augment.RandomHue()], 2),
]


def test_all_of_it_compiles():
    layer = BoxAugmentation(EVERY, image_size=(32, 32), bounding_box_format="rel_xyxy")
    batch = photos(48, 64).astype(np.float32)
    if BACKEND == "jax":
        import jax

        call = jax.jit(lambda x: layer.stateless_call([], [v.value for v in layer.variables], x))
        made = call(batch)[0]
    elif BACKEND == "tensorflow":
        import tensorflow as tf

        # The number of images is not known when it is traced.
        signature = tf.TensorSpec((None, 48, 64, 3))
        made = tf.function(layer, input_signature=[signature], jit_compile=True)(batch)
    else:
        made = layer(batch)
    assert tuple(made.shape) == (len(batch), 32, 32, 3)
    assert np.isfinite(array(made)).all()


@pytest.mark.skipif(BACKEND != "tensorflow", reason="tf.data traces TensorFlow alone")
def test_all_of_it_runs_in_a_data_set():
    import tensorflow as tf

    layer = BoxAugmentation(EVERY, image_size=(32, 32), bounding_box_format="rel_xyxy")
    dataset = tf.data.Dataset.from_tensor_slices(photos(48, 64)).batch(4).map(layer)
    assert [len(made) for made in dataset] == [4, 2]


def test_some_of_several_run_in_an_order_of_each_image():
    batch = np.tile(photos(24, 24), (3, 1, 1, 1))
    candidates = [augment.RandomGamma(2.0, 2.0), augment.Equalize(), augment.Grayscale()]
    made = run(augment.SomeOf(candidates, count=2), batch)
    orders = [np.random.default_rng(k).permutation(3)[:2] for k in range(len(batch))]
    assert len(set(map(tuple, orders))) == 6
    for image, result, order in zip(batch, made, orders, strict=True):
        expected = image[None]
        for index in order:
            expected = run(candidates[index], expected)
        assert np.abs(result - expected[0]).max() <= 1e-2


@pytest.mark.parametrize("with_boxes", [False, True])
def test_a_choice_between_moving_and_filtering_does_one_of_them(with_boxes):
    batch = np.repeat(photos(24, 24)[3:4], 32, axis=0)
    step = augment.OneOf([augment.RandomFlip(1.0), augment.RandomGamma(2.0, 2.0)])
    layer = BoxAugmentation([step], image_size=(24, 24), bounding_box_format="rel_xyxy", seed=0)
    box = [0.25, 0.25, 0.5, 0.75]
    made = array(layer(batch, training=True))
    is_flipped = np.abs(made - batch[:, :, ::-1]).max(axis=(1, 2, 3)) < 0.01
    if with_boxes:
        made, moved = map(array, layer(batch, np.tile(box, (32, 1)), training=True))
        is_flipped = np.isclose(moved[:, 0], 0.5)
    assert 4 < is_flipped.sum() < 28
    darker = 255 * (batch / 255.0) ** 2
    expected = np.where(is_flipped[:, None, None, None], batch[:, :, ::-1], darker)
    assert np.abs(made - expected).max() < 0.01


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_colors_are_one_unless_a_filter_runs_between_them(probability):
    batch = photos(24, 24)
    steps = [
        augment.Color(lambda rng: 4.0 * np.eye(3, 4)),
        augment.RandomApply(augment.RandomGamma(1.0, 1.0), probability),
        augment.Color(lambda rng: 0.25 * np.eye(3, 4)),
    ]
    layer = BoxAugmentation(steps, image_size=(24, 24), bounding_box_format="rel_xyxy")
    expected = batch if probability == 0 else np.minimum(4.0 * batch, 255) / 4
    assert np.abs(array(layer(batch)) - expected).max() < 0.01


POLICIES = {
    "detection": augment.detection_policy(2.0).steps,
    "RandAugment": [augment.RandAugment(3, 1.0)],
}


@pytest.mark.parametrize("steps", POLICIES.values(), ids=POLICIES)
def test_every_policy_runs_on_batches(steps):
    batch, boxes = photos(48, 64), np.full((6, 2, 4), (0.2, 0.2, 0.6, 0.7))
    boxes[:3, 1] = 0  # images of one box, with a row to spare
    options = {"bounding_box_format": "rel_xyxy", "hidden_boxes": "weight", "seed": 0}
    layer = BoxAugmentation(steps, image_size=(32, 32), **options)
    made, moved, weights = map(array, layer(batch, boxes, training=True))
    assert np.isfinite(made).all() and made.min() >= 0 and made.max() <= 255
    assert (moved >= 0).all() and (moved <= 1).all() and not weights[:3, 1].any()
    assert BoxAugmentation.from_config(layer.get_config()).steps == layer.steps
    changed = np.ptp(made - array(layer(batch, training=False)), axis=(1, 2, 3))
    assert changed[1:].all()  # a photo of one color may stay as it is


def windows(step, boxes, count, source):
    """Where the windows of a batch lie, ``xyxy``."""
    rng = BatchGenerator(uniforms(keras.random.SeedGenerator(0), count))
    seen = keras.ops.convert_to_tensor(np.tile(boxes, (count, 1, 1)).astype(np.float32))
    matrices, _ = draw_steps([step], rng, source=source, target=(1, 1), boxes=seen)
    corners = np.array([[0, 0, 1, 1]])
    back = [np.linalg.inv(matrix.astype(np.float64)) for matrix in array(matrices)]
    return np.concatenate([geometry.transform_boxes(corners, matrix) for matrix in back])


def test_a_crop_by_overlap_reaches_it_and_is_drawn_as_for_one_image():
    boxes, source, count = np.array([[20, 30, 90, 80], [100, 20, 140, 60]]), (101, 150), 1500
    for min_iou in (0.1, 0.5, 0.9):
        step = augment.RandomIOUCrop(min_ious=(min_iou,), tries=15)
        found = windows(step, boxes, count, source)
        assert np.allclose(found, found.round(), atol=1e-3)
        is_whole = np.isclose(found, [0, 0, 150, 101], atol=1e-3).all(axis=1)
        cut = found[~is_whole].round()
        overlaps = iou(cut[:, None], boxes[None]) >= min_iou - 1e-6
        centers = (boxes[:, :2] + boxes[:, 2:]) / 2
        holds = ((centers > cut[:, None, :2]) & (centers < cut[:, None, 2:])).all(axis=-1)
        assert (overlaps & holds).any(axis=1).all()
        width, height = (cut[:, 2:] - cut[:, :2]).T
        assert (width <= 2 * height + 3).all() and (height <= 2 * width + 3).all()
        frame = augment.Frame(*source, boxes)
        views = [step.view(np.random.default_rng(k), frame) for k in range(count)]
        whole = np.mean([(view.height, view.width) == source for view in views])
        assert abs(is_whole.mean() - whole) < 0.06
        area = np.mean([view.height * view.width for view in views])
        drawn = np.where(is_whole, 101 * 150, np.prod(found[:, 2:] - found[:, :2], axis=1)).mean()
        assert abs(drawn / area - 1) < 0.06


def test_a_length_without_boxes_is_a_number_of_boxes_too():
    batch, none = photos(24, 24), np.zeros((6, 0, 4), np.float32)
    for training in (True, False):
        for options in ({}, {"hidden_boxes": "weight"}):
            steps = [augment.RandomRotation(), augment.RandomIOUCrop()]
            layer = BoxAugmentation(
                steps, image_size=(16, 16), bounding_box_format="xyxy", **options
            )
            made, moved, *weights = layer(batch, none, training=training)
            assert tuple(made.shape) == (6, 16, 16, 3) and tuple(moved.shape) == (6, 0, 4)
            assert [tuple(weight.shape) for weight in weights] == [(6, 0)] * len(options)


class OwnBoth:
    """Of several methods, a pipeline asks the one that moves pixels."""

    def matrix(self, rng, height, width):
        return geometry.flip(width=width)

    def color_matrix(self, rng):
        return np.zeros((3, 4))


def test_a_step_with_several_methods_moves_as_in_a_pipeline():
    batch = photos(24, 24)
    layer = BoxAugmentation([OwnBoth()], image_size=(24, 24), bounding_box_format="rel_xyxy")
    assert np.abs(array(layer(batch)) - batch[:, :, ::-1]).max() < 0.01
