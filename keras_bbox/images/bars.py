"""A bar on the terminal for work that takes a while."""

from __future__ import annotations

import sys

BAR_FROM = 1000
BAR_WIDTH = 30


def draw_bar(label: str, done: int, total: int) -> None:
    """Draws how much of ``total`` is done, if there is much to do and somebody at a terminal."""
    if total < BAR_FROM or not sys.stderr.isatty():
        return
    filled = BAR_WIDTH * done // total
    bar = "#" * filled + "." * (BAR_WIDTH - filled)
    end = "\n" if done == total else ""
    print(f"\r{label} [{bar}] {done:,}/{total:,}", end=end, file=sys.stderr, flush=True)
