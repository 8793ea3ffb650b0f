import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from painting import find_paint, paint

import keras_bbox as kb
from keras_bbox import augment, images
from keras_bbox.augment import Chain, CopyPaste, MixUp, Mosaic, Pipeline, Sample

COPY_PASTE = importlib.import_module(CopyPaste.__module__)
MIXERS = [Mosaic, MixUp, CopyPaste]
seeds = st.integers(0, 2**32)
sizes = st.tuples(st.integers(24, 140), st.integers(24, 140))


def boxes_on(draw, height, width, least=6):
    x1, y1 = draw(st.integers(0, width - least)), draw(st.integers(0, height - least))
    return x1, y1, draw(st.integers(x1 + least, width)), draw(st.integers(y1 + least, height))


@st.composite
def scenes(draw):
    height, width = draw(sizes)
    return height, width, boxes_on(draw, height, width)


def painted(scene, label=0, color=255):
    height, width, box = scene
    image = paint(height, width, box) // 255 * np.uint8(color)
    boxes = np.array([box]) / (width, height, width, height)
    return Sample(image, boxes, np.array([label], np.int16))


def black(scene, label):
    return painted(scene, label, color=0)


def in_pixels(sample):
    height, width = sample.image.shape[:2]
    return sample.boxes * (width, height, width, height)


class Take:
    """Others that are drawn in turn."""

    def __init__(self, *samples):
        self.samples = list(samples)

    def __len__(self):
        return 1

    def __getitem__(self, k):
        return self.samples.pop(0)


def assert_paint_fills(image, boxes):
    """The paint reaches as far as the one box, if there is one; slivers may be too faint to see."""
    found = find_paint(image)
    sides = (boxes if len(boxes) else found[None])[0].reshape(2, 2)
    if (sides[1] - sides[0]).min() > 1:
        assert len(boxes) and np.abs(found - boxes[0]).max() <= 1


@given(st.lists(scenes(), min_size=4, max_size=4), st.integers(0, 3), sizes, seeds)
def test_the_paint_of_each_quarter_lies_in_its_box(four, k, canvas, seed):
    samples = [(painted if j == k else black)(scene, label=j) for j, scene in enumerate(four)]
    mosaic = Mosaic(Take(*samples[1:]), 1.0, min_visibility=0.0)
    out = mosaic(samples[0], np.random.default_rng(seed), image_size=canvas)
    assert out.image.shape == (*canvas, 3)
    assert_paint_fills(out.image, in_pixels(out)[out.labels == k])


@given(scenes(), scenes(), sizes, seeds)
def test_pasted_paint_lies_in_its_box(scene, other, canvas, seed):
    paste = CopyPaste([painted(other, label=1)], 1.0, count=1)
    out = paste(black(scene, label=0), np.random.default_rng(seed), image_size=canvas)
    (box,) = in_pixels(out)[out.labels == 1]
    assert np.abs(box - box.round()).max() < 1e-9
    assert np.abs(find_paint(out.image) - box).max() <= 1


@given(scenes(), scenes(), seeds)
def test_what_a_patch_leaves_of_the_paint_is_its_box(scene, other, seed):
    paste = CopyPaste([black(other, label=1)], 1.0, count=1, high=2.5, min_visibility=0.0)
    out = paste(painted(scene, label=0), np.random.default_rng(seed))
    boxes = in_pixels(out)[out.labels == 0]
    found = find_paint(out.image)
    assert np.array_equal(boxes.round(6), found[None]) if len(boxes) else np.isnan(found).all()


def count_shares(boxes, windows, height, width):
    """The share of each box that later windows leave, by counting pixels."""
    shares = []
    for box in boxes:
        mask = paint(height, width, box)[..., 0] > 0
        area = mask.sum()
        for x1, y1, x2, y2 in windows.astype(int):
            mask[y1:y2, x1:x2] = False
        shares.append(mask.sum() / area)
    return np.array(shares)


