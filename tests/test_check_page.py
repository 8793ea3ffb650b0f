"""The page of a report: complete, safe, and drawing the boxes where they are."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd

import keras_bbox as kb
from keras_bbox.images import write_image

COLUMNS = ["filename", "x_min", "x_max", "y_min", "y_max", "class_name"]
BOX = (0.25, 0.5, 0.25, 0.75)
VOID = {"meta", "rect", "image", "br", "hr", "img", "link", "input"}


def table_of(*rows):
    return pd.DataFrame([[name, *box, label] for name, box, label in rows], columns=COLUMNS)


class Balanced(HTMLParser):
    """Counts that each tag is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID or tag == "rect":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def page_of(table, image_dir, tmp_path):
    path = tmp_path / "pages" / "report.html"
    text = kb.annotations.check(table, image_dir).write_html(path).read_text()
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    return text, parser.tags


def images(tmp_path):
    for seed, name in enumerate(("a.png", "b.png")):
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 80, 3)).astype("uint8")
        write_image(tmp_path / "images" / name, pixels)
    return tmp_path / "images"


def test_the_page_needs_no_other_file(tmp_path):
    table = table_of(("a.png", BOX, "cake"), ("a.png", BOX, "cake"), ("b.png", BOX, "pie"))
    text, tags = page_of(table, images(tmp_path), tmp_path)
    links = [a.get("href") or a.get("src") for _, a in tags if "href" in a or "src" in a]
    assert links and all(link.startswith(("#", "data:image/jpeg;base64,")) for link in links)
    assert "http" not in text


def test_boxes_are_drawn_where_they_are(tmp_path):
    table = table_of(("a.png", BOX, "cake"), ("a.png", BOX, "cake"), ("b.png", BOX, "pie"))
    text, _ = page_of(table, images(tmp_path), tmp_path)
    assert '<rect x="20.0" y="10.0" width="20.0" height="20.0" fill="none" stroke="#ff2d55"' in text


def test_a_box_that_leaves_the_image_is_marked(tmp_path):
    table = table_of(("a.png", (0.25, 0.5, 0.25, 1.5), "cake"), ("b.png", BOX, "pie"))
    text, _ = page_of(table, images(tmp_path), tmp_path)
    assert '<rect x="20.0" y="10.0" width="20.0" height="50.0" fill="none" stroke="#ff2d55"' in text


def test_names_cannot_bring_code(tmp_path):
    evil = "<script>alert(1)</script>"
    table = table_of((f"{evil}.png", BOX, evil), (f"{evil}.png", BOX, evil))
    text, tags = page_of(table, images(tmp_path), tmp_path)
    assert "script" not in {tag for tag, _ in tags}
    assert "&lt;script&gt;" in text


def test_odd_tables_have_a_page_too(tmp_path):
    rows = [(None, BOX, "cake"), ("../a.png", BOX, "cake"), ("x.png", (None,) * 4, None),
            ("a.png", ("wide", 1, 2, 3), "cake"), ("b.png", (20, 40, 10, 30), "cake"),
            ("a.png", (-1e300, 1e300, 0, 1), None)]  # fmt: skip
    folder = images(tmp_path)
    (folder / "b.png").write_bytes(b"broken")
    text, _ = page_of(table_of(*rows), folder, tmp_path)
    assert "no picture" in text and "nan" not in text.lower().replace("banana", "")
    page_of(table_of(), folder, tmp_path)
    text, _ = page_of(table_of(), None, tmp_path)
    assert "Nothing was found" in text


def test_long_lists_are_cut_and_pictures_few(tmp_path):
    rows = [("a.png", (0.5, 0.25, 0.25, 0.75), "cake")] * 300
    text, tags = page_of(table_of(*rows), images(tmp_path), tmp_path)
    assert "and 200 more" in text
    assert len(re.findall(r"<figure>", text)) <= 6 * 3
