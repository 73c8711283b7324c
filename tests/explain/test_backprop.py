"""Explanations against networks whose answer is known in closed form, in Keras and in NumPy."""

import cv2
import numpy as np
import pytest

from helpers import explain, vgg19
from helpers.explain import keras_network
from helpers.explain.backprop import evidence_function
from helpers.layers import Conv2D, Dense, Flatten, MaxPool2D, ReLU
from helpers.network import Sequential, report_cnn
from helpers.vgg19.backend import keras, tf

SHAPE = (7, 9, 2)  # H != W
L = keras.layers


def rng(seed=0):
    return np.random.default_rng(seed)


def chain(*layers, shape=SHAPE, seed=0):
    """A Keras chain with seeded weights, biases included."""
    x = inputs = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    model = keras.Model(inputs, x)
    model.set_weights([rng(seed + k).normal(size=w.shape, scale=0.5) for k, w in enumerate(model.get_weights())])
    return model


@pytest.fixture(scope="module")
def pair():
    """One network twice, in Keras and of the layers written here, and an image."""
    model = chain(
        L.Conv2D(4, (3, 2), activation="relu", name="first"),
        L.MaxPooling2D(2, 1, name="pool"),
        L.Conv2D(3, 2, name="second"),
        L.ReLU(name="relu"),
        L.Flatten(name="flatten"),
        L.Dense(5, activation="relu", name="hidden"),
        L.Dense(3, activation="softmax", name="classes"),
    )
    new = {"rng": rng(), "dtype": np.float64}
    convs, dense = (Conv2D(2, 4, (3, 2), **new), Conv2D(4, 3, 2, **new)), (Dense(54, 5, **new), Dense(5, 3, **new))
    layers = [convs[0], ReLU(), MaxPool2D(2, 1), convs[1], ReLU(), Flatten(), dense[0], ReLU(), dense[1]]
    for ours, name in zip((*convs, *dense), ("first", "second", "hidden", "classes"), strict=True):
        weights = [w.astype(np.float64) for w in model.get_layer(name).get_weights()]
        ours.params = dict(zip("wb", weights, strict=True))
    return model, Sequential(layers), rng(9).normal(size=SHAPE)


def tape(model, x, pick):
    """d pick(model(x)) / dx by TensorFlow, unchanged."""
    x = tf.constant(x[None], tf.float32)
    with tf.GradientTape() as t:
        t.watch(x)
        y = pick(model(x))
    return t.gradient(y, x)[0].numpy()


# --- the most active neurons -----------------------------------------------------------------------------------------


def test_top_neurons_are_in_distinct_channels_strongest_first():
    a = np.zeros((2, 3, 4))
    a[1, 2, 0], a[0, 1, 0], a[0, 2, 1], a[1, 0, 3] = 5, 4, 9, 5
    assert explain.top_neurons(a, 4) == [(0, 2, 1, 9), (1, 0, 3, 5), (1, 2, 0, 5), (0, 0, 2, 0)]


def test_of_equal_neurons_the_first_in_reading_order_wins():
    assert explain.top_neurons(np.ones((3, 2, 3)), 2) == [(0, 0, 0, 1), (0, 0, 1, 1)]
    a = np.zeros((3, 2, 1))
    a[1, 1, 0] = a[2, 0, 0] = 7
    assert explain.top_neurons(a, 1) == [(1, 1, 0, 7)]


def test_top_neurons_default_to_five_and_are_plain_numbers():
    top = explain.top_neurons(rng().random((4, 5, 6), dtype=np.float32))
    assert len(top) == len({channel for *_, channel, _ in top}) == 5
    assert {type(value) for neuron in top for value in neuron} == {int, float}


@pytest.mark.parametrize(("shape", "k"), [((1, 4, 4, 8), 5), ((4, 4, 3), 4), ((4, 4, 3), 0), ((0, 4, 3), 1)])
def test_top_neurons_refuses(shape, k):
    with pytest.raises(ValueError, match=r"shape|distinct channels"):
        explain.top_neurons(np.zeros(shape), k)


