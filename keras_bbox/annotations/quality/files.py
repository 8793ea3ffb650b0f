"""What is wrong with the image files: absent, broken, of another size, or without a row."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from keras_bbox.annotations.quality.survey import Finding, Survey, is_outside, places
from keras_bbox.images.sizes import image_sizes

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")


def measure(surveys: Sequence[Survey]) -> tuple[list[Survey], list[Finding]]:
    """Reads the headers of all images: the surveys with sizes, and what is wrong with files."""
    tasks = [
        (survey, place, survey.image_dir / name)
        for survey in surveys
        if survey.image_dir is not None
        for place, name in enumerate(survey.images)
        if not is_outside(name)
    ]
    results = image_sizes([path for _, _, path in tasks])
    sizes = {id(survey): survey.sizes.copy() for survey in surveys}
    absent: dict[int, list[str]] = defaultdict(list)
    findings = [finding for survey in surveys for finding in _outside(survey)]
    for (survey, place, path), result in zip(tasks, results, strict=True):
        name = survey.images[place]
        if isinstance(result, FileNotFoundError):
            absent[id(survey)].append(name)
        elif isinstance(result, Exception):
            message = str(result).replace(str(path), name)
            findings.append(survey.image_finding("unreadable-image", name, message))
        else:
            sizes[id(survey)][place] = result
    findings += [finding for survey in surveys for finding in _missing(survey, absent[id(survey)])]
    measured = [dataclasses.replace(survey, sizes=sizes[id(survey)]) for survey in surveys]
    return measured, findings


def _outside(survey: Survey) -> Iterator[Finding]:
    for name in filter(is_outside, survey.images):
        message = f"The path {name!r} is not below the folder of the images."
        yield survey.image_finding("path-outside", name, message)


def _missing(survey: Survey, absent: Sequence[str]) -> Iterator[Finding]:
    if not absent or survey.image_dir is None:
        return
    there = defaultdict(list)
    for name in images_below(survey.image_dir):
        there[_loosely(name)].append(name)
    for name in absent:
        others = there[_loosely(name)]
        message = "There is no such file" + (f", but {others[0]!r} is there." if others else ".")
        yield survey.image_finding(
            "missing-image", name, message, related=others[0] if others else None
        )


def _loosely(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix().casefold()


def images_below(folder: Path) -> list[str]:
    """The image files below a folder, sorted, as paths below it; none that begins with a dot."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_ENDINGS and not path.name.startswith(".")
    )


def check_unannotated(surveys: Sequence[Survey]) -> Iterator[Finding]:
    """Finds the images in the folders that no row of any split tells about."""
    named: dict[Path, set[str]] = defaultdict(set)
    last: dict[Path, Survey] = {}
    for survey in surveys:
        if survey.image_dir is not None:
            named[survey.image_dir].update(survey.images)
            last.setdefault(survey.image_dir, survey)
    for folder, survey in last.items():
        shared = sum(other.image_dir == folder for other in surveys) > 1
        for name in images_below(folder):
            if name not in named[folder]:
                message = "No row tells about this image."
                split = "" if shared else survey.split
                yield Finding("unannotated-image", split, None, name, message)


def check_sizes(survey: Survey) -> Iterator[Finding]:
    """Finds images whose size is not what columns ``height`` and ``width`` say; once an image."""
    if not {"height", "width"} <= set(survey.table):
        return
    stated = np.column_stack(
        [pd.to_numeric(survey.table[side], errors="coerce") for side in ("height", "width")]
    ).astype(np.float64)
    # A size of 0 x 0 is how some tools say that they do not know it.
    comparable = (stated > 0).all(axis=1) & (survey.row_sizes > 0).all(axis=1)
    seen = set()
    for row in places(comparable & (stated != survey.row_sizes).any(axis=1)):
        if survey.names[row] in seen:
            continue
        seen.add(survey.names[row])
        height, width = map(int, survey.row_sizes[row])
        said = f"{stated[row, 0]:.6g} x {stated[row, 1]:.6g}"
        swapped = tuple(stated[row]) == (width, height)
        message = f"The table says height x width {said}, the file has {height} x {width}."
        kind = "swapped-size" if swapped else "size-mismatch"
        yield survey.finding(kind, row, message, said, f"{height} x {width}")
