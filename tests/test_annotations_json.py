"""COCO, Sloth and Labelbox."""

import json

import pandas as pd
import pytest
from annotation_files import add_image, pixels, write_json

from keras_bbox.annotations import (
    is_negative,
    read,
    read_coco,
    read_labelbox,
    read_sloth,
    write_coco,
    write_sloth,
)


def coco(annotations, **more):
    return {
        "info": {},
        "images": [
            {"id": 7, "file_name": "a.jpg", "width": 100, "height": 50},
            {"id": 9, "file_name": "sub/b.jpg", "width": 100, "height": 50},
        ],
        "categories": [{"id": 90, "name": "toothbrush"}, {"id": 18, "name": "dog"}],
        "annotations": annotations,
        **more,
    }


BOX = {"id": 1, "image_id": 7, "category_id": 18, "bbox": [10.5, 5, 20, 30], "area": 99.5,
       "iscrowd": 1, "segmentation": [[1, 2, 3, 4, 5, 6]],
       "attributes": {"color": "red"}}  # fmt: skip


def test_coco_is_read_with_area_and_crowds(tmp_path):
    table = read(write_json(tmp_path / "x", coco([BOX])))
    assert pixels(table)[0] == [10.5, 30.5, 5, 35]
    row = table.loc[0]
    assert (row["class_name"], row["area"], row["is_group_of"], row["color"]) == (
        "dog", 99.5, 1, "red",
    )  # fmt: skip
    assert "segmentation" not in table and table.attrs["class_names"] == ["dog", "toothbrush"]


def test_a_coco_image_without_annotations_is_a_negative(tmp_path):
    table = read_coco(write_json(tmp_path / "x", coco([BOX])))
    assert table["filename"].tolist() == ["a.jpg", "sub/b.jpg"]
    assert is_negative(table).tolist() == [False, True]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bbox": [10, 5, 0, 30]}, "annotation 2 .'dog'.: width=0. The sides"),
        ({"bbox": [10, 5, 20]}, "bbox=.10, 5, 20.. A box is"),
        ({"bbox": None}, "bbox=None"),
        ({"bbox": [1, 2, True, 4]}, "width=True. Coordinates must be numbers"),
        ({"bbox": [float("nan"), 5, 20, 30]}, "x=nan. Coordinates must be finite"),
        ({"bbox": [1, 5, 10**400, 30]}, "width=1000+.*. Coordinates must be numbers"),
        ({"category_id": 3}, "category_id=3. There is no such category"),
        ({"image_id": 3}, "image_id=3. There is no such image"),
        ({"image_id": [3]}, r"image_id=\[3\]. Ids are"),
        ({"area": "big"}, "area='big'"),
    ],
)
def test_a_bad_coco_annotation_is_named(tmp_path, change, message):
    path = write_json(tmp_path / "x.json", coco([BOX, {**BOX, "id": 2, **change}]))
    with pytest.raises(ValueError, match=f"1 object cannot be used.\n  x.json: .*{message}"):
        read_coco(path)
    assert (~is_negative(read_coco(path, errors="skip"))).sum() == 1


def test_a_coco_image_with_nothing_but_bad_annotations_is_no_negative(tmp_path):
    path = write_json(tmp_path / "x.json", coco([{**BOX, "bbox": None}]))
    assert read_coco(path, errors="skip")["filename"].tolist() == ["sub/b.jpg"]


def test_ids_that_occur_twice_are_named(tmp_path):
    document = coco([BOX])
    document["images"].append(document["images"][0])
    with pytest.raises(ValueError, match="image 3: id=7 occurs twice"):
        read_coco(write_json(tmp_path / "x.json", document))


def test_coco_keeps_the_order_of_given_classes(tmp_path):
    table = read_coco(write_json(tmp_path / "x", coco([BOX])))
    path = write_coco(table, tmp_path / "y", class_names=["cat", "dog"], lossy="raise")
    assert read_coco(path).attrs["class_names"] == ["cat", "dog"]
    with pytest.raises(ValueError, match="not among them: ..dog"):
        write_coco(table, tmp_path / "y", class_names=["cat"])


def test_a_real_sloth_file_is_read(data_dir, tmp_path):
    source = data_dir / "data" / "formats" / "sloth" / "example.json"
    add_image(tmp_path, "image1.jpg", 480, 800)
    with pytest.warns(UserWarning, match="1 x point"):
        table = read(source, tmp_path)
    assert table["filename"].tolist() == ["image1.jpg"] * 2
    assert table["class_name"].tolist() == ["rect", "rect"]
    assert pixels(table, 800, 480) == [[346, 392, 105, 165], [636, 692, 119, 177]]


def sloth(annotations, **more):
    return {"class": "image", "filename": "a.jpg", "annotations": annotations, **more}


RECT = {"class": "dog", "x": 10.5, "y": 5.0, "width": 20.0, "height": 30.0, "id": 4}


