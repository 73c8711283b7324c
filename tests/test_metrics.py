"""Confusion matrix, scores, intervals and the paired test, against values worked out by hand or published."""

import numpy as np
import pytest
from checking import seeds
from hypothesis import given
from hypothesis import strategies as st

from helpers.metrics import classification_report, confusion_matrix, mcnemar, mean_interval, wilson_interval

#                  predicted: 0  1  2
MATRIX = np.array([[3, 1, 0], [0, 2, 4], [0, 0, 0]])


def test_rows_are_actual_and_columns_predicted():
    actual = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    predicted = [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]
    matrix = confusion_matrix(actual, predicted, 3)
    assert matrix.tolist() == MATRIX.tolist()
    assert matrix.dtype.kind == "i"


@given(n=st.integers(0, 30), classes=st.integers(1, 5), seed=seeds)
def test_confusion_counts_each_pair(n, classes, seed):
    actual, predicted = np.random.default_rng(seed).integers(0, classes, (2, n))
    matrix = confusion_matrix(actual, predicted, classes)
    assert matrix.tolist() == [
        [sum(1 for pair in zip(actual, predicted, strict=True) if pair == (i, j)) for j in range(classes)]
        for i in range(classes)
    ]
    assert np.array_equal(matrix.T, confusion_matrix(predicted, actual, classes))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint64])
def test_labels_of_any_whole_type(dtype):
    assert confusion_matrix(np.array([1, 0], dtype), np.array([1, 1], dtype), 2).tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("actual", "predicted", "sentence"),
    [
        ([0, 1], [0], "2 images need a list of as many labels"),
        ([[0, 1]], [[0, 1]], "1 images need a list of as many labels"),
        ([0, 3], [0, 1], "A label is 3, but with 3 classes labels go from 0 to 2"),
        ([0, 1], [0, -1], "A label is -1, but"),
        ([0.0, 1.0], [0, 1], "Labels must be whole numbers, not float64"),
    ],
)
def test_confusion_refuses_what_does_not_fit(actual, predicted, sentence):
    with pytest.raises(ValueError, match=sentence):
        confusion_matrix(actual, predicted, 3)


def test_scores_by_hand():
    # Class 2 is not there, but predicted four times.
    report = classification_report(MATRIX)
    assert np.allclose(report["precision"], [1, 2 / 3, 0], rtol=0, atol=1e-15)
    assert np.allclose(report["recall"], [3 / 4, 2 / 6, np.nan], rtol=0, atol=1e-15, equal_nan=True)
    assert np.allclose(report["f1"], [2 * 1 * 0.75 / 1.75, 2 * (2 / 3) * (1 / 3), 0], rtol=0, atol=1e-15)
    assert report["support"].tolist() == [4, 6, 0]


def test_a_class_that_is_never_predicted_has_no_precision():
    with np.errstate(all="raise"):
        report = classification_report(np.array([[0, 2, 0], [0, 5, 0], [0, 0, 0]]))
    assert np.isnan(report["precision"]).tolist() == [True, False, True]
    assert report["recall"][:2].tolist() == [0, 1]
    assert report["f1"][0] == 0  # it was there, and never found
    assert np.isnan(report["f1"][2])


@given(n=st.integers(1, 30), classes=st.integers(1, 5), seed=seeds)
def test_f1_is_the_harmonic_mean(n, classes, seed):
    actual, predicted = np.random.default_rng(seed).integers(0, classes, (2, n))
    report = classification_report(confusion_matrix(actual, predicted, classes))
    p, r = report["precision"], report["recall"]
    both = p + r > 0
    assert np.allclose(report["f1"][both], (2 * p * r)[both] / (p + r)[both], rtol=1e-14)
    assert report["support"].sum() == n


