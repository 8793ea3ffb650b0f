"""Text, JSON, XML and YAML from files of unknown origin, within limits; and files back."""

from __future__ import annotations

import codecs
import json
import os
from io import StringIO
from os import PathLike
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import defusedxml
import pandas as pd
import yaml
from defusedxml import ElementTree

from keras_bbox.annotations.problems import Unreadable

MAX_BYTES = 1_000_000_000
MAX_BYTES_OF_ONE_IMAGE = 16_000_000
LONGEST_LINE = 100_000

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_bytes(path: str | PathLike[str], max_bytes: int = MAX_BYTES) -> bytes:
    """Reads a file that is not larger than it may be."""
    path = Path(path)
    if path.is_dir():
        raise Unreadable(path.name, "A file is needed here. Received: a folder.")
    with open(path, "rb") as file:
        # Asked for more than there is, read() would set aside memory for all of it.
        data = file.read(min(path.stat().st_size, max_bytes) + 1)
    if len(data) > max_bytes:
        raise Unreadable(
            path.name,
            "Annotation files of this kind are read up to a limit. Raise it if the file is "
            f"right. Received: max_bytes={max_bytes}",
        )
    return data


def decode(data: bytes, file: str) -> str:
    """Decodes UTF-8, with or without a byte order mark, or UTF-16 with one."""
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    try:
        return data.decode(_MARKS.get(mark, "utf-8"))
    except UnicodeDecodeError as error:
        raise Unreadable(
            file,
            "Text must be UTF-8, or UTF-16 with a byte order mark. Save it as UTF-8. Received: "
            f"byte 0x{data[error.start]:02x} at position {error.start}, {error.reason}",
        ) from None


def read_text(path: str | PathLike[str], max_bytes: int = MAX_BYTES) -> str:
    """Reads a text file of a known encoding and bounded size."""
    return decode(read_bytes(path, max_bytes), Path(path).name)


def split_lines(text: str, file: str, longest: int = LONGEST_LINE) -> list[str]:
    """Splits a text at its line ends, which no line may be too far from."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > longest:
            raise Unreadable(
                file,
                f"Lines of a table have up to {longest:,} characters. Received: line {number} "
                f"with {len(line):,}",
            )
    return lines


def parse_json(text: str, file: str) -> object:
    """Parses JSON; whatever is wrong with it becomes one kind of error."""
    try:
        return json.loads(text)
    except RecursionError:
        raise Unreadable(file, "The JSON is nested too deeply to be annotations.") from None
    except ValueError as error:
        raise Unreadable(file, f"The file must be JSON. Received: {error}") from None


def load_json(path: str | PathLike[str], max_bytes: int = MAX_BYTES) -> object:
    """Reads a JSON file."""
    return parse_json(read_text(path, max_bytes), Path(path).name)


def load_xml(path: str | PathLike[str], max_bytes: int = MAX_BYTES) -> Element:
    """Reads an XML file without expanding entities or fetching anything."""
    data, file = read_bytes(path, max_bytes), Path(path).name
    try:
        return ElementTree.fromstring(data)
    except defusedxml.DefusedXmlException as error:
        raise Unreadable(
            file,
            "Annotations declare no entities and refer to no other files. Received: "
            f"{type(error).__name__}",
        ) from None
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        if not data.lstrip().startswith(b"<?xml"):
            decode(data, file)
        raise Unreadable(file, f"The file must be well-formed XML. Received: {error}") from None


def load_csv(
    path: str | PathLike[str], max_bytes: int, longest: int = LONGEST_LINE
) -> list[dict[str, str]]:
    """Reads a CSV file with a header; every value stays text."""
    file, text = Path(path).name, read_text(path, max_bytes)
    split_lines(text, file, longest)
    try:
        table = pd.read_csv(
            StringIO(text), dtype=str, keep_default_na=False, index_col=False, low_memory=False
        )
    except (ValueError, RecursionError) as error:
        raise Unreadable(
            file, f"The file must be a table with commas and a header. Received: {error}"
        ) from None
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def load_yaml(path: str | PathLike[str], max_bytes: int) -> object:
    """Reads a YAML file as lists, mappings and text: a class named yes stays yes."""
    text, file = read_text(path, max_bytes), Path(path).name
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)  # builds no objects at all
    except RecursionError:
        raise Unreadable(file, "The YAML is nested too deeply to describe a data set.") from None
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise Unreadable(file, f"The file must be YAML. Received: {reason}") from None


def write_whole(path: str | PathLike[str], text: str) -> Path:
    """Writes a UTF-8 file that is complete or not there at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8", newline="")
    os.replace(unfinished, path)
    return path
