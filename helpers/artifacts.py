"""What notebooks hand on to each other and to the report: files under RUN_DIR/artifacts, whole or absent."""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def expanded(path: str | Path) -> Path:
    """Return a path with the home folder for its ~; that of an unknown user stays as it is, and leads nowhere."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def resolve_run_dir(run_dir: str | Path, dataset: str) -> Path:
    """Return the folder of a run, absolute: `run_dir`, or reports/<name of the data set> when it is empty."""
    if run_dir:
        return expanded(run_dir).resolve()
    path = expanded(dataset)
    return ROOT / "reports" / (dataset if path.name == dataset != ".." else path.resolve().name)


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it on success and vanishes on failure.

    An OSError that names no file, such as that of a full disk, is given the name of `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _artifact(run_dir: str | Path, name: str, made_by: str) -> Path:
    path = Path(run_dir) / "artifacts" / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: run notebook {made_by} first, or `make report`.")
    return path


def save_json(run_dir: str | Path, name: str, value: object) -> Path:
    """Write `value` as RUN_DIR/artifacts/<name>.json and return the path; ValueError for NaN and infinity."""
    path = Path(run_dir) / "artifacts" / f"{name}.json"
    write_json(path, value)
    return path


def load_json(run_dir: str | Path, name: str, *, made_by: str) -> object:
    """Read RUN_DIR/artifacts/<name>.json; FileNotFoundError names the notebook that makes it."""
    path = _artifact(run_dir, f"{name}.json", made_by)
    return read_json(path, f"delete it and run notebook {made_by} again")


def write_json(path: str | Path, value: object) -> None:
    """Write `value` to a JSON file with its check sum, {"sha256": ..., "value": ...}: else no one saw a changed digit.

    Raises ValueError for NaN and infinity.
    """
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


def save_arrays(run_dir: str | Path, name: str, **arrays: np.ndarray) -> Path:
    """Write named arrays as RUN_DIR/artifacts/<name>.npz and return the path; ValueError for objects: no pickle."""
    path = Path(run_dir) / "artifacts" / f"{name}.npz"
    if objects := [key for key, array in arrays.items() if np.asarray(array).dtype.hasobject]:
        raise ValueError(f"Object arrays, here {objects[0]}, do not go into {path}: give numbers or text.")
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    return path


def load_arrays(run_dir: str | Path, name: str, *, made_by: str) -> dict[str, np.ndarray]:
    """Read RUN_DIR/artifacts/<name>.npz; FileNotFoundError names the notebook that makes it."""
    path = _artifact(run_dir, f"{name}.npz", made_by)
    return read_npz(path, f"delete it and run notebook {made_by} again")


def read_npz(path: str | Path, remedy: str) -> dict[str, np.ndarray]:
    """Read every array of an .npz file (no pickle); ValueError when it is damaged: which file, how, and `remedy`."""
    try:
        # NumPy stops reading where an array should end, so a changed header may escape it: all check sums come first.
        with Path(path).open("rb") as file, zipfile.ZipFile(file) as archive:
            if wrong := archive.testzip():
                raise zipfile.BadZipFile(f"the check sum of {wrong} is wrong")
            # A changed length in the list of contents may hide the entries behind it. Their number stands at the end.
            file.seek(-12, os.SEEK_END)
            if int.from_bytes(file.read(2), "little") != len(archive.namelist()):
                raise zipfile.BadZipFile("its list of contents is not complete")
        with np.load(path, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib and NumPy each raise their own for the same fact
        raise ValueError(f"{path} is damaged ({error}): {remedy}.") from error


def source_report() -> dict:
    """Return the numbers that the source report of 2022 published, from reports/source_report.json."""
    return json.loads((ROOT / "reports" / "source_report.json").read_text(encoding="utf-8"))
