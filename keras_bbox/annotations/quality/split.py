"""A table of boxes in parts: by image and group, each class with its share, the same every time."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from keras_bbox.annotations.quality.copies import connected
from keras_bbox.annotations.quality.report import Report
from keras_bbox.annotations.quality.survey import image_names

NO_CLASS = ""


class _Unit(NamedTuple):
    """Images that stay together."""

    key: str
    images: list[str]
    counts: np.ndarray  # images with each class


def split(
    annotations: pd.DataFrame,
    fractions: Mapping[str, float],
    *,
    group: str | Sequence[Hashable] | None = None,
    report: Report | None = None,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """Splits a table of boxes so that no image is in two parts and each class is in all.

    All rows of an image go to one part, and so do the images of a group (a scene, a person, a
    video) and, with a report, the images that it found to be the same or nearly so. Under these
    rules every class, also among several in an image, gets its share of images in each part as
    nearly as can be (iterative stratification, Sechidis, Tsoumakas & Vlahavas, "On the
    stratification of multi-label data", ECML PKDD 2011). Negatives count as a class.

    The parts depend on the images, their classes, the groups and the seed, not on the order of the
    rows. Files stay where they are: all parts have the folder of images of the given table.

    Args:
        annotations: A table of boxes.
        fractions: The share of the images for each part, by its name. They add up to 1.
        group: The column that names each row's group, or a value for each row. Rows without a
            value are in no group.
        report: Of ``check(annotations, image_dir)``; keeps copies of a picture together.
        seed: Another seed makes other parts.

    Returns:
        A table for each part by its name, with the rows and index of the given table in its order.

    Raises:
        ValueError: If fractions are not positive or do not add up to 1, a row names no image, or
            the group is no column and has not a value for each row.

    Example:
        >>> import keras_bbox as kb, pandas as pd
        >>> rows = [[f"{k}.jpg", 0.1, 0.5, 0.1, 0.5, "cake" if k % 2 else "pie"] for k in range(20)]
        >>> columns = ["filename", "x_min", "x_max", "y_min", "y_max", "class_name"]
        >>> parts = kb.annotations.split(pd.DataFrame(rows, columns=columns),
        ...                              {"train": 0.8, "test": 0.2})
        >>> {name: dict(sorted(part["class_name"].value_counts().items()))
        ...  for name, part in parts.items()}
        {'train': {'cake': 8, 'pie': 8}, 'test': {'cake': 2, 'pie': 2}}
    """
    _check_fractions(fractions)
    names = image_names(annotations)
    if (names == "").any():
        row = int(np.flatnonzero(names == "")[0])
        raise ValueError(f"Every row must name its image. Fill it in. Received: row {row} without")
    units = _make_units(annotations, names, _links(annotations, names, group, report))
    part_of = _distribute(units, np.array(list(fractions.values()), float), seed)
    parts = np.array([part_of[name] for name in names], int)
    return {name: annotations[parts == place] for place, name in enumerate(fractions)}


def _check_fractions(fractions: Mapping[str, float]) -> None:
    values = list(fractions.values())
    if not values or min(values) <= 0 or abs(sum(values) - 1) > 1e-6:
        raise ValueError(
            "Fractions must be above 0 and add up to 1. Give for example "
            f"{{'train': 0.8, 'val': 0.2}}. Received: fractions={dict(fractions)}"
        )


def _links(
    annotations: pd.DataFrame,
    names: np.ndarray,
    group: str | Sequence[Hashable] | None,
    report: Report | None,
) -> list[list[str]]:
    """Lists of images that stay together."""
    together: dict[Hashable, list[str]] = defaultdict(list)
    for name, value in zip(names, _groups(annotations, group), strict=True):
        if not pd.isna(value):  # type: ignore[call-overload]
            together[value].append(name)
    copies = report.copies if report is not None else None
    near = [[image.name for image in images] for images in copies.near] if copies else []
    return [*together.values(), *near]


def _groups(
    annotations: pd.DataFrame, group: str | Sequence[Hashable] | None
) -> Iterable[Hashable]:
    if group is None:
        return [None] * len(annotations)
    if isinstance(group, str):
        if group not in annotations:
            raise ValueError(
                "group must be a column of the table, or a value for each row. "
                f"Received: group={group!r}, columns={list(annotations.columns)}"
            )
        return annotations[group]
    if len(group) != len(annotations):
        raise ValueError(
            "group must have a value for each row. "
            f"Received: {len(group)} values for {len(annotations)} rows"
        )
    return group


def _make_units(
    annotations: pd.DataFrame, names: np.ndarray, links: Sequence[Sequence[str]]
) -> list[_Unit]:
    images = sorted(set(names))
    place = {name: k for k, name in enumerate(images)}
    pairs = [
        (place[linked[0]], place[name])
        for linked in ([name for name in link if name in place] for link in links)
        for name in linked[1:]
    ]
    classes = annotations["class_name"].astype(object).where(annotations["class_name"].notna(), "")
    ids = {name: k for k, name in enumerate(sorted(set(classes), key=str))}
    has = np.zeros((len(images), len(ids)), np.int64)
    has[[place[name] for name in names], [ids[name] for name in classes]] = 1
    return [
        _Unit(images[group[0]], [images[k] for k in group], has[group].sum(axis=0))
        for group in connected(len(images), pairs)
    ]


def _distribute(units: Sequence[_Unit], fractions: np.ndarray, seed: int) -> dict[str, int]:
    """The part of each image: the rarest class first, each unit where most of it is wanted."""
    if not units:
        return {}
    numbers = {unit.key: _number(seed, unit.key) for unit in units}
    # Large units first: what is left evens out what they cannot.
    waiting = sorted(units, key=lambda unit: (-len(unit.images), numbers[unit.key], unit.key))
    counts = np.stack([unit.counts for unit in waiting])
    wanted = fractions[:, None] * counts.sum(axis=0)
    wanted_images = fractions * sum(len(unit.images) for unit in waiting)
    left = counts.sum(axis=0)
    open_units = np.ones(len(waiting), bool)
    part_of: dict[str, int] = {}
    while (left > 0).any():
        rarest = int(np.argmin(np.where(left > 0, left, left.max() + 1)))
        for k in np.flatnonzero(open_units & (counts[:, rarest] > 0)):
            unit = waiting[k]
            part = _choose(wanted[:, rarest], wanted_images, numbers[unit.key])
            wanted[part] -= unit.counts
            wanted_images[part] -= len(unit.images)
            left -= unit.counts
            open_units[k] = False
            part_of.update(dict.fromkeys(unit.images, part))
    return part_of


def _choose(wanted: np.ndarray, wanted_images: np.ndarray, number: int) -> int:
    # Rounded, so that what is equal but for the last digit is decided by the number.
    order = np.roll(np.arange(len(wanted)), number % len(wanted))
    rank = np.lexsort([np.argsort(order), -wanted_images.round(9), -wanted.round(9)])
    return int(rank[0])


def _number(seed: int, key: str) -> int:
    digest = hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
