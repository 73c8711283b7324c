"""The figures of the chapters on convolution and its layers."""

from collections.abc import Sequence

import numpy as np
import seaborn
from matplotlib.colors import CenteredNorm
from matplotlib.figure import Figure

from helpers.figures.style import BLUE, GRAY, GREEN, INK, ORANGE, WIDTH, grid, headline, show_image

COLUMNS = 5


def sliding(x, h, convolved, times: Sequence[float]) -> Figure:
    """Draw the convolution integral: x and the turned, shifted h above, their product's area, the result below.

    x, h, convolved: functions of an array of times; one column for each of `times`.
    """
    figure = Figure(figsize=(WIDTH, 3.1), layout="constrained")
    axes = figure.subplots(2, len(times), sharex=True, sharey="row")
    tau = np.linspace(-1.5, 3.5, 1001)
    for (above, below), t in zip(axes.T, times, strict=True):
        above.plot(tau, x(tau), color=BLUE, lw=1.2)
        above.plot(tau, h(t - tau), color=ORANGE, lw=1.2)
        above.fill_between(tau, x(tau) * h(t - tau), color=GREEN, alpha=0.35, lw=0)
        above.set_title(f"t = {t:g}", fontweight="normal")
        below.plot(tau, convolved(tau), color=GRAY, lw=1, ls=":")
        below.plot(tau[tau <= t], convolved(tau[tau <= t]), color=GREEN, lw=1.4)
        below.plot(t, convolved(np.array([t])), "o", color=GREEN, ms=5)
        below.set_xlabel(r"$\tau$ above, $t$ below")
    axes[0, 0].annotate(r"$x(\tau)$", (0.05, 1.06), color=BLUE, fontsize=8)
    axes[0, 0].annotate(r"$h(t-\tau)$", (-1.45, 1.06), color=ORANGE, fontsize=8)
    axes[0, 0].set(ylim=(0, 1.3), ylabel="the two functions")
    axes[1, 0].set(ylim=(0, 0.8), ylabel=r"$(x * h)(t)$")
    return figure


def discrete_steps(x: np.ndarray, h: np.ndarray) -> Figure:
    """Draw every step of a 1-D convolution: the signal, the turned kernel beneath it, the products, and their sum."""
    steps = len(x) + len(h) - 1
    figure = Figure(figsize=(WIDTH, 1.7), layout="constrained")
    for n, ax in enumerate(figure.subplots(1, steps)):
        ax.set(xlim=(-len(h) + 0.4, steps - 0.4), ylim=(-0.6, 3.6), xticks=[], yticks=[])
        seaborn.despine(ax=ax, left=True, bottom=True)
        products = {k: x[k] * h[n - k] for k in range(len(x)) if 0 <= n - k < len(h)}
        for k, value in enumerate(x):
            _tile(ax, k, 3, value, BLUE)
        for j, value in enumerate(h):
            _tile(ax, n - j, 2, value, ORANGE)
        for k, value in products.items():
            ax.text(k, 1, f"{value:g}", ha="center", va="center", color=GREEN)
        ax.text((len(x) - 1) / 2, 0, f"sum {sum(products.values()):g}", ha="center", va="center", fontweight="bold")
        ax.set_title(f"n = {n}", fontweight="normal", loc="center")
    return figure


def _tile(ax, column: float, row: float, value: float, color: str) -> None:
    box = {"boxstyle": "square,pad=0.25", "fc": color, "ec": "white"}
    ax.text(column, row, f"{value:g}", ha="center", va="center", color="white", bbox=box, fontsize=8)


