"""Three layers in one go against the same, one after another: the same numbers, whatever is cut where."""

import numpy as np
import pytest
from checking import assert_close
from hypothesis import given
from hypothesis import strategies as st

from helpers.convolution import conv2d_backward, conv2d_forward
from helpers.engine import fused
from helpers.engine.fused import fused_backward, fused_forward
from helpers.pooling import max_pool2d_backward, max_pool2d_forward


def layer_by_layer(x, w, b, dout):
    conv, conv_cache = conv2d_forward(x, w, b)
    out, pool_cache = max_pool2d_forward(np.maximum(conv, 0), 2, 1)
    return out, *conv2d_backward(max_pool2d_backward(dout, pool_cache) * (conv > 0), conv_cache)


@given(
    st.tuples(*[st.integers(1, n) for n in (3, 9, 9, 3, 3, 4)]),
    st.integers(1, 5),
    st.sampled_from([1, 700, 1 << 19]),
    st.integers(0, 2**32 - 1),
)
def test_three_in_one_go_are_the_three_layers(sizes, parts, block, seed):
    n, h, w_, c, kw, f = sizes
    rng = np.random.default_rng(seed)
    x, w, b = rng.standard_normal((n, h + 3, w_ + kw, c)), rng.standard_normal((3, kw, c, f)), rng.standard_normal(f)
    dout = rng.standard_normal((n, h, w_, f))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused, "STRIP", block)
        out, cache = fused_forward(x, w, b, parts)
        found = (out, *fused_backward(dout, cache, parts=parts))
    for got, expected in zip(found, layer_by_layer(x, w, b, dout), strict=True):
        assert_close(got, expected, 1e-12)


def test_each_window_passes_its_whole_gradient_to_one_pixel_even_where_all_are_equal():
    x, w, b = np.ones((1, 9, 8, 1)), np.ones((3, 3, 1, 1)), np.array([0.5])  # every window: 9.5 four times
    out, cache = fused_forward(x, w, b)
    dout = np.random.default_rng(0).standard_normal(out.shape)
    _, dw, db = fused_backward(dout, cache)
    assert_close(out, np.full(out.shape, 9.5), 1e-13)
    assert_close(dw, np.full(w.shape, dout.sum()), 1e-13)
    assert_close(db, dout.sum(keepdims=True).ravel(), 1e-13)


def test_a_window_of_zeros_passes_nothing_back():
    x, w = np.random.default_rng(0).random((2, 8, 7, 2)), np.ones((3, 3, 2, 3))
    out, cache = fused_forward(x, w, np.full(3, -100.0))
    assert not out.any()
    assert not any(gradient.any() for gradient in fused_backward(np.ones(out.shape), cache))


def test_arrays_that_are_not_contiguous_and_what_is_handed_in_are_left_alone():
    rng = np.random.default_rng(0)
    x, dout = rng.standard_normal((2, 9, 7, 3))[:, ::-1], rng.standard_normal((4, 2, 4, 6)).transpose(1, 3, 2, 0)
    w, b = rng.standard_normal((3, 3, 3, 4)), rng.standard_normal(4)
    before = [a.copy() for a in (x, w, b, dout)]
    out, cache = fused_forward(x, w, b)
    found = (out, *fused_backward(dout, cache))
    for got, expected in zip(found, layer_by_layer(x, w, b, dout), strict=True):
        assert_close(got, expected, 1e-12)
    assert all(np.array_equal(a, c) for a, c in zip((x, w, b, dout), before, strict=True))


def test_float32_stays_float32_and_dx_only_where_needed():
    rng = np.random.default_rng(0)
    x, w, b = rng.random((1, 8, 8, 2), np.float32), rng.random((3, 3, 2, 4), np.float32), np.zeros(4, np.float32)
    out, cache = fused_forward(x, w, b)
    dx, dw, db = fused_backward(out, cache)
    assert {a.dtype for a in (out, dx, dw, db)} == {np.dtype(np.float32)}
    assert fused_backward(out, cache, need_dx=False)[0] is None


