"""The study's finished trainings: a JSON file each, whole or absent, used again for the same data only."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from helpers.store.files import read_json, write_json
from helpers.study.recipes import Cell

MADE_WITH = ("code", "versions")  # files of before these were kept have neither, and are as good
NAMES = "*_images*_seed*.json"  # of `Cell.name`: the study may leave measured.json beside them
REMEDY = "delete it, and that cell is trained again"


def keep(folder: Path, cell: Cell, digest: str, result: dict) -> None:
    """Write what a cell trained on data of this digest came to, and with which code and versions, where it says so.

    ValueError when it holds NaN or infinity.
    """
    made_with = {name: result[name] for name in MADE_WITH if name in result}
    result = {name: value for name, value in result.items() if name not in MADE_WITH}
    write_json(_path(folder, cell), {"cell": asdict(cell), "data": digest, "result": result} | made_with)


def result_of(folder: Path, cell: Cell, digest: str) -> dict | None:
    """Return what is kept of a cell trained on data of this digest, or None; ValueError names a damaged file."""
    path = _path(folder, cell)
    if not path.is_file():
        return None
    kept_cell, kept_digest, result = _read(path)
    return result if (kept_cell, kept_digest) == (cell, digest) else None


def results(folder: Path, dataset: str, digest: str) -> Iterator[tuple[Cell, dict]]:
    """Yield (cell, result) of all that is kept of a data set with this digest; ValueError names a damaged file."""
    for path in sorted(folder.glob(NAMES)):
        cell, kept_digest, result = _read(path)
        if (cell.dataset, kept_digest) == (dataset, digest):
            yield cell, result


def _path(folder: Path, cell: Cell) -> Path:
    return folder / f"{cell.name}.json"


def _read(path: Path) -> tuple[Cell, str, dict]:
    kept = read_json(path, REMEDY)
    try:
        return Cell(**kept["cell"]), kept["data"], kept["result"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged (it is no finished training: {error!r}): {REMEDY}.") from error
