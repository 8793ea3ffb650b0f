"""Small annotation files and the images they tell of, for the tests of readers."""

from __future__ import annotations

import json
import struct
from pathlib import Path

EDGES = ["x_min", "x_max", "y_min", "y_max"]


def add_image(folder: Path, name: str, height: int, width: int) -> Path:
    """A file that is no more than the header of a bitmap, whatever its ending says."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<2sIHHIIHHHH", b"BM", 26, 0, 0, 26, 12, width, height, 1, 24))
    return path


def write_json(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document))
    return path


def voc(objects: str, *, name="a.jpg", size="<width>100</width><height>50</height>") -> str:
    return (
        f"<annotation><folder>x</folder><filename>{name}</filename>"
        f"<path>C:\\else\\where.jpg</path><size>{size}</size>{objects}</annotation>"
    )


def voc_box(xmin, ymin, xmax, ymax, name="dog", more="") -> str:
    return (
        f"<object><name>{name}</name>{more}<bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin>"
        f"<xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox></object>"
    )


def pixels(table, width=100, height=50) -> list[list[float]]:
    """The boxes (x1, x2, y1, y2) in pixels, rounded to 9 decimals."""
    scaled = table[EDGES].to_numpy(float) * [width, width, height, height]
    return scaled.round(9).tolist()
