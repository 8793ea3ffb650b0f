"""The spatial head: which maps it takes, what its cells make of them, and what it tells."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_bbox import iou
from keras_bbox.heads import add_localization_head
from keras_bbox.heads.branches import AverageBoxes, BoxAgreement
from keras_bbox.heads.cells import BoxFromCells, MatchGrid
from keras_bbox.heads.second_look import CropMap, JitterBox, MoveSides

# Keras reads TensorFlow variables in a way that NumPy 2 deprecates, in saving and conversion.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def backbone(shape=(32, 32, 3), padding="same"):
    """Features of an eighth of the size, and branches that must not be taken for a stage's end."""
    image = keras.Input(shape)
    x = layers.Conv2D(4, 3, strides=2, padding=padding, name="half")(image)
    x = layers.Conv2D(6, 3, strides=2, padding=padding, name="quarter")(x)
    branch = layers.Conv2D(6, 3, padding="same", name="branch")(x)
    x = layers.Add(name="quarter_end")([branch, x])
    x = layers.ZeroPadding2D(1, name="pad")(x)
    x = layers.Conv2D(8, 3, strides=2, name="eighth")(x)
    return keras.Model(image, x, name="backbone")


def taps(model):
    return [tuple(value.shape[1:]) for value in model.get_layer("box_head").inputs]


def maps(height, width, bins, seed=0, batch=2):
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 2, (batch, height, width, n)).astype("float32") for n in (1, 4 * bins)]


# ---- which maps ----------------------------------------------------------------------------------


def test_the_finer_map_is_where_the_stage_before_ends():
    model = add_localization_head(backbone(), 3)
    assert taps(model) == [(4, 4, 8), (8, 8, 6)]
    node = model.get_layer("box_head")._inbound_nodes[-1]
    assert [value._keras_history.operation.name for value in node.input_tensors] == [
        "eighth",
        "quarter_end",
    ]


@pytest.mark.parametrize(
    "name, size, finer",
    [
        ("MobileNet", 64, (4, 4, 128)),
        ("MobileNetV3Small", 64, (4, 4, 288)),
        ("DenseNet121", 64, (4, 4, 512)),
    ],
)
def test_taps_of_keras_applications(name, size, finer):
    narrow = {"alpha": 0.25} if name == "MobileNet" else {}
    build = getattr(keras.applications, name)
    given = build(weights=None, include_top=False, input_shape=(size, size, 3), **narrow)
    model = add_localization_head(given, 5)
    assert taps(model)[0][:2] == (2, 2) and taps(model)[1] == finer


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("shape", [(32, 32, 3), (47, 38, 1), (None, None, 3)])
def test_images_of_any_size(shape, padding):
    model = add_localization_head(backbone(shape, padding), 3)
    x = np.random.default_rng(0).random((2, shape[0] or 51, shape[1] or 40, shape[2]), "float32")
    classes, boxes = model(x)
    assert len(taps(model)) == 2 and tuple(boxes.shape) == (2, 4) and tuple(classes.shape) == (2, 3)


def test_a_model_without_a_finer_map_does_with_its_features():
    flat = keras.Sequential([keras.Input((12, 12, 3)), layers.Conv2D(4, 3)])
    assert taps(add_localization_head(flat, 3)) == [(10, 10, 4)]


def test_maps_are_matched_by_the_place_of_their_cells():
    coarse = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
    fine = np.zeros((1, 4, 4, 3), "float32")
    matched = numbers(MatchGrid()([coarse, fine]))[0, ..., 0]
    np.testing.assert_allclose(matched[0], [0, 0.25, 0.75, 1], atol=1e-6)
    np.testing.assert_allclose(matched[:, 0], [0, 0.5, 1.5, 2], atol=1e-6)
    np.testing.assert_array_equal(numbers(MatchGrid()([coarse, fine[:, :2, :2]])), coarse)


# ---- what the cells make of them -----------------------------------------------------------------


def box_of_one_cell(row, column, height, width, sides, bins=11):
    """Attention on one cell, whose distances are certain."""
    attention = np.full((1, height, width, 1), -50, "float32")
    attention[0, row, column] = 50
    distances = np.zeros((1, height, width, 4, bins), "float32")
    for index, side in enumerate(sides):
        distances[0, row, column, index, round(side * (bins - 1))] = 100
    return attention, distances.reshape(1, height, width, 4 * bins)


