"""The layers of the report's network. The mathematics is in pure functions; a layer only remembers.

Each layer has `apply(x) -> out, cache` and `pull(dout, cache) -> dx, grads`, which change nothing, and on top of them
`forward` and `backward`, which keep the cache and the gradients. `params` and `grads` are dictionaries of arrays.
"""

from collections.abc import Callable

import numpy as np

from helpers.convolution import (
    check_rng,
    check_weights,
    conv2d_backward,
    conv2d_forward,
    kaiming_normal,
    output_size,
)
from helpers.engine.threads import fresh, in_threads, scratch, unpacked
from helpers.pooling import max_pool2d_backward, max_pool2d_forward

# Rows of a dense layer's weights that are worked on at once: 2 MB at 128 outputs, so that they stay in the cache.
ROWS = 4096


class Layer:
    """What all layers share: `forward` remembers, `backward` uses it."""

    per_image = True  # images pass through it one by one, independently

    def __init__(self) -> None:
        self.params: dict[str, np.ndarray] = {}
        self.grads: dict[str, np.ndarray] = {}
        self._cache = None

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the layer's output and remember what `backward` needs."""
        out, self._cache = self.apply(x)
        return out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dL/dx from dout = dL/dout and keep dL/dparams in `grads`; RuntimeError before a forward pass."""
        if self._cache is None:
            raise RuntimeError(f"{type(self).__name__}.backward needs a forward pass first.")
        dx, self.grads = self.pull(dout, self._cache)
        return dx

    def visit_grads(self, update: Callable[[str, slice, np.ndarray], None], scale: float = 1.0) -> None:
        """Call `update(name, rows, scale * gradient of those rows)` for every parameter; `update` may write there.

        RuntimeError when there are no gradients.
        """
        if self.params and not self.grads:
            raise RuntimeError(f"{type(self).__name__} has no gradients to step by: call backward first.")
        for name, grad in self.grads.items():
            update(name, slice(None), grad * scale)

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one output, without the batch axis, from the shape of one input."""
        return shape

    @property
    def size(self) -> int:
        """How many parameters the layer has."""
        return sum(p.size for p in self.params.values())


class Conv2D(Layer):
    """Cross-correlation with `out_channels` kernels, drawn by `kaiming_normal`, 0 without an rng; biases start at 0."""

    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1, pad=0, *, rng, dtype=np.float32) -> None:
        super().__init__()
        kh, kw = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size, kernel_size)
        for k in (kh, kw):
            output_size(1 << 30, k, stride, pad)  # refuses what makes no sense now, not with the first image
        self.stride, self.pad = stride, pad
        shape = kh, kw, in_channels, out_channels
        check_weights(shape)
        self.params["w"] = np.zeros(shape, dtype) if rng is None else kaiming_normal(shape, rng=rng, dtype=dtype)
        self.params["b"] = np.zeros(out_channels, dtype)

    def apply(self, x):
        return conv2d_forward(x, self.params["w"], self.params["b"], self.stride, self.pad)

    def pull(self, dout, cache, *, need_dx=True):
        dx, dw, db = conv2d_backward(dout, cache, need_dx=need_dx)
        return dx, {"w": dw, "b": db}

    def output_shape(self, shape):
        kh, kw, channels, filters = self.params["w"].shape
        if len(shape) != 3 or shape[2] != channels:
            raise ValueError(f"This Conv2D takes images of {channels} channels, (H, W, {channels}), not {shape}.")
        return (*(output_size(n, k, self.stride, self.pad) for n, k in zip(shape, (kh, kw), strict=False)), filters)


class ReLU(Layer):
    """max(0, x), with derivative 0 at 0. Source: Nair and Hinton (2010)."""

    def apply(self, x):
        return np.maximum(x, 0), x > 0

    def pull(self, dout, cache):
        return dout * cache, {}


class MaxPool2D(Layer):
    """The maximum of each window; windows overlap where `stride` is smaller than `size`."""

    def __init__(self, size=2, stride=1) -> None:
        super().__init__()
        output_size(1 << 30, size, stride)
        self.window, self.stride = size, stride

    def apply(self, x):
        return max_pool2d_forward(x, self.window, self.stride)

    def pull(self, dout, cache):
        return max_pool2d_backward(dout, cache), {}

    def output_shape(self, shape):
        if len(shape) != 3:
            raise ValueError(f"Pooling takes images (H, W, C), not {shape}.")
        return (*(output_size(n, self.window, self.stride) for n in shape[:2]), shape[2])


class Flatten(Layer):
    """(N, H, W, C) to (N, H*W*C), rows first and channels last."""

    def apply(self, x):
        return x.reshape(len(x), -1), x.shape

    def pull(self, dout, cache):
        return dout.reshape(cache), {}

    def output_shape(self, shape):
        return (int(np.prod(shape)),)


