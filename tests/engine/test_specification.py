"""The engine against its specification, the plain layers: every gradient, at every size of a batch, and a training."""

import numpy as np
import pytest
from checking import assert_close

from helpers.network import SGD, report_cnn, softmax_cross_entropy


def rng(seed=0):
    return np.random.default_rng(seed)


def small(size, dtype=np.float64, *, fast=True):
    """The report's network for small images; the second biases are not 0."""
    model = report_cnn(size, 3, rng=rng(), fast=fast, dtype=dtype)
    model.layers[3].params["b"] += 0.1 * rng(1).standard_normal(64).astype(dtype)
    return model


def batch(size, count=4, dtype=np.float64, seed=5):
    return rng(seed).random((count, size, size, 3)).astype(dtype), rng(seed).integers(0, 3, count)


def gradients(model):
    return {f"{k}.{name}": grad for k, layer in enumerate(model.layers) for name, grad in layer.grads.items()}


def zeros_and_ties(count, size, dtype, seed=0):
    """Images with black areas, flat areas, single bright rows and pixels, and noise."""
    x = rng(seed).random((count, size, size, 3)).astype(dtype)
    for n in range(count):
        top, left = rng(seed + n).integers(0, size - 6, 2)
        x[n, top:, left : left + 9] = [0, 0, 0.75][n % 3]
        x[n, : top // 2] *= n % 2
        x[n, size // 2, :: 1 + n % 4] = 1
    return x


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("count", [1, 2, 7, 8, 10, 30])
def test_every_gradient_of_a_batch_is_the_plain_layers(count, dtype):
    """At every size at which the engine shares work out in another way; also those of the images that are black."""
    models = [small(20, dtype, fast=fast) for fast in (True, False)]
    x, labels = zeros_and_ties(count, 20, dtype), np.arange(count) % 3
    found = []
    for model in models:
        logits = model.forward(x)
        dx = model.backward(softmax_cross_entropy(logits, labels)[1])
        found.append({"logits": logits, "dx of each image": dx.sum(axis=(1, 2))} | gradients(model))
    for name, expected in found[1].items():
        assert_close(found[0][name], expected, scale=0)


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize(("images", "count"), [("noise", 8), ("black and flat", 3)])  # one by one, and in parts
def test_a_training_of_twenty_steps_is_the_plain_layers(dtype, tolerance, images, count):
    losses = []
    for fast in (True, False):
        model, optimizer = report_cnn(28, 3, rng=rng(), fast=fast, dtype=dtype), SGD(0.003)
        losses.append([])
        for step in range(20):
            x, labels = batch(28, count, dtype, seed=step)
            if images != "noise":
                x = zeros_and_ties(count, 28, dtype, seed=step)
            loss, dlogits = softmax_cross_entropy(model.forward(x), labels)
            model.backward(dlogits, need_dx=False)
            optimizer.step(model)
            losses[-1].append(loss)
    assert losses[0][-1] != losses[0][0]
    np.testing.assert_allclose(*losses, rtol=tolerance)


@pytest.mark.parametrize("wrong", [1e6, -257, np.nan, np.inf])
def test_the_engine_refuses_numbers_that_would_spoil_their_neighbours(wrong):
    x = batch(8)[0]
    x[1, 2, 3, 0] = wrong
    with pytest.raises(ValueError, match="hold numbers beyond 256 or that are none: scale them"):
        small(8, fast=True).predict(x)


def test_a_large_pixel_does_not_spoil_its_neighbours_on_the_plain_layers():
    x = batch(12, 1, np.float32)[0]
    model = small(12, np.float32, fast=False)
    expected, x[0, 0, 0] = model.layers[0].predict(x), 1e6
    found = model.layers[0].predict(x)
    assert np.abs(found - expected)[0, 3:].max() <= 1e-6


@pytest.mark.parametrize("largest", [1, 255])
def test_within_its_range_the_engine_is_exact_to_the_fifth_digit_of_the_largest_output(largest):
    quick, exact = small(24, np.float32), small(24, fast=False)
    exact.set_state(quick.state())
    x = batch(24, 1, np.float32)[0]
    x[0, ::5, ::7] = largest
    expected = x.astype(float)
    for layer in exact.layers[:6]:
        expected = layer.forward(expected)
    assert np.abs(quick.steps[0].predict(x) - expected).max() < 1e-5 * expected.max()
