"""Every layer, whole networks and the explanations, in drawn cases, against independent truth.

The truth is the definition of a derivative, the adjoint identity, and TensorFlow's own operations: networks and the
published rules are written down once more here, with nothing of `helpers` but the weights.
"""

from functools import partial

import numpy as np
import pytest
from checking import LAYOUTS, assert_close, check_gradient, dtypes, layouts, seeds
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers import explain
from helpers.engine.fused import fused_backward, fused_forward
from helpers.network import Conv2D, Dense, Flatten, MaxPool2D, ReLU, Sequential, report_cnn, softmax_cross_entropy
from helpers.vgg19.backend import tf

sizes = st.integers(1, 8)


@st.composite
def convolutions(draw, shape, dtype):
    kernel, pad = (draw(st.integers(1, 4)), draw(st.integers(1, 4))), draw(st.integers(0, 2))
    assume(all(k <= n + 2 * pad for k, n in zip(kernel, shape, strict=False)))
    rng = np.random.default_rng(draw(seeds))
    layer = Conv2D(shape[2], draw(st.integers(1, 3)), kernel, draw(st.integers(1, 3)), pad, rng=rng, dtype=dtype)
    layer.params["b"] += rng.standard_normal(layer.params["b"].shape).astype(dtype)
    return layer


@st.composite
def pools(draw, shape, dtype):
    return MaxPool2D(draw(st.integers(1, min(3, *shape[:2]))), draw(st.integers(1, 3)))


@st.composite
def denses(draw, shape, dtype):
    rng = np.random.default_rng(draw(seeds))
    layer = Dense(*shape, draw(st.integers(1, 5)), rng=rng, dtype=dtype)
    layer.params["b"] += rng.standard_normal(layer.params["b"].shape).astype(dtype)
    return layer


KINDS = {
    "Conv2D": convolutions,
    "ReLU": lambda shape, dtype: st.just(ReLU()),
    "MaxPool2D": pools,
    "Flatten": lambda shape, dtype: st.just(Flatten()),
    "Dense": denses,
}
every_kind = pytest.mark.parametrize("kind", KINDS)