# --- gradients by the pixels -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", explain.RULES)
def test_rules_in_closed_form(rule):
    """h = relu(u relu(x w)) by hand: two hidden channels, one active and one not, one weight negative."""
    model = chain(
        L.Conv2D(3, 1, activation="relu", name="h1"), L.Conv2D(1, 1, activation="relu", name="h2"), shape=(1, 2, 1)
    )
    w, u = np.array([2.0, 3.0, -5.0]), np.array([4.0, -1.0, 6.0])  # active, active, inactive for x = 1
    model.set_weights([w.reshape(1, 1, 1, 3), np.zeros(3), u.reshape(1, 1, 3, 1), np.zeros(1)])
    expected = {
        "gradient": 4 * 2 - 1 * 3,  # what is active
        "deconvnet": 4 * 2 + 6 * -5,  # what has a positive gradient
        "guided": 4 * 2,  # both
    }
    gradient = explain.guided_backprop(model, np.ones((1, 2, 1)), "h2", (0, 1, 0), rule)
    np.testing.assert_allclose(gradient[0, :, 0], [0, expected[rule]])


@pytest.mark.parametrize("rule", explain.RULES)
@pytest.mark.parametrize(
    ("name", "number", "neuron"), [("second", 3, (1, 4, 2)), ("relu", 4, (2, 0, 1)), ("hidden", 7, 3)]
)
def test_keras_and_numpy_agree(pair, rule, name, number, neuron):
    model, net, image = pair
    ours = explain.guided_backprop(net, image, number, neuron, rule)
    np.testing.assert_allclose(explain.guided_backprop(model, image, name, neuron, rule), ours, atol=1e-5)
    assert ours.shape == image.shape


def test_plain_gradient_is_tensorflows(pair):
    model, _, image = pair
    part = keras.Model(model.input, model.get_layer("second").output)
    expected = tape(part, image, lambda y: y[0, 1, 4, 2])
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(
        explain.guided_backprop(model, image, "second", (1, 4, 2), "gradient"), expected, atol=1e-6
    )


def test_the_rules_differ(pair):
    _, net, image = pair
    maps = [explain.guided_backprop(net, image, 8, 1, rule) for rule in explain.RULES]
    assert all(np.abs(a - b).max() > 1e-3 for a, b in ((maps[0], maps[1]), (maps[1], maps[2]), (maps[0], maps[2])))


def test_a_neuron_that_does_not_fire_has_no_guided_gradient(pair):
    model, net, image = pair
    out = keras.Model(model.input, model.get_layer("relu").output)(image[None])[0].numpy()
    silent = np.argwhere(out == 0)[0]
    for network, layer in ((model, "relu"), (net, 4)):
        assert not explain.guided_backprop(network, image, layer, silent).any()


def test_the_model_is_untouched_even_when_something_raises(pair):
    model, net, image = pair
    before, state = [w.copy() for w in model.get_weights()], {k: v.copy() for k, v in net.state().items()}
    functions = [getattr(layer, "activation", None) for layer in model.layers]
    logits = net.forward(image[None])
    expected = tape(model, image, lambda y: y[0, 0])
    for network, layer in ((model, "relu"), (net, 4)):
        explain.guided_grad_cam(network, image, 1, layer)
        with pytest.raises(ValueError, match="outside"):
            explain.guided_backprop(network, image, layer, (0, 0, 99))
        with pytest.raises(ValueError, match=r"shape|channels"):
            explain.guided_backprop(network, image[:, :, :1], layer, (0, 0, 0))
    assert [getattr(layer, "activation", None) for layer in model.layers] == functions
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert np.array_equal(tape(model, image, lambda y: y[0, 0]), expected)
    assert all(np.array_equal(state[k], v) for k, v in net.state().items())
    assert not any(layer.grads for layer in net.layers)
    net.backward(np.eye(3)[[0]])  # the caches of the network's own forward pass are still there
    assert np.array_equal(net.forward(image[None]), logits)


def test_one_copy_serves_many_neurons(pair):
    model, _, image = pair
    gradient = explain.gradient_function(model, "second")
    for neuron in ((0, 0, 0), (2, 5, 1)):
        assert np.array_equal(gradient(image, neuron), explain.guided_backprop(model, image, "second", neuron))


