"""The figures of chapter 6's measurements: what is drawn where. How they look is for the eye."""

import numpy as np
import pytest

from helpers.figures import scores as plot
from helpers.figures import style as figures

NAMES = ("plain gradient", "Grad-CAM", "random")


def test_the_best_is_on_top_and_baselines_are_gray():
    values = {"random": (0.2, 0.1, 0.3), "Grad-CAM": (0.9, 0.8, 0.95), "plain gradient": (0.5, 0.4, 0.6)}
    figure = plot.intervals([("hits", values), ("energy", values)], "title")
    assert len(figure.axes) == 2
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["random", "plain gradient", "Grad-CAM"]
    colors = [line.get_color() for line in figure.axes[0].lines]
    assert colors[0] == figures.GRAY
    assert colors[-1] == figures.BLUE
    assert figures.to_png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_panel_has_its_place_two_on_a_line(count):
    figure = plot.intervals([(str(k), {"Grad-CAM": (0.5, 0.4, 0.6)}) for k in range(count)])
    assert [ax.get_xlabel() for ax in figure.axes] == [str(k) for k in range(count)]
    figure.draw_without_rendering()
    lines = {round(ax.get_position().y0, 2) for ax in figure.axes}
    assert len(lines) == (count + 1) // 2


def test_curves_reach_from_nothing_to_everything():
    share, curves = np.linspace(0, 1, 5), {name: np.linspace(0, 1, 5) for name in NAMES}
    figure = plot.fading(share, curves, {name: 1 - curve for name, curve in curves.items()})
    left, right = figure.axes
    assert len(left.lines) == len(right.lines) == 3
    assert left.lines[0].get_ydata()[-1] == right.lines[0].get_ydata()[0] == 1
    assert figures.to_png(figure).startswith(b"\x89PNG")


def test_the_limit_is_drawn_where_it_is_judged():
    curves = {name: np.array([1, 0.4, -0.3]) for name in NAMES}
    figure = plot.cascade(["none", "head", "block 5"], [("rank", curves), ("SSIM", curves)], 0.5)
    assert [len(ax.lines) for ax in figure.axes] == [4, 3]
    assert figure.axes[0].get_ylim()[0] <= -0.3
    assert figures.to_png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("classes", [2, 4])
def test_pictures_and_accuracies(classes):
    images = np.random.default_rng(0).integers(0, 256, (classes, 3, 20, 20, 3), dtype=np.uint8)
    headers = ["as it is", "no top third", "no object"]
    assert figures.to_png(plot.picture_rows(images, headers)).startswith(b"\x89PNG")
    values = {
        "from scratch": dict.fromkeys(headers[::2], (0.5, 0.4, 0.6)),
        "VGG19": dict.fromkeys(headers, (0.5, 0.4, 0.6)),
    }
    figure = plot.accuracies(values, 1 / classes, "title")
    assert sorted({patch.get_height() for patch in figure.axes[0].patches}) == [0.5]
    assert len(figure.axes[0].patches) == 5  # one change the first network was not asked about
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == [h.replace(" ", "\n", 1) for h in headers]
    assert figures.to_png(figure).startswith(b"\x89PNG")
