import numpy as np
import pandas as pd
import pytest

import keras_bbox as kb
from keras_bbox.annotations import read_csv, validate_annotations, write_csv

HEADER = "image_id,x_min,x_max,y_min,y_max,class_name,folder\n"


def write(tmp_path, *rows, header=HEADER, encoding="utf-8"):
    path = tmp_path / "boxes.csv"
    path.write_text(header + "".join(row + "\n" for row in rows), encoding=encoding)
    return path


def test_the_chapters_csv_is_read(tmp_path):
    table = read_csv(write(tmp_path, "0001,0.1,0.5,0.25,1,hot dog,hot dog"))
    assert table.loc[0].to_dict() == {
        "image_id": "0001", "x_min": 0.1, "x_max": 0.5, "y_min": 0.25, "y_max": 1.0,
        "class_name": "hot dog", "folder": "hot dog",
    }  # fmt: skip


def test_identifiers_and_class_names_stay_text(tmp_path):
    rows = ["1e5,0,1,0,1,NA,nan", "007,0,1,0,1,null,None", "-inf,0,1,0,1,True,1"]
    table = read_csv(write(tmp_path, *rows))
    assert table["image_id"].tolist() == ["1e5", "007", "-inf"]
    assert table["class_name"].tolist() == ["NA", "null", "True"]
    assert table["folder"].tolist() == ["nan", "None", "1"]


def test_column_order_and_byte_order_mark_do_not_matter(tmp_path):
    header = "folder,class_name,y_max,y_min,x_max,x_min,image_id\n"
    path = write(tmp_path, "f,c,0.4,0.3,0.2,0.1,a", header=header, encoding="utf-8-sig")
    assert read_csv(path)[["x_min", "x_max", "y_min", "y_max"]].values.tolist() == [
        [0.1, 0.2, 0.3, 0.4]
    ]


def test_further_columns_ride_along(tmp_path):
    path = write(tmp_path, "a,0,1,0,1,c,f,1,0.75", header=HEADER[:-1] + ",occluded,confidence\n")
    table = read_csv(path)
    assert table.loc[0, "occluded"] == 1 and table.loc[0, "confidence"] == 0.75
    assert read_csv(write_csv(table, tmp_path / "again.csv")).equals(table)


def test_filename_stands_in_for_image_id_and_folder(tmp_path):
    header = "filename,x_min,x_max,y_min,y_max,class_name\n"
    table = read_csv(write(tmp_path, "sub/a.png,0,1,0,1,c", header=header))
    assert kb.annotations.image_paths(table, "root")[0].as_posix() == "root/sub/a.png"


def test_an_image_without_objects_is_an_empty_row(tmp_path):
    table = read_csv(write(tmp_path, "a,,,,,,f", "b,0,1,0,1,c,f"))
    assert kb.annotations.is_negative(table).tolist() == [True, False]
    assert kb.annotations.find_class_names(table) == ("c",)
    assert read_csv(write_csv(table, tmp_path / "again.csv")).equals(table)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,zero,1,0,1,c,f", "x_min='zero'. Coordinates must be numbers"),
        ("a,0,1,0,inf,c,f", "y_max=inf. Coordinates must be finite"),
        ("a,0,1,0,nan,c,f", "y_max=nan. Coordinates must be finite"),
        ("a,0.9,0.1,0,1,c,f", r"x_min=0.9, x_max=0.1. Corners must be ordered, x_min < x_max"),
        ("a,0,1,0.5,0.5,c,f", r"y_min=0.5, y_max=0.5. Corners must be ordered, y_min < y_max"),
        ("a,0,1.1,0,1,c,f", "x_max=1.1. Coordinates are fractions"),
        ("a,-0.1,1,0,1,c,f", "x_min=-0.1. Coordinates are fractions"),
        ("a,10,200,15,100,c,f", "x_min=10.0. Coordinates are fractions"),
        ("a,0,,0,1,c,f", "x_max is missing"),
        ("a,0,1,0,1,,f", "class_name is missing"),
        ("a,,,,,c,f", "x_min is missing"),
    ],
)
def test_bad_rows_are_named_with_file_row_line_and_value(tmp_path, row, message):
    path = write(tmp_path, "good,0,1,0,1,c,f", row)
    with pytest.raises(ValueError, match=message) as error:
        read_csv(path)
    assert str(error.value).startswith("boxes.csv: 1 row cannot be used.\n")
    assert "row 1 (line 3, image 'a')" in str(error.value)


