"""Formats found from the content, what is lost on the way, and paths that stay inside."""

import json

import pandas as pd
import pytest
from annotation_files import add_image, voc, voc_box, write_json

from keras_bbox.annotations import find_format, image_paths, lossy, read, write
from keras_bbox.annotations.lossy import TARGETS
from keras_bbox.annotations.paths import inner_name

CONTENTS = {
    "voc": voc(voc_box(1, 1, 2, 2)),
    "cvat": "<?xml version='1.0'?><!-- c --><annotations><version>1.1</version></annotations>",
    "coco": '{"info": {}, "annotations": [], "images": [], "categories": []}',
    "sloth": '[{"class": "image", "filename": "a.jpg", "annotations": []}]',
    "labelbox": '{"data_row": {"id": "1"}, "projects": {}}',
    "simple_image_annotator": "a.jpg,1,hot dog,1,2,3,4\n",
    "open_images": "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n",
    "csv": "image_id,x_min,x_max,y_min,y_max,class_name,folder\n",
    "yolo": "train: images/train\nnames:\n  0: dog\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("format", CONTENTS)
def test_the_format_is_found_whatever_the_name_and_the_encoding(tmp_path, format, encoding):
    path = tmp_path / "labels.dat"
    path.write_text(CONTENTS[format].replace("<?xml version='1.0'?>", ""), encoding=encoding)
    assert find_format(path) == format


@pytest.mark.parametrize(
    ("content", "format"),
    [
        ('[{"ID": "1", "Label": "Skip", "External ID": "a"}]', "labelbox"),
        ('ID,Labeled Data,Label,External ID\n1,a,"{""objects"": []}",a\n', "labelbox"),
        ('[{"data_row": {}, "projects": {}}]', "labelbox"),
        ("image,id,name,xMin,xMax,yMin,yMax\n", "simple_image_annotator"),
        ('{"annotations": [{"bbox": [1, 2, 3, 4], "category_id": 1}]', "coco"),
    ],
)
def test_other_forms_of_a_format(tmp_path, content, format):
    (tmp_path / "x").write_text(content)
    assert find_format(tmp_path / "x") == format


@pytest.mark.parametrize("content", ["", "[]", "{}", "a,b,c\n", "<html/>", "<", "0 1 2", "\0" * 99])
def test_what_fits_no_format_is_told_what_was_looked_for(tmp_path, content):
    (tmp_path / "x").write_text(content)
    with pytest.raises(ValueError, match="x: The content fits no known format.*\n(.*\n)*  sloth: "):
        read(tmp_path / "x")


def test_folders_are_voc_or_yolo_or_neither(tmp_path):
    with pytest.raises(ValueError, match="fits no known format"):
        find_format(tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.xml").write_text(CONTENTS["voc"])
    assert find_format(tmp_path) == "voc"
    (tmp_path / "data.yaml").write_text(CONTENTS["yolo"])
    assert find_format(tmp_path) == "yolo"
    with pytest.raises(FileNotFoundError):
        find_format(tmp_path / "none")


def test_options_reach_the_reader_and_the_writer(tmp_path):
    (tmp_path / "a.xml").write_text(CONTENTS["voc"])
    table = read(tmp_path / "a.xml", origin=0)
    assert table.attrs["origin"] == 0
    write(table, tmp_path / "out", "voc", origin=0, lossy="raise")
    assert "<xmin>1</xmin>" in (tmp_path / "out" / "a.xml").read_text()


def test_a_chapters_csv_can_leave_bad_rows_out(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text(CONTENTS["csv"] + "a,0,1,0,1,dog,f\nb,0.5,0.1,0,1,dog,f\nc,0,7,0,1,dog,f\n")
    with pytest.raises(ValueError, match="2 rows cannot be used"):
        read(path)
    with pytest.warns(UserWarning, match="line 3: x_min=0.5, x_max=0.1"):
        table = read(path, errors="warn")
    assert table["image_id"].tolist() == ["a"]
    assert [entry["object"] for entry in table.attrs["skipped"]] == ["line 3", "line 4"]


ROW = dict(filename="a.png", x_min=0.1, x_max=0.5, y_min=0.2, y_max=1.0, class_name="dog",
           width=100, height=50)  # fmt: skip
NEGATIVE = dict.fromkeys(ROW) | dict(filename="b.png", width=100, height=50)


def test_each_loss_is_said():
    table = pd.DataFrame([ROW | {"mood": "good", "confidence": 0.5, "empty": None}, NEGATIVE])
    said = {format: " ".join(lossy(table, format)) for format in TARGETS}
    for format in ("coco", "csv", "cvat", "sloth"):
        assert said[format] == ""
    for format in set(TARGETS) - {"coco", "csv", "cvat", "sloth"}:
        assert "'mood'" in said[format] and "'empty'" not in said[format]
    assert {format for format, text in said.items() if "1 negatives" in text} == {
        "open_images", "simple_image_annotator",
    }  # fmt: skip
    assert {format for format, text in said.items() if "'confidence'" in text} == {
        "labelbox", "labelbox_v1", "labelbox_csv", "simple_image_annotator", "voc",
    }  # fmt: skip
    assert {format for format, text in said.items() if "'width'" in text} == {
        "labelbox_v1", "labelbox_csv", "simple_image_annotator", "open_images", "yolo",
    }  # fmt: skip
    assert "1 boxes are not in .jpg files" in said["open_images"]


def test_rounding_counts_from_a_hundredth_of_a_pixel():
    assert lossy(pd.DataFrame([ROW]), "voc") == []
    assert lossy(pd.DataFrame([ROW | {"x_min": 0.10005}]), "voc") == []
    assert lossy(pd.DataFrame([ROW | {"x_min": 0.1025}]), "voc") == [
        "Edges are rounded to whole pixels: 1 of 1 boxes move by up to 0.25 pixels."
    ]
    unsized = pd.DataFrame([ROW]).drop(columns="width")
    assert lossy(unsized, "voc") == ["Edges are rounded to whole pixels."]
    assert lossy(unsized, "voc", decimals=4) == []


def test_negatives_beside_boxes_are_a_loss():
    table = pd.DataFrame([ROW, NEGATIVE | {"filename": "a.png"}, NEGATIVE, NEGATIVE])
    assert lossy(table, "coco") == [
        "An image is written once: 2 negatives stand beside other rows of it."
    ]


def test_losses_are_raised_told_or_allowed(tmp_path):
    table = pd.DataFrame([ROW | {"mood": "good"}])
    with pytest.raises(ValueError, match="cannot hold all(.|\n)*'mood'(.|\n)*lossy=\"allow\""):
        write(table, tmp_path / "x", "labelbox", lossy="raise")
    assert not (tmp_path / "x").exists()
    with pytest.warns(UserWarning, match="'mood'"):
        write(table, tmp_path / "x", "labelbox")
    write(table, tmp_path / "x", "labelbox", lossy="allow")
    with pytest.raises(ValueError, match="lossy must be one of"):
        write(table, tmp_path / "x", "labelbox", lossy="maybe")
    for use in (lambda: write(table, tmp_path / "x", "xml"), lambda: lossy(table, "xml")):
        with pytest.raises(ValueError, match="A format is one of.*Received: format='xml'"):
            use()


def test_sizes_come_from_the_images_if_the_table_has_none(tmp_path):
    table = pd.DataFrame([ROW]).drop(columns=["width", "height"])
    with pytest.raises(ValueError, match="no size for 1 images, such as 'a.png'"):
        write(table, tmp_path / "x.json", "coco")
    add_image(tmp_path, "a.png", 50, 100)
    path = write(table, tmp_path / "x.json", "coco", image_dir=tmp_path)
    assert json.loads(path.read_text())["annotations"][0]["bbox"] == [10, 10, 40, 40]


def test_tables_with_image_id_and_folder_are_written(tmp_path):
    row = {**ROW, "image_id": "a1", "folder": "hot dog"}
    del row["filename"]
    again = read(write(pd.DataFrame([row]), tmp_path / "x.json", "coco"))
    assert again["filename"].tolist() == ["hot dog/a1.jpg"]


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("a.jpg", "a.jpg"),
        ("./sub//a.jpg", "sub/a.jpg"),
        ("sub\\a.jpg", "sub/a.jpg"),
        ("sub/../a.jpg", "a.jpg"),
        ("C:\\Users\\me\\train\\cat\\a.jpg", "cat/a.jpg"),
        ("/home/me/train/cat/a.jpg", "cat/a.jpg"),
    ],
)
def test_names_are_paths_below_the_folder_of_the_images(tmp_path, name, inner):
    add_image(tmp_path, "cat/a.jpg", 5, 5)
    assert inner_name(name, tmp_path) == inner


@pytest.mark.parametrize(
    "name",
    [
        *("../a.jpg", "sub/../../a.jpg", "..\\a.jpg", "/../cat/a.jpg", ".", "..", "/"),
        *(
            "/etc/passwd",
            "C:\\a.jpg",
            "c:a.jpg",
            "\\\\host\\a",
            "file:///etc/passwd",
            "http://x/a.jpg",
        ),
        *("", " ", "a\0.jpg", "a" * 5000, None, 3),
    ],
)
def test_no_name_leads_outside(tmp_path, name):
    add_image(tmp_path, "cat/a.jpg", 5, 5)
    with pytest.raises(ValueError, match="Received: filename="):
        inner_name(name, tmp_path)
    with pytest.raises(ValueError, match="Received: filename="):
        image_paths(pd.DataFrame({"filename": [name]}), tmp_path)


def test_an_image_id_does_not_lead_outside_either():
    for image_id, folder in (("../../a", "x"), ("a", ".."), ("a", "/etc"), (None, "x")):
        with pytest.raises(ValueError, match="Received: filename="):
            image_paths(pd.DataFrame({"image_id": [image_id], "folder": [folder]}), "root")
    (path,) = image_paths(pd.DataFrame({"image_id": ["a"], "folder": [None]}), "root")
    assert path.as_posix() == "root/a.jpg"


def test_a_path_in_a_file_does_not_lead_outside(tmp_path):
    document = {
        "images": [{"id": 1, "file_name": "../../etc/passwd", "width": 5, "height": 5}],
        "annotations": [],
        "categories": [],
    }
    with pytest.raises(ValueError, match="x.json: image 1: A path in an annotation file cannot"):
        read(write_json(tmp_path / "x.json", document))