@st.composite
def cases(draw, kind, dtypes=dtypes):
    """A layer, its input x with numbers 1/8 apart and none within 1/32 of 0, and dout; any layout in memory."""
    dtype = draw(dtypes)
    shape = (draw(st.integers(1, 20)),) if kind == "Dense" else (draw(sizes), draw(sizes), draw(st.integers(1, 3)))
    layer, rng = draw(KINDS[kind](shape, dtype)), np.random.default_rng(draw(seeds))
    count = draw(st.integers(1, 3))
    numbers = rng.permutation(count * int(np.prod(shape))).reshape(count, *shape)
    x = ((numbers - numbers.size // 2 + 0.25) / 8).astype(dtype)
    dout = rng.standard_normal((count, *layer.output_shape(shape))).astype(dtype)
    return layer, LAYOUTS[draw(layouts)](x), LAYOUTS[draw(layouts)](dout)


def in_tensorflow(layer, x, w=None, b=None, relu=tf.nn.relu):
    """The layer's operation by TensorFlow, on its sizes alone."""
    if isinstance(layer, Conv2D):
        padded = tf.pad(x, [[0, 0], [layer.pad] * 2, [layer.pad] * 2, [0, 0]])
        return tf.nn.conv2d(padded, w, layer.stride, "VALID") + b
    if isinstance(layer, MaxPool2D):
        return tf.nn.max_pool2d(x, layer.window, layer.stride, "VALID")
    if isinstance(layer, Dense):
        return x @ w + b
    return relu(x) if isinstance(layer, ReLU) else tf.reshape(x, (len(x), -1))


def tensors(layer):
    return [tf.constant(param) for param in layer.params.values()]


# Every layer


@every_kind
@given(data=st.data())
def test_a_layer_is_tensorflows_forward_and_backward(kind, data):
    layer, x, dout = data.draw(cases(kind))
    tx, params, kept = tf.constant(x), tensors(layer), (x.copy(), dout.copy())
    with tf.GradientTape() as tape:
        tape.watch([tx, *params])
        expected = in_tensorflow(layer, tx, *params)
    by_x, *by_params = tape.gradient(expected, [tx, *params], tf.constant(dout))
    assert_close(layer.forward(x), expected)
    assert_close(layer.backward(dout), by_x)
    for name, theirs in zip(layer.params, by_params, strict=True):
        assert_close(layer.grads[name], theirs)
    assert np.array_equal(x, kept[0])
    assert np.array_equal(dout, kept[1])


@every_kind
@given(data=st.data())
def test_a_layers_gradients_are_derivatives(kind, data):
    layer, x, dout = data.draw(cases(kind, st.just(np.float64)))
    layer.forward(x)
    dx, grads, rng = layer.backward(dout), dict(layer.grads), np.random.default_rng(0)

    def loss(**given):
        kept = layer.params
        layer.params = kept | {name: value for name, value in given.items() if name != "x"}
        out = layer.forward(given.get("x", x))
        layer.params = kept
        return float((out * dout).sum())

    # What is linear has no curve, whatever the step; elsewhere it crosses no kink.
    options = {"rng": rng, "elements": 10, "h": 1e-3 if kind in ("ReLU", "MaxPool2D") else 0.5}
    check_gradient(lambda value: loss(x=value), np.array(x), dx, **options)
    for name, param in layer.params.items():
        check_gradient(lambda value, name=name: loss(**{name: value}), param, grads[name], **options)


@every_kind
@given(data=st.data())
def test_a_layers_backward_is_its_adjoint(kind, data):
    """<J v, dout> = <v, J^T dout> for any v: a layer is linear where no maximum and no sign changes, its bias aside."""
    layer, x, dout = data.draw(cases(kind, st.just(np.float64)))
    v = np.random.default_rng(data.draw(seeds)).standard_normal(x.shape)
    step = 0.01 / np.abs(v).max()
    moved, out = layer.forward(x + step * v), layer.forward(x)
    forward = float(((moved - out) / step * dout).sum())
    back = float((v * layer.backward(dout)).sum())
    assert abs(forward - back) <= 1e-10 * max(1, np.linalg.norm(v) * np.linalg.norm(dout))


# Networks


@st.composite
def networks(draw):
    """Convolutions, ReLU and pooling in any order, one dense layer or two; the size of an input; a batch."""
    dtype, layers = draw(dtypes), []
    first = shape = draw(st.integers(3, 12)), draw(st.integers(3, 12)), draw(st.integers(1, 3))
    for kind in draw(st.lists(st.sampled_from(["Conv2D", "ReLU", "MaxPool2D"]), max_size=6)):
        layers.append(draw(KINDS[kind](shape, dtype)))
        shape = layers[-1].output_shape(shape)
    layers += [Flatten(), draw(denses((int(np.prod(shape)),), dtype))]
    if draw(st.booleans()):
        layers += [ReLU(), draw(denses(layers[-1].params["b"].shape, dtype))]
    rng, count = np.random.default_rng(draw(seeds)), draw(st.integers(1, 4))
    x = LAYOUTS[draw(layouts)](rng.standard_normal((count, *first)).astype(dtype))
    return Sequential(layers, first), x, rng.integers(0, layers[-1].params["b"].size, count)


def by_tensorflow(model, x, labels):
    """logits, loss, gradient by x, and by the weights by name, of the same layers in TensorFlow."""
    tx, params = tf.constant(x), [tensors(layer) for layer in model.layers]
    with tf.GradientTape() as tape:
        tape.watch([tx, params])
        out = tx
        for layer, weights in zip(model.layers, params, strict=True):
            out = in_tensorflow(layer, out, *weights)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, out))
    by_x, by_params = tape.gradient(loss, [tx, params])
    names = [(k, name) for k, layer in enumerate(model.layers) for name in layer.params]
    return out, loss, by_x, dict(zip(names, tf.nest.flatten(by_params), strict=True))


def check_network(model, x, labels, scale):
    expected, expected_loss, by_x, by_params = by_tensorflow(model, x, labels)
    logits = model.forward(x)
    loss, dlogits = softmax_cross_entropy(logits, labels)
    assert_close(logits, expected)
    assert_close(np.array(loss, x.dtype), expected_loss)
    assert_close(model.predict(x), logits)
    assert_close(model.backward(dlogits), by_x, scale=scale)
    for (k, name), theirs in by_params.items():
        assert_close(model.layers[k].grads[name], theirs, scale=scale)


@given(case=networks())
def test_a_drawn_network_is_tensorflows(case):
    check_network(*case, scale=1)


@pytest.mark.parametrize("rising", [1, -1])
def test_in_a_network_too_the_first_maximum_of_a_row_wins(rising):
    """The picture changes from row to row only, so each window's maximum stands twice, side by side."""
    rng, conv = np.random.default_rng(0), Conv2D(2, 3, rng=np.random.default_rng(1), dtype=np.float64)
    conv.params["w"] = np.abs(conv.params["w"])
    model = Sequential([conv, ReLU(), MaxPool2D(2, 1)])
    x = np.broadcast_to(np.arange(1.0, 9)[::rising, None, None], (1, 8, 7, 2)).copy()
    dout = rng.random(model.forward(x).shape)
    dconv = np.zeros((1, 6, 5, 3))
    dconv[:, 1:, :-1] = dout  # of the lower row, which is the larger one, the left pixel
    if rising < 0:
        dconv = np.roll(dconv, -1, axis=1)
    conv.forward(x)
    expected = conv.backward(dconv)
    assert_close(model.backward(dout), expected)
    in_one_go = fused_forward(x, *conv.params.values())[1]
    assert_close(fused_backward(dout, in_one_go)[0], expected)


