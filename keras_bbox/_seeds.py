"""The generators of many rows at once: those of ``default_rng([seed, epoch, row])``, but sooner."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.random.bit_generator import ISpawnableSeedSequence

# What numpy.random.SeedSequence does with up to four words: it hashes them into a pool, mixes each
# word of the pool into all others, and hashes the pool into states. Constants and order are its.
_WORDS = 4
_STATES = 8
_MIX, _MIXED = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)
_HALF = np.uint32(16)


def generators(seed: int, epoch: int, rows: Iterable[int]) -> list[np.random.Generator]:
    """Makes ``numpy.random.default_rng([seed, epoch, row])`` for each row, in a third of the time.

    Args:
        seed: A whole number of 0 or more.
        epoch: Another.
        rows: Others, one for each generator.

    Returns:
        The generators.

    Example:
        >>> from keras_bbox._seeds import generators
        >>> rngs = generators(0, 3, [17, 18])
        >>> rngs[1].random() == np.random.default_rng([0, 3, 18]).random()
        True
    """
    entropies = [(seed, epoch, int(row)) for row in rows]
    numbers = [number for entropy in entropies for number in entropy]
    if numbers and not 0 <= min(numbers) <= max(numbers) < 2**32:  # several words, or an error
        return [np.random.default_rng(entropy) for entropy in entropies]
    words = np.zeros((_WORDS, len(entropies)), np.uint32)
    words[:3] = np.array(entropies, np.uint32).reshape(-1, 3).T
    states = _states(words)
    return [
        np.random.Generator(np.random.PCG64(cast(Any, _Seeded(entropy, state))))
        for entropy, state in zip(entropies, states, strict=True)
    ]


class _Seeded(ISpawnableSeedSequence):
    """A seed sequence with the words that a generator begins with at hand."""

    def __init__(self, entropy: tuple[int, ...], words: np.ndarray):
        self.entropy = list(entropy)
        self._words = words

    def generate_state(self, n_words, dtype=np.uint32):
        if n_words == len(self._words) and dtype is np.uint64:
            return self._words
        return self._sequence.generate_state(n_words, dtype)

    def spawn(self, n_children):
        return self._sequence.spawn(n_children)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._sequence, name)

    @cached_property
    def _sequence(self) -> np.random.SeedSequence:
        return np.random.SeedSequence(self.entropy)


def _constants(first: int, factor: int, count: int) -> np.ndarray:
    powers = [first * pow(factor, k, 2**32) % 2**32 for k in range(count)]
    return np.array(powers, np.uint32)[:, None]


_IN = _constants(0x43B0D7E5, 0x931E8875, _WORDS * _WORDS + 1)
_OUT = _constants(0x8B51F9DD, 0x58F38DED, _STATES + 1)


def _hashed(values: np.ndarray, constants: np.ndarray) -> np.ndarray:
    values = (values ^ constants[:-1]) * constants[1:]
    return values ^ (values >> _HALF)


def _states(words: np.ndarray) -> np.ndarray:
    """``SeedSequence(words[:, k]).generate_state(4, uint64)`` for each ``k``, shape ``(B, 4)``."""
    pool = _hashed(words, _IN[: _WORDS + 1])
    for source in range(_WORDS):
        first = _WORDS + source * (_WORDS - 1)
        others = [k for k in range(_WORDS) if k != source]
        hashed = _hashed(pool[source], _IN[first : first + _WORDS])
        mixed: np.ndarray = _MIX * pool[others] - _MIXED * hashed
        pool[others] = mixed ^ (mixed >> _HALF)
    states = _hashed(np.concatenate([pool, pool]), _OUT)
    return np.ascontiguousarray(states.T).astype("<u4").view("<u8").astype(np.uint64, copy=False)
