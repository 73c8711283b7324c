"""What convolution does: a kernel that slides over a function, a signal or an image, and what its sums become."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.convolution import conv2d_forward
from helpers.figures.style import GRAY, ORANGE, SIX, canvas, frame, headline, show_numbers


def correlate(image: np.ndarray, kernel: np.ndarray, stride: int = 1, pad: int = 0) -> np.ndarray:
    """Return the cross-correlation of an image (H, W) with a kernel (KH, KW), a map (H', W') as of `output_size`."""
    out, _ = conv2d_forward(image[None, :, :, None], kernel[:, :, None, None], np.zeros(1), stride, pad)
    return out[0, :, :, 0]


def convolution_integral(x, h, convolved, times: Sequence[float]) -> Figure:
    """Draw the convolution integral: x and the turned, shifted h above, their product's area, the result below.

    x, h, convolved: functions of an array of times; one column for each of `times`.
    """
    figure = canvas(3.1)
    axes = figure.subplots(2, len(times), sharex=True, sharey="row")
    blue, orange, green, *_ = SIX
    tau = np.linspace(-1.5, 3.5, 1001)
    for (above, below), t in zip(axes.T, times, strict=True):
        above.plot(tau, x(tau), color=blue, lw=1.2)
        above.plot(tau, h(t - tau), color=orange, lw=1.2)
        above.fill_between(tau, x(tau) * h(t - tau), color=green, alpha=0.35, lw=0)
        above.set_title(f"t = {t:g}", fontweight="normal")
        below.plot(tau, convolved(tau), color=GRAY, lw=1, ls=":")
        below.plot(tau[tau <= t], convolved(tau[tau <= t]), color=green, lw=1.4)
        below.plot(t, convolved(np.array([t])), "o", color=green, ms=5)
        below.set_xlabel(r"$\tau$ above, $t$ below")
    axes[0, 0].annotate(r"$x(\tau)$", (0.05, 1.06), color=blue, fontsize=8)
    axes[0, 0].annotate(r"$h(t-\tau)$", (-1.45, 1.06), color=orange, fontsize=8)
    axes[0, 0].set(ylim=(0, 1.3), ylabel="the two functions")
    axes[1, 0].set(ylim=(0, 0.8), ylabel=r"$(x * h)(t)$")
    return figure


def convolution_steps(x: np.ndarray, h: np.ndarray) -> Figure:
    """Draw every step of a 1-D convolution: the signal, the turned kernel beneath it, the products, and their sum."""
    steps, reach = len(x) + len(h) - 1, len(h) - 1
    figure = canvas(1.3)
    axes = figure.subplots(1, steps)
    for n, ax in enumerate(axes):
        tiles = np.ma.masked_all((3, steps + reach))
        tiles[0, reach : reach + len(x)] = x
        tiles[1, n : n + len(h)] = h[::-1]
        tiles[2] = tiles[0] * tiles[1]
        show_numbers(ax, tiles, f"n = {n}: sum {tiles[2].sum():g}")
        frame(ax, "white", 0)
    axes[0].set_yticks([0.5, 1.5, 2.5], ["signal", "kernel", "products"], rotation=0)
    return figure


def kernel_on_patch(patch: np.ndarray, kernel: np.ndarray) -> Figure:
    """Draw a kernel, the kernel turned by 180 degrees, a patch of pixels and the products, with their numbers."""
    figure, turned, gray = canvas(2.0), kernel[::-1, ::-1], {"cmap": "gray", "limits": (0, 1)}
    parts = {"kernel": kernel, "turned kernel": turned, "pixels": patch, "products": turned * patch}
    for ax, (title, values) in zip(figure.subplots(1, 4), parts.items(), strict=True):
        show_numbers(ax, values, title, text="{:.2f}".format, **(gray if title == "pixels" else {}))
    return figure


def sliding_strip(image: np.ndarray, kernel: np.ndarray, at: Sequence[tuple[int, int]]) -> Figure:
    """Draw stills of the same: for each position in `at` the image with the window, and the map so far below it."""
    feature_map = correlate(image, kernel)
    limit = np.abs(feature_map).max()
    figure = canvas(3.5)
    headline(figure, "At every position nine products, and their sum is one number of the map")
    for (above, below), (i, j) in zip(figure.subplots(2, len(at)).T, at, strict=True):
        done = np.arange(feature_map.size).reshape(feature_map.shape) <= i * feature_map.shape[1] + j
        so_far = np.ma.masked_where(~done, feature_map)
        show_numbers(above, image, f"at ({i}, {j})", cmap="gray", limits=(0, image.max()))
        show_numbers(below, so_far, f"sum {feature_map[i, j]:g}", limits=(-limit, limit))
        for ax, (height, width) in ((above, kernel.shape), (below, (1, 1))):
            ax.add_patch(Rectangle((j, i), width, height, fill=False, ec=ORANGE, lw=2, zorder=3))
    return figure
