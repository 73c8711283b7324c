"""Picture files of every kind to one uint8 array: upright, RGB, on white, resized as the source report did.

Pillow reads and converts (it knows orientation, palettes and transparency), OpenCV resizes (bilinear).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm.contrib.concurrent import thread_map

T = TypeVar("T")
SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"})
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF")  # what a file may really be, whatever its name says
SIZES = range(16, 1025)
THREADS = 2
PROGRESS_FROM = 100  # fewer pictures are read before a bar could be looked at


def check_size(size: int) -> int:
    """Return `size`, the side of the square pictures in pixels; ValueError unless it is an int of 16 to 1024."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size not in SIZES:
        raise ValueError(f"The size of the pictures is {size!r}: it must be an integer from {SIZES[0]} to {SIZES[-1]}.")
    return int(size)


def is_picture(path: Path) -> bool:
    """Tell whether a file's content is a picture of a kind that is read, whatever its name says."""
    try:
        _check_file(path)
        with Image.open(path, formats=FORMATS):
            return True
    except Exception:  # as in read_picture
        return False


def read_picture(path: str | Path, size: int = 224) -> np.ndarray:
    """Read the first frame of a picture file as uint8 RGB (size, size, 3); ValueError says why it cannot be read.

    EXIF orientation is applied, transparency laid on white; the side ratio is not kept. 16-bit gray is scaled to 8, as
    12-bit where nothing is above 4095: so cameras, microscopes and scanners store it.
    """
    path, size = Path(path), check_size(size)
    _check_file(path)
    try:
        with Image.open(path, formats=FORMATS) as picture:
            rgb = _to_rgb(picture)
    except Exception as error:  # each of Pillow's readers raises its own: OSError, SyntaxError, struct.error, ...
        raise ValueError(_reason(error)) from error
    return cv2.resize(rgb, (size, size), interpolation=cv2.INTER_LINEAR)


def read_pictures(paths: Sequence[Path], images: np.ndarray) -> None:
    """Read picture files into `images`, uint8 RGB (N, size, size, 3), in the order of `paths`.

    Raises ValueError that lists every file that cannot be read, each as <folder>/<file> with its reason.
    """

    def read(i: int) -> str | None:
        try:
            images[i] = read_picture(paths[i], images.shape[1])
        except ValueError as error:
            return f"{f'{paths[i].parent.name}/{paths[i].name}'!r}: {error}"
        return None

    if problems := list(filter(None, in_threads(read, len(paths), "Reading pictures"))):
        listing = "\n  ".join(problems)
        raise ValueError(f"{len(problems)} of {len(paths)} pictures cannot be read; mend or remove them:\n  {listing}")


def in_threads(work: Callable[[int], T], count: int, description: str) -> list[T]:
    """Return [work(0), ..., work(count - 1)], computed by two threads behind a progress bar that vanishes."""
    options = {"max_workers": THREADS, "desc": description, "leave": False, "disable": count <= PROGRESS_FROM}
    return thread_map(work, range(count), **options)


def _check_file(path: Path) -> None:
    """Refuse what must not even be opened: a pipe would wait for ever."""
    try:
        if path.is_symlink() and not path.exists():
            raise ValueError("it is a link that leads nowhere")
        if not path.exists():
            raise ValueError("there is no such file")
        if not path.is_file():
            raise ValueError("it is not a regular file")
        if path.stat().st_size == 0:
            raise ValueError("it is empty")
    except OSError as error:
        raise ValueError(_reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is not a picture (JPEG, PNG, BMP, WebP, TIFF or GIF), or its header is damaged"
    if isinstance(error, PermissionError):
        return "there is no permission to read it"
    if isinstance(error, Image.DecompressionBombError):
        return f"its header claims more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels: scale it down"
    return f"it is damaged or unsupported ({error or type(error).__name__})"


def _to_rgb(picture: Image.Image) -> np.ndarray:
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I;16"):
        gray = np.asarray(picture).astype(np.uint32)
        white = 4095 if gray.max() <= 4095 else 65535
        return np.repeat(((gray * 255 + white // 2) // white).astype(np.uint8)[..., None], 3, axis=2)
    if picture.mode in ("I", "F"):
        raise ValueError("32-bit pixels have no agreed white: save it with 8 or 16 bits")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return np.asarray(picture.convert("RGB"))
