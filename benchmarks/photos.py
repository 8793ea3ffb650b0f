"""Generated photos with boxes for the benchmarks: JPEG files about as long as real ones."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd


class Photos(NamedTuple):
    paths: list[str]
    boxes: np.ndarray  # (N, 4), rel_xyxy
    labels: np.ndarray  # (N,)
    table: pd.DataFrame


def texture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Smooth fields of every size, the fine ones faint, as in a photo, under flat shapes."""
    field = np.zeros((height, width, 3), np.float32)
    for cells in (3, 6, 12, 24, 48, 96, 192):
        noise = rng.normal(size=(cells, cells, 3)).astype(np.float32)
        gray = noise.mean(axis=2, keepdims=True) * 1.5
        field += cv2.resize(0.4 * noise + gray, (width, height), interpolation=cv2.INTER_CUBIC) / (
            cells**0.7
        )
    image = np.clip(128 + 90 * field / field.std() * 0.6, 0, 255)
    for _ in range(6):
        center = tuple(int(v) for v in rng.uniform((0, 0), (width, height)))
        axes = tuple(int(v) for v in rng.uniform(0.03, 0.2, 2) * width)
        color = tuple(float(v) for v in rng.uniform(0, 255, 3))
        cv2.ellipse(image, center, axes, rng.uniform(0, 180), 0, 360, color, -1, cv2.LINE_AA)
    return np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


def make_photos(folder: Path, height: int, width: int, count: int) -> Photos:
    rng = np.random.default_rng(height)
    options = [cv2.IMWRITE_JPEG_QUALITY, 92]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    folder.mkdir()
    paths = [str(folder / f"{k:04}.jpg") for k in range(count)]
    for path in paths:
        cv2.imwrite(path, texture(rng, height, width), options)
    low, high = rng.uniform(0.1, 0.4, (count, 2)), rng.uniform(0.6, 0.9, (count, 2))
    boxes = np.hstack([low, high])
    table = pd.DataFrame(
        {
            "image_id": [Path(path).stem for path in paths],
            "x_min": boxes[:, 0],
            "x_max": boxes[:, 2],
            "y_min": boxes[:, 1],
            "y_max": boxes[:, 3],
            "class_name": "snack",
            "folder": "",
        }
    )
    return Photos(paths, boxes, np.zeros(count, np.int32), table)
