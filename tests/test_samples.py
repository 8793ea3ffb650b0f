import numpy as np
import pandas as pd
import pytest

import keras_bbox as kb
from keras_bbox.images import write_image


@pytest.fixture
def folder(tmp_path):
    for k in range(3):
        write_image(tmp_path / f"{k}.png", np.full((10, 12, 3), 50 * k, np.uint8))
    return tmp_path


def table():
    return pd.DataFrame(
        {
            "filename": ["1.png", "0.png", "1.png", "2.png"],
            "x_min": [0.1, 0.2, 0.3, np.nan],
            "x_max": [0.5, 0.6, 0.7, np.nan],
            "y_min": [0.1, 0.2, 0.3, np.nan],
            "y_max": [0.5, 0.6, 0.7, np.nan],
            "class_name": ["b", "a", "a", None],
            "difficult": [True, False, False, False],
            "area": [1.5, 2.5, 3.5, 0.0],
        }
    )


def test_each_image_is_one_sample_with_all_its_boxes(folder):
    samples = kb.ImageSamples(table(), folder)
    assert len(samples) == 3
    first, second, negative = samples
    assert first.image[0, 0, 0] == 50 and second.image[0, 0, 0] == 0
    assert np.allclose(first.boxes, [[0.1, 0.1, 0.5, 0.5], [0.3, 0.3, 0.7, 0.7]])
    assert first.labels.tolist() == [1, 0] and samples.class_names == ("a", "b")
    assert first.columns["difficult"].tolist() == [True, False]
    assert first.columns["area"].tolist() == [1.5, 3.5]
    assert negative.boxes.shape == (0, 4) and negative.labels.shape == (0,)


def test_samples_are_read_when_asked_for(folder):
    samples = kb.ImageSamples(table(), folder)
    write_image(folder / "1.png", np.full((10, 12, 3), 77, np.uint8))
    assert samples[0].image.max() == 77
    assert [s.image.shape for s in samples[1:]] == [(10, 12, 3)] * 2
    assert samples[-1].image.max() == 100
    with pytest.raises(IndexError):
        samples[3]


def test_missing_files_and_bad_rows_are_told(folder):
    (folder / "2.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 4 are missing.*2\.png"):
        kb.ImageSamples(table(), folder)
    bad = table().assign(x_max=0.05)
    with pytest.raises(ValueError, match="Corners must be ordered"):
        kb.ImageSamples(bad, folder)


def test_they_feed_a_mosaic(folder):
    samples = kb.ImageSamples(table(), folder)
    out = kb.augment.Mosaic(samples)(samples[0], np.random.default_rng(0), (32, 32))
    assert out.image.shape == (32, 32, 3) and set(out.columns) == {"difficult", "area"}
