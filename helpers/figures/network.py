"""Figures made from a network itself: its shapes to scale, the way back through max pooling, growing fields."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Polygon, Rectangle

from helpers.figures.style import BLUE, GRAY, GREEN, INK, ORANGE, WIDTH, headline, show_image
from helpers.network import Sequential
from helpers.pooling import max_pool2d_backward, max_pool2d_forward

WINDOWS = (BLUE, ORANGE, GREEN, "#8250df", "#b58900", "#0f766e")
COLORS = {"input": INK, "Conv2D": BLUE, "MaxPool2D": ORANGE, "Flatten": GRAY, "Dense": GREEN}
NAMES = {"Conv2D": "convolution", "MaxPool2D": "max pooling", "Flatten": "flatten", "Dense": "dense"}
ASLANT = np.array([0.22, 0.16])  # where a pixel's width goes in a box drawn aslant
DOUBLING = 10  # units of height in a vector's bar
LARGEST = 130  # units: the side of the largest square


def architecture(network: Sequential) -> Figure:
    """Draw every layer's output to scale, and its parameters as squares; ReLUs, which change neither, are left out.

    A map (H, W, C) is a box of that height, width (drawn aslant) and depth, one unit a pixel and one a channel. A
    vector is a bar of `DOUBLING` units for each doubling of its numbers. The squares' areas are on one scale.
    """
    steps = [("input", network.input_shape, 0)]
    for layer, shape in zip(network.layers, network.output_shapes(), strict=True):
        if type(layer).__name__ in COLORS:
            steps.append((type(layer).__name__, shape, layer.size))
    largest = max(size for *_, size in steps)
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    headline(figure, f"The maps hardly shrink; {largest / network.size:.2%} of the parameters stand in one dense layer")
    ax, left = figure.subplots(), 0.0
    for kind, shape, size in steps:
        width = _box(ax, left, shape, COLORS[kind])
        middle = left + max(width, 74) / 2 if len(shape) == 1 else left + width / 2
        _square(ax, middle, size, largest, COLORS[kind])
        ax.text(middle, -8, _words(kind, shape), ha="center", va="top", fontsize=6.8, linespacing=1.3)
        left += max(width, 74) + (26 if len(shape) == 3 else 6)
    ax.text(-8, -46, "parameters,\nas areas", ha="left", va="top", fontsize=6.8, color=GRAY, linespacing=1.3)
    ax.set(xlim=(-16, left), ylim=(-80 - LARGEST, 262), aspect="equal")
    ax.axis("off")
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


def _square(ax, middle: float, size: int, largest: int, color: str) -> None:
    """Draw the parameters of one layer as a square, and their number above it."""
    if size == 0:
        return
    side = LARGEST * np.sqrt(size / largest)
    top = -58
    ax.text(middle, top, f"{size:,}", ha="center", va="bottom", fontsize=6.8, color=color, fontweight="bold")
    ax.add_patch(Rectangle((middle - side / 2, top - 4 - side), side, side, facecolor=color, edgecolor=color, lw=0.8))


def _words(kind: str, shape: tuple[int, ...]) -> str:
    return f"{NAMES.get(kind, kind)}\n{' x '.join(f'{n:,}' for n in shape)}"


def pooling_gradient(x: np.ndarray, dout: np.ndarray, size: int = 2, stride: int = 1) -> Figure:
    """Draw how max pooling hands gradients down: each window has a colour, its winner gets what arrives for it.

    x: (H, W) numbers, dout: (H', W') the gradient that arrives, at most six windows. Everything is computed by
    `helpers.pooling`. ValueError when there are more windows than colours.
    """
    if dout.size > len(WINDOWS):
        raise ValueError(f"{dout.size} windows are too many to tell apart: at most {len(WINDOWS)}.")
    wins, dx = winners(x, size, stride), _backward(x, dout, size, stride)
    figure = Figure(figsize=(WIDTH, 2.75), layout="constrained")
    most = max(map(wins.count, wins))
    headline(figure, f"The gradient goes to the winners alone; who wins {most} windows gets the sum of {most}"
             if most > 1 else "The gradient goes to the winners alone")  # fmt: skip
    before, arriving, after = figure.subplots(1, 3, width_ratios=[x.shape[1], dout.shape[1] + 0.6, x.shape[1]])
    _numbers(before, x, "the input: windows and winners")
    _numbers(arriving, dout, "the gradient that arrives")
    _numbers(after, dx, "the gradient handed down")
    for color, (i, j), (row, col) in zip(WINDOWS, np.ndindex(dout.shape), wins, strict=False):
        inset = 0.06 + 0.07 * (WINDOWS.index(color) % 4)
        corner, side = (j * stride - 0.5 + inset, i * stride - 0.5 + inset), size - 2 * inset
        before.add_patch(Rectangle(corner, side, side, fill=False, ec=color, lw=1.8))
        arriving.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=color, alpha=0.28))
        arrow = {"arrowstyle": "-|>", "color": color, "lw": 1.4, "shrinkA": 14, "shrinkB": 13}
        figure.add_artist(ConnectionPatch((j, i), (col, row), "data", "data", axesA=arriving, axesB=after, **arrow))
    for row, col in set(wins):
        share = [color for color, winner in zip(WINDOWS, wins, strict=False) if winner == (row, col)]
        if len(share) > 1:
            parts = [f"{value:g}" for value, winner in zip(dout.flat, wins, strict=True) if winner == (row, col)]
            after.text(col, row + 0.3, " + ".join(parts), ha="center", va="center", fontsize=7)
        for ax in (before, after):
            for k, color in enumerate(share):
                part = (col - 0.5 + k / len(share), row - 0.5), 1 / len(share), 1
                ax.add_patch(Rectangle(*part, facecolor=color, alpha=0.28))
    return figure


def winners(x: np.ndarray, size: int = 2, stride: int = 1) -> list[tuple[int, int]]:
    """Return which pixel (row, column) of x (H, W) wins each window of max pooling, window by window."""
    out = max_pool2d_forward(x[None, :, :, None], size, stride)[0][0, :, :, 0]
    units = np.eye(out.size).reshape(out.size, *out.shape)
    return [tuple(map(int, np.argwhere(_backward(x, unit, size, stride))[0])) for unit in units]


def _backward(x: np.ndarray, dout: np.ndarray, size: int, stride: int) -> np.ndarray:
    _, cache = max_pool2d_forward(x[None, :, :, None], size, stride)
    return max_pool2d_backward(dout[None, :, :, None], cache)[0, :, :, 0]


def _numbers(ax, values: np.ndarray, title: str) -> None:
    ax.set(xlim=(-0.52, values.shape[1] - 0.48), ylim=(values.shape[0] - 0.48, -0.52), aspect="equal")
    ax.set_title(title, fontweight="normal", fontsize=8)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    for (i, j), value in np.ndenumerate(values):
        ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, ec=GRAY, lw=0.6))
        ax.text(j, i, f"{value:g}", ha="center", va="center", fontsize=9)


def growing_fields(image: np.ndarray, fields: Sequence[tuple[str, int, tuple[int, int, int, int]]]) -> Figure:
    """Draw receptive fields around one place, nested, and their widths layer by layer.

    fields: (layer, width in pixels, box) from the first layer to the last; a box (top, left, bottom, right) may reach
    beyond the image. Layers whose name ends in "pool" are drawn as squares.
    """
    figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
    side, (first, last) = image.shape[1], (fields[0][1], fields[-1][1])
    beyond = ", and at last more than the image" if last > side else ""
    headline(figure, f"From {first} to {last} pixels: layer by layer a neuron sees more{beyond}")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
    show_image(left, image)
    blocks = sorted({name.split("_")[0] for name, *_ in fields})
    for name, _, (top, start, bottom, end) in fields:
        color = WINDOWS[blocks.index(name.split("_")[0]) % len(WINDOWS)]
        left.add_patch(Rectangle((start - 0.5, top - 0.5), end - start, bottom - top, fill=False, ec=color, lw=1))
    boxes = np.array([box for *_, box in fields])
    reach = min(0, boxes.min()) - 4, max(side, boxes.max()) + 3
    left.set(xlim=reach, ylim=reach[::-1], xticks=[], yticks=[])
    left.spines[:].set_visible(False)
    for k, (name, width, _) in enumerate(fields):
        color = WINDOWS[blocks.index(name.split("_")[0]) % len(WINDOWS)]
        right.plot(k, width, "s" if name.endswith("pool") else "o", color=color, ms=4.5)
        right.annotate(f"{width}", (k, width), (-3, 4), textcoords="offset points", ha="right", fontsize=6.5)
    right.axhline(side, color=GRAY, ls=":", lw=1)
    right.annotate("the image's side", (0, side), (0, 3), textcoords="offset points", fontsize=7.5, color=GRAY)
    right.set_xticks(range(len(fields)), [name for name, *_ in fields], rotation=90, fontsize=6.5)
    right.set(ylabel="receptive field (pixels)", ylim=(0, last * 1.1), xlim=(-1.5, len(fields) - 0.4))
    return figure
