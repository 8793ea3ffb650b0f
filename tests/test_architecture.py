"""The rules of the house, read off the source: who imports whom, and what nobody does."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "keras_bbox"
FILES = sorted(PACKAGE.rglob("*.py"))

# What each room may import of the package, floor by floor from the ground. A room is a module or
# a folder below keras_bbox/; rooms of one floor do not know each other.
MAY_IMPORT = {
    "_arrays": set(),
    "images": set(),
    "_numbers": {"_arrays"},
    "boxes": {"_arrays"},
    "overlap": {"_arrays", "boxes"},
    "geometry": {"_arrays", "_numbers"},
    # The data side.
    "annotations": {"_html", "boxes", "images", "overlap"},
    "augment": {"_arrays", "_numbers", "geometry", "images"},
    "datasets": {"images"},
    # The tensor side.
    "losses": {"_arrays", "boxes", "overlap"},
    "metrics": {"_arrays", "boxes", "overlap"},
    "heads": {"overlap"},
    "_rows": set(),
    "_seeds": set(),
    "sequences": {"_rows", "_seeds", "annotations", "augment", "boxes", "images"},
    "recipes": {"heads", "losses", "metrics"},
    "layers": {"_arrays", "_numbers", "augment", "boxes", "geometry"},
    "samples": {"annotations", "augment", "images"},
    "plotting": {"boxes", "images", "overlap"},
    "_html": set(),
    "_outputs": set(),
    "inference": {"_outputs", "augment", "boxes", "geometry", "images", "overlap"},
    "evaluation": {"_html", "_outputs", "annotations", "boxes", "images", "overlap", "sequences"},
    # Above the rooms that look at data and models.
    "review": {
        "_outputs",
        "annotations",
        "boxes",
        "images",
        "inference",
        "overlap",
        "plotting",
    },
    "cli": {"annotations", "images", "plotting", "review"},
}
ROOF = "__init__"
DATA_SIDE = {"images", "geometry", "annotations", "augment", "datasets"}
KNOW_OPENCV = {"images", "datasets"}
KNOWS_MATPLOTLIB = "plotting"
BACKENDS = {"tensorflow", "torch", "jax"}
KNOWS_TF_DATA = "augment/tf_data.py"  # and no backend: tf.data feeds any of them

# Everything in numpy.random that belongs to a generator of one's own.
OWN_GENERATORS = {"BitGenerator", "Generator", "PCG64", "Philox", "SeedSequence", "default_rng"}
LINES = 400


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def label(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imported_modules(node: ast.AST, path: Path) -> list[str]:
    """The absolute names that one import statement reaches, ``package.name`` for each name."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        folder = path.relative_to(PACKAGE.parent).parts[: -node.level]
        base = ".".join((*folder, base)).rstrip(".")
    return [f"{base}.{alias.name}" for alias in node.names]


def all_imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {name for node in ast.walk(tree) for name in imported_modules(node, path)}


def imports_on_import(path: Path) -> set[str]:
    """Those that run when the module is imported: not in a function, not for type checkers."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        found.update(imported_modules(node, path))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return found


def rooms_in(names: set[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("keras_bbox.")}


def packages_in(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", FILES, ids=label)
def test_imports_go_down_only(path):
    room = room_of(path)
    if room == ROOF:
        return
    assert room in MAY_IMPORT, f"{room} is a new room: say in MAY_IMPORT where it stands"
    sideways_or_up = rooms_in(all_imports(path)) - MAY_IMPORT[room] - {room}
    assert not sideways_or_up


@pytest.mark.parametrize("path", FILES, ids=label)
def test_nothing_imports_the_roof(path):
    assert "keras_bbox" not in all_imports(path)


@pytest.mark.parametrize("path", FILES, ids=label)
def test_each_outside_library_has_its_rooms(path):
    room, packages = room_of(path), packages_in(all_imports(path))
    assert "cv2" not in packages or room in KNOW_OPENCV
    assert "matplotlib" not in packages or room == KNOWS_MATPLOTLIB
    assert "keras" not in packages or room not in DATA_SIDE
    if label(path) == KNOWS_TF_DATA:
        assert "tensorflow" not in packages_in(imports_on_import(path))
        packages -= {"tensorflow"}
    assert not packages & BACKENDS, "the running backend is reached through keras alone"


@pytest.mark.parametrize("path", FILES, ids=label)
def test_matplotlib_waits_until_something_is_drawn(path):
    assert "matplotlib" not in packages_in(imports_on_import(path))


@pytest.mark.parametrize("path", FILES, ids=label)
def test_randomness_is_an_argument(path):
    assert "random" not in packages_in(all_imports(path)), "use numpy.random.default_rng(seed)"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            owner, name = ast.unparse(node.value), node.attr
            assert owner not in ("np.random", "numpy.random") or name in OWN_GENERATORS, name
            assert name != "set_random_seed", "a global seed belongs to the user"
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("default_rng"):
            assert node.args, "default_rng without a seed cannot be replayed"


@pytest.mark.parametrize("path", FILES, ids=label)
def test_files_are_one_thing(path):
    assert len(path.read_text().splitlines()) <= LINES, "which two things is it?"


def test_the_table_names_rooms_that_exist():
    rooms = {room_of(path) for path in FILES} - {ROOF}
    assert rooms == set(MAY_IMPORT)
