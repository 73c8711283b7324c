"""How good maps (..., H, W), larger where the evidence lies, are where the object is known: masks of the same shape."""

import numpy as np


def pointing_game(maps: np.ndarray, masks: np.ndarray, tolerance: float = 0) -> np.ndarray:
    """Return whether each map's maximum lies in its mask, or at most `tolerance` pixels from it: bool, shape (...).

    maps: (..., H, W); masks: bool of the same shape. Of several maxima the first in reading order counts; a map that is
    the same everywhere points nowhere, which is a miss. ValueError when shapes do not fit, a map is not finite, or a
    mask is empty. Source: Zhang et al. (2016); their program allows 15 pixels.
    """
    maps, masks = _checked(maps, masks)
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"The tolerance is a number of pixels from 0, not {tolerance!r}.")
    hits = [points_at(maps[n], masks[n], tolerance) for n in np.ndindex(maps.shape[:-2])]
    return np.array(hits, bool).reshape(maps.shape[:-2])[()]


def points_at(heat: np.ndarray, mask: np.ndarray, tolerance: float) -> bool:  # exercise 6.2
    """Return whether the first maximum of one map lies at most `tolerance` pixels from the mask."""
    row, col = np.unravel_index(heat.argmax(), heat.shape)
    rows, cols = np.nonzero(mask)
    distance = np.hypot(rows - row, cols - col).min()
    return bool(distance <= tolerance and heat.min() < heat.max())


def energy_inside(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:  # exercise 6.3
    """Return the share of each map's sum that lies inside its mask, 0 to 1, shape (...): nan for a map of zeros.

    maps: (..., H, W), not negative; masks: bool of the same shape. ValueError as in `pointing_game`, and for negative
    values. Source: Wang et al. (2020), the energy-based pointing game.
    """
    maps, masks = _checked(maps, masks)
    if (maps < 0).any():
        raise ValueError("Energy is the sum of what is not negative: take an absolute value.")
    total = maps.sum(axis=(-2, -1), dtype=np.float64)
    inside = maps.sum(axis=(-2, -1), where=masks, dtype=np.float64)
    return np.divide(inside, total, out=np.full(total.shape, np.nan), where=total > 0)[()]


def mosaics(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mosaics with one image of each class side by side, (M, H, K W, 3), and which image is where, (M, K).

    K images stand together in K mosaics, once in every place, and in no others: so the groups of K are independent.
    What finds no partner is left out. ValueError for one class. Source: Boehle et al. (2021), who use a grid.
    """
    by_class = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    if len(images) != len(labels) or len(by_class) < 2:
        raise ValueError("Mosaics need images of two classes or more, and a label for each image.")
    groups = zip(*by_class, strict=False)  # as many as the smallest class has images
    where = np.array([np.roll(group, turn) for group in groups for turn in range(len(by_class))])
    return np.stack([np.concatenate(images[row], axis=1) for row in where]), where


def _checked(maps, masks) -> tuple[np.ndarray, np.ndarray]:
    maps, masks = np.asarray(maps), np.asarray(masks)
    if maps.ndim < 2 or maps.shape != masks.shape:
        raise ValueError(f"Maps (..., H, W) need masks of the same shape: {maps.shape} and {masks.shape} do not fit.")
    if masks.dtype != bool:
        raise ValueError(f"A mask is bool, True on the object, not {masks.dtype}.")
    if not np.isfinite(maps).all():
        raise ValueError("A map holds NaN or infinity.")
    if not masks.any(axis=(-2, -1)).all():
        raise ValueError("A mask is empty: on an image without an object no map can be right.")
    return maps, masks
