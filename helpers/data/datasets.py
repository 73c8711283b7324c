"""Data sets by name: "scenes" (drawn here), "caltech101" (the source report's photographs), or a folder's path."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers.data import caltech101, folders, pictures, scenes
from helpers.store.cache import kept, kept_rows, key_of
from helpers.store.files import file_digest, folder_name

SPLITS = ("train", "val", "test")
SPLIT_SEED = 0  # of a folder's classes


@dataclass(frozen=True, eq=False)
class Split:
    """Pictures of one role: images uint8 RGB (N, size, size, 3), labels int64 (N,), names, and the objects' masks.

    Masks are bool (N, size, size), True on the object, or None where nobody knows them. `majority` is the share of the
    largest class: the accuracy of whoever always names it.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    masks: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def majority(self) -> float:
        return float(np.bincount(self.labels).max() / len(self))


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set: three splits, the classes in label order, and one picture of each class for the figures.

    figure_images is uint8 RGB (K, size, size, 3) and figure_masks bool (K, size, size) or None, in class order. `masks`
    are all by role ("train", "val", "test", "figure"), None where unknown. left_out says what else a folder holds.
    """

    name: str
    train: Split
    val: Split
    test: Split
    class_names: tuple[str, ...]
    figure_images: np.ndarray
    figure_masks: np.ndarray | None = None
    left_out: str = ""

    @property
    def masks(self) -> dict[str, np.ndarray] | None:
        found = {split: getattr(self, split).masks for split in SPLITS} | {"figure": self.figure_masks}
        return None if self.figure_masks is None else found


class _Row(NamedTuple):
    split: str
    label: int
    name: str
    is_figure: bool


def load(name: str | Path, size: int = 224, *, cache: str | Path | None = None) -> Dataset:
    """Load "scenes", "caltech101" or the folder of class folders at `name`, its pictures size x size pixels.

    `cache` names a file beside which the pictures are kept, drawn or as they were read, to be used again only by the
    same code for the same files: read ones stay on the disk and cannot be written to. Raises ValueError for an unknown
    name, a size outside 16..1024, too few classes or pictures, or pictures that cannot be read; FileNotFoundError if
    photographs are missing. A folder that is called like a named set is ./scenes or ./caltech101.
    """
    size = pictures.check_size(size)
    if name == "scenes":
        return _load_scenes(size, cache)
    if name == "caltech101":
        return _load_caltech101(size, cache)
    return _load_folder(folders.existing(name), size, cache)


def _load_scenes(size: int, cache: str | Path | None) -> Dataset:
    names = scenes.CLASS_NAMES
    rows = [_Row(s, names.index(of), f"{of}/{s}_{i:04d}", s == "figure") for of, s, i in scenes.pictures()]

    def draw() -> dict[str, np.ndarray]:
        drawn = pictures.in_threads(lambda place: scenes.picture(*place, size), scenes.pictures(), "Drawing scenes")
        return dict(zip(("images", "masks"), map(np.array, zip(*drawn, strict=True)), strict=True))

    return _dataset("scenes", names, rows, **kept(cache, key_of(load, size), draw))


def _load_caltech101(size: int, cache: str | Path | None) -> Dataset:
    folder = caltech101.locate()
    if names := caltech101.differing(folder):  # the name says which photograph is meant, so it is no stop
        warnings.warn(
            f"{len(names)} of the {len(caltech101.photographs())} photographs in {folder} are not the bytes that this "
            f"report's numbers were measured on (the first is {names[0]}): expect slightly different numbers.",
            stacklevel=3,
        )
    photographs = sorted(caltech101.photographs(), key=lambda p: SPLITS.index(p.split))  # stable: class by class
    class_names = sorted({p.class_name for p in photographs})
    rows = [_Row(p.split, class_names.index(p.class_name), p.name, p.is_figure) for p in photographs]
    return _dataset("caltech101", class_names, rows, _read(folder, rows, size, cache))


def _load_folder(folder: Path, size: int, cache: str | Path | None) -> Dataset:
    files, left_out = folders.class_files(folder)
    rng, rows = np.random.default_rng(SPLIT_SEED), []
    for label, (class_name, names) in enumerate(files.items()):
        for split, indices in zip(SPLITS, folders.split_indices(len(names), rng), strict=True):
            first = indices[0] if split == "train" else None
            rows += [_Row(split, label, f"{class_name}/{names[i]}", i == first) for i in indices]
    rows.sort(key=lambda row: SPLITS.index(row.split))  # stable: class by class within each split
    found = _dataset(folder_name(folder.resolve()), tuple(files), rows, _read(folder, rows, size, cache))
    return replace(found, left_out=left_out)


def _read(folder: Path, rows: Sequence[_Row], size: int, cache: str | Path | None) -> np.ndarray:
    paths = [folder / row.name for row in rows]
    # What cannot be read has no digest, and is named by the reader.
    digests = [file_digest(path) if path.is_file() and os.access(path, os.R_OK) else "" for path in paths if cache]
    key, shape = key_of(load, size, digests), (len(paths), size, size, 3)
    return kept_rows(cache, key, shape, lambda: pictures.read_pictures(paths, size), np.uint8)


def _dataset(
    name: str, class_names: Sequence[str], rows: Sequence[_Row], images: np.ndarray, masks: np.ndarray | None = None
) -> Dataset:
    """Cut `images`, one for each row and sorted by split, into views: nothing is copied but the figures' pictures."""

    def split(which: str) -> Split:
        at = [i for i, row in enumerate(rows) if row.split == which]
        cut = slice(at[0], at[-1] + 1)
        labels = np.array([row.label for row in rows[cut]], np.int64)
        return Split(images[cut], labels, tuple(row.name for row in rows[cut]), None if masks is None else masks[cut])

    figures = sorted((i for i, row in enumerate(rows) if row.is_figure), key=lambda i: rows[i].label)
    figure_masks = None if masks is None else masks[figures]
    return Dataset(name, *map(split, SPLITS), tuple(class_names), images[figures], figure_masks)


def summary(dataset: Dataset, size: int = 0) -> str:
    """Return classes with their counts by split, and memory at a `size` of pictures (theirs), as a text table."""
    names = [name if name.isprintable() else repr(name) for name in dataset.class_names]
    splits = [getattr(dataset, split) for split in SPLITS]
    counts = [np.bincount(split.labels, minlength=len(names)) for split in splits]
    table = [("class", *SPLITS), *zip(names, *counts, strict=True), ("total", *map(len, splits))]
    width, size = max(len(row[0]) for row in table), size or dataset.figure_images.shape[1]
    masks, memory = "without" if dataset.masks is None else "with", sum(map(len, splits)) * 3 * size**2 / 1e6
    head = f"{dataset.name}: {len(names)} classes, pictures {size} x {size} x 3 {masks} masks, {memory:.0f} MB"
    return "\n".join([head, *(f"{row[0]:<{width}}" + "".join(f"{n:>7}" for n in row[1:]) for row in table)])
