"""Memory: what a batch takes is known before the work begins."""

from types import SimpleNamespace

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
