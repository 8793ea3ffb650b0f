from __future__ import annotations

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from keras_bbox.annotations import read_csv
from keras_bbox.boxes import convert_boxes
from keras_bbox.images import read_image
from keras_bbox.plotting import plot_batch, plot_history, plot_image, plot_prediction
from keras_bbox.plotting._colors import PALETTE, class_color
from keras_bbox.plotting._figures import columns_for

NAMES = ("apple", "banana", "ice cream", "watermelon")
FORMATS = [
    prefix + layout
    for layout in ("xyxy", "yxyx", "xywh", "center_xywh", "xxyy")
    for prefix in ("", "rel_")
]
HEIGHT, WIDTH = 90, 120
BOX = [0.1, 0.2, 0.5, 0.9]
AWKWARD = {
    "in the middle": [0.3, 0.4, 0.6, 0.7],
    "the whole picture": [0, 0, 1, 1],
    "larger than the picture": [-1, -1, 2, 2],
    "top right corner": [0.97, 0.0, 1.0, 0.03],
    "bottom left corner": [0.0, 0.97, 0.03, 1.0],
    "outside on the right": [1.2, 0.3, 1.5, 0.6],
    "outside on the top": [0.3, -0.8, 0.6, -0.2],
    "inverted": [0.8, 0.9, 0.6, 0.1],
    "without area": [0.5, 0.5, 0.5, 0.5],
    "endless": [-np.inf, 0.2, np.inf, 0.4],
}


def photo(height=HEIGHT, width=WIDTH, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype="uint8")


def a_batch(count, **size):
    images = np.stack([photo(**size, seed=row) for row in range(count)]).astype("float32")
    return images, (np.arange(count) % len(NAMES), np.tile(BOX, (count, 1)))


def corners(rectangle):
    (x, y), width, height = rectangle.get_xy(), rectangle.get_width(), rectangle.get_height()
    return [x, y, x + width, y + height]


def boxes_in(ax):
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def texts_in(ax):
    return [text.get_text() for text in ax.texts]


def assert_texts_inside(figure):
    """Texts, with half of their outline, lie within the picture, before and after drawing."""
    for dpi in (figure.dpi, 80):
        figure.set_dpi(dpi)
        figure.draw_without_rendering()
        for ax in figure.axes:
            picture = ax.get_window_extent()
            for text in ax.texts:
                outline = text.get_path_effects()[0]._gc["linewidth"] * dpi / 72 / 2
                extent = text.get_window_extent()
                # Hinting moves glyphs by fractions of a pixel when the resolution changes.
                assert extent.x0 - outline >= picture.x0 - 1.5
                assert extent.y0 - outline >= picture.y0 - 1.5
                assert extent.x1 + outline <= picture.x1 + 1.5
                assert extent.y1 + outline <= picture.y1 + 1.5


@pytest.fixture(autouse=True)
def pyplot_stays_untouched():
    import matplotlib
    import matplotlib.pyplot

    before = dict(matplotlib.rcParams)
    yield
    assert matplotlib.pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


# plot_image


@pytest.mark.parametrize("bounding_box_format", FORMATS)
def test_rectangles_stand_where_the_boxes_are(bounding_box_format):
    size = {"height": HEIGHT, "width": WIDTH}
    wanted = np.array([[12.0, 9.0, 60.0, 81.0], [30.0, 0.0, 120.0, 45.0]])
    boxes = convert_boxes(wanted, "xyxy", bounding_box_format, **size)
    figure = plot_image(photo(), boxes, [0, 1], bounding_box_format=bounding_box_format)
    drawn = [corners(rectangle) for rectangle in boxes_in(figure.axes[0])]
    np.testing.assert_allclose(drawn, wanted, atol=1e-9)


def test_coordinates_are_edges_not_pixel_centers():
    figure = plot_image(photo())
    (ax,) = figure.axes
    assert ax.images[0].get_extent() == [0, WIDTH, HEIGHT, 0]
    assert ax.get_xlim() == (0, WIDTH)
    assert ax.get_ylim() == (HEIGHT, 0)