def test_a_cell_measures_from_its_center():
    cells = box_of_one_cell(1, 3, 2, 5, sides=(0.2, 0.1, 0.3, 0.2))
    box = numbers(BoxFromCells(bins=11)(list(cells)))
    np.testing.assert_allclose(box, [[0.7 - 0.2, 0.75 - 0.1, 0.7 + 0.3, 0.75 + 0.2]], atol=1e-5)


def test_the_box_is_the_weighted_mean_of_the_proposals():
    attention, distances = maps(3, 4, bins=5)
    layer = BoxFromCells(bins=5)
    proposals = numbers(layer.propose(distances))
    weights = np.exp(attention).reshape(2, 12, 1)
    expected = (proposals * weights).sum(axis=1) / weights.sum(axis=1)
    found = numbers(layer([attention, distances]))
    np.testing.assert_allclose(found, expected.clip(0, 1), atol=1e-5)


def test_boxes_are_ordered_and_inside_the_image():
    layer = BoxFromCells(bins=4)
    for scale in (0.1, 10, 1000):
        boxes = numbers(layer([scale * part for part in maps(5, 3, bins=4, batch=50)]))
        assert (boxes >= 0).all() and (boxes <= 1).all()
        assert (boxes[:, 2:] >= boxes[:, :2]).all()