def kernel_on_patch(patch: np.ndarray, kernel: np.ndarray) -> Figure:
    """Draw a kernel, the kernel turned by 180 degrees, a patch of pixels and the products, with their numbers."""
    turned = kernel[::-1, ::-1]
    figure, axes = grid(1, 4)
    parts = (
        ("kernel", kernel),
        ("turned kernel", turned),
        ("pixels", patch),
        ("products", None),
    )
    for ax, (title, values) in zip(axes.flat, parts, strict=True):
        values = turned * patch if values is None else values
        signed = {"cmap": "RdBu_r", "norm": CenteredNorm()} if title != "pixels" else {"vmin": 0, "vmax": 1}
        picture = show_image(ax, values, title, **signed)
        for (i, j), value in np.ndenumerate(values):
            dark = picture.norm(value) < 0.45 if title == "pixels" else abs(picture.norm(value) - 0.5) > 0.3
            ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=8, color="white" if dark else INK)
    return figure


def variance_by_depth(variances: dict[str, np.ndarray]) -> Figure:
    """Plot the variance of the activations after each layer, on a log scale, one line for each name."""
    figure = Figure(figsize=(WIDTH * 0.75, 2.7), layout="constrained")
    ax = figure.subplots()
    for (name, values), color, style in zip(variances.items(), (GREEN, ORANGE, GRAY), ("-", "--", ":"), strict=False):
        depth = np.arange(len(values))
        ax.plot(depth, values, style, color=color, marker="o", ms=3)
        ax.annotate("  " + name, (depth[-1], values[-1]), color=color, va="center", fontsize=8)
    ax.set(yscale="log", xlabel="layer", ylabel="mean square of the activations")
    ax.set_xlim(-0.3, len(values) * 1.3)
    return figure


def contact_sheet(images: np.ndarray, labels: np.ndarray, class_names: Sequence[str], columns: int = 9) -> Figure:
    """Show the first `columns` images of each class, a row a class; of many classes, the first twelve."""
    figure, axes = grid(min(len(class_names), 12), columns, extra=0.02)
    for k, (row, name) in enumerate(zip(axes, class_names, strict=False)):
        for ax, image in zip(row, images[labels == k], strict=False):
            show_image(ax, image)
        row[0].set_ylabel(name.replace("$", r"\$"), fontsize=9)
    return figure


def input_to_map(images, grays, maps, class_names: Sequence[str]) -> Figure:
    """Show input, gray image and feature map, a row an image; maps in gray, from their least to their largest value."""
    figure, axes = grid(len(images), 3, cell=2.05)
    for k, (row, image, gray, feature_map) in enumerate(zip(axes, images, grays, maps, strict=True)):
        for ax, picture, name in zip(row, (image, gray, feature_map), ("input", "gray", "feature map"), strict=True):
            show_image(ax, picture, f"{name}, {' x '.join(map(str, picture.shape))}")
        row[0].set_ylabel(class_names[k].replace("$", r"\$"), fontsize=9)
    return figure


