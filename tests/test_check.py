"""Every kind of finding, planted; and a clean set, which has none."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import keras_bbox as kb
from keras_bbox.annotations.quality.classes import is_typo, lookalikes
from keras_bbox.images import read_image, write_image

COLUMNS = ["filename", "x_min", "x_max", "y_min", "y_max", "class_name"]
BOX = (0.2, 0.6, 0.3, 0.8)
NO_BOX = (None,) * 4


def table_of(*rows, **columns):
    table = pd.DataFrame([[name, *box, label] for name, box, label in rows], columns=COLUMNS)
    return table.assign(**columns)


def picture(seed, height=64, width=96):
    """Smooth blobs, other ones for each seed, which survive being stored anew."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 12, 3)).astype("uint8")
    rows, columns = np.arange(height) * 8 // height, np.arange(width) * 12 // width
    return coarse[rows][:, columns]


def kinds(report):
    return report.findings["kind"].tolist()


def only(report, kind):
    """The single finding, which is of this kind."""
    assert kinds(report) == [kind]
    return report.findings.iloc[0]


@pytest.fixture
def images(tmp_path):
    for seed, name in enumerate(("a.png", "b.png", "c.png")):
        write_image(tmp_path / name, picture(seed))
    return tmp_path


@pytest.fixture
def good():
    return table_of(("a.png", BOX, "cake"), ("b.png", BOX, "pie"), ("c.png", NO_BOX, None))


@pytest.fixture(scope="module")
def snacks(tmp_path_factory):
    return kb.datasets.make_snacks(300, 96, directory=tmp_path_factory.mktemp("snacks"))


def test_a_clean_set_has_no_findings(snacks):
    tables = {
        split: kb.annotations.read_csv(snacks / f"annotations-{split}.csv")
        for split in ("train", "val", "test")
    }
    report = kb.annotations.check(tables, snacks)
    assert kinds(report) == []
    assert str(report).endswith("0 errors, 0 warnings, 0 infos.")


def test_a_good_table_has_no_findings(good, images):
    assert len(kb.annotations.check(good, images)) == 0


PLANTED_ROWS = {
    "missing-image-name": (None, BOX, "cake"),
    "bad-coordinate": ("a.png", (0.2, "wide", 0.3, 0.8), "cake"),
    "missing-coordinate": ("a.png", (0.2, None, 0.3, 0.8), "cake"),
    "missing-class": ("a.png", BOX, None),
    "unknown-class": ("a.png", BOX, "soup"),
    "pixel-coordinates": ("a.png", (10, 60, 12, 40), "cake"),
    "outside-image": ("a.png", (0.2, 0.6, 0.3, 1.2), "cake"),
    "overshoot": ("a.png", (-0.01, 0.6, 0.3, 0.8), "cake"),
    "reversed-box": ("a.png", (0.6, 0.2, 0.3, 0.8), "cake"),
    "empty-box": ("a.png", (0.2, 0.2, 0.3, 0.8), "cake"),
    "tiny-box": ("a.png", (0.2, 0.22, 0.3, 0.33), "cake"),
    "whole-image-box": ("a.png", (0, 1, 0, 1), "cake"),
}


@pytest.mark.parametrize("kind", PLANTED_ROWS)
def test_a_planted_row_is_found(kind, good, images):
    name, box, label = PLANTED_ROWS[kind]
    table = pd.concat([good.iloc[1:], table_of((name, box, label))])
    # Without its name, the image would have no row.
    folder = images if name else None
    report = kb.annotations.check(table, folder, class_names=["cake", "pie"])
    found = only(report, kind)
    assert found["row"] == 2
    assert found["severity"] == kb.annotations.KINDS[kind].severity


@pytest.mark.parametrize("value", [np.inf, "1e999", "0,5", True, "", float("nan")])
def test_odd_values_are_findings_and_no_exceptions(value):
    report = kb.annotations.check(table_of(("a.png", (value, 0.6, 0.3, 0.8), "cake")))
    # A truth value is a number to Python: then it is the reversed corner that is found.
    assert len(report) == 1
    assert report.findings.loc[0, "severity"] == "error"


