"""Convolution: by hand, by loops, by its adjoint, by the definition of a derivative, by TensorFlow."""

import numpy as np
import pytest
from checking import LAYOUTS, assert_close, check_gradient, dtypes, layouts, seeds
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.signal import convolve2d

from helpers.convolution import (
    conv2d_backward,
    conv2d_backward_loops,
    conv2d_forward,
    conv2d_forward_loops,
    convolve2d_loops,
    kaiming_normal,
    output_size,
)

# N, H, W, C, KH, KW, F, stride, pad: height and width always differ, in images and kernels
CASES = [
    (2, 7, 9, 3, 3, 2, 4, 1, 0),
    (2, 8, 6, 2, 2, 3, 3, 2, 1),
    (1, 5, 11, 1, 1, 4, 2, 3, 2),
    (3, 9, 4, 2, 5, 3, 1, 1, 2),
    (2, 6, 7, 3, 6, 7, 2, 1, 0),  # the kernel covers the image
    (1, 3, 2, 2, 5, 4, 2, 2, 1),  # larger than the image, not than the padded one
]


def draw(case, seed=0, dtype=np.float64):
    """x, w, b, dout, stride and pad of a case."""
    n, h, w, c, kh, kw, f, stride, pad = case
    rng = np.random.default_rng(seed)
    shapes = [
        (n, h, w, c),
        (kh, kw, c, f),
        (f,),
        (n, output_size(h, kh, stride, pad), output_size(w, kw, stride, pad), f),
    ]
    return (*(rng.standard_normal(shape, dtype=dtype) for shape in shapes), stride, pad)


@st.composite
def cases(draw_one):
    sizes = [(1, 3), (1, 9), (1, 9), (1, 3), (1, 4), (1, 4), (1, 4), (1, 3), (0, 2)]
    case = tuple(draw_one(st.integers(*limits)) for limits in sizes)
    assume(case[4] <= case[1] + 2 * case[8] and case[5] <= case[2] + 2 * case[8])
    return case


def by_loops(x, w, b, stride, pad):
    """Cross-correlation from true convolution: each kernel is turned beforehand, and so turned back."""
    turned = w[::-1, ::-1]
    maps = [[convolve2d_loops(image, turned[..., f], stride, pad) for f in range(w.shape[3])] for image in x]
    return np.moveaxis(np.array(maps), 1, -1) + b


def dot(a, b):
    return float((a * b).sum())


# The size of an output


@pytest.mark.parametrize(
    ("n", "k", "stride", "pad", "expected"),
    [(224, 3, 1, 0, 222), (222, 2, 1, 0, 221), (7, 3, 2, 0, 3), (8, 3, 2, 0, 3), (5, 5, 1, 2, 5), (1, 3, 1, 1, 1)],
)
def test_output_size_by_hand(n, k, stride, pad, expected):
    assert output_size(n, k, stride, pad) == expected


@given(n=st.integers(1, 40), k=st.integers(1, 12), stride=st.integers(1, 6), pad=st.integers(0, 6))
def test_output_size_counts_the_positions(n, k, stride, pad):
    positions = [i for i in range(0, n + 2 * pad, stride) if i + k <= n + 2 * pad]
    if positions:
        assert output_size(n, k, stride, pad) == len(positions)
    else:
        with pytest.raises(ValueError, match=rf"window of {k} does not fit into {n} \+ 2\*{pad}"):
            output_size(n, k, stride, pad)


@pytest.mark.parametrize(("name", "least"), [("n", 1), ("k", 1), ("stride", 1), ("pad", 0)])
@pytest.mark.parametrize("value", [-1, 2.0, 2.5, "3", None, True, np.float32(2)])
def test_output_size_takes_whole_numbers_only(name, least, value):
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least {least}, not "):
        output_size(**{"n": 9, "k": 3, "stride": 1, "pad": 0, name: value})


