"""How good a classifier is, how sure we are of it, and whether two of them really differ."""

import numpy as np
from scipy.stats import binomtest, t


def confusion_matrix(actual: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count how often each class was taken for each: (K, K) whole numbers, rows actual, columns predicted.

    actual, predicted: (N,) labels from 0 to classes - 1. Raises ValueError when they do not fit.
    """
    actual, predicted = np.asarray(actual), np.asarray(predicted)
    if actual.ndim != 1 or actual.shape != predicted.shape:
        raise ValueError(f"Give as many predicted labels as actual ones, not {predicted.shape} for {actual.shape}.")
    for name, labels in (("actual", actual), ("predicted", predicted)):
        if labels.size and (labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= classes):
            raise ValueError(f"The {name} labels must be whole numbers from 0 to {classes - 1}.")
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (actual.astype(int), predicted.astype(int)), 1)
    return matrix


def classification_report(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Return precision, recall, f1 and support, each (K,), of a confusion matrix whose rows are the actual classes.

    precision = true positives / predicted, recall = true positives / actual, f1 = their harmonic mean. A class that is
    never predicted has no precision: it is nan, and so is its f1 where recall is undefined as well; f1 is 0 where the
    class was there and never found. Source: van Rijsbergen (1979), chapter 7.
    """
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"A confusion matrix is square, (K, K), not {matrix.shape}.")
    right, support, predicted = np.diag(matrix).astype(float), matrix.sum(axis=1), matrix.sum(axis=0)
    nan = np.full(len(matrix), np.nan)
    return {
        "precision": np.divide(right, predicted, out=nan.copy(), where=predicted > 0),
        "recall": np.divide(right, support, out=nan.copy(), where=support > 0),
        "f1": np.divide(2 * right, predicted + support, out=nan.copy(), where=predicted + support > 0),
        "support": support,
    }


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval that holds a proportion with the given confidence, as (low, high).

    The counts are whole numbers, of any type; confidence lies between 0 and 1, both excluded. Source: Wilson (1927).
    Raises ValueError when successes are not from 0 to trials, trials is 0, or a number is not of that kind.
    """
    if not 0 <= successes <= trials or trials < 1 or not all(float(n).is_integer() for n in (successes, trials)):
        raise ValueError(f"{successes} successes in {trials} trials is not possible.")
    _check_confidence(confidence)
    interval = binomtest(int(successes), int(trials)).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"The confidence must lie between 0 and 1, such as 0.95, not {confidence}.")


def mean_interval(values: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of (N,) numbers and the interval that holds the true mean with that confidence, by Student's t.

    ValueError for fewer than two numbers or one that is not finite, and as `wilson_interval` for the confidence.
    Source: Student (1908).
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError("An interval for a mean needs two or more numbers, all of them finite.")
    _check_confidence(confidence)
    half = t.ppf((1 + confidence) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def mcnemar(actual: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[int, int, float]:
    """Compare two classifiers on the same images: (only the first is right, only the second is right, p-value).

    Exact and two-sided: if both are equally good, each image on which just one is right is a fair coin.
    Source: McNemar (1947). Raises ValueError when the three label arrays differ in length.
    """
    actual, first, second = np.asarray(actual), np.asarray(first), np.asarray(second)
    if not actual.shape == first.shape == second.shape or actual.ndim != 1:
        raise ValueError(f"Labels must be of one length, not {actual.shape}, {first.shape} and {second.shape}.")
    only_first = int(((first == actual) & (second != actual)).sum())
    only_second = int(((second == actual) & (first != actual)).sum())
    differ = only_first + only_second
    return only_first, only_second, float(binomtest(only_first, differ).pvalue) if differ else 1.0
