"""Max pooling: by hand, by loops, ties, overlap, by the definition of a derivative, by TensorFlow."""

import numpy as np
import pytest
from checking import LAYOUTS, assert_close, check_gradient, dtypes, layouts, seeds
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers.pooling import (
    max_pool2d_backward,
    max_pool2d_backward_loops,
    max_pool2d_forward,
    max_pool2d_forward_loops,
)

RUNGS = {
    "loops": (max_pool2d_forward_loops, max_pool2d_backward_loops),
    "vectorised": (max_pool2d_forward, max_pool2d_backward),
}
both = pytest.mark.parametrize(("forward", "backward"), RUNGS.values(), ids=RUNGS)

# N, H, W, C, size, stride: overlapping, touching and apart, with pixels left over
CASES = [(2, 5, 7, 3, 2, 1), (1, 6, 9, 2, 3, 2), (2, 7, 4, 1, 2, 2), (3, 5, 8, 2, 2, 3), (1, 4, 3, 2, 3, 1)]


@st.composite
def cases(draw):
    case = tuple(draw(st.integers(*limits)) for limits in [(1, 3), (1, 9), (1, 9), (1, 3), (1, 4), (1, 4)])
    assume(case[4] <= min(case[1:3]))
    return case


def by_loops(x, dout, size, stride):
    """out and dx window by window; np.argmax gives the first maximum in reading order."""
    out, dx = np.empty_like(dout), np.zeros(x.shape, dout.dtype)
    for n, i, j, c in np.ndindex(dout.shape):
        window = x[n, i * stride : i * stride + size, j * stride : j * stride + size, c]
        u, v = np.unravel_index(window.argmax(), window.shape)
        out[n, i, j, c] = window[u, v]
        dx[n, i * stride + u, j * stride + v, c] += dout[n, i, j, c]
    return out, dx


