"""A notebook's run: its parameters checked, a folder for what it hands on, and claims that hold on the report's own."""

import math
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np

from helpers.store.files import ROOT, expanded, folder_name, read_json, read_npz, write_json, write_npz

NAMED = ("scenes", "caltech101")  # data sets; any other is a folder's path
# No folder of pictures gives these names to its run: they are the report's own, or Windows' devices.
TAKEN = (*NAMED, "readme", "study", "aux", "con", "nul", "prn")
RECORD = "chain.json"  # in a run's folder: what it was made of, as helpers.report.chain writes it
ELSEWHERE = "name another folder with --run-dir, or as RUN_DIR in a notebook"
EPOCHS = 25  # the source report's


class Run:
    """What a notebook makes of its parameters before any work.

    `folder` is the run's, absolute, `seed` and `epochs` are integers, `own` tells whether this is the report's own run:
    a data set by name, the bundled weights, SEED 0, and `usual`, which is the notebook's word that its other parameters
    are as it declares them. Raises ValueError for a parameter that does not fit, and as `resolve_run_dir` does.
    """

    def __init__(
        self, chapter: str, dataset: str | Path, run_dir: str | Path = "", *, weights: str | Path = "bundled",
        seed: object = 0, epochs: object = EPOCHS, usual: bool = True,
    ) -> None:  # fmt: skip
        self.chapter = chapter
        self.seed, self.epochs = whole_number("SEED", seed, 0), whole_number("EPOCHS", epochs, 1)
        self.folder = resolve_run_dir(run_dir, dataset)
        self.own = dataset in NAMED and weights == "bundled" and self.seed == 0 and usual

    def claim(self, holds: object, sentence: str, epochs: int = 1) -> str:
        """Return the sentence, which tells what was found, whether the claim holds or not.

        AssertionError where it does not, this is the report's own run of at least so many epochs, and the environment
        has REPORT_CLAIMS=strict, as `make test` sets it: there a change of the code is to blame.
        """
        if not holds and self.own and self.epochs >= epochs and os.environ.get("REPORT_CLAIMS") == "strict":
            raise AssertionError(f"Not as claimed of the report's own run: {sentence}")
        return sentence

    def cache(self, name: str) -> Path:
        """Return the file RUN_DIR/cache/<name>.npz for what takes long, whichever chapter makes or reads it."""
        return self.folder / "cache" / f"{name}.npz"

    def path(self, file: str) -> Path:
        """Return the path of an artifact of this chapter, RUN_DIR/artifacts/<chapter>/<file>."""
        return self.folder / "artifacts" / self.chapter / file

    def artifact(self, chapter: str, file: str) -> Path:
        """Return the path of another chapter's artifact; FileNotFoundError names the notebook that makes it."""
        path = self.folder / "artifacts" / chapter / file
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: run notebook {chapter} first, or `make report`.")
        return path

    def save_json(self, name: str, value: object) -> Path:
        """Write `value` as <name>.json and return its path; ValueError for NaN and infinity."""
        write_json(path := self.path(f"{name}.json"), value)
        return path

    def load_json(self, chapter: str, name: str) -> object:
        """Return what a chapter saved as JSON; FileNotFoundError where it has not, ValueError for a damaged file."""
        return read_json(self.artifact(chapter, f"{name}.json"), f"delete it and run notebook {chapter} again")

    def save_arrays(self, name: str, **arrays: np.ndarray) -> Path:
        """Write arrays as <name>.npz and return its path; ValueError for objects."""
        write_npz(path := self.path(f"{name}.npz"), arrays)
        return path

    def load_arrays(self, chapter: str, name: str, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Return the arrays that a chapter saved, or those of `names`; errors as for `load_json`."""
        return read_npz(self.artifact(chapter, f"{name}.npz"), f"delete it and run notebook {chapter} again", names)


def whole_number(name: str, value: object, least: int) -> int:
    """Return a parameter as an integer; ValueError, with its name, for what is none or is below `least`."""
    return number(name, value, least, kind=int)


def number(name: str, value: object, least: float = 0, below: float = math.inf, kind: type = float) -> float:
    """Return a parameter as a float; ValueError, with its name, unless it is from `least` and below `below`."""
    with suppress(ValueError):
        if least <= (result := kind(str(value))) < below:
            return result
    what, end = "an integer" if kind is int else "a number", f" and below {below:g}" if below < math.inf else ""
    raise ValueError(f"{name} is {value}: it must be {what} from {least:g}{end}.")


def resolve_run_dir(run_dir: str | Path, dataset: str | Path) -> Path:
    """Return the folder of a run, absolute: `run_dir`, or reports/<name of the data set> when it is empty.

    A folder of pictures whose name is taken there gets one that ends in -folder. ValueError where that place holds the
    run of another data set, or where run and pictures would lie in one another.
    """
    pictures = None if dataset in NAMED else expanded(dataset).resolve()
    if run_dir:
        folder = expanded(run_dir).resolve()
    else:
        name = folder_name(pictures) if pictures else str(dataset)
        if pictures and name.casefold() in TAKEN:
            name += "-folder"
        folder = ROOT / "reports" / name
        if (other := _dataset_of(folder)) not in (None, str(pictures or dataset)):
            raise ValueError(f"{folder} holds a run on another data set, {other}: {ELSEWHERE}, or delete that run.")
    if pictures and str(dataset) and (pictures.is_relative_to(folder) or folder.is_relative_to(pictures)):
        told = f"The run's folder {folder} and the pictures in {pictures} would lie in one another"
        raise ValueError(f"{told}: move the pictures, or {ELSEWHERE}.")
    return folder


def _dataset_of(folder: Path) -> str | None:  # of the last run there
    try:
        return read_json(folder / RECORD, "every notebook runs again").get("parameters", {}).get("DATASET")
    except (OSError, ValueError):  # the chain itself will tell
        return None