def test_numbers_written_as_text_are_numbers():
    table = table_of(("a.png", ("0.2", "0.6", "0.3", "0.8"), "cake"))
    assert len(kb.annotations.check(table)) == 0


def test_what_validation_snaps_is_no_finding():
    assert len(kb.annotations.check(table_of(("a.png", (-9e-7, 0.5, 0.3, 1), "cake")))) == 0


def test_a_table_that_validation_refuses_has_an_error():
    for kind, row in PLANTED_ROWS.items():
        table = table_of(row)
        report = kb.annotations.check(table, class_names=["cake"])
        try:
            kb.annotations.validate_annotations(table, ["cake"])
        except ValueError:
            assert report.counts()["error"], kind


def test_a_missing_column_is_an_exception(good):
    with pytest.raises(ValueError, match="Rename or add the missing ones: x_max"):
        kb.annotations.check(good.drop(columns="x_max"))


def test_boxes_drawn_twice():
    near = (0.2, 0.6, 0.3, 0.81)
    rows = [("a.png", BOX, "cake"), ("a.png", BOX, "cake"), ("b.png", BOX, "cake")]
    rows += [("b.png", near, "cake"), ("c.png", BOX, "cake"), ("c.png", near, "pie")]
    report = kb.annotations.check(table_of(*rows))
    found = report.findings[["kind", "row", "related"]].values.tolist()
    assert found == [
        ["duplicate-box", 1, 0],
        ["near-duplicate-box", 3, 2],
        ["conflicting-classes", 5, 4],
    ]


def test_the_same_box_in_two_images_is_no_copy():
    table = table_of(("a.png", BOX, "cake"), ("b.png", BOX, "cake"))
    assert len(kb.annotations.check(table)) == 0


def test_a_negative_with_boxes_contradicts_itself():
    table = table_of(("a.png", BOX, "cake"), ("a.png", NO_BOX, None))
    assert only(kb.annotations.check(table), "negative-with-boxes")["row"] == 1


def test_a_negative_said_twice_is_a_duplicate():
    table = table_of(("a.png", NO_BOX, None), ("a.png", NO_BOX, None))
    assert only(kb.annotations.check(table), "duplicate-box")["row"] == 1


def test_a_box_that_holds_four_of_its_class_is_a_group():
    apples = [("a.png", (x, x + 0.1, 0.3, 0.5), "apple") for x in (0.1, 0.3, 0.5, 0.7)]
    others = [("b.png", (x, x + 0.1, 0.3, 0.5), "pear") for x in (0.1, 0.3, 0.5, 0.7)]
    table = table_of(*apples, ("a.png", (0.05, 0.9, 0.2, 0.6), "apple"), *others,
                     ("b.png", (0.05, 0.9, 0.2, 0.6), "apple"))  # fmt: skip
    found = only(kb.annotations.check(table), "group-box")
    assert (found["row"], found["value"]) == (4, 4)


def test_a_box_marked_as_a_group_is_told():
    table = table_of(("a.png", BOX, "cake"), ("b.png", BOX, "cake"), is_group_of=["1", 0])
    assert only(kb.annotations.check(table), "group-box")["row"] == 0


def test_a_box_of_another_shape_than_its_class_stands_out():
    rng = np.random.default_rng(0)
    rows = [("a.png", (0.1, 0.1 + 0.2 * rng.uniform(0.9, 1.1), 0.1, 0.3), "cake")
            for _ in range(30)]  # fmt: skip
    rows = [(f"{k}.png", box, label) for k, (_, box, label) in enumerate(rows)]
    report = kb.annotations.check(table_of(*rows, ("x.png", (0.1, 0.9, 0.1, 0.2), "cake")))
    assert only(report, "aspect-outlier")["row"] == 30


