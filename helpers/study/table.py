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
from helpers.study.settings import Training

TABLE, CURVES = "study.csv", "study_curves.csv"
SCORES = [f"{split}_{what}" for split in SPLITS for what in ("loss", "accuracy")]
SETTING = {field.name: field.type for field in fields(Training)}  # name and type of a column
RESULT = {"data": str, **dict.fromkeys(SCORES, float), "diverged": str, "seconds": float, "code": str, "versions": str}
EPOCH = ["loss", "accuracy", "val_loss", "val_accuracy"]
REMEDY = "put back the file that it was, or delete it, and its trainings are made again"


def digest_of(dataset: Dataset) -> str:
    """Return the SHA-256 (hex) of a data set's images and labels and of the word "bundled", VGG19's weights.

    "bundled" names one file, since `vgg19.build` checks its hash.
    """
    splits = [getattr(dataset, split) for split in SPLITS]
    return content_digest(*(array for split in splits for array in (split.images, split.labels)), "bundled")


def keep(folder: Path, training: Training, result: dict) -> None:
    """Write what a training came to, of RESULT's names and "history", into the two files, each whole or not at all.

    Several processes may do so at once. ValueError when the result holds NaN or infinity.
    """
    name = _name(training, result)
    row = {"training": name} | asdict(training) | {key: result.get(key) for key in RESULT}
    history = result.get("history") or {key: [] for key in EPOCH}
    epochs = [
        {"training": name, "epoch": number} | dict(zip(EPOCH, values, strict=True))
        for number, values in enumerate(zip(*(history[key] for key in EPOCH), strict=True), 1)
    ]
    lock = folder / "study" / "table.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):  # the table last: its row says that a training is finished
        _merge(folder / CURVES, ["training", "epoch", *EPOCH], name, epochs)
        _merge(folder / TABLE, ["training", *SETTING, *RESULT], name, [row])


def read(folder: Path) -> list[tuple[Training, dict]]:
    """Return every finished training with its result, without the curves; ValueError names a damaged table."""
    found = []
    for number, row in enumerate(_rows(folder / TABLE, ["training", *SETTING, *RESULT]), 2):
        try:
            training = Training(**{name: kind(row[name]) for name, kind in SETTING.items()})
            result = {name: kind(row[name]) if row[name] else None for name, kind in RESULT.items()}
            if row["training"] != _name(training, result) or not _finite(result):
                raise ValueError("its columns do not fit each other")
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder / TABLE} is damaged (row {number}: {error}): {REMEDY}.") from error
        found.append((training, result))
    return found


def of_before(folder: Path) -> list[Path]:
    """Return the trainings that an earlier version of the study kept here, a JSON file each."""
    return [path for place in (folder, folder / "study") for path in sorted(place.glob("*_images*_seed*.json"))]


def _name(training: Training, result: dict) -> str:
    return f"{training.name}_{result['data'][:8]}"


def _finite(row: dict) -> bool:
    return all(math.isfinite(value) for value in row.values() if isinstance(value, float))


def _rows(path: Path, columns: list[str]) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # a spreadsheet may begin it with a mark
            reader = csv.DictReader(file, strict=True)
            rows, found = list(reader), set(reader.fieldnames or ())
        if found != set(columns):
            raise ValueError(f"its columns are not {', '.join(columns)}")
        if any(None in row or None in row.values() for row in rows):
            raise ValueError("a row has more or fewer columns than the first")
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path} is damaged ({error}): {REMEDY}.") from error
    return rows


def _merge(path: Path, columns: list[str], training: str, new: list[dict]) -> None:
    """Put a training's rows among those that a file holds, in place of its old ones."""
    if not all(map(_finite, new)):
        raise ValueError(f"{path} would hold NaN or infinity: look for where they come from.")
    rows = [row for row in _rows(path, columns) if row["training"] != training] + new
    rows.sort(key=lambda row: _natural(f"{row['training']} {row.get('epoch', '')}"))
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _natural(text: str) -> list:
    """Return what sorts a text with the numbers in it by their size."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]
