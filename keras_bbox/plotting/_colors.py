"""Class names, and a color for each class that does not depend on the picture."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

# Chosen one after another, each as far as could be from those before it (OKLab distance, the
# least over normal, protan, deutan and tritan vision), among colors light enough to be read
# with a black outline. So the first few are the most distinct.
PALETTE = (
    *("#ffb400", "#1e96ff", "#00ffe1", "#ff3c87", "#c3b4ff", "#f0ff96", "#a59600", "#d278c3"),
    *("#87d287", "#ff3cff", "#c3ff00", "#00d2c3", "#ff6969", "#4bf069", "#96e1ff", "#d2e1a5"),
    *("#ff964b", "#e19696", "#c369e1", "#ffa5d2", "#b4ffc3", "#d296e1", "#96b400", "#c387a5"),
)


def class_name(label: Any, class_names: Sequence[str] | None = None) -> str:
    """Returns the name to print for a label: an id, or already a name."""
    if isinstance(label, str):
        return label
    class_id = _class_id(label)
    if class_names is None:
        return str(class_id)
    if not 0 <= class_id < len(class_names):
        raise ValueError(
            f"A label must be a class id from 0 to {len(class_names) - 1}, one for each of the "
            f"class_names, or a name. Pass the class_names of the training. "
            f"Received: label={label!r}, {len(class_names)} class_names"
        )
    return str(class_names[class_id])


def class_color(
    label: Any,
    class_names: Sequence[str] | None = None,
    colors: Mapping[Any, Any] | Sequence[Any] | None = None,
) -> Any:
    """Returns the color of a class, which depends on the class alone.

    An id takes its place in the palette, and so does a name that is among ``class_names``; any
    other name is hashed, so that it keeps its color between programs.
    """
    if isinstance(colors, Mapping):
        for key in (label, class_name(label, class_names)):
            if key in colors:
                return colors[key]
        colors = None
    palette = PALETTE if colors is None else colors
    return palette[_place(label, class_names) % len(palette)]


def _place(label: Any, class_names: Sequence[str] | None) -> int:
    if not isinstance(label, str):
        return _class_id(label)
    if class_names is not None and label in class_names:
        return list(class_names).index(label)
    return zlib.crc32(label.encode())


def _class_id(label: Any) -> int:
    if int(label) != label:
        raise ValueError(
            "Labels must be whole numbers or names. Pass confidences as scores. "
            f"Received: label={label!r}"
        )
    return int(label)
