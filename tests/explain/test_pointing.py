"""How good a map is, on maps whose score is known; and mosaics."""

import numpy as np
import pytest

from helpers import explain
from helpers.explain import pointing

SHAPE = (14, 20)


def rng(seed=0):
    return np.random.default_rng(seed)


def box(top=3, left=4, bottom=7, right=12):
    mask = np.zeros(SHAPE, bool)
    mask[top:bottom, left:right] = True
    return mask


# --- pointing game ---------------------------------------------------------------------------------------------------


def test_a_map_that_is_the_mask_hits_and_one_outside_misses():
    mask = box()
    assert explain.pointing_game(mask.astype(float), mask) == 1
    assert explain.pointing_game((~mask).astype(float), mask) == 0


def test_one_pixel_decides():
    mask, heat = box(), rng().random(SHAPE)
    for row, col in ((3, 4), (6, 11), (2, 4), (6, 12)):  # corners of the mask, and next to them
        pointed = heat.copy()
        pointed[row, col] = 2
        assert explain.pointing_game(pointed, mask) == mask[row, col]


def test_of_equal_maxima_the_first_in_reading_order_counts():
    mask, heat = box(), np.zeros(SHAPE)
    heat[5, 5] = heat[2, 19] = 1
    assert not explain.pointing_game(heat, mask)
    heat[2, 19], heat[13, 0] = 0, 1
    assert explain.pointing_game(heat, mask)


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0])
def test_a_map_that_is_the_same_everywhere_points_nowhere(value):
    assert not explain.pointing_game(np.full(SHAPE, value), np.ones(SHAPE, bool))


def test_the_tolerance_is_a_distance_in_pixels():
    mask, heat = box(), np.zeros(SHAPE)
    heat[10, 15] = 1  # 4 rows below and 4 columns right of the nearest pixel, (6, 11)
    assert not explain.pointing_game(heat, mask, tolerance=5.6)
    assert explain.pointing_game(heat, mask, tolerance=5.7)


def test_stacks_are_judged_map_by_map():
    heat = np.stack([box(), ~box()] * 3).astype(float).reshape(3, 2, *SHAPE)
    hits = explain.pointing_game(heat, np.broadcast_to(box(), heat.shape))
    assert hits.tolist() == [[True, False]] * 3
    assert hits.dtype == bool


# --- energy ----------------------------------------------------------------------------------------------------------


def test_energy_of_known_maps():
    mask = box()
    assert explain.energy_inside(mask.astype(float), mask) == 1
    assert explain.energy_inside((~mask).astype(float), mask) == 0
    assert explain.energy_inside(np.ones(SHAPE), mask) == pytest.approx(mask.mean())  # uniform: the mask's area
    weights = np.where(mask, 3.0, 1.0)
    assert explain.energy_inside(weights, mask) == pytest.approx(3 * 32 / (3 * 32 + 280 - 32))
    assert np.isnan(explain.energy_inside(np.zeros(SHAPE), mask))


def test_energy_does_not_depend_on_the_scale_and_takes_stacks():
    heat = rng().random((3, 2, *SHAPE))
    masks = np.broadcast_to(box(), heat.shape)
    share = explain.energy_inside(heat, masks)
    assert share.shape == (3, 2)
    assert share[2, 1] == pytest.approx(heat[2, 1][box()].sum() / heat[2, 1].sum())
    np.testing.assert_allclose(explain.energy_inside(7 * heat, masks), share)


@pytest.mark.parametrize("score", [explain.pointing_game, explain.energy_inside])
@pytest.mark.parametrize(
    ("heat", "mask", "says"),
    [
        (np.ones(SHAPE), np.ones(SHAPE), "mask is bool"),
        (np.ones(SHAPE), np.zeros(SHAPE, bool), "mask is empty"),
        (np.ones(SHAPE), np.ones(SHAPE[::-1], bool), "do not fit"),
        (np.ones(5), np.ones(5, bool), "do not fit"),
        (np.full(SHAPE, np.nan), box(), "NaN"),
    ],
)
def test_what_has_no_score_is_refused(score, heat, mask, says):
    with pytest.raises(ValueError, match=says):
        score(heat, mask)


def test_a_negative_energy_and_a_negative_tolerance_are_refused():
    with pytest.raises(ValueError, match="absolute value"):
        explain.energy_inside(-np.ones(SHAPE), box())
    with pytest.raises(ValueError, match="tolerance"):
        explain.pointing_game(np.ones(SHAPE), box(), tolerance=-1)


# --- mosaics ---------------------------------------------------------------------------------------------------------


def test_in_mosaics_every_image_is_once_in_every_place_and_groups_share_none():
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])  # the last finds no partner
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1) * np.ones((1, 4, 5, 3), np.uint8)
    wide, where = pointing.mosaics(images, labels)
    assert wide.shape == (9, 4, 15, 3)
    assert np.array_equal(wide[:, 0, ::5, 0], where)
    assert [sorted(row) for row in labels[where].tolist()] == [[0, 1, 2]] * 9
    assert [sorted(column) for column in where.T.tolist()] == [list(range(9))] * 3
    groups = [set(group.flat) for group in where.reshape(3, 3, 3)]
    assert groups == [{0, 1, 2}, {3, 4, 5}, {6, 7, 8}]
    assert pointing.mosaics(images[:2], labels[:2])[1].tolist() == [[0, 1], [1, 0]]
    with pytest.raises(ValueError, match="two classes"):
        pointing.mosaics(images, labels * 0)
