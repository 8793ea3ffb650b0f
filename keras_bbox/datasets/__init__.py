"""Data sets that are made rather than loaded: drawn snacks with exact boxes."""

from .menu import SNACK_CLASSES
from .snacks import make_snacks

__all__ = ["SNACK_CLASSES", "make_snacks"]