def test_shapes_are_measured_in_pixels(tmp_path):
    """A square in a picture four times as wide as high has sides of 1 to 4 in fractions."""
    rows = [(f"{k}.png", (0.1, 0.3, 0.1, 0.3), "cake") for k in range(25)]
    for name, _, _ in rows:
        write_image(tmp_path / name, picture(int(name[:-4]), 64, 64))
    write_image(tmp_path / "wide.png", picture(99, 64, 64 * 5))
    table = table_of(*rows, ("wide.png", (0.1, 0.2, 0.1, 0.6), "cake"))
    assert kinds(kb.annotations.check(table, tmp_path)) == []


def test_a_missing_image_is_told_once(images):
    images.joinpath("a.png").unlink()
    table = table_of(("a.png", BOX, "cake"), ("a.png", (0, 0.1, 0, 0.1), "cake"),
                     ("b.png", BOX, "cake"), ("c.png", BOX, "cake"))  # fmt: skip
    found = only(kb.annotations.check(table, images), "missing-image")
    assert (found["row"], found["image"]) == (0, "a.png")


def test_a_missing_image_with_another_ending_is_named(images, good):
    images.joinpath("a.png").rename(images / "A.jpeg")
    report = kb.annotations.check(good, images)
    assert kinds(report) == ["missing-image", "unannotated-image"]
    assert report.findings.loc[0, "message"] == "There is no such file, but 'A.jpeg' is there."


def test_a_file_that_is_no_image_is_found(images, good):
    (images / "a.png").write_text("no picture")
    found = only(kb.annotations.check(good, images), "unreadable-image")
    assert found["image"] == "a.png"
    assert str(images) not in found["message"]


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_file_that_is_cut_off_is_found(ending, images, good):
    path = write_image(images / f"cut.{ending}", picture(9, 256, 256))
    path.write_bytes(path.read_bytes()[:-300])
    table = pd.concat([good, table_of((path.name, BOX, "cake"))])
    report = kb.annotations.check(table, images)
    assert kinds(report) in (["truncated-image"], ["unreadable-image"])
    assert report.findings.loc[0, "image"] == path.name


@pytest.mark.parametrize(
    "name", ["../a.png", "x/../../a.png", "/etc/a.png", "..\\a.png", "C:\\a.png"]
)
def test_a_path_that_leads_out_is_not_opened(name, images, good):
    folder = images / "inner"
    folder.mkdir()
    report = kb.annotations.check(table_of((name, BOX, "cake")), folder)
    assert only(report, "path-outside")["severity"] == "error"


def test_an_image_without_a_row_is_found(images, good):
    (images / "deep").mkdir()
    write_image(images / "deep" / "d.JPG", picture(7))
    found = only(kb.annotations.check(good, images), "unannotated-image")
    assert found["image"] == "deep/d.JPG" and pd.isna(found["row"])


@pytest.mark.parametrize(
    ("height", "width", "kind"), [(96, 64, "swapped-size"), (128, 192, "size-mismatch")]
)
def test_a_size_that_the_file_does_not_have_is_found(height, width, kind, images, good):
    table = good.assign(height=[height, 64, 64], width=[width, 96, 96])
    found = only(kb.annotations.check(table, images), kind)
    assert (found["row"], found["related"]) == (0, "64 x 96")


def test_a_size_of_zero_is_an_unknown_one(images, good):
    assert len(kb.annotations.check(good.assign(height=0, width=[0, None, 96]), images)) == 0


def test_the_same_file_twice_in_a_split(images, good):
    shutil.copy(images / "a.png", images / "d.png")
    table = pd.concat([good, table_of(("d.png", BOX, "cake"))])
    found = only(kb.annotations.check(table, images), "duplicate-image")
    assert (found["image"], found["related"]) == ("d.png", "a.png")


def test_a_picture_stored_anew_is_nearly_the_same(images, good):
    small = read_image(images / "a.png")[::2, ::2]
    write_image(images / "d.jpg", np.clip(small * 0.9 + 10, 0, 255).astype("uint8"), quality=60)
    table = pd.concat([good, table_of(("d.jpg", BOX, "cake"))])
    found = only(kb.annotations.check(table, images), "near-duplicate-image")
    assert (found["image"], found["related"]) == ("d.jpg", "a.png")


