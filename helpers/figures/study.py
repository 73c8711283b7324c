"""The figure of the study: every seed's accuracy with intervals, and the learning curves."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.figures.style import BLUE, GREEN, INK, ORANGE, WIDTH

LOOKS = {  # colour, marker and name of a network
    "scratch": (BLUE, "o", "CNN from scratch"),
    "vgg19_frozen": (ORANGE, "s", "VGG19, new head"),
    "vgg19_tuned": (GREEN, "^", "VGG19, block 5 tuned"),
}


def study(entry: dict | None) -> Figure:
    """Plot test accuracies by seed and by number of training images; `entry` is as of `helpers.study.measured_for`."""
    figure = Figure(figsize=(WIDTH, 2.7 if entry else 0.5), layout="constrained")
    if not entry:
        figure.text(0, 0.5, "This data set has not been measured over several seeds.", color=INK, va="center")
        return figure
    left, right = figure.subplots(1, 2, sharey=True)
    _seeds(left, entry["networks"])
    curves = entry["learning_curve"]
    if curves:
        _curves(right, curves)
    else:
        right.set_visible(False)
    return figure


def _seeds(ax: Axes, networks: dict) -> None:
    shown = [name for name in LOOKS if name in networks]
    for at, name in enumerate(shown):
        accuracy, (color, marker, _) = networks[name]["test_accuracy"], LOOKS[name]
        values = np.array(accuracy["by_seed"])
        ax.plot(at - 0.15 + _apart(values), values, marker, color=color, ms=4, alpha=0.6, mec="none")
        ax.plot([at + 0.17], [accuracy["mean"]], marker, color=color, ms=6, mec=INK, mew=0.6)
        if accuracy["interval"]:
            ax.plot([at + 0.17] * 2, accuracy["interval"], color=INK, lw=1.2, zorder=1)
        ax.annotate(f" {accuracy['mean']:.3f}", (at + 0.2, accuracy["mean"]), fontsize=8, va="center")
    ax.set_xticks(range(len(shown)), [LOOKS[name][2].replace(", ", ",\n").replace(" from", "\nfrom") for name in shown])
    ax.set(xlim=(-0.5, len(shown) - 0.3), ylabel="test accuracy", title="every seed, mean and 95 % interval")


def _apart(values: np.ndarray) -> np.ndarray:
    """Return how far to the right each dot goes, so that equal ones lie side by side."""
    before = [int(np.sum(values[:k] == value)) for k, value in enumerate(values)]
    return 0.07 * (np.array(before) - np.array([np.sum(values == value) - 1 for value in values]) / 2)


def _curves(ax: Axes, curves: dict) -> None:
    for name in (name for name in LOOKS if name in curves):
        color, marker, _ = LOOKS[name]
        points = sorted((int(size), value["mean"], value["interval"]) for size, value in curves[name].items())
        sizes, means, bands = zip(*points, strict=True)
        bands = np.array([band or [mean] * 2 for band, mean in zip(bands, means, strict=True)])
        ax.plot(sizes, means, f"{marker}-", color=color, ms=4)
        ax.fill_between(sizes, *np.minimum(bands, 1).T, color=color, alpha=0.15, lw=0)
    ax.set(xlabel="training images a class", title="with fewer images to learn from")
