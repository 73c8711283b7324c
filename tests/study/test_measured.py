"""The statistics over seeds, measured.json, and what is made from it."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from helpers.study import measured
from helpers.study.recipes import RECIPES, Cell


def result(test, val=(0.3, 0.9)):
    splits = {"train": (0.01, 1.0), "val": val, "test": (0.5, test)}
    return {name: {"loss": loss, "accuracy": accuracy} for name, (loss, accuracy) in splits.items()}


def pairs(network, by_seed, images=50, **settings):
    recipe = RECIPES[network]
    rate, batch = settings.get("rate", recipe.learning_rate), settings.get("batch", recipe.batch_size)
    cells = [Cell("drawn", network, seed, images, rate, batch, recipe.epochs) for seed in range(len(by_seed))]
    return [(cell, test if isinstance(test, dict) else result(test)) for cell, test in zip(cells, by_seed, strict=True)]


def test_a_summary_by_hand():
    # mean 3, deviations -1, 0, 1: variance 2 / 2; t(0.975, 2) = 4.3027; half width 4.3027 / sqrt(3)
    found = measured.summary([2.0, 3.0, 4.0])
    assert (found["n"], found["mean"], found["std"]) == (3, 3.0, 1.0)
    assert found["interval"] == pytest.approx([3 - 2.48414, 3 + 2.48414], abs=1e-4)
    assert measured.summary([0.7]) == {"n": 1, "mean": 0.7, "std": None, "interval": None}
    with pytest.raises(ValueError, match="nothing"):
        measured.summary([])


def test_a_summary_agrees_with_scipy():
    values = np.random.default_rng(0).normal(0.9, 0.02, 7)
    found = measured.summary(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found["interval"] == pytest.approx([expected.low, expected.high], rel=1e-5)
    assert found["std"] == pytest.approx(values.std(ddof=1), rel=1e-5)


def test_what_is_measured_of_a_data_set():
    scratch, frozen = [0.8, 0.9, 0.85], [0.95, 0.9, 1.0, 0.9]
    given = pairs("scratch", scratch) + pairs("vgg19_frozen", frozen) + pairs("scratch", [0.5, 0.7], images=10)
    entry = measured.of_dataset(given[::-1], 50)
    assert entry["networks"]["scratch"]["seeds"] == [0, 1, 2]
    assert entry["networks"]["scratch"]["test_accuracy"]["by_seed"] == scratch
    assert entry["networks"]["vgg19_frozen"]["test_accuracy"]["mean"] == 0.9375
    difference = entry["differences"]["vgg19_frozen - scratch"]
    assert difference["seeds"] == [0, 1, 2]  # in pairs: the fourth seed has none
    low, high = stats.ttest_rel(frozen[:3], scratch).confidence_interval(0.95)
    assert difference["test_accuracy"]["interval"] == pytest.approx([low, high], rel=1e-5)
    assert entry["differences"].keys() == {"vgg19_frozen - scratch"}
    assert entry["learning_curve"]["scratch"]["10"]["mean"] == pytest.approx(0.6)
    assert entry["learning_curve"].keys() == {"scratch"}


def test_a_search_sees_the_validation_images_alone():
    usual = pairs("scratch", [result(0.99, val=(0.4, 0.8)), result(0.99, val=(0.2, 0.9))])
    other = [result(0.0, val=(0.1, 0.7))]
    del other[0]["test"]
    rows = measured.of_dataset(usual + pairs("scratch", other, rate=0.01), 50)["search"]["scratch"]
    assert [row["learning_rate"] for row in rows] == [0.01, 0.003]  # the least loss first
    assert [row["val_loss"] for row in rows] == [0.1, 0.4]  # of the seeds that all settings have
    assert all(row["seeds"] == [0] for row in rows)
    assert not any("test" in name for row in rows for name in row)


def test_a_setting_that_diverged_comes_last_and_has_no_numbers():
    usual = pairs("scratch", [result(0.9, val=(0.4, 0.8)), result(0.9, val=(0.2, 0.9))])
    fast = pairs("scratch", [{"diverged": "The loss became nan."}, result(0.9, val=(0.1, 1.0))], rate=0.1)
    rows = measured.of_dataset(fast + usual, 50)["search"]["scratch"]
    assert [row["learning_rate"] for row in rows] == [0.003, 0.1]
    assert [(row["val_loss"], row["val_accuracy"]) for row in rows] == [(0.3, 0.85), (None, None)]
    assert all(row["seeds"] == [0, 1] for row in rows)


def test_a_study_of_some_networks_leaves_the_others_measurements_alone_on_the_same_images():
    frozen, scratch = (
        pairs("vgg19_frozen", [0.9, 1.0]),
        pairs("scratch", [0.8, 0.7]) + pairs("scratch", [0.5], images=10),
    )
    before = measured.merged({}, measured.of_dataset(frozen, 50), "images")
    now = measured.of_dataset(scratch, 50)
    found = measured.merged(before, now, "images")
    assert found == measured.of_dataset(frozen + scratch, 50) | {"data": "images"}
    assert found["differences"]["vgg19_frozen - scratch"]["test_accuracy"]["mean"] == 0.2
    for other in (measured.merged(before, now, "other images"), measured.merged(now, now, "other images")):
        assert other == now | {"data": "other images"}


def whole():
    entry = measured.of_dataset(pairs("scratch", [0.8, 0.9, 0.85]) + pairs("vgg19_frozen", [1.0]), 50)
    return measured.described({"datasets": {"scenes": entry}}, RECIPES)


def test_it_is_written_whole_and_read_back(tmp_path):
    path = tmp_path / "measured.json"
    assert measured.load(path) == {"datasets": {}}
    measured.save(whole(), path)
    assert measured.load(path) == whole()
    assert measured.load(path)["settings"]["scratch"] == {"learning_rate": 0.003, "batch_size": 10, "epochs": 25}
    for text in ("", "[]", "{}", '{"datasets": {"scenes": {}}}', json.dumps(whole())[:-9]):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"measured\.json is damaged"):
            measured.load(path)


BENCHMARKS = {
    "machine": {"processor": "A processor", "cores": 3},
    "summary": {
        "seconds": 1.25,
        "time_against": {"keras": 0.804, "torch": 0.2},
        "peak_gb": {"numpy": 3.36, "keras": 9.5, "torch": 6},
    },
}


def test_the_readme_s_paragraph_on_speed_is_made_of_the_benchmarks():
    said = measured.readme_speed(BENCHMARKS)
    for part in (
        "takes it 1.25 seconds on 3 cores (A processor), ",
        "**0.80** of Keras's time and **0.20** of PyTorch's time",
        "in 3.4 GB of memory, against 9.5 GB for Keras and 6.0 GB for PyTorch.",
    ):
        assert part in said
    alone = json.loads(json.dumps(BENCHMARKS))
    del alone["summary"]["time_against"]["torch"]
    assert "PyTorch" not in measured.readme_speed(alone)


def test_the_readme_s_table_is_made_of_it():
    text = f"before\n{measured.BEGIN}\nold\n{measured.END}\nafter\n"
    made = measured.readme(text, whole(), BENCHMARKS)
    assert made.startswith("before\n")
    assert made.endswith(f"{measured.END}\nafter\n")
    assert "old" not in made
    assert measured.readme(made, whole(), BENCHMARKS) == made
    line = next(line for line in made.splitlines() if "from scratch" in line)
    low, high = measured.summary([0.8, 0.9, 0.85])["interval"]
    assert f"**0.850** ({low:.2f} to {high:.2f})" in line
    assert "| 0.74 |" in line
    assert "**1.000** (one seed)" in made
    assert "not measured yet" in made
    with pytest.raises(ValueError, match="no place for the table"):
        measured.readme("nothing", whole(), BENCHMARKS)


def test_numbers_have_six_digits():
    assert measured.summary([1 / 3, 1 / 3])["mean"] == 0.333333
    assert math.isclose(measured.summary([1e-9 / 3] * 2)["mean"], 3.33333e-10)
