"""How good networks and heat maps are: curves of a training, confusion matrices, accuracies and intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from helpers.figures.names import drawn_names, explain_names
from helpers.figures.style import BLUE, GRAY, GREEN, INK, ORANGE, SIX, VIOLET, WIDTH, canvas

LEGIBLE = 15  # classes whose counts can be read in a confusion matrix
PICTURED = 4  # classes whose images can be made out in it
WORST = 14  # pairs of classes named beside a matrix without counts
CELL_HEIGHT = 0.86  # of a cell of that matrix, beneath its count, as a part of the images' width
COLORS = {"plain gradient": GREEN, "guided backprop": ORANGE, "Grad-CAM": BLUE, "Guided Grad-CAM": VIOLET}
DASHES = {"random": ":", "centre": "--", "edge": "-."}  # the baselines, in gray
BESIDE = {"loc": "upper left", "bbox_to_anchor": (1, 1)}  # of a legend


def _color(method: str) -> str:
    return GRAY if method in DASHES else COLORS.get(method, INK)


def curves(history: dict) -> Figure:
    """Plot loss (log scale) and accuracy of training and validation by epoch."""
    figure = canvas(2.6)
    left, right = figure.subplots(1, 2)
    epochs = np.arange(1, len(history["loss"]) + 1)
    for ax, name in ((left, "loss"), (right, "accuracy")):
        for split, key, line, color in (("train", name, "o-", BLUE), ("val", f"val_{name}", "s--", ORANGE)):
            ax.plot(epochs, history[key], line, ms=3, color=color)
            ax.annotate(f" {split}", (epochs[-1], history[key][-1]), color=color, fontsize=8, va="center")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel="epoch", xlim=(0.5, epochs[-1] + max(1, 0.12 * len(epochs))))
    left.set(yscale="log", ylabel="cross-entropy (nats)")
    right.set(ylim=(0, 1.03), ylabel="accuracy")
    return figure


def confusion(matrix: np.ndarray, class_names: Sequence[str], title: str = "") -> Figure:
    """Draw a confusion matrix (K, K) as a heat map, rows actual, columns predicted.

    Of at most `LEGIBLE` classes with their counts and names; of more, classes are numbers, and the pairs most often
    taken for each other are named beside it.
    """
    few = len(class_names) <= LEGIBLE
    names = drawn_names(class_names, 18)
    figure = canvas(min(max(2.8, 0.4 * len(names) + 1.6), 6.2), 0.45 * len(names) + 2.4) if few else canvas(4.1)
    ax, beside = (figure.subplots(), None) if few else figure.subplots(1, 2, width_ratios=[1.5, 1])
    bar = {"shrink": 0.6, "label": "images", "ticks": MaxNLocator(5, integer=True)}
    seaborn.heatmap(
        matrix, annot=few, fmt="d", cmap="Blues", vmin=0, square=True, cbar=not few, cbar_kws=bar, ax=ax,
        xticklabels=False, yticklabels=False, linewidths=float(few), linecolor="white",
    )  # fmt: skip
    if few:
        slant = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if max(map(len, names)) > 6 else {}
        _class_ticks(ax, np.arange(len(names)) + 0.5, names, **slant)
    else:
        at = np.arange(-1, len(names), 5 if len(names) <= 50 else 20)[1:]
        _class_ticks(ax, at + 0.5, [str(k + 1) for k in at])
        _worst_pairs(beside, np.asarray(matrix), names)
    ax.set_title(title)
    explain_names(figure, class_names)
    return figure


def _worst_pairs(ax: Axes, matrix: np.ndarray, names: Sequence[str]) -> None:
    """List which classes are most often taken for which, with their numbers in the matrix."""
    wrong = matrix - np.diag(np.diag(matrix))
    pairs = [np.unravel_index(k, wrong.shape) for k in np.argsort(-wrong, axis=None, kind="stable")[:WORST]]
    lines = [f"{wrong[i, j]}: {i + 1} {names[i]} →\n     {j + 1} {names[j]}" for i, j in pairs if wrong[i, j]]
    more = np.count_nonzero(wrong) - len(lines)
    head = "most often taken for another class:" if lines else "no image is taken for another class"
    text = "\n".join([head, *lines, *([f"… {more} more pairs"] if more > 0 else [])])
    ax.text(0, 1, text, va="top", fontsize=6.8, transform=ax.transAxes, parse_math=False)
    ax.axis("off")


def _class_ticks(ax: Axes, at, names: Sequence[str], upwards: int = 0, **along) -> None:
    ax.set_xticks(at, names, parse_math=False, **along)
    ax.set_yticks(at, names, parse_math=False, va="center", rotation=upwards)
    ax.set(xlabel="predicted class", ylabel="actual class")
    ax.tick_params(length=0)


def confusion_of(images: np.ndarray, actual: np.ndarray, predicted: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Draw a confusion matrix with its images in its cells, the first of a full one: rows actual, columns predicted.

    With more than `PICTURED` classes, whose images could not be made out, it is the matrix alone (`confusion`).
    """
    classes = len(class_names)
    cells = np.ravel_multi_index((actual, predicted), (classes, classes))
    counts = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
    right = np.trace(counts)
    title = f"{right} of {counts.sum()} right (on the diagonal), {counts.sum() - right} wrong"
    if classes > PICTURED:
        return confusion(counts, class_names, title)
    side = min(1.8 * classes, WIDTH - 0.5)
    figure = canvas(side + 0.6, side + 0.4)
    ax = figure.subplots()
    for i, j in np.ndindex(counts.shape):
        _cell(ax, i, j, images[(actual == i) & (predicted == j)], counts.max())
    names = drawn_names(class_names, int(24 * side / classes / 1.8))
    _class_ticks(ax, np.arange(classes) + 0.5, names, upwards=90)
    ax.set(xlim=(0, classes), ylim=(classes, 0), aspect="equal", title=title)
    seaborn.despine(ax=ax, left=True, bottom=True)
    explain_names(figure, class_names)
    return figure