def test_sloth_boxes_are_known_by_their_keys(tmp_path):
    add_image(tmp_path, "a.jpg", 50, 100)
    prefixed = {"class": "cat", "bx": 1, "by": 2, "bwidth": 3, "bheight": 4, "note": "x"}
    others = [{"class": "point", "x": 1, "y": 2}, {"class": "p", "xn": "1;2", "yn": "3;4"}]
    path = write_json(tmp_path / "l.json", [sloth([RECT, prefixed, *others])])
    with pytest.warns(UserWarning, match="1 x point or other shape, 1 x polygon"):
        table = read(path)
    assert pixels(table) == [[10.5, 30.5, 5, 35], [1, 4, 2, 6]]
    assert table["class_name"].tolist() == ["dog", "cat"]
    assert table["id"].tolist()[0] == 4 and table["note"].tolist()[1] == "x"


def test_a_sloth_box_that_leaves_the_image_is_cut_and_it_is_told(tmp_path):
    add_image(tmp_path, "a.jpg", 50, 100)
    path = write_json(tmp_path / "l.json", [sloth([{**RECT, "x": -5, "width": 200}])])
    with pytest.warns(UserWarning, match=r"a.jpg, object 1.*\[-5, 5, 195, 35\] left its image"):
        assert pixels(read_sloth(path)) == [[0, 100, 5, 35]]


def test_sloth_tells_negatives_from_images_that_nobody_labelled(tmp_path):
    entries = [
        sloth([]), sloth([], filename="b.jpg", unlabeled=True), sloth([RECT], filename="c.jpg"),
    ]  # fmt: skip
    add_image(tmp_path, "c.jpg", 50, 100)
    table = read_sloth(write_json(tmp_path / "l.json", entries))
    assert table["filename"].tolist() == ["a.jpg", "c.jpg"]
    assert is_negative(table).tolist() == [True, False]


def test_sloth_videos_nest_frames(tmp_path):
    add_image(tmp_path, "clip/frame_000003.png", 50, 100)
    frames = [{"class": "frame", "num": 3, "annotations": [RECT]}]
    video = {"class": "video", "filename": "clip.avi", "frames": frames}
    table = read(write_json(tmp_path / "l.json", [video]))
    assert table["filename"].tolist() == ["clip/frame_000003.png"]


def test_sloth_names_are_relative_to_the_label_file(tmp_path):
    add_image(tmp_path, "photos/a.jpg", 50, 100)
    (tmp_path / "labels").mkdir()
    path = tmp_path / "labels/l.json"
    write_json(path, [sloth([RECT], filename="../photos/a.jpg")])
    assert read_sloth(path, tmp_path / "photos")["filename"].tolist() == ["a.jpg"]
    with pytest.raises(ValueError, match="cannot lead outside image_dir"):
        read_sloth(path)
    write_sloth(read_sloth(path, tmp_path / "photos"), path, image_dir=tmp_path / "photos",
                lossy="allow")  # fmt: skip
    assert json.loads(path.read_text())[0]["filename"] == "../photos/a.jpg"


def v2(*labels, **more):
    return {
        "data_row": {"id": "1", "external_id": "a.jpg", "row_data": "https://x/y.jpg"},
        "media_attributes": {"width": 100, "height": 50},
        "projects": {"p": {"labels": [{"annotations": {"objects": each}} for each in labels]}},
        **more,
    }


PLACE = {"top": 5, "left": 10.5, "height": 30, "width": 20}
V2_BOX = {"name": "dog", "annotation_kind": "ImageBoundingBox", "bounding_box": PLACE}


def ndjson(tmp_path, *rows):
    path = tmp_path / "export"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


def test_labelbox_v2_is_read_with_answers(tmp_path):
    answers = [
        {"name": "color", "radio_answer": {"name": "red"}},
        {"name": "parts", "checklist_answers": [{"name": "leg"}, {"name": "ear"}]},
        {"name": "note", "text_answer": {"content": "old"}},
    ]
    table = read(ndjson(tmp_path, v2([{**V2_BOX, "classifications": answers}])))
    assert pixels(table) == [[10.5, 30.5, 5, 35]]
    assert table.loc[0, ["color", "parts", "note"]].tolist() == ["red", "leg; ear", "old"]


def test_a_box_that_labels_repeat_is_taken_once(tmp_path):
    other = {**V2_BOX, "bounding_box": {**PLACE, "left": 0}}
    row = v2([V2_BOX, V2_BOX], [V2_BOX, other])
    row["projects"]["q"] = row["projects"]["p"]
    with pytest.warns(UserWarning, match="5 x repeated box"):
        table = read_labelbox(ndjson(tmp_path, row))
    assert pixels(table) == [[10.5, 30.5, 5, 35]] * 2 + [[0, 20, 5, 35]]


def test_labelbox_v2_tells_negatives_from_images_that_nobody_labelled(tmp_path):
    skipped = v2([])
    skipped["projects"]["p"]["labels"][0]["performance_details"] = {"skipped": True}
    polygon = {"name": "dog", "annotation_kind": "ImagePolygon", "polygon": []}
    with pytest.warns(UserWarning, match="1 x ImagePolygon"):
        table = read_labelbox(ndjson(tmp_path, v2([]), v2(), v2([polygon]), skipped))
    assert is_negative(table).tolist() == [True]


