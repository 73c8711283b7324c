"""Winograd's identity, against exact arithmetic and against sums written out."""

from fractions import Fraction

import numpy as np
from checking import assert_close

from helpers.winograd import A_T, B_T, ROWS, SIDE, G, Tiles, gradient_of_weights, transform_kernel


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


def tiles_of(rows, kw):
    tiles = Tiles("test", (len(rows) - 2) // ROWS, *rows.shape[1:], kw, rows.dtype)
    tiles.rows[...] = rows
    return tiles


def test_correlation_and_gradients_are_those_of_the_sums():
    rng = np.random.default_rng(0)
    for kw in (1, 2, 3):
        rows, w = rng.standard_normal((14, 9, 2)), rng.standard_normal((3, kw, 2, 5))
        tiles = tiles_of(rows, kw)
        out = tiles.correlate(transform_kernel(w)).copy()
        assert_close(out, written_out(rows, w), 1e-13)
        dout = rng.standard_normal(out.shape)
        dkernel, db = tiles.gradients(dout)
        dw = gradient_of_weights(dkernel, w.shape)
        expected = [[np.tensordot(rows[u : u + 12, v : v + out.shape[1]], dout, ((0, 1), (0, 1))) for v in range(kw)]
                    for u in range(3)]  # fmt: skip
        assert_close(dw, np.array(expected), 1e-13)
        assert_close(db, dout.sum(axis=(0, 1)), 1e-13)


def test_in_single_precision_a_millionth_is_lost():
    rng = np.random.default_rng(0)
    rows, w = rng.random((42, 30, 32)), rng.standard_normal((3, 3, 32, 8)) * np.sqrt(2 / 288)
    out = tiles_of(rows.astype(np.float32), 3).correlate(transform_kernel(w.astype(np.float32)))
    exact = written_out(rows.astype(np.float32).astype(float), w.astype(np.float32).astype(float))
    assert out.dtype == np.float32
    assert np.abs(out - exact).max() < 3e-6 * np.abs(exact).max()
