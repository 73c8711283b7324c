"""Memory that is used again: what is new to a process is slow, since the system hands it out page by page."""

import math
import threading

import numpy as np
import psutil

# Bytes that a training step of the report's network takes: for itself, and for each image of a batch.
NETWORK, IMAGE = 3.2e9, 55e6
LINE = 64  # bytes of a line of the cache


class Workspace:
    """Arrays by place and name, each used again when these come again."""

    def __init__(self) -> None:
        self._arrays: dict = {}

    def empty(self, name, shape: tuple[int, ...], dtype, place=None) -> np.ndarray:
        """Return an array, with whatever it holds, in the memory of this name, or in new memory where that is small."""
        size, key = math.prod(shape), (place, name)
        array = self._arrays.get(key)
        if array is None or array.size < size or array.dtype != dtype:
            array = self._arrays[key] = fresh(name, (size,), dtype)
        return array[:size].reshape(shape)


def fresh(name, shape: tuple[int, ...], dtype) -> np.ndarray:
    """Return a new array that begins where a line of the cache does: elsewhere, each vector is read from two lines."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.empty(size + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + size].view(dtype).reshape(shape)


class _OfThread(threading.local, Workspace):
    """A workspace for each thread: what `threading.local` holds, every thread has of its own."""


buffer = _OfThread().empty  # an array to be filled and read before the same thread asks for that name again


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
