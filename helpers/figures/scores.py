"""How good networks and heat maps are: curves of a training, confusion matrices, accuracies and intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm
from matplotlib.figure import Figure

from helpers.figures.names import drawn_names, explain_names
from helpers.figures.style import BLUE, GRAY, GREEN, INK, ORANGE, SIX, VIOLET, canvas

PICTURED = 4  # classes whose images can be made out in a confusion matrix
LEGIBLE = 15  # classes whose counts can be read in it
WORST = 14  # pairs of classes named beside a matrix without counts
CELL_HEIGHT = 0.86  # of a cell of that matrix, beneath its count, as a part of the images' width
COLORS = {
    "plain gradient": GREEN,
    "guided backprop": ORANGE,
    "Grad-CAM": BLUE,
    "Guided Grad-CAM": VIOLET,
    "before": GRAY,
    "after": GREEN,
}
DASHES = {"random": ":", "centre": "--", "edge": "-."}  # the baselines
COLORS |= {"after": GREEN} | dict.fromkeys(("before", *DASHES), GRAY)
LOOKS = {  # colour, marker and name of a network
    "scratch": (BLUE, "o", "CNN from scratch"),
    "vgg19_frozen": (ORANGE, "s", "VGG19, new head"),
    "vgg19_tuned": (GREEN, "^", "VGG19, block 5 tuned"),
}
BESIDE = {"loc": "upper left", "bbox_to_anchor": (1, 1)}  # of a legend


def curves(history: dict) -> Figure:
    """Plot loss (log scale) and accuracy of training and validation by epoch."""
    figure = canvas(2.6)
    left, right = figure.subplots(1, 2)
    epochs = np.arange(1, len(history["loss"]) + 1)
    for ax, name in ((left, "loss"), (right, "accuracy")):
        ax.plot(epochs, history[name], "o-", ms=3, color=BLUE, label="train")
        ax.plot(epochs, history[f"val_{name}"], "s--", ms=3, color=ORANGE, label="val")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel="epoch", xlim=(0.5, max(2, len(epochs)) + 0.5))
    left.set(yscale="log", ylabel="cross-entropy (nats)")
    right.set(ylim=(0, 1.03), ylabel="accuracy")
    right.legend(loc="lower right")
    return figure


def confusion(images: np.ndarray, actual: np.ndarray, predicted: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Draw a confusion matrix, rows actual, columns predicted, the right ones in blue, the wrong ones in orange.

    Of at most `PICTURED` classes with its images in its cells, the first of a full one; of at most `LEGIBLE` with its
    counts alone; of more, classes are numbers, and the pairs most often taken for each other are named beside it.
    """
    classes, actual, predicted = len(class_names), np.asarray(actual), np.asarray(predicted)
    cells = np.ravel_multi_index((actual, predicted), (classes, classes))
    counts = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
    figure = (_of_few if classes <= LEGIBLE else _of_many)(counts, drawn_names(class_names, 18))
    ax, right = figure.axes[0], np.trace(counts)
    if classes <= PICTURED:
        for i, j in np.ndindex(counts.shape):
            _pictures(ax, i, j, images[(actual == i) & (predicted == j)], counts.max())
        ax.set(xlim=(0, classes), ylim=(classes, 0))
    title = f"{right} of {counts.sum()} right (on the diagonal), {counts.sum() - right} wrong"
    ax.set(xlabel="predicted class", ylabel="actual class", title=title)
    ax.tick_params(length=0)
    explain_names(figure, class_names)
    return figure


def _of_few(counts: np.ndarray, names: Sequence[str]) -> Figure:
    pictured, at = len(names) <= PICTURED, np.arange(len(names)) + 0.5
    side = min((1.8 if pictured else 0.45) * len(names), 5.6)
    figure = canvas(side + 1.4, side + 1.6)
    ax = figure.subplots()
    _shade(ax, counts, annot=False if pictured else counts, fmt="d", alpha=0.45 if pictured else 1, linewidths=1)
    ax.set_xticks(at, names, parse_math=False, **({} if pictured else {"rotation": 40, "ha": "right"}))
    ax.set_yticks(at, names, parse_math=False, rotation=0)
    return figure


