"""The table of finished trainings, study.csv with a row a training, and study_curves.csv with a row an epoch.

`training`, the first column of both, tells which epochs belong to which training. A training is good for as long as
its data (`data`, a hash of the images) and its settings are those asked for; `code` (a hash of the files that trained
it) and `versions` only say where it came from, and are empty where that was not recorded.
"""

import csv
import math
import re
from dataclasses import asdict, fields
from pathlib import Path

from filelock import FileLock

from helpers.data.datasets import SPLITS, Dataset
from helpers.store.cache import content_digest
from helpers.store.files import whole_file
from helpers.study.settings import SETTINGS, Training

TABLE, CURVES = "study.csv", "study_curves.csv"
SCORES = [f"{split}_{what}" for split in SPLITS for what in ("loss", "accuracy")]
SETTING = {field.name: field.type for field in fields(Training)}  # name and type of a column
RESULT = {"data": str, **dict.fromkeys(SCORES, float), "diverged": str, "seconds": float, "code": str, "versions": str}
EPOCH = ["loss", "accuracy", "val_loss", "val_accuracy"]
COLUMNS = {TABLE: ["training", *SETTING, *RESULT], CURVES: ["training", "epoch", *EPOCH]}


def digest_of(dataset: Dataset) -> str:
    """Return the SHA-256 (hex) of a data set's images and labels and of the word "bundled", which is but one file."""
    splits = [getattr(dataset, split) for split in SPLITS]
    return content_digest(*(array for split in splits for array in (split.images, split.labels)), "bundled")


def keep(folder: Path, training: Training, result: dict) -> dict:
    """Write what a training came to, of RESULT's names and "history", into the two files, each whole or not at all.

    Returns it as `read` will. Several processes may write at once. ValueError when the result holds NaN or infinity.
    """
    name, history = _name(training, result), result.get("history") or dict.fromkeys(EPOCH, ())
    kept = {key: result.get(key) for key in RESULT}
    epochs = enumerate(zip(*(history[key] for key in EPOCH), strict=True), 1)
    lock = folder / "study" / "table.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):  # the table last: its row says that a training is finished
        _merge(folder / CURVES, name, [dict(zip(COLUMNS[CURVES], (name, k, *e), strict=True)) for k, e in epochs])
        _merge(folder / TABLE, name, [{"training": name} | asdict(training) | kept])
    return kept


def read(folder: Path) -> list[tuple[Training, dict]]:
    """Return every finished training with its result, without the curves; ValueError names a damaged table."""
    found = []
    for number, row in enumerate(_rows(folder / TABLE), 2):
        try:
            training = Training(**{name: kind(row[name]) for name, kind in SETTING.items()})
            result = {name: kind(row[name]) if row[name] else None for name, kind in RESULT.items()}
            if row["training"] != _name(training, result) or training.network not in SETTINGS or not _finite(result):
                raise ValueError("its columns do not fit each other")
        except (TypeError, ValueError) as error:
            raise _damaged(folder / TABLE, f"row {number}: {error}") from error
        found.append((training, result))
    return found


def _name(training: Training, result: dict) -> str:
    return f"{training.name}_{result['data'][:8]}"


def _finite(row: dict) -> bool:
    return all(math.isfinite(value) for value in row.values() if isinstance(value, float))


def _damaged(path: Path, why: object) -> ValueError:
    remedy = "put back the file that it was, or delete it, and its trainings are made again"
    return ValueError(f"{path} is damaged ({why}): {remedy}.")


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # a spreadsheet may begin it with a mark
            reader = csv.DictReader(file, strict=True)
            found, rows = set(reader.fieldnames or ()), list(reader)
        if found != set(COLUMNS[path.name]):
            raise ValueError(f"its columns are not {', '.join(COLUMNS[path.name])}")
        if any(None in row or None in row.values() for row in rows):
            raise ValueError("a row has more or fewer columns than the first")
    except (ValueError, csv.Error) as error:
        raise _damaged(path, error) from error
    return rows


def _merge(path: Path, training: str, new: list[dict]) -> None:
    """Put a training's rows among those that a file holds, in place of its old ones, numbers sorted by their size."""
    if not all(map(_finite, new)):
        raise ValueError(f"{path} would hold NaN or infinity: look for where they come from.")

    def order(row: dict) -> list:
        parts = re.split(r"(\d+)", f"{row['training']} {row.get('epoch', '')}")
        return [int(part) if part.isdigit() else part for part in parts]

    rows = [row for row in _rows(path) if row["training"] != training] + new
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS[path.name], lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=order))
