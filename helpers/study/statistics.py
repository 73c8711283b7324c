"""What the study measured: statistics over seeds of the trainings in study.csv, for the chapters and the README."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from operator import itemgetter

import numpy as np
from scipy.stats import norm

from helpers.data.datasets import Dataset
from helpers.metrics import mean_interval
from helpers.store.files import ROOT
from helpers.study.settings import SETTINGS
from helpers.study.table import SCORES, TABLE, digest_of, read

FOLDER = ROOT / "reports"
SETTING = ("learning_rate", "batch_size")


def measured() -> list[tuple[str, dict]]:
    """Return (name, entry as of `of_dataset`) of all images with trainings of the report's length in study.csv."""
    rows = [asdict(training) | {"is_reports": training.is_reports} | result for training, result in read(FOLDER)]
    whole = [row for row in rows if row["epochs"] == SETTINGS[row["network"]].epochs]
    return [(name, of_dataset(same)) for (name, _), same in _grouped(whole, "dataset", "data").items()]


def measured_for(dataset: Dataset) -> dict | None:
    """Return what the study measured on a data set's very images, whatever its name; None where it did not."""
    digest = digest_of(dataset)
    return next((entry for _, entry in measured() if entry["data"] == digest), None)


def measured_as(name: str) -> dict:
    """Return what the study measured on the data set of a name, {} if nothing; ValueError if on other images, too."""
    found = [entry for known, entry in measured() if known == name]
    if len(found) > 1:
        raise ValueError(f"{FOLDER / TABLE} holds {name} with other images, too: remove the rows that are out of date.")
    return found[0] if found else {}


def summary(values: Sequence[float], comparisons: int = 1) -> dict:
    """Return mean, standard deviation (n - 1) and 95 % t-interval of values; the last two are None for one alone.

    Of several comparisons made side by side, "corrected" is the interval with which all of them hold together 95 % of
    the time: each at 1 - 0.05 / comparisons. Source: Student (1908); correction: Bonferroni (1936), Dunn (1961).
    ValueError when there are no values.
    """
    if len(values) == 0:
        raise ValueError("There is nothing to summarise.")
    several = len(values) > 1
    std = _rounded(np.std(values, ddof=1)) if several else None
    found = {"n": len(values), "mean": _rounded(np.mean(values)), "std": std}
    for name, confidence in (("interval", 0.95), ("corrected", 1 - 0.05 / comparisons))[: 1 + (comparisons > 1)]:
        found[name] = [_rounded(end) for end in mean_interval(values, confidence)[1:]] if several else None
    return found


def images_needed(first: float, second: float, *, power: float = 0.8, disagree: float | None = None) -> int:
    """Return how many test images McNemar's test (two-sided, 5 %) needs to tell two accuracies apart with that power.

    disagree: the share of all images on which just one network is right; by default that of networks which err
    independently, a (1 - b) + b (1 - a). Normal approximation: Connor (1987), equation 2.
    ValueError for accuracies that are equal or not from 0 to 1, and for a share that they do not allow.
    """
    apart = round(abs(first - second), 9)
    disagree = first * (1 - second) + second * (1 - first) if disagree is None else disagree
    if not (0 <= first <= 1 and 0 <= second <= 1 and 0 < apart <= disagree <= 1 and 0 < power < 1):
        raise ValueError(
            f"Accuracies of {first} and {second} that differ on {disagree} of the images cannot be told apart with "
            f"power {power}: give two different ones from 0 to 1, a share from their difference to 1, a power below 1."
        )
    spread = norm.ppf(0.975) * math.sqrt(disagree) + norm.ppf(power) * math.sqrt(disagree - apart**2)
    return math.ceil((spread / apart) ** 2)


def of_dataset(rows: Iterable[dict]) -> dict:
    """Return what trainings on the same images came to, by network, by number of images and by setting.

    Seeds are compared on the largest number of training images a class, which is all.
    """
    rows = sorted(rows, key=itemgetter("seed"))
    largest = max(row["images_per_class"] for row in rows)
    found = {"data": rows[0]["data"], "networks": {}, "learning_curve": {}, "search": {}}
    for name in SETTINGS:
        of = [row for row in rows if row["network"] == name]
        sizes = _grouped([row for row in of if row["is_reports"]], "images_per_class")
        if largest in sizes:
            found["networks"][name] = _network(sizes[largest])
        if len(sizes) > 1:
            by_size = {size: [row["test_accuracy"] for row in sizes[size]] for size in sorted(sizes)}
            found["learning_curve"][name] = {str(size): summary(values) for size, values in by_size.items()}
        settings = _grouped([row for row in of if row["images_per_class"] == largest], *SETTING)
        if len(settings) > 1:
            found["search"][name] = _search(settings)
    return found


def _grouped(rows: list[dict], *columns: str) -> dict:
    groups: dict = {}
    for row in rows:
        groups.setdefault(itemgetter(*columns)(row), []).append(row)
    return groups


def _network(rows: list[dict]) -> dict:
    column = {name: [row[name] for row in rows] for name in rows[0]}
    entry = {"seeds": column["seed"], "settings": {what: rows[0][what] for what in (*SETTING, "epochs")}}
    entry |= {what: sorted({value or "not recorded" for value in column[what]}) for what in ("code", "versions")}
    return entry | {what: summary(column[what]) | {"by_seed": list(map(_rounded, column[what]))} for what in SCORES}


def _search(by_setting: dict[tuple, list[dict]]) -> list[dict]:
    """Return what each setting reached on the validation images, over the seeds that all were tried with.

    The best comes first: least loss, nothing else counts. A setting that diverged has no numbers, and comes last.
    """
    seeds = sorted(set.intersection(*({row["seed"] for row in rows} for rows in by_setting.values())))
    found = []
    for setting, rows in by_setting.items() if seeds else ():
        found.append(dict(zip(SETTING, setting, strict=True)) | {"seeds": seeds})
        for what in ("val_loss", "val_accuracy"):
            values = [row[what] for row in rows if row["seed"] in seeds]
            found[-1][what] = None if None in values else _rounded(np.mean(values))
    return sorted(found, key=lambda row: np.inf if row["val_loss"] is None else row["val_loss"])


def _rounded(value: float) -> float:
    """Return a number with six significant digits: more are noise, and differ between machines."""
    return float(f"{value:.6g}")
