"""The layers of the report's network: the mathematics is in functions, a layer only remembers.

Each layer has `forward(x)`, and `backward(dout)`, which takes dL/dout, leaves dL/dparams in `grads` and returns dL/dx.
`params` and `grads` are dictionaries of arrays.
"""

import copy

import numpy as np

from helpers import _checks
from helpers.convolution import conv2d_backward, conv2d_forward, kaiming_normal, output_size
from helpers.pooling import max_pool2d_backward, max_pool2d_forward


class Layer:
    """What all layers share: parameters, their gradients, and a memory from forward to backward."""

    need_dx = True  # an engine's first layer leaves dL/dx out where nobody needs it

    def __init__(self) -> None:
        self.params: dict[str, np.ndarray] = {}
        self.grads: dict[str, np.ndarray] = {}

    @property
    def cache(self):
        """What `forward` left for `backward`; RuntimeError before a forward pass."""
        if not hasattr(self, "_cache"):
            raise RuntimeError(f"{type(self).__name__}.backward needs a forward pass first.")
        return self._cache

    @cache.setter
    def cache(self, value) -> None:
        self._cache = value

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return what `forward` returns, and remember nothing: a copy of the layer does."""
        return copy.copy(self).forward(x)

    def update(self, rule, velocity: dict[str, np.ndarray]) -> None:
        """Call rule(parameter, gradient, velocity), which changes the parameter; RuntimeError without gradients."""
        if self.params and not self.grads:
            name = type(self).__name__
            raise RuntimeError(f"{name} has no gradients to step by: call backward first.")
        for name, param in self.params.items():
            rule(param, self.grads[name], velocity.get(name))

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one output, without the batch axis, from the shape of one input."""
        return shape

    @property
    def size(self) -> int:
        """How many parameters the layer has."""
        return sum(param.size for param in self.params.values())


