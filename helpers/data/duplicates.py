"""Looks for near-duplicates between splits: one photograph twice, resized, cropped, recompressed, brighter, mirrored.

Thumbnails of 32 x 32 in gray say which pairs to look at: those whose pixels correlate, or whose lowest frequencies have
the same signs (a perceptual hash of 64 bits: Zauner 2010). These are laid on each other by the affine map that makes
them most alike (ECC: Evangelidis and Psarakis 2008), and what correlates then is the same photograph.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np

from helpers.store.cache import kept, key_of

THUMBNAIL, ALIGNED = 32, 64  # sides in pixels
CORRELATION, BITS = 0.6, 16  # a pair is looked at from this correlation, or up to so many bits that differ
AT_LEAST = 3  # pairs are looked at, however different all are
SAME = 0.97  # correlation after alignment: different photographs of like things stay below 0.95
STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)


@dataclass(frozen=True)
class Pair:
    """Two pictures of two splits, by their numbers, and their correlation when laid on each other as well as can be."""

    splits: tuple[str, str]
    indices: tuple[int, int]
    likeness: float
    mirrored: bool

    @property
    def is_duplicate(self) -> bool:
        """Whether the two are one photograph."""
        return self.likeness >= SAME


def closest(splits: dict[str, np.ndarray], count: int = 3, *, cache: str | Path | None = None) -> list[Pair]:
    """Return the near-duplicates between any two splits, or the `count` most alike pairs: the most alike first.

    splits: {name: images uint8 RGB (N, H, W, 3)}; `cache` names a file that keeps what was found. ValueError for images
    of another kind.
    """
    for name, images in splits.items():
        if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
            raise ValueError(f"Images must be uint8 RGB (N, H, W, 3); {name} is {images.dtype} {images.shape}.")
    names = list(splits)

    def find() -> dict[str, np.ndarray]:
        gray = [[cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images] for images in splits.values()]
        rows = [(a, b, *row) for a, b in combinations(range(len(names)), 2) for row in _alike(gray[a], gray[b])]
        return {"pairs": np.array(sorted(rows, key=lambda row: -row[4]), np.float64).reshape(-1, 6)}

    rows = kept(cache, key_of(closest, *splits.values()), find)["pairs"].tolist()
    pairs = [
        Pair((names[int(a)], names[int(b)]), (int(i), int(j)), likeness, turned > 0)
        for a, b, i, j, likeness, turned in rows
    ]
    return pairs[: max(count, sum(pair.is_duplicate for pair in pairs))]


def _alike(first: list[np.ndarray], second: list[np.ndarray]) -> Iterator[tuple[int, int, float, bool]]:
    """Yield (i, j, likeness, mirrored) of all pairs of gray pictures that are worth a look."""
    large, pixels, hashes = _small(second, ALIGNED), *_described(_small(second, THUMBNAIL))
    for turned in (False, True):
        given = [picture[:, ::-1] for picture in first] if turned else first
        own, (own_pixels, own_hashes) = _small(given, ALIGNED), _described(_small(given, THUMBNAIL))
        bits = np.array([(one != hashes).sum(axis=1) for one in own_hashes])
        correlation = own_pixels @ pixels.T
        worth = (correlation >= CORRELATION) | (bits <= BITS)
        worth.flat[np.argsort(correlation, axis=None)[-AT_LEAST:]] = True
        for i, j in np.argwhere(worth).tolist():
            yield i, j, likeness(own[i], large[j]), turned


def _small(pictures: list[np.ndarray], side: int) -> np.ndarray:
    return np.array([cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA) for p in pictures], np.float32)


def _described(thumbnails: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return thumbnails (N, H * W) of mean 0 and length 1, and the signs (N, 64) of their lowest frequencies."""
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)  # a plain picture is like no other
    low = np.array([cv2.dct(thumbnail)[:8, :8].ravel() for thumbnail in thumbnails])
    return flat, low > np.median(low[:, 1:], axis=1, keepdims=True)  # the first is the brightness


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation (-1 to 1) of two gray float32 pictures (H, W) where the first is laid on the second.

    The affine map is the one that makes it greatest. It is 0 where there is none, or where it leaves less than 60 % of
    the second picture covered: a part that is like another part is not the same photograph.
    """
    start = np.eye(2, 3, dtype=np.float32)
    try:
        correlation, found = cv2.findTransformECC(first, second, start, cv2.MOTION_AFFINE, STEPS, None, 3)
    except cv2.error:  # OpenCV's word for: it does not converge
        return 0.0
    how = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    covered = cv2.warpAffine(np.ones_like(second), found, second.shape[::-1], flags=how).mean()
    return float(correlation) if covered >= 0.6 else 0.0
