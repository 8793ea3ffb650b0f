import numpy as np
import pytest
from annotation_files import EDGES, add_image, pixels, voc, voc_box
from defusedxml import ElementTree

from keras_bbox.annotations import is_negative, read, read_voc, write_voc


def write(tmp_path, *documents):
    for number, document in enumerate(documents):
        (tmp_path / f"{number}.xml").write_text(document)
    return tmp_path


def test_real_files_are_read_box_by_box(data_dir):
    folder = data_dir / "data" / "formats" / "voc"
    table = read(folder)
    sizes = {"apple_1.jpg": (349, 349), "banana_12.jpg": (640, 620), "mixed_1.jpg": (800, 564),
             "orange_3.jpg": (250, 250)}  # fmt: skip
    expected = []
    for path in sorted(folder.glob("*.xml")):
        root = ElementTree.parse(path).getroot()
        for element in root.iter("object"):
            xmin, ymin, xmax, ymax = (int(edge.text) for edge in element.find("bndbox"))
            name = root.findtext("filename")
            width, height = sizes[name]
            edges = [(xmin - 1) / width, xmax / width, (ymin - 1) / height, ymax / height]
            expected.append([name, element.findtext("name"), width, height, *edges])
    columns = ["filename", "class_name", "width", "height", *EDGES]
    assert table[columns].values.tolist() == expected
    assert len(table) == 13 and table.attrs["origin"] == 1 and table.attrs["skipped"] == []


def test_a_size_of_zero_is_read_from_the_image(data_dir):
    table = read_voc(data_dir / "data" / "formats" / "voc" / "apple_1.xml")
    assert table[["width", "height"]].values.tolist() == [[349, 349]]
    assert np.allclose(table[EDGES].to_numpy() * 349, [[7, 331, 14, 349]])


def test_pixels_are_counted_from_one_and_inclusive(tmp_path):
    table = read_voc(write(tmp_path, voc(voc_box(1, 1, 100, 50) + voc_box(3, 3, 3, 3))))
    assert pixels(table) == [[0, 100, 0, 50], [2, 3, 2, 3]]


def test_a_zero_anywhere_proves_that_edges_are_counted_from_zero(tmp_path):
    write(tmp_path, voc(voc_box(5, 5, 9, 9)), voc(voc_box(10, 0, 20, 9), name="b.jpg"))
    table = read_voc(tmp_path)
    assert table.attrs["origin"] == 0
    assert pixels(table) == [[5, 9, 5, 9], [10, 20, 0, 9]]
    assert pixels(read_voc(tmp_path, origin=0)) == pixels(table)
    assert read_voc(tmp_path / "0.xml").attrs["origin"] == 1
    with pytest.warns(UserWarning, match="1.xml: object 1 .'dog'.*was cut at its edge"):
        assert pixels(read_voc(tmp_path, origin=1))[0] == [4, 9, 4, 9]


def test_elements_are_found_by_name_and_values_may_be_floats(tmp_path):
    element = (
        "<object><bndbox><ymax>20.5</ymax><xmax>30.25</xmax><xmin> 10.5 </xmin><ymin>5</ymin>"
        "</bndbox><part><name>head</name><bndbox><xmin>0</xmin></bndbox></part>"
        "<difficult>1</difficult><truncated>Unspecified</truncated><name>dog</name></object>"
    )
    table = read_voc(write(tmp_path, voc(element)), origin=0)
    assert pixels(table) == [[10.5, 30.25, 5, 20.5]]
    assert table.loc[0, "difficult"] == 1 and "truncated" not in table


@pytest.mark.parametrize("outline", ["polygon", "cubic_bezier"])
def test_an_outline_in_place_of_a_box_gives_the_box_round_it(tmp_path, outline):
    points = "<x1>11</x1><y1>6</y1><x2>30</x2><y2>20</y2><x2_c1>40</x2_c1><y2_c1>8</y2_c1>"
    element = f"<object><name>dog</name><{outline}>{points}</{outline}></object>"
    with pytest.warns(
        UserWarning, match=rf"0.xml: object 1 \('dog'\): the box round its {outline}"
    ):
        table = read_voc(write(tmp_path, voc(element)))
    assert pixels(table) == [[10, 40, 5, 20]]


def test_a_mask_is_left_out_and_its_image_is_no_negative(tmp_path):
    element = "<object><name>dog</name><pixels><id>0</id></pixels></object>"
    with pytest.warns(UserWarning, match="1 x pixels"):
        table = read_voc(write(tmp_path, voc(element)))
    assert len(table) == 0 and table.attrs["left_out"] == {"pixels": 1}


def test_a_file_without_objects_is_a_negative(tmp_path):
    table = read_voc(write(tmp_path, voc(""), voc(voc_box(2, 2, 3, 3), name="b.jpg")))
    assert is_negative(table).tolist() == [True, False]
    assert table["filename"].tolist() == ["a.jpg", "b.jpg"]
    assert table["width"].tolist() == [100, 100]


