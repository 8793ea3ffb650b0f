"""Sphinx: MyST pages, reference pages from the docstrings, no network needed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras_bbox  # noqa: E402, after the path and the environment are set

project = "keras-bbox"
author = "The keras-bbox authors"
copyright = author
release = version = keras_bbox.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.doctest", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
default_role = "code"
html_theme = "furo"
html_title = "keras-bbox"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

# Only the code on the pages: pytest runs the examples in the docstrings.
doctest_test_doctest_blocks = ""
# Each page writes its files into a folder of its own.
doctest_global_setup = """
import os as _os, tempfile as _tempfile
_folder = _tempfile.TemporaryDirectory()
_home = _os.getcwd()
_os.chdir(_folder.name)
"""
doctest_global_cleanup = "_os.chdir(_home)\n_folder.cleanup()"

# Types of other packages: their documentation could only be reached over the network. The short
# names come from imports that only type checkers run, which autodoc leaves as they are written.
nitpick_ignore_regex = [
    (r"py:.*", r"(collections|os|pathlib|typing)\..*"),
    (r"py:.*", r"(keras|matplotlib|np|numpy|pandas|pd|tensorflow|tf)\..*"),
    (r"py:class", r"Axes|Figure|PathLike|Step|augmentation\.Augmentation"),
]


def skip_fields_of_tuples(app, what, name, obj, skip, options):
    """Leaves out the fields of a NamedTuple, which its docstring has explained."""
    return True if type(obj).__name__ == "_tuplegetter" else skip


def keep_colons_of_returns(app, what, name, obj, options, lines):
    """Types stand in the signatures, so a colon below Returns is one of the sentence's own."""
    for number, line in enumerate(lines[:-1]):
        if line.strip() == "Returns:":
            text = lines[number + 1].lstrip()
            indent = lines[number + 1][: -len(text)]
            # What napoleon finds before the first colon, nothing here, it takes for the type.
            lines[number + 1] = f"{indent}: {text}"


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-skip-member", skip_fields_of_tuples)
    app.connect("autodoc-process-docstring", keep_colons_of_returns, priority=400)