@pytest.mark.parametrize("name", ["n", "k", "stride"])
def test_output_size_takes_no_zero(name):
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1, not 0"):
        output_size(**{"n": 9, "k": 3, "stride": 1, "pad": 0, name: 0})


def test_output_size_takes_numpys_integers():
    assert output_size(np.int64(9), np.uint8(3), np.int32(2), np.int8(1)) == 5


# True convolution by loops

IMAGE = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
KERNEL = np.array([[1, 0], [0, 2]])


def test_loops_by_hand():
    # Turned by 180 degrees the kernel is [[2, 0], [0, 1]]: 2*1 + 5 = 7, 2*2 + 6 = 10, 2*4 + 8 = 16, 2*5 + 9 = 19.
    assert convolve2d_loops(IMAGE, KERNEL).tolist() == [[7, 10], [16, 19]]


def test_loops_by_hand_with_stride_and_padding():
    # The padded image is 5 x 5; with stride 2 the windows start at 0 and 2: corners (0, 0, 0, 1), (0, 0, 2, 3), ...
    assert convolve2d_loops(IMAGE, KERNEL, stride=2, pad=1).tolist() == [[1, 3], [7, 2 * 5 + 9]]


def test_loops_turn_an_impulse_into_the_kernel():
    impulse = np.zeros((5, 6))
    impulse[2, 3] = 1
    kernel = np.arange(1.0, 7).reshape(2, 3)
    out = convolve2d_loops(impulse, kernel)
    assert np.array_equal(out[1:3, 1:4], kernel)
    assert out.sum() == kernel.sum()


def test_loops_sum_over_depth_without_turning_it():
    image, kernel = np.zeros((2, 2, 2)), np.zeros((1, 1, 2))
    image[..., 0], kernel[..., 0], kernel[..., 1] = 1, 3, 5
    assert (convolve2d_loops(image, kernel) == 3).all()


@pytest.mark.parametrize("shapes", [((6, 9), (3, 2)), ((5, 4), (5, 4)), ((4, 7), (1, 3))])
def test_loops_against_scipy(shapes):
    rng = np.random.default_rng(1)
    image, kernel = (rng.standard_normal(shape) for shape in shapes)
    assert_close(convolve2d_loops(image, kernel), convolve2d(image, kernel, mode="valid"), 1e-14)
    padded = np.pad(image, 1)
    assert_close(convolve2d_loops(image, kernel, 2, 1), convolve2d(padded, kernel, mode="valid")[::2, ::2], 1e-14)


def test_loops_of_uint8_do_not_overflow():
    image, kernel = np.full((3, 3), 255, np.uint8), np.full((2, 2), 255, np.uint8)
    assert (convolve2d_loops(image, kernel) == 4 * 255 * 255).all()
    assert (convolve2d_loops(image, np.full((2, 2), -1, np.int8)) == -4 * 255).all()
    assert convolve2d_loops(image, kernel.astype(np.float32)).dtype == np.float32
    assert convolve2d_loops(image > 0, kernel > 0).tolist() == [[4, 4], [4, 4]]


def test_loops_of_complex_numbers():
    out = convolve2d_loops(np.array([[1 + 2j, 3]]), np.array([[1j]]))
    assert out.tolist() == [[-2 + 1j, 3j]]


def test_loops_refuse_what_is_no_number():
    with pytest.raises(ValueError, match="hold numbers, not <U1"):
        convolve2d_loops(np.array([["a"]]), np.ones((1, 1)))


@pytest.mark.parametrize(
    ("image", "kernel"), [((4,), (2,)), ((4, 4), (2, 2, 1)), ((4, 4, 3), (2, 2, 2)), ((1, 4, 4, 3), (2, 2, 3, 1))]
)
def test_loops_refuse_what_does_not_fit(image, kernel):
    with pytest.raises(ValueError, match="do not fit: give"):
        convolve2d_loops(np.zeros(image), np.zeros(kernel))


# The vectorised cross-correlation


