"""Simple Image Annotator, YOLO and Open Images."""

import re

import pandas as pd
import pytest
from annotation_files import EDGES, add_image, pixels

from keras_bbox.annotations import (
    is_negative,
    read,
    read_open_images,
    read_simple_image_annotator,
    read_yolo,
    write_open_images,
    write_simple_image_annotator,
    write_yolo,
)

HEADER = "image,id,name,xMin,xMax,yMin,yMax\n"


@pytest.fixture
def annotated(tmp_path):
    add_image(tmp_path, "a.jpg", 50, 100)
    add_image(tmp_path, "b, c.jpg", 50, 100)

    def write(text, name="out"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_headers_may_be_missing_or_stand_anywhere(annotated, end):
    lines = "a.jpg,1,dog,10,30,5,35\n" + HEADER + "a.jpg,2,cat,0,100,0,50\n\n"
    for text in (lines, HEADER + lines):
        table = read(annotated(text.replace("\n", end)))
        assert pixels(table) == [[10, 30, 5, 35], [0, 100, 0, 50]]
        assert table["class_name"].tolist() == ["dog", "cat"]


def test_commas_in_names_are_part_of_them(annotated):
    table = read_simple_image_annotator(annotated('b, c.jpg,1,a, 3 "b",10,30,5,35\n'))
    assert table.loc[0, ["filename", "class_name"]].tolist() == ["b, c.jpg", 'a, 3 "b"']


def test_bad_lines_are_named(annotated):
    good = "a.jpg,1,dog,10,30,5,35\n"
    bad = ["a.jpg,2,dog,10,10,5,35", "a.jpg,3,,10,30,5,35", "a.jpg,4,dog,10,30,5", "what?",
           "a.jpg,5,dog,1e400,3,1,2", "../x.jpg,6,dog,1,2,1,2"]  # fmt: skip
    path = annotated(good + "\n".join(bad) + "\n" + good)
    messages = [
        r"line 2 \('dog'\): xMin='10', xMax='10'",
        "line 3.*needs a class",
        "line 4.*A line is",
        "line 5.*A line is",
        "line 6.*xMin='1e400'",
        "line 7.*cannot lead outside",
    ]
    table = read_simple_image_annotator(path, errors="skip")
    assert len(table) == 2
    told = "\n".join(f"{e['object']}: {e['problem']}" for e in table.attrs["skipped"])
    assert len(table.attrs["skipped"]) == len(bad)
    assert all(re.search(message, told) for message in messages), told


def test_names_that_could_not_be_read_again_are_not_written(tmp_path):
    row = dict(x_min=0, x_max=1, y_min=0, y_max=1, class_name="a", width=9, height=9)
    for name, class_name in (("a,1,b.jpg", "x"), ("a.jpg", "two\nlines")):
        table = pd.DataFrame([row | {"filename": name, "class_name": class_name}])
        with pytest.raises(ValueError, match="does not quote"):
            write_simple_image_annotator(table, tmp_path / "x.csv", lossy="allow")


@pytest.fixture
def dataset(tmp_path):
    def build(yaml="train: images/train\nval: images/val\nnames: [dog, yes]\n", **labels):
        (tmp_path / "data.yaml").write_text(yaml)
        for name in ("train/a.jpg", "train/b.png", "val/c.jpg"):
            add_image(tmp_path / "images", name, 50, 100)
        for name, text in labels.items():
            path = tmp_path / "labels" / f"{name.replace('_', '/')}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return build


def test_yolo_is_read_with_negatives_and_splits(dataset):
    root = dataset(train_a="0 0.5 0.5 0.5 1\n1 0.25 0.25 0.5 0.5\n", train_b="\n")
    table = read(root)
    names = ["images/train/a.jpg"] * 2 + ["images/train/b.png", "images/val/c.jpg"]
    assert table["filename"].tolist() == names
    assert table["split"].tolist() == ["train"] * 3 + ["val"]
    assert is_negative(table).tolist() == [False, False, True, True]
    assert table[EDGES].values.tolist()[:2] == [[0.25, 0.75, 0, 1], [0, 0.5, 0, 0.5]]
    assert table["class_name"].tolist()[:2] == ["dog", "yes"]
    assert table.attrs["class_names"] == ["dog", "yes"]


def test_yolo_names_may_be_a_mapping_and_paths_another_machines(dataset):
    label = {"train_a": "7 0.5 0.5 0.5 1\n"}
    for yaml in (
        "path: /home/me/data\ntrain: images/train\nnames: {7: dog}\n",
        "path: .\ntrain: ../images/train/\nnames:\n  7: dog\n",
        "train: [./images/train]\nval:\nnames:\n  '7': dog\n",
        "train: C:\\data\\images\\train\nnames: {7: dog}\n",
    ):
        table = read_yolo(dataset(yaml, **label))
        assert table["class_name"].dropna().tolist() == ["dog"], yaml
        assert table["filename"].tolist() == ["images/train/a.jpg", "images/train/b.png"], yaml


def test_yolo_lists_of_images_are_followed(dataset):
    root = dataset("train: lists/t.txt\nnames: [dog]\n", train_a="0 .5 .5 .5 1\n")
    (root / "lists").mkdir()
    (root / "lists/t.txt").write_text("images/train/a.jpg\n./../images/val/c.jpg\n")
    assert read_yolo(root)["filename"].tolist() == ["images/train/a.jpg", "images/val/c.jpg"]


def test_labels_without_images_are_read(tmp_path):
    (tmp_path / "labels/train").mkdir(parents=True)
    (tmp_path / "labels/train/a.txt").write_text("0 .5 .5 .5 1")
    (tmp_path / "data.yaml").write_text("train: images/train\nnames: [dog]\n")
    assert read_yolo(tmp_path)["filename"].tolist() == ["images/train/a.jpg"]


def test_a_folder_with_classes_txt_is_read(tmp_path):
    add_image(tmp_path, "a.jpg", 50, 100)
    (tmp_path / "a.txt").write_text("1 .5 .5 .5 1")
    (tmp_path / "classes.txt").write_text("dog\ncat\n")
    table = read(tmp_path)
    assert table.loc[0, ["filename", "class_name"]].tolist() == ["a.jpg", "cat"]


def test_a_sixth_number_is_a_confidence_and_more_are_a_polygon(dataset):
    root = dataset(train_a="0 .5 .5 .5 1 .75\n1 .1 .2 .4 .3 .3 .9\n")
    with pytest.warns(UserWarning, match="labels/train/a.txt: line 2: the box round its polygon"):
        table = read_yolo(root)
    assert table["confidence"].tolist()[0] == 0.75
    assert table[EDGES].values.tolist()[1] == [0.1, 0.4, 0.2, 0.9]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 .5 .5 0 1", "The sides of a box must be over 0"),
        ("2 .5 .5 .5 1", "class=2. There is no such class"),
        ("0.5 .5 .5 .5 1", "class=0.5. There is no such class"),
        ("0 .5 .5 .5", "A line is a class and a box"),
        ("0 .5 .5 .5 nan", "number='nan'"),
        ("dog .5 .5 .5 1", "number='dog'"),
        ("0 50 50 10 10", "lies outside its image"),
        ("0 .1 .2 .3 .4 .5 .6 .7", "A line is a class and a box"),
    ],
)
def test_a_bad_line_of_yolo_is_named(dataset, line, message):
    root = dataset(train_a=f"0 .5 .5 .5 1\n{line}\n")
    with pytest.raises(ValueError, match=f"labels/train/a.txt: line 2: .*{message}"):
        read_yolo(root)
    assert len(read_yolo(root, errors="skip")) == 3


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("train: images/train\n", "classes must be named"),
        ("names: [a]\ntrain: ../../elsewhere\n", "no folder with images or labels"),
        ("names: [a]\ntrain: /etc\n", "cannot lead out of the folder"),
        ("names: {x: a}\ntrain: images/train\n", "Ids must be whole numbers"),
        ("- a\n", "A mapping is needed"),
        ("names: [a\ntrain: b", "The file must be YAML"),
        ("names: [a]\ntrain: [{a: b}]\n", "A split is a folder"),
    ],
)
def test_a_bad_description_is_named(dataset, yaml, message):
    with pytest.raises(ValueError, match=f"data.yaml(.|\n)*{message}"):
        read_yolo(dataset(yaml))


