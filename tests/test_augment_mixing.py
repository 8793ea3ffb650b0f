"""Mosaic, mix-up, copy-paste and chains: paint the boxes, mix, find the paint."""

import numpy as np
import pytest
from painting import find_paint, paint

import keras_bbox as kb
from keras_bbox.augment import Chain, CopyPaste, MixUp, Mosaic, Sample
from keras_bbox.augment.mixing import _uncovered

SEEDS = range(25)
COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]


def painted(height, width, box, color, label):
    image = paint(height, width, box) // 255 * np.array(color, np.uint8)
    boxes = np.array([box], np.float32) / np.float32((width, height, width, height))
    columns = {"difficult": np.array([label % 2 == 0]), "name": np.array([f"n{label}"], object)}
    return Sample(image.astype(np.uint8), boxes, np.array([label], np.int16), columns)


def four(rng):
    """Samples of four sizes, each with one box in a color of its own."""
    samples = []
    for label, color in enumerate(COLORS):
        height, width = rng.integers(40, 140, 2)
        x, y = rng.integers(0, (width - 24, height - 24))
        w, h = rng.integers(12, 24, 2)
        samples.append(painted(height, width, (x, y, x + w, y + h), color, label))
    return samples


def paint_of(image, color):
    """The edges of all that is about in that color."""
    distance = np.abs(image.astype(int) - color).max(axis=-1)
    return find_paint(np.repeat((distance < 128)[..., None], 3, axis=-1) * np.uint8(255))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mosaic_moves_each_box_with_its_paint(seed):
    rng = np.random.default_rng(seed)
    first, *others = four(rng)
    size = tuple(int(side) for side in rng.integers(60, 200, 2))
    out = Mosaic(others, min_visibility=0.6)(first, rng, image_size=size)
    assert out.image.shape == (*size, 3)
    labels = out.labels.tolist()
    for label, box in zip(labels, out.boxes, strict=True):
        found = paint_of(out.image, COLORS[label])
        expected = box * (size[1], size[0], size[1], size[0])
        # A partner may be drawn twice: then its paint reaches from one box to the other.
        if labels.count(label) == 1 and (expected[2:] - expected[:2]).min() > 3:
            shown = (found[:2] <= expected[:2] + 1) & (found[2:] >= expected[2:] - 1)
            assert shown.all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mosaic_of_one_sample_finds_all_its_paint(seed):
    rng = np.random.default_rng(seed)
    sample = painted(80, 120, (30, 20, 70, 60), (255, 255, 255), 1)
    out = Mosaic(min_visibility=0.0)(sample, rng, image_size=(101, 97))
    boxes = out.boxes * (97, 101, 97, 101)
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2]).min(axis=1) > 1]  # less may color no pixel
    found = find_paint(out.image)
    assert np.abs(found[:2] - boxes[:, :2].min(axis=0)).max() <= 0.75
    assert np.abs(found[2:] - boxes[:, 2:].max(axis=0)).max() <= 0.75


def test_a_mosaic_drops_what_is_cut_off_too_far():
    rng = np.random.default_rng(0)
    sample = painted(80, 80, (0, 0, 80, 80), (255, 0, 0), 0)
    assert len(Mosaic(min_visibility=0.0, zoom=3.0)(sample, rng).boxes) == 4
    assert len(Mosaic(min_visibility=1.0, zoom=3.0)(sample, rng).boxes) < 4


@pytest.mark.parametrize("seed", SEEDS)
def test_pasted_boxes_are_where_the_paint_is(seed):
    rng = np.random.default_rng(seed)
    under = painted(90, 130, (0, 0, 1, 1), (0, 0, 0), 3)
    other = painted(70, 60, (10, 20, 40, 50), (0, 255, 0), 1)
    out = CopyPaste([other], min_visibility=0.0)(under, rng)
    (box,) = out.boxes[out.labels == 1]
    found = paint_of(out.image, (0, 255, 0))
    assert np.abs(found - box * (130, 90, 130, 90)).max() < 1e-4