def test_a_bad_line_does_not_cost_the_others(tmp_path):
    path = ndjson(tmp_path, v2([V2_BOX]), v2([{**V2_BOX, "bounding_box": {**PLACE, "top": None}}]))
    path.write_text(path.read_text() + '{"data_row": {"id": "9"}, "proj')
    with pytest.raises(ValueError, match="2 objects(.|\n)*line 3: .*JSON.*\n.*top=None"):
        read_labelbox(path)
    assert len(read_labelbox(path, errors="skip")) == 1


COLOR = {"title": "color", "answer": {"title": "red", "value": "red"}}
V1_BOX = {"title": "Dog", "value": "dog", "bbox": PLACE, "classifications": [COLOR]}


def v1(label, name="a.jpg", **more):
    return {"ID": "1", "DataRow ID": "2", "Labeled Data": f"https://x/{name}?token=1",
            "External ID": name, "Label": label, **more}  # fmt: skip


def as_csv(tmp_path, rows):
    frame = pd.DataFrame(rows)
    frame["Label"] = [label if label == "Skip" else json.dumps(label) for label in frame["Label"]]
    frame.to_csv(tmp_path / "export", index=False)
    return tmp_path / "export"


@pytest.mark.parametrize("form", ["json", "csv"])
def test_labelbox_v1_is_read_as_json_and_as_csv(tmp_path, form):
    rows = [
        v1({"objects": [V1_BOX, {"title": "x", "polygon": [{"x": 1, "y": 2}]}]}),
        v1("Skip", "b.jpg"), v1({}, "c.jpg"), v1({}, "d.jpg", Skipped=True),
        v1({"objects": [], "classifications": []}, "e.jpg"),
    ]  # fmt: skip
    add_image(tmp_path, "a.jpg", 50, 100)
    path = write_json(tmp_path / "export", rows) if form == "json" else as_csv(tmp_path, rows)
    with pytest.warns(UserWarning, match="1 x polygon"):
        table = read(path)
    assert table["filename"].tolist() == ["a.jpg", "c.jpg", "e.jpg"]
    assert is_negative(table).tolist() == [False, True, True]
    assert pixels(table)[0] == [10.5, 30.5, 5, 35]
    assert table.loc[0, ["class_name", "color"]].tolist() == ["Dog", "red"]


def test_labelbox_names_an_image_by_its_address_if_by_nothing_else(tmp_path):
    add_image(tmp_path, "a b.jpg", 50, 100)
    rows = [{**v1({"objects": [V1_BOX]}, "a%20b.jpg"), "External ID": None}]
    assert read(write_json(tmp_path / "export", rows))["filename"].tolist() == ["a b.jpg"]


POINTS = [{"x": 10, "y": 5}, {"x": 30, "y": 5}, {"x": 30, "y": 20}]
TEXT = (
    "MULTIPOLYGON (((10 5, 30 5, 30 20, 10 5), (12 6, 13 6, 12 7, 12 6)), ((1 1, 2 2, 1 2, 1 1)))"
)


def test_the_geometry_of_2018_counts_from_the_bottom_unless_told_otherwise(tmp_path):
    add_image(tmp_path, "a.jpg", 50, 100)
    path = write_json(tmp_path / "export", [v1({"dog": [{"geometry": POINTS}]})])
    table = read(path)
    assert pixels(table) == [[10, 30, 30, 45]] and table.attrs["y_up"]
    assert pixels(read_labelbox(path, y_up=False)) == [[10, 30, 5, 20]]
    path = write_json(tmp_path / "export", [v1({"dog": TEXT})])
    assert pixels(read_labelbox(path, y_up=False)) == [[10, 30, 5, 20], [1, 2, 1, 2]]
    path = write_json(tmp_path / "export", [v1({"objects": [V1_BOX]})])
    assert not read(path).attrs["y_up"]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ({"objects": [{"title": "x", "bbox": [1, 2]}]}, "object 1 .'x'.: bbox must be an object"),
        ({"objects": ["x"]}, "An object is needed"),
        ({"objects": 3}, "objects must be a list"),
        ("neither", "The file must be JSON"),
        (3, "A Label is an object"),
        ({"dog": ["1"]}, "y=''"),
        ({"dog": [{"geometry": [{"x": "a", "y": 2}]}]}, "x='a'"),
        ({"dog": "POINT"}, "MULTIPOLYGON"),
    ],
)
def test_a_bad_label_is_named(tmp_path, label, message):
    path = write_json(tmp_path / "export.json", [v1(label)])
    with pytest.raises(ValueError, match=f"export.json: .*{message}"):
        read_labelbox(path)
    assert len(read_labelbox(path, errors="skip")) == 0


def test_other_files_are_no_labelbox_export(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n")
    with pytest.raises(ValueError, match="x.csv: A Labelbox export is"):
        read_labelbox(tmp_path / "x.csv")