def test_a_painted_box_lies_under_its_rectangle():
    image = np.zeros((40, 60, 3), "uint8")
    image[10:30, 15:45] = 255
    figure = plot_image(image, [15, 10, 45, 30], bounding_box_format="xyxy")
    (ax,) = figure.axes
    boxes_in(ax)[0].set_visible(False)
    figure.draw_without_rendering()
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., 0]
    (x1, y1), (x2, y2) = ax.transData.transform([(15, 30), (45, 10)])
    rows = slice(round(len(pixels) - y2) + 2, round(len(pixels) - y1) - 2)
    columns = slice(round(x1) + 2, round(x2) - 2)
    assert (pixels[rows, columns] > 250).all()
    assert pixels[rows, round(x1) - 3].max() < 5
    assert pixels[rows, round(x2) + 3].max() < 5


def test_pixels_are_drawn_as_they_are():
    figure = plot_image(photo())
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), photo())


@pytest.mark.parametrize("case", AWKWARD)
@pytest.mark.parametrize("size", [(90, 120), (400, 60), (30, 300)], ids=str)
def test_texts_stay_inside_the_picture(case, size):
    label = "a class with quite a long name"
    assert_texts_inside(plot_image(photo(*size), AWKWARD[case], label, scores=[0.98765]))


def test_texts_stay_inside_small_pictures_of_a_batch():
    images, (labels, _) = a_batch(32, height=32, width=48)
    boxes = np.array([*AWKWARD.values()] * 4)[:32]
    names = ["a class with a long name"] * len(NAMES)
    assert_texts_inside(plot_batch((images, (labels, boxes)), class_names=names))


def test_texts_of_two_boxes_do_not_cover_each_other():
    boxes = [[0.2, 0.4, 0.6, 0.8], [0.21, 0.41, 0.61, 0.81]]
    figure = plot_image(photo(), boxes, ["apple", "banana"])
    first, second = (text.get_window_extent() for text in figure.axes[0].texts)
    assert not first.overlaps(second)


@pytest.mark.parametrize("case", AWKWARD)
def test_a_box_is_cut_at_the_border(case):
    (ax,) = plot_image(photo(), AWKWARD[case], "apple").axes
    x1, y1, x2, y2 = corners(boxes_in(ax)[0])
    assert 0 <= min(x1, x2) <= max(x1, x2) <= WIDTH
    assert 0 <= min(y1, y2) <= max(y1, y2) <= HEIGHT


def test_boxes_with_nan_are_not_drawn():
    figure = plot_image(photo(), [[np.nan] * 4, BOX], [-1, 1], class_names=NAMES)
    assert len(boxes_in(figure.axes[0])) == 1
    assert texts_in(figure.axes[0]) == ["banana"]


@pytest.mark.parametrize(
    ("labels", "scores", "class_names", "text"),
    [
        (1, None, NAMES, "banana"),
        (1, 0.934, NAMES, "banana 0.93"),
        ("cake", [0.5], None, "cake 0.50"),
        ("$5 cake$", None, None, "$5 cake$"),
        (np.float32(3), None, None, "3"),
        (None, [0.25], None, "0.25"),
    ],
)
def test_texts_are_names_and_scores(labels, scores, class_names, text):
    figure = plot_image(photo(), BOX, labels, scores=scores, class_names=class_names)
    assert texts_in(figure.axes[0]) == [text]


def test_a_box_alone_has_no_text():
    (ax,) = plot_image(photo(), BOX).axes
    assert len(boxes_in(ax)) == 1
    assert not ax.texts


@pytest.mark.parametrize("boxes", [None, [], np.zeros((0, 4))], ids=["None", "list", "array"])
def test_an_image_may_have_no_boxes(boxes):
    assert not boxes_in(plot_image(photo(), boxes).axes[0])


@pytest.mark.parametrize(
    ("image", "value_range"),
    [
        (photo().astype("float32"), None),
        (photo().astype("int64"), None),
        (photo() / 255.0, (0, 1)),
        (photo() / 127.5 - 1, (-1, 1)),
        ((photo() / 127.5 - 1).astype("float16"), (-1, 1)),
        (photo().astype("uint16") * 257, (0, 65535)),
    ],
    ids=["float 255", "int", "0..1", "-1..1", "half", "16 bit"],
)
def test_value_ranges_give_the_same_picture(image, value_range):
    drawn = plot_image(image, value_range=value_range).axes[0].images[0].get_array()
    np.testing.assert_allclose(drawn.astype(int), photo().astype(int), atol=1)