def test_what_is_covered_is_dropped():
    rng = np.random.default_rng(0)
    under = painted(50, 50, (20, 20, 24, 24), (255, 0, 0), 0)
    whole = painted(50, 50, (0, 0, 50, 50), (0, 255, 0), 1)
    out = CopyPaste([whole], low=1.0, high=1.0)(under, rng)
    assert out.labels.tolist() == [1]
    assert out.columns["name"].tolist() == ["n1"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_uncovered_share_is_that_of_the_pixels(seed):
    rng = np.random.default_rng(seed)

    def box():
        x, y = np.sort(rng.integers(0, 20, (2, 2)), axis=1)
        return np.array([x[0], y[0], x[1] + 1, y[1] + 1], float)

    target, covers = box(), [box() for _ in range(rng.integers(0, 4))]
    free = paint(21, 21, target)[..., 0] > 0
    whole = free.sum()
    for cover in covers:
        free &= paint(21, 21, cover)[..., 0] == 0
    assert _uncovered([target], covers)[0] == pytest.approx(free.sum() / whole)


@pytest.mark.parametrize("seed", range(5))
def test_mixing_up_blends_and_weighs(seed):
    rng = np.random.default_rng(seed)
    one = painted(40, 60, (5, 5, 20, 20), (250, 0, 0), 0)
    two = painted(80, 50, (10, 30, 40, 60), (0, 250, 0), 1)
    out = MixUp([two])(one, rng)
    assert out.labels.tolist() == [0, 1]
    assert np.array_equal(out.boxes, np.concatenate([one.boxes, two.boxes]))
    shares = out.columns["weight"]
    assert shares.dtype == np.float32 and shares.sum() == pytest.approx(1)
    assert out.image[..., 0].max() == pytest.approx(250 * shares[0], abs=1)
    assert out.image[..., 1].max() == pytest.approx(250 * shares[1], abs=1)
    again = MixUp([two])(out._replace(image=one.image), rng)
    assert again.columns["weight"][:2].sum() + again.columns["weight"][2] == pytest.approx(1)


MIXERS = [Mosaic, MixUp, CopyPaste]


@pytest.mark.parametrize("mixer", MIXERS)
def test_labels_columns_and_dtypes_follow_their_boxes(mixer):
    for seed in SEEDS:
        first, *others = four(np.random.default_rng(seed))
        weigh = [
            s._replace(columns={**s.columns, "weight": np.ones(1, np.float32)}) for s in others
        ]
        weighed = first._replace(columns={**first.columns, "weight": np.ones(1, np.float32)})
        out = mixer(weigh)(weighed, np.random.default_rng(seed))
        assert out.boxes.dtype == np.float32 and out.labels.dtype == np.int16
        assert out.columns["difficult"].dtype == bool
        assert len(out.boxes) == len(out.labels) == len(out.columns["name"])
        assert out.columns["difficult"].tolist() == [label % 2 == 0 for label in out.labels]
        assert out.columns["name"].tolist() == [f"n{label}" for label in out.labels]
        assert ((out.boxes >= 0) & (out.boxes <= 1)).all()


@pytest.mark.parametrize("mixer", MIXERS)
def test_the_same_generator_repeats_and_arguments_are_not_changed(mixer):
    first, *others = four(np.random.default_rng(0))
    copies = [sample.image.copy() for sample in (first, *others)]
    one, two = (mixer(others)(first, np.random.default_rng(7), (50, 70)) for _ in range(2))
    assert np.array_equal(one.image, two.image) and np.array_equal(one.boxes, two.boxes)
    for sample, copy in zip((first, *others), copies, strict=True):
        assert np.array_equal(sample.image, copy)


@pytest.mark.parametrize("mixer", MIXERS)
def test_with_probability_0_a_sample_is_only_resized(mixer):
    first, *others = four(np.random.default_rng(0))
    out = mixer(others, probability=0.0)(first, np.random.default_rng(0), (33, 44))
    assert np.array_equal(out.image, kb.augment.resize(first, (33, 44)).image)
    assert np.array_equal(out.boxes, first.boxes)


@pytest.mark.parametrize("mixer", MIXERS)
def test_negatives_can_take_part(mixer):
    first, second, *_ = four(np.random.default_rng(0))
    empty = second.take(np.zeros(0, int))
    rng = np.random.default_rng(0)
    assert len(mixer([empty])(empty, rng).boxes) == 0
    assert len(mixer([first])(empty, rng, (64, 64)).boxes) <= 4
    assert set(mixer([empty], **({"min_visibility": 0.0} if mixer is not MixUp else {}))(
        first, rng).labels.tolist()) <= {0}  # fmt: skip


@pytest.mark.parametrize("mixer", MIXERS)
def test_missing_columns_are_told(mixer):
    first, second, *_ = four(np.random.default_rng(0))
    bare = second._replace(columns={})
    with pytest.raises(ValueError, match="must have the same columns"):
        mixer([bare])(first, np.random.default_rng(0))


def test_a_chain_is_one_after_the_other():
    first, *others = four(np.random.default_rng(0))
    pipeline = kb.augment.Pipeline([kb.augment.RandomFlip()])
    chained = Chain([MixUp(others), pipeline])(first, np.random.default_rng(3), (40, 50))
    rng = np.random.default_rng(3)
    expected = pipeline(MixUp(others)(first, rng), rng, (40, 50))
    assert np.array_equal(chained.image, expected.image)
    assert np.array_equal(chained.boxes, expected.boxes)
    assert Chain()(first, rng) is first
    assert Chain([lambda sample, rng: sample])(first, rng, (8, 9)).image.shape == (8, 9, 3)


def test_a_sequence_of_single_boxes_refuses_several(tmp_path):
    kb.datasets.make_snacks(12, image_size=48, directory=tmp_path)
    table = kb.annotations.read_csv(tmp_path / "annotations-train.csv")
    sequence = kb.BoundingBoxSequence(table, tmp_path / "train", augment=MixUp())
    with pytest.raises(ValueError, match="must keep the one box"):
        sequence[0]
