"""The source report's 240 photographs out of Caltech-101: where they are, whether they are all there, fetching them.

Li, Andreeto, Ranzato, Perona, Caltech 101 (1.0), CaltechDATA, 2022, https://doi.org/10.22002/D1.20086 (CC BY 4.0).
"""

import csv
import os
import tarfile
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tqdm.auto import tqdm

from helpers.store.files import ROOT, expanded, file_digest

SPLIT_FILE = ROOT / "data" / "caltech101.csv"
FOLDER = ROOT / "data" / "caltech101"
ENVIRONMENT = "CALTECH101_DIR"
URL = "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip"
SIZE = 137_414_764  # bytes
SHA256 = "331234750fc7f77520e50d9565e8b6907b03565e30320da1401130db08c61f91"
TIMEOUT = 30  # seconds without a byte
_TAR = "caltech-101/101_ObjectCategories.tar.gz"  # inside the zip
_TOP = "101_ObjectCategories"  # inside the tar


class Photograph(NamedTuple):
    """One row of data/caltech101.csv."""

    class_name: str
    name: str  # in the archive, <class>/<file>
    split: str  # train, val or test
    is_figure: bool  # the one of its class that figures show
    sha256: str  # of the bytes that the report's numbers were measured on


@cache
def photographs() -> tuple[Photograph, ...]:
    """Return the 240 photographs of the committed split, in its order."""
    with SPLIT_FILE.open(newline="", encoding="utf-8") as file:
        _, *rows = csv.reader(file)
    return tuple(Photograph(of, f"{of}/{name}", split, figure == "1", sha) for of, name, split, figure, sha, *_ in rows)


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


def fetch_caltech101(folder: str | Path = FOLDER, *, url: str = URL, known_hash: str = SHA256) -> Path:
    """Fetch the official archive (137 MB), check its SHA-256, keep the 240 photographs in `folder`, return `folder`.

    `folder` appears complete or not at all. Raises FileExistsError if it holds anything already, OSError if the
    archive cannot be fetched or kept, and ValueError if it is another file than the official one.
    """
    import pooch

    folder = Path(folder)
    if _is_filled(folder):
        raise FileExistsError(f"{folder} holds files already: remove it first, to fetch the photographs again.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent) as temporary,
            _Bar(desc="Fetching Caltech-101", unit="B", unit_scale=True, leave=False) as bar,
        ):
            http = pooch.HTTPDownloader(progressbar=bar, chunk_size=2**16, timeout=TIMEOUT)
            archive = pooch.retrieve(url, f"sha256:{known_hash}", "caltech-101.zip", temporary, downloader=http)
            unpacked = _unpack(Path(archive), Path(temporary) / "photographs")
            if folder.is_dir():
                folder.rmdir()  # it is empty; Windows does not rename onto a folder
            unpacked.replace(folder)
    except (OSError, ValueError) as error:
        system = isinstance(error, OSError)
        raise (OSError if system else ValueError)(
            f"{url} {'could not be fetched' if system else 'did not give the official archive'} ({error}). Try again "
            f"later. Or put the photographs there by hand: {folder / '<class>' / 'image_NNNN.jpg'} (data/README.md)."
        ) from error
    return folder


def _is_filled(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


class _Bar(tqdm):
    """Shows how much has come, and stops what is longer than the archive: the disk is finite."""

    def __bool__(self) -> bool:  # pooch asks whether there is one
        return True

    def update(self, n: float = 1) -> bool | None:
        if self.n > SIZE:
            raise ValueError(f"it goes on behind the archive's {SIZE:,} bytes")
        return super().update(n)


def _unpack(archive: Path, folder: Path) -> Path:
    """Copy the listed photographs out of the tar within the zip: its SHA-256 says that they are there, and whole."""
    expected = {f"{_TOP}/{photograph.name}": folder / photograph.name for photograph in photographs()}
    with zipfile.ZipFile(archive) as z, z.open(_TAR) as packed, tarfile.open(fileobj=packed, mode="r|gz") as tar:
        for member in tar:  # under names of our own, whatever an archive says
            if member.isreg() and member.name in expected:
                path = expected[member.name]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(tar.extractfile(member).read())
    return folder
