"""The layers: what they add to the pure functions, and the dense one's blocks."""

import numpy as np
import pytest
from checking import LAYOUTS, assert_close, check_gradient, dtypes, layouts, seeds
from hypothesis import given
from hypothesis import strategies as st

from helpers.layers import Conv2D, Dense, Flatten, MaxPool2D, ReLU


def rng(seed=0):
    return np.random.default_rng(seed)


def dense(inputs, outputs, dtype=np.float64, seed=0):
    """A dense layer whose bias is not 0."""
    layer = Dense(inputs, outputs, rng=rng(seed), dtype=dtype)
    layer.params["b"] += rng(seed + 1).standard_normal(outputs).astype(dtype)
    return layer


def all_layers(dtype=np.float64):
    return [
        (Conv2D(3, 4, (3, 2), 2, 1, rng=rng(), dtype=dtype), (2, 6, 5, 3)),
        (ReLU(), (2, 6, 5, 3)),
        (MaxPool2D(2, 1), (2, 6, 5, 3)),
        (Flatten(), (2, 6, 5, 3)),
        (dense(7, 4, dtype), (3, 7)),
    ]


IDS = ["Conv2D", "ReLU", "MaxPool2D", "Flatten", "Dense"]


# Every layer


@pytest.mark.parametrize(("layer", "shape"), all_layers(), ids=IDS)
def test_gradients_are_derivatives(layer, shape):
    x = rng(2).permutation(np.prod(shape)).reshape(shape) / 8 - 3.03  # no ties, nothing within 0.03 of 0
    out = layer.forward(x)
    dout = rng(3).standard_normal(out.shape)
    dx = layer.backward(dout)
    check_gradient(lambda x: float((layer.predict(x) * dout).sum()), x, dx, rng=rng(4))
    assert layer.grads.keys() == layer.params.keys()
    for name, param in layer.params.items():

        def loss(value, name=name):
            kept, layer.params[name] = layer.params[name], value
            result = float((layer.predict(x) * dout).sum())
            layer.params[name] = kept
            return result

        check_gradient(loss, param, layer.grads[name], rng=rng(5))


@pytest.mark.parametrize(("layer", "shape"), all_layers(), ids=IDS)
def test_the_shape_that_is_announced_is_the_one_that_comes(layer, shape):
    assert layer.output_shape(shape[1:]) == layer.forward(np.zeros(shape)).shape[1:]


@pytest.mark.parametrize(("layer", "shape"), all_layers(np.float32), ids=IDS)
def test_float32_stays_float32(layer, shape):
    out = layer.forward(rng().standard_normal(shape, dtype=np.float32))
    dx = layer.backward(out)
    assert {out.dtype, dx.dtype, *(g.dtype for g in layer.grads.values())} == {np.dtype(np.float32)}


@pytest.mark.parametrize(("layer", "shape"), all_layers(), ids=IDS)
def test_backward_before_forward_is_an_error(layer, shape):
    with pytest.raises(RuntimeError, match=f"{type(layer).__name__}.backward needs a forward pass first"):
        layer.backward(np.zeros(shape))


@pytest.mark.parametrize(("layer", "shape"), all_layers(), ids=IDS)
def test_predicting_remembers_nothing(layer, shape):
    layer.predict(np.zeros(shape))
    with pytest.raises(RuntimeError):
        layer.backward(np.zeros(shape))


@pytest.mark.parametrize(("layer", "shape"), all_layers(), ids=IDS)
def test_gradients_belong_to_the_last_backward_not_to_a_later_forward(layer, shape):
    first, second = rng(1).standard_normal(shape), rng(2).standard_normal((1, *shape[1:]))
    layer.backward(layer.forward(first))
    kept = {name: grad.copy() for name, grad in layer.grads.items()}
    layer.forward(second)
    assert all(np.array_equal(layer.grads[name], kept[name]) for name in layer.params)


# Conv2D


def test_conv_draws_its_kernels_with_the_kernels_fan_in():
    layer = Conv2D(16, 64, (5, 3), rng=rng())
    assert layer.params["w"].shape == (5, 3, 16, 64)
    assert layer.params["w"].dtype == layer.params["b"].dtype == np.float32
    assert abs(layer.params["w"].std() / np.sqrt(2 / (5 * 3 * 16)) - 1) < 0.03
    assert not layer.params["b"].any()
    assert layer.size == 5 * 3 * 16 * 64 + 64


