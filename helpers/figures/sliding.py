"""A kernel that slides over a small image: its map, and stills of it on its way."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.convolution import conv2d_forward
from helpers.figures.style import ORANGE, canvas, headline, show_numbers


def correlate(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the cross-correlation of an image (H, W) with a kernel (KH, KW): the map (H-KH+1, W-KW+1)."""
    out, _ = conv2d_forward(image[None, :, :, None], kernel[:, :, None, None], np.zeros(1))
    return out[0, :, :, 0]


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
        show_numbers(below, so_far, f"sum {_number(feature_map[i, j])}", limits=(-limit, limit))
        for ax, (height, width) in ((above, kernel.shape), (below, (1, 1))):
            ax.add_patch(Rectangle((j, i), width, height, fill=False, ec=ORANGE, lw=2, zorder=3))
    return figure


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
