"""Predictions for photos of any size, with models that answer what the test knows."""

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import keras_bbox as kb
from keras_bbox._outputs import Predictions, named_predictions
from keras_bbox.images import read_image, write_image
from keras_bbox.inference import merge_looks

SIDE = 64


@keras.saving.register_keras_serializable("test")
class WhiteBox(keras.layers.Layer):
    """Answers with the box round the white pixels: what a perfect localizer would."""

    def call(self, X):
        ops = keras.ops
        white = ops.cast(ops.min(X, axis=-1) > 190, "float32")
        parts = []
        for axis in (1, 2):
            here = ops.max(white, axis=axis)
            size = here.shape[1]
            first = ops.argmax(here, axis=1)
            last = size - ops.argmax(ops.flip(here, axis=1), axis=1)
            parts.append((ops.cast(first, "float32") / size, ops.cast(last, "float32") / size))
        (x1, x2), (y1, y2) = parts
        return ops.stack([x1, y1, x2, y2], axis=-1)


def perfect_model(side=SIDE, box_score=False):
    inputs = keras.Input((side, side, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(inputs)
    classes = keras.layers.Dense(3, activation="softmax", name="class_prediction")(pooled)
    outputs = [classes, WhiteBox(name="bbox_prediction")(inputs)]
    if box_score:
        outputs.append(keras.layers.Dense(1, activation="sigmoid", name="box_score")(pooled))
    return keras.Model(inputs, outputs)


def photo(height, width, box):
    image = np.full((height, width, 3), 20, np.uint8)
    x1, y1, x2, y2 = box
    image[y1:y2, x1:x2] = 255
    return image


def corners(frame):
    return frame[["x_min", "y_min", "x_max", "y_max"]].to_numpy()


def test_boxes_come_back_in_the_pixels_of_each_photo():
    boxes = [(30, 40, 160, 120), (100, 50, 300, 350), (0, 0, 64, 64)]
    sizes = [(256, 192), (400, 320), (64, 64)]
    photos = [photo(*size, box) for size, box in zip(sizes, boxes, strict=True)]
    frame = kb.predict_boxes(perfect_model(), photos, class_names=["a", "b", "c"])
    assert frame["image"].tolist() == [0, 1, 2]
    assert list(zip(frame["height"], frame["width"], strict=True)) == sizes
    for found, box, (height, width) in zip(corners(frame), boxes, sizes, strict=True):
        assert np.abs(found - box).max() <= max(height, width) / SIDE


def test_relative_boxes_are_fractions():
    image = photo(200, 100, (20, 50, 60, 150))
    model = perfect_model()
    pixels = corners(kb.predict_boxes(model, image))[0]
    fractions = corners(kb.predict_boxes(model, image, relative=True))[0]
    assert np.allclose(fractions * (100, 200, 100, 200), pixels)


def test_a_model_may_give_its_boxes_in_pixels():
    model = perfect_model()
    classes, boxes = model.outputs
    in_pixels = keras.Model(model.inputs, [classes, keras.layers.Rescaling(SIDE)(boxes)])
    image = photo(200, 100, (20, 50, 60, 150))
    for views in (False, True):
        options = {"test_time_augmentation": views}
        expected = kb.predict_boxes(model, image, **options)
        found = kb.predict_boxes(in_pixels, image, bounding_box_format="xyxy", **options)
        assert np.allclose(corners(found), corners(expected), atol=1e-4)
    with pytest.raises(ValueError, match="bounding_box_format"):
        kb.predict_boxes(model, image, bounding_box_format="corners")


class Recorder:
    """A localizer that keeps what it is given."""

    input_shape = (None, 32, 48, 3)

    def predict_on_batch(self, X):
        self.X = X
        return np.full((len(X), 2), 0.5), np.full((len(X), 4), (0.2, 0.2, 0.8, 0.8))


@pytest.mark.parametrize("name", ["large.jpg", "odd.jpg", "small.jpg", "large.png"])
def test_photos_look_as_they_do_in_training(tmp_path, name):
    size = {"large": (300, 400), "odd": (131, 97), "small": (20, 30)}[name.split(".")[0]]
    write_image(tmp_path / name, np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8))
    table = pd.DataFrame({"filename": [name], "class_name": ["a"]}).assign(
        x_min=0.1, x_max=0.9, y_min=0.1, y_max=0.9
    )
    sequence = kb.BoundingBoxSequence(table, tmp_path, image_size=(32, 48))
    model = Recorder()
    frame = kb.predict_boxes(model, tmp_path / name)
    assert np.array_equal(model.X, sequence[0][0])
    assert (frame.loc[0, "height"], frame.loc[0, "width"]) == size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_refer_to_the_upright_photo(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    Image.fromarray(photo(96, 128, (16, 24, 96, 60))).save(path, exif=exif, quality=95)
    upright = read_image(path)
    rows, columns = np.nonzero(upright.min(axis=-1) > 127)
    truth = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    frame = kb.predict_boxes(perfect_model(), path)
    assert (frame.loc[0, "height"], frame.loc[0, "width"]) == upright.shape[:2]
    assert np.abs(corners(frame)[0] - truth).max() <= 2.5


def test_the_most_probable_class_is_named_with_its_probability():
    model = perfect_model()
    image = photo(64, 64, (8, 8, 40, 40))
    probabilities = model.predict(image[None].astype("float32"), verbose=0)[0][0]
    row = kb.predict_boxes(model, image, class_names=["a", "b", "c"]).iloc[0]
    assert row["class_id"] == probabilities.argmax()
    assert row["class_name"] == "abc"[probabilities.argmax()]
    assert row["score"] == pytest.approx(probabilities.max(), abs=1e-6)
    assert kb.predict_boxes(model, image).iloc[0]["class_name"] == str(row["class_id"])


def test_folders_paths_and_arrays_give_the_same(tmp_path):
    images = [photo(80, 64, (8 * k, 10, 40 + 4 * k, 50)) for k in range(3)]
    paths = [write_image(tmp_path / f"in/{k}.png", image) for k, image in enumerate(images)]
    (tmp_path / "in/notes.txt").write_text("no image")
    model = perfect_model()
    frames = [
        kb.predict_boxes(model, source)
        for source in (tmp_path, str(tmp_path), paths, images, np.stack(images))
    ]
    assert frames[0]["image"].tolist() == [str(path) for path in paths]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame.drop(columns="image"), frames[0].drop(columns="image"))


def test_the_size_of_the_batches_changes_nothing():
    images = [photo(64, 64, (4 * k, 8, 30 + 4 * k, 50)) for k in range(7)]
    model = perfect_model(box_score=True)
    whole = kb.predict_boxes(model, images)
    assert whole["box_score"].between(0, 1).all()
    pd.testing.assert_frame_equal(kb.predict_boxes(model, images, batch_size=3), whole)


def test_preprocess_is_applied_to_the_batch():
    model = perfect_model()
    image = photo(64, 64, (8, 8, 40, 40))
    inverted = kb.predict_boxes(model, 255 - image, preprocess=lambda X: 255 - X)
    assert np.array_equal(corners(inverted), corners(kb.predict_boxes(model, image)))


def test_looking_four_times_agrees_with_itself():
    boxes = [(20, 30, 90, 110), (60, 20, 120, 70)]
    images = [photo(128, 128, box) for box in boxes]
    frame = kb.predict_boxes(perfect_model(128), images, test_time_augmentation=True)
    assert np.abs(corners(frame) - boxes).max() <= 1


def test_looks_that_disagree_are_left_out():
    box = np.array([[0.2, 0.2, 0.6, 0.6]])
    away = np.array([[0.7, 0.7, 0.9, 0.9]])
    near = np.array([[0.22, 0.2, 0.6, 0.6]])
    p = np.array([[0.5, 0.5]])
    looks = [
        Predictions(p, b, np.array([s])) for b, s in ((box, 1), (near, 0), (box, 1), (away, 0))
    ]
    merged = merge_looks(looks)
    assert merged.boxes == pytest.approx(np.mean([box, near, box], axis=0))
    assert merged.box_scores == pytest.approx([0.5])


def test_an_unreadable_file_stops_is_told_or_kept_track_of(tmp_path):
    write_image(tmp_path / "good.png", photo(64, 64, (8, 8, 40, 40)))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no")
    model = perfect_model()
    with pytest.raises(ValueError, match=r"broken\.jpg"):
        kb.predict_boxes(model, tmp_path)
    with pytest.warns(UserWarning, match=r"Left out.*broken\.jpg"):
        told = kb.predict_boxes(model, tmp_path, errors="warn")
    skipped = kb.predict_boxes(model, tmp_path, errors="skip")
    for frame in (told, skipped):
        assert len(frame) == 1
        ((path, message),) = frame.attrs["unreadable"]
        assert path.endswith("broken.jpg") and "Image files must be" in message


def test_bad_arguments_are_told(tmp_path):
    model = perfect_model()
    with pytest.raises(FileNotFoundError, match="must hold images"):
        kb.predict_boxes(model, tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        kb.predict_boxes(model, tmp_path / "nowhere.jpg")
    with pytest.raises(ValueError, match="uint8 RGB"):
        kb.predict_boxes(model, [np.zeros((4, 4, 3))])
    with pytest.raises(ValueError, match="errors must be one of"):
        kb.predict_boxes(model, [], errors="ignore")
    classifier = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D()])
    with pytest.raises(ValueError, match="A localizer has the outputs"):
        kb.predict_boxes(classifier, np.zeros((8, 8, 3), np.uint8))


def test_nothing_in_gives_an_empty_table():
    frame = kb.predict_boxes(perfect_model(), [])
    assert len(frame) == 0 and "x_min" in frame


def test_outputs_are_found_by_name_or_order():
    p, b, s = np.ones((2, 3)), np.zeros((2, 4)), np.ones((2, 1))
    model = perfect_model(box_score=True)
    by_dict = {"bbox_prediction": b, "box_score": s, "class_prediction": p}
    for outputs in ([p, b, s], by_dict):
        found = named_predictions(model, outputs)
        assert found.probabilities.shape == (2, 3) and found.boxes.shape == (2, 4)
        assert found.box_scores.shape == (2,)


def test_a_progress_bar_shows_when_asked(capsys):
    kb.predict_boxes(perfect_model(), [photo(64, 64, (8, 8, 40, 40))], verbose=True)
    assert "1/1" in capsys.readouterr().out