def test_forward_by_hand():
    # Not turned: 1*1 + 2*5 = 11, 2 + 2*6 = 14, 4 + 2*8 = 20, 5 + 2*9 = 23, and the bias 0.5.
    x, w = IMAGE.astype(float).reshape(1, 3, 3, 1), KERNEL.astype(float).reshape(2, 2, 1, 1)
    out, _ = conv2d_forward(x, w, np.array([0.5]))
    assert out[0, :, :, 0].tolist() == [[11.5, 14.5], [20.5, 23.5]]


def test_backward_by_hand():
    x, w = IMAGE.astype(float).reshape(1, 3, 3, 1), KERNEL.astype(float).reshape(2, 2, 1, 1)
    _, cache = conv2d_forward(x, w, np.zeros(1))
    dx, dw, db = conv2d_backward(np.array([[1.0, 0], [0, 10]]).reshape(1, 2, 2, 1), cache)
    assert db.tolist() == [11]
    assert dw[:, :, 0, 0].tolist() == [[1 + 10 * 5, 2 + 10 * 6], [4 + 10 * 8, 5 + 10 * 9]]
    assert dx[0, :, :, 0].tolist() == [[1, 0, 0], [0, 2 + 10, 0], [0, 0, 20]]


@given(case=cases(), seed=seeds, dtype=dtypes, layout=layouts)
def test_forward_is_what_the_loops_say(case, seed, dtype, layout):
    x, w, b, _, stride, pad = draw(case, seed, dtype)
    kept = x.copy(), w.copy(), b.copy()
    out, _ = conv2d_forward(LAYOUTS[layout](x), LAYOUTS[layout](w), b, stride, pad)
    assert_close(out, by_loops(x, w, b, stride, pad))
    assert_close(conv2d_forward_loops(x, w, b, stride, pad)[0], out)
    assert all(np.array_equal(a, before) for a, before in zip((x, w, b), kept, strict=True))


@given(case=cases(), seed=seeds, dtype=dtypes, layout=layouts)
def test_backward_is_the_adjoint(case, seed, dtype, layout):
    x, w, b, dout, stride, pad = draw(case, seed, dtype)
    v, u = draw(case, seed + 1)[:2]
    _, cache = conv2d_forward(LAYOUTS[layout](x), LAYOUTS[layout](w), b, stride, pad)
    kept = dout.copy()
    dx, dw, db = conv2d_backward(LAYOUTS[layout](dout), cache)
    assert np.array_equal(dout, kept)
    assert (dx.dtype, dw.dtype, db.dtype) == (dtype,) * 3
    tolerance = {np.float64: 1e-12, np.float32: 1e-4}[dtype] * dout.size
    x, w, dout = (a.astype(float) for a in (x, w, dout))
    # <conv(v), dout> = <v, conv^T(dout)>, by the image and by the kernels, in directions that dx and dw never saw
    assert abs(dot(conv2d_forward(v, w, 0 * u[0, 0, 0], stride, pad)[0], dout) - dot(v, dx)) <= tolerance
    assert abs(dot(conv2d_forward(x, u, 0 * u[0, 0, 0], stride, pad)[0], dout) - dot(u, dw)) <= tolerance
    assert_close(db, dout.sum(axis=(0, 1, 2)).astype(dtype))


@given(case=cases(), seed=seeds, dtype=dtypes, layout=layouts)
def test_backward_is_what_the_loops_say(case, seed, dtype, layout):
    x, w, b, dout, stride, pad = draw(case, seed, dtype)
    expected = conv2d_backward_loops(dout, conv2d_forward_loops(x, w, b, stride, pad)[1])
    _, cache = conv2d_forward(LAYOUTS[layout](x), LAYOUTS[layout](w), b, stride, pad)
    for ours, theirs in zip(conv2d_backward(LAYOUTS[layout](dout), cache), expected, strict=True):
        assert ours.dtype == theirs.dtype == dtype
        assert_close(ours, theirs)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("way", [(conv2d_forward, conv2d_backward), (conv2d_forward_loops, conv2d_backward_loops)])
