"""Executes notebooks in order and remembers what each was made from, so that only what changed runs again."""

import shutil
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from helpers.report.execution import ChainError, declared_parameters, execute_notebook, read_cells
from helpers.store.cache import versions
from helpers.store.code import dependencies, hashes
from helpers.store.files import ROOT, digest, file_digest, read_json, write_json
from helpers.store.run import RECORD

# What is shown depends on these too; another version of anything else in requirements.txt is no reason to train again.
PACKAGES = ("h5py", "matplotlib", "pillow", "scipy", "seaborn")
ROOMS = ("artifacts", "cache", "notebooks")  # of a run's folder: what is in them is a run's own


def stamp(path: Path) -> list[int]:
    """Return size and modification time of a file: cheap to read, and different when its content is."""
    return [path.stat().st_size, path.stat().st_mtime_ns]


def execute(notebooks: Iterable[Path], parameters: dict, run_dir: Path, inputs: str = "") -> None:
    """Execute `notebooks` in order into RUN_DIR/notebooks, skip those already made from the same, tell what took long.

    A notebook's key hashes its source, `parameters` (RUN_DIR aside), `inputs` (a hash of the data), the helpers that it
    imports, the packages' versions, and the artifacts of the notebooks before it. Raises ChainError when one fails, and
    the next call goes on with that one; also when another run holds the folder, and for a folder that is no run's.
    """
    notebooks = list(notebooks)
    if not notebooks:
        raise ValueError("There is no notebook to execute: name one at least.")
    for notebook in notebooks:
        if "RUN_DIR" not in declared_parameters(notebook):
            raise ChainError(f"{notebook.name} has no RUN_DIR in its cell tagged parameters: it passes no results on.")
    _check_folder(run_dir, {notebook.name for notebook in notebooks})
    with _alone(run_dir):
        record = _begin(run_dir, {notebook.stem for notebook in notebooks})
        record |= {"parameters": {k: v for k, v in parameters.items() if k != "RUN_DIR"}, "inputs": inputs}
        given = [record["parameters"], inputs, sys.version_info[:2], versions(), versions(PACKAGES)]
        handed_on: dict[str, str] = {}  # by the notebooks so far
        width = max(len(notebook.stem) for notebook in notebooks)
        for notebook in notebooks:
            cells = read_cells(notebook)
            sources = hashes(dependencies(cell["source"] for cell in cells if cell["type"] == "code"))
            key = digest([given, cells, sources, handed_on])
            same = _unchanged(record["notebooks"].get(notebook.stem), key, run_dir)
            took = "unchanged" if same else _execute_one(notebook, key, parameters, run_dir, record)
            print(f"{notebook.stem:{width}}  {took}", flush=True)
            files = record["notebooks"][notebook.stem]["files"]
            handed_on |= {name: sha for name, (_, sha) in files.items() if name.startswith("artifacts/")}


def _alone(run_dir: Path):
    """Hold the folder's lock, which the system releases when the process ends in whatever way."""
    run_dir.mkdir(parents=True, exist_ok=True)
    try:
        return FileLock(run_dir / ".lock").acquire(timeout=0)
    except Timeout as error:
        told = f"Another run is at work in {run_dir}: wait until it ends, or give this one its own --run-dir."
        raise ChainError(told) from error


def _check_folder(run_dir: Path, names: set[str]) -> None:
    """Refuse a folder with files that a run would replace and that are no run's, before anything is written there."""
    own = run_dir == ROOT / "reports" or ROOT.is_relative_to(run_dir) or (run_dir / "helpers" / "report").is_dir()
    found = {path.name for path in run_dir.glob("notebooks/*.ipynb")}  # papermill by hand leaves them without a record
    others = found - names or {path.name for path in run_dir.glob("report.[hp]*") if not found}
    if own or (others and not (run_dir / RECORD).exists()):
        what = "the project's own files" if own else f"{min(others)} and no {RECORD}"
        raise ChainError(f"{run_dir} is not the folder of a run, since it holds {what}: name another with --run-dir.")


def _begin(run_dir: Path, stems: set[str]) -> dict:
    """Return the record, without what a killed process left half written and what is no longer in the chain."""
    for pattern in (".chain.json.*.part", ".report.*.part", *(f"{room}/**/.*.part" for room in ROOMS)):
        for part in filter(Path.is_file, run_dir.glob(pattern)):
            part.unlink()
    entries = read_record(run_dir)["notebooks"]
    for copy in run_dir.glob("notebooks/*.ipynb"):
        if copy.stem in entries.keys() - stems:
            copy.unlink()
    return {"notebooks": {stem: entries[stem] for stem in entries.keys() & stems}}


def read_record(run_dir: Path) -> dict:
    """Return what the last run in this folder was made of, or an empty record if there is none or it is damaged."""
    try:
        return read_json(run_dir / RECORD, "every notebook runs again")
    except (FileNotFoundError, ValueError) as error:
        if isinstance(error, ValueError):
            print(error)
        return {"notebooks": {}}


def _execute_one(notebook: Path, key: str, parameters: dict, run_dir: Path, record: dict) -> str:
    """Execute a notebook, put down what it made, and return how long that took."""
    start = time.monotonic()
    own, copy = run_dir / "artifacts" / notebook.stem, run_dir / "notebooks" / notebook.name
    last = record["notebooks"].get(notebook.stem)
    if last and last["key"] != key:  # a checkpoint of other code, data or parameters must not be taken up again
        shutil.rmtree(own, ignore_errors=True)
    record["notebooks"][notebook.stem] = {"key": key}
    write_json(run_dir / RECORD, record)
    execute_notebook(notebook, copy, parameters)
    files = [copy, *(path for path in own.rglob("*") if path.is_file() and not path.name.startswith("."))]
    made = {path.relative_to(run_dir).as_posix(): path for path in files}
    record["notebooks"][notebook.stem]["files"] = {name: [stamp(p), file_digest(p)] for name, p in made.items()}
    write_json(run_dir / RECORD, record)
    took, training = time.monotonic() - start, 0
    with suppress(OSError, ValueError, KeyError, TypeError):  # most chapters train nothing
        training = read_json(own / "results.json", "run the notebook again")["seconds"]
    told = f", of it {training:.1f} s of training ({training / took:.0%})"
    return f"{took:.1f} s" + (told if 0 < training <= took else "")  # more where it went on from a checkpoint


def _unchanged(entry: dict | None, key: str, run_dir: Path) -> bool:
    if not entry or entry["key"] != key or "files" not in entry:
        return False
    files = [(run_dir / name, before, sha) for name, (before, sha) in entry["files"].items()]
    return all(path.is_file() and (stamp(path) == before or file_digest(path) == sha) for path, before, sha in files)