@pytest.mark.parametrize(("of_x", "of_w", "of_dout"), [("d", "f", "f"), ("f", "d", "f"), ("f", "f", "d")])
def test_the_wider_of_two_types_is_kept(of_x, of_w, of_dout):
    rng = np.random.default_rng(0)
    x, w, b = rng.random((2, 9, 8, 2)).astype(of_x), rng.random((3, 3, 2, 4)).astype(of_w), np.ones(4, of_w)
    dout = rng.standard_normal((2, 6, 5, 4)).astype(of_dout)
    out, cache = fused_forward(x, w, b)
    found = (out, *fused_backward(dout, cache))
    exact = layer_by_layer(*(array.astype(float) for array in (x, w, b, dout)))
    for got, expected in zip(found, exact, strict=True):
        wide = "d" in (of_x, of_w) if got is out else True
        assert got.dtype == (np.float64 if wide else np.float32)
        assert_close(got.astype(float), expected, 1e-12 if wide and of_dout != "d" else 1e-5)


def test_shapes_that_do_not_fit_are_refused():
    x, w, b = np.ones((1, 8, 8, 2)), np.ones((3, 3, 2, 4)), np.zeros(4)
    with pytest.raises(ValueError, match="3 channels, but the kernels"):
        fused_forward(np.ones((1, 8, 8, 3)), w, b)
    _, cache = fused_forward(x, w, b)
    with pytest.raises(ValueError, match=r"dout has the shape \(1, 6, 6, 4\), but the output had \(1, 5, 5, 4\)"):
        fused_backward(np.ones((1, 6, 6, 4)), cache)


# Where the exact result is 0, or the same twice


def both(x, w, b, dout):
    out, cache = fused_forward(x, w, b)
    return (out, *fused_backward(dout, cache)), layer_by_layer(x, w, b, dout)


def test_a_window_of_zeros_stays_shut_beside_rows_that_are_not_zero():
    x, w = np.zeros((1, 5, 4, 1), np.float32), (np.arange(1, 10, dtype=np.float32) / 10).reshape(3, 3, 1, 1)
    x[0, 4] = 0.1
    (out, _, _, db), _ = both(x, w, np.zeros(1, np.float32), np.ones((1, 2, 1, 1), np.float32))
    assert out[0, 0, 0, 0] == 0
    assert abs(out[0, 1, 0, 0] - 0.24) < 1e-6
    assert db.tolist() == [1]


@pytest.mark.parametrize("bias", [0.0, 0.25, -0.25])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 2**32 - 1), kw=st.integers(1, 4), parts=st.integers(1, 3))
def test_black_areas_are_treated_as_by_the_layers(bias, dtype, seed, kw, parts):
    rng = np.random.default_rng(seed)
    x = rng.random((2, 17, 14, 2)).astype(dtype)
    for n in range(2):
        top, left = rng.integers(0, 12, 2)
        x[n, top : top + rng.integers(3, 12), left : left + rng.integers(3, 12)] = 0
        x[n, :, rng.integers(0, 14) :] *= rng.integers(0, 2)
    w, b = rng.standard_normal((3, kw, 2, 5)).astype(dtype), np.full(5, bias, dtype)
    dout = rng.integers(1, 4, (2, 14, 14 - kw, 5)).astype(dtype)
    out, cache = fused_forward(x, w, b, parts)
    found = (out, *fused_backward(dout, cache, parts=parts))
    for got, expected in zip(found, layer_by_layer(x, w, b, dout), strict=True):
        assert_close(got, expected)


def test_flat_areas_move_a_pixels_gradient_and_leave_those_of_the_weights():
    """Of windows that are equal but for rounding another may win: its pixels differ, and hold the same colours."""
    rng = np.random.default_rng(0)
    x = np.repeat(np.repeat(rng.random((2, 3, 4, 3), np.float32), 9, axis=1), 8, axis=2)  # flags of flat patches
    w, b = rng.standard_normal((3, 3, 3, 6), np.float32), rng.standard_normal(6, np.float32)
    dout = rng.standard_normal((2, 24, 29, 6), np.float32)
    (out, dx, dw, db), expected = both(x, w, b, dout)
    assert_close(out, expected[0])
    assert_close(db, expected[3])
    assert_close(dw, expected[2], 1e-4)
    assert_close(dx.sum(axis=(1, 2)), expected[1].sum(axis=(1, 2)), 1e-4)  # moved, not lost
