"""XML elements: reading their parts by name, and writing them as text."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from keras_bbox.annotations.problems import show

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def child(element: Element | None, name: str) -> Element | None:
    """The first part of that name, if there is one."""
    return None if element is None else element.find(name)


def text_of(element: Element | None, name: str) -> str:
    """The text of the first part of that name, without space round it; empty if there is none."""
    part = child(element, name)
    return "" if part is None or part.text is None else part.text.strip()


def add(parent: Element, tag: str, text: object = None, **attributes: object) -> Element:
    """Adds a part with a text and attributes."""
    part = SubElement(parent, tag, {key: _checked(value) for key, value in attributes.items()})
    if text is not None:
        part.text = _checked(text)
    return part


def _checked(value: object) -> str:
    text = str(value)
    if _FORBIDDEN.search(text):
        raise ValueError(
            f"XML holds no control characters. Rename what has them. Received: {show(text)}"
        )
    return text


def as_text(root: Element) -> str:
    """The whole document, indented."""
    ElementTree.indent(root)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ElementTree.tostring(root, 'unicode')}\n"
