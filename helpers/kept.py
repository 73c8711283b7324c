"""Results that take long and are kept in a file under RUN_DIR, to be used again only by what would give the same."""

import hashlib
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from helpers.artifacts import read_npz, whole_file

MADE_BY = ("vgg19.py", "transfer.py")  # a change in these makes what was kept worthless


def key_of(*parts, made_by: Iterable[str] = MADE_BY) -> str:
    """Return the SHA-256 (hex) of arrays, bytes for bytes, of other values as they print, and of the code that made it.

    `made_by` names that code's files below helpers.
    """
    total = hashlib.sha256(b"".join((Path(__file__).parent / name).read_bytes() for name in made_by))
    for part in parts:
        if isinstance(part, np.ndarray):
            total.update(f"{part.dtype} {part.shape}".encode())
            total.update(np.ascontiguousarray(part).data)
        else:
            total.update(f"{part!r};".encode())
    return total.hexdigest()


def kept(path: str | Path | None, key: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays kept in `path` under `key`, or else what make() returns, and keep that; None keeps nothing.

    A damaged file is named in a warning and made again.
    """
    if path is not None and Path(path).is_file():
        try:
            arrays = read_npz(path, "it is made again")
            if str(arrays.pop("key", "")) == key:
                return arrays
        except ValueError as error:
            warnings.warn(str(error), stacklevel=3)
    arrays = make()
    if path is not None:
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, key=np.array(key), **arrays)
    return arrays