def test_images_are_found_beside_their_files_in_the_stated_folder_or_by_another_ending(tmp_path):
    box = voc_box(2, 2, 3, 3)
    (tmp_path / "xml/deep").mkdir(parents=True)
    write(tmp_path / "xml", voc(box), voc(box, name="b"), voc(box, name="nowhere.jpg"))
    write(tmp_path / "xml/deep", voc(box, name="c.jpg"))
    for name in ("x/a.jpg", "b.png", "deep/c.jpg"):
        add_image(tmp_path / "images", name, 50, 100)
    table = read_voc(tmp_path / "xml", tmp_path / "images")
    assert table["filename"].tolist() == ["x/a.jpg", "b.png", "nowhere.jpg", "deep/c.jpg"]


BAD = [
    (voc_box(48, 5, 10, 9), r"object 2 \('dog'\): xmin='48', xmax='10'. Corners must be ordered"),
    (voc_box(5, 5, "x", 9), "xmax='x'. Coordinates must be numbers"),
    (voc_box(5, 5, "1_0", 9), "xmax='1_0'. Coordinates must be numbers"),
    (voc_box(5, "nan", 9, 9), "ymin='nan'. Coordinates must be finite"),
    (voc_box(5, 5, "1e999", 9), "xmax='1e999'. Coordinates must be finite"),
    (voc_box(105, 5, 120, 9), r"\[104, 4, 120, 9\] lies outside its image.*width=100, height=50"),
    (voc_box(5, 5, 9, 9, name=" "), r"object 2 \(''\): Every box needs a class"),
    ("<object><name>dog</name><bndbox/></object>", "xmin=None. Coordinates must be numbers"),
]


@pytest.mark.parametrize(("element", "message"), BAD)
def test_one_bad_object_is_named_and_does_not_cost_the_others(tmp_path, element, message):
    good = voc_box(2, 3, 20, 30)
    write(tmp_path, voc(good + element + good), voc("", name="b.jpg"))
    with pytest.raises(ValueError, match=f"1 object cannot be used.\n  0.xml: .*{message}"):
        read_voc(tmp_path)
    with pytest.warns(UserWarning, match=message):
        table = read_voc(tmp_path, errors="warn")
    assert pixels(table)[:2] == [[1, 20, 2, 30]] * 2 and len(table) == 3
    (report,) = read_voc(tmp_path, errors="skip").attrs["skipped"]
    assert report["file"] == "0.xml" and report["object"].startswith("object 2")


def test_an_image_with_nothing_but_bad_objects_is_no_negative(tmp_path):
    table = read_voc(write(tmp_path, voc(voc_box(9, 9, 2, 2))), errors="skip")
    assert len(table) == 0 and len(table.attrs["skipped"]) == 1


def test_one_bad_file_is_named_and_does_not_cost_the_others(tmp_path):
    box = voc_box(2, 2, 3, 3)
    outside = [voc(box, name="../../../etc/passwd"), voc(box, name="/x/y.jpg")]
    write(tmp_path, voc(box), "<annotation><object>", "<html/>", *outside)
    table = read_voc(tmp_path, errors="skip")
    assert table["filename"].tolist() == ["a.jpg"]
    problems = {entry["file"]: entry["problem"] for entry in table.attrs["skipped"]}
    assert "well-formed XML" in problems["1.xml"]
    assert "outermost element must be annotation" in problems["2.xml"]
    assert "cannot lead outside image_dir" in problems["3.xml"]
    assert "cannot lead outside image_dir" in problems["4.xml"]


def test_many_problems_are_counted(tmp_path):
    write(tmp_path, voc(voc_box(9, 9, 2, 2) * 12))
    with pytest.raises(ValueError, match=r'12 objects.*\n(.*\n){5}  and 7 more.\n.*errors="warn"'):
        read_voc(tmp_path)


def test_a_missing_image_is_named_if_its_size_is_needed(tmp_path):
    write(tmp_path, voc(voc_box(2, 2, 3, 3), size="<width>0</width>"))
    with pytest.raises(ValueError, match="image 'a.jpg': The size is not stated.*image_dir"):
        read_voc(tmp_path)


def test_files_are_found_only_where_they_are(tmp_path):
    with pytest.raises(ValueError, match="holds .xml files"):
        read_voc(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_voc(tmp_path / "none.xml")
    with pytest.raises(ValueError, match="origin must be"):
        read_voc(tmp_path, origin=2)
    with pytest.raises(ValueError, match="errors must be one of"):
        read_voc(tmp_path, errors="ignore")


def test_writing_says_that_edges_are_rounded(tmp_path):
    table = read_voc(write(tmp_path, voc(voc_box(1, 1, 20.4, 30))))
    with pytest.warns(UserWarning, match="whole pixels: 1 of 1 boxes move by up to 0.4 pixels"):
        write_voc(table, tmp_path / "out")
    write_voc(table, tmp_path / "out", decimals=1, lossy="raise")
    assert pixels(read_voc(tmp_path / "out")) == [[0, 20.4, 0, 30]]


def test_two_images_do_not_share_a_file(tmp_path):
    table = read_voc(write(tmp_path, voc(voc_box(2, 2, 3, 3)), voc("", name="a.png")))
    with pytest.raises(ValueError, match="would share a file.*'a.jpg' and 'a.png'"):
        write_voc(table, tmp_path / "out")


def test_control_characters_are_not_written(tmp_path):
    table = read_voc(write(tmp_path, voc(voc_box(2, 2, 3, 3)))).assign(class_name="a\x00b")
    with pytest.raises(ValueError, match="no control characters"):
        write_voc(table, tmp_path / "out")
