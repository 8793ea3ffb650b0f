"""YOLO: a text file an image with normalized boxes, and a YAML file that names the classes."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd
import yaml

from keras_bbox.annotations.documents import (
    MAX_BYTES_OF_ONE_IMAGE,
    load_yaml,
    read_text,
    split_lines,
    write_whole,
)
from keras_bbox.annotations.found import Edges, FoundBox, FoundImage, hull, make_table
from keras_bbox.annotations.given import class_ids, given_images
from keras_bbox.annotations.paths import images_below, inner_name
from keras_bbox.annotations.problems import Problems, Unreadable, Unusable, show, to_number

SPLITS = ("train", "val", "test")
MAX_BYTES_OF_YAML = 1_000_000
DECIMALS = 6


class _Set(NamedTuple):
    """A data set: its folder, where its image names begin, its classes."""

    root: Path
    image_dir: Path
    class_names: Mapping[int, str]
    max_bytes: int


def read_yolo(
    path: str | PathLike[str],
    image_dir: str | PathLike[str] | None = None,
    *,
    class_names: Sequence[str] | None = None,
    errors: str = "raise",
    max_bytes: int = MAX_BYTES_OF_ONE_IMAGE,
) -> pd.DataFrame:
    """Reads a YOLO data set, as YOLOv5 and later lay it out.

    The label file of an image has its path with the last ``images`` folder replaced by
    ``labels``. An image with an empty label file, or without one, is a negative. A sixth number
    in a line is a confidence; more make a polygon, which becomes the box round it.

    Args:
        path: ``data.yaml`` or the folder that holds it. A folder without one may hold
            ``classes.txt``.
        image_dir: The folder that file names in the table are to begin in, such as
            ``dataset/images``; ``None`` for the folder of ``data.yaml``.
        class_names: The classes by id, in place of those of the YAML file.
        errors: ``"raise"``, ``"warn"`` or ``"skip"`` for lines that cannot be used, as in
            ``read_voc``.
        max_bytes: The largest size of one label file.

    Returns:
        A table of boxes with ``filename``, ``split`` (``train``, ``val`` or ``test``, if there is
        a YAML file) and ``confidence``. ``attrs`` holds ``skipped``, ``changed``, ``left_out`` and
        ``class_names``.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: For files and lines that cannot be used, with file, line and value.

    Example:
        >>> import keras_bbox as kb, pathlib, tempfile
        >>> root = pathlib.Path(tempfile.mkdtemp())
        >>> for folder in ("images/train", "labels/train"):
        ...     (root / folder).mkdir(parents=True)
        >>> _ = (root / "data.yaml").write_text("{train: images/train, names: [cake, juice]}")
        >>> _ = (root / "images/train/a.jpg").write_bytes(b"")
        >>> _ = (root / "labels/train/a.txt").write_text("1 0.25 0.5 0.5 0.5")
        >>> table = kb.annotations.read_yolo(root)
        >>> table[["filename", "x_min", "x_max", "y_min", "y_max", "class_name"]].values.tolist()
        [['images/train/a.jpg', 0.0, 0.5, 0.25, 0.75, 'juice']]
    """
    path = Path(path)
    description = find_description(path)
    root = path if path.is_dir() else path.parent
    document = _load(description) if description else {}
    problems = Problems((description or path).name, errors)
    names = _class_names(document, root, class_names, problems.source)
    folder = root if image_dir is None else Path(image_dir)
    dataset = _Set(root, folder, names, max_bytes)
    images = []
    for split, name in _images(document, dataset, problems):
        with problems.of(problems.source, f"image {show(name)}"):
            images.append(_image(name, split, dataset, problems))
    table = make_table(images, problems, folder, relative=True)
    table.attrs["class_names"] = [names[number] for number in sorted(names)]
    return table


def find_description(path: Path) -> Path | None:
    """The YAML file of a data set: itself, data.yaml in the folder, or the only one in it."""
    if not path.is_dir():
        return path
    if os.path.isfile(path / "data.yaml"):
        return path / "data.yaml"
    others = sorted([*path.glob("*.yaml"), *path.glob("*.yml")])
    return others[0] if len(others) == 1 else None


def _load(path: Path) -> Mapping:
    document = load_yaml(path, MAX_BYTES_OF_YAML)
    if not isinstance(document, dict):
        raise Unreadable(path.name, f"A mapping is needed. Received: {show(document)}")
    return document


def _class_names(
    document: Mapping, root: Path, given: Sequence[str] | None, source: str
) -> dict[int, str]:
    names: object = document.get("names") if given is None else list(given)
    if names is None and os.path.isfile(root / "classes.txt"):
        lines = split_lines(read_text(root / "classes.txt", MAX_BYTES_OF_YAML), "classes.txt")
        names = [line.strip() for line in lines if line.strip()]
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict):
        raise Unreadable(
            source, f"The classes must be named by names, or class_names. Received: {show(names)}"
        )
    try:
        found = {int(number): name for number, name in names.items()}
    except (TypeError, ValueError):
        raise Unreadable(source, f"Ids must be whole numbers. Received: {show(names)}") from None
    if not all(isinstance(name, str) for name in found.values()):
        raise Unreadable(source, f"Names of classes must be text. Received: {show(names)}")
    return found


def _images(document: Mapping, dataset: _Set, problems: Problems) -> list[tuple[str | None, str]]:
    """Each image of each split, as a path below the data set's folder."""
    if not any(document.get(split) for split in SPLITS):
        return [(None, name) for name in _listed(".", dataset.root)]
    base = document.get("path")
    images: list[tuple[str | None, str]] = []
    for split in SPLITS:
        entries = document.get(split) or []
        for entry in [entries] if isinstance(entries, str) else entries:
            with problems.of(problems.source, split):
                place = _place(entry, base, dataset.root)
                images += [(split, name) for name in _listed(place, dataset.root)]
    return images


