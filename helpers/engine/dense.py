"""A dense layer in blocks: its weights fill 1.56 GB in the report's network, and so would their gradient.

The blocks fit the cache and are shared between the cores. The gradient is made block by block, just when `update` uses
it; only who asks for `grads` gets it whole. Where BLAS is quicker with small products, a block's is a stack of those
over its pieces, (pieces, inputs of one, ...); elsewhere the block is one piece.
"""

import numpy as np

from helpers import _checks, layers
from helpers.engine.memory import buffer, fresh
from helpers.engine.threads import in_threads, unpacked

ROWS = 2048  # of a block: 1 MB at 128 outputs; with fewer, threads wait more often for the interpreter's lock


class Dense(layers.Dense):
    """`helpers.layers.Dense`, quicker. Its gradients are gone when the next images come: they are made of these."""

    def __init__(self, in_features, out_features, *, rng, dtype=np.float32) -> None:
        super().__init__(in_features, out_features, rng=rng, dtype=dtype)
        self.empty = fresh  # gives the memory for dL/dx: in a network, that of the batch before
        if rng is not None:
            drawn, self.params["w"] = self.params["w"], fresh("w", (in_features, out_features), dtype)
            self.params["w"][...] = drawn  # now they begin where a line of the cache does

    def forward(self, x):
        w, b = self.params["w"], self.params["b"]
        _checks.features(x.shape, len(w))
        self.cache, self.grads = x, {}
        parts = np.empty((-(-len(w) // ROWS), len(x), len(b)), np.result_type(x, w))

        def work(rows: slice, of_x: np.ndarray, of_w: np.ndarray) -> None:
            part = parts[rows.start // ROWS]
            if len(x) == 1:  # a row by a matrix: np.matmul takes twice as long
                np.dot(x[0, rows], w[rows], out=part[0])
                return
            products = buffer("products", (len(of_w), *part.shape), part.dtype)
            np.matmul(of_x.transpose(0, 2, 1), of_w, out=products).sum(axis=0, out=part)

        self._over_blocks(work, x)
        return parts.sum(axis=0) + b  # in one order: the same sum on any number of cores

    def backward(self, dout):
        x, w = self.cache, self.params["w"]
        _checks.gradient(dout, (len(x), w.shape[1]))
        self._pulled = x, np.array(dout)  # a copy: the gradients are made of it later
        dx, turned = self.empty("dx", x.shape, x.dtype), np.ascontiguousarray(dout.T)
        self._over_blocks(lambda rows, of_dx, of_w: np.matmul(of_w, turned, out=of_dx), dx)
        return dx

    def update(self, rule, velocity):
        if self._pulled is None:
            return super().update(rule, velocity)
        x, dout = self._pulled
        multiply = np.matmul if len(x) > 1 else np.multiply  # a column by a row: np.matmul takes twice as long

        def work(rows: slice, of_x: np.ndarray, of_w: np.ndarray) -> None:
            grad = multiply(of_x, dout, out=buffer("grad", of_w.shape, np.result_type(x, dout)))
            rule(of_w, grad, velocity["w"][rows].reshape(of_w.shape) if velocity else None)

        self._over_blocks(work, x)
        rule(self.params["b"], dout.sum(axis=0), velocity.get("b"))

    def _over_blocks(self, work, x: np.ndarray) -> None:
        """Call work(rows, pieces of x^T, pieces of w) for each block of rows, on every core; x: (N, in), all views."""
        w = self.params["w"]

        def share(starts) -> None:
            for rows in (slice(start, min(start + ROWS, len(w))) for start in starts):
                piece = _piece(rows.stop - rows.start, len(x) * w.shape[1])
                of_x = x[:, rows].reshape(len(x), -1, piece).transpose(1, 2, 0)
                work(rows, of_x, w[rows].reshape(-1, piece, w.shape[1]))

        in_threads(share, range(0, len(w), ROWS))

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
    """Return how many of a block's inputs make a piece, at `sizes` multiplications an input."""
    piece = 1 << (max(1, unpacked() // sizes).bit_length() - 1)  # a power of two divides ROWS
    return piece if 32 <= piece < inputs and inputs % piece == 0 else inputs
