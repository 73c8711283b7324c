"""Published beside measured: the README's table, the chapters' tables, and one run's matrices on the photographs."""

import json
from pathlib import Path

from helpers.data.datasets import SPLITS
from helpers.store.files import ROOT, read_json, source_report, whole_file
from helpers.store.run import RECORD, Run
from helpers.study.settings import SETTINGS
from helpers.study.statistics import measured_as

PHOTOGRAPHS = ROOT / "reports" / "photographs.json"
BENCHMARKS = ROOT / "reports" / "benchmarks.json"  # tests/programs/bench_training.py writes it
README = ROOT / "README.md"
BEGIN, END = "<!-- made by: python -m helpers.study readme -->", "<!-- end -->"
NAMES = {
    "scratch": "from scratch, plain SGD in NumPy",
    "vgg19_frozen": "VGG19, new head",
    "vgg19_tuned": "VGG19, block 5 tuned",
}
THEIRS = {"scratch": "scratch", "vgg19_frozen": "vgg19"}  # the source's names for its two networks
COLUMNS = {"caltech101": "measured, the same photographs", "scenes": "measured, embedded drawings"}


def beside(network: str, here: dict) -> tuple[list[str], list[list[str]]]:
    """Return header and rows, one a split: accuracy and loss as published, on the same photographs, and in this run.

    network: a name of SETTINGS; here: {"accuracy": {split: share}, "loss": {split: nats}} of this run. Only test images
    get an interval.
    """
    theirs = source_report().get(THEIRS.get(network))
    header, rows = ["split"], [[split] for split in SPLITS]
    for what in ("accuracy", "loss"):
        header += [f"{what}, published", "the same photographs, over seeds", "this run"]
        for split, row in zip(SPLITS, rows, strict=True):
            over_seeds, value = _over_seeds("caltech101", network, f"{split}_{what}", 3), here[what][split]
            if split != "test":  # fitted or chosen on: an interval would promise something of new images
                over_seeds = over_seeds.partition(" (")[0]
            row.append(f"{theirs[what][split]:g}" if theirs else "")
            row += [over_seeds, f"{value:.3f}" if value < 1000 else f"{value:.3g}"]
    return header, rows


def keep_photographs(run_dir: Path | None) -> Path:
    """Keep accuracies, losses and confusion matrices of a run on the photographs with seed 0; return the file's path.

    ValueError for any other run; FileNotFoundError names the notebook that has not run.
    """
    if run_dir is None:
        raise ValueError("Name the run: python -m helpers.study photographs reports/caltech101")
    given = read_json(run_dir / RECORD, "run the report again")["parameters"]
    run = Run("", "caltech101", run_dir)
    scratch, vgg19 = (run.load_json(chapter, "results") for chapter in ("03_cnn_training", "04_vgg19"))
    made = (given.get("DATASET"), given.get("SEED", 0), vgg19["weights"], scratch["epochs"], vgg19["epochs"])
    if made != ("caltech101", 0, "bundled", SETTINGS["scratch"].epochs, SETTINGS["vgg19_frozen"].epochs):
        raise ValueError(f"{run_dir} is no run on caltech101 with seed 0, the bundled weights and the report's epochs.")
    found = zip(NAMES, (scratch, vgg19["frozen"], vgg19["tuned"]), strict=True)
    kept = {name: {what: one[what] for what in ("accuracy", "loss", "confusion")} for name, one in found}
    value = {"seed": 0, "class_names": scratch["class_names"], "networks": kept}
    with whole_file(PHOTOGRAPHS) as part:
        part.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return PHOTOGRAPHS


def photographs() -> dict | None:
    """Return what `keep_photographs` kept, of one run with one seed; None where it never did."""
    return json.loads(PHOTOGRAPHS.read_text(encoding="utf-8")) if PHOTOGRAPHS.is_file() else None


def write_readme() -> Path:
    """Make the README's table and its paragraph on speed anew, of study.csv and benchmarks.json."""
    text = readme(README.read_text(encoding="utf-8"))
    with whole_file(README) as part:
        part.write_text(text, encoding="utf-8")
    return README


def readme(text: str) -> str:
    """Return the README's text with what is between its two comments made anew; ValueError when they are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The README has no place for the table: it stands between {BEGIN} and {END}.")
    lines = [f"| network | published in 2022 | {' | '.join(COLUMNS.values())} |", "|---|---|---|---|"]
    for network, label in NAMES.items():
        there = f"{source_report()[THEIRS[network]]['accuracy']['test']:.2f}" if network in THEIRS else ""
        found = [_over_seeds(dataset, network, "test_accuracy", 2) for dataset in COLUMNS]
        lines.append(f"| {label} | {there} | {' | '.join(found)} |")
    return (
        "\n".join([before + begin, *lines, "", _speed(json.loads(BENCHMARKS.read_text(encoding="utf-8"))), end]) + after
    )


def _speed(benchmarks: dict) -> str:
    """Return the README's paragraph on speed and memory, of what `make bench` wrote."""
    found, machine = benchmarks["summary"], benchmarks["machine"]
    peers = {"keras": "Keras", "torch": "PyTorch"}
    times = " and ".join(f"**{share:.2f}** of {peers[name]}'s time" for name, share in found["time_against"].items())
    memory = " and ".join(f"{found['peak_gb'][name]:.1f} GB for {peers[name]}" for name in found["time_against"])
    why = " PyTorch spends most of its step in convolution and max pooling." if "PyTorch" in times else ""
    return (
        f"A training step on 30 images takes the NumPy network {found['seconds']:.2f} seconds on {machine['cores']} "
        f"cores ({machine['processor']}), {times} for the same step from the same weights, in "
        f"{found['peak_gb']['numpy']:.1f} GB of memory, against {memory}. Here a strip of rows goes through "
        "convolution and pooling while it is in the cache, with half of the multiplications (Winograd), and no "
        f"gradient of the large dense layer is ever stored whole.{why}"
    )


def _over_seeds(dataset: str, network: str, what: str, digits: int) -> str:
    """Return a mean over seeds and its interval as text."""
    found = measured_as(dataset).get("networks", {}).get(network, {}).get(what)
    if not found:
        return "not measured yet"
    low_high = "one seed" if found["interval"] is None else " to ".join(f"{x:.{digits}f}" for x in found["interval"])
    return f"**{found['mean']:.3f}** ({low_high})"