@pytest.mark.parametrize("shape", [(HEIGHT, WIDTH), (HEIGHT, WIDTH, 1)])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_grey_images_are_grey(shape, dtype):
    grey = photo()[..., 0].reshape(shape).astype(dtype)
    drawn = plot_image(grey).axes[0].images[0].get_array()
    np.testing.assert_array_equal(drawn, np.repeat(photo()[..., :1], 3, axis=-1))


def test_black_is_black_and_masks_are_black_and_white():
    assert plot_image(np.zeros((4, 4, 3))).axes[0].images[0].get_array().max() == 0
    assert plot_image(np.ones((4, 4), bool)).axes[0].images[0].get_array().min() == 255


@pytest.mark.parametrize(
    ("low", "high", "value_range", "suggestion"),
    [
        (-1, 1, None, r"value_range=\(-1, 1\)"),
        (0, 1, None, r"value_range=\(0, 1\)"),
        (-123.7, 151.1, None, r"value_range=\(-124, 152\)"),
        (0, 255, (0, 1), r"value_range=\(0, 255\)"),
        (0, 65535, None, r"value_range=\(0, 65535\)"),
    ],
)
def test_values_out_of_range_name_the_range_to_pass(low, high, value_range, suggestion):
    image = np.linspace(low, high, 48).reshape(4, 4, 3)
    with pytest.raises(ValueError, match=rf"Pass {suggestion}.* Received: image values from"):
        plot_image(image, value_range=value_range)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": np.zeros((3, 8, 8))}, r"channels last.*image.shape=\(3, 8, 8\)"),
        ({"image": np.zeros((8, 8, 4))}, r"alpha.*image.shape=\(8, 8, 4\)"),
        ({"image": np.full((8, 8), np.nan)}, "finite"),
        ({"image": photo(), "value_range": (1, 0)}, r"black < white.*value_range=\(1, 0\)"),
        ({"boxes": [1, 2, 3]}, r"boxes.shape=\(1, 3\)"),
        ({"boxes": np.zeros((2, 3, 4))}, r"one image.*boxes.shape=\(2, 3, 4\)"),
        ({"boxes": BOX, "labels": [0, 1]}, "Received: 2 labels, 1 boxes"),
        ({"boxes": BOX, "scores": [0.5, 0.6]}, "Received: 2 scores, 1 boxes"),
        ({"boxes": BOX, "labels": 4, "class_names": NAMES}, "from 0 to 3.*label=4"),
        ({"boxes": BOX, "labels": -1, "class_names": NAMES}, "label=-1"),
        ({"boxes": BOX, "labels": 0.93}, "as scores. Received: label=0.93"),
        ({"boxes": BOX, "bounding_box_format": "xyyx"}, "xyyx"),
    ],
)
def test_unusable_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_image(**{"image": photo()} | arguments)


def test_a_title_stands_above_the_picture():
    figure = plot_image(photo(), title="One photo with a rather long title " * 4)
    figure.draw_without_rendering()
    title = figure.axes[0].title.get_window_extent()
    assert title.y0 >= figure.axes[0].get_window_extent().y1
    assert figure.bbox.x0 <= title.x0 < title.x1 <= figure.bbox.x1
    assert title.y1 <= figure.bbox.y1


def test_the_figure_has_the_shape_of_the_picture():
    for height, width in ((90, 120), (120, 90), (50, 50)):
        ax = plot_image(photo(height, width)).axes[0]
        before = ax.get_window_extent().bounds
        ax.apply_aspect()
        np.testing.assert_allclose(ax.get_window_extent().bounds, before, atol=1e-6)


def test_own_axes_are_drawn_into():
    figure = Figure()
    ax = figure.subplots(1, 2)[1]
    assert plot_image(photo(), BOX, "apple", title="here", ax=ax) is figure
    assert len(figure.axes) == 2
    assert texts_in(ax) == ["apple"]
    assert_texts_inside(figure)


# colors


def test_a_class_has_one_color_in_every_picture():
    first = plot_image(photo(), [BOX, BOX], [2, 0], class_names=NAMES).axes[0]
    second = plot_image(photo(), [BOX] * 3, ["banana", "apple", "ice cream"], class_names=NAMES)
    ice_cream, apple = (rectangle.get_edgecolor() for rectangle in boxes_in(first))
    others = [rectangle.get_edgecolor() for rectangle in boxes_in(second.axes[0])]
    assert others[1:] == [apple, ice_cream]
    assert len(set(others)) == 3


