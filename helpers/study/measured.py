"""What the study measured: statistics over seeds, reports/measured.json, and the README's table made from it."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from helpers.metrics import mean_interval
from helpers.store.cache import versions
from helpers.store.files import ROOT, source_report, whole_file

MEASURED = ROOT / "reports" / "measured.json"
BENCHMARKS = ROOT / "reports" / "benchmarks.json"  # tests/programs/bench_training.py writes it
README = ROOT / "README.md"
BEGIN, END = "<!-- made by: python -m helpers.study readme -->", "<!-- end -->"
NAMES = {
    "scratch": "from scratch, plain SGD in NumPy",
    "vgg19_frozen": "VGG19, new head",
    "vgg19_tuned": "VGG19, block 5 tuned",
}
PAIRS = (("vgg19_frozen", "scratch"), ("vgg19_tuned", "scratch"), ("vgg19_tuned", "vgg19_frozen"))


def summary(values: Sequence[float]) -> dict:
    """Return mean, standard deviation (n - 1) and 95 % t-interval of values; the last two are None for one alone.

    Source of the interval: Student (1908). ValueError when there are no values.
    """
    if len(values) == 0:
        raise ValueError("There is nothing to summarise.")
    if len(values) == 1:
        return {"n": 1, "mean": _rounded(values[0]), "std": None, "interval": None}
    mean, low, high = mean_interval(values)
    std = _rounded(np.std(values, ddof=1))
    return {"n": len(values), "mean": _rounded(mean), "std": std, "interval": [_rounded(low), _rounded(high)]}


def described(total: dict, recipes: dict) -> dict:
    """Return what measured.json holds with the settings and the packages' versions that it was measured with."""
    settings = {
        name: {"learning_rate": recipe.learning_rate, "batch_size": recipe.batch_size, "epochs": recipe.epochs}
        for name, recipe in recipes.items()
    }
    return total | {"settings": settings, "versions": versions()}


def of_dataset(results: Iterable[tuple], largest: int) -> dict:
    """Return a data set's entry in measured.json, of pairs (cell, result) as `recipes.train` returns them.

    The seeds compared are those on `largest` training images a class, which is all.
    """
    networks: dict[str, list] = defaultdict(list)
    for cell, result in sorted(results, key=lambda pair: (pair[0].network, pair[0].seed)):
        networks[cell.network].append((cell, result))
    full = {name: _full(pairs, largest) for name, pairs in networks.items()}
    entries = {name: _network(by_seed) for name, by_seed in full.items() if by_seed}
    curves = {name: _curve(pairs) for name, pairs in networks.items()}
    searches = {name: _search(pairs, largest) for name, pairs in networks.items()}
    return {
        "networks": entries,
        "differences": _differences(entries),
        "learning_curve": {name: curve for name, curve in curves.items() if len(curve) > 1},
        "search": {name: rows for name, rows in searches.items() if len(rows) > 1},
    }


def merged(before: dict, now: dict, digest: str) -> dict:
    """Return a data set's entry with what was measured before of networks that a study leaves out.

    digest is that of the images; what was measured on others, or on nobody knows which, is dropped.
    """
    if before.get("data") != digest:
        return now | {"data": digest}
    entry = {what: before[what] | now[what] for what in ("networks", "learning_curve", "search")}
    return entry | {"differences": _differences(entry["networks"]), "data": digest}


def _full(pairs: list, largest: int) -> dict[int, dict]:
    """Return {seed: result} of the trainings with the report's settings on all training images."""
    return {cell.seed: result for cell, result in pairs if cell.is_reports and cell.images == largest}


def _network(by_seed: dict[int, dict]) -> dict:
    entry: dict = {"seeds": sorted(by_seed)}
    for split in ("train", "val", "test"):
        for what in ("accuracy", "loss"):
            values = [by_seed[seed][split][what] for seed in entry["seeds"]]
            entry[f"{split}_{what}"] = summary(values) | {"by_seed": [_rounded(value) for value in values]}
    return entry


def _differences(networks: dict[str, dict]) -> dict[str, dict]:
    """Return the differences of the test accuracies, seed by seed, of the pairs that have seeds in common."""
    accuracy = {
        name: dict(zip(entry["seeds"], entry["test_accuracy"]["by_seed"], strict=True))
        for name, entry in networks.items()
    }
    differences = {}
    for a, b in PAIRS:
        if seeds := sorted(accuracy.get(a, {}).keys() & accuracy.get(b, {}).keys()):
            values = [accuracy[a][seed] - accuracy[b][seed] for seed in seeds]
            differences[f"{a} - {b}"] = {"seeds": seeds, "test_accuracy": summary(values)}
    return differences


