"""What is written is read: for every format, to its stated precision."""

from __future__ import annotations

import struct
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bbox import annotations as kb
from keras_bbox.annotations.found import FLAGS, NUMBERS

FLAG = st.integers(0, 1)
FRACTION = strategies.reals(0, 1)
TEXT = st.sampled_from(["left", "<b> & 'c'", "ünder", "x, y"])
EXACT = 1e-12
MILLIONTH_OF_A_PIXEL = 1e-6

VOC = dict.fromkeys(("truncated", "occluded", "difficult"), FLAG) | {"pose": TEXT}
OPEN_IMAGES = dict.fromkeys(FLAGS[1:], FLAG) | {"confidence": FRACTION, "source": TEXT}
JSON = {"confidence": FRACTION, "note": TEXT, "points": st.integers(-9, 9)}
COCO = JSON | {"area": FRACTION, "is_group_of": FLAG}
CVAT = {"occluded": FLAG, "difficult": FLAG, "confidence": FRACTION, "note": TEXT}


def add_images(table, folder):
    """Files that are no more than the header of a bitmap, whatever their ending says."""
    for name, height, width in zip(table["filename"], table["height"], table["width"], strict=True):
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        header = struct.pack("<2sIHHIIHHHH", b"BM", 26, 0, 0, 26, 12, width, height, 1, 24)
        path.write_bytes(header)


def round_trip(table, format, name, *, image_dir=None, **options):
    with tempfile.TemporaryDirectory() as folder:
        add_images(table, folder)
        written = kb.write(table, Path(folder, name), format, lossy="raise", **options)
        images = folder if image_dir is None else Path(folder, image_dir)
        return kb.read(written, image_dir=images)


def assert_same(again, table, *, pixels=0.0, fraction=0.0, columns=()):
    """Equal row by row within an image; edges within so many pixels or such a fraction."""
    again, table = (
        t.sort_values("filename", kind="stable", ignore_index=True) for t in (again, table)
    )
    assert again["filename"].tolist() == table["filename"].tolist()
    negative = table["x_min"].isna()
    assert again["x_min"].isna().tolist() == negative.tolist()
    again, table = again[~negative], table[~negative]
    for column in ("class_name", "width", "height", *columns):
        if column in again or (column in columns and len(table)):
            old, new = table[column].tolist(), again[column].tolist()
            assert new == (pytest.approx(old, abs=EXACT) if column in NUMBERS else old)
    for axis, side in (("x", "width"), ("y", "height")):
        allowed = fraction + pixels / table[side] + EXACT
        for edge in (f"{axis}_min", f"{axis}_max"):
            assert ((again[edge] - table[edge]).abs() <= allowed).all()
        assert (again[f"{axis}_min"] < again[f"{axis}_max"]).all()


def within_whole_pixels(table):
    """Half a pixel, but boxes narrower than one grow to it."""
    boxes = table.dropna(subset=["x_min"])
    wide = (boxes["x_max"] - boxes["x_min"]) * boxes["width"]
    high = (boxes["y_max"] - boxes["y_min"]) * boxes["height"]
    return 0.5 + MILLIONTH_OF_A_PIXEL if min([1, *wide, *high]) >= 1 else 1.0


@given(strategies.tables(VOC), st.sampled_from([0, 1]))
def test_voc(table, origin):
    with tempfile.TemporaryDirectory() as folder:
        kb.write_voc(table, folder, origin=origin, lossy="allow")
        again = kb.read_voc(folder, origin=origin)
    assert_same(again, table, pixels=within_whole_pixels(table), columns=VOC)


@given(strategies.tables(VOC), st.sampled_from([0, 1]))
def test_voc_with_decimals(table, origin):
    with tempfile.TemporaryDirectory() as folder:
        kb.write_voc(table, folder, origin=origin, decimals=6, lossy="raise")
        again = kb.read_voc(folder, origin=origin)
    assert_same(again, table, pixels=MILLIONTH_OF_A_PIXEL, columns=VOC)


