"""Looks for near-duplicates between splits: one photograph twice, compressed, resized, darker, mirrored or cropped.

Thumbnails and windows in them say which pictures are worth a look. These are laid on each other by the affine map that
makes them most alike (ECC: Evangelidis and Psarakis 2008). Two are *alike* where the whole then correlates, and *the
same* where every part agrees too (the structure of SSIM: Wang et al. 2004): scans that differ in a spot are only alike.
What is written or pasted over a picture hides it. `python tests/programs/planted.py` prints how many are found.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from tqdm.auto import tqdm

from helpers.store.cache import kept, key_of

SIDE, SEEN = 64, 16  # pixels: of what is laid on each other, of what is compared before
SCALES = (1, 0.9, 0.8, 0.7)  # of the windows; between two of a scale lies a tenth of the picture at most
LOOKED_AT, WAYS = 3, 2  # pictures that are laid on each one, from so many windows
PROMISING = 0.5  # the least correlation of the windows: planted crops begin above it
AT_ONCE = 8  # pictures that are compared with all others in one product: 3 kB each for every other
ALIKE = 0.97  # the least correlation of the whole
SAME = 0.82  # the least agreement of any part, 7 x 7 pixels
COVERED = 0.6  # the least share of a picture that the other covers: a part that is like another part is not the same
UPRIGHT = 0.03  # the most that a picture may be turned or sheared: handwriting becomes alike by shearing
STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)
GRIDS = [(scale, np.linspace(0, 1 - scale, k + 1)) for k, scale in enumerate(SCALES)]
WINDOWS = [(scale, top, left) for scale, grid in GRIDS for top in grid for left in grid]


@dataclass(frozen=True)
class Pair:
    """A picture of the second split and the one of the first most like it, by their numbers, when laid on each other.

    likeness is their correlation (-1 to 1), agreement that of the part that agrees least (-1 to 1). `is_alike`: the two
    correlate as one photograph would, and may still differ in a part; `is_duplicate`: they are one photograph.
    """

    splits: tuple[str, str]
    indices: tuple[int, int]
    likeness: float
    agreement: float
    mirrored: bool

    @property
    def is_alike(self) -> bool:
        return self.likeness >= ALIKE

    @property
    def is_duplicate(self) -> bool:
        return self.is_alike and self.agreement >= SAME


def closest(splits: dict[str, np.ndarray], count: int = 3, *, cache: str | Path | None = None) -> list[Pair]:
    """Return one pair for each picture and earlier split: all that are the same, then all alike, `count` at least.

    splits: {name: images uint8 RGB (N, H, W, 3)}; `cache` names a file that keeps what was found. Among the same, and
    among the rest, the most alike come first. ValueError for images of another kind.
    """
    for name, images in splits.items():
        if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
            raise ValueError(f"Images must be uint8 RGB (N, H, W, 3); {name} is {images.dtype} {images.shape}.")

    def find() -> dict[str, np.ndarray]:
        two = combinations(enumerate(splits.values()), 2)
        rows = [(a, b, *row) for (a, first), (b, second) in two for row in _nearest(first, second)]
        return {"pairs": np.array(rows, np.float64).reshape(-1, 7)}

    rows, names = kept(cache, key_of(closest, *splits.values()), find)["pairs"].tolist(), list(splits)
    pairs = [
        Pair((names[int(a)], names[int(b)]), (int(i), int(j)), likeness, agreement, turned > 0)
        for a, b, j, i, likeness, agreement, turned in rows
    ]
    pairs.sort(key=lambda pair: (not pair.is_duplicate, -pair.likeness))
    return pairs[: max(count, sum(pair.is_alike for pair in pairs))]


def _nearest(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[int, int, float, float, bool]]:
    """Yield (j, i, likeness, agreement, mirrored) for each image j of `second`; i of `first` is most like it."""
    digests = [[hashlib.sha256(np.ascontiguousarray(image)).digest() for image in images] for images in (first, second)]
    known = {digest: i for i, digest in reversed(list(enumerate(digests[0])))}
    small, other = _thumbnails(first), _thumbnails(second)
    windows, new = _windows(small), []
    for j, digest in enumerate(digests[1]):
        if digest in known:
            yield j, known[digest], 1.0, 1.0, False  # also of plain pictures, which nothing can be laid on
        else:
            new.append(j)
    with tqdm(total=len(new), desc="Looking for duplicates", leave=False, disable=len(new) < 100) as bar:
        for k in range(0, len(new), AT_ONCE):
            some = new[k : k + AT_ONCE]
            for j, scores in zip(some, _scores(windows, other[some]), strict=True):
                yield j, *_most_like(scores, small, other[j])
                bar.update()


def _thumbnails(images: np.ndarray) -> np.ndarray:
    return np.array([cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in images])


def _windows(small: np.ndarray) -> np.ndarray:
    """Return windows of thumbnails, gray, of mean 0 and length 1, float32 (N, windows, pixels); the first is all."""
    corners = [(round(top * SIDE), round(left * SIDE), round(scale * SIDE)) for scale, top, left in WINDOWS]
    grays = small.mean(axis=3, dtype=np.float32)
    cut = [gray[y : y + side, x : x + side] for gray in grays for y, x, side in corners]
    seen = np.array([cv2.resize(part, (SEEN, SEEN), interpolation=cv2.INTER_AREA) for part in cut])
    flat = seen.reshape(len(small), len(WINDOWS), -1)
    flat -= flat.mean(axis=2, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=2, keepdims=True), 1e-3)  # a plain window is like no other


def _scores(windows: np.ndarray, small: np.ndarray) -> np.ndarray:
    """Return how M thumbnails correlate with the N of the windows: (M, N, mirrored, laid around it, windows)."""
    own = np.stack([_windows(small), _windows(small[:, :, ::-1])], axis=1)  # (M, 2, windows, pixels)
    inside = np.einsum("nwp,mtp->mntw", windows, own[:, :, 0], optimize=True)
    around = np.einsum("np,mtwp->mntw", windows[:, 0], own, optimize=True)
    return np.stack([inside, around], axis=3)


def _most_like(scores: np.ndarray, small: np.ndarray, own: np.ndarray) -> tuple[int, float, float, bool]:
    """Return which of `small` is most like the thumbnail `own`, its likeness and agreement, and whether mirrored."""
    found = [(0, 0.0, 0.0, False)]  # it is like no other
    for i in np.argsort(-scores.reshape(len(scores), -1).max(axis=1), kind="stable")[:LOOKED_AT].tolist():
        for best in np.argsort(-scores[i], axis=None, kind="stable")[:WAYS]:
            turned, around, window = place = np.unravel_index(best, scores[i].shape)
            if scores[i][place] >= PROMISING:
                mine = own[:, ::-1] if turned else own
                outer, inner = (mine, small[i]) if around else (small[i], mine)
                found.append((i, *laid_on(outer, inner, WINDOWS[window]), bool(turned)))
    return max(found, key=lambda row: (row[1] >= ALIKE and row[2] >= SAME, row[1]))


def laid_on(outer: np.ndarray, inner: np.ndarray, window: tuple[float, float, float]) -> tuple[float, float]:
    """Return likeness and agreement (-1 to 1) of two RGB thumbnails (SIDE, SIDE, 3) where `outer` is laid on `inner`.

    The affine map starts at the window (scale, top, left) of `outer`, in shares of it, and makes the correlation
    greatest. Both are 0 where there is no such map, where it turns or shears, or where it leaves more than 40 % of
    `inner` uncovered.
    """
    scale, top, left = window
    start = np.array([[scale, 0, left * SIDE], [0, scale, top * SIDE]], np.float32)
    inner, outer = (np.ascontiguousarray(picture, np.float32) for picture in (inner, outer))
    grays = inner.mean(axis=2), outer.mean(axis=2)
    try:
        _, found = cv2.findTransformECC(*grays, start, cv2.MOTION_AFFINE, STEPS, None, 3)
    except cv2.error:  # OpenCV's word for: it does not converge
        return 0.0, 0.0
    shape, how = inner.shape[1::-1], cv2.WARP_INVERSE_MAP
    covered = cv2.warpAffine(np.ones(outer.shape[:2], np.float32), found, shape, flags=how) > 0.99
    if covered.mean() < COVERED or max(abs(found[0, 1]), abs(found[1, 0])) > UPRIGHT:
        return 0.0, 0.0
    warped = cv2.warpAffine(outer, found, shape, flags=how | cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return _compared(*(cv2.GaussianBlur(picture, (0, 0), 1) for picture in (warped, inner)), covered)


def _compared(x: np.ndarray, y: np.ndarray, covered: np.ndarray) -> tuple[float, float]:
    """Return the correlation of two RGB pictures where they cover each other, and the least agreement of a part."""
    x, y = (picture - picture[covered].mean() for picture in (x, y))
    own, other = (np.square(picture[covered]).sum() + 1e-3 for picture in (x, y))
    gain = (x * y)[covered].sum() / own
    little = 0.12 * other / covered.sum() / 3  # of three colours: what has a fifth of the contrast counts half
    x = gain * x
    mean_x, mean_y, xx, yy, xy = (cv2.blur(part, (7, 7)) for part in (x, y, x * x, y * y, x * y))
    shared, both = 2 * (xy - mean_x * mean_y), xx - mean_x**2 + yy - mean_y**2
    agreement = (shared.sum(axis=2) + little) / (both.sum(axis=2) + little)
    whole = cv2.erode(covered.astype(np.uint8), np.ones((7, 7), np.uint8), borderValue=0) > 0
    return float(gain * np.sqrt(own / other)), float(agreement[whole].min(initial=1))
