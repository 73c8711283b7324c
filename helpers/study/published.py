"""Published beside measured: the chapters' tables, and one run's matrices on the photographs."""

import json
from pathlib import Path

from helpers.data.datasets import SPLITS
from helpers.store.files import ROOT, read_json, source_report, whole_file
from helpers.store.run import RECORD, Run
from helpers.study.settings import SETTINGS
from helpers.study.statistics import measured_as

PHOTOGRAPHS = ROOT / "reports" / "photographs.json"
THEIRS = {"scratch": "scratch", "vgg19_frozen": "vgg19"}  # the source's names for its two networks


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
            mean, value = over_seeds("caltech101", network, f"{split}_{what}", 3), here[what][split]
            if split != "test":  # fitted or chosen on: an interval would promise something of new images
                mean = mean.partition(" (")[0]
            row.append(f"{theirs[what][split]:g}" if theirs else "")
            row += [mean, f"{value:.3f}" if value < 1000 else f"{value:.3g}"]
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
    found = zip(SETTINGS, (scratch, vgg19["frozen"], vgg19["tuned"]), strict=True)
    kept = {name: {what: one[what] for what in ("accuracy", "loss", "confusion")} for name, one in found}
    value = {"seed": 0, "class_names": scratch["class_names"], "networks": kept}
    with whole_file(PHOTOGRAPHS) as part:
        part.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return PHOTOGRAPHS


def photographs() -> dict | None:
    """Return what `keep_photographs` kept, of one run with one seed; None where it never did."""
    return json.loads(PHOTOGRAPHS.read_text(encoding="utf-8")) if PHOTOGRAPHS.is_file() else None


def over_seeds(dataset: str, network: str, what: str, digits: int) -> str:
    """Return a mean over seeds and its interval as text."""
    found = measured_as(dataset).get("networks", {}).get(network, {}).get(what)
    if not found:
        return "not measured yet"
    low_high = "one seed" if found["interval"] is None else " to ".join(f"{x:.{digits}f}" for x in found["interval"])
    return f"**{found['mean']:.3f}** ({low_high})"