def test_the_color_of_a_name_outlives_the_program():
    assert class_color("waffle") == "#96b400"


def test_the_palette_tells_classes_apart():
    assert len(set(PALETTE)) == len(PALETTE) >= 20
    values = [[int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)] for color in PALETTE]
    linear = np.array(values) ** 2.2
    distances = np.linalg.norm(np.array(values)[:, None] - np.array(values), axis=-1)
    assert distances[~np.eye(len(PALETTE), dtype=bool)].min() > 0.13
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    assert ((luminance + 0.05) / 0.05).min() > 4.5  # contrast with the black outline (WCAG AA)


@pytest.mark.parametrize("colors", [["red", "blue"], {"banana": "blue"}, {1: "blue"}], ids=str)
def test_own_colors_are_taken(colors):
    (ax,) = plot_image(photo(), BOX, 1, class_names=NAMES, colors=colors).axes
    assert boxes_in(ax)[0].get_edgecolor() == (0, 0, 1, 1)


# plot_batch


@pytest.mark.parametrize("count", [1, 2, 3, 7, 32])
def test_every_image_of_a_batch_is_shown(count):
    batch = a_batch(count, height=24, width=24)
    figure = plot_batch(batch, class_names=NAMES)
    assert len(figure.axes) == count
    for ax, image, label in zip(figure.axes, batch[0], batch[1][0], strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), image.astype("uint8"))
        np.testing.assert_allclose(corners(boxes_in(ax)[0]), np.array(BOX) * 24, rtol=1e-6)
        assert texts_in(ax) == [NAMES[label]]


def test_pictures_of_a_batch_do_not_overlap_and_lie_in_the_figure():
    figure = plot_batch(a_batch(7, height=24, width=30), columns=3)
    places = [ax.get_window_extent() for ax in figure.axes]
    for index, place in enumerate(places):
        assert figure.bbox.x0 < place.x0 < place.x1 < figure.bbox.x1
        assert figure.bbox.y0 < place.y0 < place.y1 < figure.bbox.y1
        assert not any(place.overlaps(other) for other in places[:index])
    assert len({round(place.x0) for place in places}) == 3


def test_grids_are_nearly_full():
    for count in range(1, 130):
        columns = columns_for(count)
        assert 1 <= columns <= 8
        assert -count % columns <= (2 if count <= 36 else 5)
    assert [columns_for(count) for count in (1, 2, 3, 4, 7, 8, 16, 32)] == [1, 2, 3, 2, 4, 4, 4, 8]


class ToySequence:
    class_names = NAMES
    bounding_box_format = "xywh"

    def __getitem__(self, index):
        images, (labels, _) = a_batch(2, height=24, width=24)
        return images, (labels + index, np.tile([4.0, 6.0, 8.0, 10.0], (2, 1)))


def test_a_sequence_brings_its_names_and_format():
    figure = plot_batch(ToySequence(), 2)
    assert [texts_in(ax) for ax in figure.axes] == [["ice cream"], ["watermelon"]]
    assert corners(boxes_in(figure.axes[0])[0]) == [4, 6, 12, 16]


def test_given_names_and_format_come_before_those_of_the_sequence():
    figure = plot_batch(ToySequence(), class_names="pqrs", bounding_box_format="xyxy")
    assert texts_in(figure.axes[1]) == ["q"]
    assert corners(boxes_in(figure.axes[0])[0]) == [4, 6, 8, 10]


def test_padded_rows_are_marked():
    images, targets = a_batch(3, height=24, width=24)
    weights = (np.array([1.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0]))
    figure = plot_batch((images, targets, weights))
    assert [len(boxes_in(ax)) for ax in figure.axes] == [1, 1, 0]
    assert texts_in(figure.axes[2]) == ["padding"]
    assert figure.axes[2].images[0].get_array().min() > 180


def test_images_without_a_box_are_marked():
    images, (labels, boxes) = a_batch(2, height=24, width=24)
    boxes[1] = np.nan
    figure = plot_batch((images, (labels, boxes)))
    assert texts_in(figure.axes[1]) == ["no box"]


def test_images_of_a_batch_may_have_several_boxes():
    images, _ = a_batch(2, height=24, width=24)
    boxes = np.tile(BOX, (2, 3, 1))
    boxes[0, 2] = np.nan
    figure = plot_batch((images, (np.zeros((2, 3), int), boxes)))
    assert [len(boxes_in(ax)) for ax in figure.axes] == [2, 3]


