"""Which row of a table each sample of an epoch is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

TARGETS = ("each", "largest", "most_central", "random")


class RowOrder:
    """The samples of a table in an order that each epoch draws for itself.

    Args:
        paths: The image of each row.
        boxes: The box of each row, ``xyxy``, shape ``(N, 4)``.
        target: What is a sample, see ``BoundingBoxSequence``.
    """

    def __init__(self, paths: Sequence[Any], boxes: np.ndarray, target: str):
        self._candidates = _candidates(paths, boxes, target)
        self._order: tuple = (None, np.arange(len(self._candidates)))

    def __len__(self) -> int:
        return len(self._candidates)

    def rows(self, chosen: slice, seed: int, epoch: int, *, shuffle: bool) -> np.ndarray:
        """Positions in the table of some samples of an epoch, shape ``(B,)``."""
        drawn_for, order = self._order
        wanted = (seed, epoch) if shuffle else None
        if drawn_for != wanted:
            order = np.arange(len(self))
            if shuffle:
                order = np.random.default_rng([seed, epoch]).permutation(len(self))
            self._order = (wanted, order)  # as one, for the sake of other threads
        return np.array([self._row(sample, seed, epoch) for sample in order[chosen]])

    def _row(self, sample: int, seed: int, epoch: int) -> int:
        candidates = self._candidates[sample]
        if len(candidates) == 1:
            return candidates[0]
        # A generator of its own: that of the row draws the augmentation.
        return np.random.default_rng([seed, epoch, sample, 1]).choice(candidates)


def _candidates(paths: Sequence[Any], boxes: np.ndarray, target: str) -> list[np.ndarray]:
    """The rows that each sample may be, in the order of the table."""
    if target == "each":
        return list(np.arange(len(paths))[:, None])
    rows_of: dict[Any, list[int]] = {}
    for row, path in enumerate(paths):
        rows_of.setdefault(path, []).append(row)
    groups = [np.array(rows) for rows in rows_of.values()]
    if target == "random":
        return groups
    if target == "largest":
        badness = -np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    else:
        badness = np.square(boxes[:, :2] + boxes[:, 2:] - 1).sum(axis=1)
    return [group[[np.argmin(badness[group])]] for group in groups]