@given(scenes(), seeds)
def test_covered_boxes_are_judged_by_the_pixels_that_are_left(scene, seed):
    height, width, box = scene
    partner = painted((60, 60, (5, 5, 30, 40)), label=1)
    boxes = np.array([[0.1, 0.1, 0.5, 0.4], [0.3, 0.2, 0.9, 0.9], [0.6, 0.0, 1.0, 0.3]])
    partner = partner._replace(boxes=boxes, labels=np.array([1, 2, 3], np.int16))
    # Nothing is judged, so that all windows can be seen; then the same draws with a judgement.
    lenient = CopyPaste([partner], 1.0, count=3, min_visibility=0.0)
    strict = CopyPaste([partner], 1.0, count=3, min_visibility=0.6)
    windows = []
    original = COPY_PASTE.cut_out

    def spy(sample, matrix, window, *rest):
        windows.append(window)
        return original(sample, matrix, window, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(COPY_PASTE, "cut_out", spy)
        lenient(painted(scene), np.random.default_rng(seed))
    out = strict(painted(scene), np.random.default_rng(seed))
    (share,) = count_shares([box], np.array(windows), height, width)
    if abs(share - 0.6) > 1e-6:
        assert (0 in out.labels) == (share > 0.6)


def test_later_patches_cover_earlier_ones():
    whole = np.array([[0.0, 0.0, 1.0, 1.0]] * 3)
    partner = Sample(np.zeros((20, 20, 3), np.uint8), whole, np.arange(1, 4))
    paste = CopyPaste([partner], 1.0, count=3, low=1.0, high=1.0, min_visibility=0.5)
    for seed in range(10):  # each patch brings all three boxes along and covers the canvas
        out = paste(partner, np.random.default_rng(seed))
        assert sorted(out.labels) == [1, 2, 3]


def test_boxes_on_patches_are_judged_by_the_original_under_later_patches():
    # A box that is half on the patch of another one may lose half of that to a later patch.
    boxes = np.array([[0.0, 0.0, 0.5, 1.0], [0.25, 0.0, 0.75, 1.0], [0.6, 0.0, 1.0, 0.9]])
    partner = Sample(np.zeros((40, 40, 3), np.uint8), boxes, np.arange(3))
    empty = partner.take(np.zeros(3, bool))
    options = {"probability": 1.0, "count": 3, "low": 1.0, "high": 1.0}
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    windows = []
    original = COPY_PASTE.cut_out

    def spy(sample, matrix, window, *rest):
        windows.append((matrix, window))
        return original(sample, matrix, window, *rest)

    for seed in range(60):
        windows.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(COPY_PASTE, "cut_out", spy)
            out = CopyPaste([partner], min_visibility=0.4, **options)(
                empty, np.random.default_rng(seed)
            )
        kept = []
        for k, (matrix, window) in enumerate(windows):
            x, y = matrix[:2, 2]
            for label, box in enumerate(boxes * 40 + (x, y, x, y)):
                seen = np.zeros((40, 40), bool)
                x1, y1, x2, y2 = window
                seen[y1:y2, x1:x2] = True
                for a, b, c, d in [later for _, later in windows[k + 1 :]]:
                    seen[b:d, a:c] = False
                left, top, right, bottom = box.round().astype(int).clip(0, 40)
                share = seen[top:bottom, left:right].sum() / (1600 * areas[label])
                kept += [label] if share >= 0.4 - 1e-9 else []
        assert sorted(out.labels.tolist()) == sorted(kept)


def test_a_hole_in_a_box_leaves_its_edges():
    left = COPY_PASTE._what_is_left
    share, box = left(np.array([0.0, 0, 10, 10]), np.array([[4.0, 4, 6, 6], [5, 5, 7, 6]]))
    assert share == pytest.approx(1 - 0.05) and box.tolist() == [0, 0, 10, 10]
    share, box = left(np.array([0.0, 0, 10, 10]), np.array([[0.0, 0, 3, 10], [0, 0, 10, 2]]))
    assert share == pytest.approx(0.7 * 0.8) and box.tolist() == [3, 2, 10, 10]
    share, _ = left(np.array([0.0, 0, 10, 10]), np.array([[-5.0, -5, 6, 20], [6, 0, 11, 10]]))
    assert share == 0


def test_a_patch_brings_the_boxes_on_it_along():
    sample = Sample(
        np.zeros((40, 40, 3), np.uint8),
        np.array([[0.0, 0.0, 0.8, 0.8], [0.2, 0.2, 0.4, 0.4], [0.75, 0.75, 1.0, 1.0]]),
        np.array([1, 2, 3]),
    )
    empty = sample.take(np.zeros(3, bool))
    paste = CopyPaste([sample], 1.0, count=1, low=1.0, high=1.0)
    found = {tuple(paste(empty, np.random.default_rng(seed)).labels) for seed in range(30)}
    # The small one alone is a patch that shows little of the others.
    assert found == {(1, 2), (2,), (3,)}


@given(scenes(), scenes(), sizes, seeds)
def test_mixup_blends_two_stretched_images(scene, other, canvas, seed):
    sample, partner = painted(scene, 0, 200), painted(other, 1, 90)
    out = MixUp([partner], 1.0)(sample, np.random.default_rng(seed), image_size=canvas)
    first, second = (augment.resize(one, canvas).image.astype(float) for one in (sample, partner))
    lam, rest = out.columns["weight"]
    assert out.columns["weight"].dtype == np.float32 and lam + rest == pytest.approx(1)
    assert np.abs(out.image - (lam * first + rest * second)).max() <= 0.51
    assert np.array_equal(out.boxes, np.concatenate([sample.boxes, partner.boxes]))


def test_shares_of_mixup_follow_their_beta_distribution():
    sample = painted((8, 8, (0, 0, 8, 8)))
    rng = np.random.default_rng(0)
    shares = [MixUp((), 1.0, alpha=0.4)(sample, rng).columns["weight"][0] for _ in range(4000)]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.03)
    assert np.var(shares) == pytest.approx(0.25 / (2 * 0.4 + 1), abs=0.01)