def test_a_preprocessed_batch_needs_its_range():
    images, targets = a_batch(2, height=24, width=24)
    with pytest.raises(ValueError, match=r"Pass value_range=\(-1, 1\)"):
        plot_batch((images / 127.5 - 1, targets))
    assert len(plot_batch((images / 127.5 - 1, targets), value_range=(-1, 1)).axes) == 2


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((np.zeros((2, 8, 8, 3)), np.zeros((2, 4))), r"Received: \(\(2, 8, 8, 3\), \(2, 4\)\)"),
        ((np.zeros((2, 8, 8, 3)), (np.zeros(2), np.zeros((3, 4)))), "equally many"),
        ((np.zeros((0, 8, 8, 3)), (np.zeros(0), np.zeros((0, 4)))), "at least one"),
    ],
)
def test_batches_of_another_kind_are_named(batch, message):
    with pytest.raises(ValueError, match=message):
        plot_batch(batch)


@pytest.mark.parametrize("columns", [0, -1, 1.5])
def test_columns_are_whole_numbers(columns):
    with pytest.raises(ValueError, match=f"Received: columns={columns}"):
        plot_batch(a_batch(2), columns=columns)


# plot_prediction


def test_a_right_prediction_is_told():
    scores = [0.02, 0.93, 0.05, 0.0]
    figure = plot_prediction(photo(), (1, BOX), (scores, [0.1, 0.2, 0.5, 0.55]), class_names=NAMES)
    assert figure.axes[0].get_title() == "banana ✓ 0.93, IoU 0.50"


def test_a_wrong_prediction_names_the_truth():
    figure = plot_prediction(photo(), (3, BOX), ([0.1, 0.9, 0, 0], BOX), class_names=NAMES)
    assert figure.axes[0].get_title() == "banana ✗ 0.90, IoU 1.00\ntrue: watermelon"


def test_truth_is_dashed_and_prediction_solid():
    guess = [0.2, 0.2, 0.6, 0.9]
    figure = plot_prediction(photo(), (0, BOX), ([1.0], guess))
    truth, prediction = boxes_in(figure.axes[0])
    np.testing.assert_allclose(corners(truth), np.multiply(BOX, [WIDTH, HEIGHT] * 2))
    np.testing.assert_allclose(corners(prediction), np.multiply(guess, [WIDTH, HEIGHT] * 2))
    assert truth.get_linestyle() != prediction.get_linestyle() == "-"
    assert truth.get_edgecolor() != prediction.get_edgecolor()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["truth", "prediction"]


@pytest.mark.parametrize("bounding_box_format", FORMATS)
def test_the_iou_does_not_depend_on_the_format(bounding_box_format):
    boxes = np.array([[12.0, 9.0, 60.0, 81.0], [12.0, 9.0, 60.0, 45.0]])
    true, guess = convert_boxes(boxes, "xyxy", bounding_box_format, height=HEIGHT, width=WIDTH)
    figure = plot_prediction(
        photo(), (0, true), ([1.0], guess), bounding_box_format=bounding_box_format
    )
    assert figure.axes[0].get_title().endswith("IoU 0.50")


def test_a_gallery_takes_what_the_model_gives():
    images, (labels, boxes) = a_batch(5)
    scores = np.eye(4)[labels]
    scores[3] = [0.6, 0.4, 0, 0]
    figure = plot_prediction(
        images, (labels, boxes), (scores, boxes), class_names=NAMES, title="The worst", columns=2
    )
    titles = [ax.get_title() for ax in figure.axes]
    assert len(titles) == 5
    assert titles[0] == "apple ✓ 1.00, IoU 1.00"
    assert titles[3] == "apple ✗ 0.60, IoU 1.00\ntrue: watermelon"
    assert figure.get_suptitle() == "The worst"


def test_titles_of_a_gallery_stay_in_their_cells():
    images, (labels, boxes) = a_batch(20)
    names = ["a class with a long name", *NAMES[1:]]
    figure = plot_prediction(
        images,
        (labels, boxes),
        (np.tile([1.0, 0, 0, 0], (20, 1)), boxes),
        class_names=names,
        title="All of them",
    )
    figure.draw_without_rendering()
    extents = [ax.title.get_window_extent() for ax in figure.axes]
    pictures = [ax.get_window_extent() for ax in figure.axes]
    things = [*extents, figure._suptitle.get_window_extent(), *pictures]
    things.append(figure.legends[0].get_window_extent())
    for index, extent in enumerate(things):
        assert not any(extent.overlaps(other) for other in things[:index])
        assert figure.bbox.y0 <= extent.y0 < extent.y1 <= figure.bbox.y1