def test_conv_takes_stride_padding_and_kernel_size():
    x = rng(1).standard_normal((2, 7, 9, 3))
    layer = Conv2D(3, 4, np.int64(3), stride=2, pad=1, rng=rng(), dtype=np.float64)
    assert layer.params["w"].shape[:2] == (3, 3)
    assert layer.forward(x).shape == (2, 4, 5, 4)
    with pytest.raises(ValueError, match=r"takes images \(H, W, 3\), not \(7, 9, 4\)"):
        layer.output_shape((7, 9, 4))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kernel_size": 0}, "kernel_size must be a whole number of at least 1, not 0"),
        ({"kernel_size": (3, 2.5)}, "kernel_size must be a whole number of at least 1, not 2.5"),
        ({"stride": 0}, "stride must be a whole number of at least 1, not 0"),
        ({"pad": -1}, "pad must be a whole number of at least 0, not -1"),
        ({"in_channels": 0}, "A weight's shape ends with"),
        ({"in_channels": 3.0}, "A weight's shape ends with"),
        ({"kernel_size": (3,)}, r"kernel_size must be one whole number or two, \(KH, KW\), not \(3,\)"),
        ({"kernel_size": (3, 3, 3)}, "kernel_size must be one whole number or two"),
        ({"dtype": np.float16}, "Weights are float32 or float64, not float16"),
    ],
)
def test_conv_refuses_at_once_what_makes_no_sense(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        Conv2D(**({"in_channels": 3, "out_channels": 4, "rng": rng()} | changes))


@pytest.mark.parametrize(("size", "stride"), [(0, 1), (2, 0), (2.0, 1), (2, -1), ((2, 3), 1)])
def test_max_pool_refuses_at_once_what_makes_no_sense(size, stride):
    with pytest.raises(ValueError, match=r"(size|stride) must be a whole number of at least 1, not"):
        MaxPool2D(size, stride)


@pytest.mark.parametrize(("inputs", "outputs"), [(5.0, 4), (5, 0), (True, 4)])
def test_dense_refuses_at_once_what_makes_no_sense(inputs, outputs):
    with pytest.raises(ValueError, match="A weight's shape ends with"):
        Dense(inputs, outputs, rng=rng())


# ReLU


def test_relu_by_hand():
    layer = ReLU()
    x = np.array([[-2.0, -0.0, 0.0, 3.0]])
    assert layer.forward(x).tolist() == [[0, 0, 0, 3]]
    assert layer.backward(np.full((1, 4), 5.0)).tolist() == [[0, 0, 0, 5]]  # the derivative at 0 is 0
    assert x.tolist() == [[-2, 0, 0, 3]]


@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=4), seed=seeds, dtype=dtypes, layout=layouts)
def test_relu_is_what_its_definition_says(shape, seed, dtype, layout):
    x, dout = rng(seed).integers(-2, 3, (2, 2, *shape)).astype(dtype)
    layer = ReLU()
    if x.ndim > 1:
        x, dout = LAYOUTS[layout](x), LAYOUTS[layout](dout)
    assert np.array_equal(layer.forward(x), np.where(x > 0, x, 0))
    assert np.array_equal(layer.backward(dout), np.where(x > 0, dout, 0))


# Flatten


def test_flatten_goes_row_by_row_and_channels_last():
    x = np.arange(2 * 3 * 4 * 2.0).reshape(2, 3, 4, 2)
    layer = Flatten()
    out = layer.forward(x)
    assert out.shape == (2, 24)
    assert out[1, (2 * 4 + 1) * 2 + 1] == x[1, 2, 1, 1]
    assert np.array_equal(layer.backward(out), x)
    assert np.array_equal(layer.forward(LAYOUTS["fortran"](x)), out)


# Dense