def _place(entry: object, base: object, root: Path) -> str:
    """Where an entry of the YAML file is to be found below the data set's folder."""
    if not isinstance(entry, str):
        raise Unusable(f"A split is a folder or a list of images. Received: {show(entry)}")
    tidy = entry.replace("\\", "/").rstrip("/")
    # Exports name folders beside the YAML file as if they lay beside its folder.
    relative = re.sub(r"^(\.\./)+", "", tidy)
    candidates = [f"{base}/{tidy}", tidy, relative] if isinstance(base, str) else [tidy, relative]
    inner = [
        place for place in map(posixpath.normpath, candidates)
        if not place.startswith(("/", "..")) and ":" not in place[:2]
    ]  # fmt: skip
    if not inner:
        return _end_of_folder(tidy, root)
    return next((place for place in inner if os.path.exists(root / place)), inner[0])


def _end_of_folder(path: str, root: Path) -> str:
    """The longest end of another machine's path that is there below the folder."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    ends = ("/".join(parts[start:]) for start in range(len(parts)))
    found = next((end for end in ends if os.path.exists(root / end)), None)
    if found is None:
        raise Unusable(
            "A path cannot lead out of the folder of the data set. Correct it, or move the YAML "
            f"file beside the images. Received: {show(path)}"
        )
    return found


def _listed(place: str, root: Path) -> list[str]:
    if place.endswith(".txt"):
        text = read_text(root / place)
        folder = PurePosixPath(place).parent.as_posix()
        lines = [line.strip() for line in split_lines(text, place) if line.strip()]
        return [_listed_image(line, folder, root) for line in lines]
    names = [posixpath.normpath(f"{place}/{name}") for name in images_below(root / place)]
    return names or _labelled(place, root)


def _listed_image(line: str, folder: str, root: Path) -> str:
    if line.startswith("./"):
        return inner_name(f"{folder}/{line}", root)
    return inner_name(line, root)


def _labelled(place: str, root: Path) -> list[str]:
    """The images of label files that came without them."""
    labels = PurePosixPath(_label_file(f"{place}/image")).parent
    if place != "." and not (root / labels).is_dir():
        raise Unusable(f"There is no folder with images or labels. Received: {show(place)}")
    files = sorted((root / labels).rglob("*.txt"))
    below = [file.relative_to(root / labels).with_suffix(".jpg").as_posix() for file in files]
    return [posixpath.normpath(f"{place}/{name}") for name in below if name != "classes.jpg"]


def _label_file(image: str) -> str:
    """The last images/ of the path becomes labels/, and the ending .txt."""
    *folders, name = PurePosixPath(image).with_suffix(".txt").parts
    if "images" in folders:
        last = len(folders) - 1 - folders[::-1].index("images")
        folders[last] = "labels"
    return "/".join([*folders, name])


def _image(name: str, split: str | None, dataset: _Set, problems: Problems) -> FoundImage:
    inside = (dataset.root / name).absolute()
    if not inside.is_relative_to(dataset.image_dir.absolute()):
        raise Unusable(f"The image does not lie in image_dir. Received: {show(name)}")
    filename = inside.relative_to(dataset.image_dir.absolute()).as_posix()
    label = _label_file(name)
    if not os.path.isfile(dataset.root / label):
        return FoundImage(label, filename, None, [], negative=True, split=split)
    text = read_text(dataset.root / label, dataset.max_bytes)
    lines = [(k, line) for k, line in enumerate(split_lines(text, label), 1) if line.strip()]
    boxes = []
    for number, line in lines:
        with problems.of(label, f"line {number}"):
            boxes.append(_box(line, f"line {number}", label, dataset, problems))
    return FoundImage(label, filename, None, boxes, negative=not lines, split=split)


def _box(line: str, what: str, file: str, dataset: _Set, problems: Problems) -> FoundBox:
    numbers = [to_number(word, "number") for word in line.split()]
    if len(numbers) not in (5, 6) and (len(numbers) < 7 or len(numbers) % 2 == 0):
        raise Unusable(
            "A line is a class and a box of four numbers, with or without a confidence, or a "
            f"polygon of three points or more. Received: {show(line)}"
        )
    class_id = numbers[0]
    if class_id not in dataset.class_names:
        raise Unusable(f"class={class_id:g}. There is no such class in names.")
    if len(numbers) >= 7:
        problems.change(file, what, "the box round its polygon was taken.")
        edges = hull(list(zip(numbers[1::2], numbers[2::2], strict=True)))
    else:
        edges = _edges(*numbers[1:5])
    fields = {"confidence": numbers[5]} if len(numbers) == 6 else {}
    return FoundBox(what, dataset.class_names[int(class_id)], edges, fields)


def _edges(x: float, y: float, width: float, height: float) -> Edges:
    if width <= 0 or height <= 0:
        raise Unusable(f"width={width}, height={height}. The sides of a box must be over 0.")
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def write_yolo(
    annotations: pd.DataFrame,
    path: str | PathLike[str],
    *,
    class_names: Sequence[str] | None = None,
    decimals: int = DECIMALS,
    lossy: str = "warn",
) -> Path:
    """Writes a table as a YOLO data set: labels, lists of images and ``data.yaml``.

    The image ``a.jpg`` is expected at ``path/images/a.jpg``; it is not copied. Its labels go to
    ``path/labels/a.txt``, and the list of each split (``train.txt``, ...) names it.

    Args:
        annotations: A table of boxes; its column ``split`` holds ``train``, ``val`` or ``test``,
            and without one all images are for training.
        path: The folder of the data set.
        class_names: The classes by id; ``None`` for those of the table, sorted.
        decimals: How many decimals of a fraction are kept.
        lossy: ``"warn"``, ``"raise"`` or ``"allow"`` for what the files cannot hold.

    Returns:
        The path of ``data.yaml``.

    Raises:
        ValueError: If the table cannot be used, two images would share a label file, or the
            table has a class that is not among the names.

    Example:
        >>> import keras_bbox as kb, pandas as pd, tempfile
        >>> table = pd.DataFrame([dict(filename="a.jpg", x_min=0.0, x_max=0.5, y_min=0.25,
        ...     y_max=1.0, class_name="cake")])
        >>> path = kb.annotations.write_yolo(table, tempfile.mkdtemp())
        >>> (path.parent / "labels" / "a.txt").read_text().split()
        ['0', '0.250000', '0.625000', '0.500000', '0.750000']
    """
    path = Path(path)
    images = given_images(annotations, "yolo", lossy, relative=True)
    ids = class_ids(annotations, class_names, first=0)
    lists: dict[str, list[str]] = {}
    labels: dict[str, str] = {}
    for image in images:
        has_folder = "images" in PurePosixPath(image.filename).parts[:-1]
        name = image.filename if has_folder else f"images/{image.filename}"
        label = _label_file(name)
        if label in labels:
            raise ValueError(
                "Images that differ only in their ending would share a label file. Rename one of "
                f"them. Received: {image.filename!r}"
            )
        labels[label] = "".join(f"{_line(box, ids, decimals)}\n" for box in image.boxes)
        lists.setdefault(_split_of(image.split), []).append(f"./{name}\n")
    for label, text in labels.items():
        write_whole(path / label, text)
    description: dict[str, object] = {"names": {number: name for name, number in ids.items()}}
    for split, lines in lists.items():
        write_whole(path / f"{split}.txt", "".join(lines))
        description[split] = f"{split}.txt"
    text = yaml.safe_dump(description, allow_unicode=True, sort_keys=False)
    return write_whole(path / "data.yaml", text)


def _split_of(value: object) -> str:
    if value is None or value != value:
        return "train"
    if value not in SPLITS:
        raise ValueError(f"split is one of {SPLITS}. Received: split={show(value)}")
    return str(value)


def _line(box: Mapping, ids: Mapping[str, int], decimals: int) -> str:
    x1, x2, y1, y2 = box["x_min"], box["x_max"], box["y_min"], box["y_max"]
    numbers = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]
    smallest = 10.0**-decimals
    numbers[2:] = [max(side, smallest) for side in numbers[2:]]
    words = [f"{number:.{decimals}f}" for number in numbers]
    if "confidence" in box:
        words.append(f"{box['confidence']:.{decimals}f}")
    return " ".join([str(ids[box["class_name"]]), *words])
