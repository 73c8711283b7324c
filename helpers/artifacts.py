"""What notebooks hand on to each other and to the report: files under RUN_DIR/artifacts, whole or absent."""

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def resolve_run_dir(run_dir: str | Path, dataset: str) -> Path:
    """Return the folder of a run, absolute: `run_dir`, or reports/<name of the data set> when it is empty."""
    if run_dir:
        return Path(run_dir).expanduser().resolve()
    return ROOT / "reports" / (Path(dataset).expanduser().resolve().name if os.sep in dataset else dataset)


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it on success and vanishes on failure."""
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
    finally:
        temporary.unlink(missing_ok=True)


def _artifact(run_dir: str | Path, name: str, made_by: str) -> Path:
    path = Path(run_dir) / "artifacts" / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: run notebook {made_by} first, or `make report`.")
    return path


def save_json(run_dir: str | Path, name: str, value: object) -> Path:
    """Write `value` as RUN_DIR/artifacts/<name>.json and return the path."""
    path = Path(run_dir) / "artifacts" / f"{name}.json"
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
    return path


def load_json(run_dir: str | Path, name: str, *, made_by: str) -> object:
    """Read RUN_DIR/artifacts/<name>.json; FileNotFoundError names the notebook that makes it."""
    path = _artifact(run_dir, f"{name}.json", made_by)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): delete it and run notebook {made_by} again.") from error


def save_arrays(run_dir: str | Path, name: str, **arrays: np.ndarray) -> Path:
    """Write named arrays as RUN_DIR/artifacts/<name>.npz (no pickle) and return the path."""
    path = Path(run_dir) / "artifacts" / f"{name}.npz"
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
    return path


def load_arrays(run_dir: str | Path, name: str, *, made_by: str) -> dict[str, np.ndarray]:
    """Read RUN_DIR/artifacts/<name>.npz; FileNotFoundError names the notebook that makes it."""
    path = _artifact(run_dir, f"{name}.npz", made_by)
    return read_npz(path, f"delete it and run notebook {made_by} again")


def read_npz(path: str | Path, remedy: str) -> dict[str, np.ndarray]:
    """Read every array of an .npz file (no pickle); ValueError when it is damaged: which file, how, and `remedy`."""
    try:
        # NumPy stops reading where an array should end, so a changed header may escape it: all check sums come first.
        with zipfile.ZipFile(path) as archive:
            if wrong := archive.testzip():
                raise zipfile.BadZipFile(f"the check sum of {wrong} is wrong")
        with np.load(path, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib and NumPy each raise their own for the same fact
        raise ValueError(f"{path} is damaged ({error}): {remedy}.") from error


def source_report() -> dict:
    """Return the numbers that the source report of 2022 published, from reports/source_report.json."""
    return json.loads((ROOT / "reports" / "source_report.json").read_text(encoding="utf-8"))
