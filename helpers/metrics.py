"""How good a classifier is, how sure we are of it, and whether two of them really differ."""

import numpy as np
from scipy.stats import binomtest, t

from helpers import _checks


def confusion_matrix(actual, predicted, classes: int) -> np.ndarray:  # exercise 3.12
    """Count how often each class was taken for each: (K, K), rows actual, columns predicted.

    actual, predicted: (N,) labels from 0 to classes - 1. Raises ValueError when they do not fit.
    """
    pairs = [_checks.labels(each, len(actual), classes, 0) for each in (actual, predicted)]
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, tuple(pairs), 1)
    return matrix


def classification_report(matrix) -> dict[str, np.ndarray]:
    """Return precision, recall, f1 and support, each (K,), of a matrix whose rows are the actual classes.

    precision = true positives / predicted, recall = true positives / actual, f1 = their harmonic mean. A class that is
    never predicted has no precision: it is nan, and so is its f1 where recall is undefined as well; f1 is 0 where the
    class was there and never found. Raises ValueError for what counts nothing. Source: van Rijsbergen (1979), chapter
    7.
    """
    matrix = _checks.counts(matrix)
    right = np.diag(matrix).astype(float)
    support, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    with np.errstate(invalid="ignore"):  # 0 / 0 is nan
        precision, recall = right / predicted, right / support
        f1 = 2 * right / (predicted + support)
    return {"precision": precision, "recall": recall, "f1": f1, "support": support}


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple:
    """Return the interval that holds a proportion with the given confidence, as (low, high).

    The counts are whole numbers, of any type; confidence lies between 0 and 1, both excluded. Source: Wilson (1927).
    Raises ValueError when successes are not from 0 to trials, trials is 0, or a number is not of that kind.
    """
    _checks.trials(successes, trials)
    _checks.confidence(confidence)
    test = binomtest(int(successes), int(trials))
    interval = test.proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def mean_interval(values, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of (N,) numbers and the interval that holds the true mean, by Student's t.

    ValueError for fewer than two numbers or one that is not finite, and as `wilson_interval` for the confidence.
    Source: Student (1908).
    """
    values = _checks.sample(values)
    _checks.confidence(confidence)
    error = values.std(ddof=1) / np.sqrt(len(values))  # of the mean
    half = t.ppf((1 + confidence) / 2, len(values) - 1) * error
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def mcnemar(actual, first, second) -> tuple[int, int, float]:  # exercise 4.3
    """Compare two classifiers on the same images: only the first is right, only the second, p-value.

    Exact and two-sided: if both are equally good, each image on which just one is right is a fair coin. Source: McNemar
    (1947). Raises ValueError when the three label arrays differ in length.
    """
    actual, first, second = _checks.same_length(actual, first, second)
    only_first = int(((first == actual) & (second != actual)).sum())
    only_second = int(((second == actual) & (first != actual)).sum())
    differ = only_first + only_second
    p_value = binomtest(only_first, differ).pvalue if differ else 1.0
    return only_first, only_second, float(p_value)
