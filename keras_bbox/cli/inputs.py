"""From the words of a command line to tables, folders and places to write."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from keras_bbox import annotations as api

TABLE_COLUMNS = {"x_min", "x_max", "y_min", "y_max", "class_name"}


def named(words: Sequence[str]) -> dict[str, str]:
    """Takes ``NAME=VALUE`` words apart; a single word without a name gets the empty one."""
    pairs = {}
    for word in words:
        name, mark, value = word.partition("=")
        name, value = (name, value) if mark else ("", word)
        if name in pairs or (not name and len(words) > 1):
            raise ValueError(
                "Several splits are named, each once, such as train=train.csv val=val.csv. "
                f"Received: {' '.join(words)}"
            )
        pairs[name] = value
    return pairs


def shares(words: Sequence[str]) -> dict[str, float]:
    """Takes ``NAME=SHARE`` words apart."""
    try:
        return {name: float(value) for name, value in named(words).items()}
    except ValueError as error:
        raise ValueError(
            f"Parts are given as train=0.8 val=0.2. Received: {' '.join(words)}"
        ) from error


def read_raw(path: str, image_dir: str | None) -> pd.DataFrame:
    """Reads a table as it stands: what validation would refuse is for the check to find."""
    if not Path(path).exists():
        raise FileNotFoundError(f"There is no such file or folder. Received: {path}")
    if not _is_table(path):
        return api.read(path, image_dir, errors="warn")
    return pd.read_csv(path, encoding="utf-8-sig", dtype=str, keep_default_na=False, na_values=[""])


def read_valid(path: str, image_dir: str | None = None, errors: str = "raise") -> pd.DataFrame:
    """Reads a table that is checked."""
    if _is_table(path) and errors == "raise":
        return api.read_csv(path)
    return api.read(path, image_dir, errors=errors)


def _is_table(path: str) -> bool:
    """Whether a file begins like the CSV of a table of boxes."""
    if not Path(path).is_file():
        return False
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        head = next(csv.reader([file.readline(100_000)]), [])
    return set(head) >= TABLE_COLUMNS


def folders(words: Sequence[str]) -> Any:
    """A folder, or one for each split by name; ``None`` where there is none."""
    if not words:
        return None
    pairs = named(words)
    return pairs.get("", pairs)


def check_free(path: str | None, force: bool) -> None:
    """Refuses to write where something is, unless that is wanted."""
    if path is None or force:
        return
    place = Path(path)
    if place.is_file() or (place.is_dir() and any(place.iterdir())):
        raise FileExistsError(f"Pass --force to overwrite what is there. Received: {path}")


def write_table(table: pd.DataFrame, path: str | Path) -> Path:
    """Writes a CSV file, complete or not at all, without judging what is in it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    table.to_csv(unfinished, index=False)
    os.replace(unfinished, path)
    return path
