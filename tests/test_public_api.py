"""The public names: those promised, each with an example that runs and a page that lists it."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

import keras_bbox as kb

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"

NAMES = {
    "BoundingBoxSequence",
    "IOUAccuracy",
    "ImageSamples",
    "LocalizerReport",
    "MeanIOU",
    "add_localization_head",
    "box_area",
    "ciou",
    "clip_boxes",
    "convert_boxes",
    "diou",
    "evaluate_localizer",
    "fit_localizer",
    "find_label_errors",
    "giou",
    "iou",
    "plot_batch",
    "plot_boxes",
    "plot_history",
    "plot_image",
    "plot_prediction",
    "predict_boxes",
    "suggest_boxes",
}
NAMESPACES = {
    "annotations",
    "augment",
    "datasets",
    "geometry",
    "layers",
    "losses",
    "metrics",
    "plotting",
    "review",
}

# The order in which a docstring has its sections.
SECTIONS = ["Args", "Returns", "Raises", "Example"]


def names_of(module) -> list[str]:
    return getattr(module, "__all__", [])


def public_objects() -> dict[str, object]:
    objects = {f"keras_bbox.{name}": getattr(kb, name) for name in sorted(NAMES)}
    for namespace in sorted(NAMESPACES):
        module = getattr(kb, namespace)
        objects |= {f"{module.__name__}.{name}": getattr(module, name) for name in names_of(module)}
    return objects


OBJECTS = public_objects()
DOCUMENTED = {name: value for name, value in OBJECTS.items() if callable(value)}


def listed_in_reference() -> list[object]:
    """The objects that the directives of the reference pages name."""
    listed = []
    for page in REFERENCE.rglob("*.md"):
        directives = re.findall(r"auto(\w+):: ([\w.]+)((?:\n +:.*)*)", page.read_text())
        for kind, target, options in directives:
            if kind == "module":
                module = importlib.import_module(target)
                names = names_of(module) if ":members:" in options else []
                listed += [getattr(module, name) for name in names]
            else:
                owner, _, name = target.rpartition(".")
                listed.append(getattr(importlib.import_module(owner), name))
    return listed


def test_the_top_level_holds_what_was_promised():
    assert set(kb.__all__) - {"__version__"} == NAMES | NAMESPACES


@pytest.mark.parametrize("namespace", sorted(NAMESPACES))
def test_a_namespace_lists_names_that_it_has(namespace):
    module = getattr(kb, namespace)
    assert names_of(module), "a namespace says in __all__ what is public"
    assert names_of(module) == sorted(names_of(module))
    assert all(hasattr(module, name) for name in names_of(module))


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_public_name_has_an_example_that_runs(name):
    docstring = DOCUMENTED[name].__doc__ or ""
    assert "Example:" in docstring
    example = docstring.partition("Example:")[2]
    assert doctest.DocTestParser().get_examples(example)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_sections_of_a_docstring_stand_in_one_order(name):
    docstring = DOCUMENTED[name].__doc__ or ""
    found = re.findall(rf"^ *({'|'.join(SECTIONS)}):$", docstring, flags=re.MULTILINE)
    assert found == [section for section in SECTIONS if section in found]


@pytest.mark.parametrize("name", OBJECTS)
def test_each_public_name_stands_on_a_reference_page(name):
    assert any(OBJECTS[name] is listed for listed in listed_in_reference())


@pytest.mark.parametrize("namespace", sorted(NAMESPACES))
def test_each_namespace_stands_on_a_reference_page(namespace):
    text = "\n".join(page.read_text() for page in REFERENCE.rglob("*.md"))
    assert f"automodule:: keras_bbox.{namespace}" in text