def test_weights_multiply():
    sample = painted((8, 8, (0, 0, 8, 8)))._replace(columns={"weight": np.array([0.0])})
    out = MixUp([painted((8, 8, (0, 0, 8, 8)))], 1.0)(sample, np.random.default_rng(0))
    assert out.columns["weight"][0] == 0 < out.columns["weight"][1] < 1


def test_a_missing_weight_counts_as_one():
    sample = painted((40, 40, (10, 10, 20, 20)))
    chain = Chain([MixUp((), 0.0), Mosaic([sample], 1.0, margin=0.5, high=1.0)])
    weights = chain(sample, np.random.default_rng(0)).columns["weight"]
    assert weights.tolist() == [1] * 4 and weights.dtype == np.float32


def crowd(height=60, width=80, seed=0):
    """A sample of which every box, label and column tells the same number."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 100, 5).astype(np.uint8)
    corners = rng.uniform(0, 0.7, (5, 2))
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    columns = {"id": ids.astype(np.int64), "name": np.array([f"n{k}" for k in ids])}
    boxes = np.hstack([corners, corners + 0.25]).astype(np.float32)
    return Sample(image, boxes, ids, columns)


def flat(sample):
    return [sample.image, sample.boxes, sample.labels, *sample.columns.values()]


@pytest.mark.parametrize("mixer", MIXERS)
@given(seed=seeds)
def test_labels_and_columns_follow_their_boxes(mixer, seed):
    sample, others = crowd(), [crowd(50, 90, seed=k) for k in (1, 2, 3)]
    before = [array.copy() for one in (sample, *others) for array in flat(one)]
    out = mixer(others, 1.0)(sample, np.random.default_rng(seed), image_size=(64, 48))
    assert out.labels.tolist() == out.columns["id"].tolist()
    assert out.columns["name"].tolist() == [f"n{k}" for k in out.labels]
    assert len(out.boxes) == len(out.labels)
    assert ((out.boxes >= 0) & (out.boxes <= 1)).all()
    assert (out.boxes[:, 2:] > out.boxes[:, :2]).all()
    dtypes = [out.boxes.dtype, out.labels.dtype, out.columns["id"].dtype, out.image.dtype]
    assert dtypes == [np.float32, np.uint8, np.int64, np.uint8]
    after = [array for one in (sample, *others) for array in flat(one)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("mixer", MIXERS)
def test_the_same_generator_gives_the_same_mix(mixer):
    sample, others = crowd(), [crowd(50, 90, seed=k) for k in (1, 2, 3)]
    mix = mixer(others, 1.0)
    first, again, other = (flat(mix(sample, np.random.default_rng(s))) for s in (7, 7, 8))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("mixer", MIXERS)
def test_a_probability_says_how_often(mixer):
    sample = crowd()
    rng = np.random.default_rng(0)
    mix = mixer([crowd(seed=1)], 0.3)
    mixed = [mix(sample, rng).image is not sample.image for _ in range(600)]
    assert np.mean(mixed) == pytest.approx(0.3, abs=0.07)
    small = mix(sample, np.random.default_rng(0), image_size=(20, 30))
    assert small.image.shape == (20, 30, 3)
    with pytest.raises(ValueError, match="probability must lie from 0 to 1.*=2"):
        mixer((), 2)


@pytest.mark.parametrize("mixer", MIXERS)
def test_samples_without_boxes_can_be_mixed(mixer):
    empty = crowd().take(np.zeros(5, bool))
    for sample, other in ((empty, crowd(seed=1)), (crowd(), empty), (empty, empty)):
        out = mixer([other], 1.0)(sample, np.random.default_rng(0))
        assert out.boxes.shape == (len(out.labels), 4) and out.labels.dtype == np.uint8
    assert out.boxes.shape == (0, 4)


@pytest.mark.parametrize("mixer", MIXERS)
def test_a_missing_column_is_told(mixer):
    other = crowd(seed=1)
    other = other._replace(columns={"id": other.columns["id"]})
    with pytest.raises(ValueError, match="must have the same columns.*'name'.* and "):
        mixer([other], 1.0)(crowd(), np.random.default_rng(0))


def test_values_that_do_not_fit_the_first_dtype_are_told():
    sample = crowd()
    larger = sample._replace(labels=np.full(5, 300))
    with pytest.raises(ValueError, match="labels of samples that are mixed.*uint8, int64"):
        MixUp([larger], 1.0)(sample, np.random.default_rng(0))
    text = sample._replace(columns={**sample.columns, "id": np.array(["a"] * 5)})
    with pytest.raises(ValueError, match="id of samples that are mixed"):
        MixUp([text], 1.0)(sample, np.random.default_rng(0))
    small = sample._replace(labels=np.full(5, 30))
    assert MixUp([small], 1.0)(sample, np.random.default_rng(0)).labels.dtype == np.uint8


def test_text_takes_the_width_it_needs():
    sample = crowd()
    long = sample._replace(columns={**sample.columns, "name": np.array(["a long name"] * 5)})
    names = MixUp([long], 1.0)(sample, np.random.default_rng(0)).columns["name"]
    assert names[-1] == "a long name"


def test_others_that_are_no_samples_are_told():
    with pytest.raises(TypeError, match=r"others must hold samples.*others\[0\] of type tuple"):
        Mosaic([(1, 2)], 1.0)(crowd(), np.random.default_rng(0))


def test_a_mosaic_warps_each_sample_once(monkeypatch):
    calls = []
    warp = images.warp_image
    monkeypatch.setattr(
        images, "warp_image", lambda *args, **kw: (calls.append(1), warp(*args, **kw))[1]
    )
    Mosaic([crowd(seed=1)], 1.0)(crowd(), np.random.default_rng(0), image_size=(64, 64))
    assert len(calls) == 4


def test_a_mosaic_keeps_aspect_ratios_and_leaves_no_gap():
    # The box of a square object stays square, and no pixel shows a border.
    sample = Sample(
        np.full((60, 80, 3), 200, np.uint8), np.array([[30, 20, 50, 40]]) / (80, 60, 80, 60), [1]
    )
    for seed in range(20):
        out = Mosaic((), 1.0, min_visibility=1.0)(sample, np.random.default_rng(seed), (90, 50))
        assert (out.image == 200).all()
        sides = in_pixels(out)[:, 2:] - in_pixels(out)[:, :2]
        assert np.allclose(sides[:, 0], sides[:, 1])


def test_mosaics_judge_boxes_by_the_original():
    sample = painted((50, 100, (0, 0, 50, 50)))  # of a landscape image only a square is seen
    for visibility in (0.0, 0.4, 0.8, 1.0):
        mosaic = Mosaic((), 1.0, margin=0.5, high=1.0, min_visibility=visibility)
        for seed in range(10):
            out = mosaic(sample, np.random.default_rng(seed), image_size=(100, 100))
            assert (((out.boxes[:, 2] - out.boxes[:, 0]) * 100 / 50) >= visibility - 1e-9).all()


@pytest.mark.parametrize("mixer", MIXERS)
def test_files_that_are_not_decoded_can_be_mixed(mixer, tmp_path):
    path = images.write_image(tmp_path / "a.jpg", np.full((160, 240, 3), 90, np.uint8))
    photo = Sample(images.open_photo(path), np.array([[0.2, 0.2, 0.6, 0.6]]), np.array([0]))
    out = mixer([photo], 1.0)(photo, np.random.default_rng(0), image_size=(20, 30))
    assert np.abs(out.image.astype(int) - 90).max() <= 2 and out.image.shape == (20, 30, 3)
    assert mixer([photo], 1.0)(photo, np.random.default_rng(0)).image.shape == (160, 240, 3)


def test_a_chain_calls_each_in_turn():
    sample = crowd()
    mosaic, pipeline = Mosaic([crowd(seed=1)], 1.0), augment.detection_policy()
    out = Chain([mosaic, pipeline])(sample, np.random.default_rng(3), image_size=(32, 48))
    rng = np.random.default_rng(3)
    expected = pipeline(mosaic(sample, rng), rng, image_size=(32, 48))
    assert all(np.array_equal(a, b) for a, b in zip(flat(out), flat(expected), strict=True))


def test_a_chain_gives_the_size_that_was_asked_for():
    sample = crowd()
    for chain in (Chain(), Chain([lambda sample, rng: sample]), Chain([Chain([Pipeline()])])):
        rng = np.random.default_rng(0)
        assert chain(sample, rng, image_size=(9, 7)).image.shape == (9, 7, 3)
        assert chain(sample, rng).image.shape == sample.image.shape
    with pytest.raises(TypeError, match="chain is made of callables.*RandomFlip"):
        Chain([augment.RandomFlip()])


def test_a_chain_tells_what_becomes_of_hidden_boxes():
    drop, weight = Pipeline(hidden_boxes="drop"), Pipeline(hidden_boxes="weight")
    assert Chain().hidden_boxes == Chain([Pipeline()]).hidden_boxes == "resample"
    assert Chain([Pipeline(), weight]).hidden_boxes == "weight"
    assert Chain([drop, weight]).hidden_boxes == "drop"


def test_numbers_of_mixers_are_checked():
    with pytest.raises(ValueError, match="low must lie from 1"):
        Mosaic(low=0.5)
    with pytest.raises(ValueError, match="margin must lie from 0 to 0.5"):
        Mosaic(margin=0.6)
    with pytest.raises(ValueError, match="alpha must lie"):
        MixUp(alpha=0)
    with pytest.raises(ValueError, match="count must lie from 1"):
        CopyPaste(count=0)
    with pytest.raises(ValueError, match="positive and ordered"):
        CopyPaste(low=2, high=1)


def test_a_mosaic_may_have_a_single_column_of_pixels():
    sample = kb.augment.Sample(np.zeros((2, 2, 3), np.uint8), np.array([[0.0, 0, 1, 1]]), [0])
    for seed in range(10):
        out = Mosaic((), 1.0, margin=0.0)(sample, np.random.default_rng(seed), image_size=(2, 2))
        assert out.image.shape == (2, 2, 3)


def test_the_sample_takes_each_quarter_in_turn():
    sample, others = painted((40, 40, (0, 0, 40, 40))), [black((40, 40, (0, 0, 40, 40)), label=1)]
    mosaic = Mosaic(others, 1.0)
    outs = [mosaic(sample, np.random.default_rng(seed)).image for seed in range(40)]
    corners = [tuple(out[[0, 0, -1, -1], [0, -1, 0, -1], 0] > 0) for out in outs]
    assert len(set(corners)) == 4 and all(sum(corner) == 1 for corner in corners)
