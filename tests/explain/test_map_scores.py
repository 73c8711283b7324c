"""How good a map is and how alike two are, on maps whose score is known; SSIM against a loop."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from helpers.explain import map_scores as scores
from helpers.explain import maps as explain

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


# --- likeness --------------------------------------------------------------------------------------------------------


def ssim_by_loops(a, b, data_range):
    """Wang et al. (2004) word for word: every window, its weights, its five statistics."""
    at = np.arange(11) - 5
    window = np.exp(-(at[:, None] ** 2 + at**2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2, values = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2, []
    for row in range(a.shape[0] - 10):
        for col in range(a.shape[1] - 10):
            x, y = a[row : row + 11, col : col + 11], b[row : row + 11, col : col + 11]
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            cov = (window * (x - mx) * (y - my)).sum()
            values.append((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return np.mean(values)


@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_ssim_is_the_definition(data_range):
    a, b = rng().random((2, *SHAPE)) * data_range
    for other in (b, 0.5 * a + 0.5 * b, data_range - a):
        assert scores.ssim(a, other, data_range) == pytest.approx(ssim_by_loops(a, other, data_range), abs=1e-10)


def test_ssim_of_known_pairs():
    a = rng().random(SHAPE)
    assert scores.ssim(a, a) == pytest.approx(1)
    assert scores.ssim(np.zeros(SHAPE), np.zeros(SHAPE)) == pytest.approx(1)
    assert scores.ssim(np.zeros(SHAPE), np.ones(SHAPE)) == pytest.approx(
        1e-4 / (1 + 1e-4)
    )  # only C1 / (1 + C1) is left
    assert scores.ssim(a, 1 - a) < 0


@pytest.mark.parametrize("shapes", [(SHAPE, SHAPE[::-1]), ((10, 20), (10, 20)), ((3, *SHAPE), (3, *SHAPE))])
def test_ssim_refuses_other_shapes(shapes):
    with pytest.raises(ValueError, match="11 x 11"):
        scores.ssim(*map(np.ones, shapes))


def test_rank_correlation_is_spearmans():
    a = rng().random(SHAPE)
    b = np.round(4 * (a + rng(1).random(SHAPE)))  # with many ties
    assert scores.rank_correlation(a, b) == pytest.approx(spearmanr(a, b, axis=None).statistic)
    assert scores.rank_correlation(a, a**3) == pytest.approx(1)
    assert scores.rank_correlation(a, -a) == pytest.approx(-1)


def test_a_map_without_an_order_is_like_no_other():
    a, flat = rng().random(SHAPE), np.ones(SHAPE)
    assert scores.rank_correlation(a, flat) == scores.rank_correlation(flat, a) == 0
    assert scores.rank_correlation(flat, 2 * flat) == 1
    with pytest.raises(ValueError, match="one shape"):
        scores.rank_correlation(a, a.T)


def test_scaled_is_the_size_relative_to_the_largest():
    heat = np.stack([np.full(SHAPE, -4.0), np.zeros(SHAPE)])
    heat[0, 0, 0] = 2
    result = scores.scaled(heat)
    assert result[0, 0, 0] == 0.5
    assert result[0].max() == 1
    assert not result[1].any()


# --- intervals and baselines -----------------------------------------------------------------------------------------


def test_baselines():
    centre = scores.centre_map((5, 9))
    assert np.unravel_index(centre.argmax(), centre.shape) == (2, 4)
    np.testing.assert_allclose(centre, centre[::-1, ::-1])
    assert centre[2, 4] / centre[2, 0] == pytest.approx(np.exp((4 / (0.25 * 9)) ** 2 / 2))
    assert np.array_equal(scores.random_map(SHAPE, rng(3)), rng(3).random(SHAPE))
    image = np.zeros((8, 10, 3), np.uint8)
    image[:, 5:] = 200
    edges = scores.edge_map(image)
    assert np.flatnonzero(edges[4]).tolist() == [4, 5]
    np.testing.assert_allclose(edges[:, 4], 4 * 200)