class Dense(Layer):
    """x w + b, with w (in, out) drawn from N(0, 1/in) and b = 0. Source of the scale: LeCun et al. (1998), 4.6.

    Without an rng w is 0, which takes neither time nor memory until trained weights are loaded in its place.

    The weights of the report's network fill 1.56 GB. They are read in blocks of rows that fit the cache, shared between
    the cores; and so is their gradient, which is as large: `visit_grads` makes it block by block, just when it is
    used, and only `grads` makes it whole.
    """

    per_image = False

    def __init__(self, in_features, out_features, *, rng, dtype=np.float32) -> None:
        super().__init__()
        if min(in_features, out_features) < 1:
            raise ValueError(f"A dense layer takes and gives at least one number, not {in_features}, {out_features}.")
        if rng is None:
            self.params["w"] = np.zeros((in_features, out_features), dtype)
        else:
            check_rng(rng)
            self.params["w"] = rng.standard_normal((in_features, out_features), dtype=dtype)
            self.params["w"] *= np.sqrt(1 / in_features)
        self.params["b"] = np.zeros(out_features, dtype)

    def _blocks(self) -> list[slice]:
        rows = len(self.params["w"])
        return [slice(i, min(i + ROWS, rows)) for i in range(0, rows, ROWS)]

    def apply(self, x):
        w, b = self.params["w"], self.params["b"]
        if x.ndim != 2 or x.shape[1] != len(w):
            raise ValueError(f"This Dense takes (N, {len(w)}), not {x.shape}.")
        blocks = self._blocks()
        parts = np.empty((len(blocks), len(x), len(b)), np.result_type(x, w))

        def work(numbers):
            for k in numbers:
                _product(x[:, blocks[k]], w[blocks[k]], out=parts[k])

        in_threads(work, range(len(blocks)))
        return parts.sum(axis=0) + b, x

    def backward(self, dout, empty=fresh):
        if self._cache is None:
            raise RuntimeError("Dense.backward needs a forward pass first.")
        x, w = self._cache, self.params["w"]
        dout = np.array(dout)  # the gradients are made of it later
        if dout.shape != (len(x), w.shape[1]):
            raise ValueError(f"dout has the shape {dout.shape}, but the output had {(len(x), w.shape[1])}.")
        self._pulled = x, dout
        dx, turned = empty("dx", x.shape, x.dtype), np.ascontiguousarray(dout.T)

        def work(blocks):
            for rows in blocks:
                _product_turned(w[rows], turned, out=dx[:, rows])

        in_threads(work, self._blocks())
        return dx

    def visit_grads(self, update, scale=1.0):
        if self._pulled is None:
            return super().visit_grads(update, scale)
        x, dout = self._pulled
        dout = dout * scale  # here, where it is N x out numbers: the weights' gradient has 389 million

        def work(blocks):
            grad = scratch("grad", (min(ROWS, x.shape[1]), dout.shape[1]), np.result_type(x, dout))
            for rows in blocks:
                update("w", rows, _outer(x[:, rows], dout, grad[: rows.stop - rows.start]))

        in_threads(work, self._blocks())
        update("b", slice(None), dout.sum(axis=0))

    @property
    def grads(self):
        if self._pulled is None:
            return self._given
        x, dout = self._pulled
        return {"w": x.T @ dout, "b": dout.sum(axis=0)}

    @grads.setter
    def grads(self, value):
        self._pulled, self._given = None, value

    def output_shape(self, shape):
        if shape != self.params["w"].shape[:1]:
            raise ValueError(f"This Dense takes {len(self.params['w'])} features, not {shape}.")
        return self.params["w"].shape[1:]


def _piece(inputs: int, sizes: int) -> int:
    """Return into pieces of how many inputs a product of `sizes` multiplications an input is cut; 0: it is not cut."""
    piece = 1 << (max(1, unpacked() // sizes).bit_length() - 1)  # a power of two divides ROWS
    return piece if 32 <= piece < inputs and inputs % piece == 0 else 0


def _product(x: np.ndarray, w: np.ndarray, out: np.ndarray) -> None:
    """Write x w, (N, out), of a block x (N, in), w (in, out); where small products are quicker, as a sum of those."""
    if len(x) == 1:
        np.dot(x[0], w, out=out[0])  # a row by a matrix: np.matmul takes twice as long
        return
    piece = _piece(len(w), len(x) * w.shape[1])
    if not piece:
        np.matmul(x, w, out=out)
        return
    pieces = scratch("pieces", (len(w) // piece, *out.shape), out.dtype)
    np.matmul(x.reshape(len(x), -1, piece).transpose(1, 0, 2), w.reshape(-1, piece, w.shape[1]), out=pieces)
    pieces.sum(axis=0, out=out)


def _product_turned(w: np.ndarray, dout: np.ndarray, out: np.ndarray) -> None:
    """Write (w dout)^T, (N, in), of a block w (in, out), dout (out, N): dL/dx; in pieces as in `_product`."""
    piece = _piece(len(w), dout.size)
    if not piece:
        np.matmul(dout.T, w.T, out=out)
        return
    pieces = scratch("turned", (len(w) // piece, piece, dout.shape[1]), out.dtype)
    np.matmul(w.reshape(-1, piece, w.shape[1]), dout, out=pieces)
    out[...] = pieces.reshape(len(w), -1).T


def _outer(x: np.ndarray, dout: np.ndarray, grad: np.ndarray) -> np.ndarray:
    """Return x^T dout, (in, out), of a block x (N, in), written into `grad`; in pieces as in `_product`."""
    if len(x) == 1:
        return np.dot(x.T, dout, out=grad)  # np.matmul takes seven times as long for a column by a row
    piece = _piece(len(grad), dout.size)
    if not piece:
        return np.matmul(x.T, dout, out=grad)
    pieces = x.reshape(len(x), -1, piece).transpose(1, 2, 0)
    np.matmul(pieces, dout, out=grad.reshape(-1, piece, dout.shape[1]))
    return grad
