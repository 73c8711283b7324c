"""What convolution does, in one dimension and in two: the figures of its definition and of its kernels."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from helpers.figures.style import BLUE, GRAY, GREEN, ORANGE, WIDTH, bare, canvas, show_numbers


def convolution_integral(x, h, convolved, times: Sequence[float]) -> Figure:
    """Draw the convolution integral: x and the turned, shifted h above, their product's area, the result below.

    x, h, convolved: functions of an array of times; one column for each of `times`.
    """
    figure = canvas(3.1)
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


def convolution_steps(x: np.ndarray, h: np.ndarray) -> Figure:
    """Draw every step of a 1-D convolution: the signal, the turned kernel beneath it, the products, and their sum."""
    steps = len(x) + len(h) - 1
    figure = canvas(1.7)
    for n, ax in enumerate(figure.subplots(1, steps)):
        ax.set(xlim=(-len(h) + 0.4, steps - 0.4), ylim=(-0.6, 3.6))
        bare(ax)
        tiles = [(k, 3, value, BLUE) for k, value in enumerate(x)]
        tiles += [(n - j, 2, value, ORANGE) for j, value in enumerate(h)]
        for column, row, value, color in tiles:
            box = {"boxstyle": "square,pad=0.25", "fc": color, "ec": "white"}
            ax.text(column, row, f"{value:g}", ha="center", va="center", color="white", bbox=box, fontsize=8)
        products = {k: x[k] * h[n - k] for k in range(len(x)) if 0 <= n - k < len(h)}
        for k, value in products.items():
            ax.text(k, 1, f"{value:g}", ha="center", va="center", color=GREEN)
        ax.text((len(x) - 1) / 2, 0, f"sum {sum(products.values()):g}", ha="center", va="center", fontweight="bold")
        ax.set_title(f"n = {n}", fontweight="normal", loc="center")
    return figure


def kernel_on_patch(patch: np.ndarray, kernel: np.ndarray) -> Figure:
    """Draw a kernel, the kernel turned by 180 degrees, a patch of pixels and the products, with their numbers."""
    turned = kernel[::-1, ::-1]
    figure = canvas(2.0)
    parts = {"kernel": kernel, "turned kernel": turned, "pixels": patch, "products": turned * patch}
    for ax, (title, values) in zip(figure.subplots(1, 4), parts.items(), strict=True):
        colors = {"cmap": "gray", "limits": (0, 1)} if title == "pixels" else {}
        show_numbers(ax, values, title, text="{:.2f}".format, **colors)
    return figure


def activation_sizes(sizes: dict[str, np.ndarray]) -> Figure:
    """Plot the mean square of the activations after each layer, on a log scale, one line for each name."""
    figure = canvas(2.7, WIDTH * 0.75)
    ax = figure.subplots()
    for (name, values), color, style in zip(sizes.items(), (GREEN, ORANGE, GRAY), ("-", "--", ":"), strict=False):
        ax.plot(values, style, color=color, marker="o", ms=3)
        ax.annotate("  " + name, (len(values) - 1, values[-1]), color=color, va="center", fontsize=8)
    ax.set(yscale="log", xlabel="layer", ylabel="mean square of the activations")
    ax.set_xlim(-0.3, len(values) * 1.3)
    return figure