@given(strategies.tables(CVAT))
def test_cvat(table):
    assert_same(round_trip(table, "cvat", "task.xml"), table, pixels=0.0051, columns=CVAT)


@given(strategies.tables(COCO))
def test_coco(table):
    again = round_trip(table, "coco", "instances.json")
    assert_same(again, table, pixels=2 * MILLIONTH_OF_A_PIXEL, columns=COCO)


@given(strategies.tables(JSON).map(lambda table: table.drop(columns=["width", "height"])))
def test_sloth(table):
    sized = table.assign(width=640, height=480)
    with tempfile.TemporaryDirectory() as folder:
        add_images(sized, Path(folder, "photos"))
        path = kb.write_sloth(table, Path(folder, "l.json"), image_dir=Path(folder, "photos"))
        again = kb.read(path, image_dir=Path(folder, "photos"))
    assert_same(again, sized, pixels=2 * MILLIONTH_OF_A_PIXEL, columns=JSON)


@pytest.mark.parametrize("format", ["labelbox", "labelbox_v1", "labelbox_csv"])
@given(table=strategies.tables())
def test_labelbox(format, table):
    with tempfile.TemporaryDirectory() as folder:
        add_images(table, folder)
        path = kb.write(table, Path(folder, "export"), format, lossy="allow")
        again = kb.read(path)
    assert_same(again, table, pixels=2 * MILLIONTH_OF_A_PIXEL)


@given(strategies.tables(negatives=False))
def test_simple_image_annotator(table):
    with tempfile.TemporaryDirectory() as folder:
        add_images(table, folder)
        path = kb.write_simple_image_annotator(table, Path(folder, "out.csv"), lossy="allow")
        again = kb.read(path)
    assert_same(again, table, pixels=within_whole_pixels(table))


@given(strategies.tables(OPEN_IMAGES, endings=(".jpg",), negatives=False))
def test_open_images(table):
    table = table.drop(columns=["width", "height"])
    with tempfile.TemporaryDirectory() as folder:
        again = kb.read(kb.write(table, Path(folder, "a.csv"), "open_images", lossy="raise"))
    assert_same(again.assign(width=1, height=1), table.assign(width=1, height=1),
                columns=OPEN_IMAGES)  # fmt: skip


@given(strategies.tables(), st.booleans(), st.sampled_from([2, 4, 6]))
def test_yolo(table, has_confidence, decimals):
    if has_confidence:
        table["confidence"] = np.where(table["x_min"].isna(), np.nan, 0.25)
    table["split"] = np.resize(["val", "train"], table["filename"].nunique())[
        table["filename"].factorize()[0]
    ]
    columns = ["split", *(["confidence"] if has_confidence else [])]
    with tempfile.TemporaryDirectory() as folder:
        path = kb.write_yolo(table, folder, decimals=decimals, lossy="allow")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # rounding may push a box a little over the edge
            again = kb.read(path, image_dir=Path(folder, "images"))
    assert_same(again, table, fraction=1.01 * 10.0**-decimals, columns=columns)


@given(strategies.tables(JSON))
def test_csv(table):
    again = round_trip(table, "csv", "boxes.csv")
    assert_same(again, table, columns=JSON)


@given(strategies.tables())
def test_nothing_is_said_to_be_lost_of_plain_tables_in_rich_formats(table):
    for format in ("coco", "cvat", "csv", "labelbox", "sloth"):
        assert kb.lossy(table, format) == []
    assert kb.lossy(table, "voc", decimals=3) == []


@settings(max_examples=15)
@given(strategies.tables(VOC))
def test_writing_leaves_the_table_alone(table):
    before = table.copy(deep=True)
    with tempfile.TemporaryDirectory() as folder:
        for format in ("voc", "coco", "cvat", "yolo", "labelbox", "labelbox_csv"):
            kb.write(table, Path(folder, format), format, lossy="allow")
    assert table.equals(before) and list(table) == list(before)
