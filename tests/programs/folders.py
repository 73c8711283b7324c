"""Folders of pictures for trials: `python tests/programs/folders.py FOLDER` draws the six that a report must hold on.

With `--many 900` or `--many 9000` it draws one data set of that size instead, 101 classes of JPEG files.
"""

import argparse
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm.auto import tqdm

CLASSES = 101
FOREIGN = ["猫", "قطة", "🌳", "한국어"]
MARKUP = ["$x$", "*b*", "<b>", "-rf", "a|b", "{x}\\n", "café 100 %"]
NAMES = [*FOREIGN, *MARKUP, "sixty" * 12]


def drawn(label: int, number: int, width: int = 150, height: int = 110) -> np.ndarray:
    """Return picture `number` of a class, uint8 RGB (height, width, 3): a star whose points and colour tell the class.

    Its place, size, turn and background are the picture's own.
    """
    rng = np.random.default_rng((label, number))
    picture = cv2.resize(rng.integers(60, 200, (4, 5, 3)).astype(np.uint8), (width, height))
    turn = np.linspace(0, 2 * np.pi, 2 * (3 + label % 9), endpoint=False) + rng.uniform(0, 2 * np.pi)
    radius = height * rng.uniform(0.25, 0.45) * np.resize([1, 0.55], turn.size)
    middle = (width, height) * rng.uniform(0.35, 0.65, 2)
    points = middle + radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    colour = cv2.cvtColor(np.uint8([[[label * 47 % 180, 230, 230]]]), cv2.COLOR_HSV2RGB)[0, 0].tolist()
    cv2.fillPoly(picture, [points.astype(np.int32)], colour)
    return cv2.add(picture, rng.integers(0, 25, picture.shape).astype(np.uint8))


def stars(names: Sequence[str], counts: Iterable[int], **size: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the class's name and a picture of `names`, in turn counts[k] of each."""
    for label, (name, count) in enumerate(zip(names, counts, strict=True)):
        yield from ((name, drawn(label, number, **size)) for number in range(count))


def digits() -> Iterator[tuple[str, np.ndarray]]:
    """Yield the first 200 of scikit-learn's digits, white on black, twenty of each or so."""
    from sklearn.datasets import load_digits

    given = load_digits()
    for label, image in zip(given.target[:200], given.images[:200], strict=True):
        yield f"{label}", np.repeat((image * 15.9).astype(np.uint8)[..., None], 3, axis=2)


def write(folder: Path, pictures: Iterable[tuple[str, np.ndarray]], suffix: str = "png") -> None:
    """Write each picture into the folder of its class, numbered in the order that they come."""
    for number, (name, picture) in enumerate(pictures):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / name / f"{number:05d}.{suffix}", quality=90)


def main() -> None:
    """Draw the data sets into the folder given, and say where."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--many", type=int, metavar="PICTURES", help="one data set of so many, in 101 classes")
    given = parser.parse_args()
    hundred = [f"class {k:03d}" for k in range(CLASSES)]
    if given.many:
        many = stars(hundred, itertools.repeat(-(-given.many // CLASSES), CLASSES), width=300, height=200)
        return write(given.folder / f"many{given.many}", tqdm(many, leave=False), "jpg")
    write(given.folder / "tiny", stars(["one", "two"], [4, 4], width=24, height=18))
    write(given.folder / "digits", digits())
    write(given.folder / "uneven", stars(["many", "few", "least"], [40, 8, 4]))
    write(given.folder / "names", stars(NAMES, [6] * len(NAMES)))
    write(given.folder / "same", ((name, drawn(0, number)) for name in "abc" for number in range(8)))
    write(given.folder / "hundred", stars(hundred, [6] * CLASSES))


if __name__ == "__main__":
    main()