def test_dense_by_hand():
    layer = Dense(3, 2, rng=rng(), dtype=np.float64)
    layer.params = {"w": np.array([[1.0, 2], [3, 4], [5, 6]]), "b": np.array([10.0, 20])}
    assert layer.forward(np.array([[1.0, 0, 2], [0, 1, 1]])).tolist() == [[21, 34], [18, 30]]
    assert layer.backward(np.array([[1.0, 0], [2, 3]])).tolist() == [[1, 3, 5], [8, 18, 28]]
    assert layer.grads["w"].tolist() == [[1, 0], [2, 3], [4, 3]]
    assert layer.grads["b"].tolist() == [3, 3]


def test_dense_starts_with_the_fan_ins_spread_and_no_bias():
    layer = Dense(400, 300, rng=rng())
    assert layer.params["w"].dtype == layer.params["b"].dtype == np.float32
    assert abs(layer.params["w"].std() * np.sqrt(400) - 1) < 5 / np.sqrt(2 * 400 * 300)
    assert not layer.params["b"].any()


@given(
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 20), st.integers(1, 5)),
    seed=seeds,
    dtype=dtypes,
    layout=layouts,
)
def test_dense_is_a_matrix_product(sizes, seed, dtype, layout):
    n, inputs, outputs = sizes
    layer = dense(inputs, outputs, dtype, seed % 1000)
    x = rng(seed).standard_normal((n, inputs)).astype(dtype)
    dout = rng(seed + 1).standard_normal((n, outputs)).astype(dtype)
    w, b = (param.copy() for param in layer.params.values())
    out = layer.forward(LAYOUTS[layout](x))
    dx = layer.backward(LAYOUTS[layout](dout))
    assert_close(out, x @ w + b)
    assert_close(dx, dout @ w.T)
    assert_close(layer.grads["w"], x.T @ dout)
    assert_close(layer.grads["b"], dout.sum(axis=0))
    assert np.array_equal(layer.params["w"], w)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_dense_and_relu_against_tensorflow(dtype):
    from helpers.vgg19.backend import tf

    layer, relu = dense(50, 7, dtype), ReLU()
    x, dout = rng(1).standard_normal((4, 50)).astype(dtype), rng(2).standard_normal((4, 7)).astype(dtype)
    tx, tw, tb = (tf.constant(a) for a in (x, *layer.params.values()))
    with tf.GradientTape() as tape:
        tape.watch([tx, tw, tb])
        expected = tf.nn.relu(tx @ tw + tb)
    assert_close(relu.forward(layer.forward(x)), expected)
    dx = layer.backward(relu.backward(dout))
    for ours, theirs in zip(
        (dx, layer.grads["w"], layer.grads["b"]), tape.gradient(expected, [tx, tw, tb], dout), strict=True
    ):
        assert_close(ours, theirs)


@pytest.mark.parametrize("shape", [(7,), (3, 8), (3, 1, 7)])
def test_dense_refuses_another_shape(shape):
    with pytest.raises(ValueError, match=r"This Dense takes \(N, 7\), not"):
        dense(7, 4).forward(np.zeros(shape))
    with pytest.raises(ValueError, match=r"This Dense takes \(N, 7\), not \(None, 8\)"):
        dense(7, 4).output_shape((8,))


@pytest.mark.parametrize("shape", [(3, 5), (2, 4), (4,)])
def test_dense_refuses_another_gradients_shape(shape):
    layer = dense(7, 4)
    layer.forward(np.zeros((3, 7)))
    with pytest.raises(ValueError, match=r"but the output had \(3, 4\)"):
        layer.backward(np.zeros(shape))


# The rule by which an optimiser changes parameters


@pytest.mark.parametrize(("layer", "shape"), all_layers(), ids=IDS)
def test_a_rule_gets_every_parameter_with_its_gradient(layer, shape):
    layer.backward(layer.forward(rng(1).standard_normal(shape)))
    seen, velocity = [], {name: object() for name in layer.params}
    layer.update(lambda *given: seen.append(given), velocity)
    expected = [(layer.params[name], layer.grads[name], velocity[name]) for name in layer.params]
    assert len(seen) == len(expected)
    assert all(a is b for got, wanted in zip(seen, expected, strict=True) for a, b in zip(got, wanted, strict=True))


def test_a_rule_needs_gradients():
    with pytest.raises(RuntimeError, match="Dense has no gradients to step by: call backward first"):
        dense(3, 2).update(lambda *given: None, {})
