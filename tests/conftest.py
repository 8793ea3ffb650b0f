"""What all tests share: Hypothesis profiles and the folder of real data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Before anything imports them: figures need no screen, and TensorFlow starts without a log.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

REPOSITORY = Path(__file__).parents[1]

# No deadline: the first call that reaches TensorFlow is always slow.
settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """A folder that is no part of the project, with real photos in ``data/`` and ``weights/``."""
    folder = Path(os.environ.get("KERAS_BBOX_DATA", REPOSITORY.parent / "shared"))
    if not (folder / "data" / "photos").is_dir():
        pytest.skip("no real data: set KERAS_BBOX_DATA to a folder that holds data/photos/")
    return folder