def test_one_pass_gives_every_rule_and_the_activations(pair):
    model, net, _ = pair
    images, classes = rng(4).normal(size=(5, *SHAPE)), [2, 0, 1, 1, 2]
    part = keras.Model(model.input, model.get_layer("pool").output)
    for network, layer in ((model, "pool"), (net, 2)):
        gradients, activations = evidence_function(network, explain.RULES, layer)(images, classes)
        np.testing.assert_allclose(activations, part(images), atol=1e-5)
        for gradient, rule in zip(gradients, explain.RULES, strict=True):
            np.testing.assert_allclose(
                gradient, explain.class_gradients(network, images, classes, rule), rtol=1e-5, atol=1e-6
            )
    with pytest.raises(ValueError, match="behind the class scores"):
        evidence_function(chain(L.Flatten(), L.Dense(3), L.Softmax()), ["guided"], 3)


@pytest.mark.parametrize("rule", explain.RULES)
def test_a_network_deepened_by_an_identity_keeps_its_gradients(rule):
    """One identity is left out, behind a ReLU; one must stay, since what comes before it may be negative."""
    convolution = {"padding": "same", "activation": "relu"}
    first, last = L.Conv2D(4, 3, padding="same"), L.Conv2D(3, (3, 1), **convolution)
    deep = chain(
        first, L.Conv2D(4, 3, name="kept", **convolution), L.Conv2D(4, 3, name="left out", **convolution), last
    )
    weights = deep.get_weights()
    weights[2:6] = [vgg19.identity_kernel((3, 3, 4, 4)), np.zeros(4)] * 2
    deep.set_weights(weights)
    flat = chain(first_copy := L.Conv2D(4, 3, **convolution), L.Conv2D(3, (3, 1), **convolution))
    flat.set_weights(weights[:2] + weights[6:])
    image = rng(9).normal(size=SHAPE)
    assert (keras.Model(deep.input, first.output)(image[None]).numpy() < 0).any()
    for layer, same in ((last, 2), (deep.get_layer("left out"), first_copy)):
        output = keras.Model(deep.input, layer.output)(image[None])[0].numpy()
        neuron = np.unravel_index(output.argmax(), output.shape)
        ours = explain.guided_backprop(deep, image, layer, neuron, rule)
        assert ours.any()
        np.testing.assert_allclose(ours, explain.guided_backprop(flat, image, same, neuron, rule), atol=1e-6)


@pytest.mark.parametrize("rule", explain.RULES)
def test_many_images_at_once_are_asked_one_by_one(pair, rule):
    model, net, _ = pair
    images, classes = rng(4).normal(size=(5, *SHAPE)), [2, 0, 1, 1, 2]
    for network, scores in ((model, chain_scores(model)), (net, net)):
        together = explain.class_gradients(network, images, classes, rule, batch_size=2)  # compiled, in Keras
        assert together.shape == images.shape
        last = len(scores.layers) - 1
        for image, c, gradient in zip(images, classes, together, strict=True):
            np.testing.assert_allclose(gradient, explain.guided_backprop(scores, image, last, c, rule), atol=1e-5)


def test_many_maps_at_once_are_those_of_each_image(pair):
    model, net, _ = pair
    images, classes = rng(4).normal(size=(5, *SHAPE)), [2, 0, 1, 1, 2]
    part = keras.Model(model.input, model.get_layer("pool").output)
    for network, layer in ((model, "pool"), (net, 2)):
        together = explain.class_maps(network, part(images).numpy(), classes, layer)
        assert together.max() > 0
        for image, c, small in zip(images, classes, together, strict=True):
            np.testing.assert_allclose(small, explain.class_map(network, image, c, layer), rtol=1e-3, atol=1e-6)


# --- Grad-CAM --------------------------------------------------------------------------------------------------------


