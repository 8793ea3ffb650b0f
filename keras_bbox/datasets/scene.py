"""One picture: snacks on a table, with a map that says which pixel shows which of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .menu import SNACK_CLASSES
from .photo import Item, lay_down, overlap, photograph
from .staging import backdrop, clutter_behind, clutter_in_front, place_snacks
from .textures import Light

COUNT_SHARES = (0.84, 0.11, 0.05)  # pictures that try for one, two and three snacks
SAME_CLASS = 0.4  # how often a further snack is of the first one's class
OCCLUDED = 0.12  # how often something lies in front
LEAST_VISIBLE = 0.6  # what it must leave of every snack


@dataclass(frozen=True)
class Scene:
    """A drawn picture and its truth.

    Args:
        image: uint8 RGB `(H, W, 3)`.
        owners: uint8 `(H, W)`: 0 where no snack is seen, `k + 1` where snack k is.
        class_names: the class of each snack, the main one first.
    """

    image: np.ndarray
    owners: np.ndarray
    class_names: tuple[str, ...]

    def boxes(self) -> np.ndarray:
        """The extent of each snack's visible pixels: float64 `(snacks, 4)`, `rel_xyxy`."""
        return np.array([mask_box(self.owners == k + 1) for k in range(len(self.class_names))])


def mask_box(mask: np.ndarray) -> tuple[float, float, float, float]:
    """The half-open extent of a mask `(H, W)` in fractions of its sides: x1, y1, x2, y2."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    x1, x2 = float(columns[0] / width), float((columns[-1] + 1) / width)
    y1, y2 = float(rows[0] / height), float((rows[-1] + 1) / height)
    return x1, y1, x2, y2


def draw_scene(
    seed: int, index: int, height: int, width: int, class_names: Sequence[str] = SNACK_CLASSES
) -> Scene:
    """Draw picture `index` of the set `seed`; the classes take turns as its main snack.

    A snack owns the pixels that it covers at least half and that nothing in front covers.
    """
    rng = np.random.default_rng([seed, index])
    light = Light.draw(rng)
    names = _class_names(rng, index, class_names)
    items, names = place_snacks(rng, light, names, height, width)
    planes = backdrop(rng, items, height, width)
    for thing in clutter_behind(rng, light, items, height, width):
        lay_down(planes, thing, light)
    owners = np.zeros((height, width), np.uint8)
    for k in sorted(range(len(items)), key=lambda k: items[k].bottom):
        lay_down(planes, items[k], light)
        _own(owners, items[k], k + 1)
    if rng.random() < OCCLUDED:
        thing = clutter_in_front(rng, light, items[0])
        remaining = _own(owners.copy(), thing, 0)
        if _visible(remaining, owners, len(items)) >= LEAST_VISIBLE:
            lay_down(planes, thing, light)
            owners = remaining
    return Scene(photograph(rng, planes, light), owners, tuple(names))


def _class_names(rng: np.random.Generator, index: int, class_names: Sequence[str]) -> list[str]:
    names = [class_names[index % len(class_names)]]
    for _ in range(int(rng.choice(len(COUNT_SHARES), p=COUNT_SHARES))):
        same = rng.random() < SAME_CLASS
        names.append(names[0] if same else class_names[int(rng.integers(len(class_names)))])
    return names


def _own(owners: np.ndarray, item: Item, number: int) -> np.ndarray:
    frame, part = overlap(item, *owners.shape)
    owners[frame][item.solid()[part]] = number
    return owners


def _visible(after: np.ndarray, before: np.ndarray, count: int) -> float:
    # The smallest part that is left of any snack.
    numbers = range(1, count + 1)
    return min(float((after == k).sum() / (before == k).sum()) for k in numbers)
