"""Folders of class folders: <folder>/<class>/<picture>.jpg, which files count, and who trains and who tests."""

import os
import re
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from helpers.data.pictures import SUFFIXES, is_picture
from helpers.store.files import expanded, is_utf8

MIN_PICTURES = 3  # of a class, so that train, val and test have one each
# Camera raw files hold a TIFF, and backups are pictures too: second copies of one that may lie beside them.
RAW = r"\.(3fr|arw|cr[23]|dcr|dng|erf|iiq|kdc|mef|mos|mrw|nef|nrw|orf|pef|raf|raw|rw2|sr2|srf|srw|thm|x3f)"
COPY = re.compile(rf"({RAW}|\.bak|\.backup|\.old|\.orig|\.tmp|~|_original)$", re.IGNORECASE)


def existing(name: str | Path) -> Path:
    """Return the folder at the path `name`; ValueError, with the names that there are, if it is none."""
    folder = expanded(name) if isinstance(name, str | Path) and str(name) else None
    if folder is None or not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises for what is closed or too long
        raise ValueError(
            f"Unknown data set {str(name)!r}: it must be 'scenes', 'caltech101' or the path of a folder of class "
            f"folders, and there is no such folder{f' as {str(folder.absolute())!r}' if folder else ''}."
        )
    return folder


def class_files(folder: Path) -> tuple[dict[str, list[str]], str]:
    """Return the picture files' names of each class folder, all sorted, without hidden ones, and what is left out.

    A warning says this too, a sentence that counts it, or "". ValueError says what a folder lacks to be a data set.
    """
    entries = _visible(folder)
    if broken := [entry.name for entry in entries if entry.is_symlink() and not entry.exists()]:
        raise ValueError(f"{str(folder)!r} holds links that lead nowhere: {_quoted(broken)}. Mend or remove them.")
    classes = {entry.name: _visible(entry) for entry in entries if entry.is_dir()}
    files = {name: [e.name for e in inside if _is_picture(e)] for name, inside in classes.items()}
    names = [*files, *(f"{name}/{file}" for name, inside in files.items() for file in inside)]
    if unwritable := [name for name in names if not is_utf8(name)]:
        raise ValueError(f"In {str(folder)!r} these names are not UTF-8: {_quoted(unwritable)}. Rename them.")
    if not any(files.values()):
        _check_depth(folder, classes)
    read = {folder / name / file for name, inside in files.items() for file in inside}
    others = (entry for inside in classes.values() for entry in inside if entry not in read)
    if left_out := _left_out(others, len(entries) - len(classes)):
        warnings.warn(f"In {str(folder)!r}: {left_out}", stacklevel=4)
    _check_counts(folder, files)
    return files, left_out


def _is_picture(path: Path) -> bool:
    """Tell by name or content; a broken link that is named like a picture is left to the reader, which says so."""
    return not path.is_dir() and (path.suffix.lower() in SUFFIXES or (not COPY.search(path.name) and is_picture(path)))


def _check_counts(folder: Path, files: dict[str, list[str]]) -> None:
    if len(files) < 2:
        found = f"{str(folder)!r} holds {len(files)} class folders{f' ({_quoted(files)})' if files else ''}"
        raise ValueError(f"{found}: a data set needs two at least, each with pictures: <folder>/<class>/<picture>.jpg.")
    if short := [f"{name!r} has {len(names)}" for name, names in files.items() if len(names) < MIN_PICTURES]:
        raise ValueError(
            f"Each class in {str(folder)!r} needs at least {MIN_PICTURES} pictures, one to train, one to validate, one "
            f"to test, but {', '.join(short)}: add pictures ({', '.join(sorted(SUFFIXES))}) or remove the class folder."
        )


def _check_depth(folder: Path, classes: dict[str, list[Path]]) -> None:
    # As where train/ and test/ stand in the place of classes, or a folder around the data set is given.
    outer = [folder / name for name in classes if (folder / name).resolve() != folder.resolve()]
    for _ in range(4):  # folders down
        inner = [entry for each in outer for entry in _visible(each) if entry.is_dir()]
        if found := [entry for entry in inner if any(map(_is_picture, _visible(entry)))]:
            paths = " or ".join(repr(path) for path in sorted({str(entry.parent) for entry in found})[:3])
            raise ValueError(
                f"The pictures in {str(folder)!r} lie deeper, as in {str(found[0].relative_to(folder))!r}: "
                f"give {paths}. All pictures of a class belong into one folder; they are split here."
            )
        outer = inner[:1000]  # of a whole disk it must come to an end


def _left_out(others: Iterable[Path], beside: int) -> str:
    kinds = Counter("folder" if e.is_dir() else f"{e.suffix.lower()[:20] or 'suffixless'} file" for e in others)
    counts = [(count, f" {what}{'s' * (count > 1)}") for what, count in kinds.most_common(5)]
    counts.append((sum(kinds.values()) - sum(count for count, _ in counts), " of other kinds"))
    counts.append((beside, f" file{'s' * (beside > 1)} beside the class folders"))
    told = "Pictures are JPEG, PNG, BMP, WebP, TIFF or GIF files in a class folder: save others, such as HEIC or camera"
    found = ", ".join(f"{count}{what}" for count, what in counts if count)
    return f"Left out of the data set: {found}. {told} raw, as one of these." if found else ""


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted((e for e in folder.iterdir() if not e.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        raise ValueError(f"The folder {str(folder)!r} cannot be listed: {error.strerror}.") from error


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def split_indices(count: int, rng: np.random.Generator) -> list[list[int]]:
    """Deal 0..count-1, three at least, to train, val and test as 60/15/25, one to each at least, each sorted."""
    val, test = max(1, (15 * count + 50) // 100), max(1, (25 * count + 49) // 100)  # of test, halves go to train
    parts = np.split(rng.permutation(count), [count - val - test, count - test])
    return [sorted(part.tolist()) for part in parts]
