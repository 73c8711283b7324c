"""How hard a data set is: `python -m helpers.data.difficulty scenes caltech101`.

Each number is the accuracy on the test pictures of a classifier that sees less than the object's shape: what colours,
borders or background alone give away shows here.
"""

import argparse
import sys
from collections.abc import Callable

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from helpers.data import Dataset, Split, load
from helpers.store.console import print_anything
from helpers.store.files import sentence

SIDE = 16  # pixels of a thumbnail
EDGE = np.pad(np.zeros((SIDE - 2, SIDE - 2), bool), 1, constant_values=True)
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # 1 / L2 penalty, of features of variance 1
FLAT = FunctionTransformer(lambda features: features.reshape(len(features), -1))
Parts = list[tuple[np.ndarray, np.ndarray]]  # features and labels of train, val and test


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Return uint8 images (N, H, W, 3) scaled down to (N, 16, 16, 3), each pixel the mean of those it covers."""
    return np.array([cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in images])


def background(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return thumbnails (N, 16, 16, 3) without the object: what its mask (N, H, W) hides is filled in from around it.

    Source: Bertalmio, Bertozzi and Sapiro (2001). ValueError where a mask covers its whole picture.
    """
    hidden = [cv2.resize(mask.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA) > 0 for mask in masks]
    if any(of_one.all() for of_one in hidden):
        raise ValueError("A mask covers its whole picture: there is no background to look at.")
    pairs = zip(thumbnails(images), hidden, strict=True)
    return np.array([cv2.inpaint(seen, of_one.astype(np.uint8), 1, cv2.INPAINT_NS) for seen, of_one in pairs])


SEEN: dict[str, Callable[[Split], np.ndarray | None]] = {  # None where the masks are unknown
    "16 x 16 thumbnails": lambda part: thumbnails(part.images),
    "four borders": lambda part: thumbnails(part.images)[:, EDGE],
    "object masked out": lambda part: None if part.masks is None else background(part.images, part.masks),
}


def logistic_regression(parts: Parts) -> Pipeline:
    """Return the regression on scaled features, fitted to train, whose L2 penalty has the lowest loss on val."""
    (x, y), (x_val, y_val), _ = parts
    model = make_pipeline(FLAT, StandardScaler(), LogisticRegression(max_iter=10_000))
    on_val = PredefinedSplit(np.repeat([-1, 0], [len(y), len(y_val)]))
    search = GridSearchCV(model, {"logisticregression__C": STRENGTHS}, scoring="neg_log_loss", cv=on_val, refit=False)
    with threadpool_limits(1, user_api="blas"):  # such small products are slower on many threads
        search.fit(np.concatenate([x, x_val]), np.concatenate([y, y_val]))
        return model.set_params(**search.best_params_).fit(x, y)


def nearest_neighbour(parts: Parts) -> Pipeline:
    """Return the classifier that names the class of the nearest training features (Euclidean)."""
    return make_pipeline(FLAT, KNeighborsClassifier(n_neighbors=1)).fit(*parts[0])


CLASSIFIERS = {
    **{f"logistic regression, {what}": (logistic_regression, seen) for what, seen in SEEN.items()},
    "nearest neighbour, 16 x 16 thumbnails": (nearest_neighbour, SEEN["16 x 16 thumbnails"]),
}


def accuracy(title: str, dataset: Dataset) -> float:
    """Return the accuracy on test of the classifier of this title; not a number where it would need unknown masks."""
    fit, seen = CLASSIFIERS[title]
    parts = [(seen(split), split.labels) for split in (dataset.train, dataset.val, dataset.test)]
    return float("nan") if parts[0][0] is None else fit(parts).score(*parts[2])


def main(arguments: list[str] | None = None) -> None:
    """Print every accuracy for the data sets named on the command line, side by side; exit with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m helpers.data.difficulty", description=__doc__)
    known = "scenes, caltech101, or a folder of class folders"
    parser.add_argument("datasets", nargs="*", default=["scenes"], help=known)
    print_anything()
    names = parser.parse_args(arguments).datasets
    try:
        datasets = tqdm(map(load, names), "measuring", len(names), leave=False)
        columns = [[accuracy(title, dataset) for title in CLASSIFIERS] for dataset in datasets]
    except (OSError, ValueError) as error:
        sys.exit(sentence(error))
    print(f"{'accuracy on test':<42}" + "".join(f"{name[-14:]:>16}" for name in names))
    for title, *values in zip(CLASSIFIERS, *columns, strict=True):
        print(f"{title:<42}" + "".join(f"{'-' if np.isnan(v) else format(v, '.2f'):>16}" for v in values))


if __name__ == "__main__":
    main()