def _cell(ax: Axes, i: int, j: int, images: np.ndarray, most: int) -> None:
    columns = next((n for n in range(4, 8) if n * int(n * CELL_HEIGHT) >= most), 8)
    shade = 0.15 + 0.3 * len(images) / most if len(images) else 0.08
    color = GRAY if not len(images) else BLUE if i == j else ORANGE
    ax.add_patch(Rectangle((j, i), 1, 1, facecolor=color, alpha=shade, ec="white", zorder=-1))
    ax.text(j + 0.03, i + 0.085, f"{len(images)}", va="center", fontweight="bold")
    step = 0.95 / columns
    for k, image in enumerate(images[: columns * int(columns * CELL_HEIGHT)]):
        x, y = j + 0.025 + k % columns * step, i + 0.155 + k // columns * step
        ax.imshow(image, extent=(x, x + 0.95 * step, y + 0.95 * step, y))


def _bars(ax: Axes, values: Mapping[str, Mapping[str, tuple]], names: Sequence[str], colors: Sequence[str]) -> None:
    """Draw values[network][name] = (accuracy, low, high) as bars side by side with their intervals, as far as known."""
    width = 0.8 / len(values)
    for number, ((network, known), color) in enumerate(zip(values.items(), colors, strict=False)):
        at = {name: names.index(name) + (number - (len(values) - 1) / 2) * width for name in known}
        ax.bar(list(at.values()), [known[name][0] for name in at], width * 0.92, color=color, label=network)
        for name, x in at.items():
            ax.plot([x, x], known[name][1:], color=INK, lw=1)
    ax.set_xticks(range(len(names)), [name.replace(" ", "\n", 1) for name in names])
    ax.set(ylim=(0, 1.05), ylabel="accuracy")


def compare_networks(scores: dict[str, dict[str, tuple[float, float]]], intervals: dict, title: str = "") -> Figure:
    """Plot loss and accuracy of networks side by side; scores[network][split] = (loss, accuracy).

    intervals[network][split] = (low, high) are drawn as error bars on the accuracies.
    """
    figure = canvas(2.6)
    left, right = figure.subplots(1, 2)
    splits = list(next(iter(scores.values())))
    accuracy = {net: {s: (of[s][1], *intervals[net][s]) for s in splits} for net, of in scores.items()}
    _bars(left, accuracy, splits, SIX)
    for (network, values), color in zip(scores.items(), SIX, strict=False):
        right.plot([values[split][0] for split in splits], "o", color=color, label=network)
    left.set_title(title)
    right.set(yscale="log", ylabel="cross-entropy (nats)", xlim=(-0.5, len(splits) - 0.5))
    right.set_xticks(range(len(splits)), splits)
    right.legend(**BESIDE)
    return figure


