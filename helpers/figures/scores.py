"""The figures that say how good heat maps are, and what becomes of a network's answers when images are changed."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from helpers.figures.style import BLUE, GRAY, GREEN, INK, ORANGE, WIDTH, grid, show_image

STYLES = {
    "plain gradient": (GREEN, "-"),
    "guided backprop": (ORANGE, "-"),
    "Grad-CAM": (BLUE, "-"),
    "Guided Grad-CAM": ("#8250df", "-"),
    "random": (GRAY, ":"),
    "centre": (GRAY, "--"),
    "edge": (GRAY, "-."),
}


def style(name: str) -> dict:
    """Return colour and line style of a method; baselines are gray."""
    color, line = STYLES.get(name, (INK, "-"))
    return {"color": color, "ls": line}


def intervals(panels: Sequence[tuple[str, Mapping[str, tuple[float, float, float]]]], title: str = "") -> Figure:
    """Draw (axis label, {method: (value, low, high)}) as dots with their intervals, two panels a line, best on top."""
    lines = [panels[k : k + 2] for k in range(0, len(panels), 2)]
    heights = [0.55 + 0.27 * max(len(values) for _, values in line) for line in lines]
    figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
    axes = iter(figure.subplots(len(lines), min(2, len(panels)), squeeze=False, height_ratios=heights).flat)
    for (label, values), ax in zip(panels, axes, strict=False):
        order = sorted(values, key=lambda name: values[name][0])
        for y, name in enumerate(order):
            value, low, high = values[name]
            color = style(name)["color"]
            ax.plot([low, high], [y, y], color=color, lw=1.6, solid_capstyle="round")
            ax.plot(value, y, "o", ms=5, color=color)
        ax.set_yticks(range(len(order)), order)
        ax.set(xlim=(0, 1), ylim=(-0.6, len(order) - 0.4), xlabel=label)
        ax.grid(axis="x", color="#e5e7eb", lw=0.6)
    for ax in axes:  # what is left of the last line
        ax.remove()
    figure.axes[0].set_title(title)
    return figure


def fading(share: np.ndarray, insertion: Mapping[str, np.ndarray], deletion: Mapping[str, np.ndarray]) -> Figure:
    """Plot mean probability against the share of pixels put in (left) and taken out (right); curves are (S+1,)."""
    figure = Figure(figsize=(WIDTH, 2.7), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for ax, curves, label in ((left, insertion, "pixels put in"), (right, deletion, "pixels taken out")):
        for name, curve in curves.items():
            ax.plot(share, curve, lw=1.5, label=name, **style(name))
        ax.set(xlabel=f"share of {label}", ylim=(0, 1.02), xlim=(0, 1))
    left.set_ylabel("probability of the class")
    right.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def cascade(
    stages: Sequence[str], panels: Sequence[tuple[str, Mapping[str, np.ndarray]]], limit: float, judged: int = 0
) -> Figure:
    """Plot how alike maps stay, stage by stage: panels are (axis label, {method: (S+1,)}), `judged` has the limit."""
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    for number, (ax, (label, curves)) in enumerate(zip(figure.subplots(1, len(panels)), panels, strict=True)):
        for name, curve in curves.items():
            ax.plot(range(len(stages)), curve, "o-", ms=3, lw=1.5, label=name, color=style(name)["color"])
        if number == judged:
            ax.axhline(limit, color=INK, lw=0.8, ls=":")
        ax.set_xticks(range(len(stages)), stages, rotation=40, ha="right")
        ax.set(ylabel=label, ylim=(min(-0.05, *(curve.min() for curve in curves.values())), 1.05))
    figure.axes[-1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    figure.supxlabel("drawn anew, from the left on", fontsize=8.5)
    return figure


def picture_rows(rows: Sequence[Sequence[np.ndarray]], headers: Sequence[str]) -> Figure:
    """Show rows of pictures, each column under its header."""
    figure, axes = grid(len(rows), len(headers), extra=0.06)
    for line, pictures in zip(axes, rows, strict=True):
        for ax, picture in zip(line, pictures, strict=True):
            show_image(ax, picture)
    for ax, header in zip(axes[0], headers, strict=True):
        ax.set_title(header, fontweight="normal", fontsize=8)
    return figure


def accuracies(
    values: Mapping[str, Mapping[str, tuple[float, float, float]]], chance: float, title: str = ""
) -> Figure:
    """Draw accuracies[network][change] = (value, low, high) as bars with intervals, and a line at chance.

    A network that was not asked about a change has no bar there.
    """
    figure = Figure(figsize=(WIDTH, 2.7), layout="constrained")
    ax = figure.subplots()
    names = list(dict.fromkeys(name for by_change in sorted(values.values(), key=len)[::-1] for name in by_change))
    width = 0.8 / len(values)
    for number, (network, by_change) in enumerate(values.items()):
        at = {name: names.index(name) + (number - (len(values) - 1) / 2) * width for name in by_change}
        heights = [by_change[name][0] for name in at]
        ax.bar(list(at.values()), heights, width * 0.92, color=(ORANGE, BLUE)[number % 2], label=network)
        for name, x in at.items():
            ax.plot([x, x], by_change[name][1:], color=INK, lw=1)
    ax.axhline(chance, color=INK, lw=0.8, ls=":")
    ax.set_xticks(range(len(names)), [name.replace(" ", "\n", 1) for name in names])
    ax.set(ylim=(0, 1.05), ylabel="accuracy", title=title)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure
