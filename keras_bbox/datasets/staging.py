"""Who goes where: snacks find their places, plates and other clutter go behind and in front."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import clutter
from .canvas import Canvas
from .menu import Recipe, choose
from .photo import Item, overlap
from .surfaces import from_above, from_aside
from .textures import Light

OVERSIZE = (1.15, 2.0)  # things are painted too large and shrunk, the small ones more: smooth edges
PAINTED_SIDE = 150  # pixels that are worth while to paint
SIZES = (0.2, 0.85)  # longer side of a snack, in shorter sides of the image
TOWARDS_LARGE = 0.7  # below 1: more snacks that are large
MOST_WITH_OTHERS = 0.5  # the largest size where a picture holds several
MOST_HIDDEN = 0.3  # largest part of a snack that another may cover
CUT_SHARE, CUT = 0.08, 0.2  # how often a snack may leave the image, and by how much of its size

LYING_CLUTTER = (
    clutter.napkin,
    clutter.fork,
    clutter.spoon,
    clutter.knife,
    clutter.mug,
    clutter.crumbs,
    clutter.pebble,
)
STANDING_CLUTTER = (clutter.jar, clutter.pebble)
FRONT_CLUTTER = (clutter.napkin, clutter.fork, clutter.spoon, clutter.pebble)


def place_snacks(
    rng: np.random.Generator, light: Light, class_names: Sequence[str], height: int, width: int
) -> tuple[list[Item], list[str]]:
    """Paint snacks and find each a place; one that finds none is left out, never the first."""
    items: list[Item] = []
    placed: list[str] = []
    largest = SIZES[1] if len(class_names) == 1 else MOST_WITH_OTHERS
    for name in class_names:
        share = SIZES[0] + (largest - SIZES[0]) * rng.random() ** TOWARDS_LARGE
        side = share * min(height, width)
        item = painted(rng, light, choose(rng, name), side)
        beyond = CUT if rng.random() < CUT_SHARE else 0.0
        for _ in range(10):
            _move(rng, item, height, width, beyond)
            if all(hidden_share(item, other) <= MOST_HIDDEN for other in items):
                items.append(item)
                placed.append(name)
                break
    return items, placed


def painted(rng: np.random.Generator, light: Light, recipe: Recipe, side: float) -> Item:
    """A recipe painted with a random turn, aspect and mirroring, its longer side as given."""
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    canvas = Canvas(
        _unit(side),
        rng,
        light,
        turn=rng.uniform(-recipe.turn, recipe.turn),
        stretch=(mirror * rng.uniform(0.84, 1.0), rng.uniform(0.84, 1.0)),
    )
    recipe.paint(canvas, rng)
    return Item(canvas.cut_out(max(8, round(side))), recipe.standing)


def hidden_share(first: Item, second: Item) -> float:
    """The larger part that one of two items could cover of the other, whoever is in front."""
    _, tall, wide = second.planes.shape
    inside, own = overlap(first, tall, wide, second.y, second.x)
    solids = first.solid(), second.solid()
    both = solids[0][own] & solids[1][inside]
    return float(both.sum() / min(solid.sum() for solid in solids))


def backdrop(rng: np.random.Generator, items: list[Item], height: int, width: int) -> np.ndarray:
    """The table, and often a wall behind it where all snacks stand: planes `(3, H, W)`."""
    if not all(item.standing for item in items) or rng.random() < 0.3:
        return from_above(rng, height, width)
    foot = min(item.bottom for item in items)
    horizon = round(rng.uniform(0.1, 1.0) * (foot - 0.06 * height))
    return from_aside(rng, height, width, horizon if 0.1 < horizon / height < 0.9 else 0)


def clutter_behind(
    rng: np.random.Generator, light: Light, items: list[Item], height: int, width: int
) -> list[Item]:
    """Up to three things on the table, and now and then a plate or board under the first snack."""
    short, standing = min(height, width), all(item.standing for item in items)
    paints = STANDING_CLUTTER if standing else LYING_CLUTTER
    things = []
    for _ in range(int(rng.choice(4, p=[0.45, 0.3, 0.15, 0.1]))):
        recipe = Recipe(paints[int(rng.integers(len(paints)))], standing, 5 if standing else 180)
        thing = painted(rng, light, recipe, rng.uniform(0.2, 0.55) * short)
        _move(rng, thing, height, width, 0.5)
        if standing:
            foot = min(item.bottom for item in items) - rng.uniform(0.02, 0.08) * short
            thing.y = round(foot) - thing.planes.shape[1]
        things.append(thing)
    if rng.random() < 0.25:
        things.append(_plate(rng, light, items[0]))
    return things


def clutter_in_front(rng: np.random.Generator, light: Light, item: Item) -> Item:
    """Something that lies over the edge of a snack."""
    paint = FRONT_CLUTTER[int(rng.integers(len(FRONT_CLUTTER)))]
    thing = painted(
        rng, light, Recipe(paint, False, 180), rng.uniform(0.35, 0.8) * item.shape.max()
    )
    turn = rng.uniform(0, 2 * np.pi)
    reach = 0.5 * item.shape + 0.15 * thing.shape
    corner = (item.y, item.x) + 0.5 * (item.shape - thing.shape)
    corner = corner + reach * (np.sin(turn), np.cos(turn))
    thing.y, thing.x = round(corner[0]), round(corner[1])
    return thing


def _unit(side: float) -> float:
    # Pixels per unit, of which a thing spans two.
    return max(side, 8.0) / 2 * float(np.clip(PAINTED_SIDE / max(side, 8.0), *OVERSIZE))


def _move(rng: np.random.Generator, item: Item, height: int, width: int, beyond: float) -> None:
    tall, wide = item.shape
    item.y = round(rng.uniform(-beyond * tall, height - (1 - beyond) * tall))
    item.x = round(rng.uniform(-beyond * wide, width - (1 - beyond) * wide))


def _plate(rng: np.random.Generator, light: Light, item: Item) -> Item:
    # Under a standing snack it is seen aslant, its middle where the snack stands.
    tall, wide = item.shape
    side = rng.uniform(1.2, 1.7) * (wide if item.standing else max(tall, wide))
    flat = rng.uniform(0.25, 0.4) if item.standing else 1.0
    paint = clutter.plate if item.standing or rng.random() < 0.7 else clutter.board
    turn = 0.0 if item.standing else rng.uniform(-180, 180)
    canvas = Canvas(_unit(side), rng, light, turn=turn, stretch=(1.0, flat))
    paint(canvas, rng)
    plate = Item(canvas.cut_out(round(side)), False)
    middle = item.bottom - 0.06 * tall if item.standing else item.y + tall / 2
    plate.y = round(middle - plate.planes.shape[1] / 2)
    plate.x = round(item.x + (wide - plate.planes.shape[2]) / 2)
    return plate
