"""How hard a data set is: `python tests/programs/difficulty.py NAME`.

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

from helpers.data import Dataset, Split, load
from helpers.store.console import finish

SIDE = 16  # pixels of a thumbnail
BORDERS = np.pad(np.zeros((SIDE - 2, SIDE - 2), bool), 1, constant_values=True)
FLAT = FunctionTransformer(lambda features: features.reshape(len(features), -1))
STRENGTHS = {"logisticregression__C": (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)}  # 1 / L2 penalty
REGRESSION = make_pipeline(FLAT, StandardScaler(), LogisticRegression(max_iter=10_000)), STRENGTHS
NEIGHBOUR = make_pipeline(FLAT, KNeighborsClassifier(n_neighbors=1)), {}


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Return uint8 images (N, H, W, 3) scaled down to (N, 16, 16, 3), each pixel the mean of those it covers."""
    return np.array([cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in images])


def background(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return thumbnails (N, 16, 16, 3) without the object: what its mask (N, H, W) hides is filled in from around it.

    Source: Bertalmio, Bertozzi and Sapiro (2001). ValueError where a mask covers its whole picture.
    """
    hidden = (thumbnails(255 * masks.astype(np.uint8)) > 0).astype(np.uint8)
    if hidden.all(axis=(1, 2)).any():
        raise ValueError("A mask covers its whole picture: there is no background to look at.")
    pairs = zip(thumbnails(images), hidden, strict=True)
    return np.array([cv2.inpaint(seen, of_one, 1, cv2.INPAINT_NS) for seen, of_one in pairs])


def fitted(model: Pipeline, grid: dict, x: np.ndarray, y: np.ndarray, x_val: np.ndarray, y_val: np.ndarray) -> Pipeline:
    """Return `model` fitted to features x (N, ...) and labels y, with what of `grid` has the lowest loss on val."""
    on_val = PredefinedSplit(np.repeat([-1, 0], [len(y), len(y_val)]))
    search = GridSearchCV(model, grid, scoring="neg_log_loss", cv=on_val, refit=False)
    with threadpool_limits(1, user_api="blas"):  # such small products are slower on many threads
        search.fit(np.concatenate([x, x_val]), np.concatenate([y, y_val]))
        return model.set_params(**search.best_params_).fit(x, y)


CLASSIFIERS: dict[str, tuple[tuple[Pipeline, dict], Callable[[Split], np.ndarray]]] = {
    "logistic regression, 16 x 16 thumbnails": (REGRESSION, lambda part: thumbnails(part.images)),
    "logistic regression, four borders": (REGRESSION, lambda part: thumbnails(part.images)[:, BORDERS]),
    "logistic regression, object masked out": (REGRESSION, lambda part: background(part.images, part.masks)),
    "nearest neighbour, 16 x 16 thumbnails": (NEIGHBOUR, lambda part: thumbnails(part.images)),
}


def accuracy(title: str, dataset: Dataset) -> float:
    """Return the accuracy on test of the classifier of this title."""
    method, seen = CLASSIFIERS[title]
    train, val, test = ((seen(part), part.labels) for part in (dataset.train, dataset.val, dataset.test))
    return fitted(*method, *train, *val).score(*test)


def main(arguments: list[str] | None = None) -> int:
    """Print every accuracy, those without the object only where it is known; return 0, or 2 after a sentence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="scenes, caltech101, or a folder of class folders", nargs="?", default="scenes")
    name = parser.parse_args(arguments).name

    def tell() -> None:
        dataset = load(name)
        for title in CLASSIFIERS:
            if "masked" not in title or dataset.masks is not None:
                print(f"{title:<42}{accuracy(title, dataset):>6.2f}", flush=True)

    return finish(tell, "Give the command again.")


if __name__ == "__main__":
    sys.exit(main())
