"""Files that are whole or absent, and that say so when they are damaged: any file, JSON, arrays without pickle."""

import errno
import glob
import hashlib
import json
import os
import secrets
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[2]


def expanded(path: str | Path) -> Path:
    """Return a path with the home folder for its ~, if its user is known; ValueError unless all of it is UTF-8."""
    found = Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises for one
    if not is_utf8(whole := str(found.absolute())):
        raise ValueError(f"The path {whole!r} is not UTF-8: rename its folders, or give another.")
    return found


def is_utf8(name: str) -> bool:
    """Tell whether a file's name can be written: other bytes come from the file system as surrogates."""
    return name.encode("utf-8", "replace").decode() == name


def folder_name(path: PurePath) -> str:
    """Return the last part of a path, that of a whole drive (D:) or share of Windows as well."""
    return path.name or path.drive.rpartition("\\")[2].rstrip(":") or "pictures"


def sentence(error: Exception) -> str:
    """Return an error as a command line tells it: the system's without its number, any other as it is."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it on success and vanishes on failure.

    What a process that was killed left of one is removed. Who may read it is left to the process's umask. An OSError
    that names no file, such as that of a full disk, is given the name of `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        writer = part.name.removesuffix(".part").rpartition(".")[2].partition("-")[0]
        if writer.isdecimal() and not psutil.pid_exists(int(writer)):
            part.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        try:
            temporary.replace(path)
        except PermissionError as error:  # on Windows what another program shows cannot be replaced
            told = f"{path} cannot be replaced ({error.strerror}): close {path.name} and give the command again."
            raise PermissionError(told) from error
    except OSError as error:
        _name(error, path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _name(error: OSError, path: str | Path) -> None:
    """Give an error of the system the file's name, unless it has one; without a number it could not show it."""
    if error.errno and not error.filename:
        error.filename = str(path)


def write_json(path: str | Path, value: object) -> None:
    """Write `value` to a JSON file with its check sum: else no one saw a changed digit. ValueError for NaN or inf."""
    try:
        value = json.loads(json.dumps(value, allow_nan=False))  # as it will be read: keys become text, pairs lists
    except ValueError as error:
        raise ValueError(f"{path} would hold NaN or infinity, not JSON: look for where they come from.") from error
    with whole_file(path) as temporary:
        text = json.dumps({"sha256": digest(value), "value": value}, indent=1, sort_keys=True)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path, remedy: str) -> object:
    """Read a value that `write_json` wrote; ValueError when it is damaged: which file, how, and `remedy`."""
    try:
        kept = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(kept, dict) or kept.get("sha256") != digest(kept.get("value")):
            raise ValueError("its check sum is wrong")
        return kept["value"]
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): {remedy}.") from error


def digest(value: object) -> str:
    """Return the SHA-256 of a JSON-like value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 (hex) of a file, which may be larger than memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_npz(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays to an .npz file; ValueError for objects: no pickle."""
    if objects := [key for key, array in arrays.items() if np.asarray(array).dtype.hasobject]:
        raise ValueError(f"Object arrays, here {objects[0]}, do not go into {path}: give numbers or text.")
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_npz(path: str | Path, remedy: str, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Read the arrays `names`, or every one, of an .npz file (no pickle), of which every byte is checked.

    ValueError when it is damaged, or holds no array of a name: which file, how, and `remedy`. What the system refuses,
    such as a folder of that name or a disk that fails, is no damage: it stays an OSError.
    """
    try:
        with Path(path).open("rb") as file, zipfile.ZipFile(file) as archive:
            # A changed length in the list of contents may hide the entries behind it. Their number stands at the end.
            file.seek(-12, os.SEEK_END)
            if int.from_bytes(file.read(2), "little") != len(archive.namelist()):
                raise zipfile.BadZipFile("its list of contents is not complete")
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"the check sum of {damaged} is wrong")
            file.seek(0)
            arrays = np.load(file, allow_pickle=False)
            return {name: arrays[name] for name in (arrays.files if names is None else names)}
    except MemoryError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy each raise their own for the same fact
        # A damaged offset may lead to before the file's beginning, and then the system speaks of an invalid argument.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            _name(error, path)
            raise
        raise ValueError(f"{path} is damaged ({error}): {remedy}.") from error


def source_report() -> dict:
    """Return the numbers that the source report of 2022 published, from reports/source_report.json."""
    return json.loads((ROOT / "reports" / "source_report.json").read_text(encoding="utf-8"))
