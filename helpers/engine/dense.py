"""A dense layer in blocks of rows: its weights fill 1.56 GB in the report's network, and so would their gradient.

The blocks fit the cache and are shared between the cores. The gradient is made block by block, just when `update` uses
it; only who asks for `grads` gets it whole.
"""

from functools import partial

import numpy as np

from helpers import _checks, layers
from helpers.engine.memory import buffer, fresh
from helpers.engine.threads import in_threads, unpacked

ROWS = 4096  # of a block: 2 MB at 128 outputs


class Dense(layers.Dense):
    """`helpers.layers.Dense`, quicker. Its gradients are gone when the next images come: they are made of these."""

    def __init__(self, in_features, out_features, *, rng, dtype=np.float32) -> None:
        super().__init__(in_features, out_features, rng=rng, dtype=dtype)
        self.empty = fresh  # gives the memory for dL/dx: in a network, that of the batch before

    def _over_blocks(self, work) -> None:
        """Call work(rows) for every block of rows, on every core."""
        rows = len(self.params["w"])

        def share(starts) -> None:
            for start in starts:
                work(slice(start, min(start + ROWS, rows)))

        in_threads(share, range(0, rows, ROWS))

    def forward(self, x):
        w, b = self.params["w"], self.params["b"]
        _checks.features(x.shape, len(w))
        self.cache, self.grads = x, {}
        parts = np.empty((-(-len(w) // ROWS), len(x), len(b)), np.result_type(x, w))
        self._over_blocks(lambda rows: _product(x[:, rows], w[rows], out=parts[rows.start // ROWS]))
        return parts.sum(axis=0) + b  # in one order: the same sum on any number of cores

    def backward(self, dout):
        x, w = self.cache, self.params["w"]
        _checks.gradient(dout, (len(x), w.shape[1]))
        self._pulled = x, np.array(dout)  # a copy: the gradients are made of it later
        dx, turned = self.empty("dx", x.shape, x.dtype), np.ascontiguousarray(dout.T)
        self._over_blocks(lambda rows: _product_turned(w[rows], turned, out=dx[:, rows]))
        return dx

    def update(self, rule, velocity):
        if self._pulled is None:
            return super().update(rule, velocity)
        x, dout = self._pulled
        self._over_blocks(partial(self._update_block, rule, velocity.get("w"), x, dout))
        rule(self.params["b"], dout.sum(axis=0), velocity.get("b"))

    def _update_block(self, rule, velocity, x, dout, rows: slice) -> None:
        grad = buffer("grad", (rows.stop - rows.start, dout.shape[1]), np.result_type(x, dout))
        _outer(x[:, rows], dout, grad)
        rule(self.params["w"][rows], grad, None if velocity is None else velocity[rows])

    @property
    def grads(self):
        if self._pulled is None:
            return self._given
        x, dout = self._pulled
        return {"w": x.T @ dout, "b": dout.sum(axis=0)}

    @grads.setter
    def grads(self, value):
        self._pulled, self._given = None, value


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
    pieces = buffer("pieces", (len(w) // piece, *out.shape), out.dtype)
    np.matmul(x.reshape(len(x), -1, piece).transpose(1, 0, 2), w.reshape(-1, piece, w.shape[1]), out=pieces)
    pieces.sum(axis=0, out=out)


def _product_turned(w: np.ndarray, dout: np.ndarray, out: np.ndarray) -> None:
    """Write (w dout)^T, (N, in), of a block w (in, out), dout (out, N): dL/dx; in pieces as in `_product`."""
    piece = _piece(len(w), dout.size)
    if not piece:
        np.matmul(dout.T, w.T, out=out)
        return
    pieces = buffer("turned", (len(w) // piece, piece, dout.shape[1]), out.dtype)
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