def test_gradients_are_derivatives(case, way):
    x, w, b, dout, stride, pad = draw(case)
    _, cache = way[0](x, w, b, stride, pad)
    dx, dw, db = way[1](dout, cache)
    rng = np.random.default_rng(1)
    check_gradient(lambda x: dot(conv2d_forward(x, w, b, stride, pad)[0], dout), x, dx, rng=rng)
    check_gradient(lambda w: dot(conv2d_forward(x, w, b, stride, pad)[0], dout), w, dw, rng=rng)
    check_gradient(lambda b: dot(conv2d_forward(x, w, b, stride, pad)[0], dout), b, db, rng=rng)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_against_tensorflow(case, dtype):
    from helpers.vgg19.backend import tf

    x, w, b, dout, stride, pad = draw(case, 2, dtype)
    tx, tw, tb = tf.constant(x), tf.constant(w), tf.constant(b)
    with tf.GradientTape() as tape:
        tape.watch([tx, tw, tb])
        padded = tf.pad(tx, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
        expected = tf.nn.bias_add(tf.nn.conv2d(padded, tw, stride, "VALID"), tb)
    out, cache = conv2d_forward(x, w, b, stride, pad)
    assert_close(out, expected)
    for ours, theirs in zip(conv2d_backward(dout, cache), tape.gradient(expected, [tx, tw, tb], dout), strict=True):
        assert_close(ours, theirs)


@pytest.mark.parametrize("shape", [(2, 5, 8, 4), (1, 5, 8, 3), (2, 8, 5, 4), (2, 5, 8)])
def test_backward_refuses_another_shape(shape):
    _, cache = conv2d_forward(*draw(CASES[0])[:3])
    for backward in (conv2d_backward, conv2d_backward_loops):
        with pytest.raises(ValueError, match=r"dout has the shape .* but the output had \(2, 5, 8, 4\)"):
            backward(np.zeros((*shape[:-1], 3) if shape == (2, 5, 8, 4) else shape), cache)


# Kaiming's initial weights


@pytest.mark.parametrize(("shape", "fan_in"), [((3, 5, 20, 400), 300), ((500, 200), 500)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kaiming_has_the_fan_ins_spread(shape, fan_in, dtype):
    weights = kaiming_normal(shape, rng=np.random.default_rng(0), dtype=dtype)
    assert weights.shape == shape
    assert weights.dtype == dtype
    std, count = np.sqrt(2 / fan_in), np.prod(shape)
    assert abs(weights.std() / std - 1) < 5 / np.sqrt(2 * count)  # five standard errors of a standard deviation
    assert abs(weights.mean()) < 5 * std / np.sqrt(count)


def test_kaiming_comes_from_the_generator_alone():
    first, second, other = (kaiming_normal((4, 3), rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.dtype == np.float32
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_kaiming_keeps_the_variance_of_activations():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 300))
    for _ in range(8):
        x = np.maximum(x, 0) @ kaiming_normal((300, 300), rng=rng, dtype=np.float64)
    assert 0.5 < x.std() < 1.5  # 2/n as the standard deviation, or 1/n as the variance, would be off by 2^4 and more


@pytest.mark.parametrize("shape", [(), (3,), (3, 0), (0, 3), (2.0, 3)])
def test_kaiming_refuses_a_shape_without_inputs_or_outputs(shape):
    with pytest.raises(ValueError, match="shape ends with"):
        kaiming_normal(shape, rng=np.random.default_rng(0))


def test_kaiming_names_the_two_types_that_there_are():
    with pytest.raises(ValueError, match="Weights are float32 or float64, not float16"):
        kaiming_normal((3, 4), rng=np.random.default_rng(0), dtype=np.float16)


def test_small_integers_of_numpy_do_not_wrap_round():
    assert output_size(np.uint8(224), np.uint8(3), 1, np.uint8(20)) == 262
    assert output_size(np.uint8(250), np.uint8(3), np.uint8(1), np.uint8(3)) == 254