def test_the_score_is_the_agreement_of_the_proposals():
    cells = maps(3, 3, bins=5)
    box, score = (numbers(part) for part in BoxFromCells(bins=5, score=True)(cells))
    np.testing.assert_array_equal(box, numbers(BoxFromCells(bins=5)(cells)))
    proposals = numbers(BoxFromCells(bins=5).propose(cells[1]))
    weights = np.exp(cells[0]).reshape(2, 9)
    agreement = iou(proposals, box[:, None])
    expected = (weights * agreement).sum(axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(score, expected, atol=1e-5)
    sure = BoxFromCells(bins=11, score=True)(
        list(box_of_one_cell(0, 0, 2, 2, sides=(0.2, 0.2, 0.4, 0.4)))
    )
    assert numbers(sure[1])[0] == pytest.approx(1, abs=1e-4)


def test_a_side_outside_the_image_still_learns():
    from oracles import gradient

    attention, distances = box_of_one_cell(0, 0, 2, 2, sides=(0.9, 0.9, 0.5, 0.5))
    distances = distances / 20

    def left_side(values):
        return ops.sum(BoxFromCells(bins=11)([attention, values])[:, 0])

    assert numbers(BoxFromCells(bins=11)([attention, distances]))[0, 0] == 0
    assert np.abs(gradient(left_side, distances)).max() > 0


def test_the_first_boxes_lie_round_the_middle():
    boxes = numbers(BoxFromCells()([np.zeros((1, 4, 4, 1)), np.zeros((1, 4, 4, 64))]))
    np.testing.assert_allclose(boxes[0, :2], 1 - boxes[0, 2:], atol=1e-5)
    assert 0.1 < boxes[0, 0] < 0.3


# ---- the model -----------------------------------------------------------------------------------


def test_the_score_is_a_third_output_when_asked_for(tmp_path):
    model = add_localization_head(backbone(), 3, box_score=True)
    assert model.output_names == ["class_prediction", "bbox_prediction", "box_score"]
    assert model.output_shape == [(None, 3), (None, 4), (None,)]
    x = np.random.default_rng(0).random((4, 32, 32, 3), "float32")
    y = (np.arange(4) % 3, np.tile(np.float32([0.1, 0.2, 0.5, 0.9]), (4, 1)))
    model.compile("adam", ["sparse_categorical_crossentropy", "mse", None])
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for one, other in zip(model.predict(x, verbose=0), loaded.predict(x, verbose=0), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(
    "arguments", [{"head": "chapter"}, {"box_head": lambda x: layers.Dense(4)(layers.Flatten()(x))}]
)
def test_other_heads_have_no_score(arguments):
    with pytest.raises(ValueError, match="Only the spatial head tells a score.*Received: box_sco"):
        add_localization_head(backbone(), 3, box_score=True, **arguments)


def test_a_few_steps_find_a_bright_square():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 0.5, (64, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(0.3, 0.5, (64, 2))], axis=1)
    x = np.zeros((64, 32, 32, 3), "float32")
    for image, (x1, y1, x2, y2) in zip(x, (32 * boxes).round().astype(int), strict=True):
        image[y1:y2, x1:x2] = 1
    model = add_localization_head(backbone(), 2, freeze_backbone=False)
    model.compile(keras.optimizers.Adam(0.01), ["sparse_categorical_crossentropy", "mse"])
    model.fit(x, (np.zeros(64), boxes), epochs=25, batch_size=16, verbose=0)
    predicted = model.predict(x, verbose=0)[1]
    assert iou(boxes, predicted).mean() > 0.75


# ---- the branches --------------------------------------------------------------------------------


def boxes_of_branches(rows=200):
    rng = np.random.default_rng(0)
    return [rng.random((rows, 4), "float32") for _ in range(3)]


def test_the_box_is_the_mean_of_the_branches():
    found = boxes_of_branches()
    np.testing.assert_allclose(numbers(AverageBoxes()(found)), np.mean(found, axis=0), atol=1e-6)

    model = add_localization_head(backbone(), 3, box_score=True)
    head, rng = model.get_layer("box_head"), np.random.default_rng(0)
    maps = [rng.random((5, *value.shape[1:]), "float32") for value in head.inputs]
    branches = [head.get_layer(f"branch_{index}")(maps) for index in (0, 1)]
    boxes = [numbers(*keras.tree.flatten(branch)) for branch in branches]
    assert not np.allclose(*boxes, atol=1e-3)
    np.testing.assert_allclose(numbers(head(maps)[0]), np.mean(boxes, axis=0), atol=1e-6)
    np.testing.assert_allclose(numbers(head(maps)[1]), iou(*boxes), atol=1e-5)


def test_the_score_is_the_agreement_of_the_branches():
    one, two, three = [
        np.sort(boxes.reshape(-1, 2, 2), axis=1).reshape(-1, 4) for boxes in boxes_of_branches()
    ]
    found = numbers(BoxAgreement()([one, two, three]))
    np.testing.assert_allclose(
        found, (iou(one, two) + iou(one, three) + iou(two, three)) / 3, atol=1e-5
    )
    assert found.std() > 0.05
    np.testing.assert_allclose(numbers(BoxAgreement()([one, one])), 1, atol=1e-5)


@pytest.mark.parametrize(
    "options, count",
    [({}, 2), ({"freeze_backbone": False}, 1), ({"branches": 3}, 3), ({"branches": 1}, 1)],
    ids=str,
)
def test_a_frozen_backbone_has_two_branches_unless_told(options, count):
    head = add_localization_head(backbone(), 3, box_score=True, **options).get_layer("box_head")
    assert sum(layer.name.startswith("branch_") for layer in head.layers) == count


def test_no_two_weights_have_one_name(tmp_path):
    # By their names Keras finds the gradients that PyTorch has to forget after each step.
    model = add_localization_head(backbone(), 3, branches=3)
    model.save(tmp_path / "model.keras")
    for one in (model, keras.saving.load_model(tmp_path / "model.keras")):
        paths = [weight.path for weight in one.weights]
        assert len(paths) == len(set(paths))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"branches": 0}, "`branches` must be 1 or more.*Received: branches=0"),
        (
            {"branches": 2, "head": "chapter"},
            "Only the spatial head.*Received: branches=2, head='c",
        ),
    ],
    ids=str,
)
def test_branches_are_one_or_more_and_the_spatial_heads(options, message):
    with pytest.raises(ValueError, match=message):
        add_localization_head(backbone(), 3, **options)


def test_in_training_each_image_is_one_branchs():
    found, layer = boxes_of_branches(), AverageBoxes(seed=1)
    taken = [numbers(layer(found, training=True)) for _ in range(2)]
    assert not np.array_equal(*taken)
    is_branchs = np.stack([(taken[0] == boxes).all(axis=1) for boxes in found])
    assert (is_branchs.sum(axis=0) == 1).all()
    assert is_branchs.mean(axis=1).min() > 0.2