def splits_of(tmp_path):
    for seed in range(3):
        write_image(tmp_path / "train" / f"{seed}.png", picture(seed))
    write_image(tmp_path / "val" / "v.png", picture(9))
    train = table_of(*((f"{seed}.png", BOX, "cake") for seed in range(3)))
    return {"train": train, "val": table_of(("v.png", BOX, "cake"))}


def test_a_copy_across_splits_is_a_leak_and_is_flagged_where_it_costs_least(tmp_path):
    tables = splits_of(tmp_path)
    shutil.copy(tmp_path / "val" / "v.png", tmp_path / "train" / "1.png")
    found = only(kb.annotations.check(tables, tmp_path), "leaked-image")
    assert (found["split"], found["row"], found["related"]) == ("train", 1, "val: v.png")


def test_nearly_a_copy_across_splits(tmp_path):
    tables = splits_of(tmp_path)
    write_image(tmp_path / "val" / "v.jpg", picture(1), quality=50)
    tables["val"] = table_of(("v.png", BOX, "cake"), ("v.jpg", BOX, "cake"))
    found = only(kb.annotations.check(tables, tmp_path), "near-leaked-image")
    assert found["image"] == "1.png"


@pytest.mark.parametrize("duplicates", [True, False])
def test_one_file_in_the_tables_of_two_splits_is_a_leak(duplicates, images, good):
    tables = {"train": good, "val": good.iloc[:1]}
    report = kb.annotations.check(tables, images, duplicates=duplicates)
    assert kinds(report) == ["leaked-image", "class-not-in-split"]


def test_headers_alone_find_no_copies(images, good):
    shutil.copy(images / "a.png", images / "d.png")
    table = pd.concat([good, table_of(("d.png", BOX, "cake"))])
    assert len(kb.annotations.check(table, images, duplicates=False)) == 0


def test_an_image_of_any_split_is_annotated(images, good):
    tables = {"train": good.iloc[:1], "val": good.iloc[1:]}
    report = kb.annotations.check(tables, images)
    assert "unannotated-image" not in kinds(report)


def test_folders_can_be_named_for_each_split(images, good):
    assert len(kb.annotations.check({"train": good}, {"train": images})) == 0
    with pytest.raises(ValueError, match="a folder for each split"):
        kb.annotations.check({"train": good}, {"val": images})
    with pytest.raises(FileNotFoundError, match="image_dir must be a folder"):
        kb.annotations.check(good, images / "nowhere")


def test_a_rare_class():
    rows = [(f"{k}.png", BOX, "cake") for k in range(20)]
    assert kinds(kb.annotations.check(table_of(*rows[1:], ("x.png", BOX, "pie")))) == []
    found = only(kb.annotations.check(table_of(*rows, ("x.png", BOX, "pie"))), "rare-class")
    assert found["value"] == "pie"


def test_a_class_that_a_split_lacks():
    tables = {"train": table_of(("a.png", BOX, "cake"), ("b.png", BOX, "pie")),
              "val": table_of(("c.png", BOX, "cake"))}  # fmt: skip
    found = only(kb.annotations.check(tables), "class-not-in-split")
    assert (found["split"], found["value"]) == ("val", "pie")


def test_names_that_look_alike():
    rows = [(f"{k}.png", BOX, "Hot dog") for k in range(3)]
    found = only(
        kb.annotations.check(table_of(*rows, ("x.png", BOX, "hot_dog"))), "lookalike-class"
    )
    assert (found["value"], found["related"]) == ("hot_dog", "Hot dog")


def test_a_slip_is_not_a_rare_class_too():
    rows = [(f"{k}.png", BOX, "cake") for k in range(40)]
    tables = {"train": table_of(*rows, ("x.png", BOX, "Cake")), "val": table_of(*rows[:1])}
    assert kinds(kb.annotations.check(tables)) == ["lookalike-class"]