def _curve(pairs: list) -> dict[str, dict]:
    """Return the test accuracy by the number of training images a class."""
    by_size: dict[int, list] = defaultdict(list)
    for cell, result in pairs:
        if cell.is_reports:
            by_size[cell.images].append(result["test"]["accuracy"])
    return {str(size): summary(by_size[size]) for size in sorted(by_size)}


def _search(pairs: list, largest: int) -> list[dict]:
    """Return what each setting reached on the validation images, the best first: least loss. Nothing else counts.

    A setting with which a training diverged has no numbers, and comes last.
    """
    by_setting: dict[tuple, dict[int, dict]] = defaultdict(dict)
    for cell, result in pairs:
        if cell.images == largest:
            by_setting[cell.learning_rate, cell.batch_size][cell.seed] = result.get("val")
    seeds = sorted(set.intersection(*map(set, by_setting.values()))) if by_setting else []
    rows = []
    for (learning_rate, batch_size), by_seed in by_setting.items() if seeds else ():
        means = dict.fromkeys(("val_loss", "val_accuracy"))
        if all(by_seed[s] for s in seeds):
            means = {what: _rounded(np.mean([by_seed[s][what.removeprefix("val_")] for s in seeds])) for what in means}
        rows.append({"learning_rate": learning_rate, "batch_size": batch_size, "seeds": seeds} | means)
    return sorted(rows, key=lambda row: np.inf if row["val_loss"] is None else row["val_loss"])


def save(value: dict, path: Path = MEASURED) -> None:
    """Write measured.json, whole or not at all."""
    with whole_file(path) as part:
        part.write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def load(path: Path = MEASURED) -> dict:
    """Return what the study measured; with no data sets when there was none. ValueError names a damaged file."""
    if not path.is_file():
        return {"datasets": {}}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        _ = [entry["networks"] for entry in value["datasets"].values()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}): run `python -m helpers.study` again.") from error
    return value


def readme_table(measured: dict) -> str:
    """Return the README's table: test accuracy published | measured on the photographs | on the drawings."""
    theirs, lines = source_report(), []
    columns = {"caltech101": "measured, the same photographs", "scenes": "measured, embedded drawings"}
    lines += [f"| network | published in 2022 | {' | '.join(columns.values())} |", "|---|---|---|---|"]
    for network, label in NAMES.items():
        there = f"{theirs[network]['accuracy']['test']:.2f}" if network == "scratch" else ""
        there = f"{theirs['vgg19']['accuracy']['test']:.2f}" if network == "vgg19_frozen" else there
        cells = [_entry(measured["datasets"].get(name, {}), network) for name in columns]
        lines.append(f"| {label} | {there} | {' | '.join(cells)} |")
    return "\n".join(lines)


def readme_speed(benchmarks: dict) -> str:
    """Return the README's paragraph on speed and memory, of what `make bench` wrote."""
    found, machine = benchmarks["summary"], benchmarks["machine"]
    names = {"keras": "Keras", "torch": "PyTorch"}
    peers = [(names[name], share, found["peak_gb"][name]) for name, share in found["time_against"].items()]
    times = " and ".join(f"**{share:.2f}** of {name}'s time" for name, share, _ in peers)
    memory = " and ".join(f"{peak:.1f} GB for {name}" for name, _, peak in peers)
    return (
        f"The NumPy network is quick, too: a training step on 30 images takes it {found['seconds']:.2f} seconds on "
        f"{machine['cores']} cores ({machine['processor']}), {times} for the same step from the same weights, in "
        f"{found['peak_gb']['numpy']:.1f} GB of memory, against {memory}. `make bench` measures it anew."
    )


def _entry(dataset: dict, network: str) -> str:
    if network not in dataset.get("networks", {}):
        return "not measured yet"
    accuracy = dataset["networks"][network]["test_accuracy"]
    if accuracy["interval"] is None:
        return f"**{accuracy['mean']:.3f}** (one seed)"
    low, high = accuracy["interval"]
    return f"**{accuracy['mean']:.3f}** ({low:.2f} to {min(high, 1):.2f})"


def readme(text: str, measured: dict, benchmarks: dict) -> str:
    """Return the README's text with what is between its two comments made anew; ValueError when they are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The README has no place for the table: it stands between {BEGIN} and {END}.")
    return f"{before}{begin}\n{readme_table(measured)}\n\n{readme_speed(benchmarks)}\n{end}{after}"


def _rounded(value: float) -> float:
    """Return a number with six significant digits: more are noise, and differ between machines."""
    return float(f"{value:.6g}")
