"""Filters and their maps: scales that can be compared, dead ones that say so."""

import numpy as np
import pytest

from helpers.figures import filters as draw
from helpers.figures import to_png

RNG = np.random.default_rng(0)
KERNELS = RNG.normal(size=(3, 3, 7))
MAPS = RNG.random(size=(4, 8, 9, 7))  # of four images


def times(before, after):
    return {"before": before, "after": after}


def titles(figure):
    return [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]


def test_before_and_after_share_their_scales_and_say_how_far_they_are_apart():
    figure = draw.filters_and_maps(times(KERNELS, KERNELS * 1.5), times(MAPS, MAPS * 3), [0, 5], ["a", "$b$", "c", "d"])
    assert "changed by 0.5 of their size, maps by 2" in figure.get_suptitle()
    assert titles(figure) == ["0", "5"]
    assert [ax.get_ylabel() for ax in figure.axes[::2]][2:] == [
        f"{n}\n{t}" for n in ["a", "$b$", "c"] for t in ("before", "after")
    ]
    shown = [ax.images[0] for ax in figure.axes]
    assert len(shown) == 4 + 2 * 6  # kernels, and maps of the first three images
    assert {image.get_clim() for image in shown[:4]} == {
        (-limit, limit) for limit in [1.5 * np.abs(KERNELS[..., [0, 5]]).max()]
    }
    top = np.percentile(MAPS[0, ..., 5], 98) * 3
    assert [shown[k].get_clim() for k in (5 + 0, 7)] == [(0, top)] * 2 or np.allclose(shown[7].get_clim(), (0, top))
    assert np.array_equal(shown[7].get_array(), MAPS[0, ..., 5] * 3)
    assert to_png(figure).startswith(b"\x89PNG")


def test_what_is_dead_says_so_and_what_is_faint_is_drawn_brighter():
    after = MAPS.copy()
    after[..., 1] = 0  # on every image
    after[0, ..., 2] = 0  # on the first
    after[..., 3] /= 10
    figure = draw.filters_and_maps(times(KERNELS, KERNELS), times(MAPS, after), [0, 1, 2, 3], "abcd")
    assert "; 1 of 4 filters are dead afterwards" in figure.get_suptitle()
    said = [[text.get_text() for text in ax.texts] for ax in figure.axes]
    assert said[12:16] == [[], ["dead"], ["all 0"], ["×10"]]  # kernels twice, before, then after, of the first image
    assert said[20:24] == [[], ["dead"], [], ["×10"]]
    assert not any(said[:12])
    low, high = figure.axes[15].images[0].get_clim()
    assert (low, high) == (0, pytest.approx(np.percentile(after[0, ..., 3], 98)))
    assert figure.axes[13].images[0].get_array().min() == 0.95  # of 1: not black


def test_a_map_of_specks_says_so():
    maps = np.zeros((2, 20, 20, 1))
    maps[0, 3, 4:8, 0], maps[1] = [1, 2, 3, 100], 1
    figure = draw.filters_and_maps({"": KERNELS[..., :1]}, {"": maps}, [0], ["a", "b"])
    _, specks, full = figure.axes
    assert [text.get_text() for text in specks.texts] == ["1.0%"]
    assert specks.images[0].get_clim() == (0, 2.5)  # their median: half of them are white
    assert np.count_nonzero(specks.images[0].get_array()) == 5 * (4 + 4)  # each a spot that can be seen
    assert full.images[0].get_array().all()
    assert not full.texts
    maps[0, 3, 5:8] = 0
    wide = np.repeat(np.repeat(maps, 10, 1), 1, 2)
    wide[0, 31:40] = 0  # one of 4,000 numbers is left
    assert draw.filters_and_maps({"": KERNELS[..., :1]}, {"": wide}, [0], ["a"]).axes[1].texts[0].get_text() == "< 0.1%"


def test_a_map_whose_numbers_are_nearly_all_small_is_no_darker_for_it():
    maps = np.full((1, 20, 20, 1), 0.01)
    maps[0, 3:5, :, 0] = np.arange(1, 21)  # a tenth of it
    (_, shown) = draw.filters_and_maps({"": KERNELS[..., :1]}, {"": maps}, [0], ["a"]).axes
    high = shown.images[0].get_clim()[1]
    assert np.mean(maps > high) == pytest.approx(0.02, abs=0.01)  # white
    assert not shown.texts


def test_maps_of_random_filters_have_their_own_scales():
    maps = MAPS * [1, 1, 1, 1e-6, 0, 1, 1]
    figure = draw.filters_and_maps({"": KERNELS}, {"": maps}, [3, 4], ["a", "b", "c", "d"])
    assert len(figure.axes) == 2 * 4
    assert [[text.get_text() for text in ax.texts] for ax in figure.axes[2:4]] == [[], ["dead"]]
    assert figure.axes[2].images[0].get_clim() == (0, np.percentile(maps[0, ..., 3], 98))


def test_how_far_numbers_have_moved():
    assert draw.moved(np.array([3.0, 4]), np.array([3.0, 5])) == 0.2
    assert draw.moved(np.zeros(2), np.array([0.0, 2])) == 2