class Conv2D(Layer):
    """Cross-correlation with `out_channels` kernels, drawn by `kaiming_normal`; biases start at 0.

    `kernel_size` is one number or (KH, KW). Without an rng all weights are 0.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int] = 3,
        stride: int = 1,
        pad: int = 0,
        *,
        rng: np.random.Generator | None,
        dtype=np.float32,
    ) -> None:
        super().__init__()
        kh, kw = _checks.pair(kernel_size)
        _checks.size_of_window(max(kh, kw), max(kh, kw), stride, pad)
        self.stride, self.pad = stride, pad
        shape = kh, kw, in_channels, out_channels
        self.params["w"] = _drawn(shape, rng, dtype)
        self.params["b"] = np.zeros(out_channels, dtype)

    def forward(self, x):
        w, b = self.params["w"], self.params["b"]
        out, self.cache = conv2d_forward(x, w, b, self.stride, self.pad)
        return out

    def backward(self, dout):
        dx, dw, db = conv2d_backward(dout, self.cache)
        self.grads = {"w": dw, "b": db}
        return dx

    def output_shape(self, shape):
        kh, kw, channels, filters = self.params["w"].shape
        _checks.images_of(shape, channels, "This Conv2D")
        sizes = zip(shape[:2], (kh, kw), strict=True)
        return (*(output_size(n, k, self.stride, self.pad) for n, k in sizes), filters)


class ReLU(Layer):
    """max(0, x), with the derivative 0 at 0. Source: Nair and Hinton (2010)."""

    def forward(self, x):  # exercise 3.4
        self.cache = x > 0
        return np.maximum(x, 0)

    def backward(self, dout):  # exercise 3.4
        return dout * self.cache


class MaxPool2D(Layer):
    """The maximum of each window; windows overlap where `stride` is smaller than `size`."""

    def __init__(self, size=2, stride=1) -> None:
        super().__init__()
        _checks.whole_numbers(size=size, stride=stride)
        self.window, self.stride = size, stride

    def forward(self, x):
        out, self.cache = max_pool2d_forward(x, self.window, self.stride)
        return out

    def backward(self, dout):
        return max_pool2d_backward(dout, self.cache)

    def output_shape(self, shape):
        _checks.images_of(shape, "C", "Pooling")
        return (*(output_size(n, self.window, self.stride) for n in shape[:2]), shape[2])


class Flatten(Layer):
    """(N, H, W, C) to (N, H*W*C), rows first and channels last."""

    def forward(self, x):
        self.cache = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dout):
        return dout.reshape(self.cache)

    def output_shape(self, shape):
        return (int(np.prod(shape)),)


class Dense(Layer):
    """x w + b, with w (D, M) drawn from N(0, 1/D) and b (M,) = 0; without an rng w is 0, too.

    With out = x w + b and dout = dL/dout: dL/dw = x^T dout, dL/db = the sum of dout over the images, dL/dx = dout w^T.
    Source of the scale: LeCun et al. (1998), section 4.6.
    """

    def __init__(self, in_features, out_features, *, rng, dtype=np.float32) -> None:
        super().__init__()
        self.params["w"] = _drawn((in_features, out_features), rng, dtype, gain=1)
        self.params["b"] = np.zeros(out_features, dtype)

    def forward(self, x):  # exercise 3.3
        _checks.features(x.shape, len(self.params["w"]))
        self.cache = x
        return x @ self.params["w"] + self.params["b"]

    def backward(self, dout):  # exercise 3.3
        x, w = self.cache, self.params["w"]
        _checks.gradient(dout, (len(x), w.shape[1]))
        self.grads = {"w": x.T @ dout, "b": dout.sum(axis=0)}
        return dout @ w.T

    def output_shape(self, shape):
        _checks.features((None, *shape), len(self.params["w"]))
        return self.params["w"].shape[1:]


def _drawn(shape, rng, dtype, gain=2) -> np.ndarray:
    """Return drawn weights; 0 without an rng: they are about to be loaded, and cost no time."""
    _checks.weights(shape, dtype)
    return np.zeros(shape, dtype) if rng is None else kaiming_normal(shape, rng=rng, dtype=dtype, gain=gain)


class Sequential:
    """Layers in a row; the output of the last are the logits.

    Several threads may `predict` with one network; `forward` and `backward` are for one thread.
    """

    def __init__(self, layers: list[Layer], input_shape: tuple | None = None) -> None:
        _checks.require(layers, "A network needs at least one layer.")
        self.layers, self.input_shape = list(layers), input_shape
        self.steps = self.layers  # what a batch goes through: an engine puts quicker ones here

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the logits (N, K) of inputs x (N, H, W, C), and remember what `backward` needs."""
        for step in self.steps:
            x = step.forward(x)
        return x

    def backward(self, dout: np.ndarray, *, need_dx: bool = True) -> np.ndarray | None:
        """Return dL/dx from dout = dL/dlogits (N, K), and leave each layer's gradients in `grads`.

        Training has no use for dL/dx: without `need_dx` None is returned, and an engine skips it.
        """
        self.steps[0].need_dx = need_dx
        for step in reversed(self.steps):
            dout = step.backward(dout)
        return dout if need_dx else None

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the logits (N, K), remembering nothing."""
        for step in self.steps:
            x = step.predict(x)
        return x

    @property
    def classes(self) -> int:
        """How many logits the network has; ValueError where no layer has parameters."""
        sizes = [layer.params["b"].size for layer in self.layers if layer.params]
        _checks.require(sizes, "This network has no layer with parameters, and so no classes.")
        return sizes[-1]

    @property
    def size(self) -> int:
        """How many parameters the network has."""
        return sum(layer.size for layer in self.layers)

    def output_shapes(self, input_shape: tuple | None = None) -> list[tuple]:
        """Return the shape of one image after each layer, without the batch axis."""
        shape = input_shape or self.input_shape
        _checks.require(shape, "Give the shape of one input, such as (224, 224, 3).")
        shapes = [shape]
        for layer in self.layers:
            shapes.append(layer.output_shape(shapes[-1]))
        return shapes[1:]

    def state(self) -> dict[str, np.ndarray]:
        """Return all parameters by name, "<number of the layer>.<w or b>": not copies."""
        own = [(k, layer.params.items()) for k, layer in enumerate(self.layers)]
        return {f"{k}.{name}": param for k, items in own for name, param in items}

    def set_state(self, arrays, *, copy: bool = True) -> None:
        """Take the parameters from a mapping such as `state` gives; ValueError, and no change, when one does not fit.

        Without `copy`, arrays of the right type become the network's own.
        """
        _checks.state(arrays, self.state())
        for k, layer in enumerate(self.layers):
            for name, param in layer.params.items():
                layer.params[name] = arrays[f"{k}.{name}"].astype(param.dtype, copy=copy)
