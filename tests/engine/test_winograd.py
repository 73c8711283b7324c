"""Winograd's identity, against exact arithmetic and against sums written out."""

from fractions import Fraction

import numpy as np
import pytest
from checking import assert_close

from helpers.engine.winograd import (
    A_T,
    B_T,
    ROWS,
    SIDE,
    G,
    Strip,
    gradient_of_weights,
    strips,
    tiles_of,
    transform_kernel,
)


def test_the_three_matrices_are_an_identity_in_exact_arithmetic():
    g_matrix = [[Fraction(round(24 * value), 24) for value in row] for row in G]
    assert_close(np.array(g_matrix, float), G, 1e-15)
    for k in range(3):  # bilinear: it holds for all numbers if it holds for those with a single 1
        for m in range(SIDE):
            products = [g_matrix[t][k] * int(B_T[t, m]) for t in range(SIDE)]
            outputs = [sum(int(A_T[i, t]) * products[t] for t in range(SIDE)) for i in range(ROWS)]
            assert outputs == [int(i + k == m) for i in range(ROWS)]


def written_out(rows, w):
    height, width = len(rows) - 2, rows.shape[1] - w.shape[1] + 1
    out = np.zeros((height, width, w.shape[3]))
    for i in range(height):
        for j in range(width):
            out[i, j] = np.tensordot(rows[i : i + 3, j : j + w.shape[1]], w, 3)
    return out


def strip_of(rows, kw):
    return Strip("test", (len(rows) - 2) // ROWS, *rows.shape[1:], kw, rows.dtype).take(tiles_of(rows))


def test_strips_hold_every_row_once_and_zeros_below_the_image():
    image = np.arange(1.0, 1 + 13 * 3 * 2).reshape(13, 3, 2)
    for top, bottom, tiles in ((0, 11, 1), (0, 13, 2), (2, 13, 2), (3, 9, 1), (11, 13, 1)):
        below = np.concatenate([image, np.zeros((20, 3, 2))])
        found = [(a, strip.copy()) for a, strip in strips(image, top, bottom, tiles)]
        assert [a for a, _ in found] == list(range(top, bottom, ROWS * tiles))
        for a, strip in found:
            for t in range(tiles):
                assert np.array_equal(strip[t], below[a + ROWS * t : a + ROWS * t + SIDE].reshape(SIDE, -1))


@pytest.mark.parametrize("width", [7, 8, 9])
def test_correlation_and_gradients_are_those_of_the_sums(width):
    rng = np.random.default_rng(0)
    for kw in (1, 2, 3, 4):
        rows, w = rng.standard_normal((14, width, 2)), rng.standard_normal((3, kw, 2, 5))
        tiles, bias = strip_of(rows, kw), rng.standard_normal(5)
        out = tiles.correlate(transform_kernel(w), bias).copy()
        assert_close(out, written_out(rows, w) + bias, 1e-13)
        dout = rng.standard_normal(out.shape)
        dkernel, db = tiles.gradients(dout.reshape(len(dout), -1))
        dw = gradient_of_weights(dkernel, w.shape)
        expected = [[np.tensordot(rows[u : u + 12, v : v + out.shape[1]], dout, ((0, 1), (0, 1))) for v in range(kw)]
                    for u in range(3)]  # fmt: skip
        assert_close(dw, np.array(expected), 1e-13)
        assert_close(db, dout.sum(axis=(0, 1)), 1e-13)


def test_in_single_precision_a_millionth_is_lost():
    rng = np.random.default_rng(0)
    rows, w = rng.random((42, 30, 32)), rng.standard_normal((3, 3, 32, 8)) * np.sqrt(2 / 288)
    out = strip_of(rows.astype(np.float32), 3).correlate(transform_kernel(w.astype(np.float32)))
    exact = written_out(rows.astype(np.float32).astype(float), w.astype(np.float32).astype(float))
    assert out.dtype == np.float32
    assert np.abs(out - exact).max() < 3e-6 * np.abs(exact).max()
