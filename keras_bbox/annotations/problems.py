"""What goes wrong while annotations are read: collected object by object, told once."""

from __future__ import annotations

import math
import reprlib
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd

ERRORS = ("raise", "warn", "skip")
LISTED = 5
LONGEST_SHOWN = 200

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = 60
_short.maxlevel = 3


class Unusable(ValueError):
    """An object that cannot become a row; the message says why, with names and values."""


class Unreadable(ValueError):
    """A file that cannot be read at all."""

    def __init__(self, file: str, reason: str):
        super().__init__(f"{file}: {reason}")
        self.reason = reason


def show(value: object) -> str:
    """Shows a value that came from a file, however long or deeply nested it is."""
    text = _short.repr(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def to_number(value: object, name: str) -> float:
    """Makes a finite number of what a file holds in a number's place."""
    try:
        if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
            raise ValueError
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise Unusable(f"{name}={show(value)}. Coordinates must be numbers.") from None
    if not math.isfinite(number):
        raise Unusable(f"{name}={show(value)}. Coordinates must be finite.")
    return number


class Problems:
    """Collects what was skipped, changed or left out of one reading, and tells it at its end."""

    def __init__(self, source: str, errors: str):
        if errors not in ERRORS:
            raise ValueError(f"errors must be one of {ERRORS}. Received: errors={show(errors)}")
        self.source = source
        self.errors = errors
        self.skipped: list[dict[str, str]] = []
        self.changed: list[dict[str, str]] = []
        self.left_out: Counter[str] = Counter()

    @contextmanager
    def of(self, file: str, what: str) -> Iterator[None]:
        """Notes an object or file that turns out to be unusable, and lets reading go on."""
        try:
            yield
        except Unreadable as error:
            self.skip(file, what, error.reason)
        except Unusable as error:
            self.skip(file, what, str(error))

    def skip(self, file: str, what: str, problem: str) -> None:
        """Notes an object that cannot be used."""
        self.skipped.append({"file": file, "object": what, "problem": problem})

    def change(self, file: str, what: str, change: str) -> None:
        """Notes an object that is used, but not as it stands in the file."""
        self.changed.append({"file": file, "object": what, "problem": change})

    def leave_out(self, kind: str, count: int = 1) -> None:
        """Counts what a file holds and a table of boxes does not, such as polylines."""
        self.left_out[kind] += count

    def finish(self, table: pd.DataFrame) -> pd.DataFrame:
        """Raises or warns as asked, and hangs the report on the table."""
        skipped = _report(self.skipped, "cannot be used")
        if skipped and self.errors == "raise":
            raise ValueError(
                f'{self.source}: {skipped}\nCorrect them, or pass errors="warn" to leave them out.'
            )
        if self.errors != "skip":
            self._warn("Left out: {}", skipped)
            self._warn("{}", _report(self.changed, "were changed to fit"))
            kinds = ", ".join(f"{count} x {kind}" for kind, count in self.left_out.items())
            self._warn("Left out, being no boxes or repeated ones: {}.", kinds)
        table.attrs["skipped"] = self.skipped
        table.attrs["changed"] = self.changed
        table.attrs["left_out"] = dict(self.left_out)
        return table

    def _warn(self, frame: str, report: str) -> None:
        if report:
            warnings.warn(f"{self.source}: {frame.format(report)}", stacklevel=5)


def _report(entries: list[dict[str, str]], verdict: str) -> str:
    if not entries:
        return ""
    lines = [f"{len(entries)} {'objects' if len(entries) > 1 else 'object'} {verdict}."]
    for entry in entries[:LISTED]:
        lines.append(f"  {entry['file']}: {entry['object']}: {entry['problem']}")
    if len(entries) > LISTED:
        lines.append(f"  and {len(entries) - LISTED} more.")
    return "\n".join(lines)
