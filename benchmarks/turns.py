"""Contenders that take turns, each in a process of its own."""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import statistics
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

Run = Callable[[int], int]  # the number of the round -> images made


class Contender(NamedTuple):
    """How to make a contender in its process.

    Attributes:
        maker: ``module.function`` that returns a ``Run``.
        options: What it is called with, beside the arguments that all contenders get.
        needs: A module it needs that may not be installed; loaded before all others.
    """

    maker: str
    options: Mapping[str, Any] = {}
    needs: str = ""


class Process:
    """A contender in a process of its own: what one library sets there, the others do not feel."""

    def __init__(self, contender: Contender, *arguments: Any):
        context = multiprocessing.get_context("spawn")
        self._pipe, end = context.Pipe()
        self._process = context.Process(target=_serve, args=(end, contender, arguments))
        self._process.start()

    def __call__(self, turn: int) -> Any:
        """Has it do a turn; returns what the maker's function returns, and the seconds it took."""
        self._pipe.send(turn)
        answer = self._pipe.recv()
        if isinstance(answer, str):
            raise RuntimeError(f"A contender failed.\n{answer}")
        return answer

    def close(self) -> None:
        self._pipe.send(None)
        self._process.join()


def _serve(pipe: Connection, contender: Contender, arguments: tuple) -> None:
    run = None
    while (turn := pipe.recv()) is not None:
        try:
            run = run or _make(contender, arguments)
            started = time.perf_counter()
            made = run(turn)
            pipe.send((made, time.perf_counter() - started))
        except Exception:  # for the other process to raise
            pipe.send(traceback.format_exc())


def _make(contender: Contender, arguments: tuple) -> Callable[[int], Any]:
    if contender.needs:
        importlib.import_module(contender.needs)  # some crash when loaded after TensorFlow
    module, name = contender.maker.split(".")
    return getattr(importlib.import_module(module), name)(*arguments, **contender.options)


def is_installed(contender: Contender) -> bool:
    return not contender.needs or importlib.util.find_spec(contender.needs) is not None


def rates_of(
    contenders: Mapping[str, Contender], rounds: int, *arguments: Any
) -> dict[str, list[float]]:
    """Images a second of each contender in each round, after one round unmeasured."""
    processes = {
        name: Process(contender, *arguments)
        for name, contender in contenders.items()
        if is_installed(contender)
    }
    rates: dict[str, list[float]] = {name: [] for name in processes}
    for turn in range(rounds + 1):
        for name, process in processes.items():
            made, seconds = process(turn)
            rates[name].append(made / seconds)
    for process in processes.values():
        process.close()
    return {name: values[1:] for name, values in rates.items()}


def ratio(rates: dict[str, list[float]], above: str, below: str) -> float:
    pairs = zip(rates[above], rates[below], strict=True)
    return statistics.median(one / other for one, other in pairs)
