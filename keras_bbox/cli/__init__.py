"""The command ``keras-bbox``: checks, cleans, converts, draws, splits, suggests."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence

from keras_bbox.cli.parser import make_parser

FINE, FOUND, UNUSABLE, STOPPED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    0 if all is fine, 1 if there are findings of severity error, 2 if the command was called in a
    wrong way or its input cannot be used, 130 if it was interrupted.

    Args:
        arguments: What follows the command's name; ``None`` for those of the process.

    Returns:
        The exit code.
    """
    options = make_parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _tell
            return FOUND if options.run(options) else FINE
    except (ValueError, TypeError, OSError) as error:
        _say(f"error: {_one_line(error)}")
        return UNUSABLE
    except KeyboardInterrupt:
        _say("interrupted")
        return STOPPED


def _tell(message, category, filename, lineno, file=None, line=None) -> None:
    _say(f"warning: {_one_line(message)}")


def _one_line(message: object) -> str:
    return " ".join(str(message).split())


def _say(text: str) -> None:
    print(f"keras-bbox: {text}", file=sys.stderr)
