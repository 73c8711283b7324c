"""The source report's 240 photographs out of Caltech-101: where they are, whether they are all there, fetching them.

Li, Andreeto, Ranzato, Perona, Caltech 101 (1.0), CaltechDATA, 2022, https://doi.org/10.22002/D1.20086 (CC BY 4.0).
"""

import csv
import os
import tarfile
import tempfile
import warnings
import zipfile
import zlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tqdm.auto import tqdm

from helpers.store.files import ROOT, expanded, file_digest, whole_file

SPLIT_FILE = ROOT / "data" / "caltech101.csv"
FOLDER = ROOT / "data" / "caltech101"
ENVIRONMENT = "CALTECH101_DIR"
URL = "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip"
SIZE = 137_414_764  # bytes
SHA256 = "331234750fc7f77520e50d9565e8b6907b03565e30320da1401130db08c61f91"
TIMEOUT = 30  # seconds without a byte
_TAR = "caltech-101/101_ObjectCategories.tar.gz"  # inside the zip
_TOP = "101_ObjectCategories"  # inside the tar
_PICTURE_LIMIT = 10 * 2**20  # bytes; the largest real one is far below
_TAR_LIMIT = 2**30  # bytes unpacked; the real one is a seventh of it
# What zipfile and tarfile raise for a damaged archive; OSError is not among them: a full disk is no damage.
_DAMAGE = (EOFError, KeyError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, zlib.error)


class Photograph(NamedTuple):
    """One row of data/caltech101.csv; its `name` is that in the archive, <class>/<file>."""

    class_name: str
    file: str
    split: str  # train, val or test
    is_figure: bool  # the one of its class that figures show
    sha256: str  # of the bytes that the report's numbers were measured on

    @property
    def name(self) -> str:
        return f"{self.class_name}/{self.file}"


@cache
def photographs() -> tuple[Photograph, ...]:
    """Return the 240 photographs of the committed split, in its order."""
    with SPLIT_FILE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return tuple(Photograph(r["class"], r["file"], r["split"], r["figure"] == "1", r["sha256"]) for r in rows)


def locate() -> Path:
    """Return the folder that holds <class>/image_NNNN.jpg: $CALTECH101_DIR if set, else data/caltech101, else fetched.

    Raises FileNotFoundError, naming what is missing, where the environment's folder or a filled one is incomplete.
    """
    chosen = os.environ.get(ENVIRONMENT, "")
    folder = expanded(chosen).resolve() if chosen else FOLDER
    if not chosen and not _is_filled(folder):
        fetch_caltech101(folder)
    pictures = folder / _TOP if (folder / _TOP).is_dir() else folder
    if missing := [photograph.name for photograph in photographs() if not (pictures / photograph.name).is_file()]:
        where = f"{folder} ({ENVIRONMENT} is {chosen!r})" if chosen else f"{folder}"
        cure = f"unset {ENVIRONMENT}" if chosen else f"remove {folder}"
        raise FileNotFoundError(
            f"{where} lacks {len(missing)} of the {len(photographs())} photographs "
            f"({', '.join(missing[:3])}{', ...' * (len(missing) > 3)}): put them there as <class>/image_NNNN.jpg, "
            f"or {cure} and run `python -m helpers.data caltech101` to fetch them."
        )
    return pictures


def differing(pictures: str | Path) -> list[str]:
    """Return the names of the photographs whose bytes are not those that the report's numbers were measured on."""
    return [p.name for p in photographs() if file_digest(Path(pictures) / p.name) != p.sha256]


def warn_of_differing(pictures: str | Path) -> None:
    """Warn once, with the count, if any photograph differs: the name says which one is meant, so it is no stop."""
    if names := differing(pictures):
        warnings.warn(
            f"{len(names)} of the {len(photographs())} photographs in {pictures} are not the bytes that this report's "
            f"numbers were measured on (the first is {names[0]}): expect slightly different numbers.",
            stacklevel=4,
        )


def fetch_caltech101(folder: str | Path = FOLDER, *, url: str = URL, known_hash: str = SHA256) -> Path:
    """Fetch the official archive (137 MB), check its SHA-256, keep the 240 photographs in `folder`, return `folder`.

    `folder` appears complete or not at all. Raises FileExistsError if it holds anything already, OSError if the
    archive cannot be fetched or kept, and ValueError if it is another file than the official one.
    """
    import pooch

    folder = Path(folder)
    if _is_filled(folder):
        raise FileExistsError(f"{folder} holds files already: remove it first, to fetch the photographs again.")
    by_hand = f"Or put the photographs there by hand: {folder}{os.sep}<class>{os.sep}image_NNNN.jpg (data/README.md)."
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent) as temporary:
            archive = pooch.retrieve(url, f"sha256:{known_hash}", "caltech-101.zip", temporary, downloader=_stream)
            unpacked = _unpack(Path(archive), Path(temporary) / "photographs")
            if folder.is_dir():
                folder.rmdir()  # it is empty; Windows does not rename onto a folder
            unpacked.replace(folder)
    except OSError as error:
        raise OSError(f"{url} could not be fetched ({error}). Try again later. {by_hand}") from error
    except ValueError as error:
        raise ValueError(f"{url} did not give the official archive ({error}). Try again later. {by_hand}") from error
    return folder


def _is_filled(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _stream(url: str, output_file: str, _: object) -> None:
    """Write what `url` gives into a file, as pooch wants it, but no more than the archive has: the disk is finite."""
    import requests

    with (
        requests.get(url, stream=True, timeout=TIMEOUT) as response,
        Path(output_file).open("wb") as file,
        tqdm(desc="Fetching Caltech-101", total=SIZE, unit="B", unit_scale=True, leave=False) as bar,
    ):
        response.raise_for_status()
        for chunk in response.iter_content(2**16):
            if file.tell() + len(chunk) > SIZE:
                raise ValueError(f"it goes on behind the archive's {SIZE:,} bytes")
            file.write(chunk)
            bar.update(len(chunk))


def _unpack(archive: Path, folder: Path) -> Path:
    """Copy the listed photographs out of the tar within the zip, which is read as a stream and never stored."""
    # Written are bytes of regular files, under names of our own: nothing of the archive's can land outside.
    expected = {f"{_TOP}/{photograph.name}": photograph.name for photograph in photographs()}
    try:
        with zipfile.ZipFile(archive) as z, z.open(_TAR) as packed, tarfile.open(fileobj=packed, mode="r|gz") as tar:
            for member in tar:
                if member.offset_data + member.size > _TAR_LIMIT:
                    raise ValueError(f"it unpacks to more than {_TAR_LIMIT:,} bytes")
                if member.isreg() and member.name in expected:
                    _copy(tar, member, folder / expected.pop(member.name))
                if not expected:
                    break
    except _DAMAGE as error:
        raise ValueError(f"it is not a zip file with {_TAR} in it, or is damaged ({error})") from error
    if expected:
        raise ValueError(f"{len(expected)} of the photographs are not in it, the first being {min(expected)}")
    return folder


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    if member.size > _PICTURE_LIMIT:
        raise ValueError(f"{member.name} in it has {member.size:,} bytes, which is no photograph of this collection")
    with whole_file(path) as temporary:
        temporary.write_bytes(tar.extractfile(member).read())
