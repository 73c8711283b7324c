"""Writes the README's table of results and its paragraph on speed: `python tests/programs/readme_numbers.py`.

Nothing is trained or timed: the numbers come from reports/, from study.csv and benchmarks.json.
"""

import json

from helpers.store.files import ROOT, source_report, whole_file
from helpers.study.published import THEIRS, over_seeds

README = ROOT / "README.md"
BENCHMARKS = ROOT / "reports" / "benchmarks.json"  # bench_training.py writes it
BEGIN, END = "<!-- made by: make readme -->", "<!-- end -->"
NAMES = {
    "scratch": "from scratch, plain SGD in NumPy",
    "vgg19_frozen": "VGG19, new head",
    "vgg19_tuned": "VGG19, block 5 tuned",
}
COLUMNS = {"caltech101": "measured, the same photographs", "scenes": "measured, embedded drawings"}


def readme(text: str) -> str:
    """Return the README's text with what is between its two comments made anew; ValueError when they are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The README has no place for the table: it stands between {BEGIN} and {END}.")
    lines = [f"| network | published in 2022 | {' | '.join(COLUMNS.values())} |", "|---|---|---|---|"]
    for network, label in NAMES.items():
        there = f"{source_report()[THEIRS[network]]['accuracy']['test']:.2f}" if network in THEIRS else ""
        found = [over_seeds(dataset, network, "test_accuracy", 2) for dataset in COLUMNS]
        lines.append(f"| {label} | {there} | {' | '.join(found)} |")
    return (
        "\n".join([before + begin, *lines, "", _speed(json.loads(BENCHMARKS.read_text(encoding="utf-8"))), end]) + after
    )


def _speed(benchmarks: dict) -> str:
    """Return the README's paragraph on speed and memory, of what `make bench` wrote."""
    found, machine = benchmarks["summary"], benchmarks["machine"]
    peers = {"keras": "Keras", "torch": "PyTorch", "jax": "JAX"}  # but no other version of ours
    against = [name for name in found["time_against"] if name in peers]
    times = _listed([f"**{found['time_against'][name]:.2f}** of {peers[name]}'s time" for name in against])
    memory = _listed([f"{found['peak_gb'][name]:.1f} GB for {peers[name]}" for name in against])
    return (
        f"A training step on 30 images takes the NumPy network {found['seconds']:.2f} seconds on {machine['cores']} "
        f"cores ({machine['processor']}), {times} for the same step from the same weights, in "
        f"{found['peak_gb']['numpy']:.1f} GB of memory, against {memory}. In this program a strip of rows goes through "
        "convolution and pooling while it is in the cache, with half of the multiplications (Winograd), and no "
        "gradient of the large dense layer is ever stored whole."
    )


def _listed(parts: list[str]) -> str:
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def main() -> None:
    """Make what is between the README's two comments anew."""
    text = readme(README.read_text(encoding="utf-8"))
    with whole_file(README) as part:
        part.write_text(text, encoding="utf-8")
    print(README)


if __name__ == "__main__":
    main()
