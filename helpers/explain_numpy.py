"""The passes through a `helpers.network.Sequential` that `helpers.explain` is made of.

Copies of the layers share their weights and keep caches and gradients of their own, so the network stays as it was.
"""

import copy
from collections.abc import Callable

import numpy as np

from helpers.layers import ReLU
from helpers.training import to_inputs

Target = Callable[[tuple[int, ...]], tuple[int, ...]]


def changed_copy(model, last: int | None, rule: str):
    """Return f(image, target) for the layers up to `last`, None for all: d output[target] / d image by `rule`."""
    layers = model.layers if last is None else model.layers[: last + 1]

    def gradient(image: np.ndarray, target: Target) -> np.ndarray:
        steps, out = _forward(layers, to_inputs(image)[None])
        return _backward(steps, _one_at(out, target), rule)[0]

    return gradient


def activation_and_gradient(model, image: np.ndarray, index: int, target: Target) -> tuple[np.ndarray, np.ndarray]:
    """Return the output A of layer `index` and d score[target(shape)] / dA, both without the batch axis."""
    _, activation = _forward(model.layers[: index + 1], to_inputs(image)[None])
    steps, scores = _forward(model.layers[index + 1 :], activation)
    return activation[0], _backward(steps, _one_at(scores, target), "gradient")[0]


def _forward(layers: list, x: np.ndarray) -> tuple[list, np.ndarray]:
    steps = [copy.copy(layer) for layer in layers]
    for step in steps:
        x = step.forward(x)
    return steps, x


def _backward(steps: list, dout: np.ndarray, rule: str) -> np.ndarray:
    for step in reversed(steps):
        if isinstance(step, ReLU) and rule != "gradient":
            dout = np.maximum(dout, 0)
        if not (isinstance(step, ReLU) and rule == "deconvnet"):
            dout = step.backward(dout)
    return dout


def _one_at(out: np.ndarray, target: Target) -> np.ndarray:
    dout = np.zeros_like(out)
    dout[(0, *target(out.shape[1:]))] = 1
    return dout
