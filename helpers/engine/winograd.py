"""Correlation with kernels of three rows in half the multiplications: four rows of the output from six of the input.

Three weights g against six numbers d give four outputs by 12 multiplications; Winograd's identity

    [d_0 g_0 + d_1 g_1 + d_2 g_2, ..., d_3 g_0 + d_4 g_1 + d_5 g_2] = A^T ((G g) . (B^T d))

needs 6, between sums that cost little. Here d are whole rows of an image, and what stands for a multiplication is a
matrix product over the kernel's columns and the channels. Source: Winograd (1980); Lavin and Gray (2016), F(4, 3).
"""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers.convolution import sliding_windows
from helpers.engine.memory import buffer

ROWS = 4  # of the output, from one tile of SIDE rows of the input
SIDE = ROWS + 2
B_T = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
A_T = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])


def transform_kernel(w: np.ndarray) -> np.ndarray:
    """Return G w, (6, KW*C, F), of kernels w (3, KW, C, F)."""
    return np.tensordot(G.astype(w.dtype), w, 1).reshape(SIDE, -1, w.shape[3])


def tiles_of(rows: np.ndarray) -> np.ndarray:
    """View rows (H, W, C) as tiles of six, (T, 6, W*C), of which each shares two rows with the next; no copy."""
    return sliding_window_view(rows.reshape(len(rows), -1), SIDE, axis=0)[::ROWS].transpose(0, 2, 1)


def strips(image: np.ndarray, top: int, bottom: int, tiles: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first row, tiles) for strips that give `tiles` times four rows each, from `top` to at least `bottom`.

    image: (H, W, C). The tiles are views of it, but for a strip that reaches below it: there the rows missing are 0.
    """
    step = ROWS * tiles
    inside = tiles_of(image[top:]) if len(image) - top >= SIDE else ()
    for k, a in enumerate(range(top, bottom, step)):
        if a + step + 2 <= len(image):
            yield a, inside[k * tiles : (k + 1) * tiles]
            continue
        rows = buffer("last rows", (step + 2, *image.shape[1:]), image.dtype)
        rows[: len(image) - a], rows[len(image) - a :] = image[a:], 0
        yield a, tiles_of(rows)


class Strip:
    """What is made of T tiles of rows (T, 6, W*C), as `tiles_of` gives them; its arrays are buffers."""

    def __init__(self, name: str, tiles: int, width: int, channels: int, kw: int, dtype) -> None:
        self._name, self._turn, self._back = name, B_T.astype(dtype), A_T.astype(dtype)
        self._width = width - kw + 1  # W', of the output
        whole = -(-self._width // kw) * kw
        sums = buffer((name, "sums"), (tiles, SIDE, whole + kw - 1, channels), dtype)
        sums[:, :, width:] = 0
        self._sums = sums[:, :, :width].reshape(tiles, SIDE, -1)
        self._windows = sliding_windows(sums, (1, kw))[:, :, :, 0]  # (T, 6, whole, KW, C)

    def take(self, tiles: np.ndarray) -> "Strip":
        """Make B^T d of the tiles, which the other methods then use."""
        np.matmul(self._turn, tiles, out=self._sums)
        return self

    def correlate(self, kernel: np.ndarray, bias: np.ndarray | float = 0) -> np.ndarray:
        """Return the correlation (4T, W', F) with a kernel that `transform_kernel` made, plus a bias (F,).

        A window's KW*C numbers lie side by side, and so do those of the KW-th window after it: every KW-th window make
        a matrix as it lies there, and KW products make all, without a copy.
        """
        tiles, _, whole, kw, _ = self._windows.shape
        filters = kernel.shape[2]
        products = buffer("products", (tiles, SIDE, whole, filters), kernel.dtype)
        matrices = [a.reshape(tiles, SIDE, whole // kw, kw, -1).swapaxes(2, 3) for a in (self._windows, products)]
        np.matmul(matrices[0], kernel[:, None], out=matrices[1])
        products[:, 1] += bias  # the second column of A^T is (1, 1, 1, 1): what is added here is added to four rows
        out = buffer((self._name, "correlation"), (tiles, ROWS, whole * filters), kernel.dtype)
        np.matmul(self._back, products.reshape(tiles, SIDE, -1), out=out)
        return out.reshape(tiles * ROWS, whole, filters)[:, : self._width]

    def gradients(self, dout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return dL/d(transformed kernel), (6, KW*C, F), and dL/d(bias), (F,), from dout (4T, W'*F)."""
        tiles, _, _, kw, channels = self._windows.shape
        filters = dout.shape[1] // self._width
        spread = buffer("spread", (tiles, SIDE, 1, self._width, filters), dout.dtype)
        np.matmul(self._back.T, dout.reshape(tiles, ROWS, -1), out=spread.reshape(tiles, SIDE, -1))
        gradients = buffer("gradients", (tiles, SIDE, kw, channels, filters), dout.dtype)
        np.matmul(self._windows[:, :, : self._width].transpose(0, 1, 3, 4, 2), spread, out=gradients)
        # The second row of A is (1, 1, 1, 1): there `spread` already holds the sums of four rows.
        db = spread[:, 1].reshape(-1, filters).sum(axis=0)
        return gradients.sum(axis=0).reshape(SIDE, kw * channels, filters), db


def gradient_of_weights(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return dL/dw of kernels of `shape` (3, KW, C, F) from dL/d(G w): G^T times it."""
    return np.tensordot(G.T.astype(gradient.dtype), gradient, 1).reshape(shape)
