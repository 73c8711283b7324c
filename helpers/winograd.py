"""Correlation with kernels of three rows in half the multiplications: four rows of the output from six of the input.

Three weights g against six numbers d give four outputs by 12 multiplications; Winograd's identity

    [d_0 g_0 + d_1 g_1 + d_2 g_2, ..., d_3 g_0 + d_4 g_1 + d_5 g_2] = A^T ((G g) . (B^T d))

needs 6, between sums that cost little. Here d are whole rows of an image, and what stands for a multiplication is a
matrix product over the kernel's columns and the channels. Source: Winograd (1980); Lavin and Gray (2016), F(4, 3).
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers.convolution import sliding_windows
from helpers.threads import scratch

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


class Tiles:
    """A strip of rows (4T+2, W, C), to be filled by the caller, and what is made of it. Its arrays are scratch."""

    def __init__(self, name: str, tiles: int, width: int, channels: int, kw: int, dtype) -> None:
        self.rows = scratch((name, "rows"), (ROWS * tiles + 2, width, channels), dtype)
        flat = self.rows.reshape(len(self.rows), -1)
        self._tiles = sliding_window_view(flat, SIDE, axis=0)[::ROWS].transpose(
            0, 2, 1
        )  # (T, 6, W*C): two rows overlap
        self._sums = scratch((name, "sums"), self._tiles.shape, dtype)
        sums = self._sums.reshape(tiles, SIDE, width, channels)
        self._windows = sliding_windows(sums, (1, kw))[:, :, :, 0]  # (T, 6, W', KW, C)
        self._columns = scratch((name, "columns"), self._windows.shape, dtype)
        self.shape = (*self._windows.shape[:3], kw * channels)

    def columns(self) -> np.ndarray:
        """Return B^T d, tile by tile, with KW neighbours side by side: (T, 6, W', KW*C)."""
        np.matmul(B_T.astype(self.rows.dtype), self._tiles, out=self._sums)
        np.copyto(self._columns, self._windows)
        return self._columns.reshape(self.shape)

    def correlate(self, kernel: np.ndarray) -> np.ndarray:
        """Return the correlation (4T, W', F) of the rows with a kernel that `transform_kernel` made."""
        tiles, _, width, _ = self.shape
        products = scratch("products", (tiles, SIDE, width, kernel.shape[2]), kernel.dtype)
        np.matmul(self.columns(), kernel, out=products)
        out = scratch("correlation", (tiles, ROWS, width * kernel.shape[2]), kernel.dtype)
        np.matmul(A_T.astype(kernel.dtype), products.reshape(tiles, SIDE, -1), out=out)
        return out.reshape(tiles * ROWS, width, -1)

    def gradients(self, dout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return dL/d(transformed kernel), (6, KW*C, F), and dL/d(bias), (F,), from dout (4T, W', F)."""
        (tiles, _, width, columns), filters = self.shape, dout.shape[2]
        spread = scratch("spread", (tiles, SIDE, width * filters), dout.dtype)
        np.matmul(A_T.T.astype(dout.dtype), dout.reshape(tiles, ROWS, -1), out=spread)
        gradients = scratch("gradients", (tiles, SIDE, columns, filters), dout.dtype)
        np.matmul(self.columns().transpose(0, 1, 3, 2), spread.reshape(tiles, SIDE, width, -1), out=gradients)
        # The second row of A is (1, 1, 1, 1): there `spread` already holds the sums of four rows.
        return gradients.sum(axis=0), spread[:, 1].reshape(-1, filters).sum(axis=0)


def gradient_of_weights(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return dL/dw of kernels of `shape` (3, KW, C, F) from dL/d(G w): G^T times it."""
    return np.tensordot(G.T.astype(gradient.dtype), gradient, 1).reshape(shape)
