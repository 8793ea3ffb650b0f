"""The snacks data set on disk: pictures and tables of boxes, in the layout of a class a folder."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from ..images import write_image
from .menu import SNACK_CLASSES
from .scene import Scene, draw_scene

COLUMNS = ("image_id", "x_min", "x_max", "y_min", "y_max", "class_name", "folder")
SPLITS: Mapping[str, float] = {"train": 0.7, "val": 0.15, "test": 0.15}
MARKER = "snacks.json"
DRAWING = 1  # raise it when the same arguments draw other pictures: old folders are not reused then
SMALLEST = 32

Row = tuple[str, float, float, float, float, str, str]


def make_snacks(
    n: int = 2000,
    image_size: int | tuple[int, int] = 256,
    seed: int = 0,
    *,
    directory: str | os.PathLike[str],
    splits: Mapping[str, float] = SPLITS,
    class_names: Sequence[str] = SNACK_CLASSES,
    workers: int | None = None,
    verbose: bool = False,
) -> Path:
    """Draws pictures of snacks with exact boxes, and writes them as a data set.

    The folder holds `annotations-{split}.csv` for each split and the pictures as
    `{split}/{folder}/{image_id}.jpg`, where `folder` is the class of the main snack. Some pictures
    hold several snacks: one row each. A box is the extent of the pixels that show the snack: what
    lies in front of it, or beyond the edge of the image, is left out, and so is its shadow.

    Picture k of a size and a choice of classes depends on `seed` and k only, not on `n`, the splits
    or the workers. The classes take turns, so each has its share of every split. The same arguments
    write the same bytes (with the same versions of NumPy and OpenCV), and a folder made by them
    before is used as it is.

    Args:
        n: Number of pictures.
        image_size: Side of the pictures in pixels, or `(height, width)`.
        seed: Another seed draws other pictures. Not negative.
        directory: Where to write: a folder that is new, empty, or made with the same arguments.
        splits: Share of the pictures for each split, by its name. They add up to 1; a split too
            small for a single picture is not written.
        class_names: The snacks to draw, of `SNACK_CLASSES`.
        workers: Number of threads; by default one for each processor.
        verbose: Whether to print the progress.

    Returns:
        The folder.

    Raises:
        ValueError: If a number is out of range, a class is unknown or the shares do not add up.
        FileExistsError: If the folder holds anything else.

    Example:
        >>> import tempfile
        >>> import keras_bbox as kb
        >>> folder = kb.datasets.make_snacks(20, 64, directory=tempfile.mkdtemp())
        >>> sorted(path.name for path in folder.glob("*.csv"))
        ['annotations-test.csv', 'annotations-train.csv', 'annotations-val.csv']
        >>> (folder / "train" / "hot dog" / "snacks_0_00008.jpg").exists()
        True
    """
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    class_names = tuple(class_names)
    _check_numbers(n, height, width, seed)
    _check_class_names(class_names)
    split_of = _split_names(n, splits)
    made_by = {
        "drawing": DRAWING,
        "n": n,
        "image_size": [height, width],
        "seed": seed,
        "splits": dict(splits),
        "class_names": list(class_names),
    }
    folder = Path(directory)
    if _is_finished(folder, made_by):
        return folder
    _mark(folder, made_by, finished=False)

    def draw(index: int) -> list[Row]:
        scene = draw_scene(seed, index, height, width, class_names)
        return _write_scene(folder / split_of[index], f"snacks_{seed}_{index:05d}", scene)

    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        rows = list(_counted(pool.map(draw, range(n)), n, verbose))
    for split in dict.fromkeys(split_of):
        chosen = (rows[index] for index in range(n) if split_of[index] == split)
        _write_table(folder / f"annotations-{split}.csv", chain.from_iterable(chosen))
    _mark(folder, made_by, finished=True)
    return folder


def _write_scene(folder: Path, image_id: str, scene: Scene) -> list[Row]:
    main = scene.class_names[0]
    write_image(folder / main / f"{image_id}.jpg", scene.image)
    found = zip(scene.boxes().tolist(), scene.class_names, strict=True)
    return [(image_id, x1, x2, y1, y2, name, main) for (x1, y1, x2, y2), name in found]


def _split_names(n: int, splits: Mapping[str, float]) -> list[str]:
    # The split of each picture: runs, so that the classes, which take turns, are in all of them.
    total = sum(splits.values())
    if not splits or abs(total - 1.0) > 1e-6 or min(splits.values()) < 0.0:
        raise ValueError(
            "The shares of the splits must be positive and add up to 1. Give for example "
            f"{{'train': 0.8, 'val': 0.2}}. Received: splits={dict(splits)}"
        )
    names: list[str] = []
    reached = 0.0
    for split, share in splits.items():
        reached += share
        names += [split] * (round(reached * n) - len(names))
    return names


def _check_numbers(n: int, height: int, width: int, seed: int) -> None:
    if n < 1:
        raise ValueError(f"There must be a picture to draw. Give n of 1 or more. Received: n={n}")
    if min(height, width) < SMALLEST:
        raise ValueError(
            f"A picture needs {SMALLEST} pixels a side to show a snack. Give a larger image_size. "
            f"Received: image_size={(height, width)}"
        )
    if seed < 0:
        raise ValueError(f"A seed is not negative. Give 0 or more. Received: seed={seed}")


def _check_class_names(class_names: tuple[str, ...]) -> None:
    unknown = sorted(set(class_names) - set(SNACK_CLASSES))
    if unknown or not class_names or len(set(class_names)) < len(class_names):
        raise ValueError(
            "Only the snacks of SNACK_CLASSES can be drawn, each named once. Choose from "
            f"{', '.join(SNACK_CLASSES)}. Received: class_names={class_names}"
        )


def _is_finished(folder: Path, made_by: Mapping[str, object]) -> bool:
    # A folder that these arguments began but did not finish is drawn anew: the same bytes.
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    problem = "it is not empty, and make_snacks did not write it"
    if (folder / MARKER).is_file():
        found = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        finished = found.pop("finished")
        if found == made_by:
            return finished
        problem = f"the {MARKER} in it tells that it was made with other arguments"
    raise FileExistsError(
        "make_snacks does not write over other data. Name a new folder, or remove this one: "
        f"{problem}. Received: directory={str(folder)!r}"
    )


def _mark(folder: Path, made_by: Mapping[str, object], *, finished: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**made_by, "finished": finished}, indent=2)
    (folder / MARKER).write_text(text + "\n", encoding="utf-8")


def _write_table(path: Path, rows: Iterable[Row]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def _counted(results: Iterable[list[Row]], n: int, verbose: bool) -> Iterable[list[Row]]:
    for done, result in enumerate(results, start=1):
        yield result
        if verbose and (done % 50 == 0 or done == n):
            print(f"\rdrawing snacks: {done}/{n}", end="" if done < n else "\n", flush=True)
