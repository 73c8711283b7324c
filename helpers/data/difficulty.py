"""How hard a data set is: `python -m helpers.data.difficulty scenes caltech101 --networks`.

Each figure is an accuracy on the test pictures, data sets side by side. The first come from classifiers that see less
than the object's shape: what colours, borders or background alone give away shows here. `--networks` adds the report's
two networks, the mean over three seeds: half an hour for each data set.
"""

import argparse
import sys
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from helpers.data import datasets as data
from helpers.network import SGD, evaluate, fit, report_cnn
from helpers.store.files import sentence
from helpers.study.recipes import RECIPES

CELLS = 16
SEEDS = (0, 1, 2)
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Return the mean colours (N, 16, 16, 3) in 0..1 of images (N, H, W, 3) uint8 in 16 x 16 cells."""
    edges = np.linspace(0, images.shape[1], CELLS + 1).astype(int)
    rows = np.add.reduceat(images.astype(np.float64), edges[:-1], axis=1)
    cells = np.add.reduceat(rows, edges[:-1], axis=2)
    area = np.diff(edges)
    return cells / (area[:, None, None] * area[None, :, None] * 255.0)


def borders(images: np.ndarray) -> np.ndarray:
    """Return the colours (N, 60, 3) of the outermost cells of the thumbnails, the four borders of each image."""
    edge = np.ones((CELLS, CELLS), dtype=bool)
    edge[1:-1, 1:-1] = False
    return thumbnails(images)[:, edge]


def background(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return thumbnails (N, 16, 16, 3) without the object: what its mask (N, H, W) hides is filled in from around it.

    A cell that the object touches takes the mean of its known neighbours, ring by ring, until all are known.
    """
    cells = thumbnails(images)
    known = thumbnails(np.repeat(masks[..., None], 3, axis=3)) == 0
    known = known[..., :1]
    cells = np.where(known, cells, 0.0)
    while not known.all():
        total, count = _neighbours(cells), _neighbours(known.astype(float))
        fresh = ~known & (count > 0)
        if not fresh.any():
            raise ValueError("A mask covers its whole picture: there is no background to look at.")
        cells = np.where(fresh, total / np.maximum(count, 1), cells)
        known = known | fresh
    return cells


def _neighbours(cells: np.ndarray) -> np.ndarray:
    """Return the sums over the eight neighbours of every cell (N, h, w, C)."""
    padded = np.pad(cells, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = cells.shape[1:3]
    shifted = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    return np.sum(shifted, axis=0)


def logistic_regression(
    train: tuple[np.ndarray, np.ndarray], val: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]
) -> float:
    """Return the test accuracy of multinomial logistic regression on features (N, ...) with labels (N,).

    Features are centred and scaled as one; the L2 penalty is the one with the lowest loss on val.
    """
    centre = train[0].reshape(len(train[0]), -1).mean(axis=0)
    spread = train[0].std() + 1e-12
    (x, y), held, unseen = (
        ((part[0].reshape(len(part[0]), -1) - centre) / spread, part[1]) for part in (train, val, test)
    )
    with threadpool_limits(1, user_api="blas"):  # such small products are slower on many threads
        fits = [_fit(x, y, penalty) for penalty in PENALTIES]
    weights, bias = min(fits, key=lambda fit: _loss(*held, *fit))
    return float(((unseen[0] @ weights + bias).argmax(axis=1) == unseen[1]).mean())


