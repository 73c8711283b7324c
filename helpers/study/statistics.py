"""What the study measured: statistics over seeds of the trainings in study.csv, for the chapters and the README."""

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from helpers.data.datasets import Dataset
from helpers.metrics import mean_interval
from helpers.store.files import ROOT
from helpers.study.settings import SETTINGS, Training
from helpers.study.table import SCORES, TABLE, digest_of, read

FOLDER = ROOT / "reports"
PAIRS = (("vgg19_frozen", "scratch"), ("vgg19_tuned", "scratch"), ("vgg19_tuned", "vgg19_frozen"))
Finished = Sequence[tuple[Training, dict]]  # as `helpers.study.table.read` returns them


def measured() -> list[tuple[str, dict]]:
    """Return (name, entry as of `of_dataset`) of all images with trainings of the report's length in study.csv."""
    of_images: dict[tuple, list] = defaultdict(list)
    for training, result in read(FOLDER):
        if training.epochs == SETTINGS[training.network].epochs:
            of_images[training.dataset, result["data"]].append((training, result))
    return [(name, of_dataset(finished)) for (name, _), finished in of_images.items()]


def measured_for(dataset: Dataset) -> dict | None:
    """Return what the study measured on a data set's very images, whatever its name; None where it did not."""
    digest = digest_of(dataset)
    return next((entry for _, entry in measured() if entry["data"] == digest), None)


def measured_as(name: str) -> dict:
    """Return what the study measured on the data set of a name, {} where it did not.

    ValueError where it trained on several sets of images of that name.
    """
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

    def interval(confidence: float) -> list[float] | None:
        return [_rounded(end) for end in mean_interval(values, confidence)[1:]] if len(values) > 1 else None

    std = _rounded(np.std(values, ddof=1)) if len(values) > 1 else None
    found = {"n": len(values), "mean": _rounded(np.mean(values)), "std": std, "interval": interval(0.95)}
    return found | ({"corrected": interval(1 - 0.05 / comparisons)} if comparisons > 1 else {})


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
    """Return what trainings on the same images came to, by network, by pair, by number of images and by setting.

    Seeds are compared on the largest number of training images a class, which is all.
    """
    finished = sorted(finished, key=lambda pair: pair[0].seed)
    largest = max(training.images_per_class for training, _ in finished)
    networks, curves, searches = {}, {}, {}
    for name in SETTINGS:
        of = [pair for pair in finished if pair[0].network == name]
        full = [pair for pair in of if pair[0].images_per_class == largest]
        if usual := [pair for pair in full if pair[0].is_reports]:
            networks[name] = _network(usual)
        if len(curve := _curve([pair for pair in of if pair[0].is_reports])) > 1:
            curves[name] = curve
        if len(rows := _search(full)) > 1:
            searches[name] = rows
    found = {"networks": networks, "differences": _differences(networks), "learning_curve": curves, "search": searches}
    return {"data": finished[0][1]["data"]} | found


def _network(finished: Finished) -> dict:
    trainings, results = zip(*finished, strict=True)
    entry = {"seeds": [training.seed for training in trainings]}
    entry["settings"] = {what: getattr(trainings[0], what) for what in ("learning_rate", "batch_size", "epochs")}
    for what in ("code", "versions"):
        entry[what] = sorted({result[what] or "not recorded" for result in results})
    for column in SCORES:
        values = [result[column] for result in results]
        entry[column] = summary(values) | {"by_seed": [_rounded(value) for value in values]}
    return entry


def _differences(networks: dict[str, dict]) -> dict[str, dict]:
    """Return the differences of the test accuracies, seed by seed, of the pairs that have seeds in common."""
    accuracy = {name: dict(zip(e["seeds"], e["test_accuracy"]["by_seed"], strict=True)) for name, e in networks.items()}
    shared = {(a, b): sorted(accuracy.get(a, {}).keys() & accuracy.get(b, {}).keys()) for a, b in PAIRS}
    shared = {pair: seeds for pair, seeds in shared.items() if seeds}
    found = {}
    for (a, b), seeds in shared.items():
        differences = [accuracy[a][seed] - accuracy[b][seed] for seed in seeds]
        found[f"{a} - {b}"] = {"seeds": seeds, "test_accuracy": summary(differences, len(shared))}
    return found


def _curve(finished: Finished) -> dict[str, dict]:
    """Return the test accuracy by the number of training images a class."""
    found = [(training.images_per_class, result["test_accuracy"]) for training, result in finished]
    sizes = sorted({size for size, _ in found})
    return {str(size): summary([accuracy for other, accuracy in found if other == size]) for size in sizes}


def _search(finished: Finished) -> list[dict]:
    """Return what each setting reached on the validation images, the best first: least loss. Nothing else counts.

    A setting with which a training diverged has no numbers, and comes last.
    """
    by_setting: dict[tuple, dict[int, dict]] = defaultdict(dict)
    for training, result in finished:
        by_setting[training.learning_rate, training.batch_size][training.seed] = result
    seeds = sorted(set.intersection(*map(set, by_setting.values()))) if by_setting else []
    rows = []
    for (learning_rate, batch_size), by_seed in by_setting.items() if seeds else ():
        results, means = [by_seed[seed] for seed in seeds], dict.fromkeys(("val_loss", "val_accuracy"))
        if not any(result["diverged"] for result in results):
            means = {what: _rounded(np.mean([result[what] for result in results])) for what in means}
        rows.append({"learning_rate": learning_rate, "batch_size": batch_size, "seeds": seeds} | means)
    return sorted(rows, key=lambda row: np.inf if row["val_loss"] is None else row["val_loss"])


def _rounded(value: float) -> float:
    """Return a number with six significant digits: more are noise, and differ between machines."""
    return float(f"{value:.6g}")