def test_a_matrix_that_is_not_square():
    with pytest.raises(ValueError, match="square"):
        classification_report(np.zeros((2, 3), int))


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_against_published_values(successes, trials, low, high):
    interval = wilson_interval(successes, trials)
    assert [round(end, 4) for end in interval] == [low, high]
    mirrored = wilson_interval(trials - successes, trials)
    assert np.allclose([1 - mirrored[1], 1 - mirrored[0]], interval, rtol=0, atol=1e-12)


def test_wilson_widens_with_confidence():
    narrow, wide = wilson_interval(54, 60, 0.8), wilson_interval(54, 60, 0.99)
    assert wide[0] < narrow[0] < 0.9 < narrow[1] < wide[1]
    z = 2.5758293035489  # by the formula: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)
    half = z * np.sqrt(0.9 * 0.1 / 60 + z**2 / (4 * 60**2))
    by_formula = [(0.9 + z**2 / 120 - half) / (1 + z**2 / 60), (0.9 + z**2 / 120 + half) / (1 + z**2 / 60)]
    assert np.allclose(wide, by_formula, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("successes", "trials"), [(-1, 5), (6, 5), (0, 0), (2.5, 5), (2, 5.5), (np.nan, 5), (1, np.inf)]
)
def test_wilson_refuses_what_is_not_possible(successes, trials):
    with pytest.raises(ValueError, match=f"{successes} successes in {trials} trials is not possible"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float32, float])
def test_wilson_takes_whole_numbers_of_any_type(kind):
    assert wilson_interval(kind(54), kind(60)) == wilson_interval(54, 60)


@pytest.mark.parametrize("confidence", [0, 1, -0.1, 95, np.nan])
def test_a_confidence_that_cannot_be_is_refused(confidence):
    for ask in (lambda: wilson_interval(54, 60, confidence), lambda: mean_interval([1.0, 2.0], confidence)):
        with pytest.raises(ValueError, match=f"confidence must lie between 0 and 1, such as 0.95, not {confidence}"):
            ask()


def test_mcnemar_by_hand():
    actual = np.zeros(10, int)
    first = np.array([0, 0, 0, 0, 0, 1, 1, 1, 0, 2])
    second = np.array([1, 1, 2, 1, 1, 0, 1, 1, 0, 1])
    # Five images only the first gets right, one only the second: 2 (C(6,0) + C(6,1)) / 2^6 = 14/64.
    assert mcnemar(actual, first, second) == (5, 1, 14 / 64)
    assert mcnemar(actual, second, first) == (1, 5, 14 / 64)


def test_mcnemar_of_two_that_never_differ_and_of_two_alike():
    labels = np.array([0, 1, 2])
    assert mcnemar(labels, labels, labels) == (0, 0, 1)
    assert mcnemar(labels, labels + 1, labels + 2) == (0, 0, 1)
    assert mcnemar(np.array([0, 0]), np.array([0, 1]), np.array([1, 0])) == (1, 1, 1)


def test_mcnemar_refuses_labels_of_different_lengths():
    with pytest.raises(ValueError, match="one length"):
        mcnemar(np.zeros(3), np.zeros(3), np.zeros(2))


def test_the_interval_of_a_mean_by_hand():
    mean, low, high = mean_interval(np.array([1.0, 2, 3, 4, 5]))
    half = 2.776445 * np.sqrt(2.5 / 5)  # Student's t for 4 degrees of freedom, 97.5 %
    assert (mean, low, high) == pytest.approx((3, 3 - half, 3 + half), abs=1e-5)


@pytest.mark.parametrize("values", [[1.0], [1.0, np.nan], [[1.0, 2.0]]])
def test_no_interval_of_one_number_or_of_none(values):
    with pytest.raises(ValueError, match="two or more"):
        mean_interval(np.array(values))


def test_a_confusion_matrix_of_nothing_and_of_no_classes():
    assert confusion_matrix([], [], 3).tolist() == [[0, 0, 0]] * 3
    for classes in (2.0, "2", None, True, -1):
        with pytest.raises(ValueError, match="classes must be a whole number of at least 1"):
            confusion_matrix([0], [0], classes)
