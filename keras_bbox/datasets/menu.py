"""The twenty snacks: who paints them, how they stand and how far they may be turned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import bakery, counter, garden, orchard, patisserie, sweets
from .canvas import Canvas


@dataclass(frozen=True)
class Recipe:
    """One way to show a snack.

    Args:
        paint: draws it on a canvas.
        standing: it stands on the table and is seen from the side, else it lies, seen from above.
        turn: by how many degrees it may be turned to either side.
        share: weight among the recipes of the same snack.
    """

    paint: Callable[[Canvas, np.random.Generator], None]
    standing: bool
    turn: float
    share: float = 1.0


MENU: dict[str, tuple[Recipe, ...]] = {
    "apple": (Recipe(orchard.apple, True, 20), Recipe(orchard.apple, False, 180)),
    "banana": (Recipe(orchard.banana, False, 180),),
    "cake": (Recipe(patisserie.cake_slice, True, 5), Recipe(patisserie.whole_cake, True, 4)),
    "candy": (
        Recipe(sweets.wrapped_candy, False, 180, 0.45),
        Recipe(sweets.lollipop, False, 180, 0.35),
        Recipe(sweets.handful, False, 180, 0.2),
    ),
    "carrot": (Recipe(garden.carrot, False, 180),),
    "cookie": (Recipe(bakery.cookie, False, 180),),
    "doughnut": (Recipe(bakery.doughnut, False, 180),),
    "grape": (Recipe(orchard.grape, False, 50),),
    "hot dog": (Recipe(counter.hot_dog, True, 10, 0.4), Recipe(counter.hot_dog, False, 180, 0.6)),
    "ice cream": (
        Recipe(sweets.ice_cream_cone, True, 14, 0.5),
        Recipe(sweets.ice_cream_cone, False, 180, 0.2),
        Recipe(sweets.popsicle, False, 180, 0.3),
    ),
    "juice": (
        Recipe(counter.juice_glass, True, 3, 0.75),
        Recipe(counter.juice_carton, True, 5, 0.25),
    ),
    "muffin": (Recipe(patisserie.muffin, True, 10),),
    "orange": (Recipe(orchard.orange, True, 60, 0.4), Recipe(orchard.orange, False, 180, 0.6)),
    "pineapple": (
        Recipe(orchard.pineapple, True, 8, 0.6),
        Recipe(orchard.pineapple, False, 180, 0.4),
    ),
    "popcorn": (
        Recipe(counter.popcorn, True, 7, 0.75),
        Recipe(counter.popcorn_bowl, False, 180, 0.25),
    ),
    "pretzel": (Recipe(bakery.pretzel, False, 180),),
    "salad": (Recipe(garden.salad, True, 3),),
    "strawberry": (Recipe(garden.strawberry, False, 180),),
    "waffle": (Recipe(bakery.waffle, False, 180),),
    "watermelon": (
        Recipe(garden.watermelon, False, 180, 0.7),
        Recipe(garden.watermelon, True, 15, 0.3),
    ),
}

SNACK_CLASSES = tuple(sorted(MENU))


def choose(rng: np.random.Generator, class_name: str) -> Recipe:
    """One of the recipes of a snack."""
    recipes = MENU[class_name]
    share = np.array([recipe.share for recipe in recipes])
    return recipes[int(rng.choice(len(recipes), p=share / share.sum()))]
