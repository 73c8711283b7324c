"""What the study measured: statistics over seeds, kept in reports/measured.json for the chapters and the README."""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import norm

from helpers.data.datasets import SPLITS, Dataset
from helpers.metrics import mean_interval
from helpers.store.files import ROOT, whole_file
from helpers.study.settings import SETTINGS, Training
from helpers.study.table import digest_of

MEASURED = ROOT / "reports" / "measured.json"
PAIRS = (("vgg19_frozen", "scratch"), ("vgg19_tuned", "scratch"), ("vgg19_tuned", "vgg19_frozen"))
Finished = Sequence[tuple[Training, dict]]  # as `helpers.study.table.read` returns them


def measured_for(dataset: Dataset) -> dict | None:
    """Return what measured.json holds of a data set's very images, whatever its name; None where it holds nothing."""
    digest = digest_of(dataset)
    return next((entry for entry in load()["datasets"].values() if entry["data"] == digest), None)


def summary(values: Sequence[float], comparisons: int = 1) -> dict:
    """Return mean, standard deviation (n - 1) and 95 % t-interval of values; the last two are None for one alone.

    Of several comparisons made side by side, "corrected" is the interval with which all of them hold together 95 % of
    the time: each at 1 - 0.05 / comparisons. Source: Student (1908); correction: Bonferroni (1936), Dunn (1961).
    ValueError when there are no values.
    """
    if len(values) == 0:
        raise ValueError("There is nothing to summarise.")
    found = {"n": len(values), "mean": _rounded(np.mean(values)), "std": None, "interval": None}
    if len(values) > 1:
        found |= {"std": _rounded(np.std(values, ddof=1)), "interval": _interval(values, 0.95)}
    if comparisons > 1:
        found["corrected"] = _interval(values, 1 - 0.05 / comparisons) if len(values) > 1 else None
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


def of_dataset(finished: Finished) -> dict:
    """Return a data set's entry in measured.json, of trainings on the same images.

    Seeds are compared on the largest number of training images a class, which is all.
    """
    finished = sorted(finished, key=lambda pair: pair[0].seed)
    largest = max(training.images_per_class for training, _ in finished)
    of = {name: [pair for pair in finished if pair[0].network == name] for name in SETTINGS}
    usual = {name: [pair for pair in pairs if pair[0].is_reports] for name, pairs in of.items()}
    full = {name: [pair for pair in pairs if pair[0].images_per_class == largest] for name, pairs in usual.items()}
    networks = {name: _network(pairs) for name, pairs in full.items() if pairs}
    curves = {name: _curve(pairs) for name, pairs in usual.items()}
    searches = {name: _search(pairs, largest) for name, pairs in of.items()}
    return {
        "data": finished[0][1]["data"],
        "networks": networks,
        "differences": _differences(networks),
        "learning_curve": {name: curve for name, curve in curves.items() if len(curve) > 1},
        "search": {name: rows for name, rows in searches.items() if len(rows) > 1},
    }


def _network(finished: Finished) -> dict:
    training = finished[0][0]
    entry = {"seeds": [training.seed for training, _ in finished]}
    entry["settings"] = {what: getattr(training, what) for what in ("learning_rate", "batch_size", "epochs")}
    for what in ("code", "versions"):
        entry[what] = sorted({result[what] or "not recorded" for _, result in finished})
    for column in (f"{split}_{what}" for split in SPLITS for what in ("accuracy", "loss")):
        values = [result[column] for _, result in finished]
        entry[column] = summary(values) | {"by_seed": [_rounded(value) for value in values]}
    return entry


def _differences(networks: dict[str, dict]) -> dict[str, dict]:
    """Return the differences of the test accuracies, seed by seed, of the pairs that have seeds in common."""
    accuracy = {
        name: dict(zip(entry["seeds"], entry["test_accuracy"]["by_seed"], strict=True))
        for name, entry in networks.items()
    }
    shared = {(a, b): sorted(accuracy.get(a, {}).keys() & accuracy.get(b, {}).keys()) for a, b in PAIRS}
    shared = {pair: seeds for pair, seeds in shared.items() if seeds}
    return {
        f"{a} - {b}": {
            "seeds": seeds,
            "test_accuracy": summary([accuracy[a][seed] - accuracy[b][seed] for seed in seeds], len(shared)),
        }
        for (a, b), seeds in shared.items()
    }


def _curve(finished: Finished) -> dict[str, dict]:
    """Return the test accuracy by the number of training images a class."""
    by_size: dict[int, list] = defaultdict(list)
    for training, result in finished:
        by_size[training.images_per_class].append(result["test_accuracy"])
    return {str(size): summary(by_size[size]) for size in sorted(by_size)}


def _search(finished: Finished, largest: int) -> list[dict]:
    """Return what each setting reached on the validation images, the best first: least loss. Nothing else counts.

    A setting with which a training diverged has no numbers, and comes last.
    """
    by_setting: dict[tuple, dict[int, dict]] = defaultdict(dict)
    for training, result in finished:
        if training.images_per_class == largest:
            by_setting[training.learning_rate, training.batch_size][training.seed] = result
    seeds = sorted(set.intersection(*map(set, by_setting.values()))) if by_setting else []
    rows = []
    for (learning_rate, batch_size), by_seed in by_setting.items() if seeds else ():
        means = dict.fromkeys(("val_loss", "val_accuracy"))
        if not any(by_seed[seed]["diverged"] for seed in seeds):
            means = {what: _rounded(np.mean([by_seed[seed][what] for seed in seeds])) for what in means}
        rows.append({"learning_rate": learning_rate, "batch_size": batch_size, "seeds": seeds} | means)
    return sorted(rows, key=lambda row: np.inf if row["val_loss"] is None else row["val_loss"])


def add(name: str, finished: Finished, path: Path = MEASURED) -> None:
    """Put a data set's entry into measured.json, which is written whole or not at all."""
    value = {"datasets": load(path)["datasets"] | {name: of_dataset(finished)}}
    with whole_file(path) as part:
        part.write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def load(path: Path = MEASURED) -> dict:
    """Return what the study measured; with no data sets when there was none. ValueError names a damaged file."""
    if not path.is_file():
        return {"datasets": {}}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        _ = [(entry["networks"], entry["data"]) for entry in value["datasets"].values()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}): run `python -m helpers.study` again.") from error
    return value


def _interval(values: Sequence[float], confidence: float) -> list[float]:
    _, low, high = mean_interval(values, confidence)
    return [_rounded(low), _rounded(high)]


def _rounded(value: float) -> float:
    """Return a number with six significant digits: more are noise, and differ between machines."""
    return float(f"{value:.6g}")
