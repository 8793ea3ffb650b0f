"""Independent readers see the same boxes, up to differences that are known and named here."""

import numpy as np
import pandas as pd
import pytest

from keras_bbox import annotations as kb
from keras_bbox.images import write_image

SIZE = (50, 100)  # height, width
PIXELS = np.array([[10, 5, 30, 35], [0, 0, 100, 50], [1, 2, 3, 4], [41, 7, 90, 33]])
NAMES = ["dog", "cat", "cat", "big dog"]


@pytest.fixture
def table(tmp_path):
    height, width = SIZE
    rows = []
    for k, ((x1, y1, x2, y2), name) in enumerate(zip(PIXELS, NAMES, strict=True)):
        rows.append(
            dict(filename=f"{k // 3}.jpg", x_min=x1 / width, x_max=x2 / width, y_min=y1 / height,
                 y_max=y2 / height, class_name=name, width=width, height=height)
        )  # fmt: skip
    for name in ("0.jpg", "1.jpg"):
        write_image(tmp_path / "images" / name, np.zeros((*SIZE, 3), np.uint8))
    return pd.DataFrame(rows)


def expected():
    return sorted((f"{k // 3}", NAMES[k], *map(float, PIXELS[k])) for k in range(len(NAMES)))


def as_globox(annotations):
    found = []
    for annotation in annotations:
        stem = annotation.image_id.removesuffix(".jpg")
        for box in annotation.boxes:
            found.append((stem, box.label, *(round(v, 3) for v in box.ltrb)))
    return sorted(found)


def test_globox_reads_what_is_written(table, tmp_path):
    globox = pytest.importorskip("globox").AnnotationSet
    kb.write_coco(table, tmp_path / "c.json")
    kb.write_cvat(table, tmp_path / "c.xml")
    kb.write_voc(table, tmp_path / "voc", origin=0)
    kb.write_open_images(table, tmp_path / "o.csv", lossy="allow")
    yolo = kb.write_yolo(table, tmp_path, lossy="allow").parent
    names = dict(enumerate(kb.find_class_names(table)))
    labels = globox.from_yolo_v5(yolo / "labels", image_folder=tmp_path / "images")
    # It looks for files that are called as the images, which have no ending in this format.
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in (tmp_path / "images").iterdir():
        (bare / path.stem).write_bytes(path.read_bytes())
    for annotations in (
        globox.from_coco(tmp_path / "c.json"),
        globox.from_cvat(tmp_path / "c.xml"),
        # Globox takes the coordinates of Pascal VOC for edges, as origin=0 does. Files counted
        # from 1 are read half a pixel off by it: one on the left and on top, none on the right.
        globox.from_pascal_voc(tmp_path / "voc"),
        globox.from_openimage(tmp_path / "o.csv", image_folder=bare),
        labels.map_labels({str(number): name for number, name in names.items()}),
    ):
        assert as_globox(annotations) == expected()


def test_supervision_reads_what_is_written(table, tmp_path):
    detections = pytest.importorskip("supervision").DetectionDataset
    images = str(tmp_path / "images")
    kb.write_coco(table, tmp_path / "c.json")
    # It takes Pascal VOC to count pixels from 1, as its writer here does.
    kb.write_voc(table, tmp_path / "voc", origin=1)
    yolo = kb.write_yolo(table, tmp_path, lossy="allow")
    coco = detections.from_coco(images, str(tmp_path / "c.json"))
    text = detections.from_yolo(images, str(tmp_path / "labels"), str(yolo))
    voc = detections.from_pascal_voc(images, str(tmp_path / "voc"))
    for dataset in (coco, text, voc):
        found = []
        for path, _, boxes in dataset:
            for box, class_id in zip(boxes.xyxy, boxes.class_id, strict=True):
                place = (round(float(edge), 3) for edge in box)
                found.append((path[-5:-4], dataset.classes[class_id], *place))
        assert sorted(found) == expected()


def test_pycocotools_reads_what_is_written_and_the_reverse(table, tmp_path):
    COCO = pytest.importorskip("pycocotools.coco").COCO
    coco = COCO(kb.write_coco(table, tmp_path / "c.json"))
    found = []
    for annotation in coco.loadAnns(coco.getAnnIds()):
        x, y, width, height = annotation["bbox"]
        (image,) = coco.loadImgs(annotation["image_id"])
        (category,) = coco.loadCats(annotation["category_id"])
        stem = image["file_name"].removesuffix(".jpg")
        found.append((stem, category["name"], x, y, x + width, y + height))
    assert sorted(found) == expected()


def test_real_files_are_read_as_globox_reads_them(data_dir, tmp_path):
    globox = pytest.importorskip("globox").AnnotationSet
    folder = tmp_path / "voc"
    folder.mkdir()
    for path in (data_dir / "data" / "formats" / "voc").glob("*.xml"):
        if path.stem != "apple_1":  # states a size of 0 x 0, which globox refuses
            (folder / path.name).write_bytes(path.read_bytes())
    table = kb.read_voc(folder, origin=0)
    sizes = table[["width", "height"]].to_numpy()
    ours = sorted(
        (row.filename.removesuffix(".jpg"), row.class_name,
         round(row.x_min * w, 3), round(row.y_min * h, 3), round(row.x_max * w, 3),
         round(row.y_max * h, 3))
        for row, (w, h) in zip(table.itertuples(), sizes, strict=True)
    )  # fmt: skip
    assert ours == as_globox(globox.from_pascal_voc(folder))
