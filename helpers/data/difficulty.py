"""How hard a data set is: `python -m helpers.data.difficulty scenes caltech101`.

Each number is the accuracy on the test pictures of a classifier that sees less than the object's shape: what colours,
borders or background alone give away shows here.
"""

import argparse
import sys
from collections.abc import Callable

import numpy as np
from scipy.ndimage import convolve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from helpers.data import Dataset, Split, load
from helpers.store.console import print_anything
from helpers.store.files import sentence

SIDE = 16  # pixels of a thumbnail
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Return images (N, H, W, C) scaled down to (N, 16, 16, C) in 0..1, each pixel the mean of those it covers."""
    edges = np.linspace(0, images.shape[1], SIDE + 1).astype(int)
    rows = np.add.reduceat(images, edges[:-1], axis=1, dtype=np.float64)
    sums = np.add.reduceat(rows, edges[:-1], axis=2)
    area = np.diff(edges)
    return sums / (area[:, None, None] * area[None, :, None] * 255.0)


def borders(images: np.ndarray) -> np.ndarray:
    """Return the colours (N, 60, 3) of the outermost pixels of the thumbnails, the four borders of each image."""
    edge = np.pad(np.zeros((SIDE - 2, SIDE - 2), bool), 1, constant_values=True)
    return thumbnails(images)[:, edge]


def background(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return thumbnails (N, 16, 16, 3) without the object: what its mask (N, H, W) hides is filled in from around it.

    Ring by ring, by the mean of the known neighbours. ValueError where a mask covers its whole picture.
    """
    known = thumbnails(masks[..., None]) == 0
    pixels, around = np.where(known, thumbnails(images), 0.0), np.ones((1, 3, 3, 1))
    while not known.all():
        count = convolve(known.astype(float), around, mode="constant")
        fresh = ~known & (count > 0)
        if not fresh.any():
            raise ValueError("A mask covers its whole picture: there is no background to look at.")
        pixels = np.where(fresh, convolve(pixels, around, mode="constant") / np.maximum(count, 1), pixels)
        known = known | fresh
    return pixels


def best_fit(train: tuple[np.ndarray, np.ndarray], val: tuple[np.ndarray, np.ndarray]) -> LogisticRegression:
    """Return the multinomial logistic regression on features (N, D) with labels (N,) that has the lowest loss on val.

    What is chosen is the L2 penalty: penalty / 2 D times the sum of squares, beside the mean cross-entropy.
    """
    x, y = train
    strengths = [x.shape[1] / (penalty * len(y)) for penalty in PENALTIES]
    with threadpool_limits(1, user_api="blas"):  # such small products are slower on many threads
        fits = [LogisticRegression(C=strength, max_iter=10_000).fit(x, y) for strength in strengths]
    return min(fits, key=lambda fit: log_loss(val[1], fit.predict_proba(val[0]), labels=fit.classes_))


def logistic_regression(*parts: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the test accuracy of `best_fit` for train, val and test: features (N, ...), scaled as one, and labels."""
    centre, spread = parts[0][0].mean(axis=0), parts[0][0].std() + 1e-12
    train, val, test = (((x - centre).reshape(len(x), -1) / spread, labels) for x, labels in parts)
    return best_fit(train, val).score(*test)


def _regress(features: Callable[[Split], np.ndarray]) -> Callable[[Dataset], float]:
    return lambda d: logistic_regression(*((features(part), part.labels) for part in (d.train, d.val, d.test)))


thumbnails_accuracy = _regress(lambda part: thumbnails(part.images))
borders_accuracy = _regress(lambda part: borders(part.images))


def background_accuracy(dataset: Dataset) -> float:
    """Return what logistic regression makes of the picture without its object; not a number where masks are unknown."""
    known = dataset.train.masks is not None
    return _regress(lambda part: background(part.images, part.masks))(dataset) if known else float("nan")


def neighbour_accuracy(dataset: Dataset) -> float:
    """Return the share of test pictures whose nearest training thumbnail (Euclidean) is of their class."""
    known, seen = (thumbnails(part.images).reshape(len(part), -1) for part in (dataset.train, dataset.test))
    return KNeighborsClassifier(n_neighbors=1).fit(known, dataset.train.labels).score(seen, dataset.test.labels)


CLASSIFIERS: dict[str, Callable[[Dataset], float]] = {
    "logistic regression, 16 x 16 thumbnails": thumbnails_accuracy,
    "logistic regression, four borders": borders_accuracy,
    "logistic regression, object masked out": background_accuracy,
    "nearest neighbour, 16 x 16 thumbnails": neighbour_accuracy,
}


def main(arguments: list[str] | None = None) -> None:
    """Print every accuracy for the data sets named on the command line, side by side; exit with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m helpers.data.difficulty", description=__doc__)
    known = "scenes, caltech101, or a folder of class folders"
    parser.add_argument("datasets", nargs="*", default=["scenes"], help=known)
    print_anything()
    names = parser.parse_args(arguments).datasets
    try:
        datasets = tqdm(map(load, names), "measuring", len(names), leave=False)
        columns = [[accuracy(dataset) for accuracy in CLASSIFIERS.values()] for dataset in datasets]
    except (OSError, ValueError) as error:
        sys.exit(sentence(error))
    print(f"{'accuracy on test':<42}" + "".join(f"{name[-14:]:>16}" for name in names))
    for title, *values in zip(CLASSIFIERS, *columns, strict=True):
        print(f"{title:<42}" + "".join(f"{'-' if np.isnan(v) else format(v, '.2f'):>16}" for v in values))


if __name__ == "__main__":
    main()
