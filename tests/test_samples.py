import pickle

import numpy as np
import pandas as pd
import pytest

import keras_bbox as kb
from keras_bbox.images import read_image, write_image


@pytest.fixture(scope="module")
def image_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for k, name in enumerate("abcd"):
        image = np.random.default_rng(k).integers(0, 256, (20 + k, 30, 3), dtype=np.uint8)
        write_image(folder / f"{name}.png", image)
    return folder


def rows(*rows, **columns):
    names = ["filename", "x_min", "y_min", "x_max", "y_max", "class_name"]
    return pd.DataFrame(rows, columns=names).assign(**columns)


NOTHING = (np.nan,) * 4 + (None,)
TABLE = rows(
    ("c.png", 0.1, 0.2, 0.3, 0.4, "juice"),
    ("a.png", 0.2, 0.2, 0.4, 0.4, "cake"),
    ("d.png", *NOTHING),
    ("c.png", 0.5, 0.6, 0.7, 0.8, "cake"),
    ("c.png", 0.0, 0.0, 1.0, 1.0, "apple"),
)


def test_each_image_comes_once_with_all_of_its_boxes(image_dir):
    samples = kb.ImageSamples(TABLE, image_dir)
    assert len(samples) == 3
    image, boxes, labels, columns = samples[0]
    assert np.array_equal(image, read_image(image_dir / "c.png"))
    assert boxes.tolist() == [[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8], [0, 0, 1, 1]]
    assert labels.tolist() == [2, 1, 0] and labels.dtype == np.int32
    assert samples.class_names == ("apple", "cake", "juice") and not columns


def test_images_come_in_the_order_in_which_they_first_appear(image_dir):
    samples = kb.ImageSamples(TABLE, image_dir)
    assert [sample.image.shape[0] for sample in samples] == [22, 20, 23]
    assert np.array_equal(samples[-1].image, samples[2].image)
    assert samples[np.int64(1)].labels.tolist() == [1]
    with pytest.raises(IndexError, match="There are 3 samples. Received: k=3"):
        samples[3]


def test_a_negative_image_has_no_boxes(image_dir):
    sample = kb.ImageSamples(TABLE.assign(difficult=[True] * 5), image_dir)[2]
    assert sample.boxes.shape == (0, 4) and sample.labels.shape == (0,)
    assert sample.columns["difficult"].shape == (0,)
    only = kb.ImageSamples(TABLE.iloc[2:3], image_dir, ["cake"])
    assert len(only) == 1 and only[0].boxes.shape == (0, 4)


def test_images_are_read_when_they_are_asked_for(image_dir, monkeypatch):
    opened = []
    monkeypatch.setattr(kb.samples.images, "read_image", lambda path: opened.append(path))
    samples = kb.ImageSamples(TABLE, image_dir)
    assert not opened
    samples[1]
    assert len(opened) == 1 and opened[0].endswith("a.png")


def test_further_columns_ride_along(image_dir):
    table = TABLE.assign(
        count=np.arange(5, dtype=np.int16),
        share=[0.5, None, 1, 2, 3],
        difficult=[True, False, None, False, True],  # unknown for the negative image alone
        note=["x", None, "z", "long text", ""],
        kind=pd.Categorical(["p", "q", None, "q", "p"]),
        whole=pd.array([1, 2, None, 4, 5], dtype="Int64"),
        gaps=pd.array([1, 2, 3, None, 5], dtype="Int64"),
        when=pd.Timestamp("2020-01-01"),
        mixed=[1, "a", None, 2.0, "b"],
    )
    columns = kb.ImageSamples(table, image_dir)[0].columns
    assert set(columns) == {"count", "share", "difficult", "note", "kind", "whole", "gaps"}
    assert columns["count"].tolist() == [0, 3, 4] and columns["count"].dtype == np.int16
    assert columns["share"].tolist() == [0.5, 2, 3]
    assert columns["difficult"].tolist() == [True, False, True]
    assert columns["difficult"].dtype == bool
    assert columns["note"].tolist() == ["x", "long text", ""]
    assert columns["kind"].tolist() == ["p", "q", "p"]
    assert columns["whole"].tolist() == [1, 4, 5]
    assert np.isnan(columns["gaps"][1]) and columns["gaps"][2] == 5
    assert all(values.dtype.kind in "biufU" for values in columns.values())


def test_files_can_stay_undecoded(image_dir):
    lazy = kb.ImageSamples(TABLE, image_dir, decode=False)
    assert isinstance(lazy[0].image, kb.images.Photo)
    small = kb.augment.resize(lazy[0], (11, 15)).image
    ready = kb.augment.resize(kb.ImageSamples(TABLE, image_dir)[0], (11, 15)).image
    assert np.array_equal(small, ready)


def test_samples_are_partners_of_mixers(image_dir):
    table = TABLE.assign(difficult=[True, False, None, False, True])
    samples = kb.ImageSamples(table, image_dir)
    chain = kb.augment.Chain(
        [mixer(samples, 1.0) for mixer in (kb.augment.Mosaic, kb.augment.MixUp)]
    )
    for k, sample in enumerate(samples):
        out = chain(sample, np.random.default_rng(k), image_size=(24, 32))
        assert out.image.shape == (24, 32, 3)
        assert len(out.columns["difficult"]) == len(out.labels) == len(out.columns["weight"])


def test_samples_survive_pickling(image_dir):
    samples = kb.ImageSamples(TABLE, image_dir)
    again = pickle.loads(pickle.dumps(samples))
    assert np.array_equal(again[0].image, samples[0].image)
    assert np.array_equal(again[0].boxes, samples[0].boxes)


def test_the_table_is_not_changed(image_dir):
    before = TABLE.copy()
    kb.ImageSamples(TABLE, image_dir)[0].boxes[:] = 7
    pd.testing.assert_frame_equal(TABLE, before)


def test_what_cannot_be_used_is_told(image_dir):
    with pytest.raises(FileNotFoundError, match="1 of 1 are missing.*row 0 with path=.*nowhere"):
        kb.ImageSamples(rows(("nowhere.jpg", 0, 0, 1, 1, "cake")), image_dir)
    with pytest.raises(ValueError, match="'cake' is not among"):
        kb.ImageSamples(TABLE, image_dir, ["juice", "apple"])
    with pytest.raises(ValueError, match="either has boxes or is negative.*1 such rows.*index 2"):
        kb.ImageSamples(TABLE.assign(filename="a.png"), image_dir)
    with pytest.raises(ValueError, match="at least one row. Received: rows=0"):
        kb.ImageSamples(TABLE.iloc[:0], image_dir)
