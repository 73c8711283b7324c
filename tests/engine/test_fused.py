"""The stage against its three layers, one after another: the same numbers, whatever is cut where."""

import numpy as np
import pytest
from checking import assert_close
from hypothesis import given
from hypothesis import strategies as st

from helpers.convolution import conv2d_backward, conv2d_forward
from helpers.engine import fused as stage
from helpers.engine.fused import stage_backward, stage_forward
from helpers.network import Conv2D, Flatten, MaxPool2D, ReLU, Sequential
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
def test_a_stage_is_its_three_layers(sizes, parts, block, seed):
    n, h, w_, c, kw, f = sizes
    rng = np.random.default_rng(seed)
    x, w, b = rng.standard_normal((n, h + 3, w_ + kw, c)), rng.standard_normal((3, kw, c, f)), rng.standard_normal(f)
    dout = rng.standard_normal((n, h, w_, f))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "STRIP", block)
        out, cache = stage_forward(x, w, b, parts)
        found = (out, *stage_backward(dout, cache, parts=parts))
    for got, expected in zip(found, layer_by_layer(x, w, b, dout), strict=True):
        assert_close(got, expected, 1e-12)


def test_each_window_passes_its_whole_gradient_to_one_pixel_even_where_all_are_equal():
    x, w, b = np.ones((1, 9, 8, 1)), np.ones((3, 3, 1, 1)), np.array([0.5])  # every window: 9.5 four times
    out, cache = stage_forward(x, w, b)
    dout = np.random.default_rng(0).standard_normal(out.shape)
    _, dw, db = stage_backward(dout, cache)
    assert_close(out, np.full(out.shape, 9.5), 1e-13)
    assert_close(dw, np.full(w.shape, dout.sum()), 1e-13)
    assert_close(db, dout.sum(keepdims=True).ravel(), 1e-13)


def test_a_window_of_zeros_passes_nothing_back():
    x, w = np.random.default_rng(0).random((2, 8, 7, 2)), np.ones((3, 3, 2, 3))
    out, cache = stage_forward(x, w, np.full(3, -100.0))
    assert not out.any()
    assert not any(gradient.any() for gradient in stage_backward(np.ones(out.shape), cache))


def test_arrays_that_are_not_contiguous_and_what_is_handed_in_are_left_alone():
    rng = np.random.default_rng(0)
    x, dout = rng.standard_normal((2, 9, 7, 3))[:, ::-1], rng.standard_normal((4, 2, 4, 6)).transpose(1, 3, 2, 0)
    w, b = rng.standard_normal((3, 3, 3, 4)), rng.standard_normal(4)
    before = [a.copy() for a in (x, w, b, dout)]
    out, cache = stage_forward(x, w, b)
    found = (out, *stage_backward(dout, cache))
    for got, expected in zip(found, layer_by_layer(x, w, b, dout), strict=True):
        assert_close(got, expected, 1e-12)
    assert all(np.array_equal(a, c) for a, c in zip((x, w, b, dout), before, strict=True))


def test_float32_stays_float32_and_dx_only_where_needed():
    rng = np.random.default_rng(0)
    x, w, b = rng.random((1, 8, 8, 2), np.float32), rng.random((3, 3, 2, 4), np.float32), np.zeros(4, np.float32)
    out, cache = stage_forward(x, w, b)
    dx, dw, db = stage_backward(out, cache)
    assert {a.dtype for a in (out, dx, dw, db)} == {np.dtype(np.float32)}
    assert stage_backward(out, cache, need_dx=False)[0] is None


@pytest.mark.parametrize(("of_x", "of_w", "of_dout"), [("d", "f", "f"), ("f", "d", "f"), ("f", "f", "d")])
def test_the_wider_of_two_types_is_kept(of_x, of_w, of_dout):
    rng = np.random.default_rng(0)
    x, w, b = rng.random((2, 9, 8, 2)).astype(of_x), rng.random((3, 3, 2, 4)).astype(of_w), np.ones(4, of_w)
    dout = rng.standard_normal((2, 6, 5, 4)).astype(of_dout)
    out, cache = stage_forward(x, w, b)
    found = (out, *stage_backward(dout, cache))
    exact = layer_by_layer(*(array.astype(float) for array in (x, w, b, dout)))
    for got, expected in zip(found, exact, strict=True):
        wide = "d" in (of_x, of_w) if got is out else True
        assert got.dtype == (np.float64 if wide else np.float32)
        assert_close(got.astype(float), expected, 1e-12 if wide and of_dout != "d" else 1e-5)


def test_shapes_that_do_not_fit_are_refused():
    x, w, b = np.ones((1, 8, 8, 2)), np.ones((3, 3, 2, 4)), np.zeros(4)
    with pytest.raises(ValueError, match="3 channels, but the kernels"):
        stage_forward(np.ones((1, 8, 8, 3)), w, b)
    _, cache = stage_forward(x, w, b)
    with pytest.raises(ValueError, match=r"dout has the shape \(1, 6, 6, 4\), but the output had \(1, 5, 5, 4\)"):
        stage_backward(np.ones((1, 6, 6, 4)), cache)


@pytest.mark.parametrize("count", [1, 3, 8, 9])
def test_a_network_that_ends_with_a_stage_gives_its_caller_arrays_of_its_own(count):
    rng = np.random.default_rng(0)
    model = Sequential([Conv2D(2, 3, rng=rng, dtype=np.float64), ReLU(), MaxPool2D()])
    conv = model.layers[0].params
    x = rng.standard_normal((count, 7, 9, 2))
    first, dout = model.forward(x), rng.standard_normal((count, 4, 6, 3))
    expected = layer_by_layer(x, conv["w"], conv["b"], dout)
    dx = model.backward(dout)
    assert_close(first, expected[0], 1e-12)
    second = model.forward(x + 1)
    model.backward(dout + 1)
    assert not np.shares_memory(first, second)
    assert_close(first, expected[0], 1e-12)
    assert_close(dx, expected[1], 1e-12)


def test_a_flat_network_without_dense_layers_also_goes_by_steps():
    rng = np.random.default_rng(0)
    model = Sequential([Conv2D(2, 3, rng=rng, dtype=np.float64), Flatten()])
    x = rng.standard_normal((2, 5, 5, 2))
    assert_close(model.forward(x), conv2d_forward(x, *model.layers[0].params.values())[0].reshape(2, -1), 1e-13)


def test_a_network_in_double_precision_keeps_it_for_images_in_single():
    def model():
        rng = np.random.default_rng(0)
        return Sequential([Conv2D(2, 3, rng=rng, dtype=np.float64), ReLU(), MaxPool2D()])

    x = np.random.default_rng(1).random((9, 7, 9, 2), np.float32)
    assert_close(model().forward(x), model().forward(x.astype(float)), 1e-14)