def test_a_description_builds_no_objects(dataset):
    table = read_yolo(dataset("names: !!python/object/apply:os.system [ls]\ntrain: images/train"))
    assert table.attrs["class_names"] == ["ls"]


def test_yolo_images_do_not_share_labels(tmp_path):
    row = dict(x_min=0, x_max=1, y_min=0, y_max=1, class_name="a")
    table = pd.DataFrame([row | {"filename": name} for name in ("a.jpg", "a.png")])
    with pytest.raises(ValueError, match="would share a label file"):
        write_yolo(table, tmp_path)
    with pytest.raises(ValueError, match="split is one of"):
        write_yolo(table[:1].assign(split="dev"), tmp_path)


COLUMNS = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf"


def test_open_images_are_read_with_names_beside_the_file(tmp_path):
    (tmp_path / "class-descriptions.csv").write_text('/m/01yrx,Cat\n/m/0x,"Dog, big"\n')
    path = tmp_path / "boxes"
    path.write_text(
        f"{COLUMNS}\n00a,xclick,/m/01yrx,1,0.25,0.5,0.1,0.9,1,-1,0\n"
        "00a,xclick,/m/0x,0.5,0,1,0,1,0,0,1\n00b,,/m/other,1,0,1,0,1,0,0,0\n"
    )
    add_image(tmp_path, "00b.png", 5, 5)
    table = read(path)
    assert table["filename"].tolist() == ["00a.jpg", "00a.jpg", "00b.png"]
    assert table["class_name"].tolist() == ["Cat", "Dog, big", "/m/other"]
    assert table[EDGES].values.tolist()[0] == [0.25, 0.5, 0.1, 0.9]
    assert table["occluded"].tolist() == [1, 0, 0] and table["is_group_of"].tolist() == [0, 1, 0]
    assert pd.isna(table.loc[0, "truncated"]) and table.loc[1, "confidence"] == 0.5


def test_bad_rows_of_open_images_are_named(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text(f"{COLUMNS}\na,,/m/x,1,0.5,0.25,0,1,0,0,0\na,,/m/x,1,0,1,0,1,0,0,0\n")
    with pytest.raises(ValueError, match=r"line 2 \('/m/x'\): XMin='0.5', XMax='0.25'"):
        read_open_images(path)
    assert len(read_open_images(path, errors="skip")) == 1
    path.write_text("ImageID,LabelName\na,b\n")
    with pytest.raises(ValueError, match="boxes.csv: Open Images has the columns"):
        read_open_images(path)


def test_codes_are_written_with_their_names(tmp_path):
    row = dict(filename="a.jpg", x_min=0, x_max=1, y_min=0, y_max=1, class_name="Cat")
    path = write_open_images(pd.DataFrame([row]), tmp_path / "x.csv", codes={"Cat": "/m/01yrx"})
    assert "/m/01yrx" in path.read_text() and read(path)["class_name"].tolist() == ["Cat"]