@pytest.mark.parametrize("size", [11, 24])
def test_the_report_networks_gradient_is_tensorflows(size):
    rng = np.random.default_rng(size)
    model = report_cnn(size, 4, rng=rng, dtype=np.float64)
    check_network(model, rng.random((3, size, size, 3)), np.array([3, 0, 2]), scale=0)


# Explanations


def published(rule):
    """ReLU with the backward pass of the rule: R_i = (f_i > 0) (R_{i+1} > 0) R_{i+1}, Springenberg et al. (2015)."""

    @tf.custom_gradient
    def relu(x):
        active = tf.cast(x > 0, x.dtype)

        def pull(r):
            positive = tf.cast(r > 0, r.dtype)
            return {"gradient": active * r, "deconvnet": positive * r, "guided": active * positive * r}[rule]

        return active * x, pull

    return relu


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(3)
    model = report_cnn(14, 3, rng=rng, dtype=np.float64)
    for layer in model.layers:
        if layer.params:
            layer.params["b"] += 0.1 * rng.standard_normal(layer.params["b"].shape)
    return model, rng.random((14, 14, 3))


def in_keras(model):
    """The same network as a Keras model in float32."""
    from helpers.vgg19.backend import keras

    pooling = partial(keras.layers.MaxPooling2D, 2, 1)
    others = {ReLU: keras.layers.ReLU, Flatten: keras.layers.Flatten, MaxPool2D: pooling}
    x = inputs = keras.Input(model.input_shape)
    for layer in model.layers:
        sizes = [param.shape for param in layer.params.values()]
        if isinstance(layer, Conv2D):
            x = keras.layers.Conv2D(sizes[0][3], sizes[0][:2])(x)
        elif isinstance(layer, Dense):
            x = keras.layers.Dense(sizes[1][0])(x)
        else:
            x = others[type(layer)]()(x)
    twin = keras.Model(inputs, x)
    twin.set_weights(list(model.state().values()))
    return twin


@given(
    rule=st.sampled_from(list(explain.RULES)),
    last=st.sampled_from(range(10)),
    seed=seeds,
)
def test_guided_backprop_is_the_published_rule(network, rule, last, seed):
    model, image = network
    place = np.random.default_rng(seed)
    with tf.GradientTape() as tape:
        tx = tf.constant(image[None])
        tape.watch(tx)
        out = tx
        for layer in model.layers[: last + 1]:
            out = in_tensorflow(layer, out, *tensors(layer), relu=published(rule))
        neuron = tuple(int(place.integers(n)) for n in out.shape[1:])
        value = out[(0, *neuron)]
    expected = tape.gradient(value, tx)[0].numpy()
    assert_close(explain.guided_backprop(model, image, last, neuron, rule), expected, scale=0)


@pytest.mark.parametrize("rule", explain.RULES)
@pytest.mark.parametrize("last", [4, 7, 9])
def test_both_kinds_of_network_follow_the_published_rule(network, rule, last):
    model, image = network
    neuron = (3, 2, 5)[: 3 if last == 4 else 1] if last < 9 else (1,)
    ours = explain.guided_backprop(model, image, last, neuron, rule)
    theirs = explain.guided_backprop(in_keras(model), image.astype(np.float32), last + 1, neuron, rule)
    assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(ours).max()


@pytest.mark.parametrize("last", [0, 1, 2, 3, 4, 5])
def test_grad_cam_is_the_published_rule(network, last):
    """alpha_k = 1/Z sum_ij dy/dA_ij^k, L = ReLU(sum_k alpha_k A^k): Selvaraju et al. (2017), equations 1 and 2."""
    model, image = network
    a = tf.constant(image[None])
    for layer in model.layers[: last + 1]:
        a = in_tensorflow(layer, a, *tensors(layer))
    peaks, twin = [], in_keras(model)
    for c in range(3):
        with tf.GradientTape() as tape:
            tape.watch(a)
            scores = a
            for layer in model.layers[last + 1 :]:
                scores = in_tensorflow(layer, scores, *tensors(layer))
            y = scores[0, c]
        alpha = tf.reduce_mean(tape.gradient(y, a), axis=(1, 2), keepdims=True)
        expected = tf.nn.relu(tf.reduce_sum(alpha * a, axis=3))[0].numpy()
        peaks.append(expected.max())
        scale = float(np.abs(alpha * a).sum(axis=3).max())  # terms of both signs cancel
        assert_close(explain.class_map(model, image, c, last), expected, scale=scale)
        theirs = explain.class_map(twin, image.astype(np.float32), c, last + 1)
        assert np.abs(theirs - expected).max() <= 1e-5 * scale
    assert max(peaks) > 0