def pooled_linear(last):
    model = chain(L.Conv2D(4, 3, activation="relu", name="a"), L.GlobalAveragePooling2D(), *last)
    image = rng(3).normal(size=SHAPE)
    a = keras.Model(model.input, model.get_layer("a").output)(image[None])[0].numpy()
    return model, image, a, model.get_weights()[2]


@pytest.mark.parametrize("last", ["softmax inside", "softmax layer", "activation layer", "scores"])
@pytest.mark.parametrize("c", [0, 2])
def test_average_pooling_and_a_linear_layer(last, c):
    """There y_c = sum_k w_kc mean(A_k), so the map is ReLU(sum_k w_kc A_k) / (H W) exactly: Zhou et al. (2016)."""
    layers = {
        "softmax inside": [L.Dense(3, activation="softmax")],
        "softmax layer": [L.Dense(3), L.Softmax()],
        "activation layer": [L.Dense(3), L.Activation("softmax")],
        "scores": [L.Dense(3)],
    }
    model, image, a, w = pooled_linear(layers[last])
    expected = np.maximum(a @ w[:, c], 0) / (a.shape[0] * a.shape[1])
    assert expected.max() > 0
    np.testing.assert_allclose(explain.class_map(model, image, c, "a"), expected, rtol=1e-4, atol=1e-6)
    full = cv2.resize(expected.astype(np.float32), (SHAPE[1], SHAPE[0]), interpolation=cv2.INTER_LINEAR)
    heat = explain.grad_cam(model, image, c, "a")
    assert heat.dtype == np.float32
    np.testing.assert_allclose(heat, full / full.max(), rtol=1e-4, atol=1e-6)
    assert heat.max() == 1


def test_grad_cam_of_both_kinds_agrees_with_the_definition(pair):
    model, net, image = pair
    a = keras.Model(model.input, model.get_layer("pool").output)(image[None])[0].numpy()
    pre = keras.Sequential(model.layers[3:-1])
    w, b = model.get_layer("classes").get_weights()
    for c in range(3):
        da = tape(lambda x: pre(x) @ w + b, a, lambda y, c=c: y[0, c])
        expected = np.maximum((a * da.mean(axis=(0, 1))).sum(axis=2), 0)
        np.testing.assert_allclose(explain.class_map(model, image, c, "pool"), expected, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(explain.class_map(net, image, c, 2), expected, rtol=1e-4, atol=1e-6)


def test_nothing_for_the_class_is_zero_everywhere():
    model, image, _, _ = pooled_linear([L.Dense(2)])
    weights = model.get_weights()
    weights[2][:, 1] = -np.abs(weights[2][:, 1])
    model.set_weights(weights)
    heat = explain.grad_cam(model, image, 1, "a")
    assert heat.shape == SHAPE[:2]
    assert not heat.any()


def test_the_relu_comes_before_the_scaling():
    """A map with large negative values: scaling by the largest magnitude first would give a peak below 1."""
    model = chain(L.Conv2D(1, 1, name="a"), L.GlobalAveragePooling2D(), L.Dense(2), shape=(1, 3, 1))
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1), np.array([[1.0, -1.0]]), np.zeros(2)])
    image = np.array([-8.0, 1.0, 2.0]).reshape(1, 3, 1)
    assert explain.grad_cam(model, image, 0, "a").tolist() == [[0, 0.5, 1]]
    assert explain.grad_cam(model, image, 1, "a").tolist() == [[1, 0, 0]]


def test_guided_grad_cam_is_the_product(pair):
    for network, layer, image in ((pair[0], "relu", pair[2]), (pair[1], 4, pair[2])):
        scores = chain_scores(pair[0]) if network is pair[0] else network
        guided = explain.guided_backprop(scores, image, len(scores.layers) - 1, 2)
        heat = explain.grad_cam(network, image, 2, layer)
        product = explain.guided_grad_cam(network, image, 2, layer)
        assert np.abs(product).max() > 0
        np.testing.assert_allclose(product, guided * heat[..., None], atol=1e-6)


def chain_scores(model):
    """The same network with the scores as its output."""
    last = L.Dense(3, name="scores")
    scores = keras.Model(model.input, last(model.layers[-2].output))
    last.set_weights(model.layers[-1].get_weights())
    return scores


