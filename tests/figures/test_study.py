"""The figure of the study shows what the study measured, whatever is missing in it."""

import numpy as np
import pytest

from helpers import figures
from helpers.study import statistics


def entry(**networks):
    """What the study measured: test accuracies by network and seed, with a curve over two sizes."""
    made = {"networks": {}, "learning_curve": {}}
    for name, values in networks.items():
        made["networks"][name] = {"test_accuracy": statistics.summary(values) | {"by_seed": values}}
        sizes = {"50": statistics.summary(values), "10": statistics.summary([v - 0.2 for v in values])}
        made["learning_curve"][name] = sizes
    return made


def test_every_seed_mean_and_interval_are_drawn():
    given = entry(scratch=[0.7, 0.75, 0.75], vgg19_frozen=[0.95, 0.9, 1.0])
    left, right = figures.study(given).axes
    drawn = [line.get_ydata() for line in left.lines]
    assert any(np.array_equal(y, [0.7, 0.75, 0.75]) for y in drawn)
    assert any(np.array_equal(y, given["networks"]["vgg19_frozen"]["test_accuracy"]["interval"]) for y in drawn)
    equal = left.lines[0].get_xdata()[1:]
    assert equal[0] != equal[1]  # side by side, not on each other
    assert [t.get_text() for t in left.get_xticklabels()] == ["CNN\nfrom scratch", "VGG19,\nnew head"]
    curve = right.lines[0]
    assert curve.get_xdata().tolist() == [10, 50]
    assert curve.get_ydata().tolist() == pytest.approx([0.7333333 - 0.2, 0.7333333], abs=1e-5)


def test_one_seed_without_a_curve_and_no_seed_at_all():
    alone = entry(vgg19_tuned=[0.98]) | {"learning_curve": {}}
    figure = figures.study(alone)
    assert [ax.get_visible() for ax in figure.axes] == [True, False]
    nothing = figures.study(None)
    assert "not been measured" in nothing.texts[0].get_text()
    for drawn in (figure, nothing):
        assert figures.to_png(drawn)[:4] == b"\x89PNG"
