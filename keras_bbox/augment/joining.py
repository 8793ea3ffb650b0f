"""Several samples as one: a partner is drawn, pieces are cut out, and what they hold is joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from keras_bbox import geometry, images
from keras_bbox.augment.sample import Sample

_ROUNDING = 1e-6  # of boxes that were kept as float32


class Samples(Protocol):
    """Anything with a length and samples by number, such as ``kb.ImageSamples`` or a list."""

    def __len__(self) -> int: ...

    def __getitem__(self, k: int, /) -> Sample: ...


def draw_partner(sample: Sample, others: Samples, rng: np.random.Generator) -> Sample:
    """Draws one of the others; a sample without others is its own partner."""
    if not len(others):
        return sample
    k = int(rng.integers(len(others)))
    partner = others[k]
    if not isinstance(partner, Sample):
        raise TypeError(
            "others must hold samples. Make them of an image, boxes and labels with "
            f"kb.augment.Sample. Received: others[{k}] of type {type(partner).__name__}"
        )
    return partner


def enough(shares: np.ndarray, min_visibility: float) -> np.ndarray:
    """Tells which boxes show enough of themselves to be kept: at the least, some of it."""
    return (shares > _ROUNDING) & (shares >= min_visibility - _ROUNDING)


def cut_out(
    sample: Sample,
    matrix: np.ndarray,
    window: tuple[int, int, int, int],
    canvas: tuple[int, int],
    min_visibility: float,
) -> tuple[Sample, np.ndarray]:
    """Shows a sample through a window of a canvas.

    Args:
        sample: The sample.
        matrix: ``(3, 3)``, from its pixels to those of the canvas.
        window: ``xyxy`` in whole pixels of the canvas.
        canvas: ``(height, width)`` in pixels.
        min_visibility: Share of a box that must be seen through the window.

    Returns:
        The window's pixels, and the boxes that are seen, cut at the window, as fractions of the
        canvas; and the share of each of these boxes that is seen.
    """
    x1, y1, x2, y2 = window
    height, width = sample.image.shape[:2]
    boxes = np.asarray(sample.boxes) * (width, height, width, height)
    to_window = geometry.compose(matrix, geometry.translation(-x1, -y1))
    rows, columns = y2 - y1, x2 - x1
    image = images.warp_image(
        sample.image, to_window, height=rows, width=columns, border="replicate"
    )
    shares = geometry.visible_share(boxes, to_window, height=rows, width=columns)
    moved = geometry.transform_boxes(boxes, matrix).clip((x1, y1, x1, y1), (x2, y2, x2, y2))
    moved = moved / (canvas[1], canvas[0], canvas[1], canvas[0])
    keep = enough(shares, min_visibility)
    return sample._replace(image=image, boxes=moved).take(keep), shares[keep]


def join(samples: Sequence[Sample], image: np.ndarray, boxes_like: np.ndarray) -> Sample:
    """Puts the boxes of several samples on one image, one sample after the other.

    Dtypes of labels and columns are those of the first sample. A missing column ``weight`` counts
    as ones.

    Args:
        samples: The samples, their boxes as fractions of the image.
        image: ``uint8``, shape ``(height, width, 3)``.
        boxes_like: Boxes of the dtype that the new ones shall have, if it is a floating one.

    Returns:
        A new sample.

    Raises:
        ValueError: If a column is missing in one of them, or does not fit the first one's dtype.
    """
    columns = [_columns_of(sample, samples) for sample in samples]
    for one in columns[1:]:
        if one.keys() != columns[0].keys():
            raise ValueError(
                "Samples that are mixed must have the same columns. Add the missing ones, or "
                f"leave them out of all. Received: columns={sorted(columns[0])} and {sorted(one)}"
            )
    dtype = np.asarray(boxes_like).dtype
    boxes = np.concatenate([sample.boxes for sample in samples])
    return Sample(
        image,
        boxes.astype(dtype if dtype.kind == "f" else np.float64),
        _joined("labels", [sample.labels for sample in samples]),
        {name: _joined(name, [one[name] for one in columns]) for name in columns[0]},
    )


def with_weight(sample: Sample, share: float) -> Sample:
    """Multiplies the weight of each box, which is 1 where there was none, with a share."""
    weights = np.asarray(sample.columns.get("weight", np.ones(len(sample.boxes)))) * share
    return sample._replace(columns={**sample.columns, "weight": weights.astype(np.float32)})


def _columns_of(sample: Sample, samples: Sequence[Sample]) -> dict[str, np.ndarray]:
    weighed = any("weight" in one.columns for one in samples)
    return dict((with_weight(sample, 1.0) if weighed else sample).columns)


def _joined(name: str, parts: Sequence) -> np.ndarray:
    arrays = [np.asarray(part) for part in parts]
    dtype = arrays[0].dtype
    if len({array.dtype.kind in "biuf" or array.dtype.kind for array in arrays}) == 1:
        joined = np.concatenate(arrays)
        if dtype.kind not in "biuf":
            return joined  # text, which takes the width that it needs
        kept = joined.astype(dtype)
        if dtype.kind == "f" or np.array_equal(kept, joined):
            return kept
    raise ValueError(
        f"{name} of samples that are mixed must fit the dtype of the first one. Convert them "
        f"all to one dtype. Received: {name} of {', '.join(str(array.dtype) for array in arrays)}"
    )