def test_the_report_network_takes_uint8():
    net = report_cnn(12, 2, rng=rng())
    image = rng().integers(0, 256, (12, 12, 3), dtype=np.uint8)
    scaled = image / np.float32(255)
    assert np.array_equal(explain.grad_cam(net, image, 0, 4), explain.grad_cam(net, scaled, 0, 4))
    assert np.array_equal(
        explain.guided_backprop(net, image, 4, (1, 2, 3)), explain.guided_backprop(net, scaled, 4, (1, 2, 3))
    )


def test_dropout_is_off():
    model = chain(L.Conv2D(8, 1, name="a"), L.Dropout(0.9), L.GlobalAveragePooling2D(), L.Dense(2))
    image = rng().normal(size=SHAPE)
    assert np.array_equal(*(explain.class_map(model, image, 0, "a") for _ in range(2)))


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda m, n, x: explain.grad_cam(m, x, 3, "relu"), "no class 3"),
        (lambda m, n, x: explain.grad_cam(m, x, -1, "relu"), "no class -1"),
        (lambda m, n, x: explain.grad_cam(n, x, 3, 4), "no class 3"),
        (lambda m, n, x: explain.grad_cam(m, x, 0, "conv9"), "no layer 'conv9'"),
        (lambda m, n, x: explain.grad_cam(n, x, 0, 9), "no layer 9"),
        (lambda m, n, x: explain.grad_cam(m, x, 0, "hidden"), "rows and columns"),
        (lambda m, n, x: explain.grad_cam(n, x, 0, 6), "rows and columns"),
        (lambda m, n, x: explain.guided_backprop(m, x, "conv9", (0, 0, 0)), "no layer 'conv9'"),
        (lambda m, n, x: explain.guided_backprop(m, x, "relu", (3, 0, 0)), "outside"),
        (lambda m, n, x: explain.guided_backprop(n, x, 4, (0, -1, 0)), "outside"),
        (lambda m, n, x: explain.guided_backprop(n, x, 4, (0, 0)), "outside"),
        (lambda m, n, x: explain.guided_backprop(n, x, 4, (0.5, 0, 0)), r"\(0.5, 0.0, 0.0\) is outside"),
        (lambda m, n, x: explain.guided_backprop(n, x, 4, (0, 0, np.nan)), "outside"),
        (lambda m, n, x: explain.guided_backprop(n, x, 4, ("0", "0", "0")), "outside"),
        (lambda m, n, x: explain.guided_backprop(m, x, "relu", (0, 0, 0), "relu"), "rule is one of"),
        (lambda m, n, x: explain.guided_backprop(m, x[None], "relu", (0, 0, 0)), "without a batch axis"),
        (lambda m, n, x: explain.guided_backprop(m, x[1:], "relu", (0, 0, 0)), "takes an image of shape"),
        (lambda m, n, x: explain.class_map(n, x[..., 0], 0, 4), "without a batch axis"),
        (lambda m, n, x: explain.class_gradients(m, x, [0]), "a class for each"),
        (lambda m, n, x: explain.class_gradients(n, x[None], [0, 1]), "a class for each"),
        (lambda m, n, x: explain.class_gradients(m, x[None], [3]), "no class 3"),
        (lambda m, n, x: explain.class_gradients(n, x[None], [0], "relu"), "rule is one of"),
        (lambda m, n, x: explain.class_maps(m, np.zeros((1, 5)), [0], "hidden"), "rows and columns"),
    ],
)
def test_wrong_questions_get_a_sentence(pair, ask, says):
    with pytest.raises(ValueError, match=says):
        ask(*pair)


def test_layers_that_are_not_a_chain_are_refused():
    x = inputs = keras.Input((4, 4, 2))
    x = L.Add()([L.Conv2D(2, 1)(x), L.Conv2D(2, 1)(x)])
    model = keras.Model(inputs, L.Dense(2)(L.GlobalAveragePooling2D()(x)))
    with pytest.raises(ValueError, match="only such can be explained"):
        explain.grad_cam(model, np.zeros((4, 4, 2)), 0, 1)


