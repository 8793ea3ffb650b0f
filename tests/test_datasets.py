"""Drawn snacks: boxes that are exact, files that are the same each time, folders that are safe."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keras_bbox.datasets import SNACK_CLASSES, make_snacks, menu, scene, snacks
from keras_bbox.datasets.canvas import Canvas
from keras_bbox.datasets.photo import Item, overlap
from keras_bbox.datasets.scene import draw_scene
from keras_bbox.datasets.staging import place_snacks
from keras_bbox.datasets.textures import Light, noise, relief
from keras_bbox.images import read_image

COLUMNS = ["image_id", "x_min", "x_max", "y_min", "y_max", "class_name", "folder"]
LIGHT = Light(-0.6, -0.5, 0.62)
RECIPES = [(name, k) for name in SNACK_CLASSES for k in range(len(menu.MENU[name]))]


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def table(folder: Path, split: str) -> list[dict[str, str]]:
    with open(folder / f"annotations-{split}.csv", newline="") as file:
        return list(csv.DictReader(file))


def canvas(unit: float = 40.0, **placing) -> Canvas:
    return Canvas(unit, np.random.default_rng(0), LIGHT, **placing)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return make_snacks(60, (48, 64), seed=3, directory=tmp_path_factory.mktemp("snacks"))


@pytest.fixture(scope="module")
def scenes():
    return [draw_scene(5, index, 72, 96) for index in range(100)]


# The folder


def test_the_layout_is_the_chapters(made):
    for split in ("train", "val", "test"):
        rows = table(made, split)
        assert list(rows[0]) == COLUMNS
        for row in rows:
            image = read_image(made / split / row["folder"] / f"{row['image_id']}.jpg")
            assert image.shape == (48, 64, 3)
    assert (made / "train" / "hot dog").is_dir()


def test_every_picture_is_in_a_table_and_in_one_split(made):
    ids = [{row["image_id"] for row in table(made, split)} for split in ("train", "val", "test")]
    assert [len(found) for found in ids] == [42, 9, 9]
    pictures = {path.stem for path in made.rglob("*.jpg")}
    assert set.union(*ids) == pictures
    assert len(pictures) == 60


def test_the_table_holds_the_boxes_of_the_scenes(made):
    for row in table(made, "val"):
        index = int(row["image_id"].rpartition("_")[2])
        picture = draw_scene(3, index, 48, 64)
        expected = {
            (x1, x2, y1, y2, name)
            for (x1, y1, x2, y2), name in zip(picture.boxes(), picture.class_names, strict=True)
        }
        assert (*(float(row[name]) for name in COLUMNS[1:5]), row["class_name"]) in expected
        assert row["folder"] == picture.class_names[0]


def test_classes_take_turns():
    assert [draw_scene(0, k, 32, 32).class_names[0] for k in range(20)] == list(SNACK_CLASSES)


def test_the_same_arguments_write_the_same_bytes(made, tmp_path):
    again = make_snacks(60, (48, 64), seed=3, directory=tmp_path / "again", workers=1)
    assert digest(again) == digest(made)


def test_a_picture_does_not_depend_on_how_many_there_are(made, tmp_path):
    fewer = make_snacks(8, (48, 64), seed=3, directory=tmp_path / "few", splits={"train": 1.0})
    pictures = {name: value for name, value in digest(fewer).items() if name.endswith(".jpg")}
    assert len(pictures) == 8
    assert pictures.items() <= digest(made).items()


def test_another_seed_draws_other_pictures():
    assert (draw_scene(0, 0, 48, 48).image != draw_scene(1, 0, 48, 48).image).any()


def test_a_finished_folder_is_used_as_it_is(made, monkeypatch):
    monkeypatch.setattr(snacks, "draw_scene", lambda *_: pytest.fail("drawn again"))
    assert make_snacks(60, (48, 64), seed=3, directory=made) == made


def test_an_unfinished_folder_is_finished(tmp_path, monkeypatch):
    arguments = {"n": 4, "image_size": 32, "directory": tmp_path, "splits": {"train": 1.0}}

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(snacks, "_write_table", interrupt)
        make_snacks(**arguments)
    make_snacks(**arguments)
    assert len(table(tmp_path, "train")) >= 4
    assert json.loads((tmp_path / "snacks.json").read_text())["finished"]


def test_other_data_is_never_written_over(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="did not write it.*Received: directory="):
        make_snacks(4, 32, directory=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "other", [{"n": 5}, {"seed": 1}, {"image_size": 40}, {"class_names": ("cake",)}]
)
def test_a_folder_of_other_arguments_is_refused(tmp_path, other):
    arguments = {"n": 4, "image_size": 32, "seed": 0, "directory": tmp_path}
    make_snacks(**arguments)
    before = digest(tmp_path)
    with pytest.raises(FileExistsError, match="made with other arguments"):
        make_snacks(**(arguments | other))
    assert digest(tmp_path) == before


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match="did not write it"):
        make_snacks(4, 32, directory=tmp_path / "file")


def test_classes_can_be_chosen(tmp_path):
    make_snacks(
        8, 32, directory=tmp_path, class_names=("orange", "hot dog"), splits={"a": 0.5, "b": 0.5}
    )
    rows = table(tmp_path, "a") + table(tmp_path, "b")
    assert {row["class_name"] for row in rows} == {"orange", "hot dog"}
    assert Counter(path.parent.name for path in tmp_path.rglob("*.jpg")) == {
        "orange": 4,
        "hot dog": 4,
    }


def test_a_split_without_a_picture_is_not_written(tmp_path):
    make_snacks(1, 32, directory=tmp_path)
    assert [path.name for path in tmp_path.glob("*.csv")] == ["annotations-train.csv"]


def test_progress_is_printed_on_request(tmp_path, capsys):
    make_snacks(2, 32, directory=tmp_path / "quiet")
    assert capsys.readouterr().out == ""
    make_snacks(2, 32, directory=tmp_path / "loud", verbose=True)
    assert capsys.readouterr().out == "\rdrawing snacks: 2/2\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "Received: n=0"),
        ({"image_size": 16}, "Received: image_size=(16, 16)"),
        ({"seed": -1}, "Received: seed=-1"),
        ({"splits": {"train": 0.9}}, "Received: splits={'train': 0.9}"),
        ({"splits": {}}, "Received: splits={}"),
        ({"splits": {"train": 1.5, "val": -0.5}}, "Received: splits="),
        ({"class_names": ()}, "Received: class_names=()"),
        ({"class_names": ("appel",)}, "Received: class_names=('appel',)"),
        ({"class_names": ("cake", "cake")}, "Received: class_names=('cake', 'cake')"),
    ],
)
def test_wrong_arguments_are_told_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make_snacks(**({"n": 2, "image_size": 32} | arguments), directory=tmp_path / "new")
    assert not (tmp_path / "new").exists()


# The scenes


def test_boxes_are_the_extent_of_the_painted_pixels(scenes):
    for picture in scenes:
        height, width = picture.owners.shape
        for k, box in enumerate(picture.boxes()):
            spots = [
                (x, y) for y in range(height) for x in range(width) if picture.owners[y, x] == k + 1
            ]
            xs, ys = zip(*spots, strict=True)
            edges = (min(xs), min(ys), max(xs) + 1, max(ys) + 1)
            np.testing.assert_allclose(box * (width, height, width, height), edges, atol=1e-9)


def test_a_snack_owns_what_is_seen_of_it(monkeypatch):
    # Paint each thing with its number instead of its colors, and see which numbers remain.
    placed, laid = [], []

    def place(*arguments):
        items, names = place_snacks(*arguments)
        placed[:] = items
        return items, names

    def paint_number(planes, item, light):
        laid.append(item)
        planes[:] = numbered(planes, item, len(laid))

    monkeypatch.setattr(scene, "place_snacks", place)
    monkeypatch.setattr(scene, "lay_down", paint_number)
    monkeypatch.setattr(scene, "photograph", lambda rng, planes, light: planes[0])
    for index in range(60):
        laid.clear()
        seen = draw_scene(11, index, 64, 80)
        for k, item in enumerate(placed):
            number = 1 + next(n for n, thing in enumerate(laid) if thing is item)
            np.testing.assert_array_equal(seen.image == number, seen.owners == k + 1)


def numbered(planes: np.ndarray, item: Item, number: int) -> np.ndarray:
    _, height, width = planes.shape
    wide = np.pad(planes, ((0, 0), (200, 200), (200, 200)))
    y, x = item.y + 200, item.x + 200
    window = wide[:, y : y + item.planes.shape[1], x : x + item.planes.shape[2]]
    window[:, item.planes[3] >= 0.5] = number
    return wide[:, 200 : 200 + height, 200 : 200 + width]


def test_no_box_is_empty_or_outside(scenes):
    boxes = np.concatenate([picture.boxes() for picture in scenes])
    assert ((boxes >= 0.0) & (boxes <= 1.0)).all()
    assert (boxes[:, 2:] - boxes[:, :2] >= 0.04).all()


def test_some_pictures_hold_several_snacks_and_most_one(scenes):
    counts = Counter(len(picture.class_names) for picture in scenes)
    assert set(counts) == {1, 2, 3}
    assert 0.75 < counts[1] / len(scenes) < 0.95


def test_snacks_are_everywhere_and_of_all_sizes(scenes):
    boxes = np.concatenate([picture.boxes() for picture in scenes])
    middles, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    assert (middles.std(axis=0) > 0.15).all()
    assert sides.max(axis=1).min() < 0.3
    assert sides.max(axis=1).max() > 0.7


def test_all_classes_are_drawn(scenes):
    assert {picture.class_names[0] for picture in scenes} == set(SNACK_CLASSES)
    assert len(SNACK_CLASSES) == 20
    assert sorted(SNACK_CLASSES) == list(SNACK_CLASSES)


@pytest.mark.parametrize(("name", "k"), RECIPES)
def test_every_recipe_paints_a_snack_that_fits_its_canvas(name, k):
    recipe = menu.MENU[name][k]
    for seed in range(3):
        rng = np.random.default_rng(seed)
        easel = Canvas(30.0, rng, LIGHT, turn=rng.uniform(-recipe.turn, recipe.turn))
        recipe.paint(easel, rng)
        alpha = easel._planes[3]
        assert max(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) == 0
        picture = easel.cut_out(40)
        assert picture.shape[0] == 4 and max(picture.shape[1:]) == 40
        assert 0.15 < (picture[3] >= 0.5).mean() <= 1.0
        assert picture.min() >= 0.0 and picture[:3].max() <= 255.01 and picture[3].max() <= 1.001


# The tools


def test_a_filled_rectangle_has_its_size_in_pixels():
    easel = canvas()
    easel.fill(np.array([(-1.0, -0.5), (1.0, -0.5), (1.0, 0.5), (-1.0, 0.5)]), (200, 100, 50))
    picture = easel.cut_out(40)
    assert picture.shape == (4, 21, 40) or picture.shape == (4, 20, 40)
    np.testing.assert_allclose(picture[:3, 10, 20], (200, 100, 50), atol=0.01)


def test_paint_stays_inside_and_an_erased_hole_is_a_hole():
    easel = canvas()
    square = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
    with easel.inside(square * 0.5):
        easel.fill(square, (255, 0, 0))
    assert (easel._planes[3] > 127).sum() == pytest.approx(40**2, rel=0.06)
    easel.erase(square * 0.25)
    assert (easel._planes[3] > 127).sum() == pytest.approx(40**2 - 20**2, rel=0.06)
    assert easel._clip is None


def test_a_turn_is_clockwise_and_mirrors_come_first():
    easel = canvas(turn=90)
    easel.fill(np.array([(0.2, -0.1), (1.0, -0.1), (1.0, 0.1), (0.2, 0.1)]), (255, 255, 255))
    rows = np.flatnonzero(easel._planes[3].any(axis=1))
    assert rows.min() > easel._planes.shape[1] / 2
    mirrored = canvas(turn=90, stretch=(-1.0, 1.0))
    mirrored.fill(np.array([(0.2, -0.1), (1.0, -0.1), (1.0, 0.1), (0.2, 0.1)]), (255, 255, 255))
    assert np.flatnonzero(mirrored._planes[3].any(axis=1)).max() < easel._planes.shape[1] / 2


def test_the_side_towards_the_light_is_bright():
    disc = np.zeros((60, 60), np.uint8)
    y, x = np.mgrid[:60, :60]
    disc[(x - 30) ** 2 + (y - 30) ** 2 < 25**2] = 255
    factor, shine = relief(disc, replace(LIGHT, x=-0.78, y=0.0), 1.0, 0.5)
    assert factor[30, 14] > factor[30, 30] > factor[30, 46]
    assert np.unravel_index(shine.argmax(), shine.shape)[1] < 30


def test_noise_is_balanced():
    field = noise(np.random.default_rng(0), 200, 300, 8)
    assert field.shape == (200, 300) and field.dtype == np.float32
    assert abs(field.mean()) < 0.1 and 0.1 < field.std() < 0.6


def test_an_item_beyond_the_edge_meets_the_frame_in_part():
    item = Item(np.zeros((4, 10, 20), np.float32), False, y=-4, x=90)
    frame, part = overlap(item, 50, 100)
    assert frame == (slice(0, 6), slice(90, 100))
    assert part == (slice(4, 10), slice(0, 10))
    away = Item(np.zeros((4, 10, 20), np.float32), False, y=80, x=200)
    frame, part = overlap(away, 50, 100)
    assert np.zeros((50, 100))[frame].size == np.zeros((10, 20))[part].size == 0
