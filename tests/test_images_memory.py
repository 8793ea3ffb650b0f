import subprocess
import sys
import threading

import numpy as np
import pytest

from keras_bbox.images import memory
from keras_bbox.images.memory import empty


def start_of(array):
    return array.__array_interface__["data"][0]


def test_what_is_still_in_use_is_never_handed_out_again():
    kept = [empty(64, 64, 3) for _ in range(30)]
    views = [array[1:, ::2] for array in kept[:15]]
    for k, array in enumerate(kept):
        array[:] = k
    del kept[:15], array
    more = [empty(64, 64, 3) for _ in range(30)]
    for array in more:
        array[:] = 255
    assert [int(view.max()) for view in views] == list(range(15))
    assert [int(array.max()) for array in kept] == list(range(15, 30))


def test_memory_of_what_has_gone_is_used_again(monkeypatch):
    monkeypatch.setattr(memory, "_POOL", memory._Pool())
    array = empty(100, 100, 3)
    place = start_of(array)
    del array
    assert start_of(empty(100, 100, 3)) == place
    assert start_of(empty(90, 70, 3)) == place


def test_large_arrays_are_not_held():
    array = empty(memory._LARGEST + 1)
    assert array.base is None


def test_few_buffers_are_held_however_sizes_vary():
    for size in range(1, 200):
        empty(size, 1000)
    assert len(memory._POOL.buffers) <= memory._BUFFERS


def test_threads_do_not_share():
    mine = empty(50, 50)
    mine[:] = 1
    found = []

    def other():
        array = empty(50, 50)
        array[:] = 2
        found.append(start_of(array))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert found[0] != start_of(mine)
    assert np.all(mine == 1)


def test_freed_memory_is_handed_out_without_fresh_pages():
    # In a process of its own, as the setting stays; once as TensorFlow leaves it, and then ours.
    script = """
import ctypes, resource
import numpy as np
import pytest
from keras_bbox.images import keep_freed_memory

def fresh_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(400_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

ctypes.CDLL(None).mallopt(-1, 128 * 1024)
ctypes.CDLL(None).mallopt(-3, 128 * 1024)
given_back = fresh_pages()
keep_freed_memory()
fresh_pages()
print(given_back, fresh_pages())
"""
    if memory._MALLOPT is None:
        pytest.skip("the C library is not glibc, or has settings")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    given_back, kept = map(int, done.stdout.split()[-2:])
    assert given_back > 10_000 and kept < 100, done.stderr