def _loss(x: np.ndarray, y: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> float:
    return float(-log_softmax(x @ weights + bias, axis=1)[np.arange(len(y)), y].mean())


def _fit(x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (D, C) and bias (C,) that minimise the mean cross-entropy plus penalty / 2 D times |weights|^2."""
    classes, width = int(y.max()) + 1, x.shape[1]
    wanted, penalty = np.eye(classes)[y], penalty / width

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = flat[:-classes].reshape(width, classes), flat[-classes:]
        log_p = log_softmax(x @ weights + bias, axis=1)
        slope = (np.exp(log_p) - wanted) / len(y)
        loss = -(log_p * wanted).sum() / len(y) + penalty / 2 * (weights**2).sum()
        return loss, np.concatenate([(x.T @ slope + penalty * weights).ravel(), slope.sum(axis=0)])

    best = minimize(objective, np.zeros((width + 1) * classes), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return best[:-classes].reshape(width, classes), best[-classes:]


def _regress(dataset: data.Dataset, features: Callable[[object], np.ndarray]) -> float:
    return logistic_regression(*((features(part), part.labels) for part in (dataset.train, dataset.val, dataset.test)))


def thumbnails_accuracy(dataset: data.Dataset) -> float:
    """Return what logistic regression makes of the colours of 16 x 16 cells."""
    return _regress(dataset, lambda part: thumbnails(part.images))


def borders_accuracy(dataset: data.Dataset) -> float:
    """Return what logistic regression makes of the colours along the four borders."""
    return _regress(dataset, lambda part: borders(part.images))


def background_accuracy(dataset: data.Dataset) -> float:
    """Return what logistic regression makes of the picture without its object; not a number where masks are unknown."""
    if dataset.train.masks is None:
        return float("nan")
    return _regress(dataset, lambda part: background(part.images, part.masks))


def neighbour_accuracy(dataset: data.Dataset) -> float:
    """Return the share of test pictures whose nearest training thumbnail (Euclidean) is of their class."""
    known, seen = (thumbnails(part.images).reshape(len(part.labels), -1) for part in (dataset.train, dataset.test))
    distance = (seen**2).sum(axis=1)[:, None] - 2 * seen @ known.T + (known**2).sum(axis=1)[None]
    return float((dataset.train.labels[distance.argmin(axis=1)] == dataset.test.labels).mean())


def scratch_accuracy(dataset: data.Dataset) -> float:
    """Return what the report's network reaches, trained from scratch as in chapter 3."""
    recipe, accuracies = RECIPES["scratch"], []
    for seed in SEEDS:
        network = report_cnn(dataset.train.images.shape[1], len(dataset.class_names), rng=np.random.default_rng(seed))
        fit(
            network, dataset.train, dataset.val, optimizer=SGD(recipe.learning_rate), epochs=recipe.epochs,
            batch_size=recipe.batch_size, rng=np.random.default_rng(seed),
        )  # fmt: skip
        accuracies.append(evaluate(network, dataset.test.images, dataset.test.labels)[1])
    return float(np.mean(accuracies))


def vgg19_accuracy(dataset: data.Dataset) -> float:
    """Return what the bundled VGG19 with a new head reaches, its backbone frozen, as in chapter 4."""
    from helpers.vgg19 import backbone as vgg19
    from helpers.vgg19 import head as transfer

    backbone, recipe = vgg19.build("bundled"), RECIPES["vgg19_frozen"]
    settings = {"epochs": recipe.epochs, "batch_size": recipe.batch_size, "learning_rate": recipe.learning_rate}
    parts = dataset.train, dataset.val, dataset.test
    pooled = [vgg19.features(backbone, part.images).max(axis=(1, 2)) for part in parts]
    accuracies = []
    for seed in SEEDS:
        model = transfer.add_head(backbone, len(dataset.class_names), seed=seed)
        train, val = ((x, part.labels) for x, part in zip(pooled[:2], parts[:2], strict=True))
        transfer.train_head(model, train, val, seed=seed, **settings)
        logits = transfer.predict(transfer.tail(model, "pooled", "logits"), pooled[2])
        accuracies.append((logits.argmax(axis=1) == dataset.test.labels).mean())
    return float(np.mean(accuracies))


FIGURES: dict[str, Callable[[data.Dataset], float]] = {
    "logistic regression, 16 x 16 thumbnails": thumbnails_accuracy,
    "logistic regression, four borders": borders_accuracy,
    "logistic regression, object masked out": background_accuracy,
    "nearest neighbour, 16 x 16 thumbnails": neighbour_accuracy,
}
NETWORKS = {
    f"network from scratch, {RECIPES['scratch'].epochs} epochs": scratch_accuracy,
    "VGG19, frozen, new head": vgg19_accuracy,
}


def main(arguments: list[str] | None = None) -> None:
    """Print every figure for the data sets named on the command line, side by side; exit with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m helpers.data.difficulty", description=__doc__)
    parser.add_argument(
        "datasets", nargs="*", default=["scenes"], help="scenes, caltech101, or a folder of class folders"
    )
    parser.add_argument("--networks", action="store_true", help="train both networks too, three times each")
    given = parser.parse_args(arguments)
    try:
        _print(given.datasets, FIGURES | (NETWORKS if given.networks else {}))
    except (OSError, ValueError) as error:
        sys.exit(sentence(error))


def _print(names: list[str], figures: dict[str, Callable[[data.Dataset], float]]) -> None:
    columns = []
    for name in tqdm(names, desc="measuring", leave=False):
        dataset = data.load(name)
        columns.append({title: figure(dataset) for title, figure in figures.items()})
    print(f"{'accuracy on test':<42}" + "".join(f"{name[-14:]:>16}" for name in names))
    for title in figures:
        values = (column[title] for column in columns)
        print(f"{title:<42}" + "".join(f"{'-' if np.isnan(v) else format(v, '.2f'):>16}" for v in values))


if __name__ == "__main__":
    main()
