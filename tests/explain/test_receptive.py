"""Receptive fields against the support of a gradient: with positive weights no pixel that counts can cancel out."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import explain
from helpers.layers import Conv2D, Flatten, MaxPool2D, ReLU
from helpers.network import Sequential, report_cnn
from helpers.vgg19.backend import keras

VGG19 = [layer for count in (2, 2, 4, 4, 4) for layer in [(3, 1, 1)] * count + [(2, 2, 0)]]


def test_by_hand():
    assert explain.receptive_field([], 3, 4) == (3, 4, 4, 5)
    assert explain.receptive_field([(3, 1, 0)], 2, 5) == (2, 5, 5, 8)
    assert explain.receptive_field([(3, 2, 1)], 0, 1) == (-1, 1, 2, 4)
    assert explain.receptive_field([(2, 2, 0), (3, 1, 1)], 1, 0) == (0, -2, 6, 4)
    assert explain.receptive_field([((3, 5), (1, 2), (0, 1))], 1, 1) == (1, 1, 4, 6)


IMPOSSIBLE = [
    (0, 1, 0),
    (3, 0, 0),
    (3, 1, -1),
    (2.0, 1, 0),
    (3, 1),
    (3, 1, 0, 0),
    ((3, 3, 3), 1, 0),
    ((3, 0), 1, 0),
    (),
]


@pytest.mark.parametrize("layer", IMPOSSIBLE)
def test_a_layer_that_cannot_be_is_refused(layer):
    said = rf"A layer is \(kernel, stride, pad\), .* pad at least 0, not {re.escape(repr(layer))}"
    for ask in (
        lambda: explain.receptive_field([(3, 1, 0), layer], 0, 0),
        lambda: explain.field_size([layer]),
        lambda: explain.field_on_image([layer], 0, 0, 9, 9),
    ):
        with pytest.raises(ValueError, match=said):
            ask()


@pytest.mark.parametrize("at", [0.5, -1, 1.0, None, "1"])
def test_a_neuron_that_cannot_be_is_refused(at):
    for name, place in (("row", (at, 0)), ("column", (0, at))):
        with pytest.raises(ValueError, match=f"The {name} of a neuron is a whole number from 0, not {at!r}"):
            explain.receptive_field([(3, 1, 0)], *place)


def test_numpys_integers_are_whole_numbers():
    three, one, zero = np.int64(3), np.uint8(1), np.int32(0)
    assert explain.receptive_field([((three, 5), one, zero)], np.int64(2), np.int16(4)) == (2, 4, 5, 9)


def test_vgg19_and_the_own_network():
    block5_conv4 = VGG19[:-1]
    assert explain.field_size(block5_conv4) == (252, 16, 118)
    assert explain.receptive_field(block5_conv4, 0, 0) == (-118, -118, 134, 134)
    assert explain.receptive_field(block5_conv4, 13, 2) == (90, -86, 342, 166)
    assert explain.field_size(explain.geometry(report_cnn(16, 2, rng=np.random.default_rng(0)), 3)) == (6, 1, 0)


triples = st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(0, 1))


@given(st.lists(triples, min_size=1, max_size=3), st.booleans(), st.data())
def test_the_field_is_the_gradients_support(specs, pool, data):
    rng = np.random.default_rng(0)
    layers = []
    for k, s, p in specs:
        layers += [Conv2D(1, 1, (k, k + 1), stride=s, pad=min(p, k - 1), rng=rng, dtype=np.float64), ReLU()]
        layers[-2].params["w"] = np.abs(layers[-2].params["w"]) + 0.1
    layers += [MaxPool2D(1, 2)] if pool else []  # a window of one pixel hides nothing
    net, image = Sequential(layers), np.ones((23, 29, 1))
    height, width, _ = net.output_shapes(image.shape)[-1]
    row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    gradient = explain.guided_backprop(net, image, len(layers) - 1, (row, col, 0))[..., 0]
    inside = np.zeros(gradient.shape, bool)
    top, left, bottom, right = explain.field_on_image(explain.geometry(net, len(layers) - 1), row, col, *gradient.shape)
    inside[top:bottom, left:right] = True
    if all(s <= k for k, s, _ in specs) and not pool:  # with larger strides a field has holes
        assert np.array_equal(gradient > 0, inside)
    rows, cols = np.nonzero(gradient)
    assert (rows.min(), cols.min(), rows.max() + 1, cols.max() + 1) == (top, left, bottom, right)


@pytest.mark.parametrize("shape", [(17, 20, 1), (16, 21, 1)])
@pytest.mark.parametrize("neuron", [(0, 0, 0), (2, 3, 0)])
def test_keras_layers_of_all_kinds(shape, neuron):
    layers = keras.layers
    x = inputs = keras.Input(shape)
    for layer in (
        layers.Conv2D(1, (3, 4), strides=2, padding="same", activation="relu"),
        layers.ZeroPadding2D(((1, 2), (0, 1))),
        layers.AveragePooling2D((2, 3), strides=1, padding="same"),
        layers.Dropout(0.5),
        layers.Conv2D(1, 2, dilation_rate=2, name="last"),
    ):
        x = layer(x)
    model = keras.Model(inputs, x)
    model.set_weights([np.abs(w) + 0.1 for w in model.get_weights()])
    gradient = explain.guided_backprop(model, np.ones(shape), "last", neuron)[..., 0]
    rows, cols = np.nonzero(gradient)
    box = explain.field_on_image(explain.geometry(model, "last"), *neuron[:2], *shape[:2])
    assert (rows.min(), cols.min(), rows.max() + 1, cols.max() + 1) == box


def test_what_has_no_field_is_named():
    with pytest.raises(ValueError, match="a Flatten layer"):
        explain.geometry(Sequential([ReLU(), Flatten()]), 1)
    with pytest.raises(ValueError, match="no layer 2"):
        explain.geometry(Sequential([ReLU(), Flatten()]), 2)
    inputs = keras.Input((None, None, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 3, strides=2, padding="same")(inputs))
    with pytest.raises(ValueError, match="depends on the image"):
        explain.geometry(model, 1)


# --- what is really read of an image, by changing its pixels ---------------------------------------------------------


def taps(at, steps, size):
    """The rows that row `at` reads, found by asking for every row whether a change of it arrives: one image a row."""
    x = np.concatenate([np.zeros((1, size)), np.eye(size)])
    for k, stride, before, after in steps:
        x = np.pad(x, ((0, 0), (before, after)))
        starts = range(0, x.shape[1] - k + 1, stride)
        x = np.stack([x[:, s : s + k].sum(axis=1) for s in starts], axis=1) if len(starts) else x[:, :0]
    return [] if at >= x.shape[1] else np.flatnonzero(x[1:, at] != x[0, at]).tolist()


windows = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.integers(0, 3))


@given(
    st.lists(windows, min_size=1, max_size=4),
    st.lists(windows, min_size=4, max_size=4),
    st.tuples(st.integers(1, 14), st.integers(1, 14)),
    st.tuples(st.integers(0, 7), st.integers(0, 7)),
)
def test_the_field_on_an_image_is_what_a_change_of_its_pixels_reaches(rows, cols, sides, neuron):
    layers = [((k, m), (s, t), ((a, b), (c, d))) for (k, s, a, b), (m, t, c, d) in zip(rows, cols, strict=False)]
    found = [taps(at, steps[: len(layers)], n) for at, steps, n in zip(neuron, (rows, cols), sides, strict=True)]
    if all(found):
        (top, *_, bottom), (left, *_, right) = (2 * part for part in found)
        assert explain.field_on_image(layers, *neuron, *sides) == (top, left, bottom + 1, right + 1)
    else:
        with pytest.raises(ValueError, match="sees none of"):
            explain.field_on_image(layers, *neuron, *sides)


def test_pixels_that_a_stride_leaves_over_and_neurons_of_padding():
    strided = [(3, 2, 0), (3, 1, 1)]  # 6 rows: the first layer has two neurons, and row 5 is read by none
    assert explain.receptive_field(strided, 1, 1)[2] == 7
    assert explain.field_on_image(strided, 1, 1, 6, 6) == (0, 0, 5, 5)
    padding = [(3, 1, 0), (1, 1, 1)]  # the first neuron of the second layer lies beside the first layer's
    assert explain.receptive_field(padding, 0, 1) == (-1, 0, 2, 3)
    for row, col in ((0, 1), (1, 0), (9, 1)):
        with pytest.raises(ValueError, match="sees none of 8 pixels"):
            explain.field_on_image(padding, row, col, 8, 8)


def test_layers_may_be_a_networks_own():
    rng = np.random.default_rng(0)
    layers = [Conv2D(1, 1, (3, 5), stride=2, pad=1, rng=rng), ReLU(), MaxPool2D(2, 1)]
    assert explain.receptive_field(layers, 1, 2) == explain.receptive_field([((3, 5), 2, 1), (2, 1, 0)], 1, 2)
    assert explain.receptive_field([keras.layers.ReLU(), keras.layers.ZeroPadding2D(3)], 3, 4) == (0, 1, 1, 2)


def test_padding_behind_makes_neurons_and_padding_before_does_not():
    for pads, seen in (((0, 2), (3, 4)), ((2, 0), (1, 4)), ((1, 1), (2, 4))):  # 4 rows in, 4 out: the last of them
        assert explain.field_on_image([(3, 1, (pads, (0, 0)))], 3, 0, 4, 3) == (seen[0], 0, seen[1], 3)
    with pytest.raises(ValueError, match="sees none"):
        explain.field_on_image([(3, 1, ((0, 2), (0, 0)))], 4, 0, 4, 3)


def test_layers_may_come_one_by_one():
    layers = [(3, 1, 1), (2, 2, 0), (5, 1, 0)]
    assert explain.receptive_field(iter(layers), 2, 2) == explain.receptive_field(layers, 2, 2) == (3, 3, 15, 15)
    assert explain.field_on_image(iter(layers), 0, 0, 20, 20) == (0, 0, 11, 11)
    assert explain.receptive_field(layers[:2], np.uint8(200), np.uint8(200)) == (399, 399, 403, 403)
