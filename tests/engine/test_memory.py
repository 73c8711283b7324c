"""Memory: used again, one line of the cache after the other; what a batch takes is known before the work begins."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.engine import memory


def test_a_batch_that_does_not_fit_is_refused_with_one_that_does(monkeypatch):
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=5e9))
    memory.check_batch(1000, 30)  # no batch is larger than the data set
    memory.check_batch(32, 1000)
    with pytest.raises(ValueError, match=r"33 images.* 5\.0 GB of memory, and 5\.0 GB.* BATCH_SIZE=32 or less"):
        memory.check_batch(33, 1000)


def test_a_machine_without_memory_for_one_image_is_told_so(monkeypatch):
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=1e9))
    with pytest.raises(ValueError, match="close other programs"):
        memory.check_batch(1, 1)


@pytest.mark.parametrize("dtype", [bool, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1,), (3, 5, 7), (200_001,)])
def test_a_new_array_begins_at_a_line_of_the_cache(shape, dtype):
    array = memory.fresh("a", shape, dtype)
    assert array.ctypes.data % 64 == 0
    assert (array.shape, array.dtype) == (shape, dtype)
    array[...] = 1  # all of it can be written to
    assert array.sum() == array.size


def test_memory_is_used_again_by_its_place_name_and_type_where_it_is_large_enough():
    workspace = memory.Workspace()
    first = workspace.empty("a", (4, 5), np.float32)
    again = workspace.empty("a", (3, 2), np.float32)
    assert again.ctypes.data == first.ctypes.data
    assert again.shape == (3, 2)
    others = [
        workspace.empty("b", (4, 5), np.float32),
        workspace.empty("a", (4, 5), np.float32, place=1),
        workspace.empty("a", (4, 6), np.float32),
        workspace.empty("a", (4, 6), np.float64),
    ]
    assert not any(np.shares_memory(first, other) for other in others)
    assert not np.shares_memory(others[2], others[3])
    assert others[3].dtype == np.float64


def test_each_thread_has_buffers_of_its_own():
    mine, found = memory.buffer("a", (9,), np.float32), []
    other = threading.Thread(target=lambda: found.append(memory.buffer("a", (9,), np.float32)))
    other.start()
    other.join()
    assert not np.shares_memory(mine, found[0])
    assert np.shares_memory(mine, memory.buffer("a", (9,), np.float32))
