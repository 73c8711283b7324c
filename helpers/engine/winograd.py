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
from helpers.engine.threads import unpacked

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
        self._sums = buffer((name, "sums"), (tiles, SIDE, width, channels), dtype)
        self._windows = sliding_windows(self._sums, (1, kw))[:, :, :, 0]  # (T, 6, W', KW, C)

    def take(self, tiles: np.ndarray) -> "Strip":
        """Make B^T d of the tiles, which the other methods then use."""
        np.matmul(self._turn, tiles, out=self._sums.reshape(tiles.shape))
        return self

    def correlate(self, kernel: np.ndarray, bias: np.ndarray | float = 0) -> np.ndarray:
        """Return the correlation (4T, W', F) with a kernel that `transform_kernel` made, plus a bias (F,)."""
        tiles, _, width, *_ = self._windows.shape
        filters = kernel.shape[2]
        parts = max(1, -(-width * kernel[0].size // unpacked())) if unpacked() else 1  # of a row: small products
        across = -(-width // parts) * parts
        columns = self._columns(across)
        products = buffer("products", (tiles, SIDE, parts, across // parts, filters), kernel.dtype)
        np.matmul(columns.reshape(*products.shape[:4], -1), kernel[:, None], out=products)
        products[:, 1] += bias  # the second column of A^T is (1, 1, 1, 1): what is added here is added to four rows
        out = buffer((self._name, "correlation"), (tiles, ROWS, across * filters), kernel.dtype)
        np.matmul(self._back, products.reshape(tiles, SIDE, -1), out=out)
        return out.reshape(tiles * ROWS, across, filters)[:, :width]

    def gradients(self, dout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return dL/d(transformed kernel), (6, KW*C, F), and dL/d(bias), (F,), from dout (4T, W'*F)."""
        tiles, _, width, kw, channels = self._windows.shape
        filters = dout.shape[1] // width
        spread = buffer("spread", (tiles, SIDE, 1, width, filters), dout.dtype)
        np.matmul(self._back.T, dout.reshape(tiles, ROWS, -1), out=spread.reshape(tiles, SIDE, -1))
        gradients = buffer("gradients", (tiles, SIDE, kw, channels, filters), dout.dtype)
        if width * channels * filters <= unpacked():  # KW products of views: a column less to copy
            np.matmul(self._windows.transpose(0, 1, 3, 4, 2), spread, out=gradients)
        else:
            columns, whole = self._columns(width), (tiles, SIDE, kw * channels, filters)
            np.matmul(columns.transpose(0, 1, 3, 2), spread[:, :, 0], out=gradients.reshape(whole))
        # The second row of A is (1, 1, 1, 1): there `spread` already holds the sums of four rows.
        db = spread[:, 1].reshape(-1, filters).sum(axis=0)
        return gradients.sum(axis=0).reshape(SIDE, kw * channels, filters), db

    def _columns(self, across: int) -> np.ndarray:
        """Return B^T d with KW neighbours side by side, (T, 6, across, KW*C), and zeros after the last."""
        tiles, _, width, kw, channels = self._windows.shape
        columns = buffer((self._name, "columns"), (tiles, SIDE, across, kw, channels), self._sums.dtype)
        columns[:, :, :width] = self._windows
        columns[:, :, width:] = 0
        return columns.reshape(tiles, SIDE, across, kw * channels)


def gradient_of_weights(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return dL/dw of kernels of `shape` (3, KW, C, F) from dL/d(G w): G^T times it."""
    return np.tensordot(G.T.astype(gradient.dtype), gradient, 1).reshape(shape)