def test_all_bad_rows_are_counted(tmp_path):
    path = write(tmp_path, *["a,0.9,0.1,0,1,c,f"] * 12)
    with pytest.raises(ValueError, match=r"12 rows cannot.*\n(.*\n){5}.*and 7 more rows"):
        read_csv(path)


def test_missing_columns_are_named(tmp_path):
    path = write(tmp_path, "a,0,1", header="image_id,x_min,xmax\n")
    with pytest.raises(ValueError, match=r"boxes.csv.*missing ones: folder, x_max, y_min.*'xmax'"):
        read_csv(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00a", b'a,"b\n'])
def test_files_that_are_no_table_are_named(tmp_path, content):
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="odd.csv"):
        read_csv(path)
    with pytest.raises(FileNotFoundError, match="none.csv"):
        read_csv(tmp_path / "none.csv")


def test_a_line_with_too_many_values_is_not_dropped(tmp_path):
    with pytest.raises(ValueError, match="boxes.csv"):
        read_csv(write(tmp_path, "a,0,1,0,1,c,f", "a,0,1,0,1,c,f,9,9"))


def test_tiny_overshoot_is_snapped_and_told(tmp_path):
    path = write(tmp_path, "a,-0.000001,1.000001,0,1,c,f", "b,0,1,0,1,c,f")
    with pytest.warns(UserWarning, match=r"boxes.csv: the boxes of 1 row .* 1e-06 .* snapped"):
        table = read_csv(path)
    assert table.loc[0, "x_min"] == 0 and table.loc[0, "x_max"] == 1
    with pytest.raises(ValueError, match="x_max=1.000002"):
        read_csv(write(tmp_path, "a,0,1.000002,0,1,c,f"))


def test_a_box_that_lies_within_the_tolerance_outside_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Corners must be ordered"):
        read_csv(write(tmp_path, "a,1,1.000001,0,1,c,f"))


def test_given_class_names_are_enforced(tmp_path):
    path = write(tmp_path, "a,0,1,0,1,cat,f")
    assert len(read_csv(path, class_names=["dog", "cat"])) == 1
    with pytest.raises(ValueError, match=r"class_name='cat' is not among \['dog'\]"):
        read_csv(path, class_names=["dog"])


def test_coordinates_survive_to_the_last_bit(tmp_path):
    rng = np.random.default_rng(0)
    x, y = (np.sort(rng.random((500, 2)), axis=1) for _ in range(2))
    table = pd.DataFrame({
        "image_id": [f"{k:04}" for k in range(500)], "x_min": x[:, 0], "x_max": x[:, 1],
        "y_min": y[:, 0], "y_max": y[:, 1], "class_name": 'a "b", c', "folder": "ü",
    })  # fmt: skip
    assert read_csv(write_csv(table, tmp_path / "new" / "boxes.csv")).equals(table)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["boxes.csv"]


def test_validation_leaves_its_argument_alone():
    row = dict.fromkeys(kb.annotations.COLUMNS, "c") | dict(
        x_min="0", x_max=1, y_min=-1e-7, y_max="0.5"
    )
    table = pd.DataFrame([row], index=["row7"])
    before = table.copy(deep=True)
    with pytest.warns(UserWarning, match="snapped"):
        clean = validate_annotations(table)
    pd.testing.assert_frame_equal(table, before)
    assert clean.index.tolist() == ["row7"] and clean["y_min"].tolist() == [0.0]


def test_an_empty_or_missing_folder_is_the_root():
    table = pd.DataFrame({"image_id": ["a", "b", "c"], "folder": ["", None, "cake"]})
    assert kb.annotations.image_names(table) == ["a.jpg", "b.jpg", "cake/c.jpg"]