# --- ties, other activations, models within models -------------------------------------------------------------------


def test_a_tie_in_global_pooling_sends_deconvnets_gradient_to_one_place():
    """A channel that is 0 everywhere has its maximum everywhere: the first place alone is asked for, by every rule."""
    model = chain(L.Conv2D(2, 1, activation="relu"), L.GlobalMaxPooling2D(), L.Dense(2), L.Softmax(), shape=(3, 4, 1))
    kernel = np.array([2.0, -3.0]).reshape(1, 1, 1, 2)
    model.set_weights([kernel, np.zeros(2), np.array([[1.0, 0], [5, 0]]), np.zeros(2)])
    image = np.ones((3, 4, 1))
    image[1, 2] = 4
    expected = np.zeros((3, 4))
    expected[1, 2], expected[0, 0] = 2, -15
    found = explain.class_gradients(model, image[None], [0], "deconvnet")[0, ..., 0]
    np.testing.assert_allclose(found, expected)
    expected[0, 0] = 0
    np.testing.assert_allclose(explain.class_gradients(model, image[None], [0], "guided")[0, ..., 0], expected)


@pytest.mark.parametrize("keepdims", [True, False])
def test_global_pooling_keeps_its_shape(keepdims):
    model = chain(L.Conv2D(3, 2), L.GlobalMaxPooling2D(keepdims=keepdims), L.Flatten(), L.Dense(2))
    image = rng(5).normal(size=SHAPE)
    expected = tape(model, image, lambda y: y[0, 1])
    np.testing.assert_allclose(explain.class_gradients(model, image[None], [1])[0], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (L.Conv2D(3, 2, activation="relu6", name="other"), "relu6"),
        (L.Conv2D(3, 2, activation="tanh", name="other"), "tanh"),
        (L.ReLU(6.0, name="other"), "ReLU"),
        (L.ReLU(0.0, name="other"), "ReLU"),
        (L.LeakyReLU(name="other"), "LeakyReLU"),
        (L.Activation("elu", name="other"), "elu"),
    ],
)
def test_rules_for_relu_are_refused_where_there_are_others(layer, name):
    model = chain(L.Conv2D(3, 2, activation="relu"), layer, L.GlobalAveragePooling2D(), L.Dense(2, name="scores"))
    image = rng(5).normal(size=SHAPE)
    for ask in (explain.guided_grad_cam, lambda m, x, c, at: explain.guided_backprop(m, x, "scores", c, "deconvnet")):
        with pytest.raises(ValueError, match=rf"for ReLU, and this network has other \({name}\): take the rule 'grad"):
            ask(model, image, 1, 1)
    explain.guided_backprop(model, image, 1, (1, 1, 1))  # before it, all is ReLU
    plain = explain.class_gradients(model, image[None], [1])[0]
    np.testing.assert_allclose(plain, tape(model, image, lambda y: y[0, 1]), rtol=1e-4, atol=1e-6)
    assert explain.grad_cam(model, image, 1, 1).shape == SHAPE[:2]


