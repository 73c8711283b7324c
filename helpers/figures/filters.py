"""Filters and the feature maps that they make of images: random ones, and before and after training."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import maximum_filter

from helpers.figures.images import Panel, panels
from helpers.figures.names import drawn_names
from helpers.figures.style import GRAY, SIGNED, headline

SPARSE = 0.05  # of a map's numbers: where fewer are above 0, each is drawn as a spot, and their share is told
SPOT = 5  # pixels: the side of a spot
MOST = 3  # images whose maps are shown
FAINT = 4  # a map so many times fainter than the one it is compared with is drawn brighter, and says so


def filters_and_maps(filters: Mapping, maps: Mapping, channels: Sequence[int], names: Sequence[str]) -> Figure:
    """Show kernels (KH, KW, F) above the feature maps (N, H, W, F) that they make of the first three images.

    filters, maps: by time, {"before": ..., "after": ...}, or {"": ...}. A column is a channel. Kernels share one signed
    scale. The maps of a channel and an image share one from 0 to the brighter one's largest numbers. In a map's corner
    stands how many times brighter it is drawn, if it is faint beside the other; the share of its numbers above 0, if
    they are few; "all 0", if there are none; "dead", if there are none on all N images.
    """
    channels = list(channels)
    limit = max(np.abs(kernels[..., channels]).max() for kernels in filters.values())
    signed = {"color": GRAY, "look": {"cmap": SIGNED, "vmin": -limit, "vmax": limit}}
    rows = [[Panel(kernels[..., c], **signed) for c in channels] for kernels in filters.values()]
    beside = [f"kernel\n{time}".rstrip() for time in filters]
    for k, name in enumerate(drawn_names(names, 10)[:MOST]):
        for own in maps.values():
            rows.append([_map(k, own[..., c], [of[k, ..., c] for of in maps.values()]) for c in channels])
        beside += [f"{name}\n{time}".rstrip() for time in maps]
    figure = panels(rows, map(str, channels), beside)
    if len(maps) == 2:
        change = (moved(*(of[..., channels] for of in pair.values())) for pair in (filters, maps))
        dead = np.count_nonzero(~[*maps.values()][1][..., channels].any(axis=(0, 1, 2)))
        said = f"; {dead} of {len(channels)} filters are dead afterwards" if dead else ""
        headline(figure, "Slices of kernels changed by {:.2g} of their size, maps by {:.2g}".format(*change) + said)
    return figure


def _map(k: int, maps: np.ndarray, compared: Sequence[np.ndarray]) -> Panel:
    """Return the map of image k, of one channel's (N, H, W), on the scale of all that it is compared with."""
    shown, share = maps[k], np.mean(maps[k] > 0)
    if not share:
        return Panel(np.full_like(shown, 0.95), said="all 0" if maps.any() else "dead", look={"vmin": 0, "vmax": 1})
    brightest = max(map(_top, compared))
    times = round(brightest / _top(shown)) if brightest >= FAINT * _top(shown) else 1
    said = [f"×{times:.3g}".replace("e+0", "e")] if times > 1 else []
    if share < SPARSE:
        shown = maximum_filter(shown, SPOT)
        said += [f"{share:.1%}" if share > 0.001 else "< 0.1%"]
    return Panel(shown, said="\n".join(said), look={"vmin": 0, "vmax": brightest / times})


def _top(feature_map: np.ndarray) -> float:
    """Return the number that is drawn white: 2 % of the map exceed it; of fewer above 0 it is their median."""
    above = feature_map[feature_map > 0]
    return float(np.percentile(feature_map, 98) or np.median(above)) if above.size else 0.0


def moved(before: np.ndarray, after: np.ndarray) -> float:
    """Return how far numbers have moved, relative to their size before: |after - before| / |before|."""
    return np.linalg.norm(after - before) / (np.linalg.norm(before) or 1)
