"""Generators made together are those that NumPy makes one by one."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bbox._seeds import generators

# Beyond 2**32 a number takes several words.
numbers = st.integers(0, 2**32 - 1) | st.integers(0, 2**70)


@given(numbers, numbers, st.lists(numbers, max_size=5))
def test_they_draw_what_numpy_draws(seed, epoch, rows):
    for row, rng in zip(rows, generators(seed, epoch, rows), strict=True):
        expected = np.random.default_rng([seed, epoch, row])
        assert np.array_equal(rng.random(3), expected.random(3))
        assert np.array_equal(rng.integers(2**62, size=3), expected.integers(2**62, size=3))


def test_rows_may_be_an_array():
    (rng,) = generators(1, 2, np.array([3]))
    assert rng.random() == np.random.default_rng([1, 2, 3]).random()


def test_a_generator_has_children_and_copies():
    (rng,), expected = generators(1, 2, [3]), np.random.default_rng([1, 2, 3])
    for _ in range(2):
        assert rng.spawn(2)[1].random() == expected.spawn(2)[1].random()
    copied = pickle.loads(pickle.dumps(rng))
    assert copied.random() == rng.random() == expected.random()
    words = rng.bit_generator.seed_seq.generate_state(7)
    assert np.array_equal(words, np.random.SeedSequence([1, 2, 3]).generate_state(7))


def test_its_seed_sequence_tells_what_numpy_s_tells():
    (rng,), expected = generators(1, 2, [3]), np.random.SeedSequence([1, 2, 3])
    found = rng.bit_generator.seed_seq
    for name in ("entropy", "spawn_key", "pool_size", "n_children_spawned"):
        assert getattr(found, name) == getattr(expected, name)
    assert np.array_equal(found.pool, expected.pool)
    assert not hasattr(found, "nothing")


def test_negative_numbers_are_refused_as_by_numpy():
    with pytest.raises(ValueError, match="non-negative"):
        generators(-1, 0, [0])