def test_an_image_teaches_the_branch_it_was_given():
    from oracles import gradient

    found = boxes_of_branches(rows=20)

    def total(boxes):
        return ops.sum(AverageBoxes(seed=1)([boxes, *found[1:]], training=True))

    taken = numbers(AverageBoxes(seed=1)(found, training=True))
    expected = np.where(taken == found[0], 1.0, 0.0)
    np.testing.assert_array_equal(gradient(total, found[0]), expected)
    assert 0 < expected.mean() < 1


# ---- the second look -----------------------------------------------------------------------------


def ramp(height, width):
    """A map whose two channels are the x and the y of each cell's center, in fractions."""
    y, x = np.mgrid[:height, :width]
    return np.stack([(x + 0.5) / width, (y + 0.5) / height], axis=-1)[None].astype("float32")


def test_a_crop_reads_the_map_where_its_cells_are():
    box = np.float32([[0.3, 0.25, 0.7, 0.75]])
    crop = numbers(CropMap(size=4, margin=0)([box, ramp(20, 30)]))[0]
    np.testing.assert_allclose(crop[0, :, 0], 0.3 + 0.4 * (np.arange(4) + 0.5) / 4, atol=1e-5)
    np.testing.assert_allclose(crop[:, 0, 1], 0.25 + 0.5 * (np.arange(4) + 0.5) / 4, atol=1e-5)


def test_a_margin_shows_the_surroundings_and_the_border_goes_on():
    box = np.float32([[0.4, 0.4, 0.6, 0.6], [0.8, 0.0, 1.0, 1.0]])
    crop = numbers(CropMap(size=2, margin=0.5)([box, np.repeat(ramp(20, 20), 2, axis=0)]))
    np.testing.assert_allclose(crop[0, 0, :, 0], [0.4, 0.6], atol=1e-5)
    assert crop[1, 0, 1, 0] == pytest.approx(0.975), "the center of the last cell"


def test_boxes_jitter_in_training_alone():
    boxes = np.tile(np.float32([0.3, 0.3, 0.7, 0.8]), (200, 1))
    layer = JitterBox(amount=0.1, seed=3)
    np.testing.assert_array_equal(numbers(layer(boxes)), boxes)
    jittered = numbers(layer(boxes, training=True))
    assert jittered.std(axis=0).min() > 0.02 and jittered.std(axis=0).max() < 0.12
    assert (jittered[:, 2:] > jittered[:, :2]).all()
    assert not np.array_equal(jittered, numbers(layer(boxes, training=True)))


def test_sides_move_by_a_bounded_share_of_the_box():
    boxes = np.float32([[0.2, 0.2, 0.4, 0.8], [0.5, 0.5, 0.5, 0.5], [0.0, 0.0, 0.9, 0.9]])
    attention = np.random.default_rng(0).normal(size=(3, 4, 4, 4)).astype("float32")
    moves = np.full((3, 4, 4, 4), [0.0, -100, 100, 100], "float32")
    moved = numbers(MoveSides(reach=0.25)([boxes, attention, moves]))
    np.testing.assert_allclose(moved[0], [0.2, 0.05, 0.45, 0.95], atol=1e-5)
    np.testing.assert_allclose(moved[1], boxes[1], atol=1e-6)
    np.testing.assert_allclose(moved[2], [0, 0, 1, 1], atol=1e-5)
    inwards = numbers(MoveSides()([boxes, attention, moves * [1, -1, -1, -1]]))
    assert (inwards[:, 2:] >= inwards[:, :2]).all()


@pytest.mark.parametrize(
    "layer",
    [
        AverageBoxes(seed=3),
        BoxAgreement(),
        MatchGrid(),
        BoxFromCells(bins=5, score=True),
        JitterBox(0.3, seed=2),
        CropMap(6, 0.4),
        MoveSides(0.1),
    ],
)
def test_layers_come_back_from_their_config(layer):
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(again) is type(layer) and again.get_config() == layer.get_config()
