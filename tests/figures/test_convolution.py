"""The figures of chapters 1 to 3: what they show, not how they look."""

import numpy as np
import pytest

from helpers.figures import convolution as draw
from helpers.figures import style as figures

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def style():
    figures.setup()


def test_before_and_after_share_their_scales_and_say_how_far_they_are_apart():
    filters = RNG.normal(size=(3, 3, 7))
    maps = RNG.random(size=(8, 9, 7))
    figure = draw.before_and_after((filters, filters * 1.5), (maps, maps * 3), [0, 5])
    said = figure.get_suptitle()
    assert "changed by 0.5 of their size" in said
    assert "their maps by 2" in said
    shown = [ax.images[0] for ax in figure.axes]
    kernels, pictures = [i for i in shown if i.cmap.name == "RdBu_r"], [i for i in shown if i.cmap.name == "gray"]
    assert {picture.get_clim() for picture in kernels} == {
        (-limit, limit) for limit in [1.5 * np.abs(filters[..., [0, 5]]).max()]
    }
    assert [picture.get_clim() for picture in pictures] == [(0, maps[..., k].max() * 3) for k in (0, 0, 5, 5)]
    assert np.array_equal(pictures[3].get_array(), maps[..., 5] * 3)
    assert figures.to_png(figure).startswith(b"\x89PNG")


def test_how_far_numbers_have_moved():
    assert draw.moved(np.array([3.0, 4]), np.array([3.0, 5])) == 0.2
    assert draw.moved(np.zeros(2), np.array([0.0, 2])) == 2


def test_the_shares_above_0_fall_from_left_to_right():
    figure = draw.alive([(np.array([0.2, 0.9]), np.array([0.5, 0])), (np.full(3, 0.5), np.arange(3) / 3)])
    drawn = [[line.get_ydata().tolist() for line in ax.lines] for ax in figure.axes]
    assert drawn[0] == [[0.9, 0.2], [0.5, 0]]
    assert drawn[1] == [[0.5] * 3, [2 / 3, 1 / 3, 0]]
    assert [text.get_text() for text in figure.axes[1].get_legend().texts] == ["before", "after"]


def test_a_dead_map_is_black():
    figure = draw.filters_and_maps(np.ones((3, 3, 2)), np.zeros((4, 5, 2)), [1])
    assert figure.axes[5].images[0].get_clim() == (0, 1)
    assert figure.axes[0].get_title(loc="left") == "channel 1"


def test_the_steps_of_a_convolution_add_up():
    figure = draw.discrete_steps(np.array([1, 3, 2]), np.array([2, 1, -1]))
    sums = [text.get_text() for ax in figure.axes for text in ax.texts if text.get_text().startswith("sum")]
    assert sums == ["sum 2", "sum 7", "sum 6", "sum -1", "sum -2"]


def test_the_products_on_a_patch_are_those_of_the_turned_kernel():
    kernel, patch = np.array([[1.0, 2], [3, 4]]), np.array([[0.5, 0], [0, 0.25]])
    products = draw.kernel_on_patch(patch, kernel).axes[3]
    assert [text.get_text() for text in products.texts] == ["2.00", "0.00", "0.00", "0.25"]
