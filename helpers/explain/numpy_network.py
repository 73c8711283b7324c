"""The passes through a `helpers.network.Sequential` that `helpers.explain.maps` is made of.

Copies of the layers share their weights and keep caches and gradients of their own, so the network stays as it was.
"""

import copy
from collections.abc import Callable, Sequence

import numpy as np

from helpers.layers import ReLU
from helpers.training import to_inputs

Targets = Callable[[tuple[int, ...]], Sequence[tuple[int, ...]]]


def changed_copy(model, last: int | None, rules: Sequence[str], *, compiled: bool, also: int = -1):
    """Return f(images, targets) for the layers up to `last`, None for all; there is nothing to compile.

    It gives d output[n, *targets(shape)[n]] / d images[n] for every n by each rule, (R, N, H, W, C), after one pass
    forward, and the output of layer `also`.
    """
    layers = model.layers if last is None else model.layers[: last + 1]

    def gradient(images: np.ndarray, targets: Targets) -> tuple[np.ndarray, np.ndarray]:
        first, middle = _forward(layers[: also + 1], to_inputs(images))
        rest, out = _forward(layers[also + 1 :], middle)
        dout = _ones_at(out, targets)
        return np.stack([_backward([*first, *rest], dout, rule) for rule in rules]), middle

    return gradient


def activations(model, images: np.ndarray, index: int) -> np.ndarray:
    """Return the output of layer `index`, (N, ...)."""
    return _forward(model.layers[: index + 1], to_inputs(images))[1]


def score_gradients(model, activation: np.ndarray, index: int, targets: Targets) -> np.ndarray:
    """Return d score[n, *targets(shape)[n]] / d activation[n], where activation is the output of layer `index`."""
    steps, scores = _forward(model.layers[index + 1 :], activation)
    return _backward(steps, _ones_at(scores, targets), "gradient")


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


def _ones_at(out: np.ndarray, targets: Targets) -> np.ndarray:
    dout = np.zeros_like(out)
    for n, place in enumerate(targets(out.shape[1:])):
        dout[(n, *place)] = 1
    return dout