def test_a_gallery_may_hold_images_of_several_sizes():
    images = [photo(60, 80), photo(80, 60), photo(50, 50)]
    boxes = np.tile(BOX, (3, 1))
    figure = plot_prediction(images, (np.zeros(3), boxes), (np.ones((3, 1)), boxes))
    drawn = [corners(boxes_in(ax)[1]) for ax in figure.axes]
    sizes = np.array([[80, 60], [60, 80], [50, 50]])
    np.testing.assert_allclose(drawn, np.tile(sizes, 2) * BOX)


def test_one_image_takes_one_row_of_predict():
    figure = plot_prediction(photo(), (0, BOX), (np.array([[0.8, 0.2]]), np.array([BOX])))
    assert figure.axes[0].get_title() == "0 ✓ 0.80, IoU 1.00"


def test_an_image_without_a_true_box_shows_the_prediction():
    figure = plot_prediction(photo(), (-1, [np.nan] * 4), ([0.7, 0.3], BOX), class_names=NAMES)
    assert len(boxes_in(figure.axes[0])) == 1
    assert figure.axes[0].get_title() == "apple 0.70, no true box"


def test_a_prediction_is_drawn_into_own_axes():
    figure = Figure()
    axes = figure.subplots(1, 2)
    assert plot_prediction(photo(), (0, BOX), ([1.0], BOX), ax=axes[0]) is figure
    assert axes[0].get_title() == "0 ✓ 1.00, IoU 1.00"
    assert axes[0].get_legend() is not None
    assert not axes[1].patches


@pytest.mark.parametrize(
    ("labels", "scores", "boxes", "message"),
    [
        ([0], np.ones((2, 1)), [BOX, BOX], "1 rows of labels, 2 images"),
        ([0, 0], np.ones((3, 1)), [BOX, BOX], "3 rows of class probabilities, 2 images"),
        ([0, 0], np.ones((2, 1)), [BOX, BOX, BOX], "3 rows of boxes, 2 images"),
    ],
)
def test_rows_must_be_as_many_as_images(labels, scores, boxes, message):
    with pytest.raises(ValueError, match=message):
        plot_prediction([photo(), photo()], (labels, [BOX, BOX]), (scores, boxes))


def test_a_gallery_takes_no_axes():
    with pytest.raises(ValueError, match=r"Leave ax out.* Received: boxes of shape \(1, 4\)"):
        plot_prediction([photo()], ([0], [BOX]), ([[1.0]], [BOX]), ax=Figure().subplots())


# plot_history

TWO_OUTPUTS = {
    "loss": "loss",
    "box loss": "bbox_prediction_loss",
    "accuracy": "class_prediction_accuracy",
    "IoU": "bbox_prediction_mean_iou",
}


def fit(*values, extra=()):
    names = [*TWO_OUTPUTS.values(), "class_prediction_loss", *extra]
    logs = {name: list(values) for name in names}
    return logs | {f"val_{name}": [value + 0.5 for value in values] for name in names}


def panels(figure):
    return {ax.get_title("left"): ax for ax in figure.axes}


def curves(ax):
    lines = [line for line in ax.lines if not line.get_label().startswith("_")]
    return {line.get_label(): line for line in lines}


def marks(ax):
    lines = [line for line in ax.lines if line.get_label().startswith("_")]
    return [line.get_xdata()[0] for line in lines]


def test_each_panel_has_training_and_validation():
    figure = plot_history(fit(3, 2, 1))
    assert list(panels(figure)) == ["loss", "box loss", "accuracy", "IoU"]
    for ax in figure.axes:
        lines = curves(ax)
        assert list(lines) == ["training", "validation"]
        np.testing.assert_array_equal(lines["training"].get_xydata(), [(1, 3), (2, 2), (3, 1)])
        np.testing.assert_array_equal(lines["validation"].get_ydata(), [3.5, 2.5, 1.5])
        assert not marks(ax)