def accuracies(values: Mapping[str, Mapping[str, tuple]], chance: float, title: str = "") -> Figure:
    """Draw accuracies[network][change] = (value, low, high) as bars with intervals, where known, and chance."""
    figure = canvas(2.7)
    ax = figure.subplots()
    names = list(dict.fromkeys(name for known in sorted(values.values(), key=len)[::-1] for name in known))
    _bars(ax, values, names, (ORANGE, BLUE))
    ax.axhline(chance, color=INK, lw=0.8, ls=":")
    ax.set_title(title)
    ax.legend(**BESIDE)
    return figure


def intervals(parts: Sequence[tuple[str, Mapping[str, tuple]]], title: str = "") -> Figure:
    """Draw (axis label, {method: (value, low, high)}) as dots with their intervals, two on a line, best on top."""
    lines = [parts[k : k + 2] for k in range(0, len(parts), 2)]
    heights = [0.55 + 0.27 * max(len(values) for _, values in line) for line in lines]
    figure = canvas(sum(heights))
    axes = figure.subplots(len(lines), min(2, len(parts)), squeeze=False, height_ratios=heights).ravel()
    for (label, values), ax in zip(parts, axes, strict=False):
        order = sorted(values, key=lambda name: values[name][0])
        for y, name in enumerate(order):
            value, low, high = values[name]
            ax.plot([low, high], [y, y], color=_color(name), lw=1.6, solid_capstyle="round")
            ax.plot(value, y, "o", ms=5, color=_color(name))
        ax.set_yticks(range(len(order)), order)
        ax.set(xlim=(0, 1), ylim=(-0.6, len(order) - 0.4), xlabel=label)
        ax.grid(axis="x", color="#e5e7eb", lw=0.6)
    for ax in axes[len(parts) :]:
        ax.remove()
    figure.axes[0].set_title(title)
    return figure


def insertion_deletion_curves(share: np.ndarray, insertion: Mapping, deletion: Mapping) -> Figure:
    """Plot mean probability against the share of pixels put in (left) and taken out (right); curves are (S+1,)."""
    figure = canvas(2.7)
    left, right = figure.subplots(1, 2, sharey=True)
    for ax, by_method, label in ((left, insertion, "pixels put in"), (right, deletion, "pixels taken out")):
        for name, curve in by_method.items():
            ax.plot(share, curve, lw=1.5, label=name, color=_color(name), ls=DASHES.get(name, "-"))
        ax.set(xlabel=f"share of {label}", ylim=(0, 1.02), xlim=(0, 1))
    left.set_ylabel("probability of the class")
    right.legend(**BESIDE)
    return figure


def cascade(steps: Sequence[str], parts: Sequence[tuple[str, Mapping]], limit: float, judged: int = 0) -> Figure:
    """Plot how alike maps stay, step by step: parts are (axis label, {method: (S+1,)}), `judged` has the limit."""
    figure = canvas(2.9)
    for number, (ax, (label, by_method)) in enumerate(zip(figure.subplots(1, len(parts)), parts, strict=True)):
        for name, curve in by_method.items():
            ax.plot(range(len(steps)), curve, "o-", ms=3, lw=1.5, label=name, color=_color(name))
        if number == judged:
            ax.axhline(limit, color=INK, lw=0.8, ls=":")
        ax.set_xticks(range(len(steps)), steps, rotation=40, ha="right")
        ax.set(ylabel=label, ylim=(min(-0.05, *(curve.min() for curve in by_method.values())), 1.05))
    figure.axes[-1].legend(**BESIDE)
    figure.supxlabel("drawn anew, from the left on", fontsize=8.5)
    return figure


def rungs(seconds: dict[str, float], ceiling: float) -> Figure:
    """Draw the seconds that each way of computing the same takes, one bar a way, and the machine's ceiling."""
    figure = canvas(2.1)
    ax = figure.subplots()
    bars = ax.barh(list(seconds), list(seconds.values()), color=[GRAY] * (len(seconds) - 1) + [GREEN], height=0.65)
    ax.bar_label(bars, fmt=" {:.2g} s", fontsize=8)
    ax.axvline(ceiling, color=ORANGE, ls="--", lw=1)
    ax.annotate(" ceiling", (ceiling, -0.7), color=ORANGE, fontsize=8, va="center")
    ax.set(xscale="log", xlabel="seconds", xlim=(ceiling / 2, max(seconds.values()) * 4))
    ax.set_ylim(len(seconds) - 0.5, -1.0)
    return figure