def test_a_score_behind_a_sigmoid_is_the_one_before_it():
    model = chain(L.Conv2D(3, 2, activation="relu"), L.GlobalAveragePooling2D(), L.Dense(2, activation="sigmoid"))
    scores = chain(L.Conv2D(3, 2, activation="relu"), L.GlobalAveragePooling2D(), L.Dense(2))
    scores.set_weights(model.get_weights())
    image = rng(5).normal(size=SHAPE)
    for rule in explain.RULES:
        found, same = (explain.class_gradients(m, image[None], [1], rule) for m in (model, scores))
        assert found.any()
        np.testing.assert_allclose(found, same, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("rule", explain.RULES)
def test_a_network_within_another_is_opened(rule):
    inner = chain(L.Conv2D(4, 3, activation="relu", name="deep"), L.MaxPooling2D(2, 1, name="pool"))
    middle = keras.Sequential([keras.Input(SHAPE), inner, L.Conv2D(3, 2, activation="relu", name="last")])
    x = inputs = keras.Input(SHAPE)
    for layer in (middle, L.GlobalMaxPooling2D(), L.Dense(3, activation="softmax")):
        x = layer(x)
    outer = keras.Model(inputs, x)
    flat = chain(
        L.Conv2D(4, 3, activation="relu", name="deep"),
        L.MaxPooling2D(2, 1, name="pool"),
        L.Conv2D(3, 2, activation="relu", name="last"),
        L.GlobalMaxPooling2D(),
        L.Dense(3, activation="softmax"),
    )
    outer.set_weights(flat.get_weights())
    image = rng(9).normal(size=SHAPE)
    assert [explain.layer_index(outer, name) for name in ("deep", "pool", "last")] == [1, 2, 3]
    for name in ("deep", "pool", "last"):
        assert explain.geometry(outer, name) == explain.geometry(flat, name)
        np.testing.assert_allclose(
            explain.class_map(outer, image, 1, name), explain.class_map(flat, image, 1, name), rtol=1e-5, atol=1e-7
        )
    found, same = (explain.guided_backprop(m, image, "last", (2, 1, 0), rule) for m in (outer, flat))
    np.testing.assert_allclose(found, same, atol=1e-6)
    drawn = explain.randomisation_test(outer, lambda m: np.zeros((11, 11)), rng=rng())
    assert drawn.stages[1:] == (outer.layers[-1].name, "last", "deep")


def test_layers_that_stand_in_several_models_are_found():
    model = chain(L.Conv2D(4, 3, activation="relu", name="deep"), L.GlobalMaxPooling2D(name="pooled"), L.Dense(3))
    part = vgg19.tail(model, "deep")
    again = keras.Model(model.input, model.layers[-1](model.get_layer("pooled").output))
    image = rng(9).normal(size=SHAPE)
    a = keras.Model(model.input, model.get_layer("deep").output)(image[None])[0].numpy()
    np.testing.assert_allclose(
        explain.class_gradients(part, a[None], [1])[0], tape(part, a, lambda y: y[0, 1]), rtol=1e-5, atol=1e-7
    )
    assert np.array_equal(explain.class_map(again, image, 1, "deep"), explain.class_map(model, image, 1, "deep"))


def test_a_copy_does_not_change_with_the_model():
    model = chain(L.Conv2D(4, 3, activation="relu"), L.Conv2D(2, 1, name="linear"))
    image = rng(9).normal(size=SHAPE)
    gradient = explain.gradient_function(model, "linear", "gradient")
    before = gradient(image, (1, 1, 1))
    model.set_weights([2 * w for w in model.get_weights()])
    assert before.any()
    assert np.array_equal(gradient(image, (1, 1, 1)), before)


@pytest.mark.parametrize("name", ["image", "block1_conv1", "block2_pool", "block5_conv4", "block5_pool"])
def test_every_layer_of_vgg19_with_rows_and_columns_can_be_explained(small_vgg, name):
    image = vgg19.preprocess(rng().integers(0, 256, (1, 32, 32, 3), dtype=np.uint8))
    height, width = vgg19.features(small_vgg, image + 100, name).shape[1:3]
    assert explain.class_map(small_vgg, image[0], 1, name).shape == (height, width)
    gradient = explain.guided_backprop(small_vgg, image[0], name, (height // 2, width // 2, 1))
    assert gradient.shape == image[0].shape
    assert explain.geometry(small_vgg, name) == explain.geometry(small_vgg, explain.layer_index(small_vgg, name))


@pytest.mark.parametrize("name", ["pooled", "hidden", "logits", "softmax"])
def test_the_others_are_refused_before_anything_is_computed(small_vgg, name, monkeypatch):
    monkeypatch.setattr(keras_network, "_run", None)
    with pytest.raises(ValueError, match="rows and columns"):
        explain.class_map(small_vgg, np.zeros((32, 32, 3)), 1, name)
    with pytest.raises(ValueError, match="rows and columns"):
        explain.geometry(small_vgg, name)


@pytest.fixture(scope="module")
def small_vgg():
    return vgg19.add_head(vgg19.build("bundled", (32, 32, 3)), 3, seed=0)