def filters_and_maps(filters: np.ndarray, maps: np.ndarray, channels: Sequence[int]) -> Figure:
    """Show kernels (KH, KW, F) above their feature maps (H, W, F) for the channels named, five columns.

    Kernels are red where positive and blue where negative, all on one scale; each map goes from 0 (black) to its own
    maximum (white).
    """
    bands = -(-len(channels) // COLUMNS)
    figure = Figure(figsize=(WIDTH, 2.1 * bands), layout="constrained")
    axes = figure.subplots(2 * bands, COLUMNS, height_ratios=[0.4, 1] * bands)
    limit = np.abs(filters[..., list(channels)]).max()
    for position, channel in enumerate(channels):
        band, column = divmod(position, COLUMNS)
        _show_kernel(axes[2 * band, column], filters[..., channel], limit, f"channel {channel}")
        _show_map(axes[2 * band + 1, column], maps[..., channel])
    return figure


def before_and_after(filters: tuple, maps: tuple, channels: Sequence[int]) -> Figure:
    """Show the same channels before and after training: kernels (KH, KW, F) side by side, maps (H, W, F) below.

    Kernels share one colour scale; the two maps of a channel share one scale from 0 to the larger maximum. Above them
    stands how much all of the shown kernels and maps have changed, relative to their size before.
    """
    bands = -(-len(channels) // COLUMNS)
    figure = Figure(figsize=(WIDTH, 3.85 * bands + 0.2))
    kernels_moved, maps_moved = (moved(*(a[..., list(channels)] for a in pair)) for pair in (filters, maps))
    headline(figure, f"The kernels have changed by {kernels_moved:.2g} of their size, their maps by {maps_moved:.2g}")
    edges = {"left": 0.025, "right": 1, "bottom": 0, "top": 0.935, "hspace": 0.2, "wspace": 0.1}
    cells = figure.add_gridspec(3 * bands, 2 * COLUMNS, height_ratios=[0.5, 1, 1] * bands, **edges)
    limit = max(np.abs(f[..., list(channels)]).max() for f in filters)
    for position, channel in enumerate(channels):
        band, column = 3 * (position // COLUMNS), 2 * (position % COLUMNS)
        top = max(m[..., channel].max() for m in maps)
        for k, when in enumerate(("before", "after")):
            kernel = figure.add_subplot(cells[band, column + k])
            _show_kernel(kernel, filters[k][..., channel], limit, f"{channel} {when}")
            kernel.title.set_fontsize(6.5)
            feature_map = figure.add_subplot(cells[band + 1 + k, column : column + 2])
            _show_map(feature_map, maps[k][..., channel], top)
            if column == 0:
                feature_map.set_ylabel(when, fontsize=8)
    return figure


def moved(before: np.ndarray, after: np.ndarray) -> float:
    """Return how far numbers have moved, relative to their size before: |after - before| / |before|."""
    return np.linalg.norm(after - before) / (np.linalg.norm(before) or 1)


def alive(shares: Sequence[tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Draw for each convolution what share of its map every filter leaves above 0, (F,), before and after training."""
    figure = Figure(figsize=(WIDTH, 2.0), layout="constrained")
    axes = figure.subplots(1, len(shares), sharey=True, squeeze=False)[0]
    for number, (ax, pair) in enumerate(zip(axes, shares, strict=True), start=1):
        for share, color, name in zip(pair, (GRAY, GREEN), ("before", "after"), strict=True):
            line = -np.sort(-share)
            ax.step(np.arange(1, len(line) + 1), line, where="mid", color=color, lw=1.4, label=name)
        ax.set(xlabel="filters in falling order", ylim=(-0.03, 1.03), title=f"Convolution {number}")
    axes[0].set_ylabel("share above 0")
    axes[-1].legend()
    return figure


def ladder(seconds: dict[str, float], ceiling: float) -> Figure:
    """Draw the seconds that each way of computing the same takes, one bar a way, and the machine's ceiling."""
    figure = Figure(figsize=(WIDTH, 2.1), layout="constrained")
    ax = figure.subplots()
    names = list(seconds)
    ax.barh(names, [seconds[name] for name in names], color=[GRAY] * (len(names) - 1) + [GREEN], height=0.65)
    for row, name in enumerate(names):
        ax.annotate(f" {seconds[name]:.2g} s", (seconds[name], row), va="center", fontsize=8)
    ax.axvline(ceiling, color=ORANGE, ls="--", lw=1)
    ax.annotate(" ceiling", (ceiling, -0.7), color=ORANGE, fontsize=8, va="center")
    ax.set(xscale="log", xlabel="seconds", xlim=(ceiling / 2, max(seconds.values()) * 4))
    ax.set_ylim(len(names) - 0.5, -1.0)
    return figure


def _show_kernel(ax, kernel: np.ndarray, limit: float, title: str) -> None:
    show_image(ax, kernel, title, cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(visible=True, color=GRAY, linewidth=0.5)


def _show_map(ax, feature_map: np.ndarray, top: float | None = None) -> None:
    top = feature_map.max() if top is None else top
    show_image(ax, feature_map, vmin=0, vmax=top or 1)  # a map of zeros is black
    ax.set(xticks=[], yticks=[])
    seaborn.despine(ax=ax, left=True, bottom=True)