def distinct(case, dtype=np.float64, seed=0):
    """x without ties, and dout."""
    n, h, w, c, size, stride = case
    rng = np.random.default_rng(seed)
    x = rng.permutation(n * h * w * c).reshape(n, h, w, c).astype(dtype) / 8
    return x, rng.standard_normal((n, (h - size) // stride + 1, (w - size) // stride + 1, c), dtype=dtype)


@both
def test_by_hand_with_overlap(forward, backward):
    x = np.array([[1.0, 3, 2], [4, 9, 5], [6, 8, 7]]).reshape(1, 3, 3, 1)
    out, cache = forward(x, 2, 1)
    assert out[0, :, :, 0].tolist() == [[9, 9], [9, 9]]
    dx = backward(np.array([[1.0, 10], [100, 1000]]).reshape(1, 2, 2, 1), cache)
    assert dx[0, :, :, 0].tolist() == [[0, 0, 0], [0, 1111, 0], [0, 0, 0]]  # it won all four windows


@both
def test_first_maximum_wins_where_windows_overlap(forward, backward):
    x = np.zeros((1, 3, 4, 1))
    _, cache = forward(x, 2, 1)
    dx = backward(np.arange(1.0, 7).reshape(1, 2, 3, 1), cache)
    assert dx[0, :, :, 0].tolist() == [[1, 2, 3, 0], [4, 5, 6, 0], [0, 0, 0, 0]]  # each window's upper left corner


@both
def test_reading_order_goes_along_the_row_first(forward, backward):
    window = np.array([[1.0, 5, 1], [5, 1, 1], [1, 5, 5]]).reshape(1, 3, 3, 1)
    _, cache = forward(window, 3)
    dx = backward(np.ones((1, 1, 1, 1)), cache)
    assert np.argwhere(dx[0, :, :, 0]).tolist() == [[0, 1]]


@both
def test_negative_numbers_have_a_maximum_too(forward, backward):
    out, _ = forward(np.full((1, 3, 4, 2), -7.0), 2, 1)
    assert (out == -7).all()


@both
@given(case=cases(), seed=seeds, levels=st.integers(1, 6), dtype=dtypes, layout=layouts)
def test_forward_and_backward_are_what_the_loops_say(forward, backward, case, seed, levels, dtype, layout):
    n, h, w, c, size, stride = case
    rng = np.random.default_rng(seed)
    x = rng.integers(-levels, levels, (n, h, w, c)).astype(dtype)  # few levels: ties in most windows
    dout = rng.integers(-9, 9, (n, (h - size) // stride + 1, (w - size) // stride + 1, c)).astype(dtype)
    kept, given_dout = x.copy(), dout.copy()
    out, cache = forward(LAYOUTS[layout](x), size, stride)
    dx = backward(LAYOUTS[layout](dout), cache)
    expected, expected_dx = by_loops(x, dout, size, stride)
    assert (out.dtype, dx.dtype, dx.shape) == (dtype, dtype, x.shape)
    assert np.array_equal(out, expected)
    assert np.array_equal(dx, expected_dx)  # whole numbers: exactly
    assert np.array_equal(x, kept)
    assert np.array_equal(dout, given_dout)


@given(case=cases(), seed=seeds)
def test_backward_is_the_adjoint(case, seed):
    """With the winners held, pooling is linear: <P v, dout> = <v, P^T dout>."""
    x, dout = distinct(case, seed=seed)
    v = np.random.default_rng(seed).standard_normal(x.shape)
    out, cache = max_pool2d_forward(x, *case[4:])
    moved, _ = max_pool2d_forward(x + 1e-3 * v, *case[4:])  # numbers are 1/8 apart: no winner changes
    forward = float(((moved - out) / 1e-3 * dout).sum())
    assert abs(forward - float((v * max_pool2d_backward(dout, cache)).sum())) <= 1e-10 * dout.size


@pytest.mark.parametrize("case", CASES)
def test_gradient_is_a_derivative(case):
    x, dout = distinct(case)
    out, cache = max_pool2d_forward(x, *case[4:])
    assert out.shape == dout.shape
    dx = max_pool2d_backward(dout, cache)
    check_gradient(
        lambda x: float((max_pool2d_forward(x, *case[4:])[0] * dout).sum()), x, dx, rng=np.random.default_rng(1)
    )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_against_tensorflow(case, dtype):
    from helpers.vgg19.backend import tf

    x, dout = distinct(case, dtype)
    tx = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tx)
        expected = tf.nn.max_pool2d(tx, case[4], case[5], "VALID")
    out, cache = max_pool2d_forward(x, *case[4:])
    assert_close(out, expected)
    assert_close(max_pool2d_backward(dout, cache), tape.gradient(expected, tx, dout))


@pytest.mark.parametrize("size", [17, 256, 257, 300])
def test_windows_of_more_than_256_numbers(size):
    """The winner's number does not fit into a byte then."""
    rng = np.random.default_rng(size)
    x = rng.integers(0, 50, (1, size + 1, size + 2, 1)).astype(float)
    x[0, -1, -1], x[0, size - 1, size - 1] = 99, 98
    dout = np.arange(1.0, 7).reshape(1, 2, 3, 1)
    out, cache = max_pool2d_forward(x, size, 1)
    expected, dx = by_loops(x, dout, size, 1)
    assert np.array_equal(out, expected)
    assert np.array_equal(max_pool2d_backward(dout, cache), dx)


def test_default_is_a_window_of_two_moved_by_one():
    assert max_pool2d_forward(np.zeros((1, 222, 9, 1)))[0].shape == (1, 221, 8, 1)


@both
def test_backward_refuses_another_shape(forward, backward):
    _, cache = forward(np.zeros((2, 5, 7, 3)))
    with pytest.raises(ValueError, match=r"dout has the shape \(2, 6, 4, 3\), but the output had \(2, 4, 6, 3\)"):
        backward(np.zeros((2, 6, 4, 3)), cache)
