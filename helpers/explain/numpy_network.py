"""The passes through a `helpers.network.Sequential`, on copies of its layers that share the weights."""

import copy
from operator import attrgetter

import numpy as np

from helpers.explain.questions import places
from helpers.network import Conv2D, MaxPool2D, ReLU, Sequential, to_inputs

layers = attrgetter("layers")  # of a model


class RuleReLU(ReLU):
    """A ReLU that hands down rule(z, delta, positive)."""

    rule = None

    def forward(self, z):
        self.z = z
        return np.maximum(z, 0)

    def backward(self, dout):
        return self.rule(self.z, dout, lambda a: a > 0)


def gradients(model, last: int | None, rules: list, *, start: int = 0, also: int = -1):
    """Return what `keras_network.gradients` does."""

    def send_back(x: np.ndarray, neurons) -> tuple[np.ndarray, np.ndarray]:
        part = model.layers[start : None if last is None else last + 1]
        steps = [RuleReLU() if isinstance(step, ReLU) else copy.copy(step) for step in part]
        outs = [x if start else to_inputs(x)]
        for step in steps:
            outs.append(step.forward(outs[-1]))
        dout = np.zeros_like(outs[-1])
        for n, place in enumerate(places(neurons, dout.shape[1:], last)):
            dout[(n, *place)] = 1
        return np.stack([_backward(steps, dout, rule) for rule in rules]), outs[also + 1]

    return send_back


def activations(model, images: np.ndarray, index: int) -> np.ndarray:
    """Return the output of layer `index`, (N, ...)."""
    return Sequential(model.layers[: index + 1]).predict(to_inputs(images))


def geometry(layer) -> list[tuple]:
    """Return [(kernel, stride, pad)] of a layer, and nothing of one that moves nothing; ValueError for all others."""
    if isinstance(layer, Conv2D):
        return [(layer.params["w"].shape[:2], layer.stride, layer.pad)]
    if isinstance(layer, MaxPool2D):
        return [(layer.window, layer.stride, 0)]
    if isinstance(layer, ReLU):
        return []
    raise ValueError(f"Behind a {type(layer).__name__} layer a neuron has no receptive field in rows and columns.")


def clone(model):
    """Return a copy whose weights can be changed by `set_weights`; the arrays are replaced, never written into."""
    return type(model)([copy.copy(layer) for layer in model.layers], model.input_shape)


def weights(layer) -> list[np.ndarray]:
    """Return the layer's kernel and biases, or nothing."""
    return list(layer.params.values())


def set_weights(layer, arrays: list[np.ndarray]) -> None:
    """Put arrays such as `weights` returns into the layer."""
    layer.params = dict(zip(layer.params, arrays, strict=True))


def _backward(steps: list, dout: np.ndarray, rule) -> np.ndarray:
    for step in reversed(steps):
        step.rule = rule  # of which only a RuleReLU takes notice
        dout = step.backward(dout)
    return dout
