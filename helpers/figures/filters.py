"""Filters and the feature maps that they make of images: random ones, and before and after training."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from helpers.figures.names import drawn_names
from helpers.figures.style import GRAY, GREEN, HEIGHT, ORANGE, SIGNED, WIDTH, bare, canvas, frame, headline, show_image

SPARSE = 0.05  # of a map's numbers: where fewer are above 0, it is drawn bright, and says how many
MOST = 3  # images whose maps are shown
FAINT = 4  # a map so many times fainter than the one it is compared with is drawn brighter, and says so


def filters_and_maps(filters: np.ndarray, maps: np.ndarray, channels: Sequence[int], names=()) -> Figure:
    """Show kernels (KH, KW, F) above the feature maps (N, H, W, F) that they make of the first three images.

    A column is a channel. Kernels share one signed scale; a map goes from 0 to its own largest numbers, and where it is
    0 nearly everywhere it has the share of the others in its corner. One that is 0 everywhere says "dead" where those
    of all N images are so, "all 0" else.
    """
    rows = [(name, maps[k], maps[k]) for k, name in enumerate(_names(names, maps))]
    return _channels([("kernel", filters)], rows, channels, [_dead(maps)] * len(rows))


def before_and_after(filters: tuple, maps: tuple, channels: Sequence[int], names: Sequence[str] = ()) -> Figure:
    """Show channels before and after training: kernels (KH, KW, F), and maps (N, H, W, F) of the first three images.

    filters, maps: pairs. The two maps of a channel and an image share a scale, from 0 to the brighter one's largest
    numbers; one fainter than a quarter of it is drawn as many times brighter as stands in its corner. Else as
    `filters_and_maps`.
    """
    kernels_moved, maps_moved = (moved(*(a[..., list(channels)] for a in pair)) for pair in (filters, maps))
    times = ("before", "after")
    kernels = [(f"kernel\n{time}", part) for time, part in zip(times, filters, strict=True)]
    shown, pairs = _names(names, maps[0]), [*zip(times, maps, maps[::-1], strict=True)]
    rows = [(f"{name}\n{time}", own[k], other[k]) for k, name in enumerate(shown) for time, own, other in pairs]
    figure = _channels(kernels, rows, channels, [_dead(own) for own in maps] * len(shown))
    gone = _dead(maps[1])[list(channels)].sum()
    said = f"; {gone} of {len(channels)} filters are dead afterwards" if gone else ""
    change = f"Kernels changed by {kernels_moved:.2g} of their size, maps by {maps_moved:.2g}"
    headline(figure, change + said)
    return figure


def _names(names: Sequence[str], maps: np.ndarray) -> list[str]:
    count = min(MOST, len(maps))
    return drawn_names(names, 10)[:count] if len(names) else [f"image {k + 1}" for k in range(count)]


def _dead(maps: np.ndarray) -> np.ndarray:
    return ~maps.any(axis=(0, 1, 2))


def _channels(kernels: list[tuple], rows: list[tuple], channels: Sequence[int], dead: list[np.ndarray]) -> Figure:
    """Draw rows of kernels (name, (KH, KW, F)) above rows of maps (name, (H, W, F), the maps compared with)."""
    count = len(kernels) + len(rows)
    side = min((WIDTH - 0.4) / len(channels), (HEIGHT - 0.5) / count)
    figure = canvas(count * (side + 0.03) + 0.4)
    axes = figure.subplots(count, len(channels), squeeze=False)
    limit = max(np.abs(filters[..., list(channels)]).max() for _, filters in kernels)
    for line, (name, filters) in zip(axes, kernels, strict=False):
        for ax, channel in zip(line, channels, strict=True):
            show_image(ax, filters[..., channel], cmap=SIGNED, vmin=-limit, vmax=limit)
            frame(ax, GRAY, 0.5)
        line[0].set_ylabel(name, fontsize=6.5)
    for line, (name, maps, others), gone in zip(axes[len(kernels) :], rows, dead, strict=True):
        for ax, channel in zip(line, channels, strict=True):
            _show_map(ax, maps[..., channel], others[..., channel], "dead" if gone[channel] else "all 0")
        line[0].set_ylabel(name, fontsize=6.5, parse_math=False)
    for ax, channel in zip(axes[0], channels, strict=True):
        ax.set_title(f"{channel}", fontweight="normal", fontsize=7)
    return figure


def _show_map(ax, feature_map: np.ndarray, other: np.ndarray, nothing: str) -> None:
    bare(ax)
    if not feature_map.any():
        ax.set(facecolor="0.95", box_aspect=feature_map.shape[0] / feature_map.shape[1])
        ax.text(0.5, 0.5, nothing, ha="center", va="center", fontsize=7, transform=ax.transAxes)
        return
    top, shared = _top(feature_map), max(_top(feature_map), _top(other))
    times = int(shared / top)
    show_image(ax, feature_map, vmin=0, vmax=shared / times if times >= FAINT else shared)
    said = [f"×{times:.0e}".replace("e+0", "e") if times > 999 else f"×{times}"] if times >= FAINT else []
    share = np.mean(feature_map > 0)
    said += [f"{100 * share:.1f} %" if share > 0.001 else "< 0.1 %"] if share < SPARSE else []
    if said:
        box = {"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"}
        ax.text(0.03, 0.95, "\n".join(said), va="top", fontsize=6, color=ORANGE, bbox=box, transform=ax.transAxes)


def _top(feature_map: np.ndarray) -> float:
    """Return the number that is drawn white: the 99th percentile of those above 0, of few their median."""
    above = feature_map[feature_map > 0]
    return float(np.percentile(above, 99 if above.size >= SPARSE * feature_map.size else 50)) if above.size else 0.0


def moved(before: np.ndarray, after: np.ndarray) -> float:
    """Return how far numbers have moved, relative to their size before: |after - before| / |before|."""
    return np.linalg.norm(after - before) / (np.linalg.norm(before) or 1)


def shares_above_0(shares: Sequence[tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Draw for each convolution what share of its map every filter leaves above 0, (F,), before and after training."""
    figure = canvas(2.0)
    axes = figure.subplots(1, len(shares), sharey=True, squeeze=False)[0]
    for number, (ax, pair) in enumerate(zip(axes, shares, strict=True), start=1):
        for share, color, name in zip(pair, (GRAY, GREEN), ("before", "after"), strict=True):
            line = -np.sort(-share)
            ax.step(np.arange(1, len(line) + 1), line, where="mid", color=color, lw=1.4, label=name)
        ax.set(xlabel="filters in falling order", ylim=(-0.03, 1.03), title=f"Convolution {number}")
    axes[0].set_ylabel("share above 0")
    axes[-1].legend()
    return figure
