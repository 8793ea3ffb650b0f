"""A pipeline on many samples: each comes out as it would alone, and as steps drawn one by one."""

import threading

import numpy as np
import pytest
from replaying import alone

from keras_bbox import augment, geometry
from keras_bbox.augment import Pipeline, Sample
from keras_bbox.geometry import batches
from keras_bbox.images import Batches

# Steps whose numbers a generator draws alike one at a time and in blocks.
CONTINUOUS = [
    augment.RandomFlip(0.5, 0.5),
    augment.RandomScale(aspect=1.3),
    augment.RandomTranslation(),
    augment.RandomRotation(40),
    augment.RandomShear(10, 5),
    augment.RandomPerspective(0.2),
    augment.RandomTranspose(),
    augment.RandomBoxSafeCrop(),
    augment.Letterbox(50, 70),
    augment.Resize(33, 44),
    augment.RandomBrightness(),
    augment.RandomContrast(),
    augment.RandomSaturation(),
    augment.RandomHue(),
    augment.RandomColorTemperature(),
    augment.Grayscale(),
]
MIXED = [
    *augment.default_policy(2.0).steps,
    augment.RandomQuarterTurn(),
    augment.RandomCrop(),
    augment.RandomResizedCrop(),
    augment.RandomZoomOut(),
    augment.RandomIOUCrop(),
    augment.OneOf([augment.RandomShear(), augment.RandomChannelShuffle()]),
    augment.SomeOf(),
    augment.RandAugment(),
    augment.Spatial(lambda rng, height, width: geometry.translation(rng.uniform(-3, 3), 0)),
    augment.Color(lambda rng: rng.uniform(0.8, 1.2) * np.eye(3, 4)),
    augment.RandomGamma(),
]


def samples(count, boxes=1):
    rng = np.random.default_rng(5)
    for k in range(count):
        corners = rng.uniform(0, 0.5, (boxes, 2))
        image = rng.integers(0, 256, (30 + 7 * k, 60 - 5 * k, 3), dtype=np.uint8)
        found = np.hstack([corners, corners + rng.uniform(0.05, 0.5, (boxes, 2))])
        yield Sample(image, found, np.arange(boxes) + k)


def rngs(count):
    return [np.random.default_rng([3, k]) for k in range(count)]


def same(one, other):
    assert np.array_equal(one.image, other.image)
    assert np.allclose(one.boxes, other.boxes, rtol=0, atol=1e-12)
    assert np.array_equal(one.labels, other.labels)
    assert one.columns.keys() == other.columns.keys()
    assert all(np.array_equal(one.columns[name], other.columns[name]) for name in one.columns)


@pytest.mark.parametrize("size", [None, (24, 32)])
@pytest.mark.parametrize("hidden_boxes", ["resample", "drop", "weight"])
@pytest.mark.parametrize("boxes", [0, 1, 3])
def test_each_sample_comes_out_as_it_would_alone(boxes, hidden_boxes, size):
    pipeline = Pipeline(MIXED, hidden_boxes=hidden_boxes, min_visibility=0.6, min_size=2)
    given = list(samples(7, boxes))
    together = list(pipeline.batch(given, rngs(7), size))
    by_themselves = [
        pipeline(sample, rng, size) for sample, rng in zip(given, rngs(7), strict=True)
    ]
    for one, other in zip(together, by_themselves, strict=True):
        same(one, other)


def test_samples_may_have_unequal_numbers_of_boxes():
    pipeline, given = augment.default_policy(), [*samples(2), *samples(2, boxes=2)]
    together = list(pipeline.batch(given, rngs(4)))
    assert [len(sample.boxes) for sample in together] == [1, 1, 2, 2]
    same(together[3], pipeline(given[3], rngs(4)[3]))


def test_what_is_applied_is_what_the_draw_says():
    pipeline, given = Pipeline(MIXED), list(samples(5))
    for one, sample, rng in zip(
        pipeline.batch(given, rngs(5), (24, 32)), given, rngs(5), strict=True
    ):
        same(one, pipeline.draw(sample, rng, (24, 32))(sample))


@pytest.mark.parametrize("step", CONTINUOUS, ids=lambda step: type(step).__name__)
def test_a_step_draws_the_same_for_a_batch_and_for_one_image(step):
    given = list(samples(6))
    whole, one_by_one = Pipeline([step], tries=1), Pipeline([alone(step)], tries=1)
    for sample, rng, again in zip(given, rngs(6), rngs(6), strict=True):
        draw, expected = whole.draw(sample, rng), one_by_one.draw(sample, again)
        assert draw.target == expected.target
        assert np.allclose(draw.matrix, expected.matrix, rtol=1e-12, atol=1e-10)
        found, wanted = (np.array([f["matrix"] for f in d.filters]) for d in (draw, expected))
        assert found.shape == wanted.shape and np.allclose(found, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("turning", [0, 25])
def test_shares_and_boxes_of_a_batch_are_those_of_its_images(turning):
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 60, (50, 4, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 40, (50, 4, 2))], axis=-1)
    matrices = np.stack(
        [
            geometry.compose(
                geometry.rotation(rng.uniform(-turning, turning)),
                geometry.scaling(*rng.uniform(0.5, 1.5, 2)),
                geometry.translation(*rng.uniform(-40, 40, 2)),
            )
            for _ in range(50)
        ]
    )
    shares = batches.visible_share(boxes, matrices, height=80, width=100)
    assert 0.1 < (shares < 1).mean() < 0.9
    for k in range(50):
        expected = geometry.visible_share(boxes[k], matrices[k], height=80, width=100)
        assert np.allclose(shares[k], expected, rtol=0, atol=1e-9)
        for shape in ("hull", "ellipse"):
            moved = batches.move_boxes(boxes, matrices, shape=shape)[k]
            wanted = geometry.transform_boxes(boxes[k], matrices[k], shape=shape)
            assert np.allclose(moved, wanted, rtol=0, atol=1e-9)


def test_whole_numbers_are_drawn_evenly_up_to_the_last():
    pipeline = Pipeline([augment.RandomQuarterTurn((1, 2, 3))], tries=1)
    image = np.zeros((4, 8, 3), np.uint8)
    sample = Sample(image, np.zeros((0, 4)), np.zeros(0))
    many = [np.random.default_rng(k) for k in range(900)]
    targets = [out.image.shape[0] for out in pipeline.batch([sample] * 900, many)]
    assert 250 < targets.count(4) < 350


def test_the_memory_of_a_batch_is_used_again_once_nobody_holds_it():
    pool = Batches((4, 2, 2, 3), "float32", limit=2)
    first = pool.empty(4)
    view = first[1:]
    assert not np.shares_memory(pool.empty(4), view)
    del first
    assert not np.shares_memory(pool.empty(3), view)
    address = view.__array_interface__["data"][0] - view.strides[0]
    del view
    assert pool.empty(4).__array_interface__["data"][0] == address
    held = [pool.empty(4) for _ in range(5)]
    assert not any(np.shares_memory(a, b) for k, a in enumerate(held) for b in held[:k])


def test_threads_never_get_the_same_batch():
    pool, held, lock = Batches((2, 2), "float32", limit=4), [], threading.Lock()

    def take():
        for _ in range(200):
            array = pool.empty(2)
            with lock:
                held.append(array)
                assert not any(np.shares_memory(array, other) for other in held[:-1])
                del held[:-3]

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) <= 4
