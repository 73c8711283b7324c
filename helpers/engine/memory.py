"""Memory that is used again: what is new to a process is slow, since the system hands it out page by page."""

import math
import threading

import numpy as np
import psutil

# Bytes that a training step of the report's network takes: for itself, and for each image of a batch.
NETWORK, IMAGE = 3.2e9, 55e6

_of_thread = threading.local()


class Workspace:
    """Arrays that are used again: memory new to a process is slow, since the system hands it out page by page."""

    def __init__(self) -> None:
        self._arrays: dict = {}

    def empty(self, name, shape: tuple[int, ...], dtype) -> np.ndarray:
        """Return an array, with whatever it holds, in the memory of this name, or in new memory where that is small."""
        size = math.prod(shape)
        array = self._arrays.get(name)
        if array is None or array.size < size or array.dtype != dtype:
            array = self._arrays[name] = np.empty(size, dtype)
        return array[:size].reshape(shape)


def fresh(name, shape: tuple[int, ...], dtype) -> np.ndarray:
    """Return a new array: the place for what a caller may keep."""
    return np.empty(shape, dtype)


def buffer(name, shape: tuple[int, ...], dtype) -> np.ndarray:
    """Return an array of this thread's own, to be filled and read before the thread asks for that name again."""
    if not hasattr(_of_thread, "workspace"):
        _of_thread.workspace = Workspace()
    return _of_thread.workspace.empty(name, shape, dtype)


def forget() -> None:
    """Let go of this thread's arrays: a forked process begins with none."""
    _of_thread.__dict__.clear()


def check_batch(batch_size: int, images: int) -> None:
    """Raise ValueError where the report's network, 224 x 224, has no memory for a step on so many of the images."""
    free = psutil.virtual_memory().available
    batch = min(batch_size, images)
    if NETWORK + batch * IMAGE > free:
        most = int((free - NETWORK) // IMAGE)
        advice = f"give BATCH_SIZE={most} or less" if most > 0 else "close other programs, or use a larger machine"
        raise ValueError(
            f"A step on {batch} images at once takes about {(NETWORK + batch * IMAGE) / 1e9:.1f} GB of memory, and "
            f"{free / 1e9:.1f} GB are free: {advice}."
        )