@pytest.mark.parametrize("title", TWO_OUTPUTS)
def test_a_panel_shows_its_own_numbers(title):
    logs = {name: [float(row)] for row, name in enumerate(TWO_OUTPUTS.values())}
    line = curves(panels(plot_history(logs))[title])["training"]
    assert line.get_ydata() == [list(TWO_OUTPUTS).index(title)]


def test_panels_without_data_are_left_out():
    assert list(panels(plot_history({"loss": [1], "mean_iou": [0.5]}))) == ["loss", "IoU"]
    assert list(panels(plot_history({"accuracy": [1], "loss": [2]}))) == ["loss", "accuracy"]
    assert list(panels(plot_history({"val_loss": [1]}))) == ["loss"]


def test_the_share_over_a_threshold_joins_the_iou():
    figure = plot_history(fit(1, 2, extra=["bbox_prediction_iou_75"]))
    lines = curves(panels(figure)["IoU"])
    assert list(lines)[2:] == [
        "training, share of boxes with IoU over 0.75",
        "validation, share of boxes with IoU over 0.75",
    ]


def test_one_epoch_is_seen():
    figure = plot_history(fit(1))
    for ax in figure.axes:
        assert all(line.get_marker() not in ("", "None") for line in ax.lines)
        assert ax.get_xticks().tolist() == [1]


def test_fits_are_joined_with_marks_and_rates():
    rates = [1e-3, 1e-4, 2.5e-5]
    figure = plot_history(fit(5, 4), fit(3, 2, 1), fit(0), learning_rates=rates)
    for ax in figure.axes:
        line = curves(ax)["training"]
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4, 5, 6])
        np.testing.assert_array_equal(line.get_ydata(), [5, 4, 3, 2, 1, 0])
        assert marks(ax) == [2.5, 5.5]
        assert texts_in(ax) == ["lr 1e-3", "lr 1e-4", "lr 2.5e-5"]
        assert [text.get_position()[0] for text in ax.texts] == [1.5, 4, 6]


def test_rates_stand_side_by_side():
    figure = plot_history(*[fit(1)] * 8, learning_rates=np.geomspace(1e-3, 2.5e-5, 8))
    figure.draw_without_rendering()
    for ax in figure.axes:
        extents = [text.get_window_extent() for text in ax.texts]
        assert len(extents) == 8
        assert all(left.x1 <= right.x0 for left, right in zip(extents, extents[1:], strict=False))


def test_without_rates_the_end_of_a_fit_is_marked():
    figure = plot_history(fit(5, 4), fit(3))
    assert marks(figure.axes[0]) == [2.5]
    assert not texts_in(figure.axes[0])


def test_rates_in_the_logs_are_found():
    logs = fit(4, 3, 2, 1) | {"learning_rate": np.float32([1e-3, 1e-3, 1e-4, 1e-4])}
    figure = plot_history(logs)
    assert marks(figure.axes[0]) == [2.5]
    assert texts_in(figure.axes[0]) == ["lr 1e-3", "lr 1e-4"]


def test_a_schedule_that_changes_all_the_time_has_no_marks():
    logs = fit(*range(10)) | {"learning_rate": np.geomspace(1e-3, 1e-5, 10)}
    figure = plot_history(logs)
    assert not marks(figure.axes[0])
    assert not texts_in(figure.axes[0])


def test_a_curve_that_one_fit_lacks_has_a_gap():
    figure = plot_history({"loss": [3, 2]}, {"loss": [1], "val_loss": [1.5]})
    np.testing.assert_array_equal(curves(figure.axes[0])["validation"].get_xydata(), [(3, 1.5)])


@pytest.mark.parametrize("every", [2, 3])
def test_validation_now_and_then_stands_at_its_epochs(every):
    epochs = np.arange(1, 13)
    logs = {"loss": epochs, "val_loss": epochs[epochs % every == 0]}
    points = curves(plot_history(logs).axes[0])["validation"].get_xydata()
    np.testing.assert_array_equal(points[:, 0], points[:, 1])


def test_fits_without_an_epoch_do_not_count():
    figure = plot_history({}, fit(2, 1), {"loss": []}, learning_rates=[1, 0.1, 0.01])
    assert not marks(figure.axes[0])
    assert texts_in(figure.axes[0]) == ["lr 1e-1"]