def _of_many(counts: np.ndarray, names: Sequence[str]) -> Figure:
    """Draw a matrix without counts, and list which classes are most often taken for which, with their numbers."""
    figure = canvas(4.1)
    ax, beside = figure.subplots(1, 2, width_ratios=[1.5, 1])
    bar = {"shrink": 0.6, "label": "images: wrong below 0, right above", "format": lambda value, _: f"{abs(value):g}"}
    _shade(ax, counts, cbar=True, cbar_kws=bar)
    at = np.arange(-1, len(names), 5 if len(names) <= 50 else 20)[1:]
    ax.set_xticks(at + 0.5, at + 1)
    ax.set_yticks(at + 0.5, at + 1, rotation=0)
    wrong = counts - np.diag(np.diag(counts))
    pairs = [np.unravel_index(k, wrong.shape) for k in np.argsort(-wrong, axis=None, kind="stable")[:WORST]]
    lines = [f"{wrong[i, j]}: {i + 1} {names[i]} →\n     {j + 1} {names[j]}" for i, j in pairs if wrong[i, j]]
    more = np.count_nonzero(wrong) - len(lines)
    head = "most often taken for another class:" if lines else "no image is taken for another class"
    text = "\n".join([head, *lines, *([f"… {more} more pairs"] if more > 0 else [])])
    beside.text(0, 1, text, va="top", fontsize=6.8, transform=beside.transAxes, parse_math=False)
    beside.axis("off")
    return figure


def _shade(ax: Axes, counts: np.ndarray, **look) -> None:
    """Colour a matrix by the roots of its numbers, so that a single image among many can be seen."""
    most = max(1, counts.max())
    roots = FuncNorm((lambda x: np.sign(x) * np.sqrt(np.abs(x)), lambda x: np.sign(x) * x**2), -most, most)
    signed = np.where(np.eye(len(counts)), counts, -counts)
    cmap = seaborn.blend_palette([ORANGE, "#f3f4f6", BLUE], as_cmap=True)
    labels = {"xticklabels": False, "yticklabels": False}
    seaborn.heatmap(signed, ax=ax, cmap=cmap, norm=roots, square=True, **labels, **{"cbar": False} | look)


def _pictures(ax: Axes, i: int, j: int, images: np.ndarray, most: int) -> None:
    """Draw the images of a cell, and above them how many they are; `most`: of the fullest cell."""
    columns = next((n for n in range(4, 8) if n * int(n * CELL_HEIGHT) >= most), 8)
    ax.text(j + 0.03, i + 0.085, f"{len(images)}", va="center", fontweight="bold")
    step = 0.95 / columns
    for k, image in enumerate(images[: columns * int(columns * CELL_HEIGHT)]):
        x, y = j + 0.025 + k % columns * step, i + 0.155 + k // columns * step
        ax.imshow(image, extent=(x, x + 0.95 * step, y + 0.95 * step, y), zorder=2)


def compare_networks(accuracy: Mapping, loss: Mapping | None = None, *, title: str, chance: float = 0) -> Figure:
    """Draw accuracies of networks as bars with their intervals, and losses, where given, as dots on a log scale.

    accuracy[network][name] = (value, low, high), loss[network][name]; `chance` is a dotted line.
    """
    figure = canvas(2.7)
    ax, *right = figure.subplots(1, 1 + bool(loss), squeeze=False)[0]
    names, width = list(max(accuracy.values(), key=len)), 0.8 / len(accuracy)
    labels = [name.replace(" ", "\n", 1) for name in names]
    for number, (network, known) in enumerate(accuracy.items()):
        at = [names.index(name) + (number - (len(accuracy) - 1) / 2) * width for name in known]
        value, low, high = np.transpose(list(known.values()))
        beyond, look = np.maximum(0, (value - low, high - value)), {"color": SIX[number], "label": network}
        ax.bar(at, value, 0.92 * width, yerr=beyond, error_kw={"ecolor": INK, "elinewidth": 1}, **look)
        for log in right:
            log.plot(labels, [loss[network][name] for name in names], "o", **look)
            log.set(yscale="log", ylabel="cross-entropy (nats)", xlim=(-0.5, len(names) - 0.5))
    ax.axhline(chance, color=INK, lw=0.8, ls=":")
    ax.set_xticks(range(len(names)), labels)
    ax.set(ylim=(0, 1.05), ylabel="accuracy", title=title)
    figure.axes[-1].legend(**BESIDE)
    return figure


def intervals(parts: Sequence[tuple[str, Mapping[str, tuple]]]) -> Figure:
    """Draw (axis label, {method: (value, low, high)}) as dots with their intervals, two on a line, best on top."""
    lines = (len(parts) + 1) // 2
    figure = canvas(0.55 * lines + 0.27 * sum(len(values) for _, values in parts[::2]))
    axes = figure.subplots(lines, min(2, len(parts)), squeeze=False, height_ratios=[len(v) + 2 for _, v in parts[::2]])
    for (label, values), ax in zip(parts, axes.flat, strict=False):
        order = sorted(values, key=lambda name: values[name][0])
        for y, name in enumerate(order):
            value, low, high = values[name]
            ax.plot([low, high], [y, y], color=COLORS.get(name), lw=1.6)
            ax.plot(value, y, "o", ms=5, color=COLORS.get(name))
        ax.set_yticks(range(len(order)), order)
        ax.set(xlim=(0, 1), ylim=(-0.6, len(order) - 0.4), xlabel=label)
        ax.grid(axis="x", color="#e5e7eb", lw=0.6)
    return figure