@pytest.mark.parametrize(
    ("rare", "frequent"),
    [("hot-dog", "Hot dog"), ("apples", "apple"), ("cherries", "cherry"), ("bananna", "banana"),
     ("bannaa", "banana"), ("racoon", "raccoon"), ("glass", "glasses"), ("tomatoes", "tomato"),
     ("raccoon ", "raccoon")],
)  # fmt: skip
def test_slips_are_found(rare, frequent):
    assert lookalikes({rare: 2, frequent: 40}) == [(rare, frequent)]


@pytest.mark.parametrize(
    ("name", "other"),
    [("cat", "bat"), ("car", "cart"), ("class1", "class2"), ("orange", "apple"), ("bus", "bu-tane"),
     ("***", "+++")],
)  # fmt: skip
def test_other_words_are_no_slips(name, other):
    assert lookalikes({name: 2, other: 40}) == []


def test_two_frequent_words_are_no_slips():
    assert is_typo("candle", "handle")
    assert lookalikes({"candle": 30, "handle": 40}) == []
    assert lookalikes({"candle": 3, "handle": 40}) == [("candle", "handle")]


def test_the_worst_comes_first(images, good):
    (images / "d.png").write_bytes((images / "b.png").read_bytes())
    table = pd.concat([good, table_of(("b.png", (0, 1, 0, 1), "pie"), ("nowhere.png", BOX, "pie"))])
    severities = kb.annotations.check(table, images).findings["severity"].tolist()
    assert severities == ["error", "warning", "info"]


def test_a_report_is_printed_counted_and_stored(good, tmp_path):
    report = kb.annotations.check(pd.concat([good, good.iloc[:1]]))
    assert len(report) == 1
    assert report.counts() == {"error": 0, "warning": 1, "info": 0}
    lines = str(report).splitlines()
    assert lines[0] == "4 rows, 3 images, 3 boxes, 2 classes: 0 errors, 1 warning, 0 infos."
    assert lines[2].strip() == "row 3 (a.png): Row 0 has this box (IoU 1.00), 'cake'."
    stored = json.loads(report.to_json(tmp_path / "report.json"))
    assert stored == json.loads((tmp_path / "report.json").read_text())
    assert stored["findings"][0]["kind"] == "duplicate-box"
    assert stored["findings"][0]["row"] == 3
    assert stored["statistics"]["splits"][""]["boxes"] == 3


def test_findings_without_a_row_are_stored_as_null(images, good):
    stored = json.loads(kb.annotations.check(good.iloc[1:], images).to_json())
    assert [found["row"] for found in stored["findings"]] == [None]


def test_statistics_count_boxes_where_they_are():
    rows = [("a.png", (0.0, 0.12, 0.88, 1.0), "cake"), ("a.png", (0.0, 0.5, 0.0, 0.5), "cake"),
            ("b.png", NO_BOX, None)]  # fmt: skip
    statistics = kb.annotations.check(table_of(*rows)).statistics
    centers = np.array(statistics["centers"])
    assert centers[15, 0] == centers[4, 4] == 1 and centers.sum() == 2
    assert statistics["boxes_per_image"] == [1, 0, 1]
    assert np.flatnonzero(statistics["box_sizes"]).tolist() == [2, 10]
    assert statistics["classes"] == {"": {"cake": 2}}


def test_an_empty_table_has_no_findings():
    assert len(kb.annotations.check(table_of())) == 0


def test_check_never_changes_its_argument(good):
    before = good.copy()
    kb.annotations.check(good)
    pd.testing.assert_frame_equal(good, before)


@pytest.mark.parametrize(
    ("box", "label", "words"),
    [(BOX, "cake", "to IoU 1.00."), ((0.2, 0.4, 0.3, 0.8), "cake", "to IoU 0.50."),
     (BOX, "pie", "to IoU 0.00."), (NO_BOX, None, ", which has other boxes.")],
)  # fmt: skip
def test_copies_tell_how_well_their_boxes_agree(box, label, words, images, good):
    shutil.copy(images / "a.png", images / "d.png")
    table = pd.concat([good, table_of(("d.png", box, label))])
    report = kb.annotations.check(table, images)
    assert only(report, "duplicate-image")["message"].endswith(words)
