import threading

import numpy as np

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
