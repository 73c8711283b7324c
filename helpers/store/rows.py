"""An array that need not fit into memory: written as it is made, row by row, and left on the disk until it is used."""

import math
import warnings
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from helpers.store.cache import kept
from helpers.store.files import whole_file

LARGE = 1 << 28  # bytes


def kept_rows(
    path: str | Path | None, key: str, shape: tuple[int, ...], parts: Callable[[], Iterable[np.ndarray]]
) -> np.ndarray:
    """Return the float32 array of `shape` whose rows parts() yields in turn, kept in `path` under `key` as by `kept`.

    From LARGE on the file is `path` with ".rows" behind its name, and what is returned a view of it that cannot be
    written: memory grows with the parts, not with the array. Without a path all of it is in memory.
    """
    size = 4 * math.prod(shape)
    if path is None or size < LARGE:
        return kept(path, key, lambda: {"rows": _whole(shape, parts())})["rows"]
    path = Path(path).with_name(f"{Path(path).name}.rows")
    if not _holds(path, key, size):
        with whole_file(path) as temporary, temporary.open("wb") as file:
            file.write(key.encode())
            check = 0
            for part in parts():
                data = np.ascontiguousarray(part, np.float32).data.cast("B")
                check = zlib.crc32(data, check)
                file.write(data)
            file.write(f"{check:08x}".encode())
    return np.asarray(np.memmap(path, np.float32, "r", len(key), shape))


def _whole(shape: tuple[int, ...], parts: Iterable[np.ndarray]) -> np.ndarray:
    return np.fromiter((row for part in parts for row in part), np.dtype((np.float32, shape[1:])), shape[0])


def _holds(path: Path, key: str, size: int) -> bool:
    """Return whether the file holds what `key` names; a damaged one is named in a warning."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        if file.read(len(key)) != key.encode():
            return False
        check, left = 0, size
        while left and (data := file.read(min(left, 1 << 20))):
            check, left = zlib.crc32(data, check), left - len(data)
        whole = not left and file.read() == f"{check:08x}".encode()
    if not whole:
        warnings.warn(f"{path} is damaged: it is made again.", stacklevel=4)
    return whole
