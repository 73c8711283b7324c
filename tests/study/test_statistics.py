"""The statistics over seeds of the trainings in study.csv."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from helpers.study import statistics, table
from helpers.study.settings import SETTINGS, Training


def result(test, val=(0.3, 0.9), **more):
    splits = {"train": (0.01, 1.0), "val": val, "test": (0.5, test)}
    names = ("loss", "accuracy")
    scores = {f"{split}_{what}": pair[k] for split, pair in splits.items() for k, what in enumerate(names)}
    return dict.fromkeys(table.RESULT) | {"data": "d" * 64} | scores | more


def rows(*args, **kwargs):
    found = pairs(*args, **kwargs)
    return [dataclasses.asdict(t) | {"is_reports": t.is_reports} | result for t, result in found]


def pairs(network, by_seed, images=50, rate=None):
    usual = SETTINGS[network]
    settings = images, rate or usual.learning_rate, usual.batch_size, usual.epochs
    trainings = [Training("drawn", network, seed, *settings) for seed in range(len(by_seed))]
    return [(t, test if isinstance(test, dict) else result(test)) for t, test in zip(trainings, by_seed, strict=True)]


def test_a_summary_by_hand():
    # mean 3, deviations -1, 0, 1: variance 2 / 2; t(0.975, 2) = 4.3027; half width 4.3027 / sqrt(3)
    found = statistics.summary([2.0, 3.0, 4.0])
    assert (found["n"], found["mean"], found["std"]) == (3, 3.0, 1.0)
    assert found["interval"] == pytest.approx([3 - 2.48414, 3 + 2.48414], abs=1e-4)
    assert statistics.summary([0.7]) == {"n": 1, "mean": 0.7, "std": None, "interval": None}
    with pytest.raises(ValueError, match="nothing"):
        statistics.summary([])


def test_a_summary_agrees_with_scipy():
    values = np.random.default_rng(0).normal(0.9, 0.02, 7)
    found = statistics.summary(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found["interval"] == pytest.approx([expected.low, expected.high], rel=1e-5)
    assert found["std"] == pytest.approx(values.std(ddof=1), rel=1e-5)


def test_what_is_measured_of_a_data_set():
    scratch, frozen = [0.8, 0.9, 0.85], [0.95, 0.9, 1.0, 0.9]
    given = rows("scratch", scratch) + rows("vgg19_frozen", frozen) + rows("scratch", [0.5, 0.7], images=10)
    entry = statistics.of_dataset(given[::-1])
    assert entry["networks"]["scratch"]["seeds"] == [0, 1, 2]
    assert entry["networks"]["scratch"]["test_accuracy"]["by_seed"] == scratch
    assert entry["networks"]["vgg19_frozen"]["test_accuracy"]["mean"] == 0.9375
    assert entry["learning_curve"]["scratch"]["10"]["mean"] == pytest.approx(0.6)
    assert entry["learning_curve"].keys() == {"scratch"}


def test_a_search_sees_the_validation_images_alone():
    usual = rows("scratch", [result(0.99, val=(0.4, 0.8)), result(0.99, val=(0.2, 0.9))])
    other = [result(0.0, val=(0.1, 0.7))]
    other[0] |= {"test_loss": None, "test_accuracy": None}
    found = statistics.of_dataset(usual + rows("scratch", other, rate=0.01))["search"]["scratch"]
    assert [row["learning_rate"] for row in found] == [0.01, 0.003]  # the least loss first
    assert [row["val_loss"] for row in found] == [0.1, 0.4]  # of the seeds that all settings have
    assert all(row["seeds"] == [0] for row in found)
    assert not any("test" in name for row in found for name in row)


def test_a_setting_that_diverged_comes_last_and_has_no_numbers():
    usual = rows("scratch", [result(0.9, val=(0.4, 0.8)), result(0.9, val=(0.2, 0.9))])
    fast = rows(
        "scratch",
        [
            dict.fromkeys(table.RESULT) | {"data": "d" * 64, "diverged": "The loss became nan."},
            result(0.9, val=(0.1, 1.0)),
        ],
        rate=0.1,
    )
    found = statistics.of_dataset(fast + usual)["search"]["scratch"]
    assert [row["learning_rate"] for row in found] == [0.003, 0.1]
    assert [(row["val_loss"], row["val_accuracy"]) for row in found] == [(0.3, 0.85), (None, None)]
    assert all(row["seeds"] == [0, 1] for row in found)


def test_corrected_intervals_hold_together():
    values = [0.02, 0.03, 0.01, 0.04, 0.02]
    found = statistics.summary(values, 3)
    expected = stats.ttest_1samp(values, 0).confidence_interval(1 - 0.05 / 3)
    assert found["corrected"] == pytest.approx([expected.low, expected.high], rel=1e-5)
    assert found["interval"] == statistics.summary(values)["interval"]
    assert statistics.summary([0.5], 3)["corrected"] is None


def power_of_mcnemar(n, only_first, only_second):
    """Return the power of the exact test on n images by adding up all that can be found."""
    power, apart = 0.0, only_first + only_second
    for differ in range(n + 1):
        share = stats.binom.pmf(differ, n, apart)
        if share > 1e-12:
            k = np.arange(differ + 1)
            p = np.minimum(1, 2 * stats.binom.cdf(np.minimum(k, differ - k), differ, 0.5))
            power += share * stats.binom.pmf(k, differ, only_first / apart)[p <= 0.05].sum()
    return power


@pytest.mark.parametrize(("first", "second", "power"), [(0.95, 0.97, 0.8), (0.75, 0.9, 0.8), (0.6, 0.5, 0.9)])
def test_the_images_needed_give_the_exact_test_its_power(first, second, power):
    n = statistics.images_needed(first, second, power=power)
    assert n == statistics.images_needed(second, first, power=power)
    found = power_of_mcnemar(n, first * (1 - second), second * (1 - first))
    assert power - 0.04 < found < power + 0.02  # the exact test keeps to less than its 5 %


def test_the_images_needed_by_hand_and_what_cannot_be():
    # 1.959964 sqrt(0.077) + 0.841621 sqrt(0.077 - 0.0004) = 0.776796; (0.776796 / 0.02)^2 = 1508.5
    assert statistics.images_needed(0.95, 0.97) == 1509
    assert statistics.images_needed(0.95, 0.97, disagree=0.02) < 400  # one is right wherever the other is
    for wrong in ((0.9, 0.9), (0.9, 1.1), (-0.1, 0.5)):
        with pytest.raises(ValueError, match="cannot be told apart"):
            statistics.images_needed(*wrong)
    with pytest.raises(ValueError, match="cannot be told apart"):
        statistics.images_needed(0.9, 0.95, disagree=0.01)


def test_what_is_shown_names_its_code_and_settings():
    given = rows("scratch", [result(0.8, code="b", versions="numpy 2"), result(0.9), result(0.7, code="a")])
    entry = statistics.of_dataset(given)["networks"]["scratch"]
    assert entry["code"] == ["a", "b", "not recorded"]
    assert entry["versions"] == ["not recorded", "numpy 2"]
    assert entry["settings"] == {"learning_rate": 0.003, "batch_size": 10, "epochs": 25}


def keep(folder, name, images, accuracies, **more):
    for training, scores in pairs("scratch", accuracies):
        table.keep(folder, dataclasses.replace(training, dataset=name, **more), scores | {"data": images})


def test_what_is_measured_follows_from_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(statistics, "FOLDER", tmp_path)
    keep(tmp_path, "scenes", "a" * 64, [0.8, 0.9, 0.85])
    keep(tmp_path, "scenes", "a" * 64, [0.1], epochs=1)  # not the report's length
    keep(tmp_path, "other", "b" * 64, [0.5])
    assert statistics.measured_as("nowhere") == {}
    assert statistics.measured_as("scenes")["networks"]["scratch"]["test_accuracy"]["by_seed"] == [0.8, 0.9, 0.85]
    assert statistics.measured_as("other")["networks"]["scratch"]["seeds"] == [0]
    keep(tmp_path, "scenes", "c" * 64, [0.7])
    with pytest.raises(ValueError, match=r"study\.csv holds scenes with other images, too: remove the rows"):
        statistics.measured_as("scenes")


def test_numbers_are_shown_for_the_images_alone_that_they_were_measured_on(tmp_path, monkeypatch):
    def dataset(brightness):
        split = SimpleNamespace(images=np.full((2, 8, 8, 3), brightness, np.uint8), labels=np.array([0, 1]))
        return SimpleNamespace(name="scenes", train=split, val=split, test=split)

    monkeypatch.setattr(statistics, "FOLDER", tmp_path)
    assert statistics.measured_for(dataset(7)) is None
    keep(tmp_path, "another name", table.digest_of(dataset(7)), [0.8, 0.9])
    assert statistics.measured_for(dataset(7))["networks"]["scratch"]["test_accuracy"]["mean"] == 0.85
    assert statistics.measured_for(dataset(8)) is None


def test_numbers_have_six_digits():
    assert statistics.summary([1 / 3, 1 / 3])["mean"] == 0.333333
    assert math.isclose(statistics.summary([1e-9 / 3] * 2)["mean"], 3.33333e-10)