def lines(parts: Sequence[tuple], xlabel: str, ylabel: str, x=None, *, limit: float = 0, log: bool = False) -> Figure:
    """Plot curves (S,) over x, numbers or words (default: 1 to S): a panel for each (title, {name: curve}).

    `limit` is a dotted line in the first one; curves that are not on a `log` scale reach 1 at most.
    """
    figure = canvas(2.6)
    axes = figure.subplots(1, len(parts), sharey=True, squeeze=False)[0]
    for ax, (title, by_name) in zip(axes, parts, strict=True):
        for name, curve in by_name.items():
            at = np.arange(1, len(curve) + 1) if x is None else x
            ax.plot(at, curve, "o", ms=2.5, lw=1.5, label=name, color=COLORS.get(name), ls=DASHES.get(name, "-"))
        ax.set(xlabel=xlabel, title=title)
        if isinstance(at[0], str):
            ax.set_xticks(range(len(at)), at, rotation=40, ha="right")
        elif isinstance(at, range):
            ax.xaxis.get_major_locator().set_params(integer=True)
    if limit:
        axes[0].axhline(limit, color=INK, lw=0.8, ls=":")
    lowest = min(np.min(curve) for _, by_name in parts for curve in by_name.values())
    axes[0].set(ylabel=ylabel, **{"yscale": "log"} if log else {"ylim": (min(-0.02, lowest - 0.02), 1.03)})
    axes[-1].legend(**BESIDE)
    return figure


def rungs(seconds: dict[str, float], ceiling: float) -> Figure:
    """Draw the seconds that each way of computing the same takes, one bar a way, and the machine's ceiling."""
    figure = canvas(2.1)
    ax = figure.subplots()
    bars = ax.barh(list(seconds), list(seconds.values()), color=[GRAY] * (len(seconds) - 1) + [GREEN], height=0.65)
    ax.bar_label(bars, fmt=" {:.2g} s", fontsize=8)
    ax.axvline(ceiling, color=ORANGE, ls="--", lw=1, label="ceiling")
    ax.set(xscale="log", xlabel="seconds", xlim=(ceiling / 2, max(seconds.values()) * 4))
    ax.invert_yaxis()
    ax.legend(loc="lower right")
    return figure


def study(entry: dict | None) -> Figure:
    """Plot test accuracies by seed and by number of training images; `entry` is as of `helpers.study.measured_for`."""
    figure = canvas(2.7 if entry else 0.5)
    if not entry:
        figure.text(0, 0.5, "This data set has not been measured over several seeds.", color=INK, va="center")
        return figure
    left, right = figure.subplots(1, 2, sharey=True)
    shown = [name for name in LOOKS if name in entry["networks"]]
    for at, name in enumerate(shown):
        _seeds(left, at, entry["networks"][name]["test_accuracy"], *LOOKS[name][:2])
    left.set_xticks(range(len(shown)), [LOOKS[name][2].replace(" ", "\n", 1) for name in shown])
    left.set(xlim=(-0.5, len(shown) - 0.3), ylabel="test accuracy", title="every seed, mean and 95% interval")
    for name, by_size in entry["learning_curve"].items():
        points = sorted((int(size), of["mean"], *(of["interval"] or [of["mean"]] * 2)) for size, of in by_size.items())
        sizes, means, lows, highs = np.transpose(points)
        right.plot(sizes, means, f"{LOOKS[name][1]}-", color=LOOKS[name][0], ms=4)
        right.fill_between(sizes, lows, np.minimum(highs, 1), color=LOOKS[name][0], alpha=0.15, lw=0)
    right.set(xlabel="training images a class", title="with fewer images to learn from")
    right.set_visible(bool(entry["learning_curve"]))
    return figure


def _seeds(ax: Axes, at: int, accuracy: dict, color: str, marker: str) -> None:
    """Draw a network's accuracies side by side, and right of them their mean with its interval."""
    values, mean = accuracy["by_seed"], accuracy["mean"]
    ax.plot(np.linspace(at - 0.3, at, len(values)), values, marker, color=color, ms=4, alpha=0.6, mec="none")
    ax.plot([at + 0.17] * 2, accuracy["interval"] or [mean] * 2, color=INK, lw=1.2)
    ax.plot([at + 0.17], [mean], marker, color=color, ms=6, mec=INK, mew=0.6)
    ax.annotate(f" {mean:.3f}", (at + 0.2, mean), fontsize=8, va="center")
