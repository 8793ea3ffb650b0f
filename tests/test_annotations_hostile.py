"""Files that are cut off, wrongly encoded, huge or malicious end in a clear ValueError."""

import json
import tracemalloc
import warnings

import numpy as np
import pytest
from annotation_files import voc, voc_box

from keras_bbox import annotations as kb

READERS = {
    "voc": kb.read_voc,
    "cvat": kb.read_cvat,
    "coco": kb.read_coco,
    "sloth": kb.read_sloth,
    "labelbox": kb.read_labelbox,
    "simple_image_annotator": kb.read_simple_image_annotator,
    "open_images": kb.read_open_images,
    "yolo": kb.read_yolo,
    "csv": kb.read_csv,
}
NEEDS_TEXT = ("coco", "sloth", "labelbox", "simple_image_annotator", "open_images", "yolo", "csv")


def assert_ends_well(reader, path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return reader(path, **options)
        except ValueError as error:
            assert path.name in str(error) and len(str(error)) < 5000
            return error


BOX = {"x": 1, "y": 2, "width": 3, "height": 4, "class": "dog"}
PLACE = {"left": 1, "top": 2, "width": 3, "height": 4}
WHOLE = {
    "voc": voc(voc_box(2, 2, 30, 40)),
    "cvat": "<annotations><image name='a.jpg' width='9' height='9'><box label='dog' xtl='1' "
    "ytl='1' xbr='5' ybr='6'/></image></annotations>",
    "coco": json.dumps({
        "images": [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9}],
        "annotations": [{"image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4]}],
        "categories": [{"id": 2, "name": "dog"}],
    }),
    "sloth": json.dumps([{"class": "image", "filename": "a.jpg", "annotations": [BOX]}]),
    "labelbox": json.dumps({
        "data_row": {"external_id": "a.jpg"}, "media_attributes": {"width": 9, "height": 9},
        "projects": {"p": {"labels": [{"annotations": {"objects": [
            {"name": "dog", "bounding_box": PLACE}]}}]}},
    }),
    "simple_image_annotator": "a.jpg,1,dog,1,2,3,4\nb.jpg,1,dog,5,6,7,8\n",
    "open_images": "ImageID,LabelName,XMin,XMax,YMin,YMax\na,dog,0.1,0.2,0.3,0.4\n",
    "yolo": "train: images/train\nnames: [dog, cat]\n",
    "csv": "image_id,x_min,x_max,y_min,y_max,class_name,folder\na,0.1,0.2,0.3,0.4,dog,f\n",
}  # fmt: skip


@pytest.mark.parametrize("format", READERS)
def test_any_damage_ends_in_a_table_or_a_value_error(tmp_path, format):
    rng = np.random.default_rng(0)
    whole = WHOLE[format].encode()
    path = tmp_path / "damaged.txt"
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(rng.integers(0, 4)):
            data[rng.integers(len(data))] = rng.choice(list(b'\0\xff"<>{}[]&,:9eN-\n'))
        path.write_bytes(data[: rng.integers(1, len(data) + 1)])
        for errors in ("raise", "skip"):
            assert_ends_well(READERS[format], path, errors=errors)
        assert_ends_well(kb.read, path)


@pytest.mark.parametrize("format", READERS)
def test_every_value_may_be_of_any_kind(tmp_path, format):
    path = tmp_path / "odd.txt"
    odd = [
        "null",
        "[]",
        "{}",
        "-1",
        "1e999",
        "NaN",
        "true",
        '"\\u0000"',
        "9" * 400,
        '"dog"',
        "[[]]",
    ]
    if format not in ("coco", "sloth", "labelbox"):
        odd = ["", "nan", "1e999", "-1", "9" * 400, "0x1", "\u202e", "&amp;", "None"]
    for value in ("1", "2", "3", "4", "9", '"dog"', '"a.jpg"', "a.jpg", "dog", "0.2"):
        for other in odd:
            path.write_text(WHOLE[format].replace(value, other))
            assert_ends_well(READERS[format], path, errors="skip")


@pytest.mark.parametrize("format", NEEDS_TEXT)
def test_a_wrong_encoding_is_named_with_its_place(tmp_path, format):
    path = tmp_path / "latin.txt"
    path.write_bytes(WHOLE[format].encode() + "é".encode("latin-1"))
    with pytest.raises(ValueError, match="latin.txt.*position|latin.txt.*UTF-8"):
        READERS[format](path)


def test_xml_may_say_its_encoding(tmp_path):
    path = tmp_path / "a.xml"
    text = voc(voc_box(2, 2, 30, 40, name="crème"))
    path.write_bytes(b"<?xml version='1.0' encoding='latin-1'?>" + text.encode("latin-1"))
    assert kb.read(path)["class_name"].tolist() == ["crème"]
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match="a.xml: (.*: )?Text must be UTF-8.*byte 0xe8 at position"):
        kb.read_voc(path)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":', '{"data_row": ['])
def test_deep_nesting_is_refused(tmp_path, opening):
    path = tmp_path / "deep.json"
    path.write_text(opening * 200_000)
    for format in ("coco", "sloth", "labelbox"):
        with pytest.raises(ValueError, match="deep.json"):
            READERS[format](path)


def test_deep_xml_and_yaml_are_refused_or_harmless(tmp_path):
    path = tmp_path / "deep.xml"
    path.write_text("<annotation>" + "<a>" * 200_000)
    assert isinstance(assert_ends_well(kb.read_voc, path), ValueError)
    path.write_text("<annotation>" + "<object>" * 200_000 + "</object>" * 200_000 + "</annotation>")
    assert_ends_well(kb.read_voc, path)
    path.write_text("names: " + "[" * 20_000)
    assert isinstance(assert_ends_well(kb.read_yolo, path), ValueError)


BOMBS = {
    "entities": '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><annotation>&b;</annotation>',
    "a file": '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotation>&a;</annotation>',
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_entities_are_refused(tmp_path, bomb):
    path = tmp_path / "bomb.xml"
    path.write_text(BOMBS[bomb])
    for reader in (kb.read_voc, kb.read_cvat):
        with pytest.raises(ValueError, match="bomb.xml: (file: )?Annotations declare no entities"):
            reader(path)


def test_aliases_of_yaml_do_not_multiply(tmp_path):
    path = tmp_path / "bomb.yaml"
    levels = [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 30)]
    for end in ("names: *a29\ntrain: *a29\n", "names: [a]\ntrain: *a29\n", "names: {*a29 : b}\n"):
        path.write_text("a0: &a0 [x, x]\n" + "\n".join(levels) + "\n" + end)
        assert isinstance(assert_ends_well(kb.read_yolo, path), ValueError)


@pytest.mark.parametrize("format", READERS)
@pytest.mark.parametrize("filler", ["1", ",", "[", "a "])
def test_one_long_line_is_bounded_in_memory(tmp_path, format, filler):
    path = tmp_path / "line.txt"
    path.write_text(filler * (3_000_000 // len(filler)))
    tracemalloc.start()
    try:
        assert isinstance(assert_ends_well(READERS[format], path), ValueError)
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()
    with pytest.raises(ValueError, match="line.txt"):
        kb.read(path)


@pytest.mark.parametrize("format", sorted(set(READERS) - {"csv", "yolo"}))
def test_a_file_may_be_no_larger_than_allowed(tmp_path, format):
    path = tmp_path / "a.txt"
    path.write_text(WHOLE[format])
    with pytest.raises(ValueError, match="a.txt(.|\n)*max_bytes=20"):
        READERS[format](path, max_bytes=20)
    with pytest.raises(ValueError, match="folder|holds .xml files"):
        READERS[format](tmp_path / "none" if (tmp_path / "none").mkdir() else tmp_path / "none")