@pytest.mark.parametrize("count", [1, 2, 10, 11, 15, 20, 21, 50, 51, 100, 1000])
def test_epochs_are_whole_numbers_from_one(count):
    ticks = plot_history({"loss": np.ones(count)}).axes[0].get_xticks()
    assert ticks[0] == 1
    assert ticks[-1] <= count
    assert len(ticks) <= 11
    assert all(tick == int(tick) for tick in ticks)
    assert (np.diff(ticks) > 0).all()


def as_keras_history(logs):
    history = keras.callbacks.History()
    history.history = logs
    return history


def as_table(logs):
    return pd.DataFrame({"epoch": [0, 1, 2], "fit": ["a", "a", "b"]} | logs)


@pytest.mark.parametrize("kind", [as_keras_history, as_table, dict])
def test_histories_may_be_of_several_kinds(kind):
    logs = {"loss": [3, 2, 1], "val_loss": [4, 3, 2], "auc": [0, 0, 0]}
    lines = curves(plot_history(kind(logs)).axes[0])
    np.testing.assert_array_equal(lines["training"].get_ydata(), [3, 2, 1])
    np.testing.assert_array_equal(lines["validation"].get_ydata(), [4, 3, 2])


@pytest.mark.parametrize("histories", [(), ({},), ({"loss": []},), ({"auc": [1.0]},)], ids=str)
def test_a_history_without_numbers_is_named(histories):
    with pytest.raises(ValueError, match="at least one epoch.* Received: names="):
        plot_history(*histories)


def test_a_list_of_histories_is_named():
    with pytest.raises(ValueError, match=r"plot_history\(\*histories\). Received: list"):
        plot_history([fit(1), fit(2)])


def test_rates_must_be_as_many_as_histories():
    with pytest.raises(ValueError, match=r"learning_rates=\[0.1\], 2 histories"):
        plot_history(fit(1), fit(2), learning_rates=[0.1])


# all of them

DRAWINGS = {
    "image": lambda to: plot_image(to(photo()), to(np.array([BOX])), to(np.array([1]))),
    "batch": lambda to: plot_batch(
        (to(a_batch(2)[0]), (to(np.array([0, 1])), to(np.tile(BOX, (2, 1)))))
    ),
    "prediction": lambda to: plot_prediction(
        to(photo()), (to(np.array(0)), to(np.array(BOX))), (to(np.eye(2)[0]), to(np.array(BOX)))
    ),
    "gallery": lambda to: plot_prediction(
        to(a_batch(2)[0]),
        (to(np.array([0, 1])), to(np.tile(BOX, (2, 1)))),
        (to(np.eye(2)), to(np.tile(BOX, (2, 1)))),
    ),
    "history": lambda to: plot_history({"loss": to(np.array([2.0, 1.0]))}),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_is_returned_that_shows_in_a_notebook(name):
    figure = DRAWINGS[name](np.asarray)
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")


# Keras fetches PyTorch tensors through an older protocol than NumPy 2 asks for.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
@pytest.mark.parametrize("name", DRAWINGS)
def test_tensors_are_drawn_like_arrays(name):
    def texts(figure):
        return [(texts_in(ax), ax.get_title(), len(boxes_in(ax))) for ax in figure.axes]

    tensors = DRAWINGS[name](keras.ops.convert_to_tensor)
    assert texts(tensors) == texts(DRAWINGS[name](np.asarray))


@pytest.mark.parametrize("name", DRAWINGS)
def test_arguments_are_not_changed(name):
    seen = []

    def keep(array):
        array = np.asarray(array)
        seen.append((array, array.copy()))
        array.flags.writeable = False
        return array

    DRAWINGS[name](keep)
    for array, before in seen:
        np.testing.assert_array_equal(array, before)


def test_figures_can_be_pickled():
    figure = pickle.loads(pickle.dumps(plot_image(photo(), BOX, "apple")))
    assert texts_in(figure.axes[0]) == ["apple"]
    assert figure._repr_png_.args[0] is figure


def test_photos_with_their_annotations_are_drawn(data_dir):
    folder = data_dir / "data" / "photos"
    table = read_csv(folder / "annotations-val.csv").groupby("folder").head(1)
    for row in table.itertuples():
        (path,) = (folder / "val" / row.folder).glob(f"{row.image_id}.*")
        box = [row.x_min, row.y_min, row.x_max, row.y_max]
        assert_texts_inside(plot_image(read_image(path), box, row.class_name, scores=[0.5]))
