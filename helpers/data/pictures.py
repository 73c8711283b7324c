"""Picture files of every kind to one uint8 array: upright, RGB, on white, resized as the source report did.

Pillow reads and converts (it knows orientation, palettes and transparency), OpenCV resizes (bilinear).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm.auto import tqdm

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"})
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF")  # what a file may really be, whatever its name says
SIZES = range(16, 1025)
THREADS, AT_ONCE = 2, 64  # pictures that may wait for the one before them
PROGRESS_FROM = 100  # fewer pictures are read before a bar could be looked at


def check_size(size: int) -> int:
    """Return `size`, the side of the square pictures in pixels; ValueError unless it is an int of 16 to 1024."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size not in SIZES:
        raise ValueError(f"The size of the pictures is {size!r}: it must be an integer from {SIZES[0]} to {SIZES[-1]}.")
    return int(size)


def is_picture(path: Path) -> bool:
    """Tell whether a file's content is a picture of a kind that is read, whatever its name says."""
    with suppress(ValueError), _opened(path):
        return True
    return False


def read_picture(path: str | Path, size: int = 224) -> np.ndarray:
    """Read the first frame of a picture file as uint8 RGB (size, size, 3); ValueError says why it cannot be read.

    EXIF orientation is applied, transparency laid on white; the side ratio is not kept. 16 bits are scaled to 8, as 12
    where nothing is above 4095: so cameras, microscopes and scanners store it.
    """
    size = check_size(size)
    with _opened(Path(path)) as picture:
        rgb = _to_rgb(picture, path)
    return cv2.resize(rgb, (size, size), interpolation=cv2.INTER_LINEAR)


def read_pictures(paths: Sequence[Path], size: int) -> Iterator[np.ndarray]:
    """Yield each file's picture, uint8 RGB (1, size, size, 3), in the order of `paths`.

    Raises ValueError that lists every file that cannot be read, each as <folder>/<file> with its reason.
    """

    def read(path: Path) -> np.ndarray | str:
        try:
            return read_picture(path, size)
        except ValueError as error:
            return f"{f'{path.parent.name}/{path.name}'!r}: {error}"

    problems = []
    for found in in_threads(read, paths, "Reading pictures"):
        if isinstance(found, str):
            problems.append(found)
        elif not problems:
            yield found[None]
    if problems:
        listing = "\n  ".join(problems)
        raise ValueError(f"{len(problems)} of {len(paths)} pictures cannot be read; mend or remove them:\n  {listing}")


def in_threads(work: Callable, items: Sequence, description: str) -> Iterator:
    """Yield work(item) of each item in turn, computed by two threads behind a progress bar that vanishes."""
    with (
        ThreadPoolExecutor(THREADS) as pool,
        tqdm(desc=description, total=len(items), leave=False, disable=len(items) <= PROGRESS_FROM) as bar,
    ):
        for k in range(0, len(items), AT_ONCE):
            for result in pool.map(work, items[k : k + AT_ONCE]):
                yield result
                bar.update()


class _Refused(ValueError):
    """What says itself why a file cannot be read."""


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        if not path.exists():
            raise _Refused("it is a link that leads nowhere" if path.is_symlink() else "there is no such file")
        if not path.is_file():  # a pipe would wait for ever
            raise _Refused("it is not a regular file")
        if path.stat().st_size == 0:
            raise _Refused("it is empty")
        with Image.open(path, formats=FORMATS) as picture:
            yield picture
    except _Refused:
        raise
    except Exception as error:  # each of Pillow's readers raises its own: OSError, SyntaxError, struct.error, ...
        raise ValueError(_reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is not a picture (JPEG, PNG, BMP, WebP, TIFF or GIF), or its header is damaged"
    if isinstance(error, PermissionError):
        return "there is no permission to read it"
    if isinstance(error, Image.DecompressionBombError):
        return f"its header claims more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels: scale it down"
    return f"it is damaged or unsupported ({error or type(error).__name__})"


def _to_rgb(picture: Image.Image, path: str | Path) -> np.ndarray:
    if picture.mode in ("I", "F"):
        raise _Refused("32-bit pixels have no agreed white: save it with 8 or 16 bits")
    if re.search(";16[BLN]", str(picture.tile)) and picture.mode in ("RGB", "RGBA"):  # not BGR;16, of 5 or 6 bits
        _mend(picture, path)
    ImageOps.exif_transpose(picture, in_place=True)
    return np.asarray(on_white(Image.fromarray(_gray(picture)) if picture.mode.startswith("I;16") else picture))


def on_white(picture: Image.Image) -> Image.Image:
    """Return a picture as RGB, with white behind what is transparent."""
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _mend(picture: Image.Image, path: str | Path) -> None:
    """Fill in, from OpenCV, what Pillow loses of colours of 16 bits: it keeps the upper half of each."""
    dark, keyed = max(most for _, most in picture.getextrema()[:3]) < 16, "transparency" in picture.info
    if not dark and not keyed:
        return
    stored = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if dark and picture.mode == "RGB" and stored is not None and np.array_equal(stored[..., 2::-1] >> 8, picture):
        picture.paste(Image.fromarray(_eight_bits(stored[..., 2::-1])))
    elif stored is None or (dark and stored[..., :3].max() > 255):  # less is black, as in a silhouette
        raise _Refused("of 16 bits it uses the lower 12, which is read of gray and plain RGB: save it with 8 bits")
    if keyed:
        picture.putalpha(Image.fromarray((stored[..., 3] >> 8).astype(np.uint8)))


def _gray(picture: Image.Image) -> np.ndarray:
    """Return gray of 16 bits as 8, white where it is transparent; a TIFF's 0 may be white."""
    pixels = np.asarray(picture)
    gone = pixels == picture.info.get("transparency")
    gray = _eight_bits(np.where(gone, 0, pixels))
    if getattr(picture, "tag_v2", {}).get(262) == 0:  # PhotometricInterpretation
        gray = 255 - gray
    return np.where(gone, np.uint8(255), gray)


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    white = 4095 if pixels.max() <= 4095 else 65535
    return ((pixels.astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8)
