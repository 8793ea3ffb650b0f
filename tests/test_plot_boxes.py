"""Predicted boxes as pictures: what is drawn on which image, and where."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import keras_bbox as kb
from keras_bbox.images import read_image

CORNERS = [12.0, 30.0, 60.0, 90.0]


def a_frame(images, **changes):
    x_min, y_min, x_max, y_max = CORNERS
    columns = {"class_name": "cake", "score": 0.75, "width": 120, "height": 100}
    columns |= {"x_min": x_min, "x_max": x_max, "y_min": y_min, "y_max": y_max}
    return pd.DataFrame({"image": images}).assign(**columns | changes)


def corners(ax):
    (patch,) = ax.patches
    return patch.get_bbox().extents


def test_each_image_has_its_box_class_and_score():
    photos = [np.full((100, 120, 3), shade, np.uint8) for shade in (40, 200)]
    figure = kb.plot_boxes(a_frame([1, 0]), photos)
    for ax, shade in zip(figure.axes, (200, 40), strict=True):
        assert (ax.images[0].get_array() == shade).all()
        assert np.allclose(corners(ax), CORNERS)
        assert [text.get_text() for text in ax.texts] == ["cake 0.75"]


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_file_is_drawn_upright_and_large_ones_smaller(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "large.jpg"
    pixels = np.zeros((1600, 1200, 3), np.uint8)
    pixels[:300] = 255
    Image.fromarray(pixels).save(path, exif=exif)
    height, width = read_image(path).shape[:2]
    fractions = {"x_min": 0.1, "x_max": 0.5, "y_min": 0.3, "y_max": 0.9}
    frame = a_frame([str(path)], width=width, height=height, **fractions)
    (ax,) = kb.plot_boxes(frame, relative=True).axes
    rows, columns, _ = ax.images[0].get_array().shape
    assert (rows, columns) == (height // 2, width // 2)
    assert np.allclose(corners(ax), [0.1 * columns, 0.3 * rows, 0.5 * columns, 0.9 * rows])
    assert ax.get_title() == "large.jpg"


def test_the_first_images_are_drawn_with_all_of_their_rows():
    photos = [np.zeros((100, 120, 3), np.uint8)] * 3
    figure = kb.plot_boxes(a_frame([2, 0, 2, 1]), photos, count=2, columns=1)
    assert [ax.get_title() for ax in figure.axes] == ["2", "0"]
    assert [len(ax.patches) for ax in figure.axes] == [2, 1]


def test_what_cannot_be_drawn_is_told(tmp_path):
    with pytest.raises(ValueError, match="There must be an image to draw.*0 rows, count=24"):
        kb.plot_boxes(a_frame([]))
    with pytest.raises(ValueError, match="There must be an image to draw.*1 rows, count=0"):
        kb.plot_boxes(a_frame([0]), count=0)
    with pytest.raises(ValueError, match=r"plot_boxes\(frame, images\). Received: image=0"):
        kb.plot_boxes(a_frame([0]))
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jpg"):
        kb.plot_boxes(a_frame([str(tmp_path / "nowhere.jpg")]))
