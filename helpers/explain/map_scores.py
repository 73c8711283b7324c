"""How good a heat map is where the object is known, and how alike two heat maps are. Pure array arithmetic, no network.

A map is (H, W), its larger values where the evidence lies; maps may come as a stack (..., H, W), masks likewise.
"""

import cv2
import numpy as np
from scipy.stats import rankdata

SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
SSIM_K1, SSIM_K2 = 0.01, 0.03


def pointing_game(maps: np.ndarray, masks: np.ndarray, tolerance: float = 0) -> np.ndarray:
    """Return whether each map's maximum lies in its mask, or at most `tolerance` pixels from it: bool, shape (...).

    maps: (..., H, W); masks: bool of the same shape. Of several maxima the first in reading order counts; a map that is
    the same everywhere points nowhere, which is a miss. ValueError when shapes do not fit, a map is not finite, or a
    mask is empty. Source: Zhang et al. (2016); their program allows 15 pixels.
    """
    maps, masks = _pairs(maps, masks)
    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"The tolerance is a number of pixels from 0, not {tolerance!r}.")
    hits = [_points_at(heat, mask, tolerance) for heat, mask in zip(*map(_flat, (maps, masks)), strict=True)]
    return np.array(hits, bool).reshape(maps.shape[:-2])[()]


def energy_inside(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return the share of each map's sum that lies inside its mask, 0 to 1, shape (...): nan for a map of zeros.

    maps: (..., H, W), not negative; masks: bool of the same shape. A map that is the same everywhere has the mask's
    share of the area. ValueError as in `pointing_game`, and for negative values. Source: Wang et al. (2020), the
    energy-based pointing game.
    """
    maps, masks = _pairs(maps, masks)
    if (maps < 0).any():
        raise ValueError("The energy of a map is the sum of what is not negative: take its absolute value or ReLU.")
    total = maps.sum(axis=(-2, -1))
    inside = np.where(masks, maps, 0).sum(axis=(-2, -1))
    return np.divide(inside, total, out=np.full(total.shape, np.nan), where=total > 0)[()]


def ssim(a: np.ndarray, b: np.ndarray, data_range: float = 1.0) -> float:
    """Return the mean structural similarity of two images (H, W) of at least 11 x 11 pixels: 1 if equal, at least -1.

    mean of (2 ma mb + C1)(2 cov + C2) / ((ma^2 + mb^2 + C1)(va + vb + C2)) with means, variances and covariance under a
    Gaussian window of 11 x 11, sigma 1.5, wherever it lies inside the image; C1 = (0.01 R)^2, C2 = (0.03 R)^2, where R
    is `data_range`. ValueError for other shapes. Source: Wang et al. (2004), equation 13.
    """
    a, b = (np.asarray(image, np.float64) for image in (a, b))
    if a.ndim != 2 or a.shape != b.shape or min(a.shape) < SSIM_WINDOW:
        raise ValueError(f"SSIM compares two images of one shape, 11 x 11 or more, not {a.shape} and {b.shape}.")
    c1, c2 = (SSIM_K1 * data_range) ** 2, (SSIM_K2 * data_range) ** 2
    ma, mb = _local_mean(a), _local_mean(b)
    va, vb, cov = _local_mean(a * a) - ma**2, _local_mean(b * b) - mb**2, _local_mean(a * b) - ma * mb
    return float(np.mean((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))))


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Spearman's correlation of two arrays of one shape, -1 to 1: Pearson's of the ranks, ties at their mean.

    An array that is the same everywhere has no order: 1 if both are so, 0 if one is. ValueError for different shapes.
    Source: Spearman (1904).
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.size == 0:
        raise ValueError(f"A correlation needs two arrays of one shape, not {a.shape} and {b.shape}.")
    ranks = [rankdata(x) - (x.size + 1) / 2 for x in (a, b)]
    lengths = [np.linalg.norm(r) for r in ranks]
    if min(lengths) == 0:
        return float(max(lengths) == 0)
    return float(np.clip(ranks[0] @ ranks[1] / (lengths[0] * lengths[1]), -1, 1))


def scaled(heat: np.ndarray) -> np.ndarray:
    """Return |map| divided by its maximum, 0 to 1, for maps (..., H, W); a map of zeros stays."""
    sizes = np.abs(np.asarray(heat, np.float64))
    peak = sizes.max(axis=(-2, -1), keepdims=True)
    return np.divide(sizes, peak, out=np.zeros_like(sizes), where=peak > 0)


def random_map(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a map of independent uniform numbers from 0 to 1: a baseline that knows nothing."""
    return rng.random(shape)


def centre_map(shape: tuple[int, int], sigma: float = 0.25) -> np.ndarray:
    """Return a Gaussian in the middle of the image, `sigma` as a share of its sides: a baseline that does not look."""
    rows, cols = ((np.arange(n) - (n - 1) / 2) / (sigma * n) for n in shape)
    return np.exp(-(rows[:, None] ** 2 + cols**2) / 2)


def edge_map(image: np.ndarray) -> np.ndarray:
    """Return the size of the Sobel gradient of an RGB image's gray values, (H, W): a baseline without a network."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64)
    return np.hypot(cv2.Sobel(gray, cv2.CV_64F, 1, 0), cv2.Sobel(gray, cv2.CV_64F, 0, 1))


def _pairs(maps: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    maps, masks = np.asarray(maps), np.asarray(masks)
    if maps.ndim < 2 or maps.shape != masks.shape:
        raise ValueError(f"Maps (..., H, W) need masks of the same shape: {maps.shape} and {masks.shape} do not fit.")
    if masks.dtype != bool:
        raise ValueError(f"A mask is bool, True on the object, not {masks.dtype}.")
    if not np.isfinite(maps).all():
        raise ValueError("A map holds NaN or infinity.")
    if not masks.any(axis=(-2, -1)).all():
        raise ValueError("A mask is empty: on an image without an object no map can be right.")
    return maps.astype(np.float64), masks


def _flat(stack: np.ndarray) -> np.ndarray:
    return stack.reshape(-1, *stack.shape[-2:])


def _points_at(heat: np.ndarray, mask: np.ndarray, tolerance: float) -> bool:
    if heat.min() == heat.max():
        return False
    row, col = np.unravel_index(heat.argmax(), heat.shape)
    rows, cols = np.nonzero(mask)
    return bool(((rows - row) ** 2 + (cols - col) ** 2).min() <= tolerance**2)


def _local_mean(image: np.ndarray) -> np.ndarray:
    """Return means under the Gaussian window where it lies inside: (H, W) -> (H - 10, W - 10)."""
    window = cv2.getGaussianKernel(SSIM_WINDOW, SSIM_SIGMA, cv2.CV_64F)
    edge = SSIM_WINDOW // 2
    return cv2.sepFilter2D(image, cv2.CV_64F, window, window)[edge:-edge, edge:-edge]
