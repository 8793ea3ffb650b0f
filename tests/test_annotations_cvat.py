import math

import numpy as np
import pytest
from annotation_files import EDGES, pixels

from keras_bbox.annotations import is_negative, read, read_cvat


def write(tmp_path, body):
    path = tmp_path / "task.xml"
    path.write_text(f"<annotations><version>1.1</version>{body}</annotations>")
    return path


def image(shapes, name="a.jpg"):
    return f'<image id="0" name="{name}" width="100" height="50">{shapes}</image>'


def box(xtl, ytl, xbr, ybr, more="", inside=""):
    return (
        f'<box label="dog" occluded="0" xtl="{xtl}" ytl="{ytl}" xbr="{xbr}" ybr="{ybr}" {more}>'
        f"{inside}</box>"
    )


def test_a_real_file_is_read(data_dir):
    with pytest.warns(UserWarning, match="1 x polyline, 1 x polygon, 1 x points"):
        table = read(data_dir / "data" / "formats" / "cvat" / "task.xml")
    assert table[["filename", *EDGES]].values.tolist() == [["img0.jpg", 0, 0.5, 0.25, 0.5]]
    row = table.loc[0]
    assert (row["class_name"], row["width"], row["height"]) == ("label1", 8, 8)
    assert (row["occluded"], row["a1"], row["a2"], row["a3"], row["a4"]) == (
        1, "true", "v3", "0003", "2.4",
    )  # fmt: skip


def test_only_an_image_without_shapes_is_a_negative(tmp_path):
    tag = '<tag label="good"/>'
    body = image("", "a.jpg") + image(tag, "b.jpg") + image(box(0, 0, 9, 9), "c.jpg")
    with pytest.warns(UserWarning, match="1 x tag"):
        table = read_cvat(write(tmp_path, body))
    assert table["filename"].tolist() == ["a.jpg", "c.jpg"]
    assert is_negative(table).tolist() == [True, False]


def test_a_rotated_box_becomes_the_box_round_it_and_it_is_told(tmp_path):
    path = write(tmp_path, image(box(40, 20, 60, 30, 'rotation="90.0"')))
    with pytest.warns(UserWarning, match="rotation=90: the upright box round"):
        assert pixels(read_cvat(path)) == [[45, 55, 15, 35]]
    path = write(tmp_path, image(box(40, 20, 60, 30, 'rotation="30"')))
    corners = [(-10, -5), (10, -5), (10, 5), (-10, 5)]
    turn = math.radians(30)
    xs = [50 + x * math.cos(turn) - y * math.sin(turn) for x, y in corners]
    ys = [25 + x * math.sin(turn) + y * math.cos(turn) for x, y in corners]
    expected = np.round([min(xs), max(xs), min(ys), max(ys)], 9).tolist()
    assert pixels(read_cvat(path, errors="skip")) == [expected]
    assert pixels(read_cvat(write(tmp_path, image(box(40, 20, 60, 30, 'rotation="360"'))))) == [
        [40, 60, 20, 30]
    ]


def test_attributes_do_not_replace_the_columns_of_the_table(tmp_path):
    inside = '<attribute name="width">7</attribute><attribute name="color">red</attribute>'
    row = read_cvat(write(tmp_path, image(box(0, 0, 9, 9, "", inside)))).loc[0]
    assert (row["width"], row["attribute_width"], row["color"]) == (100, "7", "red")


def test_the_video_variant_gives_visible_boxes_frame_by_frame(tmp_path):
    def at(frame, outside):
        return box(frame, 0, frame + 10, 20, f'frame="{frame}" outside="{outside}"')

    size = "<original_size><width>100</width><height>50</height></original_size>"
    size = f"<meta><task>{size}</task></meta>"
    tracks = (
        f'<track id="0" label="cat">{at(0, 0)}{at(1, 0)}{at(2, 1)}</track>'
        f'<track id="1" label="dog">{at(1, 0)}<polygon frame="3"/></track>'
    )
    with pytest.warns(UserWarning, match="1 x polygon in tracks"):
        table = read(write(tmp_path, size + tracks))
    assert table["filename"].tolist() == ["frame_000000.PNG", *["frame_000001.PNG"] * 2]
    assert table["class_name"].tolist() == ["cat", "cat", "dog"]
    assert table["track_id"].tolist() == ["0", "0", "1"]
    assert pixels(table) == [[0, 10, 0, 20], [1, 11, 0, 20], [1, 11, 0, 20]]
    table = read_cvat(tmp_path / "task.xml", frame_name="clip/{number}.jpg", errors="skip")
    assert table["filename"].tolist()[0] == "clip/0.jpg"


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (box(9, 0, 9, 5), "image 'a.jpg', object 2 .'dog'.: xtl='9', xbr='9'"),
        (box("", 0, 9, 5), "xtl=''"),
        (box(0, 0, 9, 5, 'rotation="inf"'), "rotation='inf'"),
        (box(0, 0, 9, 5).replace("dog", ""), "Every box needs a class"),
    ],
)
def test_bad_boxes_are_named(tmp_path, shape, message):
    path = write(tmp_path, image(box(0, 0, 9, 9) + shape))
    with pytest.raises(ValueError, match=f"task.xml: .*{message}"):
        read_cvat(path)
    assert len(read_cvat(path, errors="skip")) == 1


def test_other_documents_are_refused(tmp_path):
    (tmp_path / "a.xml").write_text("<annotation/>")
    with pytest.raises(ValueError, match="a.xml: The outermost element must be annotations"):
        read_cvat(tmp_path / "a.xml")
