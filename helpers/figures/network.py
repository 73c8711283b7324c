"""The network from scratch: its shapes and parameters to scale, and the way back through max pooling."""

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Polygon, Rectangle
from numpy.lib.stride_tricks import sliding_window_view

from helpers.figures.style import BLUE, GRAY, GREEN, INK, ORANGE, SIX, canvas, headline, show_numbers
from helpers.pooling import max_pool2d_backward, max_pool2d_forward

COLORS = {"input": INK, "Conv2D": BLUE, "MaxPool2D": ORANGE, "Flatten": GRAY, "Dense": GREEN}
NAMES = {"Conv2D": "convolution", "MaxPool2D": "max pooling", "Flatten": "flatten", "Dense": "dense"}
ASLANT = np.array([0.22, 0.16])  # where a pixel's width goes in a box drawn in perspective
DOUBLING = 10  # units of height in a vector's bar
LARGEST = 130  # units: the side of the largest square


def architecture(network) -> Figure:
    """Draw every layer's output to scale, and its parameters as squares; ReLUs, which change neither, are left out.

    A map (H, W, C) is a box of that height, width (in perspective) and depth, one unit a pixel and one a channel; a
    vector is a bar of `DOUBLING` units for each doubling of its numbers.
    """
    each = zip(network.layers, network.output_shapes(), strict=True)
    steps = [("input", network.input_shape, 0), *((type(of).__name__, shape, of.size) for of, shape in each)]
    steps = [step for step in steps if step[0] in COLORS]
    largest = max(size for *_, size in steps)
    figure = canvas(3.9)
    headline(figure, f"The maps hardly shrink; one dense layer has {largest / network.size:.2%} of the parameters")
    ax, left = figure.subplots(), 0.0
    for kind, shape, size in steps:
        width = _box(ax, left, shape, COLORS[kind])
        middle = left + max(width, 74) / 2 if len(shape) == 1 else left + width / 2
        name, counts = NAMES.get(kind, kind), " x ".join(f"{n:,}" for n in shape)
        ax.text(middle, -8, f"{name}\n{counts}", ha="center", va="top", fontsize=6.8, linespacing=1.3)
        if size:
            side = LARGEST * np.sqrt(size / largest)
            ax.text(middle, -58, f"{size:,}", ha="center", va="bottom", fontsize=6.8, color=COLORS[kind], weight="bold")
            ax.add_patch(Rectangle((middle - side / 2, -62 - side), side, side, color=COLORS[kind], lw=0.8))
        left += max(width, 74) + (26 if len(shape) == 3 else 6)
    ax.text(-8, -46, "parameters,\nas areas", ha="left", va="top", fontsize=6.8, color=GRAY, linespacing=1.3)
    ax.set(xlim=(-16, left), ylim=(-80 - LARGEST, 262), aspect="equal")
    ax.set_axis_off()
    return figure


def _box(ax, left: float, shape: tuple[int, ...], color: str) -> float:
    """Draw one output with its left edge at `left`, and return how wide it is."""
    style = {"facecolor": color, "edgecolor": "white", "linewidth": 0.6}
    if len(shape) == 1:
        ax.add_patch(Rectangle((left + 33, 0), 8, DOUBLING * np.log2(shape[0]), **style))
        return 8
    height, width, depth = shape
    back = width * ASLANT
    corners = np.array([(left, 0), (left + depth, 0), (left + depth, height), (left, height)])
    ax.add_patch(Polygon(corners, alpha=0.9, **style))
    ax.add_patch(Polygon([corners[3], corners[2], corners[2] + back, corners[3] + back], alpha=0.55, **style))
    ax.add_patch(Polygon([corners[1], corners[1] + back, corners[2] + back, corners[2]], alpha=0.7, **style))
    return depth + back[0]


def pooling_gradient(x: np.ndarray, dout: np.ndarray) -> Figure:
    """Draw how max pooling, 2 x 2 with stride 1, hands gradients down: its winner gets what arrives for a window.

    x: (H, W) numbers, dout: (H-1, W-1) the gradient that arrives. ValueError when there are more windows than colours.
    """
    if dout.size > len(SIX):
        raise ValueError(f"{dout.size} windows are too many to tell apart: at most {len(SIX)}.")
    wins = winners(x)
    figure, most = canvas(2.75), max(map(wins.count, wins))
    several = f"; who wins {most} windows gets the sum of {most}" if most > 1 else ""
    headline(figure, f"The gradient goes to the winners alone{several}")
    before, arriving, after = figure.subplots(1, 3, width_ratios=[x.shape[1], dout.shape[1] + 0.6, x.shape[1]])
    parts = {"the input: windows and winners": x, "the gradient that arrives": dout}
    _, cache = max_pool2d_forward(x[None, :, :, None], 2, 1)
    parts["the gradient handed down"] = max_pool2d_backward(dout[None, :, :, None], cache)[0, :, :, 0]
    for ax, (title, values) in zip((before, arriving, after), parts.items(), strict=True):
        show_numbers(ax, values, title, cmap=ListedColormap(["white"]), limits=(0, 1))
    for n, ((i, j), (row, col), color) in enumerate(zip(np.ndindex(dout.shape), wins, SIX, strict=False)):
        inset, share, place = 0.06 + 0.07 * (n % 4), 1 / wins.count((row, col)), wins[:n].count((row, col))
        side, look = 2 - 2 * inset, {"facecolor": color, "alpha": 0.28}
        before.add_patch(Rectangle((j + inset, i + inset), side, side, fill=False, ec=color, lw=1.8))
        arriving.add_patch(Rectangle((j, i), 1, 1, **look))
        for ax in (before, after):
            ax.add_patch(Rectangle((col + place * share, row), share, 1, **look))
        arrow = {"arrowstyle": "-|>", "color": color, "lw": 1.4, "shrinkA": 14, "shrinkB": 13}
        ends = (j + 0.5, i + 0.5), (col + 0.5, row + 0.5)
        figure.add_artist(ConnectionPatch(*ends, "data", "data", axesA=arriving, axesB=after, **arrow))
    for row, col in {winner for winner in wins if wins.count(winner) > 1}:
        terms = (f"{value:g}" for value, winner in zip(dout.flat, wins, strict=True) if winner == (row, col))
        after.text(col + 0.5, row + 0.8, " + ".join(terms), ha="center", va="center", size=7)
    return figure


def winners(x: np.ndarray) -> list[tuple[int, int]]:
    """Return which pixel (row, column) of x (H, W) wins each window of 2 x 2 with stride 1: the first of equals."""
    places = sliding_window_view(x, (2, 2)).reshape(x.shape[0] - 1, x.shape[1] - 1, 4).argmax(axis=2)
    return [(i + int(k) // 2, j + int(k) % 2) for (i, j), k in np.ndenumerate(places)]
